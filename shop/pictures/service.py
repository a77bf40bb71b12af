"""Keeping pictures, letting the public see them, forgetting them; and handing out their files."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from shop.extensions import columns_of, db, require_transaction, table_of
from shop.kit.errors import NotFound
from shop.kit.ids import PictureId, UserId
from shop.kit.pictures import Drawn, Format
from shop.pictures.models import Picture, PictureFile


class NoSuchPicture(NotFound):
    """There is no such picture, or not in this width, or it is not for everybody."""


def keep_picture(drawn: Drawn, *, is_public: bool, by: UserId | None, now: datetime) -> PictureId:
    """Step. Keep a picture that was drawn before the act began: drawing takes long."""
    require_transaction()
    picture_id = db.session.scalar(
        insert(table_of(Picture))
        .values(
            name=drawn.name,
            width=drawn.width,
            height=drawn.height,
            size_bytes=drawn.size_bytes,
            is_public=is_public,
            uploaded_by=by,
            uploaded_at=now,
        )
        .returning(_picture.id)
    )
    assert picture_id is not None
    rows = [{"picture_id": picture_id, "width": file.width, "format": file.format, "content": file.content} for file in drawn.files]
    db.session.execute(insert(table_of(PictureFile)), rows)
    return PictureId(picture_id)


def show_pictures(picture_ids: Iterable[PictureId], *, is_public: bool) -> None:
    """Step. Let everybody see these pictures, or nobody without the right to what they belong to."""
    require_transaction()
    db.session.execute(update(table_of(Picture)).where(_picture.id.in_(list(picture_ids))).values(is_public=is_public))


def forget_pictures(picture_ids: Iterable[PictureId]) -> None:
    """Step. The pictures are gone, bytes and all; nothing may name them any more."""
    require_transaction()
    ids = list(picture_ids)
    db.session.execute(delete(table_of(PictureFile)).where(_file.picture_id.in_(ids)))
    db.session.execute(delete(table_of(Picture)).where(_picture.id.in_(ids)))


_picture, _file = columns_of(Picture), columns_of(PictureFile)
_CONTENT = (
    select(_file.content)
    .join_from(table_of(Picture), table_of(PictureFile), _file.picture_id == _picture.id)
    .where(_file.width == bindparam("width"), _file.format == bindparam("format"))
)
_PUBLIC = _CONTENT.where(_picture.name == bindparam("name"), _picture.is_public).limit(1)
_OWN = _CONTENT.where(_picture.id == bindparam("picture_id"))


def public_file(name: str, width: int, kind: Format) -> bytes:
    """The bytes of a picture that everybody may see. Raises NoSuchPicture."""
    content = db.session.scalar(_PUBLIC, {"name": name, "width": width, "format": kind})
    if content is None:
        raise NoSuchPicture
    return bytes(content)


def own_file(picture_id: PictureId, width: int, kind: Format) -> bytes:
    """The bytes of any picture; the caller has checked the right to what it belongs to. Raises NoSuchPicture."""
    content = db.session.scalar(_OWN, {"picture_id": picture_id, "width": width, "format": kind})
    if content is None:
        raise NoSuchPicture
    return bytes(content)
