"""What looks odd and wants a second look: each row opens what it is about, and names nobody.

Law: a suspicion accuses nobody and changes nothing. Thresholds stand here, and the page says them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from sqlalchemy import BigInteger, case, cast, exists, func, or_, select

from shop.accounts.models import User
from shop.catalog.models import Sku
from shop.extensions import db, rows_as
from shop.orders.models import Channel, Order, OrderLine, Return
from shop.origin.models import Cooperative, Membership
from shop.stock.models import Lot, StockItem

MOST_ROWS = 50
LOOKS_BACK = timedelta(days=180)
"""So far back buyers and refunds are looked at."""
PRICE_DAYS = timedelta(days=30)
USUAL_DAYS = timedelta(days=365)
PRICE_FAR = Fraction(30, 100)
"""A price of the last thirty days that lies further from the SKU's mean of the year before."""
REFUNDED_ORDERS = 3
"""So many orders of one buyer with money back."""
REFUNDED_SHARE = Fraction(1, 2)
"""Of all that the buyer paid, so much went back."""
ACCOUNTS_AT_ADDRESS = 3
"""So many accounts buy for one address."""


@dataclass(frozen=True)
class LotProof:
    """What one lot weighs at each stage."""

    code: str
    cooperative: str
    cooperative_en: str
    produced_grams: int
    packed_grams: int
    sold_grams: int

    @property
    def holds(self) -> bool:
        """Sold ≤ packed ≤ produced."""
        return self.sold_grams <= self.packed_grams <= self.produced_grams


@dataclass(frozen=True)
class Proof:
    """All lots, and those with the least room first."""

    lots: int
    broken: int
    rows: tuple[LotProof, ...]


@dataclass(frozen=True)
class FarPrice:
    """A line sold at an unusual price."""

    number: str
    product: str
    product_en: str
    pack: str
    pack_en: str
    price_fen: int
    usual_fen: int
    lines: int
    """Of which the usual price is the mean."""
    sold_at: datetime


@dataclass(frozen=True)
class OwnBuyer:
    """An order whose buyer works for the cooperative that sold the goods."""

    number: str
    cooperative: str
    cooperative_en: str
    net_fen: int
    placed_at: datetime


@dataclass(frozen=True)
class Refunder:
    """A buyer of whose orders much went back; the latest of them stands for the person."""

    latest: str
    orders: int
    refunded_orders: int
    paid_fen: int
    refunded_fen: int


@dataclass(frozen=True)
class Crowd:
    """Several accounts that buy for one address; the latest order stands for it."""

    latest: str
    region: str
    accounts: int
    orders: int
    total_fen: int


@dataclass(frozen=True)
class Suspicions:
    """The whole page."""

    proof: Proof
    prices: Sequence[FarPrice]
    own_buyers: Sequence[OwnBuyer]
    refunders: Sequence[Refunder]
    crowds: Sequence[Crowd]


def read_suspicions(*, now: datetime) -> Suspicions:
    """Everything, by six statements."""
    return Suspicions(_proof(), _prices(now), _own_buyers(now), _refunders(now), _crowds(now))


def _proof() -> Proof:
    sold = func.coalesce(func.sum(cast(StockItem.sold, BigInteger) * Sku.packed_grams), 0)
    items = select(StockItem.lot_id, sold.label("grams")).join(Sku, Sku.id == StockItem.sku_id).group_by(StockItem.lot_id).subquery()
    sold_grams = func.coalesce(items.c.grams, 0)
    broken = or_(sold_grams > Lot.packed_grams, Lot.packed_grams > Lot.produced_grams)
    broken_lots = func.coalesce(func.sum(case((broken, 1), else_=0)), 0)
    counted = select(func.count(), broken_lots).select_from(Lot).outerjoin(items, items.c.lot_id == Lot.id)
    count, count_broken = db.session.execute(counted).one()
    rows = (
        select(Lot.code, Cooperative.name, Cooperative.name_en, Lot.produced_grams, Lot.packed_grams, sold_grams)
        .join_from(Lot, Cooperative, Cooperative.id == Lot.cooperative_id)
        .outerjoin(items, items.c.lot_id == Lot.id)
        .order_by(case((broken, 0), else_=1), Lot.produced_grams - Lot.packed_grams, Lot.id.desc())
        .limit(MOST_ROWS)
    )
    made = [
        LotProof(code, name, name_en, made, packed, int(grams)) for code, name, name_en, made, packed, grams in db.session.execute(rows)
    ]
    return Proof(count, int(count_broken), tuple(made))


def _prices(now: datetime) -> Sequence[FarPrice]:
    """Sales of the last thirty days against the SKU's mean of the year before; a SKU without at least five earlier lines has no usual price."""
    lines = func.count(OrderLine.id)
    taken = func.sum(cast(OrderLine.unit_price_fen, BigInteger) * OrderLine.quantity)
    mean = cast(taken, BigInteger) // cast(func.sum(OrderLine.quantity), BigInteger)
    before = (Order.paid_at >= now - USUAL_DAYS, Order.paid_at < now - PRICE_DAYS)
    usual = (
        select(OrderLine.sku_id, mean.label("fen"), lines.label("lines"))
        .join(Order, Order.id == OrderLine.order_id)
        .where(*before)
        .group_by(OrderLine.sku_id)
        .having(lines >= 5)
        .subquery()
    )
    gap = func.abs(OrderLine.unit_price_fen - usual.c.fen) * PRICE_FAR.denominator
    names = (OrderLine.product_name, OrderLine.product_name_en, OrderLine.pack, OrderLine.pack_en)
    rows = (
        select(Order.number, *names, OrderLine.unit_price_fen, usual.c.fen, usual.c.lines, Order.paid_at)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(usual, usual.c.sku_id == OrderLine.sku_id)
        .where(Order.paid_at >= now - PRICE_DAYS, gap > usual.c.fen * PRICE_FAR.numerator)
        .order_by(gap.desc(), OrderLine.id.desc())
        .limit(MOST_ROWS)
    )
    return rows_as(FarPrice, db.session.execute(rows))


def _own_buyers(now: datetime) -> Sequence[OwnBuyer]:
    """By account, and by the mobile number that the order was sent to."""
    theirs = or_(Order.buyer_id == User.id, (Order.phone != "") & (Order.phone == User.phone))
    of_the_seller = exists().where(Membership.cooperative_id == OrderLine.cooperative_id, Membership.user_id == User.id, theirs)
    rows = (
        select(Order.number, Cooperative.name, Cooperative.name_en, func.sum(OrderLine.net_fen), Order.placed_at)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Cooperative, Cooperative.id == OrderLine.cooperative_id)
        .where(of_the_seller, Order.paid_at > now - LOOKS_BACK)  # a subquery: two members behind one order do not count it twice
        .group_by(Order.id, Order.number, Order.placed_at, Cooperative.id, Cooperative.name, Cooperative.name_en)
        .order_by(Order.id.desc())
        .limit(MOST_ROWS)
    )
    return [OwnBuyer(number, name, name_en, int(fen), placed_at) for number, name, name_en, fen, placed_at in db.session.execute(rows)]


def _refunders(now: datetime) -> Sequence[Refunder]:
    """Online buyers, told apart by the number their parcels go to."""
    back = (
        select(Return.order_id, func.sum(Return.goods_fen + Return.shipping_fen).label("fen"))
        .where(Return.reversed_by_entry_id.is_(None))
        .group_by(Return.order_id)
        .subquery()
    )
    refunded, paid = func.coalesce(func.sum(back.c.fen), 0), func.sum(Order.total_fen)
    buyers = (
        select(
            func.max(Order.id).label("latest"),
            func.count(Order.id).label("orders"),
            func.count(back.c.fen).label("returned"),
            paid.label("paid"),
            refunded.label("refunded"),
        )
        .outerjoin(back, back.c.order_id == Order.id)
        .where(Order.channel == Channel.ONLINE, Order.paid_at > now - LOOKS_BACK, Order.phone != "")
        .group_by(Order.phone)
        .having(func.count(back.c.fen) >= REFUNDED_ORDERS, refunded * REFUNDED_SHARE.denominator >= paid * REFUNDED_SHARE.numerator)
        .order_by(refunded.desc(), func.max(Order.id).desc())
        .limit(MOST_ROWS)
        .subquery()
    )
    rows = select(Order.number, buyers.c.orders, buyers.c.returned, buyers.c.paid, buyers.c.refunded).join(
        buyers, buyers.c.latest == Order.id
    )
    rows = rows.order_by(buyers.c.refunded.desc(), buyers.c.latest.desc())
    return [Refunder(latest, count, returned, int(fen), int(gone)) for latest, count, returned, fen, gone in db.session.execute(rows)]


def _crowds(now: datetime) -> Sequence[Crowd]:
    """Addresses word for word, of orders that were paid; a canteen or a union is one account and does not show."""
    accounts = func.count(Order.buyer_id.distinct())
    addresses = (
        select(
            func.max(Order.id).label("latest"),
            accounts.label("accounts"),
            func.count(Order.id).label("orders"),
            func.sum(Order.total_fen).label("fen"),
        )
        .where(Order.channel == Channel.ONLINE, Order.paid_at > now - LOOKS_BACK, Order.street != "", Order.buyer_id.is_not(None))
        .group_by(Order.district_code, Order.town, Order.street)
        .having(accounts >= ACCOUNTS_AT_ADDRESS)
        .order_by(accounts.desc(), func.max(Order.id).desc())
        .limit(MOST_ROWS)
        .subquery()
    )
    columns = (Order.number, Order.region, addresses.c.accounts, addresses.c.orders, addresses.c.fen)
    rows = select(*columns).join(addresses, addresses.c.latest == Order.id)
    rows = rows.order_by(addresses.c.accounts.desc(), addresses.c.latest.desc())
    return [Crowd(latest, region, people, orders, int(fen)) for latest, region, people, orders, fen in db.session.execute(rows)]
