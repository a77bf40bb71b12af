"""Devices that are signed in.

Law: the key of a session stands in the browser's cookie alone; the table knows its hash. A device is signed out by its row, at once,
wherever it is.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import ColumnElement, insert, select, update

from shop.accounts.models import SignIn
from shop.accounts.queries import SIGNED_IN_FOR
from shop.extensions import act, db, require_transaction, rows_as
from shop.kit.errors import NotFound
from shop.kit.ids import SignInId, UserId


@dataclass(frozen=True)
class OpenSignIn:
    """One line of the list of devices."""

    id: SignInId
    device: str
    begun_at: datetime
    seen_at: datetime


def hash_key(key: str) -> str:
    """What the table keeps of a session's key, which is random enough to need no salt."""
    return sha256(key.encode()).hexdigest()


@act
def begin_sign_in(user_id: UserId, *, device: str, instead_of: SignInId | None = None, now: datetime) -> str:
    """A new device is signed in; its key, which is told once. `instead_of`: the same device under a new key, its old one worth nothing."""
    key = secrets.token_hex(16)
    if instead_of is not None:
        _end(user_id, SignIn.id == instead_of, now=now)
    db.session.execute(
        insert(SignIn).values(user_id=user_id, key_hash=hash_key(key), device=device[:60], begun_at=now, seen_at=now, ended_at=None)
    )
    return key


@act
def note_seen(sign_in_id: SignInId, *, now: datetime) -> None:
    """The device was here."""
    db.session.execute(update(SignIn).where(SignIn.id == sign_in_id).values(seen_at=now))


@act
def end_sign_in(user_id: UserId, sign_in_id: SignInId, *, now: datetime) -> None:
    """Sign one of one's own devices out.

    Raises NotFound.
    """
    if not _end(user_id, SignIn.id == sign_in_id, now=now):
        raise NotFound


@act
def end_other_sign_ins(user_id: UserId, kept: SignInId, *, now: datetime) -> int:
    """Sign out every device but this one; how many."""
    return end_all(user_id, now=now, but=kept)


def end_all(user_id: UserId, *, now: datetime, but: SignInId | None = None) -> int:
    """Step. Sign out every device; how many."""
    require_transaction()
    return _end(user_id, SignIn.id != but if but is not None else SignIn.id.is_not(None), now=now)


def _end(user_id: UserId, which: ColumnElement[bool], *, now: datetime) -> int:
    ended = update(SignIn).where(SignIn.user_id == user_id, SignIn.ended_at.is_(None), which).values(ended_at=now)
    return len(db.session.execute(ended.returning(SignIn.id)).all())


def open_sign_ins(user_id: UserId, *, now: datetime) -> list[OpenSignIn]:
    """The devices that are signed in, those seen last first."""
    is_open = (SignIn.user_id == user_id, SignIn.ended_at.is_(None), SignIn.seen_at > now - SIGNED_IN_FOR)
    wanted = select(SignIn.id, SignIn.device, SignIn.begun_at, SignIn.seen_at).where(*is_open)
    return rows_as(OpenSignIn, db.session.execute(wanted.order_by(SignIn.seen_at.desc(), SignIn.id.desc())))
