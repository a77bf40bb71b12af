"""Tariffs of carriage with the day they begin on, the first of which is what the code said; days on which nobody ships."""

from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic import op

revision = '20261128_tariffs'
down_revision = "20261128_pairing_register"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')

# A copy, not an import: history does not change when shop/shipping/rules.py does.
FIRST = {
    'starts_on': date(2020, 1, 1), 'first_grams': 5000, 'first_fen': 600, 'further_kg_fen': 150, 'free_from_fen': 19900,
    'quick_first_fen': 1200, 'quick_further_kg_fen': 250, 'packing_days': 1, 'note': '', 'made_by': None,
}
REGIONS = (
    ('11', 0, 3, 4, 1, 2, None, None),
    ('12', 0, 3, 4, 1, 2, None, None),
    ('13', 0, 3, 4, 1, 2, None, None),
    ('14', 0, 3, 4, None, None, None, None),
    ('15', 200, 5, 8, None, None, None, None),
    ('21', 0, 5, 8, None, None, None, None),
    ('22', 0, 5, 8, None, None, None, None),
    ('23', 0, 5, 8, None, None, None, None),
    ('31', 0, 3, 4, 1, 2, 2, 3),
    ('32', 0, 3, 4, 1, 2, 2, 3),
    ('33', 0, 3, 4, 1, 2, 2, 3),
    ('34', 0, 3, 4, 1, 2, 2, 3),
    ('35', 0, 3, 4, 1, 2, None, None),
    ('36', 0, 3, 4, 1, 2, None, None),
    ('37', 0, 3, 4, 1, 2, None, None),
    ('41', 0, 3, 4, 1, 2, None, None),
    ('42', 0, 2, 3, 1, 2, None, None),
    ('43', 0, 2, 3, 1, 1, 1, 2),
    ('44', 0, 3, 4, 1, 2, None, None),
    ('45', 0, 2, 3, 1, 2, None, None),
    ('46', 200, 5, 8, None, None, None, None),
    ('50', 0, 2, 3, 1, 1, 1, 2),
    ('51', 0, 2, 3, 1, 1, 1, 2),
    ('52', 0, 1, 2, 1, 1, 1, 2),
    ('53', 0, 2, 3, 1, 2, None, None),
    ('54', 400, 5, 8, None, None, None, None),
    ('61', 0, 3, 4, None, None, None, None),
    ('62', 200, 5, 8, None, None, None, None),
    ('63', 200, 5, 8, None, None, None, None),
    ('64', 200, 5, 8, None, None, None, None),
    ('65', 400, 5, 8, None, None, None, None),
)
"""Province, surcharge for a kilogram, fewest and most days, those of the quick service, those of the cold one."""


def upgrade() -> None:
    tariffs = op.create_table('shipping_tariffs',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('first_grams', sa.Integer(), nullable=False),
    sa.Column('first_fen', sa.Integer(), nullable=False),
    sa.Column('further_kg_fen', sa.Integer(), nullable=False),
    sa.Column('free_from_fen', sa.Integer(), nullable=False),
    sa.Column('quick_first_fen', sa.Integer(), nullable=False),
    sa.Column('quick_further_kg_fen', sa.Integer(), nullable=False),
    sa.Column('packing_days', sa.Integer(), nullable=False),
    sa.Column('note', sa.String(length=200), server_default='', nullable=False),
    sa.Column('made_by', BIG_ID, nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('first_grams > 0 AND first_fen >= 0 AND further_kg_fen >= 0 AND free_from_fen > 0 AND quick_first_fen >= 0 AND quick_further_kg_fen >= 0 AND packing_days > 0', name=op.f('ck_shipping_tariffs_not_negative')),
    sa.ForeignKeyConstraint(['made_by'], ['users.id'], name=op.f('fk_shipping_tariffs_made_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shipping_tariffs')),
    sa.UniqueConstraint('starts_on', name=op.f('uq_shipping_tariffs_starts_on'))
    )
    regions = op.create_table('shipping_tariff_regions',
    sa.Column('tariff_id', BIG_ID, autoincrement=False, nullable=False),
    sa.Column('province', sa.String(length=2), nullable=False),
    sa.Column('surcharge_kg_fen', sa.Integer(), nullable=False),
    sa.Column('fewest_days', sa.Integer(), nullable=False),
    sa.Column('most_days', sa.Integer(), nullable=False),
    sa.Column('quick_fewest', sa.Integer(), nullable=True),
    sa.Column('quick_most', sa.Integer(), nullable=True),
    sa.Column('cold_fewest', sa.Integer(), nullable=True),
    sa.Column('cold_most', sa.Integer(), nullable=True),
    sa.CheckConstraint('surcharge_kg_fen >= 0', name=op.f('ck_shipping_tariff_regions_not_negative')),
    sa.CheckConstraint('fewest_days > 0 AND fewest_days <= most_days', name=op.f('ck_shipping_tariff_regions_days')),
    sa.CheckConstraint('(quick_fewest IS NULL) = (quick_most IS NULL) AND quick_fewest > 0 AND quick_fewest <= quick_most', name=op.f('ck_shipping_tariff_regions_quick')),
    sa.CheckConstraint('(cold_fewest IS NULL) = (cold_most IS NULL) AND cold_fewest > 0 AND cold_fewest <= cold_most', name=op.f('ck_shipping_tariff_regions_cold')),
    sa.ForeignKeyConstraint(['tariff_id'], ['shipping_tariffs.id'], name=op.f('fk_shipping_tariff_regions_tariff_id')),
    sa.PrimaryKeyConstraint('tariff_id', 'province', name=op.f('pk_shipping_tariff_regions'))
    )
    op.create_table('shipping_closed_days',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('set_by', BIG_ID, nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['set_by'], ['users.id'], name=op.f('fk_shipping_closed_days_set_by')),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_shipping_closed_days'))
    )
    connection = op.get_bind()
    first = connection.scalar(sa.insert(tariffs).values(**FIRST, made_at=datetime.now(UTC)).returning(tariffs.c.id))
    names = ('province', 'surcharge_kg_fen', 'fewest_days', 'most_days', 'quick_fewest', 'quick_most', 'cold_fewest', 'cold_most')
    connection.execute(sa.insert(regions), [{'tariff_id': first, **dict(zip(names, row))} for row in REGIONS])


def downgrade() -> None:
    raise RuntimeError('the register is never dropped; restore a backup instead')
