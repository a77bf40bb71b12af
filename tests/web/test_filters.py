"""Figures, weights, days and people read as a shopkeeper would write them, in both languages."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from flask import Flask
from flask_babel import Babel, force_locale
from hypothesis import given
from hypothesis import strategies as st

from shop.web import filters


def plain(text: str) -> str:
    """With ordinary spaces."""
    return text.replace(filters.HARD, " ")


@pytest.fixture
def chinese_page() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, locale_selector=lambda: "zh")
    with app.test_request_context():
        yield


@pytest.fixture
def english_page(chinese_page: None) -> Iterator[None]:
    with force_locale("en"):
        yield


@pytest.mark.parametrize(
    ("fen", "plain", "signed", "whole"),
    [
        (0, "0.00", "¥0.00", "0"),
        (5, "0.05", "¥0.05", "0"),
        (6800, "68.00", "¥68.00", "68"),
        (113_333, "1,133.33", "¥1,133.33", "1,133"),
        (6_835_750, "68,357.50", "¥68,357.50", "68,358"),
        (-6667, "−66.67", "−¥66.67", "−67"),
        (-1, "−0.01", "−¥0.01", "0"),
    ],
)
def test_money_is_written_to_the_fen_with_a_true_minus(fen: int, plain: str, signed: str, whole: str) -> None:
    assert (filters.yuan(fen), filters.yuan_sign(fen), filters.yuan_whole(fen)) == (plain, signed, whole)


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_no_fen_is_lost_in_writing(fen: int) -> None:
    assert int(filters.yuan(fen).replace(",", "").replace(".", "").replace("−", "-")) == fen


@pytest.mark.parametrize(
    ("net_grams", "shopper", "kilograms", "plain"),
    [
        (500, "500 g", "0.5 kg", "500 g"),
        (1000, "1 kg", "1 kg", "1,000 g"),
        (2500, "2.5 kg", "2.5 kg", "2,500 g"),
        (4605, "4.605 kg", "4.605 kg", "4,605 g"),
        (1_000_000, "1,000 kg", "1,000 kg", "1,000,000 g"),
        (0, "0 g", "0 kg", "0 g"),
        (-5000, "−5 kg", "−5 kg", "−5,000 g"),
    ],
)
def test_weights_keep_every_gram(net_grams: int, shopper: str, kilograms: str, plain: str) -> None:
    assert (filters.weight(net_grams), filters.kg(net_grams), filters.grams(net_grams)) == (shopper, kilograms, plain)


def test_counts_have_separators() -> None:
    assert (filters.thousands(1921), filters.thousands(-3)) == ("1,921", "−3")


@pytest.mark.parametrize(
    ("basis_points", "text"), [(7000, "70%"), (1250, "12.5%"), (1, "0.01%"), (0, "0%"), (-30, "−0.3%"), (123_456, "1,234.56%")]
)
def test_basis_points_are_exact(basis_points: int, text: str) -> None:
    assert filters.percent_bp(basis_points) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(700, 1000, "70%"), (1, 3, "33.3%"), (2, 3, "66.7%"), (1, 2000, "0.1%"), (1, 2001, "0%"), (5, 0, "—"), (-1, 4, "−25%"), (0, 7, "0%")],
)
def test_a_share_is_rounded_half_up_and_of_nothing_there_is_none(part: int, whole: int, text: str) -> None:
    assert filters.share_percent(part, whole) == text


@pytest.mark.parametrize(
    ("part", "whole", "width"), [(700, 1000, "70%"), (1, 3, "33.33%"), (5, 0, "0%"), (-5, 9, "0%"), (12, 9, "100%"), (9, 9, "100%")]
)
def test_a_bar_never_leaves_its_frame(part: int, whole: int, width: str) -> None:
    assert filters.share_width(part, whole) == width


@pytest.mark.parametrize(
    ("now", "before", "text"), [(1126, 1000, "12.6%"), (874, 1000, "12.6%"), (5, 5, "0%"), (5, 0, "—"), (-50, -100, "50%")]
)
def test_change_says_how_much_and_leaves_the_direction_to_the_arrow(now: int, before: int, text: str) -> None:
    assert filters.change_percent(now, before) == text


LATE_EVENING_IN_LONDON = datetime(2026, 11, 17, 23, 14, tzinfo=UTC)


@pytest.mark.usefixtures("chinese_page")
def test_days_and_times_in_chinese_are_those_of_shanghai() -> None:
    assert filters.day(date(2026, 10, 9)) == "2026\xa0年 10\xa0月\xa09\xa0日", "it breaks after the year only"
    assert plain(filters.day(LATE_EVENING_IN_LONDON)) == "2026 年 11 月 18 日"
    assert plain(filters.short_day(LATE_EVENING_IN_LONDON)) == "11 月 18 日"
    assert filters.clock(LATE_EVENING_IN_LONDON) == "11-18 07:14"
    assert plain(filters.moment(LATE_EVENING_IN_LONDON)) == "2026 年 11 月 18 日 07:14"


@pytest.mark.usefixtures("english_page")
def test_days_and_times_in_english_are_those_of_shanghai() -> None:
    assert plain(filters.day(date(2026, 10, 9))) == "Oct 9, 2026"
    assert plain(filters.short_day(LATE_EVENING_IN_LONDON)) == "Nov 18"
    assert filters.clock(LATE_EVENING_IN_LONDON) == "Nov 18, 07:14"
    assert plain(filters.moment(LATE_EVENING_IN_LONDON)) == "Nov 18, 2026, 07:14"


def test_a_machine_reads_the_offset_too() -> None:
    assert filters.machine_time(LATE_EVENING_IN_LONDON) == "2026-11-18T07:14+08:00"
    assert filters.machine_time(datetime(2026, 1, 1, 3, 0, tzinfo=timezone(timedelta(hours=-5)))) == "2026-01-01T16:00+08:00"
    assert filters.machine_time(date(2026, 10, 9)) == "2026-10-09"


@pytest.mark.parametrize("written", [filters.clock, filters.moment, filters.day, filters.short_day, filters.machine_time])
def test_a_time_without_its_zone_is_refused(written: object) -> None:
    assert callable(written)
    with pytest.raises(ValueError, match="without its zone"):
        written(datetime(2026, 11, 18, 9, 14))  # noqa: DTZ001  # the mistake itself


def test_outside_a_request_everything_is_chinese() -> None:
    assert plain(filters.short_day(date(2026, 10, 9))) == "10 月 9 日"
    assert filters.chinese("白水村") == "白水村"


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("13800002207", "138****2207"), ("+8613800002207", "+86****2207"), ("05125701", "05****01"), ("110", "****"), ("", "")],
)
def test_a_masked_number_never_shows_its_middle(phone: str, masked: str) -> None:
    assert filters.masked_phone(phone) == masked


@pytest.mark.usefixtures("english_page")
def test_chinese_content_is_marked_and_escaped_on_an_english_page() -> None:
    assert filters.chinese("白水村<b>") == '<span lang="zh-Hans">白水村&lt;b&gt;</span>'
    assert filters.chinese("") == ""


@pytest.mark.usefixtures("chinese_page")
def test_chinese_content_is_only_escaped_on_a_chinese_page() -> None:
    assert filters.chinese("白水村<b>") == "白水村&lt;b&gt;"


@pytest.mark.parametrize(
    ("name", "character"),
    [("羊肚菌(干)", "菌"), ("香菇（干）", "菇"), ("笋干", "笋"), ("本地糯米", "米"), ("红薯粉", "粉"), ("干", "干"), ("", "")],
)
def test_a_product_without_a_picture_shows_its_own_character(name: str, character: str) -> None:
    assert filters.own_character(name) == character


def test_every_category_has_a_ground_and_an_unknown_one_the_quiet_one() -> None:
    assert (filters.tint("粮油"), filters.tint("肉类"), filters.tint("新品类")) == ("grain", "meat", "wood")


def test_the_first_wrong_field_of_a_page_takes_the_focus_and_no_other() -> None:
    app = Flask(__name__)
    with app.app_context():
        assert [filters.claim_focus() for _ in range(3)] == [True, False, False]
    with app.app_context():
        assert filters.claim_focus()
