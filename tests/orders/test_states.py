from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.orders.states import (
    DELIVERED_AFTER,
    FIRST_STATES,
    HOLD_TIME,
    MOVES,
    RETURN_WINDOW,
    SESSION_TIME,
    OrderState,
    is_paid,
    may_move,
    state_of_order,
)
from shop.shipping.states import ShipmentState

TO_PACK, SHIPPED, DELIVERED, CANCELLED = (
    ShipmentState.TO_PACK,
    ShipmentState.SHIPPED,
    ShipmentState.DELIVERED,
    ShipmentState.CANCELLED,
)


def test_the_way_of_an_order_that_goes_well():
    way = ["awaiting_payment", "paid", "packing", "shipped", "delivered", "completed"]
    for now, then in pairwise(way):
        assert may_move(OrderState(now), OrderState(then))
        assert not may_move(OrderState(then), OrderState(now))


@pytest.mark.parametrize("never_paid", [OrderState.LAPSED, OrderState.CANCELLED])
def test_an_order_lapses_or_is_cancelled_before_payment_only(never_paid):
    assert [state for state in OrderState if may_move(state, never_paid)] == [OrderState.AWAITING_PAYMENT]


def test_money_that_comes_late_may_save_a_lapsed_order_but_not_a_cancelled_one():
    assert may_move(OrderState.LAPSED, OrderState.PAID)
    assert not may_move(OrderState.CANCELLED, OrderState.PAID)


def test_a_paid_order_never_becomes_unpaid():
    for now in OrderState:
        assert not (is_paid(now) and any(not is_paid(then) for then in MOVES[now]))
    assert [state for state in OrderState if not is_paid(state)] == ["awaiting_payment", "lapsed", "cancelled"]


def test_every_state_stands_in_the_table_and_can_be_reached_and_staying_is_no_move():
    assert set(MOVES) == set(OrderState)
    assert FIRST_STATES.union(*MOVES.values()) == set(OrderState)
    assert not any(may_move(state, state) for state in OrderState)


def test_the_times_are_those_that_the_pages_promise():
    assert timedelta(minutes=31) == SESSION_TIME
    assert timedelta(minutes=35) == HOLD_TIME
    assert timedelta(days=10) == DELIVERED_AFTER
    assert timedelta(days=7) == RETURN_WINDOW


@pytest.mark.parametrize(
    ("parcels", "state"),
    [
        ([TO_PACK], "paid"),
        ([TO_PACK, TO_PACK], "paid"),
        ([TO_PACK, SHIPPED], "packing"),
        ([TO_PACK, DELIVERED], "packing"),
        ([SHIPPED], "shipped"),
        ([SHIPPED, DELIVERED], "shipped"),
        ([DELIVERED, DELIVERED], "delivered"),
        ([DELIVERED, CANCELLED], "delivered"),
        ([SHIPPED, CANCELLED], "shipped"),
        ([TO_PACK, CANCELLED], "paid"),
        ([CANCELLED, CANCELLED], "completed"),
    ],
)
def test_an_order_follows_its_parcels(parcels, state):
    assert state_of_order(parcels) is OrderState(state)
    assert state_of_order(reversed(parcels)) is OrderState(state)


def test_parcels_that_wait_for_payment_say_nothing():
    with pytest.raises(AssertionError):
        state_of_order([ShipmentState.WAITING])


PARCEL_MOVES = {TO_PACK: [SHIPPED, CANCELLED], SHIPPED: [DELIVERED], DELIVERED: [], CANCELLED: []}


@given(count=st.integers(1, 5), turns=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=20))
def test_however_the_parcels_go_the_order_only_makes_allowed_moves(count, turns):
    parcels = [TO_PACK] * count
    order = state_of_order(parcels)
    for which, cancel in turns:
        onward = PARCEL_MOVES[parcels[which % count]]
        if not onward:
            continue
        parcels[which % count] = onward[-1] if cancel else onward[0]
        then = state_of_order(parcels)
        assert then is order or may_move(order, then)
        order = then
