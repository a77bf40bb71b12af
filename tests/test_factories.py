"""The factories themselves."""

from flask import Flask
from sqlalchemy import func, select

from shop.extensions import db
from shop.stock.models import Movement, StockItem
from tests.factories import hold_units, make_auditor_lin, make_lao_chen, make_lot, make_mei, make_pairing, make_staff, make_village, sign_in


def test_the_default_lot_is_a_hundred_bags_explained_by_one_movement(app: Flask) -> None:
    lot = make_lot()
    hold_units(lot.item_id, 3)
    assert db.session.execute(select(StockItem.packed, StockItem.held)).one() == (100, 3)
    assert db.session.scalar(select(func.sum(Movement.packed_change))) == 100
    assert db.session.scalar(select(func.sum(Movement.held_change))) == 3


def test_the_cast_can_be_made(app: Flask) -> None:
    assert make_village() == make_village("白水村")
    make_pairing()
    assert len({person.id for person in (make_mei(), make_lao_chen(), make_staff(), make_auditor_lin())}) == 4
    sign_in(app.test_client(), make_mei())
