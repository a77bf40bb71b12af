"""Checkout: where to, what it costs, and off to the payment page. Without any script; a form that comes back keeps every word.

The sum on the button is what is ordered: if anything made it another one meanwhile (address, price, what is left), the page says so and asks again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from flask import Blueprint, flash, g, redirect, render_template, request
from flask_babel import get_locale, gettext, lazy_gettext
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from werkzeug.wrappers import Response
from wtforms import BooleanField, Field, StringField

from shop.accounts.queries import BookedAddress, addresses_of
from shop.accounts.roles import Permission
from shop.acts.place_order import place_order
from shop.acts.start_payment import start_payment
from shop.cart import service as carts
from shop.cart.queries import CartOwner
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import CheckoutKey, SkuId, new_key
from shop.kit.phones import digits_of, find_mobile
from shop.kit.regions import Place, cities, districts, find_place, provinces, towns
from shop.kit.text import fold
from shop.orders import service as orders
from shop.orders.errors import CannotPay, EmptyCart, PriceChanged, ProductRetired
from shop.orders.service import Delivery
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.reports.basket import Basket, BasketParcel, BasketRow, read_basket
from shop.shipping.errors import CannotShipThere
from shop.shipping.rules import CannotShip, Why
from shop.stock.errors import NotEnoughStock
from shop.web.browsers import hidden_methods, is_wechat
from shop.web.current import SignedIn, cart_owner, needs, settings, signed_in
from shop.web.errors import go
from shop.web.storefront.cart import ESTIMATE_TO, read_prices
from shop.web.storefront.words import said
from shop.web.typed import clean

blueprint = Blueprint("checkout", __name__, url_prefix="/checkout")

NEW_ADDRESS = "new"
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
_WITHOUT_DISTRICTS = frozenset({"710000", "810000", "820000"})


class CheckoutForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Where an order goes. `check` says beside each field what is wrong with it."""

    address = StringField(lazy_gettext("寄到哪里"))
    name = StringField(lazy_gettext("收货人"))
    phone = StringField(lazy_gettext("手机号"))
    province = StringField(lazy_gettext("省"))
    district = StringField(lazy_gettext("市、区县"))
    town = StringField(lazy_gettext("镇、街道"))
    street = StringField(lazy_gettext("街道门牌"))
    email = StringField(lazy_gettext("邮箱"))
    note = StringField(lazy_gettext("给合作社的话"))
    remember = BooleanField(lazy_gettext("记进我的地址簿"))
    perishable = BooleanField(lazy_gettext("生鲜和开了封的，不能无理由退"))
    pay = StringField(lazy_gettext("怎么付"))
    once = StringField("")  # without a label, WTForms would load its own catalogue to translate the name
    shown_total = StringField("")
    shown_place = StringField("")


@dataclass(frozen=True)
class Recipient:
    """Whom and where to: chosen from the book, or typed."""

    name: str
    phone: str
    place: Place
    town: str
    street: str
    is_new: bool


@blueprint.get("/")
@needs(Permission.ANYONE)
def show() -> str | Response:
    """The form, begun with the buyer's own address or, for a start, Kunshan."""
    person = signed_in()
    book = addresses_of(person.user_id) if person else []
    place = book[0].district_code if book else ESTIMATE_TO
    basket = _read(cart_owner(), place, utc_now())
    if basket is None or not basket.is_ready:
        return go("storefront.cart.show")
    form = CheckoutForm(
        formdata=None,
        address=str(book[0].id) if book else NEW_ADDRESS,
        name=person.name if person else "",
        phone=(person.phone or "") if person else "",
        email=(person.email or "") if person else "",
        province=_province_of(ESTIMATE_TO),
        district=ESTIMATE_TO,
        remember=True,
        pay="online",
        once=new_key(),
    )
    _say_where_it_cannot_go(form, basket)
    return _form_page(form, basket, book, place)


@blueprint.post("/")
@needs(Permission.ANYONE)
def confirm() -> str | Response | tuple[str, int]:
    """Place the order and send the buyer to the payment page; or say what is in the way, and keep everything."""
    now = utc_now()
    form = CheckoutForm()
    once = _key_of(form)
    if placed := orders.find_placed(once):  # sent twice, or gone back to: it is the same order
        return _to_payment(placed.number, placed.key, now)
    if (owner := cart_owner()) is None:
        return go("storefront.cart.show")
    if prices := read_prices(request.form.getlist("price")):
        carts.accept_prices(owner, prices)
    person = signed_in()
    book = addresses_of(person.user_id) if person else []
    chosen = _chosen(form, book)
    place = _place_of(form, chosen)
    basket = _read(owner, place, now)
    if basket is None:
        return _after_an_empty_basket(once, now)

    _say_where_it_cannot_go(form, basket)
    if request.form.get("act") == "region":
        return _form_page(form, basket, book, place, has_new_region=True)
    recipient = _check(form, chosen)
    if recipient is None or form.errors:
        return _form_page(form, basket, book, place), 422
    if (page := _in_the_way(form, basket, book, place)) is not None:
        return page

    for sku_id, quantity in _kept(basket).items():
        carts.set_quantity(owner, sku_id, quantity, now)
    try:
        order = place_order(
            basket.cart_id, _delivery(form, recipient, basket, person), once=once, now=now, transfer_days=_transfer_days(form)
        )
    except EmptyCart:
        return _after_an_empty_basket(once, now)
    except (NotEnoughStock, PriceChanged, ProductRetired, CannotShipThere):  # somebody was quicker than this page: look again
        basket = _read(owner, place, now)
        if basket is None:
            return _after_an_empty_basket(once, now)
        _say_where_it_cannot_go(form, basket)
        form.form_errors.append(gettext("刚刚有一点变化，已经按现在的重新算好，看过再按一次。"))
        return _in_the_way(form, basket, book, place) or (_form_page(form, basket, book, place), 409)
    return _to_payment(order.number, order.key, now)


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
    """The district that the page is about. One that is not in the province chosen beside it is forgotten: its province came later."""
    place = find_place(form.district.data or "")
    if place is None or place.province.code != form.province.data:
        form.district.data = ""
    if not any(province.code == form.province.data for province in provinces()):
        form.province.data = _province_of(ESTIMATE_TO)
    return chosen.district_code if chosen else form.district.data or None


def _check(form: CheckoutForm, chosen: BookedAddress | None) -> Recipient | None:
    """Whom the order goes to; None, and the reasons beside the fields, if that cannot be said."""
    email = fold(form.email.data or "")
    if email and (len(email) > 254 or not _EMAIL.fullmatch(email)):
        _refuse(form.email, gettext("这不像一个邮箱地址，检查一下，或者留空。"))
    if len(form.note.data or "") > 200:
        _refuse(form.note, gettext("最多 200 字，这里有 %(count)s 字。", count=len(form.note.data)))
    if chosen:
        place = find_place(chosen.district_code)
        if place is None:
            _refuse(form.address, gettext("这个地址的区县已经改了，请填一个新地址。"))
            return None
        return Recipient(chosen.name, chosen.phone, place, chosen.town, chosen.street, is_new=False)
    return _check_new(form)


def _check_new(form: CheckoutForm) -> Recipient | None:
    name, town, street = clean(form.name.data, most=61), clean(form.town.data, most=61), clean(form.street.data, most=201)
    if not name:
        _refuse(form.name, gettext("写上收货人。"))
    elif len(name) > 60:
        _refuse(form.name, gettext("最多 60 字。"))
    phone = find_mobile(form.phone.data or "")
    if phone is None:
        _refuse(form.phone, _about_phone(form.phone.data or ""))
    place = find_place(form.district.data or "")
    if place is None and not form.district.errors:
        _refuse(form.district, gettext("选一个区县。换了省，先按“更新市县”。"))
    known = towns(place.district.code) if place else ()
    if known and all(town != one.name for one in known):
        _refuse(form.town, gettext("选一个镇或街道。"))
    elif len(town) > 60:
        _refuse(form.town, gettext("最多 60 字。"))
    if not street:
        _refuse(form.street, gettext("写上街道门牌，快递要找到门。"))
    elif len(street) > 200:
        _refuse(form.street, gettext("最多 200 字。"))
    if form.errors or place is None or phone is None:
        return None
    return Recipient(name, phone, place, town, street, is_new=True)


def _about_phone(typed: str) -> str:
    count = digits_of(typed)
    if count == 0:
        return str(gettext("写上手机号，送货时要打。"))
    if count != 11:
        return str(gettext("手机号是 11 位，这里有 %(count)s 位。送货时要打。", count=count))
    return str(gettext("这不像大陆的手机号：要 1 开头，第二位 3 到 9。"))


def _refuse(field: Field, words: str) -> None:
    field.errors = [words]


def _delivery(form: CheckoutForm, recipient: Recipient, basket: Basket, person: SignedIn | None) -> Delivery:
    return Delivery(
        name=recipient.name,
        phone=recipient.phone,
        email=fold(form.email.data or "").lower() or None,
        district_code=recipient.place.district.code,
        region=recipient.place.name,
        town=recipient.town,
        street=recipient.street,
        note=clean(form.note.data, most=200),
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
    if form.address.data == NEW_ADDRESS and form.province.data in _WITHOUT_DISTRICTS:
        _refuse(form.district, gettext("港澳台暂时寄不到。"))
    for parcel in basket.refused:
        _refuse(form.district if form.address.data == NEW_ADDRESS else form.address, _why_not(parcel))


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


def _read(owner: CartOwner | None, place: str | None, now: datetime) -> Basket | None:
    basket = read_basket(owner, place=place, today=business_day(now)) if owner else None
    g.basket_units = basket.units if basket else 0  # the page's head need not count again
    return basket


def _form_page(
    form: CheckoutForm, basket: Basket, book: Sequence[BookedAddress], place: str | None, *, has_new_region: bool = False
) -> str:
    shown, was_priced = _shown_total(), bool(request.form.get("shown_place"))
    is_news = request.method == "POST" and bool(place) and not has_new_region and not form.errors
    return render_template(
        "storefront/checkout/show.html",
        form=form,
        basket=basket,
        book=[(address, _place_name(address.district_code)) for address in book],
        place=place or "",
        province_options=_province_options(form.province.data or ""),
        district_options=_district_options(form.province.data or "", form.district.data or "", gettext("请选")),
        known_towns=towns(form.district.data or ""),
        has_new_region=has_new_region,
        is_news=is_news,
        is_sum_news=is_news and not (was_priced and shown == basket.total_fen),
        shown_before=shown or 0,
        was_priced=was_priced,
        transfer_days=account.days if (account := settings().transfer) else 0,
        is_wechat=is_wechat(),
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
        is_sum_news=is_settled,
        sent=[(name, text) for name, text in request.form.items(multi=True) if name not in _NOT_SENT_ON and not name.startswith("keep-")],
    )


_NOT_SENT_ON = frozenset({"csrf_token", "act", "shown_total", "price"})
"""What the page of sold-out goods says anew; everything else that was typed goes along with it, unseen."""


def _to_payment(number: str, key: str, now: datetime) -> Response:
    """To the provider's page; if it does not answer, to the order's own, where the buyer can try again."""
    try:
        started = start_payment(number, now=now, hidden_methods=hidden_methods())
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


# ── Regions ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _province_of(district_code: str) -> str:
    place = find_place(district_code)
    assert place is not None, "the shop knows where it sends to"
    return place.province.code


def _place_name(district_code: str) -> str:
    place = find_place(district_code)
    return place.name if place else ""


@lru_cache(maxsize=64)
def _province_options(chosen: str) -> Markup:
    return Markup("").join(_option(province.code, province.name, chosen) for province in provinces())


@lru_cache(maxsize=1024)
def _district_options(province_code: str, chosen: str, please: str) -> Markup:
    """The districts of a province, grouped by their cities; a list that is the same for everybody and long."""
    group = Markup('<optgroup label="{}">{}</optgroup>')
    groups = (
        group.format(city.name, Markup("").join(_option(district.code, district.name, chosen) for district in districts(city.code)))
        for city in cities(province_code)
    )
    return _option("", please, chosen) + Markup("").join(groups)


def _option(value: str, text: str, chosen: str) -> Markup:
    return Markup('<option value="{}"{}>{}</option>').format(value, Markup(" selected") if value == chosen else "", escape(text))
