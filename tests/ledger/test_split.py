from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.ledger.split import Tree, Weighted, split, step

GRAMS = st.integers(1, 10**7)
FEN = st.integers(0, 10**9)


def village(weight: int, id: int = 1, code: str | None = None) -> Weighted:
    return Weighted(code=code, id=id, weight=weight)


def villages(*weights: int) -> list[Weighted]:
    """One village for each weight, with codes in order."""
    return [village(weight, id=100 - number, code=f"5206021{number:05d}") for number, weight in enumerate(weights)]


def farmers(max_size: int = 12, min_size: int = 1):
    return st.lists(GRAMS, min_size=min_size, max_size=max_size).map(lambda weights: villages(*weights))


def by_the_book(total: int, weights: list[Weighted]) -> dict[int, int]:
    """DESIGN §2.4 written a second time, slowly: a sorted list instead of a heap, a recursive tree instead of numbers."""
    parts = [((side.weight, 0, side.code or "", side.id), side) for side in weights]
    merged = 0
    while len(parts) > 1:
        parts.sort(key=lambda part: part[0])
        left, right, *rest = parts
        merged += 1
        parts = [*rest, ((left[0][0] + right[0][0], 1, "", merged), (left, right))]

    def give(total, part):
        (weight, *_), inner = part
        if isinstance(inner, Weighted):
            return {inner.id: total}
        left, right = inner
        to_left = (2 * total * left[0][0] + weight) // (2 * weight) if weight else 0
        return give(to_left, left) | give(total - to_left, right)

    return give(total, parts[0])


def test_lot_b_of_the_worked_example():
    # DESIGN §2: 700 kg 白水村 and 300 kg 高坝田村, a fresh lot, 6 667 fen.
    assert split(6_667, villages(700_000, 300_000)) == (4_667, 2_000)


def test_a_lot_of_one_village_gives_it_all():
    assert split(13_333, villages(1_000)) == (13_333,)


def test_nought_gives_noughts():
    assert split(0, villages(6, 6, 2)) == (0, 0, 0)
    assert split(0, villages(0, 0, 0)) == (0, 0, 0)


def test_the_eleventh_fen_takes_nothing_from_anybody():
    # Largest remainder would step from 4,4,2 to 5,5,1.
    tree = Tree(villages(6, 6, 2))
    assert tree.split(10) == (4, 4, 2)
    assert all(gain >= 0 for gain in tree.step(11, 1))


def test_half_a_fen_goes_to_the_left_which_is_the_smaller():
    assert split(2, villages(3, 1)) == (1, 1)
    assert split(6, villages(1, 3)) == (2, 4)


def test_of_equal_weights_the_smaller_code_is_left():
    assert split(1, [village(5, id=1, code="520602109002"), village(5, id=2, code="520602109001")]) == (0, 1)


def test_of_equal_weights_without_code_the_smaller_id_is_left_and_before_any_code():
    assert split(1, [village(5, id=8), village(5, id=3)]) == (0, 1)
    assert split(1, [village(5, id=1, code="520602109001"), village(5, id=3)]) == (0, 1)


def test_of_equal_weights_a_source_is_taken_before_a_merged_node():
    # 1 + 1 make 2; the source of 2 is taken first and stands left of them, so it gets the half fen.
    assert split(1, [village(1, id=1, code="a"), village(1, id=2, code="b"), village(2, id=3, code="c")]) == (0, 0, 1)


def test_of_equal_merged_nodes_the_first_merged_is_left():
    # a+b is merged before c+d; the half fen goes to a+b, and there to a.
    assert split(1, villages(1, 1, 1, 1)) == (1, 0, 0, 0)


def test_nobody_without_grams_gets_a_fen():
    assert split(101, villages(0, 7, 0, 3)) == (0, 71, 0, 30)


def test_a_fen_for_nobody_is_a_programming_mistake():
    with pytest.raises(AssertionError):
        split(1, villages(0, 0))
    with pytest.raises(AssertionError):
        split(0, [])
    with pytest.raises(AssertionError):
        split(-1, villages(1, 2))
    with pytest.raises(AssertionError):
        split(1, villages(1, -2))
    with pytest.raises(AssertionError):
        split(1, [village(1, id=4), village(2, id=4)])
    with pytest.raises(AssertionError):
        Tree(villages(1, 2)).step(10, -1)
    with pytest.raises(AssertionError):
        Tree(villages(1, 2)).step(10, 11)


@given(total=FEN, weights=st.lists(st.integers(0, 6), min_size=1, max_size=9).map(lambda weights: villages(*weights)))
def test_it_is_the_function_of_the_book(total, weights):
    # Small weights make many ties.
    total = total if any(side.weight for side in weights) else 0
    assert dict(zip([side.id for side in weights], split(total, weights), strict=True)) == by_the_book(total, weights)


@given(total=FEN, weights=farmers(max_size=6), shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_villages_does_not_matter(total, weights, shuffle):
    told = dict(zip([side.id for side in weights], split(total, weights), strict=True))
    shuffle.shuffle(weights)
    assert dict(zip([side.id for side in weights], split(total, weights), strict=True)) == told


@given(before=FEN, added=st.integers(0, 10**6), weights=farmers())
def test_a_sale_sums_exactly_and_takes_from_no_village(before, added, weights):
    gains = step(before + added, added, weights)
    assert sum(gains) == added
    assert min(gains) >= 0


@given(weights=farmers(max_size=5), start=st.integers(0, 10_000))
def test_no_single_fen_ever_takes_from_a_village(weights, start):
    tree = Tree(weights)
    for total in range(start + 1, start + 60):
        assert sorted(tree.step(total, 1)) == [0] * (len(weights) - 1) + [1]


@given(sales=st.lists(st.integers(0, 50_000), max_size=60), weights=farmers())
def test_over_a_lots_life_the_sales_add_up_to_the_split_of_the_total(sales, weights):
    tree, total, got = Tree(weights), 0, [0] * len(weights)
    for fen in sales:
        total += fen
        got = [has + gain for has, gain in zip(got, tree.step(total, fen), strict=True)]
    assert tuple(got) == tree.split(total)


@given(total=FEN, weights=farmers(max_size=3))
def test_up_to_three_villages_stay_within_one_fen_of_their_grams(total, weights):
    assert worst_error(total, weights) <= 1


@given(total=FEN, weights=farmers(max_size=40, min_size=4))
def test_any_number_of_villages_stay_within_two_fen_of_their_grams(total, weights):
    assert worst_error(total, weights) < 2


def test_lopsided_weights_stay_within_two_fen_too():
    # Powers of two and Fibonacci numbers make the deepest trees.
    powers, fibonacci = [1], [1, 1]
    for _ in range(29):
        powers.append(2 * powers[-1])
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    for weights in (villages(*powers), villages(*fibonacci)):
        assert max(worst_error(total, weights) for total in range(5_000)) < 2


def worst_error(total: int, weights: list[Weighted]) -> Fraction:
    whole = sum(side.weight for side in weights)
    return max(abs(share - Fraction(total * side.weight, whole)) for share, side in zip(split(total, weights), weights, strict=True))
