"""Notes that staff leave on an order for one another. The buyer never sees them, and nobody can change one."""

from datetime import datetime

from sqlalchemy import insert, select

from shop.extensions import act, db
from shop.kit.ids import UserId
from shop.orders.errors import NoSuchOrder
from shop.orders.models import Order, OrderNote

LONGEST_NOTE = 400


@act
def write_note(number: str, words: str, *, once: str, by: UserId, now: datetime) -> None:
    """Leave a note on an order; the same `once` leaves one. Raises NoSuchOrder."""
    order_id = db.session.scalar(select(Order.id).where(Order.number == number).with_for_update())
    if order_id is None:
        raise NoSuchOrder
    if db.session.scalar(select(OrderNote.id).where(OrderNote.once == once)) is None:
        db.session.execute(insert(OrderNote).values(order_id=order_id, once=once, at=now, by_user_id=by, words=words[:LONGEST_NOTE]))
