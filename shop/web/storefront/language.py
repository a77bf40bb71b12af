"""Choosing the language by hand."""

from flask import Blueprint, redirect, request, session
from werkzeug.wrappers import Response

from shop.accounts import service as accounts
from shop.accounts.roles import Permission
from shop.web.current import LOCALES, needs, signed_in, way_back

blueprint = Blueprint("language", __name__)


@blueprint.get("/language")
@needs(Permission.ANYONE)
def choose() -> Response:
    """Remember the language in the session, and with the account of somebody signed in; then go back to where one was."""
    locale = request.args.get("to")
    if locale in LOCALES:
        session["locale"] = locale
        if (person := signed_in()) and person.locale != locale:
            accounts.choose_locale(person.user_id, locale)
    return redirect(way_back(request.args.get("back", "")), 303)
