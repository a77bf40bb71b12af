"""Letting a column of choices take new values, on tables that Alembic's batch mode must not touch.

PostgreSQL drops the CHECK and adds the wider one. SQLite has no statement for that, and copying a table would lose its triggers; so the table's text is
changed where SQLite keeps it, as its own manual describes for changes that leave the stored rows as they are
(https://www.sqlite.org/lang_altertable.html, section 7). The rows need no second look: what the old CHECK allowed the wider one allows too.
"""

import re
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


def widen(table: str, column: str, values: Sequence[str]) -> None:
    """Let `table.column`, made by `choice()`, hold any of `values`: all that it holds today and more."""
    connection = op.get_bind()
    name = f"ck_{table}_{column}"
    allowed = ", ".join(f"'{value}'" for value in values)
    if connection.dialect.name == "postgresql":
        quoted = connection.dialect.identifier_preparer.quote(column)
        op.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({quoted} IN ({allowed}))"))
        return
    before = str(connection.scalar(sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), {"table": table}))
    after, found = re.subn(rf"(CONSTRAINT {name} CHECK \([^()]* IN )\([^()]*\)", rf"\1({allowed})", before)
    assert found == 1, f"{table} has one CHECK named {name}"
    version = int(connection.scalar(sa.text("PRAGMA schema_version")) or 0)
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :table"), {"sql": after, "table": table}
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")  # other connections read the table's text again
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
