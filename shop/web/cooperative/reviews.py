"""What buyers say of the cooperative's goods, and its answers."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.clock import utc_now
from shop.kit.ids import ReviewId
from shop.reports.cooperative_pages import own_cooperatives
from shop.reports.voices import find_review, reviews_for_cooperatives
from shop.voices.errors import NoSuchReview
from shop.voices.reviews import MOST_REPLY, answer_review
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.typed import clean_lines

blueprint = Blueprint("reviews", __name__, url_prefix="/reviews")


@blueprint.get("/")
@needs(Permission.COOPERATIVE)
def index() -> str:
    """Those without an answer first."""
    return _page()


@blueprint.post("/<int(max=9223372036854775807):review_id>")
@needs(Permission.COOPERATIVE)
def answer(review_id: int) -> Response | tuple[str, int]:
    """Answer one; staff look at the answer before it is shown."""
    person = somebody()
    review = find_review(ReviewId(review_id))
    if review is None or review.cooperative_id not in person.cooperative_ids:
        raise NoSuchReview
    typed = clean_lines(request.form.get("reply"), most=MOST_REPLY + 1)
    if not typed or len(typed) > MOST_REPLY:
        return _page(wrong_id=review_id, typed=typed), 422
    answer_review(review.id, typed, by=person.user_id, now=utc_now())
    flash(gettext("回复收到了，县里看过以后就显示。"), "success")
    return go("cooperative.reviews.index", _anchor=f"review-{review_id}")


def _page(wrong_id: int = 0, typed: str = "") -> str:
    ids = somebody().cooperative_ids
    return render_template(
        "cooperative/reviews/index.html",
        cooperatives=own_cooperatives(ids),
        reviews=reviews_for_cooperatives(ids),
        wrong_id=wrong_id,
        typed=typed,
        most=MOST_REPLY,
    )
