"""What was looked at lately."""

from flask.testing import FlaskClient

from tests.browser import Browser
from tests.factories import make_lot, make_product
from tests.statements import count_statements


def test_what_was_seen_is_shown_last_first_and_can_be_forgotten(client: FlaskClient) -> None:
    for number in range(8):
        make_lot(make_product(f"米{number}", slug=f"rice-{number}"))
    browser = Browser(client)
    assert "刚才看过" not in browser.open("/products/").text
    for number in (*range(8), 3):
        browser.open(f"/products/rice-{number}")
    browser.open("/products/?q=米7")
    with count_statements() as seen:
        page = browser.open("/products/?q=米7")
    assert len(seen) == 3
    strip = page.html.partition('class="seen-list"')[2].partition("</ul>")[0]
    assert [strip.find(f">米{number}<") > 0 for number in range(8)] == [False, False, True, True, True, True, True, True]
    assert strip.find(">米3<") < strip.find(">米7<"), "the last one first, each once"
    assert "刚才看过" not in browser.press("/seen/forget").text


def test_who_asks_not_to_be_followed_is_not_and_there_is_no_cookie_of_its_own(client: FlaskClient) -> None:
    make_lot(make_product())
    client.get("/products/baishui-gongmi", headers={"Sec-GPC": "1"})
    assert "刚才看过" not in client.get("/products/").text
    client.get("/products/baishui-gongmi")
    assert "刚才看过" in client.get("/products/").text
    assert client.get_cookie("shanhai") is not None and len(client._cookies) == 1
