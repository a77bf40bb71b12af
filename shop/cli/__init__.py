"""Commands: `flask seed`, `flask worker`, `flask reports`, `flask ledger`. One module each, one line here."""

from flask import Flask


def register(app: Flask) -> None:
    """Put every command on the app."""
