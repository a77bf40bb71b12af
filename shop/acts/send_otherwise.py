"""The next step where a provider's way is closed: a failed refund goes by bank transfer, the money of a mismatch goes back whole."""

from datetime import datetime

from shop.acts.refund_order import RefundWanted, book_refund
from shop.acts.settle_refund import settle_refund
from shop.extensions import act
from shop.kit.clock import business_day
from shop.kit.errors import NotFound
from shop.kit.ids import PaymentId, RefundId, UserId
from shop.ledger import service as ledger
from shop.ledger.models import EntryKind
from shop.ledger.service import Leg, unallocated
from shop.orders import claims
from shop.orders import service as orders
from shop.orders.service import OrderRow
from shop.outbox import service as outbox
from shop.payments import account
from shop.payments import service as payments
from shop.payments.errors import NotAsExpected, PaymentDisputed
from shop.payments.models import PaymentState, RefundState
from shop.payments.service import RefundRow
from shop.payments.transfer import service as transfers


@act
def send_failed_by_transfer(refund_id: RefundId, number: str, *, by: UserId, now: datetime) -> RefundId:
    """A refund that the provider failed is owed again, from the bank account: booked as it was, by amount. Pressed twice, it is one.

    The buyer is asked for an account. Raises NotFound when it is another order's, NotAsExpected unless it failed at a provider; RefundTooLarge or
    NothingToRefund when the money has gone back another way meanwhile.
    """
    order = orders.lock(number)
    if payments.reference_of_refund(refund_id) != number:
        raise NotFound
    refund = payments.lock_refund(refund_id)
    once = f"again:{refund.id}"
    if known := payments.find_refund(once):
        return known
    if refund.state is not RefundState.FAILED or refund.by_transfer:
        raise NotAsExpected
    states = {"before": {"state": refund.state}, "after": {"state": RefundState.ASKED}}
    facts = states | {"refund": refund_id, "amount_fen": refund.amount_fen}
    outbox.write_audit("refund.by_transfer", subject=number, by=by, facts=facts, now=now)
    returned = orders.find_return(refund.once)
    if returned is None:
        return _owe_unsold(order, refund, once=once, now=now)
    wanted = RefundWanted(
        amounts=orders.returned_by_line(returned.id),
        shipping_fen=returned.shipping_fen,
        restock=returned.restock,
        reason=returned.reason,
        by_transfer=True,
        claim_id=claims.find_due_of(returned.id),
    )
    return book_refund(order, wanted, once=once, by=by, now=now)[1]


def _owe_unsold(order: OrderRow, refund: RefundRow, *, once: str, now: datetime) -> RefundId:
    """Money that never became a sale: owed from the bank account instead of by the provider."""
    attempt = payments.get_attempt(refund.payment_id)
    if attempt.state is PaymentState.MISMATCH:
        raise NotAsExpected  # it is in no book: staff settle it with the provider
    if account.is_taken_back(attempt.id):
        raise PaymentDisputed  # the buyer's bank has it
    legs = [Leg(unallocated(refund.provider), refund.amount_fen), Leg(unallocated(transfers.PROVIDER), -refund.amount_fen)]
    ledger.post(EntryKind.RECEIPT_RETURNED, legs, once=once, subject=order.number, on=business_day(now), now=now)
    refund_id = payments.record_refund(refund.payment_id, refund.amount_fen, once=once, reason="goods_gone", by_transfer=True, now=now)
    transfers.open_remittance(refund_id, None)
    orders.add_event(order.id, "owed_back", {"amount_fen": refund.amount_fen, "reason": "refund_failed"}, by=None, now=now)
    outbox.write_letter(
        "owed_back",
        once=f"owed_back:{refund_id}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"number": order.number, "key": order.key, "amount_fen": refund.amount_fen, "reason": "refund_failed"},
        now=now,
    )
    return refund_id


def return_mismatch(payment_id: PaymentId, number: str, *, by: UserId, now: datetime) -> RefundState:
    """Course. Another amount came than was asked, and nothing moved: all of it goes back the way it came. Pressed twice, it is one refund.

    Raises NotFound when it is another order's, NotAsExpected when it is no mismatch, RefundAboveReceived when it has gone back already.
    """
    return settle_refund(_record_mismatch_back(payment_id, number, by=by, now=now), now=now)


@act
def _record_mismatch_back(payment_id: PaymentId, number: str, *, by: UserId, now: datetime) -> RefundId:
    order = orders.lock(number)
    if payment_id not in {attempt.id for attempt in payments.attempts_for(number)}:
        raise NotFound
    attempt = payments.lock_attempt(payment_id)
    if attempt.state is not PaymentState.MISMATCH:
        raise NotAsExpected
    if account.is_taken_back(attempt.id):
        raise PaymentDisputed
    once = f"mismatch:{attempt.once}"
    if (known := payments.find_refund(once)) and payments.get_refund(known).state is not RefundState.FAILED:
        return known
    if known:
        once = f"{once}:{known}"  # the first one failed
    left_fen = attempt.received_fen - attempt.refunded_fen
    facts = {"amount_fen": left_fen}
    orders.add_event(order.id, "mismatch_returned", facts, by=by, now=now)
    figures: dict[str, object] = {"before": {"refunded_fen": attempt.refunded_fen}, "after": {"refunded_fen": attempt.received_fen}}
    outbox.write_audit("payment.mismatch_returned", subject=number, by=by, facts=figures | facts, now=now)
    return payments.record_refund(attempt.id, left_fen, once=once, reason="mismatch", now=now)
