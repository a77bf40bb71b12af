"""A million sales, refunds, failed refunds and corrections over lots of random villages: each line exact, nothing ever below nought, nought at the end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.acts.correct_sales import approve_correction, carry_out_corrections
from shop.acts.sell_offline import OfflineLine, OfflineSale, return_offline, sell_offline
from shop.extensions import reading
from shop.kit.ids import VillageId
from shop.ledger.attribution import Recorded, Source, refund_by_quantity, refund_shares
from shop.ledger.correction import CorrectedSources, SoldShares
from shop.ledger.models import Attribution
from shop.ledger.split import Tree, Weighted
from shop.stock import service as stock
from shop.stock.corrections import propose
from tests.factories import Pack, make_cooperative, make_lot, make_product, make_staff, make_villages
from tests.shopping import NOW, assert_books_are_sound, village_fen

PRICES_FEN = (1, 2, 3, 1_997, 29_97, 66_67, 68_00, 68_01, 306_00)
MOST_LIVING = 400
"""Picks that may still be refunded or corrected; when there are more, the oldest are refunded in full and forgotten."""


@dataclass
class Sold:
    """One pick of a lot."""

    total_fen: int
    units: int
    shares: dict[VillageId, int]
    back: dict[VillageId, int] = field(default_factory=dict)
    returned: int = 0

    @property
    def fen(self) -> int:
        return sum(self.shares.values())

    @property
    def back_fen(self) -> int:
        return sum(self.back.values())


class Life:
    """One lot, from its first bag to its last: what the books would hold, by the functions that the books use."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.sources = self._sources()
        self.tree = self._tree()
        self.bound_fen = 1 if len(self.sources) <= 3 else 2
        self.gross_fen = 0
        self.gross: dict[VillageId, int] = {}
        self.living: list[Sold] = []

    def _sources(self) -> list[Source]:
        villages = self.chance.sample(range(1, 13), self.chance.choice((1, 2, 2, 3, 3, 4, 6)))
        return [
            Source(VillageId(village), f"{village:012d}", self.chance.choice((1, 6, 300, 700, 399_999, 1_100_000))) for village in villages
        ]

    def _tree(self) -> Tree:
        return Tree([Weighted(source.village_code, source.village_id, source.grams) for source in self.sources])

    def live(self) -> None:
        """One event."""
        happening = self.chance.random()
        if happening < 0.62 or not self.living:
            self.sell()
        elif happening < 0.90:
            self.give_back(self.chance.choice(self.living))
        elif happening < 0.9985:
            self.fail(self.chance.choice(self.living))
        else:
            self.correct()
        if len(self.living) > MOST_LIVING:
            self.forget()

    def sell(self) -> None:
        units = self.chance.randint(1, 4)
        fen = self.chance.choice(PRICES_FEN) * units
        self.gross_fen += fen
        step = self.tree.step(self.gross_fen, fen)
        assert min(step) >= 0, "no sale takes from a village"
        assert sum(step) == fen, "each line exact"
        pick = Sold(self.gross_fen, units, {source.village_id: share for source, share in zip(self.sources, step, strict=True)})
        for village, share in pick.shares.items():
            self.gross[village] = self.gross.get(village, 0) + share
        self.living.append(pick)
        self.stays_near()

    def stays_near(self) -> None:
        whole = sum(source.grams for source in self.sources)
        for source in self.sources:
            assert abs(self.gross[source.village_id] * whole - self.gross_fen * source.grams) <= self.bound_fen * whole

    def give_back(self, pick: Sold) -> None:
        if self.chance.random() < 0.5 and pick.returned < pick.units:
            units = self.chance.randint(1, pick.units - pick.returned)
            fen = refund_by_quantity(pick.fen, pick.units, pick.returned, units, pick.back_fen)
            pick.returned += units
        else:
            fen = self.chance.randint(0, pick.fen - pick.back_fen)
        self.move_back(pick, fen)

    def move_back(self, pick: Sold, fen: int) -> None:
        shares = refund_shares(self.recorded(pick), pick.back_fen, fen)
        assert sum(shares) == fen and min(shares) >= 0
        for village, share in zip(pick.shares, shares, strict=True):
            pick.back[village] = pick.back.get(village, 0) + share
            assert pick.back[village] <= pick.shares[village], "no village gives back more than it got"

    def fail(self, pick: Sold) -> None:
        """The provider fails some of what went back: booked back by the rule of refunds."""
        fen = self.chance.randint(0, pick.back_fen)
        shares = refund_shares(self.recorded(pick), pick.back_fen - fen, fen)
        for village, share in zip(pick.shares, shares, strict=True):
            pick.back[village] = pick.back.get(village, 0) - share
            assert 0 <= pick.back[village] <= pick.shares[village]

    def recorded(self, pick: Sold) -> list[Recorded]:
        return [Recorded(village, f"{village:012d}", fen) for village, fen in pick.shares.items()]

    def correct(self) -> None:
        self.sources = self._sources()
        self.tree, due = self._tree(), CorrectedSources(self.sources)
        self.bound_fen = 1 if len(self.sources) <= 3 else 2
        for pick in self.living:
            moved = due.correct(SoldShares(pick.total_fen, pick.shares, {v: fen for v, fen in pick.back.items() if fen}, {}))
            assert sum(change.sale_fen for change in moved) == 0 == sum(change.refund_fen for change in moved)
            shares, back, before = dict(pick.shares), dict(pick.back), pick.fen
            for change in moved:
                shares[change.village_id] = shares.get(change.village_id, 0) + change.sale_fen
                back[change.village_id] = back.get(change.village_id, 0) + change.refund_fen
                assert 0 <= back[change.village_id] <= shares[change.village_id]
            keep = [source.village_id for source in sorted(self.sources, key=lambda source: source.village_id)]
            assert all(not fen or village in keep for village, fen in shares.items())
            pick.shares = {village: shares.get(village, 0) for village in keep}
            pick.back = {village: back.get(village, 0) for village in keep}
            assert pick.fen == before, "the sum of a line is unchanged"
        self.gross = due.totals(self.gross_fen)  # every pick corrected, those forgotten too: together they are split(T)
        self.stays_near()

    def forget(self) -> None:
        """The older half is refunded in full, in whatever state it is: every share of it comes to nought."""
        for pick in self.living[: MOST_LIVING // 2]:
            self.end(pick)
        del self.living[: MOST_LIVING // 2]

    def end(self, pick: Sold) -> None:
        self.move_back(pick, pick.fen - pick.back_fen)
        assert pick.back == pick.shares, "when all is refunded every village is at nought"

    def die(self) -> None:
        for pick in self.living:
            self.end(pick)


def live_through(events: int, seed: int) -> tuple[int, int]:
    """How many events were lived, and how many fen are left to villages when all is refunded."""
    chance, lived, left_fen = Random(seed), 0, 0
    while lived < events:
        life, its = Life(chance), min(events - lived, chance.randint(500, 20_000))
        for _ in range(its):
            life.live()
        life.die()
        lived += its
        left_fen += sum(abs(fen - pick.back.get(village, 0)) for pick in life.living for village, fen in pick.shares.items())
    return lived, left_fen


@pytest.mark.soak
def test_a_million_events_keep_every_line_exact_and_end_at_nought() -> None:
    assert live_through(1_000_000, seed=622) == (1_000_000, 0)


@pytest.mark.soak
def test_forty_thousand_events_keep_every_village_within_its_fen_through_corrections() -> None:
    """The sample of it that CI runs."""
    assert live_through(40_000, seed=1990) == (40_000, 0)


@pytest.mark.soak
def test_a_lots_life_in_the_books_with_returns_and_corrections_ends_at_nought(app: Flask) -> None:
    assert set(live_in_the_books(sales=900, seed=622).values()) == {0}


@pytest.mark.soak
def test_a_short_life_in_the_books_with_corrections_has_to_keep_every_village_exact(app: Flask) -> None:
    """The sample of it that CI runs."""
    assert set(live_in_the_books(sales=60, seed=7).values()) == {0}


def live_in_the_books(*, sales: int, seed: int) -> dict[str, int]:
    """What the villages have, fen, when all has come back."""
    chance = Random(seed)
    villages = make_villages("白水村", "高坝田村", "三村")
    cooperative = make_cooperative(villages=villages)
    rice = make_product(packs=[Pack(price_fen=68_01, grams=1_000)], cooperative=cooperative)
    grams = 5 * sales * 1_000
    lot = make_lot(rice, units=4 * sales, sources=[(villages[0], grams // 2), (villages[1], grams // 2)], produced_grams=grams)
    one, other = make_staff(), make_staff()
    left: dict[str, int] = {}
    now, proposals = datetime(2026, 11, 23, 2, 0, tzinfo=UTC), 0
    for number in range(sales):
        units = chance.randint(1, 3)
        sell_offline(OfflineSale(f"s{number}", NOW, (OfflineLine(rice.sku.code, units, chance.choice(PRICES_FEN)),)), by=None, now=now)
        left[f"s{number}"] = units
        if chance.random() < 0.3:
            ref = chance.choice(sorted(ref for ref, units in left.items() if units))
            back = chance.randint(1, left[ref])
            return_offline(f"r{number}", ref, {rice.sku.code: back}, returned_at=NOW, restock=True, reason="", by=None, now=now)
            left[ref] -= back
        if number % (sales // 3) == sales // 6:
            proposals += 1
            some = chance.sample(villages, chance.randint(1, 3))
            sources = [stock.Source(village.id, chance.randint(1, 9) * 100_000 + proposals) for village in some]
            once = f"soak-{proposals}"
            correction = propose(lot.id, sources=sources, produced_grams=grams, reason="soak", by=one.id, once=once, now=now)
            approve_correction(correction, word="", by=other.id, now=now)
            carry_out_corrections(now=now)
            assert_books_are_sound()
    with reading() as session:
        lines = session.execute(
            select(Attribution.pick_id, func.sum(Attribution.amount_fen))
            .where(~Attribution.is_refund, Attribution.is_correction)
            .group_by(Attribution.pick_id)
        ).all()
    assert lines and all(int(fen) == 0 for _, fen in lines), "the sum of each line is unchanged"
    for ref, units in sorted(left.items()):
        if units:
            return_offline(f"end-{ref}", ref, {rice.sku.code: units}, returned_at=NOW, restock=False, reason="", by=None, now=now)
    assert_books_are_sound()
    return village_fen()
