"""Refunds that two people decide: above a sum one asks and another says yes or no, and nothing moves before."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from shop.acts.decide_refund import Waiting, approve_refund, ask_refund, reject_refund
from shop.acts.refund_order import Refunded, RefundWanted, refund_order
from shop.extensions import reading
from shop.kit.errors import ShopError
from shop.orders.errors import AlreadyDecided, RefundTooLarge, SecondPersonNeeded
from shop.reports.bank import read_requests
from tests.factories import MadeProduct, Person, make_lot, make_product, make_staff
from tests.providers import FakeProvider, Verb
from tests.shopping import NOW, assert_books_are_sound, buy, free_units, picks_of, village_fen

LIMIT = 100_00


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米 at ¥68.00, ten bags."""
    product = make_product()
    make_lot(product, units=10)
    return product


@pytest.fixture
def pair(app: Flask) -> tuple[Person, Person]:
    """Two people of the office."""
    return make_staff(), make_staff()


def ask(number: str, units: int, by: Person, once: str = "1") -> Waiting | Refunded:
    """So many bags back."""
    wanted = RefundWanted(units={picks_of(number)[0].id: units}, restock=True, reason="破损")
    return ask_refund(number, wanted, four_eyes_fen=LIMIT, once=once, by=by.id, now=NOW)


def test_up_to_the_sum_one_person_decides(rice: MadeProduct, provider: FakeProvider, pair: tuple[Person, Person]) -> None:
    number = buy(provider, {rice.sku: 3}).number
    done = ask(number, 1, pair[0])
    assert isinstance(done, Refunded) and done.total_fen == 68_00
    assert_books_are_sound()


def test_above_it_nothing_moves_until_another_approves(rice: MadeProduct, provider: FakeProvider, pair: tuple[Person, Person]) -> None:
    number = buy(provider, {rice.sku: 3}).number
    before = village_fen(), free_units(rice.sku)
    waiting = ask(number, 2, pair[0])
    assert isinstance(waiting, Waiting) and waiting.total_fen == 136_00
    assert ask(number, 2, pair[0]) == waiting, "sent twice, it is one"
    assert (village_fen(), free_units(rice.sku)) == before and Verb.REFUND not in provider.calls
    with pytest.raises(SecondPersonNeeded):
        approve_refund(waiting.request_id, by=pair[0].id, now=NOW)
    assert (village_fen(), free_units(rice.sku)) == before
    done = approve_refund(waiting.request_id, by=pair[1].id, now=NOW)
    assert done.total_fen == 136_00 and free_units(rice.sku) == before[1] + 2
    with pytest.raises(AlreadyDecided):
        approve_refund(waiting.request_id, by=pair[1].id, now=NOW)
    assert provider.calls.count(Verb.REFUND) == 1
    assert_books_are_sound()


def test_a_large_refund_cannot_be_made_of_small_ones(rice: MadeProduct, provider: FakeProvider, pair: tuple[Person, Person]) -> None:
    number = buy(provider, {rice.sku: 3}).number
    assert isinstance(ask(number, 1, pair[0], "1"), Refunded)
    assert isinstance(ask(number, 1, pair[0], "2"), Waiting), "68 + 68 is more than 100"
    assert_books_are_sound()


def test_what_was_approved_does_not_count_again(rice: MadeProduct, provider: FakeProvider, pair: tuple[Person, Person]) -> None:
    number = buy(provider, {rice.sku: 4}).number
    waiting = ask(number, 2, pair[0], "1")
    assert isinstance(waiting, Waiting)
    approve_refund(waiting.request_id, by=pair[1].id, now=NOW)
    assert isinstance(ask(number, 1, pair[0], "2"), Refunded)
    assert_books_are_sound()


def test_a_no_has_a_reason_and_books_nothing(rice: MadeProduct, provider: FakeProvider, pair: tuple[Person, Person]) -> None:
    number = buy(provider, {rice.sku: 3}).number
    waiting = ask(number, 3, pair[0])
    assert isinstance(waiting, Waiting)
    with pytest.raises(SecondPersonNeeded):
        reject_refund(waiting.request_id, word="不行", by=pair[0].id, now=NOW)
    reject_refund(waiting.request_id, word="照片上没有破", by=pair[1].id, now=NOW)
    with pytest.raises(AlreadyDecided):
        approve_refund(waiting.request_id, by=pair[1].id, now=NOW)
    with reading():
        assert read_requests() == ()
        assert [request.word for request in read_requests(is_waiting=False)] == ["照片上没有破"]
    assert sum(village_fen().values()) == 3 * 68_00
    assert_books_are_sound()


def test_what_has_gone_back_meanwhile_is_not_approved(rice: MadeProduct, provider: FakeProvider, pair: tuple[Person, Person]) -> None:
    number = buy(provider, {rice.sku: 3}).number
    waiting = ask(number, 3, pair[0])
    assert isinstance(waiting, Waiting)
    refund_order(number, RefundWanted(units={picks_of(number)[0].id: 1}), once="quicker", by=None, now=NOW)
    with pytest.raises(RefundTooLarge):
        approve_refund(waiting.request_id, by=pair[1].id, now=NOW)
    reject_refund(waiting.request_id, word="退过一袋了", by=pair[1].id, now=NOW)
    assert_books_are_sound()


def test_two_who_approve_at_once_approve_once(app: Flask, rice: MadeProduct, provider: FakeProvider, pair: tuple[Person, Person]) -> None:
    number = buy(provider, {rice.sku: 3}).number
    waiting = ask(number, 3, pair[0])
    assert isinstance(waiting, Waiting)
    others = [pair[1], make_staff(), make_staff()]
    ended = at_once(app, [lambda by=by: approve_refund(waiting.request_id, by=by.id, now=NOW).total_fen for by in others])
    assert sorted(map(str, ended)) == ["20400", "AlreadyDecided", "AlreadyDecided"]
    assert provider.calls.count(Verb.REFUND) == 1
    assert_books_are_sound()


def at_once(app: Flask, jobs: list[Callable[[], object]]) -> list[object]:
    """Each job in a thread of its own, all beginning together; its answer, or the name of its refusal."""
    start = Barrier(len(jobs))

    def run(job: Callable[[], object]) -> object:
        with app.app_context():
            start.wait(timeout=30)
            try:
                return job()
            except ShopError as refusal:
                return type(refusal).__name__

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))
