"""Money goes back exactly from where it came (DESIGN §2.5)."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from shop.acts.refund_order import RefundWanted, preview_refund, refund_order
from shop.acts.settle_refund import settle_refund
from shop.acts.ship_parcel import ship_parcel
from shop.extensions import reading
from shop.kit.ids import LineId, PickId, RefundId
from shop.orders.errors import CannotMove, NoSuchOrder, NothingToRefund, RefundTooLarge
from shop.orders.states import OrderState
from shop.payments.models import Payment, Refund, RefundState
from shop.shipping.models import Shipment
from shop.shipping.states import ShipmentState
from tests.database import TestDatabase
from tests.factories import MadeProduct, MadeVillage, Pack, make_lot, make_product, make_villages
from tests.providers import FakeProvider, Verb
from tests.shopping import NOW, assert_books_are_sound, buy, free_units, picks_of, place, state_of, village_fen


def a_blend() -> tuple[MadeProduct, tuple[MadeVillage, ...]]:
    villages = make_villages("白水村", "高坝田村", "坪茶村")
    rice = make_product(village=villages[0], packs=[Pack(grams=1_000, price_fen=33_35)])
    make_lot(rice, units=60, sources=[(village, grams) for village, grams in zip(villages, (31_000, 17_000, 12_000), strict=True)])
    return rice, villages


def refunds() -> list[tuple[int, RefundState]]:
    with reading() as session:
        return [(row.amount_fen, row.state) for row in session.scalars(select(Refund).order_by(Refund.id))]


def test_a_refund_gives_each_village_back_exactly_what_it_got(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 3})
    got = village_fen()
    (pick,) = picks_of(order.number)
    for number in range(3):
        refund_order(order.number, RefundWanted(units={pick.id: 1}, reason="test"), once=f"bag {number}", by=None, now=NOW)
        assert_books_are_sound()
    assert sum(got.values()) == 3 * 33_35
    assert set(village_fen().values()) == {0}


def test_the_same_form_sent_twice_is_one_refund(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 2})
    (pick,) = picks_of(order.number)
    wanted = RefundWanted(units={pick.id: 1}, restock=True)
    first = refund_order(order.number, wanted, once="form", by=None, now=NOW)
    assert refund_order(order.number, wanted, once="form", by=None, now=NOW) == first
    assert refunds() == [(33_35, RefundState.SUCCEEDED)]
    assert free_units(rice.sku) == 59


def test_what_comes_back_is_for_sale_again_or_written_off(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 4})
    (pick,) = picks_of(order.number)
    refund_order(order.number, RefundWanted(units={pick.id: 1}, restock=True), once="a", by=None, now=NOW)
    assert free_units(rice.sku) == 57
    refund_order(order.number, RefundWanted(units={pick.id: 1}, restock=False), once="b", by=None, now=NOW)
    assert free_units(rice.sku) == 57
    assert_books_are_sound()


def test_shipping_goes_back_from_the_carrier_and_touches_no_village(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 1})
    before = village_fen()
    refund_order(order.number, RefundWanted(shipping_fen=6_00), once="post", by=None, now=NOW)
    assert village_fen() == before
    with pytest.raises(RefundTooLarge):
        refund_order(order.number, RefundWanted(shipping_fen=1), once="more", by=None, now=NOW)
    assert_books_are_sound()


def test_no_more_goes_back_than_came_in(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 2})
    (pick,) = picks_of(order.number)
    for wanted in (
        RefundWanted(units={pick.id: 3}),
        RefundWanted(units={pick.id: -1}),
        RefundWanted(amounts={pick.line_id: 66_71}),
        RefundWanted(amounts={pick.line_id: -5}),
        RefundWanted(units={pick.id: 2}, amounts={pick.line_id: 1}),
    ):
        with pytest.raises(RefundTooLarge):
            refund_order(order.number, wanted, once="too much", by=None, now=NOW)
    for wanted in (RefundWanted(), RefundWanted(units={PickId(999): 1}), RefundWanted(units={pick.id: 0})):
        with pytest.raises(NothingToRefund):
            refund_order(order.number, wanted, once="nothing", by=None, now=NOW)
    assert refunds() == []


def test_a_refund_the_provider_fails_is_booked_back_and_can_be_asked_again(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 2})
    got = village_fen()
    (pick,) = picks_of(order.number)
    provider.first_refund_state = RefundState.PENDING
    asked = refund_order(order.number, RefundWanted(units={pick.id: 2}, shipping_fen=6_00), once="r1", by=None, now=NOW)
    assert asked.state is RefundState.PENDING
    assert set(village_fen().values()) == {0}
    provider.fail_refund(provider.last_refund_id)
    with reading() as session:
        refund_id = RefundId(session.scalars(select(Refund.id)).one())
    for _ in range(2):
        assert settle_refund(refund_id, now=NOW + timedelta(hours=1)) is RefundState.FAILED
    assert village_fen() == got
    assert_books_are_sound()
    provider.first_refund_state = RefundState.SUCCEEDED
    # the bags did come back; it is the money that is owed again
    refund_order(order.number, RefundWanted(amounts={pick.line_id: 66_70}, shipping_fen=6_00), once="r2", by=None, now=NOW)
    assert set(village_fen().values()) == {0}
    assert_books_are_sound()


def test_a_lost_answer_sends_the_money_once(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 2})
    (pick,) = picks_of(order.number)
    provider.fail_after_acting(Verb.REFUND)
    asked = refund_order(order.number, RefundWanted(units={pick.id: 1}), once="r", by=None, now=NOW)
    assert asked.state is RefundState.ASKED
    with reading() as session:
        refund_id = RefundId(session.scalars(select(Refund.id)).one())
    assert settle_refund(refund_id, now=NOW) is RefundState.SUCCEEDED
    assert len(provider.refunds) == 1
    with reading() as session:
        assert session.scalars(select(Payment.refunded_fen)).all() == [33_35]


def test_an_unpaid_or_unknown_order_has_nothing_to_give_back(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    placed = place({rice.sku: 1})
    (pick,) = picks_of(placed.number)
    with pytest.raises(CannotMove):
        refund_order(placed.number, RefundWanted(units={pick.id: 1}), once="r", by=None, now=NOW)
    with pytest.raises(NoSuchOrder):
        refund_order("SH-000000-NOBODY", RefundWanted(units={pick.id: 1}), once="r", by=None, now=NOW)


def test_a_parcel_of_which_nothing_is_left_is_not_sent(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 1})
    (pick,) = picks_of(order.number)
    refund_order(order.number, RefundWanted(units={pick.id: 1}, restock=True), once="r", by=None, now=NOW)
    with reading() as session:
        assert session.scalars(select(Shipment.state)).all() == [ShipmentState.CANCELLED]
    assert state_of(order.number) is OrderState.COMPLETED


def test_a_shipped_order_can_still_be_refunded(provider: FakeProvider) -> None:
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 1})
    with reading() as session:
        shipment_id = session.scalars(select(Shipment.id)).one()
    ship_parcel(shipment_id, carrier="中国邮政", tracking_number="EM1", by=None, now=NOW)
    (pick,) = picks_of(order.number)
    refund_order(order.number, RefundWanted(units={pick.id: 1}), once="r", by=None, now=NOW)
    assert state_of(order.number) is OrderState.SHIPPED
    assert_books_are_sound()


@settings(max_examples=12)
@given(
    pieces=st.lists(st.one_of(st.tuples(st.just("units"), st.integers(1, 3)), st.tuples(st.just("fen"), st.integers(1, 9_000))), max_size=6)
)
def test_refunds_in_any_pieces_never_take_more_than_a_village_got_and_end_at_nought(
    provider: FakeProvider, database: TestDatabase, pieces: list[tuple[str, int]]
) -> None:
    database.renew()
    rice, _ = a_blend()
    order = buy(provider, {rice.sku: 4})
    got = village_fen()
    (pick,) = picks_of(order.number)
    for number, (kind, much) in enumerate(pieces):
        wanted = RefundWanted(units={pick.id: much}) if kind == "units" else RefundWanted(amounts={LineId(pick.line_id): much})
        try:
            with reading():
                preview = preview_refund(order.number, wanted)
            refund_order(order.number, wanted, once=f"piece {number}", by=None, now=NOW)
        except (RefundTooLarge, NothingToRefund):
            continue
        assert {change.village_id: change.after_fen for change in preview.villages} == village_fen()
        assert all(0 <= fen <= got[village] for village, fen in village_fen().items())
    left = sum(village_fen().values())
    if left:
        refund_order(order.number, RefundWanted(amounts={LineId(pick.line_id): left}), once="the rest", by=None, now=NOW)
    assert set(village_fen().values()) == {0}
    assert_books_are_sound()
