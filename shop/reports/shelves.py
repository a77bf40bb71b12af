"""The shelves: products found by words, shelf, village and cooperative, with price and stock; what stands where, and how much of it.

Law: two statements whatever is asked and however much is found: the facets with the total, then one page of cards. Their texts depend on which conditions
are set, not on what they say, so there are few of them and they are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Date, TextClause, bindparam, text

from shop.catalog.measures import UnitPrice, unit_price
from shop.catalog.models import NetUnit
from shop.catalog.seasons import is_in_season
from shop.extensions import db
from shop.kit.ids import CooperativeId, ProductId
from shop.kit.text import search_patterns

PER_PAGE = 24
LONGEST_QUERY = 60
"""Characters of what somebody typed; the rest is cut."""
MOST_CHOSEN = 30
"""Values of one facet that are listened to."""
MOST_CARDS = 200
"""Of one cooperative; more than any has."""


NOTHING_SOUGHT = -1
"""For what was typed and holds no word at all, such as `%_`: it finds nothing, rather than everything."""


class Sort(StrEnum):
    """Order of the shelves, as the address says it."""

    BEST = "best"
    """Goods before gaps, what is in season first, then shelf by shelf."""
    CHEAP = "price"
    DEAR = "-price"
    NEW = "new"


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for. Facets hold slugs: one of each that is set must fit."""

    words: str = ""
    categories: tuple[str, ...] = ()
    villages: tuple[str, ...] = ()
    cooperatives: tuple[str, ...] = ()
    sort: Sort = Sort.BEST
    page: int = 1


@dataclass(frozen=True, slots=True)
class Card:
    """One product as the shelf shows it: its first pack and what is left of all packs."""

    product_id: ProductId
    slug: str
    name: str
    pack: str
    unit_word: str
    packs: int
    """How many packs there are to choose from."""
    price_fen: int
    unit_price: UnitPrice
    village: str
    town: str
    illustration: str
    cover: str
    """The name of its first photograph's picture; empty: the illustration stands."""
    glyph: str
    tint: str
    first_harvest_month: int | None
    last_harvest_month: int | None
    is_in_season: bool
    free_units: int


@dataclass(frozen=True)
class FacetRow:
    """One way to narrow the shelves, with how many would be left of what the other facets leave."""

    slug: str
    name: str
    count: int


@dataclass(frozen=True)
class Shelves:
    """One page of what was found."""

    cards: tuple[Card, ...]
    total: int
    page: int
    pages: int
    categories: tuple[FacetRow, ...]
    villages: tuple[FacetRow, ...]
    cooperatives: tuple[FacetRow, ...]

    @property
    def village_count(self) -> int:
        """How many villages have something among them."""
        return sum(row.count > 0 for row in self.villages)


def shelves(wanted: Wanted, *, today: date, english: bool) -> Shelves:
    """What is found on the business day `today`. Names come in one language; a page beyond the last one is the last one."""
    patterns = search_patterns(wanted.words[:LONGEST_QUERY])
    sought = len(patterns) if patterns or not wanted.words.strip() else NOTHING_SOUGHT
    chosen = {
        "categories": wanted.categories[:MOST_CHOSEN],
        "villages": wanted.villages[:MOST_CHOSEN],
        "cooperatives": wanted.cooperatives[:MOST_CHOSEN],
    }
    shape = (sought, *(bool(slugs) for slugs in chosen.values()), english)
    given: dict[str, object] = {f"p{number}": pattern for number, pattern in enumerate(patterns)}
    given |= {name: list(slugs) for name, slugs in chosen.items() if slugs}

    facets: dict[str, list[FacetRow]] = {"category": [], "village": [], "cooperative": [], "total": []}
    for facet, slug, name, count in db.session.execute(_facets(*shape), given):
        facets[facet].append(FacetRow(slug, name, count))
    total = facets["total"][0].count
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(1, wanted.page), pages)
    cards: tuple[Card, ...] = ()
    if total:
        given |= {"today": today, "month": today.month, "most": PER_PAGE, "skipped": (page - 1) * PER_PAGE}
        rows = db.session.execute(_page(*shape, wanted.sort), given)
        cards = tuple(_card(row, today.month) for row in rows)
    return Shelves(
        cards=cards,
        total=total,
        page=page,
        pages=pages,
        categories=_worth_showing(facets["category"], chosen["categories"]),
        villages=_worth_showing(facets["village"], chosen["villages"]),
        cooperatives=_worth_showing(facets["cooperative"], chosen["cooperatives"]),
    )


def cards_of(product_ids: Sequence[ProductId], *, today: date, english: bool) -> tuple[Card, ...]:
    """The cards of these products, in the order of the shelves; those not on the shelves are left out. One statement."""
    if not product_ids:
        return ()
    given = {"ids": list(product_ids), "today": today, "month": today.month, "most": len(product_ids), "skipped": 0}
    return tuple(_card(row, today.month) for row in db.session.execute(_page_of_ids(english), given))


def cards_of_cooperative(cooperative_id: CooperativeId, *, today: date, english: bool) -> tuple[Card, ...]:
    """Everything a cooperative has on the shelves. One statement."""
    given = {"cooperative": cooperative_id, "today": today, "month": today.month, "most": MOST_CARDS, "skipped": 0}
    return tuple(_card(row, today.month) for row in db.session.execute(_page_of_cooperative(english), given))


def cards_in_season(most: int, *, today: date, english: bool) -> tuple[Card, ...]:
    """What is harvested this month and to be had today, at most `most`. One statement."""
    given = {"today": today, "month": today.month, "most": most, "skipped": 0}
    return tuple(_card(row, today.month) for row in db.session.execute(_page_in_season(english), given))


def _card(row: Sequence[Any], month: int) -> Card:  # the columns of a text are of no known type
    (id_, slug, name, pack, unit_word, packs, price_fen, net_value, net_unit, village, town, illustration, cover, glyph, tint, *rest) = row
    first, last, free = rest
    return Card(
        product_id=ProductId(id_),
        slug=slug,
        name=name,
        pack=pack,
        unit_word=unit_word,
        packs=packs,
        price_fen=price_fen,
        unit_price=unit_price(price_fen, net_value, _UNITS[net_unit]),
        village=village,
        town=town,
        illustration=illustration or "",
        cover=cover,
        glyph=glyph,
        tint=tint,
        first_harvest_month=first,
        last_harvest_month=last,
        is_in_season=is_in_season(first, last, month),
        free_units=free,
    )


_UNITS = {unit.value: unit for unit in NetUnit}


def _worth_showing(rows: list[FacetRow], chosen: tuple[str, ...]) -> tuple[FacetRow, ...]:
    return tuple(row for row in rows if row.count or row.slug in chosen)


# ── The statements ────────────────────────────────────────────────────────────────────────────────────────────────────

_PRODUCTS = """
  from products p
  join categories c on c.id = p.category_id
  join villages v on v.id = p.village_id
  join cooperatives k on k.id = p.cooperative_id"""

_FIRST_PACK = """
  join skus s on s.id = (select f.id from skus f where f.product_id = p.id and f.is_offered order by f.position, f.id limit 1)"""

_ON_THE_SHELVES = """
 where p.status = 'published' and exists (select 1 from skus o where o.product_id = p.id and o.is_offered)"""

_HAS_GOODS = """exists (select 1 from skus o join stock_items i on i.sku_id = o.id join lots l on l.id = i.lot_id
    where o.product_id = p.id and o.is_offered and l.best_before >= :today and l.recalled_at is null and i.packed > i.held + i.sold + i.written_off)"""

_IN_SEASON = """(case when p.first_harvest_month is null then 0
    when p.first_harvest_month <= p.last_harvest_month then case when :month between p.first_harvest_month and p.last_harvest_month then 1 else 0 end
    when :month >= p.first_harvest_month or :month <= p.last_harvest_month then 1 else 0 end)"""

_ORDERS = {
    Sort.BEST: f"case when {_HAS_GOODS} then 0 else 1 end, {_IN_SEASON} desc, c.position, p.id",
    Sort.CHEAP: "s.price_fen, p.id",
    Sort.DEAR: "s.price_fen desc, p.id",
    Sort.NEW: "p.published_at desc, p.id desc",
}


@lru_cache(maxsize=256)
def _facets(patterns: int, by_category: bool, by_village: bool, by_cooperative: bool, english: bool) -> TextClause:
    """Of each facet its rows with what the *other* facets leave, and the total; nothing found is nought, not missing."""
    name = "name_en" if english else "name"
    short_name = "name_en" if english else "short_name"
    return _text(
        f"""
with m as (select p.id, p.category_id, p.village_id, p.cooperative_id,
    {_chosen("c", "categories", by_category)} as c_fits, {_chosen("v", "villages", by_village)} as v_fits,
    {_chosen("k", "cooperatives", by_cooperative)} as k_fits
    {_PRODUCTS}{_ON_THE_SHELVES}{_finds(patterns)})
select facet, slug, name, found from (
select 1 as block, 'category' as facet, c.slug, c.{name} as name, c.position as place, count(m.id) as found
  from categories c left join m on m.category_id = c.id and v_fits and k_fits group by c.id, c.slug, c.{name}, c.position
union all select 2, 'village', v.slug, v.{name}, v.id, count(m.id)
  from villages v left join m on m.village_id = v.id and c_fits and k_fits group by v.id, v.slug, v.{name}
union all select 3, 'cooperative', k.slug, k.{short_name}, k.id, count(m.id)
  from cooperatives k left join m on m.cooperative_id = k.id and c_fits and v_fits group by k.id, k.slug, k.{short_name}
union all select 4, 'total', '', '', 0, count(m.id) from m where c_fits and v_fits and k_fits) as facets
order by block, place""",
        by_category,
        by_village,
        by_cooperative,
    )


@lru_cache(maxsize=1024)
def _page(patterns: int, by_category: bool, by_village: bool, by_cooperative: bool, english: bool, sort: Sort) -> TextClause:
    where = _finds(patterns) + "".join(
        f" and {_chosen(table, name, True)}"
        for table, name, is_set in (("c", "categories", by_category), ("v", "villages", by_village), ("k", "cooperatives", by_cooperative))
        if is_set
    )
    return _text(_cards_sql(where, _ORDERS[sort], english), by_category, by_village, by_cooperative, dated=True)


@lru_cache(maxsize=2)
def _page_of_ids(english: bool) -> TextClause:
    statement = _text(_cards_sql(" and p.id in :ids", _ORDERS[Sort.BEST], english), dated=True)
    return statement.bindparams(bindparam("ids", expanding=True))


@lru_cache(maxsize=2)
def _page_of_cooperative(english: bool) -> TextClause:
    return _text(_cards_sql(" and p.cooperative_id = :cooperative", _ORDERS[Sort.BEST], english), dated=True)


@lru_cache(maxsize=2)
def _page_in_season(english: bool) -> TextClause:
    return _text(_cards_sql(f" and {_IN_SEASON} = 1 and {_HAS_GOODS}", "c.position, p.id", english), dated=True)


def _cards_sql(where: str, order: str, english: bool) -> str:
    """First the products of the page, then what only they need: their stock is not summed for the whole catalogue."""
    name, pack, town = ("name_en", "pack_en", "name_en") if english else ("name", "pack", "short_name")
    return f"""
with found as (select p.id as product_id, s.id as sku_id, row_number() over (order by {order}) as place
    {_PRODUCTS}{_FIRST_PACK}{_ON_THE_SHELVES}{where}
    order by place limit :most offset :skipped)
select p.id, p.slug, p.{name}, s.{pack}, s.unit_word, (select count(*) from skus o where o.product_id = p.id and o.is_offered),
       s.price_fen, s.net_value, s.net_unit, v.{name}, t.{town}, p.illustration, p.cover, p.glyph, c.tint, p.first_harvest_month, p.last_harvest_month,
       (select cast(coalesce(sum(i.packed - i.held - i.sold - i.written_off), 0) as integer)
          from skus o join stock_items i on i.sku_id = o.id join lots l on l.id = i.lot_id
         where o.product_id = p.id and o.is_offered and l.best_before >= :today and l.recalled_at is null)
  from found
  join products p on p.id = found.product_id
  join skus s on s.id = found.sku_id
  join categories c on c.id = p.category_id
  join villages v on v.id = p.village_id
  join towns t on t.id = v.town_id
 order by found.place"""


def _chosen(table: str, name: str, is_set: bool) -> str:
    return f"({table}.slug in :{name})" if is_set else "true"


def _finds(patterns: int) -> str:
    """Conditions that every token is found; the backslash escapes what `LIKE` would read (`kit.text.search_patterns`)."""
    if patterns == NOTHING_SOUGHT:
        return " and false"
    return "".join(rf" and p.search_text like :p{number} escape '\'" for number in range(patterns))


def _text(sql: str, by_category: bool = False, by_village: bool = False, by_cooperative: bool = False, dated: bool = False) -> TextClause:
    lists = (("categories", by_category), ("villages", by_village), ("cooperatives", by_cooperative))
    parameters: list[BindParameter[Any]] = [bindparam(name, expanding=True) for name, is_set in lists if is_set]
    if dated:
        parameters.append(bindparam("today", type_=Date))
    return text(sql).bindparams(*parameters)
