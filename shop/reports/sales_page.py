"""What the staff's page of sales shows beside the report itself: the period before, the course of the days, and where in the county."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import select

from shop.extensions import db
from shop.origin.bearings import BIJIANG, MIDDLE_OF_TONGREN, TONGREN_COUNTIES, km_from
from shop.origin.models import Town
from shop.reports.buckets import Buckets, buckets
from shop.reports.dimensions import DIMENSIONS, Label
from shop.reports.periods import Period, month_of, period_before, year_before
from shop.reports.sales import Counts, Dates, Measures, Sales, SalesRow, booked_rows, reads_lines, sales

MOST_BARS = 16
MOST_DAYS_DRAWN = 62
"""Longer periods are drawn by month."""
MOST_SPARKS = 60
"""Rows that have a line of their own, if there are no more."""
MOST_ROWS_COUNTED = 20_000
"""Up to so much of the books orders and buyers are counted without being asked for."""
MOST_ROWS_READ = 100_000
"""Up to so much of the books is read while somebody waits: about a second. More is read in the background."""
HEAT_ROWS, HEAT_COLUMNS = 20, 24


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
    with_counts: bool = False
    """Whether orders and buyers are asked for, however long that takes."""

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
    counts: Counts | None = None
    spark: tuple[int, ...] = ()
    """Net by the steps of the period's course; empty where none is drawn."""
    bucket_fen: tuple[int, ...] = ()


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
class Heat:
    """Two dimensions as a field of squares: the largest values of each, net in fen."""

    rows: tuple[Label, ...]
    columns: tuple[Label, ...]
    net_fen: tuple[tuple[int, ...], ...]
    """Of each row, for each column."""
    left_out: int
    """Values that had no place, of both dimensions together."""


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
    counties: tuple[TownSum, ...]
    """Those of Tongren, where more than one of them sold."""
    heat: Heat | None
    """Instead of the course, where there are two dimensions."""
    buckets: Buckets


class TooLong(Exception):
    """So much of the books would have to be read that nobody should wait for it."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


def read_report(asked: Asked) -> Sales:
    """The report by itself, as CSV and JSON carry it."""
    period = asked.period
    return sales(asked.by, period.since, period.until, dates=asked.dates, only=asked.only, with_counts=asked.with_counts)


def ready_at_once(asked: Asked) -> Asked:
    """The question as it can be answered while somebody waits: with orders and buyers where counting them is quick. Raises TooLong."""
    rows = booked_rows(asked.period.since, asked.period.until, asked.dates)
    if rows > MOST_ROWS_READ and (asked.with_counts or reads_lines(asked.by, asked.only)):
        raise TooLong(rows)
    return replace(asked, with_counts=asked.with_counts or rows <= MOST_ROWS_COUNTED)


def read_page(asked: Asked, report: Sales | None = None) -> SalesPage:
    """The page, of a report that was read before or of one read now. At most ten statements, however much was sold.

    Raises ValueError for a value in `asked.only` that no key can be.
    """
    report, before = report or read_report(asked), asked.period_before
    is_quick = not reads_lines(asked.by, asked.only) or booked_rows(asked.period.since, asked.period.until, asked.dates) <= MOST_ROWS_READ
    was = _over(asked, asked.by, before) if before and is_quick else None
    course_by = "day" if asked.period.days <= MOST_DAYS_DRAWN else "month"
    period = asked.period
    set_aside = buckets(asked.by, period.since, period.until, asked.only)
    rows = _with_more(_compared(asked.by, report, was), _sparks(asked, report, course_by), set_aside)
    return SalesPage(
        asked=asked,
        report=report,
        before=before,
        total_before=was.total if was else None,
        rows=rows,
        bars=_bars(asked.by, rows),
        course=_course(asked, course_by, before) if is_quick else (),
        is_course_by_day=course_by == "day",
        towns=_towns(asked) if is_quick else (),
        counties=_counties(asked) if is_quick else (),
        heat=_heat(report) if len(asked.by) > 1 else None,
        buckets=set_aside,
    )


def _sparks(asked: Asked, report: Sales, course_by: str) -> Mapping[str, tuple[int, ...]]:
    """Of each row of one dimension its net by the steps of the period, where a roll-up has them and there are not too many."""
    by = asked.by
    if len(by) != 1 or DIMENSIONS[by[0]].is_time or len(report.rows) > MOST_SPARKS or reads_lines((*by, course_by), asked.only):
        return {}
    steps = {text: place for place, text in enumerate(_steps(course_by, asked.period))}
    nets: dict[str, list[int]] = {}
    for row in _over(asked, (*by, course_by), asked.period).rows:
        key, step = row.keys
        nets.setdefault(key, [0] * len(steps))[steps[step]] = row.measures.net_fen
    return {key: tuple(net_fen) for key, net_fen in nets.items()}


def _with_more(rows: Sequence[ComparedRow], sparks: Mapping[str, tuple[int, ...]], set_aside: Buckets) -> tuple[ComparedRow, ...]:
    if not sparks and not set_aside.words:
        return tuple(rows)
    return tuple(
        replace(row, spark=sparks.get(row.labels[0].key, ()), bucket_fen=set_aside.of(row.labels[0].key) if set_aside.words else ())
        for row in rows
    )


def _heat(report: Sales) -> Heat:
    nets = {row.labels: row.measures.net_fen for row in report.rows}
    sides: list[list[Label]] = []
    for place, most in enumerate((HEAT_ROWS, HEAT_COLUMNS)):
        labels = list(dict.fromkeys(row.labels[place] for row in report.rows))
        if not DIMENSIONS[report.by[place]].is_time:
            sums: dict[Label, int] = {}
            for (*pair,), net_fen in nets.items():
                sums[pair[place]] = sums.get(pair[place], 0) + net_fen
            labels.sort(key=lambda label: -sums[label])
        else:
            labels = sorted(labels, key=lambda label: label.key)[-most:]
        sides.append(labels)
    left_out = sum(max(0, len({row.labels[place] for row in report.rows}) - most) for place, most in enumerate((HEAT_ROWS, HEAT_COLUMNS)))
    rows, columns = tuple(sides[0][:HEAT_ROWS]), tuple(sides[1][:HEAT_COLUMNS])
    return Heat(rows, columns, tuple(tuple(nets.get((row, column), 0) for column in columns) for row in rows), left_out)


def _over(asked: Asked, by: Sequence[str], period: Period) -> Sales:
    return sales(by, period.since, period.until, dates=asked.dates, only=asked.only)


def _compared(by: Sequence[str], report: Sales, was: Sales | None) -> tuple[ComparedRow, ...]:
    """The rows, and after them those that only the period before had. Rows of time have nothing to be compared with: days do not come again."""
    if was is None or any(DIMENSIONS[name].is_time for name in by):
        return tuple(_row(by, row, None) for row in report.rows)
    nets = {row.keys: row.measures.net_fen for row in was.rows}
    here = {row.keys for row in report.rows}
    nobody = Counts(0, 0) if report.counts else None
    gone = [SalesRow(row.labels, Measures(0, 0, 0, 0, 0), nobody) for row in was.rows if row.keys not in here]
    return tuple(_row(by, row, nets.get(row.keys, 0)) for row in [*report.rows, *gone])


def _row(by: Sequence[str], row: SalesRow, was_fen: int | None) -> ComparedRow:
    return ComparedRow(row.labels, row.measures, was_fen, dict(zip(by, row.keys, strict=True)), row.counts)


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


def _counties(asked: Asked) -> tuple[TownSum, ...]:
    """Tongren's ten counties with their net; nothing while one alone sold, which the map of its towns shows better."""
    nets = {row.keys[0]: row.measures.net_fen for row in _over(asked, ("county",), asked.period).rows}
    if len(nets.keys() & TONGREN_COUNTIES.keys()) < 2:
        return ()
    return tuple(
        TownSum(name, name_en, nets.get(code, 0), *km_from(MIDDLE_OF_TONGREN, latitude, longitude))
        for code, (name, name_en, latitude, longitude) in TONGREN_COUNTIES.items()
    )


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
