"""Tables of voices."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import PERSONAL, BigId, Instant, Model, choice


class Moderation(StrEnum):
    """Where something that somebody wrote stands on its way to everybody."""

    WAITING = "waiting"
    """Nobody has looked at it; nobody but its writer, its cooperative and staff sees it."""
    PUBLISHED = "published"
    REFUSED = "refused"
    """Looked at and not shown; why stands beside it."""


_WAITS = text("state = 'waiting' OR reply_state = 'waiting'")


class Review(Model):
    """What a buyer says of one line of an order that has arrived, and what the cooperative answers. Each is shown only after staff have looked at it."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("line_id"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint("(reply_state IS NULL) = (reply = '')", name="reply"),
        Index("ix_reviews_product", "product_id", "state"),
        Index("ix_reviews_waiting", "id", postgresql_where=_WAITS, sqlite_where=_WAITS),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"))
    line_id: Mapped[int] = mapped_column(BigId, ForeignKey("order_lines.id"))
    """The purchase that it speaks of: one review each, so only whoever bought can write one."""
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    """None: a guest, who holds the order's key."""
    stars: Mapped[int]
    words: Mapped[str] = mapped_column(String(1000), info={"personal": True})
    locale: Mapped[str] = mapped_column(String(8))
    """The language of the page it was written on, so that it is marked on the others."""
    place: Mapped[str] = mapped_column(String(30), default="")
    """The city that the parcel went to, all that is said of who wrote it: 苏州市."""
    state: Mapped[Moderation] = mapped_column(choice(Moderation, "state"))
    written_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    why: Mapped[str] = mapped_column(String(200), default="")
    """Why it was refused, for its writer."""
    reply: Mapped[str] = mapped_column(String(600), default="")
    reply_state: Mapped[Moderation | None] = mapped_column(choice(Moderation, "reply_state"))
    reply_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    reply_at: Mapped[datetime | None] = mapped_column(Instant)
    reply_why: Mapped[str] = mapped_column(String(200), default="")


class ReviewPhoto(Model):
    """A photograph of a review. Its picture is public exactly while the review is."""

    __tablename__ = "review_photos"

    review_id: Mapped[int] = mapped_column(BigId, ForeignKey("reviews.id"), primary_key=True, autoincrement=False)
    picture_id: Mapped[int] = mapped_column(BigId, ForeignKey("pictures.id"), primary_key=True, autoincrement=False)
    position: Mapped[int]


class Wish(Model):
    """Somebody wants one letter when a product can be bought again. The key in its links is made of `seed` (`kit/keys.py`)."""

    __tablename__ = "wishes"
    __table_args__ = (UniqueConstraint("product_id", "email"), Index("ix_wishes_open", "product_id", "told_at", "ended_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"))
    email: Mapped[str] = mapped_column(String(254), info={"personal": True})
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"), index=True)
    locale: Mapped[str] = mapped_column(String(8))
    seed: Mapped[str] = mapped_column(String(32))
    wished_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the letter was left; a new wish empties it."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    """When its owner took it back."""


class Side(StrEnum):
    """Who speaks, or reads."""

    BUYER = "buyer"
    COOPERATIVE = "cooperative"
    STAFF = "staff"


class OrderMessage(Model):
    """Something that was said on an order. Append-only: only being forgotten empties its words."""

    __tablename__ = "order_messages"
    __table_args__ = (Index("ix_order_messages_thread", "order_id", "cooperative_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"))
    cooperative_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("cooperatives.id"), index=True)
    """With which cooperative the buyer speaks; none: with the staff."""
    side: Mapped[Side] = mapped_column(choice(Side, "side"))
    once: Mapped[str] = mapped_column(String(40), unique=True)
    at: Mapped[datetime] = mapped_column(Instant)
    by_user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    """Nobody's for a guest."""
    words: Mapped[str] = mapped_column(String(500), info=PERSONAL)
    is_settling: Mapped[bool] = mapped_column(default=False)
    """No words, but staff saying that what was said last wants no answer."""


class MessagesSeen(Model):
    """How far one side has read an order's messages."""

    __tablename__ = "order_messages_seen"

    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"), primary_key=True)
    side: Mapped[Side] = mapped_column(choice(Side, "side"), primary_key=True)
    cooperative_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False, default=0)
    """Which cooperative reads; nought for buyer and staff, who read all of an order's threads."""
    message_id: Mapped[int] = mapped_column(BigId)
    """The last that was seen."""
