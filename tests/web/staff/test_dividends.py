"""Staff decide on rules, compute and approve, each what another did before, and publish."""

from datetime import date

import pytest
from flask import Flask

from tests.browser import Browser
from tests.dividends import Season, bring_to_the_public, close, compute_to, make_rule, make_season, propose, runs_of, sell_by_hand
from tests.factories import make_auditor_lin, sign_in
from tests.shopping import assert_books_are_sound


@pytest.fixture
def season(app: Flask) -> Season:
    return make_season()


@pytest.fixture
def clerk_of(app: Flask, season: Season) -> Browser:
    """The staff's browser: computes."""
    return Browser(sign_in(app.test_client(), season.staff))


@pytest.fixture
def finance(app: Flask, season: Season) -> Browser:
    """The finance office's browser: approves."""
    return Browser(sign_in(app.test_client(), season.finance))


def test_a_rule_is_decided_on_beside_what_it_would_have_given(finance: Browser, season: Season) -> None:
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    rule = propose(season)
    page = finance.open(f"/staff/dividends/rules/{rule}")
    assert "126.00" in page.text and "照片" in page.text
    page = finance.press(f"/staff/dividends/rules/{rule}", "不批")
    assert page.status == 422 and "不批要写一句为什么" in page.text
    page = finance.press(f"/staff/dividends/rules/{rule}", "看过决议")
    assert "批准了" in page.text and "已批准" in page.text
    assert not [form for form in page.forms if "/rules/" in form.action]


def test_from_computing_to_the_public(app: Flask, clerk_of: Browser, finance: Browser, season: Season) -> None:
    make_rule(season)
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    clerk_of.open("/staff/dividends/")
    chosen = {"choice": f"{season.cooperative.id}:2026-09-30"}
    page = clerk_of.press("/staff/dividends/compute", "核算", typed=chosen)
    sheet = page.path.rsplit("/", 1)[1]
    assert "算好了" in page.text and "2026-09 关了账才能批准" in page.text and "这一次是你算的" in page.text
    page = finance.open(f"/staff/dividends/sheets/{sheet}")
    assert not [form for form in page.forms if form.action.endswith("/approve")]
    page = finance.send(f"/staff/dividends/sheets/{sheet}/approve", {})
    assert "还没有关账，关了才能批" in page.text
    close("2026-09")
    page = clerk_of.send(f"/staff/dividends/sheets/{sheet}/approve", {})
    assert "要由另一个人批" in page.text
    finance.open(f"/staff/dividends/sheets/{sheet}")
    page = finance.press(f"/staff/dividends/sheets/{sheet}/approve", "批准 2 份，应付 ¥300.00")
    assert "批准了。合作社看得到要付多少了" in page.text
    run = runs_of(int(sheet))[0]  # type: ignore[arg-type]  # an id from an address
    page = finance.send(f"/staff/dividends/runs/{run.id}/publish", {})
    assert "还不能公示" in page.text
    bring_to_the_public(season, run.id, households={1: 23, 2: 4})
    page = finance.open(f"/staff/dividends/runs/{run.id}")
    assert "已公示" in page.text and "23 户" in page.text and "4 户" in page.text
    public = Browser(app.test_client()).open(f"/villages/{season.baishui.slug}/dividends/{run.id}")
    assert "23 户" in public.text and "少于 5 户" in public.text and "4 户" not in public.text
    assert_books_are_sound()


def test_figures_that_moved_are_computed_again(clerk_of: Browser, finance: Browser, season: Season) -> None:
    make_rule(season)
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    old = compute_to(season, date(2026, 9, 30))
    sell_by_hand(season, 1, on=date(2026, 9, 21), ref="late")
    close("2026-09")
    finance.open(f"/staff/dividends/sheets/{old}")
    page = finance.press(f"/staff/dividends/sheets/{old}/approve", "批准")
    assert "请重新算一次" in page.text
    compute_to(season, date(2026, 9, 30))
    assert finance.open(f"/staff/dividends/sheets/{old}").status == 404, "it was replaced"


def test_the_auditor_reads_everything_and_presses_nothing(app: Flask, season: Season) -> None:
    make_rule(season)
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    sheet = compute_to(season, date(2026, 9, 30))
    run = runs_of(sheet)[0]
    lin = Browser(sign_in(app.test_client(), make_auditor_lin()))
    for path in ("", f"sheets/{sheet}", f"runs/{run.id}", f"runs/{run.id}/sales", f"runs/{run.id}?format=csv"):
        page = lin.open(f"/staff/dividends/{path}")
        assert page.status == 200
        assert not [button for form in page.forms for button in form.buttons if "批准" in button[0] or button[0] == "核算"]
    assert lin.send(f"/staff/dividends/sheets/{sheet}/approve", {}).status == 404


def test_the_list_tells_states_apart_and_says_when_there_is_nothing(clerk_of: Browser, season: Season) -> None:
    page = clerk_of.open("/staff/dividends/")
    assert "还没有核算过" in page.text and "还没有规则" in page.text and "现在没有可核算的" in page.text
    make_rule(season)
    sell_by_hand(season, 3, on=date(2026, 9, 20))
    compute_to(season, date(2026, 9, 30))
    assert "等第二个人批准 2" in clerk_of.open("/staff/dividends/").text
    assert "白水村" in clerk_of.open("/staff/dividends/?state=computed").text
    assert "这个状态里没有" in clerk_of.open("/staff/dividends/?state=paid").text
    page = clerk_of.press("/staff/dividends/compute", "核算", typed={"choice": f"{season.cooperative.id}:2026-09-30"})
    assert page.status == 200
    page = clerk_of.send("/staff/dividends/compute", {"choice": "1:2999-01-31", "once": "0" * 32})
    assert page.status == 422 and "还没有过完" in page.text
