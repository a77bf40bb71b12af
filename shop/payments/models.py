"""Tables of payments."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import PERSONAL, SECRET, BigId, Instant, Model, choice


class PaymentState(StrEnum):
    """Life of one attempt to pay. Moves downwards in this list only."""

    STARTING = "starting"
    """Written down; the provider has not answered yet."""
    OPEN = "open"
    """The buyer can pay on the provider's page."""
    FAILED = "failed"
    """The provider refused to start it; nothing can be paid."""
    EXPIRED = "expired"
    """Its page can no longer be paid on. A bank may still answer late: then it becomes paid."""
    PAID = "paid"
    """The provider says that the money is there."""
    MISMATCH = "mismatch"
    """Paid, but another amount or currency than asked: recorded, nothing moved, on the staff desk."""


class RefundState(StrEnum):
    """Life of one refund."""

    ASKED = "asked"
    """Written down and booked; the provider has not answered yet."""
    PENDING = "pending"
    """The provider took it on."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The money did not go back; the booking is reversed."""


class Payment(Model):
    """One attempt to pay for one reference."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("reference", "attempt"),
        UniqueConstraint("provider", "session_id"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("received_fen >= 0 AND refunded_fen >= 0 AND refunded_fen <= received_fen", name="refunded_within_received"),
        Index("ix_payments_due", "next_check_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str] = mapped_column(String(24))
    """The order's number."""
    attempt: Mapped[int]
    state: Mapped[PaymentState] = mapped_column(choice(PaymentState, "state"))
    amount_fen: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    session_id: Mapped[str | None] = mapped_column(String(120))
    """The provider's name for the attempt (Stripe: `cs_…`)."""
    intent_id: Mapped[str | None] = mapped_column(String(120), index=True)
    """The provider's name for the money (Stripe: `pi_…`)."""
    pay_url: Mapped[str | None] = mapped_column(String(2000), info=SECRET)
    method: Mapped[str | None] = mapped_column(String(24))
    """card, alipay, wechat_pay."""
    received_fen: Mapped[int] = mapped_column(default=0)
    received_currency: Mapped[str | None] = mapped_column(String(3))
    refunded_fen: Mapped[int] = mapped_column(default=0)
    """Asked back so far, failed refunds not counted: the cap on refunds."""
    settled_fen: Mapped[int | None] = mapped_column(BigInteger)
    """What the provider settles for it, in the smallest unit of `settled_currency`; None until it says so."""
    settled_currency: Mapped[str | None] = mapped_column(String(3))
    exchange_rate: Mapped[str | None] = mapped_column(String(24))
    """From `received_currency` to `settled_currency`, in the provider's own digits; None when nothing was exchanged."""
    hidden_methods: Mapped[str] = mapped_column(String(60), default="", server_default="")
    """Methods that its page does not offer, since they cannot work in the buyer's browser: `alipay,wechat_pay`."""
    trouble: Mapped[str | None] = mapped_column(String(200))
    started_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    paid_at: Mapped[datetime | None] = mapped_column(Instant)
    next_check_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the sweep asks the provider again; none once it is final."""
    checks: Mapped[int] = mapped_column(default=0)


class Refund(Model):
    """Money going back to where it came from."""

    __tablename__ = "refunds"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"), Index("ix_refunds_due", "next_check_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(BigId, ForeignKey("payments.id"), index=True)
    once: Mapped[str] = mapped_column(String(80), unique=True)
    """Also the provider's idempotency key."""
    amount_fen: Mapped[int]
    reason: Mapped[str] = mapped_column(String(120))
    state: Mapped[RefundState] = mapped_column(choice(RefundState, "state"))
    by_transfer: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Sent by people from the bank account, not by the provider: see `remittances`."""
    provider_id: Mapped[str | None] = mapped_column(String(120), unique=True)
    trouble: Mapped[str | None] = mapped_column(String(200))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    next_check_at: Mapped[datetime | None] = mapped_column(Instant)
    checks: Mapped[int] = mapped_column(default=0)


class ProviderEvent(Model):
    """Something a provider told us: kept first, then looked into. Holds names of objects only, never what they say."""

    __tablename__ = "provider_events"
    __table_args__ = (UniqueConstraint("provider", "event_id"), Index("ix_provider_events_due", "next_try_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    event_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(80))
    object_id: Mapped[str | None] = mapped_column(String(120))
    happened_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(BigInteger, default=0)
    trouble: Mapped[str | None] = mapped_column(String(200))


class ProviderLook(Model):
    """Up to when a provider's own list of something has been looked through, so that the next look begins there."""

    __tablename__ = "provider_looks"

    provider: Mapped[str] = mapped_column(String(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    looked_until: Mapped[datetime] = mapped_column(Instant)


# ── Bank transfers ────────────────────────────────────────────────────────────────────────────────────────────────────


class PayeeFrom(StrEnum):
    """Who said to which account money goes back."""

    RECEIPT = "receipt"
    """The account that it came from."""
    BUYER = "buyer"
    STAFF = "staff"


class Transfer(Model):
    """What a bank transfer has besides its payment, whose `session_id` is the reference that the buyer writes on it."""

    __tablename__ = "transfers"

    payment_id: Mapped[int] = mapped_column(BigId, ForeignKey("payments.id"), primary_key=True)
    pay_by: Mapped[date] = mapped_column(index=True)
    """Business day up to whose end the goods are kept."""
    payer_name: Mapped[str] = mapped_column(String(120), default="", info=PERSONAL)
    """From whose account it is expected: the recipient's, or whom the buyer names."""
    reminded_at: Mapped[datetime | None] = mapped_column(Instant)


class BankLine(Model):
    """Money that came into the bank account, as a statement or a person told it: once ever. Emptied of names when a person is deleted."""

    __tablename__ = "bank_lines"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("allocated_fen >= 0 AND allocated_fen <= amount_fen", name="allocated_within_amount"),
        Index("ix_bank_lines_booked", "booked_on"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    line_key: Mapped[str] = mapped_column(String(80), unique=True)
    """The bank's own number of the line, or a hash of what it says where the bank gives none."""
    booked_on: Mapped[date]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    allocated_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    """How much of it is explained by orders."""
    payer_name: Mapped[str] = mapped_column(String(120), default="", info=PERSONAL)
    payer_account: Mapped[str] = mapped_column(String(40), default="", info=PERSONAL)
    payer_bank: Mapped[str] = mapped_column(String(80), default="", info=PERSONAL)
    memo: Mapped[str] = mapped_column(String(200), default="", info=PERSONAL)
    bank_number: Mapped[str] = mapped_column(String(60), default="")
    brought_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    brought_at: Mapped[datetime] = mapped_column(Instant)
    set_aside_at: Mapped[datetime | None] = mapped_column(Instant)
    """When somebody said that it is not for an order."""
    set_aside_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    set_aside_reason: Mapped[str | None] = mapped_column(String(120))


class TransferReceipt(Model):
    """So much of a bank line is for this payment, said a person."""

    __tablename__ = "transfer_receipts"
    __table_args__ = (UniqueConstraint("line_id", "payment_id"), CheckConstraint("amount_fen > 0", name="amount"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    line_id: Mapped[int] = mapped_column(BigId, ForeignKey("bank_lines.id"))
    payment_id: Mapped[int] = mapped_column(BigId, ForeignKey("payments.id"), index=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(120), default="", info=PERSONAL)
    """Why it is this order's although it came from another name."""
    matched_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    matched_at: Mapped[datetime] = mapped_column(Instant)


class Remittance(Model):
    """A refund that people send from the bank account: one says that it was sent, another that it is on the statement."""

    __tablename__ = "remittances"
    __table_args__ = (CheckConstraint("confirmed_by IS NULL OR confirmed_by <> sent_by", name="four_eyes"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    refund_id: Mapped[int] = mapped_column(BigId, ForeignKey("refunds.id"), unique=True)
    payee_name: Mapped[str] = mapped_column(String(120), default="", info=PERSONAL)
    payee_account: Mapped[str] = mapped_column(String(40), default="", info=PERSONAL)
    payee_bank: Mapped[str] = mapped_column(String(80), default="", info=PERSONAL)
    payee_from: Mapped[PayeeFrom | None] = mapped_column(choice(PayeeFrom, "payee_from"))
    """None: nobody has said yet where it goes."""
    sent_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    bank_reference: Mapped[str] = mapped_column(String(60), default="")
    confirmed_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)


# ── The account that a provider keeps for us ──────────────────────────────────────────────────────────────────────────


class BalanceKind(StrEnum):
    """What moved our balance at a provider."""

    CHARGE = "charge"
    """A buyer's money came."""
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    """A refund that did not reach the buyer came back."""
    DISPUTE = "dispute"
    """Withdrawn until a dispute is decided."""
    DISPUTE_RETURNED = "dispute_returned"
    FEE = "fee"
    """A fee that belongs to no payment alone."""
    PAYOUT = "payout"
    PAYOUT_FAILED = "payout_failed"
    """A payout that the bank sent back."""
    UNKNOWN = "unknown"
    """Anything else, and payments that are not ours: it goes to suspense."""


class PayoutState(StrEnum):
    """Life of money on its way to our bank. A paid one may still fail: the bank sends it back."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


class DisputeState(StrEnum):
    """Life of a dispute. Moves downwards in this list only; the last three are final."""

    INQUIRY = "inquiry"
    """The bank only asks; no money has moved, and a refund ends it."""
    NEEDS_RESPONSE = "needs_response"
    """The money is withdrawn; we may answer until `evidence_due_at`."""
    UNDER_REVIEW = "under_review"
    CLOSED = "closed"
    """An inquiry that ended as one."""
    WON = "won"
    LOST = "lost"


class DifferenceKind(StrEnum):
    """How our books and a provider's may differ."""

    MISSING_HERE = "missing_here"
    """The provider shows something that our books do not know."""
    MISSING_THERE = "missing_there"
    """Our books say that money moved; the provider does not."""
    AMOUNT = "amount"
    CURRENCY = "currency"
    FEE = "fee"
    PAYOUT_SUM = "payout_sum"
    """A payout is not the sum of its transactions."""
    STATE = "state"
    """A dispute, or a payout, stands otherwise there than here."""
    SUSPENSE = "suspense"
    """A movement that nobody has explained yet."""


class Payout(Model):
    """Money that a provider sent to our bank."""

    __tablename__ = "payouts"
    __table_args__ = (UniqueConstraint("provider", "provider_id"), Index("ix_payouts_due", "next_check_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    provider_id: Mapped[str] = mapped_column(String(120))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    """In the smallest unit of `currency`."""
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[PayoutState] = mapped_column(choice(PayoutState, "state"))
    trouble: Mapped[str | None] = mapped_column(String(200))
    made_at: Mapped[datetime] = mapped_column(Instant, index=True)
    arrives_on: Mapped[date]
    counted_fen: Mapped[int | None] = mapped_column(BigInteger)
    """What the provider says that its transactions sum to; None until it was asked."""
    next_check_at: Mapped[datetime | None] = mapped_column(Instant)
    checks: Mapped[int] = mapped_column(default=0)


class Balance(Model):
    """One movement of our balance at a provider, as it tells of it. Each has exactly one entry, booked in the same transaction."""

    __tablename__ = "balance_transactions"
    __table_args__ = (
        UniqueConstraint("provider", "provider_id"),
        CheckConstraint("net_fen = gross_fen - fee_fen", name="net"),
        CheckConstraint("entry_id IS NOT NULL OR net_fen = 0", name="booked"),
        Index("ix_balance_transactions_day", "business_day"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    provider_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[BalanceKind] = mapped_column(choice(BalanceKind, "kind"))
    word: Mapped[str] = mapped_column(String(60))
    """The provider's own word for it."""
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    """In the smallest unit of `currency`; negative: out of the balance."""
    fee_fen: Mapped[int] = mapped_column(BigInteger)
    net_fen: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    """In which the provider settles."""
    exchange_rate: Mapped[str | None] = mapped_column(String(24))
    """In the provider's own digits; None when nothing was exchanged."""
    source_id: Mapped[str | None] = mapped_column(String(120), index=True)
    """The provider's name for what caused it: a charge, a refund, a dispute, a payout."""
    source_fen: Mapped[int] = mapped_column(BigInteger)
    """The same movement in the smallest unit of `source_currency`, in which the buyer paid."""
    source_currency: Mapped[str] = mapped_column(String(3))
    intent_id: Mapped[str | None] = mapped_column(String(120), index=True)
    """The payment that it belongs to, by the provider's name."""
    reference: Mapped[str | None] = mapped_column(String(24), index=True)
    """The order's number."""
    payout_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("payouts.id"), index=True)
    """The payout that took it along."""
    entry_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("entries.id"), unique=True)
    happened_at: Mapped[datetime] = mapped_column(Instant)
    business_day: Mapped[date]
    """Of `happened_at`, in Shanghai."""
    available_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime] = mapped_column(Instant)


class Dispute(Model):
    """A buyer's bank wants the money back. While it is open the village share stands on hold, and nothing is refunded."""

    __tablename__ = "disputes"
    __table_args__ = (
        UniqueConstraint("provider", "provider_id"),
        CheckConstraint("amount_fen > 0 AND held_fen >= 0 AND held_fen <= amount_fen", name="amount"),
        Index("ix_disputes_due", "next_check_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    provider_id: Mapped[str] = mapped_column(String(120))
    intent_id: Mapped[str | None] = mapped_column(String(120))
    payment_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("payments.id"), index=True)
    """None: the provider disputes a payment that we do not know."""
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(String(60))
    """The bank's, in the provider's own word."""
    state: Mapped[DisputeState] = mapped_column(choice(DisputeState, "state"))
    held_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    """What of the villages' proceeds stands on hold for it now."""
    evidence_due_at: Mapped[datetime | None] = mapped_column(Instant)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    next_check_at: Mapped[datetime | None] = mapped_column(Instant)
    checks: Mapped[int] = mapped_column(default=0)


class ClearedTo(StrEnum):
    """What a movement in suspense turned out to be."""

    FEES = "fees"
    """The provider's fee or allowance: the platform's expense."""
    BANK = "bank"
    """Money that moved between the provider and our bank."""
    PAYMENTS = "payments"
    """Part of a payment or refund that our books know."""


class SuspenseItem(Model):
    """Money that nobody has explained yet. Stands on the account of suspense until somebody says what it is."""

    __tablename__ = "suspense_items"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount"),
        CheckConstraint("(cleared_at IS NULL) = (cleared_to IS NULL)", name="cleared"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    balance_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("balance_transactions.id"), unique=True)
    """The movement; or"""
    dispute_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("disputes.id"), unique=True)
    """the lost dispute that took more than the order had left."""
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    """As it stands on the account: debit positive."""
    currency: Mapped[str] = mapped_column(String(3))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    cleared_at: Mapped[datetime | None] = mapped_column(Instant)
    cleared_to: Mapped[ClearedTo | None] = mapped_column(choice(ClearedTo, "cleared_to"))
    cleared_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id"))
    explanation: Mapped[str] = mapped_column(String(200), default="")


class ReconciledDay(Model):
    """A day on which our books were compared with a provider's, last time."""

    __tablename__ = "reconciled_days"

    provider: Mapped[str] = mapped_column(String(16), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """Business day of the movements."""
    transactions: Mapped[int]
    """How many the provider showed."""
    checked_at: Mapped[datetime] = mapped_column(Instant)


class Difference(Model):
    """What differed on a day when it was compared last."""

    __tablename__ = "reconcile_differences"
    __table_args__ = (Index("ix_reconcile_differences_day", "provider", "day"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(16))
    day: Mapped[date]
    kind: Mapped[DifferenceKind] = mapped_column(choice(DifferenceKind, "kind"))
    subject: Mapped[str] = mapped_column(String(120))
    """The provider's name for it."""
    reference: Mapped[str | None] = mapped_column(String(24))
    """The order's number."""
    ours: Mapped[str] = mapped_column(String(40))
    """What our books say: a sum in the smallest unit with its currency, or a state; empty: nothing."""
    theirs: Mapped[str] = mapped_column(String(40))
    found_at: Mapped[datetime] = mapped_column(Instant)
