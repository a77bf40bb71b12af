"""Staff make vouchers; buyers use them; the list says what they took off."""

import pytest
from flask import Flask

from tests.acts.test_vouchers import with_voucher
from tests.browser import Browser
from tests.factories import make_auditor_lin, make_lot, make_product, make_staff, sign_in
from tests.shopping import place

LIST, NEW = "/staff/vouchers/", "/staff/vouchers/new"
TYPED = {
    "code": "qiu-10",
    "name": "秋收立减",
    "amount": "１０",
    "minimum": "100",
    "first_day": "2026-01-01",
    "last_day": "2099-12-31",
    "most_uses": "5",
}


@pytest.fixture
def staff(app: Flask) -> Browser:
    return Browser(sign_in(app.test_client(), make_staff()))


def test_a_voucher_is_made_used_and_ended(staff: Browser) -> None:
    rice = make_product()
    make_lot(rice)
    assert "还没有优惠码" in staff.open(LIST).text
    staff.open(NEW)
    page = staff.press(NEW, "做好", TYPED)
    assert page.path == LIST and "减 ¥10.00，满 ¥100.00 可用，不叠加" in page.text
    place({rice.sku: 2}, wishes=with_voucher("QIU10"))
    page = staff.open(LIST)
    assert "1 / 5" in page.text and "10.00" in page.text
    page = staff.press(LIST, "停用")
    assert "停用了" in page.text and "已经用上的订单不变" in page.text


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"code": "秋"}, "code", "只用字母和数字"),
        ({"name": ""}, "name", "写上名称"),
        ({"amount": ""}, "amount", "写减几元"),
        ({"minimum": "10"}, "minimum", "货不能白送"),
        ({"kind": "percent", "percent": "95"}, "percent", "写 0.01 到 90"),
        ({"last_day": "2025-12-31"}, "last_day", "不能早于起日"),
        ({"first_day": ""}, "first_day", "写上日子"),
        ({"most_uses": "0"}, "most_uses", "至少 1 次"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(staff: Browser, typed: dict[str, str], field: str, says: str) -> None:
    staff.open(NEW)
    page = staff.press(NEW, "做好", TYPED | typed)
    assert page.status == 422 and says in page.text and f'id="{field}-error"' in page.html
    assert page.form(NEW).values("name") == [(TYPED | typed)["name"]]


def test_a_code_is_given_once(staff: Browser) -> None:
    for expected in (200, 422):
        staff.open(NEW)
        assert staff.press(NEW, "做好", TYPED).status == expected
    assert "这个码已经有了" in staff.page.text


def test_whoever_only_reads_can_make_none(app: Flask) -> None:
    auditor = Browser(sign_in(app.test_client(), make_auditor_lin()))
    page = auditor.open(LIST)
    assert page.status == 200 and "/staff/vouchers/new" not in page.html
    assert auditor.open(NEW).status == 404
