"""Making vouchers, using them once, giving uses back.

Whoever uses one locks its row first, so that of two buyers who want the last use exactly one gets it; the CHECK behind it has the last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from shop.extensions import act, columns_of, db, lock_in_order, require_transaction, row_as, table_of, violated
from shop.kit.ids import CategoryId, OrderId, UserId, VillageId, VoucherId
from shop.offers.discounts import Discount, Good, Terms, grant, why_not
from shop.offers.errors import CodeTaken, NoSuchVoucher, VoucherRefused, WhyNot
from shop.offers.models import Voucher, VoucherKind, VoucherUse
from shop.offers.queries import BY_CODE, TERMS, Buyer, uses_of_buyer
from shop.outbox import service as outbox

_voucher, _use = columns_of(Voucher), columns_of(VoucherUse)

_LOCK_BY_CODE = BY_CODE.with_for_update()
_BY_ID = select(*TERMS).where(_voucher.id.in_(bindparam("ids", expanding=True))).order_by(_voucher.id)
_ONE_MORE = update(table_of(Voucher)).where(_voucher.id.in_(bindparam("ids", expanding=True))).values(used=_voucher.used + 1)
_ONE_LESS = update(table_of(Voucher)).where(_voucher.id.in_(bindparam("ids", expanding=True))).values(used=_voucher.used - 1)
_ITS_USES = (_use.order_id == bindparam("of_order"), _use.released_at.is_(None))


@dataclass(frozen=True)
class Making:
    """A voucher as staff write it down."""

    code: str
    name: str
    name_en: str
    kind: VoucherKind
    worth: int
    most_fen: int | None
    minimum_fen: int
    village_id: VillageId | None
    category_id: CategoryId | None
    first_day: date
    last_day: date
    most_uses: int | None
    most_per_buyer: int | None
    is_stackable: bool


@act
def make_voucher(making: Making, *, once: str, by: UserId, now: datetime) -> VoucherId:
    """A new voucher. The same `once` is the same one. Raises CodeTaken."""
    known = db.session.scalar(select(_voucher.id).where(_voucher.once == once))
    if known is not None:
        return VoucherId(known)
    values = {name: getattr(making, name) for name in Making.__dataclass_fields__}
    try:
        made = db.session.scalar(
            insert(table_of(Voucher)).values(**values, used=0, once=once, made_by=by, made_at=now).returning(_voucher.id)
        )
    except IntegrityError as error:
        if violated(error, "uq_vouchers_code"):
            raise CodeTaken from error
        raise
    assert made is not None
    facts = {"kind": making.kind.value, "worth": making.worth, "minimum_fen": making.minimum_fen, "most_uses": making.most_uses}
    outbox.write_audit("voucher.made", subject=making.code, by=by, facts={"after": facts}, now=now)
    return VoucherId(made)


@act
def end_voucher(voucher_id: VoucherId, *, by: UserId, now: datetime) -> None:
    """Nobody can use it from now on; orders that did keep what they got. Ended twice is ended once. Raises NoSuchVoucher."""
    row = db.session.execute(select(_voucher.code, _voucher.ended_at).where(_voucher.id == voucher_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchVoucher
    if row.ended_at is None:
        db.session.execute(update(table_of(Voucher)).where(_voucher.id == voucher_id).values(ended_at=now, ended_by=by))
        facts = {"before": {"state": "usable"}, "after": {"state": "ended"}}
        outbox.write_audit("voucher.ended", subject=row.code, by=by, facts=facts, now=now)


# ── Uses ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def claim(codes: Sequence[str], goods: Sequence[Good], buyer: Buyer, *, today: date) -> Discount:
    """Step. Take one use of each voucher for an order that is about to be drawn up, and say what they take off its lines.

    Raises VoucherRefused for the first that cannot be used; then nothing is ordered.
    """
    require_transaction()
    found = {row.code: row_as(Terms, row) for row in db.session.execute(_LOCK_BY_CODE, {"codes": list(codes)})}
    uses = uses_of_buyer(tuple(found.values()), buyer)
    for code in codes:
        terms = found.get(code)
        why = why_not(terms, goods, today=today, uses_of_buyer=uses.get(terms.id, 0)) if terms else WhyNot.UNKNOWN
        if why is not None:
            raise VoucherRefused(code, why)
    discount, refused = grant([found[code] for code in codes], goods)
    for code, why in refused.items():
        raise VoucherRefused(code, why)
    db.session.execute(_ONE_MORE, {"ids": [one.terms.id for one in discount.granted]})
    return discount


def record_uses(order_id: OrderId, discount: Discount, buyer: Buyer, *, now: datetime) -> None:
    """Step. The order that the uses were claimed for, with what stands on it for each."""
    require_transaction()
    db.session.execute(
        insert(table_of(VoucherUse)),
        [
            {
                "voucher_id": one.terms.id,
                "order_id": order_id,
                "code": one.terms.code,
                "name": one.terms.name,
                "name_en": one.terms.name_en,
                "amount_fen": one.fen,
                "buyer_id": buyer.user_id,
                "phone": buyer.phone,
                "used_at": now,
            }
            for one in discount.granted
        ],
    )


def give_back(order_id: OrderId, *, now: datetime) -> None:
    """Step. The order, which is locked, lapsed or was called off: its uses are free again. Twice is once."""
    require_transaction()
    released = db.session.scalars(
        update(table_of(VoucherUse)).where(*_ITS_USES).values(released_at=now).returning(_use.voucher_id), {"of_order": order_id}
    ).all()
    if released:
        lock_in_order(Voucher, released)
        db.session.execute(_ONE_LESS, {"ids": sorted(released)})


def take_again(order_id: OrderId) -> None:
    """Step. Money came for a lapsed order: its uses stand again, whatever the vouchers' days say now, if their limits still allow.

    Raises VoucherRefused.
    """
    require_transaction()
    uses = db.session.execute(
        select(_use.voucher_id, _use.buyer_id, _use.phone).where(_use.order_id == order_id, _use.released_at.is_not(None))
    ).all()
    if not uses:
        return
    ids = sorted(use.voucher_id for use in uses)
    lock_in_order(Voucher, ids)
    buyer = Buyer(uses[0].buyer_id, uses[0].phone)
    vouchers = [row_as(Terms, row) for row in db.session.execute(_BY_ID, {"ids": ids})]
    standing = uses_of_buyer(vouchers, buyer)
    for terms in vouchers:
        if terms.most_uses is not None and terms.used >= terms.most_uses:
            raise VoucherRefused(terms.code, WhyNot.USED_UP)
        if terms.most_per_buyer is not None and standing.get(terms.id, 0) >= terms.most_per_buyer:
            raise VoucherRefused(terms.code, WhyNot.BUYER_USED_UP)
    db.session.execute(_ONE_MORE, {"ids": ids})
    db.session.execute(update(table_of(VoucherUse)).where(_use.order_id == order_id, _use.voucher_id.in_(ids)).values(released_at=None))
