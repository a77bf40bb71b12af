"""Sending the buyer to the provider's page: record, ask the provider outside any transaction, record the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from config import Config
from shop.extensions import act, end_reading
from shop.kit.ids import PaymentId
from shop.orders import service as orders
from shop.orders.errors import CannotPay
from shop.orders.service import LineRow, OrderRow
from shop.orders.states import HOLD_AFTER_SESSION, HOLD_EXTENSIONS, SESSION_TIME, OrderState
from shop.payments import service as payments
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import PaymentState
from shop.payments.provider import Asked, AskedLine, Opened, OutcomeKind
from shop.payments.registry import provider_named
from shop.payments.service import AttemptRow
from shop.payments.transfer.service import PROVIDER

ONLINE_PROVIDER = "stripe"


@dataclass(frozen=True)
class Started:
    """Where the buyer pays."""

    pay_url: str | None
    """None: by bank transfer, and the order's own page says where to."""


@dataclass(frozen=True)
class FirstAttempt:
    """An attempt that was recorded in the same act as its order, and what to ask the provider for it."""

    attempt: AttemptRow
    asked: Asked


FIRST_ATTEMPT: dict[str, dict[str, object]] = {"payment_started": {"attempt": 1}}
"""The event of it, which `place_order` writes along with its own."""


def record_first_attempt(order: OrderRow, lines: Sequence[LineRow], hidden_methods: Sequence[str], *, now: datetime) -> FirstAttempt:
    """Step. The first attempt of an order that this very act has drawn up, so that nobody else can know it yet, and that is held long enough."""
    return FirstAttempt(*_begin_attempt(order, lines, 1, ",".join(sorted(hidden_methods)), now=now))


def start_first(first: FirstAttempt) -> Started:
    """Course. Open the payment page of an order just placed. Raises ProviderUnavailable or ProviderRefused; `start_payment` tries again."""
    return Started(open_session(first.attempt, first.asked).pay_url)


def start_payment(number: str, *, now: datetime, hidden_methods: Sequence[str] = ()) -> Started:
    """Course. Open a payment page for an order that waits for money, or find the one that is open.

    `hidden_methods` cannot work in the buyer's browser (alipay, wechat_pay). A page that was opened for another kind of browser is closed first,
    so that there is never more than one. Raises CannotPay; ProviderUnavailable or ProviderRefused, and then the order goes on waiting and the
    buyer can try again.
    """
    hidden = ",".join(sorted(hidden_methods))
    attempt, asked = _record_attempt(number, hidden, now=now)
    if attempt.provider == PROVIDER:
        return Started(None)
    if attempt.hidden_methods != hidden and attempt.session_id is not None:
        _close_page(attempt, now=now)
        attempt, asked = _record_attempt(number, hidden, now=now)
    if attempt.state is PaymentState.OPEN and attempt.pay_url:
        return Started(attempt.pay_url)
    return Started(open_session(attempt, asked).pay_url)


def _close_page(attempt: AttemptRow, *, now: datetime) -> None:
    """Course. Nobody can pay on it any more. Raises CannotPay when somebody has: whoever looks at the order next sees it paid."""
    assert attempt.session_id is not None
    outcome = provider_named(attempt.provider).expire(attempt.session_id)
    if outcome.kind is OutcomeKind.PAID:
        raise CannotPay(OrderState.PAID.value)
    _record_closed(attempt.id, now=now)


@act
def _record_closed(payment_id: PaymentId, *, now: datetime) -> None:
    payments.record_expired(payments.lock_attempt(payment_id), now=now)


@act
def _record_attempt(number: str, hidden_methods: str, *, now: datetime) -> tuple[AttemptRow, Asked]:
    """One live attempt per order, and what to ask the provider for it.

    Each new one extends the hold to its session's end and four minutes, at most twice (DESIGN §3).
    """
    order = orders.lock(number)
    if order.state is not OrderState.AWAITING_PAYMENT or order.hold_until is None or order.hold_until <= now:
        raise CannotPay(order.state.value)
    attempts = payments.attempts_for(number)
    if attempts and (last := attempts[-1]).state in (PaymentState.STARTING, PaymentState.OPEN) and last.expires_at > now:
        return last, what_to_ask(order, last, orders.lines_of(order.id))
    if len(attempts) > HOLD_EXTENSIONS:
        raise CannotPay("too_many_attempts")
    return record_attempt(order, orders.lines_of(order.id), len(attempts) + 1, hidden_methods, now=now)


def record_attempt(
    order: OrderRow, lines: Sequence[LineRow], place: int, hidden_methods: str, *, now: datetime
) -> tuple[AttemptRow, Asked]:
    """Step. Attempt number `place` of an order, which is locked, and what to ask the provider for it."""
    assert order.hold_until is not None, "an order that waits for payment is held"
    if (hold_until := now + SESSION_TIME + HOLD_AFTER_SESSION) > order.hold_until:  # one placed this moment is held so long already
        orders.extend_hold(order, hold_until)
    orders.add_event(order.id, "payment_started", {"attempt": place}, by=order.buyer_id, now=now)
    return _begin_attempt(order, lines, place, hidden_methods, now=now)


def _begin_attempt(
    order: OrderRow, lines: Sequence[LineRow], place: int, hidden_methods: str, *, now: datetime
) -> tuple[AttemptRow, Asked]:
    attempt = payments.record_attempt(
        order.number,
        place,
        provider=ONLINE_PROVIDER,
        amount_fen=order.total_fen,
        currency="CNY",
        expires_at=now + SESSION_TIME,
        now=now,
        hidden_methods=hidden_methods,
    )
    return attempt, what_to_ask(order, attempt, lines)


def open_session(attempt: AttemptRow, asked: Asked) -> Opened:
    """Course. Ask the provider to start an attempt; asked again with the same key it answers the same.

    Raises ProviderUnavailable: the attempt stands and may be asked again. Raises ProviderRefused: it is over.
    """
    end_reading()
    try:
        opened = provider_named(attempt.provider).start(asked)
    except ProviderRefused as refusal:
        payments.record_not_started(attempt.id, refusal.code)
        raise
    except ProviderUnavailable as trouble:
        payments.record_unclear(attempt.id, str(trouble))
        raise
    payments.record_opened(attempt.id, opened)
    return opened


def what_to_ask(order: OrderRow, attempt: AttemptRow, stored: Sequence[LineRow]) -> Asked:
    """What the provider is asked to start an attempt. Made of stored values alone, so that asking again asks the very same."""
    is_english = order.locale == "en"
    lines = [
        AskedLine(
            f"{line.product_name_en if is_english else line.product_name} {line.pack_en if is_english else line.pack}",
            line.quantity,
            line.net_fen,
        )
        for line in stored
    ]
    if order.shipping_fen:
        lines.append(AskedLine("Shipping" if is_english else "运费", 1, order.shipping_fen))
    config: Config = current_app.config["SHOP"]
    page = f"{config.public_url}/orders/{order.number}?key={order.key}"
    return Asked(
        once=attempt.once,
        reference=order.number,
        amount_fen=attempt.amount_fen,
        currency=attempt.currency,
        lines=lines,
        email=order.email,
        locale=order.locale,
        expires_at=attempt.expires_at,
        success_url=f"{page}&paid=1",
        cancel_url=page,
        hidden_methods=tuple(attempt.hidden_methods.split(",")) if attempt.hidden_methods else (),
    )
