"""Piles on the desk: what waits in numbers and is worked through on a page of its own. One statement for each source.

A new source is one function and one entry of `SOURCES`; its words and its page stand in `web/staff/desk_words.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from shop.catalog.models import ProductSubmission
from shop.extensions import db
from shop.kit.clock import business_day
from shop.ledger.models import Entry, Period
from shop.offers.models import Voucher
from shop.papers.models import Permit
from shop.reports.claims import count_waiting
from shop.reports.fapiao import count_fapiao
from shop.voices.models import Moderation, Review

VOUCHERS_WITHIN = timedelta(days=7)
"""A voucher that ends so soon is worth a thought."""
PERMITS_WITHIN = timedelta(days=60)
"""So long it takes to have a licence renewed."""
CLOSE_WITHIN = timedelta(days=10)
"""A month should be closed so soon after its end."""


class PileKind(StrEnum):
    """What a pile is of."""

    FAPIAO = "fapiao"
    """Fapiao that are asked for and paid."""
    RED = "red"
    """Fapiao of which money went back."""
    VOUCHERS = "vouchers"
    """Vouchers that end soon, or are used up before their days are over."""
    REVIEWS = "reviews"
    """Reviews, and answers to them, that nobody has looked at."""
    PERMITS = "permits"
    """Cooperatives' licences and permits that end soon or have ended, without a newer one of their kind."""
    CLAIMS = "claims"
    """What buyers call off or give back, while it is our turn."""
    LATE_CLAIMS = "late_claims"
    """Of these, what nobody has answered, taken in or paid in time."""
    PRODUCTS = "products"
    """Products that cooperatives submitted."""
    MONTHS = "months"
    """Months that are over and not closed."""


@dataclass(frozen=True)
class Pile:
    """So many of a kind."""

    kind: PileKind
    count: int
    since: date | None = None
    """The oldest's, where it says something."""


def read_piles(now: datetime) -> tuple[Pile, ...]:
    """Every pile that is not empty. As many statements as there are sources."""
    return tuple(pile for source in SOURCES for pile in source(now) if pile.count)


def _fapiao(_now: datetime) -> Iterator[Pile]:
    waiting, red = count_fapiao()
    yield Pile(PileKind.FAPIAO, waiting)
    yield Pile(PileKind.RED, red)


def _vouchers(now: datetime) -> Iterator[Pile]:
    today = business_day(now)
    is_used_up = Voucher.most_uses.is_not(None) & (Voucher.used >= Voucher.most_uses)
    soon = Voucher.last_day <= today + VOUCHERS_WITHIN
    query = select(func.count(), func.min(Voucher.last_day)).where(
        Voucher.ended_at.is_(None), Voucher.first_day <= today, Voucher.last_day >= today, or_(is_used_up, soon)
    )
    count, first = db.session.execute(query).one()
    yield Pile(PileKind.VOUCHERS, count, first)


def _reviews(_now: datetime) -> Iterator[Pile]:
    waits = or_(Review.state == Moderation.WAITING, Review.reply_state == Moderation.WAITING)
    count, first = db.session.execute(select(func.count(), func.min(Review.written_at)).where(waits)).one()
    yield Pile(PileKind.REVIEWS, count, business_day(first) if first else None)


def _permits(now: datetime) -> Iterator[Pile]:
    newer = aliased(Permit)
    lasts = newer.last_day.is_(None) | (newer.last_day > Permit.last_day)
    of_its_kind = (newer.cooperative_id == Permit.cooperative_id) & (newer.kind == Permit.kind) & newer.withdrawn_at.is_(None)
    query = select(func.count(), func.min(Permit.last_day)).where(
        Permit.withdrawn_at.is_(None),
        Permit.last_day <= business_day(now) + PERMITS_WITHIN,
        ~select(newer.id).where(of_its_kind, lasts).exists(),
    )
    count, first = db.session.execute(query).one()
    yield Pile(PileKind.PERMITS, count, first)


def _claims(now: datetime) -> Iterator[Pile]:
    count, since, late = count_waiting(now)
    yield Pile(PileKind.LATE_CLAIMS, late, business_day(since) if since else None)
    yield Pile(PileKind.CLAIMS, count, business_day(since) if since else None)


def _months(now: datetime) -> Iterator[Pile]:
    """From the first month that is not closed, since they are closed in turn."""
    before = (business_day(now) - CLOSE_WITHIN).replace(day=1)
    last_closed = select(func.max(Period.month)).where(Period.closed_at.is_not(None)).scalar_subquery()
    first_booked = select(func.min(Entry.business_day)).scalar_subquery()
    closed_through, booked_on = db.session.execute(select(last_closed, first_booked)).one()
    first = booked_on.replace(day=1) if booked_on else before
    if closed_through is not None:
        year, month = map(int, closed_through.split("-"))
        first = date(year + month // 12, month % 12 + 1, 1)
    yield Pile(PileKind.MONTHS, max(0, (before.year - first.year) * 12 + before.month - first.month), first)


def _products(_now: datetime) -> Iterator[Pile]:
    still_open = ProductSubmission.decided_at.is_(None)
    count, first = db.session.execute(select(func.count(), func.min(ProductSubmission.submitted_at)).where(still_open)).one()
    yield Pile(PileKind.PRODUCTS, count, business_day(first) if first else None)


SOURCES: tuple[Callable[[datetime], Iterator[Pile]], ...] = (_claims, _fapiao, _products, _reviews, _permits, _vouchers, _months)
