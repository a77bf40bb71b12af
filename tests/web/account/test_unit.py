"""A buyer says which eastern unit later orders are credited to."""

from flask import Flask

from shop.accounts.queries import find_account
from shop.extensions import reading
from tests.browser import Browser
from tests.factories import make_eastern_unit, make_mei, sign_in


def test_a_buyer_credits_a_unit_and_can_leave_it(app: Flask) -> None:
    unit, mei = make_eastern_unit("昆山市周市镇"), make_mei()
    browser = Browser(sign_in(app.test_client(), mei))
    browser.open("/account/unit/")
    assert "从下一单算起" in browser.press("/account/unit/", "记下", {"unit": str(unit)}).text
    assert browser.page.form("/account/unit/").values("unit") == [str(unit)]
    with reading():
        assert find_account(mei.id).eastern_unit_id == unit
    browser.press("/account/unit/", "记下", {"unit": ""})
    with reading():
        assert find_account(mei.id).eastern_unit_id is None
