"""Scripted bad days: which request or which event goes wrong, how, and how often.

A request fault stands at `"POST /v1/checkout/sessions"` (method and path, `*` matches anything):

- `error_500_before`: answers 500 and has done nothing;
- `error_500_after`: acts, then answers 500, as when a gateway in between breaks; the same idempotency key finds the true answer;
- `timeout` or `timeout:SECONDS`: acts, then keeps silent (60 s unless told) and hangs up;
- `refuse`: hangs up at once and has done nothing;
- `delay:SECONDS`: takes that long to act, its idempotency key being in use meanwhile, then answers.

An event fault stands at `"webhook:checkout.session.completed"` (`*` matches anything):

- `drop`: this event is never delivered, though `GET /v1/events` shows it;
- `duplicate`: it is delivered twice;
- `delay:SECONDS`: its first attempt waits that long;
- `bad_signature`, `stale_timestamp`: one *attempt* is signed with a wrong secret, or as if ten minutes old; later ones are right again.

Faults are used up in the order in which they were given, `times` times each.
"""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, replace
from typing import Any

REQUEST_FAULTS = frozenset({"error_500_before", "error_500_after", "timeout", "refuse", "delay"})
SENDING_FAULTS = frozenset({"drop", "duplicate", "delay"})
SIGNING_FAULTS = frozenset({"bad_signature", "stale_timestamp"})
SILENCE_SECONDS = 60.0
_WITH_SECONDS = frozenset({"delay", "timeout"})
_WEBHOOK = "webhook:"


class BadFault(ValueError):
    """A fault that cannot be played; the message says why."""


@dataclass(frozen=True)
class Fault:
    on: str
    do: str
    seconds: float = 0.0
    times: int = 1


class Faults:
    """The faults still to be played. Safe with several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, script: object) -> None:
        """Take in `{"faults": [{"on", "do", "times"}]}`, all or nothing. Raises BadFault."""
        if not isinstance(script, dict) or not isinstance(script.get("faults"), list):
            raise BadFault('expected {"faults": […]}')
        faults = [_read(item) for item in script["faults"]]
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:  # Any: JSON
        with self._lock:
            return [{"on": fault.on, "do": fault.do, "seconds": fault.seconds, "times": fault.times} for fault in self._faults]

    def take_for_request(self, method: str, path: str) -> Fault | None:
        return self._take(f"{method} {path}", REQUEST_FAULTS)

    def take_for_sending(self, event_type: str) -> Fault | None:
        return self._take(_WEBHOOK + event_type, SENDING_FAULTS)

    def take_for_signing(self, event_type: str) -> Fault | None:
        return self._take(_WEBHOOK + event_type, SIGNING_FAULTS)

    def _take(self, happening: str, kinds: frozenset[str]) -> Fault | None:
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.do in kinds and fnmatch.fnmatchcase(happening, fault.on):
                    if fault.times > 1:
                        self._faults[index] = replace(fault, times=fault.times - 1)
                    else:
                        del self._faults[index]
                    return fault
        return None


def _read(item: object) -> Fault:
    if not isinstance(item, dict) or not isinstance(item.get("on"), str) or not isinstance(item.get("do"), str):
        raise BadFault("each fault needs the texts `on` and `do`")
    do, _, seconds_text = item["do"].partition(":")
    on, times = item["on"], item.get("times", 1)
    allowed = SENDING_FAULTS | SIGNING_FAULTS if on.startswith(_WEBHOOK) else REQUEST_FAULTS
    if do not in allowed:
        raise BadFault(f"{on!r} can {', '.join(sorted(allowed))}, not {do!r}")
    if type(times) is not int or times < 1:
        raise BadFault("`times` must be a whole number of at least 1")
    if seconds_text and do not in _WITH_SECONDS:
        raise BadFault(f"{do!r} takes no seconds")
    if do == "delay" and not seconds_text:
        raise BadFault("say how long: delay:SECONDS")
    try:
        seconds = float(seconds_text) if seconds_text else SILENCE_SECONDS if do == "timeout" else 0.0
    except ValueError:
        raise BadFault(f"{seconds_text!r} is not a number of seconds") from None
    if not 0 <= seconds <= 3600:
        raise BadFault("seconds must lie between 0 and 3600")
    return Fault(on=on, do=do, seconds=seconds, times=times)
