"""Staff say how much can come of what goes into a lot."""

from flask import Flask
from flask.testing import FlaskClient

from shop.accounts.roles import Role
from shop.catalog.service import yield_of
from shop.extensions import reading
from tests.browser import Browser
from tests.factories import make_product, make_user, sign_in


def test_a_products_yield_is_bounded_by_staff(app: Flask, client: FlaskClient) -> None:
    rice = make_product()
    sign_in(client, make_user("Clerk", roles=[Role.OPERATIONS]))
    browser, at = Browser(client), f"/staff/goods/{rice.id}/yield"
    browser.open(f"/staff/goods/{rice.id}/marks")
    for least, most, status in (("80", "70", 422), ("x", "70", 422), ("55", "75", 200)):
        assert browser.press(at, "记下", {"least": least, "most": most}).status == status
    with reading():
        assert yield_of(rice.id) == (55, 75)
