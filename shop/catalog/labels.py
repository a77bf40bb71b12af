"""What stands on a product's label, in one of two forms; what others ask for the like; the marks that a certificate allows.

Law: a label is whole or it is not there: the page does not show half of one. A mark without number, issuer and time does not exist, and one whose time is
over does not show. A price elsewhere names its source and its day, and is shown for `SHOWN_FOR` at most: a price that nobody has looked at for half a
year says nothing. Sources: GB 7718 (prepackaged food), GB 28050 (nutrition), the State Administration's rules of 2023 for the sale of farm produce.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from sqlalchemy import bindparam, insert, select, update

from shop.catalog.errors import NoSuchProduct
from shop.catalog.measures import UnitPrice, unit_price
from shop.catalog.models import LabelKind, Mark, MarkKind, NetUnit, PriceElsewhere, Product, ProductLabel
from shop.extensions import act, columns_of, db, require_transaction, rows_as, table_of
from shop.kit.errors import Conflict, NotFound, Refused
from shop.kit.ids import MarkId, PriceElsewhereId, ProductId, UserId
from shop.outbox.service import write_audit

SHOWN_FOR = timedelta(days=180)
"""How long a price elsewhere is shown after the day on which it was seen."""
MOST_PRICES = 4
"""Of one product, shown at once; the newest."""
_LICENCE = re.compile(r"SC[0-9]{14}")


class NoSuchMark(NotFound):
    """The product has no such mark, or it was withdrawn already."""


class NoSuchPrice(NotFound):
    """The product has no such price elsewhere, or it was taken away already."""


class DaysReversed(Refused):
    """It ends before it begins."""


class NotYet(Refused):
    """It was seen on a day to come."""


class MarkOverlaps(Conflict):
    """The product has a mark of this kind in a part of that time already."""


# ── The label ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Nutrition:
    """In 100 g or 100 mL: kilojoules and milligrams. Those that GB 28050 asks for; all or none."""

    energy_kj: int
    protein_mg: int
    fat_mg: int
    saturated_fat_mg: int
    carbohydrate_mg: int
    sugars_mg: int
    sodium_mg: int


NUTRIENTS = tuple(field.name for field in fields(Nutrition))


@dataclass(frozen=True, kw_only=True)
class Label:
    """Everything on the label that the pack and the lot do not say."""

    kind: LabelKind
    name: str
    """What the food really is 真实属性名称, e.g. 大米."""
    ingredients: str
    allergens: str
    producer: str
    producer_address: str
    producer_contact: str
    licence: str
    standard: str
    storage: str
    shelf_life_days: int
    nutrition: Nutrition | None
    is_sample: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that its form asks for and that are empty."""
        needed = ["name", "producer", "producer_address", "producer_contact", "storage"]
        if self.kind is LabelKind.PREPACKAGED:
            needed += ["ingredients", "licence", "standard"]
        return tuple(field for field in needed if not getattr(self, field))


def is_licence(text: str) -> bool:
    """Whether this is the number of a food production licence 食品生产许可证: SC and fourteen digits."""
    return _LICENCE.fullmatch(text) is not None


@act
def set_label(product_id: ProductId, label: Label, *, by: UserId | None, now: datetime) -> None:
    """Write the product's label down, whole. The form has seen to it that nothing is missing. Raises NoSuchProduct."""
    assert not label.missing and label.shelf_life_days > 0, "a label is whole"
    slug = _lock(product_id)
    values = {name: getattr(label, name) for name in ("kind", "name", "allergens", "producer", "producer_address", "producer_contact")}
    values |= {"licence": label.licence, "is_sample": label.is_sample, "changed_by": by, "changed_at": now}
    values |= {name: getattr(label.nutrition, name) if label.nutrition else None for name in NUTRIENTS}
    its = ProductLabel.product_id == product_id
    if not db.session.execute(update(ProductLabel).where(its).values(**values).returning(ProductLabel.product_id)).all():
        db.session.execute(insert(ProductLabel).values(product_id=product_id, **values))
    own = {name: getattr(label, name) for name in ("ingredients", "standard", "storage", "shelf_life_days")}
    db.session.execute(update(Product).where(Product.id == product_id).values(**own))
    write_audit("label.set", subject=slug, by=by, facts={"after": {"kind": label.kind.value}}, now=now)


_label, _product = columns_of(ProductLabel), columns_of(Product)
_LABEL = (
    select(
        _label.kind,
        _label.name,
        _product.ingredients,
        _label.allergens,
        _label.producer,
        _label.producer_address,
        _label.producer_contact,
        _label.licence,
        _product.standard,
        _product.storage,
        _product.shelf_life_days,
        _label.is_sample,
        *(_label[name] for name in NUTRIENTS),
    )
    .join_from(table_of(ProductLabel), table_of(Product), _product.id == _label.product_id)
    .where(_label.product_id == bindparam("product_id"))
)


def find_label(product_id: ProductId) -> Label | None:
    """The product's label; None until it was written down. One statement."""
    row = db.session.execute(_LABEL, {"product_id": product_id}).mappings().one_or_none()
    if row is None:
        return None
    told = dict(row)
    nutrients = {name: told.pop(name) for name in NUTRIENTS}
    return Label(**told, nutrition=None if nutrients["energy_kj"] is None else Nutrition(**nutrients))


# ── Prices elsewhere, and marks ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class PriceSeen:
    """What somebody else asked for the like, where, and when it was seen."""

    id: PriceElsewhereId
    what: str
    price_fen: int
    net_value: int
    net_unit: NetUnit
    source: str
    seen_on: date

    @property
    def unit_price(self) -> UnitPrice:
        """To be compared with."""
        return unit_price(self.price_fen, self.net_value, self.net_unit)


@dataclass(frozen=True)
class MarkFacts:
    """A mark with the certificate that allows it."""

    id: MarkId
    kind: MarkKind
    number: str
    issuer: str
    first_day: date
    last_day: date

    def holds_on(self, day: date) -> bool:
        """Whether it may be shown on that day."""
        return self.first_day <= day <= self.last_day


@act
def note_price(
    product_id: ProductId,
    *,
    what: str,
    price_fen: int,
    net_value: int,
    net_unit: NetUnit,
    source: str,
    seen_on: date,
    today: date,
    by: UserId | None,
    now: datetime,
) -> None:
    """Write down what the like costs elsewhere: `what` it is, as it is sold there, and where that can be seen. Raises NoSuchProduct or NotYet."""
    assert what and source and price_fen > 0 and net_value > 0, "a price elsewhere says what, where and how much"
    if seen_on > today:
        raise NotYet
    slug = _lock(product_id)
    row = {"what": what, "price_fen": price_fen, "net_value": net_value, "net_unit": net_unit, "source": source, "seen_on": seen_on}
    db.session.execute(insert(PriceElsewhere).values(product_id=product_id, **row, recorded_by=by, recorded_at=now))
    write_audit(
        "price_elsewhere.noted", subject=slug, by=by, facts={"after": {"price_fen": price_fen, "seen_on": seen_on.isoformat()}}, now=now
    )


@act
def take_price_away(product_id: ProductId, price_id: PriceElsewhereId, *, by: UserId | None, now: datetime) -> None:
    """Show it no more; the row stays. Raises NoSuchPrice."""
    its = (PriceElsewhere.id == price_id, PriceElsewhere.product_id == product_id, PriceElsewhere.withdrawn_at.is_(None))
    if not db.session.execute(update(PriceElsewhere).where(*its).values(withdrawn_at=now).returning(PriceElsewhere.id)).all():
        raise NoSuchPrice
    write_audit(
        "price_elsewhere.withdrawn",
        subject=f"product:{product_id}",
        by=by,
        facts={"before": {"state": "published"}, "after": {"state": "withdrawn"}, "price": price_id},
        now=now,
    )


@act
def give_mark(
    product_id: ProductId, kind: MarkKind, *, number: str, issuer: str, first_day: date, last_day: date, by: UserId | None, now: datetime
) -> None:
    """The product may carry a mark, by this certificate. Raises NoSuchProduct, DaysReversed or MarkOverlaps."""
    assert number and issuer, "a mark has a certificate"
    if last_day < first_day:
        raise DaysReversed
    slug = _lock(product_id)
    if any(mark.kind is kind and mark.first_day <= last_day and first_day <= mark.last_day for mark in marks_of(product_id)):
        raise MarkOverlaps
    row = {"kind": kind, "number": number, "issuer": issuer, "first_day": first_day, "last_day": last_day}
    db.session.execute(insert(Mark).values(product_id=product_id, **row, recorded_by=by, recorded_at=now))
    write_audit("mark.given", subject=slug, by=by, facts={"after": {"kind": kind.value, "number": number}}, now=now)


@act
def withdraw_mark(product_id: ProductId, mark_id: MarkId, *, by: UserId | None, now: datetime) -> None:
    """It shows no more from this moment; the row stays. Raises NoSuchMark."""
    its = (Mark.id == mark_id, Mark.product_id == product_id, Mark.withdrawn_at.is_(None))
    if not db.session.execute(update(Mark).where(*its).values(withdrawn_at=now).returning(Mark.id)).all():
        raise NoSuchMark
    write_audit(
        "mark.withdrawn",
        subject=f"product:{product_id}",
        by=by,
        facts={"before": {"state": "published"}, "after": {"state": "withdrawn"}, "mark": mark_id},
        now=now,
    )


_price, _mark = columns_of(PriceElsewhere), columns_of(Mark)
_PRICES = (
    select(_price.id, _price.what, _price.price_fen, _price.net_value, _price.net_unit, _price.source, _price.seen_on)
    .where(_price.product_id == bindparam("product_id"), _price.withdrawn_at.is_(None), _price.seen_on >= bindparam("since"))
    .order_by(_price.seen_on.desc(), _price.id.desc())
    .limit(MOST_PRICES)
)
_MARKS = (
    select(_mark.id, _mark.kind, _mark.number, _mark.issuer, _mark.first_day, _mark.last_day)
    .where(_mark.product_id == bindparam("product_id"), _mark.withdrawn_at.is_(None))
    .order_by(_mark.kind, _mark.first_day)
)


def prices_elsewhere(product_id: ProductId, *, today: date) -> Sequence[PriceSeen]:
    """What is to be shown of what the like costs elsewhere, the newest first. One statement."""
    return rows_as(PriceSeen, db.session.execute(_PRICES, {"product_id": product_id, "since": today - SHOWN_FOR}))


def marks_of(product_id: ProductId) -> Sequence[MarkFacts]:
    """All that were not withdrawn, past and to come. One statement."""
    return rows_as(MarkFacts, db.session.execute(_MARKS, {"product_id": product_id}))


def _lock(product_id: ProductId) -> str:
    require_transaction()
    slug = db.session.scalar(select(Product.slug).where(Product.id == product_id).with_for_update())
    if slug is None:
        raise NoSuchProduct
    return slug
