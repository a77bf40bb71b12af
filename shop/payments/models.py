"""Tables of payments."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model, choice


class PaymentState(StrEnum):
    """Life of one attempt to pay. Moves downwards in this list only."""

    STARTING = "starting"
    """Written down; the provider has not answered yet."""
    OPEN = "open"
    """The buyer can pay on the provider's page."""
    FAILED = "failed"
    """The provider refused to start it; nothing can be paid."""
    EXPIRED = "expired"
    """Its page can no longer be paid on. A bank may still answer late: then it becomes paid."""
    PAID = "paid"
    """The provider says that the money is there."""
    MISMATCH = "mismatch"
    """Paid, but another amount or currency than asked: recorded, nothing moved, on the staff desk."""


class RefundState(StrEnum):
    """Life of one refund."""

    ASKED = "asked"
    """Written down and booked; the provider has not answered yet."""
    PENDING = "pending"
    """The provider took it on."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The money did not go back; the booking is reversed."""


class Payment(Model):
    """One attempt to pay for one reference."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("reference", "attempt"),
        UniqueConstraint("provider", "session_id"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("received_fen >= 0 AND refunded_fen >= 0 AND refunded_fen <= received_fen", name="refunded_within_received"),
        Index("ix_payments_due", "next_check_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str] = mapped_column(String(24))
    """The order's number."""
    attempt: Mapped[int]
    state: Mapped[PaymentState] = mapped_column(choice(PaymentState, "state"))
    amount_fen: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    session_id: Mapped[str | None] = mapped_column(String(120))
    """The provider's name for the attempt (Stripe: `cs_…`)."""
    intent_id: Mapped[str | None] = mapped_column(String(120), index=True)
    """The provider's name for the money (Stripe: `pi_…`)."""
    pay_url: Mapped[str | None] = mapped_column(String(2000))
    method: Mapped[str | None] = mapped_column(String(24))
    """card, alipay, wechat_pay."""
    received_fen: Mapped[int] = mapped_column(default=0)
    received_currency: Mapped[str | None] = mapped_column(String(3))
    refunded_fen: Mapped[int] = mapped_column(default=0)
    """Asked back so far, failed refunds not counted: the cap on refunds."""
    trouble: Mapped[str | None] = mapped_column(String(200))
    started_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    paid_at: Mapped[datetime | None] = mapped_column(Instant)
    next_check_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the sweep asks the provider again; none once it is final."""
    checks: Mapped[int] = mapped_column(default=0)


class Refund(Model):
    """Money going back to where it came from."""

    __tablename__ = "refunds"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"), Index("ix_refunds_due", "next_check_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(BigId, ForeignKey("payments.id"), index=True)
    once: Mapped[str] = mapped_column(String(80), unique=True)
    """Also the provider's idempotency key."""
    amount_fen: Mapped[int]
    reason: Mapped[str] = mapped_column(String(120))
    state: Mapped[RefundState] = mapped_column(choice(RefundState, "state"))
    provider_id: Mapped[str | None] = mapped_column(String(120), unique=True)
    trouble: Mapped[str | None] = mapped_column(String(200))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    next_check_at: Mapped[datetime | None] = mapped_column(Instant)
    checks: Mapped[int] = mapped_column(default=0)


class ProviderEvent(Model):
    """Something a provider told us: kept first, then looked into. Holds names of objects only, never what they say."""

    __tablename__ = "provider_events"
    __table_args__ = (UniqueConstraint("provider", "event_id"), Index("ix_provider_events_due", "next_try_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    event_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(80))
    object_id: Mapped[str | None] = mapped_column(String(120))
    happened_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(BigInteger, default=0)
    trouble: Mapped[str | None] = mapped_column(String(200))
