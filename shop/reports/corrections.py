"""Corrections of lots as people see them: what a lot says, what it should say, and what that moves from which village to which."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from shop.accounts.models import User
from shop.catalog.models import Product
from shop.extensions import db, rows_as
from shop.kit.ids import CooperativeId, CorrectionId, LotId, OrderId, UserId, VillageId
from shop.ledger import service as ledger
from shop.ledger.attribution import Source, refund_shares
from shop.ledger.correction import CorrectedSources
from shop.ledger.models import Attribution
from shop.origin.models import Cooperative, CooperativeVillage, Village
from shop.stock.corrections import NoSuchCorrection, sources_of_version
from shop.stock.errors import NoSuchLot
from shop.stock.models import CorrectionState, Lot, LotCorrection, LotCorrectionSource

CORRECTIONS_A_PAGE = 50


@dataclass(frozen=True)
class VillageGrams:
    """A village of the lot's cooperative, and its grams of the lot; nought: it is no source."""

    village_id: VillageId
    name: str
    name_en: str
    grams: int


@dataclass(frozen=True)
class CorrectionInList:
    """One correction."""

    id: CorrectionId
    lot_code: str
    product_name: str
    product_name_en: str
    cooperative_name: str
    cooperative_name_en: str
    state: CorrectionState
    reason: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    word: str
    sales: int
    moved_fen: int


@dataclass(frozen=True)
class CorrectableLot:
    """A lot as it stands, for whoever says that it is wrong."""

    lot_id: LotId
    code: str
    product_name: str
    product_name_en: str
    produced_grams: int
    packed_grams: int
    gross_fen: int
    villages: tuple[VillageGrams, ...]
    """Every village of the cooperative, those with grams first."""
    corrections: tuple[CorrectionInList, ...]
    """The latest first."""

    @property
    def under_way(self) -> CorrectionInList | None:
        """The one that is not finished."""
        return next((each for each in self.corrections if each.state in (CorrectionState.PROPOSED, CorrectionState.APPROVED)), None)


@dataclass(frozen=True)
class Effect:
    """What a correction does to one village's money of the lot: sales less refunds, fen."""

    village_id: VillageId
    name: str
    name_en: str
    grams_before: int
    grams_after: int
    now_fen: int
    after_fen: int

    @property
    def change_fen(self) -> int:
        """Over all villages nought."""
        return self.after_fen - self.now_fen


@dataclass(frozen=True)
class CorrectionStory:
    """One correction with everything a second person looks at."""

    listed: CorrectionInList
    lot_id: LotId
    proposed_by_id: UserId
    produced_before: int
    produced_after: int
    packed_grams: int
    version: int | None
    effects: tuple[Effect, ...]
    """While it is proposed: what it would do now; afterwards what it did. Villages by id."""

    @property
    def moved_fen(self) -> int:
        """What changes villages."""
        return sum(effect.change_fen for effect in self.effects if effect.change_fen > 0)


def get_correctable(code: str, ids: Iterable[CooperativeId] | None) -> CorrectableLot:
    """A lot by its code, among the lots of these cooperatives, or of all. Raises NoSuchLot, also when it is somebody else's."""
    columns = (Lot.id, Lot.code, Product.name, Product.name_en, Lot.produced_grams, Lot.packed_grams, Lot.gross_fen)
    query = select(*columns, Lot.source_version, Lot.cooperative_id).join(Product, Product.id == Lot.product_id).where(Lot.code == code)
    if ids is not None:
        query = query.where(Lot.cooperative_id.in_(sorted(ids)))
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NoSuchLot
    lot_id = LotId(row.id)
    grams = {source.village_id: source.grams for source in sources_of_version(lot_id, row.source_version)}
    own = (
        select(Village.id, Village.name, Village.name_en)
        .join(CooperativeVillage, CooperativeVillage.village_id == Village.id)
        .where(CooperativeVillage.cooperative_id == row.cooperative_id)
        .order_by(Village.id)
    )
    villages = [VillageGrams(VillageId(v.id), v.name, v.name_en, grams.get(VillageId(v.id), 0)) for v in db.session.execute(own)]
    return CorrectableLot(
        lot_id=lot_id,
        code=row.code,
        product_name=row.name,
        product_name_en=row.name_en,
        produced_grams=row.produced_grams,
        packed_grams=row.packed_grams,
        gross_fen=row.gross_fen,
        villages=tuple(sorted(villages, key=lambda village: (-village.grams, village.village_id))),
        corrections=tuple(rows_as(CorrectionInList, db.session.execute(_listed().where(Lot.id == lot_id)))),
    )


_decider = aliased(User)


def _listed() -> Select[*tuple[object, ...]]:
    return (
        select(
            LotCorrection.id,
            Lot.code,
            Product.name,
            Product.name_en,
            Cooperative.name,
            Cooperative.name_en,
            LotCorrection.state,
            LotCorrection.reason,
            User.name,
            LotCorrection.proposed_at,
            _decider.name,
            LotCorrection.decided_at,
            LotCorrection.word,
            LotCorrection.sales,
            LotCorrection.moved_fen,
        )
        .join(Lot, Lot.id == LotCorrection.lot_id)
        .join(Product, Product.id == Lot.product_id)
        .join(Cooperative, Cooperative.id == Lot.cooperative_id)
        .join(User, User.id == LotCorrection.proposed_by)
        .outerjoin(_decider, _decider.id == LotCorrection.decided_by)
        .order_by(LotCorrection.id.desc())
    )


@dataclass(frozen=True)
class CorrectionList:
    """A page of corrections, the latest first; those that wait for somebody stand apart."""

    waiting: tuple[CorrectionInList, ...]
    rows: tuple[CorrectionInList, ...]
    page: int
    pages: int


def list_corrections(*, page: int = 1) -> CorrectionList:
    """All that wait, and a page of the others. A page beyond the last is the last."""
    decided = LotCorrection.state != CorrectionState.PROPOSED
    count = db.session.scalar(select(func.count()).select_from(LotCorrection).where(decided)) or 0
    pages = max(1, -(-count // CORRECTIONS_A_PAGE))
    page = min(max(1, page), pages)
    waiting = db.session.execute(_listed().where(LotCorrection.state == CorrectionState.PROPOSED))
    rows = db.session.execute(_listed().where(decided).limit(CORRECTIONS_A_PAGE).offset((page - 1) * CORRECTIONS_A_PAGE))
    return CorrectionList(tuple(rows_as(CorrectionInList, waiting)), tuple(rows_as(CorrectionInList, rows)), page, pages)


def get_correction(correction_id: CorrectionId) -> CorrectionStory:
    """One correction. Raises NoSuchCorrection."""
    found = db.session.execute(_listed().where(LotCorrection.id == correction_id)).one_or_none()
    if found is None:
        raise NoSuchCorrection
    row = db.session.execute(
        select(
            LotCorrection.lot_id,
            LotCorrection.proposed_by,
            LotCorrection.seen_produced_grams,
            LotCorrection.produced_grams,
            LotCorrection.seen_version,
            LotCorrection.version,
            Lot.packed_grams,
        )
        .join(Lot, Lot.id == LotCorrection.lot_id)
        .where(LotCorrection.id == correction_id)
    ).one()
    [listed] = rows_as(CorrectionInList, [found])
    lot_id = LotId(row.lot_id)
    proposed = db.session.execute(
        select(LotCorrectionSource.village_id, LotCorrectionSource.grams).where(LotCorrectionSource.correction_id == correction_id)
    )
    after = {VillageId(village_id): grams for village_id, grams in proposed}
    before = {source.village_id: source.grams for source in sources_of_version(lot_id, row.seen_version)}
    effects = effects_of(lot_id, before, after) if row.version is None else _as_booked(lot_id, row.version, before, after)
    return CorrectionStory(
        listed=listed,
        lot_id=lot_id,
        proposed_by_id=UserId(row.proposed_by),
        produced_before=row.seen_produced_grams,
        produced_after=row.produced_grams,
        packed_grams=row.packed_grams,
        version=row.version,
        effects=effects,
    )


# ── What it moves ─────────────────────────────────────────────────────────────────────────────────────────────────────


def effects_of(lot_id: LotId, before: Mapping[VillageId, int], after: Mapping[VillageId, int]) -> tuple[Effect, ...]:
    """What sources `after` (grams by village) would move, if they were approved now.

    Of the sales the new shares follow from the lot's running total alone, since all picks together are split(T); what went back is looked at pick
    by pick, for those of which something did.
    """
    names = _names(before.keys() | after.keys())
    now_fen = _by_village(select(Attribution.village_id, func.sum(Attribution.amount_fen)).where(Attribution.lot_id == lot_id))
    gross_fen = db.session.scalars(select(Lot.gross_fen).where(Lot.id == lot_id)).one()
    due = CorrectedSources([Source(village_id, names[village_id].code, grams) for village_id, grams in after.items()])
    after_fen = dict(due.totals(gross_fen))
    for pick in _refunded_picks(lot_id):
        shares = due.shares(pick.lot_total_fen, pick.fen)
        for share, back_fen in zip(shares, refund_shares(shares, 0, pick.refunded_fen), strict=True):
            after_fen[share.village_id] -= back_fen
    return _effects(names, before, after, now_fen, after_fen)


def _as_booked(lot_id: LotId, version: int, before: Mapping[VillageId, int], after: Mapping[VillageId, int]) -> tuple[Effect, ...]:
    """What it has moved so far: the lot's money up to its entries, and with them."""
    of_lot = select(Attribution.village_id, func.sum(Attribution.amount_fen)).where(Attribution.lot_id == lot_id)
    moved = _by_village(of_lot.where(Attribution.is_correction, Attribution.source_version == version))
    earlier = _by_village(of_lot.where(Attribution.source_version < version))
    names = _names(before.keys() | after.keys() | moved.keys())
    return _effects(
        names, before, after, earlier, {village_id: earlier.get(village_id, 0) + moved.get(village_id, 0) for village_id in names}
    )


@dataclass(frozen=True)
class _Named:
    village_id: VillageId
    code: str | None
    name: str
    name_en: str


def _names(village_ids: Iterable[VillageId]) -> dict[VillageId, _Named]:
    rows = db.session.execute(select(Village.id, Village.code, Village.name, Village.name_en).where(Village.id.in_(sorted(village_ids))))
    return {named.village_id: named for named in rows_as(_Named, rows)}


def _by_village(query: Select[int, int]) -> dict[VillageId, int]:
    return {VillageId(village_id): int(fen) for village_id, fen in db.session.execute(query.group_by(Attribution.village_id))}


def _refunded_picks(lot_id: LotId) -> Iterable[ledger.BookedPick]:
    given_back = (
        select(Attribution.order_id).where(Attribution.lot_id == lot_id, Attribution.is_refund).distinct().order_by(Attribution.order_id)
    )
    order_ids = [OrderId(row) for row in db.session.scalars(given_back)]
    for picks in ledger.booked_picks_of(order_ids, lot_id=lot_id).values():
        yield from (pick for pick in picks.values() if pick.refunded_fen)


def _effects(
    names: Mapping[VillageId, _Named],
    before: Mapping[VillageId, int],
    after: Mapping[VillageId, int],
    now_fen: Mapping[VillageId, int],
    after_fen: Mapping[VillageId, int],
) -> tuple[Effect, ...]:
    rows: Sequence[Effect] = [
        Effect(
            village_id=village_id,
            name=named.name,
            name_en=named.name_en,
            grams_before=before.get(village_id, 0),
            grams_after=after.get(village_id, 0),
            now_fen=now_fen.get(village_id, 0),
            after_fen=after_fen.get(village_id, 0),
        )
        for village_id, named in sorted(names.items())
    ]
    return tuple(rows)
