"""Months at the staff's desk: what is still open, closing for good, and reports that say so."""

from datetime import date

import pytest
from flask import Flask

from shop.accounts.roles import Role
from tests.books import sell
from tests.browser import Browser
from tests.factories import make_lot, make_product, make_user, sign_in
from tests.shopping import assert_books_are_sound


@pytest.fixture
def finance(app: Flask) -> Browser:
    """The finance office's browser, in a shop that sold in September and October."""
    product = make_product()
    make_lot(product, harvested_on=date(2026, 8, 20))
    for day in (date(2026, 9, 10), date(2026, 10, 10)):
        sell((product.sku, 1), on=day)
    return Browser(sign_in(app.test_client(), make_user("Wang", roles=[Role.FINANCE])))


def test_a_month_is_closed_for_good(finance: Browser, lin: Browser) -> None:
    page = finance.open("/staff/months/")
    assert "2026-09" in page.text and "可以关" in page.text
    page = finance.open("/staff/months/2026-10")
    assert "先关 2026-09" in page.text and not [form for form in page.forms if "close" in form.action]
    assert "先关 2026-09" in finance.send("/staff/months/2026-10/close", {}).text
    finance.open("/staff/months/2026-09")
    page = finance.press("/staff/months/2026-09/close", "关账 2026-09")
    assert "2026-09 关账了" in page.text and "从此不变" in page.text and "68.00" in page.text
    assert "已经关过" in finance.send("/staff/months/2026-09/close", {}).text
    assert "已关账" in lin.open("/staff/months/").text
    assert not [form for form in lin.open("/staff/months/2026-10").forms if "close" in form.action], "an auditor closes nothing"
    assert_books_are_sound()


def test_a_report_of_closed_months_says_so(finance: Browser) -> None:
    report = "/staff/reports/sales?from=2026-09-01&to=2026-09-30"
    assert "已关账" not in finance.open(report).html.partition("<main")[2]
    finance.send("/staff/months/2026-09/close", {})
    assert "已关账" in finance.open(report).html.partition("<main")[2]
    assert "已关账" not in finance.open("/staff/reports/sales?from=2026-09-01&to=2026-10-31").html.partition("<main")[2]


@pytest.mark.parametrize("month", ["2026-13", "x", "2031-01"])
def test_a_month_without_a_name_or_entries_is_not_there(finance: Browser, month: str) -> None:
    assert finance.open(f"/staff/months/{month}").status == 404
