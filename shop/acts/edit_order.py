"""Staff change a paid order before it is packed: fewer of something, something of no higher price in its place, another address in the same district.

Law: nobody is charged. What costs more is refused: the buyer places a new order for it. Goods exchanged are one entry, the refund of the old picks and
the sale of the new ones, without money; what is left over goes back by the course of every refund. The district stays, since postage and the figures
by district hang on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shop.acts.book_sale import attribute_sale
from shop.acts.place_order import snapshot, wanted_of
from shop.acts.refund_order import RefundWanted, book_refund, given_back, sold_picks
from shop.acts.settle_refund import settle_refund
from shop.catalog.pricing import Offered, offered
from shop.extensions import act
from shop.kit.apportion import largest_remainder
from shop.kit.clock import business_day
from shop.kit.errors import Conflict, Refused
from shop.kit.ids import LineId, PickId, RefundId, SkuId, UserId
from shop.ledger import service as ledger
from shop.ledger.attribution import PickRefund, SoldPick, latest_picks, refund_units
from shop.ledger.models import EntryKind
from shop.ledger.service import Booking, Leg, proceeds
from shop.orders import requests
from shop.orders import service as orders
from shop.orders.errors import CannotMove
from shop.orders.models import Channel, RefundBy
from shop.orders.service import Address, LineRow, OrderRow, ReturnedPick, Snapshot
from shop.orders.states import OrderState
from shop.outbox import service as outbox
from shop.shipping import service as shipping
from shop.shipping.states import ShipmentState
from shop.stock import holding as stock

REASON = {"zh": "装箱前改单", "en": "Changed before packing"}
_EXCHANGED = {"zh": "装箱前换成别的货", "en": "Exchanged before packing"}
"""The buyer reads both on the order's page, in the order's language."""


@dataclass(frozen=True)
class EditWanted:
    """How an order should be."""

    keep: Mapping[LineId, int] = field(default_factory=dict)
    """How many units of a line stay; lines not named stay as they are."""
    swap: Mapping[LineId, SkuId] = field(default_factory=dict)
    """What comes in the place of those units of a line that do not stay, as many as they were."""
    address: Address | None = None


class NothingToEdit(Refused):
    """The order is so already."""


class NoSuchUnits(Refused):
    """More units should stay than are left of the line."""

    def __init__(self, line_id: LineId, left_units: int) -> None:
        super().__init__(line_id, left_units)
        self.line_id = line_id
        self.left_units = left_units


class CostsMore(Refused):
    """What should come costs more than what goes: that is a new order."""

    def __init__(self, line_id: LineId, price_fen: int, most_fen: int) -> None:
        super().__init__(line_id, price_fen, most_fen)
        self.line_id = line_id
        self.price_fen = price_fen
        self.most_fen = most_fen


class CannotSwap(Refused):
    """What should come is not on sale, is of another cooperative (and so of another parcel), is the same, or nothing was paid for what goes."""

    def __init__(self, line_id: LineId) -> None:
        super().__init__(line_id)
        self.line_id = line_id


class TooMuchForOne(Conflict):
    """More would go back than one person may decide: it is a refund for two."""

    def __init__(self, refund_fen: int, most_fen: int) -> None:
        super().__init__(refund_fen, most_fen)
        self.refund_fen = refund_fen
        self.most_fen = most_fen


@dataclass(frozen=True)
class EditedLine:
    """What happens to one line."""

    line_id: LineId
    was: int
    kept: int
    swapped_to: str | None
    """The SKU's code."""
    gone_fen: int
    """What the units that go were worth."""
    come_fen: int
    """What those in their place cost."""


@dataclass(frozen=True)
class EditPreview:
    """An edit as it would be booked now; nothing is."""

    lines: tuple[EditedLine, ...]
    has_new_address: bool

    @property
    def refund_fen(self) -> int:
        """What goes back to the buyer."""
        return sum(line.gone_fen - line.come_fen for line in self.lines)


def preview_edit(number: str, wanted: EditWanted) -> EditPreview:
    """What `edit_order` would do now.

    Raises NoSuchOrder, CannotMove, NothingToEdit, NoSuchUnits, CostsMore or CannotSwap.
    """
    order = orders.get(number)
    return EditPreview(tuple(change.as_line() for change in _plan(order, wanted)), wanted.address is not None)


def edit_order(number: str, wanted: EditWanted, *, four_eyes_fen: int, once: str, by: UserId, now: datetime) -> EditPreview:
    """Course. Change a paid order that nobody has begun to pack, and send back what is left over. The same `once` changes it once.

    Raises what `preview_edit` does, NotEnoughStock, or TooMuchForOne; then nothing has changed.
    """
    done, refund_id = _edit(number, wanted, four_eyes_fen=four_eyes_fen, once=once, by=by, now=now)
    if refund_id is not None:
        settle_refund(refund_id, now=now)
    return done


@act
def _edit(
    number: str, wanted: EditWanted, *, four_eyes_fen: int, once: str, by: UserId, now: datetime
) -> tuple[EditPreview, RefundId | None]:
    order = orders.lock(number)
    key, refund_key = f"edit:{number}:{once}", f"edit-refund:{number}:{once}"
    if orders.find_return(key) or orders.find_return(refund_key):
        return EditPreview((), False), None
    changes = _plan(order, wanted)
    done = EditPreview(tuple(change.as_line() for change in changes), wanted.address is not None)
    if requests.decided_alone_fen(order.id) + done.refund_fen > four_eyes_fen:
        raise TooMuchForOne(done.refund_fen, four_eyes_fen)
    swaps = [change for change in changes if change.offer is not None]
    if swaps:
        _exchange(order, swaps, once=key, by=by, now=now)
    refund_id = None
    if rest := _what_is_left(changes, order):
        _, refund_id, refunded_fen = book_refund(order, rest, once=refund_key, by=by, now=now)
        assert refunded_fen == done.refund_fen, "what goes back is what was left over"
    if wanted.address is not None:
        orders.change_address(order, wanted.address)
    orders.add_event(order.id, "edited", _facts(done), by=by, now=now)
    units = {
        "before": {f"line {line.line_id}": line.was for line in done.lines},
        "after": {f"line {line.line_id}": line.kept for line in done.lines},
    }
    outbox.write_audit("order.edited", subject=number, by=by, facts=units | _facts(done), now=now)
    outbox.write_letter(
        "order_edited",
        once=f"order_edited:{number}:{once}",
        subject=number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"number": number, "key": order.key, **_facts(done)},
        now=now,
    )
    return done, refund_id


def _facts(done: EditPreview) -> dict[str, object]:
    return {
        "lines": [
            {"line_id": line.line_id, "was": line.was, "kept": line.kept, "swapped_to": line.swapped_to, "come_fen": line.come_fen}
            for line in done.lines
        ],
        "address": done.has_new_address,
        "refund_fen": done.refund_fen,
    }


# ── What an edit does to which pick ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Change:
    """One line of which not everything stays."""

    line: LineRow
    was: int
    picks: tuple[PickRefund, ...]
    """What goes of which pick, and what it was worth."""
    offer: Offered | None
    come_fen: int

    @property
    def units(self) -> int:
        return sum(pick.units for pick in self.picks)

    @property
    def gone_fen(self) -> int:
        return sum(pick.fen for pick in self.picks)

    def as_line(self) -> EditedLine:
        code = self.offer.sku_code if self.offer else None
        return EditedLine(self.line.id, self.was, self.was - self.units, code, self.gone_fen, self.come_fen)


def _plan(order: OrderRow, wanted: EditWanted) -> list[_Change]:
    parcels = {parcel.cooperative_id: parcel.state for parcel in shipping.of_order(order.id)}
    if order.channel is not Channel.ONLINE or order.state is not OrderState.PAID or set(parcels.values()) - _NOT_PACKED:
        raise CannotMove(order.state.value, "edit")
    offers = offered(wanted.swap.values())
    booked = ledger.booked_picks(order.id)
    sold = sold_picks(booked)
    changes = []
    for line in orders.lines_of(order.id):
        picks = [pick for pick_id, pick in sorted(sold.items()) if booked[pick_id].line_id == line.id]
        left = sum(pick.left_units for pick in picks)
        keep = wanted.keep.get(line.id, left)
        if not 0 <= keep <= left:
            raise NoSuchUnits(line.id, left)
        if keep < left:
            changes.append(_change(line, left, left - keep, picks, wanted.swap.get(line.id), offers))
    if not changes and wanted.address is None:
        raise NothingToEdit
    return changes


_NOT_PACKED = frozenset({ShipmentState.TO_PACK, ShipmentState.CANCELLED})


def _change(
    line: LineRow, was: int, units: int, picks: Sequence[SoldPick], sku_id: SkuId | None, offers: Mapping[SkuId, Offered]
) -> _Change:
    gone = refund_units(latest_picks(picks, units))
    if sku_id is None:
        return _Change(line, was, gone, None, 0)
    offer = offers.get(sku_id)
    if offer is None or offer.cooperative_id != line.cooperative_id or offer.sku_id == line.sku_id:
        raise CannotSwap(line.id)
    if offer.price_fen > line.unit_price_fen:
        raise CostsMore(line.id, offer.price_fen, line.unit_price_fen)
    gone_fen = sum(pick.fen for pick in gone)
    come_fen = offer.price_fen * units - max(0, line.unit_price_fen * units - gone_fen)  # what was taken off the old is taken off the new
    if come_fen <= 0:
        raise CannotSwap(line.id)
    return _Change(line, was, gone, offer, min(come_fen, gone_fen))


def _exchange(order: OrderRow, swaps: Sequence[_Change], *, once: str, by: UserId, now: datetime) -> None:
    """The old goods go back on the shelf, the new ones are sold, for the same money: one entry in which nobody pays."""
    on = business_day(now)
    lines = orders.add_lines(order, [_snapshot_of(swap) for swap in swaps])
    stock.hold_all(wanted_of(lines), today=on, by=by, now=now)
    picks = [pick for swap in swaps for pick in _worth(swap)]
    back = given_back(order, ledger.booked_picks(order.id), picks)
    come = attribute_sale(order, lines, on=on, by=by, now=now)
    attributed = [*back, *come]
    legs = [Leg(proceeds(row.cooperative_id, row.village_id), -row.amount_fen) for row in attributed]
    booking = Booking(EntryKind.EDIT, legs, attributed, once, order.number, on, is_apart=True)
    [entry_id] = ledger.post_all([booking], now=now)
    line_of = {pick.pick_id: swap.line.id for swap in swaps for pick in swap.picks}
    reason = _EXCHANGED["en" if order.locale == "en" else "zh"]
    return_id = orders.record_return(
        order,
        [ReturnedPick(pick.pick_id, line_of[pick.pick_id], pick.units, pick.fen) for pick in picks],
        by=RefundBy.QUANTITY,
        shipping_fen=0,
        restock=True,
        reason=reason,
        once=once,
        entry_id=entry_id,
        asked_by=None,  # nobody decided to give money back; who changed the order stands in its trail
        now=now,
        is_exchange=True,
    )
    stock.take_back({pick.pick_id: pick.units for pick in picks}, restock=True, reason=reason, by=by, once=f"return:{return_id}", now=now)


def _snapshot_of(swap: _Change) -> Snapshot:
    assert swap.offer is not None
    return snapshot(swap.offer, swap.offer.price_fen, swap.units, swap.offer.price_fen * swap.units - swap.come_fen)


def _worth(swap: _Change) -> list[PickRefund]:
    """The units that go, each pick giving its part of what the new goods cost."""
    parts = largest_remainder(swap.come_fen, [pick.fen for pick in swap.picks], [pick.pick_id for pick in swap.picks])
    return [PickRefund(pick.pick_id, pick.units, fen) for pick, fen in zip(swap.picks, parts, strict=True)]


def _what_is_left(changes: Sequence[_Change], order: OrderRow) -> RefundWanted | None:
    """What goes back by an ordinary refund: units that nothing replaces, and what the new goods cost less."""
    units = {pick.pick_id: pick.units for change in changes if change.offer is None for pick in change.picks}
    fen: dict[PickId, int] = {}
    for change in changes:
        if change.offer is not None:
            fen |= {pick.pick_id: pick.fen - worth.fen for pick, worth in zip(change.picks, _worth(change), strict=True)}
    fen = {pick_id: amount for pick_id, amount in fen.items() if amount}
    if not units and not fen:
        return None
    return RefundWanted(units=units, of_picks=fen, restock=True, reason=REASON["en" if order.locale == "en" else "zh"])
