"""Parcels leave and arrive; the order follows them to its end."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from shop.acts.deliver_order import complete_orders, deliver_overdue, mark_delivered
from shop.acts.ship_parcel import ship_parcel
from shop.extensions import reading
from shop.kit.errors import NotFound
from shop.kit.ids import ShipmentId
from shop.orders.states import OrderState
from shop.outbox.models import Letter
from shop.shipping.errors import AlreadyOnItsWay
from shop.shipping.models import Shipment
from tests.factories import MadeProduct, make_cooperative, make_lot, make_product, make_village
from tests.providers import FakeProvider
from tests.shopping import NOW, buy, place, state_of


def two_products() -> tuple[MadeProduct, MadeProduct]:
    rice = make_product()
    elsewhere = make_village("瓦屋村")
    oil = make_product("山茶油", cooperative=make_cooperative("瓦屋合作社", villages=[elsewhere]), village=elsewhere)
    make_lot(rice)
    make_lot(oil)
    return rice, oil


def parcels() -> list[ShipmentId]:
    with reading() as session:
        return [ShipmentId(row) for row in session.scalars(select(Shipment.id).order_by(Shipment.id))]


def send(shipment_id: ShipmentId) -> None:
    ship_parcel(shipment_id, carrier="中国邮政", tracking_number="EM 1064 2207 3CN", by=None, now=NOW)


def test_an_order_follows_its_parcels(provider: FakeProvider) -> None:
    rice, oil = two_products()
    order = buy(provider, {rice.sku: 1, oil.sku: 1})
    first, second = parcels()
    send(first)
    assert state_of(order.number) is OrderState.PACKING
    send(second)
    assert state_of(order.number) is OrderState.SHIPPED
    mark_delivered(first, by=None, now=NOW)
    assert state_of(order.number) is OrderState.SHIPPED
    mark_delivered(second, by=None, now=NOW)
    assert state_of(order.number) is OrderState.DELIVERED
    with reading() as session:
        assert session.scalars(select(Letter.kind)).all().count("parcel_shipped") == 2


def test_a_parcel_is_sent_once_and_only_when_paid(provider: FakeProvider) -> None:
    rice, _ = two_products()
    place({rice.sku: 1})
    (waiting,) = parcels()
    with pytest.raises(AlreadyOnItsWay):
        send(waiting)
    buy(provider, {rice.sku: 1})
    shipment_id = parcels()[-1]
    with pytest.raises(AlreadyOnItsWay):
        mark_delivered(shipment_id, by=None, now=NOW)
    send(shipment_id)
    with pytest.raises(AlreadyOnItsWay):
        send(shipment_id)
    with pytest.raises(NotFound):
        send(ShipmentId(999_999))


def test_ten_days_after_shipping_it_has_arrived_and_seven_later_it_is_over(provider: FakeProvider) -> None:
    rice, _ = two_products()
    order = buy(provider, {rice.sku: 1})
    send(parcels()[0])
    assert deliver_overdue(now=NOW + timedelta(days=9, hours=23)) == 0
    assert deliver_overdue(now=NOW + timedelta(days=10, minutes=1)) == 1
    assert state_of(order.number) is OrderState.DELIVERED
    assert complete_orders(now=NOW + timedelta(days=17)) == 0
    assert complete_orders(now=NOW + timedelta(days=17, minutes=2)) == 1
    assert complete_orders(now=NOW + timedelta(days=18)) == 0
    assert state_of(order.number) is OrderState.COMPLETED
