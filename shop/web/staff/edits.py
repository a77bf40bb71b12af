"""Changing a paid order before it is packed: fewer, or something of no higher price, or another street; first shown, then done."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.edit_order import (
    CannotSwap,
    CostsMore,
    EditPreview,
    EditWanted,
    NoSuchUnits,
    NothingToEdit,
    TooMuchForOne,
    edit_order,
    preview_edit,
)
from shop.kit.clock import utc_now
from shop.kit.ids import LineId, SkuId, new_key
from shop.kit.phones import find_mobile
from shop.kit.text import fold
from shop.orders.errors import CannotMove, NoSuchOrder
from shop.orders.models import Channel
from shop.orders.service import Address
from shop.orders.states import OrderState
from shop.reports.order_edit import Swappable, swappable
from shop.reports.order_story import OrderStory, get_story
from shop.shipping.states import ShipmentState
from shop.stock.errors import NotEnoughStock
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.typed import clean

blueprint = Blueprint("edits", __name__, url_prefix="/orders/<number>/edit")

_NUMBER = re.compile(r"[A-Z]{2}-[0-9]{6}-[0-9A-Z]{6}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,6}")
_FEN = re.compile(r"[0-9]{1,12}")
_ADDRESS = {"name": 60, "phone": 20, "town": 60, "street": 200}


@dataclass
class EditForm:
    """What was typed, what is wrong with it, and what is wanted."""

    once: str
    typed: Mapping[str, str] = field(default_factory=dict)
    agreed_fen: int | None = None
    errors: dict[str, str] = field(default_factory=dict)
    """By field; `""` for the whole form."""

    def value(self, name: str, usual: str = "") -> str:
        """What stands in a field."""
        return self.typed.get(name, usual)


@blueprint.get("/")
@needs(Permission.EDIT_ORDERS)
def show(number: str) -> str | Response:
    """The order with a field for everything that may still change."""
    story = _story(number)
    if not may_edit(story):
        flash(gettext("这一单已经在寄，或还没付款，不能改。"), "warning")
        return go("staff.orders.show", number=number)
    return _page(story, EditForm(new_key()))


@blueprint.post("/")
@needs(Permission.EDIT_ORDERS)
def change(number: str) -> str | Response | tuple[str, int]:
    """Show what it would do; or, when that has been seen and is still so, do it."""
    story = _story(number)
    agreed = request.form.get("agreed_fen", "")
    form = EditForm(
        once=clean(request.form.get("once"), most=40) or new_key(),
        typed={name: clean(text, most=200) for name, text in request.form.items()},
        agreed_fen=int(agreed) if _FEN.fullmatch(agreed) else None,
    )
    wanted = _read(form, story)
    if form.errors:
        return _page(story, form), 422
    try:
        preview = preview_edit(number, wanted)
        if request.form.get("do") != "edit" or form.agreed_fen != preview.refund_fen:
            return _page(story, form, preview)
        limit_fen = settings().refund_four_eyes_fen
        done = edit_order(number, wanted, four_eyes_fen=limit_fen, once=form.once, by=somebody().user_id, now=utc_now())
    except _REFUSALS as refusal:
        _take_refusal(form, refusal)
        return _page(_story(number), form), 422
    if done.refund_fen:
        flash(gettext("改好了，差额 %(sum)s 已记账，正在退给买家。买家会收到通知。", sum=yuan_sign(done.refund_fen)), "success")
    else:
        flash(gettext("改好了，不用退钱。买家会收到通知。"), "success")
    return go("staff.orders.show", number=number)


_REFUSALS = (NothingToEdit, NoSuchUnits, CostsMore, CannotSwap, TooMuchForOne, CannotMove, NotEnoughStock)


def may_edit(story: OrderStory) -> bool:
    """Whether nobody has begun to pack a paid order."""
    states = {shipment.state for shipment in story.shipments}
    return story.channel is Channel.ONLINE and story.state is OrderState.PAID and states <= {ShipmentState.TO_PACK, ShipmentState.CANCELLED}


def _story(number: str) -> OrderStory:
    if not _NUMBER.fullmatch(number):
        raise NoSuchOrder
    return get_story(number)


def _read(form: EditForm, story: OrderStory) -> EditWanted:
    keep: dict[LineId, int] = {}
    swap: dict[LineId, SkuId] = {}
    for line in story.lines:
        left = sum(pick.units - pick.returned_units for pick in line.picks)
        text = fold(form.value(f"keep-{line.line_id}", str(left)))
        if not _WHOLE.fullmatch(text) or int(text) > left:
            form.errors[f"keep-{line.line_id}"] = gettext("写 0 到 %(left)s；要加货请买家另下一单。", left=left)
        else:
            keep[line.line_id] = int(text)
        chosen = form.value(f"swap-{line.line_id}")
        if chosen.isascii() and chosen.isdecimal() and len(chosen) <= 18:
            swap[line.line_id] = SkuId(int(chosen))
            if keep.get(line.line_id) == left:
                form.errors[f"keep-{line.line_id}"] = gettext("选了换成别的，就写还留几件。")
    return EditWanted(keep, swap, _address(form, story))


def _address(form: EditForm, story: OrderStory) -> Address | None:
    given = {name: clean(form.value(name), most=most) for name, most in _ADDRESS.items()}
    if not any(given.values()):
        return None
    phone = story.phone
    if given["phone"]:
        found = find_mobile(given["phone"])
        if found is None:
            form.errors["phone"] = gettext("写 11 位手机号。")
        phone = found or phone
    return Address(given["name"] or story.name, phone, given["town"] or story.town, given["street"] or story.street)


def _take_refusal(form: EditForm, refusal: Exception) -> None:
    if isinstance(refusal, CostsMore):
        words = {"price": yuan_sign(refusal.price_fen), "most": yuan_sign(refusal.most_fen)}
        form.errors[f"swap-{refusal.line_id}"] = gettext("这个卖 %(price)s，比原来的 %(most)s 贵。请买家另下一单，这里不补收钱。", **words)
    elif isinstance(refusal, CannotSwap):
        form.errors[f"swap-{refusal.line_id}"] = gettext("不能换成这个：要在卖、同一家合作社、和原来的不是同一种。")
    elif isinstance(refusal, NoSuchUnits):
        form.errors[f"keep-{refusal.line_id}"] = gettext("现在只剩 %(left)s 件，可能刚刚有人退过。", left=refusal.left_units)
    elif isinstance(refusal, NotEnoughStock):
        form.errors[""] = gettext("要换的货不够了，什么都没有改。")
    elif isinstance(refusal, TooMuchForOne):
        form.errors[""] = gettext("要退 %(sum)s，超过一个人能定的。请在订单页提退款，由两个人定。", sum=yuan_sign(refusal.refund_fen))
    elif isinstance(refusal, NothingToEdit):
        form.errors[""] = gettext("没有要改的。")
    else:
        form.errors[""] = gettext("这一单刚才已经在寄了，不能再改。")


def _page(story: OrderStory, form: EditForm, preview: EditPreview | None = None) -> str:
    goods = swappable({line.cooperative_id for line in story.lines})
    return render_template(
        "staff/edits/show.html",
        story=story,
        form=form,
        preview=preview,
        choices={line.line_id: _choices(goods, line.cooperative_id, line.sku_id, line.unit_price_fen) for line in story.lines},
        left={line.line_id: sum(pick.units - pick.returned_units for pick in line.picks) for line in story.lines},
        lines={line.line_id: line for line in story.lines},
    )


def _choices(goods: tuple[Swappable, ...], cooperative_id: int, sku_id: int, most_fen: int) -> list[Swappable]:
    return [each for each in goods if each.cooperative_id == cooperative_id and each.sku_id != sku_id and each.price_fen <= most_fen]
