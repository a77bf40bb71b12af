"""Refunds at the staff's hands: one person alone up to a sum, another's approval above it. Stock and books change at the approval, not before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shop.acts.refund_order import Refunded, RefundWanted, book_refund, preview_refund
from shop.acts.settle_refund import settle_refund
from shop.extensions import act
from shop.kit.ids import ClaimId, LineId, OrderId, PickId, RefundId, ReturnId, UserId
from shop.orders import claims, requests
from shop.orders import service as orders
from shop.orders.errors import RefundChanged
from shop.orders.models import RequestState
from shop.orders.requests import RequestId
from shop.orders.service import OrderRow
from shop.outbox import service as outbox


@dataclass(frozen=True)
class Waiting:
    """A refund that waits for a second person. Nothing is booked."""

    request_id: RequestId
    total_fen: int


Booked = tuple[ReturnId, RefundId, int]
"""The return, the refund that sends its money, and its sum."""


def ask_refund(number: str, wanted: RefundWanted, *, four_eyes_fen: int, once: str, by: UserId, now: datetime) -> Refunded | Waiting:
    """Course. Refund at once, or ask a second person if more than `four_eyes_fen` of the order would have been decided by one alone.

    What went back before without a second person counts, so that a large refund cannot be made of small ones. The same `once` is the same
    refund. Raises NoSuchOrder, CannotMove, NothingToRefund or RefundTooLarge, and then nothing has changed.
    """
    done = _ask_or_book(number, wanted, four_eyes_fen=four_eyes_fen, once=f"refund:{number}:{once}", by=by, now=now)
    return done if isinstance(done, Waiting) else settle_booked(done, now=now)


def needs_second_person(order_id: OrderId, total_fen: int, *, four_eyes_fen: int) -> bool:
    """Whether this sum, with what went back of the order by one person's word before, is more than one person may decide."""
    return requests.decided_alone_fen(order_id) + total_fen > four_eyes_fen


@act
def _ask_or_book(number: str, wanted: RefundWanted, *, four_eyes_fen: int, once: str, by: UserId, now: datetime) -> Booked | Waiting:
    return ask_or_book(orders.lock(number), wanted, four_eyes_fen=four_eyes_fen, once=once, by=by, now=now)


def ask_or_book(order: OrderRow, wanted: RefundWanted, *, four_eyes_fen: int, once: str, by: UserId, now: datetime) -> Booked | Waiting:
    """Step. Book a refund of an order, which is locked, or leave it to a second person; `ask_refund` says when.

    Raises CannotMove, NothingToRefund or RefundTooLarge.
    """
    if known := requests.find_request(once):
        return Waiting(known.id, known.total_fen)
    if orders.find_return(once):
        return book_refund(order, wanted, once=once, by=by, now=now)
    total_fen = preview_refund(order.number, wanted).total_fen
    if not needs_second_person(order.id, total_fen, four_eyes_fen=four_eyes_fen):
        return book_refund(order, wanted, once=once, by=by, now=now)
    request_id = requests.record_request(order.id, _as_json(wanted), total_fen=total_fen, once=once, asked_by=by, now=now)
    facts = {"total_fen": total_fen, "reason": wanted.reason[:120]}
    orders.add_event(order.id, "refund_requested", facts, by=by, now=now)
    outbox.write_audit(
        "refund.requested",
        subject=order.number,
        by=by,
        facts={"after": {"state": RequestState.WAITING}} | facts | {"request": request_id},
        now=now,
    )
    return Waiting(request_id, total_fen)


def approve_refund(request_id: RequestId, *, by: UserId, now: datetime) -> Refunded:
    """Course. A second person approves: booked and sent.

    Raises NoSuchRequest, AlreadyDecided, SecondPersonNeeded; RefundChanged or RefundTooLarge when it is no longer what was asked for.
    """
    return settle_booked(_approve(request_id, by=by, now=now), now=now)


@act
def _approve(request_id: RequestId, *, by: UserId, now: datetime) -> Booked:
    order = orders.lock_by_id(requests.get_request(request_id).order_id)
    request = requests.lock_request(request_id)
    requests.decide(request, RequestState.APPROVED, by=by, now=now)
    booked = book_refund(order, _from_json(request.wanted), once=request.once, by=request.asked_by, now=now)
    if booked[2] != request.total_fen:
        raise RefundChanged(request.total_fen, booked[2])
    states = {"before": {"state": RequestState.WAITING}, "after": {"state": RequestState.APPROVED}}
    facts = states | {"total_fen": request.total_fen, "request": request_id}
    orders.add_event(order.id, "refund_approved", {"total_fen": request.total_fen}, by=by, now=now)
    outbox.write_audit("refund.approved", subject=order.number, by=by, facts=facts, now=now)
    return booked


@act
def reject_refund(request_id: RequestId, *, word: str, by: UserId, now: datetime) -> None:
    """A second person says no, and why. Nothing was booked, and nothing is.

    Raises NoSuchRequest, AlreadyDecided or SecondPersonNeeded.
    """
    order = orders.lock_by_id(requests.get_request(request_id).order_id)
    request = requests.lock_request(request_id)
    requests.decide(request, RequestState.REJECTED, by=by, word=word, now=now)
    if claim_id := _from_json(request.wanted).claim_id:
        claims.try_again(claim_id)
    facts = {"total_fen": request.total_fen, "reason": word[:120]}
    orders.add_event(order.id, "refund_rejected", facts, by=by, now=now)
    states = {"before": {"state": RequestState.WAITING}, "after": {"state": RequestState.REJECTED}}
    outbox.write_audit("refund.rejected", subject=order.number, by=by, facts=states | facts | {"request": request_id}, now=now)


def settle_booked(booked: Booked, *, now: datetime) -> Refunded:
    """Course. Send the money of a refund that is booked."""
    return_id, refund_id, total_fen = booked
    return Refunded(return_id, total_fen, settle_refund(refund_id, now=now))


def _as_json(wanted: RefundWanted) -> dict[str, object]:
    return {
        "units": {str(pick_id): units for pick_id, units in wanted.units.items()},
        "amounts": {str(line_id): fen for line_id, fen in wanted.amounts.items()},
        "shipping_fen": wanted.shipping_fen,
        "restock": wanted.restock,
        "reason": wanted.reason,
        "by_transfer": wanted.by_transfer,
        "claim": wanted.claim_id,
    }


def _from_json(kept: Mapping[str, object]) -> RefundWanted:
    units, amounts = kept["units"], kept["amounts"]
    assert isinstance(units, dict) and isinstance(amounts, dict), "as it was kept"
    return RefundWanted(
        units={PickId(int(pick_id)): int(count) for pick_id, count in units.items()},
        amounts={LineId(int(line_id)): int(fen) for line_id, fen in amounts.items()},
        shipping_fen=int(str(kept["shipping_fen"])),
        restock=bool(kept["restock"]),
        reason=str(kept["reason"]),
        by_transfer=bool(kept["by_transfer"]),
        claim_id=ClaimId(int(str(claim))) if (claim := kept.get("claim")) else None,
    )
