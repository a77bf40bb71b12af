"""Reading baskets."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from shop.cart.models import Cart, CartLine
from shop.extensions import db, rows_as
from shop.kit.ids import CartId, SkuId, UserId


@dataclass(frozen=True)
class CartOwner:
    """Whose basket: a guest's, by its secret key, or a user's. Exactly one of the two is given."""

    key: str | None = None
    user_id: UserId | None = None

    def owns(self) -> ColumnElement[bool]:
        """The condition that finds the basket."""
        assert (self.key is None) != (self.user_id is None), "one owner"
        return Cart.user_id == self.user_id if self.user_id is not None else Cart.key == self.key


@dataclass(frozen=True)
class BasketLine:
    """So many of one SKU, with the price that was seen when it was put in."""

    sku_id: SkuId
    quantity: int
    seen_price_fen: int


def find_cart(owner: CartOwner) -> CartId | None:
    """The owner's basket, if one was begun."""
    found = db.session.scalar(select(Cart.id).where(owner.owns()))
    return CartId(found) if found is not None else None


def lines_of(owner: CartOwner) -> list[BasketLine]:
    """What is in the owner's basket, in the order it was put in."""
    rows = db.session.execute(
        select(CartLine.sku_id, CartLine.quantity, CartLine.seen_price_fen)
        .join(Cart, Cart.id == CartLine.cart_id)
        .where(owner.owns())
        .order_by(CartLine.added_at, CartLine.sku_id)
    )
    return rows_as(BasketLine, rows)


def count_units(owner: CartOwner) -> int:
    """Units in the owner's basket, for the page's head."""
    return (
        db.session.scalar(select(func.coalesce(func.sum(CartLine.quantity), 0)).join(Cart, Cart.id == CartLine.cart_id).where(owner.owns()))
        or 0
    )
