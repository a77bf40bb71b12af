"""Staff at their desks, each with a browser."""

import pytest
from flask import Flask

from tests.browser import Browser
from tests.factories import Person, make_auditor_lin, make_staff, sign_in


@pytest.fixture
def clerk(app: Flask) -> Person:
    """Works at the county e-commerce office."""
    return make_staff()


@pytest.fixture
def office(app: Flask, clerk: Person) -> Browser:
    """The clerk's browser."""
    return Browser(sign_in(app.test_client(), clerk))


@pytest.fixture
def lin(app: Flask) -> Browser:
    """Auditor Lin's browser: reads everything, changes nothing."""
    return Browser(sign_in(app.test_client(), make_auditor_lin()))
