"""Debian's Chromium, driven by Playwright, and one running shop for the whole run of these tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.running import RunningShop, running_shop

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox",  # root in a container has no user namespaces; the only pages opened are ours
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = {"width": 360, "height": 760}
DESK = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def shop() -> Iterator[RunningShop]:
    """The shop as `make run` starts it."""
    with running_shop() as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, without a window."""
    assert CHROMIUM.exists(), "apt install chromium fonts-noto-cjk"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium: Browser, shop: RunningShop) -> Iterator[Page]:
    """A telephone whose browser runs no scripts."""
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False, locale="zh-CN", base_url=shop.url)
    yield context.new_page()
    context.close()


@pytest.fixture
def desk(chromium: Browser, shop: RunningShop) -> Iterator[Page]:
    """A desk computer."""
    context = chromium.new_context(viewport=DESK, locale="zh-CN", base_url=shop.url)
    yield context.new_page()
    context.close()
