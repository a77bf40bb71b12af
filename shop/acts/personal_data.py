"""Everything that is known of a person: a copy of it, and emptying it for good (PIPL, articles 45 and 47).

Law: `WHOSE` names every table that holds something of a person and how its rows are found. What a copy holds and what forgetting empties both
follow from it and from the columns' marks (`shop/extensions.py:PERSONAL`), so neither can know of something that the other does not; a test
walks all tables. Figures stay: no entry, posting, attribution or movement is touched.
"""

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import structlog
from sqlalchemy import JSON, ColumnElement, Select, delete, false, insert, or_, select, update

from shop.accounts.models import Address, Consent, Forgetting, Invite, NewEmail, RecoveryCode, SignIn, SignUp, TwoFactor, User, UserRole
from shop.acts.expect_transfer import SLIPS
from shop.cart.models import Cart, CartLine
from shop.extensions import Base, act, columns_of, db, end_reading, row_as, table_of
from shop.kit.errors import Conflict
from shop.kit.ids import OrderId, UserId, new_key
from shop.kit.pictures import Format
from shop.offers.models import VoucherUse
from shop.orders.claim_models import Claim, ClaimLine, ClaimPhoto
from shop.orders.claim_states import OPEN_CLAIMS
from shop.orders.errors import NoSuchOrder
from shop.orders.models import Order, OrderEvent, OrderLine, OrderNote, RefundRequest, RequestState, Return
from shop.orders.states import OrderState
from shop.origin.models import Membership
from shop.outbox import service as outbox
from shop.outbox.models import Letter
from shop.papers.attachments import AttachmentRow, read_bytes, remove_bytes, unnamed
from shop.papers.errors import NoSuchAttachment
from shop.papers.models import Attachment, Fapiao, FapiaoState
from shop.payments.account import OPEN_DISPUTE_STATES
from shop.payments.models import BankLine, Dispute, Payment, PaymentState, Refund, RefundState, Remittance, Transfer, TransferReceipt
from shop.pictures.models import PictureFile
from shop.shipping.models import Shipment
from shop.voices.models import OrderMessage, Review, ReviewPhoto, Wish

log = structlog.get_logger()

THINK_IT_OVER = timedelta(days=7)
"""From asking to being forgotten: time to come back, and for a stranger at an open telephone to be noticed."""


# ── Whose it is ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and all their orders; or a guest, and the one order whose key they hold."""

    user_id: UserId | None = None
    order_id: OrderId | None = None

    def __post_init__(self) -> None:
        assert (self.user_id is None) != (self.order_id is None), "an account or an order"

    @property
    def subject(self) -> str:
        """What letters and the audit call them."""
        return f"user:{self.user_id}" if self.user_id is not None else f"order:{self.order_id}"


Found = Callable[[Person], ColumnElement[bool]]


@dataclass(frozen=True)
class Whose:
    """One table with something of people in it."""

    model: type[Base]
    rows: Found
    """Which rows are this person's."""
    is_deleted: bool = False
    """Whether forgetting takes the whole rows; else their personal columns are emptied."""
    stamp: str = ""
    """A column that says since when they are empty, where one does."""


def _orders(person: Person) -> Select[int]:
    order = columns_of(Order)
    return select(order.id).where(order.buyer_id == person.user_id if person.user_id is not None else order.id == person.order_id)


def _numbers(person: Person) -> Select[str]:
    order = columns_of(Order)
    return select(order.number).where(order.id.in_(_orders(person)))


def _payments(person: Person) -> Select[int]:
    payment = columns_of(Payment)
    return select(payment.id).where(payment.reference.in_(_numbers(person)))


def _refunds(person: Person) -> Select[int]:
    refund = columns_of(Refund)
    return select(refund.id).where(refund.payment_id.in_(_payments(person)))


def _bank_lines(person: Person) -> Select[int]:
    receipt = columns_of(TransferReceipt)
    return select(receipt.line_id).where(receipt.payment_id.in_(_payments(person)))


def of_order(model: type[Base], column: str = "order_id") -> Found:
    """Rows that name one of the person's orders."""
    return lambda person: columns_of(model)[column].in_(_orders(person))


def of_payment(model: type[Base], column: str = "payment_id") -> Found:
    """Rows that name one of the payments of the person's orders."""
    return lambda person: columns_of(model)[column].in_(_payments(person))


def of_user(model: type[Base], column: str = "user_id") -> Found:
    """Rows that name the person's account."""
    return lambda person: columns_of(model)[column] == person.user_id if person.user_id is not None else false()


def _letters(person: Person) -> ColumnElement[bool]:
    letter = columns_of(Letter)
    return or_(letter.subject.in_(_numbers(person)), letter.subject == person.subject)


def _cart_lines(person: Person) -> ColumnElement[bool]:
    cart = columns_of(Cart)
    own = select(cart.id).where(cart.user_id == person.user_id) if person.user_id is not None else select(cart.id).where(false())
    return columns_of(CartLine).cart_id.in_(own)


def _reviews(person: Person) -> Select[int]:
    line = columns_of(OrderLine)
    return select(columns_of(Review).id).where(columns_of(Review).line_id.in_(select(line.id).where(line.order_id.in_(_orders(person)))))


def _review_pictures(person: Person) -> Select[int]:
    row = columns_of(ReviewPhoto)
    return select(row.picture_id).where(row.review_id.in_(_reviews(person)))


def _claims(person: Person) -> Select[int]:
    return select(columns_of(Claim).id).where(columns_of(Claim).order_id.in_(_orders(person)))


def _pictures(person: Person) -> ColumnElement[bool]:
    """Of reviews, and of what was given back."""
    row, photo = columns_of(PictureFile), columns_of(ClaimPhoto)
    shown = select(photo.picture_id).where(photo.claim_id.in_(_claims(person)))
    return or_(row.picture_id.in_(_review_pictures(person)), row.picture_id.in_(shown))


def files_of(person: Person) -> ColumnElement[bool]:
    """Files that the person brought."""
    row = columns_of(Attachment)
    return or_(*((row.subject_kind == kind) & row.subject_id.in_(its(person)) for kind, its in FILES.items()))


FILES: Mapping[str, Callable[[Person], Select[int]]] = {SLIPS: _payments}
"""Kinds of things that people bring files to → the ids of theirs."""

WHOSE: tuple[Whose, ...] = (
    Whose(User, of_user(User, "id")),
    Whose(UserRole, of_user(UserRole), is_deleted=True),
    Whose(RecoveryCode, of_user(RecoveryCode), is_deleted=True),
    Whose(TwoFactor, of_user(TwoFactor), is_deleted=True),
    Whose(SignIn, of_user(SignIn), is_deleted=True),
    Whose(Invite, of_user(Invite, "accepted_by")),
    Whose(NewEmail, of_user(NewEmail), is_deleted=True),
    Whose(SignUp, lambda _person: false(), is_deleted=True),  # nobody's yet: it becomes an account or is gone after a day
    Whose(Consent, of_user(Consent)),
    Whose(Address, of_user(Address), is_deleted=True),
    Whose(CartLine, _cart_lines, is_deleted=True),
    Whose(Cart, of_user(Cart), is_deleted=True),
    Whose(Order, of_order(Order, "id")),
    Whose(OrderLine, of_order(OrderLine)),
    Whose(OrderEvent, of_order(OrderEvent)),
    Whose(OrderNote, of_order(OrderNote)),
    Whose(OrderMessage, of_order(OrderMessage)),
    Whose(Shipment, of_order(Shipment)),
    Whose(Return, of_order(Return)),
    Whose(VoucherUse, of_order(VoucherUse)),
    Whose(Fapiao, of_order(Fapiao), stamp="emptied_at"),
    Whose(Payment, of_payment(Payment, "id")),
    Whose(Refund, of_payment(Refund)),
    Whose(Transfer, of_payment(Transfer)),
    Whose(TransferReceipt, of_payment(TransferReceipt)),
    Whose(BankLine, lambda person: columns_of(BankLine).id.in_(_bank_lines(person))),
    Whose(Remittance, lambda person: columns_of(Remittance).refund_id.in_(_refunds(person))),
    Whose(Letter, _letters),
    Whose(Attachment, files_of, is_deleted=True),
    Whose(PictureFile, _pictures, is_deleted=True),
    Whose(ClaimPhoto, lambda person: columns_of(ClaimPhoto).claim_id.in_(_claims(person)), is_deleted=True),
    Whose(ClaimLine, lambda person: columns_of(ClaimLine).claim_id.in_(_claims(person))),
    Whose(Claim, of_order(Claim)),
    Whose(ReviewPhoto, lambda person: columns_of(ReviewPhoto).review_id.in_(_reviews(person)), is_deleted=True),
    Whose(Review, lambda person: columns_of(Review).id.in_(_reviews(person))),
    Whose(Wish, of_user(Wish), is_deleted=True),
)
"""Every table with something of buyers in it. Rows are found by ids and numbers only, which stay; of rows that go, those that point to others stand first."""


# ── A copy ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def copy_of(person: Person, *, instance_path: Path, now: datetime) -> bytes:
    """Everything that is known of the person, as a ZIP file: `data.json`, and the photographs and files they brought. One statement for each table."""
    told: dict[str, object] = {"made_at": now, "of": person.subject}
    for its in WHOSE:
        table = table_of(its.model)
        columns = [column for column in table.columns if not column.info.get("secret")]
        rows = db.session.execute(select(*columns).where(its.rows(person)).order_by(*table.primary_key.columns)).mappings().all()
        if rows:
            told[table.name] = {"what": (its.model.__doc__ or "").strip(), "rows": [dict(row) for row in rows]}
    photos = db.session.execute(_PHOTOGRAPHS.where(_pictures(person))).all()
    files = [row_as(AttachmentRow, row) for row in db.session.execute(select(*_ATTACHMENT).where(files_of(person)).order_by(_file.id))]
    end_reading()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(told, ensure_ascii=False, indent=1, default=_as_text))
        for photo in photos:
            archive.writestr(f"photos/{photo.picture_id}.jpg", photo.content)
        for file in files:
            try:
                archive.writestr(f"files/{file.id}.{file.media_type.partition('/')[2]}", read_bytes(file, instance_path))
            except NoSuchAttachment:  # the row, which is in the copy, says that there was one
                continue
    return written.getvalue()


_file = columns_of(Attachment)
_ATTACHMENT = (
    _file.id, _file.subject_kind, _file.subject_id, _file.sha256, _file.media_type, _file.size_bytes, _file.uploaded_by, _file.uploaded_at,
)  # fmt: skip


_drawing = columns_of(PictureFile)
_PHOTOGRAPHS = (
    select(_drawing.picture_id, _drawing.content).where(_drawing.format == Format.JPEG).order_by(_drawing.picture_id)
)  # there is one JPEG of each


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


# ── Why not yet ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Matter(StrEnum):
    """What is still open between the person and the shop."""

    ORDER = "order"
    """An order under way, or within its return window."""
    REFUND = "refund"
    """Money that is on its way back, or whose way back failed."""
    DISPUTE = "dispute"
    """A bank that has not decided."""
    RETURN = "return"
    """Goods that are to come back, or a cancellation that nobody has answered."""
    FAPIAO = "fapiao"
    """A fapiao that was asked for and is not issued yet: it needs whom it is made out to."""
    DUTY = "duty"
    """They work for the shop or a cooperative."""


@dataclass(frozen=True)
class OpenMatter:
    """One thing that has to end first."""

    matter: Matter
    number: str
    """The order's; nothing for a duty."""


_UNDER_WAY = (OrderState.AWAITING_PAYMENT, OrderState.PAID, OrderState.PACKING, OrderState.SHIPPED, OrderState.DELIVERED)


def open_matters(person: Person) -> tuple[OpenMatter, ...]:
    """Why the person cannot be forgotten yet; nothing when they can. Five or six statements."""
    order, payment = columns_of(Order), columns_of(Payment)
    its = order.id.in_(_orders(person))
    found = [
        OpenMatter(Matter.ORDER, number)
        for number in db.session.scalars(select(order.number).where(its, order.state.in_(_UNDER_WAY)).order_by(order.id))
    ]
    found += [OpenMatter(Matter.REFUND, number) for number in db.session.scalars(_unsettled(person))]
    disputed = (
        select(payment.reference)
        .join(table_of(Dispute), columns_of(Dispute).payment_id == payment.id)
        .where(payment.id.in_(_payments(person)), columns_of(Dispute).state.in_(OPEN_DISPUTE_STATES))
    )
    found += [OpenMatter(Matter.DISPUTE, number) for number in db.session.scalars(disputed.distinct().order_by(payment.reference))]
    claimed = (
        select(order.number)
        .join(table_of(Claim), columns_of(Claim).order_id == order.id)
        .where(columns_of(Claim).id.in_(_claims(person)), columns_of(Claim).state.in_(OPEN_CLAIMS))
    )
    found += [OpenMatter(Matter.RETURN, number) for number in db.session.scalars(claimed.order_by(order.id))]
    found += [OpenMatter(Matter.FAPIAO, number) for number in db.session.scalars(_fapiao_waiting(person))]
    if person.user_id is not None:
        duty = select(UserRole.user_id).where(UserRole.user_id == person.user_id)
        work = select(Membership.user_id).where(Membership.user_id == person.user_id)
        if db.session.scalar(duty.union_all(work).limit(1)) is not None:
            found.append(OpenMatter(Matter.DUTY, ""))
    return tuple(dict.fromkeys(found))


def _fapiao_waiting(person: Person) -> Select[str]:
    """Orders whose fapiao somebody has still to issue; when all their money went back there is none to issue."""
    order, payment, row = columns_of(Order), columns_of(Payment), columns_of(Fapiao)
    has_money = select(payment.id).where(payment.reference == order.number, payment.received_fen > payment.refunded_fen).exists()
    asked = select(order.number).join(table_of(Fapiao), row.order_id == order.id).where(row.state == FapiaoState.ASKED)
    return asked.where(order.id.in_(_orders(person)), order.paid_at.is_not(None), has_money).order_by(order.id)


def _unsettled(person: Person) -> Select[str]:
    """Orders of which money is to go back and has not: asked of the provider, failed, waiting for a second person or for the bank."""
    order, payment, refund, remittance = columns_of(Order), columns_of(Payment), columns_of(Refund), columns_of(Remittance)
    to_send = select(payment.reference).join(table_of(Refund), refund.payment_id == payment.id)
    by_bank = to_send.join(table_of(Remittance), remittance.refund_id == refund.id).where(remittance.confirmed_at.is_(None))
    by_provider = to_send.where(refund.state.in_((RefundState.ASKED, RefundState.PENDING)))
    mismatch = select(payment.reference).where(payment.id.in_(_payments(person)), payment.state == PaymentState.MISMATCH)
    asked = (
        select(order.number)
        .join(table_of(RefundRequest), columns_of(RefundRequest).order_id == order.id)
        .where(order.id.in_(_orders(person)), columns_of(RefundRequest).state == RequestState.WAITING)
    )
    own = payment.id.in_(_payments(person))
    return by_bank.where(own).union_all(by_provider.where(own), mismatch, asked)  # type: ignore[return-value]  # a union of selects reads like one


# ── Being forgotten ───────────────────────────────────────────────────────────────────────────────────────────────────


class NotForgottenYet(Conflict):
    """Something is open; nothing was changed."""

    def __init__(self, matters: tuple[OpenMatter, ...]) -> None:
        super().__init__(matters)
        self.matters = matters


@dataclass(frozen=True)
class Asked:
    """A wish to be forgotten that stands."""

    asked_at: datetime
    due_at: datetime


def find_asked(person: Person) -> Asked | None:
    """Whether the person has asked, and when it will happen."""
    row = columns_of(Forgetting)
    found = db.session.execute(select(row.asked_at, row.due_at).where(_open_for(person))).one_or_none()
    return row_as(Asked, found) if found else None


@act
def ask_to_be_forgotten(person: Person, *, now: datetime) -> Asked:
    """The person will be forgotten when `THINK_IT_OVER` has passed, unless they say otherwise. Asked twice, it is once.

    The caller has made sure that it is they. Raises NotForgottenYet.
    """
    _lock(person)
    if known := find_asked(person):
        return known
    if matters := open_matters(person):
        raise NotForgottenYet(matters)
    asked = Asked(now, now + THINK_IT_OVER)
    db.session.execute(
        insert(Forgetting).values(user_id=person.user_id, order_id=person.order_id, asked_at=asked.asked_at, due_at=asked.due_at)
    )
    outbox.write_audit("person.asked_to_be_forgotten", subject=person.subject, by=person.user_id, facts={}, now=now)
    _write_about(person, asked, now=now)
    return asked


@act
def stay(person: Person, *, now: datetime) -> None:
    """They have thought better of it."""
    _lock(person)
    db.session.execute(update(table_of(Forgetting)).where(_open_for(person)).values(withdrawn_at=now))
    outbox.write_audit("person.stayed", subject=person.subject, by=person.user_id, facts={}, now=now)


def forget_due(*, instance_path: Path, now: datetime) -> int:
    """Sweep. Forget whoever asked and has had time to think; how many. Who has bought since waits until that is over."""
    row = columns_of(Forgetting)
    due = db.session.execute(
        select(row.user_id, row.order_id)
        .where(row.due_at <= now, row.done_at.is_(None), row.withdrawn_at.is_(None))
        .order_by(row.id)
        .limit(50)
    ).all()
    end_reading()
    forgotten = 0
    for user_id, order_id in due:
        try:
            files = _forget(Person(user_id, order_id), now=now)
        except NotForgottenYet:
            continue
        gone = _unnamed(files)
        remove_bytes(gone, instance_path)
        forgotten += 1
    return forgotten


def _unnamed(names: Sequence[str]) -> tuple[str, ...]:
    found = unnamed(names) if names else ()
    end_reading()
    return found


@act
def _forget(person: Person, *, now: datetime) -> tuple[str, ...]:
    """Empty everything; hashes of files whose rows went."""
    _lock(person)
    if find_asked(person) is None:
        return ()
    if matters := open_matters(person):
        raise NotForgottenYet(matters)
    files = tuple(db.session.scalars(select(_file.sha256).where(files_of(person))))
    letter = columns_of(Letter)
    unsent = update(table_of(Letter)).where(_letters(person), letter.sent_at.is_(None), letter.given_up_at.is_(None))
    db.session.execute(unsent.values(given_up_at=now, trouble="forgotten"))
    for order_id in db.session.scalars(_orders(person)).all():  # the link in old letters opens nothing any more
        db.session.execute(update(table_of(Order)).where(columns_of(Order).id == order_id).values(key=new_key()))
    if person.user_id is not None:  # first, and at once: an account is reachable until it is deleted, says its CHECK
        empty = _emptied(User) | {"deleted_at": now, "password_hash": ""}
        db.session.execute(update(table_of(User)).where(columns_of(User).id == person.user_id).values(empty))
    for its in WHOSE:
        if its.is_deleted:
            db.session.execute(delete(table_of(its.model)).where(its.rows(person)))
        elif its.model is not User and (values := _emptied(its.model)):
            stamp = {its.stamp: now} if its.stamp else {}
            db.session.execute(update(table_of(its.model)).where(its.rows(person)).values(values | stamp))
    db.session.execute(update(table_of(Forgetting)).where(_open_for(person)).values(done_at=now))
    outbox.write_audit("person.forgotten", subject=person.subject, by=None, facts={}, now=now)
    return files


def _emptied(model: type[Base]) -> dict[str, object]:
    """What stands in the personal columns of a forgotten person's row."""
    empty: dict[str, object] = {}
    for column in table_of(model).columns:
        if column.info.get("personal"):
            empty[column.name] = None if column.nullable else {} if isinstance(column.type, JSON) else column.type.python_type()
    return empty


def _open_for(person: Person) -> ColumnElement[bool]:
    row = columns_of(Forgetting)
    whose = row.user_id == person.user_id if person.user_id is not None else row.order_id == person.order_id
    return whose & row.done_at.is_(None) & row.withdrawn_at.is_(None)


def _lock(person: Person) -> None:
    model, row_id = (User, person.user_id) if person.user_id is not None else (Order, person.order_id)
    columns = columns_of(model)
    if db.session.scalar(select(columns.id).where(columns.id == row_id).with_for_update()) is None:
        raise NoSuchOrder


def _write_about(person: Person, asked: Asked, *, now: datetime) -> None:
    """Whoever did not ask should know at once."""
    if person.user_id is not None:
        row = db.session.execute(select(User.email, User.phone, User.locale).where(User.id == person.user_id)).one()
    else:
        row = db.session.execute(select(Order.email, Order.phone, Order.locale).where(Order.id == person.order_id)).one()
    facts = {"user_id": person.user_id, "order_id": person.order_id, "due_at": asked.due_at.isoformat()}
    outbox.write_letter(
        "forget_asked",
        once=f"forget_asked:{person.subject}:{asked.asked_at.isoformat()}",
        subject=person.subject,
        locale=row.locale,
        to_email=row.email,
        to_phone=row.phone,
        facts=facts,
        now=now,
    )
