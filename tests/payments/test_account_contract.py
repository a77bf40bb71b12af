"""What every provider that keeps an account for us promises, whoever it is."""

from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

import pytest

from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import BalanceKind, DisputeState, PayoutState
from shop.payments.provider import KeepsAccount, Movement, Outcome, RefundAsked
from tests.payments.conftest import Stage
from tests.payments.test_contract import asked
from tests.providers import FakeProvider
from tests.sandboxes import Sandbox

REFERENCE = "SH-261123-7K3M9P"


class Play(Protocol):
    """What happens at the provider, told the same way for each."""

    def dispute(self, intent_id: str, fen: int) -> str: ...
    def decide(self, dispute_id: str, *, won: bool) -> None: ...
    def pay_out(self) -> str: ...


class PlayFake:
    """The provider in memory; its clock is right."""

    def __init__(self, fake: FakeProvider) -> None:
        self.fake = fake
        fake.clock = datetime.now(UTC)

    def dispute(self, intent_id: str, fen: int) -> str:
        return self.fake.open_dispute(intent_id, fen)

    def decide(self, dispute_id: str, *, won: bool) -> None:
        self.fake.close_dispute(dispute_id, won=won)

    def pay_out(self) -> str:
        return self.fake.pay_out()


class PlaySandbox:
    """The pretend Stripe."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def dispute(self, intent_id: str, fen: int) -> str:
        return self.sandbox.open_dispute(intent_id, amount_fen=fen)

    def decide(self, dispute_id: str, *, won: bool) -> None:
        if won:
            self.sandbox.win_dispute(dispute_id)
        else:
            self.sandbox.lose_dispute(dispute_id)

    def pay_out(self) -> str:
        return self.sandbox.make_payout()


@pytest.fixture
def keeper(pretend_stage: Stage) -> KeepsAccount:
    """The provider, as one that keeps an account."""
    assert isinstance(pretend_stage.provider, KeepsAccount)
    return cast(KeepsAccount, pretend_stage.provider)


@pytest.fixture
def play(pretend_stage: Stage) -> Play:
    """Behind the scenes."""
    return (
        PlayFake(pretend_stage.provider)
        if isinstance(pretend_stage.provider, FakeProvider)
        else PlaySandbox(cast(Sandbox, pretend_stage.behind))
    )


def bought(stage: Stage) -> Outcome:
    """A session that was paid by card."""
    opened = stage.provider.start(asked(once=f"pay:{datetime.now(UTC).timestamp()}"))
    stage.behind.pay(opened.session_id, method="card")
    return stage.provider.outcome(opened.session_id)


def shown(keeper: KeepsAccount) -> list[Movement]:
    """Everything of about now."""
    now = datetime.now(UTC)
    return list(keeper.movements(now - timedelta(hours=1), now + timedelta(hours=1)))


def test_a_payment_moves_the_balance_by_its_sum_less_a_fee_and_names_its_order(
    pretend_stage: Stage, keeper: KeepsAccount, play: Play
) -> None:
    paid = bought(pretend_stage)
    (movement,) = shown(keeper)
    assert movement.kind is BalanceKind.CHARGE
    assert (movement.gross_fen, movement.source_fen, movement.currency) == (21_200, 21_200, "CNY")
    assert movement.fee_fen > 0 and movement.net_fen == movement.gross_fen - movement.fee_fen
    assert (movement.intent_id, movement.reference, movement.exchange_rate) == (paid.intent_id, REFERENCE, None)


def test_a_refund_and_a_dispute_move_it_the_other_way_and_name_their_payment(
    pretend_stage: Stage, keeper: KeepsAccount, play: Play
) -> None:
    paid = bought(pretend_stage)
    assert paid.intent_id is not None
    refund = pretend_stage.provider.refund(RefundAsked("refund-1", paid.intent_id, 1_200, REFERENCE))
    dispute = play.dispute(paid.intent_id, 5_000)
    _charge, back, withdrawn = sorted(shown(keeper), key=lambda movement: list(BalanceKind).index(movement.kind))
    assert (back.kind, back.gross_fen, back.source_id) == (BalanceKind.REFUND, -1_200, refund.provider_id)
    assert (withdrawn.kind, withdrawn.gross_fen, withdrawn.source_id) == (BalanceKind.DISPUTE, -5_000, dispute)
    assert {back.intent_id, withdrawn.intent_id} == {paid.intent_id}
    assert withdrawn.fee_fen > 0


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_stands_open_until_it_is_decided(pretend_stage: Stage, keeper: KeepsAccount, play: Play, won: bool) -> None:
    paid = bought(pretend_stage)
    assert paid.intent_id is not None
    name = play.dispute(paid.intent_id, 5_000)
    word = keeper.dispute(name)
    assert (word.state, word.amount_fen, word.currency, word.intent_id) == (DisputeState.NEEDS_RESPONSE, 5_000, "CNY", paid.intent_id)
    assert word.reference == REFERENCE and word.evidence_due_at is not None and word.evidence_due_at > word.opened_at
    play.decide(name, won=won)
    assert keeper.dispute(name).state is (DisputeState.WON if won else DisputeState.LOST)
    now = datetime.now(UTC)
    assert [each.provider_id for each in keeper.disputes(now - timedelta(hours=1), now + timedelta(hours=1))] == [name]
    returned = [movement.gross_fen for movement in shown(keeper) if movement.kind is BalanceKind.DISPUTE_RETURNED]
    assert returned == ([5_000] if won else [])


def test_a_payout_is_the_sum_of_what_it_took_along(pretend_stage: Stage, keeper: KeepsAccount, play: Play) -> None:
    bought(pretend_stage)
    bought(pretend_stage)
    name = play.pay_out()
    word = keeper.payout(name)
    taken = keeper.movements_of_payout(name)
    assert (word.state, word.currency) == (PayoutState.PAID, "CNY")
    assert len(taken) == 2 and word.amount_fen == sum(movement.net_fen for movement in taken)
    (own,) = [movement for movement in shown(keeper) if movement.kind is BalanceKind.PAYOUT]
    assert (own.gross_fen, own.source_id) == (-word.amount_fen, name)
    now = datetime.now(UTC)
    assert [each.provider_id for each in keeper.payouts(now - timedelta(hours=1), now + timedelta(hours=1))] == [name]


def test_lists_hold_what_happened_between_their_moments_alone(pretend_stage: Stage, keeper: KeepsAccount, play: Play) -> None:
    bought(pretend_stage)
    now = datetime.now(UTC)
    assert keeper.movements(now - timedelta(days=2), now - timedelta(days=1)) == []
    assert keeper.undelivered_events(now - timedelta(days=2), now - timedelta(days=1)) == []


def test_what_the_account_does_not_know_is_refused(keeper: KeepsAccount) -> None:
    with pytest.raises(ProviderRefused):
        keeper.dispute("du_nobody")
    with pytest.raises(ProviderRefused):
        keeper.payout("po_nobody")


def test_an_account_that_is_down_gives_no_clear_answer(pretend_stage: Stage, keeper: KeepsAccount) -> None:
    if isinstance(pretend_stage.provider, FakeProvider):
        pretend_stage.provider.account_is_down = True
    else:
        cast(Sandbox, pretend_stage.behind).go_down()
    with pytest.raises(ProviderUnavailable):
        keeper.movements(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC))
