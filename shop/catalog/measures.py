"""Prices that can be compared: what 500 g, 500 mL or one piece of a pack costs.

Law: the price per measure is worked out from the net content printed on the pack, half up to the fen; it is shown, never charged.
"""

from dataclasses import dataclass

from shop.catalog.models import NetUnit

MEASURE: dict[NetUnit, int] = {NetUnit.GRAM: 500, NetUnit.MILLILITRE: 500, NetUnit.PIECE: 1}
"""How much of each unit people compare: a 斤 of weight, as much of what is poured, one of what is counted."""

GRAMS_PER_JIN = 500


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """A price per measure."""

    fen: int
    measure: int
    unit: NetUnit


def unit_price(price_fen: int, net_value: int, net_unit: NetUnit) -> UnitPrice:
    """What one measure costs when `net_value` of it cost `price_fen`, half up: 5 kg at ¥68.00 are ¥6.80 per 500 g."""
    assert net_value > 0, "a pack holds something"
    measure = MEASURE[net_unit]
    return UnitPrice((2 * price_fen * measure + net_value) // (2 * net_value), measure, net_unit)


def in_jin(net_grams: int) -> str:
    """A weight in 斤, as helper text only, exact to the gram: 5000 → `10`, 250 → `0.5`, 280 → `0.56`."""
    whole, rest = divmod(net_grams, GRAMS_PER_JIN)
    fraction = f".{rest * 2:03d}".rstrip("0") if rest else ""
    return f"{whole}{fraction}"
