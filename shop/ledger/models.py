"""Tables of the books."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model, choice


class AccountKind(StrEnum):
    """What an account stands for."""

    CLEARING = "clearing"
    """Money at a provider, ours but not yet paid out: `clearing/stripe`."""
    CASH = "cash"
    """Money taken by hand: `cash/offline`."""
    PROCEEDS = "proceeds"
    """What a village's harvest earned through a cooperative: `proceeds/<cooperative>/<village>`; credited by sales."""
    CARRIAGE = "carriage"
    """Shipping collected for the carrier: `carriage/collected`."""
    UNALLOCATED = "unallocated"
    """Money received that no order explains yet; staff decide: `unallocated/<provider>`."""
    HOLD = "hold"
    """A village's share of a sale in dispute, neither lost nor free: `hold/<cooperative>/<village>`."""
    PAYABLE = "payable"
    """Settled with a cooperative and not paid yet: `payable/<cooperative>`."""
    BANK = "bank"
    """The operator's bank account: `bank/operating`."""
    FEES = "fees"
    """What a provider keeps for its work, the platform's expense: `fees/<provider>`."""
    EXCHANGE = "exchange"
    """Where one currency became another: `exchange/<provider>`, a balance in each."""
    DISPUTED = "disputed"
    """Money that a provider took back until a dispute is decided: `disputed/<provider>`."""
    SUSPENSE = "suspense"
    """Movements at a provider of a kind that we do not know; staff look into them: `suspense/<provider>`."""


class EntryKind(StrEnum):
    """Why an entry was made."""

    SALE = "sale"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    """The provider failed a refund: the refund's entry, reversed."""
    RECEIPT = "receipt"
    """Money that came in and cannot become a sale (paid late and sold out, or another amount)."""
    RECEIPT_RETURNED = "receipt_returned"
    """Such money, sent back."""
    CORRECTION = "correction"
    """A sale's villages corrected after the fact: its attribution reversed and made anew."""
    EDIT = "edit"
    """An order changed by staff before it was packed."""
    SETTLEMENT = "settlement"
    """What a cooperative is owed for a period moved from its villages' proceeds to what is payable."""
    SETTLEMENT_PAID = "settlement_paid"
    FEE = "fee"
    EXCHANGE = "exchange"
    PAYOUT = "payout"
    """Money that a provider sent to the bank."""
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    SUSPENSE = "suspense"
    """A movement at a provider of a kind that we do not know."""
    SUSPENSE_CLEARED = "suspense_cleared"


class Account(Model):
    """A heading of the books."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(140), unique=True)
    kind: Mapped[AccountKind] = mapped_column(choice(AccountKind, "kind"))
    cooperative_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("cooperatives.id"))
    village_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("villages.id"))


class Period(Model):
    """A month of the books. Its row is share-locked by every posting into it, so that closing waits for them."""

    __tablename__ = "periods"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    """2026-11"""
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class Entry(Model):
    """One event in the books. Written after its postings and attributions, which it closes."""

    __tablename__ = "entries"
    __table_args__ = (Index("ix_entries_subject", "subject"), Index("ix_entries_day", "business_day"))

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind, "kind"))
    once: Mapped[str] = mapped_column(String(80), unique=True)
    """What it books, e.g. `sale:SH-261123-7K3M9P`: booked twice is refused by the key."""
    subject: Mapped[str] = mapped_column(String(24))
    """The order's number."""
    reverses_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("entries.id"))
    posted_at: Mapped[datetime] = mapped_column(Instant)
    business_day: Mapped[date]


class Posting(Model):
    """So many fen on one account: debit positive, credit negative."""

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount"),
        Index("ix_postings_account_day", "account_id", "business_day"),
    )

    entry_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("entries.id", deferrable=True, initially="DEFERRED"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("accounts.id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    business_day: Mapped[date]


class Attribution(Model):
    """Fen of one order line that belong to one village through one pick's lot; negative when refunded.

    With `lot_total_fen` (the lot's running total T after this pick) and the source version anybody can compute a sale's amount again.
    """

    __tablename__ = "attributions"
    __table_args__ = (
        UniqueConstraint("entry_id", "pick_id", "village_id"),
        Index("ix_attributions_pick", "pick_id"),
        Index("ix_attributions_line", "line_id"),
        Index("ix_attributions_day", "business_day", "village_id"),
        Index("ix_attributions_lot", "lot_id"),
        Index("ix_attributions_village", "village_id", "business_day"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("entries.id", deferrable=True, initially="DEFERRED"))
    order_id: Mapped[int] = mapped_column(BigId, ForeignKey("orders.id"), index=True)
    line_id: Mapped[int] = mapped_column(BigId, ForeignKey("order_lines.id"))
    pick_id: Mapped[int] = mapped_column(BigId, ForeignKey("picks.id"))
    lot_id: Mapped[int] = mapped_column(BigId, ForeignKey("lots.id"))
    source_version: Mapped[int]
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"))
    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"))
    is_refund: Mapped[bool]
    """A refund, or a failed refund booked back; else a sale."""
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    grams: Mapped[int] = mapped_column(BigInteger)
    """Sales only: the pick's grams shared by the same sources; nought otherwise."""
    lot_total_fen: Mapped[int] = mapped_column(BigInteger)
    business_day: Mapped[date]
    """When it was booked."""
    sold_on: Mapped[date]
    """When the line was sold."""


# ── Costs of lots ─────────────────────────────────────────────────────────────────────────────────────────────────────


class CostKind(StrEnum):
    """What a cost of a lot was for."""

    INPUTS = "inputs"
    """Seed, fertiliser, saplings, feed."""
    LABOUR = "labour"
    PACKING = "packing"
    FREIGHT = "freight"


class LotCost(Model):
    """What a cooperative spent on a lot. Never changed: a mistake is cancelled by a row of the opposite sum that names it."""

    __tablename__ = "lot_costs"
    __table_args__ = (
        CheckConstraint("(reverses_id IS NULL AND amount_fen > 0) OR (reverses_id IS NOT NULL AND amount_fen < 0)", name="amount"),
        Index("ix_lot_costs_day", "cooperative_id", "business_day"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    lot_id: Mapped[int] = mapped_column(BigId, ForeignKey("lots.id"), index=True)
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"))
    kind: Mapped[CostKind] = mapped_column(choice(CostKind, "kind"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    incurred_on: Mapped[date]
    """When it was spent."""
    business_day: Mapped[date]
    """The day on which it counts: when it was spent, or when it was told, if that month was closed by then."""
    note: Mapped[str] = mapped_column(String(120))
    """Of a cancelling row: why."""
    source_version: Mapped[int]
    """The lot's sources by which it is shared."""
    lot_total_fen: Mapped[int] = mapped_column(BigInteger)
    """All costs told of the lot under these sources, this one included; the same again for a cancelling row."""
    reverses_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("lot_costs.id"), unique=True)
    once: Mapped[str] = mapped_column(String(60), unique=True)
    recorded_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class LotCostShare(Model):
    """What one village bears of a cost, by its grams of the lot."""

    __tablename__ = "lot_cost_shares"

    cost_id: Mapped[int] = mapped_column(BigId, ForeignKey("lot_costs.id"), primary_key=True)
    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), primary_key=True, index=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)


# ── Dividends: rules, runs, and what became of them (a memo book; it never touches proceeds) ──────────────────────────


class DividendBase(StrEnum):
    """What a rule divides."""

    GROSS = "gross"
    """Proceeds, less refunds."""
    NET = "net"
    """Proceeds, less refunds and the lots' recorded cost."""


class RuleDecision(StrEnum):
    """What a second person said to a proposed rule."""

    APPROVED = "approved"
    REFUSED = "refused"


class ReceiptAnswer(StrEnum):
    """What a village said to a payment."""

    CONFIRMED = "confirmed"
    DISPUTED = "disputed"


class DividendRule(Model):
    """One version of a cooperative's rule, in force from a day once approved. Never edited; another version follows it."""

    __tablename__ = "dividend_rules"
    __table_args__ = (UniqueConstraint("cooperative_id", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"))
    version: Mapped[int]
    name: Mapped[str] = mapped_column(String(30))
    base: Mapped[DividendBase] = mapped_column(choice(DividendBase, "base"))
    starts_on: Mapped[date]
    once: Mapped[str] = mapped_column(String(60), unique=True)
    proposed_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    proposed_at: Mapped[datetime] = mapped_column(Instant)


class DividendBucket(Model):
    """A part of a rule: for whom, and how much of the whole."""

    __tablename__ = "dividend_buckets"
    __table_args__ = (CheckConstraint("basis_points > 0 AND basis_points <= 10000", name="basis_points"),)

    rule_id: Mapped[int] = mapped_column(BigId, ForeignKey("dividend_rules.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    word: Mapped[str] = mapped_column(String(30))
    basis_points: Mapped[int]


class DividendRuleDecision(Model):
    """A second person's word on a proposed rule: one, for good."""

    __tablename__ = "dividend_rule_decisions"

    rule_id: Mapped[int] = mapped_column(BigId, ForeignKey("dividend_rules.id"), primary_key=True)
    decision: Mapped[RuleDecision] = mapped_column(choice(RuleDecision, "decision"))
    reason: Mapped[str] = mapped_column(String(120))
    decided_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    decided_at: Mapped[datetime] = mapped_column(Instant)


class DividendSheet(Model):
    """Runs of all villages of a cooperative, computed together up to a day. One computed later for the same stretch takes the place of one not approved."""

    __tablename__ = "dividend_sheets"
    __table_args__ = (CheckConstraint("first_day <= last_day", name="days"), Index("ix_dividend_sheets_stretch", "cooperative_id", "seq"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"))
    seq: Mapped[int]
    """The how manieth stretch of the cooperative's: one after the last that is approved."""
    first_day: Mapped[date]
    last_day: Mapped[date]
    once: Mapped[str] = mapped_column(String(60), unique=True)
    computed_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    computed_at: Mapped[datetime] = mapped_column(Instant)


class DividendApproval(Model):
    """Another person's approval of a sheet: one for each stretch of a cooperative's."""

    __tablename__ = "dividend_approvals"
    __table_args__ = (UniqueConstraint("cooperative_id", "seq"),)

    sheet_id: Mapped[int] = mapped_column(BigId, ForeignKey("dividend_sheets.id"), primary_key=True)
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"))
    seq: Mapped[int]
    approved_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    approved_at: Mapped[datetime] = mapped_column(Instant)


class DividendRun(Model):
    """What one village is due for a stretch of days under one version of the rule: base, carry-over, and what is to be paid."""

    __tablename__ = "dividend_runs"
    __table_args__ = (
        UniqueConstraint("sheet_id", "village_id", "rule_id"),
        CheckConstraint("base_fen = sales_fen + refunds_fen + corrections_fen - costs_fen", name="base"),
        CheckConstraint("carried_in_fen + base_fen = payable_fen + carried_out_fen", name="carried"),
        CheckConstraint("carried_in_fen <= 0 AND carried_out_fen <= 0 AND payable_fen >= 0 AND paid_before_fen >= 0", name="signs"),
        CheckConstraint("payable_fen = 0 OR carried_out_fen = 0", name="paid_or_carried"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sheet_id: Mapped[int] = mapped_column(BigId, ForeignKey("dividend_sheets.id"))
    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), index=True)
    rule_id: Mapped[int] = mapped_column(BigId, ForeignKey("dividend_rules.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    sales_fen: Mapped[int] = mapped_column(BigInteger)
    refunds_fen: Mapped[int] = mapped_column(BigInteger)
    """Nought or less, unless failed refunds were booked back."""
    corrections_fen: Mapped[int] = mapped_column(BigInteger)
    """Everything else that was booked to the village: corrections, edited orders, disputes."""
    costs_fen: Mapped[int] = mapped_column(BigInteger)
    """Nought where the rule divides gross proceeds."""
    base_fen: Mapped[int] = mapped_column(BigInteger)
    carried_in_fen: Mapped[int] = mapped_column(BigInteger)
    paid_before_fen: Mapped[int] = mapped_column(BigInteger)
    """What this version of the rule had paid the village before."""
    payable_fen: Mapped[int] = mapped_column(BigInteger)
    carried_out_fen: Mapped[int] = mapped_column(BigInteger)


class DividendShare(Model):
    """What a bucket gets of a run."""

    __tablename__ = "dividend_shares"
    __table_args__ = (CheckConstraint("amount_fen >= 0", name="amount"),)

    run_id: Mapped[int] = mapped_column(BigId, ForeignKey("dividend_runs.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount_fen: Mapped[int] = mapped_column(BigInteger)


class DividendPayment(Model):
    """The cooperative says that it has paid a run. A second one follows only a dispute."""

    __tablename__ = "dividend_payments"
    __table_args__ = (UniqueConstraint("run_id", "seq"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(BigId, ForeignKey("dividend_runs.id"))
    seq: Mapped[int]
    paid_on: Mapped[date]
    bank_reference: Mapped[str] = mapped_column(String(40))
    households: Mapped[dict[str, int]] = mapped_column(JSON)
    """By bucket (its number as text): how many households it reached, where the cooperative counts them. Never who."""
    once: Mapped[str] = mapped_column(String(60), unique=True)
    paid_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class DividendAnswer(Model):
    """A village's word on a payment, given through its link: at most one of each kind, and none after it was confirmed."""

    __tablename__ = "dividend_answers"

    payment_id: Mapped[int] = mapped_column(BigId, ForeignKey("dividend_payments.id"), primary_key=True)
    answer: Mapped[ReceiptAnswer] = mapped_column(choice(ReceiptAnswer, "answer"), primary_key=True)
    word: Mapped[str] = mapped_column(String(120))
    answered_at: Mapped[datetime] = mapped_column(Instant)


class DividendPublication(Model):
    """A run made public 公示."""

    __tablename__ = "dividend_publications"

    run_id: Mapped[int] = mapped_column(BigId, ForeignKey("dividend_runs.id"), primary_key=True)
    published_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    published_at: Mapped[datetime] = mapped_column(Instant)
