"""How migrations meet the database: on PostgreSQL inside the shop's own schema, on SQLite in one file; never in batch mode for the books.

Alembic's batch mode copies a table on SQLite and drops its triggers silently, so it is off; a migration that needs it for another table says so itself.
"""

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text

import shop.models  # fills the metadata
from shop.extensions import db

assert shop.models


def run(connection: Connection, schema: str | None) -> None:
    if schema:
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
        connection.execute(text(f'SET search_path TO "{schema}"'))
        connection.commit()
        connection.dialect.default_schema_name = schema
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        version_table_schema=schema,
        compare_type=True,
        render_as_batch=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if schema:
        connection.execute(text("RESET search_path"))
        connection.commit()


# The shop's own reads run without a transaction on PostgreSQL; a migration is one.
_WRITING = {"shop_write": True} | ({"isolation_level": "READ COMMITTED"} if db.engine.dialect.name == "postgresql" else {})

with db.engine.connect().execution_options(**_WRITING) as connection:
    run(connection, current_app.config.get("SHOP_DATABASE_SCHEMA"))
