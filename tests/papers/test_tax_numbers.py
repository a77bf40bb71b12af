"""Tax numbers: the published examples pass, and every slip of the pen is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.papers.tax_numbers import _SIGNS, WrongNumber, is_unified, read_tax_number

UNIFIED = "91350100M000100Y43"
"""The example in GB 32100-2015, annex A."""


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (UNIFIED, UNIFIED),
        ("９１３５ 0100-m000100y43", UNIFIED),
        ("350100M000100Y4", "350100M000100Y4"),  # before 2015: the district and the organisation code that the new number still holds
        ("11010519491231002X", "11010519491231002X"),  # a small trader: the example in GB 11643-1999
        ("11010519491231002X01", "11010519491231002X01"),
    ],
)
def test_a_right_number_is_kept_in_capitals(typed: str, kept: str) -> None:
    assert read_tax_number(typed) == kept


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("", WrongNumber.MISSING),
        ("  -  ", WrongNumber.MISSING),
        ("91350100M000100Y4", WrongNumber.LENGTH),
        ("91350100M000100Y430", WrongNumber.LENGTH),
        ("91350100M000100Y44", WrongNumber.CHECK),
        ("93150100M000100Y43", WrongNumber.CHECK),  # two swapped
        ("9135010OM000100Y43", WrongNumber.SIGNS),  # O for nought
        ("91350100M000100😀43", WrongNumber.SIGNS),
        ("350100M000100Y5", WrongNumber.CHECK),
        ("35O100M000100Y4", WrongNumber.SIGNS),
        ("11010519490231002X01", WrongNumber.CHECK),  # no 31 February
        ("11010519491231002X0A", WrongNumber.SIGNS),
        ("<script>alert(1)</", WrongNumber.SIGNS),
    ],
)
def test_what_is_wrong_is_told(typed: str, wrong: WrongNumber) -> None:
    assert read_tax_number(typed) is wrong


@given(st.integers(0, 17), st.sampled_from(_SIGNS))
def test_any_single_wrong_sign_is_seen(place: int, sign: str) -> None:
    changed = UNIFIED[:place] + sign + UNIFIED[place + 1 :]
    assert is_unified(changed) == (changed == UNIFIED)
