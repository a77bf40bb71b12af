"""The contract every payment provider keeps. A provider is a sealed folder behind it; one contract test runs against all.

No method may be called inside a transaction. Each raises ProviderUnavailable when no clear answer came (it may or may not have acted: ask
again with the same key), and ProviderRefused when the answer was no.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shop.payments.models import RefundState


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
