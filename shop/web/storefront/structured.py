"""What search engines read of a page, in the words of schema.org: who sells, what, for how much, and where in the shop it stands.

Law: nothing is said here that the page does not say. Drawn by `structured()` of `templates/parts/sharing.html`.
"""

from collections.abc import Sequence

from flask import Blueprint, url_for
from flask_babel import gettext

from shop.reports.product_page import PackOffer, ProductPage
from shop.web.current import settings
from shop.web.photos import photo
from shop.web.storefront.sharing import address
from shop.web.storefront.words import named

Facts = dict[str, object]
_CONTEXT = "https://schema.org"


def organization() -> Facts:
    """The shop, and how it is searched: for the first page."""
    home = address(url_for("storefront.home.index"))
    search = address(url_for("storefront.products.index")) + "?q={search_term_string}"
    logo = f"{settings().public_url}{url_for('static', filename='favicon.svg')}"
    who = {"@type": "Organization", "@id": f"{home}#organization", "name": gettext("山海集"), "url": home, "logo": logo}
    action = {
        "@type": "SearchAction",
        "target": {"@type": "EntryPoint", "urlTemplate": search},
        "query-input": "required name=search_term_string",
    }
    site = {
        "@type": "WebSite",
        "@id": f"{home}#site",
        "name": gettext("山海集"),
        "url": home,
        "publisher": {"@id": who["@id"]},
        "potentialAction": action,
    }
    return {"@context": _CONTEXT, "@graph": [who, site]}


def crumbs_data(rows: Sequence[tuple[str, str]]) -> Facts:
    """The way to a page: (name, path) from the outermost in, the page itself last."""
    items = [
        {"@type": "ListItem", "position": place, "name": str(name), "item": address(path)} for place, (name, path) in enumerate(rows, 1)
    ]
    return {"@context": _CONTEXT, "@type": "BreadcrumbList", "itemListElement": items}


def place_data(name: str, within: str, path: str) -> Facts:
    """A village."""
    return {
        "@context": _CONTEXT,
        "@type": "Place",
        "name": name,
        "url": address(path),
        "containedInPlace": {"@type": "AdministrativeArea", "name": within},
    }


def seller_data(name: str, path: str) -> Facts:
    """A cooperative."""
    return {"@context": _CONTEXT, "@type": "Organization", "name": name, "url": address(path)}


def product_data(page: ProductPage) -> Facts:
    """A product with an offer for each pack; a retired one has none."""
    product = page.product
    path = url_for("storefront.products.show", slug=product.slug)
    facts: Facts = {
        "@context": _CONTEXT,
        "@type": "Product",
        "@id": address(path),
        "name": named(product.name, product.name_en),
        "category": named(product.category, product.category_en),
        "countryOfOrigin": {"@type": "Country", "name": "CN"},
        "brand": {"@type": "Brand", "name": named(product.village, product.village_en)},
    }
    if summary := named(product.summary, product.summary_en):
        facts["description"] = summary
    if page.photos:
        facts["image"] = [settings().public_url + found.src for each in page.photos if (found := photo(each.name))]
    elif product.illustration:
        facts["image"] = f"{settings().public_url}{url_for('static', filename=f'illustrations/{product.illustration}.svg')}"
    if not product.is_retired and page.packs:
        facts["offers"] = [_offer(pack, page, path) for pack in page.packs]
    return facts


def _offer(pack: PackOffer, page: ProductPage, path: str) -> Facts:
    whole, rest = divmod(pack.sku.price_fen, 100)
    return {
        "@type": "Offer",
        "sku": pack.sku.code,
        "name": named(pack.sku.pack, pack.sku.pack_en),
        "url": f"{address(path)}?sku={pack.sku.code}",
        "price": f"{whole}.{rest:02d}",
        "priceCurrency": "CNY",
        "availability": f"{_CONTEXT}/{'InStock' if pack.free_units else 'OutOfStock'}",
        "seller": {"@type": "Organization", "name": gettext("山海集")},
    }


def register(blueprint: Blueprint) -> None:
    """Let every template ask for these."""
    for fact in (organization, crumbs_data, place_data, seller_data, product_data):
        blueprint.add_app_template_global(fact)
