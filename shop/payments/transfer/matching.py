"""Which order a bank line may be for. Pure: it proposes, people decide.

A reference names its order. Without one, an order that waits for exactly this sum is likely, more so if the payer's name is the one expected.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shop.kit.text import fold
from shop.payments.transfer.reference import find_references

MOST_PROPOSED = 5


class Why(StrEnum):
    """What speaks for an order, the strongest first."""

    REFERENCE = "reference"
    AMOUNT_AND_NAME = "amount_and_name"
    AMOUNT = "amount"
    NAME = "name"


class Sum(StrEnum):
    """How a line stands to what an order still wants."""

    EXACT = "exact"
    SHORT = "short"
    OVER = "over"
    TWICE = "twice"
    """The order wants nothing any more: all of it goes back."""


@dataclass(frozen=True)
class Open:
    """An order that a transfer may be for."""

    number: str
    reference: str
    missing_fen: int
    """What it still wants; nought when it is paid, or can no longer be."""
    payer_names: tuple[str, ...]
    """From whom money is expected."""


@dataclass(frozen=True)
class Proposal:
    """An order for a line, and why."""

    number: str
    why: Why
    sum: Sum
    missing_fen: int
    is_other_name: bool


def propose(memo: str, payer_name: str, amount_fen: int, orders: Sequence[Open]) -> tuple[Proposal, ...]:
    """Orders for a line, the likeliest first. One that its reference names comes even when it wants nothing any more; others only while they wait."""
    references = find_references(memo)
    ranks = list(Why)
    found = [_proposal(order, why, payer_name, amount_fen) for order in orders if (why := _why(order, references, payer_name, amount_fen))]
    return tuple(sorted(found, key=lambda proposal: (ranks.index(proposal.why), proposal.number))[:MOST_PROPOSED])


def how_it_stands(missing_fen: int, amount_fen: int) -> Sum:
    """A sum against what is missing."""
    if missing_fen <= 0:
        return Sum.TWICE
    if amount_fen == missing_fen:
        return Sum.EXACT
    return Sum.SHORT if amount_fen < missing_fen else Sum.OVER


def is_other_name(payer_name: str, expected: Iterable[str]) -> bool:
    """Whether money comes from somebody else than expected. A statement without a name says nothing, so it is not another one."""
    return bool(_plain(payer_name)) and all(_plain(payer_name) != _plain(name) for name in expected)


def _why(order: Open, references: Sequence[str], payer_name: str, amount_fen: int) -> Why | None:
    if order.reference in references:
        return Why.REFERENCE
    if order.missing_fen <= 0:
        return None
    is_named = bool(_plain(payer_name)) and not is_other_name(payer_name, order.payer_names)
    if order.missing_fen == amount_fen:
        return Why.AMOUNT_AND_NAME if is_named else Why.AMOUNT
    return Why.NAME if is_named else None


def _proposal(order: Open, why: Why, payer_name: str, amount_fen: int) -> Proposal:
    return Proposal(
        order.number, why, how_it_stands(order.missing_fen, amount_fen), order.missing_fen, is_other_name(payer_name, order.payer_names)
    )


def _plain(name: str) -> str:
    """Banks print a firm's brackets and spaces as they like."""
    return re.sub(r"[\s()（）·.]", "", fold(name)).lower()
