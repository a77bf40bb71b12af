"""Bank transfers, refunds that two people decide, refunds by transfer."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_transfers'
down_revision = '20261125_imports'
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('attachments',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('subject_kind', sa.String(length=24), nullable=False),
    sa.Column('subject_id', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('media_type', sa.String(length=40), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('uploaded_by', BIG_ID, nullable=True),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('size_bytes > 0', name=op.f('ck_attachments_size')),
    sa.ForeignKeyConstraint(['uploaded_by'], ['users.id'], name=op.f('fk_attachments_uploaded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachments')),
    sa.UniqueConstraint('subject_kind', 'subject_id', 'sha256', name=op.f('uq_attachments_subject_kind_subject_id_sha256'))
    )
    op.create_index('ix_attachments_sha256', 'attachments', ['sha256'], unique=False)
    op.add_column('payments', sa.Column('settled_fen', sa.BigInteger(), nullable=True))
    op.add_column('payments', sa.Column('settled_currency', sa.String(length=3), nullable=True))
    op.add_column('payments', sa.Column('exchange_rate', sa.String(length=24), nullable=True))
    op.add_column('payments', sa.Column('hidden_methods', sa.String(length=60), nullable=False, server_default=''))
    op.add_column('refunds', sa.Column('by_transfer', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table('provider_looks',
    sa.Column('provider', sa.String(length=16), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('looked_until', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('provider', 'kind', name=op.f('pk_provider_looks'))
    )
    op.create_table('transfers',
    sa.Column('payment_id', BIG_ID, nullable=False),
    sa.Column('pay_by', sa.Date(), nullable=False),
    sa.Column('payer_name', sa.String(length=120), nullable=False),
    sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_transfers_payment_id')),
    sa.PrimaryKeyConstraint('payment_id', name=op.f('pk_transfers'))
    )
    op.create_index(op.f('ix_transfers_pay_by'), 'transfers', ['pay_by'], unique=False)
    op.create_table('bank_lines',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('line_key', sa.String(length=80), nullable=False),
    sa.Column('booked_on', sa.Date(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('allocated_fen', sa.BigInteger(), nullable=False),
    sa.Column('payer_name', sa.String(length=120), nullable=False),
    sa.Column('payer_account', sa.String(length=40), nullable=False),
    sa.Column('payer_bank', sa.String(length=80), nullable=False),
    sa.Column('memo', sa.String(length=200), nullable=False),
    sa.Column('bank_number', sa.String(length=60), nullable=False),
    sa.Column('brought_by', BIG_ID, nullable=True),
    sa.Column('brought_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_aside_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('set_aside_by', BIG_ID, nullable=True),
    sa.Column('set_aside_reason', sa.String(length=120), nullable=True),
    sa.CheckConstraint('allocated_fen >= 0 AND allocated_fen <= amount_fen', name=op.f('ck_bank_lines_allocated_within_amount')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_bank_lines_amount')),
    sa.ForeignKeyConstraint(['brought_by'], ['users.id'], name=op.f('fk_bank_lines_brought_by')),
    sa.ForeignKeyConstraint(['set_aside_by'], ['users.id'], name=op.f('fk_bank_lines_set_aside_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_lines')),
    sa.UniqueConstraint('line_key', name=op.f('uq_bank_lines_line_key'))
    )
    op.create_index('ix_bank_lines_booked', 'bank_lines', ['booked_on'], unique=False)
    op.create_table('transfer_receipts',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('line_id', BIG_ID, nullable=False),
    sa.Column('payment_id', BIG_ID, nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(length=120), nullable=False),
    sa.Column('matched_by', BIG_ID, nullable=True),
    sa.Column('matched_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_transfer_receipts_amount')),
    sa.ForeignKeyConstraint(['line_id'], ['bank_lines.id'], name=op.f('fk_transfer_receipts_line_id')),
    sa.ForeignKeyConstraint(['matched_by'], ['users.id'], name=op.f('fk_transfer_receipts_matched_by')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_transfer_receipts_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_transfer_receipts')),
    sa.UniqueConstraint('line_id', 'payment_id', name=op.f('uq_transfer_receipts_line_id_payment_id'))
    )
    op.create_index(op.f('ix_transfer_receipts_payment_id'), 'transfer_receipts', ['payment_id'], unique=False)
    op.create_table('remittances',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('refund_id', BIG_ID, nullable=False),
    sa.Column('payee_name', sa.String(length=120), nullable=False),
    sa.Column('payee_account', sa.String(length=40), nullable=False),
    sa.Column('payee_bank', sa.String(length=80), nullable=False),
    sa.Column('payee_from', sa.Enum('receipt', 'buyer', 'staff', name='payee_from', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('sent_by', BIG_ID, nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('bank_reference', sa.String(length=60), nullable=False),
    sa.Column('confirmed_by', BIG_ID, nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('confirmed_by IS NULL OR confirmed_by <> sent_by', name=op.f('ck_remittances_four_eyes')),
    sa.ForeignKeyConstraint(['confirmed_by'], ['users.id'], name=op.f('fk_remittances_confirmed_by')),
    sa.ForeignKeyConstraint(['refund_id'], ['refunds.id'], name=op.f('fk_remittances_refund_id')),
    sa.ForeignKeyConstraint(['sent_by'], ['users.id'], name=op.f('fk_remittances_sent_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_remittances')),
    sa.UniqueConstraint('refund_id', name=op.f('uq_remittances_refund_id'))
    )
    op.create_table('refund_requests',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('order_id', BIG_ID, nullable=False),
    sa.Column('once', sa.String(length=80), nullable=False),
    sa.Column('wanted', sa.JSON(), nullable=False),
    sa.Column('total_fen', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'approved', 'rejected', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('asked_by', BIG_ID, nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', BIG_ID, nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('word', sa.String(length=120), nullable=False),
    sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name=op.f('ck_refund_requests_decided')),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> asked_by', name=op.f('ck_refund_requests_four_eyes')),
    sa.CheckConstraint('total_fen > 0', name=op.f('ck_refund_requests_total')),
    sa.ForeignKeyConstraint(['asked_by'], ['users.id'], name=op.f('fk_refund_requests_asked_by')),
    sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_refund_requests_decided_by')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_refund_requests_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refund_requests')),
    sa.UniqueConstraint('once', name=op.f('uq_refund_requests_once'))
    )
    op.create_index(op.f('ix_refund_requests_order_id'), 'refund_requests', ['order_id'], unique=False)
    op.create_index('ix_refund_requests_state', 'refund_requests', ['state', 'id'], unique=False)


def downgrade() -> None:
    raise RuntimeError('the books are never dropped; restore a backup instead')
