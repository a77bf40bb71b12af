"""Settlements with cooperatives, months that close."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_settlements'
down_revision = '20261125_costs_and_dividends'
branch_labels = None
depends_on = None

# A copy, not an import: history does not change when shop/ledger/triggers.py does.
_STATEMENTS = ("settlement_villages", "month_closings", "month_balances", "month_villages")

SQLITE: dict[str, str] = {
    "settlement_lines_drafted": """CREATE TRIGGER settlement_lines_drafted BEFORE INSERT ON settlement_lines
  WHEN (SELECT state FROM settlements WHERE id = new.settlement_id) <> 'draft' BEGIN
  SELECT raise(ABORT, 'settlement is decided');
END""",
    "settlement_lines_freed": """CREATE TRIGGER settlement_lines_freed BEFORE DELETE ON settlement_lines
  WHEN (SELECT state FROM settlements WHERE id = old.settlement_id) <> 'draft' BEGIN
  SELECT raise(ABORT, 'settlement is decided');
END""",
    "settlement_lines_no_update": """CREATE TRIGGER settlement_lines_no_update BEFORE UPDATE ON settlement_lines BEGIN
  SELECT raise(ABORT, 'settlement_lines are never changed or deleted');
END""",
    "settlements_stand": """CREATE TRIGGER settlements_stand BEFORE UPDATE ON settlements
  WHEN old.state IN ('paid', 'cancelled') OR new.id <> old.id OR new.cooperative_id <> old.cooperative_id OR new.last_day <> old.last_day
    OR new.total_fen <> old.total_fen OR (old.state = 'approved' AND (new.state <> 'paid' OR new.payee_account IS NOT old.payee_account)) BEGIN
  SELECT raise(ABORT, 'settlement is decided');
END""",
    "settlements_no_delete": """CREATE TRIGGER settlements_no_delete BEFORE DELETE ON settlements BEGIN
  SELECT raise(ABORT, 'settlements are never changed or deleted');
END""",
    "periods_stay_closed": """CREATE TRIGGER periods_stay_closed BEFORE UPDATE ON periods WHEN old.closed_at IS NOT NULL BEGIN
  SELECT raise(ABORT, 'month is closed');
END""",
    "periods_no_delete": """CREATE TRIGGER periods_no_delete BEFORE DELETE ON periods BEGIN
  SELECT raise(ABORT, 'periods are never changed or deleted');
END""",
    "entries_in_open_months": """CREATE TRIGGER entries_in_open_months BEFORE INSERT ON entries
  WHEN EXISTS (SELECT 1 FROM periods WHERE month >= substr(new.business_day, 1, 7) AND closed_at IS NOT NULL) BEGIN
  SELECT raise(ABORT, 'month is closed');
END""",
} | {
    f"{table}_no_{verb.lower()}": f"""CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN
  SELECT raise(ABORT, '{table} are never changed or deleted');
END"""
    for table in _STATEMENTS
    for verb in ("UPDATE", "DELETE")
}

POSTGRESQL_FUNCTIONS: dict[str, str] = {
    "settlement_lines_check": """
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF (SELECT state FROM settlements WHERE id = OLD.settlement_id) <> 'draft' THEN
      RAISE EXCEPTION 'settlement is decided' USING ERRCODE = '23514';
    END IF;
    RETURN OLD;
  END IF;
  IF (SELECT state FROM settlements WHERE id = NEW.settlement_id) <> 'draft' THEN
    RAISE EXCEPTION 'settlement is decided' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END
""",
    "settlements_check": """
BEGIN
  IF OLD.state IN ('paid', 'cancelled') OR NEW.id <> OLD.id OR NEW.cooperative_id <> OLD.cooperative_id OR NEW.last_day <> OLD.last_day
    OR NEW.total_fen <> OLD.total_fen OR (OLD.state = 'approved' AND (NEW.state <> 'paid' OR NEW.payee_account IS DISTINCT FROM OLD.payee_account)) THEN
    RAISE EXCEPTION 'settlement is decided' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END
""",
    "periods_check": """
BEGIN
  IF OLD.closed_at IS NOT NULL THEN
    RAISE EXCEPTION 'month is closed' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END
""",
    "entries_month_check": """
BEGIN
  IF EXISTS (SELECT 1 FROM periods WHERE month >= to_char(NEW.business_day, 'YYYY-MM') AND closed_at IS NOT NULL) THEN
    RAISE EXCEPTION 'month is closed' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END
""",
}

POSTGRESQL_TRIGGERS: dict[str, str] = {
    "settlement_lines_drafted": "BEFORE INSERT OR DELETE ON settlement_lines FOR EACH ROW EXECUTE FUNCTION settlement_lines_check()",
    "settlement_lines_no_update": "BEFORE UPDATE ON settlement_lines FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "settlement_lines_no_truncate": "BEFORE TRUNCATE ON settlement_lines FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "settlements_stand": "BEFORE UPDATE ON settlements FOR EACH ROW EXECUTE FUNCTION settlements_check()",
    "settlements_no_delete": "BEFORE DELETE ON settlements FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "settlements_no_truncate": "BEFORE TRUNCATE ON settlements FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "periods_stay_closed": "BEFORE UPDATE ON periods FOR EACH ROW EXECUTE FUNCTION periods_check()",
    "periods_no_delete": "BEFORE DELETE ON periods FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "periods_no_truncate": "BEFORE TRUNCATE ON periods FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "entries_in_open_months": "BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION entries_month_check()",
} | {
    f"{table}_no_{verb.lower()}": f"BEFORE {verb} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION history_stands()"
    for table in _STATEMENTS
    for verb in ("UPDATE", "DELETE", "TRUNCATE")
}


def upgrade() -> None:
    op.create_table('bank_accounts',
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('payee', sa.String(length=80), nullable=False),
    sa.Column('number', sa.String(length=34), nullable=False),
    sa.Column('bank', sa.String(length=80), nullable=False),
    sa.Column('bank_code', sa.String(length=12), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('changed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['changed_by'], ['users.id'], name=op.f('fk_bank_accounts_changed_by')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_bank_accounts_cooperative_id')),
    sa.PrimaryKeyConstraint('cooperative_id', name=op.f('pk_bank_accounts'))
    )
    op.create_table('month_closings',
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('entries', sa.Integer(), nullable=False),
    sa.Column('postings', sa.Integer(), nullable=False),
    sa.Column('attributions', sa.Integer(), nullable=False),
    sa.Column('closed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['closed_by'], ['users.id'], name=op.f('fk_month_closings_closed_by')),
    sa.ForeignKeyConstraint(['month'], ['periods.month'], name=op.f('fk_month_closings_month')),
    sa.PrimaryKeyConstraint('month', name=op.f('pk_month_closings'))
    )
    op.create_table('month_balances',
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('debit_fen', sa.BigInteger(), nullable=False),
    sa.Column('credit_fen', sa.BigInteger(), nullable=False),
    sa.Column('balance_fen', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_month_balances_account_id')),
    sa.ForeignKeyConstraint(['month'], ['month_closings.month'], name=op.f('fk_month_balances_month')),
    sa.PrimaryKeyConstraint('month', 'account_id', 'currency', name=op.f('pk_month_balances'))
    )
    op.create_table('month_villages',
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('gross_fen', sa.BigInteger(), nullable=False),
    sa.Column('refunds_fen', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_month_villages_cooperative_id')),
    sa.ForeignKeyConstraint(['month'], ['month_closings.month'], name=op.f('fk_month_villages_month')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_month_villages_village_id')),
    sa.PrimaryKeyConstraint('month', 'cooperative_id', 'village_id', name=op.f('pk_month_villages'))
    )
    op.create_table('settlements',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'approved', 'paid', 'cancelled', name='state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('total_fen', sa.BigInteger(), nullable=False),
    sa.Column('carried_in_fen', sa.BigInteger(), nullable=False),
    sa.Column('carried_out_fen', sa.BigInteger(), nullable=False),
    sa.Column('once', sa.String(length=60), nullable=False),
    sa.Column('drafted_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('drafted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approved_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('entry_id', sa.BigInteger(), nullable=True),
    sa.Column('payee_name', sa.String(length=80), nullable=True),
    sa.Column('payee_account', sa.String(length=34), nullable=True),
    sa.Column('payee_bank', sa.String(length=80), nullable=True),
    sa.Column('payee_bank_code', sa.String(length=12), nullable=True),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('paid_reference', sa.String(length=40), nullable=True),
    sa.Column('paid_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('paid_recorded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paid_entry_id', sa.BigInteger(), nullable=True),
    sa.Column('cancelled_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'paid') = (paid_on IS NOT NULL)", name=op.f('ck_settlements_paid')),
    sa.CheckConstraint("(state IN ('approved', 'paid')) = (approved_at IS NOT NULL)", name=op.f('ck_settlements_approved')),
    sa.CheckConstraint('approved_by <> drafted_by', name=op.f('ck_settlements_second_person')),
    sa.CheckConstraint('first_day <= last_day', name=op.f('ck_settlements_days')),
    sa.CheckConstraint('total_fen >= 0 AND carried_in_fen <= 0 AND carried_out_fen <= 0', name=op.f('ck_settlements_signs')),
    sa.ForeignKeyConstraint(['approved_by'], ['users.id'], name=op.f('fk_settlements_approved_by')),
    sa.ForeignKeyConstraint(['cancelled_by'], ['users.id'], name=op.f('fk_settlements_cancelled_by')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_settlements_cooperative_id')),
    sa.ForeignKeyConstraint(['drafted_by'], ['users.id'], name=op.f('fk_settlements_drafted_by')),
    sa.ForeignKeyConstraint(['entry_id'], ['entries.id'], name=op.f('fk_settlements_entry_id')),
    sa.ForeignKeyConstraint(['paid_by'], ['users.id'], name=op.f('fk_settlements_paid_by')),
    sa.ForeignKeyConstraint(['paid_entry_id'], ['entries.id'], name=op.f('fk_settlements_paid_entry_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlements')),
    sa.UniqueConstraint('cooperative_id', 'seq', name=op.f('uq_settlements_cooperative_id_seq')),
    sa.UniqueConstraint('number', name=op.f('uq_settlements_number')),
    sa.UniqueConstraint('once', name=op.f('uq_settlements_once')),
    sa.UniqueConstraint('paid_reference', name=op.f('uq_settlements_paid_reference'))
    )
    op.create_index('ix_settlements_state', 'settlements', ['state', 'id'], unique=False)
    op.create_table('settlement_villages',
    sa.Column('settlement_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('carried_in_fen', sa.BigInteger(), nullable=False),
    sa.Column('sales_fen', sa.BigInteger(), nullable=False),
    sa.Column('refunds_fen', sa.BigInteger(), nullable=False),
    sa.Column('corrections_fen', sa.BigInteger(), nullable=False),
    sa.Column('settled_fen', sa.BigInteger(), nullable=False),
    sa.Column('carried_out_fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('carried_in_fen + sales_fen + refunds_fen + corrections_fen = settled_fen + carried_out_fen', name=op.f('ck_settlement_villages_sum')),
    sa.CheckConstraint('carried_in_fen <= 0 AND settled_fen >= 0 AND carried_out_fen <= 0', name=op.f('ck_settlement_villages_signs')),
    sa.CheckConstraint('settled_fen = 0 OR carried_out_fen = 0', name=op.f('ck_settlement_villages_settled_or_carried')),
    sa.ForeignKeyConstraint(['settlement_id'], ['settlements.id'], name=op.f('fk_settlement_villages_settlement_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_settlement_villages_village_id')),
    sa.PrimaryKeyConstraint('settlement_id', 'village_id', name=op.f('pk_settlement_villages'))
    )
    op.create_index(op.f('ix_settlement_villages_village_id'), 'settlement_villages', ['village_id'], unique=False)
    op.create_table('settlement_lines',
    sa.Column('attribution_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('settlement_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['attribution_id'], ['attributions.id'], name=op.f('fk_settlement_lines_attribution_id')),
    sa.ForeignKeyConstraint(['settlement_id'], ['settlements.id'], name=op.f('fk_settlement_lines_settlement_id')),
    sa.PrimaryKeyConstraint('attribution_id', name=op.f('pk_settlement_lines'))
    )
    op.create_index(op.f('ix_settlement_lines_settlement_id'), 'settlement_lines', ['settlement_id'], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE.values():
            op.get_bind().exec_driver_sql(statement)
        return
    for name, text in POSTGRESQL_FUNCTIONS.items():
        op.get_bind().exec_driver_sql(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$" + text.replace("%", "%%") + "$$")
    for name, definition in POSTGRESQL_TRIGGERS.items():
        op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {definition}")


def downgrade() -> None:
    raise RuntimeError("the books are never dropped; restore a backup instead")
