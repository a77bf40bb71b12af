"""What a part of an address may be, before the database is asked."""

import re

from flask import request

from shop.kit.errors import NotFound
from shop.orders.errors import NoSuchOrder
from shop.reports.order_story import Opened, open_order
from shop.web.current import signed_in

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ORDER = re.compile(r"[A-Z]{2}-[0-9]{6}-[0-9A-Z]{6}", re.ASCII)
LONGEST = 80


def slug_in(address: str) -> str:
    """A slug of the shop; raises NotFound for what can be none."""
    if len(address) > LONGEST or not _SLUG.fullmatch(address):
        raise NotFound
    return address


def code_in(address: str) -> str:
    """A code printed on a bag, in capitals as it is kept; raises NotFound for what can be none."""
    if len(address) > LONGEST or not _CODE.fullmatch(address):
        raise NotFound
    return address.upper()


def order_number(address: str) -> str:
    """An order's number; raises NoSuchOrder for what can be none."""
    if not _ORDER.fullmatch(address):
        raise NoSuchOrder
    return address


def opened_order(number: str) -> Opened:
    """The order, for whoever holds its key (`?key=`) or bought it; to everybody else it is not there."""
    person = signed_in()
    return open_order(order_number(number), key=request.args.get("key", ""), buyer_id=person.user_id if person else None)


def slugs_asked(name: str) -> tuple[str, ...]:
    """The slugs given for one facet, each once; what can be none is passed over."""
    asked = dict.fromkeys(request.args.getlist(name))
    return tuple(slug for slug in asked if len(slug) <= LONGEST and _SLUG.fullmatch(slug))


def page_asked() -> int:
    """The page of a list, from 1."""
    number = request.args.get("page", "1")
    return int(number) if number.isascii() and number.isdecimal() and 0 < len(number) < 7 else 1
