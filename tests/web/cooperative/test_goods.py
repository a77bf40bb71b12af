"""Lao Chen's goods: their photographs, from his telephone to the shop."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from shop.catalog.photos import MOST_PHOTOS, add_photo, photos_of
from shop.extensions import reading
from shop.kit.pictures import draw
from tests.browser import Browser, Page
from tests.factories import MadeProduct, Person, make_cooperative, make_lot, make_product, make_user, make_village, sign_in
from tests.kit.test_pictures import HEIC, bomb, picture
from tests.shopping import NOW

MUCH = b"\xff\xd8\xff" + bytes(40 * 1024 * 1024)


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, with a lot."""
    product = make_product()
    make_lot(product)
    return product


def upload(phone: Browser, product: MadeProduct, photo: bytes, name: str = "IMG_1.jpg", **typed: str) -> Page:
    """Fill in the form for the next photograph and send it."""
    page = phone.open(f"/cooperative/goods/{product.id}")
    token = page.form(f"/cooperative/goods/{product.id}/photos").values("csrf_token")[0]
    fields = {"csrf_token": token, "alt": "刚脱壳的贡米", "alt_en": "Freshly hulled rice"} | typed
    phone.client.post(f"/cooperative/goods/{product.id}/photos", data={**fields, "photo": (io.BytesIO(photo), name)})
    return phone.open(f"/cooperative/goods/{product.id}")


def answer(phone: Browser, product: MadeProduct, photo: bytes, name: str = "IMG_1.jpg", **typed: str) -> tuple[int, str]:
    """The same, and what came back at once."""
    page = phone.open(f"/cooperative/goods/{product.id}")
    token = page.form(f"/cooperative/goods/{product.id}/photos").values("csrf_token")[0]
    fields = {"csrf_token": token, "alt": "刚脱壳的贡米", "alt_en": "Freshly hulled rice"} | typed
    came = phone.client.post(f"/cooperative/goods/{product.id}/photos", data={**fields, "photo": (io.BytesIO(photo), name)})
    return came.status_code, came.text


def test_a_photograph_from_a_telephone_stands_in_the_shop(app: Flask, phone: Browser, rice: MadeProduct, client: FlaskClient) -> None:
    assert "没有照片" in phone.open("/cooperative/goods/").text
    upload(phone, rice, picture(size=(800, 600), secret="27.7183N"))
    shown = client.get(f"/products/{rice.slug}").text
    assert "插图。" not in shown and 'alt="刚脱壳的贡米"' in shown and 'width="800" height="600"' in shown
    assert "Freshly hulled rice" in app.test_client().get(f"/products/{rice.slug}", headers={"Accept-Language": "en"}).text
    assert "/pictures/" in client.get("/products/").text, "and on the shelf"
    addresses = sorted(set(re.findall(r"/pictures/[0-9a-z-]+/\d+\.(?:avif|webp|jpg)", shown)))
    assert {address.rpartition(".")[2] for address in addresses} == {"avif", "webp", "jpg"}
    for address in addresses:
        file = client.get(address)
        assert file.status_code == 200 and b"27.7183N" not in file.data
        assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable" and "Cookie" not in file.headers.get("Vary", "")
        assert f"{Image.open(io.BytesIO(file.data)).width}." in address
    for wrong in ("/pictures/nothing-1x1/1.jpg", addresses[0] + "x", addresses[0].replace("320", "321")):
        assert client.get(wrong).status_code == 404


def test_an_iphones_photograph_is_taken(phone: Browser, rice: MadeProduct) -> None:
    assert "照片，1 张" in upload(phone, rice, HEIC, "IMG_2.HEIC").text


@pytest.mark.parametrize(
    ("photo", "name", "words"),
    [
        (MUCH, "IMG_3.jpg", "照片太大：一张最多 16 MB"),
        (bomb(60_000, 60_000), "small.png", "照片的像素太多"),
        (b"%PDF-1.7\n%%EOF\n", "cert.jpg", "这是 PDF，不是照片"),
        (b"<script>alert(1)</script>", "x.jpg", "这不是照片"),
        (b"", "empty.jpg", "这个文件是空的"),
    ],
    ids=["40 MB", "bomb", "pdf", "script", "empty"],
)
def test_a_bad_file_is_refused_beside_its_field_and_nothing_typed_is_lost(
    phone: Browser, rice: MadeProduct, photo: bytes, name: str, words: str
) -> None:
    typed = "🌾𠮷 عربي <script>alert(1)</script>"
    status, html = answer(phone, rice, photo, name, alt=typed)
    assert status == 422
    assert re.search(r'id="photo-error">.*?' + words, html, re.DOTALL)
    assert "🌾𠮷 عربي &lt;script&gt;" in html and "Freshly hulled rice" in html and "<script>alert" not in html
    with reading():
        assert not photos_of(rice.id)


def test_photographs_are_described_put_in_order_and_taken_away(phone: Browser, rice: MadeProduct, client: FlaskClient) -> None:
    ids = [add_photo(rice.id, draw(picture(size=(50 + n, 50))), alt=f"第{n}张", by=None, now=NOW) for n in range(3)]
    phone.open(f"/cooperative/goods/{rice.id}")
    phone.press(f"/cooperative/goods/{rice.id}/photos/{ids[2]}", "往前")
    phone.press(f"/cooperative/goods/{rice.id}/photos/{ids[2]}", "往前")
    phone.press(f"/cooperative/goods/{rice.id}/photos/{ids[0]}", "记下", {"alt": "稻田"})
    page = phone.press(f"/cooperative/goods/{rice.id}/photos/{ids[1]}", "删掉")
    assert "照片，2 张" in page.text
    with reading():
        assert [photo.alt for photo in photos_of(rice.id)] == ["第2张", "稻田"]
        cover = photos_of(rice.id)[0].name
    assert cover in client.get("/products/").text
    assert phone.press(f"/cooperative/goods/{rice.id}/photos/{ids[0]}", "记下", {"alt": " "}).status == 422
    assert "写一句照片上是什么" in phone.page.text
    phone.press(f"/cooperative/goods/{rice.id}/photos/{ids[0]}", "删掉")
    phone.press(f"/cooperative/goods/{rice.id}/photos/{ids[2]}", "删掉")
    assert "插图。" in client.get(f"/products/{rice.slug}").text
    assert client.get(f"/pictures/{cover}/50.jpg").status_code == 404, "its bytes are gone as well"


def test_a_gallery_holds_so_many_and_each_once(phone: Browser, rice: MadeProduct) -> None:
    for number in range(MOST_PHOTOS - 1):
        add_photo(rice.id, draw(picture(size=(9 + number, 9))), alt="照片", by=None, now=NOW)
    assert "这张照片已经有了" in answer(phone, rice, picture(size=(9, 9)))[1]
    assert "已经满了" in upload(phone, rice, picture(size=(90, 9))).text


def test_another_cooperatives_goods_are_not_there(app: Flask, rice: MadeProduct) -> None:
    neighbours = make_cooperative("桃映养蜂专业合作社", villages=[make_village("桃映村")])
    stranger: Person = make_user("Lao Wu", cooperatives=[neighbours.id])
    browser = Browser(sign_in(app.test_client(), stranger))
    assert "白水贡米" not in browser.open("/cooperative/goods/").text
    assert browser.open(f"/cooperative/goods/{rice.id}").status == 404
    assert browser.send(f"/cooperative/goods/{rice.id}/photos", {"alt": "x"}).status == 404


LABEL = {
    "kind": "prepackaged",
    "name": "大米",
    "ingredients": "稻谷 🌾𠮷 <script>",
    "producer": "示例合作社",
    "producer_address": "示例路 1 号",
    "producer_contact": "0856-0000000",
    "licence": "SC10152060200012",
    "standard": "GB/T 1354",
    "storage": "阴凉干燥处",
    "shelf_life_days": "365",
}


def test_a_label_is_written_down_whole_and_stands_in_the_shop(phone: Browser, rice: MadeProduct, client: FlaskClient) -> None:
    address = f"/cooperative/goods/{rice.id}/label"
    phone.open(address)
    page = phone.press(address, typed=LABEL | {"licence": "SC12", "protein_mg": "7.4", "producer_address": ""})
    assert page.status == 422 and "SC 后面是十四位数字" in page.text and "七项都写" in page.text and "必须有" in page.text
    assert "稻谷 🌾𠮷 &lt;script&gt;" in page.html and 'value="7.4"' in page.html
    nutrition = {"energy_kj": "1460", "protein_mg": "7.4", "fat_mg": "0.8", "saturated_fat_mg": "0.3", "carbohydrate_mg": "77.9"}
    phone.open(address)
    phone.press(address, typed=LABEL | nutrition | {"sugars_mg": "0", "sodium_mg": "4"})
    assert "标签记下了" in phone.page.text
    shown = client.get(f"/products/{rice.slug}").text
    for words in ("预包装食品", "大米", "SC10152060200012", "GB/T 1354", "稻谷 🌾𠮷 &lt;script&gt;", "77.9", "1460"):
        assert words in shown


def test_a_price_elsewhere_stands_with_its_source_and_day(phone: Browser, rice: MadeProduct, client: FlaskClient) -> None:
    address = f"/cooperative/goods/{rice.id}/prices"
    phone.open(address)
    assert "没有来源的价" in phone.press(address, typed={"what": "某米", "price": "79.9", "net_value": "5000"}).text
    phone.press(address, typed={"source": "示例超市，昆山", "seen_on": "2026-11-20"})
    assert "示例超市" in client.get(f"/products/{rice.slug}").text
    phone.press(f"{address}/1/withdraw")
    assert "示例超市" not in client.get(f"/products/{rice.slug}").text
