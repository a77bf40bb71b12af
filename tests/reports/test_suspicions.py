"""What looks odd shows, and what does not stays away: each look with its threshold on both sides."""

from datetime import timedelta
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import insert, update

from shop.extensions import act, db, reading
from shop.kit.ids import UserId
from shop.orders.models import Channel, Order, OrderLine, RefundBy, Return
from shop.orders.states import OrderState
from shop.reports.suspicions import ACCOUNTS_AT_ADDRESS, LOOKS_BACK, PRICE_DAYS, REFUNDED_ORDERS, Suspicions, read_suspicions
from shop.stock.models import Lot, StockItem
from tests.factories import NOW, MadeProduct, make_cooperative, make_lot, make_mei, make_product, make_stranger, make_user
from tests.statements import count_statements

_numbers = count(1)
DAY = timedelta(days=1)


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    return make_product()


def found() -> Suspicions:
    """The page as it stands now."""
    with reading():
        return read_suspicions(now=NOW)


@act
def sell(
    product: MadeProduct,
    *,
    days_ago: int = 1,
    price_fen: int = 68_00,
    quantity: int = 1,
    buyer_id: UserId | None = None,
    phone: str = "",
    street: str = "",
    back_fen: int = 0,
    is_undone: bool = False,
    is_paid: bool = True,
) -> str:
    """An order as it stands in the books, `back_fen` of it refunded (`is_undone`: which failed and was booked back). Its number."""
    number, at, fen = f"SH-261122-{next(_numbers):06d}", NOW - days_ago * DAY, price_fen * quantity
    order = insert(Order).values(
        number=number,
        key=number,
        once=number,
        channel=Channel.ONLINE,
        state=OrderState.PAID if is_paid else OrderState.LAPSED,
        buyer_id=buyer_id,
        phone=phone,
        district_code="320583",
        region="江苏省苏州市昆山市",
        street=street,
        goods_fen=fen,
        shipping_fen=0,
        total_fen=fen,
        placed_at=at,
        paid_at=at if is_paid else None,
    )
    order_id = db.session.scalar(order.returning(Order.id))
    db.session.execute(
        insert(OrderLine).values(
            order_id=order_id,
            position=0,
            sku_id=product.sku.id,
            sku_code=product.sku.code,
            product_id=product.id,
            cooperative_id=product.cooperative_id,
            product_name=product.name,
            product_name_en="",
            pack="",
            pack_en="",
            unit_word="袋",
            unit_price_fen=price_fen,
            quantity=quantity,
            net_fen=fen,
            unit_grams=product.sku.packed_grams,
        )
    )
    if back_fen:
        undone = 1 if is_undone else None
        back = {"goods_fen": back_fen, "shipping_fen": 0, "entry_id": 1, "reversed_by_entry_id": undone, "at": at}
        db.session.execute(insert(Return).values(order_id=order_id, once=number, by=RefundBy.AMOUNT, reason="", restock=False, **back))
    return number


# ── Sold ≤ packed ≤ produced ──────────────────────────────────────────────────────────────────────────────────────────


def test_each_lot_is_weighed_at_three_stages_and_one_that_does_not_hold_comes_first(rice: MadeProduct) -> None:
    lot, sound = make_lot(rice, units=10), make_lot(rice, units=10, produced_grams=60_000)
    act(lambda: db.session.execute(update(StockItem).values(sold=3)))()
    proof = found().proof
    assert (proof.lots, proof.broken) == (2, 0)
    assert [(row.code, row.sold_grams, row.packed_grams, row.produced_grams) for row in proof.rows] == [
        (lot.code, 15_000, 50_000, 50_000),
        (sound.code, 15_000, 50_000, 60_000),
    ]
    act(lambda: db.session.execute(update(Lot).where(Lot.code == sound.code).values(packed_grams=14_999)))()
    proof = found().proof
    assert (proof.lots, proof.broken) == (2, 1)
    assert [(row.code, row.holds) for row in proof.rows] == [(sound.code, False), (lot.code, True)]


def test_a_lot_of_which_nothing_is_packed_holds(rice: MadeProduct) -> None:
    make_lot(rice, units=0, produced_grams=1_000)
    (row,) = found().proof.rows
    assert row.holds and row.sold_grams == 0


# ── Prices ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_price_more_than_a_third_off_the_year_before_shows_and_one_within_does_not(rice: MadeProduct) -> None:
    for price_fen in (98_00, 99_00, 100_00, 101_00, 102_00):  # 100.00 on the whole
        sell(rice, days_ago=100, price_fen=price_fen)
    sell(rice, days_ago=1, price_fen=130_00)
    sell(rice, days_ago=1, price_fen=70_00)
    sell(rice, days_ago=1, price_fen=200_00, is_paid=False)
    sell(rice, days_ago=PRICE_DAYS.days - 1, price_fen=200_00, is_paid=False)
    dear, cheap = sell(rice, price_fen=130_01), sell(rice, price_fen=1)
    assert [(row.number, row.price_fen, row.usual_fen, row.lines) for row in found().prices] == [
        (cheap, 1, 100_00, 5),
        (dear, 130_01, 100_00, 5),
    ]


def test_what_was_seldom_sold_has_no_usual_price(rice: MadeProduct) -> None:
    for _ in range(4):
        sell(rice, days_ago=100)
    sell(rice, price_fen=500_00)
    assert not found().prices


def test_a_usual_price_is_a_mean_of_units_even_of_very_many(rice: MadeProduct) -> None:
    for price_fen, quantity in ((50_000_00, 100), (1, 1), (1, 1), (1, 1), (1, 1)):  # 500 million fen, then more
        sell(rice, days_ago=100, price_fen=price_fen, quantity=quantity)
    sell(rice, days_ago=100, price_fen=20_000_00, quantity=1_000)  # 2,000 million fen: together past 2³¹
    sell(rice, price_fen=10_00)
    (row,) = found().prices
    assert row.usual_fen == (50_000_00 * 100 + 4 + 20_000_00 * 1_000) // 1_104


# ── Members who buy of their own ──────────────────────────────────────────────────────────────────────────────────────


def test_members_who_buy_of_their_own_cooperative_show_by_account_and_by_number_once(rice: MadeProduct) -> None:
    chen, wife = (make_user(name, cooperatives=[rice.cooperative_id]) for name in ("Lao Chen", "Wife"))
    elsewhere = make_user("Elsewhere", cooperatives=[make_cooperative("另一家专业合作社").id])
    by_account = sell(rice, buyer_id=chen.id, quantity=2)
    by_number = sell(rice, phone=chen.phone)
    by_both = sell(rice, buyer_id=chen.id, phone=wife.phone)
    sell(rice, buyer_id=elsewhere.id, phone=elsewhere.phone)
    sell(rice, buyer_id=make_mei().id)
    sell(rice, buyer_id=chen.id, is_paid=False)
    sell(rice, buyer_id=chen.id, days_ago=LOOKS_BACK.days + 1)
    assert [(row.number, row.net_fen) for row in found().own_buyers] == [(by_both, 68_00), (by_number, 68_00), (by_account, 136_00)]


# ── Refunds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_gets_half_of_it_back_in_three_orders_shows_with_the_latest_of_them(rice: MadeProduct) -> None:
    for phone, back_fen in (("13800000001", 34_00), ("13800000002", 33_99)):
        numbers = [sell(rice, phone=phone, back_fen=back_fen) for _ in range(REFUNDED_ORDERS)]
        if back_fen == 34_00:
            latest = numbers[-1]
    for _ in range(REFUNDED_ORDERS - 1):
        sell(rice, phone="13800000003", back_fen=68_00)
    for undone in (False, False, True):
        sell(rice, phone="13800000004", back_fen=68_00, is_undone=undone)
    for _ in range(REFUNDED_ORDERS):
        sell(rice, back_fen=68_00)  # no number to tell buyers apart by
        sell(rice, phone="13800000005", back_fen=68_00, days_ago=LOOKS_BACK.days + 1)
    (row,) = found().refunders
    assert (row.latest, row.orders, row.refunded_orders, row.paid_fen, row.refunded_fen) == (latest, 3, 3, 204_00, 102_00)


# ── One address ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_accounts_with_one_address_show_and_one_account_with_many_orders_does_not(rice: MadeProduct) -> None:
    people = [make_mei(), make_stranger(), make_user("Third")]
    assert len(people) == ACCOUNTS_AT_ADDRESS
    numbers = [sell(rice, buyer_id=person.id, street="新塘路 18 号") for person in people]
    for place, person in enumerate([*people[:2], people[0]]):
        sell(rice, buyer_id=person.id, street="新塘路 19 号")
        sell(rice, buyer_id=people[place].id, street="新塘路 20 号", is_paid=False)
        sell(rice, buyer_id=people[place].id)
        sell(rice, street="新塘路 21 号")
    (row,) = found().crowds
    assert (row.latest, row.accounts, row.orders, row.total_fen) == (numbers[-1], 3, 3, 204_00)


# ── The whole ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_asks_six_times_whatever_it_finds(app: Flask) -> None:
    with count_statements() as nothing:
        empty = found()
    assert empty.proof.lots == 0 and not (empty.proof.rows or empty.prices or empty.own_buyers or empty.refunders or empty.crowds)
    rice, mei = make_product(), make_mei()
    make_lot(rice)
    for _ in range(3):
        sell(rice, buyer_id=mei.id, phone=mei.phone, back_fen=68_00)
    with count_statements() as something:
        assert found().refunders
    assert len(nothing) == len(something) == 6
