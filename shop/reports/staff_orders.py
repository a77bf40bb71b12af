"""Orders as staff see them: the list, and what stands behind one order in the books, the audit and the letters.

An order's own story is `order_story.get_story`; this adds what no buyer is shown.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, case, func, or_, select

from shop.accounts.models import User
from shop.extensions import db, row_as, rows_as
from shop.kit.clock import day_ends, day_starts
from shop.kit.ids import CooperativeId, EntryId, OrderId, UserId
from shop.kit.phones import find_mobile
from shop.kit.text import fold
from shop.ledger.models import Account, AccountKind, Entry, EntryKind, Posting
from shop.offers.models import VoucherUse
from shop.orders.models import Channel, Order, OrderLine, Return
from shop.orders.states import OrderState
from shop.origin.models import Cooperative, Village
from shop.outbox.models import AuditRow, Letter
from shop.papers.models import Fapiao, FapiaoState
from shop.payments.models import Payment, PaymentState
from shop.reports.order_trail import Doer, MovedGoods, NoteStory, read_doers, read_moves, read_notes
from shop.shipping.models import Shipment

ORDERS_A_PAGE = 50
_MOST_PAGES = 1_000_000


@dataclass(frozen=True)
class Wanted:
    """Which orders the list shows. Blank and None: all."""

    query: str = ""
    """An order's number or its last six signs, a waybill, a mobile number, an e-mail address or a name; each exact."""
    state: OrderState | None = None
    channel: Channel | None = None
    cooperative_id: CooperativeId | None = None
    """Something of it is this cooperative's."""
    method: str = ""
    """How it was paid: `card`, `transfer` …"""
    fapiao: str = ""
    """`asked`, `issued` or `refused`, or `none`: nobody asked for one."""
    voucher: str = ""
    """The code of a voucher that stands on it."""
    since: date | None = None
    until: date | None = None
    """Days on which it was placed, inclusive."""


@dataclass(frozen=True)
class OrderInList:
    """One order of the list."""

    number: str
    state: OrderState
    channel: Channel
    placed_at: datetime
    name: str
    phone: str
    region: str
    first_product: str
    first_product_en: str
    lines: int
    units: int
    total_fen: int
    refunded_fen: int
    """Goods and shipping, failed refunds not counted."""


@dataclass(frozen=True)
class OrderList:
    """A page of them, the latest first."""

    rows: tuple[OrderInList, ...]
    count: int
    page: int
    pages: int


def find_orders(wanted: Wanted, *, page: int = 1, page_size: int = ORDERS_A_PAGE) -> OrderList:
    """A page of the orders that are wanted. Two statements; a page beyond the last is the last."""
    conditions = conditions_of(wanted)
    count = db.session.scalar(select(func.count()).select_from(Order).where(*conditions)) or 0
    pages = max(1, -(-count // page_size))
    page = min(max(1, page), pages)
    first = select(OrderLine.order_id, OrderLine.product_name, OrderLine.product_name_en).where(OrderLine.position == 1).subquery()
    lines = select(func.count()).where(OrderLine.order_id == Order.id).correlate(Order).scalar_subquery()
    units = select(func.coalesce(func.sum(OrderLine.quantity), 0)).where(OrderLine.order_id == Order.id).correlate(Order).scalar_subquery()
    given_back = case((Return.reversed_by_entry_id.is_(None), Return.goods_fen + Return.shipping_fen), else_=0)
    refunded = select(func.coalesce(func.sum(given_back), 0)).where(Return.order_id == Order.id).correlate(Order).scalar_subquery()
    query = (
        select(
            Order.number,
            Order.state,
            Order.channel,
            Order.placed_at,
            Order.name,
            Order.phone,
            Order.region,
            first.c.product_name,
            first.c.product_name_en,
            lines.label("lines"),
            units.label("units"),
            Order.total_fen,
            refunded.label("refunded_fen"),
        )
        .join(first, first.c.order_id == Order.id)
        .where(*conditions)
        .order_by(Order.placed_at.desc(), Order.id.desc())
    )
    found = db.session.execute(query.limit(page_size).offset((page - 1) * page_size))
    rows = tuple(row_as(OrderInList, (*row[:-1], int(row.refunded_fen))) for row in found)  # PostgreSQL sums bigint into numeric
    return OrderList(rows, count, page, pages)


_LAST_SIGNS = re.compile(r"[0-9A-Z]{6}", re.ASCII)


def conditions_of(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What an order has to be to be wanted."""
    conditions: list[ColumnElement[bool]] = []
    if text := fold(wanted.query):
        conditions.append(or_(*_known_by(text)))
    if wanted.state:
        conditions.append(Order.state == wanted.state)
    if wanted.channel:
        conditions.append(Order.channel == wanted.channel)
    if wanted.cooperative_id:
        of_cooperative = OrderLine.cooperative_id == wanted.cooperative_id
        conditions.append(select(OrderLine.id).where(OrderLine.order_id == Order.id, of_cooperative).exists())
    if wanted.method:
        paid = Payment.state.in_((PaymentState.PAID, PaymentState.MISMATCH))
        conditions.append(select(Payment.id).where(Payment.reference == Order.number, Payment.method == wanted.method, paid).exists())
    if wanted.fapiao:
        its = select(Fapiao.id).where(Fapiao.order_id == Order.id)
        conditions.append(~its.exists() if wanted.fapiao == "none" else its.where(Fapiao.state == FapiaoState(wanted.fapiao)).exists())
    if wanted.voucher:
        use = select(VoucherUse.id).where(VoucherUse.order_id == Order.id, VoucherUse.released_at.is_(None))
        conditions.append(use.where(VoucherUse.code == wanted.voucher.upper()).exists())
    if wanted.since:
        conditions.append(Order.placed_at >= day_starts(wanted.since))
    if wanted.until:
        conditions.append(Order.placed_at < day_ends(wanted.until))
    return conditions


def _known_by(text: str) -> list[ColumnElement[bool]]:
    """What somebody says an order by. Each is a key with an index, but for the last six signs, which are read only where there are six."""
    number = text.upper()
    waybill = select(Shipment.order_id).where(Shipment.tracking_number == re.sub(r"\s+", "", number))
    known_by = [Order.number == number, Order.name == text, Order.id.in_(waybill)]
    if _LAST_SIGNS.fullmatch(number):
        known_by.append(Order.number.like(f"%-{number}"))
    if phone := find_mobile(text):
        buyer = select(User.id).where(User.phone == phone)
        known_by += [Order.phone == phone, Order.buyer_id.in_(buyer)]
    if "@" in text:
        buyer = select(User.id).where(User.email == text.lower())
        known_by += [Order.email.in_((text, text.lower())), Order.buyer_id.in_(buyer)]
    return known_by


@dataclass(frozen=True)
class Seller:
    """A cooperative that orders can be narrowed to."""

    id: CooperativeId
    name: str
    name_en: str


def list_sellers() -> tuple[Seller, ...]:
    """Every cooperative, by name. One statement."""
    columns = (Cooperative.id, Cooperative.short_name, Cooperative.name_en)
    return tuple(rows_as(Seller, db.session.execute(select(*columns).order_by(Cooperative.slug))))


# ── Behind one order ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class PostingStory:
    """So many fen on one account: debit positive, credit negative."""

    account: str
    """Its code: `proceeds/baishui/baishui`."""
    kind: AccountKind
    village: str | None
    village_en: str | None
    cooperative: str | None
    cooperative_en: str | None
    currency: str
    amount_fen: int


@dataclass(frozen=True)
class EntryStory:
    """One entry of the books with all its postings."""

    id: EntryId
    kind: EntryKind
    posted_at: datetime
    business_day: date
    reverses_id: EntryId | None
    postings: tuple[PostingStory, ...]

    @property
    def debit_fen(self) -> int:
        """Σ of what stands on the left."""
        return sum(posting.amount_fen for posting in self.postings if posting.amount_fen > 0)

    @property
    def credit_fen(self) -> int:
        """Σ of what stands on the right."""
        return -sum(posting.amount_fen for posting in self.postings if posting.amount_fen < 0)

    @property
    def balance_fen(self) -> int:
        """Debit less credit: nought, or the books are broken."""
        return self.debit_fen - self.credit_fen


TOLD_BY_EVENTS = ("parcel.shipped", "parcel.delivered", "refund.made")
"""Deeds that an order's own events tell already."""


@dataclass(frozen=True)
class AuditStory:
    """Who did what about the order."""

    at: datetime
    by_user_id: UserId | None
    action: str
    facts: Mapping[str, object]


@dataclass(frozen=True)
class LetterStory:
    """A letter about the order."""

    id: int
    kind: str
    created_at: datetime
    sent_at: datetime | None
    given_up_at: datetime | None
    trouble: str | None


@dataclass(frozen=True)
class Behind:
    """What stands behind one order."""

    entries: tuple[EntryStory, ...]
    """In the order in which they were booked."""
    audit: tuple[AuditStory, ...]
    letters: tuple[LetterStory, ...]
    moves: tuple[MovedGoods, ...]
    notes: tuple[NoteStory, ...]
    doers: Mapping[UserId, Doer]
    """Whoever did something about it."""


def read_behind(order_id: OrderId, number: str, *, also: Iterable[UserId | None] = ()) -> Behind:
    """Everything in the books, the stock, the audit and the outbox about an order. Six statements.

    `also`: who else did something to it, as its own story says.
    """
    entries, audit, letters, moves, notes = _entries(number), _audit(number), _letters(number), read_moves(order_id), read_notes(order_id)
    doers = {row.by_user_id for row in audit} | {move.by_user_id for move in moves} | {note.by_user_id for note in notes} | set(also)
    return Behind(entries, audit, letters, moves, notes, read_doers(user_id for user_id in doers if user_id is not None))


def _entries(number: str) -> tuple[EntryStory, ...]:
    entry = (Entry.id, Entry.kind, Entry.posted_at, Entry.business_day, Entry.reverses_id)
    posting = (
        Account.code,
        Account.kind,
        Village.name,
        Village.name_en,
        Cooperative.short_name,
        Cooperative.name_en,
        Posting.currency,
        Posting.amount_fen,
    )
    rows = db.session.execute(
        select(*entry, *posting)
        .join(Posting, Posting.entry_id == Entry.id)
        .join(Account, Account.id == Posting.account_id)
        .outerjoin(Village, Village.id == Account.village_id)
        .outerjoin(Cooperative, Cooperative.id == Account.cooperative_id)
        .where(Entry.subject == number)
        .order_by(Entry.posted_at, Entry.id, Posting.seq)
    )
    postings: dict[EntryStory, list[PostingStory]] = {}
    for row in rows:
        bare = row_as(EntryStory, (*row[: len(entry)], ()))
        postings.setdefault(bare, []).append(row_as(PostingStory, row[len(entry) :]))
    return tuple(replace(bare, postings=tuple(its_postings)) for bare, its_postings in postings.items())


def _audit(number: str) -> tuple[AuditStory, ...]:
    columns = (AuditRow.at, AuditRow.by_user_id, AuditRow.action, AuditRow.facts)
    query = select(*columns).where(AuditRow.subject == number, AuditRow.action.not_in(TOLD_BY_EVENTS))
    return tuple(rows_as(AuditStory, db.session.execute(query.order_by(AuditRow.id))))


def _letters(number: str) -> tuple[LetterStory, ...]:
    columns = (Letter.id, Letter.kind, Letter.created_at, Letter.sent_at, Letter.given_up_at, Letter.trouble)
    return tuple(rows_as(LetterStory, db.session.execute(select(*columns).where(Letter.subject == number).order_by(Letter.id))))
