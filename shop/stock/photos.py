"""A lot's photographs: the sacks, the fruit, the scales. Everybody who scans the bag sees them.

Law: at most four; one that is removed is gone, bytes and all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select

from shop.extensions import act, columns_of, db, rows_as, table_of
from shop.kit.errors import Conflict, NotFound
from shop.kit.ids import LotId, PhotoId, PictureId, UserId
from shop.kit.pictures import Drawn
from shop.outbox.service import write_audit
from shop.pictures.models import Picture
from shop.pictures.service import forget_pictures, keep_picture
from shop.stock.errors import NoSuchLot
from shop.stock.models import Lot, LotPhoto

MOST_LOT_PHOTOS = 4


class NoSuchLotPhoto(NotFound):
    """The lot has no such photograph."""


class EnoughLotPhotos(Conflict):
    """The lot has as many as it may have."""


@dataclass(frozen=True)
class LotPhotoFacts:
    """One photograph, as pages show it."""

    id: PhotoId
    name: str
    """Of the picture: everything that is needed to draw it."""


_photo, _picture = columns_of(LotPhoto), columns_of(Picture)
_OF_LOT = (
    select(_photo.id, _picture.name)
    .join_from(table_of(LotPhoto), table_of(Picture), _picture.id == _photo.picture_id)
    .where(_photo.lot_id == bindparam("lot_id"))
    .order_by(_photo.id)
)


def lot_photos(lot_id: LotId) -> Sequence[LotPhotoFacts]:
    """A lot's photographs, as they were added. One statement."""
    return rows_as(LotPhotoFacts, db.session.execute(_OF_LOT, {"lot_id": lot_id}))


@act
def add_lot_photo(lot_id: LotId, drawn: Drawn, *, by: UserId | None, now: datetime) -> PhotoId:
    """Put one more with the lot; one that is there already is not kept twice. The caller has checked whose lot it is. Raises NoSuchLot or EnoughLotPhotos."""
    code = db.session.scalar(select(Lot.code).where(Lot.id == lot_id).with_for_update())
    if code is None:
        raise NoSuchLot
    known = {photo.name: photo.id for photo in lot_photos(lot_id)}
    if drawn.name in known:
        return known[drawn.name]
    if len(known) >= MOST_LOT_PHOTOS:
        raise EnoughLotPhotos
    picture_id = keep_picture(drawn, is_public=True, by=by, now=now)
    photo_id = db.session.scalar(
        insert(LotPhoto).values(lot_id=lot_id, picture_id=picture_id, added_by=by, added_at=now).returning(LotPhoto.id)
    )
    assert photo_id is not None
    write_audit("lot.photo_added", subject=code, by=by, facts={"after": {"picture": drawn.name}}, now=now)
    return PhotoId(photo_id)


@act
def remove_lot_photo(lot_id: LotId, photo_id: PhotoId, *, by: UserId | None, now: datetime) -> None:
    """It is gone. Raises NoSuchLotPhoto."""
    its = (LotPhoto.id == photo_id, LotPhoto.lot_id == lot_id)
    picture_id = db.session.scalar(delete(LotPhoto).where(*its).returning(LotPhoto.picture_id))
    if picture_id is None:
        raise NoSuchLotPhoto
    name = db.session.scalar(select(func.min(Picture.name)).where(Picture.id == picture_id))
    forget_pictures([PictureId(picture_id)])
    code = db.session.scalars(select(Lot.code).where(Lot.id == lot_id)).one()
    write_audit("lot.photo_removed", subject=code, by=by, facts={"before": {"picture": name}}, now=now)
