"""The six things that a provider tells of one order, in every order in which they may arrive: the same books each time.

The order was left once (its first page expired), then paid by card; a colleague gave a part back in the provider's dashboard; the buyer's bank
disputed the rest, and the dispute was decided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from flask import Flask
from sqlalchemy import func, select

from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.ledger.models import Account, Attribution, Entry, Posting
from shop.orders.models import Order
from shop.orders.states import SESSION_TIME
from shop.origin.models import Village
from shop.payments.models import Payment, Refund
from tests.factories import make_lot, make_product, make_villages
from tests.sandboxes import Sandbox, post_event
from tests.shopping import assert_books_are_sound, place
from tests.victims import sweep_up

KINDS = (
    "checkout.session.expired",
    "checkout.session.completed",
    "payment_intent.succeeded",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
)
GIVEN_BACK_FEN = 33_33
_FINDS_WHAT_WAS_MISSED = frozenset({"events", "payments", "refunds", "refunds_elsewhere", "disputes"})

_names = count(1)


@dataclass(frozen=True)
class Books:
    """What is left in the end, without the names that differ from order to order."""

    state: str
    accounts: tuple[tuple[str, str, int], ...]
    """(account, kind of entry, sum)."""
    villages: tuple[tuple[str, int], ...]
    payments: tuple[tuple[str, int, int], ...]
    refunds: tuple[tuple[str, int], ...]


def books_after(app: Flask, sandbox: Sandbox, arrival: Sequence[str], *, is_won: bool, now: datetime) -> Books:
    """Play the story on goods of its own, let its events arrive in this order, and clear up."""
    earlier = now - SESSION_TIME - timedelta(seconds=30)
    product = make_product(f"白水贡米 {next(_names)}", cooperative=None)
    one, other = make_villages("白水村", "高坝田村")
    make_lot(product, units=5, sources=[(one, 70_000), (other, 30_000)], harvested_on=now.date() - timedelta(days=40))
    number = place({product.sku: 2}, now=earlier).number
    sandbox.be_at(earlier)
    start_payment(number, now=earlier)
    first_page = sandbox.last_session_id
    sandbox.be_at(now)  # the first page expires by itself; the second is opened within the four minutes that the hold is longer
    sandbox.gateway.outcome(first_page)
    start_payment(number, now=now)
    page = sandbox.pay(method="card")
    intent_id = sandbox.kept("checkout.session", page)["payment_intent"]
    sandbox.refund_in_dashboard(intent_id, amount_fen=GIVEN_BACK_FEN)
    dispute_id = sandbox.open_dispute(intent_id)
    (sandbox.win_dispute if is_won else sandbox.lose_dispute)(dispute_id)
    mine = {first_page, page, intent_id, dispute_id, sandbox.kept("payment_intent", intent_id)["latest_charge"]}
    told = {event["type"]: event for event in sandbox.events() if event["data"]["object"]["id"] in mine and event["type"] in KINDS}
    assert set(told) == set(KINDS), set(KINDS) - set(told)
    client = app.test_client()
    for kind in arrival:
        assert post_event(client, told[kind]).status_code == 200
    sweep_up(app, now=now + timedelta(minutes=15), only=_FINDS_WHAT_WAS_MISSED)
    return _books_of(number)


def assert_the_same_books(app: Flask, sandbox: Sandbox, arrivals: Iterable[Sequence[str]], *, is_won: bool, now: datetime) -> None:
    """However the events arrive, what is left is what is left when they arrive in the order in which things happened."""
    expected = books_after(app, sandbox, KINDS, is_won=is_won, now=now)
    for arrival in arrivals:
        assert books_after(app, sandbox, arrival, is_won=is_won, now=now) == expected, arrival
    assert_books_are_sound()


def _books_of(number: str) -> Books:
    accounts = (
        select(Account.code, Account.village_id, Entry.kind, func.sum(Posting.amount_fen))
        .join(Posting, Posting.account_id == Account.id)
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Entry.subject == number)
        .group_by(Account.code, Account.village_id, Entry.kind)
    )
    villages = (
        select(Village.name, func.sum(Attribution.amount_fen))
        .join(Attribution, Attribution.village_id == Village.id)
        .join(Order, Order.id == Attribution.order_id)
        .where(Order.number == number)
        .group_by(Village.name)
    )
    paid = select(Payment.state, Payment.received_fen, Payment.refunded_fen).where(Payment.reference == number)
    back = select(Refund.state, Refund.amount_fen).join(Payment, Payment.id == Refund.payment_id).where(Payment.reference == number)
    with reading() as session:
        return Books(
            state=session.scalars(select(Order.state).where(Order.number == number)).one().value,
            accounts=tuple(sorted((code.partition("/")[0], kind.value, int(fen)) for code, _, kind, fen in session.execute(accounts))),
            villages=tuple(sorted((name, int(fen)) for name, fen in session.execute(villages))),
            payments=tuple(sorted((state.value, received, refunded) for state, received, refunded in session.execute(paid))),
            refunds=tuple(sorted((state.value, fen) for state, fen in session.execute(back))),
        )
