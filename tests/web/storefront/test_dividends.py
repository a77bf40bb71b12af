"""A village confirms a dividend by a link, and anybody reads what is public."""

from datetime import date

import pytest
from flask import Flask

from shop.extensions import reading
from shop.kit.ids import RunId
from shop.ledger.dividends import RunState
from shop.ledger.dividing import Paid, publish, receipt_key
from shop.reports.dividend_pages import get_statement
from tests.browser import Browser
from tests.dividends import IN_DECEMBER, Season, bring_to_the_public, make_rule, make_season, pay, run_to, runs_of, sell_by_hand, tell_cost
from tests.shopping import assert_books_are_sound


@pytest.fixture
def season(app: Flask) -> Season:
    return make_season()


@pytest.fixture
def elder(app: Flask) -> Browser:
    """Somebody of the village, without an account."""
    return Browser(app.test_client())


@pytest.fixture
def run_id(season: Season) -> RunId:
    """A run of 白水村 that is approved: ¥210.00."""
    make_rule(season)
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    return runs_of(run_to(season, date(2026, 9, 30), "2026-09"))[0].id


def link(app: Flask, paid: Paid) -> str:
    return f"/dividends/{paid.payment_id}/{receipt_key(paid.payment_id, paid.once, app.config['SECRET_KEY'])}"


def state(run_id: RunId) -> RunState:
    with reading():
        return get_statement(run_id).run.state


def test_the_link_shows_exactly_what_is_confirmed_and_takes_the_word(app: Flask, elder: Browser, season: Season, run_id: RunId) -> None:
    address = link(app, pay(season, run_id))
    page = elder.open(address)
    for words in ("¥210.00", "白水村", "ICBC-8841", "¥126.00", "¥42.00", "2026-09-01"):
        assert words in page.text
    assert page.headers["Cache-Control"] == "private, no-store" and 'name="robots" content="noindex"' in page.html
    page = elder.press(address, "确认")
    assert "记下了，谢谢" in page.text and "已经确认收到" in page.text
    assert state(run_id) is RunState.CONFIRMED
    page = elder.send(address, {"do": "dispute", "word": "反悔"})
    assert "没有记" in page.text and state(run_id) is RunState.CONFIRMED
    assert_books_are_sound()


def test_a_dispute_needs_a_word_and_may_still_be_confirmed(app: Flask, elder: Browser, season: Season, run_id: RunId) -> None:
    address = link(app, pay(season, run_id))
    elder.open(address)
    page = elder.send(address, {"do": "dispute", "word": " "})
    assert page.status == 422 and "写一句哪里不对" in page.text and state(run_id) is RunState.PAID
    page = elder.send(address, {"do": "dispute", "word": "账上没有这笔"})
    assert "你们说过不对：账上没有这笔" in page.text and state(run_id) is RunState.DISPUTED
    elder.press(address, "确认")
    assert state(run_id) is RunState.CONFIRMED


def test_without_its_key_the_page_is_not_there(app: Flask, elder: Browser, season: Season, run_id: RunId) -> None:
    paid = pay(season, run_id)
    address = link(app, paid)
    other = pay(season, runs_of(1)[1].id)  # type: ignore[arg-type]  # the only sheet
    for wrong in (
        address[:-1] + ("0" if address[-1] != "0" else "1"),
        link(app, other).replace(f"/{other.payment_id}/", f"/{paid.payment_id}/"),
        f"/dividends/{paid.payment_id}/é",
        f"/dividends/999/{address[-32:]}",
        address.upper(),
    ):
        assert elder.open(wrong).status == 404
        assert elder.send(wrong, {"do": "confirm"}).status in (400, 404)
    assert state(run_id) is RunState.PAID


def test_a_press_of_neither_button_answers_nothing(app: Flask, elder: Browser, season: Season, run_id: RunId) -> None:
    address = link(app, pay(season, run_id))
    elder.open(address)
    elder.send(address, {})
    assert state(run_id) is RunState.PAID


def test_only_what_was_published_is_public(elder: Browser, season: Season, run_id: RunId) -> None:
    slug = season.baishui.slug
    assert "还没有公示的分红" in elder.open(f"/villages/{slug}/dividends/").text
    assert elder.open(f"/villages/{slug}/dividends/{run_id}").status == 404
    assert "分红公示" not in elder.open(f"/villages/{slug}").text
    bring_to_the_public(season, run_id, households={1: 23, 2: 4})
    assert "公示 1 份" in elder.open(f"/villages/{slug}").text
    assert "210.00" in elder.open(f"/villages/{slug}/dividends/").text
    page = elder.open(f"/villages/{slug}/dividends/{run_id}")
    assert "¥126.00" in page.text and "23 户" in page.text and "少于 5 户" in page.text
    for secret in ("Lao Chen", "ICBC-8841", "4 户", "Finance", "Staff"):
        assert secret not in page.text
    table = elder.client.get(f"/villages/{slug}/dividends/{run_id}?format=csv").get_data(as_text=True)
    assert "少于 5 户" in table and "ICBC" not in table
    assert elder.open(f"/villages/{season.gaobatian.slug}/dividends/{run_id}").status == 404, "another village's"
    assert elder.open("/villages/nowhere/dividends/").status == 404


def test_a_loss_is_published_as_what_it_is(elder: Browser, season: Season) -> None:
    make_rule(season)
    tell_cost(season, 10_000, on=date(2026, 9, 20))
    run = runs_of(run_to(season, date(2026, 9, 30), "2026-09"))[0]
    publish(run.id, by=season.finance.id, now=IN_DECEMBER)
    page = elder.open(f"/villages/{season.baishui.slug}/dividends/{run.id}")
    assert "没有可分的" in page.text and "−70.00" in page.text
