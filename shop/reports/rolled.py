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
    BigInteger,
    ColumnElement,
    Date,
    Select,
    SQLColumnExpression,
    Subquery,
    Table,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.sql import visitors

from shop.catalog.models import Sku
from shop.extensions import table_of
from shop.orders.models import Order
from shop.reports.dimensions import CREDITED_PAIRING, DIMENSIONS, Dimension, Join
from shop.reports.models import BuyersRollup, GoodsRollup
from shop.reports.rollups import BUYERS, GOODS, Grain, grain_for

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


def _needed(dimension: Dimension) -> tuple[list[Join], list[Expression]]:
    """The joins that its key and words speak of, in their order, and all expressions read. The books' own tables are not joined."""
    elements: list[Expression] = [_plain(dimension.key(_ANY_DAY)), *map(_plain, dimension.words)]
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


def _over(expression: Any, source: Subquery) -> Any:  # Any: what comes in goes out
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


def rolled_rows(rolled: Rolled, grouped: Sequence[Dimension], held: Sequence[Held], numbers: Sequence[int], prefix: str) -> Query:
    """Per value of the dimensions: key_0, code_0, name_0, name_en_0, … , lines, units, weight_grams, gross_fen, refunds_fen, rows, total_lines, total_units.

    `prefix` is `posted` or `sold`: which day of an attribution counts. `numbers` are those of the grains of each span (see `spans`), whose days are the
    parameters `since_0`, `until_0`, `since_1`, …
    """
    source = _sums(rolled, grouped, held, numbers, prefix)
    columns: list[Expression] = []
    keys: list[Expression] = []
    for place, dimension in enumerate(grouped):
        key = source.c[f"time_{place}"] if dimension.is_time else _over(dimension.key(_ANY_DAY), source)
        keys.append(key)
        words: list[Expression] = [func.max(_over(word, source)) for word in dimension.words] or [null(), null(), null()]
        columns += [column.label(f"{name}_{place}") for name, column in zip(("key", "code", "name", "name_en"), (key, *words), strict=True)]
    query = select(*columns, *(cast(func.sum(source.c[name]), BigInteger).label(name) for name in _FIGURES)).select_from(source)
    query = _joined(query, [*grouped, *(dimension for dimension, _key in held)], source)
    for dimension, value in held:
        if not dimension.is_time:
            key = _over(dimension.key(_ANY_DAY), source)
            query = query.where(key.is_(None) if value is None else key == value)
    return query.group_by(*keys) if keys else query


_FIGURES = ("lines", "units", "weight_grams", "gross_fen", "refunds_fen", "rows", "total_lines", "total_units")


def _sums(rolled: Rolled, grouped: Sequence[Dimension], held: Sequence[Held], numbers: Sequence[int], prefix: str) -> Subquery:
    """The grain's rows of the period, summed by the columns that are asked about: little is left to be joined with names."""
    table = _TABLES[rolled.grain.table]
    columns = set().union(*(_columns_of(dimension) or () for dimension in (*grouped, *(dimension for dimension, _ in held))))
    parts = []
    for span, number in enumerate(numbers):
        since, until = bindparam(f"since_{span}", type_=Date), bindparam(f"until_{span}", type_=Date)
        keys: list[Expression] = [table.c[name] for name in sorted(columns)]
        times: list[Expression] = [
            dimension.key(table.c.day).label(f"time_{place}") for place, dimension in enumerate(grouped) if dimension.is_time
        ]
        part = select(
            *keys, *times, *(cast(func.sum(column), BigInteger).label(name) for name, column in _measures(table, rolled, prefix).items())
        )
        part = part.where(and_(table.c.grain == literal_column(str(number)), table.c.day.between(since, until)))
        for dimension, value in held:
            if dimension.is_time:
                part = part.where(dimension.key(table.c.day) == value)
        parts.append(part.group_by(*keys, *(literal_column(time.name) for time in times)))
    return (parts[0] if len(parts) == 1 else union_all(*parts)).subquery("rolled")


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
    return {figure: table.c[name] for figure, name in zip(_FIGURES, names, strict=True)}


def _joined(query: Query, dimensions: Iterable[Dimension], source: Subquery) -> Query:
    done: list[str] = []
    if "sku_id" in source.c:
        query = query.join(table_of(Sku), table_of(Sku).c.id == source.c.sku_id)
    for dimension in dimensions:
        for join in [] if dimension.is_time else _needed(dimension)[0]:
            name = table_of(join.target).name
            if name not in done:
                done.append(name)
                query = query.join(join.target, _over(join.on, source), isouter=join.is_outer)
    return query
