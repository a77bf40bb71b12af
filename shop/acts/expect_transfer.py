"""Orders that are paid by bank transfer: the reminder before their day, and whose money it will be, said by the buyer."""

from datetime import datetime, timedelta
from pathlib import Path

from shop.extensions import act, end_reading
from shop.kit.clock import business_day
from shop.kit.ids import UserId
from shop.orders import service as orders
from shop.orders.service import OrderRow
from shop.orders.states import OrderState
from shop.outbox import service as outbox
from shop.papers.attachments import AttachmentId, Cleaned, attach, write_bytes
from shop.payments import service as payments
from shop.payments.errors import NoTransferOrder
from shop.payments.transfer import service as transfers

REMIND_BEFORE = timedelta(days=1)
SLIPS = "payment"
"""The kind of thing that a slip belongs to, in shop/papers/attachments.py."""


def remind_of_transfers(*, now: datetime) -> int:
    """Sweep. Remind whoever has not sent the whole sum by the day before their goods are let go; how many letters."""
    due = transfers.due_reminders(before=business_day(now) + REMIND_BEFORE)
    end_reading()
    return sum(_remind(number, now=now) for number in due)


@act
def _remind(number: str, *, now: datetime) -> bool:
    order = orders.lock(number)
    transfer = transfers.find_transfer(number)
    assert transfer is not None, "only transfers are due"
    transfers.record_reminded(transfer.payment_id, now=now)
    if order.state is not OrderState.AWAITING_PAYMENT or order.hold_until is None or order.hold_until <= now:
        return False
    write_about_transfer(order, "transfer_reminder", now=now)
    return True


def write_about_transfer(order: OrderRow, kind: str, *, now: datetime) -> None:
    """Step. One letter of each kind about an order's transfer."""
    outbox.write_letter(
        kind,
        once=f"{kind}:{order.number}",
        subject=order.number,
        locale=order.locale,
        to_email=order.email,
        to_phone=order.phone,
        facts={"number": order.number, "key": order.key},
        now=now,
    )


def bring_slip(
    number: str, slip: Cleaned | None, payer_name: str, *, instance_path: Path, by: UserId | None, now: datetime
) -> AttachmentId | None:
    """Course. The buyer brings the bank's slip, or says from whose account the money comes; staff see both beside the order.

    A slip moves nothing: money is there when it is on the statement. Raises NoTransferOrder, or CannotKeep when there are too many.
    """
    end_reading()
    if slip is not None:
        write_bytes(slip, instance_path)
    return _record_slip(number, slip, payer_name, by=by, now=now)


@act
def _record_slip(number: str, slip: Cleaned | None, payer_name: str, *, by: UserId | None, now: datetime) -> AttachmentId | None:
    order = orders.lock(number)
    transfer = transfers.find_transfer(number)
    if transfer is None:
        raise NoTransferOrder
    payments.lock_attempt(transfer.payment_id)
    if payer_name:
        transfers.name_payer(transfer.payment_id, payer_name)
    if slip is None:
        return None
    attachment_id = attach(slip, subject_kind=SLIPS, subject_id=transfer.payment_id, by=by, now=now)
    orders.add_event(order.id, "slip_brought", {"attachment": attachment_id}, by=by, now=now)
    return attachment_id
