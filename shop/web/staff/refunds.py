"""Refunds that need more than one person or another way: approved or rejected by a second, sent by transfer when the provider failed."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.decide_refund import approve_refund, reject_refund
from shop.acts.send_otherwise import return_mismatch, send_failed_by_transfer
from shop.kit.clock import utc_now
from shop.kit.ids import PaymentId, RefundId
from shop.orders.errors import AlreadyDecided, CannotMove, NothingToRefund, RefundChanged, RefundTooLarge, SecondPersonNeeded
from shop.orders.requests import RequestId
from shop.orders.service import get
from shop.payments.errors import NotAsExpected, PaymentDisputed, RefundAboveReceived
from shop.payments.models import RefundState
from shop.reports.bank import read_requests
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.typed import clean

blueprint = Blueprint("refunds", __name__, url_prefix="/refunds")

_ID = "int(max=9223372036854775807)"


@blueprint.get("/")
@needs(Permission.READ_ORDERS)
def index() -> str:
    """Requests that wait for a second person, and what became of the others."""
    person = somebody()
    return render_template(
        "staff/refunds/index.html",
        waiting=read_requests(),
        decided=read_requests(is_waiting=False, most=20),
        me=person.user_id,
        may=person.may(Permission.REFUND),
        limit_fen=settings().refund_four_eyes_fen,
    )


@blueprint.post(f"/<{_ID}:request_id>/approve")
@needs(Permission.REFUND)
def approve(request_id: int) -> Response:
    """A second person says yes: now it is booked and sent."""
    try:
        refunded = approve_refund(RequestId(request_id), by=somebody().user_id, now=utc_now())
        flash(gettext("同意了，退款 %(total)s 已记账。", total=yuan_sign(refunded.total_fen)), "success")
    except SecondPersonNeeded:
        flash(gettext("自己提的，要另一个人来定。"), "error")
    except AlreadyDecided:
        flash(gettext("这一笔刚才已经有人定了。"), "warning")
    except PaymentDisputed:
        flash(_disputed(), "error")
    except (RefundChanged, RefundTooLarge, NothingToRefund, CannotMove):
        flash(gettext("这一单后来又退过，提的数已经对不上。请不同意，重新提。"), "error")
    return go("staff.refunds.index")


@blueprint.post(f"/<{_ID}:request_id>/reject")
@needs(Permission.REFUND)
def reject(request_id: int) -> Response:
    """A second person says no, and why."""
    word = clean(request.form.get("word"), most=120)
    if not word:
        flash(gettext("不同意要写一句为什么。"), "error")
        return go("staff.refunds.index")
    try:
        reject_refund(RequestId(request_id), word=word, by=somebody().user_id, now=utc_now())
        flash(gettext("没有同意，什么都没有记账。"), "success")
    except SecondPersonNeeded:
        flash(gettext("自己提的，要另一个人来定。"), "error")
    except AlreadyDecided:
        flash(gettext("这一笔刚才已经有人定了。"), "warning")
    return go("staff.refunds.index")


@blueprint.post(f"/<number>/<{_ID}:refund_id>/by-transfer")
@needs(Permission.REFUND)
def by_transfer(number: str, refund_id: int) -> Response:
    """The provider failed it: it goes from the bank account."""
    get(number)
    try:
        send_failed_by_transfer(RefundId(refund_id), number, by=somebody().user_id, now=utc_now())
        flash(gettext("改用银行转账退。已经写信请买家说一个账户，转的事在“要转回的”里。"), "success")
    except PaymentDisputed:
        flash(_disputed(), "error")
    except (NotAsExpected, RefundTooLarge, NothingToRefund, RefundAboveReceived, CannotMove):
        flash(gettext("这笔钱已经另外退过，没有再记。"), "warning")
    return go("staff.orders.show", number=number)


@blueprint.post(f"/<number>/<{_ID}:attempt_id>/mismatch")
@needs(Permission.REFUND)
def mismatch(number: str, attempt_id: int) -> Response:
    """Another amount came than was asked: all of it goes back."""
    get(number)
    try:
        state = return_mismatch(PaymentId(attempt_id), number, by=somebody().user_id, now=utc_now())
        done = gettext("原样退回了。") if state is RefundState.SUCCEEDED else gettext("正在原样退回。")
        flash(
            gettext("支付方没有退成，请到支付方后台看。") if state is RefundState.FAILED else done,
            "error" if state is RefundState.FAILED else "success",
        )
    except PaymentDisputed:
        flash(_disputed(), "error")
    except (NotAsExpected, RefundAboveReceived):
        flash(gettext("这笔钱已经退过，没有再记。"), "warning")
    return go("staff.orders.show", number=number)


def _disputed() -> str:
    return str(gettext("买家的银行正在拒付，钱已经被拿走，定下来以前不能退。"))
