"""Opening an account, signing in, the address book."""

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from shop.accounts import passwords
from shop.accounts.consent import record_consent
from shop.accounts.errors import AlreadyKnown, WrongPassword
from shop.accounts.models import Address, User, UserRole
from shop.accounts.queries import Credentials, credentials_of, find_credentials
from shop.accounts.roles import Role
from shop.extensions import act, db, end_reading, require_transaction, violated
from shop.kit.ids import EasternUnitId, UserId


@act
def open_account(
    *,
    email: str | None,
    phone: str | None,
    password_hash: str,
    name: str,
    locale: str,
    now: datetime,
    roles: frozenset[Role] = frozenset(),
    eastern_unit_id: EasternUnitId | None = None,
    is_demo: bool = False,
) -> UserId:
    """Open an account for somebody who agreed to how their data is used.

    `email` in lower case, `phone` eleven digits, one of the two at least; `password_hash` from `passwords.hash_password`, made before the act
    since it is slow on purpose.
    Raises AlreadyKnown.
    """
    return put_account(
        email=email,
        phone=phone,
        password_hash=password_hash,
        name=name,
        locale=locale,
        now=now,
        roles=roles,
        eastern_unit_id=eastern_unit_id,
        is_demo=is_demo,
    )


def put_account(
    *,
    email: str | None,
    phone: str | None,
    password_hash: str,
    name: str,
    locale: str,
    now: datetime,
    roles: frozenset[Role] = frozenset(),
    eastern_unit_id: EasternUnitId | None = None,
    is_demo: bool = False,
) -> UserId:
    """Step. The same within another act. Raises AlreadyKnown."""
    require_transaction()
    try:
        user_id = db.session.scalar(
            insert(User)
            .values(
                email=email,
                phone=phone,
                password_hash=password_hash,
                name=name,
                locale=locale,
                eastern_unit_id=eastern_unit_id,
                is_demo=is_demo,
                consented_at=now,
                created_at=now,
            )
            .returning(User.id)
        )
    except IntegrityError as error:
        if violated(error, "uq_users_email") or violated(error, "uq_users_phone"):
            raise AlreadyKnown from error
        raise
    assert user_id is not None
    record_consent(UserId(user_id), now=now)
    if roles:
        db.session.execute(insert(UserRole), [{"user_id": user_id, "role": role} for role in sorted(roles)])
    return UserId(user_id)


def check_password(*, email: str | None, phone: str | None, password: str, allow_demo: bool) -> Credentials:
    """Whose account this is, and whether it asks for a second step. Demo accounts open only where `allow_demo` says so.

    Re-hashes when the parameters have risen.

    Raises WrongPassword.
    """
    known = find_credentials(email=email, phone=phone)
    end_reading()  # comparing takes tens of milliseconds; no transaction waits for it
    if known and known.is_demo and not allow_demo:
        known = None
    if not passwords.matches(known.password_hash if known else None, password) or known is None:
        raise WrongPassword
    if passwords.needs_rehash(known.password_hash):
        _store_hash(known.user_id, passwords.hash_password(password))
    return known


def check_again(user_id: UserId, password: str) -> None:
    """Somebody signed in types the password once more before a change that would lock the owner out.

    Raises WrongPassword.
    """
    known = credentials_of(user_id)
    end_reading()
    if not passwords.matches(known.password_hash if known else None, password):
        raise WrongPassword


@act
def _store_hash(user_id: UserId, password_hash: str) -> None:
    db.session.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))


def remember_address(user_id: UserId, *, name: str, phone: str, district_code: str, town: str, street: str, now: datetime) -> None:
    """Step. Put the address into the buyer's book, or mark it used if it stands there; the first becomes the default."""
    require_transaction()
    same = (
        Address.user_id == user_id,
        Address.name == name,
        Address.phone == phone,
        Address.district_code == district_code,
        Address.town == town,
        Address.street == street,
    )
    known = db.session.scalar(select(Address.id).where(*same).limit(1))
    if known is not None:
        db.session.execute(update(Address).where(Address.id == known).values(used_at=now))
        return
    is_first = db.session.scalar(select(Address.id).where(Address.user_id == user_id).limit(1)) is None
    db.session.execute(
        insert(Address).values(
            user_id=user_id, name=name, phone=phone, district_code=district_code, town=town, street=street, is_default=is_first, used_at=now
        )
    )


@act
def choose_locale(user_id: UserId, locale: str) -> None:
    """Remember the language somebody reads."""
    db.session.execute(update(User).where(User.id == user_id).values(locale=locale))
