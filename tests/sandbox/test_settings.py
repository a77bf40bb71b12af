"""Settings from the environment, and the law that the sandbox stands alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import sandbox
from sandbox.settings import SettingError, Settings


def test_defaults_make_a_working_sandbox() -> None:
    settings = Settings.from_environment({})
    assert settings.public_url == "http://127.0.0.1:8001"
    assert settings.secret_key == "sk_test_sandbox"
    assert settings.webhook_url is None


def test_the_port_moves_the_public_address_unless_it_is_given() -> None:
    assert Settings.from_environment({"SANDBOX_PORT": "9001"}).public_url == "http://127.0.0.1:9001"
    assert (
        Settings.from_environment({"SANDBOX_PORT": "9001", "SANDBOX_PUBLIC_URL": "https://pay.example/"}).public_url
        == "https://pay.example"
    )


def test_everything_can_be_said() -> None:
    settings = Settings.from_environment(
        {
            "SANDBOX_SECRET_KEY": "sk_test_other",
            "SANDBOX_WEBHOOK_URL": "http://127.0.0.1:8000/hooks/stripe",
            "SANDBOX_WEBHOOK_SECRET": "whsec_other",
            "SANDBOX_WEBHOOK_EVENTS": "charge.refunded, checkout.session.completed",
            "SANDBOX_DATABASE": ":memory:",
        }
    )
    assert settings.webhook_events == {"charge.refunded", "checkout.session.completed"}
    assert (settings.secret_key, settings.webhook_secret, settings.database) == ("sk_test_other", "whsec_other", ":memory:")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SANDBOX_PORT", "eighty"),
        ("SANDBOX_PORT", "70000"),
        ("SANDBOX_PUBLIC_URL", "pay.example"),
        ("SANDBOX_WEBHOOK_URL", "ftp://127.0.0.1/"),
        ("SANDBOX_SECRET_KEY", "sk_live_51abc"),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name) as refusal:
        Settings.from_environment({name: value})
    assert "sk_live_51abc" not in str(refusal.value)


def test_the_sandbox_shares_no_import_with_the_shop() -> None:
    allowed = {"sandbox", "flask", "werkzeug", "jinja2"}
    for file in Path(sandbox.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in allowed or top in sys.stdlib_module_names, f"{file.name} imports {name}"
