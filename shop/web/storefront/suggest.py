"""What somebody may mean who is typing: quicker than the shelves, which answer the same without script."""

from flask import Blueprint, jsonify, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.hits import hits
from shop.reports.suggestions import Kind, Suggestion, suggestions
from shop.web.current import needs
from shop.web.storefront.shelf_address import words_asked
from shop.web.storefront.words import is_english

blueprint = Blueprint("suggest", __name__)


@blueprint.get("/suggest")
@needs(Permission.ANYONE)
def show() -> Response:
    """As JSON: words, where they lead, a note, and which pieces of the words were hit. `static/js/suggest.js` draws it."""
    words = words_asked()
    return jsonify([_as_json(thing, words) for thing in suggestions(words, english=is_english())])


def _as_json(thing: Suggestion, words: str) -> dict[str, object]:
    return {"text": thing.name, "note": _note(thing), "href": _address(thing), "hits": hits(thing.name, words)}


def _note(thing: Suggestion) -> str:
    names = {Kind.PRODUCT: thing.note, Kind.VILLAGE: gettext("村子"), Kind.COOPERATIVE: gettext("合作社"), Kind.CATEGORY: gettext("品类")}
    return str(names[thing.kind])


def _address(thing: Suggestion) -> str:
    if thing.kind is Kind.PRODUCT:
        return url_for("storefront.products.show", slug=thing.slug)
    if thing.kind is Kind.VILLAGE:
        return url_for("storefront.villages.show", slug=thing.slug)
    if thing.kind is Kind.COOPERATIVE:
        return url_for("storefront.cooperatives.show", slug=thing.slug)
    return url_for("storefront.products.index", category=thing.slug)
