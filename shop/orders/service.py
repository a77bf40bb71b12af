"""Orders: drawn up once, moved along their states, refunded piece by piece."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Executable, bindparam, func, insert, select, update

from shop.accounts.consent import TERMS_VERSION
from shop.extensions import columns_of, db, fields_of, put_in, put_in_returning, require_transaction, row_as, rows_as, table_of
from shop.kit.ids import CooperativeId, EasternUnitId, EntryId, LineId, OrderId, PickId, ProductId, ReturnId, SkuId, UserId, new_key
from shop.orders.errors import CannotMove, NoSuchOrder
from shop.orders.models import Channel, Order, OrderEvent, OrderLine, RefundBy, Return, ReturnLine
from shop.orders.states import FIRST_STATES, OrderState, may_move


@dataclass(frozen=True)
class Delivery:
    """Where an order goes, and what the buyer said about it."""

    name: str
    phone: str
    email: str | None
    district_code: str
    region: str
    """The names behind the code: 江苏省苏州市昆山市."""
    town: str
    street: str
    note: str
    locale: str
    buyer_id: UserId | None
    eastern_unit_id: EasternUnitId | None
    perishable_confirmed: bool
    remember_address: bool
    gift_note: str = ""


@dataclass(frozen=True)
class Address:
    """Where an order goes within its district, and whom to call."""

    name: str
    phone: str
    town: str
    street: str


@dataclass(frozen=True)
class Snapshot:
    """One line as it will be stored: copies of the catalogue at this moment."""

    sku_id: SkuId
    sku_code: str
    product_id: ProductId
    cooperative_id: CooperativeId
    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    unit_word: str
    unit_price_fen: int
    quantity: int
    discount_fen: int
    unit_grams: int
    is_perishable: bool
    is_cold_chain: bool
    tax_category: str

    @property
    def net_fen(self) -> int:
        """What villages get of it."""
        return self.unit_price_fen * self.quantity - self.discount_fen


@dataclass(frozen=True)
class LineRow:
    """One stored line, as an act sees it."""

    id: LineId
    position: int
    sku_id: SkuId
    sku_code: str
    product_id: ProductId
    cooperative_id: CooperativeId
    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    quantity: int
    unit_price_fen: int
    net_fen: int
    unit_grams: int


@dataclass(frozen=True)
class OrderRow:
    """One order, as an act sees it."""

    id: OrderId
    number: str
    key: str
    channel: Channel
    state: OrderState
    buyer_id: UserId | None
    email: str | None
    phone: str
    locale: str
    goods_fen: int
    discount_fen: int
    shipping_fen: int
    refunded_shipping_fen: int
    total_fen: int
    hold_until: datetime | None
    sold_on: date | None


_order, _order_line = columns_of(Order), columns_of(OrderLine)
_ORDER, _LINE = fields_of(OrderRow, Order), fields_of(LineRow, OrderLine)

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: nothing that is misheard or misread


# ── Drawing up ────────────────────────────────────────────────────────────────────────────────────────────────────────


_FIND_PLACED = select(*_ORDER).where(_order.once == bindparam("once"))
_INSERT_ORDER = insert(table_of(Order)).returning(*_ORDER)


def find_placed(once: str) -> OrderRow | None:
    """The order that this key has already made."""
    row = db.session.execute(_FIND_PLACED, {"once": once}).one_or_none()
    return row_as(OrderRow, row) if row else None


def draw_up(
    delivery: Delivery,
    lines: Sequence[Snapshot],
    *,
    shipping_fen: int,
    channel: Channel,
    state: OrderState,
    once: str,
    hold_until: datetime | None,
    sold_on: date | None,
    today: date,
    now: datetime,
) -> tuple[OrderRow, list[LineRow]]:
    """Step. Store the order and its lines. Its first events are the caller's (`add_events`)."""
    require_transaction()
    assert lines and state in FIRST_STATES, "an order begins with something, at the beginning"
    values = order_values(
        delivery,
        lines,
        number=new_number("SH" if channel is Channel.ONLINE else "XX", today),
        key=new_key(),
        once=once,
        shipping_fen=shipping_fen,
        channel=channel,
        state=state,
        hold_until=hold_until,
        sold_on=sold_on,
        now=now,
    )
    row = db.session.execute(_INSERT_ORDER, values).one()
    order = row_as(OrderRow, row)
    return order, _put_in_lines([line_values(order.id, position, line) for position, line in enumerate(lines, start=1)])


def _put_in_lines(values: Sequence[Mapping[str, object]]) -> list[LineRow]:
    """The new lines, in their order."""
    columns = tuple(column.name for column in _LINE)
    return sorted(rows_as(LineRow, put_in_returning(OrderLine, values, columns)), key=lambda line: line.position)


def order_values(
    delivery: Delivery,
    lines: Sequence[Snapshot],
    *,
    number: str,
    key: str,
    once: str,
    shipping_fen: int,
    channel: Channel,
    state: OrderState,
    hold_until: datetime | None,
    sold_on: date | None,
    now: datetime,
) -> dict[str, object]:
    """The columns of a new order."""
    goods_fen = sum(line.unit_price_fen * line.quantity for line in lines)
    discount_fen = sum(line.discount_fen for line in lines)
    is_paid = state is not OrderState.AWAITING_PAYMENT
    return {
        "number": number,
        "key": key,
        "once": once,
        "channel": channel,
        "state": state,
        "buyer_id": delivery.buyer_id,
        "eastern_unit_id": delivery.eastern_unit_id,
        "name": delivery.name,
        "phone": delivery.phone,
        "email": delivery.email,
        "district_code": delivery.district_code or None,
        "region": delivery.region,
        "town": delivery.town,
        "street": delivery.street,
        "note": delivery.note,
        "gift_note": delivery.gift_note,
        "locale": delivery.locale,
        "goods_fen": goods_fen,
        "discount_fen": discount_fen,
        "shipping_fen": shipping_fen,
        "refunded_shipping_fen": 0,
        "total_fen": goods_fen - discount_fen + shipping_fen,
        "perishable_confirmed_at": now if delivery.perishable_confirmed else None,
        "terms_version": TERMS_VERSION if channel is Channel.ONLINE else "",
        "hold_until": hold_until,
        "placed_at": now,
        "paid_at": now if is_paid else None,
        "sold_on": sold_on,
        "ended_at": now if state is OrderState.COMPLETED else None,
    }


def line_values(order_id: OrderId, position: int, line: Snapshot) -> dict[str, object]:
    """The columns of a new line."""
    return {
        "order_id": order_id,
        "position": position,
        "sku_id": line.sku_id,
        "sku_code": line.sku_code,
        "product_id": line.product_id,
        "cooperative_id": line.cooperative_id,
        "product_name": line.product_name,
        "product_name_en": line.product_name_en,
        "pack": line.pack,
        "pack_en": line.pack_en,
        "unit_word": line.unit_word,
        "unit_price_fen": line.unit_price_fen,
        "quantity": line.quantity,
        "discount_fen": line.discount_fen,
        "net_fen": line.net_fen,
        "unit_grams": line.unit_grams,
        "is_perishable": line.is_perishable,
        "is_cold_chain": line.is_cold_chain,
        "tax_category": line.tax_category,
    }


def new_number(prefix: str, today: date) -> str:
    """A number that nobody can guess from another: `SH-261123-7K3M9P`."""
    drawn = secrets.randbits(30)
    return f"{prefix}-{today:%y%m%d}-" + "".join(_LETTERS[drawn >> shift & 31] for shift in (25, 20, 15, 10, 5, 0))


# ── Reading for acts ──────────────────────────────────────────────────────────────────────────────────────────────────


def lock(number: str) -> OrderRow:
    """Step. The order, locked; everything else of it is locked after it.

    Raises NoSuchOrder.
    """
    require_transaction()
    return _one(_LOCK_BY_NUMBER, number)


def lock_by_id(order_id: OrderId) -> OrderRow:
    """Step. The order, locked.

    Raises NoSuchOrder.
    """
    require_transaction()
    return _one(_LOCK_BY_ID, order_id)


def get(number: str) -> OrderRow:
    """The order.

    Raises NoSuchOrder.
    """
    return _one(_BY_NUMBER, number)


_BY_NUMBER = select(*_ORDER).where(_order.number == bindparam("given"))
_LOCK_BY_NUMBER = _BY_NUMBER.with_for_update()
_LOCK_BY_ID = select(*_ORDER).where(_order.id == bindparam("given")).with_for_update()


def _one(query: Executable, given: object) -> OrderRow:
    row = db.session.execute(query, {"given": given}).one_or_none()
    if row is None:
        raise NoSuchOrder
    return row_as(OrderRow, row)


def lines_of(order_id: OrderId) -> list[LineRow]:
    """An order's lines, in their order."""
    return rows_as(LineRow, db.session.execute(_LINES_OF, {"order_id": order_id}))


_LINES_OF = select(*_LINE).where(_order_line.order_id == bindparam("order_id")).order_by(_order_line.position)


def numbers_of(order_ids: Iterable[OrderId]) -> dict[OrderId, str]:
    """The numbers of orders."""
    rows = db.session.execute(select(Order.id, Order.number).where(Order.id.in_(sorted(order_ids))))
    return {OrderId(row.id): row.number for row in rows}


def due_to_lapse(*, now: datetime, most: int = 50) -> Sequence[str]:
    """Numbers of orders whose hold has ended unpaid."""
    due = select(Order.number).where(Order.state == OrderState.AWAITING_PAYMENT, Order.hold_until < now)
    return list(db.session.scalars(due.order_by(Order.hold_until, Order.id).limit(most)))


# ── Moving ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def move(
    order: OrderRow, state: OrderState, *, by: UserId | None, facts: Mapping[str, object], now: datetime, sold_on: date | None = None
) -> None:
    """Step. The order, which is locked, goes on to `state`; an event says so.

    Raises CannotMove.
    """
    require_transaction()
    if not may_move(order.state, state):
        raise CannotMove(order.state.value, state.value)
    values: dict[str, object] = {"state": state}
    if state is OrderState.PAID:
        values |= {"paid_at": now, "sold_on": sold_on, "hold_until": None, "ended_at": None}
    if state in (OrderState.LAPSED, OrderState.CANCELLED, OrderState.COMPLETED):
        values |= {"ended_at": now, "hold_until": None}
    db.session.execute(_MOVE, {"of_order": order.id} | values)
    add_event(order.id, state.value, facts, by=by, now=now)


_MOVE = update(table_of(Order)).where(_order.id == bindparam("of_order"))


def add_lines(order: OrderRow, lines: Sequence[Snapshot]) -> list[LineRow]:
    """Step. Further lines of an order, which is locked, in the place of others that are refunded; its sums follow. The new lines."""
    require_transaction()
    first = max(line.position for line in lines_of(order.id)) + 1
    stored = _put_in_lines([line_values(order.id, position, line) for position, line in enumerate(lines, start=first)])
    goods_fen = sum(line.unit_price_fen * line.quantity for line in lines)
    discount_fen = sum(line.discount_fen for line in lines)
    db.session.execute(
        update(table_of(Order))
        .where(_order.id == order.id)
        .values(
            goods_fen=_order.goods_fen + goods_fen,
            discount_fen=_order.discount_fen + discount_fen,
            total_fen=_order.total_fen + goods_fen - discount_fen,
        )
    )
    return stored


def change_address(order: OrderRow, address: Address) -> None:
    """Step. The order, which is locked, goes elsewhere in the same district."""
    require_transaction()
    values = {"name": address.name, "phone": address.phone, "town": address.town, "street": address.street}
    db.session.execute(update(table_of(Order)).where(_order.id == order.id).values(**values))


def extend_hold(order: OrderRow, until: datetime) -> None:
    """Step. Keep its goods until then."""
    require_transaction()
    db.session.execute(update(Order).where(Order.id == order.id).values(hold_until=until))


def add_event(order_id: OrderId, kind: str, facts: Mapping[str, object], *, by: UserId | None, now: datetime) -> None:
    """Step. Something happened to the order. Facts are figures and codes, never a person's data."""
    require_transaction()
    db.session.execute(_INSERT_EVENT, {"order_id": order_id, "at": now, "kind": kind, "by_user_id": by, "facts": dict(facts)})


_INSERT_EVENT = insert(table_of(OrderEvent)).inline()  # nobody asks for its id


def add_events(order_id: OrderId, events: Mapping[str, Mapping[str, object]], *, by: UserId | None, now: datetime) -> None:
    """Step. Several things happened to the order at once, in this order; by kind, with their facts."""
    rows = [{"order_id": order_id, "at": now, "kind": kind, "by_user_id": by, "facts": dict(facts)} for kind, facts in events.items()]
    put_in(OrderEvent, rows)


# ── Returns ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ReturnedPick:
    """What a return takes from one pick."""

    pick_id: PickId
    line_id: LineId
    units: int
    amount_fen: int


@dataclass(frozen=True)
class ReturnRow:
    """One return, as an act sees it."""

    id: ReturnId
    order_id: OrderId
    once: str
    reason: str
    restock: bool
    goods_fen: int
    shipping_fen: int
    entry_id: EntryId
    reversed_by_entry_id: EntryId | None


_RETURN = fields_of(ReturnRow, Return)
_FIND_RETURN = select(*_RETURN).where(columns_of(Return).once == bindparam("once"))


def find_return(once: str) -> ReturnRow | None:
    """The return that this key has already made."""
    row = db.session.execute(_FIND_RETURN, {"once": once}).one_or_none()
    return row_as(ReturnRow, row) if row else None


def returned_by_line(return_id: ReturnId) -> dict[LineId, int]:
    """What a return took from each line, fen; lines of which nothing was taken are left out."""
    taken = columns_of(ReturnLine)
    query = select(taken.line_id, func.sum(taken.amount_fen)).where(taken.return_id == return_id).group_by(taken.line_id)
    return {LineId(line_id): int(fen) for line_id, fen in db.session.execute(query.order_by(taken.line_id)) if fen}


def record_return(
    order: OrderRow,
    picks: Sequence[ReturnedPick],
    *,
    by: RefundBy,
    shipping_fen: int,
    restock: bool,
    reason: str,
    once: str,
    entry_id: EntryId,
    asked_by: UserId | None,
    now: datetime,
    is_exchange: bool = False,
) -> ReturnId:
    """Step. Store what was decided to go back, on the order too; of an exchange before packing no money does."""
    require_transaction()
    goods_fen = sum(pick.amount_fen for pick in picks)
    return_id = db.session.scalar(
        insert(Return)
        .values(
            order_id=order.id,
            once=once,
            by=by,
            reason=reason,
            restock=restock,
            goods_fen=goods_fen,
            shipping_fen=shipping_fen,
            entry_id=entry_id,
            asked_by=asked_by,
            at=now,
        )
        .returning(Return.id)
    )
    assert return_id is not None
    put_in(
        ReturnLine,
        [
            {"return_id": return_id, "pick_id": pick.pick_id, "line_id": pick.line_id, "units": pick.units, "amount_fen": pick.amount_fen}
            for pick in picks
        ],
    )
    if shipping_fen:
        db.session.execute(
            update(Order).where(Order.id == order.id).values(refunded_shipping_fen=Order.refunded_shipping_fen + shipping_fen)
        )
    if not is_exchange:
        add_event(order.id, "refund_asked", {"goods_fen": goods_fen, "shipping_fen": shipping_fen, "reason": reason}, by=asked_by, now=now)
    return ReturnId(return_id)


def undo_return(returned: ReturnRow, entry_id: EntryId, *, now: datetime) -> None:
    """Step. The provider failed the refund, which `entry_id` books back: the return's money no longer counts."""
    require_transaction()
    db.session.execute(update(Return).where(Return.id == returned.id).values(reversed_by_entry_id=entry_id))
    if returned.shipping_fen:
        db.session.execute(
            update(Order)
            .where(Order.id == returned.order_id)
            .values(refunded_shipping_fen=Order.refunded_shipping_fen - returned.shipping_fen)
        )
    add_event(
        returned.order_id, "refund_failed", {"goods_fen": returned.goods_fen, "shipping_fen": returned.shipping_fen}, by=None, now=now
    )
