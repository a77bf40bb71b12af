"""Staff, colleagues at the provider's dashboard and second persons refund at the same moment, in two processes: money goes back once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from shop.acts.ask_providers import ask_about_refunds
from shop.acts.decide_refund import Waiting, ask_refund
from shop.acts.find_refunds import find_refunds_made_elsewhere
from shop.acts.refund_order import RefundWanted
from shop.extensions import reading
from shop.payments.models import Payment, Refund, RefundState
from tests.database import TestDatabase
from tests.factories import MadeSku, make_lot, make_product, make_staff
from tests.racers import Job, Race, confirmations, racing
from tests.sandboxes import Sandbox
from tests.shopping import assert_books_are_sound, picks_of, place, village_fen

PRICE = 68_00


@pytest.fixture(scope="module")
def race() -> Iterator[Race]:
    with racing() as started:
        yield started


@pytest.fixture
def now() -> datetime:
    """The sandbox reads the machine's clock, so these stories play today."""
    return datetime.now(UTC)


@pytest.fixture
def rice(app: Flask, now: datetime) -> MadeSku:
    product = make_product()
    make_lot(product, units=5, harvested_on=now.date() - timedelta(days=40))
    return product.sku


def bought(rice: MadeSku, units: int, race: Race, database: TestDatabase, sandbox: Sandbox, now: datetime) -> str:
    """A paid order."""
    number = place({rice: units}, now=now).number
    race.run(confirmations([number], sandbox, now)[:2], database=database.url(), sandbox=sandbox.url)
    return number


def went_back_fen() -> int:
    """What our books say, failed refunds not counted."""
    with reading() as session:
        return sum(session.scalars(select(Refund.amount_fen).where(Refund.state != RefundState.FAILED)))


def test_two_staff_refund_the_last_bag_at_once(
    app: Flask, database: TestDatabase, sandbox: Sandbox, race: Race, rice: MadeSku, now: datetime
) -> None:
    number = bought(rice, 1, race, database, sandbox, now)
    (pick,) = picks_of(number)
    jobs = [Job("refund", {"number": number, "pick_id": pick.id, "once": f"desk {turn}"}, now) for turn in range(6)]
    finishes = race.run(jobs, database=database.url(), sandbox=sandbox.url)
    assert [finish.answer for finish in finishes if finish.answer] == [RefundState.SUCCEEDED.value]
    assert {finish.refused for finish in finishes if finish.refused} <= {"RefundTooLarge", "NothingToRefund"}
    assert went_back_fen() == PRICE and sum(village_fen().values()) == 0
    assert_books_are_sound()


def test_two_approve_one_refund_at_once(
    app: Flask, database: TestDatabase, sandbox: Sandbox, race: Race, rice: MadeSku, now: datetime
) -> None:
    number = bought(rice, 2, race, database, sandbox, now)
    wanted = RefundWanted(units={picks_of(number)[0].id: 2}, restock=True, reason="破损")
    waiting = ask_refund(number, wanted, four_eyes_fen=100_00, once="1", by=make_staff().id, now=now)
    assert isinstance(waiting, Waiting)
    jobs = [Job("approve", {"request_id": waiting.request_id, "by": make_staff().id}, now) for _ in range(4)]
    finishes = race.run(jobs, database=database.url(), sandbox=sandbox.url)
    assert sorted(finish.answer or finish.refused for finish in finishes) == [str(2 * PRICE), *["AlreadyDecided"] * 3]
    assert went_back_fen() == 2 * PRICE and sum(village_fen().values()) == 0
    assert_books_are_sound()


def test_staff_and_dashboard_refund_at_once(
    app: Flask, database: TestDatabase, sandbox: Sandbox, race: Race, rice: MadeSku, now: datetime
) -> None:
    """Whoever is quicker, what our books say went back is what the provider sent back."""
    number = bought(rice, 2, race, database, sandbox, now)
    (pick,) = picks_of(number)
    with reading() as session:
        intent_id = session.scalars(select(Payment.intent_id).where(Payment.reference == number)).one()
    jobs = [
        Job("refund", {"number": number, "pick_id": pick.id, "once": "desk"}, now),
        Job("dashboard", {"url": sandbox.url, "intent_id": intent_id, "amount_fen": 2 * PRICE}, now),
        Job("look", {}, now),
        Job("look", {}, now),
    ]
    race.run(jobs, database=database.url(), sandbox=sandbox.url)
    ask_about_refunds(now=now + timedelta(hours=1))
    find_refunds_made_elsewhere(now=now + timedelta(hours=1))
    sent_fen = sum(seen.amount_fen for seen in sandbox.gateway.list_refunds(intent_id=intent_id) if seen.state is not RefundState.FAILED)
    assert went_back_fen() == sent_fen and sent_fen in (PRICE, 2 * PRICE)
    assert_books_are_sound()
