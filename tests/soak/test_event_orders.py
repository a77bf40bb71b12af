"""Every order in which six events may arrive."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from flask import Flask

from tests.event_orders import KINDS, assert_the_same_books
from tests.sandboxes import Sandbox


@pytest.mark.soak
@pytest.mark.parametrize("is_won", [True, False], ids=["won", "lost"])
def test_all_orders_of_arrival_end_in_the_same_books(is_won: bool, app: Flask, sandbox: Sandbox) -> None:
    assert_the_same_books(app, sandbox, permutations(KINDS), is_won=is_won, now=datetime.now(UTC))
