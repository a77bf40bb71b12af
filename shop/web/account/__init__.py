"""What is somebody's own: signing in and up, how they get in, their orders."""

from flask import Blueprint
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.web.account import addresses, data, door, invites, money, orders, reset, security, two_factor, unit
from shop.web.current import needs
from shop.web.errors import go

blueprint = Blueprint("account", __name__, url_prefix="/account")
blueprint.register_blueprint(door.blueprint)
blueprint.register_blueprint(reset.blueprint)
blueprint.register_blueprint(two_factor.blueprint)
blueprint.register_blueprint(invites.blueprint)
blueprint.register_blueprint(security.blueprint)
blueprint.register_blueprint(orders.blueprint)
blueprint.register_blueprint(money.blueprint)
blueprint.register_blueprint(addresses.blueprint)
blueprint.register_blueprint(data.blueprint)
blueprint.register_blueprint(unit.blueprint)


@blueprint.get("/")
@needs(Permission.SIGNED_IN)
def index() -> Response:
    """The room that is looked for most."""
    return go("account.orders.index")
