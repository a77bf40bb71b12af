"""Every address of the shop, and every form sent empty, read by axe-core and html-validate in Chromium, in both languages and both schemes.

The shop stands in this process: the browser asks it through a route, so no page can be missed for want of a link to it.
"""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route

from tests.access import faults, violations
from tests.chromium.conftest import DESK, PHONE, chromium
from tests.web.test_every_address import CAST, World, addresses, granted_to, walk_in, world

pytestmark = pytest.mark.soak

__all__ = ["chromium", "world"]  # pytest finds its fixtures by name

HOST = "http://shop.test"
WHO = ("guest", "buyer", "member", "admin")


def pages_of(app: Flask, world: World, who: str, locale: str) -> Iterator[tuple[str, str]]:
    """Every page that one of the cast is shown: name and HTML."""
    for address in addresses(app, world):
        if address.permission not in granted_to(who):
            continue
        client, token = walk_in(app, CAST[who](), locale)
        answer = client.open(address.path, method=address.method, data={"csrf_token": token} if address.method == "POST" else None)
        if answer.mimetype == "text/html" and answer.status_code not in (301, 302, 303, 308):
            yield f"{locale} {who} {address}", answer.text
    yield f"{locale} {who} nothing", walk_in(app, CAST[who](), locale)[0].get("/nothing/is/here").text


class Shown:
    """A browser's page that shows HTML as if the shop had sent it, its sheets and pictures from the shop."""

    def __init__(self, page: Page, client: FlaskClient) -> None:
        self.page, self.client, self.html = page, client, ""
        page.route(f"{HOST}/**", self._answer)

    def show(self, html: str) -> None:
        """Open it."""
        self.html = html
        self.page.goto(f"{HOST}/page")

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(HOST)
        if path == "/page":
            route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
            return
        answer = self.client.get(path)
        route.fulfill(status=answer.status_code, body=answer.get_data(), content_type=answer.content_type)


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("who", WHO)
def test_no_page_breaks_a_law_of_access_or_of_html(app: Flask, world: World, chromium: Browser, who: str, locale: str) -> None:
    pages = dict(pages_of(app, world, who, locale))
    wrong = faults(pages)
    for scheme, size in (("light", PHONE), ("dark", DESK)):
        context = chromium.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        shown = Shown(context.new_page(), app.test_client())
        for name, html in pages.items():
            shown.show(html)
            wrong += [f"{name} {scheme}: {what}" for what in violations(shown.page)]
        context.close()
    assert len(pages) > 20
    assert not wrong, "\n".join(wrong)
