"""Putting things into a basket and taking them out.

A basket promises nothing: `most` is what the page saw to be free, and placing the order has the last word. Whatever changes a basket locks
its row first, so that two tabs of one buyer do not undo each other.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, case, delete, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shop.cart.errors import TooMany
from shop.cart.models import Cart, CartLine
from shop.cart.queries import BasketLine, CartOwner
from shop.extensions import act, columns_of, db, dialect, lock_in_order, require_transaction, table_of
from shop.kit.ids import CartId, SkuId, UserId, new_key

MOST_UNITS = 999
"""Of one line; who wants more buys as a firm does, and talks to people."""


_line = columns_of(CartLine)
_LINES = (
    select(_line.sku_id, _line.quantity, _line.seen_price_fen)
    .where(_line.cart_id == bindparam("cart_id"))
    .order_by(_line.added_at, _line.sku_id)
)
_EMPTY = delete(table_of(CartLine)).where(_line.cart_id == bindparam("cart_id"))


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
    line = _insert(CartLine).values(cart_id=cart_id, sku_id=sku_id, quantity=quantity, seen_price_fen=price_fen, added_at=now)
    units = CartLine.quantity + line.excluded.quantity
    line = line.on_conflict_do_update(
        index_elements=[CartLine.cart_id, CartLine.sku_id],
        set_={"quantity": units, "seen_price_fen": line.excluded.seen_price_fen},
        where=units <= most,
    )
    has: int | None = db.session.scalar(line.returning(CartLine.quantity)) if quantity <= most else None
    if has is None:
        had = db.session.scalar(select(CartLine.quantity).where(CartLine.cart_id == cart_id, CartLine.sku_id == sku_id)) or 0
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
    here = (CartLine.cart_id == cart_id, CartLine.sku_id == sku_id)
    had = db.session.scalar(select(CartLine.quantity).where(*here))
    if had is None:
        return False
    if quantity > min(most, MOST_UNITS):
        raise TooMany(sku_id, wanted=quantity, had=had, most=min(most, MOST_UNITS))
    if quantity == 0:
        db.session.execute(delete(CartLine).where(*here))
    elif quantity != had:
        db.session.execute(update(CartLine).where(*here).values(quantity=quantity))
    return True


@act
def accept_prices(owner: CartOwner, prices: Mapping[SkuId, int]) -> None:
    """Remember that the buyer has seen these prices, in fen, and still wants the lines. What is not in the basket is passed over."""
    if prices:
        of_owner = select(Cart.id).where(owner.owns()).scalar_subquery()
        seen = case(dict(prices), value=CartLine.sku_id)
        db.session.execute(
            update(CartLine).where(CartLine.cart_id == of_owner, CartLine.sku_id.in_(sorted(prices))).values(seen_price_fen=seen),
            execution_options={"synchronize_session": False},
        )


@act
def merge(key: str, user_id: UserId, now: datetime) -> None:
    """Pour a guest's basket into the user's at sign-in: units of the same SKU are added, up to MOST_UNITS. Nothing happens twice."""
    guest_id = db.session.scalar(select(Cart.id).where(Cart.key == key).with_for_update())
    if guest_id is None:
        return
    user_cart_id = _open(CartOwner(user_id=user_id), now)
    columns = (CartLine.sku_id, CartLine.quantity, CartLine.seen_price_fen, CartLine.added_at)
    poured = _insert(CartLine).from_select(
        ["sku_id", "quantity", "seen_price_fen", "added_at", "cart_id"],
        select(*columns, literal(user_cart_id)).where(CartLine.cart_id == guest_id),
    )
    units = CartLine.quantity + poured.excluded.quantity
    db.session.execute(
        poured.on_conflict_do_update(
            index_elements=[CartLine.cart_id, CartLine.sku_id],
            set_={"quantity": case((units > MOST_UNITS, MOST_UNITS), else_=units), "seen_price_fen": poured.excluded.seen_price_fen},
        )
    )
    db.session.execute(delete(Cart).where(Cart.id == guest_id))  # its lines go with it


def lock(cart_id: CartId) -> list[BasketLine]:
    """Step. Keep everybody else from this basket until the act ends; what is in it, in the order it was put in."""
    require_transaction()
    # The lines are read after the lock is had, by a statement of their own: a joined one would see them as they were before waiting.
    lock_in_order(Cart, [cart_id])
    rows = db.session.execute(_LINES, {"cart_id": cart_id})
    return [BasketLine(sku_id=SkuId(row.sku_id), quantity=row.quantity, seen_price_fen=row.seen_price_fen) for row in rows]


def empty(cart_id: CartId) -> None:
    """Step. Take everything out."""
    require_transaction()
    db.session.execute(_EMPTY, {"cart_id": cart_id})


def _open(owner: CartOwner, now: datetime) -> CartId:
    """The owner's basket, locked, made if there is none: one statement, so that two first things at once make one basket."""
    cart = _insert(Cart).values(key=owner.key, user_id=owner.user_id, touched_at=now)
    cart = cart.on_conflict_do_update(
        index_elements=[Cart.user_id if owner.user_id is not None else Cart.key], set_={"touched_at": cart.excluded.touched_at}
    )
    cart_id = db.session.scalar(cart.returning(Cart.id))
    assert cart_id is not None
    return CartId(cart_id)


def _find_open(owner: CartOwner, now: datetime) -> CartId | None:
    """The owner's basket, locked, if there is one."""
    cart_id = db.session.scalar(update(Cart).where(owner.owns()).values(touched_at=now).returning(Cart.id))
    return CartId(cart_id) if cart_id is not None else None


def _insert(model: type[Cart] | type[CartLine]) -> postgresql.Insert | sqlite.Insert:
    """An insert that knows ON CONFLICT, which both databases write alike and SQLAlchemy keeps apart."""
    return postgresql.insert(model) if dialect() == "postgresql" else sqlite.insert(model)
