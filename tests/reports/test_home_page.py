"""The first page: counted, not told."""

from datetime import UTC, date, datetime

from flask import Flask

from shop.catalog.models import ProductStatus
from shop.extensions import db
from shop.reports.folding import fold_waiting
from shop.reports.home_page import home_page
from tests.books import refund, sell
from tests.factories import Pack, correct_sources, make_lot, make_product, make_village, make_villages
from tests.statements import count_statements

TODAY = date(2026, 11, 23)


def test_an_empty_shop_says_nought_and_breaks_nowhere(app: Flask) -> None:
    page = home_page(today=TODAY, english=False)
    tally = page.tally
    assert tally.year.is_empty and tally.now.is_open
    assert (tally.now.net_fen, tally.now.refunds_fen, tally.villages, tally.villages_with_goods, tally.lots_on_sale) == (0, 0, 0, 0, 0)
    assert (page.in_season, page.harvests, page.example, page.towns, page.points) == ((), (), None, (), ())


def test_the_tally_counts_this_month_and_what_is_on_sale_today(app: Flask) -> None:
    baishui, gaobatian, idle = make_villages("白水村", "高坝田村", "坪茶村")
    product = make_product(packs=[Pack(68_00, 5_000)])
    lot = make_lot(product, sources=[(baishui, 500_000), (idle, 500_000)], harvested_on=date(2026, 9, 1))
    correct_sources(lot, [(baishui, 700_000), (gaobatian, 300_000)])
    make_lot(product, units=5, best_before=date(2026, 11, 22))
    make_lot(product, units=5, recalled_at=datetime(2026, 11, 1, tzinfo=UTC))
    make_lot(product, units=0)
    make_lot(make_product("草稿", status=ProductStatus.DRAFT))
    sell((product.sku, 1), on=date(2026, 10, 31))
    refund(sell((product.sku, 3), on=date(2026, 11, 1)), 1, on=TODAY)
    tally = home_page(today=TODAY, english=False).tally
    assert (tally.now.month, tally.now.gross_fen, tally.now.refunds_fen, tally.now.net_fen) == (11, 204_00, 68_00, 136_00)
    assert tally.year.months[-2].net_fen == 68_00 and tally.year.net_fen == 204_00
    assert (tally.villages, tally.villages_with_goods, tally.towns_with_goods, tally.lots_on_sale) == (3, 2, 1, 1)


def test_the_example_is_the_lot_of_most_villages_and_adds_up(app: Flask) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    make_lot(make_product("独苗"), code="ALONE")
    make_lot(make_product(packs=[Pack(68_00, 5_000)]), code="BLEND", sources=[(baishui, 700_000), (gaobatian, 300_000)])
    example = home_page(today=TODAY, english=False).example
    assert example is not None and example.code == "BLEND"
    assert [(source.village, fen) for source, fen in example.shares] == [("白水村", 47_60), ("高坝田村", 20_40)]


def test_villages_stand_by_town_with_what_they_sell(app: Flask) -> None:
    make_village("坪茶村", town="坝黄镇", latitude=27.71806, longitude=109.01889)
    make_lot(make_product())
    page = home_page(today=TODAY, english=False)
    assert {town.name: [(village.name, [name for name, _ in village.goods]) for village in town.villages] for town in page.towns} == {
        "坝黄镇": [("坪茶村", [])],
        "滑石乡": [("白水村", ["白水贡米"])],
    }
    assert [point.name for point in page.points] == ["坝黄镇"], "a place without coordinates is not drawn where it is not"


def test_eight_statements_however_much_there_is(app: Flask) -> None:
    villages = make_villages("白水村", "高坝田村", "坪茶村")
    for number in range(4):
        make_lot(make_product(f"米{number}", harvest_months=(10, 12)), sources=[(village, 200_000) for village in villages])
    with count_statements() as seen:
        assert len(home_page(today=TODAY, english=False).in_season) == 4
    assert len(seen) == 8


def test_the_months_are_the_same_before_and_after_folding(app: Flask) -> None:
    product = make_product(packs=[Pack(68_00, 5_000)])
    make_lot(product, harvested_on=date(2026, 9, 1))
    refund(sell((product.sku, 2), on=date(2026, 9, 30)), 1, on=TODAY)
    before = home_page(today=TODAY, english=False).tally.year
    db.session.close()
    fold_waiting()
    assert home_page(today=TODAY, english=False).tally.year == before
    assert [(month.month, month.gross_fen, month.refunds_fen) for month in before.months if month.gross_fen or month.refunds_fen] == [
        (9, 136_00, 0),
        (11, 0, 68_00),
    ]


def test_new_harvests_are_the_last_lot_of_each_product_on_sale(app: Flask) -> None:
    rice, tea = make_product("米"), make_product("茶")
    make_lot(rice, code="OLD", harvested_on=date(2026, 9, 1))
    make_lot(rice, code="NEW", harvested_on=date(2026, 11, 1))
    make_lot(tea, code="TEA", harvested_on=date(2026, 10, 1))
    make_lot(tea, code="GONE", harvested_on=date(2026, 11, 2), units=0)
    harvests = home_page(today=TODAY, english=False).harvests
    assert [(lot.code, lot.product, lot.villages) for lot in harvests] == [("NEW", "米", 1), ("TEA", "茶", 1)]
