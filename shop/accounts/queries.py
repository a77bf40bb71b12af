"""Reading accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from shop.accounts.models import Address, SignIn, TwoFactor, User, UserRole
from shop.accounts.roles import Role
from shop.extensions import db, rows_as
from shop.kit.ids import AddressId, EasternUnitId, SignInId, UserId


@dataclass(frozen=True)
class Account:
    """What a request needs to know of the person behind it."""

    id: UserId
    name: str
    email: str | None
    phone: str | None
    locale: str
    eastern_unit_id: EasternUnitId | None
    is_demo: bool
    has_two_steps: bool
    roles: frozenset[Role]


@dataclass(frozen=True)
class Device:
    """A device that is signed in, and the account it is signed in to."""

    sign_in_id: SignInId
    seen_at: datetime
    account: Account


@dataclass(frozen=True)
class Credentials:
    """What signing in compares."""

    user_id: UserId
    password_hash: str
    is_demo: bool
    has_two_steps: bool


@dataclass(frozen=True)
class BookedAddress:
    """An entry of a buyer's address book."""

    id: AddressId
    name: str
    phone: str
    district_code: str
    town: str
    street: str
    is_default: bool


SIGNED_IN_FOR = timedelta(days=30)
"""A device that was not seen for so long is signed out."""

_ACCOUNT = (User.id, User.name, User.email, User.phone, User.locale, User.eastern_unit_id, User.is_demo)
_IS_OPEN = and_(User.deleted_at.is_(None), User.deactivated_at.is_(None))
_TWO_STEPS = and_(TwoFactor.user_id == User.id, TwoFactor.confirmed_at.is_not(None))


def find_account(user_id: UserId) -> Account | None:
    """The account, unless it was deleted or closed."""
    wanted = select(*_ACCOUNT, TwoFactor.confirmed_at, UserRole.role).outerjoin(UserRole, UserRole.user_id == User.id)
    rows = db.session.execute(wanted.outerjoin(TwoFactor, _TWO_STEPS).where(User.id == user_id, _IS_OPEN)).all()
    return _account(rows) if rows else None


def find_device(user_id: UserId, key_hash: str, *, now: datetime) -> Device | None:
    """The device with this key and whose it is, by one statement; None once it is signed out, or its account deleted or closed."""
    wanted = select(*_ACCOUNT, TwoFactor.confirmed_at, UserRole.role, SignIn.id.label("sign_in_id"), SignIn.seen_at)
    wanted = (
        wanted.join(SignIn, SignIn.user_id == User.id).outerjoin(UserRole, UserRole.user_id == User.id).outerjoin(TwoFactor, _TWO_STEPS)
    )
    is_in = (SignIn.key_hash == key_hash, SignIn.ended_at.is_(None), SignIn.seen_at > now - SIGNED_IN_FOR)
    rows = db.session.execute(wanted.where(User.id == user_id, _IS_OPEN, *is_in)).all()
    return Device(SignInId(rows[0].sign_in_id), rows[0].seen_at, _account(rows)) if rows else None


def _account(rows: Sequence[Any]) -> Account:  # Any: rows of the statements above
    row = rows[0]
    roles = frozenset(each.role for each in rows if each.role is not None)
    values = (row.id, row.name, row.email, row.phone, row.locale, row.eastern_unit_id, row.is_demo)
    return Account(*values, has_two_steps=row.confirmed_at is not None, roles=roles)


def find_credentials(*, email: str | None = None, phone: str | None = None) -> Credentials | None:
    """What to compare for somebody who gave this e-mail address (lower case) or mobile number (eleven digits)."""
    assert (email is None) != (phone is None), "one of the two"
    known_by = User.email == email if email is not None else User.phone == phone
    return _credentials(known_by)


def credentials_of(user_id: UserId) -> Credentials | None:
    """What to compare when somebody types the password once more."""
    return _credentials(User.id == user_id)


def _credentials(known_by: ColumnElement[bool]) -> Credentials | None:
    wanted = select(User.id, User.password_hash, User.is_demo, TwoFactor.confirmed_at).outerjoin(TwoFactor, _TWO_STEPS)
    row = db.session.execute(wanted.where(known_by, _IS_OPEN)).one_or_none()
    return Credentials(row.id, row.password_hash, row.is_demo, row.confirmed_at is not None) if row else None


def addresses_of(user_id: UserId) -> list[BookedAddress]:
    """A buyer's address book: the default first, then the latest used."""
    columns = (Address.id, Address.name, Address.phone, Address.district_code, Address.town, Address.street, Address.is_default)
    rows = db.session.execute(
        select(*columns).where(Address.user_id == user_id).order_by(Address.is_default.desc(), Address.used_at.desc(), Address.id)
    )
    return rows_as(BookedAddress, rows)
