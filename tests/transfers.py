"""Bank transfers, as tests make them: an order that waits for one, and lines of a statement."""

from collections.abc import Mapping
from datetime import date, datetime
from itertools import count

from sqlalchemy import func, select

from shop.acts.place_order import NO_WISHES, Placed, Wishes, place_order
from shop.cart import queries as carts
from shop.extensions import reading
from shop.kit.ids import CheckoutKey, UserId, new_key
from shop.ledger.models import Account, Posting
from shop.payments.transfer import service as transfers
from shop.payments.transfer.reference import spelled
from shop.payments.transfer.service import LineId, RemittanceId, TransferRow
from shop.payments.transfer.statements import Statement, StatementLine, line_key_of
from shop.reports.bank import RemittanceStory, read_bank, read_remittances
from tests.factories import MadeSku, make_staff
from tests.shopping import NOW, a_delivery, fill_basket

BUYER = "示例买家"
DAYS = 3
_numbers = count(1)


def place_by_transfer(
    wanted: Mapping[MadeSku, int], *, now: datetime = NOW, once: str = "", wishes: Wishes = NO_WISHES, **changes: object
) -> Placed:
    """An order that waits for a bank transfer."""
    owner = fill_basket(wanted, now=now)
    with reading():
        cart_id = carts.find_cart(owner)
    assert cart_id is not None
    return place_order(cart_id, a_delivery(**changes), once=CheckoutKey(once or new_key()), now=now, transfer_days=DAYS, wishes=wishes)


def transfer_of(number: str) -> TransferRow:
    """The transfer that an order waits for."""
    with reading():
        transfer = transfers.find_transfer(number)
    assert transfer is not None
    return transfer


def reference_of(number: str) -> str:
    """What the buyer writes on it."""
    return spelled(transfer_of(number).reference)


def money_comes(
    amount_fen: int,
    memo: str = "",
    *,
    payer_name: str = BUYER,
    account: str = "6217000012345678",
    on: date = date(2026, 11, 23),
    by: UserId | None = None,
) -> LineId:
    """A line on the bank's statement."""
    number = f"L{next(_numbers)}"
    line = StatementLine(
        1, line_key_of(number, on.isoformat(), str(amount_fen)), on, amount_fen, payer_name, account, "示例银行昆山支行", memo, number
    )
    transfers.bring_statement(Statement((line,), (), 0), by=by or make_staff().id, now=NOW)
    with reading():
        return max(row.line.id for row in read_bank().lines)


def to_send_back() -> tuple[RemittanceStory, ...]:
    """What is to be sent back."""
    with reading():
        return read_remittances()


def only_remittance() -> RemittanceId:
    """The one thing to send back."""
    (row,) = to_send_back()
    return row.id


def balance(code: str) -> int:
    """What an account holds, debit positive."""
    with reading() as session:
        query = select(func.coalesce(func.sum(Posting.amount_fen), 0)).join(Account, Account.id == Posting.account_id)
        return int(session.scalar(query.where(Account.code == code)) or 0)
