"""`make screens`: take docs/screens/ again, from the running shop with the demo county, as people see it."""

import sys
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.chromium.conftest import CHROMIUM, DESK, PHONE, QUIET  # noqa: E402  # the root must be on the path first
from tests.chromium.steps import order, pay, put_in_basket, sign_in  # noqa: E402
from tests.running import RunningShop, running_shop  # noqa: E402

FOLDER = ROOT / "docs" / "screens"
COLOURS = 256
SEASON = timedelta(days=150)


def main() -> None:
    """Every picture, one after the other."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_shop() as shop, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        desk, phone = _window(chromium, shop, DESK), _window(chromium, shop, PHONE)
        _take(desk, "home", "/")
        _take(phone, "product", "/products/baishui-gongmi", at=".buy-title")
        number = _buy(phone)
        _take(phone, "order", phone.url, at=".order-main section:has(.order-arrows)")
        sign_in(desk, "staff@demo.test")
        desk.goto(f"/staff/orders/{number}")
        desk.locator('input[name^="units-"]').first.fill("1")
        desk.get_by_role("button", name="算一算，先不退").click()
        _save(desk, "staff-refund")
        today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
        _take(desk, "staff-report", f"/staff/reports/sales?by=village&from={today - SEASON}&to={today}&vs=none")
        sign_in(phone, "baishui@demo.test")
        _take(phone, "cooperative-stock", "/cooperative/stock")
        chromium.close()


def _buy(phone: Page) -> str:
    put_in_basket(phone, "zhenzhu-huasheng", "peanut-raw-500", 2)
    put_in_basket(phone, "baishui-gongmi", "rice-baishui-5k", 2)
    order(phone)
    return pay(phone)


def _window(chromium: Browser, shop: RunningShop, size: dict[str, int]) -> Page:
    return chromium.new_context(viewport=size, locale="zh-CN", base_url=shop.url, device_scale_factor=1).new_page()


def _take(page: Page, name: str, address: str, *, at: str = "") -> None:
    page.goto(address)
    if at:
        page.locator(at).first.evaluate("element => element.scrollIntoView()")
    _save(page, name)


def _save(page: Page, name: str) -> None:
    """The window as it stands, in few colours: drawings of flat surfaces need no more; the sky of the first page is dithered."""
    page.wait_for_load_state("networkidle")
    picture = (
        Image.open(BytesIO(page.screenshot()))
        .convert("RGB")
        .quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG if name == "home" else Image.Dither.NONE)
    )
    path = FOLDER / f"{name}.png"
    picture.save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
