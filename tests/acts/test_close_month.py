"""A closed month stands for ever: nothing is posted into it, and what corrects it is booked in an open month about the same order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Event

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from shop.acts.close_month import Matter, close_month, open_matters
from shop.acts.confirm_payment import check_order_payments
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.sell_offline import OfflineLine, OfflineSale, sell_offline
from shop.acts.start_payment import start_payment
from shop.extensions import act, db, reading
from shop.kit.errors import ShopError
from shop.kit.ids import UserId
from shop.ledger import closing
from shop.ledger import service as ledger
from shop.ledger.errors import EarlierMonthOpen, MonthNotOver, MonthUnfinished, PeriodClosed
from shop.ledger.models import Account, Entry, EntryKind, MonthBalance, MonthClosing, MonthVillage, Period
from shop.ledger.service import CASH, Leg, unallocated
from shop.orders.models import Order
from shop.orders.states import OrderState
from shop.payments.models import Refund, RefundState
from shop.reports.folding import drain
from shop.reports.verify import verify
from tests.books import sell
from tests.factories import MadeProduct, make_lot, make_product
from tests.providers import FakeProvider
from tests.settling import at, give_back
from tests.shopping import assert_books_are_sound, picks_of, place

OCTOBER = "2026-10"
IN_OCTOBER = date(2026, 10, 12)
FIRST_OF_NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product, harvested_on=date(2026, 9, 20))
    return product


def close(month: str, *, now: datetime | None = None) -> None:
    """As people do it: the roll-ups' queue drained, then closed."""
    drain(month)
    close_month(month, by=None, now=now or at(date(2026, 12, 31)))


def frozen(model: type[MonthBalance] | type[MonthVillage] | type[MonthClosing], month: str = OCTOBER) -> list[tuple[object, ...]]:
    """A closed month's stored figures."""
    with reading() as session:
        rows = session.execute(text(f"select * from {model.__tablename__} where month = :month"), {"month": month})
        return sorted(tuple(row) for row in rows)


def test_a_closed_month_keeps_its_figures_and_is_corrected_in_the_next(rice: MadeProduct) -> None:
    sold = sell((rice.sku, 2), on=IN_OCTOBER)
    close(OCTOBER, now=at(FIRST_OF_NOVEMBER))
    before = [frozen(model) for model in (MonthClosing, MonthBalance, MonthVillage)]
    with reading() as session:
        village = session.scalars(select(MonthVillage)).one()
    assert (village.gross_fen, village.refunds_fen) == (13_600, 0)
    with pytest.raises(PeriodClosed) as refused:
        give_back(sold, 1, on=IN_OCTOBER)
    assert refused.value.month == OCTOBER
    give_back(sold, 1, on=FIRST_OF_NOVEMBER)
    assert [frozen(model) for model in (MonthClosing, MonthBalance, MonthVillage)] == before
    with reading() as session:
        correction = session.scalars(select(Entry).where(Entry.kind == EntryKind.REFUND)).one()
    assert (correction.subject, correction.business_day) == (sold.number, FIRST_OF_NOVEMBER)
    assert_books_are_sound()
    close("2026-11")
    with reading() as session:
        november = session.scalars(select(MonthVillage).where(MonthVillage.month == "2026-11")).one()
    assert (november.gross_fen, november.refunds_fen) == (0, -6_800)
    assert_books_are_sound()


def test_balances_of_a_month_are_what_its_accounts_did_and_where_they_stood(rice: MadeProduct) -> None:
    sell((rice.sku, 1), on=date(2026, 9, 25))
    sell((rice.sku, 2), on=IN_OCTOBER)
    close("2026-09")
    close(OCTOBER)
    with reading() as session:
        rows = session.execute(
            select(Account.code, MonthBalance.debit_fen, MonthBalance.credit_fen, MonthBalance.balance_fen)
            .join(Account, Account.id == MonthBalance.account_id)
            .where(MonthBalance.month == OCTOBER)
        ).all()
    figures = {row.code: (row.debit_fen, row.credit_fen, row.balance_fen) for row in rows}
    assert figures == {"cash/offline": (13_600, 0, 20_400), "proceeds/baishui-dami/baishui": (0, -13_600, -20_400)}
    assert sum(row.balance_fen for row in rows) == 0


# ── When a month may not be closed ────────────────────────────────────────────────────────────────────────────────────


def test_a_month_closes_after_its_last_day_in_shanghai(rice: MadeProduct) -> None:
    sell((rice.sku, 1), on=IN_OCTOBER)
    last_minute = datetime(2026, 10, 31, 15, 59, tzinfo=UTC)
    with pytest.raises(MonthNotOver):
        close(OCTOBER, now=last_minute)
    close(OCTOBER, now=last_minute + timedelta(minutes=1))
    with pytest.raises(PeriodClosed):
        close(OCTOBER)


def test_months_close_in_their_order(rice: MadeProduct) -> None:
    sell((rice.sku, 1), on=date(2026, 9, 25))
    sell((rice.sku, 1), on=IN_OCTOBER)
    with pytest.raises(EarlierMonthOpen) as refused:
        close(OCTOBER)
    assert refused.value.month == "2026-09"


def test_a_month_is_not_closed_before_the_reports_hold_all_of_it(rice: MadeProduct) -> None:
    sell((rice.sku, 1), on=IN_OCTOBER)
    with pytest.raises(MonthUnfinished) as refused:
        close_month(OCTOBER, by=None, now=at(FIRST_OF_NOVEMBER))
    assert refused.value.open_matters == ((Matter.UNFOLDED.value, 1),)
    with reading() as session:
        assert session.get(MonthClosing, OCTOBER) is None
    close(OCTOBER)


def test_a_refund_that_the_provider_has_not_taken_on_keeps_its_month_open(rice: MadeProduct, provider: FakeProvider) -> None:
    now = at(IN_OCTOBER)
    number = place({rice.sku: 2}, now=now).number
    start_payment(number, now=now)
    provider.pay()
    check_order_payments(number, now=now)
    provider.is_down = True
    refund_order(number, RefundWanted(units={picks_of(number)[0].id: 1}, reason="test"), once="r", by=None, now=now)
    with pytest.raises(MonthUnfinished) as refused:
        close(OCTOBER)
    assert refused.value.open_matters == ((Matter.REFUNDS_ASKED.value, 1),)

    @act
    def taken_on() -> None:
        db.session.query(Refund).update({"state": RefundState.PENDING})

    taken_on()
    with reading():
        assert [(each.matter, each.blocks) for each in open_matters(OCTOBER)] == [(Matter.REFUNDS_PENDING, False)]
    close(OCTOBER)


def test_money_that_no_order_explains_is_told_and_does_not_keep_a_month_open(rice: MadeProduct) -> None:
    sell((rice.sku, 1), on=IN_OCTOBER)
    receive_unexplained()
    with reading():
        assert [each.matter for each in open_matters(OCTOBER) if not each.blocks] == [Matter.UNALLOCATED]
    close(OCTOBER)


@act
def receive_unexplained(on: date = IN_OCTOBER, then: Callable[[], object] = lambda: None) -> None:
    legs = [Leg(CASH, 100), Leg(unallocated("test"), -100)]
    ledger.post(EntryKind.RECEIPT, legs, once="receipt:test", subject="test", on=on, now=at(IN_OCTOBER))
    then()


def test_a_sale_made_by_hand_in_a_closed_month_is_refused_by_its_name(rice: MadeProduct) -> None:
    sell((rice.sku, 1), on=IN_OCTOBER)
    close(OCTOBER)
    late = OfflineSale("fair-1", at(IN_OCTOBER), (OfflineLine(rice.sku.code, 1, 6_800),))
    with pytest.raises(PeriodClosed) as refused:
        sell_offline(late, by=None, now=at(date(2026, 11, 3)))
    assert refused.value.month == OCTOBER
    assert_books_are_sound()


def test_months_before_a_closed_one_are_over_too_even_those_that_the_books_never_saw(rice: MadeProduct) -> None:
    sold = sell((rice.sku, 2), on=IN_OCTOBER)
    sell((rice.sku, 1), on=date(2026, 10, 30))
    close(OCTOBER)
    for _ in range(2):
        with pytest.raises(PeriodClosed) as refused:
            sell((rice.sku, 1), on=date(2026, 9, 25))
        assert refused.value.month == "2026-09"
    with pytest.raises(PeriodClosed):
        receive_unexplained(date(2025, 12, 31))
    with pytest.raises(PeriodClosed):
        give_back(sold, 1, on=IN_OCTOBER)
    with reading():
        assert ledger.closed_months([date(2026, 9, 1), IN_OCTOBER, FIRST_OF_NOVEMBER]) == ("2026-09", OCTOBER)
    assert_books_are_sound()


# ── The database keeps it too ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_database_itself_refuses_an_entry_in_a_closed_month_and_to_open_it_again(
    rice: MadeProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell((rice.sku, 1), on=IN_OCTOBER)
    close(OCTOBER)
    statements = (
        "update periods set closed_at = null",
        "delete from periods",
        "delete from month_closings",
        "update month_balances set balance_fen = 0",
    )
    for statement in statements:
        with pytest.raises(IntegrityError, match=r"month is closed|never changed or deleted"):
            execute(statement)
    monkeypatch.setattr(ledger, "share_lock_months", lambda _days: ())  # a careless script asks nobody
    for on in (IN_OCTOBER, date(2026, 9, 30), date(2025, 1, 1)):
        with pytest.raises(IntegrityError, match="month is closed"):
            receive_unexplained(on)
    receive_unexplained(FIRST_OF_NOVEMBER)


@act
def execute(statement: str) -> None:
    db.session.execute(text(statement))


def test_verify_says_that_a_closed_month_is_no_longer_what_it_was(rice: MadeProduct) -> None:
    sell((rice.sku, 1), on=IN_OCTOBER)
    close(OCTOBER)
    assert_books_are_sound()
    smuggle()
    with reading():
        wrong = {check.name for check in verify() if not check.ok}
    assert "closed_months_stand" in wrong


@act
def smuggle() -> None:
    """A figure changed behind the triggers' back."""
    name = "month_balances_no_update"
    is_postgresql = db.session().get_bind().dialect.name == "postgresql"
    db.session.execute(text(f"drop trigger {name}" + (" on month_balances" if is_postgresql else "")))
    db.session.execute(text("update month_balances set balance_fen = balance_fen + 1"))


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


def test_a_close_racing_an_open_sale_has_it_whole_or_not_at_all(app: Flask, rice: MadeProduct, provider: FakeProvider) -> None:
    """The payment is confirmed at the last minute of October while the month is closed at the first of November."""
    last, first = datetime(2026, 10, 31, 15, 59, tzinfo=UTC), datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
    sell((rice.sku, 1), on=IN_OCTOBER)
    drain(OCTOBER)
    numbers = []
    for _ in range(4):
        number = place({rice.sku: 1}, now=last).number
        start_payment(number, now=last)
        provider.pay()
        numbers.append(number)
    ends = at_once(
        app,
        *(lambda number=number: check_order_payments(number, now=last) for number in numbers),
        lambda: close_until_done(first),  # type: ignore[misc]  # a default binds it
    )
    assert set(ends) <= {OrderState.PAID, PeriodClosed, None}
    for number in numbers:
        check_order_payments(number, now=first + timedelta(minutes=1))
    with reading() as session:
        rows = session.execute(select(Order.number, Order.state, Order.sold_on).where(Order.number.in_(numbers))).all()
        closing = session.scalars(select(MonthClosing)).one()
        assert session.scalars(select(Period.closed_at).where(Period.month == OCTOBER)).one() is not None
    assert all(row.state is OrderState.PAID for row in rows), "what came too late for October is sold in November"
    in_october = [row for row in rows if row.sold_on == date(2026, 10, 31)]
    assert closing.entries == 1 + len(in_october)
    assert len(in_october) == sum(end is OrderState.PAID for end in ends)
    assert_books_are_sound()


def close_until_done(now: datetime) -> None:
    """Sales that slipped in before the lock are folded, and the month is closed at the next try."""
    while True:
        try:
            return close(OCTOBER, now=now)
        except MonthUnfinished:
            continue


@pytest.mark.parametrize("is_known", [True, False], ids=["a month with its row", "a month that the books never saw"])
def test_a_close_waits_for_what_is_being_booked_into_an_earlier_month(app: Flask, rice: MadeProduct, *, is_known: bool) -> None:
    if is_known:
        make_row("2026-09")
    sell((rice.sku, 1), on=IN_OCTOBER)
    drain(OCTOBER)
    is_booked, may_end = Event(), Event()

    def hold_on() -> None:
        is_booked.set()
        assert may_end.wait(10)

    def book() -> object:
        with app.app_context():
            return receive_unexplained(date(2026, 9, 30), hold_on)

    def close_october() -> object:
        with app.app_context():
            try:
                return close_month(OCTOBER, by=None, now=at(date(2026, 12, 31)))
            except ShopError as refusal:
                return str(refusal)

    with ThreadPoolExecutor(2) as threads:
        booking = threads.submit(book)
        assert is_booked.wait(10)
        closing = threads.submit(close_october)
        with pytest.raises(FutureTimeout):
            closing.result(0.3)  # nothing to see yet: it must wait, and not close
        may_end.set()
        booking.result(10)
        assert closing.result(10) == "2026-09", "what was booked meanwhile is seen"
    assert_books_are_sound()


@act
def make_row(month: str) -> None:
    db.session.add(Period(month=month))


@pytest.mark.parametrize("is_known", [True, False], ids=["a month with its row", "a month that the books never saw"])
def test_what_is_booked_into_an_earlier_month_while_a_later_one_closes_is_refused(
    app: Flask, rice: MadeProduct, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    if is_known:
        make_row("2026-09")
    sell((rice.sku, 1), on=IN_OCTOBER)
    drain(OCTOBER)
    is_closing, may_end, freeze = Event(), Event(), closing.freeze

    def freeze_slowly(month: str, *, by: UserId | None, now: datetime) -> None:
        freeze(month, by=by, now=now)
        is_closing.set()
        assert may_end.wait(10)

    monkeypatch.setattr(closing, "freeze", freeze_slowly)

    def close_october() -> None:
        with app.app_context():
            close_month(OCTOBER, by=None, now=at(date(2026, 12, 31)))

    def book() -> object:
        with app.app_context():
            try:
                return receive_unexplained(date(2026, 9, 30))
            except ShopError as refusal:
                return str(refusal)

    with ThreadPoolExecutor(2) as threads:
        close = threads.submit(close_october)
        assert is_closing.wait(10)
        booking = threads.submit(book)
        with pytest.raises(FutureTimeout):
            booking.result(0.3)
        may_end.set()
        close.result(10)
        assert booking.result(10) == "2026-09"
    assert_books_are_sound()
