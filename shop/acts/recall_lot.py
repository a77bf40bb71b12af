"""A lot is called back: nothing of it is sold or sent from that moment on, and whoever bought of it gets a letter.

Law: blocking comes first and is one act; the letters follow in batches, each order once, however often it is cut off, and end when nobody who holds units
of the lot can still pay for them. A recall is for good.
"""

from datetime import datetime

from sqlalchemy import String, cast, exists, insert, literal, or_, select, update

from shop.extensions import act, db, end_reading
from shop.kit.errors import Conflict
from shop.kit.ids import LotId, OrderId, ShipmentId, UserId
from shop.orders.models import Order, OrderLine
from shop.outbox.models import Letter
from shop.outbox.service import write_audit, write_letter
from shop.shipping.models import Shipment
from shop.stock.errors import LotIsRecalled, NoSuchLot
from shop.stock.models import Lot, Pick, PickState, Recall, RecallKind, StockItem

LETTER = "lot_recalled"
LETTERS_AT_ONCE = 200


class RecalledAlready(Conflict):
    """Somebody was quicker; buyers are being told."""


def recall_lot(lot_id: LotId, kind: RecallKind, *, words: str, by: UserId, by_staff: bool, once: str, now: datetime) -> None:
    """Course. Call a lot back and write to the first who bought of it; the sweep writes to the others. The same `once` does it once.

    The caller has checked whose lot it is. Raises NoSuchLot or RecalledAlready.
    """
    _block(lot_id, kind, words=words, by=by, by_staff=by_staff, once=once, now=now)
    _tell(lot_id, now=now)


@act
def _block(lot_id: LotId, kind: RecallKind, *, words: str, by: UserId, by_staff: bool, once: str, now: datetime) -> None:
    assert words, "buyers are told what is wrong"
    # Its items first, as whoever holds locks them: a hold under way ends before, and the next one finds the lot recalled.
    db.session.execute(select(StockItem.id).where(StockItem.lot_id == lot_id).order_by(StockItem.id).with_for_update()).all()
    lot = db.session.execute(select(Lot.code, Lot.recalled_at).where(Lot.id == lot_id).with_for_update()).one_or_none()
    if lot is None:
        raise NoSuchLot
    known = db.session.execute(select(Recall.once).where(Recall.lot_id == lot_id)).scalar_one_or_none()
    if known == once:
        return
    if known is not None or lot.recalled_at is not None:
        raise RecalledAlready
    db.session.execute(update(Lot).where(Lot.id == lot_id).values(recalled_at=now))
    row = {"kind": kind, "words": words, "by_staff": by_staff, "once": once, "recalled_by": by, "recalled_at": now}
    db.session.execute(insert(Recall).values(lot_id=lot_id, through_order_id=0, letters=0, **row))
    facts = {"before": {"state": "on_sale"}, "after": {"state": "recalled"}, "reason": kind.value}
    write_audit("lot.recalled", subject=lot.code, by=by, facts=facts, now=now)


def tell_of_recalls(*, now: datetime) -> int:
    """Sweep. The letters of recalls of which not everybody was written to; how many."""
    lot_ids = [LotId(lot_id) for lot_id in db.session.scalars(select(Recall.lot_id).where(Recall.told_at.is_(None)).order_by(Recall.id))]
    end_reading()
    return sum(_tell(lot_id, now=now) for lot_id in lot_ids)


@act
def _tell(lot_id: LotId, *, now: datetime) -> int:
    """Write to the next who bought of the lot, in order of their orders, and note how far it is."""
    recall = db.session.execute(
        select(Recall.id, Recall.through_order_id, Recall.told_at).where(Recall.lot_id == lot_id).with_for_update()
    ).one_or_none()
    if recall is None or recall.told_at is not None:
        return 0
    of_lot = (
        select(OrderLine.order_id)
        .join(Pick, Pick.line_id == OrderLine.id)
        .join(StockItem, StockItem.id == Pick.item_id)
        .where(StockItem.lot_id == lot_id)
    )
    bought = of_lot.where(Pick.state == PickState.SOLD, OrderLine.order_id > recall.through_order_id)
    told = exists().where(Letter.once == literal(f"recall:{recall.id}:") + cast(Order.id, String))
    columns = (Order.id, Order.number, Order.locale, Order.email, Order.phone)
    reachable = or_(Order.email.is_not(None), Order.phone.is_not(None))
    query = select(*columns).where(Order.id.in_(bought), reachable, ~told).order_by(Order.id).limit(LETTERS_AT_ONCE)
    rows = db.session.execute(query).all()
    is_held = bool(db.session.scalar(select(exists(of_lot.where(Pick.state == PickState.HELD)))))  # may still be paid for
    for row in rows:
        write_letter(
            LETTER,
            once=f"recall:{recall.id}:{row.id}",
            subject=row.number,
            locale=row.locale,
            to_email=row.email,
            to_phone=row.phone,
            facts={"number": row.number, "lot_id": lot_id},
            now=now,
        )
    values: dict[str, object] = {"letters": Recall.letters + len(rows)}
    if rows and not is_held:
        values["through_order_id"] = rows[-1].id
    if len(rows) < LETTERS_AT_ONCE and not is_held:
        values["told_at"] = now
    db.session.execute(update(Recall).where(Recall.id == recall.id).values(values))
    return len(rows)


def refuse_recalled(order_id: OrderId, shipment_id: ShipmentId) -> None:
    """Step. Nothing of a lot that was called back is sent. Raises LotIsRecalled."""
    held = (
        select(Pick.id)
        .join(OrderLine, OrderLine.id == Pick.line_id)
        .join(Shipment, (Shipment.order_id == OrderLine.order_id) & (Shipment.cooperative_id == OrderLine.cooperative_id))
        .join(StockItem, StockItem.id == Pick.item_id)
        .join(Lot, Lot.id == StockItem.lot_id)
        .where(
            OrderLine.order_id == order_id,
            Shipment.id == shipment_id,
            Pick.state == PickState.SOLD,
            Pick.units > Pick.returned_units,
            Lot.recalled_at.is_not(None),
        )
    )
    if db.session.scalar(select(exists(held))):
        raise LotIsRecalled
