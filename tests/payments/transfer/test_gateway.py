"""Bank transfer behind the contract of providers: what it says is what people have said, and it never pretends to have asked a bank."""

from datetime import timedelta

import pytest
from flask import Flask

from shop.acts.lapse_unpaid import lapse_unpaid
from shop.acts.match_transfer import match_line
from shop.acts.refund_order import RefundWanted, refund_order
from shop.extensions import act
from shop.kit.clock import day_ends
from shop.payments.errors import ProviderRefused
from shop.payments.models import RefundState
from shop.payments.provider import OutcomeKind, Provider
from shop.payments.registry import provider_named
from shop.payments.transfer.reference import reference_of
from tests.factories import MadeProduct, make_lot, make_product
from tests.payments.test_contract import asked
from tests.shopping import NOW, picks_of
from tests.transfers import money_comes, place_by_transfer, transfer_of


@pytest.fixture
def bank(app: Flask) -> Provider:
    """The provider as the shop has it."""
    return provider_named("transfer")


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product)
    return product


def test_the_same_key_has_the_same_reference(bank: Provider) -> None:
    opened = bank.start(asked())
    assert opened == bank.start(asked())
    assert opened.session_id == reference_of(asked().once) != bank.start(asked(once="pay:SH-261123-7K3M9P:2")).session_id
    assert opened.expires_at == asked().expires_at


def test_it_is_open_until_people_say_that_the_money_came(bank: Provider, rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1})
    reference = transfer_of(placed.number).reference
    assert bank.outcome(reference).kind is OutcomeKind.OPEN
    match_line(money_comes(placed.total_fen), placed.number, by=None, now=NOW)
    outcome = bank.outcome(reference)
    assert (outcome.kind, outcome.received_fen, outcome.currency, outcome.method) == (OutcomeKind.PAID, placed.total_fen, "CNY", "transfer")
    assert bank.expire(reference) == outcome, "closing it afterwards says the same"


def test_once_its_day_is_over_it_is_expired(bank: Provider, rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1})
    transfer = transfer_of(placed.number)
    assert bank.expire(transfer.reference).kind is OutcomeKind.EXPIRED
    lapse_unpaid(now=day_ends(transfer.pay_by) + timedelta(minutes=1))
    assert bank.outcome(transfer.reference).kind is OutcomeKind.EXPIRED


def test_what_nobody_waits_for_is_refused(bank: Provider) -> None:
    for ask in (lambda: bank.outcome("7K3M9P42"), lambda: bank.refund_state("nothing")):
        with pytest.raises(ProviderRefused):
            ask()


def test_a_refund_is_taken_on_and_waits_for_people(bank: Provider, rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1})
    match_line(money_comes(placed.total_fen), placed.number, by=None, now=NOW)
    refund_order(placed.number, RefundWanted(units={picks_of(placed.number)[0].id: 1}), once="1", by=None, now=NOW)
    (seen,) = bank.list_refunds(intent_id=transfer_of(placed.number).reference)
    assert (seen.amount_fen, seen.state) == (rice.sku.price_fen, RefundState.PENDING)
    assert bank.refund_state(seen.provider_id).state is RefundState.PENDING
    assert bank.list_refunds(since=NOW + timedelta(days=1)) == []


def test_it_is_not_asked_inside_a_transaction(bank: Provider) -> None:
    @act
    def ask() -> None:
        bank.outcome("7K3M9P42")

    with pytest.raises(AssertionError):
        ask()
