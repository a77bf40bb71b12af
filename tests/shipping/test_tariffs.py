"""A tariff holds from its day on, is never changed, and costs the purchase path no statement; nobody ships on days off."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from shop.extensions import reading
from shop.kit.clock import business_day, utc_now
from shop.outbox.models import AuditRow
from shop.shipping.rules import FIRST
from shop.shipping.tariffs import BeginsAlready, BeginsTooEarly, HasBegun, close_days, forget_terms, open_day, take_back_tariff, terms_on
from tests.factories import make_user
from tests.registers import make_tariff
from tests.statements import count_statements

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    forget_terms()
    yield
    forget_terms()


def test_a_tariff_holds_from_its_day_on_and_not_before():
    starts_on = business_day(utc_now()) + timedelta(days=1)
    make_tariff(starts_on, first_fen=800)
    with reading():
        before, after = (terms_on(day).rules for day in (starts_on - timedelta(days=1), starts_on))
    assert (before.by_weight.first_fen, after.by_weight.first_fen) == (600, 800)
    assert after.free == FIRST.free and after.cold == FIRST.cold and after.not_served == FIRST.not_served


def test_what_is_kept_for_the_day_asks_the_database_nothing():
    with reading(), count_statements() as seen:
        terms_on(date(2026, 11, 23))
        once = len(seen)
        terms_on(date(2026, 11, 23))
    assert once == 0 and seen == [], "what is read once in a while is not counted, and the second time nothing is read"


def test_a_tariff_begins_tomorrow_at_the_earliest_and_only_one_on_a_day():
    today = business_day(utc_now())
    with pytest.raises(BeginsTooEarly):
        make_tariff(today)
    first = make_tariff(today + timedelta(days=1))
    with pytest.raises(BeginsAlready):
        make_tariff(today + timedelta(days=1))
    by = make_user().id
    with pytest.raises(HasBegun):
        take_back_tariff(first, by=by, now=utc_now() + timedelta(days=1))
    take_back_tariff(first, by=by, now=utc_now())
    with reading() as session:
        assert session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all() == ["tariff.added", "tariff.taken_back"]


def test_days_off_are_told_to_whoever_estimates():
    by, today = make_user().id, business_day(utc_now())
    assert close_days(today, today + timedelta(days=2), "示例节", by=by, now=utc_now()) == 3
    assert close_days(today, today + timedelta(days=3), "示例节", by=by, now=utc_now()) == 1
    open_day(today + timedelta(days=1), by=by, now=utc_now())
    forget_terms()
    with reading():
        assert terms_on(today).closed == {today + timedelta(days=ahead) for ahead in (0, 2, 3)}
