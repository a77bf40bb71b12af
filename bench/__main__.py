"""`make bench`: processor time per request, requests per second, latency and bytes on the wire, for the pages of the shop and a whole purchase."""

import argparse
import json
import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from bench.buyer import PURCHASE, Browser, purchase
from bench.processes import cpu_seconds, family, flask, free_port, granian
from tests.database import postgresql_server, psycopg_url

PRODUCT = "jinsi-huangju"
PAGES = {
    "home": "/",
    "shelves of 24": "/products/",
    "product": f"/products/{PRODUCT}",
    "search": "/products/?q=%E7%B1%B3",
}
MARKS_MS = {"shelves of 24": 6.0, "product": 4.0, "purchase": 40.0}


@dataclass(frozen=True)
class Row:
    """What one page cost."""

    name: str
    cpu_ms: float
    """Of the shop's processes and the database's, per request; per purchase for a purchase."""
    database_cpu_ms: float
    per_second: float
    p50_ms: float
    p95_ms: float
    wire_bytes: int


def main() -> None:
    """Measure on the databases asked for and print a table each."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--database", choices=["postgresql", "sqlite", "both"], default="both")
    arguments.add_argument("--requests", type=int, default=400, help="counted requests of each page")
    arguments.add_argument("--purchases", type=int, default=100, help="counted purchases")
    arguments.add_argument("--json", type=Path, help="write the figures there too")
    given = arguments.parse_args()
    floor = _measure_floor(given.requests)
    found: dict[str, object] = {"floor": asdict(floor)}
    for kind in ("postgresql", "sqlite") if given.database == "both" else (given.database,):
        rows = _measure_shop(kind, given.requests, given.purchases)
        found[kind] = [asdict(row) for row in rows]
        _print(kind, rows, floor)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")


def _measure_floor(requests: int) -> Row:
    port = free_port()
    with granian("bench.floor:app", port, os.environ) as pid:
        return _measure_page("floor", Browser(f"127.0.0.1:{port}"), "/", requests, lambda: family(pid), set)


def _measure_shop(kind: str, requests: int, purchases: int) -> list[Row]:
    with _shop(kind) as (host, sandbox, shop_pids, database_pids):
        browser = Browser(host)
        rows = [_measure_page(name, browser, path, requests, shop_pids, database_pids) for name, path in PAGES.items()]
        rows += _measure_purchases(browser, sandbox, purchases, shop_pids, database_pids)
    return rows


@contextmanager
def _shop(kind: str) -> Iterator[tuple[str, str, Callable[[], set[int]], Callable[[], set[int]]]]:
    """The shop with the demo county, and its sandbox: their addresses, and which processes to count."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        port, sandbox_port = free_port(), free_port()
        environ = {
            **os.environ,
            "SHOP_INSTANCE_PATH": str(folder),
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
            "SANDBOX_DATABASE": str(folder / "sandbox.sqlite"),
            "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{port}/hooks/stripe",
            # what a real endpoint of this shop would be subscribed to
            "SANDBOX_WEBHOOK_EVENTS": "checkout.session.completed,checkout.session.expired,charge.refunded",
        }
        database_pids: Callable[[], set[int]] = set
        if kind == "postgresql":
            server = opened.enter_context(postgresql_server())
            with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute("CREATE DATABASE bench")
            environ["SHOP_DATABASE_URL"] = psycopg_url(server, "bench")
            database_pids = _postmaster(server)
        flask("db", "upgrade", environ=environ)
        flask("seed", "demo", environ=environ)
        opened.enter_context(granian("sandbox.wsgi:app", sandbox_port, environ))
        pid = opened.enter_context(granian("wsgi:app", port, environ, ready="/readyz"))
        yield f"127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}", lambda: family(pid), database_pids


def _postmaster(server: str) -> Callable[[], set[int]]:
    with psycopg.connect(server.replace("+psycopg", "")) as connection:
        backend = connection.info.backend_pid
        parent = int(Path(f"/proc/{backend}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
    return lambda: family(parent)


def _measure_page(
    name: str, browser: Browser, path: str, requests: int, shop_pids: Callable[[], set[int]], database_pids: Callable[[], set[int]]
) -> Row:
    for _ in range(max(20, requests // 10)):
        answer = browser.get(path)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
    taken: list[float] = []
    shop, database = shop_pids(), database_pids()
    before, before_database, began = cpu_seconds(shop), cpu_seconds(database), time.perf_counter()
    for _ in range(requests):
        at = time.perf_counter()
        answer = browser.get(path)
        taken.append(time.perf_counter() - at)
    elapsed = time.perf_counter() - began
    shop_ms = (cpu_seconds(shop) - before) / requests * 1000
    database_ms = (cpu_seconds(database) - before_database) / requests * 1000
    return Row(name, shop_ms + database_ms, database_ms, requests / elapsed, *_percentiles(taken), answer.wire_bytes)


def _measure_purchases(
    browser: Browser, sandbox: str, purchases: int, shop_pids: Callable[[], set[int]], database_pids: Callable[[], set[int]]
) -> list[Row]:
    """The purchase as a whole, and "add to cart" of it by itself."""

    def pay(url: str) -> str:
        """Play the buyer on the sandbox's page; its webhook is delivered, and answered, before we go on."""
        session_id = url.rstrip("/").rpartition("/")[2]
        _tell(f"{sandbox}/_sandbox/pay/{session_id}", {"method": "alipay", "outcome": "paid"})
        _tell(f"{sandbox}/_sandbox/deliver", {})
        return _success_url(sandbox, session_id)

    for _ in range(max(5, purchases // 10)):
        purchase(browser, PRODUCT, pay, lambda _name: None)
    taken: list[float] = []
    added_ms = 0.0
    shop, database = shop_pids(), database_pids()
    before, before_database, began = cpu_seconds(shop), cpu_seconds(database), time.perf_counter()
    marks: dict[str, float] = {}

    def step(name: str) -> None:
        marks[name] = cpu_seconds(shop) + cpu_seconds(database)

    for _ in range(purchases):
        at = time.perf_counter()
        purchase(browser, PRODUCT, pay, step)
        taken.append(time.perf_counter() - at)
        added_ms += (marks[PURCHASE[2]] - marks[PURCHASE[1]]) * 1000
    elapsed = time.perf_counter() - began
    shop_ms = (cpu_seconds(shop) - before) / purchases * 1000
    database_ms = (cpu_seconds(database) - before_database) / purchases * 1000
    return [
        Row("add to cart", added_ms / purchases, 0.0, 0.0, 0.0, 0.0, 0),
        Row("purchase", shop_ms + database_ms, database_ms, purchases / elapsed, *_percentiles(taken), 0),
    ]


def _tell(url: str, said: Mapping[str, object]) -> None:
    request = urllib.request.Request(url, json.dumps(said).encode(), {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=30):
        pass


def _success_url(sandbox: str, session_id: str) -> str:
    request = urllib.request.Request(
        f"{sandbox}/v1/checkout/sessions/{session_id}",
        headers={"Authorization": "Bearer sk_test_sandbox", "Stripe-Version": "2026-10-28.endive"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(json.load(response)["success_url"]).replace("{CHECKOUT_SESSION_ID}", session_id)


def _percentiles(taken: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(taken, n=20)
    return statistics.median(taken) * 1000, cuts[18] * 1000


def _print(kind: str, rows: list[Row], floor: Row) -> None:
    print(f"\n{kind}; floor: {floor.cpu_ms:.2f} ms, {floor.per_second:.0f}/s\n")
    print("| page | CPU ms | of it database | × floor | mark | requests/s | p50 ms | p95 ms | bytes |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        mark = f"≤ {MARKS_MS[row.name]:g}" if row.name in MARKS_MS else ""
        rest = f"{row.per_second:.1f} | {row.p50_ms:.1f} | {row.p95_ms:.1f}" if row.per_second else " |  | "
        print(
            f"| {row.name} | {row.cpu_ms:.2f} | {row.database_cpu_ms:.2f} | {row.cpu_ms / floor.cpu_ms:.1f} | {mark} | {rest} | {row.wire_bytes or ''} |"
        )


if __name__ == "__main__":
    main()
