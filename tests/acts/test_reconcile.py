"""Our books against the provider's: agreed is agreed, and everything that differs is named with its day, whichever side has it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from shop.acts.confirm_payment import check_order_payments
from shop.acts.follow_account import follow_disputes, follow_movements, follow_payouts
from shop.acts.reconcile import Reconciled, reconcile, reconcile_lately
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.start_payment import start_payment
from shop.extensions import act, db, reading
from shop.kit.clock import business_day
from shop.ledger.models import Account, Posting
from shop.payments.models import (
    Balance,
    BalanceKind,
    Difference,
    DifferenceKind,
    DisputeState,
    Payment,
    PayoutState,
    ReconciledDay,
)
from tests.factories import MadeProduct, make_lot, make_product
from tests.providers import FakeProvider
from tests.sandboxes import Sandbox
from tests.shopping import NOW, assert_books_are_sound, buy, picks_of, place

TODAY = business_day(NOW)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, twenty bags of it."""
    product = make_product()
    make_lot(product, units=20)
    return product


def compare(now: datetime = LATER) -> Reconciled:
    """Today."""
    (day,) = reconcile(TODAY, TODAY, now=now)
    return day


def kinds(now: datetime = LATER) -> list[DifferenceKind]:
    """What differs today."""
    return [found.kind for found in compare(now).differences]


def follow(now: datetime = LATER) -> None:
    """Everything that the worker follows."""
    follow_movements(now=now)
    follow_disputes(now=now)
    follow_payouts(now=now)


@act
def change(model: type, **values: object) -> None:
    """Past the shop's code, as a mistake would."""
    db.session.execute(update(model).values(**values))


def test_after_a_day_of_everything_both_sides_agree(provider: FakeProvider, rice: MadeProduct) -> None:
    first = buy(provider, {rice.sku: 2})
    refund_order(first.number, RefundWanted(units={picks_of(first.number)[0].id: 1}), once="one", by=None, now=NOW)
    buy(provider, {rice.sku: 1})
    provider.pay_out()
    follow()
    day = compare()
    assert (day.differences, day.transactions) == ((), 4)
    assert reconcile_lately(now=LATER) == 0
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(ReconciledDay)) == 3
        assert session.scalar(select(func.count()).select_from(Difference)) == 0


def test_what_the_provider_has_and_we_have_not_is_missing_here_until_it_is_fetched(provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    provider.pay()  # nobody tells us
    assert kinds() == [DifferenceKind.MISSING_HERE]
    follow_movements(now=LATER)
    (found,) = compare().differences  # its movement is booked, and the payment is still not known
    assert (found.kind, found.reference) == (DifferenceKind.MISSING_HERE, placed.number)
    check_order_payments(placed.number, now=LATER)
    assert kinds() == []
    with reading() as session:
        assert (
            session.scalar(select(func.count()).select_from(Difference)) == 0
        )  # what is found now takes the place of what was found before


def test_what_we_have_and_the_provider_has_not_is_missing_there_but_not_within_the_first_hour(
    provider: FakeProvider, rice: MadeProduct
) -> None:
    order = buy(provider, {rice.sku: 2})
    refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="one", by=None, now=NOW)
    provider.all_movements.clear()
    assert kinds(NOW + timedelta(minutes=50)) == []
    found = compare().differences
    assert [one.kind for one in found] == [DifferenceKind.MISSING_THERE, DifferenceKind.MISSING_THERE]
    assert {one.reference for one in found} == {order.number}
    assert found[0].ours == f"{order.total_fen} CNY"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"gross_fen": 1, "fee_fen": 0, "net_fen": 1}, DifferenceKind.AMOUNT),
        ({"currency": "HKD"}, DifferenceKind.CURRENCY),
        ({"fee_fen": 0, "net_fen": 6_800}, DifferenceKind.FEE),
    ],
)
def test_a_movement_that_is_not_the_same_on_both_sides_says_in_what(
    provider: FakeProvider, rice: MadeProduct, changes: dict[str, object], kind: DifferenceKind
) -> None:
    buy(provider, {rice.sku: 1})
    follow_movements(now=LATER)
    with reading() as session:
        gross = session.scalars(select(Balance.gross_fen)).one()
    change(Balance, **(changes | ({"net_fen": gross} if kind is DifferenceKind.FEE else {})))
    assert kinds() == [kind]


def test_a_payment_of_another_sum_than_the_account_shows_differs(provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1})
    follow_movements(now=LATER)
    change(Payment, received_fen=Payment.received_fen + 1)
    assert kinds() == [DifferenceKind.AMOUNT]
    change(Payment, received_currency="USD")
    assert kinds() == [DifferenceKind.CURRENCY]


def test_a_stored_movement_that_the_provider_does_not_show_is_missing_there(provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1})
    follow_movements(now=LATER)
    provider.all_movements.clear()
    assert kinds() == [DifferenceKind.MISSING_THERE]


def test_payouts_disputes_and_suspense_are_compared_too(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 1})
    intent = provider.sessions[provider.last_session_id].intent_id
    assert intent is not None
    dispute = provider.open_dispute(intent, order.total_fen // 2)
    provider.move(BalanceKind.UNKNOWN, 900)
    payout = provider.pay_out(state=PayoutState.IN_TRANSIT)
    missing_here = DifferenceKind.MISSING_HERE  # four movements, the payout, the dispute; and of the payment our books know alone
    assert kinds() == [*[missing_here] * 4, DifferenceKind.MISSING_THERE, missing_here, missing_here]
    follow()
    assert kinds() == [DifferenceKind.SUSPENSE]
    provider.all_payouts[payout] = replace(provider.all_payouts[payout], state=PayoutState.PAID, amount_fen=1)
    provider.all_disputes[dispute] = replace(provider.all_disputes[dispute], state=DisputeState.WON)
    assert kinds() == [DifferenceKind.STATE, DifferenceKind.PAYOUT_SUM, DifferenceKind.STATE, DifferenceKind.SUSPENSE]


def test_what_was_mended_leaves_the_list_by_itself_however_long_ago_it_was(provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1})
    assert kinds() == [DifferenceKind.MISSING_HERE, DifferenceKind.MISSING_THERE]
    assert reconcile_lately(now=NOW + timedelta(days=20)) == 0  # fetched and compared again, though it is not one of the last three days
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Difference)) == 0


def test_the_command_says_where_to_look_and_leaves_with_one(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 1})
    run = app.test_cli_runner().invoke
    arguments = ["payments", "reconcile", "--from", TODAY.isoformat(), "--to", TODAY.isoformat()]
    listed = run(args=[*arguments, "--format", "json"])
    (day,) = json.loads(listed.output)["days"]
    assert (listed.exit_code, day["day"], day["transactions"]) == (1, TODAY.isoformat(), 1)
    assert {difference["kind"] for difference in day["differences"]} == {"missing_here", "missing_there"}
    assert all(difference["next"] and difference["order"] == order.number for difference in day["differences"])
    follow()
    agreed = run(args=arguments)
    assert agreed.exit_code == 0 and agreed.output.endswith("All agrees.\n")
    provider.account_is_down = True
    assert run(args=arguments).exit_code == 2
    assert run(args=["payments", "reconcile", "--from", "2026-11-02", "--to", "2026-11-01"]).exit_code == 2


def test_a_story_with_the_pretend_stripe_ends_with_both_books_the_same(app: Flask, sandbox: Sandbox, rice: MadeProduct) -> None:
    """Two sales by card that settle in Hong Kong dollars, a refund, a lost dispute, something by hand, a payout, and one that comes back."""
    now = datetime.now(UTC)
    sandbox.settle_in("hkd", "1.0869")
    numbers = []
    for _ in range(2):
        number = place({rice.sku: 2}, now=now).number
        start_payment(number, now=now)
        sandbox.pay(method="card")
        check_order_payments(number, now=now)
        numbers.append(number)
    refund_order(numbers[0], RefundWanted(units={picks_of(numbers[0])[0].id: 1}), once="one", by=None, now=now)
    dispute = sandbox.open_dispute(sandbox.last_intent_id, amount_fen=5_000)
    follow_disputes(now=now)
    sandbox.lose_dispute(dispute)
    sandbox.enter_by_hand("stripe_fee", -700, "hkd")
    first = sandbox.make_payout("hkd", even_pending=True)
    sandbox.fail_payout(first)
    sandbox.make_payout("hkd", even_pending=True)

    later = now + timedelta(minutes=2)
    follow_movements(now=later)
    follow_payouts(now=later)
    follow_disputes(now=now + timedelta(hours=1))
    assert_books_are_sound()
    with reading() as session:
        total = func.sum(Posting.amount_fen)
        rows = session.execute(
            select(Account.code, Posting.currency, total)
            .join(Posting, Posting.account_id == Account.id)
            .where(Account.kind.in_(("clearing", "disputed", "suspense", "hold")))
            .group_by(Account.code, Posting.currency)
        ).all()
    assert {fen for *_, fen in rows} == {0}
    first_day, last_day = business_day(now), business_day(later + timedelta(hours=2))
    compared = reconcile(first_day, last_day, now=later + timedelta(hours=2))
    assert [found for day in compared for found in day.differences] == []
    assert sum(day.transactions for day in compared) == len(sandbox.all_of("balance_transaction")) == 8
