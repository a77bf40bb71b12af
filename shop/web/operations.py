"""For whoever runs the shop: is the process alive, can it serve."""

from flask import Blueprint

from shop import extensions
from shop.accounts.roles import Permission
from shop.web.current import needs

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
@needs(Permission.ANYONE)
def alive() -> tuple[dict[str, str], int]:
    """The process answers."""
    return {"status": "ok"}, 200


@blueprint.get("/readyz")
@needs(Permission.ANYONE)
def ready() -> tuple[dict[str, str], int]:
    """The database answers too."""
    return ({"status": "ok"}, 200) if extensions.database_answers() else ({"status": "database unavailable"}, 503)
