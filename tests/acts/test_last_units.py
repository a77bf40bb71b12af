"""Fifty threads in two processes want the last five bags; each payment is confirmed three times at once; goods lapse while they are paid.

Whoever comes first, the books are sound, each bag has one owner, and nobody sees an error that is not a kind refusal.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from shop.acts.start_payment import start_payment
from shop.cart import queries as carts
from shop.cart.models import Cart, CartLine
from shop.extensions import act, db, reading
from shop.kit.ids import CartId, CheckoutKey, new_key
from shop.ledger.models import Entry, EntryKind
from shop.orders.models import Order
from shop.orders.states import HOLD_TIME, OrderState
from shop.payments.models import Payment, PaymentState, Refund, RefundState
from shop.stock.models import StockItem
from tests.database import TestDatabase
from tests.factories import MadeSku, make_lot, make_product, make_village
from tests.racers import Finish, Job, Race, confirmations, racing
from tests.sandboxes import Sandbox
from tests.shopping import assert_books_are_sound, fill_basket, free_units, picks_of, place, state_of

UNITS = 5
BUYERS = 50


@pytest.fixture(scope="module")
def race() -> Iterator[Race]:
    with racing() as started:
        yield started


@pytest.fixture
def now() -> datetime:
    """The webhook reads the machine's clock, so these stories play today."""
    return datetime.now(UTC)


def make_rice(units: int, now: datetime, name: str = "白水贡米") -> MadeSku:
    """A blend of two villages, of which there are `units`."""
    rice = make_product(name)
    sources = [(make_village("白水村"), 700_000), (make_village("高坝田村"), 300_000)]
    make_lot(rice, units=units, sources=sources, harvested_on=now.date() - timedelta(days=40), produced_grams=1_000_000)
    return rice.sku


def basket_of(sku: MadeSku, now: datetime, units: int = 1) -> CartId:
    owner = fill_basket({sku: units}, now=now)
    with reading():
        cart_id = carts.find_cart(owner)
    assert cart_id is not None
    return cart_id


def buyers_of(sku: MadeSku, count: int, now: datetime) -> list[Job]:
    """Each with a basket of one unit, about to press the button."""
    return [Job("place", {"cart_id": cart_id, "once": CheckoutKey(new_key())}, now) for cart_id in _baskets_of(sku, count, now)]


@act
def _baskets_of(sku: MadeSku, count: int, now: datetime) -> list[CartId]:
    """All in one act: waiting for fifty commits is not what the race is about."""
    keys = [{"key": new_key(), "user_id": None, "touched_at": now} for _ in range(count)]
    cart_ids = [CartId(id_) for id_ in db.session.scalars(insert(Cart).returning(Cart.id), keys)]
    line = {"sku_id": sku.id, "quantity": 1, "seen_price_fen": sku.price_fen, "added_at": now}
    db.session.execute(insert(CartLine), [{"cart_id": cart_id, **line} for cart_id in cart_ids])
    return cart_ids


def stock_of(sku: MadeSku) -> tuple[int, int, int]:
    """Free, held and sold units."""
    with reading() as session:
        held, sold = session.execute(select(func.sum(StockItem.held), func.sum(StockItem.sold)).where(StockItem.sku_id == sku.id)).one()
    return free_units(sku), held, sold


def entries_of(kind: EntryKind) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).where(Entry.kind == kind)) or 0


def refusals(finishes: list[Finish]) -> Counter[str]:
    return Counter(finish.refused for finish in finishes if finish.refused)


# ── The last five ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fifty_buyers_race_for_five_bags_and_each_payment_is_confirmed_by_three_at_once(
    app: Flask, database: TestDatabase, sandbox: Sandbox, race: Race, now: datetime
) -> None:
    rice = make_rice(UNITS, now)

    finishes = race.run(buyers_of(rice, BUYERS, now), database=database.url())

    placed = [finish.answer for finish in finishes if finish.answer]
    assert len(set(placed)) == UNITS
    assert refusals(finishes) == {"NotEnoughStock": BUYERS - UNITS}
    assert stock_of(rice) == (0, UNITS, 0)

    jobs = [*confirmations(placed, sandbox, now), Job("verify", {}, now), Job("verify", {}, now)]
    finishes = race.run(jobs, database=database.url(), sandbox=sandbox.url)

    assert refusals(finishes) == {}
    assert {finish.answer for finish in finishes} == {"200", "paid", ""}, "and the books were sound at every moment in between"
    assert {state_of(number) for number in placed} == {OrderState.PAID}
    assert entries_of(EntryKind.SALE) == UNITS
    assert stock_of(rice) == (0, 0, UNITS)
    assert_books_are_sound()


# ── Paid and let go at the same moment ────────────────────────────────────────────────────────────────────────────────

ORDERS = 8


def test_payment_the_end_of_the_hold_and_another_buyer_meet_and_each_bag_has_one_owner(
    app: Flask, database: TestDatabase, sandbox: Sandbox, race: Race, now: datetime
) -> None:
    """The sweep has heard that nothing was paid; then the bank pays after all, and a third wants the bag the moment it is free."""
    late = now + HOLD_TIME + timedelta(minutes=1)
    jobs, bags = [], {}
    for turn in range(ORDERS):
        bag = make_rice(1, now, f"白水贡米 {turn}")
        number = place({bag: 1}, now=now).number
        start_payment(number, now=now)
        with reading() as session:
            payment_id = session.scalars(select(Payment.id).where(Payment.reference == number)).one()
        sandbox.pay_late()
        bags[number] = bag
        jobs += [
            Job("ask", {"payment_id": payment_id}, late),
            Job("let go", {"number": number}, late + timedelta(minutes=40)),
            *buyers_of(bag, 1, late),
        ]

    finishes = race.run(jobs, database=database.url(), sandbox=sandbox.url)

    assert set(refusals(finishes)) <= {"NotEnoughStock"}
    rivals = sum(finish.job.verb == "place" and not finish.refused for finish in finishes)
    states = Counter(state_of(number) for number in bags)
    assert set(states) <= {OrderState.PAID, OrderState.LAPSED}
    assert states[OrderState.LAPSED] == rivals, "a bag that went to another was not sold to the first as well"
    assert entries_of(EntryKind.SALE) == states[OrderState.PAID]
    assert entries_of(EntryKind.RECEIPT_RETURNED) == states[OrderState.LAPSED]
    for number, bag in bags.items():
        assert stock_of(bag) == ((0, 0, 1) if state_of(number) is OrderState.PAID else (0, 1, 0))
    assert_money_of_lapsed_orders_went_back()
    assert_books_are_sound()


def test_a_buyer_pays_while_the_sweep_closes_the_page(
    app: Flask, database: TestDatabase, sandbox: Sandbox, race: Race, now: datetime
) -> None:
    """Either the page closes first and the order lapses without money, or the money comes first and the order is sold."""
    late = now + HOLD_TIME + timedelta(minutes=1)
    bags, jobs = {}, [Job("lapse", {}, late), Job("lapse", {}, late)]
    for turn in range(ORDERS):
        bag = make_rice(1, now, f"白水贡米 {turn}")
        number = place({bag: 1}, now=now).number
        start_payment(number, now=now)
        bags[number] = bag
        jobs += [
            Job("pay", {"url": f"{sandbox.url}/_sandbox/pay/{sandbox.last_session_id}", "outcome": "paid"}, now),
            Job("return page", {"number": number}, late),
        ]

    finishes = race.run(jobs, database=database.url(), sandbox=sandbox.url)

    assert refusals(finishes) == {}
    paid = sum(finish.job.verb == "pay" and finish.answer == "200" for finish in finishes)
    race.run([Job("lapse", {}, late), Job("lapse", {}, late)], database=database.url(), sandbox=sandbox.url)
    states = Counter(state_of(number) for number in bags)
    assert states == Counter({OrderState.PAID: paid, OrderState.LAPSED: ORDERS - paid})
    assert entries_of(EntryKind.SALE) == paid
    assert {stock_of(bag) for bag in bags.values()} <= {(0, 0, 1), (1, 0, 0)}
    assert_books_are_sound()


def assert_money_of_lapsed_orders_went_back() -> None:
    with reading() as session:
        left = select(func.count()).where(
            Order.number == Payment.reference,
            Order.state == OrderState.LAPSED,
            Payment.state == PaymentState.PAID,
            Payment.refunded_fen == 0,
        )
        assert session.scalar(left) == 0
        assert set(session.scalars(select(Refund.state))) <= {RefundState.SUCCEEDED}


# ── Twice the same ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_form_sent_by_many_at_once_is_one_order(app: Flask, database: TestDatabase, race: Race, now: datetime) -> None:
    rice = make_rice(UNITS, now)
    once = {"cart_id": basket_of(rice, now, 2), "once": CheckoutKey(new_key())}

    finishes = race.run([Job("place", once, now)] * 12, database=database.url())

    assert refusals(finishes) == {}
    assert len({finish.answer for finish in finishes}) == 1, "everybody is shown the same order"
    assert stock_of(rice) == (UNITS - 2, 2, 0)
    assert_books_are_sound()


def test_the_same_sale_by_hand_told_by_many_at_once_is_one_sale(app: Flask, database: TestDatabase, race: Race, now: datetime) -> None:
    rice = make_rice(UNITS, now)

    finishes = race.run([Job("sell by hand", {"ref": "fair-1", "sku_code": rice.code}, now)] * 12, database=database.url())

    assert refusals(finishes) == {}
    assert len({finish.answer for finish in finishes}) == 1
    assert stock_of(rice) == (UNITS - 1, 0, 1)
    assert_books_are_sound()


def test_refunds_asked_at_once_give_back_each_bag_once(
    app: Flask, database: TestDatabase, sandbox: Sandbox, race: Race, now: datetime
) -> None:
    """Three bags were bought; eight requests ask for one each, every second one of them twice the same."""
    rice = make_rice(UNITS, now)
    number = place({rice: 3}, now=now).number
    race.run(confirmations([number], sandbox, now), database=database.url(), sandbox=sandbox.url)
    (pick,) = picks_of(number)
    jobs = [Job("refund", {"number": number, "pick_id": pick.id, "once": f"form {turn // 2}"}, now) for turn in range(10)]

    finishes = race.run(jobs, database=database.url(), sandbox=sandbox.url)

    assert refusals(finishes) == {"RefundTooLarge": 4}
    assert entries_of(EntryKind.REFUND) == 3
    assert stock_of(rice) == (UNITS, 0, 0)
    assert_books_are_sound()
