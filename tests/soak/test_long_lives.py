"""A lot's whole life: what drifts shows only after very many sales."""

from random import Random

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.acts.sell_offline import OfflineLine, OfflineSale, return_offline, sell_offline
from shop.extensions import reading
from shop.ledger.models import Attribution
from shop.ledger.split import Tree, Weighted
from tests.factories import NOW, Pack, make_lot, make_product, make_villages
from tests.shopping import assert_books_are_sound

SALES = 1_500


@pytest.mark.soak
@pytest.mark.parametrize(
    ("grams", "bound_fen"), [((6, 6, 2), 1), ((700, 300), 1), ((1, 1, 1), 1), ((5, 3, 2, 1), 2), (tuple(range(1, 13)), 2)]
)
def test_two_hundred_thousand_sales_keep_every_village_within_its_fen_and_take_from_nobody(grams: tuple[int, ...], bound_fen: int) -> None:
    chance, whole = Random(622), sum(grams)
    tree = Tree([Weighted(f"{number:012d}", number, weight) for number, weight in enumerate(grams)])
    total_fen, gross_fen = 0, [0] * len(grams)
    for _ in range(200_000):
        sale_fen = chance.choice((1, 2, 3, 1_997, 6_667, 20_000, 306_00))
        total_fen += sale_fen
        step = tree.step(total_fen, sale_fen)
        assert min(step) >= 0 and sum(step) == sale_fen
        gross_fen = [before + now for before, now in zip(gross_fen, step, strict=True)]
        assert all(abs(fen * whole - total_fen * weight) <= bound_fen * whole for fen, weight in zip(gross_fen, grams, strict=True))


@pytest.mark.soak
def test_a_lot_sold_bag_by_bag_with_returns_stays_within_a_fen_in_the_books(app: Flask) -> None:
    chance = Random(622)
    one, two, three = make_villages("白水村", "高坝田村", "三村")
    rice = make_product(packs=[Pack(price_fen=68_01, grams=1_000)])
    lot = make_lot(rice, units=3 * SALES, sources=[(one, 3_000_000), (two, 1_100_000), (three, 399_999)], produced_grams=4_499_999 + SALES)
    for number in range(SALES):
        units = chance.randint(1, 3)
        price_fen = chance.choice((68_01, 29_97, 1, 333))
        sell_offline(OfflineSale(f"sale-{number}", NOW, (OfflineLine(rice.sku.code, units, price_fen),)), by=None, now=NOW)
        if chance.random() < 0.1:
            wanted = {rice.sku.code: chance.randint(1, units)}
            return_offline(f"return-{number}", f"sale-{number}", wanted, returned_at=NOW, restock=True, reason="", by=None, now=NOW)
    with reading() as session:
        rows = session.execute(
            select(Attribution.village_id, func.sum(Attribution.amount_fen).label("fen"))
            .where(Attribution.lot_id == lot.id, Attribution.is_refund.is_(False))
            .group_by(Attribution.village_id)
        ).all()
    gross_fen = {row.village_id: int(row.fen) for row in rows}
    total_fen, weights = sum(gross_fen.values()), {one.id: 3_000_000, two.id: 1_100_000, three.id: 399_999}
    whole = sum(weights.values())
    assert all(abs(gross_fen[village] * whole - total_fen * weight) <= whole for village, weight in weights.items())
    assert_books_are_sound()
