"""The door: in, up and out; what it tells strangers, and what it brings along."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from shop.accounts.errors import LinkSpent
from shop.accounts.models import SignUp, User
from shop.accounts.roles import Role
from shop.accounts.sign_ups import find_sign_up, finish_sign_up, forget_sign_ups
from shop.cart import queries as carts
from shop.cart.queries import CartOwner
from shop.extensions import limiter, reading
from shop.kit.clock import utc_now
from shop.kit.ids import SignUpId
from shop.messages.account_letters import sign_up
from shop.outbox.models import Letter
from shop.outbox.service import ClaimedLetter
from shop.web.account.door import Name, local_address, read_name
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Person, make_lao_chen, make_mei, make_staff, make_user, sign_in
from tests.web.storefront.test_cart import put, stocked

SIGN_IN, SIGN_UP = "/account/sign-in", "/account/sign-up"
GOOD = {"who": "13800132207", "password": "一句自己记得住的密码", "agree": "y"}


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    """Nobody's yet."""
    return Browser(client)


def enter(browser: Browser, who: str, password: str = PASSWORD, *, to: str = SIGN_IN) -> Page:
    browser.open(to)
    return browser.press(SIGN_IN, "登录", {"who": who, "password": password})


def is_signed_in(browser: Browser) -> bool:
    """The way out is offered to whoever is in."""
    return "退出" in browser.open("/cart/").text


def users() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


# ── In ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["email", "EMAIL", "phone", "full-width", "spaced"])
def test_mei_signs_in_by_address_or_number_as_she_writes_it(browser: Browser, way: str) -> None:
    mei = make_mei(email="mei@example.test", phone="13800132207")
    who = {
        "email": mei.email,
        "EMAIL": " Mei@Example.Test ",
        "phone": mei.phone,
        "full-width": "１３８００１３２２０７",
        "spaced": "+86 138-0013-2207",
    }
    page = enter(browser, who[way])
    assert page.path == "/account/orders/"
    assert is_signed_in(browser)


def test_everybody_lands_at_their_own_place(app: Flask) -> None:
    people: list[tuple[Person, str]] = [(make_mei(), "/account/orders/"), (make_lao_chen(), "/cooperative/"), (make_staff(), "/staff/")]
    for person, place in people:
        assert enter(Browser(app.test_client()), person.email).path == place


def test_a_wrong_name_and_a_wrong_password_get_one_answer(browser: Browser) -> None:
    mei = make_mei()
    answers = set()
    for who, password in (
        (mei.email, "not her password"),
        ("nobody@example.test", PASSWORD),
        ("13900000000", PASSWORD),
        ("没有这样的人", PASSWORD),
        (mei.email, PASSWORD + "x" * 5000),
        ("\x00", PASSWORD),
    ):
        page = enter(browser, who, password)
        assert page.status == 422
        assert page.form(SIGN_IN).values("who") == [who]  # kept
        assert page.form(SIGN_IN).values("password") == [""]  # never sent back
        assert PASSWORD not in page.html
        answers.add(page.text)
    assert len(answers) == 1 and "手机号、邮箱或密码不对" in answers.pop()
    assert not is_signed_in(browser)


def test_what_is_missing_is_said_beside_its_field(browser: Browser) -> None:
    browser.open(SIGN_IN)
    page = browser.press(SIGN_IN, "登录")
    assert page.status == 422
    assert "写上手机号或邮箱" in page.text and "写上密码" in page.text
    assert 'id="who-error"' in page.html and 'id="password-error"' in page.html and page.html.count("autofocus") == 1


def test_the_session_is_a_fresh_one(browser: Browser) -> None:
    mei = make_mei()
    with browser.client.session_transaction() as session:
        session["planted"] = "by somebody else"
        session["locale"] = "zh"
    browser.open(SIGN_IN)
    before = browser.page.form(SIGN_IN).values("csrf_token")
    browser.press(SIGN_IN, "登录", {"who": mei.email, "password": PASSWORD})
    with browser.client.session_transaction() as session:
        assert "planted" not in session and session["locale"] == "zh"
    browser.open("/cart/")
    assert browser.page.forms[-1].values("csrf_token") != before


@pytest.mark.parametrize("kept", [True, False])
def test_a_device_is_remembered_only_if_asked(browser: Browser, kept: bool) -> None:
    mei = make_mei()
    browser.open(SIGN_IN)
    browser.press(SIGN_IN, "登录", {"who": mei.email, "password": PASSWORD, "keep": "y" if kept else None})
    cookie = browser.client.get_cookie("shanhai")
    assert cookie is not None and (cookie.expires is not None) is kept


def test_the_guests_basket_comes_along(browser: Browser) -> None:
    rice, tea, mei = stocked(), stocked("皇菊"), make_mei()
    hers = Browser(sign_in(browser.client.application.test_client(), mei))
    put(hers, rice, "2")
    put(browser, rice, "3")
    put(browser, tea, "1")
    enter(browser, mei.email)
    assert "6 件，一包寄出" in browser.open("/cart/").text
    with reading():
        lines = carts.lines_of(CartOwner(user_id=mei.id))
    assert {line.sku_id: line.quantity for line in lines} == {rice.sku.id: 5, tea.sku.id: 1}


@pytest.mark.parametrize(
    ("asked", "lands"),
    [
        ("/checkout/", "/cart/"),  # which an empty basket leads on to
        ("/products/?q=%E7%B1%B3", "/products/?q=%E7%B1%B3"),
        ("//evil.example/", "/account/orders/"),
        ("https://evil.example/", "/account/orders/"),
        ("/\\evil.example", "/account/orders/"),
        ("javascript:alert(1)", "/account/orders/"),
        ("/\t/evil.example", "/account/orders/"),
        ("", "/account/orders/"),
    ],
)
def test_the_way_on_stays_within_the_shop(browser: Browser, asked: str, lands: str) -> None:
    mei = make_mei()
    browser.open(SIGN_IN)
    form = browser.page.form(SIGN_IN)
    form.fields = [(name, asked if name == "next" else value) for name, value in form.fields]
    page = browser.press(SIGN_IN, "登录", {"who": mei.email, "password": PASSWORD})
    assert page.path == lands


def test_who_wanted_a_page_of_ones_own_gets_there_after_signing_in(browser: Browser) -> None:
    mei = make_mei()
    page = browser.open("/account/orders/?page=1")
    assert page.path.startswith(SIGN_IN) and "请先登录" in page.text
    page = browser.press(SIGN_IN, "登录", {"who": mei.email, "password": PASSWORD})
    assert page.path == "/account/orders/?page=1"


def test_whoever_is_in_need_not_sign_in_again(app: Flask) -> None:
    browser = Browser(sign_in(app.test_client(), make_mei()))
    assert browser.open(SIGN_IN).path == "/account/orders/"
    assert browser.open(SIGN_UP).path == "/account/orders/"
    assert browser.open("/account/").path == "/account/orders/"


def test_demo_accounts_open_only_where_there_is_a_demo(app: Flask, browser: Browser) -> None:
    demo = make_user("Demo", is_demo=True)
    assert enter(browser, demo.email).path == "/account/orders/"


def test_guessing_a_password_is_stopped_after_ten_tries(app: Flask, browser: Browser) -> None:
    mei = make_mei()
    browser.open(SIGN_IN)
    limiter.enabled = True
    try:
        limiter.reset()
        statuses = [browser.send(SIGN_IN, {"who": mei.email, "password": "guess guess"}).status for _ in range(11)]
        assert browser.open(SIGN_IN).status == 200  # looking is free
    finally:
        limiter.reset()
        limiter.enabled = False
    assert statuses == [422] * 10 + [429]


# ── Out ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_signing_out_is_a_deed_not_an_address(app: Flask) -> None:
    browser = Browser(sign_in(app.test_client(), make_mei()))
    assert browser.open("/account/sign-out").status == 405
    browser.open("/account/orders/")
    page = browser.press("/account/sign-out", "退出")
    assert "已退出" in page.text
    assert not is_signed_in(browser)


# ── Up ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def open_letter(browser: Browser) -> Page:
    """The link of the letter that was left last."""
    with reading() as session:
        last = session.scalars(select(SignUp.id).order_by(SignUp.id.desc())).first()
        found = find_sign_up(SignUpId(last or 0), now=utc_now())
    assert found is not None
    return browser.open(found.path(str(browser.client.application.config["SECRET_KEY"])))


@pytest.mark.parametrize("who", ["13800132207", "１３８ ００１３ ２２０７", "New.Buyer@Example.test"])
def test_a_new_account_is_opened_by_the_letters_link_and_the_password_once_more(browser: Browser, who: str) -> None:
    rice = stocked()
    put(browser, rice, "2")
    browser.open(SIGN_UP)
    page = browser.press(SIGN_UP, "注册", {**GOOD, "who": who, "call": "梅女士"})
    assert "还差一步" in page.text and users() == 0 and not is_signed_in(browser)
    assert enter(browser, who, GOOD["password"]).status == 422, "the link comes first"
    assert open_letter(browser).status == 200 and users() == 0, "opening it changes nothing"
    link = browser.page.path
    assert browser.press(SIGN_UP, "打开账户", {"password": "not what was typed"}).status == 422 and users() == 0
    page = browser.press(SIGN_UP, "打开账户", {"password": GOOD["password"]})
    assert page.path == "/account/orders/" and "账户开好了" in page.text
    assert "2 件" in browser.open("/cart/").text  # the basket came along
    with reading() as session:
        user = session.scalars(select(User)).one()
        assert (user.phone, user.email) in (("13800132207", None), (None, "new.buyer@example.test"))
        assert user.password_hash.startswith("$argon2id$") and user.consented_at is not None and user.name == "梅女士"
    browser.press("/account/sign-out", "退出")
    assert browser.open(link).status == 404, "it works once"
    assert enter(browser, who, GOOD["password"]).path == "/account/orders/"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"who": ""}, "写上手机号或邮箱"),
        ({"who": "1380013220"}, "手机号是 11 位，这里有 10 位"),
        ({"who": "mei@"}, "这不像手机号，也不像邮箱"),
        ({"who": "mei@example.test, x@example.test"}, "这不像手机号，也不像邮箱"),
        ({"who": "m" * 300 + "@example.test"}, "这不像手机号，也不像邮箱"),
        ({"password": "shanhai"}, "太短了，这里有 7 位，至少要 10 位"),
        ({"password": ""}, "太短了，这里有 0 位"),
        ({"password": "x" * 201}, "太长了，最多 200 位"),
        ({"call": "梅" * 61}, "最多 60 字"),
        ({"agree": None}, "要同意才能开账户"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_kept(browser: Browser, typed: dict[str, str | None], says: str) -> None:
    browser.open(SIGN_UP)
    page = browser.press(SIGN_UP, "注册", {**GOOD, "call": "梅女士", **typed})
    assert page.status == 422
    assert says in page.text
    assert users() == 0
    form = page.form(SIGN_UP)
    assert form.values("password") == [""]
    if "call" not in typed:
        assert form.values("call") == ["梅女士"]
    if "who" not in typed:
        assert form.values("who") == ["13800132207"]


def test_nobody_learns_at_the_door_whether_an_address_is_known_but_its_owner_does(app: Flask, browser: Browser) -> None:
    make_mei(phone="13800132207")
    answers = []
    for who in (GOOD["who"], "13900000000"):
        browser.open(SIGN_UP)
        page = browser.press(SIGN_UP, "注册", {**GOOD, "who": who})
        answers.append((page.status, page.text))
    assert answers[0] == answers[1] and answers[0][0] == 200 and users() == 1
    with app.test_request_context(), reading() as session:
        letters = session.execute(select(Letter.to_phone, Letter.kind, Letter.facts).order_by(Letter.id)).all()
        written = [sign_up(ClaimedLetter(1, row.kind, "", "zh", None, row.to_phone, row.facts, 0), app.config["SHOP"]) for row in letters]
    assert [row.to_phone for row in letters] == ["13800132207", "13900000000"]
    known, new = (told for told in written if told)
    assert [known["is_known"], new["is_known"]] == [True, False] and str(known["link"]).endswith(SIGN_IN)


def test_an_address_gets_three_letters_an_hour_and_one_account(browser: Browser) -> None:
    for _ in range(4):
        browser.open(SIGN_UP)
        browser.press(SIGN_UP, "注册", GOOD)
    with reading() as session:
        ids = session.scalars(select(SignUp.id).order_by(SignUp.id)).all()
    assert len(ids) == 3
    open_letter(browser)
    browser.press(SIGN_UP, "打开账户", {"password": GOOD["password"]})
    assert users() == 1
    with reading():
        first = find_sign_up(SignUpId(ids[0]), now=utc_now())
    assert first is not None
    secret = str(browser.client.application.config["SECRET_KEY"])
    with pytest.raises(LinkSpent):
        finish_sign_up(first.id, first.path(secret).partition("key=")[2], GOOD["password"], shop_secret=secret, now=utc_now())
    assert users() == 1 and forget_sign_ups(now=utc_now() + timedelta(days=2)) == 2


def test_nobody_becomes_staff_by_asking(browser: Browser) -> None:
    browser.open(SIGN_UP)
    browser.send(SIGN_UP, {**GOOD, "roles": Role.ADMIN.value, "is_demo": "1"})
    open_letter(browser)
    browser.press(SIGN_UP, "打开账户", {"password": GOOD["password"]})
    assert browser.open("/staff/").status == 404


def test_both_doors_read_in_english(app: Flask) -> None:
    browser = Browser(app.test_client(), language="en")
    for door in (SIGN_IN, SIGN_UP, "/orders/find"):
        page = browser.open(door)
        assert page.status == 200 and '<html lang="en">' in page.html


# ── The pure parts ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("13800132207", Name(phone="13800132207")),
        ("０１３８", None),
        ("Mei@Example.test", Name(email="mei@example.test")),
        ("ｍｅｉ＠ｅｘａｍｐｌｅ．ｔｅｓｔ", Name(email="mei@example.test")),
        ("mei@example", None),
        ("me i@example.test", None),
        ("", None),
    ],
)
def test_a_name_is_a_number_or_an_address(typed: str, name: Name | None) -> None:
    assert read_name(typed) == name


@pytest.mark.parametrize("address", ["/", "/cart/", "/orders/SH-1?key=a&paid=1", "/products/?q=米"])
def test_addresses_of_the_shop_are_followed(address: str) -> None:
    assert local_address(address) == address


@pytest.mark.parametrize("address", ["", "cart", "//x", "/\\x", "http:/x", "/a\nb", "/" + "x" * 2000, "/x\\y"])
def test_other_addresses_are_not(address: str) -> None:
    assert local_address(address) is None
