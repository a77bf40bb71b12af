"""The season calendar."""

from flask.testing import FlaskClient

from shop.kit.clock import business_day, utc_now
from tests.browser import Browser
from tests.factories import make_lot, make_product
from tests.statements import count_statements


def test_every_product_has_its_twelve_months(client: FlaskClient) -> None:
    month = business_day(utc_now()).month
    make_lot(make_product("蓝莓", slug="lanmei", harvest_months=(month, month)))
    make_product("腊肉", slug="larou", harvest_months=(12, 2))
    make_product("果酱", slug="jam")
    with count_statements() as seen:
        page = Browser(client).open("/seasons")
    assert len(seen) == 1
    assert f"{month} 月在收 蓝莓" in page.text and "全年都做" in page.text and "蓝莓 白水村 有货" in page.text
    assert page.html.count("采收</span>") == 1 + 3 and page.html.count('<tr><th scope="row">') == 3
    assert f'href="/products/?season={month}"' in page.html and 'href="/products/larou"' in page.html


def test_an_empty_shop_has_a_calendar_too(client: FlaskClient) -> None:
    assert "货架还空着" in Browser(client).open("/seasons").text
