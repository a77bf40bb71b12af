"""A lot's page, which the code on the bag opens: whether it may be eaten, whose fields it came from, what became of it, and the money it brought.

Law: weights and units are what stock holds now; money is what the books attribute to villages through this lot. Seven statements.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select

from shop.catalog.models import Category, Product, ProductStatus, Sku
from shop.extensions import db, rows_as
from shop.kit.errors import NotFound
from shop.kit.ids import LotId, VillageId
from shop.ledger.models import Attribution
from shop.origin.models import Cooperative, Village
from shop.papers.certificates import CertificateFacts, find_certificate
from shop.reports.months import gross_and_refunds
from shop.stock.models import Lot, Movement, MovementKind, Recall, StockItem
from shop.stock.photos import LotPhotoFacts, lot_photos
from shop.stock.queries import SourceFacts, sources_of

MOST_TRAIL = 30
"""Packings that the trail tells one by one; more are rare, and the sums above hold them all."""


class LotState(StrEnum):
    """What to say first."""

    RECALLED = "recalled"
    """Do not eat it."""
    EXPIRED = "expired"
    """Past its best-before day; not sold any more."""
    ON_SALE = "on_sale"
    GONE = "gone"
    """Everything packed is sold or held."""
    NOT_PACKED = "not_packed"
    """Brought in; not on the shelf yet."""
    NOT_OFFERED = "not_offered"
    """Its product is not on the shelves any more."""


@dataclass(frozen=True)
class LotItem:
    """What became of the units of one pack."""

    sku_code: str
    pack: str
    pack_en: str
    unit_word: str
    price_fen: int
    net_value: int
    net_unit: str
    unit_grams: int
    is_offered: bool
    packed: int
    held: int
    sold: int
    written_off: int

    @property
    def free(self) -> int:
        """Units nobody holds."""
        return self.packed - self.held - self.sold - self.written_off


@dataclass(frozen=True)
class VillageMoney:
    """What was booked to one village through this lot."""

    village_id: VillageId
    village_slug: str
    village: str
    village_en: str
    booked_fen: int
    back_fen: int
    """Refunds, as a negative sum."""

    @property
    def now_fen(self) -> int:
        """What stands."""
        return self.booked_fen + self.back_fen


@dataclass(frozen=True)
class Packing:
    """Units that were packed."""

    at: datetime
    units: int
    pack: str
    pack_en: str
    unit_word: str


@dataclass(frozen=True)
class LotPage:
    """Everything the page shows."""

    code: str
    state: LotState
    product_slug: str
    product: str
    product_en: str
    illustration: str
    cover: str
    glyph: str
    tint: str
    is_sample: bool
    cooperative_slug: str
    cooperative: str
    cooperative_en: str
    harvested_on: date
    best_before: date
    grade: str
    produced_grams: int
    source_version: int
    recorded_at: datetime
    recalled_at: datetime | None
    items: tuple[LotItem, ...]
    sources: tuple[SourceFacts, ...]
    money: tuple[VillageMoney, ...]
    packings: tuple[Packing, ...]
    photos: tuple[LotPhotoFacts, ...]
    recall_words: str
    """What whoever called it back says of it; "" where nobody did."""
    certificate: CertificateFacts | None
    """The maker's promise that goes with it; None until it was brought."""

    @property
    def source_grams(self) -> int:
        """What all villages brought."""
        return sum(source.grams for source in self.sources)

    @property
    def booked_fen(self) -> int:
        """All villages."""
        return sum(village.booked_fen for village in self.money)

    @property
    def back_fen(self) -> int:
        """All villages; negative."""
        return sum(village.back_fen for village in self.money)


def lot_page(code: str, *, today: date) -> LotPage:
    """The page of the lot with this code, on the business day `today`. Raises NotFound, also for a lot of a draft."""
    lot = _find_lot(code)
    if lot is None:
        raise NotFound
    lot_id = LotId(lot.id)
    items = _items(lot_id)
    return LotPage(
        code=lot.code,
        state=_state(lot, items, today),
        product_slug=lot.product_slug,
        product=lot.product,
        product_en=lot.product_en,
        illustration=lot.illustration or "",
        cover=lot.cover,
        glyph=lot.glyph,
        tint=lot.tint,
        is_sample=lot.is_sample,
        cooperative_slug=lot.cooperative_slug,
        cooperative=lot.cooperative,
        cooperative_en=lot.cooperative_en,
        harvested_on=lot.harvested_on,
        best_before=lot.best_before,
        grade=lot.grade,
        produced_grams=lot.produced_grams,
        source_version=lot.source_version,
        recorded_at=lot.recorded_at,
        recalled_at=lot.recalled_at,
        items=items,
        sources=sources_of([lot_id])[lot_id],
        money=_money(lot_id),
        packings=_packings(lot_id),
        photos=tuple(lot_photos(lot_id)),
        recall_words=lot.recall_words or "",
        certificate=find_certificate(lot_id),
    )


_LotRow = Row[*tuple[Any, ...]]  # more columns than the stubs can name


def _find_lot(code: str) -> _LotRow | None:
    query = (
        select(
            Lot.id,
            Lot.code,
            Lot.harvested_on,
            Lot.best_before,
            Lot.grade,
            Lot.produced_grams,
            Lot.source_version,
            Lot.recorded_at,
            Lot.recalled_at,
            Recall.words.label("recall_words"),
            Product.slug.label("product_slug"),
            Product.name.label("product"),
            Product.name_en.label("product_en"),
            Product.status,
            Product.illustration,
            Product.cover,
            Product.glyph,
            Product.is_sample,
            Category.tint,
            Cooperative.slug.label("cooperative_slug"),
            Cooperative.name.label("cooperative"),
            Cooperative.name_en.label("cooperative_en"),
        )
        .join(Product, Product.id == Lot.product_id)
        .outerjoin(Recall, Recall.lot_id == Lot.id)
        .join(Category, Category.id == Product.category_id)
        .join(Cooperative, Cooperative.id == Lot.cooperative_id)
        .where(Lot.code == code, Product.status != ProductStatus.DRAFT)
    )
    return db.session.execute(query).one_or_none()


def _state(lot: _LotRow, items: tuple[LotItem, ...], today: date) -> LotState:
    if lot.recalled_at is not None:
        return LotState.RECALLED
    if lot.best_before < today:
        return LotState.EXPIRED
    if lot.status == ProductStatus.RETIRED:
        return LotState.NOT_OFFERED
    if not any(item.packed for item in items):
        return LotState.NOT_PACKED
    return LotState.ON_SALE if any(item.free and item.is_offered for item in items) else LotState.GONE


def _items(lot_id: LotId) -> tuple[LotItem, ...]:
    query = (
        select(
            Sku.code,
            Sku.pack,
            Sku.pack_en,
            Sku.unit_word,
            Sku.price_fen,
            Sku.net_value,
            Sku.net_unit,
            Sku.packed_grams,
            Sku.is_offered,
            StockItem.packed,
            StockItem.held,
            StockItem.sold,
            StockItem.written_off,
        )
        .join(Sku, Sku.id == StockItem.sku_id)
        .where(StockItem.lot_id == lot_id)
        .order_by(Sku.position, Sku.id)
    )
    return tuple(rows_as(LotItem, db.session.execute(query)))


def _money(lot_id: LotId) -> tuple[VillageMoney, ...]:
    booked, refunds = gross_and_refunds()
    query = (
        select(Village.id, Village.slug, Village.name, Village.name_en, booked, refunds)
        .join(Village, Village.id == Attribution.village_id)
        .where(Attribution.lot_id == lot_id)
        .group_by(Village.id, Village.slug, Village.name, Village.name_en, Village.code)
        .order_by(booked.desc(), Village.code, Village.id)
    )
    return tuple(
        VillageMoney(VillageId(id_), slug, name, name_en, int(booked_fen), -int(back_fen))
        for id_, slug, name, name_en, booked_fen, back_fen in db.session.execute(query)
    )


def _packings(lot_id: LotId) -> tuple[Packing, ...]:
    query = (
        select(Movement.at, Movement.packed_change, Sku.pack, Sku.pack_en, Sku.unit_word)
        .join(StockItem, StockItem.id == Movement.item_id)
        .join(Sku, Sku.id == StockItem.sku_id)
        .where(StockItem.lot_id == lot_id, Movement.kind == MovementKind.PACKED)
        .order_by(Movement.at.desc(), Movement.id.desc())
        .limit(MOST_TRAIL)
    )
    return tuple(rows_as(Packing, db.session.execute(query)))
