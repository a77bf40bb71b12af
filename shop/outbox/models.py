"""Tables of the outbox."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model

_WAITING = text("sent_at IS NULL AND given_up_at IS NULL")


class Letter(Model):
    """One letter to one person, waiting or sent. Holds the address and what the template needs; emptied of both when the person is deleted."""

    __tablename__ = "letters"
    __table_args__ = (
        UniqueConstraint("once"),
        Index("ix_letters_waiting", "next_try_at", postgresql_where=_WAITING, sqlite_where=_WAITING),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    once: Mapped[str] = mapped_column(String(120))
    """What the letter is about, e.g. `paid:SH-261123-7K3M9P`; the same cause never writes two."""
    subject: Mapped[str] = mapped_column(String(40), index=True)
    """The order's number."""
    locale: Mapped[str] = mapped_column(String(8))
    to_email: Mapped[str | None] = mapped_column(String(254))
    to_phone: Mapped[str | None] = mapped_column(String(20))
    facts: Mapped[dict[str, object]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Instant)
    next_try_at: Mapped[datetime] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    given_up_at: Mapped[datetime | None] = mapped_column(Instant)
    trouble: Mapped[str | None] = mapped_column(String(200))


class AuditRow(Model):
    """Who did what to which thing, and why. Append-only; holds no personal data."""

    __tablename__ = "audit_rows"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    by_user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(80), index=True)
    facts: Mapped[dict[str, object]] = mapped_column(JSON)
