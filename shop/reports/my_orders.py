"""A buyer's own orders, the latest first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from shop.extensions import db, row_as
from shop.kit.ids import UserId
from shop.ledger.models import Attribution
from shop.orders.models import Order, OrderLine
from shop.orders.states import OrderState

PER_PAGE = 10


@dataclass(frozen=True)
class MyLine:
    """What was bought."""

    name: str
    name_en: str
    pack: str
    pack_en: str
    quantity: int


@dataclass(frozen=True)
class MyOrder:
    """One order in the list."""

    number: str
    state: OrderState
    placed_at: datetime
    total_fen: int
    refunded_fen: int
    """Goods and carriage that went back; nought or more."""
    lines: tuple[MyLine, ...]


@dataclass(frozen=True)
class MyOrders:
    """One page of the list."""

    orders: tuple[MyOrder, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PER_PAGE))


def orders_of(buyer_id: UserId, *, page: int) -> MyOrders:
    """A page of the buyer's orders, from 1. Two statements, however many there are."""
    refunded = (
        select(func.coalesce(-func.sum(Attribution.amount_fen), 0))
        .where(Attribution.order_id == Order.id, Attribution.is_refund)
        .correlate(Order)
        .scalar_subquery()
    )
    columns = (Order.id, Order.number, Order.state, Order.placed_at, Order.total_fen, Order.refunded_shipping_fen)
    rows = db.session.execute(
        select(*columns, refunded.label("refunded_goods_fen"), func.count().over().label("total"))
        .where(Order.buyer_id == buyer_id)
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    ).all()
    lines = _lines([row.id for row in rows])
    orders = tuple(
        MyOrder(
            number=row.number,
            state=row.state,
            placed_at=row.placed_at,
            total_fen=row.total_fen,
            refunded_fen=int(row.refunded_goods_fen) + row.refunded_shipping_fen,
            lines=tuple(lines.get(row.id, ())),
        )
        for row in rows
    )
    return MyOrders(orders=orders, total=rows[0].total if rows else 0, page=page)


def _lines(order_ids: list[int]) -> dict[int, list[MyLine]]:
    columns = (
        OrderLine.product_name.label("name"),
        OrderLine.product_name_en.label("name_en"),
        OrderLine.pack,
        OrderLine.pack_en,
        OrderLine.quantity,
    )
    rows = db.session.execute(
        select(OrderLine.order_id, *columns).where(OrderLine.order_id.in_(order_ids)).order_by(OrderLine.order_id, OrderLine.position)
    )
    lines: dict[int, list[MyLine]] = {}
    for order_id, *line in rows:
        lines.setdefault(order_id, []).append(row_as(MyLine, line))
    return lines
