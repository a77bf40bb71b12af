"""What lots cost: told with a photograph of the bill, cancelled with a reason, shared over the villages by grams."""

from flask import Blueprint, flash, render_template
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import HiddenField, MultipleFileField, RadioField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.record_cost import cancel_cost, record_cost
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import CostId, new_key
from shop.ledger.errors import AlreadyCancelled, CostAhead, NoReason, NoSuchCost, NotAnAmount
from shop.ledger.models import CostKind
from shop.papers.errors import CannotKeep
from shop.reports import cooperative_pages as pages
from shop.reports.dividend_pages import LotCosts, costed_lots, get_lot_costs
from shop.web.cooperative.fields import DayField, YuanField, is_key, refuse
from shop.web.current import needs, settings, somebody
from shop.web.dividend_words import COST_WORDS, brought, hand_out, why_not_kept
from shop.web.errors import go
from shop.web.filters import day, yuan_sign
from shop.web.form import Form
from shop.web.typed import clean

blueprint = Blueprint("costs", __name__, url_prefix="/costs")

LONGEST_NOTE = 120


class CostForm(Form):
    """One cost of one lot."""

    kind = RadioField(
        lazy_gettext("是什么钱"), choices=[SelectChoice(kind.value, word) for kind, word in COST_WORDS.items()], validate_choice=False
    )
    amount = YuanField(lazy_gettext("多少元"))
    incurred_on = DayField(lazy_gettext("哪天花的"))
    note = StringField(lazy_gettext("说明"))
    papers = MultipleFileField(lazy_gettext("票据"))
    once = HiddenField()

    def validate(self, extra_validators: object = None) -> bool:
        """Only what cannot be read, or is missing; the rest is for the act to say."""
        is_good = bool(super().validate(extra_validators))
        if self.kind.data not in {kind.value for kind in CostKind}:
            refuse(self.kind, gettext("选一样：投入品、人工、包装还是运费。"))
        if self.amount.data is None and not self.amount.errors:
            refuse(self.amount, gettext("写上花了多少元。"))
        if self.incurred_on.data is None and not self.incurred_on.errors:
            refuse(self.incurred_on, gettext("写上哪天花的。"))
        if not is_key(self.once.data):
            refuse(self.amount, gettext("这张表单过时了，请刷新再填。"))
        return is_good and not any(field.errors for field in self)


@blueprint.get("/")
@needs(Permission.COOPERATIVE)
def index() -> str:
    """All lots with what they cost so far."""
    ids = somebody().cooperative_ids
    return render_template("cooperative/costs/index.html", cooperatives=pages.own_cooperatives(ids), lots=costed_lots(ids))


@blueprint.get("/<code>")
@needs(Permission.COOPERATIVE)
def show(code: str) -> str:
    """One lot: its costs, and a form for the next."""
    form = CostForm(formdata=None)
    form.once.data = new_key()
    form.incurred_on.type_in(business_day(utc_now()))
    return _page(get_lot_costs(code, somebody().cooperative_ids), form)


@blueprint.post("/<code>")
@needs(Permission.COOPERATIVE)
def record(code: str) -> Response | tuple[str, int]:
    """Tell a cost."""
    person = somebody()
    costs = get_lot_costs(code, person.cooperative_ids)
    form = CostForm()
    if form.validate_on_submit():
        assert form.amount.data is not None and form.incurred_on.data is not None, "validate() has asked for them"
        try:
            cost = record_cost(
                costs.lot.lot_id,
                kind=CostKind(form.kind.data),
                amount_fen=form.amount.data,
                incurred_on=form.incurred_on.data,
                note=clean(form.note.data, most=LONGEST_NOTE),
                papers=brought(),
                instance_path=settings().instance_path,
                by=person.user_id,
                once=f"form:{form.once.data}",
                now=utc_now(),
            )
        except CannotKeep as refusal:
            refuse(form.papers, why_not_kept(refusal))
        except NotAnAmount as refusal:
            refuse(form.amount, gettext("要大于 0，最多 %(most)s。", most=yuan_sign(refusal.most_fen)))
        except CostAhead as refusal:
            refuse(form.incurred_on, gettext("这一天还没到，最晚写今天 %(today)s。", today=day(refusal.today)))
        else:
            if cost.is_repeat:
                flash(gettext("这一张已经记过了，没有再记第二次。"), "info")
            elif cost.business_day != form.incurred_on.data:
                flash(
                    gettext(
                        "记下了 %(sum)s。那个月已经关账，所以算在 %(day)s。", sum=yuan_sign(cost.amount_fen), day=day(cost.business_day)
                    ),
                    "success",
                )
            else:
                flash(gettext("记下了 %(sum)s。", sum=yuan_sign(cost.amount_fen)), "success")
            return go("cooperative.costs.show", code=code)
    return _page(costs, form), 422


@blueprint.post("/<code>/<int(max=9223372036854775807):cost_id>/cancel")
@needs(Permission.COOPERATIVE)
def cancel(code: str, cost_id: int) -> Response | tuple[str, int]:
    """A cost was told wrongly."""
    person = somebody()
    costs = get_lot_costs(code, person.cooperative_ids)
    if cost_id not in {row.id for row in costs.rows}:
        raise NoSuchCost
    try:
        cancelled = cancel_cost(CostId(cost_id), reason=clean(_reason(), most=LONGEST_NOTE), by=person.user_id, now=utc_now())
    except NoReason:
        form = CostForm(formdata=None)
        form.once.data = new_key()
        form.incurred_on.type_in(business_day(utc_now()))
        return _page(costs, form, opened=cost_id), 422
    except AlreadyCancelled:
        flash(gettext("这一笔刚才已经冲销了，没有再记。"), "warning")
    else:
        flash(gettext("冲销了 %(sum)s。原来的那笔还在，两笔相抵。", sum=yuan_sign(-cancelled.amount_fen)), "success")
    return go("cooperative.costs.show", code=code)


@blueprint.get("/papers/<int(max=9223372036854775807):paper_id>")
@needs(Permission.COOPERATIVE)
def paper(paper_id: int) -> Response:
    """A paper of a cost, a rule or a payment."""
    return hand_out(paper_id, somebody().cooperative_ids)


def _reason() -> str:
    form = CancelForm()
    return str(form.reason.data or "")


class CancelForm(Form):
    """Why a cost is cancelled."""

    reason = StringField(lazy_gettext("为什么冲销"))


def _page(costs: LotCosts, form: CostForm, opened: int | None = None) -> str:
    return render_template(
        "cooperative/costs/show.html",
        cooperatives=pages.own_cooperatives(somebody().cooperative_ids),
        costs=costs,
        form=form,
        opened=opened,
    )
