"""Reading orders."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from shop.extensions import db
from shop.kit.ids import OrderId
from shop.orders.models import Order
from shop.orders.states import OrderState
from shop.shipping.models import Shipment


def due_to_complete(*, delivered_before: datetime, most: int = 100) -> Sequence[OrderId]:
    """Delivered orders whose last parcel arrived before then."""
    due = (
        select(Order.id)
        .join(Shipment, Shipment.order_id == Order.id)
        .where(Order.state == OrderState.DELIVERED)
        .group_by(Order.id)
        .having(func.max(Shipment.delivered_at) < delivered_before)
        .order_by(Order.id)
        .limit(most)
    )
    return [OrderId(row) for row in db.session.scalars(due)]
