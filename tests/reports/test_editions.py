"""What seldom changes is kept by every process, and shows at the next page all the same, whoever changed it."""

import re
import sqlite3
from datetime import date

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

from shop.catalog.labels import note_price
from shop.catalog.models import NetUnit
from shop.extensions import db, reading
from shop.reports import editions
from shop.reports.editions import TABLES, this_edition
from shop.reports.models import Edition
from shop.reports.product_page import ProductPage, product_page
from shop.reports.shelves import Shelves, Wanted, shelves
from tests.books import sell
from tests.factories import NOW, correct_sources, hold_units, make_lot, make_product, make_staff, make_villages
from tests.statements import count_statements

TODAY = date(2026, 11, 23)
MOVING = {"editions", "lots", "stock_items"}
"""Asked each time; of lots only what another source changes too is known for longer."""
CHANGES = (
    "update products set summary = 'another summary'",
    "update skus set price_fen = price_fen + 1",
    "update villages set name = name || '寨'",
    "update towns set short_name = short_name || '镇'",
    "update cooperatives set name = name || '社'",
    "update categories set name = name || '架', name_en = name_en || ' shelf'",
    "update prices_elsewhere set price_fen = price_fen + 1",
    "delete from prices_elsewhere",
    "insert into accreditations (product_id, number, issuer, first_day, last_day, paper, why, once, recorded_by, recorded_at)"
    " select id, '示例 1', '示例', '2026-01-01', '2027-01-01', 'safe', '', 'once', (select min(id) from users), '2026-11-23 00:00:00' from products",
    "update products set status = 'retired'",
)


def page_of(slug: str) -> ProductPage:
    with reading():
        return product_page(slug, sku_code=None, today=TODAY)


def all_shelves() -> Shelves:
    with reading():
        return shelves(Wanted(), today=TODAY, english=False)


def token() -> str:
    with reading():
        return str(db.session.scalar(select(Edition.token)))


def change_elsewhere(app: Flask, statement: str) -> None:
    """As another program does it, past everything of the shop's."""
    url = db.engine.url
    if url.get_backend_name() == "sqlite":
        with sqlite3.connect(str(url.database)) as connection:
            connection.execute(statement)
        connection.close()
    else:
        with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
            connection.execute(statement.encode())


def test_every_change_of_every_kind_turns_the_edition(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        found = {row[0] for row in db.session.execute(text("select name from sqlite_master where type = 'trigger'"))}
        wanted = {f"{table}_turn_edition_{change}" for table in TABLES for change in ("insert", "update", "delete")}
    else:
        found = {
            tuple(row)
            for row in db.session.execute(
                text(
                    "select c.relname::text, t.tgtype & 60, t.tgtype & 3"
                    " from pg_trigger t join pg_class c on c.oid = t.tgrelid where t.tgname = c.relname || '_turn_edition'"
                )
            )
        }
        wanted = {(table, 4 | 8 | 16 | 32, 0) for table in TABLES}  # insert, delete, update and truncate; after each statement
    assert wanted <= found


def test_a_change_made_elsewhere_shows_at_once(app: Flask) -> None:
    make_staff()
    rice = make_product("白水贡米")
    make_lot(rice, units=20)
    note_price(
        rice.id,
        what="大米",
        price_fen=99_00,
        net_value=5_000,
        net_unit=NetUnit.GRAM,
        source="示例",
        seen_on=TODAY,
        today=TODAY,
        by=None,
        now=NOW,
    )
    seen = [(page_of(rice.slug), all_shelves())]
    assert page_of(rice.slug) == seen[0][0]
    for statement in CHANGES:
        change_elsewhere(app, statement)
        seen.append((page_of(rice.slug), all_shelves()))
        assert seen[-1] != seen[-2], statement
    assert [len(of.cards) for _page, of in seen[-2:]] == [1, 0]


def test_another_source_of_a_lot_shows_at_once(app: Flask) -> None:
    villages = make_villages("白水村", "高坝田村")
    rice = make_product()
    lot = make_lot(rice, units=20, sources=[(villages[0], 6_000), (villages[1], 4_000)])
    before = page_of(rice.slug)
    correct_sources(lot, [(villages[0], 5_000), (villages[1], 5_000)])
    after = page_of(rice.slug)
    assert before.lot is not None and after.lot is not None
    assert [source.grams for source in before.lot.sources] == [6_000, 4_000]
    assert [source.grams for source in after.lot.sources] == [5_000, 5_000]


def test_what_moves_is_read_each_time_and_turns_nothing(app: Flask) -> None:
    rice, tea = make_product("白水贡米"), make_product("绿茶")
    lot = make_lot(rice, units=20)
    make_lot(tea, units=1)
    assert [(card.name, card.free_units) for card in all_shelves().cards] == [("白水贡米", 20), ("绿茶", 1)]
    before = token()
    hold_units(lot.item_id, 3)
    sell((rice.sku, 2))
    sell((tea.sku, 1))
    page = page_of(rice.slug)
    assert page.chosen is not None and page.chosen.free_units == 15
    assert [(card.name, card.free_units) for card in all_shelves().cards] == [("白水贡米", 15), ("绿茶", 0)]
    assert [row.count for row in all_shelves().stocks] == [1]
    assert token() == before, "buyers do not wait for each other at the edition's row"


def test_what_is_known_is_read_of_nothing_that_turns_no_edition(app: Flask) -> None:
    rice = make_product("白水贡米")
    make_lot(rice, units=20)
    for look in (lambda: page_of(rice.slug), all_shelves):
        with count_statements() as first:
            look()
        with count_statements() as again:
            look()
        assert len(again) <= 3 < len(first)
        read = {name for statement in first for name in re.findall(r"\b(?:from|join)\s+([a-z_]{2,})\b", statement.lower())}
        assert read - {"found", "select"} <= {*TABLES, *MOVING}


def test_the_store_does_not_grow_without_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editions, "MOST_KEPT", 3)
    make_product()
    with reading():
        edition = this_edition()
        assert [edition.known(str, number) for number in range(10)] == [str(number) for number in range(10)]
        assert len(edition._answers) <= 3
