"""Where payment providers call back."""

from flask import Blueprint

from shop.web.hooks import stripe

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
blueprint.register_blueprint(stripe.blueprint)
