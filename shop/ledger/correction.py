"""What a lot's correction moves from which village to which, pick by pick (DESIGN §2.4, §2.5).

Law: a pick's fen, its place T in the lot's running total and what was refunded of it stay as they are; only the weights are others. So the corrected
shares are split(T) − split(T − x) over the new sources, and what has gone back is split over them as if they had held all along. What a correction
moves sums to nought, and afterwards no village has less than nothing of a pick.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shop.kit.apportion import largest_remainder
from shop.kit.ids import VillageId
from shop.ledger.attribution import Recorded, Source, refund_shares
from shop.ledger.split import Tree, Weighted


@dataclass(frozen=True, slots=True)
class SoldShares:
    """A sold pick as it stands in the books."""

    lot_total_fen: int
    """T: the lot's running total after this pick."""
    recorded: Mapping[VillageId, int]
    """What each village got of the sale, fen."""
    refunded: Mapping[VillageId, int]
    """What each gave back since, nought or more."""
    grams: Mapping[VillageId, int]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a correction changes for one village in one pick. Over the villages each figure but `pick_change` sums to nought."""

    village_id: VillageId
    sale_fen: int
    refund_fen: int
    """By how much more it will have given back."""
    grams: int
    pick_change: int
    """1: it newly has a part of the pick; −1: it no longer has one; 0: it had one and has one."""


class CorrectedSources:
    """A lot's sources as they should have been: built once, asked for as many picks as one likes."""

    __slots__ = ("_ids", "_sources", "_tree")

    def __init__(self, sources: Sequence[Source]) -> None:
        """`sources` in any order; each village once."""
        self._sources = tuple(sorted(sources, key=lambda source: source.village_id))
        self._ids = [source.village_id for source in self._sources]
        self._tree = Tree([Weighted(source.village_code, source.village_id, source.grams) for source in self._sources])

    def shares(self, lot_total_fen: int, fen: int) -> tuple[Recorded, ...]:
        """What each village should have got of a pick of `fen` that brought the lot's total to `lot_total_fen`."""
        parts = self._tree.step(lot_total_fen, fen)
        return tuple(Recorded(source.village_id, source.village_code, part) for source, part in zip(self._sources, parts, strict=True))

    def totals(self, lot_total_fen: int) -> dict[VillageId, int]:
        """What each village should have got of everything the lot was ever sold for: the picks' shares, added up."""
        return dict(zip(self._ids, self._tree.split(lot_total_fen), strict=True))

    def correct(self, pick: SoldShares) -> tuple[Moved, ...]:
        """What has to change in a pick so that it stands as if these sources had held all along, by village id; empty when no fen moves."""
        fen, refunded_fen, grams = sum(pick.recorded.values()), sum(pick.refunded.values()), sum(pick.grams.values())
        due = self.shares(pick.lot_total_fen, fen)
        due_back = dict(zip(self._ids, refund_shares(due, 0, refunded_fen), strict=True))
        due_fen = {share.village_id: share.fen for share in due}
        due_grams = dict(zip(self._ids, largest_remainder(grams, [source.grams for source in self._sources], self._ids), strict=True))
        moved = tuple(
            Moved(
                village_id=village_id,
                sale_fen=due_fen.get(village_id, 0) - pick.recorded.get(village_id, 0),
                refund_fen=due_back.get(village_id, 0) - pick.refunded.get(village_id, 0),
                grams=due_grams.get(village_id, 0) - pick.grams.get(village_id, 0),
                pick_change=(village_id in due_fen) - (village_id in pick.recorded),
            )
            for village_id in sorted(due_fen.keys() | pick.recorded.keys() | pick.refunded.keys())
        )
        return moved if any(change.sale_fen or change.refund_fen for change in moved) else ()
