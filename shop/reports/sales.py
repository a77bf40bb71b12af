"""Sales by anything: which village's goods, sold when, to whom, for how much, and what came back (DESIGN §6).

Law: one statement reads a report's rows and its total together, from a roll-up and the attributions that it does not hold yet, or from the
attributions alone; the figures are the same. Fen and grams add up; lines and units count whole in every row they touch, so rows may exceed the
total, which is distinct 去重.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    Row,
    Select,
    SQLColumnExpression,
    String,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    distinct,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from shop.extensions import db, dialect
from shop.kit.ids import LineId
from shop.kit.sheets import csv_file
from shop.ledger.models import Attribution, Unfolded
from shop.orders.models import Channel, Order, OrderLine
from shop.reports.dimensions import DIMENSIONS, NOTHING, Dimension, Join, Key, Label
from shop.reports.folding import follows_sql
from shop.reports.models import GoodsRollup
from shop.reports.rolled import FIGURES, Held, Rolled, corrected_lines, plan, rolled_labels, rolled_rows, rolled_sums
from shop.reports.rollups import GOODS, GRAINS_OF, Span, spans
from shop.stock.models import Pick

MOST_DIMENSIONS = 2
LINES_A_PAGE = 50

Query = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]
"""Of any columns: which ones depends on the dimensions."""


class Dates(StrEnum):
    """Which day of a posting counts."""

    POSTED = "posted"
    """When it was booked: a refund lowers the period it is booked in. What closed periods are about."""
    SOLD = "sold"
    """When the line was sold: a refund lowers the period of its sale."""


@dataclass(frozen=True)
class Measures:
    """The figures of a report's row."""

    lines: int
    """Order lines sold in it, distinct."""
    units: int
    """Units of the picks sold in it, each pick whole and once."""
    weight_grams: int
    gross_fen: int
    refunds_fen: int
    """Goods refunded, nought or positive; a failed refund booked back no longer counts."""

    def __add__(self, other: "Measures") -> "Measures":
        """Of what has no order line in common."""
        return Measures(
            self.lines + other.lines,
            self.units + other.units,
            self.weight_grams + other.weight_grams,
            self.gross_fen + other.gross_fen,
            self.refunds_fen + other.refunds_fen,
        )

    @property
    def net_fen(self) -> int:
        """What is left: gross − refunds."""
        return self.gross_fen - self.refunds_fen

    def as_json(self) -> dict[str, int]:
        """The columns of JSON and CSV, in their order."""
        return {
            "lines": self.lines,
            "units": self.units,
            "weight_grams": self.weight_grams,
            "gross_fen": self.gross_fen,
            "refunds_fen": self.refunds_fen,
            "net_fen": self.net_fen,
        }


NO_SALES = Measures(0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Counts:
    """Who bought: exact distinct counts, which only the lines know."""

    orders: int
    """Orders with a line sold in it, each once."""
    buyers: int
    """People and firms behind them, each once: by their account, else their telephone, else their e-mail. A sale without any has no buyer."""

    def as_json(self) -> dict[str, int]:
        """The columns of JSON and CSV, before those of `Measures`."""
        return {"orders": self.orders, "buyers": self.buyers}


@dataclass(frozen=True)
class SalesRow:
    """One row: a value of each dimension, and its figures."""

    labels: tuple[Label, ...]
    measures: Measures
    counts: Counts | None = None
    """Where they were asked for."""

    @property
    def keys(self) -> tuple[str, ...]:
        """What tells it apart from other rows."""
        return tuple(label.key for label in self.labels)


@dataclass(frozen=True)
class Sales:
    """A report."""

    by: tuple[str, ...]
    since: date
    until: date
    """Inclusive."""
    rows: tuple[SalesRow, ...]
    total: Measures
    counts: Counts | None = None
    """Of the total, where they were asked for."""

    def as_json(self) -> dict[str, object]:
        """The document of DESIGN §8: `flask reports sales --format json` and the page's download."""
        return {
            "by": list(self.by),
            "from": self.since.isoformat(),
            "to": self.until.isoformat(),
            "rows": [_words_of(self.by, row.labels) | _figures_of(row.counts, row.measures) for row in self.rows],
            "total": _figures_of(self.counts, self.total),
        }

    def as_table(self) -> tuple[list[str], list[list[str | int | None]]]:
        """Header and rows of a file: the same columns as JSON. Rows only, so that a sum over a column is never taken twice."""
        header = [column for name in self.by for column in (f"{name}_code", name)] + list(_figures_of(self.counts, NO_SALES))
        rows = [[*_words_of(self.by, row.labels).values(), *_figures_of(row.counts, row.measures).values()] for row in self.rows]
        return header, rows

    def as_csv(self) -> bytes:
        """`as_table` as CSV."""
        return csv_file(*self.as_table())


def _figures_of(counts: Counts | None, measures: Measures) -> dict[str, int]:
    return (counts.as_json() if counts else {}) | measures.as_json()


def _words_of(by: Sequence[str], labels: Iterable[Label]) -> dict[str, str | None]:
    words: dict[str, str | None] = {}
    for name, label in zip(by, labels, strict=True):
        words |= {f"{name}_code": label.code, name: label.name}
    return words


# ── The report ────────────────────────────────────────────────────────────────────────────────────────────────────────


def sales(
    by: Sequence[str],
    since: date,
    until: date,
    *,
    dates: Dates = Dates.POSTED,
    only: Mapping[str, str] | None = None,
    with_counts: bool = False,
) -> Sales:
    """Sales from `since` to `until`, inclusive business days, grouped by none, one or two dimensions, `only` those with the given values.

    `by` and the names in `only` are keys of `DIMENSIONS`; the values of `only` are as in addresses. Rows: time runs forward, anything else
    from the largest net to the smallest. `with_counts` also counts orders and buyers, for which all lines of the period are read. Raises ValueError
    for a value that no key can be.
    """
    assert len(by) <= MOST_DIMENSIONS and len(set(by)) == len(by), "at most two dimensions, not the same twice"
    grouped = [DIMENSIONS[name] for name in by]
    held = _held(only or {})
    rolled = None if with_counts else plan(grouped, [dimension for dimension, _key in held])
    found = _from_rollup(rolled, grouped, held, since, until, dates) if rolled else None
    rows, of_all = found or _from_lines(grouped, held, since, until, dates, with_counts=with_counts)
    return Sales(tuple(by), since, until, tuple(_in_order(grouped, rows)), of_all.measures, of_all.counts)


def reads_lines(by: Sequence[str], only: Iterable[str]) -> bool:
    """Whether no roll-up answers this question, so that all lines of the period are read."""
    return plan([DIMENSIONS[name] for name in by], [DIMENSIONS[name] for name in only]) is None


def booked_rows(since: date, until: date, dates: Dates) -> int:
    """About how much there is to read in a period: its attributions, as the roll-ups count them."""
    spanned = [
        and_(GoodsRollup.grain == span.number, GoodsRollup.day.between(span.since, span.until))
        for span in spans(GRAINS_OF[GOODS][0], since, until, by_month=True)
    ]
    rows = GoodsRollup.posted_rows if dates is Dates.POSTED else GoodsRollup.sold_rows
    folded = select(func.coalesce(func.sum(rows), 0)).where(or_(*spanned)).scalar_subquery()
    unfolded = select(func.count()).select_from(Unfolded).scalar_subquery()
    return int(db.session.execute(select(folded + unfolded)).scalar_one())


Figures = tuple[list[SalesRow], SalesRow]
"""Rows, and the total."""
Day = date | BindParameter[date]


def _held(only: Mapping[str, str]) -> list[Held]:
    return [(DIMENSIONS[name], DIMENSIONS[name].key_of(text)) for name, text in only.items()]


def _from_lines(
    grouped: Sequence[Dimension], held: Sequence[Held], since: date, until: date, dates: Dates, *, with_counts: bool = False
) -> Figures:
    """From all attributions of the period: for whatever no roll-up holds."""
    by_row, of_all = _line_queries(_booked(grouped, held, since, until, dates), len(grouped), with_counts=with_counts)
    found = db.session.execute(union_all(by_row.add_columns(literal(0).label("is_total")), of_all.add_columns(literal(1)))).all()
    read = _LabelReader(grouped)

    def read_row(row: Found, labels: tuple[Label, ...]) -> SalesRow:
        return SalesRow(labels, _figures(row), Counts(row.orders, row.buyers) if with_counts else None)

    return [read_row(row, read(row)) for row in found if not row.is_total], next(read_row(row, ()) for row in found if row.is_total)


def _line_queries(booked: CTE, dimensions: int, *, with_counts: bool = False) -> tuple[Query, Query]:
    """The rows of a report and its total, from attributions; columns as in `rolled_rows`, up to the measures, and then orders and buyers."""
    picked = _picked(booked, dimensions)
    keys, named = _keys(picked, dimensions), _named(picked, dimensions)
    once = _once(picked)
    by_row = _joined_to_picks(select(*named, *_measures(picked)).group_by(*keys), picked)
    of_all = _joined_to_picks(select(*(null() for _ in named), *_measures(once)), once)
    return (_counting(by_row, picked), _counting(of_all, once)) if with_counts else (by_row, of_all)


def _counting(query: Query, picked: CTE) -> Query:
    """With the distinct counts of what was sold."""
    order = aliased(Order)
    buyer = case(
        (order.buyer_id.is_not(None), literal_column("'u'") + cast(order.buyer_id, String)),
        (order.phone != "", literal_column("'p'") + order.phone),
        else_=literal_column("'e'") + order.email,
    )
    is_sold = picked.c.is_sold == 1
    counts = [func.count(distinct(case((is_sold, what)))) for what in (picked.c.order_id, buyer)]
    query = query.join(order, order.id == picked.c.order_id)
    return query.add_columns(*(count.label(name) for count, name in zip(counts, ("orders", "buyers"), strict=True)))


class _Part(IntEnum):
    """What a row of the statement says."""

    FIGURES = 0
    """Of one value of the dimensions: from the roll-up and from what it does not hold yet."""
    CORRECTED = 1
    """Lines and units that corrections moved, as only the lines know them."""
    CORRECTED_TOTAL = 2
    STATE = 3
    """Whether the roll-up may be asked at all, and whether anything was corrected in the period."""
    LABELS = 4
    """Words of the first dimension's keys; one more, of the second's."""


def _from_rollup(
    rolled: Rolled, grouped: Sequence[Dimension], held: Sequence[Held], since: date, until: date, dates: Dates
) -> Figures | None:
    """From a roll-up and, in the same statement, from the entries that it does not hold yet: a line's sale is in the one or in the other.

    None if the roll-up was folded by other towns or pairings than today's: then only the lines know, until it is made anew. If a lot's correction moved
    anything in the period, another statement asks again: what it did to lines and units is read from the lines that it touched, all else from the roll-up.
    """
    periods = tuple(spans(rolled.grain, since, until, by_month=rolled.by_month))
    names, numbers = tuple(dimension.name for dimension in grouped), tuple(span.number for span in periods)
    given = _given(periods, held, since, until)
    for is_corrected in (False, True):
        statement = _rollup_statement(dialect(), names, _names_of(held), rolled, dates, numbers, is_corrected)
        found = db.session.execute(statement, given).all()
        state = next(row for row in found if row[0] == _Part.STATE)
        if not state.lines:
            return None
        if is_corrected or not state.units:
            break
    return _read(grouped, found)


def _names_of(held: Sequence[Held]) -> tuple[tuple[str, bool], ...]:
    """Which dimensions are held to a value, and whether it is none."""
    return tuple((dimension.name, value is None) for dimension, value in held)


def _held_parameters(names: tuple[tuple[str, bool], ...]) -> list[Held]:
    return [(DIMENSIONS[name], None if is_none else bindparam(f"held_{place}")) for place, (name, is_none) in enumerate(names)]


def _given(periods: Sequence[Span], held: Sequence[Held], since: date, until: date) -> dict[str, object]:
    """The parameters of a statement that is made once."""
    given: dict[str, object] = {"since": since, "until": until}
    for place, span in enumerate(periods):
        given |= {f"since_{place}": span.since, f"until_{place}": span.until}
    return given | {f"held_{place}": value for place, (_dimension, value) in enumerate(held) if value is not None}


@lru_cache(maxsize=500)
def _rollup_statement(
    kind: str,
    names: tuple[str, ...],
    held_names: tuple[tuple[str, bool], ...],
    rolled: Rolled,
    dates: Dates,
    numbers: tuple[int, ...],
    is_corrected: bool,
) -> CompoundSelect[*tuple[Any, ...]]:
    """Made once for each question: making it takes longer than asking it. Days and values are its parameters.

    Constants are written into it, for psycopg takes a statement of more than 4,096 characters or 50 parameters apart again each time.
    """
    grouped, held = [DIMENSIONS[name] for name in names], _held_parameters(held_names)
    sums = rolled_sums(rolled, grouped, held, numbers, dates.value, is_corrected=is_corrected)
    keys, words, rest = [null()] * len(grouped), [null()] * (len(_WORDS) - 1), [null()] * (len(FIGURES) - 2)

    def row(part: int, *columns: Any) -> Query:  # Any: of many types
        return select(literal_column(str(part)).label("part"), *columns)

    figures = rolled_rows(sums, grouped)
    labelled = [column.label(name) for column, name in zip(words, _WORDS[1:], strict=True)]
    by_name = list(figures.selected_columns)
    parts: list[Query] = [
        figures.with_only_columns(
            literal_column(str(_Part.FIGURES.value)).label("part"), *by_name[: len(grouped)], *labelled, *by_name[len(grouped) :]
        ),
        row(_Part.STATE, *keys, *words, _may_ask_rollup(kind, rolled), _has_corrections(dates), *rest),
    ]
    for place, dimension in enumerate(grouped):
        if dimension.words:
            key, *its_words = rolled_labels(sums, place, dimension).selected_columns
            keyed = [key if other == place else null() for other in range(len(grouped))]
            query = rolled_labels(sums, place, dimension)
            its_part: ColumnElement[Any] = literal_column(str(_Part.LABELS + place))
            parts.append(query.with_only_columns(its_part, *keyed, *its_words, null(), null(), *rest))
    if is_corrected:
        since, until = bindparam("since", type_=Date), bindparam("until", type_=Date)
        lines = corrected_lines(dates.value).cte("corrected")
        by_row, of_all = _line_queries(_booked(grouped, held, since, until, dates, only_lines=lines), len(grouped))
        for part, query in ((_Part.CORRECTED, by_row), (_Part.CORRECTED_TOTAL, of_all)):
            found = query.subquery()
            named = keys if part is _Part.CORRECTED_TOTAL else [found.c[f"key_{place}"] for place in range(len(grouped))]
            parts.append(row(part, *named, *words, found.c.lines, found.c.units, *rest))
    return union_all(*parts)


_IS_CORRECTION, _IS_REFUND = text("attributions.is_correction"), text("attributions.is_refund")
"""In the words of the partial indexes: SQLite takes one only if a condition says the same, letter by letter."""


def _may_ask_rollup(kind: str, rolled: Rolled) -> ColumnElement[int]:
    """1, or 0 if only the lines know: see `_from_rollup`."""
    return literal_column(follows_sql(kind) if rolled.needs_register else "1", Integer)


def _has_corrections(dates: Dates) -> ColumnElement[int]:
    """1 if a lot's correction moved anything in the period."""
    day = Attribution.business_day if dates is Dates.POSTED else Attribution.sold_on
    is_corrected = exists().where(_IS_CORRECTION, day.between(bindparam("since", type_=Date), bindparam("until", type_=Date)))
    return case((is_corrected, literal_column("1")), else_=literal_column("0"))


def _read(grouped: Sequence[Dimension], found: Sequence[Found]) -> Figures:
    """Rows and total. By place, not by name: reports of tens of thousands of rows pass through here."""
    keys, first = len(grouped), 1 + len(grouped) + len(_WORDS) - 1
    labels: list[dict[Key, Label]] = [{None: NOTHING} for _ in grouped]
    moved: dict[tuple[Key, ...], tuple[int, int]] = {}
    total_moved = (0, 0)
    for row in found:
        part = row[0]
        if part >= _Part.LABELS:
            place = part - _Part.LABELS
            key = row[1 + place]
            labels[place][key] = grouped[place].label_of(key, *row[1 + keys : first])
        elif part == _Part.CORRECTED:
            moved[tuple(row[1 : 1 + keys])] = row[first], row[first + 1]
        elif part == _Part.CORRECTED_TOTAL:
            total_moved = row[first], row[first + 1]
    of_all = [0] * len(_ADDED_UP)
    rows = []
    for row in found:
        if row[0] != _Part.FIGURES or not row[first + 5]:
            continue
        lines, units, weight_grams, gross_fen, refunds_fen, _rows, total_lines, total_units = row[first:]
        of_all = [
            of_all[0] + total_lines,
            of_all[1] + total_units,
            of_all[2] + weight_grams,
            of_all[3] + gross_fen,
            of_all[4] + refunds_fen,
        ]
        key_of = row[1 : 1 + keys]
        if moved:
            more_lines, more_units = moved.get(tuple(key_of), (0, 0))
            lines, units = lines + more_lines, units + more_units
        named = []
        for place, key in enumerate(key_of):
            label = labels[place].get(key)
            if label is None:
                label = labels[place][key] = grouped[place].label_of(key)
            named.append(label)
        rows.append(SalesRow(tuple(named), Measures(lines, units, weight_grams, gross_fen, refunds_fen)))
    total = Measures(of_all[0] + total_moved[0], of_all[1] + total_moved[1], *of_all[2:])
    return (rows if grouped else [SalesRow((), total)]), SalesRow((), total)


class _LabelReader:
    """The labels of rows whose first columns are the words of each dimension; each label is made once."""

    def __init__(self, grouped: Sequence[Dimension]) -> None:
        self._dimensions: list[tuple[Dimension, int, dict[Key, Label]]] = [
            (dimension, 4 * place, {}) for place, dimension in enumerate(grouped)
        ]

    def __call__(self, row: Found) -> tuple[Label, ...]:
        labels = []
        for dimension, first, known in self._dimensions:
            key = row[first]
            if key not in known:
                known[key] = dimension.label_of(*row[first : first + len(_WORDS)])
            labels.append(known[key])
        return tuple(labels)


_WORDS = ("key", "code", "name", "name_en")


def _column_names(place: int) -> tuple[str, ...]:
    return tuple(f"{word}_{place}" for word in _WORDS)


def _keys(table: CTE, dimensions: int) -> list[SQLColumnExpression[Any]]:  # keys are of many types
    return [table.c[f"key_{place}"] for place in range(dimensions)]


def _named(table: CTE, dimensions: int) -> list[SQLColumnExpression[Any]]:  # keys are of many types
    """Keys and their words, for a statement that groups by keys. A key has one set of words, so any of them will do: the largest."""
    columns: list[SQLColumnExpression[Any]] = []  # keys are of many types
    for name in (name for place in range(dimensions) for name in _column_names(place)):
        columns.append(table.c[name] if name.startswith("key") else func.max(table.c[name]).label(name))
    return columns


def _booked(
    grouped: Sequence[Dimension],
    held: Sequence[Held],
    since: Day,
    until: Day,
    dates: Dates,
    *,
    only_lines: CTE | None = None,
) -> CTE:
    """The attributions of the period, or those of some lines, each with the key and the words of every dimension."""
    day: SQLColumnExpression[date] = Attribution.business_day if dates is Dates.POSTED else Attribution.sold_on
    columns: list[SQLColumnExpression[Any]] = []  # keys are of many types
    for place, dimension in enumerate(grouped):
        words = dimension.words or (null(), null(), null())
        expressions = (dimension.key(day), *words)
        columns += [expression.label(name) for name, expression in zip(_column_names(place), expressions, strict=True)]
    query = select(
        *columns,
        Attribution.order_id,
        Attribution.line_id,
        Attribution.pick_id,
        Attribution.village_id,
        Attribution.is_refund,
        Attribution.is_correction,
        Attribution.pick_change,
        Attribution.amount_fen,
        Attribution.grams,
    ).where(day.between(since, until))
    query = _with_joins(query, [*grouped, *(dimension for dimension, _key in held)])
    if only_lines is not None:
        query = query.join(only_lines, only_lines.c.line_id == Attribution.line_id)
    return query.where(*_holding(held, day)).cte("booked" if only_lines is None else "booked_of_page")


def _with_joins(query: Query, dimensions: Iterable[Dimension]) -> Query:
    """The query with every table that a dimension reads, each once, after those that its own condition speaks of."""
    done: list[Join] = []

    def add(join: Join) -> None:
        nonlocal query
        for earlier in join.after:
            add(earlier)
        if all(join is not known for known in done):
            query = query.join(join.target, join.on, isouter=join.is_outer)
            done.append(join)

    query = query.select_from(Attribution)
    for dimension in dimensions:
        for join in dimension.joins:
            add(join)
    return query


def _picked(booked: CTE, dimensions: int) -> CTE:
    """Per pick and value of the dimensions: the sums, and whether it was sold in the period (it may only have been refunded in it).

    Kept by the database instead of computed twice, for the rows and for the total (SQLite 3.35, PostgreSQL 12).
    """
    is_sale = booked.c.is_refund.is_(False)
    whose = (booked.c.order_id, booked.c.line_id, booked.c.pick_id)
    query = select(
        *_named(booked, dimensions),
        *whose,
        func.sum(booked.c.grams).label("grams"),
        func.sum(case((is_sale, booked.c.amount_fen), else_=0)).label("gross_fen"),
        func.sum(case((is_sale, 0), else_=-booked.c.amount_fen)).label("refunds_fen"),
        _is_sold(booked).label("is_sold"),
        func.max(case((is_sale, 0), else_=1)).label("is_refunded"),
        func.max(case((booked.c.is_correction, 1), else_=0)).label("is_corrected"),
        func.max(case((and_(is_sale, booked.c.is_correction.is_(False)), 1), else_=0)).label("has_sale"),
    )
    return query.group_by(*_keys(booked, dimensions), *whose).cte(booked.name.replace("booked", "picked")).prefix_with("MATERIALIZED")


def _is_sold(booked: CTE) -> SQLColumnExpression[int]:
    """Of a pick, under one value of the dimensions: 1 if it was sold in the period, −1 if a correction took it away from there, else 0.

    With its sale in the period it counts where villages of this value still have a part of it. If only corrections are in the period, a value of one
    village gains or loses the pick as that village does; one of several (a town, the product) only if all its villages do.
    """
    is_own = and_(booked.c.is_refund.is_(False), booked.c.is_correction.is_(False))
    sales = func.sum(case((is_own, 1), else_=0))
    corrections = func.sum(case((and_(booked.c.is_correction, booked.c.is_refund.is_(False)), 1), else_=0))
    change = func.sum(booked.c.pick_change)
    gains, losses = (func.sum(case((booked.c.pick_change == sign, 1), else_=0)) for sign in (1, -1))
    villages = func.count(distinct(booked.c.village_id))
    stays = and_(villages > 1, corrections > func.abs(change))  # somebody of this value had a part before, and has one after
    return case(
        (corrections == 0, case((sales > 0, 1), else_=0)),
        (sales > 0, case((sales + change > 0, 1), else_=0)),
        (stays, 0),
        (gains > losses, 1),
        (losses > gains, -1),
        else_=0,
    )


def _once(picked: CTE) -> CTE:
    """Every pick once, whatever values it has."""
    sums = (func.sum(picked.c[name]).label(name) for name in ("grams", "gross_fen", "refunds_fen"))
    most, least = func.max(picked.c.is_sold), func.min(picked.c.is_sold)
    # Without its sale in the period: one value gained the pick and another lost it, so together they have it as before.
    is_sold = case((func.max(picked.c.has_sale) == 1, most), (most == least, most), else_=0)
    whose = (picked.c.order_id, picked.c.line_id, picked.c.pick_id)
    return select(*whose, *sums, is_sold.label("is_sold")).group_by(*whose).cte("once")


def _measures(picked: CTE) -> list[SQLColumnExpression[Any]]:  # PostgreSQL sums bigints into numerics
    is_sold = picked.c.is_sold == 1
    return [
        func.count(distinct(case((is_sold, picked.c.line_id)))).label("lines"),
        _whole(func.coalesce(func.sum(picked.c.is_sold * Pick.units), 0)).label("units"),
        _whole(func.coalesce(func.sum(picked.c.grams), 0)).label("weight_grams"),
        _whole(func.coalesce(func.sum(picked.c.gross_fen), 0)).label("gross_fen"),
        _whole(func.coalesce(func.sum(picked.c.refunds_fen), 0)).label("refunds_fen"),
    ]


def _whole(column: ColumnElement[Any]) -> ColumnElement[int]:
    """PostgreSQL sums bigints into numerics, which are slow to read."""
    return cast(column, BigInteger)


def _joined_to_picks(query: Query, picked: CTE) -> Query:
    return query.select_from(picked).join(Pick, Pick.id == picked.c.pick_id)


def _labels(grouped: Sequence[Dimension], row: Found) -> tuple[Label, ...]:
    return tuple(dimension.label_of(*(getattr(row, name) for name in _column_names(place))) for place, dimension in enumerate(grouped))


def _figures(row: Found) -> Measures:
    return Measures(int(row.lines), int(row.units), int(row.weight_grams), int(row.gross_fen), int(row.refunds_fen))


def _in_order(grouped: Sequence[Dimension], rows: list[SalesRow]) -> list[SalesRow]:
    """Time forward, anything else by its net over all rows that share it, largest first; the value that is none stands last."""
    nets: list[dict[str, int]] = [{} for _ in grouped]
    known: list[dict[str, Label]] = [{} for _ in grouped]
    for row in rows:
        net_fen = row.measures.gross_fen - row.measures.refunds_fen
        for net, seen, label in zip(nets, known, row.labels, strict=True):
            net[label.key] = net.get(label.key, 0) + net_fen
            seen[label.key] = label
    ranks: list[dict[str, int]] = []
    for dimension, net, seen in zip(grouped, nets, known, strict=True):

        def rank(label: Label, dimension: Dimension = dimension, net: dict[str, int] = net) -> tuple[bool, int, str, str]:
            return (label.name is None, 0 if dimension.is_time else -net[label.key], label.code or "", label.key)

        ranks.append({label.key: place for place, label in enumerate(sorted(seen.values(), key=rank))})
    return sorted(rows, key=lambda row: [of[label.key] for of, label in zip(ranks, row.labels, strict=True)])


# ── The lines behind a figure ─────────────────────────────────────────────────────────────────────────────────────────


class Figure(StrEnum):
    """Which figure of a row is opened."""

    NET = "net"
    """Every line that was sold or refunded in it."""
    SOLD = "sold"
    """Lines, units, weight and gross: what was sold in it."""
    REFUNDS = "refunds"
    """What was refunded in it."""


@dataclass(frozen=True)
class LineBehind:
    """What one order line adds to the figure."""

    line_id: LineId
    order_number: str
    channel: Channel
    sold_on: date | None
    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    unit_word: str
    quantity: int
    """Of the whole line; the part in the figure is in `measures`."""
    measures: Measures
    is_corrected: bool = False
    """Whether a correction of a lot moved something of it."""


@dataclass(frozen=True)
class LinesBehind:
    """A page of them, and what all of them sum to."""

    labels: tuple[Label, ...]
    """What each of `only` is called; empty when there are no lines."""
    rows: tuple[LineBehind, ...]
    count: int
    total: Measures
    page: int
    pages: int

    @property
    def of_page(self) -> Measures:
        """What the lines of this page sum to."""
        return Measures(*(sum(getattr(row.measures, name) for row in self.rows) for name in _ADDED_UP))


def lines_behind(
    only: Mapping[str, str],
    since: date,
    until: date,
    *,
    figure: Figure = Figure.NET,
    dates: Dates = Dates.POSTED,
    page: int = 1,
    page_size: int = LINES_A_PAGE,
) -> LinesBehind:
    """The order lines that make a figure of `sales(…)`, latest sale first. `total` is over all pages and is that figure, to the fen.

    `only` gives the value of each dimension of the figure's row, as in `sales`. A page beyond the last is the last. Raises ValueError.
    """
    named = [DIMENSIONS[name] for name in only]
    held = _held(only)
    page = min(max(1, page), _MOST_PAGES)
    rolled = plan((), named) if figure is not Figure.REFUNDS else None
    found = _page_beside_rollup(rolled, held, since, until, figure, dates, page, page_size) if rolled else None
    if found is None:
        query = _lines_query(_booked(named, held, since, until, dates), len(named), figure)
        found = db.session.execute(query.limit(page_size).offset((page - 1) * page_size)).all()
    if not found and page > 1:
        last = lines_behind(only, since, until, figure=figure, dates=dates, page_size=page_size).pages
        return lines_behind(only, since, until, figure=figure, dates=dates, page=last, page_size=page_size)
    if not found:
        return LinesBehind((), (), 0, NO_SALES, 1, 1)
    first = found[0]
    return LinesBehind(
        labels=_labels(named, first),
        rows=tuple(_line_behind(row) for row in found),
        count=first.all_rows,
        total=Measures(*(int(getattr(first, f"all_{name}")) for name in _ADDED_UP)),
        page=page,
        pages=-(-first.all_rows // page_size),
    )


def _page_beside_rollup(
    rolled: Rolled, held: Sequence[Held], since: date, until: date, figure: Figure, dates: Dates, page: int, page_size: int
) -> Sequence[Found] | None:
    """The same rows as `_lines_query` makes, but only the lines of the page are looked at: what all of them sum to is in the roll-up.

    None if it is not (see `_from_rollup`).
    """
    periods = tuple(spans(rolled.grain, since, until, by_month=rolled.by_month))
    statement = _page_statement(
        dialect(), _names_of(held), rolled, dates, figure, tuple(span.number for span in periods), page_size, (page - 1) * page_size
    )
    found = db.session.execute(statement, _given(periods, held, since, until)).all()
    if not found[0].follows:
        return None
    return found if found[0].id is not None else []


@lru_cache(maxsize=500)
def _page_statement(
    kind: str,
    held_names: tuple[tuple[str, bool], ...],
    rolled: Rolled,
    dates: Dates,
    figure: Figure,
    numbers: tuple[int, ...],
    limit: int,
    offset: int,
) -> Query:
    held, since, until = _held_parameters(held_names), bindparam("since", type_=Date), bindparam("until", type_=Date)
    named = [dimension for dimension, _value in held]
    total = _rolled_total(kind, held, rolled, dates, figure, numbers)
    page = _page_of_lines(kind, held, dates, figure).limit(limit).offset(offset).cte("page").prefix_with("MATERIALIZED")
    booked = _booked(named, held, since, until, dates, only_lines=page)
    line = _lines_query(booked, len(named), Figure.NET).subquery("line_row")
    sums = {"all_rows": "rows"} | {f"all_{name}": name for name in _ADDED_UP}
    columns = [column for column in line.c if column.name not in sums]
    return (
        select(*columns, *(total.c[name].label(label) for label, name in sums.items()), total.c.follows)
        .select_from(total.outerjoin(line, true()))
        .order_by(line.c.sold_on.desc(), line.c.id.desc())
    )


def _page_of_lines(kind: str, held: Sequence[Held], dates: Dates, figure: Figure) -> Query:
    """Line ids, the latest sale first, by the index of the days of sale: the database stops when the page is full."""
    since, until = bindparam("since", type_=Date), bindparam("until", type_=Date)
    day = Attribution.business_day if dates is Dates.POSTED else Attribution.sold_on
    query = _with_joins(select(Attribution.sold_on, Attribution.line_id), [dimension for dimension, _value in held])
    booked_on: SQLColumnExpression[date] = day
    if kind == "sqlite" and dates is Dates.POSTED:
        booked_on = literal_column(
            "+attributions.business_day", Date
        )  # the sign keeps SQLite from the index of this day, by which it would have to sort
    query = query.where(booked_on.between(since, until), Attribution.sold_on <= until)  # nothing is booked before it is sold
    if figure is Figure.SOLD:
        query = query.where(Attribution.is_refund.is_(False), Attribution.sold_on >= since)
    query = query.where(*_holding(held, day))
    return query.group_by(Attribution.sold_on, Attribution.line_id).order_by(Attribution.sold_on.desc(), Attribution.line_id.desc())


def _rolled_total(kind: str, held: Sequence[Held], rolled: Rolled, dates: Dates, figure: Figure, numbers: Sequence[int]) -> Subquery:
    """The figure itself, how many lines make it, and whether the roll-up may be asked."""
    rows = rolled_rows(rolled_sums(rolled, (), held, numbers, dates.value), ()).subquery("rows")
    sums: dict[str, ColumnElement[Any]] = {name: func.coalesce(rows.c[name], 0) for name in _ADDED_UP}
    count = sums["lines"]
    if dates is Dates.POSTED:
        earlier = _refunded_only(held)
        if figure is Figure.NET:
            count = count + select(earlier.c.lines).scalar_subquery()
        else:
            sums["refunds_fen"] = sums["refunds_fen"] - select(earlier.c.fen).scalar_subquery()
    columns = (_whole(column).label(name) for name, column in sums.items())
    follows = case((_has_corrections(dates) == 1, 0), else_=_may_ask_rollup(kind, rolled))
    return select(_whole(count).label("rows"), *columns, follows.label("follows")).subquery("total")


def _refunded_only(held: Sequence[Held]) -> CTE:
    """Lines with a refund in the period (of the day, week, … that is held to) that were sold before: how many, and how much of them was refunded."""
    since, until = bindparam("since", type_=Date), bindparam("until", type_=Date)
    fen = func.coalesce(-func.sum(Attribution.amount_fen), 0)
    query = select(func.count(distinct(Attribution.line_id)).label("lines"), fen.label("fen"))
    query = _with_joins(query, [dimension for dimension, _value in held])
    other_times = (dimension.key(Attribution.sold_on) != value for dimension, value in held if dimension.is_time)
    is_sold_before = or_(Attribution.sold_on < since, *other_times)
    booked = (Attribution.business_day.between(since, until), is_sold_before, _IS_REFUND)
    return query.where(*booked, *_holding(held, Attribution.business_day)).cte("earlier")


def _holding(held: Sequence[Held], day: SQLColumnExpression[date]) -> list[ColumnElement[bool]]:
    keys = ((dimension.key(day), value) for dimension, value in held)
    return [key.is_(None) if value is None else key == value for key, value in keys]


def _line_behind(row: Found) -> LineBehind:
    return LineBehind(
        line_id=LineId(row.id),
        order_number=row.number,
        channel=row.channel,
        sold_on=row.sold_on,
        product_name=row.product_name,
        product_name_en=row.product_name_en,
        pack=row.pack,
        pack_en=row.pack_en,
        unit_word=row.unit_word,
        quantity=row.quantity,
        measures=_figures(row),
        is_corrected=bool(row.is_corrected),
    )


_ADDED_UP = ("lines", "units", "weight_grams", "gross_fen", "refunds_fen")
_MOST_PAGES = 1_000_000
"""Nobody turns so many; what an address may ask for stays within a database's integers."""


def _lines_query(booked: CTE, dimensions: int, figure: Figure) -> Query:
    """Lines with their part of the figure, and with the sums over all of them, so that both are of one moment."""
    picked = _picked(booked, dimensions)
    keys, named = _keys(picked, dimensions), _named(picked, dimensions)  # the same in every row: each dimension is held to one value
    is_corrected = func.max(picked.c.is_corrected).label("is_corrected")
    per_line = select(picked.c.order_id, picked.c.line_id, is_corrected, *named, *_measures(picked))
    per_line = per_line.group_by(picked.c.order_id, picked.c.line_id, *keys)
    if figure is not Figure.NET:
        flags = (picked.c.is_sold, picked.c.is_corrected) if figure is Figure.SOLD else (picked.c.is_refunded,)
        per_line = per_line.having(or_(*(func.max(flag) == 1 for flag in flags)))
    line = _joined_to_picks(per_line, picked).cte("line")
    return (
        select(
            OrderLine.id,
            Order.number,
            Order.channel,
            Order.sold_on,
            OrderLine.product_name,
            OrderLine.product_name_en,
            OrderLine.pack,
            OrderLine.pack_en,
            OrderLine.unit_word,
            OrderLine.quantity,
            line.c.is_corrected,
            *(line.c[name] for name in _ADDED_UP),
            *(line.c[name] for place in range(dimensions) for name in _column_names(place)),
            func.count().over().label("all_rows"),
            *(func.sum(line.c[name]).over().label(f"all_{name}") for name in _ADDED_UP),
        )
        .select_from(line)
        .join(OrderLine, OrderLine.id == line.c.line_id)
        .join(Order, Order.id == line.c.order_id)
        .order_by(Order.sold_on.desc(), OrderLine.id.desc())
    )
