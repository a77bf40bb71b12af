"""Loosening what a table demands, where Alembic's batch mode must not touch it: a column of choices takes new values, a foreign key goes.

PostgreSQL drops the CHECK and adds the wider one, or drops the key. SQLite has no statement for that, and copying a table would lose its triggers; so the
table's text is changed where SQLite keeps it, as its own manual describes for changes that leave the stored rows as they are
(https://www.sqlite.org/lang_altertable.html, section 7). The rows need no second look: whatever was allowed before is allowed after.
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
    _rewrite(table, rf"(CONSTRAINT {name} CHECK \([^()]* IN )\([^()]*\)", rf"\1({allowed})")


def drop_keys(table: str, columns: Sequence[str]) -> None:
    """Drop the foreign keys of `columns`, one column each, named as `shop/extensions.py` names them."""
    for column in columns:
        name = f"fk_{table}_{column}"
        if op.get_bind().dialect.name == "postgresql":
            op.drop_constraint(name, table, type_="foreignkey")
        else:
            _rewrite(table, rf",\s*CONSTRAINT {name} FOREIGN KEY\s*\({column}\) REFERENCES \w+ \(id\)", "")


def _rewrite(table: str, pattern: str, replacement: str) -> None:
    """SQLite: put something else where the table's text matches, once."""
    connection = op.get_bind()
    before = str(connection.scalar(sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"), {"table": table}))
    after, found = re.subn(pattern, replacement, before)
    assert found == 1, f"the text of {table} has {pattern} once"
    version = int(connection.scalar(sa.text("PRAGMA schema_version")) or 0)
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :table"), {"sql": after, "table": table}
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")  # other connections read the table's text again
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
