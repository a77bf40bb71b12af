"""Bank transfers: exact, short, over, twice, late, from another name. Every fen is an order's, or owed back, and each line is read once."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shop.acts.expect_transfer import remind_of_transfers
from shop.acts.lapse_unpaid import cancel_order, lapse_unpaid
from shop.acts.match_transfer import match_line
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.remit import confirm_sent
from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.kit.clock import day_ends
from shop.orders.states import OrderState
from shop.outbox.models import Letter
from shop.payments.errors import LineTaken, NotAsExpected, NoTransferOrder, OtherName, SamePerson
from shop.payments.models import PayeeFrom, RefundState
from shop.payments.transfer import service as transfers
from shop.payments.transfer.matching import Sum
from shop.payments.transfer.service import Payee
from tests.factories import MadeProduct, make_lot, make_product, make_staff
from tests.providers import FakeProvider
from tests.shopping import NOW, assert_books_are_sound, buy, free_units, picks_of, place, state_of, village_fen
from tests.transfers import balance, money_comes, only_remittance, place_by_transfer, reference_of, to_send_back, transfer_of

PAY_BY = date(2026, 11, 26)
AFTER = day_ends(PAY_BY) + timedelta(minutes=1)


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, five bags."""
    product = make_product()
    make_lot(product, units=5)
    return product


def letters(number: str) -> list[str]:
    """Kinds of the letters about an order, in order."""
    with reading() as session:
        return list(session.scalars(select(Letter.kind).where(Letter.subject == number).order_by(Letter.id)))


def test_an_order_by_transfer_is_kept_to_the_end_of_its_day(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 2})
    assert transfer_of(placed.number).pay_by == PAY_BY
    assert lapse_unpaid(now=AFTER - timedelta(minutes=2)) == 0
    assert free_units(rice.sku) == 3
    assert start_payment(placed.number, now=NOW).pay_url is None, "no provider's page is opened for it"
    assert letters(placed.number) == ["transfer_instructions"]
    assert lapse_unpaid(now=AFTER) == 1
    assert (state_of(placed.number), free_units(rice.sku)) == (OrderState.LAPSED, 5)
    assert letters(placed.number) == ["transfer_instructions", "transfer_lapsed"]
    assert_books_are_sound()


def test_whoever_has_not_paid_the_day_before_is_reminded_once(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1})
    assert remind_of_transfers(now=NOW) == 0
    assert remind_of_transfers(now=NOW + timedelta(days=2)) == 1
    assert remind_of_transfers(now=NOW + timedelta(days=2)) == 0
    assert letters(placed.number)[-1] == "transfer_reminder"


def test_the_exact_sum_pays_the_order(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 2})
    line = money_comes(placed.total_fen, reference_of(placed.number))
    matched = match_line(line, placed.number, by=None, now=NOW)
    assert (matched.sum, matched.is_sold, matched.owed_fen) == (Sum.EXACT, True, 0)
    assert match_line(line, placed.number, by=None, now=NOW).is_sold, "pressed twice, it is one"
    assert state_of(placed.number) is OrderState.PAID
    assert (balance("bank/operating"), balance("unallocated/transfer")) == (placed.total_fen, 0)
    assert sum(village_fen().values()) == 2 * rice.sku.price_fen
    assert letters(placed.number)[-1] == "order_paid"
    assert_books_are_sound()


def test_too_little_waits_for_the_rest(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 2})
    first = match_line(money_comes(5_000), placed.number, by=None, now=NOW)
    assert (first.sum, first.is_sold, first.missing_fen) == (Sum.SHORT, False, placed.total_fen - 5_000)
    assert balance("unallocated/transfer") == -5_000
    assert letters(placed.number)[-1] == "transfer_short"
    assert_books_are_sound()
    second = match_line(money_comes(placed.total_fen - 5_000), placed.number, by=None, now=NOW)
    assert second.is_sold and state_of(placed.number) is OrderState.PAID
    assert balance("unallocated/transfer") == 0
    assert_books_are_sound()


def test_too_little_goes_back_when_the_day_is_over(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 2})
    match_line(money_comes(5_000), placed.number, by=None, now=NOW)
    assert lapse_unpaid(now=AFTER) == 1
    (owed,) = to_send_back()
    assert (owed.amount_fen, owed.reason, owed.payee_from) == (5_000, "late", PayeeFrom.RECEIPT)
    assert_books_are_sound()
    later = match_line(money_comes(placed.total_fen), placed.number, by=None, now=AFTER)
    assert later.is_sold, "the whole sum, late, and the goods are still there"
    assert_books_are_sound()


def test_too_much_pays_the_order_and_the_rest_is_owed_back(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1})
    matched = match_line(money_comes(placed.total_fen + 1_234), placed.number, by=None, now=NOW)
    assert (matched.sum, matched.is_sold, matched.owed_fen) == (Sum.OVER, True, 1_234)
    assert balance("unallocated/transfer") == -1_234
    assert [(row.amount_fen, row.reason) for row in to_send_back()] == [(1_234, "surplus")]
    assert_books_are_sound()


def test_what_comes_twice_is_owed_back_whole(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1})
    match_line(money_comes(placed.total_fen), placed.number, by=None, now=NOW)
    again = match_line(money_comes(placed.total_fen), placed.number, by=None, now=NOW)
    assert (again.sum, again.owed_fen) == (Sum.TWICE, placed.total_fen)
    assert len(picks_of(placed.number)) == 1
    assert_books_are_sound()


def test_another_name_needs_a_reason(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1})
    line = money_comes(placed.total_fen, payer_name="昆山某某有限公司")
    with pytest.raises(OtherName):
        match_line(line, placed.number, by=None, now=NOW)
    assert state_of(placed.number) is OrderState.AWAITING_PAYMENT
    assert match_line(line, placed.number, reason="公司代付，电话核实", by=None, now=NOW).is_sold
    assert_books_are_sound()


def test_one_line_pays_two_orders_and_no_fen_of_it_twice(rice: MadeProduct) -> None:
    first, second, third = (place_by_transfer({rice.sku: 1}) for _ in range(3))
    line = money_comes(first.total_fen + second.total_fen)
    assert match_line(line, first.number, amount_fen=first.total_fen, by=None, now=NOW).is_sold
    with pytest.raises(LineTaken):
        match_line(line, second.number, amount_fen=second.total_fen + 1, by=None, now=NOW)
    assert match_line(line, second.number, by=None, now=NOW).is_sold
    with pytest.raises(LineTaken):
        match_line(line, third.number, by=None, now=NOW)
    assert_books_are_sound()


def test_money_after_the_day_is_held_for_again_or_owed_back(rice: MadeProduct, provider: FakeProvider) -> None:
    lucky, late = place_by_transfer({rice.sku: 2}), place_by_transfer({rice.sku: 2})
    lapse_unpaid(now=AFTER)
    assert match_line(money_comes(lucky.total_fen), lucky.number, by=None, now=AFTER).is_sold
    buy(provider, {rice.sku: 3}, now=AFTER)
    matched = match_line(money_comes(late.total_fen), late.number, by=None, now=AFTER)
    assert not matched.is_sold and matched.owed_fen == late.total_fen
    assert state_of(late.number) is OrderState.LAPSED
    assert_books_are_sound()


def test_money_for_a_cancelled_order_is_owed_back(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1})
    match_line(money_comes(100), placed.number, by=None, now=NOW)
    cancel_order(placed.number, by=None, now=NOW)
    assert [row.amount_fen for row in to_send_back()] == [100]
    assert match_line(money_comes(placed.total_fen), placed.number, by=None, now=NOW).owed_fen == placed.total_fen
    assert_books_are_sound()


def test_an_order_paid_online_takes_no_bank_line(rice: MadeProduct, provider: FakeProvider) -> None:
    line = money_comes(6_800)
    with pytest.raises(NoTransferOrder):
        match_line(line, place({rice.sku: 1}).number, by=None, now=NOW)
    with pytest.raises(NoTransferOrder):
        match_line(line, "SH-261123-NOBODY", by=None, now=NOW)


def test_what_is_not_for_an_order_is_set_aside_and_comes_back(rice: MadeProduct) -> None:
    placed, clerk = place_by_transfer({rice.sku: 1}), make_staff()
    line = money_comes(placed.total_fen)
    transfers.set_aside(line, reason="利息", by=clerk.id, now=NOW)
    with pytest.raises(LineTaken):
        match_line(line, placed.number, by=None, now=NOW)
    transfers.take_up_again(line, by=clerk.id, now=NOW)
    assert match_line(line, placed.number, by=None, now=NOW).is_sold
    with pytest.raises(LineTaken):
        transfers.set_aside(line, reason="利息", by=clerk.id, now=NOW)


def test_a_refund_of_a_transfer_goes_by_transfer_and_takes_two_people(rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 2})
    match_line(money_comes(placed.total_fen), placed.number, by=None, now=NOW)
    (pick,) = picks_of(placed.number)
    refunded = refund_order(placed.number, RefundWanted(units={pick.id: 1}, restock=True), once="1", by=None, now=NOW)
    assert refunded.state is RefundState.ASKED and letters(placed.number)[-1] == "refund_by_transfer"
    assert (free_units(rice.sku), balance("unallocated/transfer")) == (4, -rice.sku.price_fen)
    assert_books_are_sound()
    one, two = make_staff(), make_staff()
    remittance = only_remittance()
    with pytest.raises(NotAsExpected):
        confirm_sent(remittance, by=two.id, now=NOW)
    transfers.mark_sent(remittance, bank_reference="OUT-1", by=one.id, now=NOW)
    with pytest.raises(SamePerson):
        confirm_sent(remittance, by=one.id, now=NOW)
    transfers.mark_not_sent(remittance, reason="退票", by=two.id, now=NOW)
    transfers.mark_sent(remittance, bank_reference="OUT-2", by=two.id, now=NOW)
    confirm_sent(remittance, by=one.id, now=NOW)
    with pytest.raises(NotAsExpected):
        confirm_sent(remittance, by=one.id, now=NOW)
    assert to_send_back() == ()
    assert (balance("unallocated/transfer"), balance("bank/operating")) == (0, placed.total_fen - rice.sku.price_fen)
    assert_books_are_sound()


def test_without_an_account_on_the_statement_somebody_has_to_name_one(rice: MadeProduct) -> None:
    placed, clerk = place_by_transfer({rice.sku: 1}), make_staff()
    match_line(money_comes(placed.total_fen + 100, account=""), placed.number, by=None, now=NOW)
    remittance = only_remittance()
    with pytest.raises(NotAsExpected):
        transfers.mark_sent(remittance, bank_reference="OUT-1", by=clerk.id, now=NOW)
    transfers.name_payee(remittance, Payee("示例买家", "6217000012345678", "示例银行"), source=PayeeFrom.BUYER, by=None, now=NOW)
    transfers.mark_sent(remittance, bank_reference="OUT-1", by=clerk.id, now=NOW)
    with pytest.raises(NotAsExpected):
        transfers.name_payee(remittance, Payee("他人", "6217000012345679", "示例银行"), source=PayeeFrom.BUYER, by=None, now=NOW)
    assert_books_are_sound()
