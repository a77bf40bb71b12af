"""Refunds that two people decide: asked for by one, approved or rejected by another. Nothing is booked before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from sqlalchemy import func, insert, select, update

from shop.extensions import columns_of, db, fields_of, require_transaction, row_as, table_of
from shop.kit.ids import OrderId, UserId
from shop.orders.errors import AlreadyDecided, NoSuchRequest, SecondPersonNeeded
from shop.orders.models import RefundRequest, RequestState, Return

RequestId = NewType("RequestId", int)

_request, _return = columns_of(RefundRequest), columns_of(Return)


@dataclass(frozen=True)
class RequestRow:
    """One request, as an act sees it."""

    id: RequestId
    order_id: OrderId
    once: str
    wanted: Mapping[str, object]
    total_fen: int
    state: RequestState
    asked_by: UserId


_FIELDS = fields_of(RequestRow, RefundRequest)


def decided_alone_fen(order_id: OrderId) -> int:
    """What people have given back of an order without a second person, fen; what was booked back does not count."""
    is_approved = select(_request.id).where(_request.once == _return.once).exists()
    query = select(func.coalesce(func.sum(_return.goods_fen + _return.shipping_fen), 0)).where(
        _return.order_id == order_id, _return.asked_by.is_not(None), ~is_approved, _return.reversed_by_entry_id.is_(None)
    )
    return int(db.session.scalar(query) or 0)


def find_request(once: str) -> RequestRow | None:
    """The request that this key has already made."""
    row = db.session.execute(select(*_FIELDS).where(_request.once == once)).one_or_none()
    return row_as(RequestRow, row) if row else None


def get_request(request_id: RequestId) -> RequestRow:
    """One request.

    Raises NoSuchRequest.
    """
    row = db.session.execute(select(*_FIELDS).where(_request.id == request_id)).one_or_none()
    if row is None:
        raise NoSuchRequest
    return row_as(RequestRow, row)


def lock_request(request_id: RequestId) -> RequestRow:
    """Step. One request, locked; its order is locked before it.

    Raises NoSuchRequest.
    """
    require_transaction()
    row = db.session.execute(select(*_FIELDS).where(_request.id == request_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchRequest
    return row_as(RequestRow, row)


def record_request(
    order_id: OrderId, wanted: Mapping[str, object], *, total_fen: int, once: str, asked_by: UserId, now: datetime
) -> RequestId:
    """Step. Somebody asks for a refund that another has to approve."""
    require_transaction()
    new_id = db.session.scalar(
        insert(table_of(RefundRequest))
        .values(
            order_id=order_id,
            once=once,
            wanted=dict(wanted),
            total_fen=total_fen,
            state=RequestState.WAITING,
            asked_by=asked_by,
            asked_at=now,
        )
        .returning(_request.id)
    )
    assert new_id is not None
    return RequestId(new_id)


def decide(request: RequestRow, state: RequestState, *, by: UserId, word: str = "", now: datetime) -> None:
    """Step. Another person's word on a request, which is locked: one, for good.

    Raises AlreadyDecided, or SecondPersonNeeded when it is the same person; the CHECK has the last word.
    """
    require_transaction()
    if request.state is not RequestState.WAITING:
        raise AlreadyDecided
    if request.asked_by == by:
        raise SecondPersonNeeded
    values = {"state": state, "decided_by": by, "decided_at": now, "word": word[:120]}
    db.session.execute(update(table_of(RefundRequest)).where(_request.id == request.id).values(**values))
