"""A cooperative tells what a lot cost, with the papers that prove it; or cancels what it told wrongly."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from shop.extensions import act, end_reading
from shop.kit.ids import CostId, LotId, UserId
from shop.ledger import costs
from shop.ledger.costs import RecordedCost
from shop.ledger.models import CostKind
from shop.papers.attachments import Cleaned, attach, clean_upload, write_bytes

COST = "cost"
"""What papers of costs are attached to."""


def record_cost(
    lot_id: LotId,
    *,
    kind: CostKind,
    amount_fen: int,
    incurred_on: date,
    note: str,
    papers: Sequence[bytes],
    instance_path: Path,
    by: UserId | None,
    once: str,
    now: datetime,
) -> RecordedCost:
    """Course. Keep the papers, then tell the cost with them. The same `once` gives the same cost, and a paper brought twice is kept once.

    Raises CannotKeep, NotAnAmount, CostAhead, NoSuchCost, PeriodClosed; nothing is told then.
    """
    cleaned = keep_papers(papers, instance_path)

    @act
    def tell() -> RecordedCost:
        cost = costs.record_cost(lot_id, kind=kind, amount_fen=amount_fen, incurred_on=incurred_on, note=note, by=by, once=once, now=now)
        for paper in cleaned:
            attach(paper, subject_kind=COST, subject_id=cost.id, by=by, now=now)
        return cost

    return tell()


def keep_papers(papers: Sequence[bytes], instance_path: Path) -> list[Cleaned]:
    """Check and clean what was brought, and write it into the instance folder; the rows follow in an act. Raises CannotKeep."""
    cleaned = [clean_upload(paper) for paper in papers]
    end_reading()
    for paper in cleaned:
        write_bytes(paper, instance_path)
    return cleaned


@act
def cancel_cost(cost_id: CostId, *, reason: str, by: UserId | None, now: datetime) -> RecordedCost:
    """A row of the opposite sum, with the reason. Raises NoSuchCost, NoReason, AlreadyCancelled, PeriodClosed."""
    return costs.cancel_cost(cost_id, reason=reason, by=by, now=now)
