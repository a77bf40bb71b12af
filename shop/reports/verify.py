"""The checks behind `flask ledger verify`: one function per invariant of DESIGN §9 that this shop can break so far.

Each asks the database for what must not be there, so that a sound shop answers with nothing at all.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Row, text

from shop.extensions import db, dialect, snapshot
from shop.ledger import closing, dividing, triggers
from shop.ledger.dividends import WHOLE
from shop.ledger.split import Tree, Weighted
from shop.reports.folding import find_differences
from shop.reports.rollups import KEYS as ROLLUPS

_MOST_NAMED = 5
"""How many breaches a check names; it counts them all."""


@dataclass(frozen=True)
class Check:
    """What one check found."""

    name: str
    ok: bool
    detail: str


def verify() -> list[Check]:
    """Run every check, in the order of DESIGN §9, all upon one moment: a shop that is trading meanwhile is not found to be wrong."""
    with snapshot():
        return [_run(name, find) for name, find in _CHECKS]


def _run(name: str, find: Callable[[], Iterable[str]]) -> Check:
    breaches = list(find())
    named = "; ".join(breaches[:_MOST_NAMED]) + ("; …" if len(breaches) > _MOST_NAMED else "")
    return Check(name, not breaches, f"{len(breaches)} wrong: {named}" if breaches else "")


def _rows(sql: str) -> Sequence[Row[*tuple[Any, ...]]]:  # Any: plain SQL says nothing of its columns
    return db.session.execute(text(sql)).all()


def _vouchers_agree() -> Iterable[str]:
    """What vouchers took off stands on orders and lines; a use is counted once, and as long as its order may still be paid, or was."""
    for number, order_fen, lines_fen in _rows(
        """select o.number, o.discount_fen, sum(l.discount_fen) from orders o join order_lines l on l.order_id = o.id
            group by o.id, o.number, o.discount_fen having o.discount_fen <> sum(l.discount_fen)"""
    ):
        yield f"order {number} has a discount of {order_fen} fen, its lines {lines_fen}"
    for number, order_fen, used_fen in _rows(
        """select o.number, o.discount_fen, sum(u.amount_fen) from orders o join voucher_uses u on u.order_id = o.id
            group by o.id, o.number, o.discount_fen having o.discount_fen < sum(u.amount_fen)"""
    ):
        yield f"order {number} has a discount of {order_fen} fen, its vouchers took {used_fen}"
    for code, used, standing in _rows(
        """select v.code, v.used, count(u.id) from vouchers v left join voucher_uses u on u.voucher_id = v.id and u.released_at is null
            group by v.id, v.code, v.used having v.used <> count(u.id)"""
    ):
        yield f"voucher {code} says that {used} uses stand, and {standing} do"
    for code, number in _rows(
        """select u.code, o.number from voucher_uses u join orders o on o.id = u.order_id
            where (u.released_at is null) = (o.state in ('lapsed', 'cancelled'))"""
    ):
        yield f"the use of voucher {code} does not follow order {number}"


# ── 1. The books ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _entries_balance() -> Iterable[str]:
    for entry_id, currency, off in _rows(
        "select entry_id, currency, sum(amount_fen) from postings group by entry_id, currency having sum(amount_fen) <> 0"
    ):
        yield f"entry {entry_id} is off by {off} fen {currency}"
    for (entry_id,) in _rows("select id from entries where not exists (select 1 from postings where entry_id = entries.id)"):
        yield f"entry {entry_id} has no postings"
    for (entry_id,) in _rows(
        "select distinct entry_id from postings where not exists (select 1 from entries where id = postings.entry_id)"
    ):
        yield f"postings of {entry_id} have no entry"


def _triggers_stand() -> Iterable[str]:
    expected = triggers.SQLITE if dialect() == "sqlite" else {name: _shape(text) for name, text in triggers.POSTGRESQL_TRIGGERS.items()}
    standing = _sqlite_triggers() if dialect() == "sqlite" else _postgresql_triggers()
    for name, wanted in expected.items():
        if name not in standing:
            yield f"trigger {name} is missing"
        elif standing[name] != wanted:
            yield f"trigger {name} is not what it should be"


def _sqlite_triggers() -> dict[str, str]:
    return {str(name): str(sql) for name, sql in _rows("select name, sql from sqlite_master where type = 'trigger'")}


def _postgresql_triggers() -> dict[str, str]:
    rows = _rows(
        """select t.tgname, t.tgtype, c.relname, t.tgenabled, p.prosrc from pg_trigger t
             join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace join pg_proc p on p.oid = t.tgfoid
            where not t.tgisinternal and n.nspname = current_schema()"""
    )
    return {str(name): f"{kind} {table} {enabled} {body}" for name, kind, table, enabled, body in rows}


_TRIGGER_BITS = {" ROW ": 1, "BEFORE ": 2, " INSERT ": 4, " DELETE ": 8, " UPDATE ": 16, " TRUNCATE ": 32}
"""pg_trigger.tgtype (PostgreSQL source, catalog/pg_trigger.h)."""


def _shape(definition: str) -> str:
    kind = sum(bit for word, bit in _TRIGGER_BITS.items() if word in f" {definition} ".replace("BEFORE", " BEFORE", 1))
    table = definition.split(" ON ")[1].split(" ")[0]
    function = definition.rsplit(" ", 1)[1].removesuffix("()")
    return f"{kind} {table} O {triggers.POSTGRESQL_FUNCTIONS[function]}"


# ── 2, 3, 4. Whose money ──────────────────────────────────────────────────────────────────────────────────────────────


def _attributions_equal_net_less_refunds() -> Iterable[str]:
    rows = _rows(
        """select o.number, coalesce(a.fen, 0),
                  case when o.sold_on is null then 0 else coalesce(l.fen, 0) end - coalesce(r.fen, 0)
             from orders o
             left join (select order_id, sum(amount_fen) as fen from attributions group by order_id) a on a.order_id = o.id
             left join (select order_id, sum(net_fen) as fen from order_lines group by order_id) l on l.order_id = o.id
             left join (select order_id, sum(goods_fen) as fen from returns where reversed_by_entry_id is null group by order_id) r on r.order_id = o.id
            where coalesce(a.fen, 0) <> case when o.sold_on is null then 0 else coalesce(l.fen, 0) end - coalesce(r.fen, 0)"""
    )
    for number, attributed, due in rows:
        yield f"order {number}: {attributed} fen attributed, {due} due"


def _attributions_equal_proceeds() -> Iterable[str]:
    """Attributions = proceeds + on hold + settled, for every cooperative and village, day by day (DESIGN §9.3)."""
    rows = _rows(
        """select cooperative_id, village_id, day, sum(attributed), sum(posted) from (
             select cooperative_id, village_id, business_day as day, amount_fen as attributed, 0 as posted from attributions
             union all
             select a.cooperative_id, a.village_id, p.business_day, 0, -p.amount_fen from postings p
               join accounts a on a.id = p.account_id and a.kind in ('proceeds', 'hold')
               join entries e on e.id = p.entry_id and e.kind <> 'settlement') both_sides
            group by cooperative_id, village_id, day having sum(attributed) <> sum(posted)"""
    )
    for cooperative_id, village_id, day, attributed, posted in rows:
        yield f"cooperative {cooperative_id}, village {village_id}, {day}: {attributed} fen attributed, {posted} posted"


def _shares_stay_within_what_was_sold() -> Iterable[str]:
    rows = _rows(
        """select pick_id, village_id, sum(amount_fen), sum(case when is_refund then 0 else amount_fen end) from attributions
            group by pick_id, village_id
           having sum(amount_fen) < 0 or sum(amount_fen) > sum(case when is_refund then 0 else amount_fen end)"""
    )
    for pick_id, village_id, left, sold in rows:
        yield f"pick {pick_id}, village {village_id}: {left} fen of {sold}"
    rows = _rows(
        """select pick_id from (select pick_id, village_id, sum(amount_fen) as fen from attributions group by pick_id, village_id) shares
            group by pick_id having sum(fen) = 0 and max(fen) > 0"""
    )
    for (pick_id,) in rows:
        yield f"pick {pick_id} is refunded, but not every village of it"


def _shares_can_be_computed_again() -> Iterable[str]:
    """Every pick's shares follow from its place in the lot's running total and the sources alone: split(T) − split(T − x) (DESIGN §2.4).

    So they do again after each correction of the lot; and what was refunded of a pick is always split over the shares that hold for it (§2.5).
    """
    trees: dict[tuple[int, int], tuple[list[int], Tree]] = {}
    sources = db.session.execute(
        text(
            "select s.lot_id, s.version, s.village_id, v.code, s.grams from lot_sources s join villages v on v.id = s.village_id order by 1, 2, 3"
        )
    )
    for (lot_id, version), group in groupby(sources, key=lambda row: (row.lot_id, row.version)):
        given = list(group)
        trees[lot_id, version] = [row.village_id for row in given], Tree([Weighted(row.code, row.village_id, row.grams) for row in given])
    corrected = {
        row.lot_id: row.version
        for row in _rows("select lot_id, max(version) as version from lot_corrections where state = 'done' group by lot_id")
    }
    booked = db.session.execute(
        text(
            """select a.lot_id, a.source_version, a.pick_id, a.lot_total_fen, a.village_id, v.code, a.amount_fen, a.is_refund, a.is_correction,
                      a.is_accredited
                 from attributions a join villages v on v.id = a.village_id order by a.pick_id, a.source_version, a.id"""
        ),
        execution_options={"yield_per": 5_000},
    )
    for pick_id, group in groupby(booked, key=lambda row: row.pick_id):
        if wrong := _what_is_wrong(list(group), trees, corrected):
            yield f"pick {pick_id}: {wrong}"
    for lot_id, gross, sold in _rows(
        """select l.id, l.gross_fen, coalesce(a.fen, 0) from lots l
             left join (select lot_id, sum(amount_fen) as fen from attributions where not is_refund group by lot_id) a on a.lot_id = l.id
            where l.gross_fen <> coalesce(a.fen, 0)"""
    ):
        yield f"lot {lot_id}: running total {gross}, sold {sold}"


def _what_is_wrong(
    rows: Sequence[Row[*tuple[Any, ...]]],  # Any: as for `_rows`
    trees: dict[tuple[int, int], tuple[list[int], Tree]],
    corrected: dict[int, int],
) -> str:
    """Of one pick, from all that was booked of it in the order of versions; empty when all is well."""
    if len({bool(row.is_accredited) for row in rows}) > 1:
        return "it counts as accredited, and does not"
    fen = sum(row.amount_fen for row in rows if not (row.is_refund or row.is_correction))
    codes = {row.village_id: row.code for row in rows}
    sold: dict[int, int] = {}
    refunded: dict[int, int] = {}
    due: dict[int, int] = {}
    for version, of_version in groupby(rows, key=lambda row: row.source_version):
        for row in of_version:
            side = refunded if row.is_refund else sold
            side[row.village_id] = side.get(row.village_id, 0) + (-row.amount_fen if row.is_refund else row.amount_fen)
        villages, tree = trees[rows[0].lot_id, version]
        due = dict(zip(villages, tree.step(rows[0].lot_total_fen, fen), strict=True))
        if _not_nought(sold) != _not_nought(due):
            return f"its shares by version {version} of the sources"
    back_fen = sum(refunded.values())
    if back_fen and _not_nought(refunded) != _not_nought(_split_back(back_fen, due, codes)):
        return "what went back of it"
    last = corrected.get(rows[0].lot_id, 0)
    if rows[-1].source_version < last:  # a correction left it alone, so it must be the same by it
        villages, tree = trees[rows[0].lot_id, last]
        if _not_nought(dict(zip(villages, tree.step(rows[0].lot_total_fen, fen), strict=True))) != _not_nought(sold):
            return f"it was left out by the correction to version {last}"
    return ""


def _split_back(back_fen: int, recorded: dict[int, int], codes: dict[int, str | None]) -> dict[int, int]:
    sides = [Weighted(codes.get(village_id), village_id, fen) for village_id, fen in recorded.items()]
    return dict(zip(recorded, Tree(sides).split(back_fen), strict=True))


def _not_nought(fen: dict[int, int]) -> dict[int, int]:
    return {village_id: amount for village_id, amount in fen.items() if amount}


# ── 5. Stock ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _stock_is_explained() -> Iterable[str]:
    for (item_id,) in _rows(
        """select i.id from stock_items i
             left join (select item_id, sum(packed_change) as packed, sum(held_change) as held, sum(sold_change) as sold,
                               sum(written_off_change) as written_off from movements group by item_id) m on m.item_id = i.id
            where i.packed <> coalesce(m.packed, 0) or i.held <> coalesce(m.held, 0) or i.sold <> coalesce(m.sold, 0)
               or i.written_off <> coalesce(m.written_off, 0) or i.held + i.sold + i.written_off > i.packed"""
    ):
        yield f"item {item_id}: its movements do not add up to it"
    for item_id, held, picked in _rows(
        """select i.id, i.held, coalesce(p.units, 0) from stock_items i
             left join (select item_id, sum(units) as units from picks where state = 'held' group by item_id) p on p.item_id = i.id
            where i.held <> coalesce(p.units, 0)"""
    ):
        yield f"item {item_id}: {held} held, {picked} in picks"
    for item_id, sold, picked in _rows(
        """select i.id, i.sold, coalesce(p.units, 0) from stock_items i
             left join (select item_id, sum(units - returned_units) as units from picks where state = 'sold' group by item_id) p on p.item_id = i.id
            where i.sold <> coalesce(p.units, 0)"""
    ):
        yield f"item {item_id}: {sold} sold, {picked} in picks"
    for lot_id, packed, produced in _rows(
        """select l.id, coalesce(sum(i.packed * s.packed_grams), 0), l.produced_grams from lots l
             left join stock_items i on i.lot_id = l.id left join skus s on s.id = i.sku_id
            group by l.id, l.packed_grams, l.produced_grams
           having coalesce(sum(i.packed * s.packed_grams), 0) <> l.packed_grams or l.packed_grams > l.produced_grams"""
    ):
        yield f"lot {lot_id}: {packed} g packed of {produced}"
    for line_id, wanted, picked in _rows(
        """select l.id, l.quantity, coalesce(sum(p.units), 0) from order_lines l join orders o on o.id = l.order_id
             left join picks p on p.line_id = l.id and p.state = case when o.sold_on is null then 'held' else 'sold' end
            where o.state not in ('lapsed', 'cancelled') group by l.id, l.quantity having l.quantity <> coalesce(sum(p.units), 0)"""
    ):
        yield f"order line {line_id}: {wanted} wanted, {picked} picked"


# ── 6, 7. Money and orders ────────────────────────────────────────────────────────────────────────────────────────────


def _payments_are_booked_once() -> Iterable[str]:
    for provider, booked, received in _rows(
        """select provider, sum(booked), sum(received) from (
             select substr(a.code, 10) as provider, p.amount_fen as booked, 0 as received from postings p
               join accounts a on a.id = p.account_id and a.kind = 'clearing' and a.code like 'clearing/%'
               join entries e on e.id = p.entry_id and e.once not like 'balance:%' and e.kind not in ('suspense', 'suspense_cleared')
             union all
             select provider, 0, received_fen from payments where state = 'paid' and provider <> 'transfer'
             union all
             select p.provider, 0, -r.amount_fen from refunds r join payments p on p.id = r.payment_id
              where r.state <> 'failed' and p.state = 'paid' and not r.by_transfer) both_sides
            group by provider having sum(booked) <> sum(received)"""
    ):
        yield f"{provider}: {booked} fen in the books, {received} by the payments"
    for reference, paid, left in _rows(
        """select p.id, p.refunded_fen, coalesce(sum(r.amount_fen), 0) from payments p
             left join refunds r on r.payment_id = p.id and r.state <> 'failed'
            group by p.id, p.refunded_fen having p.refunded_fen <> coalesce(sum(r.amount_fen), 0)"""
    ):
        yield f"payment {reference}: {paid} fen refunded, {left} in refunds"


def _transfers_are_explained() -> Iterable[str]:
    """Each fen of a bank line is one payment's at most; what came by transfer is sold, waits, or is owed back, and the books say the same."""
    for line_id, allocated, received in _rows(
        """select l.id, l.allocated_fen, coalesce(sum(r.amount_fen), 0) from bank_lines l
             left join transfer_receipts r on r.line_id = l.id
            group by l.id, l.allocated_fen, l.amount_fen
           having l.allocated_fen <> coalesce(sum(r.amount_fen), 0) or l.allocated_fen > l.amount_fen"""
    ):
        yield f"bank line {line_id}: {allocated} fen allocated, {received} in receipts"
    for payment_id, received, receipts in _rows(
        """select p.id, p.received_fen, coalesce(sum(r.amount_fen), 0) from payments p
             left join transfer_receipts r on r.payment_id = p.id
            where p.provider = 'transfer' group by p.id, p.received_fen having p.received_fen <> coalesce(sum(r.amount_fen), 0)"""
    ):
        yield f"transfer {payment_id}: {received} fen received, {receipts} in receipts"
    ((booked, explained),) = _rows(
        """select (select coalesce(-sum(p.amount_fen), 0) from postings p
                     join accounts a on a.id = p.account_id and a.code = 'unallocated/transfer'),
                  (select coalesce(sum(amount_fen), 0) from transfer_receipts)
                - (select coalesce(sum(p.amount_fen), 0) from payments p join orders o on o.number = p.reference
                    where p.provider = 'transfer' and p.state = 'paid' and o.sold_on is not null)
                + (select coalesce(sum(r.amount_fen), 0) from refunds r join payments p on p.id = r.payment_id
                    where r.by_transfer and r.state <> 'failed'
                      and (p.provider <> 'transfer' or exists (select 1 from returns t where t.once = r.once)))
                - (select coalesce(sum(r.amount_fen), 0) from refunds r where r.by_transfer and r.state = 'succeeded')"""
    )
    if booked != explained:
        yield f"unallocated/transfer holds {booked} fen, receipts and refunds explain {explained}"
    for refund_id, state, confirmed_at in _rows(
        """select r.id, r.state, m.confirmed_at from refunds r left join remittances m on m.refund_id = r.id
            where r.by_transfer <> (m.id is not null) or (r.by_transfer and (r.state = 'succeeded') <> (m.confirmed_at is not null))"""
    ):
        yield f"refund {refund_id}, {state}: what is to be sent back says otherwise ({confirmed_at})"


def _paid_orders_are_sold_and_only_they() -> Iterable[str]:
    for (number,) in _rows(
        """select o.number from orders o left join entries e on e.subject = o.number and e.kind = 'sale'
            group by o.number, o.state, o.sold_on
           having (case when o.state in ('paid', 'packing', 'shipped', 'delivered', 'completed') then 1 else 0 end) <> count(e.id)
               or (o.sold_on is null) <> (count(e.id) = 0)"""
    ):
        yield f"order {number}: its state and its sale differ"
    for (number,) in _rows(
        """select p.reference from payments p
            where p.state = 'paid'
              and not exists (select 1 from refunds r where r.payment_id = p.id and r.once = 'giveback:pay:' || p.reference || ':' || p.attempt)
            group by p.reference having count(*) > 1"""
    ):
        yield f"order {number} kept the money of two payments"
    for (number,) in _rows(
        """select p.reference from payments p join orders o on o.number = p.reference
            where p.state = 'paid' and o.sold_on is null
              and not exists (select 1 from refunds r where r.payment_id = p.id and r.once = 'giveback:pay:' || p.reference || ':' || p.attempt)"""
    ):
        yield f"order {number} was paid, is not sold, and its money was not sent back"


def _claims_agree() -> Iterable[str]:
    """Lines count the units of claims that are open or were refunded; a claim is refunded by a refund of its own order that stands."""
    for line_id, counted, claimed in _rows(
        """select l.id, l.claimed_units, coalesce(sum(case when c.state in ('asked', 'accepted', 'sent', 'due', 'refunded') then k.quantity end), 0)
             from order_lines l left join claim_lines k on k.line_id = l.id left join claims c on c.id = k.claim_id
            where l.claimed_units <> 0 or k.line_id is not null group by l.id, l.claimed_units
           having l.claimed_units <> coalesce(sum(case when c.state in ('asked', 'accepted', 'sent', 'due', 'refunded') then k.quantity end), 0)"""
    ):
        yield f"order line {line_id} counts {counted} claimed units, its claims {claimed}"
    for (claim_id,) in _rows(
        """select c.id from claims c join returns r on r.id = c.return_id
            where c.state = 'refunded' and (r.order_id <> c.order_id or r.reversed_by_entry_id is not null) order by c.id"""
    ):
        yield f"claim {claim_id} is called refunded, and no refund of its order stands behind it"


# ── The account that a provider keeps for us ──────────────────────────────────────────────────────────────────────────


def _movements_are_booked_once() -> Iterable[str]:
    """Each stored movement has exactly one entry, whose postings are its net, its fee and its source; and no entry stands for none."""
    for provider_id, gross in _rows(
        """select b.provider_id, b.gross_fen from balance_transactions b left join entries e on e.id = b.entry_id
            where (b.net_fen <> 0 or b.entry_id is not null) and (e.id is null or e.once <> substr('balance:' || b.provider_id, 1, 80))"""
    ):
        yield f"movement {provider_id} of {gross} has no entry of its own"
    for (once,) in _rows(
        """select e.once from entries e left join balance_transactions b on b.entry_id = e.id where e.once like 'balance:%' and b.id is null"""
    ):
        yield f"entry {once} books no movement"
    for provider_id, net, booked in _rows(
        """select b.provider_id, b.net_fen, coalesce(sum(p.amount_fen), 0) from balance_transactions b
             left join (select p.entry_id, p.currency, p.amount_fen, a.code from postings p join accounts a on a.id = p.account_id) p
               on p.entry_id = b.entry_id and p.currency = b.currency and p.code = 'balance/' || b.provider
            group by b.id, b.provider_id, b.net_fen having b.net_fen <> coalesce(sum(p.amount_fen), 0)"""
    ):
        yield f"movement {provider_id}: net {net}, {booked} in the books"


def _balance_is_the_providers() -> Iterable[str]:
    """What the books say that a provider holds is what it has told us of, in each currency."""
    for provider, currency, booked, told in _rows(
        """select provider, currency, sum(booked), sum(told) from (
             select substr(a.code, 9) as provider, p.currency, p.amount_fen as booked, 0 as told from postings p
               join accounts a on a.id = p.account_id and a.kind = 'clearing' and a.code like 'balance/%'
             union all
             select provider, currency, 0, net_fen from balance_transactions) both_sides
            group by provider, currency having sum(booked) <> sum(told)"""
    ):
        yield f"{provider}: {booked} {currency} in the books, {told} by its account"
    for code, currency, fen in _rows(
        """select a.code, p.currency, sum(p.amount_fen) from postings p join accounts a on a.id = p.account_id
            where p.currency <> 'CNY' and a.kind in ('cash', 'proceeds', 'carriage', 'hold', 'payable') group by a.code, p.currency"""
    ):
        yield f"{code} holds {fen} {currency}: what villages, carriers and buyers have is in CNY"


def _holds_are_open_disputes() -> Iterable[str]:
    for number, held, booked in _rows(
        """select d.provider_id, d.held_fen, coalesce(-sum(p.amount_fen), 0) from disputes d
             left join entries e on e.once in (substr('dispute:' || d.provider_id, 1, 80), substr('dispute_won:' || d.provider_id, 1, 80),
                                               substr('dispute_lost:' || d.provider_id, 1, 80))
             left join (select p.entry_id, p.amount_fen from postings p join accounts a on a.id = p.account_id and a.kind = 'hold') p
               on p.entry_id = e.id
            group by d.id, d.provider_id, d.held_fen having d.held_fen <> coalesce(-sum(p.amount_fen), 0)"""
    ):
        yield f"dispute {number}: {held} fen on hold, {booked} in the books"
    for (number,) in _rows("select provider_id from disputes where held_fen <> 0 and state not in ('needs_response', 'under_review')"):
        yield f"dispute {number} is not open, and something is on hold for it"
    for held, booked in _rows(
        """select sum(held), sum(booked) from (
             select held_fen as held, 0 as booked from disputes
             union all
             select 0, -p.amount_fen from postings p join accounts a on a.id = p.account_id and a.kind = 'hold') both_sides
           having sum(held) <> sum(booked)"""
    ):
        yield f"{held} fen on hold for disputes, {booked} in the books"


def _payouts_equal_their_transactions() -> Iterable[str]:
    for provider_id, amount, counted, stored in _rows(
        """select o.provider_id, o.amount_fen, o.counted_fen, coalesce(sum(b.net_fen), 0) from payouts o
             left join balance_transactions b on b.payout_id = o.id and b.currency = o.currency
            where o.counted_fen is not null group by o.id, o.provider_id, o.amount_fen, o.counted_fen
           having o.counted_fen <> coalesce(sum(b.net_fen), 0) or o.amount_fen <> o.counted_fen"""
    ):
        yield f"payout {provider_id} of {amount}: {counted} by the provider, {stored} by its stored transactions"


def _suspense_is_listed() -> Iterable[str]:
    for provider, currency, booked, listed in _rows(
        """select provider, currency, sum(booked), sum(listed) from (
             select substr(a.code, 10) as provider, p.currency, p.amount_fen as booked, 0 as listed from postings p
               join accounts a on a.id = p.account_id and a.kind = 'suspense'
             union all
             select provider, currency, 0, amount_fen from suspense_items where cleared_at is null) both_sides
            group by provider, currency having sum(booked) <> sum(listed)"""
    ):
        yield f"{provider}: {booked} {currency} in suspense, {listed} listed for staff"


# ── The memo book: costs and dividends ────────────────────────────────────────────────────────────────────────────────


def _costs_are_shared_to_the_fen() -> Iterable[str]:
    """Every cost's shares follow from its lot's running total and sources; a cancelling row is its cost, negated."""
    for cost_id, amount, shared in _rows(
        """select c.id, c.amount_fen, coalesce(sum(s.amount_fen), 0) from lot_costs c left join lot_cost_shares s on s.cost_id = c.id
            group by c.id, c.amount_fen having c.amount_fen <> coalesce(sum(s.amount_fen), 0)"""
    ):
        yield f"cost {cost_id}: {shared} fen shared of {amount}"
    shares: dict[int, list[tuple[int, int]]] = {}
    for cost_id, village_id, fen in _rows("select cost_id, village_id, amount_fen from lot_cost_shares order by cost_id, village_id"):
        shares.setdefault(cost_id, []).append((village_id, fen))
    sources: dict[tuple[int, int], list[Weighted]] = {}
    for lot_id, version, village_id, code, grams in _rows(
        """select s.lot_id, s.version, s.village_id, v.code, s.grams from lot_sources s join villages v on v.id = s.village_id
            where s.lot_id in (select lot_id from lot_costs) order by s.lot_id, s.version, s.village_id"""
    ):
        sources.setdefault((lot_id, version), []).append(Weighted(code, village_id, grams))
    totals: dict[tuple[int, int], int] = {}
    for cost in _rows("select id, lot_id, source_version, amount_fen, lot_total_fen, reverses_id from lot_costs order by id"):
        if cost.reverses_id is not None:
            if shares.get(cost.id) != [(village_id, -fen) for village_id, fen in shares.get(cost.reverses_id, [])]:
                yield f"cost {cost.id} does not cancel cost {cost.reverses_id}"
            continue
        key = cost.lot_id, cost.source_version
        totals[key] = totals.get(key, 0) + cost.amount_fen
        if totals[key] != cost.lot_total_fen:
            yield f"cost {cost.id}: running total {cost.lot_total_fen}, told {totals[key]}"
            continue
        villages = sources.get(key, [])
        steps = Tree(villages).step(cost.lot_total_fen, cost.amount_fen) if villages else ()
        if shares.get(cost.id) != [(village.id, fen) for village, fen in zip(villages, steps, strict=True)]:
            yield f"cost {cost.id}: its shares are not those of its lot"


def _dividends_can_be_computed_again() -> Iterable[str]:
    """Every approved sheet is what its days' postings and costs make it, upon the sheets before it."""
    sheets = _rows(
        """select s.id, s.cooperative_id, s.seq, s.first_day, s.last_day, s.computed_by, a.approved_by from dividend_sheets s
             join dividend_approvals a on a.sheet_id = s.id order by s.cooperative_id, s.seq"""
    )
    for cooperative_id, group in groupby(sheets, key=lambda row: row.cooperative_id):
        if any(sum(rule.basis_points) != WHOLE for rule in dividing.rules_of(cooperative_id)):
            yield f"cooperative {cooperative_id} has a rule that is not whole: nothing can be computed by it"
            continue
        ended = ""
        for place, sheet in enumerate(group, start=1):
            first_day, last_day = _day(sheet.first_day), _day(sheet.last_day)
            if sheet.seq != place or (ended and str(first_day - timedelta(days=1)) != ended):
                yield f"sheet {sheet.id} does not follow the sheet before it"
            ended = str(last_day)
            if sheet.computed_by == sheet.approved_by:
                yield f"sheet {sheet.id} was approved by whoever computed it"
            if months := dividing.open_months(first_day, last_day):
                yield f"sheet {sheet.id} is approved over {', '.join(months)}, which is open"
            if dividing.computed(cooperative_id, first_day, last_day) != dividing.stored_runs(sheet.id):
                yield f"sheet {sheet.id} is not what its days make it"


def _dividends_keep_to_their_rules() -> Iterable[str]:
    """Over a version's life each bucket is within a fen of its part of what was paid, and no more is paid than there was."""
    for rule_id, village_id, seq, paid, points, whole in _rows(
        """select r.rule_id, r.village_id, s.seq, sum(s.amount_fen), b.basis_points, sum(r.payable_fen) from dividend_runs r
             join dividend_approvals a on a.sheet_id = r.sheet_id join dividend_shares s on s.run_id = r.id
             join dividend_buckets b on b.rule_id = r.rule_id and b.seq = s.seq
            group by r.rule_id, r.village_id, s.seq, b.basis_points
           having abs(sum(s.amount_fen) * 10000 - sum(r.payable_fen) * b.basis_points) >= 10000"""
    ):
        yield f"rule {rule_id}, village {village_id}, bucket {seq}: {paid} fen is not {points} of 10000 of {whole}"
    for run_id, payable, shared in _rows(
        """select r.id, r.payable_fen, coalesce(sum(s.amount_fen), 0) from dividend_runs r left join dividend_shares s on s.run_id = r.id
            group by r.id, r.payable_fen having r.payable_fen <> coalesce(sum(s.amount_fen), 0)"""
    ):
        yield f"run {run_id}: {shared} fen in buckets of {payable}"
    for rule_id, points in _rows(
        "select rule_id, sum(basis_points) from dividend_buckets group by rule_id having sum(basis_points) <> 10000"
    ):
        yield f"rule {rule_id} gives away {points} of 10000"
    for (rule_id,) in _rows(
        """select r.id from dividend_rules r join dividend_rule_decisions d on d.rule_id = r.id
            where d.decision = 'approved' and d.decided_by = r.proposed_by"""
    ):
        yield f"rule {rule_id} was approved by whoever proposed it"
    for (run_id,) in _rows(
        """select r.id from dividend_runs r left join dividend_approvals a on a.sheet_id = r.sheet_id
            where (a.sheet_id is null or r.payable_fen = 0) and exists (select 1 from dividend_payments p where p.run_id = r.id)"""
    ):
        yield f"run {run_id} was paid, and nothing was approved to be paid"
    for (run_id,) in _rows(
        """select r.id from dividend_publications u join dividend_runs r on r.id = u.run_id
            where r.payable_fen > 0 and not exists
                  (select 1 from dividend_payments p join dividend_answers w on w.payment_id = p.id and w.answer = 'confirmed' where p.run_id = r.id)"""
    ):
        yield f"run {run_id} was published before its village confirmed it"


def _day(value: object) -> date:
    """A day as plain SQL gives it: text on SQLite."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))


# ── 8. Roll-ups ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _rollups_equal_attributions() -> Iterable[str]:
    """What is folded stands in every grain to the fen, the gram and the line; what waits is in none."""
    for table in ROLLUPS:
        for grain, day in find_differences(table):
            yield f"{table}, grain {grain}, {day}"


# ── Settlements and closed months ─────────────────────────────────────────────────────────────────────────────────────


def _settlements_are_what_they_settle() -> Iterable[str]:
    """Every statement is the sum of its lines, carries on from the one before, and was booked as it says."""
    for number, village_id, told, found in _rows(
        """select s.number, v.village_id, v.sales_fen + v.refunds_fen + v.corrections_fen, coalesce(sum(a.amount_fen), 0)
             from settlements s join settlement_villages v on v.settlement_id = s.id
             left join (select l.settlement_id, a.village_id, a.amount_fen from settlement_lines l join attributions a on a.id = l.attribution_id) a
                    on a.settlement_id = s.id and a.village_id = v.village_id
            where s.state <> 'cancelled' group by s.number, v.village_id, v.sales_fen, v.refunds_fen, v.corrections_fen
           having v.sales_fen + v.refunds_fen + v.corrections_fen <> coalesce(sum(a.amount_fen), 0)"""
    ):
        yield f"settlement {number}, village {village_id}: {told} fen stated, {found} in its lines"
    for (attribution_id,) in _rows(
        """select l.attribution_id from settlement_lines l join settlements s on s.id = l.settlement_id join attributions a on a.id = l.attribution_id
            where s.state = 'cancelled' or a.cooperative_id <> s.cooperative_id or a.business_day > s.last_day
               or not exists (select 1 from settlement_villages v where v.settlement_id = s.id and v.village_id = a.village_id)"""
    ):
        yield f"attribution {attribution_id} stands in a settlement that it does not belong to"
    for number, total, carried_in, carried_out, villages_total, villages_in, villages_out in _rows(
        """select s.number, s.total_fen, s.carried_in_fen, s.carried_out_fen, sum(v.settled_fen), sum(v.carried_in_fen), sum(v.carried_out_fen)
             from settlements s join settlement_villages v on v.settlement_id = s.id
            group by s.number, s.total_fen, s.carried_in_fen, s.carried_out_fen
           having s.total_fen <> sum(v.settled_fen) or s.carried_in_fen <> sum(v.carried_in_fen) or s.carried_out_fen <> sum(v.carried_out_fen)"""
    ):
        yield f"settlement {number}: {total}, {carried_in}, {carried_out} fen; of its villages {villages_total}, {villages_in}, {villages_out}"
    carried: dict[tuple[int, int], int] = {}
    for row in _rows(
        """select s.number, s.cooperative_id, v.village_id, v.carried_in_fen, v.carried_out_fen from settlements s
             join settlement_villages v on v.settlement_id = s.id where s.state in ('approved', 'paid') order by s.cooperative_id, s.seq"""
    ):
        key = row.cooperative_id, row.village_id
        if row.carried_in_fen != carried.get(key, 0):
            yield f"settlement {row.number}, village {row.village_id}: {row.carried_in_fen} fen carried in, {carried.get(key, 0)} carried out before"
        carried[key] = row.carried_out_fen
    for number, settled, booked in _rows(
        """select number, sum(settled), sum(booked) from (
             select s.number, v.village_id, v.settled_fen as settled, 0 as booked from settlements s
               join settlement_villages v on v.settlement_id = s.id where s.state in ('approved', 'paid')
             union all
             select e.subject, a.village_id, 0, p.amount_fen from entries e join postings p on p.entry_id = e.id
               join accounts a on a.id = p.account_id and a.kind = 'proceeds' where e.kind = 'settlement') both_sides
            group by number, village_id having sum(settled) <> sum(booked)"""
    ):
        yield f"settlement {number}: {settled} fen settled, {booked} booked"
    for code, owed, due in _rows(
        """select code, sum(owed), sum(due) from (
             select a.code, -p.amount_fen as owed, 0 as due from postings p join accounts a on a.id = p.account_id and a.kind = 'payable'
             union all
             select 'payable/' || c.slug, 0, s.total_fen from settlements s join cooperatives c on c.id = s.cooperative_id where s.state = 'approved')
           both_sides group by code having sum(owed) <> sum(due)"""
    ):
        yield f"{code}: {owed} fen in the books, {due} approved and not paid"


def _closed_months_stand() -> Iterable[str]:
    """What a month was closed with is what the books hold of it today."""
    for (month,) in _rows(
        """select p.month from periods p left join month_closings c on c.month = p.month
            where (p.closed_at is null) <> (c.month is null)"""
    ):
        yield f"{month} is closed without its figures, or has figures and is open"
    for closing_row in _rows("select month, entries, postings, attributions from month_closings order by month"):
        since, until = closing.days_of(closing_row.month)
        days = {"since": since, "until": until}
        if tuple(closing_row[1:]) != tuple(db.session.execute(closing.COUNTS, days).one()):
            yield f"{closing_row.month}: entries came or went since it was closed"
        for name, table, now_sql in (("account", "month_balances", closing.BALANCES), ("village", "month_villages", closing.VILLAGES)):
            stored = db.session.execute(text(f"select * from {table} where month = :month"), {"month": closing_row.month}).all()
            found = db.session.execute(closing.dated(now_sql), days).all()
            if {tuple(row[1:]) for row in stored} != {tuple(row) for row in found}:
                yield f"{closing_row.month}: the figures of an {name} have changed since it was closed"


_CHECKS: tuple[tuple[str, Callable[[], Iterable[str]]], ...] = (
    ("entries_balance", _entries_balance),
    ("triggers_stand", _triggers_stand),
    ("attributions_equal_net_less_refunds", _attributions_equal_net_less_refunds),
    ("attributions_equal_proceeds", _attributions_equal_proceeds),
    ("shares_stay_within_what_was_sold", _shares_stay_within_what_was_sold),
    ("shares_can_be_computed_again", _shares_can_be_computed_again),
    ("settlements_are_what_they_settle", _settlements_are_what_they_settle),
    ("closed_months_stand", _closed_months_stand),
    ("stock_is_explained", _stock_is_explained),
    ("payments_are_booked_once", _payments_are_booked_once),
    ("transfers_are_explained", _transfers_are_explained),
    ("paid_orders_are_sold_and_only_they", _paid_orders_are_sold_and_only_they),
    ("vouchers_agree", _vouchers_agree),
    ("claims_agree", _claims_agree),
    ("costs_are_shared_to_the_fen", _costs_are_shared_to_the_fen),
    ("dividends_can_be_computed_again", _dividends_can_be_computed_again),
    ("dividends_keep_to_their_rules", _dividends_keep_to_their_rules),
    ("rollups_equal_attributions", _rollups_equal_attributions),
    ("movements_are_booked_once", _movements_are_booked_once),
    ("balance_is_the_providers", _balance_is_the_providers),
    ("holds_are_open_disputes", _holds_are_open_disputes),
    ("payouts_equal_their_transactions", _payouts_equal_their_transactions),
    ("suspense_is_listed", _suspense_is_listed),
)
