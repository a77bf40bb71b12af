"""Invites: a link by which somebody joins the staff or a cooperative.

Law: a link works once, for a week, until it is withdrawn; then the row keeps no address.
Its key is made from the row's seed and the shop's own secret, so whoever reads the
table alone can make none. What a kind of invite gives is for `acts/accept_invite.py` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select, update

from shop.accounts.errors import LinkSpent
from shop.accounts.models import Invite, User
from shop.extensions import act, db, require_transaction
from shop.kit.errors import NotFound
from shop.kit.ids import InviteId, UserId, new_key
from shop.kit.keys import is_link_key, link_key
from shop.outbox import service as outbox

LASTS = timedelta(days=7)

STAFF = "staff"
COOPERATIVE = "cooperative"


@dataclass(frozen=True)
class OpenInvite:
    """An invite that somebody may still take up."""

    id: InviteId
    kind: str
    grants: Mapping[str, object]
    seed: str
    note: str
    to_email: str | None
    to_phone: str | None
    made_by: UserId | None
    made_by_name: str | None
    expires_at: datetime

    def path(self, shop_secret: str) -> str:
        """The link, below the shop's own address."""
        return f"/account/invites/{self.id}?key={link_key(shop_secret, 'invite', self.seed)}"


@act
def invite(
    kind: str,
    grants: Mapping[str, object],
    *,
    note: str,
    to_email: str | None = None,
    to_phone: str | None = None,
    locale: str = "zh",
    subject: str = "",
    by: UserId | None,
    now: datetime,
) -> InviteId:
    """Make a link, and leave a letter with it if there is an address. `subject`: whose page the audit row belongs to, e.g. `cooperative:3`."""
    values = {"kind": kind, "grants": dict(grants), "seed": new_key(), "note": note, "to_email": to_email, "to_phone": to_phone}
    made = insert(Invite).values(**values, locale=locale, made_by=by, made_at=now, expires_at=now + LASTS)
    invite_id = db.session.scalar(made.returning(Invite.id))
    assert invite_id is not None
    facts = {"after": {"kind": kind} | dict(grants), "by_letter": bool(to_email or to_phone)}
    outbox.write_audit("invite.made", subject=subject or f"invite:{invite_id}", by=by, facts=facts | {"invite": invite_id}, now=now)
    outbox.write_letter(
        "invite",
        once=f"invite:{invite_id}",
        subject=f"invite:{invite_id}",
        locale=locale,
        to_email=to_email,
        to_phone=to_phone,
        facts={"invite_id": invite_id},
        now=now,
    )
    return InviteId(invite_id)


@act
def withdraw(invite_id: InviteId, *, kind: str, by: UserId | None, now: datetime) -> None:
    """The link opens nothing any more.

    Raises NotFound.
    """
    still_open = (Invite.id == invite_id, Invite.kind == kind, Invite.accepted_at.is_(None), Invite.withdrawn_at.is_(None))
    gone = db.session.execute(
        update(Invite).where(*still_open).values(withdrawn_at=now, to_email=None, to_phone=None).returning(Invite.id)
    ).all()
    if not gone:
        raise NotFound
    facts = {"before": {"open": True}, "after": {"open": False}}
    outbox.write_audit("invite.withdrawn", subject=f"invite:{invite_id}", by=by, facts=facts, now=now)


@act
def forget_expired(*, now: datetime) -> int:
    """Sweep. An invite that nobody can take up any more keeps no address; how many lost theirs."""
    has_address = or_(Invite.to_email.is_not(None), Invite.to_phone.is_not(None))
    gone = update(Invite).where(Invite.expires_at <= now, has_address).values(to_email=None, to_phone=None).returning(Invite.id)
    return len(db.session.execute(gone).all())


def open_invites(kind: str, *, now: datetime) -> list[OpenInvite]:
    """Those that somebody may still take up, the latest first."""
    return [_open(row) for row in db.session.execute(_wanted(now).where(Invite.kind == kind).order_by(Invite.id.desc()))]


def find_open_invite(invite_id: InviteId, *, now: datetime) -> OpenInvite | None:
    """One that may still be taken up."""
    row = db.session.execute(_wanted(now).where(Invite.id == invite_id)).one_or_none()
    return _open(row) if row else None


def get_invite(invite_id: InviteId, key: str, *, shop_secret: str, now: datetime) -> OpenInvite:
    """The invite behind a link.

    Raises LinkSpent.
    """
    found = find_open_invite(invite_id, now=now)
    if not is_link_key(key, shop_secret, "invite", found.seed if found else "") or found is None:
        raise LinkSpent
    return found


def take_invite(invite_id: InviteId, key: str, *, shop_secret: str, by: UserId, now: datetime) -> OpenInvite:
    """Step. Use the link up.

    Raises LinkSpent.
    """
    require_transaction()
    found = get_invite(invite_id, key, shop_secret=shop_secret, now=now)
    unused = (Invite.id == invite_id, Invite.accepted_at.is_(None), Invite.withdrawn_at.is_(None))
    taken = update(Invite).where(*unused).values(accepted_by=by, accepted_at=now, to_email=None, to_phone=None).returning(Invite.id)
    if not db.session.execute(taken).all():
        raise LinkSpent
    return found


def _wanted(now: datetime):  # type: ignore[no-untyped-def]  # a select of the columns below
    columns = (Invite.id, Invite.kind, Invite.grants, Invite.seed, Invite.note, Invite.to_email, Invite.to_phone, Invite.made_by)
    still_open = (Invite.accepted_at.is_(None), Invite.withdrawn_at.is_(None), Invite.expires_at > now)
    return select(*columns, User.name, Invite.expires_at).outerjoin(User, User.id == Invite.made_by).where(*still_open)


def _open(row) -> OpenInvite:  # type: ignore[no-untyped-def]  # a row of the statement above
    return OpenInvite(*row)
