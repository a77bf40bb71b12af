"""A cooperative asks what it is owed, and why; nobody else sees it."""

from datetime import date, timedelta

import pytest
from flask import Flask

from shop.acts.settle_cooperative import draft_settlement
from shop.extensions import reading
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import new_key
from shop.ledger.settlements import approve_settlement
from shop.orders.models import Channel
from shop.reports.settlement_pages import money_of
from tests.books import sell
from tests.browser import Browser
from tests.factories import MadeCooperative, make_cooperative, make_lao_chen, make_lot, make_product, make_user, make_village, sign_in
from tests.settling import balance, give_back, make_office
from tests.shopping import assert_books_are_sound


def today() -> date:
    return business_day(utc_now())


@pytest.fixture
def baishui(app: Flask) -> MadeCooperative:
    """Three bags sold by hand, of which one has come back; two online, still in their window."""
    product = make_product()
    make_lot(product, harvested_on=date(2026, 9, 20))
    by_hand = sell((product.sku, 3), on=today() - timedelta(days=3), channel=Channel.OFFLINE)
    give_back(by_hand, 1, on=today() - timedelta(days=1))
    sell((product.sku, 2), on=today() - timedelta(days=2))
    return make_cooperative()


@pytest.fixture
def chen(app: Flask, baishui: MadeCooperative) -> Browser:
    return Browser(sign_in(app.test_client(), make_lao_chen(baishui)))


def settle(baishui: MadeCooperative) -> str:
    office = make_office(baishui)
    number = draft_settlement(baishui.id, last_day=today() - timedelta(days=1), once=new_key(), by=office.wang, now=utc_now())
    approve_settlement(number, by=office.zhao, now=utc_now())
    return number


def test_what_is_owed_is_what_the_books_hold_and_each_figure_opens_its_orders(chen: Browser, baishui: MadeCooperative) -> None:
    page = chen.open("/cooperative/money/")
    assert "¥272.00" in page.text and "可以结算" in page.text and "¥136.00" in page.text
    with reading():
        money = money_of(baishui.id, today=today())
    assert money.total("sum_fen") == -balance("proceeds/baishui-dami/baishui") == 27_200
    assert "XX-" in chen.open("/cooperative/money/owed/ready").text
    assert "SH-" in chen.open("/cooperative/money/owed/waiting").text
    assert chen.open("/cooperative/money/owed/nothing").status == 404
    number = settle(baishui)
    page = chen.open("/cooperative/money/")
    assert "已批准，等银行付" in page.text and "¥272.00" in page.text
    page = chen.open(f"/cooperative/money/{number}")
    assert "136.00" in page.text and "尾号 1234" in page.text and "6228480000000001234" not in page.html
    assert "−68.00" in chen.open(f"/cooperative/money/{number}/lines").text
    assert "本期结算" in chen.open(f"/cooperative/money/{number}/statement.csv").text
    assert_books_are_sound()


def test_nobody_else_sees_it(app: Flask, chen: Browser, baishui: MadeCooperative) -> None:
    number = settle(baishui)
    neighbours = make_cooperative("桃映养蜂专业合作社", villages=[make_village("桃映村")])
    wu = Browser(sign_in(app.test_client(), make_user("Lao Wu", cooperatives=[neighbours.id])))
    assert number not in wu.open("/cooperative/money/").text
    for path in (number, f"{number}/lines", f"{number}/statement.csv", f"owed/ready?cooperative={baishui.id}"):
        assert wu.open(f"/cooperative/money/{path}").status == 404, path


def test_a_draft_is_not_shown_to_the_cooperative(chen: Browser, baishui: MadeCooperative) -> None:
    office = make_office(baishui)
    number = draft_settlement(baishui.id, last_day=today() - timedelta(days=1), once=new_key(), by=office.wang, now=utc_now())
    assert chen.open(f"/cooperative/money/{number}").status == 404
    assert "已列进结算单，等批准" in chen.open("/cooperative/money/").text
