"""Where my money went: every fen of my own paid orders, by village and by year, less what went back."""

from datetime import UTC, datetime

from flask import Flask

from shop.acts.refund_order import RefundWanted, refund_order
from tests.browser import Browser
from tests.factories import make_cooperative, make_lot, make_mei, make_product, make_stranger, make_village, sign_in
from tests.providers import FakeProvider
from tests.shopping import buy, picks_of, place
from tests.statements import count_statements

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
LATER = datetime(2027, 1, 5, 8, tzinfo=UTC)


def test_without_paid_orders_the_page_leads_to_the_shelves(app: Flask) -> None:
    assert "还没有付过钱的订单" in Browser(sign_in(app.test_client(), make_mei())).open("/account/money/").text


def test_my_money_stands_by_village_and_by_year_and_refunds_are_taken_off(app: Flask, provider: FakeProvider) -> None:
    baishui, gaobatian = make_village(), make_village("高坝田村", town="坝黄镇")
    rice, mei = make_product(cooperative=make_cooperative(villages=(baishui, gaobatian))), make_mei()
    make_lot(rice, sources=[(baishui, 700_000), (gaobatian, 300_000)], units=200)
    first = buy(provider, {rice.sku: 3}, now=NOW, buyer_id=mei.id)
    buy(provider, {rice.sku: 2}, now=LATER, buyer_id=mei.id)
    buy(provider, {rice.sku: 5}, now=NOW, buyer_id=make_stranger().id)
    place({rice.sku: 7}, now=NOW, buyer_id=mei.id)
    refund_order(first.number, RefundWanted(units={picks_of(first.number)[0].id: 1}), once="1", by=None, now=LATER)
    browser = Browser(sign_in(app.test_client(), mei))
    browser.open("/account/money/")
    with count_statements() as statements:
        text = browser.open("/account/money/").text
    assert len(statements) == 5, "two for the figures, the rest for whose page it is"
    assert "付过钱的 2 单" in text and "村里现在有 ¥272.00" in text
    assert "白水村 238.00 -47.60 190.40" in text.replace("−", "-") and "高坝田村 102.00 -20.40 81.60" in text.replace("−", "-")
    assert "2026 204.00 -68.00 136.00" in text.replace("−", "-") and "2027 136.00 — 136.00" in text
