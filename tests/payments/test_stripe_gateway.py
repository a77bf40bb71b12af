"""What only Stripe's gateway promises: what Stripe is told, which of its errors mean what, and how the wire is used."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask, current_app

from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import RefundState
from shop.payments.provider import AskedLine, Outcome, OutcomeKind, RefundAsked
from shop.payments.stripe.gateway import MOST_LINES
from tests.payments.test_contract import asked
from tests.sandboxes import Sandbox, gateway_to

OPENING = "POST /v1/checkout/sessions"


def bought(sandbox: Sandbox) -> Outcome:
    """A session that was paid."""
    opened = sandbox.gateway.start(asked())
    sandbox.pay(opened.session_id)
    return sandbox.gateway.outcome(opened.session_id)


def test_stripe_is_told_the_order_the_sum_and_the_end(pretend_stripe: Sandbox) -> None:
    wanted = asked(locale="en")
    session = pretend_stripe.kept("checkout.session", pretend_stripe.gateway.start(wanted).session_id)
    assert session["client_reference_id"] == "SH-261123-7K3M9P"
    assert session["metadata"] == {"order": "SH-261123-7K3M9P"}
    assert (session["amount_total"], session["currency"]) == (21_200, "cny")
    assert session["expires_at"] == int(wanted.expires_at.timestamp())
    assert (session["mode"], session["ui_mode"], session["locale"]) == ("payment", "hosted_page", "en")
    assert (session["success_url"], session["cancel_url"]) == (wanted.success_url, wanted.cancel_url)
    assert session["customer_email"] == "mei@example.test"
    assert session["adaptive_pricing"] == {"enabled": False}
    assert session["allowed_payment_method_types"] is None  # what is offered, Stripe decides


def test_a_charge_carries_the_order_for_whoever_reconciles(pretend_stripe: Sandbox) -> None:
    paid = bought(pretend_stripe)
    assert paid.intent_id is not None
    intent = pretend_stripe.kept("payment_intent", paid.intent_id)
    assert (intent["description"], intent["metadata"]) == ("SH-261123-7K3M9P", {"order": "SH-261123-7K3M9P"})


def test_a_line_whose_sum_does_not_divide_is_shown_as_one_thing(pretend_stripe: Sandbox) -> None:
    lines = [AskedLine("白水贡米", 3, 20_000), AskedLine("菜籽油", 2, 21_600)]
    opened = pretend_stripe.gateway.start(asked(lines=lines, amount_fen=41_600))
    items = pretend_stripe.kept("checkout.session", opened.session_id)["_line_items"]
    assert [(item["description"], item["quantity"], item["amount_total"]) for item in items] == [
        ("白水贡米 × 3", 1, 20_000),
        ("菜籽油", 2, 21_600),
    ]


def test_more_lines_than_stripe_takes_become_one(pretend_stripe: Sandbox) -> None:
    lines = [AskedLine(f"第 {number} 样", 1, 100) for number in range(MOST_LINES + 1)]
    opened = pretend_stripe.gateway.start(asked(lines=lines, amount_fen=100 * len(lines)))
    items = pretend_stripe.kept("checkout.session", opened.session_id)["_line_items"]
    assert [(item["description"], item["amount_total"]) for item in items] == [("SH-261123-7K3M9P", 10_100)]


def test_nobody_is_turned_away_for_an_address_that_stripe_does_not_like(pretend_stripe: Sandbox) -> None:
    wanted = asked(email="梅 at example")
    opened = pretend_stripe.gateway.start(wanted)
    assert pretend_stripe.kept("checkout.session", opened.session_id)["customer_email"] is None
    assert pretend_stripe.gateway.start(wanted) == opened


def test_an_end_too_near_is_refused_with_stripes_code_and_without_its_words(pretend_stripe: Sandbox) -> None:
    near = asked()
    with pytest.raises(ProviderRefused) as refusal:
        pretend_stripe.gateway.start(replace(near, expires_at=near.expires_at - timedelta(minutes=5)))
    assert refusal.value.code == "invalid_request_error"
    assert str(refusal.value) == "invalid_request_error"


def test_a_key_that_is_not_let_in_says_nothing_about_the_money(pretend_stripe: Sandbox) -> None:
    paid = bought(pretend_stripe)
    stranger = gateway_to(pretend_stripe.url, "sk_test_other")
    with pytest.raises(ProviderUnavailable):
        stranger.start(asked(once="pay:SH-261123-7K3M9P:9"))
    with pytest.raises(ProviderUnavailable, match="AuthenticationError 401"):
        stranger.refund(RefundAsked("refund-1", str(paid.intent_id), 100, "SH-261123-7K3M9P"))


def test_one_hiccup_is_not_noticed(pretend_stripe: Sandbox) -> None:
    for do in ("error_500_before", "error_500_after", "refuse"):
        pretend_stripe.script({"on": OPENING, "do": do})
        pretend_stripe.gateway.start(asked(once=f"pay:{do}"))
    assert pretend_stripe.count("checkout.session") == 3


def test_a_silence_is_cut_short_and_not_sat_through_twice(pretend_stripe: Sandbox) -> None:
    pretend_stripe.script({"on": OPENING, "do": "timeout:2"})
    wanted, began = asked(), time.monotonic()
    with pytest.raises(ProviderUnavailable, match="APIConnectionError"):
        gateway_to(pretend_stripe.url, read_seconds=0.2).start(wanted)
    assert time.monotonic() - began < 1
    assert pretend_stripe.gateway.start(wanted).session_id == pretend_stripe.last_session_id
    assert pretend_stripe.count("checkout.session") == 1


def test_a_key_that_is_being_worked_on_gives_no_clear_answer(pretend_stripe: Sandbox) -> None:
    pretend_stripe.script({"on": OPENING, "do": "delay:1"})
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    wanted = asked()

    def start() -> None:
        with app.app_context():
            pretend_stripe.gateway.start(wanted)

    slow = threading.Thread(target=start)
    slow.start()
    time.sleep(0.3)
    with pytest.raises(ProviderUnavailable, match="409"):
        pretend_stripe.gateway.start(wanted)
    slow.join()
    assert pretend_stripe.count("checkout.session") == 1


def test_a_refund_is_found_again_after_stripe_has_forgotten_its_key(pretend_stripe: Sandbox) -> None:
    paid = bought(pretend_stripe)
    wanted = RefundAsked("refund-1", str(paid.intent_id), 6_667, "SH-261123-7K3M9P")
    first = pretend_stripe.gateway.refund(wanted)
    pretend_stripe.shift_clock(3 * 24 * 60 * 60)
    assert pretend_stripe.gateway.refund(wanted) == first
    assert pretend_stripe.count("refund") == 1


def test_a_refund_says_how_it_stands(pretend_stripe: Sandbox) -> None:
    paid = bought(pretend_stripe)
    refund_id = pretend_stripe.gateway.refund(RefundAsked("refund-1", str(paid.intent_id), 100, "SH-261123-7K3M9P")).provider_id
    for status, state, trouble in (
        ("pending", RefundState.PENDING, None),
        ("requires_action", RefundState.PENDING, None),
        ("canceled", RefundState.FAILED, "canceled"),
        ("failed", RefundState.FAILED, "lost_or_stolen_card"),
        ("succeeded", RefundState.SUCCEEDED, None),
    ):
        with pretend_stripe.running.app.extensions["sandbox"].act() as acting:
            reason = {"failure_reason": trouble} if status == "failed" else {"failure_reason": None}
            acting.books.update(acting.books.get("refund", refund_id) | {"status": status} | reason)
        answer = pretend_stripe.gateway.refund_state(refund_id)
        assert (answer.provider_id, answer.state, answer.trouble) == (refund_id, state, trouble)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("processing", OutcomeKind.OPEN), ("requires_payment_method", OutcomeKind.EXPIRED), ("canceled", OutcomeKind.EXPIRED)],
)
def test_a_session_completed_by_a_slow_method_is_open_while_the_bank_thinks(
    pretend_stripe: Sandbox, status: str, kind: OutcomeKind
) -> None:
    opened = pretend_stripe.gateway.start(asked())
    pretend_stripe.decline(opened.session_id)
    with pretend_stripe.running.app.extensions["sandbox"].act() as acting:
        session = acting.books.update(acting.books.get("checkout.session", opened.session_id) | {"status": "complete"})
        acting.books.update(acting.books.get("payment_intent", session["payment_intent"]) | {"status": status})
    outcome = pretend_stripe.gateway.outcome(opened.session_id)
    assert (outcome.kind, outcome.received_fen) == (kind, 0)


def test_threads_share_the_gateway_and_keep_its_connections(pretend_stripe: Sandbox) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def start(number: int) -> str:
        with app.app_context():
            return pretend_stripe.gateway.start(asked(once=f"pay:{number}", reference=f"SH-{number}")).session_id

    with ThreadPoolExecutor(8) as threads:
        sessions = list(threads.map(start, range(40)))
    assert len(set(sessions)) == 40
    assert [pretend_stripe.kept("checkout.session", session)["client_reference_id"] for session in sessions] == [
        f"SH-{n}" for n in range(40)
    ]
