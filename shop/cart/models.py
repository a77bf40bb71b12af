"""Tables of the cart."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import SECRET, BigId, Instant, Model


class Cart(Model):
    """A basket: of a guest, found by a secret key in the session, or of a user."""

    __tablename__ = "carts"
    __table_args__ = (CheckConstraint("(key IS NULL) <> (user_id IS NULL)", name="one_owner"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str | None] = mapped_column(String(32), unique=True, info=SECRET)
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"), unique=True)
    touched_at: Mapped[datetime] = mapped_column(Instant, index=True)


class CartLine(Model):
    """So many of one SKU, at the price that was seen."""

    __tablename__ = "cart_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)

    cart_id: Mapped[int] = mapped_column(BigId, ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True)
    sku_id: Mapped[int] = mapped_column(BigId, ForeignKey("skus.id"), primary_key=True)
    quantity: Mapped[int]
    seen_price_fen: Mapped[int]
    added_at: Mapped[datetime] = mapped_column(Instant)
