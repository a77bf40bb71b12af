"""Attempts to pay, refunds, and what providers told us: written down before and after the network is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from shop.extensions import act, columns_of, db, dialect, fields_of, require_transaction, row_as, rows_as, table_of, violated
from shop.kit.ids import PaymentId, RefundId
from shop.payments.errors import RefundAboveReceived
from shop.payments.models import Payment, PaymentState, ProviderEvent, ProviderLook, Refund, RefundState
from shop.payments.provider import Opened, Outcome, OutcomeKind, RefundAnswer

FIRST_CHECK_AFTER = timedelta(minutes=2)
"""When the sweep first asks about an open session by itself; the webhook is usually there in a second."""
_LONGEST_BETWEEN_CHECKS = timedelta(hours=6)
_FINAL_REFUND_STATES = (RefundState.SUCCEEDED, RefundState.FAILED)
_SETTLED_STATES = (PaymentState.PAID, PaymentState.MISMATCH)


@dataclass(frozen=True)
class AttemptRow:
    """One attempt to pay, as an act sees it."""

    id: PaymentId
    provider: str
    reference: str
    attempt: int
    state: PaymentState
    amount_fen: int
    currency: str
    session_id: str | None
    intent_id: str | None
    pay_url: str | None
    received_fen: int
    received_currency: str | None
    refunded_fen: int
    expires_at: datetime
    paid_at: datetime | None
    method: str | None
    hidden_methods: str
    """Methods that its page does not offer, with commas between them."""

    @property
    def once(self) -> str:
        """The provider's idempotency key for starting it."""
        return f"pay:{self.reference}:{self.attempt}"

    @property
    def is_settled(self) -> bool:
        """Whether money came."""
        return self.state in _SETTLED_STATES


_payment, _back, _event = columns_of(Payment), columns_of(Refund), columns_of(ProviderEvent)
_COLUMNS = fields_of(AttemptRow, Payment)
_ATTEMPTS_FOR = select(*_COLUMNS).where(_payment.reference == bindparam("reference")).order_by(_payment.attempt)
_GET_ATTEMPT = select(*_COLUMNS).where(_payment.id == bindparam("id"))
_LOCK_ATTEMPT = _GET_ATTEMPT.with_for_update()
_BY_SESSION = select(*_COLUMNS).where(_payment.provider == bindparam("provider"), _payment.session_id == bindparam("session_id"))


def attempts_for(reference: str) -> list[AttemptRow]:
    """Every attempt for a reference, first to last."""
    return rows_as(AttemptRow, db.session.execute(_ATTEMPTS_FOR, {"reference": reference}))


def get_attempt(payment_id: PaymentId) -> AttemptRow:
    """One attempt, which must exist."""
    return row_as(AttemptRow, db.session.execute(_GET_ATTEMPT, {"id": payment_id}).one())


def find_by_session(provider: str, session_id: str) -> AttemptRow | None:
    """The attempt that a provider knows by this session."""
    row = db.session.execute(_BY_SESSION, {"provider": provider, "session_id": session_id}).one_or_none()
    return row_as(AttemptRow, row) if row else None


def find_by_intent(provider: str, intent_id: str) -> AttemptRow | None:
    """The attempt that a provider knows by this payment."""
    row = db.session.execute(select(*_COLUMNS).where(_payment.provider == provider, _payment.intent_id == intent_id)).one_or_none()
    return row_as(AttemptRow, row) if row else None


# ── Starting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def record_attempt(
    reference: str,
    attempt: int,
    *,
    provider: str,
    amount_fen: int,
    currency: str,
    expires_at: datetime,
    now: datetime,
    hidden_methods: str = "",
) -> AttemptRow:
    """Step. Write down that attempt number `attempt`, counted from one, is about to be made; the key refuses the same number twice."""
    require_transaction()
    values = {
        "provider": provider,
        "reference": reference,
        "attempt": attempt,
        "state": PaymentState.STARTING,
        "amount_fen": amount_fen,
        "currency": currency,
        "received_fen": 0,
        "refunded_fen": 0,
        "started_at": now,
        "expires_at": expires_at,
        "next_check_at": now + FIRST_CHECK_AFTER,
        "checks": 0,
        "hidden_methods": hidden_methods,
    }
    return row_as(AttemptRow, db.session.execute(_INSERT_ATTEMPT, values).one())


_INSERT_ATTEMPT = insert(table_of(Payment)).returning(*_COLUMNS)


@act
def record_opened(payment_id: PaymentId, opened: Opened) -> None:
    """The provider opened a page for the attempt."""
    page = {"session_id": opened.session_id, "pay_url": opened.pay_url, "expires_at": opened.expires_at}
    db.session.execute(_RECORD_STARTED, {"of_attempt": payment_id, "state": PaymentState.OPEN} | page)


@act
def record_not_started(payment_id: PaymentId, trouble: str) -> None:
    """The provider refused to start it; nobody can pay on it."""
    failed = {"state": PaymentState.FAILED, "trouble": trouble[:200], "next_check_at": None}
    db.session.execute(_RECORD_STARTED, {"of_attempt": payment_id} | failed)


_RECORD = update(table_of(Payment)).where(_payment.id == bindparam("of_attempt"))
_RECORD_STARTED = _RECORD.where(_payment.state == PaymentState.STARTING)
"""What is given beside `of_attempt` is set."""


@act
def record_unclear(payment_id: PaymentId, trouble: str) -> None:
    """The provider gave no clear answer; the attempt stays as it is and is asked about again."""
    db.session.execute(update(table_of(Payment)).where(_payment.id == payment_id).values(trouble=trouble[:200]))


# ── Outcomes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def lock_attempt(payment_id: PaymentId) -> AttemptRow:
    """Step. The attempt, locked."""
    require_transaction()
    return row_as(AttemptRow, db.session.execute(_LOCK_ATTEMPT, {"id": payment_id}).one())


def record_paid(attempt: AttemptRow, outcome: Outcome, *, state: PaymentState, now: datetime) -> None:
    """Step. Money came. `state` says whether it is what was asked (paid) or not (mismatch)."""
    require_transaction()
    assert outcome.kind is OutcomeKind.PAID and state in _SETTLED_STATES, "only paid money is recorded as paid"
    money = {
        "intent_id": outcome.intent_id,
        "method": outcome.method,
        "received_fen": outcome.received_fen,
        "received_currency": outcome.currency,
        "settled_fen": outcome.settled_fen,
        "settled_currency": outcome.settled_currency,
        "exchange_rate": outcome.exchange_rate,
    }
    db.session.execute(_RECORD, {"of_attempt": attempt.id, "state": state, "paid_at": now, "next_check_at": None, "trouble": None} | money)


def record_expired(attempt: AttemptRow, *, now: datetime) -> PaymentState:
    """Step. Nothing can be paid on its page any more. A bank may answer late, so it is asked about a few times more, ever more seldom.

    The state that the attempt is in now: one that had ended otherwise stays as it was.
    """
    require_transaction()
    if attempt.state not in (PaymentState.STARTING, PaymentState.OPEN):
        return attempt.state
    db.session.execute(update(table_of(Payment)).where(_payment.id == attempt.id).values(state=PaymentState.EXPIRED))
    return PaymentState.EXPIRED


LATE_ANSWERS_FOR = timedelta(days=3)
"""How long after its end a session is still asked about now and then: a bank may answer late."""


@act
def schedule_next_check(payment_id: PaymentId, *, now: datetime) -> None:
    """Asked and still not final: ask again, after twice as long each time; stop three days after the session's end."""
    columns = (_payment.checks, _payment.expires_at, _payment.state)
    row = db.session.execute(select(*columns).where(_payment.id == payment_id).with_for_update()).one()
    if row.state not in (PaymentState.STARTING, PaymentState.OPEN, PaymentState.EXPIRED):
        return
    pause = _pause(row.checks)
    next_check_at = None if row.state is PaymentState.EXPIRED and now + pause > row.expires_at + LATE_ANSWERS_FOR else now + pause
    db.session.execute(
        update(table_of(Payment)).where(_payment.id == payment_id).values(checks=row.checks + 1, next_check_at=next_check_at)
    )


def due_checks(*, now: datetime, most: int = 50) -> Sequence[PaymentId]:
    """Payments that it is time to ask the provider about."""
    rows = db.session.scalars(
        select(_payment.id).where(_payment.next_check_at <= now).order_by(_payment.next_check_at, _payment.id).limit(most)
    )
    return [PaymentId(row) for row in rows]


# ── Refunds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class RefundRow:
    """One refund, as an act sees it."""

    id: RefundId
    payment_id: PaymentId
    provider: str
    reference: str
    intent_id: str
    once: str
    amount_fen: int
    state: RefundState
    provider_id: str | None
    checks: int
    by_transfer: bool
    """People send it; the provider is not asked."""


def record_refund(payment_id: PaymentId, amount_fen: int, *, once: str, reason: str, now: datetime, by_transfer: bool = False) -> RefundId:
    """Step. Write down that money is about to be asked back, within what was received; by a provider, or by people from the bank account.

    Raises RefundAboveReceived, told by the CHECK on payments.
    """
    require_transaction()
    try:
        db.session.execute(
            update(table_of(Payment)).where(_payment.id == payment_id).values(refunded_fen=_payment.refunded_fen + amount_fen)
        )
    except IntegrityError as error:
        if violated(error, "ck_payments_refunded_within_received"):
            raise RefundAboveReceived from error
        raise
    refund_id = db.session.scalar(
        insert(table_of(Refund))
        .values(
            payment_id=payment_id,
            once=once,
            amount_fen=amount_fen,
            reason=reason,
            state=RefundState.ASKED,
            by_transfer=by_transfer,
            asked_at=now,
            next_check_at=None if by_transfer else now + FIRST_CHECK_AFTER,
            checks=0,
        )
        .returning(_back.id)
    )
    assert refund_id is not None
    return RefundId(refund_id)


def get_refund(refund_id: RefundId) -> RefundRow:
    """One refund, which must exist."""
    return _refund(_back.id == refund_id, lock=False)


def lock_refund(refund_id: RefundId) -> RefundRow:
    """Step. One refund, locked."""
    require_transaction()
    return _refund(_back.id == refund_id, lock=True)


def _refund(condition: ColumnElement[bool], *, lock: bool) -> RefundRow:
    columns = (
        _back.id,
        _back.payment_id,
        _payment.provider,
        _payment.reference,
        _payment.intent_id,
        _back.once,
        _back.amount_fen,
        _back.state,
        _back.provider_id,
        _back.checks,
        _back.by_transfer,
    )
    query = select(*columns).join_from(table_of(Refund), table_of(Payment), _payment.id == _back.payment_id).where(condition)
    return row_as(RefundRow, db.session.execute(query.with_for_update(of=table_of(Refund)) if lock else query).one())


def reference_of_refund(refund_id: RefundId) -> str | None:
    """The order that a refund is of; None when there is no such refund."""
    query = select(_payment.reference).join_from(table_of(Refund), table_of(Payment), _payment.id == _back.payment_id)
    reference: str | None = db.session.scalar(query.where(_back.id == refund_id))
    return reference


def find_refund(once: str) -> RefundId | None:
    """The refund asked under this key."""
    found = db.session.scalar(select(_back.id).where(_back.once == once))
    return RefundId(found) if found is not None else None


def find_refund_known_as(provider: str, provider_id: str) -> RefundId | None:
    """The refund that a provider knows by this name."""
    query = select(_back.id).join_from(table_of(Refund), table_of(Payment), _payment.id == _back.payment_id)
    found = db.session.scalar(query.where(_back.provider_id == provider_id, _payment.provider == provider))
    return RefundId(found) if found is not None else None


@dataclass(frozen=True)
class KnownRefund:
    """A refund of a payment that we wrote down, under the names by which a provider may list it."""

    once: str
    provider_id: str | None


def known_refunds(payment_id: PaymentId) -> list[KnownRefund]:
    """Every refund of a payment, oldest first."""
    query = select(_back.once, _back.provider_id).where(_back.payment_id == payment_id).order_by(_back.id)
    return rows_as(KnownRefund, db.session.execute(query))


def name_refund(refund_id: RefundId, provider_id: str, *, now: datetime) -> None:
    """Step. A refund that the provider made without us has the provider's name from the beginning; the sweep follows it at once."""
    require_transaction()
    db.session.execute(update(table_of(Refund)).where(_back.id == refund_id).values(provider_id=provider_id, next_check_at=now))


_look = columns_of(ProviderLook)


def looked_until(provider: str, kind: str) -> datetime | None:
    """Up to when a provider's list was looked through; None if never."""
    looked: datetime | None = db.session.scalar(select(_look.looked_until).where(_look.provider == provider, _look.kind == kind))
    return looked


_INSERT_LOOK = {
    "postgresql": postgresql.insert(table_of(ProviderLook)).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(table_of(ProviderLook)).on_conflict_do_nothing(),
}


@act
def record_look(provider: str, kind: str, until: datetime) -> None:
    """A provider's list was looked through up to `until`; never less than before."""
    found = db.session.scalar(select(_look.looked_until).where(_look.provider == provider, _look.kind == kind).with_for_update())
    if found is None:
        db.session.execute(_INSERT_LOOK[dialect()], {"provider": provider, "kind": kind, "looked_until": until})
    elif found < until:
        its = (_look.provider == provider, _look.kind == kind)
        db.session.execute(update(table_of(ProviderLook)).where(*its).values(looked_until=until))


def record_refund_answer(refund: RefundRow, answer: RefundAnswer, *, now: datetime) -> None:
    """Step. What the provider says about a refund. One that failed no longer counts against the payment."""
    require_transaction()
    is_final = answer.state in _FINAL_REFUND_STATES
    db.session.execute(
        update(table_of(Refund))
        .where(_back.id == refund.id)
        .values(
            state=answer.state,
            provider_id=answer.provider_id or refund.provider_id,
            trouble=answer.trouble[:200] if answer.trouble else None,
            settled_at=now if is_final else None,
            next_check_at=None if is_final else now + _pause(refund.checks),
            checks=refund.checks + 1,
        )
    )
    if answer.state is RefundState.FAILED and refund.state is not RefundState.FAILED:
        db.session.execute(
            update(table_of(Payment)).where(_payment.id == refund.payment_id).values(refunded_fen=_payment.refunded_fen - refund.amount_fen)
        )


@act
def postpone_refund(refund_id: RefundId, trouble: str, *, now: datetime) -> None:
    """The provider gave no clear answer: the refund stands as asked, and the sweep asks again with the same key."""
    row = db.session.execute(select(_back.checks, _back.state).where(_back.id == refund_id).with_for_update()).one()
    if row.state in _FINAL_REFUND_STATES:
        return
    later = now + _pause(row.checks)
    db.session.execute(
        update(table_of(Refund)).where(_back.id == refund_id).values(trouble=trouble[:200], checks=row.checks + 1, next_check_at=later)
    )


def due_refunds(*, now: datetime, most: int = 50) -> Sequence[RefundId]:
    """Refunds that it is time to ask the provider about."""
    rows = db.session.scalars(select(_back.id).where(_back.next_check_at <= now).order_by(_back.next_check_at, _back.id).limit(most))
    return [RefundId(row) for row in rows]


def _pause(checks: int) -> timedelta:
    return min(FIRST_CHECK_AFTER * (1 << min(checks, 20)), _LONGEST_BETWEEN_CHECKS)


# ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class EventRow:
    """Something a provider told us."""

    id: int
    provider: str
    kind: str
    object_id: str | None
    is_done: bool


@act
def keep_event(*, provider: str, event_id: str, kind: str, object_id: str | None, happened_at: datetime, now: datetime) -> EventRow:
    """Keep what a provider told us before looking into it. Told twice, it is kept once: the same row comes back."""
    kept = {
        "provider": provider,
        "event_id": event_id,
        "kind": kind,
        "object_id": object_id,
        "happened_at": happened_at,
        "received_at": now,
        "next_try_at": now + FIRST_CHECK_AFTER,
        "tries": 0,
    }
    new_id = db.session.scalar(_KEEP_EVENT[dialect()], kept)
    if new_id is not None:
        return EventRow(new_id, provider, kind, object_id, is_done=False)
    return row_as(EventRow, db.session.execute(_FIND_EVENT, {"provider": provider, "event_id": event_id}).one())


_EVENT = (_event.id, _event.provider, _event.kind, _event.object_id, _event.done_at.is_not(None))
_FIND_EVENT = select(*_EVENT).where(_event.provider == bindparam("provider"), _event.event_id == bindparam("event_id"))
_KEEP_EVENT = {
    "postgresql": postgresql.insert(table_of(ProviderEvent)).on_conflict_do_nothing().returning(_event.id),
    "sqlite": sqlite.insert(table_of(ProviderEvent)).on_conflict_do_nothing().returning(_event.id),
}


@act
def event_done(event_id: int, *, now: datetime) -> None:
    """The event has had its effect, or needs none."""
    settle_event(event_id, now=now)


def settle_event(event_id: int, *, now: datetime) -> None:
    """Step. The event has had its effect by this very act."""
    require_transaction()
    db.session.execute(_EVENT_DONE, {"of_event": event_id, "done_at": now, "next_try_at": None, "trouble": None})


_EVENT_DONE = update(table_of(ProviderEvent)).where(_event.id == bindparam("of_event"))


@act
def event_failed(event_id: int, trouble: str, *, now: datetime) -> None:
    """Looking into it failed; the sweep tries again, after twice as long each time."""
    row = db.session.execute(select(_event.tries, _event.done_at).where(_event.id == event_id).with_for_update()).one()
    if row.done_at is not None:
        return
    db.session.execute(
        update(table_of(ProviderEvent))
        .where(_event.id == event_id)
        .values(tries=row.tries + 1, trouble=trouble[:200], next_try_at=now + _pause(row.tries))
    )


def due_events(*, now: datetime, most: int = 50) -> Sequence[EventRow]:
    """Events that still wait for their effect."""
    due = select(*_EVENT).where(_event.next_try_at <= now).order_by(_event.next_try_at, _event.id).limit(most)
    return rows_as(EventRow, db.session.execute(due))
