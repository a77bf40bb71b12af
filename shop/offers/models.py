"""Tables of offers."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import PERSONAL, BigId, Instant, Model, choice


class VoucherKind(StrEnum):
    """How a voucher's worth is measured."""

    FIXED = "fixed"
    """So many fen."""
    PERCENT = "percent"
    """A part of what the goods it is for cost, in basis points."""


class Voucher(Model):
    """A promise of money off, made by staff, known by its code. Its terms are never edited: it is ended, and another one made."""

    __tablename__ = "vouchers"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="days"),
        CheckConstraint("minimum_fen >= 0 AND (most_fen IS NULL OR most_fen > 0)", name="sums"),
        CheckConstraint("(kind = 'fixed' AND worth > 0) OR (kind = 'percent' AND worth BETWEEN 1 AND 9000)", name="worth"),
        CheckConstraint("village_id IS NULL OR category_id IS NULL", name="one_binding"),
        CheckConstraint("used >= 0 AND (most_uses IS NULL OR used <= most_uses)", name="uses"),
        CheckConstraint("most_per_buyer IS NULL OR most_per_buyer > 0", name="per_buyer"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        Index("ix_vouchers_last_day", "last_day"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    """What a buyer types: capital letters and digits."""
    name: Mapped[str] = mapped_column(String(40))
    """What stands on the order: 中秋满减."""
    name_en: Mapped[str] = mapped_column(String(60), default="")
    kind: Mapped[VoucherKind] = mapped_column(choice(VoucherKind, "kind"))
    worth: Mapped[int]
    """Fen, or basis points of the goods it is for (1000: a tenth)."""
    most_fen: Mapped[int | None]
    """The most that a part may come to."""
    minimum_fen: Mapped[int]
    """The goods it is for have to cost this much, at their prices."""
    village_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("villages.id"))
    """Only for products of this village."""
    category_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("categories.id"))
    """Only for products on this shelf."""
    first_day: Mapped[date]
    last_day: Mapped[date]
    """Inclusive; the day of ordering counts."""
    most_uses: Mapped[int | None]
    most_per_buyer: Mapped[int | None]
    is_stackable: Mapped[bool]
    """Whether it may stand beside another one that may."""
    used: Mapped[int] = mapped_column(default=0)
    """Uses that stand: those of orders that lapsed or were called off were given back."""
    once: Mapped[str] = mapped_column(String(40), unique=True)
    made_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    """Nobody can use it any more, whatever its days say."""
    ended_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))


class VoucherUse(Model):
    """One voucher on one order, with what stood on the order for it. Given back when the order lapses or is called off."""

    __tablename__ = "voucher_uses"
    __table_args__ = (
        UniqueConstraint("order_id", "voucher_id"),
        CheckConstraint("amount_fen > 0", name="amount"),
        Index(
            "ix_voucher_uses_standing", "voucher_id", sqlite_where=text("released_at IS NULL"), postgresql_where=text("released_at IS NULL")
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    voucher_id: Mapped[int] = mapped_column(BigId, ForeignKey("vouchers.id"))
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"))
    code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))
    amount_fen: Mapped[int]
    """Its part of the order's discount."""
    buyer_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    phone: Mapped[str | None] = mapped_column(String(11), info=PERSONAL)
    """Whom a limit per buyer counts, beside the account."""
    used_at: Mapped[datetime] = mapped_column(Instant)
    released_at: Mapped[datetime | None] = mapped_column(Instant)
