"""The first page: what the books say this month, what is in season, where the money of one real pack goes, and the villages.

Law: every figure is counted, none is told. Six statements.
"""

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import BigInteger, Date, Integer, String, bindparam, column, select, text

from shop.extensions import columns_of, db
from shop.kit.ids import LotId
from shop.ledger.split import Weighted, step
from shop.origin.bearings import BIJIANG, km_from
from shop.origin.models import Town, Village
from shop.reports.rollups import GRAINS
from shop.reports.shelves import Card, cards_in_season
from shop.reports.village_page import MapPoint, goods_on_sale
from shop.stock.queries import SourceFacts, sources_of

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


_TALLY = text(
    """
with on_sale as (select l.id, l.source_version from lots l join products p on p.id = l.product_id
    where p.status = 'published' and l.best_before >= :today and l.recalled_at is null
      and exists (select 1 from stock_items i where i.lot_id = l.id and i.packed > i.held + i.sold + i.written_off)),
 origin as (select distinct v.id, v.town_id from on_sale
    join lot_sources x on x.lot_id = on_sale.id and x.version = on_sale.source_version join villages v on v.id = x.village_id),
 booked as (select posted_gross_fen as gross, posted_refunds_fen as refunds from rollup_goods where grain = :grain and day between :first and :today
    union all select case when is_refund then 0 else amount_fen end, case when is_refund then -amount_fen else 0 end
      from ledger_unfolded q join attributions a on a.entry_id = q.entry_id where a.business_day between :first and :today),
 month as (select cast(coalesce(sum(gross), 0) as bigint) as gross, cast(coalesce(sum(refunds), 0) as bigint) as refunds from booked)
select month.gross, month.refunds, (select count(*) from villages), (select count(*) from origin), (select count(distinct town_id) from origin),
       (select count(*) from on_sale) from month"""
).bindparams(bindparam("today", type_=Date), bindparam("first", type_=Date))


def _tally(today: date) -> Tally:
    days = {"today": today, "first": today.replace(day=1)}
    gross, refunds, villages, with_goods, towns, lots = db.session.execute(_TALLY, days | {"grain": GRAINS[0].number}).one()
    return Tally(
        month=today.month,
        gross_fen=int(gross),
        refunds_fen=int(refunds),
        villages=villages,
        villages_with_goods=with_goods,
        towns_with_goods=towns,
        lots_on_sale=lots,
    )


_EXAMPLE = (
    text(
        """
select l.id, l.code, l.harvested_on, l.gross_fen, p.slug, p.name, p.name_en, s.pack, s.pack_en, s.unit_word, s.price_fen
  from lots l
  join products p on p.id = l.product_id
  join stock_items i on i.lot_id = l.id
  join skus s on s.id = i.sku_id
  join (select lot_id, version, count(*) as villages from lot_sources group by lot_id, version) x on x.lot_id = l.id and x.version = l.source_version
 where p.status = 'published' and s.is_offered and l.best_before >= :today and l.recalled_at is null
   and i.packed > i.held + i.sold + i.written_off
 order by x.villages desc, l.gross_fen desc, l.id, s.position, s.id
 limit 1"""
    )
    .bindparams(bindparam("today", type_=Date))
    .columns(
        column("id", BigInteger),
        column("code", String),
        column("harvested_on", Date),
        column("gross_fen", BigInteger),
        column("slug", String),
        column("name", String),
        column("name_en", String),
        column("pack", String),
        column("pack_en", String),
        column("unit_word", String),
        column("price_fen", Integer),
    )
)


def _example(today: date) -> ExampleLot | None:
    """Of the lots on sale the one with most villages, since it shows best how money is shared; of those the one that has sold most."""
    lot = db.session.execute(_EXAMPLE, {"today": today}).one_or_none()
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


_village, _town = columns_of(Village), columns_of(Town)
_VILLAGES = (
    select(
        _village.id,
        _village.slug,
        _village.name,
        _village.name_en,
        _town.id,
        _town.short_name,
        _town.name_en,
        _town.latitude,
        _town.longitude,
    )
    .join_from(Village.__table__, Town.__table__, _town.id == _village.town_id)
    .order_by(_town.code, _town.id, _village.code, _village.id)
)


def _towns(today: date) -> tuple[TownLines, ...]:
    goods = goods_on_sale(today)
    towns: dict[int, TownLines] = {}
    for id_, slug, name, name_en, town_id, town, town_en, latitude, longitude in db.session.execute(_VILLAGES):
        if town_id not in towns:
            east_km, north_km = (None, None) if latitude is None or longitude is None else km_from(BIJIANG, latitude, longitude)
            towns[town_id] = TownLines(town, town_en, east_km, north_km, ())
        line = VillageLine(slug, name, name_en, tuple(goods.get(id_, ())))
        towns[town_id] = replace(towns[town_id], villages=(*towns[town_id].villages, line))
    return tuple(towns.values())
