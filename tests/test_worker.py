"""The worker: what is owed is done, one failing row or sweep keeps no other waiting, and it ends when told to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text

from shop.acts.ask_providers import ask_about_payments, ask_about_refunds
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.ship_parcel import ship_parcel
from shop.acts.start_payment import start_payment
from shop.extensions import db, reading
from shop.kit.clock import utc_now
from shop.kit.ids import ShipmentId
from shop.orders.states import DELIVERED_AFTER, HOLD_TIME, RETURN_WINDOW, OrderState
from shop.payments.models import Payment, Refund, RefundState
from shop.shipping.models import Shipment
from shop.worker import SWEEPS, Sweep, run_once, run_sweep, schedule
from tests.database import TestDatabase
from tests.factories import MadeProduct, make_lot, make_product
from tests.providers import FakeProvider, Verb
from tests.sandboxes import Sandbox
from tests.shopping import NOW, assert_books_are_sound, buy, free_units, picks_of, place, state_of

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, twenty bags of it."""
    product = make_product()
    make_lot(product, units=20)
    return product


@contextmanager
def at(now: datetime) -> Iterator[None]:
    """Let the worker's clock say `now`."""
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr("shop.worker.utc_now", lambda: now)
        yield


def swept(app: Flask, now: datetime) -> dict[str, int]:
    """What each sweep dealt with, of those that had something to do; none may fail. Not the folding, which has to do whenever something is booked."""
    with at(now):
        counts = run_once(app)
    assert None not in counts.values(), counts
    return {name: count for name, count in counts.items() if count and name != "fold"}


def test_every_sweep_runs_once_and_says_what_it_did(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    place({rice.sku: 1}, now=utc_now())
    result = app.test_cli_runner().invoke(args=["worker", "--once"])
    assert result.exit_code == 0, result.output
    counts = dict(line.split() for line in result.output.splitlines() if line.split()[0] in {sweep.name for sweep in SWEEPS})
    assert set(counts) == {sweep.name for sweep in SWEEPS}
    assert counts["letters"] == "1"
    assert set(counts.values()) == {"0", "1"}


def test_an_order_goes_its_way_by_itself_with_every_webhook_lost(app: Flask, sandbox: Sandbox, rice: MadeProduct) -> None:
    sandbox.be_at(NOW)
    placed = place({rice.sku: 3})
    start_payment(placed.number, now=NOW)
    sandbox.pay()
    assert swept(app, NOW + timedelta(minutes=1)) == {"letters": 1, "movements": 1}  # the provider shows money that we hear of only now
    assert swept(app, NOW + timedelta(minutes=3)) == {"payments": 1}
    assert state_of(placed.number) is OrderState.PAID
    assert swept(app, NOW + timedelta(minutes=4)) == {"letters": 1}
    assert_books_are_sound()


def test_what_is_not_paid_in_time_goes_back_on_the_shelf(app: Flask, sandbox: Sandbox, rice: MadeProduct) -> None:
    sandbox.be_at(NOW)
    placed = place({rice.sku: 3})
    start_payment(placed.number, now=NOW)
    assert free_units(rice.sku) == 17
    assert swept(app, NOW + HOLD_TIME + timedelta(seconds=1))["lapsed"] == 1
    assert (state_of(placed.number), free_units(rice.sku)) == (OrderState.LAPSED, 20)
    assert sandbox.gateway.outcome(sandbox.last_session_id).kind == "expired"


def test_parcels_arrive_and_orders_end_by_themselves(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 1})
    with reading() as session:
        shipment_id = ShipmentId(session.scalars(select(Shipment.id)).one())
    ship_parcel(shipment_id, carrier="顺丰", tracking_number="SF1", by=None, now=NOW)
    arrived = NOW + DELIVERED_AFTER + timedelta(hours=1)
    assert swept(app, arrived)["delivered"] == 1
    assert state_of(placed.number) is OrderState.DELIVERED
    assert swept(app, arrived + RETURN_WINDOW + timedelta(hours=1))["completed"] == 1
    assert state_of(placed.number) is OrderState.COMPLETED


def test_a_refund_that_was_not_clearly_taken_on_is_asked_again_and_made_once(app: Flask, sandbox: Sandbox, rice: MadeProduct) -> None:
    sandbox.be_at(NOW)
    placed = place({rice.sku: 2})
    start_payment(placed.number, now=NOW)
    sandbox.pay()
    swept(app, NOW + timedelta(minutes=3))
    sandbox.fail_after_acting(Verb.REFUND)
    (pick,) = picks_of(placed.number)
    refund_order(placed.number, RefundWanted(units={pick.id: 1}), once="r1", by=None, now=NOW)
    assert swept(app, NOW + timedelta(minutes=20))["refunds"] == 1
    assert sandbox.count("refund") == 1
    with reading() as session:
        assert session.scalars(select(Refund.state)).one() is RefundState.SUCCEEDED
    assert_books_are_sound()


def test_what_got_no_answer_is_asked_about_ever_more_seldom(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    provider.go_down()
    pauses, now = [], NOW + timedelta(minutes=2)
    for _ in range(3):
        assert ask_about_payments(now=now) == 0
        with reading() as session:
            due = session.scalars(select(Payment.next_check_at)).one()
        assert due is not None
        pauses.append(due - now)
        now = due
    assert pauses == [timedelta(minutes=2), timedelta(minutes=4), timedelta(minutes=8)]


def test_one_trouble_keeps_no_other_payment_waiting(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    first, second = place({rice.sku: 1}), place({rice.sku: 1})
    for placed in (first, second):
        start_payment(placed.number, now=NOW)
        provider.pay()
    provider.refuse(Verb.OUTCOME)
    assert ask_about_payments(now=NOW + timedelta(minutes=3)) == 1
    assert sorted([state_of(first.number), state_of(second.number)]) == [OrderState.AWAITING_PAYMENT, OrderState.PAID]


def test_a_provider_that_is_away_is_not_asked_fifty_times_in_a_round(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    for _ in range(5):
        start_payment(place({rice.sku: 1}).number, now=NOW)
    provider.go_down()
    provider.calls.clear()
    assert ask_about_payments(now=NOW + timedelta(minutes=3)) == 0
    assert len(provider.calls) == 3


def test_a_refund_over_which_we_stumble_keeps_no_other_waiting(
    app: Flask, provider: FakeProvider, rice: MadeProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = buy(provider, {rice.sku: 1})
    (pick,) = picks_of(placed.number)
    provider.first_refund_state = RefundState.PENDING
    refund_order(placed.number, RefundWanted(units={pick.id: 1}), once="r1", by=None, now=NOW)

    def stumble(*_: object, **__: object) -> None:
        raise AssertionError("a mistake")

    monkeypatch.setattr("shop.acts.ask_providers.settle_refund", stumble)
    later = NOW + timedelta(days=1)
    assert ask_about_refunds(now=later) == 0
    with reading() as session:
        refund = session.scalars(select(Refund)).one()
        assert refund.trouble == "AssertionError" and refund.next_check_at is not None and refund.next_check_at > later


def test_a_sweep_that_fails_stops_no_other_and_is_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_config: object, _now: object) -> int:
        db.session.execute(text("select 1"))
        raise RuntimeError("away")

    sweeps = (Sweep("broken", timedelta(seconds=1), fail), Sweep("sound", timedelta(seconds=1), lambda _config, _now: 7))
    assert run_once(app, sweeps) == {"broken": None, "sound": 7}
    monkeypatch.setattr(
        sys.modules["shop.cli.worker"], "run_once", lambda app: run_once(app, sweeps)
    )  # the package's own name is the command
    result = app.test_cli_runner().invoke(args=["worker", "--once"])
    assert result.exit_code == 1
    assert [line.split() for line in result.output.splitlines()[-2:]] == [["broken", "failed"], ["sound", "7"]]


def test_a_sweep_has_a_session_of_its_own(app: Flask) -> None:
    seen: list[object] = []

    def look(_config: object, _now: object) -> int:
        seen.append(db.session())
        return 0

    run_sweep(app, Sweep("look", timedelta(seconds=1), look))
    assert seen[0] is not db.session()


def test_two_workers_at_once_send_a_letter_once(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    for _ in range(6):
        place({rice.sku: 1}, now=utc_now())
    letters = next(sweep for sweep in SWEEPS if sweep.name == "letters")
    with ThreadPoolExecutor(4) as workers:
        counts = list(workers.map(lambda _: run_sweep(app, letters), range(4)))
    assert None not in counts
    assert sum(count or 0 for count in counts) == 6


def test_sweeps_are_repeated_and_never_overlap_themselves(app: Flask) -> None:
    rounds: list[float] = []

    def slow(_config: object, _now: object) -> int:
        began = time.monotonic()
        time.sleep(0.12)
        rounds.append(began)
        return 0

    idle = [Sweep(f"idle-{number}", timedelta(hours=1), lambda _config, _now: 0) for number in range(3)]  # so that threads would be free
    scheduler = schedule(app, (Sweep("slow", timedelta(seconds=0.05), slow), *idle))
    scheduler.start()
    time.sleep(0.8)
    scheduler.shutdown(wait=True)
    assert len(rounds) >= 2
    assert all(later - earlier >= 0.12 for earlier, later in pairwise(rounds))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # a process takes seconds to start, and the database is not the point
def test_the_worker_runs_until_it_is_told_to_stop(app: Flask, database: TestDatabase, rice: MadeProduct, tmp_path: Path) -> None:
    place({rice.sku: 1}, now=utc_now())
    environ = os.environ | {
        "SHOP_DATABASE_URL": database.url(),
        "SHOP_INSTANCE_PATH": str(tmp_path),
        "STRIPE_API_BASE": "http://127.0.0.1:9",
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"], cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True
    )
    try:
        end = time.monotonic() + 60
        while not list((tmp_path / "outbox").glob("*.eml")):
            assert worker.poll() is None and time.monotonic() < end, "no letter came"
            time.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        _, errors = worker.communicate(timeout=30)
    finally:
        worker.kill()
    assert worker.returncode == 0, errors
    assert "worker_stopped" in errors
    assert "Traceback" not in errors
