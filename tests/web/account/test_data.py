"""My data: the copy is mine alone, being forgotten asks for the password, and what is in the way is said."""

from flask.testing import FlaskClient

from shop.accounts.consent import TERMS_VERSION
from shop.accounts.sign_ups import find_sign_up
from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.kit.ids import SignUpId
from tests.browser import Browser
from tests.factories import PASSWORD, make_lot, make_mei, make_product, sign_in
from tests.providers import FakeProvider
from tests.shopping import buy


def test_being_forgotten_asks_for_the_password_and_can_be_taken_back(client: FlaskClient) -> None:
    browser = Browser(sign_in(client, make_mei()))
    browser.open("/account/data/")
    page = browser.press("/account/data/forget", typed={"password": "wrong"})
    assert page.status == 422 and "密码不对" in page.text
    page = browser.press("/account/data/forget", typed={"password": PASSWORD})
    assert "7 天以后删" in page.text and "改主意" in page.text
    assert "不删了，一切照旧" in browser.press("/account/data/stay").text


def test_what_is_in_the_way_is_said_and_a_guest_opens_the_page_of_one_order_by_its_key_alone(
    client: FlaskClient, provider: FakeProvider
) -> None:
    product = make_product()
    make_lot(product, units=9)
    mei = make_mei()
    mine, guests = buy(provider, {product.sku: 1}, buyer_id=mei.id), buy(provider, {product.sku: 1})
    browser = Browser(client)
    page = browser.open(f"/orders/{guests.number}/data?key={guests.key}")
    assert f"订单 {guests.number} 还没有走完" in page.text and "删掉我的信息" not in page.text
    assert browser.open(f"/orders/{mine.number}/data?key={mine.key}").path.startswith("/account/sign-in"), (
        "an account's order is the account's"
    )
    assert client.get(f"/orders/{guests.number}/data/copy.zip?key={guests.key}").data.startswith(b"PK")
    assert client.get(f"/orders/{guests.number}/data/copy.zip").status_code == 404
    sign_in(client, mei)
    assert f"订单 {mine.number} 还没有走完" in browser.open("/account/data/").text


def test_signing_up_writes_down_what_was_agreed_to(client: FlaskClient) -> None:
    browser = Browser(client)
    browser.open("/account/sign-up")
    browser.press("/account/sign-up", typed={"who": "new@example.test", "password": "eine lange parole", "agree": "y"})
    with reading():
        waits = find_sign_up(SignUpId(1), now=utc_now())
    browser.open(waits.path(str(client.application.config["SECRET_KEY"])) if waits else "")
    browser.press("/account/sign-up", typed={"password": "eine lange parole"})
    assert TERMS_VERSION in browser.open("/account/data/").text
