"""Harvest months."""

import pytest

from shop.catalog.seasons import is_in_season


@pytest.mark.parametrize(
    ("first", "last", "month", "is_in"),
    [
        (9, 10, 9, True),
        (9, 10, 10, True),
        (9, 10, 11, False),
        (12, 2, 12, True),
        (12, 2, 1, True),
        (12, 2, 3, False),
        (5, 5, 5, True),
        (None, None, 7, True),
    ],
)
def test_a_season_may_run_over_new_year(first: int | None, last: int | None, month: int, is_in: bool) -> None:
    assert is_in_season(first, last, month) is is_in
