"""The basket: what is in it, what it costs to send, and changing it, without any script."""

import re
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, g, render_template, request, session
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.cart import service as carts
from shop.cart.errors import TooMany
from shop.cart.queries import CartOwner
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import SkuId
from shop.kit.regions import region_path
from shop.kit.text import fold
from shop.reports.basket import Basket, Offer, find_offer, read_basket
from shop.shipping.tariffs import terms_on
from shop.web.current import cart_owner, needs
from shop.web.errors import go
from shop.web.storefront.delivery import place_name
from shop.web.storefront.words import said

blueprint = Blueprint("cart", __name__, url_prefix="/cart")

ESTIMATE_TO = "320583"
"""昆山, where most buyers live: what sending costs is estimated to there until an address is known."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True)
class Refusal:
    """Something the buyer asked for that did not happen, with what they typed."""

    text: str
    offer: Offer | None = None
    typed: str = ""
    most: int = 0
    """How many they could have instead; nought when that is no way out."""

    def is_beside(self, basket: Basket | None) -> bool:
        """Whether it can be said at a line of the basket; else it is said on top, with a field of its own."""
        return basket is not None and self.offer is not None and any(row.sku_code == self.offer.code for row in basket.rows)


class BadQuantity(Exception):
    """What was typed is no number of units; says so in words."""


@blueprint.get("/")
@needs(Permission.ANYONE)
def show() -> str:
    """The basket."""
    return _page()


@blueprint.post("/lines")
@needs(Permission.ANYONE)
def put() -> Response | tuple[str, int]:
    """Put so many units of one SKU into the basket, beside what is there."""
    now = utc_now()
    owner = cart_owner()
    offer = _find(fold(request.form.get("sku", "")), owner, now)
    typed = request.form.get("quantity", "1")
    if refusal := _not_for_sale(offer):
        return _page(refusal), 404 if offer is None else 422
    assert offer is not None
    try:
        quantity = read_quantity(typed, least=1)
        owner = owner or CartOwner(key=carts.begin())
        carts.put(owner, offer.sku_id, quantity, offer.price_fen, now, most=offer.free_units)
    except BadQuantity as wrong:
        return _page(Refusal(str(wrong), offer, typed, most=0)), 422
    except TooMany as refused:
        return _page(_too_many(offer, typed, refused)), 422
    if owner.key is not None:
        session["cart"] = owner.key
        session.permanent = True  # a guest's basket waits as long as a buyer's
    return go("storefront.cart.show")


@blueprint.post("/lines/<sku>")
@needs(Permission.ANYONE)
def change(sku: str) -> Response | tuple[str, int]:
    """Let a line have another quantity: typed, one more or less, or none."""
    now = utc_now()
    owner = cart_owner()
    offer = _find(sku, owner, now) if owner else None
    if offer is None or owner is None or not offer.in_basket:
        return _page(Refusal(gettext("篮里没有这一样了，别的都没有动。"))), 404
    typed = "0" if "remove" in request.form else request.form.get("take") or request.form.get("quantity", "")
    try:
        quantity = max(0, read_quantity(typed, least=0) + {"-1": -1, "1": 1}.get(request.form.get("step", ""), 0))
        if quantity and (refusal := _not_for_sale(offer)):
            return _page(refusal), 422
        carts.set_quantity(owner, offer.sku_id, quantity, now, most=offer.free_units)
    except BadQuantity as wrong:
        return _page(Refusal(str(wrong), offer, typed)), 422
    except TooMany as refused:
        return _page(_too_many(offer, typed, refused)), 422
    return go("storefront.cart.show")


@blueprint.post("/prices")
@needs(Permission.ANYONE)
def accept_prices() -> Response:
    """The buyer has seen the new prices that the page showed and wants the lines all the same."""
    if owner := cart_owner():
        carts.accept_prices(owner, read_prices(request.form.getlist("price")))
    return go("storefront.cart.show")


def read_quantity(typed: str, *, least: int) -> int:
    """Whole units as people type them, full-width digits too.

    Raises BadQuantity when it is no whole number, below `least` or above what one line may have.
    """
    text = fold(typed)
    if not _WHOLE.fullmatch(text):
        if text.lstrip("+-").isascii() and text.lstrip("+-").isdecimal():
            raise BadQuantity(gettext("一样最多 %(most)s 件。要得更多，写信给我们。", most=carts.MOST_UNITS))
        raise BadQuantity(gettext("数量写成整数，比如 2。"))
    quantity = int(text)
    if quantity < least:
        raise BadQuantity(gettext("数量不能小于 0。不要了就写 0，或按“拿出”。") if least == 0 else gettext("数量至少是 1。"))
    if quantity > carts.MOST_UNITS:
        raise BadQuantity(gettext("一样最多 %(most)s 件。要得更多，写信给我们。", most=carts.MOST_UNITS))
    return quantity


def read_prices(pairs: list[str]) -> dict[SkuId, int]:
    """Prices as the page wrote them into its form, `sku id:fen`. What does not read so is passed over: the page will ask again."""
    found = (re.fullmatch(r"([0-9]{1,18}):([0-9]{1,9})", pair, re.ASCII) for pair in pairs)
    return {SkuId(int(pair.group(1))): int(pair.group(2)) for pair in found if pair}


def _find(code: str, owner: CartOwner | None, now: datetime) -> Offer | None:
    return find_offer(code, owner, today=business_day(now)) if _CODE.fullmatch(code) else None


def _not_for_sale(offer: Offer | None) -> Refusal | None:
    if offer is None:
        return Refusal(gettext("没有找到这样东西，篮里什么也没动。可能是链接旧了，到货架上再挑一次。"))
    if not offer.is_offered:
        return Refusal(gettext("%(name)s 已经下架，不能再放进篮里。", name=said(offer.name, offer.name_en)))
    return None


def _too_many(offer: Offer, typed: str, refused: TooMany) -> Refusal:
    unit = {"most": refused.most, "unit": offer.unit_word, "had": refused.had, "wanted": refused.wanted}
    if refused.most == 0:
        return Refusal(gettext("卖完了。等下一批到了再来。"), offer, typed)
    if refused.most >= carts.MOST_UNITS:
        return Refusal(gettext("一样最多 %(most)s 件。要得更多，写信给我们。", **unit), offer, typed, refused.most)
    if refused.had:
        return Refusal(
            gettext("只剩 %(most)s %(unit)s，不够 %(wanted)s %(unit)s；篮里还是 %(had)s %(unit)s。", **unit), offer, typed, refused.most
        )
    return Refusal(gettext("只剩 %(most)s %(unit)s，不够你要的 %(wanted)s %(unit)s，先没放进篮里。", **unit), offer, typed, refused.most)


def _page(refusal: Refusal | None = None) -> str:
    basket = _read(utc_now())
    return render_template(
        "storefront/cart/show.html",
        basket=basket,
        estimate=basket.estimate() if basket else (),
        estimate_to=place_name(_estimate_to()),
        free_from_fen=terms_on(business_day(utc_now())).rules.free.goods_fen,
        refusal=refusal,
        is_beside=refusal is not None and refusal.is_beside(basket),
    )


def _estimate_to() -> str:
    """The city that the buyer chose on a product's page, else where most live; nobody is asked."""
    chosen = session.get("to")
    return chosen if isinstance(chosen, str) and region_path(chosen) else ESTIMATE_TO


def _read(now: datetime) -> Basket | None:
    owner = cart_owner()
    basket = read_basket(owner, place=_estimate_to(), today=business_day(now)) if owner else None
    g.basket_units = basket.units if basket else 0  # the page's head need not count again
    return basket
