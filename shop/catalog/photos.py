"""A product's photographs: added, put in order, described, removed.

Law: the first one is the product's cover, and the product's row says so at every moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from shop.catalog.errors import EnoughPhotos, NoSuchPhoto, NoSuchProduct, PhotoKnown
from shop.catalog.models import Product, ProductPhoto
from shop.extensions import act, columns_of, db, require_transaction, rows_as, table_of
from shop.kit.ids import PhotoId, PictureId, ProductId, UserId
from shop.kit.pictures import Drawn
from shop.outbox.service import write_audit
from shop.pictures.models import Picture
from shop.pictures.service import forget_pictures, keep_picture

MOST_PHOTOS = 8


@dataclass(frozen=True)
class PhotoFacts:
    """One photograph, as pages show it."""

    id: PhotoId
    name: str
    """Of the picture: everything that is needed to draw it (`kit.pictures.Drawn`)."""
    alt: str
    alt_en: str


_photo, _picture, _product = columns_of(ProductPhoto), columns_of(Picture), columns_of(Product)
_OF_PRODUCT = (
    select(_photo.id, _picture.name, _photo.alt, _photo.alt_en)
    .join_from(table_of(ProductPhoto), table_of(Picture), _picture.id == _photo.picture_id)
    .where(_photo.product_id == bindparam("product_id"))
    .order_by(_photo.position, _photo.id)
)


def photos_of(product_id: ProductId) -> Sequence[PhotoFacts]:
    """A product's photographs in their order. One statement."""
    return rows_as(PhotoFacts, db.session.execute(_OF_PRODUCT, {"product_id": product_id}))


@act
def add_photo(product_id: ProductId, drawn: Drawn, *, alt: str, alt_en: str = "", by: UserId | None, now: datetime) -> PhotoId:
    """Put a photograph after the others. Draw it before: that takes long. Raises NoSuchProduct, EnoughPhotos or PhotoKnown."""
    assert alt, "a photograph is described"
    slug = _lock(product_id)
    names = [photo.name for photo in photos_of(product_id)]
    if drawn.name in names:
        raise PhotoKnown
    if len(names) >= MOST_PHOTOS:
        raise EnoughPhotos
    picture_id = keep_picture(drawn, is_public=True, by=by, now=now)
    row = {"product_id": product_id, "picture_id": picture_id, "position": len(names), "alt": alt, "alt_en": alt_en}
    photo_id = db.session.scalar(insert(ProductPhoto).values(**row, added_by=by, added_at=now).returning(ProductPhoto.id))
    assert photo_id is not None
    _settle(product_id)
    write_audit("photo.added", subject=slug, by=by, facts={"after": {"picture": drawn.name}}, now=now)
    return PhotoId(photo_id)


@act
def describe_photo(product_id: ProductId, photo_id: PhotoId, *, alt: str, alt_en: str) -> None:
    """Say in other words what is to be seen. Raises NoSuchPhoto."""
    assert alt, "a photograph is described"
    its = (ProductPhoto.id == photo_id, ProductPhoto.product_id == product_id)
    if not db.session.execute(update(ProductPhoto).where(*its).values(alt=alt, alt_en=alt_en).returning(ProductPhoto.id)).all():
        raise NoSuchPhoto


@act
def move_photo(product_id: ProductId, photo_id: PhotoId, *, by_places: int) -> None:
    """Put a photograph so many places further back, or forward where that is below nought; past an end it stays there.

    Raises NoSuchPhoto or NoSuchProduct.
    """
    _lock(product_id)
    order = [photo.id for photo in photos_of(product_id)]
    if photo_id not in order:
        raise NoSuchPhoto
    place = min(max(0, order.index(photo_id) + by_places), len(order) - 1)
    order.remove(photo_id)
    order.insert(place, photo_id)
    _settle(product_id, order)


@act
def remove_photo(product_id: ProductId, photo_id: PhotoId, *, by: UserId | None, now: datetime) -> None:
    """Take a photograph away, bytes and all. Raises NoSuchPhoto or NoSuchProduct."""
    slug = _lock(product_id)
    its = (ProductPhoto.id == photo_id, ProductPhoto.product_id == product_id)
    picture_id = db.session.scalar(delete(ProductPhoto).where(*its).returning(ProductPhoto.picture_id))
    if picture_id is None:
        raise NoSuchPhoto
    forget_pictures([PictureId(picture_id)])
    _settle(product_id)
    write_audit("photo.removed", subject=slug, by=by, facts={"before": {"photo": photo_id}, "after": None}, now=now)


def _lock(product_id: ProductId) -> str:
    """Two people at one gallery take turns. Its slug."""
    slug = db.session.scalar(select(Product.slug).where(Product.id == product_id).with_for_update())
    if slug is None:
        raise NoSuchProduct
    return slug


def _settle(product_id: ProductId, order: Sequence[PhotoId] | None = None) -> None:
    """Number the photographs from nought, and let the first one be the cover."""
    require_transaction()
    for position, photo_id in enumerate(order if order is not None else [photo.id for photo in photos_of(product_id)]):
        db.session.execute(update(ProductPhoto).where(ProductPhoto.id == photo_id).values(position=position))
    cover = next((photo.name for photo in photos_of(product_id)), "")
    db.session.execute(update(Product).where(Product.id == product_id).values(cover=cover))
