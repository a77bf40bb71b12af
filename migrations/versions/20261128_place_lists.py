"""Official lists of villages and towns, the names that places had before, and what a village became part of."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_place_lists'
down_revision = "20261128_submissions"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('village_mergers',
    sa.Column('village_id', BIG_ID, autoincrement=False, nullable=False),
    sa.Column('into_id', BIG_ID, nullable=False),
    sa.Column('why', sa.String(length=120), nullable=False),
    sa.Column('recorded_by', BIG_ID, nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('village_id <> into_id', name=op.f('ck_village_mergers_two')),
    sa.ForeignKeyConstraint(['into_id'], ['villages.id'], name=op.f('fk_village_mergers_into_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_village_mergers_recorded_by')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_village_mergers_village_id')),
    sa.PrimaryKeyConstraint('village_id', name=op.f('pk_village_mergers'))
    )
    op.create_index(op.f('ix_village_mergers_into_id'), 'village_mergers', ['into_id'], unique=False)
    op.create_table('place_lists',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('brought_by', BIG_ID, nullable=False),
    sa.Column('brought_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('applied_by', BIG_ID, nullable=True),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['applied_by'], ['users.id'], name=op.f('fk_place_lists_applied_by')),
    sa.ForeignKeyConstraint(['brought_by'], ['users.id'], name=op.f('fk_place_lists_brought_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_place_lists'))
    )
    op.create_table('place_names',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('village_id', BIG_ID, nullable=True),
    sa.Column('town_id', BIG_ID, nullable=True),
    sa.Column('name', sa.String(length=60), server_default='', nullable=False),
    sa.Column('code', sa.String(length=12), server_default='', nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=False),
    sa.Column('source', sa.String(length=120), nullable=False),
    sa.Column('recorded_by', BIG_ID, nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(village_id IS NULL) <> (town_id IS NULL)', name=op.f('ck_place_names_of_one')),
    sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_place_names_recorded_by')),
    sa.ForeignKeyConstraint(['town_id'], ['towns.id'], name=op.f('fk_place_names_town_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_place_names_village_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_place_names'))
    )
    op.create_index(op.f('ix_place_names_town_id'), 'place_names', ['town_id'], unique=False)
    op.create_index(op.f('ix_place_names_village_id'), 'place_names', ['village_id'], unique=False)


def downgrade() -> None:
    raise RuntimeError('the register is never dropped; restore a backup instead')
