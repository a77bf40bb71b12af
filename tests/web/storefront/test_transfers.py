"""Paying by bank transfer through the pages, without any script; the slip, and the account that money goes back to."""

import io
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from shop.acts.confirm_payment import check_order_payments
from shop.acts.match_transfer import match_line
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.orders.states import OrderState
from shop.payments.models import PayeeFrom
from shop.reports.bank import slips_of
from tests.browser import Browser
from tests.factories import MadeProduct, make_lot, make_product, make_staff, sign_in
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, picks_of, place, state_of
from tests.transfers import money_comes, only_remittance, place_by_transfer, reference_of, to_send_back, transfer_of

ADDRESS = {"name": "示例买家", "phone": "13800132207", "province": "320000", "district": "320583", "street": "新塘路 18 号"}
WECHAT = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 MicroMessenger/8.0.50"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product, units=20)
    return product


def order_by_transfer(browser: Browser, rice: MadeProduct) -> str:
    """From the shelf to the page that says where to send the money; its number."""
    browser.open(f"/products/{rice.slug}")
    browser.press("/cart/lines", typed={"quantity": "2"})
    browser.open("/checkout/")
    towns = browser.page.form("/checkout/").offered.get("town", [])
    page = browser.press(
        "/checkout/",
        "下单",
        {**{k: v for k, v in ADDRESS.items() if k != "province"}, "pay": "transfer"} | ({"town": towns[1]} if towns else {}),
    )
    assert page.status == 200 and "/transfer?key=" in page.path, page.text
    return page.path.split("/")[2]


def test_from_the_shelf_to_the_reference_and_paid(client: FlaskClient, rice: MadeProduct) -> None:
    browser = Browser(client)
    number = order_by_transfer(browser, rice)
    page = browser.page
    transfer = transfer_of(number)
    said = {value for form in page.forms for _name, value in form.fields}
    for words in ("示例县电商服务公司（示例账户）", "6222 0000 0000 0000 000", "示例银行碧江支行", reference_of(number)):
        assert words in page.html, words
    assert f"{transfer.amount_fen // 100}.{transfer.amount_fen % 100:02}" in page.html and said
    page = browser.press("/orders/", "交给", {"payer_name": "示例工会"})
    assert "记下了付款户名" in page.text and transfer_of(number).payer_name == "示例工会"
    match_line(money_comes(transfer.amount_fen, payer_name="示例工会", on=utc_now().date()), number, by=None, now=utc_now())
    page = browser.open(page.path)
    assert "不用再转" in page.text and "银行回单" not in page.text
    assert state_of(number) is OrderState.PAID
    assert_books_are_sound()


def test_the_orders_page_leads_there_and_lets_go(client: FlaskClient, rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1}, now=utc_now())
    browser = Browser(client)
    page = browser.open(f"/orders/{placed.number}?key={placed.key}")
    assert "等你转账" in page.text and "去支付" not in page.text
    assert f"/orders/{placed.number}/transfer?key={placed.key}" in page.html
    page = browser.press(f"/orders/{placed.number}/cancel")
    assert "订单取消了" in page.text
    assert "请不要再转" in browser.open(f"/orders/{placed.number}/transfer?key={placed.key}").text


def test_a_slip_is_seen_by_staff_alone(app: Flask, client: FlaskClient, rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1}, now=utc_now())
    address = f"/orders/{placed.number}/transfer?key={placed.key}"
    browser = Browser(client)
    token = browser.open(address).form("/orders/").values("csrf_token")[0]
    drawn = io.BytesIO()
    Image.new("RGB", (30, 30), "white").save(drawn, "PNG")

    def bring(content: bytes) -> tuple[int, str]:
        data = {"csrf_token": token, "payer_name": "", "slip": (io.BytesIO(content), "slip.png")}
        answer = client.post(address, data=data, headers={"Referer": "http://localhost/"})
        return answer.status_code, answer.text

    assert bring(drawn.getvalue())[0] == 303
    assert bring(drawn.getvalue())[0] == 303
    status, text = bring(b"<html>")
    assert status == 422 and "换一个" in text
    assert bring(b"")[0] == 422
    with reading():
        (slip,) = slips_of(placed.number)
    assert client.get(f"/staff/bank/slips/{slip.id}").status_code in (303, 404)
    office = sign_in(app.test_client(), make_staff())
    answer = office.get(f"/staff/bank/slips/{slip.id}")
    assert (answer.status_code, answer.mimetype, answer.data[:4]) == (200, "image/png", b"\x89PNG")
    assert f"/staff/bank/slips/{slip.id}" in office.get(f"/staff/orders/{placed.number}").text


def test_money_past_the_window_asks_for_an_account(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    long_ago = utc_now() - timedelta(days=91)
    make_lot(rice, harvested_on=long_ago.date() - timedelta(days=9))
    placed = place({rice.sku: 1}, now=long_ago)
    start_payment(placed.number, now=long_ago)
    provider.pay(method="alipay")
    check_order_payments(placed.number, now=long_ago)
    refund_order(placed.number, RefundWanted(units={picks_of(placed.number)[0].id: 1}), once="1", by=None, now=utc_now())
    browser = Browser(client)
    page = browser.open(f"/orders/{placed.number}?key={placed.key}")
    assert "告诉我们转到哪里" in page.text and "等我们从银行转给你" in page.text
    browser.open(f"/orders/{placed.number}/payee?key={placed.key}")
    page = browser.press("/orders/", "就转", {"name": "", "account": "123", "bank": ""})
    assert page.status == 422 and "8 到 30 位" in page.text
    page = browser.press("/orders/", "就转", {"name": "示例买家", "account": "６２１７ 0000 1234 5678", "bank": "示例银行昆山支行"})
    assert "记下了" in page.text and "告诉我们转到哪里" not in page.text
    (row,) = to_send_back()
    assert (row.payee_account, row.payee_from, row.id) == ("6217000012345678", PayeeFrom.BUYER, only_remittance())


def test_inside_wechat_the_pages_say_what_works_and_offer_the_link(
    app: Flask, client: FlaskClient, provider: FakeProvider, rice: MadeProduct
) -> None:
    placed = place({rice.sku: 1}, now=utc_now())
    address = f"/orders/{placed.number}?key={placed.key}"
    inside = client.get(address, headers={"User-Agent": WECHAT}).text
    assert "在微信里只能用银行卡付" in inside and f'value="http://127.0.0.1:8000{address.replace("&", "&amp;")}"' in inside
    assert "在微信里只能用银行卡付" not in client.get(address).text
    browser = Browser(client)
    browser.open(address)
    token = browser.page.form(f"/orders/{placed.number}/pay").values("csrf_token")[0]
    data = {"csrf_token": token}
    answer = client.post(
        f"/orders/{placed.number}/pay?key={placed.key}", data=data, headers={"User-Agent": WECHAT, "Referer": "http://localhost/"}
    )
    assert answer.status_code == 303
    assert provider.sessions[provider.last_session_id].asked.hidden_methods == ("alipay", "wechat_pay")
