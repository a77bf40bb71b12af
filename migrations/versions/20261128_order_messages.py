"""Messages on orders, and how far each side has read them."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_order_messages'
down_revision = "20261128_goods_facts"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
SIDES = ('buyer', 'cooperative', 'staff')

# A copy, not an import: history does not change when shop/ledger/triggers.py does.
SQLITE: dict[str, str] = {
    "order_messages_stand": """CREATE TRIGGER order_messages_stand BEFORE UPDATE ON order_messages
  WHEN new.words <> '' OR new.id <> old.id OR new.order_id <> old.order_id OR new.once <> old.once OR new.at <> old.at OR new.side <> old.side
    OR new.by_user_id IS NOT old.by_user_id OR new.cooperative_id IS NOT old.cooperative_id OR new.is_settling <> old.is_settling BEGIN
  SELECT raise(ABORT, 'order_messages are never changed, only emptied');
END""",
    "order_messages_no_delete": """CREATE TRIGGER order_messages_no_delete BEFORE DELETE ON order_messages BEGIN
  SELECT raise(ABORT, 'order_messages are never changed or deleted');
END""",
}
POSTGRESQL_FUNCTIONS: dict[str, str] = {
    "order_messages_check": """
BEGIN
  IF NEW.words <> '' OR NEW.id <> OLD.id OR NEW.order_id <> OLD.order_id OR NEW.once <> OLD.once OR NEW.at <> OLD.at OR NEW.side <> OLD.side
    OR NEW.by_user_id IS DISTINCT FROM OLD.by_user_id OR NEW.cooperative_id IS DISTINCT FROM OLD.cooperative_id
    OR NEW.is_settling <> OLD.is_settling THEN
    RAISE EXCEPTION 'order_messages are never changed, only emptied' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END
""",
}
POSTGRESQL_TRIGGERS: dict[str, str] = {
    "order_messages_stand": "BEFORE UPDATE ON order_messages FOR EACH ROW EXECUTE FUNCTION order_messages_check()",
    "order_messages_no_delete": "BEFORE DELETE ON order_messages FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "order_messages_no_truncate": "BEFORE TRUNCATE ON order_messages FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
}


def upgrade() -> None:
    op.create_table('order_messages',
    sa.Column('id', BIG_ID, nullable=False),
    sa.Column('order_id', BIG_ID, nullable=False),
    sa.Column('cooperative_id', BIG_ID, nullable=True),
    sa.Column('side', sa.Enum(*SIDES, name='side', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('once', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_user_id', BIG_ID, nullable=True),
    sa.Column('words', sa.String(length=500), nullable=False),
    sa.Column('is_settling', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['by_user_id'], ['users.id'], name=op.f('fk_order_messages_by_user_id')),
    sa.ForeignKeyConstraint(['cooperative_id'], ['cooperatives.id'], name=op.f('fk_order_messages_cooperative_id')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_messages_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_messages')),
    sa.UniqueConstraint('once', name=op.f('uq_order_messages_once'))
    )
    op.create_index(op.f('ix_order_messages_cooperative_id'), 'order_messages', ['cooperative_id'], unique=False)
    op.create_index('ix_order_messages_thread', 'order_messages', ['order_id', 'cooperative_id', 'id'], unique=False)
    op.create_table('order_messages_seen',
    sa.Column('order_id', BIG_ID, nullable=False),
    sa.Column('side', sa.Enum(*SIDES, name='side', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('cooperative_id', BIG_ID, nullable=False),
    sa.Column('message_id', BIG_ID, nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_messages_seen_order_id')),
    sa.PrimaryKeyConstraint('order_id', 'side', 'cooperative_id', name=op.f('pk_order_messages_seen'))
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE.values():
            op.get_bind().exec_driver_sql(statement)
        return
    for name, text in POSTGRESQL_FUNCTIONS.items():
        op.get_bind().exec_driver_sql(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$" + text.replace("%", "%%") + "$$")
    for name, definition in POSTGRESQL_TRIGGERS.items():
        op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {definition}")


def downgrade() -> None:
    raise RuntimeError('messages are never dropped; restore a backup instead')
