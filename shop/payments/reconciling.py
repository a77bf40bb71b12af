"""How our books and a provider's differ: two lists of the same things in, what is not the same in both out. No database, no network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from shop.payments.models import DifferenceKind, DisputeState, PayoutState
from shop.payments.provider import DisputeWord, Movement, PayoutWord


@dataclass(frozen=True)
class Found:
    """Something that differs."""

    day: date
    kind: DifferenceKind
    subject: str
    """The provider's name for it."""
    reference: str | None
    """The order's number."""
    ours: str
    """A sum in the smallest unit with its currency (`6800 CNY`), or a state; empty: nothing."""
    theirs: str


@dataclass(frozen=True)
class Sum:
    """So much, in the smallest unit of a currency."""

    fen: int
    currency: str

    def __str__(self) -> str:
        return f"{self.fen} {self.currency}"


@dataclass(frozen=True)
class StoredMovement:
    """A movement as our books hold it."""

    provider_id: str
    reference: str | None
    gross_fen: int
    fee_fen: int
    currency: str


@dataclass(frozen=True)
class Expected:
    """What our payments and refunds say that moved, beside what the stored movements of the same thing sum to."""

    subject: str
    reference: str | None
    ours: Sum
    told: tuple[Sum, ...]
    """One for each currency; empty: the provider has shown nothing of it."""


@dataclass(frozen=True)
class StoredPayout:
    """A payout as we keep it."""

    provider_id: str
    amount_fen: int
    currency: str
    state: PayoutState
    counted_fen: int | None


@dataclass(frozen=True)
class StoredDispute:
    """A dispute as we keep it."""

    provider_id: str
    reference: str | None
    amount_fen: int
    currency: str
    state: DisputeState


def compare_movements(day: date, ours: Sequence[StoredMovement], theirs: Sequence[Movement]) -> list[Found]:
    """Every movement of a day that only one side knows, or that is not the same on both."""
    stored, shown = {row.provider_id: row for row in ours}, {movement.provider_id: movement for movement in theirs}
    found = [
        Found(day, DifferenceKind.MISSING_HERE, name, shown[name].reference, "", str(Sum(shown[name].gross_fen, shown[name].currency)))
        for name in sorted(shown.keys() - stored.keys())
    ]
    found += [
        Found(day, DifferenceKind.MISSING_THERE, name, stored[name].reference, str(Sum(stored[name].gross_fen, stored[name].currency)), "")
        for name in sorted(stored.keys() - shown.keys())
    ]
    for name in sorted(stored.keys() & shown.keys()):
        row, movement = stored[name], shown[name]
        if row.currency != movement.currency:
            kind, mine, their = DifferenceKind.CURRENCY, Sum(row.gross_fen, row.currency), Sum(movement.gross_fen, movement.currency)
        elif row.gross_fen != movement.gross_fen:
            kind, mine, their = DifferenceKind.AMOUNT, Sum(row.gross_fen, row.currency), Sum(movement.gross_fen, movement.currency)
        elif row.fee_fen != movement.fee_fen:
            kind, mine, their = DifferenceKind.FEE, Sum(row.fee_fen, row.currency), Sum(movement.fee_fen, movement.currency)
        else:
            continue
        found.append(Found(day, kind, name, row.reference, str(mine), str(their)))
    return found


def compare_expected(day: date, expected: Iterable[Expected]) -> list[Found]:
    """Every payment and refund of a day of which the provider's account shows nothing, or something else."""
    found = []
    for one in expected:
        if not one.told:
            if one.ours.fen:
                found.append(Found(day, DifferenceKind.MISSING_THERE, one.subject, one.reference, str(one.ours), ""))
        elif [told.currency for told in one.told] != [one.ours.currency]:
            theirs = ", ".join(str(told) for told in one.told)[:40]
            found.append(Found(day, DifferenceKind.CURRENCY, one.subject, one.reference, str(one.ours), theirs))
        elif one.told[0].fen != one.ours.fen:
            found.append(Found(day, DifferenceKind.AMOUNT, one.subject, one.reference, str(one.ours), str(one.told[0])))
    return found


def compare_payouts(day: date, ours: Sequence[StoredPayout], theirs: Sequence[PayoutWord]) -> list[Found]:
    """Every payout of a day that only one side knows, that stands otherwise, or that is not the sum of its transactions."""
    stored, shown = {row.provider_id: row for row in ours}, {word.provider_id: word for word in theirs}
    found = []
    for name in sorted(stored.keys() | shown.keys()):
        row, word = stored.get(name), shown.get(name)
        if row is None and word is not None:
            found.append(Found(day, DifferenceKind.MISSING_HERE, name, None, "", str(Sum(word.amount_fen, word.currency))))
        elif row is not None and word is None:
            found.append(Found(day, DifferenceKind.MISSING_THERE, name, None, str(Sum(row.amount_fen, row.currency)), ""))
        elif row is not None and word is not None:
            if row.state is not word.state:
                found.append(Found(day, DifferenceKind.STATE, name, None, row.state.value, word.state.value))
            if row.counted_fen is not None and row.counted_fen != word.amount_fen:
                counted = str(Sum(row.counted_fen, row.currency))
                found.append(Found(day, DifferenceKind.PAYOUT_SUM, name, None, counted, str(Sum(word.amount_fen, word.currency))))
    return found


def compare_disputes(day: date, ours: Sequence[StoredDispute], theirs: Sequence[DisputeWord]) -> list[Found]:
    """Every dispute opened on a day that we do not know, that stands otherwise, or that is about another sum."""
    stored = {row.provider_id: row for row in ours}
    found = []
    for word in theirs:
        row = stored.get(word.provider_id)
        theirs_sum = Sum(word.amount_fen, word.currency)
        if row is None:
            found.append(Found(day, DifferenceKind.MISSING_HERE, word.provider_id, word.reference, "", str(theirs_sum)))
        elif (row.amount_fen, row.currency) != (word.amount_fen, word.currency):
            mine = str(Sum(row.amount_fen, row.currency))
            found.append(Found(day, DifferenceKind.AMOUNT, word.provider_id, row.reference, mine, str(theirs_sum)))
        elif row.state is not word.state:
            found.append(Found(day, DifferenceKind.STATE, word.provider_id, row.reference, row.state.value, word.state.value))
    return found
