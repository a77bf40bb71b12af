"""What people do in a browser, step by step, by what they read on the page."""

import re
from urllib.parse import urljoin

from playwright.sync_api import Page, expect

PASSWORD = "shanhai-demo"
SESSION = "shanhai"
"""The session's cookie."""
_signed_in: dict[tuple[str, str], tuple[str, str]] = {}
"""The session of (shop, account), and the page it began on. The door hears ten tries in five minutes, and all of these tests come from one address."""


def sign_in(page: Page, who: str) -> None:
    """By the door, as one of the demo accounts, reading Chinese; whoever was let in already comes back with the same session."""
    page.goto("/account/sign-in")
    shop = urljoin(page.url, "/")
    if kept := _signed_in.get((shop, who)):
        session, begun = kept
        page.context.add_cookies([{"name": SESSION, "value": session, "url": shop}])
    else:
        begun = _through_the_door(page, who)
        session = next(cookie["value"] for cookie in page.context.cookies(shop) if cookie["name"] == SESSION)
        _signed_in[shop, who] = session, begun
    page.goto("/language?to=zh")  # an account keeps the language that another test chose
    page.goto(begun)


def _through_the_door(page: Page, who: str) -> str:
    page.get_by_label("手机号或邮箱").fill(who)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page).not_to_have_url(re.compile("sign-in"))
    return page.url


def put_in_basket(page: Page, slug: str, sku: str, units: int) -> int:
    """So many units of a product's pack. Returns the price of one, fen, as the page says it."""
    page.goto(f"/products/{slug}")
    pack = page.locator(f'label:has(input[name="sku"][value="{sku}"])')
    words = pack.inner_text()
    price_fen = fen(words if "¥" in words else page.locator(".buy-price").inner_text())  # one pack alone has its price below
    pack.click()
    page.locator('input[name="quantity"]').fill(str(units))
    page.locator('form[action="/cart/lines"] button').first.click()
    expect(page).to_have_url(re.compile(r"/cart/$"))
    return price_fen


def order(page: Page) -> None:
    """From the basket to the provider's page, as a guest in Kunshan."""
    page.get_by_role("link", name="填地址，去下单").click()
    page.get_by_label("收货人").fill("梅女士（示例）")
    page.get_by_label("手机号").fill("138 0013 2207")
    if page.locator('select[name="town"]').count():
        page.locator('select[name="town"]').select_option(index=1)
    page.get_by_label("街道门牌").fill("新塘路 18 号")
    page.get_by_role("button", name="下单并去支付").last.click()
    expect(page.locator("body")).to_contain_text("不会扣款")


def pay(page: Page) -> str:
    """On the pretend provider's page, and back. Returns the order's number."""
    page.get_by_role("button", name="付 ¥").click()
    expect(page).to_have_url(re.compile(r"/orders/SH-"))
    expect(page.locator(".order-arrows")).to_contain_text("→", timeout=20_000)  # the provider has answered, and the money is in the books
    number = re.search(r"/orders/(SH-[0-9]{6}-[0-9A-Z]{6})", page.url)
    assert number
    return number.group(1)


def fen(text: str) -> int:
    """`¥1,204.00` → 120400."""
    found = re.search(r"(-|−)?¥?([0-9,]+)\.([0-9]{2})", text)
    assert found, f"no sum in {text!r}"
    return (-1 if found.group(1) else 1) * (int(found.group(2).replace(",", "")) * 100 + int(found.group(3)))
