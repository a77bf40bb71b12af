"""Telling somebody at once that what opens their account was changed."""

from datetime import datetime
from typing import Literal

from sqlalchemy import select

from shop.accounts.models import User
from shop.extensions import db, require_transaction
from shop.kit.ids import UserId
from shop.outbox import service as outbox

Changed = Literal["password", "email", "phone", "two_factor"]


def tell_of_change(user_id: UserId, what: Changed, *, now: datetime) -> None:
    """Step. Leave a letter to where the person is reached *now*: call it before an address changes."""
    require_transaction()
    row = db.session.execute(select(User.email, User.phone, User.locale).where(User.id == user_id)).one()
    outbox.write_letter(
        "account_changed",
        once=f"changed:{user_id}:{what}:{now.timestamp():.0f}",
        subject=f"user:{user_id}",
        locale=row.locale,
        to_email=row.email,
        to_phone=row.phone,
        facts={"user_id": user_id, "what": what, "at": now.isoformat()},
        now=now,
    )
