"""Many orders at once: lists of waybills and arrivals, and the list of orders as a file."""

from datetime import timedelta

import pytest
from flask import Flask

from shop.acts.parcel_lists import MOST_ROWS, ListIsEmpty, ListTooLong, ask_to_deliver, ask_to_ship, read_list, tally_of
from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import TaskId
from shop.outbox import tasks
from shop.outbox.tasks import run_tasks
from shop.reports.order_file import KEPT_FOR, ask_for_orders, read_order_file
from shop.reports.order_story import OrderStory, get_story
from shop.reports.staff_orders import Wanted
from shop.worker import TASKS
from tests.browser import Browser
from tests.factories import MadeProduct, Person, make_cooperative, make_lot, make_product, make_staff
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, place


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product, units=20)
    return product


def work_off() -> None:
    assert run_tasks(TASKS, clock=utc_now)


def told(number: str) -> OrderStory:
    with reading():
        return get_story(number)


def test_cells_are_read_as_spreadsheets_write_them() -> None:
    rows = read_list(
        "\ufeff订单号\t运单号\r\n SH-261118-7K3M9P \tSF1234567890123\r\n\r\nＳＨ-261118-7K3M9Q,'SF1234567890124,顺丰速运\n".encode()
    )
    assert [row.cells[:2] for row in rows] == [("SH-261118-7K3M9P", "SF1234567890123"), ("SH-261118-7K3M9Q", "SF1234567890124")]
    assert [row.line for row in rows] == [2, 4], "lines are those of the file"
    assert read_list("A1 顺丰".encode("gb18030"))[0].cells == ("A1", "顺丰")
    for empty in (b"", b"\n ,,\n", "订单号,运单号".encode()):
        with pytest.raises(ListIsEmpty):
            read_list(empty)
    with pytest.raises(ListTooLong):
        read_list(b"A1\n" * (MOST_ROWS + 1))


def test_a_list_of_waybills_sends_what_it_can_and_says_of_each_other_row_why(
    rice: MadeProduct, provider: FakeProvider, office: Browser
) -> None:
    tea = make_product("菊花茶", cooperative=make_cooperative("乙社"))
    make_lot(tea, units=9)
    one, two = (buy(provider, {rice.sku: 1}, now=utc_now()).number for _ in range(2))
    both = buy(provider, {rice.sku: 1, tea.sku: 1}, now=utc_now()).number
    unpaid = place({rice.sku: 1}, now=utc_now()).number
    office.open("/staff/lists/")
    pasted = f"{one}\tSF0000000001\n{two}\tx\n{both}\tSF0000000003\n{both}\tSF0000000003\t\t乙社\n{unpaid}\tSF0000000004\nSH-261118-000000\tSF0000000005\n"
    page = office.send("/staff/lists/ship", {"rows": pasted, "carrier": "顺丰速运", "once": "1"})
    assert page.status == 200 and "在排队" in page.text
    work_off()
    page = office.open(page.path)
    for words in ("4 行没有做", "运单号「X」不对", "几个包裹等着发", "现在是：等付款", "没有这个订单"):
        assert words in page.text, words
    [sent] = told(one).shipments
    assert (sent.state, sent.carrier, sent.tracking_number) == ("shipped", "顺丰速运", "SF0000000001")
    assert [each.state for each in told(both).shipments] == ["to_pack", "shipped"]
    again = office.send("/staff/lists/ship", {"rows": pasted, "carrier": "顺丰速运", "once": "2"})
    work_off()
    assert "以前做过 3 行" in office.open(again.path).text, "the whole list may be sent again"
    assert_books_are_sound()


def test_a_list_of_numbers_or_waybills_has_parcels_arrive(rice: MadeProduct, provider: FakeProvider) -> None:
    by = make_staff().id
    one, two = (buy(provider, {rice.sku: 1}, now=utc_now()).number for _ in range(2))
    ask_to_ship(f"{one} SF0000000001\n{two} SF0000000002".encode(), carrier="顺丰速运", once="1", by=by, now=utc_now())
    task_id = ask_to_deliver(f"{one}\nSF0000000002\nSF0000000099".encode(), once="1", by=by, now=utc_now())
    assert ask_to_deliver(b"A1", once="1", by=by, now=utc_now()) == task_id, "sent twice, it is one list"
    work_off()
    with reading():
        tally = tally_of(tasks.get_task(task_id, "parcels_deliver").result)
    assert (tally.done, tally.known, tally.bad) == (2, 0, 1)
    assert [told(number).state for number in (one, two)] == ["delivered", "delivered"]


@pytest.mark.parametrize("typed", [{"rows": ""}, {"rows": "A1", "carrier": "没有的快递"}])
def test_a_list_that_cannot_be_read_stays_and_says_why(typed: dict[str, str], rice: MadeProduct, office: Browser) -> None:
    office.open("/staff/lists/")
    page = office.send("/staff/lists/ship", typed)
    assert page.status == 422 and 'id="ship-error"' in page.html and typed["rows"] in page.html


def test_the_list_of_orders_goes_out_without_anybodys_name(
    rice: MadeProduct, provider: FakeProvider, office: Browser, clerk: Person
) -> None:
    paid = buy(provider, {rice.sku: 2}, name="梅女士", now=utc_now()).number
    waiting = place({rice.sku: 1}, now=utc_now()).number
    office.open("/staff/orders/?state=paid&q=梅女士")
    page = office.press("/staff/lists/orders")
    work_off()
    page = office.open(page.path)
    assert "1 单，写好了" in page.text
    content = office.open(f"{page.path}/orders.csv").html
    assert paid in content and waiting not in content and "梅女士" not in content and "13800002207" not in content
    assert f",2,{2 * rice.sku.price_fen}," in content
    task_id, stranger = TaskId(int(page.path.rsplit("/", 1)[1])), make_staff().id
    for by, now in ((stranger, utc_now()), (clerk.id, utc_now() + KEPT_FOR + timedelta(minutes=1))):
        with pytest.raises(NotFound), reading():
            read_order_file(task_id, by=by, now=now)
    ask_for_orders(Wanted(query="梅女士"), once="x", by=clerk.id, now=utc_now())
    with reading():
        assert tasks.find_tasks("order_file")[0].facts == {}, "a name that was sought is kept nowhere"
