"""Processes that are killed in the middle of their work, and what must be true when others have cleared up after them.

A victim does one of the verbs of `tests/racers.py` in a process of its own and sends itself SIGKILL at an exact point: nothing of it runs on, no
`finally`, no rollback, as when a machine loses its power. What it had sent to the database or the provider stays sent.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import Flask
from sqlalchemy import event, func, select

from shop.acts.ask_providers import ask_about_payments, ask_about_refunds
from shop.acts.handle_event import handle_due_events
from shop.acts.lapse_unpaid import lapse_unpaid
from shop.extensions import db, reading
from shop.ledger.models import Account, Entry, EntryKind, Posting
from shop.orders.models import Order
from shop.orders.states import UNREACHABLE_TIME, is_paid
from shop.payments.stripe import gateway
from tests import racers
from tests.racers import Job
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


def kill(job: Job, death: Death, *, database: str, sandbox: str) -> None:
    """Let a process do `job` and die. Raises NotKilled when it lived; the caller then knows that every point has been tried."""
    process = _processes.Process(target=_live_and_die, args=(job, death, database, sandbox), daemon=True)
    process.start()
    process.join(LONGEST_LIFE_SECONDS)
    assert process.exitcode is not None, "it hangs"
    if process.exitcode == 0:
        raise NotKilled
    assert process.exitcode == _KILLED, f"it ended by itself, with {process.exitcode}"


_processes = multiprocessing.get_context("forkserver")  # the shop is imported once, and every victim begins as a copy of that
_processes.set_forkserver_preload(["tests.victims"])


def _live_and_die(job: Job, death: Death, database: str, sandbox: str) -> None:
    app = racers.app_on(database, sandbox)
    with app.app_context():
        arm(death)
        racers.VERBS[job.verb](app, job.now, **job.given)
        db.engine.dispose()


def arm(death: Death) -> None:
    """From now on this process dies at that point."""
    left = [death.nth]

    def come_to_it(*_given: object) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    if death.at is Point.AFTER_ANSWER:
        gateway._KeptConnections.request = _followed_by(gateway._KeptConnections.request, come_to_it)  # type: ignore[method-assign]
    else:
        event.listen(db.session, "before_commit" if death.at is Point.BEFORE_COMMIT else "after_commit", come_to_it)


def _followed_by(request: Callable[..., Any], then: Callable[[], None]) -> Callable[..., Any]:
    def ask(*given: Any, **named: Any) -> Any:
        answer = request(*given, **named)
        then()
        return answer

    return ask


# ── Afterwards ────────────────────────────────────────────────────────────────────────────────────────────────────────


def clear_up(app: Flask, *, now: datetime, rounds: int = 3) -> datetime:
    """What the worker does in the two hours after `now`, when every hold has ended; the moment it has come to."""
    for moment in (
        now + timedelta(minutes=2),
        now + UNREACHABLE_TIME,
        *(now + UNREACHABLE_TIME + timedelta(hours=n) for n in range(rounds)),
    ):
        with app.app_context():
            handle_due_events(now=moment)
            ask_about_payments(now=moment)
            ask_about_refunds(now=moment)
            lapse_unpaid(now=moment)
            ask_about_refunds(now=moment)
    return moment


def assert_nothing_is_lost(sandbox: Sandbox, *, told_paid: frozenset[str] = frozenset()) -> None:
    """The books are sound and say of every order what the provider says; who was told "paid" has a paid order; nobody unfilled stays charged."""
    assert_books_are_sound()
    ours, theirs = money_in_our_books(), money_at_the_provider(sandbox)
    assert {number: fen for number, fen in ours.items() if fen} == {number: fen for number, fen in theirs.items() if fen}
    with reading() as session:
        states = dict(session.execute(select(Order.number, Order.state)).all())
    unkept = {number for number in told_paid if not is_paid(states[number])}
    assert not unkept, f"told paid and not: {unkept}"
    charged = {number for number, fen in theirs.items() if fen and not is_paid(states[number])}
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
