"""`flask worker`: run the sweeps."""

import sys

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from shop.worker import run_forever, run_once


@click.command("worker")
@click.option("--once", is_flag=True, help="Run each sweep once, say what it did, and end; exit 1 if one failed.")
@with_appcontext
def worker(once: bool) -> None:
    """Send letters, ask providers, let go of what was not paid: again and again, until told to stop."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the app itself, for threads that outlive this context
    if not once:
        run_forever(app)
        return
    counts = run_once(app)
    for name, count in counts.items():
        click.echo(f"{name:10} {'failed' if count is None else count}")
    sys.exit(1 if None in counts.values() else 0)
