"""Looking into what a provider told us. An event is a hint: the object is fetched anew, and what is true of it now takes effect, once."""

from datetime import datetime

import structlog

from shop.acts.confirm_payment import check_payment
from shop.acts.find_refunds import find_refunds_made_elsewhere, look_at_refunds_of
from shop.acts.settle_dispute import settle_dispute
from shop.acts.settle_payout import settle_payout
from shop.acts.settle_refund import settle_refund
from shop.acts.start_payment import ONLINE_PROVIDER
from shop.extensions import end_reading
from shop.kit.errors import ShopError
from shop.kit.ids import RefundId
from shop.payments import service as payments
from shop.payments.errors import ProviderRefused
from shop.payments.service import AttemptRow, EventRow

log = structlog.get_logger()


def handle_event(event: EventRow, *, now: datetime) -> bool:
    """Course. Let a kept event have its effect; whether it is done with. Never raises: what fails is tried again by the sweep.

    Told twice, late or out of order, it ends in the same books, since nothing but the object's present state is believed.
    """
    if event.is_done:
        return True
    try:
        if not _look_into(event, now=now):
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


def _look_into(event: EventRow, *, now: datetime) -> bool:
    """Ask about whichever of our attempts, refunds or disputes the object is. Not ours, or not known yet: the sweeps ask about all that is open.

    Whether the event is done with already, along with its effect.
    """
    if event.object_id is None:
        return False
    if event.kind.startswith(("charge.dispute.", "payout.")):
        _look_at_the_account(event, event.object_id, now=now)
        return False
    attempt = payments.find_by_session(event.provider, event.object_id) or payments.find_by_intent(event.provider, event.object_id)
    refund_id = None if attempt else payments.find_refund_known_as(event.provider, event.object_id)  # no object is both
    is_of_refunds = event.kind.startswith(("charge.refund", "refund."))
    end_reading()
    try:
        if attempt is not None and check_payment(attempt, now=now, event_id=None if is_of_refunds else event.id).is_event_done:
            return True
        if refund_id is not None:
            settle_refund(refund_id, now=now)
        if is_of_refunds:
            _look_at_refunds(event, attempt, refund_id, now=now)
    except ProviderRefused as refusal:  # a clear answer, and asking again would get the same
        log.warning("event_refused", event_id=event.id, kind=event.kind, code=refusal.code)
    return False


def _look_at_the_account(event: EventRow, object_id: str, *, now: datetime) -> None:
    """Disputes and payouts are known by their own names. One that the provider does not know was never ours."""
    end_reading()
    try:
        if event.kind.startswith("payout."):
            settle_payout(event.provider, object_id, now=now)
        else:
            settle_dispute(event.provider, object_id, now=now)
    except ProviderRefused as refusal:
        log.warning("event_refused", event_id=event.id, kind=event.kind, code=refusal.code)


def _look_at_refunds(event: EventRow, attempt: AttemptRow | None, refund_id: RefundId | None, *, now: datetime) -> None:
    """Something went back, perhaps at the provider's own dashboard. A refund that we do not know says no more than its name: read the list."""
    if attempt is not None:
        look_at_refunds_of(attempt.id, now=now)
    elif refund_id is None and event.provider == ONLINE_PROVIDER:
        find_refunds_made_elsewhere(now=now)


def _put_off(event: EventRow, trouble: str, *, now: datetime) -> None:
    try:
        payments.event_failed(event.id, trouble, now=now)
    except Exception as error:  # a busy database: the event is due again two minutes after it was kept
        log.warning("event_not_put_off", event_id=event.id, exc_info=error)
