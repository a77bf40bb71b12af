"""Refunds made at the provider's dashboard: found, booked by amount, once, whoever refunds at the same moment. Failed ones go another way."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shop.acts.ask_providers import ask_about_refunds
from shop.acts.clear_suspense import clear_suspense
from shop.acts.confirm_payment import check_order_payments
from shop.acts.find_refunds import PATIENCE, find_refunds_made_elsewhere, look_at_refunds_of
from shop.acts.follow_account import follow_movements
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.send_otherwise import return_mismatch, send_failed_by_transfer
from shop.acts.settle_refund import settle_refund
from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import PaymentId, RefundId
from shop.orders.errors import NothingToRefund, RefundTooLarge
from shop.orders.states import OrderState
from shop.outbox.models import Letter
from shop.payments import service as payments
from shop.payments.errors import NotAsExpected
from shop.payments.models import ClearedTo, Payment, Refund, RefundState, SuspenseItem
from shop.reports.desk import read_desk
from shop.reports.order_story import OrderStory, get_story
from tests.acts.test_decide_refund import at_once
from tests.factories import MadeProduct, make_lot, make_product, make_staff
from tests.providers import FakeProvider, Verb
from tests.shopping import NOW, assert_books_are_sound, buy, free_units, pay, picks_of, place, state_of, village_fen
from tests.transfers import balance, to_send_back

FAR_AWAY = {"district_code": "650102", "region": "新疆维吾尔自治区乌鲁木齐市天山区"}


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米 at ¥68.00, ten bags."""
    product = make_product()
    make_lot(product, units=10)
    return product


def told(number: str) -> OrderStory:
    """The order as it stands."""
    with reading():
        return get_story(number)


def payment_of(number: str) -> PaymentId:
    with reading() as session:
        return PaymentId(session.scalars(select(Payment.id).where(Payment.reference == number).order_by(Payment.id)).first() or 0)


def refund_ids(number: str) -> list[RefundId]:
    with reading() as session:
        query = select(Refund.id).join(Payment, Payment.id == Refund.payment_id).where(Payment.reference == number).order_by(Refund.id)
        return [RefundId(each) for each in session.scalars(query)]


def letters(number: str) -> list[str]:
    with reading() as session:
        return list(session.scalars(select(Letter.kind).where(Letter.subject == number).order_by(Letter.id)))


def test_a_refund_at_the_dashboard_is_booked_over_the_lines_the_last_first(provider: FakeProvider, rice: MadeProduct) -> None:
    tea = make_product("菊花", village=None)
    make_lot(tea)
    placed = buy(provider, {rice.sku: 1, tea.sku: 1})
    provider.refund_at_dashboard(tea.sku.price_fen + 1_00)
    assert find_refunds_made_elsewhere(now=NOW) == 1
    assert find_refunds_made_elsewhere(now=NOW) == 0
    first, last = told(placed.number).lines
    assert (first.refunded_fen, last.refunded_fen) == (1_00, tea.sku.price_fen)
    assert letters(placed.number)[-1] == "refund_made"
    (seen,) = told(placed.number).refunds
    assert (seen.state, seen.reason) == (RefundState.SUCCEEDED, "made_at_provider")
    with reading():
        assert [row.number for row in read_desk(NOW).found_refunds] == [placed.number], "somebody decides whether the goods still go"
    assert_books_are_sound()


def test_all_of_it_takes_the_shipping_too(provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 2}, **FAR_AWAY)
    assert told(placed.number).shipping_fen
    provider.refund_at_dashboard(placed.total_fen)
    assert look_at_refunds_of(payment_of(placed.number), now=NOW) == 1
    story = told(placed.number)
    assert (story.now_fen, story.refunded_shipping_fen) == (0, story.shipping_fen)
    with pytest.raises(NothingToRefund if not story.lines else (NothingToRefund, RefundTooLarge)):
        refund_order(placed.number, RefundWanted(amounts={story.lines[0].line_id: 1}), once="1", by=None, now=NOW)
    assert_books_are_sound()


def test_our_own_refunds_are_known_even_before_their_answer_came(provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 2})
    provider.fail_after_acting(Verb.REFUND)
    refund_order(placed.number, RefundWanted(units={picks_of(placed.number)[0].id: 1}), once="1", by=None, now=NOW)
    assert find_refunds_made_elsewhere(now=NOW) == 0
    assert len(refund_ids(placed.number)) == 1
    assert ask_about_refunds(now=NOW + timedelta(hours=1)) == 1
    assert find_refunds_made_elsewhere(now=NOW) == 0
    assert_books_are_sound()


def test_staff_and_dashboard_at_once_refund_once(provider: FakeProvider, rice: MadeProduct) -> None:
    """Staff book all of it while all of it has just gone back at the dashboard: the provider refuses ours, which is booked back, and theirs stands."""
    placed = buy(provider, {rice.sku: 2})
    provider.refund_at_dashboard(2 * 68_00)
    wanted = RefundWanted(amounts={told(placed.number).lines[0].line_id: 2 * 68_00}, reason="破损")
    provider.fail_before_acting(Verb.REFUND)
    refund_order(placed.number, wanted, once="1", by=None, now=NOW)
    assert find_refunds_made_elsewhere(now=NOW) == 0, "ours stands in its way"
    assert ask_about_refunds(now=NOW + timedelta(hours=1)) == 1
    assert told(placed.number).refunds[0].state is RefundState.FAILED
    assert find_refunds_made_elsewhere(now=NOW + timedelta(hours=1)) == 1
    assert sum(village_fen().values()) == 0
    assert [refund.state for refund in told(placed.number).refunds] == [RefundState.FAILED, RefundState.SUCCEEDED]
    assert_books_are_sound()


def test_a_race_of_staff_and_sweeps_ends_in_sound_books(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 2})
    pick, payment = picks_of(placed.number)[0].id, payment_of(placed.number)
    provider.refund_at_dashboard(68_00)
    ended = at_once(
        app,
        [
            lambda: refund_order(placed.number, RefundWanted(units={pick: 1}), once="one", by=None, now=NOW).total_fen,
            lambda: refund_order(placed.number, RefundWanted(units={pick: 1}), once="two", by=None, now=NOW).total_fen,
            lambda: look_at_refunds_of(payment, now=NOW),
            lambda: find_refunds_made_elsewhere(now=NOW),
        ],
    )
    assert len(ended) == 4
    find_refunds_made_elsewhere(now=NOW)
    went_back = sum(refund.amount_fen for refund in told(placed.number).refunds if refund.state is not RefundState.FAILED)
    assert went_back == provider.sessions[provider.last_session_id].refunded_fen, "what we booked is what went back"
    assert sum(village_fen().values()) == 2 * 68_00 - went_back
    assert_books_are_sound()


def test_a_look_without_an_answer_is_made_again(provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1})
    provider.refund_at_dashboard(1_00)
    provider.go_down()
    assert find_refunds_made_elsewhere(now=NOW) == 0
    provider.come_back()
    assert find_refunds_made_elsewhere(now=NOW) == 1
    assert_books_are_sound()


# ── When the provider cannot ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_refund_that_fails_late_is_booked_back_told_and_sent_by_transfer(provider: FakeProvider, rice: MadeProduct) -> None:
    placed, clerk = buy(provider, {rice.sku: 2}), make_staff()
    provider.first_refund_state = RefundState.PENDING
    done = refund_order(placed.number, RefundWanted(units={picks_of(placed.number)[0].id: 1}, restock=True), once="1", by=None, now=NOW)
    assert done.state is RefundState.PENDING
    provider.fail_refund(provider.last_refund_id)
    (refund,) = refund_ids(placed.number)
    assert settle_refund(refund, now=NOW) is RefundState.FAILED
    assert letters(placed.number)[-1] == "refund_failed"
    assert (sum(village_fen().values()), free_units(rice.sku)) == (2 * 68_00, 9), "the bag did come back"
    with reading():
        assert [row.number for row in read_desk(NOW).failed_refunds] == [placed.number]
    assert_books_are_sound()
    with pytest.raises(NotFound):
        send_failed_by_transfer(refund, buy(provider, {rice.sku: 1}).number, by=clerk.id, now=NOW)
    again = send_failed_by_transfer(refund, placed.number, by=clerk.id, now=NOW)
    assert send_failed_by_transfer(refund, placed.number, by=clerk.id, now=NOW) == again, "pressed twice, it is one"
    with reading():
        assert read_desk(NOW).failed_refunds == ()
    (owed,) = to_send_back()
    assert (owed.amount_fen, owed.payee_from) == (68_00, None)
    assert sum(village_fen().values()) == 2 * 68_00, "one bag of this order, one of the other"
    assert balance("clearing/stripe") == sum(session.received_fen for session in provider.sessions.values())
    assert balance("unallocated/transfer") == -68_00
    assert_books_are_sound()


@pytest.mark.parametrize(("method", "days"), [("alipay", 90), ("wechat_pay", 180)])
def test_past_the_providers_window_money_goes_by_transfer(provider: FakeProvider, rice: MadeProduct, method: str, days: int) -> None:
    placed = place({rice.sku: 2})
    start_payment(placed.number, now=NOW)
    provider.pay(method=method)
    assert check_order_payments(placed.number, now=NOW) is OrderState.PAID
    pick = picks_of(placed.number)[0].id
    within = refund_order(placed.number, RefundWanted(units={pick: 1}), once="1", by=None, now=NOW + timedelta(days=days, minutes=-1))
    assert within.state is RefundState.SUCCEEDED
    past = refund_order(placed.number, RefundWanted(units={pick: 1}), once="2", by=None, now=NOW + timedelta(days=days))
    assert past.state is RefundState.ASKED and provider.calls.count(Verb.REFUND) == 1
    assert [row.amount_fen for row in to_send_back()] == [68_00]
    assert letters(placed.number)[-1] == "refund_by_transfer"
    assert ask_about_refunds(now=NOW + timedelta(days=365)) == 0, "nobody asks the provider about it"
    assert_books_are_sound()


def test_the_money_of_a_mismatch_goes_back_whole_and_once(provider: FakeProvider, rice: MadeProduct) -> None:
    placed, clerk = place({rice.sku: 1}), make_staff()
    start_payment(placed.number, now=NOW)
    provider.pay(amount_fen=1_00)
    check_order_payments(placed.number, now=NOW)
    payment = payment_of(placed.number)
    assert return_mismatch(payment, placed.number, by=clerk.id, now=NOW) is RefundState.SUCCEEDED
    assert return_mismatch(payment, placed.number, by=clerk.id, now=NOW) is RefundState.SUCCEEDED
    assert provider.calls.count(Verb.REFUND) == 1
    with reading():
        assert read_desk(NOW).mismatches == ()
    paid = buy(provider, {rice.sku: 1})
    with pytest.raises(NotAsExpected):
        return_mismatch(payment_of(paid.number), paid.number, by=clerk.id, now=NOW)
    assert_books_are_sound()


def test_a_second_success_goes_back_by_itself_and_is_reported(provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    first = provider.last_session_id
    provider.let_expire()
    later = NOW + timedelta(minutes=32)
    assert pay(provider, placed.number, now=later) is OrderState.PAID
    provider.pay_late(first)
    provider.first_refund_state = RefundState.PENDING
    check_order_payments(placed.number, now=later)
    assert letters(placed.number)[-1] == "payment_returned"
    with reading():
        (reported,) = read_desk(utc_now()).late_money
    assert reported.is_second and reported.amount_fen == placed.total_fen
    assert provider.sessions[first].refunded_fen == placed.total_fen
    assert state_of(placed.number) is OrderState.PAID
    assert_books_are_sound()


def test_two_tabs_that_go_to_pay_at_once_find_one_page(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1})
    pages = at_once(app, [lambda: start_payment(placed.number, now=NOW).pay_url for _ in range(4)])
    assert len(set(pages)) == 1 and len(provider.sessions) == 1


def test_wechat_hides_what_cannot_work_there_and_another_browser_gets_its_own_page(provider: FakeProvider, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1})
    hidden = ("alipay", "wechat_pay")
    inside = start_payment(placed.number, now=NOW, hidden_methods=hidden)
    assert start_payment(placed.number, now=NOW, hidden_methods=hidden) == inside
    first = provider.last_session_id
    assert provider.sessions[first].asked.hidden_methods == hidden
    outside = start_payment(placed.number, now=NOW)
    assert outside != inside and provider.sessions[provider.last_session_id].asked.hidden_methods == ()
    assert provider.sessions[first].kind.value == "expired", "there is never more than one page to pay on"
    provider.pay()
    assert check_order_payments(placed.number, now=NOW) is OrderState.PAID
    assert_books_are_sound()


# ── What no order can take ────────────────────────────────────────────────────────────────────────────────────────────


def suspended(number: str) -> list[int]:
    """What stands on the desk of an order's refunds that could not be booked: sums."""
    with reading():
        return [row.amount_fen for row in read_desk(utc_now()).providers.unbooked_refunds if row.number == number]


def test_what_an_order_has_not_left_comes_before_staff_and_is_not_tried_again(provider: FakeProvider, rice: MadeProduct) -> None:
    """All of it was promised by transfer, and then a colleague gave one bag back at the dashboard as well: nobody's village pays that."""
    placed = buy(provider, {rice.sku: 2})
    line_id, soon = told(placed.number).lines[0].line_id, utc_now()
    refund_order(placed.number, RefundWanted(amounts={line_id: 2 * 68_00}, by_transfer=True), once="1", by=None, now=NOW)
    provider.refund_at_dashboard(68_00)
    follow_movements(now=soon + timedelta(minutes=10))
    assert find_refunds_made_elsewhere(now=soon + timedelta(minutes=10)) == 0
    assert suspended(placed.number) == [], "a refund of ours may stand in its way: that ends by itself"
    assert find_refunds_made_elsewhere(now=soon + PATIENCE + timedelta(minutes=1)) == 0
    assert suspended(placed.number) == [68_00]
    with reading():
        looked_until = payments.looked_until("stripe", "refunds")
    assert looked_until == soon + PATIENCE + timedelta(minutes=1), "the list is not read from there for ever"
    assert look_at_refunds_of(payment_of(placed.number), now=soon + timedelta(days=1)) == 0
    assert suspended(placed.number) == [68_00] and balance("suspense/stripe") == 68_00
    assert len(refund_ids(placed.number)) == 1 and sum(village_fen().values()) == 0
    assert_books_are_sound()

    with reading() as session:
        item = session.scalars(select(SuspenseItem.id)).one()
    clear_suspense(item, ClearedTo.FEES, "客服在后台多退了一袋，平台承担", by=make_staff().id, now=soon + timedelta(days=1))
    assert find_refunds_made_elsewhere(now=soon + timedelta(days=1)) == 0
    assert suspended(placed.number) == [] and balance("suspense/stripe") == 0
    assert_books_are_sound()


def test_it_is_tried_until_the_providers_account_has_told_of_it(provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 2})
    line_id, soon = told(placed.number).lines[0].line_id, utc_now()
    refund_order(placed.number, RefundWanted(amounts={line_id: 2 * 68_00}, by_transfer=True), once="1", by=None, now=NOW)
    provider.refund_at_dashboard(60_00)
    for hours in (3, 4):
        assert find_refunds_made_elsewhere(now=soon + timedelta(hours=hours)) == 0
        assert suspended(placed.number) == []
    follow_movements(now=soon + timedelta(hours=4))
    find_refunds_made_elsewhere(now=soon + timedelta(hours=5))
    assert suspended(placed.number) == [60_00]
    assert_books_are_sound()


def test_two_sweeps_put_it_before_staff_once(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 2})
    line_id, later = told(placed.number).lines[0].line_id, utc_now() + timedelta(hours=3)
    refund_order(placed.number, RefundWanted(amounts={line_id: 2 * 68_00}, by_transfer=True), once="1", by=None, now=NOW)
    provider.refund_at_dashboard(60_00)
    follow_movements(now=later)
    assert at_once(app, [lambda: find_refunds_made_elsewhere(now=later)] * 3) == [0, 0, 0]
    assert suspended(placed.number) == [60_00]
    assert_books_are_sound()
