"""Whatever happens, in whatever order, twice and late: the shop agrees with a model that fits on a page. `make soak` plays for longer."""

from flask import Flask

from tests.any_order import play
from tests.database import TestDatabase


def test_whatever_happens_in_any_order_the_shop_agrees_with_the_model(app: Flask, database: TestDatabase) -> None:
    play(app, database, shops=6, steps=30)
