"""Ready-made reports: each on the screen, on paper and as files, by the register `shop/reports/ready.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import segno
from flask import Blueprint, Response, render_template, request, url_for

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import NotFound
from shop.reports.choices import choices
from shop.reports.documents import Column, Document, Line, Part, name_of, without_codes
from shop.reports.periods import Period, month_of, period_before, so_far, year_of
from shop.reports.ready import READY, ReadyAsked, ReadyReport, Span, read_ready, usual_period
from shop.reports.sales import sales
from shop.web.current import needs, settings
from shop.web.report_files import MOST_ROWS_AT_ONCE, TYPES, as_answer, in_words, is_figure
from shop.web.staff.reports import SalesForm

blueprint = Blueprint("ready", __name__, url_prefix="/reports/ready")

_YEARS, _MONTHS = 6, 24
"""So many are offered to choose from."""


@blueprint.get("/")
@needs(Permission.READ_REPORTS)
def index() -> str:
    """All of them."""
    return render_template("staff/ready/index.html", reports=READY)


@blueprint.get("/<ready>")
@needs(Permission.READ_REPORTS)
def show(ready: str) -> str | Response | tuple[str, int]:
    """One report; with `format=csv`, `xlsx`, `pdf` or `json` the same as a file."""
    report = READY.get(ready)
    if report is None:
        raise NotFound
    today = business_day(utc_now())
    form = SalesForm(request.args) if report.span is Span.DAYS else None
    around = {"report": report, "name": ready, "form": form, "periods": _periods(report, today), "subjects": _subjects(report)}
    if form is not None and not form.validate():
        return render_template("staff/ready/show.html", document=None, asked=None, tables=(), **around), 422
    period = _period(report, form, today)
    asked = ReadyAsked(ready, period, _subject(report, period))
    if form is not None:
        form["from"].type_in(period.since)
        form["to"].type_in(period.until)
    try:
        document = read_ready(asked, now=utc_now())
    except ValueError as error:  # the address names what no village or cooperative can be
        raise NotFound from error
    if (file_format := request.args.get("format", "")) in TYPES:
        if document.rows > MOST_ROWS_AT_ONCE[file_format]:
            address = dict(request.args)
            back = {word: value for word, value in address.items() if word != "format"}
            return render_template("staff/exports/offer.html", ready=ready, rows=document.rows, address=address, back=back)
        return as_answer(document, file_format)
    shown = {"document": document, "asked": asked, "tables": [_table(part, document) for part in map(without_codes, document.parts)]}
    if report.is_notice:
        return render_template("staff/ready/notice.html", code=_code(document.arguments["village_page"]), **shown, **around)
    return render_template("staff/ready/show.html", **shown, **around)


def asked_ready(name: str, today: date) -> ReadyAsked:
    """The ready-made report that the address asks for. Raises NotFound."""
    report = READY.get(name)
    form = SalesForm(request.args)
    if report is None or not form.validate():
        raise NotFound
    period = _period(report, form if report.span is Span.DAYS else None, today)
    return ReadyAsked(name, period, _subject(report, period))


# ── What is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _period(report: ReadyReport, form: SalesForm | None, today: date) -> Period:
    usual = usual_period(report.span, today)
    if form is not None:
        return form.asked(today).period
    chosen = request.args.get(report.span.value, "")
    if not chosen:
        return usual
    found = next((choice for choice in _periods(report, today) if choice.key == chosen), None)
    if found is None:
        raise NotFound
    return found.period


@dataclass(frozen=True)
class _Choice:
    """A year or a month to choose."""

    key: str
    period: Period


def _periods(report: ReadyReport, today: date) -> Sequence[_Choice]:
    """Years or months that may be chosen, the latest first."""
    if report.span is Span.YEAR:
        years = (date(today.year - ago, 1, 1) for ago in range(_YEARS))
        return [_Choice(str(day.year), so_far(year_of(day), today)) for day in years]
    if report.span is not Span.MONTH:
        return ()
    months, month = [], month_of(today)
    for _number in range(_MONTHS):
        months.append(_Choice(f"{month.since:%Y-%m}", so_far(month, today)))
        month = period_before(month)
    return months


def _subjects(report: ReadyReport) -> Sequence[tuple[str, str]]:
    """Key and name of each village or cooperative."""
    return [(label.key, name_of(label)) for label in choices()[report.subject]] if report.subject else ()


def _subject(report: ReadyReport, period: Period) -> str:
    """The one that is asked for, else the one that sold most in the period, else the first there is."""
    if not report.subject:
        return ""
    if chosen := request.args.get(report.subject):
        return chosen
    rows = sales([report.subject], period.since, period.until).rows
    if rows:
        return rows[0].keys[0]
    subjects = _subjects(report)
    if not subjects:
        raise NotFound
    return subjects[0][0]


# ── What is shown ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ShownCell:
    """A cell in words, and what it opens."""

    text: str
    href: str
    is_figure: bool
    is_key: bool


@dataclass(frozen=True)
class ShownTable:
    """A part of a document as a table."""

    name: str
    title: str
    heads: Sequence[tuple[str, bool, str]]
    """Words, whether the column holds figures, and what it means."""
    rows: Sequence[Sequence[ShownCell]]
    total: Sequence[ShownCell]
    note: str


def _table(part: Part, document: Document) -> ShownTable:
    heads = [(column.title, is_figure(column), column.means) for column in part.columns]
    rows = [_cells(part.columns, line, document) for line in part.lines]
    return ShownTable(part.name, part.title, heads, rows, _cells(part.columns, part.total, document) if part.total else (), part.note)


def _cells(columns: Sequence[Column], line: Line, document: Document) -> list[ShownCell]:
    cells = []
    for place, (column, cell) in enumerate(zip(columns, line.cells, strict=True)):
        href = line.href if place == 0 else ""
        if column.figure is not None and line.only is not None and cell:
            days = {"from": document.period.since.isoformat(), "to": document.period.until.isoformat()}
            href = url_for("staff.reports.lines", **{**days, "figure": column.figure.value, **line.only})  # type: ignore[arg-type]
        cells.append(ShownCell(in_words(column.kind, cell), href, is_figure(column), column.name == "net_fen"))
    return cells


def _code(slug: str) -> str:
    """A QR code of the village's public page, as a picture."""
    address = f"{settings().public_url}/villages/{slug}"
    return segno.make(address, error="m", micro=False).svg_data_uri(scale=4, border=0, dark="#1F2A24", light="#FFFFFF")
