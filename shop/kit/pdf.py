"""Sheets of paper as PDF: the house's head, tables, money to the right, a foot with page numbers, QR codes.

Law: a character that the font has not is said, `【U+20BB7】`, never dropped and never an empty box; the same content made at the same time is
the same file, byte for byte. Words come in ready; nothing here knows a language.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

import segno
from fontTools import ttLib
from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace, SubsetMap, TTFFont

Emphasis = Literal["", "B"]
_FONTS = Path(__file__).parent / "fonts"
_FACES: dict[Emphasis, Path] = {"": _FONTS / "NotoSansSC-Regular.ttf", "B": _FONTS / "NotoSansSC-Bold.ttf"}
_UNUSED_TABLES = ("GSUB", "GPOS", "GDEF", "BASE", "STAT", "vhea", "vmtx", "cmap", "OS/2")
"""Tables for shaping, vertical writing and finding glyphs, which PDF asks for none of: reading them would take as long as all the rest."""

_INK, _FAINT, _LINE, _HAZE, _PINE = (31, 42, 36), (90, 100, 94), (224, 217, 201), (238, 242, 236), (31, 93, 70)
_LEADING = 1.45
_MM_PER_POINT = 25.4 / 72
_NEVER_FIRST = frozenset("，。、；：？！）》」』】〕〉…—％%,.;:?!)]}’”·")
_NEVER_LAST = frozenset("（《「『【〔〈([{‘“¥￥")


@dataclass(frozen=True)
class Paper:
    """A size of paper, in millimetres."""

    width_mm: float
    height_mm: float
    margin_mm: float
    text_pt: float


A4 = Paper(210, 297, margin_mm=18, text_pt=10)
A4_WIDE = Paper(297, 210, margin_mm=14, text_pt=8.5)
"""Lying: for wide tables."""
A6 = Paper(105, 148, margin_mm=7, text_pt=8)


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, its part of the width, and whether its cells are figures, which stand to the right."""

    title: str
    share: int = 1
    is_figure: bool = False


def lacking(text: str) -> tuple[str, ...]:
    """The characters of `text` that cannot be drawn, each once, in order."""
    return tuple(dict.fromkeys(sign for sign in text if not _is_drawn(sign)))


_SPACES = str.maketrans("\t\N{NO-BREAK SPACE}", "  ")


def said(text: str) -> str:
    """`text` with what cannot be drawn named instead: `𠮷田` → `【U+20BB7】田`; several in a row share their brackets."""
    out = ""
    run: list[str] = []
    for sign in text.replace("\r\n", "\n").translate(_SPACES):
        if _is_drawn(sign):
            out += _named(run) + sign
            run = []
        else:
            run.append(sign)
    return out + _named(run)


class Sheet:
    """One document, filled from top to bottom; `written()` ends it.

    `issuer` stands at the top left and in the file's own facts; `foot` at the bottom left of every page; `pages` says which page it is, with
    `{page}` and `{pages}`; `lacking_note` is printed at the end if a character had to be named because the font has it not.
    """

    def __init__(
        self,
        title: str,
        *,
        made_at: datetime,
        paper: Paper = A4,
        lang: str = "zh-CN",
        issuer: str = "",
        foot: str = "",
        pages: str = "{page} / {pages}",
        lacking_note: str = "",
    ) -> None:
        self.paper = paper
        self._lacking_note = lacking_note
        self._has_named = False
        self._pdf = _Pages(paper, issuer=said(issuer), foot=said(foot), pages=pages)
        self._pdf.set_title(title)
        self._pdf.set_lang(lang)
        self._pdf.set_author(issuer)
        self._pdf.set_creation_date(made_at)
        self._pdf.add_page()

    @property
    def width_mm(self) -> float:
        """What is left between the margins."""
        return self._pdf.epw

    def title(self, text: str, under: str = "") -> None:
        """The page's own title, with a quieter line under it."""
        self._write(text, size=1.8, emphasis="B", colour=_PINE)
        if under:
            self._write(under, size=0.95, colour=_FAINT)
        self.space(self.paper.text_pt * 0.3)

    def heading(self, text: str) -> None:
        """A heading; it never stays behind at the foot of a page."""
        if self._pdf.will_page_break(self.paper.text_pt * 2.4):
            self._pdf.add_page()
        self.space(self.paper.text_pt * 0.25)
        self._write(text, size=1.2, emphasis="B")
        self.space(self.paper.text_pt * 0.1)

    def text(self, text: str, *, size: float = 1, emphasis: Emphasis = "", is_faint: bool = False, is_centred: bool = False) -> None:
        """A paragraph over the whole width; `size` is a multiple of the paper's own."""
        self._write(text, size=size, emphasis=emphasis, colour=_FAINT if is_faint else _INK, is_centred=is_centred)

    def facts(self, pairs: Iterable[tuple[str, str]], *, label_share: float = 0.24) -> None:
        """Labels and what they say, in two columns without lines."""
        label_mm = self.width_mm * label_share
        rows = [(self._fitted(label, label_mm), self._fitted(fact, self.width_mm - label_mm)) for label, fact in pairs]
        self._pdf.set_font("noto", "", self.paper.text_pt)
        with self._pdf.table(
            rows,
            borders_layout=TableBordersLayout.NONE,
            col_widths=(label_share, 1 - label_share),
            first_row_as_headings=False,
            line_height=self._line_mm(),
            text_align=("LEFT", "LEFT"),
            v_align="TOP",
            padding=(_PADDING[0], _PADDING[1], _PADDING[0], 0),
        ):
            pass
        self.space(self.paper.text_pt * 0.2)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, total: Sequence[str] = ()) -> None:
        """A table whose headings stand again on each page; `total` is a last row in bold. Figures stand to the right."""
        shares = [column.share for column in columns]
        widths = [self.width_mm * share / sum(shares) for share in shares]

        def fitted(cells: Sequence[str], emphasis: Emphasis = "") -> list[str]:
            assert len(cells) == len(columns)
            return [self._fitted(cell, width, emphasis) for cell, width in zip(cells, widths, strict=True)]

        heads, body = fitted([column.title for column in columns], "B"), [fitted(row) for row in rows]
        last = fitted(total, "B") if total else None
        self._pdf.set_font("noto", "", self.paper.text_pt)
        self._pdf.set_draw_color(*_LINE)
        self._pdf.set_line_width(0.2)
        with self._pdf.table(
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            col_widths=shares,
            headings_style=FontFace(emphasis="B", color=_FAINT, fill_color=_HAZE),
            line_height=self._line_mm(),
            text_align=["RIGHT" if column.is_figure else "LEFT" for column in columns],
            v_align="TOP",
            padding=_PADDING,
        ) as table:
            table.row(heads)
            for row in body:
                table.row(row)
            if last is not None:
                table.row(last, style=FontFace(emphasis="B"))
        self.space(self.paper.text_pt * 0.3)

    def code(self, address: str, *, size_mm: float = 26, caption: str = "") -> None:
        """A QR code of `address` on the left, its caption beside it; both stay together on one page."""
        self.space(self.paper.text_pt * 0.2)
        if self._pdf.will_page_break(size_mm):
            self._pdf.add_page()
        left, top = self._pdf.l_margin, self._pdf.get_y()
        _draw_code(self._pdf, address, left, top, size_mm)
        if caption:
            self._pdf.set_xy(left + size_mm + 4, top)
            self._write(caption, size=0.9, colour=_FAINT, width_mm=self.width_mm - size_mm - 4)
        self._pdf.set_xy(left, max(self._pdf.get_y(), top + size_mm) + 2)

    def code_at(self, address: str, left_mm: float, top_mm: float, *, size_mm: float) -> None:
        """A QR code at a place of the page that stands now, measured from its corner; what is written goes on where it was."""
        _draw_code(self._pdf, address, left_mm, top_mm, size_mm)

    def rule(self) -> None:
        """A hairline over the whole width."""
        self.space(1.5)
        self._pdf.set_draw_color(*_LINE)
        self._pdf.set_line_width(0.2)
        self._pdf.line(self._pdf.l_margin, self._pdf.get_y(), self._pdf.l_margin + self.width_mm, self._pdf.get_y())
        self.space(1.5)

    def space(self, height_mm: float) -> None:
        self._pdf.set_y(self._pdf.get_y() + height_mm)

    def next_page(self) -> None:
        self._pdf.add_page()

    def written(self) -> bytes:
        """The file. Nothing can be added afterwards."""
        if self._has_named and self._lacking_note:
            self.rule()
            self._write(self._lacking_note, size=0.8, colour=_FAINT)
        return bytes(self._pdf.output())

    def _write(
        self,
        text: str,
        *,
        size: float = 1,
        emphasis: Emphasis = "",
        colour: tuple[int, int, int] = _INK,
        width_mm: float | None = None,
        is_centred: bool = False,
    ) -> None:
        width_mm = self.width_mm if width_mm is None else width_mm
        self._pdf.set_text_color(*colour)
        fitted = self._fitted(text, width_mm, emphasis, size=size)
        left = self._pdf.get_x()
        self._pdf.multi_cell(
            width_mm, self._line_mm(size), fitted, align="CENTER" if is_centred else "LEFT", new_x="LEFT", new_y="NEXT", padding=0
        )
        self._pdf.set_x(left)
        self._pdf.set_text_color(*_INK)

    def _fitted(self, text: str, width_mm: float, emphasis: Emphasis = "", *, size: float = 1) -> str:
        """`text` with a line break wherever it must be broken to fit the width, and with what the font lacks named."""
        named = said(text)
        self._has_named = self._has_named or named.count("【U+") > text.count("【U+")
        self._pdf.set_font("noto", emphasis, self.paper.text_pt * size)
        room_mm = width_mm - 2 * _PADDING[1] - 0.1
        return "\n".join(line for whole in named.split("\n") for line in _broken(whole, room_mm, emphasis, self.paper.text_pt * size))

    def _line_mm(self, size: float = 1) -> float:
        return self.paper.text_pt * size * _MM_PER_POINT * _LEADING


_PADDING = (0.9, 1.2)
"""Above and below, and at the sides, of a cell, in millimetres."""


class _Pages(FPDF):
    """What stands on every page, whatever is on it."""

    def __init__(self, paper: Paper, *, issuer: str, foot: str, pages: str) -> None:
        super().__init__(unit="mm", format=(paper.width_mm, paper.height_mm))
        self._paper, self._issuer, self._foot, self._words = paper, issuer, foot, pages
        for emphasis in _FACES:
            _add_face(self, emphasis)
        self.c_margin = 0
        self.set_margins(paper.margin_mm, paper.margin_mm, paper.margin_mm)
        self.set_auto_page_break(True, margin=paper.margin_mm + paper.text_pt * 0.6)
        self.set_font("noto", "", paper.text_pt)
        self.set_text_color(*_INK)

    def header(self) -> None:
        if not self._issuer:
            return
        small = self._paper.text_pt * 0.85
        self.set_font("noto", "B", small)
        self.set_text_color(*_PINE)
        self.cell(0, small * _MM_PER_POINT * _LEADING, self._issuer, new_x="LMARGIN", new_y="NEXT")
        self.set_draw_color(*_LINE)
        self.set_line_width(0.2)
        self.line(self.l_margin, self.get_y() + 1, self.l_margin + self.epw, self.get_y() + 1)
        self.set_y(self.get_y() + self._paper.text_pt * 0.5)
        self.set_text_color(*_INK)

    def footer(self) -> None:
        small = self._paper.text_pt * 0.75
        self.set_font("noto", "", small)
        self.set_text_color(*_FAINT)
        height = small * _MM_PER_POINT * _LEADING
        self.set_y(-self._paper.margin_mm)
        self.cell(self.epw * 0.75, height, self._foot)
        # fpdf2 puts the number in when all pages are there, and makes room for its placeholder, not for a figure.
        unseen = self.get_string_width("{nb}") - self.get_string_width("0")
        self.cell(self.epw * 0.25 + unseen, height, self._words.format(page=self.page_no(), pages="{nb}"), align="RIGHT")
        self.set_text_color(*_INK)


def _draw_code(pdf: FPDF, address: str, left: float, top: float, size_mm: float) -> None:
    rows = [list(row) for row in segno.make(address, error="m", micro=False).matrix_iter(border=0)]
    side = size_mm / len(rows)
    pdf.set_fill_color(*_INK)
    for down, row in enumerate(rows):
        start = None
        for across, is_dark in enumerate([*row, 0]):
            if is_dark and start is None:
                start = across
            elif not is_dark and start is not None:
                pdf.rect(left + start * side, top + down * side, (across - start) * side, side, style="F")
                start = None


def _broken(text: str, room_mm: float, emphasis: Emphasis, points: float) -> list[str]:
    """`text` in lines no wider than `room_mm`: between Chinese characters anywhere but before a closing and after an opening sign, in Latin
    text at spaces, and within a word only if the word is wider than a line."""
    widths, unit_mm = _face(emphasis).cw, points / 1000 * _MM_PER_POINT

    def width_mm(piece: str) -> float:
        return sum(widths[ord(sign)] for sign in piece) * unit_mm

    lines, line, taken_mm = [], "", 0.0
    for piece in _pieces(text):
        if line and taken_mm + width_mm(piece.rstrip()) > room_mm:
            lines.append(line.rstrip())
            line, taken_mm = "", 0.0
        for sign in piece:
            if line and taken_mm + width_mm(sign) > room_mm and not sign.isspace():
                lines.append(line)
                line, taken_mm = "", 0.0
            line += sign
            taken_mm += width_mm(sign)
    return [*lines, line.rstrip()]


def _pieces(text: str) -> list[str]:
    """What must not be torn apart: words with the spaces after them, Chinese characters with the signs that belong to them."""
    pieces: list[str] = []
    for sign in text:
        last = pieces[-1][-1] if pieces else ""
        is_joined = bool(last) and (
            (sign.isspace() and not last.isspace()) or sign in _NEVER_FIRST or last in _NEVER_LAST or (_is_latin(sign) and _is_latin(last))
        )
        if is_joined:
            pieces[-1] += sign
        else:
            pieces.append(sign)
    return pieces


def _is_latin(sign: str) -> bool:
    return ord(sign) < 0x2E80 and not sign.isspace()


def _named(signs: Sequence[str]) -> str:
    return f"【{' '.join(f'U+{ord(sign):04X}' for sign in signs)}】" if signs else ""


def _is_drawn(sign: str) -> bool:
    return sign == "\n" or (sign.isprintable() and ord(sign) in _face("").cmap)


@lru_cache(maxsize=2)
def _face(emphasis: Emphasis) -> TTFFont:
    """The font as fpdf2 reads it: which characters it has and how wide they are. Read once, since that takes half a second."""
    reader = FPDF()
    reader.add_font("noto", emphasis, _FACES[emphasis])
    font = reader.fonts[f"noto{emphasis}"]
    assert isinstance(font, TTFFont)
    return font


def _add_face(pdf: FPDF, emphasis: Emphasis) -> None:
    """What `add_font` does, without measuring 30,000 characters for every document (fpdf2 2.8.9, fonts.py, TTFFont.__init__)."""
    font = copy.copy(_face(emphasis))
    font.i = len(pdf.fonts) + 1
    font.ttfont = ttLib.TTFont(_FACES[emphasis], recalcTimestamp=False, lazy=True)
    font.ttfont.setGlyphOrder(_face(emphasis).ttfont.getGlyphOrder())
    for table in _UNUSED_TABLES:
        del font.ttfont[table]
    font.desc = copy.copy(font.desc)
    font.missing_glyphs = []
    font.subset = SubsetMap(font)
    pdf.fonts[font.fontkey] = font
