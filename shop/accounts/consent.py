"""What people agree to, by the day its words last changed, and who agreed when."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from shop.accounts.models import Consent
from shop.extensions import db, require_transaction, rows_as
from shop.kit.ids import UserId

TERMS_VERSION = "2026-11-28"
"""The day on which the privacy notice or the rules of returns last changed in what they say. Change it with their words."""


def record_consent(user_id: UserId, *, now: datetime) -> None:
    """Step. Somebody accepted what is in force now; said twice, it is one row, the first."""
    require_transaction()
    known = select(Consent.user_id).where(Consent.user_id == user_id, Consent.version == TERMS_VERSION)
    if db.session.scalar(known) is None:
        db.session.execute(insert(Consent).values(user_id=user_id, version=TERMS_VERSION, accepted_at=now))


@dataclass(frozen=True)
class Consented:
    """One agreement."""

    version: str
    accepted_at: datetime


def consents_of(user_id: UserId) -> list[Consented]:
    """What somebody agreed to, the latest first."""
    rows = select(Consent.version, Consent.accepted_at).where(Consent.user_id == user_id).order_by(Consent.accepted_at.desc())
    return rows_as(Consented, db.session.execute(rows))
