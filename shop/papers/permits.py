"""Licences and permits of cooperatives, shown to everybody 亮照 (Electronic Commerce Law, article 15).

Law: a permit says its number, its issuer and from when to when it holds; one that is over or withdrawn is shown as what it is, or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, insert, select, update

from shop.extensions import act, columns_of, db, rows_as, table_of
from shop.kit.errors import NotFound, Refused
from shop.kit.ids import CooperativeId, PermitId, UserId
from shop.kit.pictures import Drawn
from shop.outbox.service import write_audit
from shop.papers.models import Permit, PermitKind
from shop.pictures.models import Picture
from shop.pictures.service import keep_picture


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


_permit, _picture = columns_of(Permit), columns_of(Picture)
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
