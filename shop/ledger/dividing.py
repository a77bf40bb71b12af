"""The memo book of dividends: rules proposed and decided, runs computed, approved, paid, confirmed, published.

Law: nothing here touches proceeds, and nothing that stands is ever changed. What one person proposed or computed another approves. A run is approved over
closed months only, so its figures can be computed again for ever; whatever is booked or told later lies in a later month and so in a later run. Sheets of
a cooperative follow one another without a gap: each begins the day after the last approved one ends.

All verbs of one cooperative run one after the other: they lock its row.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, case, func, insert, select

from shop.extensions import Base, act, db, require_transaction, table_of
from shop.kit.clock import business_day
from shop.kit.ids import CooperativeId, RuleId, RunId, SheetId, UserId, VillageId
from shop.ledger.dividends import MOST_BUCKETS, WHOLE, RunState, Segment, months_of, reckon, segments, state_of
from shop.ledger.errors import (
    AlreadyDecided,
    FiguresMoved,
    MonthsOpen,
    NoReason,
    NoSuchRule,
    NoSuchRun,
    NothingToDivide,
    NotInThisState,
    PaidAhead,
    PeriodNotOver,
    RuleNotWhole,
    SamePerson,
    SheetReplaced,
    StartsTooEarly,
)
from shop.ledger.models import (
    Attribution,
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
from shop.ledger.service import last_closed_month
from shop.origin.models import Cooperative
from shop.outbox.service import write_audit

# ── Rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Bucket:
    """A part of a rule."""

    word: str
    basis_points: int


@dataclass(frozen=True)
class Rule:
    """One approved version of a cooperative's rule."""

    id: RuleId
    base: DividendBase
    starts_on: date
    buckets: tuple[Bucket, ...]

    @property
    def basis_points(self) -> tuple[int, ...]:
        """Of its buckets, in their order."""
        return tuple(bucket.basis_points for bucket in self.buckets)


def check_buckets(buckets: Sequence[Bucket]) -> None:
    """Raises RuleNotWhole unless the buckets are named, distinct, above nought and the whole together."""
    words = [bucket.word for bucket in buckets]
    total = sum(bucket.basis_points for bucket in buckets)
    is_named = all(words) and len(set(words)) == len(words) and all(bucket.basis_points > 0 for bucket in buckets)
    if not (1 <= len(buckets) <= MOST_BUCKETS and is_named and total == WHOLE):
        raise RuleNotWhole(total)


def propose_rule(
    cooperative_id: CooperativeId,
    *,
    name: str,
    base: DividendBase,
    buckets: Sequence[Bucket],
    starts_on: date,
    by: UserId,
    once: str,
    now: datetime,
) -> RuleId:
    """Step. A new version of the cooperative's rule, in force from `starts_on` once a second person approves it. The same `once` gives the same one.

    Raises RuleNotWhole, StartsTooEarly.
    """
    require_transaction()
    _lock(cooperative_id)
    known = db.session.scalar(select(DividendRule.id).where(DividendRule.once == once))
    if known is not None:
        return RuleId(known)
    check_buckets(buckets)
    _check_start(cooperative_id, starts_on)
    latest = db.session.scalar(select(func.max(DividendRule.version)).where(DividendRule.cooperative_id == cooperative_id))
    values = {
        "cooperative_id": cooperative_id,
        "version": (latest or 0) + 1,
        "name": name,
        "base": base,
        "starts_on": starts_on,
        "once": once,
        "proposed_by": by,
        "proposed_at": now,
    }
    rule_id = RuleId(_put(DividendRule, values))
    rows = [
        {"rule_id": rule_id, "seq": seq, "word": bucket.word, "basis_points": bucket.basis_points}
        for seq, bucket in enumerate(buckets, start=1)
    ]
    db.session.execute(insert(table_of(DividendBucket)), rows)
    facts = {"name": name, "base": base, "from": starts_on.isoformat(), "basis_points": [bucket.basis_points for bucket in buckets]}
    write_audit("dividend_rule.proposed", subject=f"rule:{rule_id}", by=by, facts={"after": {"state": "proposed"} | facts}, now=now)
    return rule_id


@act
def decide_rule(rule_id: RuleId, decision: RuleDecision, *, reason: str = "", by: UserId, now: datetime) -> None:
    """A second person approves a proposed rule, or refuses it with a reason. The same word by the same person again changes nothing.

    Raises NoSuchRule, SamePerson, NoReason, AlreadyDecided, StartsTooEarly.
    """
    rule = db.session.execute(select(table_of(DividendRule)).where(DividendRule.id == rule_id)).one_or_none()
    if rule is None:
        raise NoSuchRule
    _lock(CooperativeId(rule.cooperative_id))
    known = db.session.execute(select(table_of(DividendRuleDecision)).where(DividendRuleDecision.rule_id == rule_id)).one_or_none()
    if known is not None:
        if (known.decision, known.decided_by) == (decision, by):
            return
        raise AlreadyDecided
    if rule.proposed_by == by:
        raise SamePerson
    if decision is RuleDecision.REFUSED and not reason:
        raise NoReason
    if decision is RuleDecision.APPROVED:
        _check_start(CooperativeId(rule.cooperative_id), rule.starts_on)
    values = {"rule_id": rule_id, "decision": decision, "reason": reason, "decided_by": by, "decided_at": now}
    db.session.execute(insert(table_of(DividendRuleDecision)).values(**values))
    facts = {"before": {"state": "proposed"}, "after": {"state": decision}, "reason": reason}
    write_audit(f"dividend_rule.{decision}", subject=f"rule:{rule_id}", by=by, facts=facts, now=now)


def rules_of(cooperative_id: CooperativeId) -> list[Rule]:
    """The approved versions, in the order in which they hold."""
    rows = db.session.execute(
        select(DividendRule.id, DividendRule.base, DividendRule.starts_on, DividendBucket.word, DividendBucket.basis_points)
        .join(DividendRuleDecision, DividendRuleDecision.rule_id == DividendRule.id)
        .join(DividendBucket, DividendBucket.rule_id == DividendRule.id)
        .where(DividendRule.cooperative_id == cooperative_id, DividendRuleDecision.decision == RuleDecision.APPROVED)
        .order_by(DividendRule.starts_on, DividendBucket.seq)
    ).all()
    found: dict[int, Rule] = {}
    for row in rows:
        before = found[row.id].buckets if row.id in found else ()
        found[row.id] = Rule(RuleId(row.id), row.base, row.starts_on, (*before, Bucket(row.word, row.basis_points)))
    return list(found.values())


def earliest_start(cooperative_id: CooperativeId) -> date | None:
    """From when a new version may hold: after everything that is approved, runs and versions alike; None: from any day."""
    ends = _last_approved(cooperative_id)
    starts = [rule.starts_on for rule in rules_of(cooperative_id)]
    days = [day + timedelta(days=1) for day in (ends.last_day if ends else None, max(starts, default=None)) if day is not None]
    return max(days, default=None)


def _check_start(cooperative_id: CooperativeId, starts_on: date) -> None:
    earliest = earliest_start(cooperative_id)
    if earliest is not None and starts_on < earliest:
        raise StartsTooEarly(earliest)


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Figures:
    """What was booked to one village and spent for it in some days, fen."""

    sales_fen: int = 0
    refunds_fen: int = 0
    corrections_fen: int = 0
    costs_fen: int = 0

    @property
    def base_fen(self) -> int:
        """What there is to divide."""
        return self.sales_fen + self.refunds_fen + self.corrections_fen - self.costs_fen


PARTS: dict[str, tuple[EntryKind, ...]] = {"sales": (EntryKind.SALE,), "refunds": (EntryKind.REFUND, EntryKind.REFUND_FAILED)}
"""Kinds of entries that make a figure; those of neither are corrections."""


def part_of_entries(part: str) -> ColumnElement[bool]:
    """The condition on entries that make the figure `sales`, `refunds` or `corrections`."""
    if part in PARTS:
        return Entry.kind.in_(PARTS[part])
    return Entry.kind.not_in([kind for kinds in PARTS.values() for kind in kinds])


def figures(cooperative_id: CooperativeId, first_day: date, last_day: date) -> dict[VillageId, Figures]:
    """By village, on the business days from `first_day` to `last_day`; villages without any are left out. Two statements."""
    booked = db.session.execute(
        select(
            Attribution.village_id,
            *(
                func.coalesce(func.sum(case((part_of_entries(part), Attribution.amount_fen), else_=0)), 0)
                for part in ("sales", "refunds", "corrections")
            ),
        )
        .join(Entry, Entry.id == Attribution.entry_id)
        .where(Attribution.cooperative_id == cooperative_id, Attribution.business_day.between(first_day, last_day))
        .group_by(Attribution.village_id)
    ).all()
    spent = db.session.execute(
        select(LotCostShare.village_id, func.sum(LotCostShare.amount_fen))
        .join(LotCost, LotCost.id == LotCostShare.cost_id)
        .where(LotCost.cooperative_id == cooperative_id, LotCost.business_day.between(first_day, last_day))
        .group_by(LotCostShare.village_id)
    ).all()
    costs = {village_id: int(fen) for village_id, fen in spent}
    sums = {village_id: (int(sales), int(refunds), int(corrections)) for village_id, sales, refunds, corrections in booked}
    return {
        VillageId(village_id): Figures(*sums.get(village_id, (0, 0, 0)), costs.get(village_id, 0))
        for village_id in sorted(sums.keys() | costs.keys())
    }


# ── Computing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ComputedRun:
    """One run as computed, before it has a row."""

    village_id: VillageId
    rule_id: RuleId
    first_day: date
    last_day: date
    figures: Figures
    """Without costs where the rule does not look at them."""
    base_fen: int
    carried_in_fen: int
    paid_before_fen: int
    payable_fen: int
    carried_out_fen: int
    shares: tuple[int, ...]


@act
def compute(cooperative_id: CooperativeId, last_day: date, *, by: UserId, once: str, now: datetime) -> SheetId:
    """Compute a sheet of runs from the day after the last approved sheet (or the first rule's first day) to `last_day`, the last of a month that is over.

    One run for each village and each version of the rule. An earlier sheet of the same stretch that is not approved is thereby replaced. The same
    `once` gives the same sheet. Raises NothingToDivide, PeriodNotOver.
    """
    _lock(cooperative_id)
    known = db.session.scalar(select(DividendSheet.id).where(DividendSheet.once == once))
    if known is not None:
        return SheetId(known)
    seq, first_day = next_stretch(cooperative_id)
    if last_day < first_day or (last_day + timedelta(days=1)).day != 1 or last_day >= business_day(now):
        raise PeriodNotOver(first_day)
    runs = computed(cooperative_id, first_day, last_day)
    if not runs:
        raise NothingToDivide
    values = {
        "cooperative_id": cooperative_id,
        "seq": seq,
        "first_day": first_day,
        "last_day": last_day,
        "once": once,
        "computed_by": by,
        "computed_at": now,
    }
    sheet_id = SheetId(_put(DividendSheet, values))
    for run in runs:
        _put_run(sheet_id, run)
    facts = {
        "from": first_day.isoformat(),
        "to": last_day.isoformat(),
        "runs": len(runs),
        "payable_fen": sum(run.payable_fen for run in runs),
    }
    write_audit("dividend.computed", subject=f"sheet:{sheet_id}", by=by, facts={"after": {"state": "computed"} | facts}, now=now)
    return sheet_id


def next_stretch(cooperative_id: CooperativeId) -> tuple[int, date]:
    """The number and the first day of the stretch that no approved sheet covers yet. Raises NothingToDivide when no rule is approved."""
    if ends := _last_approved(cooperative_id):
        return ends.seq + 1, ends.last_day + timedelta(days=1)
    rules = rules_of(cooperative_id)
    if not rules:
        raise NothingToDivide
    return 1, rules[0].starts_on


def computed(cooperative_id: CooperativeId, first_day: date, last_day: date) -> list[ComputedRun]:
    """What the runs of these days are, upon the approved runs before them: village by village in each version's stretch, in the order of days."""
    rules = {rule.id: rule for rule in rules_of(cooperative_id)}
    carried, paid = _left_by_earlier(cooperative_id, first_day)
    found = []
    for segment in segments([(rule.id, rule.starts_on) for rule in rules.values()], first_day, last_day):
        in_segment = figures(cooperative_id, segment.first_day, segment.last_day)
        rule = rules[RuleId(segment.rule)]
        villages = in_segment.keys() | {village_id for village_id, fen in carried.items() if fen}
        for village_id in sorted(villages):
            run = _compute(village_id, rule, segment, in_segment.get(village_id, Figures()), carried, paid)
            if run.figures == Figures() and not run.carried_in_fen:
                continue
            carried[village_id] = run.carried_out_fen
            paid[rule.id, village_id] = run.paid_before_fen + run.payable_fen
            found.append(run)
    return found


def _compute(
    village_id: VillageId,
    rule: Rule,
    segment: Segment,
    of_village: Figures,
    carried: Mapping[VillageId, int],
    paid: Mapping[tuple[RuleId, VillageId], int],
) -> ComputedRun:
    if rule.base is DividendBase.GROSS:
        of_village = replace(of_village, costs_fen=0)
    carried_in, paid_before = carried.get(village_id, 0), paid.get((rule.id, village_id), 0)
    base_fen = of_village.base_fen
    reckoned = reckon(base_fen, carried_in_fen=carried_in, paid_before_fen=paid_before, basis_points=rule.basis_points)
    return ComputedRun(
        village_id=village_id,
        rule_id=rule.id,
        first_day=segment.first_day,
        last_day=segment.last_day,
        figures=of_village,
        base_fen=base_fen,
        carried_in_fen=carried_in,
        paid_before_fen=paid_before,
        payable_fen=reckoned.payable_fen,
        carried_out_fen=reckoned.carried_out_fen,
        shares=reckoned.shares,
    )


def _left_by_earlier(cooperative_id: CooperativeId, before: date) -> tuple[dict[VillageId, int], dict[tuple[RuleId, VillageId], int]]:
    """What the approved runs before a day left: each village's carry-over, and what each version has paid it."""
    rows = db.session.execute(
        select(DividendRun.village_id, DividendRun.rule_id, DividendRun.payable_fen, DividendRun.carried_out_fen)
        .join(DividendApproval, DividendApproval.sheet_id == DividendRun.sheet_id)
        .where(DividendApproval.cooperative_id == cooperative_id, DividendRun.last_day < before)
        .order_by(DividendRun.last_day, DividendRun.id)
    ).all()
    carried: dict[VillageId, int] = {}
    paid: dict[tuple[RuleId, VillageId], int] = {}
    for village_id, rule_id, payable_fen, carried_out_fen in rows:
        carried[VillageId(village_id)] = carried_out_fen
        key = RuleId(rule_id), VillageId(village_id)
        paid[key] = paid.get(key, 0) + payable_fen
    return carried, paid


def _put_run(sheet_id: SheetId, run: ComputedRun) -> None:
    values = {
        "sheet_id": sheet_id,
        "village_id": run.village_id,
        "rule_id": run.rule_id,
        "first_day": run.first_day,
        "last_day": run.last_day,
        "sales_fen": run.figures.sales_fen,
        "refunds_fen": run.figures.refunds_fen,
        "corrections_fen": run.figures.corrections_fen,
        "costs_fen": run.figures.costs_fen,
        "base_fen": run.base_fen,
        "carried_in_fen": run.carried_in_fen,
        "paid_before_fen": run.paid_before_fen,
        "payable_fen": run.payable_fen,
        "carried_out_fen": run.carried_out_fen,
    }
    run_id = _put(DividendRun, values)
    shares = [{"run_id": run_id, "seq": seq, "amount_fen": fen} for seq, fen in enumerate(run.shares, start=1)]
    db.session.execute(insert(table_of(DividendShare)), shares)


# ── Approving ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@act
def approve(sheet_id: SheetId, *, by: UserId, now: datetime) -> None:
    """Another person approves the latest sheet of a stretch, all its runs at once. The same person again changes nothing.

    Raises NoSuchRun, SamePerson, AlreadyDecided, SheetReplaced, MonthsOpen, FiguresMoved.
    """
    sheet = db.session.execute(select(table_of(DividendSheet)).where(DividendSheet.id == sheet_id)).one_or_none()
    if sheet is None:
        raise NoSuchRun
    cooperative_id = CooperativeId(sheet.cooperative_id)
    _lock(cooperative_id)
    approval = db.session.execute(select(table_of(DividendApproval)).where(DividendApproval.sheet_id == sheet_id)).one_or_none()
    if approval is not None:
        if approval.approved_by == by:
            return
        raise AlreadyDecided
    if sheet.computed_by == by:
        raise SamePerson
    if sheet_id != latest_sheet(cooperative_id) or (sheet.seq, sheet.first_day) != next_stretch(cooperative_id):
        raise SheetReplaced
    if months := open_months(sheet.first_day, sheet.last_day):
        raise MonthsOpen(months)
    if computed(cooperative_id, sheet.first_day, sheet.last_day) != stored_runs(sheet_id):
        raise FiguresMoved
    values = {"sheet_id": sheet_id, "cooperative_id": cooperative_id, "seq": sheet.seq, "approved_by": by, "approved_at": now}
    db.session.execute(insert(table_of(DividendApproval)).values(**values))
    facts = {"before": {"state": "computed"}, "after": {"state": RunState.APPROVED}}
    write_audit("dividend.approved", subject=f"sheet:{sheet_id}", by=by, facts=facts, now=now)


def latest_sheet(cooperative_id: CooperativeId) -> SheetId | None:
    """The sheet computed last."""
    found = db.session.scalar(select(func.max(DividendSheet.id)).where(DividendSheet.cooperative_id == cooperative_id))
    return SheetId(found) if found is not None else None


def open_months(first_day: date, last_day: date) -> tuple[str, ...]:
    """Of the months that a period touches, those that are not closed."""
    last = last_closed_month()
    return tuple(month for month in months_of(first_day, last_day) if month > last)


def stored_runs(sheet_id: SheetId) -> list[ComputedRun]:
    """A sheet's runs as they were computed, in the same order."""
    rows = db.session.execute(
        select(table_of(DividendRun), DividendShare.amount_fen)
        .join(DividendShare, DividendShare.run_id == DividendRun.id)
        .join(DividendRule, DividendRule.id == DividendRun.rule_id)
        .where(DividendRun.sheet_id == sheet_id)
        .order_by(DividendRun.id, DividendShare.seq)
    ).all()
    shares: dict[int, tuple[int, ...]] = {}
    for row in rows:
        shares[row.id] = (*shares.get(row.id, ()), row.amount_fen)
    first_rows = {row.id: row for row in reversed(rows)}
    return [
        ComputedRun(
            village_id=VillageId(row.village_id),
            rule_id=RuleId(row.rule_id),
            first_day=row.first_day,
            last_day=row.last_day,
            figures=Figures(row.sales_fen, row.refunds_fen, row.corrections_fen, row.costs_fen),
            base_fen=row.base_fen,
            carried_in_fen=row.carried_in_fen,
            paid_before_fen=row.paid_before_fen,
            payable_fen=row.payable_fen,
            carried_out_fen=row.carried_out_fen,
            shares=shares[run_id],
        )
        for run_id, row in sorted(first_rows.items())
    ]


# ── Paid, confirmed, published ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Paid:
    """What a link to a village is made of."""

    payment_id: int
    run_id: RunId
    once: str
    is_repeat: bool


def pay(run_id: RunId, *, paid_on: date, bank_reference: str, households: Mapping[int, int], by: UserId, once: str, now: datetime) -> Paid:
    """Step. The cooperative has paid a run; `households`: how many each bucket (by number) reached, where it says so. The same `once` is the same payment.

    A second payment follows only a dispute. Raises NoSuchRun, NotInThisState, PaidAhead.
    """
    require_transaction()
    run = _lock_run(run_id)
    known = db.session.execute(select(table_of(DividendPayment)).where(DividendPayment.once == once)).one_or_none()
    if known is not None:
        return Paid(known.id, RunId(known.run_id), once, is_repeat=True)
    if run.state not in (RunState.APPROVED, RunState.DISPUTED):
        raise NotInThisState
    if not run.last_day < paid_on <= business_day(now):
        raise PaidAhead(run.last_day + timedelta(days=1), business_day(now))
    values = {
        "run_id": run_id,
        "seq": run.payments + 1,
        "paid_on": paid_on,
        "bank_reference": bank_reference,
        "households": {str(bucket): count for bucket, count in households.items()},
        "once": once,
        "paid_by": by,
        "recorded_at": now,
    }
    payment_id = _put(DividendPayment, values)
    told = {"payment": payment_id, "payable_fen": run.payable_fen, "bank_reference": bank_reference}
    facts = {"before": {"state": run.state}, "after": {"state": RunState.PAID}} | told
    write_audit("dividend.paid", subject=f"run:{run_id}", by=by, facts=facts, now=now)
    return Paid(payment_id, run_id, once, is_repeat=False)


def receipt_key(payment_id: int, once: str, secret: str) -> str:
    """The key of the link by which a village confirms a payment: 128 bits as 32 hexadecimal digits.

    HMAC-SHA-256 (RFC 2104), cut to half (RFC 2104, section 5), under the shop's own secret: it is kept nowhere, and nobody makes one who only reads the
    database. `once` is the payment's own random key.
    """
    message = f"dividend-receipt:{payment_id}:{once}".encode()
    return hmac.new(secret.encode(), message, "sha256").hexdigest()[:32]


@act
def answer(payment_id: int, said: ReceiptAnswer, *, word: str = "", now: datetime) -> None:
    """The village confirms the latest payment of a run, or disputes it with a word; after a dispute it may still confirm. The same answer again
    changes nothing.

    The caller has checked the link's key. Raises NoSuchRun, NotInThisState, NoReason.
    """
    run_id = db.session.scalar(select(DividendPayment.run_id).where(DividendPayment.id == payment_id))
    if run_id is None:
        raise NoSuchRun
    run = _lock_run(RunId(run_id))
    known = set(db.session.scalars(select(DividendAnswer.answer).where(DividendAnswer.payment_id == payment_id)))
    if said in known:
        return
    if ReceiptAnswer.CONFIRMED in known or payment_id != run.latest_payment_id:
        raise NotInThisState
    if said is ReceiptAnswer.DISPUTED and not word:
        raise NoReason
    values = {"payment_id": payment_id, "answer": said, "word": word, "answered_at": now}
    db.session.execute(insert(table_of(DividendAnswer)).values(**values))
    facts = {"before": {"state": run.state}, "after": {"state": said}, "payment": payment_id}
    write_audit(f"dividend.{said}", subject=f"run:{run_id}", by=None, facts=facts, now=now)


@act
def publish(run_id: RunId, *, by: UserId, now: datetime) -> None:
    """Make a run public: confirmed by the village, or one that had nothing to pay. Once more changes nothing. Raises NoSuchRun, NotInThisState."""
    run = _lock_run(run_id)
    if run.state is RunState.PUBLISHED:
        return
    if run.state not in (RunState.CONFIRMED, RunState.NOTHING_DUE):
        raise NotInThisState
    db.session.execute(insert(table_of(DividendPublication)).values(run_id=run_id, published_by=by, published_at=now))
    facts = {"before": {"state": run.state}, "after": {"state": RunState.PUBLISHED}, "payable_fen": run.payable_fen}
    write_audit("dividend.published", subject=f"run:{run_id}", by=by, facts=facts, now=now)


@dataclass(frozen=True)
class _LockedRun:
    last_day: date
    payable_fen: int
    payments: int
    latest_payment_id: int | None
    state: RunState


def _lock_run(run_id: RunId) -> _LockedRun:
    """A run as it stands, nobody else taking a step with it meanwhile. Raises NoSuchRun."""
    cooperative_id = db.session.scalar(
        select(DividendSheet.cooperative_id).join(DividendRun, DividendRun.sheet_id == DividendSheet.id).where(DividendRun.id == run_id)
    )
    if cooperative_id is None:
        raise NoSuchRun
    _lock(CooperativeId(cooperative_id))
    run = db.session.execute(
        select(
            DividendRun.last_day,
            DividendRun.payable_fen,
            DividendApproval.sheet_id.label("approved"),
            DividendPublication.run_id.label("published"),
        )
        .outerjoin(DividendApproval, DividendApproval.sheet_id == DividendRun.sheet_id)
        .outerjoin(DividendPublication, DividendPublication.run_id == DividendRun.id)
        .where(DividendRun.id == run_id)
    ).one()
    payments = db.session.scalars(
        select(DividendPayment.id).where(DividendPayment.run_id == run_id).order_by(DividendPayment.seq.desc())
    ).all()
    answers = set(db.session.scalars(select(DividendAnswer.answer).where(DividendAnswer.payment_id == payments[0]))) if payments else set()
    state = state_of(
        payable_fen=run.payable_fen,
        is_approved=run.approved is not None,
        is_paid=bool(payments),
        is_disputed=ReceiptAnswer.DISPUTED in answers,
        is_confirmed=ReceiptAnswer.CONFIRMED in answers,
        is_published=run.published is not None,
    )
    return _LockedRun(run.last_day, run.payable_fen, len(payments), payments[0] if payments else None, state)


# ── Small steps ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _lock(cooperative_id: CooperativeId) -> None:
    """One after the other within a cooperative. Sales go on meanwhile: they only need the row to stay (FOR KEY SHARE)."""
    require_transaction()
    query = select(Cooperative.id).where(Cooperative.id == cooperative_id).with_for_update(key_share=True)
    if db.session.scalar(query) is None:
        raise NoSuchRun


def _last_approved(cooperative_id: CooperativeId) -> DividendSheet | None:
    return db.session.scalars(
        select(DividendSheet)
        .join(DividendApproval, DividendApproval.sheet_id == DividendSheet.id)
        .where(DividendSheet.cooperative_id == cooperative_id)
        .order_by(DividendSheet.seq.desc())
        .limit(1)
    ).one_or_none()


def _put(model: type[Base], values: Mapping[str, object]) -> int:
    table = table_of(model)
    found = db.session.scalar(insert(table).values(**values).returning(table.c.id))
    assert found is not None
    return int(found)
