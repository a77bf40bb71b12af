"""Staff walk from a figure of the report to the lines behind it, to an order and its postings, and back; what scripts add obeys the page's policy."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.steps import fen, order, pay, put_in_basket, sign_in

pytestmark = pytest.mark.browser

REPORT = "/staff/reports/sales?by=village&from=2026-01-01&to=2099-12-31&vs=none"


def test_a_figure_opens_its_lines_a_line_its_order_and_every_step_leads_back(phone: Page, desk: Page) -> None:
    put_in_basket(phone, "baishui-gongmi", "rice-baishui-5k", 1)
    order(phone)
    number = pay(phone)
    wrong: list[str] = []
    desk.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    sign_in(desk, "staff@demo.test")
    desk.goto(REPORT)
    figure = desk.locator(".sales-grid tbody tr").filter(has_text="白水村").locator("td.is-key a")
    net_fen = fen(figure.inner_text())
    figure.click()
    expect(desk.locator("h1")).to_contain_text("白水村")
    assert fen(desk.locator("tfoot tr").last.locator("td.is-key").inner_text()) == net_fen, "all lines sum to the figure"
    shown = [fen(text) for text in desk.locator("tbody td.is-key").all_inner_texts()]
    if desk.locator("tfoot tr").count() == 1:
        assert sum(shown) == net_fen
    desk.get_by_role("link", name=number).first.click()
    expect(desk.get_by_role("heading", name="分录", exact=True)).to_be_visible()
    expect(desk.locator("article.entry").first).to_contain_text("白水村")
    expect(desk.locator("tr.is-pick a.code").first).to_be_visible()
    desk.go_back()
    desk.locator(".crumbs a").first.click()
    expect(desk).to_have_url(re.compile(r"/staff/reports/sales\\?.*by=village"))
    assert fen(figure.inner_text()) == net_fen
    desk.get_by_role("button", name="放大查看").click()
    expect(desk.locator(".chart-live canvas")).to_be_visible()
    assert wrong == [], "nothing was refused by the policy"
