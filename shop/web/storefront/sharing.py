"""What other programs read of a public page: its one address, the same in the other language, a card for chats, the list of all pages.

Law: only what is the same for everybody is offered, by endpoint; a page with somebody's key in its address never is. Structured data is data: it stands in a
`<script type="application/ld+json">`, which no browser runs and the content policy does not stop, with every `<`, `>` and `&` escaped.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, Response, g, render_template, request, url_for
from flask_babel import get_locale

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.pictures import jpeg_width_of
from shop.reports.public_pages import public_pages
from shop.web.current import needs, settings
from shop.web.photos import photo

blueprint = Blueprint("sharing", __name__)

PAGES = (
    "storefront.home.index",
    "storefront.products.index",
    "storefront.villages.index",
    "storefront.seasons.show",
    "storefront.impact.show",
    "storefront.pages.money",
    "storefront.pages.prices",
    "storefront.pages.returns",
    "storefront.pages.privacy",
    "storefront.pages.contact",
)
"""Pages without a gap in their address."""
THINGS = {
    "product": "storefront.products.show",
    "village": "storefront.villages.show",
    "cooperative": "storefront.cooperatives.show",
    "lot": "storefront.lots.show",
}
"""Pages of one thing each."""
_PUBLIC = frozenset((*PAGES, *THINGS.values()))
_KEPT = ("year", "page")
"""Of an address, what makes it another page. The shelves' filters do too, but those are not for search engines."""
IMAGE, IMAGE_SIZE = "share.png", (1200, 630)
"""The card of a page that has no photograph."""


@dataclass(frozen=True)
class Shared:
    """A page's addresses, in full."""

    canonical: str
    chinese: str
    english: str
    image: str
    image_width: int
    image_height: int
    locale: str


def shared(picture: str = "") -> Shared | None:
    """Of this page, if it is one for everybody; None for any other and for one that says something went wrong. `picture`: the name of its photograph."""
    if request.endpoint not in _PUBLIC or request.method not in ("GET", "HEAD") or g.get("is_broken") or g.get("is_refused"):
        return None
    kept = {name: request.args[name] for name in _KEPT if name in request.args}
    chinese, english = address(request.path, kept), address(request.path, {**kept, "lang": "en"})
    is_english = str(get_locale()) == "en"
    card = photo(picture)
    return Shared(
        canonical=english if is_english else chinese,
        chinese=chinese,
        english=english,
        image=f"{settings().public_url}{card.src if card else url_for('static', filename=IMAGE)}",
        image_width=(width := jpeg_width_of(card.width)) if card else IMAGE_SIZE[0],
        image_height=round(card.height * width / card.width) if card else IMAGE_SIZE[1],
        locale="en_GB" if is_english else "zh_CN",
    )


def address(path: str, arguments: dict[str, str] | None = None) -> str:
    """A path of the shop in full, as it is written for others."""
    query = urlencode(arguments or {})
    return f"{settings().public_url}{path}" + (f"?{query}" if query else "")


# ── For programs that walk ────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/sitemap.xml")
@needs(Permission.ANYONE)
def sitemap() -> Response:
    """Every public page, each with its address in both languages."""
    paths = [url_for(endpoint) for endpoint in PAGES]
    for kind, name in public_pages(today=business_day(utc_now())):
        endpoint = THINGS[kind]
        paths.append(url_for(endpoint, code=name) if kind == "lot" else url_for(endpoint, slug=name))
    rows = [(address(path), address(path, {"lang": "en"})) for path in paths]
    return Response(render_template("storefront/sharing/sitemap.xml", rows=rows), content_type="application/xml; charset=utf-8")


@blueprint.get("/robots.txt")
@needs(Permission.ANYONE)
def robots() -> Response:
    """What is nobody's business but the visitor's stays unread."""
    private = (
        "/account/",
        "/cart/",
        "/checkout/",
        "/cooperative/",
        "/hooks/",
        "/language",
        "/orders/",
        "/seen/",
        "/staff/",
        "/suggest",
        "/transfers/",
    )
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in private), f"Sitemap: {address(url_for('storefront.sharing.sitemap'))}", ""]
    return Response("\n".join(lines), content_type="text/plain; charset=utf-8")


def register(blueprint: Blueprint) -> None:
    """Let every template ask for these."""
    blueprint.add_app_template_global(shared)
