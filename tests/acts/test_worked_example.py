"""The worked example of DESIGN §2, digit by digit, through the acts."""

from flask import Flask

from shop.acts.refund_order import RefundWanted, book_return, preview_refund
from shop.extensions import act, reading
from shop.kit.clock import business_day
from shop.ledger.service import CASH
from shop.orders import service as orders
from tests.books import sell
from tests.factories import Pack, make_lot, make_product, make_village
from tests.shopping import NOW, picks_of, village_fen


@act
def give_back(number: str, wanted: RefundWanted, *, once: str) -> int:
    """The step that every refund takes, without a provider."""
    _, total_fen = book_return(orders.lock(number), wanted, paid_from=CASH, once=once, by=None, on=business_day(NOW), now=NOW)
    return total_fen


def test_three_bags_from_two_lots_reach_two_villages_to_the_fen_and_one_comes_back(app: Flask) -> None:
    baishui, gaobatian = make_village("白水村", code="520602201202"), make_village("高坝田村", code="520602101208")
    rice = make_product(village=baishui, packs=[Pack(grams=5_000, price_fen=68_00)])
    oil = make_product("农家菜籽油", packs=[Pack(grams=4_600, price_fen=306_00)])
    lot_a = make_lot(rice, units=2, sources=[(baishui, 10_000)])
    lot_b = make_lot(rice, units=40, sources=[(baishui, 700_000), (gaobatian, 300_000)])
    make_lot(oil)

    # ¥10.00 off ¥510.00: ¥4.00 falls on the rice, ¥6.00 on the oil
    order = sell((rice.sku, 3), (oil.sku, 1), discount_fen=10_00)

    two_of_a, one_of_b, oil_pick = picks_of(order.number)
    assert [(two_of_a.lot_id, two_of_a.units), (one_of_b.lot_id, one_of_b.units)] == [(lot_a.id, 2), (lot_b.id, 1)]
    assert village_fen(line=two_of_a.line_id) == {baishui.id: 13_333 + 4_667, gaobatian.id: 2_000}

    wanted = RefundWanted(units={one_of_b.id: 1}, reason="外袋破损")
    with reading():
        preview = preview_refund(order.number, wanted)
    assert preview.goods_fen == 6_667
    assert (gaobatian.id, 2_000, 2_000, 0) in [(c.village_id, c.now_fen, c.back_fen, c.after_fen) for c in preview.villages]

    assert give_back(order.number, wanted, once="one bag") == 6_667
    assert village_fen(line=two_of_a.line_id) == {baishui.id: 13_333, gaobatian.id: 0}

    assert give_back(order.number, RefundWanted(units={two_of_a.id: 2, oil_pick.id: 1}), once="the rest") == 13_333 + 300_00
    assert set(village_fen().values()) == {0}
