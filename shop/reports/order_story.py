"""Everything of one order on one page: what was bought, from which lots and villages, how it was paid, sent and refunded.

Buyers read it on the order's page, staff on theirs. A fixed number of statements, whatever the order holds. Refunds are positive here:
`now_fen` = `booked_fen` − `refunded_fen`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hmac import compare_digest

from sqlalchemy import RowMapping, case, func, select

from shop.accounts.models import User
from shop.extensions import db
from shop.kit.ids import (
    CooperativeId,
    EasternUnitId,
    EntryId,
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
from shop.orders.errors import NoSuchOrder
from shop.orders.models import Channel, Order, OrderEvent, OrderLine, RefundBy, Return, ReturnLine
from shop.orders.states import OrderState
from shop.origin.models import Cooperative, EasternUnit, Village
from shop.payments.models import Payment, PaymentState, Refund, RefundState
from shop.shipping.models import Shipment
from shop.shipping.states import ShipmentState
from shop.stock.models import Lot, Pick, PickState, StockItem


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
    carrier: str
    tracking_number: str
    shipped_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True)
class EventStory:
    """Something that happened; oldest first in the story."""

    at: datetime
    kind: str
    by_user_id: UserId | None
    by_name: str | None
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
    lines: tuple[LineStory, ...]
    villages: tuple[VillageSum, ...]
    """Those with most of it first."""
    payments: tuple[PaymentStory, ...]
    """In the order of the attempts."""
    returns: tuple[ReturnStory, ...]
    shipments: tuple[ShipmentStory, ...]
    events: tuple[EventStory, ...]

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


def get_story(number: str) -> OrderStory:
    """The order, for staff.

    Raises NoSuchOrder.
    """
    return _tell(_find_order(number))


def get_own_story(number: str, *, key: str, buyer_id: UserId | None) -> OrderStory:
    """The order, for whoever holds its key or is the signed-in buyer it belongs to. The number alone opens nothing.

    Raises NoSuchOrder.
    """
    order = _find_order(number)
    if order is None or not _may_open(order["key"], order["buyer_id"], key, buyer_id):
        raise NoSuchOrder
    return _tell(order)


def open_order(number: str, *, key: str, buyer_id: UserId | None) -> Opened:
    """The same right as `get_own_story`, for a form that acts on the order.

    Raises NoSuchOrder.
    """
    columns = (Order.id, Order.number, Order.key, Order.state, Order.buyer_id)
    row = db.session.execute(select(*columns).where(Order.number == number)).one_or_none()
    if row is None or not _may_open(row.key, row.buyer_id, key, buyer_id):
        raise NoSuchOrder
    return Opened(id=OrderId(row.id), number=row.number, key=row.key, state=row.state)


def find_key(number: str, phone: str) -> str | None:
    """The key of the online order with this number, if it goes to this mobile number."""
    return db.session.scalar(
        select(Order.key).where(Order.number == number, Order.phone == phone, Order.phone != "", Order.channel == Channel.ONLINE)
    )


def _may_open(order_key: str, order_buyer_id: int | None, key: str, buyer_id: UserId | None) -> bool:
    # Compared in constant time: how long a refusal takes says nothing of how much of the key was right.
    return compare_digest(order_key.encode(), key.encode()) or (buyer_id is not None and order_buyer_id == buyer_id)


_ORDER = (
    Order.id,
    Order.number,
    Order.key,
    Order.channel,
    Order.state,
    Order.buyer_id,
    Order.eastern_unit_id,
    EasternUnit.name.label("eastern_unit_name"),
    Order.name,
    Order.phone,
    Order.email,
    Order.district_code,
    Order.region,
    Order.town,
    Order.street,
    Order.note,
    Order.locale,
    Order.goods_fen,
    Order.discount_fen,
    Order.shipping_fen,
    Order.refunded_shipping_fen,
    Order.total_fen,
    Order.perishable_confirmed_at,
    Order.hold_until,
    Order.placed_at,
    Order.paid_at,
    Order.sold_on,
    Order.ended_at,
)


def _find_order(number: str) -> RowMapping | None:
    return (
        db.session.execute(select(*_ORDER).outerjoin(EasternUnit, EasternUnit.id == Order.eastern_unit_id).where(Order.number == number))
        .mappings()
        .one_or_none()
    )


def _tell(order: RowMapping | None) -> OrderStory:
    if order is None:
        raise NoSuchOrder
    order_id, number = OrderId(order["id"]), str(order["number"])
    lines = _lines(order_id)
    return OrderStory(
        **order,
        lines=lines,
        villages=_sum_villages(lines),
        payments=_payments(number),
        returns=_returns(order_id),
        shipments=_shipments(order_id),
        events=_events(order_id),
    )


def _lines(order_id: OrderId) -> tuple[LineStory, ...]:
    shares = _shares(order_id)
    columns = (
        OrderLine.id.label("line_id"),
        OrderLine.sku_id,
        OrderLine.sku_code,
        OrderLine.product_id,
        OrderLine.cooperative_id,
        OrderLine.product_name,
        OrderLine.product_name_en,
        OrderLine.pack,
        OrderLine.pack_en,
        OrderLine.unit_word,
        OrderLine.quantity,
        OrderLine.unit_price_fen,
        OrderLine.discount_fen,
        OrderLine.net_fen,
        OrderLine.unit_grams,
        OrderLine.is_perishable,
        OrderLine.is_cold_chain,
    )
    picks = (Pick.id.label("pick_id"), Lot.id.label("lot_id"), Lot.code, Pick.units, Pick.returned_units, Pick.state)
    rows = db.session.execute(
        select(*columns, *picks)
        .outerjoin(Pick, (Pick.line_id == OrderLine.id) & (Pick.state != PickState.RELEASED))
        .outerjoin(StockItem, StockItem.id == Pick.item_id)
        .outerjoin(Lot, Lot.id == StockItem.lot_id)
        .where(OrderLine.order_id == order_id)
        .order_by(OrderLine.position, Pick.id)
    ).all()
    told: dict[int, tuple[dict[str, object], list[PickStory]]] = {}
    for row in rows:
        _, its_picks = told.setdefault(row.line_id, ({column.key: getattr(row, column.key) for column in columns}, []))
        if row.pick_id is not None:
            its_picks.append(
                PickStory(
                    pick_id=PickId(row.pick_id),
                    lot_id=LotId(row.lot_id),
                    lot_code=row.code,
                    units=row.units,
                    returned_units=row.returned_units,
                    state=row.state,
                    shares=tuple(shares.get(row.pick_id, ())),
                )
            )
    return tuple(LineStory(**values, picks=tuple(its_picks)) for values, its_picks in told.values())  # type: ignore[arg-type]  # the columns above, by name


def _shares(order_id: OrderId) -> dict[int, list[ShareStory]]:
    """The shares of every pick, the largest first, ties by village."""
    sold = func.sum(case((Attribution.is_refund, 0), else_=Attribution.amount_fen)).label("booked_fen")
    back = func.sum(case((Attribution.is_refund, -Attribution.amount_fen), else_=0)).label("refunded_fen")
    grams = func.sum(Attribution.grams).label("grams")
    rows = db.session.execute(
        select(Attribution.pick_id, Village.id, Village.name, Village.name_en, Village.slug, grams, sold, back)
        .join(Village, Village.id == Attribution.village_id)
        .where(Attribution.order_id == order_id)
        .group_by(Attribution.pick_id, Village.id, Village.name, Village.name_en, Village.slug)
        .order_by(Attribution.pick_id, grams.desc(), Village.id)
    )
    shares: dict[int, list[ShareStory]] = {}
    for row in rows:
        share = ShareStory(
            village_id=VillageId(row.id),
            village_name=row.name,
            village_name_en=row.name_en,
            village_slug=row.slug,
            grams=int(row.grams),  # PostgreSQL sums bigint into numeric
            booked_fen=int(row.booked_fen),
            refunded_fen=int(row.refunded_fen),
        )
        shares.setdefault(row.pick_id, []).append(share)
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
    columns = (
        Payment.id.label("payment_id"),
        Payment.provider,
        Payment.attempt,
        Payment.state,
        Payment.amount_fen,
        Payment.currency,
        Payment.method,
        Payment.received_fen,
        Payment.received_currency,
        Payment.refunded_fen,
        Payment.intent_id,
        Payment.pay_url,
        Payment.trouble,
        Payment.started_at,
        Payment.expires_at,
        Payment.paid_at,
    )
    refunds = (
        Refund.id.label("refund_id"),
        Refund.amount_fen.label("refund_fen"),
        Refund.reason,
        Refund.state.label("refund_state"),
        Refund.trouble.label("refund_trouble"),
        Refund.asked_at,
        Refund.settled_at,
    )
    rows = db.session.execute(
        select(*columns, *refunds)
        .outerjoin(Refund, Refund.payment_id == Payment.id)
        .where(Payment.reference == number)
        .order_by(Payment.attempt, Refund.id)
    ).all()
    told: dict[int, tuple[dict[str, object], list[RefundStory]]] = {}
    for row in rows:
        _, its_refunds = told.setdefault(row.payment_id, ({column.key: getattr(row, column.key) for column in columns}, []))
        if row.refund_id is not None:
            its_refunds.append(
                RefundStory(
                    refund_id=RefundId(row.refund_id),
                    amount_fen=row.refund_fen,
                    reason=row.reason,
                    state=row.refund_state,
                    trouble=row.refund_trouble,
                    asked_at=row.asked_at,
                    settled_at=row.settled_at,
                )
            )
    return tuple(PaymentStory(**values, refunds=tuple(its_refunds)) for values, its_refunds in told.values())  # type: ignore[arg-type]  # the columns above, by name


def _returns(order_id: OrderId) -> tuple[ReturnStory, ...]:
    units = func.coalesce(func.sum(ReturnLine.units), 0).label("units")
    columns = (
        Return.id,
        Return.at,
        Return.by,
        Return.reason,
        Return.restock,
        Return.goods_fen,
        Return.shipping_fen,
        Return.entry_id,
        Return.reversed_by_entry_id,
    )
    rows = db.session.execute(
        select(*columns, units)
        .outerjoin(ReturnLine, ReturnLine.return_id == Return.id)
        .where(Return.order_id == order_id)
        .group_by(*columns)
        .order_by(Return.id)
    )
    return tuple(
        ReturnStory(
            return_id=ReturnId(row.id),
            at=row.at,
            by=row.by,
            reason=row.reason,
            restock=row.restock,
            goods_fen=row.goods_fen,
            shipping_fen=row.shipping_fen,
            units=int(row.units),
            entry_id=EntryId(row.entry_id),
            is_reversed=row.reversed_by_entry_id is not None,
        )
        for row in rows
    )


def _shipments(order_id: OrderId) -> tuple[ShipmentStory, ...]:
    columns = (
        Shipment.id.label("shipment_id"),
        Shipment.cooperative_id,
        Cooperative.name.label("cooperative_name"),
        Cooperative.short_name.label("cooperative_short_name"),
        Cooperative.name_en.label("cooperative_name_en"),
        Shipment.state,
        Shipment.grams,
        Shipment.fee_fen,
        Shipment.carrier,
        Shipment.tracking_number,
        Shipment.shipped_at,
        Shipment.delivered_at,
    )
    rows = db.session.execute(
        select(*columns)
        .join(Cooperative, Cooperative.id == Shipment.cooperative_id)
        .where(Shipment.order_id == order_id)
        .order_by(Shipment.id)
    )
    return tuple(ShipmentStory(**row._mapping) for row in rows)


def _events(order_id: OrderId) -> tuple[EventStory, ...]:
    columns = (OrderEvent.at, OrderEvent.kind, OrderEvent.by_user_id, User.name.label("by_name"), OrderEvent.facts)
    rows = db.session.execute(
        select(*columns).outerjoin(User, User.id == OrderEvent.by_user_id).where(OrderEvent.order_id == order_id).order_by(OrderEvent.id)
    )
    return tuple(EventStory(**row._mapping) for row in rows)
