"""Saved reports, one's own or shared, and letters that bring them once for each due day until they are stopped."""

import re
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from config import Config
from shop.extensions import db, reading
from shop.kit.keys import link_key
from shop.outbox.models import Letter
from shop.reports.saved import due_period, last_due, write_due_letters
from shop.reports.saved_models import Every
from tests.browser import Browser
from tests.factories import Person, make_staff, sign_in

MONDAY = datetime(2099, 11, 30, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "today", "due", "since", "until"),
    [
        (Every.WEEK, date(2026, 12, 2), date(2026, 11, 30), date(2026, 11, 23), date(2026, 11, 29)),
        (Every.MONTH, date(2024, 3, 31), date(2024, 3, 1), date(2024, 2, 1), date(2024, 2, 29)),
    ],
)
def test_a_letter_is_due_on_mondays_or_the_first_for_what_is_over(every: Every, today: date, due: date, since: date, until: date) -> None:
    assert last_due(every, today) == due
    assert (due_period(every, due).since, due_period(every, due).until) == (since, until)


def save(office: Browser, name: str, **typed: str) -> None:
    office.open("/staff/reports/saved/new/sales?by=cooperative&from=2026-11-01&to=2026-11-30")
    office.press("/staff/reports/saved/new/", "存下", {"name": name, **typed})


def test_a_saved_report_is_ones_own_unless_shared_and_opens_with_its_days(office: Browser, app: Flask) -> None:
    save(office, "各社")
    assert "各社" in office.page.text
    assert office.open("/staff/reports/saved/1").path == "/staff/reports/sales?by=cooperative&from=2026-11-01&to=2026-11-30"
    save(office, "各社")
    assert office.page.status == 422 and "已经有一份叫这个名字" in office.page.text
    save(office, " ")
    assert "起个名字" in office.page.text
    colleague = Browser(sign_in(app.test_client(), make_staff()))
    assert colleague.open("/staff/reports/saved/1").status == 404
    save(office, "大家的", is_shared="y")
    shared = re.search(r'href="(/staff/reports/saved/[0-9]+)">大家的', office.page.html)
    assert shared
    assert colleague.open(shared[1]).status == 200
    assert colleague.send(f"{shared[1]}/forget", {}).status == 404, "only whoever saved it lets it go"
    office.open("/staff/reports/saved/")
    office.press("/staff/reports/saved/1/forget")
    assert "各社" not in office.page.text and "大家的" in office.page.text


def letters() -> list[str]:
    with reading():
        return list(db.session.scalars(select(Letter.once).where(Letter.kind == "report_due").order_by(Letter.id)))


def test_a_letter_comes_once_for_each_due_day_until_it_is_stopped(office: Browser, clerk: Person, app: Flask) -> None:
    save(office, "各社")
    office.press("/staff/reports/saved/1/letters", "记下", {"every": "week"})
    assert write_due_letters(now=MONDAY) == 1 and write_due_letters(now=MONDAY) == 0
    assert letters() == ["report_due:1:2099-11-30"]
    config: Config = app.config["SHOP"]
    stranger = Browser(app.test_client())
    assert stranger.open("/staff/reports/letters/1/stop?key=x").status == 404
    stranger.open(f"/staff/reports/letters/1/stop?key={link_key(config.secret_key, 'report-letter', '1')}")
    assert write_due_letters(now=datetime(2099, 12, 7, 2, tzinfo=UTC)) == 1, "opening the link stops nothing"
    stranger.press(stranger.page.forms[-1].action, "不再寄")
    assert "停下了" in stranger.page.text
    assert write_due_letters(now=datetime(2099, 12, 14, 2, tzinfo=UTC)) == 0
