"""Commands: `flask seed`, `flask worker`, `flask reports`, `flask ledger`, `flask sales`, `flask people`. One module each, one line here."""

from flask import Flask

from shop.cli.ledger import ledger
from shop.cli.payments import payments
from shop.cli.people import people
from shop.cli.reports import reports
from shop.cli.sales import sales
from shop.cli.seed import seed
from shop.cli.worker import worker


def register(app: Flask) -> None:
    """Put every command on the app."""
    app.cli.add_command(ledger)
    app.cli.add_command(payments)
    app.cli.add_command(people)
    app.cli.add_command(reports)
    app.cli.add_command(sales)
    app.cli.add_command(seed)
    app.cli.add_command(worker)
