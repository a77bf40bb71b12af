"""What every test may ask for. `app` and `client` run a test twice, on SQLite and on PostgreSQL, each time on an empty database."""

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
from tests.database import SERVER_VARIABLE, TestDatabase, postgresql_server
from tests.providers import FakeProvider
from tests.sandboxes import Sandbox, running_sandbox

settings.register_profile(
    "quick", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
settings.load_profile("quick")

_servers = ExitStack()

# The shop's own hasher is slow on purpose (tests/test_passwords.py).
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
passwords._NOBODY = passwords._hasher.hash("nobody has this password")


def pytest_configure(config: pytest.Config) -> None:
    """One PostgreSQL for the whole run; workers find it in their environment."""
    is_worker = hasattr(config, "workerinput")
    if not is_worker and not config.option.collectonly:
        os.environ[SERVER_VARIABLE] = _servers.enter_context(postgresql_server())


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server that this run started, and the processes that raced."""
    racers.end_racing()
    if not hasattr(config, "workerinput"):
        _servers.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> TestDatabase:
    """The kind of database this test runs on."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    return TestDatabase(request.param, folder, worker_id)


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
