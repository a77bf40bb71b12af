"""Stock items counted in memory while one thing after the other is sold from them, for acts that book many sales at once.

Law: a row takes what the rows before it left, first expired first out, all of it or nothing; the picks are those that one sale after the other
would have made, and the movements tell every step. Whoever writes has locked the items first, in id order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from sqlalchemy import BindParameter, bindparam, or_, select

from shop.extensions import columns_of, db, dialect, put_in, put_in_returning, require_transaction, sql, table_of
from shop.kit.bulk import as_json, recordset
from shop.kit.ids import ItemId, LineId, LotId, PickId, SkuId, UserId
from shop.stock.errors import NotEnoughStock
from shop.stock.models import Lot, Movement, MovementKind, Pick, PickState, StockItem
from shop.stock.picking import Shortage

_item, _lot, _pick = columns_of(StockItem), columns_of(Lot), columns_of(Pick)


@dataclass(slots=True)
class ShelfItem:
    """A stock item as it stands after the rows so far."""

    item_id: ItemId
    sku_id: SkuId
    lot_id: LotId
    harvested_on: date
    best_before: date
    is_recalled: bool
    packed: int
    held: int
    sold: int
    written_off: int

    @property
    def free(self) -> int:
        """Units that nobody has."""
        return self.packed - self.held - self.sold - self.written_off

    def is_on_sale(self, day: date) -> bool:
        """Whether its lot could be sold on that day."""
        return self.harvested_on <= day <= self.best_before and not self.is_recalled


@dataclass(frozen=True, slots=True)
class WantedOfShelf:
    """What one line of a sale asks for; of a named lot, whatever that lot's dates, or first expired first out."""

    sku_id: SkuId
    units: int
    lot_id: LotId | None


@dataclass(frozen=True, slots=True)
class Taken:
    """Units of one item for one line of a sale, by the line's place."""

    line_at: int
    item_id: ItemId
    lot_id: LotId
    units: int


class Shelf:
    """Items by SKU. What is taken or put back changes the figures here; `write` writes them."""

    def __init__(self, items: Iterable[ShelfItem]) -> None:
        self.items = {item.item_id: item for item in sorted(items, key=lambda item: (item.best_before, item.item_id))}
        self.by_sku: dict[SkuId, list[ShelfItem]] = {}
        self.by_lot: dict[tuple[LotId, SkuId], ShelfItem] = {}
        for item in self.items.values():
            self.by_sku.setdefault(item.sku_id, []).append(item)
            self.by_lot[item.lot_id, item.sku_id] = item
        self.before = {item.item_id: (item.packed, item.held, item.sold, item.written_off) for item in self.items.values()}

    def take(self, lines: Sequence[WantedOfShelf], *, day: date) -> list[Taken]:
        """What each line gets, all or nothing: lines that name their lot first, then the others; in the order of picking.

        Raises NotEnoughStock.
        """
        taken: list[Taken] = []
        gone: dict[ItemId, int] = {}
        for at, line in enumerate(lines):
            if line.lot_id is None:
                continue
            item = self.by_lot.get((line.lot_id, line.sku_id))
            free = item.free - gone.get(item.item_id, 0) if item else 0
            if item is None or free < line.units:
                raise NotEnoughStock((Shortage(line.sku_id, line.units, free),))
            gone[item.item_id] = gone.get(item.item_id, 0) + line.units
            taken.append(Taken(at, item.item_id, item.lot_id, line.units))
        lacks: dict[SkuId, int] = {}
        for at, line in enumerate(lines):
            if line.lot_id is not None:
                continue
            missing = line.units
            for item in self.by_sku.get(line.sku_id, ()):
                free = item.free - gone.get(item.item_id, 0)
                if free <= 0 or not item.is_on_sale(day):
                    continue
                units = min(missing, free)
                gone[item.item_id] = gone.get(item.item_id, 0) + units
                taken.append(Taken(at, item.item_id, item.lot_id, units))
                missing -= units
                if not missing:
                    break
            if missing:
                lacks[line.sku_id] = lacks.get(line.sku_id, 0) + missing
        if lacks:
            wants = {sku: sum(line.units for line in lines if line.sku_id == sku and line.lot_id is None) for sku in sorted(lacks)}
            raise NotEnoughStock(tuple(Shortage(sku, units, units - lacks[sku]) for sku, units in wants.items()))
        for item_id, units in gone.items():
            self.items[item_id].sold += units
        return taken

    def put_back(self, item_id: ItemId, units: int, *, restock: bool) -> None:
        """Units come back: for sale again, or written off."""
        item = self.items[item_id]
        item.sold -= units
        if not restock:
            item.written_off += units


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def lock_shelf(sku_ids: Iterable[SkuId], item_ids: Iterable[ItemId] = ()) -> Shelf:
    """Step. The items of these SKUs that have free units, and these items, all locked."""
    require_transaction()
    given = {"skus": sorted(set(sku_ids)), "items": sorted(set(item_ids))}
    if dialect() == "postgresql":
        db.session.execute(_LOCK_ITEMS, given)
    return _read(given)


def read_shelf(sku_ids: Iterable[SkuId], item_ids: Iterable[ItemId] = ()) -> Shelf:
    """The same as they stand now, for showing what would be sold."""
    return _read({"skus": sorted(set(sku_ids)), "items": sorted(set(item_ids))})


def _read(given: Mapping[str, object]) -> Shelf:
    return Shelf(ShelfItem(*row) for row in db.session.execute(_READ_ITEMS, given))


_skus: BindParameter[int] = bindparam("skus", expanding=True)
_ids: BindParameter[int] = bindparam("items", expanding=True)
_LOCK_ITEMS = select(_item.id).where(or_(_item.sku_id.in_(_skus), _item.id.in_(_ids))).order_by(_item.id).with_for_update()
_has_free = _item.packed > _item.held + _item.sold + _item.written_off
_READ_ITEMS = (
    select(
        _item.id,
        _item.sku_id,
        _item.lot_id,
        _lot.harvested_on,
        _lot.best_before,
        _lot.recalled_at.isnot(None),
        _item.packed,
        _item.held,
        _item.sold,
        _item.written_off,
    )
    .join_from(table_of(StockItem), table_of(Lot), _lot.id == _item.lot_id)
    .where(or_(_item.sku_id.in_(_skus) & _has_free, _item.id.in_(_ids)))
)


def find_lots(codes: Iterable[str]) -> dict[str, LotId]:
    """Lots by their printed codes; those that are not there are missing."""
    wanted = sorted(set(codes))
    rows = db.session.execute(select(_lot.code, _lot.id).where(_lot.code.in_(wanted))) if wanted else ()
    return {code: LotId(lot_id) for code, lot_id in rows}


@dataclass(frozen=True, slots=True)
class PickOfItem:
    """A sold pick: where it came from, and how many of its units were refunded."""

    pick_id: PickId
    line_id: LineId
    item_id: ItemId
    lot_id: LotId
    units: int
    returned_units: int


def sold_picks(line_ids: Iterable[LineId]) -> list[PickOfItem]:
    """The sold picks of order lines, by id."""
    wanted = sorted(line_ids)
    if not wanted:
        return []
    return [PickOfItem(*row) for row in db.session.execute(_SOLD_PICKS, {"lines": wanted})]


_SOLD_PICKS = (
    select(_pick.id, _pick.line_id, _pick.item_id, _item.lot_id, _pick.units, _pick.returned_units)
    .join_from(table_of(Pick), table_of(StockItem), _item.id == _pick.item_id)
    .where(_pick.line_id.in_(bindparam("lines", expanding=True)), _pick.state == PickState.SOLD)
    .order_by(_pick.id)
)


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sold:
    """The picks of one sale, stored."""

    picks: Sequence[tuple[PickId, ItemId, int]]
    """Pick, item, units."""


@dataclass(frozen=True, slots=True)
class Returned:
    """Units of sold picks that came back by one return."""

    picks: Sequence[tuple[PickId, ItemId, int]]
    restock: bool
    reason: str
    once: str


def store_picks(picks: Sequence[tuple[LineId, ItemId, int, int]]) -> list[PickId]:
    """Step. Sold picks, given as line, item, units and units that have come back already; their ids, rising in that order."""
    rows = [
        {"line_id": line_id, "item_id": item_id, "units": units, "returned_units": returned, "state": PickState.SOLD}
        for line_id, item_id, units, returned in picks
    ]
    ids = sorted(PickId(row.id) for row in put_in_returning(Pick, rows, ("id",)))  # rows go in in the order given, and ids rise
    assert len(ids) == len(picks), "every pick went in"
    return ids


def write(shelf: Shelf, happenings: Sequence[Sold | Returned], *, by: UserId | None, now: datetime) -> None:
    """Step. Write down what was taken from the shelf and put back, in the order in which it happened, with the figures after every step."""
    require_transaction()
    figures = {item_id: list(before) for item_id, before in shelf.before.items()}
    movements: list[dict[str, object]] = []
    at = now.isoformat() if dialect() == "postgresql" else now
    for happening in happenings:
        if isinstance(happening, Sold):
            for kind, held, sold in ((MovementKind.HELD, +1, 0), (MovementKind.SOLD, -1, +1)):
                for pick_id, item_id, units in happening.picks:
                    movements.append(_movement(figures[item_id], item_id, pick_id, kind, held * units, sold * units, 0, "", None, by, at))
        else:
            kind = MovementKind.RETURNED if happening.restock else MovementKind.RETURNED_SPOILT
            for pick_id, item_id, units in happening.picks:
                spoilt = 0 if happening.restock else units
                movements.append(
                    _movement(figures[item_id], item_id, pick_id, kind, 0, -units, spoilt, happening.reason, happening.once, by, at)
                )
    changes = [
        {"item": item_id, "sold": after[2] - before[2], "written_off": after[3] - before[3]}
        for item_id, before in shelf.before.items()
        if (after := figures[item_id])[2:] != list(before[2:])
    ]
    if changes:
        db.session.execute(sql(_change_sql(dialect())), {"rows": as_json(changes, dialect())})
    put_in(Movement, movements)


def add_returned(units: Mapping[PickId, int]) -> None:
    """Step. So many more units of sold picks were refunded; the CHECK on picks stands behind it."""
    require_transaction()
    if units:
        rows = [{"pick": pick_id, "units": count} for pick_id, count in sorted(units.items())]
        db.session.execute(sql(_returned_sql(dialect())), {"rows": as_json(rows, dialect())})


@cache
def _change_sql(dialect: str) -> str:
    return f"""update stock_items set sold = stock_items.sold + given.sold, written_off = stock_items.written_off + given.written_off
                 from {recordset({"item": "bigint", "sold": "integer", "written_off": "integer"}, dialect)} where stock_items.id = given.item"""


@cache
def _returned_sql(dialect: str) -> str:
    return f"""update picks set returned_units = picks.returned_units + given.units
                 from {recordset({"pick": "bigint", "units": "integer"}, dialect)} where picks.id = given.pick"""


def _movement(
    figures: list[int],
    item_id: ItemId,
    pick_id: PickId,
    kind: MovementKind,
    held: int,
    sold: int,
    written_off: int,
    reason: str,
    once: str | None,
    by: UserId | None,
    at: datetime | str,
) -> dict[str, object]:
    figures[1] += held
    figures[2] += sold
    figures[3] += written_off
    return {
        "item_id": item_id,
        "kind": kind,
        "packed_change": 0,
        "held_change": held,
        "sold_change": sold,
        "written_off_change": written_off,
        "packed_after": figures[0],
        "held_after": figures[1],
        "sold_after": figures[2],
        "written_off_after": figures[3],
        "pick_id": pick_id,
        "once": f"{kind}:{pick_id}" if once is None else f"{once}:{pick_id}",
        "by_user_id": by,
        "reason": reason,
        "at": at,
    }
