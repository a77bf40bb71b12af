"""What staff need to write down a sale made by hand, or its return: what can be sold, whom it may be credited to, and the sale as it stands."""

from dataclasses import dataclass

from sqlalchemy import select

from shop.catalog.models import Product, ProductStatus, Sku
from shop.extensions import db, rows_as
from shop.kit.ids import EasternUnitId, OrderId, SkuId
from shop.orders.errors import NoSuchOrder
from shop.orders.models import Channel, Order
from shop.origin.models import Cooperative, EasternUnit

_KEY = "offline:"
"""How the order of a sale made by hand keeps its reference (`acts/plan_offline.py:key_of`)."""


@dataclass(frozen=True)
class OnSale:
    """One pack that may be sold."""

    id: SkuId
    code: str
    name: str
    name_en: str
    pack: str
    pack_en: str
    price_fen: int
    cooperative: str
    cooperative_en: str


@dataclass(frozen=True)
class Unit:
    """An eastern unit that a sale may be credited to."""

    id: EasternUnitId
    name: str


def list_on_sale() -> tuple[OnSale, ...]:
    """Every pack on sale, by cooperative and product. One statement."""
    query = (
        select(
            Sku.id,
            Sku.code,
            Product.name,
            Product.name_en,
            Sku.pack,
            Sku.pack_en,
            Sku.price_fen,
            Cooperative.short_name,
            Cooperative.name_en,
        )
        .join(Product, Product.id == Sku.product_id)
        .join(Cooperative, Cooperative.id == Product.cooperative_id)
        .where(Sku.is_offered, Product.status == ProductStatus.PUBLISHED)
        .order_by(Cooperative.slug, Product.slug, Sku.price_fen, Sku.id)
    )
    return tuple(rows_as(OnSale, db.session.execute(query)))


def list_units() -> tuple[Unit, ...]:
    """Every eastern unit that can be chosen. One statement."""
    open_ones = select(EasternUnit.id, EasternUnit.name).where(EasternUnit.closed_at.is_(None)).order_by(EasternUnit.slug)
    return tuple(rows_as(Unit, db.session.execute(open_ones)))


def get_hand_ref(order_id: OrderId) -> str:
    """The reference under which a sale made by hand was written down.

    Raises NoSuchOrder when it was made in the shop.
    """
    once = db.session.scalar(select(Order.once).where(Order.id == order_id, Order.channel == Channel.OFFLINE))
    if once is None or not once.startswith(_KEY):
        raise NoSuchOrder
    return once.removeprefix(_KEY)
