"""Bringing in a lot, packing it, counting it: what stands on the shelf is always explained, and nobody's figure is overwritten."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import TypeVar

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from shop.catalog.models import ProductStatus
from shop.extensions import db, reading
from shop.kit.ids import ItemId, LotId, ProductId, SkuId, UserId, VillageId
from shop.stock.errors import (
    BestBeforeOutOfRange,
    CountMoved,
    ForeignSkus,
    ForeignVillages,
    HarvestAhead,
    LotCodeTaken,
    LotIsRecalled,
    NoSources,
    NoSuchItem,
    NoSuchLot,
    NoSuchProduct,
    NotACount,
    NotAWeight,
    NotEnoughToWriteOff,
    PackedTooMuch,
    ReasonDoesNotFit,
    SourceTwice,
)
from shop.stock.models import Lot, LotSource, Movement, MovementKind, StockItem
from shop.stock.service import (
    Counted,
    Packed,
    Reason,
    RecordedLot,
    Source,
    change_count,
    initials,
    letters,
    pack,
    record_lot,
    set_count,
)
from tests.factories import (
    MadeProduct,
    Pack,
    hold_units,
    make_cooperative,
    make_lao_chen,
    make_lot,
    make_product,
    make_village,
    make_villages,
)

T = TypeVar("T")

RICE = (Pack(grams=5_000), Pack(grams=2_500, unit_word="块"))


def record(
    product: MadeProduct,
    *,
    now: datetime,
    kg: int = 1_000,
    harvested_on: date = date(2026, 10, 16),
    best_before: date | None = None,
    sources: list[Source] | None = None,
    packs: list[Packed] | None = None,
    once: str = "form-1",
    by: UserId | None = None,
    code: str | None = None,
) -> RecordedLot:
    return record_lot(
        product.id,
        harvested_on=harvested_on,
        best_before=best_before,
        grade="一级",
        sources=[Source(product.village_id, kg * 1_000)] if sources is None else sources,
        packs=packs or [],
        by=by,
        once=once,
        now=now,
        code=code,
    )


def figures(item_id: ItemId) -> tuple[int, int, int, int]:
    with reading() as session:
        row = session.execute(
            select(StockItem.packed, StockItem.held, StockItem.sold, StockItem.written_off).where(StockItem.id == item_id)
        ).one()
    return row.packed, row.held, row.sold, row.written_off


def packed_grams(lot_id: LotId) -> int:
    with reading() as session:
        return session.execute(select(Lot.packed_grams).where(Lot.id == lot_id)).scalar_one()


def item_of(lot_id: LotId, sku_id: SkuId) -> ItemId:
    with reading() as session:
        return ItemId(session.execute(select(StockItem.id).where(StockItem.lot_id == lot_id, StockItem.sku_id == sku_id)).scalar_one())


def assert_movements_explain_every_balance() -> None:
    with reading() as session:
        sums = {
            row[0]: row[1:]
            for row in session.execute(
                select(
                    Movement.item_id,
                    func.sum(Movement.packed_change),
                    func.sum(Movement.held_change),
                    func.sum(Movement.sold_change),
                    func.sum(Movement.written_off_change),
                ).group_by(Movement.item_id)
            )
        }
        items = session.execute(select(StockItem.id, StockItem.packed, StockItem.held, StockItem.sold, StockItem.written_off)).all()
        movements = session.execute(select(Movement).order_by(Movement.item_id, Movement.id)).scalars().all()
    for item_id, *balance in items:
        assert tuple(map(int, sums.get(item_id, (0, 0, 0, 0)))) == tuple(balance)
    running: dict[int, list[int]] = {}
    for move in movements:
        now = running.setdefault(move.item_id, [0, 0, 0, 0])
        for place, change in enumerate((move.packed_change, move.held_change, move.sold_change, move.written_off_change)):
            now[place] += change
        assert now == [move.packed_after, move.held_after, move.sold_after, move.written_off_after]


def race(app: Flask, *acts: Callable[[], T]) -> list[T | Exception]:
    """Run the acts at the same moment, each in a thread of its own; what each returned or raised."""
    start = Barrier(len(acts))

    def run(one: Callable[[], T]) -> T | Exception:
        with app.app_context():
            with reading() as session:
                session.execute(select(1))  # a connection at hand, or the threads would stand in line for it and not race
            start.wait()
            try:
                return one()
            except Exception as error:  # noqa: BLE001  # a test looks at whatever it was
                return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


# ── Recording a lot ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lot_keeps_whose_grams_it_is_and_how_it_was_packed(app: Flask, now: datetime) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    rice = make_product(packs=RICE, cooperative=make_cooperative(villages=[baishui, gaobatian]))
    five, brick = rice.skus

    lot = record(
        rice,
        now=now,
        sources=[Source(baishui.id, 640_000), Source(gaobatian.id, 360_000)],
        packs=[Packed(five.id, 150), Packed(brick.id, 100)],
        by=make_lao_chen().id,
    )

    assert lot.code == "BS2610A"
    with reading() as session:
        row = session.execute(select(Lot.produced_grams, Lot.packed_grams, Lot.harvested_on, Lot.best_before, Lot.cooperative_id)).one()
        sources = session.execute(select(LotSource.village_id, LotSource.grams).order_by(LotSource.grams)).all()
        movements = session.execute(select(Movement.kind, Movement.reason, Movement.packed_change, Movement.packed_after)).all()
    assert tuple(row) == (1_000_000, 1_000_000, date(2026, 10, 16), date(2027, 10, 16), rice.cooperative_id)
    assert [tuple(source) for source in sources] == [(gaobatian.id, 360_000), (baishui.id, 640_000)]
    assert {tuple(movement) for movement in movements} == {
        (MovementKind.PACKED, "packed", 150, 150),
        (MovementKind.PACKED, "packed", 100, 100),
    }
    assert figures(item_of(lot.id, five.id)) == (150, 0, 0, 0)
    assert_movements_explain_every_balance()


def test_the_same_form_sent_twice_makes_one_lot(app: Flask, now: datetime) -> None:
    rice = make_product()
    first = record(rice, now=now, packs=[Packed(rice.sku.id, 3)])
    again = record(rice, now=now, packs=[Packed(rice.sku.id, 5)])

    assert again == first
    assert figures(item_of(first.id, rice.sku.id)) == (3, 0, 0, 0)


def test_the_same_form_sent_twice_at_once_makes_one_lot(app: Flask, now: datetime) -> None:
    rice = make_product()
    made = race(app, *(lambda: record(rice, now=now, packs=[Packed(rice.sku.id, 3)]) for _ in range(4)))

    assert len({str(lot) for lot in made}) == 1 and isinstance(made[0], RecordedLot)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Lot)) == 1
        assert session.scalar(select(func.sum(Movement.packed_change))) == 3


def test_lots_recorded_at_once_get_codes_of_their_own(app: Flask, now: datetime) -> None:
    rice = make_product()
    made = race(app, *(lambda number=number: record(rice, now=now, once=f"form-{number}") for number in range(6)))

    assert sorted(lot.code for lot in made if isinstance(lot, RecordedLot)) == [f"BS2610{letter}" for letter in "ABCDEF"]


def test_a_lot_may_bring_its_own_code_and_no_two_share_one(app: Flask, now: datetime) -> None:
    rice = make_product()
    assert record(rice, now=now, code="BS2610C").code == "BS2610C"
    with pytest.raises(LotCodeTaken):
        record(rice, now=now, once="form-2", code="BS2610C")
    assert [record(rice, now=now, once=f"form-{number}").code[-1] for number in range(3, 6)] == ["A", "B", "D"]


def test_best_before_follows_the_shelf_life_and_is_never_later(app: Flask, now: datetime) -> None:
    rice = make_product(shelf_life_days=10)
    harvest = date(2026, 10, 16)
    record(rice, now=now, harvested_on=harvest, best_before=harvest + timedelta(days=10))
    record(rice, now=now, harvested_on=harvest, best_before=harvest, once="form-2")
    for wrong in (harvest + timedelta(days=11), harvest - timedelta(days=1)):
        with pytest.raises(BestBeforeOutOfRange) as refusal:
            record(rice, now=now, harvested_on=harvest, best_before=wrong, once="form-3")
        assert (refusal.value.earliest, refusal.value.latest) == (harvest, harvest + timedelta(days=10))


def test_today_is_the_day_in_shanghai(app: Flask, now: datetime) -> None:
    rice = make_product()
    late = now.replace(hour=17)  # 01:00 of the 24th in Shanghai
    record(rice, now=late, harvested_on=date(2026, 11, 24))
    with pytest.raises(HarvestAhead):
        record(rice, now=late, harvested_on=date(2026, 11, 25), once="form-2")


def test_what_is_wrong_with_the_sources_is_said_and_nothing_is_written(app: Flask, now: datetime) -> None:
    rice = make_product()
    elsewhere = make_village("瓦屋村")
    own = rice.village_id
    wrong: list[tuple[list[Source], type[Exception]]] = [
        ([], NoSources),
        ([Source(own, 1_000), Source(own, 2_000)], SourceTwice),
        ([Source(own, 1_000), Source(elsewhere.id, 2_000)], ForeignVillages),
        ([Source(VillageId(999_999), 1_000)], ForeignVillages),
        ([Source(own, 0)], NotAWeight),
        ([Source(own, -1)], NotAWeight),
        ([Source(own, 10**12)], NotAWeight),
        ([Source(own, 10**30)], NotAWeight),
    ]
    for sources, error in wrong:
        with pytest.raises(error):
            record(rice, now=now, sources=sources)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Lot)) == 0


def test_packs_are_those_of_the_product_and_weigh_no_more_than_came_in(app: Flask, now: datetime) -> None:
    rice = make_product(packs=RICE)
    five, brick = rice.skus
    peanuts = make_product("珍珠花生")
    wrong: list[tuple[list[Packed], type[Exception]]] = [
        ([Packed(peanuts.sku.id, 1)], ForeignSkus),
        ([Packed(SkuId(999_999), 1)], ForeignSkus),
        ([Packed(five.id, 1), Packed(five.id, 1)], ForeignSkus),
        ([Packed(five.id, -1)], NotACount),
        ([Packed(five.id, 10**9)], PackedTooMuch),
        ([Packed(five.id, 10**30)], PackedTooMuch),
    ]
    for packs, error in wrong:
        with pytest.raises(error):
            record(rice, now=now, packs=packs)
    with pytest.raises(PackedTooMuch) as refusal:
        record(rice, now=now, packs=[Packed(five.id, 150), Packed(brick.id, 108)])
    assert (refusal.value.produced_grams, refusal.value.packed_grams_wanted, refusal.value.over_grams) == (1_000_000, 1_020_000, 20_000)


def test_a_pack_of_nought_makes_no_stock_item(app: Flask, now: datetime) -> None:
    rice = make_product(packs=RICE)
    record(rice, now=now, packs=[Packed(rice.skus[0].id, 1), Packed(rice.skus[1].id, 0)])
    with reading() as session:
        assert session.scalars(select(StockItem.sku_id)).all() == [rice.skus[0].id]


def test_nothing_is_brought_in_for_what_is_unknown_or_retired(app: Flask, now: datetime) -> None:
    retired = make_product("旧米", status=ProductStatus.RETIRED)
    with pytest.raises(NoSuchProduct):
        record(retired, now=now)
    with pytest.raises(NoSuchProduct):
        record_lot(
            ProductId(999_999), harvested_on=now.date(), best_before=None, grade="", sources=[], packs=[], by=None, once="form-1", now=now
        )


def test_a_draft_gets_its_lot_before_it_is_published(app: Flask, now: datetime) -> None:
    assert record(make_product("新米", status=ProductStatus.DRAFT), now=now).code


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("baishui-gongmi", "BS"),
        ("jinsi-huangju", "JS"),
        ("xianggu", "XG"),
        ("tuji-dan", "TJ"),
        ("mi", "MI"),
        ("mi-fen", "MF"),
        ("blueberry", "BL"),
        ("zhenzhu-huasheng-250", "ZZ"),
        ("8", "XX"),
        ("banliren", "BL"),
    ],
)
def test_the_first_letters_of_a_code_are_those_of_the_first_syllables(slug: str, expected: str) -> None:
    assert initials(slug) == expected


def test_the_letters_of_a_month_do_not_run_out() -> None:
    assert [letters(number) for number in (0, 1, 7, 8, 23, 24, 25, 24 * 25 - 1, 24 * 25)] == [
        "A",
        "B",
        "H",
        "J",
        "Z",
        "AA",
        "AB",
        "ZZ",
        "AAA",
    ]


# ── Packing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_packing_more_is_bounded_by_what_came_in(app: Flask, now: datetime) -> None:
    rice = make_product(packs=RICE)
    five, brick = rice.skus
    lot = record(rice, now=now, kg=100, packs=[Packed(five.id, 10)])

    assert pack(lot.id, brick.id, 20, by=None, once="a", now=now) == Counted(item_of(lot.id, brick.id), 0, 20)
    with pytest.raises(PackedTooMuch) as refusal:
        pack(lot.id, five.id, 1, by=None, once="b", now=now)
    assert refusal.value.over_grams == 5_000
    assert packed_grams(lot.id) == 100_000
    assert_movements_explain_every_balance()


def test_packing_twice_with_one_key_packs_once_and_answers_the_same(app: Flask, now: datetime) -> None:
    rice = make_product()
    lot = record(rice, now=now)
    first = pack(lot.id, rice.sku.id, 4, by=None, once="a", now=now)
    pack(lot.id, rice.sku.id, 1, by=None, once="b", now=now)

    assert pack(lot.id, rice.sku.id, 4, by=None, once="a", now=now) == first == Counted(first.item_id, 0, 4)
    assert figures(first.item_id) == (5, 0, 0, 0)


def test_packing_what_cannot_be_is_refused(app: Flask, now: datetime) -> None:
    rice, peanuts = make_product(), make_product("珍珠花生")
    lot = record(rice, now=now)
    with pytest.raises(NotACount):
        pack(lot.id, rice.sku.id, 0, by=None, once="a", now=now)
    with pytest.raises(NoSuchLot):
        pack(LotId(999_999), rice.sku.id, 1, by=None, once="a", now=now)
    with pytest.raises(ForeignSkus):
        pack(lot.id, peanuts.sku.id, 1, by=None, once="a", now=now)
    recalled = make_lot(rice, units=0, produced_grams=50_000, recalled_at=now)
    with pytest.raises(LotIsRecalled):
        pack(recalled.id, rice.sku.id, 1, by=None, once="a", now=now)


# ── Counting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_counting_less_writes_off_and_counting_more_finds_again_before_it_packs(app: Flask, now: datetime) -> None:
    rice = make_product()
    lot = make_lot(rice, units=40, produced_grams=250_000)
    hold_units(lot.item_id, 5)

    def count(free: int, seen: int, once: str) -> Counted:
        return set_count(lot.item_id, free, seen_free_units=seen, by=None, reason=Reason.RECOUNTED, once=once, now=now)

    assert count(30, 35, "a") == Counted(lot.item_id, 35, 30)
    assert figures(lot.item_id) == (40, 5, 0, 5)
    count(33, 30, "b")
    assert figures(lot.item_id) == (40, 5, 0, 2)
    count(45, 33, "c")
    assert figures(lot.item_id) == (50, 5, 0, 0)
    assert packed_grams(lot.id) == 250_000
    with pytest.raises(PackedTooMuch):
        count(46, 45, "d")
    assert_movements_explain_every_balance()


def test_a_count_that_was_right_is_dated_and_kept(app: Flask, now: datetime) -> None:
    lao_chen = make_lao_chen()
    lot = make_lot(units=40)
    set_count(lot.item_id, 40, seen_free_units=40, by=lao_chen.id, reason=Reason.RECOUNTED, once="a", now=now)
    with reading() as session:
        assert session.execute(select(StockItem.counted_at)).scalar_one() == now
        last = session.execute(select(Movement).order_by(Movement.id.desc()).limit(1)).scalar_one()
        assert (last.kind, last.packed_change, last.written_off_change, last.by_user_id) == (MovementKind.RECOUNTED, 0, 0, lao_chen.id)


def test_a_count_that_somebody_else_changed_is_not_overwritten(app: Flask, now: datetime) -> None:
    lot = make_lot(units=46)
    change_count(lot.item_id, -3, by=None, reason=Reason.RECOUNTED, once="a", now=now)
    with pytest.raises(CountMoved) as refusal:
        set_count(lot.item_id, 50, seen_free_units=46, by=None, reason=Reason.RECOUNTED, once="b", now=now)
    assert (refusal.value.seen_units, refusal.value.now_units) == (46, 43)
    assert figures(lot.item_id) == (46, 0, 0, 3)


@pytest.mark.parametrize(
    ("change", "reason", "expected", "kind"),
    [
        (+10, Reason.PACKED, (50, 0, 0, 0), MovementKind.PACKED),
        (-5, Reason.DAMAGED, (40, 0, 0, 5), MovementKind.WRITTEN_OFF),
        (-1, Reason.RECOUNTED, (40, 0, 0, 1), MovementKind.RECOUNTED),
        (+1, Reason.RECOUNTED, (41, 0, 0, 0), MovementKind.RECOUNTED),
    ],
)
def test_a_change_has_its_reason(
    app: Flask, now: datetime, change: int, reason: Reason, expected: tuple[int, int, int, int], kind: MovementKind
) -> None:
    lot = make_lot(units=40, produced_grams=1_000_000)
    assert change_count(lot.item_id, change, by=None, reason=reason, once="a", now=now) == Counted(lot.item_id, 40, 40 + change)
    assert figures(lot.item_id) == expected
    with reading() as session:
        assert session.scalars(select(Movement.kind).order_by(Movement.id)).all()[-1] is kind
    assert_movements_explain_every_balance()


def test_a_change_against_its_reason_is_refused(app: Flask, now: datetime) -> None:
    lot = make_lot(units=40, produced_grams=1_000_000)
    for change, reason in ((-1, Reason.PACKED), (+1, Reason.DAMAGED)):
        with pytest.raises(ReasonDoesNotFit):
            change_count(lot.item_id, change, by=None, reason=reason, once="a", now=now)
    assert figures(lot.item_id) == (40, 0, 0, 0)


def test_what_is_held_cannot_be_written_off(app: Flask, now: datetime) -> None:
    lot = make_lot(units=10)
    hold_units(lot.item_id, 8)
    with pytest.raises(NotEnoughToWriteOff) as refusal:
        change_count(lot.item_id, -5, by=None, reason=Reason.DAMAGED, once="a", now=now)
    assert (refusal.value.free_units, refusal.value.wanted_units) == (2, 5)


def test_impossible_counts_are_refused(app: Flask, now: datetime) -> None:
    lot = make_lot(units=10)
    with pytest.raises(NotACount):
        set_count(lot.item_id, -1, seen_free_units=10, by=None, reason=Reason.RECOUNTED, once="a", now=now)
    with pytest.raises(NotACount):
        change_count(lot.item_id, 0, by=None, reason=Reason.RECOUNTED, once="a", now=now)
    with pytest.raises(NoSuchItem):
        change_count(ItemId(999_999), 1, by=None, reason=Reason.RECOUNTED, once="a", now=now)
    for units in (10**9, 10**30):
        with pytest.raises(PackedTooMuch):
            set_count(lot.item_id, units, seen_free_units=10, by=None, reason=Reason.RECOUNTED, once="a", now=now)
        with pytest.raises(NotEnoughToWriteOff):
            change_count(lot.item_id, -units, by=None, reason=Reason.DAMAGED, once="a", now=now)


def test_one_key_changes_one_item_once(app: Flask, now: datetime) -> None:
    rice = make_product()
    first, second = make_lot(rice, units=10), make_lot(rice, units=10)
    for _ in range(2):
        for lot in (first, second):
            change_count(lot.item_id, -1, by=None, reason=Reason.DAMAGED, once="a", now=now)
            set_count(lot.item_id, 7, seen_free_units=9, by=None, reason=Reason.RECOUNTED, once="b", now=now)
    assert figures(first.item_id) == figures(second.item_id) == (10, 0, 0, 3)


def test_two_thumbs_on_one_row_lose_no_bag(app: Flask, now: datetime) -> None:
    lot = make_lot(units=50)
    answers = race(
        app,
        *(
            lambda number=number: change_count(lot.item_id, -1, by=None, reason=Reason.DAMAGED, once=f"form-{number}", now=now)
            for number in range(8)
        ),
    )
    assert sorted(answer.free_after for answer in answers if isinstance(answer, Counted)) == [42, 43, 44, 45, 46, 47, 48, 49]
    assert figures(lot.item_id) == (50, 0, 0, 8)
    assert_movements_explain_every_balance()


def test_two_thumbs_on_the_last_grams_pack_them_once(app: Flask, now: datetime) -> None:
    rice = make_product(packs=RICE)
    five, brick = rice.skus
    lot = record(rice, now=now, kg=5)
    answers = race(
        app,
        lambda: pack(lot.id, five.id, 1, by=None, once="a", now=now),
        lambda: pack(lot.id, brick.id, 2, by=None, once="b", now=now),
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Counted", "PackedTooMuch"]
    assert packed_grams(lot.id) == 5_000
    assert_movements_explain_every_balance()


def test_of_those_who_counted_at_once_one_is_believed(app: Flask, now: datetime) -> None:
    rice = make_product()
    for _ in range(5):
        lot = make_lot(rice, units=50)
        answers = race(
            app,
            *(
                lambda free=free, lot=lot: set_count(
                    lot.item_id, free, seen_free_units=50, by=None, reason=Reason.RECOUNTED, once=f"form-{free}", now=now
                )
                for free in (49, 48, 47, 46)
            ),
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["CountMoved", "CountMoved", "CountMoved", "Counted"]


def test_one_form_sent_by_two_thumbs_at_once_counts_once(app: Flask, now: datetime) -> None:
    lot = make_lot(units=50)
    answers = race(app, *(lambda: change_count(lot.item_id, -5, by=None, reason=Reason.DAMAGED, once="a", now=now) for _ in range(4)))
    assert answers == [Counted(lot.item_id, 50, 45)] * 4


STEPS = st.lists(
    st.tuples(st.sampled_from(["pack", "change", "set"]), st.integers(-12, 12), st.sampled_from(Reason), st.integers(0, 3)), max_size=12
)


@settings(max_examples=15)
@given(steps=STEPS)
def test_whatever_people_do_movements_explain_every_balance(app: Flask, steps: list[tuple[str, int, Reason, int]]) -> None:
    now = datetime.fromisoformat("2026-11-23T02:00:00+00:00")
    rice = make_product("新米")
    lot = make_lot(rice, units=6, produced_grams=80_000)
    done: dict[str, Counted] = {}
    for kind, number, reason, key in steps:
        packed, held, sold, written_off = figures(lot.item_id)
        free = packed - held - sold - written_off
        once = f"{key}-{lot.id}"
        try:
            if kind == "pack":
                answer = pack(lot.id, rice.sku.id, number, by=None, once=once, now=now)
            elif kind == "change":
                answer = change_count(lot.item_id, number, by=None, reason=reason, once=once, now=now)
            else:
                answer = set_count(lot.item_id, number, seen_free_units=free, by=None, reason=reason, once=once, now=now)
        except (NotACount, PackedTooMuch, NotEnoughToWriteOff, ReasonDoesNotFit):
            assert figures(lot.item_id) == (packed, held, sold, written_off)
            continue
        if once in done:
            assert answer == done[once]
            assert figures(lot.item_id) == (packed, held, sold, written_off)
        else:
            assert answer.free_before == free
        done.setdefault(once, answer)
        after = figures(lot.item_id)
        assert packed_grams(lot.id) == after[0] * rice.sku.packed_grams <= 80_000
    assert_movements_explain_every_balance()
    db.session.close()
