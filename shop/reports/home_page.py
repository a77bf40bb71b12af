"""The first page: what the books say this month, what is in season, where the money of one real pack goes, and the villages.

Law: every figure is counted, none is told. Six statements.
"""

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import distinct, func, select

from shop.catalog.models import Product, ProductStatus, Sku
from shop.extensions import db
from shop.kit.ids import LotId
from shop.ledger.models import Attribution
from shop.ledger.split import Weighted, step
from shop.origin.bearings import BIJIANG, km_from
from shop.origin.models import Town, Village
from shop.reports.months import gross_and_refunds
from shop.reports.shelves import Card, cards_in_season
from shop.reports.village_page import MapPoint, goods_on_sale
from shop.stock.models import Lot, LotSource, StockItem
from shop.stock.queries import FREE, SourceFacts, sources_of

MOST_IN_SEASON = 8


@dataclass(frozen=True)
class Tally:
    """The figures under the picture."""

    month: int
    gross_fen: int
    """Booked to villages this month."""
    refunds_fen: int
    villages: int
    villages_with_goods: int
    """Whose harvest is in a lot on sale."""
    towns_with_goods: int
    lots_on_sale: int

    @property
    def net_fen(self) -> int:
        """Gross less refunds."""
        return self.gross_fen - self.refunds_fen


@dataclass(frozen=True)
class ExampleLot:
    """A real lot on sale, and what selling one pack of it now would book."""

    code: str
    harvested_on: date
    product_slug: str
    product: str
    product_en: str
    pack: str
    pack_en: str
    unit_word: str
    price_fen: int
    sources: tuple[SourceFacts, ...]
    shares_fen: tuple[int, ...]

    @property
    def shares(self) -> tuple[tuple[SourceFacts, int], ...]:
        """Each village with its fen."""
        return tuple(zip(self.sources, self.shares_fen, strict=True))


@dataclass(frozen=True)
class VillageLine:
    """A village in the list, with what of it can be bought."""

    slug: str
    name: str
    name_en: str
    goods: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TownLines:
    """A town with its villages."""

    name: str
    name_en: str
    east_km: float | None
    north_km: float | None
    villages: tuple[VillageLine, ...]


@dataclass(frozen=True)
class HomePage:
    """Everything the page shows."""

    tally: Tally
    in_season: tuple[Card, ...]
    example: ExampleLot | None
    towns: tuple[TownLines, ...]

    @property
    def points(self) -> tuple[MapPoint, ...]:
        """The towns that have coordinates, on the schematic."""
        return tuple(MapPoint(t.name, t.name_en, 0, t.east_km, t.north_km, False) for t in self.towns if t.east_km is not None)


def home_page(*, today: date, english: bool) -> HomePage:
    """The page on the business day `today`."""
    return HomePage(
        tally=_tally(today),
        in_season=cards_in_season(MOST_IN_SEASON, today=today, english=english),
        example=_example(today),
        towns=_towns(today),
    )


def _tally(today: date) -> Tally:
    gross, refunds = gross_and_refunds()
    month = select(gross, refunds).where(Attribution.business_day >= today.replace(day=1), Attribution.business_day <= today).subquery()
    on_sale = (
        select(Lot.id, Lot.source_version)
        .join(Product, Product.id == Lot.product_id)
        .where(Product.status == ProductStatus.PUBLISHED, Lot.best_before >= today, Lot.recalled_at.is_(None))
        .where(select(StockItem.id).where(StockItem.lot_id == Lot.id, FREE > 0).exists())
        .cte("on_sale")
    )
    origin = (
        select(func.count(distinct(Village.id)).label("villages"), func.count(distinct(Village.town_id)).label("towns"))
        .join(LotSource, LotSource.village_id == Village.id)
        .join(on_sale, (on_sale.c.id == LotSource.lot_id) & (on_sale.c.source_version == LotSource.version))
        .subquery()
    )
    lots, villages = (select(func.count()).select_from(table).scalar_subquery() for table in (on_sale, Village))
    row = db.session.execute(select(month, villages, origin.c.villages, origin.c.towns, lots)).one()
    return Tally(
        month=today.month,
        gross_fen=int(row[0]),
        refunds_fen=int(row[1]),
        villages=row[2],
        villages_with_goods=row[3],
        towns_with_goods=row[4],
        lots_on_sale=row[5],
    )


def _example(today: date) -> ExampleLot | None:
    """Of the lots on sale the one with most villages, since it shows best how money is shared; of those the one that has sold most."""
    villages = (
        select(func.count()).where(LotSource.lot_id == Lot.id, LotSource.version == Lot.source_version).correlate(Lot).scalar_subquery()
    )
    query = (
        select(
            Lot.id,
            Lot.code,
            Lot.harvested_on,
            Lot.gross_fen,
            Product.slug,
            Product.name,
            Product.name_en,
            Sku.pack,
            Sku.pack_en,
            Sku.unit_word,
            Sku.price_fen,
        )
        .join(Product, Product.id == Lot.product_id)
        .join(StockItem, StockItem.lot_id == Lot.id)
        .join(Sku, Sku.id == StockItem.sku_id)
        .where(Product.status == ProductStatus.PUBLISHED, Sku.is_offered, Lot.best_before >= today, Lot.recalled_at.is_(None), FREE > 0)
        .order_by(villages.desc(), Lot.gross_fen.desc(), Lot.id, Sku.position, Sku.id)
        .limit(1)
    )
    lot = db.session.execute(query).one_or_none()
    if lot is None:
        return None
    sources = sources_of([LotId(lot.id)])[LotId(lot.id)]
    weights = [Weighted(source.village_code, source.village_id, source.grams) for source in sources]
    return ExampleLot(
        code=lot.code,
        harvested_on=lot.harvested_on,
        product_slug=lot.slug,
        product=lot.name,
        product_en=lot.name_en,
        pack=lot.pack,
        pack_en=lot.pack_en,
        unit_word=lot.unit_word,
        price_fen=lot.price_fen,
        sources=sources,
        shares_fen=step(lot.gross_fen + lot.price_fen, lot.price_fen, weights),
    )


def _towns(today: date) -> tuple[TownLines, ...]:
    goods = goods_on_sale(today)
    columns = (
        Village.id,
        Village.slug,
        Village.name,
        Village.name_en,
        Town.id,
        Town.short_name,
        Town.name_en,
        Town.latitude,
        Town.longitude,
    )
    query = select(*columns).join(Town, Town.id == Village.town_id).order_by(Town.code, Town.id, Village.code, Village.id)
    towns: dict[int, TownLines] = {}
    for id_, slug, name, name_en, town_id, town, town_en, latitude, longitude in db.session.execute(query):
        if town_id not in towns:
            east_km, north_km = (None, None) if latitude is None or longitude is None else km_from(BIJIANG, latitude, longitude)
            towns[town_id] = TownLines(town, town_en, east_km, north_km, ())
        line = VillageLine(slug, name, name_en, tuple(goods.get(id_, ())))
        towns[town_id] = replace(towns[town_id], villages=(*towns[town_id].villages, line))
    return tuple(towns.values())
