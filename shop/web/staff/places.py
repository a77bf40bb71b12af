"""Villages and cooperatives as staff write about them: stories, counts of people, licences and permits."""

from flask import Blueprint, flash, render_template
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, FileField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import CooperativeId, PermitId
from shop.kit.pictures import BadPicture, Drawn, draw
from shop.origin.tellings import MOST_STORY, count_people, tell_story
from shop.papers.models import PermitKind
from shop.papers.permits import DaysReversed, record_permit, withdraw_permit
from shop.reports.places import PlaceRow, get_place, list_places
from shop.web.cooperative.fields import DayField, UnitsField, refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.form import Form
from shop.web.goods_words import PERMIT_KINDS
from shop.web.storefront.addresses import slug_in
from shop.web.storefront.words import said
from shop.web.typed import clean, clean_text
from shop.web.uploads import PICTURES_ACCEPTED, brought_pictures, takes_files, why_bad

blueprint = Blueprint("places", __name__, url_prefix="/places")

_ID = "int(max=9223372036854775807)"


class StoryForm(Form):
    """A village's story and its people, counted."""

    story = TextAreaField(lazy_gettext("村里的故事"))
    story_en = TextAreaField(lazy_gettext("英文的故事"))
    story_is_sample = BooleanField(lazy_gettext("还是示例文字"))
    households = UnitsField(lazy_gettext("户数"))
    people = UnitsField(lazy_gettext("人口"))
    members = UnitsField(lazy_gettext("社员户"))
    counted_on = DayField(lazy_gettext("哪天的数"))
    source = StringField(lazy_gettext("谁统计的"))
    is_sample = BooleanField(lazy_gettext("还是示例数"))

    def validate(self, extra_validators: object = None) -> bool:
        """A count has its day and its source."""
        is_good = bool(super().validate(extra_validators))
        for story in (self.story, self.story_en):
            story.data = clean_text(story.data, most=MOST_STORY + 1)
            if len(story.data) > MOST_STORY:
                refuse(story, gettext("最多 %(most)s 个字。", most=MOST_STORY))
        self.source.data = clean(self.source.data, most=120)
        if self.has_count:
            if not self.source.data:
                refuse(self.source, gettext("写上是谁统计的：没有来源的数不能给人看。"))
            if self.counted_on.data is None and not self.counted_on.errors:
                refuse(self.counted_on, gettext("写上日子。"))
            elif self.counted_on.data and self.counted_on.data > business_day(utc_now()):
                refuse(self.counted_on, gettext("这一天还没到。"))
        return is_good and not any(field.errors for field in self)

    @property
    def has_count(self) -> bool:
        """Whether any figure was typed."""
        return any(field.data is not None for field in (self.households, self.people, self.members))


class PermitForm(Form):
    """A licence or permit of a cooperative."""

    cooperative = SelectField(lazy_gettext("合作社"), invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    kind = SelectField(lazy_gettext("证照"), choices=[SelectChoice(kind.value, words) for kind, words in PERMIT_KINDS.items()])
    number = StringField(lazy_gettext("证号"))
    issuer = StringField(lazy_gettext("发证机关"))
    scope = StringField(lazy_gettext("许可范围"))
    first_day = DayField(lazy_gettext("从哪天起"))
    last_day = DayField(lazy_gettext("到哪天止"))
    picture = FileField(lazy_gettext("证照照片"))
    is_sample = BooleanField(lazy_gettext("还是示例，不是真证照"))

    def validate(self, extra_validators: object = None) -> bool:
        """Number, issuer and first day."""
        is_good = bool(super().validate(extra_validators))
        self.number.data, self.issuer.data = clean(self.number.data, most=60), clean(self.issuer.data, most=80)
        self.scope.data = clean(self.scope.data, most=200)
        for field, words in ((self.number, gettext("写上证号。")), (self.issuer, gettext("写上是谁发的。"))):
            if not field.data:
                refuse(field, words)
        if self.first_day.data is None and not self.first_day.errors:
            refuse(self.first_day, gettext("写上日子。"))
        return is_good and not any(field.errors for field in self)

    def drawn(self) -> Drawn | None:
        """The picture, if there is one and it is fit; words beside the field if it is not."""
        brought = brought_pictures("picture", most=1)
        try:
            return draw(brought[0]) if brought else None
        except BadPicture as refusal:
            refuse(self.picture, why_bad(refusal))
            return None


@blueprint.get("/")
@needs(Permission.GOODS)
def index() -> str:
    """All villages, and all permits with how long they hold."""
    return _list_page(_permit_form(None))


@blueprint.get("/villages/<slug>")
@needs(Permission.GOODS)
def show(slug: str) -> str:
    """A village's story and its people."""
    place = get_place(slug_in(slug))
    people = place.people
    form = StoryForm(formdata=None, story=place.story, story_en=place.story_en, story_is_sample=place.story_is_sample)
    if people:
        form.households.data, form.people.data, form.members.data = people.households, people.people, people.members
        form.counted_on.data, form.source.data, form.is_sample.data = people.counted_on, people.source, people.is_sample
    return _place_page(place, form)


@blueprint.post("/villages/<slug>")
@needs(Permission.GOODS)
def tell(slug: str) -> Response | tuple[str, int]:
    """Write both down."""
    place, form = get_place(slug_in(slug)), StoryForm()
    if not form.validate_on_submit():
        return _place_page(place, form), 422
    now, by = utc_now(), somebody().user_id
    is_sample = bool(form.story_is_sample.data)
    tell_story(place.id, str(form.story.data), str(form.story_en.data), is_sample=is_sample, by=by, now=now)
    if form.has_count:
        assert form.counted_on.data is not None, "validate() has asked for it"
        count_people(
            place.id,
            households=form.households.data,
            people=form.people.data,
            members=form.members.data,
            counted_on=form.counted_on.data,
            source=str(form.source.data),
            is_sample=bool(form.is_sample.data),
            by=by,
            now=now,
        )
    flash(gettext("记下了，村子的页面上就是这些。"), "success")
    return go("staff.places.show", slug=place.slug)


@blueprint.post("/permits")
@takes_files
@needs(Permission.GOODS)
def add_permit() -> Response | tuple[str, int]:
    """One more licence or permit."""
    form = _permit_form(PermitForm())
    is_whole = form.validate_on_submit()
    picture = form.drawn()
    if is_whole and not form.picture.errors:
        assert form.first_day.data is not None, "validate() has asked for it"
        try:
            record_permit(
                CooperativeId(int(form.cooperative.data)),
                PermitKind(form.kind.data),
                number=str(form.number.data),
                issuer=str(form.issuer.data),
                scope=str(form.scope.data),
                first_day=form.first_day.data,
                last_day=form.last_day.data,
                picture=picture,
                is_sample=bool(form.is_sample.data),
                by=somebody().user_id,
                now=utc_now(),
            )
        except DaysReversed:
            refuse(form.last_day, gettext("止日不能早于起日。"))
        else:
            flash(gettext("证照记下了，合作社的页面上就看得到。"), "success")
            return go("staff.places.index", _anchor="permits")
    return _list_page(form), 422


@blueprint.post(f"/permits/<{_ID}:permit_id>/withdraw")
@needs(Permission.GOODS)
def drop_permit(permit_id: int) -> Response:
    """Show it no more."""
    withdraw_permit(PermitId(permit_id), by=somebody().user_id, now=utc_now())
    flash(gettext("撤下了。"), "success")
    return go("staff.places.index", _anchor="permits")


def _permit_form(form: PermitForm | None) -> PermitForm:
    form = form if form is not None else PermitForm(formdata=None)
    form.cooperative.choices = [SelectChoice(str(row.id), said(row.name, row.name_en)) for row in list_places().cooperatives]
    return form


def _list_page(form: PermitForm) -> str:
    places = list_places()
    return render_template("staff/places/index.html", places=places, form=form, today=business_day(utc_now()), accepted=PICTURES_ACCEPTED)


def _place_page(place: PlaceRow, form: StoryForm) -> str:
    return render_template("staff/places/show.html", place=place, form=form, most=MOST_STORY)
