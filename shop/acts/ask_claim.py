"""A buyer calls goods off or gives them back: asked once, thought better of, sent back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from sqlalchemy import Select, select

from shop.acts.decide_refund import Waiting, settle_booked
from shop.acts.pay_claim import pay_claim
from shop.acts.tell_of_claims import tell_buyer, tell_cooperative
from shop.extensions import act, db
from shop.kit.ids import ClaimId, CooperativeId, LineId, OrderId, RefundId, ReturnId, UserId
from shop.kit.pictures import Drawn
from shop.orders import claims
from shop.orders import service as orders
from shop.orders.claim_states import ClaimKind, ClaimReason, ClaimState, is_called_off_at_once, kind_for, may_come_back_for_no_reason
from shop.orders.claims import CannotClaim, ClaimRow, NewClaim, NoSuchClaim, TooManyUnits
from shop.orders.models import Channel, Order, OrderLine
from shop.orders.service import OrderRow
from shop.orders.states import is_paid
from shop.outbox import service as outbox
from shop.pictures.service import keep_picture
from shop.shipping.models import Shipment
from shop.shipping.states import ShipmentState
from shop.stock import holding as stock


@dataclass(frozen=True)
class Asked:
    """What became of a form: a claim for each cooperative."""

    claim_ids: tuple[ClaimId, ...]
    refunded_fen: int
    """What was booked back at once."""


def ask_claim(number: str, new: NewClaim, *, photos: Sequence[Drawn], once: str, by: UserId | None, now: datetime) -> Asked:
    """Course. Ask for goods of a paid order to be called off, or to be given back; the caller has checked the right to the order.

    What is not packed is called off and refunded at once; anything else waits for its cooperative. The same `once` is the same claims. Raises
    NoSuchClaim for an offline sale or foreign lines, CannotClaim, TooManyUnits; PaymentDisputed when its money is not ours to send.
    """
    asked, booked = _ask(number, new, photos=photos, once=once, by=by, now=now)
    for each in booked:
        settle_booked(each, now=now)
    return asked


_Booked = tuple[ReturnId, RefundId, int]


@act
def _ask(
    number: str, new: NewClaim, *, photos: Sequence[Drawn], once: str, by: UserId | None, now: datetime
) -> tuple[Asked, tuple[_Booked, ...]]:
    order = orders.lock(number)
    key = f"claim:{order.id}:{once}"
    if known := claims.find_claims(order.id, key):
        return Asked(known, 0), ()
    if order.channel is not Channel.ONLINE or not is_paid(order.state) or not new.units:
        raise NoSuchClaim
    sellers = _check(order, new, now=now)
    at_once = new.kind is ClaimKind.CANCEL and is_called_off_at_once(order.state)
    made, booked = [], []
    for cooperative_id, line_ids in groupby(sorted(new.units, key=lambda line_id: (sellers[line_id], line_id)), key=sellers.__getitem__):
        part = replace(new, units={line_id: new.units[line_id] for line_id in line_ids})
        claim = claims.put_down(order, cooperative_id, part, once=key, by=by, now=now)
        claims.show_photos(claim.id, [keep_picture(photo, is_public=False, by=by, now=now) for photo in photos])
        made.append(claim.id)
        told = {"after": {"state": claim.state}, "claim": claim.id, "kind": claim.kind, "reason": claim.reason}
        outbox.write_audit("claim.asked", subject=number, by=by, facts=told, now=now)
        if at_once:
            booked.append(_call_off(claim, now=now))
        else:
            tell_buyer(order, claim.id, "asked", now=now)
        tell_cooperative(claim, ClaimState.REFUNDED if at_once else ClaimState.ASKED, now=now)
    done = tuple(each for each in booked if each is not None)
    return Asked(tuple(made), sum(total_fen for _, _, total_fen in done)), done


def _call_off(claim: ClaimRow, *, now: datetime) -> _Booked | None:
    """The shop's rule answers: nothing of it is packed."""
    due = claims.move_claim(claim, ClaimState.DUE, by=None, now=now, answered_at=now, must_send_back=False, restock=True)
    done = pay_claim(due, four_eyes_fen=None, by=None, now=now)
    assert not isinstance(done, Waiting), "a rule asks no second person"
    return done


def _check(order: OrderRow, new: NewClaim, *, now: datetime) -> dict[LineId, CooperativeId]:
    """Whose each line is. Raises NoSuchClaim, CannotClaim or TooManyUnits."""
    lines = {LineId(row.id): row for row in db.session.execute(_claimable(order.id))}
    if any(line_id not in lines for line_id in new.units):
        raise NoSuchClaim
    asked = {line_id: lines[line_id] for line_id in new.units}
    wrong = tuple(line_id for line_id, row in asked.items() if kind_for(row.state) is not new.kind)
    if new.reason is ClaimReason.SEVEN_DAYS:
        wrong += tuple(
            line_id
            for line_id, row in asked.items()
            if not may_come_back_for_no_reason(
                is_exempt=row.is_perishable and row.perishable_confirmed_at is not None, delivered_at=row.delivered_at, now=now
            )
        )
    if wrong:
        raise CannotClaim(tuple(sorted(set(wrong))))
    sold, claimed = stock.left_units_by_line(new.units), claims.open_units(order.id)
    left = {line_id: max(0, sold.get(line_id, 0) - claimed.get(line_id, 0)) for line_id in new.units}
    if any(units < 1 or units > left[line_id] for line_id, units in new.units.items()):
        raise TooManyUnits(left)
    return {line_id: CooperativeId(row.cooperative_id) for line_id, row in asked.items()}


def _claimable(order_id: OrderId) -> Select[int, int, bool, datetime | None, ShipmentState, datetime | None]:
    """Each line with where its parcel is."""
    return (
        select(
            OrderLine.id,
            OrderLine.cooperative_id,
            OrderLine.is_perishable,
            Order.perishable_confirmed_at,
            Shipment.state,
            Shipment.delivered_at,
        )
        .join(Order, Order.id == OrderLine.order_id)
        .join(Shipment, (Shipment.order_id == OrderLine.order_id) & (Shipment.cooperative_id == OrderLine.cooperative_id))
        .where(OrderLine.order_id == order_id)
    )


@act
def withdraw_claim(claim_id: ClaimId, *, order_id: OrderId, by: UserId | None, now: datetime) -> None:
    """The buyer thinks better of it, while nothing is sent. Raises NoSuchClaim for another order's, or CannotMoveClaim."""
    order, claim = lock_with_order(claim_id, order_id=order_id)
    claims.move_claim(claim, ClaimState.WITHDRAWN, by=by, now=now)
    facts = {"before": {"state": claim.state}, "after": {"state": ClaimState.WITHDRAWN}, "claim": claim.id}
    outbox.write_audit("claim.withdrawn", subject=order.number, by=by, facts=facts, now=now)
    tell_cooperative(claim, ClaimState.WITHDRAWN, now=now)


@act
def say_sent(claim_id: ClaimId, *, order_id: OrderId, carrier: str, tracking_number: str, by: UserId | None, now: datetime) -> None:
    """The goods are on their way back; said again, the number was wrong. Raises NoSuchClaim for another order's, or CannotMoveClaim."""
    order, claim = lock_with_order(claim_id, order_id=order_id)
    sent = {"carrier": carrier, "tracking_number": tracking_number} | ({} if claim.state is ClaimState.SENT else {"sent_at": now})
    claims.move_claim(claim, ClaimState.SENT, by=by, now=now, **sent)
    facts = {"before": {"state": claim.state}, "after": {"state": ClaimState.SENT, "carrier": carrier}, "claim": claim.id}
    outbox.write_audit("claim.sent", subject=order.number, by=by, facts=facts, now=now)
    tell_cooperative(claim, ClaimState.SENT, now=now)


def lock_with_order(claim_id: ClaimId, *, order_id: OrderId | None = None) -> tuple[OrderRow, ClaimRow]:
    """Step. A claim and its order, the order first. Raises NoSuchClaim, also when it is not of `order_id`."""
    its_order = claims.order_of(claim_id)
    if order_id is not None and its_order != order_id:
        raise NoSuchClaim
    order = orders.lock_by_id(its_order)
    return order, claims.lock_claim(claim_id)
