"""A cooperative proposes a dividend rule, with the resolution that it stands on."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from shop.acts.record_cost import keep_papers
from shop.extensions import act
from shop.kit.ids import CooperativeId, RuleId, UserId
from shop.ledger import dividing
from shop.ledger.dividing import Bucket
from shop.ledger.errors import NoApprovalPaper
from shop.ledger.models import DividendBase
from shop.papers.attachments import attach

RULE = "dividend_rule"
"""What papers of rules are attached to."""


def propose_rule(
    cooperative_id: CooperativeId,
    *,
    name: str,
    base: DividendBase,
    buckets: Sequence[Bucket],
    starts_on: date,
    papers: Sequence[bytes],
    instance_path: Path,
    by: UserId,
    once: str,
    now: datetime,
) -> RuleId:
    """Course. Keep the papers, then propose the rule with them. The same `once` gives the same version.

    Raises NoApprovalPaper, CannotKeep, RuleNotWhole, StartsTooEarly.
    """
    if not papers:
        raise NoApprovalPaper
    cleaned = keep_papers(papers, instance_path)

    @act
    def propose() -> RuleId:
        rule_id = dividing.propose_rule(
            cooperative_id, name=name, base=base, buckets=buckets, starts_on=starts_on, by=by, once=once, now=now
        )
        for paper in cleaned:
            attach(paper, subject_kind=RULE, subject_id=rule_id, by=by, now=now)
        return rule_id

    return propose()
