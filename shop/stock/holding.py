"""Holding units for an order, and what becomes of them: sold, released, taken back.

Every verb here is a step of an act, takes all lines at once, and costs the same number of statements however many there are. Items are
locked in id order before anything is counted: without that, PostgreSQL refused buyers while units were left (PROVED, "Picks for all lines at once").
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from sqlalchemy import Row, bindparam, func, insert, select, update

from shop.extensions import columns_of, db, dialect, lock_in_order, put_in, require_transaction, rows_as, sql, table_of
from shop.kit.bulk import as_json, recordset
from shop.kit.ids import ItemId, LineId, LotId, PickId, SkuId, UserId, VillageId
from shop.origin.models import Village
from shop.stock.errors import NotEnoughStock
from shop.stock.models import Lot, LotSource, Movement, MovementKind, Pick, PickState, StockItem
from shop.stock.picking import Shortage, Wanted

_item, _pick, _lot, _source, _village = (columns_of(model) for model in (StockItem, Pick, Lot, LotSource, Village))


@dataclass(frozen=True)
class LinePick:
    """Units of one lot that went to one order line."""

    pick_id: PickId
    line_id: LineId
    item_id: ItemId
    lot_id: LotId
    units: int


@dataclass(frozen=True)
class _PickUnits:
    """A pick, or some of its units, before its lot is known."""

    pick_id: PickId
    line_id: LineId
    item_id: ItemId
    units: int


@dataclass(frozen=True)
class SoldUnits:
    """A sold pick's units, and how many of them were refunded."""

    units: int
    returned_units: int


@dataclass(frozen=True)
class SourceGrams:
    """What one village brought to a lot."""

    village_id: VillageId
    village_code: str | None
    grams: int


@dataclass(frozen=True)
class RaisedLot:
    """A lot after its running total was raised, with the sources in force."""

    lot_id: LotId
    gross_fen: int
    source_version: int
    sources: tuple[SourceGrams, ...]


# ── Hold ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def hold_all(wanted: Sequence[Wanted], *, today: date, by: UserId | None, now: datetime) -> tuple[LinePick, ...]:
    """Step. Hold every line's units or none: first expired first out, over as many lots as it takes.

    Lots that expired before `today` (business day) or were recalled give nothing. Raises NotEnoughStock.
    """
    require_transaction()
    given = as_json([{"line": want.line_id, "sku": want.sku_id, "want": want.units} for want in wanted], dialect())
    if dialect() == "postgresql":
        db.session.execute(_LOCK_ITEMS_OF_SKUS, {"skus": sorted({want.sku_id for want in wanted})})
    rows = db.session.execute(
        sql(_pick_sql(dialect())), {"rows": given, "today": today if dialect() == "postgresql" else today.isoformat()}
    ).all()
    missing = {want.line_id: want.units for want in wanted}
    for row in rows:
        missing[LineId(row.line_id)] -= row.units
    if any(missing.values()):
        raise NotEnoughStock(_shortages(wanted, missing))
    return _change(_units_of(rows), held=+1, kind=MovementKind.HELD, by=by, reason="", now=now)


_LOCK_ITEMS_OF_SKUS = select(_item.id).where(_item.sku_id.in_(bindparam("skus", expanding=True))).order_by(_item.id).with_for_update()


@cache
def _pick_sql(dialect: str) -> str:
    least, greatest = ("least", "greatest") if dialect == "postgresql" else ("min", "max")
    return f"""
insert into picks (line_id, item_id, units, returned_units, state)
with wants as (select line, sku, want from {recordset({"line": "bigint", "sku": "bigint", "want": "bigint"}, dialect)}),
 w as (select line, sku, want, sum(want) over (partition by sku order by line) - want as w0 from wants),
 free as (select i.id, i.sku_id, l.best_before, i.packed - i.held - i.sold - i.written_off as units
            from stock_items i join lots l on l.id = i.lot_id
           where l.harvested_on <= :today and l.best_before >= :today and l.recalled_at is null and i.packed > i.held + i.sold + i.written_off
             and i.sku_id in (select sku from wants)),
 a as (select id, sku_id, units, sum(units) over (partition by sku_id order by best_before, id) - units as a0 from free)
select w.line, a.id, {least}(w.w0 + w.want, a.a0 + a.units) - {greatest}(w.w0, a.a0), 0, 'held'
  from w join a on a.sku_id = w.sku and a.a0 < w.w0 + w.want and w.w0 < a.a0 + a.units
 where true
returning id, line_id, item_id, units"""


def _shortages(wanted: Sequence[Wanted], missing: Mapping[LineId, int]) -> tuple[Shortage, ...]:
    wants: dict[SkuId, int] = {}
    lacks: dict[SkuId, int] = {}
    for want in wanted:
        wants[want.sku_id] = wants.get(want.sku_id, 0) + want.units
        lacks[want.sku_id] = lacks.get(want.sku_id, 0) + missing[want.line_id]
    return tuple(Shortage(sku, wants[sku], wants[sku] - lack) for sku, lack in sorted(lacks.items()) if lack)


def hold_in_lot(line_id: LineId, sku_id: SkuId, units: int, *, lot_id: LotId, by: UserId | None, now: datetime) -> tuple[LinePick, ...]:
    """Step. Hold a line's units in one named lot, whatever its date: an offline sale says which bags it handed over.

    Raises NotEnoughStock.
    """
    require_transaction()
    mine = (StockItem.lot_id == lot_id, StockItem.sku_id == sku_id)
    item = db.session.execute(
        select(StockItem.id, StockItem.packed, StockItem.held, StockItem.sold, StockItem.written_off).where(*mine).with_for_update()
    ).one_or_none()
    free = item.packed - item.held - item.sold - item.written_off if item else 0
    if item is None or free < units:
        raise NotEnoughStock((Shortage(sku_id, units, free),))
    rows = db.session.execute(
        insert(Pick)
        .values(line_id=line_id, item_id=item.id, units=units, returned_units=0, state=PickState.HELD)
        .returning(Pick.id, Pick.line_id, Pick.item_id, Pick.units)
    ).all()
    return _change(_units_of(rows), held=+1, kind=MovementKind.HELD, by=by, reason="", now=now)


def find_lot(code: str) -> LotId | None:
    """The lot with this printed code."""
    found = db.session.scalar(select(Lot.id).where(Lot.code == code))
    return LotId(found) if found is not None else None


# ── Sell, release ─────────────────────────────────────────────────────────────────────────────────────────────────────


def sell(line_ids: Iterable[LineId], *, by: UserId | None, now: datetime) -> tuple[LinePick, ...]:
    """Step. What is held for these lines is sold. Returns the picks, by id; none if nothing is held."""
    return _change(_end_holds(line_ids, PickState.SOLD), held=-1, sold=+1, kind=MovementKind.SOLD, by=by, reason="", now=now)


def release(line_ids: Iterable[LineId], *, by: UserId | None, reason: str, now: datetime) -> tuple[LinePick, ...]:
    """Step. What is held for these lines is free again."""
    return _change(_end_holds(line_ids, PickState.RELEASED), held=-1, kind=MovementKind.RELEASED, by=by, reason=reason, now=now)


_held = (_pick.line_id.in_(bindparam("lines", expanding=True)), _pick.state == PickState.HELD)
_LOCK_HELD_ITEMS = select(_item.id).where(_item.id.in_(select(_pick.item_id).where(*_held))).order_by(_item.id).with_for_update()
_END_HOLDS = (
    update(table_of(Pick)).where(*_held).values(state=bindparam("to_state")).returning(_pick.id, _pick.line_id, _pick.item_id, _pick.units)
)


def _end_holds(line_ids: Iterable[LineId], state: PickState) -> Sequence[_PickUnits]:
    require_transaction()
    lines = sorted(line_ids)
    if dialect() == "postgresql":
        db.session.execute(_LOCK_HELD_ITEMS, {"lines": lines})
    return _units_of(db.session.execute(_END_HOLDS, {"lines": lines, "to_state": state}).all())


# ── Take back ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def take_back(units: Mapping[PickId, int], *, restock: bool, reason: str, by: UserId | None, once: str, now: datetime) -> None:
    """Step. Units of sold picks are refunded: back on the shelf, or written off. `once` names the return; its units move once.

    `units` must be left of each pick; the CHECK on picks stands behind it.
    """
    require_transaction()
    if not any(units.values()):
        return
    rows = db.session.execute(select(_pick.id, _pick.line_id, _pick.item_id).where(_pick.id.in_(sorted(units))).order_by(_pick.id)).all()
    lock_in_order(StockItem, (row.item_id for row in rows))
    picks = [_PickUnits(row.id, row.line_id, row.item_id, units[row.id]) for row in rows if units[row.id]]
    for pick in picks:  # a refund names few picks; each is a conditional update of its own row
        db.session.execute(update(Pick).where(Pick.id == pick.pick_id).values(returned_units=Pick.returned_units + pick.units))
    if restock:
        _change(picks, sold=-1, kind=MovementKind.RETURNED, by=by, reason=reason, now=now, once=once)
    else:
        _change(picks, sold=-1, written_off=+1, kind=MovementKind.RETURNED_SPOILT, by=by, reason=reason, now=now, once=once)


def sold_units(pick_ids: Iterable[PickId]) -> dict[PickId, SoldUnits]:
    """Of sold picks how many units they have and how many of them were refunded."""
    rows = db.session.execute(
        select(Pick.id, Pick.units, Pick.returned_units).where(Pick.id.in_(sorted(pick_ids)), Pick.state == PickState.SOLD)
    )
    return {PickId(row.id): SoldUnits(row.units, row.returned_units) for row in rows}


def left_units_by_line(line_ids: Iterable[LineId]) -> dict[LineId, int]:
    """Units of sold lines that were not refunded."""
    left = func.sum(Pick.units - Pick.returned_units)
    sold = (Pick.line_id.in_(sorted(line_ids)), Pick.state == PickState.SOLD)
    rows = db.session.execute(select(Pick.line_id, left).where(*sold).group_by(Pick.line_id))
    return {LineId(line_id): int(units) for line_id, units in rows}


# ── What all of them share ────────────────────────────────────────────────────────────────────────────────────────────


def _units_of(rows: Iterable[Sequence[object]]) -> Sequence[_PickUnits]:
    """Rows of pick, line, item, units, in the order of picks."""
    return sorted(rows_as(_PickUnits, rows), key=lambda pick: pick.pick_id)


def _change(
    picks: Sequence[_PickUnits],
    *,
    kind: MovementKind,
    by: UserId | None,
    reason: str,
    now: datetime,
    held: int = 0,
    sold: int = 0,
    written_off: int = 0,
    once: str | None = None,
) -> tuple[LinePick, ...]:
    """Add the picks' units to their items' figures, `held`, `sold` and `written_off` times, and write down each movement. The picks, with their lots."""
    if not picks:
        return ()
    changes: dict[ItemId, int] = {}
    for pick in picks:
        changes[pick.item_id] = changes.get(pick.item_id, 0) + pick.units
    given = as_json([{"item": item, "units": units} for item, units in sorted(changes.items())], dialect())
    after = {
        row.id: row
        for row in db.session.execute(
            sql(_change_sql(dialect())),
            {"rows": given, "held": held, "sold": sold, "written_off": written_off},
        )
    }
    assert len(after) == len(changes), "every pick's item is there"
    put_in(Movement, [*_movements(picks, after, changes, kind, by, reason, now, held, sold, written_off, once)])
    return tuple(LinePick(pick.pick_id, pick.line_id, pick.item_id, LotId(after[pick.item_id].lot_id), pick.units) for pick in picks)


@cache
def _change_sql(dialect: str) -> str:
    return f"""update stock_items set held = held + :held * given.units, sold = sold + :sold * given.units,
                    written_off = written_off + :written_off * given.units
                    from {recordset({"item": "bigint", "units": "integer"}, dialect)} where stock_items.id = given.item
                    returning stock_items.id, packed, stock_items.held, stock_items.sold, stock_items.written_off, lot_id"""


def _movements(
    picks: Sequence[_PickUnits],
    after: Mapping[int, Row[*tuple[int, ...]]],
    changes: Mapping[ItemId, int],
    kind: MovementKind,
    by: UserId | None,
    reason: str,
    now: datetime,
    held: int,
    sold: int,
    written_off: int,
    once: str | None,
) -> Iterable[dict[str, object]]:
    still_to_come = dict(changes)  # two picks of one item: the first one's "after" is before the second
    for pick in picks:
        still_to_come[pick.item_id] -= pick.units
        row, later = after[pick.item_id], still_to_come[pick.item_id]
        yield {
            "item_id": pick.item_id,
            "kind": kind.value,
            "packed_change": 0,
            "held_change": held * pick.units,
            "sold_change": sold * pick.units,
            "written_off_change": written_off * pick.units,
            "packed_after": row.packed,
            "held_after": row.held - held * later,
            "sold_after": row.sold - sold * later,
            "written_off_after": row.written_off - written_off * later,
            "pick_id": pick.pick_id,
            "once": f"{kind.value}:{pick.pick_id}" if once is None else f"{once}:{pick.pick_id}",
            "by_user_id": by,
            "reason": reason,
            "at": now,
        }


# ── The lots' running totals ──────────────────────────────────────────────────────────────────────────────────────────


def raise_gross(added_fen: Mapping[LotId, int]) -> dict[LotId, RaisedLot]:
    """Step. Add to each lot's running total T what its sales of this act are worth, under the lot's row lock (DESIGN §2.4). Sales only."""
    require_transaction()
    lock_in_order(Lot, added_fen)
    given = as_json([{"lot": lot, "fen": fen} for lot, fen in sorted(added_fen.items())], dialect())
    raised = db.session.execute(
        sql(_raise_sql(dialect())),
        {"rows": given},
    ).all()
    return _with_sources(raised)


def read_lots(lot_ids: Iterable[LotId]) -> dict[LotId, RaisedLot]:
    """Lots as they stand now, for showing what a sale would bring to whom."""
    rows = db.session.execute(select(_lot.id, _lot.gross_fen, _lot.source_version).where(_lot.id.in_(sorted(lot_ids)))).all()
    return _with_sources(rows)


def _with_sources(lots: Sequence[Row[*tuple[int, int, int]]]) -> dict[LotId, RaisedLot]:
    sources: dict[int, list[SourceGrams]] = {row.id: [] for row in lots}
    for lot_id, village_id, code, grams in db.session.execute(_SOURCES_IN_FORCE, {"lots": sorted(sources)}):
        sources[lot_id].append(SourceGrams(VillageId(village_id), code, grams))
    return {LotId(row.id): RaisedLot(LotId(row.id), row.gross_fen, row.source_version, tuple(sources[row.id])) for row in lots}


@cache
def _raise_sql(dialect: str) -> str:
    return f"""update lots set gross_fen = gross_fen + given.fen from {recordset({"lot": "bigint", "fen": "bigint"}, dialect)}
                where lots.id = given.lot returning lots.id, gross_fen, source_version"""


_SOURCES_IN_FORCE = (
    select(_source.lot_id, _source.village_id, _village.code, _source.grams)
    .join_from(_source.lot_id.table, _lot.id.table, (_lot.id == _source.lot_id) & (_lot.source_version == _source.version))
    .join(_village.id.table, _village.id == _source.village_id)
    .where(_lot.id.in_(bindparam("lots", expanding=True)))
    .order_by(_source.lot_id, _source.village_id)
)


def free_units(sku_ids: Iterable[SkuId], *, today: date) -> dict[SkuId, int]:
    """Units that could be held now, per SKU; those without any are missing."""
    free = func.sum(StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off)
    rows = db.session.execute(
        select(StockItem.sku_id, free)
        .join(Lot, Lot.id == StockItem.lot_id)
        .where(StockItem.sku_id.in_(sorted(sku_ids)), Lot.best_before >= today, Lot.recalled_at.is_(None))
        .group_by(StockItem.sku_id)
    )
    return {SkuId(sku_id): int(units) for sku_id, units in rows if units}
