"""What may come in the place of an order's goods before it is packed."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from shop.catalog.models import Product, ProductStatus, Sku
from shop.extensions import db, rows_as
from shop.kit.ids import CooperativeId, SkuId


@dataclass(frozen=True)
class Swappable:
    """A pack on sale of a cooperative that the order has a parcel of."""

    sku_id: SkuId
    cooperative_id: CooperativeId
    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    price_fen: int


def swappable(cooperative_ids: Iterable[CooperativeId]) -> tuple[Swappable, ...]:
    """Packs on sale of these cooperatives, the dearest first."""
    query = (
        select(Sku.id, Product.cooperative_id, Product.name, Product.name_en, Sku.pack, Sku.pack_en, Sku.price_fen)
        .join(Product, Product.id == Sku.product_id)
        .where(Product.cooperative_id.in_(sorted(cooperative_ids)), Sku.is_offered, Product.status == ProductStatus.PUBLISHED)
        .order_by(Sku.price_fen.desc(), Sku.id)
    )
    return tuple(rows_as(Swappable, db.session.execute(query)))
