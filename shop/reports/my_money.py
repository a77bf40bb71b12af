"""Where the money of all of one's orders went: by village, and by the year in which it was bought. Refunds are taken off the year of their purchase."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, case, cast, extract, func, select

from shop.extensions import columns_of, db, table_of
from shop.kit.ids import UserId
from shop.ledger.models import Attribution
from shop.orders.models import Order
from shop.origin.models import Village

_attribution, _order, _village = columns_of(Attribution), columns_of(Order), columns_of(Village)


@dataclass(frozen=True)
class Sum:
    """What was booked, what of it went back; both nought or more."""

    booked_fen: int = 0
    refunded_fen: int = 0

    @property
    def now_fen(self) -> int:
        """What villages have of it now."""
        return self.booked_fen - self.refunded_fen

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.booked_fen + other.booked_fen, self.refunded_fen + other.refunded_fen)


@dataclass(frozen=True)
class MyVillage:
    """One village, over all years."""

    name: str
    name_en: str
    slug: str
    sum: Sum


@dataclass(frozen=True)
class MyMoney:
    """All of it."""

    orders: int
    """How many orders brought villages money, also those of which all went back."""
    villages: tuple[MyVillage, ...]
    """Those with most of it first."""
    years: tuple[tuple[int, Sum], ...]
    """The latest first."""

    @property
    def total(self) -> Sum:
        """Over all villages, and so over all years."""
        return sum((village.sum for village in self.villages), Sum())


def money_of(buyer_id: UserId) -> MyMoney:
    """Where the money of the buyer's paid orders went. Two statements, however many orders."""
    of_buyer = table_of(Attribution).join(table_of(Order), _order.id == _attribution.order_id)
    year = extract("year", _attribution.sold_on)
    rows = db.session.execute(
        select(
            _village.id,
            _village.name,
            _village.name_en,
            _village.slug,
            year,
            cast(func.sum(case((_attribution.is_refund, 0), else_=_attribution.amount_fen)), BigInteger),
            cast(func.sum(case((_attribution.is_refund, -_attribution.amount_fen), else_=0)), BigInteger),
        )
        .select_from(of_buyer.join(table_of(Village), _village.id == _attribution.village_id))
        .where(_order.buyer_id == buyer_id)
        .group_by(_village.id, _village.name, _village.name_en, _village.slug, year)
    ).all()
    villages: dict[tuple[int, str, str, str], Sum] = {}
    years: dict[int, Sum] = {}
    for *village, in_year, booked_fen, refunded_fen in rows:
        its = Sum(booked_fen, refunded_fen)
        villages[tuple(village)] = villages.get(tuple(village), Sum()) + its
        years[int(in_year)] = years.get(int(in_year), Sum()) + its
    orders = select(func.count(func.distinct(_attribution.order_id))).select_from(of_buyer).where(_order.buyer_id == buyer_id)
    by_sum = sorted(villages.items(), key=lambda row: (-row[1].now_fen, -row[1].booked_fen, row[0][0]))
    return MyMoney(
        orders=int(db.session.scalar(orders) or 0),
        villages=tuple(
            MyVillage(name, name_en, slug, its) for (_, name, name_en, slug), its in by_sum if its.booked_fen or its.refunded_fen
        ),
        years=tuple(sorted(years.items(), reverse=True)),
    )
