"""Reading origin."""

from sqlalchemy import select

from shop.extensions import db
from shop.kit.ids import CooperativeId, UserId
from shop.origin.models import Membership


def cooperatives_of(user_id: UserId) -> tuple[CooperativeId, ...]:
    """The cooperatives somebody works for, by id."""
    return tuple(
        CooperativeId(id_)
        for id_ in db.session.scalars(
            select(Membership.cooperative_id).where(Membership.user_id == user_id).order_by(Membership.cooperative_id)
        )
    )
