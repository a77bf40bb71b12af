"""The shelves and what stands on them."""

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.reports.product_page import product_page
from shop.reports.shelves import LONGEST_QUERY, FacetRow, Shelves, Sort, Wanted, shelves
from shop.shipping.rules import DEFAULT
from shop.web.current import needs
from shop.web.storefront.addresses import page_asked, slug_in, slugs_asked
from shop.web.storefront.words import is_english
from shop.web.typed import clean

blueprint = Blueprint("products", __name__, url_prefix="/products")


Asked = dict[str, str | list[str]]


@dataclass(frozen=True)
class Chip:
    """A condition in force, and the address without it."""

    text: str
    href: str


@blueprint.get("/")
@needs(Permission.ANYONE)
def index() -> str:
    """The shelves: everything, or what the address asks for."""
    wanted = Wanted(
        words=clean(request.args.get("q"), most=LONGEST_QUERY),
        categories=slugs_asked("category"),
        villages=slugs_asked("village"),
        cooperatives=slugs_asked("cooperative"),
        sort=next((sort for sort in Sort if sort == request.args.get("sort")), Sort.BEST),
        page=page_asked(),
    )
    found = shelves(wanted, today=business_day(utc_now()), english=is_english())
    asked = _asked(wanted)
    return render_template(
        "storefront/products/index.html",
        wanted=wanted,
        found=found,
        asked=asked,
        chips=_chips(wanted, found, asked),
        sorts=[(sort, _address({**asked, "sort": "" if sort is Sort.BEST else sort.value})) for sort in Sort],
    )


@blueprint.get("/<slug>")
@needs(Permission.ANYONE)
def show(slug: str) -> str:
    """One product."""
    page = product_page(slug_in(slug), sku_code=request.args.get("sku"), today=business_day(utc_now()))
    return render_template("storefront/products/show.html", page=page, shipping=DEFAULT)


def _asked(wanted: Wanted) -> Asked:
    """The conditions in force as an address says them, without the page."""
    asked: Asked = {
        "q": wanted.words,
        "category": list(wanted.categories),
        "village": list(wanted.villages),
        "cooperative": list(wanted.cooperatives),
        "sort": wanted.sort.value if wanted.sort is not Sort.BEST else "",
    }
    return {name: value for name, value in asked.items() if value}


def _address(asked: Asked) -> str:
    query = urlencode({name: value for name, value in asked.items() if value}, doseq=True)
    return url_for("storefront.products.index") + (f"?{query}" if query else "")


def _chips(wanted: Wanted, found: Shelves, asked: Asked) -> list[Chip]:
    chips = []
    if wanted.words:
        chips.append(Chip(f"“{wanted.words}”", _address({**asked, "q": ""})))
    facets: tuple[tuple[str, tuple[str, ...], tuple[FacetRow, ...]], ...] = (
        ("category", wanted.categories, found.categories),
        ("village", wanted.villages, found.villages),
        ("cooperative", wanted.cooperatives, found.cooperatives),
    )
    for name, slugs, rows in facets:
        names = {row.slug: row.name for row in rows}
        for slug in slugs:
            others = [other for other in slugs if other != slug]
            chips.append(Chip(names.get(slug, slug), _address({**asked, name: others})))
    return chips
