"""Choosing the language by hand."""

from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, redirect, request, session
from werkzeug.wrappers import Response

from shop.accounts import service as accounts
from shop.accounts.roles import Permission
from shop.web.current import LOCALES, choose_locale, needs, signed_in, way_back

blueprint = Blueprint("language", __name__)


@blueprint.before_app_request
def follow_address() -> None:
    """An address that carries its language (`?lang=en`) chooses it, and the pages after it stay so; it is remembered only if it changes anything."""
    lang = request.args.get("lang")
    if lang in LOCALES and request.method in ("GET", "HEAD") and choose_locale() != lang:
        session["locale"] = lang


@blueprint.get("/language")
@needs(Permission.ANYONE)
def choose() -> Response:
    """Remember the language in the session, and with the account of somebody signed in; then go back to where one was."""
    locale = request.args.get("to")
    if locale in LOCALES:
        session["locale"] = locale
        if (person := signed_in()) and person.locale != locale:
            accounts.choose_locale(person.user_id, locale)
    return redirect(_without_language(way_back(request.args.get("back", ""))), 303)


def _without_language(address: str) -> str:
    """Else the address would choose again."""
    path, _, query = address.partition("?")
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "lang"]
    return address if "lang=" not in query else f"{path}?{urlencode(kept)}".rstrip("?")
