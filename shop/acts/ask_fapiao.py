"""A buyer asks for the fapiao of an order after all, or otherwise, while it was not issued."""

from datetime import datetime

from shop.extensions import act
from shop.kit.ids import UserId
from shop.orders import service as orders
from shop.orders.errors import CannotMove
from shop.orders.models import Channel
from shop.orders.states import OrderState, is_paid
from shop.papers import fapiao
from shop.papers.fapiao import FapiaoWanted


@act
def ask_fapiao(number: str, wanted: FapiaoWanted, *, by: UserId | None, now: datetime) -> None:
    """Write the request down, or change the one that nobody has issued yet.

    Raises NoSuchOrder, CannotMove for an order that is over unpaid or was sold offline, or AlreadyDecided.
    """
    order = orders.lock(number)
    if order.channel is not Channel.ONLINE or not (is_paid(order.state) or order.state is OrderState.AWAITING_PAYMENT):
        raise CannotMove(order.state.value, "fapiao")
    fapiao.ask_again(order.id, wanted, now=now)
    orders.add_event(order.id, "fapiao_asked", {"kind": wanted.kind.value}, by=by, now=now)
