"""The first page."""

from flask.testing import FlaskClient

from shop.kit.clock import business_day, utc_now
from tests.books import refund, sell
from tests.browser import Browser
from tests.factories import Pack, make_lot, make_product, make_villages
from tests.statements import count_statements


def test_an_empty_shop_has_a_first_page(client: FlaskClient) -> None:
    page = Browser(client).open("/")
    assert page.status == 200
    assert "一分一厘记到村" in page.text and "这个月没有正在采收的货" in page.text and "还没有记下哪个村" in page.text


def test_the_figures_are_those_of_the_books(client: FlaskClient) -> None:
    today = business_day(utc_now())
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    product = make_product(packs=[Pack(68_00, 5_000)], harvest_months=(today.month, today.month))
    make_lot(product, code="BLEND", sources=[(baishui, 700_000), (gaobatian, 300_000)])
    refund(sell((product.sku, 3), on=today), 1, on=today)
    text = Browser(client).open("/").text
    for words in (
        f"{today.month} 月记到各村 ¥ 136.00 本月至今，退款 ¥68.00 已扣除",
        "有货在卖的村社 2 / 2 个",
        "在售批次 1 批",
        "白水贡米的 ¥68.00，记到哪里",
        "白水村 700 kg 70% ¥47.60",
        "高坝田村 300 kg 30% ¥20.40",
    ):
        assert words in text


def test_it_is_complete_in_english_where_names_are(client: FlaskClient) -> None:
    make_lot(make_product(name_en="Baishui tribute rice"))
    page = Browser(client, language="en").open("/")
    assert "Baishui tribute rice" in page.text and "Baishui Village" in page.text


def test_it_asks_the_database_eight_times(client: FlaskClient) -> None:
    make_lot()
    with count_statements() as seen:
        Browser(client).open("/")
    assert len(seen) == 8


def test_nothing_on_it_is_inline_or_from_elsewhere(client: FlaskClient) -> None:
    make_lot()
    for path in ("/", "/products/", "/products/baishui-gongmi", "/villages/", "/villages/baishui"):
        html = Browser(client).open(path).html
        html = html.replace('<script src="/static/', "").replace('<script type="application/ld+json">', "")
        assert "<script" not in html and "style=" not in html and "onclick" not in html
        assert 'src="http' not in html and "url(http" not in html
