"""Tables of claims: what buyers ask for after paying."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import PERSONAL, BigId, Instant, Model, choice
from shop.orders.claim_states import MOST_CLAIM_WORDS, ClaimKind, ClaimReason, ClaimState


class Claim(Model):
    """A buyer wants goods of one cooperative called off, or gives them back: which, why, what was answered, how it went on."""

    __tablename__ = "claims"
    __table_args__ = (
        CheckConstraint("state NOT IN ('accepted', 'sent', 'due', 'refunded', 'refused') OR answered_at IS NOT NULL", name="answered"),
        CheckConstraint(
            "state NOT IN ('accepted', 'sent') OR (must_send_back IS NOT NULL AND must_send_back AND return_to <> '')", name="sent_back"
        ),
        CheckConstraint("state <> 'sent' OR (sent_at IS NOT NULL AND tracking_number <> '')", name="sent"),
        CheckConstraint("state NOT IN ('due', 'refunded') OR restock IS NOT NULL", name="goods"),
        CheckConstraint("state <> 'refunded' OR return_id IS NOT NULL", name="refunded"),
        CheckConstraint("state <> 'refused' OR why <> ''", name="refused"),
        CheckConstraint("(state IN ('refunded', 'refused', 'withdrawn', 'lapsed')) = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("offer_fen IS NULL OR (offer_fen > 0 AND must_send_back IS NOT NULL AND NOT must_send_back)", name="offer"),
        CheckConstraint("attempt >= 0", name="attempt"),
        Index("ix_claims_order", "order_id"),
        Index("ix_claims_state", "state", "id"),
        Index("ix_claims_cooperative", "cooperative_id", "state"),
        Index("ix_claims_return", "return_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"))
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"))
    once: Mapped[str] = mapped_column(String(80), unique=True)
    """The form's key and the cooperative: sent twice, it is one claim."""
    kind: Mapped[ClaimKind] = mapped_column(choice(ClaimKind, "kind"))
    state: Mapped[ClaimState] = mapped_column(choice(ClaimState, "state"))
    reason: Mapped[ClaimReason] = mapped_column(choice(ClaimReason, "reason"))
    reason_words: Mapped[str] = mapped_column(String(60))
    """The reason in the order's language: the refund carries it."""
    words: Mapped[str] = mapped_column(String(MOST_CLAIM_WORDS), default="", info=PERSONAL)
    """What the buyer says besides."""
    wants_to_keep: Mapped[bool]
    """The buyer would rather not send the goods back."""
    asked_at: Mapped[datetime] = mapped_column(Instant)
    asked_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    """None: a guest, who holds the order's key."""
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    answered_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    """None where the shop's rule answered."""
    must_send_back: Mapped[bool | None]
    we_pay_carriage: Mapped[bool | None]
    """Of the way back: collected from us on arrival 到付, or paid by the buyer."""
    return_to: Mapped[str] = mapped_column(String(200), default="")
    """Where the goods are to go: address, name and telephone of the cooperative's receiving desk."""
    offer_fen: Mapped[int | None] = mapped_column(BigInteger)
    """So much for a claim of one line, instead of the price of its units; the goods stay with the buyer."""
    why: Mapped[str] = mapped_column(String(200), default="")
    """Why it was refused, or a word with the answer; the buyer reads it."""
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    carrier: Mapped[str] = mapped_column(String(40), default="")
    tracking_number: Mapped[str] = mapped_column(String(40), default="")
    received_at: Mapped[datetime | None] = mapped_column(Instant)
    received_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    restock: Mapped[bool | None]
    """What becomes of the goods: for sale again, or written off."""
    attempt: Mapped[int] = mapped_column(default=0)
    """How often its refund has failed or was rejected by a second person; part of the refund's key."""
    return_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("returns.id"))
    """The refund that settled it, or the one that failed."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class ClaimLine(Model):
    """So many units of one line of the order. The order's line counts them (`claimed_units`), so that never more are claimed than were sold."""

    __tablename__ = "claim_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="positive"),)

    claim_id: Mapped[int] = mapped_column(BigId, ForeignKey("claims.id"), primary_key=True, autoincrement=False)
    line_id: Mapped[int] = mapped_column(BigId, ForeignKey("order_lines.id"), primary_key=True, autoincrement=False, index=True)
    quantity: Mapped[int]


class ClaimPhoto(Model):
    """A photograph that shows what is wrong. Its picture is never public."""

    __tablename__ = "claim_photos"

    claim_id: Mapped[int] = mapped_column(BigId, ForeignKey("claims.id"), primary_key=True, autoincrement=False)
    picture_id: Mapped[int] = mapped_column(BigId, ForeignKey("pictures.id"), primary_key=True, autoincrement=False)
    position: Mapped[int]
