"""The account that Stripe keeps for us: balance transactions, payouts, disputes, and events that did not reach us.

Law: nothing here moves money; lists are read page by page within the moments asked for.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import stripe

from shop.extensions import require_no_transaction
from shop.kit.clock import business_day
from shop.payments.models import BalanceKind, DisputeState, PayoutState
from shop.payments.provider import DisputeWord, Movement, PayoutWord, Told
from shop.payments.stripe.errors import translated
from shop.payments.stripe.events import told_by

if TYPE_CHECKING:
    from stripe import BalanceTransaction, Dispute, Payout
    from stripe.params import BalanceTransactionListParams

_A_PAGE = 100  # the most that Stripe gives at once (docs.stripe.com/api/pagination)
_CAUSE = ["data.source"]

# By reporting category, which says what a sum is for whatever the method's own type is called
# (docs.stripe.com/reports/reporting-categories).
_KINDS = {
    "charge": BalanceKind.CHARGE,
    "refund": BalanceKind.REFUND,
    "refund_failure": BalanceKind.REFUND_FAILED,
    "dispute": BalanceKind.DISPUTE,
    "dispute_reversal": BalanceKind.DISPUTE_RETURNED,
    "fee": BalanceKind.FEE,
    "network_cost": BalanceKind.FEE,
    "tax": BalanceKind.FEE,
    "payout": BalanceKind.PAYOUT,
    "payout_reversal": BalanceKind.PAYOUT_FAILED,
}
_OF_A_PAYMENT = {
    BalanceKind.CHARGE,
    BalanceKind.REFUND,
    BalanceKind.REFUND_FAILED,
    BalanceKind.DISPUTE,
    BalanceKind.DISPUTE_RETURNED,
}
_DISPUTE_STATES = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY,
    "warning_closed": DisputeState.CLOSED,
    "prevented": DisputeState.CLOSED,
    "needs_response": DisputeState.NEEDS_RESPONSE,
    "under_review": DisputeState.UNDER_REVIEW,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}


class StripeAccount:
    """Keeps the contract of shop.payments.provider.KeepsAccount. Every method raises ProviderUnavailable or ProviderRefused."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._movements = client.v1.balance_transactions
        self._payouts = client.v1.payouts
        self._disputes = client.v1.disputes
        self._events = client.v1.events

    def movements(self, since: datetime, until: datetime) -> list[Movement]:
        """Every movement of our balance from `since` up to before `until`, oldest first."""
        require_no_transaction()
        with translated():
            return self._listed({"created": {"gte": _seconds(since), "lt": _seconds(until)}})

    def movements_of_payout(self, payout_id: str) -> list[Movement]:
        """The movements that a payout took along; its own, which Stripe lists among them, is left out."""
        require_no_transaction()
        with translated():
            return [movement for movement in self._listed({"payout": payout_id}) if movement.source_id != payout_id]

    def payouts(self, since: datetime, until: datetime) -> list[PayoutWord]:
        """Every payout made from `since` up to before `until`, oldest first."""
        require_no_transaction()
        with translated():
            found = self._payouts.list({"created": {"gte": _seconds(since), "lt": _seconds(until)}, "limit": _A_PAGE})
            return [_payout(payout) for payout in found.auto_paging_iter()][::-1]

    def payout(self, payout_id: str) -> PayoutWord:
        """How one payout stands."""
        require_no_transaction()
        with translated():
            return _payout(self._payouts.retrieve(payout_id))

    def disputes(self, since: datetime, until: datetime) -> list[DisputeWord]:
        """Every dispute opened from `since` up to before `until`, oldest first."""
        require_no_transaction()
        with translated():
            found = self._disputes.list(
                {"created": {"gte": _seconds(since), "lt": _seconds(until)}, "expand": ["data.charge"], "limit": _A_PAGE}
            )
            return [_dispute(dispute) for dispute in found.auto_paging_iter()][::-1]

    def dispute(self, dispute_id: str) -> DisputeWord:
        """How one dispute stands."""
        require_no_transaction()
        with translated():
            return _dispute(self._disputes.retrieve(dispute_id, {"expand": ["charge"]}))

    def undelivered_events(self, since: datetime, until: datetime) -> list[Told]:
        """What Stripe could not tell us from `since` up to before `until`, oldest first. It remembers thirty days (docs.stripe.com/api/events)."""
        require_no_transaction()
        with translated():
            found = self._events.list(
                {"created": {"gte": _seconds(since), "lt": _seconds(until)}, "delivery_success": False, "limit": _A_PAGE}
            )
            return [told_by(event) for event in found.auto_paging_iter()][::-1]

    def _listed(self, wanted: "BalanceTransactionListParams") -> list[Movement]:
        found = self._movements.list({**wanted, "expand": _CAUSE, "limit": _A_PAGE})
        return list(_movements(found.auto_paging_iter()))[::-1]


def _movements(transactions: "Iterator[BalanceTransaction]") -> Iterator[Movement]:
    for transaction in transactions:
        yield _movement(transaction)


def _movement(transaction: "BalanceTransaction") -> Movement:
    kind = _KINDS.get(transaction.reporting_category, BalanceKind.UNKNOWN)
    source = transaction.source
    cause: stripe.StripeObject | None = source if isinstance(source, stripe.StripeObject) else None
    fen, currency = transaction.amount, transaction.currency
    if cause is not None and kind in _OF_A_PAYMENT:
        fen, currency = abs(int(cause["amount"])) * (-1 if transaction.amount < 0 else 1), str(cause["currency"])
    return Movement(
        provider_id=transaction.id,
        kind=kind,
        word=(
            transaction.type
            if transaction.type == transaction.reporting_category
            else f"{transaction.type}/{transaction.reporting_category}"
        )[:60],
        gross_fen=transaction.amount,
        fee_fen=transaction.fee,
        currency=transaction.currency.upper(),
        exchange_rate=None if transaction.exchange_rate is None else str(transaction.exchange_rate)[:24],
        source_id=str(cause["id"]) if cause is not None else source if isinstance(source, str) else None,
        source_fen=fen,
        source_currency=currency.upper(),
        intent_id=_text(cause, "payment_intent"),
        reference=_order_of(cause),
        happened_at=datetime.fromtimestamp(transaction.created, UTC),
        available_at=datetime.fromtimestamp(transaction.available_on, UTC),
    )


def _text(thing: stripe.StripeObject | None, field: str) -> str | None:
    found = getattr(thing, field, None)
    return found if isinstance(found, str) else None


def _order_of(thing: stripe.StripeObject | None) -> str | None:
    """The order's number, which we write into a payment's metadata and Stripe copies to its charge."""
    metadata = getattr(thing, "metadata", None)
    number = getattr(metadata, "order", None)
    return number if isinstance(number, str) and len(number) <= 24 else None


def _payout(payout: "Payout") -> PayoutWord:
    return PayoutWord(
        provider_id=payout.id,
        amount_fen=payout.amount,
        currency=payout.currency.upper(),
        state=PayoutState(payout.status),
        trouble=payout.failure_code,
        made_at=datetime.fromtimestamp(payout.created, UTC),
        arrives_on=business_day(datetime.fromtimestamp(payout.arrival_date, UTC)),
    )


def _dispute(dispute: "Dispute") -> DisputeWord:
    due = dispute.evidence_details.due_by if dispute.evidence_details is not None else None
    return DisputeWord(
        provider_id=dispute.id,
        intent_id=dispute.payment_intent if isinstance(dispute.payment_intent, str) else None,
        amount_fen=dispute.amount,
        currency=dispute.currency.upper(),
        reason=dispute.reason[:60],
        # A status that Stripe has thought of since: the money may be gone, so it counts as open until a person has looked.
        state=_DISPUTE_STATES.get(dispute.status, DisputeState.UNDER_REVIEW),
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
        opened_at=datetime.fromtimestamp(dispute.created, UTC),
        reference=_order_of(dispute.charge if isinstance(dispute.charge, stripe.StripeObject) else None),
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
