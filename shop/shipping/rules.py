"""What sending a parcel costs, by which service, where it may go, how long it takes and about when it arrives.

Law: one parcel per cooperative of an order, priced by itself, by what its goods cost before any voucher, so that a voucher never makes carriage
dearer. Every rule is a small frozen value, and a test's table has a row for each. The list in force stands in the tariff tables (`tariffs.py`); `FIRST` is
what held before anybody wrote down another. Postage is collected for the
carrier and never belongs to a village's figure (DESIGN §2.3).
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shop.kit.ids import CooperativeId
from shop.kit.regions import region_path

GRAMS_PER_KG = 1_000


class ServiceKind(StrEnum):
    """How a parcel is sent."""

    ORDINARY = "ordinary"
    """The courier."""
    QUICK = "quick"
    """The courier's quick one, by air where it can."""
    COLD = "cold"
    """Cold all the way; what needs it goes by nothing else."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one cooperative would send for one order."""

    cooperative_id: CooperativeId
    grams: int
    """Of content: packed grams × units."""
    goods_fen: int
    """What its goods cost, vouchers aside."""
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
    """The rules that made the price: `by_weight`, `free`, with `+far` or `+farthest` where a surcharge applies and `+quick` for the quick service."""
    fewest_days: int
    most_days: int
    """From shipping to arrival, as a rule: 3–4 天."""
    kind: ServiceKind = ServiceKind.ORDINARY


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
class Quick:
    """A quicker service: what it costs on top, also when the rest is free, and where it is quicker."""

    name: str
    extra: ByWeight
    transits: tuple[Transit, ...]
    """The first that names the place counts; where none does, it is not offered."""


@dataclass(frozen=True, slots=True)
class Packing:
    """How long a cooperative takes until its carrier has a parcel."""

    name: str
    shipping_days: int
    """Of the days on which it ships, counted from the order: one is the next."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One complete list. Places are the beginnings of six-digit codes: two digits a province, four a city, six a district."""

    by_weight: ByWeight
    free: FreeFrom
    surcharges: tuple[Surcharge, ...]
    not_served: NotServed
    cold: ColdOnlyTo
    transits: tuple[Transit, ...]
    """The first that names the place counts; every place that is served is named."""
    quick: Quick
    cold_transits: tuple[Transit, ...]
    """As `transits`, of what must stay cold."""
    packing: Packing


EVERYWHERE = frozenset({""})
PROVINCES = (
    *("11", "12", "13", "14", "15"),
    *("21", "22", "23"),
    *("31", "32", "33", "34", "35", "36", "37"),
    *("41", "42", "43", "44", "45", "46"),
    *("50", "51", "52", "53", "54"),
    *("61", "62", "63", "64", "65"),
    *("71", "81", "82"),
)
"""The first two digits of every province's code (GB/T 2260)."""

XINJIANG, TIBET, QINGHAI, INNER_MONGOLIA, NINGXIA, HAINAN, GANSU = "65", "54", "63", "15", "64", "46", "62"

FIRST = Rules(
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
    quick=Quick(
        "quick",
        extra=ByWeight("quick", first_grams=5_000, first_fen=12_00, further_kg_fen=2_50),
        transits=(
            Transit("quick_near", frozenset({"52", "43", "50", "51"}), 1, 1),
            Transit(
                "quick_east", frozenset({"32", "33", "31", "34", "42", "45", "53", "35", "36", "44", "11", "12", "13", "37", "41"}), 1, 2
            ),
        ),
    ),
    cold_transits=(
        Transit("cold_near", frozenset({"52", "43", "50", "51"}), 1, 2),
        Transit("cold_east", EVERYWHERE, 2, 3),
    ),
    packing=Packing("packing", shipping_days=1),
)


def quote(parcel: Parcel, code: str, rules: Rules, kind: ServiceKind = ServiceKind.ORDINARY) -> Quote | CannotShip:
    """What sending `parcel` to the place with the six-digit `code` costs, or why it cannot go.

    A district's code, or for an estimate a city's or province's. What must stay cold goes cold, whatever `kind` says; what cannot go quicker goes
    as usual.
    """
    assert parcel.grams >= 0 and parcel.goods_fen >= 0, "a parcel weighs and costs nought or more"
    if _is_within(code, rules.not_served.places):
        return CannotShip(parcel.cooperative_id, Why.NOT_SERVED)
    if not region_path(code):
        return CannotShip(parcel.cooperative_id, Why.UNKNOWN_PLACE)
    if parcel.is_cold_chain and not _is_within(code, rules.cold.places):
        return CannotShip(parcel.cooperative_id, Why.TOO_FAR_FOR_COLD)

    usual = ServiceKind.COLD if parcel.is_cold_chain else ServiceKind.ORDINARY
    transit = _transit(code, rules.cold_transits if parcel.is_cold_chain else rules.transits)
    assert transit is not None, "a place that is served has its days"
    quicker = _transit(code, rules.quick.transits) if kind is ServiceKind.QUICK and not parcel.is_cold_chain else None

    is_free = parcel.goods_fen >= rules.free.goods_fen
    postage_fen = 0 if is_free else rules.by_weight.fen(parcel.grams)
    surcharge = next((rule for rule in rules.surcharges if _is_within(code, rule.places)), None)
    surcharge_fen = surcharge.fen(parcel.grams) if surcharge else 0
    names = [rules.free.name if is_free else rules.by_weight.name]
    names += [surcharge.name] if surcharge else []
    names += [rules.quick.name] if quicker else []
    return Quote(
        cooperative_id=parcel.cooperative_id,
        fen=postage_fen + surcharge_fen + (rules.quick.extra.fen(parcel.grams) if quicker else 0),
        is_free=is_free,
        free_remaining_fen=max(0, rules.free.goods_fen - parcel.goods_fen),
        surcharge_fen=surcharge_fen,
        rule_name="+".join(names),
        fewest_days=(quicker or transit).fewest_days,
        most_days=(quicker or transit).most_days,
        kind=ServiceKind.QUICK if quicker else usual,
    )


def ways_to_send(parcel: Parcel, code: str, rules: Rules) -> tuple[Quote, ...]:
    """Every service that the buyer may choose for the parcel, the usual one first; none where it cannot go."""
    answers = [quote(parcel, code, rules, kind) for kind in (ServiceKind.ORDINARY, ServiceKind.QUICK)]
    ways = {answer.kind: answer for answer in answers if isinstance(answer, Quote)}
    return tuple(ways.values())


def _transit(code: str, transits: Iterable[Transit]) -> Transit | None:
    return next((rule for rule in transits if _is_within(code, rule.places)), None)


# ── By province ───────────────────────────────────────────────────────────────────────────────────────────────────────

Days = tuple[int, int]
"""Fewest and most."""


@dataclass(frozen=True, slots=True)
class RegionTerms:
    """What holds in one province, as a tariff says it. A province without is not served."""

    province: str
    surcharge_kg_fen: int
    days: Days
    quick_days: Days | None
    cold_days: Days | None


def rules_of(regions: Iterable[RegionTerms], *, by_weight: ByWeight, free_from_fen: int, quick_extra: ByWeight, packing_days: int) -> Rules:
    """The list that a tariff amounts to."""
    served = {region.province: region for region in regions}
    surcharges: dict[int, set[str]] = {}
    for region in served.values():
        if region.surcharge_kg_fen:
            surcharges.setdefault(region.surcharge_kg_fen, set()).add(region.province)
    return Rules(
        by_weight=by_weight,
        free=FreeFrom("free", goods_fen=free_from_fen),
        surcharges=tuple(Surcharge("far", frozenset(places), fen) for fen, places in sorted(surcharges.items(), reverse=True)),
        not_served=NotServed("not_served", frozenset(PROVINCES).difference(served)),
        cold=ColdOnlyTo("cold", frozenset(region.province for region in served.values() if region.cold_days)),
        transits=_transits("days", {region.province: region.days for region in served.values()}),
        quick=Quick("quick", quick_extra, _transits("quick", {one.province: one.quick_days for one in served.values() if one.quick_days})),
        cold_transits=_transits("cold", {one.province: one.cold_days for one in served.values() if one.cold_days}),
        packing=Packing("packing", packing_days),
    )


def _transits(name: str, by_province: Mapping[str, Days]) -> tuple[Transit, ...]:
    found: dict[Days, set[str]] = {}
    for province, days in by_province.items():
        found.setdefault(days, set()).add(province)
    return tuple(Transit(name, frozenset(places), *days) for days, places in sorted(found.items()))


def terms_by_province(rules: Rules) -> tuple[RegionTerms, ...]:
    """The same the other way round: every province that is served, in code order."""
    found = []
    for province in PROVINCES:
        if _is_within(province, rules.not_served.places):
            continue
        days = _transit(province, rules.transits)
        assert days is not None, "a served province has its days"
        quick = _transit(province, rules.quick.transits)
        cold = _transit(province, rules.cold_transits) if _is_within(province, rules.cold.places) else None
        surcharge = next((rule.kg_fen for rule in rules.surcharges if _is_within(province, rule.places)), 0)
        found.append(RegionTerms(province, surcharge, _days(days), _days(quick) if quick else None, _days(cold) if cold else None))
    return tuple(found)


def _days(transit: Transit) -> Days:
    return transit.fewest_days, transit.most_days


# ── When it arrives ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Arrival:
    """About when a parcel arrives that is ordered on a day; a promise of nobody."""

    ships_on: date
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Way:
    """One way to send a parcel, with about when it arrives."""

    quote: Quote
    arrival: Arrival


_LONGEST_CLOSED = 60


def arrival(answer: Quote, *, ordered_on: date, ships_on: str, closed: Container[date], rules: Rules) -> Arrival:
    """When a parcel that is ordered on the business day `ordered_on` is handed over and arrives.

    `ships_on`: the days of the week on which its cooperative ships, 1 for Monday; `closed`: days on which it does not all the same, such as holidays.
    """
    day, still = ordered_on, rules.packing.shipping_days
    for _ in range(_LONGEST_CLOSED):
        day += timedelta(days=1)
        still -= str(day.isoweekday()) in ships_on and day not in closed
        if not still:
            break
    return Arrival(day, day + timedelta(days=answer.fewest_days), day + timedelta(days=answer.most_days))


def _is_within(code: str, places: Iterable[str]) -> bool:
    return code.startswith(tuple(places))


def _kilograms_begun(grams: int) -> int:
    return -(-max(0, grams) // GRAMS_PER_KG)
