"""Tables as workbooks for spreadsheets (XLSX): figures as figures with their format, a frozen header, a total in bold.

Law: text is text, whatever it begins with: nothing that a person typed becomes a formula or a link. Rows are written one after the other and never
held together (XlsxWriter's `constant_memory`), so a long table costs no more than a short one.
"""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import xlsxwriter

Cell = str | int | date | None


class Kind(StrEnum):
    """What a column holds, and so how a spreadsheet shows it."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    """Sentences: wide, and broken into lines."""
    COUNT = "count"
    MONEY = "money"
    """Given in fen, written in yuan."""
    WEIGHT = "weight"
    """Given in grams, written in kilograms."""
    SHARE = "share"
    """Given in basis points, written in per cent."""
    DAY = "day"


_FORMATS: dict[Kind, dict[str, object]] = {
    Kind.TEXT: {"num_format": "@"},
    Kind.LONG_TEXT: {"text_wrap": True, "valign": "top"},
    Kind.COUNT: {"num_format": "#,##0"},
    Kind.MONEY: {"num_format": "#,##0.00;[Red]-#,##0.00"},
    Kind.WEIGHT: {"num_format": "#,##0.###"},
    Kind.SHARE: {"num_format": "0.0%"},
    Kind.DAY: {"num_format": "yyyy-mm-dd"},
}
_PARTS = {Kind.MONEY: 100, Kind.WEIGHT: 1_000, Kind.SHARE: 10_000}
_WIDTHS = {Kind.TEXT: 22, Kind.LONG_TEXT: 70, Kind.DAY: 12}
_FIGURE_WIDTH = 14
_LONGEST_NAME = 31
_A4 = 9


@dataclass(frozen=True)
class Field:
    """A column."""

    title: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class Leaf:
    """One sheet of a workbook."""

    name: str
    fields: Sequence[Field]
    rows: Iterable[Sequence[Cell]]
    total: Sequence[Cell] = ()


def workbook(leaves: Iterable[Leaf], *, title: str, issuer: str, made_at: datetime) -> bytes:
    """The file: one sheet for each leaf, in their order. Two of the same name are told apart by a number."""
    written = io.BytesIO()
    book = xlsxwriter.Workbook(
        written, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties({"title": title, "author": issuer, "created": made_at.replace(tzinfo=None)})
    plain = {kind: book.add_format(format_) for kind, format_ in _FORMATS.items()}
    bold = {kind: book.add_format({**format_, "bold": True, "top": 1}) for kind, format_ in _FORMATS.items()}
    head = book.add_format({"bold": True, "bg_color": "#EEF2EC", "bottom": 1, "text_wrap": True, "valign": "top"})
    names: set[str] = set()
    for leaf in leaves:
        sheet = book.add_worksheet(_name(leaf.name, names))
        for place, field in enumerate(leaf.fields):
            sheet.set_column(place, place, _WIDTHS.get(field.kind, _FIGURE_WIDTH))
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        for place, field in enumerate(leaf.fields):
            sheet.write_string(0, place, field.title, head)
        number = 0
        for number, row in enumerate(leaf.rows, start=1):
            _write(sheet, number, leaf.fields, row, plain)
        if number:
            sheet.autofilter(0, 0, number, len(leaf.fields) - 1)
        if leaf.total:
            _write(sheet, number + 1, leaf.fields, leaf.total, bold)
    book.close()
    return written.getvalue()


def _write(
    sheet: "xlsxwriter.worksheet.Worksheet", number: int, fields: Sequence[Field], row: Sequence[Cell], formats: dict[Kind, object]
) -> None:
    for place, (field, cell) in enumerate(zip(fields, row, strict=True)):
        if cell is None:
            sheet.write_blank(number, place, None, formats[field.kind])
        elif isinstance(cell, str):
            sheet.write_string(number, place, cell, formats[field.kind])
        elif isinstance(cell, date):
            sheet.write_datetime(number, place, cell, formats[Kind.DAY])
        else:
            sheet.write_number(number, place, cell / _PARTS.get(field.kind, 1), formats[field.kind])


def _name(wanted: str, taken: set[str]) -> str:
    """A name that Excel allows: 31 characters, none of []:*?/\\, each once whatever its case."""
    name = re.sub(r"[\[\]:*?/\\]", " ", wanted).strip("' ")[:_LONGEST_NAME] or "1"
    number = 2
    while name.lower() in taken:
        name = f"{name[: _LONGEST_NAME - 4]} {number}"
        number += 1
    taken.add(name.lower())
    return name
