"""`flask ledger close`: what finance runs when a month is over."""

from datetime import date

import pytest
from click.testing import Result
from flask import Flask

from tests.books import sell
from tests.factories import make_lot, make_product
from tests.shopping import assert_books_are_sound


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["ledger", "close", *arguments])


@pytest.fixture
def rice(app: Flask) -> None:
    product = make_product()
    make_lot(product, harvested_on=date(2026, 8, 20))
    for day in (date(2026, 9, 10), date(2026, 10, 10)):
        sell((product.sku, 1), on=day)


@pytest.mark.usefixtures("rice")
def test_a_month_is_closed_once_and_in_order(app: Flask) -> None:
    done = run(app, "2026-10")
    assert (done.exit_code, done.stderr) == (1, "Close 2026-09 first: months close in their order.\n")
    assert "unfolded (1)" in (dry := run(app, "2026-09", "--dry-run")).output and dry.exit_code == 0
    assert run(app, "2026-09").output.endswith("2026-09 is closed.\n")
    assert "closed already" in (again := run(app, "2026-09")).output and again.exit_code == 1
    assert run(app, "2026-10").exit_code == 0
    assert_books_are_sound()


@pytest.mark.usefixtures("rice")
@pytest.mark.parametrize(("month", "code"), [("2099-01", 1), ("October", 2), ("2026-13", 2)])
def test_what_is_no_month_that_is_over_is_refused(app: Flask, month: str, code: int) -> None:
    assert run(app, month).exit_code == code
