"""Letters about a claim: to its buyer when something was decided, to the cooperative when it is its turn.

They hold ids; the rest is read when they are sent.
"""

from datetime import datetime

from sqlalchemy import select

from shop.accounts.models import User
from shop.extensions import columns_of, db, table_of
from shop.kit.ids import ClaimId
from shop.orders.claim_states import ClaimState
from shop.orders.claims import ClaimRow
from shop.orders.service import OrderRow
from shop.origin.models import Membership
from shop.outbox import service as outbox

_user, _membership = columns_of(User), columns_of(Membership)


def tell_buyer(order: OrderRow, claim_id: ClaimId, step: str, *, now: datetime) -> None:
    """Step. Where the claim stands: `asked`, `accepted`, `refused`, `received`, `lapsed`. Of the money the refund's own letter tells."""
    outbox.write_letter(
        "claim_to_buyer",
        once=f"claim:{claim_id}:{step}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"claim_id": claim_id, "step": step},
        now=now,
    )


def tell_cooperative(claim: ClaimRow, step: ClaimState, *, now: datetime) -> None:
    """Step. Whoever packs there hears what the buyer asked, sent or took back. Neither words nor who they are stand in it."""
    people = (
        select(_user.id, _user.email, _user.phone, _user.locale)
        .join_from(table_of(User), table_of(Membership), _membership.user_id == _user.id)
        .where(_membership.cooperative_id == claim.cooperative_id, _user.deleted_at.is_(None), _user.deactivated_at.is_(None))
        .order_by(_user.id)
    )
    for person in db.session.execute(people).all():
        outbox.write_letter(
            "claim_to_cooperative",
            once=f"claim:{claim.id}:{step}:{person.id}",
            subject=f"claim:{claim.id}",
            locale=person.locale,
            to_email=person.email,
            to_phone=person.phone,
            facts={"claim_id": claim.id, "step": step},
            now=now,
        )
