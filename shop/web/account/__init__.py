"""What is somebody's own: signing in and up, their orders, their addresses."""

from flask import Blueprint

blueprint = Blueprint("account", __name__, url_prefix="/account")
