"""What vouchers take off which line (DESIGN §2.2).

Law: a voucher takes only from the lines it is for, never more than what is left of them less one fen each, so that every line is still sold for
something; its shares sum to it exactly. Minimums are measured at full prices. Several on one order take one after the other: parts first, then
sums, each in the order in which they were made, whatever order they were typed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from shop.kit.apportion import largest_remainder
from shop.kit.ids import CategoryId, VillageId, VoucherId
from shop.offers.errors import WhyNot
from shop.offers.models import VoucherKind

WHOLE = 10_000
"""Basis points of all of it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a voucher promises, to whom and when."""

    id: VoucherId
    code: str
    name: str
    name_en: str
    kind: VoucherKind
    worth: int
    most_fen: int | None
    minimum_fen: int
    village_id: VillageId | None
    category_id: CategoryId | None
    first_day: date
    last_day: date
    most_uses: int | None
    most_per_buyer: int | None
    is_stackable: bool
    used: int
    is_ended: bool


@dataclass(frozen=True, slots=True)
class Good:
    """One line that something may be taken off."""

    position: int
    gross_fen: int
    village_id: VillageId
    category_id: CategoryId


@dataclass(frozen=True, slots=True)
class Granted:
    """One voucher with what it takes off each line, in the lines' order."""

    terms: Terms
    shares_fen: tuple[int, ...]

    @property
    def fen(self) -> int:
        """What it takes off in all."""
        return sum(self.shares_fen)


@dataclass(frozen=True, slots=True)
class Discount:
    """Everything that is taken off one order."""

    granted: tuple[Granted, ...] = ()

    @property
    def fen(self) -> int:
        """In all."""
        return sum(one.fen for one in self.granted)

    def of_line(self, place: int) -> int:
        """Off the line at this place, counted from nought."""
        return sum(one.shares_fen[place] for one in self.granted)


def why_not(terms: Terms, goods: Sequence[Good], *, today: date, uses_of_buyer: int = 0) -> WhyNot | None:
    """What is in the way of using the voucher on these lines today; None if nothing is. Whether others stand beside it, `grant` says."""
    if terms.is_ended or today > terms.last_day:
        return WhyNot.OVER
    if today < terms.first_day:
        return WhyNot.NOT_YET
    if terms.most_uses is not None and terms.used >= terms.most_uses:
        return WhyNot.USED_UP
    if terms.most_per_buyer is not None and uses_of_buyer >= terms.most_per_buyer:
        return WhyNot.BUYER_USED_UP
    bound_fen = sum(good.gross_fen for good in goods if is_for(terms, good))
    if not bound_fen:
        return WhyNot.NOTHING_BOUND
    return WhyNot.BELOW_MINIMUM if bound_fen < terms.minimum_fen else None


def is_for(terms: Terms, good: Good) -> bool:
    """Whether the voucher takes anything off such a line."""
    return terms.village_id in (None, good.village_id) and terms.category_id in (None, good.category_id)


def grant(vouchers: Sequence[Terms], goods: Sequence[Good]) -> tuple[Discount, dict[str, WhyNot]]:
    """What the vouchers, each of which fits by itself, take off together; and by code those that cannot stand beside the ones before them.

    The first given has the first right to stand; the sums do not depend on the order.
    """
    standing: list[Terms] = []
    refused: dict[str, WhyNot] = {}
    for terms in vouchers:
        if standing and not (terms.is_stackable and all(other.is_stackable for other in standing)):
            refused[terms.code] = WhyNot.STANDS_ALONE
        else:
            standing.append(terms)
    left = [good.gross_fen for good in goods]
    granted = []
    for terms in sorted(standing, key=lambda one: (one.kind is not VoucherKind.PERCENT, one.id)):
        shares = _shares(terms, goods, left)
        if any(shares):
            granted.append(Granted(terms, shares))
            left = [fen - share for fen, share in zip(left, shares, strict=True)]
        else:
            refused[terms.code] = WhyNot.NOTHING_BOUND
    return Discount(tuple(granted)), refused


def _shares(terms: Terms, goods: Sequence[Good], left: Sequence[int]) -> tuple[int, ...]:
    """By what each line it is for still costs: largest remainder, ties by position."""
    open_fen = [max(0, fen - 1) if is_for(terms, good) else 0 for good, fen in zip(goods, left, strict=True)]
    bound_fen = sum(fen for good, fen in zip(goods, left, strict=True) if is_for(terms, good))
    wanted_fen = terms.worth if terms.kind is VoucherKind.FIXED else (2 * bound_fen * terms.worth + WHOLE) // (2 * WHOLE)
    if terms.most_fen is not None:
        wanted_fen = min(wanted_fen, terms.most_fen)
    return largest_remainder(min(wanted_fen, sum(open_fen)), open_fen, [good.position for good in goods])
