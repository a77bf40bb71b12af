"""People: roles by their new names, devices that are signed in, two-step sign-in, invites, accounts that are closed to their owner."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_people'
down_revision = "20261128_after_personal"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
ROLES = ('viewer', 'operations', 'pairing', 'finance', 'admin')
NEW_NAMES = {'staff': 'operations', 'auditor': 'viewer'}


def upgrade() -> None:
    _rename_roles()
    op.add_column('users', sa.Column('deactivated_at', sa.DateTime(timezone=True), nullable=True))
    op.drop_column('users', 'session_stamp')  # a session is a row now; whoever was signed in signs in again
    op.create_table('sign_ins',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('user_id', BIG_ID, nullable=False),
    sa.Column('key_hash', sa.String(length=64), nullable=False),
    sa.Column('device', sa.String(length=60), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_sign_ins_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_ins')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_sign_ins_key_hash'))
    )
    still_open = sa.text('ended_at IS NULL')
    op.create_index('ix_sign_ins_open', 'sign_ins', ['user_id'], unique=False, postgresql_where=still_open, sqlite_where=still_open)
    op.create_table('two_factors',
    sa.Column('user_id', BIG_ID, nullable=False),
    sa.Column('sealed_secret', sa.String(length=200), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_step', sa.BigInteger(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('failures >= 0', name=op.f('ck_two_factors_failures')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_two_factors_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_two_factors'))
    )
    op.create_table('recovery_codes',
    sa.Column('user_id', BIG_ID, nullable=False),
    sa.Column('code_hash', sa.String(length=64), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_recovery_codes_user_id')),
    sa.PrimaryKeyConstraint('user_id', 'code_hash', name=op.f('pk_recovery_codes'))
    )
    op.create_table('invites',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('grants', sa.JSON(), nullable=False),
    sa.Column('seed', sa.String(length=32), nullable=False),
    sa.Column('note', sa.String(length=60), nullable=False),
    sa.Column('to_email', sa.String(length=254), nullable=True),
    sa.Column('to_phone', sa.String(length=11), nullable=True),
    sa.Column('locale', sa.String(length=8), nullable=False),
    sa.Column('made_by', BIG_ID, nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_by', BIG_ID, nullable=True),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('accepted_at IS NULL OR withdrawn_at IS NULL', name=op.f('ck_invites_one_end')),
    sa.CheckConstraint('(accepted_at IS NULL) = (accepted_by IS NULL)', name=op.f('ck_invites_accepted_by_somebody')),
    sa.ForeignKeyConstraint(['accepted_by'], ['users.id'], name=op.f('fk_invites_accepted_by')),
    sa.ForeignKeyConstraint(['made_by'], ['users.id'], name=op.f('fk_invites_made_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invites'))
    )
    op.create_index('ix_audit_rows_by', 'audit_rows', ['by_user_id', 'id'], unique=False)
    op.create_index('ix_audit_rows_action', 'audit_rows', ['action', 'id'], unique=False)


def _rename_roles() -> None:
    """The table is made anew: SQLite cannot change a CHECK, and it is small and refers to nothing but its users."""
    old = sa.table('user_roles', sa.column('user_id', sa.BigInteger()), sa.column('role', sa.String()))
    rows = [{'user_id': row.user_id, 'role': NEW_NAMES.get(row.role, row.role)} for row in op.get_bind().execute(sa.select(old))]
    op.drop_table('user_roles')
    op.create_table('user_roles',
    sa.Column('user_id', BIG_ID, nullable=False),
    sa.Column('role', sa.Enum(*ROLES, name='role', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_roles_user_id')),
    sa.PrimaryKeyConstraint('user_id', 'role', name=op.f('pk_user_roles'))
    )
    if rows:
        op.bulk_insert(old, rows)


def downgrade() -> None:
    raise RuntimeError('the books are never dropped; restore a backup instead')
