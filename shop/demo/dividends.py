"""The dividend of the packers' cooperative: a rule, what its lots cost, one month that has come to the public with a loss carried, the next awaiting approval.

Every figure is computed from the season that was told; every paper is a drawing that says 示例.
"""

import contextlib
import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

from PIL import Image, ImageDraw

from shop.acts.close_month import close_month
from shop.acts.pay_dividend import pay_dividend
from shop.acts.propose_rule import propose_rule
from shop.acts.record_cost import record_cost
from shop.demo import people
from shop.extensions import reading
from shop.kit.clock import business_day
from shop.kit.ids import CooperativeId, SheetId, UserId
from shop.ledger.dividends import RunState, months_of
from shop.ledger.dividing import Bucket, answer, approve, compute, decide_rule, publish
from shop.ledger.errors import NothingToDivide, PeriodClosed
from shop.ledger.models import CostKind, DividendBase, ReceiptAnswer, RuleDecision
from shop.reports.dividend_pages import RunRow, costed_lots, run_rows
from shop.reports.folding import fold_waiting

KEPT_OPEN_FROM = date(2026, 10, 1)
"""Months from here on stay open: sales of this autumn may still be imported into the demo county (DESIGN §8)."""
_BUCKETS = (Bucket("脱贫户", 6000), Bucket("村集体", 2000), Bucket("再投入", 2000))
_COSTS = (
    (CostKind.INPUTS, 60_000, "示例：稻种、有机肥"),
    (CostKind.LABOUR, 80_000, "示例：收割、晾晒"),
    (CostKind.FREIGHT, 30_000, "示例：运到县城"),
)
"""One for each of the latest lots, the first for the one harvested last."""


def tell_dividends(
    cooperative_id: CooperativeId, users: Mapping[str, UserId], *, since: date, day: date, instance_path: Path, now: datetime
) -> None:
    """Tell it as far as it can have happened by `day`, when the first sale was on `since`. Telling it again changes nothing."""
    packer, staff, finance = users[people.PACKER], users[people.STAFF], users["finance@demo.test"]
    last_month_ends = day.replace(day=1) - timedelta(days=1)
    shown_ends = last_month_ends.replace(day=1) - timedelta(days=1)
    begins = shown_ends.replace(day=1)
    _tell_costs(cooperative_id, packer, begins, shown_ends, instance_path, now)
    rule_id = propose_rule(
        cooperative_id,
        name="622（示例）",
        base=DividendBase.NET,
        buckets=_BUCKETS,
        starts_on=begins,
        papers=[_drawing("示例 决议 SAMPLE RESOLUTION")],
        instance_path=instance_path,
        by=packer,
        once="demo:622",
        now=now,
    )
    decide_rule(rule_id, RuleDecision.APPROVED, by=finance, now=now)
    if shown_ends < KEPT_OPEN_FROM:
        _close(months_of(since, shown_ends), finance, now)
        sheet_id = compute(cooperative_id, shown_ends, by=staff, once="demo:first", now=now)
        approve(sheet_id, by=finance, now=now)
        _bring_to_the_public(sheet_id, packer, finance, instance_path, now)
    with contextlib.suppress(NothingToDivide):  # a season of few sales
        compute(cooperative_id, last_month_ends, by=staff, once="demo:second", now=now)


def _tell_costs(cooperative_id: CooperativeId, by: UserId, begins: date, ends: date, instance_path: Path, now: datetime) -> None:
    with reading():
        lots = [lot for lot in costed_lots([cooperative_id]) if lot.harvested_on <= ends]
    for place, (lot, (kind, amount_fen, note)) in enumerate(zip(lots, _COSTS, strict=False)):
        record_cost(
            lot.lot_id,
            kind=kind,
            amount_fen=amount_fen,
            incurred_on=max(begins, min(lot.harvested_on, ends)),
            note=note,
            papers=[_drawing(f"示例 票据 SAMPLE BILL {place + 1}")],
            instance_path=instance_path,
            by=by,
            once=f"demo:cost:{place}",
            now=now,
        )


def _close(wanted: tuple[str, ...], by: UserId, now: datetime) -> None:
    fold_waiting()
    for month in wanted:
        with contextlib.suppress(PeriodClosed):  # told before
            close_month(month, by=by, now=now)


def _bring_to_the_public(sheet_id: SheetId, packer: UserId, finance: UserId, instance_path: Path, now: datetime) -> None:
    for run in _runs(sheet_id):
        if run.state is RunState.APPROVED:
            paid = pay_dividend(
                run.id,
                paid_on=business_day(now),
                bank_reference="示例-0001",
                households={1: 23, 2: 1},
                papers=[_drawing("示例 回单 SAMPLE SLIP")],
                instance_path=instance_path,
                by=packer,
                once=f"demo:paid:{run.id}",
                now=now,
            )
            answer(paid.payment_id, ReceiptAnswer.CONFIRMED, now=now)
            publish(run.id, by=finance, now=now)


def _runs(sheet_id: SheetId) -> list[RunRow]:
    with reading():
        return run_rows(sheet_id=sheet_id)


def _drawing(words: str) -> bytes:
    """A paper that says what it is."""
    picture = Image.new("RGB", (420, 120), "white")
    ImageDraw.Draw(picture).text((20, 50), words.encode("ascii", "ignore").decode().strip(), fill="black")
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()
