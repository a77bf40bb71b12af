"""Requests for fapiao beside what their orders were paid and given back: what staff work through, and what a buyer sees of their own.

Law: what a fapiao is for is what the buyer has paid and not got back; what goes back after it was issued is due a red-letter one 红字.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Select, bindparam, case, cast, func, select

from shop.extensions import columns_of, db, row_as, rows_as, table_of
from shop.kit.ids import FapiaoId, OrderId
from shop.orders.models import Order, Return
from shop.orders.states import OrderState, is_paid
from shop.papers.models import Fapiao, FapiaoKind, FapiaoState


class Pile(StrEnum):
    """What staff work through."""

    WAITING = "waiting"
    """Paid, and asked for."""
    RED = "red"
    """Issued, and money went back since."""
    ALL = "all"


@dataclass(frozen=True)
class FapiaoStory:
    """One request, with its order's money."""

    id: FapiaoId
    order_id: OrderId
    number: str
    """The order's."""
    order_state: OrderState
    kind: FapiaoKind
    title: str
    tax_number: str | None
    email: str
    state: FapiaoState
    fapiao_number: str | None
    issued_on: date | None
    amount_fen: int | None
    why: str
    asked_at: datetime
    red_fen: int
    red_number: str
    red_on: date | None
    net_paid_fen: int
    """What the buyer has paid and not got back, once paid."""

    @property
    def is_paid(self) -> bool:
        """Whether there is anything to issue it for."""
        return is_paid(self.order_state)

    @property
    def red_due_fen(self) -> int:
        """What went back since it was issued and no red-letter fapiao stands for."""
        return max(0, (self.amount_fen or 0) - self.red_fen - self.net_paid_fen)

    @property
    def is_waiting(self) -> bool:
        """Whether staff could issue it now."""
        return self.state is FapiaoState.ASKED and self.is_paid and self.net_paid_fen > 0


_row, _order, _return = columns_of(Fapiao), columns_of(Order), columns_of(Return)
_PAID = tuple(state for state in OrderState if is_paid(state))
_BACK = (
    select(func.coalesce(func.sum(_return.goods_fen + _return.shipping_fen), 0))
    .where(_return.order_id == _order.id, _return.reversed_by_entry_id.is_(None))
    .correlate(table_of(Order))
    .scalar_subquery()
)
_NET = cast(_order.total_fen - _BACK, BigInteger)
_STORY: Select[tuple[object, ...]] = select(
    _row.id,
    _row.order_id,
    _order.number,
    _order.state,
    _row.kind,
    _row.title,
    _row.tax_number,
    _row.email,
    _row.state,
    _row.number,
    _row.issued_on,
    _row.amount_fen,
    _row.why,
    _row.asked_at,
    _row.red_fen,
    _row.red_number,
    _row.red_on,
    _NET.label("net_paid_fen"),
).join_from(table_of(Fapiao), table_of(Order), _order.id == _row.order_id)
_IS_WAITING = (_row.state == FapiaoState.ASKED) & _order.state.in_(_PAID) & (_NET > 0)
_IS_RED = (_row.state == FapiaoState.ISSUED) & (_row.amount_fen - _row.red_fen > _NET)
_OF_ORDER = _STORY.where(_row.order_id == bindparam("order_id"))
_ONE = _STORY.where(_row.id == bindparam("fapiao_id"))

PAGE = 50


@dataclass(frozen=True)
class Fapiaos:
    """One page of a pile, the oldest first, or of all, the latest first."""

    rows: Sequence[FapiaoStory]
    waiting: int
    red: int
    page: int
    has_more: bool


def list_fapiao(pile: Pile, *, page: int) -> Fapiaos:
    """Two statements."""
    query = {Pile.WAITING: _STORY.where(_IS_WAITING), Pile.RED: _STORY.where(_IS_RED), Pile.ALL: _STORY}[pile]
    order = _row.id.desc() if pile is Pile.ALL else _row.id
    rows = rows_as(FapiaoStory, db.session.execute(query.order_by(order).offset((page - 1) * PAGE).limit(PAGE + 1)))
    waiting, red = count_fapiao()
    return Fapiaos(rows[:PAGE], waiting, red, page, len(rows) > PAGE)


def count_fapiao() -> tuple[int, int]:
    """How many wait to be issued, and how many for a red-letter one."""
    query = select(
        func.coalesce(func.sum(case((_IS_WAITING, 1), else_=0)), 0), func.coalesce(func.sum(case((_IS_RED, 1), else_=0)), 0)
    ).join_from(table_of(Fapiao), table_of(Order), _order.id == _row.order_id)
    waiting, red = db.session.execute(query).one()
    return int(waiting), int(red)


def find_fapiao(order_id: OrderId) -> FapiaoStory | None:
    """An order's request, if there is one."""
    row = db.session.execute(_OF_ORDER, {"order_id": order_id}).one_or_none()
    return row_as(FapiaoStory, row) if row else None


def find_request(fapiao_id: FapiaoId) -> FapiaoStory | None:
    """One request by its own id."""
    row = db.session.execute(_ONE, {"fapiao_id": fapiao_id}).one_or_none()
    return row_as(FapiaoStory, row) if row else None
