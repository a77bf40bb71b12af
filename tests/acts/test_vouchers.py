"""A voucher's use has one owner; what it took off stays taken off wherever the order goes, and the books know no difference."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.acts.confirm_payment import check_order_payments
from shop.acts.edit_order import EditWanted, edit_order
from shop.acts.lapse_unpaid import cancel_order, lapse_unpaid
from shop.acts.place_order import Placed, Wishes
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.kit.ids import LineId
from shop.offers.errors import VoucherRefused, WhyNot
from shop.offers.models import Voucher, VoucherKind, VoucherUse
from shop.offers.queries import used_on
from shop.orders.models import Order, OrderLine
from shop.orders.states import HOLD_TIME, OrderState
from shop.payments.models import Payment
from tests.factories import MadeProduct, Pack, make_cooperative, make_lot, make_mei, make_product, make_staff, make_village
from tests.providers import FakeProvider
from tests.shopping import NOW, assert_books_are_sound, buy, free_units, pay, picks_of, place, state_of, village_fen
from tests.statements import count_statements
from tests.vouchers import a_voucher


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """¥68.00 a bag from 白水村."""
    product = make_product(packs=[Pack(68_00), Pack(60_00, 4_000)])
    make_lot(product, units={sku.id: 50 for sku in product.skus}, produced_grams=1_000_000)
    return product


@pytest.fixture
def oil(rice: MadeProduct) -> MadeProduct:
    """¥108.00 from elsewhere."""
    wawu = make_village("瓦屋村")
    product = make_product("山茶油", packs=[Pack(108_00)], cooperative=make_cooperative("瓦屋合作社", villages=[wawu]), village=wawu)
    make_lot(product)
    return product


def order_row(number: str) -> Order:
    with reading() as session:
        order = session.scalars(select(Order).where(Order.number == number)).one()
        session.expunge(order)
        return order


def discounts(number: str) -> list[int]:
    with reading() as session:
        query = select(OrderLine.discount_fen).join(Order, Order.id == OrderLine.order_id).where(Order.number == number)
        return list(session.scalars(query.order_by(OrderLine.position)))


def uses(code: str) -> int:
    with reading() as session:
        return session.scalars(select(Voucher.used).where(Voucher.code == code)).one()


def with_voucher(*codes: str) -> Wishes:
    return Wishes(voucher_codes=codes)


def test_what_a_voucher_takes_off_stands_on_the_order_and_on_its_lines(rice: MadeProduct, oil: MadeProduct) -> None:
    code = a_voucher()
    placed = place({rice.sku: 3, oil.sku: 1}, wishes=with_voucher(code))
    order = order_row(placed.number)
    assert (order.goods_fen, order.discount_fen, order.shipping_fen) == (
        312_00,
        10_00,
        6_00,
    )  # rice stays free to send: ¥204.00 before the voucher
    assert placed.total_fen == 308_00
    assert discounts(placed.number) == [6_54, 3_46]  # 204 : 108
    with reading():
        assert [(use.code, use.amount_fen) for use in used_on(order.id)] == [(code, 10_00)]
    assert uses(code) == 1


def test_a_village_gets_what_was_paid_for_its_goods_and_gives_back_just_that(
    rice: MadeProduct, oil: MadeProduct, provider: FakeProvider
) -> None:
    code = a_voucher(village_id=rice.village_id, minimum_fen=0, kind=VoucherKind.PERCENT, worth=1_000)
    order = buy(provider, {rice.sku: 3, oil.sku: 1}, wishes=with_voucher(code))
    assert village_fen() == {rice.village_id: 183_60, oil.village_id: 108_00}
    assert_books_are_sound()
    for number, pick in enumerate(picks_of(order.number)):
        for unit in range(pick.units):
            refund_order(order.number, RefundWanted(units={pick.id: 1}), once=f"{number}-{unit}", by=None, now=NOW)
    assert set(village_fen().values()) == {0}
    with reading() as session:
        assert session.scalars(select(Payment.refunded_fen)).one() == 183_60 + 108_00
    assert uses(code) == 1  # what was bought with it was bought: a refund gives no use back
    assert_books_are_sound()


def test_of_two_buyers_who_want_the_last_use_exactly_one_gets_it(app: Flask, rice: MadeProduct) -> None:
    code = a_voucher(most_uses=1)

    def want(number: int) -> Placed | WhyNot:
        with app.app_context():
            try:
                return place({rice.sku: 2}, wishes=with_voucher(code), phone=f"1380013220{number}")
            except VoucherRefused as refusal:
                return refusal.why

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(want, range(4)))
    assert sorted(isinstance(answer, Placed) for answer in answers) == [False, False, False, True]
    assert answers.count(WhyNot.USED_UP) == 3
    assert uses(code) == 1 and free_units(rice.sku) == 48
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(VoucherUse)) == 1


@pytest.mark.parametrize("same", ["phone", "account"])
def test_a_buyer_is_known_by_account_and_by_telephone(rice: MadeProduct, same: str) -> None:
    code, mei = a_voucher(most_per_buyer=1), make_mei()
    place({rice.sku: 2}, wishes=with_voucher(code), phone="13800132201", buyer_id=mei.id)
    again = {"phone": "13800132201"} if same == "phone" else {"phone": "13800132299", "buyer_id": mei.id}
    with pytest.raises(VoucherRefused) as refusal:
        place({rice.sku: 2}, wishes=with_voucher(code), **again)
    assert refusal.value.why is WhyNot.BUYER_USED_UP
    place({rice.sku: 2}, wishes=with_voucher(code), phone="13800132298")
    assert uses(code) == 2


def test_an_order_called_off_gives_its_use_back(rice: MadeProduct) -> None:
    code = a_voucher(most_uses=1)
    first = place({rice.sku: 2}, wishes=with_voucher(code))
    cancel_order(first.number, by=None, now=NOW)
    assert uses(code) == 0
    second = place({rice.sku: 2}, wishes=with_voucher(code))
    assert second.total_fen == first.total_fen and uses(code) == 1


def lapsed(provider: FakeProvider, rice: MadeProduct, code: str) -> Placed:
    """An order whose time ran out while its buyer was still on the payment page."""
    placed = place({rice.sku: 2}, wishes=with_voucher(code))
    start_payment(placed.number, now=NOW)
    provider.is_down = True
    lapse_unpaid(now=NOW + HOLD_TIME + timedelta(hours=2))
    provider.is_down = False
    assert state_of(placed.number) is OrderState.LAPSED and uses(code) == 0
    return placed


def test_money_that_comes_late_uses_the_voucher_again(rice: MadeProduct, provider: FakeProvider) -> None:
    code = a_voucher(most_uses=1)
    placed = lapsed(provider, rice, code)
    provider.pay()
    assert check_order_payments(placed.number, now=NOW + timedelta(hours=3)) is OrderState.PAID
    assert uses(code) == 1
    assert_books_are_sound()


def test_money_that_comes_when_another_has_used_it_goes_back(rice: MadeProduct, provider: FakeProvider) -> None:
    code = a_voucher(most_uses=1)
    placed = lapsed(provider, rice, code)
    place({rice.sku: 2}, wishes=with_voucher(code))
    provider.pay()
    assert check_order_payments(placed.number, now=NOW + timedelta(hours=3)) is OrderState.LAPSED
    with reading() as session:
        assert session.execute(select(Payment.received_fen, Payment.refunded_fen).where(Payment.reference == placed.number)).one() == (
            placed.total_fen,
            placed.total_fen,
        )
    assert uses(code) == 1 and free_units(rice.sku) == 48
    assert_books_are_sound()


def test_an_order_with_a_voucher_may_be_changed_before_it_is_packed(rice: MadeProduct, oil: MadeProduct, provider: FakeProvider) -> None:
    order = buy(provider, {rice.sku: 3, oil.sku: 1}, wishes=with_voucher(a_voucher()))
    with reading() as session:
        lines = [LineId(id_) for id_ in session.scalars(select(OrderLine.id).order_by(OrderLine.position))]
    wanted = EditWanted(keep={lines[0]: 1}, swap={lines[0]: rice.skus[1].id})
    done = edit_order(order.number, wanted, four_eyes_fen=1_000_00, once="1", by=make_staff().id, now=NOW)
    assert done.refund_fen == 16_00  # two bags of ¥68.00 for two of ¥60.00; what was taken off the old is taken off the new
    assert village_fen()[rice.village_id] == 204_00 - 6_54 - 16_00
    row = order_row(order.number)
    assert row.total_fen == row.goods_fen - row.discount_fen + row.shipping_fen
    assert_books_are_sound()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"minimum_fen": 500_00}, WhyNot.BELOW_MINIMUM),
        ({"last_day": NOW.date() - timedelta(days=1)}, WhyNot.OVER),
        ({"first_day": NOW.date() + timedelta(days=1)}, WhyNot.NOT_YET),
    ],
)
def test_a_voucher_that_is_not_for_the_order_orders_nothing(rice: MadeProduct, changes: dict[str, object], why: WhyNot) -> None:
    code = a_voucher(**changes)
    with pytest.raises(VoucherRefused) as refusal:
        place({rice.sku: 2}, wishes=with_voucher(code))
    assert refusal.value.why is why
    assert free_units(rice.sku) == 50 and uses(code) == 0


def test_who_has_no_wishes_costs_no_statement(rice: MadeProduct, provider: FakeProvider) -> None:
    with count_statements() as statements:
        pay(provider, place({rice.sku: 2}).number)
    assert not [words for words in statements if "voucher" in words or "fapiao" in words]
