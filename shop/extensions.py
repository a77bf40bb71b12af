"""The database handle and the one way to write to it.

Law: an act is one function and one transaction. `commit(` appears once in `shop/`, and it is here.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import psycopg
from flask import current_app
from flask_babel import Babel
from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    TextClause,
    UniqueConstraint,
    bindparam,
    event,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.types import TypeDecorator

from shop.kit.bulk import as_json, insert_rows
from shop.kit.quick import QuickSession

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table's base: constraints have names, so that migrations and errors can speak of them."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base, session_options={"class_": QuickSession})
migrate = Migrate()
login_manager = LoginManager()
babel = Babel()
csrf = CSRFProtect()
compress = Compress()
limiter = Limiter(key_func=get_remote_address)

if TYPE_CHECKING:
    Model = Base  # `db.Model` is built at run time; a type checker sees its base
else:
    Model = db.Model

BigId = BigInteger().with_variant(Integer, "sqlite")
"""The type of a row's own id: SQLite numbers rows only in a column declared INTEGER."""


PERSONAL = {"personal": True}
"""`info` of a column that says something of a person: emptied when the person is forgotten (shop/acts/personal_data.py)."""

SECRET = {"secret": True}
"""`info` of a column that opens something: it stands in no copy of a person's data."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime: `timestamptz` on PostgreSQL, UTC text on SQLite. A naive one is a programming mistake."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC on the way in."""
        if value is None:
            return None
        assert value.tzinfo is not None, "an instant is always aware"
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def choice(members: type[StrEnum], name: str) -> Enum:
    """A text column that holds one of an enum's values, with a CHECK of its own on both databases."""
    return Enum(
        members,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=24,
        values_callable=lambda kind: [member.value for member in kind],
    )


# ── Acts ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

P = ParamSpec("P")
R = TypeVar("R")

MOST_TRIES = 12
_LONGEST_PAUSE_SECONDS = 0.25

_current_act: ContextVar[str | None] = ContextVar("current_act", default=None)


def act(function: Callable[P, R]) -> Callable[P, R]:
    """Make `function` one transaction: begun for writing, committed at its end, run again whole when the database asks for it.

    An act takes ids, not loaded rows, and returns frozen values. It is run again, at most `MOST_TRIES` times with jitter, after a
    serialization failure, a deadlock or a busy SQLite; any other error rolls back and goes to the caller. An act inside an act is a
    programming mistake.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        running = _current_act.get()
        assert running is None, f"{function.__name__} is an act inside the act {running}"
        for attempt in range(1, MOST_TRIES + 1):
            token = _current_act.set(function.__name__)
            try:
                session = _begin_writing()
                result = function(*args, **kwargs)
                session.commit()
                return result
            except DBAPIError as error:
                db.session.rollback()
                if attempt == MOST_TRIES or not _is_worth_another_try(error):
                    raise
            except BaseException:  # whatever stops an act, nothing half-written may stay
                db.session.rollback()
                raise
            finally:
                _current_act.reset(token)
                db.session.close()
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, 0.005 * 2**attempt)))
        raise AssertionError("unreachable: the last try returns or raises")

    return run


def require_transaction() -> None:
    """A step may run only inside an act; asserts so."""
    assert _current_act.get() is not None, "a step was called outside an act"


def require_no_transaction() -> None:
    """What talks to the network may not run inside an act or with a transaction open; asserts so."""
    assert _current_act.get() is None, f"the network was asked inside the act {_current_act.get()}"
    assert not db.session().in_transaction(), "the network was asked with a transaction open"


@contextmanager
def trying() -> Iterator[None]:
    """Step. A part of an act that may be refused and undone without ending the act."""
    require_transaction()
    with db.session.begin_nested():
        yield


def end_reading() -> None:
    """Close the transaction that reading opened, before a course goes to the network. Loaded rows are no longer attached."""
    assert _current_act.get() is None, "an act ends by itself"
    db.session.close()


@contextmanager
def reading() -> Iterator[Session]:
    """A session for a read outside a request (worker, commands, tests); closed at the end so that no transaction stays open."""
    try:
        yield db.session()
    finally:
        db.session.close()


@contextmanager
def snapshot() -> Iterator[Session]:
    """A read that sees one moment, however many statements it takes and whatever others write meanwhile. Ends the read that was open."""
    assert _current_act.get() is None, "an act reads in its own transaction"
    session = db.session()
    session.close()
    session.connection(execution_options=_ONE_MOMENT[dialect()])
    try:
        yield session
    finally:
        session.close()


def _begin_writing() -> Session:
    session = db.session()
    # Ends the request's read. A rollback would expire rows, and the next attribute would quietly open a transaction again.
    session.close()
    session.connection(execution_options=_WRITING[dialect()])
    return session


_ONE_MOMENT: dict[str, dict[str, object]] = {
    "sqlite": {},  # every transaction of SQLite's sees one moment
    "postgresql": {"isolation_level": "REPEATABLE READ"},
}
_WRITING: dict[str, dict[str, object]] = {
    "sqlite": {"shop_write": True},  # the engine's `begin` event says BEGIN IMMEDIATE
    "postgresql": {"shop_write": True, "isolation_level": "READ COMMITTED"},  # reads run without a transaction (config.py)
}


_RETRIED_SQLSTATES = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available (PostgreSQL, appendix A)


def _is_worth_another_try(error: DBAPIError) -> bool:
    original = error.orig
    sqlstate = getattr(original, "sqlstate", None)
    if sqlstate is not None:
        return sqlstate in _RETRIED_SQLSTATES
    if isinstance(original, sqlite3.OperationalError):
        # SQLITE_BUSY and its extended kinds share the low byte 5 (sqlite.org/rescode.html); SQLITE_LOCKED is 6.
        return (getattr(original, "sqlite_errorcode", 0) & 0xFF) in {5, 6}
    return False


def violated(error: DBAPIError, constraint: str) -> bool:
    """Whether `error` is the violation of the unique key or check named `constraint`, on either database.

    PostgreSQL names the constraint. SQLite names a check, but a unique key only by its columns; those are looked up in the models.
    """
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return bool(diagnosis.constraint_name == constraint)
    message = str(error.orig)
    if message == f"CHECK constraint failed: {constraint}":
        return True
    columns = _unique_columns().get(constraint)
    return columns is not None and message == f"UNIQUE constraint failed: {columns}"


@cache
def _unique_columns() -> dict[str, str]:
    """Of every unique key its columns, written as SQLite writes them."""
    found: dict[str, str] = {}
    for table in db.metadata.tables.values():
        keys: list[UniqueConstraint | Index] = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
        keys += [index for index in table.indexes if index.unique]
        found |= {str(key.name): ", ".join(f"{table.name}.{column.name}" for column in key.columns) for key in keys}
    return found


def row_as(made: Callable[..., R], row: Sequence[object]) -> R:
    """A row as a frozen value whose fields stand in the order of the columns; ids get their own types by it, which columns cannot say."""
    return made(*row)


def rows_as(made: Callable[..., R], rows: Iterable[Sequence[object]]) -> list[R]:
    """Rows as frozen values; see `row_as`."""
    return [made(*row) for row in rows]


def table_of(model: type[Base]) -> Table:
    """A model's table, for statements that need nothing of the ORM."""
    return cast(Table, model.__table__)


def fields_of(made: type, model: type[Base]) -> list[ColumnElement[Any]]:  # Any: as for `columns_of`
    """The columns that a frozen value's fields are named after, in their order; see `row_as`."""
    return [table_of(model).c[field.name] for field in fields(made)]


def columns_of(model: type[Base]) -> ReadOnlyColumnCollection[str, Column[Any]]:  # Any: a table does not know its columns' types
    """A model's columns as plain SQL. The acts' statements are made of them once, when a module is read: built anew for each call, and
    through the ORM, a statement costs five times as much (0.47 against 0.09 ms measured), and a purchase runs about fifty."""
    return table_of(model).c


@cache
def sql(words: str) -> TextClause:
    """Plain SQL, read once."""
    return text(words)


def dialect() -> str:
    """`sqlite` or `postgresql`: where a statement has to be written twice."""
    return db.session().get_bind().dialect.name


def put_in(model: type[Base], rows: Sequence[Mapping[str, object]]) -> None:
    """Step. Insert `rows`, which all name the same columns, by one statement of constant text; column defaults do not apply."""
    require_transaction()
    if rows:
        statement = insert_rows(table_of(model), tuple(rows[0]), dialect())
        db.session.execute(statement, {"rows": as_json(rows, dialect())})


def put_in_returning(
    model: type[Base], rows: Sequence[Mapping[str, object]], returning: tuple[str, ...]
) -> Sequence[Row[Any]]:  # Any: as above
    """Step. As `put_in`, and these columns of every new row, in no order that could be relied on: say one that tells them apart."""
    require_transaction()
    if not rows:
        return []
    statement = insert_rows(table_of(model), tuple(rows[0]), dialect(), returning)
    return db.session.execute(statement, {"rows": as_json(rows, dialect())}).all()


def lock_in_order(model: type[Base], ids: Iterable[int]) -> None:
    """Step. Lock rows by id, smallest first, so that two acts never wait for each other crosswise.

    On SQLite nothing is needed: an act is the only writer from its first statement.
    """
    require_transaction()
    if dialect() == "postgresql":
        db.session.execute(_lock_by_id(model), {"ids": sorted(set(ids))})


@cache
def _lock_by_id(model: type[Base]) -> Select[int]:
    id_column = columns_of(model).id
    return select(id_column).where(id_column.in_(bindparam("ids", expanding=True))).order_by(id_column).with_for_update()


# ── Connections ───────────────────────────────────────────────────────────────────────────────────────────────────────

_STATEMENTS_KEPT = 500
"""Prepared statements that a PostgreSQL connection remembers: as many as the shop has, and lists of several lengths."""

_SQLITE_PRAGMAS = ("foreign_keys=ON", "journal_mode=WAL", "recursive_triggers=ON", "busy_timeout=5000", "synchronous=FULL")


def prepare_engine(engine: Engine) -> None:
    """Make an engine begin as the house wants: on SQLite we say BEGIN ourselves, IMMEDIATE for an act (PROVED, "Beginning a transaction")."""
    if engine.dialect.name == "postgresql":

        @event.listens_for(engine, "connect")
        def keep_statements(dbapi: psycopg.Connection, _record: object) -> None:
            dbapi.prepared_max = _STATEMENTS_KEPT

        return

    @event.listens_for(engine, "connect")
    def connect(dbapi: sqlite3.Connection, _record: object) -> None:
        dbapi.isolation_level = None  # pysqlite must not begin on its own
        for pragma in _SQLITE_PRAGMAS:
            dbapi.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("shop_write") else "BEGIN")


_SET_SCHEMA = text("select set_config('search_path', :schema, true)")


def _set_schema(_session: Session, _transaction: object, connection: Connection) -> None:
    """On PostgreSQL, choose `SHOP_DATABASE_SCHEMA` in every transaction, reads too; chosen per session it would leak through a pool (ARCHITECTURE)."""
    if schema := current_app.config.get("SHOP_DATABASE_SCHEMA"):
        connection.execute(_SET_SCHEMA, {"schema": schema})


event.listen(db.session, "after_begin", _set_schema)


def database_answers() -> bool:
    """Whether the database can be asked at all."""
    try:
        db.session.execute(text("select 1"))
    except DBAPIError:
        return False
    return True
