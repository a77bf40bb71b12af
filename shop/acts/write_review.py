"""A buyer speaks of what has arrived."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from shop.extensions import act, db
from shop.kit.ids import LineId, OrderId, ProductId, ReviewId, UserId
from shop.kit.pictures import Drawn
from shop.kit.regions import find_place
from shop.orders.models import Order, OrderLine
from shop.orders.states import OrderState
from shop.pictures.service import keep_picture
from shop.voices import reviews
from shop.voices.errors import NoSuchReview, NotArrivedYet

CAN_BE_SPOKEN_OF = (OrderState.DELIVERED, OrderState.COMPLETED)


@act
def write_review(
    order_id: OrderId, line_id: LineId, *, stars: int, words: str, locale: str, photos: Sequence[Drawn], by: UserId | None, now: datetime
) -> ReviewId:
    """One review of one line, by whoever may open its order; it waits to be looked at, and so do its photographs.

    Raises NoSuchReview for a line of another order, NotArrivedYet, or ReviewKnown.
    """
    line = db.session.execute(
        select(OrderLine.product_id, Order.state, Order.district_code, Order.buyer_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(OrderLine.id == line_id, Order.id == order_id)
    ).one_or_none()
    if line is None:
        raise NoSuchReview
    if line.state not in CAN_BE_SPOKEN_OF:
        raise NotArrivedYet
    kept = [keep_picture(photo, is_public=False, by=by, now=now) for photo in photos]
    return reviews.put_down(
        ProductId(line.product_id),
        line_id,
        stars=stars,
        words=words,
        locale=locale,
        place=_city(line.district_code),
        pictures=kept,
        by=UserId(line.buyer_id) if line.buyer_id is not None else None,
        now=now,
    )


def _city(district_code: str | None) -> str:
    """All that is said of who wrote it: `江苏省苏州市`."""
    place = find_place(district_code) if district_code else None
    names = place.names if place else ()
    return "".join(names[:-1] or names)[:30]
