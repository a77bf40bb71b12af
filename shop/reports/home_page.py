"""The first page: what the books say this month, what is in season, where the money of one real pack goes, and the villages.

Law: every figure is counted, none is told. Eight statements.
"""

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import BigInteger, Date, Integer, String, bindparam, column, select, text

from shop.extensions import columns_of, db, rows_as
from shop.kit.ids import LotId
from shop.ledger.split import Weighted, step
from shop.origin.bearings import BIJIANG, km_from
from shop.origin.models import Town, Village
from shop.reports.months import Month, Year, year_of_all
from shop.reports.shelves import Card, cards_in_season
from shop.reports.village_page import MapPoint, goods_on_sale
from shop.stock.queries import SourceFacts, sources_of

MOST_IN_SEASON = 8
MOST_HARVESTS = 4


@dataclass(frozen=True)
class Tally:
    """The figures under the picture."""

    year: Year
    """What was booked to villages, month by month, this one last."""
    villages: int
    villages_with_goods: int
    """Whose harvest is in a lot on sale."""
    towns_with_goods: int
    lots_on_sale: int

    @property
    def now(self) -> Month:
        """The month that runs."""
        return self.year.months[-1]


@dataclass(frozen=True, slots=True)
class NewHarvest:
    """The last lot that came in of a product and is on sale."""

    code: str
    harvested_on: date
    product: str
    product_en: str
    illustration: str
    cover: str
    glyph: str
    tint: str
    produced_grams: int
    village: str
    village_en: str
    villages: int
    """How many brought something to it."""


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
    harvests: tuple[NewHarvest, ...]
    """The latest first."""
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
        harvests=_harvests(today),
        example=_example(today),
        towns=_towns(today),
    )


_TALLY = text(
    """
with on_sale as (select l.id, l.source_version from lots l join products p on p.id = l.product_id
    where p.status = 'published' and l.best_before >= :today and l.recalled_at is null
      and exists (select 1 from stock_items i where i.lot_id = l.id and i.packed > i.held + i.sold + i.written_off)),
 origin as (select distinct v.id, v.town_id from on_sale
    join lot_sources x on x.lot_id = on_sale.id and x.version = on_sale.source_version join villages v on v.id = x.village_id)
select (select count(*) from villages), (select count(*) from origin), (select count(distinct town_id) from origin), (select count(*) from on_sale)"""
).bindparams(bindparam("today", type_=Date))


def _tally(today: date) -> Tally:
    villages, with_goods, towns, lots = db.session.execute(_TALLY, {"today": today}).one()
    return Tally(year_of_all(today=today), villages=villages, villages_with_goods=with_goods, towns_with_goods=towns, lots_on_sale=lots)


_HARVESTS = (
    text(
        """
select l.code, l.harvested_on, p.name, p.name_en, coalesce(p.illustration, ''), p.cover, p.glyph, c.tint, l.produced_grams, v.name, v.name_en,
       (select count(*) from lot_sources x where x.lot_id = l.id and x.version = l.source_version)
  from (select l.id, row_number() over (partition by l.product_id order by l.harvested_on desc, l.id desc) as place
          from lots l where l.best_before >= :today and l.recalled_at is null and l.harvested_on <= :today
           and exists (select 1 from stock_items i where i.lot_id = l.id and i.packed > i.held + i.sold + i.written_off)) as latest
  join lots l on l.id = latest.id
  join products p on p.id = l.product_id
  join categories c on c.id = p.category_id
  join villages v on v.id = p.village_id
 where latest.place = 1 and p.status = 'published'
 order by l.harvested_on desc, l.id desc
 limit :most"""
    )
    .bindparams(bindparam("today", type_=Date))
    .columns(
        *(column("code", String), column("harvested_on", Date), column("product", String), column("product_en", String)),
        *(
            column("illustration", String),
            column("cover", String),
            column("glyph", String),
            column("tint", String),
            column("produced_grams", BigInteger),
        ),
        *(column("village", String), column("village_en", String), column("villages", Integer)),
    )
)


def _harvests(today: date) -> tuple[NewHarvest, ...]:
    return tuple(rows_as(NewHarvest, db.session.execute(_HARVESTS, {"today": today, "most": MOST_HARVESTS})))


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
