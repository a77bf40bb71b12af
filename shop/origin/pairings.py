"""The register of eastern units and their pairings, as its office keeps it.

Law: a pairing is added and ended, never changed; an end lies today at the earliest, so what was credited to it stays credited. Targets may change;
what they were stands in the audit rows.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, insert, or_, select, update

from shop.extensions import act, db
from shop.kit.clock import business_day
from shop.kit.ids import EasternUnitId, PairingId, TownId, UserId, VillageId
from shop.kit.pinyin import in_letters
from shop.origin.errors import EndedAlready, EndTooEarly, NoSuchPlace, PairedAlready, StillPaired
from shop.origin.models import EasternUnit, Pairing, PairingKind, PairingTarget, Town, Village
from shop.outbox.service import write_audit

_LONGEST_SLUG = 50


@dataclass(frozen=True)
class NewPairing:
    """A pairing as its office writes it down."""

    unit_id: EasternUnitId
    kind: PairingKind
    western_name: str
    """As the paper has it; of a place of the register, that place's name."""
    village_id: VillageId | None
    town_id: TownId | None
    """What is sold of the village, or of the whole town, is credited; of neither, nothing is."""
    valid_from: date | None
    valid_until: date | None
    """Its last day, of one that is written down after it was over, or whose end is known."""
    fact: str
    source: str
    """Where it can be read; without one the pairing is not confirmed."""


@act
def add_unit(name: str, *, district_code: str, by: UserId, now: datetime) -> EasternUnitId:
    """A unit that buyers may credit and that can be paired. The same name is the same unit, and open again if it was closed."""
    known = db.session.execute(select(EasternUnit.id, EasternUnit.closed_at).where(EasternUnit.name == name).with_for_update()).first()
    if known is not None:
        if known.closed_at is not None:
            db.session.execute(update(EasternUnit).where(EasternUnit.id == known.id).values(closed_at=None))
            write_audit(
                "eastern_unit.added",
                subject=f"eastern_unit:{known.id}",
                by=by,
                facts={"before": {"state": "closed"}, "after": {"state": "open"}},
                now=now,
            )
        return EasternUnitId(known.id)
    values = {"slug": _free_slug(name), "name": name, "district_code": district_code}
    added = db.session.scalar(insert(EasternUnit).values(**values).returning(EasternUnit.id))
    assert added is not None
    write_audit(
        "eastern_unit.added",
        subject=f"eastern_unit:{added}",
        by=by,
        facts={"after": {"state": "open", "district_code": district_code}},
        now=now,
    )
    return EasternUnitId(added)


def _free_slug(name: str) -> str:
    """As the name sounds, with a number behind it if that is taken."""
    base = in_letters(name)[:_LONGEST_SLUG] or "unit"
    taken = set(db.session.scalars(select(EasternUnit.slug).where(EasternUnit.slug.startswith(base))))
    return next(slug for slug in (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))) if slug not in taken)


@act
def close_unit(unit_id: EasternUnitId, *, by: UserId, now: datetime) -> None:
    """Nobody can choose the unit any more. Raises NoSuchPlace, or StillPaired while one of its pairings goes on."""
    row = db.session.execute(select(EasternUnit.closed_at).where(EasternUnit.id == unit_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchPlace
    goes_on = or_(Pairing.valid_until.is_(None), Pairing.valid_until >= business_day(now))
    if db.session.scalar(select(Pairing.id).where(Pairing.unit_id == unit_id, goes_on).limit(1)) is not None:
        raise StillPaired
    if row.closed_at is None:
        db.session.execute(update(EasternUnit).where(EasternUnit.id == unit_id).values(closed_at=now))
        write_audit(
            "eastern_unit.closed",
            subject=f"eastern_unit:{unit_id}",
            by=by,
            facts={"before": {"state": "open"}, "after": {"state": "closed"}},
            now=now,
        )


@act
def add_pairing(new: NewPairing, *, by: UserId, now: datetime) -> PairingId:
    """The unit is paired from its first day on. Raises NoSuchPlace, or PairedAlready if it is on some of these days."""
    if db.session.scalar(select(EasternUnit.id).where(EasternUnit.id == new.unit_id).with_for_update()) is None:
        raise NoSuchPlace
    for model, id_ in ((Village, new.village_id), (Town, new.town_id)):
        if id_ is not None and db.session.scalar(select(model.id).where(model.id == id_)) is None:
            raise NoSuchPlace
    same = (Pairing.unit_id == new.unit_id, Pairing.western_name == new.western_name, Pairing.kind == new.kind)
    meets = (
        or_(Pairing.valid_until.is_(None), Pairing.valid_until >= (new.valid_from or date.min)),
        or_(Pairing.valid_from.is_(None), Pairing.valid_from <= (new.valid_until or date.max)),
    )
    if db.session.scalar(select(Pairing.id).where(*same, *meets).limit(1)) is not None:
        raise PairedAlready
    values = {name: getattr(new, name) for name in NewPairing.__dataclass_fields__}
    row = insert(Pairing).values(**values, is_confirmed=bool(new.source), added_by=by, added_at=now)
    added = db.session.scalar(row.returning(Pairing.id))
    assert added is not None
    after: dict[str, object] = {"unit": new.unit_id, "kind": new.kind.value, "village": new.village_id, "town": new.town_id}
    after |= {name: day.isoformat() for name, day in (("first_day", new.valid_from), ("last_day", new.valid_until)) if day}
    after["confirmed"] = bool(new.source)
    write_audit("pairing.added", subject=f"pairing:{added}", by=by, facts={"after": after}, now=now)
    return PairingId(added)


@act
def end_pairing(pairing_id: PairingId, last_day: date, *, why: str, by: UserId, now: datetime) -> None:
    """The pairing's last day. Raises NoSuchPlace, EndedAlready or EndTooEarly."""
    columns = (Pairing.valid_from, Pairing.valid_until)
    row = db.session.execute(select(*columns).where(Pairing.id == pairing_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchPlace
    if row.valid_until is not None:
        raise EndedAlready(row.valid_until)
    earliest = max(business_day(now), row.valid_from or date.min)
    if last_day < earliest:
        raise EndTooEarly(earliest)
    ended = update(Pairing).where(Pairing.id == pairing_id)
    db.session.execute(ended.values(valid_until=last_day, ended_by=by, ended_at=now, why_ended=why))
    facts = {"before": {"last_day": None}, "after": {"last_day": last_day.isoformat()}, "why": why}
    write_audit("pairing.ended", subject=f"pairing:{pairing_id}", by=by, facts=facts, now=now)


@act
def set_target(pairing_id: PairingId, year: int, target_fen: int | None, *, by: UserId, now: datetime) -> None:
    """What the pairing is to bring in that year, or that nothing is aimed at. Raises NoSuchPlace."""
    if db.session.scalar(select(Pairing.id).where(Pairing.id == pairing_id).with_for_update()) is None:
        raise NoSuchPlace
    its = (PairingTarget.pairing_id == pairing_id, PairingTarget.year == year)
    before = db.session.scalar(select(PairingTarget.target_fen).where(*its))
    if before == target_fen:
        return
    if target_fen is None:
        db.session.execute(delete(PairingTarget).where(*its))
    elif before is None:
        row = {"pairing_id": pairing_id, "year": year, "target_fen": target_fen, "set_by": by, "set_at": now}
        db.session.execute(insert(PairingTarget).values(**row))
    else:
        db.session.execute(update(PairingTarget).where(*its).values(target_fen=target_fen, set_by=by, set_at=now))
    facts = {"before": {"amount_fen": before}, "after": {"amount_fen": target_fen}, "year": year}
    write_audit("pairing.target_set", subject=f"pairing:{pairing_id}", by=by, facts=facts, now=now)
