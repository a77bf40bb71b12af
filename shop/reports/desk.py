"""What needs a person today, and the figures beside it. Everything else goes on by itself.

Law: a thing leaves the desk when the cause is gone, not when somebody has looked at it. Each kind is one statement.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from shop.accounts.models import User
from shop.catalog.models import Product
from shop.extensions import db, rows_as
from shop.kit.clock import business_day, day_starts
from shop.ledger.models import (
    Attribution,
    DividendApproval,
    DividendRule,
    DividendRuleDecision,
    DividendRun,
    DividendSheet,
    Settlement,
    SettlementState,
)
from shop.orders.models import Order, RefundRequest, RequestState
from shop.orders.states import OrderState
from shop.origin.models import Cooperative
from shop.outbox.models import Letter
from shop.payments.models import BankLine, Payment, PaymentState, Refund, RefundState, Remittance
from shop.reports.conversation import Unanswered, unanswered
from shop.reports.desk_piles import Pile, read_piles
from shop.reports.provider_money import MoneyAlarms, read_alarms
from shop.shipping.models import Shipment
from shop.shipping.states import ShipmentState
from shop.stock.models import CorrectionState, Lot, LotCorrection, StockItem

SHIP_WITHIN = timedelta(days=2)
"""A paid parcel should have left by then."""
EXPIRES_WITHIN = timedelta(days=14)
LETTERS_FOR = timedelta(days=30)
"""A letter that was given up is of interest for so long."""
LINES_WITHIN = timedelta(days=2)
"""Somebody should have said by then whose a bank line is."""
MOST_OF_A_KIND = 50


@dataclass(frozen=True)
class Figures:
    """How the day goes."""

    paid_today_fen: int
    paid_today: int
    """Orders."""
    to_ship: int
    """Parcels."""
    late_parcels: int
    """Of these, paid longer ago than `SHIP_WITHIN`."""
    refunds_on_their_way_fen: int
    refunds_on_their_way: int
    awaiting_payment: int
    month_net_fen: int
    """Net sales booked this month so far."""


@dataclass(frozen=True)
class Mismatch:
    """Money came, but not what was asked: nothing moved, a person decides."""

    number: str
    asked_fen: int
    received_fen: int
    currency: str
    method: str | None
    at: datetime


@dataclass(frozen=True)
class FailedRefund:
    """The provider could not send the money back; everything was booked back, and nobody has sent it another way."""

    number: str
    amount_fen: int
    trouble: str | None
    at: datetime


@dataclass(frozen=True)
class LateMoney:
    """Paid when the goods were gone: it goes back by itself, the buyer wants to hear of it."""

    number: str
    amount_fen: int
    state: RefundState
    at: datetime
    is_second: bool
    """The order was paid already: paid twice, not late."""


@dataclass(frozen=True)
class LateParcels:
    """An order of which something was paid for and is still not sent."""

    number: str
    paid_at: datetime
    cooperatives: tuple[tuple[str, str], ...]
    """Who has not sent: names, Chinese and English."""


@dataclass(frozen=True)
class ExpiringLot:
    """A lot that is about to expire, or has, with units left."""

    code: str
    product: str
    product_en: str
    cooperative: str
    cooperative_en: str
    best_before: date
    free_units: int


@dataclass(frozen=True)
class LostLetter:
    """A letter that could not be delivered."""

    number: str
    kind: str
    trouble: str | None
    at: datetime


@dataclass(frozen=True)
class OldLines:
    """Money in the bank account that nobody has said whose it is for days."""

    count: int
    amount_fen: int
    oldest_on: date


@dataclass(frozen=True)
class WaitingRefund:
    """A refund that one person asked for and another has to decide."""

    number: str
    total_fen: int
    asked_by_name: str | None
    at: datetime
    asked_by: int | None


@dataclass(frozen=True)
class WaitingDraft:
    """A settlement that one person drafted and another has to approve."""

    number: str
    cooperative: str
    cooperative_en: str
    total_fen: int
    drafted_by: int
    drafted_by_name: str
    at: datetime


@dataclass(frozen=True)
class WaitingRule:
    """A dividend rule that a cooperative proposed and somebody else has to decide on."""

    id: int
    name: str
    version: int
    cooperative: str
    cooperative_en: str
    starts_on: date
    at: datetime


@dataclass(frozen=True)
class WaitingSheet:
    """Dividends that one person computed and another has to approve."""

    id: int
    cooperative: str
    cooperative_en: str
    first_day: date
    last_day: date
    payable_fen: int
    computed_by: int
    at: datetime


@dataclass(frozen=True)
class WaitingCorrection:
    """A lot that one person says was written down wrong, for another to check."""

    id: int
    lot_code: str
    product: str
    product_en: str
    reason: str
    proposed_by: int
    at: datetime


@dataclass(frozen=True)
class ToSendBack:
    """Money that somebody has to send from the bank account, or to find on its statement."""

    number: str
    amount_fen: int
    has_payee: bool
    is_sent: bool
    at: datetime


@dataclass(frozen=True)
class SoldAndRefunded:
    """Refunded at the provider's dashboard, and something of it is still to be packed: somebody decides whether it goes."""

    number: str
    amount_fen: int
    at: datetime


@dataclass(frozen=True)
class Desk:
    """The desk, each kind with the oldest first."""

    today: date
    figures: Figures
    mismatches: tuple[Mismatch, ...]
    failed_refunds: tuple[FailedRefund, ...]
    late_money: tuple[LateMoney, ...]
    late_parcels: tuple[LateParcels, ...]
    lots: tuple[ExpiringLot, ...]
    letters: tuple[LostLetter, ...]
    bank_lines: OldLines | None
    waiting_refunds: tuple[WaitingRefund, ...]
    drafts: tuple[WaitingDraft, ...]
    rules: tuple[WaitingRule, ...]
    sheets: tuple[WaitingSheet, ...]
    corrections: tuple[WaitingCorrection, ...]
    send_back: tuple[ToSendBack, ...]
    found_refunds: tuple[SoldAndRefunded, ...]
    unanswered: tuple[Unanswered, ...]
    providers: MoneyAlarms
    piles: tuple[Pile, ...]

    @property
    def count(self) -> int:
        """How many things need a person."""
        kinds = (self.mismatches, self.failed_refunds, self.late_money, self.late_parcels, self.lots, self.letters, self.unanswered)
        money = (self.waiting_refunds, self.send_back, self.found_refunds)
        second_person = (self.drafts, self.rules, self.sheets, self.corrections)
        return (
            sum(len(kind) for kind in (*kinds, *money, *second_person))
            + (self.bank_lines is not None)
            + self.providers.count
            + len(self.piles)
        )


def read_desk(now: datetime) -> Desk:
    """The desk as it stands. Thirty statements, however much there is to do."""
    today = business_day(now)
    return Desk(
        today=today,
        figures=_figures(today, now),
        mismatches=_mismatches(),
        failed_refunds=_failed_refunds(),
        late_money=_late_money(),
        late_parcels=_late_parcels(now),
        lots=_lots(today),
        letters=_letters(now),
        bank_lines=_bank_lines(today),
        waiting_refunds=_waiting_refunds(),
        drafts=_drafts(),
        rules=_rules(),
        sheets=_sheets(),
        corrections=_corrections(),
        send_back=_send_back(),
        found_refunds=_found_refunds(),
        unanswered=unanswered(now, most=MOST_OF_A_KIND),
        providers=read_alarms(now),
        piles=read_piles(now),
    )


def _figures(today: date, now: datetime) -> Figures:
    paid_today = Order.paid_at >= day_starts(today)
    to_pack = select(func.count()).select_from(Shipment).where(Shipment.state == ShipmentState.TO_PACK)
    under_way = Refund.state.in_((RefundState.ASKED, RefundState.PENDING))
    row = db.session.execute(
        select(
            select(func.coalesce(func.sum(Order.total_fen), 0)).where(paid_today).scalar_subquery().label("paid_today_fen"),
            select(func.count()).select_from(Order).where(paid_today).scalar_subquery().label("paid_today"),
            to_pack.scalar_subquery().label("to_ship"),
            to_pack.join(Order, Order.id == Shipment.order_id)
            .where(Order.paid_at < now - SHIP_WITHIN)
            .scalar_subquery()
            .label("late_parcels"),
            select(func.coalesce(func.sum(Refund.amount_fen), 0)).where(under_way).scalar_subquery().label("refunds_on_their_way_fen"),
            select(func.count()).select_from(Refund).where(under_way).scalar_subquery().label("refunds_on_their_way"),
            select(func.count())
            .select_from(Order)
            .where(Order.state == OrderState.AWAITING_PAYMENT)
            .scalar_subquery()
            .label("awaiting_payment"),
            select(func.coalesce(func.sum(Attribution.amount_fen), 0))
            .where(Attribution.business_day.between(today.replace(day=1), today))
            .scalar_subquery()
            .label("month_net_fen"),
        )
    ).one()
    return Figures(*(int(figure) for figure in row))


def _mismatches() -> tuple[Mismatch, ...]:
    """Until all of it has gone back."""
    columns = (Payment.reference, Payment.amount_fen, Payment.received_fen, Payment.received_currency, Payment.method, Payment.paid_at)
    wrong = select(*columns).where(Payment.state == PaymentState.MISMATCH, Payment.refunded_fen < Payment.received_fen)
    return tuple(rows_as(Mismatch, db.session.execute(wrong.order_by(Payment.paid_at, Payment.id).limit(MOST_OF_A_KIND))))


def _failed_refunds() -> tuple[FailedRefund, ...]:
    """Until a later refund of the same payment has been asked for."""
    later = aliased(Refund)
    again = select(later.id).where(later.payment_id == Refund.payment_id, later.id > Refund.id, later.state != RefundState.FAILED).exists()
    failed = (
        select(Payment.reference, Refund.amount_fen, Refund.trouble, Refund.settled_at)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.state == RefundState.FAILED, ~again)
    )
    return tuple(rows_as(FailedRefund, db.session.execute(failed.order_by(Refund.settled_at, Refund.id).limit(MOST_OF_A_KIND))))


def _late_money() -> tuple[LateMoney, ...]:
    """Refunds of orders that never became a sale, and of what was paid twice, until the money has arrived. A failed one stands among the failed."""
    unsold = Order.state.in_((OrderState.LAPSED, OrderState.CANCELLED))
    second = Refund.once.like("giveback:%") & ~unsold
    going = (
        select(Payment.reference, Refund.amount_fen, Refund.state, Refund.asked_at, ~unsold)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Order, Order.number == Payment.reference)
        .where(Refund.state.in_((RefundState.ASKED, RefundState.PENDING)), unsold | second, ~Refund.by_transfer)
    )
    return tuple(rows_as(LateMoney, db.session.execute(going.order_by(Refund.asked_at, Refund.id).limit(MOST_OF_A_KIND))))


def _late_parcels(now: datetime) -> tuple[LateParcels, ...]:
    late = (
        select(Order.number, Order.paid_at, Cooperative.short_name, Cooperative.name_en)
        .select_from(Shipment)
        .join(Order, Order.id == Shipment.order_id)
        .join(Cooperative, Cooperative.id == Shipment.cooperative_id)
        .where(Shipment.state == ShipmentState.TO_PACK, Order.paid_at < now - SHIP_WITHIN)
        .order_by(Order.paid_at, Order.id, Shipment.id)
    )
    late_orders: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    for number, paid_at, name, name_en in db.session.execute(late.limit(MOST_OF_A_KIND)):
        late_orders.setdefault((number, paid_at), []).append((name, name_en))
    return tuple(rows_as(LateParcels, ((*order, tuple(names)) for order, names in late_orders.items())))


def _lots(today: date) -> tuple[ExpiringLot, ...]:
    free_units = func.sum(StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off)
    columns = (
        Lot.code,
        Product.name,
        Product.name_en,
        Cooperative.short_name,
        Cooperative.name_en.label("cooperative_en"),
        Lot.best_before,
    )
    expiring = (
        select(*columns, free_units.label("free_units"))
        .select_from(Lot)
        .join(StockItem, StockItem.lot_id == Lot.id)
        .join(Product, Product.id == Lot.product_id)
        .join(Cooperative, Cooperative.id == Lot.cooperative_id)
        .where(Lot.best_before <= today + EXPIRES_WITHIN, Lot.recalled_at.is_(None))
        .group_by(Lot.id, *columns)
        .having(free_units > 0)
    )
    rows = db.session.execute(expiring.order_by(Lot.best_before, Lot.id).limit(MOST_OF_A_KIND))
    return tuple(ExpiringLot(*row[:6], free_units=int(row.free_units)) for row in rows)


def _letters(now: datetime) -> tuple[LostLetter, ...]:
    columns = (Letter.subject, Letter.kind, Letter.trouble, Letter.given_up_at)
    about_an_order = Letter.subject.not_like("%:%")  # `user:42` is for nobody here to mend
    lost = select(*columns).where(Letter.given_up_at > now - LETTERS_FOR, Letter.sent_at.is_(None), about_an_order)
    return tuple(rows_as(LostLetter, db.session.execute(lost.order_by(Letter.given_up_at, Letter.id).limit(MOST_OF_A_KIND))))


def _bank_lines(today: date) -> OldLines | None:
    """Until each is some order's, or is set aside."""
    left = BankLine.amount_fen - BankLine.allocated_fen
    old = (left > 0) & BankLine.set_aside_at.is_(None) & (BankLine.booked_on <= today - LINES_WITHIN)
    count, fen, oldest = db.session.execute(select(func.count(), func.sum(left), func.min(BankLine.booked_on)).where(old)).one()
    return OldLines(int(count), int(fen), oldest) if count else None


@dataclass(frozen=True)
class SecondPerson:
    """What waits for another person's yes or no."""

    refunds: tuple[WaitingRefund, ...]
    drafts: tuple[WaitingDraft, ...]
    rules: tuple[WaitingRule, ...]
    sheets: tuple[WaitingSheet, ...]
    corrections: tuple[WaitingCorrection, ...]


def read_second_person() -> SecondPerson:
    """All of it, for the page of approvals."""
    return SecondPerson(_waiting_refunds(), _drafts(), _rules(), _sheets(), _corrections())


def _waiting_refunds() -> tuple[WaitingRefund, ...]:
    """Until another person has said yes or no."""
    query = (
        select(Order.number, RefundRequest.total_fen, User.name, RefundRequest.asked_at, RefundRequest.asked_by)
        .join(Order, Order.id == RefundRequest.order_id)
        .outerjoin(User, User.id == RefundRequest.asked_by)
        .where(RefundRequest.state == RequestState.WAITING)
    )
    return tuple(rows_as(WaitingRefund, db.session.execute(query.order_by(RefundRequest.id).limit(MOST_OF_A_KIND))))


def _drafts() -> tuple[WaitingDraft, ...]:
    """Until another person has approved it, or it was thrown away."""
    query = (
        select(
            Settlement.number,
            Cooperative.short_name,
            Cooperative.name_en,
            Settlement.total_fen,
            Settlement.drafted_by,
            User.name,
            Settlement.drafted_at,
        )
        .join(Cooperative, Cooperative.id == Settlement.cooperative_id)
        .join(User, User.id == Settlement.drafted_by)
        .where(Settlement.state == SettlementState.DRAFT)
    )
    return tuple(rows_as(WaitingDraft, db.session.execute(query.order_by(Settlement.id).limit(MOST_OF_A_KIND))))


def _rules() -> tuple[WaitingRule, ...]:
    """Until somebody has said yes or no."""
    query = (
        select(
            DividendRule.id,
            DividendRule.name,
            DividendRule.version,
            Cooperative.short_name,
            Cooperative.name_en,
            DividendRule.starts_on,
            DividendRule.proposed_at,
        )
        .join(Cooperative, Cooperative.id == DividendRule.cooperative_id)
        .where(~select(DividendRuleDecision.rule_id).where(DividendRuleDecision.rule_id == DividendRule.id).exists())
    )
    return tuple(rows_as(WaitingRule, db.session.execute(query.order_by(DividendRule.id).limit(MOST_OF_A_KIND))))


def _sheets() -> tuple[WaitingSheet, ...]:
    """The latest of each cooperative, until another person has approved it or one computed later has taken its place."""
    later = aliased(DividendSheet)
    query = (
        select(
            DividendSheet.id,
            Cooperative.short_name,
            Cooperative.name_en,
            DividendSheet.first_day,
            DividendSheet.last_day,
            func.sum(DividendRun.payable_fen),
            DividendSheet.computed_by,
            DividendSheet.computed_at,
        )
        .join(Cooperative, Cooperative.id == DividendSheet.cooperative_id)
        .join(DividendRun, DividendRun.sheet_id == DividendSheet.id)
        .where(
            ~select(DividendApproval.sheet_id).where(DividendApproval.sheet_id == DividendSheet.id).exists(),
            ~select(later.id).where(later.cooperative_id == DividendSheet.cooperative_id, later.id > DividendSheet.id).exists(),
        )
        .group_by(DividendSheet.id, Cooperative.id)
    )
    rows = db.session.execute(query.order_by(DividendSheet.id).limit(MOST_OF_A_KIND))
    return tuple(WaitingSheet(*row[:5], payable_fen=int(row[5]), computed_by=row[6], at=row[7]) for row in rows)


def _corrections() -> tuple[WaitingCorrection, ...]:
    """Until another person has approved or rejected it."""
    query = (
        select(
            LotCorrection.id,
            Lot.code,
            Product.name,
            Product.name_en,
            LotCorrection.reason,
            LotCorrection.proposed_by,
            LotCorrection.proposed_at,
        )
        .join(Lot, Lot.id == LotCorrection.lot_id)
        .join(Product, Product.id == Lot.product_id)
        .where(LotCorrection.state == CorrectionState.PROPOSED)
    )
    return tuple(rows_as(WaitingCorrection, db.session.execute(query.order_by(LotCorrection.id).limit(MOST_OF_A_KIND))))


def _send_back() -> tuple[ToSendBack, ...]:
    """Until a second person has found it on the statement."""
    query = (
        select(Payment.reference, Refund.amount_fen, Remittance.payee_from.is_not(None), Remittance.sent_at.is_not(None), Refund.asked_at)
        .select_from(Remittance)
        .join(Refund, Refund.id == Remittance.refund_id)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Remittance.confirmed_at.is_(None), Refund.state != RefundState.FAILED)
    )
    return tuple(rows_as(ToSendBack, db.session.execute(query.order_by(Refund.asked_at, Refund.id).limit(MOST_OF_A_KIND))))


def _found_refunds() -> tuple[SoldAndRefunded, ...]:
    """Until nothing of the order is left to pack."""
    to_pack = select(Shipment.id).where(Shipment.order_id == Order.id, Shipment.state == ShipmentState.TO_PACK).exists()
    query = (
        select(Payment.reference, Refund.amount_fen, Refund.asked_at)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Order, Order.number == Payment.reference)
        .where(Refund.once.like("provider:%"), Refund.state != RefundState.FAILED, to_pack)
    )
    return tuple(rows_as(SoldAndRefunded, db.session.execute(query.order_by(Refund.id).limit(MOST_OF_A_KIND))))
