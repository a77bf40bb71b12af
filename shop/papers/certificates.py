"""Certificates 承诺达标合格证 that go with lots (市场监管总局、农业农村部, 食用农产品承诺达标合格证): issued by their maker, printed, issued anew.

Law: one is in force for a lot, by the database; one that was replaced is kept with the reason and never changed. It is its maker's own promise; the
shop shows it and promises nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count

from sqlalchemy import Select, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from shop.extensions import act, columns_of, db, rows_as, table_of, violated
from shop.kit.errors import Conflict
from shop.kit.ids import LotId, UserId
from shop.kit.pictures import Drawn
from shop.outbox.service import write_audit
from shop.papers.models import LotCertificate, PromiseBasis, Reissue
from shop.pictures.models import Picture
from shop.pictures.service import keep_picture


class NumberUsed(Conflict):
    """The lot had a certificate of this number before."""


class IssuedMeanwhile(Conflict):
    """Somebody else has issued one since the form was drawn; nothing was replaced."""


@dataclass(frozen=True)
class CertificateFacts:
    """A lot's certificate."""

    number: str
    basis: PromiseBasis
    grams: int
    issued_on: date
    contact: str
    picture: str | None
    source_version: int
    """The version of the lot's sources that it speaks of: with a later one it has to be issued anew."""
    recorded_at: datetime
    replaced_at: datetime | None
    replaced_why: Reissue | None


_certificate, _picture = columns_of(LotCertificate), columns_of(Picture)


def _certificates() -> Select[*tuple[object, ...]]:
    columns = (
        _certificate.number,
        _certificate.basis,
        _certificate.grams,
        _certificate.issued_on,
        _certificate.contact,
        _picture.name,
        _certificate.source_version,
        _certificate.recorded_at,
        _certificate.replaced_at,
        _certificate.replaced_why,
    )
    return (
        select(*columns)
        .join_from(table_of(LotCertificate), table_of(Picture), _picture.id == _certificate.picture_id, isouter=True)
        .where(_certificate.lot_id == bindparam("lot_id"))
    )


_IN_FORCE = _certificates().where(_certificate.replaced_at.is_(None))
_EVERY = _certificates().order_by(_certificate.id.desc())


@act
def issue_certificate(
    lot_id: LotId,
    *,
    code: str,
    source_version: int,
    number: str,
    basis: PromiseBasis,
    grams: int,
    issued_on: date,
    contact: str,
    picture: Drawn | None,
    why: Reissue | None,
    seen_number: str,
    by: UserId | None,
    once: str,
    now: datetime,
) -> str:
    """Issue the certificate that goes with a lot, in place of `seen_number` if there is one, for the reason `why`. Returns its number.

    Without `number` it gets the lot's code and the next figure, e.g. BS2610A-2. A photograph that was there stays unless another is brought. The caller
    has checked whose lot it is. The same `once` issues one. Raises NumberUsed or IssuedMeanwhile.
    """
    assert contact and grams > 0, "a certificate says all this"
    known = db.session.execute(select(LotCertificate.number).where(LotCertificate.once == once)).scalar_one_or_none()
    if known is not None:
        return known
    rows = db.session.execute(
        select(LotCertificate.id, LotCertificate.number, LotCertificate.picture_id, LotCertificate.replaced_at)
        .where(LotCertificate.lot_id == lot_id)
        .with_for_update()
    ).all()
    before = next((row for row in rows if row.replaced_at is None), None)
    if (before.number if before else "") != seen_number:
        raise IssuedMeanwhile
    used = {row.number for row in rows}
    number = number or next(free for place in count(len(rows) + 1) if (free := f"{code}-{place}") not in used)
    if number in used:
        raise NumberUsed
    if before is not None:
        its = LotCertificate.id == before.id
        db.session.execute(update(LotCertificate).where(its).values(replaced_at=now, replaced_why=why or Reissue.MISTAKE))
    picture_id = keep_picture(picture, is_public=True, by=by, now=now) if picture else before.picture_id if before else None
    row = {"number": number, "basis": basis, "grams": grams, "issued_on": issued_on, "contact": contact, "picture_id": picture_id}
    row |= {"source_version": source_version, "once": once, "recorded_by": by, "recorded_at": now}
    try:
        with db.session.begin_nested():  # the first two of a lot lock no row
            db.session.execute(insert(LotCertificate).values(lot_id=lot_id, **row))
    except IntegrityError as error:
        if violated(error, "ix_certificates_in_force") or violated(error, "uq_certificates_lot_id_number"):
            raise IssuedMeanwhile from error
        raise
    facts: dict[str, object] = {"before": {"number": before.number if before else ""}, "after": {"number": number}}
    if why is not None:
        facts["reason"] = why.value
    write_audit("certificate.set", subject=f"lot:{lot_id}", by=by, facts=facts, now=now)
    return number


def find_certificate(lot_id: LotId) -> CertificateFacts | None:
    """The certificate in force of a lot, if one was issued. One statement."""
    found = rows_as(CertificateFacts, db.session.execute(_IN_FORCE, {"lot_id": lot_id}))
    return found[0] if found else None


def certificates_of(lot_id: LotId) -> Sequence[CertificateFacts]:
    """Every one that a lot had, the latest first. One statement."""
    return rows_as(CertificateFacts, db.session.execute(_EVERY, {"lot_id": lot_id}))
