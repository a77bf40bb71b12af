"""Dividends as a cooperative sees them: its rules, a form that tries a new one on last year, what is to be paid, the link for the village."""

from typing import cast

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import HiddenField, MultipleFileField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.pay_dividend import pay_dividend
from shop.acts.propose_rule import propose_rule
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import CooperativeId, RunId, new_key
from shop.ledger.dividends import RunState
from shop.ledger.dividing import Bucket, receipt_key
from shop.ledger.errors import NoApprovalPaper, NotInThisState, PaidAhead, RuleNotWhole, StartsTooEarly
from shop.ledger.models import DividendBase
from shop.papers.errors import CannotKeep
from shop.reports import cooperative_pages as pages
from shop.reports.dividend_pages import PaymentRow, Statement, Trial, get_statement, read_behind, rule_rows, run_rows, try_rule
from shop.web.cooperative.fields import DayField, PercentField, UnitsField, is_key, refuse
from shop.web.current import needs, settings, somebody
from shop.web.dividend_words import BASE_WORDS, brought, lines_csv, statement_csv, why_not_kept
from shop.web.errors import go
from shop.web.filters import day, percent_bp
from shop.web.form import Form
from shop.web.typed import clean

blueprint = Blueprint("dividends", __name__, url_prefix="/dividends")

LONGEST_NAME = 30
LONGEST_REFERENCE = 40


@blueprint.get("/")
@needs(Permission.COOPERATIVE)
def index() -> str:
    """The rules, and every run with where it stands: what has to be paid first."""
    ids = somebody().cooperative_ids
    return render_template(
        "cooperative/dividends/index.html",
        cooperatives=pages.own_cooperatives(ids),
        rules=rule_rows(ids),
        runs=sorted(run_rows(ids=ids), key=lambda run: run.state not in (RunState.APPROVED, RunState.DISPUTED)),
    )


# ── A new rule ────────────────────────────────────────────────────────────────────────────────────────────────────────


class RuleForm(Form):
    """A rule; `rule_form` adds a per cent for each word of the settings."""

    cooperative = SelectField(lazy_gettext("合作社"), coerce=int)
    name = StringField(lazy_gettext("叫什么"))
    base = RadioField(
        lazy_gettext("分什么"), choices=[SelectChoice(base.value, word) for base, word in BASE_WORDS.items()], validate_choice=False
    )
    starts_on = DayField(lazy_gettext("从哪天起"))
    papers = MultipleFileField(lazy_gettext("决议或会议纪要"))
    once = HiddenField()
    words: tuple[str, ...]

    @property
    def percents(self) -> list[PercentField]:
        """A per cent for each word, in the order of the settings."""
        return [self[f"bucket_{place}"] for place in range(len(self.words))]

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """Those that get something."""
        return tuple(Bucket(word, field.data) for word, field in zip(self.words, self.percents, strict=True) if field.data)

    def validate(self, extra_validators: object = None) -> bool:
        """Only what cannot be read, or is missing; the rest is for the act to say."""
        is_good = bool(super().validate(extra_validators))
        if not clean(self.name.data, most=LONGEST_NAME):
            refuse(self.name, gettext("写上规则的名字，比如 622。"))
        if self.base.data not in {base.value for base in DividendBase}:
            refuse(self.base, gettext("选一个基数：分哪个数。"))
        if self.starts_on.data is None and not self.starts_on.errors:
            refuse(self.starts_on, gettext("写上从哪天起。"))
        if not is_key(self.once.data):
            refuse(self.name, gettext("这张表单过时了，请刷新再填。"))
        total = sum(bucket.basis_points for bucket in self.buckets)
        if not any(field.errors for field in self.percents) and total != 10_000:
            refuse(self.percents[0], gettext("合起来要正好 100%%，现在是 %(total)s。", total=percent_bp(total)))
        return is_good and not any(field.errors for field in self)


def _rule_form(*, is_blank: bool) -> RuleForm:
    words = settings().bucket_words
    fields: dict[str, object] = {f"bucket_{place}": PercentField(word) for place, word in enumerate(words)}
    kind = type("RuleFormOfSettings", (RuleForm,), fields)
    form = cast(RuleForm, kind(formdata=None) if is_blank else kind())
    form.words = words
    own = pages.own_cooperatives(somebody().cooperative_ids)
    form.cooperative.choices = [SelectChoice(each.id, each.name) for each in own]
    if is_blank:
        form.once.data = new_key()
        form.base.data = DividendBase.NET.value
    return form


@blueprint.get("/rules/new")
@needs(Permission.COOPERATIVE)
def new_rule() -> str:
    """An empty form."""
    return _rule_page(_rule_form(is_blank=True), None)


@blueprint.post("/rules/new")
@needs(Permission.COOPERATIVE)
def propose() -> Response | tuple[str, int]:
    """First show what the rule would have given; when that has been seen, propose it."""
    person, form = somebody(), _rule_form(is_blank=False)
    if not form.validate_on_submit():
        return _rule_page(form, None), 422
    cooperative_id, base = CooperativeId(form.cooperative.data), DividendBase(form.base.data)
    trial = try_rule(cooperative_id, base, form.buckets, today=business_day(utc_now()))
    if request.form.get("do") != "propose":
        return _rule_page(form, trial), 200
    assert form.starts_on.data is not None, "validate() has asked for it"
    try:
        propose_rule(
            cooperative_id,
            name=clean(form.name.data, most=LONGEST_NAME),
            base=base,
            buckets=form.buckets,
            starts_on=form.starts_on.data,
            papers=brought(),
            instance_path=settings().instance_path,
            by=person.user_id,
            once=f"form:{form.once.data}",
            now=utc_now(),
        )
    except NoApprovalPaper:
        refuse(form.papers, gettext("附上决议或会议纪要的照片或 PDF，规则要有它才能批。"))
    except CannotKeep as refusal:
        refuse(form.papers, why_not_kept(refusal))
    except StartsTooEarly as refusal:
        refuse(form.starts_on, gettext("最早从 %(day)s 起：之前的日子已经有规则或已经核算。", day=day(refusal.earliest)))
    except RuleNotWhole:
        refuse(form.percents[0], gettext("合起来要正好 100%%，每份写一次。") % {})
    else:
        flash(gettext("提交了。平台的另一个人看过决议、批准以后，从 %(day)s 起算。", day=day(form.starts_on.data)), "success")
        return go("cooperative.dividends.index")
    return _rule_page(form, trial), 422


def _rule_page(form: RuleForm, trial: Trial | None) -> str:
    return render_template(
        "cooperative/dividends/new_rule.html",
        cooperatives=pages.own_cooperatives(somebody().cooperative_ids),
        form=form,
        trial=trial,
    )


# ── One run ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class PayForm(Form):
    """A run was paid; `_pay_form` adds a count of households for each bucket."""

    paid_on = DayField(lazy_gettext("哪天付的"))
    reference = StringField(lazy_gettext("银行流水号"))
    papers = MultipleFileField(lazy_gettext("银行回单"))
    once = HiddenField()
    seqs: tuple[int, ...]

    @property
    def counts(self) -> list[UnitsField]:
        """Households by bucket."""
        return [self[f"households_{seq}"] for seq in self.seqs]

    def validate(self, extra_validators: object = None) -> bool:
        """What is missing; the rest is for the act to say."""
        is_good = bool(super().validate(extra_validators))
        if self.paid_on.data is None and not self.paid_on.errors:
            refuse(self.paid_on, gettext("写上哪天付的。"))
        if not clean(self.reference.data, most=LONGEST_REFERENCE):
            refuse(self.reference, gettext("写上银行流水号，村里对账要用。"))
        if not any(file and file.filename for file in self.papers.data or ()):
            refuse(self.papers, gettext("附上银行回单的照片或 PDF。"))
        if not is_key(self.once.data):
            refuse(self.paid_on, gettext("这张表单过时了，请刷新再填。"))
        return is_good and not any(field.errors for field in self)


def _pay_form(statement: Statement, *, is_blank: bool) -> PayForm:
    fields: dict[str, object] = {f"households_{share.seq}": UnitsField(share.word) for share in statement.shares}
    kind = type("PayFormOfRun", (PayForm,), fields)
    form = cast(PayForm, kind(formdata=None) if is_blank else kind())
    form.seqs = tuple(share.seq for share in statement.shares)
    if is_blank:
        form.once.data = new_key()
        form.paid_on.type_in(business_day(utc_now()))
    return form


@blueprint.get("/runs/<int(max=9223372036854775807):run_id>")
@needs(Permission.COOPERATIVE)
def show(run_id: int) -> str | Response:
    """The statement of one village, as a page or as a table."""
    statement = get_statement(RunId(run_id), ids=somebody().cooperative_ids)
    if request.args.get("format") == "csv":
        return statement_csv(statement, is_public=False)
    return _run_page(statement, _pay_form(statement, is_blank=True))


@blueprint.post("/runs/<int(max=9223372036854775807):run_id>/pay")
@needs(Permission.COOPERATIVE)
def pay(run_id: int) -> Response | tuple[str, int]:
    """The cooperative has paid."""
    person = somebody()
    statement = get_statement(RunId(run_id), ids=person.cooperative_ids)
    form = _pay_form(statement, is_blank=False)
    if form.validate_on_submit():
        assert form.paid_on.data is not None, "validate() has asked for it"
        try:
            pay_dividend(
                statement.run.id,
                paid_on=form.paid_on.data,
                bank_reference=clean(form.reference.data, most=LONGEST_REFERENCE),
                households={seq: field.data for seq, field in zip(form.seqs, form.counts, strict=True) if field.data is not None},
                papers=brought(),
                instance_path=settings().instance_path,
                by=person.user_id,
                once=f"form:{form.once.data}",
                now=utc_now(),
            )
        except CannotKeep as refusal:
            refuse(form.papers, why_not_kept(refusal))
        except PaidAhead as refusal:
            refuse(
                form.paid_on, gettext("写 %(first)s 到今天 %(today)s 之间的一天。", first=day(refusal.earliest), today=day(refusal.today))
            )
        except NotInThisState:
            flash(gettext("这一份刚才已经记过付款，没有再记。看下面现在到了哪一步。"), "warning")
            return go("cooperative.dividends.show", run_id=run_id)
        else:
            flash(gettext("记下了。把下面的链接发给村里，请他们确认收到。"), "success")
            return go("cooperative.dividends.show", run_id=run_id, _anchor="link")
    return _run_page(statement, form), 422


@blueprint.get("/runs/<int(max=9223372036854775807):run_id>/<part>")
@needs(Permission.COOPERATIVE)
def lines(run_id: int, part: str) -> str | Response:
    """What a figure of the statement was added up from."""
    statement = get_statement(RunId(run_id), ids=somebody().cooperative_ids)
    is_file = request.args.get("format") == "csv"
    behind = read_behind(statement.run, part, page=None if is_file else request.args.get("page", 1, type=int))
    if is_file:
        return lines_csv(statement, behind)
    return render_template(
        "cooperative/dividends/lines.html",
        cooperatives=pages.own_cooperatives(somebody().cooperative_ids),
        statement=statement,
        behind=behind,
    )


def _run_page(statement: Statement, form: PayForm) -> str:
    return render_template(
        "cooperative/dividends/show.html",
        cooperatives=pages.own_cooperatives(somebody().cooperative_ids),
        statement=statement,
        form=form,
        can_pay=statement.run.state in (RunState.APPROVED, RunState.DISPUTED),
        link=receipt_link(statement.payment) if statement.payment else "",
    )


def receipt_link(payment: PaymentRow) -> str:
    """Where the village confirms a payment; whole, so that it can be pasted."""
    key = receipt_key(payment.id, payment.once, settings().secret_key)
    return settings().public_url.rstrip("/") + url_for("storefront.dividends.receipt", payment_id=payment.id, key=key)
