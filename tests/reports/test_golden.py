"""A golden report: a few sales of the demo county worked by hand, and every way to read them agrees with the table, to the fen.

The shares follow DESIGN §2: rice comes 700 : 300 from two villages, so T = 20,000 fen is 14,000 + 6,000 and T = 26,800 is 18,760 + 8,040; of 6,667 fen given
back the smaller side bears 2,000. A new kind of file is one line in `FILES`.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

import pytest
from flask import Flask

from shop.extensions import reading
from shop.orders.models import Channel
from shop.reports.dimensions import DIMENSIONS
from shop.reports.folding import fold
from shop.reports.sales import Dates, sales
from tests.books import refund, sell
from tests.browser import Browser
from tests.factories import (
    Pack,
    make_cooperative,
    make_eastern_unit,
    make_lot,
    make_pairing,
    make_product,
    make_staff,
    make_village,
    sign_in,
)

FIRST, LAST = date(2026, 11, 1), date(2026, 12, 31)
UNIT = "昆山市周市镇"


@dataclass(frozen=True)
class Fact:
    """What one village has of one order line, worked by hand."""

    line: int
    village: str
    product: str
    posted: date
    sold: date
    district: str | None
    unit: str | None
    channel: str
    sold_units: int
    """Of the line; nought for what came back."""
    grams: int
    gross_fen: int
    refunds_fen: int


A, B, C, BACK = date(2026, 11, 2), date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 3)
TABLE = (
    # Three bags of rice, ¥204.00 less ¥4.00, to Kunshan for a unit paired with 白水村.
    Fact(1, "白水村", "白水贡米", A, A, "苏州市昆山市", UNIT, "线上", 3, 10_500, 14_000, 0),
    Fact(1, "高坝田村", "白水贡米", A, A, "苏州市昆山市", UNIT, "线上", 3, 4_500, 6_000, 0),
    # Two packs of tea at a fair, on the last day of a month, to nobody known.
    Fact(2, "九龙村", "桃源菊茶", B, B, None, None, "线下", 2, 60, 6_666, 0),
    # A bag of rice and a pack of tea in one order, on the first day of the next.
    Fact(3, "白水村", "白水贡米", C, C, "上海市黄浦区", None, "线上", 1, 3_500, 4_760, 0),
    Fact(3, "高坝田村", "白水贡米", C, C, "上海市黄浦区", None, "线上", 1, 1_500, 2_040, 0),
    Fact(4, "九龙村", "桃源菊茶", C, C, "上海市黄浦区", None, "线上", 1, 30, 3_333, 0),
    # One bag of the first order comes back a month later.
    Fact(1, "白水村", "白水贡米", BACK, A, "苏州市昆山市", UNIT, "线上", 0, 0, 0, 4_667),
    Fact(1, "高坝田村", "白水贡米", BACK, A, "苏州市昆山市", UNIT, "线上", 0, 0, 0, 2_000),
)
TOWNS = {"白水村": "滑石乡", "高坝田村": "坝黄镇", "九龙村": "坝黄镇"}
COOPERATIVES = {"白水贡米": "甲合作社", "桃源菊茶": "乙合作社"}
CATEGORIES = {"白水贡米": "粮油", "桃源菊茶": "茶"}
PLACES = {"苏州市昆山市": ("江苏省", "苏州市"), "上海市黄浦区": ("上海市", "上海市"), None: (None, None)}

Names = tuple[str | None, ...]
Figures = tuple[int, int, int, int, int, int]
"""Lines, units, grams, gross, refunds, net."""


def name_of(fact: Fact, dimension: str, dates: Dates) -> str | None:
    """What a fact is called under a dimension."""
    day = fact.posted if dates is Dates.POSTED else fact.sold
    monday = day - timedelta(days=day.weekday())
    names: dict[str, str | None] = {
        "village": fact.village,
        "town": TOWNS[fact.village],
        "county": "碧江区",
        "cooperative": COOPERATIVES[fact.product],
        "product": fact.product,
        "category": CATEGORIES[fact.product],
        "day": day.isoformat(),
        "week": f"{monday} – {monday + timedelta(days=6):%m-%d}",
        "month": f"{day:%Y-%m}",
        "year": f"{day:%Y}",
        "province": PLACES[fact.district][0],
        "city": PLACES[fact.district][1],
        "district": fact.district,
        "eastern_unit": fact.unit,
        "pairing": f"{UNIT} × 白水村" if fact.unit and fact.village == "白水村" else None,
        "channel": fact.channel,
        "accredited": "未认定",
    }
    return names[dimension]


def worked(by: tuple[str, ...], dates: Dates) -> dict[Names, Figures]:
    """The table, added up."""
    groups: dict[Names, list[Fact]] = {}
    for fact in TABLE:
        groups.setdefault(tuple(name_of(fact, name, dates) for name in by), []).append(fact)
    return {names: _added(facts) for names, facts in groups.items()}


def _added(facts: list[Fact]) -> Figures:
    units = {fact.line: fact.sold_units for fact in facts if fact.sold_units}
    gross_fen, refunds_fen = sum(fact.gross_fen for fact in facts), sum(fact.refunds_fen for fact in facts)
    return len(units), sum(units.values()), sum(fact.grams for fact in facts), gross_fen, refunds_fen, gross_fen - refunds_fen


@pytest.fixture
def county(app: Flask) -> None:
    """The sales of the table; the first of them folded, the others waiting."""
    baishui, gaobatian, jiulong = make_village(), make_village("高坝田村", town="坝黄镇"), make_village("九龙村", town="坝黄镇")
    first, second = make_cooperative("甲合作社", villages=(baishui, gaobatian)), make_cooperative("乙合作社", villages=(jiulong,))
    rice = make_product(cooperative=first)
    tea = make_product("桃源菊茶", cooperative=second, village=jiulong, category="茶", packs=(Pack(price_fen=3_333, grams=30),))
    make_lot(rice, units=200, sources=[(baishui, 700_000), (gaobatian, 300_000)], harvested_on=date(2026, 9, 1))
    make_lot(tea, units=50, harvested_on=date(2026, 9, 1))
    unit = make_eastern_unit(UNIT)
    make_pairing(unit_id=unit, village=baishui, is_confirmed=True)
    sold = sell((rice.sku, 3), on=A, discount_fen=400, eastern_unit_id=unit)
    fold()
    sell((tea.sku, 2), on=B, channel=Channel.OFFLINE, district_code="", region="")
    sell((rice.sku, 1), (tea.sku, 1), on=C, district_code="310101", region="上海市黄浦区")
    refund(sold, on=BACK)


EVERY_PAIR = [(), *((name,) for name in DIMENSIONS), *combinations(DIMENSIONS, 2)]


def test_every_dimension_and_every_pair_says_what_was_worked_by_hand(county: None) -> None:
    for by in EVERY_PAIR:
        for dates in Dates if len(by) < 2 else (Dates.POSTED,):
            with reading():
                report = sales(by, FIRST, LAST, dates=dates)
            found = {tuple(label.name for label in row.labels): tuple(row.measures.as_json().values()) for row in report.rows}
            assert found == worked(by, dates), (by, dates)
            assert tuple(report.total.as_json().values()) == worked((), dates)[()]


# ── As people get it ──────────────────────────────────────────────────────────────────────────────────────────────────


def from_csv(browser: Browser, address: str, by: tuple[str, ...]) -> dict[Names, Figures]:
    """As a spreadsheet reads it."""
    rows = csv.DictReader(io.StringIO(browser.client.get(f"{address}&format=csv").data.decode("utf-8-sig")))
    return {tuple(row[name] or None for name in by): _figures(row) for row in rows}


def from_json(browser: Browser, address: str, by: tuple[str, ...]) -> dict[Names, Figures]:
    """As a program reads it."""
    document = json.loads(browser.client.get(f"{address}&format=json").data)
    return {tuple(row[name] for name in by): _figures(row) for row in document["rows"]}


def _figures(row: Mapping[str, str | int]) -> Figures:
    lines, units, grams, gross, refunds, net = (
        int(row[name]) for name in ("lines", "units", "weight_grams", "gross_fen", "refunds_fen", "net_fen")
    )
    return lines, units, grams, gross, refunds, net


FILES: dict[str, Callable[[Browser, str, tuple[str, ...]], dict[Names, Figures]]] = {
    "csv": from_csv,
    "json": from_json,
}
"""Every kind of file that the page gives, and how it is read."""

SALES = f"/staff/reports/sales?from={FIRST}&to={LAST}&vs=none"


def address_of(by: tuple[str, ...], dates: Dates = Dates.POSTED) -> str:
    """The page of a question."""
    return SALES + "".join(f"&{name}={value}" for name, value in zip(("by", "by2"), by, strict=False)) + f"&dates={dates.value}"


SOME = [("village",), ("pairing",), ("district",), ("week",), ("village", "product"), ("town", "pairing"), ("product", "district")]
"""Of one table, of several, of time; from a roll-up, and from the lines."""


@pytest.mark.parametrize("kind", FILES)
def test_files_say_what_was_worked_by_hand(kind: str, county: None, app: Flask) -> None:
    browser = Browser(sign_in(app.test_client(), make_staff()))
    for by in SOME:
        assert FILES[kind](browser, address_of(by), by) == worked(by, Dates.POSTED), by


def test_the_screen_says_what_was_worked_by_hand(county: None, app: Flask) -> None:
    browser = Browser(sign_in(app.test_client(), make_staff()))
    for by in SOME:
        table = browser.open(address_of(by, Dates.SOLD)).html.split("sales-grid")[1]
        for names, figures in {**worked(by, Dates.SOLD), ("合计",): worked((), Dates.SOLD)[()]}.items():
            shown = [row for row in table.split("<tr>") if all(f">{name or '（没有）'}<" in row for name in names)]
            assert len(shown) == 1, names
            for fen in figures[3:]:
                assert f">{fen // 100:,}.{fen % 100:02d}<" in shown[0], (names, fen)
            for count in figures[:2]:
                assert f">{count}<" in shown[0], (names, count)
