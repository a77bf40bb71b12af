from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.kit.ids import LotId, PickId, VillageId
from shop.ledger.attribution import (
    LotTotal,
    PickedFen,
    PickedUnits,
    PickRefund,
    Recorded,
    Share,
    SoldPick,
    Source,
    attribute,
    fen_by_lot,
    fen_of_picks,
    latest_picks,
    refund_by_amount,
    refund_by_quantity,
    refund_shares,
    refund_units,
)

BAISHUI, GAOBATIAN, PINGCHA = VillageId(1), VillageId(2), VillageId(3)
CODES = {BAISHUI: "520602205001", GAOBATIAN: "520602104003", PINGCHA: None}
LOT_A, LOT_B = LotId(10), LotId(11)
PICK_1, PICK_2, PICK_3 = PickId(101), PickId(102), PickId(103)


def source(village: VillageId, grams: int) -> Source:
    return Source(village, CODES[village], grams)


def lot(*sources: Source, gross_fen: int, version: int = 1) -> LotTotal:
    return LotTotal(sources, version, gross_fen)


def recorded(shares: list[Share] | tuple[Share, ...]) -> list[Recorded]:
    return [Recorded(share.village_id, CODES[share.village_id], share.amount_fen) for share in shares]


def test_the_worked_example_to_the_fen():
    """DESIGN §2: 3 × 5 kg rice at ¥68.00, ¥4.00 of the order's discount; two bags from lot A, one from lot B; the lot-B bag comes back."""
    net_fen = 3 * 6_800 - 400
    assert net_fen == 20_000

    picks = fen_of_picks(net_fen, [PickedUnits(PICK_1, LOT_A, units=2), PickedUnits(PICK_2, LOT_B, units=1)])
    assert [pick.fen for pick in picks] == [13_333, 6_667]
    assert fen_by_lot(picks) == {LOT_A: 13_333, LOT_B: 6_667}

    shares = attribute(
        picks,
        {
            LOT_A: lot(source(BAISHUI, 1_000_000), gross_fen=13_333),
            LOT_B: lot(source(BAISHUI, 700_000), source(GAOBATIAN, 300_000), gross_fen=6_667),
        },
    )
    assert shares == (
        Share(PICK_1, LOT_A, BAISHUI, 13_333, lot_total_fen=13_333, source_version=1),
        Share(PICK_2, LOT_B, BAISHUI, 4_667, lot_total_fen=6_667, source_version=1),
        Share(PICK_2, LOT_B, GAOBATIAN, 2_000, lot_total_fen=6_667, source_version=1),
    )
    assert by_village(shares) == {BAISHUI: 18_000, GAOBATIAN: 2_000}

    sold = [SoldPick(PICK_1, fen=13_333, units=2), SoldPick(PICK_2, fen=6_667, units=1)]
    (refund,) = refund_units(latest_picks(sold, 1))
    assert refund == PickRefund(PICK_2, units=1, fen=6_667)
    assert refund_shares(recorded(shares[1:]), 0, refund.fen) == (4_667, 2_000)


def test_picks_of_one_lot_are_counted_up_one_after_the_other():
    # The lot stood at 100 fen; two lines of 7 and 5 fen draw on it, given in the wrong order.
    picks = [PickedFen(PICK_2, LOT_B, 5), PickedFen(PICK_1, LOT_B, 7)]
    first, first_too, second, second_too = attribute(
        picks, {LOT_B: lot(source(BAISHUI, 1), source(GAOBATIAN, 1), gross_fen=112, version=3)}
    )
    assert (first.pick_id, first.lot_total_fen, first.source_version) == (PICK_1, 107, 3)
    assert (second.pick_id, second.lot_total_fen, second.source_version) == (PICK_2, 112, 3)
    # 高坝田's code is the smaller, so the half fen of 107 is its; 112 divides evenly.
    assert (first.amount_fen, first_too.amount_fen) == (3, 4)
    assert (second.amount_fen, second_too.amount_fen) == (3, 2)


def test_a_line_given_away_still_names_its_villages():
    picks = fen_of_picks(0, [PickedUnits(PICK_1, LOT_B, units=4)])
    shares = attribute(picks, {LOT_B: lot(source(BAISHUI, 7), source(GAOBATIAN, 3), gross_fen=6_667)})
    assert [(share.village_id, share.amount_fen) for share in shares] == [(BAISHUI, 0), (GAOBATIAN, 0)]
    assert refund_by_quantity(0, 4, 0, 4, 0) == 0
    assert refund_shares(recorded(shares), 0, 0) == (0, 0)
    assert refund_shares([], 0, 0) == ()


def test_a_total_that_was_not_raised_is_a_programming_mistake():
    with pytest.raises(AssertionError):
        attribute([PickedFen(PICK_1, LOT_A, 10)], {LOT_A: lot(source(BAISHUI, 1), gross_fen=9)})


def test_a_refund_without_a_pick_named_takes_the_latest_that_is_left():
    picks = [
        SoldPick(PICK_3, fen=100, units=2, returned_units=2, refunded_fen=100),
        SoldPick(PICK_1, fen=300, units=3),
        SoldPick(PICK_2, fen=200, units=2, returned_units=1, refunded_fen=100),
    ]
    assert [(pick.pick_id, units) for pick, units in latest_picks(picks, 3)] == [(PICK_2, 1), (PICK_1, 2)]
    assert latest_picks(picks, 0) == ()
    with pytest.raises(AssertionError):
        latest_picks(picks, 5)


def test_units_come_back_at_the_half_up_of_what_they_cost():
    assert refund_by_quantity(20_000, 3, 0, 1, 0) == 6_667
    assert refund_by_quantity(20_000, 3, 1, 1, 6_667) == 6_666
    assert refund_by_quantity(20_000, 3, 2, 1, 13_333) == 6_667
    assert refund_by_quantity(1, 2, 0, 1, 0) == 1
    assert refund_by_quantity(1, 2, 1, 1, 1) == 0


def test_what_was_given_back_as_an_amount_is_not_given_back_again_with_the_bag():
    # Two bags at ¥68.00; ¥20.00 for a torn bag first, then one bag comes back, then the other.
    assert refund_by_quantity(13_600, 2, 0, 1, 2_000) == 4_800
    assert refund_by_quantity(13_600, 2, 1, 1, 6_800) == 6_800
    # Nearly everything was given back as an amount: the first bag brings nothing, the second what is left.
    assert refund_by_quantity(13_600, 2, 0, 1, 13_000) == 0
    assert refund_by_quantity(13_600, 2, 1, 1, 13_000) == 600


def test_the_odd_fen_of_a_refund_goes_by_village_code_as_in_a_sale():
    even = [Recorded(BAISHUI, CODES[BAISHUI], 50), Recorded(GAOBATIAN, CODES[GAOBATIAN], 50)]
    assert refund_shares(even, 0, 1) == (0, 1)
    assert refund_shares(even, 1, 1) == (1, 0)


def test_more_back_than_out_is_a_programming_mistake():
    with pytest.raises(AssertionError):
        refund_by_quantity(100, 2, 1, 2, 50)
    with pytest.raises(AssertionError):
        refund_by_quantity(100, 2, 0, 1, 101)
    with pytest.raises(AssertionError):
        refund_by_amount(101, [SoldPick(PICK_1, fen=100, units=1)])
    with pytest.raises(AssertionError):
        refund_shares([Recorded(BAISHUI, None, 100)], 60, 41)


def test_an_amount_goes_over_the_picks_by_what_is_left():
    picks = [SoldPick(PICK_1, fen=13_333, units=2), SoldPick(PICK_2, fen=6_667, units=1, refunded_fen=6_667, returned_units=1)]
    assert refund_by_amount(1_000, picks) == (PickRefund(PICK_1, 0, 1_000), PickRefund(PICK_2, 0, 0))
    assert [refund.fen for refund in refund_by_amount(1, [SoldPick(PICK_2, 50, 1), SoldPick(PICK_1, 50, 1)])] == [0, 1]


# --- any lot, any season -----------------------------------------------------------------------------------------------------------------

farms = st.lists(st.integers(1, 5_000_000), min_size=1, max_size=7).map(
    lambda grams: tuple(Source(VillageId(number), f"52060220{number:04d}", weight) for number, weight in enumerate(grams))
)


def by_village(shares) -> dict[VillageId, int]:
    sums: dict[VillageId, int] = {}
    for share in shares:
        sums[share.village_id] = sums.get(share.village_id, 0) + share.amount_fen
    return sums


@given(net_fen=st.integers(0, 10**8), units=st.lists(st.integers(1, 1_000), min_size=1, max_size=8))
def test_the_picks_of_a_line_sum_to_its_net(net_fen, units):
    picks = [PickedUnits(PickId(number), LotId(number % 3), count) for number, count in enumerate(units)]
    fen = fen_of_picks(net_fen, picks)
    assert sum(pick.fen for pick in fen) == net_fen == sum(fen_by_lot(fen).values())
    assert all(abs(pick.fen - Fraction(net_fen * count, sum(units))) < 1 for pick, count in zip(fen, units, strict=True))


@given(
    lots=st.lists(farms, min_size=1, max_size=3),
    orders=st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30_000)), min_size=1, max_size=4), min_size=1, max_size=12),
)
def test_over_a_lots_life_every_order_is_exact_and_every_village_near_its_grams(lots, orders):
    totals, gross, next_pick = [0] * len(lots), [{} for _ in lots], 0
    for order in orders:
        picks = []
        for where, fen in order:
            picks.append(PickedFen(PickId(next_pick), LotId(where % len(lots)), fen))
            next_pick += 1
        for lot_id, added in fen_by_lot(picks).items():
            totals[lot_id] += added
        shares = attribute(picks, {LotId(at): LotTotal(sources, 1, totals[at]) for at, sources in enumerate(lots)})
        for pick in picks:
            assert sum(share.amount_fen for share in shares if share.pick_id == pick.pick_id) == pick.fen
        for share in shares:
            assert share.amount_fen >= 0
            gross[share.lot_id][share.village_id] = gross[share.lot_id].get(share.village_id, 0) + share.amount_fen
    for at, sources in enumerate(lots):
        whole = sum(source.grams for source in sources)
        for brought in sources:
            error = abs(gross[at].get(brought.village_id, 0) - Fraction(totals[at] * brought.grams, whole))
            assert error <= 1 if len(sources) <= 3 else error < 2


@given(fen=st.integers(0, 10**6), units=st.integers(1, 60), pieces=st.lists(st.integers(1, 9), max_size=60))
def test_all_units_back_in_any_pieces_bring_all_of_the_fen(fen, units, pieces):
    returned = refunded = 0
    for piece in [*pieces, units]:
        piece = min(piece, units - returned)
        now = refund_by_quantity(fen, units, returned, piece, refunded)
        assert now >= 0
        returned, refunded = returned + piece, refunded + now
        assert abs(refunded - Fraction(fen * returned, units)) <= Fraction(1, 2)
    assert refunded == fen


@given(sold=st.lists(st.integers(0, 10**6), min_size=1, max_size=8), portion=st.fractions(0, 1))
def test_an_amount_sums_exactly_and_takes_from_no_pick_more_than_is_left(sold, portion):
    picks = [SoldPick(PickId(number), fen, units=1, refunded_fen=fen // 3) for number, fen in enumerate(sold)]
    amount = int(sum(pick.left_fen for pick in picks) * portion)
    refunds = refund_by_amount(amount, picks)
    assert sum(refund.fen for refund in refunds) == amount
    assert all(0 <= refund.fen <= pick.left_fen for refund, pick in zip(refunds, picks, strict=True))


@given(
    sources=farms,
    before=st.integers(0, 10**6),
    net_fen=st.integers(0, 10**6),
    units=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    asked=st.lists(st.tuples(st.booleans(), st.fractions(0, 1)), max_size=12),
    last_by_quantity=st.booleans(),
)
def test_everything_refunded_in_any_order_and_pieces_leaves_nought_for_every_village(
    sources, before, net_fen, units, asked, last_by_quantity
):
    line = fen_of_picks(net_fen, [PickedUnits(PickId(number), LOT_A, count) for number, count in enumerate(units)])
    shares = attribute(line, {LOT_A: LotTotal(sources, 1, before + net_fen)})
    record = {pick.pick_id: [Recorded(s.village_id, None, s.amount_fen) for s in shares if s.pick_id == pick.pick_id] for pick in line}
    kept = {pick_id: [share.fen for share in recorded] for pick_id, recorded in record.items()}
    picks = [SoldPick(pick.pick_id, pick.fen, count) for pick, count in zip(line, units, strict=True)]

    def refund(by_quantity: bool, portion: Fraction) -> int:
        """Refund some of what is left; give back how much that was."""
        if by_quantity:
            refunds = refund_units(latest_picks(picks, int(sum(pick.left_units for pick in picks) * portion)))
        else:
            refunds = refund_by_amount(int(sum(pick.left_fen for pick in picks) * portion), picks)
        for one in refunds:
            pick = picks[one.pick_id]
            back = refund_shares(record[one.pick_id], pick.refunded_fen, one.fen)
            assert sum(back) == one.fen and min(back) >= 0
            kept[one.pick_id] = [has - goes for has, goes in zip(kept[one.pick_id], back, strict=True)]
            assert min(kept[one.pick_id]) >= 0
            picks[one.pick_id] = SoldPick(pick.pick_id, pick.fen, pick.units, pick.returned_units + one.units, pick.refunded_fen + one.fen)
            assert picks[one.pick_id].left_fen >= 0
        return sum(one.fen for one in refunds)

    given_back = sum(refund(by_quantity, portion) for by_quantity, portion in asked)
    assert sum(map(sum, kept.values())) == net_fen - given_back
    for by_quantity in (last_by_quantity, not last_by_quantity):
        given_back += refund(by_quantity, Fraction(1))
    assert given_back == net_fen
    assert not any(any(fen) for fen in kept.values())
