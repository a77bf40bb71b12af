"""`python -m bench.reports`: reports over many order lines against what one would write by hand, and how fast folding is.

The data is made by the database itself: two years, 200 villages of 20 towns, 60 cooperatives, 400 SKUs of which two in five come from two villages, 300
districts of buyers, 40 eastern units with 120 pairings, two lines an order, one line in twenty refunded. Only the tables that reports read are filled.

By hand: a table of sums by day and village (or by day and two dimensions), indexed by day, and one GROUP BY over it without names, order or total.
Plain: one GROUP BY over the attributions, money and grams only. The engine is measured whole: statement, database, labels, order and total.
"""

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event, text

from config import Config
from shop.app import create_app
from shop.extensions import Base, db, reading
from shop.kit.regions import cities, districts, provinces
from shop.reports.folding import fold, rebuild, waiting
from shop.reports.sales import lines_behind, sales
from tests.database import postgresql_server, psycopg_url

SINCE, DAYS = date(2024, 11, 1), 730
UNTIL = SINCE + timedelta(days=DAYS - 1)
MONTH = (date(2026, 3, 10), date(2026, 4, 8))
"""Thirty days that are no month."""
QUEUED_ORDERS = 20_000
STILL_WAITING = 100
"""Entries not folded while reports are read: what a busy shop books between two sweeps."""


@dataclass(frozen=True)
class Row:
    """One report: milliseconds of the engine, of its statement alone, by hand, and plain."""

    name: str
    engine_ms: float
    database_ms: float
    hand_ms: float | None
    plain_ms: float | None


def main() -> None:
    """Build, fold, measure and print, for each database and size asked for."""
    arguments = argparse.ArgumentParser(prog="python -m bench.reports", description=__doc__)
    arguments.add_argument("--database", choices=["postgresql", "sqlite", "both"], default="both")
    arguments.add_argument("--lines", type=lambda words: [int(float(word)) for word in words.split(",")], default=[100_000, 1_000_000])
    arguments.add_argument("--rounds", type=int, default=7, help="of each report; the median counts")
    arguments.add_argument("--json", type=Path, help="write the figures there too")
    given = arguments.parse_args()
    found = []
    for kind in ("postgresql", "sqlite") if given.database == "both" else (given.database,):
        for lines in given.lines:
            with a_database(kind) as app, app.app_context():
                found.append({"database": kind, "lines": lines} | measure(kind, lines, given.rounds))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


@contextmanager
def a_database(kind: str) -> Iterator[Flask]:
    """A migrated shop without rows; deleted afterwards."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        environ = {"SHOP_INSTANCE_PATH": str(folder)}
        if kind == "postgresql":
            server = opened.enter_context(postgresql_server())
            with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute("CREATE DATABASE bench")
            environ["SHOP_DATABASE_URL"] = psycopg_url(server, "bench")
        app = create_app(Config.from_environment(environ), TESTING=True)
        with app.app_context():
            upgrade()
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def measure(kind: str, lines: int, rounds: int) -> dict[str, object]:
    """Everything for one database and size."""
    print(f"\n## {kind}, {lines:,} order lines\n", flush=True)
    built = timed(lambda: build(kind, lines))
    months = timed(rebuild)
    folded = fold_rate()
    prepare_hand(kind)
    rows = list(reports(kind, rounds))
    print(f"Built in {built:.0f} s, rolled up anew in {months:.1f} s; folding: {folded:.0f} orders/s. {size_of(kind)}\n")
    print("| report | engine ms | of it database | by hand ms | × hand | plain ms | plain ÷ engine |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        by_hand = (f"{row.hand_ms:.1f}", f"{row.engine_ms / row.hand_ms:.1f}") if row.hand_ms else ("", "")
        plain = (f"{row.plain_ms:.0f}", f"{row.plain_ms / row.engine_ms:.0f}") if row.plain_ms else ("", "")
        print(
            f"| {row.name} | {row.engine_ms:.1f} | {row.database_ms:.1f} | {by_hand[0]} | {by_hand[1]} | {plain[0]} | {plain[1]} |",
            flush=True,
        )
    return {"rebuild_s": months, "orders_folded_per_s": folded, "rows": [row.__dict__ for row in rows]}


def timed(work: Callable[[], object]) -> float:
    """Seconds it took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# ── The data ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_HASH = "(({0}) * 2654435761 / 65536)"
"""Spreads numbers that follow each other; the same on both databases."""


def build(kind: str, lines: int) -> None:
    """Fill the tables that reports read. Orders follow each other in time, as in life."""
    orders = lines // 2
    numbers = (
        "(select generate_series(cast(1 as bigint), {0}) as i) n"
        if kind == "postgresql"
        else ("(with recursive n(i) as (select 1 union all select i + 1 from n where i < {0}) select i from n) n")
    )
    day = _day(kind, f"(({{0}}) * {DAYS} / {orders + 1})")
    sku = f"({_HASH.format('i')} % 400 + 1)"
    order = "((i + 1) / 2)"
    with plain_connection(kind) as connection:
        afterwards = [*_without_triggers(connection, kind), *_without_indexes(connection, kind)]
        connection.execute("begin")

        def fill(table: str, count: int, source: str = "", where: str = "true", **given: str) -> None:
            values = _values(table, kind) | given
            origin = source or numbers.format(count)
            connection.execute(f"insert into {table} ({', '.join(values)}) select {', '.join(values.values())} from {origin} where {where}")

        fill("towns", 20, id="i", name="'镇' || i", short_name="'镇' || i", county_code="'520602'", code="cast(520602000 + i as varchar)")
        fill(
            "villages", 200, id="i", slug="'v' || i", name="'村' || i", town_id="(i - 1) % 20 + 1", code="cast(520602000000 + i as varchar)"
        )
        fill("cooperatives", 60, id="i", slug="'c' || i", name="'合作社' || i", village_id="i")
        fill("eastern_units", 40, id="i", slug="'u' || i", name="'单位' || i")
        fill("pairings", 120, id="i", unit_id="i % 40 + 1", kind="'village'", western_name="'村' || i", village_id="i")
        fill("categories", 10, id="i", slug="'k' || i", name="'类' || i")
        fill("products", 400, id="i", slug="'p' || i", name="'货' || i", category_id="i % 10 + 1", status="'draft'", shelf_life_days="9")
        fill(
            "skus", 400, id="i", code="'s' || i", product_id="i", net_unit="'g'", net_value="1", packed_grams="1", price_fen="1000 + i * 37"
        )
        codes = [district.code for province in provinces() for city in cities(province.code) for district in districts(city.code)]
        places = ", ".join(f"({number}, '{code}')" for number, code in enumerate(codes[:: len(codes) // 300][:300]))
        fill(
            "orders", orders, f"{numbers.format(orders)} join (select column1 as number, column2 as code from (values {places}) d) d"
            f" on d.number = {_HASH.format('i')} % 300",
            id="i", number="'B' || i", once="'b' || i", channel="case when i % 10 = 0 then 'offline' else 'online' end", state="'completed'",
            eastern_unit_id=f"case when i % 5 < 2 then {_HASH.format('i')} % 40 + 1 end", district_code="d.code", sold_on=day.format("i"),
        )  # fmt: skip
        fill(
            "order_lines", lines, id="i", order_id=order, position="i % 2", sku_id=sku, product_id=sku, cooperative_id=f"({sku} - 1) % 60 + 1",
            quantity="i % 3 + 1", unit_price_fen=f"1000 + {sku} * 37", net_fen=f"(1000 + {sku} * 37) * (i % 3 + 1)",
        )  # fmt: skip
        fill("picks", lines, id="i", line_id="i", item_id=sku, units="i % 3 + 1", state="'sold'")
        fill("entries", orders, id="i", kind="'sale'", once="'sale:' || i", subject="'B' || i", business_day=day.format("i"))
        fill("entries", lines // 20, id="1000000000 + i * 20", kind="'refund'", once="'refund:' || (i * 20)", subject="'B' || (i * 10)",
             business_day=_plus(kind, day.format("i * 10"), "i % 14"))  # fmt: skip
        for number, (which, village, part) in enumerate(_SHARES):
            whole = f"(l.net_fen * {part} / 10)" if number < 2 else "(l.net_fen - l.net_fen * 7 / 10)"
            common = {"order_id": "l.order_id", "line_id": "l.id", "pick_id": "l.id", "lot_id": "l.sku_id", "source_version": "1",
                      "cooperative_id": "l.cooperative_id", "village_id": village, "sold_on": "o.sold_on"}  # fmt: skip
            joined = "order_lines l join orders o on o.id = l.order_id"
            offset = number * lines
            fill("attributions", 0, joined, which, **common, id=f"l.id + {offset}", entry_id="l.order_id", is_refund="false", amount_fen=whole,
                 grams=f"l.quantity * 500 * {part}", business_day="o.sold_on")  # fmt: skip
            fill("attributions", 0, joined, f"{which} and l.id % 20 = 0", **common, id=f"l.id + {offset + 3 * lines}",
                 entry_id="1000000000 + l.id", is_refund="true", amount_fen=f"-{whole} / l.quantity", grams="0",
                 business_day=_plus(kind, "o.sold_on", "(l.id / 20) % 14"))  # fmt: skip
        connection.execute(
            f"insert into ledger_unfolded select id from entries where id > {orders - min(QUEUED_ORDERS, orders // 4)} and id < 1000000000"
        )
        connection.execute("commit")
        for statement in afterwards:
            connection.execute(statement)
        connection.execute("vacuum analyze" if kind == "postgresql" else "analyze")


@contextmanager
def plain_connection(kind: str) -> Iterator[Any]:  # Any: psycopg's and sqlite3's have `execute` in common
    """The driver's own, which begins nothing by itself."""
    url = db.engine.url.render_as_string(hide_password=False)
    connection = (
        psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        if kind == "postgresql"
        else sqlite3.connect(url[10:], isolation_level=None)
    )
    yield connection
    connection.close()


_SHARES = (
    ("l.sku_id % 5 >= 2", "(l.sku_id - 1) % 200 + 1", 10),
    ("l.sku_id % 5 < 2", "(l.sku_id - 1) % 200 + 1", 7),
    ("l.sku_id % 5 < 2", "l.sku_id % 200 + 1", 3),
)
"""Three SKUs in five are of one village, the others of two, seven parts to three."""


def _day(kind: str, number: str) -> str:
    return f"(date '{SINCE}' + cast({number} as int))" if kind == "postgresql" else f"date('{SINCE}', '+' || ({number}) || ' days')"


def _plus(kind: str, day: str, days: str) -> str:
    return f"({day} + cast({days} as int))" if kind == "postgresql" else f"date({day}, '+' || ({days}) || ' days')"


def _values(table: str, kind: str) -> dict[str, str]:
    """Something for every column that needs a value and is not what reports read."""
    nought = {"VARCHAR": "''", "TEXT": "''", "BOOLEAN": "false", "DATE": f"date '{SINCE}'" if kind == "postgresql" else f"'{SINCE}'"}
    return {
        column.name: nought.get(str(column.type).split("(")[0], "current_timestamp" if "TIME" in str(column.type) else "0")
        for column in Base.metadata.tables[table].columns
        if not column.nullable and column.server_default is None
    }


def _without_triggers(connection: Any, kind: str) -> list[str]:
    """The books refuse rows that come in by the million without postings. What to say afterwards so that they do so again."""
    if kind == "postgresql":
        connection.execute("set session_replication_role = replica")
        return ["set session_replication_role = origin"]
    found = connection.execute("select name, sql from sqlite_master where type = 'trigger'").fetchall()
    for name, _sql in found:
        connection.execute(f"drop trigger {name}")
    return [sql for _name, sql in found]


def _without_indexes(connection: Any, kind: str) -> list[str]:
    """An index is made of millions of rows at once many times as quickly as row by row. What makes those again that are no key."""
    if kind == "postgresql":
        connection.execute("set maintenance_work_mem = '512MB'")
        connection.execute("set work_mem = '256MB'")
        found = connection.execute(
            """select c.relname, pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid
                where i.indrelid = any (%s::regclass[]) and not exists (select 1 from pg_constraint where conindid = i.indexrelid)""",
            (list(_LARGE),),
        ).fetchall()
    else:
        places = ", ".join("?" * len(_LARGE))
        found = connection.execute(
            f"select name, sql from sqlite_master where type = 'index' and sql is not null and tbl_name in ({places})", _LARGE
        ).fetchall()
    for name, _sql in found:
        connection.execute(f"drop index {name}")
    return [sql for _name, sql in found]


_LARGE = ("orders", "order_lines", "picks", "entries", "attributions")


# ── Folding ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def fold_rate() -> float:
    """Orders folded a second, one folder, until a little is left waiting."""
    with reading():
        orders = waiting() - STILL_WAITING
    left = orders

    def work() -> None:
        nonlocal left
        while left > 0:
            left -= fold(min(left, 2_000))

    return orders / timed(work)


# ── Reports ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_HAND = {
    "hand_village": ("village_id", "rollup_goods"),
    "hand_district": ("district_code", "rollup_buyers"),
    "hand_village_channel": ("village_id, channel", "rollup_goods"),
    "hand_village_district": ("village_id, district_code", "rollup_buyers"),
    "hand_product": ("sku_id", "rollup_goods"),
}
_SUMMED = "sum(lines) as lines, sum(units) as units, sum(grams) as grams, sum(gross) as gross, sum(refunds) as refunds"


def prepare_hand(kind: str) -> None:
    """The tables that one would keep by hand, and nothing in them that the question does not need."""
    with plain_connection(kind) as connection:
        for name, (keys, table) in _HAND.items():
            connection.execute(
                f"""create table {name} as select day, {keys}, cast(sum(lines_in_village) as integer) as lines,
                     cast(sum(units_in_village) as integer) as units, cast(sum(posted_grams) as bigint) as grams,
                     cast(sum(posted_gross_fen) as bigint) as gross, cast(sum(posted_refunds_fen) as bigint) as refunds
                     from {table} where grain = 9 group by day, {keys} order by day"""
            )
            connection.execute(f"create index ix_{name} on {name} (day)")
        connection.execute("vacuum analyze" if kind == "postgresql" else "analyze")


def reports(kind: str, rounds: int) -> Iterator[Row]:
    """Each question of the marks, by the engine, by hand and plain."""
    whole = (SINCE, UNTIL)
    for name, by, hand, period in (
        ("village, two years", ("village",), "hand_village", whole),
        ("village, 30 days", ("village",), "hand_village", MONTH),
        ("town, two years", ("town",), "hand_village", whole),
        ("product, two years", ("product",), "hand_product", whole),
        ("district, two years", ("district",), "hand_district", whole),
        ("month, two years", ("month",), "hand_village", whole),
        ("pairing, two years", ("pairing",), None, whole),
        ("village × channel, two years", ("village", "channel"), "hand_village_channel", whole),
        ("village × channel, 30 days", ("village", "channel"), "hand_village_channel", MONTH),
        ("village × district, two years", ("village", "district"), "hand_village_district", whole),
        ("village × district, 30 days", ("village", "district"), "hand_village_district", MONTH),
        ("village × month, two years", ("village", "month"), "hand_village", whole),
    ):
        row = asked(name, lambda by=by, period=period: sales(by, *period), rounds)
        if hand:
            row = replace(row, hand_ms=_ask(_by_hand(kind, hand, by), period, rounds))
        if by == ("village",):
            row = replace(row, plain_ms=_ask(_PLAIN, period, min(rounds, 3)))
        yield row
    for name, only, period in (
        ("lines of all, first screen", {}, whole),
        ("lines of a village, two years, first screen", {"village": "17"}, whole),
        ("lines of a village, 30 days, first screen", {"village": "17"}, MONTH),
    ):
        yield asked(name, lambda only=only, period=period: lines_behind(only, *period), min(rounds, 3))


def _by_hand(kind: str, table: str, by: tuple[str, ...]) -> str:
    keys = _HAND[table][0]
    if "month" in by:
        month = "date_trunc('month', day)" if kind == "postgresql" else "substr(day, 1, 7)"
        keys = f"{keys}, {month}" if len(by) > 1 else month
    return f"select {keys}, {_SUMMED} from {table} where day between :since and :until group by {keys}"


_PLAIN = """select village_id, sum(grams), sum(case when is_refund then 0 else amount_fen end), sum(case when is_refund then -amount_fen else 0 end)
  from attributions where business_day between :since and :until group by village_id"""


def asked(name: str, question: Callable[[], object], rounds: int) -> Row:
    """Milliseconds of the quickest round, after one that warms up: what other work on the machine takes away is not the engine's."""
    spent: list[float] = []
    began = 0.0

    def before(*_: object) -> None:
        nonlocal began
        began = time.perf_counter()

    def after(*_: object) -> None:
        spent.append((time.perf_counter() - began) * 1000)

    def ask() -> float:
        with reading():
            return timed(question) * 1000

    ask()
    event.listen(db.engine, "before_cursor_execute", before)
    event.listen(db.engine, "after_cursor_execute", after)
    taken = [ask() for _ in range(rounds)]
    event.remove(db.engine, "before_cursor_execute", before)
    event.remove(db.engine, "after_cursor_execute", after)
    return Row(name, min(taken), min(spent), None, None)


def _ask(statement: str, period: tuple[date, date], rounds: int) -> float:
    values: Mapping[str, object] = {"since": period[0].isoformat(), "until": period[1].isoformat()}
    if db.engine.dialect.name == "postgresql":
        values = {"since": period[0], "until": period[1]}
    question = text(statement)
    with reading() as session:
        taken = [timed(lambda: session.execute(question, values).all()) * 1000 for _ in range(rounds + 1)]
    return min(taken[1:])


def size_of(kind: str) -> str:
    """What the roll-ups take."""
    with reading() as session:
        rows = {table: session.scalar(text(f"select count(*) from {table}")) for table in ("rollup_goods", "rollup_buyers")}
        words = ", ".join(f"{table} {count:,} rows" for table, count in rows.items())
        if kind == "postgresql":
            words += f", {session.scalar(text('select pg_size_pretty(pg_database_size(current_database()))'))} in all"
    return words


if __name__ == "__main__":
    main()
