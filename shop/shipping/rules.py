"""What sending a parcel costs, where it may go and how long it takes.

Law: one parcel per cooperative of an order, priced by itself. Every rule is a small frozen value; `DEFAULT` is the shop's list, and a test's
table has a row for each. Postage is collected for the carrier and never belongs to a village's figure (DESIGN §2.3).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shop.kit.ids import CooperativeId
from shop.kit.regions import region_path

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
    """The rules that made the price: `by_weight`, `free`, each with `+far` or `+farthest` where a surcharge applies."""
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
        return self.first_fen + _kilograms_begun(grams - self.first_grams) * self.further_kg_fen


@dataclass(frozen=True, slots=True)
class FreeFrom:
    """Goods of one cooperative worth this much, or more, travel free."""

    name: str
    goods_fen: int


@dataclass(frozen=True, slots=True)
class Surcharge:
    """Far places cost more for every kilogram begun, also when the rest is free."""

    name: str
    places: frozenset[str]
    kg_fen: int

    def fen(self, grams: int) -> int:
        return _kilograms_begun(grams) * self.kg_fen


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
    """The first that names the place counts; the last names everywhere."""


EVERYWHERE = frozenset({""})

XINJIANG, TIBET, QINGHAI, INNER_MONGOLIA, NINGXIA, HAINAN, GANSU = "65", "54", "63", "15", "64", "46", "62"

DEFAULT = Rules(
    # The first five kilograms cover one bag of rice, so that 不满 ¥199.00 收 ¥6.00 is true of any single pack on the shelves.
    by_weight=ByWeight("by_weight", first_grams=5_000, first_fen=6_00, further_kg_fen=1_50),
    free=FreeFrom("free", goods_fen=199_00),
    surcharges=(
        Surcharge("farthest", frozenset({TIBET, XINJIANG}), kg_fen=4_00),
        Surcharge("far", frozenset({QINGHAI, INNER_MONGOLIA, NINGXIA, HAINAN, GANSU}), kg_fen=2_00),
    ),
    not_served=NotServed("not_served", frozenset({"71", "81", "82"})),  # 台湾, 香港, 澳门: customs papers for food that we do not have
    cold=ColdOnlyTo(
        "cold",
        # 江苏, 浙江, 上海, 安徽, and what lies near the mountains: 贵州, 重庆, 湖南, 四川
        frozenset({"32", "33", "31", "34", "52", "50", "43", "51"}),
    ),
    transits=(
        Transit("home", frozenset({"52"}), 1, 2),
        Transit("near", frozenset({"43", "50", "51", "42", "45", "53"}), 2, 3),
        Transit("far", frozenset({TIBET, XINJIANG, QINGHAI, INNER_MONGOLIA, NINGXIA, HAINAN, GANSU, "21", "22", "23"}), 5, 8),
        Transit("elsewhere", EVERYWHERE, 3, 4),
    ),
)


def quote(parcel: Parcel, code: str, rules: Rules = DEFAULT) -> Quote | CannotShip:
    """What sending `parcel` to the place with the six-digit `code` costs, or why it cannot go.

    A district's code, or for an estimate a city's or province's.
    """
    assert parcel.grams >= 0 and parcel.goods_fen >= 0, "a parcel weighs and costs nought or more"
    if _is_within(code, rules.not_served.places):
        return CannotShip(parcel.cooperative_id, Why.NOT_SERVED)
    if not region_path(code):
        return CannotShip(parcel.cooperative_id, Why.UNKNOWN_PLACE)
    if parcel.is_cold_chain and not _is_within(code, rules.cold.places):
        return CannotShip(parcel.cooperative_id, Why.TOO_FAR_FOR_COLD)

    is_free = parcel.goods_fen >= rules.free.goods_fen
    postage_fen = 0 if is_free else rules.by_weight.fen(parcel.grams)
    surcharge = next((rule for rule in rules.surcharges if _is_within(code, rule.places)), None)
    surcharge_fen = surcharge.fen(parcel.grams) if surcharge else 0
    basis = rules.free.name if is_free else rules.by_weight.name
    transit = next(rule for rule in rules.transits if _is_within(code, rule.places))
    return Quote(
        cooperative_id=parcel.cooperative_id,
        fen=postage_fen + surcharge_fen,
        is_free=is_free,
        free_remaining_fen=max(0, rules.free.goods_fen - parcel.goods_fen),
        surcharge_fen=surcharge_fen,
        rule_name=f"{basis}+{surcharge.name}" if surcharge else basis,
        fewest_days=transit.fewest_days,
        most_days=transit.most_days,
    )


def _is_within(code: str, places: Iterable[str]) -> bool:
    return any(code.startswith(place) for place in places)


def _kilograms_begun(grams: int) -> int:
    return -(-max(0, grams) // GRAMS_PER_KG)
