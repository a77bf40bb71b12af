"""Bank transfers are bound by every clause of the contract but those that no transfer can keep, on both databases.

Behind the gateway stand people: they match lines of the statement, and send back what is owed. What the acts write down before a provider is asked
is written here by the stage, with the same steps.
"""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from shop.extensions import act, reading
from shop.kit.clock import business_day
from shop.payments import service as payments
from shop.payments.errors import ProviderRefused, RefundAboveReceived
from shop.payments.models import RefundState
from shop.payments.provider import Asked, Opened, RefundAnswer, RefundAsked
from shop.payments.service import AttemptRow
from shop.payments.transfer import service as transfers
from shop.payments.transfer.gateway import TransferGateway
from tests.factories import make_staff
from tests.payments.conftest import Ability, Stage
from tests.payments.test_contract import back, bought, clauses_for
from tests.providers import Verb
from tests.transfers import money_comes

CAN = (Ability.PAYS_LATE,)
globals().update(clauses_for(CAN))


class WrittenDown(TransferGateway):
    """The gateway, asked as the acts ask it: after what is asked for was written down."""

    def start(self, asked: Asked) -> Opened:
        """As shop/acts/expect_transfer.py has a checkout do."""
        opened = super().start(asked)
        _expect(opened.session_id, asked)
        return opened

    def refund(self, asked: RefundAsked) -> RefundAnswer:
        """As shop/acts/owe_back.py and shop/acts/refund_order.py do; the database's own cap is the provider's no."""
        try:
            _write_down(asked)
        except RefundAboveReceived as error:
            raise ProviderRefused("charge_already_refunded") from error
        return super().refund(asked)


@act
def _expect(session_id: str, asked: Asked) -> None:
    if payments.find_by_session(TransferGateway.name, session_id) is None:
        now = datetime.now(UTC)
        _payment_id, reference = transfers.expect_transfer(
            asked.reference, asked.amount_fen, pay_by=business_day(now) + timedelta(days=3), payer_name="Mei", now=now
        )
        assert reference == session_id, "the shop and the gateway name it alike"


@act
def _write_down(asked: RefundAsked) -> None:
    attempt = payments.find_by_intent(TransferGateway.name, asked.intent_id)
    if attempt is None or payments.find_refund(asked.once) is not None:
        return
    refund_id = payments.record_refund(
        attempt.id, asked.amount_fen, once=asked.once, reason="damaged", by_transfer=True, now=datetime.now(UTC)
    )
    transfers.open_remittance(refund_id, transfers.payee_of_receipts(attempt.id))


class People:
    """Buyers who transfer, and those of the office who say whose the money is."""

    last_session_id = ""
    last_refund_id = ""

    def pay(self, session_id: str | None = None, *, method: str = "transfer") -> str:
        """All of it comes, and somebody says whose it is."""
        assert session_id, "a transfer names its reference"
        with reading():
            amount_fen = _expected(session_id).amount_fen
        line_id, now = money_comes(amount_fen), datetime.now(UTC)

        @act
        def match() -> None:
            attempt = payments.lock_attempt(_expected(session_id).id)
            transfers.record_receipt(transfers.lock_line(line_id), attempt, attempt.amount_fen, reason="", by=None, now=now)
            transfers.record_complete(attempt.id, now=now)

        match()
        return session_id

    def pay_late(self, session_id: str | None = None, *, method: str = "transfer") -> str:
        """Nobody can close a bank account: it comes all the same."""
        return self.pay(session_id)

    def let_expire(self, session_id: str | None = None) -> str:
        """Its day is over, and the worker says so (shop/acts/lapse_unpaid.py)."""
        assert session_id, "a transfer names its reference"

        @act
        def lapse() -> None:
            payments.record_expired(payments.lock_attempt(_expected(session_id).id), now=datetime.now(UTC))

        lapse()
        return session_id

    def decline(self, session_id: str | None = None) -> str:
        """Not among its abilities."""
        raise NotImplementedError

    def go_down(self) -> None:
        """Not among its abilities."""
        raise NotImplementedError

    def come_back(self) -> None:
        """Not among its abilities."""
        raise NotImplementedError

    def fail_before_acting(self, verb: Verb, times: int = 1) -> None:
        """Not among its abilities."""
        raise NotImplementedError

    def fail_after_acting(self, verb: Verb, times: int = 1) -> None:
        """Not among its abilities."""
        raise NotImplementedError


def _expected(session_id: str) -> AttemptRow:
    attempt = payments.find_by_session(TransferGateway.name, session_id)
    assert attempt is not None
    return attempt


@pytest.fixture
def stage(app: Flask) -> Stage:
    """The bank's counter, on one database after the other."""
    return Stage(WrittenDown(), People(), method="transfer")


@pytest.fixture
def late_stage(stage: Stage) -> Stage:
    """The same: money that comes late is nothing new to it."""
    return stage


def test_what_was_taken_on_is_sent_by_one_and_found_by_another(stage: Stage) -> None:
    """Pending until a second person has found it on the statement, and then it has succeeded."""
    paid = bought(stage)
    refund = stage.provider.refund(back(paid, 6_667))
    one, other = make_staff().id, make_staff().id
    with reading():
        (row,) = transfers.open_remittances_of("SH-261123-7K3M9P")
    now = datetime.now(UTC)
    transfers.mark_sent(row.id, bank_reference="L1", by=one, now=now)
    assert stage.provider.refund_state(refund.provider_id).state is RefundState.PENDING
    act(lambda: transfers.record_confirmed(transfers.lock_remittance(row.id), by=other, now=now))()
    assert stage.provider.refund_state(refund.provider_id).state is RefundState.SUCCEEDED
    assert [seen.state for seen in stage.provider.list_refunds(intent_id=paid.intent_id)] == [RefundState.SUCCEEDED]


def test_the_same_key_for_another_refund_is_refused(stage: Stage) -> None:
    paid = bought(stage)
    stage.provider.refund(back(paid, 6_667))
    with pytest.raises(ProviderRefused) as refusal:
        stage.provider.refund(back(paid, 6_668))
    assert refusal.value.code == "idempotency_error"
    stage.provider.refund(back(paid, 14_533, "refund-2"))  # so much is left


def test_all_but_the_clauses_of_a_wire_and_of_a_no_bind_it() -> None:
    left_out = set(clauses_for(list(Ability))) - set(clauses_for(CAN))
    assert len(clauses_for(CAN)) >= 13 and len(left_out) == 7
    assert {name for name in clauses_for(CAN) if name not in globals()} == set()
