"""What is settled stays settled, whoever else was still asking: a late "ask again" must not wake it, or the sweep would ask about it for ever."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.start_payment import start_payment
from shop.extensions import act, db, reading
from shop.payments import service as payments
from shop.payments.models import Payment, PaymentState, ProviderEvent, Refund, RefundState
from tests.factories import make_lot, make_product
from tests.providers import FakeProvider
from tests.shopping import NOW, buy, picks_of, place

MUCH_LATER = NOW + timedelta(days=300)


def while_somebody_settles(app: Flask, settle: Callable[[], None], also: Callable[[], None]) -> None:
    """`settle` holds its transaction open until `also` has had time to look, and then commits."""
    settled, looked = threading.Event(), threading.Event()

    @act
    def slowly() -> None:
        settle()
        settled.set()
        looked.wait(0.5)

    def other() -> None:
        assert settled.wait(5)
        with app.app_context():
            also()
            looked.set()

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(other)
        slowly()
        done.result()


def test_an_attempt_that_is_paid_meanwhile_is_not_asked_about_again(app: Flask, provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice)
    number = place({rice.sku: 1}).number
    start_payment(number, now=NOW)
    with reading():
        (attempt,) = payments.attempts_for(number)
    paid = update(Payment).values(state=PaymentState.PAID, next_check_at=None)

    while_somebody_settles(app, lambda: db.session.execute(paid), lambda: payments.schedule_next_check(attempt.id, now=NOW))

    with reading():
        assert payments.due_checks(now=MUCH_LATER) == []


def test_a_refund_that_arrives_meanwhile_is_not_asked_about_again(app: Flask, provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice)
    number = buy(provider, {rice.sku: 1}).number
    provider.first_refund_state = RefundState.PENDING
    refund_order(number, RefundWanted(units={picks_of(number)[0].id: 1}), once="one", by=None, now=NOW)
    with reading():
        (refund_id,) = payments.due_refunds(now=MUCH_LATER)
    arrived = update(Refund).values(state=RefundState.SUCCEEDED, next_check_at=None)

    while_somebody_settles(app, lambda: db.session.execute(arrived), lambda: payments.postpone_refund(refund_id, "silence", now=NOW))

    with reading():
        assert payments.due_refunds(now=MUCH_LATER) == []


def test_an_event_that_had_its_effect_meanwhile_is_not_tried_again(app: Flask) -> None:
    event = payments.keep_event(provider="stripe", event_id="evt_1", kind="test", object_id=None, happened_at=NOW, now=NOW)
    done = update(ProviderEvent).values(done_at=NOW, next_try_at=None)

    while_somebody_settles(app, lambda: db.session.execute(done), lambda: payments.event_failed(event.id, "busy", now=NOW))

    with reading():
        assert payments.due_events(now=MUCH_LATER) == []


def test_the_same_event_told_by_many_at_once_is_kept_once(app: Flask) -> None:
    def tell() -> int:
        with app.app_context():
            return payments.keep_event(provider="stripe", event_id="evt_1", kind="test", object_id=None, happened_at=NOW, now=NOW).id

    with ThreadPoolExecutor(8) as threads:
        assert len({told.result() for told in [threads.submit(tell) for _ in range(16)]}) == 1


@pytest.mark.parametrize("hours", [1, 24, 96])
def test_an_open_attempt_is_asked_about_ever_more_seldom_but_never_forgotten(app: Flask, provider: FakeProvider, hours: int) -> None:
    rice = make_product()
    make_lot(rice)
    number = place({rice.sku: 1}).number
    start_payment(number, now=NOW)
    with reading():
        (attempt,) = payments.attempts_for(number)
    for _ in range(hours):
        payments.schedule_next_check(attempt.id, now=NOW)
    with reading():
        assert payments.due_checks(now=NOW + timedelta(hours=6)) == [attempt.id]
