"""Refunds: money that goes back to the buyer, at once or after the bank has thought about it, and sometimes not at all.

Law: the refunds of a charge that have not failed never exceed what it took; each has its own balance transaction, a failed one a second that
takes the first back; Stripe keeps its fee. Sources: docs.stripe.com/api/refunds/object, docs.stripe.com/refunds#failed-refunds.
"""

from __future__ import annotations

from typing import Any

from sandbox.balance import Kind, enter
from sandbox.disputes import blocking
from sandbox.errors import BadParameter, StripeError, no_such
from sandbox.events import emit
from sandbox.figures import SIGNS
from sandbox.house import Act, new_id
from sandbox.objects import Listing, find_page
from sandbox.parameters import EXPAND, Fields, Metadata, Text, Whole, listing, retrieving
from sandbox.store import StripeObject

CREATE = Fields(
    {
        "expand": EXPAND,
        "amount": Whole(least=1),
        "charge": Text(),
        "payment_intent": Text(),
        "reason": Text(one_of=frozenset({"duplicate", "fraudulent", "requested_by_customer"})),
        "metadata": Metadata(),
    },
    unplayed=frozenset({"currency", "customer", "instructions_email", "origin", "refund_application_fee", "reverse_transfer"}),
)
RETRIEVE = retrieving()
LIST = listing(charge=Text(), payment_intent=Text())

WINDOW_DAYS = {"alipay": 90, "wechat_pay": 180}
"""How long after the charge a refund may be asked (docs.stripe.com/payments/alipay#refunds, docs.stripe.com/payments/wechat-pay#refunds)."""
FAILURES = (
    "lost_or_stolen_card",
    "expired_or_canceled_card",
    "charge_for_pending_refund_disputed",
    "declined",
    "merchant_request",
    "unknown",
)


def create(act: Act, wanted: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    """Give back `amount`, or all that is left, of a charge.

    Raises StripeError when there is no such charge, not so much left, a dispute has taken the money, or the method's time is over.
    """
    charge = _charge(act, wanted)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if blocking(act, charge) is not None:
        raise StripeError(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    _in_time(act, charge)
    amount = wanted.get("amount", left)
    if amount < 1:  # by hand; a request's amount has been checked before
        raise StripeError("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount")
    if amount > left:
        asked, rest = _money(amount, charge["currency"]), _money(left, charge["currency"])
        message = f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})"
        raise StripeError(message, param="amount")
    refund = _refund(act, charge, amount, wanted)
    is_card = _method(refund) == "card"
    kind = Kind("refund", "refund", "REFUND FOR CHARGE") if is_card else Kind("payment_refund", "refund", "REFUND FOR PAYMENT")
    transaction = enter(act, kind, source=refund["id"], amount=-amount, currency=refund["currency"])
    refund = act.books.insert(refund | {"balance_transaction": transaction["id"]})
    before = {"amount_refunded": charge["amount_refunded"]} | ({"refunded": False} if amount == left else {})
    charge |= {"amount_refunded": charge["amount_refunded"] + amount, "refunded": amount == left}
    emit(act, "charge.refunded", act.books.update(charge), before)
    emit(act, "refund.created", refund)
    if refund["status"] == "succeeded":
        _refer(act, refund)
    return refund


def settle(act: Act, identifier: str) -> StripeObject:
    """Let a pending refund reach the buyer. Raises StripeError."""
    refund = retrieve(act, identifier)
    if refund["status"] != "pending":
        raise StripeError(f"Refund {identifier} is not pending: {refund['status']}.")
    before = {"status": refund["status"], "pending_reason": refund["pending_reason"]}
    return _refer(act, refund | {"status": "succeeded", "pending_reason": None}, before)


def fail(act: Act, identifier: str, reason: str = "lost_or_stolen_card") -> StripeObject:
    """Let the bank send a refund back, even one that was thought to have succeeded; the money returns to the balance. Raises StripeError."""
    refund = retrieve(act, identifier)
    if refund["status"] not in ("pending", "succeeded"):
        raise StripeError(f"Refund {identifier} cannot fail any more: {refund['status']}.")
    if reason not in FAILURES:
        raise StripeError(f"reason must be one of {', '.join(FAILURES)}", param="reason")
    kind = Kind("refund_failure", "refund_failure", "REFUND FAILURE")
    returned = enter(act, kind, source=refund["id"], amount=refund["amount"], currency=refund["currency"])
    before = {"status": refund["status"], "failure_reason": None, "failure_balance_transaction": None}
    changes = {"status": "failed", "failure_reason": reason, "failure_balance_transaction": returned["id"], "pending_reason": None}
    refund = act.books.update(refund | changes)
    charge = act.books.get("charge", refund["charge"])
    charge_before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    act.books.update(charge | {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False})
    emit(act, "charge.updated", act.books.get("charge", charge["id"]), charge_before)
    _tell_update(act, refund, before)
    emit(act, "refund.failed", refund, before)
    return refund


def _refer(act: Act, refund: StripeObject, before: dict[str, Any] | None = None) -> StripeObject:  # Any: JSON
    """Stripe learns the bank's own number for the refund, by which a buyer's bank can find it."""
    details = refund["destination_details"]
    reference = {
        "reference": f"{act.now}",
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    updated = act.books.update(refund | {"destination_details": details | {details["type"]: reference}})
    _tell_update(act, updated, (before or {}) | {"destination_details": details})
    return updated


def _tell_update(act: Act, refund: StripeObject, before: dict[str, Any]) -> None:  # Any: JSON
    emit(act, "refund.updated", refund, before)
    if _method(refund) != "card" and "status" in before:
        emit(act, "charge.refund.updated", refund, before)  # "on selected payment methods" (docs.stripe.com/api/events/types)


def _method(refund: StripeObject) -> str:
    return str(refund["destination_details"]["type"])


def _in_time(act: Act, charge: StripeObject) -> None:
    method = charge["payment_method_details"]["type"]
    days = WINDOW_DAYS.get(method)
    if days is not None and act.now > charge["created"] + days * 86400:
        message = f"Charge {charge['id']} was made with {method} more than {days} days ago and can no longer be refunded."
        raise StripeError(message, code="charge_not_refundable", param="charge")


def _charge(act: Act, wanted: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    """The succeeded charge that `charge` or `payment_intent` names."""
    if "charge" not in wanted and "payment_intent" not in wanted:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise BadParameter(message, code="parameter_missing")
    if "charge" in wanted and "payment_intent" in wanted:
        raise BadParameter("You may only specify one of these parameters: charge, payment_intent.", param="charge")
    if "charge" in wanted:
        charge = act.books.find("charge", wanted["charge"])
        if charge is None:
            raise no_such("charge", wanted["charge"], "charge")
        if charge["status"] != "succeeded":
            raise StripeError(f"Charge {charge['id']} has failed and cannot be refunded.", code="charge_not_refundable", param="charge")
        return charge
    intent = act.books.find("payment_intent", wanted["payment_intent"])
    if intent is None:
        raise no_such("payment_intent", wanted["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise StripeError(message, code="payment_intent_unexpected_state", param="payment_intent")
    return act.books.get("charge", intent["latest_charge"])


def _money(amount: int, currency: str) -> str:
    return f"{SIGNS[currency]}{amount // 100}.{amount % 100:02}"


def _refund(act: Act, charge: StripeObject, amount: int, wanted: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    method = charge["payment_method_details"]["type"]
    is_pending = act.options.refunds == "pending"
    return {
        "id": new_id("re" if method == "card" else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": act.now,
        "currency": charge["currency"],
        "destination_details": {method: {}, "type": method},
        "failure_balance_transaction": None,
        "failure_reason": None,
        "metadata": wanted.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "pending_reason": "processing" if is_pending else None,
        "reason": wanted.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if is_pending else "succeeded",
        "transfer_reversal": None,
    }


def retrieve(act: Act, identifier: str) -> StripeObject:
    """One refund. Raises StripeError."""
    refund = act.books.find("refund", identifier)
    if refund is None:
        raise no_such("refund", identifier, "refund")
    return refund


def find_all(act: Act, wanted: dict[str, Any]) -> Listing:  # Any: checked parameters
    """Refunds, newest first."""
    return find_page(act.books, "refund", "/v1/refunds", wanted, "charge", "payment_intent")
