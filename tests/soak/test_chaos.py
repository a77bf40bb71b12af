"""Two thousand orders among random faults and kills."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from tests.chaos import play
from tests.database import TestDatabase
from tests.sandboxes import Sandbox

ORDERS = 2_000


@pytest.mark.soak
def test_two_thousand_orders_in_chaos_lose_nothing(app: Flask, database: TestDatabase, sandbox: Sandbox) -> None:
    tally = play(app, sandbox, database=database.url(), orders=ORDERS, seed=622, now=datetime.now(UTC))
    assert tally.happened["web killed"] > ORDERS // 50 and tally.happened["worker killed"] and len(tally.told_paid) > ORDERS // 5
