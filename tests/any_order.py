"""A shop in which anything may happen in any order, twice and late, beside a model that fits on a page.

The model knows three things only: how many units of each SKU nobody has, where each order stands, and what its buyer has paid and got back.
It is told nothing by the shop but the fen of each refund. After every step the shop must agree with it, and at the end `flask ledger verify`
must be clean and every village back at nought when everything has been given back.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from flask import Flask
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import case, func, select, update

from shop.acts.ask_providers import ask_about_payments, ask_about_refunds
from shop.acts.confirm_payment import check_order_payments
from shop.acts.deliver_order import complete_orders, deliver_overdue, mark_delivered
from shop.acts.handle_event import handle_event
from shop.acts.lapse_unpaid import cancel_order, lapse_unpaid
from shop.acts.place_order import place_order
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.sell_offline import OfflineLine, OfflineSale, return_offline, sell_offline
from shop.acts.ship_parcel import ship_parcel
from shop.acts.start_payment import start_payment
from shop.cart import queries as carts
from shop.extensions import act, db, reading
from shop.kit.errors import ShopError
from shop.kit.ids import CheckoutKey, LineId, PickId
from shop.ledger.models import Account, AccountKind, Attribution, Posting
from shop.orders.errors import CannotMove, CannotPay, NothingToRefund, RefundTooLarge
from shop.orders.models import Order, OrderLine
from shop.orders.states import HOLD_EXTENSIONS, HOLD_TIME, SESSION_TIME, OrderState
from shop.payments import service as payments
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import Payment, Refund, RefundState
from shop.payments.provider import OutcomeKind
from shop.shipping.errors import AlreadyOnItsWay
from shop.shipping.models import Shipment
from shop.stock.errors import NotEnoughStock
from shop.stock.models import Lot, LotSource, Pick, PickState, StockItem
from tests.database import TestDatabase
from tests.factories import NOW, MadeSku, Pack, make_cooperative, make_lot, make_product, make_villages
from tests.providers import FakeProvider, FakeSession, Verb
from tests.shopping import a_delivery, assert_books_are_sound, fill_basket

# ── The model ─────────────────────────────────────────────────────────────────────────────────────────────────────────

WAITING, SOLD, LAPSED, CANCELLED = "waiting", "sold", "lapsed", "cancelled"
_STATES = {OrderState.AWAITING_PAYMENT: WAITING, OrderState.LAPSED: LAPSED, OrderState.CANCELLED: CANCELLED}


@dataclass
class Attempt:
    """One attempt to pay, as the shop knows it."""

    once: str
    expires_at: datetime
    known: OutcomeKind | None = OutcomeKind.OPEN
    """None: refused or settled; the shop asks no more."""


@dataclass
class Bought:
    """An order, as its buyer would tell it."""

    number: str
    once: str
    units: Counter[MadeSku]
    total_fen: int
    shipping_fen: int
    hold_until: datetime
    state: str = WAITING
    is_offline: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    goods_back_fen: int = 0
    shipping_back_fen: int = 0
    returned: Counter[PickId] = field(default_factory=Counter)

    @property
    def goods_fen(self) -> int:
        return sum(sku.price_fen * units for sku, units in self.units.items())

    @property
    def villages_fen(self) -> int:
        """What the villages have of it now."""
        return self.goods_fen - self.goods_back_fen if self.state == SOLD else 0


class Model:
    """Ten lines of trade."""

    def __init__(self) -> None:
        self.free: Counter[MadeSku] = Counter()
        self.orders: list[Bought] = []

    def can_give(self, units: Counter[MadeSku]) -> bool:
        return all(self.free[sku] >= wanted for sku, wanted in units.items())

    def hold(self, order: Bought) -> None:
        self.free.subtract(order.units)

    def let_go(self, order: Bought, state: str) -> None:
        self.free.update(order.units)
        order.state = state

    def money_came(self, order: Bought) -> bool:
        """The whole sum arrived: sold, if its goods are held or can be again. Else it goes back."""
        if order.state == LAPSED and self.can_give(order.units):
            self.hold(order)
            order.state = WAITING
        if order.state != WAITING:
            return False
        order.state = SOLD
        return True


# ── The shop under test ───────────────────────────────────────────────────────────────────────────────────────────────


class AnyOrder(RuleBasedStateMachine):
    """Rules are what people, providers and sweeps may do."""

    orders = Bundle("orders")
    sales = Bundle("sales")
    refunds_under_way = Bundle("refunds_under_way")

    def __init__(self, app: Flask, database: TestDatabase) -> None:
        super().__init__()
        db.session.remove()
        database.renew()
        self.provider = FakeProvider()
        app.extensions["payment_providers"] = {"stripe": self.provider}
        self.model = Model()
        self.now = NOW
        self.keys = count(1)

    @initialize()
    def open_shop(self) -> None:
        """Two cooperatives; a lot of one village, blends of two, three and four; a SKU that two lots hold."""
        one, two, three, four = villages = make_villages("白水村", "高坝田村", "三村", "四村")
        rice = make_product(packs=[Pack(68_01, 5_000), Pack(29_99, 2_000)])
        tea = make_product("皇菊", cooperative=make_cooperative("皇菊专业合作社", villages=villages), packs=[Pack(19_97, 50)])
        big, small, cup = *rice.skus, tea.sku
        make_lot(rice, units={big.id: 4, small.id: 3}, sources=[(one, 26_000)])
        make_lot(rice, units={big.id: 5, small.id: 6}, sources=[(one, 600_000), (two, 600_000), (three, 200_000)])
        make_lot(tea, units=7, sources=[(one, 7_000), (four, 3_000)])
        make_lot(tea, units=9, sources=[(one, 1_000), (two, 2_000), (three, 3_000), (four, 4_000)])
        self.skus = (big, small, cup)
        self.model.free.update({big: 9, small: 9, cup: 16})

    # ── Buying ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(
        target=orders,
        wanted=st.lists(st.sampled_from([0, 1, 1, 2, 3, 5]), min_size=3, max_size=3),
        again=st.booleans(),
        goes=st.sampled_from(["no further", "started", "paid", "back", "back", "back", "too late", "too late, goods gone", "too little"]),
    )
    def buy(self, wanted: list[int], again: bool, goes: str) -> Bought:
        """Somebody orders, and may go on to pay and come back; the form may be sent twice."""
        units = Counter({sku: amount for sku, amount in zip(self.skus, wanted, strict=True) if amount})
        if not units:
            return multiple()
        owner, once = fill_basket(units, now=self.now), f"checkout-{next(self.keys)}"
        with reading():
            cart_id = carts.find_cart(owner)
        assert cart_id is not None
        if not self.model.can_give(units):
            self.refused(NotEnoughStock, lambda: place_order(cart_id, a_delivery(), once=CheckoutKey(once), now=self.now))
            return multiple()
        placed = place_order(cart_id, a_delivery(), once=CheckoutKey(once), now=self.now)
        if again:
            assert place_order(cart_id, a_delivery(), once=CheckoutKey(once), now=self.now) == placed
        goods_fen = sum(sku.price_fen * amount for sku, amount in units.items())
        order = Bought(placed.number, once, units, placed.total_fen, placed.total_fen - goods_fen, self.now + HOLD_TIME)
        self.model.hold(order)
        self.model.orders.append(order)
        if goes != "no further":
            self.start(order, "")
        if goes in ("paid", "back", "too little"):
            self.at_the_provider(order, goes, 0)
        if goes.startswith("too late"):
            self._pay_too_late(order, are_gone=goes.endswith("gone"))
        if goes in ("back", "too little"):
            self.hear(order, "return page", 0, 1)
        return order

    @rule(order=orders, trouble=st.sampled_from(["", "", "", "before", "after", "refused"]))
    def start(self, order: Bought, trouble: str) -> None:
        """Mei goes to the payment page; the provider may be out of sorts."""
        last = order.attempts[-1] if order.attempts else None
        is_live = last is not None and last.known is OutcomeKind.OPEN and last.expires_at > self.now
        if order.state != WAITING or order.hold_until <= self.now or (not is_live and len(order.attempts) > HOLD_EXTENSIONS):
            self.refused(CannotPay, lambda: start_payment(order.number, now=self.now))
            return
        if not is_live:
            last = Attempt(f"pay:{order.number}:{len(order.attempts) + 1}", self.now + SESSION_TIME)
            order.attempts.append(last)
            order.hold_until = max(order.hold_until, self.now + HOLD_TIME)
        assert last is not None
        is_open = self._is_open_in_the_shop(last)
        if trouble == "refused":
            self.provider.refuse(Verb.START)
        elif trouble:
            (self.provider.fail_before_acting if trouble == "before" else self.provider.fail_after_acting)(Verb.START)
        if trouble and not is_open:
            self.refused(
                ProviderRefused if trouble == "refused" else ProviderUnavailable, lambda: start_payment(order.number, now=self.now)
            )
            last.known = None if trouble == "refused" else last.known
        else:
            start_payment(order.number, now=self.now)
        self.provider._scripts.clear()

    @rule(
        order=orders,
        how=st.sampled_from(["paid", "paid", "paid", "late", "too little", "in dollars", "declined", "expired"]),
        which=st.integers(0, 2),
    )
    def at_the_provider(self, order: Bought, how: str, which: int) -> None:
        """The buyer, the bank or time does something to a payment page; the shop does not know yet."""
        pages = [page for page in self.pages(order) if page.kind is not OutcomeKind.PAID]
        if not pages:
            return
        page = pages[which % len(pages)]
        if how == "late":
            self.provider.pay_late(page.id)
        elif page.kind is OutcomeKind.OPEN:
            if how == "declined":
                self.provider.decline(page.id)
            elif how == "expired":
                self.provider.let_expire(page.id)
            else:
                amount_fen = page.asked.amount_fen - 1 if how == "too little" else None
                self.provider.pay(page.id, amount_fen=amount_fen, currency="USD" if how == "in dollars" else None)

    @rule(order=orders, how=st.sampled_from(["return page", "webhook", "sweep"]), which=st.integers(0, 2), times=st.integers(1, 2))
    def hear(self, order: Bought, how: str, which: int, times: int) -> None:
        """The shop learns what became of payments: the buyer comes back, the provider calls, or the worker asks; perhaps twice, perhaps late."""
        for _ in range(times):
            if how == "sweep":
                self._sweep_payments()
            elif how == "return page":
                check_order_payments(order.number, now=self.now)
                for attempt in order.attempts:
                    self._hear(order, attempt)
            elif pages := self.pages(order):
                self._tell(order, pages[which % len(pages)], event_id=f"evt_{order.number}_{which % len(pages)}")

    def _tell(self, order: Bought, page: FakeSession, event_id: str) -> None:
        """A webhook about one page; the same event again has no effect again."""
        event = payments.keep_event(
            provider="stripe", event_id=event_id, kind="checkout.session.completed", object_id=page.id, happened_at=self.now, now=self.now
        )
        assert handle_event(event, now=self.now)
        attempt = next(attempt for attempt in order.attempts if attempt.once == page.asked.once)
        if not event.is_done and self._is_open_in_the_shop(attempt, page.id):
            self._hear(order, attempt)

    def _sweep_payments(self) -> None:
        """The worker asks about everything that is open, or was closed less than three days ago."""
        _make_everything_due(self.now)
        asked = _due_attempts()
        ask_about_payments(now=self.now)
        attempts = {attempt.once: (order, attempt) for order in self.model.orders for attempt in order.attempts}
        for once in asked:
            self._hear(*attempts[once])

    @rule(minutes=st.sampled_from([1, 20, 36, 36, 60 * 24 * 11]), swept=st.booleans())
    def time_passes(self, minutes: int, swept: bool) -> None:
        self.now += timedelta(minutes=minutes)
        if swept:
            self._sweep_holds()

    def _sweep_holds(self) -> None:
        """The worker lets go of what was not paid in time; pages are closed first, and what was paid in the last second is paid."""
        lapse_unpaid(now=self.now)
        for order in sorted(self.model.orders, key=lambda order: order.hold_until):
            if order.state == WAITING and order.hold_until < self.now:
                self._close_pages(order)
                if order.state == WAITING:
                    self.model.let_go(order, LAPSED)

    def _pay_too_late(self, order: Bought, are_gone: bool) -> None:
        """Mei forgets the page; the goods are let go, and others may buy them all; then her bank pays."""
        self.time_passes(36, True)
        for sku in order.units:
            if are_gone and (left := self.model.free[sku]):
                self.sell_by_hand(self.skus.index(sku), left, False)
        self.at_the_provider(order, "late", 0)
        self.hear(order, "return page", 0, 1)

    @rule(order=orders)
    def cancel(self, order: Bought) -> None:
        """Mei calls it off; or tries to."""
        trouble = self.outcome(lambda: cancel_order(order.number, by=None, now=self.now))
        self._close_pages(order)
        if order.state == WAITING:
            assert trouble is None
            self.model.let_go(order, CANCELLED)
        else:
            assert trouble is CannotMove

    # ── Parcels ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(order=orders, which=st.integers(0, 1), deliver=st.booleans())
    def send(self, order: Bought, which: int, deliver: bool) -> None:
        """A parcel leaves, and may arrive; or cannot, and nothing changes."""
        with reading() as session:
            parcels = session.scalars(
                select(Shipment.id).join(Order, Order.id == Shipment.order_id).where(Order.number == order.number).order_by(Shipment.id)
            ).all()
        parcel = parcels[which % len(parcels)]
        assert self.outcome(lambda: ship_parcel(parcel, carrier="示例快递", tracking_number="1", by=None, now=self.now)) in (
            None,
            AlreadyOnItsWay,
        )
        if deliver:
            assert self.outcome(lambda: mark_delivered(parcel, by=None, now=self.now)) in (None, AlreadyOnItsWay)
        deliver_overdue(now=self.now)
        complete_orders(now=self.now)

    # ── Giving back ───────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(
        target=refunds_under_way,
        which=st.integers(0, 9),
        units=st.lists(st.integers(0, 2), max_size=4),
        tenths=st.lists(st.integers(0, 11), max_size=3),
        shipping_tenths=st.sampled_from([0, 0, 0, 3, 10, 11]),
        restock=st.booleans(),
        provider_says=st.sampled_from([RefundState.SUCCEEDED, RefundState.SUCCEEDED, RefundState.PENDING, RefundState.FAILED, None]),
        again=st.booleans(),
    )
    def refund(
        self,
        which: int,
        units: list[int],
        tenths: list[int],
        shipping_tenths: int,
        restock: bool,
        provider_says: RefundState | None,
        again: bool,
    ) -> "UnderWay":
        """Staff give back units of picks, tenths of what is left of lines, and of the shipping; the provider may take long, or refuse."""
        order = self._some_order(which)
        if order is None:
            return multiple()
        picks, lines = self.left_of(order)
        wanted = RefundWanted(
            units={pick.id: number for pick, number in zip(picks, units, strict=False) if number},
            amounts={line: left * part // 10 for (line, left), part in zip(lines.items(), tenths, strict=False) if part},
            shipping_fen=(order.shipping_fen - order.shipping_back_fen) * shipping_tenths // 10,
            restock=restock,
            reason="试验",
        )
        once = f"form-{next(self.keys)}"
        self._script_refund(provider_says)
        before = len(self.provider.refunds)
        try:
            refunded = refund_order(order.number, wanted, once=once, by=None, now=self.now)
        except CannotMove:
            assert order.state != SOLD
            return multiple()
        except (NothingToRefund, RefundTooLarge) as refusal:
            self._explain_refusal(order, wanted, picks, lines, refusal)
            return multiple()
        finally:
            self.provider._scripts.clear()
            self.provider.first_refund_state = RefundState.SUCCEEDED
        assert order.state == SOLD
        goods_fen = refunded.total_fen - wanted.shipping_fen
        if not wanted.amounts and not order.goods_back_fen and not order.returned:
            assert goods_fen == sum(pick.price_fen * wanted.units.get(pick.id, 0) for pick in picks), (
                "no discount: each unit brings its price back"
            )
        assert goods_fen >= sum(wanted.amounts.values())
        event(f"refund {provider_says and provider_says.value}, units {bool(wanted.units)}, amounts {bool(wanted.amounts)}")
        order.goods_back_fen += goods_fen
        order.shipping_back_fen += wanted.shipping_fen
        order.returned.update(wanted.units)
        if restock:
            for pick in picks:
                self.model.free[pick.sku] += wanted.units.get(pick.id, 0)
        if again:
            assert refund_order(order.number, wanted, once=once, by=None, now=self.now).return_id == refunded.return_id
        under_way = UnderWay(order, goods_fen, wanted.shipping_fen)
        if provider_says is RefundState.FAILED:
            under_way.fail()
            return multiple()
        if provider_says is None:  # nobody heard the answer: the sweep asks again, and the money goes back once
            self.sweep_refunds()
        elif provider_says is RefundState.PENDING:
            under_way.provider_id = self.provider.last_refund_id
            return under_way
        assert len(self.provider.refunds) == before + 1
        return multiple()

    @rule(under_way=consumes(refunds_under_way), arrives=st.booleans())
    def bank_decides(self, under_way: "UnderWay", arrives: bool) -> None:
        """A refund that was on its way arrives, or comes back: then the villages have their money again and the buyer is still owed."""
        if arrives:
            self.provider.finish_refund(under_way.provider_id)
        else:
            self.provider.fail_refund(under_way.provider_id)
            under_way.fail()
        self.sweep_refunds()

    def sweep_refunds(self) -> None:
        _make_everything_due(self.now)
        ask_about_refunds(now=self.now)

    # ── By hand ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(target=sales, which=st.integers(0, 2), units=st.integers(1, 4), again=st.booleans())
    def sell_by_hand(self, which: int, units: int, again: bool) -> Bought:
        sku, ref = self.skus[which], f"fair-{next(self.keys)}"
        sale = OfflineSale(ref, self.now, (OfflineLine(sku.code, units, sku.price_fen),))
        if self.model.free[sku] < units:
            self.refused(NotEnoughStock, lambda: sell_offline(sale, by=None, now=self.now))
            return multiple()
        number = sell_offline(sale, by=None, now=self.now)
        if again:
            assert sell_offline(sale, by=None, now=self.now) == number
        order = Bought(number, ref, Counter({sku: units}), units * sku.price_fen, 0, self.now, SOLD, is_offline=True)
        self.model.hold(order)
        self.model.orders.append(order)
        return order

    @rule(sale=sales, units=st.integers(1, 4), restock=st.booleans(), again=st.booleans())
    def bring_back(self, sale: Bought, units: int, restock: bool, again: bool) -> None:
        ((sku, sold),) = sale.units.items()
        came_back = sale.goods_back_fen // sku.price_fen
        ref = f"back-{next(self.keys)}"

        def give() -> int:
            return return_offline(
                ref, sale.once, {sku.code: units}, returned_at=self.now, restock=restock, reason="", by=None, now=self.now
            )

        if units > sold - came_back:
            self.refused(RefundTooLarge, give)
            return
        assert give() == units * sku.price_fen
        assert not again or give() == units * sku.price_fen
        sale.goods_back_fen += units * sku.price_fen
        self.model.free[sku] += units if restock else 0

    # ── The shop and the model agree ──────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def shop_and_model_agree(self) -> None:
        with reading() as session:
            free = StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off
            by_sku = dict(session.execute(select(StockItem.sku_id, func.sum(free)).group_by(StockItem.sku_id)).all())
            states = dict(session.execute(select(Order.number, Order.state)).all())
            attributed = func.coalesce(func.sum(Attribution.amount_fen), 0)
            with_villages = dict(
                session.execute(
                    select(Order.number, attributed).outerjoin(Attribution, Attribution.order_id == Order.id).group_by(Order.number)
                ).all()
            )
            balances = dict(
                session.execute(
                    select(Account.kind, func.sum(Posting.amount_fen))
                    .join(Posting, Posting.account_id == Account.id)
                    .group_by(Account.kind)
                ).all()
            )
        assert {sku: by_sku.get(sku.id, 0) for sku in getattr(self, "skus", ())} == dict(self.model.free)
        assert {number: _STATES.get(state, SOLD) for number, state in states.items()} == {
            order.number: order.state for order in self.model.orders
        }
        assert with_villages == {order.number: order.villages_fen for order in self.model.orders}
        sold = [order for order in self.model.orders if order.state == SOLD]
        online_fen = sum(order.total_fen - order.goods_back_fen - order.shipping_back_fen for order in sold if not order.is_offline)
        assert balances.get(AccountKind.CLEARING, 0) == online_fen
        assert balances.get(AccountKind.CASH, 0) == sum(order.villages_fen for order in sold if order.is_offline)
        assert balances.get(AccountKind.CARRIAGE, 0) == -sum(order.shipping_fen - order.shipping_back_fen for order in sold)
        assert balances.get(AccountKind.UNALLOCATED, 0) == 0

    @invariant()
    def each_village_has_its_share_of_every_lot(self) -> None:
        """Gross stays within 1 fen of the exact share for up to three villages, 2 fen for more (DESIGN §2.4)."""
        gross = func.sum(case((Attribution.is_refund, 0), else_=Attribution.amount_fen))
        with reading() as session:
            rows = session.execute(
                select(Lot.id, Lot.gross_fen, LotSource.village_id, LotSource.grams, gross)
                .join(LotSource, LotSource.lot_id == Lot.id)
                .outerjoin(Attribution, (Attribution.lot_id == Lot.id) & (Attribution.village_id == LotSource.village_id))
                .group_by(Lot.id, Lot.gross_fen, LotSource.village_id, LotSource.grams)
            ).all()
        for lot_id in {row.id for row in rows}:
            sources = [row for row in rows if row.id == lot_id]
            grams = sum(row.grams for row in sources)
            bound_fen = 1 if len(sources) <= 3 else 2
            for _, total_fen, _, weight, village_fen in sources:
                assert abs((village_fen or 0) * grams - total_fen * weight) <= bound_fen * grams

    def teardown(self) -> None:
        """What is still under way comes to its end; then everything is given back, and the books are looked over."""
        if not hasattr(self, "skus"):
            return
        assert_books_are_sound()
        for provider_id, refund in list(self.provider.refunds.items()):
            if refund.state is RefundState.PENDING:
                self.provider.finish_refund(provider_id)
        self.sweep_refunds()
        self._sweep_payments()
        for order in self.model.orders:
            for page in self.pages(order):
                self._tell(order, page, f"evt_{page.id}")  # what the bank says after the worker has stopped asking
        self.shop_and_model_agree()
        for order in self.model.orders:
            event(f"order ends {order.state}")
            if order.state == SOLD:
                self._give_everything_back(order)
        self.shop_and_model_agree()
        with reading() as session:
            left = select(Attribution.pick_id, Attribution.village_id).group_by(Attribution.pick_id, Attribution.village_id)
            assert session.execute(left.having(func.sum(Attribution.amount_fen) != 0)).all() == []
            assert session.scalar(select(func.count()).where(Refund.state.notin_([RefundState.SUCCEEDED, RefundState.FAILED]))) == 0
        kept = {page.id for page in self.provider.sessions.values() if page.received_fen != page.refunded_fen}
        assert kept == {page.id for page in self.provider.sessions.values() if self._is_mismatch(page)}, (
            "all other money is back with its buyer"
        )
        assert_books_are_sound()

    def _give_everything_back(self, order: Bought) -> None:
        if order.is_offline:
            ((sku, sold),) = order.units.items()
            if left := sold - order.goods_back_fen // sku.price_fen:
                self.bring_back(order, left, True, False)
            return
        _, lines = self.left_of(order)
        shipping_fen = order.shipping_fen - order.shipping_back_fen
        if not any(lines.values()) and not shipping_fen:
            return
        refund_order(
            order.number, RefundWanted(amounts=lines, shipping_fen=shipping_fen), once=f"end:{order.number}", by=None, now=self.now
        )
        order.goods_back_fen, order.shipping_back_fen = order.goods_fen, order.shipping_fen

    # ── Helpers, in the order they are called ─────────────────────────────────────────────────────────────────────────

    def outcome(self, work: Callable[[], object]) -> type[ShopError] | None:
        """What it was refused with, if it was."""
        try:
            work()
        except ShopError as error:
            return type(error)
        return None

    def refused(self, with_: type[ShopError], work: Callable[[], object]) -> None:
        assert self.outcome(work) is with_

    def _some_order(self, which: int) -> Bought | None:
        """An order of a buyer; nine times in ten a paid one."""
        online = [order for order in self.model.orders if not order.is_offline]
        sold = [order for order in online if order.state == SOLD]
        chosen = sold if sold and which else online
        return chosen[which % len(chosen)] if chosen else None

    def pages(self, order: Bought) -> list[FakeSession]:
        """The payment pages that the provider has for an order."""
        return [page for page in self.provider.sessions.values() if page.asked.reference == order.number]

    def _page(self, attempt: Attempt) -> FakeSession | None:
        return next((page for page in self.provider.sessions.values() if page.asked.once == attempt.once), None)

    def _is_open_in_the_shop(self, attempt: Attempt, page_id: str | None = None) -> bool:
        """Whether the shop has heard of the attempt's page."""
        _, reference, number = attempt.once.split(":")
        with reading() as session:
            known = session.scalar(select(Payment.session_id).where(Payment.reference == reference, Payment.attempt == int(number)))
        return known is not None and page_id in (None, known)

    def _hear(self, order: Bought, attempt: Attempt) -> None:
        """The shop asks about an attempt. One of which it does not know whether it was opened is opened now, and not paid yet."""
        page = self._page(attempt)
        if attempt.known is None or page is None or page.kind is OutcomeKind.OPEN:
            return
        if page.kind is OutcomeKind.EXPIRED:
            attempt.known = OutcomeKind.EXPIRED
            return
        attempt.known = None
        if self._is_mismatch(page):
            event("another amount came")
            return
        was = order.state
        if self.model.money_came(order):
            event(f"paid while {was}")
        else:
            event(f"money went back while {was}")
            assert page.refunded_fen == page.received_fen, "money that buys nothing goes back"

    @staticmethod
    def _is_mismatch(page: FakeSession) -> bool:
        return page.kind is OutcomeKind.PAID and (page.received_fen, page.currency) != (page.asked.amount_fen, page.asked.currency)

    def _close_pages(self, order: Bought) -> None:
        for attempt in order.attempts:
            if attempt.known is OutcomeKind.OPEN:
                page = self._page(attempt)
                assert page is not None and page.kind is not OutcomeKind.OPEN, "the page was closed first"
                self._hear(order, attempt)

    def left_of(self, order: Bought) -> "tuple[list[SoldPick], dict[LineId, int]]":
        """Its sold picks, latest last, and what of each line the villages still have."""
        with reading() as session:
            picks = session.execute(
                select(Pick.id, OrderLine.sku_id, Pick.units, Pick.returned_units, OrderLine.unit_price_fen)
                .join(OrderLine, OrderLine.id == Pick.line_id)
                .join(Order, Order.id == OrderLine.order_id)
                .where(Order.number == order.number, Pick.state == PickState.SOLD)
                .order_by(Pick.id)
            ).all()
            lines = session.execute(
                select(Attribution.line_id, func.sum(Attribution.amount_fen))
                .join(Order, Order.id == Attribution.order_id)
                .where(Order.number == order.number)
                .group_by(Attribution.line_id)
                .order_by(Attribution.line_id)
            ).all()
        by_id = {sku.id: sku for sku in self.skus}
        return (
            [SoldPick(PickId(id_), by_id[sku_id], units - returned, price_fen) for id_, sku_id, units, returned, price_fen in picks],
            {LineId(line_id): int(fen) for line_id, fen in lines},
        )

    def _script_refund(self, provider_says: RefundState | None) -> None:
        if provider_says is None:
            self.provider.fail_after_acting(Verb.REFUND)
        elif provider_says is RefundState.FAILED:
            self.provider.refuse(Verb.REFUND, "charge_disputed")
        else:
            self.provider.first_refund_state = provider_says

    def _explain_refusal(
        self, order: Bought, wanted: RefundWanted, picks: "list[SoldPick]", lines: dict[LineId, int], refusal: ShopError
    ) -> None:
        """A refund is refused only when more is wanted than is left, or nothing is."""
        assert order.state == SOLD
        too_many = any(wanted.units.get(pick.id, 0) > pick.left_units for pick in picks)
        units_fen = sum(pick.price_fen * wanted.units.get(pick.id, 0) for pick in picks)
        too_much = any(fen + units_fen > lines[line] for line, fen in wanted.amounts.items())
        too_much_shipping = wanted.shipping_fen > order.shipping_fen - order.shipping_back_fen
        was_refunded = order.goods_back_fen > 0
        nothing = not wanted.shipping_fen and not any(wanted.amounts.values()) and (not wanted.units or was_refunded)
        assert too_many or too_much or too_much_shipping or nothing, (refusal, wanted)


@dataclass(frozen=True)
class SoldPick:
    """Units of one SKU that went to an order, as staff see them."""

    id: PickId
    sku: MadeSku
    left_units: int
    price_fen: int


@dataclass
class UnderWay:
    """A refund that the bank has not decided on."""

    order: Bought
    goods_fen: int
    shipping_fen: int
    provider_id: str = ""

    def fail(self) -> None:
        """The buyer did not get it; the goods stay where they are."""
        self.order.goods_back_fen -= self.goods_fen
        self.order.shipping_back_fen -= self.shipping_fen


@act
def _make_everything_due(now: datetime) -> None:
    """Instead of waiting for the pauses between two questions."""
    for model in (Payment, Refund):
        db.session.execute(update(model).where(model.next_check_at.isnot(None)).values(next_check_at=now))


def _due_attempts() -> list[str]:
    """The keys of the attempts that the worker still asks about, in its order."""
    with reading() as session:
        due = select(Payment.reference, Payment.attempt).where(Payment.next_check_at.isnot(None)).order_by(Payment.id)
        return [f"pay:{row.reference}:{row.attempt}" for row in session.execute(due)]


def play(app: Flask, database: TestDatabase, *, shops: int, steps: int) -> None:
    """Play `shops` shops of at most `steps` steps each."""
    before = app.extensions["payment_providers"]
    try:
        run_state_machine_as_test(
            lambda: AnyOrder(app, database), settings=settings(max_examples=shops, stateful_step_count=steps, print_blob=True)
        )
    finally:
        app.extensions["payment_providers"] = before
