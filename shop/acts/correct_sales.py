"""What was sold from a lot before its sources were corrected is booked anew: villages that should not have had it give it back, the right ones get it.

Law: each sale that changes gets entries of its own, which name it; they sum to nought and stand in the month that is open now, whatever month the
sale stands in. A pick's fen, its place in the lot's running total and what was refunded of it stay (`shop/ledger/correction.py`).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from shop.extensions import act, lock_in_order
from shop.kit.clock import business_day
from shop.kit.ids import CorrectionId, OrderId, UserId, VillageId
from shop.ledger import costs
from shop.ledger import service as ledger
from shop.ledger.attribution import Source
from shop.ledger.correction import CorrectedSources, Moved, SoldShares
from shop.ledger.models import EntryKind
from shop.ledger.service import Attributed, BookedPick, Booking, Leg, proceeds
from shop.orders import service as orders
from shop.orders.models import Order
from shop.stock import corrections
from shop.stock.corrections import CorrectionRow
from shop.stock.models import CorrectionState

ORDERS_AT_ONCE = 200
"""As many orders are locked and booked by one act."""
_ACTS_AT_ONCE = 50
"""So many acts in one round of the sweep; another correction gets its turn then."""


def approve_correction(correction_id: CorrectionId, *, word: str, by: UserId, now: datetime) -> None:
    """Course. The second person agrees, and the first sales are booked anew at once; the sweep does the rest.

    Raises NoSuchCorrection, AlreadyDecided, SamePerson or LessThanPacked.
    """
    corrections.approve(correction_id, word=word, by=by, now=now)
    _carry_out(correction_id, acts=2, now=now)


def carry_out_corrections(*, now: datetime) -> int:
    """Sweep. Book anew what approved corrections still owe; how many orders were looked at. May be cut off anywhere and run by two at once."""
    return sum(_carry_out(correction_id, acts=_ACTS_AT_ONCE, now=now) for correction_id in corrections.to_carry_out())


def _carry_out(correction_id: CorrectionId, *, acts: int, now: datetime) -> int:
    looked_at = 0
    for _ in range(acts):
        found = correct_some(correction_id, now=now)
        looked_at += found
        if not found:
            break
    return looked_at


@act
def correct_some(correction_id: CorrectionId, *, now: datetime) -> int:
    """Book anew the next orders of a correction, by id; how many they were. With none left the correction is done.

    Sales by the old sources cannot come any more: approving waited for them. A refund of one of the orders waits for this act, or this act for it.
    """
    correction = corrections.lock(correction_id)
    if correction.state is not CorrectionState.APPROVED:
        return 0
    assert correction.version is not None, "an approved correction has made its version"
    order_ids = ledger.orders_of_lot(correction.lot_id, after=correction.through_order_id, most=ORDERS_AT_ONCE)
    if not order_ids:
        costs.share_again(correction.lot_id, reason="批次来源更正", by=correction.proposed_by, now=now)
        corrections.finish(correction, now=now)
        return 0
    lock_in_order(Order, order_ids)
    bookings = list(_bookings(correction, correction.version, order_ids, now=now))
    if bookings:
        ledger.post_all(bookings, now=now)
    corrections.go_on(
        correction, through=order_ids[-1], sales=len({booking.subject for booking in bookings}), moved_fen=_moved_fen(bookings)
    )
    return len(order_ids)


def _bookings(correction: CorrectionRow, version: int, order_ids: list[OrderId], *, now: datetime) -> Iterable[Booking]:
    numbers = orders.numbers_of(order_ids)
    sources = corrections.sources_of_version(correction.lot_id, version)
    due = CorrectedSources([Source(source.village_id, source.village_code, source.grams) for source in sources])
    for order_id, picks in sorted(ledger.booked_picks_of(order_ids, lot_id=correction.lot_id).items()):
        moved = [(pick, due.correct(_as_it_stands(pick))) for _, pick in sorted(picks.items()) if pick.source_version < version]
        sale = [row for pick, changes in moved for row in _of_the_sale(pick, changes, version)]
        back = [row for pick, changes in moved for row in _of_its_refunds(pick, changes, version)]
        booking = Booking(
            kind=EntryKind.CORRECTION,
            legs=(),
            attributed=(),
            once="",
            subject=numbers[order_id],
            on=business_day(now),
            reverses=next(iter(picks.values())).sale_entry_id,
            is_apart=True,
        )
        for rows, what in ((sale, "sale"), (back, "refunds")):
            if any(row.amount_fen for row in rows):
                legs = [Leg(proceeds(row.cooperative_id, row.village_id), -row.amount_fen) for row in rows]
                yield replace(booking, legs=legs, attributed=rows, once=f"correct:{correction.id}:{order_id}:{what}")


def _as_it_stands(pick: BookedPick) -> SoldShares:
    return SoldShares(pick.lot_total_fen, {share.village_id: share.fen for share in pick.recorded}, pick.refunded, pick.weighed)


def _of_the_sale(pick: BookedPick, changes: Iterable[Moved], version: int) -> Iterable[Attributed]:
    """A row for every village that had or has a part of the pick, also where its fen stay: that it stays is a fact too."""
    for change in changes:
        yield replace(
            _row(pick, change.village_id, version), amount_fen=change.sale_fen, grams=change.grams, pick_change=change.pick_change
        )


def _of_its_refunds(pick: BookedPick, changes: Iterable[Moved], version: int) -> Iterable[Attributed]:
    for change in changes:
        if change.refund_fen:
            yield replace(_row(pick, change.village_id, version), amount_fen=-change.refund_fen, is_refund=True)


def _row(pick: BookedPick, village_id: VillageId, version: int) -> Attributed:
    return Attributed(
        order_id=pick.order_id,
        line_id=pick.line_id,
        pick_id=pick.pick_id,
        lot_id=pick.lot_id,
        source_version=version,
        cooperative_id=pick.cooperative_id,
        village_id=village_id,
        is_refund=False,
        amount_fen=0,
        grams=0,
        lot_total_fen=pick.lot_total_fen,
        sold_on=pick.sold_on,
        is_correction=True,
        is_accredited=pick.is_accredited,
    )


def _moved_fen(bookings: Iterable[Booking]) -> int:
    """What changed villages, sales and refunds together, order by order."""
    sums: dict[tuple[str, VillageId], int] = {}
    for booking in bookings:
        for row in booking.attributed:
            sums[booking.subject, row.village_id] = sums.get((booking.subject, row.village_id), 0) + row.amount_fen
    return sum(fen for fen in sums.values() if fen > 0)
