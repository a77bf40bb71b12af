"""What the shop sold for the villages, for everybody to see and to compute with: by village, town, month and way of selling.

Law: the figures are those of the reports (`reports.sales`), read when the page is asked for; money is published to the fen, small counts are not. Seven
statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import func, select

from shop.extensions import db
from shop.kit.sheets import csv_file
from shop.origin.bearings import BIJIANG, km_from
from shop.origin.models import Town, Village
from shop.reports.models import GoodsRollup
from shop.reports.months import first_day
from shop.reports.rollups import GRAINS, MONTHLY
from shop.reports.sales import Sales, SalesRow, sales
from shop.reports.village_page import MapPoint

FEW = 10
"""Counts below this are not told (DESIGN §7)."""
MOST_YEARS = 20


@dataclass(frozen=True)
class ImpactRow:
    """A village, town, month or way of selling."""

    code: str | None
    name: str
    name_en: str
    slug: str
    """Of a village; else empty."""
    place: str
    """Of a village its town; else empty."""
    place_en: str
    gross_fen: int
    refunds_fen: int
    lines: int | None
    """Order lines sold, each whole in every row that it touches; None: too few to tell."""

    @property
    def net_fen(self) -> int:
        """Gross less refunds."""
        return self.gross_fen - self.refunds_fen

    def as_json(self) -> dict[str, str | int | None]:
        """A row of JSON and CSV, in the order of the columns."""
        money = {"gross_fen": self.gross_fen, "refunds_fen": self.refunds_fen, "net_fen": self.net_fen}
        return {"code": self.code, "name": self.name, "name_en": self.name_en, **money, "lines": self.lines}


@dataclass(frozen=True)
class ImpactPage:
    """Everything the page shows."""

    since: date
    until: date
    year: int | None
    """None: the twelve months up to today."""
    years: tuple[int, ...]
    """That have figures, the latest first."""
    as_of: datetime
    villages: tuple[ImpactRow, ...]
    towns: tuple[ImpactRow, ...]
    months: tuple[ImpactRow, ...]
    channels: tuple[ImpactRow, ...]
    total: ImpactRow
    points: tuple[MapPoint, ...]

    @property
    def parts(self) -> dict[str, tuple[ImpactRow, ...]]:
        """The tables by their names in JSON and CSV."""
        return {"village": self.villages, "town": self.towns, "month": self.months, "channel": self.channels, "total": (self.total,)}

    def as_json(self) -> dict[str, object]:
        """The same numbers for programs. `lines` is null where there are fewer than ten."""
        days = {"from": self.since.isoformat(), "to": self.until.isoformat()}
        rows = {f"by_{name}": [row.as_json() for row in rows] for name, rows in self.parts.items() if name != "total"}
        return {**days, "as_of": self.as_of.isoformat(), "currency": "CNY", **rows, "total": self.total.as_json()}

    def as_csv(self) -> bytes:
        """The same numbers as a sheet; the first column says which table a row is of."""
        header = ["by", *self.total.as_json()]
        return csv_file(header, ([name, *row.as_json().values()] for name, rows in self.parts.items() for row in rows))


def impact_page(*, year: int | None, now: datetime, today: date) -> ImpactPage:
    """Figures by the day of booking: of the calendar `year`, else of the twelve months up to today."""
    years = _years(today)
    if year not in years:
        year = None
    since, until = (first_day(today), today) if year is None else (date(year, 1, 1), min(date(year, 12, 31), today))
    places = _places()
    towns = _towns()
    by_village, by_town, by_month, by_channel = (sales([name], since, until) for name in ("village", "town", "month", "channel"))
    return ImpactPage(
        since=since,
        until=until,
        year=year,
        years=years,
        as_of=now,
        villages=tuple(_of_village(row, places) for row in _rows(by_village)),
        towns=_rows(by_town),
        months=_every_month(_rows(by_month), since, until),
        channels=_rows(by_channel),
        total=_total(by_village),
        points=_points(by_town, towns),
    )


def publishable(counts: Sequence[int]) -> tuple[int | None, ...]:
    """Counts that may be told: none below ten, and never just one kept back, which the total would give away: then the next smallest is too. Pure."""
    hidden = {place for place, count in enumerate(counts) if 0 < count < FEW}
    if len(hidden) == 1 and len(counts) > 1:
        others = [place for place in range(len(counts)) if place not in hidden and counts[place]]
        hidden |= set(sorted(others, key=lambda place: (counts[place], place))[:1])
    return tuple(None if place in hidden else count for place, count in enumerate(counts))


def _rows(report: Sales) -> tuple[ImpactRow, ...]:
    told = publishable([row.measures.lines for row in report.rows])
    return tuple(_row(row, lines) for row, lines in zip(report.rows, told, strict=True))


def _row(row: SalesRow, lines: int | None) -> ImpactRow:
    label = row.labels[0]
    name = label.name or label.code or "—"
    return ImpactRow(label.code, name, label.name_en or "", "", "", "", row.measures.gross_fen, row.measures.refunds_fen, lines)


def _every_month(rows: tuple[ImpactRow, ...], since: date, until: date) -> tuple[ImpactRow, ...]:
    """Months in which nothing happened are there and say nought."""
    known = {row.name: row for row in rows}
    months = range(since.year * 12 + since.month - 1, until.year * 12 + until.month)
    names = [f"{month // 12}-{month % 12 + 1:02d}" for month in months]
    return tuple(known.get(name, ImpactRow(name, name, name, "", "", "", 0, 0, 0)) for name in names)


def _total(report: Sales) -> ImpactRow:
    told = publishable([report.total.lines])[0]
    return ImpactRow(None, "合计", "Total", "", "", "", report.total.gross_fen, report.total.refunds_fen, told)


@dataclass(frozen=True)
class _Place:
    slug: str
    town: str
    town_en: str


def _places() -> dict[tuple[str | None, str], _Place]:
    """By code and name, which together tell a village apart in a report."""
    query = select(Village.code, Village.name, Village.slug, Town.short_name, Town.name_en).join(Town, Town.id == Village.town_id)
    return {(code, name): _Place(slug, town, town_en) for code, name, slug, town, town_en in db.session.execute(query)}


def _of_village(row: ImpactRow, places: dict[tuple[str | None, str], _Place]) -> ImpactRow:
    place = places.get((row.code, row.name))
    return replace(row, slug=place.slug, place=place.town, place_en=place.town_en) if place else row


def _towns() -> list[tuple[str | None, str, str, float | None, float | None]]:
    query = select(Town.code, Town.short_name, Town.name_en, Town.latitude, Town.longitude).order_by(Town.code, Town.id)
    return [tuple(row) for row in db.session.execute(query)]  # type: ignore[misc]  # five columns


def _points(by_town: Sales, towns: list[tuple[str | None, str, str, float | None, float | None]]) -> tuple[MapPoint, ...]:
    """Towns with something booked to them; without coordinates they lie beneath the drawing."""
    nets = {row.labels[0].code: row.measures.net_fen for row in by_town.rows}
    points = []
    for code, name, name_en, latitude, longitude in towns:
        if code in nets:
            east_km, north_km = (None, None) if latitude is None or longitude is None else km_from(BIJIANG, latitude, longitude)
            points.append(MapPoint(name, name_en, max(0, nets[code]), east_km, north_km, False))
    return tuple(points)


def _years(today: date) -> tuple[int, ...]:
    query = select(func.min(GoodsRollup.day)).where(GoodsRollup.grain == GRAINS[0].number + MONTHLY)
    first = db.session.scalar(query)
    return tuple(range(today.year, max(first.year, today.year - MOST_YEARS) - 1, -1)) if first else ()
