"""Goods as those who look after them see them: a cooperative its own, staff all of them, drafts too."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from shop.catalog.models import Category, Product, ProductPhoto, ProductStatus
from shop.extensions import columns_of, db, rows_as, table_of
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, ProductId
from shop.origin.models import Cooperative, Village


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
