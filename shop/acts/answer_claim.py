"""The cooperative, or the staff in its place, answers a claim, takes the goods in, and has the money sent; what nobody sends back lapses."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from shop.acts.ask_claim import lock_with_order
from shop.acts.decide_refund import Booked, Waiting, settle_booked
from shop.acts.pay_claim import pay_claim, refund_key
from shop.acts.refund_order import Refunded
from shop.acts.tell_of_claims import tell_buyer
from shop.extensions import act, end_reading
from shop.kit.errors import Refused, ShopError
from shop.kit.ids import ClaimId, LineId, UserId
from shop.ledger import service as ledger
from shop.orders import claims, requests
from shop.orders import service as orders
from shop.orders.claim_states import ClaimKind, ClaimState, is_our_fault
from shop.orders.claims import CannotMoveClaim, ClaimRow
from shop.orders.models import RequestState
from shop.orders.service import OrderRow
from shop.outbox import service as outbox

log = structlog.get_logger()


class OfferTooLarge(Refused):
    """More is offered than the claimed units cost, or for more than one line at once."""

    def __init__(self, most_fen: int) -> None:
        super().__init__(most_fen)
        self.most_fen = most_fen


@dataclass(frozen=True)
class Paid:
    """What became of the money: sent, waiting for a second person, or refunded by hand before."""

    refunded: Refunded | None
    waiting: Waiting | None


@act
def ask_back(claim_id: ClaimId, *, return_to: str, word: str, by: UserId, now: datetime) -> None:
    """Accept a claim; the goods are to be sent back to `return_to`. What is our fault comes back at our expense. Raises CannotMoveClaim."""
    order, claim = lock_with_order(claim_id)
    if claim.kind is ClaimKind.CANCEL:
        raise CannotMoveClaim(claim.state, ClaimState.ACCEPTED)  # it has not left
    answer = {"answered_at": now, "answered_by": by, "must_send_back": True, "return_to": return_to, "why": word}
    claims.move_claim(claim, ClaimState.ACCEPTED, by=by, now=now, we_pay_carriage=is_our_fault(claim.reason), **answer)
    facts = {"before": {"state": claim.state}, "after": {"state": ClaimState.ACCEPTED}, "claim": claim.id, "kind": claim.kind}
    outbox.write_audit("claim.accepted", subject=order.number, by=by, facts=facts, now=now)
    tell_buyer(order, claim.id, "accepted", now=now)


def give_money_back(claim_id: ClaimId, *, offer_fen: int | None = None, word: str, four_eyes_fen: int, by: UserId, now: datetime) -> Paid:
    """Course. Accept a claim without having anything sent back: a cancellation, or goods that stay. Raises CannotMoveClaim or OfferTooLarge."""
    return _settle(_give_money_back(claim_id, offer_fen=offer_fen, word=word, four_eyes_fen=four_eyes_fen, by=by, now=now), now=now)


@act
def _give_money_back(
    claim_id: ClaimId, *, offer_fen: int | None, word: str, four_eyes_fen: int, by: UserId, now: datetime
) -> Booked | Waiting | None:
    order, claim = lock_with_order(claim_id)
    if claim.state is not ClaimState.ASKED:
        raise CannotMoveClaim(claim.state, ClaimState.DUE)
    if offer_fen is not None:
        _check_offer(order, claim, offer_fen)
    answer = {"answered_at": now, "answered_by": by, "must_send_back": False, "offer_fen": offer_fen, "why": word}
    due = claims.move_claim(claim, ClaimState.DUE, by=by, now=now, restock=claim.kind is ClaimKind.CANCEL, **answer)
    facts = {"before": {"state": claim.state}, "after": {"state": ClaimState.DUE}, "claim": claim.id, "kind": claim.kind}
    outbox.write_audit("claim.accepted", subject=order.number, by=by, facts=facts, now=now)
    if word:
        tell_buyer(order, claim.id, "accepted", now=now)
    return pay_claim(due, four_eyes_fen=four_eyes_fen, by=by, now=now)


def _check_offer(order: OrderRow, claim: ClaimRow, offer_fen: int) -> None:
    """No more than the claimed units cost, of one line."""
    units = claims.units_of(claim.id)
    if claim.kind is ClaimKind.CANCEL or len(units) != 1:
        raise OfferTooLarge(0)
    ((line_id, count),) = units.items()
    most_fen = claimed_worth_fen(order, line_id, count)
    if offer_fen > most_fen:
        raise OfferTooLarge(most_fen)


def claimed_worth_fen(order: OrderRow, line_id: LineId, count: int) -> int:
    """What so many units of a line cost, and no more than is left of it."""
    line = next(line for line in orders.lines_of(order.id) if line.id == line_id)
    left_fen = sum(pick.fen - pick.refunded_fen for pick in ledger.booked_picks(order.id).values() if pick.line_id == line_id)
    return min(left_fen, -(-line.net_fen * count // line.quantity))


@act
def refuse_claim(claim_id: ClaimId, *, why: str, is_staff: bool, by: UserId, now: datetime) -> None:
    """Say no, and why. Money that is due may be refused by staff alone. Raises CannotMoveClaim."""
    assert why, "a refusal says why"
    order, claim = lock_with_order(claim_id)
    if claim.state is ClaimState.DUE and not (is_staff and may_be_refused(order, claim)):
        raise CannotMoveClaim(claim.state, ClaimState.REFUSED)
    answer = {"answered_at": now, "answered_by": by} if claim.state is ClaimState.ASKED else {}
    claims.move_claim(claim, ClaimState.REFUSED, by=by, now=now, why=why, **answer)
    facts = {"before": {"state": claim.state}, "after": {"state": ClaimState.REFUSED}, "claim": claim.id, "kind": claim.kind}
    outbox.write_audit("claim.refused", subject=order.number, by=by, facts=facts, now=now)
    tell_buyer(order, claim.id, "refused", now=now)


def may_be_refused(order: OrderRow, claim: ClaimRow) -> bool:
    """Whether money that is due may still be refused: no second person has it before them, and no provider has failed to send it."""
    request = requests.find_request(refund_key(order, claim))
    return claim.return_id is None and (request is None or request.state is not RequestState.WAITING)


def take_in(claim_id: ClaimId, *, restock: bool, four_eyes_fen: int, by: UserId, now: datetime) -> Paid:
    """Course. The goods are back: for sale again, or written off; the money goes. Raises CannotMoveClaim."""
    return _settle(_take_in(claim_id, restock=restock, four_eyes_fen=four_eyes_fen, by=by, now=now), now=now)


@act
def _take_in(claim_id: ClaimId, *, restock: bool, four_eyes_fen: int, by: UserId, now: datetime) -> Booked | Waiting | None:
    order, claim = lock_with_order(claim_id)
    if claim.state not in (ClaimState.ACCEPTED, ClaimState.SENT):
        raise CannotMoveClaim(claim.state, ClaimState.DUE)
    due = claims.move_claim(claim, ClaimState.DUE, by=by, now=now, received_at=now, received_by=by, restock=restock)
    facts = {"before": {"state": claim.state}, "after": {"state": ClaimState.DUE}, "claim": claim.id, "kind": claim.kind}
    outbox.write_audit("claim.received", subject=order.number, by=by, facts=facts, now=now)
    done = pay_claim(due, four_eyes_fen=four_eyes_fen, by=by, now=now)
    if isinstance(done, Waiting):
        tell_buyer(order, claim.id, "received", now=now)
    return done


def pay_again(claim_id: ClaimId, *, four_eyes_fen: int, by: UserId, now: datetime) -> Paid:
    """Course. Ask for the money of a claim that is due once more, after a second person said no. Raises CannotMoveClaim."""
    return _settle(_pay_again(claim_id, four_eyes_fen=four_eyes_fen, by=by, now=now), now=now)


@act
def _pay_again(claim_id: ClaimId, *, four_eyes_fen: int, by: UserId, now: datetime) -> Booked | Waiting | None:
    _order, claim = lock_with_order(claim_id)
    if claim.state is not ClaimState.DUE or claim.return_id is not None:
        raise CannotMoveClaim(claim.state, ClaimState.REFUNDED)  # what the provider failed goes from the bank (shop/acts/send_otherwise.py)
    return pay_claim(claim, four_eyes_fen=four_eyes_fen, by=by, now=now)


def lapse_claims(*, now: datetime) -> int:
    """Sweep. Goods that were to be sent back and were not: the claim lapses; how many."""
    due = claims.due_to_lapse(now=now)
    end_reading()
    lapsed = 0
    for claim_id in due:
        try:
            _lapse(claim_id, now=now)
            lapsed += 1
        except ShopError as error:  # somebody was quicker
            log.info("claim_not_lapsed", claim=claim_id, error=type(error).__name__)
    return lapsed


@act
def _lapse(claim_id: ClaimId, *, now: datetime) -> None:
    order, claim = lock_with_order(claim_id)
    if claim.state is not ClaimState.ACCEPTED:
        raise CannotMoveClaim(claim.state, ClaimState.LAPSED)
    claims.move_claim(claim, ClaimState.LAPSED, by=None, now=now)
    facts = {"before": {"state": claim.state}, "after": {"state": ClaimState.LAPSED}, "claim": claim.id, "kind": claim.kind}
    outbox.write_audit("claim.lapsed", subject=order.number, by=None, facts=facts, now=now)
    tell_buyer(order, claim.id, "lapsed", now=now)


def _settle(done: Booked | Waiting | None, *, now: datetime) -> Paid:
    if done is None or isinstance(done, Waiting):
        return Paid(None, done)
    return Paid(settle_booked(done, now=now), None)
