"""Paying by bank transfer, and being paid back by one: where to send the money, the slip, and the account that money goes back to.

An order's page opens these for whoever may open the order; to everybody else they are not there.
"""

import re

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField
from werkzeug.wrappers import Response
from wtforms import StringField

from shop.accounts.roles import Permission
from shop.acts.expect_transfer import bring_slip
from shop.kit.clock import utc_now
from shop.kit.text import fold
from shop.orders.states import OrderState, is_paid
from shop.papers.attachments import MOST_BYTES, Cleaned, attachments_of, clean_upload
from shop.papers.errors import CannotKeep, WhyNot
from shop.payments.errors import NotAsExpected
from shop.payments.models import PayeeFrom
from shop.payments.transfer import service as transfers
from shop.payments.transfer.reference import spelled
from shop.payments.transfer.service import Payee, TransferRow
from shop.reports.order_story import Opened
from shop.web.current import needs, settings, signed_in
from shop.web.errors import go
from shop.web.form import Form
from shop.web.storefront.addresses import opened_order
from shop.web.typed import clean

blueprint = Blueprint("transfers", __name__, url_prefix="/orders")

_ACCOUNT = re.compile(r"[0-9]{8,30}", re.ASCII)
SLIPS = "payment"


class SlipForm(Form):
    """What helps staff to find the money."""

    payer_name = StringField(lazy_gettext("付款户名"))
    slip = FileField(lazy_gettext("银行回单"))


class PayeeForm(Form):
    """Where money goes back to."""

    name = StringField(lazy_gettext("收款户名"))
    account = StringField(lazy_gettext("银行账号"))
    bank = StringField(lazy_gettext("开户行"))


# ── Paying ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/<number>/transfer")
@needs(Permission.ANYONE)
def show(number: str) -> str | Response:
    """Where to send how much by when, and what to write on it."""
    opened = opened_order(number)
    transfer = transfers.find_transfer(opened.number)
    if transfer is None:
        return go("storefront.orders.show", number=opened.number, key=opened.key)
    return _transfer_page(opened, transfer, SlipForm(formdata=None, payer_name=transfer.payer_name))


@blueprint.post("/<number>/transfer")
@needs(Permission.ANYONE)
def slip(number: str) -> str | Response | tuple[str, int]:
    """The bank's slip, or whose account the money comes from."""
    opened = opened_order(number)
    transfer = transfers.find_transfer(opened.number)
    if transfer is None:
        return go("storefront.orders.show", number=opened.number, key=opened.key)
    form = SlipForm()
    payer_name = clean(form.payer_name.data, most=120)
    person = signed_in()
    try:
        brought = _brought()
        if not payer_name and brought is None:
            form.slip.errors = [gettext("选一张回单的照片或 PDF，或者写上付款户名。")]
            return _transfer_page(opened, transfer, form), 422
        bring_slip(
            opened.number,
            brought,
            payer_name,
            instance_path=settings().instance_path,
            by=person.user_id if person else None,
            now=utc_now(),
        )
    except CannotKeep as refusal:
        form.slip.errors = [_why_not(refusal.why)]
        return _transfer_page(opened, transfer, form), 422
    flash(gettext("收到了，只有我们对账的人看得见。钱到账以后写信给你。") if brought else gettext("记下了付款户名。"), "success")
    return go("storefront.transfers.show", number=opened.number, key=opened.key)


def _brought() -> Cleaned | None:
    file = request.files.get("slip")
    if file is None or not file.filename:
        return None
    return clean_upload(file.stream.read(MOST_BYTES + 1))


def _why_not(why: WhyNot) -> str:
    words = {
        WhyNot.EMPTY: gettext("这个文件是空的。"),
        WhyNot.TOO_LARGE: gettext("文件太大了，最多 5 MB。"),
        WhyNot.NOT_KNOWN: gettext("这不是照片（JPEG、PNG、WebP）也不是 PDF，换一个。"),
        WhyNot.TOO_MANY: gettext("这一单已经传了十份，够了。"),
    }
    return str(words[why])


def _transfer_page(opened: Opened, transfer: TransferRow, form: SlipForm) -> str:
    account = settings().transfer
    missing_fen = transfer.missing_fen
    rows = []
    if account is not None:
        rows = [
            (gettext("收款户名"), account.payee, "payee"),
            (gettext("账号"), account.account, "account"),
            (gettext("开户行"), account.bank, "bank"),
            (gettext("金额（元）"), f"{missing_fen // 100}.{missing_fen % 100:02}", "amount"),
            (gettext("附言（一定要写）"), spelled(transfer.reference), "reference"),
        ]
    return render_template(
        "storefront/transfers/show.html",
        opened=opened,
        transfer=transfer,
        missing_fen=missing_fen,
        rows=rows,
        reference=spelled(transfer.reference),
        form=form,
        waits=opened.state is OrderState.AWAITING_PAYMENT,
        is_paid=is_paid(opened.state),
        slips=len(attachments_of(SLIPS, transfer.payment_id)),
    )


# ── Being paid back ───────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.route("/<number>/payee", methods=["GET", "POST"])
@needs(Permission.ANYONE)
def payee(number: str) -> str | Response | tuple[str, int]:
    """To which account money goes back. Asked only while some of it has nowhere to go."""
    opened = opened_order(number)
    waiting = [
        row for row in transfers.open_remittances_of(opened.number) if row.payee_from in (None, PayeeFrom.BUYER) and row.sent_at is None
    ]
    if not waiting:
        return go("storefront.orders.show", number=opened.number, key=opened.key)
    form = PayeeForm()
    if request.method == "GET":
        return render_template("storefront/transfers/payee.html", form=form, opened=opened)
    given = read_payee(form)
    if given is None:
        return render_template("storefront/transfers/payee.html", form=form, opened=opened), 422
    person = signed_in()
    try:
        for row in waiting:
            transfers.name_payee(row.id, given, source=PayeeFrom.BUYER, by=person.user_id if person else None, now=utc_now())
        flash(gettext("记下了。转出以后写在订单页上。"), "success")
    except NotAsExpected:
        flash(gettext("这笔钱刚刚已经转出，账户不能再改。"), "warning")
    return go("storefront.orders.show", number=opened.number, key=opened.key)


def read_payee(form: PayeeForm) -> Payee | None:
    """The account as typed; None, and the reasons beside the fields, when it cannot be one."""
    name, bank = clean(form.name.data, most=120), clean(form.bank.data, most=80)
    account = re.sub(r"[\s-]", "", fold(form.account.data or ""))
    if not name:
        form.name.errors = [gettext("写上账户的户名，和银行登记的一样。")]
    if not _ACCOUNT.fullmatch(account):
        form.account.errors = [gettext("写上银行账号，8 到 30 位数字。")]
    if not bank:
        form.bank.errors = [gettext("写上开户行，比如 建设银行昆山周市支行。")]
    return None if form.errors else Payee(name, account, bank)
