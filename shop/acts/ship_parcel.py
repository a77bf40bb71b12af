"""A parcel leaves."""

from datetime import datetime

from shop.acts.recall_lot import refuse_recalled
from shop.extensions import act
from shop.kit.ids import OrderId, ShipmentId, UserId
from shop.orders import service as orders
from shop.orders.states import may_move, state_of_order
from shop.outbox import service as outbox
from shop.shipping import service as shipping


@act
def ship_parcel(shipment_id: ShipmentId, *, carrier: str, tracking_number: str, by: UserId | None, now: datetime) -> None:
    """The parcel is with its carrier; the order follows and the buyer gets a letter.

    Raises NotFound, LotIsRecalled when something in it was called back and not refunded yet, or AlreadyOnItsWay when it is not waiting to be
    packed: sent twice, the second is refused and nothing changes.
    """
    order = orders.lock_by_id(shipping.get_order_of(shipment_id))
    refuse_recalled(order.id, shipment_id)
    shipping.send(shipment_id, carrier=carrier, tracking_number=tracking_number, now=now)
    facts = {"shipment_id": shipment_id, "carrier": carrier, "tracking_number": tracking_number}
    orders.add_event(order.id, "parcel_shipped", facts, by=by, now=now)
    follow_parcels(order.id, by=by, now=now)
    told = {"before": {"state": "waiting"}, "after": {"state": "shipped", "carrier": carrier}, "shipment": shipment_id}
    outbox.write_audit("parcel.shipped", subject=order.number, by=by, facts=told, now=now)
    outbox.write_letter(
        "parcel_shipped",
        once=f"parcel_shipped:{shipment_id}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"number": order.number, "key": order.key, "shipment_id": shipment_id},
        now=now,
    )


def follow_parcels(order_id: OrderId, *, by: UserId | None, now: datetime) -> None:
    """Step. Move the order, which is locked, to where its parcels are."""
    order = orders.lock_by_id(order_id)
    state = state_of_order(parcel.state for parcel in shipping.of_order(order_id))
    if may_move(order.state, state):
        orders.move(order, state, by=by, facts={}, now=now)
