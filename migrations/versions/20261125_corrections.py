"""A lot corrected after sales, an order edited before packing, products accredited."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_corrections'
down_revision = '20261125_more_kinds'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was booked before corrections and accreditations existed is neither; the table's triggers refuse any update, so the defaults say it.
    op.add_column('attributions', sa.Column('is_correction', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('attributions', sa.Column('pick_change', sa.SmallInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('attributions', sa.Column('is_accredited', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index('ix_attributions_corrected', 'attributions', ['business_day', 'sold_on'], unique=False, sqlite_where=sa.text('is_correction'), postgresql_where=sa.text('is_correction'))
    op.create_table('lot_corrections',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('lot_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('produced_grams', sa.BigInteger(), nullable=False),
    sa.Column('seen_version', sa.Integer(), nullable=False),
    sa.Column('seen_produced_grams', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'approved', 'done', 'rejected', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('once', sa.String(length=40), nullable=False),
    sa.Column('proposed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('word', sa.String(length=200), nullable=False),
    sa.Column('through_order_id', sa.BigInteger(), nullable=False),
    sa.Column('sales', sa.Integer(), nullable=False),
    sa.Column('moved_fen', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f('ck_lot_corrections_decided')),
    sa.CheckConstraint("(state IN ('approved', 'done')) = (version IS NOT NULL)", name=op.f('ck_lot_corrections_has_version')),
    sa.CheckConstraint("(state IN ('done', 'rejected')) = (ended_at IS NOT NULL)", name=op.f('ck_lot_corrections_has_ended')),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> proposed_by', name=op.f('ck_lot_corrections_second_person')),
    sa.CheckConstraint('produced_grams > 0', name=op.f('ck_lot_corrections_produced')),
    sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_lot_corrections_decided_by')),
    sa.ForeignKeyConstraint(['lot_id'], ['lots.id'], name=op.f('fk_lot_corrections_lot_id')),
    sa.ForeignKeyConstraint(['proposed_by'], ['users.id'], name=op.f('fk_lot_corrections_proposed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lot_corrections')),
    sa.UniqueConstraint('lot_id', 'version', name=op.f('uq_lot_corrections_lot_id_version')),
    sa.UniqueConstraint('once', name=op.f('uq_lot_corrections_once'))
    )
    op.create_index('ix_lot_corrections_open', 'lot_corrections', ['lot_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index('ix_lot_corrections_state', 'lot_corrections', ['state', 'id'], unique=False)
    op.create_table('lot_correction_sources',
    sa.Column('correction_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('grams', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('grams > 0', name=op.f('ck_lot_correction_sources_grams')),
    sa.ForeignKeyConstraint(['correction_id'], ['lot_corrections.id'], name=op.f('fk_lot_correction_sources_correction_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_lot_correction_sources_village_id')),
    sa.PrimaryKeyConstraint('correction_id', 'village_id', name=op.f('pk_lot_correction_sources'))
    )
    op.create_index(op.f('ix_lot_correction_sources_village_id'), 'lot_correction_sources', ['village_id'], unique=False)
    op.create_table('accreditations',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('product_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.String(length=60), nullable=False),
    sa.Column('issuer', sa.String(length=80), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('paper', sa.String(length=80), nullable=False),
    sa.Column('once', sa.String(length=40), nullable=False),
    sa.Column('recorded_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_on', sa.Date(), nullable=True),
    sa.Column('withdrawn_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('why', sa.String(length=120), nullable=False),
    sa.CheckConstraint('(withdrawn_at IS NULL) = (withdrawn_on IS NULL)', name=op.f('ck_accreditations_withdrawn')),
    sa.CheckConstraint('first_day <= last_day', name=op.f('ck_accreditations_days')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_accreditations_product_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_accreditations_recorded_by')),
    sa.ForeignKeyConstraint(['withdrawn_by'], ['users.id'], name=op.f('fk_accreditations_withdrawn_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accreditations')),
    sa.UniqueConstraint('once', name=op.f('uq_accreditations_once'))
    )
    op.create_index('ix_accreditations_product', 'accreditations', ['product_id', 'first_day'], unique=False)


def downgrade() -> None:
    for table in ('accreditations', 'lot_correction_sources', 'lot_corrections'):
        op.drop_table(table)
    op.drop_index('ix_attributions_corrected', table_name='attributions')
    for column in ('is_accredited', 'pick_change', 'is_correction'):
        op.drop_column('attributions', column)
