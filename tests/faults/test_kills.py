"""`kill -9` of web or worker at every point where something was sent to the database or to Stripe: nothing is lost, nothing happens twice."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from flask import Flask

from shop.acts.confirm_payment import check_order_payments
from shop.acts.place_order import place_order
from shop.acts.start_payment import start_payment
from shop.cart import queries as carts
from shop.extensions import reading
from shop.kit.ids import CartId, CheckoutKey, PaymentId, PickId
from shop.orders.states import HOLD_TIME, OrderState
from shop.payments import service as payments
from tests.database import TestDatabase
from tests.factories import MadeSku, make_lot, make_product, make_villages
from tests.racers import Job
from tests.sandboxes import Sandbox
from tests.shopping import a_delivery, fill_basket, free_units, picks_of, place, state_of
from tests.victims import Death, Died, Mortal, Point, assert_nothing_is_lost, clear_up

UNITS = 60
Ruin = Callable[[str, dict[str, object], Death], bool]
"""Does a verb in a process that dies there; whether it did die."""


@pytest.fixture
def now() -> datetime:
    """The webhook reads the machine's clock, so these stories play today."""
    return datetime.now(UTC)


@pytest.fixture
def rice(app: Flask, now: datetime) -> MadeSku:
    """A blend of two villages."""
    rice = make_product()
    one, other = make_villages("白水村", "高坝田村")
    make_lot(rice, units=UNITS, sources=[(one, 700_000), (other, 300_000)], harvested_on=now.date() - timedelta(days=40))
    return rice.sku


@pytest.fixture
def ruin(app: Flask, database: TestDatabase, sandbox: Sandbox, now: datetime) -> Iterator[Ruin]:
    """Whoever has lived does the next one too: a new process takes half a second."""
    victim = Mortal(database=database.url(), sandbox=sandbox.url)

    def ruined(verb: str, given: dict[str, object], death: Death) -> bool:
        try:
            victim.do(Job(verb, given, now), death)
        except Died:
            return True
        return False

    yield ruined
    victim.end()


class Deaths:
    """All deaths of a verb: the first, second, third … time at each point, and on to the next point once nobody died; which happened."""

    def __init__(self) -> None:
        self.met: list[Death] = []
        self._done: set[Point] = set()

    def __iter__(self) -> Iterator[Death]:
        for point in Point:
            for nth in count(1):
                yield Death(point, nth)
                if point in self._done:
                    break

    def tell(self, death: Death, has_died: bool) -> None:
        if has_died:
            self.met.append(death)
        else:
            self._done.add(death.at)


def basket_of(sku: MadeSku, now: datetime) -> CartId:
    owner = fill_basket({sku: 1}, now=now)
    with reading():
        cart_id = carts.find_cart(owner)
    assert cart_id is not None
    return cart_id


def attempt_of(number: str) -> PaymentId:
    with reading():
        return payments.attempts_for(number)[-1].id


def test_a_form_whose_answer_never_came_is_sent_again_and_is_one_order(app: Flask, rice: MadeSku, ruin: Ruin, now: datetime) -> None:
    deaths = Deaths()
    for at, death in enumerate(deaths):
        cart_id, once = basket_of(rice, now), CheckoutKey(f"form-{at}")
        free = free_units(rice)
        deaths.tell(death, ruin("place", {"cart_id": cart_id, "once": once}, death))
        placed = place_order(cart_id, a_delivery(), once=once, now=now)
        assert state_of(placed.number) is OrderState.AWAITING_PAYMENT
        assert free_units(rice) == free - 1, "held once"
    assert [death.at for death in deaths.met] == [Point.BEFORE_COMMIT, Point.AFTER_COMMIT]


def test_a_payment_page_whose_opening_was_cut_off_is_opened_once(
    app: Flask, sandbox: Sandbox, rice: MadeSku, ruin: Ruin, now: datetime
) -> None:
    deaths, told = Deaths(), set()
    for death in deaths:
        number = place({rice: 1}, now=now).number
        before = sandbox.count("checkout.session")
        deaths.tell(death, ruin("start", {"number": number}, death))
        start_payment(number, now=now)
        assert sandbox.count("checkout.session") == before + 1, "asked again, Stripe answers with the page it had opened"
        sandbox.pay()
        assert check_order_payments(number, now=now) is OrderState.PAID
        told.add(number)
    assert {death.at for death in deaths.met} == set(Point)
    assert_nothing_is_lost(sandbox, told_paid=frozenset(told))


def test_a_buyer_who_gives_up_after_the_opening_was_cut_off_holds_nothing_and_pays_nothing(
    app: Flask, sandbox: Sandbox, rice: MadeSku, ruin: Ruin, now: datetime
) -> None:
    deaths = Deaths()
    numbers = []
    for death in deaths:
        number = place({rice: 1}, now=now).number
        deaths.tell(death, ruin("start", {"number": number}, death))
        numbers.append(number)
    clear_up(app, now=now)
    assert {state_of(number) for number in numbers} == {OrderState.LAPSED}
    assert free_units(rice) == UNITS
    assert {page["status"] for page in sandbox.all_of("checkout.session")} == {"expired"}
    assert_nothing_is_lost(sandbox)


@pytest.mark.parametrize("verb", ["webhook", "ask", "return page"])
def test_whoever_hears_of_the_payment_and_dies_leaves_an_order_that_is_paid_once(
    verb: str, app: Flask, sandbox: Sandbox, rice: MadeSku, ruin: Ruin, now: datetime
) -> None:
    """After Stripe charged and before the webhook; inside the webhook's transaction, before and after its commit; the worker; the return page."""
    deaths, told = Deaths(), set()
    for death in deaths:
        number = place({rice: 1}, now=now).number
        start_payment(number, now=now)
        page = sandbox.pay()
        event = next(event for event in sandbox.events() if event["data"]["object"]["id"] == page and "completed" in event["type"])
        given = {"webhook": {"event": event}, "ask": {"payment_id": attempt_of(number)}, "return page": {"number": number}}[verb]
        deaths.tell(death, ruin(verb, given, death))
        told.add(number)
    assert {death.at for death in deaths.met} == set(Point)
    clear_up(app, now=now)
    assert {state_of(number) for number in told} == {OrderState.PAID}
    assert free_units(rice) == UNITS - len(told)
    assert_nothing_is_lost(sandbox, told_paid=frozenset(told))


def test_a_refund_that_was_cut_off_anywhere_is_made_once(app: Flask, sandbox: Sandbox, rice: MadeSku, ruin: Ruin, now: datetime) -> None:
    deaths, booked = Deaths(), 0
    for death in deaths:
        number = place({rice: 1}, now=now).number
        start_payment(number, now=now)
        sandbox.pay()
        assert check_order_payments(number, now=now) is OrderState.PAID
        pick_id: PickId = picks_of(number)[0].id
        has_died = ruin("refund", {"number": number, "pick_id": pick_id, "once": f"form-{number}"}, death)
        deaths.tell(death, has_died)
        booked += death != Death(Point.BEFORE_COMMIT, 1)  # before its first commit nobody has decided anything
    assert {death.at for death in deaths.met} == set(Point)
    clear_up(app, now=now)
    assert sandbox.count("refund") == booked
    assert_nothing_is_lost(sandbox)


def test_a_worker_that_dies_letting_go_of_an_order_leaves_it_to_the_next(
    app: Flask, sandbox: Sandbox, rice: MadeSku, ruin: Ruin, now: datetime
) -> None:
    deaths, numbers = Deaths(), []
    for death in deaths:
        earlier = now - HOLD_TIME - timedelta(minutes=1)
        sandbox.be_at(earlier)
        number = place({rice: 1}, now=earlier).number
        start_payment(number, now=earlier)
        sandbox.be_at(now)
        deaths.tell(death, ruin("lapse", {}, death))
        numbers.append(number)
    assert {death.at for death in deaths.met} == set(Point)
    clear_up(app, now=now)
    assert {state_of(number) for number in numbers} == {OrderState.LAPSED}
    assert free_units(rice) == UNITS
    assert_nothing_is_lost(sandbox)
