"""Text goes over the wire compressed, for whoever can read it, and is whole on arrival."""

import gzip

import brotli
import pytest
from backports import zstd
from flask.testing import FlaskClient

from config import ROOT

SHEETS = ("css/tokens.css", "css/base.css", "css/parts.css", "css/storefront.css", "css/buying.css", "icons.svg")
READ = {"zstd": zstd.decompress, "br": brotli.decompress, "gzip": gzip.decompress}


@pytest.mark.parametrize(("accepted", "sent"), [("gzip, deflate, br, zstd", "zstd"), ("gzip, br", "br"), ("gzip", "gzip")])
def test_a_page_arrives_whole_in_a_fraction_of_its_size(client: FlaskClient, accepted: str, sent: str) -> None:
    plain = client.get("/about/money", headers={"Accept-Encoding": "identity"})
    answer = client.get("/about/money", headers={"Accept-Encoding": accepted})
    assert answer.headers["Content-Encoding"] == sent
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert len(answer.data) < len(plain.data) / 2
    assert "<h1" in READ[sent](answer.data).decode()


def test_who_reads_nothing_compressed_gets_the_page_itself(client: FlaskClient) -> None:
    assert "Content-Encoding" not in client.get("/about/money").headers


def test_a_sheet_is_the_file_and_is_not_sent_twice(client: FlaskClient) -> None:
    first = client.get("/static/css/parts.css", headers={"Accept-Encoding": "br"})
    assert brotli.decompress(first.data) == (ROOT / "static/css/parts.css").read_bytes()
    again = client.get("/static/css/parts.css", headers={"Accept-Encoding": "br", "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("accepted", ["zstd", "br"])
def test_a_first_view_stays_below_60_kb_without_pictures(client: FlaskClient, accepted: str) -> None:
    paths = ["/", *(f"/static/{sheet}" for sheet in SHEETS)]
    assert sum(len(client.get(path, headers={"Accept-Encoding": accepted}).data) for path in paths) < 60_000
