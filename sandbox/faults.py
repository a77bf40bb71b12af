"""Scripted bad days: which request or which event goes wrong, how, how often, and how likely.

A request fault stands at `"POST /v1/checkout/sessions"` (method and path, `*` matches anything):

- `error_500_before`: answers 500 and has done nothing;
- `error_500_after`: acts, then answers 500, as when a gateway in between breaks; the same idempotency key finds the true answer;
- `error_500_kept`: acts, then answers 500, and the same idempotency key gets this 500 for a day: Stripe keeps its own failures too
  (docs.stripe.com/api/idempotent_requests: "regardless of whether it succeeds or fails … including 500 errors");
- `rate_limit`: answers 429 and has done nothing;
- `timeout` or `timeout:SECONDS`: acts, then keeps silent (60 s unless told) and hangs up;
- `refuse`: resets the connection at once and has done nothing;
- `reset`: acts, then resets the connection without an answer;
- `delay:SECONDS`: takes that long to act, its idempotency key being in use meanwhile, then answers.

An event fault stands at `"webhook:checkout.session.completed"` (`*` matches anything):

- `drop`: this event is never delivered, though `GET /v1/events` shows it;
- `duplicate` or `duplicate:COPIES`: it is delivered twice, or that many times;
- `delay:SECONDS`: its first attempt waits that long;
- `reorder`: it lets the next event pass: it is delivered after one that happened later, or after five seconds when none does;
- `bad_signature`, `stale_timestamp`: one *attempt* is signed with a wrong secret, or as if ten minutes old; later ones are right again.

Faults are used up in the order in which they were given, `times` times each. `where` narrows one down: parameters of the request
(`{"client_reference_id": "SH-*"}`, `{"metadata[order]": "SH-*"}`) or fields of the event's object (`{"payment_intent": "pi_…"}`) that
must match. `chance` (0 to 1) leaves each strike to luck, and `seed` beside `faults` makes the luck the same every time.
"""

from __future__ import annotations

import fnmatch
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

BEFORE_ACTING = frozenset({"error_500_before", "rate_limit", "refuse"})
REQUEST_FAULTS = BEFORE_ACTING | {"error_500_after", "error_500_kept", "timeout", "reset", "delay"}
SENDING_FAULTS = frozenset({"drop", "duplicate", "delay", "reorder"})
SIGNING_FAULTS = frozenset({"bad_signature", "stale_timestamp"})
SILENCE_SECONDS = 60.0
MOST_COPIES = 100
_WITH_NUMBER = frozenset({"delay", "timeout", "duplicate"})
_WEBHOOK = "webhook:"
_KNOWN = frozenset({"on", "do", "times", "where", "chance"})


class BadFault(ValueError):
    """A fault that cannot be played; the message says why."""


@dataclass(frozen=True)
class Fault:
    on: str
    do: str
    seconds: float = 0.0
    """Of a delay or a silence."""
    copies: int = 1
    """Of a duplicated event."""
    times: int = 1
    chance: float = 1.0
    where: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:  # Any: JSON
        number = f":{self.seconds:g}" if self.do in ("delay", "timeout") else f":{self.copies}" if self.do == "duplicate" else ""
        return {"on": self.on, "do": self.do + number, "times": self.times, "chance": self.chance, "where": dict(self.where)}

    def strikes(self, happening: str, facts: Mapping[str, str]) -> bool:
        return fnmatch.fnmatchcase(happening, self.on) and all(
            name in facts and fnmatch.fnmatchcase(facts[name], pattern) for name, pattern in self.where.items()
        )


class Faults:
    """The faults still to be played. Safe with several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._luck = random.Random(0)

    def add(self, script: object) -> None:
        """Take in `{"faults": [{"on", "do", "times", "where", "chance"}], "seed": 7}`, all or nothing. Raises BadFault."""
        if not isinstance(script, dict) or not isinstance(script.get("faults"), list):
            raise BadFault('expected {"faults": […]}')
        if type(script.get("seed", 0)) is not int:
            raise BadFault("`seed` must be a whole number")
        faults = [_read(item) for item in script["faults"]]
        with self._lock:
            if "seed" in script:
                self._luck = random.Random(script["seed"])
            self._faults.extend(faults)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:  # Any: JSON
        with self._lock:
            return [fault.shown() for fault in self._faults]

    def take_for_request(self, method: str, path: str, facts: Mapping[str, str]) -> Fault | None:
        """The fault that strikes a request with these parameters."""
        return self._take(f"{method} {path}", REQUEST_FAULTS, facts)

    def take_for_sending(self, event_type: str, facts: Mapping[str, str]) -> Fault | None:
        """The fault that strikes the sending of an event about an object with these fields."""
        return self._take(_WEBHOOK + event_type, SENDING_FAULTS, facts)

    def take_for_signing(self, event_type: str, facts: Mapping[str, str]) -> Fault | None:
        """The fault that strikes one attempt at an event."""
        return self._take(_WEBHOOK + event_type, SIGNING_FAULTS, facts)

    def _take(self, happening: str, kinds: frozenset[str], facts: Mapping[str, str]) -> Fault | None:
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.do not in kinds or not fault.strikes(happening, facts) or self._luck.random() >= fault.chance:
                    continue
                if fault.times > 1:
                    self._faults[index] = replace(fault, times=fault.times - 1)
                else:
                    del self._faults[index]
                return fault
        return None


def facts_of(thing: Mapping[str, Any]) -> dict[str, str]:  # Any: JSON
    """The texts and numbers of an object, and of its metadata as `metadata[name]`, for `where`."""
    facts = {name: str(value) for name, value in thing.items() if isinstance(value, str | int)}
    metadata = thing.get("metadata")
    return facts | ({f"metadata[{name}]": str(value) for name, value in metadata.items()} if isinstance(metadata, dict) else {})


def _read(item: object) -> Fault:
    if not isinstance(item, dict) or not isinstance(item.get("on"), str) or not isinstance(item.get("do"), str):
        raise BadFault("each fault needs the texts `on` and `do`")
    if unknown := sorted(set(item) - _KNOWN):
        raise BadFault(f"a fault has no {', '.join(map(str, unknown))}")
    do, _, number = item["do"].partition(":")
    on, times = item["on"], item.get("times", 1)
    allowed = SENDING_FAULTS | SIGNING_FAULTS if on.startswith(_WEBHOOK) else REQUEST_FAULTS
    if do not in allowed:
        raise BadFault(f"{on!r} can {', '.join(sorted(allowed))}, not {do!r}")
    if type(times) is not int or times < 1:
        raise BadFault("`times` must be a whole number of at least 1")
    if number and do not in _WITH_NUMBER:
        raise BadFault(f"{do!r} takes no number")
    if do == "delay" and not number:
        raise BadFault("say how long: delay:SECONDS")
    fault = Fault(on=on, do=do, times=times, chance=_chance(item.get("chance", 1.0)), where=_where(item.get("where", {})))
    if do == "duplicate":
        return replace(fault, copies=_copies(number or "2"))
    return replace(fault, seconds=_seconds(number) if number else SILENCE_SECONDS if do == "timeout" else 0.0)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise BadFault(f"{text!r} is not a number of seconds") from None
    if not 0 <= seconds <= 3600:
        raise BadFault("seconds must lie between 0 and 3600")
    return seconds


def _copies(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 2 <= int(text) <= MOST_COPIES):
        raise BadFault(f"an event can be duplicated to 2 to {MOST_COPIES} copies, not {text!r}")
    return int(text)


def _chance(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise BadFault("`chance` must lie above 0 and at most at 1")
    return float(value)


def _where(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(name, str) and isinstance(pattern, str) for name, pattern in value.items()):
        raise BadFault('`where` must look like {"client_reference_id": "SH-*"}')
    return dict(value)
