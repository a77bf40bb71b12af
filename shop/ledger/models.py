"""Tables of the books."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import BigId, Instant, Model, choice


class AccountKind(StrEnum):
    """What an account stands for."""

    CLEARING = "clearing"
    """Money at a provider, ours but not yet paid out: `clearing/stripe` until the provider's account says so, then `balance/stripe`."""
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
    CLEARED = "cleared"
    """What we expected at a provider has come about there: its balance transaction, without exchange."""
    FEE = "fee"
    """A provider's fee that belongs to no payment alone."""
    EXCHANGE = "exchange"
    """As `CLEARED`, and the provider settles it in another currency."""
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

    With `lot_total_fen` (the lot's running total T after this pick) and the source version anybody can compute a sale's amount again. Order, line, lot and
    cooperative are the pick's own and the village one of the lot's sources: a trigger holds them to it (`attributions_of_their_pick`, decision 0024), and
    through the pick they stand as long as it does.
    """

    __tablename__ = "attributions"
    __table_args__ = (
        UniqueConstraint("entry_id", "pick_id", "village_id"),
        Index("ix_attributions_pick", "pick_id"),
        Index("ix_attributions_line", "line_id"),
        Index("ix_attributions_day", "business_day", "village_id"),
        Index("ix_attributions_lot", "lot_id"),
        Index(
            "ix_attributions_corrected",
            "business_day",
            "sold_on",
            sqlite_where=text("is_correction"),
            postgresql_where=text("is_correction"),
        ),
        Index("ix_attributions_village", "village_id", "business_day"),
        Index("ix_attributions_sold", "sold_on", "line_id"),
        Index("ix_attributions_refunds", "business_day", "sold_on", sqlite_where=text("is_refund"), postgresql_where=text("is_refund")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("entries.id", deferrable=True, initially="DEFERRED"))
    order_id: Mapped[int] = mapped_column(BigId, index=True)
    line_id: Mapped[int] = mapped_column(BigId)
    pick_id: Mapped[int] = mapped_column(BigId, ForeignKey("picks.id"))
    lot_id: Mapped[int] = mapped_column(BigId)
    source_version: Mapped[int]
    cooperative_id: Mapped[int] = mapped_column(BigId)
    village_id: Mapped[int] = mapped_column(BigId)
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
    is_correction: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A lot's sources were corrected after the sale: what this village newly has of the pick, or no longer has. With `is_refund`, of its refunds."""
    pick_change: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    """Corrections of the sale only: 1 where the village newly has a part of the pick, −1 where it no longer has one, else 0."""
    is_accredited: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the product was accredited on the day of sale, as the shop knew it when the sale was booked; what follows a sale says the same."""


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


class Unfolded(Model):
    """An entry with attributions that the roll-ups of the reports do not hold yet. Put in with the entry; taken out by folding alone."""

    __tablename__ = "ledger_unfolded"

    entry_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("entries.id"), primary_key=True, autoincrement=False)


# ── Settlements with cooperatives ─────────────────────────────────────────────────────────────────────────────────────


class SettlementState(StrEnum):
    """Life of a settlement. Moves downwards in this list only."""

    DRAFT = "draft"
    """Computed by one person; nothing is booked."""
    APPROVED = "approved"
    """Approved by another: moved from the villages' proceeds to what is payable. One of nought ends here."""
    PAID = "paid"
    """The bank has sent it."""
    CANCELLED = "cancelled"
    """A draft that was thrown away; what it named is free for the next one."""


class Settlement(Model):
    """What a cooperative is paid for its villages: all that is past its return window up to a day and stands in no settlement before."""

    __tablename__ = "settlements"
    __table_args__ = (
        UniqueConstraint("cooperative_id", "seq"),
        CheckConstraint("first_day <= last_day", name="days"),
        CheckConstraint("total_fen >= 0 AND carried_in_fen <= 0 AND carried_out_fen <= 0", name="signs"),
        CheckConstraint("approved_by <> drafted_by", name="second_person"),
        CheckConstraint("(state IN ('approved', 'paid')) = (approved_at IS NOT NULL)", name="approved"),
        CheckConstraint("(state = 'paid') = (paid_on IS NOT NULL)", name="paid"),
        Index("ix_settlements_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    """The subject of its entries."""
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"))
    seq: Mapped[int]
    """The how manieth of the cooperative, cancelled ones counted."""
    state: Mapped[SettlementState] = mapped_column(choice(SettlementState, "state"))
    first_day: Mapped[date]
    """The earliest booking in it, or the day after the settlement before."""
    last_day: Mapped[date]
    total_fen: Mapped[int] = mapped_column(BigInteger)
    """What is to be paid: Σ of the villages'."""
    carried_in_fen: Mapped[int] = mapped_column(BigInteger)
    carried_out_fen: Mapped[int] = mapped_column(BigInteger)
    once: Mapped[str] = mapped_column(String(60), unique=True)
    drafted_by: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    drafted_at: Mapped[datetime] = mapped_column(Instant)
    approved_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    approved_at: Mapped[datetime | None] = mapped_column(Instant)
    entry_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("entries.id"))
    payee_name: Mapped[str | None] = mapped_column(String(80))
    """The account to pay to, as it stood when the settlement was approved."""
    payee_account: Mapped[str | None] = mapped_column(String(34))
    payee_bank: Mapped[str | None] = mapped_column(String(80))
    payee_bank_code: Mapped[str | None] = mapped_column(String(12))
    paid_on: Mapped[date | None]
    """The bank's day."""
    paid_reference: Mapped[str | None] = mapped_column(String(40), unique=True)
    """The bank's number of the payment."""
    paid_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    paid_recorded_at: Mapped[datetime | None] = mapped_column(Instant)
    paid_entry_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("entries.id"))
    cancelled_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    cancelled_at: Mapped[datetime | None] = mapped_column(Instant)


class SettlementVillage(Model):
    """One village's part of a settlement. Below nought nothing is paid and the rest is carried to the next."""

    __tablename__ = "settlement_villages"
    __table_args__ = (
        CheckConstraint("carried_in_fen + sales_fen + refunds_fen + corrections_fen = settled_fen + carried_out_fen", name="sum"),
        CheckConstraint("carried_in_fen <= 0 AND settled_fen >= 0 AND carried_out_fen <= 0", name="signs"),
        CheckConstraint("settled_fen = 0 OR carried_out_fen = 0", name="settled_or_carried"),
    )

    settlement_id: Mapped[int] = mapped_column(BigId, ForeignKey("settlements.id"), primary_key=True)
    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), primary_key=True, index=True)
    carried_in_fen: Mapped[int] = mapped_column(BigInteger)
    """What the settlement before carried out."""
    sales_fen: Mapped[int] = mapped_column(BigInteger)
    refunds_fen: Mapped[int] = mapped_column(BigInteger)
    """Refunds less failed ones: nought or less, unless one failed after it was settled."""
    corrections_fen: Mapped[int] = mapped_column(BigInteger)
    """Lots corrected and orders edited."""
    settled_fen: Mapped[int] = mapped_column(BigInteger)
    carried_out_fen: Mapped[int] = mapped_column(BigInteger)


class SettlementLine(Model):
    """An attribution that stands in a settlement: in one at most."""

    __tablename__ = "settlement_lines"

    attribution_id: Mapped[int] = mapped_column(BigId, ForeignKey("attributions.id"), primary_key=True, autoincrement=False)
    settlement_id: Mapped[int] = mapped_column(BigId, ForeignKey("settlements.id"), index=True)


# ── Months that are closed ────────────────────────────────────────────────────────────────────────────────────────────


class MonthClosing(Model):
    """A month was closed: what the books held of it, for good."""

    __tablename__ = "month_closings"

    month: Mapped[str] = mapped_column(String(7), ForeignKey("periods.month"), primary_key=True)
    entries: Mapped[int]
    postings: Mapped[int]
    attributions: Mapped[int]
    closed_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    """None: by a command."""
    closed_at: Mapped[datetime] = mapped_column(Instant)


class MonthBalance(Model):
    """What one account did in a closed month, and where it stood at its end."""

    __tablename__ = "month_balances"

    month: Mapped[str] = mapped_column(String(7), ForeignKey("month_closings.month"), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("accounts.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    debit_fen: Mapped[int] = mapped_column(BigInteger)
    credit_fen: Mapped[int] = mapped_column(BigInteger)
    """Nought or less, as postings have it."""
    balance_fen: Mapped[int] = mapped_column(BigInteger)
    """Of all postings up to the month's last day."""


class MonthVillage(Model):
    """What was attributed to one village through one cooperative in a closed month."""

    __tablename__ = "month_villages"

    month: Mapped[str] = mapped_column(String(7), ForeignKey("month_closings.month"), primary_key=True)
    cooperative_id: Mapped[int] = mapped_column(BigId, ForeignKey("cooperatives.id"), primary_key=True)
    village_id: Mapped[int] = mapped_column(BigId, ForeignKey("villages.id"), primary_key=True)
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    refunds_fen: Mapped[int] = mapped_column(BigInteger)
    """Nought or less."""
