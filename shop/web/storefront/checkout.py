"""Checkout: where to, what it costs, and off to the payment page. Without any script; a form that comes back keeps every word.

The sum on the button is what is ordered: if anything made it another one meanwhile (address, price, what is left), the page says so and asks again.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, flash, g, redirect, render_template, request, session
from flask_babel import get_locale, gettext
from flask_wtf.csrf import validate_csrf
from werkzeug.wrappers import Response
from wtforms import ValidationError

from shop.accounts.consent import TERMS_VERSION
from shop.accounts.queries import BookedAddress, addresses_of
from shop.accounts.roles import Permission
from shop.acts.place_order import Wishes, place_order
from shop.acts.start_payment import FirstAttempt, start_first, start_payment
from shop.cart import service as carts
from shop.cart.queries import CartOwner
from shop.extensions import csrf, limiter
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import CheckoutKey, SkuId, new_key
from shop.kit.regions import districts, find_place, region_path, towns
from shop.kit.text import fold
from shop.offers.errors import VoucherRefused
from shop.orders import service as orders
from shop.orders.errors import CannotPay, EmptyCart, PriceChanged, ProductRetired
from shop.orders.service import Delivery
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.reports.basket import Basket, BasketParcel, BasketRow, read_basket
from shop.shipping.errors import CannotShipThere
from shop.shipping.rules import CannotShip, Why
from shop.stock.errors import NotEnoughStock
from shop.web.address_form import (
    KUNSHAN,
    Recipient,
    check_address,
    choices,
    place_name,
    province_of,
    refuse,
    say_where_nothing_goes,
    settle_region,
)
from shop.web.browsers import hidden_methods, is_wechat
from shop.web.current import SignedIn, cart_owner, needs, settings, signed_in
from shop.web.errors import go
from shop.web.fapiao_form import check_fapiao
from shop.web.storefront.cart import read_prices
from shop.web.storefront.checkout_form import (
    LONGEST_GIFT_NOTE,
    LONGEST_NOTE,
    CheckoutForm,
    check_words,
    refuse_voucher,
    services_wanted,
    with_vouchers,
)
from shop.web.storefront.delivery import city_chosen
from shop.web.storefront.words import said
from shop.web.typed import clean

blueprint = Blueprint("checkout", __name__, url_prefix="/checkout")

NEW_ADDRESS = "new"
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_GUESSES = "40 per 5 minutes"
"""Of voucher codes, from one address."""


@blueprint.get("/")
@needs(Permission.ANYONE)
def show() -> str | Response:
    """The form, begun with the city that a product's page told carriage for, the buyer's own address or, for a start, Kunshan."""
    person = signed_in()
    book = addresses_of(person.user_id) if person else []
    own, province, district = _begin(book, city_chosen())
    place = own.district_code if own else district or None
    basket = _read(cart_owner(), place, utc_now())
    if basket is None or not basket.is_ready:
        return go("storefront.cart.show")
    form = CheckoutForm(
        formdata=None,
        address=str(own.id) if own else NEW_ADDRESS,
        name=person.name if person else "",
        phone=(person.phone or "") if person else "",
        email=(person.email or "") if person else "",
        province=province,
        district=district,
        remember=True,
        pay="online",
        once=new_key(),
    )
    _say_where_it_cannot_go(form, basket)
    return _form_page(form, basket, book, place)


def _begin(book: Sequence[BookedAddress], city: str) -> tuple[BookedAddress | None, str, str]:
    """The address of the book to begin with, if any, and the province and district of a new one; no district is guessed but Kunshan's own city."""
    own = next((address for address in book if address.district_code.startswith(city[:4])), None)  # nothing chosen: the first
    if own or not city or KUNSHAN.startswith(city[:4]):
        return own, province_of(KUNSHAN), KUNSHAN
    parts = districts(city)
    return None, region_path(city)[0].code, parts[0].code if len(parts) == 1 else ""


@blueprint.post("/")
@csrf.exempt  # type: ignore[untyped-decorator]  # Flask-WTF ships no types; looked at below, so that an old page loses no word
@needs(Permission.ANYONE)
@limiter.limit(_GUESSES, exempt_when=lambda: not request.form.get("voucher"))
def confirm() -> str | Response | tuple[str, int]:
    """Place the order and send the buyer to the payment page; or say what is in the way, and keep everything."""
    now = utc_now()
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return _expired_page(), 400
    form = CheckoutForm()
    is_ours = bool(_KEY.fullmatch(form.once.data or ""))
    once = _key_of(form)
    if placed := orders.find_placed(once):  # sent twice, or gone back to: it is the same order
        return _to_payment(placed.number, placed.key, now)
    owner = cart_owner() or _owner_again()
    if owner is None:
        return (_expired_page(), 409) if is_ours else go("storefront.cart.show")
    if prices := read_prices(request.form.getlist("price")):
        carts.accept_prices(owner, prices)
    person = signed_in()
    book = addresses_of(person.user_id) if person else []
    chosen = _chosen(form, book)
    place = _place_of(form, chosen)
    basket = _read(owner, place, now, form, person)
    if basket is None:
        return _after_an_empty_basket(once, now)

    _say_where_it_cannot_go(form, basket)
    if request.form.get("act") in ("region", "voucher") or "drop" in request.form:
        return _form_page(form, basket, book, place, is_recount=True), 422 if form.voucher.errors else 200
    recipient, wanted_fapiao = _check(form, chosen), check_fapiao(form, usual_email=fold(form.email.data or "").lower())
    if recipient is None or form.errors:
        return _form_page(form, basket, book, place), 422
    if (page := _in_the_way(form, basket, book, place)) is not None:
        return page

    for sku_id, quantity in _kept(basket).items():
        carts.set_quantity(owner, sku_id, quantity, now)
    basket = basket.with_quantities(_kept(basket), place)
    try:
        order = place_order(
            basket.cart_id,
            _delivery(form, recipient, basket, person),
            once=once,
            now=now,
            transfer_days=_transfer_days(form),
            hidden_methods=hidden_methods(),
            wishes=Wishes(
                voucher_codes=tuple(terms.code for terms in basket.vouchers),
                fapiao=wanted_fapiao,
                chosen={parcel.cooperative_id: parcel.chosen for parcel in basket.parcels},
            ),
        )
    except EmptyCart:
        return _after_an_empty_basket(once, now)
    except VoucherRefused as refusal:  # another tab, or another buyer, used it in this moment
        terms = next((terms for terms in basket.vouchers if terms.code == refusal.code), None)
        basket = _read(owner, place, now, form, person)
        if basket is None:
            return _after_an_empty_basket(once, now)
        if not form.voucher.errors:
            refuse_voucher(form, refusal.code, refusal.why, terms)
        return _form_page(form, basket, book, place), 409
    except (NotEnoughStock, PriceChanged, ProductRetired, CannotShipThere):  # somebody was quicker than this page: look again
        basket = _read(owner, place, now, form, person)
        if basket is None:
            return _after_an_empty_basket(once, now)
        _say_where_it_cannot_go(form, basket)
        form.form_errors.append(gettext("刚刚有一点变化，已经按现在的重新算好，看过再按一次。"))
        return _in_the_way(form, basket, book, place) or (_form_page(form, basket, book, place), 409)
    return _to_payment(order.number, order.key, now, order.first)


def _owner_again() -> CartOwner | None:
    """A guest's basket whose session is gone, by the key that the checkout page kept for that."""
    key = request.form.get("basket", "")
    if signed_in() or not _KEY.fullmatch(key):
        return None
    session["cart"] = key
    session.permanent = True
    return CartOwner(key=key)


def _expired_page() -> str:
    """Nothing was ordered; all that was typed goes along, unseen, under a token of the new session."""
    sent = [(name, text) for name, text in request.form.items(multi=True) if name not in ("csrf_token", "act", "drop")]
    return render_template("storefront/checkout/expired.html", sent=sent, is_guest=signed_in() is None and not request.form.get("basket"))


# ── What was typed ────────────────────────────────────────────────────────────────────────────────────────────────────


def _key_of(form: CheckoutForm) -> CheckoutKey:
    """The key made with the page; a new one if what came back is none."""
    if not _KEY.fullmatch(form.once.data or ""):
        form.once.data = new_key()
    return CheckoutKey(form.once.data)


def _chosen(form: CheckoutForm, book: Sequence[BookedAddress]) -> BookedAddress | None:
    """The address of the book that was chosen; None for a new one."""
    chosen = next((address for address in book if str(address.id) == form.address.data), None)
    if chosen is None:
        form.address.data = NEW_ADDRESS
    return chosen


def _place_of(form: CheckoutForm, chosen: BookedAddress | None) -> str | None:
    """The district that the page is about."""
    settle_region(form)
    return chosen.district_code if chosen else form.district.data or None


def _check(form: CheckoutForm, chosen: BookedAddress | None) -> Recipient | None:
    """Whom the order goes to; None, and the reasons beside the fields, if that cannot be said."""
    check_words(form)
    if chosen is None:
        return check_address(form)
    place = find_place(chosen.district_code)
    if place is None:
        refuse(form.address, gettext("这个地址的区县已经改了，请填一个新地址。"))
        return None
    return Recipient(chosen.name, chosen.phone, place, chosen.town, chosen.street, is_new=False)


def _delivery(form: CheckoutForm, recipient: Recipient, basket: Basket, person: SignedIn | None) -> Delivery:
    return Delivery(
        name=recipient.name,
        phone=recipient.phone,
        email=fold(form.email.data or "").lower() or None,
        district_code=recipient.place.district.code,
        region=recipient.place.name,
        town=recipient.town,
        street=recipient.street,
        note=clean(form.note.data, most=LONGEST_NOTE),
        gift_note=clean(form.gift_note.data, most=LONGEST_GIFT_NOTE),
        locale=str(get_locale()),
        buyer_id=person.user_id if person else None,
        eastern_unit_id=person.eastern_unit_id if person else None,
        perishable_confirmed=bool(form.perishable.data) and basket.has_perishable,
        remember_address=bool(person) and (bool(form.remember.data) or not recipient.is_new),
    )


def _transfer_days(form: CheckoutForm) -> int | None:
    """How long a transfer may take, if that is how the buyer pays and it is offered."""
    account = settings().transfer
    return account.days if account and form.pay.data == "transfer" else None


# ── What is in the way ────────────────────────────────────────────────────────────────────────────────────────────────


def _say_where_it_cannot_go(form: CheckoutForm, basket: Basket) -> None:
    """Beside the address: which goods cannot be sent there."""
    if form.address.data == NEW_ADDRESS:
        say_where_nothing_goes(form)
    for parcel in basket.refused:
        refuse(form.district if form.address.data == NEW_ADDRESS else form.address, _why_not(parcel))


def _why_not(parcel: BasketParcel) -> str:
    assert isinstance(parcel.postage, CannotShip)
    if parcel.postage.why is not Why.TOO_FAR_FOR_COLD:
        return str(gettext("那里暂时寄不到，换一个地址。"))
    cold = gettext("、").join(said(row.name, row.name_en) for row in parcel.rows if row.is_cold_chain)
    return str(gettext("%(names)s要冷链，那里太远，送到就不新鲜了。换一个地址，或把它拿出购物篮。", names=cold))


def _in_the_way(form: CheckoutForm, basket: Basket, book: Sequence[BookedAddress], place: str | None) -> tuple[str, int] | None:
    """The page to show instead of ordering: goods that are gone, prices that moved, a sum that is not the one on the button."""
    if gone := _gone(basket):
        kept = _kept(basket)
        wanted = basket.with_quantities({row.sku_id: 0 for row in gone} | kept, place)
        is_settled = request.form.get("act") == "settled" and len(kept) == len(gone)
        if is_settled and wanted.rows and wanted.is_ready and _shown_total() == wanted.total_fen:
            return None
        return _sold_out_page(basket, wanted, gone, is_settled=is_settled), 409
    if not basket.is_ready or basket.refused or not _was_shown(basket, place):
        return _form_page(form, basket, book, place), 409
    return None


def _gone(basket: Basket) -> list[BasketRow]:
    return [row for row in basket.rows if not row.is_offered or row.is_short]


def _kept(basket: Basket) -> dict[SkuId, int]:
    """For each line that cannot be had as wanted, how many of it the buyer chose to keep; a line nobody chose for is missing."""
    kept = {}
    for row in _gone(basket):
        typed = request.form.get(f"keep-{row.sku_id}", "")
        if typed.isascii() and typed.isdecimal() and len(typed) < 4 and int(typed) <= (row.most_units if row.is_offered else 0):
            kept[row.sku_id] = int(typed)
    return kept


def _shown_total() -> int | None:
    """The sum that stood on the button."""
    typed = request.form.get("shown_total", "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 12 else None


def _was_shown(basket: Basket, place: str | None) -> bool:
    """Whether the page that was sent showed this very sum, and asked for the town as this district wants it."""
    before = request.form.get("shown_place", "")
    is_town_asked = request.form.get("address", NEW_ADDRESS) != NEW_ADDRESS or before == place or not (towns(before) or towns(place or ""))
    return bool(before) and is_town_asked and _shown_total() == basket.total_fen


# ── Pages and ways on ─────────────────────────────────────────────────────────────────────────────────────────────────


def _read(
    owner: CartOwner | None, place: str | None, now: datetime, form: CheckoutForm | None = None, person: SignedIn | None = None
) -> Basket | None:
    services = services_wanted() if form else {}
    basket = read_basket(owner, place=place, today=business_day(now), services=services) if owner else None
    g.basket_units = basket.units if basket else 0  # the page's head need not count again
    return with_vouchers(form, basket, person) if basket and form else basket


def _form_page(form: CheckoutForm, basket: Basket, book: Sequence[BookedAddress], place: str | None, *, is_recount: bool = False) -> str:
    shown, was_priced = _shown_total(), bool(request.form.get("shown_place"))
    is_news = request.method == "POST" and bool(place) and not is_recount and not form.errors
    return render_template(
        "storefront/checkout/show.html",
        form=form,
        terms_version=TERMS_VERSION,
        basket=basket,
        book=[(address, place_name(address.district_code)) for address in book],
        place=place or "",
        **choices(form),
        has_new_region=is_recount and request.form.get("act") == "region",
        has_new_voucher=is_recount and request.form.get("act") == "voucher",
        is_news=is_news,
        is_sum_news=is_news and not (was_priced and shown == basket.total_fen),
        shown_before=shown or 0,
        was_priced=was_priced,
        basket_key=session.get("cart", "") if signed_in() is None else "",
        transfer_days=account.days if (account := settings().transfer) else 0,
        is_wechat=is_wechat(),
        is_blank=request.method == "GET" and not form.email.data,
    )


def _sold_out_page(basket: Basket, wanted: Basket, gone: Sequence[BasketRow], *, is_settled: bool) -> str:
    """Every line that cannot be had as it was wanted starts at 不要了; nothing else is chosen for the buyer. Old and new sums side by side."""
    kept = _kept(basket)
    goods_before = sum(row.price_fen * row.quantity for row in basket.rows)
    return render_template(
        "storefront/checkout/sold_out.html",
        gone=[(row, kept.get(row.sku_id, 0)) for row in gone],
        wanted=wanted,
        goods_before=goods_before,
        postage_before=basket.postage_fen,
        discount_before=basket.discount.fen,
        is_sum_news=is_settled,
        sent=[(name, text) for name, text in request.form.items(multi=True) if name not in _NOT_SENT_ON and not name.startswith("keep-")],
    )


_NOT_SENT_ON = frozenset({"csrf_token", "act", "shown_total", "price"})
"""What the page of sold-out goods says anew; everything else that was typed goes along with it, unseen."""


def _to_payment(number: str, key: str, now: datetime, first: FirstAttempt | None = None) -> Response:
    """To the provider's page; if it does not answer, to the order's own, where the buyer can try again."""
    try:
        started = start_first(first) if first else start_payment(number, now=now, hidden_methods=hidden_methods())
        return redirect(started.pay_url, 303) if started.pay_url else go("storefront.transfers.show", number=number, key=key)
    except (ProviderUnavailable, ProviderRefused):
        flash(gettext("订单已经记下，货也给你留着，只是支付方一时没有回话。过一会儿在这里再付。"), "warning")
    except CannotPay:
        pass  # paid, or past its time: its page says which
    return go("storefront.orders.show", number=number, key=key)


def _after_an_empty_basket(once: CheckoutKey, now: datetime) -> Response:
    """The other of two clicks may have made the order while this one waited."""
    if placed := orders.find_placed(once):
        return _to_payment(placed.number, placed.key, now)
    return go("storefront.cart.show")
