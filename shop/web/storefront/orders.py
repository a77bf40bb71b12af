"""An order's page: its payment, its parcels' way and its money's way, for whoever holds its key or bought it.

The number alone opens nothing: without the key or the buyer's session it answers as if there were no such order.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from werkzeug.wrappers import Response
from wtforms import StringField

from shop.accounts.roles import Permission
from shop.acts.confirm_payment import check_order_payments
from shop.acts.deliver_order import mark_delivered
from shop.acts.lapse_unpaid import cancel_order
from shop.acts.start_payment import start_payment
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import ShipmentId, UserId
from shop.kit.phones import find_mobile
from shop.kit.text import fold
from shop.orders.errors import CannotMove, CannotPay
from shop.orders.models import Channel
from shop.orders.states import OrderState, is_paid
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import PaymentState, RefundState
from shop.payments.transfer.service import PROVIDER, open_remittances_of
from shop.reports.claims import claims_of_order
from shop.reports.conversation import count_new
from shop.reports.fapiao import find_fapiao
from shop.reports.order_story import (
    LineStory,
    Opened,
    OrderStory,
    PaymentStory,
    PickStory,
    ShipmentStory,
    find_key,
    get_own_story,
)
from shop.shipping import service as shipping
from shop.shipping.carriers import CARRIER_PAGES
from shop.shipping.errors import AlreadyOnItsWay
from shop.shipping.states import ShipmentState
from shop.voices.models import Side
from shop.web.browsers import hidden_methods, is_wechat
from shop.web.claim_form import kinds_of
from shop.web.claim_words import money_words
from shop.web.current import needs, settings, signed_in
from shop.web.errors import go
from shop.web.filters import chinese, filled, share_percent, short_day, yuan_sign
from shop.web.form import Form
from shop.web.storefront.addresses import opened_order, order_number
from shop.web.storefront.words import said, service_word, units

blueprint = Blueprint("orders", __name__, url_prefix="/orders")

ASK_AGAIN_AFTER = timedelta(seconds=4)
"""The page that waits looks by itself every five seconds; asked faster, it does not ask the provider again."""

_AS_TYPED = re.compile(r"(?:(SH)-?)?([0-9]{6})-?([0-9A-Z]{6})", re.ASCII)
_MISREAD = str.maketrans("OIL", "011")


class FindForm(Form):
    """What opens an order for somebody who has lost its link."""

    number = StringField(lazy_gettext("订单号"))
    phone = StringField(lazy_gettext("收货手机号"))


@blueprint.get("/<number>")
@needs(Permission.ANYONE)
def show(number: str) -> str:
    """The order. Back from the payment page (`paid=1`), the provider is asked first."""
    now = utc_now()
    is_back = "paid" in request.args
    story = _own_story(number)
    if is_back and story.state is OrderState.AWAITING_PAYMENT:
        _ask_provider(number, now)
        story = _own_story(number)
    if is_back and story.state is OrderState.AWAITING_PAYMENT and not _has_mismatch(story):
        return render_template("storefront/orders/confirming.html", story=story, now=now)
    return render_template("storefront/orders/show.html", **_page(story, now))


@blueprint.post("/<number>/pay")
@needs(Permission.ANYONE)
def pay(number: str) -> Response:
    """To the payment page, again."""
    opened = opened_order(number)
    try:
        started = start_payment(number, now=utc_now(), hidden_methods=hidden_methods())
        return redirect(started.pay_url, 303) if started.pay_url else go("storefront.transfers.show", number=opened.number, key=opened.key)
    except (ProviderUnavailable, ProviderRefused):
        flash(gettext("支付方还是没有回话。货给你留着，过一会儿再试。"), "warning")
    except CannotPay as refusal:
        if refusal.state == "too_many_attempts":
            flash(gettext("支付页已经开过三次，不能再开了。到时间没付，订单会作废，可以重新下单。"), "warning")
        elif refusal.state == OrderState.AWAITING_PAYMENT.value:
            flash(gettext("留货的时间到了，不能再付。可以重新下单。"), "warning")
    return _back(opened)


@blueprint.post("/<number>/cancel")
@needs(Permission.ANYONE)
def cancel(number: str) -> Response:
    """Call the order off before it is paid."""
    opened = opened_order(number)
    try:
        cancel_order(number, by=_who(), now=utc_now())
        flash(gettext("订单取消了，货已放回货架。没有扣钱。"), "success")
    except CannotMove:
        flash(gettext("没有取消：这一单已经不是待付款了，看下面现在到了哪一步。"), "warning")
    except (ProviderUnavailable, ProviderRefused):
        flash(gettext("没有取消：支付方没有回话，不知道钱付没付。过一会儿再试。"), "warning")
    return _back(opened)


@blueprint.post("/<number>/parcels/<int(max=9223372036854775807):shipment_id>/received")
@needs(Permission.ANYONE)
def receive(number: str, shipment_id: int) -> Response:
    """The buyer has the parcel."""
    opened = opened_order(number)
    parcel = ShipmentId(shipment_id)
    if shipping.get_order_of(parcel) != opened.id:
        raise NotFound
    try:
        mark_delivered(parcel, by=_who(), now=utc_now())
        flash(gettext("记下了，谢谢。七天内不满意，可以退。"), "success")
    except AlreadyOnItsWay:
        pass  # said twice, or by somebody else: the page shows it
    return _back(opened)


@blueprint.route("/find", methods=["GET", "POST"])
@needs(Permission.ANYONE)
@limiter.limit("10 per 5 minutes", methods=["POST"])
def find() -> str | Response | tuple[str, int]:
    """Open an order by its number and the mobile number it goes to. A wrong number and a wrong telephone get one answer."""
    form = FindForm()
    if request.method == "GET":
        return render_template("storefront/orders/find.html", form=form)
    number, phone = _number_typed(form.number.data or ""), find_mobile(form.phone.data or "")
    if not form.number.data:
        form.number.errors = [gettext("写上订单号，信里有，SH 开头。")]
    if phone is None:
        form.phone.errors = [gettext("写上下单时的手机号，11 位。")]
    if not form.errors:
        key = find_key(number, phone) if number and phone else None
        if number and key:
            return go("storefront.orders.show", number=number, key=key)
        form.number.errors = [gettext("没有对上。订单号和手机号要是同一张订单上的。")]
    return render_template("storefront/orders/find.html", form=form), 422


# ── The right to it ───────────────────────────────────────────────────────────────────────────────────────────────────


def _own_story(number: str) -> OrderStory:
    return get_own_story(order_number(number), key=request.args.get("key", ""), buyer_id=_who())


def _who() -> UserId | None:
    person = signed_in()
    return person.user_id if person else None


def _back(opened: Opened) -> Response:
    return go("storefront.orders.show", number=opened.number, key=opened.key)


def _number_typed(typed: str) -> str | None:
    """An order's number as people write it: small letters, no hyphens, O for nought; None if it can be none."""
    text = re.sub(r"[\s‐‑‒–—]+", "-", fold(typed)).upper()
    found = _AS_TYPED.fullmatch(text.replace("--", "-")) or _AS_TYPED.fullmatch(text.replace("-", ""))
    return f"SH-{found.group(2)}-{found.group(3).translate(_MISREAD)}" if found else None


def _ask_provider(number: str, now: datetime) -> None:
    """Ask what became of the payment, unless this browser's page did so a moment ago."""
    last = session.get("asked", "")
    if last.startswith(f"{number} ") and now - datetime.fromisoformat(last.split()[1]) < ASK_AGAIN_AFTER:
        return
    session["asked"] = f"{number} {now.isoformat()}"
    with suppress(ProviderUnavailable, ProviderRefused):  # the page says that it goes on asking; the sweep does too
        check_order_payments(number, now=now)


# ── What the page shows ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Step:
    """One row of a parcel's trail."""

    at: datetime
    text: str
    code: str = ""


@dataclass(frozen=True)
class ParcelRow:
    """One parcel as the page tells it."""

    shipment_id: ShipmentId
    title: str
    what: str
    word: str
    badge: str
    trail: tuple[Step, ...]
    may_receive: bool
    carrier: str
    carrier_page: str
    """Where the carrier tells where it is; nothing when it has not left, or with a carrier we do not know."""
    tracking_number: str


@dataclass(frozen=True)
class MoneyVillage:
    """A village's part of one lot."""

    name: str
    href: str
    share: str
    booked_fen: int
    back_fen: int


@dataclass(frozen=True)
class MoneyLot:
    """One lot of a line."""

    code: str
    href: str
    units: str
    booked_fen: int
    back_fen: int
    word: str
    villages: tuple[MoneyVillage, ...]


@dataclass(frozen=True)
class MoneyLine:
    """One line of the money's way."""

    title: str
    sum: str
    booked_fen: int
    back_fen: int
    lots: tuple[MoneyLot, ...]


@dataclass(frozen=True)
class VillageRow:
    """What one village has of the order now."""

    name: str
    part: int
    figure: str
    note: str
    href: str


_PARCEL_WORDS = {
    ShipmentState.WAITING: (lazy_gettext("等付款"), ""),
    ShipmentState.TO_PACK: (lazy_gettext("装箱中"), ""),
    ShipmentState.SHIPPED: (lazy_gettext("在路上"), "due"),
    ShipmentState.DELIVERED: (lazy_gettext("已签收"), "done"),
    ShipmentState.CANCELLED: (lazy_gettext("不寄了"), "warning"),
}
_METHODS = {
    "card": lazy_gettext("银行卡"),
    "alipay": lazy_gettext("支付宝"),
    "wechat_pay": lazy_gettext("微信支付"),
    "transfer": lazy_gettext("银行转账"),
}
_AT_STEP = {OrderState.PAID: 2, OrderState.PACKING: 2, OrderState.SHIPPED: 3, OrderState.DELIVERED: 5, OrderState.COMPLETED: 5}


def _page(story: OrderStory, now: datetime) -> dict[str, object]:
    """Everything the template names; words are chosen here, figures are the story's."""
    person = signed_in()
    return {
        "story": story,
        "is_paid": is_paid(story.state),
        "step": _AT_STEP.get(story.state, 1),
        "title": _title(story),
        "new_messages": count_new(story.id, Side.BUYER) if story.has_messages else 0,
        "is_own": person is not None and person.user_id == story.buyer_id,
        "minutes_left": _minutes_left(story, now),
        "last_attempt": story.payments[-1].state if story.payments else None,
        "late": _late_payment(story),
        "transfer": story.payments[-1] if story.payments and story.payments[-1].provider == PROVIDER else None,
        "needs_payee": any(refund.by_transfer and refund.state is RefundState.ASKED for refund in story.refunds)
        and any(row.payee_from is None for row in open_remittances_of(story.number)),
        "is_wechat": is_wechat(),
        "second": timedelta(seconds=1),
        "address": f"{settings().public_url}/orders/{story.number}?key={story.key}",
        "has_mismatch": _has_mismatch(story),
        "parcels": [_parcel(story, place, shipment) for place, shipment in enumerate(story.shipments, start=1)]
        if is_paid(story.state)
        else [],
        "parcel_words": _parcel_counts(story.shipments),
        "money": [_money_line(line) for line in story.lines if any(pick.shares for pick in line.picks)],
        "villages": _villages(story),
        "sums": _sums(story),
        "fapiao": find_fapiao(story.id) if story.fapiao_id is not None else None,
        "refunds": [(refund, money_words(refund.state, by_transfer=refund.by_transfer)) for refund in story.refunds],
        "claims": claims_of_order(story.id) if story.has_claims else (),
        "claim_kinds": kinds_of(story) if is_paid(story.state) and story.channel is Channel.ONLINE else (),
        "perishable": [said(line.product_name, line.product_name_en) for line in story.lines if line.is_perishable],
    }


_TITLES = {
    OrderState.AWAITING_PAYMENT: lazy_gettext("订单记下了，等你付款"),
    OrderState.LAPSED: lazy_gettext("没在时间内付款，订单作废了"),
    OrderState.CANCELLED: lazy_gettext("订单取消了"),
    OrderState.DELIVERED: lazy_gettext("都签收了"),
    OrderState.COMPLETED: lazy_gettext("这一单完成了"),
}


def _title(story: OrderStory) -> str:
    if story.shipments and all(shipment.state is ShipmentState.CANCELLED for shipment in story.shipments) and is_paid(story.state):
        return str(gettext("这一单取消了，钱退回去了"))
    if story.state in _TITLES:
        return str(_TITLES[story.state])
    count = len(story.shipments)
    if count > 1:
        return str(gettext("%(count)s 家合作社，分 %(count)s 包寄出", count=count))
    return str(gettext("已付款，在路上") if story.state is OrderState.SHIPPED else gettext("已付款，合作社在装箱"))


def _minutes_left(story: OrderStory, now: datetime) -> int:
    """Whole minutes for which the goods are still kept, rounded up; nought when their time is over."""
    return max(0, -int((now - story.hold_until).total_seconds() // 60)) if story.hold_until else 0


def _late_payment(story: OrderStory) -> PaymentStory | None:
    """Money that came when the goods were gone, and goes back."""
    if is_paid(story.state):
        return None
    return next((payment for payment in story.payments if payment.state is PaymentState.PAID), None)


def _has_mismatch(story: OrderStory) -> bool:
    return not is_paid(story.state) and any(payment.state is PaymentState.MISMATCH for payment in story.payments)


def _parcel(story: OrderStory, place: int, shipment: ShipmentStory) -> ParcelRow:
    name = said(shipment.cooperative_short_name, shipment.cooperative_name_en)
    word, badge = _PARCEL_WORDS[shipment.state]
    trail = []
    if shipment.delivered_at:
        trail.append(Step(shipment.delivered_at, gettext("已签收")))
    if shipment.shipped_at:
        trail.append(
            Step(
                shipment.shipped_at, filled(gettext("交寄，%(carrier)s"), carrier=chinese(shipment.carrier or "")), shipment.tracking_number
            )
        )
    if story.paid_at:
        trail.append(Step(story.paid_at, gettext("已付款，交给合作社装箱")))
    return ParcelRow(
        shipment_id=shipment.shipment_id,
        title=gettext("第 %(place)s 包，%(name)s", place=place, name=name) if len(story.shipments) > 1 else name,
        what=_about(shipment, gettext("、").join(_goods(line) for line in story.lines if line.cooperative_id == shipment.cooperative_id)),
        word=str(word),
        badge=badge,
        trail=tuple(trail),
        may_receive=shipment.state is ShipmentState.SHIPPED,
        carrier=shipment.carrier or "",
        carrier_page=CARRIER_PAGES.get(shipment.carrier or "", ""),
        tracking_number=shipment.tracking_number or "",
    )


def _about(shipment: ShipmentStory, goods: str) -> str:
    """The goods, how they are sent, and about when they arrive while they are on their way."""
    if (
        shipment.expected_from is None
        or shipment.expected_until is None
        or shipment.state in (ShipmentState.DELIVERED, ShipmentState.CANCELLED)
    ):
        return goods
    words = {
        "service": service_word(shipment.service),
        "first": short_day(shipment.expected_from),
        "last": short_day(shipment.expected_until),
    }
    return goods + str(gettext("；%(service)s，约 %(first)s至 %(last)s到", **words))


def _parcel_counts(shipments: Sequence[ShipmentStory]) -> str:
    """一包已签收，一包在路上: how many parcels are where, those nearest the door first."""
    found = ((sum(parcel.state is state for parcel in shipments), words) for state, words in _COUNTED)
    return str(gettext("，").join(str(words) % {"count": count} for count, words in found if count))


_COUNTED = (
    (ShipmentState.DELIVERED, lazy_gettext("%(count)s 包已签收")),
    (ShipmentState.SHIPPED, lazy_gettext("%(count)s 包在路上")),
    (ShipmentState.TO_PACK, lazy_gettext("%(count)s 包在装箱")),
    (ShipmentState.CANCELLED, lazy_gettext("%(count)s 包不寄了")),
)


def _goods(line: LineStory) -> str:
    return f"{said(line.product_name, line.product_name_en)} {said(line.pack, line.pack_en)} × {line.quantity}"


def _money_line(line: LineStory) -> MoneyLine:
    if line.discount_fen:
        parts = {"gross": yuan_sign(line.gross_fen), "discount": yuan_sign(line.discount_fen), "net": yuan_sign(line.net_fen)}
        spelled = gettext("%(gross)s − 分摊优惠 %(discount)s = 货款 %(net)s", **parts)
    else:
        spelled = gettext("货款 %(net)s", net=yuan_sign(line.net_fen))
    return MoneyLine(_goods(line), str(spelled), line.booked_fen, -line.refunded_fen, tuple(_money_lot(line, pick) for pick in line.picks))


def _money_lot(line: LineStory, pick: PickStory) -> MoneyLot:
    grams = sum(share.grams for share in pick.shares)
    if pick.returned_units == 0:
        word = gettext("退过一部分") if pick.refunded_fen else ""
    elif pick.returned_units == pick.units:
        word = gettext("已退")
    else:
        word = gettext("已退 %(units)s", units=units(pick.returned_units, line.unit_word))
    return MoneyLot(
        code=pick.lot_code,
        href=url_for("storefront.lots.show", code=pick.lot_code),
        units=units(pick.units, line.unit_word),
        booked_fen=pick.booked_fen,
        back_fen=-pick.refunded_fen,
        word=str(word),
        villages=tuple(
            MoneyVillage(
                name=said(share.village_name, share.village_name_en),
                href=url_for("storefront.villages.show", slug=share.village_slug),
                share=share_percent(share.grams, grams),
                booked_fen=share.booked_fen,
                back_fen=-share.refunded_fen,
            )
            for share in pick.shares
        ),
    )


def _villages(story: OrderStory) -> list[VillageRow]:
    return [
        VillageRow(
            name=said(village.village_name, village.village_name_en),
            part=village.now_fen,
            figure=yuan_sign(village.now_fen),
            note="",
            href=url_for("storefront.villages.show", slug=village.village_slug),
        )
        for village in story.villages
    ]


def _sums(story: OrderStory) -> list[tuple[str, str, int, str]]:
    rows = [(ngettext("商品 %(num)s 种", "商品 %(num)s 种", len(story.lines)), "", story.goods_fen, "")]
    rows += [(said(used.name, used.name_en), "", -used.amount_fen, "") for used in story.vouchers]
    if rest_fen := story.discount_fen - sum(used.amount_fen for used in story.vouchers):
        rows.append((gettext("换货时照旧的优惠") if story.vouchers else gettext("优惠"), "", -rest_fen, ""))
    rows.append((gettext("运费"), gettext("付给承运方，不记到村"), story.shipping_fen, ""))
    if story.state is OrderState.AWAITING_PAYMENT:
        return [*rows, (gettext("应付"), "", story.total_fen, "pay")]
    if not is_paid(story.state):
        return [*rows, (gettext("本来应付"), "", story.total_fen, "sum")]
    paid = next((payment for payment in story.payments if payment.state is PaymentState.PAID), None)
    rows.append((gettext("实付"), str(_METHODS.get(paid.method or "", "")) if paid else "", story.total_fen, "sum"))
    back = [returned for returned in story.returns if not returned.is_reversed]
    for returned in back:
        note = (
            filled(gettext("%(day)s，%(reason)s"), day=short_day(returned.at), reason=chinese(returned.reason))
            if returned.reason
            else short_day(returned.at)
        )
        rows.append((gettext("已退"), note, -(returned.goods_fen + returned.shipping_fen), "back"))
    if back:
        rows.append((gettext("净付"), "", story.net_paid_fen, "sum"))
    return rows
