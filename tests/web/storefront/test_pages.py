"""The pages of text, the choice of language, and what is said of what is not there."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.accounts.models import User
from shop.extensions import db
from shop.shipping.rules import FIRST
from tests.browser import Browser
from tests.factories import make_mei, sign_in


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/about/money", "运费替承运方收，不算村里的钱"),
        ("/about/prices", "没有划掉的“原价”"),
        ("/about/returns", "签收起七天内"),
        ("/about/privacy", "只收送货和退款用得着的"),
        ("/about/contact", "这是一个演示，没有人守着"),
    ],
)
def test_the_shop_explains_itself(client: FlaskClient, path: str, words: str) -> None:
    page = Browser(client).open(path)
    assert page.status == 200 and words in page.text


def test_the_worked_example_is_the_one_that_the_tests_of_the_books_hold(client: FlaskClient) -> None:
    text = Browser(client).open("/about/money").text
    assert all(sum_ in text for sum_ in ("¥200.00", "¥133.33", "¥66.67", "¥46.67", "¥20.00", "¥180.00"))


def test_postage_is_told_by_the_rules_themselves(client: FlaskClient) -> None:
    text = Browser(client).open("/about/prices").text
    for fen in (
        FIRST.free.goods_fen,
        FIRST.by_weight.first_fen,
        FIRST.by_weight.further_kg_fen,
        *(rule.kg_fen for rule in FIRST.surcharges),
    ):
        assert f"¥{fen / 100:.2f}" in text


def test_the_places_that_are_named_are_those_of_the_rules(client: FlaskClient) -> None:
    text = Browser(client).open("/about/prices").text
    assert "西藏、新疆每公斤另加 ¥4.00，内蒙古、海南、甘肃、青海、宁夏每公斤另加 ¥2.00" in text
    assert "台湾、香港、澳门暂时不送" in text and "冷链，只送得到上海、江苏、浙江、安徽、湖南、重庆、四川、贵州。" in text


# ── Language ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_language_chosen_by_hand_stays(client: FlaskClient) -> None:
    browser = Browser(client)
    page = browser.open("/language?to=en&back=/about/money?x=1")
    assert page.path == "/about/money?x=1" and 'lang="en"' in page.html
    assert 'lang="en"' in browser.open("/products/").html
    assert 'lang="zh-Hans"' in browser.open("/language?to=zh&back=/").html


def test_the_account_remembers_it(app: Flask, client: FlaskClient) -> None:
    mei = make_mei()
    sign_in(client, mei).get("/language?to=en&back=/")
    assert db.session.scalar(select(User.locale).where(User.id == mei.id)) == "en"


def test_an_unknown_language_changes_nothing(client: FlaskClient) -> None:
    assert 'lang="zh-Hans"' in Browser(client).open("/language?to=fr&back=/about/money").html


@pytest.mark.parametrize(
    "back",
    ["//evil.test", "/\\evil.test", "https://evil.test/", "evil.test", "", "/\t/evil.test", "/\r\nSet-Cookie: x=1", "javascript:alert(1)"],
)
def test_the_way_back_never_leaves_the_shop(client: FlaskClient, back: str) -> None:
    response = client.get("/language", query_string={"to": "en", "back": back})
    assert (response.status_code, response.headers["Location"]) == (303, "/")


# ── Not there ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_that_is_not_there_is_kind_and_has_ways_on(client: FlaskClient) -> None:
    page = Browser(client).open("/nothing-here")
    assert page.status == 404
    for words in ("没有这一页", "看看货架", "查订单", "看看村子"):
        assert words in page.text
    assert any(form.action == "/products/" for form in page.forms), "one can search from here"


def test_a_wrong_method_is_told_without_a_stack_trace(client: FlaskClient) -> None:
    response = client.delete("/products/")
    assert response.status_code == 405 and "Traceback" not in response.get_data(as_text=True)
