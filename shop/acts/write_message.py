"""Somebody says something on an order; the other side gets a letter, staff find it on their desk when nobody answers."""

from datetime import datetime

from sqlalchemy import select

from shop.accounts.models import User
from shop.extensions import act, columns_of, db, table_of
from shop.kit.ids import CooperativeId, MessageId, UserId
from shop.orders import service as orders
from shop.orders.errors import NoSuchOrder
from shop.orders.models import Channel
from shop.orders.service import OrderRow
from shop.origin.models import Membership
from shop.outbox import service as outbox
from shop.voices import messages as voices
from shop.voices.models import Side

_user, _membership = columns_of(User), columns_of(Membership)


@act
def write_message(
    number: str, words: str, *, side: Side, cooperative_id: CooperativeId | None, once: str, by: UserId | None, now: datetime
) -> None:
    """Say something to the buyer, or as the buyer to a cooperative of the order or, with none, to the staff. Empty words of staff: no answer is wanted.

    The caller has checked the right to the order. Raises NoSuchOrder for an offline sale or a cooperative with nothing in it; TooManyMessages.
    """
    order = orders.lock(number)
    sellers = {line.cooperative_id for line in orders.lines_of(order.id)}
    if order.channel is not Channel.ONLINE or (cooperative_id is not None and cooperative_id not in sellers):
        raise NoSuchOrder
    message_id, is_new = voices.say(order.id, words, side=side, cooperative_id=cooperative_id, once=once, by=by, now=now)
    if not is_new:
        return
    if side is not Side.BUYER:
        facts = {"message": message_id, "cooperative": cooperative_id}
        if words:
            outbox.write_audit("message.written", subject=number, by=by, facts=facts, now=now)
        else:
            outbox.write_audit("message.settled", subject=number, by=by, facts=facts, now=now)
    if words and side is not Side.BUYER:
        _tell_buyer(order, message_id, now=now)
    if words and side is not Side.COOPERATIVE and cooperative_id is not None:
        _tell_cooperative(cooperative_id, message_id, now=now)


def _tell_buyer(order: OrderRow, message_id: MessageId, *, now: datetime) -> None:
    outbox.write_letter(
        "message_to_buyer",
        once=f"message:{message_id}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"message_id": message_id},
        now=now,
    )


def _tell_cooperative(cooperative_id: CooperativeId, message_id: MessageId, *, now: datetime) -> None:
    """Whoever packs there. The letter holds neither the buyer's words nor who they are: they stand on the page."""
    people = (
        select(_user.id, _user.email, _user.phone, _user.locale)
        .join_from(table_of(User), table_of(Membership), _membership.user_id == _user.id)
        .where(_membership.cooperative_id == cooperative_id, _user.deleted_at.is_(None), _user.deactivated_at.is_(None))
        .order_by(_user.id)
    )
    for person in db.session.execute(people).all():
        outbox.write_letter(
            "message_to_cooperative",
            once=f"message:{message_id}:{person.id}",
            subject=f"message:{message_id}",
            locale=person.locale,
            to_email=person.email,
            to_phone=person.phone,
            facts={"message_id": message_id},
            now=now,
        )
