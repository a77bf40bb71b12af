"""Dividends as a bookkeeper tells them: a rule, its runs, what is paid and confirmed, what is carried. Each story ends with books that are sound.

Rice is ¥100 a bag, of a lot that is 700 : 300 of 白水村 and 高坝田村; the rule is 622 unless a story says otherwise.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from shop.acts.propose_rule import propose_rule
from shop.acts.record_cost import cancel_cost
from shop.extensions import act, db, reading
from shop.kit.errors import ShopError
from shop.kit.ids import RuleId, new_key
from shop.ledger.dividing import Bucket, answer, approve, compute, decide_rule, publish, receipt_key
from shop.ledger.errors import (
    AlreadyDecided,
    FiguresMoved,
    MonthsOpen,
    NoApprovalPaper,
    NoReason,
    NothingToDivide,
    NotInThisState,
    PaidAhead,
    PeriodNotOver,
    RuleNotWhole,
    SamePerson,
    SheetReplaced,
    StartsTooEarly,
)
from shop.ledger.models import DividendApproval, DividendBase, DividendRuleDecision, DividendSheet, ReceiptAnswer, RuleDecision
from shop.reports.verify import verify
from tests.books import sell
from tests.dividends import (
    IN_DECEMBER,
    Season,
    bring_to_the_public,
    close,
    compute_to,
    instance,
    make_rule,
    make_season,
    pay,
    propose,
    run_to,
    runs_of,
    sell_by_hand,
    take_back,
    tell_cost,
)
from tests.shopping import assert_books_are_sound

SEPTEMBER, OCTOBER, NOVEMBER = date(2026, 9, 30), date(2026, 10, 31), date(2026, 11, 30)


@pytest.fixture
def season(app: Flask) -> Season:
    return make_season()


def sell_bags(season: Season, bags: int, on: date) -> object:
    return sell((season.rice.sku, bags), on=on)


# ── The bookkeeper's stories ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_dividend_of_net_proceeds_to_the_fen(season: Season) -> None:
    """Three bags ¥300.00 and ¥100.01 spent: 白水村 ¥210.00 − ¥70.01 = ¥139.99, 高坝田村 ¥90.00 − ¥30.00 = ¥60.00."""
    make_rule(season)
    sell_bags(season, 3, date(2026, 9, 20))
    tell_cost(season, 10_001, on=date(2026, 9, 21))
    baishui, gaobatian = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    assert (baishui.base_fen, baishui.costs_fen, baishui.payable_fen) == (13_999, 7_001, 13_999)
    assert baishui.shares == (8_400, 2_800, 2_799), "8,399.4, 2,799.8 and 2,799.8"
    assert (gaobatian.base_fen, gaobatian.shares) == (6_000, (3_600, 1_200, 1_200))
    assert_books_are_sound()


def test_a_rule_on_gross_proceeds_does_not_look_at_costs(season: Season) -> None:
    make_rule(season, base=DividendBase.GROSS)
    sell_bags(season, 3, date(2026, 9, 20))
    tell_cost(season, 10_001, on=date(2026, 9, 21))
    baishui, gaobatian = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    assert (baishui.payable_fen, baishui.costs_fen, gaobatian.payable_fen) == (21_000, 0, 9_000)
    assert_books_are_sound()


def test_a_rule_changed_mid_season_makes_one_run_per_version(season: Season) -> None:
    old = make_rule(season, starts_on=date(2026, 9, 1), base=DividendBase.GROSS)
    new = make_rule(
        season, starts_on=date(2026, 9, 16), base=DividendBase.GROSS, buckets=(Bucket("村集体", 5000), Bucket("再投入", 5000)), name="55"
    )
    sell_bags(season, 1, date(2026, 9, 15))
    sell_bags(season, 2, date(2026, 9, 16))
    runs = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    assert [(run.rule_id, run.first_day, run.last_day, run.shares) for run in runs] == [
        (old, date(2026, 9, 1), date(2026, 9, 15), (4_200, 1_400, 1_400)),
        (old, date(2026, 9, 1), date(2026, 9, 15), (1_800, 600, 600)),
        (new, date(2026, 9, 16), date(2026, 9, 30), (7_000, 7_000)),
        (new, date(2026, 9, 16), date(2026, 9, 30), (3_000, 3_000)),
    ]
    assert_books_are_sound()


def test_a_loss_is_carried_over_the_change_of_a_rule_and_made_good_first(season: Season) -> None:
    make_rule(season)
    tell_cost(season, 50_000, on=date(2026, 9, 2))
    sell_bags(season, 2, date(2026, 9, 20))
    loss, _ = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    assert (loss.base_fen, loss.payable_fen, loss.carried_out_fen, loss.shares) == (-21_000, 0, -21_000, (0, 0, 0))

    make_rule(season, starts_on=date(2026, 10, 1))
    sell_bags(season, 4, date(2026, 10, 20))
    good, _ = runs_of(run_to(season, OCTOBER, "2026-10"))
    assert (good.base_fen, good.carried_in_fen, good.payable_fen, good.carried_out_fen) == (28_000, -21_000, 7_000, 0)
    assert_books_are_sound()


def test_a_village_with_nothing_but_an_old_loss_still_has_its_statement(season: Season) -> None:
    make_rule(season)
    tell_cost(season, 1_000, on=date(2026, 9, 2))
    run_to(season, SEPTEMBER, "2026-09")
    baishui, _ = runs_of(run_to(season, OCTOBER, "2026-10"))
    assert (baishui.base_fen, baishui.carried_in_fen, baishui.carried_out_fen) == (0, -700, -700)


def test_a_refund_after_a_run_is_carried_into_the_next(season: Season) -> None:
    make_rule(season, base=DividendBase.GROSS)
    ref = sell_by_hand(season, 3, on=date(2026, 9, 20))
    first, _ = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    assert first.payable_fen == 21_000

    take_back(season, ref, 2, on=date(2026, 10, 8))
    sell_bags(season, 1, date(2026, 10, 9))
    second, _ = runs_of(run_to(season, OCTOBER, "2026-10"))
    assert (second.base_fen, second.payable_fen, second.carried_out_fen) == (-7_000, 0, -7_000), "what was paid stays, as carry-over"

    sell_bags(season, 2, date(2026, 11, 9))
    third, _ = runs_of(run_to(season, NOVEMBER, "2026-11"))
    assert (third.carried_in_fen, third.payable_fen) == (-7_000, 7_000)
    assert first.payable_fen + second.payable_fen + third.payable_fen == 28_000, "four bags stayed sold"
    assert_books_are_sound()


def test_a_cost_cancelled_after_a_run_counts_in_the_next(season: Season) -> None:
    make_rule(season)
    sell_bags(season, 3, date(2026, 9, 20))
    cost = tell_cost(season, 10_000, on=date(2026, 9, 21))
    first = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    cancel_cost(cost, reason="不是这一批的", by=season.chen.id, now=IN_DECEMBER)
    close("2026-10", "2026-11", "2026-12")
    later = IN_DECEMBER.replace(year=2027, month=1)
    sheet = compute_to(season, date(2026, 12, 31), now=later)
    approve(sheet, by=season.finance.id, now=later)
    second = runs_of(sheet)
    assert [run.base_fen for run in first] == [14_000, 6_000]
    assert [(run.base_fen, run.costs_fen, run.payable_fen) for run in second] == [(7_000, -7_000, 7_000), (3_000, -3_000, 3_000)]
    assert_books_are_sound()


def test_a_dividend_paid_and_confirmed(season: Season) -> None:
    make_rule(season)
    sell_bags(season, 3, date(2026, 9, 20))
    run, _ = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    with pytest.raises(NotInThisState):
        publish(run.id, by=season.finance.id, now=IN_DECEMBER)
    paid = pay(season, run.id, once="slip", households={1: 23})
    assert pay(season, run.id, once="slip").payment_id == paid.payment_id, "sent twice, it is one payment"
    with pytest.raises(NotInThisState):
        pay(season, run.id)
    for _ in range(2):
        answer(paid.payment_id, ReceiptAnswer.CONFIRMED, now=IN_DECEMBER)
    with pytest.raises(NotInThisState):
        answer(paid.payment_id, ReceiptAnswer.DISPUTED, word="没有", now=IN_DECEMBER)
    for _ in range(2):
        publish(run.id, by=season.finance.id, now=IN_DECEMBER)
    assert_books_are_sound()


def test_a_disputed_payment_is_paid_again_and_only_the_latest_can_be_confirmed(season: Season) -> None:
    make_rule(season)
    sell_bags(season, 3, date(2026, 9, 20))
    run, _ = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    first = pay(season, run.id)
    with pytest.raises(NoReason):
        answer(first.payment_id, ReceiptAnswer.DISPUTED, now=IN_DECEMBER)
    answer(first.payment_id, ReceiptAnswer.DISPUTED, word="账上没有", now=IN_DECEMBER)
    second = pay(season, run.id)
    with pytest.raises(NotInThisState):
        answer(first.payment_id, ReceiptAnswer.CONFIRMED, now=IN_DECEMBER)
    answer(second.payment_id, ReceiptAnswer.CONFIRMED, now=IN_DECEMBER)
    publish(run.id, by=season.finance.id, now=IN_DECEMBER)
    assert_books_are_sound()


# ── Who, when, in which order ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_one_proposed_another_approves(season: Season) -> None:
    rule_id = propose(season)
    with pytest.raises(SamePerson):
        decide_rule(rule_id, RuleDecision.APPROVED, by=season.chen.id, now=IN_DECEMBER)
    with pytest.raises(NoReason):
        decide_rule(rule_id, RuleDecision.REFUSED, by=season.finance.id, now=IN_DECEMBER)
    for _ in range(2):
        decide_rule(rule_id, RuleDecision.APPROVED, by=season.finance.id, now=IN_DECEMBER)
    with pytest.raises(AlreadyDecided):
        decide_rule(rule_id, RuleDecision.APPROVED, by=season.staff.id, now=IN_DECEMBER)
    assert propose(season, starts_on=date(2026, 10, 1), once="one") == propose(season, starts_on=date(2026, 10, 1), once="one")


def test_a_rule_that_is_refused_or_waits_does_not_hold(season: Season) -> None:
    decide_rule(propose(season), RuleDecision.REFUSED, reason="没有会议纪要", by=season.finance.id, now=IN_DECEMBER)
    propose(season)
    sell_bags(season, 1, date(2026, 9, 20))
    with pytest.raises(NothingToDivide):
        compute_to(season, SEPTEMBER)


@pytest.mark.parametrize(
    "buckets",
    [
        (),
        (Bucket("村集体", 9_999),),
        (Bucket("村集体", 10_001),),
        (Bucket("村集体", 10_000), Bucket("再投入", 0)),
        (Bucket("村集体", 5_000), Bucket("村集体", 5_000)),
        (Bucket("", 10_000),),
        tuple(Bucket(f"第{number}份", 1_000 if number else 2_000) for number in range(9)),
    ],
)
def test_buckets_that_are_not_the_whole_are_refused(season: Season, buckets: tuple[Bucket, ...]) -> None:
    with pytest.raises(RuleNotWhole):
        propose(season, buckets=buckets)


def test_a_rule_needs_its_resolution(season: Season) -> None:
    from_chen = {"name": "622", "base": DividendBase.NET, "buckets": (Bucket("村集体", 10_000),), "starts_on": date(2026, 9, 1)}
    with pytest.raises(NoApprovalPaper):
        propose_rule(season.cooperative.id, **from_chen, papers=[], instance_path=instance(), by=season.chen.id, once="k", now=IN_DECEMBER)  # type: ignore[arg-type]  # spelt out above


def test_a_version_begins_after_all_that_stands(season: Season) -> None:
    make_rule(season, starts_on=date(2026, 9, 1))
    with pytest.raises(StartsTooEarly) as refusal:
        propose(season, starts_on=date(2026, 9, 1))
    assert refusal.value.earliest == date(2026, 9, 2)
    sell_bags(season, 1, date(2026, 9, 20))
    waiting = propose(season, starts_on=date(2026, 9, 15))
    run_to(season, SEPTEMBER, "2026-09")
    with pytest.raises(StartsTooEarly) as refusal:
        decide_rule(waiting, RuleDecision.APPROVED, by=season.finance.id, now=IN_DECEMBER)
    assert refusal.value.earliest == date(2026, 10, 1)


def test_whoever_computed_does_not_approve(season: Season) -> None:
    make_rule(season)
    sell_bags(season, 1, date(2026, 9, 20))
    close("2026-09")
    sheet = compute_to(season, SEPTEMBER)
    with pytest.raises(SamePerson):
        approve(sheet, by=season.staff.id, now=IN_DECEMBER)
    for _ in range(2):
        approve(sheet, by=season.finance.id, now=IN_DECEMBER)
    with pytest.raises(AlreadyDecided):
        approve(sheet, by=season.chen.id, now=IN_DECEMBER)
    with pytest.raises(PeriodNotOver):
        compute_to(season, SEPTEMBER)


def test_a_run_is_approved_over_closed_months_only(season: Season) -> None:
    make_rule(season)
    sell_bags(season, 1, date(2026, 9, 20))
    sheet = compute_to(season, OCTOBER)
    close("2026-09")
    with pytest.raises(MonthsOpen) as refusal:
        approve(sheet, by=season.finance.id, now=IN_DECEMBER)
    assert refusal.value.months == ("2026-10",)


def test_computed_again_it_takes_the_place_of_what_was_not_approved(season: Season) -> None:
    make_rule(season)
    sell_bags(season, 1, date(2026, 9, 20))
    before = compute_to(season, SEPTEMBER, once="first")
    assert compute_to(season, SEPTEMBER, once="first") == before
    sell_bags(season, 1, date(2026, 9, 21))
    close("2026-09")
    with pytest.raises(FiguresMoved):
        approve(before, by=season.finance.id, now=IN_DECEMBER)
    after = compute_to(season, SEPTEMBER)
    with pytest.raises(SheetReplaced):
        approve(before, by=season.finance.id, now=IN_DECEMBER)
    approve(after, by=season.finance.id, now=IN_DECEMBER)
    assert [run.base_fen for run in runs_of(after)] == [14_000, 6_000]
    assert_books_are_sound()


@pytest.mark.parametrize("last_day", [date(2026, 10, 30), date(2026, 12, 31), date(2026, 8, 31)])
def test_a_run_ends_with_a_month_that_is_over(season: Season, last_day: date) -> None:
    make_rule(season)
    sell_bags(season, 1, date(2026, 9, 20))
    with pytest.raises(PeriodNotOver):
        compute_to(season, last_day)


# ── At once ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def at_once(app: Flask, *verbs: Callable[[], object]) -> list[object]:
    """What each did or was refused with, all begun at the same moment."""
    ready = Barrier(len(verbs))

    def work(verb: Callable[[], object]) -> object:
        with app.app_context():
            ready.wait()
            try:
                return verb()
            except ShopError as refusal:
                return type(refusal)

    with ThreadPoolExecutor(len(verbs)) as threads:
        return list(threads.map(work, verbs))


def count_of(model: type) -> int:
    with reading() as session:
        return int(session.scalar(select(func.count()).select_from(model)) or 0)


def test_two_approve_at_once_and_it_is_approved_once(app: Flask, season: Season) -> None:
    make_rule(season)
    sell_bags(season, 1, date(2026, 9, 20))
    close("2026-09")
    sheet = compute_to(season, SEPTEMBER)
    ends = at_once(
        app,
        lambda: approve(sheet, by=season.finance.id, now=IN_DECEMBER),
        lambda: approve(sheet, by=season.chen.id, now=IN_DECEMBER),
    )
    assert sorted(ends, key=str) == [AlreadyDecided, None]
    assert count_of(DividendApproval) == 1
    assert_books_are_sound()


def test_two_sheets_of_one_stretch_and_two_approvals_at_once_leave_one(app: Flask, season: Season) -> None:
    make_rule(season)
    sell_bags(season, 1, date(2026, 9, 20))
    close("2026-09")
    old, new = compute_to(season, SEPTEMBER), compute_to(season, SEPTEMBER)
    ends = at_once(
        app,
        *(
            lambda sheet=sheet, by=by: approve(sheet, by=by, now=IN_DECEMBER)
            for sheet in (old, new)
            for by in (season.finance.id, season.chen.id)
        ),
    )
    assert ends.count(None) == 1
    assert count_of(DividendApproval) == 1
    assert_books_are_sound()


def test_two_decide_on_a_rule_at_once_and_one_word_stands(app: Flask, season: Season) -> None:
    rule: RuleId = propose(season)
    ends = at_once(
        app,
        lambda: decide_rule(rule, RuleDecision.APPROVED, by=season.finance.id, now=IN_DECEMBER),
        lambda: decide_rule(rule, RuleDecision.REFUSED, reason="等一等", by=season.staff.id, now=IN_DECEMBER),
    )
    assert sorted(ends, key=str) == [AlreadyDecided, None]
    assert count_of(DividendRuleDecision) == 1


def test_one_press_of_compute_sent_twice_makes_one_sheet(app: Flask, season: Season) -> None:
    make_rule(season)
    sell_bags(season, 1, date(2026, 9, 20))
    once = new_key()
    one, other = at_once(app, *(lambda: compute(season.cooperative.id, SEPTEMBER, by=season.staff.id, once=once, now=IN_DECEMBER),) * 2)
    assert one == other
    assert count_of(DividendSheet) == 1


# ── The link, and the verifier ────────────────────────────────────────────────────────────────────────────────────────


def test_a_receipts_key_is_128_bits_and_its_own() -> None:
    key = receipt_key(5, "a", "secret")
    assert len(key) == 32 and int(key, 16) >= 0
    assert key == receipt_key(5, "a", "secret")
    assert len({key, receipt_key(6, "a", "secret"), receipt_key(5, "b", "secret"), receipt_key(5, "a", "other")}) == 4


def unguarded(*statements: str) -> None:
    """Change the books as a thief with the keys of the database would, past the triggers, and put those back."""

    @act
    def meddle() -> None:
        is_sqlite = db.session().get_bind().dialect.name == "sqlite"
        for statement in statements:
            table = statement.split()[1] if statement.startswith("update") else statement.split()[2]
            verb = "update" if statement.startswith("update") else "delete"
            name = f"{table}_no_{verb}"
            if is_sqlite:
                made = db.session.scalar(text("select sql from sqlite_master where name = :name"), {"name": name})
                db.session.execute(text(f"drop trigger {name}"))
                db.session.execute(text(statement))
                db.session.execute(text(str(made).replace(":", r"\:")))
            else:
                db.session.execute(text(f"alter table {table} disable trigger {name}"))
                db.session.execute(text(statement))
                db.session.execute(text(f"alter table {table} enable trigger {name}"))

    meddle()


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (
            "update dividend_runs set sales_fen = sales_fen + 1, base_fen = base_fen + 1, payable_fen = payable_fen + 1",
            "dividends_can_be_computed_again",
        ),
        ("update dividend_shares set amount_fen = amount_fen + 1 where seq = 1", "dividends_keep_to_their_rules"),
        ("update dividend_approvals set approved_by = (select computed_by from dividend_sheets)", "dividends_can_be_computed_again"),
        ("update dividend_buckets set basis_points = 5999 where seq = 1", "dividends_keep_to_their_rules"),
        ("update dividend_payments set run_id = (select max(id) from dividend_runs)", "dividends_keep_to_their_rules"),
        ("update lot_cost_shares set amount_fen = amount_fen + 1", "costs_are_shared_to_the_fen"),
        ("update lot_costs set lot_total_fen = lot_total_fen + 1", "costs_are_shared_to_the_fen"),
    ],
)
def test_verify_sees_what_was_meddled_with(season: Season, statement: str, check: str) -> None:
    make_rule(season)
    sell_bags(season, 3, date(2026, 9, 20))
    tell_cost(season, 1_000, on=date(2026, 9, 21))
    run, _ = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    bring_to_the_public(season, run.id)
    assert_books_are_sound()
    unguarded(statement)
    with reading():
        assert check in [found.name for found in verify() if not found.ok]


@pytest.mark.parametrize("on", [date(2026, 9, 30), date(2026, 12, 6)])
def test_a_payment_lies_after_its_days_and_not_ahead(season: Season, on: date) -> None:
    make_rule(season)
    sell_bags(season, 3, date(2026, 9, 20))
    run, _ = runs_of(run_to(season, SEPTEMBER, "2026-09"))
    with pytest.raises(PaidAhead):
        pay(season, run.id, on=on)
