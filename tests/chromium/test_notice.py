"""A village's month, printed for its notice board: one upright A4, whole, without what only a screen needs."""

import io
import re
import unicodedata
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.chromium.steps import sign_in

pytestmark = pytest.mark.browser

A4_POINTS = (595, 842)


def plain(text: str) -> str:
    """Without spaces, and with what Chromium writes as radicals as the characters they are."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def test_the_notice_board_page_prints_as_one_upright_a4(desk: Page, tmp_path: Path) -> None:
    sign_in(desk, "staff@demo.test")
    desk.goto("/staff/reports/ready/village-month")
    village = desk.locator(".notice h1")
    expect(village).to_contain_text("销售公示")
    total = desk.locator(".notice tfoot td.is-key").inner_text()
    paper = PdfReader(io.BytesIO(desk.pdf(prefer_css_page_size=True, path=tmp_path / "notice.pdf")))
    assert len(paper.pages) == 1
    box = paper.pages[0].mediabox
    assert (abs(float(box.width) - A4_POINTS[0]) < 2) and (abs(float(box.height) - A4_POINTS[1]) < 2), "upright"
    text = plain(paper.pages[0].extract_text())
    assert plain(village.inner_text()) in text and total in text
    assert "公示单位" in text and "XLSX" not in text and "工作台" not in text, "nothing of the screen"
