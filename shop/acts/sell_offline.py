"""Sales made by hand: at fairs, by contract, over a counter. Completed at once, paid into `cash/offline`; their returns likewise.

One way for one and for many: a batch of rows is one act with as many statements as a single sale. What is booked is decided first, in memory, row
by row and upon locked stock (`plan_offline`), so a row that is refused never spoils its batch; then everything is written at once.
"""

import json
import pickle
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial

from sqlalchemy.exc import IntegrityError

from shop.acts.book_sale import attributed_rows
from shop.acts.plan_offline import (
    Bag,
    NothingTaken,
    NotOfThatSale,
    NotOnSale,
    OfflineLine,
    OfflineReturn,
    OfflineRow,
    OfflineSale,
    OtherPrice,
    Outcome,
    Plan,
    PlannedReturn,
    PlannedSale,
    RefTaken,
    Result,
    ReturnedBeforeSold,
    Standing,
    World,
    key_of,
    plan,
)
from shop.catalog.pricing import offered_by_code
from shop.extensions import act, lock_in_order, reading, violated
from shop.kit.clock import business_day
from shop.kit.ids import EasternUnitId, ItemId, LineId, LotId, OrderId, PickId, ReturnId, UserId, VillageId
from shop.kit.regions import region_name
from shop.ledger import service as ledger
from shop.ledger.attribution import Share
from shop.ledger.models import EntryKind
from shop.ledger.service import CASH, Attributed, Booking, Leg, proceeds
from shop.orders import batches as orders
from shop.orders.batches import HandSale, NewReturn, PlacedOrder
from shop.orders.models import Order
from shop.orders.service import Delivery, ReturnedPick
from shop.outbox.service import write_audit
from shop.papers.accreditations import accredited_on
from shop.stock import holding, shelf
from shop.stock.holding import RaisedLot
from shop.stock.shelf import PickOfItem, Returned, Sold

__all__ = [
    "NotOfThatSale",
    "NotOnSale",
    "NothingTaken",
    "OfflineLine",
    "OfflineReturn",
    "OfflineRow",
    "OfflineSale",
    "OtherPrice",
    "Outcome",
    "RefTaken",
    "Rehearsal",
    "Result",
    "ReturnedBeforeSold",
    "book_offline",
    "return_offline",
    "sell_offline",
]


def sell_offline(sale: OfflineSale, *, by: UserId | None, now: datetime) -> str:
    """Book a sale made by hand on the business day it was made; the order's number. The same `ref` gives the same order.

    Raises NotOnSale, NothingTaken, NotEnoughStock, PeriodClosed, or RefTaken when another sale or return has that `ref`.
    """
    return _only(book_offline([sale], by=by, now=now, beside=partial(_note_by_hand, "offline.sold", by=by, now=now))).number


def return_offline(
    ref: str,
    sale_ref: str,
    units: Mapping[str, int],
    *,
    returned_at: datetime,
    restock: bool,
    reason: str,
    by: UserId | None,
    now: datetime,
) -> int:
    """Book goods that came back from a sale made by hand: `units` by SKU code, the latest picks first. The fen given back.

    The same `ref` gives the same return. Raises NoSuchOrder, NotOfThatSale, ReturnedBeforeSold, RefundTooLarge, NothingToRefund, PeriodClosed or
    RefTaken.
    """
    back = OfflineReturn(ref, sale_ref, units, returned_at, restock, reason)
    outcome = _only(book_offline([back], by=by, now=now, beside=partial(_note_by_hand, "offline.returned", by=by, now=now)))
    return -outcome.amount_fen


def _note_by_hand(action: str, outcomes: Sequence[Outcome], *, by: UserId | None, now: datetime) -> None:
    """Step, beside the booking: who wrote it down. Told again with the same reference it was noted already."""
    for outcome in outcomes:
        if outcome.result is Result.BOOKED and by is not None:
            facts = {"after": {"amount_fen": outcome.amount_fen}}
            write_audit(action, subject=outcome.number, by=by, facts=facts, now=now)


def _only(outcomes: Sequence[Outcome]) -> Outcome:
    (outcome,) = outcomes
    if outcome.refusal is not None:
        raise outcome.refusal
    return outcome


_ONCE = ("uq_orders_once", "uq_returns_once", "uq_orders_number")
_MOST_MEETINGS = 5


def book_offline(
    rows: Sequence[OfflineRow],
    *,
    by: UserId | None,
    now: datetime,
    beside: Callable[[Sequence[Outcome]], None] = lambda outcomes: None,
) -> list[Outcome]:
    """Book rows in their order, in one transaction: each its own order and entry, or return and entry; how each ended, in their order.

    A row with a `ref` that was booked before with the same facts is known and books nothing. A row may return a sale of the same batch that stands
    before it. `beside` is a step of the same transaction, told the outcomes. A few hundred rows at a time keep others waiting least.
    """
    for meeting in range(1, _MOST_MEETINGS + 1):
        try:
            return _book(rows, by=by, now=now, beside=beside)
        except IntegrityError as error:
            # Somebody told the same at the same moment, or drew the same number: now it is there to be seen.
            if meeting == _MOST_MEETINGS or not any(violated(error, key) for key in _ONCE):
                raise
    raise AssertionError("unreachable: the last meeting returns or raises")


@act
def _book(rows: Sequence[OfflineRow], *, by: UserId | None, now: datetime, beside: Callable[[Sequence[Outcome]], None]) -> list[Outcome]:
    world = _look(rows, {}, is_locking=True)
    planned = plan(rows, world)
    if planned.booked:
        _write(planned, world, by=by, now=now)
    beside(planned.outcomes)
    return planned.outcomes


# ── What the rows ask about ───────────────────────────────────────────────────────────────────────────────────────────


def _look(rows: Sequence[OfflineRow], rehearsed: Mapping[str, Standing], *, is_locking: bool) -> World:
    """Everything that the rows ask about, by a number of statements that does not grow with them; locked in the house's order if they will be booked.

    `rehearsed`: sales by reference as a rehearsal knows them.
    """
    returns = [row for row in rows if isinstance(row, OfflineReturn)]
    lines = [line for row in rows if isinstance(row, OfflineSale) for line in row.lines]
    named = {line.lot_code for line in lines if line.lot_code is not None} | {row.lot_code for row in returns if row.lot_code is not None}
    offers = offered_by_code({line.sku_code for line in lines}) if lines else {}
    lots = shelf.find_lots(named)
    placed = orders.find_placed_all([*(key_of(row.ref) for row in rows), *(key_of(row.sale_ref) for row in returns)])
    sales = {row.sale_ref: placed[key_of(row.sale_ref)] for row in returns if key_of(row.sale_ref) in placed}
    if is_locking and sales:
        lock_in_order(Order, (sale.order_id for sale in sales.values()))
    made = orders.find_returns(key_of(row.ref) for row in rows)
    picks = shelf.sold_picks(line.line_id for order in _looked_into(rows, sales, placed) for line in order.lines)
    standing = _standing(sales, picks) | dict(rehearsed)
    sku_ids = {offer.sku_id for offer in offers.values()}
    item_ids = {bag.item_id for sale in standing.values() for bag in sale.bags}
    days = {business_day(row.sold_at if isinstance(row, OfflineSale) else row.returned_at) for row in rows}
    return World(
        offers=offers,
        lots=lots,
        shelf=shelf.lock_shelf(sku_ids, item_ids) if is_locking else shelf.read_shelf(sku_ids, item_ids),
        closed_months=frozenset(ledger.share_lock_months(days) if is_locking else ledger.closed_months(days)),
        placed=placed,
        placed_lots=_placed_lots(placed.values(), picks),
        made=made,
        made_on=ledger.days_of(each.entry_id for each in made.values()) if made else {},
        standing=standing,
    )


def _looked_into(rows: Iterable[OfflineRow], sales: Mapping[str, PlacedOrder], placed: Mapping[str, PlacedOrder]) -> list[PlacedOrder]:
    """Orders whose picks matter: those that are returned, and those that a row with a named lot may have booked before."""
    with_lots = {row.ref for row in rows if isinstance(row, OfflineSale) and any(line.lot_code is not None for line in row.lines)}
    known = [placed[key_of(ref)] for ref in with_lots if key_of(ref) in placed]
    return list({order.order_id: order for order in (*sales.values(), *known)}.values())


def _placed_lots(placed: Iterable[PlacedOrder], picks: Iterable[PickOfItem]) -> dict[OrderId, frozenset[LotId]]:
    order_of = {line.line_id: order.order_id for order in placed for line in order.lines}
    lots: dict[OrderId, set[LotId]] = {}
    for pick in picks:
        lots.setdefault(order_of[pick.line_id], set()).add(pick.lot_id)
    return {order_id: frozenset(found) for order_id, found in lots.items()}


def _standing(sales: Mapping[str, PlacedOrder], picks: Iterable[PickOfItem]) -> dict[str, Standing]:
    """The sales that stand in the books, as returns find them."""
    if not sales:
        return {}
    booked = ledger.booked_picks_of(sale.order_id for sale in sales.values())
    by_line: dict[LineId, list[PickOfItem]] = {}
    for pick in picks:
        by_line.setdefault(pick.line_id, []).append(pick)
    standing = {}
    for ref, sale in sales.items():
        bags = []
        for line_at, line in enumerate(sale.lines):
            for pick in by_line.get(line.line_id, ()):
                book = booked[sale.order_id][pick.pick_id]
                bags.append(
                    Bag(
                        line_at=line_at,
                        sku_code=line.sku_code,
                        unit_grams=0,  # no return asks
                        item_id=pick.item_id,
                        lot_id=pick.lot_id,
                        cooperative_id=book.cooperative_id,
                        units=pick.units,
                        fen=book.fen,
                        returned_units=pick.returned_units,
                        refunded_fen=book.refunded_fen,
                        recorded=book.recorded,
                        source_version=book.source_version,
                        lot_total_fen=book.lot_total_fen,
                        pick_id=pick.pick_id,
                        line_id=line.line_id,
                        is_accredited=book.is_accredited,
                    )
                )
        bags.sort(key=lambda bag: bag.pick_id or 0)
        prices_fen = {line.sku_code: line.unit_price_fen for line in sale.lines}
        assert sale.sold_on is not None, "a sale made by hand has its day"
        standing[ref] = Standing(sale.sold_on, prices_fen, bags, sale.order_id, sale.number)
    return standing


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _write(planned: Plan, world: World, *, by: UserId | None, now: datetime) -> None:
    """Step. Orders, picks, lots, entries, returns, movements: each by one statement for all rows."""
    sales = [each for each in planned.booked if isinstance(each, PlannedSale)]
    returns = [each for each in planned.booked if isinstance(each, PlannedReturn)]
    bags = planned.bags()
    _draw_up(sales)
    _see_what_counts(sales)
    for bag, pick_id in zip(
        bags, shelf.store_picks([(_line_of(bag), bag.item_id, bag.units, bag.returned_units) for bag in bags]), strict=True
    ):
        bag.pick_id = pick_id
    lots = holding.raise_gross(planned.added_fen()) if sales else {}
    shares = iter(planned.attribute(lots))
    entry_ids = ledger.post_all([_booking(each, lots, shares) for each in planned.booked], now=now)
    entry_of = dict(zip((each.at for each in planned.booked), entry_ids, strict=True))
    new = [
        NewReturn(
            order_id=_order_of(each.standing),
            once=key_of(each.back.ref),
            picks=[ReturnedPick(_pick_of(taken.bag), _line_of(taken.bag), taken.units, taken.fen) for taken in each.taken],
            restock=each.back.restock,
            reason=each.back.reason[:120],
            entry_id=entry_of[each.at],
        )
        for each in returns
    ]
    return_ids = dict(zip((each.at for each in returns), orders.record_returns(new, asked_by=by, now=now), strict=True)) if new else {}
    made_now = {bag.pick_id for bag in bags}
    back: dict[PickId, int] = {}
    for taken in (taken for each in returns for taken in each.taken):
        if (pick_id := _pick_of(taken.bag)) not in made_now:  # a pick of this batch went in with what came back already
            back[pick_id] = back.get(pick_id, 0) + taken.units
    shelf.add_returned(back)
    shelf.write(world.shelf, [_happening(each, return_ids) for each in planned.booked], by=by, now=now)


def _draw_up(sales: Sequence[PlannedSale]) -> None:
    stored = orders.draw_up_all(
        [
            HandSale(
                once=key_of(each.sale.ref),
                delivery=_delivery(each.sale.district_code, each.sale.eastern_unit_id),
                lines=each.lines,
                sold_at=each.sale.sold_at,
                sold_on=each.standing.sold_on,
            )
            for each in sales
        ]
    )
    for each, row in zip(sales, stored, strict=True):
        each.standing.order_id, each.standing.number = row.order_id, row.number
        for bag in each.standing.bags:
            bag.line_id = row.line_ids[bag.line_at]


def _see_what_counts(sales: Sequence[PlannedSale]) -> None:
    """Which bags are of products that were accredited on the day of their sale."""
    counted = accredited_on((line.product_id, each.standing.sold_on) for each in sales for line in each.lines)
    for each in sales:
        for bag in each.standing.bags:
            bag.is_accredited = (each.lines[bag.line_at].product_id, each.standing.sold_on) in counted


@lru_cache(maxsize=1000)
def _delivery(district_code: str | None, eastern_unit_id: EasternUnitId | None) -> Delivery:
    return Delivery(
        name="",
        phone="",
        email=None,
        district_code=district_code or "",
        region=region_name(district_code) if district_code else "",
        town="",
        street="",
        note="",
        locale="zh",
        buyer_id=None,
        eastern_unit_id=eastern_unit_id,
        perishable_confirmed=False,
        remember_address=False,
    )


def _booking(planned: PlannedSale | PlannedReturn, lots: Mapping[LotId, RaisedLot], shares: Iterator[list[Share]]) -> Booking:
    """The entry of one row. `shares` gives those of the next bag that was sold."""
    standing = planned.standing
    if isinstance(planned, PlannedSale):
        kind, once, on, into_cash_fen = EntryKind.SALE, f"sale:{standing.number}", standing.sold_on, planned.total_fen
        rows = [
            row
            for bag in standing.bags
            for row in attributed_rows(
                next(shares), _order_of(standing), _line_of(bag), _pick_of(bag), bag.cooperative_id, bag.units * bag.unit_grams,
                lots[bag.lot_id], standing.sold_on, is_accredited=bag.is_accredited,
            )
        ]  # fmt: skip
    else:
        kind, once, on, into_cash_fen = (
            EntryKind.REFUND,
            key_of(planned.back.ref),
            business_day(planned.back.returned_at),
            -planned.total_fen,
        )
        rows = [_given_back(standing, taken.bag, share.village_id, fen) for taken in planned.taken for share, fen in taken.shares() if fen]
    legs = [Leg(CASH, into_cash_fen), *(Leg(proceeds(row.cooperative_id, row.village_id), -row.amount_fen) for row in rows)]
    return Booking(kind, legs, rows, once, standing.number, on)


def _given_back(standing: Standing, bag: Bag, village_id: VillageId, fen: int) -> Attributed:
    return Attributed(
        order_id=_order_of(standing),
        line_id=_line_of(bag),
        pick_id=_pick_of(bag),
        lot_id=bag.lot_id,
        source_version=bag.source_version,
        cooperative_id=bag.cooperative_id,
        village_id=village_id,
        is_refund=True,
        amount_fen=-fen,
        grams=0,
        lot_total_fen=bag.lot_total_fen,
        sold_on=standing.sold_on,
        is_accredited=bag.is_accredited,
    )


def _happening(planned: PlannedSale | PlannedReturn, return_ids: Mapping[int, ReturnId]) -> Sold | Returned:
    if isinstance(planned, PlannedSale):
        return Sold([(_pick_of(bag), bag.item_id, bag.units) for bag in planned.standing.bags])
    picks = [(_pick_of(taken.bag), taken.bag.item_id, taken.units) for taken in planned.taken]
    return Returned(picks, planned.back.restock, planned.back.reason[:120], f"return:{return_ids[planned.at]}")


def _order_of(standing: Standing) -> OrderId:
    assert standing.order_id is not None, "it is stored"
    return standing.order_id


def _line_of(bag: Bag) -> LineId:
    assert bag.line_id is not None, "it is stored"
    return bag.line_id


def _pick_of(bag: Bag) -> PickId:
    assert bag.pick_id is not None, "it is stored"
    return bag.pick_id


# ── Rehearsing ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Rehearsal:
    """What rows would book, batch after batch, without booking, locking or keeping anybody waiting.

    It plans as the booking does and remembers what the rows before have changed: of items and lots the figures, of sales what a return may ask, in a
    temporary file of SQLite's, so that memory stays flat. If nobody else sells meanwhile, booking the same rows ends as it says.
    """

    def __init__(self) -> None:
        self._items: dict[ItemId, tuple[int, int]] = {}
        """How many more units are sold and written off."""
        self._lots: dict[LotId, int] = {}
        """By how much their running totals have grown, fen."""
        self._sales = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # "": a file that goes away with the connection
        self._sales.execute("create table sales (ref text primary key, standing blob) without rowid")

    def __enter__(self) -> "Rehearsal":
        return self

    def __exit__(self, *_error: object) -> None:
        self._sales.close()

    def run(self, rows: Sequence[OfflineRow]) -> list[Outcome]:
        """How each row would end, in their order; the next batch finds what this one left."""
        with reading():
            world = _look(rows, self._recalled({row.sale_ref for row in rows if isinstance(row, OfflineReturn)}), is_locking=False)
            for item in world.shelf.items.values():
                sold, written_off = self._items.get(item.item_id, (0, 0))
                item.sold += sold
                item.written_off += written_off
            planned = plan(rows, world)
            added = planned.added_fen()
            lots = holding.read_lots(added) if added else {}
        for lot_id, fen in added.items():
            self._lots[lot_id] = self._lots.get(lot_id, 0) + fen
        planned.attribute({lot_id: replace(lot, gross_fen=lot.gross_fen + self._lots[lot_id]) for lot_id, lot in lots.items()})
        self._remember(planned, world)
        return planned.outcomes

    def _recalled(self, refs: set[str]) -> dict[str, Standing]:
        asked = json.dumps(sorted(refs))
        found = self._sales.execute("select ref, standing from sales where ref in (select value from json_each(?))", (asked,))
        return {ref: pickle.loads(standing) for ref, standing in found}

    def _remember(self, planned: Plan, world: World) -> None:
        for item_id, (_packed, _held, sold, written_off) in world.shelf.before.items():
            item = world.shelf.items[item_id]
            if (change := (item.sold - sold, item.written_off - written_off)) != (0, 0):
                self._items[item_id] = change
            else:
                self._items.pop(item_id, None)
        changed = {(each.sale.ref if isinstance(each, PlannedSale) else each.back.sale_ref): each.standing for each in planned.booked}
        self._sales.execute("begin")
        self._sales.executemany(
            "insert or replace into sales (ref, standing) values (?, ?)",
            [(ref, pickle.dumps(standing, pickle.HIGHEST_PROTOCOL)) for ref, standing in changed.items()],
        )
        self._sales.execute("end")
