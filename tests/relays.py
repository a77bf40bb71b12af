"""A relay between the shop's gateway and Stripe, so that the same contract can be played against the real test mode: Stripe does not go down when
a test wants it to, so the wire does.

Law: it forwards every request unchanged, but for the idempotency key, which it makes its own: a run must not meet the answers of the last.
"""

import json
import re
import secrets
import shutil
import socket
import struct
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe

from shop.payments.stripe.gateway import StripeGateway
from tests.providers import Verb

_PATTERNS = {
    Verb.START: r"POST /v1/checkout/sessions",
    Verb.OUTCOME: r"GET /v1/checkout/sessions/[^/?]+(\?.*)?",
    Verb.EXPIRE: r"POST /v1/checkout/sessions/[^/]+/expire",
    Verb.REFUND: r"POST /v1/refunds",
    Verb.REFUND_STATE: r"GET /v1/refunds/.*",
}
_SDK_TRIES = 2
"""The gateway lets the SDK try once more, so a trouble that is to be seen must last for two requests."""
_NOT_FORWARDED = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
_BROKEN = json.dumps({"error": {"type": "api_error", "message": "The relay lost the answer."}}).encode()

Buyer = Callable[[str, str, str], None]
"""Pays on a page: its address, the method, and `paid` or `declined`."""


@dataclass
class _Trouble:
    verb: Verb
    acts_first: bool
    times: int


@dataclass
class Relay:
    """What a test does behind the scenes of a Stripe that it cannot command: the wire, and a buyer before the page."""

    target: str
    buyer: Buyer
    close: Callable[[str], None] = lambda session_id: None
    is_down: bool = False
    pages: dict[str, str] = field(default_factory=dict)
    """Addresses of the pages opened through it, by session, in order."""
    last_refund_id: str = ""
    run: str = field(default_factory=lambda: secrets.token_hex(6))
    _troubles: list[_Trouble] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def last_session_id(self) -> str:
        """The page opened last."""
        return next(reversed(self.pages))

    def pay(self, session_id: str | None = None, *, method: str = "alipay") -> str:
        """The buyer pays on the page."""
        return self._buy(session_id, method, "paid")

    def pay_late(self, session_id: str | None = None, *, method: str = "alipay") -> str:
        """No bank can be told to answer late: tests that need it do not come here (`pretend_stage`)."""
        raise NotImplementedError("only a pretend provider pays late on request")

    def decline(self, session_id: str | None = None) -> str:
        """The buyer tries a card that its bank declines."""
        return self._buy(session_id, "card", "declined")

    def let_expire(self, session_id: str | None = None) -> str:
        """No clock can be moved: the page is closed by somebody else instead."""
        session_id = session_id or self.last_session_id
        self.close(session_id)
        return session_id

    def go_down(self) -> None:
        """Hang up on everybody until `come_back`."""
        self.is_down = True

    def come_back(self) -> None:
        """Forward again."""
        self.is_down = False

    def fail_before_acting(self, verb: Verb, times: int = 1) -> None:
        """The next requests of this kind do not reach Stripe."""
        self._troubles.append(_Trouble(verb, acts_first=False, times=times * _SDK_TRIES))

    def fail_after_acting(self, verb: Verb, times: int = 1) -> None:
        """The next requests of this kind reach Stripe, but their answer is lost."""
        self._troubles.append(_Trouble(verb, acts_first=True, times=times * _SDK_TRIES))

    def trouble_with(self, happening: str) -> _Trouble | None:
        """What befalls a request, `GET /v1/…`."""
        with self._lock:
            for trouble in self._troubles:
                if trouble.times and re.fullmatch(_PATTERNS[trouble.verb], happening):
                    trouble.times -= 1
                    return trouble
        return None

    def note(self, happening: str, body: bytes) -> None:
        """Remember what was made, as a page of Stripe's dashboard would show it."""
        made: dict[str, Any] = json.loads(body)
        if happening == "POST /v1/checkout/sessions":
            self.pages[made["id"]] = made["url"]
        elif happening == "POST /v1/refunds":
            self.last_refund_id = made["id"]

    def _buy(self, session_id: str | None, method: str, outcome: str) -> str:
        session_id = session_id or self.last_session_id
        self.buyer(self.pages[session_id], method, outcome)
        return session_id


@contextmanager
def relayed(target: str, secret_key: str, buyer: Buyer) -> Iterator[tuple[StripeGateway, Relay]]:
    """A gateway whose requests go to `target` by way of a relay on this machine."""
    stripe_itself = stripe.StripeClient(secret_key, base_addresses={"api": target})
    relay = Relay(target, buyer, close=lambda session_id: _close(stripe_itself, session_id))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(relay))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    before, stripe.HTTPClient.INITIAL_DELAY = stripe.HTTPClient.INITIAL_DELAY, 0.01
    try:
        yield StripeGateway(secret_key, api_base=f"http://127.0.0.1:{server.server_port}", read_seconds=30), relay
    finally:
        stripe.HTTPClient.INITIAL_DELAY = before
        server.shutdown()
        server.server_close()
        thread.join()


def _close(client: stripe.StripeClient, session_id: str) -> None:
    client.v1.checkout.sessions.expire(session_id)


def _handler_for(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            happening = f"{self.command} {self.path}"
            trouble = relay.trouble_with(happening)
            if relay.is_down:
                self._hang_up()
                return
            if trouble is not None and not trouble.acts_first:
                self._answer(500, {}, _BROKEN)
                return
            try:
                status, headers, body = _forward(relay, self.command, self.path, dict(self.headers.items()), sent)
            except OSError:  # no way to Stripe: nor has the gateway one
                self._hang_up()
                return
            if status == 200:
                relay.note(happening, body)
            if trouble is not None:
                self._answer(500, {}, _BROKEN)
            else:
                self._answer(status, headers, body)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a farewell
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_: Any) -> None:
            return

    return Handler


def _forward(relay: Relay, method: str, path: str, headers: dict[str, str], sent: bytes) -> tuple[int, dict[str, str], bytes]:
    kept = {name: value for name, value in headers.items() if name.lower() not in _NOT_FORWARDED}
    if "Idempotency-Key" in kept:
        kept["Idempotency-Key"] = f"{relay.run}:{kept['Idempotency-Key']}"
    request = urllib.request.Request(relay.target + path, method=method, data=sent if method == "POST" else None, headers=kept)
    proxies = urllib.request.ProxyHandler({} if relay.target.startswith("http://") else None)
    try:
        with urllib.request.build_opener(proxies).open(request, timeout=30) as response:
            return response.status, _told(response.headers), response.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, _told(refusal.headers), refusal.read()


def _told(headers: Any) -> dict[str, str]:  # Any: an HTTP message
    wanted = ("Content-Type", "Request-Id", "Idempotent-Replayed", "Original-Request", "Stripe-Should-Retry", "Stripe-Version")
    return {name: headers[name] for name in wanted if headers[name] is not None}


# ── Buyers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def pay_at_the_sandbox(url: str, method: str, outcome: str) -> None:
    """Send the form of the sandbox's pay page, as a browser would."""
    form = urllib.parse.urlencode({"method": method, "outcome": outcome}).encode()

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(url, form, timeout=10).close()
    except urllib.error.HTTPError as answer:
        assert answer.code == 303, answer
        answer.close()


def pay_at_stripe(url: str, method: str, outcome: str) -> None:
    """Pay on Stripe's hosted page in test mode, in Chromium: test cards and test wallets (docs.stripe.com/testing)."""
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 (a browser is needed for the real page alone)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(locale="en-GB")
        page.goto(url)
        choice = page.get_by_test_id(f"{method}-accordion-item-button")
        if choice.count():
            choice.click()
        if method == "card":
            page.locator("#cardNumber").fill("4242 4242 4242 4242" if outcome == "paid" else "4000 0000 0000 9995")
            page.locator("#cardExpiry").fill("12 / 34")
            page.locator("#cardCvc").fill("123")
            page.locator("#billingName").fill("Mei")
        page.get_by_test_id("hosted-payment-submit-button").click()
        if outcome == "declined":
            expect(page.get_by_role("alert").first).to_be_visible(timeout=30_000)
        else:
            if method != "card":
                page.get_by_text(re.compile("authorize test payment", re.IGNORECASE)).first.click(timeout=30_000)
            page.wait_for_url(lambda address: "stripe.com" not in urllib.parse.urlsplit(address).netloc, timeout=30_000)
        browser.close()
