from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.kit.apportion import largest_remainder

weights_above_nought = st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any)


def test_the_picks_of_the_worked_example():
    # DESIGN §2: 20 000 fen over two bags and one bag, 13 333.33 and 6 666.67.
    assert largest_remainder(20_000, [2, 1], [1, 2]) == (13_333, 6_667)


def test_equal_remainders_go_to_the_smaller_id_wherever_it_stands():
    assert largest_remainder(1, [1, 1, 1], [9, 4, 7]) == (0, 1, 0)
    assert largest_remainder(5, [1, 1, 1], [9, 4, 7]) == (1, 2, 2)


def test_the_larger_remainder_goes_before_the_smaller_id():
    # 2.5 and 7.5 tie; 1.25, 2.5, 6.25: only the half gets the fen.
    assert largest_remainder(10, [1, 3], [1, 2]) == (3, 7)
    assert largest_remainder(10, [1, 2, 5], [1, 2, 3]) == (1, 3, 6)


def test_nought_is_divided_over_anything_and_a_fen_only_over_a_weight():
    assert largest_remainder(0, [0, 0], [1, 2]) == (0, 0)
    assert largest_remainder(0, [], []) == ()
    assert largest_remainder(7, [0, 3, 0], [1, 2, 3]) == (0, 7, 0)
    with pytest.raises(AssertionError):
        largest_remainder(1, [0, 0], [1, 2])


@pytest.mark.parametrize(("total", "weights", "ids"), [(-1, [1], [1]), (1, [-1, 3], [1, 2]), (1, [1, 1], [1, 1]), (1, [1], [1, 2])])
def test_a_senseless_question_is_a_programming_mistake(total, weights, ids):
    with pytest.raises(AssertionError):
        largest_remainder(total, weights, ids)


@given(total=st.integers(0, 10**10), weights=weights_above_nought)
def test_parts_sum_exactly_and_none_is_a_unit_from_its_share(total, weights):
    parts = largest_remainder(total, weights, range(len(weights)))
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(weights=weights_above_nought, portion=st.fractions(0, 1))
def test_a_part_never_exceeds_its_weight_while_the_total_does_not(weights, portion):
    total = int(sum(weights) * portion)
    assert all(part <= weight for part, weight in zip(largest_remainder(total, weights, range(len(weights))), weights, strict=True))


@given(total=st.integers(0, 10**6), weights=weights_above_nought, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_asking_does_not_matter(total, weights, shuffle):
    ids = list(range(len(weights)))
    shuffle.shuffle(ids)
    parts = largest_remainder(total, weights, range(len(weights)))
    assert largest_remainder(total, [weights[i] for i in ids], ids) == tuple(parts[i] for i in ids)
