"""A product's page: what is left, which lot comes next, and where the money would go."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from shop.catalog.models import ProductStatus
from shop.extensions import db
from shop.kit.errors import NotFound
from shop.ledger.models import Attribution
from shop.reports.product_page import ProductPage, product_page
from shop.shipping.rules import Quote
from tests.books import sell
from tests.factories import Pack, correct_sources, hold_units, make_lot, make_product, make_villages
from tests.statements import count_statements

TODAY = date(2026, 11, 23)


def page_of(slug: str = "baishui-gongmi", sku_code: str | None = None) -> ProductPage:
    """The page today."""
    return product_page(slug, sku_code=sku_code, today=TODAY)


def test_what_is_shown_as_going_to_villages_is_what_the_next_sale_books(app: Flask) -> None:
    villages = make_villages("白水村", "高坝田村", "坪茶村")
    product = make_product(packs=[Pack(68_01, 1_000)])
    make_lot(product, units=40, sources=list(zip(villages, (6_000, 6_000, 2_000), strict=True)), produced_grams=40_000)
    for _ in range(12):
        lot = page_of().lot
        assert lot is not None
        shown = {source.village_id: fen for source, fen in lot.shares}
        assert sum(shown.values()) == 68_01
        (line_id,) = sell((product.sku, 1)).line_ids
        booked = dict(
            db.session.execute(select(Attribution.village_id, Attribution.amount_fen).where(Attribution.line_id == line_id)).all()
        )
        db.session.close()
        assert shown == booked


def test_the_first_pack_that_is_left_is_chosen_unless_another_is_asked_for(app: Flask) -> None:
    product = make_product(packs=[Pack(68_00, 5_000, code="five"), Pack(36_00, 2_500, code="two"), Pack(12_00, 500, code="half")])
    make_lot(product, units={product.skus[1].id: 4, product.skus[2].id: 9})
    assert [pack.free_units for pack in page_of().packs] == [0, 4, 9]
    for asked, chosen in ((None, "two"), ("half", "half"), ("five", "five"), ("no such", "two")):
        page = page_of(sku_code=asked)
        assert page.chosen is not None and page.chosen.sku.code == chosen
        assert page.can_be_bought
    assert page_of(sku_code="five").lot is None, "a pack that is sold out comes from no lot"


def test_lots_go_first_expired_first_and_expired_or_recalled_ones_not_at_all(app: Flask) -> None:
    product = make_product()
    make_lot(product, units=7, code="LATER", best_before=date(2027, 3, 1))
    first = make_lot(product, units=5, code="FIRST", best_before=date(2026, 11, 23))  # its last day
    make_lot(product, units=100, code="EXPIRED", best_before=date(2026, 11, 22))
    make_lot(product, units=100, code="RECALLED", recalled_at=datetime(2026, 11, 1, tzinfo=UTC))
    hold_units(first.item_id, 2)
    page = page_of()
    assert page.chosen is not None and page.chosen.free_units == 10
    assert page.lot is not None
    assert (page.lot.item.lot_code, page.lot.item.free_units, page.lot.item.held, page.lot.later_codes) == ("FIRST", 3, 2, ("LATER",))


def test_only_the_sources_in_force_count(app: Flask) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    lot = make_lot(make_product(packs=[Pack(68_00, 5_000)]), sources=[(baishui, 1_000_000)])
    correct_sources(lot, [(baishui, 750_000), (gaobatian, 250_000)])
    now = page_of().lot
    assert now is not None
    assert [(source.village, source.grams, fen) for source, fen in now.shares] == [("白水村", 750_000, 51_00), ("高坝田村", 250_000, 17_00)]


def test_a_draft_and_what_never_was_are_not_there(app: Flask) -> None:
    make_product("草稿", slug="draft", status=ProductStatus.DRAFT)
    for slug in ("draft", "never-was"):
        with pytest.raises(NotFound):
            page_of(slug)


def test_a_retired_product_keeps_its_page_and_cannot_be_bought(app: Flask) -> None:
    make_lot(make_product(status=ProductStatus.RETIRED))
    page = page_of()
    assert page.product.is_retired and not page.can_be_bought and page.lot is None


def test_a_product_without_packs_has_nothing_chosen(app: Flask) -> None:
    make_product(packs=[Pack(is_offered=False)])
    page = page_of()
    assert page.packs == () and page.chosen is None and page.to_kunshan is None and not page.can_be_bought


def test_the_page_says_what_sending_one_pack_to_kunshan_costs(app: Flask) -> None:
    make_lot(make_product())
    quote = page_of().to_kunshan
    assert isinstance(quote, Quote) and (quote.fen, quote.fewest_days, quote.most_days) == (6_00, 3, 4)


def test_the_label_names_the_official_place(app: Flask) -> None:
    make_lot(make_product())
    page = page_of()
    assert (page.place, page.product.town_full, page.product.village, page.product.village_code) == (
        "贵州省铜仁市碧江区",
        "滑石侗族苗族土家族乡",
        "白水村",
        "520602201202",
    )


def test_two_statements_however_many_packs_and_lots(app: Flask) -> None:
    product = make_product(packs=[Pack(grams=grams) for grams in (500, 1_000, 5_000)])
    for _ in range(4):
        make_lot(product, units={sku.id: 3 for sku in product.skus})
    page_of()
    with count_statements() as seen:
        page_of()
    assert len(seen) == 2
