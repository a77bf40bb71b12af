"""Folding: a report says the same whether nothing, some or all of the books is folded, and whoever folds when."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import combinations

import pytest
from flask import Flask
from sqlalchemy import insert, select, text, update

from shop.extensions import act, db, dialect, reading
from shop.kit.ids import EasternUnitId
from shop.ledger.models import Attribution, Unfolded
from shop.orders.models import Channel
from shop.origin.models import EasternUnit, Pairing, PairingKind, Town, Village
from shop.reports import folding
from shop.reports import sales as engine
from shop.reports.dimensions import DIMENSIONS
from shop.reports.folding import drain, fold, fold_waiting, follows_the_register, rebuild, waiting
from shop.reports.rolled import plan
from shop.reports.rollups import KEYS, Span, grain_for, spans
from shop.reports.sales import Dates, Figure, LinesBehind, Sales, lines_behind, sales
from tests.books import Sold, fail_refund, refund, sell
from tests.factories import MadeSku, Pack, make_cooperative, make_eastern_unit, make_lot, make_product, make_village
from tests.statements import count_statements

YEAR = (date(2026, 1, 1), date(2026, 12, 31))
SPRING = date(2026, 3, 1)
PIECES = (date(2026, 9, 17), date(2026, 11, 20))
"""Days, whole months, days."""
ROLLED = tuple(name for name, dimension in DIMENSIONS.items() if plan([dimension], []))


@act
def pair(unit_id: EasternUnitId, name: str, **given: object) -> None:
    values: dict[str, object] = {"kind": PairingKind.VILLAGE, "village_id": None, "town_id": None, "is_confirmed": False}
    db.session.execute(insert(Pairing).values(unit_id=unit_id, western_name=name, **values | given))


@pytest.fixture
def skus(app: Flask) -> tuple[MadeSku, ...]:
    """Three goods of four villages in two towns of two counties: two blended, one of a single village."""
    one, two = make_village("白水村"), make_village("云盘村")
    three, four = make_village("高坝田村", town="坝黄镇"), make_village("兴龙社区", town="坝黄镇", code=None)
    move_town("坝黄镇", "520603")
    first, second = make_cooperative("甲合作社", villages=(one, two)), make_cooperative("乙合作社", villages=(three, four))
    rice = make_product("米", cooperative=first, village=one, packs=(Pack(price_fen=6_801),))
    tea = make_product("茶", cooperative=second, village=three, category="茶", packs=(Pack(price_fen=3_333),))
    nuts = make_product("花生", cooperative=first, village=two, category="茶", packs=(Pack(price_fen=999),))
    for part in range(3):  # several lots, so that a line is picked from more than one
        expires = date(2027, 1, 1) + timedelta(days=part)
        make_lot(
            rice,
            units=37,
            sources=[(one, 500_000), (two, 300_000 + part), (three, 200_000)][: 3 - part % 2],
            best_before=expires,
            harvested_on=SPRING,
        )
        make_lot(tea, units=41, sources=[(three, 70_000), (four, 30_000 + part)], best_before=expires, harvested_on=SPRING)
    make_lot(nuts, units=200, harvested_on=SPRING)
    return rice.sku, tea.sku, nuts.sku


@act
def move_town(name: str, county: str) -> None:
    db.session.execute(update(Town).where(Town.short_name == name.removesuffix("镇")).values(county_code=county, county_name=f"区{county}"))
    db.session.execute(update(Town).where(Town.name == name).values(county_code=county, county_name=f"区{county}"))


def trade(skus: tuple[MadeSku, ...], seed: int, orders: int = 14) -> list[Sold]:
    """Random sales and returns in the last five months of 2026."""
    chance = random.Random(seed)
    village, town = make_village("白水村"), make_village("兴龙社区", town="坝黄镇", code=None)
    units: list[EasternUnitId | None] = [None, make_eastern_unit("周市镇"), make_eastern_unit("张浦镇")]
    assert units[1] and units[2]
    if seed % 2:
        pair(units[1], f"白水{seed}", village_id=village.id, is_confirmed=True, valid_from=date(2026, 10, 10))
        pair(units[1], f"滑石{seed}", town_id=village.town_id)
        pair(units[2], f"坝黄{seed}", town_id=town.town_id, valid_until=date(2026, 11, 11))
    sold = []
    for _ in range(orders):
        day = date(2026, 8, 20) + timedelta(days=chance.randrange(120))
        wanted = [(sku, chance.randint(1, 4)) for sku in chance.sample(skus, chance.randint(1, 3))]
        channel = chance.choice(list(Channel))
        bought = sell(
            *wanted,
            on=day,
            channel=channel,
            eastern_unit_id=chance.choice(units),
            district_code=chance.choice(["320583", "310101", "320506", "" if channel is Channel.OFFLINE else "320505"]),
            region="",
            discount_fen=chance.randrange(90),
        )
        sold.append(bought)
        if chance.random() < 0.5:
            back = day + timedelta(days=chance.randrange(30))
            given_back = refund(bought, line=chance.randrange(len(wanted)), on=back)
            if chance.random() < 0.3:
                fail_refund(given_back, on=back + timedelta(days=chance.randrange(9)))
    return sold


def from_lines(*by: str, since: date, until: date, dates: Dates, only: dict[str, str]) -> Sales:
    """The same report by the attributions alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "plan", lambda *_: None)
        return sales(by, since, until, dates=dates, only=only)


def assert_the_same_everywhere(pairs: Iterator[tuple[str, ...]] | list[tuple[str, ...]], chance: random.Random) -> None:
    for by in pairs:
        since, until = chance.choice([YEAR, PIECES, (date(2026, 10, 1), date(2026, 10, 31)), (date(2026, 11, 11), date(2026, 11, 11))])
        dates = chance.choice(list(Dates))
        only: dict[str, str] = {}
        if chance.random() < 0.5:
            name = chance.choice(ROLLED)
            keys = [row.keys[0] for row in from_lines(name, since=since, until=until, dates=dates, only={}).rows]
            only = {name: chance.choice(keys)} if keys else {}
        with reading():
            got, wanted = (
                sales(by, since, until, dates=dates, only=only),
                from_lines(*by, since=since, until=until, dates=dates, only=only),
            )
        assert got == wanted, (by, since, until, dates, only)


ONE_AND_TWO = [(), *((name,) for name in ROLLED), *combinations(ROLLED, 2)]


@pytest.mark.parametrize("seed", range(2))
def test_every_report_says_the_same_with_nothing_some_and_all_of_it_folded(skus: tuple[MadeSku, ...], seed: int) -> None:
    chance = random.Random(seed)
    trade(skus, seed)
    for how_many in (0, 5, 7, 1_000):
        fold(how_many)
        assert_the_same_everywhere(chance.sample(ONE_AND_TWO, 4), chance)
    with reading():
        assert waiting() == 0
    assert_the_same_everywhere([by for by in ONE_AND_TWO if len(by) < 2], chance)
    assert rollups_are_sound()


def test_what_is_folded_is_a_plain_sum_of_the_attributions(skus: tuple[MadeSku, ...]) -> None:
    trade(skus, 3)
    fold_waiting()
    with reading() as session:
        plain = session.execute(
            text(
                """select v.name, sum(case when a.is_refund then 0 else a.amount_fen end), -sum(case when a.is_refund then a.amount_fen else 0 end),
                          count(distinct case when not a.is_refund then a.line_id end), sum(a.grams)
                     from attributions a join villages v on v.id = a.village_id group by v.name"""
            )
        ).all()
        report = sales(["village"], date(2026, 1, 1), date(2027, 12, 31))
    found = {
        row.labels[0].name: (row.measures.gross_fen, row.measures.refunds_fen, row.measures.lines, row.measures.weight_grams)
        for row in report.rows
    }
    assert found == {name: tuple(map(int, figures)) for name, *figures in plain}


def test_a_rolled_report_is_one_statement(skus: tuple[MadeSku, ...]) -> None:
    trade(skus, 1, orders=3)
    fold(2)
    with count_statements() as statements:
        sales(["town", "pairing"], *YEAR)
        sales(["town", "channel"], *YEAR)
    assert len(statements) == 2


def test_the_roll_ups_answer_what_they_are_for() -> None:
    goods = ("village", "town", "county", "cooperative", "product", "category", "channel", "day", "week", "month", "year")
    buyers = ("village", "town", "county", "district", "city", "province", "eastern_unit", "day", "month")
    for together in (goods, buyers):
        for one, other in combinations(together, 2):
            assert plan([DIMENSIONS[one], DIMENSIONS[other]], []), (one, other)
    assert plan([DIMENSIONS["village"], DIMENSIONS["pairing"]], []) and plan([DIMENSIONS["pairing"]], [DIMENSIONS["month"]])
    for one, other in (("product", "district"), ("channel", "eastern_unit"), ("cooperative", "pairing"), ("town", "pairing")):
        assert plan([DIMENSIONS[one], DIMENSIONS[other]], []) is None, "these read the lines"


def test_whole_months_are_read_by_the_month() -> None:
    village = grain_for({"village_id"})
    assert village and village.columns == ("village_id",)
    assert list(spans(village, date(2026, 1, 31), date(2026, 4, 1), by_month=True)) == [
        Span(3, date(2026, 1, 31), date(2026, 1, 31)),
        Span(103, date(2026, 2, 1), date(2026, 3, 31)),
        Span(3, date(2026, 4, 1), date(2026, 4, 1)),
    ]
    assert list(spans(village, date(2024, 2, 1), date(2024, 2, 29), by_month=True)) == [Span(103, date(2024, 2, 1), date(2024, 2, 29))]
    assert list(spans(village, date(2026, 2, 2), date(2026, 3, 30), by_month=True)) == [Span(3, date(2026, 2, 2), date(2026, 3, 30))]
    assert list(spans(village, *YEAR, by_month=False)) == [Span(3, *YEAR)]


@pytest.mark.parametrize("folded", [8, 1_000])
def test_the_lines_behind_a_figure_are_the_same_beside_the_roll_up_and_without_it(skus: tuple[MadeSku, ...], folded: int) -> None:
    chance = random.Random(folded)
    trade(skus, 1)
    fold(folded)
    for figure in Figure:
        for dates in Dates:
            for name in chance.sample(ROLLED, 1):
                since, until = chance.choice([YEAR, PIECES, (date(2026, 10, 7), date(2026, 10, 31))])
                with reading():
                    keys = [row.keys[0] for row in sales([name], since, until, dates=dates).rows]
                only = {name: chance.choice(keys)} if keys else {}

                def page(number: int) -> LinesBehind:
                    with reading():
                        return lines_behind(only, since, until, figure=figure, dates=dates, page=number, page_size=3)  # noqa: B023

                got = [page(number) for number in (1, 2, 99)]
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(engine, "plan", lambda *_: None)
                    assert got == [page(number) for number in (1, 2, 99)], (only, since, until, figure, dates)


# ── Exactly once ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_entry_with_attributions_waits_and_leaves_once(skus: tuple[MadeSku, ...]) -> None:
    trade(skus, 2, orders=6)
    with reading() as session:
        entries = set(session.scalars(select(Attribution.entry_id)))
        assert set(session.scalars(select(Unfolded.entry_id))) == entries
    assert fold(4) == 4
    assert fold() == len(entries) - 4
    assert fold() == 0


def test_a_fold_that_is_cut_off_leaves_everything_waiting(skus: tuple[MadeSku, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    trade(skus, 1, orders=5)
    fold(3)
    before, left = everything(), count_waiting()
    with monkeypatch.context() as broken:
        broken.setattr(folding, "follows_the_register", lambda: 1 // 0)  # after both roll-ups were added to
        with pytest.raises(ZeroDivisionError):
            fold()
    assert everything() == before and count_waiting() == left
    assert rollups_are_sound()
    fold()
    assert rollups_are_sound()


def everything() -> list[tuple[object, ...]]:
    with reading() as session:
        return [
            tuple(row)
            for table in ("rollup_goods", "rollup_buyers")
            for row in session.execute(text(f"select * from {table} order by 1, 2, 3, 4, 5, 6"))
        ]


def count_waiting() -> int:
    with reading():
        return waiting()


def test_folders_and_readers_beside_sellers_are_never_a_fen_off(app: Flask, skus: tuple[MadeSku, ...]) -> None:
    assert race_folders(app, skus[2], sellers=3, turns=4, folders=2, readers=1) == (12, 12 * 999)


def race_folders(app: Flask, nuts: MadeSku, *, sellers: int, turns: int, folders: int, readers: int) -> tuple[int, int]:
    """Sales of one price, folded and read while they are booked: at every moment the gross is a multiple of the lines, and no line is ever lost again.

    Lines before the last folding, and the gross fen after it.
    """
    sold = [False]

    def seller(number: int) -> list[str]:
        with app.app_context():
            for turn in range(turns):
                sell((nuts, 1), on=date(2026, 11, 1 + turn % 28), once=f"race:{number}:{turn}")
        return []

    def folder(_number: int) -> list[str]:
        with app.app_context():
            while not sold[0]:
                fold(3)
        return []

    def reader(_number: int) -> list[str]:
        wrong, most = [], 0
        with app.app_context():
            while not sold[0]:
                with reading():
                    report = sales(["village"], *YEAR)
                figures = report.total
                if figures.gross_fen != 999 * figures.lines or sum(row.measures.gross_fen for row in report.rows) != figures.gross_fen:
                    wrong.append(f"{figures}")
                if figures.lines < most:
                    wrong.append(f"{figures.lines} after {most}")
                most = figures.lines
        return wrong

    with ThreadPoolExecutor(sellers + folders + readers) as threads:
        watching = [threads.submit(job, 0) for job in (folder,) * folders + (reader,) * readers]
        try:
            for selling in [threads.submit(seller, number) for number in range(sellers)]:
                selling.result()
        finally:
            sold[0] = True
        assert [wrong for done in watching for wrong in done.result()] == []
    with reading():
        lines = sales([], *YEAR).total.lines
    fold_waiting()
    assert rollups_are_sound()
    with reading():
        return lines, sales([], *YEAR).total.gross_fen


# ── Draining, rebuilding, verifying ───────────────────────────────────────────────────────────────────────────────────


def test_draining_a_month_folds_that_month_and_no_other(skus: tuple[MadeSku, ...]) -> None:
    for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1)):
        sell((skus[2], 1), on=day)
    assert drain("2026-11") == 2
    with reading():
        assert (waiting("2026-10"), waiting("2026-11"), waiting("2026-12")) == (1, 0, 1)
    assert drain("2026-11") == 0


def test_draining_passes_over_what_another_folder_keeps_in_hand(
    app: Flask, skus: tuple[MadeSku, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    if dialect() == "sqlite":
        return  # there one act writes at a time
    sell((skus[2], 1), on=date(2026, 11, 1))
    monkeypatch.setattr(folding, "_LONGEST_DRAIN_SECONDS", 0.2)
    with db.engine.connect() as other:
        other = other.execution_options(isolation_level="READ COMMITTED")
        other.begin()
        other.execute(text("select entry_id from ledger_unfolded for update"))
        assert drain("2026-11") == 0
        other.rollback()
    assert drain("2026-11") == 1


def test_a_rebuild_makes_the_same_roll_ups_again_and_leaves_what_waits(skus: tuple[MadeSku, ...]) -> None:
    trade(skus, 1)
    fold(9)
    before, left = everything(), count_waiting()
    meddle("update rollup_goods set posted_gross_fen = posted_gross_fen + 1 where grain = 3")
    meddle("insert into rollup_buyers select 9, '2025-05-05', 1, 'x', 0, 0, 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1")
    assert not rollups_are_sound()
    assert rebuild() > 12
    assert everything() == before and count_waiting() == left
    assert rollups_are_sound()


@act
def meddle(sql: str) -> None:
    db.session.execute(text(sql))


def rollups_are_sound() -> bool:
    """As `flask ledger verify` finds it; its other checks would take longer than these tests."""
    with reading():
        return not any(folding.find_differences(table) for table in KEYS)


@pytest.mark.parametrize(
    "wrong",
    [
        "update rollup_goods set sold_refunds_fen = sold_refunds_fen + 1 where grain = 9",
        "update rollup_goods set lines_at_all = lines_at_all + 1 where grain = 105",
        "delete from rollup_buyers where grain = 2",
        "update rollup_buyers set units_in_pairing = 0",
        "delete from ledger_unfolded",
    ],
)
def test_verify_sees_a_roll_up_that_is_not_the_books(skus: tuple[MadeSku, ...], wrong: str) -> None:
    trade(skus, 1, orders=6)
    fold(5)
    assert rollups_are_sound()
    meddle(wrong)
    assert not rollups_are_sound()


def test_a_town_or_pairing_that_changes_is_read_from_the_lines_until_the_next_sweep(skus: tuple[MadeSku, ...]) -> None:
    trade(skus, 1)
    fold_waiting()
    with reading() as session:
        unit = EasternUnitId(session.scalars(select(EasternUnit.id).where(EasternUnit.name == "周市镇")).one())
    pair(unit, "后来的结对", village_id=make_village("高坝田村").id, is_confirmed=True)
    with reading():
        assert not follows_the_register()
    chance = random.Random(1)
    changed = [("pairing",), ("village", "pairing"), ("town", "channel"), ("county",)]
    assert_the_same_everywhere(changed, chance)
    move_village("云盘村", "坝黄镇")
    assert_the_same_everywhere(changed, chance)
    fold_waiting()
    with reading():
        assert follows_the_register()
        assert "后来的结对" in str(sales(["pairing"], *YEAR).as_json())
    assert_the_same_everywhere([*changed, *((name,) for name in ROLLED)], chance)
    assert rollups_are_sound()


@act
def move_village(name: str, town: str) -> None:
    to = db.session.scalars(select(Town.id).where((Town.name == town) | (Town.short_name == town))).one()
    db.session.execute(update(Village).where(Village.name == name).values(town_id=to))


def test_what_is_folded_while_the_register_is_another_is_not_trusted(skus: tuple[MadeSku, ...]) -> None:
    trade(skus, 0, orders=4)
    fold(2)
    move_village("云盘村", "坝黄镇")
    fold()
    move_village("云盘村", "滑石乡")
    with reading():
        assert not follows_the_register(), "some of it was folded by the other town"
    fold_waiting()
    with reading():
        assert follows_the_register()
    assert rollups_are_sound()


def test_rice_of_one_lot_is_read_from_the_roll_up_at_all(skus: tuple[MadeSku, ...]) -> None:
    """Were the roll-up not read, this would go unseen."""
    sell((skus[2], 1), on=date(2026, 11, 1))
    fold_waiting()
    meddle("update rollup_goods set posted_gross_fen = 5")
    with reading():
        assert sales(["village"], *YEAR).total.gross_fen == 5
        assert sales(["town"], date(2026, 11, 1), date(2026, 11, 30)).total.gross_fen == 5
