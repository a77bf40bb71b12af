"""The step by which money of a bank transfer that no order takes becomes owed back to whoever sent it."""

from datetime import datetime

from shop.kit.ids import RefundId
from shop.orders import service as orders
from shop.orders.service import OrderRow
from shop.outbox import service as outbox
from shop.payments import service as payments
from shop.payments.service import AttemptRow
from shop.payments.transfer import service as transfers


def owe_back(order: OrderRow, attempt: AttemptRow, amount_fen: int, *, once: str, reason: str, now: datetime) -> RefundId:
    """Step. `amount_fen` of what came by transfer is to be sent back; people do that (shop/acts/remit.py).

    It stays in the books as unallocated until it has left the bank account. `reason` is a code: surplus, twice, goods_gone, cancelled.
    """
    refund_id = payments.record_refund(attempt.id, amount_fen, once=once, reason=reason, by_transfer=True, now=now)
    transfers.open_remittance(refund_id, transfers.payee_of_receipts(attempt.id))
    orders.add_event(order.id, "owed_back", {"amount_fen": amount_fen, "reason": reason}, by=None, now=now)
    outbox.write_letter(
        "owed_back",
        once=f"owed_back:{refund_id}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"number": order.number, "key": order.key, "amount_fen": amount_fen, "reason": reason},
        now=now,
    )
    return refund_id
