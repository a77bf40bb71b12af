"""Orders: the list, and one order with its picks, payments, entries and parcels; sending it, and giving money back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.decide_refund import Waiting, ask_refund, needs_second_person
from shop.acts.deliver_order import mark_delivered
from shop.acts.refund_order import RefundPreview, preview_refund
from shop.acts.ship_parcel import ship_parcel
from shop.acts.show_phone import show_phone
from shop.kit.clock import utc_now
from shop.kit.errors import Conflict, NotFound
from shop.kit.ids import CooperativeId, PickId, ShipmentId, new_key
from shop.orders.errors import CannotMove, NoSuchOrder, NothingToRefund, RefundTooLarge
from shop.orders.models import Channel
from shop.orders.notes import LONGEST_NOTE, write_note
from shop.orders.states import OrderState, is_paid
from shop.payments.errors import PaymentDisputed
from shop.payments.models import PaymentState, RefundState
from shop.payments.transfer.service import PROVIDER
from shop.payments.windows import is_past_window, window_ends
from shop.reports.bank import SlipStory, read_requests, slips_of
from shop.reports.claims import claims_of_order
from shop.reports.conversation import count_new
from shop.reports.order_story import OrderStory, PaymentStory, ShipmentStory, get_story
from shop.reports.provider_money import read_disputes
from shop.reports.staff_orders import EntryStory, Seller, Wanted, find_orders, list_sellers, read_behind
from shop.shipping.errors import AlreadyOnItsWay
from shop.shipping.states import ShipmentState
from shop.stock.errors import LotIsRecalled
from shop.voices.models import Side
from shop.web.cooperative.fields import DayField
from shop.web.cooperative.orders import CARRIERS, ShipForm
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.form import Form
from shop.web.staff.money import DISPUTE_REASONS, DISPUTE_WORDS, dispute_url, money_in
from shop.web.staff.refund_form import GOODS, REASONS, RefundForm, blank_form, read_form
from shop.web.staff.words import (
    CURRENCIES,
    ENTRY_WORDS,
    FAPIAO_WORDS,
    METHODS,
    ORDER_WORDS,
    PARCEL_WORDS,
    PAYMENT_WORDS,
    REASON_WORDS,
    REFUND_WORDS,
    WHY_SHOWN,
    account_name,
    entry_name,
    parcel_name,
    trail_of,
)
from shop.web.storefront.words import said
from shop.web.typed import clean

blueprint = Blueprint("orders", __name__, url_prefix="/orders")

_NUMBER = re.compile(r"[A-Z]{2}-[0-9]{6}-[0-9A-Z]{6}", re.ASCII)
_LONGEST_QUERY = 254
"""An e-mail address."""
_LONGEST_CODE = 20


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class ListForm(Form):
    """Which orders. Nothing is changed by it, so it carries no token; blank means all."""

    class Meta:
        """WTForms' own settings."""

        csrf = False

    q = StringField(lazy_gettext("找订单"))
    state = SelectField(
        lazy_gettext("状态"),
        choices=[
            SelectChoice("", lazy_gettext("全部")),
            *(SelectChoice(state.value, word) for state, (word, _badge) in ORDER_WORDS.items()),
        ],
        default="",
        invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"),
    )
    cooperative = SelectField(lazy_gettext("合作社"), default="", invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    method = SelectField(
        lazy_gettext("怎么付的"),
        choices=[SelectChoice("", lazy_gettext("全部")), *(SelectChoice(method, word) for method, word in METHODS.items())],
        default="",
        invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"),
    )
    fapiao = SelectField(
        lazy_gettext("发票"),
        choices=[SelectChoice("", lazy_gettext("全部")), *(SelectChoice(state, word) for state, word in FAPIAO_WORDS.items())],
        default="",
        invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"),
    )
    voucher = StringField(lazy_gettext("优惠码"))
    channel = SelectField(
        lazy_gettext("渠道"),
        choices=[
            SelectChoice("", lazy_gettext("全部")),
            SelectChoice(Channel.ONLINE.value, lazy_gettext("线上")),
            SelectChoice(Channel.OFFLINE.value, lazy_gettext("线下")),
        ],
        default="",
        invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"),
    )

    def __init__(self, arguments: MultiDict[str, str], sellers: tuple[Seller, ...]) -> None:
        super().__init__(arguments)
        choices = (SelectChoice(str(seller.id), said(seller.name, seller.name_en)) for seller in sellers)
        self.cooperative.choices = [SelectChoice("", gettext("全部")), *choices]

    def validate_to(self, field: DayField) -> None:
        """Not before the first day."""
        since = self["from"].data
        if since is not None and field.data is not None and field.data < since:
            raise ValidationError(gettext("不能早于开始那天 %(since)s。", since=since.isoformat()))

    @property
    def wanted(self) -> Wanted:
        """What the list shows."""
        return Wanted(
            query=clean(self.q.data, most=_LONGEST_QUERY),
            state=OrderState(self.state.data) if self.state.data else None,
            channel=Channel(self.channel.data) if self.channel.data else None,
            cooperative_id=CooperativeId(int(self.cooperative.data)) if self.cooperative.data else None,
            method=self.method.data or "",
            fapiao=self.fapiao.data or "",
            voucher=clean(self.voucher.data, most=_LONGEST_CODE),
            since=self["from"].data,
            until=self["to"].data,
        )


# Not in the body of the class: `from` is a word of the language.
setattr(ListForm, "from", DayField(lazy_gettext("下单从")))
ListForm.to = DayField(lazy_gettext("到"))


def read_wanted(arguments: MultiDict[str, str]) -> Wanted | None:
    """Which orders somebody means by these fields; None where one of them is wrong."""
    form = ListForm(arguments, list_sellers())
    return form.wanted if form.validate() else None


@blueprint.get("/")
@needs(Permission.READ_ORDERS)
def index() -> str | Response | tuple[str, int]:
    """Every order, the latest first. A whole order number goes straight to its order."""
    form = ListForm(request.args, list_sellers())
    arguments = {name: value for name, value in request.args.items() if value and name != "page"}
    if not form.validate():
        return render_template("staff/orders/index.html", form=form, found=None, words=ORDER_WORDS, arguments=arguments), 422
    found = find_orders(form.wanted, page=request.args.get("page", 1, type=int))
    if found.count == 1 and found.rows[0].number == form.wanted.query.upper():
        return go("staff.orders.show", number=found.rows[0].number)
    return render_template("staff/orders/index.html", form=form, found=found, words=ORDER_WORDS, arguments=arguments, once=new_key())


# ── One order ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/<number>")
@needs(Permission.READ_ORDERS)
def show(number: str) -> str:
    """One order with all that stands behind it."""
    return _order_page(_story(number))


@blueprint.post("/<number>/notes")
@needs(Permission.NOTE_ORDERS)
def note(number: str) -> Response | tuple[str, int]:
    """Leave a note for the others; it stays as it is."""
    story = _story(number)
    words, once = clean(request.form.get("words"), most=LONGEST_NOTE + 1), clean(request.form.get("once"), most=40)
    if not words or len(words) > LONGEST_NOTE:
        wrong = gettext("最多 %(most)s 个字，分两条写。", most=LONGEST_NOTE) if words else gettext("写上要记的话。")
        return _order_page(story, note=TypedNote(words, once, wrong)), 422
    write_note(story.number, words, once=once or new_key(), by=somebody().user_id, now=utc_now())
    flash(gettext("备注记下了，改不了；写错了就再写一条。"), "success")
    return go("staff.orders.show", number=number)


@blueprint.post("/<number>/phone")
@needs(Permission.READ_ORDERS)
def phone(number: str) -> str | Response:
    """The buyer's whole number, once; that it was looked at stays."""
    story = _story(number)
    why = request.form.get("why", "")
    if why not in WHY_SHOWN:
        flash(gettext("先说为什么要看号码。"), "error")
        return go("staff.orders.show", number=number)
    return _order_page(_story(number), phone=show_phone(story.number, why=why, by=somebody().user_id, now=utc_now()))


@blueprint.post("/<number>/parcels/<int(max=9223372036854775807):shipment_id>/ship")
@needs(Permission.SHIP)
def ship(number: str, shipment_id: int) -> Response | tuple[str, int]:
    """The parcel is with its carrier."""
    story = _story(number)
    parcel = _parcel_of(story, shipment_id)
    form = ShipForm()
    if not form.validate_on_submit():
        return _order_page(story, ship_form=form, shipping=parcel.shipment_id), 422
    try:
        ship_parcel(parcel.shipment_id, carrier=form.carrier.data, tracking_number=form.clean_number, by=somebody().user_id, now=utc_now())
        flash(gettext("记下了：%(carrier)s %(code)s。买家会收到通知。", carrier=form.carrier.data, code=form.clean_number), "success")
    except LotIsRecalled:
        flash(gettext("没有记：这一包里有召回的批次。先退了那几件的款。"), "wrong")
    except AlreadyOnItsWay:
        flash(gettext("这一包刚才已经不在装箱了，没有再记。看下面现在到了哪一步。"), "warning")
    return go("staff.orders.show", number=number)


@blueprint.post("/<number>/parcels/<int(max=9223372036854775807):shipment_id>/deliver")
@needs(Permission.SHIP)
def deliver(number: str, shipment_id: int) -> Response:
    """The parcel has arrived."""
    parcel = _parcel_of(_story(number), shipment_id)
    try:
        mark_delivered(parcel.shipment_id, by=somebody().user_id, now=utc_now())
        flash(gettext("记下了：已签收。七天的退货期从现在算起。"), "success")
    except AlreadyOnItsWay:
        flash(gettext("这一包刚才已经不在路上了，没有再记。看下面现在到了哪一步。"), "warning")
    return go("staff.orders.show", number=number)


@blueprint.post("/<number>/refund")
@needs(Permission.REFUND)
def refund(number: str) -> str | Response | tuple[str, int]:
    """Show what a refund would book; or, when that has been seen and is still so, book it and send the money."""
    story = _story(number)
    form = read_form(request.form, story)
    if form.wanted is None:
        return _order_page(story, refund_form=form), 422
    if any(dispute.is_open for dispute in read_disputes(number)):
        return _refused_while_disputed(number)
    try:
        preview = preview_refund(number, form.wanted)
        if request.form.get("do") != "refund" or form.agreed_fen != preview.total_fen:
            return _order_page(story, refund_form=form, preview=preview)
        limit_fen = settings().refund_four_eyes_fen
        done = ask_refund(number, form.wanted, four_eyes_fen=limit_fen, once=form.once, by=somebody().user_id, now=utc_now())
    except (NothingToRefund, RefundTooLarge, CannotMove) as refusal:
        form.errors[""] = _why_not(refusal)
        return _order_page(_story(number), refund_form=form), 422
    except PaymentDisputed:
        return _refused_while_disputed(number)
    if isinstance(done, Waiting):
        total = yuan_sign(done.total_fen)
        flash(gettext("%(total)s 要另一个人同意，已经放在“等人定的退款”里。货和账都还没有动。", total=total), "warning")
    else:
        _say_refunded(done.total_fen, done.state, by_transfer=form.wanted.by_transfer or _must_transfer(_paid(story)))
    return go("staff.orders.show", number=number)


def _must_transfer(paid: PaymentStory | None) -> bool:
    """Whether the money can only go back from the bank account."""
    return paid is not None and (paid.provider == PROVIDER or is_past_window(paid.method, paid.paid_at, now=utc_now()))


def _story(number: str) -> OrderStory:
    if not _NUMBER.fullmatch(number):
        raise NoSuchOrder
    return get_story(number)


def _parcel_of(story: OrderStory, shipment_id: int) -> ShipmentStory:
    """The order's parcel. Raises NotFound when it is another order's."""
    for shipment in story.shipments:
        if shipment.shipment_id == shipment_id:
            return shipment
    raise NotFound


def _refused_while_disputed(number: str) -> Response:
    """Whoever had the page open before the dispute came finds its box on the page."""
    flash(gettext("买家的银行正在拒付，钱已经被拿走，定下来以前不能退。"), "error")
    return go("staff.orders.show", number=number)


def _why_not(refusal: Conflict | NothingToRefund | RefundTooLarge) -> str:
    if isinstance(refusal, NothingToRefund):
        return str(gettext("还没写要退什么：退几件，或退多少元。"))
    if isinstance(refusal, RefundTooLarge):
        return str(gettext("比还能退的多，可能刚刚有人退过。数都重新取了，看一眼再定。"))
    return str(gettext("这一单现在不能退。"))


def _say_refunded(total_fen: int, state: RefundState, *, by_transfer: bool) -> None:
    total = yuan_sign(total_fen)
    if state is RefundState.SUCCEEDED:
        flash(gettext("已退 %(total)s，原路到账。各村的数已跟着改。", total=total), "success")
    elif state is RefundState.FAILED:
        flash(gettext("支付方没有退成 %(total)s，账已冲回，各村的数没有变。", total=total), "error")
    elif state is RefundState.ASKED and by_transfer:
        flash(gettext("退款 %(total)s 已记账，要从银行转给买家，在“要转回的”里。", total=total), "success")
    else:
        flash(gettext("退款 %(total)s 已记账，正在交给支付方，一般 1–3 天到账；退不成会自动冲回。", total=total), "success")


# ── What the page shows ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class TypedNote:
    """A note that is being written."""

    words: str
    once: str
    wrong: str = ""


@dataclass(frozen=True)
class ShownParcel:
    """One parcel with what can be done about it."""

    shipment: ShipmentStory
    name: str
    goods: tuple[tuple[str, str, int, str], ...]
    """Name, English name, how many, of what."""
    word: str
    badge: str
    can_ship: bool
    can_deliver: bool


@dataclass(frozen=True)
class VillageAfter:
    """A village before and after the refund that is previewed."""

    name: str
    now_fen: int
    back_fen: int
    after_fen: int

    @property
    def part(self) -> int:
        """For the bar."""
        return self.back_fen


@dataclass(frozen=True)
class ShownPreview:
    """What a refund would book. Nothing is booked."""

    goods_fen: int
    shipping_fen: int
    total_fen: int
    by_pick: Mapping[PickId, int]
    units: int
    villages: tuple[VillageAfter, ...]
    spoken: str
    """The bar, for those who cannot see it."""
    legs: tuple[tuple[str, str, int], ...]
    """What would be booked: account, its code where there is one, fen."""


def _order_page(
    story: OrderStory,
    *,
    refund_form: RefundForm | None = None,
    preview: RefundPreview | None = None,
    ship_form: ShipForm | None = None,
    shipping: ShipmentId | None = None,
    phone: str | None = None,
    note: TypedNote | None = None,
) -> str:
    """The page of one order. A form that came back is shown as it was typed; a preview is drawn hatched beside what is booked."""
    person, behind = somebody(), read_behind(story.id, story.number, also=[event.by_user_id for event in story.events])
    paid, disputes = _paid(story), read_disputes(story.number)
    word, badge_state = ORDER_WORDS[story.state]
    return render_template(
        "staff/orders/show.html",
        story=story,
        word=word,
        badge_state=badge_state,
        paid=paid,
        method=METHODS.get(paid.method or "", "") if paid else "",
        refunded_fen=story.refunded_goods_fen + story.refunded_shipping_fen,
        on_their_way=[refund for refund in story.refunds if refund.state in (RefundState.ASKED, RefundState.PENDING)],
        parcels=[
            _shown_parcel(place, shipment, story, person.may(Permission.SHIP)) for place, shipment in enumerate(story.shipments, start=1)
        ],
        carriers=CARRIERS,
        ship_form=ship_form,
        shipping=shipping,
        can_refund=_can_refund(story, paid) and not any(dispute.is_open for dispute in disputes) and person.may(Permission.REFUND),
        refund=refund_form or blank_form(),
        must_transfer=_must_transfer(paid),
        window_ends=window_ends(paid.method, paid.paid_at) if paid else None,
        requests=read_requests(number=story.number),
        claims=claims_of_order(story.id) if story.has_claims else (),
        slips=_slips(story) if person.may(Permission.READ_BANK) else (),
        may_refund=person.may(Permission.REFUND),
        again=_sent_again(story),
        four_eyes_fen=settings().refund_four_eyes_fen,
        asks_second=preview is not None and needs_second_person(story.id, preview.total_fen, four_eyes_fen=settings().refund_four_eyes_fen),
        reasons=REASONS,
        goods=GOODS,
        preview=_shown_preview(preview, story) if preview else None,
        entries=behind.entries,
        currencies=_currencies(behind.entries),
        trail=trail_of(story, behind),
        phone=phone,
        note=note or TypedNote("", new_key()),
        longest_note=LONGEST_NOTE,
        why_shown=WHY_SHOWN,
        payment_words=PAYMENT_WORDS,
        refund_words=REFUND_WORDS,
        entry_words=ENTRY_WORDS,
        methods=METHODS,
        reason_words=REASON_WORDS,
        entry_legs={
            entry.id: [(account_name(posting), posting.account, posting.amount_fen) for posting in entry.postings]
            for entry in behind.entries
        },
        entry_name=entry_name,
        disputes=disputes,
        new_messages=count_new(story.id, Side.STAFF) if story.has_messages else 0,
        dispute_words=DISPUTE_WORDS,
        dispute_reasons=DISPUTE_REASONS,
        dispute_url=dispute_url,
        money_in=money_in,
    )


def _paid(story: OrderStory) -> PaymentStory | None:
    """The payment that the order was sold by."""
    return next((payment for payment in story.payments if payment.state is PaymentState.PAID and is_paid(story.state)), None)


def _can_refund(story: OrderStory, paid: PaymentStory | None) -> bool:
    is_something_left = story.now_fen > 0 or story.shipping_fen > story.refunded_shipping_fen
    return paid is not None and story.channel is Channel.ONLINE and is_something_left


def _slips(story: OrderStory) -> tuple[SlipStory, ...]:
    is_by_transfer = any(payment.provider == PROVIDER for payment in story.payments)
    return slips_of(story.number) if is_by_transfer else ()


def _sent_again(story: OrderStory) -> frozenset[int]:
    """Failed refunds that a later one has taken the place of: there is nothing left to do about them."""
    done = set()
    for payment in story.payments:
        for place, refund in enumerate(payment.refunds):
            if refund.state is RefundState.FAILED and any(later.state is not RefundState.FAILED for later in payment.refunds[place + 1 :]):
                done.add(int(refund.refund_id))
    return frozenset(done)


def _shown_parcel(place: int, shipment: ShipmentStory, story: OrderStory, may_ship: bool) -> ShownParcel:
    word, badge = PARCEL_WORDS[shipment.state]
    return ShownParcel(
        shipment=shipment,
        name=parcel_name(place, shipment),
        goods=tuple(
            (line.product_name, line.product_name_en, line.quantity, line.unit_word)
            for line in story.lines
            if line.cooperative_id == shipment.cooperative_id
        ),
        word=str(word),
        badge=badge,
        can_ship=may_ship and shipment.state is ShipmentState.TO_PACK,
        can_deliver=may_ship and shipment.state is ShipmentState.SHIPPED,
    )


def _shown_preview(preview: RefundPreview, story: OrderStory) -> ShownPreview:
    names = {village.village_id: said(village.village_name, village.village_name_en) for village in story.villages}
    villages = tuple(
        VillageAfter(names[change.village_id], change.now_fen, change.back_fen, change.after_fen) for change in preview.villages
    )
    legs = [(gettext("%(village)s退回", village=village.name), "", village.back_fen) for village in villages if village.back_fen]
    if preview.shipping_fen:
        legs.append((gettext("代收运费退回"), "", preview.shipping_fen))
    return ShownPreview(
        goods_fen=preview.goods_fen,
        shipping_fen=preview.shipping_fen,
        total_fen=preview.total_fen,
        by_pick={pick.pick_id: pick.fen for pick in preview.picks},
        units=sum(pick.units for pick in preview.picks),
        villages=villages,
        spoken=gettext("，").join(
            gettext("%(village)s退回 %(sum)s", village=village.name, sum=yuan_sign(village.back_fen))
            for village in villages
            if village.back_fen
        ),
        legs=(*legs, (gettext("退给买家"), "", -preview.total_fen)),
    )


def _currencies(entries: tuple[EntryStory, ...]) -> Mapping[int, str]:
    """In which currencies each entry is, in words."""
    used = {entry.id: dict.fromkeys(posting.currency for posting in entry.postings) for entry in entries}
    return {entry_id: gettext("、").join(str(CURRENCIES.get(code, code)) for code in codes) for entry_id, codes in used.items()}
