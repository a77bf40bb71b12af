"""The staff's workplace: what needs a person, orders, sales by village."""

from flask import Blueprint

blueprint = Blueprint("staff", __name__, url_prefix="/staff")
