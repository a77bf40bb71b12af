"""What the sandbox can be told from outside, read once and strictly: a wrong value stops the start with the variable's name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORT = 8001  # where the shop looks for it unless SANDBOX_PORT tells both another
IN_MEMORY = ":memory:"
EVERY_EVENT = frozenset({"*"})


class SettingError(ValueError):
    """A variable holds something the sandbox cannot use; the message names it and says what is allowed."""


@dataclass(frozen=True)
class Settings:
    """The sandbox's settings. Every field has a default, so that a test states only what it is about."""

    port: int = DEFAULT_PORT
    public_url: str = f"http://127.0.0.1:{DEFAULT_PORT}"
    """Where buyers' browsers reach the pay page; no slash at the end."""
    secret_key: str = "sk_test_sandbox"
    """The only API key that is let in."""
    webhook_url: str | None = None
    """Where events are delivered; without one they are only kept."""
    webhook_secret: str = "whsec_sandbox"
    webhook_events: frozenset[str] = EVERY_EVENT
    """The event types the endpoint subscribes to, as `enabled_events` of a real endpoint; `*` is every type."""
    webhook_timeout_seconds: float = 10.0
    retry_after_seconds: tuple[float, ...] = (1, 2, 5, 10, 30, 60, 120, 300, 600)
    """Pauses between the attempts at one delivery. Stripe spreads its attempts over three days; nobody waits here that long."""
    late_notice_seconds: float = 30.0
    """How late the notice comes when the buyer chose 付成了，但通知晚到."""
    database: str = "instance/sandbox.sqlite"
    """An SQLite file, or `:memory:`."""
    delivers: bool = True
    """Whether the background thread runs that delivers events and lets sessions expire."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read `SANDBOX_*`. Raises SettingError."""
        port = _port(environment, "SANDBOX_PORT", DEFAULT_PORT)
        events = environment.get("SANDBOX_WEBHOOK_EVENTS", "*")
        return cls(
            port=port,
            public_url=(_address(environment, "SANDBOX_PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
            secret_key=_test_key(environment, "SANDBOX_SECRET_KEY", cls.secret_key),
            webhook_url=_address(environment, "SANDBOX_WEBHOOK_URL"),
            webhook_secret=environment.get("SANDBOX_WEBHOOK_SECRET") or cls.webhook_secret,
            webhook_events=frozenset(name.strip() for name in events.split(",") if name.strip()) or EVERY_EVENT,
            database=environment.get("SANDBOX_DATABASE") or cls.database,
        )


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise SettingError(f"{name} must be a port number from 1 to 65535, not {text!r}")
    return int(text)


def _address(environment: Mapping[str, str], name: str) -> str | None:
    text = environment.get(name)
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(f"{name} must be an http or https address, not {text!r}")
    return text


def _test_key(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name) or default
    if not text.startswith(("sk_test_", "rk_test_")):
        # The value is not repeated: a live key pasted here by mistake must not end up in a log.
        raise SettingError(f"{name} must be a test key, beginning with sk_test_ or rk_test_")
    return text
