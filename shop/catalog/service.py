"""The verbs of the catalogue. A slug or a SKU code names one thing for ever: named again it is the same thing and stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, insert, select, text, update

from shop.catalog.errors import BadPrice, BadSlug, CannotPublish, Missing, NoSuchProduct, SkuTaken, YieldReversed
from shop.catalog.models import Category, NetUnit, Product, ProductStatus, Sku
from shop.catalog.submissions import NotApproved, NotDraft, Standing, is_approved, standing_of
from shop.catalog.words import also_called, found_text
from shop.extensions import act, db, reading, require_transaction
from shop.kit.ids import CategoryId, CooperativeId, ProductId, SkuId, UserId, VillageId
from shop.kit.pinyin import in_letters
from shop.kit.text import is_slug
from shop.origin.models import Cooperative, CooperativeVillage, Town, Village
from shop.outbox.service import write_audit

MOST_YIELD_PERCENT = 1000
"""Ten times what went in: fruit that is mostly sugar afterwards would be less."""


@dataclass(frozen=True, kw_only=True)
class NewProduct:
    """Everything a product is made with; see the columns of `Product`. Its origin may wait."""

    slug: str
    name: str
    name_en: str
    category_id: CategoryId
    storage: str
    shelf_life_days: int
    glyph: str
    summary: str = ""
    summary_en: str = ""
    cooperative_id: CooperativeId | None = None
    village_id: VillageId | None = None
    illustration: str | None = None
    storage_en: str = ""
    first_harvest_month: int | None = None
    last_harvest_month: int | None = None
    is_cold_chain: bool = False
    is_perishable: bool = False
    ingredients: str = ""
    standard: str = ""
    origin_note: str = ""
    is_sample: bool = False
    tax_category: str = ""


@dataclass(frozen=True, kw_only=True)
class NewSku:
    """One pack; see the columns of `Sku`."""

    code: str
    pack: str
    pack_en: str
    unit_word: str
    net_value: int
    net_unit: NetUnit
    packed_grams: int
    price_fen: int


@dataclass(frozen=True)
class MadeProduct:
    """A product, since when there is one, and those of its packs that were named, by code."""

    id: ProductId
    created_at: datetime
    sku_ids: Mapping[str, SkuId]


# ── Making ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@act
def add_category(*, slug: str, name: str, name_en: str, tint: str, position: int) -> CategoryId:
    """Add a shelf by its slug. `tint` is one of the grounds of `static/css/tokens.css`: grain, nut, tea, fruit, wood or meat. Raises BadSlug."""
    known = db.session.scalar(select(Category.id).where(Category.slug == _checked(slug)))
    if known is not None:
        return CategoryId(known)
    added = db.session.scalar(
        insert(Category).values(slug=slug, name=name, name_en=name_en, tint=tint, position=position).returning(Category.id)
    )
    assert added is not None
    return CategoryId(added)


@act
def make_product(product: NewProduct, skus: Sequence[NewSku], *, now: datetime) -> MadeProduct:
    """Make a draft with its packs, in the order in which they are to be offered.

    A product whose slug is known stays as it is; packs whose code is new are added to it.
    Raises BadSlug, BadPrice, SkuTaken or, for an unknown category, NoSuchProduct.
    """
    known = db.session.execute(select(Product.id, Product.created_at).where(Product.slug == _checked(product.slug))).one_or_none()
    product_id, created_at = known if known else (_make(product, now), now)
    sku_ids = {sku.code: _add_sku(ProductId(product_id), sku, position) for position, sku in enumerate(skus)}
    return MadeProduct(ProductId(product_id), created_at, sku_ids)


def _make(product: NewProduct, now: datetime) -> ProductId:
    if db.session.scalar(select(Category.id).where(Category.id == product.category_id)) is None:
        raise NoSuchProduct
    product_id = db.session.scalar(
        insert(Product).values(**vars(product), status=ProductStatus.DRAFT, created_at=now).returning(Product.id)
    )
    assert product_id is not None
    _write_search_text(ProductId(product_id))
    return ProductId(product_id)


def _add_sku(product_id: ProductId, sku: NewSku, position: int) -> SkuId:
    known = db.session.execute(select(Sku.id, Sku.product_id).where(Sku.code == sku.code)).one_or_none()
    if known is None:
        _check_price(sku.price_fen)
        added = db.session.scalar(
            insert(Sku).values(**vars(sku), product_id=product_id, position=position, is_offered=True).returning(Sku.id)
        )
        assert added is not None
        return SkuId(added)
    if known.product_id != product_id:
        raise SkuTaken(sku.code)
    return SkuId(known.id)


# ── Changing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class DraftText:
    """What a cooperative writes of its own draft; see the columns of `Product`."""

    name: str
    name_en: str
    summary: str
    summary_en: str
    category_id: CategoryId
    village_id: VillageId
    storage: str
    shelf_life_days: int
    first_harvest_month: int | None
    last_harvest_month: int | None
    is_cold_chain: bool
    is_perishable: bool


@act
def draft_product(text_: DraftText, *, cooperative_id: CooperativeId, by: UserId, now: datetime) -> ProductId:
    """A new draft of the cooperative's; its address is made of its name's sound. Raises NoSuchProduct for an unknown category or village."""
    _need_in(text_, cooperative_id)
    slug = _free_slug(text_.name)
    values = {**vars(text_), "cooperative_id": cooperative_id, "glyph": text_.name[-1:], "status": ProductStatus.DRAFT, "is_sample": False}
    product_id = db.session.scalar(insert(Product).values(**values, slug=slug, created_at=now).returning(Product.id))
    assert product_id is not None
    _write_search_text(ProductId(product_id))
    facts = {"after": {"state": ProductStatus.DRAFT, "cooperative_id": cooperative_id}}
    write_audit("product.drafted", subject=f"product:{product_id}", by=by, facts=facts, now=now)
    return ProductId(product_id)


def _need_in(text_: DraftText, cooperative_id: CooperativeId) -> None:
    """The shelf is there, and the village is the cooperative's."""
    belongs = select(CooperativeVillage.village_id).where(
        CooperativeVillage.cooperative_id == cooperative_id, CooperativeVillage.village_id == text_.village_id
    )
    if db.session.scalar(belongs) is None or db.session.get(Category, text_.category_id) is None:
        raise NoSuchProduct


def _free_slug(name: str) -> str:
    base = in_letters(name)[:60] or "product"
    taken = set(db.session.scalars(select(Product.slug).where(Product.slug.startswith(base))))
    return next(slug for slug in (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))) if slug not in taken)


@act
def change_draft(product_id: ProductId, text_: DraftText, *, by: UserId, now: datetime) -> None:
    """Write the draft anew. Raises NoSuchProduct, or NotDraft once it is submitted, approved or was on the shelf."""
    product = _lock(product_id)
    _need_draft(product_id)
    _need_in(text_, CooperativeId(product.cooperative_id or 0))
    was = {"name": product.name, "category_id": product.category_id, "village_id": product.village_id}
    _change(product_id, **vars(text_), glyph=text_.name[-1:])
    _write_search_text(product_id)
    after = {"name": text_.name, "category_id": text_.category_id, "village_id": text_.village_id}
    write_audit("product.draft_changed", subject=f"product:{product_id}", by=by, facts={"before": was, "after": after}, now=now)


def _need_draft(product_id: ProductId) -> None:
    if standing_of(product_id) not in (Standing.DRAFT, Standing.REFUSED):
        raise NotDraft


@act
def add_pack(product_id: ProductId, pack: NewSku, *, by: UserId, now: datetime) -> SkuId:
    """One more pack of a draft. Raises NoSuchProduct, NotDraft, BadPrice or SkuTaken."""
    _lock(product_id)
    _need_draft(product_id)
    position = db.session.scalar(select(func.count()).where(Sku.product_id == product_id)) or 0
    sku_id = _add_sku(product_id, pack, position)
    facts = {"after": {"pack": pack.pack, "price_fen": pack.price_fen}}
    write_audit("sku.added", subject=f"product:{product_id}", by=by, facts=facts, now=now)
    return sku_id


@act
def set_season(product_id: ProductId, first_month: int | None, last_month: int | None, *, by: UserId, now: datetime) -> None:
    """When it is harvested: both months, or neither for all year. Raises NoSuchProduct."""
    assert (first_month is None) == (last_month is None)
    product = _lock(product_id)
    was = {"first_month": product.first_harvest_month, "last_month": product.last_harvest_month}
    after = {"first_month": first_month, "last_month": last_month}
    if was != after:
        _change(product_id, first_harvest_month=first_month, last_harvest_month=last_month)
        write_audit("product.season_set", subject=f"product:{product_id}", by=by, facts={"before": was, "after": after}, now=now)


@act
def give_origin(product_id: ProductId, *, village_id: VillageId, cooperative_id: CooperativeId, by: UserId | None, now: datetime) -> None:
    """Say where a draft that waited for its origin comes from, and who sells it. Raises NoSuchProduct."""
    before = _lock(product_id)
    was = {"village_id": before.village_id, "cooperative_id": before.cooperative_id}
    _change(product_id, village_id=village_id, cooperative_id=cooperative_id, origin_note="")
    _write_search_text(product_id)
    facts = {"before": was, "after": {"village_id": village_id, "cooperative_id": cooperative_id}}
    write_audit("product.origin_given", subject=f"product:{product_id}", by=by, facts=facts, now=now)


@act
def publish(product_id: ProductId, *, now: datetime, by: UserId | None = None) -> None:
    """Put the product on the shelves; a product that is there stays.

    Raises CannotPublish without a village, a cooperative, an offered SKU or any lot that says whose grams it is made of; NotApproved if nobody but
    who submitted it has said yes; NoSuchProduct.
    """
    product = _lock(product_id)
    if (was := product.status) == ProductStatus.PUBLISHED:
        return
    if missing := frozenset(_missing(product)):
        raise CannotPublish(missing)
    if by is not None and not is_approved(product_id):
        raise NotApproved
    _change(product_id, status=ProductStatus.PUBLISHED, published_at=product.published_at or now)
    _write_search_text(product_id)
    facts = {"before": {"state": was}, "after": {"state": ProductStatus.PUBLISHED}}
    write_audit("product.published", subject=f"product:{product_id}", by=by, facts=facts, now=now)


# Stock stands a floor above and is not imported; its tables are named as a foreign key would name them.
_HAS_LOT_SOURCE = text(
    "select 1 from lots join lot_sources on lot_sources.lot_id = lots.id and lot_sources.version = lots.source_version "
    "where lots.product_id = :product_id limit 1"
)


def _missing(product: Product) -> list[Missing]:
    is_offered = exists().where(Sku.product_id == product.id, Sku.is_offered)
    checks = {
        Missing.VILLAGE: product.village_id is not None,
        Missing.COOPERATIVE: product.cooperative_id is not None,
        Missing.OFFERED_SKU: db.session.scalar(select(is_offered)),
        Missing.LOT_SOURCE: db.session.scalar(_HAS_LOT_SOURCE, {"product_id": product.id}) is not None,
    }
    return [what for what, is_there in checks.items() if not is_there]


@act
def retire(product_id: ProductId, *, now: datetime, by: UserId | None = None) -> None:
    """Take the product off the shelves. Its page says so, baskets refuse it, old orders keep their copy. Raises NoSuchProduct."""
    if (was := _lock(product_id).status) != ProductStatus.RETIRED:
        _change(product_id, status=ProductStatus.RETIRED)
        facts = {"before": {"state": was}, "after": {"state": ProductStatus.RETIRED}}
        write_audit("product.retired", subject=f"product:{product_id}", by=by, facts=facts, now=now)


@act
def set_price(sku_id: SkuId, price_fen: int, *, now: datetime, by: UserId | None = None) -> None:
    """Ask another price from now on, tax-inclusive; orders keep theirs. Raises BadPrice or NoSuchProduct."""
    _check_price(price_fen)
    before_fen = db.session.scalar(select(Sku.price_fen).where(Sku.id == sku_id).with_for_update())
    if before_fen is None:
        raise NoSuchProduct
    if before_fen != price_fen:
        db.session.execute(update(Sku).where(Sku.id == sku_id).values(price_fen=price_fen))
        facts = {"before": {"price_fen": before_fen}, "after": {"price_fen": price_fen}}
        write_audit("sku.price_set", subject=f"sku:{sku_id}", by=by, facts=facts, now=now)


# ── What they share ───────────────────────────────────────────────────────────────────────────────────────────────────


SEARCH_VERSION = 1
"""Counted up whenever a product is to be found by other words than before; a sweep then writes those anew that an older version wrote."""
_A_ROUND = 200


def rewrite_search_texts() -> int:
    """Sweep. Write anew what products are found by where an older version of these lines wrote it; how many."""
    with reading() as session:
        behind = session.scalars(
            select(Product.id).where(Product.search_version != SEARCH_VERSION).order_by(Product.id).limit(_A_ROUND)
        ).all()
    for product_id in behind:
        rewrite_search_text(ProductId(product_id))
    return len(behind)


@act
def set_yield(product_id: ProductId, *, least_percent: int, most_percent: int, by: UserId | None, now: datetime) -> None:
    """Say how much can come of what goes into a lot, in per cent; lots that stand stay. Raises NoSuchProduct or YieldReversed."""
    if not 1 <= least_percent <= most_percent <= MOST_YIELD_PERCENT:
        raise YieldReversed(least_percent, most_percent)
    product = _lock(product_id)
    before = {"least_yield_percent": product.least_yield_percent, "most_yield_percent": product.most_yield_percent}
    values = {"least_yield_percent": least_percent, "most_yield_percent": most_percent}
    db.session.execute(update(Product).where(Product.id == product_id).values(**values))
    facts = {"before": before, "after": values}
    write_audit("product.yield_set", subject=product.slug, by=by, facts=facts, now=now)


def yield_of(product_id: ProductId) -> tuple[int, int]:
    """The least and the most that can come of what goes into a lot, in per cent."""
    columns = select(Product.least_yield_percent, Product.most_yield_percent)
    least, most = db.session.execute(columns.where(Product.id == product_id)).one()
    return least, most


@act
def rewrite_search_text(product_id: ProductId) -> None:
    """Write anew what the product is found by, after the name of its shelf, village, town or cooperative has changed. Raises NoSuchProduct."""
    _lock(product_id)
    _write_search_text(product_id)


def forget_search_texts(village_ids: Sequence[VillageId]) -> None:
    """Step. What these villages' products are found by is written anew by the next sweep."""
    require_transaction()
    db.session.execute(update(Product).where(Product.village_id.in_(list(village_ids))).values(search_version=0))


def _write_search_text(product_id: ProductId) -> None:
    """Keep what the product is found by: its names; after a bar, so that a hit in the name can be told, other words for it; its shelf, village, town and
    cooperative. All of it also as it sounds (`kit.pinyin`).

    Of the last only whole words and pairs: 粮油 finds everything on that shelf, but 油 does not find rice, nor 牛 the honey from 牛场.
    """
    own = (Product.name, Product.name_en, Product.slug)
    around = (
        *(Category.name.label("shelf"), Village.name.label("village"), Village.name_en.label("village_en")),
        *(Town.name.label("town"), Town.short_name.label("town_short"), Town.name_en.label("town_en")),
        *(Cooperative.short_name.label("cooperative"), Cooperative.name_en.label("cooperative_en")),
    )
    found_by = db.session.execute(
        select(*own, *around)
        .join(Category, Category.id == Product.category_id)
        .outerjoin(Village, Village.id == Product.village_id)
        .outerjoin(Town, Town.id == Village.town_id)
        .outerjoin(Cooperative, Cooperative.id == Product.cooperative_id)
        .where(Product.id == product_id)
    ).one()
    places = [place for place in found_by[len(own) :] if place]
    words = found_text(found_by[: len(own)], also_called(found_by.name), places)
    db.session.execute(update(Product).where(Product.id == product_id).values(search_text=words, search_version=SEARCH_VERSION))


def _lock(product_id: ProductId) -> Product:
    product = db.session.scalar(select(Product).where(Product.id == product_id).with_for_update())
    if product is None:
        raise NoSuchProduct
    return product


def _change(product_id: ProductId, **values: object) -> None:
    changed = db.session.execute(update(Product).where(Product.id == product_id).values(**values).returning(Product.id)).all()
    if not changed:
        raise NoSuchProduct


def _checked(slug: str) -> str:
    if not is_slug(slug):
        raise BadSlug(slug)
    return slug


def _check_price(price_fen: int) -> None:
    if price_fen < 1:
        raise BadPrice(price_fen)
