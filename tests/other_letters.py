"""One letter of every kind that is about no order, in the demo county: what its row holds. A new kind gets its line in `FACTS`."""

from collections.abc import Callable, Mapping

from sqlalchemy import select

from shop.accounts.invites import STAFF, invite
from shop.accounts.models import SignUp
from shop.accounts.new_emails import ask_for_email
from shop.accounts.queries import find_credentials
from shop.accounts.sign_ups import ask_to_sign_up
from shop.acts.write_message import write_message
from shop.extensions import db, reading
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import UserId, new_key
from shop.orders.models import Channel, Order, OrderLine
from shop.reports.goods_pages import list_goods
from shop.reports.periods import month_of
from shop.reports.sales_page import Asked
from shop.reports.saved import save_report, want_letters
from shop.reports.saved_models import Every, ReportLetter, Rolling
from shop.shipping.models import Shipment
from shop.voices.models import OrderMessage, Side, Wish
from shop.voices.wishes import wish
from tests.claims import make_claim

Facts = Mapping[str, object]


def account_changed() -> Facts:
    return {"user_id": somebody_in("buyer@demo.test"), "what": "email", "at": utc_now().isoformat()}


def forget_asked() -> Facts:
    return {"user_id": somebody_in("buyer@demo.test"), "order_id": None, "due_at": utc_now().isoformat()}


def signing_up() -> Facts:
    ask_to_sign_up(email="new@example.test", phone=None, password_hash="x", name="", locale="zh", now=utc_now())
    with reading() as session:
        return {"sign_up_id": session.scalars(select(SignUp.id).order_by(SignUp.id.desc())).first()}


def confirming() -> Facts:
    user_id, now = somebody_in("buyer@demo.test"), utc_now()
    ask_for_email(UserId(user_id), "new@example.test", locale="zh", now=now)
    return {"user_id": user_id, "asked_at": now.isoformat()}


def invited() -> Facts:
    grants = {"roles": ["operations"]}
    return {"invite_id": invite(STAFF, grants, note="示例", by=UserId(somebody_in("admin@demo.test")), now=utc_now())}


def back_in_stock() -> Facts:
    with reading():
        product_id = list_goods(None)[0].id
    wish(product_id, email="buyer@demo.test", locale="en", by=None, now=utc_now())
    with reading() as session:
        return {"wish_id": session.scalars(select(Wish.id).where(Wish.product_id == product_id)).one()}


def told_on_an_order() -> Facts:
    """What its cooperative says to the buyer of an order, and staff to both."""
    with reading() as session:
        row = session.execute(
            select(Order.number, OrderLine.cooperative_id)
            .join(OrderLine, OrderLine.order_id == Order.id)
            .join(Shipment, (Shipment.order_id == Order.id) & (Shipment.cooperative_id == OrderLine.cooperative_id))
            .where(Order.channel == Channel.ONLINE)
            .order_by(Order.id)
            .limit(1)
        ).one()
    key = new_key()
    write_message(row.number, "好的", side=Side.STAFF, cooperative_id=row.cooperative_id, once=key, by=None, now=utc_now())
    with reading() as session:
        return {"message_id": session.scalars(select(OrderMessage.id).where(OrderMessage.once == key)).one()}


def claimed() -> Facts:
    """A bag that its buyer gives back."""
    with reading() as session:
        number = session.scalars(select(Order.number).where(Order.channel == Channel.ONLINE).order_by(Order.id)).first()
    return {"claim_id": make_claim(str(number)).claim_id, "step": "asked"}


def report_due() -> Facts:
    now, staff = utc_now(), UserId(somebody_in("staff@demo.test"))
    question = Asked(("village",), month_of(business_day(now)))
    saved_id = save_report(question, f"Villages {now.isoformat()}", rolling=Rolling.LAST_MONTH, is_shared=False, by=staff, now=now)
    want_letters(saved_id, Every.MONTH, locale="zh", by=staff, now=now)
    with reading():
        letter_id = db.session.scalars(select(ReportLetter.id).where(ReportLetter.saved_id == saved_id)).one()
    return {"letter_id": letter_id, "due_on": business_day(now).replace(day=1).isoformat()}


FACTS: Mapping[str, Callable[[], Facts]] = {
    "account_changed": account_changed,
    "forget_asked": forget_asked,
    "report_due": report_due,
    "password_reset": lambda: {"at": int(utc_now().timestamp())},
    "invite": invited,
    "sign_up": signing_up,
    "email_confirm": confirming,
    "back_in_stock": back_in_stock,
    "message_to_buyer": told_on_an_order,
    "message_to_cooperative": told_on_an_order,
    "claim_to_buyer": claimed,
    "claim_to_cooperative": claimed,
}


def somebody_in(email: str) -> int:
    """The id of an account of the demo county."""
    with reading():
        known = find_credentials(email=email)
    assert known is not None
    return known.user_id
