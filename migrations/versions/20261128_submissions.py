"""Products put before somebody else, and what they decided."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_submissions'
down_revision = "20261128_tariffs"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
OPEN = sa.text('decided_at IS NULL')


def upgrade() -> None:
    op.create_table('product_submissions',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('product_id', BIG_ID, nullable=False),
    sa.Column('submitted_by', BIG_ID, nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_approved', sa.Boolean(), nullable=True),
    sa.Column('decided_by', BIG_ID, nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('why', sa.String(length=200), server_default='', nullable=False),
    sa.CheckConstraint('(decided_at IS NULL) = (is_approved IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)', name=op.f('ck_product_submissions_decided')),
    sa.CheckConstraint('decided_by <> submitted_by', name=op.f('ck_product_submissions_four_eyes')),
    sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_product_submissions_decided_by')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_product_submissions_product_id')),
    sa.ForeignKeyConstraint(['submitted_by'], ['users.id'], name=op.f('fk_product_submissions_submitted_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_product_submissions'))
    )
    op.create_index('ix_product_submissions_open', 'product_submissions', ['product_id'], unique=True, postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index('ix_product_submissions_product', 'product_submissions', ['product_id', 'id'], unique=False)


def downgrade() -> None:
    raise RuntimeError('decisions are never dropped; restore a backup instead')
