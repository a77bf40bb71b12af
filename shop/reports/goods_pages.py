"""Goods as those who look after them see them: a cooperative its own, staff all of them, drafts too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select

from shop.catalog.models import Category, Product, ProductPhoto, ProductStatus, Sku
from shop.catalog.submissions import STANDING, Standing
from shop.extensions import columns_of, db, row_as, rows_as, table_of
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, ProductId, SkuId, VillageId
from shop.origin.models import Cooperative, CooperativeVillage, Village
from shop.outbox.models import AuditRow


@dataclass(frozen=True)
class GoodsRow:
    """One product in the list."""

    id: ProductId
    slug: str
    name: str
    name_en: str
    status: ProductStatus
    cover: str
    illustration: str | None
    glyph: str
    tint: str
    is_sample: bool
    storage: str
    shelf_life_days: int
    cooperative_id: CooperativeId | None
    cooperative: str | None
    cooperative_en: str | None
    village: str | None
    village_en: str | None
    photos: int

    @property
    def is_shown(self) -> bool:
        """Whether it has a page that everybody may open."""
        return self.status is not ProductStatus.DRAFT


_product, _category, _photo = columns_of(Product), columns_of(Category), columns_of(ProductPhoto)
_cooperative, _village = columns_of(Cooperative), columns_of(Village)
_PHOTOS = select(func.count()).where(_photo.product_id == _product.id).scalar_subquery()
_GOODS = (
    select(
        _product.id,
        _product.slug,
        _product.name,
        _product.name_en,
        _product.status,
        _product.cover,
        _product.illustration,
        _product.glyph,
        _category.tint,
        _product.is_sample,
        _product.storage,
        _product.shelf_life_days,
        _product.cooperative_id,
        _cooperative.name,
        _cooperative.name_en,
        _village.name,
        _village.name_en,
        _PHOTOS,
    )
    .join_from(table_of(Product), table_of(Category), _category.id == _product.category_id)
    .outerjoin(table_of(Cooperative), _cooperative.id == _product.cooperative_id)
    .outerjoin(table_of(Village), _village.id == _product.village_id)
)


def list_goods(cooperative_ids: Sequence[CooperativeId] | None) -> Sequence[GoodsRow]:
    """The goods of these cooperatives, of all for None; what is on the shelves first. One statement."""
    query = _of(_GOODS, cooperative_ids).order_by(_product.status != ProductStatus.PUBLISHED, _category.position, _product.id)
    return rows_as(GoodsRow, db.session.execute(query))


def get_goods(product_id: ProductId, cooperative_ids: Sequence[CooperativeId] | None) -> GoodsRow:
    """One of them. Raises NotFound, also for another cooperative's."""
    found = rows_as(GoodsRow, db.session.execute(_of(_GOODS, cooperative_ids).where(_product.id == product_id)))
    if not found:
        raise NotFound
    return found[0]


def _of(query: Select[*tuple[object, ...]], cooperative_ids: Sequence[CooperativeId] | None) -> Select[*tuple[object, ...]]:
    return query if cooperative_ids is None else query.where(_product.cooperative_id.in_(list(cooperative_ids)))


@dataclass(frozen=True)
class ProductLink:
    """Enough of a product to speak of it and lead to it."""

    slug: str
    name: str
    name_en: str


def product_of(product_id: ProductId) -> ProductLink:
    """Raises NotFound."""
    found = rows_as(
        ProductLink, db.session.execute(select(_product.slug, _product.name, _product.name_en).where(_product.id == product_id))
    )
    if not found:
        raise NotFound
    return found[0]


# ── On the way to the shelf ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class StandingRow:
    """Where a product stands, and when it is harvested."""

    standing: Standing
    first_harvest_month: int | None
    last_harvest_month: int | None


@dataclass(frozen=True)
class PriceChange:
    """One change of a price."""

    at: datetime
    before_fen: int
    after_fen: int


@dataclass(frozen=True)
class PackWithHistory:
    """A pack with what it costs and did cost, the latest change first."""

    id: SkuId
    pack: str
    pack_en: str
    price_fen: int
    is_offered: bool
    changes: tuple[PriceChange, ...] = ()


@dataclass(frozen=True)
class Named:
    """A shelf."""

    id: int
    name: str
    name_en: str


@dataclass(frozen=True)
class OwnVillage:
    """A village of a cooperative."""

    id: VillageId
    name: str
    name_en: str
    cooperative_id: CooperativeId


def standing_row(product_id: ProductId) -> StandingRow:
    """Raises NotFound."""
    columns = (STANDING, Product.first_harvest_month, Product.last_harvest_month)
    row = db.session.execute(select(*columns).where(Product.id == product_id)).one_or_none()
    if row is None:
        raise NotFound
    return StandingRow(Standing(str(row[0])), row[1], row[2])


def packs_with_history(product_id: ProductId) -> Sequence[PackWithHistory]:
    """Every pack, in its order, with its price's changes as the audit rows have them. Two statements."""
    columns = (Sku.id, Sku.pack, Sku.pack_en, Sku.price_fen, Sku.is_offered)
    rows = db.session.execute(select(*columns).where(Sku.product_id == product_id).order_by(Sku.position, Sku.id)).all()
    subjects = [f"sku:{row.id}" for row in rows]
    deeds = select(AuditRow.subject, AuditRow.at, AuditRow.facts).where(AuditRow.action == "sku.price_set", AuditRow.subject.in_(subjects))
    changes: dict[str, list[PriceChange]] = {}
    for deed in db.session.execute(deeds.order_by(AuditRow.id.desc())):
        before, after = (deed.facts[when]["price_fen"] for when in ("before", "after"))
        changes.setdefault(deed.subject, []).append(PriceChange(deed.at, before, after))
    return [row_as(PackWithHistory, (*row, tuple(changes.get(f"sku:{row.id}", ())))) for row in rows]


def draft_of(product_id: ProductId) -> dict[str, object]:
    """The draft's fields under the names of its form."""
    row = db.session.scalars(select(Product).where(Product.id == product_id)).one()
    plain = ("name", "name_en", "summary", "summary_en", "storage", "shelf_life_days", "is_cold_chain", "is_perishable")
    months = {"first_month": str(row.first_harvest_month or ""), "last_month": str(row.last_harvest_month or "")}
    return {name: getattr(row, name) for name in plain} | {"category": str(row.category_id), "village": str(row.village_id or "")} | months


def categories() -> Sequence[Named]:
    """Every shelf, in order."""
    return rows_as(Named, db.session.execute(select(Category.id, Category.name, Category.name_en).order_by(Category.position)))


def own_villages(cooperative_ids: Sequence[CooperativeId]) -> Sequence[OwnVillage]:
    """The villages whose harvest may go into the cooperatives' lots."""
    query = (
        select(Village.id, Village.name, Village.name_en, CooperativeVillage.cooperative_id)
        .join(CooperativeVillage, CooperativeVillage.village_id == Village.id)
        .where(CooperativeVillage.cooperative_id.in_(list(cooperative_ids)))
        .order_by(Village.code, Village.id)
    )
    return rows_as(OwnVillage, db.session.execute(query))
