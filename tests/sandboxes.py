"""The sandbox on a loopback port, for tests that really pay: the shop talks to it through Stripe's SDK, as it does in development.

The fixture `sandbox` (conftest) puts it in Stripe's place for one test. Events are kept until a test posts them to the shop.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import stripe
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox.serving import Running, serve
from sandbox.settings import IN_MEMORY, Settings
from shop.payments.stripe.gateway import StripeGateway
from tests.providers import Verb

WEBHOOK_SECRET = "whsec_sandbox"
"""The development setting of shop and sandbox alike."""

_REQUESTS = {
    Verb.START: "POST /v1/checkout/sessions",
    Verb.OUTCOME: "GET /v1/checkout/sessions/*",
    Verb.EXPIRE: "POST /v1/checkout/sessions/*/expire",
    Verb.REFUND: "POST /v1/refunds",
    Verb.REFUND_STATE: "GET /v1/refunds/*",
}
_SDK_TRIES = 2
"""The gateway lets the SDK try once more, so a trouble that is to be seen must last for two requests."""


@dataclass
class Sandbox:
    """A pretend Stripe that answers, the gateway that speaks to it, and what a test does behind the scenes."""

    running: Running
    gateway: StripeGateway
    _posted: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.running.url

    # ── What the buyer and the bank do; without a session, it is the last one opened ──────────────────────────────────

    def pay(self, session_id: str | None = None, *, method: str = "alipay") -> str:
        """The money arrives on an open page. Returns the session's id."""
        return self._play(session_id, "paid", method)

    def pay_late(self, session_id: str | None = None, *, method: str = "alipay") -> str:
        """The page expires first, and then the bank answers that it has paid."""
        return self._play(session_id, "paid_after_expiry", method)

    def decline(self, session_id: str | None = None) -> str:
        """The bank refuses; the page stays open for another try."""
        return self._play(session_id, "declined", "card")

    def let_expire(self, session_id: str | None = None) -> str:
        """Half an hour and more goes by."""
        session_id = session_id or self.last_session_id
        self.shift_clock(self._offset() + 40 * 60)
        return session_id

    # ── What the bank, the cardholder and somebody in the dashboard do; without an id, it is the last payment or refund ──

    def refund_in_dashboard(self, intent_id: str | None = None, *, amount_fen: int | None = None) -> str:
        """Somebody refunds in Stripe's dashboard, without our metadata. Returns the refund's id."""
        wanted = {"payment_intent": intent_id or self.last_intent_id} | ({} if amount_fen is None else {"amount": amount_fen})
        return str(self.ask("POST", "/_sandbox/refunds", wanted)["id"])

    def let_refunds_take_time(self) -> None:
        """From now on a refund is pending until `settle_refund` or `fail_refund`."""
        self.behave(refunds="pending")

    def settle_refund(self, refund_id: str | None = None) -> None:
        """A pending refund reaches the buyer."""
        self.ask("POST", f"/_sandbox/refunds/{refund_id or self.last_refund_id}/settle", {})

    def fail_refund(self, refund_id: str | None = None, reason: str = "lost_or_stolen_card") -> None:
        """The bank sends a refund back, pending or thought to have succeeded."""
        self.ask("POST", f"/_sandbox/refunds/{refund_id or self.last_refund_id}/fail", {"reason": reason})

    def open_dispute(self, intent_id: str | None = None, *, amount_fen: int | None = None, inquiry: bool = False) -> str:
        """The cardholder disputes a payment made by card. Returns the dispute's id."""
        wanted = {"payment_intent": intent_id or self.last_intent_id, "amount": amount_fen, "inquiry": inquiry}
        return str(self.ask("POST", "/_sandbox/disputes", wanted)["id"])

    def win_dispute(self, dispute_id: str, *, fee_returned: bool = False) -> None:
        """The bank decides for the shop."""
        self.ask("POST", f"/_sandbox/disputes/{dispute_id}/win", {"fee_returned": fee_returned})

    def lose_dispute(self, dispute_id: str) -> None:
        """The bank decides for the buyer."""
        self.ask("POST", f"/_sandbox/disputes/{dispute_id}/lose", {})

    def make_payout(self, currency: str | None = None, *, even_pending: bool = True, paid: bool = True) -> str:
        """All that is in the balance goes to the bank. Returns the payout's id."""
        wanted = {"currency": currency, "even_pending": even_pending, "paid": paid}
        return str(self.ask("POST", "/_sandbox/payouts", wanted)["id"])

    def fail_payout(self, payout_id: str, code: str = "account_closed") -> None:
        """The bank sends a payout back."""
        self.ask("POST", f"/_sandbox/payouts/{payout_id}/fail", {"code": code})

    def enter_by_hand(self, kind: str, amount: int, currency: str = "cny") -> str:
        """A sum of any kind in the balance, asked for by nobody. Returns the balance transaction's id."""
        return str(self.ask("POST", "/_sandbox/balance_transactions", {"type": kind, "amount": amount, "currency": currency})["id"])

    def settle_in(self, currency: str, rate: str) -> None:
        """From now on payments reach the balance in another currency."""
        self.behave(settlement_currency=currency, rate=rate)

    def behave(self, **options: object) -> None:
        """Set the options of `sandbox/options.py`."""
        self.ask("POST", "/_sandbox/options", options)

    @property
    def last_intent_id(self) -> str:
        """The payment begun last."""
        return self._one("select id from object where kind = 'payment_intent' order by seq desc limit 1")

    @property
    def last_session_id(self) -> str:
        """The page opened last."""
        return self._one("select id from object where kind = 'checkout.session' order by seq desc limit 1")

    @property
    def last_refund_id(self) -> str:
        """The refund asked last."""
        return self._one("select id from object where kind = 'refund' order by seq desc limit 1")

    def kept(self, kind: str, identifier: str) -> dict[str, Any]:
        """An object as the sandbox keeps it."""
        with self.running.app.extensions["sandbox"].act() as act:
            return dict(act.books.get(kind, identifier))

    def all_of(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind, oldest first."""
        with self.running.app.extensions["sandbox"].act() as act:
            rows = act.books.run("select body from object where kind = ? order by seq", (kind,)).fetchall()
        return [json.loads(row["body"]) for row in rows]

    def count(self, kind: str) -> int:
        """How many objects of a kind there are."""
        return int(self._one(f"select count(*) from object where kind = '{kind}'"))

    # ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def be_at(self, now: datetime) -> None:
        """Let it be `now` over there: a test that plays on another day says so before it opens a page."""
        self.shift_clock(int((now - datetime.now(UTC)).total_seconds()))

    def shift_clock(self, seconds: int) -> None:
        """Set its clock that far ahead of the machine's."""
        self.ask("POST", "/_sandbox/clock", {"offset_seconds": seconds})

    # ── Bad days ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def script(self, *faults: dict[str, Any]) -> None:
        """Let the next requests or events go wrong as `sandbox/faults.py` describes."""
        self.ask("POST", "/_sandbox/faults", {"faults": list(faults)})

    def go_down(self) -> None:
        """Hang up on everybody until `come_back`."""
        self.script({"on": "* /v1/*", "do": "refuse", "times": 100_000})

    def come_back(self) -> None:
        """Answer again."""
        self.ask("DELETE", "/_sandbox/faults")

    def fail_before_acting(self, verb: Verb, times: int = 1) -> None:
        """The next requests of this kind do nothing and get no answer."""
        self.script({"on": _REQUESTS[verb], "do": "error_500_before", "times": times * _SDK_TRIES})

    def fail_after_acting(self, verb: Verb, times: int = 1) -> None:
        """The next requests of this kind act, but their answer is lost."""
        self.script({"on": _REQUESTS[verb], "do": "error_500_after", "times": times * _SDK_TRIES})

    # ── Webhooks ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def events(self) -> list[dict[str, Any]]:
        """Everything that has happened, oldest first."""
        with self.running.app.extensions["sandbox"].act() as act:
            rows = act.books.run("select body from object where kind = 'event' order by seq").fetchall()
        return [json.loads(row["body"]) for row in rows]

    def post_events(self, client: FlaskClient, *, again: bool = False) -> list[TestResponse]:
        """Send what has happened since the last time, or everything `again`, to the shop's webhook, rightly signed."""
        waiting = [event for event in self.events() if again or event["id"] not in self._posted]
        self._posted |= {event["id"] for event in waiting}
        return [post_event(client, event) for event in waiting]

    # ── Behind the scenes ─────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Pull a string of `/_sandbox`."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={} if body is None else {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())

    def _play(self, session_id: str | None, outcome: str, method: str) -> str:
        session_id = session_id or self.last_session_id
        self.ask("POST", f"/_sandbox/pay/{session_id}", {"outcome": outcome, "method": method})
        return session_id

    def _offset(self) -> int:
        return int(self.ask("GET", "/_sandbox/clock")["offset_seconds"])

    def _one(self, statement: str) -> str:
        with self.running.app.extensions["sandbox"].act() as act:
            row = act.books.run(statement).fetchone()
        assert row is not None, "there is none"
        return str(row[0])


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """A sandbox on a free port, and a gateway that speaks to it."""
    before, stripe.HTTPClient.INITIAL_DELAY = stripe.HTTPClient.INITIAL_DELAY, 0.01  # nobody waits half a second for the SDK's second try
    try:
        with serve(Settings(database=IN_MEMORY, delivers=False)) as running:
            yield Sandbox(running, gateway_to(running.url))
    finally:
        stripe.HTTPClient.INITIAL_DELAY = before


def gateway_to(url: str, secret_key: str = "sk_test_sandbox", *, read_seconds: float = 5) -> StripeGateway:
    """A gateway that speaks to a sandbox."""
    return StripeGateway(secret_key, api_base=url, read_seconds=read_seconds)


def post_event(client: FlaskClient, event: dict[str, Any], *, secret: str = WEBHOOK_SECRET, age_seconds: int = 0) -> TestResponse:
    """Send one event to the shop's webhook as Stripe would."""
    body = json.dumps(event, ensure_ascii=False, indent=2)
    timestamp = int(datetime.now(UTC).timestamp()) - age_seconds
    signature = stripe.WebhookSignature.generate_signature_header(body, secret, timestamp)
    return client.post("/hooks/stripe", data=body.encode(), headers={"Stripe-Signature": signature}, content_type="application/json")
