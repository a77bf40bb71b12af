"""The tariff in force and the days on which nobody ships: versioned rows, kept in mind by every process.

Law: a tariff begins tomorrow at the earliest and is never changed, so what a process keeps for a business day is what every process keeps; the
purchase path asks the database nothing for it. Days off may be learnt of some minutes late: an arrival is an estimate.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from shop.extensions import act, db, violated
from shop.kit.clock import business_day
from shop.kit.errors import Conflict, NotFound, Refused
from shop.kit.ids import TariffId, UserId
from shop.outbox.service import write_audit
from shop.shipping.models import ClosedDay, Tariff, TariffRegion
from shop.shipping.rules import FIRST, ByWeight, RegionTerms, Rules, rules_of

KEPT_SECONDS = 300
MOST_DAYS_OFF = 31


class BeginsAlready(Conflict):
    """Another tariff begins on that day."""


class BeginsTooEarly(Refused):
    """A tariff begins tomorrow at the earliest."""

    def __init__(self, earliest: date) -> None:
        super().__init__(earliest)
        self.earliest = earliest


class HasBegun(Conflict):
    """A tariff that has begun stands."""


# ── What every process keeps in mind ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Carriage:
    """What carriage costs on a business day, and when nobody ships."""

    rules: Rules
    closed: frozenset[date]


_kept: dict[str, tuple[date, float, Carriage]] = {}
"""By database: the business day, when it was read, and what."""


def terms_on(day: date) -> Carriage:
    """What holds on the business day. Two statements, once in a while for each process."""
    address = str(db.engine.url)
    known = _kept.get(address)
    if known is not None and known[0] == day and time.monotonic() - known[1] < KEPT_SECONDS:
        return known[2]
    terms = Carriage(_rules_on(day), frozenset(db.session.scalars(_CLOSED, {"day": day})))
    _kept[address] = (day, time.monotonic(), terms)
    return terms


def forget_terms() -> None:
    """Read them anew at the next question: after days off were entered, and in tests."""
    _kept.clear()


_ONCE_IN_A_WHILE = "/* once in a while */"
_CLOSED = select(ClosedDay.day).where(ClosedDay.day >= bindparam("day")).prefix_with(_ONCE_IN_A_WHILE)
_IN_FORCE = (
    select(Tariff, TariffRegion)
    .prefix_with(_ONCE_IN_A_WHILE)
    .join(TariffRegion, TariffRegion.tariff_id == Tariff.id)
    .where(Tariff.starts_on == select(func.max(Tariff.starts_on)).where(Tariff.starts_on <= bindparam("day")).scalar_subquery())
)


def _rules_on(day: date) -> Rules:
    """Of the latest tariff that has begun; before the first of all, what held then."""
    rows = db.session.execute(_IN_FORCE, {"day": day}).all()
    return _rules_from(rows[0].Tariff, [row.TariffRegion for row in rows]) if rows else FIRST


def _rules_from(tariff: Tariff, regions: Sequence[TariffRegion]) -> Rules:
    return rules_of(
        [_terms(region) for region in regions],
        by_weight=ByWeight("by_weight", tariff.first_grams, tariff.first_fen, tariff.further_kg_fen),
        free_from_fen=tariff.free_from_fen,
        quick_extra=ByWeight("quick", tariff.first_grams, tariff.quick_first_fen, tariff.quick_further_kg_fen),
        packing_days=tariff.packing_days,
    )


def _terms(region: TariffRegion) -> RegionTerms:
    quick = (region.quick_fewest, region.quick_most) if region.quick_fewest and region.quick_most else None
    cold = (region.cold_fewest, region.cold_most) if region.cold_fewest and region.cold_most else None
    return RegionTerms(region.province, region.surcharge_kg_fen, (region.fewest_days, region.most_days), quick, cold)


# ── The register ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class NewTariff:
    """A tariff as staff write it down."""

    starts_on: date
    by_weight: ByWeight
    free_from_fen: int
    quick_extra: ByWeight
    packing_days: int
    regions: tuple[RegionTerms, ...]
    note: str


@dataclass(frozen=True)
class TariffRow:
    """One tariff in the register; `id` None for what held before the first."""

    id: TariffId | None
    starts_on: date | None
    note: str
    made_by: UserId | None
    made_at: datetime | None


BEFORE_THE_FIRST = TariffRow(None, None, "", None, None)


def list_tariffs() -> tuple[TariffRow, ...]:
    """All of them, the latest first."""
    columns = (Tariff.id, Tariff.starts_on, Tariff.note, Tariff.made_by, Tariff.made_at)
    rows = db.session.execute(select(*columns).order_by(Tariff.starts_on.desc()))
    return tuple(TariffRow(TariffId(row.id), row.starts_on, row.note, row.made_by, row.made_at) for row in rows)


def rules_of_tariff(tariff_id: TariffId) -> Rules:
    """What a tariff amounts to. Raises NotFound."""
    tariff = db.session.get(Tariff, tariff_id)
    if tariff is None:
        raise NotFound
    return _rules_from(tariff, db.session.scalars(select(TariffRegion).where(TariffRegion.tariff_id == tariff_id)).all())


@act
def add_tariff(new: NewTariff, *, by: UserId, now: datetime) -> TariffId:
    """A tariff that holds from its day on. Raises BeginsTooEarly or BeginsAlready."""
    assert new.regions, "something is served"
    earliest = business_day(now) + timedelta(days=1)
    if new.starts_on < earliest:
        raise BeginsTooEarly(earliest)
    values = {
        "starts_on": new.starts_on,
        "first_grams": new.by_weight.first_grams,
        "first_fen": new.by_weight.first_fen,
        "further_kg_fen": new.by_weight.further_kg_fen,
        "free_from_fen": new.free_from_fen,
        "quick_first_fen": new.quick_extra.first_fen,
        "quick_further_kg_fen": new.quick_extra.further_kg_fen,
        "packing_days": new.packing_days,
        "note": new.note,
    }
    try:
        tariff_id = db.session.scalar(insert(Tariff).values(**values, made_by=by, made_at=now).returning(Tariff.id))
    except IntegrityError as error:
        if violated(error, "uq_shipping_tariffs_starts_on"):
            raise BeginsAlready from error
        raise
    assert tariff_id is not None
    rows = [{"tariff_id": tariff_id, **_as_row(region)} for region in new.regions]
    db.session.execute(insert(TariffRegion), rows)
    before = next((row.id for row in list_tariffs() if row.starts_on is not None and row.starts_on < new.starts_on), None)
    after = {**values, "starts_on": new.starts_on.isoformat(), "regions": len(rows)}
    facts = {"before": {"tariff": before}, "after": after}
    write_audit("tariff.added", subject=f"tariff:{tariff_id}", by=by, facts=facts, now=now)
    return TariffId(tariff_id)


def _as_row(region: RegionTerms) -> dict[str, object]:
    quick, cold = region.quick_days or (None, None), region.cold_days or (None, None)
    return {
        "province": region.province,
        "surcharge_kg_fen": region.surcharge_kg_fen,
        "fewest_days": region.days[0],
        "most_days": region.days[1],
        "quick_fewest": quick[0],
        "quick_most": quick[1],
        "cold_fewest": cold[0],
        "cold_most": cold[1],
    }


@act
def take_back_tariff(tariff_id: TariffId, *, by: UserId, now: datetime) -> None:
    """A tariff that has not begun never does. Raises NotFound or HasBegun."""
    starts_on = db.session.scalar(select(Tariff.starts_on).where(Tariff.id == tariff_id).with_for_update())
    if starts_on is None:
        raise NotFound
    if starts_on <= business_day(now):
        raise HasBegun
    db.session.execute(delete(TariffRegion).where(TariffRegion.tariff_id == tariff_id))
    db.session.execute(delete(Tariff).where(Tariff.id == tariff_id))
    facts = {"before": {"starts_on": starts_on.isoformat()}, "after": {"state": "withdrawn"}}
    write_audit("tariff.taken_back", subject=f"tariff:{tariff_id}", by=by, facts=facts, now=now)


# ── Days off ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class DayOff:
    """One day on which nobody ships."""

    day: date
    name: str


def list_days_off(since: date) -> tuple[DayOff, ...]:
    """Those of that day and later, in order."""
    rows = db.session.execute(select(ClosedDay.day, ClosedDay.name).where(ClosedDay.day >= since).order_by(ClosedDay.day))
    return tuple(DayOff(row.day, row.name) for row in rows)


@act
def close_days(first: date, last: date, name: str, *, by: UserId, now: datetime) -> int:
    """Nobody ships from `first` to `last`, both included, at most `MOST_DAYS_OFF` days. How many are new."""
    assert first <= last and (last - first).days < MOST_DAYS_OFF
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    known = set(db.session.scalars(select(ClosedDay.day).where(ClosedDay.day.in_(days))))
    rows = [{"day": day, "name": name, "set_by": by, "set_at": now} for day in days if day not in known]
    if rows:
        db.session.execute(insert(ClosedDay), rows)
        after = {"first_day": first.isoformat(), "last_day": last.isoformat(), "name": name, "days": len(rows)}
        write_audit("days_off.added", subject=f"days_off:{first}", by=by, facts={"after": after}, now=now)
    return len(rows)


@act
def open_day(day: date, *, by: UserId, now: datetime) -> None:
    """It is an ordinary day after all."""
    name = db.session.scalar(delete(ClosedDay).where(ClosedDay.day == day).returning(ClosedDay.name))
    if name is not None:
        facts = {"before": {"name": name}, "after": {"state": "withdrawn"}}
        write_audit("days_off.removed", subject=f"days_off:{day}", by=by, facts=facts, now=now)
