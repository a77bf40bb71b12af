"""What an order's trail says beyond its events, its entries and its letters: what its goods went through on the shelf, staff's notes, and what each
of those who did something is to the shop. Nobody's name: a trail is read by many, and a role says who answers for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, case, cast, func, literal, select

from shop.accounts.models import UserRole
from shop.accounts.roles import Role
from shop.extensions import db, row_as, rows_as
from shop.kit.ids import OrderId, UserId
from shop.orders.models import OrderLine, OrderNote
from shop.origin.models import Cooperative, Membership
from shop.stock.models import Lot, Movement, MovementKind, Pick, StockItem


@dataclass(frozen=True)
class MovedGoods:
    """Units of one product that one movement of stock held, released, sold or took back, with the lots they are from."""

    at: datetime
    kind: MovementKind
    by_user_id: UserId | None
    reason: str
    product_name: str
    product_name_en: str
    unit_word: str
    lots: tuple[tuple[str, int], ...]
    """Code and units."""

    @property
    def units(self) -> int:
        """Of all lots."""
        return sum(units for _, units in self.lots)


@dataclass(frozen=True)
class NoteStory:
    """What somebody of the staff wrote down; without words once the buyer is forgotten."""

    at: datetime
    by_user_id: UserId
    words: str


@dataclass(frozen=True)
class Doer:
    """What somebody is to the shop."""

    roles: tuple[Role, ...] = ()
    cooperatives: tuple[tuple[str, str], ...] = ()
    """Short names, Chinese and English."""


def read_moves(order_id: OrderId) -> tuple[MovedGoods, ...]:
    """What the order's picks went through, oldest first. One statement."""
    units = case(
        (Movement.kind == MovementKind.HELD, Movement.held_change),
        (Movement.kind == MovementKind.RELEASED, -Movement.held_change),
        (Movement.kind == MovementKind.SOLD, Movement.sold_change),
        else_=-Movement.sold_change,
    )
    moved = (Movement.at, Movement.kind, Movement.by_user_id, Movement.reason)
    goods = (OrderLine.product_name, OrderLine.product_name_en, OrderLine.unit_word)
    rows = db.session.execute(
        select(*moved, *goods, Lot.code, func.sum(units))
        .join(Pick, Pick.id == Movement.pick_id)
        .join(OrderLine, OrderLine.id == Pick.line_id)
        .join(StockItem, StockItem.id == Movement.item_id)
        .join(Lot, Lot.id == StockItem.lot_id)
        .where(OrderLine.order_id == order_id)
        .group_by(*moved, *goods, OrderLine.position, Lot.id, Lot.code)
        .order_by(Movement.at, func.min(Movement.id), Lot.code)
    )
    together: dict[tuple[object, ...], list[tuple[str, int]]] = {}
    for row in rows:
        together.setdefault(tuple(row[:7]), []).append((row[7], int(row[8])))
    return tuple(row_as(MovedGoods, (*its_goods, tuple(lots))) for its_goods, lots in together.items())


def read_notes(order_id: OrderId) -> tuple[NoteStory, ...]:
    """Staff's notes, oldest first. One statement."""
    columns = (OrderNote.at, OrderNote.by_user_id, OrderNote.words)
    return tuple(rows_as(NoteStory, db.session.execute(select(*columns).where(OrderNote.order_id == order_id).order_by(OrderNote.id))))


def read_doers(user_ids: Iterable[UserId]) -> Mapping[UserId, Doer]:
    """What each of these people is to the shop now. One statement."""
    wanted = sorted(set(user_ids))
    roles = select(UserRole.user_id, cast(UserRole.role, String).label("role"), literal("").label("name"), literal("").label("name_en"))
    member = select(Membership.user_id, literal(""), Cooperative.short_name, Cooperative.name_en)
    member = member.join(Cooperative, Cooperative.id == Membership.cooperative_id)
    both = roles.where(UserRole.user_id.in_(wanted)).union_all(member.where(Membership.user_id.in_(wanted))).subquery()
    found: dict[UserId, Doer] = {}
    for user_id, role, name, name_en in db.session.execute(select(both).order_by(both.c.user_id, both.c.role, both.c.name)):
        doer = found.get(UserId(user_id), Doer())
        found[UserId(user_id)] = (
            Doer((*doer.roles, Role(role)), doer.cooperatives) if role else Doer(doer.roles, (*doer.cooperatives, (name, name_en)))
        )
    return found
