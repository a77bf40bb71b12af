"""What is in a basket, what it would cost to send, and which villages it would pay: the page's view of it before anything is ordered.

Nothing here is a promise. Placing the order reads prices and stock again, under locks, and has the last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from sqlalchemy import ColumnElement, select

from shop.cart.models import Cart, CartLine
from shop.cart.queries import CartOwner
from shop.cart.service import MOST_UNITS
from shop.catalog.models import Category, Product, ProductStatus, Sku
from shop.extensions import db
from shop.kit.ids import CartId, CooperativeId, ItemId, LineId, LotId, PickId, SkuId, VillageId
from shop.ledger.attribution import LotTotal, PickedUnits, Source, attribute, fen_by_lot, fen_of_picks
from shop.origin.models import Cooperative, Town, Village
from shop.shipping.rules import CannotShip, Parcel, Quote, quote
from shop.stock.models import Lot, LotSource, StockItem
from shop.stock.picking import FreeItem, Wanted, pick


@dataclass(frozen=True)
class BasketRow:
    """One line of the basket beside what the catalogue and the shelves say now."""

    sku_id: SkuId
    sku_code: str
    quantity: int
    seen_price_fen: int
    price_fen: int
    pack: str
    pack_en: str
    unit_word: str
    packed_grams: int
    slug: str
    name: str
    name_en: str
    illustration: str | None
    glyph: str
    tint: str
    is_cold_chain: bool
    is_perishable: bool
    village_name: str
    village_name_en: str
    village_slug: str
    town_name: str
    town_name_en: str
    cooperative_id: CooperativeId
    cooperative_name: str
    cooperative_name_en: str
    is_offered: bool
    """On the shelves now: the product is published and this pack of it offered."""
    free_units: int
    """That could be held now."""

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
    """To the place the page is about; None when nothing in it can be sold."""

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

    @property
    def total_fen(self) -> int:
        """Goods and postage."""
        return self.goods_fen + self.postage_fen

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
        """The same basket as it would be with other quantities; nought leaves a line out. `place`: a district's six digits, or None."""
        rows = [_with_quantity(row, quantities.get(row.sku_id, row.quantity)) for row in self.rows]
        return Basket(self.cart_id, _parcels([row for row in rows if row.quantity], place), self.today, self._stock)

    def estimate(self) -> tuple[VillageEstimate, ...]:
        """What each village would be booked if all of it were bought now, the most first; none unless the basket is ready.

        The same functions as at the sale: first expired first out, then each lot's running total split over its sources. Another buyer may be quicker.
        """
        if not self.is_ready or not self.rows:
            return ()
        return _estimate(self.rows, self._stock, self.today)


def read_basket(owner: CartOwner, *, place: str | None, today: date) -> Basket | None:
    """The owner's basket with postage to `place`, the six digits of a district or, for an estimate, of a city or province. None if it is empty.

    Two statements, however much is in it.
    """
    rows = db.session.execute(_lines_of(owner)).all()
    if not rows:
        return None
    stock = _read_stock([row.sku_id for row in rows], today)
    free: dict[int, int] = {}
    for item in {source.item_id: source for source in stock}.values():
        free[item.sku_id] = free.get(item.sku_id, 0) + item.free_units
    told = [
        BasketRow(
            sku_id=SkuId(row.sku_id),
            sku_code=row.code,
            quantity=row.quantity,
            seen_price_fen=row.seen_price_fen,
            price_fen=row.price_fen,
            pack=row.pack,
            pack_en=row.pack_en,
            unit_word=row.unit_word,
            packed_grams=row.packed_grams,
            slug=row.slug,
            name=row.name,
            name_en=row.name_en,
            illustration=row.illustration,
            glyph=row.glyph,
            tint=row.tint,
            is_cold_chain=row.is_cold_chain,
            is_perishable=row.is_perishable,
            village_name=row.village_name,
            village_name_en=row.village_name_en,
            village_slug=row.village_slug,
            town_name=row.town_name,
            town_name_en=row.town_name_en,
            cooperative_id=CooperativeId(row.cooperative_id),
            cooperative_name=row.cooperative_name,
            cooperative_name_en=row.cooperative_name_en,
            is_offered=row.is_offered and row.status is ProductStatus.PUBLISHED,
            free_units=free.get(row.sku_id, 0),
        )
        for row in rows
    ]
    return Basket(CartId(rows[0].cart_id), _parcels(told, place), today, stock)


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
    slug: str
    price_fen: int
    is_offered: bool
    free_units: int
    in_basket: int
    """Units of it that the owner has already."""


def find_offer(code: str, owner: CartOwner | None, *, today: date) -> Offer | None:
    """What can be said of the SKU with this code; None if there is no such SKU, or if it never left the drafts. One statement."""
    free = (
        select(db.func.coalesce(db.func.sum(StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off), 0))
        .join(Lot, Lot.id == StockItem.lot_id)
        .where(StockItem.sku_id == Sku.id, *_on_sale(today))
        .correlate(Sku)
        .scalar_subquery()
    )
    columns = (Sku.id, Sku.code, Sku.pack, Sku.pack_en, Sku.unit_word, Sku.price_fen, Sku.is_offered)
    product = (Product.name, Product.name_en, Product.slug, Product.status)
    query = select(*columns, *product, free.label("free_units")).join(Product, Product.id == Sku.product_id)
    if owner:
        mine = select(CartLine.quantity).join(Cart, Cart.id == CartLine.cart_id).where(CartLine.sku_id == Sku.id, owner.owns())
        query = query.add_columns(mine.correlate(Sku).scalar_subquery().label("in_basket"))
    row = db.session.execute(query.where(Sku.code == code, Product.status != ProductStatus.DRAFT)).one_or_none()
    if row is None:
        return None
    return Offer(
        sku_id=SkuId(row.id),
        code=row.code,
        name=row.name,
        name_en=row.name_en,
        pack=row.pack,
        pack_en=row.pack_en,
        unit_word=row.unit_word,
        slug=row.slug,
        price_fen=row.price_fen,
        is_offered=row.is_offered and row.status is ProductStatus.PUBLISHED,
        free_units=int(row.free_units),
        in_basket=(row.in_basket or 0) if owner else 0,
    )


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_COLUMNS = (
    CartLine.cart_id,
    CartLine.sku_id,
    CartLine.quantity,
    CartLine.seen_price_fen,
    Sku.code,
    Sku.pack,
    Sku.pack_en,
    Sku.unit_word,
    Sku.packed_grams,
    Sku.price_fen,
    Sku.is_offered,
    Product.slug,
    Product.name,
    Product.name_en,
    Product.illustration,
    Product.glyph,
    Product.status,
    Product.is_cold_chain,
    Product.is_perishable,
    Category.tint,
    Village.name.label("village_name"),
    Village.name_en.label("village_name_en"),
    Village.slug.label("village_slug"),
    Town.short_name.label("town_name"),
    Town.name_en.label("town_name_en"),
    Cooperative.id.label("cooperative_id"),
    Cooperative.name.label("cooperative_name"),
    Cooperative.name_en.label("cooperative_name_en"),
)


def _lines_of(owner: CartOwner):  # type: ignore[no-untyped-def]  # the type of a select over 28 columns says nothing that its columns do not
    return (
        select(*_COLUMNS)
        .join(Cart, Cart.id == CartLine.cart_id)
        .join(Sku, Sku.id == CartLine.sku_id)
        .join(Product, Product.id == Sku.product_id)
        .join(Category, Category.id == Product.category_id)
        .join(Village, Village.id == Product.village_id)
        .join(Town, Town.id == Village.town_id)
        .join(Cooperative, Cooperative.id == Product.cooperative_id)
        .where(owner.owns())
        .order_by(CartLine.added_at, CartLine.sku_id)
    )


def _on_sale(today: date) -> tuple[ColumnElement[bool], ...]:
    """Of lots: sold up to and on their best-before day, unless recalled."""
    return (Lot.best_before >= today, Lot.recalled_at.is_(None))


def _read_stock(sku_ids: Sequence[int], today: date) -> tuple[_Stock, ...]:
    free = StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off
    rows = db.session.execute(
        select(
            StockItem.id.label("item_id"),
            StockItem.sku_id,
            Lot.id.label("lot_id"),
            Lot.best_before,
            free.label("free_units"),
            Lot.gross_fen,
            Lot.source_version,
            Village.id.label("village_id"),
            Village.code.label("village_code"),
            Village.name.label("village_name"),
            Village.name_en.label("village_name_en"),
            Village.slug.label("village_slug"),
            LotSource.grams,
        )
        .join(Lot, Lot.id == StockItem.lot_id)
        .join(LotSource, (LotSource.lot_id == Lot.id) & (LotSource.version == Lot.source_version))
        .join(Village, Village.id == LotSource.village_id)
        .where(StockItem.sku_id.in_(sku_ids), free > 0, *_on_sale(today))
    )
    return tuple(_Stock(**row._mapping) for row in rows)


def _with_quantity(row: BasketRow, quantity: int) -> BasketRow:
    return row if quantity == row.quantity else replace(row, quantity=quantity)


# ── Sums ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parcels(rows: Sequence[BasketRow], place: str | None) -> tuple[BasketParcel, ...]:
    by_cooperative: dict[CooperativeId, list[BasketRow]] = {}
    for row in rows:
        by_cooperative.setdefault(row.cooperative_id, []).append(row)
    return tuple(
        BasketParcel(
            cooperative_id=cooperative_id,
            cooperative_name=its_rows[0].cooperative_name,
            cooperative_name_en=its_rows[0].cooperative_name_en,
            rows=tuple(its_rows),
            postage=_postage(cooperative_id, [row for row in its_rows if row.is_offered], place),
        )
        for cooperative_id, its_rows in by_cooperative.items()
    )


def _postage(cooperative_id: CooperativeId, rows: Sequence[BasketRow], place: str | None) -> Quote | CannotShip | None:
    if not rows or place is None:
        return None
    parcel = Parcel(
        cooperative_id=cooperative_id,
        grams=sum(row.packed_grams * row.quantity for row in rows),
        goods_fen=sum(row.sum_fen for row in rows),
        is_cold_chain=any(row.is_cold_chain for row in rows),
    )
    return quote(parcel, place)


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
