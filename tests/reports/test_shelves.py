"""The shelves: found by words and facets, in order, in two statements once they are known."""

from datetime import UTC, date, datetime
from random import Random

import pytest
from flask import Flask
from sqlalchemy import insert

from shop.catalog.models import ProductStatus
from shop.extensions import act, db
from shop.kit.ids import UserId
from shop.papers.models import Accreditation
from shop.reports.shelves import ACCREDITED, ALL_YEAR, IN_STOCK, PER_PAGE, PRICES, Sort, Wanted, cards_in_season, cards_of, shelves
from tests.factories import (
    MadeProduct,
    Pack,
    hold_units,
    make_category,
    make_cooperative,
    make_lot,
    make_product,
    make_user,
    make_village,
    write_off,
)
from tests.statements import count_statements

TODAY = date(2026, 11, 23)


def found(words: str = "", **wanted: object) -> list[str]:
    """Names of what is found, in order."""
    return [card.name for card in shelves(Wanted(words, **wanted), today=TODAY, english=False).cards]  # type: ignore[arg-type]


@pytest.fixture
def county(app: Flask) -> None:
    """Rice of 白水, peanuts of 高坝田, chrysanthemum of 坪茶."""
    gaobatian, pingcha = make_village("高坝田村", slug="gaobatian", town="坝黄镇"), make_village("坪茶村", slug="pingcha", town="坝黄镇")
    growers = make_cooperative("高坝田村股份经济合作社", slug="gaobatian", villages=[gaobatian, pingcha])
    make_lot(make_product("白水贡米", name_en="Baishui tribute rice"))
    make_lot(
        make_product("珍珠花生", name_en="Pearl peanuts", village=gaobatian, cooperative=growers, category="坚果", packs=[Pack(16_00, 500)])
    )
    make_lot(
        make_product("金丝皇菊", name_en="Chrysanthemum", village=pingcha, cooperative=growers, category="茶饮", packs=[Pack(88_00, 30)])
    )


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("花生", ["珍珠花生"]),
        ("贡米", ["白水贡米"]),
        ("皇菊", ["金丝皇菊"]),
        ("白水", ["白水贡米"]),
        ("米", ["白水贡米"]),
        ("rice", ["白水贡米"]),
        ("RICE", ["白水贡米"]),
        ("ｒｉｃｅ", ["白水贡米"]),
        ("高坝田", ["珍珠花生", "金丝皇菊"]),
        ("高坝田 皇菊", ["金丝皇菊"]),
        ("米生", []),
        ("苹果", []),
        ("", ["白水贡米", "珍珠花生", "金丝皇菊"]),
    ],
)
def test_every_token_must_be_found(county: None, words: str, names: list[str]) -> None:
    assert found(words) == names


@pytest.mark.parametrize("words", ["%", "_", "%_", "\\", "！？", "' or 1=1 --", "米%' escape '", "米" * 5_000, "\x00"])
def test_what_like_would_read_finds_nothing_special(county: None, words: str) -> None:
    assert found(words) == []


@pytest.mark.parametrize("words", ["", "  ", "　"])
def test_asking_for_nothing_shows_everything(county: None, words: str) -> None:
    assert len(found(words)) == 3


def test_facets_narrow_one_by_the_other_and_count_what_the_others_leave(county: None) -> None:
    result = shelves(Wanted(cooperatives=("gaobatian",), villages=("pingcha",)), today=TODAY, english=False)
    assert [card.name for card in result.cards] == ["金丝皇菊"]
    assert result.total == 1
    assert [(row.name, row.count) for row in result.categories] == [("茶饮", 1)]
    assert [(row.name, row.count) for row in result.villages] == [("高坝田村", 1), ("坪茶村", 1)], (
        "choosing the other village would find one too"
    )
    assert {(row.slug, row.count) for row in result.cooperatives} == {("gaobatian", 1)}


def test_the_name_comes_before_other_words_and_places(app: Flask) -> None:
    tea_village = make_village("茶园村", slug="chayuan")
    make_lot(make_product("花生", village=tea_village))
    make_lot(make_product("金丝皇菊"))  # 菊花茶, as others call it
    make_lot(make_product("苔茶", category="茶饮"))
    assert found("茶")[0] == "苔茶" and found("cha")[0] == "苔茶"
    assert set(found("茶")) == {"苔茶", "金丝皇菊"}, "a lone character of a place finds nothing"
    assert found("茶园") == ["花生"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [("gongmi", "白水贡米"), ("gm", "白水贡米"), ("gòng mǐ", "白水贡米"), ("zhenzhu hs", "珍珠花生"), ("gaobatian", "珍珠花生")],
)
def test_what_sounds_like_it_is_found(county: None, typed: str, name: str) -> None:
    assert name in found(typed)


# ── Facets against a plain count ──────────────────────────────────────────────────────────────────────────────────────

NAMES = {"category": "categories", "village": "villages", "cooperative": "cooperatives", "season": "seasons", "price": "prices"}
NAMES |= {"stock": "stocks", "mark": "marks"}


@pytest.fixture
def market(app: Flask) -> list[dict[str, set[str]]]:
    """Of eighteen products what each facet says of it."""
    villages = [make_village(f"{name}村", slug=f"v{place}") for place, name in enumerate("甲乙丙")]
    growers = [make_cooperative(f"{name}社", slug=f"k{place}", villages=villages) for place, name in enumerate("子丑")]
    months = [None, (9, 10), (12, 2)]
    make_category("坚果", slug="nuts")
    clerk, kept = make_user("Clerk"), []
    for number in range(18):
        fen = (9_00, 20_00, 60_00, 100_00)[number % 4]
        season = months[number % 3]
        product = make_product(
            f"米{number}", packs=[Pack(fen)], village=villages[number % 3], cooperative=growers[number // 9], harvest_months=season,
            category=("粮油", "坚果")[number % 2],
        )  # fmt: skip
        if number % 5:
            make_lot(product)
        if number % 6 == 1:
            accredit(product, clerk.id)
        kept.append(
            {
                "category": {("grain", "nuts")[number % 2]},
                "village": {villages[number % 3].slug},
                "cooperative": {growers[number // 9].slug},
                "season": {ALL_YEAR} if season is None else {"9", "10"} if season == (9, 10) else {"12", "1", "2"},
                "price": {PRICES[number % 4]},
                "stock": {IN_STOCK} if number % 5 else set(),
                "mark": {ACCREDITED} if number % 6 == 1 else set(),
            }
        )
    return kept


@act
def accredit(product: MadeProduct, by: UserId) -> None:
    """For this year."""
    values = {"number": f"帮扶 {product.id}", "issuer": "示例", "paper": "柜 1", "once": product.slug, "recorded_by": by}
    days = {"first_day": date(2026, 1, 1), "last_day": date(2026, 12, 31), "recorded_at": datetime(2026, 1, 1, tzinfo=UTC)}
    db.session.execute(insert(Accreditation).values(product_id=product.id, **values, **days))


def test_every_count_is_what_a_plain_count_says(market: list[dict[str, set[str]]]) -> None:
    values = {facet: sorted(set().union(*(product[facet] for product in market))) for facet in NAMES}
    for chance in map(Random, range(25)):
        chosen = {
            facet: tuple(chance.sample(all_, chance.randint(1, min(2, len(all_)))))
            for facet, all_ in values.items()
            if chance.random() < 0.4
        }
        result = shelves(Wanted(**{NAMES[facet]: slugs for facet, slugs in chosen.items()}), today=TODAY, english=False)  # type: ignore[arg-type]

        def fits(product: dict[str, set[str]], but: str = "", chosen: dict[str, tuple[str, ...]] = chosen) -> bool:
            return all(product[facet] & set(slugs) for facet, slugs in chosen.items() if facet != but)

        assert result.total == sum(fits(product) for product in market)
        for facet, field in NAMES.items():
            told = {row.slug: row.count for row in getattr(result, field) if row.count}
            counted = {slug: sum(fits(product, facet) and slug in product[facet] for product in market) for slug in values[facet]}
            assert told == {slug: count for slug, count in counted.items() if count}, (chosen, facet)


def test_a_chosen_value_stays_in_its_facet_when_it_leaves_nothing(county: None) -> None:
    result = shelves(Wanted("贡米", villages=("pingcha",)), today=TODAY, english=False)
    assert result.total == 0 and result.cards == ()
    assert ("pingcha", 0) in [(row.slug, row.count) for row in result.villages]


def test_an_unknown_value_finds_nothing(county: None) -> None:
    assert found(categories=("nothing",)) == []


def test_sorts(county: None) -> None:
    assert found(sort=Sort.CHEAP) == ["珍珠花生", "白水贡米", "金丝皇菊"]
    assert found(sort=Sort.DEAR) == ["金丝皇菊", "白水贡米", "珍珠花生"]
    assert found(sort=Sort.NEW) == ["金丝皇菊", "珍珠花生", "白水贡米"]


def test_the_best_order_puts_what_is_sold_out_last_and_what_is_in_season_first(app: Flask) -> None:
    make_product("售罄米")
    make_lot(make_product("陈米", harvest_months=(3, 4)))
    make_lot(make_product("新米", harvest_months=(11, 1)))
    assert found() == ["新米", "陈米", "售罄米"]


def test_drafts_and_retired_products_are_not_on_the_shelves(app: Flask) -> None:
    make_lot(make_product("草稿米", status=ProductStatus.DRAFT))
    make_lot(make_product("停售米", status=ProductStatus.RETIRED))
    make_product("没有规格", packs=[Pack(is_offered=False)])
    assert shelves(Wanted(), today=TODAY, english=False).total == 0


def test_what_is_left_counts_every_lot_that_may_be_sold(app: Flask) -> None:
    product = make_product(packs=[Pack(68_00, 5_000), Pack(36_00, 2_500)])
    lot = make_lot(product, units={product.skus[0].id: 6, product.skus[1].id: 2})
    hold_units(lot.item_id, 1)
    write_off(lot.item_id, 2)
    make_lot(product, units=50, harvested_on=date(2025, 1, 1), best_before=date(2026, 11, 22))  # expired yesterday
    make_lot(product, units=50, recalled_at=datetime(2026, 11, 1, tzinfo=UTC))
    (card,) = shelves(Wanted(), today=TODAY, english=False).cards
    assert (card.free_units, card.packs, card.price_fen, card.unit_price.fen) == (5, 2, 68_00, 6_80)


def test_pages_are_full_and_one_beyond_the_last_is_the_last(app: Flask) -> None:
    for number in range(PER_PAGE + 2):
        make_product(f"米{number}")
    first, beyond = (shelves(Wanted(page=page), today=TODAY, english=False) for page in (1, 99))
    assert (len(first.cards), first.pages, first.total) == (PER_PAGE, 2, PER_PAGE + 2)
    assert (len(beyond.cards), beyond.page) == (2, 2)
    assert len({card.slug for card in first.cards} | {card.slug for card in beyond.cards}) == PER_PAGE + 2


def test_english_names_stand_on_english_shelves(county: None) -> None:
    result = shelves(Wanted("rice"), today=TODAY, english=True)
    assert (result.cards[0].name, result.cards[0].village, result.cards[0].town) == ("Baishui tribute rice", "Baishui Village", "Huashi")


def test_four_statements_however_much_is_asked_and_found_and_two_once_it_is_known(county: None) -> None:
    for wanted in (Wanted(), Wanted("白水 米", ("grain",), ("baishui",), ("baishui-dami",), sort=Sort.DEAR)):
        counts = []
        for _ in range(2):
            with count_statements() as seen:
                shelves(wanted, today=TODAY, english=False)
            counts.append(len(seen))
        assert counts == [4, 2]


def test_cards_for_other_pages_take_one_statement(app: Flask) -> None:
    rice = make_product("新米", harvest_months=(10, 12))
    make_lot(rice)
    make_product("没货的新米", harvest_months=(10, 12))
    make_lot(make_product("果酱"))
    with count_statements() as seen:
        assert [card.name for card in cards_in_season(8, today=TODAY, english=False)] == ["新米"]
        assert [card.name for card in cards_of([rice.id], today=TODAY, english=False)] == ["新米"]
    assert len(seen) == 2
    assert cards_of([], today=TODAY, english=False) == ()
