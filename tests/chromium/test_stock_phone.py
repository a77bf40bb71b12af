"""Stock between two fields: three taps, the line gone, and everything true when it is back."""

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium.conftest import PHONE
from tests.chromium.steps import sign_in
from tests.running import RunningShop

pytestmark = pytest.mark.browser

KNOWN = "async () => { while (!(await caches.match('/cooperative/stock'))) await new Promise((done) => setTimeout(done, 50)); }"


def test_three_taps_without_a_line_are_sent_once_when_it_is_back(chromium: Browser, shop: RunningShop) -> None:
    context = chromium.new_context(viewport=PHONE, locale="zh-CN", base_url=shop.url)
    page = context.new_page()
    sign_in(page, "baishui@demo.test")
    page.goto("/cooperative/stock")
    page.evaluate(KNOWN)
    shelf = page.locator(".stock-item", has_text="2.5 kg").first
    row = page.locator(f"#{shelf.get_attribute('id')}")
    before = int(row.locator(".stock-count b").inner_text().replace(",", ""))

    context.set_offline(True)
    for change in (-5, -1):
        row.locator("summary").click()
        row.locator(f"label:has([value='{change}'])").click()
        row.get_by_role("button", name="记下").click()
        expect(row).to_contain_text("你刚点的，还没送出")
    expect(page.locator("#kept")).to_contain_text("2 处改动存在手机里")
    expect(page.locator("#kept")).to_contain_text("没有网络")

    context.set_offline(False)
    expect(page.locator(".flashes")).to_contain_text(f"{before - 5} → {before - 6}", timeout=15_000)
    expect(page.locator("#kept")).to_be_hidden()
    expect(row.locator(".stock-count b")).to_have_text(str(before - 6))
    page.reload()
    expect(row.locator(".stock-count b")).to_have_text(str(before - 6))
    page.goto(f"/cooperative/stock/{(row.get_attribute('id') or '').removeprefix('item-')}/history")
    expect(page.locator(".movements li", has_text="点数更正")).to_have_count(2)
    context.close()
