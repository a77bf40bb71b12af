"""Periods of days, and what each is compared with. Pure."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

_QUARTER, _YEAR = 3, 12


@dataclass(frozen=True)
class Period:
    """Business days from `since` to `until`, inclusive."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.until - self.since).days + 1

    @property
    def is_months(self) -> bool:
        """Whether it is one or more whole calendar months."""
        return self.since.day == 1 and _ends_month(self.until)


def month_of(day: date) -> Period:
    """The calendar month that `day` is in."""
    return _months(day.replace(day=1), 1)


def quarter_of(day: date) -> Period:
    """The calendar quarter that `day` is in."""
    return _months(day.replace(month=(day.month - 1) // _QUARTER * _QUARTER + 1, day=1), _QUARTER)


def year_of(day: date) -> Period:
    """The calendar year that `day` is in."""
    return _months(day.replace(month=1, day=1), _YEAR)


def so_far(period: Period, today: date) -> Period:
    """The period up to today, if it is still running."""
    return Period(period.since, min(period.until, max(period.since, today)))


def period_before(period: Period) -> Period:
    """What to compare with: as much of the month, quarter or year before as this one has of its own; else as many days just before.

    What begins with a month is taken for a month, a quarter or a year, so far or whole, or else for so many months; what ends with a
    month is compared with what does.
    """
    if period.since.day != 1:
        days = timedelta(days=period.days)
        return Period(period.since - days, period.until - days)
    return _earlier(period, _months_meant(period))


def year_before(period: Period) -> Period:
    """The same days a year earlier; a month's last day stays one."""
    return _earlier(period, _YEAR)


def _months_meant(period: Period) -> int:
    touched = (period.until.year - period.since.year) * 12 + period.until.month - period.since.month + 1
    if 1 < touched <= _QUARTER and (period.since.month - 1) % _QUARTER == 0:
        return _QUARTER
    if 1 < touched <= _YEAR and period.since.month == 1:
        return _YEAR
    return touched


def _earlier(period: Period, months: int) -> Period:
    until = _shift(period.until, -months)
    return Period(_shift(period.since, -months), _month_end(until) if _ends_month(period.until) else until)


def _months(first: date, count: int) -> Period:
    return Period(first, _month_end(_shift(first, count - 1)))


def _shift(day: date, months: int) -> date:
    """So many months later, the last day of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _ends_month(day: date) -> bool:
    return day == _month_end(day)
