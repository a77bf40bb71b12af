"""From a full basket to the payment page, and everything that can be in the way."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from shop.accounts.addresses import Written, add_address
from shop.accounts.models import Address
from shop.extensions import reading
from shop.orders.models import Order, OrderLine
from shop.orders.states import OrderState
from tests.browser import Browser, Page
from tests.factories import (
    MadeLot,
    MadeProduct,
    Pack,
    hold_units,
    make_cooperative,
    make_eastern_unit,
    make_lot,
    make_mei,
    make_product,
    sign_in,
    write_off,
)
from tests.providers import FakeProvider, Verb
from tests.shopping import NOW, assert_books_are_sound, fill_basket, free_units
from tests.statements import count_statements
from tests.web.storefront.test_cart import reprice, retire, stocked

CHECKOUT = "/checkout/"
ADDRESS = {"name": "梅女士", "phone": "１３８ 0013 2207", "town": "周市镇", "street": "新塘路 18 号 3 幢 502"}


def with_basket(client: FlaskClient, *wanted: tuple[MadeProduct, int]) -> Browser:
    """A guest's browser with a full basket, at the checkout."""
    owner = fill_basket({product.sku: units for product, units in wanted})
    with client.session_transaction() as session:
        session["cart"] = owner.key
    browser = Browser(client)
    browser.open(CHECKOUT)
    return browser


def orders() -> list[Order]:
    """Every order there is."""
    with reading() as session:
        found = list(session.scalars(select(Order).order_by(Order.id)))
        session.expunge_all()
        return found


def the_order() -> Order:
    """The only one."""
    (order,) = orders()
    return order


def is_at_provider(page: Page) -> bool:
    return page.status == 303 and page.path.startswith("https://")


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米, a hundred bags."""
    return stocked()


def test_a_guest_orders_and_is_sent_to_the_payment_page(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 2))
    assert browser.page.status == 200
    assert "下单并去支付 ¥149.50" in browser.page.text  # 2 × ¥68.00; the first 5 kg ¥6.00, each further one ¥1.50
    page = browser.press(CHECKOUT, "下单并去支付", {**ADDRESS, "note": "请放门卫", "email": " Mei@Example.test "})
    assert is_at_provider(page)
    order = the_order()
    assert (order.name, order.phone, order.district_code, order.region) == ("梅女士", "13800132207", "320583", "江苏省苏州市昆山市")
    assert (order.town, order.street, order.note, order.email) == ("周市镇", "新塘路 18 号 3 幢 502", "请放门卫", "mei@example.test")
    assert order.state is OrderState.AWAITING_PAYMENT and order.buyer_id is None and order.locale == "zh"
    assert provider.sessions[provider.last_session_id].asked.amount_fen == order.total_fen
    assert "篮子还是空的" in browser.open("/cart/").text
    assert_books_are_sound()


def test_an_empty_basket_has_nothing_to_check_out(client: FlaskClient) -> None:
    browser = Browser(client)
    assert browser.open(CHECKOUT).path == "/cart/"
    browser.open("/account/sign-in")
    assert browser.send(CHECKOUT, {"act": "order"}).path == "/cart/"


def test_a_basket_with_something_to_settle_goes_back_to_the_basket(client: FlaskClient, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 2))
    reprice(rice, 70_00)
    assert browser.open(CHECKOUT).path == "/cart/"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"name": ""}, "写上收货人"),
        ({"name": "梅" * 61}, "最多 60 字"),
        ({"phone": "138 0013 220"}, "手机号是 11 位，这里有 10 位"),
        ({"phone": ""}, "写上手机号"),
        ({"phone": "12345678901"}, "这不像大陆的手机号"),
        ({"phone": "不知道"}, "写上手机号"),
        ({"town": ""}, "选一个镇或街道"),
        ({"street": "  "}, "写上街道门牌"),
        ({"street": "路" * 201}, "最多 200 字"),
        ({"email": "mei@"}, "这不像一个邮箱地址"),
        ({"email": "mei@example.test\nbcc: all@example.test"}, "这不像一个邮箱地址"),
        ({"note": "字" * 201}, "最多 200 字，这里有 201 字"),
        ({"district": ""}, "选一个区县"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_everything_is_kept(
    client: FlaskClient, provider: FakeProvider, rice: MadeProduct, typed: dict[str, str], says: str
) -> None:
    browser = with_basket(client, (rice, 2))
    sent = {**ADDRESS, "note": "请放门卫", **typed}
    page = browser.press(CHECKOUT, "下单并去支付", sent)
    assert page.status == 422
    assert says in page.text
    (name,) = typed
    assert f'id="{name}-error"' in page.html and f'href="#{name}"' in page.html  # beside the field, and in the summary on top
    assert page.html.count("autofocus") == 1
    form = page.form(CHECKOUT)
    for field, text in sent.items():
        if field not in ("district", "town"):
            assert form.values(field) == [text]
    assert orders() == [] and provider.calls == []


def test_several_mistakes_are_all_said_at_once(client: FlaskClient, rice: MadeProduct) -> None:
    page = with_basket(client, (rice, 1)).press(CHECKOUT, "下单并去支付")
    assert "还差 4 处，其余都记着" in page.text


def test_fields_that_no_page_wrote_so_break_nothing(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    names = ("address", "district", "province", "once", "shown_total", "shown_place", "town", "price", "keep-1")
    assert broken_by(client, rice, names, ("\x00", "x" * 5000, "-1", "９９", "<script>")) == []


def broken_by(
    client: FlaskClient, rice: MadeProduct, names: Sequence[str], values: Sequence[str], good: tuple[int, ...] = (303, 409, 422)
) -> list[str]:
    """What was wrong with the answers to the checkout's form with each of these fields saying each of these things."""
    wrong = []
    for name, value in product(names, values):
        browser = with_basket(client, (rice, 1))
        form = dict(browser.page.form(CHECKOUT).fields) | ADDRESS | {"act": "order", name: value}
        form.pop("csrf_token")
        page = browser.send(CHECKOUT, form)
        if page.status not in good or "<script>" in page.html:
            wrong.append(f"{name} = {value[:20]!r}: {page.status}")
    return wrong


def test_another_province_without_a_script(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 2))
    page = browser.press(CHECKOUT, "更新市县", {**ADDRESS, "province": "65"} | {"province": "650000"})
    assert page.status == 200
    assert "写上" not in page.text  # nothing is wrong yet
    form = page.form(CHECKOUT)
    assert form.values("name") == ["梅女士"] and form.values("street") == [ADDRESS["street"]]
    assert "650102" in form.offered["district"] and "320583" not in form.offered["district"]
    assert form.values("district") == [""]
    assert "运费选好区县再算" in page.text
    page = browser.press(CHECKOUT, "下单并去支付", {"district": "650102"})
    assert page.status == 409  # the sum is another one: it is shown before anything is ordered
    assert orders() == []
    assert "运费算好了：¥53.50，应付 ¥189.50" in page.text  # 6 + 7.50 + 10 kg × ¥4.00
    page = browser.press(CHECKOUT, "下单并去支付 ¥189.50", {"town": "水磨沟街道"})
    assert is_at_provider(page)
    order = the_order()
    assert (order.district_code, order.town, order.shipping_fen) == ("650102", "水磨沟街道", 53_50)


def test_carriage_that_costs_nothing_is_said_too_before_anything_is_ordered(
    client: FlaskClient, provider: FakeProvider, rice: MadeProduct
) -> None:
    browser = with_basket(client, (rice, 3))
    browser.press(CHECKOUT, "更新市县", {**ADDRESS, "province": "330000"})
    page = browser.press(CHECKOUT, "下单并去支付", {"district": "330106"})
    assert page.status == 409 and orders() == []
    assert "运费算好了：¥0.00，应付 ¥204.00" in page.text
    assert is_at_provider(browser.press(CHECKOUT, "下单并去支付 ¥204.00"))


def test_a_district_that_costs_more_is_asked_again(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 2))
    browser.press(CHECKOUT, "更新市县", {**ADDRESS, "province": "650000"})
    browser.press(CHECKOUT, "更新市县", {"district": "650102"})
    browser.press(CHECKOUT, "更新市县", {"province": "320000"})
    page = browser.press(CHECKOUT, "更新市县", {"district": "320583"})
    assert "下单并去支付 ¥149.50" in page.text and "变成" not in page.text
    page = browser.press(CHECKOUT, "下单并去支付", {"district": "320211"})
    assert page.status == 409 and orders() == []  # as dear as Kunshan, but with no list of towns


@pytest.mark.parametrize(
    ("city", "province", "district"),
    [
        ("330100", "330000", ""),
        ("441900", "440000", "441900"),
        ("320500", "320000", "320583"),
        ("710000", "710000", ""),
        ("", "320000", "320583"),
    ],
)
def test_it_begins_with_the_city_that_carriage_was_told_for(
    client: FlaskClient, rice: MadeProduct, city: str, province: str, district: str
) -> None:
    with client.session_transaction() as session:
        session["to"] = city
    form = with_basket(client, (rice, 1)).page.form(CHECKOUT)
    assert (form.values("province"), form.values("district")) == ([province], [district])


def test_an_address_of_the_book_in_that_city_is_chosen(app: Flask, rice: MadeProduct) -> None:
    mei = make_mei()
    for district, town in (("330106", "西溪街道"), ("320583", "周市镇")):
        add_address(mei.id, Written("梅女士", "13800132207", district, town, "示例路 1 号"), is_default=district == "320583", now=NOW)
    fill_basket({rice.sku: 1}, user_id=mei.id)
    for city, expected in (("", "320583"), ("330100", "330106"), ("320500", "320583"), ("440100", None)):
        client = sign_in(app.test_client(), mei)
        with client.session_transaction() as session:
            session["to"] = city
        chosen = Browser(client).open(CHECKOUT).form(CHECKOUT).values("address")[0]
        with reading() as session:
            booked = session.scalar(select(Address.district_code).where(Address.id == int(chosen))) if chosen != "new" else None
        assert booked == expected


def test_a_province_changed_without_pressing_update_asks_for_its_district(client: FlaskClient, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 1))
    page = browser.press(CHECKOUT, "下单并去支付", {**ADDRESS, "province": "330000"})
    assert page.status == 422
    assert "选一个区县" in page.text
    assert "330106" in page.form(CHECKOUT).offered["district"]


def test_the_neighbouring_town_costs_the_same_but_its_towns_are_asked_for(
    client: FlaskClient, provider: FakeProvider, rice: MadeProduct
) -> None:
    browser = with_basket(client, (rice, 1))
    page = browser.press(CHECKOUT, "下单并去支付", {**ADDRESS, "district": "320585"})
    assert page.status == 422
    assert orders() == []
    assert "选一个镇或街道" in page.text and "城厢镇" in page.form(CHECKOUT).offered["town"]
    assert is_at_provider(browser.press(CHECKOUT, "下单并去支付", {"town": "城厢镇"}))
    assert the_order().region == "江苏省苏州市太仓市"


def test_goods_that_must_stay_cold_do_not_go_far(client: FlaskClient, provider: FakeProvider) -> None:
    berries = stocked("蓝莓", is_cold_chain=True)
    browser = with_basket(client, (berries, 1))
    browser.press(CHECKOUT, "更新市县", {**ADDRESS, "province": "440000"})
    page = browser.press(CHECKOUT, "下单并去支付", {"district": "440106"})
    assert page.status == 422
    assert "蓝莓要冷链" in page.text and 'id="district-error"' in page.html
    assert orders() == []


@pytest.mark.parametrize("province", ["710000", "810000", "820000"])
def test_where_nothing_is_sent_is_said(client: FlaskClient, rice: MadeProduct, province: str) -> None:
    browser = with_basket(client, (rice, 1))
    page = browser.press(CHECKOUT, "更新市县", {**ADDRESS, "province": province})
    assert "香港、澳门、台湾现在还寄不到" in page.text
    assert browser.press(CHECKOUT, "下单并去支付").status == 422
    assert orders() == []


def test_a_form_sent_twice_makes_one_order(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 2))
    before = browser.page
    first = browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    browser.page = before  # back, and once more
    second = browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    assert is_at_provider(second) and first.path == second.path
    assert len(orders()) == 1
    assert free_units(rice.sku) == 98
    provider.pay()
    browser.page = before
    assert "已付款" in browser.open(f"/orders/{the_order().number}?key={the_order().key}&paid=1").text
    browser.page = before
    assert "已付款" in browser.press(CHECKOUT, "下单并去支付", ADDRESS).text  # paid: to its page, not to pay again


def test_two_clicks_at_the_same_moment_make_one_order(app: Flask, client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    page = with_basket(client, (rice, 2)).page
    cookie = client.get_cookie("shanhai")
    assert cookie is not None

    def click(_number: int) -> Page:
        twin = app.test_client()
        twin.set_cookie("shanhai", cookie.value)
        browser = Browser(twin)
        browser.page = page
        return browser.press(CHECKOUT, "下单并去支付", ADDRESS)

    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(click, range(4)))
    assert all(is_at_provider(page) for page in pages), [(page.status, page.path) for page in pages]
    assert len(orders()) == 1
    assert free_units(rice.sku) == 98


def test_another_purchase_after_the_first_is_another_order(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    with_basket(client, (rice, 1)).press(CHECKOUT, "下单并去支付", ADDRESS)
    with_basket(client, (rice, 1)).press(CHECKOUT, "下单并去支付", ADDRESS)
    assert len(orders()) == 2


def test_when_the_provider_is_down_the_order_waits_and_can_be_paid_later(
    client: FlaskClient, provider: FakeProvider, rice: MadeProduct
) -> None:
    browser = with_basket(client, (rice, 2))
    provider.is_down = True
    page = browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    order = the_order()
    assert page.status == 200 and page.path == f"/orders/{order.number}?key={order.key}"
    assert "支付方一时没有回话" in page.text and "货为你留到" in page.text
    assert order.state is OrderState.AWAITING_PAYMENT and free_units(rice.sku) == 98
    page = browser.press(f"/orders/{order.number}/pay", "去支付 ¥149.50")
    assert "支付方还是没有回话" in page.text
    provider.is_down = False
    assert is_at_provider(browser.press(f"/orders/{order.number}/pay", "去支付"))
    assert len(orders()) == 1


def test_an_answer_that_got_lost_is_asked_for_again(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    provider.fail_after_acting(Verb.START)
    browser = with_basket(client, (rice, 1))
    browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    assert is_at_provider(browser.press(f"/orders/{the_order().number}/pay"))
    assert len(provider.sessions) == 1


# ── Somebody was quicker ──────────────────────────────────────────────────────────────────────────────────────────────


def two_things(client: FlaskClient) -> tuple[Browser, MadeProduct, MadeProduct, MadeLot]:
    """A basket of rice and of chestnuts, of which there are six bags."""
    rice, nuts = stocked(), make_product("鲜板栗", packs=[Pack(price_fen=26_00, grams=1000)], cooperative=make_cooperative("板栗园合作社"))
    lot = make_lot(nuts, units=6)
    return with_basket(client, (rice, 3), (nuts, 5)), rice, nuts, lot


def test_goods_sold_out_meanwhile_are_told_kindly_and_nothing_is_chosen_for_the_buyer(client: FlaskClient, provider: FakeProvider) -> None:
    browser, rice, nuts, lot = two_things(client)
    assert "下单并去支付 ¥340.00" in browser.page.text  # 204 + 130 + 6
    hold_units(lot.item_id, 6)
    page = browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    assert page.status == 409
    assert "没有下单，也没有扣钱" in page.text and "卖完了" in page.text
    assert orders() == [] and provider.calls == []
    form = page.form(CHECKOUT)
    assert form.values(f"keep-{nuts.sku.id}") == ["0"] and form.offered[f"keep-{nuts.sku.id}"] == ["0"]
    assert form.values("street") == [ADDRESS["street"]]
    assert "¥340.00" in page.text and "按这样下单并去支付 ¥204.00" in page.text
    assert is_at_provider(browser.press(CHECKOUT, "按这样下单并去支付"))
    assert the_order().total_fen == 204_00 and the_order().street == ADDRESS["street"]
    assert free_units(rice.sku) == 97


def test_the_buyer_may_take_what_is_left(client: FlaskClient, provider: FakeProvider) -> None:
    browser, _rice, nuts, lot = two_things(client)
    hold_units(lot.item_id, 4)
    page = browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    assert "只剩 2 袋" in page.text and "要剩下的 2 袋" in page.text
    page = browser.press(CHECKOUT, "改了选法，重算", {f"keep-{nuts.sku.id}": "2"})
    assert "按这样下单并去支付 ¥262.00" in page.text  # 204 + 52 + 6
    assert page.form(CHECKOUT).values(f"keep-{nuts.sku.id}") == ["2"]
    assert orders() == []
    assert is_at_provider(browser.press(CHECKOUT, "按这样下单并去支付"))
    assert the_order().total_fen == 262_00
    with reading() as session:
        assert session.scalars(select(OrderLine.quantity).order_by(OrderLine.position)).all() == [3, 2]


def test_a_choice_that_changes_the_sum_is_shown_before_it_is_ordered(client: FlaskClient, provider: FakeProvider) -> None:
    browser, _rice, nuts, lot = two_things(client)
    hold_units(lot.item_id, 4)
    browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    page = browser.press(CHECKOUT, "按这样下单并去支付 ¥204.00", {f"keep-{nuts.sku.id}": "2"})
    assert page.status == 409 and orders() == []
    assert "按你的选法重算了，应付 ¥262.00" in page.text
    assert is_at_provider(browser.press(CHECKOUT, "按这样下单并去支付 ¥262.00"))


def test_what_was_left_may_go_too(client: FlaskClient, provider: FakeProvider) -> None:
    browser, _rice, nuts, lot = two_things(client)
    hold_units(lot.item_id, 4)
    browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    browser.press(CHECKOUT, "改了选法，重算", {f"keep-{nuts.sku.id}": "2"})
    write_off(lot.item_id, 1)
    page = browser.press(CHECKOUT, "按这样下单并去支付")
    assert page.status == 409 and orders() == []
    assert "要剩下的 1 袋" in page.text
    assert page.form(CHECKOUT).values(f"keep-{nuts.sku.id}") == ["0"]  # again nothing is chosen


def test_when_nothing_is_left_there_is_nothing_to_order(client: FlaskClient, provider: FakeProvider) -> None:
    nuts = make_product("鲜板栗")
    lot = make_lot(nuts, units=6)
    browser = with_basket(client, (nuts, 2))
    hold_units(lot.item_id, 6)
    page = browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    assert "篮子就空了" in page.text
    assert [words for words, _, _ in page.form(CHECKOUT).buttons] == ["改了选法，重算"]


def test_a_product_retired_meanwhile_is_said_and_can_be_left_out(client: FlaskClient, provider: FakeProvider) -> None:
    browser, _rice, nuts, _lot = two_things(client)
    retire(nuts)
    page = browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    assert page.status == 409 and orders() == []
    assert "下架了" in page.text
    assert is_at_provider(browser.press(CHECKOUT, "按这样下单并去支付 ¥204.00"))


def test_a_price_changed_meanwhile_is_said_and_asked_again(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 2))
    reprice(rice, 70_00)
    page = browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    assert page.status == 409 and orders() == []
    assert "有价格变了，没有下单" in page.text and "¥68.00" in page.text and "¥70.00" in page.text
    assert page.form(CHECKOUT).values("street") == [ADDRESS["street"]]
    reprice(rice, 71_00)
    page = browser.press(CHECKOUT, "下单并去支付 ¥153.50")
    assert page.status == 409 and orders() == []  # another price than the one that was accepted
    assert is_at_provider(browser.press(CHECKOUT, "下单并去支付 ¥155.50"))
    assert the_order().total_fen == 155_50


def test_a_basket_changed_in_another_tab_is_shown_before_it_is_ordered(
    client: FlaskClient, provider: FakeProvider, rice: MadeProduct
) -> None:
    browser = with_basket(client, (rice, 1))
    page = browser.page
    browser.send("/cart/lines", {"sku": rice.sku.code, "quantity": "1"})
    browser.page = page
    page = browser.press(CHECKOUT, "下单并去支付 ¥74.00", ADDRESS)
    assert page.status == 409 and orders() == []
    assert "应付从 ¥74.00 变成 ¥149.50" in page.text
    assert is_at_provider(browser.press(CHECKOUT, "下单并去支付 ¥149.50"))


# ── Perishable goods, buyers with an account ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ticked", [True, False])
def test_the_confirmation_for_perishable_goods_is_stored_and_never_required(
    client: FlaskClient, provider: FakeProvider, ticked: bool
) -> None:
    berries = stocked("蓝莓", is_perishable=True)
    browser = with_basket(client, (berries, 1))
    assert "我知道蓝莓是生鲜，不能无理由退" in browser.page.text
    browser.press(CHECKOUT, "下单并去支付", {**ADDRESS, "perishable": "y" if ticked else None})
    assert (the_order().perishable_confirmed_at is not None) is ticked


def test_nobody_is_asked_to_confirm_what_is_not_in_the_basket(client: FlaskClient, provider: FakeProvider, rice: MadeProduct) -> None:
    browser = with_basket(client, (rice, 1))
    assert "不能无理由退" not in browser.page.text
    fields = dict(browser.page.form(CHECKOUT).fields) | ADDRESS | {"act": "order", "perishable": "y"}
    fields.pop("csrf_token")
    browser.send(CHECKOUT, fields)
    assert the_order().perishable_confirmed_at is None


def test_a_buyers_address_is_remembered_and_offered_next_time(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    mei = make_mei(eastern_unit_id=make_eastern_unit())
    browser = Browser(sign_in(app.test_client(), mei))
    fill_basket({rice.sku: 1}, user_id=mei.id)
    form = browser.open(CHECKOUT).form(CHECKOUT)
    assert form.values("name") == ["Mei"] and form.values("phone") == [mei.phone] and form.values("email") == [mei.email]
    browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    assert the_order().buyer_id == mei.id and the_order().eastern_unit_id is not None

    fill_basket({rice.sku: 2}, user_id=mei.id)
    form = browser.open(CHECKOUT).form(CHECKOUT)
    assert form.offered["address"] == [form.values("address")[0], "new"]
    assert "江苏省苏州市昆山市周市镇新塘路 18 号 3 幢 502" in browser.page.text
    assert is_at_provider(browser.press(CHECKOUT, "下单并去支付 ¥149.50"))  # nothing to type
    first, second = orders()
    assert (second.name, second.phone, second.street) == (first.name, first.phone, first.street)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Address)) == 1


def test_a_buyer_may_choose_a_new_address_and_not_keep_it(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    mei = make_mei()
    browser = Browser(sign_in(app.test_client(), mei))
    for street, remember in (("新塘路 18 号", "y"), ("长江南路 1 号", None)):
        fill_basket({rice.sku: 1}, user_id=mei.id)
        browser.open(CHECKOUT)
        typed = {**ADDRESS, "street": street, "remember": remember}
        browser.press(CHECKOUT, "下单并去支付", typed | ({"address": "new"} if browser.page.form(CHECKOUT).offered.get("address") else {}))
    assert [order.street for order in orders()] == ["新塘路 18 号", "长江南路 1 号"]
    with reading() as session:
        assert session.scalars(select(Address.street)).all() == ["新塘路 18 号"]


def test_somebody_elses_address_cannot_be_chosen(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    mei, stranger = make_mei(), make_mei()
    browser = Browser(sign_in(app.test_client(), mei))
    fill_basket({rice.sku: 1}, user_id=mei.id)
    browser.open(CHECKOUT)
    browser.press(CHECKOUT, "下单并去支付", ADDRESS)
    with reading() as session:
        address = session.scalars(select(Address.id)).one()
    thief = Browser(sign_in(app.test_client(), stranger))
    fill_basket({rice.sku: 1}, user_id=stranger.id)
    fields = dict(thief.open(CHECKOUT).form(CHECKOUT).fields) | {"act": "order", "address": str(address), "name": ""}
    fields.pop("csrf_token")
    page = thief.send(CHECKOUT, fields)
    assert page.status == 422 and "新塘路" not in page.text
    assert len(orders()) == 1


def test_the_checkout_asks_the_same_few_questions_however_much_is_bought(app: Flask, client: FlaskClient, provider: FakeProvider) -> None:
    shown, placed = [], []
    for lines in (1, 4):
        products = [stocked(f"新米{lines}{number}", cooperative=make_cooperative(f"合作社{number}")) for number in range(lines)]
        browser = with_basket(client, *((product, 1) for product in products))
        with count_statements() as statements:
            browser.open(CHECKOUT)
        shown.append(len(statements))
        with count_statements() as statements:
            assert is_at_provider(browser.press(CHECKOUT, "下单并去支付", ADDRESS))
        placed.append(len(statements))
    assert shown == [2, 2]
    assert placed[0] == placed[1]


def test_the_checkout_reads_in_english(app: Flask, provider: FakeProvider, rice: MadeProduct) -> None:
    client = app.test_client()
    with_basket(client, (rice, 1))
    english = Browser(client, language="en")
    page = english.open(CHECKOUT)
    assert page.status == 200 and "Baishui tribute rice" in page.text
    english.press(CHECKOUT, typed=ADDRESS)
    assert the_order().locale == "en"
