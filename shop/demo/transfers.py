"""One order that waits for a bank transfer, and one line on the bank's statement that nobody has matched: so that both pages have something to show."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from shop.acts.place_order import Delivery, place_order
from shop.cart import queries as baskets
from shop.cart import service as carts
from shop.cart.queries import CartOwner
from shop.demo import people
from shop.extensions import end_reading
from shop.kit.ids import CheckoutKey, SkuId, UserId
from shop.orders import service as orders
from shop.payments.transfer import service as transfers

_ONCE = CheckoutKey("demo-transfer")
_BUYER = "union@demo.test"
_DAYS = 3


def expect_one(sku_id: SkuId, price_fen: int, units: int, users: Mapping[str, UserId], *, day: date, now: datetime) -> None:
    """The union orders, to pay by transfer; and some money came of which nobody knows yet whose it is."""
    placed = orders.find_placed(_ONCE)
    end_reading()
    if placed is None:
        owner = CartOwner(key="de" * 16)
        carts.put(owner, sku_id, units, price_fen, now)
        cart_id = baskets.find_cart(owner)
        end_reading()
        assert cart_id is not None, "the basket was just filled"
        delivery = Delivery(
            name="示例工会",
            phone="13800000002",
            email=_BUYER,
            district_code="320583",
            region="江苏省苏州市昆山市",
            town="周市镇",
            street="示例路 1 号",
            note="",
            locale="zh",
            buyer_id=users[_BUYER],
            eastern_unit_id=None,
            perishable_confirmed=False,
            remember_address=False,
        )
        place_order(cart_id, delivery, once=_ONCE, now=now, transfer_days=_DAYS)
    transfers.bring_line(
        booked_on=day - timedelta(days=4),
        amount_fen=66_600,
        payer_name="示例公司（来款待认）",
        payer_account="6222000000000001",
        payer_bank="示例银行昆山支行",
        memo="货款",
        bank_number="DEMO-0001",
        by=users[people.STAFF],
        now=now,
    )
