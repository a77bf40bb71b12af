"""Reading a report from a roll-up: which one answers it, and the statement's part that reads it.

A dimension says once, in `dimensions.py`, what it reads of an attribution, its order and its line. Here the same words are said over a roll-up's columns;
a dimension that speaks of anything that no roll-up has is read from the attributions instead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Select,
    SQLColumnExpression,
    Table,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql import visitors

from shop.catalog.models import Sku
from shop.extensions import dialect, table_of
from shop.ledger.models import Attribution, Unfolded
from shop.orders.models import Order, OrderLine
from shop.origin.models import Town, Village
from shop.reports.dimensions import CREDITED_PAIRING, DIMENSIONS, Dimension, Join
from shop.reports.models import BuyersRollup, GoodsRollup
from shop.reports.rollups import BUYERS, GOODS, Grain, grain_for
from shop.stock.models import Pick

Expression = ColumnElement[Any]
"""Of any type: a dimension's keys are of many."""

_TABLES = {GOODS: table_of(GoodsRollup), BUYERS: table_of(BuyersRollup)}
_SAID_AS = {
    ("attributions", "village_id"): "village_id",
    ("attributions", "cooperative_id"): "cooperative_id",
    ("attributions", "is_accredited"): "accredited",
    ("orders", "channel"): "channel",
    ("orders", "district_code"): "district_code",
    ("orders", "eastern_unit_id"): "eastern_unit_id",
    ("order_lines", "sku_id"): "sku_id",
    ("order_lines", "product_id"): "sku_id",
}
"""What of the books is which column of a roll-up; a product by its SKU."""
_BOOKS = {"attributions", "orders", "order_lines", "picks", "lots", "entries"}
_SCOPE_OF = {"village": "in_village", "town": "in_town", "county": "in_county", "pairing": "in_pairing"}
"""Dimensions that a line can have several values of, and where a roll-up counts it once for each."""


@dataclass(frozen=True)
class Rolled:
    """How a report is read from a roll-up."""

    grain: Grain
    scope: str
    """How rows count lines and units: `in_village`, … , `at_all`."""
    total_scope: str
    """How the total counts them."""
    by_month: bool
    needs_register: bool
    """Whether it speaks of towns, counties or pairings, by which the roll-up was folded."""


def plan(grouped: Sequence[Dimension], wanted: Sequence[Dimension]) -> Rolled | None:
    """How a roll-up answers a report grouped by these dimensions and held to values of those; None if none does."""
    return _plan(tuple(dimension.name for dimension in grouped), tuple(dimension.name for dimension in wanted))


@cache
def _plan(grouped: tuple[str, ...], wanted: tuple[str, ...]) -> Rolled | None:
    dimensions = [DIMENSIONS[name] for name in (*grouped, *wanted)]
    columns: set[str] = set()
    for dimension in dimensions:
        said = _columns_of(dimension)
        if said is None:
            return None
        columns |= said
    grain, scope, total_scope = grain_for(columns), _scope({*grouped, *wanted}), _scope(set(wanted))
    if grain is None or scope is None or total_scope is None:
        return None
    by_month = not any(dimension.is_time and not dimension.is_of_months for dimension in dimensions)
    return Rolled(grain, scope, total_scope, by_month, not {*grouped, *wanted}.isdisjoint(("town", "county", "pairing")))


def _scope(names: set[str]) -> str | None:
    """The finest place: a village has one town and one county. A pairing is within one village, or goes by itself."""
    scopes = {_SCOPE_OF[name] for name in names if name in _SCOPE_OF}
    if "in_pairing" in scopes and scopes & {"in_town", "in_county"} and "in_village" not in scopes:
        return None
    return next((scope for scope in ("in_village", "in_pairing", "in_town", "in_county") if scope in scopes), "at_all")


# ── A dimension in the words of a roll-up ─────────────────────────────────────────────────────────────────────────────


def _columns_of(dimension: Dimension) -> set[str] | None:
    """The columns of a roll-up that it reads; None if it reads what no roll-up has."""
    if dimension.is_time:
        return set()
    found: set[str] = set()
    for element in _needed(dimension)[1]:
        for name in _books_of(element):
            if name is None:
                return None
            found.add(name)
    if "village_id" in found and dimension.name not in _SCOPE_OF:
        return None  # nobody has said how lines of several villages are counted under it
    return found


def _books_of(expression: Expression) -> set[str | None]:
    """Of the books' columns in an expression, the roll-ups' names; None for one that they do not have."""
    names: set[str | None] = set()

    def look(element: Any, **_: Any) -> Any:  # Any: as SQLAlchemy's visitors declare it
        if _is_credited(element):
            names.add("pairing_id")
            return element
        if (place := _place_of(element)) and place[0] in _BOOKS:
            names.add(_SAID_AS.get(place))
        return None

    visitors.replacement_traverse(expression, {}, look)
    return names


def _is_credited(part: object) -> bool:
    return part is CREDITED_PAIRING


def _place_of(part: object) -> tuple[str, str] | None:
    """Table and column, of a column of a table."""
    table = getattr(part, "table", None)
    name = getattr(table, "name", None)
    return (name, str(part.name)) if isinstance(name, str) and hasattr(part, "name") else None


def _needed(dimension: Dimension, *, only_keys: bool = False) -> tuple[list[Join], list[Expression]]:
    """The joins that its key and words speak of, in their order, and all expressions read. The books' own tables are not joined."""
    elements: list[Expression] = [_plain(dimension.key(_ANY_DAY)), *([] if only_keys else map(_plain, dimension.words))]
    joins: list[Join] = []
    tables = _tables_in(elements)
    for join in reversed(_in_order(dimension.joins)):
        if (name := table_of(join.target).name) in tables and name not in _BOOKS:
            joins.insert(0, join)
            elements.append(join.on)
            tables |= _tables_in([join.on])
    return joins, elements


_ANY_DAY: SQLColumnExpression[date] = bindparam("day", type_=Date)


def _plain(expression: Any) -> Expression:  # Any: an ORM attribute or an expression
    made = expression.__clause_element__() if hasattr(expression, "__clause_element__") else expression
    assert isinstance(made, ColumnElement)
    return made


def _in_order(joins: Iterable[Join]) -> list[Join]:
    found: list[Join] = []
    for join in joins:
        found += [earlier for earlier in _in_order(join.after) if all(earlier is not known for known in found)]
        if all(join is not known for known in found):
            found.append(join)
    return found


def _tables_in(elements: Iterable[Expression]) -> set[str]:
    names: set[str] = set()

    def look(element: Any, **_: Any) -> Any:  # Any: as SQLAlchemy's visitors declare it
        if _is_credited(element):
            return element
        if place := _place_of(element):
            names.add(place[0])
        return None

    for expression in elements:
        visitors.replacement_traverse(expression, {}, look)
    return names


def _place_of_product(expression: Expression) -> bool:
    """Whether it speaks of a line's product."""
    return "order_lines" in _tables_in([expression])


def _over(expression: Any, source: FromClause) -> Any:  # Any: what comes in goes out
    """The same expression over rows of a roll-up."""

    def say(element: Any, **_: Any) -> Any:  # Any: as SQLAlchemy's visitors declare it
        if _is_credited(element):
            return source.c.pairing_id
        place = _place_of(element)
        if place == ("order_lines", "product_id"):
            return table_of(Sku).c.product_id
        if place == ("orders", "channel"):
            return type_coerce(source.c.channel, table_of(Order).c.channel.type)
        return source.c[_SAID_AS[place]] if place and place[0] in _BOOKS else None

    return visitors.replacement_traverse(_plain(expression), {}, say)


# ── The statement's part ──────────────────────────────────────────────────────────────────────────────────────────────

Query = Select[*tuple[Any, ...]]
Held = tuple[Dimension, Any]
"""A dimension and the key it is held to (Any: each dimension has its own kind)."""

FIGURES = ("lines", "units", "weight_grams", "gross_fen", "refunds_fen", "rows", "total_lines", "total_units")
"""What is summed: the measures, how many attributions there are, and lines and units as the total counts them."""


def rolled_sums(
    rolled: Rolled, grouped: Sequence[Dimension], held: Sequence[Held], numbers: Sequence[int], prefix: str, *, is_corrected: bool = False
) -> CTE:
    """`sums`: the period by the columns of the roll-up that are asked about, from its rows and from the entries that it does not hold yet.

    `prefix` is `posted` or `sold`: which day of an attribution counts. `numbers` are those of the grains of each span (see `spans`), whose days are the
    parameters `since_0`, `until_0`, `since_1`, … ; the whole period is `since` to `until`. A correction's lines and units only the lines know: with
    `is_corrected` all lines that have one in the period are left out of what is counted.
    """
    columns = sorted(set().union(*(_columns_of(dimension) or () for dimension in (*grouped, *(dimension for dimension, _ in held)))))
    times = [(place, dimension) for place, dimension in enumerate(grouped) if dimension.is_time]
    parts = [_span(rolled, columns, times, held, span, number, prefix) for span, number in enumerate(numbers)]
    parts.append(_unfolded(rolled, columns, times, held, prefix))
    if is_corrected:
        parts.append(_corrected(rolled, columns, times, held, prefix))
    if not held:
        return union_all(*parts).cte("sums").prefix_with("MATERIALIZED")
    source = union_all(*parts).subquery("r")
    query = _joined(select(*source.c), (dimension for dimension, _key in held), source)
    for dimension, value in held:
        if not dimension.is_time:
            key = _over(dimension.key(_ANY_DAY), source)
            query = query.where(key.is_(None) if value is None else key == value)
    return query.cte("sums").prefix_with("MATERIALIZED")


def rolled_rows(sums: CTE, grouped: Sequence[Dimension]) -> Query:
    """Per value of the dimensions: key_0, … , and the figures."""
    keys = [_key(sums, place, dimension) for place, dimension in enumerate(grouped)]
    query = select(*(key.label(f"key_{place}") for place, key in enumerate(keys)), *(_sum(sums.c[name]).label(name) for name in FIGURES))
    query = _joined(query, grouped, sums, only_keys=True)
    return query.group_by(*keys) if keys else query


def rolled_labels(sums: CTE, place: int, dimension: Dimension) -> Query:
    """Key, code, name and English name of each value of a dimension, once. A key has one set of words, so any of them will do: the largest."""
    key = _key(sums, place, dimension)
    return _joined(select(key, *(func.max(_over(word, sums)) for word in dimension.words)), (dimension,), sums).group_by(key)


def _key(sums: CTE, place: int, dimension: Dimension) -> Expression:
    column: Expression = sums.c[f"time_{place}"] if dimension.is_time else _over(dimension.key(_ANY_DAY), sums)
    return column


def _sum(column: ColumnElement[Any]) -> ColumnElement[int]:
    """PostgreSQL sums bigints into numerics, which are slow to read."""
    return cast(func.sum(column), BigInteger)


Times = Sequence[tuple[int, Dimension]]


def _span(rolled: Rolled, columns: Sequence[str], times: Times, held: Sequence[Held], span: int, number: int, prefix: str) -> Query:
    """The grain's rows of a span, summed by the columns that are asked about: little is left to be joined with names."""
    table = _TABLES[rolled.grain.table]
    since, until = bindparam(f"since_{span}", type_=Date), bindparam(f"until_{span}", type_=Date)
    keys: list[Expression] = [table.c[name] for name in columns]
    steps: list[Expression] = [dimension.key(table.c.day).label(f"time_{place}") for place, dimension in times]
    query = select(*keys, *steps, *(_sum(column).label(name) for name, column in _measures(table, rolled, prefix).items()))
    query = query.where(and_(table.c.grain == literal_column(str(number)), table.c.day.between(since, until)))
    query = query.where(*(dimension.key(table.c.day) == value for dimension, value in held if dimension.is_time))
    return query.group_by(*keys, *(literal_column(step.name) for step in steps)) if columns or times else query


def _measures(table: Table, rolled: Rolled, prefix: str) -> dict[str, ColumnElement[int]]:
    names = (
        f"lines_{rolled.scope}",
        f"units_{rolled.scope}",
        f"{prefix}_grams",
        f"{prefix}_gross_fen",
        f"{prefix}_refunds_fen",
        f"{prefix}_rows",
        f"lines_{rolled.total_scope}",
        f"units_{rolled.total_scope}",
    )
    return {figure: table.c[name] for figure, name in zip(FIGURES, names, strict=True)}


# ── What is not folded yet, said as folding would ─────────────────────────────────────────────────────────────────────

_BOOKED: dict[str, Expression] = {
    "village_id": _plain(Attribution.village_id),
    "cooperative_id": _plain(Attribution.cooperative_id),
    "accredited": _plain(Attribution.is_accredited),
    "channel": _plain(Order.channel),
    "district_code": func.coalesce(Order.district_code, literal_column("''")),
    "eastern_unit_id": func.coalesce(Order.eastern_unit_id, literal_column("0")),
    "pairing_id": func.coalesce(CREDITED_PAIRING, literal_column("0")),
    "sku_id": _plain(OrderLine.sku_id),
}
"""A roll-up's columns in the words of the books."""
_PLACES: dict[str, Expression | None] = {
    "in_village": _plain(Attribution.village_id),
    "in_town": _plain(Village.town_id),
    "in_county": _plain(Town.county_code),
    "in_pairing": _BOOKED["pairing_id"],
    "at_all": None,
}
"""What a line counts once in, by scope."""


def _unfolded(rolled: Rolled, columns: Sequence[str], times: Times, held: Sequence[Held], prefix: str) -> Query:
    booked = _attributions(rolled, columns, times, held, prefix)
    if dialect() == "postgresql":
        booked = booked.join(Unfolded, Unfolded.entry_id == Attribution.entry_id)
    else:
        # SQLite does not guess that they are few, and would go through all days, unless it is given their ids.
        of_entries = aliased(Attribution)
        booked = booked.where(Attribution.id.in_(select(of_entries.id).where(of_entries.entry_id.in_(select(Unfolded.entry_id)))))
    return _counted(
        booked, columns, times, "1", ("grams", "case when is_refund then 0 else fen end", "case when is_refund then -fen else 0 end", "1")
    )


def _corrected(rolled: Rolled, columns: Sequence[str], times: Times, held: Sequence[Held], prefix: str) -> Query:
    """Takes away what was counted of corrected lines, folded or not."""
    booked = _attributions(rolled, columns, times, held, prefix).where(Attribution.line_id.in_(corrected_lines(prefix)))
    return _counted(booked, columns, times, "-1", ("0", "0", "0", "0"))


def corrected_lines(prefix: str) -> Query:
    """Lines that a correction in the period moved."""
    other = aliased(Attribution)
    return select(other.line_id).where(other.is_correction, _day_of(other, prefix).between(*_PERIOD)).distinct()


_PERIOD = (bindparam("since", type_=Date), bindparam("until", type_=Date))


def _day_of(attribution: Any, prefix: str) -> SQLColumnExpression[date]:  # Any: the model or another name for it
    day: SQLColumnExpression[date] = attribution.business_day if prefix == "posted" else attribution.sold_on
    return day


def _attributions(rolled: Rolled, columns: Sequence[str], times: Times, held: Sequence[Held], prefix: str) -> Query:
    """Attributions of the period with the roll-up's columns, and with numbers that say which of a line's and a pick's rows is the first in its place."""
    day = _day_of(Attribution, prefix)
    places = {"n": _PLACES[rolled.scope], "t": _PLACES[rolled.total_scope]}

    def first(whole: Any, place: Expression | None) -> Expression:  # Any: a column of the model
        within = [whole, Attribution.is_refund, Attribution.is_correction] + ([] if place is None else [place])
        return func.row_number().over(partition_by=within)

    query = select(
        *(_BOOKED[name].label(name) for name in columns),
        *(dimension.key(day).label(f"time_{place}") for place, dimension in times),
        Attribution.amount_fen.label("fen"),
        Attribution.grams.label("grams"),
        Attribution.is_refund.label("is_refund"),
        and_(Attribution.is_refund.is_(False), Attribution.is_correction.is_(False)).label("is_sale"),
        Pick.units.label("pick_units"),
        *(first(Attribution.line_id, place).label(f"line_{name}") for name, place in places.items()),
        *(first(Attribution.pick_id, place).label(f"pick_{name}") for name, place in places.items()),
    ).join_from(Attribution, Pick, Pick.id == Attribution.pick_id)
    scopes = {rolled.scope, rolled.total_scope}
    if "sku_id" in columns:
        query = query.join(OrderLine, OrderLine.id == Attribution.line_id)
    if not {"channel", "district_code", "eastern_unit_id", "pairing_id"}.isdisjoint(columns):
        query = query.join(Order, Order.id == Attribution.order_id)
    if "pairing_id" in columns or not scopes.isdisjoint(("in_town", "in_county")):
        query = query.join(Village, Village.id == Attribution.village_id)
    if "in_county" in scopes:
        query = query.join(Town, Town.id == Village.town_id)
    return query.where(day.between(*_PERIOD), *(dimension.key(day) == value for dimension, value in held if dimension.is_time))


def _counted(booked: Query, columns: Sequence[str], times: Times, sign: str, sums: tuple[str, str, str, str]) -> Query:
    """The figures of each attribution, in the order of `FIGURES`."""
    source = booked.subquery("w")

    def count(number: str, what: str) -> str:
        return f"case when is_sale and {number} = 1 then {what} else 0 end"

    lines, units = (count("line_n", sign), count("pick_n", f"{sign} * pick_units"))
    totals = (count("line_t", sign), count("pick_t", f"{sign} * pick_units"))
    figures = (literal_column(words, BigInteger).label(name) for name, words in zip(FIGURES, (lines, units, *sums, *totals), strict=True))
    keys = (*(source.c[name] for name in columns), *(source.c[f"time_{place}"] for place, _dimension in times))
    return select(*keys, *figures).select_from(source)


def _joined(query: Query, dimensions: Iterable[Dimension], source: FromClause, *, only_keys: bool = False) -> Query:
    done: list[str] = []
    query = query.select_from(source)
    for dimension in dimensions:
        if dimension.is_time:
            continue
        joins, elements = _needed(dimension, only_keys=only_keys)
        if any(_place_of_product(element) for element in elements) and "skus" not in done:
            done.append("skus")
            query = query.join(table_of(Sku), table_of(Sku).c.id == source.c.sku_id)
        for join in joins:
            name = table_of(join.target).name
            if name not in done:
                done.append(name)
                query = query.join(join.target, _over(join.on, source), isouter=join.is_outer)
    return query
