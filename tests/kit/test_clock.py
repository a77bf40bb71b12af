"""The business day is Shanghai's."""

from datetime import UTC, date, datetime

import pytest

from shop.kit.clock import business_day, day_ends, day_starts


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 16, 0, 0, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_day_begins_at_midnight_in_shanghai(instant: datetime, day: date) -> None:
    assert business_day(instant) == day
    assert day_starts(day) <= instant < day_ends(day)


def test_an_instant_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        business_day(datetime(2026, 11, 23))  # noqa: DTZ001
