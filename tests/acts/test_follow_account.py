"""Every movement of our balance at the provider is one entry; what is in suspense waits for a person; payouts sum; disputes hold, return or take."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import permutations

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.acts.ask_providers import ask_about_refunds
from shop.acts.clear_suspense import clear_suspense
from shop.acts.confirm_payment import check_order_payments
from shop.acts.follow_account import fetch_undelivered_events, follow_disputes, follow_movements, follow_payouts
from shop.acts.handle_event import handle_due_events, handle_event
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.send_otherwise import return_mismatch, send_failed_by_transfer
from shop.acts.settle_dispute import record_dispute, settle_dispute
from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.kit.ids import RefundId
from shop.ledger.models import Account, Attribution, Entry, EntryKind, Posting
from shop.orders.errors import RefundTooLarge
from shop.orders.models import Order, OrderLine
from shop.outbox.models import AuditRow
from shop.payments import service as payments
from shop.payments.errors import NotAsExpected, PaymentDisputed
from shop.payments.models import (
    Balance,
    BalanceKind,
    ClearedTo,
    Dispute,
    DisputeState,
    Payout,
    PayoutState,
    ProviderEvent,
    Refund,
    RefundState,
    SuspenseItem,
)
from shop.reports.verify import verify
from tests.factories import MadeProduct, make_lot, make_product, make_staff
from tests.providers import FakeProvider
from tests.shopping import NOW, assert_books_are_sound, buy, picks_of, place

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, twenty bags of it."""
    product = make_product()
    make_lot(product, units=20)
    return product


def balances() -> Mapping[tuple[str, str], int]:
    """Every account that is not nought: debit positive."""
    total = func.sum(Posting.amount_fen)
    with reading() as session:
        rows = session.execute(
            select(Account.code, Posting.currency, total)
            .join(Posting, Posting.account_id == Account.id)
            .group_by(Account.code, Posting.currency)
            .having(total != 0)
        )
        return {(code, currency): int(fen) for code, currency, fen in rows}


def proceeds_fen() -> int:
    """What stands for villages, not on hold."""
    return -sum(fen for (code, _), fen in balances().items() if code.startswith("proceeds/"))


def held_fen() -> int:
    """What stands on hold."""
    return -sum(fen for (code, _), fen in balances().items() if code.startswith("hold/"))


def attributed_fen() -> int:
    """What villages are said to have."""
    with reading() as session:
        return int(session.scalar(select(func.coalesce(func.sum(Attribution.amount_fen), 0))) or 0)


def dispute_states() -> list[DisputeState]:
    """How each dispute stands."""
    with reading() as session:
        return list(session.scalars(select(Dispute.state).order_by(Dispute.id)))


def intent(provider: FakeProvider) -> str:
    """The provider's name for the last payment."""
    found = provider.sessions[provider.last_session_id].intent_id
    assert found is not None
    return found


def follow() -> None:
    """Everything that the worker follows, once."""
    follow_movements(now=LATER)
    follow_disputes(now=LATER)
    follow_payouts(now=LATER)


# ── Movements ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_charge_is_cleared_and_its_fee_is_ours_not_the_villages(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 2})
    before = proceeds_fen()
    assert balances()["clearing/stripe", "CNY"] == order.total_fen

    assert follow_movements(now=LATER) == 1

    fee = (order.total_fen * 220 + 5_000) // 10_000 + 30
    now = balances()
    assert ("clearing/stripe", "CNY") not in now
    assert (now["balance/stripe", "CNY"], now["fees/stripe", "CNY"]) == (order.total_fen - fee, fee)
    assert proceeds_fen() == before
    assert_books_are_sound()


def test_told_again_and_by_several_at_once_a_movement_is_booked_once(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    for _ in range(3):
        buy(provider, {rice.sku: 1})

    def look(_number: int) -> int:
        with app.app_context():
            return follow_movements(now=LATER)

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(look, range(4))) == 3
    assert follow_movements(now=LATER) == 0
    with reading() as session:
        assert session.scalar(select(func.count()).where(Entry.kind == EntryKind.CLEARED)) == 3
    assert_books_are_sound()


def test_a_refund_and_one_that_fails_come_to_nought(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 2})
    provider.first_refund_state = RefundState.PENDING
    refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="one", by=None, now=NOW)
    follow_movements(now=LATER)
    assert ("clearing/stripe", "CNY") not in balances()
    provider.fail_refund(provider.last_refund_id)
    follow_movements(now=LATER)
    assert balances()["clearing/stripe", "CNY"] < 0  # the provider has it again, and we do not know yet that the refund failed
    ask_about_refunds(now=LATER)
    assert ("clearing/stripe", "CNY") not in balances()
    assert balances()["balance/stripe", "CNY"] == provider.balance_fen()
    assert_books_are_sound()


def test_money_whose_sale_we_have_not_heard_of_waits_on_clearing_and_not_in_suspense(provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    provider.pay()  # nobody tells us
    follow_movements(now=LATER)
    assert balances()["clearing/stripe", "CNY"] == -placed.total_fen
    check_order_payments(placed.number, now=LATER)
    assert ("clearing/stripe", "CNY") not in balances()
    with reading() as session:
        assert session.scalars(select(SuspenseItem.id)).all() == []
    assert_books_are_sound()


def test_where_it_settles_in_another_currency_each_sums_to_nought_and_both_sums_are_the_providers(
    provider: FakeProvider, rice: MadeProduct
) -> None:
    provider.settles_in, provider.rate = "HKD", Fraction(109, 100)
    order = buy(provider, {rice.sku: 2})
    refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="one", by=None, now=NOW)
    provider.pay_out("HKD")
    follow()
    now = balances()
    assert ("clearing/stripe", "CNY") not in now and ("balance/stripe", "HKD") not in now
    assert now["bank/operating", "HKD"] > 0
    assert now["exchange/stripe", "CNY"] == attributed_fen() + order.total_fen - order_goods(order.number)
    assert_books_are_sound()


def order_goods(number: str) -> int:
    """What an order's lines were sold for."""
    with reading() as session:
        query = select(func.sum(OrderLine.net_fen)).join(Order, Order.id == OrderLine.order_id).where(Order.number == number)
        return int(session.scalar(query) or 0)


def test_what_nobody_knows_goes_to_suspense_until_a_person_says_what_it_was(provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1})
    provider.move(BalanceKind.UNKNOWN, -500, word="climate_order_purchase")
    provider.move(BalanceKind.CHARGE, 7_700, 100, intent_id="pi_of_another_shop", source_id="ch_9")
    provider.move(BalanceKind.FEE, -250, word="stripe_fee")
    follow_movements(now=LATER)
    assert balances()["suspense/stripe", "CNY"] == 500 - 7_700
    assert_books_are_sound()

    with reading() as session:
        items = session.execute(select(SuspenseItem.id, SuspenseItem.amount_fen).order_by(SuspenseItem.id)).all()
    assert [row.amount_fen for row in items] == [500, -7_700]
    staff = make_staff()
    clear_suspense(items[0].id, ClearedTo.FEES, "气候捐款，误开，已关", by=staff.id, now=LATER)
    clear_suspense(items[1].id, ClearedTo.BANK, "另一家店的款，已转回", by=staff.id, now=LATER)
    with pytest.raises(NotAsExpected):
        clear_suspense(items[0].id, ClearedTo.BANK, "又来一次", by=staff.id, now=LATER)
    assert ("suspense/stripe", "CNY") not in balances()
    assert balances()["bank/operating", "CNY"] == -7_700
    with reading() as session:
        assert session.scalars(select(AuditRow.action).where(AuditRow.action == "suspense.cleared")).all() == ["suspense.cleared"] * 2
    assert_books_are_sound()


def test_a_silent_provider_is_asked_again_from_where_the_last_look_ended(provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1})
    provider.account_is_down = True
    assert follow_movements(now=LATER) == 0
    provider.account_is_down = False
    assert follow_movements(now=LATER + timedelta(days=40)) == 1  # two rounds of fourteen days would be needed for all of it
    for _ in range(3):
        follow_movements(now=LATER + timedelta(days=40))
    with reading():
        looked = payments.looked_until("stripe", "movements")
    assert looked is not None and looked >= LATER + timedelta(days=40)


# ── Payouts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_payout_takes_everything_along_and_leaves_the_clearing_at_nought(provider: FakeProvider, rice: MadeProduct) -> None:
    for method in ("alipay", "card"):
        placed = place({rice.sku: 1})
        start_payment(placed.number, now=NOW)
        provider.pay(method=method)
        check_order_payments(placed.number, now=NOW)
    payout = provider.pay_out()
    follow()
    now = balances()
    assert ("clearing/stripe", "CNY") not in now and ("balance/stripe", "CNY") not in now
    assert now["bank/operating", "CNY"] == provider.all_payouts[payout].amount_fen
    with reading() as session:
        row = session.scalars(select(Payout)).one()
        assert (row.state, row.counted_fen) == (PayoutState.PAID, row.amount_fen)
        assert session.scalar(select(func.count()).where(Balance.payout_id == row.id)) == 2
    assert_books_are_sound()


def test_a_payout_that_the_bank_sends_back_is_reversed_and_goes_with_the_next(provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1})
    first = provider.pay_out()
    follow()
    provider.bounce(first)
    follow()
    assert ("bank/operating", "CNY") not in balances()
    assert balances()["balance/stripe", "CNY"] == provider.balance_fen() > 0
    second = provider.pay_out()
    follow()
    assert balances()["bank/operating", "CNY"] == provider.all_payouts[second].amount_fen
    with reading() as session:
        assert session.scalars(select(Payout.state).order_by(Payout.id)).all() == [PayoutState.FAILED, PayoutState.PAID]
    assert_books_are_sound()


def test_a_payout_that_is_not_the_sum_of_its_transactions_is_found(provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1})
    payout = provider.pay_out()
    provider.all_payouts[payout] = replace(provider.all_payouts[payout], amount_fen=provider.all_payouts[payout].amount_fen + 1)
    follow()
    with reading():
        wrong = {check.name for check in verify() if not check.ok}
    assert wrong == {"payouts_equal_their_transactions"}


# ── Disputes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_while_it_is_open_the_villages_part_is_on_hold_and_nothing_is_refunded(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 2})
    goods = proceeds_fen()
    dispute = provider.open_dispute(intent(provider), order.total_fen)
    follow()
    assert (proceeds_fen(), held_fen(), attributed_fen()) == (0, goods, goods)
    assert balances()["disputed/stripe", "CNY"] == order.total_fen
    with pytest.raises(PaymentDisputed):
        refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="one", by=None, now=LATER)
    assert dispute_states() == [DisputeState.NEEDS_RESPONSE]
    assert_books_are_sound()

    provider.answer_dispute(dispute)
    settle_dispute("stripe", dispute, now=LATER)
    assert dispute_states() == [DisputeState.UNDER_REVIEW]
    assert held_fen() == goods


def test_won_it_goes_back_to_the_villages_and_only_the_fee_is_lost(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 2})
    goods = proceeds_fen()
    dispute = provider.open_dispute(intent(provider), order.total_fen)
    follow()
    provider.close_dispute(dispute, won=True)
    settle_dispute("stripe", dispute, now=LATER)
    follow()
    assert (proceeds_fen(), held_fen()) == (goods, 0)
    now = balances()
    assert ("disputed/stripe", "CNY") not in now
    assert now["fees/stripe", "CNY"] == 8_000 + (order.total_fen * 220 + 5_000) // 10_000 + 30
    refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="one", by=None, now=LATER)
    assert_books_are_sound()


def test_lost_it_is_taken_as_a_refund_by_amount_would_be(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 2})
    dispute = provider.open_dispute(intent(provider), order.total_fen)
    follow()
    provider.close_dispute(dispute, won=False)
    settle_dispute("stripe", dispute, now=LATER)
    assert (proceeds_fen(), held_fen(), attributed_fen()) == (0, 0, 0)
    now = balances()
    assert ("disputed/stripe", "CNY") not in now and ("carriage/collected", "CNY") not in now
    assert_books_are_sound()
    with pytest.raises(RefundTooLarge):
        line = picks_of(order.number)[0].line_id
        refund_order(order.number, RefundWanted(amounts={line: 1}), once="one", by=None, now=LATER)


def test_of_a_partial_dispute_each_line_and_the_shipping_bear_their_part(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 1})
    goods, shipping = proceeds_fen(), order.total_fen - proceeds_fen()
    third = order.total_fen // 3
    dispute = provider.open_dispute(intent(provider), third)
    follow()
    part = round(Fraction(third * goods, goods + shipping))
    assert abs(held_fen() - part) <= 1
    held = held_fen()
    provider.close_dispute(dispute, won=False)
    settle_dispute("stripe", dispute, now=LATER)
    assert (held_fen(), attributed_fen()) == (0, goods - held)
    refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="rest", by=None, now=LATER)
    assert_books_are_sound()


def test_more_than_the_order_had_left_is_the_platforms_to_explain(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 2})
    refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="one", by=None, now=NOW)
    left = attributed_fen()
    dispute = provider.open_dispute(intent(provider), order.total_fen)  # the bank does not know of the refund
    follow()
    assert held_fen() == left
    provider.close_dispute(dispute, won=False)
    settle_dispute("stripe", dispute, now=LATER)
    assert (attributed_fen(), held_fen(), proceeds_fen()) == (0, 0, 0)
    with reading() as session:
        item = session.scalars(select(SuspenseItem)).one()
        assert item.amount_fen == order.total_fen - left - (order.total_fen - order_goods(order.number))
        item_id = item.id
    assert_books_are_sound()
    clear_suspense(item_id, ClearedTo.FEES, "买家退了又拒付，平台认亏", by=None, now=LATER)
    assert_books_are_sound()


def test_a_refund_that_fails_while_the_dispute_is_open_comes_back_and_the_rest_is_still_exact(
    provider: FakeProvider, rice: MadeProduct
) -> None:
    order = buy(provider, {rice.sku: 2})
    provider.first_refund_state = RefundState.PENDING
    refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="one", by=None, now=NOW)
    dispute = provider.open_dispute(intent(provider), order.total_fen)
    follow()
    provider.fail_refund(provider.last_refund_id)
    ask_about_refunds(now=LATER)
    assert_books_are_sound()
    provider.close_dispute(dispute, won=False)
    settle_dispute("stripe", dispute, now=LATER)
    follow_movements(now=LATER)
    assert (attributed_fen(), held_fen(), proceeds_fen()) == (0, 0, 0)
    assert not [code for (code, _), _fen in balances().items() if code.startswith(("disputed", "suspense", "clearing"))]
    assert_books_are_sound()


def test_an_inquiry_moves_nothing_and_may_be_refunded_until_it_is_a_dispute(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 2})
    goods = proceeds_fen()
    dispute = provider.open_dispute(intent(provider), order.total_fen, inquiry=True)
    follow()
    assert (dispute_states(), held_fen()) == ([DisputeState.INQUIRY], 0)
    refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="one", by=None, now=LATER)
    provider.escalate(dispute)
    settle_dispute("stripe", dispute, now=LATER)
    assert held_fen() == attributed_fen() < goods
    provider.close_dispute(dispute, won=True)
    settle_dispute("stripe", dispute, now=LATER)
    assert held_fen() == 0
    assert_books_are_sound()


def test_an_old_word_never_moves_a_dispute_back(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 1})
    dispute = provider.open_dispute(intent(provider), order.total_fen)
    old = provider.all_disputes[dispute]
    provider.close_dispute(dispute, won=True)
    settle_dispute("stripe", dispute, now=LATER)
    assert record_dispute("stripe", old, now=LATER) is DisputeState.WON
    assert held_fen() == 0
    assert_books_are_sound()


def test_money_that_the_bank_has_is_not_sent_again_another_way(provider: FakeProvider, rice: MadeProduct) -> None:
    order = buy(provider, {rice.sku: 2})
    provider.first_refund_state = RefundState.PENDING
    refund_order(order.number, RefundWanted(units={picks_of(order.number)[0].id: 1}), once="one", by=None, now=NOW)
    provider.open_dispute(intent(provider), order.total_fen)
    provider.fail_refund(provider.last_refund_id, "charge_disputed")
    ask_about_refunds(now=LATER)
    follow()
    staff = make_staff()
    with reading() as session:
        failed = RefundId(session.scalars(select(Refund.id).where(Refund.state == RefundState.FAILED)).one())
    with pytest.raises(PaymentDisputed):
        send_failed_by_transfer(failed, order.number, by=staff.id, now=LATER)

    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    provider.pay(amount_fen=placed.total_fen - 1)
    check_order_payments(placed.number, now=NOW)
    provider.close_dispute(provider.open_dispute(intent(provider), placed.total_fen - 1), won=False)
    follow()
    with reading():
        (attempt,) = payments.attempts_for(placed.number)
    with pytest.raises(PaymentDisputed):
        return_mismatch(attempt.id, placed.number, by=staff.id, now=LATER)
    assert_books_are_sound()


def test_a_dispute_of_a_payment_that_we_do_not_know_moves_no_village(provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1})
    goods = proceeds_fen()
    dispute = provider.open_dispute("pi_of_another_shop", 5_000)
    follow()
    provider.close_dispute(dispute, won=False)
    settle_dispute("stripe", dispute, now=LATER)
    assert (proceeds_fen(), held_fen()) == (goods, 0)
    assert_books_are_sound()


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order_of_events", list(permutations(range(4)))[::5])
def test_in_whatever_order_events_of_a_dispute_come_the_books_end_the_same(
    provider: FakeProvider, rice: MadeProduct, order_of_events: tuple[int, ...]
) -> None:
    placed = place({rice.sku: 2})
    start_payment(placed.number, now=NOW)
    provider.pay()
    dispute = provider.open_dispute(intent(provider), placed.total_fen)
    provider.close_dispute(dispute, won=False)
    events = [
        ("checkout.session.completed", provider.last_session_id),
        ("payment_intent.succeeded", intent(provider)),
        ("charge.dispute.created", dispute),
        ("charge.dispute.closed", dispute),
    ]
    for number in order_of_events:
        kind, about = events[number]
        event = payments.keep_event(provider="stripe", event_id=f"evt_{number}", kind=kind, object_id=about, happened_at=NOW, now=LATER)
        handle_event(event, now=LATER)
    follow()
    handle_due_events(now=LATER + timedelta(hours=1))
    assert (attributed_fen(), held_fen(), proceeds_fen()) == (0, 0, 0)
    left = {code for (code, _), _fen in balances().items()}
    assert left == {"balance/stripe", "fees/stripe"}
    assert_books_are_sound()


def test_events_that_never_arrived_are_fetched_once(provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    provider.pay()
    provider.forget_to_tell("checkout.session.completed", provider.last_session_id)
    dispute = provider.open_dispute(intent(provider), placed.total_fen)
    provider.forget_to_tell("charge.dispute.created", dispute)
    payout = provider.pay_out()
    provider.forget_to_tell("payout.paid", payout)

    assert fetch_undelivered_events(now=LATER) == 3
    assert fetch_undelivered_events(now=LATER) == 0
    follow_movements(now=LATER)
    assert (dispute_states(), proceeds_fen()) == ([DisputeState.NEEDS_RESPONSE], 0)
    with reading() as session:
        assert session.scalars(select(ProviderEvent.done_at)).all().count(None) == 0
        assert session.scalars(select(Payout.provider_id)).all() == [payout]
    assert_books_are_sound()
