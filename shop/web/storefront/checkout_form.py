"""What is typed at checkout beside the address: vouchers, how parcels are sent, a fapiao, a wish for whoever opens the parcel."""

import re

from flask import request
from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, StringField

from shop.kit.clock import business_day, utc_now
from shop.kit.ids import CooperativeId
from shop.kit.phones import find_mobile
from shop.kit.text import fold
from shop.offers.discounts import Terms, grant, why_not
from shop.offers.errors import WhyNot
from shop.offers.queries import Buyer, find_terms, uses_of_buyer
from shop.reports.basket import Basket
from shop.shipping.rules import ServiceKind
from shop.web.address_form import AddressForm, refuse
from shop.web.current import SignedIn
from shop.web.fapiao_form import FapiaoFields, is_email
from shop.web.filters import day, yuan_sign

LONGEST_NOTE = 200
LONGEST_GIFT_NOTE = 120
MOST_VOUCHERS = 5

_CODE = re.compile(r"[0-9A-Z]{3,20}", re.ASCII)
_SHIP = re.compile(r"ship-([0-9]{1,18})", re.ASCII)


class CheckoutForm(FapiaoFields, AddressForm):
    """Where an order goes and what is wished with it."""

    class Meta:
        """The handler looks at the token itself; the form needs no field for it."""

        csrf = False

    address = StringField(lazy_gettext("寄到哪里"))
    email = StringField(lazy_gettext("邮箱"))
    note = StringField(lazy_gettext("给合作社的话"))
    gift_note = StringField(lazy_gettext("送人的话"))
    remember = BooleanField(lazy_gettext("记进我的地址簿"))
    perishable = BooleanField(lazy_gettext("生鲜和开了封的，不能无理由退"))
    pay = StringField(lazy_gettext("怎么付"))
    voucher = StringField(lazy_gettext("优惠码"))
    once = StringField("")  # without a label, WTForms would load its own catalogue to translate the name
    shown_total = StringField("")
    shown_place = StringField("")


def check_words(form: CheckoutForm) -> None:
    """Say what is wrong with the letter's address and with what is written to people."""
    email = fold(form.email.data or "")
    if email and not is_email(email):
        refuse(form.email, gettext("这不像一个邮箱地址，检查一下，或者留空。"))
    for field, most in ((form.note, LONGEST_NOTE), (form.gift_note, LONGEST_GIFT_NOTE)):
        count = len((field.data or "").strip())
        if count > most:
            refuse(field, gettext("最多 %(most)s 字，这里有 %(count)s 字。", most=most, count=count))


# ── How parcels are sent ──────────────────────────────────────────────────────────────────────────────────────────────


def services_wanted() -> dict[CooperativeId, ServiceKind]:
    """What was chosen for each parcel; what no page offered is passed over."""
    chosen = {}
    for name, value in request.form.items():
        if (found := _SHIP.fullmatch(name)) and value in set(ServiceKind):
            chosen[CooperativeId(int(found.group(1)))] = ServiceKind(value)
    return chosen


# ── Vouchers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def with_vouchers(form: CheckoutForm, basket: Basket, person: SignedIn | None) -> Basket:
    """The basket with the vouchers that were named and are for it; what is wrong with another stands beside the field, its code kept in it.

    Who names none is asked nothing.
    """
    typed = re.sub(r"[\s\-‐–—]+", "", fold(form.voucher.data or "")).upper()
    named = [code for code in dict.fromkeys(request.form.getlist("used")) if _CODE.fullmatch(code) and code != request.form.get("drop")]
    codes = list(dict.fromkeys([*named[:MOST_VOUCHERS], *([typed] if _CODE.fullmatch(typed) else [])]))
    if typed and typed not in codes:
        refuse(form.voucher, gettext("优惠码是 3 到 20 位的字母和数字，照着原样再写一次。"))
    if not codes:
        return basket
    found = find_terms(codes)
    uses = uses_of_buyer(tuple(found.values()), Buyer(person.user_id if person else None, find_mobile(form.phone.data or "")))
    fits: list[Terms] = []
    for code in codes:
        terms = found.get(code)
        why = why_not(terms, basket.goods, today=business_day(utc_now()), uses_of_buyer=uses.get(terms.id, 0)) if terms else WhyNot.UNKNOWN
        if terms is not None and why is None:
            fits.append(terms)
        elif why is not None:
            refuse_voucher(form, code, why, terms)
    _, refused = grant(fits, basket.goods)
    for terms in fits:
        if terms.code in refused:
            refuse_voucher(form, terms.code, refused[terms.code], terms)
    if not form.voucher.errors:
        form.voucher.data = ""
    return basket.with_vouchers([terms for terms in fits if terms.code not in refused])


def refuse_voucher(form: CheckoutForm, code: str, why: WhyNot, terms: Terms | None = None) -> None:
    """Say kindly, beside the field, why this voucher is not for this order."""
    words = {
        WhyNot.UNKNOWN: gettext("没有 %(code)s 这个优惠码，照着原样再写一次。", code=code),
        WhyNot.NOT_YET: gettext("%(code)s 要到 %(day)s 才能用。", code=code, day=day(terms.first_day) if terms else ""),
        WhyNot.OVER: gettext("%(code)s 已经过期了。", code=code),
        WhyNot.USED_UP: gettext("%(code)s 刚刚用完了，被别人先用上了。填的都还在，不用它也能下单。", code=code),
        WhyNot.BUYER_USED_UP: gettext(
            "%(code)s 你已经用过了，每人只能用 %(most)s 次。", code=code, most=terms.most_per_buyer if terms else 1
        ),
        WhyNot.NOTHING_BOUND: gettext("%(code)s 只能用在指定的货上，篮里没有。", code=code),
        WhyNot.BELOW_MINIMUM: gettext(
            "%(code)s 要可用的货满 %(minimum)s 才能用。", code=code, minimum=yuan_sign(terms.minimum_fen) if terms else ""
        ),
        WhyNot.STANDS_ALONE: gettext("%(code)s 不能和别的优惠码一起用，先拿掉一个。", code=code),
    }
    refuse(form.voucher, str(words[why]))
    form.voucher.data = code
