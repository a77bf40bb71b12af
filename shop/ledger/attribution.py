"""Which fen of a sale belong to which village, and which fen go back when goods do (DESIGN §2.4, §2.5).

Law: the shares of a line sum to its net fen. What a refund takes back sums to the refund, never raises a share above what was recorded nor
lowers it below nought, and a full refund, in any order and pieces, leaves every share at nought.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shop.kit.apportion import largest_remainder
from shop.kit.ids import LotId, PickId, VillageId
from shop.ledger.split import Tree, Weighted


@dataclass(frozen=True, slots=True)
class PickedUnits:
    """Units of one line that were picked from one lot."""

    pick_id: PickId
    lot_id: LotId
    units: int


@dataclass(frozen=True, slots=True)
class PickedFen:
    """What one pick was sold for."""

    pick_id: PickId
    lot_id: LotId
    fen: int


@dataclass(frozen=True, slots=True)
class Source:
    """What one village brought to a lot. A village stands in a lot's sources once."""

    village_id: VillageId
    village_code: str | None
    grams: int


@dataclass(frozen=True, slots=True)
class LotTotal:
    """A lot whose running total has just been raised by everything the lot contributes to this act."""

    sources: tuple[Source, ...]
    source_version: int
    gross_fen: int
    """The total *after* it was raised, as `UPDATE … RETURNING gross_fen` gives it."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one village gets of one pick, with what a stranger needs to compute it again: split(T) − split(T − the pick's fen)."""

    pick_id: PickId
    lot_id: LotId
    village_id: VillageId
    amount_fen: int
    lot_total_fen: int
    """T: the lot's running total after this pick."""
    source_version: int


def fen_of_picks(net_fen: int, picks: Sequence[PickedUnits]) -> tuple[PickedFen, ...]:
    """A line's `net_fen` over its picks, in their order: by units, largest remainder, ties by pick id. Sums to `net_fen`."""
    parts = largest_remainder(net_fen, [pick.units for pick in picks], [pick.pick_id for pick in picks])
    return tuple(PickedFen(pick.pick_id, pick.lot_id, fen) for pick, fen in zip(picks, parts, strict=True))


def fen_by_lot(picks: Iterable[PickedFen]) -> dict[LotId, int]:
    """By how much each lot's running total has to be raised, once for all picks of an act, in lot id order."""
    added: dict[LotId, int] = {}
    for pick in sorted(picks, key=lambda pick: pick.lot_id):
        added[pick.lot_id] = added.get(pick.lot_id, 0) + pick.fen
    return added


def attribute(picks: Sequence[PickedFen], lots: Mapping[LotId, LotTotal]) -> tuple[Share, ...]:
    """The share of every village in every pick, picks in id order, villages in the order of the lot's sources.

    `picks` are all picks of the act and `lots` their lots after the raise by `fen_by_lot(picks)`, so a lot's total before the act is its
    `gross_fen` less what these picks add; from there it is counted up pick by pick. The shares of a pick sum to its fen. A source whose
    share is nought keeps its row: its grams were sold too.
    """
    running = {lot_id: lots[lot_id].gross_fen - added for lot_id, added in fen_by_lot(picks).items()}
    trees = {lot_id: _tree_of(lots[lot_id].sources) for lot_id in running}
    shares: list[Share] = []
    for pick in sorted(picks, key=lambda pick: pick.pick_id):
        lot = lots[pick.lot_id]
        running[pick.lot_id] += pick.fen
        total = running[pick.lot_id]
        shares += [
            Share(pick.pick_id, pick.lot_id, source.village_id, amount, total, lot.source_version)
            for source, amount in zip(lot.sources, trees[pick.lot_id].step(total, pick.fen), strict=True)
        ]
    return tuple(shares)


def _tree_of(sources: Sequence[Source]) -> Tree:
    return Tree([Weighted(source.village_code, source.village_id, source.grams) for source in sources])


@dataclass(frozen=True, slots=True)
class SoldPick:
    """A pick of a paid line, with what of it has come back so far."""

    pick_id: PickId
    fen: int
    units: int
    returned_units: int = 0
    refunded_fen: int = 0

    @property
    def left_fen(self) -> int:
        return self.fen - self.refunded_fen

    @property
    def left_units(self) -> int:
        return self.units - self.returned_units


@dataclass(frozen=True, slots=True)
class PickRefund:
    """What a refund takes from one pick. By amount no units come back."""

    pick_id: PickId
    units: int
    fen: int


def latest_picks(picks: Sequence[SoldPick], units: int) -> tuple[tuple[SoldPick, int], ...]:
    """Which picks give back `units` of a line when nobody says from which: the latest first, each as far as it has units left.

    The latest is the one with the largest id: picking goes by best-before day, so that is the freshest lot. `units` must be left.
    """
    assert 0 <= units <= sum(pick.left_units for pick in picks), "no more comes back than went out"
    named = []
    for pick in sorted(picks, key=lambda pick: pick.pick_id, reverse=True):
        taken = min(units, pick.left_units)
        if taken > 0:
            named.append((pick, taken))
            units -= taken
    return tuple(named)


def refund_by_quantity(pick_fen: int, units: int, returned_before: int, returned_now: int, refunded_before_fen: int) -> int:
    """What goes back for `returned_now` of a pick's units: half-up of pick_fen × (all units returned) ÷ units, less what went back already.

    What was refunded by amount before counts as gone back: never below nought, never above what is left of the pick.
    """
    assert returned_before >= 0 and returned_now >= 0 and units > 0, "units are counted from nought"
    assert returned_before + returned_now <= units, "no more comes back than went out"
    assert 0 <= refunded_before_fen <= pick_fen, "no more was refunded than was paid"
    due = (2 * pick_fen * (returned_before + returned_now) + units) // (2 * units)
    return max(0, due - refunded_before_fen)  # due never exceeds pick_fen, so neither does the sum


def refund_units(picks: Sequence[tuple[SoldPick, int]]) -> tuple[PickRefund, ...]:
    """A refund by quantity, pick by pick: what each of the named units brings back."""
    return tuple(
        PickRefund(pick.pick_id, units, refund_by_quantity(pick.fen, pick.units, pick.returned_units, units, pick.refunded_fen))
        for pick, units in picks
    )


def refund_by_amount(amount_fen: int, picks: Sequence[SoldPick]) -> tuple[PickRefund, ...]:
    """A refund of `amount_fen` over picks, in their order: by what is left of each, largest remainder, ties by pick id.

    Sums to `amount_fen`, which must be left, and takes from no pick more than is left of it.
    """
    left = [pick.left_fen for pick in picks]
    assert 0 <= amount_fen <= sum(left), "no more is refunded than was paid"
    parts = largest_remainder(amount_fen, left, [pick.pick_id for pick in picks])
    return tuple(PickRefund(pick.pick_id, 0, fen) for pick, fen in zip(picks, parts, strict=True))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a sale recorded for one village in one pick; what refunds took back later is not subtracted here."""

    village_id: VillageId
    village_code: str | None
    fen: int


def refund_shares(recorded: Sequence[Recorded], refunded_before_fen: int, refund_now_fen: int) -> tuple[int, ...]:
    """What each recorded share gives back, in their order, as amounts of nought or more that sum to `refund_now_fen`.

    The pick's cumulative refund is split over its recorded fen by the same function as sales, so only the sums count, not how earlier
    refunds came about: what has gone back never exceeds the record and equals it when everything has.
    """
    assert refunded_before_fen + refund_now_fen <= sum(share.fen for share in recorded), "no more is refunded than was recorded"
    if not recorded:
        return ()
    tree = Tree([Weighted(share.village_code, share.village_id, share.fen) for share in recorded])
    return tree.step(refunded_before_fen + refund_now_fen, refund_now_fen)
