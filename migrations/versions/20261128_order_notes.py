"""Staff's notes on orders, and finding orders by name, e-mail and waybill."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_order_notes'
down_revision = "20261128_village_by_channel"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')

# A copy, not an import: history does not change when shop/ledger/triggers.py does.
SQLITE: dict[str, str] = {
    "order_notes_stand": """CREATE TRIGGER order_notes_stand BEFORE UPDATE ON order_notes
  WHEN new.words <> '' OR new.id <> old.id OR new.order_id <> old.order_id OR new.once <> old.once OR new.at <> old.at OR new.by_user_id <> old.by_user_id BEGIN
  SELECT raise(ABORT, 'order_notes are never changed, only emptied');
END""",
    "order_notes_no_delete": """CREATE TRIGGER order_notes_no_delete BEFORE DELETE ON order_notes BEGIN
  SELECT raise(ABORT, 'order_notes are never changed or deleted');
END""",
}
POSTGRESQL_FUNCTIONS: dict[str, str] = {
    "order_notes_check": """
BEGIN
  IF NEW.words <> '' OR NEW.id <> OLD.id OR NEW.order_id <> OLD.order_id OR NEW.once <> OLD.once OR NEW.at <> OLD.at
    OR NEW.by_user_id <> OLD.by_user_id THEN
    RAISE EXCEPTION 'order_notes are never changed, only emptied' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END
""",
}
POSTGRESQL_TRIGGERS: dict[str, str] = {
    "order_notes_stand": "BEFORE UPDATE ON order_notes FOR EACH ROW EXECUTE FUNCTION order_notes_check()",
    "order_notes_no_delete": "BEFORE DELETE ON order_notes FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "order_notes_no_truncate": "BEFORE TRUNCATE ON order_notes FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
}


def upgrade() -> None:
    op.create_table('order_notes',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('order_id', BIG_ID, nullable=False),
    sa.Column('once', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_user_id', BIG_ID, nullable=False),
    sa.Column('words', sa.String(length=400), nullable=False),
    sa.ForeignKeyConstraint(['by_user_id'], ['users.id'], name=op.f('fk_order_notes_by_user_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_notes_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_notes')),
    sa.UniqueConstraint('once', name=op.f('uq_order_notes_once'))
    )
    op.create_index(op.f('ix_order_notes_order_id'), 'order_notes', ['order_id'], unique=False)
    op.create_index('ix_orders_name', 'orders', ['name'], unique=False)
    op.create_index('ix_orders_email', 'orders', ['email'], unique=False)
    op.create_index('ix_shipments_tracking', 'shipments', ['tracking_number'], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE.values():
            op.get_bind().exec_driver_sql(statement)
        return
    for name, text in POSTGRESQL_FUNCTIONS.items():
        op.get_bind().exec_driver_sql(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$" + text.replace("%", "%%") + "$$")
    for name, definition in POSTGRESQL_TRIGGERS.items():
        op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {definition}")


def downgrade() -> None:
    raise RuntimeError('notes are never dropped; restore a backup instead')
