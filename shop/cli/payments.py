"""`flask payments reconcile`: our books against the provider's, day by day."""

import json
import sys
from datetime import datetime, timedelta

import click
from flask.cli import AppGroup

from shop.acts.reconcile import MOST_DAYS, Reconciled, reconcile
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import ShopError

payments = AppGroup("payments", help="Money at payment providers.")

_DAYS = 7
WHAT_TO_DO = {
    "missing_here": "The provider has it, we do not: `flask worker --once` fetches and books it. Still here then? Look at it at the provider.",
    "missing_there": "We have it, the provider does not: open it at the provider. Its money did not come, or came under another name.",
    "amount": "Look at both sides; if the provider's is right, correct ours by a refund, or by suspense.",
    "currency": "Paid or settled in another currency than we expected: ask the provider why before anything is sent or refunded.",
    "fee": "The fee changed after it was booked: ask the provider.",
    "payout_sum": "The payout is not the sum of its transactions: compare it with the provider's own payout report.",
    "state": "It stands otherwise there than here: `flask worker --once` asks again. Still so? A person has decided otherwise at the provider.",
    "suspense": "Nobody has said what this is: explain it on the staff's page of differences.",
}


@payments.command("reconcile")
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="First business day; default: six days before the last.")
@click.option("--to", "until", type=click.DateTime(["%Y-%m-%d"]), help="Last business day; default: today.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def reconcile_command(since: datetime | None, until: datetime | None, form: str) -> None:
    """List every difference by day, with what to do next; exit 1 if there is one, 2 if the provider does not answer."""
    now = utc_now()
    last = until.date() if until else business_day(now)
    first = since.date() if since else last - timedelta(days=_DAYS - 1)
    if not 0 <= (last - first).days < MOST_DAYS:
        raise click.BadParameter(f"--from to --to are 1 to {MOST_DAYS} days")
    try:
        days = reconcile(first, last, now=now)
    except ShopError as error:
        click.echo(f"The provider gave no answer ({type(error).__name__}); nothing is known. Try again.", err=True)
        sys.exit(2)
    ok = not any(day.differences for day in days)
    click.echo(json.dumps(_as_json(days, ok=ok), ensure_ascii=False) if form == "json" else _as_table(days, ok=ok))
    sys.exit(0 if ok else 1)


def _as_json(days: list[Reconciled], *, ok: bool) -> dict[str, object]:
    return {
        "ok": ok,
        "days": [
            {
                "provider": day.provider,
                "day": day.day.isoformat(),
                "transactions": day.transactions,
                "differences": [
                    {
                        "kind": found.kind.value,
                        "subject": found.subject,
                        "order": found.reference,
                        "ours": found.ours,
                        "theirs": found.theirs,
                        "next": WHAT_TO_DO[found.kind.value],
                    }
                    for found in day.differences
                ],
            }
            for day in days
        ],
    }


def _as_table(days: list[Reconciled], *, ok: bool) -> str:
    lines = []
    for day in days:
        lines.append(
            f"{'✗' if day.differences else '✓'} {day.day} {day.provider}: {day.transactions} transactions, {len(day.differences)} differ"
        )
        for found in day.differences:
            lines.append(
                f"    {found.kind.value} {found.subject} {found.reference or ''}: ours {found.ours or '—'}, theirs {found.theirs or '—'}"
            )
            lines.append(f"      {WHAT_TO_DO[found.kind.value]}")
    return "\n".join([*lines, "All agrees." if ok else "Something differs; nothing was changed."])
