"""A payment provider in memory, with behaviour: what the shop asks, the buyer does and the bank answers are all methods of it.

It passes the same contract test as every real provider (tests/payments/test_contract.py). Put it in an app's place for Stripe by
`app.extensions["payment_providers"]["stripe"] = FakeProvider()`.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from typing import TypeVar

from shop.extensions import require_no_transaction
from shop.payments.errors import ProviderRefused, ProviderUnavailable
from shop.payments.models import RefundState
from shop.payments.provider import Asked, Opened, Outcome, OutcomeKind, RefundAnswer, RefundAsked, RefundSeen
from tests.accounts import FakeAccount

R = TypeVar("R")

_numbers = count(1)


class Verb(StrEnum):
    """What the shop can ask."""

    START = "start"
    OUTCOME = "outcome"
    EXPIRE = "expire"
    REFUND = "refund"
    REFUND_STATE = "refund_state"
    LIST_REFUNDS = "list_refunds"


@dataclass
class FakeSession:
    """A page to pay on, as the provider keeps it."""

    id: str
    asked: Asked
    kind: OutcomeKind = OutcomeKind.OPEN
    intent_id: str | None = None
    received_fen: int = 0
    currency: str = ""
    method: str | None = None
    declined: int = 0
    refunded_fen: int = 0


@dataclass(frozen=True)
class _Script:
    """What the next request of one kind meets."""

    verb: Verb
    error: Exception
    acts_first: bool


@dataclass
class FakeProvider(FakeAccount):
    """Keeps the contract of shop.payments.provider.Provider. Safe with several threads."""

    name: str = "stripe"
    is_down: bool = False
    sessions: dict[str, FakeSession] = field(default_factory=dict)
    refunds: dict[str, RefundAnswer] = field(default_factory=dict)
    calls: list[Verb] = field(default_factory=list)
    """Every request that arrived, in order, answered or not."""
    first_refund_state: RefundState = RefundState.SUCCEEDED
    """How a new refund is answered; PENDING leaves the decision to `finish_refund` and `fail_refund`."""
    made: dict[str, RefundSeen] = field(default_factory=dict)
    """Every refund as it stands in the provider's own list, those made at its dashboard too."""
    _answers: dict[str, tuple[object, object]] = field(default_factory=dict)
    _refunded: dict[str, tuple[str, int]] = field(default_factory=dict)
    _scripts: list[_Script] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # ── What the shop asks ────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, asked: Asked) -> Opened:
        """Open a page to pay on; the same key again gives the same page."""
        return self._played(Verb.START, lambda: self._once(asked.once, asked, lambda: self._open(asked)))

    def outcome(self, session_id: str) -> Outcome:
        """What became of a session."""
        return self._played(Verb.OUTCOME, lambda: _word(self._session(session_id)))

    def expire(self, session_id: str) -> Outcome:
        """Close a page, unless it is closed, and say what became of it."""

        def close() -> Outcome:
            session = self._session(session_id)
            if session.kind is OutcomeKind.OPEN:
                session.kind = OutcomeKind.EXPIRED
            return _word(session)

        return self._played(Verb.EXPIRE, close)

    def refund(self, asked: RefundAsked) -> RefundAnswer:
        """Send money back; the same key again gives the same answer."""
        return self._played(Verb.REFUND, lambda: self._once(asked.once, asked, lambda: self._give_back(asked)))

    def refund_state(self, provider_id: str) -> RefundAnswer:
        """What became of a refund."""
        return self._played(Verb.REFUND_STATE, lambda: self._refund(provider_id))

    def list_refunds(self, *, intent_id: str | None = None, since: datetime | None = None) -> Sequence[RefundSeen]:
        """Every refund, oldest first."""

        def listed() -> list[RefundSeen]:
            its = [seen for seen in self.made.values() if intent_id in (None, seen.intent_id) and (since is None or seen.made_at >= since)]
            return [replace(seen, state=self.refunds[seen.provider_id].state) for seen in its]

        return self._played(Verb.LIST_REFUNDS, listed)

    # ── What the buyer and the bank do; without a session, it is the last one opened ──────────────────────────────────

    def pay(
        self, session_id: str | None = None, *, method: str = "alipay", amount_fen: int | None = None, currency: str | None = None
    ) -> str:
        """The money arrives on an open page, unless told otherwise the sum asked for. Returns the session's id."""
        with self._lock:
            session = self._session(session_id or self.last_session_id)
            assert session.kind is OutcomeKind.OPEN, f"the page is {session.kind}"
            self._receive(session, method, amount_fen, currency)
            return session.id

    def pay_late(self, session_id: str | None = None, *, method: str = "alipay") -> str:
        """The page expires first, and then the bank answers that it has paid."""
        with self._lock:
            session = self._session(session_id or self.last_session_id)
            assert session.kind is not OutcomeKind.PAID, "the page is paid"
            self._receive(session, method, None, None)
            return session.id

    def decline(self, session_id: str | None = None) -> str:
        """The bank refuses; the page stays open for another try."""
        with self._lock:
            session = self._session(session_id or self.last_session_id)
            assert session.kind is OutcomeKind.OPEN, f"the page is {session.kind}"
            session.intent_id = session.intent_id or _new_id("pi")
            session.declined += 1
            return session.id

    def let_expire(self, session_id: str | None = None) -> str:
        """The page's time ends with nobody asking for it."""
        with self._lock:
            session = self._session(session_id or self.last_session_id)
            assert session.kind is OutcomeKind.OPEN, f"the page is {session.kind}"
            session.kind = OutcomeKind.EXPIRED
            return session.id

    def finish_refund(self, provider_id: str) -> None:
        """A pending refund has arrived at the buyer."""
        with self._lock:
            self.refunds[provider_id] = replace(self._refund(provider_id), state=RefundState.SUCCEEDED, trouble=None)

    def fail_refund(self, provider_id: str, trouble: str = "lost_or_stolen_card") -> None:
        """A refund does not reach the buyer; its money may be asked back again."""
        with self._lock:
            self.refunds[provider_id] = replace(self._refund(provider_id), state=RefundState.FAILED, trouble=trouble)
            intent_id, amount_fen = self._refunded[provider_id]
            session = self._by_intent(intent_id)
            session.refunded_fen -= amount_fen
            self.refund_comes_back(provider_id, intent_id, amount_fen, session.currency)

    def refund_at_dashboard(self, amount_fen: int, session_id: str | None = None) -> str:
        """Somebody gives money back at the provider's own dashboard, past the shop. Returns the refund's id."""
        with self._lock:
            session = self._session(session_id or self.last_session_id)
            assert session.intent_id is not None and amount_fen <= session.received_fen - session.refunded_fen, "so much is left"
            session.refunded_fen += amount_fen
            answer = RefundAnswer(_new_id("re"), self.first_refund_state, None)
            self.refunds[answer.provider_id] = answer
            self._refunded[answer.provider_id] = (session.intent_id, amount_fen)
            self._list(answer, session.intent_id, amount_fen, session.currency, None)
            self.refund_goes(answer.provider_id, session.intent_id, amount_fen, session.currency)
            return answer.provider_id

    @property
    def last_session_id(self) -> str:
        """The page opened last."""
        return next(reversed(self.sessions))

    @property
    def last_refund_id(self) -> str:
        """The refund asked last."""
        return next(reversed(self.refunds))

    # ── Bad days ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def go_down(self) -> None:
        """Answer nothing and do nothing until `come_back`."""
        self.is_down = True

    def come_back(self) -> None:
        """Answer again."""
        self.is_down = False

    def fail_before_acting(self, verb: Verb, times: int = 1) -> None:
        """The next requests of this kind do nothing and get no answer."""
        self._scripts += [_Script(verb, ProviderUnavailable("scripted: nothing done"), acts_first=False)] * times

    def fail_after_acting(self, verb: Verb, times: int = 1) -> None:
        """The next requests of this kind act, but their answer is lost."""
        self._scripts += [_Script(verb, ProviderUnavailable("scripted: the answer is lost"), acts_first=True)] * times

    def refuse(self, verb: Verb, code: str = "account_invalid", times: int = 1) -> None:
        """The next requests of this kind are answered with no."""
        self._scripts += [_Script(verb, ProviderRefused(code), acts_first=False)] * times

    # ── Behind the scenes ─────────────────────────────────────────────────────────────────────────────────────────────

    def _played(self, verb: Verb, work: Callable[[], R]) -> R:
        require_no_transaction()
        with self._lock:
            self.calls.append(verb)
            if self.is_down:
                raise ProviderUnavailable("scripted: down")
            script = next((script for script in self._scripts if script.verb is verb), None)
            if script is not None:
                self._scripts.remove(script)
            if script is not None and not script.acts_first:
                raise script.error
            answer = work()
            if script is not None:
                raise script.error
            return answer

    def _once(self, key: str, asked: object, work: Callable[[], R]) -> R:
        """Act at the first request with a key; answer the same again at the next, unless it asks for something else."""
        if key in self._answers:
            first, answer = self._answers[key]
            if first != asked:
                raise ProviderRefused("idempotency_error")
            return answer  # type: ignore[return-value]  # kept under the same key by the same method
        answer = work()
        self._answers[key] = (asked, answer)
        return answer

    def _open(self, asked: Asked) -> Opened:
        assert asked.amount_fen == sum(line.amount_fen for line in asked.lines), "the lines sum to the amount"
        session = FakeSession(_new_id("cs_test"), asked)
        self.sessions[session.id] = session
        return Opened(session.id, f"https://pay.example.test/{session.id}", asked.expires_at)

    def _give_back(self, asked: RefundAsked) -> RefundAnswer:
        session = self._by_intent(asked.intent_id)
        if self.is_withdrawn(asked.intent_id):
            raise ProviderRefused("charge_disputed")
        if asked.amount_fen > session.received_fen - session.refunded_fen:
            raise ProviderRefused("charge_already_refunded")
        session.refunded_fen += asked.amount_fen
        answer = RefundAnswer(_new_id("re"), self.first_refund_state, None)
        self.refunds[answer.provider_id] = answer
        self._refunded[answer.provider_id] = (asked.intent_id, asked.amount_fen)
        self._list(answer, asked.intent_id, asked.amount_fen, session.currency, asked.once)
        self.refund_goes(answer.provider_id, asked.intent_id, asked.amount_fen, session.currency)
        return answer

    def _list(self, answer: RefundAnswer, intent_id: str, amount_fen: int, currency: str, once: str | None) -> None:
        self.made[answer.provider_id] = RefundSeen(
            answer.provider_id, intent_id, amount_fen, currency, answer.state, once, made_at=datetime.now(UTC)
        )

    def _receive(self, session: FakeSession, method: str, amount_fen: int | None, currency: str | None) -> None:
        session.kind = OutcomeKind.PAID
        session.intent_id = session.intent_id or _new_id("pi")
        session.received_fen = session.asked.amount_fen if amount_fen is None else amount_fen
        session.currency = currency or session.asked.currency
        session.method = method
        self.charge_comes(session.intent_id, session.received_fen, session.currency, method, session.asked.reference)

    def _session(self, session_id: str) -> FakeSession:
        if session_id not in self.sessions:
            raise ProviderRefused("resource_missing")
        return self.sessions[session_id]

    def _by_intent(self, intent_id: str) -> FakeSession:
        for session in self.sessions.values():
            if session.intent_id == intent_id and session.kind is OutcomeKind.PAID:
                return session
        raise ProviderRefused("resource_missing")

    def _refund(self, provider_id: str) -> RefundAnswer:
        if provider_id not in self.refunds:
            raise ProviderRefused("resource_missing")
        return self.refunds[provider_id]


def _new_id(prefix: str) -> str:
    return f"{prefix}_fake_{next(_numbers)}"


def _word(session: FakeSession) -> Outcome:
    is_paid = session.kind is OutcomeKind.PAID
    return Outcome(
        kind=session.kind,
        session_id=session.id,
        intent_id=session.intent_id,
        received_fen=session.received_fen if is_paid else 0,
        currency=session.currency if is_paid else session.asked.currency,
        method=session.method if is_paid else None,
        refunded_fen=session.refunded_fen if is_paid else 0,
    )
