"""Crowds: fifty at a time, again and again, with baskets of several things in any order, so that locks could cross."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.cart import queries as carts
from shop.extensions import reading
from shop.kit.ids import CheckoutKey, new_key
from shop.orders.states import HOLD_TIME
from shop.stock.models import StockItem
from tests.database import TestDatabase
from tests.factories import MadeSku, Pack, make_lot, make_product, make_villages
from tests.racers import Job, Race, confirmations, racing
from tests.sandboxes import Sandbox
from tests.shopping import assert_books_are_sound, fill_basket

ROUNDS = 8
BUYERS = 50


@pytest.fixture(scope="module")
def race() -> Iterator[Race]:
    with racing() as started:
        yield started


@pytest.mark.soak
def test_crowds_with_mixed_baskets_leave_no_unit_and_no_fen_unexplained(
    app: Flask, database: TestDatabase, sandbox: Sandbox, race: Race
) -> None:
    chance, now = Random(622), datetime.now(UTC)
    skus = four_things(now)
    outcomes: Counter[str] = Counter()
    for turn in range(ROUNDS):
        later = now + turn * timedelta(hours=2)
        jobs = [buyer(chance, skus, later) for _ in range(BUYERS)]
        if turn:  # what the last crowd did not pay for is let go while this one buys
            jobs += [Job("lapse", {}, later - timedelta(hours=2) + HOLD_TIME + timedelta(minutes=5))] * 2
        finishes = race.run(jobs, database=database.url(), sandbox=sandbox.url)
        outcomes.update(finish.refused or finish.job.verb for finish in finishes)
        assert_no_more_went_than_there_was(skus)
        placed = [finish.answer for finish in finishes if finish.answer and finish.job.verb == "place"]
        paying = confirmations(chance.sample(placed, len(placed) // 2), sandbox, later)
        told = race.run(paying, database=database.url(), sandbox=sandbox.url)
        assert {finish.answer for finish in told} <= {"200", "paid"}, "nobody was refused, and nothing failed"
        assert_books_are_sound()
    assert set(outcomes) <= {"place", "lapse", "NotEnoughStock"}
    assert outcomes["place"] > BUYERS and outcomes["NotEnoughStock"] > BUYERS, "there were both"


def four_things(now: datetime) -> tuple[MadeSku, ...]:
    """Each from two blended lots."""
    one, two, three = make_villages("白水村", "高坝田村", "三村")
    skus = []
    for number in range(4):
        product = make_product(f"白水贡米 {number}", packs=[Pack(price_fen=68_01 + number, grams=1_000)])
        for sources in ([(one, 200_000), (two, 100_000)], [(one, 300_000), (two, 300_000), (three, 100_000)]):
            make_lot(product, units=60, sources=sources, harvested_on=now.date() - timedelta(days=40))
        skus.append(product.sku)
    return tuple(skus)


def buyer(chance: Random, skus: tuple[MadeSku, ...], now: datetime) -> Job:
    """With one to four things in the basket, put in in any order."""
    wanted = {sku: chance.randint(1, 3) for sku in chance.sample(skus, chance.randint(1, len(skus)))}
    owner = fill_basket(wanted, now=now)
    with reading():
        cart_id = carts.find_cart(owner)
    return Job("place", {"cart_id": cart_id, "once": CheckoutKey(new_key())}, now)


def assert_no_more_went_than_there_was(skus: tuple[MadeSku, ...]) -> None:
    with reading() as session:
        free = func.min(StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off)
        assert (session.scalar(select(free).where(StockItem.sku_id.in_([sku.id for sku in skus]))) or 0) >= 0
