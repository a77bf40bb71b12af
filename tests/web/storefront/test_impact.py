"""The public figures."""

import json

from flask.testing import FlaskClient

from shop.kit.clock import business_day, utc_now
from tests.books import refund, sell
from tests.browser import Browser
from tests.factories import Pack, make_lot, make_product, make_villages


def test_page_and_files_say_the_same_with_their_base(client: FlaskClient) -> None:
    today = business_day(utc_now())
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    product = make_product(packs=[Pack(68_00, 5_000)])
    make_lot(product, sources=[(baishui, 700_000), (gaobatian, 300_000)])
    refund(sell((product.sku, 3), on=today), 1, on=today)
    page = Browser(client).open("/impact")
    for words in (
        "净额 ¥ 136.00",
        "货款 ¥ 204.00",
        "退款 ¥ 68.00",
        "白水村 滑石乡 142.80 −47.60 95.20 不公布",
        "不算在里面",
        "打开时现加的",
    ):
        assert words in page.text
    told = json.loads(client.get("/impact?format=json").data)
    assert told["total"] == {
        "code": None,
        "name": "合计",
        "name_en": "Total",
        "gross_fen": 20400,
        "refunds_fen": 6800,
        "net_fen": 13600,
        "lines": None,
    }
    assert client.get(f"/impact?year={today.year}&format=csv").headers["Content-Disposition"].endswith('.csv"')
    assert Browser(client).open("/impact?year=1999&format=x").status == 200


def test_before_the_first_sale_it_says_so(client: FlaskClient) -> None:
    assert "这一段还没有记下货款" in Browser(client).open("/impact").text
