"""Messages on an order: each side reads what is its own, hears of an answer, and nobody's telephone is told."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from shop.acts.place_order import Placed
from shop.acts.write_message import write_message
from shop.extensions import act, db, limiter, reading
from shop.kit.clock import utc_now
from shop.kit.ids import CooperativeId
from shop.outbox.models import Letter
from shop.reports.conversation import ANSWER_WITHIN, unanswered
from shop.voices.errors import TooManyMessages
from shop.voices.messages import MOST_A_DAY
from shop.voices.models import OrderMessage, Side
from tests.browser import Browser
from tests.factories import MadeCooperative, make_cooperative, make_lao_chen, make_lot, make_product, make_staff, sign_in
from tests.providers import FakeProvider
from tests.shopping import buy


@pytest.fixture
def house(app: Flask) -> MadeCooperative:
    return make_cooperative()


@pytest.fixture
def placed(house: MadeCooperative, provider: FakeProvider) -> Placed:
    """Two bags of Lao Chen's rice."""
    product = make_product(cooperative=house)
    make_lot(product)
    return buy(provider, {product.sku: 2}, now=utc_now(), phone="13800002207")


def page_of(placed: Placed) -> str:
    return f"/orders/{placed.number}/messages?key={placed.key}"


def letters(kind: str) -> int:
    with reading() as session:
        return len(session.scalars(select(Letter.id).where(Letter.kind == kind)).all())


def test_buyer_cooperative_and_staff_speak_and_see_what_is_new(app: Flask, house: MadeCooperative, placed: Placed) -> None:
    lao_chen = make_lao_chen()
    buyer, phone = Browser(app.test_client()), Browser(sign_in(app.test_client(), lao_chen))
    office = Browser(sign_in(app.test_client(), make_staff()))
    buyer.open(page_of(placed))
    page = buyer.press(f"/orders/{placed.number}/messages", "送出", {"to": str(house.id), "words": "米袋破了？\n<script>𠮷👨‍👩‍👧"})
    assert "送到了" in page.text and "<script>𠮷" in page.text and "<script>𠮷" not in page.html
    assert letters("message_to_cooperative") == 1
    page = phone.open("/cooperative/orders/")
    assert "买家说了 1 句，还没看" in page.text
    path = re.findall(r'href="(/cooperative/orders/\d+/messages)"', page.html)[0]
    page = phone.open(path)
    assert "米袋破了" in page.text and "13800002207" not in page.html
    phone.press(path, "送出", {"words": "给你补一袋。"})
    assert letters("message_to_buyer") == 1 and "和买家说话" in phone.open("/cooperative/orders/").text
    assert "有 1 条新的回话" in buyer.open(f"/orders/{placed.number}?key={placed.key}").text
    assert "给你补一袋" in buyer.open(page_of(placed)).text
    assert "条新的回话" not in buyer.open(f"/orders/{placed.number}?key={placed.key}").text
    buyer.open(page_of(placed))
    buyer.press(f"/orders/{placed.number}/messages", "送出", {"to": "staff", "words": "只和客服说"})
    assert "只和客服说" not in phone.open(path).text
    assert "消息 3 条新的" in office.open(f"/staff/orders/{placed.number}").text
    assert "只和客服说" in office.open(f"/staff/orders/{placed.number}/messages").text


@pytest.mark.parametrize(("typed", "says"), [("", "写上要说的话"), ("​ \n", "写上要说的话"), ("𠮷" * 501, "最多 500 个字")])
def test_what_cannot_be_sent_comes_back_as_it_was_typed(app: Flask, placed: Placed, typed: str, says: str) -> None:
    browser = Browser(app.test_client())
    browser.open(page_of(placed))
    page = browser.send(page_of(placed), {"to": "nobody", "words": typed})
    assert page.status == 422 and says in page.text and "选一下和谁说" in page.text
    assert not typed.strip("\u200b \n") or typed in page.html


def test_a_stranger_finds_no_messages(app: Flask, placed: Placed) -> None:
    assert Browser(app.test_client()).open(f"/orders/{placed.number}/messages").status == 404
    other = make_lao_chen(make_cooperative("别家合作社"))
    assert Browser(sign_in(app.test_client(), other)).open("/cooperative/orders/1/messages").status == 404


def test_what_nobody_answers_for_a_day_is_on_the_desk_until_it_is_answered_or_settled(
    app: Flask, house: MadeCooperative, placed: Placed
) -> None:
    now, office = utc_now(), Browser(sign_in(app.test_client(), make_staff()))

    def speak(words: str, side: Side, to: CooperativeId | None, once: str) -> None:
        write_message(placed.number, words, side=side, cooperative_id=to, once=once, by=None, now=now - ANSWER_WITHIN)

    speak("在吗", Side.BUYER, house.id, "1")
    speak("在吗", Side.BUYER, None, "2")
    with reading():
        assert [row.cooperative for row in unanswered(now, most=9)] == ["白水大米", None]
        assert not unanswered(now - timedelta(seconds=1), most=9)
    assert "24 小时没人回" in office.open("/staff/").text
    speak("在的", Side.COOPERATIVE, house.id, "3")
    office.open(f"/staff/orders/{placed.number}/messages")
    office.press(f"/staff/orders/{placed.number}/messages", "不用回", {"to": "staff"})
    with reading():
        assert not unanswered(now, most=9)


def test_a_message_sent_twice_is_said_once_stands_for_good_and_there_is_an_end_to_them(placed: Placed) -> None:
    now = utc_now()
    for once in ("a", "a", *(str(number) for number in range(MOST_A_DAY - 1))):
        write_message(placed.number, "喂", side=Side.BUYER, cooperative_id=None, once=once, by=None, now=now)
    with pytest.raises(TooManyMessages):
        write_message(placed.number, "喂", side=Side.BUYER, cooperative_id=None, once="last", by=None, now=now)
    with reading() as session:
        assert len(session.scalars(select(OrderMessage.id)).all()) == MOST_A_DAY

    @act
    def change(sql: str) -> None:
        db.session.execute(text(sql))

    for sql in ("UPDATE order_messages SET words = 'x'", "DELETE FROM order_messages"):
        with pytest.raises(Exception, match="never changed"):
            change(sql)


def test_nobody_floods_the_form(app: Flask, placed: Placed) -> None:
    browser = Browser(app.test_client())
    limiter.enabled = True
    try:
        limiter.reset()
        browser.open(page_of(placed))
        statuses = {browser.send(page_of(placed), {}).status for _ in range(13)}
    finally:
        limiter.reset()
        limiter.enabled = False
    assert 429 in statuses
