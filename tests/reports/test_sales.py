"""Sales by anything: every fen in exactly one row, lines and units distinct, on both databases."""

import json
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import insert

from shop.extensions import act, db
from shop.kit.clock import business_day
from shop.kit.ids import EasternUnitId, VillageId
from shop.orders.models import Channel
from shop.origin.models import Pairing, PairingKind
from shop.reports.dimensions import DIMENSIONS
from shop.reports.sales import Dates, Figure, Measures, Sales, lines_behind, sales
from tests.books import fail_refund, refund, sell
from tests.factories import MadeProduct, Pack, make_cooperative, make_eastern_unit, make_lot, make_pairing, make_product, make_village
from tests.statements import count_statements

NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))
DAY = date(2026, 11, 23)


def of(report: Sales, *names: str | None) -> Measures:
    """The figures of the row with these names."""
    found = [row.measures for row in report.rows if tuple(label.name for label in row.labels) == names]
    assert len(found) == 1, (names, [tuple(label.name for label in row.labels) for row in report.rows])
    return found[0]


@act
def pair(unit_id: EasternUnitId, name: str, **given: object) -> None:
    """The unit is paired with a village or a whole town, which the pairing calls `name`."""
    values: dict[str, object] = {"kind": PairingKind.VILLAGE, "village_id": None, "town_id": None, "is_confirmed": False}
    db.session.execute(insert(Pairing).values(unit_id=unit_id, western_name=name, **values | given))


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, five kilograms for ¥68.00: two bags of a lot of 白水村, then a lot of 700 kg from 白水村 and 300 kg from 高坝田村."""
    baishui, gaobatian = make_village(), make_village("高坝田村", town="坝黄镇")
    product = make_product(cooperative=make_cooperative(villages=(baishui, gaobatian)))
    make_lot(product, units=2, best_before=date(2027, 1, 1))
    make_lot(product, units=100, sources=[(baishui, 700_000), (gaobatian, 300_000)], best_before=date(2027, 2, 1))
    return product


def test_the_worked_example_of_the_design_stands_in_the_report(rice: MadeProduct) -> None:
    sold = sell((rice.sku, 3), discount_fen=400)
    report = sales(["village"], *NOVEMBER)
    assert of(report, "白水村") == Measures(lines=1, units=3, weight_grams=13_500, gross_fen=18_000, refunds_fen=0)
    assert of(report, "高坝田村") == Measures(lines=1, units=1, weight_grams=1_500, gross_fen=2_000, refunds_fen=0)
    assert report.total == Measures(lines=1, units=3, weight_grams=15_000, gross_fen=20_000, refunds_fen=0)

    refund(sold)
    report = sales(["village"], *NOVEMBER)
    assert of(report, "白水村").net_fen == 18_000 - 4_667
    assert of(report, "高坝田村").net_fen == 0
    assert of(report, "高坝田村").refunds_fen == 2_000
    assert report.total == Measures(lines=1, units=3, weight_grams=15_000, gross_fen=20_000, refunds_fen=6_667)


@pytest.mark.parametrize("name", DIMENSIONS)
def test_every_fen_stands_in_exactly_one_row_of_every_dimension(name: str, rice: MadeProduct) -> None:
    unit = make_eastern_unit()
    make_pairing(unit_id=unit)
    first = sell((rice.sku, 3), on=date(2026, 11, 2), eastern_unit_id=unit)
    sell((rice.sku, 2), on=date(2026, 11, 30), channel=Channel.OFFLINE, district_code="", region="")
    refund(first, on=date(2026, 11, 9))
    report = sales([name], *NOVEMBER)
    assert report.total == Measures(lines=2, units=5, weight_grams=25_000, gross_fen=5 * 6_800, refunds_fen=6_800)
    for fen in ("gross_fen", "refunds_fen", "weight_grams", "net_fen"):
        assert sum(getattr(row.measures, fen) for row in report.rows) == getattr(report.total, fen)
    keys = [row.keys for row in report.rows]
    assert len(set(keys)) == len(keys)
    for row in report.rows:
        behind = lines_behind({name: row.keys[0]}, *NOVEMBER)
        assert behind.total == row.measures
        assert sales([], *NOVEMBER, only={name: row.keys[0]}).total == row.measures


def test_a_line_of_two_villages_counts_whole_in_both_and_once_in_the_total(rice: MadeProduct) -> None:
    sell((rice.sku, 5))
    sell((rice.sku, 4))
    report = sales(["village"], *NOVEMBER)
    assert of(report, "白水村").lines == 2 and of(report, "白水村").units == 9
    assert of(report, "高坝田村").lines == 2 and of(report, "高坝田村").units == 7, "two bags of the first line are all of 白水村"
    assert report.total.lines == 2 and report.total.units == 9


def test_a_refund_lowers_the_period_it_is_booked_in_or_that_of_its_sale(rice: MadeProduct) -> None:
    sold = sell((rice.sku, 2), on=date(2026, 10, 31))
    refund(sold, on=date(2026, 11, 1))
    october = (date(2026, 10, 1), date(2026, 10, 31))
    assert sales(["village"], *october).total == Measures(1, 2, 10_000, 13_600, 0)
    posted = sales(["village"], *NOVEMBER)
    assert posted.total == Measures(lines=0, units=0, weight_grams=0, gross_fen=0, refunds_fen=6_800)
    assert posted.total.net_fen == -6_800
    assert sales(["village"], *october, dates=Dates.SOLD).total == Measures(1, 2, 10_000, 13_600, 6_800)
    assert sales(["village"], *NOVEMBER, dates=Dates.SOLD).rows == ()


def test_a_failed_refund_booked_back_no_longer_counts(rice: MadeProduct) -> None:
    sold = sell((rice.sku, 3))
    fail_refund(refund(sold))
    report = sales(["village"], *NOVEMBER)
    assert report.total == Measures(1, 3, 15_000, 20_400, 0)
    assert all(row.measures.refunds_fen == 0 for row in report.rows)


def test_the_period_ends_with_the_last_second_of_its_last_day_in_shanghai(rice: MadeProduct) -> None:
    midnight = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    before, after = business_day(midnight - timedelta(seconds=1)), business_day(midnight)
    assert (before, after) == (date(2026, 11, 30), date(2026, 12, 1))
    sell((rice.sku, 1), on=before, at=midnight - timedelta(seconds=1))
    sell((rice.sku, 4), on=after, at=midnight)
    assert sales([], *NOVEMBER).total.units == 1
    assert sales([], date(2026, 12, 1), date(2026, 12, 31)).total.units == 4
    assert sales([], before, after).total.units == 5


def test_days_are_those_of_shanghai_wherever_the_server_stands(rice: MadeProduct, monkeypatch: pytest.MonkeyPatch) -> None:
    make_lot(rice, units=50, harvested_on=date(2028, 1, 1))
    for zone in ("America/Los_Angeles", "Pacific/Kiritimati"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            for at, units in ((datetime(2028, 2, 28, 15, 59, 59, tzinfo=UTC), 1), (datetime(2028, 2, 28, 16, 0, tzinfo=UTC), 2)):
                sell((rice.sku, units), on=business_day(at), at=at)
            sell((rice.sku, 4), on=business_day(datetime(2028, 2, 29, 16, 0, tzinfo=UTC)))
            days = {row.labels[0].code: row.measures.units for row in sales(["day"], date(2028, 2, 1), date(2028, 3, 31)).rows}
        finally:
            monkeypatch.undo()
            time.tzset()
        assert set(days) == {"2028-02-28", "2028-02-29", "2028-03-01"}, "a leap day begins and ends at midnight in Shanghai"
    assert days == {"2028-02-28": 2, "2028-02-29": 4, "2028-03-01": 8}, "twice each"
    assert sales([], date(2028, 2, 1), date(2028, 2, 29)).total.units == 6, "February has all of its days"


def test_time_runs_forward_by_day_week_month_and_year(rice: MadeProduct) -> None:
    for day in (date(2027, 1, 1), date(2026, 12, 31), date(2026, 11, 30), date(2026, 11, 29), date(2026, 12, 31)):
        sell((rice.sku, 1), on=day)
    period = (date(2026, 1, 1), date(2027, 12, 31))

    def codes(name: str) -> list[tuple[str | None, int]]:
        return [(row.labels[0].code, row.measures.units) for row in sales([name], *period).rows]

    assert codes("day") == [("2026-11-29", 1), ("2026-11-30", 1), ("2026-12-31", 2), ("2027-01-01", 1)]
    assert codes("week") == [("2026-W48", 1), ("2026-W49", 1), ("2026-W53", 3)], "30 November is a Monday; the year ends in week 53"
    assert codes("month") == [("2026-11", 2), ("2026-12", 2), ("2027-01", 1)]
    assert codes("year") == [("2026", 4), ("2027", 1)]


@pytest.mark.parametrize(
    "day", [date(1999, 12, 31), date(2000, 2, 29), date(2026, 1, 1), date(2026, 1, 5), date(2027, 1, 3), date(2032, 12, 31)]
)
def test_weeks_are_those_of_the_calendar(day: date, app: Flask) -> None:
    week = DIMENSIONS["week"]
    number = week.key_of(f"{day:%G-W%V}")
    label = week.label_of(number)
    assert label.code == f"{day:%G-W%V}"
    assert label.name is not None and label.name.startswith((day - timedelta(days=day.weekday())).isoformat())


def test_two_dimensions_make_one_row_for_each_pair(rice: MadeProduct) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))
    sell((rice.sku, 1), on=date(2026, 11, 3), channel=Channel.OFFLINE)
    report = sales(["village", "channel"], *NOVEMBER)
    assert of(report, "白水村", "线上").units == 3
    assert of(report, "高坝田村", "线下").units == 1
    assert len(report.rows) == 4
    assert sum(row.measures.gross_fen for row in report.rows) == report.total.gross_fen == 4 * 6_800
    assert [row.labels[0].name for row in report.rows] == ["白水村", "白水村", "高坝田村", "高坝田村"], "a village's rows stand together"
    document = report.as_json()["rows"]
    assert isinstance(document, list)
    assert list(document[0]) == [
        "village_code", "village", "channel_code", "channel", "lines", "units", "weight_grams", "gross_fen", "refunds_fen", "net_fen",
    ]  # fmt: skip


def test_a_village_without_a_code_has_its_own_row_and_name(app: Flask) -> None:
    for name in ("兴龙社区(龙田组)", "另一个没有代码的村"):
        village = make_village(name, code=None)
        product = make_product(f"{name}的米", village=village, cooperative=make_cooperative(f"{name}合作社", villages=(village,)))
        make_lot(product, units=5)
        sell((product.sku, 1))
    rows = sales(["village"], *NOVEMBER).as_json()["rows"]
    assert isinstance(rows, list)
    assert {(row["village_code"], row["village"], row["gross_fen"]) for row in rows} == {
        (None, "兴龙社区(龙田组)", 6_800),
        (None, "另一个没有代码的村", 6_800),
    }


def test_the_json_is_that_of_the_contract(rice: MadeProduct) -> None:
    refund(sell((rice.sku, 2)))
    document = sales(["village"], *NOVEMBER).as_json()
    assert json.loads(json.dumps(document)) == {
        "by": ["village"],
        "from": "2026-11-01",
        "to": "2026-11-30",
        "rows": [
            {
                "village_code": "520602201202",
                "village": "白水村",
                "lines": 1,
                "units": 2,
                "weight_grams": 10_000,
                "gross_fen": 13_600,
                "refunds_fen": 6_800,
                "net_fen": 6_800,
            }
        ],
        "total": {"lines": 1, "units": 2, "weight_grams": 10_000, "gross_fen": 13_600, "refunds_fen": 6_800, "net_fen": 6_800},
    }


def test_a_period_without_sales_has_no_rows_and_a_total_of_nought(app: Flask) -> None:
    report = sales(["village"], *NOVEMBER)
    assert report.rows == () and report.total == Measures(0, 0, 0, 0, 0)
    assert report.as_csv().decode("utf-8-sig") == "village_code,village,lines,units,weight_grams,gross_fen,refunds_fen,net_fen\r\n"


def test_a_sale_is_credited_to_the_pairing_of_the_buyers_unit_with_the_village(rice: MadeProduct) -> None:
    unit, other = make_eastern_unit("张浦镇七桥村"), make_eastern_unit("周市镇")
    baishui, gaobatian = make_village(), make_village("高坝田村")
    pair(unit, "还没开始", village_id=baishui.id, is_confirmed=True, valid_from=date(2026, 11, 24))
    pair(unit, "已经结束", village_id=baishui.id, is_confirmed=True, valid_until=date(2026, 11, 22))
    pair(unit, "整个滑石乡", town_id=baishui.town_id, is_confirmed=True)
    pair(unit, "没有查证", village_id=baishui.id)
    pair(unit, "白水村", village_id=baishui.id, is_confirmed=True, valid_from=DAY, valid_until=DAY)
    pair(unit, "后来的", village_id=baishui.id, is_confirmed=True)
    pair(other, "别人的", village_id=gaobatian.id, is_confirmed=True)
    sell((rice.sku, 3), on=DAY, discount_fen=400, eastern_unit_id=unit)
    sell((rice.sku, 1), on=DAY, eastern_unit_id=None)
    report = sales(["pairing"], *NOVEMBER)
    assert of(report, "张浦镇七桥村 × 白水村").gross_fen == 18_000, "one pairing of them all, and only what is the village's"
    assert of(report, None).gross_fen == 2_000 + 6_800
    assert len(report.rows) == 2
    rows = report.as_json()["rows"]
    assert isinstance(rows, list) and rows[-1]["pairing_code"] is None and rows[-1]["pairing"] is None


def test_a_unit_paired_with_the_town_is_credited_when_none_is_paired_with_the_village(rice: MadeProduct) -> None:
    unit = make_eastern_unit("周市镇")
    pair(unit, "滑石乡", town_id=make_village().town_id, kind=PairingKind.TOWN)
    pair(unit, "高坝田村", village_id=make_village("高坝田村").id)
    sell((rice.sku, 3), discount_fen=400, eastern_unit_id=unit)
    report = sales(["pairing"], *NOVEMBER)
    assert of(report, "周市镇 × 滑石乡（待确认）").gross_fen == 18_000
    assert of(report, "周市镇 × 高坝田村（待确认）").gross_fen == 2_000


def test_buyers_are_told_apart_by_province_city_and_district(rice: MadeProduct) -> None:
    for code in ("320583", "320583", "310101", "441900", "429004"):
        sell((rice.sku, 1), district_code=code)
    sell((rice.sku, 1), district_code="", region="", channel=Channel.OFFLINE)

    def rows(name: str) -> dict[str | None, tuple[str | None, int]]:
        return {row.labels[0].code: (row.labels[0].name, row.measures.units) for row in sales([name], *NOVEMBER).rows}

    assert rows("province") == {
        "320000": ("江苏省", 2),
        "310000": ("上海市", 1),
        "440000": ("广东省", 1),
        "420000": ("湖北省", 1),
        None: (None, 1),
    }
    assert rows("city")["320500"] == ("苏州市", 2)
    assert rows("city")["310100"] == ("上海市", 1)
    assert rows("city")["441900"] == ("东莞市", 1)
    assert rows("district")["320583"] == ("苏州市昆山市", 2)
    assert rows("district")["310101"] == ("上海市黄浦区", 1)
    assert rows("district")[None] == (None, 1)


def test_the_lines_behind_a_figure_sum_to_it_page_by_page(rice: MadeProduct) -> None:
    sold = [sell((rice.sku, 1), on=date(2026, 11, 1) + timedelta(days=number)) for number in range(7)]
    refund(sold[0], on=date(2026, 11, 20))
    village = next(row for row in sales(["village"], *NOVEMBER).rows if row.labels[0].name == "高坝田村")
    only = {"village": village.keys[0]}
    pages = [lines_behind(only, *NOVEMBER, page=page, page_size=2) for page in (1, 2, 3)]
    assert pages[0].count == 5 and pages[0].pages == 3, "the first two bags are all of 白水村"
    assert {page.total for page in pages} == {village.measures}
    assert [label.name for label in pages[0].labels] == ["高坝田村"]
    assert sum(page.of_page.net_fen for page in pages) == village.measures.net_fen
    assert sum(line.measures.net_fen for page in pages for line in page.rows) == village.measures.net_fen
    assert [line.sold_on for line in pages[0].rows] == [date(2026, 11, 7), date(2026, 11, 6)]
    assert lines_behind(only, *NOVEMBER, page=10**30, page_size=2) == pages[2], "a page beyond the last is the last"
    assert lines_behind({}, *NOVEMBER, figure=Figure.REFUNDS).total.refunds_fen == 6_800
    assert [line.order_number for line in lines_behind({}, *NOVEMBER, figure=Figure.REFUNDS).rows] == [sold[0].number]
    later = (date(2026, 11, 20), date(2026, 11, 30))
    assert lines_behind({}, *later, figure=Figure.SOLD).rows == (), "nothing was sold then, only refunded"
    assert lines_behind({}, *later).total == sales([], *later).total


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("village", "白水"),
        ("village", "9" * 30),
        ("month", "2026-13"),
        ("week", "2026-W54"),
        ("day", "x"),
        ("channel", "post"),
        ("district", "32"),
    ],
)
def test_a_value_that_no_key_can_be_is_refused(name: str, key: str, app: Flask) -> None:
    with pytest.raises(ValueError):
        sales([], *NOVEMBER, only={name: key})


def test_a_report_is_one_statement_however_much_was_sold(rice: MadeProduct) -> None:
    for _ in range(3):
        sell((rice.sku, 2))
    with count_statements() as statements:
        sales(["village", "pairing"], *NOVEMBER)
    assert len(statements) == 1
    with count_statements() as statements:
        lines_behind({"village": "1"}, *NOVEMBER)
    assert len(statements) == 1


def test_csv_never_becomes_a_formula(app: Flask) -> None:
    village = make_village('=HYPERLINK("http://evil.example","看")', code=None)
    product = make_product("米", village=village, cooperative=make_cooperative("+86合作社", villages=(village,)))
    make_lot(product, units=5)
    sold = sell((product.sku, 1), on=date(2026, 10, 31))
    refund(sold, on=date(2026, 11, 1))
    text = sales(["village", "cooperative"], *NOVEMBER).as_csv()
    assert text.startswith(b"\xef\xbb\xbf")
    header, row = text.decode("utf-8-sig").splitlines()
    assert header.startswith("village_code,village,cooperative_code,cooperative,lines")
    assert row.startswith(",\"'=HYPERLINK(") and ",'+86合作社," in row
    assert row.endswith(",0,0,0,0,6800,-6800"), "a negative amount is a number, not a formula"


def test_reports_agree_whatever_they_are_grouped_by(app: Flask) -> None:
    villages = [make_village(f"第{number}村") for number in range(3)]
    cooperative = make_cooperative("三村合作社", villages=villages)
    skus = []
    for number in range(3):
        product = make_product(
            f"货{number}", cooperative=cooperative, village=villages[0], category=f"类{number % 2}", packs=(Pack(price_fen=333 + number),)
        )
        make_lot(product, units=200, sources=[(village, 100 + 37 * place * (number + 1)) for place, village in enumerate(villages)])
        skus.append(product.sku)
    for number in range(12):
        sold = sell(
            *((sku, 1 + (number + place) % 3) for place, sku in enumerate(skus)), on=DAY - timedelta(days=number), discount_fen=number * 7
        )
        if number % 3 == 0:
            refund(sold, line=number % 2, on=DAY)
    totals = {sales(by, date(2026, 11, 1), DAY).total for by in ([], ["village"], ["product", "month"], ["category"], ["week", "town"])}
    assert len(totals) == 1
    assert {VillageId(int(row.keys[0])) for row in sales(["village"], date(2026, 11, 1), DAY).rows} == {village.id for village in villages}
