"""One letter of every kind that is about no order, in the demo county: what its row holds. A new kind gets its line in `FACTS`."""

from collections.abc import Callable, Mapping

from shop.accounts.queries import find_credentials
from shop.extensions import reading
from shop.kit.clock import utc_now

Facts = Mapping[str, object]


def account_changed() -> Facts:
    return {"user_id": somebody_in("buyer@demo.test"), "what": "email", "at": utc_now().isoformat()}


def forget_asked() -> Facts:
    return {"user_id": somebody_in("buyer@demo.test"), "order_id": None, "due_at": utc_now().isoformat()}


FACTS: Mapping[str, Callable[[], Facts]] = {
    "account_changed": account_changed,
    "forget_asked": forget_asked,
}


def somebody_in(email: str) -> int:
    """The id of an account of the demo county."""
    with reading():
        known = find_credentials(email=email)
    assert known is not None
    return known.user_id
