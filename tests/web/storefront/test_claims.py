"""A guest calls off, gives back with a photograph, is answered by the cooperative, and sees how far the money is."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.acts.deliver_order import mark_delivered
from shop.acts.ship_parcel import ship_parcel
from shop.kit.clock import utc_now
from shop.kit.ids import ShipmentId
from tests.browser import Browser
from tests.factories import MadeProduct, make_lao_chen, make_lot, make_product, make_staff, sign_in
from tests.kit.test_pictures import bomb, picture
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, village_fen
from tests.voices import first_line

WORDS = "🌾𠮷 عربي <script>alert(1)</script>"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product)
    return product


def arrive(shipment_id: ShipmentId) -> None:
    ship_parcel(shipment_id, carrier="顺丰速运", tracking_number="SF1234567890123", by=None, now=utc_now())
    mark_delivered(shipment_id, by=None, now=utc_now())


def test_a_guest_calls_off_a_bag_before_it_is_packed(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 2}, now=utc_now())
    guest, line = Browser(client), first_line(placed.number)
    assert "取消还没寄的" in guest.open(f"/orders/{placed.number}?key={placed.key}").text
    new = f"/orders/{placed.number}/claims/cancel?key={placed.key}"
    assert guest.open(new).form("/orders/").values(f"units-{line}") == ["2"], "the whole order, unless told otherwise"
    page = guest.press("/orders/", "取消这些", {f"units-{line}": "3"})
    assert page.status == 422 and "最多还能写 2" in page.text and "选一个缘由" in page.text
    page = guest.press("/orders/", "取消这些", {f"units-{line}": "1", "reason": "not_wanted", "words": WORDS})
    assert page.status == 200 and "取消了，¥68.00 已记账退回" in page.text and "🌾𠮷" in page.text and "<script>alert" not in page.html
    assert "3–10 个工作日" in page.text and sum(village_fen().values()) == 68_00
    guest.open(new)
    guest.press("/orders/", "取消这些", {"reason": "mistake"})
    assert "这一单取消了，钱退回去了" in guest.open(f"/orders/{placed.number}?key={placed.key}").text
    assert "没有可以取消的" in guest.open(new).text
    assert_books_are_sound()


def test_a_torn_bag_is_shown_answered_sent_back_and_refunded(
    app: Flask, client: FlaskClient, provider: FakeProvider, rice: MadeProduct
) -> None:
    placed = buy(provider, {rice.sku: 2}, now=utc_now())
    guest, line, new = Browser(client), first_line(placed.number), f"/orders/{placed.number}/claims/return?key={placed.key}"
    assert "现在没有可以退的" in guest.open(new).text
    arrive(ShipmentId(1))
    token = guest.open(new).form("/orders/").values("csrf_token")[0]
    once = guest.page.form("/orders/").values("once")[0]
    given = {"csrf_token": token, "once": once, f"units-{line}": "1", "reason": "damaged", "goods": "keep", "words": WORDS}
    for photo, wrong in ((None, "拍一张照片"), (b"%PDF-1.4\n", "这是 PDF"), (bomb(60_000, 60_000), "像素太多"), (b"x", "不是照片")):
        brought = {} if photo is None else {"photos": (io.BytesIO(photo), "bag.jpg")}
        refused = client.post(new, data={**given, **brought})
        assert refused.status_code == 422 and wrong in refused.text and "🌾𠮷 عربي" in refused.text, wrong
    at_will = client.post(new, data={**given, "reason": "seven_days", "goods": "keep"})
    assert at_will.status_code == 422 and "货要寄回来" in at_will.text
    photo = (io.BytesIO(picture(size=(400, 300), secret="27.7183N")), "IMG.jpg")
    assert client.post(new, data={**given, "photos": photo}).status_code == 303
    page = f"/orders/{placed.number}/claims/1?key={placed.key}"
    assert "等合作社答复" in guest.open(page).text
    own_photo = re.findall(r'href="(/orders/[^"]+\.jpg[^"]*)"', guest.page.html)[0].replace("&amp;", "&")
    assert client.get(own_photo).status_code == 200 and b"27.7183N" not in client.get(own_photo).data
    assert app.test_client().get(own_photo.partition("?")[0]).status_code == 404, "nobody else sees it"

    phone = Browser(sign_in(app.test_client(), make_lao_chen()))
    assert "1 个等你答复、收货" in phone.open("/cooperative/").text
    assert "破了、漏了" in phone.open("/cooperative/claims/").text
    seen = phone.open("/cooperative/claims/1")
    assert "13800132207" not in seen.html and "mei@example.test" not in seen.html, "not who it is"
    assert phone.client.get(re.findall(r'href="(/cooperative/claims/[^"]+\.jpg)"', seen.html)[0]).status_code == 200
    refused_page = phone.press("/cooperative/claims/1", "就这样办", {"do": "back"})
    assert refused_page.status == 422 and "写上地址" in refused_page.text
    phone.press("/cooperative/claims/1", "就这样办", {"do": "back", "return_to": "示例地址 1 号 收货处", "word": "谢谢"})
    assert "示例地址 1 号" in guest.open(page).text and "到付" in guest.page.text
    assert guest.press(f"/orders/{placed.number}/claims/1/sent", "寄出了").status == 422
    guest.press(f"/orders/{placed.number}/claims/1/sent", "寄出了", {"carrier": "中国邮政", "tracking_number": "ems 12345678"})
    assert "等合作社收到" in guest.page.text and "EMS12345678" in guest.page.text

    office = Browser(sign_in(app.test_client(), make_staff()))
    assert "1 个取消、退货的申请等我们" in office.open("/staff/").text
    assert "寄回途中" in office.open("/staff/claims/?kind=return").text and "这里没有" in office.open("/staff/claims/?kind=cancel").text
    office.open("/staff/claims/1")
    assert "退款 ¥68.00 已记账" in office.press("/staff/claims/1", "就这样办", {"do": "bin"}).text
    assert "支付方已退" in guest.open(page).text
    assert "退款 ¥68.00" in guest.open(f"/orders/{placed.number}?key={placed.key}").text and sum(village_fen().values()) == 68_00
    assert_books_are_sound()
