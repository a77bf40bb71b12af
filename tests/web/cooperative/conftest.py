"""Lao Chen packs at 白水: a browser of his, on his telephone."""

import pytest
from flask.testing import FlaskClient

from tests.browser import Browser
from tests.factories import Person, make_lao_chen, sign_in


@pytest.fixture
def lao_chen(client: FlaskClient) -> Person:
    """Signed in on `client`."""
    person = make_lao_chen()
    sign_in(client, person)
    return person


@pytest.fixture
def phone(client: FlaskClient, lao_chen: Person) -> Browser:
    """Lao Chen's browser."""
    return Browser(client)
