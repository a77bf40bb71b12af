"""What staff see of the bank account: lines that no order explains yet with the orders they may be for, and what is to be sent back.

Law: a proposal is only that. Each list is a fixed number of statements, whatever it holds.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, func, select
from sqlalchemy.orm import aliased

from shop.accounts.models import User
from shop.extensions import db, rows_as
from shop.kit.ids import OrderId, PaymentId, UserId
from shop.orders.models import Order, RefundRequest, RequestState
from shop.orders.requests import RequestId
from shop.orders.states import OrderState
from shop.papers.attachments import AttachmentId
from shop.papers.models import Attachment
from shop.payments.errors import NoSuchLine
from shop.payments.models import BankLine, PayeeFrom, Payment, Refund, RefundState, Remittance, Transfer, TransferReceipt
from shop.payments.transfer.matching import Open, Proposal, propose
from shop.payments.transfer.service import LineId, RemittanceId

MOST_LINES = 100
MOST_OPEN = 500
"""Orders among which a line's is sought: those that wait now, and the latest that no longer do."""


@dataclass(frozen=True)
class BankLineStory:
    """One line of the statement."""

    id: LineId
    booked_on: date
    amount_fen: int
    allocated_fen: int
    payer_name: str
    payer_account: str
    payer_bank: str
    memo: str
    bank_number: str
    brought_at: datetime
    set_aside_at: datetime | None
    set_aside_reason: str | None
    set_aside_by: str | None

    @property
    def left_fen(self) -> int:
        """What no order explains yet."""
        return self.amount_fen - self.allocated_fen


@dataclass(frozen=True)
class ProposedLine:
    """A line with the orders it may be for, the likeliest first."""

    line: BankLineStory
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class BankPage:
    """The list, the oldest first."""

    lines: tuple[ProposedLine, ...]
    waiting: int
    """Lines that no order explains whole, all of them."""
    waiting_fen: int
    set_aside: tuple[BankLineStory, ...]
    """The latest that somebody said are not for an order."""
    expected: int
    """Orders that wait for a transfer."""
    expected_fen: int


@dataclass(frozen=True)
class ReceiptStory:
    """What a line has been said to be for."""

    number: str
    amount_fen: int
    reason: str
    by_name: str | None
    at: datetime


@dataclass(frozen=True)
class SlipStory:
    """A slip that a buyer brought."""

    id: AttachmentId
    number: str
    media_type: str
    at: datetime


_SETTER = aliased(User)
_LINE_FIELDS = (
    BankLine.id,
    BankLine.booked_on,
    BankLine.amount_fen,
    BankLine.allocated_fen,
    BankLine.payer_name,
    BankLine.payer_account,
    BankLine.payer_bank,
    BankLine.memo,
    BankLine.bank_number,
    BankLine.brought_at,
    BankLine.set_aside_at,
    BankLine.set_aside_reason,
    _SETTER.name,
)
_WAITS = (BankLine.allocated_fen < BankLine.amount_fen) & BankLine.set_aside_at.is_(None)


def _lines(condition: ColumnElement[bool], order: SQLColumnExpression[Any], most: int) -> list[BankLineStory]:  # Any: a date or an instant
    query = select(*_LINE_FIELDS).outerjoin(_SETTER, _SETTER.id == BankLine.set_aside_by).where(condition)
    return rows_as(BankLineStory, db.session.execute(query.order_by(order, BankLine.id).limit(most)))


def read_bank() -> BankPage:
    """The page of bank lines. Five statements."""
    lines = _lines(_WAITS, BankLine.booked_on, MOST_LINES)
    orders = _open_orders() if lines else []
    left = BankLine.amount_fen - BankLine.allocated_fen
    waiting, waiting_fen = db.session.execute(
        select(func.count(), func.coalesce(func.sum(left), 0)).select_from(BankLine).where(_WAITS)
    ).one()
    missing = func.sum(Payment.amount_fen - Payment.received_fen + Payment.refunded_fen)
    expected, expected_fen = db.session.execute(
        select(func.count(), func.coalesce(missing, 0))
        .select_from(Transfer)
        .join(Payment, Payment.id == Transfer.payment_id)
        .join(Order, Order.number == Payment.reference)
        .where(Order.state == OrderState.AWAITING_PAYMENT)
    ).one()
    return BankPage(
        lines=tuple(ProposedLine(line, propose(line.memo, line.payer_name, line.left_fen, orders)) for line in lines),
        waiting=int(waiting),
        waiting_fen=int(waiting_fen),
        set_aside=tuple(_lines(BankLine.set_aside_at.is_not(None), BankLine.set_aside_at.desc(), 20)),
        expected=int(expected),
        expected_fen=int(expected_fen),
    )


def _open_orders() -> list[Open]:
    """Orders by transfer, those that wait first, then the latest."""
    wants = Order.state.in_((OrderState.AWAITING_PAYMENT, OrderState.LAPSED))
    columns = (
        Order.number,
        Order.state,
        Payment.session_id,
        (Payment.amount_fen - Payment.received_fen + Payment.refunded_fen).label("missing_fen"),
        Transfer.payer_name,
    )
    query = (
        select(*columns)
        .select_from(Transfer)
        .join(Payment, Payment.id == Transfer.payment_id)
        .join(Order, Order.number == Payment.reference)
        .order_by(wants.desc(), Order.id.desc())
        .limit(MOST_OPEN)
    )
    return [
        Open(
            row.number,
            row.session_id,
            row.missing_fen if row.state in (OrderState.AWAITING_PAYMENT, OrderState.LAPSED) else 0,
            (row.payer_name,),
        )
        for row in db.session.execute(query)
    ]


@dataclass(frozen=True)
class LinePage:
    """One line, what it may be for, and what it was said to be for."""

    line: BankLineStory
    proposals: tuple[Proposal, ...]
    receipts: tuple[ReceiptStory, ...]
    slips: tuple[SlipStory, ...]
    """Of the orders proposed."""


def read_line(line_id: LineId) -> LinePage:
    """One line. Raises NoSuchLine."""
    found = _lines(BankLine.id == line_id, BankLine.booked_on, 1)
    if not found:
        raise NoSuchLine
    line = found[0]
    proposals = propose(line.memo, line.payer_name, line.left_fen, _open_orders()) if line.left_fen and line.set_aside_at is None else ()
    receipts = (
        select(Payment.reference, TransferReceipt.amount_fen, TransferReceipt.reason, User.name, TransferReceipt.matched_at)
        .join(Payment, Payment.id == TransferReceipt.payment_id)
        .outerjoin(User, User.id == TransferReceipt.matched_by)
        .where(TransferReceipt.line_id == line_id)
        .order_by(TransferReceipt.id)
    )
    numbers = [proposal.number for proposal in proposals]
    return LinePage(line, proposals, tuple(rows_as(ReceiptStory, db.session.execute(receipts))), slips_of(*numbers))


def slips_of(*numbers: str) -> tuple[SlipStory, ...]:
    """The slips that belong to these orders, oldest first."""
    query = (
        select(Attachment.id, Payment.reference, Attachment.media_type, Attachment.uploaded_at)
        .join(Payment, Payment.id == Attachment.subject_id)
        .where(Attachment.subject_kind == "payment", Payment.reference.in_(numbers))
        .order_by(Attachment.id)
    )
    return tuple(rows_as(SlipStory, db.session.execute(query)))


# ── What is to be sent back ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class RemittanceStory:
    """Money to send back."""

    id: RemittanceId
    number: str
    amount_fen: int
    reason: str
    """A code, or a person's words."""
    state: RefundState
    asked_at: datetime
    payee_name: str
    payee_account: str
    payee_bank: str
    payee_from: PayeeFrom | None
    sent_by: UserId | None
    sent_by_name: str | None
    sent_at: datetime | None
    bank_reference: str
    confirmed_by_name: str | None
    confirmed_at: datetime | None


_SENDER, _CONFIRMER = aliased(User), aliased(User)


def read_remittances(*, is_done: bool = False, most: int = 100) -> tuple[RemittanceStory, ...]:
    """What is still to be sent or to be confirmed, the oldest first; or what was, the latest first."""
    query = (
        select(
            Remittance.id,
            Payment.reference,
            Refund.amount_fen,
            Refund.reason,
            Refund.state,
            Refund.asked_at,
            Remittance.payee_name,
            Remittance.payee_account,
            Remittance.payee_bank,
            Remittance.payee_from,
            Remittance.sent_by,
            _SENDER.name,
            Remittance.sent_at,
            Remittance.bank_reference,
            _CONFIRMER.name,
            Remittance.confirmed_at,
        )
        .select_from(Remittance)
        .join(Refund, Refund.id == Remittance.refund_id)
        .join(Payment, Payment.id == Refund.payment_id)
        .outerjoin(_SENDER, _SENDER.id == Remittance.sent_by)
        .outerjoin(_CONFIRMER, _CONFIRMER.id == Remittance.confirmed_by)
    )
    if is_done:
        query = query.where(Remittance.confirmed_at.is_not(None)).order_by(Remittance.confirmed_at.desc(), Remittance.id.desc())
    else:
        query = query.where(Remittance.confirmed_at.is_(None), Refund.state != RefundState.FAILED).order_by(Refund.asked_at, Remittance.id)
    return tuple(rows_as(RemittanceStory, db.session.execute(query.limit(most))))


# ── Refunds that wait for a second person ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class RequestStory:
    """A refund that one person asked for and another decides."""

    id: RequestId
    order_id: OrderId
    number: str
    total_fen: int
    wanted: dict[str, object]
    state: RequestState
    asked_by: UserId
    asked_by_name: str | None
    asked_at: datetime
    decided_by_name: str | None
    decided_at: datetime | None
    word: str

    @property
    def reason(self) -> str:
        """Why it was asked for."""
        return str(self.wanted["reason"])


def read_requests(*, number: str | None = None, is_waiting: bool | None = True, most: int = 100) -> tuple[RequestStory, ...]:
    """Requests that wait, the oldest first; of one order perhaps, or those decided, the latest first."""
    asker, decider = aliased(User), aliased(User)
    query = (
        select(
            RefundRequest.id,
            RefundRequest.order_id,
            Order.number,
            RefundRequest.total_fen,
            RefundRequest.wanted,
            RefundRequest.state,
            RefundRequest.asked_by,
            asker.name,
            RefundRequest.asked_at,
            decider.name,
            RefundRequest.decided_at,
            RefundRequest.word,
        )
        .join(Order, Order.id == RefundRequest.order_id)
        .outerjoin(asker, asker.id == RefundRequest.asked_by)
        .outerjoin(decider, decider.id == RefundRequest.decided_by)
    )
    if number is not None:
        query = query.where(Order.number == number)
    if is_waiting is not None:
        condition = RefundRequest.state == RequestState.WAITING
        query = query.where(condition if is_waiting else ~condition)
    order = RefundRequest.id if is_waiting else RefundRequest.id.desc()
    return tuple(rows_as(RequestStory, db.session.execute(query.order_by(order).limit(most))))


def number_of_payment(payment_id: PaymentId) -> str | None:
    """The order that a payment is for."""
    number: str | None = db.session.scalar(select(Payment.reference).where(Payment.id == payment_id))
    return number
