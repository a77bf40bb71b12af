"""Where an order is, and where it may go from there (DESIGN §4).

Law: an order moves only along `MOVES`. Once paid, its state follows its parcels.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from shop.shipping.states import ShipmentState

SESSION_TIME = timedelta(minutes=31)
"""How long a payment session lives: Stripe's shortest is 30 minutes from when it gets the request, and a request takes time (DESIGN §3)."""

HOLD_AFTER_SESSION = timedelta(minutes=4)
"""How long goods are kept after a payment session has ended, for its answer to arrive (DESIGN §3)."""

HOLD_TIME = SESSION_TIME + HOLD_AFTER_SESSION
"""How long goods are kept for an order from when it is placed: 35 minutes (DESIGN §3; ARCHITECTURE, "Acts, steps and transactions")."""

HOLD_EXTENSIONS = 2
"""How often a further payment attempt may extend the hold, at most (DESIGN §3)."""

UNREACHABLE_TIME = timedelta(minutes=60)
"""How long after its end a hold is kept while the provider cannot be asked whether it was paid (DESIGN §3)."""

DELIVERED_AFTER = timedelta(days=10)
"""When nobody says so, a parcel counts as delivered this long after shipping (DESIGN §4)."""

RETURN_WINDOW = timedelta(days=7)
"""How long after delivery goods may come back; then the order is completed (DESIGN §4)."""


class OrderState(StrEnum):
    """Life of an order. Refunds stand beside it and do not change it, unless nothing is left to send."""

    AWAITING_PAYMENT = "awaiting_payment"
    """Placed; its goods are held; no money has come."""
    PAID = "paid"
    """The whole sum has come and is in the books; nothing has left yet."""
    PACKING = "packing"
    """Some parcels have left, others are still being packed; or somebody has begun to pack."""
    SHIPPED = "shipped"
    """Every parcel is with its carrier or further."""
    DELIVERED = "delivered"
    """Every parcel has arrived; the return window is open."""
    COMPLETED = "completed"
    """The return window has ended; an offline sale begins here."""
    LAPSED = "lapsed"
    """Not paid in time; its goods were released. Money that comes late may still turn it into a sale if the goods can be held again."""
    CANCELLED = "cancelled"
    """Called off before payment; its goods were released."""


MOVES = MappingProxyType(
    {
        OrderState.AWAITING_PAYMENT: frozenset({OrderState.PAID, OrderState.LAPSED, OrderState.CANCELLED}),
        OrderState.PAID: frozenset({OrderState.PACKING, OrderState.SHIPPED, OrderState.COMPLETED}),
        OrderState.PACKING: frozenset({OrderState.SHIPPED, OrderState.DELIVERED, OrderState.COMPLETED}),
        OrderState.SHIPPED: frozenset({OrderState.DELIVERED}),
        OrderState.DELIVERED: frozenset({OrderState.COMPLETED}),
        OrderState.COMPLETED: frozenset[OrderState](),
        OrderState.LAPSED: frozenset({OrderState.PAID}),
        OrderState.CANCELLED: frozenset[OrderState](),
    }
)
"""Every move there is. Steps may be skipped: a single parcel takes its order from paid to shipped; the last parcel still being packed
may be cancelled when all others have arrived (packing → delivered); if every parcel is cancelled, nothing is left to do (→ completed)."""

FIRST_STATES = frozenset({OrderState.AWAITING_PAYMENT, OrderState.COMPLETED})
"""How an order may begin: online as awaiting payment, offline as completed."""


def may_move(now: OrderState, then: OrderState) -> bool:
    """Whether an order that is `now` may become `then`. Staying is not a move."""
    return then in MOVES[now]


def is_paid(state: OrderState) -> bool:
    """Whether an order of this state is in the books: its goods are sold, and a refund may be asked for."""
    return state in _PAID_STATES


_PAID_STATES = frozenset({OrderState.PAID, OrderState.PACKING, OrderState.SHIPPED, OrderState.DELIVERED, OrderState.COMPLETED})


def state_of_order(parcels: Iterable[ShipmentState]) -> OrderState:
    """What a paid order's parcels make of it. Cancelled parcels do not count; if all are, the order is completed: nothing more will happen.

    Nothing has left: paid. Some has, some not: packing. All has left: shipped. All has arrived: delivered. This never steps back as
    parcels go on; an order of which somebody said that packing has begun keeps that until `may_move` allows more.
    """
    going = [parcel for parcel in parcels if parcel is not ShipmentState.CANCELLED]
    assert ShipmentState.WAITING not in going, "the parcels of an order that is not paid say nothing"
    if not going:
        return OrderState.COMPLETED
    if all(parcel is ShipmentState.DELIVERED for parcel in going):
        return OrderState.DELIVERED
    if all(parcel is not ShipmentState.TO_PACK for parcel in going):
        return OrderState.SHIPPED
    if any(parcel is not ShipmentState.TO_PACK for parcel in going):
        return OrderState.PACKING
    return OrderState.PAID
