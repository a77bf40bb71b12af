"""The staff's view of money at providers: what was compared and differs, what nobody has explained, payouts, disputes, and what is overdue."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import func, or_, select

from shop.accounts.models import User
from shop.extensions import db, reading, rows_as
from shop.ledger.models import Account, AccountKind, Posting
from shop.payments.account import OPEN_DISPUTE_STATES
from shop.payments.errors import NoSuchSuspense
from shop.payments.models import (
    Balance,
    BalanceKind,
    ClearedTo,
    Difference,
    DifferenceKind,
    Dispute,
    DisputeState,
    Payment,
    PaymentState,
    Payout,
    PayoutState,
    ProviderEvent,
    ReconciledDay,
    Refund,
    RefundState,
    SuspenseItem,
)

log = structlog.get_logger()

DAYS_SHOWN = 31
PAYMENT_OVERDUE = timedelta(hours=6)
"""After its page has ended a payment should be final by then; what stays open is not being asked about."""
REFUND_UNSENT_OVERDUE = timedelta(hours=2)
"""A refund that the provider has not taken on by then."""
REFUND_OVERDUE = timedelta(days=10)
"""Stripe: refunds take five to ten business days at most."""
EVENT_OVERDUE = timedelta(hours=1)
_MOST = 100


# ── Compared days ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class DifferenceStory:
    """One thing that differs."""

    kind: DifferenceKind
    subject: str
    number: str | None
    ours: str
    theirs: str


@dataclass(frozen=True)
class DayStory:
    """A day that was compared."""

    provider: str
    day: date
    transactions: int
    checked_at: datetime
    differences: tuple[DifferenceStory, ...]


@dataclass(frozen=True)
class SuspenseStory:
    """Something that nobody has explained, or that somebody has."""

    id: int
    provider: str
    amount_fen: int
    """As the provider's balance moved: in is positive."""
    currency: str
    word: str | None
    """The provider's own word for the movement; None: a lost dispute."""
    subject: str
    number: str | None
    at: datetime
    cleared_at: datetime | None
    cleared_to: ClearedTo | None
    cleared_by: str | None
    explanation: str


@dataclass(frozen=True)
class PayoutStory:
    """Money sent to our bank."""

    provider_id: str
    amount_fen: int
    currency: str
    state: PayoutState
    trouble: str | None
    made_at: datetime
    arrives_on: date
    counted_fen: int | None


@dataclass(frozen=True)
class Standing:
    """What an account of the books holds now."""

    account: str
    kind: AccountKind
    currency: str
    amount_fen: int


@dataclass(frozen=True)
class MoneyStory:
    """The page of differences."""

    days: tuple[DayStory, ...]
    """The latest first."""
    suspense: tuple[SuspenseStory, ...]
    """Unexplained, the oldest first."""
    explained: tuple[SuspenseStory, ...]
    payouts: tuple[PayoutStory, ...]
    standings: tuple[Standing, ...]

    @property
    def count(self) -> int:
        """How many things differ."""
        return sum(len(day.differences) for day in self.days)


def read_money(today: date) -> MoneyStory:
    """The page as it stands. Six statements."""
    return MoneyStory(_days(today), _suspense(is_cleared=False), _suspense(is_cleared=True), _payouts(), _standings())


def _days(today: date) -> tuple[DayStory, ...]:
    since = today - timedelta(days=DAYS_SHOWN - 1)
    # A day of long ago is shown while something of it still differs.
    still = select(Difference.id).where(Difference.provider == ReconciledDay.provider, Difference.day == ReconciledDay.day).exists()
    days = db.session.execute(
        select(ReconciledDay.provider, ReconciledDay.day, ReconciledDay.transactions, ReconciledDay.checked_at)
        .where(or_(ReconciledDay.day >= since, still))
        .order_by(ReconciledDay.day.desc(), ReconciledDay.provider)
        .limit(_MOST)
    ).all()
    found: dict[tuple[str, date], list[DifferenceStory]] = {}
    columns = (Difference.kind, Difference.subject, Difference.reference, Difference.ours, Difference.theirs)
    for row in db.session.execute(select(Difference.provider, Difference.day, *columns).order_by(Difference.id)):
        found.setdefault((row[0], row[1]), []).append(DifferenceStory(*row[2:]))
    return tuple(DayStory(*row, tuple(found.get((row[0], row[1]), ()))) for row in days)


def _suspense(*, is_cleared: bool, item_id: int | None = None) -> tuple[SuspenseStory, ...]:
    query = (
        select(
            SuspenseItem.id,
            SuspenseItem.provider,
            -SuspenseItem.amount_fen,
            SuspenseItem.currency,
            Balance.word,
            func.coalesce(Balance.provider_id, Dispute.provider_id),
            func.coalesce(Balance.reference, Payment.reference),
            func.coalesce(Balance.happened_at, SuspenseItem.opened_at),
            SuspenseItem.cleared_at,
            SuspenseItem.cleared_to,
            User.name,
            SuspenseItem.explanation,
        )
        .select_from(SuspenseItem)
        .outerjoin(Balance, Balance.id == SuspenseItem.balance_id)
        .outerjoin(Dispute, Dispute.id == SuspenseItem.dispute_id)
        .outerjoin(Payment, Payment.id == Dispute.payment_id)
        .outerjoin(User, User.id == SuspenseItem.cleared_by)
    )
    if item_id is not None:
        return tuple(rows_as(SuspenseStory, db.session.execute(query.where(SuspenseItem.id == item_id))))
    if is_cleared:
        latest = query.where(SuspenseItem.cleared_at.is_not(None)).order_by(SuspenseItem.cleared_at.desc(), SuspenseItem.id.desc())
        return tuple(rows_as(SuspenseStory, db.session.execute(latest.limit(20))))
    return tuple(
        rows_as(SuspenseStory, db.session.execute(query.where(SuspenseItem.cleared_at.is_(None)).order_by(SuspenseItem.id).limit(_MOST)))
    )


def get_suspense(item_id: int) -> SuspenseStory:
    """One thing that nobody has explained, or that somebody has. Raises NoSuchSuspense."""
    found = _suspense(is_cleared=False, item_id=item_id)
    if not found:
        raise NoSuchSuspense
    return found[0]


def _payouts() -> tuple[PayoutStory, ...]:
    columns = (
        Payout.provider_id,
        Payout.amount_fen,
        Payout.currency,
        Payout.state,
        Payout.trouble,
        Payout.made_at,
        Payout.arrives_on,
        Payout.counted_fen,
    )
    return tuple(rows_as(PayoutStory, db.session.execute(select(*columns).order_by(Payout.made_at.desc(), Payout.id.desc()).limit(20))))


def _standings() -> tuple[Standing, ...]:
    shown = (AccountKind.CLEARING, AccountKind.DISPUTED, AccountKind.SUSPENSE, AccountKind.FEES, AccountKind.EXCHANGE)
    total = func.sum(Posting.amount_fen)
    rows = db.session.execute(
        select(Account.code, Account.kind, Posting.currency, total)
        .join(Posting, Posting.account_id == Account.id)
        .where(Account.kind.in_(shown))
        .group_by(Account.code, Account.kind, Posting.currency)
        .order_by(Account.code, Posting.currency)
    )
    return tuple(Standing(code, kind, currency, int(fen)) for code, kind, currency, fen in rows)


# ── Disputes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class DisputeStory:
    """One dispute."""

    provider: str
    provider_id: str
    number: str | None
    amount_fen: int
    currency: str
    reason: str
    state: DisputeState
    held_fen: int
    evidence_due_at: datetime | None
    opened_at: datetime
    decided_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether its money is withdrawn and nobody has decided."""
        return self.state in OPEN_DISPUTE_STATES


def read_disputes(number: str | None = None) -> tuple[DisputeStory, ...]:
    """Every dispute, of one order or of all: those that wait for us first, by when an answer is due; then the latest."""
    query = select(
        Dispute.provider,
        Dispute.provider_id,
        Payment.reference,
        Dispute.amount_fen,
        Dispute.currency,
        Dispute.reason,
        Dispute.state,
        Dispute.held_fen,
        Dispute.evidence_due_at,
        Dispute.opened_at,
        Dispute.decided_at,
    ).outerjoin(Payment, Payment.id == Dispute.payment_id)
    if number is not None:
        query = query.where(Payment.reference == number)
    waits = Dispute.decided_at.is_(None)
    found = rows_as(
        DisputeStory, db.session.execute(query.order_by(waits.desc(), Dispute.opened_at.desc(), Dispute.id.desc()).limit(_MOST))
    )
    return tuple(sorted(found, key=lambda row: (row.decided_at is not None, row.decided_at is None and row.evidence_due_at is None)))


# ── Overdue ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Overdue:
    """Things that should have ended by themselves, and have not."""

    kind: str
    """payments, refunds_unsent, refunds, events"""
    count: int
    oldest_at: datetime


def find_overdue(now: datetime) -> tuple[Overdue, ...]:
    """What is older than it should ever be. Four statements, nothing of whom or what it is about.

    Whatever is not final is to be asked about again at some time, and those times have an index; the states have none.
    """
    waiting = Payment.next_check_at.is_not(None) & Payment.state.in_((PaymentState.STARTING, PaymentState.OPEN))
    going = Refund.next_check_at.is_not(None)
    unsent = going & (Refund.state == RefundState.ASKED) & Refund.by_transfer.is_(False)
    undone = ProviderEvent.next_try_at.is_not(None) & ProviderEvent.done_at.is_(None)
    kinds = (
        ("payments", Payment.expires_at, waiting & (Payment.expires_at < now - PAYMENT_OVERDUE) & (Payment.provider != "transfer")),
        ("refunds_unsent", Refund.asked_at, unsent & (Refund.asked_at < now - REFUND_UNSENT_OVERDUE)),
        ("refunds", Refund.asked_at, going & (Refund.state == RefundState.PENDING) & (Refund.asked_at < now - REFUND_OVERDUE)),
        ("events", ProviderEvent.received_at, undone & (ProviderEvent.received_at < now - EVENT_OVERDUE)),
    )
    found = []
    for kind, at, condition in kinds:
        count, oldest_at = db.session.execute(select(func.count(), func.min(at)).where(condition)).one()
        if count:
            found.append(Overdue(kind, int(count), oldest_at))
    return tuple(found)


def warn_of_overdue(*, now: datetime) -> int:
    """Sweep. Say in the log what is older than it should ever be: how many, since when, and nothing of whom; how many kinds there were."""
    with reading():
        found = find_overdue(now)
    for overdue in found:
        hours = int((now - overdue.oldest_at).total_seconds() // 3600)
        log.error("overdue", kind=overdue.kind, count=overdue.count, oldest_hours=hours)
    return len(found)


# ── For the desk ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class UnbookedRefund:
    """Refunded at the provider's dashboard, and the order could not take it: it stands in suspense until somebody says what it is."""

    suspense_id: int
    number: str | None
    amount_fen: int
    currency: str
    at: datetime


@dataclass(frozen=True)
class MoneyAlarms:
    """What of money at providers needs a person today."""

    disputes: tuple[DisputeStory, ...]
    """Open, or an inquiry, and still to be answered."""
    suspense: int
    """How many movements nobody has explained, `unbooked_refunds` not among them."""
    differences: int
    """How many things differed when they were compared last, suspense not among them."""
    overdue: tuple[Overdue, ...]
    unbooked_refunds: tuple[UnbookedRefund, ...]

    @property
    def count(self) -> int:
        """How many lines they are on the desk."""
        return len(self.disputes) + len(self.overdue) + len(self.unbooked_refunds) + bool(self.suspense) + bool(self.differences)


def read_alarms(now: datetime) -> MoneyAlarms:
    """As it stands. Eight statements."""
    answerable = (DisputeState.INQUIRY, DisputeState.NEEDS_RESPONSE)
    unbooked = _unbooked_refunds()
    suspense = (db.session.scalar(select(func.count()).where(SuspenseItem.cleared_at.is_(None))) or 0) - len(unbooked)
    differences = db.session.scalar(select(func.count()).where(Difference.kind != DifferenceKind.SUSPENSE)) or 0
    disputes = tuple(dispute for dispute in read_disputes() if dispute.state in answerable)
    return MoneyAlarms(disputes, suspense, differences, find_overdue(now), unbooked)


def _unbooked_refunds() -> tuple[UnbookedRefund, ...]:
    query = (
        select(SuspenseItem.id, Balance.reference, SuspenseItem.amount_fen, SuspenseItem.currency, Balance.happened_at)
        .join_from(SuspenseItem, Balance, Balance.id == SuspenseItem.balance_id)
        .where(SuspenseItem.cleared_at.is_(None), Balance.kind == BalanceKind.REFUND)
    )
    return tuple(rows_as(UnbookedRefund, db.session.execute(query.order_by(SuspenseItem.id).limit(_MOST))))
