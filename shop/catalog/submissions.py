"""A product's way to the shelf: a draft is submitted, approved by another person, then put on the shelf.

Law: who submitted it does not approve it; what is approved is what was submitted, since a draft stands still from then on; every decision stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, case, exists, func, insert, select, type_coerce, update

from shop.catalog.errors import CannotPublish, Missing, NoSuchProduct
from shop.catalog.models import Product, ProductStatus, ProductSubmission, Sku
from shop.extensions import act, db
from shop.kit.errors import Conflict, Refused
from shop.kit.ids import ProductId, UserId
from shop.outbox.service import write_audit


class Standing(StrEnum):
    """Where a product stands, with its submissions."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    """Another person is to decide."""
    REFUSED = "refused"
    """A draft again, with a reason."""
    APPROVED = "approved"
    """It may be put on the shelf."""
    PUBLISHED = "published"
    RETIRED = "retired"


class NotDraft(Conflict):
    """Only a draft that nobody is deciding about is changed or submitted."""


class NothingToDecide(Conflict):
    """It was decided meanwhile, or was never submitted."""


class NotApproved(Refused):
    """Nobody else has said yes to it."""


class OwnSubmission(Refused):
    """Who submitted it does not decide."""


_latest = select(func.max(ProductSubmission.id)).where(ProductSubmission.product_id == Product.id).correlate(Product).scalar_subquery()
_decision = select(ProductSubmission.is_approved).where(ProductSubmission.id == _latest).correlate(Product).scalar_subquery()
STANDING = case(
    (Product.status != ProductStatus.DRAFT, type_coerce(Product.status, String)),
    (_latest.is_(None), Standing.DRAFT.value),
    (_decision.is_(None), Standing.SUBMITTED.value),
    (_decision, Standing.APPROVED.value),
    else_=Standing.REFUSED.value,
)
"""Of a product, in SQL: a value of `Standing`."""


def standing_of(product_id: ProductId) -> Standing:
    """Raises NoSuchProduct."""
    found = db.session.scalar(select(STANDING).where(Product.id == product_id))
    if found is None:
        raise NoSuchProduct
    return Standing(str(found))


def is_approved(product_id: ProductId) -> bool:
    """Whether its latest submission was."""
    its = ProductSubmission.product_id == product_id
    latest = select(ProductSubmission.is_approved).where(its).order_by(ProductSubmission.id.desc()).limit(1)
    return bool(db.session.scalar(latest))


@dataclass(frozen=True)
class Submission:
    """One submission, as it went."""

    submitted_by: UserId | None
    submitted_at: datetime
    is_approved: bool | None
    decided_by: UserId | None
    decided_at: datetime | None
    why: str


def submissions_of(product_id: ProductId) -> Sequence[Submission]:
    """All of them, the latest first."""
    columns = [getattr(ProductSubmission, name) for name in Submission.__dataclass_fields__]
    rows = db.session.execute(select(*columns).where(ProductSubmission.product_id == product_id).order_by(ProductSubmission.id.desc()))
    return [Submission(*row) for row in rows]


@act
def submit(product_id: ProductId, *, by: UserId, now: datetime) -> None:
    """Ask for a decision. Raises NoSuchProduct, NotDraft, or CannotPublish while village, cooperative or packs are missing."""
    product = _lock(product_id)
    if standing_of(product_id) not in (Standing.DRAFT, Standing.REFUSED):
        raise NotDraft
    checks = {
        Missing.VILLAGE: product.village_id is not None,
        Missing.COOPERATIVE: product.cooperative_id is not None,
        Missing.OFFERED_SKU: db.session.scalar(select(exists().where(Sku.product_id == product_id, Sku.is_offered))),
    }
    if missing := frozenset(what for what, is_there in checks.items() if not is_there):
        raise CannotPublish(missing)
    row = {"product_id": product_id, "submitted_by": by, "submitted_at": now, "why": ""}
    db.session.execute(insert(ProductSubmission).values(**row))
    facts = {"before": {"state": "draft"}, "after": {"state": "submitted"}}
    write_audit("product.submitted", subject=f"product:{product_id}", by=by, facts=facts, now=now)


@act
def decide(product_id: ProductId, *, is_approved: bool, why: str, by: UserId, now: datetime) -> None:
    """Approve what was submitted, or send it back with a reason. Raises NoSuchProduct, NothingToDecide or OwnSubmission."""
    assert why or is_approved, "a refusal says why"
    _lock(product_id)
    row = db.session.execute(
        select(ProductSubmission.id, ProductSubmission.submitted_by)
        .where(ProductSubmission.product_id == product_id, ProductSubmission.decided_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NothingToDecide
    if row.submitted_by == by:
        raise OwnSubmission
    decision = {"is_approved": is_approved, "decided_by": by, "decided_at": now, "why": why}
    db.session.execute(update(ProductSubmission).where(ProductSubmission.id == row.id).values(**decision))
    facts = {"before": {"state": "submitted"}, "after": {"state": "approved" if is_approved else "refused"}, "why": why}
    write_audit("product.decided", subject=f"product:{product_id}", by=by, facts=facts, now=now)


def _lock(product_id: ProductId) -> Product:
    product = db.session.scalar(select(Product).where(Product.id == product_id).with_for_update())
    if product is None:
        raise NoSuchProduct
    return product
