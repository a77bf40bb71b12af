"""Looking into what a provider told us. An event is a hint: the object is fetched anew, and what is true of it now takes effect, once."""

from datetime import datetime

import structlog

from shop.acts.confirm_payment import check_payment
from shop.acts.settle_refund import settle_refund
from shop.extensions import end_reading
from shop.kit.errors import ShopError
from shop.payments import service as payments
from shop.payments.errors import ProviderRefused
from shop.payments.service import EventRow

log = structlog.get_logger()


def handle_event(event: EventRow, *, now: datetime) -> bool:
    """Course. Let a kept event have its effect; whether it is done with. Never raises: what fails is tried again by the sweep.

    Told twice, late or out of order, it ends in the same books, since nothing but the object's present state is believed.
    """
    if event.is_done:
        return True
    try:
        _look_into(event, now=now)
        payments.event_done(event.id, now=now)
    except Exception as error:  # kept events wait for the sweep whatever went wrong; the trace is in the log
        expected = isinstance(error, ShopError)
        log.warning("event_failed", event_id=event.id, kind=event.kind, error=type(error).__name__, exc_info=None if expected else error)
        _put_off(event, type(error).__name__, now=now)
        return False
    return True


def handle_due_events(*, now: datetime) -> int:
    """Sweep. Look into events that still wait for their effect; how many are done with."""
    due = payments.due_events(now=now)
    end_reading()
    return sum(handle_event(event, now=now) for event in due)


def _look_into(event: EventRow, *, now: datetime) -> None:
    """Ask about whichever of our attempts or refunds the object is. Not ours, or not known yet: the sweeps ask about all that is open."""
    if event.object_id is None:
        return
    attempt = payments.find_by_session(event.provider, event.object_id) or payments.find_by_intent(event.provider, event.object_id)
    refund_id = None if attempt else payments.find_refund_known_as(event.provider, event.object_id)  # no object is both
    end_reading()
    try:
        if attempt is not None:
            check_payment(attempt.id, now=now)
        if refund_id is not None:
            settle_refund(refund_id, now=now)
    except ProviderRefused as refusal:  # a clear answer, and asking again would get the same
        log.warning("event_refused", event_id=event.id, kind=event.kind, code=refusal.code)


def _put_off(event: EventRow, trouble: str, *, now: datetime) -> None:
    try:
        payments.event_failed(event.id, trouble, now=now)
    except Exception as error:  # a busy database: the event is due again two minutes after it was kept
        log.warning("event_not_put_off", event_id=event.id, exc_info=error)
