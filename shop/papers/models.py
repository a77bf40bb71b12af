"""Tables of papers."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model


class Attachment(Model):
    """A file that belongs to something: a bank's slip to a payment, a bill to a cost. Its bytes lie in the instance folder, named by their hash."""

    __tablename__ = "attachments"
    __table_args__ = (
        UniqueConstraint("subject_kind", "subject_id", "sha256"),
        CheckConstraint("size_bytes > 0", name="size"),
        Index("ix_attachments_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject_kind: Mapped[str] = mapped_column(String(24))
    """`payment`, `cost` …: what it belongs to. The page that shows it checks the right to that."""
    subject_id: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(40))
    """Found from the bytes, never from what the browser said."""
    size_bytes: Mapped[int]
    uploaded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    """None: a guest, who holds an order's key."""
    uploaded_at: Mapped[datetime] = mapped_column(Instant)
