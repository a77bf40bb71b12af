"""Where the sandbox keeps what it knows: one SQLite file, or memory.

Law: everything is read and written inside `transaction()`, one at a time, through one connection; a transaction that raises leaves
nothing behind. Objects are kept as the JSON that Stripe would show; keys beginning with `_` are the sandbox's own notes and never leave
it. The network is never touched inside a transaction.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.settings import IN_MEMORY

StripeObject = dict[str, Any]  # Any: Stripe's objects are open JSON, different for every kind

_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000")

_TABLES = """
create table if not exists object (
    seq integer primary key autoincrement,
    id text not null unique,
    kind text not null,
    body text not null
);
create index if not exists object_by_kind on object (kind, seq);
create index if not exists object_by_intent on object (kind, json_extract(body, '$.payment_intent'), seq);
create index if not exists object_by_source on object (kind, json_extract(body, '$.source'), seq);
create index if not exists object_by_payout on object (kind, json_extract(body, '$._payout'), seq);
create index if not exists object_by_charge on object (kind, json_extract(body, '$.charge'), seq);
create index if not exists session_open on object (json_extract(body, '$.expires_at'))
    where kind = 'checkout.session' and json_extract(body, '$.status') = 'open';

create table if not exists answer (
    key text primary key,
    fingerprint text not null,
    status integer not null,
    body text not null,
    request_id text not null,
    kept_at integer not null
) without rowid;
create index if not exists answer_by_age on answer (kept_at);

create table if not exists setting (
    name text primary key,
    value text not null
) without rowid;

create table if not exists delivery (
    id integer primary key autoincrement,
    event_id text not null references object (id),
    state text not null check (state in ('pending', 'sending', 'delivered', 'failed', 'dropped')),
    due_at real not null,
    attempts integer not null default 0,
    lets_pass integer not null default 0
);
create index if not exists delivery_by_event on delivery (event_id);
create index if not exists delivery_due on delivery (due_at) where state = 'pending';

create table if not exists attempt (
    id integer primary key autoincrement,
    delivery_id integer not null references delivery (id),
    at real not null,
    status integer,
    problem text,
    milliseconds integer not null
);
create index if not exists attempt_by_delivery on attempt (delivery_id);
"""


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted, newest first."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None


class Store:
    """One connection and one lock: threads take turns, so none ever sees half an act. Turns last well under a millisecond."""

    def __init__(self, path: str) -> None:
        if path != IN_MEMORY:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        for pragma in _PRAGMAS:
            self._connection.execute(f"pragma {pragma}")
        self._connection.executescript(_TABLES)
        if "lets_pass" not in {row["name"] for row in self._connection.execute("pragma table_info(delivery)")}:  # a store of last month
            self._connection.execute("alter table delivery add column lets_pass integer not null default 0")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begin, and commit at the end of the block; an exception takes everything back."""
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield Transaction(self._connection)
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def close(self) -> None:
        with self._lock:
            self._connection.close()


class Transaction:
    """What can be done with the store while it is ours."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:  # Any: SQL values
        return self._connection.execute(statement, parameters)

    def insert(self, thing: StripeObject) -> StripeObject:
        """Keep a new object under its `id` and `object`."""
        self.run("insert into object (id, kind, body) values (?, ?, ?)", (thing["id"], thing["object"], _dump(thing)))
        return thing

    def update(self, thing: StripeObject) -> StripeObject:
        """Keep the object as it now is."""
        self.run("update object set body = ? where id = ?", (_dump(thing), thing["id"]))
        return thing

    def find(self, kind: str, identifier: str) -> StripeObject | None:
        row = self.run("select body from object where id = ? and kind = ?", (identifier, kind)).fetchone()
        return _load(row["body"]) if row else None

    def get(self, kind: str, identifier: str) -> StripeObject:
        """An object that another one names, and which therefore exists."""
        thing = self.find(kind, identifier)
        assert thing is not None, f"{identifier} is named but not kept"
        return thing

    def setting(self, name: str) -> str | None:
        row = self.run("select value from setting where name = ?", (name,)).fetchone()
        return str(row["value"]) if row else None

    def keep_setting(self, name: str, value: str) -> None:
        self.run("insert or replace into setting (name, value) values (?, ?)", (name, value))

    def page(
        self,
        kind: str,
        page: Page,
        *,
        equals: Mapping[str, str] | None = None,
        created: Mapping[str, int] | None = None,
        where: str = "",
        values: Sequence[str] = (),
    ) -> tuple[list[StripeObject], bool]:
        """Objects of a kind, newest first, and whether there are more.

        `equals` compares fields by name and `created` bounds the time; both take their names from the schema of the request, never from
        the request itself. `where` is a further condition on the row, with its `values`.
        """
        conditions, parameters = ["kind = ?"], [kind]
        for name, value in (equals or {}).items():
            conditions.append(f"json_extract(body, '$.{name}') = ?")
            parameters.append(value)
        for name, moment in (created or {}).items():
            conditions.append(f"json_extract(body, '$.created') {_COMPARISONS[name]} {moment:d}")
        if where:
            conditions.append(where)
            parameters.extend(values)
        backwards = page.ending_before is not None and page.starting_after is None
        cursor = page.ending_before if backwards else page.starting_after
        if cursor is not None:
            conditions.append(f"seq {'>' if backwards else '<'} (select seq from object where id = ?)")
            parameters.append(cursor)
        order = "asc" if backwards else "desc"
        statement = f"select body from object where {' and '.join(conditions)} order by seq {order} limit {page.limit + 1:d}"
        things = [_load(row["body"]) for row in self.run(statement, parameters)]
        found = things[: page.limit]
        return (found[::-1] if backwards else found), len(things) > page.limit


_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _dump(thing: StripeObject) -> str:
    return json.dumps(thing, ensure_ascii=False, separators=(",", ":"))


def _load(text: str) -> StripeObject:
    thing: StripeObject = json.loads(text)
    return thing
