"""What can be sold now, at which price, and the words that an order keeps of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from shop.catalog.models import Product, ProductStatus, Sku
from shop.extensions import db, rows_as
from shop.kit.ids import CooperativeId, ProductId, SkuId


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


def offered(sku_ids: Iterable[SkuId]) -> dict[SkuId, Offered]:
    """Those of the SKUs that are on sale: the pack offered, its product published. The others are missing."""
    return {offer.sku_id: offer for offer in _offered(Sku.id.in_(sorted(sku_ids)))}


def offered_by_code(codes: Iterable[str]) -> dict[str, Offered]:
    """The same, by SKU code."""
    return {offer.sku_code: offer for offer in _offered(Sku.code.in_(sorted(codes)))}


def _offered(condition: ColumnElement[bool]) -> list[Offered]:
    columns = (
        Sku.id,
        Sku.code,
        Product.id,
        Product.cooperative_id,
        Product.name,
        Product.name_en,
        Sku.pack,
        Sku.pack_en,
        Sku.unit_word,
        Sku.price_fen,
        Sku.packed_grams,
        Product.is_perishable,
        Product.is_cold_chain,
        Product.tax_category,
    )
    on_sale = (condition, Sku.is_offered, Product.status == ProductStatus.PUBLISHED)
    return rows_as(Offered, db.session.execute(select(*columns).join(Product, Product.id == Sku.product_id).where(*on_sale)))
