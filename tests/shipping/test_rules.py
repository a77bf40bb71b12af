from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.kit.ids import CooperativeId
from shop.kit.regions import provinces
from shop.shipping.rules import (
    FIRST,
    PROVINCES,
    ByWeight,
    CannotShip,
    FreeFrom,
    Packing,
    Parcel,
    Quote,
    Rules,
    ServiceKind,
    Why,
    arrival,
    quote,
    rules_of,
    terms_by_province,
    ways_to_send,
)

BAISHUI = CooperativeId(1)
KUNSHAN, BIJIANG, LHASA, LANZHOU, BEIJING, DONGGUAN = "320583", "520602", "540102", "620102", "110101", "441900"


def parcel(*, grams: int = 5_000, goods_fen: int = 6_800, cold: bool = False) -> Parcel:
    return Parcel(BAISHUI, grams, goods_fen, cold)


FRIDAY = date(2026, 11, 27)


# One row for each rule, and for both sides of each of its edges.
@pytest.mark.parametrize(
    ("rule", "sent", "to", "fen", "name"),
    [
        ("by_weight: a small parcel", parcel(grams=250), KUNSHAN, 600, "by_weight"),
        ("by_weight: one bag of rice", parcel(grams=5_000), KUNSHAN, 600, "by_weight"),
        ("by_weight: a gram more begins a kilogram", parcel(grams=5_001), KUNSHAN, 750, "by_weight"),
        ("by_weight: two bags of rice", parcel(grams=10_000, goods_fen=13_600), KUNSHAN, 1_350, "by_weight"),
        ("free: a fen below", parcel(grams=15_000, goods_fen=19_899), KUNSHAN, 2_100, "by_weight"),
        ("free: reached", parcel(grams=15_000, goods_fen=19_900), KUNSHAN, 0, "free"),
        ("surcharges: far", parcel(grams=250), LANZHOU, 800, "by_weight+far"),
        ("surcharges: farthest", parcel(grams=1_001), LHASA, 1_400, "by_weight+farthest"),
        ("surcharges: also when free", parcel(grams=15_000, goods_fen=20_400), LHASA, 6_000, "free+farthest"),
        ("cold: where it may go", parcel(grams=500, cold=True), KUNSHAN, 600, "by_weight"),
        ("cold: at home", parcel(grams=500, cold=True), BIJIANG, 600, "by_weight"),
        ("an estimate for a whole province", parcel(), "320000", 600, "by_weight"),
        ("a city without districts", parcel(), DONGGUAN, 600, "by_weight"),
    ],
)
def test_what_a_parcel_costs(rule, sent, to, fen, name):
    answer = quote(sent, to, FIRST)
    assert (answer.fen, answer.rule_name) == (fen, name)


@pytest.mark.parametrize(
    ("rule", "sent", "to", "why"),
    [
        ("not_served: Taiwan", parcel(), "710000", Why.NOT_SERVED),
        ("not_served: Hong Kong, also a district the list lacks", parcel(), "810001", Why.NOT_SERVED),
        ("not_served: Macau", parcel(goods_fen=99_900), "820000", Why.NOT_SERVED),
        ("cold: Beijing", parcel(cold=True), BEIJING, Why.TOO_FAR_FOR_COLD),
        ("cold: Lhasa", parcel(cold=True, goods_fen=99_900), LHASA, Why.TOO_FAR_FOR_COLD),
        ("nowhere", parcel(), "999999", Why.UNKNOWN_PLACE),
        ("nothing typed", parcel(), "", Why.UNKNOWN_PLACE),
    ],
)
def test_where_a_parcel_cannot_go(rule, sent, to, why):
    assert quote(sent, to, FIRST) == CannotShip(BAISHUI, why)


@pytest.mark.parametrize(
    ("to", "days"), [(BIJIANG, (1, 2)), ("430102", (2, 3)), (KUNSHAN, (3, 4)), (BEIJING, (3, 4)), (LHASA, (5, 8)), ("210102", (5, 8))]
)
def test_how_long_it_takes(to, days):
    answer = quote(parcel(), to, FIRST)
    assert (answer.fewest_days, answer.most_days) == days


def test_the_cart_can_say_how_much_more_makes_it_free():
    assert quote(parcel(goods_fen=10_800), KUNSHAN, FIRST).free_remaining_fen == 9_100
    assert quote(parcel(goods_fen=19_900), KUNSHAN, FIRST).free_remaining_fen == 0
    assert not quote(parcel(goods_fen=19_899), KUNSHAN, FIRST).is_free


def test_a_surcharge_is_told_apart():
    answer = quote(parcel(grams=2_000), LHASA, FIRST)
    assert (answer.surcharge_fen, answer.fen - answer.surcharge_fen) == (800, 600)


def test_every_rule_of_the_list_is_asked():
    """Each field of the list changes some answer when it changes."""
    nowhere = frozenset[str]()
    other = Rules(
        by_weight=ByWeight("by_weight", 5_000, 700, 150),
        free=FreeFrom("free", 100_000),
        surcharges=(),
        not_served=replace(FIRST.not_served, places=nowhere),
        cold=replace(FIRST.cold, places=nowhere),
        transits=FIRST.transits[-1:],
        quick=replace(FIRST.quick, transits=()),
        cold_transits=FIRST.cold_transits[:1] + FIRST.transits[-1:],
        packing=Packing("packing", 3),
    )
    asked = [
        (parcel(goods_fen=goods, cold=cold), to) for goods in (6_800, 20_400) for cold in (True, False) for to in (KUNSHAN, LHASA, "810000")
    ]
    for field in fields(Rules):
        changed = replace(FIRST, **{field.name: getattr(other, field.name)})
        assert any(answers(sent, to, changed) != answers(sent, to, FIRST) for sent, to in asked), field.name


def answers(sent, to, rules):
    """Everything that the rules say of a parcel."""
    ways = ways_to_send(sent, to, rules)
    return [quote(sent, to, rules), *ways, *(arrival(way, ordered_on=FRIDAY, ships_on="12345", closed=(), rules=rules) for way in ways)]


@pytest.mark.parametrize("place", provinces())
def test_every_province_has_an_answer(place):
    answer = quote(parcel(), place.code, FIRST)
    assert isinstance(answer, CannotShip) == (place.code[:2] in {"71", "81", "82"})


@given(grams=st.integers(0, 200_000), more=st.integers(0, 5_000), goods_fen=st.integers(0, 50_000))
def test_a_heavier_parcel_never_costs_less(grams, more, goods_fen):
    for to in (KUNSHAN, LHASA, LANZHOU):
        lighter, heavier = (quote(parcel(grams=weight, goods_fen=goods_fen), to, FIRST) for weight in (grams, grams + more))
        assert 0 <= lighter.fen <= heavier.fen


@pytest.mark.parametrize(
    ("sent", "to", "ways"),
    [
        (parcel(), KUNSHAN, [("ordinary", 600, 3, 4), ("quick", 1_800, 1, 2)]),
        (parcel(grams=6_000), KUNSHAN, [("ordinary", 750, 3, 4), ("quick", 2_200, 1, 2)]),
        (
            parcel(goods_fen=19_900),
            KUNSHAN,
            [("ordinary", 0, 3, 4), ("quick", 1_200, 1, 2)],
        ),  # free carriage frees what is usual, not the hurry
        (parcel(), LHASA, [("ordinary", 2_600, 5, 8)]),
        (parcel(cold=True), KUNSHAN, [("cold", 600, 2, 3)]),
        (parcel(), "810000", []),
    ],
)
def test_which_services_a_parcel_may_take(sent, to, ways):
    assert [(way.kind.value, way.fen, way.fewest_days, way.most_days) for way in ways_to_send(sent, to, FIRST)] == ways


def test_a_service_that_is_not_offered_there_is_the_usual_one():
    answer = quote(parcel(), LHASA, FIRST, kind=ServiceKind.QUICK)
    assert answer == quote(parcel(), LHASA, FIRST)


@pytest.mark.parametrize(
    ("ordered_on", "ships_on", "closed", "handed_over"),
    [
        (date(2026, 11, 25), "12345", (), date(2026, 11, 26)),
        (FRIDAY, "12345", (), date(2026, 11, 30)),
        (FRIDAY, "1234567", (), date(2026, 11, 28)),
        (FRIDAY, "25", (), date(2026, 12, 1)),
        (FRIDAY, "12345", {date(2026, 11, 30)}, date(2026, 12, 1)),  # a holiday
    ],
)
def test_a_parcel_is_handed_over_on_the_next_day_on_which_its_cooperative_ships(ordered_on, ships_on, closed, handed_over):
    answer = quote(parcel(), KUNSHAN, FIRST)
    assert isinstance(answer, Quote)
    expected = arrival(answer, ordered_on=ordered_on, ships_on=ships_on, closed=closed, rules=FIRST)
    assert (expected.ships_on, expected.first - handed_over, expected.last - handed_over) == (
        handed_over,
        timedelta(days=3),
        timedelta(days=4),
    )


def test_a_tariff_by_province_is_the_same_list_written_otherwise():
    first = FIRST
    again = rules_of(
        terms_by_province(first),
        by_weight=first.by_weight,
        free_from_fen=first.free.goods_fen,
        quick_extra=first.quick.extra,
        packing_days=1,
    )
    for province, kind, cold in product(PROVINCES, ServiceKind, (False, True)):
        answers = [quote(parcel(grams=7_300, cold=cold), f"{province}0000", rules, kind) for rules in (first, again)]
        assert len({replace(answer, rule_name="") if isinstance(answer, Quote) else answer for answer in answers}) == 1, province
