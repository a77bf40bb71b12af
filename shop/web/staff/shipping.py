"""What sending costs, by region and from which day on; what a parcel would cost; on which days nobody ships."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, TariffId
from shop.kit.regions import region_path
from shop.kit.text import fold
from shop.origin.queries import shipping_days
from shop.origin.service import set_shipping_days
from shop.reports.places import list_places
from shop.shipping.rules import (
    FIRST,
    PROVINCES,
    ByWeight,
    CannotShip,
    Days,
    Parcel,
    RegionTerms,
    Rules,
    Way,
    arrival,
    quote,
    terms_by_province,
    ways_to_send,
)
from shop.shipping.tariffs import (
    BEFORE_THE_FIRST,
    MOST_DAYS_OFF,
    BeginsAlready,
    BeginsTooEarly,
    HasBegun,
    NewTariff,
    TariffRow,
    add_tariff,
    close_days,
    forget_terms,
    list_days_off,
    list_tariffs,
    open_day,
    rules_of_tariff,
    take_back_tariff,
    terms_on,
)
from shop.web.cooperative.fields import DayField, KilogramsField, UnitsField, YuanField, refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.filters import day
from shop.web.form import Form
from shop.web.province_words import PROVINCE_WORDS
from shop.web.storefront.words import said
from shop.web.typed import clean

blueprint = Blueprint("shipping", __name__, url_prefix="/shipping")

_ID = "int(max=9223372036854775807)"
_DAYS = re.compile(r"([0-9]{1,2})(?:\s*[-–—~至到]\s*([0-9]{1,2}))?")
_LONGEST_DAYS = 30


# ── The tariffs, and what a parcel would cost ─────────────────────────────────────────────────────────────────────────


class TestForm(Form):
    """A parcel to try; it stands in the address."""

    class Meta:
        """Trying changes nothing."""

        csrf = False

    to = SelectField(lazy_gettext("送到"), default="320000", validate_choice=False)
    weight = KilogramsField(lazy_gettext("净重几公斤"))
    goods = YuanField(lazy_gettext("货款几元"))
    on = DayField(lazy_gettext("哪天下单"))
    cold = BooleanField(lazy_gettext("要冷链"))


@dataclass(frozen=True)
class Tried:
    """What the parcel would cost on that day."""

    ways: tuple[Way, ...]
    why_not: CannotShip | None


@blueprint.get("/")
@needs(Permission.READ_ORDERS)
def index() -> str:
    """The tariff in force or the one asked for, every other by its day, and the tester."""
    today = business_day(utc_now())
    tariffs = list_tariffs() or (BEFORE_THE_FIRST,)
    in_force = next((row for row in tariffs if row.starts_on is None or row.starts_on <= today), BEFORE_THE_FIRST)
    shown = in_force
    if asked := request.args.get("tariff"):
        shown = next((row for row in tariffs if str(row.id) == asked), None) or _not_found()
    form = TestForm(request.args if "to" in request.args else None)
    form.to.choices = [SelectChoice(f"{code}0000", str(PROVINCE_WORDS[code])) for code in PROVINCES]
    if "to" not in request.args:
        form.weight.type_in(5_000)
        form.goods.type_in(68_00)
        form.on.type_in(today)
    return render_template(
        "staff/shipping/index.html",
        tariffs=tariffs,
        in_force=in_force,
        shown=shown,
        rules=(rules := _rules(shown)),
        regions=[(PROVINCE_WORDS[terms.province], terms) for terms in terms_by_province(rules)],
        unserved=[PROVINCE_WORDS[code] for code in PROVINCES if code in rules.not_served.places],
        form=form,
        tried=_try(form, tariffs, today) if "to" in request.args and form.validate() else None,
        today=today,
        may=somebody().may(Permission.REGISTER),
    )


def _not_found() -> TariffRow:
    raise NotFound


def _rules(row: TariffRow) -> Rules:
    return FIRST if row.id is None else rules_of_tariff(row.id)


def _try(form: TestForm, tariffs: tuple[TariffRow, ...], today: date) -> Tried | None:
    """By the tariff that holds on the day."""
    ordered_on = form.on.data or today
    row = next((row for row in tariffs if row.starts_on is None or row.starts_on <= ordered_on), BEFORE_THE_FIRST)
    rules = _rules(row)
    to = str(form.to.data or "")
    if not region_path(to):
        refuse(form.to, gettext("没有这一项，请从单子里选。"))
        return None
    parcel = Parcel(CooperativeId(0), form.weight.data or 0, form.goods.data or 0, bool(form.cold.data))
    closed = {off.day for off in list_days_off(ordered_on)}
    ways = tuple(
        Way(way, arrival(way, ordered_on=ordered_on, ships_on="12345", closed=closed, rules=rules))
        for way in ways_to_send(parcel, to, rules)
    )
    answer = quote(parcel, to, rules)
    return Tried(ways, answer if isinstance(answer, CannotShip) else None)


# ── A new tariff ──────────────────────────────────────────────────────────────────────────────────────────────────────


class TariffForm(Form):
    """What does not go by province."""

    starts_on = DayField(lazy_gettext("从哪天起"))
    first_weight = KilogramsField(lazy_gettext("首重几公斤"))
    first = YuanField(lazy_gettext("首重几元"))
    further = YuanField(lazy_gettext("以后每公斤几元"))
    free_from = YuanField(lazy_gettext("满几元免运费"))
    quick_first = YuanField(lazy_gettext("加急：首重另加几元"))
    quick_further = YuanField(lazy_gettext("加急：以后每公斤另加几元"))
    packing = UnitsField(lazy_gettext("装箱要几个发货日"))
    note = StringField(lazy_gettext("为什么改"))

    def validate(self, extra_validators: object = None) -> bool:
        """Nothing is missing."""
        is_good = bool(super().validate(extra_validators))
        self.note.data = clean(self.note.data, most=200)
        for each in self:
            if each.name not in ("csrf_token", "note") and each.data is None and not each.errors:
                refuse(each, gettext("写上。"))
        for each in (self.first_weight, self.free_from, self.packing):
            if each.data == 0:
                refuse(each, gettext("要大于 0。"))
        return is_good and not any(each.errors for each in self)


@dataclass
class RegionLine:
    """One province of the form: what was typed, and what is wrong with it."""

    province: str
    name: str
    surcharge: str = ""
    days: str = ""
    quick: str = ""
    cold: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    def read(self) -> RegionTerms | None:
        """The terms; None if nothing goes there, or something is wrong, which then stands in `errors`."""
        try:
            surcharge = YuanField.read_fen(fold(self.surcharge)) if self.surcharge.strip() else 0
        except ValueError as error:
            self.errors["surcharge"] = str(error)
            surcharge = 0
        days, quick, cold = self._days("days"), self._days("quick"), self._days("cold")
        if days is None and (quick or cold or surcharge) and not self.errors:
            self.errors["days"] = gettext("先写普通快递几天，空着就是不送。")
        if self.errors or days is None:
            return None
        return RegionTerms(self.province, surcharge, days, quick, cold)

    def _days(self, name: str) -> Days | None:
        typed = fold(getattr(self, name))
        if not typed:
            return None
        match = _DAYS.fullmatch(typed)
        fewest, most = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 0 < fewest <= most <= _LONGEST_DAYS:
            self.errors[name] = gettext("写几天，比如 3-4。")
            return None
        return fewest, most


@blueprint.get("/new")
@needs(Permission.REGISTER)
def new() -> str:
    """The form, begun with what holds now."""
    today = business_day(utc_now())
    rules, form = terms_on(today).rules, TariffForm(formdata=None)
    form.first_weight.type_in(rules.by_weight.first_grams)
    form.first.type_in(rules.by_weight.first_fen)
    form.further.type_in(rules.by_weight.further_kg_fen)
    form.free_from.type_in(rules.free.goods_fen)
    form.quick_first.type_in(rules.quick.extra.first_fen)
    form.quick_further.type_in(rules.quick.extra.further_kg_fen)
    form.packing.type_in(rules.packing.shipping_days)
    known = {terms.province: terms for terms in terms_by_province(rules)}
    return render_template("staff/shipping/new.html", form=form, lines=[_line_of(code, known.get(code)) for code in PROVINCES])


def _line_of(code: str, terms: RegionTerms | None) -> RegionLine:
    name = str(PROVINCE_WORDS[code])
    if terms is None:
        return RegionLine(code, name)
    surcharge = f"{terms.surcharge_kg_fen / 100:.2f}" if terms.surcharge_kg_fen else ""
    return RegionLine(code, name, surcharge, _words_of(terms.days), _words_of(terms.quick_days), _words_of(terms.cold_days))


def _words_of(days: Days | None) -> str:
    return "" if days is None else str(days[0]) if days[0] == days[1] else f"{days[0]}-{days[1]}"


@blueprint.post("/new")
@needs(Permission.REGISTER)
def add() -> Response | tuple[str, int]:
    """Write it down."""
    form, lines = TariffForm(), _typed_lines(request.form)
    regions = tuple(terms for terms in [line.read() for line in lines] if terms is not None)
    is_whole = form.validate_on_submit() and not any(line.errors for line in lines)
    if is_whole and not regions:
        refuse(form.starts_on, gettext("至少送一个省。"))
    elif is_whole:
        assert form.starts_on.data is not None, "validate() has asked for it"
        try:
            add_tariff(_tariff(form, form.starts_on.data, regions), by=somebody().user_id, now=utc_now())
        except BeginsTooEarly as refusal:
            refuse(form.starts_on, gettext("最早写 %(day)s：今天的价不变。", day=day(refusal.earliest)))
        except BeginsAlready:
            refuse(form.starts_on, gettext("那天已经有一份起头，换一天，或者先撤回那一份。"))
        else:
            flash(gettext("记下了，到那天自己换上。"), "success")
            return go("staff.shipping.index")
    return render_template("staff/shipping/new.html", form=form, lines=lines), 422


def _typed_lines(typed: Mapping[str, str]) -> list[RegionLine]:
    def of(code: str, what: str) -> str:
        return str(typed.get(f"{what}_{code}", ""))[:20]

    return [
        RegionLine(code, str(PROVINCE_WORDS[code]), of(code, "surcharge"), of(code, "days"), of(code, "quick"), of(code, "cold"))
        for code in PROVINCES
    ]


def _tariff(form: TariffForm, starts_on: date, regions: tuple[RegionTerms, ...]) -> NewTariff:
    grams = form.first_weight.data or 0
    return NewTariff(
        starts_on=starts_on,
        by_weight=ByWeight("by_weight", grams, form.first.data or 0, form.further.data or 0),
        free_from_fen=form.free_from.data or 0,
        quick_extra=ByWeight("quick", grams, form.quick_first.data or 0, form.quick_further.data or 0),
        packing_days=form.packing.data or 0,
        regions=regions,
        note=str(form.note.data),
    )


@blueprint.post(f"/<{_ID}:tariff_id>/withdraw")
@needs(Permission.REGISTER)
def take_back(tariff_id: int) -> Response:
    """One that has not begun."""
    try:
        take_back_tariff(TariffId(tariff_id), by=somebody().user_id, now=utc_now())
        flash(gettext("撤回了，到时候不换。"), "success")
    except HasBegun:
        flash(gettext("这一份已经在用，要改就做一份新的。"), "warning")
    return go("staff.shipping.index")


# ── Days ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class DaysOffForm(Form):
    """A holiday."""

    name = StringField(lazy_gettext("什么节"))
    first_day = DayField(lazy_gettext("从哪天起"))
    last_day = DayField(lazy_gettext("到哪天止"))

    def validate(self, extra_validators: object = None) -> bool:
        """It has a name and days, in order, and is no longer than a month."""
        is_good = bool(super().validate(extra_validators))
        self.name.data = clean(self.name.data, most=40)
        if not self.name.data:
            refuse(self.name, gettext("写上是什么节。"))
        for each in (self.first_day, self.last_day):
            if each.data is None and not each.errors:
                refuse(each, gettext("写上日子。"))
        if self.first_day.data and self.last_day.data:
            if self.last_day.data < self.first_day.data:
                refuse(self.last_day, gettext("止日不能早于起日。"))
            elif (self.last_day.data - self.first_day.data).days >= MOST_DAYS_OFF:
                refuse(self.last_day, gettext("一次最多 %(most)s 天。", most=MOST_DAYS_OFF))
            elif self.first_day.data < business_day(utc_now()):
                refuse(self.first_day, gettext("这一天已经过了。"))
        return is_good and not any(each.errors for each in self)


class WeekdaysForm(Form):
    """On which days of the week one cooperative hands parcels over."""

    days = SelectMultipleField(
        lazy_gettext("哪几天发货"),
        choices=[SelectChoice(str(number), str(number)) for number in range(1, 8)],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


@blueprint.get("/days")
@needs(Permission.READ_ORDERS)
def days() -> str:
    """Weekdays of every cooperative, and the holidays that are to come."""
    return _days_page(DaysOffForm(formdata=None))


@blueprint.post("/days")
@needs(Permission.REGISTER)
def close() -> Response | tuple[str, int]:
    """One more holiday."""
    form = DaysOffForm()
    if not form.validate_on_submit():
        return _days_page(form), 422
    assert form.first_day.data is not None and form.last_day.data is not None, "validate() has asked for them"
    close_days(form.first_day.data, form.last_day.data, str(form.name.data), by=somebody().user_id, now=utc_now())
    forget_terms()
    flash(gettext("记下了，几分钟里各处的到货日就跟上。"), "success")
    return go("staff.shipping.days")


@blueprint.post("/days/<off>/remove")
@needs(Permission.REGISTER)
def reopen(off: str) -> Response:
    """An ordinary day after all."""
    try:
        found = date.fromisoformat(off)
    except ValueError as error:
        raise NotFound from error
    open_day(found, by=somebody().user_id, now=utc_now())
    forget_terms()
    flash(gettext("这一天照常发货。"), "success")
    return go("staff.shipping.days")


@blueprint.post(f"/days/cooperatives/<{_ID}:cooperative_id>")
@needs(Permission.REGISTER)
def weekdays(cooperative_id: int) -> Response:
    """Set one cooperative's days of the week, as it can itself."""
    form = WeekdaysForm()
    chosen = "".join(sorted(set(form.days.data or ()) & set("1234567")))
    if form.validate_on_submit() and chosen:
        set_shipping_days(CooperativeId(cooperative_id), chosen, by=somebody().user_id, now=utc_now())
        flash(gettext("发货日记下了。"), "success")
    else:
        flash(gettext("一周至少选一天，先没有改。"), "warning")
    return go("staff.shipping.days")


def _days_page(form: DaysOffForm) -> str:
    cooperatives = list_places().cooperatives
    ships = shipping_days([row.id for row in cooperatives])
    names = [gettext("一"), gettext("二"), gettext("三"), gettext("四"), gettext("五"), gettext("六"), gettext("日")]
    return render_template(
        "staff/shipping/days.html",
        form=form,
        off=list_days_off(business_day(utc_now())),
        cooperatives=[(row.id, said(row.name, row.name_en), ships[row.id]) for row in cooperatives],
        weekdays=list(zip("1234567", names, strict=True)),
        may=somebody().may(Permission.REGISTER),
    )
