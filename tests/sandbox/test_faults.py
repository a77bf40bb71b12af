"""Bad days on the wire, on request."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Stage, client_for, rice

PARAMS = {"mode": "payment", "line_items": [rice()], "success_url": "http://127.0.0.1:8000/"}
KEY = {"idempotency_key": "order-1"}
OPENING = "POST /v1/checkout/sessions"


def _count(stage: Stage) -> int:
    return len(stage.client.v1.checkout.sessions.list().data)


def test_an_error_before_acting_leaves_nothing(stage: Stage) -> None:
    stage.script({"on": OPENING, "do": "error_500_before", "times": 2})
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            stage.client.v1.checkout.sessions.create(PARAMS, KEY)
        assert failure.value.http_status == 500
    assert _count(stage) == 0
    stage.client.v1.checkout.sessions.create(PARAMS, KEY)
    assert _count(stage) == 1


def test_after_an_error_that_followed_the_act_the_same_key_finds_the_answer(stage: Stage) -> None:
    stage.script({"on": OPENING, "do": "error_500_after"})
    with pytest.raises(stripe.APIError):
        stage.client.v1.checkout.sessions.create(PARAMS, KEY)
    assert _count(stage) == 1
    session = stage.client.v1.checkout.sessions.create(PARAMS, KEY)
    assert session.last_response.headers["Idempotent-Replayed"] == "true"
    assert _count(stage) == 1


def test_a_silent_sandbox_has_acted_all_the_same(stage: Stage) -> None:
    stage.script({"on": OPENING, "do": "timeout:0.5"})
    with pytest.raises(stripe.APIConnectionError):
        client_for(stage.running, timeout=0.1).v1.checkout.sessions.create(PARAMS, KEY)
    assert _count(stage) == 1
    assert stage.client.v1.checkout.sessions.create(PARAMS, KEY).last_response.headers["Idempotent-Replayed"] == "true"


def test_a_silence_that_outlasts_patience_ends_in_a_hang_up(stage: Stage) -> None:
    stage.script({"on": OPENING, "do": "timeout:0.05"})
    with pytest.raises(stripe.APIConnectionError):
        stage.client.v1.checkout.sessions.create(PARAMS, KEY)
    assert _count(stage) == 1


def test_a_refused_connection_has_done_nothing(stage: Stage) -> None:
    stage.script({"on": OPENING, "do": "refuse"})
    with pytest.raises(stripe.APIConnectionError):
        stage.client.v1.checkout.sessions.create(PARAMS, KEY)
    assert _count(stage) == 0


@pytest.mark.parametrize("do", ["reset", "timeout:0"])
def test_a_connection_may_be_reset_after_the_act(stage: Stage, do: str) -> None:
    stage.script({"on": OPENING, "do": do})
    with pytest.raises(stripe.APIConnectionError):
        stage.client.v1.checkout.sessions.create(PARAMS, KEY)
    assert _count(stage) == 1
    assert stage.client.v1.checkout.sessions.create(PARAMS, KEY).last_response.headers["Idempotent-Replayed"] == "true"


def test_too_many_requests_do_nothing(stage: Stage) -> None:
    stage.script({"on": "POST *", "do": "rate_limit"})
    with pytest.raises(stripe.RateLimitError):
        stage.client.v1.checkout.sessions.create(PARAMS, KEY)
    assert _count(stage) == 0
    stage.client.v1.checkout.sessions.create(PARAMS, KEY)


def test_a_failure_of_its_own_is_kept_for_the_key_though_it_has_acted(stage: Stage) -> None:
    stage.script({"on": OPENING, "do": "error_500_kept"})
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            stage.client.v1.checkout.sessions.create(PARAMS, KEY)
        assert failure.value.http_status == 500
    assert _count(stage) == 1
    stage.shift_clock(25 * 60 * 60)
    stage.client.v1.checkout.sessions.create(PARAMS, KEY)
    assert _count(stage) == 2


def test_a_fault_may_wait_for_one_order(stage: Stage) -> None:
    stage.script({"on": OPENING, "do": "refuse", "where": {"client_reference_id": "SH-2*"}})
    stage.open_session(client_reference_id="SH-1")
    with pytest.raises(stripe.APIConnectionError):
        stage.open_session(client_reference_id="SH-2")
    stage.open_session(client_reference_id="SH-2")


def test_luck_is_the_same_with_the_same_seed(stage: Stage) -> None:
    def play(seed: int) -> list[bool]:
        script = {"seed": seed, "faults": [{"on": OPENING, "do": "error_500_before", "times": 100, "chance": 0.5}]}
        assert stage.ask("POST", "/_sandbox/faults", script)[0] == 200
        went_well = []
        for _ in range(12):
            try:
                stage.open_session()
                went_well.append(True)
            except stripe.APIError:
                went_well.append(False)
        stage.ask("DELETE", "/_sandbox/faults")
        return went_well

    first = play(7)
    assert play(7) == first != play(8)
    assert set(first) == {True, False}


def test_a_slow_answer_is_still_an_answer(stage: Stage) -> None:
    session = stage.open_session()
    stage.script({"on": "GET /v1/checkout/sessions/*", "do": "delay:0.1"})
    began = time.monotonic()
    assert stage.client.v1.checkout.sessions.retrieve(session.id).id == session.id
    assert time.monotonic() - began >= 0.1


def test_faults_wait_for_their_request_and_are_used_up_in_order(stage: Stage) -> None:
    stage.script({"on": "GET /v1/payment_intents/*", "do": "error_500_before"}, {"on": "POST *", "do": "error_500_before"})
    assert stage.ask("GET", "/_sandbox/faults")[1]["faults"][0]["times"] == 1
    with pytest.raises(stripe.APIError):
        stage.open_session()
    session = stage.paid_session()
    with pytest.raises(stripe.APIError):
        stage.client.v1.payment_intents.retrieve(session.payment_intent)
    assert stage.client.v1.payment_intents.retrieve(session.payment_intent).status == "succeeded"


def test_faults_are_cleared(stage: Stage) -> None:
    stage.script({"on": OPENING, "do": "refuse", "times": 9})
    assert stage.ask("DELETE", "/_sandbox/faults") == (200, {"faults": []})
    stage.open_session()


@pytest.mark.parametrize(
    "fault",
    [
        {"on": OPENING, "do": "explode"},
        {"on": OPENING, "do": "drop"},
        {"on": "webhook:*", "do": "refuse"},
        {"on": OPENING, "do": "delay"},
        {"on": OPENING, "do": "delay:soon"},
        {"on": OPENING, "do": "delay:-1"},
        {"on": OPENING, "do": "refuse:3"},
        {"on": OPENING, "do": "refuse", "times": 0},
        {"on": OPENING, "do": "refuse", "times": True},
        {"do": "refuse"},
        {"on": OPENING, "do": "refuse", "chance": 0},
        {"on": OPENING, "do": "refuse", "chance": 2},
        {"on": OPENING, "do": "refuse", "where": ["SH-1"]},
        {"on": OPENING, "do": "refuse", "colour": 1},
        {"on": OPENING, "do": "reorder"},
        {"on": "webhook:*", "do": "duplicate:1"},
        {"on": "webhook:*", "do": "drop:3"},
        "refuse",
    ],
)
def test_a_fault_that_cannot_be_played_is_refused_with_all_beside_it(stage: Stage, fault: Any) -> None:
    status, body = stage.ask("POST", "/_sandbox/faults", {"faults": [{"on": OPENING, "do": "refuse"}, fault]})
    assert status == 400
    assert body["error"]
    assert stage.ask("GET", "/_sandbox/faults")[1] == {"faults": []}


def test_the_strings_are_out_of_reach_for_other_machines_and_other_pages(stage: Stage) -> None:
    assert stage.ask("POST", "/_sandbox/clock", {"offset_seconds": 60}, {"X-Forwarded-For": "203.0.113.9"})[0] == 403
    assert stage.ask("POST", "/_sandbox/clock", {"offset_seconds": 60}, {"Host": "rebound.example"})[0] == 403
    assert stage.ask("POST", "/_sandbox/clock", {"offset_seconds": 60}, {"Content-Type": "text/plain"})[0] == 415
    assert stage.ask("POST", "/_sandbox/clock", {"offset_seconds": "60"})[0] == 400
    assert stage.ask("POST", "/_sandbox/clock", {"advance_seconds": "60"})[0] == 400
    assert stage.ask("GET", "/_sandbox/clock")[1]["offset_seconds"] == 0
    assert stage.ask("POST", "/_sandbox/clock", {"advance_seconds": 60})[1]["offset_seconds"] == 60
    assert stage.ask("POST", "/_sandbox/clock", {"advance_seconds": 60})[1]["offset_seconds"] == 120
    stranger = stage.running.app.test_client().get("/_sandbox/faults", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert stranger.status_code == 403
