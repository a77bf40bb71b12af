"""Reviews and answers that wait to be looked at before everybody may read them."""

from flask import Blueprint, Response, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from shop.accounts.roles import Permission
from shop.kit.clock import utc_now
from shop.kit.ids import ReviewId
from shop.reports.voices import find_review, reviews_for_staff
from shop.voices.errors import AlreadyDecided, NoSuchReview
from shop.voices.reviews import decide_reply, decide_review
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.typed import clean
from shop.web.uploads import send_own_picture

blueprint = Blueprint("reviews", __name__, url_prefix="/reviews")

_ID = "int(max=9223372036854775807)"


@blueprint.get("/")
@needs(Permission.MODERATE)
def index() -> str:
    """What waits, then what was decided."""
    return render_template("staff/reviews/index.html", reviews=reviews_for_staff(), wrong="")


@blueprint.post(f"/<{_ID}:review_id>")
@needs(Permission.MODERATE)
def decide(review_id: int) -> AnyResponse | tuple[str, int]:
    """Show the review or the answer to it (`what`), or not, with why."""
    what, is_shown = request.form.get("what", "review"), request.form.get("act") == "show"
    why = clean(request.form.get("why"), most=200)
    if find_review(ReviewId(review_id)) is None:
        raise NoSuchReview
    if not is_shown and not why:
        return render_template("staff/reviews/index.html", reviews=reviews_for_staff(), wrong=f"{what}-{review_id}"), 422
    verb = decide_reply if what == "reply" else decide_review
    try:
        verb(ReviewId(review_id), is_shown=is_shown, why=why, by=somebody().user_id, now=utc_now())
        flash(gettext("显示了。") if is_shown else gettext("没有显示，原因写给对方看。"), "success")
    except AlreadyDecided:
        flash(gettext("别人已经这样定了。"), "info")
    return go("staff.reviews.index", _anchor=f"review-{review_id}")


@blueprint.get(f"/<{_ID}:review_id>/photos/<{_ID}:picture_id>/<file>")
@needs(Permission.MODERATE)
def photo(review_id: int, picture_id: int, file: str) -> Response:
    """A photograph that nobody else may see yet."""
    review = find_review(ReviewId(review_id))
    for pictured in review.photos if review else ():
        if pictured.picture_id == picture_id:
            return send_own_picture(pictured.picture_id, file)
    raise NoSuchReview
