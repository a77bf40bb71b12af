"""First expired, first out: which units of which stock items fill which lines.

The database picks by one statement (`shop/stock/service.py`); this is the same rule said plainly. Tests hold the statement against it, and
callers use it to say what is short.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from shop.kit.ids import ItemId, LineId, SkuId


@dataclass(frozen=True, slots=True)
class FreeItem:
    """Units of one SKU from one lot that nobody holds. Recalled lots are left out by whoever reads them."""

    item_id: ItemId
    sku_id: SkuId
    best_before: date
    free_units: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one order line asks for."""

    line_id: LineId
    sku_id: SkuId
    units: int


@dataclass(frozen=True, slots=True)
class Picked:
    """What one line gets from one item; never nought units."""

    line_id: LineId
    item_id: ItemId
    units: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """A SKU of which the lines together want more than is free."""

    sku_id: SkuId
    wanted_units: int
    available_units: int


def pick(items: Iterable[FreeItem], wanted: Sequence[Wanted], *, today: date) -> tuple[Picked, ...]:
    """As many of the wanted units as there are: lines in id order draw on the items of their SKU by best-before day, then id.

    An item may be sold up to and on its best-before day. A line may get several picks, and fewer units than it wants, if `shortages` names
    its SKU. Picks stand in the order they were taken: by line, then by item.
    """
    shelves: dict[SkuId, list[tuple[ItemId, int]]] = {}
    for item in sorted(items, key=lambda item: (item.best_before, item.item_id)):
        if item.best_before >= today and item.free_units > 0:
            shelves.setdefault(item.sku_id, []).append((item.item_id, item.free_units))

    picks = []
    for line in sorted(wanted, key=lambda line: line.line_id):
        assert line.units > 0, "a line asks for something"
        shelf, missing = shelves.get(line.sku_id, []), line.units
        while missing and shelf:
            item_id, free = shelf[0]
            taken = min(missing, free)
            picks.append(Picked(line.line_id, item_id, taken))
            missing -= taken
            if taken == free:
                shelf.pop(0)
            else:
                shelf[0] = (item_id, free - taken)
    return tuple(picks)


def shortages(items: Iterable[FreeItem], wanted: Iterable[Wanted], *, today: date) -> tuple[Shortage, ...]:
    """The SKUs that cannot be filled, in id order, with what all lines want and what there is. Empty when everybody can be served."""
    wants: dict[SkuId, int] = {}
    for line in wanted:
        wants[line.sku_id] = wants.get(line.sku_id, 0) + line.units
    free: dict[SkuId, int] = {}
    for item in items:
        if item.best_before >= today:
            free[item.sku_id] = free.get(item.sku_id, 0) + max(0, item.free_units)
    return tuple(Shortage(sku_id, units, free.get(sku_id, 0)) for sku_id, units in sorted(wants.items()) if units > free.get(sku_id, 0))
