"""What vouchers take off: the worked example of docs/vouchers.md, and what holds for all of them."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.kit.ids import CategoryId, VillageId, VoucherId
from shop.offers.discounts import Good, Terms, grant, why_not
from shop.offers.errors import WhyNot
from shop.offers.models import VoucherKind

TODAY = date(2026, 11, 28)
BAISHUI, WAWU = VillageId(1), VillageId(2)
GRAIN, TEA = CategoryId(1), CategoryId(2)

TEN_OFF = Terms(
    id=VoucherId(1),
    code="QIU10",
    name="秋收立减",
    name_en="",
    kind=VoucherKind.FIXED,
    worth=10_00,
    most_fen=None,
    minimum_fen=100_00,
    village_id=None,
    category_id=None,
    first_day=date(2026, 11, 1),
    last_day=date(2026, 11, 30),
    most_uses=None,
    most_per_buyer=None,
    is_stackable=True,
    used=0,
    is_ended=False,
)
TENTH_OF_BAISHUI = replace(
    TEN_OFF, id=VoucherId(2), code="BAISHUI", kind=VoucherKind.PERCENT, worth=1_000, village_id=BAISHUI, minimum_fen=0
)

RICE = Good(1, 204_00, BAISHUI, GRAIN)
OIL = Good(2, 108_00, WAWU, GRAIN)
TEA_BOX = Good(3, 198_00, WAWU, TEA)


def test_the_worked_example() -> None:
    """A tenth of what comes from Baishui first, ¥20.40; then ¥10.00 over all three lines, by what each still costs: 183.60, 108.00, 198.00."""
    discount, refused = grant([TEN_OFF, TENTH_OF_BAISHUI], [RICE, OIL, TEA_BOX])
    assert refused == {}
    assert [(one.terms.code, one.shares_fen) for one in discount.granted] == [("BAISHUI", (20_40, 0, 0)), ("QIU10", (3_75, 2_21, 4_04))]
    assert discount.fen == 30_40
    assert [good.gross_fen - discount.of_line(place) for place, good in enumerate([RICE, OIL, TEA_BOX])] == [179_85, 105_79, 193_96]


def test_the_order_in_which_they_were_typed_changes_nothing() -> None:
    goods = [RICE, OIL, TEA_BOX]
    assert grant([TEN_OFF, TENTH_OF_BAISHUI], goods) == grant([TENTH_OF_BAISHUI, TEN_OFF], goods)


def test_one_that_stands_alone_keeps_the_second_away() -> None:
    alone = replace(TENTH_OF_BAISHUI, is_stackable=False)
    discount, refused = grant([TEN_OFF, alone], [RICE])
    assert [one.terms.code for one in discount.granted] == ["QIU10"]
    assert refused == {"BAISHUI": WhyNot.STANDS_ALONE}


def test_a_part_is_capped_and_rounded_half_up() -> None:
    goods = [replace(RICE, gross_fen=10_05)]
    assert grant([TENTH_OF_BAISHUI], goods)[0].fen == 1_01
    assert grant([replace(TENTH_OF_BAISHUI, most_fen=50)], goods)[0].fen == 50


def test_no_line_is_given_away() -> None:
    discount, _ = grant([replace(TEN_OFF, worth=500_00)], [replace(RICE, gross_fen=3_00), replace(OIL, gross_fen=1)])
    assert discount.granted[0].shares_fen == (2_99, 0)


@pytest.mark.parametrize(
    ("terms", "uses", "why"),
    [
        (TEN_OFF, 0, None),
        (replace(TEN_OFF, is_ended=True), 0, WhyNot.OVER),
        (replace(TEN_OFF, last_day=date(2026, 11, 27)), 0, WhyNot.OVER),
        (replace(TEN_OFF, first_day=date(2026, 11, 29)), 0, WhyNot.NOT_YET),
        (replace(TEN_OFF, first_day=TODAY, last_day=TODAY), 0, None),
        (replace(TEN_OFF, most_uses=5, used=5), 0, WhyNot.USED_UP),
        (replace(TEN_OFF, most_per_buyer=1), 1, WhyNot.BUYER_USED_UP),
        (replace(TEN_OFF, most_per_buyer=2), 1, None),
        (replace(TEN_OFF, minimum_fen=204_00), 0, None),
        (replace(TEN_OFF, minimum_fen=204_01), 0, WhyNot.BELOW_MINIMUM),
        (replace(TEN_OFF, village_id=WAWU), 0, WhyNot.NOTHING_BOUND),
        (replace(TEN_OFF, category_id=TEA), 0, WhyNot.NOTHING_BOUND),
        (replace(TEN_OFF, category_id=GRAIN), 0, None),
    ],
)
def test_when_a_voucher_can_be_used(terms: Terms, uses: int, why: WhyNot | None) -> None:
    assert why_not(terms, [RICE], today=TODAY, uses_of_buyer=uses) is why


@given(
    st.lists(st.tuples(st.integers(1, 300_00), st.sampled_from([BAISHUI, WAWU]), st.sampled_from([GRAIN, TEA])), min_size=1, max_size=6),
    st.lists(
        st.builds(
            replace,
            st.just(TEN_OFF),
            kind=st.sampled_from(list(VoucherKind)),
            worth=st.integers(1, 9_000),
            village_id=st.sampled_from([None, BAISHUI]),
            category_id=st.sampled_from([None, TEA]),
        ),
        max_size=3,
    ),
)
def test_shares_sum_to_what_is_taken_off_and_stay_on_the_lines_they_are_for(
    rows: list[tuple[int, VillageId, CategoryId]], vouchers: list[Terms]
) -> None:
    goods = [Good(position, *row) for position, row in enumerate(rows, start=1)]
    named = [replace(terms, id=VoucherId(number), code=f"V{number}") for number, terms in enumerate(vouchers)]
    discount, _ = grant(named, goods)
    for place, good in enumerate(goods):
        assert 0 <= discount.of_line(place) < good.gross_fen
        for one in discount.granted:
            bound = one.terms.village_id in (None, good.village_id) and one.terms.category_id in (None, good.category_id)
            assert bound or one.shares_fen[place] == 0
    for one in discount.granted:
        assert one.fen > 0 and (one.terms.kind is VoucherKind.PERCENT or one.fen <= one.terms.worth)
