"""What thumbs type: folded where it can be meant, refused in words where it cannot, and always kept."""

from datetime import date

import pytest
from flask import Flask
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict

from shop.app import create_app
from shop.web.cooperative.fields import DayField, KilogramsField, UnitsField, is_key


@pytest.fixture(scope="module")
def bare() -> Flask:
    """The shop without a database."""
    return create_app()


class Typed(FlaskForm):
    units = UnitsField()
    kilograms = KilogramsField()
    day = DayField()


def typed(bare: Flask, name: str, *texts: str) -> tuple[object, list[str], str]:
    """What a field reads, what it says, and what stands in it afterwards."""
    with bare.test_request_context():
        form = Typed(MultiDict([(name, text) for text in texts]), meta={"csrf": False})
        form.validate()
        field = form[name]
        return field.data, list(field.errors), field._value()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("43", 43),
        ("４３", 43),
        (" 43 ", 43),
        ("0", 0),
        ("1,200", 1_200),
        ("000000000007", 7),
        ("1000000", 1_000_000),
        ("", None),
        ("　", None),
    ],
)
def test_whole_units_are_read_as_they_are_meant(bare: Flask, text: str, expected: int | None) -> None:
    assert typed(bare, "units", text) == (expected, [], text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("-1", "不能小于 0"),
        ("－1", "不能小于 0"),
        ("−1", "不能小于 0"),
        ("1e9", "整数"),
        ("1000000000", "太多了"),
        ("1000001", "太多了"),
        ("9" * 400, "太多了"),
        ("十袋", "整数"),
        ("4.5", "整数"),
        ("٣", "整数"),
        ("²", "整数"),
        ("4 3", "整数"),
        ("\x00", "整数"),
    ],
)
def test_what_is_no_count_is_refused_in_words_and_kept(bare: Flask, text: str, word: str) -> None:
    data, errors, kept = typed(bare, "units", text)
    assert data is None
    assert word in errors[0]
    assert kept == text


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("640", 640_000),
        ("６４０．５", 640_500),
        ("0.001", 1),
        ("12.", 12_000),
        ("12。5", 12_500),
        ("640 kg", 640_000),
        ("640公斤", 640_000),
        ("1,000", 1_000_000),
        ("0", 0),
        ("0.5000", 500),
        ("", None),
    ],
)
def test_kilograms_become_grams_to_the_gram(bare: Flask, text: str, grams: int | None) -> None:
    assert typed(bare, "kilograms", text) == (grams, [], text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("-1", "不能小于 0"),
        ("-0.5", "不能小于 0"),
        ("1e9", "公斤数"),
        ("1000000000", "太多了"),
        ("0.0001", "三位小数"),
        ("十斤", "公斤数"),
        (".", "公斤数"),
    ],
)
def test_what_is_no_weight_is_refused_in_words_and_kept(bare: Flask, text: str, word: str) -> None:
    data, errors, kept = typed(bare, "kilograms", text)
    assert data is None
    assert word in errors[0]
    assert kept == text


@pytest.mark.parametrize(
    "text", ["2026-10-16", "2026/10/16", "2026.10.16", "2026年10月16日", "20261016", "２０２６－１０－１６", "2026 年 10 月 16 日"]
)
def test_a_day_is_read_however_it_is_written(bare: Flask, text: str) -> None:
    assert typed(bare, "day", text)[:2] == (date(2026, 10, 16), [])


@pytest.mark.parametrize("text", ["昨天", "2026-02-30", "2026-13-01", "0000-01-01", "16.10.2026", "99999999", "1"])
def test_what_is_no_day_is_refused_in_words(bare: Flask, text: str) -> None:
    data, errors, kept = typed(bare, "day", text)
    assert (data, kept) == (None, text)
    assert "年-月-日" in errors[0]


@pytest.mark.parametrize("name", ["units", "kilograms", "day"])
def test_a_field_sent_twice_is_not_guessed_at(bare: Flask, name: str) -> None:
    data, errors, _kept = typed(bare, name, "1", "2")
    assert data is None
    assert "写了两次" in errors[0]


def test_a_form_key_is_the_one_its_page_was_given() -> None:
    assert is_key("0123456789abcdef" * 2)
    assert not any(is_key(text) for text in (None, "", "x" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n"))
