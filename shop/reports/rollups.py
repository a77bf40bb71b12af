"""The grains of the two roll-ups, and which of them answers a question. Pure.

Law: every grain holds every fen; a coarser grain only forgets columns. A question is answered by the smallest grain that has all of its columns: whole
months by the month, the days before and after them by the day.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from shop.reports.periods import month_of

GOODS, BUYERS = "rollup_goods", "rollup_buyers"

KEYS: dict[str, tuple[str, ...]] = {
    GOODS: ("village_id", "cooperative_id", "sku_id", "channel", "accredited"),
    BUYERS: ("village_id", "district_code", "eastern_unit_id", "pairing_id"),
}
"""The columns of each beside grain and day."""

MONTHLY = 100
"""Added to a grain's number: the same by month."""


@dataclass(frozen=True)
class Grain:
    """One way in which a roll-up is summed."""

    table: str
    number: int
    columns: tuple[str, ...]


GRAINS = (
    Grain(GOODS, 2, ("cooperative_id",)),
    Grain(GOODS, 3, ("village_id",)),
    Grain(GOODS, 4, ("sku_id",)),
    Grain(GOODS, 5, ("village_id", "channel", "accredited")),
    Grain(BUYERS, 1, ("eastern_unit_id", "pairing_id")),
    Grain(BUYERS, 2, ("district_code",)),
    Grain(BUYERS, 3, ("village_id", "district_code")),
    Grain(GOODS, 9, KEYS[GOODS]),
    Grain(BUYERS, 9, KEYS[BUYERS]),
)
"""From the smallest to the largest."""
GRAINS_OF = {table: tuple(grain for grain in GRAINS if grain.table == table) for table in KEYS}


def grain_for(columns: Collection[str]) -> Grain | None:
    """The smallest grain that has all these columns, if there is one."""
    return next((grain for grain in GRAINS if set(columns) <= set(grain.columns)), None)


@dataclass(frozen=True)
class Span:
    """Rows of one grain from `since` to `until`, inclusive days; months by their first days."""

    number: int
    since: date
    until: date


def spans(grain: Grain, since: date, until: date, *, by_month: bool) -> Iterator[Span]:
    """The period in as few rows as may be: the days before the first whole month, the months, the days after. At least one span."""
    first = since if since.day == 1 else month_of(since).until + timedelta(days=1)
    last = until if until == month_of(until).until else until.replace(day=1) - timedelta(days=1)
    if not by_month or first > last:
        yield Span(grain.number, since, until)
        return
    if since < first:
        yield Span(grain.number, since, first - timedelta(days=1))
    yield Span(grain.number + MONTHLY, first, last)
    if last < until:
        yield Span(grain.number, last + timedelta(days=1), until)
