"""Reviews as pages read them: what everybody may, what waits for staff, what a cooperative may answer, what an order can still speak of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from shop.catalog.models import Product
from shop.extensions import columns_of, db, rows_as, table_of
from shop.kit.ids import CooperativeId, LineId, OrderId, PictureId, ProductId, ReviewId
from shop.orders.models import OrderLine
from shop.pictures.models import Picture
from shop.voices.models import Moderation, Review, ReviewPhoto

MOST_SHOWN = 20
"""Reviews on a product's page; the newest."""
MOST_LISTED = 100


@dataclass(frozen=True)
class Pictured:
    """A photograph of a review."""

    picture_id: PictureId
    name: str


@dataclass(frozen=True)
class ReviewFacts:
    """One review with everything that somebody with the right to it may see."""

    id: ReviewId
    product_id: ProductId
    product_slug: str
    product: str
    product_en: str
    cooperative_id: CooperativeId | None
    stars: int
    words: str
    locale: str
    place: str
    state: Moderation
    why: str
    written_at: datetime
    reply: str
    reply_state: Moderation | None
    reply_why: str
    reply_at: datetime | None
    photos: tuple[Pictured, ...] = ()

    @property
    def shown_reply(self) -> str:
        """The answer, if everybody may read it."""
        return self.reply if self.reply_state is Moderation.PUBLISHED else ""


@dataclass(frozen=True)
class Voices:
    """What everybody may read of a product."""

    reviews: tuple[ReviewFacts, ...]
    count: int
    """All that are published, also those that are not listed."""
    stars: int
    """Their sum."""

    @property
    def tenths(self) -> int:
        """The mean in tenths of a star, half up."""
        return (20 * self.stars + self.count) // (2 * self.count) if self.count else 0


_review, _photo, _picture = columns_of(Review), columns_of(ReviewPhoto), columns_of(Picture)
_product, _line = columns_of(Product), columns_of(OrderLine)
_FACTS = (
    _review.id,
    _review.product_id,
    _product.slug,
    _product.name,
    _product.name_en,
    _product.cooperative_id,
    _review.stars,
    _review.words,
    _review.locale,
    _review.place,
    _review.state,
    _review.why,
    _review.written_at,
    _review.reply,
    _review.reply_state,
    _review.reply_why,
    _review.reply_at,
)
_ALL = select(*_FACTS).join_from(table_of(Review), table_of(Product), _product.id == _review.product_id)
_PUBLISHED = (
    _ALL.add_columns(func.count().over(), func.sum(_review.stars).over())
    .where(_review.product_id == bindparam("product_id"), _review.state == Moderation.PUBLISHED)
    .order_by(_review.id.desc())
    .limit(MOST_SHOWN)
)
_PHOTOS = (
    select(_photo.review_id, _photo.picture_id, _picture.name)
    .join_from(table_of(ReviewPhoto), table_of(Picture), _picture.id == _photo.picture_id)
    .where(_photo.review_id.in_(bindparam("ids", expanding=True)))
    .order_by(_photo.review_id, _photo.position)
)


def voices_of(product_id: ProductId) -> Voices:
    """What everybody may read of a product. One statement, and one more where there is something."""
    rows = db.session.execute(_PUBLISHED, {"product_id": product_id}).all()
    if not rows:
        return Voices((), 0, 0)
    return Voices(_with_photos([row[:-2] for row in rows]), int(rows[0][-2]), int(rows[0][-1]))


def reviews_for_staff() -> tuple[ReviewFacts, ...]:
    """What waits for somebody to look at it, then what was decided; the newest first. Two statements."""
    waits = (_review.state == Moderation.WAITING) | (_review.reply_state == Moderation.WAITING)
    query = _ALL.order_by(waits.desc(), _review.id.desc()).limit(MOST_LISTED)
    return _with_photos(db.session.execute(query).all())


def reviews_for_cooperatives(cooperative_ids: Sequence[CooperativeId]) -> tuple[ReviewFacts, ...]:
    """Published reviews of their products, those without an answer first. Two statements."""
    is_answered = _review.reply_state.is_not(None)
    query = _ALL.where(_review.state == Moderation.PUBLISHED, _product.cooperative_id.in_(list(cooperative_ids)))
    return _with_photos(db.session.execute(query.order_by(is_answered, _review.id.desc()).limit(MOST_LISTED)).all())


def find_review(review_id: ReviewId) -> ReviewFacts | None:
    """Any review."""
    found = _with_photos(db.session.execute(_ALL.where(_review.id == review_id)).all())
    return found[0] if found else None


def reviews_of_order(order_id: OrderId) -> dict[LineId, ReviewFacts]:
    """By line, what was written of an order's lines, whatever became of it: for whoever may open the order."""
    lines = select(_line.id).where(_line.order_id == order_id)
    rows = db.session.execute(_ALL.add_columns(_review.line_id).where(_review.line_id.in_(lines))).all()
    told = _with_photos([row[:-1] for row in rows])
    return {LineId(row[-1]): review for row, review in zip(rows, told, strict=True)}


def _with_photos(rows: Sequence[Sequence[object]]) -> tuple[ReviewFacts, ...]:
    if not rows:
        return ()
    photos: dict[int, list[Pictured]] = {}
    for review_id, picture_id, name in db.session.execute(_PHOTOS, {"ids": [row[0] for row in rows]}):
        photos.setdefault(review_id, []).append(Pictured(PictureId(picture_id), name))
    return tuple(rows_as(ReviewFacts, [(*row, tuple(photos.get(int(str(row[0])), ()))) for row in rows]))
