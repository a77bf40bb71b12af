"""A lot whose villages or grams were written down wrongly: proposed by one person, decided by another (DESIGN §2.4).

Law: a version of a lot's sources is never changed; an approved correction adds the next. At most one correction of a lot is under way. From the moment
it is approved sales go by the new sources; what was sold before is booked anew by `shop/acts/correct_sales.py`, which counts its progress here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from shop.extensions import act, columns_of, db, fields_of, require_transaction, row_as, rows_as, violated
from shop.kit.errors import Conflict, NotFound, Refused
from shop.kit.ids import CooperativeId, CorrectionId, LotId, OrderId, UserId, VillageId
from shop.origin.models import CooperativeVillage, Village
from shop.outbox import service as outbox
from shop.stock.errors import ForeignVillages, NoSources, NoSuchLot, NotAWeight, SourceTwice
from shop.stock.holding import SourceGrams
from shop.stock.models import CorrectionState, Lot, LotCorrection, LotCorrectionSource, LotSource
from shop.stock.service import MOST_LOT_GRAMS, Source

LONGEST_REASON = 200


class NoSuchCorrection(NotFound):
    """There is no such correction, or it is not yours."""


class NothingToCorrect(Refused):
    """The lot says so already."""


class NoReason(Refused):
    """A correction says why."""


class CorrectionUnderWay(Conflict):
    """Another correction of this lot is not finished yet."""


class AlreadyDecided(Conflict):
    """Somebody decided before; nothing has changed."""

    def __init__(self, state: CorrectionState) -> None:
        super().__init__(state)
        self.state = state


class SamePerson(Refused):
    """Whoever proposes does not decide."""


class LessThanPacked(Refused):
    """The lot cannot have produced less than was packed from it."""

    def __init__(self, produced_grams: int, packed_grams: int) -> None:
        super().__init__(produced_grams, packed_grams)
        self.produced_grams = produced_grams
        self.packed_grams = packed_grams


@dataclass(frozen=True)
class CorrectionRow:
    """One correction, as an act sees it."""

    id: CorrectionId
    lot_id: LotId
    produced_grams: int
    seen_version: int
    version: int | None
    state: CorrectionState
    proposed_by: UserId
    through_order_id: OrderId


_correction = columns_of(LotCorrection)
_ROW = select(*fields_of(CorrectionRow, LotCorrection))


# ── Proposing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@act
def propose(
    lot_id: LotId, *, sources: Sequence[Source], produced_grams: int, reason: str, by: UserId, once: str, now: datetime
) -> CorrectionId:
    """Say what a lot's sources, and the grams it produced, should have been, and why. Nothing changes until another person approves.

    The same `once` (at most 40 characters) gives the same correction. Raises NoSuchLot, NoReason, NoSources, SourceTwice, NotAWeight,
    ForeignVillages, LessThanPacked, NothingToCorrect or CorrectionUnderWay.
    """
    known = db.session.scalar(select(LotCorrection.id).where(LotCorrection.once == once))
    if known is not None:
        return CorrectionId(known)
    lot = db.session.execute(
        select(Lot.code, Lot.cooperative_id, Lot.produced_grams, Lot.packed_grams, Lot.source_version)
        .where(Lot.id == lot_id)
        .with_for_update()
    ).one_or_none()
    if lot is None:
        raise NoSuchLot
    if not reason.strip():
        raise NoReason
    _check_sources(sources, CooperativeId(lot.cooperative_id))
    _check_produced(produced_grams, lot.packed_grams)
    in_force = {source.village_id: source.grams for source in sources_of_version(lot_id, lot.source_version)}
    if in_force == {source.village_id: source.grams for source in sources} and produced_grams == lot.produced_grams:
        raise NothingToCorrect
    try:
        with db.session.begin_nested():
            correction_id = db.session.scalar(
                insert(LotCorrection)
                .values(
                    lot_id=lot_id,
                    produced_grams=produced_grams,
                    seen_version=lot.source_version,
                    seen_produced_grams=lot.produced_grams,
                    reason=reason.strip()[:LONGEST_REASON],
                    state=CorrectionState.PROPOSED,
                    once=once,
                    proposed_by=by,
                    proposed_at=now,
                )
                .returning(LotCorrection.id)
            )
    except IntegrityError as error:
        if violated(error, "ix_lot_corrections_open"):
            raise CorrectionUnderWay from error
        raise
    assert correction_id is not None
    rows = [{"correction_id": correction_id, "village_id": source.village_id, "grams": source.grams} for source in sources]
    db.session.execute(insert(LotCorrectionSource), rows)
    after = {"state": CorrectionState.PROPOSED, "produced_grams": produced_grams, "villages": len(sources)}
    facts = {"before": {"produced_grams": lot.produced_grams, "villages": len(in_force)}, "after": after}
    told = {"correction_id": correction_id, "reason": reason}
    outbox.write_audit("lot.correction_proposed", subject=lot.code, by=by, facts=facts | told, now=now)
    return CorrectionId(correction_id)


def _check_sources(sources: Sequence[Source], cooperative_id: CooperativeId) -> None:
    if not sources:
        raise NoSources
    seen: set[VillageId] = set()
    for source in sources:
        if source.village_id in seen:
            raise SourceTwice(source.village_id)
        seen.add(source.village_id)
        if not 0 < source.grams <= MOST_LOT_GRAMS:
            raise NotAWeight(source.grams, MOST_LOT_GRAMS)
    own = set(db.session.scalars(select(CooperativeVillage.village_id).where(CooperativeVillage.cooperative_id == cooperative_id)))
    if foreign := tuple(sorted(seen - own)):
        raise ForeignVillages(foreign)


def _check_produced(produced_grams: int, packed_grams: int) -> None:
    if not 0 < produced_grams <= MOST_LOT_GRAMS:
        raise NotAWeight(produced_grams, MOST_LOT_GRAMS)
    if produced_grams < packed_grams:
        raise LessThanPacked(produced_grams, packed_grams)


# ── Deciding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@act
def approve(correction_id: CorrectionId, *, word: str, by: UserId, now: datetime) -> None:
    """The second person agrees: the lot has a new version of its sources, by which everything is sold from now on.

    Waits for sales of the lot that are under way, by its row's lock; so none goes by the old sources afterwards. Raises NoSuchCorrection,
    AlreadyDecided, SamePerson or LessThanPacked.
    """
    correction = _lock_proposed(correction_id, by=by)
    lot = db.session.execute(
        select(Lot.code, Lot.produced_grams, Lot.packed_grams, Lot.source_version).where(Lot.id == correction.lot_id).with_for_update()
    ).one()
    assert lot.source_version == correction.seen_version, "one correction of a lot at a time"
    _check_produced(correction.produced_grams, lot.packed_grams)
    version = lot.source_version + 1
    proposed = select(LotCorrectionSource.village_id, LotCorrectionSource.grams).where(LotCorrectionSource.correction_id == correction_id)
    rows = db.session.execute(proposed.order_by(LotCorrectionSource.village_id)).all()
    db.session.execute(
        insert(LotSource),
        [{"lot_id": correction.lot_id, "version": version, "village_id": row.village_id, "grams": row.grams} for row in rows],
    )
    db.session.execute(
        update(Lot).where(Lot.id == correction.lot_id).values(source_version=version, produced_grams=correction.produced_grams)
    )
    values = {"state": CorrectionState.APPROVED, "version": version, "decided_by": by, "decided_at": now, "word": word[:LONGEST_REASON]}
    db.session.execute(update(LotCorrection).where(LotCorrection.id == correction_id).values(**values))
    facts = {
        "before": {"produced_grams": lot.produced_grams, "version": lot.source_version},
        "after": {"produced_grams": correction.produced_grams, "version": version},
        "correction_id": correction_id,
    }
    outbox.write_audit("lot.correction_approved", subject=lot.code, by=by, facts=facts, now=now)


@act
def reject(correction_id: CorrectionId, *, word: str, by: UserId, now: datetime) -> None:
    """The second person does not agree, and says why; the lot stays as it is. Raises NoSuchCorrection, AlreadyDecided, SamePerson or NoReason."""
    if not word.strip():
        raise NoReason
    correction = _lock_proposed(correction_id, by=by)
    values = {
        "state": CorrectionState.REJECTED,
        "decided_by": by,
        "decided_at": now,
        "ended_at": now,
        "word": word.strip()[:LONGEST_REASON],
    }
    db.session.execute(update(LotCorrection).where(LotCorrection.id == correction_id).values(**values))
    code = db.session.scalars(select(Lot.code).where(Lot.id == correction.lot_id)).one()
    states = {"before": {"state": CorrectionState.PROPOSED}, "after": {"state": CorrectionState.REJECTED}}
    facts = states | {"correction_id": correction_id, "reason": word}
    outbox.write_audit("lot.correction_rejected", subject=code, by=by, facts=facts, now=now)


def _lock_proposed(correction_id: CorrectionId, *, by: UserId) -> CorrectionRow:
    correction = lock(correction_id)
    if correction.state is not CorrectionState.PROPOSED:
        raise AlreadyDecided(correction.state)
    if correction.proposed_by == by:
        raise SamePerson
    return correction


# ── Carrying out ──────────────────────────────────────────────────────────────────────────────────────────────────────


def lock(correction_id: CorrectionId) -> CorrectionRow:
    """Step. The correction, locked. Raises NoSuchCorrection."""
    require_transaction()
    row = db.session.execute(_ROW.where(_correction.id == correction_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchCorrection
    return row_as(CorrectionRow, row)


def to_carry_out() -> Sequence[CorrectionId]:
    """Corrections that were approved and of which something is still to be booked."""
    rows = select(LotCorrection.id).where(LotCorrection.state == CorrectionState.APPROVED).order_by(LotCorrection.id)
    return [CorrectionId(row) for row in db.session.scalars(rows)]


def sources_of_version(lot_id: LotId, version: int) -> list[SourceGrams]:
    """A lot's sources by one of its versions, by village id."""
    rows = db.session.execute(
        select(LotSource.village_id, Village.code, LotSource.grams)
        .join(Village, Village.id == LotSource.village_id)
        .where(LotSource.lot_id == lot_id, LotSource.version == version)
        .order_by(LotSource.village_id)
    )
    return rows_as(SourceGrams, rows)


def go_on(correction: CorrectionRow, *, through: OrderId, sales: int, moved_fen: int) -> None:
    """Step. Orders up to `through` are booked anew."""
    require_transaction()
    db.session.execute(
        update(LotCorrection)
        .where(LotCorrection.id == correction.id)
        .values(through_order_id=through, sales=LotCorrection.sales + sales, moved_fen=LotCorrection.moved_fen + moved_fen)
    )


def finish(correction: CorrectionRow, *, now: datetime) -> None:
    """Step. Everything that was sold before is booked anew."""
    require_transaction()
    db.session.execute(update(LotCorrection).where(LotCorrection.id == correction.id).values(state=CorrectionState.DONE, ended_at=now))
