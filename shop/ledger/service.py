"""Writing the books: one verb, `post`, and the reads that a refund needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import and_, bindparam, func, or_, select
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
    """Money at a provider."""
    return Heading(AccountKind.CLEARING, f"clearing/{provider}")


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
    amounts = [_sum_legs(booking.legs) for booking in bookings]
    accounts = _account_ids({heading for legs in amounts for heading, _ in legs})
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
            for seq, ((heading, currency), amount_fen) in enumerate(legs.items(), start=1)
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
    """Step. Share-lock the months of several business days; those that are closed."""
    require_transaction()
    months = sorted({f"{day:%Y-%m}" for day in days})
    rows = db.session.execute(_SHARE_LOCK_PERIODS, {"months": months}).all()
    if missing := set(months) - {row.month for row in rows}:
        for month in sorted(missing):
            db.session.execute(_insert_if_missing(Period, {"month": month, "closed_at": None}))
        rows = db.session.execute(_SHARE_LOCK_PERIODS, {"months": months}).all()
    return tuple(row.month for row in rows if row.closed_at is not None)


_SHARE_LOCK_PERIODS = (
    select(columns_of(Period).month, columns_of(Period).closed_at)
    .where(columns_of(Period).month.in_(bindparam("months", expanding=True)))
    .order_by(columns_of(Period).month)
    .with_for_update(read=True)
)


def closed_months(days: Iterable[date]) -> tuple[str, ...]:
    """Of the months of these business days those that are closed; for showing, since only `share_lock_months` keeps them open."""
    months = sorted({f"{day:%Y-%m}" for day in days})
    rows = db.session.execute(select(Period.month).where(Period.month.in_(months), Period.closed_at.isnot(None)).order_by(Period.month))
    return tuple(rows.scalars())


def _sum_legs(legs: Iterable[Leg]) -> dict[tuple[Heading, str], int]:
    sums: dict[tuple[Heading, str], int] = {}
    for leg in legs:
        sums[leg.heading, leg.currency] = sums.get((leg.heading, leg.currency), 0) + leg.amount_fen
    return {key: amount for key, amount in sums.items() if amount}


def _account_ids(headings: set[Heading]) -> dict[Heading, AccountId]:
    known = _find_accounts(headings)
    if missing := headings - known.keys():
        for row in _new_accounts(missing):
            db.session.execute(_insert_if_missing(Account, row))
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


def _insert_if_missing(model: type[Period] | type[Account], values: dict[str, object]) -> sqlite.Insert | postgresql.Insert:
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
    }


# ── What a refund needs to know ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class BookedPick:
    """A sold pick as the books hold it: what each village got, and what has gone back since."""

    pick_id: PickId
    line_id: LineId
    lot_id: LotId
    source_version: int
    lot_total_fen: int
    cooperative_id: CooperativeId
    sold_on: date
    recorded: tuple[Recorded, ...]
    refunded_fen: int

    @property
    def fen(self) -> int:
        """What it was sold for."""
        return sum(share.fen for share in self.recorded)


def booked_picks(order_id: OrderId) -> dict[PickId, BookedPick]:
    """Every pick of an order that the books know, by pick id."""
    return booked_picks_of([order_id]).get(order_id, {})


def booked_picks_of(order_ids: Iterable[OrderId]) -> dict[OrderId, dict[PickId, BookedPick]]:
    """The same of several orders; those that the books do not know are missing."""
    rows = db.session.execute(
        select(
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
            Attribution.amount_fen,
        )
        .join(Village, Village.id == Attribution.village_id)
        .where(Attribution.order_id.in_(sorted(order_ids)))
        .order_by(Attribution.pick_id, Attribution.village_id)
    ).all()
    found: dict[OrderId, dict[PickId, BookedPick]] = {}
    for row in rows:
        picks = found.setdefault(OrderId(row.order_id), {})
        pick = picks.get(row.pick_id) or BookedPick(
            PickId(row.pick_id), row.line_id, row.lot_id, row.source_version, 0, row.cooperative_id, row.sold_on, (), 0
        )
        if row.is_refund:
            pick = replace(pick, refunded_fen=pick.refunded_fen - row.amount_fen)
        else:
            share = Recorded(VillageId(row.village_id), row.code, row.amount_fen)
            pick = replace(pick, recorded=(*pick.recorded, share), lot_total_fen=row.lot_total_fen)
        picks[pick.pick_id] = pick
    return found


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
