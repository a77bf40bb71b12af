"""An order's page: who may open it, what it says at every turn, and what can be done there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from shop.acts.confirm_payment import check_order_payments
from shop.acts.deliver_order import mark_delivered
from shop.acts.lapse_unpaid import lapse_unpaid
from shop.acts.place_order import Placed
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.ship_parcel import ship_parcel
from shop.acts.start_payment import start_payment
from shop.extensions import act, db, limiter, reading
from shop.kit.ids import ShipmentId
from shop.orders.errors import NoSuchOrder
from shop.orders.models import Order
from shop.orders.states import OrderState
from shop.reports.order_story import OrderStory, get_own_story, get_story
from shop.shipping.models import Shipment
from tests.browser import Browser
from tests.factories import (
    MadeProduct,
    Pack,
    make_cooperative,
    make_lot,
    make_mei,
    make_product,
    make_staff,
    make_stranger,
    make_village,
    make_villages,
    sign_in,
)
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, free_units, picks_of, place, state_of
from tests.statements import count_statements
from tests.web.storefront.test_cart import stocked

NOWADAYS = datetime.now(UTC)


def page_of(placed: Placed, *, back: bool = False) -> str:
    return f"/orders/{placed.number}?key={placed.key}{'&paid=1' if back else ''}"


def parcels_of(placed: Placed) -> list[ShipmentId]:
    with reading() as session:
        ids = session.scalars(select(Shipment.id).join(Order, Order.id == Shipment.order_id).where(Order.number == placed.number))
        return [ShipmentId(id_) for id_ in ids]


def story_of(placed: Placed) -> OrderStory:
    with reading():
        return get_story(placed.number)


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    """Mei's telephone, not signed in."""
    return Browser(client)


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米 of two lots: two bags all from 白水村, then bags of 700 kg 白水村 and 300 kg 高坝田村 (DESIGN §2)."""
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    rice = make_product()
    make_lot(rice, units=2, sources=[(baishui, 10_000)], code="BS2610A", best_before=NOWADAYS.date() + timedelta(days=300))
    make_lot(rice, units=50, sources=[(baishui, 700_000), (gaobatian, 300_000)], code="BS2610B")
    return rice


# ── Who may open it ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["", "0" * 32, "x", "é", "\x00", "0" * 5000])
def test_the_number_alone_opens_nothing(browser: Browser, provider: FakeProvider, rice: MadeProduct, key: str) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    page = browser.open(f"/orders/{placed.number}?key={key}" if key else f"/orders/{placed.number}")
    assert page.status == 404 and "示例买家" not in page.text
    nowhere = browser.open(page.path.replace(placed.number, "SH-261123-000000"))
    assert page.html == nowhere.html.replace("SH-261123-000000", placed.number)


@pytest.mark.parametrize("number", ["x", "SH-261123", "'; drop table orders", "%00", "SH-261123-%F0%9F%8D%9A"])
def test_what_is_no_number_is_not_there(browser: Browser, number: str) -> None:
    assert browser.open(f"/orders/{number}?key={'0' * 32}").status == 404


@pytest.mark.parametrize("act_on", ["pay", "cancel", "parcels/1/received", "parcels/99999999999999999999/received"])
def test_nobody_acts_on_an_order_without_its_key(browser: Browser, provider: FakeProvider, rice: MadeProduct, act_on: str) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    browser.open("/account/sign-in")
    assert browser.send(f"/orders/{placed.number}/{act_on}", {}).status == 404
    assert browser.send(f"/orders/{placed.number}/{act_on}?key={'0' * 32}", {}).status == 404
    assert state_of(placed.number) is OrderState.AWAITING_PAYMENT and provider.calls == []


def test_the_buyer_opens_it_signed_in_and_nobody_else_does(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    mei = make_mei()
    placed = buy(provider, {rice.sku: 1}, now=NOWADAYS, buyer_id=mei.id)
    address = f"/orders/{placed.number}"
    page = Browser(sign_in(app.test_client(), mei)).open(address)
    assert page.status == 200 and "示例买家" in page.text and "新塘路 18 号" in page.text
    for other in (make_stranger(), make_staff()):  # staff have a page of their own
        assert Browser(sign_in(app.test_client(), other)).open(address).status == 404


def test_whoever_holds_the_link_sees_the_address_masked(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 1}, now=NOWADAYS)
    page = browser.open(page_of(placed))
    assert "示**" in page.text and "138****2207" in page.text and "周市镇" in page.text
    assert "示例买家" not in page.html and "13800132207" not in page.html and "新塘路 18 号" not in page.html
    assert 'name="robots" content="noindex"' in page.html


def test_another_orders_parcel_is_not_received_with_this_orders_key(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    mine, hers = (buy(provider, {rice.sku: 1}, now=NOWADAYS) for _ in range(2))
    (parcel,) = parcels_of(hers)
    ship_parcel(parcel, carrier="邮政", tracking_number="EM1", by=None, now=NOWADAYS)
    browser.open("/account/sign-in")
    assert browser.send(f"/orders/{mine.number}/parcels/{parcel}/received?key={mine.key}", {}).status == 404
    assert state_of(hers.number) is OrderState.SHIPPED


# ── Waiting for money ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_that_waits_says_until_when_and_can_be_paid(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 3}, now=datetime.now(UTC))
    page = browser.open(page_of(placed))
    assert "订单记下了，等你付款" in page.text and "还有 35 分钟" in page.text
    page = browser.press(f"/orders/{placed.number}/pay", "去支付 ¥204.00")
    assert page.status == 303 and page.path.startswith("https://")
    browser.open(page_of(placed))
    again = browser.press(f"/orders/{placed.number}/pay")
    assert again.path == page.path  # the page that is open, not a second one
    assert len(provider.sessions) == 1


def test_back_from_the_provider_the_page_asks_until_there_is_an_answer(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    start_payment(placed.number, now=NOWADAYS)
    page = browser.open(page_of(placed, back=True))
    assert "正在等支付方回话" in page.text and '<meta http-equiv="refresh" content="5">' in page.html
    asked = len(provider.calls)
    browser.open(page_of(placed, back=True))
    assert len(provider.calls) == asked  # asked a moment ago
    provider.pay()
    with browser.client.session_transaction() as session:
        session["asked"] = f"{placed.number} {(NOWADAYS - timedelta(seconds=9)).isoformat()}"
    page = browser.open(page_of(placed, back=True))
    assert "已付款，合作社在装箱" in page.text and "refresh" not in page.html
    assert state_of(placed.number) is OrderState.PAID
    assert_books_are_sound()


def test_the_provider_down_while_we_wait_is_no_error(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    start_payment(placed.number, now=NOWADAYS)
    provider.go_down()
    page = browser.open(page_of(placed, back=True))
    assert page.status == 200 and "正在等支付方回话" in page.text


def test_the_buyer_calls_it_off_before_paying(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 3}, now=NOWADAYS)
    start_payment(placed.number, now=NOWADAYS)
    browser.open(page_of(placed))
    page = browser.press(f"/orders/{placed.number}/cancel", "不要了")
    assert "订单取消了" in page.text and "没有扣钱" in page.text
    assert state_of(placed.number) is OrderState.CANCELLED and free_units(rice.sku) == 52
    assert_books_are_sound()


def test_an_order_that_was_paid_meanwhile_is_not_called_off(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    start_payment(placed.number, now=NOWADAYS)
    browser.open(page_of(placed))
    provider.pay()
    page = browser.press(f"/orders/{placed.number}/cancel", "不要了")
    assert "没有取消" in page.text and "已付款" in page.text
    assert state_of(placed.number) is OrderState.PAID


def test_while_the_provider_is_down_nothing_is_called_off(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    start_payment(placed.number, now=NOWADAYS)
    browser.open(page_of(placed))
    provider.go_down()
    page = browser.press(f"/orders/{placed.number}/cancel", "不要了")
    assert page.status == 200 and "没有取消" in page.text
    assert state_of(placed.number) is OrderState.AWAITING_PAYMENT


def test_after_three_payment_pages_there_is_no_fourth(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    for attempt in range(3):
        start_payment(placed.number, now=NOWADAYS + timedelta(minutes=32 * attempt))
        provider.let_expire()
        browser.open(page_of(placed, back=True))
        with browser.client.session_transaction() as session:
            session.pop("asked", None)
    browser.open(page_of(placed))
    page = browser.press(f"/orders/{placed.number}/pay")
    assert "支付页已经开过三次" in page.text


def test_an_order_past_its_time_cannot_be_paid_and_lapses(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS - timedelta(minutes=36))
    page = browser.open(page_of(placed))
    assert "留货的时间到了" in page.text
    browser.send(f"/orders/{placed.number}/pay?key={placed.key}", {})
    assert provider.calls == []
    lapse_unpaid(now=NOWADAYS)
    page = browser.open(page_of(placed))
    assert "没在时间内付款，订单作废了" in page.text and "没有成交" in page.text


def test_money_that_came_too_late_is_said_to_go_back(browser: Browser, provider: FakeProvider) -> None:
    nuts = stocked("鲜板栗", units=1)
    placed = place({nuts.sku: 1}, now=NOWADAYS - timedelta(minutes=40))
    start_payment(placed.number, now=NOWADAYS - timedelta(minutes=40))
    lapse_unpaid(now=NOWADAYS)
    buy(provider, {nuts.sku: 1}, now=NOWADAYS)
    provider.pay_late(next(iter(provider.sessions)))
    check_order_payments(placed.number, now=NOWADAYS)
    page = browser.open(page_of(placed))
    assert "钱来晚了，已经原路退回" in page.text and "¥74.00 原路退给你" in page.text
    assert state_of(placed.number) is OrderState.LAPSED
    assert [refund.amount_fen for refund in story_of(placed).refunds] == [74_00]
    assert story_of(placed).villages == ()
    assert_books_are_sound()


def test_money_that_came_late_still_buys_what_is_still_there(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS - timedelta(minutes=40))
    start_payment(placed.number, now=NOWADAYS - timedelta(minutes=40))
    lapse_unpaid(now=NOWADAYS)
    provider.pay_late()
    check_order_payments(placed.number, now=NOWADAYS)
    assert "已付款，合作社在装箱" in browser.open(page_of(placed)).text


def test_another_sum_than_asked_is_said_and_not_taken_for_payment(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    start_payment(placed.number, now=NOWADAYS)
    provider.pay(amount_fen=1)
    page = browser.open(page_of(placed, back=True))
    assert page.status == 200 and "收到的钱和应付的对不上" in page.text and "不用再付" in page.text
    assert state_of(placed.number) is OrderState.AWAITING_PAYMENT


# ── The parcels' way and the money's ──────────────────────────────────────────────────────────────────────────────────


def test_the_money_goes_line_by_line_through_lots_to_villages(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 3}, now=NOWADAYS)
    text = browser.open(page_of(placed)).text
    assert "¥183.60 → 白水村" in text and "¥20.40 → 高坝田村" in text
    assert "批次 BS2610A ， 2 袋" in text and "批次 BS2610B ， 1 袋" in text
    assert "现在合计 ¥204.00" in text
    assert "¥204.00 = 记到村的 ¥204.00 + 运费 ¥0.00" in text
    story = story_of(placed)
    assert [(v.village_name, v.now_fen) for v in story.villages] == [("白水村", 183_60), ("高坝田村", 20_40)]
    assert story.now_fen == story.net_paid_fen == 204_00
    assert [[(s.village_name, s.booked_fen) for s in pick.shares] for line in story.lines for pick in line.picks] == [
        [("白水村", 136_00)],
        [("白水村", 47_60), ("高坝田村", 20_40)],
    ]


def test_a_refund_is_shown_where_it_was_taken_from(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 3}, now=NOWADAYS)
    blended = picks_of(placed.number)[-1]
    wanted = RefundWanted(units={blended.id: 1}, amounts={}, shipping_fen=0, restock=False, reason="外袋破损")
    refund_order(placed.number, wanted, once="bag", by=None, now=NOWADAYS)
    text = browser.open(page_of(placed)).text
    assert "¥136.00 → 白水村" in text and "¥0.00 → 高坝田村" in text
    assert "−47.60" in text and "−20.40" in text and "已退" in text
    assert "外袋破损 −¥68.00" in text and "净付 ¥136.00" in text
    assert "退款 ¥68.00：" in text
    story = story_of(placed)
    assert (story.refunded_goods_fen, story.net_paid_fen, story.now_fen) == (68_00, 136_00, 136_00)
    assert [(r.reason, r.units, r.goods_fen, r.is_reversed) for r in story.returns] == [("外袋破损", 1, 68_00, False)]


def test_parcels_are_followed_and_received(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    tea = stocked(
        "皇菊", packs=[Pack(price_fen=98_00, grams=60)], cooperative=make_cooperative("坪茶合作社"), village=make_village("坪茶村")
    )
    placed = buy(provider, {rice.sku: 1, tea.sku: 1}, now=NOWADAYS)
    page = browser.open(page_of(placed))
    assert "2 家合作社，分 2 包寄出" in page.text and "2 包在装箱" in page.text
    first, second = parcels_of(placed)
    ship_parcel(first, carrier="中国邮政", tracking_number="EM106422073CN", by=None, now=NOWADAYS)
    page = browser.open(page_of(placed))
    assert "1 包在路上，1 包在装箱" in page.text and "EM106422073CN" in page.text and "交寄，中国邮政" in page.text
    before = page
    page = browser.press(f"/orders/{placed.number}/parcels/{first}/received", "确认收货")
    assert "1 包已签收，1 包在装箱" in page.text
    browser.page = before
    assert browser.press(f"/orders/{placed.number}/parcels/{first}/received", "确认收货").status == 200  # said twice
    assert state_of(placed.number) is OrderState.PACKING
    ship_parcel(second, carrier="中国邮政", tracking_number="EM2", by=None, now=NOWADAYS)
    mark_delivered(second, by=None, now=NOWADAYS)
    assert "都签收了" in browser.open(page_of(placed)).text


def test_a_parcel_that_has_not_left_cannot_be_received(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 1}, now=NOWADAYS)
    page = browser.open(page_of(placed))
    assert "确认收货" not in page.text
    (parcel,) = parcels_of(placed)
    browser.open("/account/sign-in")
    assert browser.send(f"/orders/{placed.number}/parcels/{parcel}/received?key={placed.key}", {}).status == 200
    assert state_of(placed.number) is OrderState.PAID


def test_the_page_asks_the_same_few_questions_however_large_the_order(app: Flask, browser: Browser, provider: FakeProvider) -> None:
    asked = []
    for lines in (1, 5):
        products = [stocked(f"新米{lines}{number}", cooperative=make_cooperative(f"合作社{number}")) for number in range(lines)]
        placed = buy(provider, {product.sku: 2 for product in products}, now=NOWADAYS)
        with count_statements() as statements:
            assert browser.open(page_of(placed)).status == 200
        asked.append(len(statements))
    assert asked == [5, 5]


def test_the_page_reads_in_english(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 3}, now=NOWADAYS)
    page = Browser(app.test_client(), language="en").open(page_of(placed))
    assert page.status == 200 and "Baishui tribute rice" in page.text and "¥183.60 → Baishui Village" in page.text


def test_the_story_tells_staff_the_same_and_strangers_nothing(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 1}, now=NOWADAYS)
    with reading():
        assert get_own_story(placed.number, key=placed.key, buyer_id=None) == replace(get_story(placed.number), events=())
        assert [event.kind for event in get_story(placed.number).events] == ["placed", "payment_started", "paid"]
        for number, key in ((placed.number, ""), ("SH-000000-000000", placed.key)):
            with pytest.raises(NoSuchOrder):
                get_own_story(number, key=key, buyer_id=None)


# ── Finding it again ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("written", ["{}", " {} ", "lower", "no hyphens", "no prefix", "ＳＨ"])
def test_number_and_telephone_together_open_it(browser: Browser, provider: FakeProvider, rice: MadeProduct, written: str) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    number = {
        "lower": placed.number.lower(),
        "no hyphens": placed.number.replace("-", ""),
        "no prefix": placed.number.removeprefix("SH-"),
        "ＳＨ": "ＳＨ－" + placed.number.removeprefix("SH-"),
    }.get(written, written.format(placed.number))
    browser.open("/orders/find")
    page = browser.press("/orders/find", "查这个订单", {"number": number, "phone": "138-0013-2207"})
    assert page.path == page_of(placed)


def test_a_wrong_number_and_a_wrong_telephone_get_one_answer(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)
    answers = set()
    for number, phone in (
        (placed.number, "13800000000"),
        ("SH-261123-000000", "13800132207"),
        ("瞎写的", "13800132207"),
        ("\x00", "13800132207"),
    ):
        browser.open("/orders/find")
        page = browser.press("/orders/find", "查这个订单", {"number": number, "phone": phone})
        assert page.status == 422
        answers.add(page.text)
    assert len(answers) == 1 and "没有对上" in answers.pop()
    browser.open("/orders/find")
    page = browser.press("/orders/find", "查这个订单")
    assert "写上订单号" in page.text and "写上下单时的手机号" in page.text


def test_an_offline_sale_is_not_found_by_anybodys_telephone(browser: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, now=NOWADAYS)

    @act
    def forget() -> None:
        db.session.execute(update(Order).values(phone="", name="", street=""))  # as a deleted person's order is

    forget()
    browser.open("/orders/find")
    assert browser.press("/orders/find", "查这个订单", {"number": placed.number, "phone": "13800132207"}).status == 422


def test_guessing_is_stopped_after_ten_tries(app: Flask, browser: Browser) -> None:
    browser.open("/orders/find")
    limiter.enabled = True
    try:
        limiter.reset()
        statuses = [browser.send("/orders/find", {"number": "SH-261123-000000", "phone": "13800132207"}).status for _ in range(11)]
    finally:
        limiter.reset()
        limiter.enabled = False
    assert statuses == [422] * 10 + [429]
