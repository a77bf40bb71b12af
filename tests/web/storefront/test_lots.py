"""What the code on the bag opens."""

from datetime import UTC, date, datetime

import pytest
from flask.testing import FlaskClient

from shop.catalog.models import ProductStatus
from tests.books import refund, sell
from tests.browser import Browser
from tests.factories import Pack, hold_units, make_lot, make_product, make_villages


def test_the_page_says_whose_fields_how_much_and_what_it_brought(client: FlaskClient) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    product = make_product(packs=[Pack(68_00, 5_000)])
    lot = make_lot(product, units=200, code="BS2610B", sources=[(baishui, 700_000), (gaobatian, 300_000)])
    refund(sell((product.sku, 10)), 1)
    hold_units(lot.item_id, 3)
    text = Browser(client).open("/lots/BS2610B").text
    for words in (
        "BS2610B 在售",
        "没有召回",
        "70% 700,000 g",
        "30% 300,000 g",
        "合计 1,000,000 g",
        "装好 200 袋 1,000 kg",
        "卖出 9 袋 45 kg",
        "占用 3 袋 15 kg",
        "在卖 188 袋 940 kg",
        "白水村 476.00 −47.60 428.40",
        "高坝田村 204.00 −20.40 183.60",
        "合计 680.00 −68.00 612.00",
        "来源第 1 版",
        "承诺依据 待合作社提供",
    ):
        assert words in text


def test_small_letters_open_it_too_and_the_code_is_drawn(client: FlaskClient) -> None:
    make_lot(code="BS2610B")
    page = Browser(client).open("/lots/bs2610b")
    assert page.status == 200 and "/lots/BS2610B" in page.text
    assert "<svg" in page.html and 'stroke="#000"' in page.html and "http://www.w3.org/2000/svg" not in page.html


def test_a_recalled_lot_says_so_first_and_leads_to_the_refund(client: FlaskClient) -> None:
    make_lot(units=5, code="BAD", recalled_at=datetime(2026, 11, 20, 2, 0, tzinfo=UTC))
    page = Browser(client).open("/lots/BAD")
    assert "这一批已召回，请先别吃" in page.text and 'role="alert"' in page.html
    assert "找到我的订单" in page.text and "停售 5 袋" in page.text
    assert "去买这样东西" not in page.text


def test_an_expired_and_an_unpacked_lot_say_what_they_are(client: FlaskClient) -> None:
    product = make_product()
    make_lot(product, code="OLD", harvested_on=date(2020, 1, 1), best_before=date(2020, 12, 31))
    make_lot(product, code="NEW", units=0, produced_grams=5_000)
    assert "已过最佳食用日" in Browser(client).open("/lots/OLD").text
    page = Browser(client).open("/lots/NEW")
    assert page.status == 200 and "还没装好" in page.text and "还没有卖出" in page.text


@pytest.mark.parametrize("code", ["NEVER", "DRAFT1", "a%00b", "..", "x" * 200, "一"])
def test_what_is_not_there_is_not_found(client: FlaskClient, code: str) -> None:
    make_lot(make_product("草稿", status=ProductStatus.DRAFT), code="DRAFT1")
    assert Browser(client).open(f"/lots/{code}").status == 404
