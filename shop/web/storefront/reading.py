"""Choosing by hand how large the letters are (适老化).

The choice is kept by this browser alone, for a year and through every signing out: eyes differ from person to person, and screens from device to device.
"""

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.web.current import LARGE, TYPE_COOKIE, needs, settings, way_back

blueprint = Blueprint("reading", __name__)

YEAR_SECONDS = 365 * 24 * 3600


@blueprint.get("/reading")
@needs(Permission.ANYONE)
def choose() -> Response:
    """Large letters (`?type=large`), or the usual ones again; then go back to where one was."""
    response = redirect(way_back(request.args.get("back", "")), 303)
    if request.args.get("type") == LARGE:
        response.set_cookie(TYPE_COOKIE, LARGE, YEAR_SECONDS, httponly=True, samesite="Lax", secure=settings().is_production)
    else:
        response.delete_cookie(TYPE_COOKIE, httponly=True, samesite="Lax", secure=settings().is_production)
    return response
