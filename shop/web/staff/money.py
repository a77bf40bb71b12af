"""Money at payment providers: where our books and theirs differ, what nobody has explained, payouts, and disputes."""

from datetime import timedelta

from flask import Blueprint, flash, render_template
from flask_babel import gettext, lazy_gettext, ngettext
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.clear_suspense import clear_suspense
from shop.acts.reconcile import reconcile
from shop.kit.clock import business_day, utc_now
from shop.payments.errors import NotAsExpected, ProviderRefused, ProviderUnavailable
from shop.payments.models import ClearedTo, DifferenceKind, DisputeState, PayoutState
from shop.reports.provider_money import DAYS_SHOWN, get_suspense, read_disputes, read_money
from shop.web.cooperative.fields import DayField
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.filters import yuan, yuan_sign
from shop.web.form import Form
from shop.web.typed import clean

blueprint = Blueprint("money", __name__, url_prefix="/money")

_MOST_DAYS = 31
_ID = "int(max=9223372036854775807)"

DIFFERENCE_WORDS = {
    DifferenceKind.MISSING_HERE: (
        lazy_gettext("我们没有"),
        lazy_gettext("支付方有，账上没有。几分钟后会自动取来记账；再核对还在，就到支付方后台看这一笔是谁付的。"),
    ),
    DifferenceKind.MISSING_THERE: (
        lazy_gettext("支付方没有"),
        lazy_gettext("账上有，支付方没有。打开这一单，到支付方后台按编号找；找不到，就是钱没有来，货先别发。"),
    ),
    DifferenceKind.AMOUNT: (lazy_gettext("金额不同"), lazy_gettext("两边都打开看。支付方对，就退多的或请买家补；我们对，就问支付方。")),
    DifferenceKind.CURRENCY: (lazy_gettext("币种不同"), lazy_gettext("先问支付方为什么用了别的币种；问清以前不发货、不退款。")),
    DifferenceKind.FEE: (lazy_gettext("手续费不同"), lazy_gettext("记账以后手续费变了，问支付方。")),
    DifferenceKind.PAYOUT_SUM: (lazy_gettext("打款不等于明细"), lazy_gettext("下载支付方的打款报表，和下面的明细逐笔对。")),
    DifferenceKind.STATE: (lazy_gettext("进度不同"), lazy_gettext("十分钟后会再问一次；再核对还不同，就是有人在支付方后台定过了。")),
    DifferenceKind.SUSPENSE: (lazy_gettext("来由不明"), lazy_gettext("在上面点“查明”，写明它是什么。")),
}
"""What differs → its word, and what to do next."""
DISPUTE_WORDS = {
    DisputeState.INQUIRY: (lazy_gettext("银行来问，钱没动"), "warning"),
    DisputeState.NEEDS_RESPONSE: (lazy_gettext("等我们举证"), "wrong"),
    DisputeState.UNDER_REVIEW: (lazy_gettext("银行在看"), "due"),
    DisputeState.CLOSED: (lazy_gettext("问完了"), ""),
    DisputeState.WON: (lazy_gettext("判给我们"), "done"),
    DisputeState.LOST: (lazy_gettext("判给买家"), "wrong"),
}
DISPUTE_REASONS = {
    "product_not_received": lazy_gettext("说没收到货"),
    "fraudulent": lazy_gettext("说不是本人付的"),
    "product_unacceptable": lazy_gettext("说货不对"),
    "duplicate": lazy_gettext("说付了两次"),
    "credit_not_processed": lazy_gettext("说没收到退款"),
    "general": lazy_gettext("没有细说"),
    "unrecognized": lazy_gettext("说不认得这笔"),
}
PAYOUT_WORDS = {
    PayoutState.PENDING: (lazy_gettext("还没寄出"), ""),
    PayoutState.IN_TRANSIT: (lazy_gettext("在路上"), "due"),
    PayoutState.PAID: (lazy_gettext("到银行了"), "done"),
    PayoutState.FAILED: (lazy_gettext("被银行退回，已冲回"), "wrong"),
    PayoutState.CANCELED: (lazy_gettext("取消了"), ""),
}
CLEARED_WORDS = {
    ClearedTo.FEES: lazy_gettext("支付方的费用，平台承担"),
    ClearedTo.BANK: lazy_gettext("与我们银行之间的往来"),
    ClearedTo.PAYMENTS: lazy_gettext("某笔收款或退款的一部分"),
}


class DaysForm(Form):
    """Which days are compared."""

    since = DayField(lazy_gettext("从"))
    until = DayField(lazy_gettext("到"))

    def validate_since(self, field: DayField) -> None:
        """Given."""
        if field.data is None:
            raise ValidationError(gettext("写从哪天起。"))

    def validate_until(self, field: DayField) -> None:
        """Given, not before the first day, not to come, and not too far from it."""
        if field.data is None:
            raise ValidationError(gettext("写到哪天为止。"))
        if field.data > business_day(utc_now()):
            raise ValidationError(gettext("这一天还没到。"))
        if self.since.data is not None and not 0 <= (field.data - self.since.data).days < _MOST_DAYS:
            raise ValidationError(gettext("从开始那天起，最多 %(days)s 天。", days=_MOST_DAYS))


class ExplainForm(Form):
    """What an unexplained movement was."""

    to = RadioField(
        lazy_gettext("它是什么"),
        choices=[SelectChoice(to.value, word) for to, word in CLEARED_WORDS.items()],
        validate_choice=False,
    )
    explanation = StringField(lazy_gettext("怎么查明的"))

    def validate_to(self, field: RadioField) -> None:
        """One of them."""
        if field.data not in {to.value for to in ClearedTo}:
            raise ValidationError(gettext("选一项。"))

    def validate_explanation(self, field: StringField) -> None:
        """In words that an auditor can follow."""
        if len(clean(field.data, most=200)) < 4:
            raise ValidationError(gettext("写一句话，让以后查账的人看得懂。"))


@blueprint.get("/")
@needs(Permission.READ_MONEY)
def index() -> str:
    """Where our books and the providers' differ."""
    return _index()


@blueprint.post("/compare")
@needs(Permission.RECONCILE)
def compare() -> Response | tuple[str, int]:
    """Compare some days now."""
    form = DaysForm()
    if not form.validate_on_submit():
        return _index(form=form), 422
    assert form.since.data is not None and form.until.data is not None, "the form has checked it"
    try:
        days = reconcile(form.since.data, form.until.data, now=utc_now())
    except (ProviderUnavailable, ProviderRefused):
        flash(gettext("支付方没有回话，没有核对完。过几分钟再来。"), "error")
        return go("staff.money.index")
    count = sum(len(day.differences) for day in days)
    if count:
        flash(ngettext("核对了，%(num)s 处不同。", "核对了，%(num)s 处不同。", count), "warning")
    else:
        flash(gettext("核对了，两边完全一样。"), "success")
    return go("staff.money.index")


@blueprint.get(f"/suspense/<{_ID}:suspense_id>")
@needs(Permission.READ_MONEY)
def suspense(suspense_id: int) -> str:
    """One movement that nobody has explained."""
    return _suspense(suspense_id, ExplainForm(formdata=None))


@blueprint.post(f"/suspense/<{_ID}:suspense_id>")
@needs(Permission.RECONCILE)
def explain(suspense_id: int) -> Response | tuple[str, int]:
    """Say what it was. It leaves the account of suspense, and the words stay beside it."""
    get_suspense(suspense_id)
    form = ExplainForm()
    if not form.validate_on_submit():
        return _suspense(suspense_id, form), 422
    try:
        words = clean(form.explanation.data, most=200)
        clear_suspense(suspense_id, ClearedTo(form.to.data), words, by=somebody().user_id, now=utc_now())
        flash(gettext("记下了，账已转走。"), "success")
    except NotAsExpected:
        flash(gettext("刚才已经有人写明了，没有再记。"), "warning")
    return go("staff.money.suspense", suspense_id=suspense_id)


@blueprint.get("/disputes")
@needs(Permission.READ_MONEY)
def disputes() -> str:
    """Every dispute."""
    return render_template(
        "staff/money/disputes.html",
        disputes=read_disputes(),
        words=DISPUTE_WORDS,
        reasons=DISPUTE_REASONS,
        now=utc_now(),
        dispute_url=dispute_url,
        money_in=money_in,
    )


def _index(form: DaysForm | None = None) -> str:
    today = business_day(utc_now())
    if form is None:
        form = DaysForm(formdata=None)
        form.since.data, form.until.data = today - timedelta(days=6), today
    return render_template(
        "staff/money/index.html",
        money=read_money(today),
        form=form,
        may=somebody().may(Permission.RECONCILE),
        days_shown=DAYS_SHOWN,
        differences=DIFFERENCE_WORDS,
        payouts=PAYOUT_WORDS,
        cleared=CLEARED_WORDS,
        sum_of=sum_of,
        money_in=money_in,
        state_words=_state_word,
    )


def _suspense(suspense_id: int, form: ExplainForm) -> str:
    return render_template(
        "staff/money/suspense.html",
        item=get_suspense(suspense_id),
        form=form,
        may=somebody().may(Permission.RECONCILE),
        cleared=CLEARED_WORDS,
        money_in=money_in,
    )


def money_in(fen: int, currency: str) -> str:
    """A sum with its currency: ¥68.00, or HKD 74.12."""
    return yuan_sign(fen) if currency == "CNY" else f"{currency} {yuan(fen)}"


def sum_of(text: str) -> str:
    """`6800 CNY` as people read it; a state by its word; nothing as a dash."""
    fen, _, currency = text.partition(" ")
    if not text:
        return "—"
    return money_in(int(fen), currency) if fen.lstrip("-").isdigit() and len(currency) == 3 else _state_word(text)


def _state_word(code: str) -> str:
    words = {state.value: word for state, (word, _badge) in (*DISPUTE_WORDS.items(), *PAYOUT_WORDS.items())}
    return str(words.get(code, code))


def dispute_url(dispute_id: str) -> str:
    """Where evidence is handed in: the provider's own page, or the sandbox's desk."""
    shop = settings()
    if shop.stripe_api_base:
        return shop.stripe_api_base
    return f"https://dashboard.stripe.com/{'' if shop.stripe_secret_key.startswith(('sk_live_', 'rk_live_')) else 'test/'}disputes/{dispute_id}"
