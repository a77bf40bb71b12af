"""Every order in which six events may arrive: 720, by the two that come first, so that no shop grows old over them and several can be played at once."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from flask import Flask

from tests.event_orders import KINDS, assert_the_same_books
from tests.sandboxes import Sandbox

FIRST_TWO = tuple(permutations(KINDS, 2))


@pytest.mark.soak
@pytest.mark.parametrize("first_two", FIRST_TWO, ids=[" and ".join(kinds) for kinds in FIRST_TWO])
@pytest.mark.parametrize("is_won", [True, False], ids=["won", "lost"])
def test_all_orders_of_arrival_end_in_the_same_books(is_won: bool, first_two: tuple[str, str], app: Flask, sandbox: Sandbox) -> None:
    arrivals = [kinds for kinds in permutations(KINDS) if kinds[:2] == first_two]
    assert len(arrivals) == 24
    assert_the_same_books(app, sandbox, arrivals, is_won=is_won, now=datetime.now(UTC))
