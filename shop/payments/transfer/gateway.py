"""Bank transfer behind the contract of providers, as far as that is honest.

The bank is asked by nobody: its statement is read by people, who say whose money a line is (shop/payments/transfer/service.py). So this provider is
never unavailable, and what it answers is what they have said: it reads the payment's own row. A refund is taken on, and people send it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from shop.extensions import act, columns_of, db, end_reading, require_no_transaction, table_of
from shop.payments.errors import ProviderRefused
from shop.payments.models import Payment, PaymentState, Refund, RefundState
from shop.payments.provider import Asked, Opened, Outcome, OutcomeKind, RefundAnswer, RefundAsked, RefundSeen
from shop.payments.transfer.reference import reference_of

_payment, _refund = columns_of(Payment), columns_of(Refund)


class TransferGateway:
    """Keeps the contract of shop.payments.provider.Provider; needs an app, since its answers stand in the shop's own database."""

    name = "transfer"

    def start(self, asked: Asked) -> Opened:
        """A reference to write on the transfer; the page to pay on is the order's own, which says where to send the money.

        Raises ProviderRefused when a transfer of another sum is expected under it.
        """
        require_no_transaction()
        reference = reference_of(asked.once)
        expected = db.session.execute(
            select(_payment.amount_fen, _payment.currency).where(_payment.provider == self.name, _payment.session_id == reference)
        ).one_or_none()
        end_reading()
        if expected is not None and (expected.amount_fen, expected.currency) != (asked.amount_fen, asked.currency):
            raise ProviderRefused("idempotency_error")
        return Opened(reference, asked.cancel_url, asked.expires_at)

    def outcome(self, session_id: str) -> Outcome:
        """What people have said of the transfers with this reference.

        Raises ProviderRefused when no payment has it.
        """
        require_no_transaction()
        columns = (_payment.state, _payment.intent_id, _payment.received_fen, _payment.currency, _payment.method)
        row = db.session.execute(select(*columns).where(_payment.provider == self.name, _payment.session_id == session_id)).one_or_none()
        end_reading()
        if row is None:
            raise ProviderRefused("resource_missing")
        is_paid = row.state in (PaymentState.PAID, PaymentState.MISMATCH)
        is_over = row.state in (PaymentState.EXPIRED, PaymentState.FAILED)
        return Outcome(
            kind=OutcomeKind.PAID if is_paid else OutcomeKind.EXPIRED if is_over else OutcomeKind.OPEN,
            session_id=session_id,
            intent_id=row.intent_id if is_paid else None,
            received_fen=row.received_fen if is_paid else 0,
            currency=row.currency,
            method=row.method if is_paid else None,
        )

    def expire(self, session_id: str) -> Outcome:
        """No more money is expected. It may come all the same: nobody can close a bank account's reference; it is then held again or owed back."""
        require_no_transaction()
        _close(session_id)
        return self.outcome(session_id)

    def refund(self, asked: RefundAsked) -> RefundAnswer:
        """What became of a refund that was written down, within what came: people send it.

        Raises ProviderRefused when none was, or another one.
        """
        require_no_transaction()
        columns = (_payment.intent_id, _refund.amount_fen)
        query = select(*columns).join_from(table_of(Refund), table_of(Payment), _payment.id == _refund.payment_id)
        known = db.session.execute(query.where(_refund.once == asked.once, _refund.by_transfer)).one_or_none()
        end_reading()
        if known is None:
            raise ProviderRefused("resource_missing")
        if (known.intent_id, known.amount_fen) != (asked.intent_id, asked.amount_fen):
            raise ProviderRefused("idempotency_error")
        return self.refund_state(asked.once)

    def refund_state(self, provider_id: str) -> RefundAnswer:
        """What became of a refund; it is known by its own key. It was taken on the moment that it was written down."""
        require_no_transaction()
        columns = (_refund.once, _refund.state, _refund.trouble)
        row = db.session.execute(select(*columns).where(_refund.once == provider_id, _refund.by_transfer)).one_or_none()
        end_reading()
        if row is None:
            raise ProviderRefused("resource_missing")
        return RefundAnswer(row.once, _taken_on(row.state), row.trouble)

    def list_refunds(self, *, intent_id: str | None = None, since: datetime | None = None) -> Sequence[RefundSeen]:
        """Every refund that people send, oldest first. None is made past the shop, or nobody here would know of it."""
        require_no_transaction()
        query = select(
            _refund.once, _payment.intent_id, _refund.amount_fen, _payment.currency, _refund.state, _refund.once, _refund.asked_at
        ).join_from(table_of(Refund), table_of(Payment), _payment.id == _refund.payment_id)
        query = query.where(_payment.provider == self.name)
        if intent_id is not None:
            query = query.where(_payment.intent_id == intent_id)
        if since is not None:
            query = query.where(_refund.asked_at >= since)
        rows = db.session.execute(query.order_by(_refund.id)).all()
        end_reading()
        return [RefundSeen(*row[:4], _taken_on(row.state), *row[5:]) for row in rows]


@act
def _close(session_id: str) -> None:
    open_ = _payment.state.in_((PaymentState.STARTING, PaymentState.OPEN))
    found = (_payment.provider == TransferGateway.name, _payment.session_id == session_id)
    db.session.execute(update(table_of(Payment)).where(*found, open_).values(state=PaymentState.EXPIRED))


def _taken_on(state: RefundState) -> RefundState:
    """What waits for people is on its way, as a provider would say it."""
    return RefundState.PENDING if state is RefundState.ASKED else state
