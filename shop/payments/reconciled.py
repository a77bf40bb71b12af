"""What our books hold of one day of a provider's account, to be compared with what the provider shows; and what was found."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import aliased

from shop.extensions import act, columns_of, db, put_in, rows_as, table_of
from shop.kit.clock import day_ends, day_starts
from shop.payments.models import (
    Balance,
    BalanceKind,
    Difference,
    DifferenceKind,
    Dispute,
    Payment,
    PaymentState,
    Payout,
    ReconciledDay,
    Refund,
    RefundState,
    SuspenseItem,
)
from shop.payments.reconciling import Expected, Found, StoredDispute, StoredMovement, StoredPayout, Sum

_balance, _payment, _refund = columns_of(Balance), columns_of(Payment), columns_of(Refund)
_payout, _dispute, _item = columns_of(Payout), columns_of(Dispute), columns_of(SuspenseItem)
_day, _difference = columns_of(ReconciledDay), columns_of(Difference)


def stored_movements(provider: str, day: date) -> list[StoredMovement]:
    """The movements of a day that are booked."""
    columns = (_balance.provider_id, _balance.reference, _balance.gross_fen, _balance.fee_fen, _balance.currency)
    return rows_as(StoredMovement, db.session.execute(select(*columns).where(_balance.provider == provider, _balance.business_day == day)))


def stored_payouts(provider: str, day: date) -> list[StoredPayout]:
    """The payouts made on a day."""
    columns = (_payout.provider_id, _payout.amount_fen, _payout.currency, _payout.state, _payout.counted_fen)
    made = (_payout.provider == provider, _payout.made_at >= day_starts(day), _payout.made_at < day_ends(day))
    return rows_as(StoredPayout, db.session.execute(select(*columns).where(*made)))


def stored_disputes(provider: str, day: date) -> list[StoredDispute]:
    """The disputes opened on a day."""
    columns = (_dispute.provider_id, _payment.reference, _dispute.amount_fen, _dispute.currency, _dispute.state)
    query = select(*columns).select_from(table_of(Dispute).outerjoin(table_of(Payment), _payment.id == _dispute.payment_id))
    opened = (_dispute.provider == provider, _dispute.opened_at >= day_starts(day), _dispute.opened_at < day_ends(day))
    return rows_as(StoredDispute, db.session.execute(query.where(*opened)))


def expected_charges(provider: str, day: date, *, before: datetime) -> list[Expected]:
    """Payments that came on a day, heard of before a moment, beside what the account has shown of them."""
    told = func.sum(_balance.source_fen)
    its = (_balance.provider == provider) & (_balance.intent_id == _payment.intent_id) & (_balance.kind == BalanceKind.CHARGE)
    rows = db.session.execute(
        select(_payment.intent_id, _payment.reference, _payment.received_fen, _payment.received_currency, _balance.source_currency, told)
        .select_from(table_of(Payment).outerjoin(table_of(Balance), its))
        .where(
            _payment.provider == provider,
            _payment.state.in_((PaymentState.PAID, PaymentState.MISMATCH)),
            _payment.paid_at >= day_starts(day),
            _payment.paid_at < min(day_ends(day), before),
        )
        .group_by(
            _payment.id, _payment.intent_id, _payment.reference, _payment.received_fen, _payment.received_currency, _balance.source_currency
        )
        .order_by(_payment.id, _balance.source_currency)
    )
    return _expected([tuple(row) for row in rows])


def expected_refunds(provider: str, day: date, *, before: datetime) -> list[Expected]:
    """Refunds that were asked for on a day, before a moment, beside what the account has shown of them. One that failed came to nought."""
    told = func.sum(_balance.source_fen)
    rows = db.session.execute(
        select(
            _refund.provider_id,
            _payment.reference,
            _refund.amount_fen,
            _refund.state,
            _payment.received_currency,
            _balance.source_currency,
            told,
        )
        .select_from(
            table_of(Refund)
            .join(table_of(Payment), _payment.id == _refund.payment_id)
            .outerjoin(table_of(Balance), (_balance.provider == provider) & (_balance.source_id == _refund.provider_id))
        )
        .where(
            _payment.provider == provider,
            _refund.provider_id.is_not(None),
            _refund.by_transfer.is_(False),
            _refund.asked_at >= day_starts(day),
            _refund.asked_at < min(day_ends(day), before),
        )
        .group_by(
            _refund.id,
            _refund.provider_id,
            _payment.reference,
            _refund.amount_fen,
            _refund.state,
            _payment.received_currency,
            _balance.source_currency,
        )
        .order_by(_refund.id, _balance.source_currency)
    )
    return _expected(
        [
            (row[0], row[1], 0 if row.state is RefundState.FAILED else -row.amount_fen, row.received_currency, row.source_currency, row[6])
            for row in rows
            if not (row.state is RefundState.PENDING and row.source_currency is None)  # taken on, and waits at the provider
        ]
    )


def _expected(rows: Sequence[tuple[object, ...]]) -> list[Expected]:
    found: dict[object, Expected] = {}
    for subject, reference, fen, currency, told_currency, told_fen in rows:
        known = found.get(subject) or Expected(str(subject), str(reference), Sum(int(str(fen)), str(currency)), ())
        more = () if told_currency is None else (Sum(int(str(told_fen)), str(told_currency)),)
        found[subject] = Expected(known.subject, known.reference, known.ours, (*known.told, *more))
    return list(found.values())


def unexpected(provider: str, day: date, *, before: datetime) -> list[Found]:
    """Charges and refunds of a day, before a moment, that the account shows and our payments and refunds do not know, although an order of ours is named."""
    payment, refund = aliased(Payment), aliased(Refund)
    settled = payment.state.in_((PaymentState.PAID, PaymentState.MISMATCH))
    is_paid = select(payment.id).where(payment.provider == provider, payment.intent_id == _balance.intent_id, settled).exists()
    is_refunded = select(refund.id).where(refund.provider_id == _balance.source_id).exists()
    is_with_staff = select(_item.id).where(_item.balance_id == _balance.id).exists()  # no order could take it: see `unexplained`
    strange = ((_balance.kind == BalanceKind.CHARGE) & ~is_paid) | ((_balance.kind == BalanceKind.REFUND) & ~is_refunded & ~is_with_staff)
    columns = (_balance.provider_id, _balance.reference, _balance.source_fen, _balance.source_currency)
    its = (_balance.provider == provider, _balance.business_day == day, _balance.happened_at < before)
    rows = db.session.execute(select(*columns).where(*its, strange))
    return [Found(day, DifferenceKind.MISSING_HERE, row[0], row[1], "", str(Sum(row[2], row[3]))) for row in rows]


def unexplained(provider: str, day: date) -> list[Found]:
    """What came into suspense by a movement or a dispute of a day and stands there still."""
    joined = table_of(SuspenseItem).outerjoin(table_of(Balance), _balance.id == _item.balance_id)
    joined = joined.outerjoin(table_of(Dispute), _dispute.id == _item.dispute_id)
    of_dispute = (_dispute.opened_at >= day_starts(day)) & (_dispute.opened_at < day_ends(day))
    rows = db.session.execute(
        select(func.coalesce(_balance.provider_id, _dispute.provider_id), _balance.reference, _item.amount_fen, _item.currency)
        .select_from(joined)
        .where(_item.provider == provider, _item.cleared_at.is_(None), (_balance.business_day == day) | of_dispute)
    )
    return [Found(day, DifferenceKind.SUSPENSE, row[0], row[1], "", str(Sum(-row[2], row[3]))) for row in rows]


def days_that_differed(*, most: int) -> list[date]:
    """Days of which something differs since they were compared last, the latest first."""
    return list(db.session.scalars(select(_difference.day).distinct().order_by(_difference.day.desc()).limit(most)))


@act
def record_reconciled(provider: str, day: date, transactions: int, differences: Sequence[Found], *, now: datetime) -> None:
    """What a comparison of a day found takes the place of what was found before."""
    db.session.execute(delete(table_of(Difference)).where(_difference.provider == provider, _difference.day == day))
    db.session.execute(delete(table_of(ReconciledDay)).where(_day.provider == provider, _day.day == day))
    db.session.execute(insert(table_of(ReconciledDay)).values(provider=provider, day=day, transactions=transactions, checked_at=now))
    put_in(
        Difference,
        [
            {
                "provider": provider,
                "day": day,
                "kind": found.kind,
                "subject": found.subject,
                "reference": found.reference,
                "ours": found.ours,
                "theirs": found.theirs,
                "found_at": now,
            }
            for found in differences
        ],
    )
