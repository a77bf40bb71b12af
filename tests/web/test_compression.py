"""Text is sent as gzip to whoever reads it, and everything else as it is."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from config import ROOT
from shop.web import compression

PAGE = "<!doctype html>" + "<p>白水贡米，一级，5 kg。</p>" * 200
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}
SHEETS = ("css/tokens.css", "css/base.css", "css/parts.css", "css/storefront.css", "css/buying.css", "icons.svg")


@pytest.fixture
def browser() -> FlaskClient:
    app = Flask(__name__, static_folder=str(ROOT / "static"))
    compression.register(app)
    app.add_url_rule("/page", view_func=lambda: PAGE, endpoint="page")
    app.add_url_rule("/short", view_func=lambda: "<p>好</p>", endpoint="short")
    app.add_url_rule("/picture", view_func=lambda: Response(b"\x89PNG" * 500, mimetype="image/png"), endpoint="picture")
    app.add_url_rule("/stream", view_func=lambda: Response(_lines(), mimetype="text/csv"), endpoint="stream")
    app.add_url_rule("/refusal", view_func=lambda: (PAGE, 422), endpoint="refusal")
    return app.test_client()


def _lines() -> Iterator[str]:
    yield from ("village,net_fen\n" for _ in range(500))


def test_a_page_arrives_whole_in_a_fraction_of_its_size(browser: FlaskClient) -> None:
    answer = browser.get("/page", headers=BROWSER)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert int(answer.headers["Content-Length"]) == len(answer.data) < len(PAGE.encode()) / 5
    assert gzip.decompress(answer.data).decode() == PAGE


def test_a_refusal_is_a_page_too(browser: FlaskClient) -> None:
    answer = browser.get("/refusal", headers=BROWSER)
    assert (answer.status_code, answer.headers["Content-Encoding"]) == (422, "gzip")


@pytest.mark.parametrize("accepted", [None, "identity", "br", "gzip;q=0"])
def test_who_cannot_read_gzip_gets_the_page_itself(browser: FlaskClient, accepted: str | None) -> None:
    answer = browser.get("/page", headers={"Accept-Encoding": accepted} if accepted else {})
    assert "Content-Encoding" not in answer.headers
    assert answer.text == PAGE
    assert "Accept-Encoding" in answer.headers["Vary"], "a cache must not hand this form to everybody"


@pytest.mark.parametrize("path", ["/short", "/picture", "/stream"])
def test_what_gains_nothing_or_flows_stays_as_it_is(browser: FlaskClient, path: str) -> None:
    assert "Content-Encoding" not in browser.get(path, headers=BROWSER).headers


def test_a_static_file_is_the_file_and_is_not_sent_twice(browser: FlaskClient) -> None:
    first = browser.get("/static/css/parts.css", headers=BROWSER)
    assert gzip.decompress(first.data) == Path(ROOT, "static/css/parts.css").read_bytes()
    assert first.headers["ETag"].startswith("W/")
    again = browser.get("/static/css/parts.css", headers={**BROWSER, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_part_of_a_static_file_is_not_compressed(browser: FlaskClient) -> None:
    part = browser.get("/static/css/parts.css", headers={**BROWSER, "Range": "bytes=0-999"})
    assert (part.status_code, len(part.data)) == (206, 1000)
    assert "Content-Encoding" not in part.headers


def test_a_file_that_is_not_there_stays_not_there(browser: FlaskClient) -> None:
    assert browser.get("/static/css/../../config.py", headers=BROWSER).status_code == 404
    assert browser.get("/static/nothing.css", headers=BROWSER).status_code == 404


def test_what_a_page_of_the_shop_needs_besides_itself_is_small(browser: FlaskClient) -> None:
    total = sum(len(browser.get(f"/static/{path}", headers=BROWSER).data) for path in SHEETS)
    assert total < 40_000, "sheets and icons leave 20 kB of the 60 kB of a first view to the page"
