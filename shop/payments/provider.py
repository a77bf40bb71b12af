"""The contract every payment provider keeps. A provider is a sealed folder behind it; one contract test runs against all.

No method may be called inside a transaction. Each raises ProviderUnavailable when no clear answer came (it may or may not have acted: ask
again with the same key), and ProviderRefused when the answer was no.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from shop.payments.models import BalanceKind, DisputeState, PayoutState, RefundState


@dataclass(frozen=True)
class AskedLine:
    """What the buyer reads on the provider's page."""

    name: str
    quantity: int
    amount_fen: int
    """For all of them together."""


@dataclass(frozen=True)
class Asked:
    """A payment to be started."""

    once: str
    """Idempotency key: asked twice, it is started once."""
    reference: str
    """The order's number, shown to the buyer and found again at the provider."""
    amount_fen: int
    currency: str
    lines: Sequence[AskedLine]
    """Sum to `amount_fen`."""
    email: str | None
    locale: str
    expires_at: datetime
    success_url: str
    cancel_url: str
    hidden_methods: Sequence[str] = ()
    """Methods not to offer, since they cannot work in the buyer's browser: alipay, wechat_pay."""


@dataclass(frozen=True)
class Opened:
    """A page on which the buyer can pay."""

    session_id: str
    pay_url: str
    expires_at: datetime


class OutcomeKind(StrEnum):
    """What the provider says about a session."""

    OPEN = "open"
    """Not paid yet; it can still be."""
    EXPIRED = "expired"
    """Not paid, and cannot be any more on its page."""
    PAID = "paid"


@dataclass(frozen=True)
class Outcome:
    """The provider's own word on one session, fetched, never taken from an event."""

    kind: OutcomeKind
    session_id: str
    intent_id: str | None
    received_fen: int
    """Nought unless paid."""
    currency: str
    """ISO 4217, upper case."""
    method: str | None
    settled_fen: int | None = None
    """What reaches us before fees, in the smallest unit of `settled_currency`; None while the provider has not said."""
    settled_currency: str | None = None
    exchange_rate: str | None = None
    """From `currency` to `settled_currency`, in the provider's own digits; None when nothing was exchanged."""
    refunded_fen: int = 0
    """What of it has gone back by now, by whose hand ever."""


@dataclass(frozen=True)
class RefundAsked:
    """Money to send back."""

    once: str
    intent_id: str
    amount_fen: int
    reference: str


@dataclass(frozen=True)
class RefundAnswer:
    """The provider's word on one refund."""

    provider_id: str
    state: RefundState
    trouble: str | None


@dataclass(frozen=True)
class RefundSeen:
    """A refund in the provider's own list, whoever asked for it."""

    provider_id: str
    intent_id: str
    amount_fen: int
    currency: str
    state: RefundState
    once: str | None
    """The key under which we asked for it; None when somebody made it at the provider."""
    made_at: datetime


class Provider(Protocol):
    """What the shop asks of a provider."""

    name: str

    def start(self, asked: Asked) -> Opened:
        """Open a page to pay on."""
        ...

    def outcome(self, session_id: str) -> Outcome:
        """What became of a session."""
        ...

    def expire(self, session_id: str) -> Outcome:
        """Close the page, so that nobody can pay on it any more, and say what became of it. Closing twice is harmless."""
        ...

    def refund(self, asked: RefundAsked) -> RefundAnswer:
        """Send money back."""
        ...

    def refund_state(self, provider_id: str) -> RefundAnswer:
        """What became of a refund."""
        ...

    def list_refunds(self, *, intent_id: str | None = None, since: datetime | None = None) -> Sequence[RefundSeen]:
        """Every refund that the provider has made, oldest first: of one payment, or of all since a moment."""
        ...


# ── The account that a provider keeps for us ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Movement:
    """One movement of our balance, as the provider tells of it. Sums are in the smallest unit of their currency; out of the balance: negative."""

    provider_id: str
    kind: BalanceKind
    word: str
    """The provider's own word for the kind."""
    gross_fen: int
    fee_fen: int
    currency: str
    exchange_rate: str | None
    """From `source_currency` to `currency`, in the provider's own digits."""
    source_id: str | None
    """What caused it: a charge, a refund, a dispute, a payout."""
    source_fen: int
    """The same movement as the buyer saw it; equals `gross_fen` where nothing was exchanged."""
    source_currency: str
    intent_id: str | None
    reference: str | None
    """The order's number, where the provider knows it."""
    happened_at: datetime
    available_at: datetime

    @property
    def net_fen(self) -> int:
        """By how much the balance changed."""
        return self.gross_fen - self.fee_fen


@dataclass(frozen=True)
class PayoutWord:
    """Money on its way from the provider to our bank."""

    provider_id: str
    amount_fen: int
    currency: str
    state: PayoutState
    trouble: str | None
    made_at: datetime
    arrives_on: date


@dataclass(frozen=True)
class DisputeWord:
    """The provider's word on one dispute."""

    provider_id: str
    intent_id: str | None
    amount_fen: int
    currency: str
    reason: str
    state: DisputeState
    evidence_due_at: datetime | None
    opened_at: datetime
    reference: str | None
    """The order's number, where the provider knows it."""


@dataclass(frozen=True)
class Told:
    """An event, as far as it is kept."""

    event_id: str
    kind: str
    object_id: str | None
    """A session, a payment, a refund, a dispute or a payout; none when it is about something that we do not follow."""
    happened_at: datetime


@runtime_checkable
class KeepsAccount(Protocol):
    """What the shop asks of a provider that gathers our money and pays it out. Lists are oldest first, from `since` up to before `until`."""

    name: str

    def movements(self, since: datetime, until: datetime) -> Sequence[Movement]:
        """Every movement of our balance that happened meanwhile."""
        ...

    def movements_of_payout(self, payout_id: str) -> Sequence[Movement]:
        """The movements that a payout took along, its own not among them."""
        ...

    def payouts(self, since: datetime, until: datetime) -> Sequence[PayoutWord]:
        """Every payout made meanwhile, as it stands now."""
        ...

    def payout(self, payout_id: str) -> PayoutWord:
        """How one payout stands."""
        ...

    def disputes(self, since: datetime, until: datetime) -> Sequence[DisputeWord]:
        """Every dispute opened meanwhile, as it stands now."""
        ...

    def dispute(self, dispute_id: str) -> DisputeWord:
        """How one dispute stands."""
        ...

    def undelivered_events(self, since: datetime, until: datetime) -> Sequence[Told]:
        """What the provider could not tell us meanwhile. Stripe remembers thirty days."""
        ...
