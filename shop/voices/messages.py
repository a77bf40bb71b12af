"""Saying something on an order, and having read it."""

from datetime import datetime, timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shop.extensions import act, columns_of, db, dialect, require_transaction, table_of
from shop.kit.ids import CooperativeId, MessageId, OrderId, UserId
from shop.voices.errors import TooManyMessages
from shop.voices.models import MessagesSeen, OrderMessage, Side

LONGEST_MESSAGE = 500
MOST_A_DAY = 30
"""What a buyer may say on one order within a day."""

_message, _seen = columns_of(OrderMessage), columns_of(MessagesSeen)


def say(
    order_id: OrderId,
    words: str,
    *,
    side: Side,
    cooperative_id: CooperativeId | None,
    once: str,
    by: UserId | None,
    now: datetime,
) -> tuple[MessageId, bool]:
    """Step. Put a message on an order, which is locked; empty words settle what was said last. Its id, and whether it is new: the same `once` says it once.

    Raises TooManyMessages.
    """
    require_transaction()
    assert words or side is Side.STAFF, "only staff say that no answer is wanted"
    known = db.session.scalar(select(_message.id).where(_message.once == once, _message.order_id == order_id))
    if known is not None:
        return MessageId(known), False
    lately = select(func.count()).where(_message.order_id == order_id, _message.side == Side.BUYER, _message.at > now - timedelta(days=1))
    if side is Side.BUYER and (db.session.scalar(lately) or 0) >= MOST_A_DAY:
        raise TooManyMessages
    new_id = db.session.scalar(
        insert(table_of(OrderMessage))
        .values(
            order_id=order_id,
            cooperative_id=cooperative_id,
            side=side,
            once=once,
            at=now,
            by_user_id=by,
            words=words[:LONGEST_MESSAGE],
            is_settling=not words,
        )
        .returning(_message.id)
    )
    assert new_id is not None
    return MessageId(new_id), True


@act
def mark_seen(order_id: OrderId, side: Side, *, cooperative_id: CooperativeId | None = None, upto: MessageId) -> None:
    """One side has read as far as `upto`; it never goes back."""
    key = {"order_id": order_id, "side": side, "cooperative_id": cooperative_id or 0}
    db.session.execute(_FIRST[dialect()], key | {"message_id": 0})
    its = (_seen.order_id == order_id, _seen.side == side, _seen.cooperative_id == (cooperative_id or 0))
    db.session.execute(update(table_of(MessagesSeen)).where(*its, _seen.message_id < upto).values(message_id=upto))


_FIRST = {
    "postgresql": postgresql.insert(table_of(MessagesSeen)).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(table_of(MessagesSeen)).on_conflict_do_nothing(),
}
