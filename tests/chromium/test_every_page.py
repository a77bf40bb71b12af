"""Every kind of page that can be reached by links, on a telephone: nothing scrolls sideways, nothing is refused by the content policy, nothing is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request
from playwright.sync_api import Error as PlaywrightError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from config import Config
from shop.app import create_app
from tests.chromium.conftest import PHONE
from tests.chromium.steps import order, pay, put_in_basket, sign_in
from tests.running import RunningShop

pytestmark = pytest.mark.browser

NOT_PAGES = (
    "storefront.language.choose",
    "storefront.reading.choose",
    "storefront.papers.receipt",
    "storefront.papers.certificate",
    "static",
)
"""What leads elsewhere, and what the browser shows by a program of its own."""
MOST_VISITS = 2
"""Of one address pattern: the second one is another product, village or lot."""


@pytest.fixture(scope="session")
def addresses(shop: RunningShop) -> Map:
    """Which page an address leads to."""
    return create_app(Config.from_environment(shop.environ)).url_map


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("who", ["", "baishui@demo.test", "staff@demo.test"], ids=["guest", "cooperative", "staff"])
def test_every_page_fits_a_telephone_and_loads_all_that_it_names(
    chromium: Browser, shop: RunningShop, addresses: Map, who: str, locale: str
) -> None:
    with a_telephone(chromium, shop) as context:
        page = context.new_page()
        begin, rooms = ["/", "/nothing/is/here"], ("storefront.", "account.")
        if who:
            sign_in(page, who)
            begin, rooms = [urlsplit(page.url).path], ("cooperative.", "staff.", "account.")
        elif locale == "zh":
            put_in_basket(page, "baishui-gongmi", "rice-baishui-5k", 1)
            begin += ["/cart/", "/checkout/"]
            order(page)
            begin.append(f"/orders/{pay(page)}?" + urlsplit(page.url).query)
            put_in_basket(page, "baishui-gongmi", "rice-baishui-5k", 1)
        page.goto(f"/language?to={locale}")
        wrong = [f"{path}: {what}" for path, what in walk(page, begin, rooms, addresses)]
    assert not wrong, "\n".join(wrong)


def walk(page: Page, begin: list[str], rooms: tuple[str, ...], addresses: Map) -> Iterator[tuple[str, str]]:
    """Open each page, follow its links within `rooms`, and say what is wrong with it."""
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: troubles.append(f"asks {request.url}") if not is_ours(request.url) else None)
    page.on("requestfailed", lambda request: troubles.append(f"{request.url} failed: {request.failure}") if is_loss(request) else None)
    page.on("response", lambda answer: troubles.append(f"{answer.url} is {answer.status}") if answer.status >= 500 else None)
    waiting, visits, seen = list(begin), dict[str, int](), set[str]()
    while waiting:
        path = waiting.pop(0)
        endpoint = endpoint_of(path, addresses)
        is_elsewhere = endpoint in NOT_PAGES or not (path in begin or endpoint.startswith(rooms))
        if path in seen or is_elsewhere or visits.get(endpoint, 0) >= MOST_VISITS or "format=" in path:
            continue
        seen.add(path)
        visits[endpoint] = visits.get(endpoint, 0) + 1
        troubles.clear()
        try:
            answer = page.goto(path)
        except PlaywrightError as error:
            if "Download is starting" in error.message:  # a file, no page
                continue
            raise
        assert answer is not None
        if endpoint and answer.status != 200:
            yield path, f"is {answer.status}"
        width = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
        if width > PHONE["width"]:
            yield path, f"is {width} px wide: {page.evaluate(WIDEST, PHONE['width'])}"
        yield from ((path, what) for what in troubles if endpoint or "404" not in what)
        links = page.evaluate("Array.from(document.querySelectorAll('a[href]'), a => a.getAttribute('href'))")
        waiting += [local for link in links if (local := local_path(path, link))]


WIDEST = """width => {
  const scrolls = element => element && (/(auto|scroll|hidden|clip)/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  return Array.from(document.querySelectorAll('body *'))
    .filter(element => element.getBoundingClientRect().right > width + 0.5 && !scrolls(element.parentElement))
    .slice(0, 3).map(element => element.outerHTML.slice(0, 160)).join(' … ');
}"""


def endpoint_of(path: str, addresses: Map) -> str:
    """The handler behind an address; '' if there is none."""
    try:
        return str(addresses.bind("").match(path.partition("?")[0])[0])
    except HTTPException:
        return ""


def local_path(page_path: str, link: str) -> str | None:
    """The link's path and query, if it stays in the shop."""
    parts = urlsplit(urljoin("http://shop" + page_path, link))
    return (parts.path + (f"?{parts.query}" if parts.query else "")) if (parts.scheme, parts.netloc) == ("http", "shop") else None


def is_ours(url: str) -> bool:
    """Whether a request stays on this machine: the shop's host, or an address that is its own content."""
    return url.startswith(("data:", "blob:")) or urlsplit(url).hostname == "127.0.0.1"


def is_loss(request: Request) -> bool:
    """Whether something could not be loaded; what the next page cut short could."""
    return request.failure != "net::ERR_ABORTED"


@contextmanager
def a_telephone(chromium: Browser, shop: RunningShop) -> Iterator[BrowserContext]:
    """One that runs scripts, so that the console speaks."""
    context = chromium.new_context(viewport=PHONE, locale="zh-CN", base_url=shop.url)
    yield context
    context.close()
