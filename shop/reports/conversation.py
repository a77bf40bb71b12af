"""What was said on an order, for each who may read it; what is new to them; and what nobody has answered.

Law: nobody's name, telephone or e-mail is read here. A side is called by what it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select

from shop.extensions import columns_of, db, row_as, rows_as, table_of
from shop.kit.ids import CooperativeId, MessageId, OrderId, ShipmentId
from shop.orders.models import Order, OrderLine
from shop.origin.models import Cooperative
from shop.reports.cooperative_pages import NoSuchParcel
from shop.shipping.models import Shipment
from shop.shipping.states import ShipmentState
from shop.voices.models import MessagesSeen, OrderMessage, Side

ANSWER_WITHIN = timedelta(hours=24)
"""After so long without an answer staff find it on their desk."""

_message, _seen, _order, _line = (columns_of(model) for model in (OrderMessage, MessagesSeen, Order, OrderLine))
_cooperative, _shipment = columns_of(Cooperative), columns_of(Shipment)


@dataclass(frozen=True)
class MessageStory:
    """One message."""

    id: MessageId
    cooperative_id: CooperativeId | None
    cooperative_name: str | None
    cooperative_name_en: str | None
    side: Side
    at: datetime
    words: str
    """Empty when its buyer was forgotten, or nothing was said but that no answer is wanted."""
    is_settling: bool


@dataclass(frozen=True)
class Talker:
    """A cooperative that the buyer may speak with on an order."""

    id: CooperativeId
    name: str
    name_en: str


@dataclass(frozen=True)
class Conversation:
    """Everything that was said, the oldest first."""

    messages: tuple[MessageStory, ...]

    @property
    def last_id(self) -> MessageId | None:
        """How far whoever reads it now has read."""
        return self.messages[-1].id if self.messages else None

    @property
    def waiting(self) -> tuple[MessageStory, ...]:
        """The last of each thread that the buyer spoke last in."""
        last = {message.cooperative_id: message for message in self.messages}
        return tuple(message for message in last.values() if message.side is Side.BUYER)


_MESSAGES = (
    select(
        _message.id,
        _message.cooperative_id,
        _cooperative.short_name,
        _cooperative.name_en,
        _message.side,
        _message.at,
        _message.words,
        _message.is_settling,
    )
    .select_from(table_of(OrderMessage).outerjoin(table_of(Cooperative), _cooperative.id == _message.cooperative_id))
    .order_by(_message.id)
)


def read_conversation(order_id: OrderId, *, cooperative_id: CooperativeId | None = None) -> Conversation:
    """All of an order's threads, or that of one cooperative. One statement."""
    its = _MESSAGES.where(_message.order_id == order_id)
    if cooperative_id is not None:
        its = its.where(_message.cooperative_id == cooperative_id)
    return Conversation(tuple(rows_as(MessageStory, db.session.execute(its))))


def talkers_of(order_id: OrderId) -> Sequence[Talker]:
    """The cooperatives of an order, by id. One statement."""
    sells = select(_line.cooperative_id).where(_line.order_id == order_id)
    query = select(_cooperative.id, _cooperative.short_name, _cooperative.name_en).where(_cooperative.id.in_(sells))
    return rows_as(Talker, db.session.execute(query.order_by(_cooperative.id)))


def count_new(order_id: OrderId, side: Side) -> int:
    """How many messages of others the buyer, or the staff, have not seen. One statement."""
    seen = select(_seen.message_id).where(_seen.order_id == order_id, _seen.side == side, _seen.cooperative_id == 0).scalar_subquery()
    new = select(func.count()).where(_message.order_id == order_id, ~_message.is_settling, _message.side != side)
    return int(db.session.scalar(new.where(_message.id > func.coalesce(seen, 0))) or 0)


def new_by_parcel(ids: Iterable[CooperativeId]) -> Mapping[ShipmentId, int]:
    """Parcels of these cooperatives on whose orders something was said to them that they have not seen. One statement."""
    query = (
        select(_shipment.id, func.count())
        .select_from(
            table_of(Shipment)
            .join(
                table_of(OrderMessage), and_(_message.order_id == _shipment.order_id, _message.cooperative_id == _shipment.cooperative_id)
            )
            .outerjoin(table_of(MessagesSeen), _seen_by_cooperative())
        )
        .where(_shipment.cooperative_id.in_(sorted(ids)), ~_message.is_settling, _message.side != Side.COOPERATIVE)
        .where(_message.id > func.coalesce(_seen.message_id, 0))
        .group_by(_shipment.id)
    )
    return {ShipmentId(parcel): int(count) for parcel, count in db.session.execute(query)}


def _seen_by_cooperative() -> ColumnElement[bool]:
    whose = and_(_seen.side == Side.COOPERATIVE, _seen.cooperative_id == _shipment.cooperative_id)
    return and_(_seen.order_id == _shipment.order_id, whose)


@dataclass(frozen=True)
class ParcelThread:
    """Where a cooperative speaks with the buyer of one of its parcels."""

    shipment_id: ShipmentId
    order_id: OrderId
    order_number: str
    cooperative_id: CooperativeId


def get_thread(shipment_id: ShipmentId, ids: Iterable[CooperativeId]) -> ParcelThread:
    """The thread of one parcel.

    Raises NoSuchParcel, also when it is somebody else's or its order is not paid.
    """
    seen = (ShipmentState.TO_PACK, ShipmentState.SHIPPED, ShipmentState.DELIVERED, ShipmentState.CANCELLED)
    query = (
        select(_shipment.id, _shipment.order_id, _order.number, _shipment.cooperative_id)
        .join_from(table_of(Shipment), table_of(Order), _order.id == _shipment.order_id)
        .where(
            _shipment.id == shipment_id, _shipment.cooperative_id.in_(sorted(ids)), _shipment.state.in_(seen), _order.paid_at.is_not(None)
        )
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NoSuchParcel
    return row_as(ParcelThread, row)


# ── What nobody has answered ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Unanswered:
    """A buyer who has waited too long for an answer."""

    number: str
    cooperative: str | None
    """None: they spoke to the staff."""
    cooperative_en: str | None
    at: datetime


def unanswered(now: datetime, *, most: int) -> tuple[Unanswered, ...]:
    """Threads whose last word is the buyer's and older than `ANSWER_WITHIN`, the oldest first. One statement."""
    last = select(func.max(_message.id)).group_by(_message.order_id, _message.cooperative_id)
    query = (
        select(_order.number, _cooperative.short_name, _cooperative.name_en, _message.at)
        .select_from(
            table_of(OrderMessage)
            .join(table_of(Order), _order.id == _message.order_id)
            .outerjoin(table_of(Cooperative), _cooperative.id == _message.cooperative_id)
        )
        .where(_message.id.in_(last), _message.side == Side.BUYER, _message.at <= now - ANSWER_WITHIN, _message.words != "")
        .order_by(_message.id)
        .limit(most)
    )
    return tuple(rows_as(Unanswered, db.session.execute(query)))


# ── For letters ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ToldMessage:
    """One message, for the letter that says that it is there."""

    words: str
    side: Side
    order_number: str
    order_key: str
    cooperative_name: str | None
    cooperative_name_en: str | None
    shipment_id: ShipmentId | None


def find_told(message_id: MessageId) -> ToldMessage | None:
    """One message; none when its buyer was forgotten meanwhile."""
    its_parcel = and_(_shipment.order_id == _message.order_id, _shipment.cooperative_id == _message.cooperative_id)
    query = (
        select(
            _message.words, _message.side, _order.number, _order.key, _cooperative.short_name, _cooperative.name_en, func.min(_shipment.id)
        )
        .select_from(
            table_of(OrderMessage)
            .join(table_of(Order), _order.id == _message.order_id)
            .outerjoin(table_of(Cooperative), _cooperative.id == _message.cooperative_id)
            .outerjoin(table_of(Shipment), its_parcel)
        )
        .where(_message.id == message_id, _message.words != "")
        .group_by(_message.id, _order.id, _cooperative.id)
    )
    row = db.session.execute(query).one_or_none()
    return row_as(ToldMessage, row) if row else None
