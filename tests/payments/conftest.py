"""Every provider with its backstage, as the contract test wants them: the provider answers the shop, the backstage plays buyer and bank."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pytest
from flask import Flask

from shop.extensions import db
from shop.payments.provider import Provider
from tests.providers import FakeProvider, Verb
from tests.sandboxes import Sandbox, running_sandbox


class Backstage(Protocol):
    """What happens to a payment while the shop does not look."""

    last_session_id: str
    last_refund_id: str

    def pay(self, session_id: str | None = None, *, method: str = "alipay") -> str: ...
    def pay_late(self, session_id: str | None = None, *, method: str = "alipay") -> str: ...
    def decline(self, session_id: str | None = None) -> str: ...
    def let_expire(self, session_id: str | None = None) -> str: ...
    def go_down(self) -> None: ...
    def come_back(self) -> None: ...
    def fail_before_acting(self, verb: Verb, times: int = 1) -> None: ...
    def fail_after_acting(self, verb: Verb, times: int = 1) -> None: ...


@dataclass(frozen=True)
class Stage:
    """A provider under test."""

    provider: Provider
    behind: Backstage


@pytest.fixture
def no_database() -> Iterator[None]:
    """An app context in which a provider can see that no transaction is open; nothing is ever connected to."""
    app = Flask("providers")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    with app.app_context():
        yield


@pytest.fixture(params=["fake", "stripe"])
def stage(request: pytest.FixtureRequest, no_database: None) -> Iterator[Stage]:
    """Every provider there is, one after the other. Add yours here."""
    if request.param == "fake":
        fake = FakeProvider()
        yield Stage(fake, fake)
    else:
        with running_sandbox() as sandbox:
            yield Stage(sandbox.gateway, sandbox)


@pytest.fixture
def pretend_stripe(no_database: None) -> Iterator[Sandbox]:
    """The sandbox alone, for what concerns Stripe alone."""
    with running_sandbox() as sandbox:
        yield sandbox
