"""What buyers say, put down directly: a test states only what it is about."""

from collections.abc import Sequence

from sqlalchemy import select

from shop.extensions import act, db, reading
from shop.kit.ids import LineId, ProductId, ReviewId, UserId
from shop.kit.pictures import draw
from shop.orders.models import Order, OrderLine
from shop.pictures.service import keep_picture
from shop.voices.reviews import put_down
from tests.factories import Person
from tests.kit.test_pictures import picture
from tests.shopping import NOW


def make_review(
    number: str, buyer: Person | None = None, *, stars: int = 5, words: str = "米香。", photos: Sequence[bytes] = (picture(),)
) -> ReviewId:
    """A review of an order's first line, with photographs; nobody has looked at it."""
    return _put_down(number, buyer.id if buyer else None, stars, words, [draw(photo) for photo in photos])


@act
def _put_down(number: str, by: UserId | None, stars: int, words: str, drawn: Sequence[object]) -> ReviewId:
    line = db.session.execute(select(OrderLine.id, OrderLine.product_id).join(Order).where(Order.number == number)).first()
    assert line is not None
    kept = [keep_picture(each, is_public=False, by=by, now=NOW) for each in drawn]  # type: ignore[arg-type]
    said = {"stars": stars, "words": words, "locale": "zh", "place": "江苏省苏州市"}
    return put_down(ProductId(line.product_id), LineId(line.id), **said, pictures=kept, by=by, now=NOW)  # type: ignore[arg-type]


def first_line(number: str) -> LineId:
    """The id of an order's first line."""
    with reading() as session:
        return LineId(session.scalars(select(OrderLine.id).join(Order).where(Order.number == number).order_by(OrderLine.id)).first() or 0)
