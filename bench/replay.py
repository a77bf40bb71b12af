"""A real shop's nine months, sold again: `python -m bench.replay [FILE.csv.xz]`. See README.md here.

Every invoice line is mapped onto a SKU of the demo county and becomes a row of `flask sales import`; cancellations become returns of the line they
cancel, where there is one. The import runs as its own process, and is measured from outside. Beside it stands a sum of our own, which shares no code with
the shop: it reads the same rows and the lots' sources, picks and divides by the rules as they are written (docs/design.md), and must agree to the fen, for
every village and day.
"""

import argparse
import csv
import heapq
import json
import lzma
import os
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO

import psycopg
from sqlalchemy import create_engine, text

from bench.processes import ROOT, flask, meter, parent_of
from config import Config
from shop.app import create_app
from shop.demo.seed import tell
from shop.extensions import reading
from shop.kit.ids import ProductId, SkuId, VillageId
from shop.stock.service import Packed, Source, record_lot
from tests.database import postgresql_server, psycopg_url

USUAL = ROOT.parent / "shared" / "data" / "replay" / "online_retail_2010-12_2011-08.csv.xz"
COLUMNS = ("ref", "returns", "sold_at", "sku", "quantity", "unit_price_fen", "buyer_region", "eastern_unit", "channel", "lot")
REGIONS = ("320583", "320508", "320506", "320585", "320582", "")
KEEPS_DAYS = 360
"""SKUs that keep as long as the replay lasts are sold in it."""
RUNS = (("rehearsal",), ("booking", "--commit"), ("again", "--commit"))
HARVESTS = ((40, 30), (20, 30), (5, 55))
"""Lots of each SKU: brought in so many days before the first sale, and so much per cent of what will be asked for. The last gets some more."""


def main() -> None:
    """Import the file on the databases asked for, print what it cost, and compare."""
    arguments = argparse.ArgumentParser(
        prog="python -m bench.replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("file", nargs="?", type=Path, default=USUAL)
    arguments.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    arguments.add_argument("--lines", type=int, help="only the first so many lines")
    arguments.add_argument("--only-booking", action="store_true", help="neither the dry run before it nor the same file again after it")
    arguments.add_argument("--json", type=Path, help="write the figures there too")
    given = arguments.parse_args()
    if not given.file.exists():
        sys.exit(
            f"{given.file} is not there. Name the file of the replay (UCI Online Retail, as .csv.xz): python -m bench.replay FILE.csv.xz"
        )
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="replay")))
        environ, database = _database(given.database, folder, opened)
        flask("db", "upgrade", environ=environ)
        config = Config.from_environment(environ)
        with create_app(config).app_context():
            tell(now=datetime.now(UTC), is_divided=False)  # nine months up to yesterday must be open
        shop = Shop(config)
        rows = convert(given.file, shop, folder / "replay.csv", given.lines)
        shop.pack(rows)
        if given.database == "postgresql":
            with psycopg.connect(environ["SHOP_DATABASE_URL"].replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")  # as autovacuum does within a minute
        before, books = shop.village_days(), shop.books()
        figures: dict[str, object] = {"database": given.database, "lines": rows.count}
        for words in RUNS[1:2] if given.only_booking else RUNS:
            figures[words[0]] = measure(words[0], folder / "replay.csv", words[1:], environ, rows.count, database)
        after = shop.village_days()
        booked = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
        wanted, refused = independent_sum(folder / "replay.csv", books)
        wanted = {key: fen for key, fen in wanted.items() if fen}
        differ = {
            key: (booked.get(key, 0), wanted.get(key, 0)) for key in booked.keys() | wanted.keys() if booked.get(key) != wanted.get(key)
        }
        figures |= {
            "village_days": len(wanted),
            "differ": len(differ),
            "net_fen": sum(wanted.values()),
            "our_own_refused": sum(refused.values()),
        }
        print(
            f"\nPer village and day: {len(wanted):,} figures, {sum(wanted.values()) / 100:,.2f} yuan net; {len(differ)} differ from our own sum."
        )
        for key, pair in sorted(differ.items())[:10]:
            print(f"  village {key[0]}, {key[1]}: booked {pair[0]}, our own {pair[1]}")
        print(f"Our own sum refused: {dict(refused)}")
        flask("ledger", "verify", environ=environ)
        print("flask ledger verify: all hold.")
        if given.json:
            given.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
        sys.exit(1 if differ else 0)


def _database(kind: str, folder: Path, opened: ExitStack) -> tuple[dict[str, str], Callable[[], float]]:
    """Where the shop of this run lives, and a meter of the database's processor time."""
    environ = {**os.environ, "SHOP_INSTANCE_PATH": str(folder / "instance"), "LC_ALL": "C.UTF-8"}
    environ.pop("SHOP_DATABASE_URL", None)
    if kind == "sqlite":
        return environ, meter(None)
    server = opened.enter_context(postgresql_server())
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE replay")
        postmaster = parent_of(connection.info.backend_pid)
    environ["SHOP_DATABASE_URL"] = psycopg_url(server, "replay")
    return environ, meter(postmaster)


# ── The shop that sells it ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Sku:
    """A SKU that keeps long enough."""

    id: int
    code: str
    product_id: int
    grams: int
    villages: tuple[int, ...]
    """Of its cooperative."""


class Shop:
    """The demo county of this run: its lots are recorded by the shop's own verb, its figures read by plain SQL."""

    def __init__(self, config: Config) -> None:
        self.app = create_app(config)
        self.engine = create_engine(config.database_url)
        villages: dict[int, list[int]] = defaultdict(list)
        for cooperative, village in self.ask("select cooperative_id, village_id from cooperative_villages order by village_id"):
            villages[cooperative].append(village)
        self.skus = [
            Sku(id_, code, product, grams, tuple(villages[cooperative]))
            for id_, code, product, grams, cooperative in self.ask(
                f"""select s.id, s.code, p.id, s.packed_grams, p.cooperative_id from skus s join products p on p.id = s.product_id
                     where p.status = 'published' and p.shelf_life_days >= {KEEPS_DAYS} order by s.code"""
            )
        ]
        self.units = [str(slug) for (slug,) in self.ask("select slug from eastern_units order by slug")]

    def ask(self, question: str) -> list[Sequence]:  # type: ignore[type-arg]  # rows of any shape
        """Rows."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(question))]

    def pack(self, rows: "Converted") -> None:
        """Lots enough for everything that will be asked for, from several villages each."""
        with self.app.app_context(), reading():
            for sku in self.skus:
                for number, (days, share) in enumerate(HARVESTS):
                    units = rows.demand[sku.code] * share // 100 + (5_000 if number == len(HARVESTS) - 1 else 0)
                    if not units:
                        continue
                    weights = [1 + zlib.crc32(f"{sku.code}:{number}:{village}".encode()) % 7 for village in sku.villages]
                    grams = [units * sku.grams * weight // sum(weights) + 1 for weight in weights]
                    record_lot(
                        ProductId(sku.product_id),
                        harvested_on=rows.first_day - timedelta(days=days),
                        best_before=None,
                        grade="一级",
                        sources=[Source(VillageId(village), gram) for village, gram in zip(sku.villages, grams, strict=True)],
                        packs=[Packed(SkuId(sku.id), units)],
                        by=None,
                        once=f"replay:{sku.code}:{number}",
                        now=datetime.now(UTC),
                    )

    def village_days(self) -> dict[tuple[int, str], int]:
        """Fen by village and business day."""
        rows = self.ask("select village_id, business_day, sum(amount_fen) from attributions group by village_id, business_day")
        return {(village, str(day)): int(fen) for village, day, fen in rows}

    def books(self) -> "Books":
        """What our own sum starts from."""
        books = Books()
        for lot, gross in self.ask("select id, gross_fen from lots"):
            books.totals[lot] = gross
        for lot, code, village, grams in self.ask(
            """select s.lot_id, v.code, v.id, s.grams from lot_sources s join lots l on l.id = s.lot_id and l.source_version = s.version
                 join villages v on v.id = s.village_id order by s.lot_id, v.id"""
        ):
            books.sources[lot].append((code or "", village, grams))
        for sku, best, item, lot, harvested, free in self.ask(
            """select s.code, l.best_before, i.id, l.id, l.harvested_on, i.packed - i.held - i.sold - i.written_off
                 from stock_items i join lots l on l.id = i.lot_id join skus s on s.id = i.sku_id join products p on p.id = s.product_id
                where l.recalled_at is null and p.status = 'published' and s.is_offered order by l.best_before, i.id"""
        ):
            books.shelves[sku].append([str(best), item, lot, str(harvested), free])
        return books


# ── Invoice lines become rows ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Converted:
    """A file for the import, and what has to lie on the shelves for it."""

    count: int = 0
    first_day: date = date.max
    demand: Counter[str] = field(default_factory=Counter)


def convert(source: Path, shop: Shop, target: Path, most: int | None) -> Converted:
    """Write the import's file. The days are moved so that the last line was sold yesterday."""
    made = Converted()
    last = max(datetime.fromisoformat(line["InvoiceDate"]) for line in _lines(source, most))
    moved = datetime.now(UTC).date() - timedelta(days=1) - last.date()
    open_sales: dict[tuple[str, str, str], list[list]] = defaultdict(list)  # type: ignore[type-arg]  # [ref, units left]
    with target.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(COLUMNS)
        for number, line in enumerate(_lines(source, most), start=1):
            at = datetime.fromisoformat(line["InvoiceDate"]) + moved
            code, quantity, fen = line["StockCode"], int(line["Quantity"]), round(float(line["UnitPrice"]) * 100)
            is_goods = code[:5].isdigit() or code.startswith("DCGS")
            sku = shop.skus[zlib.crc32(code.encode()) % len(shop.skus)].code if is_goods else code
            ref, returns = f"replay:{number}", ""
            key = (line["CustomerID"], code, line["UnitPrice"])
            if line["InvoiceNo"].startswith("C"):
                returns = _cancelled(open_sales[key], -quantity) or f"never:{line['InvoiceNo']}:{code}"
            elif quantity > 0 and fen > 0 and is_goods:
                open_sales[key].append([ref, quantity])
                made.demand[sku] += quantity
            buyer = zlib.crc32(line["CustomerID"].encode())
            unit = shop.units[buyer % len(shop.units)] if shop.units and buyer % 5 == 0 else ""
            region = REGIONS[buyer % len(REGIONS)] if line["CustomerID"] else ""
            sheet.writerow((ref, returns, f"{at.isoformat()}+08:00", sku, quantity, fen, region, unit, "offline", ""))
            made.count += 1
            made.first_day = min(made.first_day, at.date())
    return made


def _cancelled(sold: list[list], units: int) -> str:  # type: ignore[type-arg]  # [ref, units left]
    """The latest line of that buyer, thing and price that still has so many units."""
    for sale in reversed(sold):
        if sale[1] >= units:
            sale[1] -= units
            return str(sale[0])
    return ""


def _lines(source: Path, most: int | None) -> Iterator[dict[str, str]]:
    opener = lzma.open if source.suffix == ".xz" else open
    with opener(source, "rt", encoding="utf-8", newline="") as file:
        for number, line in enumerate(csv.DictReader(file), start=1):
            if most is not None and number > most:
                return
            yield line


# ── The import, from outside ──────────────────────────────────────────────────────────────────────────────────────────


def measure(
    name: str, file: Path, options: Sequence[str], environ: dict[str, str], lines: int, database: Callable[[], float]
) -> dict[str, object]:
    """Run the command as a process of its own: wall and processor time, peak memory, and what it said."""
    used, at = database(), time.perf_counter()
    command = [sys.executable, "-m", "flask", "sales", "import", str(file), *options]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as cried:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=said, stderr=cried)
        peaks: list[int] = []
        watch = threading.Thread(target=lambda: _watch(process.pid, peaks), daemon=True)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - at
        said.seek(0)
        words = said.read().decode().splitlines()
        if "Traceback" in (trouble := _read_again(cried)):
            sys.exit(f"{name} broke off after {seconds:.1f} s:\n{trouble[trouble.index('Traceback') :]}")
    why = Counter(_reason(line) for line in words if line.startswith("Line "))
    cpu, cpu_database = usage.ru_utime + usage.ru_stime, database() - used
    figures: dict[str, object] = {
        "seconds": round(seconds, 1),
        "lines_a_second": round(lines / seconds),
        "cpu_seconds": round(cpu, 1),
        "database_cpu_seconds": round(cpu_database, 1),
        "lines_a_cpu_second": round(lines / (cpu + cpu_database)),
        "peak_mb": peaks[-1] if peaks else None,
        "peak_mb_early": peaks[len(peaks) // 10] if peaks else None,
        "rejected": sum(why.values()),
        "why": dict(why.most_common()),
        "exit": os.waitstatus_to_exitcode(status),
    }
    print(
        f"\n{name}: {lines:,} lines in {seconds:.1f} s: {lines / seconds:,.0f} lines/s; processor {cpu:.1f} s + database {cpu_database:.1f} s;",
        end=" ",
    )
    print(f"peak memory {peaks[-1]} MB, {peaks[len(peaks) // 10]} MB after a tenth of the time; load {os.getloadavg()[0]:.1f}")
    print("\n".join(f"  {line}" for line in words if not line.startswith("Line ") and not line.startswith("  ")))
    for reason, count in why.most_common():
        print(f"  {count:7,}  {reason}")
    sys.stdout.flush()
    return figures


def _read_again(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _watch(pid: int, peaks: list[int]) -> None:
    """Note a process's greatest memory so far, in MB, until it has ended. (What `wait4` says includes that of the process it was forked from.)"""
    while True:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            return
        if (line := next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)) is None:
            return  # it has ended, and waits to be asked
        peaks.append(int(line.split()[1]) // 1024)
        time.sleep(0.5)  # a measure, nothing to wait on


def _reason(line: str) -> str:
    """The message without what differs from row to row."""
    sentence = line.partition(": ")[2].partition(":")[0] if "was never sold" in line else line.partition(": ")[2]
    words = ["…" if any(sign.isdigit() for sign in word) or "“" in word else word for word in sentence.split()]
    return " ".join(words)[:110]


# ── Our own sum: nothing here comes from the shop ─────────────────────────────────────────────────────────────────────


@dataclass
class Books:
    """Where the lots stood before."""

    totals: dict[int, int] = field(default_factory=dict)
    sources: dict[int, list[tuple[str, int, int]]] = field(default_factory=lambda: defaultdict(list))
    shelves: dict[str, list[list]] = field(default_factory=lambda: defaultdict(list))  # type: ignore[type-arg]
    """By SKU code: best before, item, lot, harvested on, free units; first expired first."""


def independent_sum(file: Path, books: Books) -> tuple[dict[tuple[int, str], int], Counter[str]]:
    """Fen by village and day of everything in the file that can be booked, and why the rest cannot."""
    found: dict[tuple[int, str], int] = defaultdict(int)
    refused: Counter[str] = Counter()
    sold: dict[str, list[dict]] = {}  # type: ignore[type-arg]  # by ref: picks
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            units, price, day = int(row["quantity"]), int(row["unit_price_fen"]), row["sold_at"][:10]
            if price <= 0:
                refused["no price"] += 1
            elif row["returns"]:
                picks = sold.get(row["returns"])
                if picks is None or sum(pick["units"] - pick["back"] for pick in picks) < -units:
                    refused["never sold, or not so many left"] += 1
                    continue
                for village, fen in give_back(picks, -units):
                    found[village, day] -= fen
            elif units <= 0:
                refused["negative without a sale"] += 1
            elif row["sku"] not in books.shelves:
                refused["not a thing of ours"] += 1
            else:
                taken = take(books.shelves[row["sku"]], units, day)
                if taken is None:
                    refused["not enough on the shelf"] += 1
                    continue
                sold[row["ref"]] = [
                    {"item": item, "units": count, "back": 0, "fen": fen, "fen_back": 0, "shares": sell(books, item[2], fen)}
                    for (item, count), fen in zip(taken, largest_remainder(units * price, [count for _, count in taken]), strict=True)
                ]
                for pick in sold[row["ref"]]:
                    for _code, village, fen in pick["shares"]:
                        found[village, day] += fen
    return dict(found), refused


def take(shelf: list[list], units: int, day: str) -> list[tuple[list, int]] | None:  # type: ignore[type-arg]
    """Units by item, first expired first; nothing if there are not enough."""
    wanted, taken = units, []
    for item in shelf:
        best, _item, _lot, harvested, free = item
        if free > 0 and harvested <= day <= best and wanted:
            count = min(free, wanted)
            taken.append((item, count))
            wanted -= count
    if wanted:
        return None
    for item, count in taken:
        item[4] -= count
    return taken


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Parts of a whole; the first where remainders are equal."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-(total * weights[at] % whole), at))
    for at in order[: total - sum(parts)]:
        parts[at] += 1
    return parts


def sell(books: Books, lot: int, fen: int) -> list[tuple[str, int, int]]:
    """What each village gets: the split of the lot's total after the sale, less that before."""
    sources = books.sources[lot]
    before = books.totals[lot]
    books.totals[lot] += fen
    after, was = split(before + fen, sources), split(before, sources)
    return [(code, village, now - then) for (code, village, _), now, then in zip(sources, after, was, strict=True)]


def give_back(picks: list[dict], units: int) -> Iterator[tuple[int, int]]:  # type: ignore[type-arg]
    """Villages and fen of so many units, the latest pick first; each pick's cumulative refund half-up, split over what it had brought."""
    for pick in reversed(picks):
        count = min(units, pick["units"] - pick["back"])
        if not count:
            continue
        units -= count
        pick["back"] += count
        pick["item"][4] += count  # for sale again
        due = (2 * pick["fen"] * pick["back"] + pick["units"]) // (2 * pick["units"])
        after, was = split(due, pick["shares"]), split(pick["fen_back"], pick["shares"])
        pick["fen_back"] = due
        yield from ((village, now - then) for (_, village, _), now, then in zip(pick["shares"], after, was, strict=True))


def split(total: int, weights: Sequence[tuple[str, int, int]]) -> list[int]:
    """Nested two-way rounding, as docs/design.md says it: merge the smallest first, give each left child the half-up of its part."""
    heap = [(weight, 0, code, id_, at, None) for at, (code, id_, weight) in enumerate(weights)]
    heapq.heapify(heap)
    merged = 0
    while len(heap) > 1:
        left, right = heapq.heappop(heap), heapq.heappop(heap)
        merged += 1
        heapq.heappush(heap, (left[0] + right[0], 1, "", merged, -1, (left, right)))
    shares = [0] * len(weights)

    def give(node: tuple, fen: int) -> None:  # type: ignore[type-arg]  # weight, merged?, code, id, place, children
        if node[5] is None:
            shares[node[4]] = fen
        elif fen:
            left, right = node[5]
            part = (2 * fen * left[0] + node[0]) // (2 * node[0])
            give(left, part)
            give(right, fen - part)

    give(heap[0], total)
    return shares


if __name__ == "__main__":
    main()
