"""The shelves and a product's page, as a visitor without scripts meets them."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from shop.catalog.models import NetUnit, ProductStatus
from shop.kit.clock import business_day, utc_now
from tests.browser import Browser
from tests.factories import MadeProduct, Pack, make_cooperative, make_lot, make_mei, make_product, make_village, make_villages, sign_in
from tests.statements import count_statements


def stocked(name: str = "白水贡米", units: int = 100, **given: object) -> MadeProduct:
    """A product with one lot."""
    product = make_product(name, **given)  # type: ignore[arg-type]  # passed through as it came
    make_lot(product, units=units)
    return product


# ── The shelves ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_shop_says_so_and_shows_a_way_on(client: FlaskClient) -> None:
    page = Browser(client).open("/products/")
    assert page.status == 200
    assert "货架还空着" in page.text and "先看看村子" in page.text


def test_a_card_says_name_pack_price_price_per_500_g_and_village(client: FlaskClient) -> None:
    stocked(packs=[Pack(68_00, 5_000)])
    page = Browser(client).open("/products/")
    for words in ("白水贡米", "5 kg 编织袋", "68.00", "¥6.80/500 g", "白水村 滑石乡"):
        assert words in page.text
    assert 'href="/products/baishui-gongmi"' in page.html


@pytest.mark.parametrize("words", ["花生", "珍珠", "生", "PEANUTS", "ｐｅａｎｕｔ", "高坝田"])
def test_search_finds(client: FlaskClient, words: str) -> None:
    stocked("白水贡米")
    gaobatian = make_village("高坝田村")
    stocked("珍珠花生", name_en="Pearl peanuts", village=gaobatian, cooperative=make_cooperative("高坝田村合作社", villages=[gaobatian]))
    page = Browser(client).open(f"/products/?q={words}")
    shown = re.sub("</?mark>", "", page.html)
    assert "珍珠花生</a>" in shown and "白水贡米" not in shown and ("<mark>" in page.html or words.isascii() or words == "ｐｅａｎｕｔ")


def test_nothing_found_keeps_the_words_and_shows_ways_on(client: FlaskClient) -> None:
    stocked()
    page = Browser(client).open("/products/?q=木瓜<b>&category=grain")
    assert page.status == 200
    assert "没有找到“木瓜<b>”" in page.text, "what was typed is shown as it was typed"
    assert "<b>”" not in page.html, "and is never markup"
    assert "去掉筛选再找" in page.text and "看全部货架" in page.text
    assert "你要找的是不是" not in page.text, "nothing is near to that"
    near = Browser(client).open("/products/?q=共米")
    assert "你要找的是不是 贡米" in near.text


def test_the_same_question_has_one_address(client: FlaskClient) -> None:
    stocked()
    for asked in (
        "village=baishui&category=grain&q=&sort=best&page=1",
        "category=grain&village=baishui&village=baishui&season=13&utm_source=x",
    ):
        answer = client.get(f"/products/?{asked}")
        assert (answer.status_code, answer.headers["Location"]) == (301, "/products/?category=grain&village=baishui")
    for asked in ("category=grain&village=baishui", "q=%E7%B1%B3&season=9&season=10&price=20-50&stock=in&sort=price&page=2&lang=en"):
        assert client.get(f"/products/?{asked}").status_code == 200


def test_every_facet_is_offered_in_words_and_taken_away_by_its_chip(client: FlaskClient) -> None:
    month = business_day(utc_now()).month
    stocked(harvest_months=(month, month), packs=[Pack(68_00, 5_000)])
    page = Browser(client).open(f"/products/?season={month}&price=50-100&stock=in")
    for words in (f"{month} 月（现在）", "¥50–100", "现在有货", "白水贡米"):
        assert words in page.text
    assert f'href="/products/?season={month}&amp;price=50-100"' in page.html, "the chip of what is in stock"
    (facets,) = [form for form in page.forms if "season" in form.offered]
    assert facets.values("season") == [str(month)] and facets.values("stock") == ["in"]


def test_facets_narrow_and_chips_take_away(client: FlaskClient) -> None:
    browser = Browser(client)
    stocked("白水贡米")
    stocked("金丝皇菊", category="茶饮")
    (facets,) = [form for form in browser.open("/products/").forms if "category" in form.offered]
    assert (facets.action, facets.method, len(facets.offered["category"])) == ("/products/", "GET", 2)
    page = browser.open("/products/?category=grain")
    assert "白水贡米" in page.text and "金丝皇菊" not in page.text
    assert 'class="shelves-clear" href="/products/"' in page.html


def test_a_narrowed_page_keeps_its_search_and_order_in_every_link(client: FlaskClient) -> None:
    for number in range(25):
        make_product(f"贡米{number}")
    page = Browser(client).open("/products/?q=贡米&category=grain&sort=price")
    (forward,) = re.findall(r'href="([^"]*)" rel="next"', page.html)
    assert parse_qs(urlsplit(unescape(forward)).query) == {"q": ["贡米"], "category": ["grain"], "sort": ["price"], "page": ["2"]}
    second = Browser(client).open("/products/?q=贡米&category=grain&sort=price&page=2")
    assert second.text.count("¥6.80/500 g") == 1


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=99999999999999999999",
        "page=x",
        "page=２",
        "sort=nothing",
        "category=%00",
        "village=%E6%9D%91",
        "category=a'b",
        "q=%00",
    ],
)
def test_what_no_form_sends_does_no_harm(client: FlaskClient, query: str) -> None:
    stocked()
    page = Browser(client).open(f"/products/?{query}")
    assert page.status == 200 and "白水贡米" in page.text


def test_stock_words_appear_when_they_matter(client: FlaskClient) -> None:
    stocked("多的", units=11)
    stocked("少的", units=10)
    make_product("没的")
    page = Browser(client).open("/products/")
    assert "只剩 10 袋" in page.text and "售罄" in page.text and "只剩 11" not in page.text


def test_english_shelves_are_english(client: FlaskClient) -> None:
    stocked(name_en="Baishui tribute rice")
    page = Browser(client, language="en").open("/products/")
    assert 'lang="en"' in page.html and "Baishui tribute rice" in page.text and "Baishui Village" in page.text


def test_the_shelves_ask_the_database_twice(client: FlaskClient) -> None:
    for number in range(30):
        make_product(f"米{number}")
    Browser(client).open("/products/?q=米")
    with count_statements() as seen:
        Browser(client).open("/products/?q=米")
    assert len(seen) == 2


# ── A product ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_where_the_money_goes_with_its_base(client: FlaskClient) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    make_lot(make_product(packs=[Pack(68_00, 5_000)]), code="BS2610B", sources=[(baishui, 700_000), (gaobatian, 300_000)])
    page = Browser(client).open("/products/baishui-gongmi")
    for words in ("基数：5 kg 编织袋的货款 ¥68.00", "不含运费", "白水村 700 kg 70% ¥47.60", "高坝田村 300 kg 30% ¥20.40", "合计 ¥68.00"):
        assert words in page.text
    assert 'href="/lots/BS2610B"' in page.html
    assert "评价" not in page.text, "nothing is invented"


def test_the_label_says_what_is_known_and_what_is_waited_for(client: FlaskClient) -> None:
    stocked(ingredients="稻谷")
    text = Browser(client).open("/products/baishui-gongmi").text
    for words in (
        "食品名称 白水贡米",
        "配料 稻谷",
        "净含量 5 kg（10 斤）",
        "执行标准 待合作社提供 示例",
        "质量等级 一级",
        "产地 贵州省铜仁市碧江区滑石侗族苗族土家族乡白水村 520602201202",
        "生产者 白水大米专业合作社",
        "保质期 365 天",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("pack", "words"),
    [
        (Pack(108_00, 4_600, pack="5 L 桶装", net_value=5_000, net_unit=NetUnit.MILLILITRE), ("¥10.80/500 mL", "净含量 5 L")),
        (Pack(52_00, 1_500, pack="30 枚", net_value=30, net_unit=NetUnit.PIECE), ("¥1.73/个", "净含量 30 个")),
        (Pack(35_00, 280, pack="280 g 瓶装"), ("¥62.50/500 g", "净含量 280 g（0.56 斤）")),
    ],
)
def test_every_measure_has_its_price(client: FlaskClient, pack: Pack, words: tuple[str, ...]) -> None:
    stocked(packs=[pack])
    text = Browser(client).open("/products/baishui-gongmi").text
    assert all(word in text for word in words)


def test_one_pack_is_bought_by_one_button(client: FlaskClient) -> None:
    product = stocked(packs=[Pack(68_00, 5_000)])
    browser = Browser(client)
    page = browser.open("/products/baishui-gongmi")
    form = page.form("/cart/lines")
    assert form.values("sku") == [product.sku.code] and form.values("quantity") == ["1"]
    assert any(words == "放进购物篮 ¥68.00" for words, _, _ in form.buttons)
    assert browser.press("/cart/lines", "放进购物篮", {"quantity": "2"}).path.startswith("/cart/")
    assert "购物篮，2 件" in browser.open("/products/baishui-gongmi").html


def test_a_sold_out_pack_cannot_be_chosen_and_the_others_can(client: FlaskClient) -> None:
    product = make_product(packs=[Pack(68_00, 5_000, code="five"), Pack(36_00, 2_500, code="two")])
    make_lot(product, units={product.skus[1].id: 4})
    page = Browser(client).open("/products/baishui-gongmi")
    form = page.form("/cart/lines")
    assert form.values("sku") == ["two"]
    assert 'value="five" disabled' in page.html
    assert "只剩 4 袋" in page.text and "售罄" in page.text


def test_a_sold_out_product_offers_no_button(client: FlaskClient) -> None:
    months_away = (business_day(utc_now()).month + 5) % 12 + 1
    make_product(harvest_months=(months_away, months_away))
    page = Browser(client).open("/products/baishui-gongmi")
    assert page.status == 200
    assert "过季" in page.text and "再来" in page.text
    assert not page.form("/cart/lines").buttons


def test_a_retired_product_says_so_and_offers_nothing(client: FlaskClient) -> None:
    make_lot(make_product(status=ProductStatus.RETIRED))
    page = Browser(client).open("/products/baishui-gongmi")
    assert page.status == 200 and "不再卖了" in page.text
    assert not any(form.action.startswith("/cart/lines") for form in page.forms)


@pytest.mark.parametrize("slug", ["draft", "nothing", "Baishui-Gongmi", "a%00b", "..", "a'b", "米", "x" * 200])
def test_what_is_not_there_is_not_found(client: FlaskClient, slug: str) -> None:
    make_lot(make_product("草稿", slug="draft", status=ProductStatus.DRAFT))
    page = Browser(client).open(f"/products/{slug}")
    assert page.status == 404 and "没有这一页" in page.text


def test_perishable_goods_say_what_returning_means(client: FlaskClient) -> None:
    stocked("蓝莓", slug="lanmei", is_perishable=True, is_cold_chain=True)
    text = Browser(client).open("/products/lanmei").text
    assert "不适用七天无理由退货" in text and "质量问题随时可退" in text and "冷链" in text


def test_the_page_asks_the_database_twice(client: FlaskClient) -> None:
    product = make_product(packs=[Pack(grams=500), Pack(grams=1_000)])
    make_lot(product, units={sku.id: 5 for sku in product.skus})
    Browser(client).open("/products/baishui-gongmi")
    with count_statements() as seen:
        Browser(client).open("/products/baishui-gongmi")
    assert len(seen) == 2


def test_somebody_signed_in_with_a_basket_sees_the_same_shop(client: FlaskClient) -> None:
    mei = make_mei()
    product = stocked()
    sign_in(client, mei)
    browser = Browser(client)
    browser.open("/products/baishui-gongmi")
    browser.press("/cart/lines", "放进购物篮")
    page = browser.open("/products/baishui-gongmi")
    assert product.name in page.text and "购物篮，1 件" in page.html and "我的账户，Mei" in page.html
