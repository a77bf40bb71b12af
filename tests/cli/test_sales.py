"""`flask sales import`: the contract's columns, a dry run, a booking that may be cut off anywhere and repeated."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from shop.acts.close_month import close_month
from shop.acts.sales_file import COLUMNS
from shop.extensions import reading
from shop.orders.models import Order
from shop.reports.folding import fold_waiting
from tests.database import TestDatabase
from tests.factories import MadeProduct, make_eastern_unit, make_lot, make_product
from tests.shopping import assert_books_are_sound, free_units, village_fen

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, thirty bags of it, harvested in October."""
    product = make_product()
    make_lot(product, units=30, code="BS2610A")
    return product


def row(ref: str, sku: str, quantity: object = 1, *, returns: str = "", **other: object) -> str:
    cells = {
        "ref": ref,
        "returns": returns,
        "sold_at": "2026-11-02T10:00:00+08:00",
        "sku": sku,
        "quantity": quantity,
        "unit_price_fen": 6800,
        "buyer_region": "320583",
        "eastern_unit": "",
        "channel": "offline",
        "lot": "",
    } | other
    return ",".join(str(cells[name]) for name in COLUMNS)


def run(app: Flask, folder: Path, lines: list[str], *options: str, header: str = ",".join(COLUMNS), encoding: str = "utf-8") -> Result:
    """Write a file and import it, as somebody at an English terminal."""
    file = folder / "sales.csv"
    file.write_bytes("\r\n".join([header, *lines, ""]).encode(encoding))
    return app.test_cli_runner(env={"LC_ALL": "en_US.UTF-8"}).invoke(args=["sales", "import", str(file), *options])


def orders_there() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Order)) or 0


def test_a_dry_run_says_what_a_booking_then_does(app: Flask, rice: MadeProduct, tmp_path: Path) -> None:
    make_eastern_unit("昆山市巴城镇", slug="bacheng")
    lines = [
        row("back-early", rice.sku.code, -1, returns="c"),
        row("a", rice.sku.code, 2, eastern_unit="bacheng"),
        "",
        row("b", rice.sku.code, "３", eastern_unit="昆山市巴城镇", lot="BS2610A", channel=""),
        row("c", rice.sku.code, 4, buyer_region=""),
        row("d", rice.sku.code, 99),
        row("back-1", rice.sku.code, -1, returns="a", unit_price_fen=""),
        row("back-2", rice.sku.code, -1, returns="a", sold_at="2026-11-03T00:00:00Z"),
        row("back-3", rice.sku.code, -1, returns="a"),
    ]
    dry = run(app, tmp_path, lines, encoding="utf-8-sig")
    assert (dry.exit_code, orders_there()) == (1, 0), dry.output
    messages = [line for line in dry.stdout.splitlines() if line.startswith("Line ")]
    assert [line.partition(" ·")[0] for line in messages] == ["Line 7", "Line 10"], dry.stdout
    assert "d · quantity: Wanted are 99 units; only 21 could be sold that day." in messages[0]
    assert "back-3 · quantity: Wanted back are 1 units; of that sale 0 are left." in messages[1]
    assert "Would book: 3 sales (¥612.00) and 3 returns (¥204.00)" in dry.stdout and "dry run" in dry.stdout
    assert "8 / 8" in dry.stderr
    done = run(app, tmp_path, lines, "--commit", encoding="utf-8-sig")
    assert done.exit_code == 1 and "Booked: 3 sales (¥612.00) and 3 returns (¥204.00)" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith(("Line ", "  "))] == [
        line for line in dry.stdout.splitlines() if line.startswith(("Line ", "  "))
    ], "the same messages and the same sum for each village"
    assert (orders_there(), free_units(rice.sku), sum(village_fen().values())) == (3, 24, 6 * 68_00)
    again = run(app, tmp_path, [line for line in lines if "99" not in line and "back-3" not in line], "--commit")
    assert again.exit_code == 0 and "already there: 6; bad rows: 0" in again.stdout
    other = run(app, tmp_path, [row("a", rice.sku.code, 1)], "--commit")
    assert other.exit_code == 1 and "imported before with other facts" in other.stdout
    later = run(app, tmp_path, [row("back-4", rice.sku.code, -2, returns="b")], "--commit")
    assert later.exit_code == 0 and free_units(rice.sku) == 26
    assert_books_are_sound()


BAD = [
    ({"ref": ""}, "The reference is missing"),
    ({"ref": "x" * 61}, "too long: at most 60"),
    ({"sold_at": ""}, "The time is missing"),
    ({"sold_at": "yesterday"}, "is not a time"),
    ({"sold_at": "2026-11-02T10:00:00"}, "has no offset"),
    ({"sold_at": "2099-01-01T10:00:00+08:00"}, "lies in the future"),
    ({"sold_at": "0001-01-01T00:00:00+14:00"}, "too early"),
    ({"sku": ""}, "The SKU is missing"),
    ({"sku": "no-such"}, "There is no SKU “no-such”"),
    ({"quantity": "1.5"}, "not a whole number"),
    ({"quantity": 0}, "The quantity is 0"),
    ({"quantity": -1}, "does not say which sale it returns"),
    ({"returns": "a"}, "must be negative"),
    ({"quantity": 1_000_000}, "At most 999999 units"),
    ({"unit_price_fen": "68.00"}, "It is in fen"),
    ({"unit_price_fen": 0}, "The price is 0: nothing was taken"),
    ({"unit_price_fen": -1}, "cannot be negative"),
    ({"unit_price_fen": 2_147_483_648}, "sum of this row is too large"),
    ({"buyer_region": "999999"}, "no region code “999999”"),
    ({"eastern_unit": "nowhere"}, "no eastern unit “nowhere”"),
    ({"channel": "online"}, "channel “online” cannot be imported"),
    ({"lot": "XX0000A"}, "no lot “XX0000A”"),
    ({"ref": "a\tb"}, "cannot be seen"),
    ({"returns": "never", "quantity": -1}, "“never” was never sold"),
    ({"lot": "a,b"}, "has 11 cells, not 10"),
]


def test_every_bad_row_has_its_message_and_the_good_ones_are_booked(app: Flask, rice: MadeProduct, tmp_path: Path) -> None:
    lines = [row(**{"ref": f"bad-{at}", "sku": rice.sku.code} | given) for at, (given, _) in enumerate(BAD)]  # type: ignore[arg-type]
    lines += [row("good", rice.sku.code), row("good", rice.sku.code)]
    done = run(app, tmp_path, lines, "--commit")
    messages = [line for line in done.stdout.splitlines() if line.startswith("Line ")]
    wanted = [says for _, says in BAD] + ["stands on line 27 already"]
    assert len(messages) == len(wanted), done.stdout
    assert [(says, message) for says, message in zip(wanted, messages, strict=True) if says not in message] == []
    assert done.exit_code == 1 and orders_there() == 1


@pytest.mark.parametrize(
    ("header", "lines", "encoding", "says"),
    [
        ("ref,sku", ["a,b"], "utf-8", "These columns are missing: returns, sold_at"),
        (",".join([*COLUMNS, "note"]), [], "utf-8", "These columns are not known: note"),
        (",".join([*COLUMNS, "ref"]), [], "utf-8", "These columns stand there twice: ref"),
        ("", [], "utf-8", "The file is empty"),
        (",".join(COLUMNS), ["昆山"], "gb18030", "The file is not UTF-8"),
        (",".join(COLUMNS), ["a," + "x" * 140_000], "utf-8", "this is not CSV"),
    ],
)
def test_a_file_that_cannot_be_read_books_nothing(
    app: Flask, rice: MadeProduct, tmp_path: Path, header: str, lines: list[str], encoding: str, says: str
) -> None:
    good = row("good", rice.sku.code)
    done = run(app, tmp_path, [good, *lines], "--commit", header=header, encoding=encoding)
    assert done.exit_code == 1 and says in done.stdout, done.output
    assert orders_there() == 0


def test_columns_may_stand_in_another_order_and_words_are_chinese_at_a_chinese_terminal(
    app: Flask, rice: MadeProduct, tmp_path: Path
) -> None:
    header = list(reversed(COLUMNS))
    line = ",".join(reversed(row("a", rice.sku.code, 0).split(",")))
    (tmp_path / "f.csv").write_text("\n".join([",".join(header), line]), encoding="utf-8")
    done = app.test_cli_runner(env={"LC_ALL": "zh_CN.UTF-8"}).invoke(args=["sales", "import", str(tmp_path / "f.csv")])
    assert done.exit_code == 1 and "第 2 行 · a · quantity：数量是 0" in done.stdout


def test_a_row_of_a_month_before_a_closed_one_is_refused_and_its_month_named(app: Flask, rice: MadeProduct, tmp_path: Path) -> None:
    make_lot(rice, units=9, harvested_on=date(2026, 8, 1))
    run(app, tmp_path, [row("a", rice.sku.code, sold_at="2026-10-12T10:00:00+08:00")], "--commit")
    fold_waiting()
    close_month("2026-10", by=None, now=datetime(2026, 11, 5, tzinfo=UTC))
    lines = [row("b", rice.sku.code, sold_at="2026-08-12T10:00:00+08:00"), row("c", rice.sku.code)]
    for options in ((), ("--commit",)):
        said = run(app, tmp_path, lines, *options)
        assert "Line 2 · b · sold_at: 2026-08 is closed; nothing more goes into it" in said.stdout, said.output
    assert orders_there() == 2
    assert_books_are_sound()


def test_things_of_several_products_are_booked_at_the_same_moment_as_the_dry_run_said(
    app: Flask, rice: MadeProduct, tmp_path: Path
) -> None:
    tea = make_product("金丝皇菊")
    make_lot(tea, units=20)
    lines = [row(f"s{number}", (rice, tea)[number % 2].sku.code, 1 + number % 3) for number in range(30)]
    lines += [row(f"b{number}", (rice, tea)[number % 2].sku.code, -1, returns=f"s{number * 2}") for number in range(6)]
    dry = run(app, tmp_path, lines)
    done = run(app, tmp_path, lines, "--commit")
    assert [line for line in done.stdout.splitlines() if line.startswith(("Line ", "  "))] == [
        line for line in dry.stdout.splitlines() if line.startswith(("Line ", "  "))
    ]
    assert "Line" in dry.stdout and "36 / 36" in done.stderr
    assert done.stdout.partition("Booked: ")[2] == dry.stdout.partition("Would book: ")[2].partition("This was")[0]
    again = run(app, tmp_path, lines, "--commit")
    assert f"already there: {orders_there() + 3}" in again.stdout, again.stdout
    assert_books_are_sound()


@pytest.mark.parametrize("count", [1_500, pytest.param(4_000, marks=pytest.mark.soak)])
def test_killed_in_the_middle_and_repeated_nothing_is_twice_and_nothing_lost(
    app: Flask, database: TestDatabase, rice: MadeProduct, tmp_path: Path, count: int
) -> None:
    make_lot(rice, units=count)
    lines = [row(f"s{number}", rice.sku.code) for number in range(count)]
    lines += [row(f"b{number}", rice.sku.code, -1, returns=f"s{number * 9}") for number in range(100)]
    file = tmp_path / "sales.csv"
    file.write_text("\n".join([",".join(COLUMNS), *lines]), encoding="utf-8")
    environ = {**os.environ, "SHOP_DATABASE_URL": database.url(), "LC_ALL": "en_US.UTF-8"}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "sales", "import", str(file), "--commit"],
        cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while orders_there() < 500 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)  # until the first batch is there
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = orders_there()
    assert before % 500 == 0 and 500 <= before < count, "a batch is booked whole or not at all"
    done = app.test_cli_runner(env={"LC_ALL": "en_US.UTF-8"}).invoke(args=["sales", "import", str(file), "--commit"])
    assert done.exit_code == 0, done.output
    assert f"already there: {before}; bad rows: 0" in done.stdout
    assert (orders_there(), free_units(rice.sku), sum(village_fen().values())) == (count, 30 + 100, (count - 100) * 68_00)
    assert_books_are_sound()
