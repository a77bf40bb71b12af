"""What `make run` decides before anything is started: ports, and what web, worker, sandbox and commands are told."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import BadSetting, Config
from ops.run import LOOPBACK, PortTaken, choose_environment
from sandbox.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def port() -> int:
    """A free port with a free one after it."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind((LOOPBACK, 0))
            number = int(first.getsockname()[1])
            try:
                second.bind((LOOPBACK, number + 1))
            except (OSError, OverflowError):
                continue
            return number


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("SHOP_", "STRIPE_", "SANDBOX_")) or name in ("PORT", "HOST"):
            monkeypatch.delenv(name)


def test_shop_and_sandbox_find_each_other(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("PORT", str(port))
    environ = choose_environment()
    shop, sandbox = Config.from_environment(environ), Settings.from_environment(environ)
    assert shop.public_url == f"http://{LOOPBACK}:{port}"
    assert shop.stripe_api_base == sandbox.public_url == f"http://{LOOPBACK}:{port + 1}"
    assert sandbox.webhook_url == f"{shop.public_url}/hooks/stripe"
    assert (sandbox.secret_key, sandbox.webhook_secret) == (shop.stripe_secret_key, shop.stripe_webhook_secret)


def test_they_agree_without_make_run_too() -> None:
    assert Config.from_environment({}).stripe_api_base == Settings.from_environment({}).public_url


def test_commands_find_the_same_database(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("PORT", str(port))
    assert Config.from_environment(choose_environment()).database_url == Config.from_environment({}).database_url


def test_secrets_of_ones_own_reach_the_sandbox(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_mine")
    assert Settings.from_environment(choose_environment()).webhook_secret == "whsec_mine"


def test_a_taken_port_is_said(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setenv("PORT", str(taken))
    with pytest.raises(PortTaken, match=rf"port {taken} .* in use.*PORT="):
        choose_environment()


def test_a_sandbox_whose_usual_port_is_taken_goes_elsewhere(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("PORT", str(port))
    with socket.create_server((LOOPBACK, port + 1)):
        environ = choose_environment()
    assert int(environ["SANDBOX_PORT"]) not in (port, port + 1)
    assert Settings.from_environment(environ).public_url == Config.from_environment(environ).stripe_api_base


def test_a_sandbox_port_that_was_asked_for_and_is_taken_is_said(monkeypatch: pytest.MonkeyPatch, port: int, taken: int) -> None:
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.setenv("SANDBOX_PORT", str(taken))
    with pytest.raises(PortTaken, match="SANDBOX_PORT"):
        choose_environment()


@pytest.mark.parametrize("wrong", ["0", "65536", "-1", "eight thousand", "８０００"])
def test_a_port_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("PORT", wrong)
    with pytest.raises(BadSetting, match="PORT"):
        choose_environment()


def test_it_never_starts_in_production(port: int, tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "PORT": str(port),
        "SHOP_ENV": "production",
        "SHOP_INSTANCE_PATH": str(tmp_path),
        "SHOP_SECRET_KEY": "x" * 32,
        "SHOP_PUBLIC_URL": "https://shop.example",
        "STRIPE_SECRET_KEY": "sk_live_x",
        "STRIPE_WEBHOOK_SECRET": "whsec_x",
    }
    done = subprocess.run([sys.executable, "ops/run.py"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "production" in done.stderr
    assert not list(tmp_path.iterdir()), "nothing was made"
