"""Sheets of paper: what is on them can be read again, what the font lacks is said, the same content is the same file."""

import io
from datetime import UTC, datetime

from pypdf import PdfReader

from shop.kit.pdf import A6, Column, Sheet, lacking, said

MADE_AT = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


def sheet(**given: object) -> Sheet:
    return Sheet("收据", **({"made_at": MADE_AT, "issuer": "山海集", "lacking_note": "字体里没有的字按编码写出。"} | given))  # type: ignore[arg-type]


def pages(written: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(written)).pages]


def test_a_character_that_the_font_lacks_is_said() -> None:
    assert said("𠮷田 🙂") == "【U+20BB7】田 【U+1F642】"
    assert said("11\xa0月") == "11 月"
    assert said("a\u202eb\tc\r\nd") == "a【U+202E】b c\nd"
    assert said("مر") == "【U+0645 U+0631】", "a run shares its brackets"
    assert said("山海集 Shanhai ¥68.00 镕㙍 □✓→") == "山海集 Shanhai ¥68.00 镕㙍 □✓→"
    assert lacking("𠮷田𠮷🙂") == ("𠮷", "🙂")


def test_a_sheet_names_what_it_cannot_draw_in_titles_facts_and_tables_and_says_why() -> None:
    paper = sheet()
    paper.title("𠮷祥")
    paper.facts([("买家", "🙂")])
    paper.table([Column("名字", 2), Column("金额", is_figure=True)], [("𠮷", "68.00")], total=("合计", "68.00"))
    paper.code("https://shop.test/certificates/ABC", caption="扫码核对")
    (page,) = pages(paper.written())
    assert page.count("【U+20BB7】") == 2 and "【U+1F642】" in page and "字体里没有的字按编码写出。" in page
    assert "山海集" in page and "合计" in page and "1 / 1" in page


def test_the_same_content_made_at_the_same_time_is_the_same_file() -> None:
    def written() -> bytes:
        paper = sheet(paper=A6)
        paper.title("白水贡米", "5 kg")
        return paper.written()

    assert written() == written()
    assert b"NotoSansSC" in written() and len(written()) < 20_000, "only the glyphs that are used are in it"


def test_a_long_table_says_its_headings_on_every_page_and_long_lines_are_broken_not_cut() -> None:
    paper = sheet(pages="第 {page} 页，共 {pages} 页")
    long_line = "长" * 200 + "x" * 200
    paper.text(long_line)
    paper.table([Column("商品", 3), Column("元", is_figure=True)], [("白水贡米 5 kg", "68.00")] * 60)
    first, second = pages(paper.written())
    assert first.replace("\n", "").count("长") == 200 and first.replace("\n", "").count("x") == 200
    assert "商品" in first and "商品" in second and "第 2 页，共 2 页" in second
