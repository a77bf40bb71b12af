"""Two processes full of threads that begin at the same moment: for tests of what must happen once, whoever comes first.

Threads of one process share a pool and an interpreter lock, which hides some races; two processes share nothing but the database. What a racer
does is one of the verbs of `VERBS`, so that it can be named to another process.
"""

import json
import multiprocessing
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from multiprocessing.synchronize import Barrier
from typing import Any

from flask import Flask
from sqlalchemy import select

from config import Config
from shop.acts.confirm_payment import check_order_payments, check_payment
from shop.acts.decide_refund import approve_refund
from shop.acts.find_refunds import find_refunds_made_elsewhere
from shop.acts.lapse_unpaid import _let_go, cancel_order, lapse_unpaid
from shop.acts.place_order import place_order
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.sell_offline import OfflineLine, OfflineSale, sell_offline
from shop.acts.start_payment import start_payment
from shop.app import create_app
from shop.extensions import db, reading
from shop.kit.errors import ShopError
from shop.kit.ids import CartId, CheckoutKey, PaymentId, PickId, UserId
from shop.orders.requests import RequestId
from shop.orders.states import OrderState
from shop.payments import service as payments
from shop.payments.models import Payment
from shop.reports.verify import verify
from shop.worker import SWEEPS
from tests.sandboxes import WEBHOOK_SECRET, Sandbox, post_event
from tests.shopping import a_delivery

PROCESSES = 2
_LONGEST_WAIT_SECONDS = 60


@dataclass(frozen=True)
class Job:
    """What one thread does, once."""

    verb: str
    given: Mapping[str, Any]  # Any: what the verb takes
    now: datetime


@dataclass(frozen=True)
class Finish:
    """How it ended: an answer, or the kind of a refusal (never an unexpected error: that is raised)."""

    job: Job
    answer: str = ""
    refused: str = ""


class Race:
    """Runs jobs, dealt out to the processes in turn."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def run(self, jobs: Sequence[Job], *, database: str, sandbox: str = "http://127.0.0.1:1") -> list[Finish]:
        """Every job in a thread of its own, all at once; how they ended. Raises what no racer may ever see."""
        lanes = [self._pool.submit(_run_lane, list(jobs[lane::PROCESSES]), database, sandbox) for lane in range(PROCESSES)]
        return [finish for lane in lanes for finish in lane.result(timeout=_LONGEST_WAIT_SECONDS)]


@contextmanager
def racing() -> Iterator[Race]:
    """Two processes that stay for every race of this run, since beginning one takes longer than racing; new ones after a race that went wrong."""
    try:
        yield Race(_started())
    except BaseException:
        end_racing()
        raise


@cache
def _started() -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(PROCESSES, timeout=_LONGEST_WAIT_SECONDS)
    return ProcessPoolExecutor(PROCESSES, mp_context=spawn, initializer=_meet_at, initargs=(start,))


def end_racing() -> None:
    """Let go of the processes, if there are any."""
    if _started.cache_info().currsize:
        _started().shutdown(cancel_futures=True)
        _started.cache_clear()


def confirmations(numbers: Sequence[str], sandbox: Sandbox, now: datetime) -> list[Job]:
    """Each order is paid; the webhook, the buyer's return page and the sweep are all about to say so."""
    jobs: list[Job] = []
    for number in numbers:
        start_payment(number, now=now)
        session_id = sandbox.pay()
        with reading() as session:
            payment_id = session.scalars(select(Payment.id).where(Payment.session_id == session_id)).one()
        told = next(event for event in sandbox.events() if event["data"]["object"]["id"] == session_id)
        jobs += [
            Job("webhook", {"event": told}, now),
            Job("return page", {"number": number}, now),
            Job("ask", {"payment_id": payment_id}, now),
        ]
    return jobs


# ── In each process ───────────────────────────────────────────────────────────────────────────────────────────────────

_start: list[Barrier] = []


def _meet_at(start: Barrier) -> None:
    _start.append(start)


def _run_lane(jobs: Sequence[Job], database: str, sandbox: str) -> list[Finish]:
    app = app_on(database, sandbox)
    with app.app_context():
        db.engine.dispose()  # the database may have been renewed since the last race
    ready = threading.Barrier(len(jobs) + 1, timeout=_LONGEST_WAIT_SECONDS)
    with ThreadPoolExecutor(len(jobs)) as threads:
        work = [threads.submit(_run, app, job, ready) for job in jobs]
        _start[0].wait()  # until the other process is here
        ready.wait()
        finishes = [done.result() for done in work]
    with app.app_context():
        db.engine.dispose()
    return finishes


@cache
def app_on(database: str, sandbox: str) -> Flask:
    """The shop on a database and a sandbox that another process opened; one per process."""
    environ = {"SHOP_DATABASE_URL": database, "STRIPE_API_BASE": sandbox}
    return create_app(Config.from_environment(environ), TESTING=True, RATELIMIT_ENABLED=False)


def _run(app: Flask, job: Job, ready: threading.Barrier) -> Finish:
    ready.wait()
    with app.app_context():
        try:
            return Finish(job, answer=VERBS[job.verb](app, job.now, **job.given))
        except ShopError as error:
            return Finish(job, refused=type(error).__name__)


# ── What a racer does ─────────────────────────────────────────────────────────────────────────────────────────────────


def _place(_app: Flask, now: datetime, *, cart_id: CartId, once: CheckoutKey) -> str:
    """Order what is in a basket."""
    return place_order(cart_id, a_delivery(), once=once, now=now).number


def _sell_by_hand(_app: Flask, now: datetime, *, ref: str, sku_code: str) -> str:
    """One unit over the counter."""
    return sell_offline(OfflineSale(ref, now, (OfflineLine(sku_code, 1, 68_00),)), by=None, now=now)


def _go_to_pay(_app: Flask, now: datetime, *, number: str) -> str:
    """The buyer presses the button that leads to the provider."""
    return start_payment(number, now=now).pay_url


def _webhook(app: Flask, _now: datetime, *, event: dict[str, object], fate: str = "told") -> str:
    """The provider calls; somebody else perhaps, or much too late."""
    secret, age_seconds = ("whsec_guessed" if fate == "forged" else WEBHOOK_SECRET), (600 if fate == "stale" else 0)
    return str(post_event(app.test_client(), event, secret=secret, age_seconds=age_seconds).status_code)


def _sweep(app: Flask, now: datetime, *, names: Sequence[str]) -> str:
    """The worker looks for what is owed."""
    return str([sweep.run(app.config["SHOP"], now) for sweep in SWEEPS if sweep.name in names])


def _cancel(_app: Flask, now: datetime, *, number: str) -> str:
    """The buyer calls it off."""
    cancel_order(number, by=None, now=now)
    return "cancelled"


def _return_page(_app: Flask, now: datetime, *, number: str) -> str:
    """The buyer comes back from the provider."""
    return check_order_payments(number, now=now).value


def _ask(_app: Flask, now: datetime, *, payment_id: PaymentId) -> str:
    """The sweep asks the provider."""
    return check_payment(payments.get_attempt(payment_id), now=now).state.value


def _lapse(_app: Flask, now: datetime) -> str:
    """The sweep lets go of what was not paid in time."""
    return str(lapse_unpaid(now=now))


def _let_go_of(_app: Flask, now: datetime, *, number: str) -> str:
    """The same sweep, which has just heard from the provider that nothing was paid."""
    return str(_let_go(number, OrderState.LAPSED, by=None, now=now))


def _pay(_app: Flask, _now: datetime, *, url: str, outcome: str) -> str:
    """The buyer pays on the provider's page; too late perhaps."""
    request = urllib.request.Request(url, json.dumps({"outcome": outcome}).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return str(response.status)
    except urllib.error.HTTPError as error:
        return str(error.code)


def _refund(_app: Flask, now: datetime, *, number: str, pick_id: PickId, once: str) -> str:
    """One unit comes back."""
    return refund_order(number, RefundWanted(units={pick_id: 1}, restock=True), once=once, by=None, now=now).state.value


def _approve(_app: Flask, now: datetime, *, request_id: RequestId, by: UserId) -> str:
    """A second person says yes to a refund that waits."""
    return str(approve_refund(request_id, by=by, now=now).total_fen)


def _refund_in_dashboard(_app: Flask, _now: datetime, *, url: str, intent_id: str, amount_fen: int) -> str:
    """A colleague gives money back in the provider's dashboard; so much is not left perhaps."""
    wanted = json.dumps({"payment_intent": intent_id, "amount": amount_fen}).encode()
    request = urllib.request.Request(f"{url}/_sandbox/refunds", wanted, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return str(response.status)
    except urllib.error.HTTPError as error:
        return str(error.code)


def _look_for_refunds(_app: Flask, now: datetime) -> str:
    """The sweep reads the provider's list of refunds."""
    return str(find_refunds_made_elsewhere(now=now))


def _verify(_app: Flask, _now: datetime) -> str:
    """Somebody looks the books over, again and again; what is wrong."""
    return " ".join(f"{check.name}: {check.detail}" for _ in range(4) for check in verify() if not check.ok)


VERBS: Mapping[str, Callable[..., str]] = {
    "place": _place,
    "sell by hand": _sell_by_hand,
    "start": _go_to_pay,
    "webhook": _webhook,
    "sweep": _sweep,
    "cancel": _cancel,
    "return page": _return_page,
    "ask": _ask,
    "lapse": _lapse,
    "let go": _let_go_of,
    "pay": _pay,
    "refund": _refund,
    "approve": _approve,
    "dashboard": _refund_in_dashboard,
    "look": _look_for_refunds,
    "verify": _verify,
}
