"""One letter of every kind that is about no order, in the demo county: what its row holds. A new kind gets its line in `FACTS`."""

from collections.abc import Callable, Mapping

from sqlalchemy import select

from shop.accounts.invites import STAFF, invite
from shop.accounts.queries import find_credentials
from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.kit.ids import UserId
from shop.reports.goods_pages import list_goods
from shop.voices.models import Wish
from shop.voices.wishes import wish

Facts = Mapping[str, object]


def account_changed() -> Facts:
    return {"user_id": somebody_in("buyer@demo.test"), "what": "email", "at": utc_now().isoformat()}


def forget_asked() -> Facts:
    return {"user_id": somebody_in("buyer@demo.test"), "order_id": None, "due_at": utc_now().isoformat()}


def invited() -> Facts:
    grants = {"roles": ["operations"]}
    return {"invite_id": invite(STAFF, grants, note="示例", by=UserId(somebody_in("admin@demo.test")), now=utc_now())}


def back_in_stock() -> Facts:
    with reading():
        product_id = list_goods(None)[0].id
    wish(product_id, email="buyer@demo.test", locale="en", by=None, now=utc_now())
    with reading() as session:
        return {"wish_id": session.scalars(select(Wish.id).where(Wish.product_id == product_id)).one()}


FACTS: Mapping[str, Callable[[], Facts]] = {
    "account_changed": account_changed,
    "forget_asked": forget_asked,
    "password_reset": lambda: {"at": int(utc_now().timestamp())},
    "invite": invited,
    "back_in_stock": back_in_stock,
}


def somebody_in(email: str) -> int:
    """The id of an account of the demo county."""
    with reading():
        known = find_credentials(email=email)
    assert known is not None
    return known.user_id
