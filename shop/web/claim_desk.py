"""Answering claims: the same pages for a cooperative, which sees its own, and for staff, who see all and may act in a cooperative's place.

An audience's `claims` module makes a blueprint and asks for these addresses on it, with the permissions they need and whose claims they show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response as AnyResponse
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.answer_claim import OfferTooLarge, Paid, ask_back, give_money_back, pay_again, refuse_claim, take_in
from shop.kit.clock import utc_now
from shop.kit.ids import ClaimId, CooperativeId
from shop.orders.claim_states import ClaimKind, ClaimState
from shop.orders.claims import CannotMoveClaim, NoSuchClaim
from shop.orders.errors import CannotMove, NothingToRefund, RefundTooLarge
from shop.payments.errors import PaymentDisputed
from shop.payments.models import RefundState
from shop.reports.claims import ClaimPile, ClaimStory, ClaimsWanted, get_claim, last_return_to, list_claims
from shop.reports.cooperative_pages import own_cooperatives
from shop.reports.staff_orders import list_sellers
from shop.web.cooperative.fields import YuanField, refuse
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.form import Form
from shop.web.storefront.addresses import page_asked
from shop.web.typed import clean, clean_lines
from shop.web.uploads import send_own_picture

_ID = "int(max=9223372036854775807)"
_MOST = 200


@dataclass(frozen=True)
class ClaimDesk:
    """Whose claims are answered, and at which addresses."""

    audience: str
    """`cooperative` or `staff`: its templates and endpoints."""
    reads: Permission
    decides: Permission
    scope: Callable[[], Sequence[CooperativeId] | None]
    """The cooperatives whose claims are shown; None for all."""

    def claim(self, claim_id: int) -> ClaimStory:
        """One claim of those that are seen here. Raises NoSuchClaim."""
        return get_claim(ClaimId(claim_id), cooperative_ids=self.scope())

    def house(self) -> dict[str, object]:
        """What the layout of a cooperative asks for besides."""
        ids = self.scope()
        return {} if ids is None else {"cooperatives": own_cooperatives(ids)}

    def page(self, claim: ClaimStory, form: "AnswerForm | None" = None) -> str:
        """One claim, with everything beside it and its one next step."""
        return render_template(
            f"{self.audience}/claims/show.html",
            claim=claim,
            form=form or blank_answer(claim, is_staff=self.scope() is None),
            where=f"{self.audience}.claims",
            may=somebody().may(self.decides),
            now=utc_now(),
            **self.house(),
        )

    def back(self, claim: ClaimStory) -> AnyResponse:
        """To the claim, after a form."""
        return go(f"{self.audience}.claims.show", claim_id=claim.id)


class AnswerForm(Form):
    """What is done about a claim now: which choices there are depends on where it stands (`blank_answer`)."""

    do = RadioField(lazy_gettext("怎么办"), validate_choice=False)
    return_to = TextAreaField(lazy_gettext("寄回到哪里"))
    offer = YuanField(lazy_gettext("退多少元"))
    word = TextAreaField(lazy_gettext("给买家的话"))

    def read(self, claim: ClaimStory) -> bool:
        """Whether what was chosen has what it needs; if not, it is said beside the field."""
        is_sent = self.validate_on_submit()
        self.return_to.data = clean(self.return_to.data, most=_MOST)
        self.word.data = clean_lines(self.word.data, most=_MOST)
        if self.do.data not in {choice.value for choice in self.do.choices}:
            refuse(self.do, gettext("选一个。"))
        if self.do.data == "back" and not self.return_to.data:
            refuse(self.return_to, gettext("写上地址、收件人和电话，买家照着寄。"))
        if self.do.data == "part" and not self.offer.errors:
            if not self.offer.data:
                refuse(self.offer, gettext("写上退多少元。"))
            elif self.offer.data > claim.worth_fen:
                refuse(self.offer, gettext("最多退 %(most)s。", most=yuan_sign(claim.worth_fen)))
        if self.do.data != "part":
            self.offer.errors = ()
        if self.do.data == "no" and not self.word.data:
            refuse(self.word, gettext("写一句为什么，买家会看到。"))
        return bool(is_sent) and not any(field.errors for field in self)


def blank_answer(claim: ClaimStory, *, is_staff: bool) -> AnswerForm:
    """The form for where the claim stands, with nothing chosen."""
    form = answer_form(claim, is_staff=is_staff, is_blank=True)
    if claim.state is ClaimState.ASKED and claim.kind is ClaimKind.RETURN:
        form.return_to.data = last_return_to(claim.cooperative_id)
    return form


def answer_form(claim: ClaimStory, *, is_staff: bool, is_blank: bool = False, prefix: str = "") -> AnswerForm:
    """The form with the choices that there are now."""
    form = AnswerForm(formdata=None, prefix=prefix) if is_blank else AnswerForm()
    form.do.choices = [SelectChoice(value, words) for value, words in _choices(claim, is_staff=is_staff)]
    return form


def _choices(claim: ClaimStory, *, is_staff: bool) -> list[tuple[str, str]]:
    no = ("no", gettext("不同意"))
    if claim.state is ClaimState.ASKED and claim.kind is ClaimKind.CANCEL:
        return [("money", gettext("还没寄，取消，退款")), ("no", gettext("已经装好了，照寄"))]
    if claim.state is ClaimState.ASKED:
        part = [("part", gettext("货留给买家，退一部分钱"))] if len(claim.lines) == 1 else []
        return [("money", gettext("货不用寄回，全退")), ("back", gettext("先寄回来，收到再退")), *part, no]
    if claim.state is ClaimState.ACCEPTED:
        return [("shelf", gettext("收到了，完好，放回货架")), ("bin", gettext("收到了，不能再卖，报损"))]
    if claim.state is ClaimState.SENT:
        return [
            ("shelf", gettext("收到了，完好，放回货架")),
            ("bin", gettext("收到了，不能再卖，报损")),
            ("no", gettext("收到的不对，不退")),
        ]
    if claim.state is ClaimState.DUE and is_staff and not claim.waits_for_second and not claim.has_failed:
        return [("again", gettext("再提一次退款")), no]
    return []


def add_claim_pages(blueprint: Blueprint, desk: ClaimDesk) -> None:
    """The list of claims, each one, and its answer."""

    @blueprint.get("/")
    @needs(desk.reads)
    def index() -> str:
        """What waits for us first."""
        wanted = _wanted()
        found = list_claims(wanted, cooperative_ids=desk.scope(), page=page_asked())
        sellers = list_sellers() if desk.scope() is None else ()
        return render_template(
            f"{desk.audience}/claims/index.html",
            found=found,
            wanted=wanted,
            sellers=sellers,
            where=f"{desk.audience}.claims",
            now=utc_now(),
            **desk.house(),
        )

    @blueprint.get(f"/<{_ID}:claim_id>")
    @needs(desk.reads)
    def show(claim_id: int) -> str:
        """One claim."""
        return desk.page(desk.claim(claim_id))

    @blueprint.post(f"/<{_ID}:claim_id>")
    @needs(desk.decides)
    def answer(claim_id: int) -> AnyResponse | tuple[str, int]:
        """What is done about it now."""
        claim, is_staff = desk.claim(claim_id), desk.scope() is None
        form = answer_form(claim, is_staff=is_staff)
        if not form.do.choices:
            flash(gettext("刚才已经有人办了，看现在到了哪一步。"), "warning")
            return desk.back(claim)
        if not form.read(claim):
            return desk.page(claim, form), 422
        try:
            _carry_out(claim, form, is_staff=is_staff)
        except OfferTooLarge as refusal:
            refuse(form.offer, gettext("最多退 %(most)s。", most=yuan_sign(refusal.most_fen)))
            return desk.page(claim, form), 422
        except CannotMoveClaim:
            flash(gettext("刚才已经有人办了，看现在到了哪一步。"), "warning")
        except PaymentDisputed:
            flash(gettext("买家的银行正在拒付，钱已经被拿走，定下来以前不能退。"), "error")
        except (NothingToRefund, RefundTooLarge, CannotMove):
            flash(gettext("这一单别处刚退过，数对不上了。看看订单，再定。"), "error")
        return desk.back(claim)

    @blueprint.get(f"/<{_ID}:claim_id>/photos/<{_ID}:picture_id>/<file>")
    @needs(desk.reads)
    def photo(claim_id: int, picture_id: int, file: str) -> Response:
        """A photograph that goes with it."""
        for pictured in desk.claim(claim_id).photos:
            if pictured.picture_id == picture_id:
                return send_own_picture(pictured.picture_id, file)
        raise NoSuchClaim


def _wanted() -> ClaimsWanted:
    """Which claims the list shows; what is not known is passed over."""
    pile, kind, cooperative = (request.args.get(name, "") for name in ("pile", "kind", "cooperative"))
    return ClaimsWanted(
        pile=next((each for each in ClaimPile if each == pile), ClaimPile.OURS),
        kind=next((each for each in ClaimKind if each == kind), None),
        cooperative_id=CooperativeId(int(cooperative))
        if cooperative.isascii() and cooperative.isdecimal() and len(cooperative) < 18
        else None,
    )


def _carry_out(claim: ClaimStory, form: AnswerForm, *, is_staff: bool) -> None:
    """Do what was chosen, and say what became of it."""
    by, now, limit_fen = somebody().user_id, utc_now(), settings().refund_four_eyes_fen
    word = str(form.word.data)
    if form.do.data == "no":
        refuse_claim(claim.id, why=word, is_staff=is_staff, by=by, now=now)
        flash(gettext("记下了：没有同意。买家会收到信，写着为什么。"), "success")
    elif form.do.data == "back":
        ask_back(claim.id, return_to=str(form.return_to.data), word=word, by=by, now=now)
        flash(gettext("同意了。买家会收到信，写着寄到哪里。"), "success")
    elif form.do.data in ("money", "part"):
        offer_fen = form.offer.data if form.do.data == "part" else None
        _say_paid(give_money_back(claim.id, offer_fen=offer_fen, word=word, four_eyes_fen=limit_fen, by=by, now=now))
    elif form.do.data == "again":
        _say_paid(pay_again(claim.id, four_eyes_fen=limit_fen, by=by, now=now))
    else:
        _say_paid(take_in(claim.id, restock=form.do.data == "shelf", four_eyes_fen=limit_fen, by=by, now=now))


def _say_paid(paid: Paid) -> None:
    if paid.waiting is not None:
        flash(gettext("%(total)s 要另一个人同意，已经放在“等人定的退款”里。", total=yuan_sign(paid.waiting.total_fen)), "warning")
    elif paid.refunded is None:
        flash(gettext("这些货别处已经退过款，没有再退；申请就此了结。"), "info")
    elif paid.refunded.state is RefundState.FAILED:
        flash(gettext("支付方没有退成 %(total)s，账已冲回，要改从银行转。", total=yuan_sign(paid.refunded.total_fen)), "error")
    else:
        flash(gettext("退款 %(total)s 已记账，各村的数跟着改了。", total=yuan_sign(paid.refunded.total_fen)), "success")
