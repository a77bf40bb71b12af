"""Settling with cooperatives: what stands in a settlement, its approval by a second person, its payment.

Law: an attribution stands in one settlement at most. A village is never paid less than nought: what a refund after a settlement took from it is
carried to the next. Approved, a settlement's sums are moved from the villages' proceeds to what is payable; after that nothing of it changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from shop.extensions import act, db, lock_in_order, put_in, require_transaction, row_as, table_of, violated
from shop.kit.clock import business_day
from shop.kit.ids import CooperativeId, SettlementId, UserId, VillageId
from shop.ledger.errors import (
    BadLastDay,
    DraftOpen,
    InDispute,
    NoBankAccount,
    NoSuchSettlement,
    NothingToSettle,
    NotTheBanksDay,
    ReferenceTaken,
    SamePerson,
    SettlementDecided,
)
from shop.ledger.models import (
    Account,
    AccountKind,
    Attribution,
    Entry,
    EntryKind,
    Posting,
    Settlement,
    SettlementLine,
    SettlementState,
    SettlementVillage,
)
from shop.ledger.service import BANK, Leg, payable, post, proceeds, share_lock_months
from shop.origin.models import BankAccount, Cooperative
from shop.outbox import service as outbox

STANDING = (SettlementState.APPROVED, SettlementState.PAID)
_CORRECTING = (EntryKind.CORRECTION, EntryKind.EDIT)


# ── What may be settled, as far as the books know ─────────────────────────────────────────────────────────────────────


def is_unsettled() -> ColumnElement[bool]:
    """Attributions that stand in no settlement, not even a draft."""
    lines = table_of(SettlementLine).alias("standing_lines")
    return ~exists(select(lines.c.attribution_id).where(lines.c.attribution_id == Attribution.id).correlate(Attribution))


def is_disputed() -> ColumnElement[bool]:
    """Entries about orders of which something is on hold until a dispute is decided; for statements that join `Entry`."""
    return Entry.subject.in_(_orders_on_hold())


def _orders_on_hold() -> Select[str]:
    booked = table_of(Entry).alias("hold_entries")
    return (
        select(booked.c.subject)
        .join(Posting, Posting.entry_id == booked.c.id)
        .join(Account, Account.id == Posting.account_id)
        .where(Account.kind == AccountKind.HOLD)
        .group_by(booked.c.subject)
        .having(func.sum(Posting.amount_fen) != 0)
        .correlate(None)
    )


@dataclass(frozen=True, slots=True)
class Ripe:
    """An attribution that may be settled."""

    attribution_id: int
    village_id: VillageId
    kind: EntryKind
    """Of its entry."""
    is_refund: bool
    amount_fen: int
    business_day: date


@dataclass(frozen=True, slots=True)
class VillagePart:
    """A village's part of a settlement; refunds are nought or less."""

    village_id: VillageId
    carried_in_fen: int
    sales_fen: int
    refunds_fen: int
    corrections_fen: int

    @property
    def sum_fen(self) -> int:
        """All of it."""
        return self.carried_in_fen + self.sales_fen + self.refunds_fen + self.corrections_fen

    @property
    def settled_fen(self) -> int:
        """What is paid: never below nought."""
        return max(0, self.sum_fen)

    @property
    def carried_out_fen(self) -> int:
        """What is carried to the next: never above nought."""
        return min(0, self.sum_fen)


def parts_of(rows: Iterable[Ripe], carried_in: Mapping[VillageId, int]) -> tuple[VillagePart, ...]:
    """Every village's part, by id: those with rows, and those that something was carried for. Pure."""
    sums = {village_id: [0, 0, 0] for village_id in carried_in}
    for row in rows:
        of_village = sums.setdefault(row.village_id, [0, 0, 0])
        of_village[2 if row.kind in _CORRECTING else 1 if row.is_refund else 0] += row.amount_fen
    return tuple(VillagePart(village_id, carried_in.get(village_id, 0), *figures) for village_id, figures in sorted(sums.items()))


# ── Drawing up ────────────────────────────────────────────────────────────────────────────────────────────────────────


def find_drawn(once: str) -> str | None:
    """The number of the settlement drawn up under this key."""
    return db.session.scalar(select(Settlement.number).where(Settlement.once == once))


def next_stretch(cooperative_id: CooperativeId, last_day: date, *, today: date) -> date | None:
    """Step. The first day of a settlement up to `last_day`, when another stands before it; the cooperative is locked.

    Raises DraftOpen or BadLastDay.
    """
    lock_in_order(Cooperative, [cooperative_id])
    open_draft = select(Settlement.number).where(Settlement.cooperative_id == cooperative_id, Settlement.state == SettlementState.DRAFT)
    if (number := db.session.scalar(open_draft)) is not None:
        raise DraftOpen(number)
    before = db.session.execute(_last_standing(cooperative_id)).one_or_none()
    earliest = before.last_day + timedelta(days=1) if before else None
    latest = today - timedelta(days=1)
    if last_day > latest or (earliest is not None and last_day < earliest):
        raise BadLastDay(earliest, latest)
    return earliest


def carried_by(cooperative_id: CooperativeId) -> dict[VillageId, int]:
    """What the cooperative's last settlement carried out: by village, below nought."""
    before = db.session.execute(_last_standing(cooperative_id)).one_or_none()
    if before is None:
        return {}
    rows = db.session.execute(
        select(SettlementVillage.village_id, SettlementVillage.carried_out_fen).where(
            SettlementVillage.settlement_id == before.id, SettlementVillage.carried_out_fen < 0
        )
    )
    return {VillageId(village_id): int(fen) for village_id, fen in rows}


def _last_standing(cooperative_id: CooperativeId) -> Select[int, date]:
    standing = select(Settlement.id, Settlement.last_day).where(Settlement.cooperative_id == cooperative_id, Settlement.state.in_(STANDING))
    return standing.order_by(Settlement.seq.desc()).limit(1)


def draw_up(
    cooperative_id: CooperativeId, rows: Sequence[Ripe], *, since: date | None, last_day: date, once: str, by: UserId, now: datetime
) -> str:
    """Step. Store a draft of exactly these rows; its number. `next_stretch` has locked the cooperative. Raises NothingToSettle."""
    require_transaction()
    if not rows:
        raise NothingToSettle
    seq = 1 + (db.session.scalar(select(func.max(Settlement.seq)).where(Settlement.cooperative_id == cooperative_id)) or 0)
    number = f"JS-{last_day:%y%m%d}-{cooperative_id}-{seq}"
    parts = parts_of(rows, carried_by(cooperative_id))
    settlement_id = db.session.scalar(
        insert(Settlement)
        .values(
            number=number,
            cooperative_id=cooperative_id,
            seq=seq,
            state=SettlementState.DRAFT,
            first_day=since or min(row.business_day for row in rows),
            last_day=last_day,
            total_fen=sum(part.settled_fen for part in parts),
            carried_in_fen=sum(part.carried_in_fen for part in parts),
            carried_out_fen=sum(part.carried_out_fen for part in parts),
            once=once,
            drafted_by=by,
            drafted_at=now,
        )
        .returning(Settlement.id)
    )
    put_in(
        SettlementVillage,
        [
            {
                "settlement_id": settlement_id,
                "village_id": part.village_id,
                "carried_in_fen": part.carried_in_fen,
                "sales_fen": part.sales_fen,
                "refunds_fen": part.refunds_fen,
                "corrections_fen": part.corrections_fen,
                "settled_fen": part.settled_fen,
                "carried_out_fen": part.carried_out_fen,
            }
            for part in parts
        ],
    )
    put_in(SettlementLine, [{"attribution_id": row.attribution_id, "settlement_id": settlement_id} for row in rows])
    _write_deed("settlement_drafted", number, None, SettlementState.DRAFT, sum(part.settled_fen for part in parts), by=by, now=now)
    return number


# ── Deciding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@act
def approve_settlement(number: str, *, by: UserId, now: datetime) -> None:
    """A second person approves: the villages' proceeds become payable, and where to pay is written down. Of nought, nothing is booked.

    What was refunded since the draft was computed stands in the next settlement. Raises NoSuchSettlement, SettlementDecided, SamePerson,
    NoBankAccount or InDispute.
    """
    drawn = _lock(number, SettlementState.DRAFT)
    if drawn.drafted_by == by:
        raise SamePerson
    if disputed := _disputed_in(SettlementId(drawn.id)):
        raise InDispute(disputed)
    payee = db.session.get(BankAccount, drawn.cooperative_id)
    if payee is None and drawn.total_fen:
        raise NoBankAccount
    if drawn.total_fen:
        cooperative_id = CooperativeId(drawn.cooperative_id)
        legs = [Leg(proceeds(cooperative_id, village_id), fen) for village_id, fen in _settled_by_village(SettlementId(drawn.id))]
        legs.append(Leg(payable(_slug(cooperative_id)), -drawn.total_fen))
        once = f"settlement:{number}"
        drawn.entry_id = post(EntryKind.SETTLEMENT, legs, once=once, subject=number, on=business_day(now), now=now)
    if payee is not None:
        drawn.payee_name, drawn.payee_account = payee.payee, payee.number
        drawn.payee_bank, drawn.payee_bank_code = payee.bank, payee.bank_code
    drawn.state, drawn.approved_by, drawn.approved_at = SettlementState.APPROVED, by, now
    _write_deed("settlement_approved", number, SettlementState.DRAFT, SettlementState.APPROVED, drawn.total_fen, by=by, now=now)


@act
def pay_settlement(number: str, *, reference: str, paid_on: date, by: UserId, now: datetime) -> None:
    """The bank has sent it on `paid_on` under `reference`. Booked on that day, or today if its month is closed by now.

    The same reference again changes nothing. Raises NoSuchSettlement, SettlementDecided, NotTheBanksDay or ReferenceTaken.
    """
    known = _find(number)
    if known.state is SettlementState.PAID and known.paid_reference == reference:
        return
    paid = _lock(number, SettlementState.APPROVED)
    assert paid.approved_at is not None, "an approved settlement knows when it was"
    if not paid.total_fen:
        raise SettlementDecided("nothing_to_pay")
    today = business_day(now)
    if not business_day(paid.approved_at) <= paid_on <= today:
        raise NotTheBanksDay(business_day(paid.approved_at), today)
    day = today if share_lock_months([paid_on]) else paid_on
    legs = [Leg(payable(_slug(CooperativeId(paid.cooperative_id))), paid.total_fen), Leg(BANK, -paid.total_fen)]
    once = f"settlement_paid:{number}"
    paid.paid_entry_id = post(EntryKind.SETTLEMENT_PAID, legs, once=once, subject=number, on=day, now=now)
    paid.state, paid.paid_on, paid.paid_reference, paid.paid_by, paid.paid_recorded_at = SettlementState.PAID, paid_on, reference, by, now
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "uq_settlements_paid_reference"):
            raise ReferenceTaken from error
        raise
    _write_deed("settlement_paid", number, SettlementState.APPROVED, SettlementState.PAID, paid.total_fen, by=by, now=now)


@act
def cancel_settlement(number: str, *, by: UserId, now: datetime) -> None:
    """Throw a draft away; what it named is free for the next. Raises NoSuchSettlement or SettlementDecided."""
    drawn = _lock(number, SettlementState.DRAFT)
    db.session.execute(delete(SettlementLine).where(SettlementLine.settlement_id == drawn.id))
    values = {"state": SettlementState.CANCELLED, "cancelled_by": by, "cancelled_at": now}
    db.session.execute(update(Settlement).where(Settlement.id == drawn.id).values(**values))
    _write_deed("settlement_cancelled", number, SettlementState.DRAFT, SettlementState.CANCELLED, drawn.total_fen, by=by, now=now)


def _write_deed(
    action: str, number: str, before: SettlementState | None, after: SettlementState, total_fen: int, *, by: UserId, now: datetime
) -> None:
    facts = {"before": {"state": before} if before else None, "after": {"state": after}, "total_fen": total_fen}
    outbox.write_audit(action, subject=number, by=by, facts=facts, now=now)


def _find(number: str) -> Settlement:
    found = db.session.scalar(select(Settlement).where(Settlement.number == number))
    if found is None:
        raise NoSuchSettlement
    return found


def _lock(number: str, state: SettlementState) -> Settlement:
    """The settlement, locked; still in this state."""
    query = select(Settlement).where(Settlement.number == number).with_for_update().execution_options(populate_existing=True)
    found = db.session.scalar(query)
    if found is None:
        raise NoSuchSettlement
    if found.state is not state:
        raise SettlementDecided(found.state.value)
    return found


def _disputed_in(settlement_id: SettlementId) -> tuple[str, ...]:
    rows = (
        select(Entry.subject)
        .join(Attribution, Attribution.entry_id == Entry.id)
        .join(SettlementLine, SettlementLine.attribution_id == Attribution.id)
        .where(SettlementLine.settlement_id == settlement_id, is_disputed())
    )
    return tuple(db.session.scalars(rows.distinct().order_by(Entry.subject)))


def _settled_by_village(settlement_id: SettlementId) -> list[tuple[VillageId, int]]:
    rows = db.session.execute(
        select(SettlementVillage.village_id, SettlementVillage.settled_fen)
        .where(SettlementVillage.settlement_id == settlement_id)
        .order_by(SettlementVillage.village_id)
    )
    return [(VillageId(village_id), int(fen)) for village_id, fen in rows]


def _slug(cooperative_id: CooperativeId) -> str:
    return db.session.scalars(select(Cooperative.slug).where(Cooperative.id == cooperative_id)).one()


# ── The bank's batch ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ToPay:
    """A line of the file that the bank takes."""

    number: str
    payee: str
    account: str
    bank: str
    bank_code: str
    total_fen: int
    first_day: date
    last_day: date


@act
def hand_over_batch(*, columns: Sequence[str], by: UserId, now: datetime) -> tuple[ToPay, ...]:
    """Everything approved and not paid, for the bank's batch upload, by number. That it was taken out, by whom, stands in an audit row."""
    rows = db.session.execute(
        select(
            Settlement.number,
            Settlement.payee_name,
            Settlement.payee_account,
            Settlement.payee_bank,
            Settlement.payee_bank_code,
            Settlement.total_fen,
            Settlement.first_day,
            Settlement.last_day,
        )
        .where(Settlement.state == SettlementState.APPROVED, Settlement.total_fen > 0)
        .order_by(Settlement.id)
    )
    lines = tuple(row_as(ToPay, row) for row in rows)
    facts = {"numbers": [line.number for line in lines], "total_fen": sum(line.total_fen for line in lines), "columns": list(columns)}
    outbox.write_audit("settlements_exported", subject="settlements", by=by, facts=facts, now=now)
    return lines
