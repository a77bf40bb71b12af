"""Staff keep the tariffs and the days, and try what a parcel would cost."""

from datetime import timedelta

from shop.kit.clock import business_day, utc_now
from tests.browser import Browser
from tests.factories import make_cooperative

INDEX, NEW, DAYS = "/staff/shipping/", "/staff/shipping/new", "/staff/shipping/days"


def test_the_tester_says_what_a_parcel_would_cost_and_where_none_goes(office: Browser) -> None:
    page = office.open(f"{INDEX}?to=540000&weight=5.5&goods=68&on=2026-12-01")
    assert "31.50" in page.text and "24.00" in page.text, "first five kilograms, a further one, and six of surcharge"
    assert "冷链送不到那么远" in office.open(f"{INDEX}?to=540000&weight=1&goods=68&cold=y").text
    assert "那里不送" in office.open(f"{INDEX}?to=710000&weight=1&goods=68").text


def test_a_new_tariff_is_written_down_by_province_and_taken_back(office: Browser) -> None:
    office.open(NEW)
    tomorrow = (business_day(utc_now()) + timedelta(days=1)).isoformat()
    page = office.press(NEW, "记下这一份", {"starts_on": tomorrow, "first": "8", "days_54": "很久", "surcharge_65": "5"})
    assert page.status == 422 and "写几天，比如 3-4" in page.text and page.form(NEW).values("surcharge_65") == ["5"]
    page = office.press(NEW, "记下这一份", {"days_54": "", "surcharge_54": "", "quick_54": "", "cold_54": ""})
    assert page.path == INDEX and "到那天自己换上" in page.text
    later = office.open(f"{INDEX}?to=540000&weight=1&goods=68&on={tomorrow}")
    assert "那里不送" in later.text
    withdrawing = next(form.action for form in later.forms if form.action.endswith("/withdraw"))
    assert "撤回了" in office.press(withdrawing, "撤回").text


def test_holidays_and_weekdays_are_entered(office: Browser) -> None:
    make_cooperative()
    office.open(DAYS)
    day = business_day(utc_now()) + timedelta(days=40)
    typed = {"name": "春节", "first_day": day.isoformat(), "last_day": (day - timedelta(days=1)).isoformat()}
    assert "止日不能早于起日" in office.press(DAYS, "这几天", typed).text
    page = office.press(DAYS, "这几天", typed | {"last_day": (day + timedelta(days=6)).isoformat()})
    assert page.text.count("照常发货") == 7
    assert "发货日记下了" in office.press(f"{DAYS}/cooperatives/", "记下").text
