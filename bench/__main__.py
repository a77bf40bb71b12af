"""`make bench`: processor time per request, requests per second, latency and bytes on the wire, for the pages of the shop and a whole purchase."""

import argparse
import json
import os
import platform
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from bench.buyer import STEPS, Answer, Browser, fields_of, purchase
from bench.processes import Meters, flask, free_port, granian, meter, parent_of
from tests.database import postgresql_server, psycopg_url

PRODUCT = "jinsi-huangju"
PAGES = {
    "home": "/",
    "shelves of 24": "/products/",
    "product": f"/products/{PRODUCT}",
    "search": "/products/?q=%E7%B1%B3",
}
MARKS_MS = {"shelves of 24": 6.0, "product": 4.0, "purchase": 40.0}
"""DESIGN of the first issue: the shop's and the database's processor time together."""

CONNECTIONS = 4
"""How many visitors ask at the same moment when requests per second are counted."""


@dataclass(frozen=True)
class Row:
    """What one page cost; of a purchase, all its requests together."""

    name: str
    shop_ms: float
    database_ms: float
    per_second: float | None
    p50_ms: float
    p95_ms: float
    wire_bytes: int

    @property
    def cpu_ms(self) -> float:
        """Of both together: what the marks are about."""
        return self.shop_ms + self.database_ms


@dataclass(frozen=True)
class Stage:
    """A shop that answers."""

    host: str
    sandbox: str
    meters: Meters


def main() -> None:
    """Measure on the databases asked for and print a table each."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--database", choices=["postgresql", "sqlite", "both"], default="both")
    arguments.add_argument("--requests", type=int, default=400, help="counted requests of each page")
    arguments.add_argument("--purchases", type=int, default=100, help="counted purchases")
    arguments.add_argument("--json", type=Path, help="write the figures there too")
    given = arguments.parse_args()
    found: dict[str, object] = {"machine": _machine(), "requests": given.requests, "purchases": given.purchases}
    for kind in ("postgresql", "sqlite") if given.database == "both" else (given.database,):
        floor = measure_floor(given.requests)  # beside each: the machine may be busier than a minute ago
        rows, steps = measure_shop(kind, given.requests, given.purchases)
        found[kind] = {"floor": _as_figures(floor), "rows": [_as_figures(row) for row in rows], "purchase_steps_ms": steps}
        _print(kind, rows, steps, floor)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")


def measure_floor(requests: int) -> Row:
    """A bare page under the same server."""
    port = free_port()
    with granian("bench.floor:app", port, os.environ) as pid:
        return measure_page("floor", f"127.0.0.1:{port}", "/", requests, Meters(meter(pid), meter(None)))


def measure_shop(kind: str, requests: int, purchases: int) -> tuple[list[Row], dict[str, float]]:
    """Every page, and a purchase with what each of its steps takes of the processor."""
    with a_shop(kind) as stage:
        rows = [measure_page(name, stage.host, path, requests, stage.meters) for name, path in PAGES.items()]
        rows.append(measure_adding(stage, requests))
        whole, steps = measure_purchases(stage, purchases)
        return [*rows, whole], steps


@contextmanager
def a_shop(kind: str) -> Iterator[Stage]:
    """The shop with the demo county on one kind of database, and its sandbox, whose own work is not counted: in life it is Stripe's."""
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
        postmaster = None
        if kind == "postgresql":
            server = opened.enter_context(postgresql_server())
            with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute("CREATE DATABASE bench")
                postmaster = parent_of(connection.info.backend_pid)
            environ["SHOP_DATABASE_URL"] = psycopg_url(server, "bench")
        flask("db", "upgrade", environ=environ)
        flask("seed", "demo", environ=environ)
        if kind == "postgresql":
            with psycopg.connect(environ["SHOP_DATABASE_URL"].replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")  # as autovacuum does within a minute of a shop's opening
        opened.enter_context(granian("sandbox.wsgi:app", sandbox_port, environ))
        pid = opened.enter_context(granian("wsgi:app", port, environ, ready="/readyz"))
        yield Stage(f"127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}", Meters(meter(pid), meter(postmaster)))


# ── One page ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure_page(name: str, host: str, path: str, requests: int, meters: Meters) -> Row:
    """Ask one address again and again over one kept connection, then over several at once for the requests per second."""

    def ask(browser: Browser) -> Answer:
        answer = browser.get(path)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return answer

    browser = Browser(host)
    for _ in range(max(20, requests // 10)):
        ask(browser)
    row = _measure(name, meters, [lambda: ask(browser)] * requests)
    per_second = _measure_rate(host, ask, requests)
    return Row(**{**asdict(row), "per_second": per_second})


def _measure(name: str, meters: Meters, works: Sequence[Callable[[], Answer | None]]) -> Row:
    """Do these one after the other: processor time and latency of each on average, bytes of the last."""
    taken: list[float] = []
    answer: Answer | None = None
    shop, database = meters.read()
    for work in works:
        at = time.perf_counter()
        answer = work()
        taken.append(time.perf_counter() - at)
    shop_after, database_after = meters.read()
    cuts = statistics.quantiles(taken, n=20)
    return Row(
        name=name,
        shop_ms=(shop_after - shop) / len(works) * 1000,
        database_ms=(database_after - database) / len(works) * 1000,
        per_second=None,
        p50_ms=statistics.median(taken) * 1000,
        p95_ms=cuts[18] * 1000,
        wire_bytes=answer.wire_bytes if answer else 0,
    )


def _measure_rate(host: str, ask: Callable[[Browser], Answer], requests: int) -> float:
    browsers = [Browser(host) for _ in range(CONNECTIONS)]
    for browser in browsers:
        ask(browser)
    each = max(1, requests // CONNECTIONS)
    threads = [threading.Thread(target=lambda browser=browser: [ask(browser) for _ in range(each)]) for browser in browsers]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return each * CONNECTIONS / (time.perf_counter() - began)


def measure_adding(stage: Stage, requests: int) -> Row:
    """The request that puts the first thing into a basket: each by another visitor, who has looked at the product before."""

    def arrive() -> tuple[dict[str, str], dict[str, str]]:
        browser.forget()
        form = fields_of(browser.get(PAGES["product"]).text)
        return dict(browser.cookies), {"csrf_token": form["csrf_token"], "sku": form["sku"], "quantity": "1"}

    def add(cookies: dict[str, str], form: dict[str, str]) -> Answer:
        browser.cookies = cookies
        answer = browser.post("/cart/lines", form)
        if answer.status != 303:
            raise RuntimeError(f"adding to the basket answered {answer.status}")
        return answer

    browser = Browser(stage.host)
    visitors = [arrive() for _ in range(requests + 20)]
    for cookies, form in visitors[:20]:
        add(cookies, form)
    return _measure("add to cart", stage.meters, [lambda visitor=visitor: add(*visitor) for visitor in visitors[20:]])


# ── A whole purchase ──────────────────────────────────────────────────────────────────────────────────────────────────


def measure_purchases(stage: Stage, purchases: int) -> tuple[Row, dict[str, float]]:
    """Every request that a purchase takes, the provider's call included; and milliseconds of the processor by step."""
    browser = Browser(stage.host)

    def pay(url: str) -> str:
        """Play the buyer on the sandbox's page; its webhook is delivered, and answered, before we go on."""
        session_id = url.rstrip("/").rpartition("/")[2]
        _tell(f"{stage.sandbox}/_sandbox/pay/{session_id}", {"method": "alipay", "outcome": "paid"})
        _tell(f"{stage.sandbox}/_sandbox/deliver", {})
        return _success_url(stage.sandbox, session_id)

    for _ in range(max(5, purchases // 10)):
        purchase(browser, PRODUCT, pay, lambda _name: None)
    steps = dict.fromkeys(STEPS, 0.0)
    under_way: list[tuple[str, float]] = []

    def step(name: str) -> None:
        now = sum(stage.meters.read())
        if under_way:
            before, at = under_way.pop()
            steps[before] += (now - at) * 1000 / purchases
        if name:
            under_way.append((name, now))

    def buy() -> None:
        sizes.append(purchase(browser, PRODUCT, pay, step))

    sizes: list[int] = []
    whole = _measure("purchase", stage.meters, [buy] * purchases)
    return Row(**{**asdict(whole), "wire_bytes": round(statistics.mean(sizes))}), steps


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


# ── Writing it down ───────────────────────────────────────────────────────────────────────────────────────────────────


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"


def _as_figures(row: Row) -> dict[str, object]:
    return {**asdict(row), "cpu_ms": row.cpu_ms}


def _print(kind: str, rows: Sequence[Row], steps: Mapping[str, float], floor: Row) -> None:
    print(f"\n## {kind}\n\nFloor: {floor.cpu_ms:.2f} ms of the processor a request, {floor.per_second:.0f} requests/s. {_machine()}.\n")
    print("| page | CPU ms | of it the database's | × floor | mark | requests/s | p50 ms | p95 ms | bytes |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        mark = f"≤ {MARKS_MS[row.name]:g}" if row.name in MARKS_MS else ""
        rate = f"{row.per_second:.0f}" if row.per_second else ""
        database = f"{row.database_ms:.2f}" if kind == "postgresql" else ""
        cells = [row.name, f"{row.cpu_ms:.2f}", database, f"{row.cpu_ms / floor.cpu_ms:.1f}", mark, rate]
        cells += [f"{row.p50_ms:.1f}", f"{row.p95_ms:.1f}", str(row.wire_bytes)]
        print(f"| {' | '.join(cells)} |")
    print("\nOf a purchase: " + ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in steps.items()) + " ms.", flush=True)


if __name__ == "__main__":
    main()
