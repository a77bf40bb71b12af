import json
import sqlite3
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.kit.ids import ItemId, LineId, SkuId
from shop.stock.picking import FreeItem, Picked, Shortage, Wanted, pick, shortages

TODAY = date(2026, 11, 23)
RICE, OIL = SkuId(1), SkuId(2)


def item(item_id: int, free: int, *, sku: SkuId = RICE, days: int = 30) -> FreeItem:
    return FreeItem(ItemId(item_id), sku, TODAY + timedelta(days=days), free)


def want(line_id: int, units: int, sku: SkuId = RICE) -> Wanted:
    return Wanted(LineId(line_id), sku, units)


def test_first_expired_first_out():
    assert pick([item(1, 5, days=90), item(2, 5, days=10)], [want(1, 3)], today=TODAY) == (Picked(LineId(1), ItemId(2), 3),)


def test_of_two_that_expire_together_the_older_item_goes_first():
    assert pick([item(7, 5), item(3, 5)], [want(1, 1)], today=TODAY) == (Picked(LineId(1), ItemId(3), 1),)


def test_a_line_may_draw_on_several_lots():
    picks = pick([item(1, 2, days=5), item(2, 1, days=6), item(3, 9, days=7)], [want(1, 4)], today=TODAY)
    assert [(p.item_id, p.units) for p in picks] == [(1, 2), (2, 1), (3, 1)]


def test_lines_of_one_sku_share_its_items_in_line_order():
    picks = pick([item(1, 3, days=5), item(2, 3, days=6)], [want(20, 2), want(10, 2)], today=TODAY)
    assert [(p.line_id, p.item_id, p.units) for p in picks] == [(10, 1, 2), (20, 1, 1), (20, 2, 1)]


def test_the_last_day_sells_and_the_day_after_does_not():
    shelf = [item(1, 5, days=0), item(2, 5, days=-1)]
    assert [(p.item_id, p.units) for p in pick(shelf, [want(1, 9)], today=TODAY)] == [(1, 5)]
    assert shortages(shelf, [want(1, 9)], today=TODAY) == (Shortage(RICE, wanted_units=9, available_units=5),)


def test_a_shortage_counts_all_lines_of_its_sku_and_names_no_other():
    shelf = [item(1, 5), item(2, 5, sku=OIL)]
    wanted = [want(1, 3), want(2, 3), want(3, 5, sku=OIL), want(4, 1, sku=SkuId(9))]
    assert shortages(shelf, wanted, today=TODAY) == (Shortage(RICE, 6, 5), Shortage(SkuId(9), 1, 0))
    assert shortages(shelf, wanted[1:3], today=TODAY) == ()


def test_a_line_that_wants_nothing_is_a_programming_mistake():
    with pytest.raises(AssertionError):
        pick([item(1, 5)], [want(1, 0)], today=TODAY)


shelves = st.lists(st.tuples(st.integers(-2, 1), st.integers(0, 12), st.sampled_from([RICE, OIL])), max_size=8).map(
    lambda rows: [item(number, free, sku=sku, days=days) for number, (days, free, sku) in enumerate(rows, start=1)]
)
carts = st.lists(st.tuples(st.integers(1, 15), st.sampled_from([RICE, OIL])), min_size=1, max_size=6).map(
    lambda rows: [want(number, units, sku=sku) for number, (units, sku) in enumerate(rows, start=1)]
)


@given(shelf=shelves, cart=carts)
def test_nothing_is_taken_twice_nothing_expired_and_nothing_left_behind(shelf, cart):
    picks = pick(shelf, cart, today=TODAY)
    by_id = {i.item_id: i for i in shelf}
    for one in shelf:
        assert sum(p.units for p in picks if p.item_id == one.item_id) <= one.free_units
    short = {s.sku_id: s for s in shortages(shelf, cart, today=TODAY)}
    for p in picks:
        assert p.units > 0 and by_id[p.item_id].best_before >= TODAY
    for line in cart:
        got = sum(p.units for p in picks if p.line_id == line.line_id)
        assert got == line.units or (got < line.units and line.sku_id in short)
    for sku, shortage in short.items():
        assert sum(p.units for p in picks if by_id[p.item_id].sku_id == sku) == shortage.available_units


# The statement that the shop picks by, on the bare SQLite of Python: the windows overlap as the plain rule takes.
STATEMENT = """
with wants as (select value ->> 'line' as line, value ->> 'sku' as sku, value ->> 'want' as want from json_each(:lines)),
 w as (select line, sku, want, sum(want) over (partition by sku order by line) - want as w0 from wants),
 a as (select id, sku, free, sum(free) over (partition by sku order by best_before, id) - free as a0
         from item where best_before >= :today and free > 0)
select w.line, a.id, min(w.w0 + w.want, a.a0 + a.free) - max(w.w0, a.a0)
  from w join a on a.sku = w.sku and a.a0 < w.w0 + w.want and w.w0 < a.a0 + a.free
"""


@given(shelf=shelves, cart=carts)
def test_the_windows_of_the_statement_say_the_same(shelf, cart):
    database = sqlite3.connect(":memory:")
    database.execute("create table item (id, sku, best_before, free)")
    database.executemany("insert into item values (?, ?, ?, ?)", [(i.item_id, i.sku_id, str(i.best_before), i.free_units) for i in shelf])
    lines = json.dumps([{"line": line.line_id, "sku": line.sku_id, "want": line.units} for line in cart])
    rows = database.execute(STATEMENT, {"lines": lines, "today": str(TODAY)}).fetchall()
    database.close()
    assert sorted(rows) == sorted((p.line_id, p.item_id, p.units) for p in pick(shelf, cart, today=TODAY))
