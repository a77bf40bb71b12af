"""Every provider with its backstage, as the contract test wants them: the provider answers the shop, the backstage plays buyer and bank."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import pytest
from flask import Flask

from shop.extensions import db
from shop.payments.provider import Provider
from shop.payments.stripe.gateway import STRIPE
from tests.providers import FakeProvider, Verb
from tests.relays import pay_at_stripe, pay_at_the_sandbox, relayed
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
    method: str = "wechat_pay"
    """A way to pay that it has."""


class Ability(StrEnum):
    """What not every provider can do, or not every one can be made to do. A clause of the contract that needs it asks for the stage of that name."""

    DECLINES = "declining_stage"
    """It may say no to the buyer, who tries again on the same page. A bank transfer comes or does not come."""
    ANSWERS_BY_WIRE = "wired_stage"
    """It is asked over a network, which may be down or lose an answer. What came by transfer stands in the shop's own database."""
    PAYS_LATE = "late_stage"
    """Money can be made to come after the page has closed. Nobody can ask that of a real bank behind a card."""


@pytest.fixture
def no_database() -> Iterator[None]:
    """An app context in which a provider can see that no transaction is open; nothing is ever connected to."""
    app = Flask("providers")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    with app.app_context():
        yield


PRETENDING = ["fake", "stripe"]
"""Providers with whom anything can be played."""
STRIPE_TEST_KEY = os.environ.get("STRIPE_TEST_KEY", "")
"""A key of Stripe's real test mode (`sk_test_…`): with it the contract is played against Stripe itself, by a buyer in Chromium."""
_FOR_CERTAIN = {Ability.DECLINES, Ability.ANSWERS_BY_WIRE}
PROVIDERS: dict[str, set[Ability]] = {
    "fake": set(Ability),
    "stripe": set(Ability),
    "stripe-relayed": _FOR_CERTAIN,
    **({"stripe-test-mode": _FOR_CERTAIN} if STRIPE_TEST_KEY else {}),
}
"""Every provider that is asked over a network, and what it can do besides. Add yours here. `stripe-relayed` is the sandbox by the way that the real
test mode goes, so that the way is tested. Bank transfers, which live in the database, keep the contract in tests/payments/transfer/test_contract.py."""


def _who_can(ability: Ability) -> list[str]:
    return [name for name, abilities in PROVIDERS.items() if ability in abilities]


@pytest.fixture(params=PROVIDERS)
def stage(request: pytest.FixtureRequest, no_database: None) -> Iterator[Stage]:
    """Every provider, one after the other."""
    with _staged(request.param) as stage:
        yield stage


@pytest.fixture(params=_who_can(Ability.DECLINES))
def declining_stage(request: pytest.FixtureRequest, no_database: None) -> Iterator[Stage]:
    """Those that may say no."""
    with _staged(request.param) as stage:
        yield stage


@pytest.fixture(params=_who_can(Ability.ANSWERS_BY_WIRE))
def wired_stage(request: pytest.FixtureRequest, no_database: None) -> Iterator[Stage]:
    """Those that are asked over a network."""
    with _staged(request.param) as stage:
        yield stage


@pytest.fixture(params=_who_can(Ability.PAYS_LATE))
def late_stage(request: pytest.FixtureRequest, no_database: None) -> Iterator[Stage]:
    """Those whose money can be made to come late."""
    with _staged(request.param) as stage:
        yield stage


@pytest.fixture(params=PRETENDING)
def pretend_stage(request: pytest.FixtureRequest, no_database: None) -> Iterator[Stage]:
    """Those that keep an account for us, played as one likes."""
    with _staged(request.param) as stage:
        yield stage


@contextmanager
def _staged(name: str) -> Iterator[Stage]:
    if name == "fake":
        fake = FakeProvider()
        yield Stage(fake, fake)
    elif name == "stripe":
        with running_sandbox() as sandbox:
            yield Stage(sandbox.gateway, sandbox)
    elif name == "stripe-relayed":
        with running_sandbox() as sandbox, relayed(sandbox.url, "sk_test_sandbox", pay_at_the_sandbox) as (gateway, relay):
            yield Stage(gateway, relay)
    else:
        assert STRIPE_TEST_KEY.startswith(("sk_test_", "rk_test_")), "STRIPE_TEST_KEY must be a key of the test mode"
        with relayed(STRIPE, STRIPE_TEST_KEY, pay_at_stripe) as (gateway, relay):
            yield Stage(gateway, relay)


@pytest.fixture
def pretend_stripe(no_database: None) -> Iterator[Sandbox]:
    """The sandbox alone, for what concerns Stripe alone."""
    with running_sandbox() as sandbox:
        yield sandbox
