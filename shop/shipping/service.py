"""Parcels: made with an order, packed when it is paid, sent, received."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from sqlalchemy import bindparam, select, update

from shop.extensions import columns_of, db, fields_of, put_in, require_transaction, rows_as, table_of
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, OrderId, ShipmentId
from shop.shipping.errors import AlreadyOnItsWay, CannotShipThere
from shop.shipping.models import Shipment
from shop.shipping.rules import CannotShip, Parcel, Quote, ServiceKind, quote
from shop.shipping.states import ShipmentState
from shop.shipping.tariffs import terms_on


@dataclass(frozen=True)
class ShipmentRow:
    """One parcel, as an act sees it."""

    id: ShipmentId
    order_id: OrderId
    cooperative_id: CooperativeId
    state: ShipmentState
    grams: int
    fee_fen: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """How the buyer wants one parcel sent, and about when it would arrive, as the page said."""

    kind: ServiceKind = ServiceKind.ORDINARY
    expected_from: date | None = None
    expected_until: date | None = None


AS_USUAL = Chosen()


def quote_all(
    parcels: Sequence[Parcel], district_code: str, chosen: Mapping[CooperativeId, Chosen] = MappingProxyType({}), *, today: date
) -> tuple[Quote, ...]:
    """What every parcel costs to send there by the tariff in force, as it was chosen or else as usual.

    Raises CannotShipThere naming all that cannot go.
    """
    rules = terms_on(today).rules
    answers = [quote(parcel, district_code, rules, chosen.get(parcel.cooperative_id, AS_USUAL).kind) for parcel in parcels]
    if refused := tuple(answer for answer in answers if isinstance(answer, CannotShip)):
        raise CannotShipThere(refused)
    return tuple(answer for answer in answers if isinstance(answer, Quote))


def prepare(
    order_id: OrderId, parcels: Sequence[Parcel], quotes: Sequence[Quote], chosen: Mapping[CooperativeId, Chosen] = MappingProxyType({})
) -> None:
    """Step. One waiting parcel per cooperative of a new order."""
    require_transaction()
    by_cooperative = {answer.cooperative_id: answer for answer in quotes}
    rows = [
        {
            "order_id": order_id,
            "cooperative_id": parcel.cooperative_id,
            "state": ShipmentState.WAITING.value,
            "grams": parcel.grams,
            "fee_fen": by_cooperative[parcel.cooperative_id].fen,
            "service": by_cooperative[parcel.cooperative_id].kind.value,
            "expected_from": chosen.get(parcel.cooperative_id, AS_USUAL).expected_from,
            "expected_until": chosen.get(parcel.cooperative_id, AS_USUAL).expected_until,
            "carrier": "",
            "tracking_number": "",
        }
        for parcel in parcels
    ]
    put_in(Shipment, rows)


def of_order(order_id: OrderId) -> list[ShipmentRow]:
    """An order's parcels, by id."""
    return rows_as(ShipmentRow, db.session.execute(_OF_ORDER, {"order_id": order_id}))


_shipment = columns_of(Shipment)
_OF_ORDER = select(*fields_of(ShipmentRow, Shipment)).where(_shipment.order_id == bindparam("order_id")).order_by(_shipment.id)
_MOVE_ALL = (
    update(table_of(Shipment))
    .where(_shipment.order_id == bindparam("of_order"), _shipment.state == bindparam("start"))
    .values(state=bindparam("end"))
)


def get_order_of(shipment_id: ShipmentId) -> OrderId:
    """The order that a parcel belongs to.

    Raises NotFound.
    """
    found = db.session.scalar(select(Shipment.order_id).where(Shipment.id == shipment_id))
    if found is None:
        raise NotFound
    return OrderId(found)


def move_all(order_id: OrderId, start: ShipmentState, end: ShipmentState) -> None:
    """Step. Every parcel of the order that is `start` becomes `end`."""
    require_transaction()
    db.session.execute(_MOVE_ALL, {"of_order": order_id, "start": start, "end": end})


def cancel(shipment_ids: Sequence[ShipmentId]) -> None:
    """Step. Parcels of which nothing is left to send."""
    require_transaction()
    db.session.execute(
        update(Shipment).where(Shipment.id.in_(shipment_ids), Shipment.state == ShipmentState.TO_PACK).values(state=ShipmentState.CANCELLED)
    )


def send(shipment_id: ShipmentId, *, carrier: str, tracking_number: str, now: datetime) -> None:
    """Step. The parcel is with its carrier.

    Raises AlreadyOnItsWay.
    """
    _move(
        shipment_id,
        ShipmentState.TO_PACK,
        {"state": ShipmentState.SHIPPED, "carrier": carrier, "tracking_number": tracking_number, "shipped_at": now},
    )


def receive(shipment_id: ShipmentId, *, now: datetime) -> None:
    """Step. The parcel has arrived.

    Raises AlreadyOnItsWay.
    """
    _move(shipment_id, ShipmentState.SHIPPED, {"state": ShipmentState.DELIVERED, "delivered_at": now})


def _move(shipment_id: ShipmentId, start: ShipmentState, values: dict[str, object]) -> None:
    require_transaction()
    moved = db.session.scalar(
        update(Shipment).where(Shipment.id == shipment_id, Shipment.state == start).values(**values).returning(Shipment.id),
        execution_options={"synchronize_session": False},
    )
    if moved is None:
        state = db.session.scalar(select(Shipment.state).where(Shipment.id == shipment_id))
        raise AlreadyOnItsWay(str(state))


def due_deliveries(shipped_before: datetime, *, most: int = 100) -> Sequence[ShipmentId]:
    """Parcels sent before then that nobody has said to have arrived."""
    due = select(Shipment.id).where(Shipment.state == ShipmentState.SHIPPED, Shipment.shipped_at < shipped_before)
    return [ShipmentId(row) for row in db.session.scalars(due.order_by(Shipment.id).limit(most))]
