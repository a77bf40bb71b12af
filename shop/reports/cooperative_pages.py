"""What a cooperative's pages show: its own shelves, lots, parcels and village money.

Law: every read here is told for which cooperatives somebody works, and finds nothing of anybody else's; what is not theirs is not there.
Every page asks a fixed number of statements, however much it lists.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, and_, case, func, or_, select

from shop.accounts.models import User
from shop.catalog.models import Category, Product, ProductStatus, Sku
from shop.extensions import db, row_as, rows_as
from shop.kit.clock import business_day
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, ItemId, LineId, LotId, ProductId, ShipmentId, SkuId, UserId, VillageId
from shop.ledger.models import Attribution
from shop.orders.models import Order, OrderLine
from shop.origin.models import Cooperative, CooperativeVillage, Town, Village
from shop.papers.models import LotCertificate
from shop.shipping.models import Shipment
from shop.shipping.rules import ServiceKind
from shop.shipping.states import ShipmentState
from shop.stock.errors import NoSuchItem, NoSuchLot, NoSuchProduct
from shop.stock.models import Lot, LotSource, Movement, MovementKind, Pick, PickState, StockItem

FEW_UNITS = 10
"""From here on a pack is running low."""
LONG_UNCOUNTED = timedelta(days=7)
"""After so long somebody should look at the shelf again."""
_MOST_NEAR_DAYS = 30

MOVEMENTS_PER_PAGE = 50
LOTS_PER_PAGE = 20
PARCELS_PER_PAGE = 20

_BY_HAND = (MovementKind.PACKED, MovementKind.WRITTEN_OFF, MovementKind.RECOUNTED)
_FREE = StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off


Listed = TypeVar("Listed")


@dataclass(frozen=True)
class Page(Generic[Listed]):
    """One page of a list; pages count from 1, and there is always a first one."""

    rows: tuple[Listed, ...]
    page: int
    pages: int
    total: int


def _page_of(total: int, wanted: int, size: int) -> tuple[int, int]:
    """The page that is shown, no further than the last, and how many there are."""
    pages = max(1, -(-total // size))
    return min(max(1, wanted), pages), pages


# ── Whose pages these are ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class OwnCooperative:
    """A cooperative somebody works for."""

    id: CooperativeId
    name: str
    name_en: str


def own_cooperatives(ids: Iterable[CooperativeId]) -> list[OwnCooperative]:
    """The cooperatives by name, in id order."""
    rows = select(Cooperative.id, Cooperative.name, Cooperative.name_en).where(Cooperative.id.in_(sorted(ids))).order_by(Cooperative.id)
    return rows_as(OwnCooperative, db.session.execute(rows))


# ── The shelves ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class StockRow:
    """One SKU of one lot, as somebody standing before the shelf needs to know it."""

    item_id: ItemId
    lot_id: LotId
    lot_code: str
    sku_id: SkuId
    product_slug: str
    product_name: str
    product_name_en: str
    illustration: str
    glyph: str
    tint: str
    cover: str
    """The name of its photograph, or ""."""
    pack: str
    pack_en: str
    unit_word: str
    unit_grams: int
    shelf_life_days: int
    best_before: date
    recalled_at: datetime | None
    lot_produced_grams: int
    lot_packed_grams: int
    packed: int
    held: int
    sold: int
    written_off: int
    waiting_units: int
    """Sold, and still here: their parcels have not left."""
    counted_at: datetime | None
    touched_at: datetime | None
    """When somebody last changed it by hand."""
    touched_kind: MovementKind | None
    touched_by_id: UserId | None
    touched_by: str | None

    @property
    def free_units(self) -> int:
        """That can be sold."""
        return self.packed - self.held - self.sold - self.written_off

    @property
    def spoken_for_units(self) -> int:
        """On the shelf, but already somebody's: held for an order that is being paid, or sold and not sent yet."""
        return self.held + self.waiting_units

    @property
    def room_units(self) -> int:
        """That can still be packed from the lot."""
        return max(0, self.lot_produced_grams - self.lot_packed_grams) // self.unit_grams

    @property
    def is_low(self) -> bool:
        """Few are left to sell."""
        return self.free_units <= FEW_UNITS

    def days_left(self, today: date) -> int:
        """Until its best-before day; nought on the day itself, negative after it."""
        return (self.best_before - today).days

    def is_expired(self, today: date) -> bool:
        """Not sold any more."""
        return self.best_before < today

    def is_near_expiry(self, today: date) -> bool:
        """Still sold, not for long."""
        return not self.is_expired(today) and self.days_left(today) <= near_days(self.shelf_life_days)

    def uncounted_days(self, now: datetime) -> int | None:
        """Whole days since somebody counted; None when nobody ever did."""
        return None if self.counted_at is None else (business_day(now) - business_day(self.counted_at)).days

    def is_long_uncounted(self, now: datetime) -> bool:
        """Somebody should look: there is something to count, and its figure is old."""
        looked_at = self.counted_at or self.touched_at
        return self.free_units + self.held > 0 and (looked_at is None or now - looked_at > LONG_UNCOUNTED)


def near_days(shelf_life_days: int) -> int:
    """How many days before its best-before day a lot is near it: a quarter of the shelf life, from 3 to 30 days."""
    return max(3, min(_MOST_NEAR_DAYS, shelf_life_days // 4))


def stock_rows(ids: Iterable[CooperativeId], *, today: date, also: ItemId | None = None) -> list[StockRow]:
    """Every row about which something can still be done, and `also`, the one whose figure is oldest first.

    Sold out and fully packed lots are left out; expired and recalled ones stay as long as units of them stand there.
    """
    there = StockItem.packed > StockItem.sold + StockItem.written_off
    may_grow = and_(
        Lot.best_before >= today,
        Lot.recalled_at.is_(None),
        or_(StockItem.written_off > 0, Lot.produced_grams - Lot.packed_grams >= Sku.packed_grams),
    )
    rows = (
        _stock(ids)
        .where(or_(there, may_grow, StockItem.id == also))
        .order_by(func.coalesce(StockItem.counted_at, Lot.recorded_at), StockItem.id)
    )
    return rows_as(StockRow, db.session.execute(rows))


def first_out(rows: Iterable[StockRow], *, today: date) -> frozenset[ItemId]:
    """Of packs that stand in several lots on sale, the item that goes out first: first expired, first out."""
    shelves: dict[SkuId, list[StockRow]] = {}
    for row in rows:
        if row.free_units > 0 and row.recalled_at is None and not row.is_expired(today):
            shelves.setdefault(row.sku_id, []).append(row)
    several = (shelf for shelf in shelves.values() if len(shelf) > 1)
    return frozenset(min(shelf, key=lambda row: (row.best_before, row.item_id)).item_id for shelf in several)


def get_stock_row(item_id: ItemId, ids: Iterable[CooperativeId]) -> StockRow:
    """One row.

    Raises NoSuchItem, also when it is somebody else's.
    """
    row = db.session.execute(_stock(ids).where(StockItem.id == item_id)).one_or_none()
    if row is None:
        raise NoSuchItem
    return row_as(StockRow, row)


def _stock(ids: Iterable[CooperativeId]) -> Select[*tuple[Any, ...]]:  # more columns than a tuple's type is worth; StockRow names them
    last_by_hand = (
        select(Movement.item_id, func.max(Movement.id).label("movement_id"))
        .join(StockItem, StockItem.id == Movement.item_id)
        .join(Lot, Lot.id == StockItem.lot_id)
        .where(Movement.kind.in_(_BY_HAND), Lot.cooperative_id.in_(sorted(ids)))
        .group_by(Movement.item_id)
        .subquery()
    )
    waiting = _waiting_units(ids).subquery()
    columns = (
        StockItem.id,
        Lot.id,
        Lot.code,
        Sku.id,
        Product.slug,
        Product.name,
        Product.name_en,
        func.coalesce(Product.illustration, ""),
        Product.glyph,
        Category.tint,
        func.coalesce(Product.cover, ""),
        Sku.pack,
        Sku.pack_en,
        Sku.unit_word,
        Sku.packed_grams,
        Product.shelf_life_days,
        Lot.best_before,
        Lot.recalled_at,
        Lot.produced_grams,
        Lot.packed_grams,
        StockItem.packed,
        StockItem.held,
        StockItem.sold,
        StockItem.written_off,
        func.coalesce(waiting.c.units, 0),
        StockItem.counted_at,
        Movement.at,
        Movement.kind,
        Movement.by_user_id,
        User.name,
    )
    return (
        select(*columns)
        .join(Lot, Lot.id == StockItem.lot_id)
        .join(Sku, Sku.id == StockItem.sku_id)
        .join(Product, Product.id == Lot.product_id)
        .join(Category, Category.id == Product.category_id)
        .outerjoin(waiting, waiting.c.item_id == StockItem.id)
        .outerjoin(last_by_hand, last_by_hand.c.item_id == StockItem.id)
        .outerjoin(Movement, Movement.id == last_by_hand.c.movement_id)
        .outerjoin(User, User.id == Movement.by_user_id)
        .where(Lot.cooperative_id.in_(sorted(ids)))
    )


def _waiting_units(ids: Iterable[CooperativeId]) -> Select[int, int]:
    return (
        select(Pick.item_id, func.sum(Pick.units - Pick.returned_units).label("units"))
        .join(OrderLine, OrderLine.id == Pick.line_id)
        .join(Shipment, and_(Shipment.order_id == OrderLine.order_id, Shipment.cooperative_id == OrderLine.cooperative_id))
        .where(Pick.state == PickState.SOLD, Shipment.state == ShipmentState.TO_PACK, Shipment.cooperative_id.in_(sorted(ids)))
        .group_by(Pick.item_id)
    )


@dataclass(frozen=True)
class ShelvedProduct:
    """A product among the rows, as its picture is picked."""

    slug: str
    name: str
    name_en: str
    illustration: str
    glyph: str
    tint: str
    cover: str
    free_units: int


def products_of(rows: Sequence[StockRow]) -> list[ShelvedProduct]:
    """The products of which the rows are, by slug, with what of each can be sold."""
    free: dict[str, int] = {}
    for row in rows:
        free[row.product_slug] = free.get(row.product_slug, 0) + row.free_units
    looks = {row.product_slug: row for row in rows}
    return [
        ShelvedProduct(slug, row.product_name, row.product_name_en, row.illustration, row.glyph, row.tint, row.cover, free[slug])
        for slug, row in sorted(looks.items())
    ]


@dataclass(frozen=True)
class MovementRow:
    """One change of a stock item, with the figures after it."""

    at: datetime
    kind: MovementKind
    reason: str
    packed_change: int
    held_change: int
    sold_change: int
    written_off_change: int
    packed_after: int
    held_after: int
    sold_after: int
    written_off_after: int
    by_id: UserId | None
    by: str | None
    order_number: str | None
    pack: str
    pack_en: str
    unit_word: str

    @property
    def free_change(self) -> int:
        """By how many units more can be sold since."""
        return self.packed_change - self.held_change - self.sold_change - self.written_off_change

    @property
    def free_after(self) -> int:
        """Units that could be sold after it."""
        return self.packed_after - self.held_after - self.sold_after - self.written_off_after


def movements_of_item(item_id: ItemId, *, page: int) -> Page[MovementRow]:
    """What happened to one stock item, newest first. Whose it is has been asked before (`get_stock_row`)."""
    total = db.session.execute(select(func.count()).select_from(Movement).where(Movement.item_id == item_id)).scalar_one()
    page, pages = _page_of(total, page, MOVEMENTS_PER_PAGE)
    rows = _movements().where(Movement.item_id == item_id).limit(MOVEMENTS_PER_PAGE).offset((page - 1) * MOVEMENTS_PER_PAGE)
    return Page(tuple(rows_as(MovementRow, db.session.execute(rows))), page, pages, total)


def movements_since(item_id: ItemId, since: datetime, *, most: int) -> list[MovementRow]:
    """What happened to one stock item from that moment on, the last `most` of it, newest first. Whose it is has been asked before."""
    rows = _movements().where(Movement.item_id == item_id, Movement.at >= since).limit(most)
    return rows_as(MovementRow, db.session.execute(rows))


def _movements() -> Select[*tuple[Any, ...]]:  # see _stock
    columns = (
        Movement.at,
        Movement.kind,
        Movement.reason,
        Movement.packed_change,
        Movement.held_change,
        Movement.sold_change,
        Movement.written_off_change,
        Movement.packed_after,
        Movement.held_after,
        Movement.sold_after,
        Movement.written_off_after,
        Movement.by_user_id,
        User.name,
        Order.number,
        Sku.pack,
        Sku.pack_en,
        Sku.unit_word,
    )
    return (
        select(*columns)
        .join(StockItem, StockItem.id == Movement.item_id)
        .join(Sku, Sku.id == StockItem.sku_id)
        .outerjoin(User, User.id == Movement.by_user_id)
        .outerjoin(Pick, Pick.id == Movement.pick_id)
        .outerjoin(OrderLine, OrderLine.id == Pick.line_id)
        .outerjoin(Order, Order.id == OrderLine.order_id)
        .order_by(Movement.id.desc())
    )


@dataclass(frozen=True)
class LowPack:
    """A pack on the shelves of which few are left, over all its lots that are sold now."""

    sku_id: SkuId
    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    unit_word: str
    free_units: int


def low_packs(ids: Iterable[CooperativeId], *, today: date) -> list[LowPack]:
    """Packs of published products that have a lot in date and are running low, or have run out; the lowest first."""
    free = func.sum(_FREE)
    rows = (
        select(Sku.id, Product.name, Product.name_en, Sku.pack, Sku.pack_en, Sku.unit_word, free)
        .join(StockItem, StockItem.sku_id == Sku.id)
        .join(Lot, Lot.id == StockItem.lot_id)
        .join(Product, Product.id == Sku.product_id)
        .where(
            Product.cooperative_id.in_(sorted(ids)),
            Product.status == ProductStatus.PUBLISHED,
            Sku.is_offered,
            Lot.best_before >= today,
            Lot.recalled_at.is_(None),
        )
        .group_by(Sku.id, Product.name, Product.name_en, Sku.pack, Sku.pack_en, Sku.unit_word)
        .having(free <= FEW_UNITS)
        .order_by(free, Sku.id)
    )
    return rows_as(LowPack, db.session.execute(rows))


# ── Lots ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class LotRow:
    """One lot in the list."""

    lot_id: LotId
    code: str
    product_name: str
    product_name_en: str
    harvested_on: date
    best_before: date
    recalled_at: datetime | None
    produced_grams: int
    packed_grams: int
    sold_grams: int
    free_grams: int


def lots(ids: Iterable[CooperativeId], *, page: int) -> Page[LotRow]:
    """The cooperatives' lots, the latest recorded first."""
    own = Lot.cooperative_id.in_(sorted(ids))
    total = db.session.execute(select(func.count()).select_from(Lot).where(own)).scalar_one()
    page, pages = _page_of(total, page, LOTS_PER_PAGE)
    rows = _lots().where(own).order_by(Lot.recorded_at.desc(), Lot.id.desc()).limit(LOTS_PER_PAGE).offset((page - 1) * LOTS_PER_PAGE)
    return Page(tuple(rows_as(LotRow, db.session.execute(rows))), page, pages, total)


def _lots() -> Select[*tuple[Any, ...]]:  # see _stock
    def grams(units: Any) -> Any:  # SQL expressions of several types
        figures = select(func.coalesce(func.sum(units * Sku.packed_grams), 0)).select_from(StockItem).join(Sku, Sku.id == StockItem.sku_id)
        return figures.where(StockItem.lot_id == Lot.id).correlate(Lot).scalar_subquery()

    columns = (
        Lot.id,
        Lot.code,
        Product.name,
        Product.name_en,
        Lot.harvested_on,
        Lot.best_before,
        Lot.recalled_at,
        Lot.produced_grams,
        Lot.packed_grams,
        grams(StockItem.sold),
        grams(_FREE),
    )
    return select(*columns).join(Product, Product.id == Lot.product_id)


@dataclass(frozen=True)
class LotSourceRow:
    """What one village brought to a lot."""

    village_id: VillageId
    name: str
    name_en: str
    town: str
    town_en: str
    grams: int


@dataclass(frozen=True)
class LotPack:
    """One pack of the lot's product, and how many of it were packed from this lot."""

    sku_id: SkuId
    pack: str
    pack_en: str
    unit_word: str
    unit_grams: int
    item_id: ItemId | None
    packed: int
    held: int
    sold: int
    written_off: int

    @property
    def free_units(self) -> int:
        """That can be sold."""
        return self.packed - self.held - self.sold - self.written_off


@dataclass(frozen=True)
class LotFacts:
    """One lot on its own page: what it is, whose it is, how it was packed and what happened to it lately."""

    lot_id: LotId
    code: str
    product_name: str
    product_name_en: str
    cooperative_name: str
    cooperative_name_en: str
    harvested_on: date
    best_before: date
    grade: str
    recalled_at: datetime | None
    harvest_grams: int | None
    produced_grams: int
    packed_grams: int
    source_version: int
    recorded_at: datetime
    recorded_by: str | None
    sources: tuple[LotSourceRow, ...]
    packs: tuple[LotPack, ...]
    movements: tuple[MovementRow, ...]

    @property
    def yield_percent(self) -> int | None:
        """Of what went in, how much came out; None when that was not written down."""
        return round(self.produced_grams * 100 / self.harvest_grams) if self.harvest_grams else None

    @property
    def room_grams(self) -> int:
        """That can still be packed."""
        return self.produced_grams - self.packed_grams

    @property
    def sold_grams(self) -> int:
        """Of units sold."""
        return sum(pack.sold * pack.unit_grams for pack in self.packs)


_RECENT_MOVEMENTS = 10


def get_lot(code: str, ids: Iterable[CooperativeId]) -> LotFacts:
    """One lot by the code on its bags.

    Raises NoSuchLot, also when it is somebody else's.
    """
    columns = (
        Lot.id,
        Lot.code,
        Product.name,
        Product.name_en,
        Cooperative.name,
        Cooperative.name_en,
        Lot.harvested_on,
        Lot.best_before,
        Lot.grade,
        Lot.recalled_at,
        Lot.harvest_grams,
        Lot.produced_grams,
        Lot.packed_grams,
        Lot.source_version,
        Lot.recorded_at,
        User.name,
    )
    row = db.session.execute(
        select(*columns, Lot.product_id)
        .join(Product, Product.id == Lot.product_id)
        .join(Cooperative, Cooperative.id == Lot.cooperative_id)
        .outerjoin(User, User.id == Lot.recorded_by)
        .where(Lot.code == code, Lot.cooperative_id.in_(sorted(ids)))
    ).one_or_none()
    if row is None:
        raise NoSuchLot
    *facts, product_id = row
    lot_id = LotId(facts[0])
    return row_as(
        LotFacts, (*facts, _sources(lot_id, row.source_version), _lot_packs(lot_id, ProductId(product_id)), _recent_movements(lot_id))
    )


def last_contact(lot_id: LotId) -> str:
    """The telephone on the latest certificate of the lot's cooperative, or ""."""
    own = select(Lot.cooperative_id).where(Lot.id == lot_id).scalar_subquery()
    rows = select(LotCertificate.contact).join(Lot, Lot.id == LotCertificate.lot_id).where(Lot.cooperative_id == own)
    return db.session.scalars(rows.order_by(LotCertificate.id.desc()).limit(1)).one_or_none() or ""


def _sources(lot_id: LotId, version: int) -> tuple[LotSourceRow, ...]:
    rows = (
        select(Village.id, Village.name, Village.name_en, Town.short_name, Town.name_en, LotSource.grams)
        .join(Village, Village.id == LotSource.village_id)
        .join(Town, Town.id == Village.town_id)
        .where(LotSource.lot_id == lot_id, LotSource.version == version)
        .order_by(LotSource.grams.desc(), Village.id)
    )
    return tuple(rows_as(LotSourceRow, db.session.execute(rows)))


def _lot_packs(lot_id: LotId, product_id: ProductId) -> tuple[LotPack, ...]:
    figures = (StockItem.packed, StockItem.held, StockItem.sold, StockItem.written_off)
    rows = (
        select(
            Sku.id,
            Sku.pack,
            Sku.pack_en,
            Sku.unit_word,
            Sku.packed_grams,
            StockItem.id,
            *(func.coalesce(figure, 0) for figure in figures),
        )
        .outerjoin(StockItem, and_(StockItem.sku_id == Sku.id, StockItem.lot_id == lot_id))
        .where(Sku.product_id == product_id, or_(Sku.is_offered, StockItem.id.is_not(None)))
        .order_by(Sku.position, Sku.id)
    )
    return tuple(rows_as(LotPack, db.session.execute(rows)))


def _recent_movements(lot_id: LotId) -> tuple[MovementRow, ...]:
    return tuple(rows_as(MovementRow, db.session.execute(_movements().where(StockItem.lot_id == lot_id).limit(_RECENT_MOVEMENTS))))


# ── A new lot ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class OwnProduct:
    """A product of which something may be brought in."""

    product_id: ProductId
    slug: str
    name: str
    name_en: str
    illustration: str | None
    cover: str
    glyph: str
    tint: str
    shelf_life_days: int
    least_yield_percent: int
    most_yield_percent: int
    cooperative_id: CooperativeId
    village_id: VillageId | None


@dataclass(frozen=True)
class OwnVillage:
    """A village whose harvest may go into the lot."""

    village_id: VillageId
    name: str
    name_en: str
    town: str
    town_en: str


@dataclass(frozen=True)
class OwnPack:
    """A pack the lot may be packed into."""

    sku_id: SkuId
    pack: str
    pack_en: str
    unit_word: str
    unit_grams: int


@dataclass(frozen=True)
class LotPlan:
    """What the form for a new lot of one product asks."""

    product: OwnProduct
    villages: tuple[OwnVillage, ...]
    packs: tuple[OwnPack, ...]


def own_products(ids: Iterable[CooperativeId]) -> list[OwnProduct]:
    """The cooperatives' products, those on the shelves first; drafts too, since a product is published with a lot."""
    rows = (
        select(
            Product.id,
            Product.slug,
            Product.name,
            Product.name_en,
            Product.illustration,
            Product.cover,
            Product.glyph,
            Category.tint,
            Product.shelf_life_days,
            Product.least_yield_percent,
            Product.most_yield_percent,
            Product.cooperative_id,
            Product.village_id,
        )
        .join(Category, Category.id == Product.category_id)
        .where(Product.cooperative_id.in_(sorted(ids)), Product.status != ProductStatus.RETIRED)
        .order_by(case((Product.status == ProductStatus.PUBLISHED, 0), else_=1), Product.id)
    )
    return rows_as(OwnProduct, db.session.execute(rows))


def plan_lot(slug: str, products: Sequence[OwnProduct]) -> LotPlan:
    """The villages, the product's own first, and the packs for a lot of one of somebody's `products`.

    Raises NoSuchProduct, also when it is somebody else's.
    """
    product = next((product for product in products if product.slug == slug), None)
    if product is None:
        raise NoSuchProduct
    villages = (
        select(Village.id, Village.name, Village.name_en, Town.short_name, Town.name_en)
        .join(CooperativeVillage, CooperativeVillage.village_id == Village.id)
        .join(Town, Town.id == Village.town_id)
        .where(CooperativeVillage.cooperative_id == product.cooperative_id)
        .order_by(case((Village.id == product.village_id, 0), else_=1), Village.code, Village.id)
    )
    packs = (
        select(Sku.id, Sku.pack, Sku.pack_en, Sku.unit_word, Sku.packed_grams)
        .where(Sku.product_id == product.product_id, Sku.is_offered)
        .order_by(Sku.position, Sku.id)
    )
    return LotPlan(
        product,
        tuple(rows_as(OwnVillage, db.session.execute(villages))),
        tuple(rows_as(OwnPack, db.session.execute(packs))),
    )


# ── Parcels ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class NoSuchParcel(NotFound):
    """There is no such parcel, or it is somebody else's, or its order is not paid."""


@dataclass(frozen=True)
class ParcelPick:
    """Units to take from one lot."""

    lot_code: str
    units: int


@dataclass(frozen=True)
class ParcelLine:
    """What of one order line goes into the parcel; what was refunded before it left is not in it."""

    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    unit_word: str
    units: int
    picks: tuple[ParcelPick, ...]


@dataclass(frozen=True)
class Parcel:
    """What one cooperative sends for one order."""

    shipment_id: ShipmentId
    order_number: str
    state: ShipmentState
    grams: int
    carrier: str
    tracking_number: str
    paid_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    buyer_name: str
    buyer_phone: str
    """Whole; pages mask it."""
    region: str
    town: str
    note: str
    gift_note: str
    service: ServiceKind
    lines: tuple[ParcelLine, ...]


@dataclass(frozen=True)
class ToTake:
    """Units of one pack that wait to be put into parcels, over all orders."""

    product_name: str
    product_name_en: str
    pack: str
    pack_en: str
    unit_word: str
    units: int


def count_parcels(ids: Iterable[CooperativeId]) -> dict[ShipmentState, int]:
    """How many parcels are in each state; every state has a figure."""
    rows = db.session.execute(select(Shipment.state, func.count()).where(Shipment.cooperative_id.in_(sorted(ids))).group_by(Shipment.state))
    counts: dict[ShipmentState, int] = dict(iter(rows))  # a Result has keys(), and dict() would take it for a mapping
    return {state: counts.get(state, 0) for state in ShipmentState}


_LATEST_FIRST = {ShipmentState.SHIPPED: Shipment.shipped_at, ShipmentState.DELIVERED: Shipment.delivered_at}


def parcels(ids: Iterable[CooperativeId], state: ShipmentState, *, total: int, page: int = 1, size: int = PARCELS_PER_PAGE) -> Page[Parcel]:
    """Parcels in one state, of which there are `total` (`count_parcels`): to be packed as they were paid, others the latest first."""
    page, pages = _page_of(total, page, size)
    order = (_LATEST_FIRST[state].desc(), Shipment.id.desc()) if state in _LATEST_FIRST else (Order.paid_at, Shipment.id)
    rows = _parcels(ids).where(Shipment.state == state).order_by(*order).limit(size).offset((page - 1) * size)
    return Page(_with_lines(db.session.execute(rows).all()), page, pages, total)


def get_parcel(shipment_id: ShipmentId, ids: Iterable[CooperativeId]) -> Parcel:
    """One parcel.

    Raises NoSuchParcel, also when it is somebody else's.
    """
    rows = db.session.execute(_parcels(ids).where(Shipment.id == shipment_id)).all()
    if not rows:
        raise NoSuchParcel
    return _with_lines(rows)[0]


def _parcels(ids: Iterable[CooperativeId]) -> Select[*tuple[Any, ...]]:  # see _stock
    columns = (
        Shipment.id,
        Order.number,
        Shipment.state,
        Shipment.grams,
        Shipment.carrier,
        Shipment.tracking_number,
        Order.paid_at,
        Shipment.shipped_at,
        Shipment.delivered_at,
        Order.name,
        Order.phone,
        Order.region,
        Order.town,
        Order.note,
        Order.gift_note,
        Shipment.service,
    )
    seen = (ShipmentState.TO_PACK, ShipmentState.SHIPPED, ShipmentState.DELIVERED)
    return (
        select(*columns)
        .join(Order, Order.id == Shipment.order_id)
        .where(Shipment.cooperative_id.in_(sorted(ids)), Shipment.state.in_(seen))
    )


def _with_lines(rows: Sequence[Sequence[Any]]) -> tuple[Parcel, ...]:  # see _stock
    lines = _parcel_lines([row[0] for row in rows]) if rows else {}
    return tuple(row_as(Parcel, (*row, lines.get(row[0], ()))) for row in rows)


def _parcel_lines(shipment_ids: Sequence[int]) -> dict[int, tuple[ParcelLine, ...]]:
    left = Pick.units - Pick.returned_units
    rows = db.session.execute(
        select(
            Shipment.id,
            OrderLine.id,
            OrderLine.product_name,
            OrderLine.product_name_en,
            OrderLine.pack,
            OrderLine.pack_en,
            OrderLine.unit_word,
            Lot.code,
            left,
        )
        .join(OrderLine, and_(OrderLine.order_id == Shipment.order_id, OrderLine.cooperative_id == Shipment.cooperative_id))
        .join(Pick, Pick.line_id == OrderLine.id)
        .join(StockItem, StockItem.id == Pick.item_id)
        .join(Lot, Lot.id == StockItem.lot_id)
        .where(Shipment.id.in_(shipment_ids), Pick.state == PickState.SOLD, left > 0)
        .order_by(OrderLine.position, Lot.best_before, Pick.id)
    )
    picks: dict[tuple[int, LineId, tuple[str, ...]], list[ParcelPick]] = {}
    for shipment_id, line_id, *names, lot_code, units in rows:
        picks.setdefault((shipment_id, LineId(line_id), tuple(names)), []).append(ParcelPick(lot_code, units))
    found: dict[int, tuple[ParcelLine, ...]] = {}
    for (shipment_id, _line_id, texts), taken in picks.items():
        line = row_as(ParcelLine, (*texts, sum(pick.units for pick in taken), tuple(taken)))
        found[shipment_id] = (*found.get(shipment_id, ()), line)
    return found


def to_take(ids: Iterable[CooperativeId]) -> list[ToTake]:
    """What all parcels that wait to be packed need together."""
    units = func.sum(Pick.units - Pick.returned_units)
    words = (OrderLine.product_name, OrderLine.product_name_en, OrderLine.pack, OrderLine.pack_en, OrderLine.unit_word)
    rows = (
        select(*words, units)
        .join(Shipment, and_(Shipment.order_id == OrderLine.order_id, Shipment.cooperative_id == OrderLine.cooperative_id))
        .join(Pick, Pick.line_id == OrderLine.id)
        .where(Shipment.cooperative_id.in_(sorted(ids)), Shipment.state == ShipmentState.TO_PACK, Pick.state == PickState.SOLD)
        .group_by(*words, OrderLine.sku_id)
        .having(units > 0)
        .order_by(OrderLine.sku_id)
    )
    return rows_as(ToTake, db.session.execute(rows))


# ── Village money ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class VillageMoney:
    """What sales through the cooperatives brought one village."""

    village_id: VillageId
    name: str
    name_en: str
    booked_fen: int
    back_fen: int
    """Nought or negative."""

    @property
    def net_fen(self) -> int:
        """What is left of it."""
        return self.booked_fen + self.back_fen


def village_money(ids: Iterable[CooperativeId], *, first: date, last: date) -> list[VillageMoney]:
    """By village, what was booked on the business days from `first` to `last`, both included; the largest first."""
    net = func.sum(Attribution.amount_fen)
    rows = (
        select(
            Village.id,
            Village.name,
            Village.name_en,
            func.sum(case((Attribution.is_refund, 0), else_=Attribution.amount_fen)),
            func.sum(case((Attribution.is_refund, Attribution.amount_fen), else_=0)),
        )
        .join(Village, Village.id == Attribution.village_id)
        .where(Attribution.cooperative_id.in_(sorted(ids)), Attribution.business_day.between(first, last))
        .group_by(Village.id, Village.name, Village.name_en)
        .order_by(net.desc(), Village.id)
    )
    return [
        VillageMoney(VillageId(id_), name, name_en, int(booked), int(back)) for id_, name, name_en, booked, back in db.session.execute(rows)
    ]
