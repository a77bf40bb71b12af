"""A file of sales made by hand, read row by row: what each row says, or what is wrong with it and where.

The columns are those that other programs rely on (DESIGN §8). The file is read twice: once to count its rows and to know which reference stands where,
in a temporary file of SQLite's, and once for what it says; so memory stays flat however long it is.
"""

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import BinaryIO

from shop.acts.plan_offline import OfflineLine, OfflineReturn, OfflineRow, OfflineSale
from shop.kit.ids import EasternUnitId
from shop.kit.regions import region_path
from shop.kit.text import fold

COLUMNS = ("ref", "returns", "sold_at", "sku", "quantity", "unit_price_fen", "buyer_region", "eastern_unit", "channel", "lot")
LONGEST_REF = 60
MOST_UNITS = 999_999
MOST_FEN = 2_147_483_647
"""What one order can be worth."""
_OFFLINE = frozenset({"", "offline", "线下"})
_WHOLE = re.compile(r"-?[0-9]{1,12}")
_EARLIEST_YEAR = 2000


class BadFile(Exception):
    """The file as a whole cannot be read; nothing of it is. `fault` and `facts` are put into words by whoever shows them."""

    def __init__(self, fault: str, **facts: str | int) -> None:
        super().__init__(fault, facts)
        self.fault = fault
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with one row: put into words by whoever shows it."""

    line: int
    """Of the file, counted from 1; the header is on the first."""
    ref: str
    column: str
    """Where it is; blank for the row as a whole."""
    fault: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One row: what it says, or what is wrong with it."""

    line: int
    ref: str
    says: OfflineRow | None = None
    trouble: Trouble | None = None


class _Wrong(Exception):
    """A cell that cannot be understood."""

    def __init__(self, column: str, fault: str, **facts: str | int) -> None:
        super().__init__(fault)
        self.column = column
        self.fault = fault
        self.facts = facts


class SalesFile:
    """A file that was looked through once. A context: its temporary file goes away at the end."""

    def __init__(self, source: Callable[[], BinaryIO], units: Mapping[str, EasternUnitId], *, now: datetime) -> None:
        """`source` opens the file anew; `units`: eastern units by slug and by name; nothing may be sold after `now`.

        Raises BadFile.
        """
        self._source = source
        self._units = {fold(name): unit_id for name, unit_id in units.items()}
        self._now = now
        self._notes = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # "": a file that goes away with the connection
        self._notes.execute("create table refs (ref text primary key, line integer) without rowid")
        self._notes.execute("create table waiting (seq integer primary key, line integer, cells text)")
        try:
            self.total = self._look_through()
        except BaseException:
            self._notes.close()
            raise

    def __enter__(self) -> "SalesFile":
        return self

    def __exit__(self, *_error: object) -> None:
        self._notes.close()

    def batches(self, size: int, *, skip: int = 0) -> Iterator[list[ReadRow]]:
        """Every row but the first `skip`, in the order in which they are booked: as they stand, but returns of a sale further down at the end."""
        self._notes.execute("delete from waiting")
        to_skip = skip
        for rows in self._ready(size):
            if to_skip < len(rows):
                yield rows[to_skip:]
            to_skip = max(0, to_skip - len(rows))

    def _ready(self, size: int) -> Iterator[list[ReadRow]]:
        waiting: list[tuple[int, str]] = []
        gathered: list[ReadRow] = []
        for cells in self._cells(size):
            lines = self._lines_of({value for _, row in cells for value in row[:2]})
            for line, row in cells:
                if lines.get(row[1], 0) > line and lines.get(row[0]) == line:
                    waiting.append((line, json.dumps(row)))
                    continue
                gathered.append(self._read(line, row, lines))
                if len(gathered) == size:
                    yield gathered
                    gathered = []
            self._keep(waiting)
            waiting = []
        if gathered:
            yield gathered
        at = 0
        while found := self._notes.execute(
            "select seq, line, cells from waiting where seq > ? order by seq limit ?", (at, size)
        ).fetchall():
            at = found[-1][0]
            rows = [(line, json.loads(cells)) for _, line, cells in found]
            lines = self._lines_of({value for _, row in rows for value in row[:2]})
            yield [self._read(line, row, lines) for line, row in rows]

    def _keep(self, waiting: Sequence[tuple[int, str]]) -> None:
        if waiting:
            self._notes.execute("begin")
            self._notes.executemany("insert into waiting (line, cells) values (?, ?)", waiting)
            self._notes.execute("end")

    def _lines_of(self, refs: set[str]) -> dict[str, int]:
        found = self._notes.execute("select ref, line from refs where ref in (select value from json_each(?))", (json.dumps(sorted(refs)),))
        return dict(found)

    # ── The file as lines and cells ───────────────────────────────────────────────────────────────────────────────────

    def _look_through(self) -> int:
        total = 0
        for cells in self._cells(5_000):
            self._notes.execute("begin")
            self._notes.executemany(
                "insert or ignore into refs (ref, line) values (?, ?)", [(row[0], line) for line, row in cells if row[0]]
            )
            self._notes.execute("end")
            total += len(cells)
        return total

    def _cells(self, size: int) -> Iterator[list[tuple[int, list[str]]]]:
        """Rows as cells in the order of COLUMNS, in batches; blank lines are left out. A row of another length keeps its cells, marked by their number."""
        with self._source() as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text)
            try:
                places = _places(next(reader, []))
                width, found = len(places), []
                is_in_order = places == list(range(width))
                before = reader.line_num
                for row in reader:
                    line, before = before + 1, reader.line_num
                    if not any(row) or not "".join(row).strip():
                        continue
                    if len(row) == width:
                        cells = row if is_in_order else [row[place] for place in places]
                        is_plain = "".join(cells).isascii()
                        cells = [cell.strip() for cell in cells] if is_plain else [fold(cell) for cell in cells]
                    else:
                        cells = [*(fold(cell) for cell in row[:1]), "", str(len(row))]
                    found.append((line, cells))
                    if len(found) == size:
                        yield found
                        found = []
                if found:
                    yield found
            except UnicodeDecodeError as error:
                raise BadFile("not_utf8") from error
            except csv.Error as error:
                raise BadFile("not_csv", line=reader.line_num) from error

    # ── What a row says ───────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, line: int, cells: Sequence[str], lines: Mapping[str, int]) -> ReadRow:
        ref = cells[0][:LONGEST_REF]
        try:
            return ReadRow(line, ref, self._understand(line, cells, lines))
        except _Wrong as wrong:
            shown = "".join(sign if sign.isprintable() else "·" for sign in ref)
            return ReadRow(line, shown, None, Trouble(line, shown, wrong.column, wrong.fault, wrong.facts))

    def _understand(self, line: int, cells: Sequence[str], lines: Mapping[str, int]) -> OfflineRow:
        if len(cells) != len(COLUMNS):
            raise _Wrong("", "cells", found=int(cells[2]), wanted=len(COLUMNS))
        ref, returns, sold_at, sku, quantity, price, region, unit, channel, lot = cells
        if not "".join(cells).isprintable():
            raise _Wrong(next(name for name, cell in zip(COLUMNS, cells, strict=True) if not cell.isprintable()), "unprintable")
        if not ref:
            raise _Wrong("ref", "ref_missing")
        if len(ref) > LONGEST_REF:
            raise _Wrong("ref", "ref_long", most=LONGEST_REF)
        if lines[ref] != line:
            raise _Wrong("ref", "ref_twice", line=lines[ref])
        at = self._instant(sold_at)
        if not sku:
            raise _Wrong("sku", "sku_missing")
        units = _units(quantity, is_return=bool(returns))
        price_fen = _price(price, may_be_blank=bool(returns))
        if price_fen is not None and price_fen * units > MOST_FEN:
            raise _Wrong("unit_price_fen", "too_much", most=MOST_FEN)
        if not _is_region(region):
            raise _Wrong("buyer_region", "region_unknown", given=region[:20])
        if unit and unit not in self._units:
            raise _Wrong("eastern_unit", "unit_unknown", given=unit[:60])
        if channel.casefold() not in _OFFLINE:
            raise _Wrong("channel", "channel_unknown", given=channel[:20])
        if returns:
            return OfflineReturn(ref, returns, {sku: units}, at, unit_price_fen=price_fen, lot_code=lot or None)
        assert price_fen is not None, "only a return may leave it out"
        return OfflineSale(ref, at, (OfflineLine(sku, units, price_fen, lot or None),), region or None, self._units[unit] if unit else None)

    def _instant(self, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise _Wrong("sold_at", "sold_at_unreadable" if text else "sold_at_missing", given=text[:40]) from None
        if at.tzinfo is None:
            raise _Wrong("sold_at", "sold_at_without_offset", given=text[:40])
        if at.year < _EARLIEST_YEAR:
            raise _Wrong("sold_at", "sold_at_too_early", year=_EARLIEST_YEAR)
        if at > self._now:
            raise _Wrong("sold_at", "sold_at_ahead", given=text[:40])
        return at.astimezone(UTC)


def _places(header: Sequence[str]) -> list[int]:
    """Where each column stands. Raises BadFile unless each of them is there once, and nothing else."""
    names = [fold(name).casefold() for name in header]
    if not any(names):
        raise BadFile("empty")
    if missing := [name for name in COLUMNS if name not in names]:
        raise BadFile("columns_missing", columns=", ".join(missing))
    if extra := [name or "—" for name in names if name not in COLUMNS]:
        raise BadFile("columns_unknown", columns=", ".join(extra)[:200])
    if len(names) > len(COLUMNS):
        raise BadFile("columns_twice", columns=", ".join(sorted({name for name in names if names.count(name) > 1})))
    return [names.index(name) for name in COLUMNS]


def _units(text: str, *, is_return: bool) -> int:
    if not _WHOLE.fullmatch(text):
        raise _Wrong("quantity", "quantity_unreadable", given=text[:20])
    count = int(text)
    if count == 0:
        raise _Wrong("quantity", "quantity_nought")
    if is_return and count > 0:
        raise _Wrong("quantity", "return_not_negative", given=count)
    if not is_return and count < 0:
        raise _Wrong("quantity", "sale_negative", given=count)
    if abs(count) > MOST_UNITS:
        raise _Wrong("quantity", "quantity_large", most=MOST_UNITS)
    return abs(count)


def _price(text: str, *, may_be_blank: bool) -> int | None:
    if not text and may_be_blank:
        return None
    if not _WHOLE.fullmatch(text):
        raise _Wrong("unit_price_fen", "price_unreadable", given=text[:20])
    price_fen = int(text)
    if price_fen == 0:
        raise _Wrong("unit_price_fen", "price_nought")
    if price_fen < 0:
        raise _Wrong("unit_price_fen", "price_negative")
    return price_fen


@lru_cache(maxsize=4_000)
def _is_region(code: str) -> bool:
    return not code or bool(re.fullmatch(r"[0-9]{6}", code) and region_path(code))
