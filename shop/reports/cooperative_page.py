"""A cooperative's page: where it sits, whose harvest it takes, what it sells, which lots, and what was booked to villages through it. Six statements."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from shop.catalog.models import Product, ProductStatus
from shop.extensions import db, rows_as
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId
from shop.origin.models import Cooperative, CooperativeVillage, Town, Village
from shop.papers.permits import PermitFacts, permits_of
from shop.reports.months import Year, year_of_cooperative
from shop.reports.shelves import Card, cards_of_cooperative
from shop.stock.models import Lot, StockItem
from shop.stock.queries import FREE


@dataclass(frozen=True)
class VillageLink:
    """A village whose harvest may go into the cooperative's lots."""

    slug: str
    name: str
    name_en: str
    town: str
    town_en: str
    is_seat: bool


@dataclass(frozen=True)
class LotLink:
    """A lot on sale."""

    code: str
    product: str
    product_en: str
    harvested_on: date
    best_before: date


@dataclass(frozen=True)
class CooperativePage:
    """Everything the page shows."""

    slug: str
    name: str
    name_en: str
    is_sample: bool
    villages: tuple[VillageLink, ...]
    cards: tuple[Card, ...]
    lots: tuple[LotLink, ...]
    year: Year
    permits: tuple[PermitFacts, ...]
    """Everything that was not withdrawn, also what is over."""

    @property
    def seat(self) -> VillageLink | None:
        """The village it sits in."""
        return next((village for village in self.villages if village.is_seat), None)


def cooperative_page(slug: str, *, today: date, english: bool) -> CooperativePage:
    """The page of the cooperative at `slug`. Raises NotFound."""
    columns = (Cooperative.id, Cooperative.slug, Cooperative.name, Cooperative.name_en, Cooperative.is_sample)
    found = db.session.execute(select(*columns).where(Cooperative.slug == slug)).one_or_none()
    if found is None:
        raise NotFound
    cooperative_id = CooperativeId(found.id)
    return CooperativePage(
        slug=found.slug,
        name=found.name,
        name_en=found.name_en,
        is_sample=found.is_sample,
        villages=_villages(cooperative_id),
        cards=cards_of_cooperative(cooperative_id, today=today, english=english),
        lots=_lots_on_sale(cooperative_id, today),
        year=year_of_cooperative(cooperative_id, today=today),
        permits=tuple(permits_of([cooperative_id])),
    )


def _villages(cooperative_id: CooperativeId) -> tuple[VillageLink, ...]:
    is_seat = Cooperative.village_id == Village.id
    query = (
        select(Village.slug, Village.name, Village.name_en, Town.short_name, Town.name_en, is_seat)
        .join(CooperativeVillage, CooperativeVillage.village_id == Village.id)
        .join(Cooperative, Cooperative.id == CooperativeVillage.cooperative_id)
        .join(Town, Town.id == Village.town_id)
        .where(Cooperative.id == cooperative_id)
        .order_by(is_seat.desc(), Village.code, Village.id)
    )
    return tuple(rows_as(VillageLink, db.session.execute(query)))


def _lots_on_sale(cooperative_id: CooperativeId, today: date) -> tuple[LotLink, ...]:
    query = (
        select(Lot.code, Product.name, Product.name_en, Lot.harvested_on, Lot.best_before)
        .join(Product, Product.id == Lot.product_id)
        .join(StockItem, StockItem.lot_id == Lot.id)
        .where(
            Lot.cooperative_id == cooperative_id,
            Lot.best_before >= today,
            Lot.recalled_at.is_(None),
            Product.status == ProductStatus.PUBLISHED,
        )
        .group_by(Lot.id, Lot.code, Product.name, Product.name_en, Lot.harvested_on, Lot.best_before)
        .having(func.sum(FREE) > 0)
        .order_by(Lot.best_before, Lot.id)
    )
    return tuple(rows_as(LotLink, db.session.execute(query)))
