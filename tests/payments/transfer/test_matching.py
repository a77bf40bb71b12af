"""References, proposals and statements: what is pure of bank transfers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.payments.errors import NotAStatement, WhyNoStatement
from shop.payments.transfer.matching import Open, Sum, Why, how_it_stands, is_other_name, propose
from shop.payments.transfer.reference import find_references, is_reference, reference_of, spelled
from shop.payments.transfer.statements import WhyBad, read_statement

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(st.text(min_size=1, max_size=40))
def test_a_reference_is_short_and_found_again_however_it_is_written(once: str) -> None:
    reference = reference_of(once)
    assert len(reference) == 8 and is_reference(reference)
    for written in (
        reference,
        spelled(reference),
        reference.lower(),
        f"订单{reference[:4]} {reference[4:]}货款",
        reference.replace("0", "O").replace("1", "l"),
    ):
        assert reference in find_references(written)


@given(st.text(min_size=1, max_size=40), st.integers(0, 5), st.sampled_from(SIGNS))
def test_one_wrong_sign_is_no_reference(once: str, place: int, sign: str) -> None:
    reference = reference_of(once)
    wrong = reference[:place] + sign + reference[place + 1 :]
    assert is_reference(wrong) == (wrong == reference)


@given(st.text(min_size=1, max_size=40), st.integers(0, 4))
def test_two_neighbours_swapped_are_no_reference(once: str, place: int) -> None:
    reference = reference_of(once)
    wrong = reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :]
    assert is_reference(wrong) == (wrong == reference)


REFERENCE = reference_of("pay:SH-261123-7K3M9P:1")
MINE = Open("SH-261123-7K3M9P", REFERENCE, 10_000, ("示例买家",))
OTHER = Open("SH-261123-AAAAAA", reference_of("x"), 10_000, ("示例工会",))
PAID = Open("SH-261123-BBBBBB", reference_of("y"), 0, ("示例工会",))


def test_a_reference_comes_before_everything_else() -> None:
    found = propose(f"货款 {spelled(REFERENCE)}", "谁也不是", 3_000, [OTHER, MINE])
    assert [(row.number, row.why, row.sum, row.is_other_name) for row in found] == [(MINE.number, Why.REFERENCE, Sum.SHORT, True)]


def test_without_one_the_sum_and_the_name_speak() -> None:
    found = propose("", "示例工会", 10_000, [MINE, OTHER, PAID])
    assert [(row.number, row.why) for row in found] == [(OTHER.number, Why.AMOUNT_AND_NAME), (MINE.number, Why.AMOUNT)]
    assert [row.why for row in propose("", "示例工会", 9_000, [OTHER])] == [Why.NAME]
    assert propose("", "", 9_000, [MINE, OTHER, PAID]) == ()


def test_what_is_paid_is_proposed_by_its_reference_alone() -> None:
    (found,) = propose(PAID.reference, "示例工会", 10_000, [PAID])
    assert found.sum is Sum.TWICE


@pytest.mark.parametrize(("missing", "came", "how"), [(5, 5, Sum.EXACT), (5, 4, Sum.SHORT), (5, 6, Sum.OVER), (0, 5, Sum.TWICE)])
def test_how_a_sum_stands(missing: int, came: int, how: Sum) -> None:
    assert how_it_stands(missing, came) is how


def test_brackets_and_spaces_make_no_other_name() -> None:
    assert not is_other_name("昆山示例（集团） 有限公司", ["昆山示例(集团)有限公司"])
    assert is_other_name("昆山别家有限公司", ["昆山示例(集团)有限公司"])
    assert not is_other_name("", ["示例买家"]), "a statement without a name says nothing"


# ── Statements ────────────────────────────────────────────────────────────────────────────────────────────────────────

TWO_COLUMNS = """账号：6222,,,,,,
币种：人民币,,,,,,
交易日期,借方发生额,贷方发生额,对方户名,对方账号,摘要,附言,流水号
2026-11-20,,"1,234.50",示例工会,6217000012345678,转账,7K3M-9P42 货款,A001
20261121,88.00,,示例快递,6217000012345679,运费,,A002
2026年11月22日,0.00,66.00,示例买家,6217000012345670,汇款,,A003
2026-13-40,,5.00,坏日期,1,,,A004
2026-11-22,,五元,坏金额,1,,,A005
合计,88.00,"1,300.50",,,,,
"""
ONE_COLUMN = (
    "记账日期\t交易金额\t借贷标志\t对方户名\t摘要\r\n2026/11/20 09:30:00\t68.00\t贷\t示例买家\t货款\r\n"
    "2026/11/20\t68.00\t借\t示例快递\t运费\r\n2026/11/21\t1.00\t？\t谁\t\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_statement_is_read_in_every_encoding_that_banks_use(encoding: str) -> None:
    read = read_statement(TWO_COLUMNS.encode(encoding))
    assert [(line.booked_on, line.amount_fen, line.payer_name, line.bank_number) for line in read.lines] == [
        (date(2026, 11, 20), 123_450, "示例工会", "A001"),
        (date(2026, 11, 22), 6_600, "示例买家", "A003"),
    ]
    assert read.lines[0].memo == "7K3M-9P42 货款 转账", "references stand in any of the memo's columns"
    assert [(bad.row, bad.why) for bad in read.bad] == [(7, WhyBad.DATE), (8, WhyBad.AMOUNT)]
    assert read.outgoing == 1


def test_a_statement_with_one_column_says_in_or_out() -> None:
    read = read_statement(ONE_COLUMN.encode("gb18030"))
    assert [(line.amount_fen, line.payer_name) for line in read.lines] == [(6_800, "示例买家")]
    assert (read.outgoing, [bad.why for bad in read.bad]) == (1, [WhyBad.DIRECTION])


def test_without_the_banks_number_two_equal_lines_are_two_and_the_same_file_the_same_two() -> None:
    text = "日期,金额,对方户名\n2026-11-20,5.00,甲\n2026-11-20,5.00,甲\n"
    keys = [line.line_key for line in read_statement(text.encode()).lines]
    assert len(set(keys)) == 2
    assert [line.line_key for line in read_statement(text.encode()).lines] == keys


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", WhyNoStatement.EMPTY),
        (b"PK\x03\x04\x00\x00", WhyNoStatement.NOT_READABLE),
        ("姓名,电话\n甲,1\n".encode(), WhyNoStatement.NO_HEADINGS),
        (("日期,金额\n" + "2026-11-20,1.00\n" * 5_001).encode(), WhyNoStatement.TOO_LONG),
    ],
)
def test_what_is_no_statement_says_why(content: bytes, why: WhyNoStatement) -> None:
    with pytest.raises(NotAStatement) as refusal:
        read_statement(content)
    assert refusal.value.why is why
