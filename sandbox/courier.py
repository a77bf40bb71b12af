"""The courier: delivers events to the shop's webhook endpoint, signed, again and again until it says 2xx; and lets sessions expire.

Law: every attempt is recorded; a delivery is claimed before it is sent, so it is sent once an attempt; the network is touched outside
every transaction. Order is as events happened, unless a retry or a scripted delay changes it: the shop may rely on no order.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.events import with_pending
from sandbox.faults import facts_of
from sandbox.house import House
from sandbox.idempotency import forget_old
from sandbox.sessions import expire_due
from sandbox.settings import Settings

ROUND_SECONDS = 1.0
STALE_SECONDS = 600
"""Age of a stale timestamp; the SDK refuses above 300."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parcel:
    """A claimed delivery and the event it carries."""

    delivery_id: int
    attempts: int
    event_type: str
    facts: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What came of one attempt: a status, or the reason why there is none."""

    status: int | None
    problem: str | None
    milliseconds: int

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Courier:
    """One background thread; `deliver()` may also be called by anybody at any time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._stopped = threading.Event()
        self._round = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin the rounds. Deliveries that a crash cut off are sent again: at least once, as Stripe promises no more."""
        with self._house.act() as act:
            act.books.run("update delivery set state = 'pending' where state = 'sending'")
        self._thread = threading.Thread(target=self._rounds, name="sandbox-courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the rounds after the attempt under way."""
        self._stopped.set()
        self._house.news.set()
        if self._thread is not None:
            self._thread.join(timeout=self._house.settings.webhook_timeout_seconds + 1)

    def _rounds(self) -> None:
        while not self._stopped.is_set():
            self._house.news.clear()
            try:
                self.tidy()
                self.deliver()
            except Exception:  # noqa: BLE001 (the thread must outlive any single failure; it is logged with its trace)
                _log.exception("a round of the sandbox's courier failed")
            self._house.news.wait(self._pause())

    def tidy(self) -> None:
        """What time does by itself: sessions expire, old answers are forgotten."""
        with self._house.act() as act:
            expire_due(act)
            forget_old(act)

    def deliver(self, *, even_early: bool = False) -> list[Reply]:
        """Make one attempt at every delivery that is due, or with `even_early` at every pending one, oldest first.

        Two callers take turns, so when this returns, nothing that was due before is still on its way.
        """
        replies: list[Reply] = []
        with self._round:
            for delivery_id in self._due(even_early):
                if self._stopped.is_set():
                    break
                parcel = self._claim(delivery_id)
                if parcel is not None:
                    reply = self._attempt(parcel)
                    self._record(parcel, reply)
                    replies.append(reply)
        return replies

    def _due(self, even_early: bool) -> list[int]:
        with self._house.act() as act:
            until = float("inf") if even_early else act.moment
            rows = act.books.run("select id from delivery where state = 'pending' and due_at <= ? order by due_at, id", (until,))
            return [row["id"] for row in rows]

    def _claim(self, delivery_id: int) -> Parcel | None:
        with self._house.act() as act:
            claimed = act.books.run(
                "update delivery set state = 'sending' where id = ? and state = 'pending' returning event_id, attempts", (delivery_id,)
            ).fetchone()
            if claimed is None:
                return None
            event = with_pending(act, act.books.get("event", claimed["event_id"]))
        body = json.dumps(event, ensure_ascii=False, indent=2).encode()
        return Parcel(delivery_id, claimed["attempts"], event["type"], facts_of(event["data"]["object"]), body)

    def _attempt(self, parcel: Parcel) -> Reply:
        fault = self._house.faults.take_for_signing(parcel.event_type, parcel.facts)
        secret, timestamp = self._house.settings.webhook_secret, int(self._house.clock.wall())
        if fault is not None and fault.do == "bad_signature":
            secret = "whsec_forged"
        if fault is not None and fault.do == "stale_timestamp":
            timestamp -= STALE_SECONDS
        return send(self._house.settings, parcel.body, signature(parcel.body, secret, timestamp))

    def _record(self, parcel: Parcel, reply: Reply) -> None:
        pauses = self._house.settings.retry_after_seconds
        if reply.is_accepted:
            state, pause = "delivered", 0.0
        elif parcel.attempts < len(pauses):
            state, pause = "pending", pauses[parcel.attempts]
        else:
            state, pause = "failed", 0.0
        with self._house.act() as act:
            act.books.run(
                "update delivery set state = ?, attempts = attempts + 1, due_at = ? where id = ?",
                (state, act.moment + pause, parcel.delivery_id),
            )
            act.books.run(  # whoever let this one pass may go now
                "update delivery set due_at = ?, lets_pass = 0 where lets_pass and state = 'pending' and id < ?",
                (act.moment, parcel.delivery_id),
            )
            act.books.run(
                "insert into attempt (delivery_id, at, status, problem, milliseconds) values (?, ?, ?, ?, ?)",
                (parcel.delivery_id, act.wall, reply.status, reply.problem, reply.milliseconds),
            )

    def _pause(self) -> float:
        with self._house.act() as act:
            next_due = act.books.run("select min(due_at) from delivery where state = 'pending'").fetchone()[0]
            return ROUND_SECONDS if next_due is None else min(max(next_due - act.moment, 0.01), ROUND_SECONDS)


def signature(body: bytes, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over timestamp, dot and body (docs.stripe.com/webhooks/signatures)."""
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={mac.hexdigest()}"


def send(settings: Settings, body: bytes, signed: str) -> Reply:
    """POST one event. Redirects are not followed and count as failures, as at Stripe."""
    assert settings.webhook_url is not None, "a delivery is owed only where there is an endpoint"
    parts = urlsplit(settings.webhook_url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signed,
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    began = time.perf_counter()
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=settings.webhook_timeout_seconds)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            response.read()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as failure:
        return Reply(None, f"{type(failure).__name__}: {failure}", _milliseconds_since(began))
    return Reply(response.status, None if 200 <= response.status < 300 else f"HTTP {response.status}", _milliseconds_since(began))


def _milliseconds_since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
