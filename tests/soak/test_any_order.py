"""Hundreds of random shops, played for long."""

import pytest
from flask import Flask

from tests.any_order import play
from tests.database import TestDatabase


@pytest.mark.soak
def test_hundreds_of_random_shops_agree_with_the_model(app: Flask, database: TestDatabase) -> None:
    play(app, database, shops=300, steps=80)
