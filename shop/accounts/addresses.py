"""The address book: its owner adds, changes and takes out addresses and says which one is used first.

Law: of somebody's addresses at most one is the default (a unique key holds it), and the first one is; nobody touches another's.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from shop.accounts.errors import NoSuchAddress, TooManyAddresses
from shop.accounts.models import Address, User
from shop.extensions import act, columns_of, db, lock_in_order, table_of
from shop.kit.ids import AddressId, UserId

MOST_ADDRESSES = 30

_row = columns_of(Address)


@dataclass(frozen=True)
class Written:
    """An address as it is written down, checked."""

    name: str
    phone: str
    district_code: str
    town: str
    street: str


@act
def add_address(user_id: UserId, written: Written, *, is_default: bool, now: datetime) -> AddressId:
    """A new address; one that stands there already stays one. The first becomes the default. Raises TooManyAddresses."""
    lock_in_order(User, [user_id])
    same = [_row.user_id == user_id, *(_row[name] == value for name, value in _values(written).items())]
    known = db.session.scalar(select(_row.id).where(*same).limit(1))
    count = db.session.scalar(select(func.count()).select_from(table_of(Address)).where(_row.user_id == user_id)) or 0
    if known is None:
        if count >= MOST_ADDRESSES:
            raise TooManyAddresses(MOST_ADDRESSES)
        values = {**_values(written), "user_id": user_id, "is_default": False, "used_at": now}
        known = db.session.scalar(insert(table_of(Address)).values(**values).returning(_row.id))
    assert known is not None
    if is_default or not count:
        _set_default(user_id, AddressId(known))
    return AddressId(known)


@act
def change_address(user_id: UserId, address_id: AddressId, written: Written, *, is_default: bool) -> None:
    """Write it differently. Orders keep what they copied. Raises NoSuchAddress."""
    lock_in_order(User, [user_id])
    _get(user_id, address_id)
    db.session.execute(update(table_of(Address)).where(_row.id == address_id).values(**_values(written)))
    if is_default:
        _set_default(user_id, address_id)


@act
def remove_address(user_id: UserId, address_id: AddressId) -> None:
    """Take it out; if it was the default, the one used last becomes it. Raises NoSuchAddress."""
    lock_in_order(User, [user_id])
    was_default = _get(user_id, address_id)
    db.session.execute(delete(table_of(Address)).where(_row.id == address_id))
    if was_default:
        latest = db.session.scalar(select(_row.id).where(_row.user_id == user_id).order_by(_row.used_at.desc(), _row.id).limit(1))
        if latest is not None:
            _set_default(user_id, AddressId(latest))


@act
def make_default(user_id: UserId, address_id: AddressId) -> None:
    """Use it first. Raises NoSuchAddress."""
    lock_in_order(User, [user_id])
    _get(user_id, address_id)
    _set_default(user_id, address_id)


def _get(user_id: UserId, address_id: AddressId) -> bool:
    """Whether it is the default. Raises NoSuchAddress, of another's too."""
    found = db.session.scalar(select(_row.is_default).where(_row.id == address_id, _row.user_id == user_id))
    if found is None:
        raise NoSuchAddress
    return bool(found)


def _set_default(user_id: UserId, address_id: AddressId) -> None:
    db.session.execute(
        update(table_of(Address)).where(_row.user_id == user_id, _row.is_default, _row.id != address_id).values(is_default=False)
    )
    db.session.execute(update(table_of(Address)).where(_row.id == address_id).values(is_default=True))


def _values(written: Written) -> dict[str, str]:
    return {
        "name": written.name,
        "phone": written.phone,
        "district_code": written.district_code,
        "town": written.town,
        "street": written.street,
    }
