"""Sales by village, or by anything else: one report, one address, on screen and as a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from unicodedata import east_asian_width

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response as Redirect
from wtforms import SelectField, ValidationError
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import TaskId
from shop.orders.models import Channel
from shop.origin.bearings import BIJIANG
from shop.outbox.models import TaskState
from shop.reports.choices import LISTED, choices, label_of
from shop.reports.dimensions import DIMENSIONS, NONE, Label
from shop.reports.documents import name_of, said
from shop.reports.long_reports import Kept, ask_for_report, asked_of, find_kept, get_long_report
from shop.reports.month_pages import closed_up_to
from shop.reports.periods import Period, month_of, period_before, quarter_of, so_far, year_of
from shop.reports.sales import Dates, Figure, lines_behind
from shop.reports.sales_document import sales_document
from shop.reports.sales_page import (
    Asked,
    ComparedRow,
    Drawn,
    Heat,
    SalesPage,
    TooLong,
    Versus,
    default_period,
    read_page,
    read_report,
    ready_at_once,
)
from shop.web.cooperative.fields import DayField
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.form import Form
from shop.web.report_files import MOST_ROWS_AT_ONCE, TYPES, as_answer

blueprint = Blueprint("reports", __name__, url_prefix="/reports")

_EARLIEST, _LATEST = date(2000, 1, 1), date(2099, 12, 31)
_ALL = ""


@blueprint.get("/sales")
@needs(Permission.READ_REPORTS)
def sales() -> str | Response | tuple[str, int]:
    """Sales for a period: figures, bars, the course of the days, the table; with `format=csv`, `xlsx`, `pdf` or `json` the same as a file."""
    today = business_day(utc_now())
    form = SalesForm(request.args)
    if not form.validate():
        usual = Asked(("village",), default_period(today))
        refused = {"form": form, "shortcuts": _shortcuts(usual, today), "filters": [], "lists": []}
        return render_template("staff/reports/sales.html", shown=None, **refused), 422
    asked = form.asked(today)
    form.fill_in(asked)
    known = choices()
    filters = _filters(asked, known)
    file_format, kept = request.args.get("format", ""), _kept(asked)
    around = {"form": form, "shortcuts": _shortcuts(asked, today), "filters": filters, "lists": _lists(asked, known)}
    try:
        ready = asked if kept else ready_at_once(asked)
    except TooLong as long:
        if file_format in TYPES:
            return _offer(asked, file_format, long.rows)
        return render_template("staff/reports/sales.html", shown=None, rows_to_read=long.rows, address=address_of(asked), **around)
    if file_format in TYPES:
        report = kept.report if kept else read_report(asked)
        if len(report.rows) > MOST_ROWS_AT_ONCE[file_format]:
            return _offer(asked, file_format, len(report.rows))
        return as_answer(sales_document(asked, report, now=kept.read_at if kept else utc_now()), file_format)
    shown = _shown(read_page(ready, kept.report if kept else None), request.args.get("sort", ""), asked, request.args.getlist("cols"))
    is_closed = asked.dates is Dates.POSTED and closed_up_to(asked.period)
    return render_template("staff/reports/sales.html", shown=shown, is_closed=is_closed, kept=kept, **around)


def _offer(asked: Asked, file_format: str, rows: int) -> str:
    """A file that would keep everybody waiting: the worker may write it."""
    back = address_of(asked)
    return render_template("staff/exports/offer.html", ready="sales", rows=rows, address=dict(back, format=file_format), back=back)


def _kept(asked: Asked) -> Kept | None:
    """The report that the worker read, if the address names one."""
    task_id = request.args.get("run", 0, type=int)
    return find_kept(TaskId(task_id), asked) if 0 < task_id < _LARGEST_ID else None


_LARGEST_ID = 1 << 63


@blueprint.post("/sales/long")
@needs(Permission.READ_REPORTS)
def ask_long() -> Redirect:
    """Leave a report that takes long to the worker, and wait for it on a page of its own."""
    form = SalesForm(request.args)
    if not form.validate():
        raise NotFound
    asked = form.asked(business_day(utc_now()))
    return go("staff.reports.long", report_id=ask_for_report(asked, by=somebody().user_id, now=utc_now()))


@blueprint.get("/sales/long/<int(max=9223372036854775807):report_id>")
@needs(Permission.READ_REPORTS)
def long(report_id: int) -> str | Redirect:
    """How far it is; once it is there, the report."""
    task = get_long_report(TaskId(report_id))
    asked = asked_of(task)
    if task.state is TaskState.DONE:
        return go("staff.reports.sales", **address_of(asked, run=str(report_id)))
    return render_template("staff/reports/long.html", task=task, asked=asked, address=address_of(asked), what=_dimensions_of(asked))


@blueprint.get("/sales/lines")
@needs(Permission.READ_REPORTS)
def lines() -> str:
    """The order lines behind one figure of the report, with their sum."""
    form = SalesForm(request.args)
    figure = request.args.get("figure", Figure.NET.value)
    if not form.validate() or figure not in set(Figure):
        raise NotFound
    asked = form.asked(business_day(utc_now()))
    only = asked.only
    page = request.args.get("page", 1, type=int)
    try:
        behind = lines_behind(only, asked.period.since, asked.period.until, figure=Figure(figure), dates=asked.dates, page=page)
    except ValueError as error:  # the address names what no value can be
        raise NotFound from error
    return render_template(
        "staff/reports/lines.html",
        asked=asked,
        behind=behind,
        figure_key=figure,
        arguments={name: value for name, value in request.args.items() if name != "page"},
        report=address_of(asked),
    )


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────

_NO_SUCH_CHOICE = lazy_gettext("没有这一项，请从单子里选。")
_ALL = ""


def _select(label: str, choices: Sequence[SelectChoice], usual: str) -> SelectField:
    """A list to choose from; left out or blank, it is the usual."""
    return SelectField(
        label, choices=choices, default=usual, filters=[lambda value: value or usual], invalid_choice_message=_NO_SUCH_CHOICE
    )


_DIMENSIONS = [SelectChoice(name, dimension.label) for name, dimension in DIMENSIONS.items()]


class SalesForm(Form):
    """What the address says. Nothing is changed by it, so it carries no token. Blank means the usual: by village, this month."""

    class Meta:
        """WTForms' own settings."""

        csrf = False

    by = _select(lazy_gettext("分行"), _DIMENSIONS, "village")
    by2 = _select(lazy_gettext("再按"), [SelectChoice(_ALL, lazy_gettext("不分")), *_DIMENSIONS], _ALL)
    channel = _select(
        lazy_gettext("渠道"),
        [
            SelectChoice(_ALL, lazy_gettext("全部")),
            SelectChoice(Channel.ONLINE.value, lazy_gettext("线上")),
            SelectChoice(Channel.OFFLINE.value, lazy_gettext("线下")),
        ],
        _ALL,
    )
    dates = _select(
        lazy_gettext("日期"),
        [SelectChoice(Dates.POSTED.value, lazy_gettext("记账日")), SelectChoice(Dates.SOLD.value, lazy_gettext("销售日"))],
        Dates.POSTED.value,
    )
    vs = _select(
        lazy_gettext("相比"),
        [
            SelectChoice(Versus.BEFORE.value, lazy_gettext("上一期")),
            SelectChoice(Versus.YEAR.value, lazy_gettext("去年同期")),
            SelectChoice(Versus.NOTHING.value, lazy_gettext("不比")),
        ],
        Versus.BEFORE.value,
    )

    def validate_by2(self, field: SelectField) -> None:
        """Twice the same is no second dimension."""
        if field.data == self.by.data:
            raise ValidationError(gettext("和“分行”一样，换一种或选“不分”。"))

    def validate_from(self, field: DayField) -> None:
        """Within what anybody will ever ask for."""
        _must_be_near(field)

    def validate_to(self, field: DayField) -> None:
        """Within reach, and not before the first day."""
        _must_be_near(field)
        since = self["from"].data
        if since is not None and field.data is not None and field.data < since:
            raise ValidationError(gettext("不能早于开始那天 %(since)s。", since=since.isoformat()))

    def asked(self, today: date) -> Asked:
        """The question. A first or last day that is left out follows from the other; without both it is this month."""
        usual = default_period(today)
        until = self["to"].data or (max(today, self["from"].data) if self["from"].data else usual.until)
        since = self["from"].data or until.replace(day=1)
        return Asked(
            by=tuple(name for name in (self.by.data, self.by2.data) if name),
            period=Period(since, until),
            dates=Dates(self.dates.data),
            only=_only(),
            versus=Versus(self.vs.data),
            with_counts=request.args.get("counts") == "1",
        )

    def fill_in(self, asked: Asked) -> None:
        """Show the days that were meant where none were typed."""
        self["from"].type_in(asked.period.since)
        self["to"].type_in(asked.period.until)


# Not in the body of the class: `from` is a word of the language.
setattr(SalesForm, "from", DayField(lazy_gettext("从")))
SalesForm.to = DayField(lazy_gettext("到"))


def _only() -> dict[str, str]:
    """Dimensions that the address holds to a value, in the order of all of them. Raises NotFound for what no value can be."""
    only = {name: request.args[name] for name in DIMENSIONS if request.args.get(name)}
    try:
        for name, key in only.items():
            DIMENSIONS[name].key_of(key)
    except ValueError as error:
        raise NotFound from error
    return only


def _must_be_near(field: DayField) -> None:
    if field.data is not None and not _EARLIEST <= field.data <= _LATEST:
        raise ValidationError(gettext("请写 2000 年到 2099 年之间的日子。"))


def address_of(asked: Asked, **other: str) -> dict[str, str]:
    """The question as it stands in an address: what is usual is left out."""
    values = {
        "by": asked.by[0],
        "by2": asked.by[1] if len(asked.by) > 1 else "",
        "from": asked.period.since.isoformat(),
        "to": asked.period.until.isoformat(),
        **asked.only,
        "counts": "1" if asked.with_counts else "",
        "dates": "" if asked.dates is Dates.POSTED else asked.dates.value,
        "vs": "" if asked.versus is Versus.BEFORE else asked.versus.value,
    } | other
    return {name: value for name, value in values.items() if value}


# ── What is shown ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Shortcut:
    """A period by its name."""

    name: str
    arguments: Mapping[str, str]
    is_current: bool


def _shortcuts(asked: Asked, today: date) -> list[Shortcut]:
    this_month, this_quarter, this_year = month_of(today), quarter_of(today), year_of(today)
    periods = [
        (gettext("本月"), so_far(this_month, today)),
        (gettext("上月"), period_before(this_month)),
        (gettext("本季"), so_far(this_quarter, today)),
        (gettext("上季"), period_before(this_quarter)),
        (gettext("今年"), so_far(this_year, today)),
        (gettext("去年"), period_before(this_year)),
    ]
    return [Shortcut(name, address_of(replace(asked, period=period)), period == asked.period) for name, period in periods]


@dataclass(frozen=True)
class ShownFilter:
    """A dimension held to one value."""

    name: str
    value: str
    key: str
    dimension: str
    without: Mapping[str, str]
    """The same question without it."""


def _filters(asked: Asked, known: Mapping[str, Sequence[Label]]) -> list[ShownFilter]:
    shown = []
    for name, key in asked.only.items():
        rest = replace(asked, only={other: value for other, value in asked.only.items() if other != name})
        shown.append(ShownFilter(str(DIMENSIONS[name].label), name_of(label_of(name, key, known)), key, name, address_of(rest)))
    return shown


@dataclass(frozen=True)
class ShownList:
    """A list to hold a dimension to one of its values."""

    dimension: str
    name: str
    options: Sequence[tuple[str, str]]
    """Key and words."""
    chosen: str


def _lists(asked: Asked, known: Mapping[str, Sequence[Label]]) -> list[ShownList]:
    """The channel has a field of its own."""
    shown = []
    for name in LISTED:
        if name == "channel":
            continue
        options = [(label.key, name_of(label)) for label in known[name]]
        if name in ("eastern_unit", "pairing"):
            options.append((NONE, name_of(DIMENSIONS[name].label_of(None))))
        shown.append(ShownList(name, str(DIMENSIONS[name].label), options, asked.only.get(name, "")))
    return shown


@dataclass(frozen=True)
class ShownBar:
    """One bar, or one point of a line, as the macros of charts want it."""

    name: str
    value: int
    was: int | None


@dataclass(frozen=True)
class ShownTown:
    """One point of the map, as its macro wants it."""

    name: str
    value: int
    east_km: float | None
    north_km: float | None
    is_here: bool


@dataclass(frozen=True)
class Head:
    """The head of a column."""

    name: str
    is_number: bool = False
    is_wide: bool = False
    """Left out on telephones."""
    href: str = ""
    """What sorts by it."""
    order: str = ""
    """How it is sorted now: descending, ascending, or not by it."""


@dataclass(frozen=True)
class Shown:
    """The page in the reader's language, in the order asked for."""

    page: SalesPage
    dimensions: str
    """What the rows are, in words."""
    first_dimension: str
    rows: Sequence[ComparedRow]
    is_compared: bool
    most_fen: int
    """The largest net of a row: what bars in the table are drawn against."""
    heads: Sequence[Head]
    bars: Sequence[ShownBar]
    course: Sequence[ShownBar]
    towns: Sequence[ShownTown]
    town_list: str
    counties: Sequence[ShownTown]
    county_list: str
    seat: str
    address: Mapping[str, str]
    """Of this page, and of the lines behind its total; a row adds what it is."""
    heat: "ShownHeat | None"
    narrow: frozenset[str]
    """Columns that telephones show too."""
    columns: Sequence[tuple[str, str]]
    """Those that may be chosen: name and words."""
    has_sparks: bool
    is_time: bool
    """Whether rows are days, weeks, months: those are not opened by themselves."""
    next_by: str
    """What a row that is opened by itself is told apart by."""
    chart: str
    """The same rows for the script that adds hover and zoom, as JSON."""


@dataclass(frozen=True)
class ShownHeat:
    """A field of squares as its macro wants it."""

    rows: Sequence[str]
    columns: Sequence[str]
    net_fen: Sequence[Sequence[int]]
    left_out: int


_NARROW = ("gross", "refunds", "net")
"""What a telephone shows unless told otherwise."""
_NEXT_BY = {"village": "product", "cooperative": "village", "product": "village"}


def _dimensions_of(asked: Asked) -> str:
    return str(gettext("、")).join(str(DIMENSIONS[name].label).lower() for name in asked.by)  # they stand within sentences


def _shown(page: SalesPage, sort: str, typed: Asked, chosen: Sequence[str]) -> Shown:
    asked = page.asked
    dimensions = [str(DIMENSIONS[name].label).lower() for name in asked.by]
    is_compared = any(row.was_fen is not None for row in page.rows)
    towns = [ShownTown(said(town.name, town.name_en), town.net_fen, town.east_km, town.north_km, False) for town in page.towns]
    return Shown(
        page=page,
        dimensions=gettext("、").join(dimensions),
        first_dimension=dimensions[0],
        rows=_sorted(page.rows, sort),
        is_compared=is_compared,
        most_fen=max((row.measures.net_fen for row in page.rows), default=0),
        heads=_heads(page, typed, sort, is_compared=is_compared, chosen=chosen),
        bars=[_bar(drawn, shorten(name_of(drawn.label)) if drawn.label else gettext("其余")) for drawn in page.bars],
        course=[_bar(drawn, _step_name(drawn, is_by_day=page.is_course_by_day)) for drawn in page.course],
        towns=towns,
        town_list=gettext("，").join(f"{town.name} {yuan_sign(town.value)}" for town in towns),
        counties=(
            counties := [ShownTown(said(one.name, one.name_en), one.net_fen, one.east_km, one.north_km, False) for one in page.counties]
        ),
        county_list=gettext("，").join(f"{county.name} {yuan_sign(county.value)}" for county in counties),
        seat=said(BIJIANG.name, BIJIANG.name_en),
        address=address_of(typed),
        heat=_shown_heat(page.heat) if page.heat else None,
        narrow=_narrow(chosen),
        columns=[(name, words) for name, words in _column_words().items() if page.report.counts or name not in ("orders", "buyers")],
        has_sparks=any(row.spark for row in page.rows),
        is_time=DIMENSIONS[asked.by[0]].is_time,
        next_by=_NEXT_BY.get(asked.by[0], "village"),
        chart=_chart(page),
    )


def _narrow(chosen: Sequence[str]) -> frozenset[str]:
    return frozenset(name for name in chosen if name in _column_words()) or frozenset(_NARROW)


def _column_words() -> dict[str, str]:
    return {
        "orders": gettext("订单"),
        "buyers": gettext("买家"),
        "lines": gettext("订单行"),
        "units": gettext("件数"),
        "weight": gettext("重量"),
        "gross": gettext("销售额"),
        "refunds": gettext("退款"),
        "net": gettext("净额"),
    }


def _shown_heat(heat: Heat) -> ShownHeat:
    return ShownHeat(
        [shorten(name_of(label)) for label in heat.rows], [shorten(name_of(label)) for label in heat.columns], heat.net_fen, heat.left_out
    )


def _chart(page: SalesPage) -> str:
    """What the server drew, for `static/js/charts.js`: names and fen."""
    course = {
        "names": [drawn.label.code for drawn in page.course if drawn.label],
        "now": [drawn.value_fen for drawn in page.course],
        "was": [drawn.was_fen for drawn in page.course] if page.course and page.course[0].was_fen is not None else [],
    }
    heat = page.heat
    field = (
        {"rows": [name_of(label) for label in heat.rows], "columns": [name_of(label) for label in heat.columns], "fen": heat.net_fen}
        if heat
        else None
    )
    words = {"now": gettext("本期"), "was": gettext("上一期"), "net": gettext("净额")}
    return json.dumps({"course": course, "heat": field, "words": words}, ensure_ascii=False)


def _bar(drawn: Drawn, name: str) -> ShownBar:
    return ShownBar(name, drawn.value_fen, drawn.was_fen)


def _step_name(drawn: Drawn, *, is_by_day: bool) -> str:
    """`11-01` for a day, `2026-11` for a month."""
    assert drawn.label is not None and drawn.label.code is not None, "a point in time has its date"
    return drawn.label.code[5:] if is_by_day else drawn.label.code


_FIGURES = ("orders", "buyers", "lines", "units", "weight", "gross", "refunds", "net")


def _figure(row: ComparedRow, name: str) -> int:
    measures, counts = row.measures, row.counts
    figures = (
        counts.orders if counts else 0,
        counts.buyers if counts else 0,
        measures.lines,
        measures.units,
        measures.weight_grams,
        measures.gross_fen,
        measures.refunds_fen,
        measures.net_fen,
    )
    return dict(zip(_FIGURES, figures, strict=True))[name]


def _sorted(rows: Sequence[ComparedRow], sort: str) -> Sequence[ComparedRow]:
    """`sort=gross`: largest first; `sort=gross-up`: smallest first; anything else: as the report has it."""
    name, is_up = sort.removesuffix("-up"), sort.endswith("-up")
    if name not in _FIGURES:
        return rows
    return sorted(rows, key=lambda row: _figure(row, name), reverse=not is_up)


def _heads(page: SalesPage, typed: Asked, sort: str, *, is_compared: bool, chosen: Sequence[str]) -> list[Head]:
    """The heads of the table; a figure's head sorts by it, largest first, and once more the other way."""
    asked, narrow = page.asked, _narrow(chosen)
    heads = [Head(str(DIMENSIONS[name].label)) for name in asked.by]
    is_usual = sort.removesuffix("-up") not in _FIGURES
    for name, text in _column_words().items():
        if name in ("orders", "buyers") and not page.report.counts:
            continue
        order = {name: "descending", f"{name}-up": "ascending"}.get(sort, "")
        if is_usual and name == "net" and not DIMENSIONS[asked.by[0]].is_time:
            order = "descending"
        then = f"{name}-up" if order == "descending" else name
        heads.append(Head(text, True, name not in narrow, _sales_url(address_of(typed, sort=then)), order))
    heads.append(Head(gettext("占比"), is_wide=True))
    if any(row.spark for row in page.rows):
        heads.append(Head(gettext("走势"), is_wide=True))
    heads += [Head(word, True, True) for word in page.buckets.words]
    if is_compared:
        heads += [Head(gettext("上期净额"), True, True), Head(gettext("变化"), True, True)]
    return heads


def _sales_url(arguments: Mapping[str, str]) -> str:
    return url_for("staff.reports.sales", **arguments)  # type: ignore[arg-type]  # `_external` and its like are not among them


_MOST_COLUMNS = 12


def shorten(name: str) -> str:
    """A name that fits beside a bar: six characters of Chinese, twelve of Latin, words kept whole where that leaves any."""
    width = 0
    for place, character in enumerate(name):
        width += 2 if east_asian_width(character) in "WF" else 1
        if width > _MOST_COLUMNS:
            cut = name[: place - 1]
            return (cut.rpartition(" ")[0] or cut) + "…"
    return name
