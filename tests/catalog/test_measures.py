"""Prices per measure."""

import pytest

from shop.catalog.measures import in_jin, unit_price
from shop.catalog.models import NetUnit


@pytest.mark.parametrize(
    ("price_fen", "net_value", "net_unit", "fen"),
    [
        (68_00, 5_000, NetUnit.GRAM, 6_80),
        (68_00, 30, NetUnit.GRAM, 1_133_33),
        (118_00, 5_000, NetUnit.MILLILITRE, 11_80),
        (52_00, 30, NetUnit.PIECE, 1_73),
        (1, 1_000, NetUnit.GRAM, 1),  # half a fen goes up
        (1, 1_001, NetUnit.GRAM, 0),
    ],
)
def test_the_price_per_measure_is_half_up_to_the_fen(price_fen: int, net_value: int, net_unit: NetUnit, fen: int) -> None:
    assert unit_price(price_fen, net_value, net_unit).fen == fen


@pytest.mark.parametrize(("grams", "jin"), [(5_000, "10"), (250, "0.5"), (280, "0.56"), (1, "0.002"), (505, "1.01")])
def test_jin_are_exact(grams: int, jin: str) -> None:
    assert in_jin(grams) == jin
