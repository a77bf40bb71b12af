"""The register of pairings with what each brought: each eastern unit × each western village, target against done. Reads the roll-ups.

Done is net and credited as every report credits (`dimensions.py:CREDITED_PAIRING`): by the buyer's unit at the sale, online and offline alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext
from sqlalchemy import select

from shop.accounts.models import User
from shop.extensions import db, row_as, rows_as
from shop.kit.errors import NotFound
from shop.kit.ids import EasternUnitId, PairingId, TownId, UserId, VillageId
from shop.origin.models import EasternUnit, Pairing, PairingKind, PairingTarget, Town, Village
from shop.reports.dimensions import NONE
from shop.reports.periods import Period, year_of
from shop.reports.sales import SalesRow, sales

FIRST_YEAR = 2013
"""The oldest pairing that a paper names began then."""


@dataclass(frozen=True)
class VillageDone:
    """What one unit bought of one village in the year."""

    key: str
    name: str
    name_en: str | None
    done_fen: int


@dataclass(frozen=True)
class PairingLine:
    """One pairing in one year."""

    id: PairingId
    unit_id: EasternUnitId
    kind: PairingKind
    western_name: str
    village_id: VillageId | None
    valid_from: date | None
    valid_until: date | None
    is_confirmed: bool
    target_fen: int | None
    villages: tuple[VillageDone, ...] = ()
    """What was credited to it, by village."""

    @property
    def done_fen(self) -> int:
        """All of it."""
        return sum(village.done_fen for village in self.villages)

    @property
    def parts(self) -> tuple[VillageDone, ...]:
        """The villages within it that are worth a row of their own: those of a whole town."""
        return self.villages if self.village_id is None else ()

    def meets(self, period: Period) -> bool:
        """Whether it holds on some day of it."""
        return (self.valid_from is None or self.valid_from <= period.until) and (
            self.valid_until is None or self.valid_until >= period.since
        )


@dataclass(frozen=True)
class UnitLines:
    """An eastern unit in one year."""

    id: EasternUnitId
    name: str
    pairings: tuple[PairingLine, ...]
    others: tuple[VillageDone, ...]
    """Villages that it bought of without being paired with them."""

    @property
    def done_fen(self) -> int:
        """All that it bought."""
        return sum(line.done_fen for line in self.pairings) + sum(village.done_fen for village in self.others)


@dataclass(frozen=True)
class PairingYear:
    """The register as it stood in a year."""

    period: Period
    units: tuple[UnitLines, ...]
    out_of_force: tuple[tuple[str, PairingLine], ...]
    """Unit and pairing: those that were over before, or begin later."""

    @property
    def aimed(self) -> tuple[PairingLine, ...]:
        """Those with a target."""
        return tuple(line for unit in self.units for line in unit.pairings if line.target_fen)

    @property
    def target_fen(self) -> int:
        """All targets."""
        return sum(line.target_fen or 0 for line in self.aimed)

    @property
    def aimed_done_fen(self) -> int:
        """What was done of them."""
        return sum(line.done_fen for line in self.aimed)

    @property
    def credited_fen(self) -> int:
        """What was credited to any pairing."""
        return sum(line.done_fen for unit in self.units for line in unit.pairings)


_COLUMNS = (
    Pairing.id,
    Pairing.unit_id,
    Pairing.kind,
    Pairing.western_name,
    Pairing.village_id,
    Pairing.valid_from,
    Pairing.valid_until,
    Pairing.is_confirmed,
)


def kind_words() -> dict[PairingKind, str]:
    """What the seven kinds are called."""
    return {
        PairingKind.DEPARTMENT: gettext("部门"),
        PairingKind.INDUSTRY: gettext("产业"),
        PairingKind.TOWN: gettext("镇"),
        PairingKind.VILLAGE: gettext("村"),
        PairingKind.FAMILY: gettext("家庭"),
        PairingKind.VILLAGE_ENTERPRISE: gettext("村企"),
        PairingKind.SOCIAL_FORCE: gettext("社会力量"),
    }


def targets_of(year: int) -> dict[int, int]:
    """By pairing: what it aims at in that year."""
    query = select(PairingTarget.pairing_id, PairingTarget.target_fen).where(PairingTarget.year == year)
    return {row.pairing_id: row.target_fen for row in db.session.execute(query)}


def read_year(year: int) -> PairingYear:
    """Every unit and pairing with what it brought in the calendar year. Five statements."""
    period = year_of(date(year, 1, 1))
    credited = _by_first(sales(["pairing", "village"], period.since, period.until).rows)
    bought = _by_first(sales(["eastern_unit", "village"], period.since, period.until).rows)
    names = db.session.execute(select(EasternUnit.id, EasternUnit.name).order_by(EasternUnit.name)).all()
    known = {row.id: row.name for row in names}
    here: dict[int, list[PairingLine]] = {}
    elsewhere = []
    targets = targets_of(year)
    in_order = select(*_COLUMNS).order_by(Pairing.unit_id, Pairing.kind, Pairing.western_name, Pairing.id)
    for row in db.session.execute(in_order):
        line = row_as(PairingLine, (*row, targets.get(row.id), credited.get(str(row.id), ())))
        if line.meets(period) or line.villages or line.target_fen:
            here.setdefault(row.unit_id, []).append(line)
        else:
            elsewhere.append((known[row.unit_id], line))
    units = []
    for id_, name in names:
        lines = tuple(here.get(id_, ()))
        others = _beyond(lines, bought.get(str(id_), ()))
        if lines or others:
            units.append(UnitLines(EasternUnitId(id_), name, lines, others))
    return PairingYear(period, tuple(units), tuple(elsewhere))


def _by_first(rows: Sequence[SalesRow]) -> Mapping[str, tuple[VillageDone, ...]]:
    """By the first dimension's key: villages, those that brought most first."""
    found: dict[str, list[VillageDone]] = {}
    for row in rows:
        key, village = row.keys[0], row.labels[1]
        done = VillageDone(row.keys[1], village.name or "", village.name_en, row.measures.net_fen)
        if key != NONE:
            found.setdefault(key, []).append(done)
    return {key: tuple(sorted(villages, key=lambda village: -village.done_fen)) for key, villages in found.items()}


def _beyond(pairings: Sequence[PairingLine], bought: Sequence[VillageDone]) -> tuple[VillageDone, ...]:
    """What a unit bought of villages beside what was credited to its pairings."""
    credited: dict[str, int] = {}
    for line in pairings:
        for village in line.villages:
            credited[village.key] = credited.get(village.key, 0) + village.done_fen
    rest = [VillageDone(each.key, each.name, each.name_en, each.done_fen - credited.get(each.key, 0)) for each in bought]
    return tuple(each for each in rest if each.done_fen)


# ── One pairing ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class YearDone:
    """One year of a pairing."""

    year: int
    target_fen: int | None
    done_fen: int


@dataclass(frozen=True)
class PairingRow:
    """One pairing, and who wrote what of it down."""

    id: PairingId
    unit_id: EasternUnitId
    unit: str
    kind: PairingKind
    western_name: str
    village: str | None
    village_en: str | None
    town: str | None
    town_en: str | None
    valid_from: date | None
    valid_until: date | None
    is_confirmed: bool
    fact: str
    source: str
    added_by: str | None
    added_at: datetime | None
    ended_by: UserId | None
    ended_at: datetime | None
    why_ended: str
    years: tuple[YearDone, ...] = ()


def get_pairing(pairing_id: PairingId, *, this_year: int) -> PairingRow:
    """One pairing with its years, the latest first. Raises NotFound."""
    query = (
        select(
            Pairing.id, Pairing.unit_id, EasternUnit.name, Pairing.kind, Pairing.western_name, Village.name, Village.name_en, Town.short_name,
            Town.name_en.label("town_en"), Pairing.valid_from, Pairing.valid_until, Pairing.is_confirmed, Pairing.fact, Pairing.source, User.name,
            Pairing.added_at, Pairing.ended_by, Pairing.ended_at, Pairing.why_ended,
        )
        .join(EasternUnit, EasternUnit.id == Pairing.unit_id)
        .outerjoin(Village, Village.id == Pairing.village_id)
        .outerjoin(Town, Town.id == Pairing.town_id)
        .outerjoin(User, User.id == Pairing.added_by)
        .where(Pairing.id == pairing_id)
    )  # fmt: skip
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    aims = select(PairingTarget.year, PairingTarget.target_fen).where(PairingTarget.pairing_id == pairing_id)
    targets = {row.year: row.target_fen for row in db.session.execute(aims)}
    found = sales(["year"], date(FIRST_YEAR, 1, 1), date(this_year + 1, 12, 31), only={"pairing": str(pairing_id)}).rows
    done = {int(one.keys[0][:4]): one.measures.net_fen for one in found}
    years = sorted({this_year, *targets, *done}, reverse=True)
    return row_as(PairingRow, (*row, tuple(YearDone(year, targets.get(year), done.get(year, 0)) for year in years)))


# ── What can be chosen ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class UnitRow:
    """An eastern unit in the register."""

    id: EasternUnitId
    name: str
    district_code: str | None
    closed_at: datetime | None


@dataclass(frozen=True)
class WesternPlace:
    """A village or a town that can be paired."""

    id: int
    name: str
    name_en: str
    town: str
    town_en: str


def list_unit_rows() -> tuple[UnitRow, ...]:
    """Every unit, closed ones last. One statement."""
    columns = (EasternUnit.id, EasternUnit.name, EasternUnit.district_code, EasternUnit.closed_at)
    query = select(*columns).order_by(EasternUnit.closed_at.is_not(None), EasternUnit.name)
    return tuple(rows_as(UnitRow, db.session.execute(query)))


def western_towns() -> tuple[WesternPlace, ...]:
    """Every town, by code."""
    query = select(Town.id, Town.name, Town.name_en, Town.county_name, Town.county_name.label("county")).order_by(Town.code)
    return tuple(rows_as(WesternPlace, db.session.execute(query)))


def western_villages(town_id: TownId | None = None) -> tuple[WesternPlace, ...]:
    """Every village, by code."""
    query = (
        select(Village.id, Village.name, Village.name_en, Town.short_name, Town.name_en.label("town_en"))
        .join(Town, Town.id == Village.town_id)
        .order_by(Town.code, Village.code, Village.id)
    )
    return tuple(rows_as(WesternPlace, db.session.execute(query if town_id is None else query.where(Village.town_id == town_id))))
