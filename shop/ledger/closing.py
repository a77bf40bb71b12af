"""Closing a month of the books: its row locked against postings, its figures stored for good.

Law: a closed month never changes, nor does any month before it, since where an account stood at its end hangs on all of them. Whatever corrects it is
a new entry in an open month, about the same order. It is not opened again.
"""

from calendar import monthrange
from datetime import date, datetime

from sqlalchemy import Date, TextClause, bindparam, func, select, text, update

from shop.extensions import db, dialect, require_transaction
from shop.kit.ids import UserId
from shop.ledger.errors import EarlierMonthOpen, PeriodClosed
from shop.ledger.models import Entry, MonthClosing, Period, Unfolded
from shop.ledger.service import insert_if_missing


def days_of(month: str) -> tuple[date, date]:
    """The first and the last day of a month written `2026-10`. Raises ValueError."""
    first = date.fromisoformat(f"{month}-01")
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def lock_month(month: str) -> None:
    """Step. Lock the month and those before it: postings into them that are under way end first, others wait for us. Raises PeriodClosed.

    Whoever posts into a month share-locks its row, and asks only then which months are closed (`share_lock_months`). So a posting holds the row of its
    month, which we wait for; or it is about to insert that row, which waits for us, or we for it. A month of today is not waited for.
    """
    require_transaction()
    if dialect() == "postgresql":
        db.session.execute(text("lock table periods in share row exclusive mode"))  # no row comes in until we are done
    db.session.execute(insert_if_missing(Period, {"month": month, "closed_at": None}))
    rows = db.session.execute(
        select(Period.month, Period.closed_at).where(Period.month <= month).order_by(Period.month).with_for_update()
    ).all()
    if rows[-1].closed_at is not None:
        raise PeriodClosed(month)


def need_months_before_closed(month: str) -> None:
    """Months close in their order. Raises EarlierMonthOpen for the first that has entries and is open."""
    months = db.session.scalars(select(Period.month).where(Period.month < month, Period.closed_at.is_(None)).order_by(Period.month))
    for earlier in months:
        since, until = days_of(earlier)
        if db.session.scalar(select(Entry.id).where(Entry.business_day.between(since, until)).limit(1)) is not None:
            raise EarlierMonthOpen(earlier)


def unfolded_in(month: str) -> int:
    """Entries of the month that the roll-ups do not hold yet."""
    since, until = days_of(month)
    waiting = select(func.count()).select_from(Unfolded).join(Entry, Entry.id == Unfolded.entry_id)
    return db.session.scalar(waiting.where(Entry.business_day.between(since, until))) or 0


def freeze(month: str, *, by: UserId | None, now: datetime) -> None:
    """Step. Store what the books hold of the month, and close it; `lock_month` has locked it."""
    require_transaction()
    since, until = days_of(month)
    given = {"month": month, "since": since, "until": until}
    figures = db.session.execute(COUNTS, {"since": since, "until": until}).one()
    db.session.add(MonthClosing(month=month, entries=figures[0], postings=figures[1], attributions=figures[2], closed_by=by, closed_at=now))
    db.session.flush()
    for statement in (_FREEZE_BALANCES, _FREEZE_VILLAGES):
        db.session.execute(statement, given)
    db.session.execute(update(Period).where(Period.month == month).values(closed_at=now))


def dated(statement: str) -> TextClause:
    """Plain SQL about the days from `:since` to `:until`."""
    return text(statement).bindparams(bindparam("since", type_=Date), bindparam("until", type_=Date))


COUNTS = dated(
    """select (select count(*) from entries where business_day between :since and :until),
              (select count(*) from postings where business_day between :since and :until),
              (select count(*) from attributions where business_day between :since and :until)"""
)
"""How many entries, postings and attributions."""

BALANCES = """select account_id, currency,
       sum(case when business_day >= :since and amount_fen > 0 then amount_fen else 0 end) as debit_fen,
       sum(case when business_day >= :since and amount_fen < 0 then amount_fen else 0 end) as credit_fen,
       sum(amount_fen) as balance_fen
  from postings where business_day <= :until group by account_id, currency"""
"""Every account that ever moved up to the month's end: what it did in the month, and where it stood."""

VILLAGES = """select cooperative_id, village_id,
       sum(case when is_refund then 0 else amount_fen end) as gross_fen, sum(case when is_refund then amount_fen else 0 end) as refunds_fen
  from attributions where business_day between :since and :until group by cooperative_id, village_id"""

_FREEZE_BALANCES = dated(
    f"insert into month_balances (month, account_id, currency, debit_fen, credit_fen, balance_fen) select :month, found.* from ({BALANCES}) found"
)
_FREEZE_VILLAGES = dated(
    f"insert into month_villages (month, cooperative_id, village_id, gross_fen, refunds_fen) select :month, found.* from ({VILLAGES}) found"
)
