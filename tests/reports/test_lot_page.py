"""A lot's page: its state, its yield, its money."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from shop.catalog.models import ProductStatus
from shop.kit.errors import NotFound
from shop.reports.lot_page import LotPage, LotState, lot_page
from tests.books import refund, sell
from tests.factories import MadeLot, Pack, hold_units, make_lot, make_product, make_villages, write_off
from tests.statements import count_statements

TODAY = date(2026, 11, 23)


def page_of(lot: MadeLot | str) -> LotPage:
    """The page today."""
    return lot_page(lot if isinstance(lot, str) else lot.code, today=TODAY)


def test_what_a_lot_is_said_to_be(app: Flask) -> None:
    product = make_product()
    sold_out = make_lot(product, units=2)
    hold_units(sold_out.item_id, 2)
    lots = {
        LotState.ON_SALE: make_lot(product),
        LotState.GONE: sold_out,
        LotState.NOT_PACKED: make_lot(product, units=0, produced_grams=1_000),
        LotState.EXPIRED: make_lot(product, best_before=date(2026, 11, 22)),
        LotState.RECALLED: make_lot(product, best_before=date(2026, 11, 22), recalled_at=datetime(2026, 11, 20, tzinfo=UTC)),
        LotState.NOT_OFFERED: make_lot(make_product("停售", status=ProductStatus.RETIRED)),
    }
    assert {state: page_of(lot).state for state, lot in lots.items()} == {state: state for state in lots}


def test_a_lot_of_a_draft_and_one_that_never_was_are_not_there(app: Flask) -> None:
    draft = make_lot(make_product("草稿", status=ProductStatus.DRAFT))
    for code in (draft.code, "NEVER"):
        with pytest.raises(NotFound):
            page_of(code)


def test_units_add_up_and_money_is_what_the_books_say(app: Flask) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    product = make_product(packs=[Pack(68_00, 5_000)])
    lot = make_lot(product, units=200, sources=[(baishui, 700_000), (gaobatian, 300_000)])
    refund(sell((product.sku, 10), on=TODAY), 1, on=TODAY)
    hold_units(lot.item_id, 3)
    write_off(lot.item_id, 2)
    page = page_of(lot)
    (item,) = page.items
    assert (item.packed, item.sold, item.held, item.written_off, item.free) == (200, 9, 3, 2, 186)
    assert [(village.village, village.booked_fen, village.back_fen, village.now_fen) for village in page.money] == [
        ("白水村", 476_00, -47_60, 428_40),
        ("高坝田村", 204_00, -20_40, 183_60),
    ]
    assert (page.booked_fen, page.back_fen, page.source_grams) == (680_00, -68_00, 1_000_000)
    assert [packing.units for packing in page.packings] == [200]


def test_an_unsold_lot_has_no_money(app: Flask) -> None:
    assert page_of(make_lot()).money == ()


def test_seven_statements_however_much_was_sold(app: Flask) -> None:
    product = make_product(packs=[Pack(68_00, 5_000), Pack(36_00, 2_500)])
    lot = make_lot(
        product, units={sku.id: 20 for sku in product.skus}, sources=[(village, 100_000) for village in make_villages("一村", "二村")]
    )
    for _ in range(3):
        sell((product.skus[0], 1), (product.skus[1], 2), on=TODAY)
    with count_statements() as seen:
        page_of(lot)
    assert len(seen) == 7
