"""The bank account: whose money a line is, what is to be sent back, and the slips that buyers brought. People decide; the shop proposes."""

import re
from datetime import date

from flask import Blueprint, Response, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField

from shop.accounts.roles import Permission
from shop.acts.match_transfer import Matched, match_line
from shop.acts.remit import confirm_sent
from shop.kit.clock import business_day, utc_now
from shop.kit.text import fold
from shop.papers.attachments import SUFFIXES, AttachmentId, get_attachment, read_bytes
from shop.payments.errors import LineTaken, NotAsExpected, NotAStatement, NoTransferOrder, OtherName, SamePerson, WhyNoStatement
from shop.payments.models import PayeeFrom
from shop.payments.transfer import service as transfers
from shop.payments.transfer.matching import Sum, Why
from shop.payments.transfer.service import LineId, RemittanceId
from shop.payments.transfer.statements import BadRow, Statement, WhyBad, read_statement
from shop.reports.bank import read_bank, read_line, read_remittances
from shop.web.cooperative.fields import DayField
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.form import Form
from shop.web.staff.words import REASON_WORDS
from shop.web.storefront.transfers import SLIPS, PayeeForm, read_payee
from shop.web.typed import clean

blueprint = Blueprint("bank", __name__, url_prefix="/bank")

_ID = "int(max=9223372036854775807)"
_YUAN = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?")
_NUMBER = re.compile(r"[A-Z]{2}-[0-9]{6}-[0-9A-Z]{6}", re.ASCII)
_MOST_BAD_SHOWN = 20

WHY_WORDS = {
    Why.REFERENCE: lazy_gettext("附言写了参考号"),
    Why.AMOUNT_AND_NAME: lazy_gettext("金额、户名都对"),
    Why.AMOUNT: lazy_gettext("金额正好"),
    Why.NAME: lazy_gettext("户名对，金额不对"),
}
SUM_WORDS = {
    Sum.EXACT: (lazy_gettext("正好"), "done"),
    Sum.SHORT: (lazy_gettext("不够"), "warning"),
    Sum.OVER: (lazy_gettext("多了"), "warning"),
    Sum.TWICE: (lazy_gettext("已付清或已取消，要转回"), "warning"),
}


class LineForm(Form):
    """A line typed from the bank's own page, before its statement comes."""

    booked_on = DayField(lazy_gettext("到账日期"))
    amount = StringField(lazy_gettext("金额（元）"))
    payer_name = StringField(lazy_gettext("对方户名"))
    payer_account = StringField(lazy_gettext("对方账号"))
    payer_bank = StringField(lazy_gettext("对方开户行"))
    memo = StringField(lazy_gettext("附言"))
    bank_number = StringField(lazy_gettext("银行流水号"))


class MatchForm(Form):
    """Which order a line is for."""

    number = StringField(lazy_gettext("订单号"))
    amount = StringField(lazy_gettext("只认其中一部分（元）"))
    reason = StringField(lazy_gettext("为什么是这一单"))


# ── Lines ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/")
@needs(Permission.READ_BANK)
def index() -> str:
    """Lines that no order explains yet, and the ways to bring more."""
    return _index()


def _index(*, form: LineForm | None = None, statement: Statement | None = None, file_error: str = "") -> str:
    return render_template(
        "staff/bank/index.html",
        bank=read_bank(),
        today=business_day(utc_now()),
        form=form or LineForm(formdata=None),
        may=somebody().may(Permission.BANK),
        bad=[(row, _bad_words(row)) for row in statement.bad[:_MOST_BAD_SHOWN]] if statement else [],
        bad_count=len(statement.bad) if statement else 0,
        file_error=file_error,
        why_words=WHY_WORDS,
        sum_words=SUM_WORDS,
    )


@blueprint.post("/statement")
@needs(Permission.BANK)
def statement() -> str | AnyResponse | tuple[str, int]:
    """A statement as the bank exports it. The good rows are kept, each once ever; the bad ones are named."""
    file = request.files.get("statement")
    if file is None or not file.filename:
        return _index(file_error=gettext("选一个银行导出的 CSV 文件。")), 422
    try:
        read = read_statement(file.stream.read())
    except NotAStatement as refusal:
        return _index(file_error=_why_no_statement(refusal.why)), 422
    brought = transfers.bring_statement(read, by=somebody().user_id, now=utc_now())
    flash(
        gettext(
            "新收下 %(new)s 笔，%(known)s 笔早就有了，%(outgoing)s 笔是转出，不看。",
            new=brought.new,
            known=brought.known,
            outgoing=read.outgoing,
        ),
        "success" if brought.new else "info",
    )
    if read.bad:
        return _index(statement=read), 422
    return go("staff.bank.index")


@blueprint.post("/lines")
@needs(Permission.BANK)
def line() -> str | AnyResponse | tuple[str, int]:
    """One line by hand."""
    form = LineForm()
    amount_fen = _fen(form.amount.data or "")
    bank_number = clean(form.bank_number.data, most=60)
    form.validate()
    if form.booked_on.data is None and not form.booked_on.errors:
        form.booked_on.errors = [gettext("写上到账那天。")]
    elif isinstance(form.booked_on.data, date) and form.booked_on.data > business_day(utc_now()):
        form.booked_on.errors = [gettext("还没到这一天。")]
    if not amount_fen:
        form.amount.errors = [gettext("写元，最多两位小数，比如 12.50。")]
    if not bank_number:
        form.bank_number.errors = [gettext("写上银行的流水号：以后导入流水，才认得出是同一笔。")]
    if form.errors or amount_fen is None or form.booked_on.data is None:
        return _index(form=form), 422
    is_new = transfers.bring_line(
        booked_on=form.booked_on.data,
        amount_fen=amount_fen,
        payer_name=clean(form.payer_name.data, most=120),
        payer_account=clean(form.payer_account.data, most=40),
        payer_bank=clean(form.payer_bank.data, most=80),
        memo=clean(form.memo.data, most=200),
        bank_number=bank_number,
        by=somebody().user_id,
        now=utc_now(),
    )
    flash(
        gettext("记下了一笔 %(sum)s。", sum=yuan_sign(amount_fen)) if is_new else gettext("这一笔早就有了，没有再记。"),
        "success" if is_new else "info",
    )
    return go("staff.bank.index")


@blueprint.get(f"/lines/<{_ID}:line_id>")
@needs(Permission.READ_BANK)
def show(line_id: int) -> str:
    """One line: what it may be for, what it was said to be for."""
    return _line_page(line_id, MatchForm(formdata=None))


def _line_page(line_id: int, form: MatchForm, *, needs_reason: bool = False) -> str:
    return render_template(
        "staff/bank/show.html",
        page=read_line(LineId(line_id)),
        form=form,
        needs_reason=needs_reason,
        may=somebody().may(Permission.BANK),
        why_words=WHY_WORDS,
        sum_words=SUM_WORDS,
    )


@blueprint.post(f"/lines/<{_ID}:line_id>/match")
@needs(Permission.BANK)
def match(line_id: int) -> str | AnyResponse | tuple[str, int]:
    """This line, or part of it, is for that order."""
    transfers.get_line(LineId(line_id))
    form = MatchForm()
    number = fold(form.number.data or "").upper()
    typed = fold(form.amount.data or "")
    amount_fen = _fen(typed) if typed else None
    if not _NUMBER.fullmatch(number):
        form.number.errors = [gettext("写上订单号，SH 开头。")]
    if typed and not amount_fen:
        form.amount.errors = [gettext("写元，最多两位小数，比如 12.50。")]
    if form.errors:
        return _line_page(line_id, form), 422
    try:
        matched = match_line(
            LineId(line_id), number, amount_fen=amount_fen, reason=clean(form.reason.data, most=120), by=somebody().user_id, now=utc_now()
        )
    except NoTransferOrder:
        form.number.errors = [gettext("没有这一单，或者它不是银行转账付的。")]
        return _line_page(line_id, form), 422
    except OtherName:
        form.reason.errors = [gettext("户名和订单上的不一样。问清楚了，写上为什么是这一单，比如“公司代付，电话核实”。")]
        return _line_page(line_id, form, needs_reason=True), 422
    except LineTaken as taken:
        form.amount.errors = [gettext("这一笔只剩 %(left)s 没有认，可能刚刚有人认过。", left=yuan_sign(taken.left_fen))]
        return _line_page(line_id, form), 409
    _say_matched(number, matched)
    return go("staff.bank.index")


def _say_matched(number: str, matched: Matched) -> None:
    if matched.is_sold and not matched.owed_fen:
        flash(gettext("%(number)s 付清了，已经入账，买家会收到信。", number=number), "success")
    elif matched.sum is Sum.OVER:
        flash(
            gettext("%(number)s 付清了；多的 %(owed)s 要转回，在“要转回的”里。", number=number, owed=yuan_sign(matched.owed_fen)), "success"
        )
    elif matched.owed_fen:
        flash(gettext("%(number)s 不再要钱，%(owed)s 要转回，在“要转回的”里。", number=number, owed=yuan_sign(matched.owed_fen)), "warning")
    else:
        flash(gettext("%(number)s 还差 %(missing)s，已经写信告诉买家。", number=number, missing=yuan_sign(matched.missing_fen)), "warning")


@blueprint.post(f"/lines/<{_ID}:line_id>/aside")
@needs(Permission.BANK)
def aside(line_id: int) -> AnyResponse:
    """Not for an order."""
    reason = clean(request.form.get("why"), most=120)
    if not reason:
        flash(gettext("写一句这是什么钱，再放到一边。"), "error")
        return go("staff.bank.show", line_id=line_id)
    try:
        transfers.set_aside(LineId(line_id), reason=reason, by=somebody().user_id, now=utc_now())
        flash(gettext("放到一边了，还能拿回来。"), "success")
    except LineTaken:
        flash(gettext("这一笔已经有一部分是订单的，不能放到一边。"), "error")
    return go("staff.bank.index")


@blueprint.post(f"/lines/<{_ID}:line_id>/again")
@needs(Permission.BANK)
def again(line_id: int) -> AnyResponse:
    """Back onto the list."""
    transfers.take_up_again(LineId(line_id), by=somebody().user_id, now=utc_now())
    return go("staff.bank.show", line_id=line_id)


@blueprint.get(f"/slips/<{_ID}:attachment_id>")
@needs(Permission.READ_BANK)
def slip(attachment_id: int) -> Response:
    """A slip that a buyer brought. A PDF is only ever downloaded, never shown inside a page of ours."""
    row = get_attachment(AttachmentId(attachment_id), subject_kind=SLIPS)
    answer = Response(read_bytes(row, settings().instance_path), mimetype=row.media_type)
    kind = "attachment" if row.media_type == "application/pdf" else "inline"
    answer.headers["Content-Disposition"] = f'{kind}; filename="slip-{row.id}.{SUFFIXES[row.media_type]}"'
    return answer


# ── Sending back ──────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/back")
@needs(Permission.READ_BANK)
def back() -> str:
    """What is to be sent back, and what was."""
    return _back_page()


def _back_page(*, form: PayeeForm | None = None, naming: int | None = None, sending: int | None = None) -> str:
    person = somebody()
    return render_template(
        "staff/bank/back.html",
        waiting=read_remittances(),
        done=read_remittances(is_done=True, most=20),
        me=person.user_id,
        may=person.may(Permission.BANK),
        form=form or PayeeForm(formdata=None),
        naming=naming,
        sending=sending,
        reasons=REASON_WORDS,
        now=utc_now(),
    )


@blueprint.post(f"/back/<{_ID}:remittance_id>/payee")
@needs(Permission.BANK)
def payee(remittance_id: int) -> str | AnyResponse | tuple[str, int]:
    """The account it goes to, as the buyer said on the telephone."""
    transfers.get_remittance(RemittanceId(remittance_id))
    form = PayeeForm()
    given = read_payee(form)
    if given is None:
        return _back_page(form=form, naming=remittance_id), 422
    try:
        transfers.name_payee(RemittanceId(remittance_id), given, source=PayeeFrom.STAFF, by=somebody().user_id, now=utc_now())
    except NotAsExpected:
        _say_moved()
    return go("staff.bank.back")


@blueprint.post(f"/back/<{_ID}:remittance_id>/sent")
@needs(Permission.BANK)
def sent(remittance_id: int) -> str | AnyResponse | tuple[str, int]:
    """It was sent; another person looks for it on the statement."""
    transfers.get_remittance(RemittanceId(remittance_id))
    reference = clean(request.form.get("bank_reference"), most=60)
    if not reference:
        return _back_page(sending=remittance_id), 422
    try:
        transfers.mark_sent(RemittanceId(remittance_id), bank_reference=reference, by=somebody().user_id, now=utc_now())
        flash(gettext("记下了。请另一个人在银行流水里核对。"), "success")
    except NotAsExpected:
        _say_moved()
    return go("staff.bank.back")


@blueprint.post(f"/back/<{_ID}:remittance_id>/confirm")
@needs(Permission.BANK)
def confirm(remittance_id: int) -> AnyResponse:
    """A second person found it on the statement."""
    try:
        confirm_sent(RemittanceId(remittance_id), by=somebody().user_id, now=utc_now())
        flash(gettext("核对了，已经入账。"), "success")
    except SamePerson:
        flash(gettext("转出和核对要两个人。"), "error")
    except NotAsExpected:
        _say_moved()
    return go("staff.bank.back")


@blueprint.post(f"/back/<{_ID}:remittance_id>/not-sent")
@needs(Permission.BANK)
def not_sent(remittance_id: int) -> AnyResponse:
    """It is not on the statement, or the bank sent it back."""
    reason = clean(request.form.get("why"), most=120)
    try:
        transfers.mark_not_sent(RemittanceId(remittance_id), reason=reason, by=somebody().user_id, now=utc_now())
        flash(gettext("退回到要转的。看看账户对不对，再转一次。"), "warning")
    except NotAsExpected:
        _say_moved()
    return go("staff.bank.back")


def _say_moved() -> None:
    flash(gettext("刚刚有人动过这一笔，没有再记。看一眼现在到了哪一步。"), "warning")


# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fen(typed: str) -> int | None:
    found = _YUAN.fullmatch(fold(typed).lstrip("¥￥").replace(",", "").strip())
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else None


def _bad_words(row: BadRow) -> str:
    words = {
        WhyBad.DATE: gettext("日期看不懂"),
        WhyBad.AMOUNT: gettext("金额看不懂"),
        WhyBad.DIRECTION: gettext("看不出是收还是支"),
        WhyBad.SHORT: gettext("格子比表头少"),
    }
    return str(words[row.why])


def _why_no_statement(why: WhyNoStatement) -> str:
    words = {
        WhyNoStatement.EMPTY: gettext("这个文件是空的。"),
        WhyNoStatement.NOT_READABLE: gettext("这不是 CSV 文本。Excel 文件请先另存为 CSV。"),
        WhyNoStatement.NO_HEADINGS: gettext("找不到表头：要有一行写着日期和金额（或贷方发生额）。"),
        WhyNoStatement.TOO_LONG: gettext("一次最多 5,000 行，分几次导。"),
    }
    return str(words[why])
