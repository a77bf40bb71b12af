"""Many orders made by hand at once, and many returns of them: as many statements for five hundred as for one."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, TextualSelect, bindparam, select, text

from shop.extensions import columns_of, db, dialect, put_in, put_in_returning, require_transaction, row_as, table_of
from shop.kit.bulk import given_texts
from shop.kit.ids import EasternUnitId, EntryId, LineId, OrderId, PickId, ReturnId, UserId, new_key
from shop.orders.models import Channel, Order, OrderEvent, OrderLine, RefundBy, Return, ReturnLine
from shop.orders.service import Delivery, ReturnedPick, Snapshot, line_values, new_number, order_values
from shop.orders.states import OrderState

_order, _line, _return, _return_line = columns_of(Order), columns_of(OrderLine), columns_of(Return), columns_of(ReturnLine)


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """One line of a placed order."""

    line_id: LineId
    sku_code: str
    quantity: int
    unit_price_fen: int
    cooperative_id: int


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order found by the key that made it, with what makes it the same sale."""

    order_id: OrderId
    number: str
    once: str
    placed_at: datetime
    sold_on: date | None
    district_code: str | None
    eastern_unit_id: EasternUnitId | None
    lines: tuple[PlacedLine, ...]
    """In their order."""


def find_placed_all(onces: Iterable[str]) -> dict[str, PlacedOrder]:
    """The orders that these keys have made, by key."""
    wanted = sorted(set(onces))
    if not wanted:
        return {}
    rows = db.session.execute(_find_placed(dialect()), {"given": json.dumps(wanted)}).all()
    lines: dict[int, list[PlacedLine]] = {row.id: [] for row in rows}
    if rows:
        for order_id, *line in db.session.execute(_LINES_OF, {"orders": sorted(lines)}):
            lines[order_id].append(PlacedLine(*line))
    return {row.once: row_as(PlacedOrder, (*row, tuple(lines[row.id]))) for row in rows}


@cache
def _find_placed(dialect: str) -> TextualSelect:
    columns = (_order.id, _order.number, _order.once, _order.placed_at, _order.sold_on, _order.district_code, _order.eastern_unit_id)
    return _by_texts("orders", "once", columns, dialect)


def _by_texts(table: str, key: str, columns: Sequence[Column[Any]], dialect: str) -> TextualSelect:  # Any: columns of any type
    names = ", ".join(column.name for column in columns)
    return text(f"select {names} from {table} where {key} in ({given_texts(dialect)})").columns(*columns)


_LINES_OF = (
    select(_line.order_id, _line.id, _line.sku_code, _line.quantity, _line.unit_price_fen, _line.cooperative_id)
    .where(_line.order_id.in_(bindparam("orders", expanding=True)))
    .order_by(_line.order_id, _line.position)
)


@dataclass(frozen=True, slots=True)
class MadeReturn:
    """A return found by the key that made it."""

    return_id: ReturnId
    order_id: OrderId
    once: str
    goods_fen: int
    entry_id: EntryId
    units: Mapping[str, int]
    """By SKU code."""


def find_returns(onces: Iterable[str]) -> dict[str, MadeReturn]:
    """The returns that these keys have made, by key."""
    wanted = sorted(set(onces))
    if not wanted:
        return {}
    rows = db.session.execute(_find_returns(dialect()), {"given": json.dumps(wanted)}).all()
    units: dict[int, dict[str, int]] = {row.id: {} for row in rows}
    if rows:
        for return_id, code, count in db.session.execute(_UNITS_OF, {"returns": sorted(units)}):
            units[return_id][code] = units[return_id].get(code, 0) + count
    return {row.once: row_as(MadeReturn, (*row, units[row.id])) for row in rows}


@cache
def _find_returns(dialect: str) -> TextualSelect:
    return _by_texts("returns", "once", (_return.id, _return.order_id, _return.once, _return.goods_fen, _return.entry_id), dialect)


_UNITS_OF = (
    select(_return_line.return_id, _line.sku_code, _return_line.units)
    .join_from(table_of(ReturnLine), table_of(OrderLine), _line.id == _return_line.line_id)
    .where(_return_line.return_id.in_(bindparam("returns", expanding=True)))
)


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class HandSale:
    """A sale made by hand, to be stored: completed at once."""

    once: str
    delivery: Delivery
    lines: Sequence[Snapshot]
    sold_at: datetime
    sold_on: date


@dataclass(frozen=True, slots=True)
class StoredSale:
    """It, stored."""

    order_id: OrderId
    number: str
    line_ids: Sequence[LineId]
    """In their order."""


def draw_up_all(sales: Sequence[HandSale]) -> list[StoredSale]:
    """Step. Store the orders, their lines and their first events, as `draw_up` does for one. A key that is there already is refused by its constraint."""
    require_transaction()
    numbers = _new_numbers([sale.sold_on for sale in sales])
    rows = [_order_row(sale, number) for sale, number in zip(sales, numbers, strict=True)]
    ids = {row.number: OrderId(row.id) for row in put_in_returning(Order, rows, ("id", "number"))}
    lines = [
        line_values(ids[number], position, line)
        for sale, number in zip(sales, numbers, strict=True)
        for position, line in enumerate(sale.lines, start=1)
    ]
    line_ids: dict[OrderId, dict[int, LineId]] = {order_id: {} for order_id in ids.values()}
    for row in put_in_returning(OrderLine, lines, ("id", "order_id", "position")):
        line_ids[OrderId(row.order_id)][row.position] = LineId(row.id)
    put_in(
        OrderEvent,
        [
            {"order_id": ids[number], "at": sale.sold_at, "kind": "placed", "by_user_id": None, "facts": {"total_fen": row["total_fen"]}}
            for sale, number, row in zip(sales, numbers, rows, strict=True)
        ],
    )
    return [StoredSale(ids[number], number, [each for _, each in sorted(line_ids[ids[number]].items())]) for number in numbers]


def _order_row(sale: HandSale, number: str) -> dict[str, object]:
    return order_values(
        sale.delivery,
        sale.lines,
        number=number,
        key=new_key(),
        once=sale.once,
        shipping_fen=0,
        channel=Channel.OFFLINE,
        state=OrderState.COMPLETED,
        hold_until=None,
        sold_on=sale.sold_on,
        now=sale.sold_at,
    )


def _new_numbers(days: Sequence[date]) -> list[str]:
    """Numbers that nobody has. Of so many at once two of a day may well be drawn alike, or one that is there already: those are drawn again."""
    numbers = [""] * len(days)
    taken: set[str] = set()
    open_places = list(range(len(days)))
    while open_places:
        for at in open_places:
            while (number := new_number("XX", days[at])) in taken:
                continue
            numbers[at] = number
            taken.add(number)
        drawn = {numbers[at] for at in open_places}
        there = set(db.session.scalars(_there(dialect()), {"given": json.dumps(sorted(drawn))}))
        open_places = [at for at in open_places if numbers[at] in there]
    return numbers


@cache
def _there(dialect: str) -> TextualSelect:
    return _by_texts("orders", "number", (_order.number,), dialect)


@dataclass(frozen=True, slots=True)
class NewReturn:
    """A return of a sale made by hand, booked by `entry_id`."""

    order_id: OrderId
    once: str
    picks: Sequence[ReturnedPick]
    restock: bool
    reason: str
    entry_id: EntryId


def record_returns(returns: Sequence[NewReturn], *, asked_by: UserId | None, now: datetime) -> list[ReturnId]:
    """Step. Store the returns, as `record_return` does for one: all of them by units. Their ids, in their order."""
    require_transaction()
    goods_fen = [sum(pick.amount_fen for pick in each.picks) for each in returns]
    rows = [
        {
            "order_id": each.order_id,
            "once": each.once,
            "by": RefundBy.QUANTITY,
            "reason": each.reason,
            "restock": each.restock,
            "goods_fen": fen,
            "shipping_fen": 0,
            "entry_id": each.entry_id,
            "asked_by": asked_by,
            "at": now,
        }
        for each, fen in zip(returns, goods_fen, strict=True)
    ]
    ids = {row.once: ReturnId(row.id) for row in put_in_returning(Return, rows, ("id", "once"))}
    put_in(
        ReturnLine,
        [
            {
                "return_id": ids[each.once],
                "pick_id": PickId(pick.pick_id),
                "line_id": pick.line_id,
                "units": pick.units,
                "amount_fen": pick.amount_fen,
            }
            for each in returns
            for pick in each.picks
        ],
    )
    put_in(
        OrderEvent,
        [
            {
                "order_id": each.order_id,
                "at": now,
                "kind": "refund_asked",
                "by_user_id": asked_by,
                "facts": {"goods_fen": fen, "shipping_fen": 0, "reason": each.reason},
            }
            for each, fen in zip(returns, goods_fen, strict=True)
        ],
    )
    return [ids[each.once] for each in returns]
