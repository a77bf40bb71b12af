"""Settling, as tests do it: through the same acts that pages call, with a small cast of two people in the office."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select, update

from shop.accounts.roles import Role
from shop.acts.refund_order import RefundWanted, book_return
from shop.acts.settle_cooperative import draft_settlement
from shop.extensions import act, db, reading
from shop.kit.clock import SHANGHAI
from shop.kit.ids import UserId, VillageId, new_key
from shop.ledger import service as ledger
from shop.ledger.attribution import SoldPick, latest_picks
from shop.ledger.models import Account, Attribution, Posting, Settlement, SettlementVillage
from shop.ledger.service import CASH
from shop.ledger.settlements import approve_settlement, pay_settlement
from shop.orders import service as orders
from shop.orders.models import Channel, Order
from shop.orders.states import OrderState
from shop.origin import service as origin
from shop.stock import holding as stock
from tests.books import Sold, sell
from tests.factories import MadeCooperative, MadeProduct, make_user


@dataclass(frozen=True)
class Office:
    """Wang draws settlements up, Zhao approves them."""

    wang: UserId
    zhao: UserId


def make_office(cooperative: MadeCooperative) -> Office:
    """Two people in finance, and an account to pay the cooperative to."""
    people = Office(make_user("Wang", roles=[Role.FINANCE]).id, make_user("Zhao", roles=[Role.FINANCE]).id)
    origin.set_bank_account(
        cooperative.id, payee="示例合作社", number="6228480000000001234", bank="示例银行碧江支行", by=people.wang, now=at(date(2026, 1, 5))
    )
    return people


def at(day: date, hour: int = 12) -> datetime:
    """An hour of a day in Shanghai."""
    return datetime.combine(day, time(hour), tzinfo=SHANGHAI)


@act
def complete(sold: Sold, on: date) -> None:
    """The order's return window ended on that day."""
    db.session.execute(update(Order).where(Order.id == sold.order_id).values(state=OrderState.COMPLETED, ended_at=at(on)))


@act
def give_back(sold: Sold, units: int, *, on: date) -> None:
    """`units` of an order's first line come back, the latest picks first."""
    order = orders.lock(sold.number)
    booked = ledger.booked_picks(order.id)
    of_units = stock.sold_units(booked)
    picks = [SoldPick(id_, pick.fen, of_units[id_].units, of_units[id_].returned_units, pick.refunded_fen) for id_, pick in booked.items()]
    wanted = RefundWanted(units={pick.pick_id: taken for pick, taken in latest_picks(picks, units)}, restock=True, reason="test")
    book_return(order, wanted, paid_from=CASH, once=f"back:{new_key()}", by=None, on=on, now=at(on))


def draft(cooperative: MadeCooperative, office: Office, until: date, *, now: datetime | None = None) -> str:
    """A draft up to a day, computed on the next."""
    return draft_settlement(cooperative.id, last_day=until, once=new_key(), by=office.wang, now=now or at(until + timedelta(days=1)))


def settle(cooperative: MadeCooperative, office: Office, until: date, *, now: datetime | None = None, reference: str = "") -> str:
    """Drafted, approved by the other person, and paid if there is anything to pay."""
    now = now or at(until + timedelta(days=1))
    number = draft(cooperative, office, until, now=now)
    approve_settlement(number, by=office.zhao, now=now)
    if settlement(number).total_fen:
        pay_settlement(number, reference=reference or f"BANK-{number}", paid_on=now.astimezone(SHANGHAI).date(), by=office.wang, now=now)
    return number


def make_settlement(cooperative: MadeCooperative, product: MadeProduct) -> str:
    """An approved settlement of a bag sold by hand, waiting for the bank."""
    day = date(2026, 11, 22)
    sell((product.sku, 1), on=day, channel=Channel.OFFLINE)
    office = make_office(cooperative)
    number = draft(cooperative, office, day)
    approve_settlement(number, by=office.zhao, now=at(day + timedelta(days=1)))
    return number


def settlement(number: str) -> Settlement:
    """A settlement as it stands."""
    with reading() as session:
        return session.scalars(select(Settlement).where(Settlement.number == number)).one()


def parts(number: str) -> dict[VillageId, tuple[int, int, int, int]]:
    """By village: carried in, this period's rows, settled, carried out."""
    with reading() as session:
        rows = session.scalars(
            select(SettlementVillage).join(Settlement, Settlement.id == SettlementVillage.settlement_id).where(Settlement.number == number)
        )
        return {
            VillageId(row.village_id): (
                row.carried_in_fen,
                row.sales_fen + row.refunds_fen + row.corrections_fen,
                row.settled_fen,
                row.carried_out_fen,
            )
            for row in rows
        }


def balance(code: str) -> int:
    """An account's balance, debit positive."""
    with reading() as session:
        return int(
            session.scalar(select(func.sum(Posting.amount_fen)).join(Account, Account.id == Posting.account_id).where(Account.code == code))
            or 0
        )


def attributed(cooperative: MadeCooperative) -> int:
    """Everything ever attributed through a cooperative."""
    with reading() as session:
        return int(session.scalar(select(func.sum(Attribution.amount_fen)).where(Attribution.cooperative_id == cooperative.id)) or 0)
