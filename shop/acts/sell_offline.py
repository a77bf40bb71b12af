"""Sales made by hand: at fairs, by contract, over a counter. Completed at once, paid into `cash/offline`; their returns likewise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.exc import IntegrityError

from shop.acts.book_sale import book_sale
from shop.acts.place_order import snapshots, wanted_of
from shop.acts.refund_order import RefundWanted, book_return
from shop.catalog.pricing import Offered, offered_by_code
from shop.extensions import act, trying, violated
from shop.kit.clock import business_day
from shop.kit.errors import NotFound, Refused
from shop.kit.ids import EasternUnitId, PickId, UserId
from shop.kit.regions import region_name
from shop.ledger import service as ledger
from shop.ledger.attribution import SoldPick, latest_picks
from shop.ledger.service import CASH
from shop.orders import service as orders
from shop.orders.errors import NoSuchOrder, RefundTooLarge
from shop.orders.models import Channel
from shop.orders.service import Delivery, LineRow, OrderRow
from shop.orders.states import OrderState
from shop.stock import holding as stock


@dataclass(frozen=True)
class OfflineLine:
    """So many of one SKU at the price that was taken."""

    sku_code: str
    quantity: int
    unit_price_fen: int
    lot_code: str | None = None
    """None: first expired first out among the lots on sale that day."""


@dataclass(frozen=True)
class OfflineSale:
    """One sale made by hand."""

    ref: str
    """The seller's own number; the same twice is one sale."""
    sold_at: datetime
    lines: tuple[OfflineLine, ...]
    district_code: str | None = None
    """Where the buyer is from: six digits."""
    eastern_unit_id: EasternUnitId | None = None


class NotOnSale(NotFound):
    """There is no such SKU or lot, or it is not for sale."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NothingTaken(Refused):
    """A sale without money is no sale: it would book nothing."""


@act
def sell_offline(sale: OfflineSale, *, by: UserId | None, now: datetime) -> str:
    """Book a sale made by hand on the business day it was made; the order's number. The same `ref` gives the same order.

    Raises NotOnSale, NothingTaken, NotEnoughStock or PeriodClosed.
    """
    once = f"offline:{sale.ref}"
    if known := orders.find_placed(once):
        return known.number
    offers = offered_by_code(line.sku_code for line in sale.lines)
    if missing := [line.sku_code for line in sale.lines if line.sku_code not in offers]:
        raise NotOnSale(missing[0])
    if not any(line.unit_price_fen * line.quantity for line in sale.lines):
        raise NothingTaken
    sold_on = business_day(sale.sold_at)
    try:
        with trying():
            order, lines = _draw_up(sale, offers, once=once, sold_on=sold_on)
    except IntegrityError as error:
        if violated(error, "uq_orders_once") and (known := orders.find_placed(once)):  # told twice at the same moment
            return known.number
        raise
    _hold(sale, lines, today=sold_on, by=by, now=now)
    book_sale(order, lines, paid_into=CASH, on=sold_on, by=by, now=now)
    return order.number


def _draw_up(sale: OfflineSale, offers: Mapping[str, Offered], *, once: str, sold_on: date) -> tuple[OrderRow, list[LineRow]]:
    by_sku = {offer.sku_id: offer for offer in offers.values()}
    wanted = [(offers[line.sku_code].sku_id, line.quantity) for line in sale.lines]
    prices_fen = {offers[line.sku_code].sku_id: line.unit_price_fen for line in sale.lines}
    delivery = Delivery(
        name="",
        phone="",
        email=None,
        district_code=sale.district_code or "",
        region=region_name(sale.district_code) if sale.district_code else "",
        town="",
        street="",
        note="",
        locale="zh",
        buyer_id=None,
        eastern_unit_id=sale.eastern_unit_id,
        perishable_confirmed=False,
        remember_address=False,
    )
    return orders.draw_up(
        delivery,
        snapshots(wanted, by_sku, prices_fen),
        shipping_fen=0,
        channel=Channel.OFFLINE,
        state=OrderState.COMPLETED,
        once=once,
        hold_until=None,
        sold_on=sold_on,
        today=sold_on,
        now=sale.sold_at,
    )


def _hold(sale: OfflineSale, lines: list[LineRow], *, today: date, by: UserId | None, now: datetime) -> None:
    open_lines = []
    for asked, line in zip(sale.lines, lines, strict=True):
        if asked.lot_code is None:
            open_lines.append(line)
            continue
        lot_id = stock.find_lot(asked.lot_code)
        if lot_id is None:
            raise NotOnSale(asked.lot_code)
        stock.hold_in_lot(line.id, line.sku_id, line.quantity, lot_id=lot_id, by=by, now=now)
    if open_lines:
        stock.hold_all(wanted_of(open_lines), today=today, by=by, now=now)


@act
def return_offline(
    ref: str,
    sale_ref: str,
    units: Mapping[str, int],
    *,
    returned_at: datetime,
    restock: bool,
    reason: str,
    by: UserId | None,
    now: datetime,
) -> int:
    """Book goods that came back from a sale made by hand: `units` by SKU code, the latest picks first. The fen given back.

    The same `ref` gives the same return. Raises NoSuchOrder, NotOnSale, RefundTooLarge or PeriodClosed.
    """
    once = f"offline:{ref}"
    sale = orders.find_placed(f"offline:{sale_ref}")
    if sale is None:
        raise NoSuchOrder
    order = orders.lock(sale.number)
    if known := orders.find_return(once):
        return known.goods_fen
    wanted = RefundWanted(units=_picks_of(order, units), restock=restock, reason=reason)
    _, total_fen = book_return(order, wanted, paid_from=CASH, once=once, by=by, on=business_day(returned_at), now=now)
    return total_fen


def _picks_of(order: OrderRow, units: Mapping[str, int]) -> dict[PickId, int]:
    booked = ledger.booked_picks(order.id)
    sold = stock.sold_units(booked)
    by_sku = {line.sku_code: line.id for line in orders.lines_of(order.id)}
    picks: dict[PickId, int] = {}
    for code, count in units.items():
        if code not in by_sku:
            raise NotOnSale(code)
        of_line = [
            SoldPick(pick_id, pick.fen, sold[pick_id].units, sold[pick_id].returned_units, pick.refunded_fen)
            for pick_id, pick in sorted(booked.items())
            if pick.line_id == by_sku[code]
        ]
        if count > (left := sum(pick.left_units for pick in of_line)):
            raise RefundTooLarge(count, left)
        picks |= {pick.pick_id: taken for pick, taken in latest_picks(of_line, count)}
    return picks
