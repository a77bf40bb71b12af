"""Lots: what went in, how they looked, their certificates one after the other, and calling them back."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_lots_called_back'
down_revision = "20261128_sign_ups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.execute('ALTER TABLE lots ADD COLUMN harvest_grams BIGINT CONSTRAINT ck_lots_harvest CHECK (harvest_grams > 0)')
    op.execute(
        "ALTER TABLE products ADD COLUMN least_yield_percent SMALLINT DEFAULT '1' NOT NULL"
        " CONSTRAINT ck_products_least_yield CHECK (least_yield_percent >= 1)"
    )
    op.execute(
        "ALTER TABLE products ADD COLUMN most_yield_percent SMALLINT DEFAULT '1000' NOT NULL"
        " CONSTRAINT ck_products_most_yield CHECK (most_yield_percent <= 1000)"
    )
    op.create_table(
        'lot_photos',
        sa.Column('id', number, nullable=False),
        sa.Column('lot_id', number, nullable=False),
        sa.Column('picture_id', number, nullable=False),
        sa.Column('added_by', number, nullable=True),
        sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['added_by'], ['users.id'], name=op.f('fk_lot_photos_added_by')),
        sa.ForeignKeyConstraint(['lot_id'], ['lots.id'], name=op.f('fk_lot_photos_lot_id')),
        sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_lot_photos_picture_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_lot_photos')),
        sa.UniqueConstraint('picture_id', name=op.f('uq_lot_photos_picture_id')),
    )
    op.create_index(op.f('ix_lot_photos_lot_id'), 'lot_photos', ['lot_id'], unique=False)
    op.create_table(
        'recalls',
        sa.Column('id', number, nullable=False),
        sa.Column('lot_id', number, nullable=False),
        sa.Column('kind', sa.Enum('unsafe', 'spoilt', 'label', 'other', name='kind', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('words', sa.String(length=200), nullable=False),
        sa.Column('by_staff', sa.Boolean(), nullable=False),
        sa.Column('once', sa.String(length=40), nullable=False),
        sa.Column('recalled_by', number, nullable=False),
        sa.Column('recalled_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('through_order_id', sa.BigInteger(), nullable=False),
        sa.Column('letters', sa.Integer(), nullable=False),
        sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("words <> ''", name=op.f('ck_recalls_words')),
        sa.CheckConstraint('letters >= 0', name=op.f('ck_recalls_letters')),
        sa.CheckConstraint("kind IN ('unsafe', 'spoilt', 'label', 'other')", name=op.f('ck_recalls_kind')),
        sa.ForeignKeyConstraint(['lot_id'], ['lots.id'], name=op.f('fk_recalls_lot_id')),
        sa.ForeignKeyConstraint(['recalled_by'], ['users.id'], name=op.f('fk_recalls_recalled_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_recalls')),
        sa.UniqueConstraint('lot_id', name=op.f('uq_recalls_lot_id')),
        sa.UniqueConstraint('once', name=op.f('uq_recalls_once')),
    )
    bases, whys = ('commissioned', 'own_test', 'own_control', 'own_word'), ('mixed', 'divided', 'corrected', 'mistake')
    op.create_table(
        'certificates',
        sa.Column('id', number, nullable=False),
        sa.Column('lot_id', number, nullable=False),
        sa.Column('number', sa.String(length=60), nullable=False),
        sa.Column('basis', sa.Enum(*bases, name='basis', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('grams', sa.BigInteger(), nullable=False),
        sa.Column('issued_on', sa.Date(), nullable=False),
        sa.Column('contact', sa.String(length=60), nullable=False),
        sa.Column('picture_id', number, nullable=True),
        sa.Column('source_version', sa.Integer(), server_default='1', nullable=False),
        sa.Column('once', sa.String(length=40), nullable=True),
        sa.Column('recorded_by', number, nullable=True),
        sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('replaced_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('replaced_why', sa.Enum(*whys, name='replaced_why', native_enum=False, create_constraint=False, length=24), nullable=True),
        sa.CheckConstraint('grams > 0', name=op.f('ck_certificates_grams')),
        sa.CheckConstraint('(replaced_at IS NULL) = (replaced_why IS NULL)', name=op.f('ck_certificates_replaced')),
        sa.CheckConstraint("basis IN ('commissioned', 'own_test', 'own_control', 'own_word')", name=op.f('ck_certificates_basis')),
        sa.CheckConstraint("replaced_why IN ('mixed', 'divided', 'corrected', 'mistake')", name=op.f('ck_certificates_replaced_why')),
        sa.ForeignKeyConstraint(['lot_id'], ['lots.id'], name=op.f('fk_certificates_lot_id')),
        sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_certificates_picture_id')),
        sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_certificates_recorded_by')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_certificates')),
        sa.UniqueConstraint('lot_id', 'number', name=op.f('uq_certificates_lot_id_number')),
        sa.UniqueConstraint('once', name=op.f('uq_certificates_once')),
    )
    op.create_index(
        'ix_certificates_in_force',
        'certificates',
        ['lot_id'],
        unique=True,
        sqlite_where=sa.text('replaced_at IS NULL'),
        postgresql_where=sa.text('replaced_at IS NULL'),
    )
    kept = 'lot_id, number, basis, grams, issued_on, contact, picture_id, recorded_by, recorded_at'
    op.execute(f'INSERT INTO certificates ({kept}) SELECT {kept} FROM lot_certificates ORDER BY lot_id')
    op.drop_table('lot_certificates')
