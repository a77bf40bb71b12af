"""Vouchers, as tests make them."""

from datetime import date
from itertools import count

from shop.kit.ids import UserId, VoucherId, new_key
from shop.offers.models import VoucherKind
from shop.offers.service import Making, make_voucher
from tests.factories import NOW, make_staff

_numbers = count(1)


def a_voucher(code: str = "", *, by: UserId | None = None, **changes: object) -> str:
    """Ten yuan off from a hundred, this year, as often as one likes, unless told otherwise. Its code."""
    code = code or f"QIU{next(_numbers):04d}"
    make_one(code, by=by, **changes)
    return code


def make_one(code: str, *, by: UserId | None = None, **changes: object) -> VoucherId:
    """The same; its id."""
    given: dict[str, object] = {
        "code": code,
        "name": "秋收立减",
        "name_en": "Harvest thanks",
        "kind": VoucherKind.FIXED,
        "worth": 10_00,
        "most_fen": None,
        "minimum_fen": 100_00,
        "village_id": None,
        "category_id": None,
        "first_day": date(2026, 1, 1),
        "last_day": date(2099, 12, 31),
        "most_uses": None,
        "most_per_buyer": None,
        "is_stackable": False,
    }
    making = Making(**{**given, **changes})  # type: ignore[arg-type]
    return make_voucher(making, once=new_key(), by=by or make_staff().id, now=NOW)
