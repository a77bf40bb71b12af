"""What is in a basket, what it would cost to send, and which villages it would pay: the page's view of it before anything is ordered.

Nothing here is a promise. Placing the order reads prices and stock again, under locks, and has the last word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from types import MappingProxyType

from sqlalchemy import bindparam, func, select

from shop.cart.models import Cart, CartLine
from shop.cart.queries import OWNED, CartOwner
from shop.cart.service import MOST_UNITS
from shop.catalog.models import Category, Product, ProductStatus, Sku
from shop.extensions import columns_of, db, row_as, rows_as, table_of
from shop.kit.ids import CartId, CategoryId, CooperativeId, ItemId, LineId, LotId, PickId, SkuId, VillageId
from shop.ledger.attribution import LotTotal, PickedUnits, Source, attribute, fen_by_lot, fen_of_picks
from shop.offers.discounts import Discount, Good, Terms, grant, why_not
from shop.origin.models import Cooperative, Town, Village
from shop.shipping.rules import CannotShip, Parcel, Quote, ServiceKind, Way, arrival, quote, ways_to_send
from shop.shipping.service import Chosen
from shop.shipping.tariffs import Carriage, terms_on
from shop.stock.models import Lot, LotSource, StockItem
from shop.stock.picking import FreeItem, Wanted, pick


@dataclass(frozen=True)
class BasketRow:
    """One line of the basket beside what the catalogue and the shelves say now."""

    sku_id: SkuId
    quantity: int
    seen_price_fen: int
    sku_code: str
    pack: str
    pack_en: str
    unit_word: str
    packed_grams: int
    price_fen: int
    slug: str
    name: str
    name_en: str
    illustration: str | None
    cover: str
    glyph: str
    is_cold_chain: bool
    is_perishable: bool
    is_offered: bool
    """On the shelves now: the product is published and this pack of it offered."""
    tint: str
    category_id: CategoryId
    village_id: VillageId
    village_name: str
    village_name_en: str
    village_slug: str
    town_name: str
    town_name_en: str
    cooperative_id: CooperativeId
    cooperative_name: str
    cooperative_name_en: str
    ships_on: str
    free_units: int
    """That could be held now."""
    place: int
    """Counted from nought, in the order in which things were put in."""

    @property
    def sum_fen(self) -> int:
        """At today's price; nought if it is not offered any more."""
        return self.price_fen * self.quantity if self.is_offered else 0

    @property
    def is_price_changed(self) -> bool:
        """The price is not what the buyer saw."""
        return self.is_offered and self.price_fen != self.seen_price_fen

    @property
    def most_units(self) -> int:
        """How many the line may have."""
        return min(self.free_units, MOST_UNITS)

    @property
    def is_short(self) -> bool:
        """Offered, but fewer are left than the line wants."""
        return self.is_offered and self.quantity > self.free_units

    @property
    def is_ready(self) -> bool:
        """Nothing to settle before it can be ordered."""
        return self.is_offered and not self.is_short and not self.is_price_changed


@dataclass(frozen=True)
class BasketParcel:
    """What one cooperative would send."""

    cooperative_id: CooperativeId
    cooperative_name: str
    cooperative_name_en: str
    rows: tuple[BasketRow, ...]
    postage: Quote | CannotShip | None
    """To the place the page is about, by the service chosen; None when nothing in it can be sold."""
    ways: tuple[Way, ...]
    """Every service that may be chosen, the usual one first."""

    @property
    def chosen(self) -> Chosen:
        """What an order keeps of the choice."""
        way = next((way for way in self.ways if way.quote == self.postage), None)
        return Chosen(way.quote.kind, way.arrival.first, way.arrival.last) if way else Chosen()

    @property
    def goods_fen(self) -> int:
        """What its goods cost."""
        return sum(row.sum_fen for row in self.rows)


@dataclass(frozen=True)
class VillageEstimate:
    """What a village would be booked if the basket were bought this moment."""

    village_id: VillageId
    name: str
    name_en: str
    slug: str
    fen: int

    @property
    def part(self) -> int:
        """What a bar of shares is drawn from."""
        return self.fen


@dataclass(frozen=True)
class _Stock:
    """Free units of one lot with one of its sources; a row of the statement."""

    item_id: int
    sku_id: int
    lot_id: int
    best_before: date
    free_units: int
    gross_fen: int
    source_version: int
    village_id: int
    village_code: str | None
    village_name: str
    village_name_en: str
    village_slug: str
    grams: int


@dataclass(frozen=True)
class Basket:
    """Everything in one basket, by parcel, in the order in which the parcels were begun."""

    cart_id: CartId
    parcels: tuple[BasketParcel, ...]
    today: date
    _stock: tuple[_Stock, ...]
    _services: Mapping[CooperativeId, ServiceKind] = field(default_factory=dict)
    vouchers: tuple[Terms, ...] = ()
    """Those that the buyer has named and that are for this basket."""

    @cached_property
    def rows(self) -> tuple[BasketRow, ...]:
        """All lines, parcel by parcel."""
        return tuple(row for parcel in self.parcels for row in parcel.rows)

    @property
    def units(self) -> int:
        """Everything counted."""
        return sum(row.quantity for row in self.rows)

    @property
    def goods_fen(self) -> int:
        """What the offered goods cost today."""
        return sum(parcel.goods_fen for parcel in self.parcels)

    @property
    def postage_fen(self) -> int:
        """What the parcels that can go would cost to send."""
        return sum(parcel.postage.fen for parcel in self.parcels if isinstance(parcel.postage, Quote))

    @cached_property
    def discount(self) -> Discount:
        """What the vouchers take off, as the order would have it."""
        return grant(self.vouchers, self.goods)[0]

    @property
    def goods(self) -> list[Good]:
        """The lines as vouchers see them, in the order in which the order would have them."""
        return [Good(place, row.sum_fen, row.village_id, row.category_id) for place, row in enumerate(self._as_put_in, start=1)]

    @property
    def _as_put_in(self) -> list[BasketRow]:
        return sorted((row for row in self.rows if row.is_offered), key=lambda row: row.place)

    @property
    def total_fen(self) -> int:
        """Goods, less what vouchers take off, and postage."""
        return self.goods_fen - self.discount.fen + self.postage_fen

    def with_vouchers(self, vouchers: Sequence[Terms]) -> "Basket":
        """The same basket with these vouchers, each of which fits it by itself."""
        return replace(self, vouchers=tuple(vouchers))

    @property
    def is_ready(self) -> bool:
        """Nothing to settle before it can be ordered; where it may go is another question."""
        return all(row.is_ready for row in self.rows)

    @property
    def refused(self) -> tuple[BasketParcel, ...]:
        """Parcels that cannot go to the place."""
        return tuple(parcel for parcel in self.parcels if isinstance(parcel.postage, CannotShip))

    @property
    def has_perishable(self) -> bool:
        """Whether the buyer is asked to confirm that something cannot come back."""
        return any(row.is_perishable for row in self.rows if row.is_offered)

    def with_quantities(self, quantities: dict[SkuId, int], place: str | None) -> "Basket":
        """The same basket as it would be with other quantities; nought leaves a line out. `place`: a district's six digits, or None.

        Vouchers that it is too small for then are left out too.
        """
        rows = [_with_quantity(row, quantities.get(row.sku_id, row.quantity)) for row in self.rows]
        changed = replace(self, parcels=_parcels([row for row in rows if row.quantity], place, self.today, self._services))
        return changed.with_vouchers([terms for terms in self.vouchers if why_not(terms, changed.goods, today=self.today) is None])

    def estimate(self) -> tuple[VillageEstimate, ...]:
        """What each village would be booked if all of it were bought now, the most first; none unless the basket is ready.

        The same functions as at the sale: first expired first out, then each lot's running total split over its sources. Another buyer may be quicker.
        """
        if not self.is_ready or not self.rows:
            return ()
        return _estimate(self.rows, self._stock, self.today)


def read_basket(
    owner: CartOwner, *, place: str | None, today: date, services: Mapping[CooperativeId, ServiceKind] = MappingProxyType({})
) -> Basket | None:
    """The owner's basket with postage to `place`, the six digits of a district or, for an estimate, of a city or province. None if it is empty.

    `services`: how parcels are to be sent, as usual unless said.

    Two statements, however much is in it.
    """
    lines = db.session.execute(_LINES, owner.bound).all()
    if not lines:
        return None
    stock = rows_as(_Stock, db.session.execute(_STOCK, {"sku_ids": [line.sku_id for line in lines], "today": today}))
    free: dict[int, int] = {}
    for item in {source.item_id: source for source in stock}.values():
        free[item.sku_id] = free.get(item.sku_id, 0) + item.free_units
    rows = [row_as(BasketRow, (*line[1:], free.get(line.sku_id, 0), place)) for place, line in enumerate(lines)]
    return Basket(CartId(lines[0].cart_id), _parcels(rows, place, today, services), today, tuple(stock), services)


@dataclass(frozen=True)
class Offer:
    """One SKU as somebody wants to put it into a basket."""

    sku_id: SkuId
    code: str
    name: str
    name_en: str
    pack: str
    pack_en: str
    unit_word: str
    price_fen: int
    is_offered: bool
    free_units: int
    in_basket: int
    """Units of it that the owner has already."""


def find_offer(code: str, owner: CartOwner | None, *, today: date) -> Offer | None:
    """What can be said of the SKU with this code; None if there is no such SKU, or if it never left the drafts. One statement."""
    bound = owner.bound if owner else {"cart_key": None, "cart_user_id": None}
    row = db.session.execute(_OFFER, bound | {"code": code, "today": today}).one_or_none()
    return row_as(Offer, row) if row else None


# ── The statements, made once ─────────────────────────────────────────────────────────────────────────────────────────

_cart, _line, _sku, _product = columns_of(Cart), columns_of(CartLine), columns_of(Sku), columns_of(Product)
_category, _village, _town, _cooperative = columns_of(Category), columns_of(Village), columns_of(Town), columns_of(Cooperative)
_item, _lot, _source = columns_of(StockItem), columns_of(Lot), columns_of(LotSource)

_IS_OFFERED = (_sku.is_offered & (_product.status == ProductStatus.PUBLISHED)).label("is_offered")
_FREE = _item.packed - _item.held - _item.sold - _item.written_off
_ON_SALE = (_lot.best_before >= bindparam("today")) & _lot.recalled_at.is_(None)
"""Of lots: sold up to and on their best-before day, unless recalled."""

_LINES = (
    select(
        _line.cart_id,
        _line.sku_id,
        _line.quantity,
        _line.seen_price_fen,
        _sku.code,
        _sku.pack,
        _sku.pack_en,
        _sku.unit_word,
        _sku.packed_grams,
        _sku.price_fen,
        _product.slug,
        _product.name,
        _product.name_en,
        _product.illustration,
        _product.cover,
        _product.glyph,
        _product.is_cold_chain,
        _product.is_perishable,
        _IS_OFFERED,
        _category.tint,
        _category.id,
        _village.id,
        _village.name,
        _village.name_en,
        _village.slug,
        _town.short_name,
        _town.name_en,
        _cooperative.id,
        _cooperative.name,
        _cooperative.name_en,
        _cooperative.ships_on,
    )
    .join_from(table_of(CartLine), table_of(Cart), _cart.id == _line.cart_id)
    .join(table_of(Sku), _sku.id == _line.sku_id)
    .join(table_of(Product), _product.id == _sku.product_id)
    .join(table_of(Category), _category.id == _product.category_id)
    .join(table_of(Village), _village.id == _product.village_id)
    .join(table_of(Town), _town.id == _village.town_id)
    .join(table_of(Cooperative), _cooperative.id == _product.cooperative_id)
    .where(OWNED)
    .order_by(_line.added_at, _line.sku_id)
)

_STOCK = (
    select(
        _item.id,
        _item.sku_id,
        _lot.id,
        _lot.best_before,
        _FREE,
        _lot.gross_fen,
        _lot.source_version,
        _village.id,
        _village.code,
        _village.name,
        _village.name_en,
        _village.slug,
        _source.grams,
    )
    .join_from(table_of(StockItem), table_of(Lot), _lot.id == _item.lot_id)
    .join(table_of(LotSource), (_source.lot_id == _lot.id) & (_source.version == _lot.source_version))
    .join(table_of(Village), _village.id == _source.village_id)
    .where(_item.sku_id.in_(bindparam("sku_ids", expanding=True)), _FREE > 0, _ON_SALE)
)

_LEFT = (
    select(func.coalesce(func.sum(_FREE), 0))
    .join_from(table_of(StockItem), table_of(Lot), _lot.id == _item.lot_id)
    .where(_item.sku_id == _sku.id, _ON_SALE)
    .correlate(table_of(Sku))
    .scalar_subquery()
)
_MINE = (
    select(_line.quantity)
    .join_from(table_of(CartLine), table_of(Cart), _cart.id == _line.cart_id)
    .where(_line.sku_id == _sku.id, OWNED)
    .correlate(table_of(Sku))
    .scalar_subquery()
)
_OFFER = (
    select(
        _sku.id,
        _sku.code,
        _product.name,
        _product.name_en,
        _sku.pack,
        _sku.pack_en,
        _sku.unit_word,
        _sku.price_fen,
        _IS_OFFERED,
        _LEFT,
        func.coalesce(_MINE, 0),
    )
    .join_from(table_of(Sku), table_of(Product), _product.id == _sku.product_id)
    .where(_sku.code == bindparam("code"), _product.status != ProductStatus.DRAFT)
)


def _with_quantity(row: BasketRow, quantity: int) -> BasketRow:
    return row if quantity == row.quantity else replace(row, quantity=quantity)


# ── Sums ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parcels(
    rows: Sequence[BasketRow], place: str | None, today: date, services: Mapping[CooperativeId, ServiceKind]
) -> tuple[BasketParcel, ...]:
    by_cooperative: dict[CooperativeId, list[BasketRow]] = {}
    for row in rows:
        by_cooperative.setdefault(row.cooperative_id, []).append(row)
    terms = terms_on(today)
    return tuple(
        _parcel(cooperative_id, its_rows, place, today, terms, services.get(cooperative_id, ServiceKind.ORDINARY))
        for cooperative_id, its_rows in by_cooperative.items()
    )


def _parcel(
    cooperative_id: CooperativeId, rows: Sequence[BasketRow], place: str | None, today: date, terms: Carriage, service: ServiceKind
) -> BasketParcel:
    first = rows[0]
    parcel = _to_send(cooperative_id, [row for row in rows if row.is_offered])
    ways = ways_to_send(parcel, place, terms.rules) if parcel and place is not None else ()
    return BasketParcel(
        cooperative_id=cooperative_id,
        cooperative_name=first.cooperative_name,
        cooperative_name_en=first.cooperative_name_en,
        rows=tuple(rows),
        postage=quote(parcel, place, terms.rules, service) if parcel and place is not None else None,
        ways=tuple(
            Way(way, arrival(way, ordered_on=today, ships_on=first.ships_on, closed=terms.closed, rules=terms.rules)) for way in ways
        ),
    )


def _to_send(cooperative_id: CooperativeId, rows: Sequence[BasketRow]) -> Parcel | None:
    if not rows:
        return None
    return Parcel(
        cooperative_id=cooperative_id,
        grams=sum(row.packed_grams * row.quantity for row in rows),
        goods_fen=sum(row.sum_fen for row in rows),
        is_cold_chain=any(row.is_cold_chain for row in rows),
    )


def _estimate(rows: Sequence[BasketRow], stock: Sequence[_Stock], today: date) -> tuple[VillageEstimate, ...]:
    by_item = {source.item_id: source for source in stock}
    items = [FreeItem(ItemId(item.item_id), SkuId(item.sku_id), item.best_before, item.free_units) for item in by_item.values()]
    lines = {LineId(place): row for place, row in enumerate(rows, start=1)}
    picked = pick(items, [Wanted(line_id, row.sku_id, row.quantity) for line_id, row in lines.items()], today=today)
    units = [
        (chosen.line_id, PickedUnits(PickId(number), LotId(by_item[chosen.item_id].lot_id), chosen.units))
        for number, chosen in enumerate(picked, start=1)
    ]
    fen = [part for line_id, row in lines.items() for part in fen_of_picks(row.sum_fen, [taken for of, taken in units if of == line_id])]
    added = fen_by_lot(fen)

    sources: dict[LotId, dict[VillageId, _Stock]] = {}
    for source in stock:
        sources.setdefault(LotId(source.lot_id), {})[VillageId(source.village_id)] = source
    lots = {}
    for lot_id, more_fen in added.items():
        of_lot = sources[lot_id].values()
        any_source = next(iter(of_lot))
        lots[lot_id] = LotTotal(
            tuple(Source(VillageId(source.village_id), source.village_code, source.grams) for source in of_lot),
            any_source.source_version,
            any_source.gross_fen + more_fen,
        )
    villages = {source.village_id: source for source in stock}
    sums: dict[VillageId, int] = {}
    for share in attribute(fen, lots):
        sums[share.village_id] = sums.get(share.village_id, 0) + share.amount_fen
    estimates = (
        VillageEstimate(
            village_id, villages[village_id].village_name, villages[village_id].village_name_en, villages[village_id].village_slug, sum_fen
        )
        for village_id, sum_fen in sums.items()
    )
    return tuple(sorted(estimates, key=lambda village: (-village.fen, village.village_id)))
