"""One sale made by hand, written down by a form, and what comes back of it."""

from datetime import timedelta

import pytest
from flask import Flask

from shop.extensions import reading
from shop.kit.clock import business_day, utc_now
from shop.orders.models import Channel
from shop.reports.order_story import OrderStory, get_story
from tests.browser import Browser, Page
from tests.factories import MadeProduct, make_lot, make_product
from tests.shopping import assert_books_are_sound, free_units, place

ASK = "/staff/offline/"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product, units=10, code="BS2610A")
    return product


def sell(office: Browser, rice: MadeProduct, **typed: str) -> Page:
    office.open(ASK)
    given = {"sku_1": rice.sku.code, "quantity_1": "3"} | typed
    return office.press(ASK, typed={name.replace("_", "-"): text for name, text in given.items()})


def told(page: Page) -> OrderStory:
    with reading():
        return get_story(page.path.rsplit("/", 1)[1])


def test_a_sale_is_booked_at_the_price_that_was_taken(rice: MadeProduct, office: Browser) -> None:
    page = sell(office, rice, price_1="60", region="昆山市", day=(business_day(utc_now()) - timedelta(days=1)).isoformat(), lot_1="bs2610a")
    story = told(page)
    assert (story.channel, story.total_fen, story.now_fen, story.district_code) == (Channel.OFFLINE, 180_00, 180_00, "320583")
    assert story.sold_on == business_day(utc_now()) - timedelta(days=1)
    assert free_units(rice.sku) == 7
    assert told(sell(office, rice, quantity_1="1")).total_fen == rice.sku.price_fen, "no price is the price on the shelf"
    assert_books_are_sound()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"quantity_1": "11"}, "能卖的只有 10 件"),
        ({"quantity_1": "3.5"}, "写一个整数"),
        ({"quantity_1": "-5"}, "不能小于 0"),
        ({"quantity_1": "0"}, "至少一件"),
        ({"quantity_1": ""}, "写卖了几件"),
        ({"price_1": "0"}, "没有收钱"),
        ({"price_1": "1e12"}, "写元"),
        ({"lot_1": "NOSUCH"}, "没有这一批"),
        ({"sku_1": ""}, "选是哪一种货"),
        ({"day": "2099-01-01"}, "这一天还没到"),
        ({"day": "2026-02-30"}, "写年-月-日"),
        ({"region": "没有的县"}, "没有「没有的县」这个地方"),
        ({"region": "999999"}, "行政区划代码"),
        ({"ref": ""}, "没有编号"),
    ],
)
def test_what_is_refused_is_said_beside_its_field_and_kept(typed: dict[str, str], says: str, rice: MadeProduct, office: Browser) -> None:
    page = sell(office, rice, **typed)
    [name], [text] = [name.replace("_", "-") for name in typed], typed.values()
    assert page.status == 422 and says in page.text
    assert f'id="{name}-error"' in page.html
    assert text == "" or page.form(ASK).values(name) == [text], "what was typed is kept"
    assert free_units(rice.sku) == 10


def test_the_same_number_twice_is_one_sale(rice: MadeProduct, office: Browser) -> None:
    first = sell(office, rice, ref="SJ-0001")
    assert sell(office, rice, ref="SJ-0001").path == first.path
    page = sell(office, rice, ref="SJ-0001", quantity_1="1")
    assert page.status == 422 and "这个编号以前记过" in page.text
    assert free_units(rice.sku) == 7


def test_goods_come_back_against_cash(rice: MadeProduct, office: Browser, lin: Browser) -> None:
    story = told(sell(office, rice))
    action, units = f"{ASK}{story.number}/return", f"units-{story.lines[0].line_id}"
    office.open(action)
    page = office.press(action, typed={units: "4", "reason": "破损"})
    assert page.status == 422 and "最多还能退 3 件" in page.text and page.form(action).values(units) == ["4"]
    page = office.press(action, typed={units: "2", "reason": "", "restock": "no"})
    assert page.status == 422 and "写上为什么退" in page.text
    page = office.press(action, typed={units: "2", "reason": "破损"})
    assert page.path == f"/staff/orders/{story.number}" and told(page).now_fen == rice.sku.price_fen
    assert free_units(rice.sku) == 7, "what is spoilt is not for sale again"
    assert lin.open(action).status == 404, "Lin only reads"
    assert office.open(f"{ASK}{place({rice.sku: 1}, now=utc_now()).number}/return").status == 404, (
        "an order of the shop goes back by its refund"
    )
    assert_books_are_sound()
