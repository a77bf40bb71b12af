"""Reading baskets."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, or_, select

from shop.cart.models import Cart, CartLine
from shop.extensions import columns_of, db, rows_as, table_of
from shop.kit.ids import CartId, SkuId, UserId

_cart, _line = columns_of(Cart), columns_of(CartLine)

OWNED = or_(_cart.key == bindparam("cart_key"), _cart.user_id == bindparam("cart_user_id"))
"""The condition that finds a basket; its parameters are `CartOwner.bound`. One of the two is NULL and matches nothing."""

_FIND = select(_cart.id).where(OWNED)
_OF_CART = table_of(CartLine).join(table_of(Cart), _cart.id == _line.cart_id)
_LINES = (
    select(_line.sku_id, _line.quantity, _line.seen_price_fen).select_from(_OF_CART).where(OWNED).order_by(_line.added_at, _line.sku_id)
)
_COUNT = select(func.coalesce(func.sum(_line.quantity), 0)).select_from(_OF_CART).where(OWNED)


@dataclass(frozen=True)
class CartOwner:
    """Whose basket: a guest's, by its secret key, or a user's. Exactly one of the two is given."""

    key: str | None = None
    user_id: UserId | None = None

    @property
    def bound(self) -> dict[str, object]:
        """The parameters of OWNED."""
        assert (self.key is None) != (self.user_id is None), "one owner"
        return {"cart_key": self.key, "cart_user_id": self.user_id}


@dataclass(frozen=True)
class BasketLine:
    """So many of one SKU, with the price that was seen when it was put in."""

    sku_id: SkuId
    quantity: int
    seen_price_fen: int


def find_cart(owner: CartOwner) -> CartId | None:
    """The owner's basket, if one was begun."""
    found = db.session.scalar(_FIND, owner.bound)
    return CartId(found) if found is not None else None


def lines_of(owner: CartOwner) -> list[BasketLine]:
    """What is in the owner's basket, in the order it was put in."""
    return rows_as(BasketLine, db.session.execute(_LINES, owner.bound))


def count_units(owner: CartOwner) -> int:
    """Units in the owner's basket, for the page's head."""
    return db.session.scalar(_COUNT, owner.bound) or 0
