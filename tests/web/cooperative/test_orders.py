"""Parcels: what to take from which lot, for whom, and sent once."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.kit.ids import ShipmentId
from shop.orders.models import Order
from shop.orders.states import OrderState
from shop.shipping.models import Shipment
from shop.shipping.states import ShipmentState
from tests.browser import Browser
from tests.factories import (
    MadeProduct,
    Pack,
    Person,
    make_cooperative,
    make_lot,
    make_product,
    make_stranger,
    make_user,
    make_village,
    sign_in,
)
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, place, state_of
from tests.statements import count_statements

SHIP = "/cooperative/orders/"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """Bags and bricks, two lots of bags."""
    product = make_product(packs=[Pack(grams=5_000), Pack(grams=2_500, unit_word="块", pack="2.5 kg 真空砖")])
    five, brick = product.skus
    make_lot(product, code="BS2610A", units={five.id: 4, brick.id: 50})
    make_lot(product, code="BS2610B", units={five.id: 50})
    return product


def parcel_of(number: str, state: ShipmentState | None = None) -> ShipmentId:
    with reading() as session:
        row = session.execute(
            select(Shipment.id, Shipment.state).join(Order, Order.id == Shipment.order_id).where(Order.number == number)
        ).one()
    assert state is None or row.state is state
    return ShipmentId(row.id)


def test_a_parcel_says_what_to_take_from_which_lot_and_for_whom(phone: Browser, rice: MadeProduct, provider: FakeProvider) -> None:
    placed = buy(provider, {rice.skus[0]: 6, rice.skus[1]: 2}, name="梅女士", note="请放门口")
    page = phone.open("/cooperative/orders/")
    for words in ("梅女士", "江苏省苏州市昆山市周市镇", "138****2207", placed.number, "请放门口", "35 kg", "要打包 1"):
        assert words in page.text
    assert "5 kg 编织袋 × 6" in page.text and "BS2610A 4 袋" in page.text and "BS2610B 2 袋" in page.text
    assert "2.5 kg 真空砖 × 2" in page.text and "BS2610A 2 块" in page.text
    assert "13800132207" not in page.html and "新塘路" not in page.html and "mei@example.test" not in page.html


def test_what_is_not_paid_is_not_packed(phone: Browser, rice: MadeProduct, provider: FakeProvider) -> None:
    placed = place({rice.sku: 1})
    page = phone.open("/cooperative/orders/")
    assert placed.number not in page.text and "没有等着打包的" in page.text
    assert phone.send(f"/cooperative/orders/{parcel_of(placed.number)}/ship", {}).status == 404


def test_a_parcel_is_sent_with_carrier_and_number(phone: Browser, rice: MadeProduct, provider: FakeProvider) -> None:
    placed = buy(provider, {rice.sku: 1})
    phone.open("/cooperative/orders/")
    page = phone.press(SHIP, "记下", {"carrier": "顺丰速运", "tracking_number": "ｓｆ 1234 5678 90123"})
    assert page.status == 200 and f"订单 {placed.number} 已发出：顺丰速运 SF1234567890123" in page.text
    parcel_of(placed.number, ShipmentState.SHIPPED)
    assert state_of(placed.number) is OrderState.SHIPPED
    page = phone.open("/cooperative/orders/?state=shipped")
    assert "SF1234567890123" in page.text and "发出" in page.text
    assert not [form for form in page.forms if form.action.startswith(SHIP)]
    assert_books_are_sound()


MISSING: tuple[tuple[dict[str, str], tuple[str, ...]], ...] = (
    ({}, ("选一家快递公司", "写上运单号")),
    ({"carrier": "顺丰速运"}, ("写上运单号",)),
    ({"tracking_number": "SF1234567890123"}, ("选一家快递公司",)),
    ({"carrier": "顺丰速运", "tracking_number": "12"}, ("6 到 40 位",)),
    ({"carrier": "顺丰速运", "tracking_number": "SF123<b>456"}, ("6 到 40 位",)),
    ({"carrier": "顺丰速运", "tracking_number": "9" * 60}, ("6 到 40 位",)),
)


def test_what_is_missing_is_said_beside_the_field_and_kept(phone: Browser, rice: MadeProduct, provider: FakeProvider) -> None:
    placed = buy(provider, {rice.sku: 1})
    for typed, words in MISSING:
        phone.open("/cooperative/orders/")
        page = phone.press(SHIP, "记下", typed)
        assert page.status == 422, typed
        for word in words:
            assert word in page.text, typed
        for name, value in typed.items():
            assert page.form(SHIP).values(name) == [value]
    parcel_of(placed.number, ShipmentState.TO_PACK)


def test_a_carrier_we_do_not_know_is_refused(phone: Browser, rice: MadeProduct, provider: FakeProvider) -> None:
    placed = buy(provider, {rice.sku: 1})
    phone.open("/cooperative/orders/")
    page = phone.send(f"/cooperative/orders/{parcel_of(placed.number)}/ship", {"carrier": "飞毯", "tracking_number": "FT123456"})
    assert page.status == 422 and "选一家快递公司" in page.text


def test_a_parcel_is_sent_once(phone: Browser, rice: MadeProduct, provider: FakeProvider) -> None:
    placed = buy(provider, {rice.sku: 1})
    phone.open("/cooperative/orders/")
    fields = {"carrier": "顺丰速运", "tracking_number": "SF1234567890123"}
    path = f"/cooperative/orders/{parcel_of(placed.number)}/ship"
    phone.send(path, fields)
    page = phone.send(path, {**fields, "tracking_number": "SF9999999999999"})
    assert "没有再记" in page.text
    with reading() as session:
        assert session.scalars(select(Shipment.tracking_number)).all() == ["SF1234567890123"]


def test_each_cooperative_packs_its_own_part_of_an_order(
    app: Flask, client: FlaskClient, rice: MadeProduct, provider: FakeProvider
) -> None:
    village = make_village("桃映村")
    neighbours = make_cooperative("桃映合作社", villages=[village])
    honey = make_product("土蜂蜜", cooperative=neighbours, village=village, packs=[Pack(grams=500, pack="500 g 瓶", unit_word="瓶")])
    make_lot(honey, code="TY2610A")
    placed = buy(provider, {rice.sku: 1, honey.sku: 2})
    sign_in(client, make_user("Lao Wu", cooperatives=[neighbours.id]))
    browser = Browser(client)
    page = browser.open("/cooperative/orders/")
    assert "TY2610A" in page.text and "BS2610A" not in page.text and "白水贡米" not in page.text
    with reading() as session:
        other = session.execute(select(Shipment.id).where(Shipment.cooperative_id != neighbours.id)).scalar_one()
    fields = {"carrier": "顺丰速运", "tracking_number": "SF1234567890123"}
    assert browser.send(f"/cooperative/orders/{other}/ship", fields).status == 404
    browser.open("/cooperative/orders/")
    browser.press(SHIP, "记下", fields)
    assert state_of(placed.number) is OrderState.PACKING, "the other parcel has not left"


def test_odd_addresses_show_a_page(phone: Browser) -> None:
    for query in ("?state=", "?state=waiting", "?state=x", "?state=shipped&page=-1", "?state=delivered", "?page=" + "9" * 40):
        assert phone.open(f"/cooperative/orders/{query}").status == 200, query


def test_a_buyer_finds_nothing_here(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_stranger())
    for path in ("/cooperative/orders/", "/cooperative/"):
        assert client.get(path).status_code == 404, path


def test_the_page_asks_as_much_for_many_parcels_as_for_one(
    app: Flask, client: FlaskClient, lao_chen: Person, rice: MadeProduct, provider: FakeProvider
) -> None:
    buy(provider, {rice.sku: 1}, now=utc_now())
    with count_statements() as one:
        client.get("/cooperative/orders/")
    for _ in range(5):
        buy(provider, {rice.skus[0]: 2, rice.skus[1]: 1}, now=utc_now())
    with count_statements() as many:
        html = client.get("/cooperative/orders/").text
    assert html.count('id="parcel-') == 6
    assert len(one) == len(many) <= 9, many  # one of them: messages that nobody of the cooperative has read
