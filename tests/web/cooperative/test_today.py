"""The first page of the morning: what needs hands today, and what this month brought the villages, to the fen."""

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.kit.clock import business_day, utc_now
from shop.papers.models import PermitKind
from shop.papers.permits import record_permit
from tests.books import refund, sell
from tests.browser import Browser
from tests.factories import (
    Pack,
    Person,
    hold_units,
    make_cooperative,
    make_lot,
    make_product,
    make_user,
    make_village,
    make_villages,
    sign_in,
)
from tests.providers import FakeProvider
from tests.shopping import buy
from tests.statements import count_statements


@pytest.fixture
def today(app: Flask) -> date:
    return business_day(utc_now())


def test_an_empty_morning_is_calm(phone: Browser) -> None:
    page = phone.open("/cooperative/")
    assert page.status == 200
    assert "没有等着打包的" in page.text and "这个月还没有卖出" in page.text
    for word in ("快到期和过期的", "该点数了", "应收"):
        assert word not in page.text
    assert "0 要打包 0 今天该发 0 快没了 0 快到期 0 证照到期 ¥0.00 要到的钱" in page.text


def test_it_says_what_to_take_for_whom(phone: Browser, provider: FakeProvider) -> None:
    rice = make_product(packs=[Pack(grams=5_000), Pack(grams=2_500, unit_word="块", pack="2.5 kg 真空砖")])
    make_lot(rice, code="BS2610A", units={sku.id: 50 for sku in rice.skus})
    for number in range(5):
        buy(provider, {rice.skus[0]: 2, rice.skus[1]: 1}, name=f"买家{number}", now=utc_now())
    page = phone.open("/cooperative/")
    assert "要打包 5 件，路上 0 件" in page.text
    assert "10 袋" in page.text and "5 块" in page.text
    assert "买家0" in page.text and "买家2" in page.text and "买家3" not in page.text
    assert "还有 2 件" in page.text
    assert "去打包，5 件" in page.text


def test_the_month_is_told_by_village_to_the_fen_and_less_what_went_back(phone: Browser, today: date) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    rice = make_product(cooperative=make_cooperative(villages=[baishui, gaobatian]))
    make_lot(rice, units=20, sources=[(baishui, 70_000), (gaobatian, 30_000)])
    sell((rice.sku, 5), on=today.replace(day=1) - timedelta(days=1))
    sold = sell((rice.sku, 10), on=today)
    page = phone.open("/cooperative/")
    assert "¥680.00" in page.text and "¥476.00" in page.text and "¥204.00" in page.text
    assert "已经减去" not in page.text
    refund(sold, 1, on=today)
    page = phone.open("/cooperative/")
    assert "¥612.00" in page.text and "¥428.40" in page.text and "¥183.60" in page.text
    assert "已经减去退款 ¥68.00" in page.text


def test_another_cooperatives_money_and_parcels_are_not_here(app: Flask, client: FlaskClient, provider: FakeProvider, today: date) -> None:
    rice = make_product()
    make_lot(rice, code="BS2610A", units=5)
    buy(provider, {rice.sku: 1}, name="梅女士", now=utc_now())
    village = make_village("桃映村")
    sign_in(client, make_user("Lao Wu", cooperatives=[make_cooperative("桃映合作社", villages=[village]).id]))
    page = Browser(client).open("/cooperative/")
    for secret in ("梅女士", "¥68.00", "白水村", "BS2610A", "白水贡米"):
        assert secret not in page.text


def test_what_runs_low_runs_out_or_expires_is_named(phone: Browser, today: date) -> None:
    few, gone, plenty, old = (make_product(name) for name in ("糯米", "花生", "香菇", "腊肉"))
    make_lot(few, units=3)
    emptied = make_lot(gone, units=2)
    hold_units(emptied.item_id, 2)
    make_lot(plenty, units=500)
    make_lot(old, units=40, best_before=today + timedelta(days=9))
    page = phone.open("/cooperative/")
    low = page.text.rpartition("快没了")[2].partition("快到期和过期的")[0]
    assert "糯米" in low and "只剩 3 袋" in low
    assert "花生" in low and "卖完了" in low
    assert "香菇" not in low and "腊肉" not in low
    expiring = page.text.partition("快到期和过期的")[2].partition("该点数了")[0]
    assert "腊肉" in expiring and "剩 9 天到期" in expiring and "还有 40 袋" in expiring


def test_large_buttons_count_what_waits(phone: Browser, lao_chen: Person, provider: FakeProvider, today: date) -> None:
    rice = make_product()
    make_lot(rice, units=9)
    for paid in (utc_now() - timedelta(days=2), utc_now()):
        buy(provider, {rice.sku: 1}, now=paid)
    own = make_cooperative().id
    for kind, last_day in ((PermitKind.BUSINESS, today - timedelta(days=400)), (PermitKind.BUSINESS, None), (PermitKind.WORKSHOP, today)):
        record_permit(
            own,
            kind,
            number=f"示例 {last_day}",
            issuer="示例局",
            scope="",
            first_day=date(2020, 1, 1),
            last_day=last_day,
            picture=None,
            is_sample=True,
            by=None,
            now=utc_now(),
        )
    page = phone.open("/cooperative/")
    assert "2 要打包 1 今天该发 1 快没了 0 快到期 1 证照到期 ¥136.00 要到的钱" in page.text
    assert f"小作坊登记证 示例 {today} 今天到期" in page.text and "营业执照" not in page.text, "what was renewed is not due"


def test_what_nobody_has_counted_for_a_week_is_asked_for(phone: Browser) -> None:
    rice, peanuts = make_product(), make_product("花生")
    make_lot(rice, code="BS2610A", units=50, at=utc_now() - timedelta(days=9))
    make_lot(peanuts, code="HS2610A", units=50, at=utc_now())
    page = phone.open("/cooperative/")
    asked = page.text.partition("该点数了")[2]
    assert "BS2610A" in asked and "还没点过" in asked
    assert "HS2610A" not in asked


def test_the_page_reads_in_english(app: Flask, client: FlaskClient, provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    buy(provider, {rice.sku: 1}, now=utc_now())
    sign_in(client, make_user("Lao Chen", cooperatives=[make_cooperative().id], locale="en"))
    for path in ("/cooperative/", "/cooperative/orders/", "/cooperative/lots/", "/cooperative/lots/new"):
        page = Browser(client).open(path)
        assert page.status == 200 and '<html lang="en">' in page.html
        assert "Baishui Rice Cooperative" in page.text
        assert "白水贡米" not in page.text


def test_the_page_asks_as_much_however_much_there_is(app: Flask, client: FlaskClient, lao_chen: Person, provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=50)
    buy(provider, {rice.sku: 1}, now=utc_now())
    with count_statements() as few:
        client.get("/cooperative/")
    for number in range(4):
        other = make_product(f"米 {number}")
        make_lot(other, units=4)
        buy(provider, {other.sku: 1, rice.sku: 1}, now=utc_now())
    with count_statements() as many:
        client.get("/cooperative/")
    assert len(few) == len(many) <= 19, many
