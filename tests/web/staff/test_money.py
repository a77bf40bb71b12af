"""Money at the provider, as staff see it: differences with what to do, what nobody has explained, disputes; and who may say what."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from structlog.testing import capture_logs

from shop.accounts.roles import Role
from shop.acts.find_refunds import PATIENCE, find_refunds_made_elsewhere
from shop.acts.follow_account import follow_disputes, follow_movements, follow_payouts
from shop.acts.refund_order import RefundWanted, refund_order
from shop.extensions import act, db, reading
from shop.kit.clock import business_day, utc_now
from shop.outbox.models import AuditRow
from shop.payments import service as payments
from shop.payments.models import BalanceKind, DifferenceKind, Payment, PaymentState, Refund, RefundState, SuspenseItem
from shop.reports.desk import read_desk
from shop.reports.order_story import get_story
from shop.reports.provider_money import find_overdue, read_money, warn_of_overdue
from tests.browser import Browser
from tests.factories import MadeProduct, make_auditor_lin, make_lot, make_product, make_user, sign_in
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, pay, place
from tests.statements import count_statements

HOME = "/staff/money/"


@pytest.fixture
def rice(app: Flask, provider: FakeProvider) -> MadeProduct:
    """白水贡米; the provider's clock is right."""
    provider.clock = utc_now()
    product = make_product()
    make_lot(product, units=20)
    return product


@pytest.fixture
def finance(app: Flask) -> Browser:
    """Somebody of the finance office."""
    client = app.test_client()
    sign_in(client, make_user("Finance", roles=[Role.FINANCE]))
    return Browser(client)


def follow() -> None:
    """What the worker follows."""
    now = utc_now()
    follow_movements(now=now)
    follow_disputes(now=now)
    follow_payouts(now=now)


def today() -> dict[str, str]:
    """The form that compares this day alone."""
    day = business_day(utc_now()).isoformat()
    return {"since": day, "until": day}


def intent(provider: FakeProvider) -> str:
    """The provider's name for the last payment."""
    found = provider.sessions[provider.last_session_id].intent_id
    assert found is not None
    return found


def test_before_anything_was_compared_the_page_says_so(finance: Browser) -> None:
    page = finance.open(HOME)
    assert page.status == 200 and "还没有核对过" in page.text and "支付方还没有打过款" in page.text


def test_compared_and_the_same_it_says_that_all_agrees(rice: MadeProduct, provider: FakeProvider, finance: Browser) -> None:
    buy(provider, {rice.sku: 1}, now=utc_now())
    payout = provider.pay_out()
    follow()
    finance.open(HOME)
    page = finance.press("/staff/money/compare", "现在核对", today())
    assert "核对了，两边完全一样" in page.text and "完全一样" in page.text
    assert payout in page.text and "到银行了" in page.text


def test_what_differs_stands_under_its_day_with_what_to_do_and_goes_when_it_is_mended(
    rice: MadeProduct, provider: FakeProvider, finance: Browser
) -> None:
    order = buy(provider, {rice.sku: 1}, now=utc_now())
    finance.open(HOME)
    page = finance.press("/staff/money/compare", typed=today())
    assert "1 处不同" in page.text and "我们没有" in page.text and order.number in page.text and "几分钟后会自动取来" in page.text
    assert "与支付方 1 处不同" in finance.open("/staff/").text
    follow()
    finance.open(HOME)
    assert "完全一样" in finance.press("/staff/money/compare", typed=today()).text
    assert "与支付方 1 处不同" not in finance.open("/staff/").text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"since": "", "until": "2026-11-01"}, "写从哪天起"),
        ({"since": "2026-11-01", "until": "2099-01-01"}, "这一天还没到"),
        ({"since": "2026-09-01", "until": "2026-11-01"}, "最多 31 天"),
        ({"since": "昨天", "until": "2026-11-01"}, "写年-月-日"),
    ],
)
def test_days_that_cannot_be_compared_are_told_beside_the_field(finance: Browser, typed: dict[str, str], said: str) -> None:
    finance.open(HOME)
    page = finance.press("/staff/money/compare", typed=typed)
    assert page.status == 422 and said in page.text and f'value="{typed["until"]}"' in page.html


def test_a_silent_provider_is_no_difference(rice: MadeProduct, provider: FakeProvider, finance: Browser) -> None:
    provider.account_is_down = True
    finance.open(HOME)
    assert "支付方没有回话" in finance.press("/staff/money/compare", typed=today()).text


def test_what_nobody_knows_is_explained_in_words_that_stay(rice: MadeProduct, provider: FakeProvider, finance: Browser) -> None:
    buy(provider, {rice.sku: 1}, now=utc_now())
    provider.move(BalanceKind.UNKNOWN, -500, word="climate_order_purchase")
    follow()
    assert "支付方动了 1 笔不认得的钱" in finance.open("/staff/").text
    assert "climate_order_purchase" in finance.open(HOME).text
    with reading() as session:
        address = f"/staff/money/suspense/{session.scalars(select(SuspenseItem.id)).one()}"
    finance.open(address)
    page = finance.press(address, typed={"to": "fees", "explanation": "x"})
    assert page.status == 422 and "让以后查账的人看得懂" in page.text
    page = finance.press(address, typed={"to": "fees", "explanation": "误开的气候捐款，已关"})
    assert page.status == 200 and "已经查明" in page.text and "误开的气候捐款，已关" in page.text
    assert "不认得的钱" not in finance.open("/staff/").text
    with reading() as session:
        facts = session.scalars(select(AuditRow.facts).where(AuditRow.action == "suspense.cleared")).one()
    assert facts["explanation"] == "误开的气候捐款，已关" and facts["amount_fen"] == 500
    assert_books_are_sound()


def test_a_refund_that_no_order_can_take_stands_on_the_desk_until_somebody_says_who_bears_it(
    rice: MadeProduct, provider: FakeProvider, finance: Browser
) -> None:
    placed = buy(provider, {rice.sku: 2}, now=utc_now())
    with reading():
        line_id = get_story(placed.number).lines[0].line_id
    refund_order(placed.number, RefundWanted(amounts={line_id: 2 * 68_00}, by_transfer=True), once="1", by=None, now=utc_now())
    provider.refund_at_dashboard(68_00)
    follow()
    find_refunds_made_elsewhere(now=utc_now() + PATIENCE + timedelta(minutes=1))
    desk = finance.open("/staff/")
    assert "在支付方后台退了 ¥68.00，这一单没有这么多可退" in desk.text and "不认得的钱" not in desk.text
    with reading() as session:
        address = f"/staff/money/suspense/{session.scalars(select(SuspenseItem.id)).one()}"
    assert address in desk.html, "its one next step"
    assert "这一单记不下" in finance.open(f"/staff/orders/{placed.number}").text
    finance.open(HOME)
    finance.press("/staff/money/compare", typed=today())
    with reading():
        kinds = [difference.kind for day in read_money(business_day(utc_now())).days for difference in day.differences]
    assert DifferenceKind.MISSING_HERE not in kinds and DifferenceKind.SUSPENSE in kinds, "it is known, and not explained"
    finance.open(address)
    finance.press(address, typed={"to": "fees", "explanation": "客服在后台又退了一次，平台承担"})
    assert "这一单没有这么多可退" not in finance.open("/staff/").text
    assert_books_are_sound()


def test_an_auditor_reads_everything_and_can_say_nothing(app: Flask, rice: MadeProduct, provider: FakeProvider) -> None:
    provider.move(BalanceKind.UNKNOWN, -500)
    buy(provider, {rice.sku: 1}, now=utc_now())
    follow()
    client = app.test_client()
    sign_in(client, make_auditor_lin())
    lin = Browser(client)
    assert not [form for form in lin.open(HOME).forms if form.action.startswith(HOME)]
    with reading() as session:
        item = session.scalars(select(SuspenseItem.id)).one()
    page = lin.open(f"/staff/money/suspense/{item}")
    assert page.status == 200 and "由财务查明" in page.text and not [form for form in page.forms if form.action.startswith(HOME)]
    assert lin.open("/staff/money/suspense/999").status == 404


def test_a_dispute_is_on_the_desk_the_list_and_the_order_and_its_refund_is_refused(
    rice: MadeProduct, provider: FakeProvider, finance: Browser
) -> None:
    order = buy(provider, {rice.sku: 2}, now=utc_now())
    assert "没有拒付" in finance.open("/staff/money/disputes").text
    stale = finance.open(f"/staff/orders/{order.number}")  # open before the dispute came
    dispute = provider.open_dispute(intent(provider), order.total_fen)
    follow()
    (units,) = [name for name, _value in stale.form(f"/staff/orders/{order.number}/refund").fields if name.startswith("units")]
    page = finance.press(f"/staff/orders/{order.number}/refund", typed={units: "1"})
    assert "买家的银行正在拒付" in page.text

    assert "买家的银行要回" in finance.open("/staff/").text
    page = finance.open("/staff/money/disputes")
    assert order.number in page.text and "等我们举证" in page.text and "说没收到货" in page.text and "暂扣村里 ¥136.00" in page.text
    page = finance.open(f"/staff/orders/{order.number}")
    assert "定下来以前不能退款" in page.text and not [form for form in page.forms if form.action.endswith("/refund")]

    provider.close_dispute(dispute, won=False)
    follow_disputes(now=utc_now() + timedelta(hours=1))
    assert "买家的银行要回" not in finance.open("/staff/").text
    assert "判给买家" in finance.open("/staff/money/disputes").text
    assert "还没寄的别寄了" in finance.open(f"/staff/orders/{order.number}").text
    assert finance.open(f"/orders/{order.number}?key={order.key}").status == 200
    assert_books_are_sound()


def test_an_exchanged_movement_is_shown_on_its_order_with_both_currencies(
    rice: MadeProduct, provider: FakeProvider, finance: Browser
) -> None:
    provider.settles_in = "HKD"
    order = buy(provider, {rice.sku: 1}, now=utc_now())
    follow()
    page = finance.open(f"/staff/orders/{order.number}")
    assert page.status == 200 and "支付方到账，换汇" in page.text and "港币" in page.text and "balance/stripe" in page.text
    assert "HKD" in finance.open(HOME).text


def test_the_pages_ask_as_often_however_much_there_is(rice: MadeProduct, provider: FakeProvider) -> None:
    buy(provider, {rice.sku: 1}, now=utc_now())
    follow()
    day = business_day(utc_now())
    with reading(), count_statements() as few:
        read_money(day)
    for _ in range(3):
        buy(provider, {rice.sku: 1}, now=utc_now())
        provider.move(BalanceKind.UNKNOWN, -1)
        provider.pay_out()
    follow()
    with reading(), count_statements() as many:
        read_money(day)
    assert len(few) == len(many)


@act
def age(model: type, **values: object) -> None:
    """Long ago."""
    db.session.execute(update(model).values(**values))


def test_what_takes_too_long_is_on_the_desk_and_in_the_log_without_names(app: Flask, rice: MadeProduct, provider: FakeProvider) -> None:
    now = utc_now()
    with reading():
        assert find_overdue(now) == ()
    placed = place({rice.sku: 1}, now=now)
    pay(provider, placed.number, now=now)
    long_ago = now - timedelta(days=11)
    age(Payment, state=PaymentState.OPEN, expires_at=long_ago, next_check_at=now)
    payments.keep_event(provider="stripe", event_id="evt_1", kind="test", object_id=None, happened_at=long_ago, now=long_ago)
    with reading():
        (payment,) = payments.attempts_for(placed.number)

    @act
    def refund() -> None:
        payments.record_refund(payment.id, 100, once="old", reason="", now=long_ago)

    refund()
    with reading():
        assert {overdue.kind: overdue.count for overdue in find_overdue(now)} == {"payments": 1, "refunds_unsent": 1, "events": 1}
        assert read_desk(now).providers.overdue
    age(Refund, state=RefundState.PENDING)
    with capture_logs() as logs:
        assert warn_of_overdue(now=now) == 3
    assert {entry["kind"] for entry in logs} == {"payments", "refunds", "events"}
    assert placed.number not in str(logs) and "梅" not in str(logs)
