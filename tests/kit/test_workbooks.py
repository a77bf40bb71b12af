"""Workbooks: figures with their formats, and text that stays text."""

import io
from datetime import UTC, date, datetime

from openpyxl import load_workbook

from shop.kit.workbooks import Field, Kind, Leaf, workbook


def test_figures_keep_their_formats_and_text_never_becomes_a_formula() -> None:
    fields = [Field("名", Kind.TEXT), Field("元", Kind.MONEY), Field("kg", Kind.WEIGHT), Field("率", Kind.SHARE), Field("日", Kind.DAY)]
    rows = [("=1+1", -6_667, 3_500, 1_250, date(2026, 10, 31)), ("https://example.test", None, None, None, None)]
    leaves = [Leaf("村/镇", fields, rows, ("合计", 1, 2, 3, None)), Leaf("村:镇", fields[:1], [])]
    book = load_workbook(io.BytesIO(workbook(leaves, title="T", issuer="I", made_at=datetime(2026, 11, 1, tzinfo=UTC))))
    assert book.sheetnames == ["村 镇", "村 镇 2"], "no sign that Excel refuses, each name once"
    sheet = book.worksheets[0]
    assert sheet["A2"].value == "=1+1" and sheet["A2"].data_type == "s" and sheet["A3"].hyperlink is None
    assert [sheet.cell(2, place).value for place in (2, 3, 4)] == [-66.67, 3.5, 0.125]
    assert sheet["E2"].value.date() == date(2026, 10, 31)  # type: ignore[union-attr]
    assert sheet["B2"].number_format.startswith("#,##0.00") and sheet["B4"].font.b, "the total is bold"
    assert sheet.freeze_panes == "A2" and sheet["B3"].value is None
