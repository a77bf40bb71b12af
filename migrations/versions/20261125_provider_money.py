"""What the provider keeps and pays out: balance transactions, payouts, disputes, suspense, and where our books differ from its."""

import sqlalchemy as sa
from alembic import op

from migrations.widening import widen

revision = '20261125_provider_money'
down_revision = '20261125_transfers'
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
ENTRY_KINDS = (
    'sale', 'refund', 'refund_failed', 'receipt', 'receipt_returned',
    'correction', 'edit', 'settlement', 'settlement_paid', 'cleared', 'fee', 'exchange', 'payout',
    'dispute', 'dispute_won', 'dispute_lost', 'suspense', 'suspense_cleared',
)


def upgrade() -> None:
    widen('entries', 'kind', ENTRY_KINDS)
    op.create_table('payouts',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('provider', sa.String(length=16), nullable=False),
    sa.Column('provider_id', sa.String(length=120), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('state', sa.Enum('pending', 'in_transit', 'paid', 'failed', 'canceled', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('trouble', sa.String(length=200), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('arrives_on', sa.Date(), nullable=False),
    sa.Column('counted_fen', sa.BigInteger(), nullable=True),
    sa.Column('next_check_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('checks', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payouts')),
    sa.UniqueConstraint('provider', 'provider_id', name=op.f('uq_payouts_provider_provider_id'))
    )
    op.create_index('ix_payouts_due', 'payouts', ['next_check_at'], unique=False)
    op.create_index(op.f('ix_payouts_made_at'), 'payouts', ['made_at'], unique=False)
    op.create_table('balance_transactions',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('provider', sa.String(length=16), nullable=False),
    sa.Column('provider_id', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.Enum('charge', 'refund', 'refund_failed', 'dispute', 'dispute_returned', 'fee', 'payout', 'payout_failed', 'unknown', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('word', sa.String(length=60), nullable=False),
    sa.Column('gross_fen', sa.BigInteger(), nullable=False),
    sa.Column('fee_fen', sa.BigInteger(), nullable=False),
    sa.Column('net_fen', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('exchange_rate', sa.String(length=24), nullable=True),
    sa.Column('source_id', sa.String(length=120), nullable=True),
    sa.Column('source_fen', sa.BigInteger(), nullable=False),
    sa.Column('source_currency', sa.String(length=3), nullable=False),
    sa.Column('intent_id', sa.String(length=120), nullable=True),
    sa.Column('reference', sa.String(length=24), nullable=True),
    sa.Column('payout_id', BIG_ID, nullable=True),
    sa.Column('entry_id', sa.BigInteger(), nullable=True),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('business_day', sa.Date(), nullable=False),
    sa.Column('available_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('entry_id IS NOT NULL OR net_fen = 0', name=op.f('ck_balance_transactions_booked')),
    sa.CheckConstraint('net_fen = gross_fen - fee_fen', name=op.f('ck_balance_transactions_net')),
    sa.ForeignKeyConstraint(['entry_id'], ['entries.id'], name=op.f('fk_balance_transactions_entry_id')),
    sa.ForeignKeyConstraint(['payout_id'], ['payouts.id'], name=op.f('fk_balance_transactions_payout_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_balance_transactions')),
    sa.UniqueConstraint('entry_id', name=op.f('uq_balance_transactions_entry_id')),
    sa.UniqueConstraint('provider', 'provider_id', name=op.f('uq_balance_transactions_provider_provider_id'))
    )
    op.create_index('ix_balance_transactions_day', 'balance_transactions', ['business_day'], unique=False)
    op.create_index(op.f('ix_balance_transactions_intent_id'), 'balance_transactions', ['intent_id'], unique=False)
    op.create_index(op.f('ix_balance_transactions_payout_id'), 'balance_transactions', ['payout_id'], unique=False)
    op.create_index(op.f('ix_balance_transactions_reference'), 'balance_transactions', ['reference'], unique=False)
    op.create_index(op.f('ix_balance_transactions_source_id'), 'balance_transactions', ['source_id'], unique=False)
    op.create_table('disputes',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('provider', sa.String(length=16), nullable=False),
    sa.Column('provider_id', sa.String(length=120), nullable=False),
    sa.Column('intent_id', sa.String(length=120), nullable=True),
    sa.Column('payment_id', BIG_ID, nullable=True),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('reason', sa.String(length=60), nullable=False),
    sa.Column('state', sa.Enum('inquiry', 'needs_response', 'under_review', 'closed', 'won', 'lost', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('held_fen', sa.BigInteger(), nullable=False),
    sa.Column('evidence_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_check_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('checks', sa.Integer(), nullable=False),
    sa.CheckConstraint('amount_fen > 0 AND held_fen >= 0 AND held_fen <= amount_fen', name=op.f('ck_disputes_amount')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_disputes_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_disputes')),
    sa.UniqueConstraint('provider', 'provider_id', name=op.f('uq_disputes_provider_provider_id'))
    )
    op.create_index('ix_disputes_due', 'disputes', ['next_check_at'], unique=False)
    op.create_index(op.f('ix_disputes_payment_id'), 'disputes', ['payment_id'], unique=False)
    op.create_table('suspense_items',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('provider', sa.String(length=16), nullable=False),
    sa.Column('balance_id', BIG_ID, nullable=True),
    sa.Column('dispute_id', BIG_ID, nullable=True),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cleared_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cleared_to', sa.Enum('fees', 'bank', 'payments', name='cleared_to', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('cleared_by', BIG_ID, nullable=True),
    sa.Column('explanation', sa.String(length=200), nullable=False),
    sa.CheckConstraint('(cleared_at IS NULL) = (cleared_to IS NULL)', name=op.f('ck_suspense_items_cleared')),
    sa.CheckConstraint('amount_fen <> 0', name=op.f('ck_suspense_items_amount')),
    sa.ForeignKeyConstraint(['balance_id'], ['balance_transactions.id'], name=op.f('fk_suspense_items_balance_id')),
    sa.ForeignKeyConstraint(['cleared_by'], ['users.id'], name=op.f('fk_suspense_items_cleared_by')),
    sa.ForeignKeyConstraint(['dispute_id'], ['disputes.id'], name=op.f('fk_suspense_items_dispute_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suspense_items')),
    sa.UniqueConstraint('balance_id', name=op.f('uq_suspense_items_balance_id')),
    sa.UniqueConstraint('dispute_id', name=op.f('uq_suspense_items_dispute_id'))
    )
    op.create_table('reconciled_days',
    sa.Column('provider', sa.String(length=16), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('transactions', sa.Integer(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('provider', 'day', name=op.f('pk_reconciled_days'))
    )
    op.create_table('reconcile_differences',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('provider', sa.String(length=16), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('kind', sa.Enum('missing_here', 'missing_there', 'amount', 'currency', 'fee', 'payout_sum', 'state', 'suspense', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('subject', sa.String(length=120), nullable=False),
    sa.Column('reference', sa.String(length=24), nullable=True),
    sa.Column('ours', sa.String(length=40), nullable=False),
    sa.Column('theirs', sa.String(length=40), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reconcile_differences'))
    )
    op.create_index('ix_reconcile_differences_day', 'reconcile_differences', ['provider', 'day'], unique=False)


def downgrade() -> None:
    raise RuntimeError('the books are never dropped; restore a backup instead')
