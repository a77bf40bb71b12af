"""Reading vouchers."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, or_, select

from shop.extensions import columns_of, db, row_as, rows_as
from shop.kit.ids import OrderId, UserId, VoucherId
from shop.offers.discounts import Terms
from shop.offers.models import Voucher, VoucherUse

_voucher, _use = columns_of(Voucher), columns_of(VoucherUse)

TERMS = (
    _voucher.id,
    _voucher.code,
    _voucher.name,
    _voucher.name_en,
    _voucher.kind,
    _voucher.worth,
    _voucher.most_fen,
    _voucher.minimum_fen,
    _voucher.village_id,
    _voucher.category_id,
    _voucher.first_day,
    _voucher.last_day,
    _voucher.most_uses,
    _voucher.most_per_buyer,
    _voucher.is_stackable,
    _voucher.used,
    _voucher.ended_at.is_not(None).label("is_ended"),
)
"""The columns of `Terms`, in their order."""

BY_CODE = select(*TERMS).where(_voucher.code.in_(bindparam("codes", expanding=True))).order_by(_voucher.id)
_STANDING = (
    select(_use.voucher_id, func.count())
    .where(
        _use.voucher_id.in_(bindparam("voucher_ids", expanding=True)),
        _use.released_at.is_(None),
        or_(_use.buyer_id == bindparam("buyer_id"), _use.phone == bindparam("phone")),
    )
    .group_by(_use.voucher_id)
)
_OF_ORDER = (
    select(_use.voucher_id, _use.code, _use.name, _use.name_en, _use.amount_fen)
    .where(_use.order_id == bindparam("order_id"))
    .order_by(_use.id)
)


@dataclass(frozen=True)
class Buyer:
    """Who uses a voucher: an account if there is one, and the mobile number that the goods go to."""

    user_id: UserId | None
    phone: str | None


@dataclass(frozen=True)
class UsedVoucher:
    """One voucher as it stood on an order."""

    voucher_id: VoucherId
    code: str
    name: str
    name_en: str
    amount_fen: int


def find_terms(codes: Sequence[str]) -> dict[str, Terms]:
    """The vouchers with these codes, by code; one statement, and none for no codes."""
    return {row.code: row_as(Terms, row) for row in db.session.execute(BY_CODE, {"codes": list(codes)})} if codes else {}


def uses_of_buyer(terms: Sequence[Terms], buyer: Buyer) -> dict[VoucherId, int]:
    """How often the buyer's uses of the vouchers stand; only those with a limit per buyer are asked about, and none takes no statement."""
    limited = [one.id for one in terms if one.most_per_buyer is not None]
    if not limited or (buyer.user_id is None and buyer.phone is None):
        return {}
    rows = db.session.execute(_STANDING, {"voucher_ids": limited, "buyer_id": buyer.user_id, "phone": buyer.phone})
    return {VoucherId(voucher_id): count for voucher_id, count in rows}


def used_on(order_id: OrderId) -> tuple[UsedVoucher, ...]:
    """The vouchers of an order, in the order in which they took off."""
    return tuple(rows_as(UsedVoucher, db.session.execute(_OF_ORDER, {"order_id": order_id})))
