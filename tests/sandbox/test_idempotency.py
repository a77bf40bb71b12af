"""The same key acts once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.sandbox.conftest import Stage, rice

PARAMS = {"mode": "payment", "line_items": [rice()], "success_url": "http://127.0.0.1:8000/"}


def test_the_same_request_is_answered_again_and_acts_once(stage: Stage) -> None:
    create = stage.client.v1.checkout.sessions.create
    first = create(PARAMS, {"idempotency_key": "order-1"})
    again = create(PARAMS, {"idempotency_key": "order-1"})
    assert again.to_dict() == first.to_dict()
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.headers["Request-Id"]
    assert len(stage.client.v1.checkout.sessions.list().data) == 1


def test_the_answer_is_the_one_of_that_time(stage: Stage) -> None:
    first = stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"})
    stage.pay(first)
    assert stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"}).status == "open"


def test_the_same_key_for_another_request_is_an_error(stage: Stage) -> None:
    session = stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"})
    with pytest.raises(stripe.IdempotencyError):
        stage.client.v1.checkout.sessions.create(PARAMS | {"client_reference_id": "other"}, {"idempotency_key": "order-1"})
    with pytest.raises(stripe.IdempotencyError):
        stage.client.v1.checkout.sessions.expire(session.id, {}, {"idempotency_key": "order-1"})
    assert len(stage.client.v1.checkout.sessions.list().data) == 1


def test_a_refusal_is_kept_but_failed_validation_is_not(stage: Stage) -> None:
    intent = stage.paid_session().payment_intent
    for is_replayed in (False, True):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            stage.client.v1.refunds.create({"payment_intent": intent, "amount": 99999}, {"idempotency_key": "refund-1"})
        assert ("Idempotent-Replayed" in refusal.value.headers) is is_replayed
    with pytest.raises(stripe.InvalidRequestError):
        stage.client.v1.refunds.create({"payment_intent": intent, "amount": 0}, {"idempotency_key": "refund-2"})
    refund = stage.client.v1.refunds.create({"payment_intent": intent, "amount": 1}, {"idempotency_key": "refund-2"})
    assert refund.amount == 1


def test_a_key_is_forgotten_after_a_day(stage: Stage) -> None:
    first = stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"})
    stage.shift_clock(24 * 60 * 60 - 60)
    assert stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"}).id == first.id
    stage.shift_clock(24 * 60 * 60 + 60)
    assert stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"}).id != first.id


def test_while_the_first_is_at_work_others_are_told_to_come_back(stage: Stage) -> None:
    stage.script({"on": "POST /v1/checkout/sessions", "do": "delay:0.6"})
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(stage.client.v1.checkout.sessions.create, PARAMS, {"idempotency_key": "order-1"})
        house = stage.running.app.extensions["sandbox"]
        while "order-1" not in house.in_use:
            assert not slow.done()
        with pytest.raises(stripe.APIError) as refusal:
            stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"})
        assert (refusal.value.http_status, refusal.value.error.code) == (409, "idempotency_key_in_use")
        first = slow.result()
    assert stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"}).id == first.id


def test_many_threads_with_one_key_open_one_session(stage: Stage) -> None:
    def try_one(_: int) -> str | None:
        try:
            return stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "order-1"}).id
        except stripe.APIError as refusal:
            assert refusal.http_status == 409
            return None

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(try_one, range(24)))
    assert len(answers - {None}) == 1
    assert len(stage.client.v1.checkout.sessions.list().data) == 1


def test_a_key_has_a_limited_length(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="255"):
        stage.client.v1.checkout.sessions.create(PARAMS, {"idempotency_key": "k" * 256})
