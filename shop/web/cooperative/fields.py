"""What thumbs type into a telephone: whole numbers, kilograms, days; full-width digits are folded, what was typed is kept.

A field that stands empty has `data` None and no error; whether that will do is for the form or the act to say.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Generic, TypeVar

from flask_babel import gettext
from wtforms import Field, StringField

from shop.kit.text import fold

T = TypeVar("T")

MOST_UNITS = 1_000_000
MOST_KILOGRAMS = 1_000_000
MOST_YUAN = 1_000_000

_KEY = re.compile(r"[0-9a-f]{32}")
_WHOLE = re.compile(r"[0-9]+")
_SIGNED = re.compile(r"[-\N{MINUS SIGN}][0-9.]+")
_KILOGRAMS = re.compile(r"([0-9]+)(?:\.([0-9]*))?")
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_DAY_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


def refuse(field: Field, words: str) -> None:
    """Say beside a field what is wrong with it."""
    field.errors = [words]


def is_key(text: str | None) -> bool:
    """Whether a hidden field still holds the key that its page was given."""
    return bool(text) and _KEY.fullmatch(str(text)) is not None


class TypedField(StringField, Generic[T]):  # type: ignore[misc]  # WTForms ships no types
    """A text field that keeps what was typed and reads a value out of it."""

    data: T | None
    raw_data: list[str] | None
    errors: Sequence[str]
    process_errors: list[str]

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read what was typed; raises ValueError with words for the person."""
        self.data = None
        if len(valuelist) > 1:
            raise ValueError(gettext("这一栏写了两次，只能写一次。"))
        if text := fold("".join(valuelist)):
            self.data = self.read(text)

    def _value(self) -> str:
        """What stands in the field when it is drawn again."""
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.write(self.data)

    def type_in(self, value: T) -> None:
        """Put a value in as if it had been typed, and call the field right."""
        self.data = value
        self.raw_data = None
        self.errors = ()
        self.process_errors = []

    def read(self, text: str) -> T:
        """The value of folded, non-empty text."""
        raise NotImplementedError

    def write(self, value: T) -> str:
        """A value as somebody would type it."""
        return str(value)


class UnitsField(TypedField[int]):
    """Whole units, nought or more."""

    def read(self, text: str) -> int:
        """`１２` → 12."""
        return self.read_units(text)

    @staticmethod
    def read_units(text: str) -> int:
        """The number that was typed, for a field drawn by hand; raises ValueError with words for the person."""
        text = text.replace(",", "")
        if _SIGNED.fullmatch(text):
            raise ValueError(gettext("不能小于 0。"))
        if not _WHOLE.fullmatch(text):
            raise ValueError(gettext("写一个整数，比如 43。"))
        if len(text) > 12 or int(text) > MOST_UNITS:
            raise ValueError(gettext("太多了，最多写 %(most)s。", most=f"{MOST_UNITS:,}"))
        return int(text)


class KilogramsField(TypedField[int]):
    """Kilograms with up to three decimals, as grams."""

    def read(self, text: str) -> int:
        """`６４０` → 640000, `0.5` → 500."""
        text = text.replace(",", "").replace("。", ".")
        text = re.sub(r"\s*(?:kg|KG|Kg|公斤|千克)$", "", text)
        if _SIGNED.fullmatch(text):
            raise ValueError(gettext("不能小于 0。"))
        match = _KILOGRAMS.fullmatch(text)
        if match is None:
            raise ValueError(gettext("写公斤数，比如 640 或 12.5。"))
        whole, decimals = match[1], (match[2] or "").rstrip("0")
        if len(decimals) > 3:
            raise ValueError(gettext("最多三位小数，精确到克。"))
        if len(whole) > 12 or int(whole) > MOST_KILOGRAMS:
            raise ValueError(gettext("太多了，最多写 %(most)s kg。", most=f"{MOST_KILOGRAMS:,}"))
        return int(whole) * 1000 + int(decimals.ljust(3, "0"))

    def write(self, value: int) -> str:
        """640000 → `640`."""
        whole, rest = divmod(value, 1000)
        return f"{whole}.{rest:03d}".rstrip("0").rstrip(".") if rest else str(whole)


class YuanField(TypedField[int]):
    """Yuan with up to two decimals, as fen."""

    def read(self, text: str) -> int:
        """`１２８．５` → 12850, `¥1,280元` → 128000."""
        return self.read_fen(text)

    @staticmethod
    def read_fen(text: str) -> int:
        """The sum that was typed, for a field drawn by hand; raises ValueError with words for the person."""
        text = re.sub(r"^¥|\s*元$", "", text.replace(",", "").replace("。", ".")).strip()
        if _SIGNED.fullmatch(text):
            raise ValueError(gettext("不能小于 0。"))
        match = _KILOGRAMS.fullmatch(text)
        if match is None:
            raise ValueError(gettext("写元，比如 128 或 128.50。"))
        whole, decimals = match[1], (match[2] or "").rstrip("0")
        if len(decimals) > 2:
            raise ValueError(gettext("最多两位小数，精确到分。"))
        if len(whole) > 12 or int(whole) > MOST_YUAN:
            raise ValueError(gettext("太多了，最多写 %(most)s 元。", most=f"{MOST_YUAN:,}"))
        return int(whole) * 100 + int(decimals.ljust(2, "0"))

    def write(self, value: int) -> str:
        """12850 → `128.50`."""
        return f"{value // 100}.{value % 100:02d}"


class PercentField(TypedField[int]):
    """Per cent with up to two decimals, as basis points."""

    def read(self, text: str) -> int:
        """`60` → 6000, `12.5%` → 1250."""
        text = re.sub(r"\s*[%％]$", "", text.replace("。", "."))
        match = _KILOGRAMS.fullmatch(text)
        if match is None:
            raise ValueError(gettext("写百分数，比如 60 或 12.5。"))
        whole, decimals = match[1], (match[2] or "").rstrip("0")
        if len(decimals) > 2:
            raise ValueError(gettext("百分数最多两位小数。"))
        if len(whole) > 3 or int(whole) * 100 + int(decimals.ljust(2, "0")) > 10_000:
            raise ValueError(gettext("最多 100%%。") % {})
        return int(whole) * 100 + int(decimals.ljust(2, "0"))

    def write(self, value: int) -> str:
        """1250 → `12.5`."""
        return f"{value // 100}.{value % 100:02d}".rstrip("0").rstrip(".")


class DayField(TypedField[date]):
    """A day, picked or typed: `2026-10-16`, `2026/10/16`, `2026年10月16日`, `20261016`."""

    def read(self, text: str) -> date:
        """The day."""
        return self.read_day(text)

    @staticmethod
    def read_day(text: str) -> date:
        """The day that was typed, for a field drawn by hand; raises ValueError with words for the person."""
        match = _DAY.fullmatch(text.replace(" ", "")) or _DAY_DIGITS.fullmatch(text)
        try:
            year, month, day = (int(part) for part in match.groups()) if match else (0, 0, 0)
            return date(year, month, day)
        except ValueError:
            raise ValueError(gettext("写年-月-日，比如 2026-10-16。")) from None

    def write(self, value: date) -> str:
        """As `<input type="date">` wants it."""
        return value.isoformat()
