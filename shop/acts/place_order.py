"""Turning a basket into an order that waits for payment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shop.accounts import service as accounts
from shop.acts.start_payment import FIRST_ATTEMPT, FirstAttempt, record_first_attempt
from shop.cart import service as carts
from shop.cart.queries import BasketLine
from shop.catalog.pricing import Offered, offered, origins_of
from shop.extensions import act
from shop.kit.clock import business_day, day_ends
from shop.kit.ids import CartId, CheckoutKey, CooperativeId, SkuId
from shop.offers import service as vouchers
from shop.offers.discounts import Discount, Good
from shop.offers.queries import Buyer
from shop.orders import service as orders
from shop.orders.errors import EmptyCart, PriceChange, PriceChanged, ProductRetired
from shop.orders.models import Channel
from shop.orders.pricing import PricedLine, price_lines
from shop.orders.service import Delivery, LineRow, Snapshot
from shop.orders.states import HOLD_TIME, OrderState
from shop.outbox import service as outbox
from shop.papers import fapiao
from shop.papers.fapiao import FapiaoWanted
from shop.payments.transfer import service as transfers
from shop.shipping import service as shipping
from shop.shipping.rules import Parcel
from shop.shipping.service import Chosen
from shop.stock import holding as stock
from shop.stock.picking import Wanted

__all__ = ["NO_WISHES", "Delivery", "Placed", "Wishes", "parcels_of", "place_order", "snapshots"]

NO_DISCOUNT = Discount()


@dataclass(frozen=True)
class Placed:
    """An order that waits for payment."""

    number: str
    key: str
    total_fen: int
    first: FirstAttempt | None = None
    """Recorded along with it, if that was asked for."""


@dataclass(frozen=True)
class Wishes:
    """What a buyer may ask for beside the goods; nobody has to, and then nothing more is asked of the database."""

    voucher_codes: Sequence[str] = ()
    fapiao: FapiaoWanted | None = None
    chosen: Mapping[CooperativeId, Chosen] = field(default_factory=dict)
    """How each parcel is sent; as usual unless said."""


NO_WISHES = Wishes()


@act
def place_order(
    cart_id: CartId,
    delivery: Delivery,
    *,
    once: CheckoutKey,
    now: datetime,
    transfer_days: int | None = None,
    hidden_methods: Sequence[str] | None = None,
    wishes: Wishes = NO_WISHES,
) -> Placed:
    """Turn a cart into an order that waits for payment: on a provider's page, or by bank transfer within `transfer_days` days.

    Either the whole cart is held and the order exists, or nothing has changed. The same `once` gives the same order. With `hidden_methods`, a
    new order that is paid on a provider's page has its first attempt recorded too, for `start_first` (see `start_payment`).
    Raises EmptyCart, ProductRetired, PriceChanged, VoucherRefused, CannotShipThere or NotEnoughStock.
    """
    basket = carts.lock(cart_id)  # before looking: the same form sent twice at once would find the basket emptied by its twin
    if placed := orders.find_placed(once):
        return Placed(placed.number, placed.key, placed.total_fen)
    lines = _price_lines(basket)
    buyer, discount = Buyer(delivery.buyer_id, delivery.phone), NO_DISCOUNT
    if wishes.voucher_codes:
        discount = vouchers.claim(wishes.voucher_codes, _goods(lines), buyer, today=business_day(now))
        lines = [replace(line, discount_fen=discount.of_line(place)) for place, line in enumerate(lines)]
    parcels = parcels_of(lines)
    quotes = shipping.quote_all(parcels, delivery.district_code, wishes.chosen, today=business_day(now))
    pay_by = business_day(now) + timedelta(days=transfer_days) if transfer_days is not None else None
    pays_now = hidden_methods is not None and pay_by is None
    order, stored = orders.draw_up(
        delivery,
        lines,
        shipping_fen=sum(quote.fen for quote in quotes),
        channel=Channel.ONLINE,
        state=OrderState.AWAITING_PAYMENT,
        once=once,
        hold_until=now + HOLD_TIME if pay_by is None else day_ends(pay_by),
        sold_on=None,
        today=business_day(now),
        now=now,
    )
    events: dict[str, dict[str, object]] = {"placed": {"total_fen": order.total_fen}}
    orders.add_events(order.id, events | (FIRST_ATTEMPT if pays_now else {}), by=delivery.buyer_id, now=now)
    if discount.granted:
        vouchers.record_uses(order.id, discount, buyer, now=now)
    if wishes.fapiao is not None:
        fapiao.ask(order.id, wishes.fapiao, now=now)
    shipping.prepare(order.id, parcels, quotes, wishes.chosen)
    stock.hold_all(wanted_of(stored), today=business_day(now), by=delivery.buyer_id, now=now)
    if delivery.buyer_id and delivery.remember_address:
        accounts.remember_address(
            delivery.buyer_id,
            name=delivery.name,
            phone=delivery.phone,
            district_code=delivery.district_code,
            town=delivery.town,
            street=delivery.street,
            now=now,
        )
    if pay_by is not None:
        transfers.expect_transfer(order.number, order.total_fen, pay_by=pay_by, payer_name=delivery.name, now=now)
    kind = "order_received" if pay_by is None else "transfer_instructions"
    outbox.write_letter(
        kind,
        once=f"{kind}:{order.number}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"number": order.number, "key": order.key},
        now=now,
    )
    carts.empty(cart_id)
    first = record_first_attempt(order, stored, hidden_methods or (), now=now) if pays_now else None
    return Placed(order.number, order.key, order.total_fen, first)


def _price_lines(basket: Sequence[BasketLine]) -> list[Snapshot]:
    if not basket:
        raise EmptyCart
    offers = offered(line.sku_id for line in basket)
    if retired := tuple(line.sku_id for line in basket if line.sku_id not in offers):
        raise ProductRetired(retired)
    changes = tuple(
        PriceChange(line.sku_id, line.seen_price_fen, offers[line.sku_id].price_fen)
        for line in basket
        if line.seen_price_fen != offers[line.sku_id].price_fen
    )
    if changes:
        raise PriceChanged(changes)
    return snapshots(
        [(line.sku_id, line.quantity) for line in basket], offers, {sku_id: offer.price_fen for sku_id, offer in offers.items()}
    )


def _goods(lines: Sequence[Snapshot]) -> list[Good]:
    """The lines as vouchers see them."""
    origins = origins_of(line.product_id for line in lines)
    return [Good(position, line.unit_price_fen * line.quantity, *origins[line.product_id]) for position, line in enumerate(lines, start=1)]


def snapshots(
    wanted: Sequence[tuple[SkuId, int]], offers: Mapping[SkuId, Offered], prices_fen: Mapping[SkuId, int], discount_fen: int = 0
) -> list[Snapshot]:
    """Lines as an order keeps them: the catalogue's words, these prices, and each its share of an order-wide discount."""
    priced = [PricedLine(position, prices_fen[sku_id], quantity) for position, (sku_id, quantity) in enumerate(wanted, start=1)]
    return [
        snapshot(offers[sku_id], line.unit_price_fen, line.quantity, net.discount_fen)
        for (sku_id, _), line, net in zip(wanted, priced, price_lines(priced, discount_fen), strict=True)
    ]


def snapshot(offer: Offered, unit_price_fen: int, quantity: int, discount_fen: int = 0) -> Snapshot:
    """One line as an order keeps it."""
    return Snapshot(
        sku_id=offer.sku_id,
        sku_code=offer.sku_code,
        product_id=offer.product_id,
        cooperative_id=offer.cooperative_id,
        product_name=offer.product_name,
        product_name_en=offer.product_name_en,
        pack=offer.pack,
        pack_en=offer.pack_en,
        unit_word=offer.unit_word,
        unit_price_fen=unit_price_fen,
        quantity=quantity,
        discount_fen=discount_fen,
        unit_grams=offer.packed_grams,
        is_perishable=offer.is_perishable,
        is_cold_chain=offer.is_cold_chain,
        tax_category=offer.tax_category,
    )


def parcels_of(lines: Sequence[Snapshot]) -> list[Parcel]:
    """One parcel per cooperative, by its id."""
    by_cooperative: dict[CooperativeId, list[Snapshot]] = {}
    for line in lines:
        by_cooperative.setdefault(line.cooperative_id, []).append(line)
    return [
        Parcel(
            cooperative_id=cooperative_id,
            grams=sum(line.unit_grams * line.quantity for line in packed),
            goods_fen=sum(line.unit_price_fen * line.quantity for line in packed),
            is_cold_chain=any(line.is_cold_chain for line in packed),
        )
        for cooperative_id, packed in sorted(by_cooperative.items())
    ]


def wanted_of(lines: Sequence[LineRow]) -> list[Wanted]:
    """What stock has to hold for an order's lines."""
    return [Wanted(line.id, line.sku_id, line.quantity) for line in lines]
