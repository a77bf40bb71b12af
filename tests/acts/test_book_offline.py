"""Many rows at once end in the same books as one row after the other, through the steps that every other sale takes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from random import Random

import pytest
from flask import Flask
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from shop.acts.book_sale import book_sale
from shop.acts.close_month import close_month
from shop.acts.import_sales import Lanes
from shop.acts.place_order import snapshot, wanted_of
from shop.acts.refund_order import RefundWanted, book_return
from shop.acts.sell_offline import (
    NotOfThatSale,
    OfflineLine,
    OfflineReturn,
    OfflineRow,
    OfflineSale,
    OtherPrice,
    Outcome,
    RefTaken,
    Rehearsal,
    Result,
    ReturnedBeforeSold,
    book_offline,
)
from shop.catalog.pricing import offered_by_code
from shop.extensions import act, reading, trying
from shop.kit.clock import business_day
from shop.kit.errors import ShopError
from shop.kit.ids import PickId, ProductId
from shop.ledger import service as ledger
from shop.ledger.attribution import SoldPick, latest_picks
from shop.ledger.errors import PeriodClosed
from shop.ledger.models import Account, Attribution, Entry, Posting
from shop.ledger.service import CASH
from shop.orders import service as orders
from shop.orders.errors import NoSuchOrder, RefundTooLarge
from shop.orders.models import Channel, Order, OrderLine, Return, ReturnLine
from shop.orders.service import Delivery
from shop.orders.states import OrderState
from shop.origin.models import Village
from shop.reports.folding import fold_waiting
from shop.stock import holding as stock
from shop.stock.errors import NotEnoughStock
from shop.stock.models import Lot, Movement, Pick, StockItem
from tests.database import TestDatabase
from tests.factories import MadeSku, Pack, make_lot, make_product, make_villages
from tests.shopping import NOW, assert_books_are_sound, free_units
from tests.statements import count_statements

DAYS = [datetime.fromisoformat(f"2026-{day}T10:00:00+08:00") for day in ("10-20", "10-31", "11-01", "11-20")]
CLOSED = "2026-09"


# ── The plain way: a row at a time, by the steps of a purchase and a refund ───────────────────────────────────────────


@act
def plainly(row: OfflineRow) -> Outcome:
    """Book one row as this shop did before it knew batches."""
    try:
        with trying():
            if isinstance(row, OfflineSale):
                _sell_plainly(row)
            else:
                _return_plainly(row)
    except ShopError as refusal:
        return Outcome(row.ref, Result.REFUSED, refusal=refusal)
    return Outcome(row.ref, Result.BOOKED)


def _sell_plainly(sale: OfflineSale) -> None:
    offers = offered_by_code(line.sku_code for line in sale.lines)
    on = business_day(sale.sold_at)
    delivery = Delivery("", "", None, sale.district_code or "", "", "", "", "", "zh", None, sale.eastern_unit_id, False, False)
    order, lines = orders.draw_up(
        delivery,
        [snapshot(offers[line.sku_code], line.unit_price_fen, line.quantity) for line in sale.lines],
        shipping_fen=0,
        channel=Channel.OFFLINE,
        state=OrderState.COMPLETED,
        once=f"offline:{sale.ref}",
        hold_until=None,
        sold_on=on,
        today=on,
        now=sale.sold_at,
    )
    free = []
    for asked, line in zip(sale.lines, lines, strict=True):
        if asked.lot_code is None:
            free.append(line)
        else:
            lot_id = stock.find_lot(asked.lot_code)
            assert lot_id is not None
            stock.hold_in_lot(line.id, line.sku_id, line.quantity, lot_id=lot_id, by=None, now=NOW)
    if free:
        stock.hold_all(wanted_of(free), today=on, by=None, now=NOW)
    book_sale(order, lines, paid_into=CASH, on=on, by=None, now=NOW)


def _return_plainly(back: OfflineReturn) -> None:
    sale = orders.find_placed(f"offline:{back.sale_ref}")
    if sale is None:
        raise NoSuchOrder
    booked = ledger.booked_picks(sale.id)
    units = stock.sold_units(booked)
    by_sku = {line.sku_code: line.id for line in orders.lines_of(sale.id)}
    picks: dict[PickId, int] = {}
    for code, count in back.units.items():
        of_line = [
            SoldPick(pick_id, pick.fen, units[pick_id].units, units[pick_id].returned_units, pick.refunded_fen)
            for pick_id, pick in sorted(booked.items())
            if pick.line_id == by_sku[code]
        ]
        if count > (left := sum(pick.left_units for pick in of_line)):
            raise RefundTooLarge(count, left)
        picks |= {pick.pick_id: taken for pick, taken in latest_picks(of_line, count)}
    wanted = RefundWanted(units=picks, restock=back.restock, reason=back.reason)
    book_return(
        orders.lock(sale.number), wanted, paid_from=CASH, once=f"offline:{back.ref}", by=None, on=business_day(back.returned_at), now=NOW
    )


# ── A small market, and files for it ──────────────────────────────────────────────────────────────────────────────────


def a_market() -> list[MadeSku]:
    """Rice in two packs out of lots that expire one after the other, blended of three villages; tea out of one."""
    villages = make_villages("白水村", "高坝田村", "木弄村")
    rice = make_product(packs=(Pack(grams=5000, price_fen=68_00), Pack(grams=2500, price_fen=35_00)), village=villages[0])
    tea = make_product("金丝皇菊", packs=(Pack(grams=60, price_fen=59_00),), village=villages[2])
    two, one = rice.skus
    make_lot(
        rice,
        units={two.id: 4, one.id: 3},
        sources=[(villages[0], 20_001), (villages[1], 13_003)],
        best_before=date(2026, 10, 31),
        code="OLD",
    )
    make_lot(rice, units={two.id: 6}, sources=[(villages[0], 11_000), (villages[1], 12_000), (villages[2], 8_000)], code="MID")
    make_lot(rice, units={two.id: 9, one.id: 5}, sources=[(villages[1], 60_000)], harvested_on=date(2026, 11, 1), code="NEW")
    make_lot(tea, units=7, sources=[(villages[2], 500)], code="TEA")
    return [two, one, tea.sku]


@st.composite
def files(draw: st.DrawFn) -> list[OfflineRow]:
    """Sales of up to two lines, and returns of sales before them: many of them more than there is."""
    rows: list[OfflineRow] = []
    for number in range(draw(st.integers(1, 14))):
        at = draw(st.sampled_from(DAYS))
        if rows and draw(st.integers(0, 2)) == 0:
            sales = [row for row in rows if isinstance(row, OfflineSale)]
            sale = draw(st.sampled_from(sales)) if sales else None
            codes = [line.sku_code for line in sale.lines] if sale else ["0"]
            units = {code: draw(st.integers(1, 4)) for code in codes[: draw(st.integers(1, len(codes)))]}
            ref = sale.ref if sale else "never"
            when = max(at, sale.sold_at) if sale else at
            rows.append(OfflineReturn(f"r{number}", ref, units, when, draw(st.booleans()), "试"))
            continue
        skus = draw(
            st.sampled_from([[0], [0], [1], [2], [0, 2], [2, 1]])
        )  # which of two lines is picked first out of one lot, nobody promises
        lines = []
        for sku in skus:
            lot = draw(st.sampled_from([None, None, None, ("OLD", "MID", "NEW")[draw(st.integers(0, 2))]])) if sku < 2 else None
            lines.append(OfflineLine(str(sku), draw(st.integers(1, 6)), draw(st.integers(1, 9_999)), lot))
        rows.append(OfflineSale(f"s{number}", at, tuple(lines), draw(st.sampled_from([None, "320583"]))))
    return rows


def with_codes(rows: Sequence[OfflineRow], skus: Sequence[MadeSku]) -> list[OfflineRow]:
    """The same rows with the market's SKU codes."""
    found: list[OfflineRow] = []
    for row in rows:
        if isinstance(row, OfflineSale):
            lines = tuple(
                OfflineLine(skus[int(line.sku_code)].code, line.quantity, line.unit_price_fen, line.lot_code) for line in row.lines
            )
            found.append(OfflineSale(row.ref, row.sold_at, lines, row.district_code))
        else:
            units = {skus[int(code)].code: count for code, count in row.units.items()}
            found.append(OfflineReturn(row.ref, row.sale_ref, units, row.returned_at, row.restock, row.reason))
    return found


def the_books() -> dict[str, list[tuple[object, ...]]]:
    """Everything that a bookkeeper and a storekeeper would compare, without the numbers that rows happen to have."""
    with reading() as session:
        queries = {
            "postings": select(Entry.kind, Order.once, Account.kind, Village.name, Posting.amount_fen, Posting.business_day)
            .select_from(Posting).join(Entry).join(Account).join(Order, Order.number == Entry.subject)
            .outerjoin(Village, Village.id == Account.village_id)
            .order_by(Order.once, Entry.kind, Posting.business_day, Account.kind, Village.name, Posting.amount_fen),
            "attributions": select(Order.once, OrderLine.position, Lot.code, Village.name, Attribution.is_refund, Attribution.amount_fen,
                                   Attribution.grams, Attribution.lot_total_fen, Attribution.source_version, Attribution.business_day,
                                   Attribution.sold_on)
            .select_from(Attribution).join(Order, Order.id == Attribution.order_id).join(OrderLine, OrderLine.id == Attribution.line_id)
            .join(Lot, Lot.id == Attribution.lot_id).join(Village, Village.id == Attribution.village_id)
            .order_by(Order.once, OrderLine.position, Lot.code, Village.name, Attribution.entry_id),
            "lots": select(Lot.code, Lot.gross_fen).order_by(Lot.code),
            "items": select(Lot.code, StockItem.sku_id, StockItem.held, StockItem.sold, StockItem.written_off).join(Lot).order_by(StockItem.id),
            "picks": select(Order.once, OrderLine.position, Pick.item_id, Pick.units, Pick.returned_units, Pick.state)
            .select_from(Pick).join(OrderLine, OrderLine.id == Pick.line_id).join(Order).order_by(Order.once, OrderLine.position, Pick.item_id),
            "movements": select(Movement.item_id, Movement.kind, Movement.held_change, Movement.sold_change, Movement.written_off_change,
                                Movement.held_after, Movement.sold_after, Movement.written_off_after, Movement.reason)
            .order_by(Movement.item_id, Movement.id),
            "orders": select(Order.once, Order.total_fen, Order.placed_at, Order.sold_on, Order.district_code, Order.state).order_by(Order.once),
            "returns": select(Return.once, Return.goods_fen, Return.restock, ReturnLine.units, ReturnLine.amount_fen)
            .join(ReturnLine, ReturnLine.return_id == Return.id).order_by(Return.once, ReturnLine.units, ReturnLine.amount_fen),
        }  # fmt: skip
        return {name: [tuple(row) for row in session.execute(query)] for name, query in queries.items()}


def seen(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.ref, type(outcome.refusal).__name__ if outcome.refusal else outcome.result.value) for outcome in outcomes]


@pytest.mark.parametrize("examples", [4, pytest.param(60, marks=pytest.mark.soak)])
def test_a_batch_ends_in_the_books_of_one_row_after_the_other(app: Flask, database: TestDatabase, examples: int) -> None:
    @settings(
        max_examples=examples, phases=[Phase.explicit, Phase.reuse, Phase.generate]
    )  # each example is two databases: too slow to shrink
    @given(rows=files(), size=st.integers(1, 6))
    def compare(rows: list[OfflineRow], size: int) -> None:
        database.renew()
        plain_rows = with_codes(rows, a_market())
        plain = [plainly(row) for row in plain_rows]
        wanted = the_books()
        database.renew()
        same_rows = with_codes(rows, a_market())
        with Rehearsal() as rehearsal:
            rehearsed = [outcome for at in range(0, len(rows), size) for outcome in rehearsal.run(same_rows[at : at + size])]
        booked = [outcome for at in range(0, len(rows), size) for outcome in book_offline(same_rows[at : at + size], by=None, now=NOW)]
        assert seen(booked) == seen(plain)
        found = the_books()
        assert {name: found[name] for name in wanted} == wanted
        assert [(each.result, each.amount_fen, sorted(each.villages)) for each in rehearsed] == [
            (each.result, each.amount_fen, sorted(each.villages)) for each in booked
        ], "a rehearsal says to the fen what the booking does"
        again = book_offline(same_rows, by=None, now=NOW)
        assert {each.ref for each in again if each.result is Result.KNOWN} == {each.ref for each in booked if each.result is Result.BOOKED}

    compare()
    assert_books_are_sound()


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 30))])
def test_parts_of_a_file_booked_at_the_same_moment_end_in_the_books_of_one_row_after_the_other(
    app: Flask, database: TestDatabase, seed: int
) -> None:
    rows = a_file_of_single_skus(Random(seed))
    database.renew()
    wanted_outcomes = seen(book_offline(with_codes(rows, a_market()), by=None, now=NOW))
    wanted = the_books()
    database.renew()
    skus = a_market()
    products = {sku.code: ProductId(1 if at < 2 else 2) for at, sku in enumerate(skus)}
    coded = with_codes(rows, skus)
    parts = lanes_of_batches(coded, products)
    assert sorted(place for part in parts for place in part) == list(range(len(rows))) and all(parts)

    def book(part: list[int]) -> list[tuple[int, Outcome]]:
        with app.app_context():
            return [
                each
                for at in range(0, len(part), 7)
                for each in zip(
                    part[at : at + 7], book_offline([coded[place] for place in part[at : at + 7]], by=None, now=NOW), strict=True
                )
            ]

    with ThreadPoolExecutor(2) as threads:
        booked = sorted((each for part in threads.map(book, parts) for each in part), key=lambda each: each[0])
    assert seen([outcome for _, outcome in booked]) == wanted_outcomes
    assert {"booked", "NotEnoughStock", "NotOfThatSale"} <= {ended for _, ended in wanted_outcomes}
    found = the_books()
    assert {name: found[name] for name in wanted} == wanted
    assert_books_are_sound()


def lanes_of_batches(rows: list[OfflineRow], products: dict[str, ProductId]) -> list[list[int]]:
    """The places of a file's rows in two lanes, as an import divides one batch after another."""
    lanes = Lanes(2)
    parts: list[list[int]] = [[], []]
    for since in range(0, len(rows), 15):
        for part, places in zip(parts, lanes.divide(rows[since : since + 15], products), strict=True):
            part.extend(since + place for place in places)
    return parts


def a_file_of_single_skus(random: Random) -> list[OfflineRow]:
    """As rows of a file are: one SKU each. Some returns name another product's."""
    rows: list[OfflineRow] = [
        OfflineSale("first", DAYS[2], (OfflineLine("2", 1, 5_900),)),
        OfflineReturn("other", "first", {"0": 1}, DAYS[3]),
    ]
    for number in range(40):
        sales = [row for row in rows if isinstance(row, OfflineSale)]
        at = random.choice(DAYS)
        if random.randrange(3) == 0:
            sale = random.choice(sales)
            code = sale.lines[0].sku_code if random.randrange(6) else str(random.randrange(3))
            rows.append(
                OfflineReturn(f"r{number}", sale.ref, {code: random.randint(1, 2)}, max(at, sale.sold_at), bool(random.randrange(2)))
            )
        else:
            rows.append(
                OfflineSale(f"s{number}", at, (OfflineLine(str(random.randrange(3)), random.randint(1, 4), random.randint(1, 9_999)),))
            )
    return rows


# ── Single rules ──────────────────────────────────────────────────────────────────────────────────────────────────────


def a_sale(ref: str, sku: MadeSku, units: int = 1, price_fen: int = 68_00, at: datetime = DAYS[1], lot: str | None = None) -> OfflineSale:
    return OfflineSale(ref, at, (OfflineLine(sku.code, units, price_fen, lot),), "320583")


def refusals(*rows: OfflineRow) -> list[type[ShopError] | None]:
    return [type(outcome.refusal) if outcome.refusal else None for outcome in book_offline(rows, by=None, now=NOW)]


def test_a_bad_row_never_spoils_its_batch(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=3)
    rows = [a_sale("a", rice.sku, 2), a_sale("b", rice.sku, 2), a_sale("c", rice.sku, 1), a_sale("d", rice.sku, 1)]
    assert refusals(*rows) == [None, NotEnoughStock, None, NotEnoughStock]
    assert free_units(rice.sku) == 0
    assert_books_are_sound()


def test_what_comes_back_can_be_sold_by_the_next_row(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=1)
    back = OfflineReturn("b", "a", {rice.sku.code: 1}, DAYS[1])
    assert refusals(a_sale("a", rice.sku), a_sale("x", rice.sku), back, a_sale("c", rice.sku)) == [None, NotEnoughStock, None, None]
    assert_books_are_sound()


def test_a_return_says_what_that_sale_was(app: Flask) -> None:
    rice = make_product(packs=(Pack(grams=5000), Pack(grams=1000)))
    make_lot(rice, units={sku.id: 5 for sku in rice.skus}, code="ONE")
    make_lot(make_product("糯米"), units=5, code="TWO")
    big, small = rice.skus
    assert refusals(
        a_sale("a", big, 2, at=DAYS[2]),
        OfflineReturn("r1", "a", {small.code: 1}, DAYS[2]),
        OfflineReturn("r2", "a", {big.code: 1}, DAYS[2], unit_price_fen=67_99),
        OfflineReturn("r3", "a", {big.code: 1}, DAYS[0]),
        OfflineReturn("r4", "a", {big.code: 1}, DAYS[2], lot_code="TWO"),
        OfflineReturn("r5", "a", {big.code: 3}, DAYS[2]),
        OfflineReturn("a", "a", {big.code: 1}, DAYS[2]),
        OfflineReturn("r6", "a", {big.code: 1}, DAYS[2], unit_price_fen=68_00, lot_code="ONE"),
        OfflineReturn("r7", "r6", {big.code: 1}, DAYS[2]),
    ) == [None, NotOfThatSale, OtherPrice, ReturnedBeforeSold, NotOfThatSale, RefundTooLarge, RefTaken, None, NoSuchOrder]
    assert free_units(big) == 4


def test_the_same_reference_with_other_facts_is_refused(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=9, code="ONE")
    make_lot(rice, units=9, code="TWO")
    sale, back = a_sale("a", rice.sku, 2), OfflineReturn("b", "a", {rice.sku.code: 1}, DAYS[1])
    assert refusals(sale, back) == [None, None]
    assert [each.result for each in book_offline([sale, back], by=None, now=NOW)] == [Result.KNOWN, Result.KNOWN]
    assert [each.result for each in book_offline([a_sale("a", rice.sku, 2, lot="ONE")], by=None, now=NOW)] == [Result.KNOWN]
    assert (
        refusals(
            a_sale("a", rice.sku, 1),
            a_sale("a", rice.sku, 2, price_fen=1),
            a_sale("a", rice.sku, 2, at=DAYS[2]),
            a_sale("a", rice.sku, 2, lot="TWO"),
            a_sale("b", rice.sku, 1),
            OfflineReturn("b", "a", {rice.sku.code: 1}, DAYS[3]),
            OfflineReturn("b", "a", {rice.sku.code: 2}, DAYS[1]),
        )
        == [RefTaken] * 7
    )
    assert free_units(rice.sku) == 17


def test_rows_up_to_a_closed_month_are_refused_one_by_one(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=9, harvested_on=date(2026, 8, 1))
    assert refusals(a_sale("a", rice.sku, at=DAYS[0])) == [None]
    fold_waiting()
    close_month("2026-10", by=None, now=NOW)
    august = DAYS[0] - timedelta(days=60)
    rows = [
        a_sale("b", rice.sku, at=DAYS[1]),
        a_sale("c", rice.sku, at=august),  # a month that the books have never seen, and that is over with the closed one
        a_sale("d", rice.sku, at=DAYS[2]),
        OfflineReturn("e", "a", {rice.sku.code: 1}, DAYS[1]),
        OfflineReturn("f", "a", {rice.sku.code: 1}, DAYS[3]),
        a_sale("g", rice.sku, at=august),
    ]
    with Rehearsal() as rehearsal:
        rehearsed = rehearsal.run(rows)
    booked = book_offline(rows, by=None, now=NOW)
    again = book_offline([rows[1]], by=None, now=NOW)  # its month's row is there by now, and open
    wanted = ["2026-10", "2026-08", None, "2026-10", None, "2026-08"]
    for outcomes in (rehearsed, booked):
        assert [str(each.refusal) if each.refusal else None for each in outcomes] == wanted
    assert isinstance(again[0].refusal, PeriodClosed) and again[0].refusal.month == "2026-08"
    assert_books_are_sound()


@pytest.mark.parametrize("kind", ["sales", "returns"])
def test_a_batch_takes_as_many_statements_for_forty_rows_as_for_two(app: Flask, kind: str) -> None:
    rice = make_product()
    make_lot(rice, units=500)

    def rows(count: int, name: str) -> list[OfflineRow]:
        sales: list[OfflineRow] = [a_sale(f"{name}{number}", rice.sku, at=DAYS[0] + timedelta(minutes=number)) for number in range(count)]
        if kind == "sales":
            return sales
        book_offline(sales, by=None, now=NOW)
        return [OfflineReturn(f"b{name}{number}", f"{name}{number}", {rice.sku.code: 1}, DAYS[1]) for number in range(count)]

    few, many = rows(2, "few"), rows(40, "many")
    book_offline(rows(1, "warm"), by=None, now=NOW)
    with count_statements() as for_few:
        book_offline(few, by=None, now=NOW)
    with count_statements() as for_many:
        book_offline(many, by=None, now=NOW)
    assert len(for_many) == len(for_few) <= 40, for_many


def test_every_row_is_an_order_and_an_entry_of_its_own(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=50)
    outcomes = book_offline([a_sale(f"s{number}", rice.sku) for number in range(30)], by=None, now=NOW)
    with reading() as session:
        assert sorted(session.scalars(select(Order.once))) == sorted(f"offline:s{number}" for number in range(30))
        assert session.scalar(select(func.count()).select_from(Entry)) == 30
        assert {outcome.number for outcome in outcomes} == set(session.scalars(select(Entry.subject)))
