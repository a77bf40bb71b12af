"""How the pretend Stripe behaves until told otherwise: in which currency it settles, at what rate, and whether refunds take their time."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.errors import BadParameter
from sandbox.parameters import Currency


class BadOption(ValueError):
    """An option that there is not, or that cannot be had so; the message says why."""


@dataclass(frozen=True)
class Options:
    """Set by `/_sandbox/options` or by hand on the page; kept in the store, so a restart changes nothing."""

    refunds: str = "immediate"
    """`immediate`, or `pending`: a refund waits until somebody settles or fails it."""
    settlement_currency: str | None = None
    """None: every payment settles in its own currency."""
    rate: str = "1"
    """How much of the settlement currency one unit of a payment's currency gives, as a decimal text."""
    dispute_fee: int = 8000
    """What Stripe takes for a dispute, in the smallest unit of the payment's currency; made up, in the order of Stripe's."""

    def settled(self, currency: str) -> tuple[str, Decimal | None]:
        """The currency in which a payment of `currency` reaches the balance, and the rate if that is another one."""
        if self.settlement_currency is None or self.settlement_currency == currency:
            return currency, None
        return self.settlement_currency, Decimal(self.rate)

    def shown(self) -> dict[str, Any]:  # Any: JSON
        return {
            "refunds": self.refunds,
            "settlement_currency": self.settlement_currency,
            "rate": self.rate,
            "dispute_fee": self.dispute_fee,
        }

    def changed(self, wanted: object) -> Options:
        """With the options of `wanted` in place of these. Raises BadOption."""
        if not isinstance(wanted, dict):
            raise BadOption("expected a JSON object")
        if unknown := sorted(set(wanted) - set(self.shown())):
            raise BadOption(f"there is no option {', '.join(unknown)}; there are {', '.join(self.shown())}")
        if wanted.get("refunds", self.refunds) not in ("immediate", "pending"):
            raise BadOption("refunds must be immediate or pending")
        changes = dict(wanted)
        if "settlement_currency" in wanted:
            changes["settlement_currency"] = _currency(wanted["settlement_currency"])
        if "rate" in wanted:
            changes["rate"] = _rate(wanted["rate"])
        fee = wanted.get("dispute_fee", self.dispute_fee)
        if type(fee) is not int or not 0 <= fee <= 1_000_000:
            raise BadOption("dispute_fee must be a whole number of at most 1000000, in the smallest unit")
        return replace(self, **changes)

    @classmethod
    def kept(cls, text: str | None) -> Options:
        """As `dump` wrote them."""
        return cls().changed(json.loads(text)) if text else cls()

    def dump(self) -> str:
        return json.dumps(self.shown())


def _currency(value: object) -> str | None:
    if value is None or value == "":
        return None
    try:
        return Currency().read(value if isinstance(value, str) else "", "settlement_currency")
    except BadParameter as refusal:
        raise BadOption(refusal.message) from None


def _rate(value: object) -> str:
    try:
        rate = Decimal(str(value))
    except InvalidOperation:
        raise BadOption(f"rate must be a decimal number, not {value!r}") from None
    if not (rate.is_finite() and Decimal("0.0001") <= rate <= 10_000) or len(str(value)) > 20:
        raise BadOption("rate must lie between 0.0001 and 10000")
    return str(rate)
