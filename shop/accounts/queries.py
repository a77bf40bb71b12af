"""Reading accounts."""

from dataclasses import dataclass

from sqlalchemy import select

from shop.accounts.models import Address, User, UserRole
from shop.accounts.roles import Role
from shop.extensions import db, rows_as
from shop.kit.ids import AddressId, EasternUnitId, UserId


@dataclass(frozen=True)
class Account:
    """What a request needs to know of the person behind it."""

    id: UserId
    session_stamp: str
    name: str
    email: str | None
    phone: str | None
    locale: str
    eastern_unit_id: EasternUnitId | None
    is_demo: bool
    roles: frozenset[Role]


@dataclass(frozen=True)
class Credentials:
    """What signing in compares."""

    user_id: UserId
    password_hash: str
    is_demo: bool


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


def find_account(user_id: UserId) -> Account | None:
    """The account, unless it was deleted."""
    columns = (
        User.id,
        User.session_stamp,
        User.name,
        User.email,
        User.phone,
        User.locale,
        User.eastern_unit_id,
        User.is_demo,
        UserRole.role,
    )
    rows = db.session.execute(
        select(*columns).outerjoin(UserRole, UserRole.user_id == User.id).where(User.id == user_id, User.deleted_at.is_(None))
    ).all()
    if not rows:
        return None
    row = rows[0]
    roles = frozenset(row.role for row in rows if row.role is not None)
    return Account(row.id, row.session_stamp, row.name, row.email, row.phone, row.locale, row.eastern_unit_id, row.is_demo, roles)


def find_credentials(*, email: str | None = None, phone: str | None = None) -> Credentials | None:
    """What to compare for somebody who gave this e-mail address (lower case) or mobile number (eleven digits)."""
    assert (email is None) != (phone is None), "one of the two"
    known_by = User.email == email if email is not None else User.phone == phone
    row = db.session.execute(select(User.id, User.password_hash, User.is_demo).where(known_by, User.deleted_at.is_(None))).one_or_none()
    return Credentials(row.id, row.password_hash, row.is_demo) if row else None


def addresses_of(user_id: UserId) -> list[BookedAddress]:
    """A buyer's address book: the default first, then the latest used."""
    columns = (Address.id, Address.name, Address.phone, Address.district_code, Address.town, Address.street, Address.is_default)
    rows = db.session.execute(
        select(*columns).where(Address.user_id == user_id).order_by(Address.is_default.desc(), Address.used_at.desc(), Address.id)
    )
    return rows_as(BookedAddress, rows)
