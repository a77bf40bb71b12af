"""Drawing up a settlement: what of a cooperative's sales is past its return window, less what was refunded."""

from datetime import date, datetime

from sqlalchemy import select

from shop.extensions import act, db, lock_in_order, rows_as
from shop.kit.clock import business_day
from shop.kit.ids import CooperativeId, UserId
from shop.ledger import settlements
from shop.ledger.models import Attribution, Entry
from shop.ledger.settlements import Ripe
from shop.orders.models import Order
from shop.orders.queries import is_past_window
from shop.origin.models import Cooperative


@act
def draft_settlement(cooperative_id: CooperativeId, *, last_day: date, once: str, by: UserId, now: datetime) -> str:
    """Compute a settlement with a cooperative up to `last_day`; the draft's number. The same `once` is the same draft.

    In it stands every attribution booked by then of orders that were past their window by then, unless it stands in a settlement already or
    its order is in dispute. Raises DraftOpen, BadLastDay or NothingToSettle.
    """
    lock_in_order(Cooperative, [cooperative_id])
    if known := settlements.find_drawn(once):
        return known
    since = settlements.next_stretch(cooperative_id, last_day, today=business_day(now))
    rows = _ripe(cooperative_id, last_day)
    return settlements.draw_up(cooperative_id, rows, since=since, last_day=last_day, once=once, by=by, now=now)


def _ripe(cooperative_id: CooperativeId, last_day: date) -> list[Ripe]:
    columns = (Attribution.id, Attribution.village_id, Entry.kind, Attribution.is_refund, Attribution.amount_fen, Attribution.business_day)
    rows = (
        select(*columns)
        .join(Entry, Entry.id == Attribution.entry_id)
        .join(Order, Order.id == Attribution.order_id)
        .where(
            Attribution.cooperative_id == cooperative_id,
            Attribution.business_day <= last_day,
            is_past_window(last_day),
            settlements.is_unsettled(),
            ~settlements.is_disputed(),
        )
        .order_by(Attribution.id)
    )
    return rows_as(Ripe, db.session.execute(rows))
