"""Folding: entries that wait in `ledger_unfolded` are added to the roll-ups, each exactly once (DESIGN §6).

Law: an entry leaves the queue and enters the roll-ups in one transaction, and a reader takes roll-up and queue by one statement; so whoever commits when,
no fen is missed or counted twice. Ids do not commit in order, hence a queue and no watermark (PROVED, "Sweeping and folding").
"""

import json
import time
from datetime import date
from functools import cache

from sqlalchemy import Date, TextClause, bindparam, text

from shop.extensions import act, db, dialect, reading, require_transaction, table_of
from shop.kit.bulk import recordset
from shop.kit.ids import EntryId
from shop.reports.models import BuyersRollup, GoodsRollup
from shop.reports.periods import Period, month_of
from shop.reports.rollups import BUYERS, GRAINS_OF, KEYS, MONTHLY, Grain

BATCH = 2_000
"""Entries folded by one transaction."""
MOST_BATCHES = 50
"""Of one sweep; the next goes on."""
_PAUSE_SECONDS = 0.05
_LONGEST_DRAIN_SECONDS = 20.0


def fold_waiting() -> int:
    """Course, and the worker's sweep: fold what waits, and make the roll-ups anew if towns or pairings changed. How many entries were folded."""
    with reading():
        follows = follows_the_register()
        if follows and not waiting():
            return 0
    if not follows:
        rebuild()
    folded = 0
    for _ in range(MOST_BATCHES):
        batch = fold()
        folded += batch
        if batch < BATCH:
            break
    return folded


@act
def fold(limit: int = BATCH, *, month: str | None = None) -> int:
    """Fold at most `limit` waiting entries, of one month (2026-11) if given. How many; nought also when others are folding all that is left."""
    _hold_state(alone=False)
    entries = _take(limit, month)
    if entries:
        ids = json.dumps([{"entry_id": entry_id} for entry_id in entries])
        for table in KEYS:
            db.session.execute(_add_entries(table, dialect()), {"entries": ids})
        if not follows_the_register():
            db.session.execute(_FORGET_REGISTER)
    return len(entries)


def drain(month: str) -> int:
    """Course. Fold until no entry of the month (2026-11) waits; for whoever closes the month. How many were folded here.

    What another folder has in hand is waited for, for some seconds; closing looks for itself and refuses while anything waits.
    """
    folded, ends = 0, time.monotonic() + _LONGEST_DRAIN_SECONDS
    while True:
        batch = fold(month=month)
        folded += batch
        if batch:
            continue
        with reading():
            if not waiting(month) or time.monotonic() > ends:
                return folded
        time.sleep(_PAUSE_SECONDS)


def waiting(month: str | None = None) -> int:
    """How many entries are not folded yet, of one month (2026-11) or of all."""
    if month is None:
        return int(db.session.execute(_WAITING).scalar_one())
    return int(db.session.execute(_WAITING_OF_MONTH, _month_bounds(month)).scalar_one())


def rebuild() -> int:
    """Course. Make the roll-ups anew from the attributions, month by month, while the shop trades; how many months.

    Each month is replaced in one transaction by what its folded entries sum to, so a reader sees the old rows or the new, and both are whole.
    """
    _forget_register()
    with reading():
        register = _register()
        months = _months()
    for period in months:
        _rebuild_month(period)
    _follow_register(register)
    return len(months)


# ── Steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _take(limit: int, month: str | None) -> list[EntryId]:
    """Out of the queue, oldest ids first, passing over what another folder has in hand."""
    require_transaction()
    given: dict[str, object] = {"limit": limit}
    if month is not None:
        given |= _month_bounds(month)
    return [EntryId(id_) for id_ in db.session.execute(_take_statement(dialect(), month is not None), given).scalars()]


@cache
def _take_statement(kind: str, of_month: bool) -> TextClause:
    whose = "" if not of_month else " where exists (select 1 from entries where id = entry_id and business_day between :since and :until)"
    locked = " for update skip locked" if kind == "postgresql" else ""
    # Chosen once and kept: as a plain subquery PostgreSQL may ask it again for every row, each time passing over what it has locked, and take more.
    statement = text(
        f"""with taken as materialized (select entry_id from ledger_unfolded{whose} order by entry_id limit :limit{locked})
            delete from ledger_unfolded where entry_id in (select entry_id from taken) returning entry_id"""
    )
    return statement.bindparams(*_DAYS) if of_month else statement


_DAYS = (bindparam("since", type_=Date), bindparam("until", type_=Date))
_WAITING = text("select count(*) from ledger_unfolded")
_WAITING_OF_MONTH = text(
    "select count(*) from ledger_unfolded q join entries e on e.id = q.entry_id where e.business_day between :since and :until"
).bindparams(*_DAYS)
_FORGET_REGISTER = text("update rollup_state set register = '' where id = 1")


def _month_bounds(month: str) -> dict[str, object]:
    period = month_of(date.fromisoformat(f"{month}-01"))
    return {"since": period.since, "until": period.until}


@act
def _rebuild_month(period: Period) -> None:
    """By sets: the month's attributions are put together once, then summed by the finest grain, and from that by every other."""
    _hold_state(alone=True)
    days: dict[str, object] = {"since": period.since, "until": period.until}
    if dialect() == "postgresql":
        db.session.execute(text("set local work_mem = '128MB'"))
    bounds = dict(db.session.execute(_BOUNDS_OF_MONTH, days).mappings().one())
    if bounds["first_line"] is not None:
        db.session.execute(_put_together(dialect()), days | bounds)
    for table in KEYS:
        db.session.execute(_clear_month(table), days)
        if bounds["first_line"] is None:
            continue
        db.session.execute(_sum_up(table), days)
        for grain in reversed(GRAINS_OF[table]):
            for is_monthly in (False, True):
                db.session.execute(_add_grain(table, grain, is_monthly, dialect()), days)
        db.session.execute(text("drop table month_facts"))
    if bounds["first_line"] is not None:
        db.session.execute(text("drop table month_booked"))


@cache
def _clear_month(table: str) -> TextClause:
    return text(f"delete from {table} where day between :since and :until").bindparams(*_DAYS)


def _months() -> list[Period]:
    """Every month that has attributions by either day, or rows that should not be there."""
    found = db.session.execute(_FIRST_AND_LAST).one()
    days = [_as_day(day) for day in found if day is not None]
    if not days:
        return []
    months, month = [], month_of(min(days))
    while month.since <= max(days):
        months.append(month)
        month = month_of(date.fromordinal(month.until.toordinal() + 1))
    return months


_FIRST_AND_LAST = text(
    """select (select min(business_day) from attributions), (select max(business_day) from attributions),
              (select min(sold_on) from attributions), (select max(sold_on) from attributions),
              (select min(day) from rollup_goods), (select max(day) from rollup_goods),
              (select min(day) from rollup_buyers), (select max(day) from rollup_buyers)"""
)


def _as_day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


# ── What the roll-ups were folded by ──────────────────────────────────────────────────────────────────────────────────


def register_sql(kind: str) -> str:
    """A digest of what folding reads beside the books: each village's town, each town's county, and the pairings. A scalar SQL expression."""
    parts = (
        ("villages", "id || ':' || town_id"),
        ("towns", "id || ':' || county_code"),
        (
            "pairings",
            "id || ':' || unit_id || ':' || coalesce(village_id, 0) || ':' || coalesce(town_id, 0) || ':' || coalesce(cast(valid_from as text), '')"
            " || ':' || coalesce(cast(valid_until as text), '') || ':' || case when is_confirmed then 1 else 0 end",
        ),
    )
    if kind == "postgresql":
        whole = " || '/' || ".join(f"coalesce((select string_agg({words}, ',' order by id) from {table}), '')" for table, words in parts)
        return f"md5({whole})"
    return " || '/' || ".join(
        f"coalesce((select group_concat(words, ',') from (select {words} as words from {table} order by id)), '')" for table, words in parts
    )


def follows_sql(kind: str) -> str:
    """SQL: 1 if the roll-ups stand on the present register, else 0. With no state nothing was folded yet, and there is nothing that could differ."""
    return f"case when exists (select 1 from rollup_state where register <> {register_sql(kind)}) then 0 else 1 end"


def _register() -> str:
    return str(db.session.execute(_select_register(dialect())).scalar_one())


@cache
def _select_register(kind: str) -> TextClause:
    return text(f"select {register_sql(kind)}")


def follows_the_register() -> bool:
    """Whether towns, counties and pairings are those that the roll-ups were folded by."""
    return bool(db.session.execute(_select_follows(dialect())).scalar_one())


@cache
def _select_follows(kind: str) -> TextClause:
    return text(f"select {follows_sql(kind)}")


def _hold_state(*, alone: bool) -> None:
    """Folds go side by side; rebuilding a month is alone. The first fold of all notes the register."""
    require_transaction()
    lock = "" if dialect() == "sqlite" else " for update" if alone else " for share"
    if db.session.execute(text(f"select 1 from rollup_state where id = 1{lock}")).one_or_none() is None:
        values = {"register": _register()}
        db.session.execute(text("insert into rollup_state (id, register) values (1, :register) on conflict do nothing"), values)
        db.session.execute(text(f"select 1 from rollup_state where id = 1{lock}")).one()


@act
def _forget_register() -> None:
    _hold_state(alone=True)
    db.session.execute(_FORGET_REGISTER)


@act
def _follow_register(register: str) -> None:
    """Unless it changed again meanwhile."""
    _hold_state(alone=True)
    if register == _register():
        db.session.execute(text("update rollup_state set register = :register where id = 1"), {"register": register})


# ── What attributions add up to ───────────────────────────────────────────────────────────────────────────────────────

SUMS_OF = {
    str(model.__tablename__): tuple(
        column.name for column in table_of(model).columns if column.name not in ("grain", "day", *KEYS[str(model.__tablename__)])
    )
    for model in (GoodsRollup, BuyersRollup)
}
"""The columns that are added up."""


@cache
def _add_entries(table: str, kind: str) -> TextClause:
    given = recordset({"entry_id": "bigint"}, kind, "entries")
    return text(_add(table, kind, f"a.entry_id in (select entry_id from {given})"))


_OF_MONTH = """(a.business_day between :since and :until or a.sold_on between :since and :until)
        and not exists (select 1 from ledger_unfolded q where q.entry_id = a.entry_id)"""
_BOUNDS_OF_MONTH = text(
    """with of_month as materialized (select line_id, order_id, pick_id from attributions
         where business_day between :since and :until or sold_on between :since and :until)
       select min(line_id) as first_line, max(line_id) as last_line, min(order_id) as first_order, max(order_id) as last_order,
              min(pick_id) as first_pick, max(pick_id) as last_pick
         from of_month"""
).bindparams(*_DAYS)
"""Numbers run with time, so that lines, orders and picks of a month lie close together: a join need not read those of all years."""


@cache
def _put_together(kind: str) -> TextClause:
    near = """ and l.id between :first_line and :last_line and o.id between :first_order and :last_order
        and p.id between :first_pick and :last_pick"""
    return text(f"create temporary table month_booked as {_booked(_OF_MONTH + near)}").bindparams(*_DAYS)


@cache
def _sum_up(table: str) -> TextClause:
    whole = facts(table, dialect(), "", "day between :since and :until", found="select * from month_booked")
    return text(f"create temporary table month_facts as {whole} select * from facts").bindparams(*_DAYS)


@cache
def _add_grain(table: str, grain: Grain, is_monthly: bool, kind: str) -> TextClause:
    """A month's days of a grain from the facts; the month from the days."""
    columns, sums = KEYS[table], SUMS_OF[table]
    kept = ", ".join(name if name in grain.columns else f"{_NOUGHT.get(name, '0')} as {name}" for name in columns)
    source = f"{table} where grain = {grain.number} and day between :since and :until" if is_monthly else "month_facts"
    day = ":since" if is_monthly else "day"
    by = ", ".join(grain.columns if is_monthly else ("day", *grain.columns))
    grouped = f"select {kept}, {{}} as day, {', '.join(f'sum({name}) as {name}' for name in sums)} from {source} group by {by}"
    first = f"cast({day} as date)" if is_monthly and kind == "postgresql" else day
    statement = text(
        f"""insert into {table} (grain, day, {", ".join(columns)}, {", ".join(sums)})
 select {grain.number + MONTHLY * is_monthly}, day, {", ".join(columns)}, {", ".join(sums)} from ({grouped.format(first)}) g"""
    )
    return statement.bindparams(*_DAYS) if is_monthly else statement


def _add(table: str, kind: str, which: str) -> str:
    """Add the chosen attributions to every grain of a roll-up. Rows go in in the order of their key, so that two folds never wait crosswise."""
    columns, sums = KEYS[table], SUMS_OF[table]
    return f"""
insert into {table} (grain, day, {", ".join(columns)}, {", ".join(sums)})
{facts(table, kind, which)}
{_at_every_grain(table, kind, "facts")} order by {_places(table)}
on conflict (grain, day, {", ".join(columns)}) do update set {", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)}"""


def _at_every_grain(table: str, kind: str, source: str) -> str:
    """SQL: rows of the finest grain by day, summed by every grain, by day and by month."""
    columns = KEYS[table]
    month = "cast(date_trunc('month', f.day) as date)" if kind == "postgresql" else "date(f.day, 'start of month')"
    kept = ", ".join(f"case when g.has_{name} = 1 then f.{name} else {_NOUGHT.get(name, '0')} end as {name}" for name in columns)
    shapes = " union all ".join(
        f"select {grain.number + monthly} as grain, {int(monthly > 0)} as is_month"
        + "".join(f", {int(name in grain.columns)} as has_{name}" for name in columns)
        for grain in GRAINS_OF[table]
        for monthly in (0, MONTHLY)
    )
    summed = ", ".join(f"sum(f.{name}) as {name}" for name in SUMS_OF[table])
    return f"""select g.grain, case when g.is_month = 1 then {month} else f.day end as day, {kept}, {summed}
  from {source} f cross join ({shapes}) g where true group by {_places(table)}"""


def _places(table: str) -> str:
    return ", ".join(str(place) for place in range(1, len(KEYS[table]) + 3))


_NOUGHT = {"channel": "''", "district_code": "''", "accredited": "false"}


def _booked(which: str) -> str:
    """SQL: the chosen attributions `a`, with what roll-ups are summed by."""
    return f"""
 select a.line_id, a.pick_id, a.village_id, a.cooperative_id, a.is_refund, a.is_correction, a.amount_fen, a.grams, a.business_day, a.sold_on,
        v.town_id, t.county_code, l.sku_id, o.channel, a.is_accredited as accredited, p.units,
        coalesce(o.district_code, '') as district_code, coalesce(o.eastern_unit_id, 0) as eastern_unit_id
   from attributions a join villages v on v.id = a.village_id join towns t on t.id = v.town_id
   join order_lines l on l.id = a.line_id join orders o on o.id = a.order_id join picks p on p.id = a.pick_id
  where {which}"""


def facts(table: str, kind: str, which: str, when: str = "1 = 1", found: str = "") -> str:
    """SQL up to `facts`: the chosen attributions summed by the finest key and day of a roll-up.

    `which` chooses among attributions `a`; all rows of an entry or none. Or `found` has them put together already. A line is sold by one entry, so counts of
    lines and units add up over entries.
    What corrections do to them does not add up: a report over days on which a correction was booked asks the lines that it moved.
    """
    columns, sums = KEYS[table], SUMS_OF[table]
    keys = ", ".join(columns)
    fen = "cast(0 as bigint)" if kind == "postgresql" else "0"
    # Corrections move fen and grams; which lines and units they move only the lines know (`sales._from_rollup`).
    once = (
        "case when not is_refund and not is_correction and row_number() over"
        " (partition by {by}, is_refund, is_correction order by village_id, pick_id) = 1 then {what} else 0 end"
    )
    counts = {
        f"{what}_{scope}": once.format(by=", ".join([whole, *by]), what=amount)
        for what, whole, amount in (("lines", "line_id", "1"), ("units", "pick_id", "units"))
        for scope, by in _SCOPES.items()
        if f"{what}_{scope}" in sums
    }
    booked = {
        "rows": "1",
        "grams": "grams",
        "gross_fen": "case when is_refund then 0 else amount_fen end",
        "refunds_fen": "case when is_refund then -amount_fen else 0 end",
    }
    on_both = "case when sold_on = business_day then {} else 0 end"
    posting = [f"{sql} as posted_{name}" for name, sql in booked.items()] + [
        f"{on_both.format(sql)} as sold_{name}" for name, sql in booked.items()
    ]
    selling = [f"{fen} as posted_{name}" for name in booked] + [f"{sql} as sold_{name}" for name, sql in booked.items()]
    return f"""with booked as {_MATERIALIZED}({found or _booked(which)}),
 {_CREDITED if table == BUYERS else ""}
 counted as (select {keys}, business_day as day, {", ".join(posting)}, {", ".join(f"{sql} as {name}" for name, sql in counts.items())}
               from {"paired" if table == BUYERS else "booked"}
      union all
             select {keys}, sold_on as day, {", ".join(selling)}, {", ".join(f"0 as {name}" for name in counts)}
               from {"paired" if table == BUYERS else "booked"} where sold_on <> business_day),
 facts as (select day, {keys}, {", ".join(f"sum({name}) as {name}" for name in sums)} from counted where {when} group by day, {keys})"""


_MATERIALIZED = "materialized "
_SCOPES: dict[str, tuple[str, ...]] = {
    "in_village": ("village_id",),
    "in_town": ("town_id",),
    "in_county": ("county_code",),
    "in_pairing": ("pairing_id",),
    "at_all": (),
}
_CREDITED = """credited as (
 select eastern_unit_id, village_id, sold_on, pairing_id from (
   select s.eastern_unit_id, s.village_id, s.sold_on, c.id as pairing_id,
          row_number() over (partition by s.eastern_unit_id, s.village_id, s.sold_on
            order by case when c.village_id is null then 1 else 0 end, case when c.is_confirmed then 0 else 1 end, c.id) as place
     from (select distinct eastern_unit_id, village_id, town_id, sold_on from booked where eastern_unit_id <> 0) s
     join pairings c on c.unit_id = s.eastern_unit_id and (c.village_id = s.village_id or (c.village_id is null and c.town_id = s.town_id))
      and (c.valid_from is null or c.valid_from <= s.sold_on) and (c.valid_until is null or c.valid_until >= s.sold_on)) ranked
  where place = 1),
 paired as (select b.*, coalesce(c.pairing_id, 0) as pairing_id from booked b
    left join credited c on c.eastern_unit_id = b.eastern_unit_id and c.village_id = b.village_id and c.sold_on = b.sold_on),"""
"""As `dimensions.py` credits a pairing; a test holds the two together."""


# ── Checking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def find_differences(table: str) -> list[tuple[int, object]]:
    """Grain and day of every row of a roll-up that is not what the folded attributions sum to. Two statements; each reads its side once.

    The finest grain by day is compared with the attributions, every other grain with the finest.
    """
    kind, columns, sums = dialect(), KEYS[table], SUMS_OF[table]
    keys = ", ".join(columns)
    finest = GRAINS_OF[table][-1]
    folded = "not exists (select 1 from ledger_unfolded q where q.entry_id = a.entry_id)"
    differs = " or ".join(f"sum({name}) <> 0" for name in sums)
    added, taken = ", ".join(sums), ", ".join(f"-{name}" for name in sums)
    against_books = f"""{facts(table, kind, folded)}
      select {finest.number}, day from (select day, {keys}, {added} from facts
        union all select day, {keys}, {taken} from {table} where grain = {finest.number}) both_sides
       group by day, {keys} having {differs}"""
    against_finest = f"""select grain, day from (
      {_at_every_grain(table, kind, f"(select * from {table} where grain = {finest.number})")}
      union all select grain, day, {keys}, {taken} from {table}) both_sides
       group by grain, day, {keys} having {differs}"""
    return [(int(grain), day) for query in (against_books, against_finest) for grain, day in db.session.execute(text(query))]
