"""Orders at the staff's desk: found, read to the last posting, sent, refunded to the fen."""

import re
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from shop.accounts.models import User
from shop.acts.place_order import Wishes
from shop.extensions import reading
from shop.kit.clock import business_day, utc_now
from shop.orders.models import Channel, OrderNote
from shop.outbox.models import AuditRow
from shop.papers.fapiao import FapiaoWanted
from shop.papers.models import FapiaoKind
from shop.reports.order_story import OrderStory, get_story
from shop.reports.staff_orders import Wanted, find_orders, read_behind
from tests.books import sell
from tests.browser import Browser
from tests.factories import MadeProduct, Person, make_cooperative, make_lot, make_mei, make_product, make_village
from tests.providers import FakeProvider, Verb
from tests.shopping import assert_books_are_sound, buy, place
from tests.statements import count_statements
from tests.vouchers import a_voucher


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米: two bags of a lot of 白水村, then a lot of 700 kg from 白水村 and 300 kg from 高坝田村."""
    baishui, gaobatian = make_village(), make_village("高坝田村", town="坝黄镇")
    product = make_product(cooperative=make_cooperative(villages=(baishui, gaobatian)))
    make_lot(product, units=2, best_before=date(2098, 1, 1), code="BS2610A")
    make_lot(product, units=100, sources=[(baishui, 700_000), (gaobatian, 300_000)], code="BS2610B")
    return product


@pytest.fixture
def number(rice: MadeProduct, provider: FakeProvider) -> str:
    """Mei's paid order of three bags, to a far place, so that its carriage costs something."""
    return buy(provider, {rice.sku: 3}, now=utc_now(), **FAR_AWAY).number


FAR_AWAY = {"district_code": "650102", "region": "新疆维吾尔自治区乌鲁木齐市天山区"}


def told(number: str) -> OrderStory:
    """The order as it stands now."""
    with reading():
        return get_story(number)


def pick_field(story: OrderStory, place: int) -> str:
    """The refund form's field for the units of a pick."""
    return f"units-{story.lines[0].picks[place].pick_id}"


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_found_by_number_telephone_or_name(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    mine = buy(provider, {rice.sku: 1}, name="梅女士", phone="13800002207", now=utc_now())
    other = buy(provider, {rice.sku: 1}, name="李先生", phone="13911112222", now=utc_now())
    for query in ("梅女士", "138 0000 2207", "+86 13800002207", mine.number[-6:], f" {mine.number[-6:].lower()}"):
        page = office.open("/staff/orders/?q=" + query.replace("+", "%2B"))
        assert mine.number in page.text and other.number not in page.text, query
    assert office.open(f"/staff/orders/?q={mine.number.lower()}").path == f"/staff/orders/{mine.number}", "a whole number opens its order"
    for query in ("梅", "1380000", "%", "_", "SH-"):
        assert "没有这样的订单" in office.open(f"/staff/orders/?q={query}").text
    assert "138****2207" in office.open("/staff/orders/").text and "13800002207" not in office.page.html


def test_the_list_narrows_by_state_channel_and_day(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    paid = buy(provider, {rice.sku: 1}, now=utc_now()).number
    waiting = place({rice.sku: 1}, now=utc_now()).number
    fair = sell((rice.sku, 1), channel=Channel.OFFLINE, on=date(2026, 11, 1)).number

    def listed(query: str) -> set[str]:
        text = office.open(f"/staff/orders/?{query}").text
        return {number for number in (paid, waiting, fair) if number in text}

    today = business_day(utc_now())
    assert listed("") == {paid, waiting, fair}
    assert listed("state=paid") == {paid}
    assert listed("state=awaiting_payment") == {waiting}
    assert listed("channel=offline") == {fair}
    assert listed("from=2026-11-01&to=2026-11-01") == {fair}
    assert listed(f"channel=online&from={today}&to={today}") == {paid, waiting}
    assert office.open("/staff/orders/?state=lost").status == 422
    page = office.open("/staff/orders/?from=2026-11-31&q=梅")
    assert page.status == 422 and page.form("/staff/orders/").values("from") == ["2026-11-31"] and "写年-月-日" in page.text


def test_an_order_is_found_by_its_waybill_and_by_its_buyers_account(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    mei = make_mei()
    mine = buy(provider, {rice.sku: 1}, buyer_id=mei.id, email="gift@example.test", now=utc_now()).number
    other = buy(provider, {rice.sku: 1}, now=utc_now()).number
    office.open(f"/staff/orders/{mine}")
    [shipment] = told(mine).shipments
    action = f"/staff/orders/{mine}/parcels/{shipment.shipment_id}/ship"
    office.press(action, typed={"carrier": "顺丰速运", "tracking_number": "SF1234567890123"})
    with reading() as session:
        address = session.scalars(select(User.email).where(User.id == mei.id)).one()
    for query in ("SF1234567890123", "sf123 4567890123", "gift@example.test", f"{address}"):
        page = office.open(f"/staff/orders/?q={query}")
        assert mine in page.text and other not in page.text, query


def test_the_list_narrows_by_cooperative_method_fapiao_and_voucher(rice: MadeProduct, provider: FakeProvider, app: Flask) -> None:
    tea = make_product("菊花茶", cooperative=make_cooperative("乙社"))
    make_lot(tea, units=9)
    code = a_voucher(minimum_fen=0)
    plain = buy(provider, {rice.sku: 1}, now=utc_now()).number
    wishes = Wishes(voucher_codes=(code,), fapiao=FapiaoWanted(FapiaoKind.PERSON, "示例", None, "a@example.test"))
    wished = buy(provider, {tea.sku: 1, rice.sku: 1}, wishes=wishes, now=utc_now()).number
    waiting = place({rice.sku: 1}, now=utc_now()).number

    def listed(**wanted: object) -> set[str]:
        with reading():
            return {row.number for row in find_orders(Wanted(**wanted)).rows}  # type: ignore[arg-type]

    assert listed(cooperative_id=tea.cooperative_id) == {wished}
    assert listed(method="alipay") == {plain, wished} and listed(method="card") == set()
    assert listed(fapiao="asked") == {wished} and listed(fapiao="issued") == set()
    assert listed(fapiao="none") == {plain, waiting}
    assert listed(voucher=code.lower()) == {wished} and listed(voucher="NOSUCH") == set()


def test_the_list_turns_pages_with_two_statements(rice: MadeProduct, app: Flask) -> None:
    numbers = [sell((rice.sku, 1), on=date(2026, 11, 1) + timedelta(days=day)).number for day in range(5)]
    with count_statements() as statements:
        second = find_orders(Wanted(), page=2, page_size=2)
    assert len(statements) == 2
    assert (second.count, second.page, second.pages) == (5, 2, 3)
    assert [row.number for row in second.rows] == [numbers[2], numbers[1]]
    assert find_orders(Wanted(), page=99, page_size=2).page == 3


def test_a_shop_without_orders_says_so(office: Browser) -> None:
    assert "还没有订单" in office.open("/staff/orders/").text


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_picks_postings_and_a_balance_of_nought(number: str, office: Browser) -> None:
    page = office.open(f"/staff/orders/{number}")
    assert page.status == 200
    for words in ("BS2610A", "BS2610B", "高坝田村 30%", "支付方待结", "clearing/stripe", "代收运费，不属于村", "借 − 贷 = 0.00", "支付宝"):
        assert words in page.text, words
    told_id = told(number).id
    with reading():
        entries = read_behind(told_id, number).entries
    assert [entry.balance_fen for entry in entries] == [0]
    assert sum(posting.amount_fen for posting in entries[0].postings) == 0


def test_the_page_asks_the_same_number_of_statements_however_much_was_bought(
    rice: MadeProduct, number: str, provider: FakeProvider, office: Browser
) -> None:
    other = make_product("花生", cooperative=make_cooperative("乙社"))
    make_lot(other, units=9)
    big = buy(provider, {rice.sku: 9, other.sku: 4}, now=utc_now()).number
    counts = []
    for one in (number, big):
        with count_statements() as statements:
            assert office.open(f"/staff/orders/{one}").status == 200
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 18


def test_orders_of_every_kind_can_be_read(rice: MadeProduct, provider: FakeProvider, office: Browser, lin: Browser) -> None:
    waiting = place({rice.sku: 1}, now=utc_now()).number
    fair = sell((rice.sku, 1), channel=Channel.OFFLINE, district_code="", region="").number
    for one in (waiting, fair):
        page = office.open(f"/staff/orders/{one}")
        assert page.status == 200 and "算一算" not in page.text, "nothing can go back through a provider"
    with lin.client.session_transaction() as session:
        session["locale"] = "en"
    assert '<html lang="en">' in lin.open(f"/staff/orders/{fair}").html


@pytest.mark.parametrize("wrong", ["SH-000000-000000", "x", "SH-261123-%00AAAA", "sh-261123-7k3m9p", "' or 1=1"])
def test_an_order_that_is_not_there_is_not_there(wrong: str, office: Browser) -> None:
    assert office.open(f"/staff/orders/{wrong}").status == 404


def test_the_trail_says_what_was_picked_and_who_by_role_never_by_name(number: str, office: Browser, clerk: Person) -> None:
    shipment = told(number).shipments[0].shipment_id
    office.open(f"/staff/orders/{number}")
    page = office.press(
        f"/staff/orders/{number}/parcels/{shipment}/ship", typed={"carrier": "顺丰速运", "tracking_number": "SF1234567890123"}
    )
    for words in ("留货：白水贡米 3 袋", "拣货卖出：白水贡米 3 袋", "批次 BS2610A × 2、BS2610B × 1", "交寄，顺丰速运", "运营"):
        assert words in page.text, words
    with reading() as session:
        name = session.scalars(select(User.name).where(User.id == clerk.id)).one()
    assert name not in page.text.split("经过，")[1]


def test_a_note_stays_as_it_is_and_is_emptied_with_its_buyer(number: str, office: Browser, lin: Browser) -> None:
    office.open(f"/staff/orders/{number}")
    action = f"/staff/orders/{number}/notes"
    once = office.page.form(action).values("once")[0]
    page = office.send(action, {"words": "  梅女士要下周一\n再寄 ", "once": once})
    assert "梅女士要下周一 再寄" in page.text and "备注" in page.text
    office.send(action, {"words": "梅女士要下周一再寄", "once": once})
    page = office.send(action, {"words": " ", "once": "2"})
    assert page.status == 422 and "写上要记的话" in page.text
    page = office.send(action, {"words": "长" * 401, "once": "2"})
    assert page.status == 422 and "长" * 400 in page.text, "what was typed is kept"
    assert not [form for form in lin.open(f"/staff/orders/{number}").forms if form.action.startswith(action)], "Lin only reads"
    with reading() as session:
        notes = session.scalars(select(OrderNote)).all()
        assert len(notes) == 1, "sent twice, it is one"
    for wrong in (update(OrderNote).values(words="别的"), delete(OrderNote)):
        with pytest.raises(DBAPIError), reading() as session:
            session.execute(wrong)
    with reading() as session:
        session.execute(update(OrderNote).values(words=""))


def test_the_whole_number_is_shown_for_a_reason_that_stays_in_the_audit(number: str, office: Browser, clerk: Person) -> None:
    phone = told(number).phone
    page = office.open(f"/staff/orders/{number}")
    assert phone not in page.html
    page = office.press(f"/staff/orders/{number}/phone", typed={"why": "buyer_asked"})
    assert phone in page.text
    assert phone not in office.open(f"/staff/orders/{number}").html, "the next look is another row"
    assert "看了买家的完整号码：买家来电核对" in office.page.text
    with reading() as session:
        row = session.execute(select(AuditRow.by_user_id, AuditRow.action, AuditRow.facts).where(AuditRow.subject == number)).one()
    assert (row.by_user_id, row.action, row.facts) == (clerk.id, "order.phone_shown", {"why": "buyer_asked"})
    assert phone not in office.send(f"/staff/orders/{number}/phone", {"why": "curious"}).html
    assert "先说为什么" in office.page.text


# ── Sending ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_parcel_is_sent_with_its_carrier_and_number_and_then_delivered(number: str, office: Browser) -> None:
    shipment = told(number).shipments[0].shipment_id
    parcel = f"/staff/orders/{number}/parcels/{shipment}"
    office.open(f"/staff/orders/{number}")
    page = office.press(f"{parcel}/ship", typed={"carrier": "中国邮政", "tracking_number": "em1064 2207 3cn"})
    assert "记下了：中国邮政 EM106422073CN" in page.text and "在路上" in page.text
    assert told(number).state == "shipped"
    page = office.press(f"{parcel}/deliver")
    assert "已签收" in page.text and told(number).state == "delivered"
    again = office.send(f"{parcel}/ship", {"carrier": "中国邮政", "tracking_number": "EM106422073CN"})
    assert "没有再记" in again.text and told(number).state == "delivered"


def test_a_parcel_without_carrier_or_number_stays_and_says_what_is_missing(number: str, office: Browser) -> None:
    shipment = told(number).shipments[0].shipment_id
    office.open(f"/staff/orders/{number}")
    page = office.press(f"/staff/orders/{number}/parcels/{shipment}/ship", typed={"tracking_number": "号"})
    assert page.status == 422 and "选一家快递公司" in page.text and "运单号只有字母和数字" in page.text
    assert page.form(f"/staff/orders/{number}/parcels/{shipment}/ship").values("tracking_number") == ["号"]
    assert told(number).state == "paid"


def test_a_parcel_of_another_order_is_not_there(number: str, rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    other = buy(provider, {rice.sku: 1}, now=utc_now()).number
    shipment = told(other).shipments[0].shipment_id
    office.open(f"/staff/orders/{number}")
    sent = {"carrier": "中国邮政", "tracking_number": "EM106422073CN"}
    assert office.send(f"/staff/orders/{number}/parcels/{shipment}/ship", sent).status == 404
    assert office.send(f"/staff/orders/{number}/parcels/{shipment}/deliver", {}).status == 404
    assert told(other).state == "paid"


# ── Refunding ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refund_is_previewed_and_then_booked_exactly_so(number: str, office: Browser, provider: FakeProvider) -> None:
    story = told(number)
    office.open(f"/staff/orders/{number}")
    page = office.press(f"/staff/orders/{number}/refund", "算一算", {pick_field(story, 1): "１"})
    assert page.status == 200
    assert "退后" in page.text and "−47.60" in page.text and "−20.40" in page.text and "entry is-planned" in page.html
    assert told(number).refunded_goods_fen == 0, "a preview is never a booking"
    assert not provider.refunds
    page = office.press(f"/staff/orders/{number}/refund", "退 ¥68.00 到支付宝")
    assert "已退 ¥68.00" in page.text
    now = told(number)
    assert {village.village_name: village.refunded_fen for village in now.villages} == {"白水村": 4_760, "高坝田村": 2_040}
    assert [returned.reason for returned in now.returns] == ["破损或变质（质量问题）"]
    assert len(provider.refunds) == 1
    told_id = told(number).id
    with reading():
        entries = read_behind(told_id, number).entries
    assert [entry.balance_fen for entry in entries] == [0, 0]
    assert_books_are_sound()


def test_a_refund_sent_twice_is_one(number: str, office: Browser, provider: FakeProvider) -> None:
    story = told(number)
    office.open(f"/staff/orders/{number}")
    form = office.press(f"/staff/orders/{number}/refund", "算一算", {pick_field(story, 1): "1"}).form(f"/staff/orders/{number}/refund")
    sent = dict(form.fields) | {"do": "refund"}
    office.send(f"/staff/orders/{number}/refund", sent)
    second = office.send(f"/staff/orders/{number}/refund", sent)
    assert told(number).refunded_goods_fen == 6_800
    assert len(provider.refunds) == 1
    assert second.status == 422 and "最多还能退 0" in second.text


def test_a_sum_that_was_not_seen_is_shown_before_it_is_sent(number: str, office: Browser, provider: FakeProvider) -> None:
    story = told(number)
    office.open(f"/staff/orders/{number}")
    office.press(f"/staff/orders/{number}/refund", "算一算", {pick_field(story, 0): "1"})
    page = office.press(f"/staff/orders/{number}/refund", "退 ¥68.00", {pick_field(story, 0): "2"})
    assert "退 ¥136.00 到支付宝" in page.text and not provider.refunds
    office.press(f"/staff/orders/{number}/refund", "退 ¥136.00")
    assert told(number).refunded_goods_fen == 13_600


def test_money_goes_back_by_amount_and_shipping_without_touching_goods(rice: MadeProduct, office: Browser, provider: FakeProvider) -> None:
    number = buy(provider, {rice.sku: 1}, now=utc_now()).number
    story = told(number)
    office.open(f"/staff/orders/{number}")
    typed = {f"amount-{story.lines[0].line_id}": "￥１２.5", "shipping": f"{story.shipping_fen / 100:.2f}", "reason": "wrong"}
    page = office.press(f"/staff/orders/{number}/refund", "算一算", typed)
    total = f"{(1_250 + story.shipping_fen) / 100:.2f}"
    assert f"退 ¥{total} 到支付宝" in page.text and "代收运费退回" in page.text
    office.press(f"/staff/orders/{number}/refund", "退 ¥")
    now = told(number)
    assert (now.refunded_goods_fen, now.refunded_shipping_fen) == (1_250, story.shipping_fen)
    assert now.lines[0].picks[0].returned_units == 0
    assert_books_are_sound()


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("units", "4", "最多还能退 2 袋"),
        ("units", "-1", "写一个整数"),
        ("units", "一", "写一个整数"),
        ("units", "9999999", "写一个整数"),
        ("amount", "204.01", "最多还能退 ¥204.00"),
        ("amount", "1.234", "写元，最多两位小数"),
        ("amount", "-5", "写元，最多两位小数"),
        ("shipping", "1e3", "写元，最多两位小数"),
    ],
)
def test_what_cannot_go_back_is_said_beside_its_field_and_kept(field: str, typed: str, says: str, number: str, office: Browser) -> None:
    story = told(number)
    name = {"units": pick_field(story, 0), "amount": f"amount-{story.lines[0].line_id}", "shipping": "shipping"}[field]
    office.open(f"/staff/orders/{number}")
    fields = dict(office.page.form(f"/staff/orders/{number}/refund").fields) | {name: typed, "do": "refund"}
    page = office.send(f"/staff/orders/{number}/refund", fields)
    assert page.status == 422 and says in page.text
    if name in dict(page.form(f"/staff/orders/{number}/refund").fields):
        assert page.form(f"/staff/orders/{number}/refund").values(name) == [typed]
    assert told(number).refunded_goods_fen == 0


def test_nothing_named_is_nothing_refunded(number: str, office: Browser) -> None:
    office.open(f"/staff/orders/{number}")
    page = office.press(f"/staff/orders/{number}/refund", "算一算")
    assert page.status == 422 and "还没写要退什么" in page.text
    sent = dict(page.form(f"/staff/orders/{number}/refund").fields) | {"reason": "because", "goods": "eaten"}
    page = office.send(f"/staff/orders/{number}/refund", sent)
    assert "选一个缘由" in page.text and "说一下货怎么办" in page.text


def test_a_refund_that_the_provider_does_not_answer_stands_and_one_it_refuses_is_booked_back(
    number: str, office: Browser, provider: FakeProvider
) -> None:
    story = told(number)
    provider.fail_before_acting(Verb.REFUND)
    office.open(f"/staff/orders/{number}")
    office.press(f"/staff/orders/{number}/refund", "算一算", {pick_field(story, 0): "1"})
    page = office.press(f"/staff/orders/{number}/refund", "退 ¥68.00")
    assert "已记账，正在交给支付方" in page.text and told(number).refunded_goods_fen == 6_800
    provider.refuse(Verb.REFUND)
    office.press(f"/staff/orders/{number}/refund", "算一算", {pick_field(story, 0): "1"})
    page = office.press(f"/staff/orders/{number}/refund", "退 ¥68.00")
    assert "支付方没有退成 ¥68.00，账已冲回" in page.text and "退款没成，冲回" in page.text
    assert told(number).refunded_goods_fen == 6_800
    assert_books_are_sound()


def test_units_that_are_back_can_be_sold_again_or_are_written_off(number: str, office: Browser) -> None:
    story = told(number)
    office.open(f"/staff/orders/{number}")
    office.press(f"/staff/orders/{number}/refund", "算一算", {pick_field(story, 1): "1", "goods": "restock", "reason": "not_sent"})
    page = office.press(f"/staff/orders/{number}/refund", "退 ¥68.00")
    assert "退过 1 件" in page.text
    assert told(number).returns[0].restock is True
    assert_books_are_sound()


def test_the_buyer_reads_the_reason_in_the_orders_language(rice: MadeProduct, provider: FakeProvider, office: Browser) -> None:
    number = buy(provider, {rice.sku: 1}, locale="en", now=utc_now()).number
    office.open(f"/staff/orders/{number}")
    office.press(f"/staff/orders/{number}/refund", "算一算", {pick_field(told(number), 0): "1"})
    page = office.press(f"/staff/orders/{number}/refund", "退 ¥68.00")
    assert page.status == 200 and told(number).returns[0].reason


def test_auditor_lin_reads_but_neither_sends_nor_refunds(number: str, lin: Browser) -> None:
    page = lin.open(f"/staff/orders/{number}")
    assert page.status == 200
    actions = [form.action for form in page.forms]
    assert not [action for action in actions if re.search(r"/(ship|deliver|refund)", action)]
    shipment = told(number).shipments[0].shipment_id
    for path in (f"parcels/{shipment}/ship", f"parcels/{shipment}/deliver", "refund"):
        assert lin.send(f"/staff/orders/{number}/{path}", {}).status == 404
