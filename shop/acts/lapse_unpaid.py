"""Letting go of orders that were not paid in time, and calling one off before it is paid."""

from datetime import datetime

import structlog

from shop.acts.confirm_payment import check_payment
from shop.acts.expect_transfer import write_about_transfer
from shop.acts.owe_back import owe_back
from shop.extensions import act, end_reading
from shop.kit.errors import ShopError
from shop.kit.ids import UserId
from shop.offers import service as vouchers
from shop.orders import service as orders
from shop.orders.errors import CannotMove
from shop.orders.service import OrderRow
from shop.orders.states import UNREACHABLE_TIME, OrderState
from shop.payments import service as payments
from shop.payments.errors import ProviderUnavailable
from shop.payments.models import PaymentState
from shop.payments.transfer import service as transfers
from shop.shipping import service as shipping
from shop.shipping.states import ShipmentState
from shop.stock import holding as stock

log = structlog.get_logger()


def lapse_unpaid(*, now: datetime) -> int:
    """Sweep. Release what is held for orders past their time; how many lapsed.

    Before releasing, each open session is expired at the provider and its answer read: paid in the last second is paid. While the
    provider cannot be asked, goods are kept up to 60 minutes longer (DESIGN §3).
    """
    lapsed = 0
    for number in orders.due_to_lapse(now=now):
        try:
            lapsed += _lapse_one(number, now=now)
        except ShopError as error:  # one order's trouble keeps no other waiting
            log.warning("lapse_failed", order=number, error=type(error).__name__)
    end_reading()
    return lapsed


def _lapse_one(number: str, *, now: datetime) -> bool:
    try:
        _close_pages(number, now=now)
    except ProviderUnavailable:
        hold_until = orders.get(number).hold_until
        end_reading()
        if hold_until is not None and now < hold_until + UNREACHABLE_TIME:
            return False
    return _let_go(number, OrderState.LAPSED, by=None, now=now)


def cancel_order(number: str, *, by: UserId | None, now: datetime) -> None:
    """Course. Call off an order that is not paid, after its payment page was closed.

    Raises CannotMove when it turns out to be paid, or is not waiting; ProviderUnavailable, and nothing has changed then.
    """
    _close_pages(number, now=now)
    if not _let_go(number, OrderState.CANCELLED, by=by, now=now):
        state = orders.get(number).state
        end_reading()
        raise CannotMove(state.value, OrderState.CANCELLED.value)


def _close_pages(number: str, *, now: datetime) -> None:
    attempts = payments.attempts_for(number)
    end_reading()
    for attempt in attempts:
        if attempt.state in (PaymentState.STARTING, PaymentState.OPEN):
            check_payment(attempt, now=now, expire=True)


@act
def _let_go(number: str, state: OrderState, *, by: UserId | None, now: datetime) -> bool:
    order = orders.lock(number)
    if order.state is not OrderState.AWAITING_PAYMENT:
        return False
    if state is OrderState.LAPSED and order.hold_until is not None and order.hold_until > now:
        return False  # another attempt has extended the hold meanwhile
    if order.discount_fen:  # vouchers before stock, as when the order was placed
        vouchers.give_back(order.id, now=now)
    lines = orders.lines_of(order.id)
    stock.release([line.id for line in lines], by=by, reason=state.value, now=now)
    if state is OrderState.CANCELLED:  # a lapsed order's money may still come, and then its parcels go
        shipping.move_all(order.id, ShipmentState.WAITING, ShipmentState.CANCELLED)
    orders.move(order, state, by=by, facts={}, now=now)
    _end_transfer(order, state, now=now)
    return True


def _end_transfer(order: OrderRow, state: OrderState, *, now: datetime) -> None:
    """What came of a transfer, though not enough, is owed back; whoever waited too long is told."""
    transfer = transfers.find_transfer(order.number)
    if transfer is None:
        return
    attempt = payments.lock_attempt(transfer.payment_id)
    came_fen = attempt.received_fen - attempt.refunded_fen
    if came_fen:
        reason = "late" if state is OrderState.LAPSED else "cancelled"
        owe_back(order, attempt, came_fen, once=f"{state.value}:{attempt.id}", reason=reason, now=now)
    if state is OrderState.LAPSED:
        write_about_transfer(order, "transfer_lapsed", now=now)
