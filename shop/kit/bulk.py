"""Many rows by one statement whose text does not depend on how many: they travel as one JSON parameter.

PostgreSQL checks the books once per statement and wants all postings of an entry in one (ARCHITECTURE); a constant text is also parsed and
planned once.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache, lru_cache, partial

import orjson
from sqlalchemy import Dialect, Table, TextClause, bindparam, text
from sqlalchemy.dialects import postgresql

_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it so


@cache
def insert_rows(table: Table, columns: tuple[str, ...], dialect: str, returning: tuple[str, ...] = ()) -> TextClause:
    """`INSERT … SELECT` of rows given as the parameter `rows` (see `as_json`); they go in in the order given.

    `returning`: columns that come back, in no order that could be relied on.
    """
    kinds = {name: table.c[name].type.compile(_POSTGRESQL) for name in columns}
    names = ", ".join(f'"{name}"' for name in columns)  # some are words of SQL
    back = f" returning {', '.join(returning)}" if returning else ""
    return text(f"insert into {table.name} ({names}) select {names} from {recordset(kinds, dialect)}{back}").bindparams(bindparam("rows"))


def as_json(rows: Sequence[Mapping[str, object]], dialect: str) -> str:
    """Rows as the parameter of `insert_rows`. Instants must be aware; on SQLite they are written as SQLAlchemy writes them."""
    return orjson.dumps(rows, _WRITERS[dialect], orjson.OPT_PASSTHROUGH_DATETIME).decode()


def recordset(columns: Mapping[str, str], dialect: str, parameter: str = "rows") -> str:
    """The FROM clause that reads a JSON parameter as rows; `columns` names each column's PostgreSQL type."""
    if dialect == "postgresql":
        kinds = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        return f"jsonb_to_recordset(cast(:{parameter} as jsonb)) as given({kinds})"
    fields = ", ".join(f"json_extract(value, '$.{name}') as \"{name}\"" for name in columns)
    return f"(select {fields} from json_each(:{parameter}) order by key) as given"


def given_texts(dialect: str) -> str:
    """A subquery that reads a JSON list of texts, the parameter `given`: hundreds of them leave a statement's own text as it is."""
    return "select value from json_each(:given)" if dialect == "sqlite" else "select jsonb_array_elements_text(cast(:given as jsonb))"


@lru_cache(maxsize=4_000)  # a batch has few days and instants, each a thousand times
def _written(value: object, dialect: str) -> str:
    if isinstance(value, datetime):
        assert value.tzinfo is not None, "an instant is always aware"
        instant = value.astimezone(UTC)
        return instant.strftime("%Y-%m-%d %H:%M:%S.%f") if dialect == "sqlite" else instant.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not a column's value")


_WRITERS = {dialect: partial(_written, dialect=dialect) for dialect in ("sqlite", "postgresql")}
