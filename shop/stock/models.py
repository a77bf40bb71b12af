"""Tables of stock."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model, choice


class PickState(StrEnum):
    """Life of a pick."""

    HELD = "held"
    """Kept for an order that is not paid yet."""
    SOLD = "sold"
    """Paid for."""
    RELEASED = "released"
    """Given back before payment."""


class MovementKind(StrEnum):
    """Why a stock item changed."""

    PACKED = "packed"
    HELD = "held"
    RELEASED = "released"
    SOLD = "sold"
    RETURNED = "returned"
    """Came back and is for sale again."""
    RETURNED_SPOILT = "returned_spoilt"
    """Came back, or was refunded without coming back, and is written off."""
    WRITTEN_OFF = "written_off"
    RECOUNTED = "recounted"


class Lot(Model):
    """One batch of one product, ready for sale."""

    __tablename__ = "lots"
    __table_args__ = (
        CheckConstraint("produced_grams > 0", name="produced"),
        CheckConstraint("packed_grams >= 0 AND packed_grams <= produced_grams", name="packed_within_produced"),
        CheckConstraint("best_before >= harvested_on", name="dates"),
        CheckConstraint("gross_fen >= 0", name="gross"),
        CheckConstraint("harvest_grams > 0", name="harvest"),
        Index("ix_lots_product", "product_id", "best_before"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(24), unique=True)
    """Printed on the bag, e.g. BS2610A."""
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"))
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"), index=True)
    harvested_on: Mapped[date]
    best_before: Mapped[date]
    grade: Mapped[str] = mapped_column(String(20), default="")
    harvest_grams: Mapped[int | None] = mapped_column(BigInteger)
    """What went in, e.g. paddy for rice; produced ÷ harvest lies within the product's bounds. None: it was not written down."""
    produced_grams: Mapped[int] = mapped_column(BigInteger)
    packed_grams: Mapped[int] = mapped_column(BigInteger, default=0)
    gross_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    """Running total T of what its sales were worth; refunds never lower it (DESIGN §2.4)."""
    source_version: Mapped[int] = mapped_column(default=1)
    once: Mapped[str | None] = mapped_column(String(40), unique=True)
    """Key of the form that recorded it: sent twice, it makes one lot."""
    recorded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recalled_at: Mapped[datetime | None] = mapped_column(Instant)


class LotPhoto(Model):
    """What the lot looked like: sacks, fruit, the scales."""

    __tablename__ = "lot_photos"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lot_id: Mapped[int] = mapped_column(BigId, ForeignKey("lots.id"), index=True)
    picture_id: Mapped[int] = mapped_column(BigId, ForeignKey("pictures.id"), unique=True)
    added_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    added_at: Mapped[datetime] = mapped_column(Instant)


class RecallKind(StrEnum):
    """What is wrong with a lot that is called back."""

    UNSAFE = "unsafe"
    """It may do harm."""
    SPOILT = "spoilt"
    """Mouldy, sour, weevils: not what was promised."""
    LABEL = "label"
    """What stands on the bag is wrong, e.g. an allergen is missing."""
    OTHER = "other"


class Recall(Model):
    """A lot was called back: nothing of it is sold from then on, and everybody who bought of it gets a letter. For good."""

    __tablename__ = "recalls"
    __table_args__ = (CheckConstraint("words <> ''", name="words"), CheckConstraint("letters >= 0", name="letters"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lot_id: Mapped[int] = mapped_column(BigId, ForeignKey("lots.id"), unique=True)
    kind: Mapped[RecallKind] = mapped_column(choice(RecallKind, "kind"))
    words: Mapped[str] = mapped_column(String(200))
    """What buyers and everybody read."""
    by_staff: Mapped[bool]
    once: Mapped[str] = mapped_column(String(40), unique=True)
    recalled_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    recalled_at: Mapped[datetime] = mapped_column(Instant)
    through_order_id: Mapped[int] = mapped_column(BigInteger, default=0)
    """Buyers of orders up to this id were written to: where to go on after a crash."""
    letters: Mapped[int] = mapped_column(default=0)
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    """Everybody was written to."""


class LotSource(Model):
    """How many grams of a lot came from one village. A version is never changed; a correction adds the next."""

    __tablename__ = "lot_sources"
    __table_args__ = (CheckConstraint("grams > 0", name="grams"),)

    lot_id: Mapped[int] = mapped_column(BigId, ForeignKey("lots.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), primary_key=True, index=True)
    grams: Mapped[int] = mapped_column(BigInteger)


class CorrectionState(StrEnum):
    """Life of a lot's correction."""

    PROPOSED = "proposed"
    """One person says what is wrong; nothing has changed."""
    APPROVED = "approved"
    """Another agreed: the lot's sources are the new ones, and what was sold before is being booked anew."""
    DONE = "done"
    """Everything that was sold before is booked anew."""
    REJECTED = "rejected"


class LotCorrection(Model):
    """What should have been written down about a lot whose villages or grams were wrong. One at a time for a lot."""

    __tablename__ = "lot_corrections"
    __table_args__ = (
        UniqueConstraint("lot_id", "version"),
        CheckConstraint("produced_grams > 0", name="produced"),
        CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="second_person"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(state IN ('approved', 'done')) = (version IS NOT NULL)", name="has_version"),
        CheckConstraint("(state IN ('done', 'rejected')) = (ended_at IS NOT NULL)", name="has_ended"),
        Index(
            "ix_lot_corrections_open",
            "lot_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_lot_corrections_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lot_id: Mapped[int] = mapped_column(BigId, ForeignKey("lots.id"))
    produced_grams: Mapped[int] = mapped_column(BigInteger)
    seen_version: Mapped[int]
    """The sources that were in force when it was proposed."""
    seen_produced_grams: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int | None]
    """The sources that it made, once approved."""
    reason: Mapped[str] = mapped_column(String(200))
    state: Mapped[CorrectionState] = mapped_column(choice(CorrectionState, "state"))
    once: Mapped[str] = mapped_column(String(40), unique=True)
    proposed_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    word: Mapped[str] = mapped_column(String(200), default="")
    """What the second person said to it; of a rejection, why."""
    through_order_id: Mapped[int] = mapped_column(BigInteger, default=0)
    """Orders up to this id are booked anew: where to go on after a crash."""
    sales: Mapped[int] = mapped_column(default=0)
    """How many orders were booked anew so far."""
    moved_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    """What changed villages so far, refunds taken off."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class LotCorrectionSource(Model):
    """How many grams of the lot came from one village, by a correction."""

    __tablename__ = "lot_correction_sources"
    __table_args__ = (CheckConstraint("grams > 0", name="grams"),)

    correction_id: Mapped[int] = mapped_column(BigId, ForeignKey("lot_corrections.id"), primary_key=True)
    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), primary_key=True, index=True)
    grams: Mapped[int] = mapped_column(BigInteger)


class StockItem(Model):
    """Units of one SKU packed from one lot. Free to sell: packed − held − sold − written off."""

    __tablename__ = "stock_items"
    __table_args__ = (
        UniqueConstraint("lot_id", "sku_id"),
        CheckConstraint("packed >= 0 AND held >= 0 AND sold >= 0 AND written_off >= 0", name="not_negative"),
        CheckConstraint("held + sold + written_off <= packed", name="sold_within_packed"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lot_id: Mapped[int] = mapped_column(BigId, ForeignKey("lots.id"))
    sku_id: Mapped[int] = mapped_column(BigId, ForeignKey("skus.id"), index=True)
    packed: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    sold: Mapped[int] = mapped_column(default=0)
    written_off: Mapped[int] = mapped_column(default=0)
    counted_at: Mapped[datetime | None] = mapped_column(Instant)
    """When somebody last looked at the shelf and said how many there are."""


class Pick(Model):
    """n units of one stock item for one order line: held → sold, or released; later returned."""

    __tablename__ = "picks"
    __table_args__ = (
        CheckConstraint("units > 0", name="units"),
        CheckConstraint("returned_units >= 0 AND returned_units <= units", name="returned_within_units"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    line_id: Mapped[int] = mapped_column(BigId, ForeignKey("order_lines.id"), index=True)
    item_id: Mapped[int] = mapped_column(BigId, ForeignKey("stock_items.id"), index=True)
    units: Mapped[int]
    returned_units: Mapped[int] = mapped_column(default=0)
    """Refunded by quantity, whether they came back or not."""
    state: Mapped[PickState] = mapped_column(choice(PickState, "state"))


class Movement(Model):
    """Append-only reason for a change of a stock item, with the figures after it."""

    __tablename__ = "movements"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    item_id: Mapped[int] = mapped_column(BigId, ForeignKey("stock_items.id"), index=True)
    kind: Mapped[MovementKind] = mapped_column(choice(MovementKind, "kind"))
    packed_change: Mapped[int] = mapped_column(default=0)
    held_change: Mapped[int] = mapped_column(default=0)
    sold_change: Mapped[int] = mapped_column(default=0)
    written_off_change: Mapped[int] = mapped_column(default=0)
    packed_after: Mapped[int]
    held_after: Mapped[int]
    sold_after: Mapped[int]
    written_off_after: Mapped[int]
    pick_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("picks.id"), index=True)
    once: Mapped[str | None] = mapped_column(String(80), unique=True)
    """What may happen once, e.g. `sold:17`; the second time is refused by the key."""
    by_user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    reason: Mapped[str] = mapped_column(String(120), default="")
    at: Mapped[datetime] = mapped_column(Instant)
