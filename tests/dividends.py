"""Cooperatives with a dividend rule, months that are over, and papers: for tests of costs and dividends."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from flask import current_app
from PIL import Image
from sqlalchemy import select

from shop.accounts.roles import Role
from shop.acts.close_month import close_month
from shop.acts.pay_dividend import pay_dividend
from shop.acts.propose_rule import propose_rule
from shop.acts.record_cost import record_cost
from shop.acts.sell_offline import OfflineLine, OfflineSale, return_offline, sell_offline
from shop.extensions import reading
from shop.kit.ids import CostId, RuleId, RunId, SheetId, VillageId, new_key
from shop.ledger.dividing import Bucket, Paid, answer, approve, compute, decide_rule, publish, receipt_key
from shop.ledger.errors import PeriodClosed
from shop.ledger.models import CostKind, DividendBase, DividendRun, DividendShare, ReceiptAnswer, RuleDecision
from shop.papers.attachments import attachments_of
from shop.reports.folding import fold_waiting
from tests.books import noon
from tests.factories import (
    MadeCooperative,
    MadeLot,
    MadeProduct,
    MadeVillage,
    Pack,
    Person,
    make_cooperative,
    make_lao_chen,
    make_lot,
    make_product,
    make_user,
    make_village,
)

BUCKETS_622 = (Bucket("脱贫户", 6000), Bucket("村集体", 2000), Bucket("再投入", 2000))
IN_DECEMBER = datetime(2026, 12, 5, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Season:
    """白水's cooperative with rice of two villages, 700 : 300, and the people who look after its dividend."""

    cooperative: MadeCooperative
    baishui: MadeVillage
    gaobatian: MadeVillage
    rice: MadeProduct
    lot: MadeLot
    chen: Person
    """Works for the cooperative: tells costs, proposes rules, pays."""
    staff: Person
    """Computes."""
    finance: Person
    """Approves."""


def make_season(*, price_fen: int = 10_000) -> Season:
    """Nothing is sold yet, and there is no rule."""
    baishui, gaobatian = make_village(), make_village("高坝田村")
    cooperative = make_cooperative(villages=[baishui, gaobatian])
    rice = make_product(packs=[Pack(price_fen=price_fen)], cooperative=cooperative, village=baishui)
    lot = make_lot(rice, sources=[(baishui, 700_000), (gaobatian, 300_000)], harvested_on=date(2026, 8, 20))
    staff, finance = make_user("Staff", roles=[Role.OPERATIONS]), make_user("Finance", roles=[Role.FINANCE])
    return Season(cooperative, baishui, gaobatian, rice, lot, make_lao_chen(cooperative), staff, finance)


def sell_by_hand(season: Season, bags: int, *, on: date, ref: str = "fair") -> str:
    """Bags sold at a fair; what they are returned by."""
    sale = OfflineSale(ref=ref, sold_at=noon(on), lines=(OfflineLine(season.rice.sku.code, bags, season.rice.sku.price_fen),))
    sell_offline(sale, by=None, now=noon(on))
    return ref


def take_back(season: Season, ref: str, bags: int, *, on: date) -> None:
    """Bags of such a sale come back, and the money goes back."""
    units = {season.rice.sku.code: bags}
    return_offline(f"{ref}-back-{on}", ref, units, returned_at=noon(on), restock=True, reason="外袋破损", by=None, now=noon(on))


def instance() -> Path:
    """Where this shop keeps its files."""
    return Path(current_app.instance_path)


def a_photograph(colour: str = "white") -> bytes:
    """A small picture."""
    written = io.BytesIO()
    Image.new("RGB", (24, 24), colour).save(written, "PNG")
    return written.getvalue()


def tell_cost(
    season: Season,
    amount_fen: int,
    *,
    on: date,
    kind: CostKind = CostKind.INPUTS,
    note: str = "稻种",
    now: datetime = IN_DECEMBER,
    once: str = "",
) -> CostId:
    """A cost of the season's lot."""
    return record_cost(
        season.lot.id,
        kind=kind,
        amount_fen=amount_fen,
        incurred_on=on,
        note=note,
        papers=(),
        instance_path=instance(),
        by=season.chen.id,
        once=once or new_key(),
        now=now,
    ).id


def propose(
    season: Season,
    *,
    starts_on: date = date(2026, 9, 1),
    base: DividendBase = DividendBase.NET,
    buckets: Sequence[Bucket] = BUCKETS_622,
    name: str = "622",
    once: str = "",
    now: datetime = IN_DECEMBER,
) -> RuleId:
    """A rule that waits for a second person."""
    return propose_rule(
        season.cooperative.id,
        name=name,
        base=base,
        buckets=buckets,
        starts_on=starts_on,
        papers=[a_photograph()],
        instance_path=instance(),
        by=season.chen.id,
        once=once or new_key(),
        now=now,
    )


def make_rule(season: Season, *, starts_on: date = date(2026, 9, 1), base: DividendBase = DividendBase.NET, **given: object) -> RuleId:
    """A rule that holds."""
    rule_id = propose(season, starts_on=starts_on, base=base, **given)  # type: ignore[arg-type]  # as `propose` takes them
    decide_rule(rule_id, RuleDecision.APPROVED, by=season.finance.id, now=IN_DECEMBER)
    return rule_id


def close(*months: str, now: datetime = datetime(2027, 1, 5, 2, tzinfo=UTC)) -> None:
    """These months are closed, in their order, if they are not yet."""
    fold_waiting()
    for month in months:
        with contextlib.suppress(PeriodClosed):
            close_month(month, by=None, now=now)


def compute_to(season: Season, last_day: date, *, once: str = "", now: datetime = IN_DECEMBER) -> SheetId:
    """A sheet that waits for a second person."""
    return compute(season.cooperative.id, last_day, by=season.staff.id, once=once or new_key(), now=now)


def run_to(season: Season, last_day: date, *months: str, now: datetime = IN_DECEMBER) -> SheetId:
    """Close the months, compute, approve."""
    close(*months)
    sheet_id = compute_to(season, last_day, now=now)
    approve(sheet_id, by=season.finance.id, now=now)
    return sheet_id


@dataclass(frozen=True)
class SeenRun:
    """A run as a test looks at it."""

    id: RunId
    village_id: VillageId
    rule_id: RuleId
    first_day: date
    last_day: date
    base_fen: int
    costs_fen: int
    carried_in_fen: int
    payable_fen: int
    carried_out_fen: int
    shares: tuple[int, ...]


def runs_of(sheet_id: SheetId) -> list[SeenRun]:
    """The runs of a sheet, in the order of their days and villages."""
    with reading() as session:
        runs = session.scalars(select(DividendRun).where(DividendRun.sheet_id == sheet_id).order_by(DividendRun.id)).all()
        shares = {
            run.id: tuple(
                session.scalars(select(DividendShare.amount_fen).where(DividendShare.run_id == run.id).order_by(DividendShare.seq))
            )
            for run in runs
        }
        return [
            SeenRun(
                RunId(run.id),
                VillageId(run.village_id),
                RuleId(run.rule_id),
                run.first_day,
                run.last_day,
                run.base_fen,
                run.costs_fen,
                run.carried_in_fen,
                run.payable_fen,
                run.carried_out_fen,
                shares[run.id],
            )
            for run in runs
        ]


def pay(season: Season, run_id: RunId, *, on: date = date(2026, 12, 4), once: str = "", households: dict[int, int] | None = None) -> Paid:
    """The cooperative has paid."""
    return pay_dividend(
        run_id,
        paid_on=on,
        bank_reference="ICBC-8841",
        households=households or {},
        papers=[a_photograph("green")],
        instance_path=instance(),
        by=season.chen.id,
        once=once or new_key(),
        now=IN_DECEMBER,
    )


def bring_to_the_public(season: Season, run_id: RunId, *, households: dict[int, int] | None = None) -> Paid:
    """Paid, confirmed, published."""
    paid = pay(season, run_id, households=households)
    answer(paid.payment_id, ReceiptAnswer.CONFIRMED, now=IN_DECEMBER)
    publish(run_id, by=season.finance.id, now=IN_DECEMBER)
    return paid


@dataclass(frozen=True)
class MadeDividend:
    """A dividend of October that has come to the public, and everything on its way there."""

    cost_id: CostId
    rule_id: RuleId
    sheet_id: SheetId
    run_id: RunId
    payment_id: int
    key: str
    """Of the receipt's link."""
    paper_id: int


def make_dividend(cooperative: MadeCooperative, product: MadeProduct, lot: MadeLot, chen: Person) -> MadeDividend:
    """Two bags of the lot sold in October, a cost with its bill, the rule 622 from that month on, one run, published."""
    village = make_village()
    staff, finance = make_user("Computer", roles=[Role.OPERATIONS]), make_user("Approver", roles=[Role.FINANCE])
    season = Season(cooperative, village, village, product, lot, chen, staff, finance)
    sell_by_hand(season, 2, on=date(2026, 10, 20), ref="october")
    cost = record_cost(
        lot.id,
        kind=CostKind.LABOUR,
        amount_fen=1_000,
        incurred_on=date(2026, 10, 21),
        note="割稻",
        papers=[a_photograph("blue")],
        instance_path=instance(),
        by=chen.id,
        once=new_key(),
        now=IN_DECEMBER,
    )
    rule_id = make_rule(season, starts_on=date(2026, 10, 1))
    sheet_id = run_to(season, date(2026, 10, 31), "2026-10")
    run = runs_of(sheet_id)[0]
    paid = bring_to_the_public(season, run.id, households={1: 23, 2: 3})
    with reading():
        paper = attachments_of("cost", cost.id)[0]
    key = receipt_key(paid.payment_id, paid.once, str(current_app.config["SECRET_KEY"]))
    return MadeDividend(cost.id, rule_id, sheet_id, run.id, paid.payment_id, key, paper.id)
