"""`make run`: the whole shop on this machine, for looking, trying and developing.

Chooses the ports, migrates the database, loads the demo county, and runs what the Procfile names until Ctrl-C. Never for production: docs/operations.md.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from dotenv import load_dotenv
from honcho.environ import parse_procfile
from honcho.manager import Manager

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from config import BadSetting, Config  # noqa: E402  # the root must be on the path first

LOOPBACK = "127.0.0.1"
ASKED_TO_STOP = {128 + signal.SIGINT, 128 + signal.SIGTERM}

WELCOME = """
  山海集 · Shanhai Market
  {public_url}

  Demo accounts, password shanhai-demo:
    buyer@demo.test      buys                 union@demo.test    buys for a trade union
    baishui@demo.test    packs at 白水        staff@demo.test    orders, parcels, reports
    finance@demo.test    answers for figures  admin@demo.test    all of it
  Pretend payments at {sandbox_url}; letters in {letters}/
  Ctrl-C stops everything.
"""


def main() -> int:
    """Prepare, then run until somebody stops it. Returns the exit code."""
    os.chdir(ROOT)
    for asked in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal ends everything too
        signal.signal(asked, lambda number, _frame: sys.exit(128 + number))
    load_dotenv(ROOT / ".env")  # what stands in the environment already wins
    try:
        environ = choose_environment()
        config = Config.from_environment(environ)
    except (BadSetting, PortTaken) as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    if config.is_production:
        print("make run: SHOP_ENV=production: this starts a demo. See docs/operations.md for the real thing.", file=sys.stderr)
        return 1
    for step in (("db", "upgrade"), ("seed", "demo")):
        if failed := subprocess.run([sys.executable, "-m", "flask", *step], env=environ, check=False).returncode:
            return failed
    welcome = WELCOME.format(
        public_url=config.public_url, sandbox_url=environ["SANDBOX_PUBLIC_URL"], letters=_near(config.instance_path / "outbox")
    )
    threading.Thread(target=say_when_it_serves, args=(f"http://{LOOPBACK}:{environ['PORT']}/readyz", welcome), daemon=True).start()
    return run_together(environ)


# ── Ports ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class PortTaken(Exception):
    """Another program listens on a port that was asked for; says which and what to do."""


def choose_environment() -> dict[str, str]:
    """What web, worker, sandbox and commands are told, all of them the same.

    Raises PortTaken, and BadSetting for a port that is none.
    """
    environ = dict(os.environ)
    port = _port(environ, "PORT", 8000)
    if not is_free(port):
        raise PortTaken(
            f"port {port} of {LOOPBACK} is in use, perhaps by another `make run`. Stop that, or choose another: PORT=8100 make run"
        )
    sandbox_port = _sandbox_port(environ, port)
    instance = Path(environ.get("SHOP_INSTANCE_PATH") or ROOT / "instance")
    environ |= {
        "PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }
    environ.setdefault("SHOP_PUBLIC_URL", f"http://{LOOPBACK}:{port}")
    environ.setdefault("SANDBOX_PUBLIC_URL", f"http://{LOOPBACK}:{sandbox_port}")
    environ.setdefault("SANDBOX_WEBHOOK_URL", f"http://{LOOPBACK}:{port}/hooks/stripe")
    environ.setdefault("SANDBOX_DATABASE", str(instance / "sandbox.sqlite"))
    for theirs, ours in (("SANDBOX_SECRET_KEY", "STRIPE_SECRET_KEY"), ("SANDBOX_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET")):
        if environ.get(ours):
            environ.setdefault(theirs, environ[ours])
    return environ


def _sandbox_port(environ: dict[str, str], port: int) -> int:
    """The one asked for; else the next after the shop's, so that pay pages keep their address from run to run; else any free one."""
    if environ.get("SANDBOX_PORT"):
        asked = _port(environ, "SANDBOX_PORT", 0)
        if not is_free(asked):
            raise PortTaken(f"SANDBOX_PORT: port {asked} of {LOOPBACK} is in use. Leave it unset to take a free one.")
        return asked
    if port < 65535 and is_free(port + 1):
        return port + 1
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _port(environ: dict[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise BadSetting(f"{name}: {text!r} is not a whole number from 1 to 65535")
    return int(text)


def is_free(port: int) -> bool:
    """Whether nobody listens there; a connection that is still ending does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


# ── Running ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def run_together(environ: dict[str, str]) -> int:
    """Run every process of the Procfile until one ends or somebody says stop; then end them all. 0 when asked to stop.

    Not by `honcho start`, which gives each process a PORT of its own and reads `.env` over the environment.
    """
    manager = Manager()
    for name, command in parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes.items():
        manager.add_process(name, command, env=environ)
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    manager.loop()
    return 0 if manager.returncode in ASKED_TO_STOP else int(manager.returncode or 0)


def say_when_it_serves(address: str, welcome: str) -> None:
    """Invite people in once somebody answers the door."""
    while True:
        try:
            with urllib.request.urlopen(address, timeout=2):
                print(welcome, flush=True)
                return
        except OSError:  # not yet
            time.sleep(0.2)


def _near(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
