"""What a buyer sees and does on the pay page, and what a developer sees behind it."""

from __future__ import annotations

import re
from html import unescape

import pytest
import stripe
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.sandbox.conftest import Stage, rice


@pytest.fixture
def browser(stage: Stage) -> FlaskClient:
    return stage.running.app.test_client()


def _submit(browser: FlaskClient, session: stripe.checkout.Session, outcome: str, method: str | None = "alipay") -> TestResponse:
    form = {"outcome": outcome} | ({"method": method} if method else {})
    return browser.post(f"/pay/{session.id}", data=form)


def _status(stage: Stage, session: stripe.checkout.Session) -> tuple[str | None, str]:
    now = stage.client.v1.checkout.sessions.retrieve(session.id)
    return now.status, now.payment_status


def test_the_pay_page_shows_what_is_bought_and_that_it_is_a_demonstration(stage: Stage, browser: FlaskClient) -> None:
    option = {"shipping_rate_data": {"display_name": "运费", "type": "fixed_amount", "fixed_amount": {"amount": 1200, "currency": "cny"}}}
    session = stage.open_session(line_items=[rice(quantity=3), rice(unit_amount=1234500, name="<b>礼盒</b>")], shipping_options=[option])
    page = browser.get(f"/pay/{session.id}")
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    for words in (
        "演示支付 · 不会扣款",
        "付给 山海集",
        "白水贡米 5 kg × 3",
        "204.00",
        "运费",
        "12,561.00",
        "SH-261118-0042",
        "前有效",
        "微信支付",
        "付到一半走开",
    ):
        assert words in text
    assert "<b>礼盒</b>" not in text
    assert '<html lang="zh-Hans">' in text


def test_the_page_has_no_script_no_inline_style_and_nothing_from_elsewhere(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session()
    for address in (f"/pay/{session.id}", "/", "/pay/nothing"):
        page = browser.get(address)
        text = page.get_data(as_text=True)
        assert not re.search(r"<script|\sstyle=|\son[a-z]+=|<style", text)
        assert all(link.startswith("/static/") for link in re.findall(r'<link[^>]+href="([^"]+)"', text))
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        for name in re.findall(r'href="(/static/[^"]+)"', text):
            assert browser.get(name).status_code == 200


def test_the_policy_lets_the_browser_follow_back_to_the_shop(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session(cancel_url="https://shop.example:8443/checkout/")
    for page in (browser.get(f"/pay/{session.id}"), _submit(browser, session, "paid")):
        assert "form-action 'self' http://127.0.0.1:8000 https://shop.example:8443;" in page.headers["Content-Security-Policy"]


def test_an_address_cannot_smuggle_a_directive_into_the_policy(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session(cancel_url="http://a;script-src/")
    assert "script-src" not in browser.get(f"/pay/{session.id}").headers["Content-Security-Policy"]


def test_paying_sends_the_buyer_back_with_the_session(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session()
    answer = _submit(browser, session, "paid")
    assert answer.status_code == 303
    assert answer.location == f"http://127.0.0.1:8000/checkout/return?session={session.id}"
    assert _status(stage, session) == ("complete", "paid")
    again = _submit(browser, session, "declined")
    assert (again.status_code, again.location) == (303, answer.location)
    assert "已经付过了" in browser.get(f"/pay/{session.id}").get_data(as_text=True)
    assert len(stage.client.v1.charges.list().data) == 1


def test_a_decline_is_said_on_the_page_and_another_try_succeeds(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session()
    refused = _submit(browser, session, "declined", "card")
    text = refused.get_data(as_text=True)
    assert refused.status_code == 200
    assert 'role="alert"' in text
    assert "没付成：余额不足。" in text
    assert re.search(r'value="card" required checked', text)
    assert _status(stage, session) == ("open", "unpaid")
    assert _submit(browser, session, "paid", "card").status_code == 303


def test_walking_away_keeps_the_door_open(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session()
    assert "你付到一半走开了。" in _submit(browser, session, "walk_away").get_data(as_text=True)
    assert _status(stage, session) == ("open", "unpaid")


def test_an_expired_page_offers_the_way_back_and_the_late_bank(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session()
    stage.client.v1.checkout.sessions.expire(session.id)
    text = browser.get(f"/pay/{session.id}").get_data(as_text=True)
    assert "这次付款过期了" in text
    assert "店里已经收回这次付款" in text
    assert 'href="http://127.0.0.1:8000/checkout/"' in text
    assert "这次付款过期了" in _submit(browser, session, "paid").get_data(as_text=True)
    assert _status(stage, session) == ("expired", "unpaid")
    assert _submit(browser, session, "paid_after_expiry", method=None).status_code == 303
    assert _status(stage, session) == ("complete", "paid")


def test_a_page_past_its_time_says_when_that_was(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session()
    stage.shift_clock(25 * 60 * 60)
    assert re.search(r"有效期到 \d\d:\d\d，已经过了", browser.get(f"/pay/{session.id}").get_data(as_text=True))


def test_a_late_choice_on_an_open_page_expires_and_then_pays(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session()
    assert _submit(browser, session, "paid_after_expiry").status_code == 303
    assert "checkout.session.expired" in [event.type for event in stage.client.v1.events.list().data]


def test_giving_up_is_a_link_back(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session(cancel_url="http://127.0.0.1:8000/checkout/?s={CHECKOUT_SESSION_ID}")
    text = unescape(browser.get(f"/pay/{session.id}").get_data(as_text=True))
    assert f'href="http://127.0.0.1:8000/checkout/?s={session.id}"' in text
    without = stage.open_session(cancel_url=None)
    assert "关上这一页就好" in browser.get(f"/pay/{without.id}").get_data(as_text=True)


@pytest.mark.parametrize("form", [{}, {"method": "alipay"}, {"method": "cash", "outcome": "paid"}, {"method": "card", "outcome": "stolen"}])
def test_a_crooked_form_changes_nothing(stage: Stage, browser: FlaskClient, form: dict[str, str]) -> None:
    session = stage.open_session(allowed_payment_method_types=["alipay", "card"])
    answer = browser.post(f"/pay/{session.id}", data=form)
    assert answer.status_code == 400
    assert "请选一种付法和一种结果。" in answer.get_data(as_text=True)
    assert _status(stage, session) == ("open", "unpaid")


def test_an_unknown_payment_has_a_page_of_its_own(browser: FlaskClient) -> None:
    for answer in (browser.get("/pay/cs_test_nothing"), browser.post("/pay/cs_test_nothing", data={"method": "card", "outcome": "paid"})):
        assert answer.status_code == 404
        assert "没有这次付款" in answer.get_data(as_text=True)


def test_english_readers_get_english(stage: Stage, browser: FlaskClient) -> None:
    session = stage.open_session()
    english = {"Accept-Language": "en-GB,en;q=0.9"}
    text = unescape(browser.get(f"/pay/{session.id}", headers=english).get_data(as_text=True))
    assert '<html lang="en">' in text
    assert "Choose how to pay" in text
    assert "Demo payment · no money moves" in text
    for word in ("付成了", "订单", "合计", "演示"):
        assert word not in text
    wanted = stage.open_session(locale="en")
    assert "Choose how to pay" in browser.get(f"/pay/{wanted.id}", headers={"Accept-Language": "zh-CN"}).get_data(as_text=True)
    assert "选一种付法" in browser.get(f"/pay/{session.id}", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}).get_data(as_text=True)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_behind_the_stage_everything_is_listed(stage: Stage, browser: FlaskClient, language: str) -> None:
    empty = browser.get("/", headers={"Accept-Language": language})
    assert empty.status_code == 200
    stage.script({"on": "webhook:refund.created", "do": "drop"})
    stage.shop.answers.append(503)
    session = stage.paid_session()
    stage.client.v1.refunds.create({"payment_intent": session.payment_intent, "amount": 6800})
    stage.deliver()
    open_session = stage.open_session()
    text = browser.get("/", headers={"Accept-Language": language}).get_data(as_text=True)
    for words in (
        session.id[:24],
        str(session.payment_intent),
        "¥204.00",
        "¥68.00",
        "charge.refunded",
        "HTTP 503",
        f"/pay/{open_session.id}",
    ):
        assert words in text
    assert ("有意丢弃" if language == "zh-CN" else "dropped") in text


def test_every_page_in_every_state_has_its_english(stage: Stage, browser: FlaskClient) -> None:
    english = {"Accept-Language": "en"}
    declined, expired, paid, away = (stage.open_session(cancel_url=None) for _ in range(4))
    stage.client.v1.checkout.sessions.expire(expired.id)
    stage.pay(paid)
    pages = [
        browser.post(f"/pay/{declined.id}", data={"method": "card", "outcome": "declined"}, headers=english),
        browser.post(f"/pay/{away.id}", data={"method": "card", "outcome": "walk_away"}, headers=english),
        browser.post(f"/pay/{away.id}", data={}, headers=english),
        browser.get(f"/pay/{expired.id}", headers=english),
        browser.get(f"/pay/{paid.id}", headers=english),
        browser.get("/pay/nothing", headers=english),
    ]
    for page in pages:
        text = re.sub(r"白水贡米", "", page.get_data(as_text=True))
        assert not re.search(r"[\u4e00-\u9fff]", text)


def test_health(browser: FlaskClient) -> None:
    assert browser.get("/healthz").get_json() == {"status": "ok"}
