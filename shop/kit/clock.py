"""Time: instants are aware UTC, the business day is the calendar day in Shanghai."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """The present instant. Only handlers, commands and the worker ask; acts are told."""
    return datetime.now(UTC)


def business_day(instant: datetime) -> date:
    """The calendar day in Asia/Shanghai on which `instant` (aware) falls."""
    assert instant.tzinfo is not None, "an instant is always aware"
    return instant.astimezone(SHANGHAI).date()


def day_starts(day: date) -> datetime:
    """The first instant, in UTC, of a business day."""
    return datetime.combine(day, time.min, tzinfo=SHANGHAI).astimezone(UTC)


def day_ends(day: date) -> datetime:
    """The first instant, in UTC, that no longer belongs to a business day."""
    return day_starts(day + timedelta(days=1))
