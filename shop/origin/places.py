"""Villages and towns as the official list of a year has them: bringing it, applying it, merging what became one.

Law: the register has the present names; the earlier ones are kept with the day until which they held. Papers, orders and lots carry the names of
their time by themselves, and nothing here touches them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, or_, select, update

from shop.extensions import act, db, table_of
from shop.kit.errors import Conflict, NotFound, Refused
from shop.kit.ids import PlaceListId, TownId, UserId, VillageId
from shop.kit.pinyin import in_letters
from shop.origin.errors import NoSuchPlace
from shop.origin.models import CooperativeVillage, PlaceList, PlaceName, Town, Village, VillageMerger
from shop.origin.official import (
    Differences,
    KnownTown,
    KnownVillage,
    OfficialList,
    OfficialTown,
    OfficialVillage,
    compare,
    read_list,
)
from shop.outbox.service import write_audit


class AppliedAlready(Conflict):
    """The list was applied before."""


class IntoItself(Refused):
    """A village is merged into another one that is still one."""


@act
def bring_list(content: bytes, *, year: int, name: str, by: UserId, now: datetime) -> PlaceListId:
    """Keep a list to be looked at; nothing else changes. Raises BadList."""
    official = read_list(content)
    row = {"year": year, "name": name, "content": content, "brought_by": by, "brought_at": now}
    list_id = db.session.scalar(insert(PlaceList).values(**row).returning(PlaceList.id))
    assert list_id is not None
    after = {"year": year, "towns": len(official.towns), "villages": len(official.villages)}
    write_audit("place_list.brought", subject=f"place_list:{list_id}", by=by, facts={"after": after}, now=now)
    return PlaceListId(list_id)


@dataclass(frozen=True)
class ListRow:
    """A list that was brought."""

    id: PlaceListId
    year: int
    name: str
    brought_at: datetime
    applied_at: datetime | None


def list_lists() -> Sequence[ListRow]:
    """All of them, the latest first."""
    columns = (PlaceList.id, PlaceList.year, PlaceList.name, PlaceList.brought_at, PlaceList.applied_at)
    rows = db.session.execute(select(*columns).order_by(PlaceList.id.desc()))
    return [ListRow(PlaceListId(row.id), row.year, row.name, row.brought_at, row.applied_at) for row in rows]


def differences_of(list_id: PlaceListId, *, today: date) -> tuple[ListRow, Differences]:
    """The list, and what it has otherwise than the register. Raises NotFound."""
    row = db.session.get(PlaceList, list_id)
    if row is None:
        raise NotFound
    shown = ListRow(list_id, row.year, row.name, row.brought_at, row.applied_at)
    return shown, _differences(read_list(row.content), today)


def _differences(official: OfficialList, today: date) -> Differences:
    towns = [
        KnownTown(TownId(row.id), row.code, row.name, row.county_code)
        for row in db.session.execute(select(Town.id, Town.code, Town.name, Town.county_code).order_by(Town.code))
    ]
    still = or_(Village.valid_until.is_(None), Village.valid_until >= today)
    columns = (Village.id, Village.code, Village.name, Town.code.label("town_code"), Town.county_code)
    villages = [
        KnownVillage(VillageId(row.id), row.code, row.name, row.town_code, row.county_code)
        for row in db.session.execute(select(*columns).join(Town, Town.id == Village.town_id).where(still).order_by(Village.code))
    ]
    return compare(official, towns, villages)


# ── Applying ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def apply_list(list_id: PlaceListId, *, last_day: date, with_missing: bool, by: UserId, now: datetime) -> tuple[VillageId, ...]:
    """Step. The register has the list's names, codes and towns from the day after `last_day` on; the villages that this touched.

    What is gone from the list stays: who merged with whom is no list's to say. Raises NotFound or AppliedAlready.
    """
    row = db.session.scalar(select(PlaceList).where(PlaceList.id == list_id).with_for_update())
    if row is None:
        raise NotFound
    if row.applied_at is not None:
        raise AppliedAlready
    official = read_list(row.content)
    found = _differences(official, last_day)
    source = f"{row.year} {row.name}"[:120]
    noted = {"valid_until": last_day, "source": source, "recorded_by": by, "recorded_at": now}
    for change in found.towns_renamed:
        db.session.execute(insert(PlaceName).values(town_id=change.id, name=change.before, **noted))
        db.session.execute(update(Town).where(Town.id == change.id).values(name=change.after))
    towns = _all_towns(official, found.towns_missing, with_missing=with_missing or bool(found.moved))
    for change in found.renamed:
        db.session.execute(insert(PlaceName).values(village_id=change.id, name=change.before, **noted))
        db.session.execute(update(Village).where(Village.id == change.id).values(name=change.after))
    for change in found.recoded:
        db.session.execute(insert(PlaceName).values(village_id=change.id, name="", code=change.before, **noted))
        db.session.execute(update(Village).where(Village.id == change.id).values(code=change.after))
    for change in found.moved:
        db.session.execute(insert(PlaceName).values(village_id=change.id, name="", code=change.before, **noted))
        db.session.execute(update(Village).where(Village.id == change.id).values(town_id=towns[change.after]))
    if with_missing:
        _add_missing(found.missing, towns, valid_from=last_day)
    db.session.execute(update(PlaceList).where(PlaceList.id == list_id).values(applied_by=by, applied_at=now))
    counts: dict[str, object] = {"renamed": len(found.renamed), "recoded": len(found.recoded), "moved": len(found.moved)}
    counts |= {"added": len(found.missing) if with_missing else 0, "last_day": last_day.isoformat()}
    facts = {"before": {"state": "draft"}, "after": counts}
    write_audit("place_list.applied", subject=f"place_list:{list_id}", by=by, facts=facts, now=now)
    return tuple(VillageId(change.id) for change in (*found.renamed, *found.moved))


def _all_towns(official: OfficialList, missing: Sequence[OfficialTown], *, with_missing: bool) -> dict[str, int]:
    """By code, after those that were missing have been added."""
    if with_missing and missing:
        rows = [
            {
                "code": town.code,
                "name": town.name,
                "short_name": town.name[:30],
                "name_en": in_letters(town.name).capitalize(),
                "county_code": town.county_code,
                "county_name": town.county,
            }
            for town in missing
        ]
        db.session.execute(insert(Town), rows)
    known = db.session.execute(select(Town.code, Town.id).where(Town.code.in_(list(official.towns))))
    return {str(row.code): row.id for row in known}


def _add_missing(missing: Sequence[OfficialVillage], towns: dict[str, int], *, valid_from: date) -> None:
    taken = set(db.session.scalars(select(Village.slug)))
    rows = []
    for village in missing:
        bare = in_letters(village.name.removesuffix("村").removesuffix("社区"))[:50] or "village"
        slug = next(slug for slug in (bare, *(f"{bare}-{number}" for number in range(2, len(taken) + 3))) if slug not in taken)
        taken.add(slug)
        rows.append(
            {
                "slug": slug,
                "code": village.code,
                "name": village.name,
                "name_en": f"{bare.capitalize()} Village",
                "town_id": towns[village.town_code],
                "story": "",
                "story_is_sample": False,
                "valid_from": valid_from,
            }
        )
    if rows:
        db.session.execute(insert(Village), rows)


# ── Merging ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@act
def merge_village(village_id: VillageId, into: VillageId, *, last_day: date, why: str, by: UserId, now: datetime) -> None:
    """After `last_day` the village is part of another, which joins its cooperatives; what was booked for it stays its own.

    Raises NoSuchPlace or IntoItself.
    """
    standing = {
        row.id: row.valid_until
        for row in db.session.execute(
            select(Village.id, Village.valid_until).where(Village.id.in_([village_id, into])).order_by(Village.id).with_for_update()
        )
    }
    if village_id not in standing or into not in standing:
        raise NoSuchPlace
    if village_id == into or standing[into] is not None or standing[village_id] is not None:
        raise IntoItself
    db.session.execute(update(Village).where(Village.id == village_id).values(valid_until=last_day))
    row = {"village_id": village_id, "into_id": into, "why": why, "recorded_by": by, "recorded_at": now}
    db.session.execute(insert(VillageMerger).values(**row))
    known = set(db.session.scalars(select(CooperativeVillage.cooperative_id).where(CooperativeVillage.village_id == into)))
    for cooperative_id in db.session.scalars(
        select(CooperativeVillage.cooperative_id).where(CooperativeVillage.village_id == village_id)
    ).all():
        if cooperative_id not in known:
            db.session.execute(insert(CooperativeVillage).values(cooperative_id=cooperative_id, village_id=into))
    facts = {"before": {"last_day": None}, "after": {"last_day": last_day.isoformat(), "into": into}, "why": why}
    write_audit("village.merged", subject=f"village:{village_id}", by=by, facts=facts, now=now)


@dataclass(frozen=True)
class EarlierName:
    """A name or a code that a village had."""

    name: str
    code: str
    valid_until: date
    source: str


def earlier_names(village_id: VillageId) -> Sequence[EarlierName]:
    """The latest first."""
    columns = (PlaceName.name, PlaceName.code, PlaceName.valid_until, PlaceName.source)
    rows = db.session.execute(select(*columns).where(PlaceName.village_id == village_id).order_by(PlaceName.id.desc()))
    return [EarlierName(row.name, row.code, row.valid_until, row.source) for row in rows]


@dataclass(frozen=True)
class Successor:
    """Until when a village was one, and what it is part of since."""

    valid_until: date | None
    name: str | None
    name_en: str | None
    slug: str | None


def successor_of(village_id: VillageId) -> Successor:
    """Raises NoSuchPlace."""
    into = table_of(Village).alias("into_village")
    row = db.session.execute(
        select(Village.valid_until, into.c.name, into.c.name_en, into.c.slug)
        .outerjoin(VillageMerger, VillageMerger.village_id == Village.id)
        .outerjoin(into, into.c.id == VillageMerger.into_id)
        .where(Village.id == village_id)
    ).one_or_none()
    if row is None:
        raise NoSuchPlace
    return Successor(*row)
