"""What the provider says, once, twice, late, or with another amount."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from shop.acts.confirm_payment import Confirmed, check_order_payments, confirm_payment
from shop.acts.lapse_unpaid import cancel_order, lapse_unpaid
from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.ledger.models import Account, Entry, EntryKind, Posting
from shop.orders.errors import CannotMove, CannotPay
from shop.orders.states import OrderState
from shop.outbox.models import Letter
from shop.payments import service as payments
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import PaymentState, Refund, RefundState
from tests.factories import make_lot, make_product
from tests.providers import FakeProvider, Verb
from tests.shopping import NOW, assert_books_are_sound, buy, free_units, pay, place, state_of, village_fen

LATER = NOW + timedelta(minutes=36)


def balances() -> dict[str, int]:
    with reading() as session:
        rows = session.execute(
            select(Account.code, func.sum(Posting.amount_fen)).join(Posting, Posting.account_id == Account.id).group_by(Account.code)
        )
        return {code: int(fen) for code, fen in rows}


def entries() -> list[str]:
    with reading() as session:
        return [kind.value for kind in session.scalars(select(Entry.kind).order_by(Entry.id))]


def attempts(number: str) -> list[payments.AttemptRow]:
    with reading():
        return payments.attempts_for(number)


def test_a_payment_makes_a_sale_and_each_fen_has_its_account(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    assert pay(provider, placed.number) is OrderState.PAID
    price = rice.sku.price_fen
    sums = balances()
    village = next(code for code in sums if code.startswith("proceeds/"))
    assert sums == {"clearing/stripe": price + 6_00, "carriage/collected": -6_00, village: -price}
    assert village_fen() == {rice.village_id: price}
    assert_books_are_sound()


def test_the_same_word_twice_changes_nothing(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    order = buy(provider, {rice.sku: 1})
    attempt = attempts(order.number)[0]
    outcome = provider.outcome(attempt.session_id or "")
    for _ in range(3):
        assert confirm_payment(attempt.id, outcome, number=order.number, now=LATER) == Confirmed(PaymentState.PAID)
        assert check_order_payments(order.number, now=LATER) is OrderState.PAID
    assert entries() == [EntryKind.SALE.value]
    with reading() as session:
        assert sorted(session.scalars(select(Letter.kind))) == ["order_paid", "order_received"]
    assert_books_are_sound()


def test_another_amount_moves_nothing_and_waits_for_staff(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    provider.pay(amount_fen=placed.total_fen - 1)
    assert check_order_payments(placed.number, now=NOW) is OrderState.AWAITING_PAYMENT
    assert [attempt.state for attempt in attempts(placed.number)] == [PaymentState.MISMATCH]
    assert entries() == []
    assert_books_are_sound()


def test_paid_after_the_hold_lapsed_is_held_again_and_sold(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=1)
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    assert lapse_unpaid(now=LATER) == 1
    assert (state_of(placed.number), free_units(rice.sku)) == (OrderState.LAPSED, 1)
    provider.pay_late()
    assert check_order_payments(placed.number, now=LATER) is OrderState.PAID
    assert free_units(rice.sku) == 0
    assert_books_are_sound()


def test_paid_after_the_goods_are_gone_goes_back_by_itself(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=1)
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    late_session = provider.last_session_id
    assert lapse_unpaid(now=LATER) == 1
    buy(provider, {rice.sku: 1}, now=LATER)
    provider.pay_late(late_session)
    assert check_order_payments(placed.number, now=LATER) is OrderState.LAPSED
    with reading() as session:
        refund = session.scalars(select(Refund)).one()
        assert (refund.amount_fen, refund.state) == (placed.total_fen, RefundState.SUCCEEDED)
        assert "payment_returned" in session.scalars(select(Letter.kind)).all()
    assert balances()["unallocated/stripe"] == 0
    assert_books_are_sound()


def test_a_second_success_for_the_same_order_goes_back_by_itself(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    first = provider.last_session_id
    provider.let_expire(first)
    check_order_payments(placed.number, now=NOW)
    start_payment(placed.number, now=NOW + timedelta(minutes=1))
    provider.pay()
    provider.pay_late(first)
    assert check_order_payments(placed.number, now=NOW + timedelta(minutes=2)) is OrderState.PAID
    assert entries().count("sale") == 1
    assert sorted(attempt.refunded_fen for attempt in attempts(placed.number)) == [0, placed.total_fen]
    assert_books_are_sound()


def test_when_the_provider_is_down_the_order_waits_and_the_buyer_tries_again(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    provider.go_down()
    with pytest.raises(ProviderUnavailable):
        start_payment(placed.number, now=NOW)
    assert state_of(placed.number) is OrderState.AWAITING_PAYMENT
    provider.come_back()
    assert pay(provider, placed.number, now=NOW + timedelta(minutes=3)) is OrderState.PAID
    assert len(attempts(placed.number)) == 1
    assert_books_are_sound()


def test_an_answer_lost_on_the_way_is_asked_for_again_with_the_same_key(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    provider.fail_after_acting(Verb.START)
    with pytest.raises(ProviderUnavailable):
        start_payment(placed.number, now=NOW)
    start_payment(placed.number, now=NOW)
    assert len(provider.sessions) == 1


def test_a_refusal_to_start_ends_the_attempt_and_the_next_one_may_work(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    provider.refuse(Verb.START)
    with pytest.raises(ProviderRefused):
        start_payment(placed.number, now=NOW)
    assert pay(provider, placed.number) is OrderState.PAID
    assert [attempt.state for attempt in attempts(placed.number)] == [PaymentState.FAILED, PaymentState.PAID]


def test_going_to_pay_twice_opens_one_page(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    assert start_payment(placed.number, now=NOW) == start_payment(placed.number, now=NOW + timedelta(minutes=1))
    assert len(provider.sessions) == 1


def test_the_hold_is_extended_at_most_twice(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    for minutes in (0, 32, 64):
        start_payment(placed.number, now=NOW + timedelta(minutes=minutes))
        provider.let_expire()
        check_order_payments(placed.number, now=NOW + timedelta(minutes=minutes + 31))
    with pytest.raises(CannotPay):
        start_payment(placed.number, now=NOW + timedelta(minutes=96))
    assert lapse_unpaid(now=NOW + timedelta(minutes=98)) == 0
    assert lapse_unpaid(now=NOW + timedelta(minutes=100)) == 1
    assert_books_are_sound()


def test_a_paid_order_cannot_be_paid_or_called_off(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    order = buy(provider, {rice.sku: 1})
    with pytest.raises(CannotPay):
        start_payment(order.number, now=NOW)
    with pytest.raises(CannotMove):
        cancel_order(order.number, by=None, now=NOW)


def test_calling_off_closes_the_payment_page_first(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    cancel_order(placed.number, by=None, now=NOW)
    assert (state_of(placed.number), free_units(rice.sku)) == (OrderState.CANCELLED, 5)
    provider.pay_late()
    check_order_payments(placed.number, now=NOW)
    with reading() as session:
        assert session.scalars(select(Refund.amount_fen)).all() == [placed.total_fen]
    assert_books_are_sound()


def test_paid_in_the_last_second_is_paid_when_the_hold_would_lapse(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    provider.pay()
    assert lapse_unpaid(now=LATER) == 0
    assert state_of(placed.number) is OrderState.PAID
    assert_books_are_sound()


def test_while_the_provider_cannot_be_asked_goods_are_kept_an_hour_longer(provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=5)
    placed = place({rice.sku: 1})
    start_payment(placed.number, now=NOW)
    provider.go_down()
    assert lapse_unpaid(now=LATER) == 0
    assert lapse_unpaid(now=NOW + timedelta(minutes=94)) == 0
    assert lapse_unpaid(now=NOW + timedelta(minutes=96)) == 1
    assert free_units(rice.sku) == 5
    assert_books_are_sound()
