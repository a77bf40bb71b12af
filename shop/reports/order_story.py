"""Everything of one order on one page: what was bought, from which lots and villages, how it was paid, sent and refunded.

Buyers read it on the order's page, staff on theirs. A fixed number of statements, whatever the order holds. Refunds are positive here:
`now_fen` = `booked_fen` − `refunded_fen`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hmac import compare_digest

from sqlalchemy import BigInteger, RowMapping, bindparam, case, cast, func, or_, select

from shop.extensions import columns_of, db, row_as, rows_as, table_of
from shop.kit.ids import (
    CooperativeId,
    EasternUnitId,
    EntryId,
    FapiaoId,
    LineId,
    LotId,
    OrderId,
    PaymentId,
    PickId,
    ProductId,
    RefundId,
    ReturnId,
    ShipmentId,
    SkuId,
    UserId,
    VillageId,
)
from shop.ledger.models import Attribution
from shop.offers.queries import UsedVoucher, used_on
from shop.orders.claim_models import Claim
from shop.orders.errors import NoSuchOrder
from shop.orders.models import Channel, Order, OrderEvent, OrderLine, RefundBy, Return, ReturnLine
from shop.orders.states import OrderState
from shop.origin.models import Cooperative, EasternUnit, Village
from shop.papers.models import Fapiao
from shop.payments.models import Payment, PaymentState, Refund, RefundState
from shop.shipping.models import Shipment
from shop.shipping.rules import ServiceKind
from shop.shipping.states import ShipmentState
from shop.stock.models import Lot, Pick, PickState, StockItem
from shop.voices.models import OrderMessage


@dataclass(frozen=True)
class ShareStory:
    """What one village got of one pick, what went back, and what it has now."""

    village_id: VillageId
    village_name: str
    village_name_en: str
    village_slug: str
    grams: int
    booked_fen: int
    refunded_fen: int
    is_accredited: bool
    """Whether the product was accredited on the day of sale, as it was booked."""
    is_corrected: bool
    """Whether the lot was corrected since, and this village's part with it."""

    @property
    def now_fen(self) -> int:
        """What the village has of it now."""
        return self.booked_fen - self.refunded_fen


@dataclass(frozen=True)
class PickStory:
    """Units of one lot that went into one line. Nothing is booked, and there are no shares, until the order is paid."""

    pick_id: PickId
    lot_id: LotId
    lot_code: str
    units: int
    returned_units: int
    state: PickState
    shares: tuple[ShareStory, ...]

    @property
    def booked_fen(self) -> int:
        """What it was sold for."""
        return sum(share.booked_fen for share in self.shares)

    @property
    def refunded_fen(self) -> int:
        """What went back of it, nought or more."""
        return sum(share.refunded_fen for share in self.shares)

    @property
    def now_fen(self) -> int:
        """What villages have of it now."""
        return self.booked_fen - self.refunded_fen


@dataclass(frozen=True)
class LineStory:
    """One line as it was sold, with its picks that were not released."""

    line_id: LineId
    sku_id: SkuId
    sku_code: str
    product_id: ProductId
    cooperative_id: CooperativeId
    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    unit_word: str
    quantity: int
    unit_price_fen: int
    discount_fen: int
    net_fen: int
    unit_grams: int
    is_perishable: bool
    is_cold_chain: bool
    picks: tuple[PickStory, ...]

    @property
    def is_accredited(self) -> bool:
        """Whether its sale counts as one of an accredited product."""
        return any(share.is_accredited for pick in self.picks for share in pick.shares)

    @property
    def gross_fen(self) -> int:
        """Price × quantity."""
        return self.unit_price_fen * self.quantity

    @property
    def booked_fen(self) -> int:
        """What of it is in the books as sold."""
        return sum(pick.booked_fen for pick in self.picks)

    @property
    def refunded_fen(self) -> int:
        """What went back of it, nought or more."""
        return sum(pick.refunded_fen for pick in self.picks)

    @property
    def now_fen(self) -> int:
        """What villages have of it now."""
        return self.booked_fen - self.refunded_fen


@dataclass(frozen=True)
class VillageSum:
    """What the whole order brought one village."""

    village_id: VillageId
    village_name: str
    village_name_en: str
    village_slug: str
    booked_fen: int
    refunded_fen: int

    @property
    def now_fen(self) -> int:
        """What the village has of it now."""
        return self.booked_fen - self.refunded_fen


@dataclass(frozen=True)
class RefundStory:
    """Money that was asked back from the provider."""

    refund_id: RefundId
    amount_fen: int
    reason: str
    state: RefundState
    trouble: str | None
    asked_at: datetime
    settled_at: datetime | None
    by_transfer: bool
    """People send it from the bank account."""


@dataclass(frozen=True)
class PaymentStory:
    """One attempt to pay, with what went back of it."""

    payment_id: PaymentId
    provider: str
    attempt: int
    state: PaymentState
    amount_fen: int
    currency: str
    method: str | None
    received_fen: int
    received_currency: str | None
    refunded_fen: int
    intent_id: str | None
    pay_url: str | None
    trouble: str | None
    started_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    refunds: tuple[RefundStory, ...]


@dataclass(frozen=True)
class ReturnStory:
    """What was decided to go back, and why. Reversed: the provider failed it, and it does not count."""

    return_id: ReturnId
    at: datetime
    by: RefundBy
    reason: str
    restock: bool
    goods_fen: int
    shipping_fen: int
    units: int
    entry_id: EntryId
    is_reversed: bool


@dataclass(frozen=True)
class ShipmentStory:
    """One cooperative's parcel."""

    shipment_id: ShipmentId
    cooperative_id: CooperativeId
    cooperative_name: str
    cooperative_short_name: str
    cooperative_name_en: str
    state: ShipmentState
    grams: int
    fee_fen: int
    service: ServiceKind
    expected_from: date | None
    expected_until: date | None
    carrier: str
    tracking_number: str
    shipped_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True)
class EventStory:
    """Something that happened; oldest first in the story that staff read."""

    at: datetime
    kind: str
    by_user_id: UserId | None
    facts: Mapping[str, object]


@dataclass(frozen=True)
class OrderStory:
    """One order."""

    id: OrderId
    number: str
    key: str
    channel: Channel
    state: OrderState
    buyer_id: UserId | None
    eastern_unit_id: EasternUnitId | None
    eastern_unit_name: str | None
    name: str
    phone: str
    email: str | None
    district_code: str | None
    region: str
    town: str
    street: str
    note: str
    gift_note: str
    locale: str
    goods_fen: int
    discount_fen: int
    shipping_fen: int
    refunded_shipping_fen: int
    total_fen: int
    perishable_confirmed_at: datetime | None
    hold_until: datetime | None
    placed_at: datetime
    paid_at: datetime | None
    sold_on: date | None
    ended_at: datetime | None
    fapiao_id: FapiaoId | None
    """The request for its fapiao, if there is one."""
    has_messages: bool
    """Whether anybody has said anything on it; what they said is read only then."""
    has_claims: bool
    """Whether anything was asked to be called off or given back; it is read only then."""
    has_returns: bool
    """Whether anything was refunded; it is read only then."""
    lines: tuple[LineStory, ...]
    villages: tuple[VillageSum, ...]
    """Those with most of it first."""
    payments: tuple[PaymentStory, ...]
    """In the order of the attempts."""
    returns: tuple[ReturnStory, ...]
    shipments: tuple[ShipmentStory, ...]
    events: tuple[EventStory, ...]
    vouchers: tuple[UsedVoucher, ...]
    """Those that took something off; their sum may be less than the discount, of which goods exchanged before packing keep their part."""

    @property
    def refunds(self) -> tuple[RefundStory, ...]:
        """Everything asked back from the provider, oldest first."""
        return tuple(refund for payment in self.payments for refund in payment.refunds)

    @property
    def refunded_goods_fen(self) -> int:
        """Goods refunded, as booked to villages; nought or more."""
        return sum(village.refunded_fen for village in self.villages)

    @property
    def now_fen(self) -> int:
        """What villages have of the order now."""
        return sum(village.now_fen for village in self.villages)

    @property
    def net_paid_fen(self) -> int:
        """What the buyer has paid and not got back."""
        return self.total_fen - self.refunded_goods_fen - self.refunded_shipping_fen


@dataclass(frozen=True)
class Opened:
    """Enough of an order to act on it for whoever may open it."""

    id: OrderId
    number: str
    key: str
    state: OrderState
    buyer_id: UserId | None


def get_story(number: str) -> OrderStory:
    """The order, for staff.

    Raises NoSuchOrder.
    """
    return _tell(_find_order(number), with_events=True)


def get_own_story(number: str, *, key: str, buyer_id: UserId | None) -> OrderStory:
    """The order without its events, for whoever holds its key or is the signed-in buyer it belongs to. The number alone opens nothing.

    Raises NoSuchOrder.
    """
    order = _find_order(number)
    if order is None or not _may_open(order["key"], order["buyer_id"], key, buyer_id):
        raise NoSuchOrder
    return _tell(order, with_events=False)


def open_order(number: str, *, key: str, buyer_id: UserId | None) -> Opened:
    """The same right as `get_own_story`, for a form that acts on the order.

    Raises NoSuchOrder.
    """
    row = db.session.execute(_OPEN, {"number": number}).one_or_none()
    if row is None or not _may_open(row.key, row.buyer_id, key, buyer_id):
        raise NoSuchOrder
    return Opened(id=OrderId(row.id), number=row.number, key=row.key, state=row.state, buyer_id=row.buyer_id)


def find_key(number: str, phone: str) -> str | None:
    """The key of the online order with this number, if it goes to this mobile number."""
    return db.session.scalar(_KEY, {"number": number, "phone": phone})


def _may_open(order_key: str, order_buyer_id: int | None, key: str, buyer_id: UserId | None) -> bool:
    # Compared in constant time: how long a refusal takes says nothing of how much of the key was right.
    return compare_digest(order_key.encode(), key.encode()) or (buyer_id is not None and order_buyer_id == buyer_id)


# ── The statements, made once ─────────────────────────────────────────────────────────────────────────────────────────

_order, _unit, _line, _return, _taken = (columns_of(model) for model in (Order, EasternUnit, OrderLine, Return, ReturnLine))
_fapiao, _message, _claim = columns_of(Fapiao), columns_of(OrderMessage), columns_of(Claim)
_pick, _item, _lot, _attribution, _village = (columns_of(model) for model in (Pick, StockItem, Lot, Attribution, Village))
_payment, _refund, _shipment, _cooperative, _event = (columns_of(model) for model in (Payment, Refund, Shipment, Cooperative, OrderEvent))

_FIND = (
    select(
        _order.id,
        _order.number,
        _order.key,
        _order.channel,
        _order.state,
        _order.buyer_id,
        _order.eastern_unit_id,
        _unit.name.label("eastern_unit_name"),
        _order.name,
        _order.phone,
        _order.email,
        _order.district_code,
        _order.region,
        _order.town,
        _order.street,
        _order.note,
        _order.gift_note,
        _order.locale,
        _order.goods_fen,
        _order.discount_fen,
        _order.shipping_fen,
        _order.refunded_shipping_fen,
        _order.total_fen,
        _order.perishable_confirmed_at,
        _order.hold_until,
        _order.placed_at,
        _order.paid_at,
        _order.sold_on,
        _order.ended_at,
        _fapiao.id.label("fapiao_id"),
        select(_message.id).where(_message.order_id == _order.id).exists().label("has_messages"),
        select(_claim.id).where(_claim.order_id == _order.id).exists().label("has_claims"),
        select(_return.id).where(_return.order_id == _order.id).exists().label("has_returns"),
    )
    .select_from(
        table_of(Order)
        .outerjoin(table_of(EasternUnit), _unit.id == _order.eastern_unit_id)
        .outerjoin(table_of(Fapiao), _fapiao.order_id == _order.id)
    )
    .where(_order.number == bindparam("number"))
)
_OPEN = select(_order.id, _order.number, _order.key, _order.state, _order.buyer_id).where(_order.number == bindparam("number"))
_KEY = select(_order.key).where(
    _order.number == bindparam("number"), _order.phone == bindparam("phone"), _order.phone != "", _order.channel == Channel.ONLINE
)

_LINE_FIELDS = (
    _line.id,
    _line.sku_id,
    _line.sku_code,
    _line.product_id,
    _line.cooperative_id,
    _line.product_name,
    _line.product_name_en,
    _line.pack,
    _line.pack_en,
    _line.unit_word,
    _line.quantity,
    _line.unit_price_fen,
    _line.discount_fen,
    _line.net_fen,
    _line.unit_grams,
    _line.is_perishable,
    _line.is_cold_chain,
)
_LINES = (
    select(*_LINE_FIELDS, _pick.id, _lot.id, _lot.code, _pick.units, _pick.returned_units, _pick.state)
    .select_from(
        table_of(OrderLine)
        .outerjoin(table_of(Pick), (_pick.line_id == _line.id) & (_pick.state != PickState.RELEASED))
        .outerjoin(table_of(StockItem), _item.id == _pick.item_id)
        .outerjoin(table_of(Lot), _lot.id == _item.lot_id)
    )
    .where(_line.order_id == bindparam("order_id"))
    .order_by(_line.position, _pick.id)
)

_GRAMS = func.sum(_attribution.grams)
_SHARES = (
    select(
        _attribution.pick_id,
        _village.id,
        _village.name,
        _village.name_en,
        _village.slug,
        cast(_GRAMS, BigInteger),  # PostgreSQL sums bigint into numeric
        cast(func.sum(case((_attribution.is_refund, 0), else_=_attribution.amount_fen)), BigInteger),
        cast(func.sum(case((_attribution.is_refund, -_attribution.amount_fen), else_=0)), BigInteger),
        func.max(case((_attribution.is_accredited, 1), else_=0)) == 1,
        func.max(case((_attribution.is_correction, 1), else_=0)) == 1,
    )
    .join_from(table_of(Attribution), table_of(Village), _village.id == _attribution.village_id)
    .where(_attribution.order_id == bindparam("order_id"))
    .group_by(_attribution.pick_id, _village.id, _village.name, _village.name_en, _village.slug)
    .having(
        or_(_GRAMS != 0, func.sum(_attribution.amount_fen) != 0)
    )  # a village that a correction took everything from has no part any more
    .order_by(_attribution.pick_id, _GRAMS.desc(), _village.id)
)

_PAYMENT_FIELDS = (
    _payment.id,
    _payment.provider,
    _payment.attempt,
    _payment.state,
    _payment.amount_fen,
    _payment.currency,
    _payment.method,
    _payment.received_fen,
    _payment.received_currency,
    _payment.refunded_fen,
    _payment.intent_id,
    _payment.pay_url,
    _payment.trouble,
    _payment.started_at,
    _payment.expires_at,
    _payment.paid_at,
)
_PAYMENTS = (
    select(
        *_PAYMENT_FIELDS,
        _refund.id,
        _refund.amount_fen,
        _refund.reason,
        _refund.state,
        _refund.trouble,
        _refund.asked_at,
        _refund.settled_at,
        _refund.by_transfer,
    )
    .select_from(table_of(Payment).outerjoin(table_of(Refund), _refund.payment_id == _payment.id))
    .where(_payment.reference == bindparam("number"))
    .order_by(_payment.attempt, _refund.id)
)

_RETURN_FIELDS = (_return.id, _return.at, _return.by, _return.reason, _return.restock, _return.goods_fen, _return.shipping_fen)
_RETURNS = (
    select(
        *_RETURN_FIELDS,
        cast(func.coalesce(func.sum(_taken.units), 0), BigInteger),
        _return.entry_id,
        _return.reversed_by_entry_id.is_not(None),
    )
    .select_from(table_of(Return).outerjoin(table_of(ReturnLine), _taken.return_id == _return.id))
    .where(_return.order_id == bindparam("order_id"))
    .group_by(*_RETURN_FIELDS, _return.entry_id, _return.reversed_by_entry_id)
    .order_by(_return.id)
)

_SHIPMENTS = (
    select(
        _shipment.id,
        _shipment.cooperative_id,
        _cooperative.name,
        _cooperative.short_name,
        _cooperative.name_en,
        _shipment.state,
        _shipment.grams,
        _shipment.fee_fen,
        _shipment.service,
        _shipment.expected_from,
        _shipment.expected_until,
        _shipment.carrier,
        _shipment.tracking_number,
        _shipment.shipped_at,
        _shipment.delivered_at,
    )
    .join_from(table_of(Shipment), table_of(Cooperative), _cooperative.id == _shipment.cooperative_id)
    .where(_shipment.order_id == bindparam("order_id"))
    .order_by(_shipment.id)
)

_EVENTS = (
    select(_event.at, _event.kind, _event.by_user_id, _event.facts).where(_event.order_id == bindparam("order_id")).order_by(_event.id)
)


# ── Telling ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _find_order(number: str) -> RowMapping | None:
    return db.session.execute(_FIND, {"number": number}).mappings().one_or_none()


def _tell(order: RowMapping | None, *, with_events: bool) -> OrderStory:
    if order is None:
        raise NoSuchOrder
    of_order = {"order_id": order["id"]}
    lines = _lines(of_order)
    return OrderStory(
        **order,
        lines=lines,
        villages=_sum_villages(lines),
        payments=_payments(str(order["number"])),
        returns=tuple(rows_as(ReturnStory, db.session.execute(_RETURNS, of_order))) if order["has_returns"] else (),
        shipments=tuple(rows_as(ShipmentStory, db.session.execute(_SHIPMENTS, of_order))),
        events=tuple(rows_as(EventStory, db.session.execute(_EVENTS, of_order))) if with_events else (),
        vouchers=used_on(OrderId(int(order["id"]))) if order["discount_fen"] else (),
    )


def _lines(of_order: Mapping[str, object]) -> tuple[LineStory, ...]:
    shares = _shares(of_order)
    picks: dict[tuple[object, ...], list[PickStory]] = {}
    for row in db.session.execute(_LINES, of_order):
        line, pick = tuple(row[: len(_LINE_FIELDS)]), row[len(_LINE_FIELDS) :]
        its_picks = picks.setdefault(line, [])
        if pick[0] is not None:
            its_picks.append(row_as(PickStory, (*pick, tuple(shares.get(pick[0], ())))))
    return tuple(row_as(LineStory, (*line, tuple(its_picks))) for line, its_picks in picks.items())


def _shares(of_order: Mapping[str, object]) -> dict[int, list[ShareStory]]:
    """The shares of every pick, the largest first, ties by village."""
    shares: dict[int, list[ShareStory]] = {}
    for pick_id, *share in db.session.execute(_SHARES, of_order):
        shares.setdefault(pick_id, []).append(row_as(ShareStory, share))
    return shares


def _sum_villages(lines: tuple[LineStory, ...]) -> tuple[VillageSum, ...]:
    sums: dict[VillageId, VillageSum] = {}
    for share in (share for line in lines for pick in line.picks for share in pick.shares):
        so_far = sums.get(share.village_id)
        sums[share.village_id] = VillageSum(
            village_id=share.village_id,
            village_name=share.village_name,
            village_name_en=share.village_name_en,
            village_slug=share.village_slug,
            booked_fen=share.booked_fen + (so_far.booked_fen if so_far else 0),
            refunded_fen=share.refunded_fen + (so_far.refunded_fen if so_far else 0),
        )
    return tuple(sorted(sums.values(), key=lambda village: (-village.now_fen, -village.booked_fen, village.village_id)))


def _payments(number: str) -> tuple[PaymentStory, ...]:
    refunds: dict[tuple[object, ...], list[RefundStory]] = {}
    for row in db.session.execute(_PAYMENTS, {"number": number}):
        payment, refund = tuple(row[: len(_PAYMENT_FIELDS)]), row[len(_PAYMENT_FIELDS) :]
        its_refunds = refunds.setdefault(payment, [])
        if refund[0] is not None:
            its_refunds.append(row_as(RefundStory, refund))
    return tuple(row_as(PaymentStory, (*payment, tuple(its_refunds))) for payment, its_refunds in refunds.items())
