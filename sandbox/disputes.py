"""Disputes: a cardholder asks the bank for the money back; it is withdrawn at once, and reinstated if the shop wins.

Law: a charge has at most one dispute; what was withdrawn is reinstated at most once; a closed dispute stays closed.
Sources: docs.stripe.com/api/disputes/object, docs.stripe.com/disputes/how-disputes-work. Alipay and WeChat Pay know no disputes
(docs.stripe.com/payments/alipay#disputed-payments, docs.stripe.com/payments/wechat-pay#disputed-payments).
"""

from __future__ import annotations

from typing import Any

from sandbox.balance import Fee, Kind, enter
from sandbox.errors import StripeError, no_such
from sandbox.events import emit
from sandbox.house import Act, new_id
from sandbox.objects import Listing, find_page, shown
from sandbox.parameters import EXPAND, AnyTree, Fields, Flag, Metadata, Text, listing, retrieving
from sandbox.store import StripeObject

RETRIEVE = CLOSE = retrieving()
LIST = listing(charge=Text(), payment_intent=Text())
UPDATE = Fields(
    {"expand": EXPAND, "evidence": AnyTree(), "metadata": Metadata(), "submit": Flag()}, unplayed=frozenset({"intended_submission_method"})
)

REASONS = ("product_not_received", "fraudulent", "product_unacceptable", "duplicate", "credit_not_processed", "general", "unrecognized")
RESPOND_WITHIN_SECONDS = 7 * 24 * 60 * 60
_WAITING = {"needs_response", "under_review"}
_INQUIRY = {"warning_needs_response", "warning_under_review"}
_EVIDENCE = """
access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal customer_communication
customer_email_address customer_name customer_purchase_ip customer_signature duplicate_charge_documentation duplicate_charge_explanation
duplicate_charge_id product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation service_date
service_documentation shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number uncategorized_file
uncategorized_text
"""


def open_one(act: Act, charge: StripeObject, *, amount: int | None = None, reason: str = REASONS[0], inquiry: bool = False) -> StripeObject:
    """Dispute what is left of a charge, or `amount` of it; an `inquiry` asks only and moves no money. Raises StripeError."""
    method = charge["payment_method_details"]["type"]
    left = charge["amount"] - charge["amount_refunded"]
    if method != "card":
        raise StripeError(f"Only card payments can be disputed; {method} has no disputes. Pay by card to play one.", param="charge")
    if charge["status"] != "succeeded" or charge["disputed"]:
        raise StripeError(f"Charge {charge['id']} has failed or was disputed before.", param="charge")
    amount = left if amount is None else amount
    if type(amount) is not int or not 0 < amount <= left:
        raise StripeError(f"amount must lie between 1 and {left}", param="amount")
    if reason not in REASONS:
        raise StripeError(f"reason must be one of {', '.join(REASONS)}", param="reason")
    dispute = act.books.insert(_dispute(act, charge, amount, reason, "warning_needs_response" if inquiry else "needs_response"))
    act.books.update(charge | {"disputed": True})
    emit(act, "charge.dispute.created", dispute)
    return dispute if inquiry else _withdraw(act, dispute)


def escalate(act: Act, identifier: str) -> StripeObject:
    """Let an inquiry become a dispute: now the money is withdrawn. Raises StripeError."""
    dispute = retrieve(act, identifier)
    if dispute["status"] not in _INQUIRY:
        raise StripeError(f"Dispute {identifier} is no open inquiry: {dispute['status']}.")
    before = {"status": dispute["status"], "is_charge_refundable": dispute["is_charge_refundable"]}
    dispute = act.books.update(dispute | {"status": "needs_response", "is_charge_refundable": False})
    emit(act, "charge.dispute.updated", dispute, before)
    return _withdraw(act, dispute)


def close(act: Act, identifier: str, *, won: bool, fee_returned: bool = False) -> StripeObject:
    """Let the bank decide; an inquiry just closes. Since June 2025 Stripe keeps its fee even if the shop wins. Raises StripeError."""
    dispute = retrieve(act, identifier)
    if dispute["status"] in _INQUIRY:
        return _closed(act, dispute, "warning_closed")
    if dispute["status"] not in _WAITING:
        raise StripeError(f"This dispute is already closed: {dispute['status']}.", param="dispute")
    if won:
        dispute = _reinstate(act, dispute, fee_returned)
    return _closed(act, dispute, "won" if won else "lost")


def retrieve(act: Act, identifier: str) -> StripeObject:
    """One dispute. Raises StripeError."""
    dispute = act.books.find("dispute", identifier)
    if dispute is None:
        raise no_such("dispute", identifier, "dispute")
    return dispute


def find_all(act: Act, wanted: dict[str, Any]) -> Listing:  # Any: checked parameters
    """Disputes, newest first."""
    return find_page(act.books, "dispute", "/v1/disputes", wanted, "charge", "payment_intent")


def update(act: Act, identifier: str, wanted: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    """Keep evidence and metadata; `submit` hands the evidence to the bank. Raises StripeError."""
    dispute = retrieve(act, identifier)
    if dispute["status"] not in _WAITING | _INQUIRY:
        raise StripeError(f"This dispute is already closed: {dispute['status']}.", param="dispute")
    before = {"status": dispute["status"], "evidence_details": dispute["evidence_details"]}
    evidence = wanted.get("evidence")
    details = dict(dispute["evidence_details"])
    if isinstance(evidence, dict):
        dispute["evidence"] |= evidence
        details["has_evidence"] = True
    if wanted.get("submit", True) and isinstance(evidence, dict):
        details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
        dispute["status"] = "warning_under_review" if dispute["status"] in _INQUIRY else "under_review"
    dispute |= {"evidence_details": details, "metadata": dispute["metadata"] | wanted.get("metadata", {})}
    emit(act, "charge.dispute.updated", act.books.update(dispute), before)
    return dispute


def blocking(act: Act, charge: StripeObject) -> StripeObject | None:
    """The dispute that forbids a refund of the charge: one that took money and is open or lost."""
    if not charge["disputed"]:
        return None
    row = act.books.run(
        "select id from object where kind = 'dispute' and json_extract(body, '$.charge') = ? order by seq desc", (charge["id"],)
    ).fetchone()
    dispute = act.books.get("dispute", row["id"])
    return dispute if dispute["status"] in _WAITING | {"lost"} else None


def _withdraw(act: Act, dispute: StripeObject) -> StripeObject:
    kind = Kind("adjustment", "dispute", f"Chargeback withdrawal for {dispute['charge']}")
    fees = [Fee(act.options.dispute_fee, "Dispute fee")] if act.options.dispute_fee else []
    return _moved(act, dispute, kind, -dispute["amount"], fees, "charge.dispute.funds_withdrawn")


def _reinstate(act: Act, dispute: StripeObject, fee_returned: bool) -> StripeObject:
    kind = Kind("adjustment", "dispute_reversal", f"Chargeback reversal for {dispute['charge']}")
    fees = [Fee(-act.options.dispute_fee, "Dispute fee refund")] if fee_returned and act.options.dispute_fee else []
    return _moved(act, dispute, kind, dispute["amount"], fees, "charge.dispute.funds_reinstated")


def _moved(act: Act, dispute: StripeObject, kind: Kind, amount: int, fees: list[Fee], event: str) -> StripeObject:
    transaction = enter(act, kind, source=dispute["id"], amount=amount, currency=dispute["currency"], fees=fees)
    dispute = act.books.update(dispute | {"balance_transactions": [*dispute["balance_transactions"], shown(transaction)]})
    emit(act, event, dispute)
    return dispute


def _closed(act: Act, dispute: StripeObject, status: str) -> StripeObject:
    before = {"status": dispute["status"]}
    dispute = act.books.update(dispute | {"status": status})
    emit(act, "charge.dispute.closed", dispute, before)
    return dispute


def _dispute(act: Act, charge: StripeObject, amount: int, reason: str, status: str) -> StripeObject:
    is_inquiry = status in _INQUIRY
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": act.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(_EVIDENCE.split()) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": act.now + RESPOND_WITHIN_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": is_inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "13.1" if reason == "product_not_received" else None,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": "visa",
                "case_type": "inquiry" if is_inquiry else "chargeback",
                "network": "visa",
                "network_reason_code": None,
            },
            "type": "card",
        },
        "reason": reason,
        "status": status,
    }
