"""Reviews: written by who bought, looked at by staff, answered by the cooperative, looked at again.

Law: nothing is shown before it is moderated: neither words nor photographs, neither a review nor an answer. Whether somebody may write one is for the act
(`shop/acts/write_review.py`) to say, which knows orders.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from shop.extensions import act, db, require_transaction, violated
from shop.kit.ids import LineId, PictureId, ProductId, ReviewId, UserId
from shop.outbox.service import write_audit
from shop.pictures.service import show_pictures
from shop.voices.errors import AlreadyDecided, NoSuchReview, ReviewKnown
from shop.voices.models import Moderation, Review, ReviewPhoto

MOST_WORDS = 1000
MOST_REPLY = 600
MOST_PHOTOS = 3


def put_down(
    product_id: ProductId,
    line_id: LineId,
    *,
    stars: int,
    words: str,
    locale: str,
    place: str,
    pictures: Sequence[PictureId],
    by: UserId | None,
    now: datetime,
) -> ReviewId:
    """Step. A review that waits to be looked at. Raises ReviewKnown when this purchase has one."""
    require_transaction()
    row = {"stars": stars, "words": words, "locale": locale, "place": place, "user_id": by, "written_at": now}
    try:
        review_id = db.session.scalar(
            insert(Review)
            .values(product_id=product_id, line_id=line_id, **row, state=Moderation.WAITING, why="", reply="", reply_why="")
            .returning(Review.id)
        )
    except IntegrityError as error:
        if violated(error, "uq_reviews_line_id"):
            raise ReviewKnown from error
        raise
    assert review_id is not None
    for position, picture_id in enumerate(pictures):
        db.session.execute(insert(ReviewPhoto).values(review_id=review_id, picture_id=picture_id, position=position))
    return ReviewId(review_id)


@act
def decide_review(review_id: ReviewId, *, is_shown: bool, why: str = "", by: UserId, now: datetime) -> None:
    """Show a review and its photographs to everybody, or to nobody, also one that was decided before: a mistake can be put right.

    Raises NoSuchReview, or AlreadyDecided when it stands so already.
    """
    state = Moderation.PUBLISHED if is_shown else Moderation.REFUSED
    review = _lock(review_id)
    if review.state is state:
        raise AlreadyDecided
    values = {"state": state, "why": "" if is_shown else why, "decided_by": by, "decided_at": now}
    db.session.execute(update(Review).where(Review.id == review_id).values(**values))
    show_pictures(_pictures_of(review_id), is_public=is_shown)
    write_audit(
        f"review.{state.value}",
        subject=f"review:{review_id}",
        by=by,
        facts={"before": {"state": review.state}, "after": {"state": state}, "why": why},
        now=now,
    )


@act
def answer_review(review_id: ReviewId, words: str, *, by: UserId, now: datetime) -> None:
    """The cooperative's answer, which waits to be looked at; another one takes the place of the one before. Raises NoSuchReview.

    The caller has checked that the review is of the cooperative's own product.
    """
    assert words, "an answer says something"
    review = _lock(review_id)
    if review.state is not Moderation.PUBLISHED:
        raise NoSuchReview
    values = {"reply": words, "reply_state": Moderation.WAITING, "reply_by": by, "reply_at": now, "reply_why": ""}
    db.session.execute(update(Review).where(Review.id == review_id).values(**values))
    facts = {"before": {"state": review.reply_state}, "after": {"state": Moderation.WAITING}}
    write_audit("review_reply.written", subject=f"review:{review_id}", by=by, facts=facts, now=now)


@act
def decide_reply(review_id: ReviewId, *, is_shown: bool, why: str = "", by: UserId, now: datetime) -> None:
    """Show the cooperative's answer, or not. Raises NoSuchReview or AlreadyDecided."""
    state = Moderation.PUBLISHED if is_shown else Moderation.REFUSED
    review = _lock(review_id)
    if review.reply_state is None:
        raise NoSuchReview
    if review.reply_state is state:
        raise AlreadyDecided
    db.session.execute(update(Review).where(Review.id == review_id).values(reply_state=state, reply_why="" if is_shown else why))
    write_audit(
        f"review_reply.{state.value}",
        subject=f"review:{review_id}",
        by=by,
        facts={"before": {"state": review.reply_state}, "after": {"state": state}, "why": why},
        now=now,
    )


def count_waiting() -> int:
    """Reviews and answers that nobody has looked at. One statement."""
    waits = (Review.state == Moderation.WAITING) | (Review.reply_state == Moderation.WAITING)
    return db.session.scalar(select(func.count()).where(waits)) or 0


def _lock(review_id: ReviewId) -> Review:
    review = db.session.scalar(select(Review).where(Review.id == review_id).with_for_update())
    if review is None:
        raise NoSuchReview
    return review


def _pictures_of(review_id: ReviewId) -> list[PictureId]:
    return [PictureId(id_) for id_ in db.session.scalars(select(ReviewPhoto.picture_id).where(ReviewPhoto.review_id == review_id))]
