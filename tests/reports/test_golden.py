"""A golden report: a few sales of the demo county worked by hand, and every way to read them agrees with the table, to the fen.

The shares follow DESIGN §2: rice comes 700 : 300 from two villages, so T = 20,000 fen is 14,000 + 6,000 and T = 26,800 is 18,760 + 8,040; of 6,667 fen given
back the smaller side bears 2,000. Files are written as the page writes them, all questions as the tables of one.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise

import pytest
from flask import Flask
from flask_babel import force_locale
from openpyxl import load_workbook
from pypdf import PdfReader

from shop.extensions import reading
from shop.orders.models import Channel
from shop.reports.dimensions import DIMENSIONS
from shop.reports.documents import Document, Part
from shop.reports.folding import fold
from shop.reports.periods import Period
from shop.reports.sales import Dates, sales
from shop.reports.sales_document import sales_document
from shop.reports.sales_page import Asked
from shop.web.filters import kg, thousands, yuan
from shop.web.report_files import write_file
from tests.books import refund, sell
from tests.browser import Browser
from tests.database import ONCE
from tests.factories import (
    NOW,
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


GROUPED: list[tuple[str, ...]] = [*((name,) for name in DIMENSIONS), *combinations(DIMENSIONS, 2)]
DRAWN: list[tuple[str, ...]] = [*((name,) for name in DIMENSIONS), *pairwise(DIMENSIONS)]
"""Workbooks and paper are drawn from the documents that CSV and JSON are written from: each dimension alone, first and second, says enough day by day."""
BY = pytest.mark.parametrize("drawn", [pytest.param(DRAWN, id="each"), pytest.param(GROUPED, id="every pair", marks=pytest.mark.soak)])
EVERY_PAIR: list[tuple[str, ...]] = [(), *GROUPED]
NOTHING = "（没有）"


def test_every_dimension_and_every_pair_says_what_was_worked_by_hand(county: None) -> None:
    for by in EVERY_PAIR:
        for dates in Dates if len(by) < 2 else (Dates.POSTED,):
            with reading():
                report = sales(by, FIRST, LAST, dates=dates)
            found = {tuple(label.name for label in row.labels): tuple(row.measures.as_json().values()) for row in report.rows}
            assert found == worked(by, dates), (by, dates)
            assert tuple(report.total.as_json().values()) == worked((), dates)[()]


# ── As people get it ──────────────────────────────────────────────────────────────────────────────────────────────────


def asked(by: tuple[str, ...]) -> Asked:
    """A question by the day of booking."""
    return Asked(by, Period(FIRST, LAST))


def documents(questions: Sequence[tuple[str, ...]]) -> list[Document]:
    """Each question's report as the page gives it, in Chinese."""
    with force_locale("zh"), reading():
        return [sales_document(asked(by), sales(by, FIRST, LAST), now=NOW) for by in questions]


def all_in_one(questions: Sequence[tuple[str, ...]]) -> Document:
    """Every report as a table of one document: written once, and read once."""
    parts = [
        Part(str(number), f"T{number:03d}", part.columns, part.lines, part.total)
        for number, document in enumerate(documents(questions))
        for part in document.parts
    ]
    return Document("golden", "Golden", Period(FIRST, LAST), (), tuple(parts), NOW)


def written(document: Document, form: str) -> bytes:
    """The file."""
    with force_locale("zh"):
        return write_file(document, form)


@ONCE
def test_csv_and_json_say_what_was_worked_by_hand(county: None) -> None:
    for by, document in zip(GROUPED, documents(GROUPED), strict=True):
        said = json.loads(written(document, "json"))
        assert {tuple(row[name] for name in by): _figures(row) for row in said["rows"]} == worked(by, Dates.POSTED), by
        assert _figures(said["total"]) == worked((), Dates.POSTED)[()]
        rows = csv.DictReader(io.StringIO(written(document, "csv").decode("utf-8-sig")))
        assert {tuple(row[name] or None for name in by): _figures(row) for row in rows} == worked(by, Dates.POSTED), by


def _figures(row: Mapping[str, str | int]) -> Figures:
    lines, units, grams, gross, refunds, net = (
        int(row[name]) for name in ("lines", "units", "weight_grams", "gross_fen", "refunds_fen", "net_fen")
    )
    return lines, units, grams, gross, refunds, net


@ONCE
@BY
def test_workbooks_say_what_was_worked_by_hand(county: None, drawn: list[tuple[str, ...]]) -> None:
    book = load_workbook(io.BytesIO(written(all_in_one(drawn), "xlsx")), read_only=True)
    for number, by in enumerate(drawn):
        _head, *rows, total = book[f"T{number:03d}"].iter_rows(values_only=True)
        said = {tuple(None if name == NOTHING else name for name in row[1 : 2 * len(by) : 2]): from_sheet(row[-6:]) for row in rows}
        assert len(said) == len(rows) and said == worked(by, Dates.POSTED), by
        assert from_sheet(total[-6:]) == worked((), Dates.POSTED)[()]


def from_sheet(cells: Sequence[object]) -> tuple[int, ...]:
    """Yuan and kilograms as fen and grams."""
    return tuple(round(float(str(cell)) * by) for cell, by in zip(cells, (1, 1, 1_000, 100, 100, 100), strict=True))


@ONCE
@BY
def test_paper_says_what_was_worked_by_hand(county: None, drawn: list[tuple[str, ...]]) -> None:
    paper = PdfReader(io.BytesIO(written(all_in_one(drawn), "pdf")))
    text = re.sub(r"\s+", "", "".join(page.extract_text() for page in paper.pages))
    parts = re.split(r"T(\d{3})(?!\d)", text)[1:]
    said = dict(zip(map(int, parts[::2]), parts[1::2], strict=True))
    assert len(said) == len(drawn)
    for number, by in enumerate(drawn):
        for names, figures in {**worked(by, Dates.POSTED), ("合计",): worked((), Dates.POSTED)[()]}.items():
            row = "".join([*(name or NOTHING for name in names), *as_drawn(figures)])
            assert row.replace(" ", "") in said[number], (by, names)


def as_drawn(figures: Figures) -> list[str]:
    """As paper writes them."""
    lines, units, grams, *fen = figures
    return [thousands(lines), thousands(units), kg(grams).removesuffix(" kg"), *map(yuan, fen)]


SALES = f"/staff/reports/sales?from={FIRST}&to={LAST}&vs=none"


def address_of(by: tuple[str, ...], dates: Dates = Dates.POSTED) -> str:
    """The page of a question."""
    return SALES + "".join(f"&{name}={value}" for name, value in zip(("by", "by2"), by, strict=False)) + f"&dates={dates.value}"


ON_SCREEN = [by for number, by in enumerate(GROUPED) if len(by) == 1 or number % 17 == 0]


def test_the_screen_says_what_was_worked_by_hand(county: None, app: Flask) -> None:
    browser = Browser(sign_in(app.test_client(), make_staff()))
    for by in ON_SCREEN:
        table = browser.open(address_of(by, Dates.SOLD)).html.split("sales-grid")[1]
        for names, figures in {**worked(by, Dates.SOLD), ("合计",): worked((), Dates.SOLD)[()]}.items():
            shown = [row for row in table.split("<tr>") if all(f">{name or '（没有）'}<" in row for name in names)]
            assert len(shown) == 1, names
            for fen in figures[3:]:
                assert f">{fen // 100:,}.{fen % 100:02d}<" in shown[0], (names, fen)
            for count in figures[:2]:
                assert f">{count}<" in shown[0], (names, count)
