"""What a buyer asks for after paying: called off before it is packed, given back after it has arrived. For whoever holds the order's key or bought it."""

from collections.abc import Mapping

from flask import Blueprint, Response, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from shop.accounts.roles import Permission
from shop.acts.ask_claim import Asked, ask_claim, say_sent, withdraw_claim
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.ids import ClaimId, LineId, OrderId, UserId
from shop.orders.claim_states import MOST_CLAIM_PHOTOS, ClaimKind, ClaimState, is_called_off_at_once
from shop.orders.claims import CannotClaim, CannotMoveClaim, NoSuchClaim, TooManyUnits, open_units
from shop.orders.models import Channel
from shop.orders.states import is_paid
from shop.payments.errors import PaymentDisputed
from shop.reports.claims import ClaimStory, get_claim
from shop.reports.order_story import OrderStory, get_own_story
from shop.web.claim_form import ClaimForm, claim_form, claimable_of
from shop.web.cooperative.fields import refuse
from shop.web.cooperative.orders import CARRIERS, ShipForm
from shop.web.current import needs, signed_in
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.storefront.addresses import opened_order, order_number
from shop.web.storefront.words import units
from shop.web.uploads import PICTURES_ACCEPTED, send_own_picture, takes_files

blueprint = Blueprint("claims", __name__, url_prefix="/orders/<number>/claims")

_ID = "int(max=9223372036854775807)"
_KIND = "any(cancel, return)"


@blueprint.get(f"/<{_KIND}:kind>")
@needs(Permission.ANYONE)
def new(number: str, kind: str) -> str:
    """The form; or that there is nothing of which this could be asked."""
    story = _own(number)
    return _form_page(story, _form(story, ClaimKind(kind), is_blank=True))


@blueprint.post(f"/<{_KIND}:kind>")
@takes_files
@needs(Permission.ANYONE)
@limiter.limit("12 per 5 minutes")
def ask(number: str, kind: str) -> AnyResponse | tuple[str, int]:
    """Ask; what is not packed is called off at once."""
    story = _own(number)
    form = _form(story, ClaimKind(kind), is_blank=False)
    if not form.rows:
        return _form_page(story, form), 422
    read = form.read(story.locale)
    if read is None:
        return _form_page(story, form), 422
    asked, drawn = read
    try:
        done = ask_claim(story.number, asked, photos=drawn, once=form.key, by=_who(), now=utc_now())
    except TooManyUnits as refusal:
        _say_left(form, refusal.left)
        return _form_page(story, form), 422
    except CannotClaim:
        flash(gettext("这一单刚才有了变化，请看看现在还能办什么，再交一次。"), "warning")
        return go("storefront.orders.show", number=story.number, key=story.key)
    except PaymentDisputed:
        flash(gettext("你的银行正在拒付这一笔，钱在银行手里，定下来以前不能退。"), "error")
        return go("storefront.orders.show", number=story.number, key=story.key)
    return _done(story, form.kind, done)


@blueprint.get(f"/<{_ID}:claim_id>")
@needs(Permission.ANYONE)
def show(number: str, claim_id: int) -> str:
    """One claim: how far it is, and what the buyer can do."""
    opened = opened_order(number)
    return _claim_page(get_claim(ClaimId(claim_id), order_id=opened.id), ShipForm(formdata=None))


@blueprint.post(f"/<{_ID}:claim_id>/withdraw")
@needs(Permission.ANYONE)
def withdraw(number: str, claim_id: int) -> AnyResponse:
    """The buyer thinks better of it."""
    claim = _claim(number, claim_id)
    try:
        withdraw_claim(claim.id, order_id=claim.order_id, by=_who(), now=utc_now())
        flash(gettext("收回了，什么都没有变。要的话可以再提。"), "success")
    except CannotMoveClaim:
        flash(gettext("没有收回：刚才已经往下走了，看现在到了哪一步。"), "warning")
    return _to(claim)


@blueprint.post(f"/<{_ID}:claim_id>/sent")
@needs(Permission.ANYONE)
def sent(number: str, claim_id: int) -> AnyResponse | tuple[str, int]:
    """The goods are on their way back."""
    claim, form = _claim(number, claim_id), ShipForm()
    if not form.validate_on_submit():
        return _claim_page(claim, form), 422
    try:
        say_sent(claim.id, order_id=claim.order_id, carrier=form.carrier.data, tracking_number=form.clean_number, by=_who(), now=utc_now())
        flash(gettext("记下了。合作社收到、看过货，就退款。"), "success")
    except CannotMoveClaim:
        flash(gettext("没有记：刚才已经往下走了，看现在到了哪一步。"), "warning")
    return _to(claim)


@blueprint.get(f"/<{_ID}:claim_id>/photos/<{_ID}:picture_id>/<file>")
@needs(Permission.ANYONE)
def photo(number: str, claim_id: int, picture_id: int, file: str) -> Response:
    """A photograph of one's own; nobody else sees it but the cooperative and the staff."""
    for pictured in _claim(number, claim_id).photos:
        if pictured.picture_id == picture_id:
            return send_own_picture(pictured.picture_id, file)
    raise NoSuchClaim


def _own(number: str) -> OrderStory:
    """A paid order of the shop for whoever holds its key or bought it. Raises NotFound."""
    story = get_own_story(order_number(number), key=request.args.get("key", ""), buyer_id=_who())
    if story.channel is not Channel.ONLINE or not is_paid(story.state):
        raise NoSuchClaim
    return story


def _claim(number: str, claim_id: int) -> ClaimStory:
    return get_claim(ClaimId(claim_id), order_id=OrderId(opened_order(number).id))


def _who() -> UserId | None:
    person = signed_in()
    return person.user_id if person else None


def _form(story: OrderStory, kind: ClaimKind, *, is_blank: bool) -> ClaimForm:
    return claim_form(kind, claimable_of(story, kind, open_units(story.id), now=utc_now()), is_blank=is_blank)


def _say_left(form: ClaimForm, left: Mapping[LineId, int]) -> None:
    """Somebody was quicker: what is left now stands beside the numbers."""
    for row, field in form.counted():
        if row.line_id in left and (field.data or 0) > left[row.line_id]:
            refuse(field, gettext("刚才别处也提了，现在还能写 %(left)s。", left=units(left[row.line_id], row.unit_word)))


def _done(story: OrderStory, kind: ClaimKind, done: Asked) -> AnyResponse:
    if done.refunded_fen:
        flash(gettext("取消了，%(sum)s 已记账退回；到账一般要 3–10 个工作日。", sum=yuan_sign(done.refunded_fen)), "success")
    elif kind is ClaimKind.CANCEL:
        flash(gettext("交上去了。合作社看还来不来得及，三天内答复，会写信给你。"), "success")
    else:
        flash(gettext("交上去了。合作社三天内答复，会写信给你。"), "success")
    if len(done.claim_ids) == 1:
        return go("storefront.claims.show", number=story.number, claim_id=done.claim_ids[0], key=story.key)
    return go("storefront.orders.show", number=story.number, key=story.key, _anchor="back")


def _to(claim: ClaimStory) -> AnyResponse:
    return go("storefront.claims.show", number=claim.order_number, claim_id=claim.id, key=claim.order_key)


def _form_page(story: OrderStory, form: ClaimForm) -> str:
    return render_template(
        "storefront/claims/new.html",
        story=story,
        form=form,
        kind=form.kind,
        is_at_once=form.kind is ClaimKind.CANCEL and is_called_off_at_once(story.state),
        most=MOST_CLAIM_PHOTOS,
        accepted=PICTURES_ACCEPTED,
    )


def _claim_page(claim: ClaimStory, form: ShipForm) -> str:
    return render_template(
        "storefront/claims/show.html",
        claim=claim,
        form=form,
        carriers=CARRIERS,
        may_withdraw=claim.state in (ClaimState.ASKED, ClaimState.ACCEPTED),
        may_send=claim.state in (ClaimState.ACCEPTED, ClaimState.SENT),
    )
