"""The page of what looks odd: it says its thresholds, opens each row, and names nobody."""

from tests.browser import Browser
from tests.factories import make_mei, make_product
from tests.reports.test_suspicions import sell


def test_the_page_opens_what_it_is_about_and_names_no_buyer(office: Browser) -> None:
    assert office.open("/staff/suspicions/").text.count("没有这样的") == 5
    rice, mei = make_product(), make_mei()
    numbers = [sell(rice, days_ago=0, buyer_id=mei.id, phone=mei.phone, back_fen=68_00) for _ in range(3)]
    page = office.open("/staff/suspicions/")
    assert f"/staff/orders/{numbers[-1]}" in page.html and "50%" in page.text
    assert mei.name not in page.text and mei.phone not in page.text
