"""Filling baskets, changing them, and pouring a guest's into the buyer's own at sign-in."""

from datetime import datetime
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.cart import queries, service
from shop.cart.errors import TooMany
from shop.cart.models import Cart, CartLine
from shop.cart.queries import BasketLine, CartOwner
from shop.extensions import act, db
from shop.kit.ids import CartId, SkuId, UserId
from tests.factories import Pack, make_mei, make_product, make_stranger

GUEST = CartOwner(key="a" * 32)


def basket(owner: CartOwner) -> dict[SkuId, int]:
    return {line.sku_id: line.quantity for line in queries.lines_of(owner)}


def test_the_first_thing_begins_a_basket_and_more_of_it_is_added(app: Flask, now: datetime) -> None:
    rice = make_product().sku
    assert service.put(GUEST, rice.id, 2, 68_00, now) == 2
    assert service.put(GUEST, rice.id, 3, 66_00, now) == 5
    assert queries.lines_of(GUEST) == [BasketLine(rice.id, 5, 66_00)]  # the price last seen
    assert queries.count_units(GUEST) == 5


def test_more_than_may_be_had_is_refused_and_changes_nothing(app: Flask, now: datetime) -> None:
    rice = make_product().sku
    with pytest.raises(TooMany) as first:
        service.put(GUEST, rice.id, 7, 68_00, now, most=6)
    assert (first.value.wanted, first.value.had, first.value.most) == (7, 0, 6)
    assert queries.find_cart(GUEST) is None  # not even an empty basket stays
    service.put(GUEST, rice.id, 4, 68_00, now, most=6)
    with pytest.raises(TooMany) as second:
        service.put(GUEST, rice.id, 3, 60_00, now, most=6)
    assert (second.value.wanted, second.value.had, second.value.most) == (7, 4, 6)
    with pytest.raises(TooMany):
        service.set_quantity(GUEST, rice.id, 7, now, most=6)
    assert queries.lines_of(GUEST) == [BasketLine(rice.id, 4, 68_00)]


def test_no_line_is_longer_than_the_most_of_any(app: Flask, now: datetime) -> None:
    rice = make_product().sku
    with pytest.raises(TooMany):
        service.put(GUEST, rice.id, 1000, 68_00, now, most=5000)
    service.put(GUEST, rice.id, 999, 68_00, now, most=5000)
    with pytest.raises(TooMany):
        service.put(GUEST, rice.id, 1, 68_00, now, most=5000)
    assert basket(GUEST) == {rice.id: 999}


def test_a_quantity_is_set_nought_takes_out_and_a_missing_line_is_not_made(app: Flask, now: datetime) -> None:
    rice, tea = make_product().sku, make_product("皇菊").sku
    assert not service.set_quantity(GUEST, rice.id, 3, now)
    service.put(GUEST, rice.id, 2, 68_00, now)
    assert service.set_quantity(GUEST, rice.id, 5, now)
    assert not service.set_quantity(GUEST, tea.id, 5, now)
    assert basket(GUEST) == {rice.id: 5}
    assert service.set_quantity(GUEST, rice.id, 0, now)
    assert basket(GUEST) == {}


def test_accepting_a_price_touches_only_the_named_lines_of_ones_own_basket(app: Flask, now: datetime) -> None:
    rice, tea = make_product().sku, make_product("皇菊").sku
    other = CartOwner(key="b" * 32)
    for owner in (GUEST, other):
        service.put(owner, rice.id, 1, 68_00, now)
        service.put(owner, tea.id, 1, 98_00, now)
    service.accept_prices(GUEST, {rice.id: 70_00, SkuId(999_999): 1})
    assert [line.seen_price_fen for line in queries.lines_of(GUEST)] == [70_00, 98_00]
    assert [line.seen_price_fen for line in queries.lines_of(other)] == [68_00, 98_00]


def test_signing_in_pours_the_guests_basket_into_the_buyers_own(app: Flask, now: datetime) -> None:
    mei = CartOwner(user_id=make_mei().id)
    rice, tea, oil = make_product().sku, make_product("皇菊").sku, make_product("菜籽油").sku
    service.put(mei, rice.id, 2, 60_00, now)
    service.put(mei, oil.id, 998, 108_00, now)
    service.put(GUEST, rice.id, 3, 68_00, now)
    service.put(GUEST, tea.id, 1, 98_00, now)
    service.put(GUEST, oil.id, 5, 108_00, now)
    for _ in range(2):  # twice does no more than once
        service.merge("a" * 32, user_id_of(mei), now)
        assert basket(mei) == {rice.id: 5, tea.id: 1, oil.id: 999}
    assert queries.find_cart(GUEST) is None
    assert db.session.scalar(select(func.count()).select_from(CartLine)) == 3


def user_id_of(owner: CartOwner) -> UserId:
    assert owner.user_id is not None
    return owner.user_id


def test_a_guests_basket_becomes_the_first_of_a_buyer_who_had_none(app: Flask, now: datetime) -> None:
    mei = make_mei()
    rice = make_product().sku
    service.put(GUEST, rice.id, 3, 68_00, now)
    service.merge("a" * 32, mei.id, now)
    assert basket(CartOwner(user_id=mei.id)) == {rice.id: 3}
    assert basket(CartOwner(user_id=make_stranger().id)) == {}


def test_an_order_locks_the_basket_reads_it_and_empties_it(app: Flask, now: datetime) -> None:
    product = make_product(packs=[Pack(), Pack(grams=500, price_fen=9_80)])
    service.put(GUEST, product.skus[1].id, 1, 9_80, now)
    service.put(GUEST, product.skus[0].id, 2, 68_00, now)
    cart_id = queries.find_cart(GUEST)
    assert cart_id is not None

    @act
    def order() -> list[BasketLine]:
        lines = service.lock(CartId(cart_id))
        service.empty(CartId(cart_id))
        return lines

    assert {(line.sku_id, line.quantity) for line in order()} == {(product.skus[0].id, 2), (product.skus[1].id, 1)}
    assert order() == []


def test_twenty_first_things_at_once_make_one_basket_with_all_of_them(app: Flask, now: datetime) -> None:
    mei = CartOwner(user_id=make_mei().id)
    rice = make_product().sku

    def put() -> None:
        with app.app_context():
            service.put(mei, rice.id, 1, 68_00, now)

    threads = [Thread(target=put) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert basket(mei) == {rice.id: 20}
    assert db.session.scalar(select(func.count()).select_from(Cart)) == 1
