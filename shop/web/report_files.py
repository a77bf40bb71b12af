"""A document as a file: CSV, XLSX, PDF or JSON, in the language at hand. The worker writes long ones the same way."""

import json
from collections.abc import Callable, Iterator
from datetime import date

from flask import Response
from flask_babel import gettext

from shop.kit.pdf import A4, A4_WIDE
from shop.kit.pdf import Column as PaperColumn
from shop.kit.workbooks import Cell, Field, Kind, Leaf, workbook
from shop.reports.documents import Column, Document, Line, Part, without_codes
from shop.web.filters import NOTHING, kg, moment, percent_bp, thousands, yuan
from shop.web.paper import new_sheet

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}
MOST_ROWS_AT_ONCE = {"csv": 50_000, "xlsx": 10_000, "pdf": 400, "json": 50_000}
"""More than so many rows are written in the background: a second or two of work on one core."""

Noted = Callable[[int], None]
"""Told how many rows were taken up so far."""


def write_file(document: Document, form: str, noted: Noted = lambda _rows: None) -> bytes:
    """The file's content; `form` is a key of `TYPES`."""
    if form == "csv":
        return document.as_csv()
    if form == "json":
        return json.dumps(document.as_json(), ensure_ascii=False, indent=2).encode()
    return _as_workbook(document, noted) if form == "xlsx" else _as_paper(document, noted)


def as_answer(document: Document, form: str) -> Response:
    """The file as a download."""
    return file_answer(write_file(document, form), form, document.file_stem)


def file_answer(content: bytes, form: str, stem: str) -> Response:
    """A written file as a download that nobody else's cache keeps."""
    headers = {"Content-Disposition": f'attachment; filename="{stem}.{form}"', "Cache-Control": "private, no-store"}
    return Response(content, content_type=TYPES[form], headers=headers)


# ── Spreadsheets ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _as_workbook(document: Document, noted: Noted) -> bytes:
    taken = _Taken(noted)
    leaves = [
        Leaf(
            part.title,
            [Field(column.title, column.kind) for column in part.columns],
            (line.cells for line in taken.of(part)),
            part.total.cells if part.total else (),
        )
        for part in document.parts
    ]
    issuer = gettext("山海集 · Shanhai Market")
    return workbook([*leaves, _definitions(document)], title=document.title, issuer=issuer, made_at=document.made_at)


def _definitions(document: Document) -> Leaf:
    """What the workbook is about, and what each column means."""
    rows: list[tuple[Cell, Cell]] = [(gettext("报表"), document.title), *document.facts, (gettext("制表"), moment(document.made_at))]
    rows += [(gettext("说明"), note) for note in document.notes]
    known: set[tuple[str, str]] = set()
    for part in document.parts:
        for column in part.columns:
            if column.means and (column.title, column.means) not in known:
                known.add((column.title, column.means))
                rows.append((column.title, column.means))
    return Leaf(gettext("说明"), [Field(gettext("项")), Field(gettext("意思"), Kind.LONG_TEXT)], rows)


class _Taken:
    """Rows as they are taken up, counted over all tables."""

    def __init__(self, noted: Noted) -> None:
        self._noted = noted
        self._count = 0

    def of(self, part: Part) -> Iterator[Line]:
        """The lines of a table."""
        for line in part.lines:
            yield line
            self._count += 1
            if self._count % _ROWS_A_NOTE == 0:
                self._noted(self._count)


_ROWS_A_NOTE = 500


# ── Paper ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _as_paper(document: Document, noted: Noted) -> bytes:
    taken = _Taken(noted)
    foot = gettext("%(title)s，%(at)s 制表", title=document.title, at=moment(document.made_at))
    sheet = new_sheet(document.title, paper=A4 if document.is_upright else A4_WIDE, foot=foot)
    sheet.title(document.title)
    sheet.facts(document.facts, label_share=0.16)
    for part in map(without_codes, document.parts):
        if len(document.parts) > 1:
            sheet.heading(part.title)
        if not part.lines:
            sheet.text(gettext("没有。"), is_faint=True)
            continue
        columns = [PaperColumn(column.title, _share(column), is_figure=is_figure(column)) for column in part.columns]
        rows = (cells_in_words(part.columns, line) for line in taken.of(part))
        sheet.table(columns, rows, total=cells_in_words(part.columns, part.total) if part.total else ())
        if part.note:
            sheet.text(part.note, is_faint=True, size=0.85)
    for note in document.notes:
        sheet.text(note, is_faint=True, size=0.85)
    return sheet.written()


def is_figure(column: Column) -> bool:
    """Whether its cells stand to the right."""
    return column.kind not in (Kind.TEXT, Kind.LONG_TEXT, Kind.DAY)


def _share(column: Column) -> int:
    return {Kind.TEXT: 26, Kind.LONG_TEXT: 40, Kind.COUNT: 11}.get(column.kind, 16)


def cells_in_words(columns: tuple[Column, ...], line: Line) -> list[str]:
    """A row as people read it, on paper and on screens."""
    return [in_words(column.kind, cell) for column, cell in zip(columns, line.cells, strict=True)]


def in_words(kind: Kind, cell: Cell) -> str:
    """One cell."""
    if cell is None:
        return "" if kind in (Kind.TEXT, Kind.LONG_TEXT) else NOTHING
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return cell
    drawn = {Kind.MONEY: yuan, Kind.WEIGHT: lambda grams: kg(grams).removesuffix(" kg"), Kind.SHARE: percent_bp}
    return drawn.get(kind, thousands)(cell)
