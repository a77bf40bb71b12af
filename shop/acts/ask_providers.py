"""Asking providers about every payment and refund that is not final, so that webhooks lost for days lose nothing (DESIGN §5)."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

import structlog

from shop.acts.confirm_payment import check_payment
from shop.acts.settle_refund import settle_refund
from shop.extensions import end_reading
from shop.kit.errors import ShopError
from shop.payments import service as payments
from shop.payments.errors import ProviderUnavailable

log = structlog.get_logger()

Id = TypeVar("Id", bound=int)

_PATIENCE = 3
"""After so many requests without an answer the rest waits for the next round, or one sweep would sit through fifty silences."""


def ask_about_payments(*, now: datetime) -> int:
    """Sweep. Ask what became of the attempts whose time to be asked about has come; how many answers came.

    An attempt without an answer is asked about again after a pause that doubles.
    """
    due = payments.due_checks(now=now)
    end_reading()
    return _ask_each(
        due,
        lambda payment_id: check_payment(payments.get_attempt(payment_id), now=now),
        put_off=lambda payment_id, _trouble: payments.schedule_next_check(payment_id, now=now),
    )


def ask_about_refunds(*, now: datetime) -> int:
    """Sweep. Ask again for refunds that were not clearly taken on, and what became of the others; how many were asked about.

    One without an answer is asked about again after a pause that doubles.
    """
    due = payments.due_refunds(now=now)
    end_reading()
    return _ask_each(
        due,
        lambda refund_id: settle_refund(refund_id, now=now),
        put_off=lambda refund_id, trouble: payments.postpone_refund(refund_id, trouble, now=now),
    )


def _ask_each(ids: Iterable[Id], ask: Callable[[Id], object], *, put_off: Callable[[Id, str], None]) -> int:
    answered = silences = 0
    for row_id in ids:
        try:
            ask(row_id)
            answered += 1
        except Exception as error:  # one row's trouble keeps no other waiting; a mistake of ours shows its trace
            trouble = type(error).__name__
            log.warning("asking_failed", id=row_id, error=trouble, exc_info=None if isinstance(error, ShopError) else error)
            put_off(row_id, trouble)
            silences += isinstance(error, ProviderUnavailable)
            if silences == _PATIENCE:
                break
    return answered
