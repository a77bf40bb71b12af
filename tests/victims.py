"""Processes that are killed in the middle of their work, and what must be true when others have cleared up after them.

A victim does one of the verbs of `tests/racers.py` in a process of its own and sends itself SIGKILL at an exact point: nothing of it runs on, no
`finally`, no rollback, as when a machine loses its power. What it had sent to the database or the provider stays sent.
"""

import logging
import multiprocessing
import os
import signal
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any

import structlog
from flask import Flask
from sqlalchemy import event, func, select

from shop.extensions import db, reading
from shop.kit.errors import ShopError
from shop.ledger.models import Account, Entry, EntryKind, Posting
from shop.orders.models import Order
from shop.orders.states import UNREACHABLE_TIME, is_paid
from shop.payments.stripe import gateway
from shop.worker import SWEEPS
from tests import racers
from tests.racers import Finish, Job
from tests.sandboxes import Sandbox
from tests.shopping import assert_books_are_sound

LONGEST_LIFE_SECONDS = 60
_KILLED = -signal.SIGKILL


class Point(StrEnum):
    """Where a process dies."""

    BEFORE_COMMIT = "before commit"
    """Everything of the transaction was sent, its commit was not."""
    AFTER_COMMIT = "after commit"
    """The database has committed; nothing that follows from it has happened."""
    AFTER_ANSWER = "after answer"
    """The provider has acted and answered; nobody has read it."""


@dataclass(frozen=True)
class Death:
    """At the `nth` time that a process comes to a point, counted from one."""

    at: Point
    nth: int = 1


class NotKilled(AssertionError):
    """The process came to its end: it never came to that point so many times."""


class Died(Exception):
    """The process was killed while it did its job; what it had sent by then stays sent."""


class Mortal:
    """A process that does one job after another; when it dies, another takes its place at the next. Used by one thread at a time."""

    def __init__(self, *, database: str, sandbox: str) -> None:
        self._given = (database, sandbox)
        self._is_alive = False

    def do(self, job: Job, death: Death | None = None) -> Finish:
        """How it ended: an answer or a refusal. Raises Died, or what no user may ever see."""
        if not self._is_alive:
            self._start()
        try:
            self._pipe.send((job, death))
            assert self._pipe.poll(LONGEST_LIFE_SECONDS), f"it hangs: {job}"
            answer = self._pipe.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join(LONGEST_LIFE_SECONDS)
            assert self._process.exitcode == _KILLED, f"it ended by itself, with {self._process.exitcode}: {job}"
            self._is_alive = False
            raise Died from error
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, Finish)
        return answer

    def kill(self) -> None:
        """From outside, whatever it is doing."""
        if self._is_alive:
            self._process.kill()

    def end(self) -> None:
        """Let it go in peace."""
        if self._is_alive:
            self._process.kill()
            self._process.join(LONGEST_LIFE_SECONDS)

    def _start(self) -> None:
        self._pipe, theirs = _processes.Pipe()
        self._process = _processes.Process(target=_serve, args=(theirs, *self._given), daemon=True)
        self._process.start()
        self._is_alive = True
        theirs.close()


def kill(job: Job, death: Death, *, database: str, sandbox: str) -> None:
    """Let a process do `job` and die. Raises NotKilled when it lived; the caller then knows that every such point has been tried."""
    victim = Mortal(database=database, sandbox=sandbox)
    try:
        victim.do(job, death)
    except Died:
        return
    finally:
        victim.end()
    raise NotKilled


_processes = multiprocessing.get_context("forkserver")  # the shop is imported once, and every process begins as a copy of that
_processes.set_forkserver_preload(["tests.victims"])


def _serve(pipe: Connection, database: str, sandbox: str) -> None:
    app = racers.app_on(database, sandbox)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # its troubles are told by its answers
    fate = Fate()
    while True:
        job, death = pipe.recv()
        fate.choose(death)
        with app.app_context():
            try:
                answer: object = Finish(job, answer=racers.VERBS[job.verb](app, job.now, **job.given))
            except ShopError as error:
                answer = Finish(job, refused=type(error).__name__)
            except Exception as error:  # noqa: BLE001  # sent to whoever asked, who raises it
                answer = AssertionError(f"{job}: {type(error).__name__}: {error}")
        fate.choose(None)
        pipe.send(answer)


class Fate:
    """Sees to it that this process dies where it was told to."""

    def __init__(self) -> None:
        self._death: Death | None = None
        self._left = 0
        event.listen(db.session, "before_commit", lambda *_: self._come_to(Point.BEFORE_COMMIT))
        event.listen(db.session, "after_commit", lambda *_: self._come_to(Point.AFTER_COMMIT))
        ask = gateway._KeptConnections.request

        def request(*given: Any, **named: Any) -> Any:  # Any: the SDK's own
            answer = ask(*given, **named)
            self._come_to(Point.AFTER_ANSWER)
            return answer

        gateway._KeptConnections.request = request  # type: ignore[method-assign]

    def choose(self, death: Death | None) -> None:
        """From now on; None: live."""
        self._death, self._left = death, death.nth if death else 0

    def _come_to(self, point: Point) -> None:
        if self._death is None or self._death.at is not point:
            return
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)


# ── Afterwards ────────────────────────────────────────────────────────────────────────────────────────────────────────


def clear_up(app: Flask, *, now: datetime, rounds: int = 3) -> datetime:
    """What the worker does in the two hours after `now`, when every hold has ended; the moment it has come to."""
    for moment in (
        now + timedelta(minutes=2),
        now + UNREACHABLE_TIME,
        *(now + UNREACHABLE_TIME + timedelta(hours=n) for n in range(rounds)),
    ):
        sweep_up(app, now=moment)
    return moment


def sweep_up(app: Flask, *, now: datetime, only: frozenset[str] = frozenset()) -> None:
    """One round of the worker's sweeps, those about money and goods; or of those named `only`."""
    for sweep in SWEEPS:
        if sweep.name in only or (not only and sweep.name not in _NOT_ABOUT_MONEY):
            with app.app_context():
                sweep.run(app.config["SHOP"], now)


_NOT_ABOUT_MONEY = {"letters", "delivered", "completed", "tasks"}


def assert_nothing_is_lost(sandbox: Sandbox, *, told_paid: frozenset[str] = frozenset()) -> None:
    """The books are sound and say of every order what the provider says; who was told "paid" has a paid order; nobody unfilled stays charged."""
    assert_books_are_sound()
    ours, theirs = money_in_our_books(), money_at_the_provider(sandbox)
    pairs = {number: (ours.get(number, 0), theirs.get(number, 0)) for number in ours.keys() | theirs.keys()}
    differ = {number: pair for number, pair in pairs.items() if pair[0] != pair[1]}
    assert not differ, f"fen in our books and at the provider: {differ}"
    with reading() as session:
        states = dict(session.execute(select(Order.number, Order.state)).all())
    unkept = {number for number in told_paid if not is_paid(states[number])}
    assert not unkept, f"told paid and not: {unkept}"
    disputed = disputed_at_the_provider(sandbox)  # what a bank holds cannot be given back by us
    charged = {number for number, fen in theirs.items() if fen and not is_paid(states[number])} - disputed
    assert not charged, f"unfilled and still charged: {charged}"


_MOVES_MONEY = (EntryKind.SALE, EntryKind.RECEIPT, EntryKind.RECEIPT_RETURNED, EntryKind.REFUND, EntryKind.REFUND_FAILED)


def money_in_our_books() -> dict[str, int]:
    """What our books have at the provider, fen by order number: sales and receipts less what was sent back."""
    amounts = (
        select(Entry.subject, func.sum(Posting.amount_fen))
        .join(Posting, Posting.entry_id == Entry.id)
        .join(Account, Account.id == Posting.account_id)
        .where(Account.code == "clearing/stripe", Posting.currency == "CNY", Entry.kind.in_(_MOVES_MONEY))
        .group_by(Entry.subject)
    )
    with reading() as session:
        return {number: int(fen) for number, fen in session.execute(amounts)}


def money_at_the_provider(sandbox: Sandbox) -> dict[str, int]:
    """What the provider has taken from buyers and not given back, fen by order number, as its own objects say."""
    money: dict[str, int] = {}
    intents = {intent["id"]: intent for intent in sandbox.all_of("payment_intent")}
    charges = {charge["id"]: charge for charge in sandbox.all_of("charge")}
    for page in sandbox.all_of("checkout.session"):
        intent = intents.get(page["payment_intent"] or "")
        charge = charges.get((intent or {}).get("latest_charge") or "")
        if charge is not None and charge["status"] == "succeeded":
            number = page["client_reference_id"]
            money[number] = money.get(number, 0) + charge["amount_captured"] - charge["amount_refunded"]
    return money


def disputed_at_the_provider(sandbox: Sandbox) -> set[str]:
    """The orders whose payments a buyer's bank disputes, or has taken back."""
    intents = {dispute["payment_intent"] for dispute in sandbox.all_of("dispute") if dispute["status"] != "won"}
    return {page["client_reference_id"] for page in sandbox.all_of("checkout.session") if page["payment_intent"] in intents}
