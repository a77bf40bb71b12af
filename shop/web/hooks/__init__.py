"""Where payment providers call back."""

from flask import Blueprint

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
