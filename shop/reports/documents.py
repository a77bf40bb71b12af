"""A report as a document: titled tables with what each column means. The screen, paper and every kind of file are drawn from the same one.

Law: a document holds figures, never drawn text: fen, grams and days. What a telephone, a sheet of paper or a spreadsheet makes of them is up to those.
No person's name stands in one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from flask_babel import get_locale, gettext

from shop.kit.sheets import csv_file
from shop.kit.workbooks import Cell, Kind
from shop.reports.dimensions import DIMENSIONS, Label
from shop.reports.periods import Period
from shop.reports.sales import Figure, Measures, Sales


@dataclass(frozen=True)
class Column:
    """A column: its name for programs, its words for people, and what it means."""

    name: str
    title: str
    kind: Kind = Kind.TEXT
    means: str = ""
    figure: Figure | None = None
    """Which lines its figures open, where a line says what it is of."""
    is_code: bool = False
    """For programs; left out on paper and on screens."""


@dataclass(frozen=True)
class Line:
    """A row."""

    cells: tuple[Cell, ...]
    only: Mapping[str, str] | None = None
    """Dimension → key: what its figures open; None where they are not of sales."""
    href: str = ""
    """The address that its first words lead to, if any."""


@dataclass(frozen=True)
class Part:
    """A table."""

    name: str
    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    total: Line | None = None
    note: str = ""


@dataclass(frozen=True)
class Document:
    """A report, in the language that it was read in."""

    name: str
    """Of its files, ASCII."""
    title: str
    period: Period
    facts: tuple[tuple[str, str], ...]
    """What it is about, in words: label and what it says."""
    parts: tuple[Part, ...]
    made_at: datetime
    notes: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    """What every figure of it is held to besides its line: in the address of the lines behind."""
    is_upright: bool = False
    """Whether its paper stands."""
    sales: Sales | None = None
    """The report of sales behind it: its CSV and JSON are those that other programs rely on (DESIGN §8)."""

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(len(part.lines) for part in self.parts)

    @property
    def file_stem(self) -> str:
        """`sales-by-village-2026-11-01-2026-11-30`."""
        return f"{self.name}-{self.period.since}-{self.period.until}"

    def as_json(self) -> dict[str, object]:
        """For programs: fen, grams, basis points and days as they are."""
        if self.sales:
            return self.sales.as_json()
        parts = [
            {
                "name": part.name,
                "rows": [_named(part.columns, line) for line in part.lines],
                "total": _named(part.columns, part.total) if part.total else None,
            }
            for part in self.parts
        ]
        days = {"from": self.period.since.isoformat(), "to": self.period.until.isoformat()}
        return {"report": self.name, **days, "parts": parts}

    def as_csv(self) -> bytes:
        """One table: the first column says of which part a row is; a column that a part has not is empty there. No totals."""
        if self.sales:
            return self.sales.as_csv()
        names = list(dict.fromkeys(column.name for part in self.parts for column in part.columns))
        rows = [
            [part.name, *(values.get(name) for name in names)]
            for part in self.parts
            for values in (_named(part.columns, line) for line in part.lines)
        ]
        return csv_file(["part", *names], rows)


def _named(columns: Sequence[Column], line: Line) -> dict[str, str | int | None]:
    cells = (cell.isoformat() if isinstance(cell, date) else cell for cell in line.cells)
    return {column.name: cell for column, cell in zip(columns, cells, strict=True)}


# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def said(in_chinese: str, in_english: str | None) -> str:
    """Content in the reader's language, or in Chinese where there is no English."""
    locale = get_locale()
    return in_english if locale is not None and locale.language == "en" and in_english else in_chinese


def name_of(label: Label) -> str:
    """A value of a dimension in the reader's language, without marks: for charts and files."""
    return str(gettext("（没有）")) if label.name is None else said(label.name, label.name_en)


def days_fact(period: Period) -> tuple[str, str]:
    """A document's period among its facts."""
    return gettext("期间"), gettext("%(since)s 至 %(until)s，按记账日", since=period.since, until=period.until)


# ── Columns and rows of sales ─────────────────────────────────────────────────────────────────────────────────────────


def dimension_columns(by: Sequence[str]) -> list[Column]:
    """The public code and the name of each dimension."""
    columns = []
    for name in by:
        words = str(DIMENSIONS[name].label)
        columns.append(Column(f"{name}_code", gettext("%(what)s代码", what=words), is_code=True, means=gettext("公开的代码；没有的空着。")))
        columns.append(Column(name, words, means=gettext("没有可归的，写“（没有）”。")))
    return columns


def label_cells(labels: Sequence[Label]) -> list[Cell]:
    """Under `dimension_columns`."""
    return [cell for label in labels for cell in (label.code, name_of(label))]


def measure_columns() -> list[Column]:
    """The measures of every report, in their order."""
    return [
        Column(
            "lines", gettext("订单行"), Kind.COUNT, gettext("期间里卖出的订单行。涉及几个村，在各村各计一次，合计只计一次。"), Figure.SOLD
        ),
        Column("units", gettext("件数"), Kind.COUNT, gettext("期间里卖出的件数，计法同订单行。"), Figure.SOLD),
        Column("weight_grams", gettext("重量（kg）"), Kind.WEIGHT, gettext("期间里卖出的净重，按批次来源分到各村。"), Figure.SOLD),
        Column("gross_fen", gettext("销售额（元）"), Kind.MONEY, gettext("卖出时的货款：价格减优惠，含税，不含运费。"), Figure.SOLD),
        Column("refunds_fen", gettext("退款（元）"), Kind.MONEY, gettext("退回的货款；退款没有退成、又记回来的不算。"), Figure.REFUNDS),
        Column("net_fen", gettext("净额（元）"), Kind.MONEY, gettext("销售额减退款。"), Figure.NET),
    ]


def count_columns() -> list[Column]:
    """Orders and buyers."""
    return [
        Column("orders", gettext("订单"), Kind.COUNT, gettext("期间里有卖出的订单，各计一次。"), Figure.SOLD),
        Column("buyers", gettext("买家"), Kind.COUNT, gettext("这些订单背后的人和单位，各计一次。"), Figure.SOLD),
    ]


def measure_cells(measures: Measures) -> list[Cell]:
    """Under `measure_columns`."""
    return [*measures.as_json().values()]


def sales_part(
    name: str, title: str, report: Sales, *, held: Mapping[str, str] | None = None, note: str = "", with_codes: bool = True
) -> Part:
    """A report of sales as a table; its figures open their lines."""
    held = held or {}
    columns = dimension_columns(report.by)
    counts = count_columns() if report.counts else []
    lines = [
        Line(
            (
                *label_cells(row.labels),
                *((row.counts.orders, row.counts.buyers) if row.counts else ()),
                *measure_cells(row.measures),
            ),
            {**held, **dict(zip(report.by, row.keys, strict=True))},
        )
        for row in report.rows
    ]
    of_total = (report.counts.orders, report.counts.buyers) if report.counts else ()
    first = [None, gettext("合计"), *[None] * (len(columns) - 2)] if columns else []
    total = Line((*first, *of_total, *measure_cells(report.total)), held)
    part = Part(name, title, (*columns, *counts, *measure_columns()), tuple(lines), total, note)
    return part if with_codes else without_codes(part)


def without_codes(part: Part) -> Part:
    """The same table for people."""
    kept = [place for place, column in enumerate(part.columns) if not column.is_code]

    def fewer(line: Line) -> Line:
        return Line(tuple(line.cells[place] for place in kept), line.only, line.href)

    total = fewer(part.total) if part.total else None
    return Part(part.name, part.title, tuple(part.columns[place] for place in kept), tuple(map(fewer, part.lines)), total, part.note)
