"""What gathers in the balance goes to the bank, to the fen, and every transaction exactly once."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Stage


def _pay_out(stage: Stage, **wanted: Any) -> stripe.Payout:
    status, body = stage.ask("POST", "/_sandbox/payouts", wanted)
    assert status == 200, body
    return stage.client.v1.payouts.retrieve(body["id"])


def _within(stage: Stage, payout: stripe.Payout) -> list[stripe.BalanceTransaction]:
    return list(stage.client.v1.balance_transactions.list({"payout": payout.id, "limit": 2}).auto_paging_iter())


def test_a_payout_is_the_sum_of_what_it_takes_along(stage: Stage) -> None:
    for _ in range(3):
        stage.paid_session()
    intent = stage.paid_session().payment_intent
    stage.client.v1.refunds.create({"payment_intent": str(intent), "amount": 6800})
    payout = _pay_out(stage, even_pending=True)
    own, *taken = _within(stage, payout)
    assert payout.amount == 4 * 19921 - 6800 == sum(transaction.net for transaction in taken)
    assert (own.type, own.amount, own.source, own.id) == ("payout", -payout.amount, payout.id, payout.balance_transaction)
    assert (payout.status, payout.reconciliation_status, payout.automatic, payout.currency) == ("paid", "completed", True, "cny")
    assert {transaction.status for transaction in taken} == {"available"}
    told = [event.type for event in stage.client.v1.events.list({"type": "payout.*"}).data][::-1]
    assert told == ["payout.created", "payout.updated", "payout.paid", "payout.reconciliation_completed"]


def test_only_what_is_available_is_paid_out_and_only_once(stage: Stage) -> None:
    stage.paid_session()
    status, body = stage.ask("POST", "/_sandbox/payouts", {})
    assert (status, "nothing to pay out" in body["error"]) == (400, True)
    stage.shift_clock(8 * 86400)
    first = _pay_out(stage, paid=False)
    assert (first.status, first.amount) == ("in_transit", 19921)
    assert stage.ask("POST", "/_sandbox/payouts", {"even_pending": True})[0] == 400
    assert stage.ask("POST", f"/_sandbox/payouts/{first.id}/arrive", {})[1]["status"] == "paid"
    assert [one.id for one in stage.client.v1.payouts.list({"status": "paid"}).data] == [first.id]
    assert stage.client.v1.payouts.list({"arrival_date": {"lt": first.arrival_date}}).data == []


def test_a_payout_that_fails_comes_back_and_goes_out_with_the_next(stage: Stage) -> None:
    stage.paid_session()
    first = _pay_out(stage, even_pending=True)
    stage.ask("POST", f"/_sandbox/payouts/{first.id}/fail", {"code": "no_account"})
    failed = stage.client.v1.payouts.retrieve(first.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_code) == ("failed", "no_account")
    returned = failed.failure_balance_transaction
    assert isinstance(returned, stripe.BalanceTransaction)
    assert (returned.type, returned.amount, returned.source) == ("payout_failure", first.amount, first.id)
    second = _pay_out(stage)
    assert [transaction.type for transaction in _within(stage, second)] == ["payout", "payout_failure"]
    assert second.amount == first.amount
    assert stage.client.v1.events.list({"type": "payout.failed"}).data[0].data.object["id"] == first.id
    for wanted in ({"code": "no_account"}, {"code": "lost"}):
        assert stage.ask("POST", f"/_sandbox/payouts/{first.id}/fail", wanted)[0] == 400


def test_the_balance_holds_what_payouts_have_not_taken(stage: Stage) -> None:
    stage.paid_session()
    _pay_out(stage, even_pending=True)
    stage.paid_session()
    everything = list(stage.client.v1.balance_transactions.list({"limit": 1}).auto_paging_iter())
    assert sum(transaction.net for transaction in everything) == 19921
    assert len({transaction.id for transaction in everything}) == len(everything) == 3


def test_sums_of_any_kind_can_be_entered_by_hand(stage: Stage) -> None:
    status, booked = stage.ask("POST", "/_sandbox/balance_transactions", {"type": "stripe_fee", "amount": -500, "description": "Radar"})
    assert status == 200, booked
    strange = stage.ask("POST", "/_sandbox/balance_transactions", {"type": "moon_phase_correction", "amount": 7})[1]
    listed = stage.client.v1.balance_transactions.list().data
    assert [(one.id, one.type, one.net) for one in listed] == [
        (strange["id"], "moon_phase_correction", 7),
        (booked["id"], "stripe_fee", -500),
    ]
    assert listed[1].reporting_category == "fee"
    for wanted in ({"amount": "7"}, {}, {"amount": 7, "currency": "xyz"}, {"amount": 7, "type": 5}):
        assert stage.ask("POST", "/_sandbox/balance_transactions", wanted)[0] == 400


def test_payments_may_settle_in_another_currency(stage: Stage) -> None:
    assert stage.ask("POST", "/_sandbox/options", {"settlement_currency": "hkd", "rate": "1.0869"})[0] == 200
    session = stage.paid_session()
    stage.client.v1.refunds.create({"payment_intent": str(session.payment_intent), "amount": 6800})
    refunded, gained = stage.client.v1.balance_transactions.list().data
    assert (gained.currency, gained.amount, gained.exchange_rate) == ("hkd", 22173, 1.0869)
    assert [(part.description, part.amount) for part in gained.fee_details] == [
        ("Stripe processing fees", 521),
        ("Stripe currency conversion fee", 443),
    ]
    assert gained.net == 22173 - 521 - 443
    assert (refunded.currency, refunded.amount, refunded.net) == ("hkd", -7391, -7391)
    charge = stage.client.v1.charges.retrieve(str(gained.source))
    assert (charge.currency, charge.amount) == ("cny", 20400)
    payout = _pay_out(stage, even_pending=True)
    assert (payout.currency, payout.amount) == ("hkd", gained.net - 7391)


def test_a_payout_nobody_made_has_no_transactions(stage: Stage) -> None:
    for ask in (
        lambda: stage.client.v1.payouts.retrieve("po_0"),
        lambda: stage.client.v1.balance_transactions.list({"payout": "po_0"}),
        lambda: stage.client.v1.disputes.retrieve("du_0"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            ask()
        assert refusal.value.code == "resource_missing"
