"""What the shop says of its goods: labels, marks, prices elsewhere, permits, certificates of lots, people counted, reviews and wishes."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_goods_facts'
down_revision = "20261128_order_notes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.create_table(
        'village_people',
        sa.Column('village_id', number, autoincrement=False, nullable=False),
        sa.Column('households', sa.Integer(), nullable=True),
        sa.Column('people', sa.Integer(), nullable=True),
        sa.Column('members', sa.Integer(), nullable=True),
        sa.Column('counted_on', sa.Date(), nullable=False),
        sa.Column('source', sa.String(length=120), nullable=False),
        sa.Column('is_sample', sa.Boolean(), nullable=False),
        sa.Column('recorded_by', number, nullable=True),
        sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('households >= 0 AND people >= 0 AND members >= 0', name=op.f('ck_village_people_not_negative')),
        sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_village_people_recorded_by')),
        sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_village_people_village_id')),
        sa.PrimaryKeyConstraint('village_id', name=op.f('pk_village_people')),
    )
    op.create_table(
        'permits',
        sa.Column('id', number, nullable=False),
        sa.Column('cooperative_id', number, nullable=False),
        sa.Column('kind', sa.Enum('business', 'food_production', 'food_trade', 'workshop', 'other', name='kind', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('number', sa.String(length=60), nullable=False),
        sa.Column('issuer', sa.String(length=80), nullable=False),
        sa.Column('scope', sa.String(length=200), nullable=False),
        sa.Column('first_day', sa.Date(), nullable=False),
        sa.Column('last_day', sa.Date(), nullable=True),
        sa.Column('picture_id', number, nullable=True),
        sa.Column('is_sample', sa.Boolean(), nullable=False),
        sa.Column('recorded_by', number, nullable=True),
        sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint('last_day IS NULL OR first_day <= last_day', name=op.f('ck_permits_days')),
        sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_permits_cooperative_id')),
        sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_permits_picture_id')),
        sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_permits_recorded_by')),
        sa.CheckConstraint("kind IN ('business', 'food_production', 'food_trade', 'workshop', 'other')", name=op.f('ck_permits_kind')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_permits')),
    )
    op.create_index('ix_permits_cooperative', 'permits', ['cooperative_id'], unique=False)
    op.create_table(
        'prices_elsewhere',
        sa.Column('id', number, nullable=False),
        sa.Column('product_id', number, nullable=False),
        sa.Column('what', sa.String(length=80), nullable=False),
        sa.Column('price_fen', sa.Integer(), nullable=False),
        sa.Column('net_value', sa.Integer(), nullable=False),
        sa.Column('net_unit', sa.Enum('g', 'mL', 'pc', name='net_unit', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('source', sa.String(length=160), nullable=False),
        sa.Column('seen_on', sa.Date(), nullable=False),
        sa.Column('recorded_by', number, nullable=True),
        sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("source <> ''", name=op.f('ck_prices_elsewhere_source')),
        sa.CheckConstraint('price_fen > 0 AND net_value > 0', name=op.f('ck_prices_elsewhere_positive')),
        sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_prices_elsewhere_product_id')),
        sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_prices_elsewhere_recorded_by')),
        sa.CheckConstraint("net_unit IN ('g', 'mL', 'pc')", name=op.f('ck_prices_elsewhere_net_unit')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_prices_elsewhere')),
    )
    op.create_index('ix_prices_elsewhere_product', 'prices_elsewhere', ['product_id', 'seen_on'], unique=False)
    op.create_table(
        'product_labels',
        sa.Column('product_id', number, autoincrement=False, nullable=False),
        sa.Column('kind', sa.Enum('prepackaged', 'produce', name='kind', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('allergens', sa.String(length=120), nullable=False),
        sa.Column('producer', sa.String(length=80), nullable=False),
        sa.Column('producer_address', sa.String(length=120), nullable=False),
        sa.Column('producer_contact', sa.String(length=60), nullable=False),
        sa.Column('licence', sa.String(length=40), nullable=False),
        sa.Column('energy_kj', sa.Integer(), nullable=True),
        sa.Column('protein_mg', sa.Integer(), nullable=True),
        sa.Column('fat_mg', sa.Integer(), nullable=True),
        sa.Column('saturated_fat_mg', sa.Integer(), nullable=True),
        sa.Column('carbohydrate_mg', sa.Integer(), nullable=True),
        sa.Column('sugars_mg', sa.Integer(), nullable=True),
        sa.Column('sodium_mg', sa.Integer(), nullable=True),
        sa.Column('is_sample', sa.Boolean(), nullable=False),
        sa.Column('changed_by', number, nullable=True),
        sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('(energy_kj IS NULL) = (protein_mg IS NULL) AND (energy_kj IS NULL) = (fat_mg IS NULL) AND (energy_kj IS NULL) = (saturated_fat_mg IS NULL) AND (energy_kj IS NULL) = (carbohydrate_mg IS NULL) AND (energy_kj IS NULL) = (sugars_mg IS NULL) AND (energy_kj IS NULL) = (sodium_mg IS NULL)', name=op.f('ck_product_labels_nutrition')),
        sa.ForeignKeyConstraint(['changed_by'], ['users.id'], name=op.f('fk_product_labels_changed_by')),
        sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_product_labels_product_id')),
        sa.CheckConstraint("kind IN ('prepackaged', 'produce')", name=op.f('ck_product_labels_kind')),
        sa.PrimaryKeyConstraint('product_id', name=op.f('pk_product_labels')),
    )
    op.create_table(
        'product_marks',
        sa.Column('id', number, nullable=False),
        sa.Column('product_id', number, nullable=False),
        sa.Column('kind', sa.Enum('green', 'organic', 'geographical', name='kind', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('number', sa.String(length=60), nullable=False),
        sa.Column('issuer', sa.String(length=80), nullable=False),
        sa.Column('first_day', sa.Date(), nullable=False),
        sa.Column('last_day', sa.Date(), nullable=False),
        sa.Column('recorded_by', number, nullable=True),
        sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("number <> '' AND issuer <> ''", name=op.f('ck_product_marks_certificate')),
        sa.CheckConstraint('first_day <= last_day', name=op.f('ck_product_marks_days')),
        sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_product_marks_product_id')),
        sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_product_marks_recorded_by')),
        sa.CheckConstraint("kind IN ('green', 'organic', 'geographical')", name=op.f('ck_product_marks_kind')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_product_marks')),
    )
    op.create_index('ix_product_marks_product', 'product_marks', ['product_id'], unique=False)
    op.create_table(
        'wishes',
        sa.Column('id', number, nullable=False),
        sa.Column('product_id', number, nullable=False),
        sa.Column('email', sa.String(length=254), nullable=False),
        sa.Column('user_id', number, nullable=True),
        sa.Column('locale', sa.String(length=8), nullable=False),
        sa.Column('seed', sa.String(length=32), nullable=False),
        sa.Column('wished_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_wishes_product_id')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_wishes_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_wishes')),
        sa.UniqueConstraint('product_id', 'email', name=op.f('uq_wishes_product_id_email')),
    )
    op.create_index('ix_wishes_open', 'wishes', ['product_id', 'told_at', 'ended_at'], unique=False)
    op.create_index(op.f('ix_wishes_user_id'), 'wishes', ['user_id'], unique=False)
    op.create_table(
        'lot_certificates',
        sa.Column('lot_id', number, autoincrement=False, nullable=False),
        sa.Column('number', sa.String(length=60), nullable=False),
        sa.Column('basis', sa.Enum('commissioned', 'own_test', 'own_control', 'own_word', name='basis', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('grams', sa.BigInteger(), nullable=False),
        sa.Column('issued_on', sa.Date(), nullable=False),
        sa.Column('contact', sa.String(length=60), nullable=False),
        sa.Column('picture_id', number, nullable=True),
        sa.Column('recorded_by', number, nullable=True),
        sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('grams > 0', name=op.f('ck_lot_certificates_grams')),
        sa.ForeignKeyConstraint(['lot_id'], ['lots.id'], name=op.f('fk_lot_certificates_lot_id')),
        sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_lot_certificates_picture_id')),
        sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_lot_certificates_recorded_by')),
        sa.CheckConstraint("basis IN ('commissioned', 'own_test', 'own_control', 'own_word')", name=op.f('ck_lot_certificates_basis')),
        sa.PrimaryKeyConstraint('lot_id', name=op.f('pk_lot_certificates')),
    )
    op.create_table(
        'reviews',
        sa.Column('id', number, nullable=False),
        sa.Column('product_id', number, nullable=False),
        sa.Column('line_id', number, nullable=False),
        sa.Column('user_id', number, nullable=True),
        sa.Column('stars', sa.Integer(), nullable=False),
        sa.Column('words', sa.String(length=1000), nullable=False),
        sa.Column('locale', sa.String(length=8), nullable=False),
        sa.Column('place', sa.String(length=30), nullable=False),
        sa.Column('state', sa.Enum('waiting', 'published', 'refused', name='state', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('decided_by', number, nullable=True),
        sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('why', sa.String(length=200), nullable=False),
        sa.Column('reply', sa.String(length=600), nullable=False),
        sa.Column('reply_state', sa.Enum('waiting', 'published', 'refused', name='reply_state', native_enum=False, create_constraint=False, length=24), nullable=True),
        sa.Column('reply_by', number, nullable=True),
        sa.Column('reply_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('reply_why', sa.String(length=200), nullable=False),
        sa.CheckConstraint("(reply_state IS NULL) = (reply = '')", name=op.f('ck_reviews_reply')),
        sa.CheckConstraint('stars BETWEEN 1 AND 5', name=op.f('ck_reviews_stars')),
        sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_reviews_decided_by')),
        sa.ForeignKeyConstraint(['line_id'], ['order_lines.id'], name=op.f('fk_reviews_line_id')),
        sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_reviews_product_id')),
        sa.ForeignKeyConstraint(['reply_by'], ['users.id'], name=op.f('fk_reviews_reply_by')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_reviews_user_id')),
        sa.CheckConstraint("state IN ('waiting', 'published', 'refused')", name=op.f('ck_reviews_state')),
        sa.CheckConstraint("reply_state IN ('waiting', 'published', 'refused')", name=op.f('ck_reviews_reply_state')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_reviews')),
        sa.UniqueConstraint('line_id', name=op.f('uq_reviews_line_id')),
    )
    op.create_index('ix_reviews_product', 'reviews', ['product_id', 'state'], unique=False)
    op.create_index(op.f('ix_reviews_user_id'), 'reviews', ['user_id'], unique=False)
    op.create_index('ix_reviews_waiting', 'reviews', ['id'], unique=False, postgresql_where=sa.text("state = 'waiting' OR reply_state = 'waiting'"), sqlite_where=sa.text("state = 'waiting' OR reply_state = 'waiting'"))
    op.create_table(
        'review_photos',
        sa.Column('review_id', number, autoincrement=False, nullable=False),
        sa.Column('picture_id', number, autoincrement=False, nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_review_photos_picture_id')),
        sa.ForeignKeyConstraint(['review_id'], ['reviews.id'], name=op.f('fk_review_photos_review_id')),
        sa.PrimaryKeyConstraint('review_id', 'picture_id', name=op.f('pk_review_photos')),
    )


def downgrade() -> None:
    for table in ('review_photos', 'reviews', 'lot_certificates', 'wishes', 'product_marks', 'product_labels', 'prices_elsewhere', 'permits', 'village_people'):
        op.drop_table(table)
