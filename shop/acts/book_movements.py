"""Booking what a provider's account for us has done: every movement of it is exactly one entry, whose key is the provider's name for it.

`clearing/<provider>` is what we expect: sales are booked into it and refunds out of it the moment they are known here, in the buyer's
currency. `balance/<provider>` is what the provider says that it holds, in the currency in which it settles. A movement takes its sum out of
the first and into the second, less the fee; so whatever is left on `clearing` is what one side knows and the other does not yet, and after a
payout of everything both are nought in every currency.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from shop.extensions import act, end_reading
from shop.kit.clock import business_day
from shop.ledger import service as ledger
from shop.ledger.models import EntryKind
from shop.ledger.service import BANK, Booking, Heading, Leg, at_provider, clearing, disputed, exchange, fees, suspense
from shop.payments import account
from shop.payments.models import BalanceKind
from shop.payments.provider import Movement

_AT_ONCE = 50
"""Movements booked in one transaction."""

OF_A_PAYMENT = (BalanceKind.CHARGE, BalanceKind.REFUND, BalanceKind.REFUND_FAILED, BalanceKind.DISPUTE, BalanceKind.DISPUTE_RETURNED)
_ENTRY_KINDS = {
    BalanceKind.FEE: EntryKind.FEE,
    BalanceKind.PAYOUT: EntryKind.PAYOUT,
    BalanceKind.PAYOUT_FAILED: EntryKind.PAYOUT,
    BalanceKind.DISPUTE: EntryKind.DISPUTE,
    BalanceKind.DISPUTE_RETURNED: EntryKind.DISPUTE_WON,
    BalanceKind.UNKNOWN: EntryKind.SUSPENSE,
}


def book_movements(provider: str, movements: Iterable[Movement], *, now: datetime) -> int:
    """Course. Store and book those that are new, oldest first; how many they were. Told twice, or by two at once, each is booked once."""
    ordered = sorted(movements, key=lambda movement: (movement.happened_at, movement.provider_id))
    end_reading()
    booked = 0
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        try:
            booked += _book(provider, some, now=now)
        except IntegrityError:  # somebody else was booking the same at this moment; now they are known
            booked += _book(provider, some, now=now)
    return booked


@act
def _book(provider: str, told: Sequence[Movement], *, now: datetime) -> int:
    known = account.known_movements(provider, [movement.provider_id for movement in told])
    new = [movement for movement in told if movement.provider_id not in known]
    references = _references(provider, new)
    movements = [_ours_or_unknown(movement, references) for movement in new]
    bookings = [_booking(provider, movement, references.get(movement.provider_id), now=now) for movement in movements]
    to_book = [booking for booking in bookings if booking.legs]
    entry_ids = ledger.post_all(to_book, now=now) if to_book else []
    entries = {booking.once: entry_id for booking, entry_id in zip(to_book, entry_ids, strict=True)}
    for movement, booking in zip(movements, bookings, strict=True):
        reference = references.get(movement.provider_id)
        balance_id = account.store_movement(provider, movement, reference, entries.get(booking.once), now=now)
        if movement.kind is BalanceKind.UNKNOWN and movement.gross_fen:
            account.open_suspense(provider, -movement.gross_fen, movement.currency, balance_id=balance_id, now=now)
    return len(new)


def _references(provider: str, movements: Sequence[Movement]) -> dict[str, str]:
    """Of each movement that belongs to a payment of ours the order's number: as our payment says, or as the provider remembers it."""
    remembered = account.orders_paid_for(movement.reference for movement in movements if movement.reference)
    by_intent = {
        movement.intent_id: movement.reference
        for movement in movements
        if movement.intent_id and movement.reference and movement.reference in remembered
    }
    by_intent |= account.references_of(provider, [movement.intent_id for movement in movements if movement.intent_id])
    return {movement.provider_id: by_intent[movement.intent_id] for movement in movements if movement.intent_id in by_intent}


def _ours_or_unknown(movement: Movement, references: Mapping[str, str]) -> Movement:
    """A payment that no order of ours explains is of an unknown kind, whatever the provider calls it."""
    is_strange = movement.kind in OF_A_PAYMENT and movement.provider_id not in references
    return replace(movement, kind=BalanceKind.UNKNOWN) if is_strange else movement


def _booking(provider: str, movement: Movement, reference: str | None, *, now: datetime) -> Booking:
    kind = _ENTRY_KINDS.get(movement.kind, EntryKind.CLEARED if movement.source_currency == movement.currency else EntryKind.EXCHANGE)
    once = f"balance:{movement.provider_id}"
    return Booking(kind, legs_of(provider, movement), (), once[:80], reference or provider, business_day(now))


def legs_of(provider: str, movement: Movement) -> tuple[Leg, ...]:
    """The postings of one movement. Net into the provider's balance, the fee to us, the whole out of what explains it.

    Where the provider settles in another currency the whole passes through `exchange/<provider>`: out of it in the one currency, into it in
    the other, so that each sums to nought by itself. No rate is applied: both sums are the provider's.
    """
    legs = [Leg(at_provider(provider), movement.net_fen, movement.currency), Leg(fees(provider), movement.fee_fen, movement.currency)]
    if movement.kind in OF_A_PAYMENT and movement.source_currency != movement.currency:
        legs += [
            Leg(exchange(provider), -movement.gross_fen, movement.currency),
            Leg(exchange(provider), movement.source_fen, movement.source_currency),
            Leg(_explained_by(provider, movement.kind), -movement.source_fen, movement.source_currency),
        ]
    else:
        legs.append(Leg(_explained_by(provider, movement.kind), -movement.gross_fen, movement.currency))
    return _without_noughts(legs)


def _explained_by(provider: str, kind: BalanceKind) -> Heading:
    """Which account expects such a movement."""
    if kind in (BalanceKind.DISPUTE, BalanceKind.DISPUTE_RETURNED):
        return disputed(provider)
    if kind in (BalanceKind.PAYOUT, BalanceKind.PAYOUT_FAILED):
        return BANK
    if kind is BalanceKind.FEE:
        return fees(provider)
    if kind is BalanceKind.UNKNOWN:
        return suspense(provider)
    return clearing(provider)


def _without_noughts(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    """Legs of one account and currency added up; none where nothing is left, so a movement of nought has no entry."""
    sums: dict[tuple[Heading, str], int] = {}
    for leg in legs:
        sums[leg.heading, leg.currency] = sums.get((leg.heading, leg.currency), 0) + leg.amount_fen
    return tuple(Leg(heading, fen, currency) for (heading, currency), fen in sums.items() if fen)
