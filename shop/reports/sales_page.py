"""What the staff's page of sales shows beside the report itself: the period before, the course of the days, and where in the county."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import select

from shop.extensions import db
from shop.origin.bearings import BIJIANG, km_from
from shop.origin.models import Town
from shop.reports.dimensions import DIMENSIONS, Label
from shop.reports.periods import Period, month_of, period_before, year_before
from shop.reports.sales import Dates, Measures, Sales, SalesRow, sales

MOST_BARS = 16
MOST_DAYS_DRAWN = 62
"""Longer periods are drawn by month."""


class Versus(StrEnum):
    """What a period is compared with."""

    BEFORE = "before"
    YEAR = "year"
    NOTHING = "none"


@dataclass(frozen=True)
class Asked:
    """What the page is asked to show; every part of it stands in the address."""

    by: tuple[str, ...]
    period: Period
    dates: Dates = Dates.POSTED
    only: Mapping[str, str] = field(default_factory=dict)
    """Dimension → key, e.g. `{"channel": "offline"}`."""
    versus: Versus = Versus.BEFORE

    @property
    def period_before(self) -> Period | None:
        """What to compare with, if anything."""
        if self.versus is Versus.NOTHING:
            return None
        return period_before(self.period) if self.versus is Versus.BEFORE else year_before(self.period)


@dataclass(frozen=True)
class ComparedRow:
    """A row of the report beside its net in the period before (None where nothing is compared)."""

    labels: tuple[Label, ...]
    measures: Measures
    was_fen: int | None
    only: Mapping[str, str]
    """Dimension → key: what its figures open."""


@dataclass(frozen=True)
class Drawn:
    """One bar, or one point of a line. Without a label it stands for all the rest."""

    label: Label | None
    value_fen: int
    was_fen: int | None


@dataclass(frozen=True)
class TownSum:
    """A town on the map."""

    name: str
    name_en: str
    net_fen: int
    east_km: float | None
    north_km: float | None


@dataclass(frozen=True)
class SalesPage:
    """Everything the page shows."""

    asked: Asked
    report: Sales
    before: Period | None
    total_before: Measures | None
    rows: tuple[ComparedRow, ...]
    bars: tuple[Drawn, ...]
    course: tuple[Drawn, ...]
    is_course_by_day: bool
    towns: tuple[TownSum, ...]


def read_report(asked: Asked) -> Sales:
    """The report by itself, as CSV and JSON carry it."""
    return sales(asked.by, asked.period.since, asked.period.until, dates=asked.dates, only=asked.only)


def read_page(asked: Asked) -> SalesPage:
    """The page. Six statements, four without comparison, however much was sold.

    Raises ValueError for a value in `asked.only` that no key can be.
    """
    report, before = read_report(asked), asked.period_before
    was = _over(asked, asked.by, before) if before else None
    rows = _compared(asked.by, report, was)
    course_by = "day" if asked.period.days <= MOST_DAYS_DRAWN else "month"
    return SalesPage(
        asked=asked,
        report=report,
        before=before,
        total_before=was.total if was else None,
        rows=rows,
        bars=_bars(asked.by, rows),
        course=_course(asked, course_by, before),
        is_course_by_day=course_by == "day",
        towns=_towns(asked),
    )


def _over(asked: Asked, by: Sequence[str], period: Period) -> Sales:
    return sales(by, period.since, period.until, dates=asked.dates, only=asked.only)


def _compared(by: Sequence[str], report: Sales, was: Sales | None) -> tuple[ComparedRow, ...]:
    """The rows, and after them those that only the period before had. Rows of time have nothing to be compared with: days do not come again."""
    if was is None or any(DIMENSIONS[name].is_time for name in by):
        return tuple(_row(by, row, None) for row in report.rows)
    nets = {row.keys: row.measures.net_fen for row in was.rows}
    here = {row.keys for row in report.rows}
    gone = [SalesRow(row.labels, Measures(0, 0, 0, 0, 0)) for row in was.rows if row.keys not in here]
    return tuple(_row(by, row, nets.get(row.keys, 0)) for row in [*report.rows, *gone])


def _row(by: Sequence[str], row: SalesRow, was_fen: int | None) -> ComparedRow:
    return ComparedRow(row.labels, row.measures, was_fen, dict(zip(by, row.keys, strict=True)))


def _bars(by: Sequence[str], rows: Sequence[ComparedRow]) -> tuple[Drawn, ...]:
    """One bar for each value of the first dimension; beyond `MOST_BARS`, the smallest stand together (time: the earliest)."""
    sums: dict[str, Drawn] = {}
    for row in rows:
        label = row.labels[0]
        so_far = sums.get(label.key, Drawn(label, 0, None if row.was_fen is None else 0))
        was_fen = None if so_far.was_fen is None or row.was_fen is None else so_far.was_fen + row.was_fen
        sums[label.key] = Drawn(label, so_far.value_fen + row.measures.net_fen, was_fen)
    bars = list(sums.values())
    if len(bars) <= MOST_BARS:
        return tuple(bars)
    is_time = DIMENSIONS[by[0]].is_time
    few = MOST_BARS - 1
    kept, rest = (bars[-few:], bars[:-few]) if is_time else (bars[:few], bars[few:])
    others = Drawn(None, sum(bar.value_fen for bar in rest), None if rest[0].was_fen is None else sum(bar.was_fen or 0 for bar in rest))
    return (others, *kept) if is_time else (*kept, others)


def _course(asked: Asked, by: str, before: Period | None) -> tuple[Drawn, ...]:
    """Net by day or month, days without sales too; beside each what the same place in the period before had."""
    nets = _nets(asked, by, asked.period)
    earlier = list(_nets(asked, by, before).values()) if before else []
    return tuple(
        Drawn(label, net_fen, (earlier[place] if place < len(earlier) else 0) if before else None)
        for place, (label, net_fen) in enumerate(nets.items())
    )


def _nets(asked: Asked, by: str, period: Period) -> dict[Label, int]:
    dimension = DIMENSIONS[by]
    nets = dict.fromkeys((dimension.label_of(dimension.key_of(text)) for text in _steps(by, period)), 0)
    return nets | {row.labels[0]: row.measures.net_fen for row in _over(asked, (by,), period).rows}


def _steps(by: str, period: Period) -> list[str]:
    """Every day or month of a period, as addresses write them."""
    if by == "day":
        return [(period.since + timedelta(days=number)).isoformat() for number in range(period.days)]
    steps, month = [], month_of(period.since)
    while month.since <= period.until:
        steps.append(f"{month.since:%Y-%m}")
        month = month_of(month.until + timedelta(days=1))
    return steps


def _towns(asked: Asked) -> tuple[TownSum, ...]:
    """Every town that the period's goods come from, with the point of its seat where one is known."""
    nets = {int(row.keys[0]): row.measures.net_fen for row in _over(asked, ("town",), asked.period).rows}
    columns = (Town.id, Town.short_name, Town.name_en, Town.latitude, Town.longitude)
    towns = []
    for row in db.session.execute(select(*columns).where(Town.id.in_(sorted(nets))).order_by(Town.code, Town.id)):
        has_point = row.latitude is not None and row.longitude is not None
        east_km, north_km = km_from(BIJIANG, row.latitude, row.longitude) if has_point else (None, None)
        towns.append(TownSum(row.short_name, row.name_en, nets[row.id], east_km, north_km))
    return tuple(towns)


def default_period(today: date) -> Period:
    """This month up to today."""
    return Period(today.replace(day=1), today)
