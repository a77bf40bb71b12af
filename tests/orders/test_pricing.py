import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.orders.pricing import NetLine, PricedLine, price_lines, split_box_price


def test_the_order_of_the_worked_example():
    # DESIGN §2: ¥10.00 off an order of ¥510.00; ¥4.00 of it falls on three bags of rice at ¥68.00.
    rice, mushrooms, tea = price_lines([PricedLine(1, 6_800, 3), PricedLine(2, 10_800, 1), PricedLine(3, 9_900, 2)], 1_000)
    assert rice == NetLine(1, gross_fen=20_400, discount_fen=400)
    assert rice.net_fen == 20_000
    assert (mushrooms.discount_fen, tea.discount_fen) == (212, 388)
    assert (mushrooms.net_fen, tea.net_fen) == (10_588, 19_412)


def test_without_a_discount_a_line_is_price_times_quantity():
    assert [line.net_fen for line in price_lines([PricedLine(1, 6_800, 3), PricedLine(2, 0, 1)])] == [20_400, 0]


def test_equal_lines_share_an_odd_fen_by_position():
    first, second = price_lines([PricedLine(2, 500, 1), PricedLine(1, 500, 1)], 1)
    assert (first.discount_fen, second.discount_fen) == (0, 1)


def test_a_discount_larger_than_the_order_is_a_programming_mistake():
    with pytest.raises(AssertionError):
        price_lines([PricedLine(1, 100, 1)], 101)
    with pytest.raises(AssertionError):
        price_lines([PricedLine(1, 100, 0)])


def test_a_gift_box_is_sold_as_its_components():
    assert split_box_price(19_800, [9_900, 6_800, 6_800]) == (8_341, 5_730, 5_729)


@given(
    rows=st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 1_000)), min_size=1, max_size=10),
    portion=st.fractions(0, 1),
)
def test_shares_sum_to_the_discount_and_no_line_costs_less_than_nothing(rows, portion):
    lines = [PricedLine(position, price, quantity) for position, (price, quantity) in enumerate(rows, start=1)]
    goods = sum(line.gross_fen for line in lines)
    discount = int(goods * portion)
    priced = price_lines(lines, discount)
    assert sum(line.discount_fen for line in priced) == discount
    assert sum(line.net_fen for line in priced) == goods - discount
    assert all(0 <= line.discount_fen <= line.gross_fen for line in priced)
