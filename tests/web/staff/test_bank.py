"""The bank account through the pages: a statement comes in, people say whose money it is, two people send back what is too much."""

import io

import pytest
from flask import Flask

from shop.kit.clock import utc_now
from shop.orders.states import OrderState
from tests.browser import Browser
from tests.factories import MadeProduct, make_lot, make_product, make_staff, sign_in
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, state_of
from tests.transfers import place_by_transfer, reference_of, to_send_back, transfer_of


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    product = make_product()
    make_lot(product, units=20)
    return product


def import_statement(browser: Browser, *rows: str, encoding: str = "gb18030") -> str:
    """Send a CSV file; the page that comes back."""
    token = browser.open("/staff/bank/").form("/staff/bank/statement").values("csrf_token")[0]
    text = "交易日期,贷方发生额,借方发生额,对方户名,对方账号,附言,流水号\n" + "\n".join(rows) + "\n"
    data = {"csrf_token": token, "statement": (io.BytesIO(text.encode(encoding)), "流水.csv")}
    answer = browser.client.post("/staff/bank/statement", data=data, headers={"Referer": "http://localhost/"}, follow_redirects=True)
    return answer.text


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def test_a_statement_proposes_and_one_press_books(office: Browser, rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 2}, now=utc_now())
    today = utc_now().date().isoformat()
    row = f"{today},{yuan(placed.total_fen)},,示例买家,6217000012345678,{reference_of(placed.number)},A1"
    page = import_statement(office, row, f"{today},,5.00,示例快递,1,运费,A2", f"{today},五元,,坏,1,,A3")
    assert "有 1 行看不懂" in page and "第 4 行：金额看不懂" in page
    assert "0 笔早就有了" in page or placed.number in page
    page = import_statement(office, row)
    assert "新收下 0 笔，1 笔早就有了" in page
    office.open("/staff/bank/")
    assert placed.number in office.page.text and "正好" in office.page.text and "附言写了参考号" in office.page.text
    page_after = office.press("/staff/bank/lines/", "就是这一单")
    assert f"{placed.number} 付清了" in page_after.text and "都认完了" in page_after.text
    assert state_of(placed.number) is OrderState.PAID
    assert "从银行转给买家" not in office.open(f"/staff/orders/{placed.number}").text, "there is no other way"
    assert_books_are_sound()


def test_another_name_is_asked_for_a_reason_and_the_surplus_goes_back_by_two(app: Flask, office: Browser, rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1}, now=utc_now())
    office.open("/staff/bank/")
    page = office.press(
        "/staff/bank/lines",
        "记下",
        {"booked_on": "2026-11-20", "amount": yuan(placed.total_fen + 500), "payer_name": "昆山某公司", "bank_number": ""},
    )
    assert page.status == 422 and "写上银行的流水号" in page.text
    page = office.press("/staff/bank/lines", "记下", {"payer_account": "6217000012345678", "bank_number": "B1"})
    assert "记下了一笔" in page.text
    line_page = next(part.split('"')[0] for part in page.html.split('href="') if part.startswith("/staff/bank/lines/"))
    office.open(line_page)
    page = office.press(f"{line_page}/match", "认给这一单", {"number": placed.number})
    assert page.status == 422 and "户名和订单上的不一样" in page.text
    page = office.press(f"{line_page}/match", "认给这一单", {"reason": "公司代付，电话核实"})
    assert "要转回" in page.text and state_of(placed.number) is OrderState.PAID
    page = office.open("/staff/bank/back")
    assert "转回 ¥5.00" in page.text and "6217000012345678" in page.text
    assert office.press("/staff/bank/back/", "我转了", {"bank_reference": ""}).status == 422
    page = office.press("/staff/bank/back/", "我转了", {"bank_reference": "OUT-9"})
    assert "请另一个人来核对" in page.text
    assert "要转回" in office.open("/staff/").text
    other = Browser(sign_in(app.test_client(), make_staff()))
    other.open("/staff/bank/back")
    page = other.press(f"/staff/bank/back/{to_send_back()[0].id}/confirm")
    assert "核对了，已经入账" in page.text and "没有要转回的" in page.text
    assert_books_are_sound()


def test_what_is_not_an_orders_is_set_aside_with_a_word(office: Browser, rice: MadeProduct) -> None:
    import_statement(office, "2026-11-01,0.37,,银行,,结息,C1", encoding="utf-8-sig")
    page = office.open("/staff/")
    assert "没人认" in page.text
    line_page = next(
        part.split('"')[0] for part in office.open("/staff/bank/").html.split('href="') if part.startswith("/staff/bank/lines/")
    )
    office.open(line_page)
    assert "写一句这是什么钱" in office.press(f"{line_page}/aside", typed={"why": ""}).text
    page = office.press(f"{line_page}/aside", typed={"why": "利息"})
    assert "都认完了" in page.text and "利息" in page.text
    assert "没人认" not in office.open("/staff/").text
    office.open(line_page)
    assert "可能是" in office.press(f"{line_page}/again").text


def test_a_file_that_is_no_statement_is_said_so(office: Browser) -> None:
    token = office.open("/staff/bank/").form("/staff/bank/statement").values("csrf_token")[0]
    for content, words in ((b"", "选一个"), (b"PK\x03\x04\x00", "另存为 CSV"), ("甲,乙\n1,2\n".encode(), "找不到表头")):
        data = {"csrf_token": token} | ({"statement": (io.BytesIO(content), "x.csv")} if content else {})
        answer = office.client.post("/staff/bank/statement", data=data, headers={"Referer": "http://localhost/"})
        assert answer.status_code == 422 and words in answer.text


def test_auditor_lin_reads_the_bank_and_changes_nothing(lin: Browser, rice: MadeProduct) -> None:
    place_by_transfer({rice.sku: 1}, now=utc_now())
    page = lin.open("/staff/bank/")
    assert page.status == 200 and not any("/staff/bank" in form.action for form in page.forms)
    assert lin.open("/staff/bank/back").status == 200


def test_a_large_refund_waits_for_another_at_the_desk(app: Flask, office: Browser, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 8}, now=utc_now())
    office.open(f"/staff/orders/{placed.number}")
    field = next(name for name, _ in office.page.form(f"/staff/orders/{placed.number}/refund").fields if name.startswith("units-"))
    office.press(f"/staff/orders/{placed.number}/refund", "算一算", {field: "8", "reason": "damaged"})
    page = office.press(f"/staff/orders/{placed.number}/refund", "请另一个人同意退 ¥544.00")
    assert "要另一个人同意" in page.text and not provider.refunds
    assert "等另一个人同意" in office.open("/staff/").text
    assert "等另一个人来定" in office.open("/staff/refunds/").text
    other = Browser(sign_in(app.test_client(), make_staff()))
    other.open("/staff/refunds/")
    no = next(form.action for form in other.page.forms if form.action.endswith("/reject"))
    assert "不同意要写一句" in other.press(no, "不同意", {"word": ""}).text
    page = other.press("/staff/refunds/", "同意，退 ¥544.00")
    assert "退款 ¥544.00 已记账" in page.text and len(provider.refunds) == 1
    assert_books_are_sound()


def test_missing_money_is_told_on_the_buyers_page(office: Browser, rice: MadeProduct) -> None:
    placed = place_by_transfer({rice.sku: 1}, now=utc_now())
    import_statement(office, f"{utc_now().date()},10.00,,示例买家,,{reference_of(placed.number)},D1")
    line_page = next(
        part.split('"')[0] for part in office.open("/staff/bank/").html.split('href="') if part.startswith("/staff/bank/lines/")
    )
    office.open(line_page)
    assert "还差" in office.press(f"{line_page}/match", "就是这一单").text
    page = office.open(f"/orders/{placed.number}/transfer?key={placed.key}")
    assert "收到 ¥10.00" in page.text and yuan(transfer_of(placed.number).missing_fen) in page.html
