"""A bookkeeper's stories of settlements: what is past its window is paid once, to the fen, by two people; what comes back later is carried."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.acts.settle_cooperative import draft_settlement
from shop.extensions import act, reading
from shop.kit.errors import ShopError
from shop.ledger import service as ledger
from shop.ledger.errors import (
    BadLastDay,
    DraftOpen,
    InDispute,
    NoBankAccount,
    NothingToSettle,
    NotTheBanksDay,
    ReferenceTaken,
    SamePerson,
    SettlementDecided,
)
from shop.ledger.models import Attribution, EntryKind, Settlement, SettlementLine, SettlementState
from shop.ledger.service import Leg, on_hold, proceeds
from shop.ledger.settlements import approve_settlement, cancel_settlement, hand_over_batch, pay_settlement
from shop.orders.models import Channel
from shop.outbox.models import AuditRow
from shop.reports.sales import sales
from tests.books import Sold, sell
from tests.factories import MadeCooperative, MadeProduct, make_cooperative, make_lot, make_product, make_user, make_village
from tests.settling import Office, at, attributed, balance, complete, draft, give_back, make_office, parts, settle, settlement
from tests.shopping import assert_books_are_sound

OCTOBER = date(2026, 10, 31)
NOVEMBER = date(2026, 11, 30)
DECEMBER = date(2026, 12, 31)


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """Rice of two villages, 700 to 300, harvested long ago."""
    home, gaoba = make_village(), make_village("高坝田村")
    cooperative = make_cooperative(villages=[home, gaoba])
    product = make_product(cooperative=cooperative)
    make_lot(product, sources=[(home, 700_000), (gaoba, 300_000)], harvested_on=date(2026, 9, 20))
    return product


@pytest.fixture
def baishui(rice: MadeProduct) -> MadeCooperative:
    return make_cooperative()


@pytest.fixture
def office(baishui: MadeCooperative) -> Office:
    return make_office(baishui)


def delivered(rice: MadeProduct, units: int, *, on: date, past_window_on: date) -> Sold:
    """Sold online, arrived, and its window ended on that day."""
    sold = sell((rice.sku, units), on=on)
    complete(sold, past_window_on)
    return sold


def test_what_is_past_its_window_is_settled_and_what_is_not_waits(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    delivered(rice, 2, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    delivered(rice, 1, on=date(2026, 10, 25), past_window_on=date(2026, 11, 5))
    sell((rice.sku, 1), on=date(2026, 10, 28))
    number = settle(baishui, office, OCTOBER)
    first, second = sorted(parts(number))
    assert parts(number) == {first: (0, 9_520, 9_520, 0), second: (0, 4_080, 4_080, 0)}
    assert settlement(number).total_fen == 13_600
    assert (balance("payable/baishui-dami"), balance("bank/operating")) == (0, -13_600)
    later = settle(baishui, office, NOVEMBER)
    assert settlement(later).total_fen == 6_800
    assert settlement(later).first_day == date(2026, 11, 1)
    assert attributed(baishui) - 13_600 - 6_800 == 6_800
    assert_books_are_sound()


def test_a_sale_made_by_hand_is_settled_at_once(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    sell((rice.sku, 1), on=OCTOBER, channel=Channel.OFFLINE)
    assert settlement(settle(baishui, office, OCTOBER)).total_fen == 6_800
    assert_books_are_sound()


def test_a_statement_equals_the_report_to_the_fen(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    for day in range(1, 8):
        delivered(rice, day, on=date(2026, 10, day), past_window_on=date(2026, 10, 20 + day))
    back = delivered(rice, 3, on=date(2026, 10, 9), past_window_on=date(2026, 10, 30))
    give_back(back, 2, on=date(2026, 10, 12))
    number = settle(baishui, office, OCTOBER)
    with reading():
        report = sales(("village",), date(2026, 10, 1), OCTOBER)
    assert {int(row.keys[0]): row.measures.net_fen for row in report.rows} == {village: part[2] for village, part in parts(number).items()}
    assert report.total.net_fen == settlement(number).total_fen == attributed(baishui)
    assert_books_are_sound()


def test_a_refund_after_a_settlement_is_carried_over_two_periods(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    sold = delivered(rice, 3, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    october = settle(baishui, office, OCTOBER)
    assert settlement(october).total_fen == 20_400
    give_back(sold, 3, on=date(2026, 11, 10))
    delivered(rice, 1, on=date(2026, 11, 2), past_window_on=date(2026, 11, 20))
    november = settle(baishui, office, NOVEMBER)
    assert (settlement(november).total_fen, settlement(november).carried_out_fen) == (0, -13_600)
    assert settlement(november).state is SettlementState.APPROVED, "of nought, nothing is paid"
    delivered(rice, 4, on=date(2026, 12, 2), past_window_on=date(2026, 12, 20))
    december = settle(baishui, office, DECEMBER)
    first, second = sorted(parts(december))
    assert parts(december) == {first: (-9_520, 19_040, 9_520, 0), second: (-4_080, 8_160, 4_080, 0)}
    assert 20_400 + settlement(december).total_fen == attributed(baishui) == 34_000
    assert_books_are_sound()


def test_one_village_below_nought_takes_nothing_from_another(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    gaoba = make_village("高坝田村")
    peanuts = make_product("红皮花生", cooperative=baishui, village=gaoba)
    make_lot(peanuts, sources=[(gaoba, 1_000_000)], harvested_on=date(2026, 9, 20))
    sold = delivered(peanuts, 2, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    settle(baishui, office, OCTOBER)
    give_back(sold, 2, on=date(2026, 11, 10))
    delivered(rice, 1, on=date(2026, 11, 2), past_window_on=date(2026, 11, 20))
    number = settle(baishui, office, NOVEMBER)
    assert parts(number)[make_village().id] == (0, 4_760, 4_760, 0)
    assert parts(number)[gaoba.id] == (0, 2_040 - 13_600, 0, 2_040 - 13_600)
    assert settlement(number).total_fen == 4_760
    assert_books_are_sound()


def test_what_is_in_dispute_is_not_settled(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    fought = delivered(rice, 2, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    delivered(rice, 1, on=date(2026, 10, 4), past_window_on=date(2026, 10, 21))
    waiting = draft(baishui, office, date(2026, 10, 22))
    hold(fought, baishui, on=date(2026, 10, 23))
    with pytest.raises(InDispute) as refused:
        approve_settlement(waiting, by=office.zhao, now=at(date(2026, 10, 24)))
    assert refused.value.orders == (fought.number,)
    cancel_settlement(waiting, by=office.zhao, now=at(date(2026, 10, 24)))
    assert settlement(settle(baishui, office, OCTOBER)).total_fen == 6_800
    hold(fought, baishui, on=date(2026, 11, 3), back=True)
    assert settlement(settle(baishui, office, NOVEMBER)).total_fen == 13_600
    assert_books_are_sound()


@act
def hold(sold: Sold, baishui: MadeCooperative, *, on: date, back: bool = False) -> None:
    """A dispute about an order begins, or is won."""
    legs = []
    for village_id, fen in ledger.village_amounts(sold.order_id).items():
        legs += [Leg(proceeds(baishui.id, village_id), -fen if back else fen), Leg(on_hold(baishui.id, village_id), fen if back else -fen)]
    kind = EntryKind.DISPUTE_WON if back else EntryKind.DISPUTE
    ledger.post(kind, legs, once=f"{kind}:{sold.number}", subject=sold.number, on=on, now=at(on))


# ── Who, and in which order ───────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_drew_it_up_does_not_approve_it(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    number = draft(baishui, office, OCTOBER)
    with pytest.raises(SamePerson):
        approve_settlement(number, by=office.wang, now=at(NOVEMBER))
    assert settlement(number).state is SettlementState.DRAFT
    assert balance("payable/baishui-dami") == 0


def test_a_draft_books_nothing_and_a_cancelled_one_frees_its_lines(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    number = draft(baishui, office, OCTOBER)
    with pytest.raises(DraftOpen):
        draft(baishui, office, OCTOBER)
    cancel_settlement(number, by=office.wang, now=at(NOVEMBER))
    with pytest.raises(SettlementDecided):
        approve_settlement(number, by=office.zhao, now=at(NOVEMBER))
    assert settlement(settle(baishui, office, OCTOBER)).total_fen == 6_800
    assert_books_are_sound()


def test_the_same_form_sent_twice_is_one_draft(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    numbers = {draft_settlement(baishui.id, last_day=OCTOBER, once="form", by=office.wang, now=at(date(2026, 11, 1))) for _ in range(2)}
    assert len(numbers) == 1


@pytest.mark.parametrize("until", [date(2026, 11, 2), date(2026, 11, 1)])
def test_a_settlement_ends_with_a_day_that_is_over(rice: MadeProduct, baishui: MadeCooperative, office: Office, until: date) -> None:
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    with pytest.raises(BadLastDay):
        draft(baishui, office, until, now=at(date(2026, 11, 1)))


def test_a_settlement_ends_after_the_one_before(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    settle(baishui, office, OCTOBER)
    with pytest.raises(BadLastDay):
        draft(baishui, office, OCTOBER, now=at(NOVEMBER))
    with pytest.raises(NothingToSettle):
        draft(baishui, office, date(2026, 11, 29), now=at(NOVEMBER))


def test_nobody_is_paid_without_an_account(rice: MadeProduct, baishui: MadeCooperative) -> None:
    office = Office(make_user("Wang").id, make_user("Zhao").id)
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    with pytest.raises(NoBankAccount):
        approve_settlement(draft(baishui, office, OCTOBER), by=office.zhao, now=at(NOVEMBER))


def test_a_bank_reference_pays_one_settlement(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    settle(baishui, office, OCTOBER, reference="20261101-77")
    delivered(rice, 1, on=date(2026, 11, 3), past_window_on=date(2026, 11, 20))
    number = draft(baishui, office, NOVEMBER)
    december = date(2026, 12, 1)
    approve_settlement(number, by=office.zhao, now=at(december))
    with pytest.raises(ReferenceTaken):
        pay_settlement(number, reference="20261101-77", paid_on=december, by=office.wang, now=at(december))
    with pytest.raises(NotTheBanksDay):
        pay_settlement(number, reference="20261130-1", paid_on=NOVEMBER, by=office.wang, now=at(december))
    for _ in range(2):
        pay_settlement(number, reference="20261201-5", paid_on=december, by=office.wang, now=at(december))
    assert balance("bank/operating") == -13_600
    assert_books_are_sound()


def test_the_batch_for_the_bank_holds_what_is_approved_and_leaves_a_trace(
    rice: MadeProduct, baishui: MadeCooperative, office: Office
) -> None:
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    number = draft(baishui, office, OCTOBER)
    assert hand_over_batch(columns=["payee"], by=office.wang, now=at(NOVEMBER)) == ()
    approve_settlement(number, by=office.zhao, now=at(NOVEMBER))
    (line,) = hand_over_batch(columns=["payee"], by=office.wang, now=at(NOVEMBER))
    assert (line.number, line.account, line.total_fen) == (number, "6228480000000001234", 6_800)
    with reading() as session:
        traces = session.scalars(select(AuditRow).where(AuditRow.action == "settlements_exported").order_by(AuditRow.id)).all()
    assert [trace.facts["numbers"] for trace in traces] == [[], [number]]


# ── At the same moment ────────────────────────────────────────────────────────────────────────────────────────────────


def at_once(app: Flask, *works: Callable[[], object]) -> list[object]:
    """Each in a thread of its own, all beginning together; its answer or its refusal."""
    ready = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        with app.app_context():
            ready.wait()
            try:
                return work()
            except ShopError as refusal:
                return type(refusal)

    with ThreadPoolExecutor(len(works)) as threads:
        return [done.result() for done in [threads.submit(run, work) for work in works]]


def test_two_people_approving_at_once_approve_once(app: Flask, rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    third = make_user("Sun").id
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    number = draft(baishui, office, OCTOBER)
    now = at(date(2026, 11, 1))
    ends = at_once(
        app,
        *(lambda by=by: approve_settlement(number, by=by, now=now) for by in (office.zhao, third, office.zhao, third)),  # type: ignore[misc]  # a default binds it
    )
    assert sorted(str(end) for end in ends) == sorted([str(None), *[str(SettlementDecided)] * 3])
    assert balance("payable/baishui-dami") == -6_800
    assert_books_are_sound()


def test_two_people_drafting_at_once_draft_once(app: Flask, rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    ends = at_once(app, lambda: draft(baishui, office, OCTOBER), lambda: draft(baishui, office, OCTOBER))
    assert DraftOpen in ends
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Settlement)) == 1
        assert session.scalar(select(func.count()).select_from(SettlementLine)) == 2


def test_a_refund_racing_the_approval_is_lost_on_neither_side(
    app: Flask, rice: MadeProduct, baishui: MadeCooperative, office: Office
) -> None:
    sold = delivered(rice, 3, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    number = draft(baishui, office, OCTOBER)
    november = date(2026, 11, 1)
    ends = at_once(app, lambda: approve_settlement(number, by=office.zhao, now=at(november)), lambda: give_back(sold, 1, on=november))
    assert ends == [None, None]
    delivered(rice, 2, on=date(2026, 11, 2), past_window_on=date(2026, 11, 20))
    later = settle(baishui, office, NOVEMBER)
    assert settlement(number).total_fen == 20_400
    assert settlement(later).total_fen == 13_600 - 6_800
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Attribution)) == session.scalar(
            select(func.count()).select_from(SettlementLine)
        )
    assert_books_are_sound()


def test_the_earliest_day_after_a_settlement_is_the_next(rice: MadeProduct, baishui: MadeCooperative, office: Office) -> None:
    delivered(rice, 1, on=date(2026, 10, 3), past_window_on=date(2026, 10, 20))
    settle(baishui, office, OCTOBER)
    delivered(rice, 1, on=date(2026, 11, 1), past_window_on=date(2026, 11, 1))
    number = draft(baishui, office, OCTOBER + timedelta(days=1))
    assert settlement(number).first_day == settlement(number).last_day == date(2026, 11, 1)
