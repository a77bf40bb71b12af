"""The shop for everybody: by keyboard alone, on a slow line, with large letters, read by axe-core; and nothing kept in a browser that need not be.

The key pages are read here; every page of the shop is in `make soak`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.access import faults, violations
from tests.chromium.conftest import DESK, PHONE
from tests.chromium.steps import put_in_basket, sign_in
from tests.chromium.test_every_page import WIDEST
from tests.running import RunningShop

pytestmark = pytest.mark.browser

FIRST = ("/", "/products/", "/products/baishui-gongmi")
KEY = (
    *FIRST,
    "/villages/",
    "/villages/baishui",
    "/cart/",
    "/checkout/",
    "/account/sign-in",
    "/orders/find",
    "/about/privacy",
    "/parts/",
    "/nothing/is/here",
)
ROOMS = {
    "baishui@demo.test": ("/cooperative/", "/cooperative/stock", "/cooperative/lots/new", "/parts/cooperatives"),
    "staff@demo.test": ("/staff/", "/staff/orders/", "/staff/reports/sales?by=village", "/parts/staff"),
}
VIEWS = (("zh", "light", PHONE), ("zh", "dark", DESK), ("en", "light", DESK), ("en", "dark", PHONE))
KILOBYTE = 1024


@contextmanager
def visit(chromium: Browser, shop: RunningShop, scheme: str = "light", size: dict[str, int] = PHONE) -> Iterator[Page]:
    """Somebody's browser, with scripts."""
    context = chromium.new_context(viewport=size, color_scheme=scheme, locale="zh-CN", base_url=shop.url)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


# ── Read by machines that are stricter than people ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("language", "scheme", "size"), VIEWS)
def test_key_pages_break_no_law_of_access_and_none_of_html(
    chromium: Browser, shop: RunningShop, language: str, scheme: str, size: dict[str, int]
) -> None:
    pages: dict[str, str] = {}
    wrong: list[str] = []

    def read(page: Page, paths: tuple[str, ...]) -> None:
        for path in paths:
            answer = page.goto(path)
            assert answer is not None
            pages[path] = answer.text()
            wrong.extend(f"{path} {language} {scheme}: {what}" for what in violations(page))

    with visit(chromium, shop, scheme, size) as page:
        put_in_basket(page, "baishui-gongmi", "rice-baishui-5k", 1)
        page.goto(f"/language?to={language}")
        read(page, KEY)
    for who, paths in ROOMS.items():
        with visit(chromium, shop, scheme, size) as page:
            sign_in(page, who)
            page.goto(f"/language?to={language}")
            read(page, paths)
    assert not wrong + faults(pages), "\n".join(wrong + faults(pages))


# ── The first view on a slow line ─────────────────────────────────────────────────────────────────────────────────────

SHIFTS = """() => new Promise(tell => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value; })).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => tell(sum), 100);
})"""


@pytest.mark.parametrize("path", FIRST)
def test_the_first_view_is_light_comes_from_one_house_and_does_not_jump(chromium: Browser, shop: RunningShop, path: str) -> None:
    """At 200 ms and 400 kbit/s: at most 60 kB on the wire without pictures, 20 kB of them script, all of it compressed; nothing moves."""
    with visit(chromium, shop) as page:
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        line.send(
            "Network.emulateNetworkConditions", {"offline": False, "latency": 200, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
        )
        kinds: dict[str, tuple[str, str]] = {}
        bytes_of: dict[str, float] = {}
        plain: list[str] = []

        def answered(event: dict) -> None:  # type: ignore[type-arg]
            response = event["response"]
            kinds[event["requestId"]] = (event["type"], response["url"])
            headers = {name.lower(): value for name, value in response["headers"].items()}
            is_text = re.match(r"text/|image/svg|application/(javascript|json)", response["mimeType"])
            if is_text and "content-encoding" not in headers and int(headers.get("content-length", "0")) > KILOBYTE:
                plain.append(response["url"])

        line.on("Network.responseReceived", answered)
        line.on("Network.loadingFinished", lambda event: bytes_of.__setitem__(event["requestId"], event["encodedDataLength"]))
        page.goto(path, wait_until="networkidle")
        shift = page.evaluate(SHIFTS)
        words = {key: size for key, size in bytes_of.items() if key in kinds and (kinds[key][0] != "Image" or "icons.svg" in kinds[key][1])}
        scripts = sum(size for key, size in words.items() if kinds[key][0] == "Script")
    assert sum(words.values()) <= 60 * KILOBYTE, {kinds[key][1]: size for key, size in words.items()}
    assert scripts <= 20 * KILOBYTE
    assert {url.split("/")[2] for _, url in kinds.values() if not url.startswith("data:")} == {shop.url.split("/")[2]}
    assert plain == [], "sent without compression"
    assert shift == 0


# ── By keyboard alone ─────────────────────────────────────────────────────────────────────────────────────────────────

FOCUS = """() => {
  const element = document.activeElement, box = element.getBoundingClientRect();
  const label = element.labels && element.labels.length ? element.labels[0].innerText : '';
  const seen = [[.5, .5], [.1, .5], [.9, .5], [.5, .15], [.5, .85]].some(([x, y]) => {
    const at = document.elementFromPoint(box.x + box.width * x, box.y + box.height * y);
    const labels = element.labels ? [...element.labels] : [];
    return at && (element.contains(at) || at.contains(element) || labels.some(label => label.contains(at)));
  });
  const drawn = [element, element.closest('.product-card, label')].filter(Boolean);
  const ring = drawn.some(one => getComputedStyle(one).outlineStyle !== 'none');
  const words = [element.getAttribute('aria-label'), element.innerText, label, element.id].join(' ');
  return { words, seen, ring, html: element.outerHTML.slice(0, 120) };
}"""


def reach(page: Page, words: str, key: str = "Tab") -> None:
    """Press Tab until something that says `words` has the focus. On the way nothing focused is hidden, nor without its ring."""
    for _ in range(120):
        page.keyboard.press(key)
        focus = page.evaluate(FOCUS)
        if focus["html"].startswith("<body"):
            continue
        assert focus["seen"], f"hidden under something: {focus['html']}"
        assert focus["ring"], f"no ring: {focus['html']}"
        if words in focus["words"]:
            return
    raise AssertionError(f"Tab does not lead to {words}")


def test_a_purchase_by_keyboard_alone(chromium: Browser, shop: RunningShop) -> None:
    with visit(chromium, shop) as page:
        page.goto("/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # skip the header
        expect(page.locator("#main")).to_be_focused()
        page.goto("/products/baishui-gongmi")
        reach(page, "quantity")
        page.keyboard.press("Control+A")
        page.keyboard.type("2")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/cart/$"))
        reach(page, "填地址，去下单")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/checkout/"))
        reach(page, "下单并去支付")
        page.keyboard.press("Enter")
        first = page.locator('[aria-invalid="true"]').first
        expect(first).to_be_focused()  # what is missing is said, and the focus is there
        expect(page.get_by_role("alert").first).to_be_visible()
        page.keyboard.type("梅女士（示例）")
        reach(page, "手机号")
        page.keyboard.type("13800132207")
        reach(page, "街道门牌")
        page.keyboard.type("新塘路 18 号")
        if page.locator('select[name="town"]').count():
            reach(page, "town", "Shift+Tab")
            page.keyboard.press("ArrowDown")
        reach(page, "下单并去支付")
        page.keyboard.press("Enter")
        expect(page.locator("body")).to_contain_text("不会扣款")
        for _ in range(60):
            page.keyboard.press("Tab")
            if "付 ¥" in page.evaluate("document.activeElement.innerText"):
                break
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/orders/SH-"))
        expect(page.locator(".order-arrows")).to_contain_text("→ 白水村", timeout=20_000)


# ── What is kept, and how large it is said ────────────────────────────────────────────────────────────────────────────


def test_no_cookie_is_set_that_is_not_needed(chromium: Browser, shop: RunningShop) -> None:
    with visit(chromium, shop) as page:
        for path in ("/", "/products/?q=米", "/villages/", "/villages/baishui", "/about/money", "/about/privacy", "/nothing/is/here"):
            page.goto(path)
            assert page.context.cookies() == [], f"{path}: whoever only reads is given nothing to keep"
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
        put_in_basket(page, "baishui-gongmi", "rice-baishui-5k", 1)
        page.goto("/checkout/")
        assert {cookie["name"] for cookie in page.context.cookies()} == {"shanhai"}
        page.goto("/reading?type=large")
        assert {cookie["name"] for cookie in page.context.cookies()} == {"shanhai", "shanhai-type"}
        assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in page.context.cookies())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_fit_a_tablet_on_which_the_header_has_least_room(chromium: Browser, shop: RunningShop, language: str) -> None:
    with visit(chromium, shop, size={"width": 768, "height": 1024}) as page:
        page.goto(f"/language?to={language}")
        for path in (*FIRST, "/impact", "/checkout/"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 768, f"{path}: {page.evaluate(WIDEST, 768)}"
            brand = page.locator(".brand").bounding_box()
            assert brand and brand["height"] < 60, "its name stands on one line or two, never one character under the other"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_large_letters_fit_a_telephone(chromium: Browser, shop: RunningShop, language: str) -> None:
    wrong = []
    with visit(chromium, shop) as page:
        put_in_basket(page, "baishui-gongmi", "rice-baishui-5k", 1)
        page.goto(f"/language?to={language}")
        page.goto("/reading?type=large")
        for path in KEY:
            page.goto(path)
            if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
                wrong.append(f"{path}: {page.evaluate(WIDEST, PHONE['width'])}")
    assert not wrong, "\n".join(wrong)
