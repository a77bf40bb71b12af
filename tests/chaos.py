"""Many buyers at once in a shop whose processes are killed, whose provider falls silent, and whose messages are lost, doubled, late and out of order.

Everything random comes from the seed: what each buyer wants, what goes wrong, and where. Threads race, so two runs of one seed may differ in
who comes first; what must be true at the end is the same for all.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from urllib.error import HTTPError

from flask import Flask

from shop.cart import queries as carts
from shop.extensions import reading
from shop.kit.ids import CheckoutKey
from shop.orders.states import OrderState, is_paid
from tests.factories import MadeSku, Pack, make_lot, make_product, make_villages
from tests.racers import Job
from tests.sandboxes import Sandbox
from tests.shopping import fill_basket, picks_of, state_of
from tests.victims import Death, Died, Mortal, Point, assert_nothing_is_lost, clear_up

LANES = 4
"""Buyers at the same moment, each served by a process of its own."""

BUYERS_OF_A_LANE = 6
"""Whose stories are under way at the same time."""

KILLED = 0.06
"""Of all jobs, those in which the process dies."""

REQUEST_FAULTS = (
    ("POST /v1/checkout/sessions", "error_500_before"),
    ("POST /v1/checkout/sessions", "error_500_after"),
    ("GET /v1/checkout/sessions/*", "error_500_before"),
    ("POST /v1/checkout/sessions/*/expire", "error_500_after"),
    ("POST /v1/refunds", "error_500_after"),
    ("POST /v1/refunds", "error_500_before"),
    ("* /v1/*", "refuse"),
)
TRIES = 6
SWEPT = ("events", "payments", "refunds", "refunds_elsewhere", "undelivered", "movements", "disputes", "lapsed")


@dataclass
class Tally:
    """What happened, for the figures."""

    happened: Counter[str] = field(default_factory=Counter)
    told_paid: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str) -> None:
        with self._lock:
            self.happened[what] += 1

    def tell_paid(self, number: str) -> None:
        with self._lock:
            self.told_paid.add(number)


@dataclass(frozen=True)
class Stage:
    """The shop that is played in."""

    app: Flask
    database: str
    sandbox: Sandbox
    skus: tuple[MadeSku, ...]
    began: datetime
    tally: Tally
    _began_at: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> datetime:
        """The hour over there, which goes on as ours does."""
        return self.began + timedelta(seconds=time.monotonic() - self._began_at)


def play(app: Flask, sandbox: Sandbox, *, database: str, orders: int, seed: int, now: datetime) -> Tally:
    """Play `orders` orders on an empty, migrated database, clear up, and check that nothing is lost. Raises AssertionError otherwise."""
    stage = Stage(app, database, sandbox, _open_shop(orders, now), now, Tally())
    each = [orders // LANES + (lane < orders % LANES) for lane in range(LANES)]
    is_over = threading.Event()
    with ThreadPoolExecutor(LANES + 1) as threads:
        worker = threads.submit(_work, stage, Random(f"{seed}-worker"), is_over)
        buyers = [threads.submit(_lane, stage, Random(f"{seed}-{lane}"), lane, count) for lane, count in enumerate(each)]
        try:
            for done in buyers:
                done.result()
        finally:
            is_over.set()
        worker.result()
    sandbox.come_back()
    later = clear_up(app, now=stage.now)
    sandbox.be_at(later)
    clear_up(app, now=later)
    with app.app_context():
        assert_nothing_is_lost(sandbox, told_paid=frozenset(stage.tally.told_paid))
    return stage.tally


def _open_shop(orders: int, now: datetime) -> tuple[MadeSku, ...]:
    """Three things, of each a little too few for everybody: the last buyers are told so."""
    one, two, three = make_villages("白水村", "高坝田村", "三村")
    skus = []
    for at, sources in enumerate(([(one, 700_000), (two, 300_000)], [(one, 600_000), (two, 600_000), (three, 200_000)], [(three, 1)])):
        product = make_product(f"白水贡米 {at}", packs=[Pack(68_01 + at, 1_000)])
        for share in (3, 4):
            units = max(2, orders * share // 10)
            harvested_on = now.date() - timedelta(days=40)
            weights = [(village, weight * 1_000 * units) for village, weight in sources]
            make_lot(product, units=units, sources=weights, harvested_on=harvested_on, best_before=now.date() + timedelta(days=100 * share))
        skus.append(product.sku)
    return tuple(skus)


# ── The worker ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _work(stage: Stage, chance: Random, is_over: threading.Event) -> None:
    """Sweeps all the while, and dies now and then."""
    mortal = Mortal(database=stage.database, sandbox=stage.sandbox.url)
    try:
        while not is_over.wait(0.02):
            death = Death(chance.choice(list(Point)), chance.randint(1, 4)) if chance.random() < 0.2 else None
            minutes, names = chance.choices([(3, SWEPT), (90, ("lapsed",))], (4, 1))[0]  # now and then what waits has waited too long
            try:
                mortal.do(Job("sweep", {"names": names}, stage.now + timedelta(minutes=minutes)), death)
                stage.tally.note("swept")
            except Died:
                stage.tally.note("worker killed")
    finally:
        mortal.end()


# ── Buyers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _lane(stage: Stage, chance: Random, lane: int, orders: int) -> None:
    """Plays its orders in pieces, several at a time: while one buyer thinks, others go on."""
    web = Mortal(database=stage.database, sandbox=stage.sandbox.url)
    waiting = [_Purchase(stage, chance, web, f"{lane}-{at}").play() for at in range(orders)]
    under_way: list[Iterator[None]] = []
    try:
        while waiting or under_way:
            while waiting and len(under_way) < BUYERS_OF_A_LANE:
                under_way.append(waiting.pop())
            story = chance.choice(under_way)
            if next(story, "over") == "over":
                under_way.remove(story)
    finally:
        web.end()


class _Purchase:
    """One buyer's story, from the basket to a refund perhaps."""

    def __init__(self, stage: Stage, chance: Random, web: Mortal, name: str) -> None:
        self._stage, self._chance, self._web, self._name = stage, chance, web, name

    def play(self) -> Iterator[None]:
        """The story in pieces."""
        number = self._order()
        if number is None:
            return
        yield
        self._perhaps_break_the_provider()
        page = self._open_page(number)
        if page is None:
            return
        outcome = self._chance.choices(("paid", "declined", "left", "late"), (68, 8, 9, 15))[0]
        for _ in range(self._chance.choice((0, 1, 1, 2, 20))):  # some look for their purse for an hour
            yield
        self._at_the_provider(page, outcome)
        self._perhaps_break_the_provider()
        yield
        if outcome == "paid" and self._chance.random() < 0.25:
            self._behind_our_back(page)
            yield
        yield from self._messages(number, page)
        if self._chance.random() < 0.6:
            self._come_back(number)
            yield
        if self._chance.random() < 0.08:
            self._ask("cancel", number=number)
            yield
        if self._chance.random() < 0.3:
            yield from self._refund(number)

    # ── What a buyer does ─────────────────────────────────────────────────────────────────────────────────────────────

    def _order(self) -> str | None:
        skus = self._chance.sample(self._stage.skus, self._chance.randint(1, 3))
        wanted = {sku: self._chance.randint(1, 2) for sku in skus}
        with self._stage.app.app_context():
            owner = fill_basket(wanted, now=self._stage.now)
            with reading():
                cart_id = carts.find_cart(owner)
        once = CheckoutKey(f"chaos-{self._name}")
        for _ in range(self._chance.choices((1, 2), (9, 1))[0]):  # some press twice
            number = self._insist("place", cart_id=cart_id, once=once)
        return number

    def _open_page(self, number: str) -> str | None:
        """The session's id."""
        url = self._insist("start", number=number)
        return url.rstrip("/").rpartition("/")[2] if url else None

    def _at_the_provider(self, page: str, outcome: str) -> None:
        sandbox, method = self._stage.sandbox, self._chance.choice(["card", "alipay", "wechat_pay"])
        try:
            if outcome == "paid":
                sandbox.pay(page, method=method)
            elif outcome == "late":
                sandbox.pay_late(page, method=method)
            elif outcome == "declined":
                sandbox.decline(page)
                if self._chance.random() < 0.5:
                    sandbox.pay(page, method=method)
        except HTTPError:  # the shop has closed the page meanwhile; the bank may answer nevertheless
            outcome = "closed"
            if self._chance.random() < 0.7:
                sandbox.pay_late(page, method=method)
                outcome = "closed, paid late"
        self._stage.tally.note(f"page: {outcome}")

    def _behind_our_back(self, page: str) -> None:
        """A colleague gives something back in the provider's dashboard; or the buyer's bank disputes the payment, and decides."""
        sandbox, what = self._stage.sandbox, self._chance.choice(["refunded elsewhere", "dispute open", "dispute won", "dispute lost"])
        intent_id = str(sandbox.kept("checkout.session", page)["payment_intent"])
        try:
            if what == "refunded elsewhere":
                sandbox.refund_in_dashboard(intent_id, amount_fen=self._chance.randint(1, 60_00))
            else:
                dispute_id = sandbox.open_dispute(intent_id)
                if what == "dispute won":
                    sandbox.win_dispute(dispute_id)
                elif what == "dispute lost":
                    sandbox.lose_dispute(dispute_id)
        except HTTPError:  # wallets know no disputes
            what = "nothing to dispute"
        self._stage.tally.note(what)

    def _messages(self, number: str, page: str) -> Iterator[None]:
        """What the provider sends about this page, in any order; some lost, some twice."""
        events = [event for event in self._stage.sandbox.events() if _is_about(event, number, page)]
        self._chance.shuffle(events)
        for event in events:
            fate = self._chance.choices(("told", "lost", "twice", "stale", "forged"), (60, 20, 10, 5, 5))[0]
            self._stage.tally.note(f"event: {fate}")
            for _ in range({"lost": 0, "twice": 2}.get(fate, 1)):
                self._ask("webhook", event=event, fate=fate)
            yield

    def _come_back(self, number: str) -> None:
        if self._ask("return page", number=number) == OrderState.PAID.value:
            self._stage.tally.tell_paid(number)

    def _refund(self, number: str) -> Iterator[None]:
        with self._stage.app.app_context():
            if not is_paid(state_of(number)):
                return
            pick = self._chance.choice(picks_of(number))
        for press in range(self._chance.choices((1, 2), (8, 2))[0]):
            once = f"{self._name}" if self._chance.random() < 0.5 else f"{self._name}-{press}"  # the same form, or two colleagues
            self._perhaps_break_the_provider()
            self._insist("refund", number=number, pick_id=pick.id, once=once)
            yield

    # ── How a request fares ───────────────────────────────────────────────────────────────────────────────────────────

    def _insist(self, verb: str, **given: object) -> str | None:
        """Ask again while the shop has trouble, as people do; None when it refuses or they give up."""
        for _ in range(TRIES):
            answer = self._ask(verb, **given)
            if answer is not None:
                return answer
            if self._refused not in ("", "ProviderUnavailable"):
                return None
        return None

    _refused = ""

    def _ask(self, verb: str, **given: object) -> str | None:
        """One request; None when it was refused (`_refused` says why) or the process died."""
        death = None
        if self._chance.random() < KILLED:
            death = Death(self._chance.choice(list(Point)), self._chance.randint(1, 3))
        self._refused = ""
        self._stage.tally.note(f"asked: {verb}")
        try:
            finish = self._web.do(Job(verb, given, self._stage.now), death)
        except Died:
            self._stage.tally.note("web killed")
            return None
        if finish.refused:
            self._refused = finish.refused
            self._stage.tally.note(f"refused: {finish.refused}")
            return None
        return finish.answer

    def _perhaps_break_the_provider(self) -> None:
        if self._chance.random() < 0.12:
            on, do = self._chance.choice(REQUEST_FAULTS)
            self._stage.tally.note(f"provider: {do}")
            self._stage.sandbox.script({"on": on, "do": do, "times": self._chance.randint(1, 4)})


def _is_about(event: dict[str, dict[str, dict[str, object]]], number: str, page: str) -> bool:
    thing = event["data"]["object"]
    return thing.get("id") == page or number in str(thing)
