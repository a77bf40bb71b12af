"""Consent, and being forgotten."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_after_personal'
down_revision = "20261128_found_by_sound"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
OPEN = sa.text('done_at IS NULL AND withdrawn_at IS NULL')


def upgrade() -> None:
    op.create_table('consents',
    sa.Column('user_id', BIG_ID, nullable=False),
    sa.Column('version', sa.String(length=10), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_consents_user_id')),
    sa.PrimaryKeyConstraint('user_id', 'version', name=op.f('pk_consents'))
    )
    op.create_table('forgettings',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('user_id', BIG_ID, nullable=True),
    sa.Column('order_id', BIG_ID, nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(user_id IS NULL) <> (order_id IS NULL)', name=op.f('ck_forgettings_one_subject')),
    sa.CheckConstraint('done_at IS NULL OR withdrawn_at IS NULL', name=op.f('ck_forgettings_one_end')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_forgettings_order_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_forgettings_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_forgettings'))
    )
    op.create_index('ix_forgettings_due', 'forgettings', ['due_at'], unique=False, postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index('ix_forgettings_open_order', 'forgettings', ['order_id'], unique=True, postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index('ix_forgettings_open_user', 'forgettings', ['user_id'], unique=True, postgresql_where=OPEN, sqlite_where=OPEN)
    op.add_column('orders', sa.Column('terms_version', sa.String(length=10), nullable=False, server_default=''))
    # Who had an account agreed when it was opened, to the words of that day.
    op.execute("INSERT INTO consents (user_id, version, accepted_at) SELECT id, '2026-11-23', consented_at FROM users WHERE consented_at IS NOT NULL")
