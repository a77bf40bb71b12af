"""A lot corrected after sales: a bookkeeper's stories, and what must hold whoever comes first.

The worked figures: rice at ¥68.00 a bag. The lot was written down as 700 kg of 白水村 and 300 kg of 高坝田村; the 300 kg were of 三村.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from flask import Flask, current_app
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from shop.acts import correct_sales
from shop.acts.close_month import close_month
from shop.acts.correct_sales import approve_correction, carry_out_corrections
from shop.acts.refund_order import RefundWanted, book_return, refund_order
from shop.acts.sell_offline import OfflineLine, OfflineSale, return_offline, sell_offline
from shop.acts.settle_refund import _book_back
from shop.extensions import act, db, reading
from shop.kit.ids import CorrectionId, EntryId, VillageId
from shop.ledger import service as ledger
from shop.ledger.attribution import Source as LotShare
from shop.ledger.correction import CorrectedSources, SoldShares
from shop.ledger.models import Attribution, Entry, EntryKind, Posting
from shop.ledger.split import Tree, Weighted
from shop.orders import service as orders
from shop.payments import service as payments
from shop.payments.models import Refund, RefundState
from shop.payments.provider import RefundAnswer
from shop.reports.folding import drain, fold_waiting
from shop.reports.sales import Dates, Figure, SalesRow, lines_behind, sales
from shop.stock.corrections import (
    AlreadyDecided,
    CorrectionUnderWay,
    LessThanPacked,
    NoReason,
    NothingToCorrect,
    SamePerson,
    approve,
    propose,
    reject,
)
from shop.stock.errors import ForeignVillages
from shop.stock.models import CorrectionState, Lot, LotCorrection
from shop.stock.service import Source
from tests import books
from tests.factories import (
    NOW,
    MadeLot,
    MadeProduct,
    MadeVillage,
    Pack,
    Person,
    make_cooperative,
    make_lot,
    make_product,
    make_staff,
    make_villages,
)
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, picks_of, village_fen

KG = 1_000
TODAY = NOW.date()


class Story:
    """A blended lot of three villages' cooperative, Lao Chen who proposes and the office that decides."""

    def __init__(self, *, units: int = 100, price_fen: int = 68_00) -> None:
        self.baishui, self.gaobatian, self.sancun = make_villages("白水村", "高坝田村", "三村")
        cooperative = make_cooperative(villages=(self.baishui, self.gaobatian, self.sancun))
        self.rice: MadeProduct = make_product(packs=[Pack(price_fen=price_fen)], cooperative=cooperative)
        self.lot: MadeLot = make_lot(
            self.rice,
            units=units,
            sources=[(self.baishui, 700 * KG), (self.gaobatian, 300 * KG)],
            produced_grams=1_000 * KG,
            best_before=date(2099, 12, 31),
        )
        self.one: Person = make_staff()
        self.other: Person = make_staff()
        self.proposals = 0

    def propose(
        self, *sources: tuple[MadeVillage, int], produced_grams: int = 1_000 * KG, reason: str = "三村的谷子记到了高坝田村"
    ) -> CorrectionId:
        self.proposals += 1
        given = [Source(village.id, grams) for village, grams in sources]
        return propose(
            self.lot.id,
            sources=given,
            produced_grams=produced_grams,
            reason=reason,
            by=self.one.id,
            once=f"proposal-{self.proposals}",
            now=NOW,
        )

    def correct(self, *sources: tuple[MadeVillage, int], now: datetime = NOW) -> CorrectionId:
        correction_id = self.propose(*sources)
        approve_correction(correction_id, word="看过过磅单", by=self.other.id, now=now)
        carry_out_corrections(now=now)
        return correction_id

    def to_sancun(self, now: datetime = NOW) -> CorrectionId:
        return self.correct((self.baishui, 700 * KG), (self.sancun, 300 * KG), now=now)

    def fen(self) -> list[int]:
        """What 白水村, 高坝田村 and 三村 have now."""
        now = village_fen()
        return [now.get(village.id, 0) for village in (self.baishui, self.gaobatian, self.sancun)]


@pytest.fixture
def story(app: Flask) -> Story:
    return Story()


def state_of(correction_id: CorrectionId) -> CorrectionState:
    with reading() as session:
        return session.scalars(select(LotCorrection.state).where(LotCorrection.id == correction_id)).one()


def entries_of(kind: EntryKind) -> Sequence[Entry]:
    with reading() as session:
        return session.scalars(select(Entry).where(Entry.kind == kind).order_by(Entry.id)).all()


# ── A bookkeeper's stories ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_village_corrected(story: Story, provider: FakeProvider) -> None:
    order = buy(provider, {story.rice.sku: 3})
    assert story.fen() == [142_80, 61_20, 0]

    correction_id = story.to_sancun()

    assert story.fen() == [142_80, 0, 61_20]
    assert state_of(correction_id) is CorrectionState.DONE
    [entry] = entries_of(EntryKind.CORRECTION)
    [sale] = entries_of(EntryKind.SALE)
    assert (entry.subject, entry.reverses_id, entry.business_day) == (order.number, sale.id, TODAY)
    with reading() as session:
        postings = session.scalars(select(Posting.amount_fen).where(Posting.entry_id == entry.id).order_by(Posting.amount_fen)).all()
    assert list(postings) == [-61_20, 61_20]
    assert_books_are_sound()


def test_a_wrong_village_corrected_after_a_refund(story: Story, provider: FakeProvider) -> None:
    order = buy(provider, {story.rice.sku: 3})
    [pick] = picks_of(order.number)
    refund_order(order.number, RefundWanted(units={pick.id: 1}, restock=True), once="1", by=None, now=NOW)
    assert story.fen() == [95_20, 40_80, 0]

    story.to_sancun()

    assert story.fen() == [95_20, 0, 40_80], "the refund is the right village's too"
    assert len(entries_of(EntryKind.CORRECTION)) == 2, "one for the sale, one for what went back of it"
    assert_books_are_sound()

    refund_order(order.number, RefundWanted(units={pick.id: 2}), once="2", by=None, now=NOW)
    assert story.fen() == [0, 0, 0]
    assert_books_are_sound()


def test_a_blended_lots_whole_year(story: Story) -> None:
    """Sold from October, corrected in January (the month of sale closed), refunded in February, corrected again, sold out."""
    year = [books.noon(date(2026, 10, 15)), books.noon(date(2026, 11, 15)), books.noon(date(2026, 12, 15))]
    for number, moment in enumerate(year):
        sell_offline(OfflineSale(f"{number}", moment, (OfflineLine(story.rice.sku.code, 7, 68_01 + number),)), by=None, now=moment)
    return_offline("r0", "0", {story.rice.sku.code: 2}, returned_at=year[1], restock=True, reason="", by=None, now=year[1])
    assert_books_are_sound()

    january = books.noon(date(2027, 1, 20))
    story.correct((story.baishui, 500 * KG), (story.gaobatian, 300 * KG), (story.sancun, 200 * KG), now=january)
    assert_books_are_sound()
    return_offline("r1", "1", {story.rice.sku.code: 3}, returned_at=january, restock=True, reason="", by=None, now=january)
    sell_offline(OfflineSale("3", january, (OfflineLine(story.rice.sku.code, 11, 66_00),)), by=None, now=january)
    assert_books_are_sound()

    story.correct((story.baishui, 400 * KG), (story.sancun, 600 * KG), now=books.noon(date(2027, 2, 20)))
    assert_books_are_sound()
    with reading() as session:
        gross_fen = int(session.scalars(select(Lot.gross_fen).where(Lot.id == story.lot.id)).one())
    gross = {row.labels[0].code: row.measures.gross_fen for row in in_report(["village"], date(2026, 1, 1), date(2027, 12, 31))}
    assert gross.get(story.gaobatian.code, 0) == 0
    assert abs(gross[story.sancun.code] * 10 - gross_fen * 6) <= 10, "as if it had been 4 : 6 from the first bag, within a fen"

    for ref, units in (("0", 5), ("1", 4), ("2", 7), ("3", 11)):
        moment = books.noon(date(2027, 3, 1))
        return_offline(f"all-{ref}", ref, {story.rice.sku.code: units}, returned_at=moment, restock=False, reason="", by=None, now=moment)
    assert story.fen() == [0, 0, 0]
    assert_books_are_sound()


def test_a_closed_month_corrected_in_the_next(story: Story) -> None:
    october, november = date(2026, 10, 20), TODAY
    sold = books.sell((story.rice.sku, 3), on=october)
    drain("2026-10")
    close_month("2026-10", by=story.one.id, now=NOW)
    before = in_report(["village"], date(2026, 10, 1), date(2026, 10, 31))

    story.to_sancun()

    assert in_report(["village"], date(2026, 10, 1), date(2026, 10, 31)) == before, "a closed month never changes"
    [entry] = entries_of(EntryKind.CORRECTION)
    assert (entry.subject, entry.business_day) == (sold.number, november)
    moved = {row.labels[0].code: row.measures.gross_fen for row in in_report(["village"], date(2026, 11, 1), date(2026, 11, 30))}
    assert moved == {story.sancun.code: 61_20, story.gaobatian.code: -61_20, story.baishui.code: 0}
    by_sale = {
        row.labels[0].code: (row.measures.gross_fen, row.measures.units, row.measures.weight_grams)
        for row in in_report(["village"], date(2026, 10, 1), date(2026, 10, 31), Dates.SOLD)
    }
    assert by_sale[story.sancun.code] == (61_20, 3, 4_500)
    assert by_sale[story.gaobatian.code] == (0, 0, 0)
    assert by_sale[story.baishui.code] == (142_80, 3, 10_500)
    assert_books_are_sound()


def in_report(by: list[str], since: date, until: date, dates: Dates = Dates.POSTED) -> list[SalesRow]:
    with reading():
        return sorted(sales(by, since, until, dates=dates).rows, key=lambda row: row.keys)


def test_lines_behind_a_corrected_figure_say_so_and_units_are_in_one_village_only(story: Story) -> None:
    """The month of correction shows what moved; nothing of it depends on what the roll-ups hold already."""
    sold = books.sell((story.rice.sku, 3), on=date(2026, 10, 20))
    fold_waiting()
    story.to_sancun()
    november = (date(2026, 11, 1), date(2026, 11, 30))
    for _ in ("before folding", "after"):
        units = {row.labels[0].code: row.measures.units for row in in_report(["village"], *november)}
        assert units == {story.sancun.code: 3, story.gaobatian.code: -3, story.baishui.code: 0}
        [town] = in_report(["town"], *november)
        assert (town.measures.gross_fen, town.measures.units, town.measures.lines) == (0, 0, 0)
        with reading():
            assert sales(["village"], *november).total.units == 0
            behind = lines_behind({"village": str(story.sancun.id)}, *november, figure=Figure.SOLD)
        [line] = behind.rows
        assert (line.order_number, line.is_corrected, line.measures.gross_fen) == (sold.number, True, 61_20)
        assert_books_are_sound()
        fold_waiting()


# ── Refunds beside corrections ────────────────────────────────────────────────────────────────────────────────────────


def test_a_refund_that_fails_after_the_correction_gives_the_right_village_its_money_back(story: Story, provider: FakeProvider) -> None:
    order = buy(provider, {story.rice.sku: 3})
    [pick] = picks_of(order.number)
    refund_order(order.number, RefundWanted(units={pick.id: 1}), once="1", by=None, now=NOW)
    story.to_sancun()
    assert_books_are_sound()
    fail_the_refund(order.number)
    assert story.fen() == [142_80, 0, 61_20]
    assert_books_are_sound()


def fail_the_refund(number: str) -> None:
    """The provider says so late, past the pages and sweeps: booked back by the act that they call."""

    @act
    def book() -> None:
        refund = db.session.scalars(select(Refund)).one()
        db.session.execute(update(Refund).where(Refund.id == refund.id).values(state=RefundState.PENDING))
        row = payments.lock_refund(refund.id)
        payments.record_refund_answer(row, RefundAnswer("re_1", RefundState.FAILED, "expired_card"), now=NOW)
        _book_back(row, now=NOW)

    book()


def test_of_two_refunds_the_first_fails_and_everything_still_comes_to_nought(app: Flask, provider: FakeProvider) -> None:
    """By rows, the second village would have given back two of its one fen."""
    one, two = make_villages("白水村", "高坝田村")
    rice = make_product(packs=[Pack(price_fen=2)], cooperative=make_cooperative(villages=(one, two)))
    make_lot(rice, units=10, sources=[(one, 1), (two, 1)], produced_grams=50_000)
    sold = books.sell((rice.sku, 1))
    first = give_back(sold, 1, "first")
    give_back(sold, 1, "second")
    books.fail_refund(first)
    give_back(sold, 1, "third")
    assert set(village_fen().values()) == {0}


def give_back(sold: books.Sold, fen: int, once: str) -> EntryId:
    @act
    def book() -> EntryId:
        order = orders.lock(sold.number)
        wanted = RefundWanted(amounts={sold.line_ids[0]: fen})
        book_return(order, wanted, paid_from=books.CASH, once=once, by=None, on=TODAY, now=NOW)
        entry_id = ledger.find_entry(once)
        assert entry_id is not None
        return entry_id

    return book()


# ── Who may, and once ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_changes_until_a_second_person_agrees(story: Story, provider: FakeProvider) -> None:
    buy(provider, {story.rice.sku: 1})
    before = story.fen()
    correction_id = story.propose((story.sancun, 1_000 * KG))
    with pytest.raises(SamePerson):
        approve_correction(correction_id, word="", by=story.one.id, now=NOW)
    carry_out_corrections(now=NOW)
    assert story.fen() == before

    reject(correction_id, word="过磅单对得上", by=story.other.id, now=NOW)
    with pytest.raises(AlreadyDecided):
        approve_correction(correction_id, word="", by=story.other.id, now=NOW)
    assert story.fen() == before and state_of(correction_id) is CorrectionState.REJECTED


def test_one_correction_of_a_lot_at_a_time_and_the_same_form_twice_is_one(story: Story) -> None:
    first = story.propose((story.sancun, 1_000 * KG))
    story.proposals -= 1
    assert story.propose((story.sancun, 1_000 * KG)) == first
    with pytest.raises(CorrectionUnderWay):
        story.propose((story.baishui, 1_000 * KG))
    approve(first, word="", by=story.other.id, now=NOW)
    with pytest.raises(CorrectionUnderWay):  # approved, and not booked yet
        story.propose((story.baishui, 1_000 * KG))
    carry_out_corrections(now=NOW)
    story.propose((story.baishui, 1_000 * KG))


def test_what_cannot_be_is_refused(story: Story) -> None:
    stranger = make_villages("外县村")[0]
    with pytest.raises(NothingToCorrect):
        story.propose((story.baishui, 700 * KG), (story.gaobatian, 300 * KG))
    with pytest.raises(ForeignVillages):
        story.propose((stranger, 1_000 * KG))
    with pytest.raises(LessThanPacked):
        story.propose((story.baishui, 400 * KG), produced_grams=499 * KG)
    with pytest.raises(NoReason):
        story.propose((story.baishui, 1_000 * KG), reason="  ")


def test_wrong_grams_alone_move_only_the_difference_and_the_lot_says_what_it_produced(story: Story, provider: FakeProvider) -> None:
    buy(provider, {story.rice.sku: 2})
    correction_id = story.propose((story.baishui, 600 * KG), (story.gaobatian, 300 * KG), produced_grams=900 * KG)
    approve_correction(correction_id, word="", by=story.other.id, now=NOW)
    assert story.fen() == [90_67, 45_33, 0]
    with reading() as session:
        assert session.scalars(select(Lot.produced_grams).where(Lot.id == story.lot.id)).one() == 900 * KG
    assert_books_are_sound()


# ── Cut off, repeated, raced ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_correction_cut_off_between_two_acts_goes_on_where_it_was(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correct_sales, "ORDERS_AT_ONCE", 2)
    for number in range(7):
        sell_offline(OfflineSale(f"{number}", NOW, (OfflineLine(story.rice.sku.code, 1, 68_01),)), by=None, now=NOW)
    correction_id = story.propose((story.baishui, 700 * KG), (story.sancun, 300 * KG))
    approve(correction_id, word="", by=story.other.id, now=NOW)
    assert correct_sales.correct_some(correction_id, now=NOW) == 2

    sell_offline(OfflineSale("late", NOW, (OfflineLine(story.rice.sku.code, 1, 68_01),)), by=None, now=NOW)
    assert_books_are_sound()  # half of it is booked anew, and everything holds

    carry_out_corrections(now=NOW)
    assert state_of(correction_id) is CorrectionState.DONE
    assert len(entries_of(EntryKind.CORRECTION)) == 7, "what was sold by the new sources needs none"
    assert story.fen()[1] == 0
    assert carry_out_corrections(now=NOW) == 0
    assert_books_are_sound()


def test_sales_and_refunds_that_race_the_correction_end_in_the_same_books(story: Story) -> None:
    code = story.rice.sku.code
    for number in range(8):
        sell_offline(OfflineSale(f"{number}", NOW, (OfflineLine(code, 2, 68_01),)), by=None, now=NOW)
    correction_id = story.propose((story.sancun, 300 * KG), (story.baishui, 700 * KG))
    app, start = db_app(), threading.Barrier(3)

    def at_once(what: Callable[[], None]) -> None:
        with app.app_context():
            start.wait()
            what()

    def sell() -> None:
        for number in range(6):
            sell_offline(OfflineSale(f"late-{number}", NOW, (OfflineLine(code, 1, 67_99),)), by=None, now=NOW)

    def give_back_all() -> None:
        for number in range(8):
            return_offline(f"r{number}", f"{number}", {code: 1}, returned_at=NOW, restock=True, reason="", by=None, now=NOW)

    def correct() -> None:
        approve_correction(correction_id, word="", by=story.other.id, now=NOW)
        carry_out_corrections(now=NOW)

    with ThreadPoolExecutor(3) as pool:
        for finished in [pool.submit(at_once, what) for what in (sell, give_back_all, correct)]:
            finished.result()
    carry_out_corrections(now=NOW)
    assert state_of(correction_id) is CorrectionState.DONE
    assert story.fen()[1] == 0
    assert_books_are_sound()
    for number in range(8):
        return_offline(f"s{number}", f"{number}", {code: 1}, returned_at=NOW, restock=True, reason="", by=None, now=NOW)
    for number in range(6):
        return_offline(f"t{number}", f"late-{number}", {code: 1}, returned_at=NOW, restock=True, reason="", by=None, now=NOW)
    assert story.fen() == [0, 0, 0]
    assert_books_are_sound()


def db_app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]


def test_two_who_approve_at_once_approve_once(story: Story) -> None:
    sell_offline(OfflineSale("1", NOW, (OfflineLine(story.rice.sku.code, 2, 68_01),)), by=None, now=NOW)
    correction_id = story.propose((story.sancun, 1_000 * KG))
    third, app, start = make_staff(), db_app(), threading.Barrier(2)

    def decide(person: Person) -> str:
        with app.app_context():
            start.wait()
            try:
                approve_correction(correction_id, word="", by=person.id, now=datetime.now(UTC))
            except AlreadyDecided:
                return "refused"
            return "approved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(decide, (story.other, third))) == ["approved", "refused"]
    assert len(entries_of(EntryKind.CORRECTION)) == 1
    assert_books_are_sound()


# ── The sum itself ────────────────────────────────────────────────────────────────────────────────────────────────────

weights = st.lists(st.integers(1, 10_000), min_size=1, max_size=5)


@given(before=weights, after=weights, prices=st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 100)), min_size=1, max_size=8))
def test_a_correction_moves_sums_of_nought_and_leaves_each_pick_as_if_it_had_always_been_so(
    before: list[int], after: list[int], prices: list[tuple[int, int]]
) -> None:
    old = Tree([Weighted(None, number, weight) for number, weight in enumerate(before)])
    new = CorrectedSources([LotShare(VillageId(number + 2), None, weight) for number, weight in enumerate(after)])  # some villages are new
    total_fen, sums = 0, dict.fromkeys(range(9), 0)
    for fen, part in prices:
        total_fen += fen
        recorded = {VillageId(number): share for number, share in enumerate(old.step(total_fen, fen))}
        back_fen = fen * part // 100
        sides = Tree([Weighted(None, village, share) for village, share in recorded.items()])
        refunded = {village: share for village, share in zip(recorded, sides.split(back_fen), strict=True) if share}
        pick = SoldShares(total_fen, recorded, refunded, dict.fromkeys(recorded, 1_000))
        moved = {change.village_id: change for change in new.correct(pick)}
        assert sum(change.sale_fen for change in moved.values()) == 0 == sum(change.refund_fen for change in moved.values())
        assert sum(change.grams for change in moved.values()) == 0
        for village in recorded.keys() | moved.keys():
            change = moved.get(village)
            sold = recorded.get(village, 0) + (change.sale_fen if change else 0)
            back = refunded.get(village, 0) + (change.refund_fen if change else 0)
            assert 0 <= back <= sold
            sums[village] += sold
    assert {village: fen for village, fen in sums.items() if fen} == {v: fen for v, fen in new.totals(total_fen).items() if fen}


def test_attributions_of_a_correction_are_told_apart(story: Story, provider: FakeProvider) -> None:
    buy(provider, {story.rice.sku: 3})
    story.to_sancun()
    with reading() as session:
        rows = session.execute(
            select(Attribution.village_id, Attribution.amount_fen, Attribution.grams, Attribution.pick_change, Attribution.source_version)
            .where(Attribution.is_correction)
            .order_by(Attribution.pick_change)
        ).all()
    assert [tuple(row) for row in rows] == [
        (story.gaobatian.id, -61_20, -4_500, -1, 2),
        (story.baishui.id, 0, 0, 0, 2),
        (story.sancun.id, 61_20, 4_500, 1, 2),
    ]
