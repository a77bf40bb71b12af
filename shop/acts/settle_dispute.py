"""Disputes: a buyer's bank wants money back, and decides later who keeps it.

While it is open the village share of the disputed sum stands on hold and nothing is refunded. Won: it goes back to the villages' proceeds.
Lost: it is taken from them exactly as a refund by amount would be. The provider's own withdrawal and return, and its fee, are movements of
its account and booked by `book_movements`. An inquiry only asks: no money moves.
"""

from collections.abc import Sequence
from datetime import datetime

from shop.acts.confirm_payment import check_order_payments
from shop.acts.find_refunds import look_at_refunds_of
from shop.acts.refund_order import RefundWanted, book_return, villages_part
from shop.extensions import act, end_reading
from shop.kit.apportion import largest_remainder
from shop.kit.clock import business_day
from shop.kit.ids import LineId
from shop.ledger import service as ledger
from shop.ledger.models import EntryKind
from shop.ledger.service import CNY, Leg, disputed, on_hold, proceeds, suspense
from shop.orders import service as orders
from shop.orders.service import OrderRow
from shop.orders.states import is_paid
from shop.payments import account
from shop.payments import service as payments
from shop.payments.account import FINAL_DISPUTE_STATES, OPEN_DISPUTE_STATES, DisputeRow
from shop.payments.models import DisputeState, PaymentState
from shop.payments.provider import DisputeWord
from shop.payments.registry import account_keeper
from shop.payments.service import AttemptRow


def settle_dispute(provider: str, dispute_id: str, *, now: datetime) -> DisputeState:
    """Course. Ask the provider how a dispute stands and let the order follow.

    Raises ProviderUnavailable or ProviderRefused, and nothing has changed then.
    """
    end_reading()
    return follow_dispute(provider, account_keeper(provider).dispute(dispute_id), now=now)


def follow_dispute(provider: str, word: DisputeWord, *, now: datetime) -> DisputeState:
    """Course. Let the order follow the provider's word. A payment of ours that we have not heard of yet is asked about first.

    Raises ProviderUnavailable or ProviderRefused, and nothing has changed then.
    """
    if word.intent_id and word.reference and payments.find_by_intent(provider, word.intent_id) is None:
        is_ours = bool(account.orders_paid_for([word.reference]))
        end_reading()
        if is_ours:
            check_order_payments(word.reference, now=now)
    attempt = payments.find_by_intent(provider, word.intent_id) if word.intent_id else None
    end_reading()
    if attempt is not None:  # what went back before the dispute is booked before it, in whatever order the provider's messages come
        look_at_refunds_of(attempt.id, now=now)
    return record_dispute(provider, word, now=now)


@act
def record_dispute(provider: str, word: DisputeWord, *, now: datetime) -> DisputeState:
    """The provider's word on a dispute and everything that follows from it, once; forward only, however words come. Where it stands then."""
    attempt = payments.find_by_intent(provider, word.intent_id) if word.intent_id else None
    order = orders.lock(attempt.reference) if attempt else None
    dispute = account.lock_dispute(provider, word, attempt.id if attempt else None, now=now)
    if dispute.state in FINAL_DISPUTE_STATES:
        return dispute.state
    state = word.state if account.moves_forward(dispute.state, word.state) else dispute.state
    sale = order if order is not None and attempt is not None and _paid_the_sale(order, attempt, word) else None
    held_fen = dispute.held_fen
    if state in OPEN_DISPUTE_STATES and sale is not None:
        held_fen = held_fen or _hold(sale, dispute, now=now)
    elif state is DisputeState.LOST:
        _lose(sale, order, dispute, now=now)
        held_fen = 0
    elif state in FINAL_DISPUTE_STATES:
        _release(dispute, now=now)
        held_fen = 0
    account.move_dispute(dispute, word, held_fen=held_fen, now=now)
    if order is not None and (dispute.is_new or state is not dispute.state):
        orders.add_event(
            order.id, f"dispute_{state.value}", {"amount_fen": dispute.amount_fen, "dispute": word.provider_id}, by=None, now=now
        )
    return state


def _paid_the_sale(order: OrderRow, attempt: AttemptRow, word: DisputeWord) -> bool:
    """Whether the disputed payment is the one that the order was sold by: not a mismatch, nor one that went back by itself."""
    is_its_own = attempt.state is PaymentState.PAID and word.currency == CNY and payments.find_refund(f"giveback:{attempt.once}") is None
    return is_its_own and is_paid(order.state)


def _hold(order: OrderRow, dispute: DisputeRow, *, now: datetime) -> int:
    """Put the villages' part of what is disputed on hold; so much, nought if nothing of theirs is left."""
    assert dispute.payment_id is not None, "a dispute of a sale has its payment"
    wanted, _total_fen = _spread(order, dispute.amount_fen, but_fen=account.held_for(dispute.payment_id))
    shares = villages_part(order, wanted)
    legs = [Leg(proceeds(row.cooperative_id, row.village_id), -row.amount_fen) for row in shares]
    legs += [Leg(on_hold(row.cooperative_id, row.village_id), row.amount_fen) for row in shares]
    if not legs:
        return 0
    ledger.post(EntryKind.DISPUTE, legs, once=_hold_key(dispute), subject=order.number, on=business_day(now), now=now)
    return -sum(row.amount_fen for row in shares)


def _release(dispute: DisputeRow, *, now: datetime) -> None:
    """Back into the villages' proceeds, as it was taken."""
    entry_id = ledger.find_entry(_hold_key(dispute))
    if entry_id is not None:
        ledger.reverse(entry_id, EntryKind.DISPUTE_WON, once=f"dispute_won:{dispute.provider_id}"[:80], on=business_day(now), now=now)


def _lose(sale: OrderRow | None, order: OrderRow | None, dispute: DisputeRow, *, now: datetime) -> None:
    """The money is gone: what is on hold goes back and, with it, the villages' part out of the order as a refund by amount.

    More than the order had left (part of it was refunded before, or it was never sold) is the platform's to explain: suspense.
    """
    today, once = business_day(now), f"dispute_lost:{dispute.provider_id}"[:80]
    wanted, total_fen = _spread(sale, dispute.amount_fen) if sale is not None else (RefundWanted(), 0)
    more_fen = dispute.amount_fen - total_fen
    also = [*_unheld(dispute), Leg(disputed(dispute.provider), -more_fen, dispute.currency)]
    also.append(Leg(suspense(dispute.provider), more_fen, dispute.currency))
    if sale is not None and total_fen:
        paid_from = disputed(dispute.provider)
        book_return(sale, wanted, paid_from=paid_from, once=once, by=None, on=today, now=now, kind=EntryKind.DISPUTE_LOST, also=also)
    else:
        subject = order.number if order is not None else dispute.provider
        ledger.post(EntryKind.DISPUTE_LOST, also, once=once, subject=subject, on=today, now=now)
    if more_fen:
        account.open_suspense(dispute.provider, more_fen, dispute.currency, dispute_id=dispute.id, now=now)


def _unheld(dispute: DisputeRow) -> Sequence[Leg]:
    entry_id = ledger.find_entry(_hold_key(dispute))
    return [] if entry_id is None else [Leg(leg.heading, -leg.amount_fen, leg.currency) for leg in ledger.get_entry(entry_id).legs]


def _hold_key(dispute: DisputeRow) -> str:
    return f"dispute:{dispute.provider_id}"[:80]


def _spread(order: OrderRow, amount_fen: int, *, but_fen: int = 0) -> tuple[RefundWanted, int]:
    """A disputed sum over what is left of an order's lines and of its shipping, in proportion; and how much of it finds a place.

    `but_fen` of what is left stands on hold already. A bank disputes money, not goods: no line and no village is nearer to it than another.
    """
    left: dict[LineId, int] = {}
    for pick in ledger.booked_picks(order.id).values():
        left[pick.line_id] = left.get(pick.line_id, 0) + pick.fen - pick.refunded_fen
    shipping_fen = order.shipping_fen - order.refunded_shipping_fen
    total_fen = max(0, min(amount_fen, sum(left.values()) + shipping_fen - but_fen))
    lines = sorted(left)
    parts = largest_remainder(total_fen, [*(left[line_id] for line_id in lines), shipping_fen], [*lines, 0])
    amounts = {line_id: fen for line_id, fen in zip(lines, parts[:-1], strict=True) if fen}
    reason = "Reclaimed by the bank" if order.locale == "en" else "银行判退"
    return RefundWanted(amounts=amounts, shipping_fen=parts[-1], reason=reason), total_fen
