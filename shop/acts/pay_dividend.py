"""A cooperative says that it has paid a dividend, with the bank's slip."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from shop.acts.record_cost import keep_papers
from shop.extensions import act
from shop.kit.ids import RunId, UserId
from shop.ledger import dividing
from shop.ledger.dividing import Paid
from shop.papers.attachments import attach

PAYMENT = "dividend_payment"
"""What slips of dividends are attached to."""


def pay_dividend(
    run_id: RunId,
    *,
    paid_on: date,
    bank_reference: str,
    households: Mapping[int, int],
    papers: Sequence[bytes],
    instance_path: Path,
    by: UserId,
    once: str,
    now: datetime,
) -> Paid:
    """Course. Keep the slips, then record the payment with them. The same `once` gives the same payment.

    Raises CannotKeep, NoSuchRun, NotInThisState, PaidAhead.
    """
    cleaned = keep_papers(papers, instance_path)

    @act
    def record() -> Paid:
        paid = dividing.pay(run_id, paid_on=paid_on, bank_reference=bank_reference, households=households, by=by, once=once, now=now)
        for paper in cleaned:
            attach(paper, subject_kind=PAYMENT, subject_id=paid.payment_id, by=by, now=now)
        return paid

    return record()
