"""Claims of buyers: put down, moved along `CLAIM_MOVES`, settled by a refund, opened again when the refund fails.

Every verb is a step: its act has locked the order before. `order_lines.claimed_units` counts the units of claims that are open or were refunded, and its
CHECK has the last word on how many there may be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, cast, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from shop.extensions import columns_of, db, fields_of, require_transaction, row_as, rows_as, table_of, violated
from shop.kit.errors import Conflict, NotFound, Refused
from shop.kit.ids import ClaimId, CooperativeId, LineId, OrderId, PictureId, ReturnId, UserId
from shop.orders.claim_models import Claim, ClaimLine, ClaimPhoto
from shop.orders.claim_states import OPEN_CLAIMS, SEND_WITHIN, ClaimKind, ClaimReason, ClaimState, may_move_claim
from shop.orders.models import OrderLine, Return, ReturnLine
from shop.orders.service import OrderRow, add_event

ENDED_CLAIMS = frozenset(ClaimState) - OPEN_CLAIMS

_claim, _line, _photo, _order_line = (columns_of(model) for model in (Claim, ClaimLine, ClaimPhoto, OrderLine))
_return, _taken = columns_of(Return), columns_of(ReturnLine)


class NoSuchClaim(NotFound):
    """There is no such claim, or it is not yours."""


class CannotMoveClaim(Conflict):
    """The claim is not where this could happen: somebody was quicker."""

    def __init__(self, state: ClaimState, wanted: ClaimState) -> None:
        super().__init__(state, wanted)
        self.state = state
        self.wanted = wanted


class TooManyUnits(Refused):
    """More units are asked for than are left: sold, less what was refunded, less what other claims ask for."""

    def __init__(self, left: Mapping[LineId, int]) -> None:
        super().__init__(left)
        self.left = left


class CannotClaim(Refused):
    """The goods are not where this could be asked: on their way, or there already; or not for this reason any more."""

    def __init__(self, line_ids: tuple[LineId, ...]) -> None:
        super().__init__(line_ids)
        self.line_ids = line_ids


@dataclass(frozen=True)
class NewClaim:
    """What a buyer asks for of one cooperative's goods."""

    kind: ClaimKind
    reason: ClaimReason
    reason_words: str
    words: str
    wants_to_keep: bool
    units: Mapping[LineId, int]


@dataclass(frozen=True)
class ClaimRow:
    """One claim, as an act sees it."""

    id: ClaimId
    order_id: OrderId
    cooperative_id: CooperativeId
    kind: ClaimKind
    state: ClaimState
    reason: ClaimReason
    reason_words: str
    must_send_back: bool | None
    restock: bool | None
    offer_fen: int | None
    attempt: int
    return_id: ReturnId | None


_FIELDS = fields_of(ClaimRow, Claim)


# ── Reading for acts ──────────────────────────────────────────────────────────────────────────────────────────────────


def find_claims(order_id: OrderId, once: str) -> tuple[ClaimId, ...]:
    """The claims of an order that this form's key has already made, one for each cooperative. The key came from a browser: it is compared, never a pattern."""
    made = literal(f"{once}:").concat(cast(_claim.cooperative_id, String))
    rows = db.session.scalars(select(_claim.id).where(_claim.order_id == order_id, _claim.once == made).order_by(_claim.id))
    return tuple(ClaimId(row) for row in rows)


def order_of(claim_id: ClaimId) -> OrderId:
    """The order that a claim belongs to. Raises NoSuchClaim."""
    found = db.session.scalar(select(_claim.order_id).where(_claim.id == claim_id))
    if found is None:
        raise NoSuchClaim
    return OrderId(found)


def lock_claim(claim_id: ClaimId) -> ClaimRow:
    """Step. One claim, locked; its order is locked before it. Raises NoSuchClaim."""
    require_transaction()
    row = db.session.execute(select(*_FIELDS).where(_claim.id == claim_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchClaim
    return row_as(ClaimRow, row)


def units_of(claim_id: ClaimId) -> dict[LineId, int]:
    """What a claim asks for."""
    rows = db.session.execute(select(_line.line_id, _line.quantity).where(_line.claim_id == claim_id).order_by(_line.line_id))
    return {LineId(line_id): quantity for line_id, quantity in rows}


def open_units(order_id: OrderId) -> dict[LineId, int]:
    """Of each line how many units open claims ask for."""
    rows = db.session.execute(
        select(_line.line_id, func.sum(_line.quantity))
        .join_from(table_of(ClaimLine), table_of(Claim), _claim.id == _line.claim_id)
        .where(_claim.order_id == order_id, _claim.state.in_(OPEN_CLAIMS))
        .group_by(_line.line_id)
    )
    return {LineId(line_id): int(units) for line_id, units in rows}


def find_other_return(line_ids: Iterable[LineId]) -> ReturnId | None:
    """The latest refund of any of these lines that stands: what settled a claim when nothing of it is left to refund."""
    query = (
        select(func.max(_return.id))
        .join_from(table_of(Return), table_of(ReturnLine), _taken.return_id == _return.id)
        .where(_taken.line_id.in_(sorted(line_ids)), _return.reversed_by_entry_id.is_(None))
    )
    found = db.session.scalar(query)
    return ReturnId(found) if found is not None else None


def due_to_lapse(*, now: datetime, most: int = 50) -> Sequence[ClaimId]:
    """Claims whose goods were to be sent back and were not."""
    due = select(_claim.id).where(_claim.state == ClaimState.ACCEPTED, _claim.answered_at <= now - SEND_WITHIN)
    return [ClaimId(row) for row in db.session.scalars(due.order_by(_claim.id).limit(most))]


# ── Putting down ──────────────────────────────────────────────────────────────────────────────────────────────────────


def put_down(order: OrderRow, cooperative_id: CooperativeId, new: NewClaim, *, once: str, by: UserId | None, now: datetime) -> ClaimRow:
    """Step. A claim that waits for its answer. Raises TooManyUnits when the database counts more than were sold."""
    require_transaction()
    claim_id = db.session.scalar(
        insert(table_of(Claim))
        .values(
            order_id=order.id,
            cooperative_id=cooperative_id,
            once=f"{once}:{cooperative_id}",
            kind=new.kind,
            state=ClaimState.ASKED,
            reason=new.reason,
            reason_words=new.reason_words[:60],
            words=new.words,
            wants_to_keep=new.wants_to_keep,
            asked_at=now,
            asked_by=by,
            return_to="",
            why="",
            carrier="",
            tracking_number="",
            attempt=0,
        )
        .returning(_claim.id)
    )
    assert claim_id is not None
    rows = [{"claim_id": claim_id, "line_id": line_id, "quantity": units} for line_id, units in sorted(new.units.items())]
    db.session.execute(insert(table_of(ClaimLine)), rows)
    _count(new.units, +1)
    facts = {"claim": claim_id, "kind": new.kind, "reason": new.reason, "units": sum(new.units.values())}
    add_event(order.id, "claim_asked", facts, by=by, now=now)
    return lock_claim(ClaimId(claim_id))


def show_photos(claim_id: ClaimId, picture_ids: Sequence[PictureId]) -> None:
    """Step. The photographs that go with it."""
    require_transaction()
    for position, picture_id in enumerate(picture_ids):
        db.session.execute(insert(table_of(ClaimPhoto)).values(claim_id=claim_id, picture_id=picture_id, position=position))


def _count(units: Mapping[LineId, int], sign: int) -> None:
    """Raise or lower what the lines count, in the order of lines."""
    for line_id, count in sorted(units.items()):
        counted = _order_line.claimed_units + sign * count
        try:
            db.session.execute(update(table_of(OrderLine)).where(_order_line.id == line_id).values(claimed_units=counted))
        except IntegrityError as error:
            if violated(error, "ck_order_lines_claimed"):
                raise TooManyUnits({line_id: 0}) from error
            raise


# ── Moving ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def move_claim(claim: ClaimRow, state: ClaimState, *, by: UserId | None, now: datetime, **values: object) -> ClaimRow:
    """Step. The claim, which is locked, goes on to `state`; what it asked for is free again when it ends without a refund.

    Raises CannotMoveClaim.
    """
    require_transaction()
    if not may_move_claim(claim.state, state):
        raise CannotMoveClaim(claim.state, state)
    ended_at = now if state in ENDED_CLAIMS else None
    db.session.execute(update(table_of(Claim)).where(_claim.id == claim.id).values(state=state, ended_at=ended_at, **values))
    if state in ENDED_CLAIMS and state is not ClaimState.REFUNDED:
        _count(units_of(claim.id), -1)
    add_event(claim.order_id, f"claim_{state}", {"claim": claim.id}, by=by, now=now)
    return lock_claim(claim.id)


def mark_refunded(claim_id: ClaimId, return_id: ReturnId, *, now: datetime) -> None:
    """Step. Its refund is booked; how far the money is, the refund says. Raises CannotMoveClaim."""
    move_claim(lock_claim(claim_id), ClaimState.REFUNDED, by=None, now=now, return_id=return_id)


def reopen_refunded(return_id: ReturnId, *, now: datetime) -> None:
    """Step. The provider failed the refund: what it had settled is due again."""
    for claim in _of_return(return_id):
        if claim.state is ClaimState.REFUNDED:
            move_claim(claim, ClaimState.DUE, by=None, now=now, attempt=claim.attempt + 1)


def find_due_of(return_id: ReturnId) -> ClaimId | None:
    """The claim whose refund this was, and which is due again because it failed."""
    return next((claim.id for claim in _of_return(return_id) if claim.state is ClaimState.DUE), None)


def try_again(claim_id: ClaimId) -> None:
    """Step. A second person rejected its refund: the next one is another."""
    require_transaction()
    db.session.execute(update(table_of(Claim)).where(_claim.id == claim_id).values(attempt=_claim.attempt + 1))


def _of_return(return_id: ReturnId) -> list[ClaimRow]:
    return rows_as(ClaimRow, db.session.execute(select(*_FIELDS).where(_claim.return_id == return_id).order_by(_claim.id)))
