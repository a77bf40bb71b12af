"""Lao Chen tries a rule before he proposes it, pays what was approved, and sends the village its link."""

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.extensions import reading
from shop.ledger.dividing import answer
from shop.ledger.models import DividendPayment, DividendRule, ReceiptAnswer
from tests.browser import Browser
from tests.dividends import IN_DECEMBER, Season, a_photograph, make_rule, make_season, run_to, runs_of, sell_by_hand, tell_cost
from tests.factories import make_cooperative, make_user, make_village, sign_in
from tests.shopping import assert_books_are_sound
from tests.web.cooperative.test_costs import send

RULE = {"name": "622", "starts_on": "2026-09-01", "base": "net", "bucket_0": "60", "bucket_1": "20", "bucket_2": "20"}


@pytest.fixture
def season(app: Flask) -> Season:
    return make_season()


@pytest.fixture
def phone(app: Flask, season: Season) -> Browser:
    """Lao Chen's browser."""
    return Browser(sign_in(app.test_client(), season.chen))


def count_of(model: type) -> int:
    with reading() as session:
        return int(session.scalar(select(func.count()).select_from(model)) or 0)


def test_a_rule_is_tried_on_the_figures_before_it_is_proposed(phone: Browser, season: Season) -> None:
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    tell_cost(season, 10_001, on=date(2026, 9, 21), now=IN_DECEMBER)
    phone.open("/cooperative/dividends/rules/new")
    page = phone.press("/cooperative/dividends/rules/new", "先用", typed=RULE)
    assert "去年没有账，用的是今年到现在的" in page.text
    for figure in ("139.99", "84.00", "60.00", "36.00"):
        assert figure in page.text
    assert count_of(DividendRule) == 0, "trying saves nothing"
    assert "附上决议" in send(phone, "/cooperative/dividends/rules/new", {"do": "propose"}, [])
    assert count_of(DividendRule) == 0
    assert send(phone, "/cooperative/dividends/rules/new", {"do": "propose"}, [a_photograph()]).endswith("/cooperative/dividends/")
    page = phone.open("/cooperative/dividends/")
    assert "等第二个人批" in page.text and "脱贫户 60%，村集体 20%，再投入 20%" in page.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"bucket_0": "59.99"}, "现在是 99.99%"),
        ({"bucket_0": "六成"}, "写百分数"),
        ({"name": ""}, "写上规则的名字"),
        ({"starts_on": ""}, "写上从哪天起"),
    ],
)
def test_a_rule_that_is_not_whole_is_not_even_tried(phone: Browser, season: Season, typed: dict[str, str], said: str) -> None:
    phone.open("/cooperative/dividends/rules/new")
    page = phone.press("/cooperative/dividends/rules/new", "先用", typed=RULE | typed)
    assert page.status == 422 and said in page.text
    assert page.form("/cooperative/dividends/rules/new").values("bucket_1") == ["20"], "what was typed is kept"


def test_he_pays_with_the_banks_slip_and_gets_a_link_for_the_village(app: Flask, phone: Browser, season: Season) -> None:
    make_rule(season)
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    run, _ = runs_of(run_to(season, date(2026, 9, 30), "2026-09"))
    page = phone.open("/cooperative/dividends/")
    assert "等合作社支付" in page.text and "应付 ¥210.00" in page.text
    path = f"/cooperative/dividends/runs/{run.id}"
    phone.open(path)
    form = {"paid_on": "2026-11-20", "reference": "ICBC-1", "households_1": "23"}
    assert "附上银行回单" in send(phone, f"{path}/pay", form, [])
    assert "写上银行流水号" in send(phone, f"{path}/pay", form | {"reference": " "}, [a_photograph()])
    assert send(phone, f"{path}/pay", form, [a_photograph()]).endswith("#link")
    assert count_of(DividendPayment) == 1
    page = phone.open(path)
    link = page.html.split("readonly>")[1].split("<")[0]
    assert "/dividends/" in link and "23 户" in page.text and "ICBC-1" in page.text
    guest = Browser(app.test_client())
    assert "¥210.00" in guest.open("/" + link.split("/", 3)[3]).text
    assert_books_are_sound()


def test_each_figure_opens_its_lines_and_they_add_up(phone: Browser, season: Season) -> None:
    make_rule(season)
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    tell_cost(season, 10_001, on=date(2026, 9, 21))
    run, _ = runs_of(run_to(season, date(2026, 9, 30), "2026-09"))
    path = f"/cooperative/dividends/runs/{run.id}"
    for part, total in (("sales", "210.00"), ("costs", "70.01")):
        page = phone.open(f"{path}/{part}")
        assert f"合计，1 行 {total}" in page.text
    assert phone.open(f"{path}/refunds").status == 200
    assert phone.open(f"{path}/nonsense").status == 404
    table = phone.client.get(f"{path}?format=csv").get_data(as_text=True)
    assert "本期应付,,13999" in table and "脱贫户,60%,8400" in table
    assert phone.client.get(f"{path}/sales?format=csv").get_data(as_text=True).count(",21000") == 1


def test_after_a_dispute_he_reads_the_word_and_pays_again(phone: Browser, season: Season) -> None:
    make_rule(season)
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    run, _ = runs_of(run_to(season, date(2026, 9, 30), "2026-09"))
    path = f"/cooperative/dividends/runs/{run.id}"
    for turn in (1, 2):
        phone.open(path)
        send(phone, f"{path}/pay", {"paid_on": "2026-11-20", "reference": f"ICBC-{turn}"}, [a_photograph()])
        with reading() as session:
            payment = session.scalars(select(func.max(DividendPayment.id))).one()
        if turn == 1:
            answer(payment, ReceiptAnswer.DISPUTED, word="账上没有这笔", now=IN_DECEMBER)
            assert "账上没有这笔" in phone.open(path).text
    assert count_of(DividendPayment) == 2
    assert "第 2 次付款" in phone.open(path).text


def test_a_neighbour_sees_nothing_of_it(app: Flask, season: Season) -> None:
    make_rule(season)
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    run, _ = runs_of(run_to(season, date(2026, 9, 30), "2026-09"))
    neighbours = make_cooperative("桃映养蜂专业合作社", villages=[make_village("桃映村")])
    wu = Browser(sign_in(app.test_client(), make_user("Lao Wu", cooperatives=[neighbours.id])))
    for path in ("", "/sales", "?format=csv"):
        assert wu.open(f"/cooperative/dividends/runs/{run.id}{path}").status == 404
    assert "白水" not in wu.open("/cooperative/dividends/").text
