"""A product is back: whoever wished to hear of it gets one letter."""

from datetime import datetime

from sqlalchemy import func, select

from shop.catalog.models import Product, ProductStatus, Sku
from shop.extensions import act, db, end_reading
from shop.kit.clock import business_day
from shop.kit.ids import ProductId
from shop.outbox.service import write_letter
from shop.stock.models import Lot, StockItem
from shop.stock.queries import FREE
from shop.voices.wishes import grant, wished_products

LETTER = "back_in_stock"
MOST_LETTERS = 200
"""Of one product in one round; the oldest wishes first, so that few bags are not promised to thousands at once."""


def tell_of_stock(*, now: datetime) -> int:
    """Sweep. For every product that somebody waits for and that can be bought again, the letters; how many."""
    wished = wished_products()
    end_reading()
    return sum(_tell(product_id, now=now) for product_id in wished)


@act
def _tell(product_id: ProductId, *, now: datetime) -> int:
    free = db.session.scalar(
        select(func.coalesce(func.sum(FREE), 0))
        .join(Sku, Sku.id == StockItem.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Lot, Lot.id == StockItem.lot_id)
        .where(
            Product.id == product_id,
            Product.status == ProductStatus.PUBLISHED,
            Sku.is_offered,
            Lot.best_before >= business_day(now),
            Lot.recalled_at.is_(None),
        )
    )
    if not free:
        return 0
    granted = grant(product_id, most=MOST_LETTERS, now=now)
    for wish in granted:
        write_letter(
            LETTER,
            once=f"wish:{wish.id}:{wish.wished_at.isoformat()}",
            subject=f"wish:{wish.id}",
            locale=wish.locale,
            to_email=wish.email,
            to_phone=None,
            facts={"wish_id": wish.id},
            now=now,
        )
    return len(granted)
