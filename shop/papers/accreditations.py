"""Products recognised by an authority for a time (帮扶产品认定 and the like): number, issuer, first and last day.

Law: times of one product never overlap. What a sale counts as is decided when it is booked, by the day of sale and what is recorded by then, and stays
with the sale for good: an accreditation recorded late changes no figure that stands, it counts for what is booked from then on (DESIGN §2.7).
A mistake is not deleted; it is withdrawn from a day on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import bindparam, insert, select, update

from shop.catalog.models import Product
from shop.extensions import act, columns_of, db, rows_as
from shop.kit.errors import Conflict, NotFound, Refused
from shop.kit.ids import AccreditationId, ProductId, UserId
from shop.outbox import service as outbox
from shop.papers import attachments
from shop.papers.attachments import Cleaned
from shop.papers.models import Accreditation

SUBJECT = "accreditation"
"""Of attachments: the certificate's file."""


class NoSuchAccreditation(NotFound):
    """There is no such accreditation, or no such product."""


class DaysReversed(Refused):
    """It ends before it begins."""


class NoProof(Refused):
    """Neither a file of the certificate nor where the paper lies."""


class Overlapping(Conflict):
    """The product is accredited in a part of that time already."""

    def __init__(self, number: str, first_day: date, last_day: date) -> None:
        super().__init__(number, first_day, last_day)
        self.number = number
        self.first_day = first_day
        self.last_day = last_day


class AlreadyWithdrawn(Conflict):
    """It was withdrawn before."""


class OutsideItsTime(Refused):
    """It can be withdrawn only from a day of its own time on."""


@dataclass(frozen=True)
class Valid:
    """An accreditation while it holds: `last_day` is the day before it was withdrawn, if it was; a time that never was is left out."""

    id: AccreditationId
    product_id: ProductId
    number: str
    issuer: str
    first_day: date
    last_day: date


def record(
    product_id: ProductId,
    *,
    number: str,
    issuer: str,
    first_day: date,
    last_day: date,
    paper: str,
    file: bytes | None,
    instance_path: Path,
    by: UserId,
    once: str,
    now: datetime,
) -> AccreditationId:
    """Course. Write a product's accreditation down, with the certificate's file as it was brought, or where the paper lies.

    The same `once` (at most 40 characters) is the same one. Raises CannotKeep, NoSuchAccreditation, DaysReversed, NoProof or Overlapping.
    """
    cleaned = attachments.clean_upload(file) if file is not None else None
    if cleaned is not None:
        attachments.write_bytes(cleaned, instance_path)
    values = {"number": number, "issuer": issuer, "first_day": first_day, "last_day": last_day, "paper": paper, "once": once}
    return _record(product_id, values, first_day, last_day, cleaned, by=by, once=once, now=now)


@act
def _record(
    product_id: ProductId,
    values: Mapping[str, object],
    first_day: date,
    last_day: date,
    file: Cleaned | None,
    *,
    by: UserId,
    once: str,
    now: datetime,
) -> AccreditationId:
    known = db.session.scalar(select(Accreditation.id).where(Accreditation.once == once))
    if known is not None:
        return AccreditationId(known)
    if last_day < first_day:
        raise DaysReversed
    if file is None and not values["paper"]:
        raise NoProof
    slug = db.session.scalar(select(Product.slug).where(Product.id == product_id).with_for_update())  # two at once would not see each other
    if slug is None:
        raise NoSuchAccreditation
    for other in valid_times([product_id]):
        if other.first_day <= last_day and first_day <= other.last_day:
            raise Overlapping(other.number, other.first_day, other.last_day)
    row = {**values, "product_id": product_id, "recorded_by": by, "recorded_at": now}
    accreditation_id = db.session.scalar(insert(Accreditation).values(**row).returning(Accreditation.id))
    assert accreditation_id is not None
    if file is not None:
        attachments.attach(file, subject_kind=SUBJECT, subject_id=accreditation_id, by=by, now=now)
    facts = {"number": values["number"], "first_day": first_day.isoformat(), "last_day": last_day.isoformat()}
    outbox.write_audit("accreditation.recorded", subject=slug, by=by, facts={"after": facts}, now=now)
    return AccreditationId(accreditation_id)


@act
def withdraw(accreditation_id: AccreditationId, *, on: date, why: str, by: UserId, now: datetime) -> None:
    """From the day `on` it no longer counts; what was sold before, or is booked already, stays as it was counted.

    Raises NoSuchAccreditation, AlreadyWithdrawn or OutsideItsTime.
    """
    row = db.session.execute(
        select(Accreditation.product_id, Accreditation.number, Accreditation.first_day, Accreditation.last_day, Accreditation.withdrawn_on)
        .where(Accreditation.id == accreditation_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NoSuchAccreditation
    if row.withdrawn_on is not None:
        raise AlreadyWithdrawn
    if not row.first_day <= on <= row.last_day:
        raise OutsideItsTime
    values = {"withdrawn_on": on, "withdrawn_by": by, "withdrawn_at": now, "why": why}
    db.session.execute(update(Accreditation).where(Accreditation.id == accreditation_id).values(**values))
    slug = db.session.scalars(select(Product.slug).where(Product.id == row.product_id)).one()
    days = {"before": {"last_day": row.last_day.isoformat()}, "after": {"withdrawn_on": on.isoformat()}}
    facts = days | {"number": row.number, "reason": why}
    outbox.write_audit("accreditation.withdrawn", subject=slug, by=by, facts=facts, now=now)


_accreditation = columns_of(Accreditation)
_OF_PRODUCTS = (
    select(
        _accreditation.id,
        _accreditation.product_id,
        _accreditation.number,
        _accreditation.issuer,
        _accreditation.first_day,
        _accreditation.last_day,
        _accreditation.withdrawn_on,
    )
    .where(_accreditation.product_id.in_(bindparam("products", expanding=True)))
    .order_by(_accreditation.product_id, _accreditation.first_day)
)


def valid_times(product_ids: Iterable[ProductId]) -> Sequence[Valid]:
    """All times in which the products are accredited, past and to come, by product and day."""
    rows = db.session.execute(_OF_PRODUCTS, {"products": sorted(set(product_ids))})
    found = []
    for row in rows:
        last_day = row.last_day if row.withdrawn_on is None else date.fromordinal(row.withdrawn_on.toordinal() - 1)
        if row.first_day <= last_day:
            found.append((*row[:5], last_day))
    return rows_as(Valid, found)


def accredited_on(sold: Iterable[tuple[ProductId, date]]) -> set[tuple[ProductId, date]]:
    """Of products, each with a day of sale, those that were accredited on that day. One statement for all."""
    wanted = set(sold)
    if not wanted:
        return set()
    times = valid_times(product_id for product_id, _ in wanted)
    return {
        (product_id, day)
        for product_id, day in wanted
        if any(time.product_id == product_id and time.first_day <= day <= time.last_day for time in times)
    }
