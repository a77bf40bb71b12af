"""When something breaks, the page that says so needs nothing that may be broken too, and shows no trace."""

import pytest
from flask import Flask
from sqlalchemy import text

from shop.extensions import act, db, dialect
from tests.database import TestDatabase
from tests.factories import make_mei, sign_in


@act
def break_the_database() -> None:
    """Somebody drops what every page asks for."""
    for table in ("cart_lines", "user_roles"):
        db.session.execute(text(f"drop table {table}" + (" cascade" if dialect() == "postgresql" else "")))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_broken_database_ends_in_a_kind_page_without_a_trace(database: TestDatabase, app: Flask, language: str) -> None:
    client = app.test_client()
    sign_in(client, make_mei())
    app.testing = False  # else Flask hands the mistake to the test instead of to its page
    app.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        break_the_database()
        answer = client.get("/cart/", headers={"Accept-Language": language})
    finally:
        app.testing = True
        app.config["PROPAGATE_EXCEPTIONS"] = None
    assert answer.status_code == 500
    assert "<h1" in answer.text
    assert "Traceback" not in answer.text
    assert "sqlalchemy" not in answer.text.lower()
    assert "user_roles" not in answer.text
