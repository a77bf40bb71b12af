import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.kit.phones import digits_of, find_mobile, masked


@pytest.mark.parametrize(
    "typed",
    [
        "13800133220",
        " 138 0013 3220 ",
        "138-0013-3220",
        "１３８００１３３２２０",
        "+8613800133220",
        "+86 138 0013 3220",
        "＋８６　１３８００１３３２２０",
        "8613800133220",
        "0086 138.0013.3220",
        "(+86)13800133220",
        "\t13800133220\n",
    ],
)
def test_a_mobile_number_however_it_is_written(typed):
    assert find_mobile(typed) == "13800133220"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1380013322",
        "138001332200",
        "12800133220",
        "10000000000",
        "23800133220",
        "+8523800133220",
        "051255551234",
        "1380013322x",
        "١٣٨٠٠١٣٣٢٢٠",
        "一三八〇〇一三三二二〇",
        "86861 3800133220",
    ],
)
def test_what_is_not_a_mobile_number(typed):
    assert find_mobile(typed) is None


def test_how_many_digits_are_missing_can_be_said():
    assert digits_of("138 0013 220") == 10
    assert digits_of("+86 138 0013 220") == 10
    assert digits_of("电话") == 0


def test_a_number_is_shown_without_its_middle():
    assert masked("13800133220") == "138****3220"
    assert masked("123") == "***"


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_every_number_of_the_plan_is_itself(mobile):
    assert find_mobile(mobile) == find_mobile(f"+86 {mobile[:3]} {mobile[3:7]} {mobile[7:]}") == mobile


@given(st.text())
def test_any_text_gives_eleven_digits_or_nothing(text):
    found = find_mobile(text)
    assert found is None or (len(found) == 11 and found.isascii() and found.isdecimal())
