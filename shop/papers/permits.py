"""Licences and permits of cooperatives, shown to everybody 亮照 (Electronic Commerce Law, article 15), and the certificates that go with lots.

Law: a permit says its number, its issuer and from when to when it holds; one that is over or withdrawn is shown as what it is, or not at all.
A certificate 承诺达标合格证 is its maker's own promise; the shop shows it and promises nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, delete, insert, select, update

from shop.extensions import act, columns_of, db, rows_as, table_of
from shop.kit.errors import NotFound, Refused
from shop.kit.ids import CooperativeId, LotId, PermitId, PictureId, UserId
from shop.kit.pictures import Drawn
from shop.outbox.service import write_audit
from shop.papers.models import LotCertificate, Permit, PermitKind, PromiseBasis
from shop.pictures.models import Picture
from shop.pictures.service import forget_pictures, keep_picture


class NoSuchPermit(NotFound):
    """There is no such permit, or it was withdrawn already."""


class DaysReversed(Refused):
    """It ends before it begins."""


@dataclass(frozen=True)
class PermitFacts:
    """One permit; `picture` is the name of its picture, or nothing."""

    id: PermitId
    cooperative_id: CooperativeId
    kind: PermitKind
    number: str
    issuer: str
    scope: str
    first_day: date
    last_day: date | None
    is_sample: bool
    picture: str | None

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on that day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True)
class CertificateFacts:
    """A lot's certificate."""

    number: str
    basis: PromiseBasis
    grams: int
    issued_on: date
    contact: str
    picture: str | None


_permit, _certificate, _picture = columns_of(Permit), columns_of(LotCertificate), columns_of(Picture)
_PERMITS = (
    select(
        _permit.id,
        _permit.cooperative_id,
        _permit.kind,
        _permit.number,
        _permit.issuer,
        _permit.scope,
        _permit.first_day,
        _permit.last_day,
        _permit.is_sample,
        _picture.name,
    )
    .join_from(table_of(Permit), table_of(Picture), _picture.id == _permit.picture_id, isouter=True)
    .where(_permit.withdrawn_at.is_(None), _permit.cooperative_id.in_(bindparam("ids", expanding=True)))
    .order_by(_permit.cooperative_id, _permit.kind, _permit.first_day.desc())
)
_CERTIFICATE = (
    select(_certificate.number, _certificate.basis, _certificate.grams, _certificate.issued_on, _certificate.contact, _picture.name)
    .join_from(table_of(LotCertificate), table_of(Picture), _picture.id == _certificate.picture_id, isouter=True)
    .where(_certificate.lot_id == bindparam("lot_id"))
)


@act
def record_permit(
    cooperative_id: CooperativeId,
    kind: PermitKind,
    *,
    number: str,
    issuer: str,
    scope: str,
    first_day: date,
    last_day: date | None,
    picture: Drawn | None,
    is_sample: bool,
    by: UserId | None,
    now: datetime,
) -> PermitId:
    """Write a permit down, with its picture; `last_day` None: without end. Raises DaysReversed."""
    assert number and issuer, "a permit has a number and an issuer"
    if last_day is not None and last_day < first_day:
        raise DaysReversed
    row = {"kind": kind, "number": number, "issuer": issuer, "scope": scope, "first_day": first_day, "last_day": last_day}
    picture_id = keep_picture(picture, is_public=True, by=by, now=now) if picture else None
    row |= {"picture_id": picture_id, "is_sample": is_sample, "recorded_by": by, "recorded_at": now}
    permit_id = db.session.scalar(insert(Permit).values(cooperative_id=cooperative_id, **row).returning(Permit.id))
    assert permit_id is not None
    facts = {"after": {"kind": kind.value, "number": number}}
    write_audit("permit.recorded", subject=f"cooperative:{cooperative_id}", by=by, facts=facts, now=now)
    return PermitId(permit_id)


@act
def withdraw_permit(permit_id: PermitId, *, by: UserId | None, now: datetime) -> None:
    """It is shown no more; the row stays. Raises NoSuchPermit."""
    its = (Permit.id == permit_id, Permit.withdrawn_at.is_(None))
    cooperative_id = db.session.scalar(update(Permit).where(*its).values(withdrawn_at=now).returning(Permit.cooperative_id))
    if cooperative_id is None:
        raise NoSuchPermit
    write_audit(
        "permit.withdrawn",
        subject=f"cooperative:{cooperative_id}",
        by=by,
        facts={"before": {"state": "published"}, "after": {"state": "withdrawn"}, "permit": permit_id},
        now=now,
    )


def permits_of(cooperative_ids: Sequence[CooperativeId]) -> Sequence[PermitFacts]:
    """Everything that was not withdrawn, also what is over. One statement."""
    return rows_as(PermitFacts, db.session.execute(_PERMITS, {"ids": list(cooperative_ids)}))


@act
def set_certificate(
    lot_id: LotId,
    *,
    number: str,
    basis: PromiseBasis,
    grams: int,
    issued_on: date,
    contact: str,
    picture: Drawn | None,
    by: UserId | None,
    now: datetime,
) -> None:
    """Write down the certificate that goes with a lot; another one takes its place. The caller has checked whose lot it is."""
    assert number and contact and grams > 0, "a certificate says all this"
    before = db.session.execute(delete(LotCertificate).where(LotCertificate.lot_id == lot_id).returning(LotCertificate.picture_id)).first()
    picture_id = keep_picture(picture, is_public=True, by=by, now=now) if picture else None
    if before and before.picture_id:
        if picture_id is None:
            picture_id = PictureId(before.picture_id)  # the figures were put right, the picture stays
        else:
            forget_pictures([PictureId(before.picture_id)])
    row = {"number": number, "basis": basis, "grams": grams, "issued_on": issued_on, "contact": contact, "picture_id": picture_id}
    db.session.execute(insert(LotCertificate).values(lot_id=lot_id, **row, recorded_by=by, recorded_at=now))
    write_audit("certificate.set", subject=f"lot:{lot_id}", by=by, facts={"after": {"number": number}}, now=now)


def find_certificate(lot_id: LotId) -> CertificateFacts | None:
    """The certificate that goes with a lot, if it was brought. One statement."""
    found = rows_as(CertificateFacts, db.session.execute(_CERTIFICATE, {"lot_id": lot_id}))
    return found[0] if found else None
