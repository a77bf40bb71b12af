"""What a buyer says: only whoever has it in hand, and nobody reads it before somebody has looked at it."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.acts.deliver_order import mark_delivered
from shop.acts.ship_parcel import ship_parcel
from shop.extensions import reading
from shop.reports.order_story import get_story
from shop.reports.voices import voices_of
from shop.voices.reviews import decide_review
from tests.browser import Browser
from tests.factories import MadeProduct, make_lao_chen, make_lot, make_product, make_staff, sign_in
from tests.kit.test_pictures import bomb, picture
from tests.providers import FakeProvider
from tests.shopping import NOW, buy
from tests.voices import first_line, make_review

WORDS = "🌾𠮷 عربي <script>alert(1)</script>"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product)
    return product


def arrive(number: str) -> None:
    """The parcel is sent and has arrived."""
    with reading():
        shipment = get_story(number).shipments[0].shipment_id
    ship_parcel(shipment, carrier="顺丰速运", tracking_number="SF1234567890123", by=None, now=NOW)
    mark_delivered(shipment, by=None, now=NOW)


def test_a_review_is_written_looked_at_and_answered(app: Flask, client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 1})
    page = f"/orders/{placed.number}/reviews/{first_line(placed.number)}?key={placed.key}"
    guest = Browser(client)
    assert "还没到货" in guest.open(page).text
    arrive(placed.number)
    assert "说说白水贡米" in guest.open(f"/orders/{placed.number}?key={placed.key}").text
    token = guest.open(page).form("/orders/").values("csrf_token")[0]
    fields = {"csrf_token": token, "words": WORDS}

    refused = client.post(page, data={**fields, "photos": (io.BytesIO(bomb(60_000, 60_000)), "a.png")})
    assert (
        refused.status_code == 422
        and "选几颗星" in refused.text
        and "照片的像素太多" in refused.text
        and "🌾𠮷 عربي &lt;script" in refused.text
    )
    photo = (io.BytesIO(picture(size=(400, 300), secret="27.7183N")), "IMG.jpg")
    assert client.post(page, data={**fields, "stars": "2", "photos": photo}).status_code == 303
    assert "等人看过" in guest.open(page).text and "27.7183N" not in guest.page.html
    own_photo = re.findall(r'src="(/orders/[^"]+\.jpg[^"]*)"', guest.page.html)[0].replace("&amp;", "&")
    assert client.get(own_photo).status_code == 200
    assert app.test_client().get(own_photo.partition("?")[0]).status_code == 404, "nobody else sees it"
    name = re.findall(r"-\d+x\d+", guest.page.html)  # the picture's name is in no address of the page
    assert not name and "🌾" not in guest.open(f"/products/{rice.slug}").text

    office = Browser(sign_in(app.test_client(), make_staff()))
    office.open("/staff/reviews/")
    assert office.press("/staff/reviews/1", "不给看").status == 422 and "写一句为什么" in office.page.text
    office.press("/staff/reviews/1", "给大家看")
    shown = guest.open(f"/products/{rice.slug}")
    assert "🌾𠮷" in shown.text and "江苏省苏州市的买家" in shown.text and "<script>alert" not in shown.html and "2 星" in shown.html
    public = re.findall(r'href="(/pictures/[^"]+\.jpg)"', shown.html)[0]
    assert client.get(public).status_code == 200

    phone = Browser(sign_in(app.test_client(), make_lao_chen()))
    phone.open("/cooperative/reviews/")
    assert phone.press("/cooperative/reviews/1", "回复").status == 422
    phone.send("/cooperative/reviews/1", {"reply": "下回少放水。"})
    assert "下回少放水" not in guest.open(f"/products/{rice.slug}").text
    office.open("/staff/reviews/")
    office.send("/staff/reviews/1", {"what": "reply", "act": "show"})
    assert "下回少放水" in guest.open(f"/products/{rice.slug}").text

    office.send("/staff/reviews/1", {"what": "review", "act": "refuse", "why": "写了电话"})
    assert "🌾" not in guest.open(f"/products/{rice.slug}").text and client.get(public).status_code == 404
    assert "写了电话" in guest.open(page).text


def test_the_mean_counts_what_is_published_alone(provider: FakeProvider, rice: MadeProduct) -> None:
    clerk = make_staff()
    for stars in (5, 4, 4, 1):
        review_id = make_review(buy(provider, {rice.sku: 1}).number, stars=stars, photos=())
        if stars > 1:
            decide_review(review_id, is_shown=True, by=clerk.id, now=NOW)
    with reading():
        voices = voices_of(rice.id)
    assert (voices.count, voices.tenths, len(voices.reviews)) == (3, 43, 3)
