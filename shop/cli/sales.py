"""`flask sales import`: sales made by hand and their returns, from a file."""

import os
import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import force_locale, gettext

from shop.acts.import_sales import Book, InOwnSession, Tally, import_sales
from shop.acts.plan_offline import Outcome
from shop.acts.sales_file import BadFile, SalesFile
from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.kit.ids import VillageId
from shop.origin.queries import eastern_units_by_name, village_names
from shop.web.filters import thousands, yuan_sign
from shop.web.staff.import_words import file_words, trouble_words

sales = AppGroup("sales", help="Sales made by hand: at fairs, by contract, over a counter.")


@sales.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--commit", "is_booking", is_flag=True, help="Book the good rows; without it nothing is booked.")
def import_file(file: Path, is_booking: bool) -> None:
    """Rehearse FILE, a CSV of sales and returns, or book it with --commit.

    Without --commit it says what would be booked and what is wrong with which row, by the same rules, stock included. Repeating it is safe: a row whose ref is
    there already with the same facts is counted and left alone. Messages of bad rows and the sums go to standard output, progress to standard error. Exits 1 if
    any row was bad.
    """
    with force_locale("zh" if _terminal_language().startswith("zh") else "en"):
        try:
            tally = _run(file, is_booking)
        except BadFile as bad:
            click.echo(f"{file}: {file_words(bad)}")
            sys.exit(1)
        _say(tally, is_booking)
    sys.exit(1 if tally.bad else 0)


def _terminal_language() -> str:
    """As other programs choose it: the first of these that is set."""
    return next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")


def _run(file: Path, is_booking: bool) -> Tally:
    with reading():
        units = eastern_units_by_name()
    tally = Tally()
    with SalesFile(lambda: file.open("rb"), units, now=utc_now()) as opened:
        for step in import_sales(opened, is_booking=is_booking, by=None, clock=utc_now, in_own_session=_own_session()):
            tally = step.tally
            for trouble in step.troubles:
                place = gettext("第 %(line)s 行", line=trouble.line)
                column = f" · {trouble.column}" if trouble.column else ""
                ref = f" · {trouble.ref}" if trouble.ref else ""
                click.echo(
                    f"{place}{ref}{column}：{trouble_words(trouble)}"
                    if _is_chinese()
                    else f"{place}{ref}{column}: {trouble_words(trouble)}"
                )
            click.echo(f"\r{thousands(tally.rows)} / {thousands(opened.total)}", err=True, nl=False)
    click.echo(err=True)
    return tally


def _own_session() -> InOwnSession:
    """In whatever thread, an app context of its own, and so a session of its own."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # a thread has no current app to ask for

    def run(booking: Book) -> list[Outcome]:
        with app.app_context():
            return booking()

    return run


def _is_chinese() -> bool:
    return _terminal_language().startswith("zh")


def _say(tally: Tally, is_booking: bool) -> None:
    """The sums, and what each village gets."""
    figures = {
        "rows": thousands(tally.rows),
        "sales": thousands(tally.sales),
        "sales_sum": yuan_sign(tally.sales_fen),
        "returns": thousands(tally.returns),
        "returns_sum": yuan_sign(tally.returns_fen),
        "known": thousands(tally.known),
        "bad": thousands(tally.bad),
    }
    with reading():
        names = village_names(VillageId(int(village)) for village in tally.villages)
    for village, fen in sorted(tally.villages.items(), key=lambda each: -each[1]):
        name, name_en = names[VillageId(int(village))]
        click.echo(f"  {name if _is_chinese() else f'{name} {name_en}'}  {yuan_sign(fen)}")
    if is_booking:
        click.echo(
            gettext(
                "记了 %(sales)s 笔卖出 %(sales_sum)s，%(returns)s 笔退回 %(returns_sum)s；以前记过 %(known)s 行，有问题 %(bad)s 行，共 %(rows)s 行。",
                **figures,
            )
        )
    else:
        click.echo(
            gettext(
                "会记 %(sales)s 笔卖出 %(sales_sum)s，%(returns)s 笔退回 %(returns_sum)s；以前记过 %(known)s 行，有问题 %(bad)s 行，共 %(rows)s 行。",
                **figures,
            )
        )
        click.echo(gettext("这是试算，什么都没有记。要记账，加上 --commit 再跑一次。"))
