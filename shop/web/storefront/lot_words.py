"""How a lot is spoken of: what became of its units and its grams, and its way from the field.

Law: words only; the figures are those of the lot's page.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from flask import Blueprint
from flask_babel import gettext, ngettext
from markupsafe import Markup

from shop.reports.lot_page import LotItem, LotPage, LotState
from shop.web.filters import weight
from shop.web.storefront.words import is_english, named, said, units

_UNIT = re.compile(r"(?<=[0-9]) (?=(?:k?g|m?L)\b)")
"""Between a number and its unit."""


@dataclass(frozen=True, slots=True)
class YieldRow:
    """One bar of what became of a lot."""

    name: str
    at_grams: int
    grams: int
    note: str
    is_open: bool


def packed_words(items: Iterable[LotItem]) -> Markup:
    """`200 袋 × 5 kg 编织袋，40 袋 × 2.5 kg 真空砖`."""
    return _listed(f"{units(item.packed, item.unit_word)} × {named(item.pack, item.pack_en)}" for item in items if item.packed)


def free_words(items: Iterable[LotItem]) -> Markup:
    """`43 袋，占用 3 袋` of each pack."""
    return _listed(
        gettext("%(free)s，占用 %(held)s", free=units(item.free, item.unit_word), held=units(item.held, item.unit_word))
        if item.held
        else units(item.free, item.unit_word)
        for item in items
    )


def yield_rows(lot: LotPage) -> list[YieldRow]:
    """Made, packed, sold, held, spoilt and free, on one scale; what is packed lies after what is sold."""
    rows = [YieldRow(str(gettext("制成")), 0, lot.produced_grams, "", False)]
    packed = _of(lot.items, lambda item: item.packed)
    if not packed[0]:
        return rows
    rows.append(YieldRow(str(gettext("装好")), 0, packed[0], packed[1], False))
    at = 0
    for name, figure, is_open in (
        (gettext("卖出"), lambda item: item.sold, False),
        (gettext("报损"), lambda item: item.written_off, False),
        (gettext("占用"), lambda item: item.held, True),
        (gettext("停售") if lot.state is LotState.RECALLED else gettext("在卖"), lambda item: item.free, True),
    ):
        net_grams, note = _of(lot.items, figure)
        if net_grams or name in (gettext("卖出"), gettext("在卖")):
            rows.append(YieldRow(str(name), at, net_grams, note, is_open))
        at += net_grams
    return rows


def _of(items: Iterable[LotItem], figure: Callable[[LotItem], int]) -> tuple[int, str]:
    """Grams of so many units of each pack, and the units in words where all packs are counted by one word."""
    counted = [(figure(item), item) for item in items]
    words = {item.unit_word for count, item in counted if count}
    note = units(sum(count for count, _ in counted), words.pop()) if len(words) == 1 else ""
    return sum(count * item.unit_grams for count, item in counted), note


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a trail."""

    at: date
    text: str
    code: str = ""


def lot_trail(lot: LotPage) -> list[Step]:
    """What became of a lot, newest first."""
    steps = [Step(lot.recalled_at, str(gettext("召回，停售")))] if lot.recalled_at else []
    steps += [
        Step(
            packing.at,
            str(
                gettext(
                    "装好 %(units)s × %(pack)s", units=units(packing.units, packing.unit_word), pack=said(packing.pack, packing.pack_en)
                )
            ),
        )
        for packing in lot.packings
    ]
    recorded = ngettext(
        "记下收成 %(weight)s，来自 %(num)s 个村",
        "记下收成 %(weight)s，来自 %(num)s 个村",
        len(lot.sources),
        weight=weight(lot.source_grams),
    )
    return [*steps, Step(lot.recorded_at, str(recorded)), Step(lot.harvested_on, str(gettext("收获")))]


def _listed(parts: Iterable[str]) -> Markup:
    """One after another, each on one line where it fits."""
    comma, gap = (",", " ") if is_english() else ("，", "")
    every = [_UNIT.sub("\N{NO-BREAK SPACE}", part) for part in parts]
    whole = [f"{part}{comma}" for part in every[:-1]] + every[-1:]
    return Markup(gap).join(Markup('<span class="part">{}</span>').format(part) for part in whole)


def register(blueprint: Blueprint) -> None:
    """Let every template say these."""
    for word in (packed_words, free_words, yield_rows, lot_trail):
        blueprint.add_app_template_filter(word)
