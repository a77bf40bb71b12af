"""Accreditations of products as staff see them: valid from when to when, what was counted under each, and what was not because it was recorded late."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, and_, case, cast, func, select

from shop.accounts.models import User
from shop.catalog.models import Product, ProductStatus
from shop.extensions import db, rows_as
from shop.kit.ids import AccreditationId, ProductId
from shop.ledger.models import Attribution
from shop.orders.models import OrderLine
from shop.papers.accreditations import SUBJECT
from shop.papers.models import Accreditation, Attachment


@dataclass(frozen=True)
class AccreditationInList:
    """One accreditation."""

    id: AccreditationId
    product_id: ProductId
    product_name: str
    product_name_en: str
    product_slug: str
    number: str
    issuer: str
    first_day: date
    last_day: date
    paper: str
    attachment_id: int | None
    recorded_at: datetime
    recorded_by: str
    withdrawn_on: date | None
    why: str
    counted_fen: int
    """Sales of its time, refunds taken off, that count as accredited."""
    uncounted_fen: int
    """Those that do not: booked before it was recorded, or after it was withdrawn."""

    def holds_on(self, day: date) -> bool:
        """Whether a sale of that day counts."""
        return self.first_day <= day <= self.last_day and (self.withdrawn_on is None or day < self.withdrawn_on)


@dataclass(frozen=True)
class AccreditableProduct:
    """A product that one may be recorded for."""

    id: ProductId
    name: str
    name_en: str


def list_accreditations() -> tuple[AccreditationInList, ...]:
    """All of them, the latest end first."""
    attachment = select(func.max(Attachment.id)).where(Attachment.subject_kind == SUBJECT, Attachment.subject_id == Accreditation.id)
    sums = (
        select(
            Accreditation.id,
            cast(func.sum(case((Attribution.is_accredited, Attribution.amount_fen), else_=0)), BigInteger).label("counted"),
            cast(func.sum(case((Attribution.is_accredited, 0), else_=Attribution.amount_fen)), BigInteger).label("uncounted"),
        )
        .join(OrderLine, OrderLine.product_id == Accreditation.product_id)
        .join(
            Attribution,
            and_(Attribution.line_id == OrderLine.id, Attribution.sold_on.between(Accreditation.first_day, Accreditation.last_day)),
        )
        .group_by(Accreditation.id)
        .subquery()
    )
    rows = db.session.execute(
        select(
            Accreditation.id,
            Product.id,
            Product.name,
            Product.name_en,
            Product.slug,
            Accreditation.number,
            Accreditation.issuer,
            Accreditation.first_day,
            Accreditation.last_day,
            Accreditation.paper,
            attachment.correlate(Accreditation).scalar_subquery(),
            Accreditation.recorded_at,
            User.name,
            Accreditation.withdrawn_on,
            Accreditation.why,
            func.coalesce(sums.c.counted, 0),
            func.coalesce(sums.c.uncounted, 0),
        )
        .join(Product, Product.id == Accreditation.product_id)
        .join(User, User.id == Accreditation.recorded_by)
        .outerjoin(sums, sums.c.id == Accreditation.id)
        .order_by(Accreditation.last_day.desc(), Accreditation.id.desc())
    )
    return tuple(rows_as(AccreditationInList, rows))


def accreditable() -> tuple[AccreditableProduct, ...]:
    """Products that are offered, by name."""
    query = select(Product.id, Product.name, Product.name_en).where(Product.status == ProductStatus.PUBLISHED).order_by(Product.name)
    return tuple(rows_as(AccreditableProduct, db.session.execute(query)))
