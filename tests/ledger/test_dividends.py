"""Dividing by a rule: whole fen, nothing twice, nothing lost, each bucket within a fen of its part over the rule's whole life."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from shop.ledger.dividends import Segment, months_of, reckon, segments, targets

RULE_622 = (6000, 2000, 2000)


@st.composite
def rules(draw: st.DrawFn) -> tuple[int, ...]:
    """Two to eight buckets that sum to 10,000 basis points."""
    cuts = sorted(draw(st.sets(st.integers(1, 9_999), min_size=1, max_size=7)))
    return tuple(after - before for before, after in zip((0, *cuts), (*cuts, 10_000), strict=True))


def test_622_of_a_yuan_is_sixty_twenty_twenty() -> None:
    assert targets(100, RULE_622) == (60, 20, 20)
    assert targets(0, RULE_622) == (0, 0, 0)


def test_fen_that_cannot_be_halved_go_round_in_turn() -> None:
    assert [targets(fen, RULE_622) for fen in range(6)] == [(0, 0, 0), (1, 0, 0), (2, 0, 0), (2, 1, 0), (3, 1, 0), (3, 1, 1)]


@settings(deadline=None)
@given(rules(), st.integers(0, 10**12))
def test_each_bucket_stands_within_a_fen_of_its_part_and_together_they_are_the_whole(rule: tuple[int, ...], total: int) -> None:
    parts = targets(total, rule)
    assert sum(parts) == total
    for part, points in zip(parts, rule, strict=True):
        assert total * points // 10_000 <= part <= -(-total * points // 10_000)


@settings(deadline=None)
@given(rules(), st.integers(0, 10**9), st.integers(0, 30_000))
def test_no_target_falls_when_more_is_divided(rule: tuple[int, ...], total: int, more: int) -> None:
    assert all(after >= before for before, after in zip(targets(total, rule), targets(total + more, rule), strict=True))


@settings(deadline=None)
@given(rules(), st.lists(st.integers(-50_000, 50_000), min_size=1, max_size=24))
def test_a_life_of_runs_pays_what_there_was_and_not_a_fen_more(rule: tuple[int, ...], bases: list[int]) -> None:
    carried, paid, by_bucket = 0, 0, [0] * len(rule)
    for base in bases:
        run = reckon(base, carried_in_fen=carried, paid_before_fen=paid, basis_points=rule)
        assert carried + base == run.payable_fen + run.carried_out_fen, "every fen is paid or carried"
        assert sum(run.shares) == run.payable_fen and min(run.shares) >= 0
        assert run.carried_out_fen == 0 or run.payable_fen == 0
        carried, paid = run.carried_out_fen, paid + run.payable_fen
        by_bucket = [had + got for had, got in zip(by_bucket, run.shares, strict=True)]
        for had, points in zip(by_bucket, rule, strict=True):
            assert abs(had * 10_000 - paid * points) < 10_000, "within one fen, run after run"
    assert paid + carried == sum(bases), "over its life: what there was, less what is still to be made good"


def test_a_loss_pays_nothing_and_is_made_good_first() -> None:
    loss = reckon(-30_000, carried_in_fen=0, paid_before_fen=50_000, basis_points=RULE_622)
    assert (loss.payable_fen, loss.carried_out_fen, loss.shares) == (0, -30_000, (0, 0, 0))
    good = reckon(40_000, carried_in_fen=loss.carried_out_fen, paid_before_fen=50_000, basis_points=RULE_622)
    assert (good.payable_fen, good.carried_out_fen, good.shares) == (10_000, 0, (6_000, 2_000, 2_000))


def test_a_period_is_cut_where_another_version_begins() -> None:
    versions = [(2, date(2026, 10, 15)), (1, date(2026, 9, 1)), (3, date(2027, 1, 1))]
    assert segments(versions, date(2026, 8, 1), date(2026, 10, 31)) == (
        Segment(1, date(2026, 9, 1), date(2026, 10, 14)),
        Segment(2, date(2026, 10, 15), date(2026, 10, 31)),
    )
    assert segments(versions, date(2026, 5, 1), date(2026, 5, 31)) == ()


@given(
    st.sets(st.dates(date(2025, 1, 1), date(2027, 12, 31)), min_size=1, max_size=6),
    st.dates(date(2025, 1, 1), date(2027, 6, 30)),
    st.integers(0, 700),
)
def test_every_day_since_the_first_rule_lies_in_exactly_one_segment(starts: set[date], first: date, length: int) -> None:
    last = date.fromordinal(first.toordinal() + length)
    cut = segments(list(enumerate(sorted(starts))), first, last)
    days = [day for segment in cut for day in range(segment.first_day.toordinal(), segment.last_day.toordinal() + 1)]
    assert days == list(range(max(first, min(starts)).toordinal(), last.toordinal() + 1))


def test_months_are_those_that_a_period_touches() -> None:
    assert months_of(date(2026, 11, 15), date(2027, 1, 31)) == ("2026-11", "2026-12", "2027-01")
