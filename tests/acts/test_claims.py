"""Claims: called off before packing, given back after arrival, refused, withdrawn, lapsed; the money always by the one refund act."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select, text

from shop.acts.answer_claim import OfferTooLarge, Paid, ask_back, give_money_back, lapse_claims, pay_again, refuse_claim, take_in
from shop.acts.ask_claim import Asked, ask_claim, say_sent, withdraw_claim
from shop.acts.ask_providers import ask_about_refunds
from shop.acts.decide_refund import approve_refund, reject_refund
from shop.acts.deliver_order import complete_orders, mark_delivered
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.send_otherwise import send_failed_by_transfer
from shop.acts.ship_parcel import ship_parcel
from shop.extensions import act, db, reading
from shop.kit.errors import ShopError
from shop.kit.ids import ClaimId, LineId, OrderId, ShipmentId
from shop.orders import service as orders
from shop.orders.claim_models import Claim
from shop.orders.claim_states import CLAIM_MOVES, OPEN_CLAIMS, SEND_WITHIN, ClaimKind, ClaimReason, ClaimState, carriage_back_fen
from shop.orders.claims import CannotClaim, CannotMoveClaim, NewClaim, NoSuchClaim, TooManyUnits
from shop.orders.models import OrderLine
from shop.orders.states import RETURN_WINDOW, OrderState
from shop.outbox.models import Letter
from shop.payments.models import Refund, RefundState
from shop.shipping.models import Shipment
from tests.factories import MadeProduct, make_cooperative, make_lot, make_product, make_staff
from tests.providers import FakeProvider, Verb
from tests.shopping import NOW, assert_books_are_sound, buy, free_units, picks_of, village_fen

LIMIT = 1_000_00
LATER = NOW + timedelta(days=1)


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米 at ¥68.00, ten bags."""
    product = make_product()
    make_lot(product, units=10)
    return product


def lines_of(number: str) -> list[LineId]:
    with reading():
        return [line.id for line in orders.lines_of(orders.get(number).id)]


def order_id(number: str) -> OrderId:
    with reading():
        return orders.get(number).id


def ask(
    number: str,
    units: dict[LineId, int] | int = 1,
    *,
    kind: ClaimKind = ClaimKind.RETURN,
    reason: ClaimReason = ClaimReason.DAMAGED,
    once: str = "1",
    at: datetime = LATER,
) -> Asked:
    """So many of the first line, or of each line named."""
    wanted = {lines_of(number)[0]: units} if isinstance(units, int) else units
    new = NewClaim(kind, reason, "破损", "袋子破了", False, wanted)
    return ask_claim(number, new, photos=(), once=once, by=None, now=at)


def cancel(number: str, units: dict[LineId, int] | int = 1, once: str = "1") -> Asked:
    return ask(number, units, kind=ClaimKind.CANCEL, reason=ClaimReason.NOT_WANTED, once=once, at=NOW)


def state_of(claim_id: ClaimId) -> ClaimState:
    with reading() as session:
        return session.scalars(select(Claim.state).where(Claim.id == claim_id)).one()


def state_of_order(number: str) -> OrderState:
    with reading():
        return orders.get(number).state


def parcels_of(number: str) -> list[ShipmentId]:
    with reading() as session:
        return list(session.scalars(select(Shipment.id).where(Shipment.order_id == order_id(number)).order_by(Shipment.id)))


def arrive(number: str, *, at: datetime = NOW) -> None:
    for parcel in parcels_of(number):
        ship_parcel(parcel, carrier="顺丰速运", tracking_number="SF1234567890", by=None, now=at)
        mark_delivered(parcel, by=None, now=at)


@pytest.fixture
def arrived(rice: MadeProduct, provider: FakeProvider) -> str:
    """Three bags that have arrived."""
    number = buy(provider, {rice.sku: 3}).number
    arrive(number)
    return number


# ── Before packing ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_not_packed_is_called_off_and_refunded_at_once(rice: MadeProduct, provider: FakeProvider) -> None:
    placed = buy(provider, {rice.sku: 3})
    number, free = placed.number, free_units(rice.sku)
    done = cancel(number, 2)
    assert done.refunded_fen == 136_00 and free_units(rice.sku) == free + 2
    assert state_of(done.claim_ids[0]) is ClaimState.REFUNDED and state_of_order(number) is OrderState.PAID
    assert cancel(number, 2) == Asked(done.claim_ids, 0), "sent twice, it is one"
    rest = cancel(number, 1, once="%")  # whatever key a browser sends, it is a key
    assert rest.refunded_fen == placed.total_fen - 136_00, "with the last bag the carriage goes back too"
    assert state_of_order(number) is OrderState.COMPLETED and not any(village_fen().values())
    with pytest.raises(ShopError):
        ship_parcel(parcels_of(number)[0], carrier="顺丰速运", tracking_number="SF1234567890", by=None, now=NOW)
    assert provider.calls.count(Verb.REFUND) == 2
    assert_books_are_sound()


def test_each_cooperative_has_its_own_and_once_one_has_sent_the_other_is_asked(rice: MadeProduct, provider: FakeProvider) -> None:
    other = make_product("示例花生", cooperative=make_cooperative("示例花生合作社"))
    make_lot(other, units=5)
    number = buy(provider, {rice.sku: 1, other.sku: 2}).number
    first, second = lines_of(number)
    ship_parcel(parcels_of(number)[0], carrier="顺丰速运", tracking_number="SF1234567890", by=None, now=NOW)
    with pytest.raises(CannotClaim) as refusal:
        cancel(number, {first: 1, second: 1})
    assert refusal.value.line_ids == (first,), "it has left"
    done = cancel(number, {second: 2})
    assert done.refunded_fen == 0 and state_of(done.claim_ids[0]) is ClaimState.ASKED
    give_money_back(done.claim_ids[0], word="", four_eyes_fen=LIMIT, by=make_staff().id, now=NOW)
    assert state_of(done.claim_ids[0]) is ClaimState.REFUNDED and free_units(other.sku) == 5
    assert state_of_order(number) is OrderState.SHIPPED
    assert_books_are_sound()


# ── After arrival ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_goods_come_back_and_the_village_gives_back_exactly_their_fen(arrived: str, rice: MadeProduct, provider: FakeProvider) -> None:
    before, free, staff = sum(village_fen().values()), free_units(rice.sku), make_staff()
    (claim,) = ask(arrived, 2).claim_ids
    ask_back(claim, return_to="示例地址", word="", by=staff.id, now=LATER)
    with pytest.raises(NoSuchClaim):
        say_sent(claim, order_id=OrderId(0), carrier="顺丰速运", tracking_number="SF1", by=None, now=LATER)
    say_sent(claim, order_id=order_id(arrived), carrier="顺丰速运", tracking_number="SF1", by=None, now=LATER)
    say_sent(claim, order_id=order_id(arrived), carrier="中国邮政", tracking_number="EMS2", by=None, now=LATER)
    with pytest.raises(CannotMoveClaim):
        withdraw_claim(claim, order_id=order_id(arrived), by=None, now=LATER)
    assert sum(village_fen().values()) == before, "nothing moves before the goods are back"
    done = take_in(claim, restock=True, four_eyes_fen=LIMIT, by=staff.id, now=LATER)
    assert done.refunded is not None and done.refunded.total_fen == 136_00
    assert sum(village_fen().values()) == before - 136_00 and free_units(rice.sku) == free + 2
    assert state_of(claim) is ClaimState.REFUNDED and provider.calls.count(Verb.REFUND) == 1
    with reading() as session:
        steps = [letter.facts.get("step") for letter in session.scalars(select(Letter).order_by(Letter.id)) if "claim" in letter.kind]
    assert steps == ["asked", "accepted"]
    assert_books_are_sound()


def test_without_sending_back_the_goods_are_written_off_and_a_part_may_be_offered(arrived: str, rice: MadeProduct) -> None:
    staff, free = make_staff(), free_units(rice.sku)
    (whole,) = ask(arrived, 1).claim_ids
    give_money_back(whole, word="", four_eyes_fen=LIMIT, by=staff.id, now=LATER)
    assert free_units(rice.sku) == free
    (part,) = ask(arrived, 1, once="2").claim_ids
    with pytest.raises(OfferTooLarge) as refusal:
        give_money_back(part, offer_fen=68_01, word="", four_eyes_fen=LIMIT, by=staff.id, now=LATER)
    assert refusal.value.most_fen == 68_00
    paid = give_money_back(part, offer_fen=5_00, word="", four_eyes_fen=LIMIT, by=staff.id, now=LATER)
    assert paid.refunded is not None and paid.refunded.total_fen == 5_00
    assert_books_are_sound()


def test_never_more_is_claimed_than_was_sold_and_not_refunded(arrived: str) -> None:
    (first,) = ask(arrived, 2).claim_ids
    with pytest.raises(TooManyUnits) as refusal:
        ask(arrived, 2, once="2")
    assert set(refusal.value.left.values()) == {1}
    withdraw_claim(first, order_id=order_id(arrived), by=None, now=LATER)
    ask(arrived, 3, once="3")

    @act
    def claim_more() -> None:
        db.session.execute(text("update order_lines set claimed_units = 4"))

    with pytest.raises(Exception, match="ck_order_lines_claimed"):
        claim_more()
    assert_books_are_sound()


def test_seven_days_for_no_reason_and_any_day_for_a_fault(arrived: str) -> None:
    late = NOW + RETURN_WINDOW
    with pytest.raises(CannotClaim):
        ask(arrived, 1, reason=ClaimReason.SEVEN_DAYS, at=late)
    ask(arrived, 1, reason=ClaimReason.SEVEN_DAYS, at=late - timedelta(seconds=1))
    assert complete_orders(now=late + timedelta(hours=1)) == 0, "an order with an open claim is not over"
    (claim,) = ask(arrived, 1, at=late, once="2").claim_ids
    refuse_claim(claim, why="看不出坏在哪里", is_staff=False, by=make_staff().id, now=late)
    assert state_of(claim) is ClaimState.REFUSED


def test_perishable_goods_have_no_seven_days_where_the_buyer_said_so(provider: FakeProvider) -> None:
    fruit = make_product(is_perishable=True)
    make_lot(fruit, units=5)
    number = buy(provider, {fruit.sku: 1}, perishable_confirmed=True).number
    arrive(number)
    with pytest.raises(CannotClaim):
        ask(number, 1, reason=ClaimReason.SEVEN_DAYS)
    assert ask(number, 1, reason=ClaimReason.SPOILT).claim_ids


def test_what_is_never_sent_back_lapses_and_may_be_asked_anew(arrived: str) -> None:
    (claim,) = ask(arrived, 3).claim_ids
    ask_back(claim, return_to="示例地址", word="", by=make_staff().id, now=LATER)
    assert lapse_claims(now=LATER + SEND_WITHIN - timedelta(seconds=1)) == 0
    assert lapse_claims(now=LATER + SEND_WITHIN) == 1 and lapse_claims(now=LATER + SEND_WITHIN) == 0
    assert state_of(claim) is ClaimState.LAPSED
    ask(arrived, 3, once="2")


# ── The money ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_above_the_sum_the_money_waits_for_a_second_person(arrived: str, provider: FakeProvider) -> None:
    first, second = make_staff(), make_staff()
    (claim,) = ask(arrived, 2).claim_ids
    done = give_money_back(claim, word="", four_eyes_fen=100_00, by=first.id, now=LATER)
    assert done.waiting is not None and state_of(claim) is ClaimState.DUE and Verb.REFUND not in provider.calls
    with pytest.raises(CannotMoveClaim):
        refuse_claim(claim, why="不", is_staff=True, by=first.id, now=LATER)
    reject_refund(done.waiting.request_id, word="再看看", by=second.id, now=LATER)
    again = pay_again(claim, four_eyes_fen=100_00, by=first.id, now=LATER)
    assert again.waiting is not None and again.waiting.request_id != done.waiting.request_id
    approve_refund(again.waiting.request_id, by=second.id, now=LATER)
    assert state_of(claim) is ClaimState.REFUNDED and provider.calls.count(Verb.REFUND) == 1
    assert_books_are_sound()


def test_a_refund_that_fails_makes_the_claim_due_again_until_the_bank_has_it(arrived: str, provider: FakeProvider) -> None:
    staff, before = make_staff(), sum(village_fen().values())
    provider.first_refund_state = RefundState.PENDING
    (claim,) = ask(arrived, 1).claim_ids
    give_money_back(claim, word="", four_eyes_fen=LIMIT, by=staff.id, now=LATER)
    provider.fail_refund(provider.last_refund_id)
    ask_about_refunds(now=LATER + timedelta(days=1))
    assert state_of(claim) is ClaimState.DUE and sum(village_fen().values()) == before
    with reading() as session:
        refund = session.scalars(select(Refund.id)).one()
    send_failed_by_transfer(refund, arrived, by=staff.id, now=LATER)
    assert state_of(claim) is ClaimState.REFUNDED and sum(village_fen().values()) == before - 68_00
    assert_books_are_sound()


def test_what_staff_refunded_by_hand_meanwhile_is_not_refunded_again(arrived: str, provider: FakeProvider) -> None:
    (claim,) = ask(arrived, 3).claim_ids
    pick = picks_of(arrived)[0]
    refund_order(arrived, RefundWanted(units={pick.id: 2}, reason="破损"), once="hand", by=make_staff().id, now=LATER)
    paid = give_money_back(claim, word="", four_eyes_fen=LIMIT, by=make_staff().id, now=LATER)
    assert paid.refunded is not None and paid.refunded.total_fen >= 68_00, "the last bag, with what its carriage cost"
    assert state_of(claim) is ClaimState.REFUNDED and provider.calls.count(Verb.REFUND) == 2
    assert_books_are_sound()


def test_a_claim_whose_goods_were_all_refunded_by_hand_is_settled_by_that(arrived: str, provider: FakeProvider) -> None:
    (claim,) = ask(arrived, 3).claim_ids
    refund_order(arrived, RefundWanted(units={picks_of(arrived)[0].id: 3}, reason="破损"), once="hand", by=make_staff().id, now=LATER)
    paid = give_money_back(claim, word="", four_eyes_fen=LIMIT, by=make_staff().id, now=LATER)
    assert paid == Paid(None, None) and state_of(claim) is ClaimState.REFUNDED
    assert provider.calls.count(Verb.REFUND) == 1
    assert_books_are_sound()


# ── Races ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_tabs_ask_for_the_same_bag(app: Flask, arrived: str, provider: FakeProvider) -> None:
    staff, line = make_staff(), lines_of(arrived)[0]
    start = Barrier(3)

    def in_a_tab(tab: int) -> object:
        with app.app_context():
            start.wait()
            try:
                if tab == 2:
                    wanted = RefundWanted(units={picks_of(arrived)[0].id: 1}, reason="破损")
                    return refund_order(arrived, wanted, once="hand", by=staff.id, now=LATER)
                return ask(arrived, {line: 2}, once=str(tab))
            except TooManyUnits as refusal:
                return refusal

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(in_a_tab, range(3)))
    asked = [each for each in done if isinstance(each, Asked)]
    assert len(asked) == 1, done
    give_money_back(asked[0].claim_ids[0], word="", four_eyes_fen=LIMIT, by=staff.id, now=LATER)
    with reading() as session:
        assert sum(pick.returned_units for pick in picks_of(arrived)) == 3
        assert session.scalars(select(OrderLine.claimed_units)).one() == 2
    assert_books_are_sound()


# ── Rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_claims_move_along_the_table_and_end() -> None:
    ended = {state for state, after in CLAIM_MOVES.items() if not after}
    assert ended == frozenset(ClaimState) - OPEN_CLAIMS - {ClaimState.REFUNDED}
    assert all(after & (ended | {ClaimState.REFUNDED, ClaimState.DUE}) for state, after in CLAIM_MOVES.items() if state in OPEN_CLAIMS)


@pytest.mark.parametrize(
    ("kind", "reason", "is_whole", "back_fen"),
    [
        (ClaimKind.CANCEL, ClaimReason.NOT_WANTED, True, 8_00),
        (ClaimKind.CANCEL, ClaimReason.NOT_WANTED, False, 0),
        (ClaimKind.RETURN, ClaimReason.SPOILT, True, 8_00),
        (ClaimKind.RETURN, ClaimReason.SPOILT, False, 0),
        (ClaimKind.RETURN, ClaimReason.SEVEN_DAYS, True, 0),
    ],
)
def test_carriage_goes_back_when_nothing_is_sent_or_all_was_our_fault(
    kind: ClaimKind, reason: ClaimReason, is_whole: bool, back_fen: int
) -> None:
    assert carriage_back_fen(kind, reason, is_whole_parcel=is_whole, fee_fen=8_00, left_fen=20_00) == back_fen
