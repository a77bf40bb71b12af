"""The cooperative's workplace, made for a phone between two fields."""

from flask import Blueprint

blueprint = Blueprint("cooperative", __name__, url_prefix="/cooperative")
