"""Costs of lots: told once, shared to the fen over the villages whose grams are in the lot, cancelled and never changed."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from shop.acts.correct_sales import approve_correction, carry_out_corrections
from shop.acts.record_cost import COST, cancel_cost, record_cost
from shop.extensions import act, db, reading
from shop.kit.ids import CostId, VillageId
from shop.ledger.costs import MOST_FEN, share_again
from shop.ledger.errors import AlreadyCancelled, CostAhead, NoReason, NoSuchCost, NotAnAmount
from shop.ledger.models import CostKind, LotCost, LotCostShare
from shop.papers.attachments import attachments_of, read_bytes
from shop.papers.errors import CannotKeep
from shop.reports.dividend_pages import get_lot_costs
from shop.stock import corrections
from shop.stock.service import Source
from tests.dividends import IN_DECEMBER, Season, a_photograph, close, instance, make_season, tell_cost
from tests.factories import correct_sources
from tests.shopping import assert_books_are_sound


@pytest.fixture
def season(app: Flask) -> Season:
    return make_season()


def shares_of(cost_id: CostId) -> dict[VillageId, int]:
    with reading() as session:
        rows = session.execute(select(LotCostShare.village_id, LotCostShare.amount_fen).where(LotCostShare.cost_id == cost_id)).all()
        return {VillageId(village_id): fen for village_id, fen in rows}


def counts_on(cost_id: CostId) -> date:
    with reading() as session:
        return session.scalars(select(LotCost.business_day).where(LotCost.id == cost_id)).one()


def all_costs() -> list[tuple[int, date]]:
    with reading() as session:
        return [(row.amount_fen, row.business_day) for row in session.scalars(select(LotCost).order_by(LotCost.id))]


def test_a_cost_is_shared_by_the_grams_of_its_lot(season: Season) -> None:
    cost = tell_cost(season, 100_000, on=date(2026, 10, 3))
    assert shares_of(cost) == {season.baishui.id: 70_000, season.gaobatian.id: 30_000}
    assert_books_are_sound()


def test_many_small_costs_stay_within_a_fen_of_the_grams(season: Season) -> None:
    total = {season.baishui.id: 0, season.gaobatian.id: 0}
    for count in range(1, 12):
        for village_id, fen in shares_of(tell_cost(season, 3, on=date(2026, 10, 3))).items():
            assert fen >= 0
            total[village_id] += fen
        assert sum(total.values()) == 3 * count
        assert abs(total[season.baishui.id] * 10 - 3 * count * 7) <= 10
    assert_books_are_sound()


def test_told_twice_it_is_one_cost(season: Season) -> None:
    assert tell_cost(season, 500, on=date(2026, 10, 3), once="k") == tell_cost(season, 500, on=date(2026, 10, 3), once="k")
    assert all_costs() == [(500, date(2026, 10, 3))]


def test_a_mistake_is_cancelled_by_a_row_of_the_opposite_sum(season: Season) -> None:
    cost = tell_cost(season, 99_999, on=date(2026, 10, 3))
    cancelling = cancel_cost(cost, reason="多写了一个零", by=season.chen.id, now=IN_DECEMBER)
    assert shares_of(cancelling.id) == {village_id: -fen for village_id, fen in shares_of(cost).items()}
    assert all_costs() == [(99_999, date(2026, 10, 3)), (-99_999, date(2026, 10, 3))]
    for again in (cost, cancelling.id):
        with pytest.raises(AlreadyCancelled):
            cancel_cost(again, reason="再来", by=season.chen.id, now=IN_DECEMBER)
    with pytest.raises(NoReason):
        cancel_cost(tell_cost(season, 1, on=date(2026, 10, 3)), reason="", by=season.chen.id, now=IN_DECEMBER)
    with pytest.raises(NoSuchCost):
        cancel_cost(CostId(10**9), reason="没有", by=season.chen.id, now=IN_DECEMBER)
    assert_books_are_sound()


def test_a_cost_of_a_closed_month_counts_on_the_day_it_is_told(season: Season) -> None:
    early = tell_cost(season, 1_000, on=date(2026, 10, 3))
    close("2026-10")
    late = tell_cost(season, 2_000, on=date(2026, 10, 4))
    undone = cancel_cost(early, reason="记错了批次", by=season.chen.id, now=IN_DECEMBER)
    assert (counts_on(early), counts_on(late), counts_on(undone.id)) == (date(2026, 10, 3), date(2026, 12, 5), date(2026, 12, 5))


def test_what_cannot_be_is_refused(season: Season) -> None:
    for amount in (0, -5, MOST_FEN + 1):
        with pytest.raises(NotAnAmount):
            tell_cost(season, amount, on=date(2026, 10, 3))
    with pytest.raises(CostAhead):
        tell_cost(season, 100, on=date(2026, 12, 6))
    assert all_costs() == []


def test_the_database_itself_keeps_costs_as_they_were_told(season: Season) -> None:
    tell_cost(season, 100, on=date(2026, 10, 3))

    @act
    def change() -> None:
        db.session.execute(LotCost.__table__.update().values(amount_fen=1))  # type: ignore[attr-defined]  # a table has it

    with pytest.raises(IntegrityError, match="lot_costs are never changed or deleted"):
        change()


def test_papers_are_kept_with_the_cost_and_once_each(season: Season) -> None:
    bill = a_photograph()
    for _ in range(2):
        cost = record_cost(
            season.lot.id,
            kind=CostKind.FREIGHT,
            amount_fen=8_000,
            incurred_on=date(2026, 10, 3),
            note="",
            papers=[bill, b"%PDF-1.4\n1 0 obj\n%%EOF"],
            instance_path=instance(),
            by=season.chen.id,
            once="papers",
            now=IN_DECEMBER,
        )
    with reading():
        kept = attachments_of(COST, cost.id)
    assert [paper.media_type for paper in kept] == ["image/png", "application/pdf"]
    assert read_bytes(kept[1], instance()).startswith(b"%PDF-")
    assert cost.is_repeat


def test_a_paper_that_is_none_is_refused_and_nothing_is_told(season: Season) -> None:
    with pytest.raises(CannotKeep):
        record_cost(
            season.lot.id,
            kind=CostKind.LABOUR,
            amount_fen=8_000,
            incurred_on=date(2026, 10, 3),
            note="",
            papers=[b"MZ not a picture"],
            instance_path=instance(),
            by=season.chen.id,
            once="bad",
            now=IN_DECEMBER,
        )
    assert all_costs() == []


def test_when_the_sources_of_a_lot_are_corrected_its_costs_are_shared_again(season: Season) -> None:
    first = tell_cost(season, 10_000, on=date(2026, 10, 3))
    close("2026-10")
    second = tell_cost(season, 5_001, on=date(2026, 11, 3), now=datetime(2026, 12, 5, 3, tzinfo=UTC))
    correct_sources(season.lot, [(season.baishui, 200_000), (season.gaobatian, 800_000)])

    @act
    def share() -> int:
        return share_again(season.lot.id, reason="批次改正", by=season.staff.id, now=IN_DECEMBER)

    assert share() == 2
    assert share() == 0, "once is enough"
    with reading() as session:
        rows = session.execute(
            select(LotCost.business_day, LotCostShare.village_id, LotCostShare.amount_fen).join(LotCost, LotCost.id == LotCostShare.cost_id)
        ).all()
    by_village = {
        village.id: sum(fen for _, village_id, fen in rows if village_id == village.id) for village in (season.baishui, season.gaobatian)
    }
    assert sum(by_village.values()) == 15_001 and abs(by_village[season.baishui.id] - 3_000) <= 1
    october = sum(fen for day, village_id, fen in rows if day.month == 10 and village_id == season.baishui.id)
    assert october == 7_000, "the closed month stays as it was"
    assert shares_of(first) == {season.baishui.id: 7_000, season.gaobatian.id: 3_000} and sum(shares_of(second).values()) == 5_001
    assert_books_are_sound()


def test_correcting_a_lot_moves_its_costs_with_its_sales(season: Season) -> None:
    tell_cost(season, 10_000, on=date(2026, 11, 3))
    correction = corrections.propose(
        season.lot.id,
        sources=[Source(season.baishui.id, 200_000), Source(season.gaobatian.id, 800_000)],
        produced_grams=1_000_000,
        reason="过磅单抄反了",
        by=season.chen.id,
        once="correction",
        now=IN_DECEMBER,
    )
    approve_correction(correction, word="看过过磅单", by=season.staff.id, now=IN_DECEMBER)
    carry_out_corrections(now=IN_DECEMBER)
    with reading():
        costs = get_lot_costs(season.lot.code, None)
    assert [(share.name, share.amount_fen) for share in costs.shares] == [("高坝田村", 8_000), ("白水村", 2_000)]
    assert [row.amount_fen for row in costs.rows] == [10_000, -10_000, 10_000]
    assert costs.lot.costs == 1
    assert_books_are_sound()
