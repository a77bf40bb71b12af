"""Villages, and cooperatives: what they grow and what the books say was booked to them."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from shop.catalog.models import ProductStatus
from shop.kit.errors import NotFound
from shop.reports.cooperative_page import cooperative_page
from shop.reports.months import first_day
from shop.reports.village_page import VillagePage, village_page, villages_page
from tests.books import fail_refund, refund, sell
from tests.factories import (
    NOW,
    Pack,
    correct_sources,
    make_cooperative,
    make_eastern_unit,
    make_lot,
    make_pairing,
    make_product,
    make_village,
    make_villages,
)
from tests.statements import count_statements

TODAY = date(2026, 11, 23)


def page_of(slug: str = "baishui") -> VillagePage:
    """The page today."""
    return village_page(slug, today=TODAY, english=False)


@pytest.mark.parametrize(
    ("today", "since"),
    [
        (date(2026, 11, 23), date(2025, 12, 1)),
        (date(2026, 12, 31), date(2026, 1, 1)),
        (date(2026, 1, 1), date(2025, 2, 1)),
        (date(2028, 2, 29), date(2027, 3, 1)),
    ],
)
def test_the_last_twelve_months_begin_eleven_months_before_this_one(today: date, since: date) -> None:
    assert first_day(today) == since


def test_twelve_months_of_gross_refunds_and_net(app: Flask) -> None:
    product = make_product(packs=[Pack(68_00, 5_000)])
    make_lot(product, at=datetime(2025, 11, 1, tzinfo=UTC), harvested_on=date(2025, 10, 1))
    sell((product.sku, 1), on=date(2025, 11, 30))  # too long ago
    sell((product.sku, 1), on=date(2025, 12, 1))
    sold = sell((product.sku, 3), on=date(2026, 10, 31))
    refund(sold, 1, on=date(2026, 11, 2))
    fail_refund(refund(sold, 1, on=date(2026, 11, 3)), on=date(2026, 11, 4))

    year = page_of().year
    months = {(month.year, month.month): month for month in year.months}
    assert len(year.months) == 12 and list(months) == sorted(months)
    assert (months[2025, 12].gross_fen, months[2025, 12].net_fen) == (68_00, 68_00)
    assert (months[2026, 10].gross_fen, months[2026, 10].refunds_fen) == (204_00, 0)
    assert (months[2026, 11].gross_fen, months[2026, 11].refunds_fen, months[2026, 11].net_fen) == (0, 68_00, -68_00)
    assert months[2026, 11].is_open and not months[2026, 10].is_open
    assert (year.gross_fen, year.refunds_fen, year.net_fen, year.is_empty) == (272_00, 68_00, 204_00, False)


def test_an_unsold_village_says_so(app: Flask) -> None:
    make_village()
    assert page_of().year.is_empty


def test_grown_shares_are_grams_by_grams_of_all_lots_not_recalled(app: Flask) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    rice = make_product()
    make_lot(rice, units=10, sources=[(baishui, 700_000), (gaobatian, 300_000)])
    make_lot(rice, units=10, sources=[(baishui, 1_000_000)])
    make_lot(make_product("草稿", status=ProductStatus.DRAFT), sources=[(baishui, 10_000)])
    make_product("还没收的", village=baishui)

    def of(slug: str) -> list[tuple[str, int, int]]:
        return [(grown.card.name, grown.village_grams, grown.all_grams) for grown in page_of(slug).grown]

    assert of("baishui") == [("白水贡米", 1_700_000, 2_000_000), ("还没收的", 0, 0)]
    assert of(gaobatian.slug) == [("白水贡米", 300_000, 2_000_000)], "known for nothing, yet it grew a part"


def test_a_corrected_source_moves_the_part_and_a_recalled_lot_has_none(app: Flask) -> None:
    baishui, gaobatian, pingcha = make_villages("白水村", "高坝田村", "坪茶村")
    lot = make_lot(make_product(), units=10, sources=[(baishui, 900_000), (gaobatian, 100_000)])
    correct_sources(lot, [(baishui, 600_000), (gaobatian, 400_000)])
    make_lot(make_product("召回的"), units=1, sources=[(pingcha, 50_000)], recalled_at=NOW)
    assert [(grown.card.name, grown.village_grams, grown.all_grams) for grown in page_of(gaobatian.slug).grown] == [
        ("白水贡米", 400_000, 1_000_000)
    ]
    assert page_of(pingcha.slug).grown == ()


def test_pairings_say_whether_they_are_confirmed(app: Flask) -> None:
    village = make_village()
    make_pairing(unit_id=make_eastern_unit("昆山市张浦镇七桥村"), village=village)
    make_pairing(unit_id=make_eastern_unit("昆山市周市镇"), village=village, is_confirmed=True, source="S1", valid_from=date(2018, 3, 1))
    assert {(pairing.unit, pairing.is_confirmed) for pairing in page_of().pairings} == {
        ("昆山市张浦镇七桥村", False),
        ("昆山市周市镇", True),
    }


def test_a_village_without_code_and_without_coordinates_has_its_page(app: Flask) -> None:
    make_village("兴龙社区", slug="xinglong", code=None, town="六龙山乡", story="一行\n\n又一行")
    make_village("坪茶村", town="坝黄镇", latitude=27.71806, longitude=109.01889)
    page = page_of("xinglong")
    assert (page.code, page.has_point, page.story) == (None, False, "一行\n\n又一行")
    assert {(point.name, point.is_here, point.east_km is None) for point in page.points} == {
        ("坝黄镇", False, False),
        ("六龙山乡", True, True),
    }


def test_an_unknown_village_is_not_there(app: Flask) -> None:
    with pytest.raises(NotFound):
        page_of("nowhere")


def test_the_villages_add_up_to_the_books(app: Flask) -> None:
    baishui, gaobatian, pingcha = make_villages("白水村", "高坝田村", "坪茶村")
    far = make_village("兴龙社区", code=None, town="六龙山乡")
    product = make_product(packs=[Pack(68_00, 5_000)])
    make_lot(product, sources=[(baishui, 700_000), (gaobatian, 300_000)])
    refund(sell((product.sku, 3), on=TODAY), 1, on=TODAY)
    page = villages_page(today=TODAY)
    assert {row.id: (row.net_fen, row.has_sales) for row in page.villages} == {
        baishui.id: (95_20, True),
        gaobatian.id: (40_80, True),
        pingcha.id: (0, False),
        far.id: (0, False),
    }
    assert page.net_fen == 136_00 and page.most_fen == 95_20
    assert [[name for name, _ in row.goods] for row in page.villages if row.id == baishui.id] == [["白水贡米"]]
    assert sum(point.value for point in page.points) == 136_00


def test_no_village_at_all_is_an_empty_page(app: Flask) -> None:
    page = villages_page(today=TODAY)
    assert (page.villages, page.net_fen, page.most_fen, page.points) == ((), 0, 0, ())


def test_a_cooperative_shows_its_villages_goods_lots_and_money(app: Flask) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    cooperative = make_cooperative("白水大米专业合作社", villages=[baishui, gaobatian])
    product = make_product(cooperative=cooperative, packs=[Pack(68_00, 5_000)])
    lot = make_lot(product, units=3)
    make_lot(product, units=2, best_before=date(2026, 11, 1))
    sell((product.sku, 1), on=TODAY)
    page = cooperative_page(cooperative.slug, today=TODAY, english=False)
    assert page.seat is not None and page.seat.name == "白水村"
    assert [village.name for village in page.villages] == ["白水村", "高坝田村"]
    assert [card.name for card in page.cards] == ["白水贡米"]
    assert [found.code for found in page.lots] == [lot.code]
    assert page.year.net_fen == 68_00
    with pytest.raises(NotFound):
        cooperative_page("nobody", today=TODAY, english=False)


def test_statements_do_not_grow_with_rows(app: Flask) -> None:
    villages = make_villages("白水村", "高坝田村", "坪茶村", "木弄村")
    with count_statements() as few:
        page_of(), villages_page(today=TODAY)
    for number in range(3):
        product = make_product(f"米{number}")
        make_lot(product, sources=[(village, 250_000) for village in villages])
        sell((product.sku, 2), on=TODAY)
    with count_statements() as many:
        page_of(), villages_page(today=TODAY)
    assert len(few) <= len(many) <= 8 + 4, "one village, and all of them"
    with count_statements() as cooperative:
        cooperative_page("baishui-dami", today=TODAY, english=False)
    assert len(cooperative) == 6
