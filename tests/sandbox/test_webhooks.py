"""Signed, recorded, retried: what reaches the shop's endpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import stripe

from sandbox.serving import serve
from sandbox.settings import Settings
from tests.sandbox.conftest import SECRET, Shop, Stage, client_for, wait_until

PAID = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


@pytest.fixture
def busy_stage(settings: Settings, shop: Shop) -> Iterator[Stage]:
    """A stage whose courier runs by itself."""
    with serve(replace(settings, delivers=True)) as running:
        yield Stage(running, client_for(running), shop)


def test_events_arrive_signed_as_the_sdk_verifies(stage: Stage) -> None:
    session = stage.paid_session()
    assert stage.deliver()["delivered"] == 3
    events = [webhook.event() for webhook in stage.shop.received]
    assert [event.type for event in events] == PAID
    assert events[-1].data.object["id"] == session.id
    assert events[-1].pending_webhooks == 1
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(stage.shop.received[0].body + b" ", stage.shop.received[0].signature, SECRET)
    assert stage.client.v1.events.list({"delivery_success": False}).data == []
    assert stage.client.v1.events.retrieve(events[-1].id).pending_webhooks == 0


def test_the_courier_delivers_by_itself_and_tries_again_until_it_is_heard(busy_stage: Stage) -> None:
    busy_stage.shop.answers.extend([500, 400, 302])
    busy_stage.paid_session()
    wait_until(lambda: len(busy_stage.shop.received) >= 6)
    wait_until(lambda: not busy_stage.client.v1.events.list({"delivery_success": False}).data)
    assert sorted(busy_stage.shop.types()) == sorted(PAID * 2)
    assert len({json.loads(webhook.body)["id"] for webhook in busy_stage.shop.received}) == 3


def test_a_delivery_is_given_up_after_its_last_attempt(stage: Stage) -> None:
    stage.shop.answers.extend([500] * 100)
    stage.paid_session()
    for _ in range(6):
        stage.deliver()
    assert len(stage.shop.received) == 3 * 4
    undelivered = stage.client.v1.events.list({"delivery_success": False}).data
    assert sorted(event.type for event in undelivered) == sorted(PAID)
    assert {event.pending_webhooks for event in undelivered} == {1}
    with stage.running.app.extensions["sandbox"].act() as act:
        statuses = [row["status"] for row in act.books.run("select status from attempt")]
    assert statuses == [500] * 12


def test_a_shop_that_is_down_is_an_attempt_too(settings: Settings, shop: Shop) -> None:
    with serve(replace(settings, webhook_url="http://127.0.0.1:9/hooks/stripe")) as running:
        stage = Stage(running, client_for(running), shop)
        stage.paid_session()
        attempts = stage.deliver()["attempts"]
        assert [attempt["status"] for attempt in attempts] == [None] * 3
        assert "ConnectionRefused" in attempts[0]["problem"]


def test_an_event_is_dropped_for_good(stage: Stage) -> None:
    stage.script({"on": "webhook:checkout.session.completed", "do": "drop"})
    stage.paid_session()
    stage.deliver()
    assert stage.shop.types() == PAID[:2]
    assert stage.deliver()["attempts"] == []
    assert [event.type for event in stage.client.v1.events.list({"delivery_success": False}).data] == ["checkout.session.completed"]


def test_an_event_is_delivered_twice(stage: Stage) -> None:
    stage.script({"on": "webhook:checkout.session.*", "do": "duplicate"})
    stage.paid_session()
    stage.deliver()
    assert stage.shop.types() == [*PAID, "checkout.session.completed"]
    assert stage.shop.received[-1].event().id == stage.shop.received[-2].event().id


def test_an_event_is_delayed_past_later_ones(busy_stage: Stage) -> None:
    busy_stage.script({"on": "webhook:charge.succeeded", "do": "delay:0.5"})
    busy_stage.paid_session()
    wait_until(lambda: len(busy_stage.shop.received) == 3)
    assert busy_stage.shop.types() == [*PAID[1:], "charge.succeeded"]


@pytest.mark.parametrize("do", ["bad_signature", "stale_timestamp"])
def test_one_attempt_is_signed_wrongly_and_the_next_rightly(stage: Stage, do: str) -> None:
    stage.script({"on": "webhook:checkout.session.completed", "do": do})
    stage.paid_session()
    stage.shop.answers.extend([200, 200, 400])
    stage.deliver()
    with pytest.raises(stripe.SignatureVerificationError, match="signature" if do == "bad_signature" else "tolerance"):
        stage.shop.received[2].event()
    assert stage.deliver()["delivered"] == 1
    assert stage.shop.received[3].event().type == "checkout.session.completed"


def test_the_buyers_choice_brings_late_and_double_notices(stage: Stage) -> None:
    late, twice = stage.open_session(), stage.open_session()
    stage.pay(late, "paid_late_notice")
    courier = stage.running.app.extensions["sandbox_courier"]
    assert courier.deliver() == []
    stage.pay(twice, "paid_notice_twice")
    assert len(courier.deliver()) == 6
    assert stage.deliver()["delivered"] == 3
    assert stage.shop.received[-1].event().data.object["id"] == late.id


def test_only_the_events_subscribed_to_are_delivered(settings: Settings, shop: Shop) -> None:
    with serve(replace(settings, webhook_events=frozenset({"checkout.session.completed"}))) as running:
        stage = Stage(running, client_for(running), shop)
        stage.paid_session()
        stage.deliver()
        assert shop.types() == ["checkout.session.completed"]
        assert len(stage.client.v1.events.list().data) == 3


def test_without_an_endpoint_events_are_only_kept(settings: Settings, shop: Shop) -> None:
    with serve(replace(settings, webhook_url=None, delivers=True)) as running:
        stage = Stage(running, client_for(running), shop)
        stage.paid_session()
        assert stage.deliver()["attempts"] == []
        assert len(stage.client.v1.events.list().data) == 3


def test_the_courier_lets_sessions_expire(busy_stage: Stage) -> None:
    busy_stage.open_session(expires_at=int(time.time()) + 31 * 60)
    busy_stage.shift_clock(31 * 60 + 5)
    wait_until(lambda: busy_stage.shop.types() == ["checkout.session.expired"])
    assert busy_stage.shop.received[0].event().type == "checkout.session.expired", "signed by the machine's clock, not the shifted one"


def test_events_are_found_by_type(stage: Stage) -> None:
    stage.client.v1.refunds.create({"payment_intent": stage.paid_session().payment_intent})
    find = stage.client.v1.events.list
    assert [event.type for event in find({"type": "charge.*"}).data] == ["charge.refunded", "charge.succeeded"]
    assert [event.type for event in find({"types": ["refund.created", "charge.succeeded"]}).data] == ["refund.created", "charge.succeeded"]


def test_a_delivery_cut_off_by_a_crash_is_sent_again(settings: Settings, shop: Shop, tmp_path: object) -> None:
    kept = replace(settings, database=f"{tmp_path}/sandbox.sqlite")
    with serve(kept) as running:
        stage = Stage(running, client_for(running), shop)
        stage.paid_session()
        with running.app.extensions["sandbox"].act() as act:
            act.books.run("update delivery set state = 'sending'")
    assert shop.received == []
    with serve(replace(kept, delivers=True)):
        wait_until(lambda: len(shop.received) == 3)


def test_a_reordered_event_lets_the_next_one_pass(busy_stage: Stage) -> None:
    busy_stage.script({"on": "webhook:charge.succeeded", "do": "reorder"})
    busy_stage.paid_session()
    wait_until(lambda: len(busy_stage.shop.received) == 3, seconds=3)  # not only when its patience is over
    assert busy_stage.shop.types() == [PAID[1], PAID[0], PAID[2]] or busy_stage.shop.types() == [PAID[1], PAID[2], PAID[0]]


def test_an_event_comes_as_often_as_told(stage: Stage) -> None:
    stage.script({"on": "webhook:checkout.session.completed", "do": "duplicate:50"})
    stage.paid_session()
    stage.deliver()
    assert stage.shop.types().count("checkout.session.completed") == 50


def test_an_event_fault_may_wait_for_one_order(stage: Stage) -> None:
    stage.script({"on": "webhook:checkout.session.completed", "do": "drop", "where": {"metadata[order]": "SH-2"}})
    stage.paid_session(metadata={"order": "SH-1"})
    stage.paid_session(metadata={"order": "SH-2"})
    stage.deliver()
    assert stage.shop.types().count("checkout.session.completed") == 1


def test_retries_follow_the_clock_and_back_off(settings: Settings, shop: Shop) -> None:
    patient = replace(settings, retry_after_seconds=(3600, 7200))
    with serve(replace(patient, webhook_events=frozenset({"checkout.session.completed"}))) as running:
        stage = Stage(running, client_for(running), shop)
        courier = running.app.extensions["sandbox_courier"]
        shop.answers.extend([500] * 9)
        stage.paid_session()
        tried = []
        for hours in (0, 0.9, 1.1, 2, 3.2, 9):
            stage.shift_clock(int(hours * 3600))
            tried.append(len(courier.deliver()))
        assert tried == [1, 0, 1, 0, 1, 0]


def test_an_event_can_be_sent_again_or_given_up_by_hand(stage: Stage) -> None:
    stage.paid_session()
    stage.deliver()
    event = stage.client.v1.events.list({"type": "checkout.session.completed"}).data[0]
    assert stage.ask("POST", f"/_sandbox/events/{event.id}/resend", {"copies": 2})[0] == 200
    assert stage.client.v1.events.retrieve(event.id).pending_webhooks == 2
    assert stage.deliver()["delivered"] == 2
    stage.ask("POST", f"/_sandbox/events/{event.id}/resend", {})
    assert stage.ask("POST", f"/_sandbox/events/{event.id}/drop", {})[0] == 200
    assert stage.deliver()["attempts"] == []
    assert stage.ask("POST", f"/_sandbox/events/{event.id}/resend", {"copies": 0})[0] == 400
    assert stage.ask("POST", "/_sandbox/events/evt_0/drop", {})[0] == 404


def test_events_can_be_asked_for_thirty_days(stage: Stage) -> None:
    stage.paid_session()
    event = stage.client.v1.events.list().data[0]
    stage.shift_clock(30 * 86400 - 60)
    assert len(stage.client.v1.events.list().data) == 3
    stage.shift_clock(30 * 86400 + 60)
    assert stage.client.v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        stage.client.v1.events.retrieve(event.id)
