"""What a provider's account for us has done: movements, payouts, disputes, and what nobody has explained yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shop.extensions import act, columns_of, db, dialect, fields_of, require_transaction, row_as, rows_as, table_of
from shop.kit.clock import business_day
from shop.kit.ids import EntryId, PaymentId, UserId
from shop.payments.errors import NoSuchSuspense, NotAsExpected
from shop.payments.models import (
    Balance,
    BalanceKind,
    ClearedTo,
    Dispute,
    DisputeState,
    Payment,
    Payout,
    PayoutState,
    ProviderEvent,
    SuspenseItem,
)
from shop.payments.provider import DisputeWord, Movement, PayoutWord

FIRST_CHECK_AFTER = timedelta(minutes=10)
LONGEST_BETWEEN_CHECKS = timedelta(hours=6)
PAYOUTS_MAY_FAIL_FOR = timedelta(days=10)
"""A bank may send a payout back that was thought paid (docs.stripe.com/payouts: usually within five business days)."""

FINAL_DISPUTE_STATES = (DisputeState.CLOSED, DisputeState.WON, DisputeState.LOST)
OPEN_DISPUTE_STATES = (DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW)
"""The money is withdrawn and nobody has decided."""
_DISPUTE_ORDER = list(DisputeState)
_FINAL_PAYOUT_STATES = (PayoutState.FAILED, PayoutState.CANCELED)

_balance, _payout, _dispute, _item = columns_of(Balance), columns_of(Payout), columns_of(Dispute), columns_of(SuspenseItem)
_payment, _event = columns_of(Payment), columns_of(ProviderEvent)


def _pause(checks: int) -> timedelta:
    return min(FIRST_CHECK_AFTER * (1 << min(checks, 20)), LONGEST_BETWEEN_CHECKS)


def began_at(provider: str) -> datetime | None:
    """When the first payment was started through a provider: nothing of ours happened there before. None: nothing ever."""
    found: datetime | None = db.session.scalar(select(func.min(_payment.started_at)).where(_payment.provider == provider))
    return found


# ── Movements ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def known_movements(provider: str, provider_ids: Sequence[str]) -> set[str]:
    """Which of these movements are stored, and therefore booked."""
    return set(
        db.session.scalars(select(_balance.provider_id).where(_balance.provider == provider, _balance.provider_id.in_(provider_ids)))
    )


def references_of(provider: str, intent_ids: Iterable[str]) -> dict[str, str]:
    """The orders' numbers of payments that a provider knows by these names: as our payments say, or movements told before."""
    wanted = sorted(set(intent_ids))
    earlier = select(_balance.intent_id, _balance.reference).where(
        _balance.provider == provider, _balance.intent_id.in_(wanted), _balance.reference.is_not(None)
    )
    ours = select(_payment.intent_id, _payment.reference).where(_payment.provider == provider, _payment.intent_id.in_(wanted))
    return {intent_id: reference for query in (earlier, ours) for intent_id, reference in db.session.execute(query)}


def orders_paid_for(references: Iterable[str]) -> set[str]:
    """Which of these are numbers of orders that somebody began to pay for."""
    return set(db.session.scalars(select(_payment.reference).where(_payment.reference.in_(sorted(set(references))))))


def store_movement(provider: str, movement: Movement, reference: str | None, entry_id: EntryId | None, *, now: datetime) -> int:
    """Step. Keep a movement beside the entry that books it. Its id."""
    require_transaction()
    values = {
        "provider": provider,
        "provider_id": movement.provider_id,
        "kind": movement.kind,
        "word": movement.word,
        "gross_fen": movement.gross_fen,
        "fee_fen": movement.fee_fen,
        "net_fen": movement.net_fen,
        "currency": movement.currency,
        "exchange_rate": movement.exchange_rate,
        "source_id": movement.source_id,
        "source_fen": movement.source_fen,
        "source_currency": movement.source_currency,
        "intent_id": movement.intent_id,
        "reference": reference,
        "entry_id": entry_id,
        "happened_at": movement.happened_at,
        "business_day": business_day(movement.happened_at),
        "available_at": movement.available_at,
        "told_at": now,
    }
    balance_id = db.session.scalar(insert(table_of(Balance)).values(**values).returning(_balance.id))
    assert balance_id is not None
    return int(balance_id)


# ── Payouts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class PayoutRow:
    """One payout, as a course sees it."""

    id: int
    provider: str
    provider_id: str
    amount_fen: int
    currency: str
    state: PayoutState
    counted_fen: int | None


@act
def record_payout(provider: str, word: PayoutWord, *, now: datetime) -> PayoutRow:
    """The provider's word on a payout; a failed or cancelled one stays so, whatever an older word says."""
    insertion = postgresql.insert if dialect() == "postgresql" else sqlite.insert
    values = {
        "provider": provider,
        "provider_id": word.provider_id,
        "amount_fen": word.amount_fen,
        "currency": word.currency,
        "state": word.state,
        "made_at": word.made_at,
        "arrives_on": word.arrives_on,
        "checks": 0,
    }
    db.session.execute(insertion(table_of(Payout)).values(**values).on_conflict_do_nothing())
    its = (_payout.provider == provider, _payout.provider_id == word.provider_id)
    state = db.session.scalars(select(_payout.state).where(*its).with_for_update()).one()
    if state not in _FINAL_PAYOUT_STATES:
        is_over = word.state in _FINAL_PAYOUT_STATES or now - word.made_at > PAYOUTS_MAY_FAIL_FOR
        changes = {"state": word.state, "trouble": word.trouble, "arrives_on": word.arrives_on}
        later = None if is_over else now + LONGEST_BETWEEN_CHECKS
        db.session.execute(update(table_of(Payout)).where(*its).values(**changes, next_check_at=later))
    return row_as(PayoutRow, db.session.execute(select(*fields_of(PayoutRow, Payout)).where(*its)).one())


@act
def count_payout(payout_id: int, movements: Sequence[Movement]) -> None:
    """Say which movements a payout took along, and keep what the provider says that they sum to. They are all stored."""
    payout = row_as(PayoutRow, db.session.execute(select(*fields_of(PayoutRow, Payout)).where(_payout.id == payout_id)).one())
    names = [movement.provider_id for movement in movements]
    for start in range(0, len(names), 500):
        its = (_balance.provider == payout.provider, _balance.provider_id.in_(names[start : start + 500]))
        db.session.execute(update(table_of(Balance)).where(*its).values(payout_id=payout_id))
    db.session.execute(
        update(table_of(Payout)).where(_payout.id == payout_id).values(counted_fen=sum(movement.net_fen for movement in movements))
    )


# ── Disputes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class DisputeRow:
    """One dispute, as an act sees it."""

    id: int
    provider: str
    provider_id: str
    intent_id: str | None
    payment_id: PaymentId | None
    amount_fen: int
    currency: str
    state: DisputeState
    held_fen: int
    checks: int

    @property
    def is_new(self) -> bool:
        """Whether nothing has been recorded of it yet."""
        return self.checks == 0


_DISPUTE = fields_of(DisputeRow, Dispute)


def lock_dispute(provider: str, word: DisputeWord, payment_id: PaymentId | None, *, now: datetime) -> DisputeRow:
    """Step. The dispute that the provider speaks of, stored if it is new, and locked. New ones stand as an inquiry until moved."""
    require_transaction()
    insertion = postgresql.insert if dialect() == "postgresql" else sqlite.insert
    values = {
        "provider": provider,
        "provider_id": word.provider_id,
        "intent_id": word.intent_id,
        "payment_id": payment_id,
        "amount_fen": word.amount_fen,
        "currency": word.currency,
        "reason": word.reason,
        "state": DisputeState.INQUIRY,
        "held_fen": 0,
        "opened_at": word.opened_at,
        "told_at": now,
        "checks": 0,
    }
    db.session.execute(insertion(table_of(Dispute)).values(**values).on_conflict_do_nothing())
    its = (_dispute.provider == provider, _dispute.provider_id == word.provider_id)
    row = row_as(DisputeRow, db.session.execute(select(*_DISPUTE).where(*its).with_for_update()).one())
    if row.payment_id is None and payment_id is not None:
        db.session.execute(update(table_of(Dispute)).where(_dispute.id == row.id).values(payment_id=payment_id))
        row = row_as(DisputeRow, db.session.execute(select(*_DISPUTE).where(_dispute.id == row.id)).one())
    return row


def moves_forward(now_state: DisputeState, wanted: DisputeState) -> bool:
    """Whether a dispute may go from one state to another: downwards in the list of states, and from no final one."""
    return now_state not in FINAL_DISPUTE_STATES and _DISPUTE_ORDER.index(wanted) > _DISPUTE_ORDER.index(now_state)


def move_dispute(dispute: DisputeRow, word: DisputeWord, *, held_fen: int, now: datetime) -> None:
    """Step. Store the provider's word; a state only forward, a sum not at all once something is on hold for it."""
    require_transaction()
    state = word.state if moves_forward(dispute.state, word.state) else dispute.state
    is_final = state in FINAL_DISPUTE_STATES
    changes: dict[str, Any] = {  # Any: values of several columns
        "state": state,
        "reason": word.reason,
        "evidence_due_at": word.evidence_due_at,
        "held_fen": held_fen,
        "told_at": now,
        "checks": dispute.checks + 1,
        "next_check_at": None if is_final else now + _pause(dispute.checks),
    }
    if is_final and dispute.state is not state:
        changes["decided_at"] = now
    db.session.execute(update(table_of(Dispute)).where(_dispute.id == dispute.id).values(**changes))


@act
def postpone_dispute(dispute_id: int, *, now: datetime) -> None:
    """The provider gave no clear answer; it is asked again after twice as long."""
    checks = db.session.scalars(select(_dispute.checks).where(_dispute.id == dispute_id).with_for_update()).one()
    db.session.execute(
        update(table_of(Dispute))
        .where(_dispute.id == dispute_id, _dispute.next_check_at.is_not(None))
        .values(checks=checks + 1, next_check_at=now + _pause(checks))
    )


def due_disputes(*, now: datetime, most: int = 50) -> list[DisputeRow]:
    """Disputes that it is time to ask about."""
    due = select(*_DISPUTE).where(_dispute.next_check_at <= now).order_by(_dispute.next_check_at, _dispute.id)
    return rows_as(DisputeRow, db.session.execute(due.limit(most)))


def is_disputed(payment_id: PaymentId) -> bool:
    """Whether a payment's money is withdrawn and nobody has decided: nothing may be refunded then."""
    open_one = select(_dispute.id).where(_dispute.payment_id == payment_id, _dispute.state.in_(OPEN_DISPUTE_STATES))
    return db.session.scalar(open_one.limit(1)) is not None


def is_taken_back(payment_id: PaymentId) -> bool:
    """Whether a bank has taken a payment's money back, for good or until it decides: whoever sent it again would pay twice."""
    taken = select(_dispute.id).where(_dispute.payment_id == payment_id, _dispute.state.in_((*OPEN_DISPUTE_STATES, DisputeState.LOST)))
    return db.session.scalar(taken.limit(1)) is not None


def held_for(payment_id: PaymentId) -> int:
    """What of the villages' proceeds stands on hold for all disputes of a payment, fen."""
    return int(db.session.scalar(select(func.coalesce(func.sum(_dispute.held_fen), 0)).where(_dispute.payment_id == payment_id)) or 0)


# ── Suspense ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class SuspenseRow:
    """Something unexplained, as an act sees it."""

    id: int
    provider: str
    balance_id: int | None
    dispute_id: int | None
    amount_fen: int
    currency: str
    is_cleared: bool


def open_suspense(
    provider: str, amount_fen: int, currency: str, *, balance_id: int | None = None, dispute_id: int | None = None, now: datetime
) -> None:
    """Step. Note that so much stands on the account of suspense (debit positive) and for which movement or dispute."""
    require_transaction()
    db.session.execute(
        insert(table_of(SuspenseItem)).values(
            provider=provider,
            balance_id=balance_id,
            dispute_id=dispute_id,
            amount_fen=amount_fen,
            currency=currency,
            opened_at=now,
            explanation="",
        )
    )


def refunds_in_suspense(provider: str, refund_ids: Iterable[str]) -> set[str]:
    """Of these refunds, by the provider's names, those that no order could take: staff say what becomes of them, or have."""
    its = (_balance.provider == provider, _balance.kind == BalanceKind.REFUND, _balance.source_id.in_(list(refund_ids)))
    query = select(_balance.source_id).join_from(table_of(SuspenseItem), table_of(Balance), _balance.id == _item.balance_id).where(*its)
    return set(db.session.scalars(query))


def find_movement_of_refund(provider: str, refund_id: str) -> int | None:
    """The movement by which a refund left our balance; None until the provider's account has told of it."""
    its = (_balance.provider == provider, _balance.kind == BalanceKind.REFUND, _balance.source_id == refund_id)
    found: int | None = db.session.scalar(select(_balance.id).where(*its).order_by(_balance.id).limit(1))
    return found


def lock_suspense(item_id: int) -> SuspenseRow:
    """Step. Something unexplained, locked. Raises NoSuchSuspense."""
    require_transaction()
    columns = (
        _item.id,
        _item.provider,
        _item.balance_id,
        _item.dispute_id,
        _item.amount_fen,
        _item.currency,
        _item.cleared_at.is_not(None),
    )
    row = db.session.execute(select(*columns).where(_item.id == item_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchSuspense
    return row_as(SuspenseRow, row)


def close_suspense(item: SuspenseRow, to: ClearedTo, explanation: str, *, by: UserId | None, now: datetime) -> None:
    """Step. Somebody said what it was. Raises NotAsExpected when somebody was quicker."""
    require_transaction()
    if item.is_cleared:
        raise NotAsExpected
    db.session.execute(
        update(table_of(SuspenseItem))
        .where(_item.id == item.id)
        .values(cleared_at=now, cleared_to=to, cleared_by=by, explanation=explanation[:200])
    )


# ── Events that did not reach us ──────────────────────────────────────────────────────────────────────────────────────


def kept_events(provider: str, event_ids: Sequence[str]) -> Mapping[str, bool]:
    """Of these events the ones that we have, and whether each has had its effect."""
    conditions: list[ColumnElement[bool]] = [_event.provider == provider, _event.event_id.in_(event_ids)]
    rows = db.session.execute(select(_event.event_id, _event.done_at.is_not(None)).where(*conditions))
    return {event_id: bool(is_done) for event_id, is_done in rows}
