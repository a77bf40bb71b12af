"""Villages and permits as staff write them down, and as everybody sees them."""

import io

from flask import Flask
from flask.testing import FlaskClient

from tests.browser import Browser
from tests.factories import make_cooperative, make_lao_chen, make_lot, make_product, make_village, sign_in
from tests.kit.test_pictures import picture


def test_a_story_is_told_and_people_are_counted_but_small_counts_are_not_shown(office: Browser, client: FlaskClient) -> None:
    make_village()
    office.open("/staff/places/villages/baishui")
    story = "## 老水井\n\n**井** 🌾𠮷 <script>alert(1)</script>"
    page = office.press("/staff/places/villages/baishui", typed={"story": story, "households": "312"})
    assert page.status == 422 and "没有来源的数" in page.text and "老水井" in page.html
    office.press("/staff/places/villages/baishui", typed={"members": "4", "counted_on": "2026-11-01", "source": "示例村委会"})
    reader = Browser(client, "en")
    assert '<div class="village-story" lang="zh-Hans">' in reader.open("/villages/baishui").html, "nobody has written it in English"
    office.open("/staff/places/villages/baishui")
    office.press("/staff/places/villages/baishui", typed={"story_en": "The **old** well"})
    assert '<div class="village-story" lang="en"><p>The <strong>old</strong> well' in reader.open("/villages/baishui").html
    shown = Browser(client).open("/villages/baishui").html
    assert '<div class="village-story" lang="zh-Hans"><h3>老水井</h3>' in shown
    assert "<strong>井</strong>" in shown and "<script>alert" not in shown
    assert "312" in shown and "少于 5" in shown and "示例村委会" in shown


def test_a_permit_with_its_picture_stands_on_the_cooperatives_page(office: Browser, client: FlaskClient) -> None:
    cooperative = make_cooperative()
    make_village()
    token = office.open("/staff/places/").form("/staff/places/permits").values("csrf_token")[0]
    fields = {"csrf_token": token, "cooperative": str(cooperative.id), "kind": "food_production", "number": "SC10152060200012"}
    refused = office.client.post("/staff/places/permits", data={**fields, "picture": (io.BytesIO(b"%PDF-1.7\n%%EOF"), "a.jpg")})
    assert (
        refused.status_code == 422 and "这是 PDF" in refused.text and "写上是谁发的" in refused.text and "SC10152060200012" in refused.text
    )
    fields |= {"issuer": "示例市场监督管理局", "first_day": "2020-01-01", "last_day": "2021-01-01"}
    office.client.post("/staff/places/permits", data={**fields, "picture": (io.BytesIO(picture(size=(300, 200))), "a.jpg")})
    shown = client.get(f"/cooperatives/{cooperative.slug}").text
    assert "食品生产许可证" in shown and "SC10152060200012" in shown and "过期" in shown and "/pictures/" in shown
    office.open("/staff/places/")
    office.press("/staff/places/permits/1/withdraw")
    assert "SC10152060200012" not in client.get(f"/cooperatives/{cooperative.slug}").text


def test_a_lots_certificate_is_what_the_code_on_the_bag_opens(app: Flask, client: FlaskClient) -> None:
    lot = make_lot(make_product())
    phone = Browser(sign_in(app.test_client(), make_lao_chen()))
    address = f"/cooperative/lots/{lot.code}/certificate"
    phone.open(address)
    assert phone.press(address).status == 422 and "选合格证上勾的那一项" in phone.page.text
    typed = {"number": "HG-2026-1", "basis": "own_control", "issued_on": "2026-10-12", "contact": "0856-0000000"}
    phone.press(address, typed=typed)
    shown = client.get(f"/lots/{lot.code}").text
    assert "HG-2026-1" in shown and "内部质量控制" in shown and "0856-0000000" in shown
