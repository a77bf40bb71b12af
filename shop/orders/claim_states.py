"""What a buyer may ask for once an order is paid, and where that goes from there: calling off what has not left, giving back what has arrived.

Law: a claim moves only along `CLAIM_MOVES`. Nothing is called off once its parcel has left, and nothing comes back before it has arrived. Without a
reason goods come back within `RETURN_WINDOW`, and not at all where the buyer confirmed so for perishable goods (Consumer Protection Law, art. 25);
for what is wrong with them we answer at any time.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from shop.orders.states import RETURN_WINDOW, OrderState
from shop.shipping.states import ShipmentState

ANSWER_WITHIN = timedelta(days=3)
"""A claim that nobody has answered by then stands among the late ones on the staff's desk."""
SEND_WITHIN = timedelta(days=10)
"""Goods that were to be sent back and were not: the claim has lapsed."""
TAKE_IN_WITHIN = timedelta(days=10)
"""Goods that the buyer has sent back should have arrived by then, and the parcel been opened."""
PAY_WITHIN = timedelta(days=2)
"""Money that is due should be on its way by then: the law gives seven days from the goods' return."""

MOST_CLAIM_PHOTOS = 4
MOST_CLAIM_WORDS = 500


class ClaimKind(StrEnum):
    """What is asked for."""

    CANCEL = "cancel"
    """Not to be sent at all."""
    RETURN = "return"
    """Arrived, and the buyer wants the money back."""


class ClaimState(StrEnum):
    """Life of a claim."""

    ASKED = "asked"
    """Waits for the cooperative's answer, or the staff's in its place."""
    ACCEPTED = "accepted"
    """The buyer is to send the goods back."""
    SENT = "sent"
    """On their way back, says the buyer."""
    DUE = "due"
    """The goods are back, or need not come: the money waits for a second person, or could not be sent."""
    REFUNDED = "refunded"
    """Booked, and handed to the provider or to the bank. How far the money is stands with its refund."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """The buyer thought better of it."""
    LAPSED = "lapsed"
    """The goods were never sent back."""


OPEN_CLAIMS = frozenset({ClaimState.ASKED, ClaimState.ACCEPTED, ClaimState.SENT, ClaimState.DUE})
"""Something is still to happen."""
OUR_TURN = frozenset({ClaimState.ASKED, ClaimState.SENT, ClaimState.DUE})
"""It is for the cooperative or the staff to do it."""

CLAIM_MOVES = MappingProxyType(
    {
        ClaimState.ASKED: frozenset({ClaimState.ACCEPTED, ClaimState.DUE, ClaimState.REFUSED, ClaimState.WITHDRAWN}),
        ClaimState.ACCEPTED: frozenset({ClaimState.SENT, ClaimState.DUE, ClaimState.WITHDRAWN, ClaimState.LAPSED}),
        ClaimState.SENT: frozenset({ClaimState.SENT, ClaimState.DUE, ClaimState.REFUSED}),
        ClaimState.DUE: frozenset({ClaimState.REFUNDED, ClaimState.REFUSED}),
        ClaimState.REFUNDED: frozenset({ClaimState.DUE}),
        ClaimState.REFUSED: frozenset[ClaimState](),
        ClaimState.WITHDRAWN: frozenset[ClaimState](),
        ClaimState.LAPSED: frozenset[ClaimState](),
    }
)
"""Every move there is. Sent → sent: another number was typed. Refunded → due: the provider failed the refund."""


class ClaimReason(StrEnum):
    """Why."""

    NOT_WANTED = "not_wanted"
    MISTAKE = "mistake"
    """Ordered the wrong thing, or to the wrong place."""
    TOO_SLOW = "too_slow"
    SEVEN_DAYS = "seven_days"
    """No reason is needed."""
    DAMAGED = "damaged"
    SPOILT = "spoilt"
    SHORT = "short"
    """Less than was paid for."""
    WRONG = "wrong"
    """Something else came."""
    RECALLED = "recalled"


REASONS_OF = MappingProxyType(
    {
        ClaimKind.CANCEL: (ClaimReason.NOT_WANTED, ClaimReason.MISTAKE, ClaimReason.TOO_SLOW),
        ClaimKind.RETURN: (
            ClaimReason.DAMAGED,
            ClaimReason.SPOILT,
            ClaimReason.SHORT,
            ClaimReason.WRONG,
            ClaimReason.RECALLED,
            ClaimReason.SEVEN_DAYS,
        ),
    }
)
"""In the order in which they are offered."""
SHOWN_BY_PHOTO = frozenset({ClaimReason.DAMAGED, ClaimReason.SPOILT, ClaimReason.WRONG})
"""What a photograph shows, so one is needed."""


def is_our_fault(reason: ClaimReason) -> bool:
    """Whether we answer for it at any time, opened or not, and pay what sending it back costs."""
    return reason in _FAULTS


_FAULTS = frozenset({ClaimReason.DAMAGED, ClaimReason.SPOILT, ClaimReason.SHORT, ClaimReason.WRONG, ClaimReason.RECALLED})


def kind_for(parcel: ShipmentState) -> ClaimKind | None:
    """What can be asked of goods whose parcel is there; nothing while it is on its way."""
    return {ShipmentState.TO_PACK: ClaimKind.CANCEL, ShipmentState.DELIVERED: ClaimKind.RETURN}.get(parcel)


def is_called_off_at_once(order: OrderState) -> bool:
    """Whether nobody has to be asked: nothing of the order is packed. Once a parcel has left, hands are at the others too."""
    return order is OrderState.PAID


def may_come_back_for_no_reason(*, is_exempt: bool, delivered_at: datetime | None, now: datetime) -> bool:
    """The seven-day right: from arrival, unless the buyer confirmed at purchase that it does not hold for these goods."""
    return not is_exempt and delivered_at is not None and now < delivered_at + RETURN_WINDOW


def carriage_back_fen(kind: ClaimKind, reason: ClaimReason, *, is_whole_parcel: bool, fee_fen: int, left_fen: int) -> int:
    """How much of what the buyer paid for carriage goes back: the parcel's, when none of it is sent, or all of it was our fault."""
    is_ours = kind is ClaimKind.CANCEL or is_our_fault(reason)
    return min(fee_fen, left_fen) if is_ours and is_whole_parcel else 0


def may_move_claim(now: ClaimState, then: ClaimState) -> bool:
    """Whether a claim that is `now` may become `then`."""
    return then in CLAIM_MOVES[now]
