"""Buying in a real browser: with a voucher, a fapiao and a gift note; in two tabs; after the session is gone; with the back button after paying."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.chromium.steps import fen, order, pay, put_in_basket, sign_in
from tests.running import RunningShop

pytestmark = pytest.mark.browser

RICE = ("baishui-gongmi", "rice-baishui-5k")


def make_voucher(page: Page, code: str, **more: str) -> None:
    """As staff do."""
    sign_in(page, "staff@demo.test")
    page.goto("/staff/vouchers/new")
    page.locator("#code").fill(code)
    page.locator("#name").fill("示例立减")
    page.locator("#amount").fill("10")
    page.locator("#minimum").fill("50")
    page.locator("#last_day").fill("2099-01-31")
    for label, text in more.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="做好").click()
    expect(page.locator(".flashes")).to_contain_text(code)
    page.context.clear_cookies()


def type_address(page: Page) -> None:
    page.get_by_label("收货人").fill("梅女士（示例）")
    page.get_by_label("手机号").fill("138 0013 2207")
    page.locator("#town").select_option("周市镇")
    page.get_by_label("街道门牌").fill("新塘路 18 号")


def test_a_voucher_a_fapiao_and_a_gift_note(desk: Page, shop: RunningShop) -> None:
    make_voucher(desk, "LIULAN1")
    price = put_in_basket(desk, *RICE, 2)
    desk.get_by_role("link", name="填地址，去下单").click()
    type_address(desk)
    total = desk.locator(".is-pay .number")
    before = fen(total.inner_text())
    desk.locator('input[value="quick"]').check()  # the script recounts by itself
    expect(total).not_to_have_text(re.compile(re.escape(f"{before // 100}.{before % 100:02d}")))
    expect(desk.get_by_label("收货人")).to_have_value("梅女士（示例）")
    desk.locator("#voucher").fill("liulan1")
    desk.get_by_role("button", name="用上").click()
    expect(desk.locator(".vouchers")).to_contain_text("LIULAN1")
    desk.locator('input[name="fapiao"][value="firm"]').check()
    desk.locator("#fapiao_title").fill("昆山示例食堂")
    desk.locator("#tax_number").fill("91350100M000100Y43")
    desk.locator("#fapiao_email").fill("canteen@example.test")
    desk.locator("#gift_note").fill("奶奶，新米到了")
    desk.get_by_role("button", name="下单并去支付").last.click()
    expect(desk.locator("body")).to_contain_text("不会扣款")
    pay(desk)
    for words in ("示例立减", "奶奶，新米到了", "发票：等着开", "加急快递"):
        expect(desk.locator("main")).to_contain_text(words)
    expect(desk.locator(".order-arrows")).to_contain_text(f"{(2 * price - 1000) // 100}")

    desk.go_back()  # and again, to the checkout: nothing is bought twice
    desk.goto("/checkout/")
    expect(desk).to_have_url(re.compile("/cart/"))


def test_two_tabs_want_the_last_use_and_the_same_basket(desk: Page) -> None:
    make_voucher(desk, "LIULAN2", 一共几次="1")
    put_in_basket(desk, *RICE, 1)
    desk.goto("/checkout/")
    other = desk.context.new_page()
    other.goto("/checkout/")
    for tab in (desk, other):
        type_address(tab)
        tab.locator("#voucher").fill("LIULAN2")
        tab.get_by_role("button", name="用上").click()
        expect(tab.locator(".vouchers")).to_contain_text("LIULAN2")
    desk.get_by_role("button", name="下单并去支付").last.click()
    expect(desk.locator("body")).to_contain_text("不会扣款")
    other.get_by_role("button", name="下单并去支付").last.click()
    expect(other).to_have_url(re.compile("/cart/"))  # the basket went with the first tab
    put_in_basket(other, *RICE, 1)
    other.goto("/checkout/")
    type_address(other)
    other.locator("#voucher").fill("LIULAN2")
    other.get_by_role("button", name="用上").click()
    expect(other.locator("#voucher-error")).to_contain_text("用完了")
    expect(other.get_by_label("街道门牌")).to_have_value("新塘路 18 号")


def test_a_session_that_is_gone_loses_no_word(phone: Page) -> None:
    put_in_basket(phone, *RICE, 1)
    phone.goto("/checkout/")
    type_address(phone)
    phone.locator("#note").fill("请放门卫")
    phone.context.clear_cookies()
    phone.get_by_role("button", name="下单并去支付").last.click()
    expect(phone.locator("main")).to_contain_text("没有下单，也没有扣钱")
    phone.get_by_role("button", name="接着填").click()
    for label, text in {"收货人": "梅女士（示例）", "街道门牌": "新塘路 18 号", "给合作社的话": "请放门卫"}.items():
        expect(phone.get_by_label(label)).to_have_value(text)
    phone.get_by_role("button", name="下单并去支付").last.click()
    expect(phone.locator("body")).to_contain_text("不会扣款")


def test_the_back_button_after_paying_leads_to_the_paid_order(desk: Page) -> None:
    put_in_basket(desk, *RICE, 1)
    order(desk)
    number = pay(desk)
    for _ in range(4):
        desk.go_back()
        if desk.url.rstrip("/").endswith("/checkout"):
            break
    if desk.locator('form[action="/checkout/"]').count():
        desk.get_by_role("button", name="下单并去支付").last.click()
        expect(desk).to_have_url(re.compile(f"/orders/{number}"))
    desk.goto("/checkout/")
    expect(desk).to_have_url(re.compile("/cart/"))
