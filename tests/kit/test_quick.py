"""Constant statements that go straight to the driver answer as SQLAlchemy's own way does."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import bindparam, insert, literal, select
from sqlalchemy.exc import IntegrityError, StatementError

from shop.extensions import Instant, act, columns_of, db, reading, table_of
from shop.kit import quick
from shop.origin.models import Town

TOWN = columns_of(Town)
NAMED = select(TOWN.id, TOWN.name).where(TOWN.name.in_(bindparam("names", expanding=True))).order_by(TOWN.name)
PUT = (
    insert(table_of(Town))
    .values(
        code=bindparam("its_code"),
        name=bindparam("its_name"),
        short_name=bindparam("its_name"),
        name_en="",
        county_code="520602",
        county_name="碧江区",
    )
    .returning(TOWN.id)
)
WHEN = select(literal(1).label("one"), bindparam("at", type_=Instant()).label("at"))


@act
def put_town(code: str, name: str) -> int:
    return db.session.execute(PUT, {"its_code": code, "its_name": name}).scalar_one()


def is_quick(statement: object) -> bool:
    return all(quick._plans[statement].values()) and bool(quick._plans[statement])  # type: ignore[index]


def test_rows_come_back_the_same_however_often_and_for_lists_of_every_length(app: Flask) -> None:
    with app.app_context():
        ids = {name: put_town(f"5206029{number}", name) for number, name in enumerate(("甲镇", "乙镇", "丙镇"), 10)}
        for names in (["甲镇"], ["甲镇"], ["甲镇", "乙镇"], [], ["丙镇"]):
            with reading() as session:
                rows = session.execute(NAMED, {"names": names}).all()
            assert {row.name: row.id for row in rows} == {name: ids[name] for name in names}
        assert is_quick(NAMED)
        assert is_quick(PUT)


def test_types_and_their_refusals_stay(app: Flask) -> None:
    at = datetime(2026, 11, 28, 8, tzinfo=UTC)
    with app.app_context(), reading() as session:
        assert [tuple(session.execute(WHEN, {"at": at}).one()) for _time in range(3)] == [(1, at)] * 3
        assert is_quick(WHEN)
        with pytest.raises((StatementError, AssertionError)):
            session.execute(WHEN, {"at": datetime(2026, 11, 28)})  # noqa: DTZ001  # a naive one


def test_a_key_that_is_taken_is_said_as_ever(app: Flask) -> None:
    with app.app_context():
        put_town("520602981", "丁镇")
        for _time in range(2):
            with pytest.raises(IntegrityError):
                put_town("520602981", "丁镇")


def test_the_kept_cursor_is_let_go_after_an_error_and_after_many_rows(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context(), reading() as session:
        kept = session.connection().connection.info
        session.execute(WHEN, {"at": datetime(2026, 11, 28, 8, tzinfo=UTC)})
        session.execute(WHEN, {"at": datetime(2026, 11, 28, 8, tzinfo=UTC)})
        assert quick._CURSOR in kept
        with pytest.raises((StatementError, AssertionError)):
            session.execute(WHEN, {"at": datetime(2026, 11, 28)})  # noqa: DTZ001  # a naive one
        assert quick._CURSOR not in kept
        monkeypatch.setattr(quick, "_MOST_ROWS", 0)
        assert session.execute(WHEN, {"at": datetime(2026, 11, 28, 8, tzinfo=UTC)}).one().one == 1
        assert quick._CURSOR not in kept
