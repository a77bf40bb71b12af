"""Buying the same again says what is gone and what costs something else now."""

from flask.testing import FlaskClient
from sqlalchemy import update

from shop.catalog.models import Sku
from shop.extensions import act, db
from tests.browser import Browser
from tests.factories import MadeSku, make_lot, make_product
from tests.providers import FakeProvider
from tests.shopping import buy


@act
def raise_price(sku: MadeSku) -> None:
    db.session.execute(update(Sku).where(Sku.id == sku.id).values(price_fen=Sku.price_fen + 100))


def test_buying_again_fills_the_basket_and_says_what_changed(client: FlaskClient, provider: FakeProvider) -> None:
    rice, tea = make_product("白水贡米"), make_product("甘菊花茶")
    make_lot(rice, units=9)
    make_lot(tea, units=1)
    order = buy(provider, {rice.sku: 2, tea.sku: 1})
    raise_price(rice.sku)
    browser = Browser(client)
    browser.open(f"/orders/{order.number}?key={order.key}")
    page = browser.press(f"/orders/{order.number}/again")
    assert page.path.startswith("/cart") and "放进购物篮了" in page.text
    assert "白水贡米" in page.text and "上次 ¥" in page.text
    assert "甘菊花茶" in page.text and "现在没有了" in page.text
