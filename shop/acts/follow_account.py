"""Following the account that a provider keeps for us: its movements, payouts, disputes, and what it could not tell us.

Each list is looked through in slices of a day, from where the last look ended, so that a shop that slept for weeks catches up round by round.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from shop.acts.book_movements import book_movements
from shop.acts.handle_event import handle_event
from shop.acts.settle_dispute import follow_dispute, settle_dispute
from shop.acts.settle_payout import follow_payout
from shop.extensions import end_reading
from shop.kit.errors import ShopError
from shop.payments import account
from shop.payments import service as payments
from shop.payments.account import PAYOUTS_MAY_FAIL_FOR
from shop.payments.errors import ProviderUnavailable
from shop.payments.provider import KeepsAccount, Told
from shop.payments.registry import account_keepers

log = structlog.get_logger()

SLICE = timedelta(days=1)
MOST_SLICES = 14
"""As many as one round looks through; the next goes on from there."""
OVERLAP = timedelta(hours=2)
"""So much is looked through again each time: clocks differ, and a provider may list something late."""
EVENTS_KEPT_FOR = timedelta(days=30)
"""Stripe's own list of events reaches back no further (docs.stripe.com/api/events)."""
EVENTS_RETRIED_FOR = timedelta(days=3)
"""So long Stripe goes on trying by itself (docs.stripe.com/webhooks), and an event may come to be undelivered."""


def follow_movements(*, now: datetime) -> int:
    """Sweep. Store and book every movement since the last look; how many were new."""

    def look(keeper: KeepsAccount, since: datetime, until: datetime) -> int:
        return book_movements(keeper.name, keeper.movements(since, until), now=now)

    return _look_through("movements", look, overlap=OVERLAP, now=now)


def follow_payouts(*, now: datetime) -> int:
    """Sweep. Store payouts, book their movements, and count what they took along; how many were looked at.

    A payout that arrived may still come back, so the last ten days are looked through each time.
    """

    def look(keeper: KeepsAccount, since: datetime, until: datetime) -> int:
        words = keeper.payouts(since, until)
        for word in words:
            follow_payout(keeper.name, word, now=now)
        return len(words)

    return _look_through("payouts", look, overlap=PAYOUTS_MAY_FAIL_FOR, now=now)


def follow_disputes(*, now: datetime) -> int:
    """Sweep. Ask about disputes that are not decided, after pauses that double, and look for those that nobody told us of."""
    asked = 0
    for dispute in account.due_disputes(now=now):
        end_reading()
        try:
            settle_dispute(dispute.provider, dispute.provider_id, now=now)
            asked += 1
        except Exception as error:  # one dispute's trouble keeps no other waiting; a mistake of ours shows its trace
            log.warning(
                "dispute_failed", id=dispute.id, error=type(error).__name__, exc_info=None if isinstance(error, ShopError) else error
            )
            account.postpone_dispute(dispute.id, now=now)
            if isinstance(error, ProviderUnavailable):
                return asked

    def look(keeper: KeepsAccount, since: datetime, until: datetime) -> int:
        words = keeper.disputes(since, until)
        for word in words:
            follow_dispute(keeper.name, word, now=now)
        return len(words)

    return asked + _look_through("disputes", look, overlap=OVERLAP, now=now)


def fetch_undelivered_events(*, now: datetime) -> int:
    """Sweep. Keep and look into what a provider could not tell us; how many events were new. Thirty days back at most."""

    def look(keeper: KeepsAccount, since: datetime, until: datetime) -> int:
        return _keep_and_handle(keeper.name, keeper.undelivered_events(since, until), now=now)

    return _look_through("events", look, overlap=EVENTS_RETRIED_FOR, at_most=EVENTS_KEPT_FOR, now=now)


def _keep_and_handle(provider: str, told: Sequence[Told], *, now: datetime) -> int:
    new = 0
    for start in range(0, len(told), 500):
        some = told[start : start + 500]
        kept = account.kept_events(provider, [event.event_id for event in some])
        end_reading()
        for event in some:
            if event.event_id in kept:
                continue  # done, or the sweep of events has it
            row = payments.keep_event(
                provider=provider,
                event_id=event.event_id,
                kind=event.kind,
                object_id=event.object_id,
                happened_at=event.happened_at,
                now=now,
            )
            handle_event(row, now=now)
            new += 1
    return new


def _look_through(
    kind: str,
    look: Callable[[KeepsAccount, datetime, datetime], int],
    *,
    overlap: timedelta,
    at_most: timedelta | None = None,
    now: datetime,
) -> int:
    """Look through every account keeper's list slice by slice and remember how far. What one could not say is asked again next time."""
    found = 0
    for keeper in account_keepers():
        for since, until in _slices(keeper.name, kind, overlap, at_most, now=now):
            try:
                found += look(keeper, since, until)
            except ShopError as error:
                log.warning("look_failed", kind=kind, provider=keeper.name, error=type(error).__name__)
                break
            payments.record_look(keeper.name, kind, until)
    return found


def _slices(
    provider: str, kind: str, overlap: timedelta, at_most: timedelta | None, *, now: datetime
) -> Iterator[tuple[datetime, datetime]]:
    looked = payments.looked_until(provider, kind)
    since = looked - overlap if looked is not None else account.began_at(provider)
    end_reading()
    if since is None:
        return
    since = since - overlap if looked is None else since
    if at_most is not None:
        since = max(since, now - at_most)
    end = now + timedelta(minutes=5)  # a provider's clock may be a little ahead of ours
    for _ in range(MOST_SLICES):
        until = min(since + overlap + SLICE, end)
        yield since, until
        if until == end:
            return
        since = until
