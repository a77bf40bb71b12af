"""The main job, as people do it: a guest buys 白水贡米 on a telephone without scripts, the village's figure rises; one bag comes back, and it falls."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.steps import fen, order, pay, put_in_basket, sign_in
from tests.running import RunningShop

pytestmark = pytest.mark.browser

BAISHUI = "520602201202"


def test_a_bought_bag_reaches_its_village_and_a_returned_one_leaves_it(shop: RunningShop, phone: Page, desk: Page) -> None:
    before = shop.sales_by_village()
    sign_in(desk, "staff@demo.test")
    shown_before = shown_total(desk)

    price_fen = put_in_basket(phone, "baishui-gongmi", "rice-baishui-5k", 2)
    order(phone)
    number = pay(phone)
    line_fen = 2 * price_fen
    expect(phone.locator(".order-arrows")).to_have_text(f"¥{line_fen // 100}.{line_fen % 100:02d} → 白水村")

    after = shop.sales_by_village()
    assert after["total"] - before["total"] == line_fen
    assert after[BAISHUI] - before[BAISHUI] == line_fen
    assert shown_total(desk) - shown_before == line_fen

    desk.goto(f"/staff/orders/{number}")
    desk.locator('input[name^="units-"]').first.fill("1")
    desk.get_by_role("button", name="算一算，先不退").click()
    expect(desk.locator(".refund-preview")).to_contain_text("白水村")
    assert shop.sales_by_village() == after, "a preview books nothing"
    desk.get_by_role("button", name=re.compile(r"^退 ¥")).click()
    expect(desk.locator(".flashes")).to_contain_text("已退")
    back_fen = fen(desk.locator(".flashes").inner_text())
    assert back_fen == price_fen

    refunded = shop.sales_by_village()
    assert after[BAISHUI] - refunded[BAISHUI] == after["total"] - refunded["total"] == back_fen
    assert shown_total(desk) - shown_before == line_fen - back_fen
    phone.reload()
    assert fen(phone.locator(".order-arrows").inner_text()) == line_fen - back_fen

    assert "✗" not in shop.flask("ledger", "verify")


def shown_total(desk: Page) -> int:
    """The net of everything sold, as the staff's report shows it."""
    desk.goto("/staff/reports/sales?by=village&from=2020-01-01&to=2099-12-31&vs=none")
    table = desk.locator("table:has(tfoot)").filter(has_text="净额").first
    place = next(index for index, head in enumerate(table.locator("thead th").all_inner_texts()) if "净额" in head)
    return fen(table.locator("tfoot tr").first.locator("th, td").nth(place).inner_text())
