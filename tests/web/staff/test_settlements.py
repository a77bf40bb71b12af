"""Settlements at the staff's desk: one person draws up, another approves, the bank's file, the bank's number."""

from datetime import date, timedelta

import pytest
from flask import Flask

from shop.accounts.roles import Role
from shop.kit.clock import business_day, utc_now
from shop.orders.models import Channel
from shop.origin import service as origin
from tests.books import sell
from tests.browser import Browser
from tests.factories import MadeCooperative, make_cooperative, make_lot, make_product, make_user, sign_in
from tests.settling import attributed, settlement
from tests.shopping import NOW, assert_books_are_sound


@pytest.fixture
def baishui(app: Flask) -> MadeCooperative:
    """Two bags sold by hand the day before yesterday."""
    product = make_product()
    make_lot(product, harvested_on=date(2026, 9, 20))
    sell((product.sku, 2), on=yesterday() - timedelta(days=1), channel=Channel.OFFLINE)
    return make_cooperative()


def yesterday() -> date:
    return business_day(utc_now()) - timedelta(days=1)


@pytest.fixture
def wang(app: Flask) -> Browser:
    """Draws settlements up."""
    return Browser(sign_in(app.test_client(), make_user("Wang", roles=[Role.FINANCE])))


@pytest.fixture
def zhao(app: Flask) -> Browser:
    """Approves them."""
    return Browser(sign_in(app.test_client(), make_user("Zhao", roles=[Role.FINANCE])))


def drawn(wang: Browser, baishui: MadeCooperative) -> str:
    wang.open("/staff/settlements/")
    page = wang.press("/staff/settlements/draft", "算", typed={"cooperative": str(baishui.id), "last_day": yesterday().isoformat()})
    assert "算好了，等另一个人批准" in page.text
    return page.path.rsplit("/", 1)[1]


def test_from_the_draft_to_the_banks_number(wang: Browser, zhao: Browser, baishui: MadeCooperative) -> None:
    number = drawn(wang, baishui)
    here = f"/staff/settlements/{number}"
    assert "这张是你算的" in wang.open(here).text
    assert "要由另一个人批准" in wang.send(f"{here}/approve", {}).text
    zhao.open(here)
    assert "先把合作社的收款账户写上" in zhao.send(f"{here}/approve", {}).text
    zhao.open(f"/staff/settlements/payees/{baishui.id}")
    typed = {"payee": "白水示例合作社", "number": "6228 4800 0000 0001 234", "bank": "示例银行碧江支行"}
    page = zhao.press(f"/staff/settlements/payees/{baishui.id}", "记下", typed=typed)
    assert "**** 1234" in page.text and "6228480000000001234" not in page.text
    zhao.open(here)
    page = zhao.press(f"{here}/approve", "批准 ¥136.00")
    assert "批准了，记进了应付" in page.text
    assert "没有再记" in zhao.send(f"{here}/approve", {}).text
    wang.open(here)
    page = wang.press(f"{here}/paid", "付清了 ¥136.00", typed={"reference": "", "paid_on": "昨天"})
    assert page.status == 422 and "写上银行的流水号" in page.text
    page = wang.press(f"{here}/paid", "付清了", typed={"reference": "NB-2026-77", "paid_on": business_day(utc_now()).isoformat()})
    assert "这笔付清了" in page.text and "NB-2026-77" in page.text
    assert settlement(number).total_fen == attributed(baishui) == 13_600
    assert_books_are_sound()


def test_the_banks_file_is_what_its_program_reads(wang: Browser, zhao: Browser, baishui: MadeCooperative, app: Flask) -> None:
    origin.set_bank_account(baishui.id, payee="=示例合作社", number="6228480000000001234", bank="示例银行", by=None, now=NOW)
    number = drawn(wang, baishui)
    zhao.open(f"/staff/settlements/{number}")
    zhao.press(f"/staff/settlements/{number}/approve", "批准")
    wang.open("/staff/settlements/")
    page = wang.press("/staff/settlements/batch", "导出")
    assert page.html.lstrip("\ufeff").splitlines() == [
        "收款人户名,收款账号,开户行,金额(元),用途/备注",
        f"'=示例合作社,6228480000000001234,示例银行,136.00,货款 {number}",
    ]


def test_every_figure_of_a_statement_opens_its_orders_and_the_file_says_the_same(
    wang: Browser, lin: Browser, baishui: MadeCooperative
) -> None:
    number = drawn(wang, baishui)
    page = lin.open(f"/staff/settlements/{number}")
    assert "白水村" in page.text and "136.00" in page.text and "白水贡米" in page.text
    assert not [form for form in page.forms if form.action.endswith(("/approve", "/cancel"))], "an auditor changes nothing"
    lines = lin.open(f"/staff/settlements/{number}/lines?village={baishui.village_ids[0]}")
    assert "136.00" in lines.text and "XX-" in lines.text
    assert lin.open(f"/staff/settlements/{number}/lines?village=999").status == 404
    file = lin.open(f"/staff/settlements/{number}/statement.csv")
    assert ",13600\r\n" in file.html and "本期结算" in file.text


def test_a_wrong_day_or_account_is_said_beside_its_field(wang: Browser, baishui: MadeCooperative) -> None:
    wang.open("/staff/settlements/")
    ahead = (yesterday() + timedelta(days=9)).isoformat()
    page = wang.press("/staff/settlements/draft", "算", typed={"cooperative": str(baishui.id), "last_day": ahead})
    assert page.status == 422 and "只能算到" in page.text and ahead in page.html
    page = wang.press("/staff/settlements/draft", "算", typed={"cooperative": str(baishui.id), "last_day": "2020-01-01"})
    assert page.status == 422 and "没有可结算的" in page.text
    wang.open(f"/staff/settlements/payees/{baishui.id}")
    page = wang.press(f"/staff/settlements/payees/{baishui.id}", "记下", typed={"payee": "", "number": "12a", "bank": "示例银行"})
    assert page.status == 422 and "账号只有数字" in page.text and "写上户名" in page.text


def test_a_draft_is_thrown_away(wang: Browser, baishui: MadeCooperative) -> None:
    number = drawn(wang, baishui)
    wang.open(f"/staff/settlements/{number}")
    assert "作废了" in wang.press(f"/staff/settlements/{number}/cancel", "作废").text
    assert drawn(wang, baishui) != number
