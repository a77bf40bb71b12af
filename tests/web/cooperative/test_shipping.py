"""Lao Chen says on which days the carrier comes."""

from sqlalchemy import select

from shop.extensions import reading
from shop.origin.models import Cooperative
from shop.outbox.models import AuditRow
from tests.browser import Browser
from tests.factories import make_cooperative, make_village

PATH = "/cooperative/shipping/"


def days() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(Cooperative.ships_on).order_by(Cooperative.id)))


def test_he_ticks_the_days_and_it_is_written_down_who_did(phone: Browser) -> None:
    other = make_cooperative("川硐板栗专业合作社", villages=[make_village("川硐村")])
    page = phone.open(PATH)
    form = page.form(PATH)
    assert form.values("day") == list("12345") and f"{PATH}{other.id}" not in [form.action for form in page.forms]
    token = form.values("csrf_token")[0]
    answer = phone.client.post(form.action, data={"csrf_token": token, "day": ["6", "2", "9", "2"]})
    assert answer.status_code == 303 and days() == ["26", "12345"]
    assert phone.open(PATH).form(PATH).values("day") == ["2", "6"]
    with reading() as session:
        assert session.scalars(select(AuditRow.facts).where(AuditRow.action == "shipping_days_changed")).one() == {
            "was": "12345",
            "now": "26",
        }
    assert phone.client.post(f"{PATH}{other.id}", data={"csrf_token": token, "day": "1"}).status_code == 404


def test_a_week_without_a_day_is_refused_beside_its_ticks(phone: Browser) -> None:
    form = phone.open(PATH).form(PATH)
    answer = phone.client.post(form.action, data={"csrf_token": form.values("csrf_token")[0]}, headers={"Accept-Language": "zh"})
    assert answer.status_code == 422 and "至少留一天" in answer.text and days() == ["12345"]
