"""Money that people send back from the bank account: the second person's word books it."""

from datetime import datetime

from shop.extensions import act
from shop.kit.clock import business_day
from shop.kit.ids import UserId
from shop.ledger import service as ledger
from shop.ledger.models import EntryKind
from shop.ledger.service import BANK, Leg, unallocated
from shop.orders import service as orders
from shop.payments import service as payments
from shop.payments.errors import NotAsExpected
from shop.payments.transfer import service as transfers
from shop.payments.transfer.service import RemittanceId


@act
def confirm_sent(remittance_id: RemittanceId, *, by: UserId, now: datetime) -> None:
    """A second person has found it on the bank's statement: it has left the account, and is owed no longer.

    Raises NoSuchRemittance, SamePerson, or NotAsExpected unless it was sent and not confirmed.
    """
    refund_id = transfers.get_remittance(remittance_id).refund_id
    order = orders.lock(payments.get_refund(refund_id).reference)
    refund = payments.lock_refund(refund_id)
    row = transfers.lock_remittance(remittance_id)
    if not refund.by_transfer:
        raise NotAsExpected
    transfers.record_confirmed(row, by=by, now=now)
    ledger.post(
        EntryKind.RECEIPT_RETURNED,
        [Leg(unallocated(transfers.PROVIDER), refund.amount_fen), Leg(BANK, -refund.amount_fen)],
        once=f"remitted:{refund.id}",
        subject=order.number,
        on=business_day(now),
        now=now,
    )
    orders.add_event(order.id, "remitted", {"amount_fen": refund.amount_fen}, by=by, now=now)
