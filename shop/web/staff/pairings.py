"""Pairings: each eastern unit × each western village, target against done; the register behind it, which is added to and ended, never changed."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import EasternUnitId, PairingId, TownId, VillageId
from shop.kit.regions import cities, districts, find_place, region_name
from shop.origin.errors import EndedAlready, EndTooEarly, PairedAlready, StillPaired
from shop.origin.models import PairingKind
from shop.origin.pairings import NewPairing, add_pairing, add_unit, close_unit, end_pairing, set_target
from shop.reports.pairing_pages import (
    FIRST_YEAR,
    PairingRow,
    get_pairing,
    kind_words,
    list_unit_rows,
    read_year,
    western_towns,
    western_villages,
)
from shop.web.cooperative.fields import DayField, UnitsField, YuanField, refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.filters import day
from shop.web.form import Form
from shop.web.staff.ending_form import EndingForm
from shop.web.storefront.words import said
from shop.web.typed import clean

blueprint = Blueprint("pairings", __name__, url_prefix="/pairings")

_ID = "int(max=9223372036854775807)"
_EASTERN_PROVINCES = ("32", "31", "33", "44", "37", "35", "11", "12")
"""Where units are looked for: the provinces of the east, Jiangsu first."""
_YEARS_AHEAD = 1


class PairingForm(Form):
    """One pairing as its office writes it down."""

    unit = SelectField(lazy_gettext("东部单位"), invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    kind = SelectField(lazy_gettext("结对类型"), invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    place = SelectField(lazy_gettext("西部的村或镇"), invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    western = StringField(lazy_gettext("结对方的名字"))
    first_day = DayField(lazy_gettext("从哪天起"))
    last_day = DayField(lazy_gettext("到哪天止"))
    fact = StringField(lazy_gettext("说明"))
    source = StringField(lazy_gettext("出处"))

    def validate(self, extra_validators: object = None) -> bool:
        """Somebody is paired with something; days stand in order."""
        is_good = bool(super().validate(extra_validators))
        self.western.data = clean(self.western.data, most=80)
        self.fact.data, self.source.data = clean(self.fact.data, most=300), clean(self.source.data, most=200)
        if not self.place.data and not self.western.data:
            refuse(self.western, gettext("选一个村或镇，或者写上结对方的名字，比如一所学校。"))
        if self.first_day.data and self.last_day.data and self.last_day.data < self.first_day.data:
            refuse(self.last_day, gettext("止日不能早于起日。"))
        return is_good and not any(field.errors for field in self)

    def written(self) -> NewPairing:
        """What was written."""
        kind, _, key = str(self.place.data).partition(":")
        return NewPairing(
            unit_id=EasternUnitId(int(self.unit.data)),
            kind=PairingKind(self.kind.data),
            western_name=str(self.western.data) or dict(_named_places())[str(self.place.data)],
            village_id=VillageId(int(key)) if kind == "village" else None,
            town_id=TownId(int(key)) if kind == "town" else None,
            valid_from=self.first_day.data,
            valid_until=self.last_day.data,
            fact=str(self.fact.data),
            source=str(self.source.data),
        )


class UnitForm(Form):
    """One more eastern unit."""

    name = StringField(lazy_gettext("单位全称"))
    district = SelectField(lazy_gettext("在哪里"), default="320583", invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))

    def validate(self, extra_validators: object = None) -> bool:
        """It has a name."""
        is_good = bool(super().validate(extra_validators))
        self.name.data = clean(self.name.data, most=80)
        if not self.name.data:
            refuse(self.name, gettext("写上单位全称。"))
        return is_good and not self.name.errors


class TargetForm(Form):
    """What a pairing aims at in a year."""

    year = UnitsField(lazy_gettext("哪一年"))
    target = YuanField(lazy_gettext("目标几元"))

    def validate(self, extra_validators: object = None) -> bool:
        """A year that can be."""
        is_good = bool(super().validate(extra_validators))
        latest = business_day(utc_now()).year + _YEARS_AHEAD
        if not self.year.errors and not FIRST_YEAR <= (self.year.data or 0) <= latest:
            refuse(self.year, gettext("写 %(first)s 到 %(last)s 之间的一年。", first=FIRST_YEAR, last=latest))
        if self.target.data == 0:
            refuse(self.target, gettext("至少 0.01 元；不定目标就空着。"))
        return is_good and not any(field.errors for field in self)


# ── A year ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/")
@needs(Permission.READ_REPORTS)
def index() -> str:
    """Target against done in one year."""
    this_year = business_day(utc_now()).year
    years = range(this_year + _YEARS_AHEAD, FIRST_YEAR - 1, -1)
    asked = request.args.get("year", str(this_year))
    if asked not in map(str, years):
        raise NotFound
    return render_template(
        "staff/pairings/index.html",
        year=read_year(int(asked)),
        number=int(asked),
        years=years,
        today=business_day(utc_now()),
        kinds=kind_words(),
        may=somebody().may(Permission.PAIR),
    )


# ── One pairing ───────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/new")
@needs(Permission.PAIR)
def new() -> str:
    """The form."""
    return render_template("staff/pairings/new.html", form=_form())


@blueprint.post("/new")
@needs(Permission.PAIR)
def add() -> Response | tuple[str, int]:
    """Write it down."""
    form = _form()
    if form.validate_on_submit():
        try:
            pairing_id = add_pairing(form.written(), by=somebody().user_id, now=utc_now())
        except PairedAlready:
            refuse(form.unit, gettext("这两家这一类的结对已经记着，日子重了。"))
        else:
            flash(gettext("记下了。从起日算起，这个单位买的都算进来，报表过一会儿就跟上。"), "success")
            return go("staff.pairings.show", pairing_id=pairing_id)
    return render_template("staff/pairings/new.html", form=form), 422


def _form() -> PairingForm:
    form = PairingForm()
    form.unit.choices = [SelectChoice(str(unit.id), unit.name) for unit in list_unit_rows() if unit.closed_at is None]
    form.kind.choices = [SelectChoice(kind.value, words) for kind, words in kind_words().items()]
    form.place.choices = [SelectChoice("", gettext("都不是，名字写在下面"))]
    form.place.choices += [SelectChoice(f"town:{town.id}", f"{said(town.name, town.name_en)}") for town in western_towns()]
    form.place.choices += [
        SelectChoice(f"village:{one.id}", f"{said(one.town, one.town_en)} {said(one.name, one.name_en)}") for one in western_villages()
    ]
    return form


def _named_places() -> list[tuple[str, str]]:
    """What a place of the register is called where nothing else was written."""
    towns = [(f"town:{town.id}", town.name) for town in western_towns()]
    return towns + [(f"village:{one.id}", f"{one.town} {one.name}") for one in western_villages()]


@blueprint.get(f"/<{_ID}:pairing_id>")
@needs(Permission.READ_REPORTS)
def show(pairing_id: int) -> str:
    """One pairing: its paper, its years, its end."""
    today = business_day(utc_now())
    pairing = get_pairing(PairingId(pairing_id), this_year=today.year)
    target = TargetForm(formdata=None)
    target.year.type_in(today.year)
    end = EndingForm(formdata=None)
    end.last_day.type_in(today)
    return _pairing_page(pairing, target, end)


@blueprint.post(f"/<{_ID}:pairing_id>/target")
@needs(Permission.PAIR)
def aim(pairing_id: int) -> Response | tuple[str, int]:
    """Say what it aims at in a year."""
    form = TargetForm()
    if not form.validate_on_submit():
        return _pairing_page(_pairing(pairing_id), form, EndingForm(formdata=None)), 422
    assert form.year.data is not None, "validate() has asked for it"
    set_target(PairingId(pairing_id), form.year.data, form.target.data, by=somebody().user_id, now=utc_now())
    flash(gettext("目标记下了。") if form.target.data else gettext("这一年不定目标了。"), "success")
    return go("staff.pairings.show", pairing_id=pairing_id)


@blueprint.post(f"/<{_ID}:pairing_id>/end")
@needs(Permission.PAIR)
def end(pairing_id: int) -> Response | tuple[str, int]:
    """Write down its last day."""
    form = EndingForm()
    if form.validate_on_submit():
        assert form.last_day.data is not None, "validate() has asked for it"
        try:
            end_pairing(PairingId(pairing_id), form.last_day.data, why=str(form.why.data), by=somebody().user_id, now=utc_now())
        except EndTooEarly as refusal:
            refuse(form.last_day, gettext("最早写 %(day)s：算过的不退回去。", day=day(refusal.earliest)))
        except EndedAlready:
            flash(gettext("它的止日已经写着了。"), "warning")
            return go("staff.pairings.show", pairing_id=pairing_id)
        else:
            flash(gettext("记下了。到那天为止的销售照样算。"), "success")
            return go("staff.pairings.show", pairing_id=pairing_id)
    return _pairing_page(_pairing(pairing_id), TargetForm(formdata=None), form), 422


def _pairing(pairing_id: int) -> PairingRow:
    return get_pairing(PairingId(pairing_id), this_year=business_day(utc_now()).year)


def _pairing_page(pairing: PairingRow, target: TargetForm, end: EndingForm) -> str:
    return render_template(
        "staff/pairings/show.html",
        pairing=pairing,
        target=target,
        end=end,
        kinds=kind_words(),
        today=business_day(utc_now()),
        may=somebody().may(Permission.PAIR),
    )


# ── Units ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/units")
@needs(Permission.READ_REPORTS)
def units() -> str:
    """Every eastern unit."""
    return _units_page(_unit_form())


@blueprint.post("/units")
@needs(Permission.PAIR)
def take_in() -> Response | tuple[str, int]:
    """One more."""
    form = _unit_form()
    if not form.validate_on_submit():
        return _units_page(form), 422
    add_unit(str(form.name.data), district_code=str(form.district.data), by=somebody().user_id, now=utc_now())
    flash(gettext("记下了，买家可以选它，也可以给它结对了。"), "success")
    return go("staff.pairings.units")


@blueprint.post(f"/units/<{_ID}:unit_id>/close")
@needs(Permission.PAIR)
def close(unit_id: int) -> Response:
    """Nobody can choose it any more."""
    try:
        close_unit(EasternUnitId(unit_id), by=somebody().user_id, now=utc_now())
        flash(gettext("停用了。算在它名下的销售不变。"), "success")
    except StillPaired:
        flash(gettext("它还有没到期的结对，先写上那些结对的止日。"), "warning")
    return go("staff.pairings.units")


def _unit_form() -> UnitForm:
    form = UnitForm()
    found: dict[str, list[SelectChoice]] = {}
    for province in _EASTERN_PROVINCES:
        for city in cities(f"{province}0000"):
            for district in districts(city.code):
                place = find_place(district.code)
                if place is not None:
                    name = "".join(place.names[:-1]) or place.name
                    found.setdefault(name, []).append(SelectChoice(district.code, place.names[-1]))
    form.district.choices = [SelectChoice(each.value, f"{city} {each.label}") for city, its in found.items() for each in its]
    return form


def _units_page(form: UnitForm) -> str:
    return render_template(
        "staff/pairings/units.html",
        units=[(unit, region_name(unit.district_code) if unit.district_code else "") for unit in list_unit_rows()],
        form=form,
        may=somebody().may(Permission.PAIR),
    )
