"""An order changed by staff before it is packed: nobody is charged, what is left over goes back, the books are exact at every step."""

import pytest
from flask import Flask
from sqlalchemy import select

from shop.acts.edit_order import CannotSwap, CostsMore, EditWanted, NoSuchUnits, NothingToEdit, TooMuchForOne, edit_order, preview_edit
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.ship_parcel import ship_parcel
from shop.extensions import reading
from shop.kit.ids import LineId
from shop.ledger.models import Attribution, Entry, EntryKind, Posting
from shop.orders.errors import CannotMove
from shop.orders.models import Order, OrderEvent, OrderLine
from shop.orders.service import Address
from shop.orders.states import OrderState
from shop.outbox.models import Letter
from shop.payments.models import Payment, Refund
from shop.shipping.models import Shipment
from shop.stock.errors import NotEnoughStock
from tests.factories import NOW, MadeProduct, Pack, Person, make_cooperative, make_lot, make_product, make_staff, make_villages
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, free_units, picks_of, state_of, village_fen

PLENTY = 100_000_00


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """Two villages' rice in three packs: ¥68.00, ¥60.00 and ¥90.00."""
    one, two = make_villages("白水村", "高坝田村")
    cooperative = make_cooperative(villages=(one, two))
    product = make_product(packs=[Pack(68_00), Pack(60_00, 4_000), Pack(90_00, 6_000)], cooperative=cooperative)
    make_lot(product, units={sku.id: 20 for sku in product.skus}, sources=[(one, 700_000), (two, 300_000)], produced_grams=1_000_000)
    return product


@pytest.fixture
def staff(rice: MadeProduct) -> Person:
    return make_staff()


def lines_of(number: str) -> list[OrderLine]:
    with reading() as session:
        return list(
            session.scalars(
                select(OrderLine).join(Order, Order.id == OrderLine.order_id).where(Order.number == number).order_by(OrderLine.position)
            )
        )


def first_line(number: str) -> LineId:
    return LineId(lines_of(number)[0].id)


def edit(number: str, wanted: EditWanted, staff: Person, *, once: str = "1", four_eyes_fen: int = PLENTY) -> int:
    return edit_order(number, wanted, four_eyes_fen=four_eyes_fen, once=once, by=staff.id, now=NOW).refund_fen


def money(number: str) -> tuple[int, int]:
    """What was received for the order, and what went back."""
    with reading() as session:
        row = session.execute(select(Payment.received_fen, Payment.refunded_fen).where(Payment.reference == number)).one()
        return row.received_fen, row.refunded_fen


def test_fewer_of_something_is_a_refund_of_what_is_not_sent(rice: MadeProduct, staff: Person, provider: FakeProvider) -> None:
    order = buy(provider, {rice.sku: 3})
    assert edit(order.number, EditWanted(keep={first_line(order.number): 1}), staff) == 136_00
    assert money(order.number)[1] == 136_00
    assert sum(village_fen().values()) == 68_00
    assert free_units(rice.sku) == 19
    assert_books_are_sound()


def test_something_cheaper_in_its_place_is_one_entry_without_money_and_the_difference_goes_back(
    rice: MadeProduct, staff: Person, provider: FakeProvider
) -> None:
    order = buy(provider, {rice.sku: 3})
    wanted = EditWanted(keep={first_line(order.number): 1}, swap={first_line(order.number): rice.skus[1].id})
    assert preview_edit(order.number, wanted).refund_fen == 16_00
    assert edit(order.number, wanted, staff) == 16_00

    with reading() as session:
        [exchange] = session.scalars(select(Entry).where(Entry.kind == EntryKind.EDIT)).all()
        legs = session.scalars(select(Posting.amount_fen).where(Posting.entry_id == exchange.id).order_by(Posting.amount_fen)).all()
        rows = session.execute(
            select(Attribution.is_refund, Attribution.amount_fen)
            .where(Attribution.entry_id == exchange.id)
            .order_by(Attribution.amount_fen)
        ).all()
    assert list(legs) == [-84_00, -36_00, 36_00, 84_00]
    assert [tuple(row) for row in rows] == [(True, -84_00), (True, -36_00), (False, 36_00), (False, 84_00)]
    old, new = lines_of(order.number)
    assert (old.quantity, new.quantity, new.net_fen, new.sku_code) == (3, 2, 120_00, rice.skus[1].code)
    assert money(order.number)[1] == 16_00
    assert sum(village_fen().values()) == 188_00
    assert (free_units(rice.sku), free_units(rice.skus[1])) == (19, 18)
    assert_books_are_sound()

    everything = {pick.id: pick.units - pick.returned_units for pick in picks_of(order.number)}
    refund_order(order.number, RefundWanted(units=everything), once="all", by=None, now=NOW)
    assert set(village_fen().values()) == {0}
    received_fen, refunded_fen = money(order.number)
    with reading() as session:
        shipping_fen = session.scalars(select(Order.shipping_fen)).one()
    assert received_fen - refunded_fen == shipping_fen
    assert_books_are_sound()


def test_the_same_price_in_another_pack_moves_no_money_at_all(rice: MadeProduct, staff: Person, provider: FakeProvider) -> None:
    same = make_product("白水香米", packs=[Pack(68_00)], cooperative=make_cooperative())
    make_lot(same, units=5, sources=[(make_villages("高坝田村")[0], 100_000)])
    order = buy(provider, {rice.sku: 1})
    line = first_line(order.number)
    assert edit(order.number, EditWanted(keep={line: 0}, swap={line: same.sku.id}), staff) == 0
    assert money(order.number)[1] == 0
    assert sorted(fen for fen in village_fen().values() if fen) == [68_00], "all of it is 高坝田村's now"
    assert state_of(order.number) is OrderState.PAID
    assert_books_are_sound()


def test_what_costs_more_is_a_new_order(rice: MadeProduct, staff: Person, provider: FakeProvider) -> None:
    order = buy(provider, {rice.sku: 2})
    line = first_line(order.number)
    with pytest.raises(CostsMore):
        edit(order.number, EditWanted(keep={line: 1}, swap={line: rice.skus[2].id}), staff)
    with pytest.raises(NoSuchUnits):
        edit(order.number, EditWanted(keep={line: 3}), staff)
    with pytest.raises(NothingToEdit):
        edit(order.number, EditWanted(keep={line: 2}), staff)
    with pytest.raises(CannotSwap):
        edit(order.number, EditWanted(keep={line: 1}, swap={line: rice.sku.id}), staff)
    assert sum(village_fen().values()) == 136_00


def test_more_than_one_person_may_decide_is_left_to_two(rice: MadeProduct, staff: Person, provider: FakeProvider) -> None:
    order = buy(provider, {rice.sku: 3})
    with pytest.raises(TooMuchForOne):
        edit(order.number, EditWanted(keep={first_line(order.number): 1}), staff, four_eyes_fen=100_00)
    assert sum(village_fen().values()) == 204_00


def test_what_is_not_there_changes_nothing(rice: MadeProduct, staff: Person, provider: FakeProvider) -> None:
    rare = make_product("白水糯米", packs=[Pack(50_00)], cooperative=make_cooperative())
    order = buy(provider, {rice.sku: 2})
    line = first_line(order.number)
    with pytest.raises(NotEnoughStock):
        edit(order.number, EditWanted(keep={line: 1}, swap={line: rare.sku.id}), staff)
    assert sum(village_fen().values()) == 136_00 and len(lines_of(order.number)) == 1
    assert_books_are_sound()


def test_once_a_parcel_has_left_nothing_is_changed_any_more(rice: MadeProduct, staff: Person, provider: FakeProvider) -> None:
    order = buy(provider, {rice.sku: 2})
    with reading() as session:
        shipment_id = session.scalars(select(Shipment.id)).one()
    ship_parcel(shipment_id, carrier="顺丰", tracking_number="SF1", by=staff.id, now=NOW)
    with pytest.raises(CannotMove):
        edit(order.number, EditWanted(keep={first_line(order.number): 1}), staff)


def test_the_same_form_twice_changes_it_once_and_everybody_is_told(rice: MadeProduct, staff: Person, provider: FakeProvider) -> None:
    order = buy(provider, {rice.sku: 3})
    line = first_line(order.number)
    wanted = EditWanted(keep={line: 1}, swap={line: rice.skus[1].id})
    edit(order.number, wanted, staff)
    edit(order.number, wanted, staff)
    with reading() as session:
        events = session.scalars(select(OrderEvent).where(OrderEvent.kind == "edited")).all()
        letters = session.scalars(select(Letter.kind).where(Letter.kind == "order_edited")).all()
        refunds = session.scalars(select(Refund.amount_fen)).all()
    assert len(events) == len(letters) == 1 and list(refunds) == [16_00]
    assert events[0].facts["refund_fen"] == 16_00


def test_another_street_in_the_same_district(rice: MadeProduct, staff: Person, provider: FakeProvider) -> None:
    order = buy(provider, {rice.sku: 1})
    address = Address("示例收件人", "13900001111", "玉山镇", "前进路 1 号")
    edit(order.number, EditWanted(address=address), staff)
    with reading() as session:
        row = session.execute(select(Order.name, Order.phone, Order.town, Order.street, Order.district_code)).one()
        facts = session.scalars(select(OrderEvent.facts).where(OrderEvent.kind == "edited")).one()
    assert tuple(row) == (address.name, address.phone, address.town, address.street, "320583")
    assert "玉山镇" not in str(facts) and facts["address"] is True


def test_nothing_left_to_send_ends_the_order(rice: MadeProduct, staff: Person, provider: FakeProvider) -> None:
    order = buy(provider, {rice.sku: 1})
    edit(order.number, EditWanted(keep={first_line(order.number): 0}), staff)
    assert state_of(order.number) is OrderState.COMPLETED
    assert set(village_fen().values()) == {0}
    assert_books_are_sound()
