"""Tables of the books."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
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
