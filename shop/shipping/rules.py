"""What sending a parcel costs, where it may go and how long it takes.

Law: one parcel per cooperative of an order, priced by itself. Every rule is a small frozen value; `DEFAULT` is the shop's list, and a test's
table has a row for each. Postage is collected for the carrier and never belongs to a village's figure (DESIGN §2.3).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shop.kit.ids import CooperativeId

GRAMS_PER_KG = 1_000


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one cooperative would send for one order."""

    cooperative_id: CooperativeId
    grams: int
    """Of content: packed grams × units."""
    goods_fen: int
    """What its goods cost the buyer."""
    is_cold_chain: bool
    """Something in it must stay cold, so all of it does."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a parcel costs to send."""

    cooperative_id: CooperativeId
    fen: int
    is_free: bool
    """Its goods reached the threshold; a surcharge may still stand in `fen`."""
    free_remaining_fen: int
    """How much more of the same cooperative makes it free: 再买 ¥91.00 免运费."""
    surcharge_fen: int
    """The part of `fen` that is for a far place."""
    rule_name: str
    """The name of the rule that set the price: `free`, `by_weight`, or that of a surcharge."""
    fewest_days: int
    most_days: int
    """From shipping to arrival, as a rule: 3–4 天."""


class Why(StrEnum):
    """Why a parcel cannot go somewhere."""

    NOT_SERVED = "not_served"
    """No carrier of ours goes there."""
    TOO_FAR_FOR_COLD = "too_far_for_cold"
    """It would not stay cold as far as that."""
    UNKNOWN_PLACE = "unknown_place"
    """The code is no Chinese place's."""


@dataclass(frozen=True, slots=True)
class CannotShip:
    """An answer, not an exception: the cart and the checkout show it beside the goods; placing an order raises on it."""

    cooperative_id: CooperativeId
    why: Why


# ── The rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ByWeight:
    """The first kilograms at one price, every further kilogram begun at another."""

    name: str
    first_grams: int
    first_fen: int
    further_kg_fen: int

    def fen(self, grams: int) -> int:
        further_kg = -(-max(0, grams - self.first_grams) // GRAMS_PER_KG)
        return self.first_fen + further_kg * self.further_kg_fen


@dataclass(frozen=True, slots=True)
class FreeFrom:
    """Goods of one cooperative worth this much, or more, travel free."""

    name: str
    goods_fen: int


@dataclass(frozen=True, slots=True)
class Surcharge:
    """Far provinces cost more: a sum for the parcel and one for every further kilogram begun, also when the rest is free."""

    name: str
    places: frozenset[str]
    first_grams: int
    first_fen: int
    further_kg_fen: int

    def fen(self, grams: int) -> int:
        further_kg = -(-max(0, grams - self.first_grams) // GRAMS_PER_KG)
        return self.first_fen + further_kg * self.further_kg_fen


@dataclass(frozen=True, slots=True)
class NotServed:
    """Nothing goes there."""

    name: str
    places: frozenset[str]


@dataclass(frozen=True, slots=True)
class ColdOnlyTo:
    """What must stay cold goes nowhere else."""

    name: str
    places: frozenset[str]


@dataclass(frozen=True, slots=True)
class Transit:
    """How many days a parcel is under way, as a rule."""

    name: str
    places: frozenset[str]
    fewest_days: int
    most_days: int


@dataclass(frozen=True, slots=True)
class Rules:
    """One complete list. Places are the beginnings of six-digit codes: two digits a province, four a city, six a district."""

    by_weight: ByWeight
    free: FreeFrom
    surcharges: tuple[Surcharge, ...]
    not_served: NotServed
    cold: ColdOnlyTo
    transits: tuple[Transit, ...]
    """The first that names the place; the last one names no place and stands for everywhere else."""
