"""What every test may ask for. `app` and `client` run a test twice, on SQLite and on PostgreSQL, each time on an empty database."""

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings

from shop.accounts import passwords
from tests import racers
from tests.database import SERVER_VARIABLE, TestDatabase, postgresql_server, room_in_memory
from tests.providers import FakeProvider
from tests.sandboxes import Sandbox, running_sandbox

_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
settings.register_profile("quick", _PATIENT, max_examples=30)
settings.register_profile("soak", _PATIENT, max_examples=1_000)
settings.load_profile("quick")

_open = ExitStack()
"""What has to be ended with the run: the server, folders in memory."""
_databases: dict[str, TestDatabase] = {}

# The shop's own hasher is slow on purpose (tests/test_passwords.py).
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
passwords._NOBODY = passwords._hasher.hash("nobody has this password")


def pytest_configure(config: pytest.Config) -> None:
    """One PostgreSQL for the whole run; workers find it in their environment."""
    is_worker = hasattr(config, "workerinput")
    if not is_worker and not config.option.collectonly:
        os.environ[SERVER_VARIABLE] = _open.enter_context(postgresql_server())


def pytest_collection_finish() -> None:
    """What is there by now stays: the collector need not look at it again and again (a twentieth of the run)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server that this run started, and the processes that raced."""
    racers.end_racing()
    _open.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> TestDatabase:
    """The kind of database this test runs on; made once, however often the tests go from one to the other."""
    if request.param not in _databases:
        folder: Path = _open.enter_context(room_in_memory(tmp_path_factory.mktemp(request.param)))
        compiled = tmp_path_factory.getbasetemp().parent / "templates"
        compiled.mkdir(exist_ok=True)
        _databases[request.param] = TestDatabase(request.param, folder, worker_id, compiled)
    return _databases[request.param]


@pytest.fixture
def app(database: TestDatabase) -> Iterator[Flask]:
    """The shop on an empty, migrated database, with its app context pushed."""
    database.renew()
    with database.app.app_context():
        yield database.app


@pytest.fixture
def provider(app: Flask) -> Iterator[FakeProvider]:
    """A payment provider in memory, in Stripe's place."""
    before = app.extensions["payment_providers"]
    fake = FakeProvider()
    app.extensions["payment_providers"] = before | {"stripe": fake}
    yield fake
    app.extensions["payment_providers"] = before


@pytest.fixture
def sandbox(app: Flask) -> Iterator[Sandbox]:
    """The pretend Stripe on a loopback port, in Stripe's place."""
    before = app.extensions["payment_providers"]
    with running_sandbox() as running:
        app.extensions["payment_providers"] = before | {"stripe": running.gateway}
        yield running
    app.extensions["payment_providers"] = before


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody's browser."""
    return app.test_client()


@pytest.fixture
def now() -> datetime:
    """An ordinary Monday morning in Shanghai."""
    return datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
