"""Claims: cancellations and returns that buyers ask for, with photographs."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_claims'
down_revision = "20261128_stories_in_english"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def upgrade() -> None:
    # One statement with its CHECK: SQLite adds no constraint to a table that stands, and a batch would make the table anew.
    op.execute(
        "ALTER TABLE order_lines ADD COLUMN claimed_units INTEGER DEFAULT '0' NOT NULL"
        " CONSTRAINT ck_order_lines_claimed CHECK (claimed_units >= 0 AND claimed_units <= quantity)"
    )
    op.create_table('claims',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('order_id', BIG_ID, nullable=False),
    sa.Column('cooperative_id', BIG_ID, nullable=False),
    sa.Column('once', sa.String(length=80), nullable=False),
    sa.Column('kind', _choice('kind', 'cancel', 'return'), nullable=False),
    sa.Column('state', _choice('state', 'asked', 'accepted', 'sent', 'due', 'refunded', 'refused', 'withdrawn', 'lapsed'), nullable=False),
    sa.Column('reason', _choice('reason', 'not_wanted', 'mistake', 'too_slow', 'seven_days', 'damaged', 'spoilt', 'short', 'wrong', 'recalled'), nullable=False),
    sa.Column('reason_words', sa.String(length=60), nullable=False),
    sa.Column('words', sa.String(length=500), nullable=False),
    sa.Column('wants_to_keep', sa.Boolean(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_by', BIG_ID, nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by', BIG_ID, nullable=True),
    sa.Column('must_send_back', sa.Boolean(), nullable=True),
    sa.Column('we_pay_carriage', sa.Boolean(), nullable=True),
    sa.Column('return_to', sa.String(length=200), nullable=False),
    sa.Column('offer_fen', sa.BigInteger(), nullable=True),
    sa.Column('why', sa.String(length=200), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('carrier', sa.String(length=40), nullable=False),
    sa.Column('tracking_number', sa.String(length=40), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('received_by', BIG_ID, nullable=True),
    sa.Column('restock', sa.Boolean(), nullable=True),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('return_id', BIG_ID, nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state NOT IN ('accepted', 'sent', 'due', 'refunded', 'refused') OR answered_at IS NOT NULL", name=op.f('ck_claims_answered')),
    sa.CheckConstraint("state NOT IN ('accepted', 'sent') OR (must_send_back IS NOT NULL AND must_send_back AND return_to <> '')", name=op.f('ck_claims_sent_back')),
    sa.CheckConstraint("state <> 'sent' OR (sent_at IS NOT NULL AND tracking_number <> '')", name=op.f('ck_claims_sent')),
    sa.CheckConstraint("state NOT IN ('due', 'refunded') OR restock IS NOT NULL", name=op.f('ck_claims_goods')),
    sa.CheckConstraint("state <> 'refunded' OR return_id IS NOT NULL", name=op.f('ck_claims_refunded')),
    sa.CheckConstraint("state <> 'refused' OR why <> ''", name=op.f('ck_claims_refused')),
    sa.CheckConstraint("(state IN ('refunded', 'refused', 'withdrawn', 'lapsed')) = (ended_at IS NOT NULL)", name=op.f('ck_claims_ended')),
    sa.CheckConstraint("offer_fen IS NULL OR (offer_fen > 0 AND must_send_back IS NOT NULL AND NOT must_send_back)", name=op.f('ck_claims_offer')),
    sa.CheckConstraint("attempt >= 0", name=op.f('ck_claims_attempt')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_claims_order_id')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_claims_cooperative_id')),
    sa.ForeignKeyConstraint(['asked_by'], ['users.id'], name=op.f('fk_claims_asked_by')),
    sa.ForeignKeyConstraint(['answered_by'], ['users.id'], name=op.f('fk_claims_answered_by')),
    sa.ForeignKeyConstraint(['received_by'], ['users.id'], name=op.f('fk_claims_received_by')),
    sa.ForeignKeyConstraint(['return_id'], ['returns.id'], name=op.f('fk_claims_return_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claims')),
    sa.UniqueConstraint('once', name=op.f('uq_claims_once'))
    )
    op.create_index('ix_claims_order', 'claims', ['order_id'], unique=False)
    op.create_index('ix_claims_state', 'claims', ['state', 'id'], unique=False)
    op.create_index('ix_claims_cooperative', 'claims', ['cooperative_id', 'state'], unique=False)
    op.create_index('ix_claims_return', 'claims', ['return_id'], unique=False)
    op.create_table('claim_lines',
    sa.Column('claim_id', BIG_ID, nullable=False),
    sa.Column('line_id', BIG_ID, nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.CheckConstraint("quantity > 0", name=op.f('ck_claim_lines_positive')),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_claim_lines_claim_id')),
    sa.ForeignKeyConstraint(['line_id'], ['order_lines.id'], name=op.f('fk_claim_lines_line_id')),
    sa.PrimaryKeyConstraint('claim_id', 'line_id', name=op.f('pk_claim_lines'))
    )
    op.create_index(op.f('ix_claim_lines_line_id'), 'claim_lines', ['line_id'], unique=False)
    op.create_table('claim_photos',
    sa.Column('claim_id', BIG_ID, nullable=False),
    sa.Column('picture_id', BIG_ID, nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_claim_photos_claim_id')),
    sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_claim_photos_picture_id')),
    sa.PrimaryKeyConstraint('claim_id', 'picture_id', name=op.f('pk_claim_photos'))
    )


def downgrade() -> None:
    raise RuntimeError('claims are never dropped; restore a backup instead')
