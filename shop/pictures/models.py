"""Tables of pictures."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model, choice
from shop.kit.pictures import Format


class Picture(Model):
    """A picture in all its widths. What it belongs to names it by id."""

    __tablename__ = "pictures"
    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0 AND size_bytes > 0", name="size"),
        Index("ix_pictures_name", "name"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    """Of its content and size (`kit.pictures.Drawn`). The same picture brought twice is two rows: they belong to different things."""
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    """Of all its files."""
    is_public: Mapped[bool]
    """Whether it has an address that anybody may open."""
    uploaded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    """None: a guest, who holds an order's key."""
    uploaded_at: Mapped[datetime] = mapped_column(Instant)


class PictureFile(Model):
    """One drawing of a picture."""

    __tablename__ = "picture_files"

    picture_id: Mapped[int] = mapped_column(BigId, ForeignKey("pictures.id"), primary_key=True, autoincrement=False)
    width: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    format: Mapped[Format] = mapped_column(choice(Format, "format"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, info={"secret": True})
    """Bytes stand in no copy of what is known of a person; their pages show the picture."""
