"""Payouts: what has gathered in the balance goes to the shop's bank, and sometimes comes back.

Law: a payout's amount is the sum of the net amounts of the transactions it takes along, and each is taken along once. When a payout fails,
its money comes back as a transaction of its own (`payout_failure`), which the next payout takes along.
Sources: docs.stripe.com/api/payouts/object, docs.stripe.com/payouts/reconciliation.
"""

from __future__ import annotations

from typing import Any

from sandbox.balance import Kind, enter, not_paid_out
from sandbox.errors import StripeError, no_such
from sandbox.events import emit
from sandbox.house import Act, new_id
from sandbox.objects import Listing, find_page
from sandbox.parameters import CreatedWhen, Text, listing, retrieving
from sandbox.store import StripeObject

RETRIEVE = retrieving()
LIST = listing(
    status=Text(one_of=frozenset({"pending", "in_transit", "paid", "failed", "canceled"})), arrival_date=CreatedWhen(), destination=Text()
)

ARRIVES_AFTER_SECONDS = 2 * 24 * 60 * 60
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "could_not_process": "The bank could not process this payout.",
    "no_account": "The bank account could not be found.",
}
_BANK_ACCOUNT = "ba_sandbox000000000000000"


def make(act: Act, *, currency: str = "cny", even_pending: bool = False, paid: bool = True) -> StripeObject:
    """Pay out all that is available in `currency`; `paid`: it arrives at once. Raises StripeError when there is nothing to pay out."""
    taken = not_paid_out(act, currency, even_pending=even_pending)
    amount = sum(transaction["net"] for transaction in taken)
    if amount <= 0:
        raise StripeError(
            f"There is nothing to pay out in {currency}: the available balance is {amount}. Advance the clock, or include what is pending.",
            code="balance_insufficient",
        )
    payout = _payout(act, amount, currency)
    own = enter(act, Kind("payout", "payout", "STRIPE PAYOUT"), source=payout["id"], amount=-amount, currency=currency)
    for transaction in [*taken, own]:
        day = min(transaction["available_on"], act.now)  # what was pending is available, or it could not be paid out
        act.books.update(transaction | {"_payout": payout["id"], "available_on": day})
    payout = act.books.insert(payout | {"balance_transaction": own["id"]})
    emit(act, "payout.created", payout)
    return arrive(act, payout["id"]) if paid else payout


def arrive(act: Act, identifier: str) -> StripeObject:
    """Let a payout on its way reach the bank. Raises StripeError."""
    payout = retrieve(act, identifier)
    if payout["status"] != "in_transit":
        raise StripeError(f"Payout {identifier} is not on its way: {payout['status']}.")
    before = {"status": payout["status"], "reconciliation_status": payout["reconciliation_status"]}
    trace = {"status": "supported", "value": f"TRACE{payout['created']}"}
    payout = act.books.update(payout | {"status": "paid", "reconciliation_status": "completed", "trace_id": trace})
    emit(act, "payout.updated", payout, before)
    emit(act, "payout.paid", payout)
    emit(act, "payout.reconciliation_completed", payout)
    return payout


def fail(act: Act, identifier: str, code: str = "account_closed") -> StripeObject:
    """Let the bank send a payout back, even one that was thought paid (docs.stripe.com/payouts#payout-failures). Raises StripeError."""
    payout = retrieve(act, identifier)
    if payout["status"] not in ("in_transit", "paid"):
        raise StripeError(f"Payout {identifier} cannot fail any more: {payout['status']}.")
    if code not in FAILURES:
        raise StripeError(f"code must be one of {', '.join(FAILURES)}", param="code")
    kind = Kind("payout_failure", "payout_reversal", "PAYOUT FAILURE")
    returned = enter(act, kind, source=payout["id"], amount=payout["amount"], currency=payout["currency"])
    changes = {"failure_balance_transaction": returned["id"], "failure_code": code, "failure_message": FAILURES[code], "status": "failed"}
    payout = act.books.update(payout | changes)
    emit(act, "payout.failed", payout)
    return payout


def retrieve(act: Act, identifier: str) -> StripeObject:
    """One payout. Raises StripeError."""
    payout = act.books.find("payout", identifier)
    if payout is None:
        raise no_such("payout", identifier, "payout")
    return payout


def find_all(act: Act, wanted: dict[str, Any]) -> Listing:  # Any: checked parameters
    """Payouts, newest first."""
    bounds = wanted.get("arrival_date", {})
    where = " and ".join(f"json_extract(body, '$.arrival_date') {_COMPARISONS[name]} {moment:d}" for name, moment in bounds.items())
    return find_page(act.books, "payout", "/v1/payouts", wanted, "status", "destination", where=where)


_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _payout(act: Act, amount: int, currency: str) -> StripeObject:
    return {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": act.now + ARRIVES_AFTER_SECONDS,
        "automatic": True,
        "balance_transaction": None,
        "created": act.now,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": _BANK_ACCOUNT,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
