"""Where a town lies as seen from the county seat, for the public map: a schematic of points. Pure."""

from dataclasses import dataclass
from math import cos, radians

_KM_PER_DEGREE = 111.195
"""Of latitude, on a sphere of 6,371 km."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A county's seat."""

    name: str
    name_en: str
    latitude: float
    longitude: float


BIJIANG = Seat("碧江城区", "Bijiang town", 27.71722, 109.18528)
"""GeoNames 1792592, CC BY 4.0."""


def km_from(seat: Seat, latitude: float, longitude: float) -> tuple[float, float]:
    """How many kilometres east and north of the seat; plane, which errs by metres within a county."""
    east = (longitude - seat.longitude) * _KM_PER_DEGREE * cos(radians(seat.latitude))
    return round(east, 2), round((latitude - seat.latitude) * _KM_PER_DEGREE, 2)
