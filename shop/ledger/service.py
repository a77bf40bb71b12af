"""Writing the books: one verb, `post`, and the reads that a refund needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from shop.extensions import columns_of, db, dialect, put_in, require_transaction, rows_as
from shop.kit.ids import AccountId, CooperativeId, EntryId, LineId, LotId, OrderId, PickId, VillageId, new_entry_ids
from shop.ledger.attribution import Recorded
from shop.ledger.errors import PeriodClosed
from shop.ledger.models import Account, AccountKind, Attribution, Entry, EntryKind, Period, Posting, Unfolded
from shop.origin.models import Cooperative, Village

CNY = "CNY"
_OF_A_VILLAGE = (AccountKind.PROCEEDS, AccountKind.HOLD)
"""Kinds of accounts that are found by cooperative and village; all others by their names."""


@dataclass(frozen=True)
class Heading:
    """Which account: a named one (`clearing/stripe`), or one that a village has through a cooperative (its proceeds, or what is on hold)."""

    kind: AccountKind
    name: str = ""
    cooperative_id: CooperativeId | None = None
    village_id: VillageId | None = None


def clearing(provider: str) -> Heading:
    """Money that we expect at a provider: paid, less what was asked back, until its account says so (`at_provider`)."""
    return Heading(AccountKind.CLEARING, f"clearing/{provider}")


def at_provider(provider: str) -> Heading:
    """What a provider says that it holds for us, in the currency in which it settles."""
    return Heading(AccountKind.CLEARING, f"balance/{provider}")


def unallocated(provider: str) -> Heading:
    """Money that no order explains yet."""
    return Heading(AccountKind.UNALLOCATED, f"unallocated/{provider}")


def payable(cooperative_slug: str) -> Heading:
    """What is settled with a cooperative and not paid yet."""
    return Heading(AccountKind.PAYABLE, f"payable/{cooperative_slug}")


def fees(provider: str) -> Heading:
    """What a provider keeps for its work."""
    return Heading(AccountKind.FEES, f"fees/{provider}")


def exchange(provider: str) -> Heading:
    """Where one currency became another at a provider."""
    return Heading(AccountKind.EXCHANGE, f"exchange/{provider}")


def disputed(provider: str) -> Heading:
    """Money that a provider took back until a dispute is decided."""
    return Heading(AccountKind.DISPUTED, f"disputed/{provider}")


def suspense(provider: str) -> Heading:
    """Movements at a provider of a kind that we do not know."""
    return Heading(AccountKind.SUSPENSE, f"suspense/{provider}")


def on_hold(cooperative_id: CooperativeId, village_id: VillageId) -> Heading:
    """A village's share of sales in dispute."""
    return Heading(AccountKind.HOLD, cooperative_id=cooperative_id, village_id=village_id)


def proceeds(cooperative_id: CooperativeId, village_id: VillageId) -> Heading:
    """What a village's harvest earned through a cooperative."""
    return Heading(AccountKind.PROCEEDS, cooperative_id=cooperative_id, village_id=village_id)


BANK = Heading(AccountKind.BANK, "bank/operating")
CASH = Heading(AccountKind.CASH, "cash/offline")
CARRIAGE = Heading(AccountKind.CARRIAGE, "carriage/collected")


@dataclass(frozen=True)
class Leg:
    """So many fen on one account: debit positive, credit negative. Several legs of one account become one posting; nought becomes none."""

    heading: Heading
    amount_fen: int
    currency: str = CNY


@dataclass(frozen=True)
class Attributed:
    """What one village gets (or, in a refund, gives back: negative) of one pick."""

    order_id: OrderId
    line_id: LineId
    pick_id: PickId
    lot_id: LotId
    source_version: int
    cooperative_id: CooperativeId
    village_id: VillageId
    is_refund: bool
    amount_fen: int
    grams: int
    lot_total_fen: int
    sold_on: date
    is_correction: bool = False
    pick_change: int = 0
    is_accredited: bool = False


@dataclass(frozen=True)
class Booking:
    """One entry to be booked: see `post`."""

    kind: EntryKind
    legs: Sequence[Leg]
    attributed: Sequence[Attributed]
    once: str
    subject: str
    on: date
    reverses: EntryId | None = None
    is_apart: bool = False
    """What an account gives and what it gets stay two postings, even if nothing is left between them."""


def post(
    kind: EntryKind,
    legs: Iterable[Leg],
    attributed: Sequence[Attributed] = (),
    *,
    once: str,
    subject: str,
    on: date,
    now: datetime,
    reverses: EntryId | None = None,
) -> EntryId:
    """Step. Book one entry on the business day `on`: its postings, its attributions, and last the entry, which closes them.

    The legs must sum to nought per currency; the database refuses otherwise. `once` twice is refused by its key. Raises PeriodClosed.
    """
    return post_all([Booking(kind, tuple(legs), attributed, once, subject, on, reverses)], now=now)[0]


def post_all(bookings: Sequence[Booking], *, now: datetime) -> list[EntryId]:
    """Step. Book several entries as `post` books one, in their order, by as many statements as for one. Raises PeriodClosed, and then none is booked."""
    require_transaction()
    if closed := share_lock_months(booking.on for booking in bookings):
        raise PeriodClosed(closed[0])
    amounts = [_sum_legs(booking.legs, is_apart=booking.is_apart) for booking in bookings]
    accounts = _account_ids({heading for legs in amounts for heading, _, _ in legs})
    entry_ids = new_entry_ids(len(bookings))
    put_in(
        Posting,
        [
            {
                "entry_id": entry_id,
                "seq": seq,
                "account_id": accounts[heading],
                "currency": currency,
                "amount_fen": amount_fen,
                "business_day": booking.on,
            }
            for entry_id, booking, legs in zip(entry_ids, bookings, amounts, strict=True)
            for seq, ((heading, currency, _side), amount_fen) in enumerate(legs.items(), start=1)
        ],
    )
    put_in(
        Attribution,
        [
            _attribution(entry_id, booking.on, row)
            for entry_id, booking in zip(entry_ids, bookings, strict=True)
            for row in booking.attributed
        ],
    )
    put_in(
        Entry,
        [
            {
                "id": entry_id,
                "kind": booking.kind,
                "once": booking.once,
                "subject": booking.subject,
                "reverses_id": booking.reverses,
                "posted_at": now,
                "business_day": booking.on,
            }
            for entry_id, booking in zip(entry_ids, bookings, strict=True)
        ],
    )
    put_in(Unfolded, [{"entry_id": entry_id} for entry_id, booking in zip(entry_ids, bookings, strict=True) if booking.attributed])
    return entry_ids


def share_lock_period(day: date) -> None:
    """Step. Closing a month waits for postings under way, and they for it (DESIGN §2.7). Raises PeriodClosed."""
    if closed := share_lock_months([day]):
        raise PeriodClosed(closed[0])


def share_lock_months(days: Iterable[date]) -> tuple[str, ...]:
    """Step. Share-lock the months of several business days; those that are closed: every month up to the last one that was closed."""
    require_transaction()
    months = sorted({f"{day:%Y-%m}" for day in days})
    known = set(db.session.scalars(_SHARE_LOCK_PERIODS, {"months": months}))
    if missing := set(months) - known:
        for month in sorted(missing):
            db.session.execute(insert_if_missing(Period, {"month": month, "closed_at": None}))
        db.session.execute(_SHARE_LOCK_PERIODS, {"months": months})
    # Asked after the lock, by a statement of its own: whoever closed a later month while we waited is seen (`closing.lock_month`).
    last = last_closed_month()
    return tuple(month for month in months if month <= last)


_SHARE_LOCK_PERIODS = (
    select(columns_of(Period).month)
    .where(columns_of(Period).month.in_(bindparam("months", expanding=True)))
    .order_by(columns_of(Period).month)
    .with_for_update(read=True)
)


def last_closed_month() -> str:
    """The last month that is closed (`2026-10`), and with it every month before; "" if none is."""
    return db.session.scalar(_LAST_CLOSED) or ""


_LAST_CLOSED = select(func.max(columns_of(Period).month)).where(columns_of(Period).closed_at.isnot(None))


def closed_months(days: Iterable[date]) -> tuple[str, ...]:
    """Of the months of these business days those that are closed; for showing, since only `share_lock_months` keeps them open."""
    last = last_closed_month()
    return tuple(month for month in sorted({f"{day:%Y-%m}" for day in days}) if month <= last)


def _sum_legs(legs: Iterable[Leg], *, is_apart: bool) -> dict[tuple[Heading, str, bool], int]:
    """By account, currency and, if they are to stay apart, side: debits are False."""
    sums: dict[tuple[Heading, str, bool], int] = {}
    for leg in legs:
        key = leg.heading, leg.currency, is_apart and leg.amount_fen < 0
        sums[key] = sums.get(key, 0) + leg.amount_fen
    return {key: amount for key, amount in sums.items() if amount}


def _account_ids(headings: set[Heading]) -> dict[Heading, AccountId]:
    known = _find_accounts(headings)
    if missing := headings - known.keys():
        for row in _new_accounts(missing):
            db.session.execute(insert_if_missing(Account, row))
        known |= _find_accounts(missing)
    return known


def _find_accounts(headings: Iterable[Heading]) -> dict[Heading, AccountId]:
    known = db.session.execute(
        _FIND_ACCOUNTS,
        {
            "names": sorted(heading.name for heading in headings if heading.name),
            "cooperatives": sorted({heading.cooperative_id for heading in headings if heading.cooperative_id}),
            "villages": sorted({heading.village_id for heading in headings if heading.village_id}),
        },
    )
    found: dict[Heading, AccountId] = {}
    for row in known:
        name = "" if row.kind in _OF_A_VILLAGE else row.code
        found[Heading(row.kind, name, row.cooperative_id, row.village_id)] = AccountId(row.id)
    return {heading: found[heading] for heading in headings if heading in found}


_account = columns_of(Account)
_FIND_ACCOUNTS = select(_account.id, _account.code, _account.kind, _account.cooperative_id, _account.village_id).where(
    or_(
        _account.code.in_(bindparam("names", expanding=True)),
        and_(
            _account.cooperative_id.in_(bindparam("cooperatives", expanding=True)),
            _account.village_id.in_(bindparam("villages", expanding=True)),
        ),
    )
)
"""Named accounts, and every pairing of the cooperatives and villages; the caller takes those it asked for."""


def _new_accounts(headings: Iterable[Heading]) -> list[dict[str, object]]:
    cooperatives = dict(db.session.execute(select(Cooperative.id, Cooperative.slug)).all())
    villages = dict(db.session.execute(select(Village.id, Village.slug)).all())
    return [
        {
            "code": heading.name or f"{heading.kind}/{cooperatives[heading.cooperative_id or 0]}/{villages[heading.village_id or 0]}",
            "kind": heading.kind,
            "cooperative_id": heading.cooperative_id,
            "village_id": heading.village_id,
        }
        for heading in sorted(headings, key=lambda heading: (heading.name, heading.cooperative_id or 0, heading.village_id or 0))
    ]


def insert_if_missing(model: type[Period] | type[Account], values: dict[str, object]) -> sqlite.Insert | postgresql.Insert:
    """A statement that inserts a row, unless one of its key is there."""
    statement = postgresql.insert(model) if dialect() == "postgresql" else sqlite.insert(model)
    return statement.values(**values).on_conflict_do_nothing()


def _attribution(entry_id: EntryId, on: date, row: Attributed) -> dict[str, object]:
    return {
        "entry_id": entry_id,
        "order_id": row.order_id,
        "line_id": row.line_id,
        "pick_id": row.pick_id,
        "lot_id": row.lot_id,
        "source_version": row.source_version,
        "cooperative_id": row.cooperative_id,
        "village_id": row.village_id,
        "is_refund": row.is_refund,
        "amount_fen": row.amount_fen,
        "grams": row.grams,
        "lot_total_fen": row.lot_total_fen,
        "business_day": on,
        "sold_on": row.sold_on,
        "is_correction": row.is_correction,
        "pick_change": row.pick_change,
        "is_accredited": row.is_accredited,
    }


# ── What a refund needs to know ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class BookedPick:
    """A sold pick as the books hold it: what each village got by the sources that hold for it now, and what has gone back since.

    The sources are those of the sale or, when its lot was corrected since, of the last correction that was booked for it.
    """

    pick_id: PickId
    line_id: LineId
    lot_id: LotId
    source_version: int
    lot_total_fen: int
    cooperative_id: CooperativeId
    sold_on: date
    recorded: tuple[Recorded, ...]
    refunded_fen: int
    is_accredited: bool
    order_id: OrderId
    sale_entry_id: EntryId
    """The entry that sold it."""
    grams: int
    refunded: Mapping[VillageId, int]
    """What each village gave back, nought or more; sums to `refunded_fen`."""
    weighed: Mapping[VillageId, int]
    """The grams of each village; sums to `grams`."""

    @property
    def fen(self) -> int:
        """What it was sold for."""
        return sum(share.fen for share in self.recorded)


def booked_picks(order_id: OrderId) -> dict[PickId, BookedPick]:
    """Every pick of an order that the books know, by pick id."""
    return booked_picks_of([order_id]).get(order_id, {})


def booked_picks_of(order_ids: Iterable[OrderId], *, lot_id: LotId | None = None) -> dict[OrderId, dict[PickId, BookedPick]]:
    """The same of several orders, of one lot alone if it is given; those that the books do not know are missing."""
    query = (
        select(
            Attribution.entry_id,
            Attribution.order_id,
            Attribution.pick_id,
            Attribution.line_id,
            Attribution.lot_id,
            Attribution.source_version,
            Attribution.lot_total_fen,
            Attribution.cooperative_id,
            Attribution.sold_on,
            Attribution.village_id,
            Village.code,
            Attribution.is_refund,
            Attribution.is_correction,
            Attribution.pick_change,
            Attribution.is_accredited,
            Attribution.amount_fen,
            Attribution.grams,
        )
        .join(Village, Village.id == Attribution.village_id)
        .where(Attribution.order_id.in_(sorted(order_ids)))
        .order_by(Attribution.pick_id, Attribution.village_id, Attribution.id)
    )
    rows = db.session.execute(query if lot_id is None else query.where(Attribution.lot_id == lot_id)).all()
    found: dict[OrderId, dict[PickId, BookedPick]] = {}
    for _pick_id, group in groupby(rows, key=lambda row: row.pick_id):
        pick = _booked_pick(list(group))
        found.setdefault(pick.order_id, {})[pick.pick_id] = pick
    return found


def _booked_pick(rows: Sequence[Row[*tuple[Any, ...]]]) -> BookedPick:  # Any: a row of many columns
    """One pick from all that was booked of it, ordered by village."""
    sale = next(row for row in rows if not (row.is_refund or row.is_correction))
    shares: dict[VillageId, Recorded] = {}
    parts: dict[VillageId, int] = {}
    refunded: dict[VillageId, int] = {}
    weighed: dict[VillageId, int] = {}
    for row in rows:
        village_id = VillageId(row.village_id)
        if row.is_refund:
            refunded[village_id] = refunded.get(village_id, 0) - row.amount_fen
            continue
        known = shares.get(village_id, Recorded(village_id, row.code, 0))
        shares[village_id] = replace(known, fen=known.fen + row.amount_fen)
        parts[village_id] = parts.get(village_id, 0) + (row.pick_change if row.is_correction else 1)
        weighed[village_id] = weighed.get(village_id, 0) + row.grams
    return BookedPick(
        pick_id=PickId(sale.pick_id),
        line_id=sale.line_id,
        lot_id=sale.lot_id,
        source_version=max(row.source_version for row in rows),
        lot_total_fen=sale.lot_total_fen,
        cooperative_id=sale.cooperative_id,
        sold_on=sale.sold_on,
        recorded=tuple(share for village_id, share in shares.items() if parts[village_id]),
        refunded_fen=sum(refunded.values()),
        is_accredited=sale.is_accredited,
        order_id=OrderId(sale.order_id),
        sale_entry_id=EntryId(sale.entry_id),
        grams=sum(weighed.values()),
        refunded={village_id: fen for village_id, fen in refunded.items() if fen},
        weighed={village_id: weighed[village_id] for village_id in shares if parts[village_id]},
    )


def orders_of_lot(lot_id: LotId, *, after: OrderId, most: int) -> list[OrderId]:
    """Orders that were sold something of a lot, by id: at most `most` of those after `after`."""
    rows = select(Attribution.order_id).where(Attribution.lot_id == lot_id, Attribution.order_id > after).distinct()
    return [OrderId(row) for row in db.session.scalars(rows.order_by(Attribution.order_id).limit(most))]


def days_of(entry_ids: Iterable[EntryId]) -> dict[EntryId, date]:
    """The business days of entries."""
    rows = db.session.execute(select(Entry.id, Entry.business_day).where(Entry.id.in_(sorted(entry_ids))))
    return {EntryId(row.id): row.business_day for row in rows}


def village_amounts(order_id: OrderId) -> dict[VillageId, int]:
    """What each village has of an order now: sales less refunds, fen."""
    amount = func.sum(Attribution.amount_fen)
    rows = db.session.execute(
        select(Attribution.village_id, amount).where(Attribution.order_id == order_id).group_by(Attribution.village_id)
    )
    return {VillageId(village_id): int(fen) for village_id, fen in rows}


@dataclass(frozen=True)
class BookedEntry:
    """An entry with its legs and attributions, as needed to reverse it."""

    id: EntryId
    subject: str
    legs: tuple[Leg, ...]
    attributed: tuple[Attributed, ...]


def get_entry(entry_id: EntryId) -> BookedEntry:
    """An entry, which must exist."""
    subject = db.session.scalars(select(Entry.subject).where(Entry.id == entry_id)).one()
    postings = db.session.execute(
        select(Account.kind, Account.code, Account.cooperative_id, Account.village_id, Posting.amount_fen, Posting.currency)
        .join(Account, Account.id == Posting.account_id)
        .where(Posting.entry_id == entry_id)
        .order_by(Posting.seq)
    )
    legs = tuple(
        Leg(
            Heading(row.kind, "" if row.kind in _OF_A_VILLAGE else row.code, row.cooperative_id, row.village_id),
            row.amount_fen,
            row.currency,
        )
        for row in postings
    )
    columns = (
        Attribution.order_id,
        Attribution.line_id,
        Attribution.pick_id,
        Attribution.lot_id,
        Attribution.source_version,
        Attribution.cooperative_id,
        Attribution.village_id,
        Attribution.is_refund,
        Attribution.amount_fen,
        Attribution.grams,
        Attribution.lot_total_fen,
        Attribution.sold_on,
        Attribution.is_correction,
        Attribution.pick_change,
        Attribution.is_accredited,
    )
    rows = db.session.execute(select(*columns).where(Attribution.entry_id == entry_id).order_by(Attribution.id))
    return BookedEntry(entry_id, subject, legs, tuple(rows_as(Attributed, rows)))


def find_entry(once: str) -> EntryId | None:
    """The entry booked under this key."""
    found = db.session.scalar(select(Entry.id).where(Entry.once == once))
    return EntryId(found) if found is not None else None


def reverse(entry_id: EntryId, kind: EntryKind, *, once: str, on: date, now: datetime) -> EntryId:
    """Step. Book an entry back, posting by posting and attribution by attribution."""
    entry = get_entry(entry_id)
    return post(
        kind,
        [replace(leg, amount_fen=-leg.amount_fen) for leg in entry.legs],
        [replace(row, amount_fen=-row.amount_fen, grams=0) for row in entry.attributed],
        once=once,
        subject=entry.subject,
        on=on,
        now=now,
        reverses=entry_id,
    )
