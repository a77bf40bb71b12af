"""My orders: one's own, all of them, nobody else's."""

from datetime import UTC, datetime, timedelta

from flask import Flask

from shop.acts.refund_order import RefundWanted, refund_order
from tests.browser import Browser
from tests.factories import make_lot, make_mei, make_product, make_stranger, sign_in
from tests.providers import FakeProvider
from tests.shopping import buy, picks_of, place
from tests.statements import count_statements

NOWADAYS = datetime.now(UTC)


def test_a_guest_is_sent_to_the_door(app: Flask) -> None:
    assert Browser(app.test_client()).open("/account/orders/").path == "/account/sign-in?next=/account/orders/"


def test_without_orders_the_page_leads_to_the_shelves(app: Flask) -> None:
    page = Browser(sign_in(app.test_client(), make_mei())).open("/account/orders/")
    assert page.status == 200 and "还没有订单" in page.text and 'href="/products/"' in page.html


def test_orders_stand_with_their_goods_their_state_and_what_came_back(app: Flask, provider: FakeProvider) -> None:
    mei, rice = make_mei(), make_product()
    make_lot(rice)
    waits = place({rice.sku: 1}, now=NOWADAYS, buyer_id=mei.id)
    paid = buy(provider, {rice.sku: 3}, now=NOWADAYS + timedelta(seconds=1), buyer_id=mei.id)
    back = RefundWanted(units={picks_of(paid.number)[0].id: 1}, reason="外袋破损")
    refund_order(paid.number, back, once="bag", by=None, now=NOWADAYS)
    browser = Browser(sign_in(app.test_client(), mei))
    page = browser.open("/account/orders/")
    assert page.text.index(paid.number) < page.text.index(waits.number)
    assert "白水贡米 5 kg 编织袋 × 3" in page.text and "已付款，装箱中" in page.text and "等你付款" in page.text
    assert "¥204.00 −¥68.00" in page.text
    assert browser.open(f"/orders/{paid.number}").status == 200  # the link needs no key for the buyer
    stranger = Browser(sign_in(app.test_client(), make_stranger())).open("/account/orders/")
    assert paid.number not in stranger.text


def test_many_orders_come_in_pages_by_two_questions(app: Flask, provider: FakeProvider) -> None:
    mei, rice = make_mei(), make_product()
    make_lot(rice)
    browser = Browser(sign_in(app.test_client(), mei))
    asked = []
    for more in (1, 11):
        for _ in range(more):
            place({rice.sku: 1}, now=NOWADAYS, buyer_id=mei.id)
        with count_statements() as statements:
            page = browser.open("/account/orders/")
        asked.append(len(statements))
    assert asked[0] == asked[1]
    assert "共 12 单" in page.text and page.html.count('class="panel my-order"') == 10
    assert browser.open("/account/orders/?page=2").html.count('class="panel my-order"') == 2
    assert browser.open("/account/orders/?page=3").status == 404
    assert browser.open("/account/orders/?page=x").status == 200


def test_my_orders_read_in_english(app: Flask, provider: FakeProvider) -> None:
    mei, rice = make_mei(locale="en"), make_product()
    make_lot(rice)
    place({rice.sku: 1}, now=NOWADAYS, buyer_id=mei.id)
    page = Browser(sign_in(app.test_client(), mei), language="en").open("/account/orders/")
    assert page.status == 200 and "Baishui tribute rice" in page.text
