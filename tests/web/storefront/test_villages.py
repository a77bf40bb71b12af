"""Villages and cooperatives on their pages."""

import pytest
from flask.testing import FlaskClient

from shop.kit.clock import business_day, utc_now
from tests.books import refund, sell
from tests.browser import Browser
from tests.factories import (
    Pack,
    make_cooperative,
    make_eastern_unit,
    make_lot,
    make_pairing,
    make_product,
    make_village,
    make_villages,
)


def test_the_index_adds_up_and_places_without_coordinates_stand_beneath(client: FlaskClient) -> None:
    today = business_day(utc_now())
    make_village("坪茶村", town="坝黄镇", latitude=27.71806, longitude=109.01889)
    make_village("兴龙社区", code=None, town="六龙山乡")
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    product = make_product(packs=[Pack(68_00, 5_000)])
    make_lot(product, sources=[(baishui, 700_000), (gaobatian, 300_000)])
    sell((product.sku, 1), on=today)
    page = Browser(client).open("/villages/")
    assert "4 个村社" in page.text and "合计 4 个村社 68.00" in page.text
    assert "47.60" in page.text and "20.40" in page.text
    assert "没有官方代码" in page.text and "这一年没有销售" in page.text
    assert page.html.count("is-loose") == 2, "two towns have no coordinates"
    assert '<path class="map-land"' not in page.html, "no outline"


def test_without_villages_the_index_says_so(client: FlaskClient) -> None:
    page = Browser(client).open("/villages/")
    assert page.status == 200 and "还没有记下哪个村" in page.text


def test_a_village_tells_its_story_its_pairing_its_money_and_its_part(client: FlaskClient) -> None:
    today = business_day(utc_now())
    baishui, gaobatian = make_village(story="山脚下。\n<script>水边</script>"), make_village("高坝田村", slug="gaobatian")
    make_pairing(unit_id=make_eastern_unit("昆山市张浦镇七桥村"), village=gaobatian)
    product = make_product(packs=[Pack(68_00, 5_000)])
    make_lot(product, sources=[(baishui, 700_000), (gaobatian, 300_000)])
    refund(sell((product.sku, 3), on=today), 1, on=today)

    page = Browser(client).open("/villages/baishui")
    assert "山脚下。" in page.text and "<script>水边" not in page.html
    assert "示例文字，待合作社供稿" in page.text and "520602201202" in page.text and "白水大米专业合作社" in page.text

    page = Browser(client).open("/villages/gaobatian")
    assert "昆山市张浦镇七桥村 待双方确认" in page.text
    assert "净额 ¥ 40.80 货款 ¥ 61.20 退款 ¥ 20.40" in page.text
    assert f"{today.year}-{today.month:02d} 至 {today.month} 月 {today.day} 日 61.20 −20.40 40.80" in page.text
    assert "白水贡米： 历次收成 1,000 kg，其中本村 300 kg，占 30%。" in page.text or "其中本村 300 kg，占 30%" in page.text


def test_a_new_village_has_designed_empty_places(client: FlaskClient) -> None:
    make_village("兴龙社区", slug="xinglong", code=None, town="六龙山乡")
    text = Browser(client).open("/villages/xinglong").text
    for words in ("村里的故事还没有人写来", "还没有合作社登记", "这一年还没有记到这里的钱", "这里还没有东西在卖", "六龙山乡还没有坐标"):
        assert words in text


def test_a_cooperative_has_its_page(client: FlaskClient) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    make_cooperative("白水大米专业合作社", villages=[baishui, gaobatian], is_sample=True)
    lot = make_lot()
    text = Browser(client).open("/cooperatives/baishui-dami").text
    for words in ("白水大米专业合作社", "示例合作社", "所在 白水村", "高坝田村", lot.code, "白水贡米", "这一年还没有卖出"):
        assert words in text


@pytest.mark.parametrize("path", ["/villages/nowhere", "/villages/a%00b", "/cooperatives/nobody", "/cooperatives/..%2f", "/villages/白水"])
def test_what_is_not_there_is_not_found(client: FlaskClient, path: str) -> None:
    assert Browser(client).open(path).status == 404


def test_english_pages_mark_what_is_chinese(client: FlaskClient) -> None:
    make_village(story="山脚下。")
    page = Browser(client, language="en").open("/villages/baishui")
    assert "Baishui Village" in page.text
    assert '<div class="village-story" lang="zh-Hans">' in page.html
