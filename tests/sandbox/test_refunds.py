"""Money that goes back, never more than came."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.sandbox.conftest import Stage


def _intent(stage: Stage) -> str:
    intent = stage.paid_session().payment_intent
    assert isinstance(intent, str)
    return intent


def test_refunds_in_pieces_come_to_the_whole_and_no_further(stage: Stage) -> None:
    intent = _intent(stage)
    first = stage.client.v1.refunds.create(
        {"payment_intent": intent, "amount": 6800, "reason": "requested_by_customer", "metadata": {"refund": "R-1"}}
    )
    assert (first.status, first.amount, first.currency, first.reason) == ("succeeded", 6800, "cny", "requested_by_customer")
    assert first.metadata.to_dict() == {"refund": "R-1"}
    assert stage.client.v1.charges.retrieve(first.charge).refunded is False
    with pytest.raises(stripe.InvalidRequestError, match=r"\(¥136.01\) is greater than unrefunded amount on charge \(¥136.00\)") as refusal:
        stage.client.v1.refunds.create({"payment_intent": intent, "amount": 13601})
    assert refusal.value.param == "amount"

    second = stage.client.v1.refunds.create({"charge": first.charge})
    assert second.amount == 13600
    with pytest.raises(stripe.InvalidRequestError) as over:
        stage.client.v1.refunds.create({"payment_intent": intent, "amount": 1})
    assert over.value.code == "charge_already_refunded"

    charge = stage.client.v1.charges.retrieve(first.charge)
    assert (charge.amount_refunded, charge.refunded, charge.status) == (20400, True, "succeeded")
    assert [one.id for one in stage.client.v1.refunds.list({"payment_intent": intent}).data] == [second.id, first.id]
    assert stage.client.v1.refunds.retrieve(first.id, {"expand": ["charge"]}).charge.id == charge.id
    balances = stage.client.v1.balance_transactions.list({"type": "payment_refund"}).data
    assert [balance.net for balance in balances] == [-13600, -6800]


def test_a_refund_is_told_with_what_changed(stage: Stage) -> None:
    intent = _intent(stage)
    refund = stage.client.v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "refund-1"})
    told = stage.client.v1.events.list({"limit": 3}).data[::-1]
    assert [event.type for event in told] == ["charge.refunded", "refund.created", "refund.updated"]
    assert told[0].data.previous_attributes.to_dict() == {"amount_refunded": 0, "refunded": False}
    assert told[1].data.object["id"] == refund.id
    assert told[1].request.idempotency_key == "refund-1"
    assert told[1].request.id.startswith("req_")


def test_refunds_that_race_never_exceed_the_charge(stage: Stage) -> None:
    intent = _intent(stage)

    def try_one(_: int) -> int:
        try:
            return stage.client.v1.refunds.create({"payment_intent": intent, "amount": 6000}).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(try_one, range(8)))
    assert sum(given) == 18000
    assert stage.client.v1.charges.list().data[0].amount_refunded == 18000


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_must_be_positive(stage: Stage, amount: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stage.client.v1.refunds.create({"payment_intent": _intent(stage), "amount": amount})
    assert (refusal.value.param, refusal.value.code) == ("amount", "parameter_invalid_integer")


def test_what_was_not_paid_cannot_be_refunded(stage: Stage) -> None:
    session = stage.open_session()
    stage.pay(session, "declined")
    intent = stage.client.v1.payment_intents.list().data[0]
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        stage.client.v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stage.client.v1.refunds.create({"charge": intent.latest_charge})
    assert refusal.value.code == "charge_not_refundable"


def test_a_refund_names_one_payment(stage: Stage) -> None:
    for params in ({}, {"payment_intent": "pi_nothing"}, {"charge": "ch_nothing"}, {"charge": "ch_a", "payment_intent": "pi_a"}):
        with pytest.raises(stripe.InvalidRequestError):
            stage.client.v1.refunds.create(params)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stage.client.v1.refunds.retrieve("re_nothing")
    assert refusal.value.http_status == 404


def test_a_reason_is_one_of_stripes(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stage.client.v1.refunds.create({"payment_intent": _intent(stage), "reason": "mouldy"})
    assert refusal.value.param == "reason"


def _fail(stage: Stage, refund: stripe.Refund, **wanted: str) -> stripe.Refund:
    status, body = stage.ask("POST", f"/_sandbox/refunds/{refund.id}/fail", wanted)
    assert status == 200, body
    return stage.client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})


def test_a_refund_may_take_its_time(stage: Stage) -> None:
    assert stage.ask("POST", "/_sandbox/options", {"refunds": "pending"})[0] == 200
    refund = stage.client.v1.refunds.create({"payment_intent": _intent(stage), "amount": 6800})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert stage.client.v1.charges.retrieve(str(refund.charge)).amount_refunded == 6800
    assert stage.ask("POST", f"/_sandbox/refunds/{refund.id}/settle", {})[0] == 200
    assert stage.client.v1.refunds.retrieve(refund.id).status == "succeeded"
    told = [event.type for event in stage.client.v1.events.list({"limit": 4}).data][::-1]
    assert told == ["charge.refunded", "refund.created", "refund.updated", "charge.refund.updated"]
    assert stage.ask("POST", f"/_sandbox/refunds/{refund.id}/settle", {})[0] == 400


@pytest.mark.parametrize("refunds", ["pending", "immediate"])
def test_a_refund_that_fails_returns_to_the_balance_and_may_be_asked_again(stage: Stage, refunds: str) -> None:
    stage.ask("POST", "/_sandbox/options", {"refunds": refunds})
    intent = _intent(stage)
    refund = stage.client.v1.refunds.create({"payment_intent": intent, "amount": 6800})
    failed = _fail(stage, refund, reason="expired_or_canceled_card")
    returned = failed.failure_balance_transaction
    assert isinstance(returned, stripe.BalanceTransaction)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert (returned.type, returned.amount, returned.source) == ("refund_failure", 6800, refund.id)
    assert stage.client.v1.events.list({"limit": 1}).data[0].type == "refund.failed"
    charge = stage.client.v1.charges.retrieve(str(refund.charge))
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert stage.client.v1.refunds.create({"payment_intent": intent}).amount == 20400
    assert stage.ask("POST", f"/_sandbox/refunds/{refund.id}/fail", {})[0] == 400
    assert stage.ask("POST", f"/_sandbox/refunds/{refund.id}/fail", {"reason": "mood"})[0] == 400


def test_a_refund_in_the_dashboard_carries_nothing_of_ours(stage: Stage) -> None:
    intent = _intent(stage)
    status, body = stage.ask("POST", "/_sandbox/refunds", {"payment_intent": intent, "amount": 6800})
    assert status == 200, body
    refund = stage.client.v1.refunds.retrieve(body["id"])
    assert (refund.amount, refund.metadata.to_dict(), refund.reason, refund.status) == (6800, {}, None, "succeeded")
    told = stage.client.v1.events.list({"type": "refund.created"}).data[0]
    assert (told.request.id, told.request.idempotency_key) == (None, None)
    assert stage.ask("POST", "/_sandbox/refunds", {"payment_intent": intent, "amount": 13601})[0] == 400
    assert stage.ask("POST", "/_sandbox/refunds", {"payment_intent": intent})[1]["amount"] == 13600


@pytest.mark.parametrize(("method", "days"), [("alipay", 90), ("wechat_pay", 180)])
def test_wallets_take_money_back_for_a_time_only(stage: Stage, method: str, days: int) -> None:
    session = stage.open_session()
    stage.pay(session, "paid", method)
    intent = stage.client.v1.checkout.sessions.retrieve(session.id).payment_intent
    stage.shift_clock(days * 86400 - 60)
    stage.client.v1.refunds.create({"payment_intent": str(intent), "amount": 100})
    stage.shift_clock(days * 86400 + 60)
    with pytest.raises(stripe.InvalidRequestError, match=f"more than {days} days ago") as refusal:
        stage.client.v1.refunds.create({"payment_intent": str(intent), "amount": 100})
    assert refusal.value.code == "charge_not_refundable"


def test_a_card_takes_money_back_much_later(stage: Stage) -> None:
    session = stage.open_session()
    stage.pay(session, "paid", "card")
    stage.shift_clock(300 * 86400)
    charge = stage.client.v1.charges.list().data[0]
    assert stage.client.v1.refunds.create({"charge": charge.id}).id.startswith("re_")


@pytest.mark.parametrize("wanted", [{"refunds": "never"}, {"rate": "0"}, {"rate": "x"}, {"settlement_currency": "xyz"}, {"colour": 1}, [1]])
def test_an_option_that_there_is_not_is_refused(stage: Stage, wanted: object) -> None:
    before = stage.ask("GET", "/_sandbox/options")[1]
    assert stage.ask("POST", "/_sandbox/options", wanted)[0] == 400
    assert stage.ask("GET", "/_sandbox/options")[1] == before
