"""Reading a bank's statement as it is exported: CSV in UTF-8 or GB18030, columns by the names that Chinese banks give them. Pure.

Only money that came in is read. A row that cannot be understood is named with its line number, and no other row suffers for it.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256

from shop.kit.text import fold
from shop.payments.errors import NotAStatement, WhyNoStatement

MOST_ROWS = 5_000

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "booked_on": ("记账日期", "交易日期", "入账日期", "交易时间", "记账时间", "日期", "date"),
    "received": ("贷方发生额", "贷方金额", "收入金额", "收入", "贷方", "存入金额", "贷方发生额(收入)", "贷方发生额(元)", "credit"),
    "paid": ("借方发生额", "借方金额", "支出金额", "支出", "借方", "支取金额", "借方发生额(支取)", "借方发生额(元)", "debit"),
    "amount": ("交易金额", "发生额", "金额", "amount"),
    "direction": ("借贷标志", "借贷方向", "收支方向", "借/贷", "收/支", "借贷", "收支"),
    "payer_name": ("对方户名", "对方账户名称", "对方单位名称", "对方名称", "付款人名称", "付款户名", "对方单位", "name"),
    "payer_account": ("对方账号", "对方帐号", "对方账户", "付款人账号", "付款账号", "account"),
    "payer_bank": ("对方开户行", "对方开户机构", "对方行名", "付款人开户行", "对方银行", "bank"),
    "memo": ("附言", "用途", "摘要", "备注", "交易附言", "交易摘要", "memo"),
    "bank_number": ("交易流水号", "流水号", "银行流水号", "核心流水号", "凭证号", "交易序号", "number"),
}
"""What a line says → the headings under which banks print it, the likeliest first. `memo` joins all that are there: references stand in any of them."""
_IN, _OUT = (
    frozenset({"贷", "收", "收入", "c", "cr", "credit", "转入", "来账", "+"}),
    frozenset({"借", "支", "支出", "d", "dr", "debit", "转出", "往账", "-"}),
)
_DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})")
_MONEY = re.compile(r"([+-]?)(\d{1,12})(?:\.(\d{1,2})0*)?")


class WhyBad(StrEnum):
    """What is wrong with a row."""

    DATE = "date"
    AMOUNT = "amount"
    DIRECTION = "direction"
    """It does not say whether money came or went."""
    SHORT = "short"
    """Fewer cells than headings."""


@dataclass(frozen=True)
class StatementLine:
    """Money that came in."""

    row: int
    """Counted as an editor counts the file's lines."""
    line_key: str
    booked_on: date
    amount_fen: int
    payer_name: str
    payer_account: str
    payer_bank: str
    memo: str
    bank_number: str


@dataclass(frozen=True)
class BadRow:
    """A row that was not understood."""

    row: int
    why: WhyBad
    text: str
    """What stands in the cell in question."""


@dataclass(frozen=True)
class Statement:
    """A file, read."""

    lines: tuple[StatementLine, ...]
    bad: tuple[BadRow, ...]
    outgoing: int
    """Rows of money that went out, which are not our concern here."""


def read_statement(content: bytes) -> Statement:
    """A statement's incoming lines.

    The bank may print some lines about the account above the headings, and sums below: what stands before the headings is skipped, and a row
    without a date and without any sum is no row. Raises NotAStatement.
    """
    rows = _rows(content)
    at, columns = _headings(rows)
    lines: list[StatementLine] = []
    bad: list[BadRow] = []
    outgoing = 0
    seen: dict[str, int] = {}
    for number, cells in rows[at + 1 :]:
        read = _read_row(number, cells, columns, seen)
        if isinstance(read, StatementLine):
            lines.append(read)
        elif isinstance(read, BadRow):
            bad.append(read)
        elif read:
            outgoing += 1
    return Statement(tuple(lines), tuple(bad), outgoing)


# ── The file ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_Row = tuple[int, list[str]]


def _rows(content: bytes) -> list[_Row]:
    text = _decoded(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=lambda sign: max((line.count(sign) for line in text.splitlines()[:40]), default=0)) if first else ","
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        rows = [(reader.line_num, [cell.strip().strip("\t").strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise NotAStatement(WhyNoStatement.NOT_READABLE) from error
    if not rows:
        raise NotAStatement(WhyNoStatement.EMPTY)
    if len(rows) > MOST_ROWS:
        raise NotAStatement(WhyNoStatement.TOO_LONG)
    return rows


def _decoded(content: bytes) -> str:
    if b"\x00" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotAStatement(WhyNoStatement.NOT_READABLE)
    encodings = ("utf-16",) if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotAStatement(WhyNoStatement.NOT_READABLE)


def _headings(rows: Sequence[_Row]) -> tuple[int, Mapping[str, tuple[int, ...]]]:
    for at, (_number, cells) in enumerate(rows[:40]):
        columns = _columns([_plain(cell) for cell in cells])
        if "booked_on" in columns and ("received" in columns or "amount" in columns):
            return at, columns
    raise NotAStatement(WhyNoStatement.NO_HEADINGS)


def _columns(headings: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for what, names in COLUMNS.items():
        places = [headings.index(plain) for name in names if (plain := _plain(name)) in headings]
        if places:
            found[what] = tuple(dict.fromkeys(places)) if what == "memo" else (places[0],)
    return found


def _plain(heading: str) -> str:
    return re.sub(r"\s|[()（）元:：]", "", fold(heading)).lower()


# ── A row ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_row(
    number: int, cells: Sequence[str], columns: Mapping[str, tuple[int, ...]], seen: dict[str, int]
) -> StatementLine | BadRow | bool:
    """A line; what is wrong with it; True for money that went out, False for no row at all."""

    def cell(what: str) -> str:
        return cells[columns[what][0]] if what in columns and columns[what][0] < len(cells) else ""

    sums = [cell(what) for what in ("received", "paid", "amount")]
    if not cell("booked_on") and not any(sums):
        return False
    booked_on = _day(cell("booked_on"))
    if booked_on is None:
        if not any(character.isdigit() for character in cell("booked_on")):
            return False  # 合计, 本页小计 …: a sum under the columns
        return BadRow(number, WhyBad.DATE, cell("booked_on")[:40])
    amount = _incoming(cell, has_two_columns="received" in columns)
    if isinstance(amount, WhyBad):
        return BadRow(number, amount, (cell("amount") or cell("received") or cell("paid"))[:40])
    if amount is None:
        return True
    said = (
        booked_on.isoformat(),
        str(amount),
        cell("payer_name")[:120],
        cell("payer_account")[:40],
        " ".join(dict.fromkeys(cells[place] for place in columns.get("memo", ()) if place < len(cells) and cells[place]))[:200],
    )
    bank_number = cell("bank_number")[:60]
    return StatementLine(
        row=number,
        line_key=_line_key(bank_number, said, seen),
        booked_on=booked_on,
        amount_fen=amount,
        payer_name=said[2],
        payer_account=said[3],
        payer_bank=cell("payer_bank")[:80],
        memo=said[4],
        bank_number=bank_number,
    )


def _incoming(cell: Callable[[str], str], *, has_two_columns: bool) -> int | WhyBad | None:
    """Fen that came in; None when money went out."""
    if has_two_columns:
        received, paid = _fen(cell("received") or "0"), _fen(cell("paid") or "0")
        if received is None or paid is None:
            return WhyBad.AMOUNT
        if received > 0:
            return received
        return None if paid or received < 0 else WhyBad.AMOUNT
    amount = _fen(cell("amount"))
    if amount is None or amount == 0:
        return WhyBad.AMOUNT
    direction = fold(cell("direction")).lower()
    if direction in _OUT or amount < 0:
        return None
    if direction and direction not in _IN:
        return WhyBad.DIRECTION
    return amount


def line_key_of(bank_number: str, *said: str) -> str:
    """What a line is known by: the bank's own number with its day and sum (banks begin anew each year), else a hash of all it says."""
    if bank_number:
        return f"n:{bank_number[:40]}:{said[0]}:{said[1]}"[:80]
    return "h:" + sha256("\x1f".join(said).encode()).hexdigest()[:40]


def _line_key(bank_number: str, said: Sequence[str], seen: dict[str, int]) -> str:
    """Two lines of one file that say the same are two; the same file again tells the same two."""
    key = line_key_of(bank_number, *said)
    seen[key] = seen.get(key, 0) + 1
    return key if seen[key] == 1 or bank_number else f"{key}:{seen[key]}"


def _day(text: str) -> date | None:
    found = _DATE.match(fold(text))
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _fen(text: str) -> int | None:
    plain = re.sub(r"[,\s¥￥]", "", fold(text))
    found = _MONEY.fullmatch(plain)
    if found is None:
        return None
    fen = int(found[2]) * 100 + int((found[3] or "").ljust(2, "0"))
    return -fen if found[1] == "-" else fen
