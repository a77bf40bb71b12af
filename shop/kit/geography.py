"""Points on the earth, near enough to each other that it may be taken as flat."""

from dataclasses import dataclass
from math import cos, radians

KM_PER_DEGREE = 111.195
"""Of latitude, on a sphere of 6,371 km."""


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees north and east (WGS 84)."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Bearing:
    """How far east and north of somewhere; negative for west and south."""

    east_km: float
    north_km: float


def bearing(start: Point, end: Point) -> Bearing:
    """Where `end` lies, seen from `start`. Within a county the flat earth is right to some metres."""
    east = (end.longitude - start.longitude) * KM_PER_DEGREE * cos(radians((start.latitude + end.latitude) / 2))
    return Bearing(east, (end.latitude - start.latitude) * KM_PER_DEGREE)
