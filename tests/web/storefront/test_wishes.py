"""One letter when something is back, and a link that ends it."""

import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.acts.tell_of_stock import tell_of_stock
from shop.extensions import reading
from shop.messages.letters import render
from shop.outbox.models import Letter
from shop.outbox.service import claim_letters
from tests.browser import Browser
from tests.factories import make_lot, make_product
from tests.shopping import NOW


def test_a_wish_brings_one_letter_when_there_is_stock_and_its_link_ends_it(app: Flask, client: FlaskClient) -> None:
    product = make_product()
    mei = Browser(client)
    page = mei.open(f"/products/{product.slug}")
    assert mei.press(f"/products/{product.slug}/wishes", typed={"email": "🌾 nobody"}).status == 422
    assert "写一个邮箱" in mei.page.text and "🌾 nobody" in mei.page.html
    mei.press(f"/products/{product.slug}/wishes", typed={"email": "Mei@Example.test"})
    assert "到货写信到 mei@example.test" in mei.page.text and page.status == 200
    mei.press(f"/products/{product.slug}/wishes", typed={"email": "mei@example.test"})
    assert tell_of_stock(now=NOW) == 0, "there is nothing yet"
    make_lot(product)
    assert (tell_of_stock(now=NOW), tell_of_stock(now=NOW)) == (1, 0)
    (letter,) = claim_letters(now=NOW)
    with reading():
        rendered = render(letter, app.config["SHOP"])
    assert rendered and "白水贡米到货了" in rendered.subject and f"/products/{product.slug}" in rendered.text
    link = re.findall(r"/wishes/\d+\?key=[0-9a-f]{32}", rendered.text)[0]
    assert client.get(link[:-1] + ("0" if link[-1] != "0" else "1")).status_code == 404
    mei.open(link)
    assert "已经取消" in mei.press("/wishes/", "取消").text
    with reading() as session:
        assert render(letter, app.config["SHOP"]) is None, "taken back before it was sent"
        assert "key" not in str(session.scalars(select(Letter.facts)).one())
