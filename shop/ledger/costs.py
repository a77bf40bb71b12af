"""What a cooperative spent on its lots, shared over the villages whose grams are in them.

Law: a cost is never changed. A mistake is cancelled by a row of the opposite sum, and told anew if need be. A cost counts on the day it was spent; when
that month is closed, on the day it is told, so that figures which stand never move. The costs of a lot are shared by its grams as its sales are: each
cost is what split(T) gained over split(T − x) on the running total T, so a cost is shared to the fen and the lot's costs over its life as well.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select

from shop.extensions import columns_of, db, require_transaction, table_of
from shop.kit.clock import business_day
from shop.kit.ids import CooperativeId, CostId, LotId, UserId, VillageId
from shop.ledger import service as ledger
from shop.ledger.errors import AlreadyCancelled, CostAhead, NoReason, NoSuchCost, NotAnAmount, PeriodClosed
from shop.ledger.models import CostKind, LotCost, LotCostShare
from shop.ledger.split import Weighted, step
from shop.origin.models import Village
from shop.outbox.service import write_audit
from shop.stock.models import Lot, LotSource

MOST_FEN = 1_000_000_00
"""Of one cost: a million yuan. More is a slip of the finger."""


@dataclass(frozen=True)
class RecordedCost:
    """A cost that was told, now or before."""

    id: CostId
    cooperative_id: CooperativeId
    amount_fen: int
    business_day: date
    is_repeat: bool


def record_cost(
    lot_id: LotId,
    *,
    kind: CostKind,
    amount_fen: int,
    incurred_on: date,
    note: str,
    by: UserId | None,
    once: str,
    now: datetime,
) -> RecordedCost:
    """Step. The cooperative spent `amount_fen` on a lot. The same `once` gives the same cost.

    Raises NotAnAmount, CostAhead; NoSuchCost when there is no such lot.
    """
    require_transaction()
    if known := _find(once):
        return known
    today = business_day(now)
    if not 0 < amount_fen <= MOST_FEN:
        raise NotAnAmount(MOST_FEN)
    if incurred_on > today:
        raise CostAhead(today)
    lot = _lock_lot(lot_id)
    counts_on = _open_day(incurred_on, today)
    values = {
        "lot_id": lot_id,
        "cooperative_id": lot.cooperative_id,
        "kind": kind,
        "amount_fen": amount_fen,
        "incurred_on": incurred_on,
        "business_day": counts_on,
        "note": note,
        "once": once,
        "recorded_by": by,
        "recorded_at": now,
    }
    cost_id = _put_shared(values, lot.source_version)
    facts = {"after": {"lot": lot.code, "kind": kind, "amount_fen": amount_fen}}
    write_audit("cost.recorded", subject=f"cost:{cost_id}", by=by, facts=facts, now=now)
    return RecordedCost(cost_id, CooperativeId(lot.cooperative_id), amount_fen, counts_on, is_repeat=False)


def cancel_cost(cost_id: CostId, *, reason: str, by: UserId | None, now: datetime) -> RecordedCost:
    """Step. A cost was told wrongly: a row of the opposite sum, for the same villages, counts from today.

    Where the month of the cost is still open it counts there, as if nothing had been told. Raises NoSuchCost, NoReason, AlreadyCancelled.
    """
    require_transaction()
    if not reason:
        raise NoReason
    cost = db.session.execute(select(_cost).where(_cost.c.id == cost_id)).one_or_none()
    if cost is None:
        raise NoSuchCost
    _lock_lot(LotId(cost.lot_id))
    if cost.reverses_id is not None or db.session.scalar(select(_cost.c.id).where(_cost.c.reverses_id == cost_id)) is not None:
        raise AlreadyCancelled
    counts_on = _open_day(cost.business_day, business_day(now))
    cancelling = _put_cancelling(cost, counts_on, reason=reason, by=by, now=now)
    facts = {"before": {"amount_fen": cost.amount_fen}, "after": {"amount_fen": 0}, "cancelled_by": cancelling, "reason": reason}
    write_audit("cost.cancelled", subject=f"cost:{cost_id}", by=by, facts=facts, now=now)
    return RecordedCost(cancelling, CooperativeId(cost.cooperative_id), -cost.amount_fen, counts_on, is_repeat=False)


def share_again(lot_id: LotId, *, reason: str, by: UserId | None, now: datetime) -> int:
    """Step. The lot's sources were corrected: its standing costs are cancelled and told again by the sources that hold now. Says how many.

    The caller has made the new version of the sources. Counts on each cost's own day where that month is open, else today.
    """
    require_transaction()
    lot = _lock_lot(lot_id)
    cancelling = _cost.alias("cancelling")
    standing = db.session.execute(
        select(_cost)
        .outerjoin(cancelling, cancelling.c.reverses_id == _cost.c.id)
        .where(
            _cost.c.lot_id == lot_id, _cost.c.reverses_id.is_(None), cancelling.c.id.is_(None), _cost.c.source_version != lot.source_version
        )
        .order_by(_cost.c.id)
    ).all()
    for cost in standing:
        counts_on = _open_day(cost.business_day, business_day(now))
        _put_cancelling(cost, counts_on, reason=reason, by=by, now=now)
        values = {name: getattr(cost, name) for name in ("lot_id", "cooperative_id", "kind", "amount_fen", "incurred_on", "note")}
        values |= {"business_day": counts_on, "once": f"again:{lot.source_version}:{cost.id}", "recorded_by": by, "recorded_at": now}
        _put_shared(values, lot.source_version)
    return len(standing)


_cost = table_of(LotCost)


def _find(once: str) -> RecordedCost | None:
    row = db.session.execute(select(_cost).where(_cost.c.once == once)).one_or_none()
    if row is None:
        return None
    return RecordedCost(CostId(row.id), CooperativeId(row.cooperative_id), row.amount_fen, row.business_day, is_repeat=True)


@dataclass(frozen=True)
class _LockedLot:
    code: str
    cooperative_id: int
    source_version: int


def _lock_lot(lot_id: LotId) -> _LockedLot:
    """Costs of one lot are told one after the other: their running total stands on each other."""
    lot = columns_of(Lot)
    query = select(lot.code, lot.cooperative_id, lot.source_version).where(lot.id == lot_id).with_for_update(key_share=True)
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NoSuchCost
    return _LockedLot(row.code, row.cooperative_id, row.source_version)


def _open_day(wanted: date, today: date) -> date:
    """The day wanted, or today if its month is closed. Closing the month waits for us.

    Raises PeriodClosed when even today's is.
    """
    try:
        ledger.share_lock_period(wanted)
    except PeriodClosed:
        ledger.share_lock_period(today)
        return today
    return wanted


def _put_shared(values: dict[str, object], source_version: int) -> CostId:
    lot_id, amount_fen = values["lot_id"], int(str(values["amount_fen"]))
    told = db.session.scalar(
        select(func.coalesce(func.sum(_cost.c.amount_fen), 0)).where(
            _cost.c.lot_id == lot_id, _cost.c.source_version == source_version, _cost.c.reverses_id.is_(None)
        )
    )
    total_fen = int(told or 0) + amount_fen
    sources = db.session.execute(
        select(LotSource.village_id, Village.code, LotSource.grams)
        .join(Village, Village.id == LotSource.village_id)
        .where(LotSource.lot_id == lot_id, LotSource.version == source_version)
        .order_by(LotSource.village_id)
    ).all()
    shares = step(total_fen, amount_fen, [Weighted(code, village_id, grams) for village_id, code, grams in sources])
    row = {**values, "source_version": source_version, "lot_total_fen": total_fen, "reverses_id": None}
    return _put(row, {VillageId(source.village_id): fen for source, fen in zip(sources, shares, strict=True)})


def _put_cancelling(cost: Any, counts_on: date, *, reason: str, by: UserId | None, now: datetime) -> CostId:  # Any: a row of plain SQL
    same = ("lot_id", "cooperative_id", "kind", "incurred_on", "source_version", "lot_total_fen")
    row: dict[str, object] = {name: getattr(cost, name) for name in same}
    row |= {"amount_fen": -cost.amount_fen, "business_day": counts_on, "note": reason, "reverses_id": cost.id}
    row |= {"once": f"cancel:{cost.id}", "recorded_by": by, "recorded_at": now}
    shares = db.session.execute(select(LotCostShare.village_id, LotCostShare.amount_fen).where(LotCostShare.cost_id == cost.id)).all()
    return _put(row, {VillageId(village_id): -fen for village_id, fen in shares})


def _put(row: dict[str, object], shares: dict[VillageId, int]) -> CostId:
    cost_id = CostId(int(db.session.scalar(insert(_cost).values(**row).returning(_cost.c.id)) or 0))
    db.session.execute(
        insert(table_of(LotCostShare)),
        [{"cost_id": cost_id, "village_id": village_id, "amount_fen": fen} for village_id, fen in shares.items()],
    )
    return cost_id
