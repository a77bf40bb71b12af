"""What a file of sales made by hand would book, row by row: pure, so that a rehearsal and the booking itself say the same.

Law: a row sees what the rows before it left, on the shelf and of each sale; a row that is refused leaves nothing behind. The fen of a row are
shared by the same functions as those of an online sale and its refund (DESIGN §2.4, §2.5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from shop.acts.book_sale import lot_total
from shop.acts.place_order import snapshot
from shop.catalog.pricing import Offered
from shop.kit.clock import business_day
from shop.kit.errors import Conflict, NotFound, Refused, ShopError
from shop.kit.ids import CooperativeId, EasternUnitId, EntryId, ItemId, LineId, LotId, OrderId, PickId, VillageId
from shop.ledger.attribution import (
    PickedFen,
    PickedUnits,
    Recorded,
    Share,
    SoldPick,
    attribute,
    fen_by_lot,
    fen_of_picks,
    latest_picks,
    refund_shares,
    refund_units,
)
from shop.ledger.errors import PeriodClosed
from shop.orders.batches import MadeReturn, PlacedOrder
from shop.orders.errors import NoSuchOrder, NothingToRefund, RefundTooLarge
from shop.orders.service import Snapshot
from shop.stock.holding import RaisedLot
from shop.stock.shelf import Shelf, WantedOfShelf

# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OfflineLine:
    """So many of one SKU at the price that was taken."""

    sku_code: str
    quantity: int
    unit_price_fen: int
    lot_code: str | None = None
    """None: first expired first out among the lots on sale that day."""


@dataclass(frozen=True, slots=True)
class OfflineSale:
    """One sale made by hand."""

    ref: str
    """The seller's own number; the same twice is one sale."""
    sold_at: datetime
    lines: tuple[OfflineLine, ...]
    district_code: str | None = None
    """Where the buyer is from: six digits."""
    eastern_unit_id: EasternUnitId | None = None


@dataclass(frozen=True, slots=True)
class OfflineReturn:
    """Goods that came back from a sale made by hand: units by SKU code, the latest picks first."""

    ref: str
    """The return's own number; the same twice is one return."""
    sale_ref: str
    units: Mapping[str, int]
    returned_at: datetime
    restock: bool = True
    """Whether they are for sale again; else they are written off."""
    reason: str = ""
    unit_price_fen: int | None = None
    """If it is said, it must be what was paid."""
    lot_code: str | None = None
    """If it is said, they come out of this lot's picks."""


OfflineRow = OfflineSale | OfflineReturn


def key_of(ref: str) -> str:
    """The key by which a row is booked once."""
    return f"offline:{ref}"


# ── Refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class NotOnSale(NotFound):
    """There is no such SKU or lot, or it is not for sale."""

    def __init__(self, code: str, *, is_lot: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_lot = is_lot


class NothingTaken(Refused):
    """A sale without money is no sale: it would book nothing."""


class RefTaken(Conflict):
    """Another sale or return was booked under this reference."""

    def __init__(self, ref: str) -> None:
        super().__init__(ref)
        self.ref = ref


class NotOfThatSale(Refused):
    """The SKU or the lot is not one of the sale's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class OtherPrice(Refused):
    """The price is not the one that was paid."""

    def __init__(self, paid_fen: int) -> None:
        super().__init__(paid_fen)
        self.paid_fen = paid_fen


class ReturnedBeforeSold(Refused):
    """Nothing comes back before it went."""

    def __init__(self, sold_on: date) -> None:
        super().__init__(sold_on)
        self.sold_on = sold_on


# ── What stands, and what is planned ──────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Bag:
    """One pick of a sale made by hand, as it stands after the rows so far. Of a sale not stored yet, the ids are missing."""

    line_at: int
    sku_code: str
    unit_grams: int
    item_id: ItemId
    lot_id: LotId
    cooperative_id: CooperativeId
    units: int
    fen: int
    returned_units: int = 0
    refunded_fen: int = 0
    recorded: tuple[Recorded, ...] = ()
    source_version: int = 0
    lot_total_fen: int = 0
    pick_id: PickId | None = None
    line_id: LineId | None = None
    is_accredited: bool = False


@dataclass(slots=True)
class Standing:
    """A sale made by hand, as a return finds it."""

    sold_on: date
    prices_fen: Mapping[str, int]
    """By SKU code."""
    bags: list[Bag]
    """In the order of picking."""
    order_id: OrderId | None = None
    number: str = ""


@dataclass(slots=True)
class World:
    """Everything that the rows of one batch ask about."""

    offers: Mapping[str, Offered]
    lots: Mapping[str, LotId]
    shelf: Shelf
    closed_months: frozenset[str]
    placed: Mapping[str, PlacedOrder]
    """By key: orders that were there before, of this batch's sales and of those it returns."""
    placed_lots: Mapping[OrderId, frozenset[LotId]]
    made: Mapping[str, MadeReturn]
    """By key: returns that were there before."""
    made_on: Mapping[EntryId, date]
    standing: dict[str, Standing]
    """By the sale's reference: what returns of this batch can name. Sales of the batch are added as they come."""
    seen: dict[str, OfflineRow] = field(default_factory=dict)
    """By reference: rows of this batch that are booked."""


class Result(StrEnum):
    """How a row ended."""

    BOOKED = "booked"
    KNOWN = "known"
    """It had been booked before, with the same facts."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one row ended."""

    ref: str
    result: Result
    number: str = ""
    """The order's, where it is known."""
    amount_fen: int = 0
    """What it booked: negative for a return."""
    is_return: bool = False
    villages: tuple[tuple[VillageId, int], ...] = ()
    """Fen by village, of what it booked."""
    refusal: ShopError | None = None


@dataclass(slots=True)
class PlannedSale:
    """A sale that will be booked."""

    at: int
    """The row's place in the batch."""
    sale: OfflineSale
    standing: Standing
    lines: list[Snapshot]
    total_fen: int


@dataclass(frozen=True, slots=True)
class BackOfBag:
    """What a return takes from one pick, and what had gone back before."""

    bag: Bag
    units: int
    fen: int
    refunded_before_fen: int

    def shares(self) -> list[tuple[Recorded, int]]:
        """What each village gives back."""
        parts = refund_shares(self.bag.recorded, self.refunded_before_fen, self.fen)
        return list(zip(self.bag.recorded, parts, strict=True))


@dataclass(slots=True)
class PlannedReturn:
    """A return that will be booked."""

    at: int
    back: OfflineReturn
    standing: Standing
    taken: list[BackOfBag]
    total_fen: int


@dataclass(slots=True)
class Plan:
    """What a batch will book, in the order of its rows."""

    outcomes: list[Outcome]
    booked: list[PlannedSale | PlannedReturn]

    def picks(self) -> list[PickedFen]:
        """Every pick of the batch's sales, numbered as they come."""
        return [PickedFen(PickId(at), bag.lot_id, bag.fen) for at, bag in enumerate(self.bags())]

    def bags(self) -> list[Bag]:
        """The same, with everything known of them."""
        return [bag for sale in self.booked if isinstance(sale, PlannedSale) for bag in sale.standing.bags]

    def added_fen(self) -> dict[LotId, int]:
        """By how much each lot's running total grows."""
        return fen_by_lot(self.picks())

    def attribute(self, lots: Mapping[LotId, RaisedLot]) -> list[list[Share]]:
        """Share every pick over its lot's villages; `lots` after their totals were raised. The shares of each bag, in the order of `bags()`."""
        bags = self.bags()
        by_bag: list[list[Share]] = [[] for _ in bags]
        codes = {(lot_id, source.village_id): source.village_code for lot_id, lot in lots.items() for source in lot.sources}
        for share in attribute(self.picks(), {lot_id: lot_total(lot) for lot_id, lot in lots.items()}):
            by_bag[share.pick_id].append(share)
        for bag, shares in zip(bags, by_bag, strict=True):
            bag.recorded = tuple(Recorded(each.village_id, codes[bag.lot_id, each.village_id], each.amount_fen) for each in shares)
            bag.source_version, bag.lot_total_fen = shares[0].source_version, shares[0].lot_total_fen
        for planned in self.booked:
            self.outcomes[planned.at] = _booked(planned)
        return by_bag


def _booked(planned: PlannedSale | PlannedReturn) -> Outcome:
    villages: dict[VillageId, int] = {}
    if isinstance(planned, PlannedSale):
        for bag in planned.standing.bags:
            for share in bag.recorded:
                villages[share.village_id] = villages.get(share.village_id, 0) + share.fen
        return Outcome(planned.sale.ref, Result.BOOKED, planned.standing.number, planned.total_fen, False, tuple(villages.items()))
    for taken in planned.taken:
        for share, fen in taken.shares():
            villages[share.village_id] = villages.get(share.village_id, 0) - fen
    return Outcome(planned.back.ref, Result.BOOKED, planned.standing.number, -planned.total_fen, True, tuple(villages.items()))


# ── Planning ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def plan(rows: Sequence[OfflineRow], world: World) -> Plan:
    """Decide every row in its order. What is decided has changed `world`; `Plan.attribute` shares the fen afterwards."""
    made = Plan([], [])
    for at, row in enumerate(rows):
        is_return = isinstance(row, OfflineReturn)
        try:
            if known := _find_known(row, world):
                made.outcomes.append(known)
                continue
            planned = _plan_return(at, row, world) if isinstance(row, OfflineReturn) else _plan_sale(at, row, world)
        except ShopError as refusal:
            refusal.__traceback__ = None  # it would keep this batch in memory until the collector comes by
            made.outcomes.append(Outcome(row.ref, Result.REFUSED, is_return=is_return, refusal=refusal))
            continue
        world.seen[row.ref] = row
        made.booked.append(planned)
        made.outcomes.append(Outcome(row.ref, Result.BOOKED, is_return=is_return))  # its fen are shared later
    return made


def _find_known(row: OfflineRow, world: World) -> Outcome | None:
    """What the row has booked before, if it has. Raises RefTaken if that was something else."""
    once = key_of(row.ref)
    if before := world.seen.get(row.ref):
        if before != row:
            raise RefTaken(row.ref)
        return Outcome(row.ref, Result.KNOWN, is_return=isinstance(row, OfflineReturn))
    order, made = world.placed.get(once), world.made.get(once)
    if order is None and made is None:
        return None
    if isinstance(row, OfflineSale):
        if order is None or not _is_same_sale(row, order, world):
            raise RefTaken(row.ref)
        return Outcome(row.ref, Result.KNOWN, order.number, sum(line.quantity * line.unit_price_fen for line in order.lines))
    sale = world.placed.get(key_of(row.sale_ref))
    if made is None or sale is None or sale.order_id != made.order_id or dict(row.units) != dict(made.units):
        raise RefTaken(row.ref)
    if world.made_on[made.entry_id] != business_day(row.returned_at):
        raise RefTaken(row.ref)
    return Outcome(row.ref, Result.KNOWN, sale.number, -made.goods_fen, is_return=True)


def _is_same_sale(sale: OfflineSale, order: PlacedOrder, world: World) -> bool:
    asked = [(line.sku_code, line.quantity, line.unit_price_fen) for line in sale.lines]
    stored = [(line.sku_code, line.quantity, line.unit_price_fen) for line in order.lines]
    named = {world.lots.get(line.lot_code) for line in sale.lines if line.lot_code is not None}
    return (
        sale.sold_at == order.placed_at
        and (sale.district_code or None) == order.district_code
        and sale.eastern_unit_id == order.eastern_unit_id
        and asked == stored
        and named <= world.placed_lots.get(order.order_id, frozenset())
    )


def _plan_sale(at: int, sale: OfflineSale, world: World) -> PlannedSale:
    for line in sale.lines:
        if line.sku_code not in world.offers:
            raise NotOnSale(line.sku_code)
        if line.lot_code is not None and line.lot_code not in world.lots:
            raise NotOnSale(line.lot_code, is_lot=True)
    total_fen = sum(line.unit_price_fen * line.quantity for line in sale.lines)
    if not total_fen:
        raise NothingTaken
    sold_on = business_day(sale.sold_at)
    _refuse_closed(sold_on, world)
    offers = [world.offers[line.sku_code] for line in sale.lines]
    wanted = [
        WantedOfShelf(offer.sku_id, line.quantity, world.lots[line.lot_code] if line.lot_code is not None else None)
        for offer, line in zip(offers, sale.lines, strict=True)
    ]
    bags = [
        Bag(taken.line_at, offers[taken.line_at].sku_code, offers[taken.line_at].packed_grams, taken.item_id, taken.lot_id,
            offers[taken.line_at].cooperative_id, taken.units, 0)
        for taken in world.shelf.take(wanted, day=sold_on)
    ]  # fmt: skip
    if len(bags) == 1:
        bags[0].fen = total_fen
    for line_at, line in enumerate(sale.lines if len(bags) > 1 else ()):
        of_line = [bag for bag in bags if bag.line_at == line_at]
        picked = [PickedUnits(PickId(place), bag.lot_id, bag.units) for place, bag in enumerate(of_line)]
        for bag, pick in zip(of_line, fen_of_picks(line.unit_price_fen * line.quantity, picked), strict=True):
            bag.fen = pick.fen
    standing = Standing(sold_on, {line.sku_code: line.unit_price_fen for line in sale.lines}, bags)
    world.standing[sale.ref] = standing
    lines = [snapshot(offer, line.unit_price_fen, line.quantity) for offer, line in zip(offers, sale.lines, strict=True)]
    return PlannedSale(at, sale, standing, lines, total_fen)


def _plan_return(at: int, back: OfflineReturn, world: World) -> PlannedReturn:
    standing = world.standing.get(back.sale_ref)
    if standing is None:
        raise NoSuchOrder
    returned_on = business_day(back.returned_at)
    if returned_on < standing.sold_on:
        raise ReturnedBeforeSold(standing.sold_on)
    lot_id = None
    if back.lot_code is not None and (lot_id := world.lots.get(back.lot_code)) is None:
        raise NotOnSale(back.lot_code, is_lot=True)
    named: list[tuple[Bag, SoldPick, int]] = []
    for code, count in back.units.items():
        if code not in standing.prices_fen:
            raise NotOfThatSale(code)
        if back.unit_price_fen not in (None, standing.prices_fen[code]):
            raise OtherPrice(standing.prices_fen[code])
        of_line = [
            SoldPick(PickId(place), bag.fen, bag.units, bag.returned_units, bag.refunded_fen)
            for place, bag in enumerate(standing.bags)
            if bag.sku_code == code and (lot_id is None or bag.lot_id == lot_id)
        ]
        if not of_line:
            raise NotOfThatSale(back.lot_code or code)
        if count > (left := sum(pick.left_units for pick in of_line)):
            raise RefundTooLarge(count, left)
        named += [(standing.bags[pick.pick_id], pick, units) for pick, units in latest_picks(of_line, count)]
    _refuse_closed(returned_on, world)
    named.sort(key=lambda each: each[1].pick_id)
    refunds = refund_units([(pick, units) for _, pick, units in named])
    total_fen = sum(refund.fen for refund in refunds)
    if not total_fen:
        raise NothingToRefund
    taken = []
    for (bag, _, _), refund in zip(named, refunds, strict=True):
        taken.append(BackOfBag(bag, refund.units, refund.fen, bag.refunded_fen))
        bag.returned_units += refund.units
        bag.refunded_fen += refund.fen
        world.shelf.put_back(bag.item_id, refund.units, restock=back.restock)
    return PlannedReturn(at, back, standing, taken, total_fen)


def _refuse_closed(day: date, world: World) -> None:
    month = f"{day:%Y-%m}"
    if month in world.closed_months:
        raise PeriodClosed(month)
