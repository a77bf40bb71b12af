"""Costs of lots, dividend rules and their runs."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_costs_and_dividends'
down_revision = '20261125_corrections'
branch_labels = None
depends_on = None

# A copy, not an import: history does not change when shop/ledger/triggers.py does.
_MEMO_BOOK = (
    "lot_costs", "lot_cost_shares", "dividend_rules", "dividend_buckets", "dividend_rule_decisions", "dividend_sheets", "dividend_approvals",
    "dividend_runs", "dividend_shares", "dividend_payments", "dividend_answers", "dividend_publications",
)

SQLITE: dict[str, str] = {
    f"{table}_no_{verb.lower()}": f"""CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN
  SELECT raise(ABORT, '{table} are never changed or deleted');
END"""
    for table in _MEMO_BOOK
    for verb in ("UPDATE", "DELETE")
}

POSTGRESQL_TRIGGERS: dict[str, str] = {
    f"{table}_no_{verb.lower()}": f"BEFORE {verb} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION history_stands()"
    for table in _MEMO_BOOK
    for verb in ("UPDATE", "DELETE", "TRUNCATE")
}


def upgrade() -> None:
    op.create_table('dividend_rules',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=30), nullable=False),
    sa.Column('base', sa.Enum('gross', 'net', name='base', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('once', sa.String(length=60), nullable=False),
    sa.Column('proposed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_dividend_rules_cooperative_id')),
    sa.ForeignKeyConstraint(['proposed_by'], ['users.id'], name=op.f('fk_dividend_rules_proposed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dividend_rules')),
    sa.UniqueConstraint('cooperative_id', 'version', name=op.f('uq_dividend_rules_cooperative_id_version')),
    sa.UniqueConstraint('once', name=op.f('uq_dividend_rules_once'))
    )
    op.create_table('dividend_sheets',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('once', sa.String(length=60), nullable=False),
    sa.Column('computed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('computed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('first_day <= last_day', name=op.f('ck_dividend_sheets_days')),
    sa.ForeignKeyConstraint(['computed_by'], ['users.id'], name=op.f('fk_dividend_sheets_computed_by')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_dividend_sheets_cooperative_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dividend_sheets')),
    sa.UniqueConstraint('once', name=op.f('uq_dividend_sheets_once'))
    )
    op.create_index('ix_dividend_sheets_stretch', 'dividend_sheets', ['cooperative_id', 'seq'], unique=False)
    op.create_table('dividend_approvals',
    sa.Column('sheet_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('approved_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['approved_by'], ['users.id'], name=op.f('fk_dividend_approvals_approved_by')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_dividend_approvals_cooperative_id')),
    sa.ForeignKeyConstraint(['sheet_id'], ['dividend_sheets.id'], name=op.f('fk_dividend_approvals_sheet_id')),
    sa.PrimaryKeyConstraint('sheet_id', name=op.f('pk_dividend_approvals')),
    sa.UniqueConstraint('cooperative_id', 'seq', name=op.f('uq_dividend_approvals_cooperative_id_seq'))
    )
    op.create_table('dividend_buckets',
    sa.Column('rule_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('word', sa.String(length=30), nullable=False),
    sa.Column('basis_points', sa.Integer(), nullable=False),
    sa.CheckConstraint('basis_points > 0 AND basis_points <= 10000', name=op.f('ck_dividend_buckets_basis_points')),
    sa.ForeignKeyConstraint(['rule_id'], ['dividend_rules.id'], name=op.f('fk_dividend_buckets_rule_id')),
    sa.PrimaryKeyConstraint('rule_id', 'seq', name=op.f('pk_dividend_buckets'))
    )
    op.create_table('dividend_rule_decisions',
    sa.Column('rule_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('decision', sa.Enum('approved', 'refused', name='decision', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.String(length=120), nullable=False),
    sa.Column('decided_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_dividend_rule_decisions_decided_by')),
    sa.ForeignKeyConstraint(['rule_id'], ['dividend_rules.id'], name=op.f('fk_dividend_rule_decisions_rule_id')),
    sa.PrimaryKeyConstraint('rule_id', name=op.f('pk_dividend_rule_decisions'))
    )
    op.create_table('dividend_runs',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sheet_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('rule_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('sales_fen', sa.BigInteger(), nullable=False),
    sa.Column('refunds_fen', sa.BigInteger(), nullable=False),
    sa.Column('corrections_fen', sa.BigInteger(), nullable=False),
    sa.Column('costs_fen', sa.BigInteger(), nullable=False),
    sa.Column('base_fen', sa.BigInteger(), nullable=False),
    sa.Column('carried_in_fen', sa.BigInteger(), nullable=False),
    sa.Column('paid_before_fen', sa.BigInteger(), nullable=False),
    sa.Column('payable_fen', sa.BigInteger(), nullable=False),
    sa.Column('carried_out_fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('base_fen = sales_fen + refunds_fen + corrections_fen - costs_fen', name=op.f('ck_dividend_runs_base')),
    sa.CheckConstraint('carried_in_fen + base_fen = payable_fen + carried_out_fen', name=op.f('ck_dividend_runs_carried')),
    sa.CheckConstraint('carried_in_fen <= 0 AND carried_out_fen <= 0 AND payable_fen >= 0 AND paid_before_fen >= 0', name=op.f('ck_dividend_runs_signs')),
    sa.CheckConstraint('payable_fen = 0 OR carried_out_fen = 0', name=op.f('ck_dividend_runs_paid_or_carried')),
    sa.ForeignKeyConstraint(['rule_id'], ['dividend_rules.id'], name=op.f('fk_dividend_runs_rule_id')),
    sa.ForeignKeyConstraint(['sheet_id'], ['dividend_sheets.id'], name=op.f('fk_dividend_runs_sheet_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_dividend_runs_village_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dividend_runs')),
    sa.UniqueConstraint('sheet_id', 'village_id', 'rule_id', name=op.f('uq_dividend_runs_sheet_id_village_id_rule_id'))
    )
    op.create_index(op.f('ix_dividend_runs_rule_id'), 'dividend_runs', ['rule_id'], unique=False)
    op.create_index(op.f('ix_dividend_runs_village_id'), 'dividend_runs', ['village_id'], unique=False)
    op.create_table('dividend_payments',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('paid_on', sa.Date(), nullable=False),
    sa.Column('bank_reference', sa.String(length=40), nullable=False),
    sa.Column('households', sa.JSON(), nullable=False),
    sa.Column('once', sa.String(length=60), nullable=False),
    sa.Column('paid_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['paid_by'], ['users.id'], name=op.f('fk_dividend_payments_paid_by')),
    sa.ForeignKeyConstraint(['run_id'], ['dividend_runs.id'], name=op.f('fk_dividend_payments_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dividend_payments')),
    sa.UniqueConstraint('once', name=op.f('uq_dividend_payments_once')),
    sa.UniqueConstraint('run_id', 'seq', name=op.f('uq_dividend_payments_run_id_seq'))
    )
    op.create_table('dividend_publications',
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('published_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['published_by'], ['users.id'], name=op.f('fk_dividend_publications_published_by')),
    sa.ForeignKeyConstraint(['run_id'], ['dividend_runs.id'], name=op.f('fk_dividend_publications_run_id')),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_dividend_publications'))
    )
    op.create_table('dividend_shares',
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('amount_fen >= 0', name=op.f('ck_dividend_shares_amount')),
    sa.ForeignKeyConstraint(['run_id'], ['dividend_runs.id'], name=op.f('fk_dividend_shares_run_id')),
    sa.PrimaryKeyConstraint('run_id', 'seq', name=op.f('pk_dividend_shares'))
    )
    op.create_table('lot_costs',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('lot_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cooperative_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('inputs', 'labour', 'packing', 'freight', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('incurred_on', sa.Date(), nullable=False),
    sa.Column('business_day', sa.Date(), nullable=False),
    sa.Column('note', sa.String(length=120), nullable=False),
    sa.Column('source_version', sa.Integer(), nullable=False),
    sa.Column('lot_total_fen', sa.BigInteger(), nullable=False),
    sa.Column('reverses_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('once', sa.String(length=60), nullable=False),
    sa.Column('recorded_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(reverses_id IS NULL AND amount_fen > 0) OR (reverses_id IS NOT NULL AND amount_fen < 0)', name=op.f('ck_lot_costs_amount')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_lot_costs_cooperative_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['lots.id'], name=op.f('fk_lot_costs_lot_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_lot_costs_recorded_by')),
    sa.ForeignKeyConstraint(['reverses_id'], ['lot_costs.id'], name=op.f('fk_lot_costs_reverses_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lot_costs')),
    sa.UniqueConstraint('once', name=op.f('uq_lot_costs_once')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_lot_costs_reverses_id'))
    )
    op.create_index('ix_lot_costs_day', 'lot_costs', ['cooperative_id', 'business_day'], unique=False)
    op.create_index(op.f('ix_lot_costs_lot_id'), 'lot_costs', ['lot_id'], unique=False)
    op.create_table('dividend_answers',
    sa.Column('payment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('answer', sa.Enum('confirmed', 'disputed', name='answer', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('word', sa.String(length=120), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['payment_id'], ['dividend_payments.id'], name=op.f('fk_dividend_answers_payment_id')),
    sa.PrimaryKeyConstraint('payment_id', 'answer', name=op.f('pk_dividend_answers'))
    )
    op.create_table('lot_cost_shares',
    sa.Column('cost_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('village_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['cost_id'], ['lot_costs.id'], name=op.f('fk_lot_cost_shares_cost_id')),
    sa.ForeignKeyConstraint(['village_id'], ['villages.id'], name=op.f('fk_lot_cost_shares_village_id')),
    sa.PrimaryKeyConstraint('cost_id', 'village_id', name=op.f('pk_lot_cost_shares'))
    )
    op.create_index(op.f('ix_lot_cost_shares_village_id'), 'lot_cost_shares', ['village_id'], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE.values():
            op.get_bind().exec_driver_sql(statement)
        return
    for name, definition in POSTGRESQL_TRIGGERS.items():
        op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {definition}")


def downgrade() -> None:
    raise RuntimeError("the books are never dropped; restore a backup instead")
