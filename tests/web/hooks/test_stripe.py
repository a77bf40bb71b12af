"""Stripe's webhook: nobody else is listened to, nothing is lost, and nothing happens twice."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from structlog.testing import capture_logs

from shop.acts.handle_event import handle_due_events
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.ledger.models import Entry
from shop.orders.states import OrderState
from shop.outbox.models import Letter
from shop.payments import service as payments
from shop.payments.models import Dispute, DisputeState, Payout, ProviderEvent, Refund, RefundState
from tests.factories import MadeProduct, make_lot, make_product
from tests.providers import FakeProvider, Verb
from tests.sandboxes import Sandbox, post_event
from tests.shopping import NOW, assert_books_are_sound, picks_of, place, state_of

ADDRESS = "/hooks/stripe"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, twenty bags of it."""
    product = make_product()
    make_lot(product, units=20)
    return product


def an_event(kind: str = "checkout.session.completed", about: str = "cs_test_1", **changes: Any) -> dict[str, Any]:
    """An event as Stripe writes it."""
    things = {"cs": "checkout.session", "pi": "payment_intent", "re": "refund", "prod": "product"}
    event = {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": False,
        "pending_webhooks": 1,
        "type": kind,
        "data": {"object": {"id": about, "object": things[about.partition("_")[0]]}},
    }
    return event | changes


def kept_events() -> list[ProviderEvent]:
    """What the shop keeps of what it was told."""
    with reading() as session:
        events = list(session.scalars(select(ProviderEvent).order_by(ProviderEvent.id)))
        session.expunge_all()
        return events


def waiting(sandbox: Sandbox, rice: MadeProduct, units: int = 1) -> str:
    """An order whose buyer stands on the payment page, today."""
    now = datetime.now(UTC)
    placed = place({rice.sku: units}, now=now)
    start_payment(placed.number, now=now)
    return placed.number


def test_a_buyer_who_paid_and_never_came_back_has_a_paid_order(client: FlaskClient, sandbox: Sandbox, rice: MadeProduct) -> None:
    number = waiting(sandbox, rice)
    sandbox.pay()
    assert {response.status_code for response in sandbox.post_events(client)} == {200}
    assert state_of(number) is OrderState.PAID
    assert_books_are_sound()
    assert all(event.done_at is not None for event in kept_events())


def test_told_twice_late_and_in_any_order_it_ends_in_the_same_books(client: FlaskClient, sandbox: Sandbox, rice: MadeProduct) -> None:
    waiting(sandbox, rice)
    sandbox.pay()
    events = sandbox.events()
    for event in [*reversed(events), *events, *events]:
        assert post_event(client, event).status_code == 200
    assert len(kept_events()) == len(events)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Entry)) == 1
        assert session.scalar(select(func.count()).select_from(Letter).where(Letter.kind == "order_paid")) == 1
    assert_books_are_sound()


def test_an_event_is_a_hint_and_what_it_claims_is_not_believed(client: FlaskClient, sandbox: Sandbox, rice: MadeProduct) -> None:
    number = waiting(sandbox, rice)
    claim = an_event(about=sandbox.last_session_id)
    claim["data"]["object"] |= {"payment_status": "paid", "status": "complete", "amount_total": 1}
    assert post_event(client, claim).status_code == 200
    assert state_of(number) is OrderState.AWAITING_PAYMENT


def test_only_names_are_kept(client: FlaskClient, sandbox: Sandbox, rice: MadeProduct) -> None:
    waiting(sandbox, rice)
    session_id = sandbox.pay()
    sandbox.post_events(client)
    kept = {event.kind: event.object_id for event in kept_events()}
    intent_id = sandbox.kept("checkout.session", session_id)["payment_intent"]
    assert kept == {"charge.succeeded": intent_id, "payment_intent.succeeded": intent_id, "checkout.session.completed": session_id}
    columns = {column.name for column in ProviderEvent.__table__.columns}
    assert columns == {
        "id", "provider", "event_id", "kind", "object_id", "happened_at", "received_at", "done_at", "next_try_at", "tries", "trouble",
    }  # fmt: skip


def test_a_forged_event_is_refused_and_nothing_is_kept(client: FlaskClient, provider: FakeProvider) -> None:
    assert post_event(client, an_event(), secret="whsec_forged").status_code == 400
    assert client.post(ADDRESS, data=json.dumps(an_event())).status_code == 400
    assert client.post(ADDRESS, data=json.dumps(an_event()), headers={"Stripe-Signature": "t=1,v1=0"}).status_code == 400
    assert client.post(ADDRESS, data=json.dumps(an_event()), headers={"Stripe-Signature": "nonsense"}).status_code == 400
    assert kept_events() == []


def test_a_body_that_was_changed_on_its_way_is_refused(client: FlaskClient, provider: FakeProvider) -> None:
    body = json.dumps(an_event())
    signature = stripe.WebhookSignature.generate_signature_header(body, "whsec_sandbox", int(time.time()))
    assert client.post(ADDRESS, data=body.replace("cs_test_1", "cs_test_2"), headers={"Stripe-Signature": signature}).status_code == 400
    assert client.post(ADDRESS, data=body, headers={"Stripe-Signature": signature}).status_code == 200


def test_a_stale_event_is_refused(client: FlaskClient, provider: FakeProvider) -> None:
    assert post_event(client, an_event(), age_seconds=600).status_code == 400
    assert post_event(client, an_event(), age_seconds=200).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"event"',
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"object": "event", "id": 7, "type": "x", "created": 1, "data": {"object": {"object": "refund", "id": "re_1"}}}',
        b'{"object": "event", "id": "evt_1", "type": "x", "created": "soon", "data": {"object": {"object": "refund", "id": "re_1"}}}',
        b'{"object": "event", "id": "evt_1", "type": "x", "created": 1, "data": {"object": {"object": "refund"}}}',
        b'{"object": "event", "id": "evt_1", "type": "x", "created": 1, "data": {}}',
        b'{"object": "event", "id": "' + b"e" * 200 + b'", "type": "x", "created": 1, "data": {"object": {"object": "product"}}}',
        b'{"object": "v2.core.event", "id": "evt_1", "type": "x", "created": "2026-11-23T02:00:00Z"}',
    ],
)
def test_rubbish_is_refused_even_when_it_is_signed(client: FlaskClient, provider: FakeProvider, body: bytes) -> None:
    text = body.decode("utf-8", "replace")
    signature = stripe.WebhookSignature.generate_signature_header(text, "whsec_sandbox", int(time.time()))
    assert client.post(ADDRESS, data=body, headers={"Stripe-Signature": signature}).status_code == 400
    assert kept_events() == []


def test_what_is_too_large_is_refused_unread(client: FlaskClient, provider: FakeProvider) -> None:
    assert post_event(client, an_event(padding="x" * 1_000_001)).status_code == 400


def test_an_unknown_event_is_thanked_for(client: FlaskClient, provider: FakeProvider) -> None:
    assert post_event(client, an_event("product.created", "prod_1")).status_code == 200
    assert post_event(client, an_event("something.new.happened", "re_1", id="evt_2")).status_code == 200
    assert post_event(client, an_event("checkout.session.expired", "cs_test_of_another_shop", id="evt_3")).status_code == 200
    assert [(event.kind, event.done_at is not None) for event in kept_events()] == [
        ("product.created", True),
        ("something.new.happened", True),
        ("checkout.session.expired", True),
    ]
    assert provider.calls == []


def test_when_stripe_cannot_be_asked_the_event_waits_for_the_sweep(client: FlaskClient, sandbox: Sandbox, rice: MadeProduct) -> None:
    number = waiting(sandbox, rice)
    sandbox.pay()
    sandbox.go_down()
    assert {response.status_code for response in sandbox.post_events(client)} == {200}
    assert state_of(number) is OrderState.AWAITING_PAYMENT
    told = next(event for event in kept_events() if event.kind == "checkout.session.completed")
    assert (told.done_at, told.tries, told.trouble) == (None, 1, "ProviderUnavailable")
    now = datetime.now(UTC)
    assert handle_due_events(now=now) == 0  # not due yet
    assert handle_due_events(now=now + timedelta(minutes=3)) == 0  # still down
    sandbox.come_back()
    assert handle_due_events(now=now + timedelta(minutes=20)) == 1
    assert state_of(number) is OrderState.PAID
    assert handle_due_events(now=now + timedelta(days=1)) == 0
    assert_books_are_sound()


def test_a_mistake_of_ours_does_not_lose_the_event(
    client: FlaskClient, provider: FakeProvider, rice: MadeProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = place({rice.sku: 1}, now=NOW)
    start_payment(placed.number, now=NOW)
    session_id = provider.pay()

    def stumble(*_: object, **__: object) -> None:
        raise AssertionError("a mistake")

    with monkeypatch.context() as broken:
        broken.setattr("shop.acts.handle_event.check_payment", stumble)
        assert post_event(client, an_event(about=session_id)).status_code == 200
    assert kept_events()[0].trouble == "AssertionError"
    assert handle_due_events(now=datetime.now(UTC) + timedelta(minutes=5)) == 1
    assert state_of(placed.number) is OrderState.PAID


def test_when_the_event_cannot_be_kept_stripe_is_not_told_that_it_was(
    client: FlaskClient, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**_: object) -> None:
        raise RuntimeError("database is locked")

    monkeypatch.setattr(payments, "keep_event", busy)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        assert post_event(client, an_event()).status_code == 500
    finally:
        client.application.config["PROPAGATE_EXCEPTIONS"] = None


def test_a_refund_that_stripe_settles_later_is_followed(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 2}, now=NOW)
    start_payment(placed.number, now=NOW)
    post_event(client, an_event(about=provider.pay()))
    provider.first_refund_state = RefundState.PENDING
    (pick,) = picks_of(placed.number)
    refund_order(placed.number, RefundWanted(units={pick.id: 1}), once="r1", by=None, now=NOW)
    provider.fail_refund(provider.last_refund_id)
    assert post_event(client, an_event("refund.failed", provider.last_refund_id, id="evt_2")).status_code == 200
    with reading() as session:
        assert session.scalars(select(Refund.state)).one() is RefundState.FAILED
    assert_books_are_sound()


def test_a_refund_event_that_comes_before_our_own_answer_changes_nothing(
    client: FlaskClient, provider: FakeProvider, rice: MadeProduct
) -> None:
    placed = place({rice.sku: 2}, now=NOW)
    start_payment(placed.number, now=NOW)
    post_event(client, an_event(about=provider.pay()))
    provider.fail_after_acting(Verb.REFUND)
    (pick,) = picks_of(placed.number)
    assert refund_order(placed.number, RefundWanted(units={pick.id: 1}), once="r1", by=None, now=NOW).state is RefundState.ASKED
    assert post_event(client, an_event("refund.created", provider.last_refund_id, id="evt_2")).status_code == 200
    with reading() as session:
        assert session.scalars(select(Refund.state)).one() is RefundState.ASKED
    assert_books_are_sound()


def test_only_posts_are_answered(client: FlaskClient) -> None:
    assert client.get(ADDRESS).status_code == 405


def test_play_money_told_to_a_live_shop_and_real_money_to_a_playing_one_are_refused_and_logged(
    app: Flask, client: FlaskClient, provider: FakeProvider
) -> None:
    with capture_logs() as logs:
        assert post_event(client, an_event(livemode=True)).status_code == 400
    assert [(entry["event"], entry["why"], entry["detail"]) for entry in logs] == [("webhook_refused", "OfAnotherMode", "live")]
    shop = app.config["SHOP"]
    app.config["SHOP"] = replace(shop, stripe_secret_key="sk_live_" + "x" * 24)
    try:
        assert post_event(client, an_event()).status_code == 400
        assert kept_events() == []
        assert post_event(client, an_event(livemode=True)).status_code == 200
    finally:
        app.config["SHOP"] = shop
    assert len(kept_events()) == 1


def test_a_dispute_and_a_payout_are_known_by_their_own_names(client: FlaskClient, sandbox: Sandbox, rice: MadeProduct) -> None:
    now = datetime.now(UTC)
    number = place({rice.sku: 3}, now=now).number
    start_payment(number, now=now)
    sandbox.pay(method="card")
    dispute = sandbox.open_dispute(amount_fen=1_000)
    sandbox.win_dispute(dispute)
    payout = sandbox.make_payout()
    answers = sandbox.post_events(client)
    assert {answer.status_code for answer in answers} == {200}
    assert {event.object_id for event in kept_events()} >= {dispute, payout}
    with reading() as session:
        assert session.scalars(select(Dispute.state)).one() is DisputeState.WON
        assert session.scalars(select(Payout.provider_id)).one() == payout
    sandbox.post_events(client, again=True)
    assert_books_are_sound()
