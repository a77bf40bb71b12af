"""My addresses: one's own, one of them first, and never another's."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.accounts.addresses import MOST_ADDRESSES, Written, add_address, make_default
from shop.accounts.models import Address
from shop.accounts.queries import addresses_of
from shop.extensions import reading
from tests.browser import Browser
from tests.factories import NOW, Person, make_mei, make_stranger, sign_in
from tests.shopping import fill_basket
from tests.web.storefront.test_cart import stocked

BOOK = "/account/addresses/"
NEW = "/account/addresses/new"
TYPED = {"name": "梅女士", "phone": "138 0013 2207", "town": "周市镇", "street": "新塘路 18 号"}


def written(street: str = "新塘路 18 号") -> Written:
    return Written("梅女士", "13800132207", "320583", "周市镇", street)


def book(person: Person) -> list[tuple[str, bool]]:
    with reading():
        return [(address.street, address.is_default) for address in addresses_of(person.id)]


@pytest.fixture
def mei(app: Flask) -> Person:
    return make_mei()


def test_an_address_is_added_changed_made_first_and_taken_out(app: Flask, mei: Person) -> None:
    browser = Browser(sign_in(app.test_client(), mei))
    assert "还没有地址" in browser.open(BOOK).text
    browser.open(NEW)
    assert browser.press(NEW, "记下", TYPED).path == BOOK
    browser.open(NEW)
    browser.press(NEW, "记下", TYPED | {"street": "长江南路 1 号"})
    assert book(mei) == [("新塘路 18 号", True), ("长江南路 1 号", False)]
    page = browser.page
    assert "138****2207" in page.text
    browser.press(next(form.action for form in page.forms if form.action.endswith("/default")))
    assert book(mei)[0] == ("长江南路 1 号", True)
    edit = next(path for path in browser.page.html.split('"') if path.endswith("/edit"))
    browser.open(edit)
    assert browser.press(edit, "改好了", {"street": "长江南路 2 号"}).path == BOOK
    assert book(mei)[0] == ("长江南路 2 号", True)
    browser.press(edit.replace("/edit", "/remove"), "真的删掉")
    assert book(mei) == [("新塘路 18 号", True)]  # the one that is left comes first


def test_what_is_wrong_is_said_beside_its_field(app: Flask, mei: Person) -> None:
    browser = Browser(sign_in(app.test_client(), mei))
    browser.open(NEW)
    page = browser.press(NEW, "记下", TYPED | {"phone": "138", "street": "路" * 201})
    assert page.status == 422 and "这里有 3 位" in page.text and "最多 200 字" in page.text
    assert page.form(NEW).values("street") == ["路" * 201]
    page = browser.press(NEW, "更新市县", {"province": "810000"})
    assert "香港、澳门、台湾现在还寄不到" in page.text and page.form(NEW).values("name") == ["梅女士"]
    assert browser.press(NEW, "记下").status == 422
    assert book(mei) == []


def test_nobody_sees_or_touches_anothers_address(app: Flask, mei: Person) -> None:
    address = add_address(mei.id, written(), is_default=True, now=NOW)
    stranger = Browser(sign_in(app.test_client(), make_stranger()))
    assert "新塘路" not in stranger.open(BOOK).text
    assert stranger.open(f"{BOOK}{address}/edit").status == 404
    for what in ("edit", "remove", "default"):
        assert stranger.send(f"{BOOK}{address}/{what}", TYPED | {"province": "320000", "district": "320583"}).status == 404
    assert book(mei) == [("新塘路 18 号", True)]


def test_two_that_become_the_first_at_once_leave_one(app: Flask, mei: Person) -> None:
    ids = [add_address(mei.id, written(f"新塘路 {number} 号"), is_default=False, now=NOW) for number in range(4)]

    def first(address_id: int) -> None:
        with app.app_context():
            make_default(mei.id, address_id)  # type: ignore[arg-type]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(first, ids))
    with reading() as session:
        assert session.scalar(select(func.count()).where(Address.is_default)) == 1


def test_a_full_book_says_so(app: Flask, mei: Person) -> None:
    for number in range(MOST_ADDRESSES):
        add_address(mei.id, written(f"新塘路 {number} 号"), is_default=False, now=NOW)
    browser = Browser(sign_in(app.test_client(), mei))
    browser.open(NEW)
    page = browser.press(NEW, "记下", TYPED | {"street": "再多一个"})
    assert page.status == 422 and "最多记 30 个" in page.text and page.form(NEW).values("street") == ["再多一个"]


def test_the_checkout_begins_with_the_first(app: Flask, mei: Person) -> None:
    add_address(mei.id, written(), is_default=True, now=NOW)
    add_address(mei.id, written("长江南路 1 号"), is_default=True, now=NOW)
    fill_basket({stocked().sku: 1}, user_id=mei.id)
    page = Browser(sign_in(app.test_client(), mei)).open("/checkout/")
    chosen = page.form("/checkout/").values("address")
    with reading():
        assert chosen == [str(next(address.id for address in addresses_of(mei.id) if address.street == "长江南路 1 号"))]
