"""Villages and towns by the official list of a year: bring it, see what is otherwise, apply it; merge what became one."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, FileField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.apply_places import apply_places
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import PlaceListId, VillageId
from shop.origin.official import BadList
from shop.origin.places import (
    AppliedAlready,
    IntoItself,
    bring_list,
    differences_of,
    earlier_names,
    list_lists,
    merge_village,
    successor_of,
)
from shop.reports.pairing_pages import western_villages
from shop.reports.places import PlaceRow, get_place, list_places
from shop.web.cooperative.fields import DayField, UnitsField, refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.form import Form
from shop.web.staff.ending_form import EndingForm
from shop.web.storefront.addresses import slug_in
from shop.web.storefront.words import said
from shop.web.typed import clean
from shop.web.uploads import takes_files

blueprint = Blueprint("villages", __name__, url_prefix="/villages")

_ID = "int(max=9223372036854775807)"
_FIRST_YEAR, _MOST_SHOWN = 2009, 200


class ListForm(Form):
    """An official list."""

    year = UnitsField(lazy_gettext("哪一年的名录"))
    file = FileField(lazy_gettext("名录文件（CSV）"))

    def validate(self, extra_validators: object = None) -> bool:
        """A year that can be."""
        is_good = bool(super().validate(extra_validators))
        latest = business_day(utc_now()).year
        if not self.year.errors and not _FIRST_YEAR <= (self.year.data or 0) <= latest:
            refuse(self.year, gettext("写 %(first)s 到 %(last)s 之间的一年。", first=_FIRST_YEAR, last=latest))
        return is_good and not self.year.errors


class ApplyForm(Form):
    """From when on, and whether what is missing comes in."""

    last_day = DayField(lazy_gettext("旧名用到哪天"))
    with_missing = BooleanField(lazy_gettext("名录里有、这里没有的也加进来"))

    def validate(self, extra_validators: object = None) -> bool:
        """It has its day, which is no later than today."""
        is_good = bool(super().validate(extra_validators))
        if self.last_day.data is None and not self.last_day.errors:
            refuse(self.last_day, gettext("写上日子。"))
        elif self.last_day.data and self.last_day.data > business_day(utc_now()):
            refuse(self.last_day, gettext("这一天还没到。"))
        return is_good and not self.last_day.errors


class MergeForm(EndingForm):
    """What a village became part of."""

    WITHOUT_WHY = lazy_gettext("写上依据，比如批文号。")
    into = SelectField(lazy_gettext("并入哪个村"), invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    last_day = DayField(lazy_gettext("单独成村的最后一天"))
    why = StringField(lazy_gettext("依据"))


@blueprint.get("/")
@needs(Permission.READ_REPORTS)
def index() -> str:
    """The register, and every list that was brought."""
    return _list_page(ListForm(formdata=None))


@blueprint.post("/lists")
@takes_files
@needs(Permission.REGISTER)
def bring() -> Response | tuple[str, int]:
    """Keep a list and show what it has otherwise."""
    form, file = ListForm(), request.files.get("file")
    is_good = form.validate_on_submit()
    content = file.stream.read() if file else b""
    if not content:
        refuse(form.file, gettext("选一个文件。"))
    elif is_good:
        try:
            name = clean((file.filename if file else "") or "list.csv", most=80)
            list_id = bring_list(content, year=form.year.data or 0, name=name, by=somebody().user_id, now=utc_now())
        except BadList as refusal:
            refuse(form.file, gettext("第 %(line)s 行的 %(column)s 不对，整份都没有收。", line=refusal.line, column=refusal.column))
        else:
            return go("staff.villages.look", list_id=list_id)
    return _list_page(form), 422


@blueprint.get(f"/lists/<{_ID}:list_id>")
@needs(Permission.READ_REPORTS)
def look(list_id: int) -> str:
    """What the list has otherwise; nothing has changed yet."""
    form = ApplyForm(formdata=None)
    form.last_day.type_in(business_day(utc_now()))
    return _look_page(list_id, form)


@blueprint.post(f"/lists/<{_ID}:list_id>")
@needs(Permission.REGISTER)
def apply(list_id: int) -> Response | tuple[str, int]:
    """The register follows the list."""
    form = ApplyForm()
    if not form.validate_on_submit():
        return _look_page(list_id, form), 422
    assert form.last_day.data is not None, "validate() has asked for it"
    try:
        apply_places(
            PlaceListId(list_id),
            last_day=form.last_day.data,
            with_missing=bool(form.with_missing.data),
            by=somebody().user_id,
            now=utc_now(),
        )
        flash(gettext("按名录改好了。旧名还在旧单据上，也记在村子的页面上。"), "success")
    except AppliedAlready:
        flash(gettext("这一份已经用过了。"), "warning")
    return go("staff.villages.look", list_id=list_id)


@blueprint.get("/<slug>")
@needs(Permission.READ_REPORTS)
def show(slug: str) -> str:
    """One village: its names, and what it became part of."""
    place = get_place(slug_in(slug))
    form = _merge_form(place, MergeForm(formdata=None))
    form.last_day.type_in(business_day(utc_now()))
    return _village_page(place, form)


@blueprint.post("/<slug>/merge")
@needs(Permission.REGISTER)
def merge(slug: str) -> Response | tuple[str, int]:
    """It became part of another."""
    place = get_place(slug_in(slug))
    form = _merge_form(place, MergeForm())
    if form.validate_on_submit():
        assert form.last_day.data is not None, "validate() has asked for it"
        try:
            merge_village(
                place.id,
                VillageId(int(form.into.data)),
                last_day=form.last_day.data,
                why=str(form.why.data),
                by=somebody().user_id,
                now=utc_now(),
            )
        except IntoItself:
            refuse(form.into, gettext("这个村自己已经不单独成村，换一个。"))
        else:
            flash(gettext("记下了。以前卖的还算原来的村，以后的算并入的村。"), "success")
            return go("staff.villages.show", slug=place.slug)
    return _village_page(place, form), 422


def _merge_form(place: PlaceRow, form: MergeForm) -> MergeForm:
    form.into.choices = [
        SelectChoice(str(one.id), f"{said(one.town, one.town_en)} {said(one.name, one.name_en)}")
        for one in western_villages()
        if one.id != place.id
    ]
    return form


def _list_page(form: ListForm) -> str:
    may = somebody().may(Permission.REGISTER)
    return render_template("staff/villages/index.html", villages=list_places().villages, lists=list_lists(), form=form, may=may)


def _look_page(list_id: int, form: ApplyForm) -> str:
    row, found = differences_of(PlaceListId(list_id), today=business_day(utc_now()))
    may = somebody().may(Permission.REGISTER)
    return render_template("staff/villages/look.html", row=row, found=found, form=form, may=may, most=_MOST_SHOWN)


def _village_page(place: PlaceRow, form: MergeForm) -> str:
    return render_template(
        "staff/villages/show.html",
        place=place,
        names=earlier_names(place.id),
        successor=successor_of(place.id),
        form=form,
        may=somebody().may(Permission.REGISTER),
    )
