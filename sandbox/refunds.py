"""Refunds: money that goes back to the buyer, at once.

Law: the refunds of a charge never exceed what it took; each has its own balance transaction, and Stripe keeps its fee.
"""

from __future__ import annotations

from typing import Any

from sandbox.errors import BadParameter, StripeError, no_such
from sandbox.events import emit
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

_SIGNS = {"cny": "¥", "hkd": "HK$", "usd": "$", "eur": "€", "gbp": "£", "sgd": "S$", "aud": "A$", "cad": "CA$"}


def create(act: Act, wanted: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    """Give back `amount`, or all that is left, of a charge. Raises StripeError when there is no such charge or not so much left."""
    charge = _charge(act, wanted)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = wanted.get("amount", left)
    if amount > left:
        asked, rest = _money(amount, charge["currency"]), _money(left, charge["currency"])
        message = f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})"
        raise StripeError(message, param="amount")
    refund = _refund(act, charge, amount, wanted)
    act.books.insert(_balance_transaction(act, refund))
    act.books.insert(refund)
    before = {"amount_refunded": charge["amount_refunded"]} | ({"refunded": False} if amount == left else {})
    charge |= {"amount_refunded": charge["amount_refunded"] + amount, "refunded": amount == left}
    emit(act, "charge.refunded", act.books.update(charge), before)
    emit(act, "refund.created", refund)
    reference = {
        "reference": f"{act.now}",
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    details = refund["destination_details"]
    updated = refund | {"destination_details": details | {details["type"]: reference}}
    emit(act, "refund.updated", act.books.update(updated), {"destination_details": details})
    return refund


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
    return f"{_SIGNS[currency]}{amount // 100}.{amount % 100:02}"


def _refund(act: Act, charge: StripeObject, amount: int, wanted: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    method = charge["payment_method_details"]["type"]
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn"),
        "charge": charge["id"],
        "created": act.now,
        "currency": charge["currency"],
        "destination_details": {method: {}, "type": method},
        "metadata": wanted.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": wanted.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def _balance_transaction(act: Act, refund: StripeObject) -> StripeObject:
    return {
        "id": refund["balance_transaction"],
        "object": "balance_transaction",
        "amount": -refund["amount"],
        "available_on": act.now,
        "balance_type": "payments",
        "created": act.now,
        "currency": refund["currency"],
        "description": "REFUND FOR CHARGE",
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": -refund["amount"],
        "reporting_category": "refund",
        "source": refund["id"],
        "status": "available",
        "type": "refund",
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
