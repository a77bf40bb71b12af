"""Another e-mail address: it counts once the link of a letter to it was pressed by whoever is signed in.

Law: until then nothing changes, and nobody learns whether somebody has the address. The link works for a day, for its own account alone, and the next one
takes its place.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from shop.accounts.errors import AlreadyKnown, LinkSpent
from shop.accounts.models import NewEmail
from shop.accounts.own import put_email
from shop.extensions import act, columns_of, db, table_of
from shop.kit.ids import UserId, new_key
from shop.kit.keys import is_link_key, link_key
from shop.outbox import service as outbox

CONFIRM_WITHIN = timedelta(days=1)

_row = columns_of(NewEmail)


@act
def ask_for_email(user_id: UserId, email: str, *, locale: str, now: datetime) -> None:
    """Leave a letter to the new address; the one before it opens nothing any more."""
    db.session.execute(delete(table_of(NewEmail)).where(_row.user_id == user_id))
    seed = new_key()
    db.session.execute(insert(table_of(NewEmail)).values(user_id=user_id, email=email, seed=seed, asked_at=now))
    outbox.write_letter(
        "email_confirm",
        once=f"email_confirm:{user_id}:{seed}",
        subject=f"user:{user_id}",
        locale=locale,
        to_email=email,
        to_phone=None,
        facts={"user_id": user_id, "asked_at": now.isoformat()},
        now=now,
    )


def find_new_email(user_id: UserId, *, now: datetime) -> tuple[str, str, datetime] | None:
    """The address that waits to be confirmed, its seed, and since when."""
    query = select(_row.email, _row.seed, _row.asked_at).where(_row.user_id == user_id, _row.asked_at > now - CONFIRM_WITHIN)
    row = db.session.execute(query).one_or_none()
    return (row.email, row.seed, row.asked_at) if row else None


def confirm_path(seed: str, shop_secret: str) -> str:
    """The link, below the shop's own address."""
    return f"/account/security/email/confirm?key={link_key(shop_secret, 'new-email', seed)}"


def check_new_email(user_id: UserId, key: str, *, shop_secret: str, now: datetime) -> str:
    """The address behind a link of one's own. Raises LinkSpent."""
    found = find_new_email(user_id, now=now)
    if not is_link_key(key, shop_secret, "new-email", found[1] if found else "") or found is None:
        raise LinkSpent
    return found[0]


@act
def confirm_email(user_id: UserId, key: str, *, shop_secret: str, now: datetime) -> None:
    """From now on it is the address; the old one is told. Raises LinkSpent, also when somebody else has it by now."""
    email = check_new_email(user_id, key, shop_secret=shop_secret, now=now)
    db.session.execute(delete(table_of(NewEmail)).where(_row.user_id == user_id))
    try:
        put_email(user_id, email, now=now)
    except AlreadyKnown as error:
        raise LinkSpent from error
