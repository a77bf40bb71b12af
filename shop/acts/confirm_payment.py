"""What becomes of an order when the provider speaks: paid, too late, or another amount. Mirror of `place_order`.

May run twice, late, or at the same moment as `lapse_unpaid`: both lock the order before its lots.
"""

from dataclasses import dataclass
from datetime import datetime

from shop.acts.book_sale import book_sale
from shop.acts.find_refunds import look_at_refunds_of
from shop.acts.place_order import wanted_of
from shop.acts.settle_refund import settle_refund
from shop.acts.start_payment import open_session, what_to_ask
from shop.extensions import act, end_reading, trying
from shop.kit.clock import business_day
from shop.kit.ids import PaymentId, RefundId
from shop.ledger import service as ledger
from shop.ledger.models import EntryKind
from shop.ledger.service import Heading, Leg, clearing, unallocated
from shop.offers import service as vouchers
from shop.offers.errors import VoucherRefused
from shop.orders import service as orders
from shop.orders.service import OrderRow
from shop.orders.states import OrderState
from shop.outbox import service as outbox
from shop.payments import service as payments
from shop.payments.models import PaymentState
from shop.payments.provider import Outcome, OutcomeKind
from shop.payments.registry import provider_named
from shop.payments.service import AttemptRow
from shop.shipping import service as shipping
from shop.shipping.states import ShipmentState
from shop.stock import holding as stock
from shop.stock.errors import NotEnoughStock


def check_order_payments(number: str, *, now: datetime) -> OrderState:
    """Course. Ask the provider about every attempt of an order that money may still come from; then the order's state.

    Raises NoSuchOrder, ProviderUnavailable or ProviderRefused.
    """
    for attempt in payments.attempts_for(number):
        if not attempt.is_settled and attempt.state is not PaymentState.FAILED:
            check_payment(attempt, now=now)
    state = orders.get(number).state
    end_reading()
    return state


@dataclass(frozen=True)
class Confirmed:
    """What became of an attempt when the provider had spoken."""

    state: PaymentState
    refund_id: RefundId | None = None
    """What the course has to send back."""
    is_event_done: bool = False
    """Whether the event that told of it is done with, along with its effect."""


def check_payment(attempt: AttemptRow, *, now: datetime, expire: bool = False, event_id: int | None = None) -> Confirmed:
    """Course. Ask the provider what became of an attempt and let the order follow; with `expire`, close its page first.

    `attempt` is as the caller has read it: whether it is settled meanwhile is seen once it is locked. `event_id`: the kept event that told of
    it (see `confirm_payment`). Raises ProviderUnavailable when no clear answer came, and nothing has changed then. Raises ProviderRefused.
    """
    end_reading()
    if attempt.is_settled or attempt.state is PaymentState.FAILED:
        return Confirmed(attempt.state)
    session_id = attempt.session_id or _open_again(attempt)
    provider = provider_named(attempt.provider)
    outcome = provider.expire(session_id) if expire else provider.outcome(session_id)
    confirmed = confirm_payment(attempt.id, outcome, number=attempt.reference, now=now, event_id=event_id)
    if confirmed.refund_id is not None:
        settle_refund(confirmed.refund_id, now=now)
    elif outcome.refunded_fen:  # by a colleague in the provider's dashboard, before we had heard of the payment
        look_at_refunds_of(attempt.id, now=now)
    if outcome.kind is not OutcomeKind.PAID:
        payments.schedule_next_check(attempt.id, now=now)
    return confirmed


def _open_again(attempt: AttemptRow) -> str:
    """The session of an attempt that we asked for and then stopped before writing the answer down."""
    order = orders.get(attempt.reference)
    return open_session(attempt, what_to_ask(order, attempt, orders.lines_of(order.id))).session_id


@act
def confirm_payment(payment_id: PaymentId, outcome: Outcome, *, number: str, now: datetime, event_id: int | None = None) -> Confirmed:
    """Record the provider's word on an attempt for the order `number`, and everything that follows from it, once.

    Paid as asked, and the goods are held or can be held again: the order is sold and booked. Paid, but the goods are gone or the order
    was paid or called off already: the money is booked as unallocated and a refund recorded, whose id is returned for the course to send.
    Another amount or currency: recorded as a mismatch for staff; nothing moves. When nothing is left for the course to do, the event
    `event_id`, which told of it, is done with in the same transaction.
    """
    order = orders.lock(number)
    attempt = payments.lock_attempt(payment_id)
    assert attempt.reference == number, "an attempt is confirmed under the lock of its own order"
    if attempt.is_settled or outcome.kind is OutcomeKind.OPEN:
        return Confirmed(attempt.state)
    if outcome.kind is OutcomeKind.EXPIRED:
        return Confirmed(payments.record_expired(attempt, now=now))
    if (outcome.received_fen, outcome.currency) != (attempt.amount_fen, attempt.currency):
        payments.record_paid(attempt, outcome, state=PaymentState.MISMATCH, now=now)
        facts = {"asked_fen": attempt.amount_fen, "received_fen": outcome.received_fen, "currency": outcome.currency}
        orders.add_event(order.id, "payment_mismatch", facts, by=None, now=now)
        return Confirmed(PaymentState.MISMATCH)
    payments.record_paid(attempt, outcome, state=PaymentState.PAID, now=now)
    if hold_stands(order, now=now):
        sell(order, attempt.amount_fen, paid_into=clearing(attempt.provider), now=now)
        if event_id is None or outcome.refunded_fen:  # what went back elsewhere is still to be looked at
            return Confirmed(PaymentState.PAID)
        payments.settle_event(event_id, now=now)
        return Confirmed(PaymentState.PAID, is_event_done=True)
    return Confirmed(PaymentState.PAID, _give_back(order, attempt, now=now))


def hold_stands(order: OrderRow, *, now: datetime) -> bool:
    """Step. Whether the order's goods are held for it, or can be held again now that its time is over, and its vouchers used again."""
    if order.state is OrderState.AWAITING_PAYMENT:
        return True
    if order.state is not OrderState.LAPSED:
        return False
    try:
        with trying():
            if order.discount_fen:
                vouchers.take_again(order.id)
            stock.hold_all(wanted_of(orders.lines_of(order.id)), today=business_day(now), by=None, now=now)
    except (NotEnoughStock, VoucherRefused):
        return False
    return True


def sell(order: OrderRow, amount_fen: int, *, paid_into: Heading, now: datetime) -> None:
    """Step. The order is paid: booked, its parcels wait to be packed, the buyer is written to."""
    today = business_day(now)
    book_sale(order, orders.lines_of(order.id), paid_into=paid_into, on=today, by=None, now=now)
    shipping.move_all(order.id, ShipmentState.WAITING, ShipmentState.TO_PACK)
    orders.move(order, OrderState.PAID, by=None, facts={"amount_fen": amount_fen}, now=now, sold_on=today)
    _write(order, "order_paid", now=now)


def _give_back(order: OrderRow, attempt: AttemptRow, *, now: datetime) -> RefundId:
    today, provider = business_day(now), attempt.provider
    received = [Leg(clearing(provider), attempt.amount_fen), Leg(unallocated(provider), -attempt.amount_fen)]
    once = f"giveback:{attempt.once}"
    ledger.post(EntryKind.RECEIPT, received, once=f"receipt:{attempt.once}", subject=order.number, on=today, now=now)
    returned = [Leg(leg.heading, -leg.amount_fen) for leg in received]
    ledger.post(EntryKind.RECEIPT_RETURNED, returned, once=once, subject=order.number, on=today, now=now)
    orders.add_event(order.id, "payment_returned", {"amount_fen": attempt.amount_fen, "state": order.state.value}, by=None, now=now)
    _write(order, "payment_returned", now=now, which=str(attempt.attempt))
    return payments.record_refund(attempt.id, attempt.amount_fen, once=once, reason="goods_gone", now=now)


def _write(order: OrderRow, kind: str, *, now: datetime, which: str = "") -> None:
    outbox.write_letter(
        kind,
        once=f"{kind}:{order.number}{which and ':'}{which}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"number": order.number, "key": order.key},
        now=now,
    )
