"""Accounts and entries of the books for life: settlements, corrections, fees, payouts, disputes, exchange, suspense."""

from migrations.widening import widen

revision = '20261125_more_kinds'
down_revision = '20261123_the_ground'
branch_labels = None
depends_on = None

ACCOUNT_KINDS = (
    'clearing', 'cash', 'proceeds', 'carriage', 'unallocated',
    'hold', 'payable', 'bank', 'fees', 'exchange', 'disputed', 'suspense',
)
ENTRY_KINDS = (
    'sale', 'refund', 'refund_failed', 'receipt', 'receipt_returned',
    'correction', 'edit', 'settlement', 'settlement_paid', 'fee', 'exchange', 'payout',
    'dispute', 'dispute_won', 'dispute_lost', 'suspense', 'suspense_cleared',
)


def upgrade() -> None:
    widen('accounts', 'kind', ACCOUNT_KINDS)
    widen('entries', 'kind', ENTRY_KINDS)


def downgrade() -> None:
    raise RuntimeError('the books are never dropped; restore a backup instead')
