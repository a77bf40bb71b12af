"""`flask reports`: the figures of the shop for other programs and for people at a terminal."""

import json
import re
import unicodedata
from datetime import date

import click
from flask.cli import AppGroup

from shop.extensions import reading
from shop.kit.text import fold
from shop.reports.dimensions import DIMENSIONS
from shop.reports.folding import drain, fold_waiting, rebuild
from shop.reports.sales import MOST_DIMENSIONS, Dates, Measures, Sales
from shop.reports.sales import sales as sales_by

reports = AppGroup("reports", help="Reports from the books.")


class Day(click.ParamType[date]):
    """A day as 2026-11-23."""

    name = "day"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day, or a usage error that says what a day looks like."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(fold(value))
        except ValueError:
            self.fail(f"{value!r} is not a day; write it as 2026-11-23", param, ctx)


def _two_at_most(_ctx: click.Context, _param: click.Parameter, by: tuple[str, ...]) -> tuple[str, ...]:
    if len(by) > MOST_DIMENSIONS:
        raise click.BadParameter(f"at most {MOST_DIMENSIONS} dimensions at a time")
    if len(set(by)) < len(by):
        raise click.BadParameter(f"{by[0]} is named twice")
    return by


@reports.command("sales")
@click.option(
    "--by", multiple=True, required=True, type=click.Choice(list(DIMENSIONS)), callback=_two_at_most, help="One or two dimensions."
)
@click.option("--from", "since", required=True, type=Day(), help="The first business day (Asia/Shanghai).")
@click.option("--to", "until", required=True, type=Day(), help="The last business day, inclusive.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option(
    "--dates",
    type=click.Choice([dates.value for dates in Dates]),
    default=Dates.POSTED.value,
    show_default=True,
    help="posted: a refund counts on the day it is booked; sold: on the day of its sale.",
)
def sales(by: tuple[str, ...], since: date, until: date, form: str, dates: str) -> None:
    """Sales for a period, grouped by one or two dimensions.

    JSON and CSV are in fen and grams, and stay as they are for other programs; the table is for people, in yuan and kilograms.
    """
    if since > until:
        raise click.BadParameter(f"{until} is before --from {since}", param_hint="--to")
    with reading():
        report = sales_by(by, since, until, dates=Dates(dates))
    if form == "json":
        click.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    elif form == "csv":
        click.echo(report.as_csv(), nl=False)
    else:
        click.echo(_table(report))


@reports.command("fold")
@click.option("--month", help="Only entries of this month (2026-11).")
def fold_now(month: str | None) -> None:
    """Add what waits to the roll-ups now. The worker does so every few seconds."""
    if month is not None and not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
        raise click.BadParameter(f"{month!r} is not a month; write it as 2026-11", param_hint="--month")
    click.echo(f"{drain(month) if month else fold_waiting()} entries folded")


@reports.command("rebuild")
def rebuild_all() -> None:
    """Make the roll-ups anew from the attributions, month by month, while the shop trades."""
    click.echo(f"{rebuild()} months made anew, {fold_waiting()} entries folded")


def _table(report: Sales) -> str:
    """Names to the left, figures to the right, the total under a rule. Chinese characters are two columns wide."""
    header = [*report.by, "lines", "units", "kg", "gross", "refunds", "net (CNY)"]
    body = [[*(label.name or "—" for label in row.labels), *_figures(row.measures)] for row in report.rows]
    footer = ["total", *[""] * (len(report.by) - 1), *_figures(report.total)]
    widths = [max(_width(line[place]) for line in (header, *body, footer)) for place in range(len(header))]

    def written(line: list[str]) -> str:
        cells = (_padded(text, width, is_name=place < len(report.by)) for place, (text, width) in enumerate(zip(line, widths, strict=True)))
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    title = f"Sales by {' and '.join(report.by)}, {report.since} to {report.until}"
    return "\n".join([title, "", written(header), rule, *map(written, body), rule, written(footer)])


def _figures(measures: Measures) -> list[str]:
    money = (measures.gross_fen, measures.refunds_fen, measures.net_fen)
    return [f"{measures.lines:,}", f"{measures.units:,}", _kg(measures.weight_grams), *map(_yuan, money)]


def _kg(grams: int) -> str:
    return f"{grams // 1000:,}.{grams % 1000:03d}"


def _yuan(fen: int) -> str:
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{rest:02d}"


def _padded(text: str, width: int, *, is_name: bool) -> str:
    room = " " * (width - _width(text))
    return text + room if is_name else room + text


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
