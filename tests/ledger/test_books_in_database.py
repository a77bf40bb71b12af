"""The database itself keeps the books: what is unbalanced, empty, stray, late or orphaned is refused, and nothing is ever changed or deleted.

Everything here speaks SQL past the shop's own code, as a careless script or a thief would.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, create_engine, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from config import ROOT, Config
from shop.acts.refund_order import RefundWanted, refund_order
from shop.app import create_app
from shop.extensions import act, db, dialect, prepare_engine, put_in, reading
from shop.kit.ids import AccountId, EntryId, new_entry_id
from shop.ledger import triggers
from shop.ledger.models import Account, AccountKind, Entry, EntryKind, Posting
from shop.origin.models import Town
from shop.reports.verify import verify
from tests.database import TestDatabase, postgresql_database
from tests.factories import NOW, make_cooperative, make_lot, make_product, make_village, make_villages
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, picks_of

TODAY = NOW.date()
MIGRATIONS = ROOT / "migrations" / "versions"


# ── Writing past the shop's code ──────────────────────────────────────────────────────────────────────────────────────


@act
def two_accounts() -> tuple[AccountId, AccountId]:
    """Money at a provider, and money that no order explains."""
    rows = [{"code": "clearing/test", "kind": AccountKind.CLEARING}, {"code": "unallocated/test", "kind": AccountKind.UNALLOCATED}]
    first, second = (
        db.session.scalar(insert(Account).values(**row, cooperative_id=None, village_id=None).returning(Account.id)) for row in rows
    )
    assert first is not None and second is not None
    return AccountId(first), AccountId(second)


def posting(entry_id: EntryId, seq: int, account_id: AccountId, amount_fen: int, currency: str = "CNY") -> dict[str, object]:
    return {
        "entry_id": entry_id,
        "seq": seq,
        "account_id": account_id,
        "currency": currency,
        "amount_fen": amount_fen,
        "business_day": TODAY,
    }


def put_entry(entry_id: EntryId) -> None:
    db.session.execute(
        insert(Entry).values(
            id=entry_id,
            kind=EntryKind.RECEIPT,
            once=f"test:{entry_id}",
            subject="test",
            reverses_id=None,
            posted_at=NOW,
            business_day=TODAY,
        )
    )


@act
def book(entry_id: EntryId, *statements: Sequence[Mapping[str, object]], close: bool = True) -> EntryId:
    """Postings, one statement for each list, and last the entry."""
    for rows in statements:
        put_in(Posting, rows)
    if close:
        put_entry(entry_id)
    return entry_id


@act
def execute(sql: str, **values: object) -> int:
    return db.session.execute(text(sql), values).rowcount  # type: ignore[attr-defined]  # a cursor's result has it


def count_of(table: str) -> int:
    with reading() as session:
        return int(session.scalar(text(f"select count(*) from {table}")) or 0)


@contextmanager
def refused(message: str) -> Iterator[None]:
    """The database says no in these words, and nothing of it stays."""
    before = count_of("postings"), count_of("entries")
    with pytest.raises(IntegrityError, match=message):
        yield
    assert (count_of("postings"), count_of("entries")) == before


@pytest.fixture
def accounts(app: Flask) -> tuple[AccountId, AccountId]:
    return two_accounts()


@pytest.fixture
def booked(accounts: tuple[AccountId, AccountId]) -> EntryId:
    """One entry of ¥1.00 that stands."""
    entry_id = new_entry_id()
    return book(entry_id, [posting(entry_id, 1, accounts[0], 100), posting(entry_id, 2, accounts[1], -100)])


# ── What may not go in ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_balanced_entry_goes_in(booked: EntryId) -> None:
    assert (count_of("postings"), count_of("entries")) == (2, 1)


def test_an_unbalanced_entry_is_refused(accounts: tuple[AccountId, AccountId]) -> None:
    entry_id = new_entry_id()
    with refused("entry does not balance"):
        book(entry_id, [posting(entry_id, 1, accounts[0], 100), posting(entry_id, 2, accounts[1], -99)])


def test_an_entry_that_balances_only_across_currencies_is_refused(accounts: tuple[AccountId, AccountId]) -> None:
    entry_id = new_entry_id()
    with refused("entry does not balance"):
        book(entry_id, [posting(entry_id, 1, accounts[0], 100), posting(entry_id, 2, accounts[1], -100, "HKD")])


def test_two_entries_that_balance_only_together_are_refused(accounts: tuple[AccountId, AccountId]) -> None:
    one, other = new_entry_id(), new_entry_id()
    with refused("entry does not balance"):
        book(one, [posting(one, 1, accounts[0], 100), posting(other, 1, accounts[1], -100)])


def test_an_empty_entry_is_refused(accounts: tuple[AccountId, AccountId]) -> None:
    with refused("entry has no postings"):
        book(new_entry_id())


def test_a_posting_of_nothing_is_refused(accounts: tuple[AccountId, AccountId]) -> None:
    entry_id = new_entry_id()
    with refused("ck_postings_amount"):
        book(entry_id, [posting(entry_id, 1, accounts[0], 0)])


def test_postings_without_an_entry_are_refused_at_commit(accounts: tuple[AccountId, AccountId]) -> None:
    entry_id = new_entry_id()
    with refused("(?i)foreign key"):
        book(entry_id, [posting(entry_id, 1, accounts[0], 100), posting(entry_id, 2, accounts[1], -100)], close=False)


def test_a_stray_posting_of_an_unknown_account_is_refused(accounts: tuple[AccountId, AccountId]) -> None:
    entry_id, nobody = new_entry_id(), AccountId(10**9)
    with refused("(?i)foreign key"):
        book(entry_id, [posting(entry_id, 1, nobody, 100), posting(entry_id, 2, accounts[1], -100)])


@pytest.mark.parametrize("amounts", [(7,), (7, -7)], ids=["unbalanced", "balanced"])
def test_postings_that_come_after_their_entry_are_refused(
    booked: EntryId, accounts: tuple[AccountId, AccountId], amounts: tuple[int, ...]
) -> None:
    late = [posting(booked, seq, accounts[seq % 2], amount) for seq, amount in enumerate(amounts, start=3)]
    with refused("entry is closed|entry does not balance"):
        book(booked, late, close=False)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_refuses_postings_one_by_one_because_each_statement_must_balance(accounts: tuple[AccountId, AccountId]) -> None:
    entry_id = new_entry_id()
    rows = [posting(entry_id, 1, accounts[0], 100), posting(entry_id, 2, accounts[1], -100)]

    @act
    def one_by_one() -> None:
        db.session.connection().exec_driver_sql(
            "insert into postings values (%(entry_id)s, %(seq)s, %(account_id)s, %(currency)s, %(amount_fen)s, %(business_day)s)", rows
        )
        put_entry(entry_id)

    with refused("entry does not balance"):
        one_by_one()
    with refused("entry does not balance"):
        book(entry_id, [rows[0]], [rows[1]])


def test_an_entry_of_five_thousand_postings_goes_in_by_one_statement(accounts: tuple[AccountId, AccountId]) -> None:
    entry_id = new_entry_id()
    book(entry_id, [posting(entry_id, seq, accounts[0], 1 if seq % 2 else -1) for seq in range(1, 5_001)])
    assert count_of("postings") == 5_000


def test_an_attribution_that_comes_after_its_entry_is_refused(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice)
    for _ in range(2):
        buy(provider, {rice.sku: 1})
    names = "order_id, line_id, pick_id, lot_id, source_version, cooperative_id, village_id, is_refund, grams, lot_total_fen, business_day, sold_on"
    with pytest.raises(IntegrityError, match="entry is closed"):
        execute(
            f"""insert into attributions (entry_id, amount_fen, {names})
                select (select max(entry_id) from attributions), 0, {names} from attributions where entry_id = (select min(entry_id) from attributions)"""
        )
    assert count_of("attributions") == 2


@pytest.mark.parametrize("column", ["order_id", "line_id", "lot_id", "cooperative_id", "village_id"])
def test_an_attribution_that_is_not_of_its_pick_is_refused(provider: FakeProvider, column: str) -> None:
    rice = make_product()
    (gaoba,) = make_villages("高坝田村")
    peanuts = make_product("碧江花生", village=gaoba, cooperative=make_cooperative("坝黄花生专业合作社", villages=[gaoba]))
    for goods in (rice, peanuts):
        make_lot(goods)
        buy(provider, {goods.sku: 1})
    names = [
        "order_id",
        "line_id",
        "pick_id",
        "lot_id",
        "cooperative_id",
        "village_id",
        "source_version",
        "is_refund",
        "grams",
        "lot_total_fen",
    ]
    values = ", ".join(f"other.{name}" if name == column else f"made.{name}" for name in [*names, "business_day", "sold_on"])
    with pytest.raises(IntegrityError, match="attribution is not of its pick"):
        execute(
            f"""insert into attributions (entry_id, amount_fen, {", ".join([*names, "business_day", "sold_on"])})
                select :entry, 1, {values} from attributions made join attributions other on other.id <> made.id""",
            entry=new_entry_id(),
        )
    assert count_of("attributions") == 2


# ── What may not be changed ───────────────────────────────────────────────────────────────────────────────────────────

BOOKS = ("entries", "postings", "attributions")
HISTORY = ("movements", "audit_rows", "order_events", "lot_sources")
_SOME_COLUMN = {
    "entries": "subject",
    "postings": "amount_fen",
    "attributions": "amount_fen",
    "movements": "held_after",
    "audit_rows": "action",
    "order_events": "kind",
    "lot_sources": "grams",
}


@pytest.fixture
def history(provider: FakeProvider) -> None:
    """A shop in which something has happened, so that there is something to change."""
    rice = make_product()
    make_lot(rice)
    buy(provider, {rice.sku: 1})
    execute("insert into audit_rows (at, action, subject, facts) values (:at, 'test', 'test', '{}')", at=NOW.isoformat(" "))


@pytest.mark.parametrize("table", BOOKS + HISTORY)
def test_what_is_written_stays_as_it_is(history: None, table: str) -> None:
    before = rows_of(table)
    assert before
    for sql in (f"update {table} set {_SOME_COLUMN[table]} = {_SOME_COLUMN[table]}", f"delete from {table}"):
        with pytest.raises(IntegrityError, match=f"{table} are never changed or deleted"):
            execute(sql)
    assert rows_of(table) == before


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", BOOKS + HISTORY)
def test_postgresql_does_not_truncate_what_is_written(history: None, table: str) -> None:
    before = rows_of(table)
    with pytest.raises(IntegrityError, match="are never changed or deleted"):
        execute(f"truncate {table} cascade")
    assert rows_of(table) == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", BOOKS + HISTORY)
def test_sqlite_does_not_replace_what_is_written(history: None, table: str) -> None:
    before = rows_of(table)
    with pytest.raises(IntegrityError, match=r"are never changed or deleted|entry is closed"):
        execute(f"replace into {table} select * from {table}")
    assert rows_of(table) == before


def test_a_closed_entry_is_not_written_a_second_time(booked: EntryId) -> None:
    with refused("(?i)unique|never changed"):
        book(booked)


def rows_of(table: str) -> list[tuple[object, ...]]:
    with reading() as session:
        return sorted((tuple(row) for row in session.execute(text(f"select * from {table}"))), key=str)


# ── The triggers that stand are the triggers that are meant (editions: tests/reports/test_editions.py) ─────────────────


def migrations() -> Iterator[ModuleType]:
    """All migrations, in the order of their names."""
    for path in sorted(MIGRATIONS.glob("*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


@pytest.mark.parametrize("name", ["SQLITE", "POSTGRESQL_FUNCTIONS", "POSTGRESQL_TRIGGERS"])
def test_the_migrations_make_the_triggers_that_verify_expects(name: str) -> None:
    made: dict[str, str] = {}
    for migration in migrations():
        made |= getattr(migration, name, {})
        for gone in getattr(migration, "POSTGRESQL_DROPPED", ()) if name.startswith("POSTGRESQL") else ():
            made.pop(gone, None)
    assert made == getattr(triggers, name)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_on_sqlite_exactly_these_triggers_stand(app: Flask) -> None:
    with reading() as session:
        standing = dict(
            session.execute(text("select name, sql from sqlite_master where type = 'trigger' and name not like '%turn_edition%'")).all()
        )
    assert standing == triggers.SQLITE


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_on_postgresql_exactly_these_triggers_and_functions_stand(app: Flask) -> None:
    with reading() as session:
        standing = session.execute(
            text(
                "select tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal and tgenabled = 'O' and tgname not like '%turn_edition'"
            )
        ).all()
        functions = session.execute(
            text(
                "select proname, prosrc, proconfig::text from pg_proc where pronamespace = 'public'::regnamespace and prorettype = 'trigger'::regtype"
                " and proname <> 'turn_edition'"
            )
        ).all()
    definitions = {name: text_.replace("public.", "").split(f"CREATE TRIGGER {name} ")[1] for name, text_ in standing}
    assert definitions == triggers.POSTGRESQL_TRIGGERS
    assert {name: body for name, body, _ in functions} == triggers.POSTGRESQL_FUNCTIONS
    by_key = ",enable_hashjoin=off,enable_mergejoin=off,enable_seqscan=off"
    assert {name: settings for name, _, settings in functions} == {
        name: '{"search_path=\\"$user\\", public"' + (by_key if name in triggers.POSTGRESQL_BY_KEY else "") + "}"
        for name in triggers.POSTGRESQL_FUNCTIONS
    }, "each function finds its own schema's tables, and the books' own by their keys"


def drop() -> None:
    execute("drop trigger postings_no_update" + (" on postings" if dialect() == "postgresql" else ""))


def loosen() -> None:
    if dialect() == "postgresql":
        execute("create or replace function history_stands() returns trigger language plpgsql as 'begin return null; end'")
    else:
        drop()
        execute("create trigger postings_no_update before update on postings when new.amount_fen > 5 begin select raise(abort, 'no'); end")


def switch_off() -> None:
    """SQLite cannot switch a single trigger off; there it goes away."""
    if dialect() == "postgresql":
        execute("alter table postings disable trigger postings_no_update")
    else:
        drop()


@pytest.mark.parametrize("meddle", [drop, loosen, switch_off])
def test_verify_sees_a_trigger_that_was_meddled_with(app: Flask, meddle: Callable[[], None]) -> None:
    meddle()
    with reading():
        assert [check.name for check in verify() if not check.ok] == ["triggers_stand"]


# ── Migrations = models ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_migrations_make_what_the_models_say(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_the_migrations_make_the_models_checks_keys_and_indexes_too(app: Flask, database: TestDatabase, tmp_path: Path) -> None:
    migrated = shape_of(db.engine)
    with an_empty_engine(database, tmp_path) as engine:
        db.metadata.create_all(engine)
        made = shape_of(engine)
    migrated.pop("alembic_version")
    assert migrated == made


@contextmanager
def an_empty_engine(database: TestDatabase, folder: Path) -> Iterator[Engine]:
    """An empty database of the same kind, without the shop's own ways of beginning a transaction."""
    with ExitStack() as stack:
        url = (
            f"sqlite:///{folder / 'made.sqlite'}"
            if database.dialect == "sqlite"
            else stack.enter_context(postgresql_database("made_by_models"))
        )
        engine = create_engine(url)
        stack.callback(engine.dispose)
        yield engine


def shape_of(engine: Engine) -> dict[str, dict[str, object]]:
    """Everything that the inspector can tell about every table, in an order that does not matter."""
    inspector = inspect(engine)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"]) for column in inspector.get_columns(table)
            },
            "primary": inspector.get_pk_constraint(table),
            "foreign": sorted(inspector.get_foreign_keys(table), key=str),
            "unique": sorted(inspector.get_unique_constraints(table), key=str),
            "checks": sorted((str(check["name"]), check["sqltext"]) for check in inspector.get_check_constraints(table)),
            "indexes": sorted(
                (str(index["name"]), index["column_names"], index["unique"], _where(index)) for index in inspector.get_indexes(table)
            ),
        }
        for table in inspector.get_table_names()
    }


def _where(index: Mapping[str, object]) -> list[str]:
    """A partial index's condition."""
    options = index.get("dialect_options", {})
    assert isinstance(options, dict)
    return [str(value) for name, value in options.items() if name.endswith("_where")]


# ── In a schema of its own (PostgreSQL) ───────────────────────────────────────────────────────────────────────────────


def app_in_schema(schema: str, url: str, folder: Path) -> Flask:
    """A migrated shop of which everything lives in `schema`."""
    environ = {"SHOP_INSTANCE_PATH": str(folder), "SHOP_DATABASE_URL": url, "SHOP_DATABASE_SCHEMA": schema}
    app = create_app(Config.from_environment(environ), TESTING=True, RATELIMIT_ENABLED=False)
    with app.app_context():
        upgrade()
    return app


@pytest.fixture
def two_counties(tmp_path: Path) -> Iterator[tuple[Flask, Flask]]:
    """Two shops in two schemas of one database, whose connections come from one pool of two."""
    with postgresql_database("two_counties") as url:
        apps = app_in_schema("bijiang", url, tmp_path), app_in_schema("yinjiang", url, tmp_path)
        pool = create_engine(url, pool_size=2, max_overflow=0, connect_args={"prepare_threshold": None})
        prepare_engine(pool)
        for app in apps:
            with app.app_context():
                db.engine.dispose()
                db.engines[None] = pool
        yield apps
        pool.dispose()


def test_everything_lives_in_its_schema_and_nothing_in_public(two_counties: tuple[Flask, Flask]) -> None:
    app, other = two_counties
    provider = FakeProvider()
    app.extensions["payment_providers"] = {"stripe": provider}
    with app.app_context():
        rice = make_product()
        make_lot(rice, sources=[(make_village(), 700_000), (make_village("高坝田村"), 300_000)])
        bought = buy(provider, {rice.sku: 2})
        one, *_ = picks_of(bought.number)
        refund_order(bought.number, RefundWanted(units={one.id: 1}, restock=True), once="one", by=None, now=NOW)
        assert_books_are_sound()
        with reading() as session:
            in_public = text("select relname from pg_class where relnamespace = 'public'::regnamespace")
            assert session.scalars(in_public).all() == []
            assert session.scalars(text("select proname from pg_proc where pronamespace = 'public'::regnamespace")).all() == []
            assert session.scalar(text("select count(*) from bijiang.entries")) == 2
            assert session.scalar(text("select count(*) from yinjiang.entries")) == 0
            assert session.scalar(text("select count(*) from yinjiang.villages")) == 0
    with other.app_context():
        assert_books_are_sound()


def test_the_triggers_of_a_schema_look_into_their_own_tables(two_counties: tuple[Flask, Flask]) -> None:
    app, other = two_counties
    entry_id = new_entry_id()
    with app.app_context():
        first, second = two_accounts()
        book(entry_id, [posting(entry_id, 1, first, 100), posting(entry_id, 2, second, -100)])
    with other.app_context():
        first, second = two_accounts()
        with pytest.raises(IntegrityError, match="entry has no postings"):
            book(entry_id)
        book(entry_id, [posting(entry_id, 1, first, 5), posting(entry_id, 2, second, -5)])
        with reading() as session:
            session.execute(text("set local search_path = ''"))  # whatever somebody's session says, a trigger finds its own schema
            with pytest.raises(IntegrityError, match="are never changed or deleted"):
                session.execute(text("delete from bijiang.entries"))


def test_two_schemas_share_a_pool_and_nothing_leaks(two_counties: tuple[Flask, Flask]) -> None:
    """Sixteen threads change counties again and again over two connections; each village must arrive in its own (PROVED; ARCHITECTURE)."""
    counties = dict(zip(("bijiang", "yinjiang"), two_counties, strict=True))

    def work(turn: int) -> list[str]:
        wrong = []
        for county, app in counties.items() if turn % 2 else reversed(counties.items()):
            with app.app_context():
                add_town(f"{county} {turn}", f"{turn:09d}")
                with reading() as session:
                    wrong += [name for name in session.scalars(select(Town.name)) if not name.startswith(county)]
                with reading() as session:
                    here = session.scalar(text("select current_schema()"))
                    wrong += [] if here == county else [f"{here} instead of {county}"]
        return wrong

    with ThreadPoolExecutor(16) as threads:
        assert [name for wrong in threads.map(work, range(120)) for name in wrong] == []
    for county, app in counties.items():
        with app.app_context(), reading() as session:
            assert sorted(session.scalars(select(Town.name))) == sorted(f"{county} {turn}" for turn in range(120))


@act
def add_town(name: str, code: str) -> None:
    values = {"name": name, "code": code, "short_name": name[:10], "name_en": name, "county_code": "520602", "county_name": "碧江区"}
    db.session.execute(insert(Town).values(**values, latitude=None, longitude=None))
