"""Everything that can be played can be played by hand: each test presses the buttons that the page shows, and reads the answer with the SDK."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.sandbox.conftest import Stage


class Hand:
    """Somebody before the page: presses only buttons that are there, with the fields that are there."""

    def __init__(self, browser: FlaskClient) -> None:
        self.browser = browser

    def look(self, language: str = "zh-CN") -> str:
        page = self.browser.get("/", headers={"Accept-Language": language})
        assert page.status_code == 200
        return unescape(page.get_data(as_text=True))

    def press(self, label: str, **fields: str) -> TestResponse:
        """Press the first button of that label, the fields of its form as they stand except those told."""
        for form in re.findall(r"<form.*?</form>", self.look(), re.DOTALL):
            if f">{label}</button>" not in form:
                continue
            address = re.search(r'action="([^"]+)"', form)
            assert address is not None
            return self.browser.post(address[1], data=_filled(form, fields), headers={"Origin": "http://localhost"})
        raise AssertionError(f"there is no button {label}")


def _filled(form: str, changes: dict[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for field in re.findall(r"<input[^>]+>", form):
        name = re.search(r'name="([^"]+)"', field)
        value = re.search(r'value="([^"]*)"', field)
        if name and ('type="checkbox"' not in field or " checked" in field):
            values[name[1]] = value[1] if value else "on" if 'type="checkbox"' in field else ""
    for name, choices in re.findall(r'<select name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', choices) or re.search(r'value="([^"]*)"', choices)
        assert chosen is not None
        values[name] = chosen[1]
    known = set(re.findall(r'name="([^"]+)"', form))
    assert set(changes) <= known, f"the form has {known}"
    return values | changes


@pytest.fixture
def hand(stage: Stage) -> Hand:
    return Hand(stage.running.app.test_client())


def _done(answer: TestResponse) -> None:
    assert answer.status_code == 303, re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))[:1500]


def test_buyer_and_bank_by_hand(stage: Stage, hand: Hand) -> None:
    assert "在店里下一单" in hand.look()
    first = stage.open_session()
    _done(hand.press("替买家做", method="card", outcome="declined"))
    _done(hand.press("替买家做", method="wechat_pay"))
    assert stage.client.v1.checkout.sessions.retrieve(first.id).payment_status == "paid"
    late = stage.open_session()
    _done(hand.press("让它过期"))
    assert stage.client.v1.checkout.sessions.retrieve(late.id).status == "expired"
    _done(hand.press("银行偏偏这时才答复：付成了"))
    assert stage.client.v1.checkout.sessions.retrieve(late.id).payment_status == "paid"
    for label, status in (("钱到了", "paid"), ("银行不肯", "unpaid")):
        slow = stage.open_session()
        _done(hand.press("替买家做", outcome="processing"))
        _done(hand.press(label))
        assert stage.client.v1.checkout.sessions.retrieve(slow.id).payment_status == status


def test_refunds_by_hand(stage: Stage, hand: Hand) -> None:
    stage.paid_session()
    _done(hand.press("就这样做", refunds="pending"))
    _done(hand.press("在支付公司后台退款", amount="68"))
    _done(hand.press("退到了"))
    _done(hand.press("在支付公司后台退款", amount="1.5"))
    _done(hand.press("银行退不进去", reason="declined"))
    _done(hand.press("在支付公司后台退款"))
    made = stage.client.v1.refunds.list().data[::-1]
    assert [(one.amount, one.status, one.failure_reason) for one in made] == [
        (6800, "succeeded", None),
        (150, "failed", "declined"),
        (13600, "pending", None),
    ]


@pytest.mark.parametrize("amount", ["0", "-1", "204.01", "1.234", "all"])
def test_what_stripe_refuses_is_refused_in_its_words_and_changes_nothing(stage: Stage, hand: Hand, amount: str) -> None:
    stage.paid_session()
    answer = hand.press("在支付公司后台退款", amount=amount)
    assert answer.status_code == 400
    assert re.search(r'role="alert".*<p lang="en">', answer.get_data(as_text=True))
    assert stage.client.v1.refunds.list().data == []


def test_disputes_by_hand(stage: Stage, hand: Hand) -> None:
    assert "支付宝和微信支付没有争议" in hand.look()
    for label, status in (("银行判店里有理", "won"), ("银行判买家有理", "lost")):
        stage.pay(stage.open_session(), "paid", "card")
        _done(hand.press("持卡人提出争议", reason="fraudulent"))
        _done(hand.press(label))
        assert stage.client.v1.disputes.list().data[0].status == status
    for label, status in (("升级成争议", "needs_response"), ("查询结束", "warning_closed")):
        stage.pay(stage.open_session(), "paid", "card")
        _done(hand.press("持卡人提出争议", inquiry="on"))
        _done(hand.press(label))
        assert stage.client.v1.disputes.list().data[0].status == status


def test_the_balance_and_payouts_by_hand(stage: Stage, hand: Hand) -> None:
    assert "打款到银行</button>" not in hand.look()
    stage.paid_session()
    assert hand.press("打款到银行").status_code == 400
    _done(hand.press("打款到银行", even_pending="on"))
    _done(hand.press("银行退回"))
    assert stage.client.v1.payouts.list().data[0].status == "failed"
    _done(hand.press("记一笔没人要过的", type="moon_phase", amount="-5.00"))
    assert stage.client.v1.balance_transactions.list().data[0].net == -500
    assert "moon_phase" in hand.look()
    assert hand.press("记一笔没人要过的", amount="").status_code == 400


def test_a_payout_that_is_on_its_way_arrives_by_hand(stage: Stage, hand: Hand) -> None:
    stage.paid_session()
    stage.ask("POST", "/_sandbox/payouts", {"even_pending": True, "paid": False})
    _done(hand.press("到账"))
    assert stage.client.v1.payouts.list().data[0].status == "paid"


def test_notices_by_hand(stage: Stage, hand: Hand) -> None:
    stage.paid_session()
    _done(hand.press("丢掉"))
    _done(hand.press("把等着的现在就发"))
    assert stage.shop.types() == ["charge.succeeded", "payment_intent.succeeded"]
    _done(hand.press("再发一遍"))
    _done(hand.press("再发两遍"))
    _done(hand.press("把等着的现在就发"))
    assert stage.shop.types().count("checkout.session.completed") == 3


def test_bad_days_by_hand(stage: Stage, hand: Hand) -> None:
    assert "天气晴好" in hand.look()
    _done(hand.press("让它出错", on="POST /v1/refunds", do="delay", number="", times="2"))
    faults = stage.ask("GET", "/_sandbox/faults")[1]["faults"]
    assert [(fault["on"], fault["do"], fault["times"]) for fault in faults] == [("POST /v1/refunds", "delay:30", 2)]
    assert "还有 2 次" in hand.look()
    assert hand.press("让它出错", do="drop").status_code == 400
    assert hand.press("让它出错", times="0").status_code == 400
    assert hand.press("让它出错", times="often").status_code == 400
    _done(hand.press("全部取消"))
    assert stage.ask("GET", "/_sandbox/faults")[1]["faults"] == []


def test_every_fault_that_the_page_offers_can_be_played(stage: Stage, hand: Hand) -> None:
    forms = [form for form in re.findall(r"<form.*?</form>", hand.look(), re.DOTALL) if ">让它出错</button>" in form]
    for form in forms:
        places, kinds = (re.findall(r'<option value="([^"]+)"', part) for part in re.findall(r"<select.*?</select>", form, re.DOTALL))
        for on in places:
            for do in kinds:
                _done(hand.browser.post("/desk/break", data={"on": on, "do": do, "number": "", "times": "1"}))
    assert len(stage.ask("GET", "/_sandbox/faults")[1]["faults"]) > 50
    hand.look("en")


def test_time_and_behaviour_by_hand(stage: Stage, hand: Hand) -> None:
    session = stage.open_session()
    _done(hand.press("往后拨", seconds="86400"))
    assert stage.client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    _done(hand.press("拨回本机时间"))
    assert stage.ask("GET", "/_sandbox/clock")[1]["offset_seconds"] == 0
    assert hand.press("往后拨", seconds="7").status_code == 400
    _done(hand.press("就这样做", settlement_currency="hkd", rate="1.09"))
    stage.paid_session()
    assert stage.client.v1.balance_transactions.list().data[0].currency == "hkd"
    assert "HK$222.36" in hand.look()
    assert hand.press("就这样做", rate="much").status_code == 400


def live(stage: Stage, hand: Hand) -> None:
    """Bring everything into one of its states."""
    for outcome, method in (("paid", "card"), ("paid", "card"), ("declined", "card"), ("processing", "alipay"), ("paid", "alipay")):
        stage.pay(stage.open_session(), outcome, method)
    stage.client.v1.checkout.sessions.expire(stage.open_session().id)
    _done(hand.press("持卡人提出争议"))
    _done(hand.press("持卡人提出争议", inquiry="on"))
    _done(hand.press("就这样做", refunds="pending"))
    _done(hand.press("在支付公司后台退款", amount="1"))
    _done(hand.press("在支付公司后台退款", amount="1"))
    _done(hand.press("银行退不进去"))
    _done(hand.press("记一笔没人要过的", amount="500"))
    _done(hand.press("打款到银行", even_pending="on"))
    _done(hand.press("让它出错"))
    _done(hand.press("往后拨"))


def test_in_every_state_the_page_has_its_english(stage: Stage, hand: Hand) -> None:
    live(stage, hand)
    text = re.sub(r"白水贡米", "", hand.look("en"))
    assert not re.search(r"[\u4e00-\u9fff]", text)
    assert re.search(r'<html lang="en">', text)


def test_in_every_state_the_page_names_it(stage: Stage, hand: Hand) -> None:
    live(stage, hand)
    assert hand.press("在支付公司后台退款", amount="999999").status_code == 400
    text = hand.look()
    for words in ("等店里答复", "银行来查询", "在退", "退不进去", "已到账", "已打出", "银行在办", "已过期", "支付公司后台退的"):
        assert words in text


def test_only_hands_on_this_machine_and_this_page_press_buttons(stage: Stage, hand: Hand) -> None:
    session = stage.paid_session()
    charge = stage.client.v1.charges.list().data[0].id
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"X-Forwarded-For": "203.0.113.9"}):
        assert hand.browser.post("/desk/refund", data={"charge": charge}, headers=headers).status_code == 403
    assert hand.browser.post("/desk/explode", data={}).status_code == 404
    assert stage.client.v1.refunds.list().data == []
    assert session.id[:20] in hand.look()
    away = hand.browser.get("/", headers={"X-Forwarded-For": "203.0.113.9"}).get_data(as_text=True)
    assert "只有在本机打开这一页才能按按钮" in away
    assert "<form" not in away


def test_the_page_needs_no_script_and_nothing_from_elsewhere(stage: Stage, hand: Hand) -> None:
    stage.paid_session()
    page = hand.browser.get("/")
    assert not re.search(r"<script|\sstyle=|\son[a-z]+=|<style", page.get_data(as_text=True))
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
