"""What is suggested, and what is said when nothing was found."""

from datetime import date

import pytest
from flask import Flask

from shop.reports.shelves import Wanted, shelves
from shop.reports.suggestions import Kind, near_words, nothing_found, suggestions
from tests.factories import make_cooperative, make_lot, make_product, make_village
from tests.statements import count_statements

TODAY = date(2026, 11, 23)
NAMES = [("白水贡米", "Baishui tribute rice"), ("珍珠花生", "Pearl peanuts"), ("糯玉米", "Waxy corn")]


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("共米", "贡米"),
        ("gongmmi", "贡米"),
        ("ricce", "rice"),
        ("penuts", "peanuts"),
        ("红玉米", "玉米"),
        ("苹果 花生", "花生"),
        ("花声", "花生"),
    ],
)
def test_near_words_by_sound_by_spelling_and_by_parts(typed: str, near: str) -> None:
    assert near in near_words(typed, NAMES, english=False)


@pytest.mark.parametrize("typed", ["", "%", "<b>", "🍎", "x" * 60, "鑫鑫鑫"])
def test_what_is_near_to_nothing_has_no_near_words(typed: str) -> None:
    assert near_words(typed, NAMES, english=False) == ()


def test_products_come_first_by_name_then_places(app: Flask) -> None:
    make_lot(make_product("珍珠花生"))
    village = make_village("花园村", slug="huayuan")
    make_product("糯米", village=village, cooperative=make_cooperative("花园村合作社", slug="huayuan", villages=[village]))
    with count_statements() as seen:
        found = suggestions("hua", english=False)
    assert len(seen) == 1
    assert [(thing.kind, thing.name) for thing in found if thing.kind is not Kind.COOPERATIVE] == [
        (Kind.PRODUCT, "珍珠花生"),
        (Kind.PRODUCT, "糯米"),
        (Kind.VILLAGE, "花园村"),
    ]
    assert suggestions("  ", english=False) == () and suggestions("苹果", english=False) == ()


def test_nothing_found_offers_what_is_found_and_what_is_in_season(app: Flask) -> None:
    make_lot(make_product("白水贡米", harvest_months=(11, 12)))
    with count_statements() as seen:
        nothing = nothing_found("共米", today=TODAY, english=False)
    assert len(seen) == 2
    assert nothing.near and [card.name for card in nothing.in_season] == ["白水贡米"]
    assert all(shelves(Wanted(word), today=TODAY, english=False).total for word in nothing.near)
