"""Putting things into a basket and taking them out.

A basket promises nothing: `most` is what the page saw to be free, and placing the order has the last word. Whatever changes a basket locks
its row first, so that two tabs of one buyer do not undo each other.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from sqlalchemy import Executable, bindparam, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shop.cart.errors import TooMany
from shop.cart.models import Cart, CartLine
from shop.cart.queries import OWNED, BasketLine, CartOwner
from shop.extensions import act, columns_of, db, dialect, lock_in_order, require_transaction, rows_as, table_of
from shop.kit.ids import CartId, SkuId, UserId, new_key

MOST_UNITS = 999
"""Of one line; who wants more buys as a firm does, and talks to people."""

_cart, _line = columns_of(Cart), columns_of(CartLine)
_HERE = (_line.cart_id == bindparam("cart")) & (_line.sku_id == bindparam("sku"))
_HAD = select(_line.quantity).where(_HERE)
_SET = update(table_of(CartLine)).where(_HERE).values(quantity=bindparam("units"))
_TAKE_OUT = delete(table_of(CartLine)).where(_HERE)
_TOUCH = update(table_of(Cart)).where(OWNED).values(touched_at=bindparam("at")).returning(_cart.id)
_LINES = (
    select(_line.sku_id, _line.quantity, _line.seen_price_fen)
    .where(_line.cart_id == bindparam("cart"))
    .order_by(_line.added_at, _line.sku_id)
)
_EMPTY = delete(table_of(CartLine)).where(_line.cart_id == bindparam("cart"))


def begin() -> str:
    """A secret key for a guest's new basket, to be kept in their session. The basket itself is made when the first thing is put in."""
    return new_key()


@act
def put(owner: CartOwner, sku_id: SkuId, quantity: int, price_fen: int, now: datetime, *, most: int = MOST_UNITS) -> int:
    """Add `quantity` units, at least one, to what the basket has of the SKU, and remember the price they were seen at. The units it has now.

    Begins the basket if there is none. `most` is how many of it the line may come to, never more than MOST_UNITS. Raises TooMany.
    """
    assert quantity > 0 and price_fen > 0, "so many of something at a price"
    most = min(most, MOST_UNITS)
    cart_id = _open(owner, now)
    line = {"cart": cart_id, "sku": sku_id, "units": quantity, "price": price_fen, "at": now, "most": most}
    has: int | None = db.session.scalar(_add(dialect()), line) if quantity <= most else None
    if has is None:
        had = db.session.scalar(_HAD, {"cart": cart_id, "sku": sku_id}) or 0
        raise TooMany(sku_id, wanted=had + quantity, had=had, most=most)
    return has


@act
def set_quantity(owner: CartOwner, sku_id: SkuId, quantity: int, now: datetime, *, most: int = MOST_UNITS) -> bool:
    """Let the line have `quantity` units; nought takes it out. Whether there was such a line: a line that is not there is not made.

    Raises TooMany when `quantity` is above `most` or MOST_UNITS.
    """
    assert quantity >= 0, "a basket owes nobody"
    cart_id = _find_open(owner, now)
    if cart_id is None:
        return False
    here: dict[str, object] = {"cart": cart_id, "sku": sku_id}
    had = db.session.scalar(_HAD, here)
    if had is None:
        return False
    if quantity > min(most, MOST_UNITS):
        raise TooMany(sku_id, wanted=quantity, had=had, most=min(most, MOST_UNITS))
    if quantity == 0:
        db.session.execute(_TAKE_OUT, here)
    elif quantity != had:
        db.session.execute(_SET, here | {"units": quantity})
    return True


@act
def accept_prices(owner: CartOwner, prices: Mapping[SkuId, int]) -> None:
    """Remember that the buyer has seen these prices, in fen, and still wants the lines. What is not in the basket is passed over."""
    if prices:
        of_owner = select(_cart.id).where(OWNED).scalar_subquery()
        seen = case(dict(prices), value=_line.sku_id)
        mine = (_line.cart_id == of_owner) & _line.sku_id.in_(sorted(prices))
        db.session.execute(update(table_of(CartLine)).where(mine).values(seen_price_fen=seen), owner.bound)


@act
def merge(key: str, user_id: UserId, now: datetime) -> None:
    """Pour a guest's basket into the user's at sign-in: units of the same SKU are added, up to MOST_UNITS. Nothing happens twice."""
    guest_id = db.session.scalar(select(_cart.id).where(_cart.key == key).with_for_update())
    if guest_id is None:
        return
    user_cart_id = _open(CartOwner(user_id=user_id), now)
    db.session.execute(_pour(dialect()), {"guest_cart": guest_id, "user_cart": user_cart_id})
    db.session.execute(delete(table_of(Cart)).where(_cart.id == guest_id))  # its lines go with it


def lock(cart_id: CartId) -> list[BasketLine]:
    """Step. Keep everybody else from this basket until the act ends; what is in it, in the order it was put in."""
    require_transaction()
    # The lines are read after the lock is had, by a statement of their own: a joined one would see them as they were before waiting.
    lock_in_order(Cart, [cart_id])
    return rows_as(BasketLine, db.session.execute(_LINES, {"cart": cart_id}))


def empty(cart_id: CartId) -> None:
    """Step. Take everything out."""
    require_transaction()
    db.session.execute(_EMPTY, {"cart": cart_id})


def _open(owner: CartOwner, now: datetime) -> CartId:
    """The owner's basket, locked, made if there is none: one statement, so that two first things at once make one basket."""
    cart_id = db.session.scalar(_begin(dialect(), owner.user_id is not None), owner.bound | {"at": now})
    assert cart_id is not None
    return CartId(cart_id)


def _find_open(owner: CartOwner, now: datetime) -> CartId | None:
    """The owner's basket, locked, if there is one."""
    cart_id = db.session.scalar(_TOUCH, owner.bound | {"at": now})
    return CartId(cart_id) if cart_id is not None else None


# ── Statements with ON CONFLICT, which both databases write alike and SQLAlchemy keeps apart ─────────────────────────


def _insert(model: type[Cart] | type[CartLine], dialect: str) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table_of(model)) if dialect == "postgresql" else sqlite.insert(table_of(model))


@cache
def _begin(dialect: str, is_users: bool) -> Executable:
    cart = _insert(Cart, dialect).values(key=bindparam("cart_key"), user_id=bindparam("cart_user_id"), touched_at=bindparam("at"))
    known_by = [_cart.user_id if is_users else _cart.key]
    return cart.on_conflict_do_update(index_elements=known_by, set_={"touched_at": cart.excluded.touched_at}).returning(_cart.id)


@cache
def _add(dialect: str) -> Executable:
    """The line's units after these were added; no row if they would be more than `most`."""
    line = _insert(CartLine, dialect).values(
        cart_id=bindparam("cart"),
        sku_id=bindparam("sku"),
        quantity=bindparam("units"),
        seen_price_fen=bindparam("price"),
        added_at=bindparam("at"),
    )
    units = _line.quantity + line.excluded.quantity
    return line.on_conflict_do_update(
        index_elements=[_line.cart_id, _line.sku_id],
        set_={"quantity": units, "seen_price_fen": line.excluded.seen_price_fen},
        where=units <= bindparam("most"),
    ).returning(_line.quantity)


@cache
def _pour(dialect: str) -> Executable:
    columns = ["sku_id", "quantity", "seen_price_fen", "added_at", "cart_id"]
    guests = select(*(_line[name] for name in columns[:-1]), bindparam("user_cart", type_=_line.cart_id.type))
    poured = _insert(CartLine, dialect).from_select(columns, guests.where(_line.cart_id == bindparam("guest_cart")))
    units = _line.quantity + poured.excluded.quantity
    return poured.on_conflict_do_update(
        index_elements=[_line.cart_id, _line.sku_id],
        set_={"quantity": case((units > MOST_UNITS, MOST_UNITS), else_=units), "seen_price_fen": poured.excluded.seen_price_fen},
    )
