"""What a recall's page shows: what is blocked, who bought of the lot, and how far the letters are.

Law: a cooperative sees numbers of orders and units of its own lots and nobody's name; staff open the order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import String, and_, cast, func, literal, select

from shop.catalog.models import Product, Sku
from shop.extensions import db, rows_as
from shop.kit.clock import business_day
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, LotId, OrderId
from shop.orders.models import Order, OrderLine
from shop.origin.models import Cooperative
from shop.outbox.models import Letter
from shop.shipping.models import Shipment
from shop.shipping.states import ShipmentState
from shop.stock.models import Lot, Pick, PickState, Recall, RecallKind, StockItem

BUYERS_SHOWN = 200


@dataclass(frozen=True)
class BoughtRow:
    """What one order has of the lot."""

    number: str
    paid_at: datetime | None
    pack: str
    pack_en: str
    unit_word: str
    units: int
    back_units: int
    """Refunded already."""
    state: ShipmentState | None


@dataclass(frozen=True)
class RecallFacts:
    """A recall that was made."""

    id: int
    kind: RecallKind
    words: str
    by_staff: bool
    recalled_at: datetime
    letters: int
    told_at: datetime | None


@dataclass(frozen=True)
class RecallPage:
    """One lot, before or after it is called back."""

    lot_id: LotId
    code: str
    product: str
    product_en: str
    cooperative: str
    cooperative_en: str
    harvested_on: date
    recalled_at: datetime | None
    free_units: int
    held_units: int
    orders: int
    """Distinct orders that bought of it."""
    to_send: int
    """Of them, parcels that are still here."""
    bought: tuple[BoughtRow, ...]
    """The first of them."""
    recall: RecallFacts | None
    letters_sent: int
    """Letters that have left."""


def recall_page(code: str, ids: Iterable[CooperativeId] | None) -> RecallPage:
    """The lot with this code; of these cooperatives, or any for staff (None). Seven statements. Raises NotFound."""
    own = () if ids is None else (Lot.cooperative_id.in_(sorted(ids)),)
    row = db.session.execute(
        select(
            Lot.id,
            Lot.code,
            Product.name,
            Product.name_en,
            Cooperative.name,
            Cooperative.name_en,
            Lot.harvested_on,
            Lot.recalled_at,
        )
        .join(Product, Product.id == Lot.product_id)
        .join(Cooperative, Cooperative.id == Lot.cooperative_id)
        .where(Lot.code == code, *own)
    ).one_or_none()
    if row is None:
        raise NotFound
    lot_id = LotId(row[0])
    free, held = db.session.execute(
        select(
            func.coalesce(func.sum(StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off), 0),
            func.coalesce(func.sum(StockItem.held), 0),
        ).where(StockItem.lot_id == lot_id)
    ).one()
    picks = (
        select(OrderLine.order_id)
        .join(Pick, Pick.line_id == OrderLine.id)
        .join(StockItem, StockItem.id == Pick.item_id)
        .where(StockItem.lot_id == lot_id, Pick.state == PickState.SOLD)
    )
    orders = db.session.execute(select(func.count()).select_from(picks.distinct().subquery())).scalar_one()
    here = and_(Shipment.order_id == OrderLine.order_id, Shipment.cooperative_id == OrderLine.cooperative_id)
    waiting = picks.join(Shipment, here).where(Shipment.state == ShipmentState.TO_PACK, Pick.units > Pick.returned_units)
    to_send = db.session.execute(select(func.count()).select_from(waiting.distinct().subquery())).scalar_one()
    bought = (
        select(
            Order.number,
            Order.paid_at,
            Sku.pack,
            Sku.pack_en,
            Sku.unit_word,
            func.sum(Pick.units),
            func.sum(Pick.returned_units),
            func.min(Shipment.state),
        )
        .join(OrderLine, OrderLine.id == Pick.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(StockItem, StockItem.id == Pick.item_id)
        .join(Sku, Sku.id == StockItem.sku_id)
        .outerjoin(Shipment, here)
        .where(StockItem.lot_id == lot_id, Pick.state == PickState.SOLD)
        .group_by(Order.id, Order.number, Order.paid_at, Sku.id, Sku.pack, Sku.pack_en, Sku.unit_word)
        .order_by(Order.id.desc(), Sku.id)
        .limit(BUYERS_SHOWN)
    )
    recall = find_recall(lot_id)
    sent = 0
    if recall is not None:
        bought_by = picks.distinct().subquery()
        once = literal(f"recall:{recall.id}:") + cast(bought_by.c.order_id, String)
        letters = select(func.count()).select_from(Letter).join(bought_by, Letter.once == once).where(Letter.sent_at.is_not(None))
        sent = db.session.execute(letters).scalar_one()
    return RecallPage(
        lot_id,
        *row[1:],
        int(free),
        int(held),
        orders,
        to_send,
        tuple(rows_as(BoughtRow, db.session.execute(bought))),
        recall,
        sent,
    )


def find_recall(lot_id: LotId) -> RecallFacts | None:
    """The lot's recall, if it was called back. One statement."""
    columns = (Recall.id, Recall.kind, Recall.words, Recall.by_staff, Recall.recalled_at, Recall.letters, Recall.told_at)
    found = rows_as(RecallFacts, db.session.execute(select(*columns).where(Recall.lot_id == lot_id)))
    return found[0] if found else None


@dataclass(frozen=True)
class RecalledLine:
    """Of one order, what it still has of a lot."""

    name: str
    name_en: str
    lot_code: str


def recalled_lines(order_id: OrderId, lot_id: LotId) -> list[RecalledLine]:
    """Lines of the order with units of the lot that were not refunded. One statement."""
    rows = (
        select(OrderLine.product_name, OrderLine.product_name_en, Lot.code)
        .join(Pick, Pick.line_id == OrderLine.id)
        .join(StockItem, StockItem.id == Pick.item_id)
        .join(Lot, Lot.id == StockItem.lot_id)
        .where(OrderLine.order_id == order_id, Lot.id == lot_id, Pick.state == PickState.SOLD, Pick.units > Pick.returned_units)
        .order_by(OrderLine.position)
    )
    return rows_as(RecalledLine, db.session.execute(rows))


@dataclass(frozen=True)
class RecallRow:
    """A recall in the staff's list."""

    code: str
    product: str
    product_en: str
    cooperative: str
    cooperative_en: str
    kind: RecallKind
    words: str
    by_staff: bool
    recalled_at: datetime
    letters: int

    @property
    def day(self) -> date:
        """The business day on which it was called back."""
        return business_day(self.recalled_at)


def recalls() -> list[RecallRow]:
    """Every recall, the latest first; there are few."""
    columns = (Lot.code, Product.name, Product.name_en, Cooperative.name, Cooperative.name_en)
    rows = (
        select(*columns, Recall.kind, Recall.words, Recall.by_staff, Recall.recalled_at, Recall.letters)
        .join(Lot, Lot.id == Recall.lot_id)
        .join(Product, Product.id == Lot.product_id)
        .join(Cooperative, Cooperative.id == Lot.cooperative_id)
        .order_by(Recall.id.desc())
        .limit(BUYERS_SHOWN)
    )
    return rows_as(RecallRow, db.session.execute(rows))
