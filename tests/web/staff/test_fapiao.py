"""A fapiao is asked for, issued and, when money goes back, followed by a red-letter one; the buyer sees where it stands."""

import pytest
from flask import Flask
from sqlalchemy import select

from shop.acts.place_order import Placed, Wishes
from shop.acts.refund_order import RefundWanted, refund_order
from shop.extensions import reading
from shop.orders.models import OrderEvent
from shop.papers.fapiao import FapiaoWanted
from shop.papers.models import Fapiao, FapiaoKind
from tests.browser import Browser
from tests.factories import make_auditor_lin, make_lot, make_product, make_staff, sign_in
from tests.providers import FakeProvider
from tests.shopping import NOW, assert_books_are_sound, buy, picks_of, place

LIST = "/staff/fapiao/"
NUMBER = "26502000000000000001"
WANTED = FapiaoWanted(FapiaoKind.FIRM, "昆山示例食堂", "91350100M000100Y43", "canteen@example.test")


@pytest.fixture
def staff(app: Flask) -> Browser:
    return Browser(sign_in(app.test_client(), make_staff()))


@pytest.fixture
def order(provider: FakeProvider) -> Placed:
    """Three bags, ¥204.00, with a fapiao."""
    rice = make_product()
    make_lot(rice)
    return buy(provider, {rice.sku: 3}, wishes=Wishes(fapiao=WANTED))


def buyers_page(app: Flask, order: Placed) -> str:
    return Browser(app.test_client()).open(f"/orders/{order.number}?key={order.key}").text


def the_request() -> Fapiao:
    with reading() as session:
        found = session.scalars(select(Fapiao)).one()
        session.expunge(found)
        return found


def test_from_asked_to_issued_to_red(app: Flask, staff: Browser, order: Placed) -> None:
    page = staff.open(LIST)
    assert "昆山示例食堂" in page.text and "91350100M000100Y43" in page.text and "等着开，1" in page.text and "¥204.00" in page.text
    assert "发票：等着开" in buyers_page(app, order)
    address = f"{LIST}{the_request().id}"
    page = staff.press(f"{address}/issued", "记为开好了", {"number": "x"})
    assert page.status == 422 and "写发票号码" in page.text
    page = staff.press(f"{address}/issued", "记为开好了", {"number": f" {NUMBER[:10]} {NUMBER[10:]}"})
    assert page.path == f"{LIST}?pile=waiting" and "等着开，0" in page.text
    assert (the_request().number, the_request().amount_fen) == (NUMBER, 204_00)
    assert NUMBER in buyers_page(app, order)

    (pick,) = picks_of(order.number)
    refund_order(order.number, RefundWanted(units={pick.id: 1}), once="1", by=None, now=NOW)
    assert "红字" in buyers_page(app, order) and "¥68.00" in buyers_page(app, order)
    page = staff.open(f"{LIST}?pile=red")
    assert "要开红字，1" in page.text
    page = staff.press(f"{address}/red", "记下红字 ¥68.00", {"number": NUMBER[:-1] + "2"})
    assert "要开红字，0" in page.text
    assert (the_request().red_fen, the_request().red_number) == (68_00, NUMBER[:-1] + "2")
    refund_order(order.number, RefundWanted(units={pick.id: 2}), once="2", by=None, now=NOW)
    assert "要开红字，1" in staff.open(LIST).text  # more went back: another one is due
    assert_books_are_sound()


def test_one_that_is_refused_says_why_and_can_be_asked_for_again(app: Flask, staff: Browser, order: Placed) -> None:
    staff.open(LIST)
    address = f"{LIST}{the_request().id}/refused"
    assert "买家会看到" in staff.press(address, "记为不开").text
    staff.press(address, "记为不开", {"why": "抬头和税号对不上"})
    buyer = Browser(app.test_client())
    assert "抬头和税号对不上" in buyer.open(f"/orders/{order.number}?key={order.key}").text
    form = f"/orders/{order.number}/fapiao/"
    page = buyer.open(f"{form}?key={order.key}")
    assert page.form(form).values("fapiao_title") == ["昆山示例食堂"]
    assert buyer.press(form, "就这样开", {"tax_number": "91350100M000100Y34"}).status == 422
    page = buyer.press(form, "就这样开", {"tax_number": "91350100M000100Y43", "fapiao_title": "昆山示例学校"})
    assert "发票：等着开" in page.text
    assert "昆山示例学校" in staff.open(LIST).text


def test_an_order_without_one_may_get_one_later_but_not_when_it_is_over(app: Flask, provider: FakeProvider, staff: Browser) -> None:
    rice = make_product()
    make_lot(rice)
    order = place({rice.sku: 1})
    buyer = Browser(app.test_client())
    form = f"/orders/{order.number}/fapiao/"
    buyer.open(f"{form}?key={order.key}")
    buyer.press(form, "就这样开", {"fapiao": "person", "fapiao_title": "梅女士", "fapiao_email": "mei@example.test"})
    assert "这里没有发票" in staff.open(LIST).text  # nothing was paid yet
    with reading() as session:
        assert session.scalars(select(OrderEvent.facts).where(OrderEvent.kind == "fapiao_asked")).all() == [{"kind": "person"}]
    assert Browser(app.test_client()).open(form).status == 404


def test_a_request_issued_meanwhile_is_not_issued_twice(staff: Browser, order: Placed) -> None:
    page = staff.open(LIST)
    address = f"{LIST}{the_request().id}/issued"
    staff.press(address, "记为开好了", {"number": NUMBER})
    staff.page = page
    assert "刚才已经处理过了" in staff.press(address, "记为开好了", {"number": NUMBER[:-1] + "9"}).text
    assert the_request().number == NUMBER


def test_whoever_only_reads_can_decide_nothing(app: Flask, order: Placed) -> None:
    auditor = Browser(sign_in(app.test_client(), make_auditor_lin()))
    assert "记为开好了" not in auditor.open(LIST).text
