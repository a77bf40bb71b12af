"""Taking up an invite: the link is used up and gives what it says, in one transaction."""

from collections.abc import Callable, Mapping
from datetime import datetime

from shop.accounts import people
from shop.accounts.invites import COOPERATIVE, STAFF, OpenInvite, take_invite
from shop.accounts.roles import Role
from shop.extensions import act
from shop.kit.ids import CooperativeId, InviteId, UserId
from shop.origin.service import join
from shop.outbox import service as outbox


@act
def accept_invite(invite_id: InviteId, key: str, *, shop_secret: str, by: UserId, now: datetime) -> str:
    """The person behind `by` joins what the link is for; its kind.

    Raises LinkSpent.
    """
    taken = take_invite(invite_id, key, shop_secret=shop_secret, by=by, now=now)
    outbox.write_audit("invite.accepted", subject=f"invite:{invite_id}", by=by, facts={"after": dict(taken.grants)}, now=now)
    JOINS[taken.kind](taken, by, now)
    return taken.kind


def _join_staff(taken: OpenInvite, by: UserId, now: datetime) -> None:
    roles = taken.grants["roles"]
    assert isinstance(roles, list)
    people.give_roles(by, frozenset(Role(role) for role in roles), by=taken.made_by, now=now, keeping=True)


def _join_cooperative(taken: OpenInvite, by: UserId, now: datetime) -> None:
    join(CooperativeId(int(str(taken.grants["cooperative_id"]))), by, now=now)


JOINS: Mapping[str, Callable[[OpenInvite, UserId, datetime], None]] = {
    STAFF: _join_staff,
    COOPERATIVE: _join_cooperative,
}
"""What each kind of invite gives: a step."""
