"""A cooperative writes a product, submits it; staff decide; it goes on the shelf with a lot. Prices and seasons leave their history."""

import pytest
from flask import Flask
from sqlalchemy import select

from shop.accounts.roles import Role
from shop.catalog.models import Product, ProductStatus
from shop.extensions import reading
from shop.outbox.models import AuditRow
from tests.browser import Browser
from tests.factories import make_category, make_cooperative, make_lao_chen, make_product, make_staff, make_user, sign_in

GOODS, STAFF = "/cooperative/goods", "/staff/goods"


@pytest.fixture
def chen(app: Flask) -> Browser:
    make_category()
    return Browser(sign_in(app.test_client(), make_lao_chen(make_cooperative())))


@pytest.fixture
def office(app: Flask) -> Browser:
    return Browser(sign_in(app.test_client(), make_staff()))


def drafted(chen: Browser) -> str:
    """Chrysanthemum tea as Lao Chen writes it, with a pack; the path of its page."""
    chen.open(f"{GOODS}/new")
    page = chen.press(
        f"{GOODS}/new",
        "存成草稿",
        {"name": "胎菊", "storage": "阴凉干燥处", "shelf_life_days": "540", "first_month": "10", "last_month": "11"},
    )
    assert page.path.endswith("/sale"), page.text
    path = page.path
    assert "没有一种包装" in chen.press(path.replace("/sale", "/submit"), "提交").text
    pack = {"pack": "50 g 罐", "unit_word": "罐", "net_value": "50", "packed": "0.05", "price": "38"}
    chen.press(path.replace("/sale", "/packs"), "加上", pack)
    return path


def test_a_product_goes_on_the_shelf_once_another_person_has_said_yes(chen: Browser, office: Browser) -> None:
    path = drafted(chen)
    chen.open(path)
    assert "等县里定" in chen.press(path.replace("/sale", "/submit"), "提交").text
    mine = path.replace("/cooperative", "/staff")
    assert "胎菊" in office.open("/staff/approvals/").text
    office.open(mine)
    assert office.press(mine.replace("/sale", "/decide"), "退回").status == 422
    office.press(mine.replace("/sale", "/decide"), "退回", {"why": "介绍再写清楚"})
    assert "介绍再写清楚" in chen.open(path).text
    chen.press(path.replace("/sale", "/submit"), "提交")
    office.open(mine)
    office.press(mine.replace("/sale", "/decide"), "同意")
    assert "没有一个批次" in office.press(mine.replace("/sale", "/publish"), "上架").text
    with reading() as session:
        product = session.scalars(select(Product)).one()
        assert product.status is ProductStatus.DRAFT and product.slug == "taiju"
    assert "胎菊" not in office.open("/staff/approvals/").text


def test_nobody_decides_what_they_submitted_and_a_submitted_draft_stands_still(chen: Browser, app: Flask) -> None:
    path = drafted(chen)
    chen.open(path)
    chen.press(path.replace("/sale", "/submit"), "提交")
    both = make_user("Both", roles=[Role.OPERATIONS])
    page = chen.open(path.replace("/sale", "/edit"))
    assert "不能这样改" in chen.press(path.replace("/sale", "/edit"), "存成草稿").text and page.status == 200
    staff = Browser(sign_in(app.test_client(), both))
    mine = path.replace("/cooperative", "/staff")
    staff.open(mine)
    assert "同意了" in staff.press(mine.replace("/sale", "/decide"), "同意").text


def test_a_price_changed_leaves_its_history_and_a_season_shows(chen: Browser) -> None:
    rice = make_product()
    path = f"{GOODS}/{rice.id}/sale"
    chen.open(path)
    page = chen.press(f"{GOODS}/{rice.id}/packs/", "改价", {"price": "72.50"})
    assert "¥72.50" in page.text and "改过 1 次价" in page.text and "¥68.00 → ¥72.50" in page.text
    page = chen.press(f"{GOODS}/{rice.id}/season", "记下", {"first_month": "9", "last_month": ""})
    assert page.status == 422 and "两个月都选" in page.text
    chen.press(f"{GOODS}/{rice.id}/season", "记下", {"first_month": "12", "last_month": "2"})
    with reading() as session:
        assert session.execute(select(Product.first_harvest_month, Product.last_harvest_month)).one() == (12, 2)
        assert session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all() == ["sku.price_set", "product.season_set"]
