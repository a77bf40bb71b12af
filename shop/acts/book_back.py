"""A refund that failed is booked back: its money is owed again, and the villages have their shares again."""

from collections.abc import Iterable
from datetime import date, datetime

from shop.kit.ids import EntryId, PickId
from shop.ledger import service as ledger
from shop.ledger.attribution import refund_shares
from shop.ledger.models import AccountKind, EntryKind
from shop.ledger.service import Attributed, BookedEntry, BookedPick, Leg, proceeds


def book_back(entry_id: EntryId, kind: EntryKind, *, once: str, on: date, now: datetime) -> EntryId:
    """Step. Book a refund's entry back: its sums as they were, but the villages by the rule of refunds (DESIGN §2.5), not by its rows.

    What a pick gave back is always the split of its cumulative refund over the shares that its villages have by now. Another refund may have followed
    the one that failed, or the lot may have been corrected since: taking back the very rows would leave other shares than a refund of that sum gives.
    """
    entry = ledger.get_entry(entry_id)
    given_back: dict[PickId, int] = {}
    for row in entry.attributed:
        given_back[row.pick_id] = given_back.get(row.pick_id, 0) - row.amount_fen
    attributed = list(_attributed(entry, given_back))
    legs = [Leg(leg.heading, -leg.amount_fen, leg.currency) for leg in entry.legs if leg.heading.kind is not AccountKind.PROCEEDS]
    legs += [Leg(proceeds(row.cooperative_id, row.village_id), -row.amount_fen) for row in attributed]
    return ledger.post(kind, legs, attributed, once=once, subject=entry.subject, on=on, now=now, reverses=entry_id)


def _attributed(entry: BookedEntry, given_back: dict[PickId, int]) -> Iterable[Attributed]:
    order_ids = {row.order_id for row in entry.attributed}
    booked: dict[PickId, BookedPick] = {}
    for picks in ledger.booked_picks_of(order_ids).values():
        booked |= picks
    for pick_id, fen in sorted(given_back.items()):
        pick = booked[pick_id]
        for share, part in zip(pick.recorded, refund_shares(pick.recorded, pick.refunded_fen - fen, fen), strict=True):
            if part:
                yield Attributed(
                    order_id=pick.order_id,
                    line_id=pick.line_id,
                    pick_id=pick_id,
                    lot_id=pick.lot_id,
                    source_version=pick.source_version,
                    cooperative_id=pick.cooperative_id,
                    village_id=share.village_id,
                    is_refund=True,
                    amount_fen=part,
                    grams=0,
                    lot_total_fen=pick.lot_total_fen,
                    sold_on=pick.sold_on,
                    is_accredited=pick.is_accredited,
                )
