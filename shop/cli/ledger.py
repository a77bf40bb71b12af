"""`flask ledger verify`: every invariant of the books, checked. `flask ledger close`: a month closed for good."""

import json
import sys

import click
from flask.cli import AppGroup

from shop.acts.close_month import close_month, open_matters
from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.kit.errors import ShopError
from shop.ledger.errors import EarlierMonthOpen, MonthNotOver, MonthUnfinished, PeriodClosed
from shop.reports.folding import drain
from shop.reports.verify import verify as run_checks

ledger = AppGroup("ledger", help="The books.")


@ledger.command("verify")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def verify(form: str) -> None:
    """Check every invariant; exit 1 on any breach."""
    checks = run_checks()
    ok = all(check.ok for check in checks)
    if form == "json":
        found = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
        click.echo(json.dumps({"ok": ok, "checks": found}, ensure_ascii=False))
    else:
        for check in checks:
            click.echo(f"{'✓' if check.ok else '✗'} {check.name}{'  ' if check.detail else ''}{check.detail}")
        click.echo("All hold." if ok else "Something is wrong: nothing was changed; see above.")
    sys.exit(0 if ok else 1)


@ledger.command("close")
@click.argument("month")
@click.option("--dry-run", is_flag=True, help="Only tell what is still open of it.")
def close(month: str, dry_run: bool) -> None:
    """Close a MONTH (2026-10) for good: nothing is posted into it again, ever. Exit 1 when it cannot be closed."""
    try:
        with reading():
            matters = open_matters(month)
    except ValueError as error:
        raise click.BadParameter("write it like 2026-10", param_hint="MONTH") from error
    for each in matters:
        click.echo(f"{'blocks' if each.blocks else 'stays open'}: {each.matter.value} ({each.count})")
    if dry_run:
        click.echo("Nothing was changed.")
        return
    try:
        drain(month)
        close_month(month, by=None, now=utc_now())
    except ShopError as refusal:
        click.echo(_why_not(refusal), err=True)
        sys.exit(1)
    click.echo(f"{month} is closed.")


def _why_not(refusal: ShopError) -> str:
    match refusal:
        case MonthNotOver():
            return f"{refusal.month} is not over."
        case EarlierMonthOpen():
            return f"Close {refusal.month} first: months close in their order."
        case PeriodClosed():
            return f"{refusal.month} is closed already."
        case MonthUnfinished():
            return f"Still open in {refusal.month}: " + ", ".join(f"{matter} ({count})" for matter, count in refusal.open_matters)
        case _:
            raise refusal
