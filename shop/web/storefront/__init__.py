"""The shop as buyers see it: home, shelves, origin, basket, checkout, the order's page."""

from flask import Blueprint

blueprint = Blueprint("storefront", __name__)
