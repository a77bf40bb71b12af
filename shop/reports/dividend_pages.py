"""What the pages of costs and dividends show: statements with the lines behind each figure, rules tried on a year, runs with their states.

Law: a figure of an approved run is read from its row, never added up afresh; the lines behind it are those it was added up from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, and_, cast, exists, func, select
from sqlalchemy.orm import aliased

from shop.accounts.models import User
from shop.catalog.models import Product
from shop.extensions import db, rows_as
from shop.kit.ids import CooperativeId, CostId, LotId, RuleId, RunId, SheetId, UserId, VillageId
from shop.ledger import dividing
from shop.ledger.dividends import RunState, reckon, state_of
from shop.ledger.dividing import Bucket, Figures
from shop.ledger.errors import NoSuchCost, NoSuchRule, NoSuchRun, NothingToDivide
from shop.ledger.models import (
    Attribution,
    CostKind,
    DividendAnswer,
    DividendApproval,
    DividendBase,
    DividendBucket,
    DividendPayment,
    DividendPublication,
    DividendRule,
    DividendRuleDecision,
    DividendRun,
    DividendShare,
    DividendSheet,
    Entry,
    EntryKind,
    LotCost,
    LotCostShare,
    ReceiptAnswer,
    RuleDecision,
)
from shop.orders.models import Order
from shop.origin.models import Cooperative, Town, Village
from shop.papers.models import Attachment
from shop.stock.models import Lot

# ── Papers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class PaperLink:
    """A paper to be opened."""

    id: int
    media_type: str
    size_bytes: int


def papers_of(kind: str, ids: Iterable[int]) -> dict[int, tuple[PaperLink, ...]]:
    """The papers of several things of one kind, by the thing's id. One statement."""
    found: dict[int, tuple[PaperLink, ...]] = {}
    rows = db.session.execute(
        select(Attachment.subject_id, Attachment.id, Attachment.media_type, Attachment.size_bytes)
        .where(Attachment.subject_kind == kind, Attachment.subject_id.in_(sorted(set(ids))))
        .order_by(Attachment.id)
    )
    for subject_id, id_, media_type, size_bytes in rows:
        found[subject_id] = (*found.get(subject_id, ()), PaperLink(id_, media_type, size_bytes))
    return found


def owner_of_paper(attachment_id: int) -> tuple[str, CooperativeId] | None:
    """Of a paper of a cost, a rule or a payment: its kind, and the cooperative whose members may read it."""
    row = db.session.execute(select(Attachment.subject_kind, Attachment.subject_id).where(Attachment.id == attachment_id)).one_or_none()
    if row is None:
        return None
    owners = {
        "cost": select(LotCost.cooperative_id).where(LotCost.id == row.subject_id),
        "dividend_rule": select(DividendRule.cooperative_id).where(DividendRule.id == row.subject_id),
        "dividend_payment": select(DividendSheet.cooperative_id)
        .join(DividendRun, DividendRun.sheet_id == DividendSheet.id)
        .join(DividendPayment, DividendPayment.run_id == DividendRun.id)
        .where(DividendPayment.id == row.subject_id),
    }
    owner = db.session.scalar(owners[row.subject_kind]) if row.subject_kind in owners else None
    return (row.subject_kind, CooperativeId(owner)) if owner is not None else None


# ── Costs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CostedLot:
    """A lot with what it has cost so far."""

    lot_id: LotId
    code: str
    cooperative_id: CooperativeId
    cooperative: str
    cooperative_en: str
    product: str
    product_en: str
    harvested_on: date
    gross_fen: int
    """What its sales were worth, refunds not taken off."""
    costs_fen: int
    costs: int
    """How many stand."""


def costed_lots(ids: Iterable[CooperativeId] | None) -> list[CostedLot]:
    """Every lot of these cooperatives (None: of all, only those with costs), those harvested last first."""
    standing = cast(func.coalesce(func.sum(LotCost.amount_fen), 0), BigInteger)  # PostgreSQL sums whole numbers to a decimal
    count = func.count(LotCost.id) - 2 * func.count(LotCost.reverses_id)
    query = _lots(standing, count).outerjoin(LotCost, LotCost.lot_id == Lot.id)
    query = query.where(Lot.cooperative_id.in_(sorted(ids))) if ids is not None else query.where(LotCost.id.is_not(None))
    rows = query.group_by(*_LOT_COLUMNS).order_by(Lot.harvested_on.desc(), Lot.id.desc()).limit(200)
    return rows_as(CostedLot, db.session.execute(rows))


_LOT_COLUMNS = (
    Lot.id,
    Lot.code,
    Lot.cooperative_id,
    Cooperative.name,
    Cooperative.name_en,
    Product.name,
    Product.name_en,
    Lot.harvested_on,
    Lot.gross_fen,
)


def _lots(*sums: Any) -> Select[*tuple[Any, ...]]:  # Any: sums of several kinds; CostedLot names them
    return select(*_LOT_COLUMNS, *sums).join(Product, Product.id == Lot.product_id).join(Cooperative, Cooperative.id == Lot.cooperative_id)


@dataclass(frozen=True)
class CostRow:
    """One cost, or the cancelling of one."""

    id: CostId
    kind: CostKind
    amount_fen: int
    incurred_on: date
    business_day: date
    note: str
    reverses_id: CostId | None
    recorded_by: str | None
    recorded_at: datetime
    is_cancelled: bool
    papers: tuple[PaperLink, ...] = ()


@dataclass(frozen=True)
class CostShareRow:
    """What one village bears of a lot's costs."""

    name: str
    name_en: str
    amount_fen: int


@dataclass(frozen=True)
class LotCosts:
    """A lot with all its costs, the latest first."""

    lot: CostedLot
    rows: tuple[CostRow, ...]
    by_kind: Mapping[CostKind, int]
    shares: tuple[CostShareRow, ...]


def get_lot_costs(code: str, ids: Iterable[CooperativeId] | None) -> LotCosts:
    """One lot's costs. Raises NoSuchCost, also when the lot is somebody else's (None: staff, who read all)."""
    standing = select(cast(func.coalesce(func.sum(LotCost.amount_fen), 0), BigInteger)).where(LotCost.lot_id == Lot.id).scalar_subquery()
    count = select(func.count(LotCost.id) - 2 * func.count(LotCost.reverses_id)).where(LotCost.lot_id == Lot.id).scalar_subquery()
    query = _lots(standing, count).where(Lot.code == code)
    if ids is not None:
        query = query.where(Lot.cooperative_id.in_(sorted(ids)))
    found = rows_as(CostedLot, db.session.execute(query))
    if not found:
        raise NoSuchCost
    lot = found[0]
    cancelling = aliased(LotCost)
    rows = rows_as(
        CostRow,
        db.session.execute(
            select(
                LotCost.id,
                LotCost.kind,
                LotCost.amount_fen,
                LotCost.incurred_on,
                LotCost.business_day,
                LotCost.note,
                LotCost.reverses_id,
                User.name,
                LotCost.recorded_at,
                exists().where(cancelling.reverses_id == LotCost.id),
            )
            .outerjoin(User, User.id == LotCost.recorded_by)
            .where(LotCost.lot_id == lot.lot_id)
            .order_by(LotCost.id.desc())
        ),
    )
    papers = papers_of("cost", (row.id for row in rows))
    by_kind = {kind: sum(row.amount_fen for row in rows if row.kind is kind) for kind in CostKind}
    shares = db.session.execute(
        select(Village.name, Village.name_en, func.sum(LotCostShare.amount_fen))
        .join(LotCostShare, LotCostShare.village_id == Village.id)
        .join(LotCost, LotCost.id == LotCostShare.cost_id)
        .where(LotCost.lot_id == lot.lot_id)
        .group_by(Village.id, Village.name, Village.name_en)
        .order_by(func.sum(LotCostShare.amount_fen).desc(), Village.id)
    )
    return LotCosts(
        lot,
        tuple(replace(row, papers=papers.get(row.id, ())) for row in rows),
        by_kind,
        tuple(CostShareRow(name, name_en, int(fen)) for name, name_en, fen in shares if fen),
    )


# ── Rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class RuleRow:
    """One version of a rule, and what was said to it."""

    id: RuleId
    cooperative_id: CooperativeId
    cooperative: str
    cooperative_en: str
    is_sample: bool
    version: int
    name: str
    base: DividendBase
    starts_on: date
    proposed_by_id: UserId
    proposed_by: str
    proposed_at: datetime
    decision: RuleDecision | None
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    buckets: tuple[Bucket, ...] = ()
    papers: tuple[PaperLink, ...] = ()


def rule_rows(ids: Iterable[CooperativeId] | None, *, only: RuleId | None = None) -> list[RuleRow]:
    """Every version of these cooperatives' rules (None: of all), waiting ones first, then those that begin last. Three statements."""
    proposer, decider = aliased(User), aliased(User)
    query = (
        select(
            DividendRule.id,
            DividendRule.cooperative_id,
            Cooperative.name,
            Cooperative.name_en,
            Cooperative.is_sample,
            DividendRule.version,
            DividendRule.name,
            DividendRule.base,
            DividendRule.starts_on,
            DividendRule.proposed_by,
            proposer.name,
            DividendRule.proposed_at,
            DividendRuleDecision.decision,
            DividendRuleDecision.reason,
            decider.name,
            DividendRuleDecision.decided_at,
        )
        .join(Cooperative, Cooperative.id == DividendRule.cooperative_id)
        .join(proposer, proposer.id == DividendRule.proposed_by)
        .outerjoin(DividendRuleDecision, DividendRuleDecision.rule_id == DividendRule.id)
        .outerjoin(decider, decider.id == DividendRuleDecision.decided_by)
        .order_by(DividendRuleDecision.decision.is_not(None), DividendRule.starts_on.desc(), DividendRule.id.desc())
    )
    if ids is not None:
        query = query.where(DividendRule.cooperative_id.in_(sorted(ids)))
    if only is not None:
        query = query.where(DividendRule.id == only)
    rows = rows_as(RuleRow, db.session.execute(query))
    buckets: dict[int, tuple[Bucket, ...]] = {}
    for rule_id, word, points in db.session.execute(
        select(DividendBucket.rule_id, DividendBucket.word, DividendBucket.basis_points)
        .where(DividendBucket.rule_id.in_([row.id for row in rows]))
        .order_by(DividendBucket.rule_id, DividendBucket.seq)
    ):
        buckets[rule_id] = (*buckets.get(rule_id, ()), Bucket(word, points))
    papers = papers_of("dividend_rule", (row.id for row in rows))
    return [replace(row, buckets=buckets.get(row.id, ()), papers=papers.get(row.id, ())) for row in rows]


def get_rule(rule_id: RuleId, ids: Iterable[CooperativeId] | None) -> RuleRow:
    """One version. Raises NoSuchRule, also when it is somebody else's."""
    found = rule_rows(ids, only=rule_id)
    if not found:
        raise NoSuchRule
    return found[0]


@dataclass(frozen=True)
class TriedRow:
    """What a rule would have given one village."""

    name: str
    name_en: str
    figures: Figures
    base_fen: int
    payable_fen: int
    shares: tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """A rule tried on a year as one run. Nothing is saved."""

    first_day: date
    last_day: date
    is_last_year: bool
    """Else there were no figures last year, and it is this year so far."""
    rows: tuple[TriedRow, ...]

    @property
    def payable_fen(self) -> int:
        """Of all villages."""
        return sum(row.payable_fen for row in self.rows)

    def bucket_fen(self, place: int) -> int:
        """Of all villages, by the bucket's place, from nought."""
        return sum(row.shares[place] for row in self.rows)


def try_rule(cooperative_id: CooperativeId, base: DividendBase, buckets: Sequence[Bucket], *, today: date) -> Trial:
    """The rule on last year's figures, village by village; if there are none, on this year's until today.

    Raises RuleNotWhole.
    """
    dividing.check_buckets(buckets)
    first, last = date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)
    found = dividing.figures(cooperative_id, first, last)
    is_last_year = bool(found)
    if not found:
        first, last = date(today.year, 1, 1), today
        found = dividing.figures(cooperative_id, first, last)
    names = {row.id: row for row in db.session.execute(select(Village.id, Village.name, Village.name_en).where(Village.id.in_(found)))}
    rows = []
    for village_id, its in found.items():
        used = its if base is DividendBase.NET else replace(its, costs_fen=0)
        points = tuple(bucket.basis_points for bucket in buckets)
        run = reckon(used.base_fen, carried_in_fen=0, paid_before_fen=0, basis_points=points)
        village = names[village_id]
        rows.append(TriedRow(village.name, village.name_en, used, used.base_fen, run.payable_fen, run.shares))
    return Trial(first, last, is_last_year, tuple(sorted(rows, key=lambda row: -row.base_fen)))


# ── Runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class RunRow:
    """A run with where it stands."""

    id: RunId
    sheet_id: SheetId
    cooperative_id: CooperativeId
    cooperative: str
    cooperative_en: str
    is_sample: bool
    village_id: VillageId
    village_slug: str
    village: str
    village_en: str
    town: str
    town_en: str
    rule_id: RuleId
    rule_name: str
    rule_version: int
    base: DividendBase
    first_day: date
    last_day: date
    sales_fen: int
    refunds_fen: int
    corrections_fen: int
    costs_fen: int
    base_fen: int
    carried_in_fen: int
    paid_before_fen: int
    payable_fen: int
    carried_out_fen: int
    computed_by_id: UserId
    computed_at: datetime
    approved_at: datetime | None
    payment_id: int | None
    is_disputed: bool
    is_confirmed: bool
    published_at: datetime | None

    @property
    def state(self) -> RunState:
        """Where it stands."""
        return state_of(
            payable_fen=self.payable_fen,
            is_approved=self.approved_at is not None,
            is_paid=self.payment_id is not None,
            is_disputed=self.is_disputed,
            is_confirmed=self.is_confirmed,
            is_published=self.published_at is not None,
        )


def _runs() -> Select[*tuple[Any, ...]]:  # Any: more columns than a tuple's type is worth; RunRow names them
    """Runs that are approved, or stand on the latest sheet of their cooperative."""
    latest, other = aliased(DividendPayment), aliased(DividendSheet)
    last_seq = (
        select(func.max(DividendPayment.seq)).where(DividendPayment.run_id == DividendRun.id).correlate(DividendRun).scalar_subquery()
    )
    latest_sheet = (
        select(func.max(other.id)).where(other.cooperative_id == DividendSheet.cooperative_id).correlate(DividendSheet).scalar_subquery()
    )

    def answered(answer: ReceiptAnswer) -> Any:
        return exists().where(DividendAnswer.payment_id == latest.id, DividendAnswer.answer == answer)

    return (
        select(
            DividendRun.id,
            DividendRun.sheet_id,
            DividendSheet.cooperative_id,
            Cooperative.name,
            Cooperative.name_en,
            Cooperative.is_sample,
            DividendRun.village_id,
            Village.slug,
            Village.name,
            Village.name_en,
            Town.short_name,
            Town.name_en,
            DividendRun.rule_id,
            DividendRule.name,
            DividendRule.version,
            DividendRule.base,
            DividendRun.first_day,
            DividendRun.last_day,
            DividendRun.sales_fen,
            DividendRun.refunds_fen,
            DividendRun.corrections_fen,
            DividendRun.costs_fen,
            DividendRun.base_fen,
            DividendRun.carried_in_fen,
            DividendRun.paid_before_fen,
            DividendRun.payable_fen,
            DividendRun.carried_out_fen,
            DividendSheet.computed_by,
            DividendSheet.computed_at,
            DividendApproval.approved_at,
            latest.id,
            answered(ReceiptAnswer.DISPUTED),
            answered(ReceiptAnswer.CONFIRMED),
            DividendPublication.published_at,
        )
        .join(DividendSheet, DividendSheet.id == DividendRun.sheet_id)
        .join(Cooperative, Cooperative.id == DividendSheet.cooperative_id)
        .join(Village, Village.id == DividendRun.village_id)
        .join(Town, Town.id == Village.town_id)
        .join(DividendRule, DividendRule.id == DividendRun.rule_id)
        .outerjoin(DividendApproval, DividendApproval.sheet_id == DividendSheet.id)
        .outerjoin(DividendPublication, DividendPublication.run_id == DividendRun.id)
        .outerjoin(latest, and_(latest.run_id == DividendRun.id, latest.seq == last_seq))
        .where((DividendApproval.sheet_id.is_not(None)) | (DividendSheet.id == latest_sheet))
        .order_by(DividendRun.last_day.desc(), DividendSheet.cooperative_id, DividendRun.id)
    )


_MOST_RUNS = 500


def run_rows(
    *, ids: Iterable[CooperativeId] | None = None, sheet_id: SheetId | None = None, published_of: VillageId | None = None
) -> list[RunRow]:
    """Runs of these cooperatives (None: of all), of one sheet, or those of a village that are public; the latest first. One statement."""
    query = _runs()
    if ids is not None:
        query = query.where(DividendSheet.cooperative_id.in_(sorted(ids)))
    if sheet_id is not None:
        query = query.where(DividendSheet.id == sheet_id).order_by(None).order_by(DividendRun.id)
    if published_of is not None:
        query = query.where(DividendRun.village_id == published_of, DividendPublication.published_at.is_not(None))
    return rows_as(RunRow, db.session.execute(query.limit(_MOST_RUNS)))


@dataclass(frozen=True)
class ShareRow:
    """What a bucket gets of a run."""

    seq: int
    word: str
    basis_points: int
    amount_fen: int
    households: int | None
    """How many it reached, where the cooperative counted; see `published_count` before showing it to the public."""


@dataclass(frozen=True)
class PaymentRow:
    """A payment and what the village said to it."""

    id: int
    seq: int
    paid_on: date
    bank_reference: str
    households: Mapping[str, int]
    once: str
    recorded_at: datetime
    confirmed_at: datetime | None
    disputed_at: datetime | None
    word: str | None
    papers: tuple[PaperLink, ...] = ()


@dataclass(frozen=True)
class Statement:
    """One run with all that stands behind it."""

    run: RunRow
    shares: tuple[ShareRow, ...]
    payments: tuple[PaymentRow, ...]
    """The latest first."""
    computed_by: str
    approved_by: str | None
    published_by: str | None

    @property
    def payment(self) -> PaymentRow | None:
        """The latest."""
        return self.payments[0] if self.payments else None


def get_statement(run_id: RunId, *, ids: Iterable[CooperativeId] | None = None) -> Statement:
    """One run; of these cooperatives (None: of any). Raises NoSuchRun, also for one that another sheet has replaced. Five statements."""
    query = _runs().where(DividendRun.id == run_id)
    if ids is not None:
        query = query.where(DividendSheet.cooperative_id.in_(sorted(ids)))
    found = rows_as(RunRow, db.session.execute(query))
    if not found:
        raise NoSuchRun
    run = found[0]
    payments = _payments(run_id)
    counted = payments[0].households if payments else {}
    shares = db.session.execute(
        select(DividendShare.seq, DividendBucket.word, DividendBucket.basis_points, DividendShare.amount_fen)
        .join(DividendBucket, and_(DividendBucket.rule_id == run.rule_id, DividendBucket.seq == DividendShare.seq))
        .where(DividendShare.run_id == run_id)
        .order_by(DividendShare.seq)
    )
    names = _names_of_a_run(run)
    return Statement(
        run, tuple(ShareRow(seq, word, points, fen, counted.get(str(seq))) for seq, word, points, fen in shares), payments, *names
    )


def _payments(run_id: RunId) -> tuple[PaymentRow, ...]:
    confirmed, disputed = aliased(DividendAnswer), aliased(DividendAnswer)
    rows = rows_as(
        PaymentRow,
        db.session.execute(
            select(
                DividendPayment.id,
                DividendPayment.seq,
                DividendPayment.paid_on,
                DividendPayment.bank_reference,
                DividendPayment.households,
                DividendPayment.once,
                DividendPayment.recorded_at,
                confirmed.answered_at,
                disputed.answered_at,
                disputed.word,
            )
            .outerjoin(confirmed, and_(confirmed.payment_id == DividendPayment.id, confirmed.answer == ReceiptAnswer.CONFIRMED))
            .outerjoin(disputed, and_(disputed.payment_id == DividendPayment.id, disputed.answer == ReceiptAnswer.DISPUTED))
            .where(DividendPayment.run_id == run_id)
            .order_by(DividendPayment.seq.desc())
        ),
    )
    papers = papers_of("dividend_payment", (row.id for row in rows)) if rows else {}
    return tuple(replace(row, papers=papers.get(row.id, ())) for row in rows)


def _names_of_a_run(run: RunRow) -> tuple[str, str | None, str | None]:
    computer, approver, publisher = aliased(User), aliased(User), aliased(User)
    row = db.session.execute(
        select(computer.name, approver.name, publisher.name)
        .select_from(DividendSheet)
        .join(computer, computer.id == DividendSheet.computed_by)
        .outerjoin(DividendApproval, DividendApproval.sheet_id == DividendSheet.id)
        .outerjoin(approver, approver.id == DividendApproval.approved_by)
        .outerjoin(DividendPublication, DividendPublication.run_id == run.id)
        .outerjoin(publisher, publisher.id == DividendPublication.published_by)
        .where(DividendSheet.id == run.sheet_id)
    ).one()
    return row[0], row[1], row[2]


def find_receipt(payment_id: int) -> Statement | None:
    """The statement that a payment belongs to, by the payment's id alone: the caller has the key to check. None when there is none."""
    run_id = db.session.scalar(select(DividendPayment.run_id).where(DividendPayment.id == payment_id))
    return get_statement(RunId(run_id)) if run_id is not None else None


def find_village(slug: str) -> tuple[VillageId, str, str] | None:
    """A village's id and names."""
    row = db.session.execute(select(Village.id, Village.name, Village.name_en).where(Village.slug == slug)).one_or_none()
    return (VillageId(row[0]), row[1], row[2]) if row else None


def count_public_runs(slug: str) -> int:
    """How many statements of a village are public."""
    query = (
        select(func.count())
        .select_from(DividendPublication)
        .join(DividendRun, DividendRun.id == DividendPublication.run_id)
        .join(Village, Village.id == DividendRun.village_id)
        .where(Village.slug == slug)
    )
    return int(db.session.scalar(query) or 0)


# ── The lines behind a figure ─────────────────────────────────────────────────────────────────────────────────────────

PARTS = ("sales", "refunds", "corrections", "costs", "carried", "paid")
LINES_PER_PAGE = 100


@dataclass(frozen=True)
class LineRow:
    """One thing that a figure was added up from."""

    day: date
    subject: str
    """An order's number, a lot's code, or a stretch of days."""
    entry_kind: EntryKind | None
    cost_kind: CostKind | None
    lot_code: str
    amount_fen: int
    run_id: RunId | None = None


@dataclass(frozen=True)
class Behind:
    """The lines of one page, and their sum over all pages."""

    part: str
    total_fen: int
    count: int
    page: int
    rows: tuple[LineRow, ...]

    @property
    def pages(self) -> int:
        """How many there are."""
        return max(1, -(-self.count // LINES_PER_PAGE))


def read_behind(run: RunRow, part: str, *, page: int | None = 1) -> Behind:
    """The lines behind one figure of a run; `page` None: all of them. Raises NoSuchRun for a figure that there is not."""
    if part not in PARTS:
        raise NoSuchRun
    if part in ("carried", "paid"):
        return _earlier_runs(run, part)
    query = _cost_lines(run) if part == "costs" else _booked_lines(run, part)
    counted = query.order_by(None).subquery()
    count, total = db.session.execute(select(func.count(), func.coalesce(func.sum(counted.c.amount_fen), 0))).one()
    shown = max(1, min(page or 1, -(-int(count) // LINES_PER_PAGE) or 1))
    if page is not None:
        query = query.limit(LINES_PER_PAGE).offset((shown - 1) * LINES_PER_PAGE)
    return Behind(part, int(total), int(count), shown, tuple(_line(part, row) for row in db.session.execute(query)))


def _booked_lines(run: RunRow, part: str) -> Select[*tuple[Any, ...]]:  # Any: see _line
    return (
        select(
            Attribution.business_day.label("day"),
            Order.number.label("subject"),
            Entry.kind.label("kind"),
            Lot.code.label("lot_code"),
            Attribution.amount_fen.label("amount_fen"),
        )
        .join(Entry, Entry.id == Attribution.entry_id)
        .join(Order, Order.id == Attribution.order_id)
        .join(Lot, Lot.id == Attribution.lot_id)
        .where(
            Attribution.cooperative_id == run.cooperative_id,
            Attribution.village_id == run.village_id,
            Attribution.business_day.between(run.first_day, run.last_day),
            dividing.part_of_entries(part),
        )
        .order_by(Attribution.business_day, Attribution.id)
    )


def _cost_lines(run: RunRow) -> Select[*tuple[Any, ...]]:  # Any: see _line
    return (
        select(
            LotCost.business_day.label("day"),
            Lot.code.label("subject"),
            LotCost.kind.label("kind"),
            Lot.code.label("lot_code"),
            LotCostShare.amount_fen.label("amount_fen"),
        )
        .join(LotCostShare, LotCostShare.cost_id == LotCost.id)
        .join(Lot, Lot.id == LotCost.lot_id)
        .join(DividendRule, DividendRule.id == run.rule_id)
        .where(
            LotCost.cooperative_id == run.cooperative_id,
            LotCostShare.village_id == run.village_id,
            LotCost.business_day.between(run.first_day, run.last_day),
            DividendRule.base == DividendBase.NET,
        )
        .order_by(LotCost.business_day, LotCost.id)
    )


def _line(part: str, row: Any) -> LineRow:  # Any: a row of one of the two queries above
    is_cost = part == "costs"
    return LineRow(row.day, row.subject, None if is_cost else row.kind, row.kind if is_cost else None, row.lot_code, int(row.amount_fen))


def _earlier_runs(run: RunRow, part: str) -> Behind:
    """Of the carry-over: the run that left it. Of what was paid before: every run of this version that paid."""
    query = (
        select(DividendRun.id, DividendRun.first_day, DividendRun.last_day, DividendRun.carried_out_fen, DividendRun.payable_fen)
        .join(DividendSheet, DividendSheet.id == DividendRun.sheet_id)
        .outerjoin(DividendApproval, DividendApproval.sheet_id == DividendSheet.id)
        .where(
            DividendSheet.cooperative_id == run.cooperative_id,
            DividendRun.village_id == run.village_id,
            DividendRun.last_day < run.first_day,
            (DividendApproval.sheet_id.is_not(None)) | (DividendSheet.id == run.sheet_id),
        )
        .order_by(DividendRun.last_day.desc(), DividendRun.id.desc())
    )
    if part == "paid":
        query = query.where(DividendRun.rule_id == run.rule_id, DividendRun.payable_fen > 0)
    found = db.session.execute(query if part == "paid" else query.limit(1)).all()
    rows = tuple(
        LineRow(row.last_day, f"{row.first_day} – {row.last_day}", None, None, "", fen, RunId(row.id))
        for row in found
        if (fen := row.payable_fen if part == "paid" else row.carried_out_fen)
    )
    return Behind(part, sum(row.amount_fen for row in rows), len(rows), 1, rows)


# ── What can be computed ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Computable:
    """A cooperative with a rule, and the ends of months up to which a sheet may be computed now."""

    cooperative_id: CooperativeId
    name: str
    name_en: str
    first_day: date
    last_days: tuple[date, ...]


def computable(*, today: date) -> list[Computable]:
    """Cooperatives whose next stretch has a month that is over, by name."""
    with_rules = (
        select(Cooperative.id, Cooperative.name, Cooperative.name_en)
        .where(
            Cooperative.id.in_(
                select(DividendRule.cooperative_id)
                .join(DividendRuleDecision, DividendRuleDecision.rule_id == DividendRule.id)
                .where(DividendRuleDecision.decision == RuleDecision.APPROVED)
            )
        )
        .order_by(Cooperative.id)
    )
    found = []
    for id_, name, name_en in db.session.execute(with_rules).all():
        try:
            _, first_day = dividing.next_stretch(CooperativeId(id_))
        except NothingToDivide:
            continue
        if days := _month_ends(first_day, today):
            found.append(Computable(CooperativeId(id_), name, name_en, first_day, days))
    return found


def _month_ends(first_day: date, today: date) -> tuple[date, ...]:
    ends = []
    month = first_day.replace(day=1)
    while (month := (month + timedelta(days=32)).replace(day=1)) <= today:
        ends.append(month - timedelta(days=1))
    return tuple(ends)
