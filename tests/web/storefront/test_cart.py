"""The basket's page: everything a buyer may do to it, and everything they may do wrong."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from shop.cart import queries as carts
from shop.cart import service as baskets
from shop.cart.queries import CartOwner
from shop.catalog.models import Product as ProductRow
from shop.catalog.models import ProductStatus, Sku
from shop.extensions import act, db, reading
from tests.browser import Browser
from tests.factories import (
    NOW,
    MadeProduct,
    Pack,
    hold_units,
    make_cooperative,
    make_lot,
    make_mei,
    make_product,
    make_stranger,
    make_village,
    make_villages,
    sign_in,
)
from tests.shopping import fill_basket
from tests.statements import count_statements


@act
def reprice(product: MadeProduct, price_fen: int) -> None:
    """The shop changes a price."""
    db.session.execute(update(Sku).where(Sku.product_id == product.id).values(price_fen=price_fen))


@act
def retire(product: MadeProduct) -> None:
    """No longer offered."""
    db.session.execute(update(ProductRow).where(ProductRow.id == product.id).values(status=ProductStatus.RETIRED))


@act
def show_photograph(product: MadeProduct, name: str) -> None:
    """As if one had been uploaded under this name."""
    db.session.execute(update(ProductRow).where(ProductRow.id == product.id).values(cover=name))


def stocked(name: str = "白水贡米", units: int = 100, **given: object) -> MadeProduct:
    """A product with one lot."""
    product = make_product(name, **given)  # type: ignore[arg-type]  # passed through as it came
    make_lot(product, units=units)
    return product


def put(browser: Browser, product: MadeProduct, quantity: str = "1") -> None:
    """Through whichever form stands on the page that is open."""
    if not browser.page.forms:
        browser.open("/account/sign-in")  # any page with a token
    browser.send("/cart/lines", {"sku": product.sku.code, "quantity": quantity})


def in_basket(client: FlaskClient) -> dict[int, int]:
    """What the visitor's basket holds."""
    with client.session_transaction() as session:
        key = session.get("cart")
    with reading():
        return {line.sku_id: line.quantity for line in carts.lines_of(CartOwner(key=key))} if key else {}


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    """Mei's telephone, before anybody has signed in."""
    return Browser(client)


def test_an_empty_basket_says_so_and_leads_to_the_shelves(browser: Browser) -> None:
    page = browser.open("/cart/")
    assert page.status == 200
    assert "篮子还是空的" in page.text
    assert 'href="/products/"' in page.html


def test_what_is_put_in_stands_by_cooperative_with_carriage_and_total(browser: Browser) -> None:
    rice = stocked()
    tea = stocked(
        "皇菊", packs=[Pack(price_fen=198_00, grams=60)], cooperative=make_cooperative("坪茶合作社"), village=make_village("坪茶村")
    )
    put(browser, rice, "3")
    put(browser, tea)
    text = browser.page.text
    assert browser.page.path == "/cart/"
    assert "4 件，来自 2 家合作社，分 2 包寄出" in text
    assert "满 ¥199.00，免运费" in text  # 3 × ¥68.00 = ¥204.00
    assert "运费 ¥6.00，再买 ¥1.00 免运费" in text
    assert "¥408.00" in text  # 204 + 198 + 6
    assert "白水村" in text and "坪茶村" in text


def test_the_villages_parts_are_what_the_sale_would_book(browser: Browser) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    rice = make_product()
    make_lot(rice, units=2, sources=[(baishui, 1000)], best_before=NOW.date() + timedelta(days=20_000))
    make_lot(rice, units=10, sources=[(baishui, 700), (gaobatian, 300)])
    put(browser, rice, "3")
    assert "白水村 ¥183.60" in browser.page.text  # two bags of the first lot, seven tenths of one bag of the second
    assert "高坝田村 ¥20.40" in browser.page.text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("0", "数量至少是 1"),
        ("-1", "数量至少是 1"),
        ("1000000000", "一样最多 999 件"),
        ("99999999999999999999", "一样最多 999 件"),
        ("1e9", "数量写成整数"),
        ("1.5", "数量写成整数"),
        ("两袋", "数量写成整数"),
        ("", "数量写成整数"),
        ("\x00", "数量写成整数"),
    ],
)
def test_a_quantity_that_is_none_is_said_beside_the_field_and_kept(browser: Browser, typed: str, says: str) -> None:
    rice = stocked()
    put(browser, rice, typed)
    assert browser.page.status == 422
    assert says in browser.page.text
    assert in_basket(browser.client) == {}
    form = browser.page.form("/cart/lines")
    assert form.values("quantity") == [typed]
    browser.press("/cart/lines", "放进购物篮", {"quantity": "2"})  # the field is there to put it right at once
    assert in_basket(browser.client) == {rice.sku.id: 2}


def test_full_width_digits_and_spaces_are_taken(browser: Browser) -> None:
    rice = stocked()
    put(browser, rice, "　１２　")
    assert in_basket(browser.client) == {rice.sku.id: 12}


@pytest.mark.parametrize("code", ["no-such-sku", "", "x" * 300, "'; drop table carts", "\x00", "米"])
def test_an_unknown_sku_is_said_and_changes_nothing(browser: Browser, code: str) -> None:
    rice = stocked()
    put(browser, rice)
    browser.send("/cart/lines", {"sku": code, "quantity": "1"})
    assert browser.page.status == 404
    assert "没有找到这样东西" in browser.page.text
    assert in_basket(browser.client) == {rice.sku.id: 1}


def test_a_draft_cannot_be_bought_and_is_not_even_known(browser: Browser) -> None:
    draft = make_product("远乡腊肉", status=ProductStatus.DRAFT)
    put(browser, draft)
    assert browser.page.status == 404
    assert "远乡腊肉" not in browser.page.text


def test_more_than_is_left_is_refused_with_a_button_for_what_is_left(browser: Browser) -> None:
    nuts = stocked("鲜板栗", units=6)
    put(browser, nuts, "8")
    assert browser.page.status == 422
    assert "只剩 6 袋，不够你要的 8 袋，先没放进篮里" in browser.page.text
    assert in_basket(browser.client) == {}
    browser.press("/cart/lines", "改要 6 袋")
    assert in_basket(browser.client) == {nuts.sku.id: 6}
    put(browser, nuts, "1")
    assert "只剩 6 袋，不够 7 袋" in browser.page.text
    assert in_basket(browser.client) == {nuts.sku.id: 6}


def test_what_others_hold_is_not_left(browser: Browser) -> None:
    nuts = make_product("鲜板栗")
    hold_units(make_lot(nuts, units=6).item_id, 6)
    put(browser, nuts)
    assert browser.page.status == 422
    assert "卖完了" in browser.page.text


def test_lines_are_changed_by_typing_by_steps_and_taken_out(browser: Browser) -> None:
    rice = stocked()
    put(browser, rice, "3")
    line = f"/cart/lines/{rice.sku.code}"
    browser.press(line, typed={"quantity": "５"})
    assert in_basket(browser.client) == {rice.sku.id: 5}
    form = browser.page.form(line)
    assert [(name, value) for _, name, value in form.buttons] == [("step", "0"), ("step", "-1"), ("step", "1"), ("remove", "1")]
    browser.send(line, {"quantity": "5", "step": "1"})
    assert in_basket(browser.client) == {rice.sku.id: 6}
    browser.send(line, {"quantity": "6", "step": "-1"})
    assert in_basket(browser.client) == {rice.sku.id: 5}
    browser.press(line, "拿出")
    assert in_basket(browser.client) == {}
    assert "篮子还是空的" in browser.page.text


def test_nought_takes_a_line_out(browser: Browser) -> None:
    rice = stocked()
    put(browser, rice, "3")
    browser.press(f"/cart/lines/{rice.sku.code}", typed={"quantity": "0"})
    assert in_basket(browser.client) == {}


@pytest.mark.parametrize(
    ("typed", "says"), [("-1", "数量不能小于 0"), ("1e9", "数量写成整数"), ("1000", "一样最多 999 件"), ("abc", "数量写成整数")]
)
def test_a_bad_change_is_said_at_its_line_and_kept_there(browser: Browser, typed: str, says: str) -> None:
    rice = stocked(units=2000)
    put(browser, rice, "3")
    line = f"/cart/lines/{rice.sku.code}"
    browser.press(line, typed={"quantity": typed})
    assert browser.page.status == 422
    assert says in browser.page.text
    assert browser.page.form(line).values("quantity") == [typed]
    assert f'aria-describedby="n-{rice.sku.code}-error"' in browser.page.html
    assert in_basket(browser.client) == {rice.sku.id: 3}


def test_a_change_above_what_is_left_offers_what_is_left(browser: Browser) -> None:
    nuts = stocked("鲜板栗", units=6)
    put(browser, nuts, "2")
    line = f"/cart/lines/{nuts.sku.code}"
    browser.press(line, typed={"quantity": "9"})
    assert browser.page.status == 422
    assert "只剩 6 袋" in browser.page.text
    browser.press(line, "改要 6 袋")
    assert in_basket(browser.client) == {nuts.sku.id: 6}


def test_goods_that_others_bought_meanwhile_are_said_and_can_be_settled(browser: Browser) -> None:
    nuts = make_product("鲜板栗")
    lot = make_lot(nuts, units=6)
    put(browser, nuts, "5")
    hold_units(lot.item_id, 4)
    page = browser.open("/cart/")
    assert "只剩 2 袋，不够篮里的 5 袋" in page.text
    assert 'href="/checkout/"' not in page.html
    page = browser.press(f"/cart/lines/{nuts.sku.code}", "改要 2 袋")
    assert 'href="/checkout/"' in page.html
    hold_units(lot.item_id, 2)
    page = browser.open("/cart/")
    assert "卖完了" in page.text
    assert 'href="/checkout/"' not in page.html


def test_a_price_that_changed_is_said_and_asked(browser: Browser) -> None:
    rice = stocked()
    put(browser, rice, "2")
    reprice(rice, 70_00)
    page = browser.open("/cart/")
    assert "放进来时 ¥68.00，现在 ¥70.00" in page.text
    assert 'href="/checkout/"' not in page.html
    reprice(rice, 71_00)
    page = browser.press("/cart/prices", "按新价")  # what was accepted is the price that was shown
    assert "放进来时 ¥70.00，现在 ¥71.00" in page.text
    page = browser.press("/cart/prices", "按新价")
    assert "放进来时" not in page.text
    assert 'href="/checkout/"' in page.html
    assert "¥142.00" in page.text


@pytest.mark.parametrize("price", ["", "a:b", "1:-5", "99999999999999999999:1", "1:99999999999999"])
def test_a_price_no_page_wrote_is_passed_over(browser: Browser, price: str) -> None:
    put(browser, stocked())
    assert browser.send("/cart/prices", {"price": price}).status == 200


def test_a_retired_product_stays_in_sight_until_it_is_taken_out(browser: Browser) -> None:
    rice, oil = stocked(), stocked("菜籽油")
    put(browser, rice)
    put(browser, oil)
    retire(oil)
    page = browser.open("/cart/")
    assert "菜籽油" in page.text and "已经下架" in page.text
    assert 'href="/checkout/"' not in page.html
    assert "¥74.00" in page.text  # one bag of rice and its carriage; what cannot be bought costs nothing
    browser.send(f"/cart/lines/{oil.sku.code}", {"quantity": "2"})
    assert browser.page.status == 422
    browser.press(f"/cart/lines/{oil.sku.code}", "拿出")
    assert in_basket(browser.client) == {rice.sku.id: 1}
    put(browser, oil)
    assert browser.page.status == 422
    assert "已经下架" in browser.page.text


def test_a_line_that_is_no_longer_there_is_said(browser: Browser) -> None:
    rice, oil = stocked(), stocked("菜籽油")
    put(browser, rice)
    browser.send(f"/cart/lines/{oil.sku.code}", {"quantity": "2"})
    assert browser.page.status == 404
    assert in_basket(browser.client) == {rice.sku.id: 1}


def test_a_form_without_its_token_changes_nothing(app: Flask, client: FlaskClient) -> None:
    rice = stocked()
    response = client.post("/cart/lines", data={"sku": rice.sku.code, "quantity": "1"})
    assert response.status_code == 400
    assert "这张表单过期了" in response.get_data(as_text=True)
    assert in_basket(client) == {}


def test_a_strangers_basket_is_not_mine(app: Flask) -> None:
    rice, mei = stocked(), make_mei()
    fill_basket({rice.sku: 2}, user_id=mei.id)
    stranger = Browser(sign_in(app.test_client(), make_stranger()))
    assert "篮子还是空的" in stranger.open("/cart/").text
    assert stranger.send(f"/cart/lines/{rice.sku.code}", {"remove": "1"}).status == 404
    assert "白水贡米" in Browser(sign_in(app.test_client(), mei)).open("/cart/").text


def test_the_basket_asks_the_same_few_questions_however_full_it_is(app: Flask, browser: Browser) -> None:
    asked = []
    for number in range(6):
        put(browser, stocked(f"新米{number}", cooperative=make_cooperative(f"合作社{number}")), "2")
        with count_statements() as statements:
            assert browser.open("/cart/").status == 200
        asked.append(len(statements))
    assert asked == [2] * 6
    powder = stocked("红薯粉")
    with count_statements() as statements:
        put(browser, powder)
    assert len(statements) == 5  # the offer, the basket, the line; and the page that follows


def test_the_page_reads_in_english(app: Flask) -> None:
    rice = stocked()
    english = Browser(app.test_client(), language="en")
    put(english, rice, "2")
    assert english.page.status == 200
    assert "Baishui tribute rice" in english.page.text
    assert '<html lang="en">' in english.page.html


def test_a_basket_of_one_buyer_is_the_same_on_every_device(app: Flask) -> None:
    rice, mei = stocked(), make_mei()
    first, second = (Browser(sign_in(app.test_client(), mei)) for _ in range(2))
    put(first, rice, "2")
    put(second, rice, "1")
    assert "3 件，一包寄出" in second.page.text
    assert baskets.MOST_UNITS == 999


def test_basket_and_checkout_show_the_photograph_where_there_is_one(browser: Browser) -> None:
    rice = stocked()
    show_photograph(rice, "5f0c-1200x900")
    put(browser, rice)
    for path in ("/cart/", "/checkout/"):
        assert "/pictures/5f0c-1200x900/" in browser.open(path).html
