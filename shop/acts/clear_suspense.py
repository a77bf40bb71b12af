"""Saying what a movement in suspense was."""

from datetime import datetime

from shop.extensions import act
from shop.kit.clock import business_day
from shop.kit.ids import EntryId, UserId
from shop.ledger import service as ledger
from shop.ledger.models import EntryKind
from shop.ledger.service import BANK, Heading, Leg, clearing, fees, suspense
from shop.outbox import service as outbox
from shop.payments import account
from shop.payments.models import ClearedTo


@act
def clear_suspense(item_id: int, to: ClearedTo, explanation: str, *, by: UserId | None, now: datetime) -> EntryId:
    """Move what nobody could explain to where it belongs, with the explanation beside it for good.

    Raises NoSuchSuspense, or NotAsExpected when somebody was quicker.
    """
    item = account.lock_suspense(item_id)
    account.close_suspense(item, to, explanation, by=by, now=now)
    legs = [
        Leg(suspense(item.provider), -item.amount_fen, item.currency),
        Leg(_belongs_to(item.provider, to), item.amount_fen, item.currency),
    ]
    once = f"suspense_cleared:{item.id}"
    entry_id = ledger.post(EntryKind.SUSPENSE_CLEARED, legs, once=once, subject=item.provider, on=business_day(now), now=now)
    states = {"before": {"state": "unexplained"}, "after": {"state": to}}
    facts = states | {
        "amount_fen": item.amount_fen,
        "currency": item.currency,
        "to": to.value,
        "explanation": explanation,
        "entry": entry_id,
    }
    outbox.write_audit("suspense.cleared", subject=f"suspense:{item.id}", by=by, facts=facts, now=now)
    return entry_id


def _belongs_to(provider: str, to: ClearedTo) -> Heading:
    return {ClearedTo.FEES: fees(provider), ClearedTo.BANK: BANK, ClearedTo.PAYMENTS: clearing(provider)}[to]
