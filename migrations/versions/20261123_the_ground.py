"""The ground: every table of the first shop, and the triggers that keep the books."""

import sqlalchemy as sa
from alembic import op

revision = '20261123_the_ground'
down_revision = None
branch_labels = None
depends_on = None


# A copy, not an import: history does not change when shop/ledger/triggers.py does.
_BOOKS = ("entries", "postings", "attributions")
_HISTORY = ("movements", "audit_rows", "order_events", "lot_sources")

SQLITE: dict[str, str] = {
    "entries_balance": """CREATE TRIGGER entries_balance BEFORE INSERT ON entries BEGIN
  SELECT raise(ABORT, 'entry has no postings') WHERE NOT EXISTS (SELECT 1 FROM postings WHERE entry_id = new.id);
  SELECT raise(ABORT, 'entry does not balance') WHERE EXISTS
    (SELECT 1 FROM postings WHERE entry_id = new.id GROUP BY currency HAVING sum(amount_fen) <> 0);
END""",
    "postings_closed": """CREATE TRIGGER postings_closed BEFORE INSERT ON postings
  WHEN EXISTS (SELECT 1 FROM entries WHERE id = new.entry_id) BEGIN
  SELECT raise(ABORT, 'entry is closed');
END""",
    "attributions_closed": """CREATE TRIGGER attributions_closed BEFORE INSERT ON attributions
  WHEN EXISTS (SELECT 1 FROM entries WHERE id = new.entry_id) BEGIN
  SELECT raise(ABORT, 'entry is closed');
END""",
} | {
    f"{table}_no_{verb.lower()}": f"""CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN
  SELECT raise(ABORT, '{table} are never changed or deleted');
END"""
    for table in _BOOKS + _HISTORY
    for verb in ("UPDATE", "DELETE")
}

POSTGRESQL_FUNCTIONS: dict[str, str] = {
    "postings_check": """
BEGIN
  IF EXISTS (SELECT 1 FROM new_postings GROUP BY entry_id, currency HAVING sum(amount_fen) <> 0) THEN
    RAISE EXCEPTION 'entry does not balance' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (SELECT 1 FROM entries WHERE id IN (SELECT entry_id FROM new_postings)) THEN
    RAISE EXCEPTION 'entry is closed' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END
""",
    "attributions_check": """
BEGIN
  IF EXISTS (SELECT 1 FROM entries WHERE id IN (SELECT entry_id FROM new_attributions)) THEN
    RAISE EXCEPTION 'entry is closed' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END
""",
    "entries_check": """
BEGIN
  IF NOT EXISTS (SELECT 1 FROM postings WHERE entry_id = NEW.id) THEN
    RAISE EXCEPTION 'entry has no postings' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END
""",
    "history_stands": """
BEGIN
  RAISE EXCEPTION '% are never changed or deleted', TG_TABLE_NAME USING ERRCODE = '23514';
END
""",
}

POSTGRESQL_TRIGGERS: dict[str, str] = {
    "postings_balance": "AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings FOR EACH STATEMENT EXECUTE FUNCTION postings_check()",
    "attributions_closed": "AFTER INSERT ON attributions REFERENCING NEW TABLE AS new_attributions FOR EACH STATEMENT EXECUTE FUNCTION attributions_check()",
    "entries_filled": "BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION entries_check()",
} | {
    f"{table}_no_{verb.lower()}": f"BEFORE {verb} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION history_stands()"
    for table in _BOOKS + _HISTORY
    for verb in ("UPDATE", "DELETE", "TRUNCATE")
}


def upgrade() -> None:
    op.create_table('categories',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slug', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=30), nullable=False),
    sa.Column('name_en', sa.String(length=40), nullable=False),
    sa.Column('tint', sa.String(length=10), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_categories')),
    sa.UniqueConstraint('slug', name=op.f('uq_categories_slug'))
    )
    op.create_table('eastern_units',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('district_code', sa.String(length=6), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_eastern_units')),
    sa.UniqueConstraint('slug', name=op.f('uq_eastern_units_slug'))
    )
    op.create_table('entries',
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.Enum('sale', 'refund', 'refund_failed', 'receipt', 'receipt_returned', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('once', sa.String(length=80), nullable=False),
    sa.Column('subject', sa.String(length=24), nullable=False),
    sa.Column('reverses_id', sa.BigInteger(), nullable=True),
    sa.Column('posted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('business_day', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['reverses_id'], ['entries.id'], name=op.f('fk_entries_reverses_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entries')),
    sa.UniqueConstraint('once', name=op.f('uq_entries_once'))
    )
    op.create_index('ix_entries_day', 'entries', ['business_day'], unique=False)
    op.create_index('ix_entries_subject', 'entries', ['subject'], unique=False)
    op.create_table('letters',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('once', sa.String(length=120), nullable=False),
    sa.Column('subject', sa.String(length=40), nullable=False),
    sa.Column('locale', sa.String(length=8), nullable=False),
    sa.Column('to_email', sa.String(length=254), nullable=True),
    sa.Column('to_phone', sa.String(length=20), nullable=True),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('given_up_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('trouble', sa.String(length=200), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letters')),
    sa.UniqueConstraint('once', name=op.f('uq_letters_once'))
    )
    op.create_index(op.f('ix_letters_subject'), 'letters', ['subject'], unique=False)
    op.create_index('ix_letters_waiting', 'letters', ['next_try_at'], unique=False, postgresql_where=sa.text('sent_at IS NULL AND given_up_at IS NULL'), sqlite_where=sa.text('sent_at IS NULL AND given_up_at IS NULL'))
    op.create_table('payments',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('provider', sa.String(length=16), nullable=False),
    sa.Column('reference', sa.String(length=24), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('starting', 'open', 'failed', 'expired', 'paid', 'mismatch', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('amount_fen', sa.Integer(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('session_id', sa.String(length=120), nullable=True),
    sa.Column('intent_id', sa.String(length=120), nullable=True),
    sa.Column('pay_url', sa.String(length=2000), nullable=True),
    sa.Column('method', sa.String(length=24), nullable=True),
    sa.Column('received_fen', sa.Integer(), nullable=False),
    sa.Column('received_currency', sa.String(length=3), nullable=True),
    sa.Column('refunded_fen', sa.Integer(), nullable=False),
    sa.Column('trouble', sa.String(length=200), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_check_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('checks', sa.Integer(), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_payments_amount')),
    sa.CheckConstraint('received_fen >= 0 AND refunded_fen >= 0 AND refunded_fen <= received_fen', name=op.f('ck_payments_refunded_within_received')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payments')),
    sa.UniqueConstraint('provider', 'session_id', name=op.f('uq_payments_provider_session_id')),
    sa.UniqueConstraint('reference', 'attempt', name=op.f('uq_payments_reference_attempt'))
    )
    op.create_index('ix_payments_due', 'payments', ['next_check_at'], unique=False)
    op.create_index(op.f('ix_payments_intent_id'), 'payments', ['intent_id'], unique=False)
    op.create_table('periods',
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('month', name=op.f('pk_periods'))
    )
    op.create_table('provider_events',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('provider', sa.String(length=16), nullable=False),
    sa.Column('event_id', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=80), nullable=False),
    sa.Column('object_id', sa.String(length=120), nullable=True),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tries', sa.BigInteger(), nullable=False),
    sa.Column('trouble', sa.String(length=200), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provider_events')),
    sa.UniqueConstraint('provider', 'event_id', name=op.f('uq_provider_events_provider_event_id'))
    )
    op.create_index('ix_provider_events_due', 'provider_events', ['next_try_at'], unique=False)
    op.create_table('towns',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=9), nullable=True),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('short_name', sa.String(length=30), nullable=False),
    sa.Column('name_en', sa.String(length=60), nullable=False),
    sa.Column('county_code', sa.String(length=6), nullable=False),
    sa.Column('county_name', sa.String(length=30), nullable=False),
    sa.Column('latitude', sa.Numeric(precision=8, scale=5, asdecimal=False), nullable=True),
    sa.Column('longitude', sa.Numeric(precision=8, scale=5, asdecimal=False), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_towns')),
    sa.UniqueConstraint('code', name=op.f('uq_towns_code'))
    )
    op.create_table('refunds',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('payment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('once', sa.String(length=80), nullable=False),
    sa.Column('amount_fen', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=120), nullable=False),
    sa.Column('state', sa.Enum('asked', 'pending', 'succeeded', 'failed', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('provider_id', sa.String(length=120), nullable=True),
    sa.Column('trouble', sa.String(length=200), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_check_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('checks', sa.Integer(), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_refunds_amount')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_refunds_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refunds')),
    sa.UniqueConstraint('once', name=op.f('uq_refunds_once')),
    sa.UniqueConstraint('provider_id', name=op.f('uq_refunds_provider_id'))
    )
    op.create_index('ix_refunds_due', 'refunds', ['next_check_at'], unique=False)
    op.create_index(op.f('ix_refunds_payment_id'), 'refunds', ['payment_id'], unique=False)
    op.create_table('users',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('phone', sa.String(length=11), nullable=True),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('locale', sa.String(length=8), nullable=False),
    sa.Column('eastern_unit_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('session_stamp', sa.String(length=32), nullable=False),
    sa.Column('is_demo', sa.Boolean(), nullable=False),
    sa.Column('consented_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('email IS NOT NULL OR phone IS NOT NULL OR deleted_at IS NOT NULL', name=op.f('ck_users_reachable')),
    sa.ForeignKeyConstraint(['eastern_unit_id'], ['eastern_units.id'], name=op.f('fk_users_eastern_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('email', name=op.f('uq_users_email')),
    sa.UniqueConstraint('phone', name=op.f('uq_users_phone'))
    )
    op.create_table('villages',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('code', sa.String(length=12), nullable=True),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('name_en', sa.String(length=60), nullable=False),
    sa.Column('town_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('story', sa.Text(), nullable=False),
    sa.Column('story_is_sample', sa.Boolean(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['town_id'], ['towns.id'], name=op.f('fk_villages_town_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_villages')),
    sa.UniqueConstraint('code', name=op.f('uq_villages_code')),
    sa.UniqueConstraint('slug', name=op.f('uq_villages_slug'))
    )
    op.create_index(op.f('ix_villages_town_id'), 'villages', ['town_id'], unique=False)
    op.create_table('addresses',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('phone', sa.String(length=11), nullable=False),
    sa.Column('district_code', sa.String(length=6), nullable=False),
    sa.Column('town', sa.String(length=60), nullable=False),
    sa.Column('street', sa.String(length=200), nullable=False),
    sa.Column('is_default', sa.Boolean(), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_addresses_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_addresses'))
    )
    op.create_index(op.f('ix_addresses_user_id'), 'addresses', ['user_id'], unique=False)
    op.create_table('audit_rows',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('action', sa.String(length=60), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['by_user_id'], ['users.id'], name=op.f('fk_audit_rows_by_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_rows'))
    )
    op.create_index(op.f('ix_audit_rows_at'), 'audit_rows', ['at'], unique=False)
    op.create_index(op.f('ix_audit_rows_subject'), 'audit_rows', ['subject'], unique=False)
    op.create_table('carts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(length=32), nullable=True),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('touched_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(key IS NULL) <> (user_id IS NULL)', name=op.f('ck_carts_one_owner')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_carts_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_carts')),
    sa.UniqueConstraint('key', name=op.f('uq_carts_key')),
    sa.UniqueConstraint('user_id', name=op.f('uq_carts_user_id'))
    )
    op.create_index(op.f('ix_carts_touched_at'), 'carts', ['touched_at'], unique=False)
    op.create_table('cooperatives',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('short_name', sa.String(length=40), nullable=False),
    sa.Column('name_en', sa.String(length=80), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_cooperatives_village_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cooperatives')),
    sa.UniqueConstraint('slug', name=op.f('uq_cooperatives_slug'))
    )
    op.create_index(op.f('ix_cooperatives_village_id'), 'cooperatives', ['village_id'], unique=False)
    op.create_table('orders',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('once', sa.String(length=80), nullable=False),
    sa.Column('channel', sa.Enum('online', 'offline', name='channel', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state', sa.Enum('awaiting_payment', 'paid', 'packing', 'shipped', 'delivered', 'completed', 'lapsed', 'cancelled', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('buyer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('eastern_unit_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('phone', sa.String(length=11), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('district_code', sa.String(length=6), nullable=True),
    sa.Column('region', sa.String(length=60), nullable=False),
    sa.Column('town', sa.String(length=60), nullable=False),
    sa.Column('street', sa.String(length=200), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('locale', sa.String(length=8), nullable=False),
    sa.Column('goods_fen', sa.Integer(), nullable=False),
    sa.Column('discount_fen', sa.Integer(), nullable=False),
    sa.Column('shipping_fen', sa.Integer(), nullable=False),
    sa.Column('refunded_shipping_fen', sa.Integer(), nullable=False),
    sa.Column('total_fen', sa.Integer(), nullable=False),
    sa.Column('perishable_confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('hold_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sold_on', sa.Date(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('goods_fen >= 0 AND discount_fen >= 0 AND discount_fen <= goods_fen AND shipping_fen >= 0', name=op.f('ck_orders_not_negative')),
    sa.CheckConstraint('refunded_shipping_fen >= 0 AND refunded_shipping_fen <= shipping_fen', name=op.f('ck_orders_shipping_refund')),
    sa.CheckConstraint('total_fen = goods_fen - discount_fen + shipping_fen', name=op.f('ck_orders_total')),
    sa.ForeignKeyConstraint(['buyer_id'], ['users.id'], name=op.f('fk_orders_buyer_id')),
    sa.ForeignKeyConstraint(['eastern_unit_id'], ['eastern_units.id'], name=op.f('fk_orders_eastern_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_orders')),
    sa.UniqueConstraint('number', name=op.f('uq_orders_number')),
    sa.UniqueConstraint('once', name=op.f('uq_orders_once'))
    )
    op.create_index(op.f('ix_orders_buyer_id'), 'orders', ['buyer_id'], unique=False)
    op.create_index(op.f('ix_orders_phone'), 'orders', ['phone'], unique=False)
    op.create_index('ix_orders_placed', 'orders', ['placed_at'], unique=False)
    op.create_index('ix_orders_state_hold', 'orders', ['state', 'hold_until'], unique=False)
    op.create_table('pairings',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('unit_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('department', 'industry', 'town', 'village', 'family', 'village_enterprise', 'social_force', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('western_name', sa.String(length=80), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('town_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('is_confirmed', sa.Boolean(), nullable=False),
    sa.Column('fact', sa.String(length=300), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.CheckConstraint('valid_until IS NULL OR valid_from <= valid_until', name=op.f('ck_pairings_dates')),
    sa.ForeignKeyConstraint(['town_id'], ['towns.id'], name=op.f('fk_pairings_town_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['eastern_units.id'], name=op.f('fk_pairings_unit_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_pairings_village_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pairings')),
    sa.UniqueConstraint('unit_id', 'western_name', 'kind', name=op.f('uq_pairings_unit_id_western_name_kind'))
    )
    op.create_index(op.f('ix_pairings_town_id'), 'pairings', ['town_id'], unique=False)
    op.create_index(op.f('ix_pairings_unit_id'), 'pairings', ['unit_id'], unique=False)
    op.create_index(op.f('ix_pairings_village_id'), 'pairings', ['village_id'], unique=False)
    op.create_table('user_roles',
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('role', sa.Enum('staff', 'finance', 'auditor', 'admin', name='role', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_roles_user_id')),
    sa.PrimaryKeyConstraint('user_id', 'role', name=op.f('pk_user_roles'))
    )
    op.create_table('accounts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=140), nullable=False),
    sa.Column('kind', sa.Enum('clearing', 'cash', 'proceeds', 'carriage', 'unallocated', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_accounts_cooperative_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_accounts_village_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accounts')),
    sa.UniqueConstraint('code', name=op.f('uq_accounts_code'))
    )
    op.create_table('cooperative_villages',
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_cooperative_villages_cooperative_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_cooperative_villages_village_id')),
    sa.PrimaryKeyConstraint('cooperative_id', 'village_id', name=op.f('pk_cooperative_villages'))
    )
    op.create_index(op.f('ix_cooperative_villages_village_id'), 'cooperative_villages', ['village_id'], unique=False)
    op.create_table('memberships',
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_memberships_cooperative_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_memberships_user_id')),
    sa.PrimaryKeyConstraint('cooperative_id', 'user_id', name=op.f('pk_memberships'))
    )
    op.create_index(op.f('ix_memberships_user_id'), 'memberships', ['user_id'], unique=False)
    op.create_table('order_events',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('order_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('by_user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['by_user_id'], ['users.id'], name=op.f('fk_order_events_by_user_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_events_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_events'))
    )
    op.create_index(op.f('ix_order_events_order_id'), 'order_events', ['order_id'], unique=False)
    op.create_table('products',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slug', sa.String(length=80), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('name_en', sa.String(length=80), nullable=False),
    sa.Column('summary', sa.String(length=300), nullable=False),
    sa.Column('summary_en', sa.String(length=400), nullable=False),
    sa.Column('category_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('status', sa.Enum('draft', 'published', 'retired', name='status', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('illustration', sa.String(length=40), nullable=True),
    sa.Column('glyph', sa.String(length=2), nullable=False),
    sa.Column('storage', sa.String(length=60), nullable=False),
    sa.Column('storage_en', sa.String(length=120), nullable=False),
    sa.Column('shelf_life_days', sa.Integer(), nullable=False),
    sa.Column('first_harvest_month', sa.Integer(), nullable=True),
    sa.Column('last_harvest_month', sa.Integer(), nullable=True),
    sa.Column('is_cold_chain', sa.Boolean(), nullable=False),
    sa.Column('is_perishable', sa.Boolean(), nullable=False),
    sa.Column('ingredients', sa.String(length=200), nullable=False),
    sa.Column('standard', sa.String(length=60), nullable=False),
    sa.Column('origin_note', sa.String(length=200), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('tax_category', sa.String(length=20), nullable=False),
    sa.Column('search_text', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status <> 'published' OR (village_id IS NOT NULL AND cooperative_id IS NOT NULL)", name=op.f('ck_products_published_has_origin')),
    sa.CheckConstraint('first_harvest_month BETWEEN 1 AND 12 AND last_harvest_month BETWEEN 1 AND 12', name=op.f('ck_products_harvest_months')),
    sa.CheckConstraint('shelf_life_days > 0', name=op.f('ck_products_shelf_life')),
    sa.ForeignKeyConstraint(['category_id'], ['categories.id'], name=op.f('fk_products_category_id')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_products_cooperative_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_products_village_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_products')),
    sa.UniqueConstraint('slug', name=op.f('uq_products_slug'))
    )
    op.create_index(op.f('ix_products_cooperative_id'), 'products', ['cooperative_id'], unique=False)
    op.create_index('ix_products_shelf', 'products', ['status', 'category_id'], unique=False)
    op.create_index(op.f('ix_products_village_id'), 'products', ['village_id'], unique=False)
    op.create_table('returns',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('order_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('once', sa.String(length=80), nullable=False),
    sa.Column('by', sa.Enum('quantity', 'amount', name='by', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.String(length=120), nullable=False),
    sa.Column('restock', sa.Boolean(), nullable=False),
    sa.Column('goods_fen', sa.BigInteger(), nullable=False),
    sa.Column('shipping_fen', sa.Integer(), nullable=False),
    sa.Column('entry_id', sa.BigInteger(), nullable=False),
    sa.Column('reversed_by_entry_id', sa.BigInteger(), nullable=True),
    sa.Column('asked_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('goods_fen >= 0 AND shipping_fen >= 0 AND goods_fen + shipping_fen > 0', name=op.f('ck_returns_amount')),
    sa.ForeignKeyConstraint(['asked_by'], ['users.id'], name=op.f('fk_returns_asked_by')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_returns_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_returns')),
    sa.UniqueConstraint('once', name=op.f('uq_returns_once'))
    )
    op.create_index(op.f('ix_returns_order_id'), 'returns', ['order_id'], unique=False)
    op.create_table('shipments',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('order_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'to_pack', 'shipped', 'delivered', 'cancelled', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('grams', sa.Integer(), nullable=False),
    sa.Column('fee_fen', sa.Integer(), nullable=False),
    sa.Column('carrier', sa.String(length=40), nullable=False),
    sa.Column('tracking_number', sa.String(length=40), nullable=False),
    sa.Column('shipped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('fee_fen >= 0 AND grams >= 0', name=op.f('ck_shipments_not_negative')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_shipments_cooperative_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_shipments_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shipments')),
    sa.UniqueConstraint('order_id', 'cooperative_id', name=op.f('uq_shipments_order_id_cooperative_id'))
    )
    op.create_index(op.f('ix_shipments_cooperative_id'), 'shipments', ['cooperative_id'], unique=False)
    op.create_table('lots',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=24), nullable=False),
    sa.Column('product_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('harvested_on', sa.Date(), nullable=False),
    sa.Column('best_before', sa.Date(), nullable=False),
    sa.Column('grade', sa.String(length=20), nullable=False),
    sa.Column('produced_grams', sa.BigInteger(), nullable=False),
    sa.Column('packed_grams', sa.BigInteger(), nullable=False),
    sa.Column('gross_fen', sa.BigInteger(), nullable=False),
    sa.Column('source_version', sa.Integer(), nullable=False),
    sa.Column('once', sa.String(length=40), nullable=True),
    sa.Column('recorded_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recalled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('best_before >= harvested_on', name=op.f('ck_lots_dates')),
    sa.CheckConstraint('gross_fen >= 0', name=op.f('ck_lots_gross')),
    sa.CheckConstraint('packed_grams >= 0 AND packed_grams <= produced_grams', name=op.f('ck_lots_packed_within_produced')),
    sa.CheckConstraint('produced_grams > 0', name=op.f('ck_lots_produced')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_lots_cooperative_id')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_lots_product_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_lots_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lots')),
    sa.UniqueConstraint('code', name=op.f('uq_lots_code')),
    sa.UniqueConstraint('once', name=op.f('uq_lots_once'))
    )
    op.create_index(op.f('ix_lots_cooperative_id'), 'lots', ['cooperative_id'], unique=False)
    op.create_index('ix_lots_product', 'lots', ['product_id', 'best_before'], unique=False)
    op.create_table('postings',
    sa.Column('entry_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('business_day', sa.Date(), nullable=False),
    sa.CheckConstraint('amount_fen <> 0', name=op.f('ck_postings_amount')),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_postings_account_id')),
    sa.ForeignKeyConstraint(['entry_id'], ['entries.id'], name=op.f('fk_postings_entry_id'), initially='DEFERRED', deferrable=True),
    sa.PrimaryKeyConstraint('entry_id', 'seq', name=op.f('pk_postings'))
    )
    op.create_index('ix_postings_account_day', 'postings', ['account_id', 'business_day'], unique=False)
    op.create_table('skus',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('product_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('pack', sa.String(length=40), nullable=False),
    sa.Column('pack_en', sa.String(length=60), nullable=False),
    sa.Column('unit_word', sa.String(length=4), nullable=False),
    sa.Column('net_value', sa.Integer(), nullable=False),
    sa.Column('net_unit', sa.Enum('g', 'mL', 'pc', name='net_unit', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('packed_grams', sa.Integer(), nullable=False),
    sa.Column('price_fen', sa.Integer(), nullable=False),
    sa.Column('is_offered', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.CheckConstraint('net_value > 0 AND packed_grams > 0', name=op.f('ck_skus_content')),
    sa.CheckConstraint('price_fen > 0', name=op.f('ck_skus_price')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_skus_product_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_skus')),
    sa.UniqueConstraint('code', name=op.f('uq_skus_code'))
    )
    op.create_index(op.f('ix_skus_product_id'), 'skus', ['product_id'], unique=False)
    op.create_table('cart_lines',
    sa.Column('cart_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sku_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('seen_price_fen', sa.Integer(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_cart_lines_quantity')),
    sa.ForeignKeyConstraint(['cart_id'], ['carts.id'], name=op.f('fk_cart_lines_cart_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['sku_id'], ['skus.id'], name=op.f('fk_cart_lines_sku_id')),
    sa.PrimaryKeyConstraint('cart_id', 'sku_id', name=op.f('pk_cart_lines'))
    )
    op.create_table('lot_sources',
    sa.Column('lot_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('grams', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('grams > 0', name=op.f('ck_lot_sources_grams')),
    sa.ForeignKeyConstraint(['lot_id'], ['lots.id'], name=op.f('fk_lot_sources_lot_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_lot_sources_village_id')),
    sa.PrimaryKeyConstraint('lot_id', 'version', 'village_id', name=op.f('pk_lot_sources'))
    )
    op.create_index(op.f('ix_lot_sources_village_id'), 'lot_sources', ['village_id'], unique=False)
    op.create_table('order_lines',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('order_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('sku_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sku_code', sa.String(length=40), nullable=False),
    sa.Column('product_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('product_name', sa.String(length=60), nullable=False),
    sa.Column('product_name_en', sa.String(length=80), nullable=False),
    sa.Column('pack', sa.String(length=40), nullable=False),
    sa.Column('pack_en', sa.String(length=60), nullable=False),
    sa.Column('unit_word', sa.String(length=4), nullable=False),
    sa.Column('unit_price_fen', sa.Integer(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('discount_fen', sa.Integer(), nullable=False),
    sa.Column('net_fen', sa.BigInteger(), nullable=False),
    sa.Column('unit_grams', sa.Integer(), nullable=False),
    sa.Column('is_perishable', sa.Boolean(), nullable=False),
    sa.Column('is_cold_chain', sa.Boolean(), nullable=False),
    sa.Column('tax_category', sa.String(length=20), nullable=False),
    sa.Column('bundle_id', sa.String(length=32), nullable=True),
    sa.CheckConstraint('net_fen = unit_price_fen * quantity - discount_fen AND net_fen >= 0 AND discount_fen >= 0', name=op.f('ck_order_lines_net')),
    sa.CheckConstraint('quantity > 0 AND unit_price_fen >= 0', name=op.f('ck_order_lines_positive')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_order_lines_cooperative_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_lines_order_id')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_order_lines_product_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['skus.id'], name=op.f('fk_order_lines_sku_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_lines')),
    sa.UniqueConstraint('order_id', 'position', name=op.f('uq_order_lines_order_id_position'))
    )
    op.create_index(op.f('ix_order_lines_cooperative_id'), 'order_lines', ['cooperative_id'], unique=False)
    op.create_index(op.f('ix_order_lines_product_id'), 'order_lines', ['product_id'], unique=False)
    op.create_index(op.f('ix_order_lines_sku_id'), 'order_lines', ['sku_id'], unique=False)
    op.create_table('stock_items',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('lot_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sku_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('packed', sa.Integer(), nullable=False),
    sa.Column('held', sa.Integer(), nullable=False),
    sa.Column('sold', sa.Integer(), nullable=False),
    sa.Column('written_off', sa.Integer(), nullable=False),
    sa.Column('counted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('held + sold + written_off <= packed', name=op.f('ck_stock_items_sold_within_packed')),
    sa.CheckConstraint('packed >= 0 AND held >= 0 AND sold >= 0 AND written_off >= 0', name=op.f('ck_stock_items_not_negative')),
    sa.ForeignKeyConstraint(['lot_id'], ['lots.id'], name=op.f('fk_stock_items_lot_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['skus.id'], name=op.f('fk_stock_items_sku_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_items')),
    sa.UniqueConstraint('lot_id', 'sku_id', name=op.f('uq_stock_items_lot_id_sku_id'))
    )
    op.create_index(op.f('ix_stock_items_sku_id'), 'stock_items', ['sku_id'], unique=False)
    op.create_table('picks',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('line_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('units', sa.Integer(), nullable=False),
    sa.Column('returned_units', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('held', 'sold', 'released', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.CheckConstraint('returned_units >= 0 AND returned_units <= units', name=op.f('ck_picks_returned_within_units')),
    sa.CheckConstraint('units > 0', name=op.f('ck_picks_units')),
    sa.ForeignKeyConstraint(['item_id'], ['stock_items.id'], name=op.f('fk_picks_item_id')),
    sa.ForeignKeyConstraint(['line_id'], ['order_lines.id'], name=op.f('fk_picks_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_picks'))
    )
    op.create_index(op.f('ix_picks_item_id'), 'picks', ['item_id'], unique=False)
    op.create_index(op.f('ix_picks_line_id'), 'picks', ['line_id'], unique=False)
    op.create_table('attributions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('entry_id', sa.BigInteger(), nullable=False),
    sa.Column('order_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('line_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('pick_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('lot_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('source_version', sa.Integer(), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('is_refund', sa.Boolean(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('grams', sa.BigInteger(), nullable=False),
    sa.Column('lot_total_fen', sa.BigInteger(), nullable=False),
    sa.Column('business_day', sa.Date(), nullable=False),
    sa.Column('sold_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_attributions_cooperative_id')),
    sa.ForeignKeyConstraint(['entry_id'], ['entries.id'], name=op.f('fk_attributions_entry_id'), initially='DEFERRED', deferrable=True),
    sa.ForeignKeyConstraint(['line_id'], ['order_lines.id'], name=op.f('fk_attributions_line_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['lots.id'], name=op.f('fk_attributions_lot_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_attributions_order_id')),
    sa.ForeignKeyConstraint(['pick_id'], ['picks.id'], name=op.f('fk_attributions_pick_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_attributions_village_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attributions')),
    sa.UniqueConstraint('entry_id', 'pick_id', 'village_id', name=op.f('uq_attributions_entry_id_pick_id_village_id'))
    )
    op.create_index('ix_attributions_day', 'attributions', ['business_day', 'village_id'], unique=False)
    op.create_index('ix_attributions_line', 'attributions', ['line_id'], unique=False)
    op.create_index('ix_attributions_lot', 'attributions', ['lot_id'], unique=False)
    op.create_index(op.f('ix_attributions_order_id'), 'attributions', ['order_id'], unique=False)
    op.create_index('ix_attributions_pick', 'attributions', ['pick_id'], unique=False)
    op.create_index('ix_attributions_village', 'attributions', ['village_id', 'business_day'], unique=False)
    op.create_table('movements',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('item_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('packed', 'held', 'released', 'sold', 'returned', 'returned_spoilt', 'written_off', 'recounted', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('packed_change', sa.Integer(), nullable=False),
    sa.Column('held_change', sa.Integer(), nullable=False),
    sa.Column('sold_change', sa.Integer(), nullable=False),
    sa.Column('written_off_change', sa.Integer(), nullable=False),
    sa.Column('packed_after', sa.Integer(), nullable=False),
    sa.Column('held_after', sa.Integer(), nullable=False),
    sa.Column('sold_after', sa.Integer(), nullable=False),
    sa.Column('written_off_after', sa.Integer(), nullable=False),
    sa.Column('pick_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('once', sa.String(length=80), nullable=True),
    sa.Column('by_user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('reason', sa.String(length=120), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by_user_id'], ['users.id'], name=op.f('fk_movements_by_user_id')),
    sa.ForeignKeyConstraint(['item_id'], ['stock_items.id'], name=op.f('fk_movements_item_id')),
    sa.ForeignKeyConstraint(['pick_id'], ['picks.id'], name=op.f('fk_movements_pick_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_movements')),
    sa.UniqueConstraint('once', name=op.f('uq_movements_once'))
    )
    op.create_index(op.f('ix_movements_item_id'), 'movements', ['item_id'], unique=False)
    op.create_index(op.f('ix_movements_pick_id'), 'movements', ['pick_id'], unique=False)
    op.create_table('return_lines',
    sa.Column('return_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('pick_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('line_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('units', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('units >= 0 AND amount_fen >= 0', name=op.f('ck_return_lines_not_negative')),
    sa.ForeignKeyConstraint(['line_id'], ['order_lines.id'], name=op.f('fk_return_lines_line_id')),
    sa.ForeignKeyConstraint(['pick_id'], ['picks.id'], name=op.f('fk_return_lines_pick_id')),
    sa.ForeignKeyConstraint(['return_id'], ['returns.id'], name=op.f('fk_return_lines_return_id')),
    sa.PrimaryKeyConstraint('return_id', 'pick_id', name=op.f('pk_return_lines'))
    )
    op.create_index(op.f('ix_return_lines_line_id'), 'return_lines', ['line_id'], unique=False)
    op.create_index(op.f('ix_return_lines_pick_id'), 'return_lines', ['pick_id'], unique=False)
    _create_triggers()


def _create_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE.values():
            op.get_bind().exec_driver_sql(statement)
        return
    for name, body in POSTGRESQL_FUNCTIONS.items():
        op.get_bind().exec_driver_sql(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$" + body.replace("%", "%%") + "$$")
    for name, definition in POSTGRESQL_TRIGGERS.items():
        op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {definition}")


def downgrade() -> None:
    raise RuntimeError("the books are never dropped; restore a backup instead")
