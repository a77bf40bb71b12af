"""Wishing to hear when something is back, and taking the wish back by the letter's link."""

from flask import Blueprint, current_app, flash, render_template, request
from flask_babel import get_locale, gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.catalog.queries import find_product
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import WishId
from shop.reports.goods_pages import product_of
from shop.voices.wishes import WishFacts, end_wish, get_wish, wish
from shop.web.current import needs, signed_in
from shop.web.errors import go
from shop.web.storefront.addresses import slug_in
from shop.web.typed import email_in

blueprint = Blueprint("wishes", __name__)

_ID = "int(max=9223372036854775807)"


@blueprint.post("/products/<slug>/wishes")
@limiter.limit("10 per 5 minutes", methods=["POST"])
@needs(Permission.ANYONE)
def add(slug: str) -> Response | tuple[str, int]:
    """One letter to this address, please."""
    product = find_product(slug_in(slug))
    if product is None or product.is_retired:
        raise NotFound
    typed = request.form.get("email", "").strip()
    email = email_in(typed)
    if email is None:
        return render_template("storefront/wishes/add.html", product=product, typed=typed[:254]), 422
    person = signed_in()
    wish(product.id, email=email, locale=str(get_locale()), by=person.user_id if person else None, now=utc_now())
    flash(gettext("记下了，到货写信到 %(email)s。信里有链接，不想要随时可以取消。", email=email), "success")
    return go("storefront.products.show", slug=product.slug)


@blueprint.get(f"/wishes/<{_ID}:wish_id>")
@needs(Permission.ANYONE)
def show(wish_id: int) -> str:
    """Whether one still wants it; a look alone changes nothing, since mail programs look at links too."""
    wished = _own(wish_id)
    return render_template("storefront/wishes/show.html", wished=wished, product=product_of(wished.product_id), key=request.args["key"])


@blueprint.post(f"/wishes/<{_ID}:wish_id>")
@needs(Permission.ANYONE)
def end(wish_id: int) -> Response:
    """No letter, please."""
    wished = _own(wish_id)
    end_wish(wished.id, now=utc_now())
    flash(gettext("取消了，不会再为这件事写信。"), "success")
    return go("storefront.wishes.show", wish_id=wish_id, key=request.args["key"])


def _own(wish_id: int) -> WishFacts:
    return get_wish(WishId(wish_id), request.args.get("key", ""), secret=current_app.config["SECRET_KEY"])
