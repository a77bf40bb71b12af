"""How labels, marks and permits are spoken of."""

from flask import Blueprint
from flask_babel import gettext, lazy_gettext, lazy_pgettext
from markupsafe import Markup

from shop.catalog.models import LabelKind, MarkKind
from shop.kit.markdown import clean_html
from shop.ledger.dividends import published_count
from shop.papers.models import PermitKind, PromiseBasis
from shop.web.filters import thousands

LABEL_KINDS = {
    LabelKind.PREPACKAGED: lazy_gettext("预包装食品"),
    LabelKind.PRODUCE: lazy_gettext("食用农产品"),
}
MARK_KINDS = {
    MarkKind.GREEN: lazy_gettext("绿色食品"),
    MarkKind.ORGANIC: lazy_gettext("有机产品"),
    MarkKind.GEOGRAPHICAL: lazy_gettext("地理标志"),
}
PERMIT_KINDS = {
    PermitKind.BUSINESS: lazy_gettext("营业执照"),
    PermitKind.FOOD_PRODUCTION: lazy_gettext("食品生产许可证"),
    PermitKind.FOOD_TRADE: lazy_gettext("食品经营许可或备案"),
    PermitKind.WORKSHOP: lazy_gettext("小作坊登记证"),
    PermitKind.OTHER: lazy_pgettext("permit", "其他证照"),
}
PROMISE_BASES = {
    PromiseBasis.COMMISSIONED: lazy_gettext("委托检测"),
    PromiseBasis.OWN_TEST: lazy_gettext("自我检测"),
    PromiseBasis.OWN_CONTROL: lazy_gettext("内部质量控制"),
    PromiseBasis.OWN_WORD: lazy_gettext("自我承诺"),
}
NUTRIENT_WORDS = {
    "energy_kj": lazy_gettext("能量（kJ）"),
    "protein_mg": lazy_gettext("蛋白质（g）"),
    "fat_mg": lazy_gettext("脂肪（g）"),
    "saturated_fat_mg": lazy_gettext("其中饱和脂肪（g）"),
    "carbohydrate_mg": lazy_gettext("碳水化合物（g）"),
    "sugars_mg": lazy_gettext("其中糖（g）"),
    "sodium_mg": lazy_gettext("钠（mg）"),
}
"""In 100 g or 100 mL, in the unit that the label prints."""
_MILLI = frozenset({"energy_kj", "sodium_mg"})
"""Printed in the unit that is kept; the others are kept in milligrams and printed in grams."""


def nutrient(value: int, name: str) -> str:
    """`7.4` of 7400 mg, `1 460` kilojoules as they are."""
    if name in _MILLI:
        return str(value)
    whole, rest = divmod(value, 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".") if rest else str(whole)


def counted(count: int) -> str:
    """A count of people as the public may see it: a small one points at somebody (DESIGN §7)."""
    shown = published_count(count)
    return thousands(shown) if shown is not None else str(gettext("少于 5"))


def markdown(text: str) -> Markup:
    """A story as HTML; clean whatever was written (`kit/markdown.py`)."""
    return Markup(clean_html(text))


def register(blueprint: Blueprint) -> None:
    """Let every template say these."""
    for word in (nutrient, counted, markdown):
        blueprint.add_app_template_filter(word)
    words = {
        "LABEL_KINDS": LABEL_KINDS,
        "MARK_KINDS": MARK_KINDS,
        "PERMIT_KINDS": PERMIT_KINDS,
        "PROMISE_BASES": PROMISE_BASES,
        "NUTRIENT_WORDS": NUTRIENT_WORDS,
    }
    blueprint.record_once(lambda state: state.app.jinja_env.globals.update(words))
