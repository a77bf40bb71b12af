"""`flask ledger verify`: every invariant of the books, checked."""

import json
import sys

import click
from flask.cli import AppGroup

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
