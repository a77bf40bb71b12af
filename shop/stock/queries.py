"""Reading stock as shoppers see it: what can be bought now, first expired first, and whose fields it came from.

What a cooperative sees of its own shelves is a report of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, select

from shop.extensions import columns_of, db, row_as, rows_as
from shop.kit.ids import ItemId, LotId, ProductId, SkuId, VillageId
from shop.origin.models import Town, Village
from shop.stock.models import Lot, LotSource, StockItem

_lot, _item, _source = columns_of(Lot), columns_of(StockItem), columns_of(LotSource)
_village, _town = columns_of(Village), columns_of(Town)

FREE = _item.packed - _item.held - _item.sold - _item.written_off
"""Units of a stock item that nobody holds."""


@dataclass(frozen=True)
class ItemOnSale:
    """Units of one SKU from one lot that can be bought today, with what the lot's tag says."""

    item_id: ItemId
    sku_id: SkuId
    lot_id: LotId
    lot_code: str
    harvested_on: date
    best_before: date
    grade: str
    produced_grams: int
    packed_grams: int
    gross_fen: int
    """The lot's running total of sales, from which the next sale's shares follow."""
    packed: int
    held: int
    free_units: int


@dataclass(frozen=True)
class SourceFacts:
    """What one village brought to a lot, by the sources in force."""

    village_id: VillageId
    village_slug: str
    village_code: str | None
    village: str
    village_en: str
    town: str
    town_en: str
    grams: int


_ON_SALE = (
    select(
        _item.id,
        _item.sku_id,
        _lot.id,
        _lot.code,
        _lot.harvested_on,
        _lot.best_before,
        _lot.grade,
        _lot.produced_grams,
        _lot.packed_grams,
        _lot.gross_fen,
        _item.packed,
        _item.held,
        FREE,
    )
    .join_from(Lot.__table__, StockItem.__table__, _item.lot_id == _lot.id)
    .where(_lot.product_id == bindparam("product_id"), _lot.best_before >= bindparam("today"), _lot.recalled_at.is_(None), FREE > 0)
    .order_by(_lot.best_before, _item.id)
)

_SOURCES = (
    select(
        _source.lot_id,
        _village.id,
        _village.slug,
        _village.code,
        _village.name,
        _village.name_en,
        _town.short_name,
        _town.name_en,
        _source.grams,
    )
    .join_from(LotSource.__table__, Lot.__table__, (_lot.id == _source.lot_id) & (_lot.source_version == _source.version))
    .join(Village.__table__, _village.id == _source.village_id)
    .join(Town.__table__, _town.id == _village.town_id)
    .where(_source.lot_id.in_(bindparam("lot_ids", expanding=True)))
    .order_by(_source.lot_id, _source.grams.desc(), _village.code, _village.id)
)


def items_on_sale(product_id: ProductId, *, today: date) -> list[ItemOnSale]:
    """What can be bought of a product on the business day `today`, in the order in which it will be: by best-before day, then item."""
    return rows_as(ItemOnSale, db.session.execute(_ON_SALE, {"product_id": product_id, "today": today}))


def sources_of(lot_ids: Iterable[LotId]) -> dict[LotId, tuple[SourceFacts, ...]]:
    """The villages of each lot, the largest part first."""
    sources: dict[LotId, list[SourceFacts]] = {lot_id: [] for lot_id in lot_ids}
    for lot_id, *facts in db.session.execute(_SOURCES, {"lot_ids": sorted(sources)}):
        sources[LotId(lot_id)].append(row_as(SourceFacts, facts))
    return {lot_id: tuple(found) for lot_id, found in sources.items()}
