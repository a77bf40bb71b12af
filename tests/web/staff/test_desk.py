"""What needs a person, and that it leaves the desk when its cause is gone."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from shop.acts.confirm_payment import check_order_payments
from shop.acts.lapse_unpaid import lapse_unpaid
from shop.acts.place_order import Wishes
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.settle_cooperative import draft_settlement
from shop.acts.settle_refund import settle_refund
from shop.acts.ship_parcel import ship_parcel
from shop.acts.start_payment import start_payment
from shop.extensions import act, db, reading
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import CorrectionId, RefundId
from shop.ledger.dividing import approve, decide_rule
from shop.ledger.models import RuleDecision
from shop.ledger.settlements import cancel_settlement
from shop.outbox.models import Letter
from shop.papers.fapiao import FapiaoWanted
from shop.papers.models import FapiaoKind, PermitKind
from shop.papers.permits import record_permit
from shop.payments.models import RefundState
from shop.reports.desk import Desk, read_desk
from shop.reports.desk_piles import PileKind, read_piles
from shop.reports.order_story import OrderStory, get_story
from shop.stock.corrections import reject
from tests.books import sell
from tests.browser import Browser
from tests.correcting import make_correcting
from tests.dividends import IN_DECEMBER, close, compute_to, make_rule, make_season, propose, sell_by_hand
from tests.factories import MadeProduct, make_cooperative, make_lot, make_product, make_village, write_off
from tests.providers import FakeProvider, Verb
from tests.shopping import buy, picks_of, place
from tests.statements import count_statements
from tests.vouchers import a_voucher


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product, units=10)
    return product


def desk_now() -> Desk:
    """The desk as it stands now."""
    with reading():
        return read_desk(utc_now())


def told(number: str) -> OrderStory:
    """The order as it stands now."""
    with reading():
        return get_story(number)


def test_an_empty_desk_says_so(office: Browser) -> None:
    page = office.open("/staff/")
    assert page.status == 200 and "桌面是空的" in page.text and "没有要人看的" in page.text


def test_the_figures_of_the_day_are_those_of_the_books(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    buy(provider, {rice.sku: 2}, now=utc_now())
    place({rice.sku: 1}, now=utc_now())
    figures = desk_now().figures
    assert (figures.paid_today, figures.to_ship, figures.late_parcels, figures.awaiting_payment) == (1, 1, 0, 1)
    assert figures.month_net_fen == 13_600 and figures.paid_today_fen >= 13_600
    assert "136.00" in office.open("/staff/").text


def test_money_that_is_not_what_was_asked_needs_a_person(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    placed = place({rice.sku: 1}, now=utc_now())
    start_payment(placed.number, now=utc_now())
    provider.pay(amount_fen=1_00)
    check_order_payments(placed.number, now=utc_now())
    page = office.open("/staff/")
    assert "收到 ¥1.00，要的是" in page.text and placed.number in page.text and "查这笔" in page.text
    assert f'href="/staff/orders/{placed.number}#payments"' in page.html


def test_a_failed_refund_stays_until_it_is_asked_again(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    placed = buy(provider, {rice.sku: 2}, now=utc_now())
    wanted = RefundWanted(units={picks_of(placed.number)[0].id: 1}, reason="破损")
    provider.refuse(Verb.REFUND)
    refund_order(placed.number, wanted, once="first", by=None, now=utc_now())
    assert "支付方没有退成 ¥68.00" in office.open("/staff/").text
    refund_order(placed.number, wanted, once="second", by=None, now=utc_now())
    assert "没有退成" not in office.open("/staff/").text


def test_money_that_came_too_late_stands_there_until_it_is_back(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    early = utc_now() - timedelta(hours=3)
    late = place({rice.sku: 10}, now=early)
    start_payment(late.number, now=early)
    session_id = provider.last_session_id
    lapse_unpaid(now=utc_now() - timedelta(hours=1))
    buy(provider, {rice.sku: 1}, now=utc_now())
    provider.first_refund_state = RefundState.PENDING
    provider.pay_late(session_id)
    check_order_payments(late.number, now=utc_now())
    page = office.open("/staff/")
    assert "留货过时才付款，货已卖完" in page.text and late.number in page.text
    provider.finish_refund(provider.last_refund_id)
    settle_refund(RefundId(told(late.number).refunds[0].refund_id), now=utc_now())
    assert late.number not in office.open("/staff/").text


def test_parcels_that_should_have_left_are_named_once_for_each_order(provider: FakeProvider, office: Browser) -> None:
    skus = []
    for name in ("甲村", "乙村"):
        village = make_village(name)
        product = make_product(f"{name}米", village=village, cooperative=make_cooperative(f"{name}合作社", villages=(village,)))
        make_lot(product, units=5)
        skus.append(product.sku)
    fresh = buy(provider, {skus[0]: 1}, now=utc_now() - timedelta(hours=47))
    late = buy(provider, dict.fromkeys(skus, 1), now=utc_now() - timedelta(hours=73))
    page = office.open("/staff/")
    assert "甲村合作社、乙村合作社，付款 3 天还没发" in page.text and fresh.number not in page.text
    assert page.text.count(late.number) == 1
    for shipment in told(late.number).shipments:
        ship_parcel(shipment.shipment_id, carrier="中国邮政", tracking_number="EM1064", by=None, now=utc_now())
    assert late.number not in office.open("/staff/").text


def test_lots_that_expire_within_a_fortnight_stand_there_while_units_are_left(rice: MadeProduct, office: Browser) -> None:
    today = business_day(utc_now())
    soon = make_lot(rice, units=4, best_before=today + timedelta(days=14), harvested_on=today - timedelta(days=90), code="BS-SOON")
    make_lot(rice, units=4, best_before=today + timedelta(days=15), harvested_on=today - timedelta(days=90), code="BS-LATER")
    make_lot(rice, units=3, best_before=today - timedelta(days=1), harvested_on=today - timedelta(days=90), code="BS-GONE")
    page = office.open("/staff/")
    assert "BS-SOON" in page.text and "剩 4 件" in page.text and "BS-LATER" not in page.text
    assert "BS-GONE" in page.text and "已自动下架" in page.text
    write_off(soon.item_id, 4)
    assert "BS-SOON" not in office.open("/staff/").text


def test_a_letter_that_could_not_be_delivered_asks_for_a_call(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    placed = buy(provider, {rice.sku: 1}, now=utc_now())
    give_up(placed.number)
    page = office.open("/staff/")
    assert "「收到你的钱了」没有送到" in page.text and "550 no such user" in page.text


@act
def give_up(number: str) -> None:
    db.session.execute(update(Letter).where(Letter.subject == number).values(given_up_at=utc_now(), trouble="550 no such user"))


def test_the_desk_asks_the_same_number_of_statements_however_much_there_is(rice: MadeProduct, provider: FakeProvider) -> None:
    with count_statements() as before:
        desk_now()
    for _ in range(3):
        give_up(buy(provider, {rice.sku: 1}, now=utc_now() - timedelta(days=5)).number)
    with count_statements() as after:
        desk = desk_now()
    assert desk.count >= 3
    assert len(before) == len(after) == 31


def test_auditor_lin_sees_the_desk_too_in_english(rice: MadeProduct, provider: FakeProvider, lin: Browser) -> None:
    give_up(buy(provider, {rice.sku: 1}, now=utc_now() - timedelta(days=5)).number)
    with lin.client.session_transaction() as session:
        session["locale"] = "en"
    page = lin.open("/staff/")
    assert page.status == 200 and '<html lang="en">' in page.html


def test_what_waits_for_a_second_person_stands_there_until_it_is_decided(app: Flask, office: Browser) -> None:
    season = make_season()
    make_rule(season)
    sell_by_hand(season, 10, on=date(2026, 9, 5))
    waiting_rule = propose(season, starts_on=date(2027, 1, 1), name="721")
    sheet_id = compute_to(season, date(2026, 9, 30))
    draft_settlement(season.cooperative.id, last_day=date(2026, 9, 30), by=season.staff.id, once="draft", now=IN_DECEMBER)
    make_correcting(season.rice, season.lot)
    desk = desk_now()
    assert (len(desk.drafts), len(desk.rules), len(desk.sheets), len(desk.corrections)) == (1, 1, 1, 1)
    page = office.open("/staff/").text
    assert "提了一条分红规则" in page and "721，第 2 版" in page
    assert desk.drafts[0].number in page and "等另一个人批准" in page and f"批次 {season.lot.code}，有人说记错了" in page
    again = compute_to(season, date(2026, 9, 30))
    assert [sheet.id for sheet in desk_now().sheets] == [again] != [sheet_id], "one computed later takes its place"
    decide_rule(waiting_rule, RuleDecision.REFUSED, by=season.finance.id, now=IN_DECEMBER, reason="没有签字")
    close("2026-08", "2026-09", now=IN_DECEMBER)
    approve(again, by=season.finance.id, now=IN_DECEMBER)
    reject(CorrectionId(desk.corrections[0].id), word="磅单没错", by=season.finance.id, now=IN_DECEMBER)
    cancel_settlement(desk.drafts[0].number, by=season.finance.id, now=IN_DECEMBER)
    desk = desk_now()
    assert (desk.drafts, desk.rules, desk.sheets, desk.corrections) == ((), (), (), ())


def test_piles_stand_with_their_count_until_they_are_worked_through(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    wish = Wishes(fapiao=FapiaoWanted(FapiaoKind.PERSON, "示例", None, "a@example.test"))
    place({rice.sku: 1}, wishes=wish, now=utc_now())
    assert not desk_now().piles, "nobody issues a fapiao for what is not paid"
    buy(provider, {rice.sku: 1}, wishes=wish, now=utc_now())
    a_voucher(last_day=business_day(utc_now()) + timedelta(days=3))
    a_voucher()
    assert [(pile.kind, pile.count) for pile in desk_now().piles] == [(PileKind.FAPIAO, 1), (PileKind.VOUCHERS, 1)]
    page = office.open("/staff/")
    assert "1 单付了款，等开发票" in page.text and "1 个优惠码快到期" in page.text and "要人看的 2 件" in page.text


def test_a_licence_that_ends_soon_waits_until_there_is_a_newer_one(rice: MadeProduct) -> None:
    today = business_day(utc_now())

    def bring(days: int) -> None:
        dates = {"first_day": date(2026, 1, 1), "last_day": today + timedelta(days=days)}
        named = {"number": "示例", "issuer": "示例", "scope": ""}
        record_permit(rice.cooperative_id, PermitKind.BUSINESS, **named, **dates, picture=None, is_sample=True, by=None, now=utc_now())  # type: ignore[arg-type]

    bring(20)
    assert [(pile.kind, pile.count, pile.since) for pile in desk_now().piles] == [(PileKind.PERMITS, 1, today + timedelta(days=20))]
    bring(400)
    assert not desk_now().piles


def test_a_month_that_is_over_waits_to_be_closed(rice: MadeProduct, office: Browser) -> None:
    today = business_day(utc_now())
    last_month = today.replace(day=1) - timedelta(days=1)
    sell((rice.sku, 1), on=last_month)
    day_eleven = datetime.combine(today.replace(day=11), time(12), tzinfo=UTC)
    assert not read_months(day_eleven - timedelta(days=2))
    assert read_months(day_eleven) == [(1, last_month.replace(day=1))]


def read_months(now: datetime) -> list[tuple[int, date | None]]:
    with reading():
        return [(pile.count, pile.since) for pile in read_piles(now) if pile.kind is PileKind.MONTHS]
