"""Orders with random faults and kills, all at once; `python -m bench.chaos` plays more of them, and the soak two thousand."""

from datetime import UTC, datetime

from flask import Flask

from tests.chaos import play
from tests.database import TestDatabase
from tests.sandboxes import Sandbox


def test_orders_in_chaos_lose_nothing(app: Flask, database: TestDatabase, sandbox: Sandbox) -> None:
    tally = play(app, sandbox, database=database.url(), orders=16, seed=622, now=datetime.now(UTC))
    assert tally.told_paid
