"""Files that people bring: slips of banks, bills. Checked by their bytes, cleaned, kept once under their hash.

Law: what a file is, its bytes say, never its name. A picture is drawn anew, so nothing of its camera, its place or anything hidden behind it is kept.
A row names the bytes by their hash; the bytes are written before the row, so a row always has its file.
"""

import io
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NewType

from sqlalchemy import func, insert, select

from shop.extensions import columns_of, db, fields_of, require_no_transaction, require_transaction, row_as, rows_as, table_of
from shop.kit.ids import UserId
from shop.kit.pictures import BadPicture, open_upright
from shop.kit.pictures import WhyNot as Bad
from shop.papers.errors import CannotKeep, NoSuchAttachment, WhyNot
from shop.papers.models import Attachment

AttachmentId = NewType("AttachmentId", int)

MOST_BYTES = 5 * 1024 * 1024
"""Of one file as it was brought; a photograph of a telephone is 2 to 4 MB."""
MOST_OF_ONE_THING = 10
"""Files that one thing may have."""
LONGEST_SIDE = 2400
"""Pixels: a slip photographed by telephone stays legible."""
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}
"""Media type → how a downloaded file's name ends. There are no others."""


@dataclass(frozen=True)
class Cleaned:
    """Bytes that may be kept."""

    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """What it is kept under."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True)
class AttachmentRow:
    """One kept file."""

    id: AttachmentId
    subject_kind: str
    subject_id: int
    sha256: str
    media_type: str
    size_bytes: int
    uploaded_by: UserId | None
    uploaded_at: datetime


# ── What was brought ──────────────────────────────────────────────────────────────────────────────────────────────────


def clean_upload(brought: bytes, *, most_bytes: int = MOST_BYTES) -> Cleaned:
    """A picture (JPEG, PNG, WebP, HEIC) drawn anew, upright and without metadata, at most `LONGEST_SIDE` pixels; a PDF as it is.

    Pure. Raises CannotKeep.
    """
    if not brought:
        raise CannotKeep(WhyNot.EMPTY)
    if len(brought) > most_bytes:
        raise CannotKeep(WhyNot.TOO_LARGE)
    if brought.startswith(b"%PDF-") and b"%%EOF" in brought[-2048:]:
        return Cleaned("application/pdf", brought)
    return _drawn_anew(brought, most_bytes)


def _drawn_anew(brought: bytes, most_bytes: int) -> Cleaned:
    try:
        fresh = open_upright(brought, most_bytes=most_bytes, longest_side=LONGEST_SIDE)
    except BadPicture as refusal:
        raise CannotKeep(WhyNot.TOO_LARGE if refusal.why is Bad.TOO_MANY_PIXELS else WhyNot.NOT_KNOWN) from refusal
    written = io.BytesIO()
    if brought.startswith(b"\x89PNG"):
        fresh.save(written, "PNG", optimize=True)
        return Cleaned("image/png", written.getvalue())
    fresh.convert("RGB").save(written, "JPEG", quality=85, optimize=True)
    return Cleaned("image/jpeg", written.getvalue())


# ── Bytes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_bytes(cleaned: Cleaned, instance_path: Path) -> None:
    """Put the bytes under the instance folder, once for each content. Call it before `attach`, outside any transaction: discs are slow."""
    require_no_transaction()
    place = _place(instance_path, cleaned.sha256)
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as half:
        half.write(cleaned.content)
        half.flush()
        os.fsync(half.fileno())
    os.replace(half.name, place)


def read_bytes(attachment: AttachmentRow, instance_path: Path) -> bytes:
    """The kept bytes.

    Raises NoSuchAttachment when they are gone, or are not what was kept.
    """
    try:
        content = _place(instance_path, attachment.sha256).read_bytes()
    except OSError as error:
        raise NoSuchAttachment from error
    if sha256(content).hexdigest() != attachment.sha256:
        raise NoSuchAttachment
    return content


def remove_bytes(names: Sequence[str], instance_path: Path) -> None:
    """Delete kept bytes that no row names any more. Outside any transaction, after the rows went."""
    require_no_transaction()
    for name in names:
        _place(instance_path, name).unlink(missing_ok=True)


def _place(instance_path: Path, name: str) -> Path:
    return instance_path / "attachments" / name[:2] / name


# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_row = columns_of(Attachment)
_FIELDS = fields_of(AttachmentRow, Attachment)


def attach(cleaned: Cleaned, *, subject_kind: str, subject_id: int, by: UserId | None, now: datetime) -> AttachmentId:
    """Step. The file belongs to this thing; brought twice, it is kept once. The caller has locked the thing, so two at once stay one.

    Raises CannotKeep when the thing has `MOST_OF_ONE_THING` already.
    """
    require_transaction()
    its = (_row.subject_kind == subject_kind, _row.subject_id == subject_id)
    known = db.session.scalar(select(_row.id).where(*its, _row.sha256 == cleaned.sha256))
    if known is not None:
        return AttachmentId(known)
    if (db.session.scalar(select(func.count()).select_from(table_of(Attachment)).where(*its)) or 0) >= MOST_OF_ONE_THING:
        raise CannotKeep(WhyNot.TOO_MANY)
    new_id = db.session.scalar(
        insert(table_of(Attachment))
        .values(
            subject_kind=subject_kind,
            subject_id=subject_id,
            sha256=cleaned.sha256,
            media_type=cleaned.media_type,
            size_bytes=len(cleaned.content),
            uploaded_by=by,
            uploaded_at=now,
        )
        .returning(_row.id)
    )
    assert new_id is not None
    return AttachmentId(new_id)


def unnamed(names: Sequence[str]) -> tuple[str, ...]:
    """Those of these hashes whose bytes belong to nothing any more."""
    named = set(db.session.scalars(select(_row.sha256).where(_row.sha256.in_(names))))
    return tuple(sorted(set(names) - named))


def attachments_of(subject_kind: str, subject_id: int) -> Sequence[AttachmentRow]:
    """What belongs to a thing, the oldest first."""
    query = select(*_FIELDS).where(_row.subject_kind == subject_kind, _row.subject_id == subject_id).order_by(_row.id)
    return rows_as(AttachmentRow, db.session.execute(query))


def get_attachment(attachment_id: AttachmentId, *, subject_kind: str) -> AttachmentRow:
    """One file of one kind of thing; the caller checks the right to that thing.

    Raises NoSuchAttachment.
    """
    query = select(*_FIELDS).where(_row.id == attachment_id, _row.subject_kind == subject_kind)
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NoSuchAttachment
    return row_as(AttachmentRow, row)
