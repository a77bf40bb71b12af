"""Splitting a running total of fen over villages by nested two-way rounding (DESIGN §2.4).

Law: shares sum to the total exactly; no share ever falls when the total grows, so no sale takes a fen from a village; each share stays
within 1 fen of its exact part for up to three villages and within 2 fen for any number, whatever the total and however it was reached.

Why within 2: a child inherits its parent's error times its part of the parent, and half a fen at most is added. Smallest-first merging
keeps every inner node at two thirds of its parent or less, so the errors above a leaf sum to less than ½ + ½ ÷ (1 − ⅔) = 2.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weighted:
    """One side of a split: a village (or any other keeper of a share) and what its share is in proportion to."""

    code: str | None
    """The official code, by which equal weights are ordered; a village may have none and then stands before those that have one."""
    id: int
    """Distinct within one split: orders equal weights of equal code."""
    weight: int
    """Grams of a lot's source, or recorded fen of an attribution; never negative."""


@dataclass(frozen=True, slots=True)
class _Node:
    """Two parts merged into one. Numbers below the count of leaves name leaves, as given; the rest name nodes in order of merging."""

    left: int
    right: int
    left_weight: int
    weight: int


class Tree:
    """The binary tree of one set of weights: built once, asked for as many totals as one likes."""

    __slots__ = ("_leaves", "_nodes")

    def __init__(self, weights: Sequence[Weighted]) -> None:
        """Merge smallest first; of equals sources by code then id, then merged nodes in order of merging; left is the first taken."""
        assert weights, "a split needs somebody to give to"
        assert len({side.id for side in weights}) == len(weights), "every side of a split has its own id"
        assert all(side.weight >= 0 for side in weights), "weights are never negative"
        self._leaves = len(weights)
        self._nodes: list[_Node] = []

        # (weight, is it merged?, code, id or order of merging, number): the tuple's order is the order of taking.
        waiting = [(side.weight, False, side.code or "", side.id, number) for number, side in enumerate(weights)]
        heapq.heapify(waiting)
        while len(waiting) > 1:
            left_weight, _, _, _, left = heapq.heappop(waiting)
            right_weight, _, _, _, right = heapq.heappop(waiting)
            number = self._leaves + len(self._nodes)
            self._nodes.append(_Node(left, right, left_weight, left_weight + right_weight))
            heapq.heappush(waiting, (left_weight + right_weight, True, "", number, number))

    def split(self, total_fen: int) -> tuple[int, ...]:
        """`total_fen` in shares, in the order the weights were given.

        Each node gives its left child the half-up of its exact part, (2·T·w_left + w) // (2·w), and its right child the rest; nought
        gives noughts, also where all weights are nought (a refund of a line that cost nothing).
        """
        assert total_fen >= 0, "a running total is never negative"
        shares = [0] * (self._leaves + len(self._nodes))
        shares[-1] = total_fen
        for number in range(len(self._nodes) - 1, -1, -1):  # a node was merged after its children, so it is opened before them
            node, total = self._nodes[number], shares[self._leaves + number]
            if total == 0:
                continue
            assert node.weight > 0, "nobody has a part in this total"
            shares[node.left] = (2 * total * node.left_weight + node.weight) // (2 * node.weight)
            shares[node.right] = total - shares[node.left]
        return tuple(shares[: self._leaves])

    def step(self, total_fen: int, added_fen: int) -> tuple[int, ...]:
        """What each side gained when `added_fen` brought the running total *to* `total_fen`: split(T) − split(T − x).

        Never negative; sums to `added_fen`.
        """
        assert 0 <= added_fen <= total_fen, "a running total never falls"
        after, before = self.split(total_fen), self.split(total_fen - added_fen)
        return tuple(now - then for now, then in zip(after, before, strict=True))


def split(total_fen: int, weights: Sequence[Weighted]) -> tuple[int, ...]:
    """`total_fen` in shares proportional to `weights`, in their order. For many totals of the same weights, keep a `Tree`."""
    return Tree(weights).split(total_fen)


def step(total_fen: int, added_fen: int, weights: Sequence[Weighted]) -> tuple[int, ...]:
    """What a sale of `added_fen` posts to each side, having brought the running total *to* `total_fen`: split(T) − split(T − x)."""
    return Tree(weights).step(total_fen, added_fen)
