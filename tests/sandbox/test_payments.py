"""What comes of a payment: intents, charges, balance transactions, and the events that tell of them."""

from __future__ import annotations

import pytest
import stripe

from tests.sandbox.conftest import Stage

EVERYTHING = ["payment_intent", "payment_intent.latest_charge", "payment_intent.latest_charge.balance_transaction"]


@pytest.mark.parametrize(("method", "fee"), [("alipay", 479), ("wechat_pay", 479), ("card", 894)])
def test_a_paid_session_leads_to_intent_charge_and_balance(stage: Stage, method: str, fee: int) -> None:
    opened = stage.open_session(payment_intent_data={"metadata": {"order": "SH-1"}, "description": "SH-1"})
    answer = stage.pay(opened, "paid", method)
    assert answer["redirect"] == f"http://127.0.0.1:8000/checkout/return?session={opened.id}"

    session = stage.client.v1.checkout.sessions.retrieve(opened.id, {"expand": EVERYTHING})
    intent = session.payment_intent
    charge = intent.latest_charge
    balance = charge.balance_transaction
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert (intent.status, intent.amount, intent.amount_received, intent.currency) == ("succeeded", 20400, 20400, "cny")
    assert intent.metadata.to_dict() == charge.metadata.to_dict() == {"order": "SH-1"}
    assert (charge.status, charge.paid, charge.captured, charge.amount_refunded) == ("succeeded", True, True, 0)
    assert (charge.payment_intent, charge.payment_method_details.type) == (intent.id, method)
    assert (balance.amount, balance.fee, balance.net) == (20400, fee, 20400 - fee)
    assert (balance.type, balance.reporting_category) == ("charge" if method == "card" else "payment", "charge")
    assert (balance.source, balance.currency, balance.status) == (charge.id, "cny", "pending")

    assert stage.client.v1.payment_intents.retrieve(intent.id).latest_charge == charge.id
    assert stage.client.v1.charges.retrieve(charge.id, {"expand": ["balance_transaction"]}).balance_transaction.net == balance.net
    assert stage.client.v1.balance_transactions.retrieve(balance.id, {"expand": ["source"]}).source.id == charge.id
    assert [one.id for one in stage.client.v1.payment_intents.list().data] == [intent.id]
    assert [one.id for one in stage.client.v1.charges.list({"payment_intent": intent.id}).data] == [charge.id]
    assert [one.id for one in stage.client.v1.balance_transactions.list({"source": charge.id}).data] == [balance.id]


def test_a_balance_transaction_becomes_available_after_some_days(stage: Stage) -> None:
    session = stage.client.v1.checkout.sessions.retrieve(stage.paid_session().id, {"expand": EVERYTHING})
    balance_id = session.payment_intent.latest_charge.balance_transaction.id
    stage.shift_clock(8 * 86400)
    assert stage.client.v1.balance_transactions.retrieve(balance_id).status == "available"


def test_a_payment_is_told_in_three_events(stage: Stage) -> None:
    session = stage.paid_session()
    told = stage.client.v1.events.list().data[::-1]
    assert [event.type for event in told] == ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
    completed = told[-1]
    assert (completed.api_version, completed.livemode) == ("2026-10-28.endive", False)
    assert completed.data.object["id"] == session.id
    assert completed.data.object["payment_status"] == "paid"
    assert not [name for name in completed.data.object.to_dict() if name.startswith("_")]
    assert stage.client.v1.events.retrieve(completed.id).type == "checkout.session.completed"


def test_a_declined_payment_can_be_tried_again_with_the_same_intent(stage: Stage) -> None:
    opened = stage.open_session()
    stage.pay(opened, "declined", "card")
    session = stage.client.v1.checkout.sessions.retrieve(opened.id, {"expand": ["payment_intent.latest_charge"]})
    intent = session.payment_intent
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert intent.status == "requires_payment_method"
    assert (intent.last_payment_error.code, intent.last_payment_error.decline_code) == ("card_declined", "insufficient_funds")
    assert (intent.latest_charge.status, intent.latest_charge.paid) == ("failed", False)
    assert [event.type for event in stage.client.v1.events.list().data] == ["payment_intent.payment_failed", "charge.failed"]

    stage.pay(opened, "paid", "alipay")
    paid = stage.client.v1.checkout.sessions.retrieve(opened.id, {"expand": EVERYTHING})
    assert paid.payment_status == "paid"
    assert paid.payment_intent.id == intent.id
    assert paid.payment_intent.last_payment_error is None
    assert paid.payment_intent.amount_received == 20400
    assert len(stage.client.v1.charges.list().data) == 2
    assert len(stage.client.v1.balance_transactions.list().data) == 1


def test_walking_away_leaves_the_session_open_and_nothing_charged(stage: Stage) -> None:
    opened = stage.open_session()
    stage.pay(opened, "walk_away")
    session = stage.client.v1.checkout.sessions.retrieve(opened.id, {"expand": ["payment_intent"]})
    assert (session.status, session.payment_intent.status) == ("open", "requires_action")
    assert stage.client.v1.charges.list().data == []
    assert stage.client.v1.events.list().data == []


def test_a_bank_that_answers_late_pays_an_expired_session(stage: Stage) -> None:
    opened = stage.open_session()
    stage.client.v1.checkout.sessions.expire(opened.id)
    stage.pay(opened, "paid_after_expiry")
    session = stage.client.v1.checkout.sessions.retrieve(opened.id, {"expand": ["payment_intent"]})
    assert (session.status, session.payment_status, session.payment_intent.status) == ("complete", "paid", "succeeded")


def test_paying_late_an_open_session_expires_it_first(stage: Stage) -> None:
    opened = stage.open_session()
    stage.pay(opened, "walk_away")
    stage.pay(opened, "paid_after_expiry")
    told = [event.type for event in stage.client.v1.events.list().data][::-1]
    assert told == [
        "payment_intent.canceled",
        "checkout.session.expired",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_a_session_is_never_paid_twice(stage: Stage) -> None:
    session = stage.paid_session()
    for outcome in ("paid", "paid_after_expiry", "declined"):
        status, body = stage.ask("POST", f"/_sandbox/pay/{session.id}", {"outcome": outcome})
        assert (status, 'status of "complete"' in body["error"]) == (400, True)
    assert len(stage.client.v1.charges.list().data) == 1


def test_an_expired_session_cannot_simply_be_paid(stage: Stage) -> None:
    session = stage.open_session()
    stage.client.v1.checkout.sessions.expire(session.id)
    assert stage.ask("POST", f"/_sandbox/pay/{session.id}", {"outcome": "paid"})[0] == 400


@pytest.mark.parametrize("ids", [("payment_intents", "pi_0"), ("charges", "ch_0"), ("balance_transactions", "txn_0"), ("events", "evt_0")])
def test_unknown_ids_are_not_there(stage: Stage, ids: tuple[str, str]) -> None:
    kind, identifier = ids
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        getattr(stage.client.v1, kind).retrieve(identifier)
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


def test_an_id_of_another_kind_is_not_there(stage: Stage) -> None:
    session = stage.paid_session()
    with pytest.raises(stripe.InvalidRequestError):
        stage.client.v1.charges.retrieve(session.payment_intent)


def test_a_slow_bank_completes_the_session_first_and_pays_days_later(stage: Stage) -> None:
    opened = stage.open_session()
    stage.pay(opened, "processing")
    waiting = stage.client.v1.checkout.sessions.retrieve(opened.id, {"expand": ["payment_intent.latest_charge"]})
    intent = waiting.payment_intent
    assert (waiting.status, waiting.payment_status, intent.status, intent.latest_charge.status) == (
        "complete",
        "unpaid",
        "processing",
        "pending",
    )
    assert stage.client.v1.balance_transactions.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        stage.client.v1.refunds.create({"payment_intent": intent.id})
    stage.pay(opened, "settled")
    paid = stage.client.v1.checkout.sessions.retrieve(opened.id, {"expand": EVERYTHING})
    assert (paid.payment_status, paid.payment_intent.status) == ("paid", "succeeded")
    assert paid.payment_intent.latest_charge.balance_transaction.amount == 20400
    told = [event.type for event in stage.client.v1.events.list().data][::-1]
    assert told == [
        "charge.pending",
        "payment_intent.processing",
        "checkout.session.completed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]


def test_a_slow_bank_may_say_no(stage: Stage) -> None:
    opened = stage.open_session()
    stage.pay(opened, "processing")
    stage.pay(opened, "bounced")
    failed = stage.client.v1.checkout.sessions.retrieve(opened.id, {"expand": ["payment_intent"]})
    assert (failed.status, failed.payment_status, failed.payment_intent.status) == ("complete", "unpaid", "requires_payment_method")
    assert stage.client.v1.events.list({"limit": 1}).data[0].type == "checkout.session.async_payment_failed"
    assert stage.ask("POST", f"/_sandbox/pay/{opened.id}", {"outcome": "settled"})[0] == 400


def test_a_customer_is_kept_and_named_by_what_is_paid(stage: Stage) -> None:
    customer = stage.client.v1.customers.create({"name": "Mei", "email": "mei@example.test", "metadata": {"buyer": "1"}})
    changed = stage.client.v1.customers.update(customer.id, {"phone": "13800000000", "metadata": {"unit": "2"}})
    assert (changed.name, changed.phone, changed.metadata.to_dict()) == ("Mei", "13800000000", {"buyer": "1", "unit": "2"})
    session = stage.paid_session(customer=customer.id)
    paid = stage.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer", "payment_intent.latest_charge"]})
    assert paid.customer.email == "mei@example.test"
    assert paid.payment_intent.customer == paid.payment_intent.latest_charge.customer == customer.id
    stage.paid_session()
    for kind in ("charges", "payment_intents"):
        assert len(getattr(stage.client.v1, kind).list({"customer": customer.id}).data) == 1
    assert [one.id for one in stage.client.v1.customers.list({"email": "mei@example.test"}).data] == [customer.id]
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        stage.open_session(customer=customer.id, customer_email="mei@example.test")
    with pytest.raises(stripe.InvalidRequestError):
        stage.client.v1.customers.retrieve("cus_0")
