"""The official list of towns and villages of a year, held against the register. Pure.

A list is CSV: `code` (twelve digits for a village, nine for a town), `village` or `village_short`, `town_code`, `town`, `district_code`,
`district`, as the National Bureau of Statistics publishes it. What our register calls 白水村 stands there as 白水村民委员会.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shop.kit.errors import Refused
from shop.kit.ids import TownId, VillageId

MOST_ROWS = 20_000
_TOWN_CODE = re.compile(r"[0-9]{9}")
_VILLAGE_CODE = re.compile(r"[0-9]{12}")
_ENDINGS = (
    ("社区居民委员会", "社区"),
    ("社区居委会", "社区"),
    ("村民委员会", "村"),
    ("村委会", "村"),
    ("居民委员会", "社区"),
    ("居委会", "社区"),
)


class BadList(Refused):
    """The file is no such list: the line that is wrong, and what of it."""

    def __init__(self, line: int, column: str) -> None:
        super().__init__(line, column)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class OfficialTown:
    """A town of the list."""

    code: str
    name: str
    county_code: str
    county: str


@dataclass(frozen=True, slots=True)
class OfficialVillage:
    """A village of the list, by the name that people use."""

    code: str
    name: str
    town_code: str


@dataclass(frozen=True)
class OfficialList:
    """A whole list."""

    towns: Mapping[str, OfficialTown]
    villages: Mapping[str, OfficialVillage]


def read_list(content: bytes) -> OfficialList:
    """The list in a file. Raises BadList."""
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadList(1, "utf-8") from error
    names = set(reader.fieldnames or ())
    if needed := {"code", "district_code", "district", "town"} - names:
        raise BadList(1, sorted(needed)[0])
    if not rows or len(rows) > MOST_ROWS:
        raise BadList(1, "rows")
    towns: dict[str, OfficialTown] = {}
    villages: dict[str, OfficialVillage] = {}
    is_of_villages = "town_code" in names
    for line, row in enumerate(rows, start=2):
        cell = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
        town_code = cell["town_code"] if is_of_villages else cell["code"]
        if not _TOWN_CODE.fullmatch(town_code):
            raise BadList(line, "town_code" if is_of_villages else "code")
        if cell["district_code"] != town_code[:6]:
            raise BadList(line, "district_code")
        if not cell["town"] or not cell["district"]:
            raise BadList(line, "town" if not cell["town"] else "district")
        towns[town_code] = OfficialTown(town_code, cell["town"][:60], cell["district_code"], cell["district"][:30])
        if is_of_villages:
            name = short_name(cell.get("village_short") or cell.get("village") or "")
            if not _VILLAGE_CODE.fullmatch(cell["code"]) or not cell["code"].startswith(town_code) or cell["code"] in villages:
                raise BadList(line, "code")
            if not name:
                raise BadList(line, "village")
            villages[cell["code"]] = OfficialVillage(cell["code"], name[:60], town_code)
    return OfficialList(towns, villages)


def short_name(name: str) -> str:
    """白水村民委员会 → 白水村."""
    for long, short in _ENDINGS:
        if name.endswith(long):
            return name.removesuffix(long) + short
    return name


# ── Held against the register ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class KnownTown:
    """A town of the register."""

    id: TownId
    code: str | None
    name: str
    county_code: str


@dataclass(frozen=True, slots=True)
class KnownVillage:
    """A village of the register that is still one."""

    id: VillageId
    code: str | None
    name: str
    town_code: str | None
    county_code: str


@dataclass(frozen=True, slots=True)
class Change:
    """A place of the register that the list has otherwise."""

    id: int
    before: str
    after: str


@dataclass(frozen=True)
class Differences:
    """What the list has otherwise. Only counties that it speaks of are compared; a place without a code stays as it is."""

    same: int
    towns_renamed: tuple[Change, ...]
    towns_missing: tuple[OfficialTown, ...]
    renamed: tuple[Change, ...]
    recoded: tuple[Change, ...]
    """Found by its name in its town, under another code."""
    moved: tuple[Change, ...]
    """In another town, by code."""
    gone: tuple[Change, ...]
    """Nowhere in the list: merged or dissolved, which staff write down on its page; `after` is empty."""
    missing: tuple[OfficialVillage, ...]
    """In the list and not in the register."""


def compare(official: OfficialList, towns: Iterable[KnownTown], villages: Sequence[KnownVillage]) -> Differences:
    """Every difference, in the order of codes."""
    counties = {town.county_code for town in official.towns.values()}
    known_towns = {town.code: town for town in towns if town.code}
    by_name = {(village.town_code, village.name): village for village in official.villages.values()}
    renamed, recoded, moved, gone, same, met = [], [], [], [], 0, set()
    for village in villages:
        if village.code is None or village.county_code not in counties or not official.villages:
            continue
        found = official.villages.get(village.code)
        if found is None and (again := by_name.get((village.town_code or "", village.name))) is not None:
            recoded.append(Change(village.id, village.code, again.code))
            met.add(again.code)
            continue
        if found is None:
            gone.append(Change(village.id, f"{village.name} {village.code}", ""))
            continue
        met.add(found.code)
        if found.name != village.name:
            renamed.append(Change(village.id, village.name, found.name))
        if found.town_code != village.town_code:
            moved.append(Change(village.id, village.town_code or "", found.town_code))
        same += found.name == village.name and found.town_code == village.town_code
    return Differences(
        same=same,
        towns_renamed=tuple(
            Change(known_towns[code].id, known_towns[code].name, town.name)
            for code, town in sorted(official.towns.items())
            if code in known_towns and known_towns[code].name != town.name
        ),
        towns_missing=tuple(town for code, town in sorted(official.towns.items()) if code not in known_towns),
        renamed=tuple(renamed),
        recoded=tuple(recoded),
        moved=tuple(moved),
        gone=tuple(gone),
        missing=tuple(village for code, village in sorted(official.villages.items()) if code not in met),
    )
