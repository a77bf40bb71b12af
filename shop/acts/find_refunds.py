"""Refunds made at the provider's own dashboard, past the shop: found in its list, booked by amount, once, whoever refunds at the same moment.

A refund of ours is known by its key, which the provider keeps with it, or by the provider's own name once we have heard it.

One that no order can take, because less is left of it or it is in no state to be refunded, is tried for `PATIENCE`. Then its sum stands in suspense
beside the movement by which it left the provider's balance, staff say what becomes of it (shop/acts/clear_suspense.py), and it is not tried again.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from shop.acts.refund_order import RefundWanted, book_return
from shop.acts.settle_refund import settle_refund
from shop.acts.start_payment import ONLINE_PROVIDER
from shop.extensions import act, end_reading, trying
from shop.kit.clock import business_day
from shop.kit.ids import LineId, PaymentId, RefundId
from shop.ledger import service as ledger
from shop.ledger.models import EntryKind
from shop.ledger.service import Leg, clearing, suspense, unallocated
from shop.orders import service as orders
from shop.orders.errors import CannotMove, NothingToRefund, RefundTooLarge
from shop.orders.service import OrderRow
from shop.orders.states import is_paid
from shop.outbox import service as outbox
from shop.payments import account
from shop.payments import service as payments
from shop.payments.errors import ProviderRefused, ProviderUnavailable, RefundAboveReceived
from shop.payments.models import PaymentState, RefundState
from shop.payments.provider import RefundSeen
from shop.payments.registry import provider_named
from shop.payments.service import AttemptRow

log = structlog.get_logger()

FIRST_LOOK_BACK = timedelta(days=30)
"""How far the first look of a new shop goes back."""
PATIENCE = timedelta(hours=2)
"""How long a refund that cannot be booked is tried: a refund of ours that stands in its way is refused, and booked back, by then."""
OVERLAP = timedelta(hours=1)
"""How much of the list is read again each time: clocks differ, and a refund may be listed late."""


def find_refunds_made_elsewhere(*, now: datetime) -> int:
    """Sweep. Read the provider's list of refunds since the last look; how many were booked.

    One that cannot be booked yet (its payment is not known to be paid, or a refund of ours that the provider will refuse stands in its way) is
    looked at again: the next look begins with it, until it is put before staff. Without an answer, the next look begins where this one would have.
    """
    since = payments.looked_until(ONLINE_PROVIDER, "refunds") or now - FIRST_LOOK_BACK
    end_reading()
    try:
        seen = provider_named(ONLINE_PROVIDER).list_refunds(since=since - OVERLAP)
    except (ProviderUnavailable, ProviderRefused) as trouble:
        log.warning("looking_for_refunds_failed", error=type(trouble).__name__)
        return 0
    booked, waiting = _book_each(seen, now=now)
    payments.record_look(ONLINE_PROVIDER, "refunds", min([now, *(refund.made_at for refund in waiting)]))
    return booked


def look_at_refunds_of(payment_id: PaymentId, *, now: datetime) -> int:
    """Course. The same for one payment, of which the provider has just said that something went back; how many were booked.

    Raises ProviderUnavailable or ProviderRefused.
    """
    attempt = payments.get_attempt(payment_id)
    end_reading()
    if attempt.intent_id is None:
        return 0
    return _book_each(provider_named(attempt.provider).list_refunds(intent_id=attempt.intent_id), now=now)[0]


def _book_each(seen: Iterable[RefundSeen], *, now: datetime) -> tuple[int, list[RefundSeen]]:
    booked, waiting = 0, []
    seen = list(seen)
    given_up = account.refunds_in_suspense(ONLINE_PROVIDER, [refund.provider_id for refund in seen])
    end_reading()
    for refund in seen:
        attempt = payments.find_by_intent(ONLINE_PROVIDER, refund.intent_id)
        known = payments.known_refunds(attempt.id) if attempt else []
        end_reading()
        if (
            attempt is None
            or refund.state is RefundState.FAILED
            or refund.provider_id in given_up
            or any(refund.once == row.once or refund.provider_id == row.provider_id for row in known)
        ):
            continue  # not this shop's, no money moved, before staff, or ours
        refund_id = _book(attempt.id, refund, now=now)
        if refund_id is None and now - refund.made_at >= PATIENCE and _put_before_staff(attempt.id, refund, now=now):
            continue
        if refund_id is None:
            log.warning("refund_made_elsewhere_waits", order=attempt.reference, refund=refund.provider_id)
            waiting.append(refund)
            continue
        settle_refund(refund_id, now=now)
        booked += 1
    return booked, waiting


@act
def _book(payment_id: PaymentId, refund: RefundSeen, *, now: datetime) -> RefundId | None:
    """Write it down and book it; None when that cannot be yet."""
    order = orders.lock(payments.get_attempt(payment_id).reference)
    attempt = payments.lock_attempt(payment_id)
    once = f"provider:{refund.provider_id}"[:80]
    if known := payments.find_refund_known_as(attempt.provider, refund.provider_id):
        return known
    if not attempt.is_settled or refund.currency != attempt.received_currency:
        return None
    try:
        with trying():
            refund_id = payments.record_refund(attempt.id, refund.amount_fen, once=once, reason="made_at_provider", now=now)
            return_id = _book_amount(order, attempt, refund.amount_fen, once=once, now=now)
    except (RefundAboveReceived, RefundTooLarge, NothingToRefund, CannotMove):
        return None
    payments.name_refund(refund_id, refund.provider_id, now=now)
    facts = {"amount_fen": refund.amount_fen, "refund": refund.provider_id}
    orders.add_event(order.id, "refund_found", facts, by=None, now=now)
    if return_id is not None:
        outbox.write_letter(
            "refund_made",
            once=f"refund_made:{return_id}",
            subject=order.number,
            locale=order.locale,
            to_email=order.email,
            to_phone=order.phone,
            facts={"number": order.number, "key": order.key, "return_id": return_id, "total_fen": refund.amount_fen},
            now=now,
        )
    return refund_id


@act
def _put_before_staff(payment_id: PaymentId, refund: RefundSeen, *, now: datetime) -> bool:
    """What no order can take is nobody's village: suspense, until somebody says what it is. Whether it could be put there.

    Not yet when the money itself has not been heard of, or the provider's account has not told of the refund.
    """
    order = orders.lock(payments.get_attempt(payment_id).reference)
    attempt = payments.lock_attempt(payment_id)
    movement_id = account.find_movement_of_refund(attempt.provider, refund.provider_id)
    if not attempt.is_settled or movement_id is None:
        return False
    if account.refunds_in_suspense(attempt.provider, [refund.provider_id]):  # somebody was quicker
        return True
    ledger.post(
        EntryKind.SUSPENSE,
        [
            Leg(suspense(attempt.provider), refund.amount_fen, refund.currency),
            Leg(clearing(attempt.provider), -refund.amount_fen, refund.currency),
        ],
        once=f"refund_unbooked:{refund.provider_id}"[:80],
        subject=order.number,
        on=business_day(now),
        now=now,
    )
    account.open_suspense(attempt.provider, refund.amount_fen, refund.currency, balance_id=movement_id, now=now)
    facts = {"amount_fen": refund.amount_fen, "refund": refund.provider_id}
    orders.add_event(order.id, "refund_unbooked", facts, by=None, now=now)
    return True


def _book_amount(order: OrderRow, attempt: AttemptRow, amount_fen: int, *, once: str, now: datetime) -> int | None:
    """Out of the villages, by amount; the return's id. None when the money was in no sale: of a mismatch, or of a payment that goes back whole."""
    today = business_day(now)
    if attempt.state is PaymentState.MISMATCH:
        return None
    if not is_paid(order.state) or payments.find_refund(f"giveback:{attempt.once}") is not None:
        legs = [Leg(unallocated(attempt.provider), amount_fen), Leg(clearing(attempt.provider), -amount_fen)]
        ledger.post(EntryKind.RECEIPT_RETURNED, legs, once=once, subject=order.number, on=today, now=now)
        return None
    wanted = _latest_first(order, amount_fen)
    return_id, _total = book_return(order, wanted, paid_from=clearing(attempt.provider), once=once, by=None, on=today, now=now)
    return return_id


def _latest_first(order: OrderRow, amount_fen: int) -> RefundWanted:
    """Over what is left of the lines, the last first; of the shipping when nothing is left of them. Raises RefundTooLarge."""
    left: dict[LineId, int] = {}
    for pick in ledger.booked_picks(order.id).values():
        left[pick.line_id] = left.get(pick.line_id, 0) + pick.fen - pick.refunded_fen
    amounts: dict[LineId, int] = {}
    rest_fen = amount_fen
    for line in reversed(orders.lines_of(order.id)):
        if fen := min(rest_fen, left.get(line.id, 0)):
            amounts[line.id] = fen
            rest_fen -= fen
    if rest_fen > order.shipping_fen - order.refunded_shipping_fen:
        raise RefundTooLarge(amount_fen, amount_fen - rest_fen + order.shipping_fen - order.refunded_shipping_fen)
    reason = "Refunded at the payment provider" if order.locale == "en" else "平台在支付方后台退款"
    return RefundWanted(amounts=amounts, shipping_fen=rest_fen, reason=reason)
