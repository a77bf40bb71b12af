"""Buying, as tests do it: through the same acts that pages call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from sqlalchemy import func, select

from shop.acts.confirm_payment import check_order_payments
from shop.acts.place_order import NO_WISHES, Delivery, Placed, Wishes, place_order
from shop.acts.start_payment import start_payment
from shop.cart import queries as carts
from shop.cart import service as baskets
from shop.cart.queries import CartOwner
from shop.extensions import reading
from shop.kit.ids import CheckoutKey, LineId, LotId, PickId, UserId, VillageId, new_key
from shop.ledger.models import Attribution
from shop.orders.models import Order, OrderLine
from shop.orders.states import OrderState
from shop.reports.verify import verify
from shop.stock.models import Pick, PickState, StockItem
from tests.factories import MadeSku
from tests.providers import FakeProvider

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

_keys = count(1)


@dataclass(frozen=True)
class SeenPick:
    """A pick as a test looks at it."""

    id: PickId
    line_id: LineId
    lot_id: LotId
    units: int
    returned_units: int
    state: PickState


def a_delivery(**changes: object) -> Delivery:
    """To Mei in Kunshan, unless told otherwise."""
    given: dict[str, object] = {
        "name": "示例买家",
        "phone": "13800132207",
        "email": "mei@example.test",
        "district_code": "320583",
        "region": "江苏省苏州市昆山市",
        "town": "周市镇",
        "street": "新塘路 18 号",
        "note": "",
        "locale": "zh",
        "buyer_id": None,
        "eastern_unit_id": None,
        "perishable_confirmed": False,
        "remember_address": False,
    }
    return Delivery(**{**given, **changes})  # type: ignore[arg-type]


def fill_basket(wanted: Mapping[MadeSku, int], *, user_id: UserId | None = None, now: datetime = NOW) -> CartOwner:
    """A basket with these units at today's prices."""
    owner = CartOwner(user_id=user_id) if user_id else CartOwner(key=new_key())
    for sku, units in wanted.items():
        baskets.put(owner, sku.id, units, sku.price_fen, now)
    return owner


def place(wanted: Mapping[MadeSku, int], *, once: str = "", now: datetime = NOW, wishes: Wishes = NO_WISHES, **changes: object) -> Placed:
    """An order that waits for payment."""
    owner = fill_basket(wanted, now=now)
    with reading():
        cart_id = carts.find_cart(owner)
    assert cart_id is not None
    return place_order(
        cart_id, a_delivery(**changes), once=CheckoutKey(once or f"checkout-{next(_keys)}-{new_key()}"), now=now, wishes=wishes
    )


def pay(provider: FakeProvider, number: str, *, now: datetime = NOW) -> OrderState:
    """Go to the provider, pay there, and come back."""
    start_payment(number, now=now)
    provider.pay()
    return check_order_payments(number, now=now)


def buy(
    provider: FakeProvider, wanted: Mapping[MadeSku, int], *, now: datetime = NOW, wishes: Wishes = NO_WISHES, **changes: object
) -> Placed:
    """A paid order."""
    placed = place(wanted, now=now, wishes=wishes, **changes)
    assert pay(provider, placed.number, now=now) is OrderState.PAID
    return placed


def picks_of(number: str) -> list[SeenPick]:
    """An order's picks, by id."""
    with reading() as session:
        rows = session.execute(
            select(Pick.id, Pick.line_id, StockItem.lot_id, Pick.units, Pick.returned_units, Pick.state)
            .join(StockItem, StockItem.id == Pick.item_id)
            .join(OrderLine, OrderLine.id == Pick.line_id)
            .join(Order, Order.id == OrderLine.order_id)
            .where(Order.number == number)
            .order_by(Pick.id)
        ).all()
    return [SeenPick(*row) for row in rows]


def village_fen(*, line: LineId | None = None) -> dict[VillageId, int]:
    """What the books hold for every village now, of one order line or of all."""
    query = select(Attribution.village_id, func.sum(Attribution.amount_fen)).group_by(Attribution.village_id)
    with reading() as session:
        rows = session.execute(query if line is None else query.where(Attribution.line_id == line))
        return {VillageId(village_id): int(fen) for village_id, fen in rows}


def free_units(sku: MadeSku) -> int:
    """Units of a SKU that nobody has."""
    with reading() as session:
        free = func.sum(StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off)
        return int(session.scalar(select(free).where(StockItem.sku_id == sku.id)) or 0)


def state_of(number: str) -> OrderState:
    """Where an order is."""
    with reading() as session:
        return session.scalars(select(Order.state).where(Order.number == number)).one()


def assert_books_are_sound() -> None:
    """`flask ledger verify` finds nothing."""
    with reading():
        wrong = [f"{check.name}: {check.detail}" for check in verify() if not check.ok]
    assert not wrong, wrong
