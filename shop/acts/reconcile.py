"""Our books against a provider's, day by day. Nothing is mended here: what differs is listed, and whoever reads it decides."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog

from shop.acts.follow_account import follow_disputes, follow_movements, follow_payouts
from shop.extensions import end_reading
from shop.kit.clock import business_day, day_ends, day_starts
from shop.payments import reconciled
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.provider import KeepsAccount
from shop.payments.reconciling import Found, compare_disputes, compare_expected, compare_movements, compare_payouts
from shop.payments.registry import account_keepers

log = structlog.get_logger()

GRACE = timedelta(hours=1)
"""What we heard of or asked for so lately may still be on its way into the provider's account (Stripe books a charge within the hour)."""
SWEPT_DAYS = 3
MOST_DAYS = 92
MOST_DAYS_AGAIN = 14
"""So many days that differed are looked at again by the sweep: what was mended leaves the list by itself."""


@dataclass(frozen=True)
class Reconciled:
    """What a comparison found."""

    provider: str
    day: date
    transactions: int
    """How many movements the provider showed."""
    differences: tuple[Found, ...]


def reconcile(since: date, until: date, *, now: datetime) -> list[Reconciled]:
    """Course. Compare each business day from `since` to `until`, inclusive, with every provider's account, and keep what was found.

    One day is asked about at a time, page by page. Raises ProviderUnavailable or ProviderRefused; the days before stand compared.
    """
    assert (until - since).days < MOST_DAYS, "a longer stretch is compared in pieces"
    end_reading()
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    return [_reconcile_day(keeper, day, now=now) for keeper in account_keepers() for day in days]


def reconcile_lately(*, now: datetime) -> int:
    """Sweep. Fetch what is new, then compare today, the days before it, and those that differed; how many differences there are."""
    follow_movements(now=now)
    follow_disputes(now=now)
    follow_payouts(now=now)
    today = business_day(now)
    lately = {today - timedelta(days=number) for number in range(SWEPT_DAYS)}
    days = lately | set(reconciled.days_that_differed(most=MOST_DAYS_AGAIN))
    end_reading()
    try:
        return sum(len(found.differences) for day in sorted(days) for found in reconcile(day, day, now=now))
    except (ProviderUnavailable, ProviderRefused) as silence:  # nothing is known then, and the next round compares
        log.warning("not_compared", error=type(silence).__name__)
        return 0


def _reconcile_day(keeper: KeepsAccount, day: date, *, now: datetime) -> Reconciled:
    since, until = day_starts(day), min(day_ends(day), now + timedelta(minutes=5))
    has_begun = since < until
    movements = keeper.movements(since, until) if has_begun else []
    payouts = keeper.payouts(since, until) if has_begun else []
    disputes = keeper.disputes(since, until) if has_begun else []
    before = now - GRACE
    found = [
        *compare_movements(day, reconciled.stored_movements(keeper.name, day), movements),
        *compare_expected(day, reconciled.expected_charges(keeper.name, day, before=before)),
        *compare_expected(day, reconciled.expected_refunds(keeper.name, day, before=before)),
        *reconciled.unexpected(keeper.name, day, before=before),
        *compare_payouts(day, reconciled.stored_payouts(keeper.name, day), payouts),
        *compare_disputes(day, reconciled.stored_disputes(keeper.name, day), disputes),
        *reconciled.unexplained(keeper.name, day),
    ]
    end_reading()
    reconciled.record_reconciled(keeper.name, day, len(movements), found, now=now)
    return Reconciled(keeper.name, day, len(movements), tuple(found))
