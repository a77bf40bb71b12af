"""Dividing a whole number into whole parts, all at once, by largest remainder.

For sums that are divided once and stored: a line's fen over its picks, an order's discount over its lines. It is *not* monotone in the
total, so a running total is split by `shop.ledger.split` instead (DESIGN §2.4).
"""

from collections.abc import Sequence


def largest_remainder(total: int, weights: Sequence[int], ids: Sequence[int]) -> tuple[int, ...]:
    """`total` in parts proportional to `weights`, in their order; the parts sum to `total` exactly.

    Each part is its exact share rounded down; the units left over go one each to the largest remainders, the smaller id first where
    remainders are equal (Hamilton's method, in exact integers). So no part is negative, none is a whole unit from its exact share, none
    exceeds its weight while `total` does not exceed their sum, and a weight of nought gets nought. `ids` are distinct, one for each
    weight. A `total` above nought needs a weight above nought.
    """
    assert len(weights) == len(ids) == len(set(ids)), "every weight has its own id"
    assert total >= 0 and all(weight >= 0 for weight in weights), "parts of a whole are never negative"
    whole = sum(weights)
    if total == 0:
        return (0,) * len(weights)
    assert whole > 0, "nothing to divide over"

    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-(total * weights[at] % whole), ids[at]))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return tuple(parts)
