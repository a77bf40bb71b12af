"""How goods are spoken of: prices per measure, what is left, when it is harvested, what a pack holds.

Law: words only. A filter takes a value that a report made and says it in the visitor's language; it asks nobody anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from flask import Blueprint, url_for
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup, escape

from shop.catalog.measures import UnitPrice, in_jin
from shop.catalog.models import NetUnit
from shop.kit.hits import hits
from shop.reports.impact_page import ImpactRow
from shop.reports.months import Month
from shop.reports.village_page import MapPoint
from shop.shipping.rules import ServiceKind
from shop.stock.queries import SourceFacts
from shop.web import kept
from shop.web.filters import MONTHS, chinese, grams, thousands, weight, yuan, yuan_sign

FEW = 10
"""At this many units or fewer the page says how many are left; plenty is silent."""


class Stocked(Protocol):
    """Something of which units are left, or not."""

    @property
    def free_units(self) -> int: ...
    @property
    def unit_word(self) -> str: ...
    @property
    def is_in_season(self) -> bool: ...
    @property
    def first_harvest_month(self) -> int | None: ...
    @property
    def last_harvest_month(self) -> int | None: ...


def is_english() -> bool:
    """Whether the visitor reads English."""
    return kept.language() == "en"


def named(in_chinese: str, in_english: str) -> str:
    """The name in the visitor's language, the Chinese one where there is no English: for titles and attributes."""
    return in_english if in_english and is_english() else in_chinese


def said(in_chinese: str, in_english: str) -> str:
    """Content in the visitor's language; Chinese marked as such where there is no English."""
    if not is_english():
        return in_chinese
    return in_english or chinese(in_chinese)


def unit_price(price: UnitPrice) -> str:
    """`¥6.80/500 g`, `¥11.80/500 mL`, `¥1.73/个`."""
    if price.unit is NetUnit.PIECE:
        return str(gettext("¥%(price)s/个", price=yuan(price.fen)))
    return f"¥{yuan(price.fen)}/{price.measure} {price.unit.value}"


def stock_word(stocked: Stocked) -> str:
    """What is worth saying of what is left: nothing while there is plenty."""
    if stocked.free_units > FEW:
        return ""
    if stocked.free_units > 0:
        return str(gettext("只剩 %(count)s %(unit)s", count=stocked.free_units, unit=stocked.unit_word))
    if stocked.first_harvest_month is not None and not stocked.is_in_season:
        return str(gettext("过季，%(month)s再来", month=month(stocked.first_harvest_month)))
    return str(gettext("售罄"))


def stock_state(stocked: Stocked) -> str:
    """The state of the stock word: '', 'few' or 'gone'."""
    if stocked.free_units > FEW:
        return ""
    return "few" if stocked.free_units > 0 else "gone"


def month(number: int) -> str:
    """`9 月`, in English `Sep`."""
    return MONTHS[number - 1] if is_english() else f"{number} 月"


def season(first: int | None, last: int | None) -> str:
    """`9 月至 10 月`, `5 月`; without months `全年`."""
    if first is None or last is None or (last - first) % 12 == 11:
        return str(gettext("全年"))
    if first == last:
        return month(first)
    return str(gettext("%(first)s至 %(last)s", first=month(first), last=month(last)))


def net_content(net_value: int, net_unit: NetUnit) -> str:
    """`5 kg`, `500 g`, `5 L`, `500 mL`, `30 个`; beside weights, in Chinese, the 斤 that people think in."""
    if net_unit is NetUnit.GRAM:
        return weight(net_value) if is_english() else f"{weight(net_value)}（{in_jin(net_value)} 斤）"
    if net_unit is NetUnit.MILLILITRE:
        whole, rest = divmod(net_value, 1000)
        return f"{thousands(whole)} L" if whole and not rest else f"{thousands(net_value)} mL"
    return str(gettext("%(count)s 个", count=thousands(net_value)))


def units(count: int, unit_word: str) -> str:
    """`200 袋`; in English the bare number, since the pack's own name stands near."""
    return thousands(count) if is_english() else f"{thousands(count)} {unit_word}"


_SERVICES = {
    ServiceKind.ORDINARY: lazy_gettext("普通快递"),
    ServiceKind.QUICK: lazy_gettext("加急快递"),
    ServiceKind.COLD: lazy_gettext("冷链"),
}


def service_word(kind: ServiceKind) -> str:
    """`普通快递`, `加急快递`, `冷链`."""
    return str(_SERVICES[kind])


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One village's part of something, as the bar and its list want it."""

    name: str
    part: int
    figure: str
    note: str
    href: str


def money_rows(shares: Iterable[tuple[SourceFacts, int]]) -> list[ShareRow]:
    """Villages with their fen, drawn by the grams that the fen follow."""
    return [_share_row(source, yuan_sign(fen), weight(source.grams)) for source, fen in shares]


class NamedVillage(Protocol):
    """A village beside some sum."""

    @property
    def name(self) -> str: ...
    @property
    def name_en(self) -> str: ...


def sum_rows(villages: Iterable[NamedVillage], field: str) -> list[ShareRow]:
    """Villages with a sum of theirs, fen, that stands in the named field: `costs.shares|sum_rows('amount_fen')`."""
    pairs = ((said(village.name, village.name_en), int(getattr(village, field))) for village in villages)
    return [ShareRow(name, fen, yuan_sign(fen), "", "") for name, fen in pairs]


def gram_rows(sources: Iterable[SourceFacts]) -> list[ShareRow]:
    """Villages with what they brought, in grams."""
    return [_share_row(source, grams(source.grams), _whereabouts(source)) for source in sources]


@dataclass(frozen=True, slots=True)
class Place:
    """A town on the schematic, as `points()` draws it."""

    name: str
    value: int
    east_km: float | None
    north_km: float | None
    is_here: bool


def map_point(point: MapPoint) -> Place:
    """A town by its name in the visitor's language."""
    return Place(named(point.name, point.name_en), point.value, point.east_km, point.north_km, point.is_here)


@dataclass(frozen=True, slots=True)
class Column:
    """A month of a chart."""

    name: str
    value: int
    is_open: bool


def month_column(of: Month) -> Column:
    """A month's net."""
    return Column(month(of.month), of.net_fen, of.is_open)


def _share_row(source: SourceFacts, figure: str, note: str) -> ShareRow:
    href = url_for("storefront.villages.show", slug=source.village_slug)
    return ShareRow(said(source.village, source.village_en), source.grams, figure, note, href)


def _whereabouts(source: SourceFacts) -> str:
    town = said(source.town, source.town_en)
    return f"{town} {source.village_code}" if source.village_code else town


def marked(text: str, sought: str) -> Markup:
    """`text` with the pieces marked that what was sought stands for."""
    whole, at = Markup(), 0
    for start, end in hits(text, sought) if sought else ():
        whole += escape(text[at:start]) + Markup("<mark>{}</mark>").format(text[start:end])
        at = end
    return whole + escape(text[at:])


def impact_column(row: ImpactRow, until: date) -> Column:
    """A month of the public figures."""
    year, number = row.name.split("-")[:2]
    return Column(month(int(number)), row.net_fen, (int(year), int(number)) == (until.year, until.month))


def year_tab(year: int, here: str, chosen: int | None) -> tuple[str, str, bool]:
    """A calendar year to choose."""
    return str(gettext("%(year)s 年", year=year)), f"{here}?year={year}", year == chosen


def register(blueprint: Blueprint) -> None:
    """Let every template say these."""
    for word in (
        unit_price,
        stock_word,
        stock_state,
        month,
        season,
        net_content,
        units,
        service_word,
        money_rows,
        gram_rows,
        sum_rows,
        map_point,
        month_column,
        marked,
        impact_column,
        year_tab,
    ):
        blueprint.add_app_template_filter(word)
    blueprint.add_app_template_global(said)
    blueprint.add_app_template_global(named)
