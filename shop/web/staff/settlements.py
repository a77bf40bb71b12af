"""Settlements with cooperatives: drawn up by one person, approved by another, handed to the bank, marked as paid."""

import re

from flask import Blueprint, Response, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.settle_cooperative import draft_settlement
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, new_key
from shop.kit.text import fold
from shop.ledger.errors import (
    BadLastDay,
    DraftOpen,
    InDispute,
    NoBankAccount,
    NothingToSettle,
    NotTheBanksDay,
    PeriodClosed,
    ReferenceTaken,
    SamePerson,
    SettlementDecided,
)
from shop.ledger.models import SettlementState
from shop.ledger.settlements import approve_settlement, cancel_settlement, hand_over_batch, pay_settlement
from shop.origin import queries as origin
from shop.origin.service import set_bank_account
from shop.reports.periods import month_of, period_before
from shop.reports.settlement_pages import (
    Payee,
    account_changed_since_last_payment,
    payees,
    settled_lines,
    settlement_rows,
    statement,
)
from shop.web.cooperative.fields import DayField, is_key, refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.filters import day
from shop.web.form import Form
from shop.web.settlement_words import BATCH_COLUMNS, USUAL_COLUMNS, as_file, batch_csv, statement_csv
from shop.web.storefront.words import named
from shop.web.typed import clean

blueprint = Blueprint("settlements", __name__, url_prefix="/settlements")

_ACCOUNT = re.compile(r"[0-9]{8,34}")
_BANK_CODE = re.compile(r"[0-9]{12}")
_LONGEST_PURPOSE = 20


class DraftForm(Form):
    """With whom, and up to which day."""

    cooperative = SelectField(lazy_gettext("合作社"), coerce=int, validate_choice=False)
    last_day = DayField(lazy_gettext("算到哪天"))
    once = HiddenField()


class PaidForm(Form):
    """What the bank says."""

    reference = StringField(lazy_gettext("银行流水号"))
    paid_on = DayField(lazy_gettext("付款日"))


class AccountForm(Form):
    """Where a cooperative is paid."""

    payee = StringField(lazy_gettext("收款人户名"))
    number = StringField(lazy_gettext("收款账号"))
    bank = StringField(lazy_gettext("开户行"))
    bank_code = StringField(lazy_gettext("联行号"))

    def validate(self, extra_validators: object = None) -> bool:
        """Digits where there must be digits; the rest as the bank has it."""
        is_good = bool(super().validate(extra_validators))
        if not clean(self.payee.data, most=80):
            refuse(self.payee, gettext("写上户名，和银行的一字不差。"))
        if not clean(self.bank.data, most=80):
            refuse(self.bank, gettext("写上开户行，到支行。"))
        if not _ACCOUNT.fullmatch(self.clean_number):
            refuse(self.number, gettext("账号只有数字，8 到 34 位。"))
        if self.clean_code and not _BANK_CODE.fullmatch(self.clean_code):
            refuse(self.bank_code, gettext("联行号是 12 位数字，不知道就空着。"))
        return is_good and not any(field.errors for field in self)

    @property
    def clean_number(self) -> str:
        """Without the spaces people put between groups."""
        return re.sub(r"[\s-]+", "", fold(self.number.data or ""))

    @property
    def clean_code(self) -> str:
        """Likewise."""
        return re.sub(r"\s+", "", fold(self.bank_code.data or ""))


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/")
@needs(Permission.READ_REPORTS)
def index() -> str:
    """Every settlement, what can be drawn up, and what waits for the bank."""
    return _list_page(DraftForm(formdata=None))


def _list_page(form: DraftForm) -> str:
    known = payees()
    form.cooperative.choices = [SelectChoice(each.id, named(each.name, each.name_en)) for each in known]
    if form.once.data is None or not is_key(form.once.data):
        form.once.data = new_key()
    if form.last_day.data is None and not form.last_day.errors:
        form.last_day.type_in(period_before(month_of(business_day(utc_now()))).until)
    chosen = request.args.get("state", "")
    rows = settlement_rows(cancelled=True)
    counts = {state: sum(row.state is state for row in rows) for state in SettlementState}
    return render_template(
        "staff/settlements/index.html",
        form=form,
        payees=known,
        rows=[row for row in rows if (row.state == chosen if chosen else row.state is not SettlementState.CANCELLED)],
        counts=counts,
        chosen=chosen if chosen in set(SettlementState) else "",
        to_pay_fen=sum(row.total_fen for row in rows if row.state is SettlementState.APPROVED),
        to_pay=sum(row.state is SettlementState.APPROVED and row.total_fen > 0 for row in rows),
        columns=BATCH_COLUMNS,
        usual_columns=USUAL_COLUMNS,
    )


@blueprint.post("/draft")
@needs(Permission.SETTLE)
def draft() -> AnyResponse | tuple[str, int]:
    """Compute a settlement."""
    form = DraftForm()
    form.cooperative.choices = [SelectChoice(each.id, each.name) for each in payees()]
    if not form.validate() or form.last_day.data is None or form.cooperative.data is None or not is_key(form.once.data):
        if form.last_day.data is None and not form.last_day.errors:
            refuse(form.last_day, gettext("写上算到哪天。"))
        return _list_page(form), 422
    if form.cooperative.data not in {choice.value for choice in form.cooperative.choices}:
        refuse(form.cooperative, gettext("没有这一项，请从单子里选。"))
        return _list_page(form), 422
    cooperative_id = CooperativeId(form.cooperative.data)
    try:
        number = draft_settlement(
            cooperative_id, last_day=form.last_day.data, once=f"form:{form.once.data}", by=somebody().user_id, now=utc_now()
        )
    except NothingToSettle:
        refuse(form.cooperative, gettext("到这天为止没有可结算的：都结过了，或者退货期还没过。"))
        return _list_page(form), 422
    except DraftOpen as refusal:
        flash(gettext("这家合作社已经有一张等批准的结算单，先批准或作废它。"), "warning")
        return go("staff.settlements.show", number=refusal.number)
    except BadLastDay as refusal:
        words = gettext("只能算到 %(latest)s。", latest=day(refusal.latest))
        if refusal.earliest and refusal.earliest <= refusal.latest:
            words = gettext("只能算到 %(earliest)s 到 %(latest)s 之间的一天。", earliest=day(refusal.earliest), latest=day(refusal.latest))
        elif refusal.earliest:
            words = gettext("已经结算到昨天了，明天再来。")
        refuse(form.last_day, words)
        return _list_page(form), 422
    flash(gettext("算好了，等另一个人批准。"), "success")
    return go("staff.settlements.show", number=number)


@blueprint.post("/batch")
@needs(Permission.SETTLE)
def batch() -> Response | AnyResponse:
    """Everything approved and unpaid, as a file for the bank's batch upload. That it was taken out is recorded."""
    columns = [name for name in BATCH_COLUMNS if name in request.form.getlist("columns")] or list(USUAL_COLUMNS)
    now = utc_now()
    rows = hand_over_batch(columns=columns, by=somebody().user_id, now=now)
    if not rows:
        flash(gettext("没有等付款的结算单。"), "warning")
        return go("staff.settlements.index")
    purpose = clean(request.form.get("purpose"), most=_LONGEST_PURPOSE)
    return as_file(f"settlements-{business_day(now)}.csv", batch_csv(rows, columns, purpose))


# ── One settlement ────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/<number>")
@needs(Permission.READ_REPORTS)
def show(number: str) -> str:
    """The statement, and what to do with it next."""
    return _show_page(number, PaidForm(formdata=None))


def _show_page(number: str, form: PaidForm) -> str:
    found = statement(number)
    if form.paid_on.data is None and not form.paid_on.errors:
        form.paid_on.type_in(business_day(utc_now()))
    is_open = found.facts.state in (SettlementState.DRAFT, SettlementState.APPROVED)
    return render_template(
        "staff/settlements/show.html",
        statement=found,
        form=form,
        is_own=found.facts.drafted_by == somebody().user_id,
        has_account=origin.find_bank_account(found.facts.cooperative_id) is not None,
        is_new_account=is_open and account_changed_since_last_payment(found.facts.cooperative_id),
    )


@blueprint.get("/<number>/lines")
@needs(Permission.READ_REPORTS)
def lines(number: str) -> str:
    """The orders behind one figure of a statement."""
    found = statement(number)
    village_id, product_id = request.args.get("village", type=int), request.args.get("product", type=int)
    behind = settled_lines(found.facts.id, village_id=village_id, product_id=product_id, page=request.args.get("page", 1, type=int))
    village = next((row for row in found.villages if row.village_id == village_id), None)
    product = next((row for row in found.products if row.product_id == product_id), None)
    if (village_id is not None and village is None) or (product_id is not None and product is None):
        raise NotFound
    arguments = {"number": number} | {name: value for name, value in request.args.items() if name in ("village", "product")}
    return render_template(
        "staff/settlements/lines.html", statement=found, behind=behind, village=village, product=product, arguments=arguments
    )


@blueprint.get("/<number>/statement.csv")
@needs(Permission.READ_REPORTS)
def as_csv(number: str) -> Response:
    """The statement with every line, as a file."""
    found = statement(number)
    return statement_csv(found, settled_lines(found.facts.id, page=None))


@blueprint.post("/<number>/approve")
@needs(Permission.SETTLE)
def approve(number: str) -> AnyResponse:
    """The second person's word."""
    try:
        approve_settlement(number, by=somebody().user_id, now=utc_now())
    except SamePerson:
        flash(gettext("这张结算单是你算的，要由另一个人批准。"), "error")
    except NoBankAccount:
        flash(gettext("还不知道付到哪个账户，先把合作社的收款账户写上。"), "error")
    except InDispute as refusal:
        flash(gettext("里面有订单起了争议：%(orders)s。请作废，再算一张。", orders=gettext("、").join(refusal.orders)), "error")
    except SettlementDecided:
        flash(gettext("刚才已经有人定了，没有再记。"), "warning")
    else:
        flash(gettext("批准了，记进了应付。"), "success")
    return go("staff.settlements.show", number=number)


@blueprint.post("/<number>/paid")
@needs(Permission.SETTLE)
def paid(number: str) -> AnyResponse | tuple[str, int]:
    """The bank has sent it."""
    form = PaidForm()
    form.validate()
    reference = clean(fold(form.reference.data or ""), most=40)
    if not reference:
        refuse(form.reference, gettext("写上银行的流水号。"))
    if form.paid_on.data is None and not form.paid_on.errors:
        refuse(form.paid_on, gettext("写上付款日。"))
    if form.reference.errors or form.paid_on.errors or form.paid_on.data is None:
        return _show_page(number, form), 422
    try:
        pay_settlement(number, reference=reference, paid_on=form.paid_on.data, by=somebody().user_id, now=utc_now())
    except NotTheBanksDay as refusal:
        refuse(form.paid_on, gettext("付款日在批准那天 %(earliest)s 到今天之间。", earliest=day(refusal.earliest)))
        return _show_page(number, form), 422
    except ReferenceTaken:
        refuse(form.reference, gettext("这个流水号已经记在另一张结算单上了。"))
        return _show_page(number, form), 422
    except PeriodClosed:
        refuse(form.paid_on, gettext("这个月已经关账。"))
        return _show_page(number, form), 422
    except SettlementDecided:
        flash(gettext("刚才已经有人定了，没有再记。"), "warning")
    else:
        flash(gettext("记下了，这笔付清了。"), "success")
    return go("staff.settlements.show", number=number)


@blueprint.post("/<number>/cancel")
@needs(Permission.SETTLE)
def cancel(number: str) -> AnyResponse:
    """Throw a draft away."""
    try:
        cancel_settlement(number, by=somebody().user_id, now=utc_now())
    except SettlementDecided:
        flash(gettext("已经批准的不能作废。"), "warning")
    else:
        flash(gettext("作废了，里面的订单留给下一张。"), "success")
    return go("staff.settlements.show", number=number)


# ── Where a cooperative is paid ───────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/payees/<int(max=9223372036854775807):cooperative_id>")
@needs(Permission.SETTLE)
def payee(cooperative_id: int) -> str:
    """The account, to look at and to change."""
    account = origin.find_bank_account(CooperativeId(cooperative_id))
    return _payee_page(cooperative_id, AccountForm(formdata=None, obj=account))


@blueprint.post("/payees/<int(max=9223372036854775807):cooperative_id>")
@needs(Permission.SETTLE)
def save_payee(cooperative_id: int) -> AnyResponse | tuple[str, int]:
    """Keep another account."""
    form = AccountForm()
    _cooperative(cooperative_id)
    if not form.validate():
        return _payee_page(cooperative_id, form), 422
    set_bank_account(
        CooperativeId(cooperative_id),
        payee=clean(form.payee.data, most=80),
        number=form.clean_number,
        bank=clean(form.bank.data, most=80),
        bank_code=form.clean_code,
        by=somebody().user_id,
        now=utc_now(),
    )
    flash(gettext("收款账户记下了。已经批准的结算单仍付到原来的账户。"), "success")
    return go("staff.settlements.index")


def _payee_page(cooperative_id: int, form: AccountForm) -> str:
    return render_template("staff/settlements/payee.html", form=form, cooperative=_cooperative(cooperative_id))


def _cooperative(cooperative_id: int) -> Payee:
    found = next((each for each in payees() if each.id == cooperative_id), None)
    if found is None:
        raise NotFound
    return found
