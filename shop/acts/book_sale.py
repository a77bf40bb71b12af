"""The step by which a sale becomes money of villages: shared by everything that sells."""

from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime

from shop.kit.apportion import largest_remainder
from shop.kit.ids import CooperativeId, EntryId, LineId, LotId, OrderId, PickId, ProductId, UserId
from shop.ledger import service as ledger
from shop.ledger.attribution import LotTotal, PickedFen, PickedUnits, Share, Source, attribute, fen_by_lot, fen_of_picks
from shop.ledger.models import EntryKind
from shop.ledger.service import CARRIAGE, Attributed, Heading, Leg, proceeds
from shop.orders.service import LineRow, OrderRow
from shop.papers.accreditations import accredited_on
from shop.stock import holding as stock
from shop.stock.holding import LinePick, RaisedLot


def book_sale(order: OrderRow, lines: Sequence[LineRow], *, paid_into: Heading, on: date, by: UserId | None, now: datetime) -> EntryId:
    """Step. What is held for the order is sold, and each fen of its lines is attributed and booked (DESIGN §2.3, §2.4).

    Line → its picks by units → each lot's running total → its villages. Shipping goes to the carrier's account, no village.
    """
    attributed = attribute_sale(order, lines, on=on, by=by, now=now)
    legs = [Leg(paid_into, order.total_fen), Leg(CARRIAGE, -order.shipping_fen)]
    legs += [Leg(proceeds(row.cooperative_id, row.village_id), -row.amount_fen) for row in attributed]
    return ledger.post(EntryKind.SALE, legs, attributed, once=f"sale:{order.number}", subject=order.number, on=on, now=now)


def attribute_sale(order: OrderRow, lines: Sequence[LineRow], *, on: date, by: UserId | None, now: datetime) -> list[Attributed]:
    """Step. What is held for these lines is sold, and their fen are shared among the villages; booking them is the caller's.

    Whether a line counts as accredited is decided here, once, by the day of sale (`shop/papers/accreditations.py`).
    """
    picks = stock.sell([line.id for line in lines], by=by, now=now)
    by_id = {line.id: line for line in lines}
    sold = _fen_of_picks(by_id, picks)
    raised = stock.raise_gross(fen_by_lot(sold))
    shares = attribute(sold, {lot_id: lot_total(lot) for lot_id, lot in raised.items()})
    counted = {product_id for product_id, _ in accredited_on((line.product_id, on) for line in lines)}
    return _attributed(order, by_id, picks, raised, shares, counted, on)


def _fen_of_picks(lines: Mapping[LineId, LineRow], picks: Sequence[LinePick]) -> list[PickedFen]:
    by_line: dict[LineId, list[PickedUnits]] = {line_id: [] for line_id in lines}
    for pick in picks:
        by_line[pick.line_id].append(PickedUnits(pick.pick_id, pick.lot_id, pick.units))
    for line_id, picked in by_line.items():
        assert sum(pick.units for pick in picked) == lines[line_id].quantity, "a line is sold only when all of it is held"
    return [fen for line_id, picked in by_line.items() for fen in fen_of_picks(lines[line_id].net_fen, picked)]


def lot_total(lot: RaisedLot) -> LotTotal:
    """A raised lot as attribution wants it."""
    sources = tuple(Source(source.village_id, source.village_code, source.grams) for source in lot.sources)
    return LotTotal(sources, lot.source_version, lot.gross_fen)


def _attributed(
    order: OrderRow,
    lines: Mapping[LineId, LineRow],
    picks: Sequence[LinePick],
    lots: Mapping[LotId, RaisedLot],
    shares: Sequence[Share],
    counted: Set[ProductId],
    on: date,
) -> list[Attributed]:
    of_pick: dict[PickId, list[Share]] = {pick.pick_id: [] for pick in picks}
    for share in shares:
        of_pick[share.pick_id].append(share)
    return [
        row
        for pick in picks
        for row in attributed_rows(
            of_pick[pick.pick_id], order.id, pick.line_id, pick.pick_id, lines[pick.line_id].cooperative_id,
            pick.units * lines[pick.line_id].unit_grams, lots[pick.lot_id], on, is_accredited=lines[pick.line_id].product_id in counted,
        )
    ]  # fmt: skip


def attributed_rows(
    shares: Sequence[Share],
    order_id: OrderId,
    line_id: LineId,
    pick_id: PickId,
    cooperative_id: CooperativeId,
    pick_grams: int,
    lot: RaisedLot,
    on: date,
    *,
    is_accredited: bool,
) -> list[Attributed]:
    """What each village gets of one pick, with its part of the pick's weight: by the lot's sources, whole grams that add up."""
    villages = [source.village_id for source in lot.sources]
    weights = largest_remainder(pick_grams, [source.grams for source in lot.sources], villages)
    grams = dict(zip(villages, weights, strict=True))
    return [
        Attributed(
            order_id=order_id,
            line_id=line_id,
            pick_id=pick_id,
            lot_id=share.lot_id,
            source_version=share.source_version,
            cooperative_id=cooperative_id,
            village_id=share.village_id,
            is_refund=False,
            amount_fen=share.amount_fen,
            grams=grams[share.village_id],
            lot_total_fen=share.lot_total_fen,
            sold_on=on,
            is_accredited=is_accredited,
        )
        for share in shares
    ]
