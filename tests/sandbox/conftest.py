"""A sandbox that answers on a loopback port, Stripe's own SDK pointed at it, and a small shop end that listens for webhooks."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from sandbox.serving import Running, serve
from sandbox.settings import IN_MEMORY, Settings

SECRET = "whsec_test"


@dataclass
class Received:
    """One webhook as it came in."""

    body: bytes
    signature: str

    def event(self) -> stripe.Event:
        """Verify with the SDK's own verifier; raises SignatureVerificationError."""
        return stripe.Webhook.construct_event(self.body, self.signature, SECRET)


@dataclass
class Shop:
    """The shop's end of the wire: keeps what it is sent, answers what it is told to (200 when it is told nothing)."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def types(self) -> list[str]:
        return [json.loads(webhook.body)["type"] for webhook in self.received]


@dataclass
class Stage:
    """The sandbox under test with everything a test does to it."""

    running: Running
    client: stripe.StripeClient
    shop: Shop

    def open_session(self, **changes: Any) -> stripe.checkout.Session:
        params: dict[str, Any] = {
            "mode": "payment",
            "line_items": [rice(quantity=3)],
            "success_url": "http://127.0.0.1:8000/checkout/return?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://127.0.0.1:8000/checkout/",
            "client_reference_id": "SH-261118-0042",
            "metadata": {"order": "SH-261118-0042"},
        }
        params |= changes
        return self.client.v1.checkout.sessions.create({name: value for name, value in params.items() if value is not None})

    def pay(self, session: stripe.checkout.Session, outcome: str = "paid", method: str = "alipay") -> dict[str, Any]:
        status, body = self.ask("POST", f"/_sandbox/pay/{session.id}", {"method": method, "outcome": outcome})
        assert status == 200, body
        return body

    def paid_session(self, **changes: Any) -> stripe.checkout.Session:
        session = self.open_session(**changes)
        self.pay(session)
        return self.client.v1.checkout.sessions.retrieve(session.id)

    def script(self, *faults: dict[str, Any]) -> None:
        status, body = self.ask("POST", "/_sandbox/faults", {"faults": list(faults)})
        assert status == 200, body

    def shift_clock(self, seconds: int) -> None:
        assert self.ask("POST", "/_sandbox/clock", {"offset_seconds": seconds})[0] == 200

    def deliver(self) -> dict[str, Any]:
        return self.ask("POST", "/_sandbox/deliver", {})[1]

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.running.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers=({} if body is None else {"Content-Type": "application/json"}) | (headers or {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read())


def rice(quantity: int = 1, unit_amount: int = 6800, name: str = "白水贡米 5 kg") -> dict[str, Any]:
    return {"quantity": quantity, "price_data": {"currency": "cny", "unit_amount": unit_amount, "product_data": {"name": name}}}


def wait_until(is_so: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what a background thread is about to do."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            shop.received.append(Received(body, self.headers["Stripe-Signature"]))
            self.send_response(shop.answers.pop(0) if shop.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    shop.url = f"http://127.0.0.1:{server.server_port}/hooks/stripe"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings(shop: Shop) -> Settings:
    """No courier by itself: a test says when events are delivered."""
    return Settings(database=IN_MEMORY, webhook_url=shop.url, webhook_secret=SECRET, delivers=False, retry_after_seconds=(0.01, 0.02, 0.03))


@pytest.fixture
def stage(settings: Settings, shop: Shop) -> Iterator[Stage]:
    with serve(settings) as running:
        yield Stage(running, client_for(running), shop)


def client_for(running: Running, key: str = "sk_test_sandbox", timeout: float = 10) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": running.url},
        http_client=stripe.RequestsClient(timeout=timeout),
        max_network_retries=0,
    )
