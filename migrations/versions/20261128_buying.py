"""What a buyer may ask for: vouchers, a fapiao, a gift note, a way of sending; one default address each; the days on which a cooperative ships."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_buying'
down_revision = "20261128_pictures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    moment = sa.DateTime(timezone=True)
    op.create_table(
        'vouchers',
        sa.Column('id', number, nullable=False),
        sa.Column('code', sa.String(length=20), nullable=False),
        sa.Column('name', sa.String(length=40), nullable=False),
        sa.Column('name_en', sa.String(length=60), nullable=False),
        sa.Column('kind', sa.Enum('fixed', 'percent', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
        sa.Column('worth', sa.Integer(), nullable=False),
        sa.Column('most_fen', sa.Integer(), nullable=True),
        sa.Column('minimum_fen', sa.Integer(), nullable=False),
        sa.Column('village_id', number, nullable=True),
        sa.Column('category_id', number, nullable=True),
        sa.Column('first_day', sa.Date(), nullable=False),
        sa.Column('last_day', sa.Date(), nullable=False),
        sa.Column('most_uses', sa.Integer(), nullable=True),
        sa.Column('most_per_buyer', sa.Integer(), nullable=True),
        sa.Column('is_stackable', sa.Boolean(), nullable=False),
        sa.Column('used', sa.Integer(), nullable=False),
        sa.Column('once', sa.String(length=40), nullable=False),
        sa.Column('made_by', number, nullable=False),
        sa.Column('made_at', moment, nullable=False),
        sa.Column('ended_at', moment, nullable=True),
        sa.Column('ended_by', number, nullable=True),
        sa.CheckConstraint('first_day <= last_day', name=op.f('ck_vouchers_days')),
        sa.CheckConstraint('minimum_fen >= 0 AND (most_fen IS NULL OR most_fen > 0)', name=op.f('ck_vouchers_sums')),
        sa.CheckConstraint(
            "(kind = 'fixed' AND worth > 0) OR (kind = 'percent' AND worth BETWEEN 1 AND 9000)", name=op.f('ck_vouchers_worth')
        ),
        sa.CheckConstraint('village_id IS NULL OR category_id IS NULL', name=op.f('ck_vouchers_one_binding')),
        sa.CheckConstraint('used >= 0 AND (most_uses IS NULL OR used <= most_uses)', name=op.f('ck_vouchers_uses')),
        sa.CheckConstraint('most_per_buyer IS NULL OR most_per_buyer > 0', name=op.f('ck_vouchers_per_buyer')),
        sa.CheckConstraint('(ended_at IS NULL) = (ended_by IS NULL)', name=op.f('ck_vouchers_ended')),
        sa.ForeignKeyConstraint(['category_id'], ['categories.id'], name=op.f('fk_vouchers_category_id')),
        sa.ForeignKeyConstraint(['ended_by'], ['users.id'], name=op.f('fk_vouchers_ended_by')),
        sa.ForeignKeyConstraint(['made_by'], ['users.id'], name=op.f('fk_vouchers_made_by')),
        sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_vouchers_village_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_vouchers')),
        sa.UniqueConstraint('code', name=op.f('uq_vouchers_code')),
        sa.UniqueConstraint('once', name=op.f('uq_vouchers_once')),
    )
    op.create_index('ix_vouchers_last_day', 'vouchers', ['last_day'], unique=False)
    op.create_table(
        'voucher_uses',
        sa.Column('id', number, nullable=False),
        sa.Column('voucher_id', number, nullable=False),
        sa.Column('order_id', number, nullable=False),
        sa.Column('code', sa.String(length=20), nullable=False),
        sa.Column('name', sa.String(length=40), nullable=False),
        sa.Column('name_en', sa.String(length=60), nullable=False),
        sa.Column('amount_fen', sa.Integer(), nullable=False),
        sa.Column('buyer_id', number, nullable=True),
        sa.Column('phone', sa.String(length=11), nullable=True),
        sa.Column('used_at', moment, nullable=False),
        sa.Column('released_at', moment, nullable=True),
        sa.CheckConstraint('amount_fen > 0', name=op.f('ck_voucher_uses_amount')),
        sa.ForeignKeyConstraint(['buyer_id'], ['users.id'], name=op.f('fk_voucher_uses_buyer_id')),
        sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_voucher_uses_order_id')),
        sa.ForeignKeyConstraint(['voucher_id'], ['vouchers.id'], name=op.f('fk_voucher_uses_voucher_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_voucher_uses')),
        sa.UniqueConstraint('order_id', 'voucher_id', name=op.f('uq_voucher_uses_order_id_voucher_id')),
    )
    standing = sa.text('released_at IS NULL')
    op.create_index(
        'ix_voucher_uses_standing', 'voucher_uses', ['voucher_id'], unique=False, sqlite_where=standing, postgresql_where=standing
    )
    op.create_index(op.f('ix_voucher_uses_buyer_id'), 'voucher_uses', ['buyer_id'], unique=False)
    op.create_table(
        'fapiao_requests',
        sa.Column('id', number, nullable=False),
        sa.Column('order_id', number, nullable=False),
        sa.Column('kind', sa.Enum('person', 'firm', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
        sa.Column('title', sa.String(length=100), nullable=False),
        sa.Column('tax_number', sa.String(length=20), nullable=True),
        sa.Column('email', sa.String(length=254), nullable=False),
        sa.Column(
            'state',
            sa.Enum('asked', 'issued', 'refused', name='state', native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column('number', sa.String(length=30), nullable=True),
        sa.Column('issued_on', sa.Date(), nullable=True),
        sa.Column('amount_fen', sa.BigInteger(), nullable=True),
        sa.Column('why', sa.String(length=120), nullable=False),
        sa.Column('asked_at', moment, nullable=False),
        sa.Column('decided_at', moment, nullable=True),
        sa.Column('decided_by', number, nullable=True),
        sa.Column('red_fen', sa.BigInteger(), nullable=False),
        sa.Column('red_number', sa.String(length=30), nullable=False),
        sa.Column('red_on', sa.Date(), nullable=True),
        sa.Column('emptied_at', moment, nullable=True),
        sa.CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name=op.f('ck_fapiao_requests_decided')),
        sa.CheckConstraint(
            "(state = 'issued') = (issued_on IS NOT NULL AND number IS NOT NULL AND amount_fen IS NOT NULL)", name=op.f('ck_fapiao_requests_issued')
        ),
        sa.CheckConstraint(
            "kind = 'person' OR tax_number IS NOT NULL OR emptied_at IS NOT NULL", name=op.f('ck_fapiao_requests_firm_has_number')
        ),
        sa.CheckConstraint('red_fen >= 0 AND (red_fen = 0 OR red_fen <= amount_fen)', name=op.f('ck_fapiao_requests_red')),
        sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_fapiao_requests_decided_by')),
        sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_fapiao_requests_order_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_fapiao_requests')),
        sa.UniqueConstraint('order_id', name=op.f('uq_fapiao_requests_order_id')),
    )
    op.create_index('ix_fapiao_requests_state', 'fapiao_requests', ['state', 'id'], unique=False)

    op.add_column('orders', sa.Column('gift_note', sa.String(length=120), server_default='', nullable=False))
    # In plain words, since SQLite adds a column with its CHECK only so; copying the table would be Alembic's other way.
    op.execute(
        "ALTER TABLE shipments ADD COLUMN service VARCHAR(24) DEFAULT 'ordinary' NOT NULL"
        " CONSTRAINT ck_shipments_service CHECK (service IN ('ordinary', 'quick', 'cold'))"
    )
    op.add_column('shipments', sa.Column('expected_from', sa.Date(), nullable=True))
    op.add_column('shipments', sa.Column('expected_until', sa.Date(), nullable=True))
    op.add_column('cooperatives', sa.Column('ships_on', sa.String(length=7), server_default='12345', nullable=False))

    # Two first addresses at the same moment could both have become the default: the latest used stays it.
    op.execute(
        "UPDATE addresses SET is_default = false WHERE is_default AND EXISTS (SELECT 1 FROM addresses o WHERE o.user_id = addresses.user_id"
        " AND o.is_default AND (o.used_at > addresses.used_at OR (o.used_at = addresses.used_at AND o.id > addresses.id)))"
    )
    is_default = sa.text('is_default')
    op.create_index(
        'uq_addresses_default', 'addresses', ['user_id'], unique=True, sqlite_where=is_default, postgresql_where=is_default
    )


def downgrade() -> None:
    op.drop_index('uq_addresses_default', table_name='addresses')
    for table, column in (
        ('cooperatives', 'ships_on'),
        ('shipments', 'expected_until'),
        ('shipments', 'expected_from'),
        ('shipments', 'service'),
        ('orders', 'gift_note'),
    ):
        op.drop_column(table, column)
    for table in ('fapiao_requests', 'voucher_uses', 'vouchers'):
        op.drop_table(table)
