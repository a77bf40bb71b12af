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


def downgrade() -> None:
    raise RuntimeError('the books are never dropped; restore a backup instead')
