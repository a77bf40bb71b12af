"""Signing up: what somebody typed is kept for a day, and becomes an account when they show, by the link of a letter and the password once more, that the
address or number is theirs.

Law: whoever signs up is told the same, in the same time, whether anybody has the address: who sends the letter finds out. The link alone opens nothing, so
nobody's address can be taken by a stranger's password; its key is made from the row's seed and the shop's own secret (`kit/keys.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update

from shop.accounts import passwords
from shop.accounts.errors import AlreadyKnown, LinkSpent, WrongPassword
from shop.accounts.models import SignUp
from shop.accounts.service import put_account
from shop.extensions import act, columns_of, db, end_reading, fields_of, row_as, table_of
from shop.kit.ids import SignUpId, UserId, new_key
from shop.kit.keys import is_link_key, link_key
from shop.outbox import service as outbox
from shop.outbox.models import Letter

SIGN_UP_LASTS = timedelta(days=1)
_MOST_IN_AN_HOUR = 3
"""So many letters an address gets, whoever asks for them."""

_row = columns_of(SignUp)


@dataclass(frozen=True)
class OpenSignUp:
    """A sign-up that can still be finished."""

    id: SignUpId
    email: str | None
    phone: str | None
    password_hash: str
    name: str
    locale: str
    seed: str

    def path(self, shop_secret: str) -> str:
        """The link, below the shop's own address."""
        return f"/account/sign-up/{self.id}?key={link_key(shop_secret, 'sign-up', self.seed)}"


@act
def ask_to_sign_up(*, email: str | None, phone: str | None, password_hash: str, name: str, locale: str, now: datetime) -> None:
    """Keep it, and leave a letter; at most three in an hour to one address. No account is opened, and nobody is told whether there is one."""
    same = _row.email == email if email else _row.phone == phone
    lately = select(func.count()).where(same, _row.asked_at > now - timedelta(hours=1))
    if (db.session.scalar(lately) or 0) >= _MOST_IN_AN_HOUR:
        return
    typed = {"email": email, "phone": phone, "password_hash": password_hash, "name": name, "locale": locale}
    sign_up_id = db.session.scalar(insert(table_of(SignUp)).values(**typed, seed=new_key(), asked_at=now).returning(_row.id))
    outbox.write_letter(
        "sign_up",
        once=f"sign_up:{sign_up_id}",
        subject=f"sign_up:{sign_up_id}",
        locale=locale,
        to_email=email,
        to_phone=phone,
        facts={"sign_up_id": sign_up_id},
        now=now,
    )


def find_sign_up(sign_up_id: SignUpId, *, now: datetime) -> OpenSignUp | None:
    """One that can still be finished."""
    query = select(*fields_of(OpenSignUp, SignUp)).where(_row.id == sign_up_id, _row.asked_at > now - SIGN_UP_LASTS)
    row = db.session.execute(query).one_or_none()
    return row_as(OpenSignUp, row) if row else None


def get_sign_up(sign_up_id: SignUpId, key: str, *, shop_secret: str, now: datetime) -> OpenSignUp:
    """The sign-up behind a link. Raises LinkSpent."""
    found = find_sign_up(sign_up_id, now=now)
    if not is_link_key(key, shop_secret, "sign-up", found.seed if found else "") or found is None:
        raise LinkSpent
    return found


def finish_sign_up(sign_up_id: SignUpId, key: str, password: str, *, shop_secret: str, now: datetime) -> UserId:
    """Open the account, for whoever has the letter and knows the password. Raises WrongPassword; LinkSpent, also when somebody has the address by now."""
    found = get_sign_up(sign_up_id, key, shop_secret=shop_secret, now=now)
    end_reading()  # comparing takes tens of milliseconds; no transaction waits for it
    if not passwords.matches(found.password_hash, password):
        raise WrongPassword
    return _open(found, now=now)


@act
def _open(found: OpenSignUp, *, now: datetime) -> UserId:
    if not db.session.execute(delete(table_of(SignUp)).where(_row.id == found.id).returning(_row.id)).all():
        raise LinkSpent
    try:
        return put_account(
            email=found.email, phone=found.phone, password_hash=found.password_hash, name=found.name, locale=found.locale, now=now
        )
    except AlreadyKnown as error:
        raise LinkSpent from error


@act
def forget_sign_ups(*, now: datetime) -> int:
    """Sweep. What nobody finished within a day is gone, and letters about it keep no address; how many."""
    letter = columns_of(Letter)
    old = (
        letter.subject.like("sign_up:%"),
        letter.created_at <= now - SIGN_UP_LASTS,
        letter.to_email.is_not(None) | letter.to_phone.is_not(None),
    )
    unsent = update(table_of(Letter)).where(*old, letter.sent_at.is_(None), letter.given_up_at.is_(None))
    db.session.execute(unsent.values(given_up_at=now, trouble="forgotten"))
    db.session.execute(update(table_of(Letter)).where(*old).values(to_email=None, to_phone=None, facts={}))
    gone = delete(table_of(SignUp)).where(_row.asked_at <= now - SIGN_UP_LASTS).returning(_row.id)
    return len(db.session.execute(gone).all())
