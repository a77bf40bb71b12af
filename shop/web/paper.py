"""Sheets of paper in the visitor's language, and how they are sent."""

from urllib.parse import quote

from flask import Response
from flask_babel import get_locale, gettext

from shop.kit.clock import utc_now
from shop.kit.pdf import A4, Paper, Sheet


def new_sheet(title: str, *, paper: Paper = A4, foot: str = "") -> Sheet:
    """An empty sheet with the shop's head and numbered pages; `title` is the file's own name for itself."""
    return Sheet(
        title,
        made_at=utc_now(),
        paper=paper,
        lang="en" if get_locale().language == "en" else "zh-CN",
        issuer=gettext("山海集 · Shanhai Market"),
        foot=foot,
        pages=gettext("第 {page} 页，共 {pages} 页"),
        lacking_note=gettext("U+…：字体里没有这个字，按它的编码写出。"),
    )


def as_file(sheet: Sheet, name: str) -> Response:
    """The sheet as a PDF that the browser shows and saves under `name`; nobody else's cache keeps it."""
    answer = Response(sheet.written(), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(name)}"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
