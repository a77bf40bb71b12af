"""Giving money back: by the units of picks, by an amount of a line, or of the shipping; exactly from the villages that got it (DESIGN §2.5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import chain

from shop.acts.settle_refund import settle_refund
from shop.extensions import act
from shop.kit.clock import business_day
from shop.kit.ids import ClaimId, LineId, PickId, RefundId, ReturnId, UserId, VillageId
from shop.ledger import service as ledger
from shop.ledger.attribution import PickRefund, SoldPick, refund_by_amount, refund_shares, refund_units
from shop.ledger.models import EntryKind
from shop.ledger.service import CARRIAGE, Attributed, BookedPick, Heading, Leg, clearing, proceeds, unallocated
from shop.orders import claims
from shop.orders import service as orders
from shop.orders.errors import CannotMove, NothingToRefund, RefundTooLarge
from shop.orders.models import Channel, RefundBy
from shop.orders.service import OrderRow, ReturnedPick
from shop.orders.states import is_paid, may_move, state_of_order
from shop.outbox import service as outbox
from shop.payments import account
from shop.payments import service as payments
from shop.payments.errors import PaymentDisputed, RefundAboveReceived
from shop.payments.models import PaymentState, RefundState
from shop.payments.service import AttemptRow
from shop.payments.transfer import service as transfers
from shop.payments.windows import is_past_window
from shop.shipping import service as shipping
from shop.shipping.states import ShipmentState
from shop.stock import holding as stock


@dataclass(frozen=True)
class RefundWanted:
    """What somebody wants to give back. Units come off their picks first; amounts are then taken from what is left of their lines."""

    units: Mapping[PickId, int] = field(default_factory=dict)
    amounts: Mapping[LineId, int] = field(default_factory=dict)
    """Fen."""
    of_picks: Mapping[PickId, int] = field(default_factory=dict)
    """Fen of single picks, beside their units: what an exchange leaves over."""
    shipping_fen: int = 0
    restock: bool = False
    """Whether the units are for sale again; else they are written off."""
    reason: str = ""
    by_transfer: bool = False
    """Whether people send the money from the bank account, although the provider still could."""
    claim_id: ClaimId | None = None
    """The buyer's claim that it settles."""


@dataclass(frozen=True)
class VillageChange:
    """What a refund would do to one village's money of this order."""

    village_id: VillageId
    now_fen: int
    back_fen: int
    after_fen: int


@dataclass(frozen=True)
class RefundPreview:
    """A refund as it would be booked now; nothing is."""

    goods_fen: int
    shipping_fen: int
    total_fen: int
    picks: tuple[PickRefund, ...]
    villages: tuple[VillageChange, ...]
    """Those that this order brought money to, by id."""


@dataclass(frozen=True)
class Refunded:
    """A refund that was booked."""

    return_id: ReturnId
    total_fen: int
    state: RefundState
    """Succeeded, or on its way: the sweep follows it."""


def preview_refund(number: str, wanted: RefundWanted) -> RefundPreview:
    """What `refund_order` would book now.

    Raises NoSuchOrder, CannotMove, NothingToRefund or RefundTooLarge.
    """
    order = orders.get(number)
    plan = _plan(order, wanted)
    now_fen = ledger.village_amounts(order.id)
    back_fen: dict[VillageId, int] = {}
    for row in plan.attributed:
        back_fen[row.village_id] = back_fen.get(row.village_id, 0) - row.amount_fen
    villages = tuple(
        VillageChange(village_id, amount, back_fen.get(village_id, 0), amount - back_fen.get(village_id, 0))
        for village_id, amount in sorted(now_fen.items())
    )
    return RefundPreview(plan.goods_fen, wanted.shipping_fen, plan.goods_fen + wanted.shipping_fen, plan.picks, villages)


def refund_order(number: str, wanted: RefundWanted, *, once: str, by: UserId | None, now: datetime) -> Refunded:
    """Course. Book a refund of a paid online order and send the money back through its provider. The same `once` is the same refund.

    When the provider does not answer, the refund stands as asked and the sweep sends it. Raises NoSuchOrder, CannotMove, NothingToRefund
    or RefundTooLarge, and then nothing has changed.
    """
    return_id, refund_id, total_fen = _book_refund(number, wanted, once=f"refund:{number}:{once}", by=by, now=now)
    state = settle_refund(refund_id, now=now)
    return Refunded(return_id, total_fen, state)


@act
def _book_refund(number: str, wanted: RefundWanted, *, once: str, by: UserId | None, now: datetime) -> tuple[ReturnId, RefundId, int]:
    order = orders.lock(number)
    return book_refund(order, wanted, once=once, by=by, now=now)


def book_refund(order: OrderRow, wanted: RefundWanted, *, once: str, by: UserId | None, now: datetime) -> tuple[ReturnId, RefundId, int]:
    """Step. Book a refund of an order, which is locked, and write down that its money is to be sent; the same `once` is the same refund.

    By the way the money came; from the bank account where that way is closed, or was one itself. The return, the refund and its sum.
    Raises CannotMove, NothingToRefund or RefundTooLarge.
    """
    if known := orders.find_return(once):
        refund_id = payments.find_refund(once)
        assert refund_id is not None and known.order_id == order.id, "a return of this order has its refund"
        return known.id, refund_id, known.goods_fen + known.shipping_fen
    if order.channel is not Channel.ONLINE:
        raise CannotMove(order.channel.value, "refund")
    payment = _payment_of(order)
    if account.is_disputed(payment.id):
        raise PaymentDisputed
    by_transfer = goes_by_transfer(payment, now=now) or wanted.by_transfer
    paid_from = unallocated(transfers.PROVIDER) if by_transfer else clearing(payment.provider)
    return_id, total_fen = book_return(order, wanted, paid_from=paid_from, once=once, by=by, on=business_day(now), now=now)
    try:
        refund_id = payments.record_refund(payment.id, total_fen, once=once, reason=wanted.reason[:120], by_transfer=by_transfer, now=now)
    except RefundAboveReceived as error:
        raise RefundTooLarge(total_fen, payment.received_fen - payment.refunded_fen) from error
    if by_transfer:
        transfers.open_remittance(refund_id, transfers.payee_of_receipts(payment.id))
    if wanted.claim_id is not None:
        claims.mark_refunded(wanted.claim_id, return_id, now=now)
    _close_empty_parcels(order, by=by, now=now)
    if by is not None:
        facts = {"before": {"refunded_fen": payment.refunded_fen}, "after": {"refunded_fen": payment.refunded_fen + total_fen}}
        outbox.write_audit("refund.made", subject=order.number, by=by, facts=facts | {"return": return_id}, now=now)
    kind = "refund_by_transfer" if by_transfer else "refund_made"
    outbox.write_letter(
        kind,
        once=f"{kind}:{return_id}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"number": order.number, "key": order.key, "return_id": return_id, "total_fen": total_fen},
        now=now,
    )
    return return_id, refund_id, total_fen


def goes_by_transfer(payment: AttemptRow, *, now: datetime) -> bool:
    """Whether money of this payment can only go back from the bank account: it came there, or its provider sends nothing back any more."""
    return payment.provider == transfers.PROVIDER or is_past_window(payment.method, payment.paid_at, now=now)


def _payment_of(order: OrderRow) -> AttemptRow:
    """The payment that the order was sold by: the one with the most money left, since a second one went back by itself."""
    paid = [attempt for attempt in payments.attempts_for(order.number) if attempt.state is PaymentState.PAID]
    if not paid:
        raise CannotMove(order.state.value, "refund")
    return max(paid, key=lambda attempt: attempt.received_fen - attempt.refunded_fen)


def _close_empty_parcels(order: OrderRow, *, by: UserId | None, now: datetime) -> None:
    """A parcel of which everything was refunded before it left is not sent."""
    lines = orders.lines_of(order.id)
    left = stock.left_units_by_line(line.id for line in lines)
    to_send = {line.cooperative_id for line in lines if left.get(line.id)}
    parcels = shipping.of_order(order.id)
    empty = [parcel.id for parcel in parcels if parcel.state is ShipmentState.TO_PACK and parcel.cooperative_id not in to_send]
    if not empty:
        return
    shipping.cancel(empty)
    state = state_of_order(ShipmentState.CANCELLED if parcel.id in empty else parcel.state for parcel in parcels)
    if may_move(order.state, state):
        orders.move(order, state, by=by, facts={"parcels_cancelled": len(empty)}, now=now)


# ── What a refund takes from which pick and village ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Plan:
    """A refund worked out: what each pick and each village gives back."""

    picks: tuple[PickRefund, ...]
    lines: Mapping[PickId, LineId]
    attributed: tuple[Attributed, ...]

    @property
    def goods_fen(self) -> int:
        """What goes back for goods."""
        return sum(pick.fen for pick in self.picks)


def villages_part(order: OrderRow, wanted: RefundWanted) -> tuple[Attributed, ...]:
    """What each village would give back of each pick, as negative amounts; nothing is booked.

    Raises CannotMove or RefundTooLarge.
    """
    try:
        return _plan(order, wanted).attributed
    except NothingToRefund:
        return ()


def _plan(order: OrderRow, wanted: RefundWanted) -> _Plan:
    if not is_paid(order.state):
        raise CannotMove(order.state.value, "refund")
    booked = ledger.booked_picks(order.id)
    sold = sold_picks(booked)
    by_units = (*_by_units(sold, wanted.units), *_of_picks(sold, wanted.of_picks))
    by_amounts = _by_amounts(_less(sold, by_units), booked, wanted.amounts)
    picks = _merged(by_units, by_amounts)
    shipping_left_fen = order.shipping_fen - order.refunded_shipping_fen
    if not 0 <= wanted.shipping_fen <= shipping_left_fen:
        raise RefundTooLarge(wanted.shipping_fen, shipping_left_fen)
    if not any(pick.fen for pick in picks) and not wanted.shipping_fen:
        raise NothingToRefund
    lines = {pick.pick_id: booked[pick.pick_id].line_id for pick in picks}
    return _Plan(picks, lines, tuple(given_back(order, booked, picks)))


def sold_picks(booked: Mapping[PickId, BookedPick]) -> dict[PickId, SoldPick]:
    """Picks of the books with how many of their units came back."""
    units = stock.sold_units(booked)
    return {
        pick_id: SoldPick(pick_id, pick.fen, units[pick_id].units, units[pick_id].returned_units, pick.refunded_fen)
        for pick_id, pick in booked.items()
    }


def _by_units(sold: Mapping[PickId, SoldPick], wanted: Mapping[PickId, int]) -> tuple[PickRefund, ...]:
    named = {pick_id: units for pick_id, units in sorted(wanted.items()) if units}
    for pick_id, units in named.items():
        if pick_id not in sold:
            raise NothingToRefund
        if not 0 <= units <= sold[pick_id].left_units:
            raise RefundTooLarge(units, sold[pick_id].left_units)
    return refund_units([(sold[pick_id], units) for pick_id, units in named.items()])


def _of_picks(sold: Mapping[PickId, SoldPick], wanted: Mapping[PickId, int]) -> Iterable[PickRefund]:
    for pick_id, fen in sorted(wanted.items()):
        if not 0 <= fen <= sold[pick_id].left_fen:
            raise RefundTooLarge(fen, sold[pick_id].left_fen)
        yield PickRefund(pick_id, 0, fen)


def _by_amounts(
    sold: Mapping[PickId, SoldPick], booked: Mapping[PickId, BookedPick], wanted: Mapping[LineId, int]
) -> tuple[PickRefund, ...]:
    refunds: list[PickRefund] = []
    for line_id, amount_fen in sorted(wanted.items()):
        picks = [sold[pick_id] for pick_id, pick in sorted(booked.items()) if pick.line_id == line_id]
        left_fen = sum(pick.left_fen for pick in picks)
        if not 0 <= amount_fen <= left_fen:
            raise RefundTooLarge(amount_fen, left_fen)
        refunds += refund_by_amount(amount_fen, picks)
    return tuple(refunds)


def _less(sold: Mapping[PickId, SoldPick], refunds: Iterable[PickRefund]) -> dict[PickId, SoldPick]:
    left = dict(sold)
    for refund in refunds:
        pick = left[refund.pick_id]
        left[refund.pick_id] = replace(pick, returned_units=pick.returned_units + refund.units, refunded_fen=pick.refunded_fen + refund.fen)
    return left


def _merged(*refunds: Iterable[PickRefund]) -> tuple[PickRefund, ...]:
    merged: dict[PickId, PickRefund] = {}
    for refund in chain(*refunds):
        before = merged.get(refund.pick_id, PickRefund(refund.pick_id, 0, 0))
        merged[refund.pick_id] = PickRefund(refund.pick_id, before.units + refund.units, before.fen + refund.fen)
    return tuple(refund for _, refund in sorted(merged.items()) if refund.units or refund.fen)


def given_back(order: OrderRow, booked: Mapping[PickId, BookedPick], picks: Iterable[PickRefund]) -> Iterable[Attributed]:
    """What each village gives back when picks are refunded: rows of the books, by the shares that hold for it now (DESIGN §2.5)."""
    for refund in picks:
        pick = booked[refund.pick_id]
        for share, fen in zip(pick.recorded, refund_shares(pick.recorded, pick.refunded_fen, refund.fen), strict=True):
            if fen:
                yield Attributed(
                    order_id=order.id,
                    line_id=pick.line_id,
                    pick_id=pick.pick_id,
                    lot_id=pick.lot_id,
                    source_version=pick.source_version,
                    cooperative_id=pick.cooperative_id,
                    village_id=share.village_id,
                    is_refund=True,
                    amount_fen=-fen,
                    grams=0,
                    lot_total_fen=pick.lot_total_fen,
                    sold_on=pick.sold_on,
                    is_accredited=pick.is_accredited,
                )


def book_return(
    order: OrderRow,
    wanted: RefundWanted,
    *,
    paid_from: Heading,
    once: str,
    by: UserId | None,
    on: date,
    now: datetime,
    kind: EntryKind = EntryKind.REFUND,
    also: Sequence[Leg] = (),
) -> tuple[ReturnId, int]:
    """Step. Book what goes back out of the villages' accounts, store the return and take the units back. The return's id and total.

    Shared by refunds through a provider, by offline returns and by lost disputes, which book their own legs in the same entry (`also`).
    Raises CannotMove, NothingToRefund or RefundTooLarge.
    """
    plan = _plan(order, wanted)
    total_fen = plan.goods_fen + wanted.shipping_fen
    legs = [Leg(paid_from, -total_fen), Leg(CARRIAGE, wanted.shipping_fen)]
    legs += [Leg(proceeds(row.cooperative_id, row.village_id), -row.amount_fen) for row in plan.attributed]
    entry_id = ledger.post(kind, [*legs, *also], plan.attributed, once=once, subject=order.number, on=on, now=now)
    return_id = orders.record_return(
        order,
        [ReturnedPick(pick.pick_id, plan.lines[pick.pick_id], pick.units, pick.fen) for pick in plan.picks],
        by=RefundBy.QUANTITY if any(pick.units for pick in plan.picks) else RefundBy.AMOUNT,
        shipping_fen=wanted.shipping_fen,
        restock=wanted.restock,
        reason=wanted.reason[:120],
        once=once,
        entry_id=entry_id,
        asked_by=by,
        now=now,
    )
    units = {pick.pick_id: pick.units for pick in plan.picks}
    stock.take_back(units, restock=wanted.restock, reason=wanted.reason[:120], by=by, once=f"return:{return_id}", now=now)
    return return_id, total_fen
