"""Days on which the network, the provider's messages or the clock go wrong. After each the books are sound and say what the provider says."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from shop.acts.ask_providers import ask_about_refunds
from shop.acts.confirm_payment import check_order_payments
from shop.acts.lapse_unpaid import lapse_unpaid
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.ledger.models import Entry, EntryKind
from shop.orders.models import Order
from shop.orders.states import OrderState
from shop.payments.errors import ProviderUnavailable
from shop.payments.models import ProviderEvent
from tests.database import TestDatabase
from tests.factories import MadeSku, make_lot, make_product, make_villages
from tests.providers import Verb
from tests.racers import Job, racing
from tests.sandboxes import Sandbox, gateway_to, post_event
from tests.shopping import free_units, picks_of, place, state_of
from tests.victims import assert_nothing_is_lost, clear_up, sweep_up

UNITS = 20
AT_ONCE = 50
FOUR_DAYS = timedelta(days=4)


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


def pay_without_a_word(sandbox: Sandbox, sku: MadeSku, *, now: datetime) -> str:
    """An order that is paid at Stripe, of which the shop has not heard."""
    number = place({sku: 1}, now=now).number
    start_payment(number, now=now)
    sandbox.pay()
    return number


def sold_once(number: str) -> bool:
    with reading() as session:
        sales = select(func.count()).where(Entry.subject == number, Entry.kind == EntryKind.SALE)
        return session.scalar(sales) == 1


# ── Messages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_event_fifty_times_at_once_is_one_sale(
    app: Flask, database: TestDatabase, sandbox: Sandbox, rice: MadeSku, now: datetime
) -> None:
    number = pay_without_a_word(sandbox, rice, now=now)
    told = next(event for event in sandbox.events() if event["type"] == "checkout.session.completed")
    with racing() as race:
        finishes = race.run([Job("webhook", {"event": told}, now)] * AT_ONCE, database=database.url(), sandbox=sandbox.url)
    assert [finish.answer for finish in finishes] == ["200"] * AT_ONCE
    assert state_of(number) is OrderState.PAID and sold_once(number)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(ProviderEvent)) == 1
    assert_nothing_is_lost(sandbox, told_paid=frozenset({number}))


def test_webhooks_and_worker_are_off_for_four_days_and_the_sweep_finds_every_payment(
    app: Flask, sandbox: Sandbox, rice: MadeSku, now: datetime
) -> None:
    paid = [pay_without_a_word(sandbox, rice, now=now) for _ in range(3)]
    left = place({rice: 1}, now=now).number
    start_payment(left, now=now)
    sandbox.be_at(now + FOUR_DAYS)
    clear_up(app, now=now + FOUR_DAYS)
    assert {state_of(number) for number in paid} == {OrderState.PAID}
    assert state_of(left) is OrderState.LAPSED
    assert free_units(rice) == UNITS - len(paid)
    assert_nothing_is_lost(sandbox, told_paid=frozenset(paid))


def test_only_webhooks_are_off_for_four_days_and_the_worker_hears_of_each_payment_within_minutes(
    app: Flask, sandbox: Sandbox, rice: MadeSku, now: datetime
) -> None:
    number = pay_without_a_word(sandbox, rice, now=now)
    clear_up(app, now=now, rounds=1)
    assert state_of(number) is OrderState.PAID
    answers = sandbox.post_events(app.test_client())  # four days later Stripe still tries
    assert {answer.status_code for answer in answers} == {200} and sold_once(number)
    assert_nothing_is_lost(sandbox, told_paid=frozenset({number}))


def test_with_the_wrong_secret_every_event_is_refused_and_the_sweep_does_its_work(
    client: FlaskClient, app: Flask, sandbox: Sandbox, rice: MadeSku, now: datetime
) -> None:
    number = pay_without_a_word(sandbox, rice, now=now)
    answers = [post_event(client, event, secret="whsec_of_another_endpoint") for event in sandbox.events()]
    assert {answer.status_code for answer in answers} == {400}
    assert state_of(number) is OrderState.AWAITING_PAYMENT
    clear_up(app, now=now, rounds=1)
    assert state_of(number) is OrderState.PAID
    assert_nothing_is_lost(sandbox, told_paid=frozenset({number}))


@pytest.mark.parametrize("minutes_behind", [10, -10])
def test_a_clock_ten_minutes_off_loses_no_payment(
    minutes_behind: int, client: FlaskClient, app: Flask, sandbox: Sandbox, rice: MadeSku, now: datetime
) -> None:
    """Signatures more than five minutes old are refused (docs.stripe.com/webhooks#replay-attacks); what they told of is asked for anyway."""
    number = pay_without_a_word(sandbox, rice, now=now)
    answers = {post_event(client, event, age_seconds=minutes_behind * 60).status_code for event in sandbox.events()}
    assert answers == ({400} if minutes_behind > 0 else {200})
    clear_up(app, now=now, rounds=1)
    assert state_of(number) is OrderState.PAID and sold_once(number)
    assert_nothing_is_lost(sandbox, told_paid=frozenset({number}))


def test_money_given_back_in_the_dashboard_before_we_heard_that_it_came_is_booked_once_we_hear(
    app: Flask, sandbox: Sandbox, rice: MadeSku, now: datetime
) -> None:
    """The list of refunds was read meanwhile, and the refund passed over as nobody's; half a day later it would not be read again."""
    number = pay_without_a_word(sandbox, rice, now=now)
    sandbox.refund_in_dashboard(amount_fen=12_34)
    for hours in (0, 12):
        sweep_up(app, now=now + timedelta(hours=hours, minutes=1), only=frozenset({"refunds_elsewhere"}))
    sweep_up(app, now=now + timedelta(hours=12, minutes=2), only=frozenset({"payments"}))
    assert state_of(number) is OrderState.PAID
    assert_nothing_is_lost(sandbox)


# ── Silence ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def impatient(app: Flask, sandbox: Sandbox) -> None:
    app.extensions["payment_providers"] = {**app.extensions["payment_providers"], "stripe": gateway_to(sandbox.url, read_seconds=0.2)}


def test_stripe_falls_silent_after_it_opened_the_page_and_there_is_one_page(
    app: Flask, sandbox: Sandbox, rice: MadeSku, now: datetime
) -> None:
    impatient(app, sandbox)
    number = place({rice: 1}, now=now).number
    sandbox.script({"on": "POST /v1/checkout/sessions", "do": "timeout:1", "times": 2})
    with pytest.raises(ProviderUnavailable):
        start_payment(number, now=now)
    sandbox.come_back()
    start_payment(number, now=now)
    assert sandbox.count("checkout.session") == 1
    sandbox.pay()
    assert check_order_payments(number, now=now) is OrderState.PAID
    assert_nothing_is_lost(sandbox, told_paid=frozenset({number}))


def test_stripe_falls_silent_after_it_refunded_and_there_is_one_refund(app: Flask, sandbox: Sandbox, rice: MadeSku, now: datetime) -> None:
    number = pay_without_a_word(sandbox, rice, now=now)
    assert check_order_payments(number, now=now) is OrderState.PAID
    impatient(app, sandbox)
    sandbox.script({"on": "POST /v1/refunds", "do": "timeout:1", "times": 2})
    wanted = RefundWanted(units={picks_of(number)[0].id: 1}, restock=True)
    refund_order(number, wanted, once="one form", by=None, now=now)
    sandbox.come_back()
    clear_up(app, now=now)
    refund_order(number, wanted, once="one form", by=None, now=now + timedelta(days=1))
    assert sandbox.count("refund") == 1
    assert_nothing_is_lost(sandbox)


def test_a_refund_whose_key_stripe_has_forgotten_after_a_day_is_not_made_again(
    app: Flask, sandbox: Sandbox, rice: MadeSku, now: datetime
) -> None:
    """Keys are kept for at least 24 hours (docs.stripe.com/api/idempotent_requests); afterwards the same key acts anew."""
    number = pay_without_a_word(sandbox, rice, now=now)
    assert check_order_payments(number, now=now) is OrderState.PAID
    sandbox.fail_after_acting(Verb.REFUND)
    refund_order(number, RefundWanted(units={picks_of(number)[0].id: 1}, restock=True), once="one form", by=None, now=now)
    assert sandbox.count("refund") == 1
    later = now + timedelta(hours=30)
    sandbox.be_at(later)
    assert ask_about_refunds(now=later) == 1
    assert sandbox.count("refund") == 1
    assert_nothing_is_lost(sandbox)


# ── The last second ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_paid_about_the_second_at_which_the_hold_ends(seconds: int, app: Flask, sandbox: Sandbox, rice: MadeSku, now: datetime) -> None:
    """The sweep closes the page and reads the answer before it lets go; whoever has paid by then has the goods."""
    number = place({rice: 1}, now=now).number
    start_payment(number, now=now)
    with reading() as session:
        hold_until = session.scalars(select(Order.hold_until).where(Order.number == number)).one()
    assert hold_until is not None
    sandbox.be_at(hold_until + timedelta(seconds=seconds))
    sandbox.pay_late()
    lapse_unpaid(now=hold_until + timedelta(seconds=seconds))
    clear_up(app, now=hold_until + timedelta(seconds=seconds))
    assert state_of(number) is OrderState.PAID and sold_once(number)
    assert_nothing_is_lost(sandbox, told_paid=frozenset({number}))
