"""Sign-ups and new e-mail addresses that wait for the link of a letter."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_sign_ups'
down_revision = "20261128_claims"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('sign_ups',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('phone', sa.String(length=11), nullable=True),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('locale', sa.String(length=8), nullable=False),
    sa.Column('seed', sa.String(length=32), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", name=op.f('ck_sign_ups_reachable')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_ups'))
    )
    op.create_index(op.f('ix_sign_ups_asked_at'), 'sign_ups', ['asked_at'], unique=False)
    op.create_table('new_emails',
    sa.Column('user_id', BIG_ID, nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('seed', sa.String(length=32), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_new_emails_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_new_emails'))
    )


def downgrade() -> None:
    op.drop_table('new_emails')
    op.drop_table('sign_ups')
