"""What a buyer says of what has arrived: one form per line of an order, for whoever may open the order."""

from flask import Blueprint, Response, flash, render_template, request
from flask_babel import get_locale, gettext, lazy_gettext
from werkzeug.wrappers import Response as AnyResponse
from wtforms import MultipleFileField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.write_review import CAN_BE_SPOKEN_OF, write_review
from shop.kit.clock import utc_now
from shop.kit.ids import LineId
from shop.kit.pictures import BadPicture, Drawn, draw
from shop.reports.order_story import LineStory, Opened, OrderStory, get_own_story, open_order
from shop.reports.voices import reviews_of_order
from shop.voices.errors import NoSuchReview, NotArrivedYet, ReviewKnown
from shop.voices.reviews import MOST_PHOTOS, MOST_WORDS
from shop.web.cooperative.fields import refuse
from shop.web.current import needs, signed_in
from shop.web.errors import go
from shop.web.form import Form
from shop.web.storefront.addresses import code_in
from shop.web.typed import clean_lines
from shop.web.uploads import PICTURES_ACCEPTED, brought_pictures, send_own_picture, takes_files, why_bad

blueprint = Blueprint("reviews", __name__, url_prefix="/orders")

_LINE = "int(max=9223372036854775807)"


class ReviewForm(Form):
    """Stars, words, photographs."""

    stars = RadioField(
        lazy_gettext("几颗星"), choices=[SelectChoice(str(count), "★" * count) for count in (5, 4, 3, 2, 1)], validate_choice=False
    )
    words = TextAreaField(lazy_gettext("怎么样"))
    photos = MultipleFileField(lazy_gettext("照片"))

    def validate(self, extra_validators: object = None) -> bool:
        """Stars are needed; words and photographs are not."""
        is_good = bool(super().validate(extra_validators))
        self.words.data = clean_lines(self.words.data, most=MOST_WORDS + 1)
        if self.stars.data not in {"1", "2", "3", "4", "5"}:
            refuse(self.stars, gettext("选几颗星。"))
        if len(self.words.data) > MOST_WORDS:
            refuse(self.words, gettext("最多 %(most)s 个字。", most=MOST_WORDS))
        return is_good and not any(field.errors for field in self)

    def drawn(self) -> list[Drawn] | None:
        """The photographs; None, with words beside the field, when one is not fit."""
        brought = brought_pictures("photos", most=MOST_PHOTOS + 1)
        if len(brought) > MOST_PHOTOS:
            refuse(self.photos, gettext("最多 %(most)s 张。", most=MOST_PHOTOS))
            return None
        try:
            return [draw(photo) for photo in brought]
        except BadPicture as refusal:
            refuse(self.photos, why_bad(refusal))
            return None


@blueprint.get(f"/<number>/reviews/<{_LINE}:line_id>")
@needs(Permission.ANYONE)
def new(number: str, line_id: int) -> str:
    """The form, or what was written."""
    story, opened = _own(number)
    return _page(story, opened, _line_of(story, line_id), ReviewForm(formdata=None))


@blueprint.post(f"/<number>/reviews/<{_LINE}:line_id>")
@takes_files
@needs(Permission.ANYONE)
def write(number: str, line_id: int) -> AnyResponse | tuple[str, int]:
    """Leave it to be looked at."""
    story, opened = _own(number)
    line, form = _line_of(story, line_id), ReviewForm()
    is_said = form.validate_on_submit()
    drawn = form.drawn()
    if is_said and drawn is not None:
        person = signed_in()
        try:
            write_review(
                opened.id,
                line.line_id,
                stars=int(form.stars.data),
                words=str(form.words.data),
                locale=str(get_locale()),
                photos=drawn,
                by=person.user_id if person else None,
                now=utc_now(),
            )
        except ReviewKnown:
            flash(gettext("这一样你已经写过了。"), "info")
        except NotArrivedYet:
            flash(gettext("收到货以后才能写。"), "warning")
        else:
            flash(gettext("谢谢，收到了。我们看过以后就显示，好话坏话都显示。"), "success")
        return go("storefront.reviews.new", number=story.number, line_id=line.line_id, key=story.key)
    return _page(story, opened, line, form), 422


@blueprint.get(f"/<number>/reviews/<{_LINE}:line_id>/photos/<int(max=9223372036854775807):picture_id>/<file>")
@needs(Permission.ANYONE)
def photo(number: str, line_id: int, picture_id: int, file: str) -> Response:
    """A photograph of one's own that nobody else may see yet."""
    _story, opened = _own(number)
    review = reviews_of_order(opened.id).get(LineId(line_id))
    for pictured in review.photos if review else ():
        if pictured.picture_id == picture_id:
            return send_own_picture(pictured.picture_id, file)
    raise NoSuchReview


def _own(number: str) -> tuple[OrderStory, Opened]:
    """The order for whoever holds its key or bought it. Raises NotFound."""
    person = signed_in()
    key, buyer_id = request.args.get("key", ""), person.user_id if person else None
    return get_own_story(code_in(number), key=key, buyer_id=buyer_id), open_order(code_in(number), key=key, buyer_id=buyer_id)


def _line_of(story: OrderStory, line_id: int) -> LineStory:
    line = next((line for line in story.lines if line.line_id == line_id), None)
    if line is None:
        raise NoSuchReview
    return line


def _page(story: OrderStory, opened: Opened, line: LineStory, form: ReviewForm) -> str:
    return render_template(
        "storefront/reviews/new.html",
        story=story,
        line=line,
        form=form,
        review=reviews_of_order(opened.id).get(line.line_id),
        has_arrived=story.state in CAN_BE_SPOKEN_OF,
        most=MOST_PHOTOS,
        accepted=PICTURES_ACCEPTED,
    )
