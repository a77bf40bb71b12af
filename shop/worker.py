"""The worker: one table of sweeps, each run again and again.

Law: a sweep looks at rows that say what is owed, so it may run twice, be cut off, or be run by two workers; nothing is lost when none runs.
"""

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from config import Config
from shop.accounts.invites import forget_expired
from shop.accounts.sign_ups import forget_sign_ups
from shop.acts.answer_claim import lapse_claims
from shop.acts.ask_providers import ask_about_payments, ask_about_refunds
from shop.acts.correct_sales import carry_out_corrections
from shop.acts.deliver_order import complete_orders, deliver_overdue
from shop.acts.expect_transfer import remind_of_transfers
from shop.acts.find_refunds import find_refunds_made_elsewhere
from shop.acts.follow_account import fetch_undelivered_events, follow_disputes, follow_movements, follow_payouts
from shop.acts.handle_event import handle_due_events
from shop.acts.import_tasks import BOOK, CHECK, book_sales_file, check_sales
from shop.acts.lapse_unpaid import lapse_unpaid
from shop.acts.parcel_lists import DELIVER, SHIP, deliver_list, ship_list
from shop.acts.personal_data import forget_due
from shop.acts.recall_lot import tell_of_recalls
from shop.acts.reconcile import reconcile_lately
from shop.acts.tell_of_stock import tell_of_stock
from shop.catalog.service import rewrite_search_texts
from shop.kit.clock import utc_now
from shop.messages.sending import send_letters
from shop.outbox.tasks import Runner, run_tasks
from shop.reports.exports import EXPORT, exporter
from shop.reports.folding import fold_waiting
from shop.reports.long_reports import LONG_REPORT, read_long_report
from shop.reports.order_file import ORDER_FILE, write_orders
from shop.reports.provider_money import warn_of_overdue
from shop.reports.saved import write_due_letters
from shop.web.report_files import write_file

log = structlog.get_logger()


@dataclass(frozen=True)
class Sweep:
    """One kind of background work."""

    name: str
    every: timedelta
    run: Callable[[Config, datetime], int]
    """Does what is owed by now; says how many rows it dealt with."""


TASKS: dict[str, Runner] = {
    CHECK: check_sales,
    BOOK: book_sales_file,
    LONG_REPORT: read_long_report,
    EXPORT: exporter(write_file),
    SHIP: ship_list,
    DELIVER: deliver_list,
    ORDER_FILE: write_orders,
}
"""Long tasks that people ask for, by kind (`shop/outbox/tasks.py`)."""

_stopping = threading.Event()


SWEEPS = (
    Sweep("letters", timedelta(seconds=5), lambda config, now: send_letters(config, now=now)),
    Sweep("events", timedelta(seconds=20), lambda _, now: handle_due_events(now=now)),
    Sweep("payments", timedelta(seconds=20), lambda _, now: ask_about_payments(now=now)),
    Sweep("refunds", timedelta(seconds=30), lambda _, now: ask_about_refunds(now=now)),
    Sweep("refunds_elsewhere", timedelta(minutes=10), lambda _, now: find_refunds_made_elsewhere(now=now)),
    Sweep("transfers", timedelta(minutes=15), lambda _, now: remind_of_transfers(now=now)),
    Sweep("undelivered", timedelta(minutes=10), lambda _, now: fetch_undelivered_events(now=now)),
    Sweep("movements", timedelta(minutes=2), lambda _, now: follow_movements(now=now)),
    Sweep("disputes", timedelta(minutes=10), lambda _, now: follow_disputes(now=now)),
    Sweep("payouts", timedelta(minutes=30), lambda _, now: follow_payouts(now=now)),
    Sweep("reconcile", timedelta(hours=1), lambda _, now: reconcile_lately(now=now)),
    Sweep("tasks", timedelta(seconds=2), lambda _config, _now: run_tasks(TASKS, clock=utc_now, is_stopping=_stopping.is_set)),
    Sweep("overdue", timedelta(minutes=30), lambda _, now: warn_of_overdue(now=now)),
    Sweep("corrections", timedelta(seconds=20), lambda _, now: carry_out_corrections(now=now)),
    Sweep("reports", timedelta(minutes=10), lambda _, now: write_due_letters(now=now)),
    Sweep("lapsed", timedelta(seconds=30), lambda _, now: lapse_unpaid(now=now)),
    Sweep("delivered", timedelta(minutes=15), lambda _, now: deliver_overdue(now=now)),
    Sweep("found_by", timedelta(minutes=5), lambda _config, _now: rewrite_search_texts()),
    Sweep("completed", timedelta(minutes=15), lambda _, now: complete_orders(now=now)),
    Sweep("claims", timedelta(minutes=15), lambda _, now: lapse_claims(now=now)),
    Sweep("forget", timedelta(hours=1), lambda config, now: forget_due(instance_path=config.instance_path, now=now)),
    Sweep("back_in_stock", timedelta(minutes=5), lambda _, now: tell_of_stock(now=now)),
    Sweep("sign_ups", timedelta(hours=1), lambda _, now: forget_sign_ups(now=now)),
    Sweep("recalls", timedelta(seconds=20), lambda _, now: tell_of_recalls(now=now)),
    Sweep("invites", timedelta(hours=1), lambda _, now: forget_expired(now=now)),
    Sweep("fold", timedelta(seconds=3), lambda _config, _now: fold_waiting()),
)


def run_once(app: Flask, sweeps: Sequence[Sweep] = SWEEPS) -> dict[str, int | None]:
    """Run each sweep once, in order; what each dealt with, None for one that failed."""
    return {sweep.name: run_sweep(app, sweep) for sweep in sweeps}


def run_sweep(app: Flask, sweep: Sweep) -> int | None:
    """Run one sweep in an app context of its own, so in a session of its own. Never raises: a failure is logged, and None."""
    with app.app_context():
        try:
            count = sweep.run(app.config["SHOP"], utc_now())
        except Exception as error:  # the database may be away for a moment; the next round does what was left
            log.error("sweep_failed", sweep=sweep.name, exc_info=error)
            return None
    if count:
        log.info("swept", sweep=sweep.name, count=count)
    return count


def run_forever(app: Flask, sweeps: Sequence[Sweep] = SWEEPS) -> None:
    """Run every sweep at its interval until SIGTERM or SIGINT; then let those under way finish."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    scheduler = schedule(app, sweeps)
    scheduler.start()
    log.info("worker_started", sweeps=len(sweeps))
    stop.wait()
    _stopping.set()  # a long task stops after its step and waits for the next worker
    scheduler.shutdown(wait=True)
    log.info("worker_stopped")


def schedule(app: Flask, sweeps: Sequence[Sweep] = SWEEPS) -> BackgroundScheduler:
    """A scheduler that is not started yet. A sweep never overlaps itself, and rounds missed while it was busy are made up by one."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns whenever a round is skipped, which is what we ask for
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(len(sweeps))},
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )
    for sweep in sweeps:
        scheduler.add_job(
            run_sweep, "interval", (app, sweep), id=sweep.name, seconds=sweep.every.total_seconds(), next_run_time=datetime.now(UTC)
        )
    return scheduler
