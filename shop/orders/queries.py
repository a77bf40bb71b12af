"""Reading orders."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from shop.extensions import db
from shop.kit.clock import day_ends
from shop.kit.ids import OrderId
from shop.orders.claim_models import Claim
from shop.orders.claim_states import OPEN_CLAIMS
from shop.orders.models import Channel, Order
from shop.orders.states import OrderState
from shop.shipping.models import Shipment


def due_to_complete(*, delivered_before: datetime, most: int = 100) -> Sequence[OrderId]:
    """Delivered orders whose last parcel arrived before then, and of which nothing is claimed."""
    is_claimed = select(Claim.id).where(Claim.order_id == Order.id, Claim.state.in_(OPEN_CLAIMS)).exists()
    due = (
        select(Order.id)
        .join(Shipment, Shipment.order_id == Order.id)
        .where(Order.state == OrderState.DELIVERED, ~is_claimed)
        .group_by(Order.id)
        .having(func.max(Shipment.delivered_at) < delivered_before)
        .order_by(Order.id)
        .limit(most)
    )
    return [OrderId(row) for row in db.session.scalars(due)]


def is_past_window(last_day: date) -> ColumnElement[bool]:
    """Orders of which, by the end of `last_day`, nothing could come back without a defect: completed by then, or sold by hand."""
    return and_(Order.state == OrderState.COMPLETED, or_(Order.channel == Channel.OFFLINE, Order.ended_at < day_ends(last_day)))
