"""What a buyer may ask for at checkout beside the goods: a voucher, a fapiao, a gift note, a quicker way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.extensions import reading
from shop.offers.models import Voucher
from shop.papers.models import Fapiao, FapiaoKind, FapiaoState
from shop.shipping.models import Shipment
from shop.shipping.rules import ServiceKind
from tests.browser import Browser, Page
from tests.factories import MadeProduct, make_cooperative, make_village
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound
from tests.vouchers import a_voucher
from tests.web.storefront.test_cart import stocked
from tests.web.storefront.test_checkout import ADDRESS, CHECKOUT, broken_by, is_at_provider, orders, the_order, with_basket

ODD = "𠮷田👨‍👩‍👧 مها‮<script>alert(1)</script>'\"&"
TAX_NUMBER = "91350100M000100Y43"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, a hundred bags of ¥68.00."""
    return stocked()


# ── Vouchers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_voucher_is_used_shown_and_ordered(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    code = a_voucher()
    browser = with_basket(client, (rice, 3))
    page = browser.press(CHECKOUT, "用上", {**ADDRESS, "voucher": f" {code.lower()} "})
    assert page.status == 200 and "秋收立减" in page.text and "下单并去支付 ¥194.00" in page.text
    assert page.form(CHECKOUT).values("used") == [code] and page.form(CHECKOUT).values("voucher") == [""]
    assert page.form(CHECKOUT).values("street") == [ADDRESS["street"]]
    assert is_at_provider(browser.press(CHECKOUT, "下单并去支付"))
    order = the_order()
    assert (order.discount_fen, order.total_fen) == (10_00, 194_00)
    assert provider.sessions[provider.last_session_id].asked.amount_fen == 194_00


def test_a_code_typed_and_not_used_changes_the_sum_and_is_asked_first(
    client: FlaskClient, provider: FakeProvider, rice: MadeProduct
) -> None:
    code = a_voucher()
    browser = with_basket(client, (rice, 3))
    page = browser.press(CHECKOUT, "下单并去支付", {**ADDRESS, "voucher": code})
    assert page.status == 409 and "应付从 ¥204.00 变成 ¥194.00" in page.text and orders() == []
    assert is_at_provider(browser.press(CHECKOUT, "下单并去支付"))


def test_a_voucher_can_be_taken_off_again(client: FlaskClient, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 3))
    browser.press(CHECKOUT, "用上", {**ADDRESS, "voucher": a_voucher()})
    page = browser.press(CHECKOUT, "不用")
    assert "下单并去支付 ¥204.00" in page.text and page.form(CHECKOUT).values("used") == []


@pytest.mark.parametrize(
    ("changes", "typed", "says"),
    [
        ({}, "NICHTS", "没有 NICHTS 这个优惠码"),
        ({}, "<script>", "优惠码是 3 到 20 位"),
        ({"minimum_fen": 500_00}, "", "要可用的货满 ¥500.00 才能用"),
        ({"last_day": date(2026, 1, 2)}, "", "已经过期了"),
    ],
)
def test_a_voucher_that_cannot_be_used_is_said_beside_its_field_and_nothing_is_lost(
    client: FlaskClient, rice: MadeProduct, changes: dict[str, object], typed: str, says: str
) -> None:
    code = typed or a_voucher(**changes)
    browser = with_basket(client, (rice, 3))
    page = browser.press(CHECKOUT, "用上", {**ADDRESS, "note": ODD, "voucher": code})
    assert page.status == 422 and says in page.text
    assert 'id="voucher-error"' in page.html and page.html.count("autofocus") == 1 and "<script>alert" not in page.html
    assert page.form(CHECKOUT).values("voucher") == [code] and page.form(CHECKOUT).values("note") == [ODD]


def test_two_tabs_race_for_one_use_and_the_loser_keeps_every_word(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    code = a_voucher(most_uses=1)
    ready = []
    for number in range(2):
        browser = with_basket(app.test_client(), (rice, 3))
        browser.press(CHECKOUT, "用上", {**ADDRESS, "phone": f"1380013220{number}", "voucher": code})
        ready.append(browser)

    def order(browser: Browser) -> Page:
        return browser.press(CHECKOUT, "下单并去支付 ¥194.00", {"note": ODD, "gift_note": "中秋快乐"})

    with ThreadPoolExecutor(2) as pool:
        pages = sorted(pool.map(order, ready), key=lambda page: page.status)
    won, lost = pages
    assert is_at_provider(won) and len(orders()) == 1
    assert lost.status in (409, 422) and "刚刚用完了" in lost.text and "下单并去支付 ¥204.00" in lost.text
    form = lost.form(CHECKOUT)
    assert (form.values("street"), form.values("note"), form.values("gift_note")) == ([ADDRESS["street"]], [ODD], ["中秋快乐"])
    loser = next(browser for browser in ready if browser.page is lost)
    assert is_at_provider(loser.press(CHECKOUT, "下单并去支付 ¥204.00", {"voucher": ""}))
    with reading() as session:
        assert session.scalars(select(Voucher.used)).one() == 1
    assert_books_are_sound()


# ── Fapiao and gift note ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fapiao_and_a_gift_note_are_kept_with_the_order(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 2))
    wishes = {"fapiao": "firm", "fapiao_title": "昆山示例食堂", "tax_number": " 9135 0100 m000100y43", "email": "Mei@example.test"}
    assert is_at_provider(browser.press(CHECKOUT, "下单并去支付", {**ADDRESS, **wishes, "gift_note": " 奶奶，新米到了 "}))
    assert the_order().gift_note == "奶奶，新米到了"
    with reading() as session:
        fapiao = session.scalars(select(Fapiao)).one()
        assert (fapiao.kind, fapiao.title, fapiao.tax_number) == (FapiaoKind.FIRM, "昆山示例食堂", TAX_NUMBER)
        assert (fapiao.email, fapiao.state) == ("mei@example.test", FapiaoState.ASKED)


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"fapiao": "person"}, "fapiao_title", "个人写姓名"),
        ({"fapiao": "firm", "fapiao_title": "某单位"}, "tax_number", "写上税号"),
        ({"fapiao": "firm", "fapiao_title": "某单位", "tax_number": "91350100M000100Y4"}, "tax_number", "这里有 17 位"),
        ({"fapiao": "firm", "fapiao_title": "某单位", "tax_number": "9135O100M000100Y43"}, "tax_number", "把 0 写成了 O"),
        ({"fapiao": "firm", "fapiao_title": "某单位", "tax_number": "91350100M000100Y34"}, "tax_number", "最后一位对不上"),
        ({"fapiao": "person", "fapiao_title": "梅"}, "fapiao_email", "写上邮箱"),
        ({"fapiao": "person", "fapiao_title": "梅", "fapiao_email": "mei"}, "fapiao_email", "不像一个邮箱"),
        ({"fapiao": "person", "fapiao_title": "长" * 101, "fapiao_email": "a@b.test"}, "fapiao_title", "最多 100 字"),
        ({"gift_note": "福" * 121}, "gift_note", "最多 120 字，这里有 121 字"),
    ],
)
def test_what_a_wish_lacks_is_said_beside_its_field(
    client: FlaskClient, rice: MadeProduct, typed: dict[str, str], field: str, says: str
) -> None:
    page = with_basket(client, (rice, 1)).press(CHECKOUT, "下单并去支付", {**ADDRESS, **typed})
    assert page.status == 422 and says in page.text and f'id="{field}-error"' in page.html
    form = page.form(CHECKOUT)
    assert all(form.values(name) == [text] for name, text in typed.items())
    assert orders() == []


def test_odd_names_are_kept_as_they_can_be_read(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    odd = {"name": ODD, "street": ODD + "路" * 100, "note": ODD, "gift_note": ODD, "fapiao": "person", "fapiao_title": ODD}
    page = with_basket(client, (rice, 1)).press(CHECKOUT, "下单并去支付", {**ADDRESS, **odd, "fapiao_email": "a@b.test"})
    assert is_at_provider(page)
    order = the_order()
    seen = ODD.replace("\u202e", "")  # what turns the direction of writing for all that follows is not kept
    assert (order.name, order.note, order.gift_note) == (seen, seen, seen)
    shown = Browser(client).open(f"/orders/{order.number}?key={order.key}")
    assert shown.status == 200 and "<script>alert" not in shown.html


# ── How it is sent ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_parcel_has_its_own_way(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    wawu = make_village("瓦屋村")
    berries = stocked("蓝莓", is_cold_chain=True, cooperative=make_cooperative("瓦屋合作社", villages=[wawu]), village=wawu)
    browser = with_basket(client, (rice, 1), (berries, 1))
    form = browser.page.form(CHECKOUT)
    quick = f"ship-{rice.cooperative_id}"
    assert form.offered[quick] == ["ordinary", "quick"] and f"ship-{berries.cooperative_id}" not in form.offered
    assert "冷链" in browser.page.text
    page = browser.press(CHECKOUT, "下单并去支付 ¥148.00", {**ADDRESS, quick: "quick"})
    assert page.status == 409 and "变成 ¥160.00" in page.text and orders() == []
    assert page.form(CHECKOUT).values(quick) == ["quick"]
    assert is_at_provider(browser.press(CHECKOUT, "下单并去支付 ¥160.00"))
    with reading() as session:
        sent = {parcel.cooperative_id: parcel for parcel in session.scalars(select(Shipment))}
        assert sent[rice.cooperative_id].service is ServiceKind.QUICK and sent[rice.cooperative_id].fee_fen == 18_00
        assert sent[berries.cooperative_id].service is ServiceKind.COLD
        assert all(parcel.expected_from and parcel.expected_from <= parcel.expected_until for parcel in sent.values())


def test_where_nothing_goes_quicker_the_usual_way_is_taken(client: FlaskClient, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 1))
    browser.press(CHECKOUT, "更新市县", {**ADDRESS, f"ship-{rice.cooperative_id}": "quick", "province": "540000"})
    page = browser.press(CHECKOUT, "更新市县", {"district": "540102"})
    assert page.status == 200 and "加急" not in page.text and "普通快递" in page.text


def test_wishes_that_no_page_wrote_so_break_nothing(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    names = ("voucher", "used", "drop", "fapiao", "tax_number", "ship-1", "ship-99999999999999999999", "gift_note")
    assert broken_by(client, rice, names, ("\x00", "x" * 5000, "<script>"), good=(200, 303, 409, 422)) == []
