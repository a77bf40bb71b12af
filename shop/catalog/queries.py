"""Reading the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, bindparam, select

from shop.catalog.models import Category, NetUnit, Product, ProductStatus, Sku
from shop.extensions import columns_of, db, rows_as
from shop.kit.ids import CooperativeId, ProductId, SkuId, VillageId
from shop.origin.models import Cooperative, Town, Village


@dataclass(frozen=True)
class SkuFacts:
    """A pack as a product's page shows it."""

    id: SkuId
    code: str
    pack: str
    pack_en: str
    unit_word: str
    net_value: int
    net_unit: NetUnit
    packed_grams: int
    price_fen: int


@dataclass(frozen=True)
class ProductFacts:
    """A published or retired product with its label, its origin and the packs on offer, in their order."""

    id: ProductId
    slug: str
    name: str
    name_en: str
    summary: str
    summary_en: str
    is_retired: bool
    illustration: str
    cover: str
    """The name of its first photograph's picture; empty: there is none."""
    glyph: str
    tint: str
    category_slug: str
    category: str
    category_en: str
    storage: str
    storage_en: str
    shelf_life_days: int
    first_harvest_month: int | None
    last_harvest_month: int | None
    is_cold_chain: bool
    is_perishable: bool
    ingredients: str
    standard: str
    is_sample: bool
    cooperative_id: CooperativeId
    cooperative_slug: str
    cooperative: str
    cooperative_en: str
    cooperative_is_sample: bool
    cooperative_ships_on: str
    """The days of the week on which it hands parcels over, 1 for Monday."""
    village_id: VillageId
    village_slug: str
    village: str
    village_en: str
    village_code: str | None
    town: str
    town_full: str
    town_en: str
    county_code: str
    skus: tuple[SkuFacts, ...]


_product, _sku, _category = columns_of(Product), columns_of(Sku), columns_of(Category)
_cooperative, _village, _town = columns_of(Cooperative), columns_of(Village), columns_of(Town)

# Built once: the tables' own columns, not the models', so that a page does not pay for what the ORM would do with them.
_FACTS = (
    select(
        _product.id,
        _product.slug,
        _product.name,
        _product.name_en,
        _product.summary,
        _product.summary_en,
        _product.status,
        _product.illustration,
        _product.cover,
        _product.glyph,
        _category.tint,
        _category.slug.label("category_slug"),
        _category.name.label("category"),
        _category.name_en.label("category_en"),
        _product.storage,
        _product.storage_en,
        _product.shelf_life_days,
        _product.first_harvest_month,
        _product.last_harvest_month,
        _product.is_cold_chain,
        _product.is_perishable,
        _product.ingredients,
        _product.standard,
        _product.is_sample,
        _cooperative.id.label("cooperative_id"),
        _cooperative.slug.label("cooperative_slug"),
        _cooperative.name.label("cooperative"),
        _cooperative.name_en.label("cooperative_en"),
        _cooperative.is_sample.label("cooperative_is_sample"),
        _cooperative.ships_on.label("cooperative_ships_on"),
        _village.id.label("village_id"),
        _village.slug.label("village_slug"),
        _village.name.label("village"),
        _village.name_en.label("village_en"),
        _village.code.label("village_code"),
        _town.short_name.label("town"),
        _town.name.label("town_full"),
        _town.name_en.label("town_en"),
        _town.county_code,
        _sku.id.label("sku_id"),
        _sku.code,
        _sku.pack,
        _sku.pack_en,
        _sku.unit_word,
        _sku.net_value,
        _sku.net_unit,
        _sku.packed_grams,
        _sku.price_fen,
    )
    .join_from(Product.__table__, Category.__table__, _category.id == _product.category_id)
    .join(Cooperative.__table__, _cooperative.id == _product.cooperative_id)
    .join(Village.__table__, _village.id == _product.village_id)
    .join(Town.__table__, _town.id == _village.town_id)
    .outerjoin(Sku.__table__, (_sku.product_id == _product.id) & _sku.is_offered)
    .where(_product.slug == bindparam("slug"), _product.status != ProductStatus.DRAFT)
    .order_by(_sku.position, _sku.id)
)


def find_product(slug: str) -> ProductFacts | None:
    """The product at this address, unless it is a draft. One statement."""
    rows = db.session.execute(_FACTS, {"slug": slug}).mappings().all()
    return _facts(rows[0], tuple(_pack(row) for row in rows if row["sku_id"] is not None)) if rows else None


def _facts(row: RowMapping, skus: tuple[SkuFacts, ...]) -> ProductFacts:
    return ProductFacts(
        id=ProductId(row["id"]),
        slug=row["slug"],
        name=row["name"],
        name_en=row["name_en"],
        summary=row["summary"],
        summary_en=row["summary_en"],
        is_retired=row["status"] == ProductStatus.RETIRED,
        illustration=row["illustration"] or "",
        cover=row["cover"],
        glyph=row["glyph"],
        tint=row["tint"],
        category_slug=row["category_slug"],
        category=row["category"],
        category_en=row["category_en"],
        storage=row["storage"],
        storage_en=row["storage_en"],
        shelf_life_days=row["shelf_life_days"],
        first_harvest_month=row["first_harvest_month"],
        last_harvest_month=row["last_harvest_month"],
        is_cold_chain=row["is_cold_chain"],
        is_perishable=row["is_perishable"],
        ingredients=row["ingredients"],
        standard=row["standard"],
        is_sample=row["is_sample"],
        cooperative_id=CooperativeId(row["cooperative_id"]),
        cooperative_slug=row["cooperative_slug"],
        cooperative=row["cooperative"],
        cooperative_en=row["cooperative_en"],
        cooperative_is_sample=row["cooperative_is_sample"],
        cooperative_ships_on=row["cooperative_ships_on"],
        village_id=VillageId(row["village_id"]),
        village_slug=row["village_slug"],
        village=row["village"],
        village_en=row["village_en"],
        village_code=row["village_code"],
        town=row["town"],
        town_full=row["town_full"],
        town_en=row["town_en"],
        county_code=row["county_code"],
        skus=skus,
    )


def _pack(row: RowMapping) -> SkuFacts:
    return SkuFacts(
        id=SkuId(row["sku_id"]),
        code=row["code"],
        pack=row["pack"],
        pack_en=row["pack_en"],
        unit_word=row["unit_word"],
        net_value=row["net_value"],
        net_unit=row["net_unit"],
        packed_grams=row["packed_grams"],
        price_fen=row["price_fen"],
    )


_PACKS = (
    select(_sku.id, _sku.code, _sku.pack, _sku.pack_en, _sku.unit_word, _sku.net_value, _sku.net_unit, _sku.packed_grams, _sku.price_fen)
    .where(_sku.product_id == bindparam("product_id"), _sku.is_offered)
    .order_by(_sku.position, _sku.id)
)


def packs_of(product_id: ProductId) -> Sequence[SkuFacts]:
    """The packs on offer of any product, a draft's too, in their order. One statement."""
    return rows_as(SkuFacts, db.session.execute(_PACKS, {"product_id": product_id}))
