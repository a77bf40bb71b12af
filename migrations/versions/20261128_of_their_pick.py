"""Attributions are their pick's own: one check of a statement's rows instead of five keys of each row; entries are looked at once per statement too."""

import sqlalchemy as sa
from alembic import op

from migrations.widening import drop_keys

revision = '20261128_of_their_pick'
down_revision = "20261128_place_lists"
branch_labels = None
depends_on = None

KEYS = ('order_id', 'line_id', 'lot_id', 'cooperative_id', 'village_id')

SQLITE: dict[str, str] = {
    "attributions_of_their_pick": """CREATE TRIGGER attributions_of_their_pick BEFORE INSERT ON attributions
  WHEN NOT EXISTS (SELECT 1 FROM picks JOIN order_lines ON order_lines.id = picks.line_id JOIN stock_items ON stock_items.id = picks.item_id
    JOIN lot_sources ON lot_sources.lot_id = stock_items.lot_id
    WHERE picks.id = new.pick_id AND order_lines.id = new.line_id AND order_lines.order_id = new.order_id
      AND order_lines.cooperative_id = new.cooperative_id AND stock_items.lot_id = new.lot_id AND lot_sources.village_id = new.village_id) BEGIN
  SELECT raise(ABORT, 'attribution is not of its pick');
END""",
}

POSTGRESQL_FUNCTIONS: dict[str, str] = {
    "attributions_check": """
BEGIN
  IF EXISTS (SELECT 1 FROM entries WHERE id IN (SELECT entry_id FROM new_attributions)) THEN
    RAISE EXCEPTION 'entry is closed' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (SELECT 1 FROM new_attributions made WHERE NOT EXISTS (
    SELECT 1 FROM picks JOIN order_lines ON order_lines.id = picks.line_id JOIN stock_items ON stock_items.id = picks.item_id
      JOIN lot_sources ON lot_sources.lot_id = stock_items.lot_id
     WHERE picks.id = made.pick_id AND order_lines.id = made.line_id AND order_lines.order_id = made.order_id
       AND order_lines.cooperative_id = made.cooperative_id AND stock_items.lot_id = made.lot_id AND lot_sources.village_id = made.village_id)) THEN
    RAISE EXCEPTION 'attribution is not of its pick' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END
""",
    "entries_check": """
BEGIN
  IF EXISTS (SELECT 1 FROM new_entries made WHERE NOT EXISTS (SELECT 1 FROM postings WHERE postings.entry_id = made.id)) THEN
    RAISE EXCEPTION 'entry has no postings' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (SELECT 1 FROM (SELECT min(business_day) AS first_day FROM new_entries) made
    JOIN periods ON periods.month >= to_char(made.first_day, 'YYYY-MM') AND periods.closed_at IS NOT NULL) THEN
    RAISE EXCEPTION 'month is closed' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END
""",
}

POSTGRESQL_TRIGGERS: dict[str, str] = {
    "entries_filled": "AFTER INSERT ON entries REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION entries_check()",
}
POSTGRESQL_DROPPED = ("entries_month_check", "entries_in_open_months")

BY_KEY = "SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off"


def upgrade() -> None:
    connection = op.get_bind()
    drop_keys('attributions', KEYS)
    if connection.dialect.name == 'sqlite':
        for statement in SQLITE.values():
            connection.exec_driver_sql(statement)
        return
    connection.exec_driver_sql("DROP TRIGGER entries_in_open_months ON entries")
    connection.exec_driver_sql("DROP TRIGGER entries_filled ON entries")
    connection.exec_driver_sql("DROP FUNCTION entries_month_check()")
    for name, text in POSTGRESQL_FUNCTIONS.items():
        body = text.replace("%", "%%")
        connection.exec_driver_sql(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT {BY_KEY} AS $${body}$$"
        )
    for setting in ('enable_hashjoin', 'enable_mergejoin', 'enable_seqscan'):
        op.execute(sa.text(f"ALTER FUNCTION postings_check() SET {setting} = off"))
    for name, definition in POSTGRESQL_TRIGGERS.items():
        connection.exec_driver_sql(f"CREATE TRIGGER {name} {definition}")


def downgrade() -> None:
    raise RuntimeError('the books are never dropped; restore a backup instead')
