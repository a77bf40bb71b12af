"""Sales and refunds booked through the steps that the acts use, without a basket and without a provider: for tests of what reads the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import select

from shop.acts.book_back import book_back
from shop.acts.book_sale import book_sale
from shop.acts.place_order import parcels_of, snapshots, wanted_of
from shop.catalog.pricing import offered
from shop.extensions import act, db
from shop.kit.clock import SHANGHAI
from shop.kit.ids import EasternUnitId, EntryId, LineId, OrderId, PickId, SkuId, UserId
from shop.ledger import service as ledger
from shop.ledger.attribution import refund_by_quantity, refund_shares
from shop.ledger.models import EntryKind
from shop.ledger.service import CASH, Attributed, BookedPick, Leg, proceeds
from shop.orders import service as orders
from shop.orders.models import Channel, Order, OrderLine
from shop.orders.service import Delivery
from shop.orders.states import OrderState
from shop.shipping import service as shipping
from shop.stock import holding as stock
from shop.stock.models import Pick
from tests.factories import MadeSku, make_product


@dataclass(frozen=True)
class Sold:
    """A booked sale."""

    number: str
    order_id: OrderId
    line_ids: tuple[LineId, ...]


def noon(day: date) -> datetime:
    """Midday in Shanghai."""
    return datetime.combine(day, time(12), tzinfo=SHANGHAI)


def sell(
    *wanted: tuple[MadeSku, int],
    on: date = date(2026, 11, 23),
    at: datetime | None = None,
    channel: Channel = Channel.ONLINE,
    eastern_unit_id: EasternUnitId | None = None,
    district_code: str = "320583",
    region: str = "江苏省苏州市昆山市",
    buyer_id: UserId | None = None,
    name: str = "梅女士",
    phone: str = "13800002207",
    discount_fen: int = 0,
    shipping_fen: int = 0,
    once: str = "",
    state: OrderState | None = None,
) -> Sold:
    """An order, paid and booked on the business day `on`; one bag of 白水贡米 unless told. Its goods must be in stock."""
    lines = [(sku.id, units) for sku, units in wanted] or [(make_product().sku.id, 1)]
    delivery = Delivery(
        name=name,
        phone=phone,
        email=None,
        district_code=district_code,
        region=region,
        town="周市镇",
        street="新塘路 18 号",
        note="",
        locale="zh",
        buyer_id=buyer_id,
        eastern_unit_id=eastern_unit_id,
        perishable_confirmed=False,
        remember_address=False,
    )
    return _sell(lines, delivery, on, at or noon(on), channel, discount_fen, shipping_fen, once, state)


@act
def _sell(
    wanted: Sequence[tuple[SkuId, int]],
    delivery: Delivery,
    on: date,
    at: datetime,
    channel: Channel,
    discount_fen: int,
    shipping_fen: int,
    once: str,
    state: OrderState | None,
) -> Sold:
    offers = offered(sku_id for sku_id, _units in wanted)
    lines = snapshots(wanted, offers, {sku_id: offer.price_fen for sku_id, offer in offers.items()}, discount_fen)
    is_online = channel is Channel.ONLINE
    order, stored = orders.draw_up(
        delivery,
        lines,
        shipping_fen=shipping_fen,
        channel=channel,
        state=OrderState.AWAITING_PAYMENT if is_online else OrderState.COMPLETED,
        once=once or f"test:{len(lines)}:{at.isoformat()}:{db.session.scalar(select(Order.id).order_by(Order.id.desc()).limit(1)) or 0}",
        hold_until=None,
        sold_on=None if is_online else on,
        today=on,
        now=at,
    )
    if is_online:
        parcels = parcels_of(lines)
        shipping.prepare(order.id, parcels, shipping.quote_all(parcels, delivery.district_code, today=on))
    stock.hold_all(wanted_of(stored), today=on, by=None, now=at)
    book_sale(order, stored, paid_into=CASH, on=on, by=None, now=at)
    if is_online:
        orders.move(order, OrderState.PAID, by=None, facts={}, now=at, sold_on=on)
    return Sold(order.number, order.id, tuple(line.id for line in stored))


def refund(sold: Sold, units: int = 1, *, line: int = 0, on: date = date(2026, 11, 23)) -> EntryId:
    """`units` of one line come back, the latest pick first, booked on the business day `on`."""
    return _refund(sold, units, sold.line_ids[line], on)


@act
def _refund(sold: Sold, units: int, line_id: LineId, on: date) -> EntryId:
    picks = db.session.execute(
        select(Pick.id, Pick.units, Pick.returned_units).where(Pick.line_id == line_id).order_by(Pick.id.desc())
    ).all()
    booked = ledger.booked_picks(sold.order_id)
    attributed: list[Attributed] = []
    taken: dict[PickId, int] = {}
    for pick_id, of_units, returned in picks:
        back = min(units - sum(taken.values()), of_units - returned)
        if back > 0:
            taken[PickId(pick_id)] = back
            pick = booked[PickId(pick_id)]
            fen = refund_by_quantity(pick.fen, of_units, returned, back, pick.refunded_fen)
            attributed += _given_back(sold, pick, fen)
    assert sum(taken.values()) == units, "no more comes back than went out"
    once = f"refund:{sold.number}:{line_id}:{on}:{sorted(taken)}:{[row[2] for row in picks]}"
    stock.take_back(taken, restock=True, reason="test", by=None, once=once[:60], now=noon(on))
    legs = [Leg(proceeds(row.cooperative_id, row.village_id), -row.amount_fen) for row in attributed]
    legs.append(Leg(CASH, sum(row.amount_fen for row in attributed)))
    return ledger.post(EntryKind.REFUND, legs, attributed, once=once[:80], subject=sold.number, on=on, now=noon(on))


def _given_back(sold: Sold, pick: BookedPick, fen: int) -> list[Attributed]:
    parts = refund_shares(pick.recorded, pick.refunded_fen, fen)
    return [
        Attributed(
            order_id=sold.order_id,
            line_id=pick.line_id,
            pick_id=pick.pick_id,
            lot_id=pick.lot_id,
            source_version=pick.source_version,
            cooperative_id=pick.cooperative_id,
            village_id=share.village_id,
            is_refund=True,
            amount_fen=-part,
            grams=0,
            lot_total_fen=pick.lot_total_fen,
            sold_on=pick.sold_on,
            is_accredited=pick.is_accredited,
        )
        for share, part in zip(pick.recorded, parts, strict=True)
        if part
    ]


@act
def fail_refund(entry_id: EntryId, *, on: date = date(2026, 11, 23)) -> EntryId:
    """The provider failed it: booked back."""
    return book_back(entry_id, EntryKind.REFUND_FAILED, once=f"failed:{entry_id}", on=on, now=noon(on))


def sku_of(line_id: LineId) -> int:
    """Which SKU a line is of."""
    return int(db.session.scalars(select(OrderLine.sku_id).where(OrderLine.id == line_id)).one())
