"""The triggers by which the database itself keeps the books: their expected text, which `flask ledger verify` compares with what stands there.

The migration that made them holds its own copy, since history does not change; a test keeps the two the same.
PostgreSQL checks balance once per statement (a row trigger is quadratic), so all postings of an entry go in by one statement, the entry itself last.
SQLite's triggers fire row by row, so the entry, which comes last, makes the check. (ARCHITECTURE, "The books in the database")
"""

_BOOKS = ("entries", "postings", "attributions")
_HISTORY = ("movements", "audit_rows", "order_events", "lot_sources")
_MEMO_BOOK = (
    "lot_costs",
    "lot_cost_shares",
    "dividend_rules",
    "dividend_buckets",
    "dividend_rule_decisions",
    "dividend_sheets",
    "dividend_approvals",
    "dividend_runs",
    "dividend_shares",
    "dividend_payments",
    "dividend_answers",
    "dividend_publications",
)
_STATEMENTS = ("settlement_villages", "month_closings", "month_balances", "month_villages")

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
    "attributions_of_their_pick": """CREATE TRIGGER attributions_of_their_pick BEFORE INSERT ON attributions
  WHEN NOT EXISTS (SELECT 1 FROM picks JOIN order_lines ON order_lines.id = picks.line_id JOIN stock_items ON stock_items.id = picks.item_id
    JOIN lot_sources ON lot_sources.lot_id = stock_items.lot_id
    WHERE picks.id = new.pick_id AND order_lines.id = new.line_id AND order_lines.order_id = new.order_id
      AND order_lines.cooperative_id = new.cooperative_id AND stock_items.lot_id = new.lot_id AND lot_sources.village_id = new.village_id) BEGIN
  SELECT raise(ABORT, 'attribution is not of its pick');
END""",
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
    "order_notes_stand": """CREATE TRIGGER order_notes_stand BEFORE UPDATE ON order_notes
  WHEN new.words <> '' OR new.id <> old.id OR new.order_id <> old.order_id OR new.once <> old.once OR new.at <> old.at OR new.by_user_id <> old.by_user_id BEGIN
  SELECT raise(ABORT, 'order_notes are never changed, only emptied');
END""",
    "order_notes_no_delete": """CREATE TRIGGER order_notes_no_delete BEFORE DELETE ON order_notes BEGIN
  SELECT raise(ABORT, 'order_notes are never changed or deleted');
END""",
    "order_messages_stand": """CREATE TRIGGER order_messages_stand BEFORE UPDATE ON order_messages
  WHEN new.words <> '' OR new.id <> old.id OR new.order_id <> old.order_id OR new.once <> old.once OR new.at <> old.at OR new.side <> old.side
    OR new.by_user_id IS NOT old.by_user_id OR new.cooperative_id IS NOT old.cooperative_id OR new.is_settling <> old.is_settling BEGIN
  SELECT raise(ABORT, 'order_messages are never changed, only emptied');
END""",
    "order_messages_no_delete": """CREATE TRIGGER order_messages_no_delete BEFORE DELETE ON order_messages BEGIN
  SELECT raise(ABORT, 'order_messages are never changed or deleted');
END""",
} | {
    f"{table}_no_{verb.lower()}": f"""CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN
  SELECT raise(ABORT, '{table} are never changed or deleted');
END"""
    for table in _BOOKS + _HISTORY + _MEMO_BOOK + _STATEMENTS
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
    "history_stands": """
BEGIN
  RAISE EXCEPTION '% are never changed or deleted', TG_TABLE_NAME USING ERRCODE = '23514';
END
""",
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
    "order_notes_check": """
BEGIN
  IF NEW.words <> '' OR NEW.id <> OLD.id OR NEW.order_id <> OLD.order_id OR NEW.once <> OLD.once OR NEW.at <> OLD.at
    OR NEW.by_user_id <> OLD.by_user_id THEN
    RAISE EXCEPTION 'order_notes are never changed, only emptied' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END
""",
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
"""Bodies, by name; each is created with `SET search_path FROM CURRENT`, so that it finds the tables of its own schema."""

POSTGRESQL_BY_KEY = ("postings_check", "attributions_check", "entries_check")
"""Functions that look a statement's rows up in tables that grow for ever. PostgreSQL keeps their first plan for a connection's life; made on an empty table
it would read the whole table, so these are created with hash and merge joins and sequential scans off (decision 0024)."""

POSTGRESQL_TRIGGERS: dict[str, str] = {
    "postings_balance": "AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings FOR EACH STATEMENT EXECUTE FUNCTION postings_check()",
    "attributions_closed": "AFTER INSERT ON attributions REFERENCING NEW TABLE AS new_attributions FOR EACH STATEMENT EXECUTE FUNCTION attributions_check()",
    "entries_filled": "AFTER INSERT ON entries REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION entries_check()",
    "settlement_lines_drafted": "BEFORE INSERT OR DELETE ON settlement_lines FOR EACH ROW EXECUTE FUNCTION settlement_lines_check()",
    "settlement_lines_no_update": "BEFORE UPDATE ON settlement_lines FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "settlement_lines_no_truncate": "BEFORE TRUNCATE ON settlement_lines FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "settlements_stand": "BEFORE UPDATE ON settlements FOR EACH ROW EXECUTE FUNCTION settlements_check()",
    "settlements_no_delete": "BEFORE DELETE ON settlements FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "settlements_no_truncate": "BEFORE TRUNCATE ON settlements FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "periods_stay_closed": "BEFORE UPDATE ON periods FOR EACH ROW EXECUTE FUNCTION periods_check()",
    "periods_no_delete": "BEFORE DELETE ON periods FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "periods_no_truncate": "BEFORE TRUNCATE ON periods FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "order_notes_stand": "BEFORE UPDATE ON order_notes FOR EACH ROW EXECUTE FUNCTION order_notes_check()",
    "order_notes_no_delete": "BEFORE DELETE ON order_notes FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "order_notes_no_truncate": "BEFORE TRUNCATE ON order_notes FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "order_messages_stand": "BEFORE UPDATE ON order_messages FOR EACH ROW EXECUTE FUNCTION order_messages_check()",
    "order_messages_no_delete": "BEFORE DELETE ON order_messages FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
    "order_messages_no_truncate": "BEFORE TRUNCATE ON order_messages FOR EACH STATEMENT EXECUTE FUNCTION history_stands()",
} | {
    f"{table}_no_{verb.lower()}": f"BEFORE {verb} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION history_stands()"
    for table in _BOOKS + _HISTORY + _MEMO_BOOK + _STATEMENTS
    for verb in ("UPDATE", "DELETE", "TRUNCATE")
}
