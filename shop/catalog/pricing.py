"""What can be sold now, at which price, and the words that an order keeps of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from shop.catalog.models import Product, ProductStatus, Sku
from shop.extensions import columns_of, db, rows_as, table_of
from shop.kit.ids import CategoryId, CooperativeId, ProductId, SkuId, VillageId


@dataclass(frozen=True)
class Offered:
    """A SKU on sale, with everything an order line copies."""

    sku_id: SkuId
    sku_code: str
    product_id: ProductId
    cooperative_id: CooperativeId
    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    unit_word: str
    price_fen: int
    packed_grams: int
    is_perishable: bool
    is_cold_chain: bool
    tax_category: str


_sku, _product = columns_of(Sku), columns_of(Product)
_ON_SALE = (
    select(
        _sku.id,
        _sku.code,
        _product.id,
        _product.cooperative_id,
        _product.name,
        _product.name_en,
        _sku.pack,
        _sku.pack_en,
        _sku.unit_word,
        _sku.price_fen,
        _sku.packed_grams,
        _product.is_perishable,
        _product.is_cold_chain,
        _product.tax_category,
    )
    .join_from(table_of(Sku), table_of(Product), _product.id == _sku.product_id)
    .where(_sku.is_offered, _product.status == ProductStatus.PUBLISHED)
)
_BY_ID = _ON_SALE.where(_sku.id.in_(bindparam("wanted", expanding=True)))
_BY_CODE = _ON_SALE.where(_sku.code.in_(bindparam("wanted", expanding=True)))


def offered(sku_ids: Iterable[SkuId]) -> dict[SkuId, Offered]:
    """Those of the SKUs that are on sale: the pack offered, its product published. The others are missing."""
    offers = rows_as(Offered, db.session.execute(_BY_ID, {"wanted": sorted(sku_ids)}))
    return {offer.sku_id: offer for offer in offers}


def offered_by_code(codes: Iterable[str]) -> dict[str, Offered]:
    """The same, by SKU code."""
    offers = rows_as(Offered, db.session.execute(_BY_CODE, {"wanted": sorted(codes)}))
    return {offer.sku_code: offer for offer in offers}


_ORIGINS = select(_product.id, _product.village_id, _product.category_id).where(_product.id.in_(bindparam("wanted", expanding=True)))


def origins_of(product_ids: Iterable[ProductId]) -> dict[ProductId, tuple[VillageId, CategoryId]]:
    """Of published products, the village and the shelf: what a voucher may be bound to."""
    rows = db.session.execute(_ORIGINS, {"wanted": sorted(set(product_ids))})
    return {ProductId(product_id): (VillageId(village_id), CategoryId(category_id)) for product_id, village_id, category_id in rows}
