"""Transfers, bank lines, receipts and what is to be sent back: the steps and verbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NewType

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shop.extensions import act, columns_of, db, dialect, fields_of, require_transaction, row_as, rows_as, table_of
from shop.kit.clock import day_ends
from shop.kit.ids import PaymentId, RefundId, UserId
from shop.outbox import service as outbox
from shop.payments.errors import LineTaken, NoSuchLine, NoSuchRemittance, NotAsExpected, SamePerson
from shop.payments.models import (
    BankLine,
    PayeeFrom,
    Payment,
    PaymentState,
    Refund,
    RefundState,
    Remittance,
    Transfer,
    TransferReceipt,
)
from shop.payments.service import AttemptRow, lock_attempt
from shop.payments.transfer.reference import reference_of
from shop.payments.transfer.statements import Statement, line_key_of

LineId = NewType("LineId", int)
RemittanceId = NewType("RemittanceId", int)

PROVIDER = "transfer"
METHOD = "transfer"

_payment, _refund, _transfer = columns_of(Payment), columns_of(Refund), columns_of(Transfer)
_line, _receipt, _remittance = columns_of(BankLine), columns_of(TransferReceipt), columns_of(Remittance)


# ── Waiting for a transfer ────────────────────────────────────────────────────────────────────────────────────────────


def expect_transfer(number: str, amount_fen: int, *, pay_by: date, payer_name: str, now: datetime) -> tuple[PaymentId, str]:
    """Step. A transfer of so much is expected up to the end of `pay_by`; its payment and its reference, which no other payment has.

    `payer_name`: whom it is expected from, until the buyer says that it comes from another's account.
    """
    require_transaction()
    attempt, reference = _free_reference(number)
    payment_id = db.session.scalar(
        insert(table_of(Payment))
        .values(
            provider=PROVIDER,
            reference=number,
            attempt=attempt,
            state=PaymentState.OPEN,
            amount_fen=amount_fen,
            currency="CNY",
            session_id=reference,
            intent_id=reference,
            method=METHOD,
            received_fen=0,
            refunded_fen=0,
            started_at=now,
            expires_at=day_ends(pay_by),
            next_check_at=None,  # nobody can be asked
            checks=0,
        )
        .returning(_payment.id)
    )
    assert payment_id is not None
    db.session.execute(insert(table_of(Transfer)).values(payment_id=payment_id, pay_by=pay_by, payer_name=payer_name[:120]))
    return PaymentId(payment_id), reference


def _free_reference(number: str) -> tuple[int, str]:
    """The first attempt whose reference is free. One in 2³⁰ is taken by each other order, so the second is as good as never asked for."""
    for attempt in range(1, 9):
        reference = reference_of(f"pay:{number}:{attempt}")
        taken = select(_payment.id).where(_payment.provider == PROVIDER, _payment.session_id == reference)
        if db.session.scalar(taken) is None:
            return attempt, reference
    raise AssertionError("eight references in a row are taken")


@dataclass(frozen=True)
class TransferRow:
    """A transfer that is or was expected."""

    payment_id: PaymentId
    reference: str
    state: PaymentState
    amount_fen: int
    received_fen: int
    refunded_fen: int
    pay_by: date
    payer_name: str

    @property
    def missing_fen(self) -> int:
        """What has not come yet, less what went back."""
        return max(0, self.amount_fen - (self.received_fen - self.refunded_fen))


def find_transfer(number: str) -> TransferRow | None:
    """The transfer that an order is paid by, if it is."""
    columns = (
        _payment.id,
        _payment.session_id,
        _payment.state,
        _payment.amount_fen,
        _payment.received_fen,
        _payment.refunded_fen,
        _transfer.pay_by,
        _transfer.payer_name,
    )
    query = select(*columns).join_from(table_of(Transfer), table_of(Payment), _payment.id == _transfer.payment_id)
    row = db.session.execute(query.where(_payment.reference == number)).one_or_none()
    return row_as(TransferRow, row) if row else None


def name_payer(payment_id: PaymentId, payer_name: str) -> None:
    """Step. The buyer says from whose account the money comes."""
    require_transaction()
    db.session.execute(update(table_of(Transfer)).where(_transfer.payment_id == payment_id).values(payer_name=payer_name[:120]))


def due_reminders(*, before: date, most: int = 50) -> list[str]:
    """Numbers of the orders whose transfer should come by `before`, has not come whole, and of which nobody was reminded."""
    query = (
        select(_payment.reference)
        .join_from(table_of(Transfer), table_of(Payment), _payment.id == _transfer.payment_id)
        .where(_transfer.pay_by <= before, _transfer.reminded_at.is_(None), _payment.state == PaymentState.OPEN)
    )
    return list(db.session.scalars(query.order_by(_transfer.pay_by, _payment.id).limit(most)))


def record_reminded(payment_id: PaymentId, *, now: datetime) -> None:
    """Step. The reminder was left to be sent."""
    require_transaction()
    db.session.execute(update(table_of(Transfer)).where(_transfer.payment_id == payment_id).values(reminded_at=now))


# ── Bank lines ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class LineRow:
    """Money that came in, as an act sees it."""

    id: LineId
    booked_on: date
    amount_fen: int
    allocated_fen: int
    payer_name: str
    payer_account: str
    payer_bank: str
    memo: str
    set_aside_at: datetime | None

    @property
    def left_fen(self) -> int:
        """What no order explains yet."""
        return self.amount_fen - self.allocated_fen


_LINE = fields_of(LineRow, BankLine)


@dataclass(frozen=True)
class Brought:
    """What an import did."""

    new: int
    known: int
    """Lines that were there before; they are not counted again."""


@act
def bring_statement(statement: Statement, *, by: UserId, now: datetime) -> Brought:
    """Keep a statement's lines, each once ever, whichever file it comes in."""
    rows = [
        {
            "line_key": line.line_key,
            "booked_on": line.booked_on,
            "amount_fen": line.amount_fen,
            "allocated_fen": 0,
            "payer_name": line.payer_name,
            "payer_account": line.payer_account,
            "payer_bank": line.payer_bank,
            "memo": line.memo,
            "bank_number": line.bank_number,
            "brought_by": by,
            "brought_at": now,
        }
        for line in statement.lines
    ]
    new = sum(_keep(row) for row in rows)
    facts = {"new": new, "known": len(rows) - new, "bad": len(statement.bad), "outgoing": statement.outgoing}
    outbox.write_audit("bank.statement_brought", subject="bank", by=by, facts=facts, now=now)
    return Brought(new, len(rows) - new)


@act
def bring_line(
    *,
    booked_on: date,
    amount_fen: int,
    payer_name: str,
    payer_account: str,
    payer_bank: str,
    memo: str,
    bank_number: str,
    by: UserId,
    now: datetime,
) -> bool:
    """Keep a line that somebody typed; whether it is new. `bank_number` is needed, so that the statement's own row is known again later."""
    assert bank_number, "a line that is typed names the bank's number"
    row = {
        "line_key": line_key_of(bank_number, booked_on.isoformat(), str(amount_fen)),
        "booked_on": booked_on,
        "amount_fen": amount_fen,
        "allocated_fen": 0,
        "payer_name": payer_name,
        "payer_account": payer_account,
        "payer_bank": payer_bank,
        "memo": memo,
        "bank_number": bank_number,
        "brought_by": by,
        "brought_at": now,
    }
    is_new = _keep(row)
    if is_new:
        outbox.write_audit("bank.line_typed", subject="bank", by=by, facts={"after": {"amount_fen": amount_fen}}, now=now)
    return is_new


def _keep(row: dict[str, object]) -> bool:
    return db.session.scalar(_KEEP_LINE[dialect()], row) is not None


_KEEP_LINE = {
    "postgresql": postgresql.insert(table_of(BankLine)).on_conflict_do_nothing().returning(_line.id),
    "sqlite": sqlite.insert(table_of(BankLine)).on_conflict_do_nothing().returning(_line.id),
}


def get_line(line_id: LineId) -> LineRow:
    """One line.

    Raises NoSuchLine.
    """
    return _one_line(line_id, lock=False)


def lock_line(line_id: LineId) -> LineRow:
    """Step. One line, locked; orders and payments are locked before it.

    Raises NoSuchLine.
    """
    require_transaction()
    return _one_line(line_id, lock=True)


def _one_line(line_id: LineId, *, lock: bool) -> LineRow:
    query = select(*_LINE).where(_line.id == line_id)
    row = db.session.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NoSuchLine
    return row_as(LineRow, row)


@act
def set_aside(line_id: LineId, *, reason: str, by: UserId, now: datetime) -> None:
    """A line is not for any order: it leaves the list. Raises NoSuchLine; LineTaken when part of it is an order's."""
    line = lock_line(line_id)
    if line.allocated_fen:
        raise LineTaken(line.left_fen)
    if line.set_aside_at is None:
        values = {"set_aside_at": now, "set_aside_by": by, "set_aside_reason": reason[:120]}
        db.session.execute(update(table_of(BankLine)).where(_line.id == line_id).values(**values))
        facts = {"before": {"state": "waiting"}, "after": {"state": "set_aside"}, "reason": reason[:120]}
        outbox.write_audit("bank.line_set_aside", subject=f"bank:{line_id}", by=by, facts=facts, now=now)


@act
def take_up_again(line_id: LineId, *, by: UserId, now: datetime) -> None:
    """A line that was set aside comes back onto the list. Raises NoSuchLine."""
    if lock_line(line_id).set_aside_at is not None:
        values = {"set_aside_at": None, "set_aside_by": None, "set_aside_reason": None}
        db.session.execute(update(table_of(BankLine)).where(_line.id == line_id).values(**values))
        facts = {"before": {"state": "set_aside"}, "after": {"state": "waiting"}}
        outbox.write_audit("bank.line_taken_up", subject=f"bank:{line_id}", by=by, facts=facts, now=now)


# ── Receipts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def find_receipt(line_id: LineId, payment_id: PaymentId) -> int | None:
    """How much of a line is said to be for a payment, fen; None if nothing is."""
    fen: int | None = db.session.scalar(select(_receipt.amount_fen).where(_receipt.line_id == line_id, _receipt.payment_id == payment_id))
    return fen


def record_receipt(line: LineRow, attempt: AttemptRow, amount_fen: int, *, reason: str, by: UserId | None, now: datetime) -> AttemptRow:
    """Step. So much of the line, which is locked, is for the payment, which is locked; the payment as it is then.

    Raises LineTaken when the line has not so much left; the CHECK has the last word.
    """
    require_transaction()
    if not 0 < amount_fen <= line.left_fen:
        raise LineTaken(line.left_fen)
    db.session.execute(update(table_of(BankLine)).where(_line.id == line.id).values(allocated_fen=_line.allocated_fen + amount_fen))
    db.session.execute(
        insert(table_of(TransferReceipt)).values(
            line_id=line.id, payment_id=attempt.id, amount_fen=amount_fen, reason=reason[:120], matched_by=by, matched_at=now
        )
    )
    db.session.execute(
        update(table_of(Payment))
        .where(_payment.id == attempt.id)
        .values(received_fen=_payment.received_fen + amount_fen, received_currency="CNY")
    )
    return lock_attempt(attempt.id)


def record_complete(payment_id: PaymentId, *, now: datetime) -> None:
    """Step. All that was asked has come."""
    require_transaction()
    values = {"state": PaymentState.PAID, "paid_at": now, "next_check_at": None}
    db.session.execute(update(table_of(Payment)).where(_payment.id == payment_id).values(**values))


# ── What is to be sent back ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Payee:
    """An account at a bank."""

    name: str
    account: str
    bank: str


@dataclass(frozen=True)
class RemittanceRow:
    """Money to send back, as an act sees it."""

    id: RemittanceId
    refund_id: RefundId
    payee_name: str
    payee_account: str
    payee_bank: str
    payee_from: PayeeFrom | None
    sent_by: UserId | None
    sent_at: datetime | None
    bank_reference: str
    confirmed_by: UserId | None
    confirmed_at: datetime | None


_REMITTANCE = fields_of(RemittanceRow, Remittance)


def payee_of_receipts(payment_id: PaymentId) -> Payee | None:
    """The account that a transfer came from last, if the statement names it whole."""
    query = (
        select(_line.payer_name, _line.payer_account, _line.payer_bank)
        .join_from(table_of(TransferReceipt), table_of(BankLine), _line.id == _receipt.line_id)
        .where(_receipt.payment_id == payment_id)
        .order_by(_receipt.id.desc())
        .limit(1)
    )
    row = db.session.execute(query).one_or_none()
    return row_as(Payee, row) if row and row.payer_name and row.payer_account else None


def open_remittance(refund_id: RefundId, payee: Payee | None) -> RemittanceId:
    """Step. A refund is to be sent by people: to this account, or to one that somebody has yet to name."""
    require_transaction()
    new_id = db.session.scalar(
        insert(table_of(Remittance))
        .values(
            refund_id=refund_id,
            payee_name=payee.name if payee else "",
            payee_account=payee.account if payee else "",
            payee_bank=payee.bank if payee else "",
            payee_from=PayeeFrom.RECEIPT if payee else None,
        )
        .returning(_remittance.id)
    )
    assert new_id is not None
    return RemittanceId(new_id)


def get_remittance(remittance_id: RemittanceId) -> RemittanceRow:
    """One remittance.

    Raises NoSuchRemittance.
    """
    return _one_remittance(remittance_id, lock=False)


def lock_remittance(remittance_id: RemittanceId) -> RemittanceRow:
    """Step. One remittance, locked; its order is locked before it.

    Raises NoSuchRemittance.
    """
    require_transaction()
    return _one_remittance(remittance_id, lock=True)


def _one_remittance(remittance_id: RemittanceId, *, lock: bool) -> RemittanceRow:
    query = select(*_REMITTANCE).where(_remittance.id == remittance_id)
    row = db.session.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NoSuchRemittance
    return row_as(RemittanceRow, row)


def open_remittances_of(number: str) -> Sequence[RemittanceRow]:
    """What is still to be sent back of an order, oldest first."""
    query = (
        select(*_REMITTANCE)
        .join_from(table_of(Remittance), table_of(Refund), _refund.id == _remittance.refund_id)
        .join(table_of(Payment), _payment.id == _refund.payment_id)
        .where(_payment.reference == number, _remittance.confirmed_at.is_(None), _refund.state != RefundState.FAILED)
    )
    return rows_as(RemittanceRow, db.session.execute(query.order_by(_remittance.id)))


@act
def name_payee(remittance_id: RemittanceId, payee: Payee, *, source: PayeeFrom, by: UserId | None, now: datetime) -> None:
    """Say to which account it goes. Raises NoSuchRemittance; NotAsExpected once it was sent."""
    row = lock_remittance(remittance_id)
    if row.sent_at is not None:
        raise NotAsExpected
    values = {
        "payee_name": payee.name[:120],
        "payee_account": payee.account[:40],
        "payee_bank": payee.bank[:80],
        "payee_from": source,
    }
    db.session.execute(update(table_of(Remittance)).where(_remittance.id == remittance_id).values(**values))
    facts = {"before": {"payee_from": row.payee_from}, "after": {"payee_from": source}}
    outbox.write_audit("remittance.payee_named", subject=f"remittance:{remittance_id}", by=by, facts=facts, now=now)


@act
def mark_sent(remittance_id: RemittanceId, *, bank_reference: str, by: UserId, now: datetime) -> None:
    """Somebody has sent it. Raises NoSuchRemittance; NotAsExpected when it was sent already or nobody knows where to."""
    row = lock_remittance(remittance_id)
    if row.sent_at is not None or row.payee_from is None:
        raise NotAsExpected
    values = {"sent_by": by, "sent_at": now, "bank_reference": bank_reference[:60]}
    db.session.execute(update(table_of(Remittance)).where(_remittance.id == remittance_id).values(**values))
    db.session.execute(update(table_of(Refund)).where(_refund.id == row.refund_id).values(state=RefundState.PENDING))
    facts = {"before": {"state": "to_send"}, "after": {"state": "sent"}, "bank_reference": bank_reference[:60]}
    outbox.write_audit("remittance.sent", subject=f"remittance:{remittance_id}", by=by, facts=facts, now=now)


@act
def mark_not_sent(remittance_id: RemittanceId, *, reason: str, by: UserId, now: datetime) -> None:
    """It is not on the statement, or came back: it is to be sent again. Raises NoSuchRemittance; NotAsExpected unless it was sent and not confirmed."""
    row = lock_remittance(remittance_id)
    if row.sent_at is None or row.confirmed_at is not None:
        raise NotAsExpected
    values = {"sent_by": None, "sent_at": None, "bank_reference": ""}
    db.session.execute(update(table_of(Remittance)).where(_remittance.id == remittance_id).values(**values))
    db.session.execute(update(table_of(Refund)).where(_refund.id == row.refund_id).values(state=RefundState.ASKED))
    states = {"before": {"state": "sent"}, "after": {"state": "to_send"}}
    facts = states | {"reason": reason[:120], "bank_reference": row.bank_reference}
    outbox.write_audit("remittance.not_sent", subject=f"remittance:{remittance_id}", by=by, facts=facts, now=now)


def record_confirmed(row: RemittanceRow, *, by: UserId, now: datetime) -> None:
    """Step. A second person found it on the statement. Raises SamePerson; NotAsExpected unless it was sent and not confirmed."""
    require_transaction()
    if row.sent_at is None or row.confirmed_at is not None:
        raise NotAsExpected
    if row.sent_by == by:
        raise SamePerson
    db.session.execute(update(table_of(Remittance)).where(_remittance.id == row.id).values(confirmed_by=by, confirmed_at=now))
    db.session.execute(
        update(table_of(Refund)).where(_refund.id == row.refund_id).values(state=RefundState.SUCCEEDED, settled_at=now, next_check_at=None)
    )
    facts = {"before": {"state": "sent"}, "after": {"state": "confirmed"}}
    outbox.write_audit("remittance.confirmed", subject=f"remittance:{row.id}", by=by, facts=facts, now=now)
