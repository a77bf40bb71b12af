"""Closing a month: nothing that belongs to it is still open, then its figures are stored and no posting goes into it again (DESIGN §2.7)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, select

from shop.extensions import act, db
from shop.kit.clock import business_day, day_ends, day_starts
from shop.kit.ids import UserId
from shop.ledger import closing
from shop.ledger.errors import MonthNotOver, MonthUnfinished
from shop.ledger.models import Account, AccountKind, Posting, Settlement, SettlementState
from shop.outbox import service as outbox
from shop.payments.models import Payment, PaymentState, ProviderEvent, Refund, RefundState


class Matter(StrEnum):
    """What may be open in a month."""

    UNFOLDED = "unfolded"
    """Entries that the reports' roll-ups do not hold yet. Whoever closes a month drains that queue first (`reports.folding`)."""
    EVENTS = "events"
    """What a provider told us in the month and nobody has looked into."""
    REFUNDS_ASKED = "refunds_asked"
    """Refunds booked in the month that the provider has not even taken on: the money may not have left."""
    REFUNDS_PENDING = "refunds_pending"
    """Refunds that the provider is working on. One that fails is booked back in the month in which it fails."""
    MISMATCHES = "mismatches"
    """Money of another amount or currency than asked, in no account yet."""
    UNALLOCATED = "unallocated"
    """Accounts of money that no order explains."""
    SUSPENSE = "suspense"
    DISPUTES = "disputes"
    """Villages with money on hold."""
    DRAFTS = "drafts"
    """Settlements up to a day of the month that wait for approval."""


BLOCKING = frozenset({Matter.UNFOLDED, Matter.EVENTS, Matter.REFUNDS_ASKED})
"""What is over in minutes by itself, and until then could still change what the month is known to hold. The rest is only told: it stands in the
month's balances as it is, and whatever becomes of it is booked when it happens."""


@dataclass(frozen=True)
class OpenMatter:
    """Something that is still open, and how many."""

    matter: Matter
    count: int

    @property
    def blocks(self) -> bool:
        """Whether the month cannot be closed over it."""
        return self.matter in BLOCKING


def open_matters(month: str) -> tuple[OpenMatter, ...]:
    """What is still open of a month (`2026-10`); what blocks comes first. Raises ValueError."""
    since, until = closing.days_of(month)
    counts = {
        Matter.UNFOLDED: closing.unfolded_in(month),
        Matter.EVENTS: _events(since, until),
        Matter.REFUNDS_ASKED: _refunds(RefundState.ASKED, since, until),
        Matter.REFUNDS_PENDING: _refunds(RefundState.PENDING, since, until),
        Matter.MISMATCHES: _mismatches(since, until),
        Matter.UNALLOCATED: _accounts_not_empty(AccountKind.UNALLOCATED, until),
        Matter.SUSPENSE: _accounts_not_empty(AccountKind.SUSPENSE, until),
        Matter.DISPUTES: _accounts_not_empty(AccountKind.HOLD, until),
        Matter.DRAFTS: _drafts(since, until),
    }
    return tuple(OpenMatter(matter, count) for matter, count in counts.items() if count)


@act
def close_month(month: str, *, by: UserId | None, now: datetime) -> None:
    """Freeze a month that is over (`2026-10`): its figures are stored, and every posting into it is refused from now on, for ever.

    Waits for postings under way. Drain the roll-ups' queue first. Raises ValueError, MonthNotOver, PeriodClosed, EarlierMonthOpen or
    MonthUnfinished.
    """
    _, last_day = closing.days_of(month)
    if business_day(now) <= last_day:
        raise MonthNotOver(month)
    closing.lock_month(month)
    closing.need_months_before_closed(month)
    if blocking := [each for each in open_matters(month) if each.blocks]:
        raise MonthUnfinished(month, tuple((each.matter.value, each.count) for each in blocking))
    closing.freeze(month, by=by, now=now)
    facts = {"before": {"state": "open"}, "after": {"state": "closed"}}
    outbox.write_audit("month_closed", subject=month, by=by, facts=facts, now=now)


def _events(since: date, until: date) -> int:
    waiting = select(func.count()).select_from(ProviderEvent).where(ProviderEvent.done_at.is_(None), ProviderEvent.next_try_at.isnot(None))
    return (
        db.session.scalar(waiting.where(ProviderEvent.received_at >= day_starts(since), ProviderEvent.received_at < day_ends(until))) or 0
    )


def _refunds(state: RefundState, since: date, until: date) -> int:
    refunds = select(func.count()).select_from(Refund).where(Refund.state == state)
    return db.session.scalar(refunds.where(Refund.asked_at >= day_starts(since), Refund.asked_at < day_ends(until))) or 0


def _mismatches(since: date, until: date) -> int:
    found = select(func.count()).select_from(Payment).where(Payment.state == PaymentState.MISMATCH)
    return db.session.scalar(found.where(Payment.started_at >= day_starts(since), Payment.started_at < day_ends(until))) or 0


def _accounts_not_empty(kind: AccountKind, until: date) -> int:
    balances = (
        select(Posting.account_id)
        .join(Account, Account.id == Posting.account_id)
        .where(Account.kind == kind, Posting.business_day <= until)
        .group_by(Posting.account_id, Posting.currency)
        .having(func.sum(Posting.amount_fen) != 0)
    )
    return db.session.scalar(select(func.count()).select_from(balances.subquery())) or 0


def _drafts(since: date, until: date) -> int:
    drafts = select(func.count()).select_from(Settlement).where(Settlement.state == SettlementState.DRAFT)
    return db.session.scalar(drafts.where(Settlement.last_day.between(since, until))) or 0
