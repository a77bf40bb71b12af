"""Sending money back, and what the provider says about it. The booking stands from the moment it is asked; a failure reverses it."""

from datetime import datetime

from shop.acts.book_back import book_back
from shop.extensions import act, end_reading
from shop.kit.clock import business_day
from shop.kit.ids import RefundId
from shop.ledger import service as ledger
from shop.ledger.models import EntryKind
from shop.orders import claims
from shop.orders import service as orders
from shop.outbox import service as outbox
from shop.payments import service as payments
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import PaymentState, RefundState
from shop.payments.provider import RefundAnswer, RefundAsked
from shop.payments.registry import provider_named
from shop.payments.service import RefundRow


def settle_refund(refund_id: RefundId, *, now: datetime) -> RefundState:
    """Course. Ask the provider to send the money, or what became of it if asked before, and record the answer.

    When no clear answer comes the refund stays as it is, and the sweep asks again with the same key: money goes back once.
    """
    refund = payments.get_refund(refund_id)
    end_reading()
    if refund.by_transfer or refund.state in (RefundState.SUCCEEDED, RefundState.FAILED):
        return refund.state  # what goes by transfer is sent by people (shop/acts/remit.py)
    provider = provider_named(refund.provider)
    try:
        if refund.provider_id:
            answer = provider.refund_state(refund.provider_id)
        else:
            answer = provider.refund(RefundAsked(refund.once, refund.intent_id, refund.amount_fen, refund.reference))
    except ProviderUnavailable as trouble:
        payments.postpone_refund(refund_id, str(trouble), now=now)
        return refund.state
    except ProviderRefused as refusal:
        answer = RefundAnswer("", RefundState.FAILED, refusal.code)
    return record_answer(refund_id, answer, now=now)


@act
def record_answer(refund_id: RefundId, answer: RefundAnswer, *, now: datetime) -> RefundState:
    """What the provider says about a refund. A failure books everything back, once; an answer that comes twice changes nothing."""
    order = orders.lock(payments.get_refund(refund_id).reference)
    refund = payments.lock_refund(refund_id)
    if refund.state in (RefundState.SUCCEEDED, RefundState.FAILED):
        return refund.state
    payments.record_refund_answer(refund, answer, now=now)
    if answer.state is RefundState.FAILED:
        _book_back(refund, now=now)
        outbox.write_letter(
            "refund_failed",
            once=f"refund_failed:{refund.id}",
            subject=order.number,
            locale=order.locale,
            to_email=order.email,
            to_phone=order.phone,
            facts={"number": order.number, "key": order.key, "amount_fen": refund.amount_fen},
            now=now,
        )
    elif answer.state is RefundState.SUCCEEDED:
        orders.add_event(order.id, "refunded", {"amount_fen": refund.amount_fen}, by=None, now=now)
    return answer.state


def _book_back(refund: RefundRow, *, now: datetime) -> None:
    """Money and villages stand as before. The goods did come back, or were spoilt: that stays, and the money is owed again, by amount."""
    entry_id = ledger.find_entry(refund.once)
    if entry_id is None:  # the money of a mismatch, which is in no book until somebody decides
        assert payments.get_attempt(refund.payment_id).state is PaymentState.MISMATCH, "a refund is booked when it is asked"
        return
    reversal = book_back(entry_id, EntryKind.REFUND_FAILED, once=f"failed:{refund.once}", on=business_day(now), now=now)
    if returned := orders.find_return(refund.once):
        orders.undo_return(returned, reversal, now=now)
        claims.reopen_refunded(returned.id, now=now)
