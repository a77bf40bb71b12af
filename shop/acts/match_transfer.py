"""Money that came by bank transfer, once a person has said which order it is for: exact, short, over, twice, late, from another name."""

from dataclasses import dataclass
from datetime import datetime

from shop.acts.confirm_payment import hold_stands, sell
from shop.acts.owe_back import owe_back
from shop.extensions import act
from shop.kit.clock import business_day
from shop.kit.ids import UserId
from shop.ledger import service as ledger
from shop.ledger.models import EntryKind
from shop.ledger.service import BANK, Leg, unallocated
from shop.orders import service as orders
from shop.orders.errors import NoSuchOrder
from shop.orders.service import OrderRow
from shop.orders.states import OrderState, is_paid
from shop.outbox import service as outbox
from shop.payments import service as payments
from shop.payments.errors import LineTaken, NoTransferOrder, OtherName
from shop.payments.service import AttemptRow
from shop.payments.transfer import service as transfers
from shop.payments.transfer.matching import Sum, is_other_name
from shop.payments.transfer.service import LineId


@dataclass(frozen=True)
class Matched:
    """What became of a receipt."""

    sum: Sum
    amount_fen: int
    is_sold: bool
    """Whether the order is paid by now."""
    missing_fen: int
    """What it still wants."""
    owed_fen: int
    """What goes back of this receipt, and of earlier ones with it."""


@act
def match_line(
    line_id: LineId, number: str, *, amount_fen: int | None = None, reason: str = "", by: UserId | None, now: datetime
) -> Matched:
    """A bank line, or `amount_fen` of it, is for this order: booked, and everything that follows from it, once for each line and order.

    All that was asked has come, and the goods are held or can be held again: sold, a surplus is owed back. Too little: it stays unallocated, the
    buyer is told what is missing. Sold already, called off, or the goods are gone: owed back.
    Raises NoSuchLine, NoTransferOrder, LineTaken, or OtherName when it comes from another name and no reason is given.
    """
    try:
        order = orders.lock(number)
    except NoSuchOrder as error:
        raise NoTransferOrder from error
    expected = transfers.find_transfer(number)
    if expected is None:
        raise NoTransferOrder
    attempt = payments.lock_attempt(expected.payment_id)
    line = transfers.lock_line(line_id)
    if known_fen := transfers.find_receipt(line_id, attempt.id):  # pressed twice
        return _as_it_stands(order, attempt, known_fen)
    if line.set_aside_at is not None:
        raise LineTaken(0)
    if not reason and is_other_name(line.payer_name, (expected.payer_name,)):
        raise OtherName
    received_fen = line.left_fen if amount_fen is None else amount_fen
    before_fen = attempt.received_fen
    attempt = transfers.record_receipt(line, attempt, received_fen, reason=reason, by=by, now=now)
    ledger.post(
        EntryKind.RECEIPT,
        [Leg(BANK, received_fen), Leg(unallocated(transfers.PROVIDER), -received_fen)],
        once=f"receipt:transfer:{line_id}:{attempt.id}",
        subject=number,
        on=business_day(now),
        now=now,
    )
    facts = {"amount_fen": received_fen, "line": line_id} | ({"reason": reason[:120]} if reason else {})
    orders.add_event(order.id, "transfer_received", facts, by=by, now=now)
    figures: dict[str, object] = {"before": {"received_fen": before_fen}, "after": {"received_fen": attempt.received_fen}}
    outbox.write_audit("transfer.matched", subject=number, by=by, facts=figures | facts, now=now)
    return _follow(order, attempt, received_fen, line_id, now=now)


def _follow(order: OrderRow, attempt: AttemptRow, received_fen: int, line_id: LineId, *, now: datetime) -> Matched:
    at_hand_fen = attempt.received_fen - attempt.refunded_fen
    if is_paid(order.state):
        return _send_back(order, attempt, received_fen, Sum.TWICE, f"twice:{attempt.id}:{line_id}", "twice", now=now)
    if order.state is OrderState.CANCELLED:
        return _send_back(order, attempt, at_hand_fen, Sum.TWICE, f"cancelled:{attempt.id}:{line_id}", "cancelled", now=now)
    if at_hand_fen < attempt.amount_fen:
        if order.state is OrderState.LAPSED:
            return _send_back(order, attempt, at_hand_fen, Sum.SHORT, f"late:{attempt.id}:{line_id}", "late", now=now)
        missing_fen = attempt.amount_fen - at_hand_fen
        _tell_what_is_missing(order, line_id, received_fen, missing_fen, now=now)
        return Matched(Sum.SHORT, received_fen, False, missing_fen, 0)
    if not hold_stands(order, now=now):
        transfers.record_complete(attempt.id, now=now)
        return _send_back(order, attempt, at_hand_fen, Sum.TWICE, f"giveback:{attempt.once}", "goods_gone", now=now)
    transfers.record_complete(attempt.id, now=now)
    sell(order, attempt.amount_fen, paid_into=unallocated(transfers.PROVIDER), now=now)
    surplus_fen = at_hand_fen - attempt.amount_fen
    if surplus_fen:
        owe_back(order, attempt, surplus_fen, once=f"surplus:{attempt.id}:{line_id}", reason="surplus", now=now)
    return Matched(Sum.OVER if surplus_fen else Sum.EXACT, received_fen, True, 0, surplus_fen)


def _send_back(order: OrderRow, attempt: AttemptRow, fen: int, how: Sum, once: str, reason: str, *, now: datetime) -> Matched:
    owe_back(order, attempt, fen, once=once, reason=reason, now=now)
    return Matched(how, fen, is_paid(order.state), 0, fen)


def _as_it_stands(order: OrderRow, attempt: AttemptRow, received_fen: int) -> Matched:
    at_hand_fen = attempt.received_fen - attempt.refunded_fen
    missing_fen = max(0, attempt.amount_fen - at_hand_fen) if order.state is OrderState.AWAITING_PAYMENT else 0
    return Matched(Sum.SHORT if missing_fen else Sum.EXACT, received_fen, is_paid(order.state), missing_fen, 0)


def _tell_what_is_missing(order: OrderRow, line_id: LineId, received_fen: int, missing_fen: int, *, now: datetime) -> None:
    outbox.write_letter(
        "transfer_short",
        once=f"transfer_short:{order.number}:{line_id}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"number": order.number, "key": order.key, "received_fen": received_fen, "missing_fen": missing_fen},
        now=now,
    )
