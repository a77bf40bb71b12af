"""Payouts: what a provider sent to our bank, and what it took along."""

from datetime import datetime

from shop.acts.book_movements import book_movements
from shop.extensions import end_reading
from shop.payments import account
from shop.payments.models import PayoutState
from shop.payments.provider import PayoutWord
from shop.payments.registry import account_keeper


def settle_payout(provider: str, payout_id: str, *, now: datetime) -> PayoutState:
    """Course. Ask the provider how a payout stands, and follow it.

    Raises ProviderUnavailable or ProviderRefused.
    """
    end_reading()
    return follow_payout(provider, account_keeper(provider).payout(payout_id), now=now)


def follow_payout(provider: str, word: PayoutWord, *, now: datetime) -> PayoutState:
    """Course. Store one payout and, until its transactions sum to it, ask which they are; they are booked if they are new.

    The payout's own movement, and that of one that failed, are movements like others. Raises ProviderUnavailable or ProviderRefused.
    """
    payout = account.record_payout(provider, word, now=now)
    if payout.counted_fen != payout.amount_fen:
        movements = account_keeper(provider).movements_of_payout(word.provider_id)
        book_movements(provider, movements, now=now)
        account.count_payout(payout.id, movements)
    return payout.state
