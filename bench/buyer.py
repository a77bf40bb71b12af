"""Somebody's browser, as far as a server can tell: one kept connection, cookies, forms read from the pages."""

import gzip
import http.client
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode, urlsplit

_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


@dataclass
class Answer:
    """What came back."""

    status: int
    location: str
    text: str
    wire_bytes: int


@dataclass
class Browser:
    """One visitor of one server."""

    host: str
    cookies: dict[str, str] = field(default_factory=dict)
    received_bytes: int = 0

    def __post_init__(self) -> None:
        """Connections are kept open between requests and between visitors of this process."""
        self._connection = http.client.HTTPConnection(self.host, timeout=30)

    def forget(self) -> None:
        """A new visitor on the same connection."""
        self.cookies.clear()

    def get(self, path: str) -> Answer:
        """Open an address."""
        return self._send("GET", path, None)

    def post(self, path: str, form: dict[str, str]) -> Answer:
        """Send a form."""
        return self._send("POST", path, urlencode(form))

    def _send(self, method: str, path: str, body: str | None) -> Answer:
        headers = {"Accept-Encoding": "gzip", "Accept-Language": "zh-CN"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body=body, headers=headers)
        response = self._connection.getresponse()
        raw = response.read()
        self.received_bytes += len(raw)
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        text = gzip.decompress(raw) if response.headers.get("Content-Encoding") == "gzip" else raw
        return Answer(response.status, response.headers.get("Location", ""), text.decode("utf-8", "replace"), len(raw))


def fields_of(page: str) -> dict[str, str]:
    """Every input of a page with its value; of radio buttons the chosen ones."""
    found: dict[str, str] = {}
    for tag in _INPUT.findall(page):
        attributes = dict(_ATTRIBUTE.findall(tag))
        if attributes.get("type") in ("radio", "checkbox") and "checked" not in tag:
            continue
        if "name" in attributes and attributes["name"] not in ("q", "act"):
            found.setdefault(attributes["name"], unescape(attributes.get("value", "")))
    return found


STEPS = ("product", "add to cart", "cart", "checkout page", "place the order", "paid, told by the provider", "order's page")


def purchase(browser: Browser, product: str, pay: Callable[[str], str], step: Callable[[str], None]) -> int:
    """A guest buys one of a product: every request that it takes, `step(name)` called before each and `step("")` at the end. Bytes received.

    `pay` plays the buyer on the provider's page and gives the address that the provider sends them back to.
    """
    browser.forget()
    before = browser.received_bytes
    step(STEPS[0])
    form = fields_of(_expect(browser.get(f"/products/{product}"), 200).text)
    step(STEPS[1])
    _expect(browser.post("/cart/lines", {"csrf_token": form["csrf_token"], "sku": form["sku"], "quantity": "1"}), 303)
    step(STEPS[2])
    _expect(browser.get("/cart/"), 200)
    step(STEPS[3])
    form = fields_of(_expect(browser.get("/checkout/"), 200).text) | {
        "name": "示例买家",
        "phone": "13800132207",
        "province": "320000",
        "district": "320583",
        "town": "周市镇",
        "street": "新塘路 18 号",
        "address": "new",
        "email": "",
    }
    step(STEPS[4])
    answer = _expect(browser.post("/checkout/", form), 303)
    step(STEPS[5])
    back = pay(answer.location)
    step(STEPS[6])
    answer = browser.get(_path_of(back))
    if answer.status == 303:
        answer = browser.get(_path_of(answer.location))
    _expect(answer, 200)
    step("")
    return browser.received_bytes - before


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _expect(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise RuntimeError(f"{answer.status} instead of {status}: {re.sub(r'<[^>]+>', ' ', answer.text)[:500]}")
    return answer
