"""The staff's page of sales: every figure opens the lines that make it, and the files say the same."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from shop.extensions import db, reading
from shop.kit.clock import business_day, utc_now
from shop.ledger.models import DividendShare
from shop.orders.models import Channel
from shop.outbox.tasks import run_tasks
from shop.reports import sales_page
from shop.reports.buckets import buckets
from shop.reports.sales import Counts, sales
from shop.worker import TASKS
from tests.books import refund, sell
from tests.browser import Browser
from tests.dividends import make_dividend
from tests.factories import (
    MadeProduct,
    make_cooperative,
    make_lao_chen,
    make_lot,
    make_mei,
    make_product,
    make_stranger,
    make_village,
    sign_in,
)
from tests.statements import count_statements

SALES = "/staff/reports/sales"
NOVEMBER = f"{SALES}?from=2026-11-01&to=2026-11-30"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米 of one lot of 700 kg from 白水村 and 300 kg from 高坝田村."""
    baishui, gaobatian = (
        make_village(),
        make_village("高坝田村", name_en="Gaobatian Village", town="坝黄镇", latitude=27.71806, longitude=109.01889),
    )
    product = make_product(cooperative=make_cooperative(villages=(baishui, gaobatian)))
    make_lot(product, units=200, sources=[(baishui, 700_000), (gaobatian, 300_000)], harvested_on=date(2025, 10, 9))
    return product


def links(html: str) -> list[tuple[str, str]]:
    """Every figure of the table that opens its lines: (address, figure)."""
    table = html[html.index('class="grid sales-grid"') :]
    return [(unescape(href), text) for href, text in re.findall(r'<a href="(/staff/reports/sales/lines[^"]*)">([^<]+)</a>', table)]


def test_every_figure_opens_lines_that_sum_to_it_on_screen(rice: MadeProduct, office: Browser) -> None:
    for number in range(4):
        sold = sell((rice.sku, 1 + number), on=date(2026, 11, 2 + number))
    refund(sold, 2, on=date(2026, 11, 20))
    page = office.open(NOVEMBER)
    assert page.status == 200
    assert "白水村" in page.text and "476.00" in page.text, "7 of the 10 bags' worth"
    figures = links(page.html)
    assert len(figures) == 3 * 8, "eight figures of two villages and of the total"
    for place, (address, figure) in enumerate(figures):
        opened = office.open(address)
        assert opened.status == 200
        footer = opened.html[opened.html.index("<tfoot>") :]
        rows = opened.html[opened.html.index("<tbody>") : opened.html.index("<tfoot>")].count("<tr>")
        is_of_people = place % 8 == 1  # one buyer may stand behind many lines
        assert f">{figure}<" in footer or figure == str(rows) or is_of_people, f"{figure} of {address}"


def test_lines_of_many_pages_say_the_sum_of_the_page_and_of_all(rice: MadeProduct, office: Browser) -> None:
    for number in range(52):
        sell((rice.sku, 1), on=date(2026, 11, 1) + timedelta(days=number % 28))
    page = office.open(f"{SALES}/lines?from=2026-11-01&to=2026-11-30")
    assert "第 1 页，共 2 页" in page.text and "3,400.00" in page.text and "3,536.00" in page.text
    assert "136.00" in office.open(f"{SALES}/lines?from=2026-11-01&to=2026-11-30&page=2").text


def test_the_filters_stand_in_the_form_and_the_files_keep_them(rice: MadeProduct, office: Browser) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))
    page = office.open(f"{NOVEMBER}&by=town&by2=month&channel=online&dates=sold&vs=none")
    form = page.form(SALES)
    chosen = {name: form.values(name)[0] for name in ("from", "to", "by", "by2", "channel", "dates", "vs")}
    assert chosen == {
        "from": "2026-11-01", "to": "2026-11-30", "by": "town", "by2": "month", "channel": "online", "dates": "sold", "vs": "none",
    }  # fmt: skip
    download = re.search(r'href="([^"]*format=json[^"]*)"', page.html)
    assert download is not None
    answer = office.client.get(unescape(download[1]))
    assert answer.content_type == "application/json"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="sales-by-town-month-2026-11-01-2026-11-30.json"'
    assert json.loads(answer.data) == sales(["town", "month"], date(2026, 11, 1), date(2026, 11, 30)).as_json()


def test_csv_carries_the_figures_of_the_page(rice: MadeProduct, office: Browser) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))
    answer = office.client.get(f"{NOVEMBER}&format=csv")
    assert answer.content_type == "text/csv; charset=utf-8" and answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["village"], row["net_fen"]) for row in rows] == [("白水村", "14280"), ("高坝田村", "6120")]
    page = office.open(NOVEMBER)
    assert "142.80" in page.text and "61.20" in page.text and "204.00" in page.text


def test_without_dates_it_is_this_month_so_far(rice: MadeProduct, office: Browser) -> None:
    today = business_day(utc_now())
    sell((rice.sku, 1), on=today)
    sell((rice.sku, 5), on=(today.replace(day=1) - timedelta(days=1)).replace(day=1))
    form = office.open(SALES).form(SALES)
    assert form.values("from") == [today.replace(day=1).isoformat()] and form.values("to") == [today.isoformat()]
    assert "68.00" in office.page.text
    assert "▼ 80%" in office.page.text, "compared with as many days of the month before"


def test_what_sold_only_in_the_period_before_still_stands_there(rice: MadeProduct, office: Browser) -> None:
    village = make_village("九龙村")
    honey = make_product("土蜂蜜", village=village, cooperative=make_cooperative("九龙村种养合作社", villages=(village,)))
    make_lot(honey, units=5)
    sell((honey.sku, 1), on=date(2026, 10, 9))
    sell((rice.sku, 1), on=date(2026, 11, 9))
    page = office.open(NOVEMBER)
    assert "九龙村" in page.text and "本期无销售" in page.text
    assert "与 2026-10-01 至 2026-10-31 相比" in page.text
    assert "九龙村" not in office.open(f"{NOVEMBER}&vs=none").html.split("sales-grid")[1]


@pytest.mark.parametrize(
    ("query", "field", "typed", "says"),
    [
        ("from=2026-11-31&to=2026-12-01", "from", "2026-11-31", "写年-月-日"),
        ("from=昨天&to=", "from", "昨天", "写年-月-日"),
        ("from=2026-11-30&to=2026-11-01", "to", "2026-11-01", "不能早于开始那天 2026-11-30"),
        ("from=1026-11-30&to=2026-11-01", "from", "1026-11-30", "2000 年到 2099 年之间"),
    ],
)
def test_a_wrong_day_is_said_beside_its_field_and_kept(query: str, field: str, typed: str, says: str, office: Browser) -> None:
    page = office.open(f"{SALES}?{query}")
    assert page.status == 422
    assert page.form(SALES).values(field) == [typed]
    assert says in page.text
    assert re.search(rf'aria-invalid="true"[^>]*name="{field}"|name="{field}"[^>]*aria-invalid="true"', page.html)


@pytest.mark.parametrize("query", ["by=colour", "by=village&by2=village", "channel=post", "vs=always", "dates=tomorrow"])
def test_what_is_not_on_the_list_is_said_and_nothing_is_guessed(query: str, office: Browser) -> None:
    page = office.open(f"{SALES}?{query}")
    assert page.status == 422 and "field-error" in page.html and "kpis" not in page.html


def test_days_are_read_as_people_write_them(rice: MadeProduct, office: Browser) -> None:
    sell((rice.sku, 1), on=date(2026, 11, 2))
    page = office.open(f"{SALES}?from=２０２６年１１月１日&to=2026/11/30")
    assert page.status == 200 and "68.00" in page.text


def test_a_period_without_sales_says_so_and_where_to_look(office: Browser) -> None:
    page = office.open(f"{SALES}?from=2020-01-01&to=2020-01-31")
    assert page.status == 200 and "这段时间没有卖出，也没有退款" in page.text and "看今年" in page.text
    lines = office.open(f"{SALES}/lines?from=2020-01-01&to=2020-01-31&village=1")
    assert lines.status == 200 and "这里没有订单行" in lines.text


@pytest.mark.parametrize("query", ["village=x", "figure=most", "from=x", "month=2026-13", "page=1&channel=post"])
def test_lines_of_nothing_that_could_be_are_not_there(query: str, office: Browser) -> None:
    assert office.open(f"{SALES}/lines?{query}").status == 404


def test_columns_sort_and_turn_round(rice: MadeProduct, office: Browser) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))

    def names(sort: str) -> list[str]:
        table = office.open(f"{NOVEMBER}&sort={sort}").html.split("sales-grid")[1]
        return re.findall(r'<tr><th scope="row"><a [^>]*>([^<]+)</a></th>', table)[:2]

    assert names("gross") == ["白水村", "高坝田村"]
    assert names("gross-up") == ["高坝田村", "白水村"]
    assert names("nonsense") == ["白水村", "高坝田村"]


def test_a_long_period_is_drawn_by_month_and_many_rows_fold_into_the_rest(rice: MadeProduct, office: Browser) -> None:
    for number in range(20):
        sell((rice.sku, 1), on=date(2026, 1, 5) + timedelta(days=7 * number))
    page = office.open(f"{SALES}?from=2026-01-01&to=2026-12-31&by=week")
    assert "每月净额" in page.text and "2026-12" in page.text and "其余" in page.text
    assert office.open(f"{SALES}?from=2026-01-01&to=2026-01-31&by=day").status == 200


def test_where_nothing_applies_the_row_says_so_and_opens_its_lines(rice: MadeProduct, office: Browser) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))
    page = office.open(f"{NOVEMBER}&by=eastern_unit")
    assert "（没有）" in page.text
    address, figure = links(page.html)[-1]
    assert "eastern_unit=-" in links(page.html)[0][0]
    assert f">{figure}<" in office.open(address).html


def test_a_page_asks_the_same_number_of_statements_however_much_was_sold(rice: MadeProduct, office: Browser) -> None:
    def asked(path: str) -> int:
        with count_statements() as statements:
            assert office.open(path).status == 200
        return len(statements)

    sell((rice.sku, 1), on=date(2026, 11, 2))
    before = [asked(NOVEMBER), asked(f"{SALES}/lines?from=2026-11-01&to=2026-11-30"), asked(f"{NOVEMBER}&format=csv")]
    for number in range(5):
        sell((rice.sku, 2), on=date(2026, 11, 3 + number))
    after = [asked(NOVEMBER), asked(f"{SALES}/lines?from=2026-11-01&to=2026-11-30"), asked(f"{NOVEMBER}&format=csv")]
    assert before == after
    who_asks = 2  # the account, and what it works for
    assert after == [11 + 1 + who_asks + 1, 1 + who_asks + 1, 3 + who_asks], (
        "a page also asks whether its months are closed, and counts the visitor's basket"
    )


def test_guests_sign_in_first_and_strangers_find_nothing(app: Flask, rice: MadeProduct) -> None:
    answer = app.test_client().get(NOVEMBER)
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/account/sign-in?next=")
    for person in (make_stranger(), make_lao_chen()):
        client = sign_in(app.test_client(), person)
        for path in (NOVEMBER, f"{NOVEMBER}&format=csv", f"{SALES}/lines"):
            assert client.get(path).status_code == 404


def test_auditor_lin_reads_and_both_languages_are_whole(rice: MadeProduct, lin: Browser) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))
    lin.language = "en"
    with lin.client.session_transaction() as session:
        session["locale"] = "en"
    page = lin.open(NOVEMBER)
    assert page.status == 200 and '<html lang="en">' in page.html
    assert "Baishui Village" in page.text and "Gaobatian Village" in page.text
    assert lin.open(f"{SALES}/lines?from=2026-11-01&to=2026-11-30").status == 200
    assert lin.open(f"{SALES}?from=x").status == 422


def test_any_dimension_can_be_held_to_a_value_and_let_go_again(rice: MadeProduct, office: Browser) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))
    sell((rice.sku, 2), on=date(2026, 11, 3), channel=Channel.OFFLINE, district_code="310101", region="")
    page = office.open(f"{NOVEMBER}&by=village&district=310101&product={rice.id}")
    assert "136.00" in page.text and "204.00" not in page.text and "上海市黄浦区" in page.text
    assert page.form(SALES).values("product") == [str(rice.id)], "chosen in its list"
    address, _figure = links(page.html)[-1]
    assert "district=310101" in address and office.open(address).status == 200
    let_go = re.search(r'href="([^"]*)" aria-label="去掉条件：买家区县"', page.html)
    assert let_go is not None and "340.00" in office.open(unescape(let_go[1])).text
    assert office.open(f"{NOVEMBER}&district=32").status == 404


def test_orders_and_buyers_are_counted_once_each(rice: MadeProduct, office: Browser) -> None:
    mei = make_mei()
    sold = sell((rice.sku, 3), on=date(2026, 11, 2), buyer_id=mei.id)
    sell((rice.sku, 1), on=date(2026, 11, 2), buyer_id=mei.id, phone="13800009999")
    sell((rice.sku, 1), on=date(2026, 11, 3), phone="13800001111")
    sell((rice.sku, 1), on=date(2026, 11, 3), phone="13800001111", channel=Channel.OFFLINE)
    sell((rice.sku, 1), on=date(2026, 11, 4), phone="", channel=Channel.OFFLINE)
    refund(sold, on=date(2026, 11, 5))
    report = sales(["village"], date(2026, 11, 1), date(2026, 11, 30), with_counts=True)
    assert report.counts == Counts(orders=5, buyers=2), "whoever left nothing is no buyer, and a refund is no order"
    assert replace(report, counts=None, rows=tuple(replace(row, counts=None) for row in report.rows)) == sales(
        ["village"], date(2026, 11, 1), date(2026, 11, 30)
    )
    assert "2 位买家" in office.open(NOVEMBER).text


def test_a_report_that_reads_too_much_goes_to_the_background_and_comes_back_the_same(
    rice: MadeProduct, office: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))
    long = f"{NOVEMBER}&by=product&by2=district"
    at_once = office.open(long).html
    monkeypatch.setattr(sales_page, "MOST_ROWS_READ", 0)
    monkeypatch.setattr(sales_page, "MOST_ROWS_COUNTED", 0)
    page = office.open(long)
    assert "在后台读" in page.text and "kpis" not in page.html
    waiting = office.press(f"{SALES}/long")
    assert "在排队" in waiting.text and 'http-equiv="refresh"' in waiting.html
    run_tasks(TASKS, clock=utc_now)
    shown = office.open(waiting.path)
    assert "204.00" in shown.text and "后台在" in shown.text
    assert [figure for _address, figure in links(shown.html)] == [
        figure for place, (_address, figure) in enumerate(links(at_once)) if place % 8 > 1
    ], "the same figures; orders and buyers were not asked for"
    download = re.search(r'href="([^"]*format=json[^"]*)"', shown.html)
    assert download is not None and json.loads(office.client.get(unescape(download[1])).data)["total"]["net_fen"] == 20_400


def test_two_dimensions_are_drawn_as_a_field_and_one_has_lines_beside_its_rows(rice: MadeProduct, office: Browser) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))
    assert 'class="heat"' in office.open(f"{NOVEMBER}&by2=channel").html
    page = office.open(NOVEMBER)
    assert page.html.count('class="spark"') == 2 and 'data-chart="course"' in page.html


def test_a_telephone_shows_the_columns_that_were_chosen(rice: MadeProduct, office: Browser) -> None:
    sell((rice.sku, 3), on=date(2026, 11, 2))
    cell = re.compile(r'<td class="number([^"]*)"><a href="[^"]*figure=sold[^"]*">3</a>')
    assert {match[1] for match in cell.finditer(office.open(NOVEMBER).html)} == {" only-wide"}
    assert {match[1] for match in cell.finditer(office.open(f"{NOVEMBER}&cols=units&cols=net").html)} == {""}


def test_buckets_of_approved_runs_stand_beside_sales(app: Flask, office: Browser) -> None:
    cooperative, product = make_cooperative(), make_product()
    made = make_dividend(cooperative, product, make_lot(product), make_lao_chen())
    with reading():
        found = buckets(["village"], date(2026, 1, 1), date(2026, 12, 31), {})
        shares = db.session.scalars(select(DividendShare.amount_fen).where(DividendShare.run_id == made.run_id)).all()
    assert sum(found.total) == sum(shares) > 0
    page = office.open(f"{SALES}?from=2026-01-01&to=2026-12-31")
    assert all(word in page.text for word in found.words)
