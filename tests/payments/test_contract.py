"""What every provider promises the shop. A new provider gets an entry in `PROVIDERS` of the conftest, and nothing here changes.

A clause that not every provider can be held to names the ability it needs, by the stage that it asks for (`Ability`).
"""

import inspect
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from shop.extensions import act, db
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import RefundState
from shop.payments.provider import Asked, AskedLine, Outcome, OutcomeKind, Provider, RefundAsked
from shop.payments.transfer.gateway import TransferGateway
from tests.payments.conftest import Ability, Stage
from tests.providers import FakeProvider, Verb
from tests.sandboxes import Sandbox

RICE = AskedLine("白水贡米 5 kg 编织袋", 3, 20_000)
POSTAGE = AskedLine("运费", 1, 1_200)


def asked(**changes: object) -> Asked:
    """¥212.00 for an order."""
    known = Asked(
        once="pay:SH-261123-7K3M9P:1",
        reference="SH-261123-7K3M9P",
        amount_fen=21_200,
        currency="CNY",
        lines=[RICE, POSTAGE],
        email="mei@example.test",
        locale="zh",
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=31),
        success_url="http://127.0.0.1:8000/orders/SH-261123-7K3M9P?key=0&paid=1",
        cancel_url="http://127.0.0.1:8000/orders/SH-261123-7K3M9P?key=0",
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def back(paid: Outcome, amount_fen: int, once: str = "refund-1") -> RefundAsked:
    """Some of it goes back."""
    assert paid.intent_id is not None
    return RefundAsked(once=once, intent_id=paid.intent_id, amount_fen=amount_fen, reference="SH-261123-7K3M9P")


def bought(stage: Stage) -> Outcome:
    """A session that was paid."""
    opened = stage.provider.start(asked())
    stage.behind.pay(opened.session_id)
    return stage.provider.outcome(opened.session_id)


def clauses_for(abilities: Collection[Ability]) -> dict[str, Callable[..., None]]:
    """The clauses by which a provider with these abilities is bound, by name: for one that needs a stage of its own."""
    without = {ability.value for ability in Ability if ability not in abilities}
    stages = {"stage", *Ability}
    asks = {name: set(inspect.signature(clause).parameters) for name, clause in globals().items() if name.startswith("test_")}
    return {name: globals()[name] for name, asked_for in asks.items() if asked_for & stages and not asked_for & without}


def test_a_start_opens_a_page_that_waits_for_the_whole_sum(stage: Stage) -> None:
    wanted = asked()
    opened = stage.provider.start(wanted)
    assert opened.pay_url.startswith(("http://", "https://"))
    assert opened.expires_at == wanted.expires_at
    assert stage.provider.outcome(opened.session_id) == Outcome(OutcomeKind.OPEN, opened.session_id, None, 0, "CNY", None)


def test_the_same_key_opens_the_same_page(stage: Stage) -> None:
    wanted = asked()
    assert stage.provider.start(wanted) == stage.provider.start(wanted)
    assert stage.provider.start(replace(wanted, once="pay:SH-261123-7K3M9P:2")).session_id != stage.provider.start(wanted).session_id


def test_the_same_key_for_something_else_is_refused(stage: Stage) -> None:
    wanted = asked()
    stage.provider.start(wanted)
    with pytest.raises(ProviderRefused) as refusal:
        stage.provider.start(replace(wanted, amount_fen=20_000, lines=[RICE]))
    assert refusal.value.code == "idempotency_error"


def test_paid_money_is_told_with_its_sum_currency_and_method(stage: Stage) -> None:
    opened = stage.provider.start(asked())
    stage.behind.pay(opened.session_id, method=stage.method)
    outcome = stage.provider.outcome(opened.session_id)
    assert (outcome.kind, outcome.received_fen, outcome.currency, outcome.method) == (OutcomeKind.PAID, 21_200, "CNY", stage.method)
    assert outcome.session_id == opened.session_id
    assert outcome.intent_id


def test_each_session_has_money_of_its_own(stage: Stage) -> None:
    first, second = stage.provider.start(asked()), stage.provider.start(asked(once="pay:SH-261123-7K3M9P:2"))
    stage.behind.pay(first.session_id)
    stage.behind.pay(second.session_id)
    assert stage.provider.outcome(first.session_id).intent_id != stage.provider.outcome(second.session_id).intent_id


def test_after_a_decline_the_page_is_still_open_for_another_try(declining_stage: Stage) -> None:
    opened = declining_stage.provider.start(asked())
    declining_stage.behind.decline(opened.session_id)
    outcome = declining_stage.provider.outcome(opened.session_id)
    assert (outcome.kind, outcome.received_fen, outcome.method) == (OutcomeKind.OPEN, 0, None)
    declining_stage.behind.pay(opened.session_id)
    assert declining_stage.provider.outcome(opened.session_id).kind is OutcomeKind.PAID


def test_an_expired_page_stays_expired(stage: Stage) -> None:
    opened = stage.provider.start(asked())
    for _ in range(2):  # closing twice is harmless
        assert stage.provider.expire(opened.session_id).kind is OutcomeKind.EXPIRED
    assert stage.provider.outcome(opened.session_id) == Outcome(OutcomeKind.EXPIRED, opened.session_id, None, 0, "CNY", None)


def test_a_page_that_somebody_left_half_way_expires_with_its_payment(declining_stage: Stage) -> None:
    opened = declining_stage.provider.start(asked())
    declining_stage.behind.decline(opened.session_id)
    outcome = declining_stage.provider.expire(opened.session_id)
    assert (outcome.kind, outcome.received_fen) == (OutcomeKind.EXPIRED, 0)


def test_time_closes_a_page_by_itself(stage: Stage) -> None:
    opened = stage.provider.start(asked())
    stage.behind.let_expire(opened.session_id)
    assert stage.provider.outcome(opened.session_id).kind is OutcomeKind.EXPIRED


def test_closing_a_page_that_was_paid_in_the_last_second_says_paid(stage: Stage) -> None:
    opened = stage.provider.start(asked())
    stage.behind.pay(opened.session_id)
    outcome = stage.provider.expire(opened.session_id)
    assert (outcome.kind, outcome.received_fen) == (OutcomeKind.PAID, 21_200)
    assert outcome == stage.provider.outcome(opened.session_id)


def test_a_bank_may_answer_after_the_page_has_expired(late_stage: Stage) -> None:
    opened = late_stage.provider.start(asked())
    late_stage.provider.expire(opened.session_id)
    late_stage.behind.pay_late(opened.session_id)
    outcome = late_stage.provider.outcome(opened.session_id)
    assert (outcome.kind, outcome.received_fen) == (OutcomeKind.PAID, 21_200)


def test_money_goes_back_in_parts_and_never_more_than_came(stage: Stage) -> None:
    paid = bought(stage)
    first = stage.provider.refund(back(paid, 6_667, "refund-1"))
    assert first.state in (RefundState.SUCCEEDED, RefundState.PENDING)
    assert stage.provider.refund_state(first.provider_id).provider_id == first.provider_id
    with pytest.raises(ProviderRefused):
        stage.provider.refund(back(paid, 21_200, "refund-2"))
    second = stage.provider.refund(back(paid, 14_533, "refund-3"))
    assert second.provider_id != first.provider_id
    with pytest.raises(ProviderRefused):
        stage.provider.refund(back(paid, 1, "refund-4"))


def test_what_went_back_is_listed_with_the_key_that_asked_for_it(stage: Stage) -> None:
    began = datetime.now(UTC) - timedelta(minutes=5)
    paid = bought(stage)
    assert paid.intent_id is not None
    assert stage.provider.list_refunds(intent_id=paid.intent_id) == []
    first = stage.provider.refund(back(paid, 6_667, "refund-1"))
    second = stage.provider.refund(back(paid, 33, "refund-2"))
    seen = stage.provider.list_refunds(intent_id=paid.intent_id)
    assert [(one.provider_id, one.amount_fen, one.currency, one.once, one.intent_id) for one in seen] == [
        (first.provider_id, 6_667, "CNY", "refund-1", paid.intent_id),
        (second.provider_id, 33, "CNY", "refund-2", paid.intent_id),
    ]
    since = {one.provider_id for one in stage.provider.list_refunds(since=began)}
    assert {first.provider_id, second.provider_id} <= since


def test_the_same_key_refunds_once(stage: Stage) -> None:
    paid = bought(stage)
    first = stage.provider.refund(back(paid, 6_667))
    assert stage.provider.refund(back(paid, 6_667)).provider_id == first.provider_id
    stage.provider.refund(back(paid, 14_533, "refund-2"))  # so much is left


def test_what_the_provider_does_not_know_is_refused(stage: Stage) -> None:
    requests: list[Callable[[], object]] = [
        lambda: stage.provider.outcome("cs_test_unknown"),
        lambda: stage.provider.expire("cs_test_unknown"),
        lambda: stage.provider.refund(RefundAsked("refund-1", "pi_unknown", 100, "SH-1")),
        lambda: stage.provider.refund_state("re_unknown"),
    ]
    for ask in requests:
        with pytest.raises(ProviderRefused) as refusal:
            ask()
        assert refusal.value.code == "resource_missing"


def test_a_provider_that_is_down_gives_no_clear_answer_and_loses_nothing(wired_stage: Stage) -> None:
    paid = bought(wired_stage)
    opened = wired_stage.provider.start(asked(once="pay:SH-261123-7K3M9P:2"))
    wired_stage.behind.go_down()
    requests: list[Callable[[], object]] = [
        lambda: wired_stage.provider.start(asked(once="pay:SH-261123-7K3M9P:3")),
        lambda: wired_stage.provider.outcome(opened.session_id),
        lambda: wired_stage.provider.expire(opened.session_id),
        lambda: wired_stage.provider.refund(back(paid, 100)),
        lambda: wired_stage.provider.refund_state("re_1"),
    ]
    for ask in requests:
        with pytest.raises(ProviderUnavailable):
            ask()
    wired_stage.behind.come_back()
    assert wired_stage.provider.outcome(opened.session_id).kind is OutcomeKind.OPEN


def test_after_a_failure_that_did_nothing_the_same_request_works(wired_stage: Stage) -> None:
    wired_stage.behind.fail_before_acting(Verb.START)
    wanted = asked()
    with pytest.raises(ProviderUnavailable):
        wired_stage.provider.start(wanted)
    opened = wired_stage.provider.start(wanted)
    wired_stage.behind.fail_before_acting(Verb.EXPIRE)
    with pytest.raises(ProviderUnavailable):
        wired_stage.provider.expire(opened.session_id)
    assert wired_stage.provider.outcome(opened.session_id).kind is OutcomeKind.OPEN


def test_a_start_whose_answer_was_lost_is_found_by_its_key(wired_stage: Stage) -> None:
    wired_stage.behind.fail_after_acting(Verb.START)
    wanted = asked()
    with pytest.raises(ProviderUnavailable):
        wired_stage.provider.start(wanted)
    made = wired_stage.behind.last_session_id
    assert wired_stage.provider.start(wanted).session_id == made


def test_a_refund_whose_answer_was_lost_is_not_made_twice(wired_stage: Stage) -> None:
    paid = bought(wired_stage)
    wired_stage.behind.fail_after_acting(Verb.REFUND)
    with pytest.raises(ProviderUnavailable):
        wired_stage.provider.refund(back(paid, 6_667))
    made = wired_stage.behind.last_refund_id
    assert wired_stage.provider.refund(back(paid, 6_667)).provider_id == made
    wired_stage.provider.refund(back(paid, 14_533, "refund-2"))  # so much is left


def test_a_closing_whose_answer_was_lost_is_closed(wired_stage: Stage) -> None:
    opened = wired_stage.provider.start(asked())
    wired_stage.behind.fail_after_acting(Verb.EXPIRE)
    try:
        outcome = wired_stage.provider.expire(opened.session_id)  # a provider may notice by itself
    except ProviderUnavailable:
        outcome = wired_stage.provider.expire(opened.session_id)
    assert outcome.kind is OutcomeKind.EXPIRED


@pytest.mark.parametrize("name", ["fake", "stripe", "transfer"])
def test_nobody_is_asked_inside_a_transaction(app: Flask, sandbox: Sandbox, name: str) -> None:
    providers: dict[str, Provider] = {"fake": FakeProvider(), "stripe": sandbox.gateway, "transfer": TransferGateway()}
    provider = providers[name]
    requests: list[Callable[[], object]] = [
        lambda: provider.start(asked()),
        lambda: provider.outcome("cs_test_1"),
        lambda: provider.expire("cs_test_1"),
        lambda: provider.refund(RefundAsked("refund-1", "pi_1", 100, "SH-1")),
        lambda: provider.refund_state("re_1"),
        lambda: provider.list_refunds(intent_id="pi_1"),
    ]
    for ask in requests:
        with pytest.raises(AssertionError, match="inside the act"):
            act(ask)()
        db.session.execute(db.text("select 1"))
        with pytest.raises(AssertionError, match="transaction open"):
            ask()
        db.session.close()
