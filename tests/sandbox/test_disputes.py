"""A cardholder asks the bank for the money back."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Stage


def _disputed(stage: Stage, **wanted: Any) -> stripe.Dispute:
    session = stage.open_session()
    stage.pay(session, "paid", "card")
    status, body = stage.ask("POST", "/_sandbox/disputes", {"session": session.id} | wanted)
    assert status == 200, body
    return stage.client.v1.disputes.retrieve(body["id"])


def _close(stage: Stage, dispute: stripe.Dispute, how: str, **wanted: Any) -> stripe.Dispute:
    status, body = stage.ask("POST", f"/_sandbox/disputes/{dispute.id}/{how}", wanted)
    assert status == 200, body
    return stage.client.v1.disputes.retrieve(dispute.id)


def _told(stage: Stage) -> list[str]:
    return [event.type for event in stage.client.v1.events.list({"type": "charge.dispute.*"}).data][::-1]


def test_a_dispute_takes_the_money_and_a_fee_at_once(stage: Stage) -> None:
    dispute = _disputed(stage, reason="fraudulent")
    (withdrawn,) = dispute.balance_transactions
    assert (dispute.status, dispute.amount, dispute.currency, dispute.reason) == ("needs_response", 20400, "cny", "fraudulent")
    assert (withdrawn.type, withdrawn.reporting_category) == ("adjustment", "dispute")
    assert (withdrawn.amount, withdrawn.fee, withdrawn.net, withdrawn.source) == (-20400, 8000, -28400, dispute.id)
    assert dispute.is_charge_refundable is False
    assert stage.client.v1.charges.retrieve(str(dispute.charge)).disputed is True
    assert _told(stage) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    listed = stage.client.v1.disputes.list({"payment_intent": str(dispute.payment_intent)}).data
    assert [one.id for one in listed] == [dispute.id]
    booked = stage.client.v1.balance_transactions.list({"source": dispute.id}).data
    assert [one.id for one in booked] == [withdrawn.id]


@pytest.mark.parametrize(("fee_returned", "net"), [(False, 20400), (True, 28400)])
def test_a_won_dispute_gives_the_money_back_and_the_fee_only_if_told(stage: Stage, fee_returned: bool, net: int) -> None:
    dispute = _close(stage, _disputed(stage), "win", fee_returned=fee_returned)
    reinstated = dispute.balance_transactions[1]
    assert (dispute.status, reinstated.amount, reinstated.net) == ("won", 20400, net)
    assert reinstated.reporting_category == "dispute_reversal"
    assert _told(stage)[2:] == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    assert stage.client.v1.refunds.create({"charge": str(dispute.charge)}).amount == 20400


def test_a_lost_dispute_moves_nothing_more(stage: Stage) -> None:
    dispute = _close(stage, _disputed(stage, amount=6800), "lose")
    assert (dispute.status, len(dispute.balance_transactions), dispute.amount) == ("lost", 1, 6800)
    assert _told(stage)[2:] == ["charge.dispute.closed"]
    status, body = stage.ask("POST", f"/_sandbox/disputes/{dispute.id}/win", {})
    assert (status, "already closed: lost" in body["error"]) == (400, True)


@pytest.mark.parametrize("is_lost", [False, True])
def test_what_was_charged_back_cannot_be_refunded_too(stage: Stage, is_lost: bool) -> None:
    dispute = _disputed(stage)
    if is_lost:
        _close(stage, dispute, "lose")
    with pytest.raises(stripe.InvalidRequestError, match="has been charged back; cannot issue a refund") as refusal:
        stage.client.v1.refunds.create({"payment_intent": str(dispute.payment_intent), "amount": 1})
    assert refusal.value.code == "charge_disputed"


def test_an_inquiry_only_asks_until_it_is_escalated(stage: Stage) -> None:
    dispute = _disputed(stage, inquiry=True)
    assert (dispute.status, dispute.balance_transactions, dispute.is_charge_refundable) == ("warning_needs_response", [], True)
    stage.client.v1.refunds.create({"charge": str(dispute.charge), "amount": 1})
    assert _close(stage, dispute, "escalate").status == "needs_response"
    assert _told(stage) == ["charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    other = _disputed(stage, inquiry=True)
    assert _close(stage, other, "lose").status == "warning_closed"


def test_the_shop_answers_with_evidence_or_gives_in(stage: Stage) -> None:
    dispute = _disputed(stage)
    staged = stage.client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "签收单"}, "submit": False})
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    answered = stage.client.v1.disputes.update(dispute.id, {"evidence": {"shipping_carrier": "示例"}, "metadata": {"order": "SH-1"}})
    assert (answered.status, answered.evidence_details.submission_count) == ("under_review", 1)
    assert (answered.evidence.uncategorized_text, answered.metadata.to_dict()) == ("签收单", {"order": "SH-1"})
    assert stage.client.v1.disputes.close(dispute.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        stage.client.v1.disputes.close(dispute.id)


def test_wallets_know_no_disputes_and_a_charge_is_disputed_once(stage: Stage) -> None:
    paid = stage.paid_session()
    status, body = stage.ask("POST", "/_sandbox/disputes", {"session": paid.id})
    assert (status, "Pay by card" in body["error"]) == (400, True)
    dispute = _disputed(stage)
    assert stage.ask("POST", "/_sandbox/disputes", {"charge": dispute.charge})[0] == 400
    assert stage.ask("POST", "/_sandbox/disputes", {})[0] == 404
    for wanted in ({"amount": 20401}, {"amount": 0}, {"reason": "mouldy"}):
        session = stage.open_session()
        stage.pay(session, "paid", "card")
        assert stage.ask("POST", "/_sandbox/disputes", {"session": session.id} | wanted)[0] == 400
