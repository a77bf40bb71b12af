"""A parcel arrives: the buyer says so, staff do, or ten days have passed; and the end of an order, when its return window has."""

from datetime import datetime

import structlog

from shop.acts.ship_parcel import follow_parcels
from shop.extensions import act, end_reading
from shop.kit.errors import ShopError
from shop.kit.ids import OrderId, ShipmentId, UserId
from shop.orders import queries as order_queries
from shop.orders import service as orders
from shop.orders.states import DELIVERED_AFTER, RETURN_WINDOW, OrderState
from shop.outbox import service as outbox
from shop.shipping import service as shipping

log = structlog.get_logger()


@act
def mark_delivered(shipment_id: ShipmentId, *, by: UserId | None, now: datetime) -> None:
    """The parcel has arrived; the order follows.

    Raises NotFound, or AlreadyOnItsWay when it was not on its way.
    """
    order = orders.lock_by_id(shipping.get_order_of(shipment_id))
    shipping.receive(shipment_id, now=now)
    orders.add_event(order.id, "parcel_delivered", {"shipment_id": shipment_id}, by=by, now=now)
    if by is not None:
        facts = {"before": {"state": "shipped"}, "after": {"state": "delivered"}, "shipment": shipment_id}
        outbox.write_audit("parcel.delivered", subject=order.number, by=by, facts=facts, now=now)
    follow_parcels(order.id, by=by, now=now)


def deliver_overdue(*, now: datetime) -> int:
    """Sweep. Parcels sent ten days ago count as arrived (DESIGN §4); how many."""
    due = shipping.due_deliveries(now - DELIVERED_AFTER)
    end_reading()
    delivered = 0
    for shipment_id in due:
        try:
            mark_delivered(shipment_id, by=None, now=now)
            delivered += 1
        except ShopError as error:  # somebody was quicker; one parcel's trouble keeps no other waiting
            log.info("not_delivered_by_time", shipment=shipment_id, error=type(error).__name__)
    return delivered


def complete_orders(*, now: datetime) -> int:
    """Sweep. Orders whose last parcel arrived a return window ago are completed; how many."""
    due = order_queries.due_to_complete(delivered_before=now - RETURN_WINDOW)
    end_reading()
    return sum(_complete(order_id, now=now) for order_id in due)


@act
def _complete(order_id: OrderId, *, now: datetime) -> bool:
    order = orders.lock_by_id(order_id)
    if order.state is not OrderState.DELIVERED:
        return False
    orders.move(order, OrderState.COMPLETED, by=None, facts={}, now=now)
    return True
