"""One sale made by hand, written down by a form; and what comes back of it. What is refused is said beside its field, and what was typed stays."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import TypeVar

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.sales_file import LONGEST_REF, MOST_FEN, MOST_UNITS
from shop.acts.sell_offline import (
    NothingTaken,
    NotOfThatSale,
    NotOnSale,
    OfflineLine,
    OfflineSale,
    RefTaken,
    ReturnedBeforeSold,
    return_offline,
    sell_offline,
)
from shop.kit.clock import business_day, day_starts, utc_now
from shop.kit.errors import ShopError
from shop.kit.ids import EasternUnitId
from shop.kit.regions import cities, districts, provinces, region_path
from shop.kit.text import fold
from shop.ledger.errors import PeriodClosed
from shop.orders.errors import NoSuchOrder, NothingToRefund, RefundTooLarge
from shop.orders.models import Channel
from shop.reports.offline_pages import OnSale, get_hand_ref, list_on_sale, list_units
from shop.reports.order_story import OrderStory, get_story
from shop.stock.errors import NotEnoughStock
from shop.web.cooperative.fields import DayField, UnitsField, YuanField
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.filters import yuan_sign
from shop.web.typed import clean

blueprint = Blueprint("offline", __name__, url_prefix="/offline")

LINES = 8
"""So many kinds of goods on one form; more go in as another sale, or by a file."""
_NUMBER = re.compile(r"[A-Z]{2}-[0-9]{6}-[0-9A-Z]{6}", re.ASCII)
_REGION_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_SIGNS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_MOST_WORDS = 120

Read = TypeVar("Read")


@dataclass
class HandForm:
    """What was typed, and what is wrong with it."""

    typed: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    """By field; `""` for the whole form."""

    def value(self, name: str) -> str:
        """What stands in a field."""
        return self.typed.get(name, "")

    def refuse(self, name: str, words: str) -> None:
        """The first that is wrong with a field stays."""
        self.errors.setdefault(name, words)


@blueprint.get("/")
@needs(Permission.IMPORT)
def index() -> str:
    """A form for one sale."""
    return _sale_page(HandForm({"ref": _new_ref(), "day": business_day(utc_now()).isoformat()}))


@blueprint.post("/")
@needs(Permission.IMPORT)
def sell() -> Response | tuple[str, int]:
    """Book it; the page of its order follows."""
    form = _typed()
    goods = list_on_sale()
    sale = _read_sale(form, goods)
    if sale is not None:
        try:
            number = sell_offline(sale, by=somebody().user_id, now=utc_now())
        except _REFUSALS as refusal:
            _say_refused_sale(form, refusal, goods)
        else:
            flash(gettext("记下了，各村的数已经跟着变了。"), "success")
            return go("staff.orders.show", number=number)
    return _sale_page(form), 422


@blueprint.get("/<number>/return")
@needs(Permission.IMPORT)
def back(number: str) -> str:
    """A form for what comes back of one sale."""
    story = _hand_sale(number)
    return _return_page(story, HandForm({"ref": _new_ref(), "day": business_day(utc_now()).isoformat(), "restock": "yes"}))


@blueprint.post("/<number>/return")
@needs(Permission.IMPORT)
def take_back(number: str) -> Response | tuple[str, int]:
    """Book it."""
    story, form = _hand_sale(number), _typed()
    units = _read_units(form, story)
    ref, at = _read_ref(form), _read_moment(form)
    restock = form.value("restock")
    if restock not in ("yes", "no"):
        form.refuse("restock", gettext("选货怎么办。"))
    reason = form.value("reason")
    if not reason:
        form.refuse("reason", gettext("写上为什么退。"))
    if not units and not form.errors:
        form.refuse("", gettext("还没写要退什么。"))
    if not form.errors and at is not None:
        try:
            fen = return_offline(
                ref,
                get_hand_ref(story.id),
                units,
                returned_at=at,
                restock=restock == "yes",
                reason=reason,
                by=somebody().user_id,
                now=utc_now(),
            )
        except _REFUSALS as refusal:
            _say_refused_return(form, refusal, story)
        else:
            flash(gettext("记下了：退了 %(sum)s 现金，各村的数已经跟着变了。", sum=yuan_sign(fen)), "success")
            return go("staff.orders.show", number=number)
    return _return_page(story, form), 422


def _hand_sale(number: str) -> OrderStory:
    """A sale made by hand. Raises NoSuchOrder."""
    if not _NUMBER.fullmatch(number):
        raise NoSuchOrder
    story = get_story(number)
    if story.channel is not Channel.OFFLINE:
        raise NoSuchOrder
    return story


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _typed() -> HandForm:
    return HandForm({name: clean(text, most=_MOST_WORDS) for name, text in request.form.items()})


def _new_ref() -> str:
    """A number that nobody has used: whoever has one of their own writes it over this."""
    return f"SG-{business_day(utc_now()):%y%m%d}-" + "".join(secrets.choice(_SIGNS) for _ in range(6))


def _read_sale(form: HandForm, goods: Sequence[OnSale]) -> OfflineSale | None:
    ref, at, region, unit = _read_ref(form), _read_moment(form), _read_region(form), _read_unit(form)
    prices = {each.code: each.price_fen for each in goods}
    lines = [line for place in range(1, LINES + 1) if (line := _read_line(form, place, prices)) is not None]
    if not lines and not form.errors:
        form.refuse("sku-1", gettext("还没写卖了什么。"))
    if sum(line.quantity * line.unit_price_fen for line in lines) > MOST_FEN:
        form.refuse("", gettext("一笔的金额太大，分成几笔记。"))
    if form.errors or at is None:
        return None
    return OfflineSale(ref, at, tuple(lines), region, unit)


def _read_line(form: HandForm, place: int, prices: Mapping[str, int]) -> OfflineLine | None:
    code, lot = form.value(f"sku-{place}"), fold(form.value(f"lot-{place}")).upper()
    quantity = _read_as(form, f"quantity-{place}", UnitsField.read_units)
    price_fen = _read_as(form, f"price-{place}", YuanField.read_fen)
    if not code:
        if quantity is not None or price_fen is not None or lot:
            form.refuse(f"sku-{place}", gettext("选是哪一种货。"))
        return None
    if code not in prices:
        form.refuse(f"sku-{place}", gettext("这一种现在不卖，请从单子里选。"))
        return None
    if quantity is None:
        form.refuse(f"quantity-{place}", gettext("写卖了几件。"))
    elif quantity == 0:
        form.refuse(f"quantity-{place}", gettext("至少一件。"))
    elif quantity > MOST_UNITS:
        form.refuse(f"quantity-{place}", gettext("一行最多 %(most)s 件。", most=MOST_UNITS))
    return OfflineLine(code, quantity or 0, prices[code] if price_fen is None else price_fen, lot or None)


def _read_units(form: HandForm, story: OrderStory) -> dict[str, int]:
    units: dict[str, int] = {}
    for line in story.lines:
        name = f"units-{line.line_id}"
        count, left = _read_as(form, name, UnitsField.read_units) or 0, left_of(story, line.sku_code)
        if count:
            units[line.sku_code] = units.get(line.sku_code, 0) + count
        if units.get(line.sku_code, 0) > left:
            form.refuse(name, gettext("最多还能退 %(left)s 件。", left=left))
    return units


def left_of(story: OrderStory, sku_code: str) -> int:
    """Units of a SKU that have not come back yet."""
    return sum(pick.units - pick.returned_units for line in story.lines if line.sku_code == sku_code for pick in line.picks)


def _read_as(form: HandForm, name: str, read: Callable[[str], Read]) -> Read | None:
    """What was typed into a field, if anything."""
    text = fold(form.value(name))
    try:
        return read(text) if text else None
    except ValueError as wrong:
        form.refuse(name, str(wrong))
        return None


def _read_ref(form: HandForm) -> str:
    ref = fold(form.value("ref"))
    if not ref:
        form.refuse("ref", gettext("没有编号。每一笔要有一个自己的编号。"))
    elif len(ref) > LONGEST_REF:
        form.refuse("ref", gettext("编号太长，最多 %(most)s 个字。", most=LONGEST_REF))
    return ref


def _read_moment(form: HandForm) -> datetime | None:
    """The first moment of the day: only the day is booked, and a form sent twice has to say the same."""
    day = _read_as(form, "day", DayField.read_day)
    if day is None:
        form.refuse("day", gettext("写是哪一天。"))
    elif day > business_day(utc_now()):
        form.refuse("day", gettext("这一天还没到。只记已经卖出或退回的。"))
    elif day < date(2000, 1, 1):
        form.refuse("day", gettext("时间太早了，要在 %(year)s 年以后。", year=2000))
    else:
        return day_starts(day)
    return None


def _read_region(form: HandForm) -> str | None:
    text = fold(form.value("region")).replace(" ", "")
    if not text:
        return None
    if _REGION_CODE.fullmatch(text):
        if not region_path(text):
            form.refuse("region", gettext("没有「%(given)s」这个行政区划代码。写六位，比如昆山 320583；不知道就空着。", given=text))
        return text
    codes = _codes_by_name().get(text, ())
    if len(codes) != 1:
        words = (
            gettext("有几个地方叫「%(given)s」，写六位代码。")
            if codes
            else gettext("没有「%(given)s」这个地方。写全名，比如昆山市，或六位代码。")
        )
        form.refuse("region", words % {"given": text})
        return None
    return codes[0]


@lru_cache
def _codes_by_name() -> Mapping[str, tuple[str, ...]]:
    """Codes of every province, city and district by what it is called."""
    found: dict[str, set[str]] = {}
    for province in provinces():
        found.setdefault(province.name, set()).add(province.code)
        for city in cities(province.code):
            if region_path(city.code):
                found.setdefault(city.name, set()).add(city.code)
            for district in districts(city.code):
                found.setdefault(district.name, set()).add(district.code)
    return {name: tuple(sorted(codes)) for name, codes in found.items()}


def _read_unit(form: HandForm) -> EasternUnitId | None:
    chosen = form.value("unit")
    if not chosen:
        return None
    for unit in list_units():
        if chosen == str(unit.id):
            return unit.id
    form.refuse("unit", gettext("没有这一项，请从单子里选。"))
    return None


# ── Refusals, beside their fields ─────────────────────────────────────────────────────────────────────────────────────


_REFUSALS = (
    NotOnSale,
    NothingTaken,
    NotEnoughStock,
    PeriodClosed,
    RefTaken,
    NotOfThatSale,
    ReturnedBeforeSold,
    RefundTooLarge,
    NothingToRefund,
)


def _say_refused_sale(form: HandForm, refusal: ShopError, goods: Sequence[OnSale]) -> None:
    if isinstance(refusal, NotOnSale):
        if refusal.is_lot:
            _beside(form, "lot", gettext("没有这一批，或者不是这一种的。写袋子上印的批次号；不知道就空着。"), code=refusal.code)
        else:
            _beside(form, "sku", gettext("这一种现在不卖，请从单子里选。"), code=refusal.code)
    elif isinstance(refusal, NotEnoughStock):
        codes = {each.id: each.code for each in goods}
        for shortage in refusal.shortages:
            words = gettext(
                "要 %(wanted)s 件，那天能卖的只有 %(available)s 件。先在库存里补记装袋，或改数量。",
                wanted=shortage.wanted_units,
                available=shortage.available_units,
            )
            _beside(form, "quantity", words, code=codes.get(shortage.sku_id, ""))
    elif isinstance(refusal, NothingTaken):
        form.refuse("price-1", gettext("单价是 0：没有收钱，就没有可记给村里的。送的不算卖的，不要写在这里。"))
    else:
        _say_refused(form, refusal)
    if not form.errors:
        form.refuse("", gettext("没有记成。看看货、批次和数量。"))


def _beside(form: HandForm, part: str, words: str, *, code: str) -> None:
    """Beside every row that the refusal is about."""
    said_by = "lot" if part == "lot" else "sku"
    for place in range(1, LINES + 1):
        if code and fold(form.value(f"{said_by}-{place}")).upper() == code.upper():
            form.refuse(f"{part}-{place}", words)


def _say_refused_return(form: HandForm, refusal: ShopError, story: OrderStory) -> None:
    if isinstance(refusal, ReturnedBeforeSold):
        form.refuse("day", gettext("退回的日子早于卖出的日子 %(day)s。", day=refusal.sold_on))
    elif isinstance(refusal, RefundTooLarge):
        form.refuse("", gettext("比还能退的多，可能刚刚有人退过。数都重新取了，看一眼再定。"))
    elif isinstance(refusal, NothingToRefund):
        form.refuse("", gettext("还没写要退什么。"))
    elif isinstance(refusal, NotOfThatSale):
        form.refuse("", gettext("那一笔里没有「%(given)s」。", given=refusal.code))
    else:
        _say_refused(form, refusal)


def _say_refused(form: HandForm, refusal: ShopError) -> None:
    if isinstance(refusal, PeriodClosed):
        form.refuse("day", gettext("%(month)s 已经结账，不能再记进去。", month=refusal.month))
    elif isinstance(refusal, RefTaken):
        form.refuse("ref", gettext("这个编号以前记过，内容和这一笔不一样。是另一笔就换一个编号。"))


# ── Pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sale_page(form: HandForm) -> str:
    goods = list_on_sale()
    return render_template(
        "staff/offline/index.html",
        form=form,
        goods=goods,
        cooperatives=list(dict.fromkeys((each.cooperative, each.cooperative_en) for each in goods)),
        units=list_units(),
        places=range(1, LINES + 1),
        shown=max([3, *(place + 1 for place in range(1, LINES) if form.value(f"sku-{place}"))]),
    )


def _return_page(story: OrderStory, form: HandForm) -> str:
    return render_template(
        "staff/offline/back.html",
        story=story,
        form=form,
        left={line.line_id: left_of(story, line.sku_code) for line in story.lines},
    )
