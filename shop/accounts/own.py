"""What somebody changes of their own account: password, e-mail address, mobile number; and the way back in when the password is forgotten.

Law: a new password signs out every other device. The link for a forgotten password stands in no row: its key is made from the shop's own
secret, the moment, and the old password's hash, so it works once, for an hour, and every link before it ends with it.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from shop.accounts.errors import AlreadyKnown, LinkSpent
from shop.accounts.models import User
from shop.accounts.notices import tell_of_change
from shop.accounts.queries import credentials_of, find_credentials
from shop.accounts.sign_ins import end_all
from shop.extensions import act, db, violated
from shop.kit.errors import Refused
from shop.kit.ids import EasternUnitId, SignInId, UserId
from shop.kit.keys import is_link_key, link_key
from shop.outbox import service as outbox

RESET_LASTS = timedelta(hours=1)
_ONE_LETTER_IN = timedelta(minutes=10)


class NoOtherWayIn(Refused):
    """The last of address and number cannot be taken out: nobody could sign in any more."""


# ── Changes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@act
def change_password(user_id: UserId, password_hash: str, *, kept: SignInId | None, now: datetime) -> None:
    """A new password; every device but `kept` is signed out, and the owner is told."""
    tell_of_change(user_id, "password", now=now)
    db.session.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))
    ended = end_all(user_id, but=kept, now=now)
    outbox.write_audit("account.password_changed", subject=f"user:{user_id}", by=user_id, facts={"devices_signed_out": ended}, now=now)


@act
def drop_email(user_id: UserId, *, now: datetime) -> None:
    """No address any more; the old one is told. Raises NoOtherWayIn."""
    _change(user_id, "email", None, now=now)


def put_email(user_id: UserId, email: str, *, now: datetime) -> None:
    """Step. Another address, in lower case, which is known to be theirs (`new_emails.py`); the old one is told. Raises AlreadyKnown."""
    _change(user_id, "email", email, now=now)


@act
def change_phone(user_id: UserId, phone: str | None, *, now: datetime) -> None:
    """Another mobile number, eleven digits, or none.

    Raises AlreadyKnown, NoOtherWayIn.
    """
    _change(user_id, "phone", phone, now=now)


def _change(user_id: UserId, what: str, value: str | None, *, now: datetime) -> None:
    assert what in ("email", "phone")
    tell_of_change(user_id, "email" if what == "email" else "phone", now=now)
    try:
        db.session.execute(update(User).where(User.id == user_id).values({what: value}))
    except IntegrityError as error:
        if violated(error, f"uq_users_{what}"):
            raise AlreadyKnown from error
        if violated(error, "ck_users_reachable"):
            raise NoOtherWayIn from error
        raise
    outbox.write_audit(
        f"account.{what}_changed", subject=f"user:{user_id}", by=user_id, facts={"after": {"is_set": value is not None}}, now=now
    )


@act
def change_name(user_id: UserId, name: str) -> None:
    """How somebody is called."""
    db.session.execute(update(User).where(User.id == user_id).values(name=name))


@act
def credit_unit(user_id: UserId, unit_id: EasternUnitId | None, *, now: datetime) -> None:
    """The eastern unit that later orders are credited to, or none; what is ordered already keeps its own."""
    before = db.session.scalar(select(User.eastern_unit_id).where(User.id == user_id).with_for_update())
    if before != unit_id:
        db.session.execute(update(User).where(User.id == user_id).values(eastern_unit_id=unit_id))
        facts = {"before": {"unit": before}, "after": {"unit": unit_id}}
        outbox.write_audit("account.unit_chosen", subject=f"user:{user_id}", by=user_id, facts=facts, now=now)


# ── A forgotten password ──────────────────────────────────────────────────────────────────────────────────────────────


@act
def ask_for_reset(*, email: str | None, phone: str | None, shop_secret: str, locale: str, now: datetime) -> None:
    """Leave a letter with a link, at most one in ten minutes. It is the same whether anybody has this address: who sends letters finds out."""
    named = link_key(shop_secret, "reset-once", f"{email or phone}")
    outbox.write_letter(
        "password_reset",
        once=f"reset:{named}:{int(now.timestamp() // _ONE_LETTER_IN.total_seconds())}",
        subject="reset:",
        locale=locale,
        to_email=email,
        to_phone=phone,
        facts={"at": int(now.timestamp())},
        now=now,
    )


def reset_address(*, email: str | None, phone: str | None, at: int, shop_secret: str, allow_demo: bool) -> str | None:
    """The path of the link for whoever is reached there; None if nobody is."""
    known = find_credentials(email=email) if email else find_credentials(phone=phone)
    if known is None or (known.is_demo and not allow_demo):
        return None
    return f"/account/reset/{known.user_id}?at={at}&key={link_key(shop_secret, 'reset', _seed(known.user_id, at, known.password_hash))}"


def check_reset(user_id: UserId, at: int, key: str, *, shop_secret: str, now: datetime) -> None:
    """The link still opens.

    Raises LinkSpent.
    """
    known = credentials_of(user_id)
    is_young = 0 <= now.timestamp() - at <= RESET_LASTS.total_seconds()
    seed = _seed(user_id, at, known.password_hash if known else "")
    if not (is_link_key(key, shop_secret, "reset", seed) and known and is_young):
        raise LinkSpent


@act
def reset_password(user_id: UserId, at: int, key: str, password_hash: str, *, shop_secret: str, now: datetime) -> None:
    """A new password by the link; every device is signed out. The second step, where there is one, is still asked for.

    Raises LinkSpent.
    """
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update())
    check_reset(user_id, at, key, shop_secret=shop_secret, now=now)
    tell_of_change(user_id, "password", now=now)
    db.session.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))
    ended = end_all(user_id, now=now)
    outbox.write_audit("account.password_reset", subject=f"user:{user_id}", by=user_id, facts={"devices_signed_out": ended}, now=now)


def _seed(user_id: UserId, at: int, password_hash: str) -> str:
    return f"{user_id}:{at}:{password_hash}"
