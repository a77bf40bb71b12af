"""Ready-made reports: each stands on the screen, on paper and in files with the figures of the engine, and a notice names nobody."""

import io
import json
import re
from datetime import date
from html import unescape

import pytest
from flask import Flask
from openpyxl import load_workbook
from pypdf import PdfReader

from shop.kit.clock import business_day, utc_now
from shop.reports.ready import READY
from tests.books import refund, sell
from tests.browser import Browser
from tests.factories import MadeProduct, make_cooperative, make_eastern_unit, make_lot, make_pairing, make_product, make_village
from tests.statements import count_statements

OCTOBER = "month=2026-10"
DAYS = "from=2026-10-01&to=2026-11-30"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米 of 700 kg from 白水村 and 300 kg from 高坝田村; in October three bags for a paired unit, one of them back in November."""
    baishui, gaobatian = make_village(), make_village("高坝田村", town="坝黄镇")
    product = make_product(cooperative=make_cooperative(villages=(baishui, gaobatian)))
    make_lot(product, units=200, sources=[(baishui, 700_000), (gaobatian, 300_000)], harvested_on=date(2026, 9, 1))
    unit = make_eastern_unit()
    make_pairing(unit_id=unit, village=baishui)
    make_pairing(unit_id=make_eastern_unit("昆山市周市镇"), village=gaobatian)
    sold = sell((product.sku, 3), on=date(2026, 10, 9), eastern_unit_id=unit)
    refund(sold, on=date(2026, 11, 2))
    return product


def report(office: Browser, name: str, query: str = "") -> dict[str, list[dict[str, object]]]:
    """The rows of each part, as programs read them."""
    said = json.loads(office.client.get(f"/staff/reports/ready/{name}?{query}&format=json").data)
    return {part["name"]: part["rows"] for part in said["parts"]}


@pytest.mark.parametrize("name", READY)
def test_each_stands_on_the_screen_and_in_every_file(name: str, rice: MadeProduct, office: Browser) -> None:
    address = f"/staff/reports/ready/{name}"
    assert address in office.open("/staff/reports/ready/").html
    page = office.open(f"{address}?{DAYS}")
    assert page.status == 200
    assert office.client.get(f"{address}?format=csv").data.startswith(b"\xef\xbb\xbfpart,")
    book = load_workbook(io.BytesIO(office.client.get(f"{address}?format=xlsx").data))
    assert book.sheetnames[-1] == "说明" and book.worksheets[0].freeze_panes == "A2"
    paper = PdfReader(io.BytesIO(office.client.get(f"{address}?format=pdf").data))
    title = re.search(r"<h1>(.*?)</h1>", page.html[page.html.rindex("<h1>") :])
    assert title and title[1].replace(" ", "") in paper.pages[0].extract_text().replace(" ", "")
    office.open("/language?to=en")
    assert office.open(f"{address}?{DAYS}").status == 200


def test_a_villages_year_opens_its_lines(rice: MadeProduct, office: Browser) -> None:
    rows = report(office, "village-year", "year=2026")
    assert [(row["month"], row["net_fen"]) for row in rows["month"]] == [("2026-10", 14_280), ("2026-11", -4_760)]
    page = office.open("/staff/reports/ready/village-year?year=2026")
    figure = re.search(r'<a href="(/staff/reports/sales/lines[^"]*month=2026-10[^"]*)">142.80</a>', page.html)
    assert figure
    assert "142.80" in office.open(unescape(figure[1])).text


def test_a_notice_names_nobody_and_tells_no_small_count(rice: MadeProduct, office: Browser) -> None:
    page = office.open(f"/staff/reports/ready/village-month?{OCTOBER}")
    assert "白水村2026 年 10 月销售公示" in page.text and "142.80" in page.text and "少于 10" in page.text
    assert "梅女士" not in page.html
    for number in range(10):
        sell((rice.sku, 1), on=date(2026, 10, 10 + number))
    assert ">11<" in office.open(f"/staff/reports/ready/village-month?{OCTOBER}").html
    assert office.open("/staff/reports/ready/village-month?month=1999-01").status == 404
    assert office.open("/staff/reports/ready/village-month?village=x").status == 404
    assert office.open("/staff/reports/ready/village-month?village=999999").status == 404


def test_every_pairing_stands_there_with_what_was_done_for_it(rice: MadeProduct, office: Browser) -> None:
    rows = report(office, "pairings", DAYS)
    done = {(row["eastern_unit"], row["western"]): row["net_fen"] for row in rows["pairing"]}
    assert done == {("昆山市巴城镇", "白水村"): 9_520, ("昆山市周市镇", "高坝田村"): 0, ("（没有结对）", None): 4_080}
    assert {(row["eastern_unit"], row["village"], row["net_fen"]) for row in rows["unit_village"]} == {
        ("昆山市巴城镇", "白水村", 9_520),
        ("昆山市巴城镇", "高坝田村", 4_080),
    }


def test_a_scorecard_compares_with_the_period_before(rice: MadeProduct, office: Browser) -> None:
    points = {row["point"]: (row["now"], row["before"]) for row in report(office, "cooperative", "from=2026-11-01&to=2026-11-30")["points"]}
    assert points["净额（元）"] == ("-68.00", "204.00") and points["订单"] == ("0", "1")
    assert points["退款占销售额"] == ("—", "0.0%")


def test_a_season_has_its_best_month_and_refunds_their_reasons(rice: MadeProduct, office: Browser) -> None:
    (row,) = report(office, "season", "year=2026")["season"]
    assert (row["best"], row["2026-10"], row["2026-11"], row["net_fen"]) == ("2026-10", 20_400, -6_800, 13_600)
    rows = report(office, "refunds", DAYS)
    assert [(row["reason"], row["refunds_fen"], row["share"]) for row in rows["reason"]] == [("（没有写）", 6_800, 10_000)]


def test_regions_and_accredited_sales_are_those_of_the_engine(rice: MadeProduct, office: Browser) -> None:
    rows = report(office, "buyer-regions", DAYS)
    assert [(row["province"], row["net_fen"]) for row in rows["province"]] == [("江苏省", 13_600)]
    rows = report(office, "accredited", DAYS)
    assert [(row["accredited"], row["net_fen"]) for row in rows["accredited"]] == [("未认定", 13_600)] and rows["village"] == []


def test_stock_that_will_not_be_sold_in_time_is_named(app: Flask, office: Browser) -> None:
    today = business_day(utc_now())
    product = make_product()
    near = make_lot(product, units=60, best_before=today.replace(year=today.year + 1), code="NEAR", harvested_on=date(2026, 9, 1))
    far = make_lot(product, units=600, best_before=today.replace(year=today.year + 2), code="FAR", harvested_on=date(2026, 9, 1))
    assert near and far
    sell((product.sku, 10), on=today)
    rows = {row["lot"]: row for row in report(office, "stock-at-risk")["lots"]}
    assert "NEAR" not in rows, "10 in four weeks sell the 50 that are left within a year"
    years = (today.replace(year=today.year + 2) - today).days
    assert rows["FAR"]["left"] == 600 - (10 * years // 28 - 50), "what is sold of the lot before it is not sold of this one"


def test_wrong_days_are_said_beside_their_field(office: Browser) -> None:
    page = office.open("/staff/reports/ready/refunds?from=2026-11-30&to=2026-11-01")
    assert page.status == 422 and "不能早于开始那天" in page.text
    assert office.open("/staff/reports/ready/nothing").status == 404


def test_a_report_asks_the_same_number_of_statements_however_much_was_sold(rice: MadeProduct, office: Browser) -> None:
    counts = []
    for _time in range(2):
        with count_statements() as seen:
            office.open(f"/staff/reports/ready/pairings?{DAYS}")
        counts.append(len(seen))
        sell((rice.sku, 2), on=date(2026, 10, 20))
    assert counts[0] == counts[1]
