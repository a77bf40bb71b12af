"""What every part of the sandbox is given: the settings, the time, the store, the faults; and the act, one transaction of the pretend Stripe."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.options import Options
from sandbox.settings import Settings
from sandbox.store import Store, Transaction

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class Origin:
    """The API request that caused an event; a buyer on the pay page causes events without one."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Notice:
    """How the events of an act are to be delivered."""

    delay_seconds: float = 0.0
    copies: int = 1


@dataclass
class Act:
    """One transaction in progress, the moment at which it happens, and what caused it."""

    books: Transaction
    now: int
    moment: float
    wall: float
    settings: Settings
    faults: Faults
    options: Options
    origin: Origin
    notice: Notice = Notice()
    has_news: bool = False
    """Whether an event was written, so that the courier is to be woken after the commit."""


@dataclass
class House:
    """The sandbox's parts. `in_use` holds the idempotency keys being worked on; one process serves, so memory is enough."""

    settings: Settings
    store: Store
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    options: Options = field(default_factory=Options)
    news: threading.Event = field(default_factory=threading.Event)
    in_use: set[str] = field(default_factory=set)
    in_use_lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Take up the clock and the options where the store says they were left."""
        with self.store.transaction() as books:
            self.clock.offset_seconds = int(books.setting("clock_offset_seconds") or 0)
            self.options = Options.kept(books.setting("options"))

    def set_clock(self, offset_seconds: int) -> None:
        """Let it be that much later than the machine says; whatever has become due follows at once."""
        with self.store.transaction() as books:
            books.keep_setting("clock_offset_seconds", str(offset_seconds))
        self.clock.offset_seconds = offset_seconds
        self.news.set()

    def set_options(self, options: Options) -> None:
        """Behave so from the next request on."""
        with self.store.transaction() as books:
            books.keep_setting("options", options.dump())
        self.options = options

    @contextmanager
    def act(self, origin: Origin = Origin()) -> Iterator[Act]:
        """Open a transaction for one act; after its commit the courier learns of new events."""
        with self.store.transaction() as books:
            act = Act(
                books=books,
                now=self.clock.now(),
                moment=self.clock.moment(),
                wall=self.clock.wall(),
                settings=self.settings,
                faults=self.faults,
                options=self.options,
                origin=origin,
            )
            yield act
        if act.has_news:
            self.news.set()


def new_id(prefix: str, length: int = 24) -> str:
    """An id in Stripe's form that nobody can guess: the pay page's address is one."""
    return f"{prefix}_{secrets.token_hex((length + 1) // 2)[:length]}"
