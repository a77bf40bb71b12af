"""Dividing a base over the buckets of a rule, run after run (DESIGN §2.6). Pure: figures in, figures out.

Law: what is paid never exceeds what there was to divide, a loss is carried until later proceeds have made it good, and each bucket stands, at
every moment of a rule's life, less than one fen from its exact part of all that the rule has paid.

The buckets are targets on a running total, not on single runs: rounding each run by itself would drift by a fen a run. No target ever falls when the
total grows, so nothing once paid is asked back. The method is Balinski and Young's quota method (“The quota method of apportionment”, American
Mathematical Monthly 82, 1975): the next fen goes to the bucket with the largest weight per fen it would then have, among those that it does not lift
above its exact part rounded up. It is monotone in the total and keeps every part between its exact part rounded down and rounded up, for any number of
buckets. Weights in basis points make it repeat itself after 10,000 fen at most, so a table of one round is enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from math import gcd

WHOLE = 10_000
"""Basis points of a whole."""
MOST_BUCKETS = 8


def targets(total_fen: int, basis_points: Sequence[int]) -> tuple[int, ...]:
    """What each bucket has when `total_fen`, nought or more, have been paid over a rule's life; the parts sum to it exactly.

    `basis_points`: one above nought for each bucket, 10,000 together.
    """
    assert total_fen >= 0, "nothing is ever asked back"
    assert sum(basis_points) == WHOLE and all(each > 0 for each in basis_points), "a rule gives away the whole, no more and no less"
    common = gcd(*basis_points)
    weights = tuple(each // common for each in basis_points)
    rounds, rest = divmod(total_fen, sum(weights))
    begun = _round(weights)[rest]
    return tuple(rounds * weight + fen for weight, fen in zip(weights, begun, strict=True))


@lru_cache(maxsize=64)
def _round(weights: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The parts of 0, 1, 2 … fen up to one round; equal claims go to the bucket named first."""
    whole, parts = sum(weights), [0] * len(weights)
    table = [tuple(parts)]
    for total in range(1, whole):
        may_have = [bucket for bucket, weight in enumerate(weights) if parts[bucket] * whole < weight * total]
        first = may_have[0]
        for bucket in may_have[1:]:  # weight ÷ (parts + 1), compared in whole numbers
            if weights[bucket] * (parts[first] + 1) > weights[first] * (parts[bucket] + 1):
                first = bucket
        parts[first] += 1
        table.append(tuple(parts))
    return tuple(table)


@dataclass(frozen=True)
class Reckoned:
    """What a run pays, and what it leaves to the next."""

    payable_fen: int
    carried_out_fen: int
    """Nought or less: a loss, or what was paid too much, to be made good by what comes later."""
    shares: tuple[int, ...]
    """Of `payable_fen`, by bucket."""


def reckon(base_fen: int, *, carried_in_fen: int, paid_before_fen: int, basis_points: Sequence[int]) -> Reckoned:
    """One run of one village: its base and what was carried into it, paid out as far as that is above nought.

    `carried_in_fen`, nought or less, is what the run before left, whichever rule that was under. `paid_before_fen` is what this version of the rule has
    paid so far, on which its buckets' targets stand.
    """
    assert carried_in_fen <= 0 <= paid_before_fen, "only losses are carried, and only payments are counted"
    to_divide = carried_in_fen + base_fen
    payable, carried_out = max(0, to_divide), min(0, to_divide)
    before, after = targets(paid_before_fen, basis_points), targets(paid_before_fen + payable, basis_points)
    return Reckoned(payable, carried_out, tuple(now - then for now, then in zip(after, before, strict=True)))


@dataclass(frozen=True)
class Segment:
    """A stretch of a period under one version of the rule."""

    rule: int
    """Which of the versions given, by its id."""
    first_day: date
    last_day: date


def segments(starts: Sequence[tuple[int, date]], first_day: date, last_day: date) -> tuple[Segment, ...]:
    """The period cut wherever another version of the rule begins: one run for each.

    `starts`: ids of the versions and the days from which they hold. Days before the first of them belong to no rule and to no segment.
    """
    in_order = sorted(starts, key=lambda each: each[1])
    found = []
    for place, (rule, start) in enumerate(in_order):
        ends = in_order[place + 1][1] - timedelta(days=1) if place + 1 < len(in_order) else last_day
        first, last = max(start, first_day), min(ends, last_day)
        if first <= last:
            found.append(Segment(rule, first, last))
    return tuple(found)


def months_of(first_day: date, last_day: date) -> tuple[str, ...]:
    """The months that a period touches: `2026-10`, `2026-11`."""
    first, last = first_day.year * 12 + first_day.month - 1, last_day.year * 12 + last_day.month - 1
    return tuple(f"{month // 12}-{month % 12 + 1:02d}" for month in range(first, last + 1))


# ── Where a run stands ────────────────────────────────────────────────────────────────────────────────────────────────


class RunState(StrEnum):
    """How far a run has come."""

    COMPUTED = "computed"
    """Waits for a second person."""
    APPROVED = "approved"
    """The cooperative has to pay it."""
    NOTHING_DUE = "nothing_due"
    """Approved, with nothing to pay: a loss is carried, or made good."""
    PAID = "paid"
    """The village has not answered yet."""
    DISPUTED = "disputed"
    """The village says that it is not so."""
    CONFIRMED = "confirmed"
    PUBLISHED = "published"


def state_of(*, payable_fen: int, is_approved: bool, is_paid: bool, is_disputed: bool, is_confirmed: bool, is_published: bool) -> RunState:
    """Where a run stands, by what was written about it and its latest payment. A confirmation outweighs the dispute before it."""
    if is_published:
        return RunState.PUBLISHED
    if is_confirmed:
        return RunState.CONFIRMED
    if is_disputed:
        return RunState.DISPUTED
    if is_paid:
        return RunState.PAID
    if not is_approved:
        return RunState.COMPUTED
    return RunState.APPROVED if payable_fen else RunState.NOTHING_DUE


MOST_SUPPRESSED = 4
"""A count of households up to this is not published: in a small village it points at people (DESIGN §7)."""


def published_count(count: int | None) -> int | None:
    """A count as the public may see it; None when it is too small, or was not given."""
    return None if count is None or count <= MOST_SUPPRESSED else count
