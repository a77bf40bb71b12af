"""Tables of the catalogue."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model, choice


class ProductStatus(StrEnum):
    """Where a product stands between an idea and the shelf."""

    DRAFT = "draft"
    """Not complete, or waiting for its origin; never shown, never sold."""
    PUBLISHED = "published"
    """On the shelves."""
    RETIRED = "retired"
    """No longer offered; its page says so, old orders keep their copy."""


class NetUnit(StrEnum):
    """Unit of a net content."""

    GRAM = "g"
    MILLILITRE = "mL"
    PIECE = "pc"
    """枚, 根, 朵: counted goods."""


class LabelKind(StrEnum):
    """Which of the two forms a label has."""

    PREPACKAGED = "prepackaged"
    """预包装食品, GB 7718: made, packed and sealed by a licensed maker."""
    PRODUCE = "produce"
    """食用农产品: as it grew, at most dried, sorted and packed; no production licence."""


class MarkKind(StrEnum):
    """A mark that a product may carry only with a certificate."""

    GREEN = "green"
    """绿色食品."""
    ORGANIC = "organic"
    """有机产品."""
    GEOGRAPHICAL = "geographical"
    """地理标志."""


class Category(Model):
    """A shelf."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(30))
    name_en: Mapped[str] = mapped_column(String(40))
    tint: Mapped[str] = mapped_column(String(10))
    """The ground behind its pictures: grain, nut, tea, fruit, wood or meat."""
    position: Mapped[int]


class Product(Model):
    """What is offered: one produce of one cooperative, in one or more packs."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("status <> 'published' OR (village_id IS NOT NULL AND cooperative_id IS NOT NULL)", name="published_has_origin"),
        CheckConstraint("first_harvest_month BETWEEN 1 AND 12 AND last_harvest_month BETWEEN 1 AND 12", name="harvest_months"),
        CheckConstraint("shelf_life_days > 0", name="shelf_life"),
        CheckConstraint("least_yield_percent >= 1", name="least_yield"),
        CheckConstraint("most_yield_percent <= 1000", name="most_yield"),
        Index("ix_products_shelf", "status", "category_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    """Stable ASCII pinyin; an address never changes."""
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(80))
    summary: Mapped[str] = mapped_column(String(300), default="")
    summary_en: Mapped[str] = mapped_column(String(400), default="")
    category_id: Mapped[int] = mapped_column(BigId, ForeignKey("categories.id"))
    cooperative_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("cooperatives.id"), index=True)
    village_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("villages.id"), index=True)
    """The village it is known for; whose money a sale is comes from the lot, not from here."""
    status: Mapped[ProductStatus] = mapped_column(choice(ProductStatus, "status"))
    illustration: Mapped[str | None] = mapped_column(String(40))
    """An illustration's file name without `.svg`; none: the product's own character on a plate."""
    glyph: Mapped[str] = mapped_column(String(2))
    cover: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """The name of its first photograph's picture, kept here so that shelves and baskets need not look for it; empty: the illustration stands."""
    storage: Mapped[str] = mapped_column(String(60))
    storage_en: Mapped[str] = mapped_column(String(120), default="")
    shelf_life_days: Mapped[int]
    least_yield_percent: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    most_yield_percent: Mapped[int] = mapped_column(SmallInteger, default=1000, server_default="1000")
    """Of what goes into a lot, how much can come out of it: paddy loses a third, jam gains sugar."""
    first_harvest_month: Mapped[int | None]
    last_harvest_month: Mapped[int | None]
    """Inclusive; smaller than the first when the season runs over New Year; none: made all year."""
    is_cold_chain: Mapped[bool] = mapped_column(default=False)
    is_perishable: Mapped[bool] = mapped_column(default=False)
    """Exempt from the seven-day return if the buyer confirmed so at purchase (DESIGN §4)."""
    ingredients: Mapped[str] = mapped_column(String(200), default="")
    standard: Mapped[str] = mapped_column(String(60), default="")
    """The standard it is made to, e.g. GB/T 1354-2018; empty: not given yet."""
    origin_note: Mapped[str] = mapped_column(String(200), default="")
    """Why a draft waits, e.g. that its origin is another county."""
    is_sample: Mapped[bool] = mapped_column(default=False)
    """Price, pack or label data are placeholders: the page says 示例."""
    tax_category: Mapped[str] = mapped_column(String(20), default="")
    search_text: Mapped[str] = mapped_column(Text, default="")
    """Tokens of everything it is found by, each between spaces (`catalog.words.found_text`)."""
    search_version: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """Of the lines that wrote it (`catalog.service.SEARCH_VERSION`); others are written anew by a sweep."""
    created_at: Mapped[datetime] = mapped_column(Instant)
    published_at: Mapped[datetime | None] = mapped_column(Instant)


class ProductSubmission(Model):
    """A draft put before somebody else, and what they decided. One is open at a time; decisions stay."""

    __tablename__ = "product_submissions"
    __table_args__ = (
        Index(
            "ix_product_submissions_open",
            "product_id",
            unique=True,
            postgresql_where=text("decided_at IS NULL"),
            sqlite_where=text("decided_at IS NULL"),
        ),
        Index("ix_product_submissions_product", "product_id", "id"),
        CheckConstraint("(decided_at IS NULL) = (is_approved IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)", name="decided"),
        CheckConstraint("decided_by <> submitted_by", name="four_eyes"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"))
    submitted_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    submitted_at: Mapped[datetime] = mapped_column(Instant)
    is_approved: Mapped[bool | None]
    decided_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    why: Mapped[str] = mapped_column(String(200), default="", server_default="")


class ProductPhoto(Model):
    """A photograph of a product, in its place. Words for it in both languages, since whoever cannot see it wants to know as well."""

    __tablename__ = "product_photos"
    __table_args__ = (UniqueConstraint("picture_id"), Index("ix_product_photos_product", "product_id", "position"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"))
    picture_id: Mapped[int] = mapped_column(BigId, ForeignKey("pictures.id"))
    position: Mapped[int]
    alt: Mapped[str] = mapped_column(String(120))
    alt_en: Mapped[str] = mapped_column(String(160), default="")
    """Empty: the Chinese words stand, marked as Chinese."""
    added_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    added_at: Mapped[datetime] = mapped_column(Instant)


class Sku(Model):
    """What is priced and counted: one pack of one product."""

    __tablename__ = "skus"
    __table_args__ = (
        CheckConstraint("price_fen > 0", name="price"),
        CheckConstraint("net_value > 0 AND packed_grams > 0", name="content"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"), index=True)
    pack: Mapped[str] = mapped_column(String(40))
    """5 kg 编织袋"""
    pack_en: Mapped[str] = mapped_column(String(60))
    unit_word: Mapped[str] = mapped_column(String(4))
    """袋, 罐, 瓶, 盒: what one of it is called."""
    net_value: Mapped[int]
    net_unit: Mapped[NetUnit] = mapped_column(choice(NetUnit, "net_unit"))
    packed_grams: Mapped[int]
    """Weight of the content, in grams: what shipping, lots and reports count."""
    price_fen: Mapped[int]
    """Tax-inclusive, CNY."""
    is_offered: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)


class ProductLabel(Model):
    """What stands on a product's label besides what the product, its pack and its lot say themselves."""

    __tablename__ = "product_labels"
    __table_args__ = (
        CheckConstraint(
            "(energy_kj IS NULL) = (protein_mg IS NULL) AND (energy_kj IS NULL) = (fat_mg IS NULL)"
            " AND (energy_kj IS NULL) = (saturated_fat_mg IS NULL) AND (energy_kj IS NULL) = (carbohydrate_mg IS NULL)"
            " AND (energy_kj IS NULL) = (sugars_mg IS NULL) AND (energy_kj IS NULL) = (sodium_mg IS NULL)",
            name="nutrition",
        ),
    )

    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"), primary_key=True, autoincrement=False)
    kind: Mapped[LabelKind] = mapped_column(choice(LabelKind, "kind"))
    name: Mapped[str] = mapped_column(String(60))
    """What the food really is 真实属性名称."""
    allergens: Mapped[str] = mapped_column(String(120), default="")
    producer: Mapped[str] = mapped_column(String(80))
    producer_address: Mapped[str] = mapped_column(String(120))
    producer_contact: Mapped[str] = mapped_column(String(60))
    """The maker's business telephone, as printed on the bag."""
    licence: Mapped[str] = mapped_column(String(40), default="")
    """食品生产许可证 SC…, or the registration of a small workshop; empty for farm produce."""
    energy_kj: Mapped[int | None]
    """In 100 g or 100 mL, as all that follow; all or none."""
    protein_mg: Mapped[int | None]
    fat_mg: Mapped[int | None]
    saturated_fat_mg: Mapped[int | None]
    carbohydrate_mg: Mapped[int | None]
    sugars_mg: Mapped[int | None]
    sodium_mg: Mapped[int | None]
    is_sample: Mapped[bool] = mapped_column(default=False)
    changed_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    changed_at: Mapped[datetime] = mapped_column(Instant)


class Mark(Model):
    """A mark with the certificate that allows it. A mistake is withdrawn, not deleted."""

    __tablename__ = "product_marks"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="days"),
        CheckConstraint("number <> '' AND issuer <> ''", name="certificate"),
        Index("ix_product_marks_product", "product_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"))
    kind: Mapped[MarkKind] = mapped_column(choice(MarkKind, "kind"))
    number: Mapped[str] = mapped_column(String(60))
    issuer: Mapped[str] = mapped_column(String(80))
    first_day: Mapped[date]
    last_day: Mapped[date]
    """Inclusive."""
    recorded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class PriceElsewhere(Model):
    """What somebody else asked for the like, with the source and the day. Never changed; one that is wrong is withdrawn."""

    __tablename__ = "prices_elsewhere"
    __table_args__ = (
        CheckConstraint("price_fen > 0 AND net_value > 0", name="positive"),
        CheckConstraint("source <> ''", name="source"),
        Index("ix_prices_elsewhere_product", "product_id", "seen_on"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId, ForeignKey("products.id"))
    what: Mapped[str] = mapped_column(String(80))
    """As it is sold there: 某东北大米 5 kg 袋装."""
    price_fen: Mapped[int]
    net_value: Mapped[int]
    net_unit: Mapped[NetUnit] = mapped_column(choice(NetUnit, "net_unit"))
    source: Mapped[str] = mapped_column(String(160))
    seen_on: Mapped[date]
    recorded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
