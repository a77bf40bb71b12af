"""The register of pairings: who added and ended them, what they aim at in a year; units that can no longer be chosen."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_pairing_register'
down_revision = "20261128_lots_called_back"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
KINDS = ('department', 'industry', 'town', 'village', 'family', 'village_enterprise', 'social_force')
IN_FORCE = sa.text('valid_until IS NULL')


def upgrade() -> None:
    op.add_column('eastern_units', sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True))
    if op.get_bind().dialect.name == 'sqlite':
        _make_anew()
    else:
        op.drop_constraint('uq_pairings_unit_id_western_name_kind', 'pairings', type_='unique')
        for column in _new_columns():
            op.add_column('pairings', column)
        for name in ('added_by', 'ended_by'):
            op.create_foreign_key(op.f(f'fk_pairings_{name}'), 'pairings', 'users', [name], ['id'])
    op.create_index('ix_pairings_in_force', 'pairings', ['unit_id', 'western_name', 'kind'], unique=True, postgresql_where=IN_FORCE, sqlite_where=IN_FORCE)
    op.create_table('pairing_targets',
    sa.Column('pairing_id', BIG_ID, autoincrement=False, nullable=False),
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('target_fen', sa.BigInteger(), nullable=False),
    sa.Column('set_by', BIG_ID, nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('target_fen > 0', name=op.f('ck_pairing_targets_some')),
    sa.CheckConstraint('year BETWEEN 2000 AND 2100', name=op.f('ck_pairing_targets_year')),
    sa.ForeignKeyConstraint(['pairing_id'], ['pairings.id'], name=op.f('fk_pairing_targets_pairing_id')),
    sa.ForeignKeyConstraint(['set_by'], ['users.id'], name=op.f('fk_pairing_targets_set_by')),
    sa.PrimaryKeyConstraint('pairing_id', 'year', name=op.f('pk_pairing_targets'))
    )


def _new_columns() -> list[sa.Column]:
    return [
        sa.Column('added_by', BIG_ID, nullable=True),
        sa.Column('added_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('ended_by', BIG_ID, nullable=True),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('why_ended', sa.String(length=120), server_default='', nullable=False),
    ]


def _make_anew() -> None:
    """SQLite drops no constraint; the table is small, has no triggers, and nothing refers to it."""
    op.create_table('pairings_anew',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('unit_id', BIG_ID, nullable=False),
    sa.Column('kind', sa.Enum(*KINDS, name='kind', native_enum=False, create_constraint=False, length=24), nullable=False),
    sa.Column('western_name', sa.String(length=80), nullable=False),
    sa.Column('village_id', BIG_ID, nullable=True),
    sa.Column('town_id', BIG_ID, nullable=True),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('is_confirmed', sa.Boolean(), nullable=False),
    sa.Column('fact', sa.String(length=300), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    *_new_columns(),
    sa.CheckConstraint('kind IN (' + ', '.join(f"'{kind}'" for kind in KINDS) + ')', name=op.f('ck_pairings_kind')),
    sa.CheckConstraint('valid_until IS NULL OR valid_from <= valid_until', name=op.f('ck_pairings_dates')),
    sa.ForeignKeyConstraint(['added_by'], ['users.id'], name=op.f('fk_pairings_added_by')),
    sa.ForeignKeyConstraint(['ended_by'], ['users.id'], name=op.f('fk_pairings_ended_by')),
    sa.ForeignKeyConstraint(['town_id'], ['towns.id'], name=op.f('fk_pairings_town_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['eastern_units.id'], name=op.f('fk_pairings_unit_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_pairings_village_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pairings'))
    )
    kept = 'id, unit_id, kind, western_name, village_id, town_id, valid_from, valid_until, is_confirmed, fact, source'
    op.execute(sa.text(f'INSERT INTO pairings_anew ({kept}) SELECT {kept} FROM pairings'))
    op.drop_table('pairings')
    op.rename_table('pairings_anew', 'pairings')
    for column in ('town_id', 'unit_id', 'village_id'):
        op.create_index(op.f(f'ix_pairings_{column}'), 'pairings', [column], unique=False)


def downgrade() -> None:
    raise RuntimeError('the register is never dropped; restore a backup instead')
