"""The shelves and what stands on them."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.reports.product_page import product_page
from shop.reports.shelves import Sort, shelves
from shop.reports.suggestions import nothing_found
from shop.shipping.tariffs import terms_on
from shop.web.current import needs
from shop.web.province_words import names_of
from shop.web.storefront.addresses import slug_in
from shop.web.storefront.delivery import place_name, place_shown
from shop.web.storefront.seen import remember, seen_lately
from shop.web.storefront.shelf_address import address_of, arguments_of, asked_of, chips_of, facets_of, wanted_by_address
from shop.web.storefront.words import is_english

blueprint = Blueprint("products", __name__, url_prefix="/products")


@blueprint.get("/")
@needs(Permission.ANYONE)
def index() -> str | Response:
    """The shelves: everything, or what the address asks for. The same question has one address; another way to write it leads there."""
    wanted, lang = wanted_by_address(), request.args.get("lang", "")
    if list(request.args.items(multi=True)) != arguments_of(wanted, lang=lang):
        return redirect(address_of(wanted, lang=lang), 301)
    today = business_day(utc_now())
    found = shelves(wanted, today=today, english=is_english())
    is_lost = wanted.words and not found.total
    return render_template(
        "storefront/products/index.html",
        wanted=wanted,
        found=found,
        facets=facets_of(wanted, found, today),
        asked=asked_of(wanted),
        chips=chips_of(wanted, found),
        sorts=[(sort, address_of(wanted, sort=sort, page=1)) for sort in Sort],
        nothing=nothing_found(wanted.words, today=today, english=is_english()) if is_lost else None,
        seen=seen_lately(),
    )


@blueprint.get("/<slug>")
@needs(Permission.ANYONE)
def show(slug: str) -> str:
    """One product."""
    today = business_day(utc_now())
    page = product_page(slug_in(slug), sku_code=request.args.get("sku"), today=today, to=(to := place_shown()), english=is_english())
    remember(page.product.id)
    rules = terms_on(today).rules
    cold = names_of(rules.cold.places) if page.product.is_cold_chain else ""
    return render_template("storefront/products/show.html", to=place_name(to), page=page, shipping=rules, cold=cold)
