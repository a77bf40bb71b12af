"""What one return took from an order, for the letter that says so. Everything else that a letter tells is the order's story."""

from dataclasses import dataclass

from sqlalchemy import func, select

from shop.extensions import db
from shop.kit.ids import OrderId, ReturnId
from shop.ledger.models import Attribution
from shop.orders.models import Order, OrderLine, Return, ReturnLine
from shop.origin.models import Village


@dataclass(frozen=True)
class ReturnedLine:
    """What came back of one line."""

    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    unit_word: str
    units: int
    """Nought when it was an amount that went back, and no goods."""
    amount_fen: int


@dataclass(frozen=True)
class TakenBack:
    """What one village gave back."""

    village_name: str
    village_name_en: str
    amount_fen: int


@dataclass(frozen=True)
class ReturnFacts:
    """One return, as it was booked."""

    goods_fen: int
    shipping_fen: int
    lines: tuple[ReturnedLine, ...]
    villages: tuple[TakenBack, ...]
    """Those that gave most first."""

    @property
    def total_fen(self) -> int:
        """What goes back to the buyer."""
        return self.goods_fen + self.shipping_fen


def find_order_link(order_id: OrderId) -> tuple[str, str] | None:
    """An order's number and key, for a letter that leads to its page."""
    row = db.session.execute(select(Order.number, Order.key).where(Order.id == order_id)).one_or_none()
    return (row.number, row.key) if row else None


def get_return(return_id: ReturnId) -> ReturnFacts:
    """One return, which must exist, by three statements."""
    returned = db.session.execute(select(Return.goods_fen, Return.shipping_fen, Return.entry_id).where(Return.id == return_id)).one()
    return ReturnFacts(
        goods_fen=returned.goods_fen,
        shipping_fen=returned.shipping_fen,
        lines=_lines(return_id),
        villages=_villages(returned.entry_id),
    )


def _lines(return_id: ReturnId) -> tuple[ReturnedLine, ...]:
    names = (OrderLine.product_name, OrderLine.product_name_en, OrderLine.pack, OrderLine.pack_en, OrderLine.unit_word)
    rows = db.session.execute(
        select(*names, func.sum(ReturnLine.units).label("units"), func.sum(ReturnLine.amount_fen).label("amount_fen"))
        .join(OrderLine, OrderLine.id == ReturnLine.line_id)
        .where(ReturnLine.return_id == return_id)
        .group_by(OrderLine.id, OrderLine.position, *names)
        .order_by(OrderLine.position)
    )
    return tuple(
        ReturnedLine(
            product_name=row.product_name,
            product_name_en=row.product_name_en,
            pack=row.pack,
            pack_en=row.pack_en,
            unit_word=row.unit_word,
            units=int(row.units),  # PostgreSQL sums bigint into numeric
            amount_fen=int(row.amount_fen),
        )
        for row in rows
    )


def _villages(entry_id: int) -> tuple[TakenBack, ...]:
    amount = -func.sum(Attribution.amount_fen)
    rows = db.session.execute(
        select(Village.name, Village.name_en, amount.label("amount_fen"))
        .join(Village, Village.id == Attribution.village_id)
        .where(Attribution.entry_id == entry_id)
        .group_by(Village.id, Village.name, Village.name_en)
        .having(amount != 0)
        .order_by(amount.desc(), Village.id)
    )
    return tuple(TakenBack(village_name=row.name, village_name_en=row.name_en, amount_fen=int(row.amount_fen)) for row in rows)
