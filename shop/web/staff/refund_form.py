"""The refund form: units of picks, an amount of a line, or of the shipping. It keeps what was typed and says beside each field what is wrong.

Fields depend on the order, so they are read by hand: `units-<pick>`, `amount-<line>`, `shipping`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_babel import force_locale, gettext, lazy_gettext

from shop.acts.refund_order import RefundWanted
from shop.kit.ids import LineId, PickId, new_key
from shop.kit.text import fold
from shop.reports.order_story import LineStory, OrderStory, PickStory
from shop.web.filters import yuan_sign
from shop.web.storefront.words import units
from shop.web.typed import clean

REASONS = {
    "damaged": lazy_gettext("破损或变质（质量问题）"),
    "wrong": lazy_gettext("发错、少发"),
    "seven_days": lazy_gettext("七天无理由"),
    "not_sent": lazy_gettext("还没发，买家不要了"),
    "recalled": lazy_gettext("召回"),
}
GOODS = {
    "write_off": lazy_gettext("不用寄回，记为破损"),
    "restock": lazy_gettext("收回或没发，放回库存"),
}
_FEN = re.compile(r"[0-9]{1,12}")
_WHOLE = re.compile(r"[0-9]{1,6}")
_YUAN = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?")
_LONGEST_KEY = 40


@dataclass
class RefundForm:
    """What was typed, what is wrong with it, and what is wanted."""

    once: str
    """Names the refund: sent twice, it is one."""
    typed: Mapping[str, str] = field(default_factory=dict)
    reason: str = "damaged"
    goods: str = "write_off"
    by_transfer: bool = False
    """Send it from the bank account, although the provider still could."""
    agreed_fen: int | None = None
    """What the preview said: another sum is shown again before it is sent."""
    errors: dict[str, str] = field(default_factory=dict)
    """By field; `""` for the whole form."""
    wanted: RefundWanted | None = None

    @property
    def has_amounts(self) -> bool:
        """Whether something stands in the fields for amounts, which are folded away otherwise."""
        return any(text and (name == "shipping" or name.startswith("amount-")) for name, text in self.typed.items())

    def value(self, name: str, usual: str = "") -> str:
        """What stands in a field."""
        return self.typed.get(name, usual)


def blank_form() -> RefundForm:
    """A form nobody has filled in."""
    return RefundForm(once=new_key())


def read_form(given: Mapping[str, str], story: OrderStory) -> RefundForm:
    """The form as it was sent. `wanted` is set when every field can be read and nothing asks for more than is left."""
    agreed = given.get("agreed_fen", "")
    form = RefundForm(
        once=clean(given.get("once"), most=_LONGEST_KEY) or new_key(),
        typed={name: clean(text, most=40) for name, text in given.items()},
        reason=given.get("reason", ""),
        goods=given.get("goods", ""),
        by_transfer="by_transfer" in given,
        agreed_fen=int(agreed) if _FEN.fullmatch(agreed) else None,
    )
    returned = {pick.pick_id: _units(form, line, pick) for line in story.lines for pick in line.picks}
    amounts = {line.line_id: _amount(form, f"amount-{line.line_id}", line.now_fen) for line in story.lines}
    shipping_fen = _amount(form, "shipping", story.shipping_fen - story.refunded_shipping_fen)
    if form.reason not in REASONS:
        form.errors["reason"] = gettext("选一个缘由。")
    if form.goods not in GOODS:
        form.errors["goods"] = gettext("说一下货怎么办。")
    if not form.errors:
        form.wanted = _wanted(form, returned, amounts, shipping_fen, story)
    return form


def _wanted(
    form: RefundForm, returned: Mapping[PickId, int], amounts: Mapping[LineId, int], shipping_fen: int, story: OrderStory
) -> RefundWanted:
    with force_locale("en" if story.locale == "en" else "zh"):  # the buyer reads the reason on the order's page
        reason = str(REASONS[form.reason])
    return RefundWanted(
        units={pick_id: count for pick_id, count in returned.items() if count},
        amounts={line_id: fen for line_id, fen in amounts.items() if fen},
        shipping_fen=shipping_fen,
        restock=form.goods == "restock",
        reason=reason,
        by_transfer=form.by_transfer,
    )


def _units(form: RefundForm, line: LineStory, pick: PickStory) -> int:
    name, left = f"units-{pick.pick_id}", pick.units - pick.returned_units
    text = fold(form.value(name)) or "0"
    if not _WHOLE.fullmatch(text):
        form.errors[name] = gettext("写一个整数，不退就写 0。")
        return 0
    if int(text) > left:
        form.errors[name] = gettext("最多还能退 %(left)s。", left=units(left, line.unit_word))
        return 0
    return int(text)


def _amount(form: RefundForm, name: str, left_fen: int) -> int:
    text = fold(form.value(name)).lstrip("¥￥").replace(",", "").strip() or "0"
    found = _YUAN.fullmatch(text)
    if found is None:
        form.errors[name] = gettext("写元，最多两位小数，比如 12.50。")
        return 0
    fen = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    if fen > left_fen:
        form.errors[name] = gettext("最多还能退 %(left)s。", left=yuan_sign(left_fen))
        return 0
    return fen
