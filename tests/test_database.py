"""The tests' own databases: whatever a test leaves behind, the next one begins with nothing."""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shop.extensions import act, db, reading
from tests.books import sell
from tests.database import TestDatabase
from tests.factories import make_lot, make_product


def tables_with_rows() -> list[str]:
    with reading() as session:
        names = [table.name for table in db.metadata.sorted_tables]
        return [name for name in names if session.scalar(text(f"select 1 from {name} limit 1"))]


@act
def do(statement: str) -> None:
    db.session.execute(text(statement))


def test_what_nobody_may_delete_is_gone_too_and_still_nobody_may(app: Flask, database: TestDatabase) -> None:
    for _ in range(2):
        product = make_product()
        lot = make_lot(product)
        sell((product.sku, 1))
        assert lot.id == 1, "ids begin at one again"
        with pytest.raises(DBAPIError):
            do("delete from postings")
        database.renew()
        assert tables_with_rows() == []
