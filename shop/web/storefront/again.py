"""Buying the same again: an order's lines into the basket at today's prices, saying what is gone, scarce or costs something else now."""

from flask import Blueprint, flash, session
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.cart import service as carts
from shop.cart.errors import TooMany
from shop.cart.queries import CartOwner
from shop.extensions import limiter
from shop.kit.clock import business_day, utc_now
from shop.orders.models import Channel
from shop.reports.basket import find_offer
from shop.reports.order_story import get_own_story
from shop.web.current import cart_owner, needs, signed_in
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.storefront.addresses import opened_order
from shop.web.storefront.words import said

blueprint = Blueprint("again", __name__, url_prefix="/orders")


@blueprint.post("/<number>/again")
@needs(Permission.ANYONE)
@limiter.limit("20 per 5 minutes")
def put(number: str) -> Response:
    """Everything of the order that is still on sale goes into the basket, beside what is there; the rest is said."""
    opened, person, now = opened_order(number), signed_in(), utc_now()
    story = get_own_story(opened.number, key=opened.key, buyer_id=person.user_id if person else None)
    lines = story.lines if story.channel is Channel.ONLINE else ()
    owner = cart_owner() or CartOwner(key=carts.begin())
    told, taken = [], 0
    for line in lines:
        offer = find_offer(line.sku_code, owner, today=business_day(now))
        name = f"{said(line.product_name, line.product_name_en)} {said(line.pack, line.pack_en)}"
        if offer is None or not offer.is_offered or offer.free_units < 1:
            told.append(gettext("%(name)s 现在没有了，没有放。", name=name))
            continue
        try:
            carts.put(owner, offer.sku_id, line.quantity, offer.price_fen, now, most=offer.free_units)
        except TooMany as refused:
            told.append(
                gettext("%(name)s 只剩 %(most)s 件，不够再放 %(count)s 件，没有放。", name=name, most=refused.most, count=line.quantity)
            )
            continue
        taken += 1
        if offer.price_fen != line.unit_price_fen:
            was, price = yuan_sign(line.unit_price_fen), yuan_sign(offer.price_fen)
            told.append(gettext("%(name)s 上次 %(was)s，现在 %(now)s。", name=name, was=was, now=price))
    if owner.key is not None:
        session["cart"] = owner.key
        session.permanent = True
    if taken:
        flash(gettext("放进购物篮了。"), "success")
    for words in told:
        flash(words, "warning")
    return go("storefront.cart.show")
