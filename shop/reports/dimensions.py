"""What sales can be grouped by, one entry each. The form, the table, the chart, CSV, JSON and the command are drawn from `DIMENSIONS`.

Law: every attribution has exactly one value of every dimension, so every fen stands in exactly one row; where none applies the key is NULL.
Nothing here depends on the database's own date functions or on arrays: the same SQL runs on SQLite and PostgreSQL.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    ScalarSelect,
    SQLColumnExpression,
    String,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from shop.catalog.models import Category, Product
from shop.extensions import Model
from shop.kit.regions import find_place, region_name
from shop.ledger.models import Attribution
from shop.orders.models import Channel, Order, OrderLine
from shop.origin.models import Cooperative, EasternUnit, Pairing, Town, Village

NONE = "-"
"""How an address says "none applies"."""


@dataclass(frozen=True, slots=True)
class Label:
    """One value of a dimension: what a row of a report is called."""

    key: str
    """In addresses; `NONE` where none applies."""
    code: str | None
    """The public code: official code, slug, or date. None where none applies or where a village has no official code."""
    name: str | None
    name_en: str | None
    """None: only the Chinese name is known."""


NOTHING = Label(NONE, None, None, None)


@dataclass(frozen=True, slots=True)
class Join:
    """A table that a dimension reads, and how it hangs on the attribution."""

    target: type[Model]
    on: ColumnElement[bool]
    after: tuple["Join", ...] = ()
    """Tables that `on` speaks of, beside the attribution."""
    is_outer: bool = False


Key = Any
"""What a dimension groups by in the database: an id, a code, a day or a number made of a day. Each dimension reads and writes its own kind."""


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One way to group sales."""

    name: str
    """In addresses, JSON and CSV: `--by village` adds `village_code` and `village`."""
    label: str
    """What a page calls it; lazily translated."""
    joins: tuple[Join, ...] = ()
    key: Callable[[SQLColumnExpression[date]], SQLColumnExpression[Key]]
    """Told apart by this; given the column of the day in force (of booking, or of sale)."""
    words: tuple[SQLColumnExpression[str | None], ...] = ()
    """Code, name and English name as the database has them, for dimensions that are tables."""
    read: Callable[[Key, str | None, str | None, str | None], Label]
    """What a key, not NULL, and its words are called."""
    parse: Callable[[str], Key]
    """The key behind the text of an address. Raises ValueError."""
    is_time: bool = False
    """Rows stand in the order of their keys; else the largest comes first."""
    is_of_months: bool = False
    """Of time: every day of a month has the same value."""

    def label_of(self, key: Key, code: str | None = None, name: str | None = None, name_en: str | None = None) -> Label:
        """What a row of this key is called."""
        return NOTHING if key is None else self.read(key, code, name, name_en)

    def key_of(self, text: str) -> Key:
        """The key that an address names, None for `NONE`. Raises ValueError."""
        return None if text == NONE else self.parse(text)


# ── Tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ORDER = Join(Order, Order.id == Attribution.order_id)
_VILLAGE = Join(Village, Village.id == Attribution.village_id)
_TOWN = Join(Town, Town.id == Village.town_id, after=(_VILLAGE,))
_COOPERATIVE = Join(Cooperative, Cooperative.id == Attribution.cooperative_id)
_LINE = Join(OrderLine, OrderLine.id == Attribution.line_id)
_PRODUCT = Join(Product, Product.id == OrderLine.product_id, after=(_LINE,))
_CATEGORY = Join(Category, Category.id == Product.category_id, after=(_PRODUCT,))
_UNIT = Join(EasternUnit, EasternUnit.id == Order.eastern_unit_id, after=(_ORDER,), is_outer=True)


def _credited_pairing() -> ScalarSelect[int]:
    """The one pairing that a sale is credited to: of the buyer's unit at the sale with the attribution's village or, failing that, its town.

    Valid on the day of sale; if several are, the village's before the town's, a confirmed one before others, then the oldest.
    """
    candidate = aliased(Pairing)
    meets = or_(candidate.village_id == Attribution.village_id, and_(candidate.village_id.is_(None), candidate.town_id == Village.town_id))
    return (
        select(candidate.id)
        .where(
            candidate.unit_id == Order.eastern_unit_id,
            meets,
            or_(candidate.valid_from.is_(None), candidate.valid_from <= Attribution.sold_on),
            or_(candidate.valid_until.is_(None), candidate.valid_until >= Attribution.sold_on),
        )
        .order_by(case((candidate.village_id.is_(None), 1), else_=0), case((candidate.is_confirmed, 0), else_=1), candidate.id)
        .limit(1)
        .correlate(Order, Attribution, Village)
        .scalar_subquery()
    )


CREDITED_PAIRING = _credited_pairing()
"""Its id. The roll-ups hold it by itself."""
_PAIRING = Join(Pairing, Pairing.id == CREDITED_PAIRING, after=(_ORDER, _VILLAGE, _UNIT), is_outer=True)


_LONGEST_ID = 18


def _id_of(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID):
        raise ValueError(text)
    return int(text)


def _table(
    name: str,
    label: str,
    key: SQLColumnExpression[Key],
    code: SQLColumnExpression[Any],
    title: SQLColumnExpression[Any],
    title_en: SQLColumnExpression[Any],
    *joins: Join,
) -> Dimension:
    """A dimension whose values are rows with an id."""
    return Dimension(
        name=name,
        label=label,
        joins=joins,
        key=lambda _day: key,
        words=(code, title, title_en),
        read=lambda id_, code, title, title_en: Label(str(id_), code, title, title_en),
        parse=_id_of,
    )


# ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_MONDAY_SECONDS = 3 * 86_400
"""1970-01-01 was a Thursday: three days more and whole weeks begin on Mondays."""
_WEEK_SECONDS = 7 * 86_400
_FIRST_MONDAY = date(1969, 12, 29)


def _week_number(day: SQLColumnExpression[date]) -> SQLColumnExpression[int]:
    """Whole weeks, Monday to Sunday, since the one that 1970 began in."""
    return (cast(extract("epoch", day), BigInteger) + _MONDAY_SECONDS) // _WEEK_SECONDS


def _day_label(day: date, *_words: str | None) -> Label:
    return Label(day.isoformat(), day.isoformat(), day.isoformat(), day.isoformat())


def _week_label(number: int, *_words: str | None) -> Label:
    monday = _FIRST_MONDAY + timedelta(weeks=number)
    code, name = f"{monday:%G-W%V}", f"{monday.isoformat()} – {monday + timedelta(days=6):%m-%d}"
    return Label(code, code, name, name)


def _month_label(number: int, *_words: str | None) -> Label:
    code = f"{number // 100:04d}-{number % 100:02d}"
    return Label(code, code, code, code)


def _year_label(number: int, *_words: str | None) -> Label:
    return Label(str(number), str(number), str(number), str(number))


def _matched(pattern: str, text: str) -> tuple[int, ...]:
    found = re.fullmatch(pattern, text, re.ASCII)
    if found is None:
        raise ValueError(text)
    return tuple(int(part) for part in found.groups())


def _parse_week(text: str) -> int:
    year, week = _matched(r"(\d{4})-W(\d\d)", text)
    return (date.fromisocalendar(year, week, 1) - _FIRST_MONDAY).days // 7


def _parse_month(text: str) -> int:
    year, month = _matched(r"(\d{4})-(\d\d)", text)
    return date(year, month, 1).year * 100 + month


def _time(
    name: str,
    label: str,
    key: Callable[[SQLColumnExpression[date]], SQLColumnExpression[Key]],
    read: Callable[..., Label],
    parse: Callable[[str], Key],
    *,
    is_of_months: bool = False,
) -> Dimension:
    return Dimension(name=name, label=label, key=key, read=read, parse=parse, is_time=True, is_of_months=is_of_months)


# ── Buyers ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_DISTRICT_DIGITS = 6


def _region(name: str, label: str, digits: int) -> Dimension:
    """The buyer's region by the first `digits` of the six of the address."""

    def read(prefix: str, *_words: str | None) -> Label:
        code = prefix.ljust(_DISTRICT_DIGITS, "0")
        return Label(code, code, _place_name(code, digits), None)

    def parse(text: str) -> str:
        if not re.fullmatch(r"\d{6}", text, re.ASCII):
            raise ValueError(text)
        return text[:digits]

    return Dimension(
        name=name,
        label=label,
        joins=(_ORDER,),
        key=lambda _day: func.nullif(func.substr(Order.district_code, 1, digits), ""),
        read=read,
        parse=parse,
    )


def _place_name(code: str, digits: int) -> str:
    """A district with its city, since there are four 鼓楼区; provinces and cities by themselves."""
    if digits == _DISTRICT_DIGITS:
        place = find_place(code)
        return "".join(place.names[-2:]) if place else code
    name, province = region_name(code), region_name(code[:2].ljust(_DISTRICT_DIGITS, "0"))
    return name if name == province else name.removeprefix(province)


_CHANNELS = {Channel.ONLINE: ("线上", "Online"), Channel.OFFLINE: ("线下", "Offline")}


def _channel_label(channel: Channel, *_words: str | None) -> Label:
    return Label(channel.value, channel.value, *_CHANNELS[channel])


_ACCREDITED = {True: ("已认定", "Accredited"), False: ("未认定", "Not accredited")}


def _accredited_label(is_accredited: bool, *_words: str | None) -> Label:
    code = "yes" if is_accredited else "no"
    return Label(code, code, *_ACCREDITED[bool(is_accredited)])


def _parse_accredited(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(text)
    return text == "yes"


# ── All of them ───────────────────────────────────────────────────────────────────────────────────────────────────────

_NO_WORD: SQLColumnExpression[Any] = literal(None, String)
_pairing_name = EasternUnit.name + " × " + Pairing.western_name + case((Pairing.is_confirmed, ""), else_="（待确认）")

DIMENSIONS: Mapping[str, Dimension] = MappingProxyType(
    {
        dimension.name: dimension
        for dimension in (
            _table("village", _("村"), Village.id, Village.code, Village.name, Village.name_en, _VILLAGE),
            _table("town", _("乡镇街道"), Town.id, Town.code, Town.short_name, Town.name_en, _TOWN),
            Dimension(
                name="county",
                label=_("产地区县"),
                joins=(_TOWN,),
                key=lambda _day: Town.county_code,
                words=(Town.county_code, Town.county_name, _NO_WORD),
                read=lambda key, code, name, name_en: Label(key, code, name, name_en),
                parse=str,
            ),
            _table("cooperative", _("合作社"), Cooperative.id, Cooperative.slug, Cooperative.name, Cooperative.name_en, _COOPERATIVE),
            _table("product", _("商品"), Product.id, Product.slug, Product.name, Product.name_en, _PRODUCT),
            _table("category", _("品类"), Category.id, Category.slug, Category.name, Category.name_en, _CATEGORY),
            _time("day", _("日"), lambda day: day, _day_label, date.fromisoformat),
            _time("week", _("周"), _week_number, _week_label, _parse_week),
            _time(
                "month",
                _("月"),
                lambda day: cast(extract("year", day) * 100 + extract("month", day), Integer),
                _month_label,
                _parse_month,
                is_of_months=True,
            ),
            _time(
                "year",
                _("年"),
                lambda day: cast(extract("year", day), Integer),
                _year_label,
                lambda text: _matched(r"(\d{4})", text)[0],
                is_of_months=True,
            ),
            _region("province", _("买家省份"), 2),
            _region("city", _("买家城市"), 4),
            _region("district", _("买家区县"), _DISTRICT_DIGITS),
            _table("eastern_unit", _("东部单位"), EasternUnit.id, EasternUnit.slug, EasternUnit.name, _NO_WORD, _UNIT),
            _table("pairing", _("结对"), Pairing.id, cast(Pairing.id, String), _pairing_name, _NO_WORD, _PAIRING),
            Dimension(
                name="channel",
                label=_("渠道"),
                joins=(_ORDER,),
                key=lambda _day: Order.channel,
                read=_channel_label,
                parse=Channel,
            ),
            Dimension(
                name="accredited",
                label=_("帮扶认定"),
                key=lambda _day: Attribution.is_accredited,
                read=_accredited_label,
                parse=_parse_accredited,
            ),
        )
    }
)
"""By name, in the order in which they are offered."""
