"""A session that is kept lasts thirty days from the last visit, though its cookie does not come with every answer."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shop.kit.clock import utc_now
from shop.web import headers


def test_a_kept_session_is_signed_anew_after_an_hour(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with client.session_transaction() as session:
        session["cart"] = "0" * 32
        session.permanent = True
    client.get("/cart/")  # the first page puts a token into it
    assert "Set-Cookie" not in client.get("/cart/").headers
    monkeypatch.setattr(headers, "utc_now", lambda: utc_now() + headers.RENEWED_AFTER + timedelta(seconds=2))
    assert "shanhai=" in client.get("/cart/").headers["Set-Cookie"]


def test_what_changes_in_a_session_is_kept_at_once_and_a_forged_one_is_nobodys(client: FlaskClient) -> None:
    with client.session_transaction() as session:
        session["locale"] = "en"
    assert 'lang="en"' in client.get("/cart/").text
    client.set_cookie("shanhai", "eyJsb2NhbGUiOiJlbiJ9.forged.forged")
    assert 'lang="zh-Hans"' in client.get("/cart/").text
