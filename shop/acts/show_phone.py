"""Somebody of the staff looks at a buyer's whole telephone number, and with it at the street and the e-mail address."""

from datetime import datetime

from shop.extensions import act
from shop.kit.ids import UserId
from shop.orders import service as orders
from shop.outbox import service as outbox


@act
def show_phone(number: str, *, why: str, by: UserId, now: datetime) -> str:
    """The number the order goes to, in full. Who looked, when and why stands in the audit for good; the number itself does not.

    `why` is a code, never a person's data. Raises NoSuchOrder.
    """
    order = orders.get(number)
    outbox.write_audit("order.phone_shown", subject=number, by=by, facts={"why": why}, now=now)
    return order.phone
