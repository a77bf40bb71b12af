"""The shelves: products found by words, shelf, village, cooperative, season, price, stock and marks; what stands where, and how much of it.

Law: four statements whatever is asked and however much is found: the edition (`reports.editions`), what is left of every product, the facets with the
total, then one page of cards. The last two follow from the edition and from which products are left, and are known until that changes. Their texts depend on
which conditions are set, not on what they say, so there are few of them and they are kept. A facet's count is what choosing it would leave of what the *other*
facets leave.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Date, TextClause, bindparam, text

from shop.catalog.measures import UnitPrice, unit_price
from shop.catalog.models import NetUnit
from shop.catalog.seasons import is_in_season
from shop.catalog.words import BAR
from shop.extensions import db
from shop.kit.ids import CooperativeId, ProductId, VillageId
from shop.kit.text import search_patterns
from shop.reports.editions import this_edition

PER_PAGE = 24
LONGEST_QUERY = 60
"""Characters of what somebody typed; the rest is cut."""
MOST_CHOSEN = 30
"""Values of one facet that are listened to."""
MOST_NEARBY = 4
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


ALL_YEAR = "all-year"
SEASONS = (*(str(month) for month in range(1, 13)), ALL_YEAR)
"""Harvested in that month, or made whenever there is something to make it of."""
BOUNDS_FEN = (20_00, 50_00, 100_00)
PRICES = ("under-20", "20-50", "50-100", "over-100")
"""Bands of the first pack's price in yuan, the lower bound inclusive."""
IN_STOCK = "in"
ACCREDITED = "accredited"
MARKS = (ACCREDITED,)
"""Recognised by an authority, with a number and in force today (`papers.accreditations`)."""


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for. Facets hold slugs: one of each that is set must fit."""

    words: str = ""
    categories: tuple[str, ...] = ()
    villages: tuple[str, ...] = ()
    cooperatives: tuple[str, ...] = ()
    seasons: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    stocks: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
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


@dataclass(frozen=True, slots=True)
class Seen:
    """A product in as few words as will do to find it again."""

    slug: str
    name: str
    village: str
    illustration: str
    cover: str
    glyph: str
    tint: str


@dataclass(frozen=True)
class FacetRow:
    """One way to narrow the shelves, with how many would be left of what the other facets leave."""

    slug: str
    name: str
    """Empty where the page knows the words: months, prices, stock and marks."""
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
    seasons: tuple[FacetRow, ...]
    prices: tuple[FacetRow, ...]
    stocks: tuple[FacetRow, ...]
    marks: tuple[FacetRow, ...]

    @property
    def village_count(self) -> int:
        """How many villages have something among them."""
        return sum(row.count > 0 for row in self.villages)


@dataclass(frozen=True)
class _Shape:
    """Which conditions are set: all that the text of a statement depends on."""

    patterns: int
    categories: bool
    villages: bool
    cooperatives: bool
    months: int
    """How many are chosen; whether all-year goods are, says the next."""
    all_year: bool
    prices: bool
    stocks: bool
    marks: bool
    english: bool


def shelves(wanted: Wanted, *, today: date, english: bool) -> Shelves:
    """What is found on the business day `today`. Names come in one language; a page beyond the last one is the last one."""
    edition, left = this_edition(), units_left(today)
    found = edition.known(_found, wanted, today, english, goods=tuple(left))
    return replace(found, cards=tuple(_with_units(card, left) for card in found.cards))


def _found(wanted: Wanted, today: date, english: bool, *, goods: tuple[int, ...]) -> Shelves:
    """The same while `goods` are the products of which something is left; the cards' own units are nobody's business here."""
    shape, given = _read(wanted, today, english, goods)
    facets: dict[str, list[FacetRow]] = {
        name: [] for name in ("category", "village", "cooperative", "season", "price", "stock", "mark", "total")
    }
    for facet, slug, name, place, count in db.session.execute(_facets(shape), given):
        facets[facet].append(FacetRow(_FIXED[facet][place] if facet in _FIXED else slug, name, count))
    total = facets["total"][0].count
    pages = max(1, -(-total // PER_PAGE))
    page = min(max(1, wanted.page), pages)
    cards: tuple[Card, ...] = ()
    if total:
        rows = db.session.execute(_page(shape, wanted.sort), given | {"most": PER_PAGE, "skipped": (page - 1) * PER_PAGE})
        cards = tuple(_card(row, today.month) for row in rows)
    return Shelves(
        cards=cards,
        total=total,
        page=page,
        pages=pages,
        categories=_worth_showing(facets["category"], wanted.categories),
        villages=_worth_showing(facets["village"], wanted.villages),
        cooperatives=_worth_showing(facets["cooperative"], wanted.cooperatives),
        seasons=_worth_showing(facets["season"], wanted.seasons),
        prices=_worth_showing(facets["price"], wanted.prices),
        stocks=_worth_showing(facets["stock"], wanted.stocks),
        marks=_worth_showing(facets["mark"], wanted.marks),
    )


_FIXED: dict[str, tuple[str, ...]] = {"season": SEASONS, "price": PRICES, "stock": (IN_STOCK,), "mark": MARKS, "total": ("",)}


def _read(wanted: Wanted, today: date, english: bool, goods: tuple[int, ...]) -> tuple[_Shape, dict[str, object]]:
    """The shape of a question, and its parameters."""
    patterns = search_patterns(wanted.words[:LONGEST_QUERY])
    given: dict[str, object] = {f"p{number}": pattern for number, pattern in enumerate(patterns)}
    given |= {"today": today, "month": today.month, "goods": list(goods)}
    for name in ("categories", "villages", "cooperatives"):
        if slugs := getattr(wanted, name)[:MOST_CHOSEN]:
            given[name] = list(slugs)
    if prices := [PRICES.index(price) for price in wanted.prices if price in PRICES]:
        given["prices"] = prices
    months = [int(season) for season in dict.fromkeys(wanted.seasons) if season in SEASONS and season != ALL_YEAR]
    given |= {f"m{number}": month for number, month in enumerate(months)}
    shape = _Shape(
        patterns=len(patterns) if patterns or not wanted.words.strip() else NOTHING_SOUGHT,
        categories="categories" in given,
        villages="villages" in given,
        cooperatives="cooperatives" in given,
        months=len(months),
        all_year=ALL_YEAR in wanted.seasons,
        prices="prices" in given,
        stocks=IN_STOCK in wanted.stocks,
        marks=ACCREDITED in wanted.marks,
        english=english,
    )
    return shape, given


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


def cards_nearby(village_id: VillageId, but: ProductId, *, today: date, english: bool) -> tuple[Card, ...]:
    """What else is known to come from a village, what is in season first. One statement."""
    given = {"village": village_id, "but": but, "today": today, "month": today.month, "most": MOST_CARDS, "skipped": 0}
    return tuple(_card(row, today.month) for row in db.session.execute(_page_nearby(english), given))


def with_goods_first(cards: Sequence[Card], *, today: date) -> tuple[Card, ...]:
    """The same cards with what is left of them now, and those with nothing behind the others. One statement, none for none."""
    if not cards:
        return ()
    ids = [card.product_id for card in cards]
    left = _units(db.session.execute(_LEFT_OF, {"today": today, "ids": ids}))
    return tuple(sorted((_with_units(card, left) for card in cards), key=lambda card: card.free_units <= 0))


def units_left(today: date) -> dict[int, int]:
    """By product, how many units of the packs on offer can be bought on the business day `today`; of those that have any. One statement."""
    return _units(db.session.execute(_LEFT, {"today": today}))


def _units(rows: Iterable[Sequence[int]]) -> dict[int, int]:
    return {product_id: units for product_id, units in rows}  # noqa: C416  # `dict(rows)` does not know that a row is a pair


def _with_units(card: Card, left: Mapping[int, int]) -> Card:
    units = left.get(card.product_id, 0)
    return card if card.free_units == units else replace(card, free_units=units)


def cards_in_season(most: int, *, today: date, english: bool) -> tuple[Card, ...]:
    """What is harvested this month and to be had today, at most `most`. One statement."""
    given = {"today": today, "month": today.month, "most": most, "skipped": 0}
    return tuple(_card(row, today.month) for row in db.session.execute(_page_in_season(english), given))


def seen_products(product_ids: Sequence[ProductId], *, english: bool) -> tuple[Seen, ...]:
    """These products in this order; those not on the shelves are left out. One statement, none for none."""
    if not product_ids:
        return ()
    found = {id_: Seen(*rest) for id_, *rest in db.session.execute(_seen(english), {"ids": list(product_ids)})}
    return tuple(found[id_] for id_ in product_ids if id_ in found)


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

_PUBLISHED = """
 where p.status = 'published'"""

_HAS_GOODS = """exists (select 1 from skus o join stock_items i on i.sku_id = o.id join lots l on l.id = i.lot_id
    where o.product_id = p.id and o.is_offered and l.best_before >= :today and l.recalled_at is null and i.packed > i.held + i.sold + i.written_off)"""

_LEFT_SQL = """
select o.product_id, cast(sum(i.packed - i.held - i.sold - i.written_off) as integer)
  from stock_items i join lots l on l.id = i.lot_id join skus o on o.id = i.sku_id
 where o.is_offered and l.best_before >= :today and l.recalled_at is null and i.packed > i.held + i.sold + i.written_off{also}
 group by o.product_id order by o.product_id"""
_LEFT = text(_LEFT_SQL.format(also="")).bindparams(bindparam("today", type_=Date))
_LEFT_OF = text(_LEFT_SQL.format(also=" and o.product_id in :ids")).bindparams(
    bindparam("today", type_=Date), bindparam("ids", expanding=True)
)

_IS_LEFT = "p.id in :goods"
"""As `_HAS_GOODS`, for who has asked already."""

_IS_ACCREDITED = """exists (select 1 from accreditations a where a.product_id = p.id and :today between a.first_day and a.last_day
    and (a.withdrawn_on is null or a.withdrawn_on > :today))"""

_BAND = (
    f"(case {' '.join(f'when s.price_fen < {bound} then {place}' for place, bound in enumerate(BOUNDS_FEN))} else {len(BOUNDS_FEN)} end)"
)


def _harvested_in(month: str, table: str = "p") -> str:
    """Whether something is harvested in a month; what has no months is not."""
    first, last = f"{table}.first_harvest_month", f"{table}.last_harvest_month"
    return f"(case when {first} <= {last} then {month} between {first} and {last} else {month} >= {first} or {month} <= {last} end)"


_IN_SEASON = f"(case when p.first_harvest_month is not null and {_harvested_in(':month')} then 1 else 0 end)"

_BEST = f"{_IN_SEASON} desc, c.position, p.id"
_GOODS_FIRST = f"case when {_HAS_GOODS} then 0 else 1 end, {_BEST}"
_ORDERS = {
    Sort.BEST: f"case when {_IS_LEFT} then 0 else 1 end, {_BEST}",
    Sort.CHEAP: "s.price_fen, p.id",
    Sort.DEAR: "s.price_fen desc, p.id",
    Sort.NEW: "p.published_at desc, p.id desc",
}


def _conditions(shape: _Shape) -> dict[str, str]:
    """Of each facet that is set, what a product must be; read over the tables of `_PRODUCTS` and `_FIRST_PACK`."""
    seasons = [f"(p.first_harvest_month is not null and {_harvested_in(f':m{number}')})" for number in range(shape.months)]
    seasons += ["p.first_harvest_month is null"] if shape.all_year else []
    held = {
        "c": ("c.slug in :categories", shape.categories),
        "v": ("v.slug in :villages", shape.villages),
        "k": ("k.slug in :cooperatives", shape.cooperatives),
        "h": (f"({' or '.join(seasons)})", bool(seasons)),
        "b": (f"{_BAND} in :prices", shape.prices),
        "g": (_IS_LEFT, shape.stocks),
        "a": (_IS_ACCREDITED, shape.marks),
    }
    return {name: condition for name, (condition, is_set) in held.items() if is_set}


@lru_cache(maxsize=512)
def _facets(shape: _Shape) -> TextClause:
    """Of each facet its rows with what the *other* facets leave, and the total; nothing found is nought, not missing."""
    name = "name_en" if shape.english else "name"
    short_name = "name_en" if shape.english else "short_name"
    conditions = _conditions(shape)
    flags = "".join(f", {condition} as {name}_fits" for name, condition in conditions.items())

    def others(own: str = "") -> str:
        return "".join(f" and {name}_fits" for name in conditions if name != own)

    months = " union all ".join(f"select {month} as n" for month in range(1, 13))
    bands = " union all ".join(f"select {band} as n" for band in range(len(PRICES)))
    return _text(
        f"""
with m as (select p.id, p.category_id, p.village_id, p.cooperative_id, p.first_harvest_month, p.last_harvest_month,
    {_BAND} as band, {_IS_LEFT} as has_goods, {_IS_ACCREDITED} as is_accredited{flags}
    {_PRODUCTS}{_FIRST_PACK}{_PUBLISHED}{finds_sql(shape.patterns)})
select facet, slug, name, place, found from (
select 1 as block, 'category' as facet, c.slug, c.{name} as name, c.position as place, count(m.id) as found
  from categories c left join m on m.category_id = c.id{others("c")} group by c.id, c.slug, c.{name}, c.position
union all select 2, 'village', v.slug, v.{name}, v.id, count(m.id)
  from villages v left join m on m.village_id = v.id{others("v")} group by v.id, v.slug, v.{name}
union all select 3, 'cooperative', k.slug, k.{short_name}, k.id, count(m.id)
  from cooperatives k left join m on m.cooperative_id = k.id{others("k")} group by k.id, k.slug, k.{short_name}
union all select 4, 'season', '', '', n.n - 1, count(m.id) from ({months}) n
  left join m on m.first_harvest_month is not null and {_harvested_in("n.n", "m")}{others("h")} group by n.n
union all select 4, 'season', '', '', 12, count(m.id) from m where first_harvest_month is null{others("h")}
union all select 5, 'price', '', '', n.n, count(m.id) from ({bands}) n left join m on m.band = n.n{others("b")} group by n.n
union all select 6, 'stock', '', '', 0, count(m.id) from m where has_goods{others("g")}
union all select 7, 'mark', '', '', 0, count(m.id) from m where is_accredited{others("a")}
union all select 8, 'total', '', '', 0, count(m.id) from m where true{others()}) as facets
order by block, place""",
        shape,
    )


@lru_cache(maxsize=1024)
def _page(shape: _Shape, sort: Sort) -> TextClause:
    where = finds_sql(shape.patterns) + "".join(f" and {condition}" for condition in _conditions(shape).values())
    by_name = f"case when {named_sql(shape.patterns)} then 0 else 1 end, " if sort is Sort.BEST and shape.patterns > 0 else ""
    return _text(_cards_sql(where, by_name + _ORDERS[sort], shape.english), shape)


@lru_cache(maxsize=2)
def _page_of_ids(english: bool) -> TextClause:
    statement = _text(_cards_sql(" and p.id in :ids", _GOODS_FIRST, english))
    return statement.bindparams(bindparam("ids", expanding=True))


@lru_cache(maxsize=2)
def _seen(english: bool) -> TextClause:
    name = "name_en" if english else "name"
    return text(
        f"select p.id, p.slug, p.{name}, v.{name}, coalesce(p.illustration, ''), p.cover, p.glyph, c.tint{_PRODUCTS}{_PUBLISHED} and p.id in :ids"
    ).bindparams(bindparam("ids", expanding=True))


@lru_cache(maxsize=2)
def _page_of_cooperative(english: bool) -> TextClause:
    return _text(_cards_sql(" and p.cooperative_id = :cooperative", _GOODS_FIRST, english))


@lru_cache(maxsize=2)
def _page_nearby(english: bool) -> TextClause:
    return _text(_cards_sql(" and p.village_id = :village and p.id <> :but", _BEST, english))


@lru_cache(maxsize=2)
def _page_in_season(english: bool) -> TextClause:
    return _text(_cards_sql(f" and {_IN_SEASON} = 1 and {_HAS_GOODS}", "c.position, p.id", english))


def _cards_sql(where: str, order: str, english: bool) -> str:
    """First the products of the page, then what only they need: their stock is not summed for the whole catalogue."""
    name, pack, town = ("name_en", "pack_en", "name_en") if english else ("name", "pack", "short_name")
    return f"""
with found as (select p.id as product_id, s.id as sku_id, row_number() over (order by {order}) as place
    {_PRODUCTS}{_FIRST_PACK}{_PUBLISHED}{where}
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


def finds_sql(patterns: int) -> str:
    """Conditions over products p that every token is found; the backslash escapes what `LIKE` would read (`kit.text.search_patterns`)."""
    if patterns == NOTHING_SOUGHT:
        return " and false"
    return "".join(rf" and p.search_text like :p{number} escape '\'" for number in range(patterns))


def named_sql(patterns: int) -> str:
    """Whether every token stands in the product's own names: before the bar (`catalog.words.found_text`)."""
    return " and ".join(rf"p.search_text like cast(:p{number} as text) || '%{BAR}%' escape '\'" for number in range(patterns))


def _text(sql: str, shape: _Shape | None = None) -> TextClause:
    parameters: list[BindParameter[Any]] = [bindparam("today", type_=Date)]
    if shape is not None:
        lists = {"categories": shape.categories, "villages": shape.villages, "cooperatives": shape.cooperatives, "prices": shape.prices}
        parameters += [bindparam(name, expanding=True) for name, is_set in lists.items() if is_set]
    if ":goods" in sql:
        parameters.append(bindparam("goods", expanding=True))
    return text(sql).bindparams(*parameters)
