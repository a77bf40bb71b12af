"""The pairing office keeps its register: what was added stands, what ended stays credited, and a year's target is set against what was done."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shop.accounts.roles import Role
from shop.extensions import reading
from shop.kit.clock import business_day, utc_now
from shop.orders.models import Channel
from shop.origin.models import Pairing, PairingTarget
from shop.outbox.models import AuditRow
from tests.books import sell
from tests.browser import Browser
from tests.factories import make_eastern_unit, make_lot, make_product, make_user, sign_in

INDEX, NEW, UNITS = "/staff/pairings/", "/staff/pairings/new", "/staff/pairings/units"


@pytest.fixture
def office_of_pairings(app: Flask) -> Browser:
    return Browser(sign_in(app.test_client(), make_user("Pairing", roles=[Role.PAIRING])))


def paired(browser: Browser, **typed: str) -> str:
    """Write a pairing with the only village down; the path of its page."""
    place = next(value for value in browser.open(NEW).form(NEW).offered["place"] if value.startswith("village:"))
    page = browser.press(NEW, "记下", {"place": place, "kind": "village", **typed})
    assert page.status == 200, page.text
    return page.path


def test_a_target_stands_against_what_was_sold_online_and_by_hand(office_of_pairings: Browser) -> None:
    rice, unit = make_product(), make_eastern_unit("昆山市巴城镇")
    make_lot(rice)
    path = paired(office_of_pairings, first_day="2026-01-01", source="示例文件")
    office_of_pairings.press(f"{path}/target", "记下目标", {"year": "2026", "target": "400"})
    sell((rice.sku, 1), on=date(2026, 11, 2), eastern_unit_id=unit)
    sell((rice.sku, 2), on=date(2026, 11, 3), eastern_unit_id=unit, channel=Channel.OFFLINE)
    sell((rice.sku, 4), on=date(2026, 11, 3))

    page = office_of_pairings.open(f"{INDEX}?year=2026")
    assert "400.00" in page.text and "204.00" in page.text and "51%" in page.text and "待确认" not in page.text
    assert "204.00" in office_of_pairings.open(path).text
    report = office_of_pairings.open("/staff/reports/ready/pairings?from=2026-01-01&to=2026-12-31")
    assert "400.00" in report.text and "51%" in report.text


def test_a_pairing_is_added_once_ends_today_at_the_earliest_and_can_begin_again(office_of_pairings: Browser) -> None:
    make_product()
    make_eastern_unit()
    today = business_day(utc_now())
    path = paired(office_of_pairings, first_day="2026-01-01")
    place = office_of_pairings.open(NEW).form(NEW).offered["place"][-1]
    again = {"place": place, "kind": "village", "first_day": "2026-02-01"}
    assert "已经记着" in office_of_pairings.press(NEW, "记下", again).text

    office_of_pairings.open(path)
    page = office_of_pairings.press(f"{path}/end", "到那天", {"last_day": (today - timedelta(days=1)).isoformat(), "why": "示例"})
    assert page.status == 422 and "最早写" in page.text
    page = office_of_pairings.press(f"{path}/end", "到那天", {"last_day": today.isoformat(), "why": "协议到期"})
    assert "协议到期" in page.text and not [form for form in page.forms if form.action.endswith("/end")], "an end is written once"
    paired(office_of_pairings, first_day=(today + timedelta(days=1)).isoformat())
    with reading() as session:
        deeds = session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all()
        assert session.scalars(select(Pairing.valid_until).order_by(Pairing.id)).all() == [today, None]
    assert deeds == ["pairing.added", "pairing.ended", "pairing.added"]


def test_a_target_changed_leaves_the_old_one_in_the_audit(office_of_pairings: Browser) -> None:
    make_product()
    make_eastern_unit()
    path = paired(office_of_pairings)
    for target in ("400", "500", ""):
        office_of_pairings.open(path)
        office_of_pairings.press(f"{path}/target", "记下目标", {"year": "2026", "target": target})
    with reading() as session:
        assert session.scalars(select(PairingTarget.target_fen)).all() == []
        facts = session.scalars(select(AuditRow.facts).where(AuditRow.action == "pairing.target_set").order_by(AuditRow.id)).all()
    assert [(row["before"]["amount_fen"], row["after"]["amount_fen"]) for row in facts] == [(None, 40000), (40000, 50000), (50000, None)]


def test_a_unit_is_taken_in_and_closed_once_nothing_of_it_goes_on(office_of_pairings: Browser, office: Browser) -> None:
    make_product()
    office_of_pairings.open(UNITS)
    page = office_of_pairings.press(UNITS, "加上", {"name": "昆山市周市镇", "district": "320583"})
    assert "江苏省苏州市昆山市" in page.text
    paired(office_of_pairings)
    office_of_pairings.open(UNITS)
    assert "还有没到期的结对" in office_of_pairings.press(f"{UNITS}/", "停用").text
    make_eastern_unit("昆山市千灯镇")
    assert "千灯镇" in office.open("/staff/offline/").text
    office_of_pairings.open(UNITS)
    closing = next(form.action for form in office_of_pairings.page.forms if "/close" in form.action)
    office_of_pairings.press(closing, "停用")
    assert "停用了" in office_of_pairings.page.text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"place": "", "western": ""}, "选一个村或镇"),
        ({"first_day": "2026-02-01", "last_day": "2026-01-01"}, "止日不能早于起日"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(office_of_pairings: Browser, typed: dict[str, str], says: str) -> None:
    make_eastern_unit()
    office_of_pairings.open(NEW)
    page = office_of_pairings.press(NEW, "记下", {"western": "示例学校", **typed})
    assert page.status == 422 and says in page.text
