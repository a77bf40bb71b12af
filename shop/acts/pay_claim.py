"""The money of a claim: worked out from what is left of its lines, booked by the one refund act there is, or left to a second person."""

from datetime import datetime

from shop.acts.decide_refund import Booked, Waiting, ask_or_book
from shop.acts.refund_order import RefundWanted, book_refund, sold_picks
from shop.kit.ids import CooperativeId, LineId, PickId, UserId
from shop.ledger import service as ledger
from shop.ledger.attribution import latest_picks
from shop.orders import claims
from shop.orders import service as orders
from shop.orders.claim_states import carriage_back_fen
from shop.orders.claims import ClaimRow
from shop.orders.errors import NothingToRefund
from shop.orders.service import OrderRow
from shop.shipping import service as shipping
from shop.stock import holding as stock


def pay_claim(claim: ClaimRow, *, four_eyes_fen: int | None, by: UserId | None, now: datetime) -> Booked | Waiting | None:
    """Step. Book the refund of a claim that is due, whose order is locked; or, above `four_eyes_fen` in one person's hands, leave it to a second.

    Without `four_eyes_fen` nobody decided: the shop's rule did. What was refunded by hand meanwhile is not refunded again; if that was all of it,
    the claim is settled by that refund, and None comes back. Raises what `book_refund` raises.
    """
    order = orders.lock_by_id(claim.order_id)
    wanted = wanted_of(order, claim)
    once = refund_key(order, claim)
    try:
        if wanted is None:
            raise NothingToRefund
        if four_eyes_fen is None:
            return book_refund(order, wanted, once=once, by=None, now=now)
        assert by is not None, "a person decided"
        return ask_or_book(order, wanted, four_eyes_fen=four_eyes_fen, once=once, by=by, now=now)
    except NothingToRefund:
        settled = claims.find_other_return(claims.units_of(claim.id))
        if settled is None:
            raise
        claims.mark_refunded(claim.id, settled, now=now)
        return None


def refund_key(order: OrderRow, claim: ClaimRow) -> str:
    """What names the refund of a claim, so that it is booked once."""
    return f"refund:{order.number}:claim:{claim.id}:{claim.attempt}"


def wanted_of(order: OrderRow, claim: ClaimRow) -> RefundWanted | None:
    """What goes back for a claim as things stand now; None when nothing of its goods is left."""
    asked = claims.units_of(claim.id)
    if claim.offer_fen is not None:
        (line_id,) = asked
        return RefundWanted(amounts={line_id: claim.offer_fen}, reason=claim.reason_words, claim_id=claim.id)
    booked = ledger.booked_picks(order.id)
    sold = sold_picks(booked)
    units: dict[PickId, int] = {}
    for line_id, count in asked.items():
        picks = [sold[pick_id] for pick_id, pick in booked.items() if pick.line_id == line_id]
        left = sum(pick.left_units for pick in picks)
        units |= {pick.pick_id: taken for pick, taken in latest_picks(picks, min(count, left))}
    if not units:
        return None
    return RefundWanted(
        units=units,
        shipping_fen=_carriage_fen(order, claim, asked),
        restock=bool(claim.restock),
        reason=claim.reason_words,
        claim_id=claim.id,
    )


def _carriage_fen(order: OrderRow, claim: ClaimRow, asked: dict[LineId, int]) -> int:
    fee_fen = next((parcel.fee_fen for parcel in shipping.of_order(order.id) if parcel.cooperative_id == claim.cooperative_id), 0)
    return carriage_back_fen(
        claim.kind,
        claim.reason,
        is_whole_parcel=_is_whole_parcel(order, claim.cooperative_id, asked),
        fee_fen=fee_fen,
        left_fen=order.shipping_fen - order.refunded_shipping_fen,
    )


def _is_whole_parcel(order: OrderRow, cooperative_id: CooperativeId, asked: dict[LineId, int]) -> bool:
    """Whether nothing of the parcel is left with the buyer after it."""
    lines = [line.id for line in orders.lines_of(order.id) if line.cooperative_id == cooperative_id]
    left = stock.left_units_by_line(lines)
    return all(left.get(line_id, 0) <= asked.get(line_id, 0) for line_id in lines)
