"""What the pages of settlements show: statements with their lines, what a cooperative is owed and why, and the list of the staff.

Law: every figure is a sum of attributions, or stands in a settlement; each opens the orders that make it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import aliased

from shop.accounts.models import User
from shop.extensions import db, row_as, rows_as
from shop.kit.ids import CooperativeId, VillageId
from shop.ledger.errors import NoSuchSettlement
from shop.ledger.models import (
    Attribution,
    Entry,
    EntryKind,
    Settlement,
    SettlementLine,
    SettlementState,
    SettlementVillage,
)
from shop.ledger.settlements import carried_by, is_disputed, is_unsettled
from shop.orders.models import Order, OrderLine
from shop.orders.queries import is_past_window
from shop.origin.models import BankAccount, Cooperative, Village

LINES_A_PAGE = 100
ROWS_A_PAGE = 50


class Owed(StrEnum):
    """Why money of a cooperative's is where it is."""

    READY = "ready"
    """Past its return window: in the next settlement."""
    WAITING = "waiting"
    """Sold, and not past its window."""
    DISPUTED = "disputed"
    DRAFTED = "drafted"
    """In a settlement that waits for its approval."""


# ── Lists ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class SettlementRow:
    """A settlement in a list."""

    number: str
    cooperative: str
    cooperative_en: str
    state: SettlementState
    first_day: date
    last_day: date
    total_fen: int
    carried_out_fen: int
    paid_on: date | None


def settlement_rows(cooperative_ids: Sequence[CooperativeId] | None = None, *, cancelled: bool = False) -> list[SettlementRow]:
    """Settlements of these cooperatives, or of all, the latest first; drafts only for the staff (all cooperatives)."""
    columns = (
        Settlement.number,
        Cooperative.short_name,
        Cooperative.name_en,
        Settlement.state,
        Settlement.first_day,
        Settlement.last_day,
        Settlement.total_fen,
        Settlement.carried_out_fen,
        Settlement.paid_on,
    )
    rows = select(*columns).join(Cooperative, Cooperative.id == Settlement.cooperative_id)
    if cooperative_ids is not None:
        rows = rows.where(
            Settlement.cooperative_id.in_(cooperative_ids), Settlement.state.in_((SettlementState.APPROVED, SettlementState.PAID))
        )
    if not cancelled:
        rows = rows.where(Settlement.state != SettlementState.CANCELLED)
    return rows_as(SettlementRow, db.session.execute(rows.order_by(Settlement.last_day.desc(), Settlement.id.desc())))


# ── A statement ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Facts:
    """A settlement's own facts. People are named for the staff; the account to pay to is the one it was approved with."""

    id: int
    number: str
    cooperative_id: CooperativeId
    cooperative: str
    cooperative_en: str
    slug: str
    state: SettlementState
    first_day: date
    last_day: date
    total_fen: int
    carried_in_fen: int
    carried_out_fen: int
    drafted_by: int
    drafter: str
    drafted_at: datetime
    approver: str | None
    approved_at: datetime | None
    payee_name: str | None
    payee_account: str | None
    payee_bank: str | None
    paid_on: date | None
    paid_reference: str | None
    payer: str | None
    cancelled_at: datetime | None


@dataclass(frozen=True)
class VillageRow:
    """A village's part."""

    village_id: VillageId
    name: str
    name_en: str
    carried_in_fen: int
    sales_fen: int
    refunds_fen: int
    corrections_fen: int
    settled_fen: int
    carried_out_fen: int


@dataclass(frozen=True)
class ProductRow:
    """A product's part, by what was sold and what came back."""

    product_id: int
    name: str
    name_en: str
    orders: int
    sales_fen: int
    less_fen: int

    @property
    def sum_fen(self) -> int:
        """Both."""
        return self.sales_fen + self.less_fen


@dataclass(frozen=True)
class Statement:
    """Everything a statement shows, its orders apart."""

    facts: Facts
    villages: tuple[VillageRow, ...]
    products: tuple[ProductRow, ...]

    @property
    def booked_fen(self) -> int:
        """What the period's lines come to."""
        return sum(row.sum_fen for row in self.products)


def statement(number: str, *, cooperative_ids: Sequence[CooperativeId] | None = None) -> Statement:
    """A settlement's statement; for a cooperative only its own, and only once it stands. Raises NoSuchSettlement."""
    facts = _facts(number, cooperative_ids)
    return Statement(facts, tuple(_villages(facts.id)), tuple(_products(facts.id)))


def _facts(number: str, cooperative_ids: Sequence[CooperativeId] | None) -> Facts:
    drafter, approver, payer = aliased(User), aliased(User), aliased(User)
    query = (
        select(
            Settlement.id,
            Settlement.number,
            Settlement.cooperative_id,
            Cooperative.name,
            Cooperative.name_en,
            Cooperative.slug,
            Settlement.state,
            Settlement.first_day,
            Settlement.last_day,
            Settlement.total_fen,
            Settlement.carried_in_fen,
            Settlement.carried_out_fen,
            Settlement.drafted_by,
            drafter.name,
            Settlement.drafted_at,
            approver.name,
            Settlement.approved_at,
            Settlement.payee_name,
            Settlement.payee_account,
            Settlement.payee_bank,
            Settlement.paid_on,
            Settlement.paid_reference,
            payer.name,
            Settlement.cancelled_at,
        )
        .join(Cooperative, Cooperative.id == Settlement.cooperative_id)
        .join(drafter, drafter.id == Settlement.drafted_by)
        .outerjoin(approver, approver.id == Settlement.approved_by)
        .outerjoin(payer, payer.id == Settlement.paid_by)
        .where(Settlement.number == number)
    )
    if cooperative_ids is not None:
        standing = (SettlementState.APPROVED, SettlementState.PAID)
        query = query.where(Settlement.cooperative_id.in_(cooperative_ids), Settlement.state.in_(standing))
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NoSuchSettlement
    return row_as(Facts, found)


def _villages(settlement_id: int) -> list[VillageRow]:
    rows = (
        select(
            SettlementVillage.village_id,
            Village.name,
            Village.name_en,
            SettlementVillage.carried_in_fen,
            SettlementVillage.sales_fen,
            SettlementVillage.refunds_fen,
            SettlementVillage.corrections_fen,
            SettlementVillage.settled_fen,
            SettlementVillage.carried_out_fen,
        )
        .join(Village, Village.id == SettlementVillage.village_id)
        .where(SettlementVillage.settlement_id == settlement_id)
        .order_by(SettlementVillage.settled_fen.desc(), Village.id)
    )
    return rows_as(VillageRow, db.session.execute(rows))


def _products(settlement_id: int) -> list[ProductRow]:
    is_sale = Entry.kind == EntryKind.SALE
    rows = (
        select(
            OrderLine.product_id,
            func.min(OrderLine.product_name),
            func.min(OrderLine.product_name_en),
            func.count(Attribution.order_id.distinct()),
            func.sum(case((is_sale, Attribution.amount_fen), else_=0)),
            func.sum(case((is_sale, 0), else_=Attribution.amount_fen)),
        )
        .join(Attribution, Attribution.line_id == OrderLine.id)
        .join(Entry, Entry.id == Attribution.entry_id)
        .join(SettlementLine, SettlementLine.attribution_id == Attribution.id)
        .where(SettlementLine.settlement_id == settlement_id)
        .group_by(OrderLine.product_id)
        .order_by(func.sum(Attribution.amount_fen).desc(), OrderLine.product_id)
    )
    return [ProductRow(row[0], row[1], row[2], row[3], int(row[4]), int(row[5])) for row in db.session.execute(rows)]


# ── Lines ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Line:
    """One order line × village of one entry: a sale, a refund, a correction."""

    order_number: str
    product: str
    product_en: str
    pack: str
    pack_en: str
    village: str
    village_en: str
    kind: EntryKind
    sold_on: date
    booked_on: date
    amount_fen: int


@dataclass(frozen=True)
class Lines:
    """Lines, a page of them, with the sum of all."""

    rows: tuple[Line, ...]
    count: int
    sum_fen: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.count // LINES_A_PAGE))


def settled_lines(settlement_id: int, *, village_id: int | None = None, product_id: int | None = None, page: int | None = 1) -> Lines:
    """What stands in a settlement, of one village or product or of all; with `page` None all at once, for a file."""
    conditions = [SettlementLine.settlement_id == settlement_id]
    if village_id is not None:
        conditions.append(Attribution.village_id == village_id)
    if product_id is not None:
        conditions.append(OrderLine.product_id == product_id)
    return _lines(conditions, page)


def owed_lines(cooperative_id: CooperativeId, what: Owed, *, today: date, village_id: int | None = None, page: int | None = 1) -> Lines:
    """What makes a figure of `money_of`."""
    conditions = [Attribution.cooperative_id == cooperative_id, *_conditions(what, today)]
    if village_id is not None:
        conditions.append(Attribution.village_id == village_id)
    return _lines(conditions, page)


def _conditions(what: Owed, today: date) -> list[ColumnElement[bool]]:
    if what is Owed.DRAFTED:
        return [Settlement.state == SettlementState.DRAFT]
    if what is Owed.DISPUTED:
        return [is_unsettled(), is_disputed()]
    past = is_past_window(today)
    return [is_unsettled(), ~is_disputed(), past if what is Owed.READY else ~past]


def _lines(conditions: Sequence[ColumnElement[bool]], page: int | None) -> Lines:
    key = (Order.number, OrderLine.id, Village.id, Entry.id)
    grouped = (
        select(*key, func.min(Attribution.id).label("first"), func.sum(Attribution.amount_fen).label("fen"))
        .select_from(Attribution)
        .join(Entry, Entry.id == Attribution.entry_id)
        .join(Order, Order.id == Attribution.order_id)
        .join(OrderLine, OrderLine.id == Attribution.line_id)
        .join(Village, Village.id == Attribution.village_id)
        .outerjoin(SettlementLine, SettlementLine.attribution_id == Attribution.id)
        .outerjoin(Settlement, Settlement.id == SettlementLine.settlement_id)
        .where(*conditions)
        .group_by(*key)
        .subquery()
    )
    count, sum_fen = db.session.execute(select(func.count(), func.coalesce(func.sum(grouped.c.fen), 0)).select_from(grouped)).one()
    at = max(1, min(page or 1, max(1, -(-count // LINES_A_PAGE))))
    rows = (
        select(
            Order.number,
            OrderLine.product_name,
            OrderLine.product_name_en,
            OrderLine.pack,
            OrderLine.pack_en,
            Village.name,
            Village.name_en,
            Entry.kind,
            Attribution.sold_on,
            Attribution.business_day,
            grouped.c.fen,
        )
        .select_from(grouped)
        .join(Attribution, Attribution.id == grouped.c.first)
        .join(Entry, Entry.id == Attribution.entry_id)
        .join(Order, Order.id == Attribution.order_id)
        .join(OrderLine, OrderLine.id == Attribution.line_id)
        .join(Village, Village.id == Attribution.village_id)
        .order_by(Attribution.business_day, Attribution.id)
    )
    if page is not None:
        rows = rows.limit(LINES_A_PAGE).offset((at - 1) * LINES_A_PAGE)
    found = [Line(*row[:10], int(row.fen)) for row in db.session.execute(rows)]
    return Lines(tuple(found), count, int(sum_fen), at)


# ── What a cooperative is owed ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class OwedRow:
    """A village's money, by where it stands. All of it together is what the village's accounts hold."""

    village_id: VillageId
    name: str
    name_en: str
    ready_fen: int
    waiting_fen: int
    disputed_fen: int
    drafted_fen: int
    carried_fen: int
    """Nought or less: what later refunds took beyond what was there."""

    @property
    def sum_fen(self) -> int:
        """Proceeds and what is on hold."""
        return self.ready_fen + self.waiting_fen + self.disputed_fen + self.drafted_fen + self.carried_fen


@dataclass(frozen=True)
class Money:
    """What a cooperative is owed today, and what is on its way."""

    villages: tuple[OwedRow, ...]
    payable_fen: int
    """Approved, and not paid yet."""

    def total(self, figure: str) -> int:
        """Over the villages: `ready_fen`, `waiting_fen` …"""
        return sum(int(getattr(row, figure)) for row in self.villages)

    @property
    def next_fen(self) -> int:
        """What a settlement of today would pay: no village below nought."""
        return sum(max(0, row.ready_fen + row.carried_fen) for row in self.villages)


def money_of(cooperative_id: CooperativeId, *, today: date) -> Money:
    """What a cooperative is owed, village by village."""
    past, disputed = is_past_window(today), is_disputed()
    is_draft = Settlement.state == SettlementState.DRAFT
    is_free = SettlementLine.attribution_id.is_(None)

    def fen(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, Attribution.amount_fen), else_=0)), 0)

    rows = db.session.execute(
        select(
            Village.id,
            Village.name,
            Village.name_en,
            fen(is_free & ~disputed & past),
            fen(is_free & ~disputed & ~past),
            fen(is_free & disputed),
            fen(is_draft),
        )
        .select_from(Attribution)
        .join(Entry, Entry.id == Attribution.entry_id)
        .join(Order, Order.id == Attribution.order_id)
        .join(Village, Village.id == Attribution.village_id)
        .outerjoin(SettlementLine, SettlementLine.attribution_id == Attribution.id)
        .outerjoin(Settlement, Settlement.id == SettlementLine.settlement_id)
        .where(Attribution.cooperative_id == cooperative_id, is_free | is_draft)
        .group_by(Village.id, Village.name, Village.name_en)
    ).all()
    carried = carried_by(cooperative_id)
    found = {}
    for row in rows:
        village_id = VillageId(row[0])
        ready, waiting, held, drafted = (int(figure) for figure in row[3:])
        found[village_id] = OwedRow(village_id, row[1], row[2], ready, waiting, held, drafted, carried.get(village_id, 0))
    missing = [village_id for village_id in carried if village_id not in found]
    for village in db.session.execute(select(Village.id, Village.name, Village.name_en).where(Village.id.in_(missing))):
        found[VillageId(village.id)] = OwedRow(VillageId(village.id), village.name, village.name_en, 0, 0, 0, 0, carried[village.id])
    approved = select(func.coalesce(func.sum(Settlement.total_fen), 0)).where(
        Settlement.cooperative_id == cooperative_id, Settlement.state == SettlementState.APPROVED
    )
    ordered = sorted(found.values(), key=lambda row: (-row.sum_fen, row.village_id))
    return Money(tuple(ordered), int(db.session.scalar(approved) or 0))


# ── The staff's desk of settlements ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Payee:
    """A cooperative, where it is paid (its account masked), and whether its draft waits."""

    id: CooperativeId
    slug: str
    name: str
    name_en: str
    payee: str | None
    account: str | None
    bank: str | None
    is_sample: bool | None
    last_day: date | None
    """Up to which day it is settled."""


def payees() -> list[Payee]:
    """Every cooperative, by name."""
    standing = (SettlementState.APPROVED, SettlementState.PAID)
    settled = (
        select(Settlement.cooperative_id, func.max(Settlement.last_day).label("last_day"))
        .where(Settlement.state.in_(standing))
        .group_by(Settlement.cooperative_id)
        .subquery()
    )
    rows = db.session.execute(
        select(
            Cooperative.id,
            Cooperative.slug,
            Cooperative.name,
            Cooperative.name_en,
            BankAccount.payee,
            BankAccount.number,
            BankAccount.bank,
            BankAccount.is_sample,
            settled.c.last_day,
        )
        .outerjoin(BankAccount, BankAccount.cooperative_id == Cooperative.id)
        .outerjoin(settled, settled.c.cooperative_id == Cooperative.id)
        .order_by(Cooperative.id)
    )
    return [row_as(Payee, (*row[:5], masked(row.number), *row[6:])) for row in rows]


def masked(number: str | None) -> str | None:
    """An account number of which only the last four digits are shown."""
    return None if number is None else f"**** {number[-4:]}"


def account_changed_since_last_payment(cooperative_id: CooperativeId) -> bool:
    """Whether the account to pay to is another than the one that was paid last: worth a telephone call."""
    last = db.session.scalar(
        select(Settlement.payee_account)
        .where(Settlement.cooperative_id == cooperative_id, Settlement.state == SettlementState.PAID)
        .order_by(Settlement.seq.desc())
        .limit(1)
    )
    now = db.session.scalar(select(BankAccount.number).where(BankAccount.cooperative_id == cooperative_id))
    return last is not None and now is not None and last != now
