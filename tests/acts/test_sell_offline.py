"""Sales made by hand, and their returns: completed at once, against `cash/offline`."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.acts.close_month import close_month
from shop.acts.sell_offline import NothingTaken, NotOnSale, OfflineLine, OfflineSale, return_offline, sell_offline
from shop.extensions import reading
from shop.kit.ids import EasternUnitId
from shop.ledger.errors import PeriodClosed
from shop.ledger.models import Account, Entry, Posting
from shop.orders.errors import NoSuchOrder, RefundTooLarge
from shop.orders.models import Order
from shop.orders.states import OrderState
from shop.stock.errors import NotEnoughStock
from tests.factories import make_eastern_unit, make_lot, make_product, make_villages
from tests.shopping import NOW, assert_books_are_sound, free_units, picks_of, state_of, village_fen

SOLD_AT = NOW - timedelta(days=20)
NEW_YEAR = NOW + timedelta(days=60)


def a_sale(*lines: OfflineLine, ref: str = "fair-1", unit: EasternUnitId | None = None) -> OfflineSale:
    return OfflineSale(ref=ref, sold_at=SOLD_AT, lines=lines, district_code="320583", eastern_unit_id=unit)


def cash() -> int:
    with reading() as session:
        sums = select(func.sum(Posting.amount_fen)).join(Account, Account.id == Posting.account_id).where(Account.code == "cash/offline")
        return int(session.scalar(sums) or 0)


def test_a_sale_at_a_fair_reaches_its_villages_on_the_day_it_was_made(app: Flask) -> None:
    one, other = make_villages("白水村", "高坝田村")
    rice = make_product(village=one)
    make_lot(rice, units=20, sources=[(one, 70_000), (other, 30_000)])
    number = sell_offline(a_sale(OfflineLine(rice.sku.code, 2, 60_00), unit=make_eastern_unit()), by=None, now=NOW)
    assert state_of(number) is OrderState.COMPLETED
    assert village_fen() == {one.id: 84_00, other.id: 36_00}
    assert cash() == 120_00
    with reading() as session:
        assert session.scalars(select(Entry.business_day)).all() == [date(2026, 11, 3)]
        assert session.scalars(select(Order.region)).all() == ["江苏省苏州市昆山市"]
    assert_books_are_sound()


def test_the_same_number_is_one_sale(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=20)
    sale = a_sale(OfflineLine(rice.sku.code, 2, 60_00))
    assert sell_offline(sale, by=None, now=NOW) == sell_offline(sale, by=None, now=NOW)
    assert free_units(rice.sku) == 18


def test_goods_come_back_from_the_latest_bags_and_only_as_many_as_went(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=1, best_before=date(2026, 12, 31))
    later = make_lot(rice, units=9)
    number = sell_offline(a_sale(OfflineLine(rice.sku.code, 3, 50_00)), by=None, now=NOW)

    def give_back(ref: str, units: int) -> int:
        return return_offline(ref, "fair-1", {rice.sku.code: units}, returned_at=NOW, restock=True, reason="多买了", by=None, now=NOW)

    assert give_back("back-1", 1) == 50_00
    assert give_back("back-1", 1) == 50_00
    assert [pick.returned_units for pick in picks_of(number) if pick.lot_id == later.id] == [1]
    with pytest.raises(RefundTooLarge):
        give_back("back-2", 3)
    assert give_back("back-3", 2) == 100_00
    assert (cash(), set(village_fen().values()), free_units(rice.sku)) == (0, {0}, 10)
    with pytest.raises(NoSuchOrder):
        return_offline("x", "never sold", {rice.sku.code: 1}, returned_at=NOW, restock=True, reason="", by=None, now=NOW)
    assert_books_are_sound()


def test_a_named_lot_gives_its_own_bags(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=5, best_before=date(2026, 12, 31))
    named = make_lot(rice, units=5, code="BS2610B")
    number = sell_offline(a_sale(OfflineLine(rice.sku.code, 2, 60_00, lot_code="BS2610B")), by=None, now=NOW)
    assert [pick.lot_id for pick in picks_of(number)] == [named.id]
    with pytest.raises(NotEnoughStock):
        sell_offline(a_sale(OfflineLine(rice.sku.code, 4, 60_00, lot_code="BS2610B"), ref="fair-2"), by=None, now=NOW)


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (OfflineLine("no-such-sku", 1, 1_00), NotOnSale),
        (OfflineLine("rice", 1, 1_00, lot_code="no such lot"), NotOnSale),
        (OfflineLine("rice", 1, 0), NothingTaken),
        (OfflineLine("rice", 999, 1_00), NotEnoughStock),
    ],
)
def test_what_cannot_be_sold_leaves_nothing(app: Flask, line: OfflineLine, refusal: type[Exception]) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    code = rice.sku.code if line.sku_code == "rice" else line.sku_code
    with pytest.raises(refusal):
        sell_offline(a_sale(OfflineLine(code, line.quantity, line.unit_price_fen, line.lot_code)), by=None, now=NOW)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 0
    assert (village_fen(), free_units(rice.sku)) == ({}, 5)


def test_a_closed_month_takes_no_more(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    close_month("2026-11", by=None, now=NEW_YEAR)
    with pytest.raises(PeriodClosed):
        sell_offline(a_sale(OfflineLine(rice.sku.code, 1, 60_00)), by=None, now=NEW_YEAR)
    assert free_units(rice.sku) == 5
    assert_books_are_sound()
