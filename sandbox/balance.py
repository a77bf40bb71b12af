"""The shop's balance at Stripe: every sum that comes or goes is a balance transaction, in the currency in which the account settles.

Law: net = amount − fee; a transaction never changes, except that its day comes (`available`) and that one payout takes it along.
Sources: docs.stripe.com/api/balance_transactions, docs.stripe.com/reports/balance-transaction-types, docs.stripe.com/reports/reporting-categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.errors import StripeError, no_such
from sandbox.house import Act, new_id
from sandbox.objects import Listing, find_page
from sandbox.parameters import Currency, Text, listing, retrieving
from sandbox.store import StripeObject

RETRIEVE = retrieving()
LIST = listing(source=Text(), type=Text(), currency=Currency(), payout=Text())

AVAILABLE_AFTER_SECONDS = 7 * 24 * 60 * 60
_CONVERSION_FEE_PERCENT = 2  # made up, in the order of Stripe's


@dataclass(frozen=True)
class Kind:
    """How a sum is called: `type`, and the category by which Stripe's reports sum it."""

    type: str
    category: str
    description: str | None


@dataclass(frozen=True)
class Fee:
    """A part of what Stripe keeps, in the currency of the payment; negative when it is given back."""

    amount: int
    description: str


def enter(
    act: Act, kind: Kind, *, source: str | None, amount: int, currency: str, fees: Sequence[Fee] = (), available_after: int = 0
) -> StripeObject:
    """Book `amount` of `currency` (negative: out of the balance) and its fees, converted if the account settles in another currency."""
    settled, rate = act.options.settled(currency)
    parts = list(fees)
    if rate is not None and amount > 0 and fees:
        parts.append(Fee((amount * _CONVERSION_FEE_PERCENT + 50) // 100, "Stripe currency conversion fee"))
    details = [
        {
            "amount": converted(part.amount, rate),
            "application": None,
            "currency": settled,
            "description": part.description,
            "type": "stripe_fee",
        }
        for part in parts
    ]
    gross = converted(amount, rate)
    fee = sum(int(detail["amount"] or 0) for detail in details)
    return act.books.insert(
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": gross,
            "available_on": act.now + available_after,
            "balance_type": "payments",
            "created": act.now,
            "currency": settled,
            "description": kind.description,
            "exchange_rate": None if rate is None else float(rate),
            "fee": fee,
            "fee_details": details,
            "net": gross - fee,
            "reporting_category": kind.category,
            "source": source,
            "status": "pending" if available_after else "available",
            "type": kind.type,
            "_payout": None,
        }
    )


def converted(amount: int, rate: Decimal | None) -> int:
    """`amount` at `rate`, half up; unchanged without a rate."""
    if rate is None:
        return amount
    return int((abs(amount) * rate).quantize(Decimal(1), ROUND_HALF_UP)) * (1 if amount >= 0 else -1)


def retrieve(act: Act, identifier: str) -> StripeObject:
    """One balance transaction, available once its day has come. Raises StripeError."""
    transaction = act.books.find("balance_transaction", identifier)
    if transaction is None:
        raise no_such("balance_transaction", identifier, "id")
    return as_of(act, transaction)


def find_all(act: Act, wanted: dict[str, Any]) -> Listing:  # Any: checked parameters
    """Balance transactions, newest first; those of a `payout` begin with its own, as at Stripe. Raises StripeError."""
    where, values = "", []
    if (payout := wanted.get("payout")) is not None:
        if act.books.find("payout", payout) is None:
            raise no_such("payout", payout, "payout")
        where, values = "json_extract(body, '$._payout') = ?", [payout]
    found = find_page(
        act.books, "balance_transaction", "/v1/balance_transactions", wanted, "source", "type", "currency", where=where, values=values
    )
    return Listing(found.url, [as_of(act, transaction) for transaction in found.things], found.has_more)


def as_of(act: Act, transaction: StripeObject) -> StripeObject:
    """The transaction as it stands at this moment."""
    return transaction | {"status": "available" if transaction["available_on"] <= act.now else "pending"}


def not_paid_out(act: Act, currency: str, *, even_pending: bool) -> list[StripeObject]:
    """What no payout has taken along yet, oldest first."""
    rows = act.books.run(
        "select id from object where kind = 'balance_transaction' and json_extract(body, '$._payout') is null"
        " and json_extract(body, '$.currency') = ? order by seq",
        (currency,),
    ).fetchall()
    found = [act.books.get("balance_transaction", row["id"]) for row in rows]
    return [one for one in found if even_pending or one["available_on"] <= act.now]


def enter_by_hand(act: Act, wanted: dict[str, Any]) -> StripeObject:  # Any: JSON of the control
    """Book something that nobody asked for: a fee of the month, a correction, a kind that the shop has never heard of. Raises StripeError."""
    kind, amount, fee = wanted.get("type", "stripe_fee"), wanted.get("amount"), wanted.get("fee", 0)
    currency, source = wanted.get("currency", "cny"), wanted.get("source")
    if type(amount) is not int or type(fee) is not int:
        raise StripeError("amount and fee must be whole numbers in the smallest unit", param="amount")
    if not isinstance(kind, str) or not kind or not isinstance(currency, str) or not (source is None or isinstance(source, str)):
        raise StripeError("type, currency and source must be texts", param="type")
    named = Kind(kind, str(wanted.get("reporting_category") or _CATEGORIES.get(kind, kind)), str(wanted.get("description") or kind))
    fees = [Fee(fee, str(named.description))] if fee else []
    return enter(act, named, source=source, amount=amount, currency=Currency().read(currency, "currency"), fees=fees)


_CATEGORIES = {"stripe_fee": "fee", "adjustment": "other_adjustment", "stripe_fx_fee": "fee", "tax_fee": "tax"}
