"""A lot on a telephone without scripts, from the scales to the label; and a lot called back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.steps import sign_in

pytestmark = pytest.mark.browser


def test_a_lot_goes_from_the_scales_to_its_label(phone: Page) -> None:
    sign_in(phone, "baishui@demo.test")
    phone.goto("/cooperative/lots/new")
    weights = phone.locator('input[name^="village_"]')
    weights.nth(0).fill("640")
    weights.nth(1).fill("360")
    phone.get_by_label("用了多少原料").fill("1500")
    phone.locator('label:has([name="grade"][value="一级"])').click()
    phone.locator('input[name^="sku_"]').first.fill("300")
    phone.get_by_role("button", name="记下这一批").click()
    expect(phone.locator(".field-error").first).to_contain_text("多装了 500 kg")
    phone.get_by_role("button", name=re.compile("^改成 200")).click()
    phone.locator('input[name^="sku_"]').first.fill("0")  # nothing of it is to be sold in this shop of tests
    phone.get_by_role("button", name="记下这一批").click()
    expect(phone.locator(".flashes")).to_contain_text("记下了")
    code = (phone.url.rpartition("/")[2]).partition("#")[0]
    phone.get_by_role("link", name=re.compile("承诺达标合格证")).click()
    phone.get_by_label("内部质量控制").check()
    phone.get_by_label("联系电话").fill("0856-1234567（示例）")
    phone.get_by_role("button", name="开合格证").click()
    expect(phone.locator(".flashes")).to_contain_text(f"{code}-1")
    label = phone.get_by_role("link", name="打印标签 A6").get_attribute("href")
    assert label is not None
    paper = phone.request.get(label)
    assert paper.ok and paper.body().startswith(b"%PDF"), paper.status


def test_a_lot_is_called_back_and_everybody_can_see_it(phone: Page, desk: Page) -> None:
    sign_in(desk, "staff@demo.test")
    desk.goto("/staff/recalls/")
    desk.get_by_label("批次号").fill("sg2604a")
    desk.get_by_role("button", name="打开这一批").click()
    desk.get_by_label("变质、发霉、生虫").check()
    desk.get_by_label("写给买家的话").fill("这一批笋干有的发霉了（示例）")
    desk.get_by_label(re.compile("我确定要召回")).check()
    desk.get_by_role("button", name=re.compile("^召回，停卖")).click()
    expect(desk.locator(".flashes")).to_contain_text("SG2604A 已经停卖")
    expect(desk.locator("main")).to_contain_text(re.compile(r"写好 \d+ 封"))
    expect(desk.get_by_role("button", name=re.compile("^召回，停卖"))).to_have_count(0)
    phone.goto("/lots/SG2604A")
    expect(phone.locator("main")).to_contain_text("这一批笋干有的发霉了")
