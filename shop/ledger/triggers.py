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
    for table in _BOOKS + _HISTORY + _MEMO_BOOK
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
"""Bodies, by name; each is created with `SET search_path FROM CURRENT`, so that it finds the tables of its own schema."""

POSTGRESQL_TRIGGERS: dict[str, str] = {
    "postings_balance": "AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings FOR EACH STATEMENT EXECUTE FUNCTION postings_check()",
    "attributions_closed": "AFTER INSERT ON attributions REFERENCING NEW TABLE AS new_attributions FOR EACH STATEMENT EXECUTE FUNCTION attributions_check()",
    "entries_filled": "BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION entries_check()",
} | {
    f"{table}_no_{verb.lower()}": f"BEFORE {verb} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION history_stands()"
    for table in _BOOKS + _HISTORY + _MEMO_BOOK
    for verb in ("UPDATE", "DELETE", "TRUNCATE")
}
