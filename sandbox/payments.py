"""Payments: what the buyer does on the pay page, and the payment intents, charges and balance transactions that come of it.

Law: a session is paid at most once; a succeeded charge has exactly one balance transaction; amount = fee + net.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sandbox.balance import AVAILABLE_AFTER_SECONDS, Fee, Kind, enter
from sandbox.errors import StripeError, no_such
from sandbox.events import emit
from sandbox.house import Act, Notice, new_id
from sandbox.objects import Listing, find_page
from sandbox.parameters import Text, listing, retrieving
from sandbox.sessions import lapse
from sandbox.store import StripeObject

RETRIEVE = retrieving()
LIST_INTENTS = listing(customer=Text())
LIST_CHARGES = listing(customer=Text(), payment_intent=Text())

# Made-up prices in the order of Stripe's: ten-thousandths of the amount, and a fixed part in the smallest unit.
_FEES = {"alipay": (220, 30), "wechat_pay": (220, 30), "card": (340, 200)}


class Outcome(StrEnum):
    """What the buyer, the bank or the network does."""

    PAID = "paid"
    """The money arrives and the shop is told at once."""
    PAID_LATE_NOTICE = "paid_late_notice"
    """The money arrives; the buyer is back in the shop long before the webhook."""
    PAID_NOTICE_TWICE = "paid_notice_twice"
    """The money arrives; every event is delivered twice."""
    DECLINED = "declined"
    """The bank refuses for lack of funds; the session stays open for another try."""
    WALK_AWAY = "walk_away"
    """The buyer began to pay and left; the session stays open until it expires."""
    PAID_AFTER_EXPIRY = "paid_after_expiry"
    """The session expires first, and then the bank answers that it has paid: the shop may have let the hold lapse already."""
    PROCESSING = "processing"
    """The buyer has done everything, the bank takes days: the session is complete and not paid (docs.stripe.com/payments/checkout/fulfill-orders)."""
    SETTLED = "settled"
    """After PROCESSING: the money arrives."""
    BOUNCED = "bounced"
    """After PROCESSING: the bank says no."""


def play(act: Act, session: StripeObject, method: str, outcome: Outcome) -> StripeObject:
    """Let the buyer pay `session` by `method` with `outcome`; returns the session as it then is.

    Raises StripeError when the session is complete, has expired (and the outcome is not PAID_AFTER_EXPIRY), or does not offer `method`.
    """
    if outcome in (Outcome.SETTLED, Outcome.BOUNCED):
        return _decide(act, session, outcome)
    if method not in session["payment_method_types"]:
        raise StripeError(f"This Checkout Session does not offer {method}.", param="method")
    if session["status"] == "complete" or (session["status"] == "expired" and outcome is not Outcome.PAID_AFTER_EXPIRY):
        raise StripeError(f'This Checkout Session has a status of "{session["status"]}" and cannot be paid.', code="session_not_open")
    if outcome is Outcome.DECLINED:
        return _decline(act, session, method)
    if outcome is Outcome.PROCESSING:
        return _process(act, session, method)
    if outcome is Outcome.WALK_AWAY:
        return _walk_away(act, session, method)
    if outcome is Outcome.PAID_LATE_NOTICE:
        act.notice = Notice(delay_seconds=act.settings.late_notice_seconds)
    elif outcome is Outcome.PAID_NOTICE_TWICE:
        act.notice = Notice(copies=2)
    elif outcome is Outcome.PAID_AFTER_EXPIRY and session["status"] == "open":
        session = lapse(act, session)
    intent = _intent(act, session, method)
    charge = act.books.insert(_charge(act, intent, method))
    return _succeed(act, session, intent, charge, "checkout.session.completed")


def _succeed(act: Act, session: StripeObject, intent: StripeObject, charge: StripeObject, event: str) -> StripeObject:
    transaction = _gain(act, charge, charge["payment_method_details"]["type"])
    charge |= {
        "status": "succeeded",
        "balance_transaction": transaction["id"],
        "paid": True,
        "captured": True,
        "amount_captured": charge["amount"],
    }
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "payment_method": charge["payment_method"],
        "last_payment_error": None,
        "next_action": None,
        "canceled_at": None,
        "cancellation_reason": None,
    }
    details = {"address": None, "email": session["customer_email"], "name": None, "phone": None, "tax_exempt": "none", "tax_ids": []}
    session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent["id"], "url": None, "customer_details": details}
    emit(act, "charge.succeeded", act.books.update(charge))
    emit(act, "payment_intent.succeeded", act.books.update(intent))
    emit(act, event, act.books.update(session))
    return session


def _process(act: Act, session: StripeObject, method: str) -> StripeObject:
    """The session is complete, its money on the way: no balance transaction yet."""
    intent = _intent(act, session, method)
    charge = act.books.insert(_charge(act, intent, method) | {"status": "pending"})
    intent |= {"status": "processing", "latest_charge": charge["id"], "payment_method": charge["payment_method"], "next_action": None}
    session |= {"status": "complete", "payment_intent": intent["id"], "url": None}
    emit(act, "charge.pending", charge)
    emit(act, "payment_intent.processing", act.books.update(intent))
    emit(act, "checkout.session.completed", act.books.update(session))
    return session


def _decide(act: Act, session: StripeObject, outcome: Outcome) -> StripeObject:
    """The bank has thought about it."""
    intent = act.books.find("payment_intent", session["payment_intent"] or "")
    if intent is None or intent["status"] != "processing":
        raise StripeError("The bank is not working on this payment.", code="payment_intent_unexpected_state")
    charge = act.books.get("charge", intent["latest_charge"])
    if outcome is Outcome.SETTLED:
        return _succeed(act, session, intent, charge, "checkout.session.async_payment_succeeded")
    session = _refuse(act, session, intent, charge)
    emit(act, "checkout.session.async_payment_failed", session)
    return session


def _decline(act: Act, session: StripeObject, method: str) -> StripeObject:
    intent = _intent(act, session, method)
    return _refuse(act, session, intent, act.books.insert(_charge(act, intent, method)))


def _refuse(act: Act, session: StripeObject, intent: StripeObject, charge: StripeObject) -> StripeObject:
    method = charge["payment_method_details"]["type"]
    message = "Your card has insufficient funds." if method == "card" else "Your account has insufficient funds."
    charge |= {
        "status": "failed",
        "failure_code": "card_declined" if method == "card" else "payment_method_provider_decline",
        "failure_message": message,
        "outcome": {
            "network_status": "declined_by_network",
            "reason": "insufficient_funds",
            "risk_level": "normal",
            "seller_message": "The bank returned the decline code `insufficient_funds`.",
            "type": "issuer_declined",
        },
    }
    intent |= {
        "status": "requires_payment_method",
        "latest_charge": charge["id"],
        "last_payment_error": {
            "charge": charge["id"],
            "code": charge["failure_code"],
            "decline_code": "insufficient_funds",
            "message": message,
            "type": "card_error",
        },
        "next_action": None,
    }
    emit(act, "charge.failed", act.books.update(charge))
    emit(act, "payment_intent.payment_failed", act.books.update(intent))
    return act.books.update(session | {"payment_intent": intent["id"]})


def _walk_away(act: Act, session: StripeObject, method: str) -> StripeObject:
    """The buyer was sent on to the bank or wallet and never came back: the intent waits for an action, nothing is charged."""
    intent = _intent(act, session, method)
    act.books.update(intent | {"status": "requires_action", "next_action": {"type": "redirect_to_url"}})
    return act.books.update(session | {"payment_intent": intent["id"]})


def _intent(act: Act, session: StripeObject, method: str) -> StripeObject:
    """The session's payment intent; made at the first attempt, as Checkout does, so an untouched session has none."""
    if session["payment_intent"] is not None:
        return act.books.get("payment_intent", session["payment_intent"])
    wanted = session["_payment_intent_data"]
    identifier = new_id("pi")
    return act.books.insert(
        {
            "id": identifier,
            "object": "payment_intent",
            "amount": session["amount_total"],
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": wanted.get("capture_method", "automatic_async"),
            "client_secret": f"{identifier}_secret_{new_id('s')[2:]}",
            "confirmation_method": "automatic",
            "created": act.now,
            "currency": session["currency"],
            "customer": session["customer"],
            "customer_account": None,
            "description": wanted.get("description"),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": wanted.get("metadata", {}),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_options": session["payment_method_options"],
            "payment_method_types": session["payment_method_types"],
            "processing": None,
            "receipt_email": wanted.get("receipt_email"),
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": wanted.get("statement_descriptor"),
            "statement_descriptor_suffix": wanted.get("statement_descriptor_suffix"),
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
        }
    )


def _charge(act: Act, intent: StripeObject, method: str) -> StripeObject:
    """A charge of the intent's whole amount, not kept yet."""
    return {
        "id": new_id("ch" if method == "card" else "py"),  # as Stripe: a payment by anything but a card is a "payment"
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {"address": {}, "email": None, "name": None, "phone": None, "tax_id": None},
        "calculated_statement_descriptor": intent["statement_descriptor"],
        "captured": False,
        "created": act.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),  # Stripe copies an intent's metadata to its charges
        "on_behalf_of": None,
        "outcome": {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": new_id("pm"),
        "payment_method_details": {"type": method, method: _method_details(method)},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def _method_details(method: str) -> dict[str, Any]:  # Any: JSON
    if method == "card":
        return {
            "brand": "visa",
            "country": "US",
            "exp_month": 12,
            "exp_year": 2034,
            "funding": "credit",
            "last4": "4242",
            "network": "visa",
        }
    if method == "alipay":
        return {"buyer_id": None, "fingerprint": None, "transaction_id": new_id("alipay")}
    return {"fingerprint": None, "location": None, "reader": None, "transaction_id": new_id("wechat")}


def _gain(act: Act, charge: StripeObject, method: str) -> StripeObject:
    """What the charge adds to the shop's balance."""
    ten_thousandths, fixed = _FEES[method]
    fee = Fee((charge["amount"] * ten_thousandths + 5000) // 10_000 + fixed, "Stripe processing fees")
    kind = Kind("charge" if method == "card" else "payment", "charge", charge["description"])
    return enter(
        act,
        kind,
        source=charge["id"],
        amount=charge["amount"],
        currency=charge["currency"],
        fees=[fee],
        available_after=AVAILABLE_AFTER_SECONDS,
    )


def retrieve_intent(act: Act, identifier: str) -> StripeObject:
    """One payment intent. Raises StripeError."""
    return _retrieve(act, "payment_intent", identifier, "intent")


def retrieve_charge(act: Act, identifier: str) -> StripeObject:
    """One charge. Raises StripeError."""
    return _retrieve(act, "charge", identifier, "charge")


def find_intents(act: Act, wanted: dict[str, Any]) -> Listing:  # Any: checked parameters
    """Payment intents, newest first."""
    return find_page(act.books, "payment_intent", "/v1/payment_intents", wanted, "customer")


def find_charges(act: Act, wanted: dict[str, Any]) -> Listing:  # Any: checked parameters
    """Charges, newest first, failed ones too."""
    return find_page(act.books, "charge", "/v1/charges", wanted, "customer", "payment_intent")


def _retrieve(act: Act, kind: str, identifier: str, param: str) -> StripeObject:
    thing = act.books.find(kind, identifier)
    if thing is None:
        raise no_such(kind, identifier, param)
    return thing
