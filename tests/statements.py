"""Counting what a page asks of the database."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from shop.extensions import db

_ONCE_IN_A_WHILE = "/* once in a while */"
"""What a process keeps in mind: asked by whichever page happens to be the first (shop/shipping/tariffs.py)."""
_QUIET = ("BEGIN", "select set_config", "pragma")


@contextmanager
def count_statements() -> Iterator[list[str]]:
    """The statements that are executed meanwhile, without those that begin a transaction."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(_QUIET) and _ONCE_IN_A_WHILE not in statement:
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
