"""What was booked to a village, or through a cooperative, month by month: gross, refunds and net of the last twelve months.

Law: every figure is a sum of attributions by the day they were booked; months in which nothing happened are there and say nought.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Date, bindparam, case, column, extract, func, select, text

from shop.extensions import db
from shop.kit.ids import CooperativeId, VillageId
from shop.ledger.models import Attribution
from shop.reports.rollups import GRAINS, MONTHLY

MONTHS = 12


@dataclass(frozen=True)
class Month:
    """One month of the books. Refunds are a positive sum."""

    year: int
    month: int
    gross_fen: int
    refunds_fen: int
    is_open: bool
    """Still running."""

    @property
    def net_fen(self) -> int:
        """Gross less refunds."""
        return self.gross_fen - self.refunds_fen

    @property
    def first_day(self) -> date:
        """For writing and ordering."""
        return date(self.year, self.month, 1)


@dataclass(frozen=True)
class Year:
    """Twelve months, the oldest first, the last one still open."""

    months: tuple[Month, ...]

    @property
    def gross_fen(self) -> int:
        """Of all twelve."""
        return sum(month.gross_fen for month in self.months)

    @property
    def refunds_fen(self) -> int:
        """Of all twelve, as a positive sum."""
        return sum(month.refunds_fen for month in self.months)

    @property
    def net_fen(self) -> int:
        """Gross less refunds."""
        return self.gross_fen - self.refunds_fen

    @property
    def since(self) -> date:
        """The first day of the oldest month."""
        return self.months[0].first_day

    @property
    def is_empty(self) -> bool:
        """Nothing was booked at all."""
        return not any(month.gross_fen or month.refunds_fen for month in self.months)


def first_day(today: date) -> date:
    """The first day of the twelve months that end with the month of `today`."""
    return date(today.year - 1, today.month + 1, 1) if today.month < MONTHS else date(today.year, 1, 1)


def year_of_village(village_id: VillageId, *, today: date) -> Year:
    """What was booked to a village. One statement."""
    return _year(Attribution.village_id == village_id, today)


def year_of_cooperative(cooperative_id: CooperativeId, *, today: date) -> Year:
    """What was booked to villages through a cooperative. One statement."""
    return _year(Attribution.cooperative_id == cooperative_id, today)


_OF_ALL = (
    text(
        """
select day, cast(sum(gross) as bigint), cast(sum(refunds) as bigint) from (
select day, posted_gross_fen as gross, posted_refunds_fen as refunds from rollup_goods where grain = :grain and day between :since and :today
union all select a.business_day, case when a.is_refund then 0 else a.amount_fen end, case when a.is_refund then -a.amount_fen else 0 end
  from ledger_unfolded q join attributions a on a.entry_id = q.entry_id where a.business_day between :since and :today) as booked
 group by day"""
    )
    .bindparams(bindparam("since", type_=Date), bindparam("today", type_=Date))
    .columns(column("day", Date), column("gross"), column("refunds"))
)


def year_of_all(*, today: date) -> Year:
    """What was booked to all villages: from the months of the roll-up and what waits to be folded. One statement."""
    since = first_day(today)
    booked: dict[tuple[int, int], tuple[int, int]] = {}
    rows = db.session.execute(_OF_ALL, {"grain": GRAINS[0].number + MONTHLY, "since": since, "today": today})
    for day, gross_fen, refunds_fen in rows:
        before = booked.get((day.year, day.month), (0, 0))
        booked[day.year, day.month] = (before[0] + int(gross_fen), before[1] + int(refunds_fen))
    return Year(tuple(_month(booked, since, ahead, today) for ahead in range(MONTHS)))


def gross_and_refunds() -> tuple[ColumnElement[int], ColumnElement[int]]:
    """The two sums over attributions; a failed refund booked back counts against the refunds."""
    return (
        func.coalesce(func.sum(case((Attribution.is_refund, 0), else_=Attribution.amount_fen)), 0),
        func.coalesce(-func.sum(case((Attribution.is_refund, Attribution.amount_fen), else_=0)), 0),
    )


def _year(condition: ColumnElement[bool], today: date) -> Year:
    since = first_day(today)
    year, month = extract("year", Attribution.business_day), extract("month", Attribution.business_day)
    query = (
        select(year, month, *gross_and_refunds())
        .where(condition, Attribution.business_day >= since, Attribution.business_day <= today)
        .group_by(year, month)
    )
    booked = {(int(year), int(month)): (int(gross), int(refunds)) for year, month, gross, refunds in db.session.execute(query)}
    return Year(tuple(_month(booked, since, ahead, today) for ahead in range(MONTHS)))


def _month(booked: dict[tuple[int, int], tuple[int, int]], since: date, ahead: int, today: date) -> Month:
    years, month = divmod(since.month - 1 + ahead, MONTHS)
    year, month = since.year + years, month + 1
    gross_fen, refunds_fen = booked.get((year, month), (0, 0))
    return Month(year, month, gross_fen, refunds_fen, is_open=(year, month) == (today.year, today.month))
