"""The whole shop as `make run` starts it, on a new SQLite database with the demo county: web, worker and sandbox as processes of their own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SLOWEST_START_SECONDS = 120


@dataclass(frozen=True)
class RunningShop:
    """A shop that answers at `url`, and commands that find its database."""

    url: str
    environ: dict[str, str]
    log: Path

    def flask(self, *arguments: str) -> str:
        """What a `flask` command prints; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", *arguments], cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def sales_by_village(self) -> dict[str | None, int]:
        """Net fen of every village by its code, and under `total` of them all, as the command reports them."""
        report = json.loads(
            self.flask("reports", "sales", "--by", "village", "--from", "2020-01-01", "--to", "2099-12-31", "--format", "json")
        )
        return {row["village_code"]: row["net_fen"] for row in report["rows"]} | {"total": report["total"]["net_fen"]}


@contextmanager
def running_shop() -> Iterator[RunningShop]:
    """Start it, wait until it can serve, and end it with everything that it started."""
    folder = Path(tempfile.mkdtemp(prefix="shop"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SHOP_", "STRIPE_", "SANDBOX_"))}
    environ |= {
        "PORT": str(port),
        "SHOP_INSTANCE_PATH": str(folder),
        "SHOP_DATABASE_URL": f"sqlite:///{folder / 'shop.sqlite'}",
        "WEB_PROCESSES": "1",
    }
    shop = RunningShop(f"http://127.0.0.1:{port}", environ, folder / "log")
    with shop.log.open("wb") as log:
        process = subprocess.Popen([sys.executable, "ops/run.py"], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_until_it_serves(shop, process)
        yield shop
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_serves(shop: RunningShop, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + SLOWEST_START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{shop.url}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"the shop does not serve:\n{shop.log.read_text(encoding='utf-8')[-4000:]}")
