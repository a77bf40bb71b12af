"""What the law wants on every page of the shop is there when it is set, and nothing stands in its place when it is not."""

from dataclasses import replace

import pytest
from flask import Flask

from config import Legal

NUMBERS = Legal(
    "示例县电商服务公司",
    "ask@shop.example",
    "91520602MA6XXXXXXX",
    "JY15206020000000",
    "黔ICP备2026000000号-1",
    "贵公网安备52060202000000号",
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_footer_shows_what_is_set(app: Flask, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setitem(app.config, "SHOP", replace(app.config["SHOP"], legal=NUMBERS))
    client = app.test_client()
    client.get(f"/language?to={language}")
    for path in ("/about/returns", "/cart/", "/nothing/is/here"):
        page = client.get(path).text
        for words in (
            "示例县电商服务公司",
            "91520602MA6XXXXXXX",
            "JY15206020000000",
            'href="https://beian.miit.gov.cn/"',
            "黔ICP备2026000000号-1",
        ):
            assert words in page, (path, words)
        assert "https://beian.mps.gov.cn/#/query/webSearch?code=52060202000000" in page
    assert "ask@shop.example" in client.get("/about/privacy").text


@pytest.mark.parametrize(
    ("contact", "link"),
    [("ask@shop.example", "mailto:ask@shop.example"), ("0856 000 0000", "tel:08560000000"), ("微信：示例", ""), (None, "")],
)
def test_whoever_finds_nothing_is_told_whom_to_ask(app: Flask, monkeypatch: pytest.MonkeyPatch, contact: str | None, link: str) -> None:
    legal = replace(NUMBERS, contact=contact)
    assert legal.contact_link == link
    monkeypatch.setitem(app.config, "SHOP", replace(app.config["SHOP"], legal=legal))
    for path in ("/products/?q=没有这样东西", "/about/contact"):
        main = app.test_client().get(path).text.partition("<main")[2].partition("</main")[0]
        assert (f'href="{link}"' in main) == bool(link) and (not contact or contact in main), path
        assert path == "/about/contact" or 'href="/about/contact"' in main


def test_nothing_is_invented(app: Flask) -> None:
    assert "footer-legal" not in app.test_client().get("/").text
