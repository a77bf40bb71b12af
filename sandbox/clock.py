"""The sandbox's time: the machine's, moved by an offset that a test may set, so that nobody waits half an hour for an expiry."""

from __future__ import annotations

import time


class Clock:
    """Seconds since 1970. Objects, expiry and idempotency keys follow `now()`, retries `moment()`, signatures alone `wall()`."""

    def __init__(self) -> None:
        self.offset_seconds = 0

    def now(self) -> int:
        """The sandbox's time, which may be shifted."""
        return int(time.time()) + self.offset_seconds

    def moment(self) -> float:
        """The sandbox's time to the fraction of a second: when the next attempt is due."""
        return time.time() + self.offset_seconds

    def wall(self) -> float:
        """The machine's time. A signature's timestamp is checked by the receiver against its own clock, so it is never shifted."""
        return time.time()
