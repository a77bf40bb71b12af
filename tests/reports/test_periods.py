"""What a period is compared with."""

from datetime import date

import pytest

from shop.reports.periods import Period, month_of, period_before, quarter_of, so_far, year_before, year_of


def period(text: str) -> Period:
    since, _, until = text.partition(" ")
    return Period(date.fromisoformat(since), date.fromisoformat(until))


@pytest.mark.parametrize(
    ("of", "before"),
    [
        ("2026-11-01 2026-11-30", "2026-10-01 2026-10-31"),
        ("2026-11-01 2026-11-23", "2026-10-01 2026-10-23"),
        ("2026-03-01 2026-03-31", "2026-02-01 2026-02-28"),
        ("2026-03-01 2026-03-30", "2026-02-01 2026-02-28"),
        ("2026-01-01 2026-01-31", "2025-12-01 2025-12-31"),
        ("2026-10-01 2026-12-31", "2026-07-01 2026-09-30"),
        ("2026-10-01 2026-11-23", "2026-07-01 2026-08-23"),
        ("2026-01-01 2026-12-31", "2025-01-01 2025-12-31"),
        ("2026-01-01 2026-11-23", "2025-01-01 2025-11-23"),
        ("2026-02-01 2026-03-31", "2025-12-01 2026-01-31"),
        ("2026-11-10 2026-11-16", "2026-11-03 2026-11-09"),
        ("2026-11-23 2026-11-23", "2026-11-22 2026-11-22"),
    ],
)
def test_a_period_is_compared_with_as_much_of_the_one_before(of: str, before: str) -> None:
    assert period_before(period(of)) == period(before)


def test_the_same_days_a_year_earlier_keep_the_ends_of_months() -> None:
    assert year_before(period("2028-02-01 2028-02-29")) == period("2027-02-01 2027-02-28")
    assert year_before(period("2027-02-01 2027-02-28")) == period("2026-02-01 2026-02-28")
    assert year_before(period("2026-11-10 2026-11-16")) == period("2025-11-10 2025-11-16")


def test_months_quarters_and_years_hold_their_days() -> None:
    day = date(2026, 11, 23)
    assert month_of(day) == period("2026-11-01 2026-11-30")
    assert quarter_of(day) == period("2026-10-01 2026-12-31")
    assert year_of(day) == period("2026-01-01 2026-12-31")
    assert so_far(month_of(day), day) == period("2026-11-01 2026-11-23")
    assert so_far(month_of(date(2026, 10, 5)), day) == period("2026-10-01 2026-10-31")
