"""The act: one function, one transaction, run again when the database asks for it; and the proof that tests do not see each other's rows."""

import ast
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from config import ROOT
from shop import extensions
from shop.extensions import (
    MOST_TRIES,
    act,
    db,
    dialect,
    end_reading,
    reading,
    require_no_transaction,
    require_transaction,
    snapshot,
    trying,
)
from shop.kit.errors import Refused
from shop.origin.models import Town
from tests.database import TestDatabase
from tests.factories import make_village

_codes = count(1)


def add_town(name: str = "滑石乡") -> None:
    """A row that shows whether something was committed."""
    values = {"name": name, "code": f"{next(_codes):09d}", "short_name": name[:10], "name_en": name, "county_code": "520602"}
    db.session.execute(insert(Town).values(**values, county_name="碧江区", latitude=None, longitude=None))


def town_names() -> list[str]:
    with reading() as session:
        return sorted(session.scalars(select(Town.name)))


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two tries."""
    monkeypatch.setattr(extensions, "_LONGEST_PAUSE_SECONDS", 0.0)


# ── One transaction ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_act_commits_what_it_wrote_and_gives_back_what_it_returns(app: Flask) -> None:
    @act
    def settle(name: str, *, twice: bool) -> str:
        """Found a town."""
        add_town(name)
        return name * 2 if twice else name

    assert settle("滑石乡", twice=True) == "滑石乡滑石乡"
    assert town_names() == ["滑石乡"]
    assert (settle.__name__, settle.__doc__) == ("settle", "Found a town.")


@pytest.mark.parametrize(
    "error", [Refused("a rule"), AssertionError("a mistake"), KeyboardInterrupt()], ids=lambda error: type(error).__name__
)
def test_an_act_that_stops_leaves_nothing(app: Flask, error: BaseException) -> None:
    tries = []

    @act
    def stop() -> None:
        tries.append(1)
        add_town()
        raise error

    with pytest.raises(type(error)):
        stop()
    assert (town_names(), len(tries)) == ([], 1)


def test_an_act_that_breaks_a_rule_of_the_database_is_not_tried_again_and_leaves_nothing(app: Flask) -> None:
    tries = []

    @act
    def same_code_twice() -> None:
        tries.append(1)
        add_town()
        db.session.execute(text("insert into towns select * from towns"))

    with pytest.raises(IntegrityError):
        same_code_twice()
    assert (town_names(), len(tries)) == ([], 1)


def test_an_act_inside_an_act_says_so_at_once_and_nothing_of_either_stays(app: Flask) -> None:
    @act
    def inner() -> None:
        add_town("inner")

    @act
    def outer() -> None:
        add_town("outer")
        inner()

    with pytest.raises(AssertionError, match="inner is an act inside the act outer"):
        outer()
    assert town_names() == []
    inner()  # and the next one is not an act inside anything
    assert town_names() == ["inner"]


def test_a_step_outside_an_act_says_so(app: Flask) -> None:
    with pytest.raises(AssertionError, match="outside an act"):
        require_transaction()
    act(require_transaction)()


def test_the_network_is_not_asked_inside_an_act_or_while_a_read_is_open(app: Flask) -> None:
    require_no_transaction()
    with pytest.raises(AssertionError, match="inside the act require_no_transaction"):
        act(require_no_transaction)()
    db.session.execute(select(Town.id))
    with pytest.raises(AssertionError, match="with a transaction open"):
        require_no_transaction()
    end_reading()
    require_no_transaction()


def test_a_part_that_is_refused_is_undone_and_the_rest_stands(app: Flask) -> None:
    @act
    def try_two() -> None:
        add_town("first")
        with pytest.raises(Refused), trying():
            add_town("second")
            raise Refused
        add_town("third")

    try_two()
    assert town_names() == ["first", "third"]


def test_an_act_ends_the_read_before_it_and_sees_what_others_wrote_since(app: Flask) -> None:
    """A request has usually read before it acts. On SQLite an old snapshot could not be written upon; on both it would be out of date."""
    assert town_names() == []
    db.session.execute(select(Town.id)).all()
    with ThreadPoolExecutor(1) as somebody:
        somebody.submit(_in_context, app, lambda: act(add_town)("theirs")).result()

    @act
    def names_then_mine() -> list[str]:
        seen = list(db.session.scalars(select(Town.name)))
        add_town("mine")
        return seen

    assert names_then_mine() == ["theirs"]
    assert town_names() == ["mine", "theirs"]


def test_a_snapshot_sees_one_moment_whatever_others_write_meanwhile(app: Flask) -> None:
    act(add_town)("before")
    with snapshot() as session:
        seen = [session.scalar(select(func.count()).select_from(Town))]
        with ThreadPoolExecutor(1) as somebody:
            somebody.submit(_in_context, app, lambda: act(add_town)("meanwhile")).result()
        seen.append(session.scalar(select(func.count()).select_from(Town)))
    assert seen == [1, 1]
    assert town_names() == ["before", "meanwhile"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_statements_stay_prepared_from_one_request_to_the_next(app: Flask) -> None:
    """A ROLLBACK makes psycopg forget them all, so reads end without one; planning a page anew costs more than answering it."""
    for _ in range(8):
        town_names()
        act(add_town)()
    with reading() as session:
        kept = session.scalars(text("select statement from pg_prepared_statements")).all()
    assert any(statement.startswith("SELECT towns.name") for statement in kept)
    assert any(statement.startswith("INSERT INTO towns") for statement in kept)


def test_the_only_commit_of_the_shop_is_the_acts() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "shop").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    assert len(found) == 1 and found[0].startswith("shop/extensions.py:"), found


# ── Run again ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"], ids=["serialization failure", "deadlock", "lock not available"])
def test_postgresql_asks_for_another_try_and_gets_it(app: Flask, sqlstate: str) -> None:
    tries = []

    @act
    def third_time_lucky() -> int:
        add_town(f"try {len(tries)}")
        tries.append(1)
        if len(tries) < 3:
            db.session.execute(text(f"do $$ begin raise exception 'not now' using errcode = '{sqlstate}'; end $$"))
        return len(tries)

    assert third_time_lucky() == 3
    assert town_names() == ["try 2"], "what the first two tries wrote is gone"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_tries_are_bounded(app: Flask) -> None:
    tries = []

    @act
    def never() -> None:
        tries.append(1)
        db.session.execute(text("do $$ begin raise exception 'not now' using errcode = '40001'; end $$"))

    with pytest.raises(OperationalError, match="not now"):
        never()
    assert len(tries) == MOST_TRIES


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_acts_that_lock_crosswise_both_finish(app: Flask) -> None:
    one, other = make_village("白水村"), make_village("高坝田村")
    both_have_one, tries = threading.Barrier(2), []

    def cross(first: int, second: int, name: str) -> None:
        @act
        def lock_two() -> None:
            tries.append(name)
            db.session.execute(text("set local deadlock_timeout = '20ms'"))
            db.session.execute(text("select 1 from villages where id = :id for update"), {"id": first})
            if len(tries) <= 2:
                both_have_one.wait(5)
            db.session.execute(text("select 1 from villages where id = :id for update"), {"id": second})
            add_town(name)

        lock_two()

    with ThreadPoolExecutor(2) as threads:
        work = [
            threads.submit(_in_context, app, lambda: cross(one.id, other.id, "there")),
            threads.submit(_in_context, app, lambda: cross(other.id, one.id, "back")),
        ]
        [done.result() for done in work]
    assert {"there", "back"} <= set(town_names())
    assert len(tries) == 3, "one of them was the deadlock's victim and went again"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_act_waits_for_a_busy_sqlite_and_goes_again(app: Flask, impatient: None, database: TestDatabase) -> None:
    tries = _count_begins()
    with closing(connect(database)) as somebody:
        somebody.execute("begin immediate")
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(_in_context, app, lambda: act(add_town)())
            give_up_at = time.monotonic() + 5
            while len(tries) < 3 and time.monotonic() < give_up_at:
                time.sleep(0.001)
            somebody.execute("rollback")
            waiting.result()
    assert len(tries) >= 3
    assert town_names() == ["滑石乡"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_sqlite_that_stays_busy_is_given_up_after_a_bounded_number_of_tries(app: Flask, impatient: None, database: TestDatabase) -> None:
    tries = _count_begins()
    with closing(connect(database)) as somebody:
        somebody.execute("begin immediate")
        with pytest.raises(OperationalError, match="database is locked"):
            act(add_town)()
        somebody.execute("rollback")
    assert len(tries) == MOST_TRIES
    act(add_town)()
    assert town_names() == ["滑石乡"]


@pytest.fixture
def impatient(app: Flask) -> Iterator[None]:
    """A SQLite that waits for nobody, so that the act's own patience is seen."""

    def hurry(dbapi: sqlite3.Connection, _record: object) -> None:
        dbapi.execute("pragma busy_timeout=1")

    db.engine.dispose()
    event.listen(db.engine, "connect", hurry)
    yield
    event.remove(db.engine, "connect", hurry)
    db.engine.dispose()


def _count_begins() -> list[str]:
    """Grows by one whenever a writing transaction is asked for."""
    begins: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement == "BEGIN IMMEDIATE":
            begins.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    return begins


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT, sqlite3.SQLITE_LOCKED])
def test_every_kind_of_busy_is_worth_another_try_and_a_full_disk_is_not(code: int) -> None:
    assert extensions._is_worth_another_try(_sqlite_error(code))
    assert not extensions._is_worth_another_try(_sqlite_error(sqlite3.SQLITE_FULL))


def _sqlite_error(code: int) -> DBAPIError:
    error = sqlite3.OperationalError("scripted")
    error.sqlite_errorcode = code
    return OperationalError("", {}, error)


def test_threads_that_read_and_then_add_one_lose_nothing(app: Flask) -> None:
    """Twelve threads add one to the same row ten times each, after a read in the same session: 120 (PROVED, "Beginning a transaction")."""
    village = make_village()

    @act
    def add_one() -> None:
        db.session.execute(update(Town).where(Town.id == village.town_id).values(latitude=func.coalesce(Town.latitude, 0) + 1))

    def work() -> None:
        for _ in range(10):
            db.session.scalar(select(Town.latitude))  # a page that was read before
            add_one()

    with ThreadPoolExecutor(12) as threads:
        [done.result() for done in [threads.submit(_in_context, app, work) for _ in range(12)]]
    with reading() as session:
        assert session.scalar(select(Town.latitude)) == 120


def _in_context(app: Flask, work: Callable[[], None]) -> None:
    """What a thread does, as a request would: in an app context of its own."""
    with app.app_context():
        work()


# ── Tests do not see each other's rows ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_whatever_the_last_test_left_the_next_begins_with_an_empty_database(app: Flask, database: TestDatabase, turn: int) -> None:
    """Rows, ids, open transactions and dropped triggers of one turn are not there in the next."""
    assert town_names() == []
    act(add_town)()
    triggers, on_table = (
        ("sqlite_master where type = 'trigger'", "") if dialect() == "sqlite" else ("pg_trigger where not tgisinternal", " on postings")
    )
    with reading() as session:
        assert session.scalar(select(Town.id)) == 1, "ids are counted from one again"
        assert int(session.scalar(text(f"select count(*) from {triggers}")) or 0) > 10
        standing = "tgname" if on_table else "name"
        assert session.scalar(text(f"select count(*) from {triggers} and {standing} = 'postings_no_update'")) == 1
    if turn == 2:
        act(lambda: db.session.execute(text(f"drop trigger postings_no_update{on_table}")))()
    forgotten = connect(database)  # somebody's transaction that is never ended, by which the row is locked
    forgotten.execute("begin")
    forgotten.execute("update towns set name = 'forgotten'")
    _forgotten.append(forgotten)


_forgotten: list[psycopg.Connection | sqlite3.Connection] = []


def connect(database: TestDatabase) -> psycopg.Connection | sqlite3.Connection:
    """A connection past the shop's own."""
    if database.dialect == "sqlite":
        return sqlite3.connect(database.url().removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    return psycopg.connect(database.url().replace("+psycopg", ""), autocommit=True)


@pytest.fixture(scope="module", autouse=True)
def _close_forgotten() -> Iterator[None]:
    yield
    for connection in _forgotten:
        connection.close()
