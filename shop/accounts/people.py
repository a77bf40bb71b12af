"""Who may do what, by the hand of an admin: roles given and taken, accounts closed and opened again.

Law: every change leaves an audit row with before and after; nobody changes their own standing; one admin is always left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from shop.accounts import two_factor
from shop.accounts.errors import LastAdmin, NotOneself
from shop.accounts.models import Invite, SignIn, TwoFactor, User, UserRole
from shop.accounts.roles import Role
from shop.accounts.sign_ins import end_all
from shop.extensions import act, db, require_transaction
from shop.kit.errors import NotFound
from shop.kit.ids import UserId
from shop.outbox import service as outbox


@dataclass(frozen=True)
class PersonRow:
    """Somebody who works here, or did."""

    id: UserId
    name: str
    email: str | None
    phone: str | None
    is_demo: bool
    deactivated_at: datetime | None
    has_two_steps: bool
    seen_at: datetime | None
    roles: tuple[Role, ...]


def list_people() -> list[PersonRow]:
    """Everybody with a role, by two statements: those who get in first, by name."""
    has_role = select(UserRole.user_id)
    return _people(User.id.in_(has_role))


def get_person(user_id: UserId) -> PersonRow:
    """Anybody with an account, role or not.

    Raises NotFound.
    """
    found = _people(User.id == user_id)
    if not found:
        raise NotFound
    return found[0]


def _people(which: ColumnElement[bool]) -> list[PersonRow]:
    seen = select(func.max(SignIn.seen_at)).where(SignIn.user_id == User.id).correlate(User).scalar_subquery()
    columns = (User.id, User.name, User.email, User.phone, User.is_demo, User.deactivated_at, TwoFactor.confirmed_at, seen.label("seen_at"))
    wanted = select(*columns).outerjoin(TwoFactor, TwoFactor.user_id == User.id)
    rows = db.session.execute(wanted.where(User.deleted_at.is_(None), which)).all()
    roles = _roles_of([row.id for row in rows])
    people = [
        PersonRow(
            id=row.id,
            name=row.name,
            email=row.email,
            phone=row.phone,
            is_demo=row.is_demo,
            deactivated_at=row.deactivated_at,
            has_two_steps=row.confirmed_at is not None,
            seen_at=row.seen_at,
            roles=roles.get(row.id, ()),
        )
        for row in rows
    ]
    return sorted(people, key=lambda person: (person.deactivated_at is not None, person.name, person.id))


def _roles_of(user_ids: Sequence[int]) -> dict[int, tuple[Role, ...]]:
    found: dict[int, list[Role]] = {}
    for row in db.session.execute(select(UserRole.user_id, UserRole.role).where(UserRole.user_id.in_(user_ids))):
        found.setdefault(row.user_id, []).append(row.role)
    return {user_id: tuple(role for role in Role if role in roles) for user_id, roles in found.items()}


@act
def set_roles(user_id: UserId, roles: frozenset[Role], *, by: UserId | None, now: datetime) -> None:
    """From now on the person has exactly these roles.

    Raises NotFound, NotOneself, LastAdmin.
    """
    _need_another(user_id, by)
    give_roles(user_id, roles, by=by, now=now)


def give_roles(user_id: UserId, roles: frozenset[Role], *, by: UserId | None, now: datetime, keeping: bool = False) -> None:
    """Step. Exactly these roles, or with `keeping` these beside those that are there."""
    require_transaction()
    _need(user_id)
    before = frozenset(db.session.scalars(select(UserRole.role).where(UserRole.user_id == user_id)))
    after = before | roles if keeping else roles
    if before == after:
        return
    if Role.ADMIN in before - after:
        _keep_an_admin(without=user_id)
    db.session.execute(delete(UserRole).where(UserRole.user_id == user_id))
    if after:
        db.session.execute(insert(UserRole), [{"user_id": user_id, "role": role} for role in sorted(after)])
    facts = {"before": {"roles": sorted(before)}, "after": {"roles": sorted(after)}}
    outbox.write_audit("person.roles_set", subject=f"user:{user_id}", by=by, facts=facts, now=now)


@act
def deactivate(user_id: UserId, *, reason: str, by: UserId | None, now: datetime) -> None:
    """Nobody gets in by this account from now on; whoever is in is out with the next page. Links that the person gave out end too.

    Raises NotFound, NotOneself, LastAdmin.
    """
    _need_another(user_id, by)
    if db.session.get(UserRole, (user_id, Role.ADMIN)) is not None:
        _keep_an_admin(without=user_id)
    closed = update(User).where(User.id == user_id, User.deactivated_at.is_(None)).values(deactivated_at=now)
    if not db.session.execute(closed.returning(User.id)).all():
        return
    ended = end_all(user_id, now=now)
    unused = (Invite.made_by == user_id, Invite.accepted_at.is_(None), Invite.withdrawn_at.is_(None))
    db.session.execute(update(Invite).where(*unused).values(withdrawn_at=now, to_email=None, to_phone=None))
    facts = {"before": {"open": True}, "after": {"open": False}, "devices_signed_out": ended, "reason": reason}
    outbox.write_audit("person.deactivated", subject=f"user:{user_id}", by=by, facts=facts, now=now)


@act
def reactivate(user_id: UserId, *, by: UserId | None, now: datetime) -> None:
    """The account opens again, with the roles it had.

    Raises NotFound, NotOneself.
    """
    _need_another(user_id, by)
    opened = update(User).where(User.id == user_id, User.deactivated_at.is_not(None)).values(deactivated_at=None)
    if db.session.execute(opened.returning(User.id)).all():
        facts = {"before": {"open": False}, "after": {"open": True}}
        outbox.write_audit("person.reactivated", subject=f"user:{user_id}", by=by, facts=facts, now=now)


@act
def reset_two_steps(user_id: UserId, *, by: UserId | None, now: datetime) -> None:
    """The telephone and the paper are both lost: set up anew at the next sign-in. Every device is signed out.

    Raises NotFound, NotOneself.
    """
    _need_another(user_id, by)
    if two_factor.turn_off(user_id, by=by, now=now):
        end_all(user_id, now=now)


def _need(user_id: UserId) -> None:
    if db.session.scalar(select(User.id).where(User.id == user_id, User.deleted_at.is_(None))) is None:
        raise NotFound


def _need_another(user_id: UserId, by: UserId | None) -> None:
    _need(user_id)
    if by == user_id:
        raise NotOneself


def _keep_an_admin(without: UserId) -> None:
    """Another admin gets in. Rows of admins are locked, so that two admins do not remove each other at one moment."""
    admins = select(UserRole.user_id).where(UserRole.role == Role.ADMIN).order_by(UserRole.user_id).with_for_update()
    others = set(db.session.scalars(admins)) - {without}
    is_open = (User.id.in_(others), User.deactivated_at.is_(None), User.deleted_at.is_(None))
    if not db.session.scalars(select(User.id).where(*is_open).limit(1)).all():
        raise LastAdmin
