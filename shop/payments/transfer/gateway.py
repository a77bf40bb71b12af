"""Bank transfer behind the contract of providers, as far as that is honest.

The bank is asked by nobody: its statement is read by people, who say whose money a line is (shop/payments/transfer/service.py). So this provider is
never unavailable, and what it answers is what they have said: it reads the payment's own row. A refund is taken on, and people send it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from shop.extensions import columns_of, db, end_reading, require_no_transaction, table_of
from shop.payments.errors import ProviderRefused
from shop.payments.models import Payment, PaymentState, Refund
from shop.payments.provider import Asked, Opened, Outcome, OutcomeKind, RefundAnswer, RefundAsked, RefundSeen
from shop.payments.transfer.reference import reference_of

_payment, _refund = columns_of(Payment), columns_of(Refund)


class TransferGateway:
    """Keeps the contract of shop.payments.provider.Provider; needs an app, since its answers stand in the shop's own database."""

    name = "transfer"

    def start(self, asked: Asked) -> Opened:
        """A reference to write on the transfer; the page to pay on is the order's own, which says where to send the money."""
        require_no_transaction()
        return Opened(reference_of(asked.once), asked.cancel_url, asked.expires_at)

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
        outcome = self.outcome(session_id)
        if outcome.kind is OutcomeKind.PAID:
            return outcome
        return Outcome(OutcomeKind.EXPIRED, session_id, None, 0, outcome.currency, None)

    def refund(self, asked: RefundAsked) -> RefundAnswer:
        """What became of a refund that was written down: people send it."""
        require_no_transaction()
        row = db.session.execute(select(_refund.once, _refund.state, _refund.trouble).where(_refund.once == asked.once)).one_or_none()
        end_reading()
        if row is None:
            raise ProviderRefused("resource_missing")
        return RefundAnswer(row.once, row.state, row.trouble)

    def refund_state(self, provider_id: str) -> RefundAnswer:
        """What became of a refund; it is known by its own key."""
        return self.refund(RefundAsked(provider_id, "", 0, ""))

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
        return [RefundSeen(*row) for row in rows]
