"""Events in any order; the soak plays all 720."""

from datetime import UTC, datetime
from itertools import permutations
from random import Random

import pytest
from flask import Flask

from tests.event_orders import KINDS, assert_the_same_books
from tests.sandboxes import Sandbox


@pytest.mark.parametrize("is_won", [True, False], ids=["won", "lost"])
def test_some_orders_of_arrival_end_in_the_same_books(is_won: bool, app: Flask, sandbox: Sandbox) -> None:
    some = [KINDS[::-1], *Random(622).sample(list(permutations(KINDS)), 3)]
    assert_the_same_books(app, sandbox, some, is_won=is_won, now=datetime.now(UTC))
