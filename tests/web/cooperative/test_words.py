"""How old a figure is, whose it is, and when somebody should look."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shop.app import create_app
from shop.kit.ids import ItemId, LotId, SkuId, UserId
from shop.reports.cooperative_pages import MovementRow, StockRow, first_out, near_days
from shop.stock.models import MovementKind
from shop.web.cooperative import words

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, 10:00 in Shanghai
TODAY = date(2026, 11, 23)
ME, WU = UserId(1), UserId(2)

ROW = StockRow(
    item_id=ItemId(1),
    lot_id=LotId(1),
    lot_code="BS2610A",
    sku_id=SkuId(1),
    product_slug="baishui-gongmi",
    product_name="白水贡米",
    product_name_en="Baishui tribute rice",
    illustration="rice_sheaf",
    glyph="米",
    tint="grain",
    cover="",
    pack="5 kg 编织袋",
    pack_en="5 kg bag",
    unit_word="袋",
    unit_grams=5_000,
    shelf_life_days=365,
    best_before=date(2027, 10, 15),
    recalled_at=None,
    lot_produced_grams=1_000_000,
    lot_packed_grams=780_000,
    packed=60,
    held=3,
    sold=10,
    written_off=1,
    waiting_units=2,
    counted_at=NOW - timedelta(hours=3),
    touched_at=NOW - timedelta(hours=3),
    touched_kind=MovementKind.RECOUNTED,
    touched_by_id=WU,
    touched_by="小吴",
)
MOVEMENT = MovementRow(
    at=NOW,
    kind=MovementKind.SOLD,
    reason="",
    packed_change=0,
    held_change=-2,
    sold_change=2,
    written_off_change=0,
    packed_after=60,
    held_after=3,
    sold_after=10,
    written_off_after=1,
    by_id=None,
    by=None,
    order_number="SH-261123-7K3M9P",
    pack="5 kg 编织袋",
    pack_en="5 kg bag",
    unit_word="袋",
)


@pytest.fixture(scope="module", autouse=True)
def _speaking() -> object:
    with create_app().test_request_context():
        yield


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta(seconds=20), "刚刚"),
        (timedelta(minutes=3), "3 分钟前"),
        (timedelta(hours=2, minutes=40), "今早 7:20"),
        (timedelta(hours=20, minutes=55), "昨天 13:05"),
        (timedelta(days=9), "9 天前"),
        (timedelta(days=45), "10\xa0月\xa09\xa0日"),
    ],
)
def test_how_long_ago_is_said_as_people_say_it(before: timedelta, expected: str) -> None:
    assert words.ago(NOW - before, NOW) == expected


def test_the_afternoon_is_not_the_morning() -> None:
    assert words.ago(NOW + timedelta(hours=3), NOW + timedelta(hours=6)) == "今天 13:00"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "今早 7:00，小吴点的"),
        ({"touched_by_id": ME}, "今早 7:00，你点的"),
        ({"touched_by": ""}, "今早 7:00，有人点的"),
        ({"touched_by_id": None}, "今早 7:00，系统点的"),
        ({"touched_kind": MovementKind.PACKED}, "今早 7:00，小吴装的"),
        ({"touched_kind": MovementKind.WRITTEN_OFF}, "今早 7:00，小吴记的破损"),
        ({"touched_at": None, "touched_kind": None}, "还没点过"),
    ],
)
def test_a_figure_says_its_age_and_whose_it_is(changes: dict[str, object], expected: str) -> None:
    assert words.age(replace(ROW, **changes), NOW, ME) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected", "state"),
    [
        ({}, "", ""),
        ({"counted_at": NOW - timedelta(days=9)}, "9 天没点过", "old"),
        ({"counted_at": NOW - timedelta(days=7)}, "", ""),
        ({"counted_at": None, "touched_at": NOW - timedelta(days=9)}, "还没点过", "old"),
        ({"counted_at": None, "touched_at": NOW - timedelta(days=2)}, "", ""),
        ({"counted_at": None, "packed": 11, "held": 0}, "", ""),
        ({"best_before": TODAY + timedelta(days=9)}, "剩 9 天到期", "low"),
        ({"best_before": TODAY}, "今天到期", "low"),
        ({"best_before": TODAY - timedelta(days=1)}, "过期 1 天", "low"),
        ({"recalled_at": NOW, "best_before": TODAY}, "已召回", "low"),
    ],
)
def test_a_row_calls_for_attention_when_it_should(changes: dict[str, object], expected: str, state: str) -> None:
    row = replace(ROW, **changes)  # type: ignore[arg-type]
    said = words.attention(row, NOW)
    assert expected in said and bool(expected) == bool(said)
    assert words.attention_state(row, NOW) == state


@pytest.mark.parametrize(("shelf_life", "expected"), [(365, 30), (120, 30), (30, 7), (7, 3), (1, 3)])
def test_near_its_end_is_a_quarter_of_the_shelf_life(shelf_life: int, expected: int) -> None:
    assert near_days(shelf_life) == expected


def test_the_figures_of_a_row_add_up() -> None:
    assert (ROW.free_units, ROW.spoken_for_units, ROW.room_units) == (46, 5, 44)


def test_first_out_is_named_where_a_pack_stands_in_several_lots_on_sale() -> None:
    later = replace(ROW, item_id=ItemId(2), best_before=date(2027, 12, 1))
    expired = replace(ROW, item_id=ItemId(3), best_before=TODAY - timedelta(days=1))
    empty = replace(ROW, item_id=ItemId(4), best_before=TODAY, packed=14)
    other = replace(ROW, item_id=ItemId(5), sku_id=SkuId(2))
    assert first_out([later, ROW, expired, empty, other], today=TODAY) == {ROW.item_id}
    assert first_out([ROW, expired, other], today=TODAY) == frozenset()


@pytest.mark.parametrize(
    ("changes", "what", "whose", "why"),
    [
        ({}, "订单 SH-261123-7K3M9P 卖出", "买家", ""),
        ({"kind": MovementKind.HELD}, "订单 SH-261123-7K3M9P 占用", "买家", ""),
        ({"kind": MovementKind.RELEASED}, "订单 SH-261123-7K3M9P 没付款，放回", "系统", ""),
        ({"kind": MovementKind.PACKED, "by_id": ME, "reason": "packed"}, "新装袋", "你", ""),
        ({"kind": MovementKind.RECOUNTED, "by_id": WU, "by": "小吴", "reason": "recounted"}, "点数", "小吴", "点过，一样"),
        ({"kind": MovementKind.RECOUNTED, "packed_change": 2, "by_id": WU, "by": "", "reason": "recounted"}, "点数", "有人", "点数更正"),
        ({"kind": MovementKind.WRITTEN_OFF, "reason": "damaged", "order_number": None}, "破损", "系统", ""),
        ({"kind": MovementKind.RETURNED_SPOILT, "reason": "外袋破了"}, "订单 SH-261123-7K3M9P 退款，不再卖", "系统", "外袋破了"),
        ({"kind": MovementKind.SOLD, "order_number": None}, "卖出", "买家", ""),
    ],
)
def test_a_movement_says_what_happened_by_whom_and_why(changes: dict[str, object], what: str, whose: str, why: str) -> None:
    movement = replace(MOVEMENT, **changes)  # type: ignore[arg-type]
    assert (words.what_happened(movement), words.whose(movement, ME), words.why(movement)) == (what, whose, why)


def test_signs_are_drawn_with_a_true_minus() -> None:
    assert [words.signed(change) for change in (10, -5, 0)] == ["+10", "−5", "0"]
