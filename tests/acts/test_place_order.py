"""A basket becomes an order, or nothing has changed."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from shop.acts.place_order import place_order
from shop.cart import queries as carts
from shop.catalog.models import Product as ProductRow
from shop.catalog.models import ProductStatus, Sku
from shop.extensions import act, db, reading
from shop.kit.ids import CheckoutKey
from shop.orders.errors import EmptyCart, PriceChanged, ProductRetired
from shop.orders.states import OrderState
from shop.outbox.models import Letter
from shop.shipping.errors import CannotShipThere
from shop.stock.errors import NotEnoughStock
from tests.factories import MadeProduct, Pack, make_cooperative, make_lot, make_product, make_village
from tests.shopping import NOW, a_delivery, assert_books_are_sound, fill_basket, free_units, picks_of, place, state_of


@act
def change(product: MadeProduct, **values: object) -> None:
    """The shop changes its mind between two clicks."""
    db.session.execute(update(Sku).where(Sku.product_id == product.id).values(**values))


@act
def retire(product: MadeProduct) -> None:
    """No longer offered."""
    db.session.execute(update(ProductRow).where(ProductRow.id == product.id).values(status=ProductStatus.RETIRED))


def test_an_order_holds_its_goods_empties_the_basket_and_writes_one_letter(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=10)
    owner = fill_basket({rice.sku: 3})
    with reading():
        cart_id = carts.find_cart(owner)
    placed = place_order(cart_id, a_delivery(), once=CheckoutKey("k1"), now=NOW)

    assert placed.total_fen == 3 * rice.sku.price_fen  # ¥204.00 travels free
    assert free_units(rice.sku) == 7
    assert state_of(placed.number) is OrderState.AWAITING_PAYMENT
    with reading() as session:
        assert carts.lines_of(owner) == []
        letters = session.scalars(select(Letter.once)).all()
    assert letters == [f"order_received:{placed.number}"]
    assert_books_are_sound()


def test_the_same_checkout_sent_twice_is_one_order(app: Flask) -> None:
    rice = make_product()
    make_lot(rice, units=10)
    first = place({rice.sku: 1}, once="same page")
    again = place({rice.sku: 1}, once="same page")
    assert first == again
    assert free_units(rice.sku) == 9


def test_a_line_draws_on_several_lots_first_expired_first(app: Flask) -> None:
    rice = make_product()
    late = make_lot(rice, units=5, best_before=(NOW + timedelta(days=90)).date())
    soon = make_lot(rice, units=2, best_before=(NOW + timedelta(days=9)).date())
    expired = make_lot(rice, units=9, harvested_on=(NOW - timedelta(days=60)).date(), best_before=(NOW - timedelta(days=1)).date())
    placed = place({rice.sku: 4})
    assert [(pick.lot_id, pick.units) for pick in picks_of(placed.number)] == [(soon.id, 2), (late.id, 2)]
    assert expired.id not in {pick.lot_id for pick in picks_of(placed.number)}


def test_too_many_units_hold_nothing_and_say_how_many_there_are(app: Flask) -> None:
    rice, tea = make_product(), make_product("金丝皇菊", packs=[Pack(grams=30, price_fen=68_00)])
    make_lot(rice, units=5)
    make_lot(tea, units=50)
    with pytest.raises(NotEnoughStock) as refusal:
        place({tea.sku: 1, rice.sku: 6})
    assert [(s.sku_id, s.wanted_units, s.available_units) for s in refusal.value.shortages] == [(rice.sku.id, 6, 5)]
    assert (free_units(rice.sku), free_units(tea.sku)) == (5, 50)
    assert_books_are_sound()


def test_a_changed_price_is_said_and_nothing_is_ordered(app: Flask) -> None:
    rice = make_product()
    make_lot(rice)
    owner = fill_basket({rice.sku: 1})
    change(rice, price_fen=70_00)
    with reading():
        cart_id = carts.find_cart(owner)
    with pytest.raises(PriceChanged) as refusal:
        place_order(cart_id, a_delivery(), once=CheckoutKey("k"), now=NOW)
    assert [(c.seen_fen, c.now_fen) for c in refusal.value.changes] == [(rice.sku.price_fen, 70_00)]
    assert free_units(rice.sku) == 100


def test_a_retired_product_is_said(app: Flask) -> None:
    rice = make_product()
    make_lot(rice)
    owner = fill_basket({rice.sku: 1})
    retire(rice)
    with reading():
        cart_id = carts.find_cart(owner)
    with pytest.raises(ProductRetired) as refusal:
        place_order(cart_id, a_delivery(), once=CheckoutKey("k"), now=NOW)
    assert refusal.value.sku_ids == (rice.sku.id,)


def test_an_empty_basket_is_no_order(app: Flask) -> None:
    rice = make_product()
    make_lot(rice)
    owner = fill_basket({rice.sku: 1})
    with reading():
        cart_id = carts.find_cart(owner)
    place_order(cart_id, a_delivery(), once=CheckoutKey("k1"), now=NOW)
    with pytest.raises(EmptyCart):
        place_order(cart_id, a_delivery(), once=CheckoutKey("k2"), now=NOW)


@pytest.mark.parametrize(("district", "why"), [("650102", "too_far_for_cold"), ("710100", "not_served"), ("999999", "unknown_place")])
def test_cold_goods_go_only_as_far_as_they_stay_cold(app: Flask, district: str, why: str) -> None:
    berries = make_product("蓝莓鲜果", is_cold_chain=True, is_perishable=True)
    make_lot(berries)
    with pytest.raises(CannotShipThere) as refusal:
        place({berries.sku: 1}, district_code=district)
    assert [parcel.why.value for parcel in refusal.value.parcels] == [why]
    assert free_units(berries.sku) == 100


def test_each_cooperative_gets_a_parcel_of_its_own(app: Flask) -> None:
    rice = make_product()
    make_lot(rice)
    elsewhere = make_village("瓦屋村")
    oil = make_product("山茶油", cooperative=make_cooperative("瓦屋合作社", villages=[elsewhere]), village=elsewhere)
    make_lot(oil)
    placed = place({rice.sku: 1, oil.sku: 1})
    assert placed.total_fen == rice.sku.price_fen + oil.sku.price_fen + 2 * 6_00
