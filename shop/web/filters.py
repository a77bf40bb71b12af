"""How figures, weights, days and people are written on a page.

Law: a filter turns one value into text and knows nothing of the database; every figure of the shop is written by one of these,
so the same number never reads two ways. Times come in aware and leave in Asia/Shanghai. Language is the visitor's.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from flask import Flask, g
from jinja2 import StrictUndefined
from markupsafe import Markup, escape

from shop.web import kept

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUS = "\N{MINUS SIGN}"
"""As wide as a figure, and never taken for a hyphen; a screen reader says it."""

NOTHING = "—"
HARD = "\N{NO-BREAK SPACE}"
"""Within a day: 29 and 日 stay on one line."""
_HAN = re.compile(r"[\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
TINTS = {
    "粮油": "grain",
    "坚果": "nut",
    "茶饮": "tea",
    "加工": "tea",
    "水果": "fruit",
    "禽蛋": "meat",
    "肉类": "meat",
    "禽蛋肉类": "meat",
    "蔬菜": "wood",
    "山珍": "wood",
}
When = TypeVar("When", bound=date)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# Money ----------------------------------------------------------------------------------------------------------------


def yuan(fen: int) -> str:
    """Fen as yuan without a sign of currency, for columns that name the unit: `113333` → `1,133.33`, `-6667` → `−66.67`."""
    whole, rest = divmod(abs(fen), 100)
    return f"{MINUS if fen < 0 else ''}{whole:,}.{rest:02d}"


def yuan_sign(fen: int) -> str:
    """Fen as yuan with the sign of currency: `6800` → `¥68.00`, `-6667` → `−¥66.67`."""
    whole, rest = divmod(abs(fen), 100)
    return f"{MINUS if fen < 0 else ''}¥{whole:,}.{rest:02d}"


def yuan_whole(fen: int) -> str:
    """Fen as whole yuan, rounded half away from nought, for the ticks and labels of a chart only: `6835739` → `68,357`."""
    whole = (abs(fen) + 50) // 100
    return f"{MINUS if fen < 0 and whole else ''}{whole:,}"


# Counts and weights ---------------------------------------------------------------------------------------------------


def thousands(count: int) -> str:
    """A count with separators: `1921` → `1,921`."""
    return f"{MINUS if count < 0 else ''}{abs(count):,}"


def grams(net_grams: int) -> str:
    """A weight in grams, whatever its size: `700000` → `700,000 g`."""
    return f"{thousands(net_grams)} g"


def kg(net_grams: int) -> str:
    """A weight in kilograms, exact to the gram, without idle noughts: `5000` → `5 kg`, `4600` → `4.6 kg`, `500` → `0.5 kg`."""
    whole, rest = divmod(abs(net_grams), 1000)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{MINUS if net_grams < 0 else ''}{whole:,}{fraction} kg"


def weight(net_grams: int) -> str:
    """A weight in the unit a shopper would use: below one kilogram in grams, else in kilograms: `500 g`, `2.5 kg`."""
    return kg(net_grams) if abs(net_grams) >= 1000 else grams(net_grams)


# Shares ---------------------------------------------------------------------------------------------------------------


def percent_bp(basis_points: int) -> str:
    """Basis points as per cent, exact: `7000` → `70%`, `1250` → `12.5%`, `-30` → `−0.3%`."""
    whole, rest = divmod(abs(basis_points), 100)
    fraction = f".{rest:02d}".rstrip("0") if rest else ""
    return f"{MINUS if basis_points < 0 else ''}{whole:,}{fraction}%"


def share_percent(part: int, whole: int) -> str:
    """What part of the whole this is, to one decimal, half up: `(700, 1000)` → `70%`, `(1, 3)` → `33.3%`; of nothing: a dash."""
    if whole == 0:
        return NOTHING
    if whole < 0:
        part, whole = -part, -whole
    tenths = (abs(part) * 2000 + whole) // (2 * whole)
    text = f"{tenths // 10:,}.{tenths % 10}".removesuffix(".0")
    return f"{MINUS if part < 0 and tenths else ''}{text}%"


def share_width(part: int, whole: int) -> str:
    """A width for a bar, never outside it: `(700, 1000)` → `70%`. For attributes of SVG, not for reading."""
    if whole <= 0 or part <= 0:
        return "0%"
    return f"{min(part / whole, 1) * 100:.2f}".rstrip("0").rstrip(".") + "%"


def change_percent(now: int, before: int) -> str:
    """By how much a figure grew or fell, without its direction (the page draws ▲ or ▼): `(1126, 1000)` → `12.6%`."""
    return share_percent(abs(now - before), abs(before))


# Days and times -------------------------------------------------------------------------------------------------------


def day(when: date) -> str:
    """A day in full: `2026 年 10 月 9 日`, in English `Oct 9, 2026`. A moment is read as its day in Shanghai."""
    when = _in_shanghai(when)
    if _is_english():
        return f"{MONTHS[when.month - 1]}{HARD}{when.day}, {when.year}"
    return f"{when.year}{HARD}年 {when.month}{HARD}月{HARD}{when.day}{HARD}日"


def short_day(when: date) -> str:
    """A day of this season, without its year: `10 月 9 日`, in English `Oct 9`."""
    when = _in_shanghai(when)
    if _is_english():
        return f"{MONTHS[when.month - 1]}{HARD}{when.day}"
    return f"{when.month}{HARD}月{HARD}{when.day}{HARD}日"


def clock(when: datetime) -> str:
    """A moment for the narrow column of a trail: `11-18 09:14`, in English `Nov 18, 09:14`."""
    local = _in_shanghai(when)
    if _is_english():
        return f"{MONTHS[local.month - 1]} {local.day}, {local:%H:%M}"
    return f"{local:%m-%d %H:%M}"


def moment(when: datetime) -> str:
    """A moment in full: `2026 年 11 月 18 日 09:14`, in English `Nov 18, 2026, 09:14`."""
    return f"{day(when)}{',' if _is_english() else ''} {_in_shanghai(when):%H:%M}"


def machine_time(when: date) -> str:
    """For the `datetime` attribute of `<time>`: a day as `2026-10-09`, a moment as `2026-11-18T09:14+08:00`."""
    if isinstance(when, datetime):
        return _in_shanghai(when).isoformat(timespec="minutes")
    return when.isoformat()


# People and language --------------------------------------------------------------------------------------------------


def masked_phone(phone: str) -> str:
    """Enough of a number for its owner to know it, not enough to ring it: `13800002207` → `138****2207`."""
    if len(phone) >= 11:
        return f"{phone[:3]}****{phone[-4:]}"
    if len(phone) >= 7:
        return f"{phone[:2]}****{phone[-2:]}"
    return "****" if phone else ""


def masked_email(email: str) -> str:
    """`mei@example.cn` → `m•••@example.cn`."""
    name, _, host = email.partition("@")
    return f"{name[:1]}•••@{host}"


def chinese(text: str) -> Markup:
    """Chinese content wherever it stands: on an English page it is marked as Chinese, so that it is read aloud and drawn rightly.

    What holds no Chinese, such as the name of somebody from elsewhere, is left as it is.
    """
    if text and _is_english() and _HAN.search(text):
        return Markup('<span lang="zh-Hans">{}</span>').format(text)
    return escape(text)


def lang_mark(text: str) -> Markup:
    """The attribute that says so of an element, where marks cannot stand in its text: `<option{{ name|lang_mark }}>`, `<text{{ name|lang_mark }}>`."""
    return Markup(' lang="zh-Hans"') if _is_english() and _HAN.search(text) else Markup("")


def filled(words: str, **values: object) -> Markup:
    """A sentence, its gaps filled with content that may bring marks of its own: `filled(gettext("交寄，%(carrier)s"), carrier=chinese(…))`."""
    return Markup(words) % values


def own_character(name: str) -> str:
    """The character that stands for a product without a picture, the last of its bare name: `羊肚菌(干)` → `菌`, `笋干` → `笋`."""
    bare = name.partition("(")[0].partition("（")[0].strip()
    stem = bare.removesuffix("干") or bare
    return stem[-1:]


def tint(category: str) -> str:
    """The ground of a picture by the category's Chinese name; see the `tint-…` colours of tokens.css."""
    return TINTS.get(category, "wood")


def claim_focus() -> bool:
    """True for the first asker of a response, false for all later ones: the first wrong field of a page takes the focus."""
    if g.get("is_focus_claimed"):
        return False
    g.is_focus_claimed = True
    return True


FILTERS: dict[str, Callable[..., str]] = {
    "change_percent": change_percent,
    "chinese": chinese,
    "clock": clock,
    "day": day,
    "grams": grams,
    "kg": kg,
    "lang_mark": lang_mark,
    "machine_time": machine_time,
    "masked_email": masked_email,
    "masked_phone": masked_phone,
    "moment": moment,
    "own_character": own_character,
    "percent_bp": percent_bp,
    "share_percent": share_percent,
    "share_width": share_width,
    "short_day": short_day,
    "thousands": thousands,
    "tint": tint,
    "weight": weight,
    "yuan": yuan,
    "yuan_sign": yuan_sign,
    "yuan_whole": yuan_whole,
}


def register(app: Flask) -> None:
    """Give the templates of this application the filters above, `claim_focus()`, and quick words and addresses. Babel comes first.

    A template that asks for what it was not given fails from now on, rather than showing nothing.
    """
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["claim_focus"] = claim_focus
    kept.register(app)


def _in_shanghai(when: When) -> When:
    """A moment as the clock on the wall in Shanghai shows it; a plain day stays itself."""
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise ValueError(f"a moment without its zone cannot be shown: {when!r}")
        return when.astimezone(SHANGHAI)
    return when


def _is_english() -> bool:
    """Whether the visitor reads English; outside a request everything is Chinese."""
    return kept.language() == "en"
