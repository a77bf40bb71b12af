"""Migrations meet a shop that has been selling: its rows, as the first version wrote them, come through every later one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Connection, Date, DateTime, MetaData, Table, func, insert, select, text

from config import ROOT, Config
from shop.app import create_app
from shop.extensions import db, reading
from shop.ledger.models import Attribution, Entry, Posting
from shop.orders.models import Order
from shop.orders.states import OrderState
from tests.database import TestDatabase, postgresql_database
from tests.shopping import assert_books_are_sound

GROUND = "20261123_the_ground"
ROWS = json.loads((ROOT / "tests" / "ground_rows.json").read_text(encoding="utf-8"))
"""Every table's rows after an offline sale of a blended lot, a partial return of it, three online orders (one refunded in part, one not paid yet)
and a basket; written out by the code of that day."""


@contextmanager
def a_shop_of_the_first_version(database: TestDatabase, folder: Path) -> Iterator[Flask]:
    with postgresql_database("migrated") as postgresql_url:
        url = postgresql_url if database.dialect == "postgresql" else f"sqlite:///{folder / 'migrated.sqlite'}"
        app = create_app(Config.from_environment({"SHOP_INSTANCE_PATH": str(folder / "instance"), "SHOP_DATABASE_URL": url}), TESTING=True)
        with app.app_context():
            upgrade(revision=GROUND)
            with db.engine.connect().execution_options(shop_write=True, isolation_level=_level(database)) as connection:
                _fill(connection)
                connection.commit()
            yield app
            db.session.remove()
            db.engine.dispose()


def _level(database: TestDatabase) -> str:
    return "READ COMMITTED" if database.dialect == "postgresql" else "SERIALIZABLE"


def _fill(connection: Connection) -> None:
    """Each table by one statement, an entry's postings and attributions before the entry, as the triggers want it."""
    metadata = MetaData()
    metadata.reflect(connection)
    books = ("postings", "attributions", "entries")
    order = [table for table in metadata.sorted_tables if table.name not in books] + [metadata.tables[name] for name in books]
    for table in order:
        if rows := ROWS.get(table.name):
            connection.execute(insert(table).values([_typed(table, row) for row in rows]))
            if connection.dialect.name == "postgresql" and "id" in table.columns and table.name != "entries":
                connection.execute(text(f"select setval(pg_get_serial_sequence('{table.name}', 'id'), {max(row['id'] for row in rows)})"))


def _typed(table: Table, row: dict[str, object]) -> dict[str, object]:
    return {name: _as_column(table, name, value) for name, value in row.items()}


def _as_column(table: Table, name: str, value: object) -> object:
    """Times and days are texts in the file, and so are JSON values; truth is 0 or 1."""
    kind = table.columns[name].type
    if isinstance(value, str) and isinstance(kind, DateTime):
        return datetime.fromisoformat(f"{value}+00:00") if kind.timezone else datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(value, str) and kind.python_type in (dict, list):
        return json.loads(value)
    if kind.python_type is bool and value is not None:
        return bool(value)
    return value


def test_what_the_first_version_wrote_comes_through_every_later_migration(database: TestDatabase, tmp_path: Path) -> None:
    with a_shop_of_the_first_version(database, tmp_path):
        upgrade()
        counts = {name: len(rows) for name, rows in ROWS.items()}
        with db.engine.connect() as connection:
            found = {name: connection.scalar(text(f"select count(*) from {name}")) for name in counts}
            assert found == counts
            if database.dialect == "sqlite":
                assert connection.scalar(text("pragma integrity_check")) == "ok"
                assert connection.execute(text("pragma foreign_key_check")).all() == []
        with reading() as session:
            assert session.scalar(select(func.sum(Attribution.amount_fen))) == sum(row["amount_fen"] for row in ROWS["attributions"])
            assert session.scalar(select(func.count()).select_from(Posting)) == len(ROWS["postings"])
            states = dict(session.execute(select(Order.number, Order.state)).all())
        assert {number: state.value for number, state in states.items()} == {row["number"]: row["state"] for row in ROWS["orders"]}
        assert OrderState.AWAITING_PAYMENT in states.values()
        assert_books_are_sound()


def test_the_books_still_refuse_every_change_after_the_migrations(database: TestDatabase, tmp_path: Path) -> None:
    with a_shop_of_the_first_version(database, tmp_path):
        upgrade()
        for table in ("entries", "postings", "attributions", "movements"):
            with db.engine.connect() as connection, pytest.raises(Exception, match="are never changed or deleted"):
                connection.execute(text(f"delete from {table}"))
        with reading() as session:
            assert session.scalar(select(func.count()).select_from(Entry)) == len(ROWS["entries"])
