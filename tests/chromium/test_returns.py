"""A return with its refund, in a real browser: a guest's telephone without script, the cooperative's, and the village's figure to the fen."""

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.chromium.steps import fen, order, pay, put_in_basket, sign_in

pytestmark = pytest.mark.browser


def torn_bag() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (1600, 1200), "#a8440e").save(written, "JPEG")
    return written.getvalue()


def test_a_torn_bag_is_given_back_and_its_village_gives_back_exactly_its_fen(phone: Page, desk: Page) -> None:
    price_fen = put_in_basket(phone, "baishui-gongmi", "rice-baishui-5k", 2)
    order(phone)
    number, ordered = pay(phone), phone.url
    before = sum(fen(each) for each in phone.locator(".order-arrows .number").all_inner_texts())
    assert before == 2 * price_fen

    sign_in(desk, "baishui@demo.test")
    desk.goto("/cooperative/orders/")
    parcel = desk.locator("article, section, li", has_text=number).last
    parcel.locator("summary").first.click()
    parcel.get_by_label("快递").select_option("顺丰速运")
    parcel.get_by_label("运单号").fill("SF1234567890123")
    parcel.get_by_role("button", name="记下：已经寄出").click()
    expect(desk.locator(".flashes")).to_contain_text(number)

    phone.goto(ordered)
    phone.get_by_role("button", name="确认收货").click()
    phone.get_by_role("link", name="申请退货退款").click()
    phone.locator("input[name^=units-]").fill("1")
    phone.get_by_label("破了、漏了、压坏了").check()
    phone.get_by_label("寄回去，再退钱").check()
    phone.get_by_role("button", name="交上去").click()
    expect(phone.locator("main")).to_contain_text("拍一张照片")
    phone.locator("input[type=file]").set_input_files({"name": "袋子.jpg", "mimeType": "image/jpeg", "buffer": torn_bag()})
    phone.get_by_role("button", name="交上去").click()
    expect(phone.locator("main")).to_contain_text("等合作社答复")
    expect(phone.locator(".claim-photos img")).to_have_count(1)
    claim = phone.url

    desk.goto("/cooperative/claims/")
    desk.locator("section", has_text=number).get_by_role("link").click()
    desk.get_by_label("先寄回来，收到再退").check()
    desk.get_by_label("寄回到哪里").fill("示例县示例路 1 号 收货处 0000-0000000")
    desk.get_by_role("button", name="就这样办").click()
    expect(desk.locator(".flashes")).to_contain_text("同意了")

    phone.goto(claim)
    expect(phone.locator("main")).to_contain_text("到付")
    phone.get_by_label("快递").select_option("中国邮政")
    phone.get_by_role("textbox", name="运单号").fill("EMS12345678")
    phone.get_by_role("button", name="寄出了").click()
    expect(phone.locator("main")).to_contain_text("等合作社收到")

    desk.reload()
    desk.get_by_label("收到了，完好，放回货架").check()
    desk.get_by_role("button", name="就这样办").click()
    expect(desk.locator(".flashes")).to_contain_text("已记账")

    phone.goto(claim)
    expect(phone.locator("main")).to_contain_text("退款 ¥")
    phone.goto(ordered)
    after = sum(fen(each) for each in phone.locator(".order-arrows .number").all_inner_texts())
    assert before - after == price_fen
