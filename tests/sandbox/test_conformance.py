"""The stand-in is what Stripe's own SDK expects: every object parses into its class with every field its class promises, and lists turn pages."""

from __future__ import annotations

import typing
from typing import Any

import pytest
import stripe
from stripe._stripe_object import StripeObject

from tests.sandbox.conftest import Stage, client_for, rice

# What the SDK declares for objects made in ways that the sandbox does not play.
UNPLAYED = {"charge": {"transfer"}}  # Connect


@pytest.fixture
def played(stage: Stage) -> dict[str, StripeObject]:
    """One of each kind, after a payment by card, a refund, a dispute and a payout."""
    v1 = stage.client.v1
    customer = v1.customers.create({"email": "mei@example.test"})
    session = stage.open_session(customer=customer.id)
    stage.pay(session, "paid", "card")
    other = stage.open_session()
    stage.pay(other, "paid", "card")
    session = v1.checkout.sessions.retrieve(session.id)
    refund = v1.refunds.create({"payment_intent": str(session.payment_intent), "amount": 100})
    dispute = stage.ask("POST", "/_sandbox/disputes", {"session": other.id})[1]
    payout = stage.ask("POST", "/_sandbox/payouts", {"even_pending": True})[1]
    return {
        "checkout.session": session,
        "payment_intent": v1.payment_intents.retrieve(str(session.payment_intent)),
        "charge": v1.charges.retrieve(str(refund.charge)),
        "refund": refund,
        "balance_transaction": v1.balance_transactions.retrieve(str(refund.balance_transaction)),
        "dispute": v1.disputes.retrieve(dispute["id"]),
        "payout": v1.payouts.retrieve(payout["id"]),
        "event": v1.events.list({"limit": 1}).data[0],
        "customer": customer,
    }


def test_every_object_is_of_the_class_that_the_sdk_has_for_it(played: dict[str, StripeObject]) -> None:
    classes = {
        "checkout.session": stripe.checkout.Session,
        "payment_intent": stripe.PaymentIntent,
        "charge": stripe.Charge,
        "refund": stripe.Refund,
        "balance_transaction": stripe.BalanceTransaction,
        "dispute": stripe.Dispute,
        "payout": stripe.Payout,
        "event": stripe.Event,
        "customer": stripe.Customer,
    }
    assert {kind: type(thing) for kind, thing in played.items()} == classes
    for kind, thing in played.items():
        parsed = classes[kind].construct_from(thing.to_dict(), "sk_test_sandbox")
        assert (parsed["object"], parsed.to_dict()) == (kind, thing.to_dict())


def test_no_object_lacks_what_its_class_promises_without_reserve(played: dict[str, StripeObject]) -> None:
    """A field that the SDK declares as never empty is there, and one that is there is declared: nothing is made up, nothing misspelt."""
    lacking, made_up = {}, {}
    for kind, thing in played.items():
        declared = {
            name: str(hint) for name, hint in type(thing).__annotations__.items() if name != "OBJECT_NAME" and not name.startswith("_")
        }
        surely = {name for name, hint in declared.items() if "Optional[" not in hint and "NoneType" not in hint}
        there = set(thing.to_dict())
        lacking[kind] = sorted(surely - there - UNPLAYED.get(kind, set()))
        made_up[kind] = sorted(there - set(declared))
    nothing: dict[str, list[str]] = {kind: [] for kind in played}
    assert lacking == nothing
    assert made_up == nothing


@pytest.mark.parametrize("name", ["amount", "currency", "status", "created", "id"])
def test_facts_have_the_types_that_they_are_declared_with(played: dict[str, StripeObject], name: str) -> None:
    for thing in played.values():
        if name in thing:
            hint: Any = type(thing).__annotations__.get(name)
            wanted = int if hint is int else str
            if typing.get_origin(hint) is None and hint in (int, str):
                assert isinstance(thing[name], wanted), f"{thing['object']}.{name}"


def test_lists_turn_their_pages_by_themselves(stage: Stage) -> None:
    opened = [stage.open_session().id for _ in range(7)]
    stage.client.v1.checkout.sessions.expire(opened[0])
    page = stage.client.v1.checkout.sessions.list({"limit": 3})
    assert (len(page.data), page.has_more, page.url) == (3, True, "/v1/checkout/sessions")
    assert [session.id for session in page.auto_paging_iter()] == opened[::-1]
    still_open = stage.client.v1.checkout.sessions.list({"limit": 2, "status": "open"})
    assert [session.id for session in still_open.auto_paging_iter()] == opened[:0:-1]
    events = stage.client.v1.events.list({"limit": 1})
    assert [event.type for event in events.auto_paging_iter()] == ["checkout.session.expired"]


@pytest.mark.parametrize(
    "path",
    [
        "checkout/sessions",
        "payment_intents",
        "charges",
        "refunds",
        "balance_transactions",
        "disputes",
        "payouts",
        "events",
        "customers",
    ],
)
def test_every_list_refuses_what_stripe_does_not_know(stage: Stage, path: str) -> None:
    for wanted, param in (
        ({"colour": "green"}, "colour"),
        ({"limit": 101}, "limit"),
        ({"limit": 0}, "limit"),
        ({"created": {"ge": 1}}, "created[ge]"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            stage.client.raw_request("get", f"/v1/{path}", **wanted)
        assert (refusal.value.http_status, refusal.value.param) == (400, param)
    assert stage.client.raw_request("get", f"/v1/{path}", limit=100).data["data"] == []


def test_what_is_missing_or_unknown_is_named(stage: Stage) -> None:
    for params, code, param in (
        ({"line_items": [rice()], "success_url": "http://127.0.0.1/"}, "parameter_missing", "mode"),
        ({"mode": "payment", "success_url": "http://127.0.0.1/"}, "parameter_missing", "line_items"),
        ({"mode": "payment", "line_items": [rice()]}, "parameter_missing", "success_url"),
        ({"mode": "payment", "line_items": [rice()], "success_url": "http://127.0.0.1/", "colour": 1}, "parameter_unknown", "colour"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            stage.client.v1.checkout.sessions.create(params)  # type: ignore[arg-type]
        assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (400, code, param)


def test_a_wrong_key_is_not_let_in(stage: Stage) -> None:
    for key in ("sk_test_somebody_elses_key", "sk_live_0000000000000000"):
        with pytest.raises(stripe.AuthenticationError) as refusal:
            client_for(stage.running, key=key).v1.charges.list()
        assert refusal.value.http_status == 401
        assert key not in str(refusal.value)
